"""Determinants and cofactors, each with its gradient rule beside it."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

from .._typing import Array
from ..array_api._arguments import LIBRARY_ERRORS
from ..array_api._rules import adjoint, conj, kind
from ..autograd.primitive import primitive
from ..backends import canonical_dtype
from ._shapes import square

__all__ = ["SlogdetResult", "cofactor", "cofactor_change", "det", "slogdet"]


class SlogdetResult(NamedTuple):
    """What `slogdet` gives."""

    sign: Any
    logabsdet: Any


@primitive(name="linalg.det", holomorphic=True)
def det(xp: Any, x: Array, /) -> Array:
    """Determinant of each matrix; shape (..., n, n) to (...).

    The gradient is the matrix of cofactors. It and its own derivative are right for singular matrices, too; the
    third derivative is NaN for ill-conditioned ones, and raises the library's own error for singular ones. Raises
    `ShapeError` for other shapes.

    >>> import xdbr
    >>> xdbr.linalg.det(xdbr.asarray([[1.0, 2.0], [3.0, 4.0]])).item()
    -2.0
    """
    return xp.linalg.det(square("linalg.det", xp, x))


det.vjp(lambda xp, g, x: g[..., None, None] * xp.linalg.cofactor(x))


def _limit(x: Array) -> float:
    """Give the condition number from which on the inverse is not used."""
    return 1e6 if canonical_dtype(x.dtype).name in ("float64", "complex128") else 1e3


def _regular(xp: Any, x: Array) -> tuple[Array, Array] | None:
    """Give determinants and inverses of matrices that are all far from singular, else `None`."""
    value = xp.linalg.det(x)
    if x.shape[-1] and bool(xp.any(value == 0)):  # elimination met a zero
        return None
    try:
        inverse = xp.linalg.inv(x)
    except LIBRARY_ERRORS:  # another elimination, which met a zero after all
        return None
    condition = float(xp.max(xp.abs(x)) * xp.max(xp.abs(inverse))) if math.prod(x.shape) else 0.0
    if math.isnan(condition):
        # No decomposition takes NaN; among finite elements it is an inverse that divided by zero and did not raise.
        return None if bool(xp.all(xp.isfinite(x))) else (value, inverse)
    return None if condition > _limit(x) else (value, inverse)


def _product_without(xp: Any, s: Array, *places: int) -> Array:
    """Give the product of all singular values but those at some places."""
    left = [s[..., k] for k in range(s.shape[-1]) if k not in places]
    return functools.reduce(xp.multiply, left, xp.ones_like(s[..., 0]))


@primitive(name="linalg.cofactor", holomorphic=True)
def cofactor(xp: Any, x: Array, /) -> Array:
    """Cofactors of each matrix: the derivatives of the determinant by its elements; beyond the standard.

    x: shape (..., n, n). Where the matrix has an inverse the result is `det(x) * inv(x).mT`; for singular and
    ill-conditioned ones it comes from the singular values.

    The first derivative is right for singular matrices, too; the second one is NaN for ill-conditioned ones, and raises
    the library's own error for singular ones. Raises `ShapeError` for other shapes.

    >>> import xdbr
    >>> xdbr.linalg.cofactor(xdbr.asarray([[1.0, 1.0], [1.0, 1.0]])).shape
    (2, 2)
    """
    x = square("linalg.cofactor", xp, x)
    regular = _regular(xp, x)
    if regular is not None:
        return regular[0][..., None, None] * xp.matrix_transpose(regular[1])
    u, s, vh = xp.linalg.svd(x)
    others = [_product_without(xp, s, i) for i in range(s.shape[-1])]
    turn = xp.linalg.det(u) * xp.linalg.det(vh)
    made = xp.matmul(u * xp.stack(others, axis=-1)[..., None, :], vh)
    return turn[..., None, None] * conj(xp, made)


cofactor.vjp(lambda xp, g, x: xp.linalg.cofactor_change(x, g))


@primitive(name="linalg.cofactor_change", holomorphic=True)
def cofactor_change(xp: Any, x: Array, change: Array, /) -> Array:
    """Derivative of the cofactors of each matrix in the direction `change`; beyond the standard.

    x, change: shape (..., n, n). It is linear in `change`, and as the second derivative of the determinant symmetric:
    the sum of `g * cofactor_change(x, h)` stays where g and h are exchanged. Right for singular matrices, too.

    Its own derivative by `x` is NaN for ill-conditioned matrices, and raises the library's own error for singular ones.
    Raises `ShapeError` for other shapes.

    >>> import xdbr
    >>> x = xdbr.asarray([[1.0, 1.0], [1.0, 1.0]])
    >>> xdbr.linalg.cofactor_change(x, xdbr.asarray([[1.0, 0.0], [0.0, 0.0]])).shape
    (2, 2)
    """
    x = square("linalg.cofactor_change", xp, x)
    change = square("linalg.cofactor_change", xp, change)
    regular = _regular(xp, x)
    if regular is not None:
        turned = xp.matrix_transpose(regular[1])
        scale = xp.sum(turned * change, axis=(-2, -1), keepdims=True)
        moved = xp.matmul(xp.matmul(turned, xp.matrix_transpose(change)), turned)
        return regular[0][..., None, None] * (scale * turned - moved)
    # In the basis of singular vectors the matrix is diagonal, and its minors of two rows less are products.
    u, s, vh = xp.linalg.svd(x)
    n = s.shape[-1]
    pairs = [
        [xp.zeros_like(s[..., 0]) if i == j else _product_without(xp, s, i, j) for j in range(n)] for i in range(n)
    ]
    minors = xp.stack([xp.stack(row, axis=-1) for row in pairs], axis=-2)
    inner = xp.matmul(xp.matmul(adjoint(xp, u), change), adjoint(xp, vh))
    along = xp.sum(xp.eye(n, dtype=x.dtype, device=x.device) * inner, axis=-2, keepdims=True)
    whole = xp.sum(minors * along, axis=-1)[..., None] * xp.eye(n, dtype=x.dtype, device=x.device)
    turn = xp.linalg.det(u) * xp.linalg.det(vh)
    made = xp.matmul(xp.matmul(conj(xp, u), whole - minors * xp.matrix_transpose(inner)), conj(xp, vh))
    return turn[..., None, None] * made


def _cofactor_change_rule(xp: Any, g: Array, x: Array, change: Array) -> Array:
    """The third derivative of the determinant, in the directions `g` and `change`."""
    turned = xp.matrix_transpose(xp.linalg.inv(x))
    gt = xp.matmul(turned, xp.matmul(xp.matrix_transpose(g), turned))
    ht = xp.matmul(turned, xp.matmul(xp.matrix_transpose(change), turned))
    by_g = xp.sum(turned * g, axis=(-2, -1), keepdims=True)
    by_h = xp.sum(turned * change, axis=(-2, -1), keepdims=True)
    by_both = xp.sum(gt * change, axis=(-2, -1), keepdims=True)
    twice = xp.matmul(xp.matmul(gt, xp.matrix_transpose(change)), turned)
    twice = twice + xp.matmul(xp.matmul(ht, xp.matrix_transpose(g)), turned)
    made = (by_g * by_h - by_both) * turned - by_g * ht - by_h * gt + twice
    made = xp.linalg.det(x)[..., None, None] * made
    if not math.prod(x.shape):
        return made
    # Near a singular matrix the terms cancel, and nothing is left of them: NaN, and in all further derivatives.
    both = (-2, -1)
    condition = xp.max(xp.abs(x), axis=both, keepdims=True) * xp.max(xp.abs(turned), axis=both, keepdims=True)
    one = xp.ones_like(condition)
    return made * xp.where(condition > _limit(x), math.nan * one, one)


cofactor_change.vjp(_cofactor_change_rule, lambda xp, g, x: xp.linalg.cofactor_change(x, g))


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

    Differentiable where the matrix has an inverse; at a singular one the gradient raises the library's own error,
    or has infinities or NaN. The sign of a real matrix has a gradient of zero. Raises `ShapeError` for other shapes.

    >>> import xdbr
    >>> xdbr.linalg.slogdet(xdbr.asarray([[-1.0, 0.0], [0.0, 1.0]])).sign
    Variable(-1., dtype=float32)
    """
    made: SlogdetResult = _slogdet(x)
    return made
