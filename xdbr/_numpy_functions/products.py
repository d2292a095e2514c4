"""NumPy's products, averages and covariances, its linear algebra, and its Fourier transforms."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import array_api as xp
from .. import fft, linalg
from .._errors import ShapeError
from ..array_api._rules import floating
from ..autograd.variable import VARIABLES, Variable
from .counterpart import Without, as_dtype, beside, counterparts, only, row

__all__: list[str] = []


# -- products ---------------------------------------------------------------------------------------------


def _dot(a: Variable, b: Variable) -> Variable:
    if not a.ndim or not b.ndim:
        return a * b
    return xp.tensordot(a, b, axes=((-1,), (-2 if b.ndim > 1 else 0,)))


def _inner(a: Variable, b: Variable) -> Variable:
    return xp.tensordot(a, b, axes=((-1,), (-1,))) if a.ndim and b.ndim else a * b


def _tensordot(a: Variable, b: Variable, axes: Any = 2) -> Variable:
    if not hasattr(axes, "__index__"):
        axes = tuple((i,) if hasattr(i, "__index__") else tuple(i) for i in axes)
    return xp.tensordot(a, b, axes=axes)


def _kron(a: Variable, b: Variable) -> Variable:
    ndim = max(a.ndim, b.ndim)
    one, other = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    left = xp.reshape(a, tuple(length for n in one for length in (n, 1)))
    right = xp.reshape(b, tuple(length for n in other for length in (1, n)))
    return xp.reshape(left * right, tuple(n * m for n, m in zip(one, other, strict=True)))


def _cross(
    a: Variable, b: Variable, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Variable:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = xp.moveaxis(a, axisa, -1), xp.moveaxis(b, axisb, -1)
    if 2 in (a.shape[-1], b.shape[-1]):
        raise Without("takes no vectors of two elements")
    return xp.moveaxis(linalg.cross(a, b), -1, axisc)


def _einsum(*operands: Any, optimize: Any = False) -> Variable:
    subscripts, *arrays = operands
    if not isinstance(subscripts, str):
        raise Without("takes subscripts as text, and no lists")
    home = next(x for x in arrays if type(x) in VARIABLES)
    return xp.einsum(subscripts, *(beside(home, x) for x in arrays))


def _plane(a: Variable, axis1: int, axis2: int) -> Variable:
    return xp.moveaxis(a, (axis1, axis2), (-2, -1))


def _triangle(function: Callable[..., Variable], m: Variable, k: int) -> Variable:
    return function(m if m.ndim > 1 else xp.broadcast_to(m, m.shape * 2), k=k)


counterparts(
    2,
    dot=_dot,
    inner=_inner,
    vdot=lambda a, b: xp.vecdot(row(a), row(b)),
    outer=lambda a, b: linalg.outer(row(a), row(b)),
    tensordot=_tensordot,
    kron=_kron,
    cross=_cross,
)
counterparts(0, einsum=_einsum)
counterparts(
    1,
    diag=lambda v, k=0: xp.diag(v, k),
    diagflat=lambda v, k=0: xp.diag(row(v), k),
    diagonal=lambda a, offset=0, axis1=0, axis2=1: linalg.diagonal(_plane(a, axis1, axis2), offset=offset),
    trace=lambda a, offset=0, axis1=0, axis2=1, dtype=None: linalg.trace(
        as_dtype(_plane(a, axis1, axis2), dtype), offset=offset
    ),
    tril=lambda m, k=0: _triangle(xp.tril, m, k),
    triu=lambda m, k=0: _triangle(xp.triu, m, k),
)


# -- averages and covariances ---------------------------------------------------------------------------------


def _average(
    a: Variable, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    if weights is None:
        found = xp.mean(a, axis=axis, keepdims=bool(keepdims))
        total = xp.full_like(found, a.size / max(found.size, 1))
    else:
        weights = beside(a, weights)
        if a.shape != weights.shape:
            weights = _along(a, axis, weights)
        total = xp.sum(weights, axis=axis, keepdims=bool(keepdims))
        found = xp.sum(a * weights, axis=axis, keepdims=bool(keepdims)) / total
        total = xp.astype(total, found.dtype)
    return (found, xp.broadcast_to(total, found.shape)) if returned else found


def _along(a: Variable, axis: Any, weights: Variable) -> Variable:
    """Give weights for some of the axes in a form that broadcasts, and to the array's shape."""
    if axis is None:
        raise TypeError("average: axis must be given where a and weights have different shapes")
    axes = [range(a.ndim)[i] for i in ((axis,) if hasattr(axis, "__index__") else axis)]
    if weights.shape != tuple(a.shape[i] for i in axes):
        raise ShapeError(f"average: weights must have the lengths of a along {axis}; got shape {weights.shape}")
    weights = xp.permute_dims(weights, tuple(sorted(range(len(axes)), key=lambda i: axes[i])))
    shape = tuple(n if i in axes else 1 for i, n in enumerate(a.shape))
    return xp.broadcast_to(xp.reshape(weights, shape), a.shape)


