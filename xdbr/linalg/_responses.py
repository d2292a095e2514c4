"""How eigenvectors and singular vectors respond to a change of their matrix: first-order perturbation theory.

The k-th eigenvector v of a Hermitian A, with the value w, responds to a change dA by `M dA v`, where M is the
inverse of `w - A` beside v itself: `M = sum(v_j v_j^H / (w - w_j))` over all other j. M is Hermitian, so it serves the
cotangent of v as well. It depends on A, w and v alone: that the other vectors help to compute it says nothing about its
derivative. So rules of all orders are made of M again, and vectors that are not used never come in, which matters
where their values coincide and they have no derivative.

A singular vector pair (u; v) is an eigenvector of the Hermitian [[0, A], [A^H, 0]], with the value s; (u; -v) has -s.

Source: Magnus, "On differentiating eigenvalues and eigenvectors", Econometric Theory 1, 1985, for the first order.
"""

from __future__ import annotations

from typing import Any

from .._typing import Array
from ..array_api._rules import adjoint, conj, kind
from ..array_api.data_types import finfo
from ..autograd.primitive import primitive
from ..autograd.variable import VARIABLES

__all__ = [
    "apart",
    "columns",
    "distinct",
    "eigh_response",
    "identity",
    "is_turning",
    "kept",
    "off_diagonal",
    "skew",
    "svd_response",
]


def identity(xp: Any, like: Array) -> Array:
    """Give the identity of a matrix's size and dtype."""
    return xp.eye(like.shape[-1], dtype=like.dtype, device=like.device)


def off_diagonal(xp: Any, x: Array) -> Array:
    """Give each matrix with zeros on its diagonal, whatever was there."""
    return xp.triu(x, k=1) + xp.tril(x, k=-1)


def skew(xp: Any, x: Array) -> Array:
    """Give twice the skew-Hermitian part of each matrix."""
    return x - adjoint(xp, x)


def distinct(xp: Any, gaps: Array, values: Array) -> Array:
    """Give gaps between values, or sums of them, with zero for what rounding alone can have made.

    Values that coincide come out of a decomposition a few units of rounding apart, and a division by that is noise.
    """
    if 0 in values.shape:
        return gaps
    size = xp.max(xp.abs(values), axis=-1)[..., None, None]
    noise = 4 * values.shape[-1] * finfo(values.dtype).eps * size
    return xp.where(xp.abs(gaps) <= noise, xp.zeros_like(gaps), gaps)


def apart(xp: Any, values: Array, *, from_zero: bool = False) -> Array:
    """Tell which values coincide with no other, beyond rounding; shape (..., 1, n).

    Vectors of those are smooth, whether they are used or not, and a cotangent of zero says nothing of them.
    """
    gaps = distinct(xp, values[..., None, :] - values[..., :, None], values) + identity(xp, values)
    found = xp.all(gaps != 0, axis=-2, keepdims=True)
    return found & (distinct(xp, values[..., None, :], values) != 0) if from_zero else found


def columns(xp: Any, *parts: Array) -> Array:
    """Tell in which columns any part has an element that is not zero."""
    found = xp.any(parts[0] != 0, axis=-2, keepdims=True)
    for part in parts[1:]:
        found = found | xp.any(part != 0, axis=-2, keepdims=True)
    return found


def kept(xp: Any, mask: Array, x: Array) -> Array:
    """Give `x` where the mask is true and zero elsewhere: below it nothing comes back, not even NaN."""
    return xp.where(mask, x, xp.zeros_like(x))


def _inner(xp: Any, x: Array, y: Array) -> Array:
    """Give the products of columns, `x_k^H y_k`, as a row."""
    return xp.sum(conj(xp, x) * y, axis=-2, keepdims=True)


# -- eigenvectors of Hermitian matrices -------------------------------------------------------------------


@primitive(name="linalg._eigh_response", arrays=5, joint=True)
def _eigh_response(xp: Any, x: Array, values: Array, vectors: Array, g: Array, used: Array, /) -> Array:
    gaps = distinct(xp, values[..., None, :] - values[..., :, None], values) + identity(xp, values)
    shares = off_diagonal(xp, xp.matmul(adjoint(xp, vectors), g) / gaps)
    return xp.matmul(vectors, kept(xp, used, shares))


