"""Decompositions of matrices, each with its gradient rule beside it.

Every function takes stacks of matrices: shape (..., m, n). Eigenvectors and singular vectors are
determined up to a factor (a sign; for complex matrices a phase), so gradients are right for results that do not
depend on it; as in PyTorch, for a complex matrix the phase that the library happens to choose has none.
Where eigenvalues or singular values coincide their vectors have no derivative: gradients that come through
the vectors are NaN or infinite there, those that come through the values alone are right. A value counts as
unused where its cotangent is zero and that of its vectors is, and then it does no harm, to any order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .._config import is_recording
from .._errors import GradientError
from .._typing import Array
from ..array_api._rules import adjoint, complex_floating, conj
from ..autograd.primitive import primitive
from ..autograd.variable import VARIABLES, Variable
from ._responses import apart, columns, distinct, eigh_response, identity, is_turning, kept, off_diagonal, svd_response
from ._shapes import matrices, square

__all__ = [
    "EigResult",
    "EighResult",
    "QRResult",
    "SVDResult",
    "cholesky",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "qr",
    "svd",
    "svdvals",
]


class EigResult(NamedTuple):
    """What `eig` gives."""

    eigenvalues: Any
    eigenvectors: Any


class EighResult(NamedTuple):
    """What `eigh` gives."""

    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    """What `qr` gives."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """What `svd` gives."""

    U: Any
    S: Any
    Vh: Any


def _hermitian(xp: Any, x: Array) -> Array:
    """Give the Hermitian part of each matrix."""
    return (x + adjoint(xp, x)) * 0.5


def _diagonal(xp: Any, values: Array) -> Array:
    """Give the diagonal matrices of some values."""
    return values[..., None, :] * identity(xp, values)


# -- Cholesky ----------------------------------------------------------------------------------------


@primitive(name="linalg.cholesky", arrays=1)
def cholesky(xp: Any, x: Array, /, *, upper: bool = False) -> Array:
    """Triangular factor of a symmetric (Hermitian) positive definite matrix: `L @ L.mT.conj()`, or `U.mT.conj() @ U`.

    x: shape (..., n, n); that it is symmetric is not tested.
    upper: whether to give the upper factor rather than the lower one.

    The gradient is that of a symmetric matrix, and symmetric itself (Murray, 2016, arXiv:1602.07527). Raises
    `ShapeError` for other shapes and the library's own error where the matrix is not positive definite.

    >>> import xdbr
    >>> xdbr.linalg.cholesky(xdbr.asarray([[4.0, 2.0], [2.0, 5.0]]))
    Variable([[2., 0.],
              [1., 2.]], dtype=float32)
    """
    return xp.linalg.cholesky(square("linalg.cholesky", xp, x), upper=upper)


def _cholesky_rule(xp: Any, g: Array, out: Array, upper: bool) -> Array:
    if upper:
        out, g = adjoint(xp, out), adjoint(xp, g)
    high = adjoint(xp, out)
    inner = xp.matmul(high, g)
    inner = (xp.tril(inner) + xp.tril(inner, k=-1)) * 0.5  # the lower triangle, its diagonal halved
    inner = xp.linalg.solve(high, adjoint(xp, xp.linalg.solve(high, inner)))
    return _hermitian(xp, inner)


cholesky.vjp(_cholesky_rule)


# -- QR ---------------------------------------------------------------------------------------------


@primitive(name="linalg.qr", arrays=1, outputs=2)
def _qr(xp: Any, x: Array, /, *, mode: str = "reduced") -> QRResult:
    if mode not in ("reduced", "complete"):
        raise ValueError(f"linalg.qr: mode must be 'reduced' or 'complete'; got {mode!r}")
    return QRResult(*xp.linalg.qr(matrices("linalg.qr", xp, x), mode=mode))


def _qr_rule(xp: Any, g: list[Array | None], needs: list[bool], x: Array, out: QRResult, mode: str) -> list[Array]:
    q, r = out[0], out[1]
    gq, gr = g
    m, n = x.shape[-2], x.shape[-1]
    if mode == "complete" and m > n:
        if gq is not None:
            raise GradientError(
                f"linalg.qr: in mode 'complete' Q has {m - n} more columns than the {m} x {n} matrix determines, so it "
                "has no derivative; use mode='reduced'"
            )
        q, r = xp.linalg.qr(x)  # the same reflections; and R's second derivative must not pass the complete Q
        gr = gr[..., :n, :]  # type: ignore[index]
    if m >= n:
        return [_tall_qr_rule(xp, q, r, gq, gr)]
    # The first m columns determine Q, and the others are Q times the rest of R.
    rest = x[..., :, m:]
    if gr is None:
        return [xp.concat([_tall_qr_rule(xp, q, r[..., :, :m], gq, None), xp.zeros_like(rest)], axis=-1)]
    by_rest = xp.matmul(rest, adjoint(xp, gr[..., :, m:]))
    gq = by_rest if gq is None else gq + by_rest
    left = _tall_qr_rule(xp, q, r[..., :, :m], gq, gr[..., :, :m])
    return [xp.concat([left, xp.matmul(q, gr[..., :, m:])], axis=-1)]


def _tall_qr_rule(xp: Any, q: Array, r: Array, gq: Array | None, gr: Array | None) -> Array:
    """Roberts and Roberts, 2020, arXiv:2009.10071, equation 7, for complex matrices too."""
    middle = 0.0
    if gr is not None:
        middle = xp.matmul(r, adjoint(xp, gr))
    if gq is not None:
        middle = middle - xp.matmul(adjoint(xp, gq), q)
    lower = xp.tril(middle, k=-1)
    inner = xp.matmul(q, lower + adjoint(xp, lower) + _hermitian(xp, middle) * identity(xp, middle))
    if gq is not None:
        inner = inner + gq
    return adjoint(xp, xp.linalg.solve(r, adjoint(xp, inner)))  # inner @ inverse of r, conjugate transposed


_qr.vjp_joint(_qr_rule)


def qr(x: Any, /, *, mode: str = "reduced") -> QRResult:
    """Orthonormal columns `Q` and an upper triangular `R` with `x = Q @ R`: a namedtuple.

    x: shape (..., m, n).
    mode: "reduced" gives Q of shape (..., m, k) and R of shape (..., k, n), where k = min(m, n); "complete"
        gives (..., m, m) and (..., m, n).

    Differentiable where the first k columns are linearly independent (Roberts and Roberts, 2020), also for
    m < n; where they are not, the gradient raises the library's own error, or is NaN or infinite. In mode "complete"
    with m > n only R is: the gradient of Q raises `GradientError`.
    Raises `ShapeError` for fewer than two axes and `ValueError` for another mode.

    >>> import xdbr
    >>> q, r = xdbr.linalg.qr(xdbr.asarray([[0.0, 1.0], [1.0, 1.0]]))
    >>> xdbr.abs(r)
    Variable([[1., 1.],
              [0., 1.]], dtype=float32)
    """
    made: QRResult = _qr(x, mode=mode)
    return made


# -- eigenvalues of symmetric matrices ------------------------------------------------------------------


@primitive(name="linalg.eigh", arrays=1, outputs=2)
def _eigh(xp: Any, x: Array, /) -> EighResult:
    return EighResult(*xp.linalg.eigh(square("linalg.eigh", xp, x)))


def _eigh_rule(xp: Any, g: list[Array | None], needs: list[bool], x: Array, out: EighResult) -> list[Array]:
    values, vectors = out[0], out[1]
    by_values, by_vectors = g
    if by_vectors is None:
        return [xp.matmul(vectors * by_values[..., None, :], adjoint(xp, vectors))]  # type: ignore[index]
    used = apart(xp, values) | columns(xp, by_vectors)
    if by_values is None:
        response = eigh_response(xp, x, values, vectors, by_vectors, used)
        vectors = kept(xp, used, vectors)
    else:
        # Of a function of the values that treats coinciding ones alike, such as their mean, they have one cotangent, or
        # zero where it leaves out those that rounding made negative.
        row, column = by_values[..., None, :], by_values[..., :, None]
        response = eigh_response(xp, x, values, vectors, by_vectors, used | ((row != column) & (row * column != 0)))
        vectors = kept(xp, used | (by_values != 0)[..., None, :], vectors)
        response = response + vectors * by_values[..., None, :]
    return [_hermitian(xp, xp.matmul(response, adjoint(xp, vectors)))]


_eigh.vjp_joint(_eigh_rule)


def eigh(x: Any, /) -> EighResult:
    """Eigenvalues in ascending order and orthonormal eigenvectors of a symmetric (Hermitian) matrix: a namedtuple.

    x: shape (..., n, n); that it is symmetric is not tested.
    The result is `eigenvalues`, real of shape (..., n), and `eigenvectors`, the columns of shape (..., n, n).

    The gradient is that of a symmetric matrix, and symmetric itself (Giles, 2008). Where eigenvalues coincide
    it is right for functions of the eigenvalues that treat those alike, such as their sum, and that of one order
    of them otherwise; where it comes through their eigenvectors it is NaN or infinite. Eigenvalues that coincide do no
    harm where they have a cotangent of zero, and so do their eigenvectors.
    Raises `ShapeError` for other shapes.

    >>> import xdbr
    >>> xdbr.linalg.eigh(xdbr.asarray([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    Variable([1., 2.], dtype=float32)
    """
    made: EighResult = _eigh(x)
    return made


@primitive(name="linalg.eigvalsh")
def eigvalsh(xp: Any, x: Array, /) -> Array:
    """Eigenvalues of a symmetric (Hermitian) matrix, real, in ascending order; shape (..., n, n) to (..., n).

    The gradient is that of a symmetric matrix, also where eigenvalues coincide (in a direction in which they
    part, it is that of one order of them). Its own derivative is that of `eigh`, and NaN where eigenvalues
    coincide. Raises `ShapeError` for other shapes.

    >>> import xdbr
    >>> xdbr.linalg.eigvalsh(xdbr.asarray([[0.0, 1.0], [1.0, 0.0]]))
    Variable([-1.,  1.], dtype=float32)
    """
    return xp.linalg.eigvalsh(square("linalg.eigvalsh", xp, x))


def _eigvalsh_rule(xp: Any, g: Array, x: Array) -> Array:
    vectors = xp.linalg.eigh(x)[1]
    return xp.matmul(vectors * g[..., None, :], adjoint(xp, vectors))


eigvalsh.vjp(_eigvalsh_rule)


# -- eigenvalues of general matrices ---------------------------------------------------------------------


@primitive(name="linalg.eig", arrays=1, outputs=2)
def _eig(xp: Any, x: Array, /) -> EigResult:
    values, vectors = xp.linalg.eig(square("linalg.eig", xp, x))
    return EigResult(complex_floating(xp, values), complex_floating(xp, vectors))


def _eig_rule(xp: Any, g: list[Array | None], needs: list[bool], out: EigResult) -> list[Array]:
    values, vectors = out[0], out[1]
    by_values, by_vectors = g
    high = adjoint(xp, vectors)
    if by_vectors is None:
        inner = (by_values + 0 * values)[..., :, None] * high  # as `_by_values`
    else:
        along = xp.matmul(high, by_vectors)
        # A change of a vector along itself is taken away: the vectors keep their length.
        lengths = xp.real(xp.sum(along * identity(xp, along), axis=-2, keepdims=True))
        away = along - xp.matmul(high, vectors) * lengths
        gaps = distinct(xp, values[..., None, :] - values[..., :, None], values) + identity(xp, values)
        core = away / conj(xp, gaps)
        if by_values is None:  # beside values zeros say little: what comes through vectors and their inverse cancels
            used = xp.sum(xp.abs(by_vectors), axis=-2)
            core = xp.extras.absorb(used[..., None, :] + used[..., :, None], core)
        core = off_diagonal(xp, core)
        if by_values is not None:
            core = core + _diagonal(xp, by_values)
        inner = xp.matmul(core, high)
    return [xp.linalg.solve(high, inner)]


_eig.vjp_joint(_eig_rule)


def eig(x: Any, /) -> EigResult:
    """Eigenvalues and eigenvectors of a square matrix: a namedtuple.

    x: shape (..., n, n), real or complex.
    The result is `eigenvalues`, of shape (..., n), and `eigenvectors`, the columns of shape (..., n, n), of length
    one; both complex, in an order of the library's own.

    Differentiable where the eigenvectors are linearly independent (Boeddeker et al., 2017, arXiv:1701.00392);
    where eigenvalues coincide the gradient that comes through the eigenvectors is NaN or infinite, unless neither
    theirs nor any eigenvalue is used, and one that comes through the eigenvalues is right for functions that treat
    those alike, such as their sum. Raises `ShapeError` for other shapes. For symmetric matrices use `eigh`.

    >>> import xdbr
    >>> xdbr.linalg.eig(xdbr.asarray([[0.0, -1.0], [1.0, 0.0]])).eigenvalues
    Variable([0.+1.j, 0.-1.j], dtype=complex64)
    """
    made: EigResult = _eig(x)
    return made


@primitive(name="linalg.eigvals", differentiable=False)
def _eigvals(xp: Any, x: Array, /) -> Array:
    return complex_floating(xp, xp.linalg.eigvals(square("linalg.eigvals", xp, x)))


def eigvals(x: Any, /) -> Variable:
    """Eigenvalues of a square matrix, complex, in an order of the library's own; shape (..., n, n) to (..., n).

    Differentiable where the eigenvectors are linearly independent: the gradient is that of `eig`, which is
    called for a Variable that needs one, because a library may find the eigenvalues alone in another order.
    Where eigenvalues coincide it is right for functions that treat those alike, such as their sum. Raises
    `ShapeError` for other shapes.

    >>> import xdbr
    >>> xdbr.linalg.eigvals(xdbr.asarray([[2.0, 1.0], [0.0, 2.0]]))
    Variable([2.+0.j, 2.+0.j], dtype=complex64)
    """
    if type(x) in VARIABLES and x.requires_grad and is_recording():
        values: Variable = _eig(x).eigenvalues
        return values
    return _eigvals(x)


# -- singular values ---------------------------------------------------------------------------------------


@primitive(name="linalg.svd", arrays=1, outputs=3)
def _svd(xp: Any, x: Array, /, *, full_matrices: bool = True) -> SVDResult:
    return SVDResult(*xp.linalg.svd(matrices("linalg.svd", xp, x), full_matrices=full_matrices))


def _by_values(xp: Any, g: Array | None, u: Array, s: Array, vh: Array) -> Array:
    """Give the gradient that comes through singular values alone.

    Which vectors meet which cotangent is decided by the order of the values, so the result depends on them, too: the
    derivative through the vectors of coinciding ones must not take it for a function of `u @ vh`.
    """
    return xp.matmul(u * (g + 0 * s)[..., None, :], vh)


def _partners(xp: Any, x: Array, s: Array, vectors: Array) -> Array:
    """Give the singular vectors of one side from those of the other; zeros for the value zero, which has none."""
    s = s[..., None, :]
    there = distinct(xp, s, s[..., 0, :]) != 0
    return kept(xp, there, xp.matmul(x, vectors) / xp.where(there, s, xp.ones_like(s)))


def _svd_rule(
    xp: Any, g: list[Array | None], needs: list[bool], x: Array, out: SVDResult, full_matrices: bool
) -> list[Array]:
    u, s, vh = out[0], out[1], out[2]
    gu, gs, gvh = g
    m, n = x.shape[-2], x.shape[-1]
    if full_matrices and m != n:
        if (gu is not None and m > n) or (gvh is not None and n > m):
            raise GradientError(
                f"linalg.svd: with full_matrices=True {'U' if m > n else 'Vh'} has {abs(m - n)} more vectors than the "
                f"{m} x {n} matrix determines, so it has no derivative; use full_matrices=False"
            )
        # Second derivatives must not pass the undetermined vectors, so nothing here may come from them.
        if gu is None and gvh is None:
            u, s, vh = xp.linalg.svd(x, full_matrices=False)
        elif m > n:
            u = _partners(xp, x, s, adjoint(xp, vh))
        else:
            vh = adjoint(xp, _partners(xp, adjoint(xp, x), s, u))
    if gu is None and gvh is None:
        return [_by_values(xp, gs, u, s, vh)]
    gu = xp.zeros_like(u) if gu is None else gu
    gv = xp.zeros_like(adjoint(xp, vh)) if gvh is None else adjoint(xp, gvh)
    if gs is None and g[0] is not None and gvh is not None:
        turning = is_turning(xp, u, s, vh, gu, gv)
    else:
        turning = xp.ones((*s.shape[:-1], 1, 1), dtype=xp.bool, device=s.device)
    used = apart(xp, s, from_zero=True) | columns(xp, gu, gv)
    if gs is not None:
        used = used | (gs != 0)[..., None, :]
    by_u, by_v = svd_response(xp, x, u, s, vh, gu, gv, used, turning)
    u, vh = kept(xp, used, u), kept(xp, xp.matrix_transpose(used), vh)
    if gs is not None:
        by_u = by_u + u * gs[..., None, :]
    return [xp.matmul(by_u, vh) + xp.matmul(u, adjoint(xp, by_v))]


_svd.vjp_joint(_svd_rule)


def svd(x: Any, /, *, full_matrices: bool = True) -> SVDResult:
    """Singular value decomposition `x = U @ diag(S) @ Vh`: a namedtuple.

    x: shape (..., m, n); k = min(m, n).
    full_matrices: `True` gives U of shape (..., m, m) and Vh of shape (..., n, n), `False` (..., m, k) and (..., k, n).
    S is real, of shape (..., k), in descending order.

    Differentiable (Townsend, 2016; for complex matrices Wan and Zhang, 2019, arXiv:1909.02659). With
    full_matrices=True and m > n the gradient of U raises `GradientError`, with m < n that of Vh; that of S
    never does. Where singular values coincide the gradient is right for functions of S that treat those alike,
    and for functions of U @ Vh that do not use S, and NaN or infinite where it comes through the vectors otherwise; at
    a singular value of zero it is one of several. Singular values that coincide or are zero do no harm where they have
    a cotangent of zero, and so do their vectors.
    Raises `ShapeError` for fewer than two axes.

    >>> import xdbr
    >>> xdbr.linalg.svd(xdbr.asarray([[3.0, 0.0], [0.0, 4.0]])).S
    Variable([4., 3.], dtype=float32)
    """
    made: SVDResult = _svd(x, full_matrices=full_matrices)
    return made


@primitive(name="linalg.svdvals")
def svdvals(xp: Any, x: Array, /) -> Array:
    """Singular values in descending order; shape (..., m, n) to (..., min(m, n)).

    The gradient is right where singular values coincide (in a direction in which they part, it is that of one
    order of them), and one of several at a singular value of zero. Its own derivative is that of `svd`, and NaN
    where singular values coincide.
    Raises `ShapeError` for fewer than two axes.

    >>> import xdbr
    >>> xdbr.linalg.svdvals(xdbr.asarray([[0.0, 2.0], [1.0, 0.0]]))
    Variable([2., 1.], dtype=float32)
    """
    return xp.linalg.svdvals(matrices("linalg.svdvals", xp, x))


def _svdvals_rule(xp: Any, g: Array, x: Array) -> Array:
    return _by_values(xp, g, *xp.linalg.svd(x, full_matrices=False))


svdvals.vjp(_svdvals_rule)
