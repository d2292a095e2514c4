"""Inverses, linear equations and integer powers, each with its gradient rule beside it."""

from __future__ import annotations

from typing import Any

from .._errors import ShapeError
from .._typing import Array, Shape
from ..array_api._rules import adjoint, floating
from ..array_api.data_types import finfo
from ..autograd.primitive import composite, primitive
from ..autograd.variable import VARIABLES, Variable
from ._responses import distinct, kept
from ._shapes import matrices, square

__all__ = ["inv", "matrix_power", "matrix_rank", "pinv", "solve"]


@primitive(name="linalg.inv", holomorphic=True)
def inv(xp: Any, x: Array, /) -> Array:
    """Inverse of each matrix; shape (..., n, n).

    Raises `ShapeError` for other shapes and the library's own error for a singular matrix. Rule: Giles, 2008.

    >>> import xdbr
    >>> xdbr.linalg.inv(xdbr.asarray([[2.0, 0.0], [0.0, 4.0]]))
    Variable([[0.5 , 0.  ],
              [0.  , 0.25]], dtype=float32)
    """
    return xp.linalg.inv(square("linalg.inv", xp, x))


def _inv_rule(xp: Any, g: Array, out: Array) -> Array:
    turned = xp.matrix_transpose(out)
    return -xp.matmul(xp.matmul(turned, g), turned)


inv.vjp(_inv_rule)