def eigh_response(xp: Any, x: Array, values: Array, vectors: Array, g: Array, used: Array) -> Array:
    """Give `M_k g_k` for each column g_k, where M_k belongs to the k-th eigenvector of x.

    used: which columns are used, or which of their shares of other vectors; shape (..., 1, n) or (..., n, n).

    NaN or infinite where the value of a column that is used coincides with another; the others give zero.
    """
    given = (x, values, vectors, g, used)
    if any(type(one) in VARIABLES for one in given):
        return _eigh_response(*given)
    return _eigh_response.primitive.forward(xp, *given)


def _eigh_response_rule(
    xp: Any, h: Array, needs: list[bool], x: Array, values: Array, vectors: Array, g: Array, out: Array
) -> list[Array | None]:
    # From dM = M (dA - dw) M - v dv^H M - M dv v^H. Among values that coincide only columns that both g and h have
    # count in y = M g and z = M h.
    smooth = apart(xp, values)
    used = smooth | columns(xp, h)
    back = eigh_response(xp, x, values, vectors, h, used)
    live = smooth | (columns(xp, g) & used)
    y, z = kept(xp, live, out), kept(xp, live, back)
    by_x = xp.matmul(z, adjoint(xp, y))
    by_vectors = kept(xp, live, -(y * _inner(xp, h, vectors) + z * _inner(xp, g, vectors)))
    return [(by_x + adjoint(xp, by_x)) * 0.5, -xp.real(_inner(xp, z, y))[..., 0, :], by_vectors, back, None]


_eigh_response.vjp_joint(_eigh_response_rule)


# -- singular vectors -------------------------------------------------------------------------------------


@primitive(name="linalg._svd_response", arrays=8, joint=True, outputs=2)
def _svd_response(
    xp: Any, x: Array, u: Array, s: Array, vh: Array, gu: Array, gv: Array, used: Array, turning: Array, /
) -> tuple[Array, Array]:
    v = adjoint(xp, vh)
    row, column = s[..., None, :], s[..., :, None]
    by_u, by_v = xp.matmul(adjoint(xp, u), gu), xp.matmul(vh, gv)
    # Shares of (u_j; v_j), and of (u_j; -v_j).
    ahead = off_diagonal(xp, (by_u + by_v) / (distinct(xp, row - column, s) + identity(xp, s))) * 0.5
    ahead = kept(xp, turning & used, ahead)
    behind = (by_u - by_v) / distinct(xp, row + column, s) * 0.5
    along = 0.5 * skew(xp, behind) * identity(xp, behind) if kind(x.dtype) == "c" else 0.0
    behind = kept(xp, used, off_diagonal(xp, behind) + along)
    left, right = xp.matmul(u, ahead + behind), xp.matmul(v, ahead - behind)
    m, n, k = x.shape[-2], x.shape[-1], s.shape[-1]
    if m > k:
        left = left + kept(xp, columns(xp, gu), (gu - xp.matmul(u, by_u)) / distinct(xp, row, s))
    if n > k:
        right = right + kept(xp, columns(xp, gv), (gv - xp.matmul(v, by_v)) / distinct(xp, row, s))
    return left, right


