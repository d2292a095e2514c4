"""Determinants and cofactors, each with its gradient rule beside it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .._typing import Array
from ..array_api._rules import adjoint, conj, kind
from ..autograd.primitive import primitive
from ..backends import canonical_dtype
from ._shapes import square

__all__ = ["SlogdetResult", "cofactor", "det", "slogdet"]


class SlogdetResult(NamedTuple):
    """What `slogdet` gives."""

    sign: Any
    logabsdet: Any


@primitive(name="linalg.det", holomorphic=True)
def det(xp: Any, x: Array, /) -> Array:
    """Determinant of each matrix; shape (..., n, n) to (...).

    The gradient is the matrix of cofactors, right for singular matrices, too. Raises `ShapeError` for other shapes.

    >>> import xdbr
    >>> xdbr.linalg.det(xdbr.asarray([[1.0, 2.0], [3.0, 4.0]])).item()
    -2.0
    """
    return xp.linalg.det(square("linalg.det", xp, x))


det.vjp(lambda xp, g, x: g[..., None, None] * xp.linalg.cofactor(x))


@primitive(name="linalg.cofactor", holomorphic=True)
def cofactor(xp: Any, x: Array, /) -> Array:
    """Cofactors of each matrix: the derivatives of the determinant by its elements; beyond the standard.

    x: shape (..., n, n). Where the matrix has an inverse the result is `det(x) * inv(x).mT`; for singular and
    ill-conditioned ones it comes from the singular values.

    Its own derivative needs a matrix that has an inverse. Raises `ShapeError` for other shapes.

    >>> import xdbr
    >>> xdbr.linalg.cofactor(xdbr.asarray([[1.0, 1.0], [1.0, 1.0]])).shape
    (2, 2)
    """
    x = square("linalg.cofactor", xp, x)
    value = xp.linalg.det(x)
    if not x.shape[-1] or not bool(xp.any(value == 0)):  # elimination met no zero, so there is an inverse
        inverse = xp.linalg.inv(x)
        condition = xp.max(xp.abs(x)) * xp.max(xp.abs(inverse)) if math.prod(x.shape) else 0.0
        limit = 1e6 if canonical_dtype(x.dtype).name in ("float64", "complex128") else 1e3
        if not float(condition) > limit:  # also where it is NaN, which no decomposition takes
            return value[..., None, None] * xp.matrix_transpose(inverse)
    u, s, vh = xp.linalg.svd(x)
    n = s.shape[-1]
    others = [xp.prod(xp.concat([s[..., :i], s[..., i + 1 :]], axis=-1), axis=-1) for i in range(n)]
    turn = xp.linalg.det(u) * xp.linalg.det(vh)
    made = xp.matmul(u * xp.stack(others, axis=-1)[..., None, :], vh)
    return turn[..., None, None] * conj(xp, made)


def _cofactor_rule(xp: Any, g: Array, x: Array, out: Array) -> Array:
    turned = xp.matrix_transpose(xp.linalg.inv(x))
    scale = xp.sum(g * out, axis=(-2, -1), keepdims=True)
    return scale * turned - xp.matmul(xp.matmul(turned, xp.matrix_transpose(g)), out)


cofactor.vjp(_cofactor_rule)


@primitive(name="linalg.slogdet", arrays=1, outputs=2)
def _slogdet(xp: Any, x: Array, /) -> SlogdetResult:
    return SlogdetResult(*xp.linalg.slogdet(square("linalg.slogdet", xp, x)))


def _slogdet_rule(
    xp: Any, g: list[Array | None], needs: list[bool], x: Array, out: SlogdetResult
) -> list[Array | None]:
    by_sign, by_log = g
    scale = by_log
    if by_sign is not None and kind(x.dtype) == "c":
        turn = by_sign * xp.conj(out[0])
        turn = (turn - xp.conj(turn)) / 2  # its imaginary part: only the phase of the determinant moves the sign
        scale = turn if scale is None else scale + turn
    if scale is None:
        return [None]  # the sign of a real determinant is constant
    return [scale[..., None, None] * adjoint(xp, xp.linalg.inv(x))]


_slogdet.vjp_joint(_slogdet_rule)


def slogdet(x: Any, /) -> SlogdetResult:
    """Sign and natural logarithm of the absolute value of each determinant: a namedtuple.

    x: shape (..., n, n).
    The result is `sign`, of x's dtype, a number of absolute value 1 (0 for a singular matrix), and
    `logabsdet`, real (minus infinity for a singular matrix), both of shape (...).

    Differentiable where the matrix has an inverse. Raises `ShapeError` for other shapes.

    >>> import xdbr
    >>> xdbr.linalg.slogdet(xdbr.asarray([[-1.0, 0.0], [0.0, 1.0]])).sign
    Variable(-1., dtype=float32)
    """
    made: SlogdetResult = _slogdet(x)
    return made