@primitive(name="linalg.solve", joint=True, holomorphic=True)
def solve(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Solution of the linear equations `x1 @ x = x2` of each matrix.

    x1: shape (..., n, n). x2: shape (n,), a vector, or (..., n, k). The leading axes broadcast.

    Raises `ShapeError` for other shapes and the library's own error for a singular matrix. Rule: Giles, 2008.

    >>> import xdbr
    >>> xdbr.linalg.solve(xdbr.asarray([[2.0, 0.0], [0.0, 4.0]]), xdbr.asarray([2.0, 2.0]))
    Variable([1. , 0.5], dtype=float32)
    """
    x1 = square("linalg.solve", xp, x1)
    n = x1.shape[-1]
    if len(x2.shape) == 0 or x2.shape[-1 if len(x2.shape) == 1 else -2] != n:
        raise ShapeError(
            f"linalg.solve: x2 must have the shape ({n},) or (..., {n}, k) beside x1 of shape {tuple(x1.shape)}; "
            f"got {tuple(x2.shape)}"
        )
    x2 = floating(xp, x2)
    if len(x2.shape) > 1:
        return xp.linalg.solve(x1, x2)
    return xp.linalg.solve(x1, x2[:, None])[..., 0]  # libraries read a vector beside a stack of matrices differently


def _solve_rule(xp: Any, g: Array, needs: list[bool], x1: Array, x2_shape: Shape, out: Array) -> list[Array | None]:
    vector = len(x2_shape) == 1
    if vector:
        g, out = g[..., None], out[..., None]
    by_x2 = xp.linalg.solve(xp.matrix_transpose(x1), g)
    by_x1 = -xp.matmul(by_x2, xp.matrix_transpose(out)) if needs[0] else None
    return [by_x1, by_x2[..., 0] if vector else by_x2]


solve.vjp_joint(_solve_rule)


def _tolerance(xp: Any, x: Array, s: Array, rtol: Any) -> Array:
    """Give below what singular values count as zero: `rtol` times the greatest."""
    greatest = xp.max(s, axis=-1) if s.shape[-1] else xp.zeros(s.shape[:-1], dtype=s.dtype, device=s.device)
    if rtol is None:
        eps = finfo(s.dtype).eps
        rtol = max(x.shape[-2], x.shape[-1]) * eps
    return greatest * rtol


def _raw_rtol(rtol: Any) -> Any:
    return rtol._raw if type(rtol) in VARIABLES else rtol


@primitive(name="linalg.pinv", arrays=1)
def _pinv(xp: Any, x: Array, /, *, rtol: Any = None) -> Array:
    x = matrices("linalg.pinv", xp, x)
    if not x.shape[-1] * x.shape[-2]:
        nothing = xp.zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), dtype=x.dtype, device=x.device)
        return xp.broadcast_arrays(nothing, rtol[..., None, None])[0] if hasattr(rtol, "shape") else nothing
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    counts = s > _tolerance(xp, x, s, rtol)[..., None]
    inverse = xp.where(counts, 1 / xp.where(counts, s, xp.ones_like(s)), xp.zeros_like(s))
    return xp.matmul(adjoint(xp, vh) * inverse[..., None, :], adjoint(xp, u))


def _pinv_rule(xp: Any, g: Array, x: Array, out: Array, rtol: Any) -> Array:
    """Golub and Pereyra, 1973, equation 4.12, where only zeros are left out."""
    if rtol is not None:
        return _truncated_rule(xp, g, x, rtol)
    high, gh = adjoint(xp, out), adjoint(xp, g)
    rows = xp.matmul(xp.matmul(gh, out), high)
    columns = xp.matmul(high, xp.matmul(out, gh))
    made = rows - xp.matmul(x, xp.matmul(out, rows)) + columns - xp.matmul(xp.matmul(columns, out), x)
    return made - xp.matmul(xp.matmul(high, g), high)


def _truncated_rule(xp: Any, g: Array, x: Array, rtol: Any) -> Array:
    """Give the gradient where singular values that are not zero are left out, too.

    In the basis of singular vectors the differential at (i, j) is `direct * n[i, j] + crossed * conj(n[j, i])`, n being
    that of `x.mT.conj()`: the divided differences of the function of the singular values, `1 / s` or zero (Lewis
    and Sendov, 2001, doi:10.1137/S0895479899363265). None of them divides by the gap between two values that count.
    """
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    # Vectors of the value zero lie beyond, as those of an oblong matrix do: nothing determines them.
    there = distinct(xp, s[..., None, :], s) != 0
    u, vh = kept(xp, there, u), kept(xp, xp.matrix_transpose(there), vh)
    uh, v = adjoint(xp, u), adjoint(xp, vh)
    counts = s > _tolerance(xp, x, s, rtol)[..., None]
    inverse = xp.where(counts, 1 / xp.where(counts, s, xp.ones_like(s)), xp.zeros_like(s))
    left_out = xp.where(counts, xp.zeros_like(s), s)
    row, column = s[..., None, :], s[..., :, None]
    apart = counts[..., None, :] != counts[..., :, None]
    gap = xp.where(apart, xp.abs((row - column) * (row + column)), xp.ones_like(row * column))
    direct = xp.where(apart, 1 / gap, xp.zeros_like(gap))
    both = inverse[..., None, :] * inverse[..., :, None]
    one = inverse[..., None, :] * left_out[..., :, None] + left_out[..., None, :] * inverse[..., :, None]
    crossed = one * direct - both
    gu, vg = xp.matmul(g, u), xp.matmul(vh, g)
    inner = xp.matmul(vh, gu)
    turned = xp.matmul(v, xp.matmul(direct * inner + crossed * adjoint(xp, inner), uh))
    squares = inverse * inverse
    beyond_u = xp.matmul(v, squares[..., :, None] * (vg - xp.matmul(inner, uh)))
    beyond_v = xp.matmul((gu - xp.matmul(v, inner)) * squares[..., None, :], uh)
    return adjoint(xp, turned + beyond_u + beyond_v)


_pinv.vjp(_pinv_rule)


def pinv(x: Any, /, *, rtol: Any = None) -> Variable:
    """Moore-Penrose pseudo-inverse of each matrix; shape (..., m, n) to (..., n, m).

    rtol: singular values up to `rtol` times the greatest count as zero; a number or an array of shape
        (...), by default max(m, n) times the dtype's epsilon.

    Differentiable where the rank is constant (Golub and Pereyra, 1973): a gradient takes singular values that count
    as zero to stay so. With `rtol` given, the gradient is exact also where those are not zero, and its own
    derivative is NaN where singular values coincide. Raises `ShapeError` for fewer than two axes.

    >>> import xdbr
    >>> xdbr.linalg.pinv(xdbr.asarray([[2.0]]))
    Variable([[0.5]], dtype=float32)
    """
    return _pinv(x, rtol=_raw_rtol(rtol))


@primitive(name="linalg.matrix_rank", arrays=1, differentiable=False)
def _matrix_rank(xp: Any, x: Array, /, *, rtol: Any = None) -> Array:
    x = matrices("linalg.matrix_rank", xp, x)
    s = xp.linalg.svdvals(x)
    return xp.sum(xp.astype(s > _tolerance(xp, x, s, rtol)[..., None], xp.int64), axis=-1)


def matrix_rank(x: Any, /, *, rtol: Any = None) -> Variable:
    """Number of singular values that are not zero; shape (..., m, n) to (...), the default integer dtype.

    rtol: as for `pinv`.

    Raises `ShapeError` for fewer than two axes.

    >>> import xdbr
    >>> xdbr.linalg.matrix_rank(xdbr.ones((2, 3)))
    Variable(1, dtype=int64)
    """
    return _matrix_rank(x, rtol=_raw_rtol(rtol))


@composite(name="linalg.matrix_power")
def matrix_power(xp: Any, x: Array, n: int, /) -> Array:
    """Power of each matrix with an integer exponent; shape (..., m, m).

    n: 0 gives the identity; a negative exponent that of the inverse.

    Raises `ShapeError` for other shapes, `TypeError` for an exponent that is no integer, and the library's
    own error for a negative power of a singular matrix.

    >>> import xdbr
    >>> xdbr.linalg.matrix_power(xdbr.asarray([[1.0, 1.0], [0.0, 1.0]]), 3)
    Variable([[1., 3.],
              [0., 1.]], dtype=float32)
    """
    x = square("linalg.matrix_power", xp, x)
    if not hasattr(n, "__index__"):
        raise TypeError(f"linalg.matrix_power: n must be an integer; got {n!r}")
    left = abs(n.__index__())
    if not left:
        return xp.zeros_like(x) + xp.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    if n < 0:
        x = xp.linalg.inv(x)
    power = None
    while left:
        if left % 2:
            power = x if power is None else xp.matmul(power, x)
        left //= 2
        if left:
            x = xp.matmul(x, x)
    return power