def svd_response(
    xp: Any, x: Array, u: Array, s: Array, vh: Array, gu: Array, gv: Array, used: Array, turning: Array
) -> tuple[Array, Array]:
    """Give `M_k (gu_k; gv_k)` for each pair of columns, where M_k belongs to the k-th singular vector pair of x.

    used: as for `eigh_response`.
    turning: for each matrix, whether it makes a difference that u and v turn together; see `is_turning`.

    Less what changes nothing in `left @ vh + u @ right^H`, for which the result is meant: real shares of (u_k; -v_k),
    and where a turn makes no difference all of (u_j; v_j). They would be divided by values or gaps that may be zero.
    NaN or infinite where the value of a pair that is used coincides with another otherwise; the others give zero.
    """
    given = (x, u, s, vh, gu, gv, used, turning)
    if not any(type(one) in VARIABLES for one in given):
        return _svd_response.primitive.forward(xp, *given)  # type: ignore[no-any-return]
    # The forward leaves those shares out by itself. Its rule counts on their not being there in the first place.
    v = adjoint(xp, vh)
    by_u, by_v = xp.matmul(adjoint(xp, u), gu), xp.matmul(vh, gv)
    idle = xp.real(by_u - by_v) * identity(xp, s)
    spun = xp.where(turning, xp.zeros_like(by_u), by_u + by_v)
    gu = gu - 0.5 * xp.matmul(u, spun + idle)
    gv = gv - 0.5 * xp.matmul(v, spun - idle)
    return _svd_response(x, u, s, vh, gu, gv, used, turning)  # type: ignore[no-any-return]


def is_turning(xp: Any, u: Array, s: Array, vh: Array, gu: Array, gv: Array) -> Array:
    """Tell for which matrices a turn of u and v together makes a difference, beyond rounding; shape (..., 1, 1).

    It makes none to a function of `u @ vh`, and then vectors may turn freely where their values coincide. Where none do
    there is nothing to tell, and zeros could be those of chance.
    """
    by_u, by_v = xp.matmul(adjoint(xp, u), gu), xp.matmul(vh, gv)
    if 0 in by_u.shape:
        return xp.ones((*by_u.shape[:-2], 1, 1), dtype=xp.bool, device=u.device)
    size = xp.max(xp.abs(by_u) + xp.abs(by_v), axis=(-2, -1), keepdims=True)
    noise = 8 * max(u.shape[-2], vh.shape[-1]) * finfo(by_u.dtype).eps * size
    turns = xp.max(xp.abs(skew(xp, by_u + by_v)), axis=(-2, -1), keepdims=True) > noise
    return turns | xp.all(apart(xp, s), axis=-1, keepdims=True)


def _svd_response_rule(
    xp: Any,
    h: list[Array | None],
    needs: list[bool],
    x: Array,
    u: Array,
    s: Array,
    vh: Array,
    gu: Array,
    gv: Array,
    turning: Array,
    out: tuple[Array, Array],
) -> list[Array | None]:
    # As for eigenvectors, with the pairs (u; v) / sqrt(2), which are of length one.
    v = adjoint(xp, vh)
    hu, hv = (xp.zeros_like(g) if one is None else one for one, g in zip(h, (gu, gv), strict=True))
    smooth = apart(xp, s, from_zero=True)
    used = smooth | columns(xp, hu, hv)
    backs = svd_response(xp, x, u, s, vh, hu, hv, used, turning)
    live = smooth | (columns(xp, gu, gv) & used)
    yu, yv = (kept(xp, live, part) for part in out)
    zu, zv = (kept(xp, live, part) for part in backs)
    by_x = xp.matmul(zu, adjoint(xp, yv)) + xp.matmul(yu, adjoint(xp, zv))
    by_s = -xp.real(_inner(xp, zu, yu) + _inner(xp, zv, yv))[..., 0, :]
    on_u, on_v = _inner(xp, hu, u), _inner(xp, hv, v)
    along, idle = 0.5 * (on_u + on_v), 0.5 * xp.real(on_u - on_v)
    within = 0.5 * (_inner(xp, gu, u) + _inner(xp, gv, v))
    by_u = kept(xp, live, -(yu * (along + idle) + zu * within))
    by_v = kept(xp, live, -(yv * (along - idle) + zv * within))
    # y has no shares of vectors that may turn, and turns with them to keep it so; as it does with (u; -v) for `idle`.
    same = xp.matmul(adjoint(xp, u), hu) + xp.matmul(vh, hv)
    spun = 0.5 * adjoint(xp, xp.where(turning, xp.zeros_like(same), off_diagonal(xp, same)))
    by_u, by_v = by_u - xp.matmul(yu, spun), by_v - xp.matmul(yv, spun)
    return [by_x, by_u, by_s, adjoint(xp, by_v), *backs, None, None]


_svd_response.vjp_joint(_svd_response_rule)