def _table(m: Variable, dtype: Any) -> Any:
    if m.ndim > 2:
        raise ShapeError(f"cov: expected at most two axes; got shape {m.shape}")
    return floating(m.__array_namespace__(), as_dtype(m if m.ndim == 2 else xp.reshape(m, (1, -1)), dtype))


def _cov(
    m: Variable,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Variable:
    x = _table(m, dtype)
    x = x if rowvar or m.ndim < 2 else x.T
    if y is not None:
        other = _table(beside(m, y), dtype)
        x = xp.concat([x, other if rowvar or other.shape[0] == 1 else other.T], axis=0)
    ddof = (0 if bias else 1) if ddof is None else ddof
    given = [None if w is None else xp.astype(beside(x, w), xp.real(x).dtype) for w in (fweights, aweights)]
    if given[0] is None and given[1] is None:
        x = x - xp.mean(x, axis=1, keepdims=True)
        return _squeezed(x @ xp.conj(x.T) / max(x.shape[1] - ddof, 0.0))
    weights = functools.reduce(xp.multiply, [w for w in given if w is not None])
    total = xp.sum(weights)
    left = total - ddof * (1 if given[1] is None else xp.sum(weights * given[1]) / total)
    x = x - (xp.sum(x * weights, axis=1) / total)[:, None]
    return _squeezed(x @ xp.conj((x * weights).T) / xp.where(left > 0, left, 0.0))


def _squeezed(x: Variable) -> Variable:
    return xp.squeeze(x, tuple(i for i, n in enumerate(x.shape) if n == 1))


def _corrcoef(x: Variable, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Variable:
    found = _cov(x, y, rowvar, dtype=dtype)
    if found.dtype.kind == "c":
        raise Without("takes no complex numbers")
    if not found.ndim:
        return found / found
    scale = xp.sqrt(xp.diag(found))
    return xp.clip(found / scale[:, None] / scale[None, :], -1.0, 1.0)


counterparts(1, average=_average, cov=_cov, corrcoef=_corrcoef)


# -- linear algebra -----------------------------------------------------------------------------------------------


def _norm(x: Variable, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Variable:
    if axis is None and ord is None:
        return linalg.vector_norm(x, keepdims=bool(keepdims))
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if hasattr(axis, "__index__") else tuple(axis)
    if len(axes) == 1 and not isinstance(ord, str):
        return linalg.vector_norm(x, axis=axes[0], keepdims=bool(keepdims), ord=2 if ord is None else ord)
    if not x.size:
        raise Without("takes no matrix without elements")
    if len(axes) != 2:
        raise ValueError(f"linalg.norm: no norm ord={ord!r} over {len(axes)} axes")
    found = linalg.matrix_norm(_plane(x, *axes), ord="fro" if ord in (None, "f") else ord)
    return xp.expand_dims(found, tuple(i % x.ndim for i in axes)) if keepdims else found


def _svd(a: Variable, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    only(hermitian=(hermitian, False))
    return linalg.svd(a, full_matrices=full_matrices) if compute_uv else linalg.svdvals(a)


def _qr(a: Variable, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "complete", "r"):
        raise Without(f"takes no mode={mode!r}")
    return linalg.qr(a, mode="complete" if mode == "complete" else "reduced") if mode != "r" else linalg.qr(a).R


def _lower(function: Callable[..., Any]) -> Callable[..., Any]:
    def found(a: Variable, UPLO: str = "L") -> Any:
        only(UPLO=(UPLO, "L"))
        return function(a)

    return found


def _pinv(a: Variable, rcond: Any = None, hermitian: bool = False, **rtol: Any) -> Variable:
    only(hermitian=(hermitian, False))
    return linalg.pinv(a, rtol=1e-15 if rcond is None and not rtol else rtol.get("rtol", rcond))


def _matrix_power(a: Variable, n: int) -> Variable:
    if a.dtype.kind not in "fc":
        raise Without("takes no integers")
    return linalg.matrix_power(a, n)


def _matrix_rank(A: Variable, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Variable:
    only(tol=(tol, None), hermitian=(hermitian, False), ndim=(A.ndim < 2, False))
    return linalg.matrix_rank(A, rtol=rtol)


counterparts(
    1,
    linalg__cholesky=lambda a, *, upper=False: linalg.cholesky(a, upper=upper),
    linalg__det=lambda a: linalg.det(a),
    linalg__diagonal=lambda x, *, offset=0: linalg.diagonal(x, offset=offset),
    linalg__eig=lambda a: linalg.eig(a),
    linalg__eigh=_lower(linalg.eigh),
    linalg__eigvals=lambda a: linalg.eigvals(a),
    linalg__eigvalsh=_lower(linalg.eigvalsh),
    linalg__inv=lambda a: linalg.inv(a),
    linalg__matrix_norm=lambda x, *, keepdims=False, ord="fro": linalg.matrix_norm(x, keepdims=keepdims, ord=ord),
    linalg__matrix_power=_matrix_power,
    linalg__matrix_rank=_matrix_rank,
    linalg__matrix_transpose=lambda x: linalg.matrix_transpose(x),
    linalg__norm=_norm,
    linalg__pinv=_pinv,
    linalg__qr=_qr,
    linalg__slogdet=lambda a: linalg.slogdet(a),
    linalg__svd=_svd,
    linalg__svdvals=lambda x: linalg.svdvals(x),
    linalg__trace=lambda x, *, offset=0, dtype=None: linalg.trace(as_dtype(x, dtype), offset=offset),
    linalg__vector_norm=lambda x, *, axis=None, keepdims=False, ord=2: linalg.vector_norm(
        x, axis=axis, keepdims=keepdims, ord=ord
    ),
)
counterparts(
    2,
    linalg__cross=lambda x1, x2, *, axis=-1: _cross(x1, x2, axis=axis),
    linalg__matmul=lambda x1, x2: x1 @ x2,
    linalg__outer=lambda x1, x2: linalg.outer(x1, x2),
    linalg__solve=lambda a, b: linalg.solve(a, b),
    linalg__tensordot=lambda a, b, *, axes=2: _tensordot(a, b, axes),
    linalg__vecdot=lambda x1, x2, *, axis=-1: linalg.vecdot(x1, x2, axis=axis),
)
counterparts(-1, linalg__multi_dot=lambda arrays: functools.reduce(_dot, arrays))


# -- Fourier transforms ----------------------------------------------------------------------------------------------


def _of_one_axis(function: Callable[..., Variable]) -> Callable[..., Variable]:
    return lambda a, n=None, axis=-1, norm=None: function(a, n=n, axis=axis, norm=norm or "backward")


def _of_axes(function: Callable[..., Variable], default: tuple[int, ...] | None) -> Callable[..., Variable]:
    return lambda a, s=None, axes=default, norm=None: function(a, s=s, axes=axes, norm=norm or "backward")


for _name in ("fft", "ifft", "rfft", "irfft"):
    _several = getattr(fft, f"{_name}n")
    counterparts(
        1,
        **{
            f"fft.{_name}": _of_one_axis(getattr(fft, _name)),
            f"fft.{_name}2": _of_axes(_several, (-2, -1)),
            f"fft.{_name}n": _of_axes(_several, None),
        },
    )
counterparts(
    1,
    fft__hfft=_of_one_axis(fft.hfft),
    fft__ihfft=_of_one_axis(fft.ihfft),
    fft__fftshift=lambda x, axes=None: fft.fftshift(x, axes=axes),
    fft__ifftshift=lambda x, axes=None: fft.ifftshift(x, axes=axes),
)
