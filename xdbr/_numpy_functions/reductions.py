"""NumPy's reductions, with the options that it gives them, and those that leave out NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from .. import array_api as xp
from .._typing import Axis, Dtype
from ..array_api.quantiles import METHODS, among
from ..autograd.variable import VARIABLES, Variable
from .counterpart import COUNTERPARTS, Without, as_dtype, counterparts, row

__all__: list[str] = []


def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare a reduction of x with NumPy's signature, and the one of the name "nan..." which leaves out NaN.

    The function takes `valid` besides: which elements count, or None for all.
    """
    name = function.__name__.removesuffix("_")

    def made(by_valid: bool) -> Callable[..., Any]:
        def reduce(a: Variable, axis: Axis, dtype: Dtype, **options: Any) -> Any:
            if a.dtype.kind == "c" and name in ("max", "min", "median"):
                raise Without("takes no complex numbers, for which not all libraries have an order")
            kind = "f" if dtype is None else numpy.dtype(dtype).kind
            if kind not in "fc" or (kind == "c" != a.dtype.kind and name in ("var", "std")):
                raise Without(f"takes no dtype={dtype!r} for {a.dtype}")
            x = as_dtype(a, dtype)
            if x.dtype.kind == "b":  # which the standard neither adds nor compares
                x = as_dtype(x, "int64")
            valid = xp.logical_not(xp.isnan(x)) if by_valid and x.dtype.kind in "fc" else None
            found = function(x, valid, axis, **options)
            return xp.astype(found, "bool") if a.dtype.kind == "b" and name in ("max", "min") else found

        # NumPy's parameters, up to those that only part of the reductions have.
        return (
            lambda a, axis=None, dtype=None: reduce(a, axis, dtype),
            lambda a, axis=None, dtype=None, *, keepdims=False: reduce(a, axis, dtype, keepdims=bool(keepdims)),
            lambda a, axis=None, dtype=None, *, ddof=0, keepdims=False: reduce(
                a, axis, dtype, ddof=ddof, keepdims=bool(keepdims)
            ),
        )[len(function.__kwdefaults__ or ())]

    counterparts(1, **{name: made(False), f"nan{name}": made(True)})
    return function


def _filled(x: Variable, valid: Variable | None, value: float) -> Variable:
    return x if valid is None else xp.where(valid, x, value)


@reduction
def sum_(x: Variable, valid: Variable | None, axis: Axis, *, keepdims: bool = False) -> Variable:
    """See `numpy.sum` and `numpy.nansum`."""
    return xp.sum(_filled(x, valid, 0.0), axis=axis, keepdims=keepdims)


@reduction
def prod(x: Variable, valid: Variable | None, axis: Axis, *, keepdims: bool = False) -> Variable:
    """See `numpy.prod` and `numpy.nanprod`."""
    return xp.prod(_filled(x, valid, 1.0), axis=axis, keepdims=keepdims)


@reduction
def cumsum(x: Variable, valid: Variable | None, axis: int | None) -> Variable:
    """See `numpy.cumsum` and `numpy.nancumsum`."""
    return xp.cumsum(_filled(x if x.ndim else row(x), valid, 0.0), axis)


@reduction
def cumprod(x: Variable, valid: Variable | None, axis: int | None) -> Variable:
    """See `numpy.cumprod` and `numpy.nancumprod`."""
    return xp.cumprod(_filled(x if x.ndim else row(x), valid, 1.0), axis)


@reduction
def mean(x: Variable, valid: Variable | None, axis: Axis, *, keepdims: bool = False) -> Variable:
    """See `numpy.mean` and `numpy.nanmean`."""
    if valid is None:
        return xp.mean(x, axis=axis, keepdims=keepdims)
    n = xp.sum(xp.astype(valid, x.dtype), axis=axis, keepdims=keepdims)
    return xp.sum(xp.where(valid, x, 0.0), axis=axis, keepdims=keepdims) / n


@reduction
def var(x: Variable, valid: Variable | None, axis: Axis, *, ddof: float = 0, keepdims: bool = False) -> Variable:
    """See `numpy.var` and `numpy.nanvar`."""
    if valid is None and x.dtype.kind != "c":
        return xp.var(x, axis=axis, correction=ddof, keepdims=keepdims)
    valid = xp.ones_like(x, dtype="bool") if valid is None else valid
    away = xp.where(valid, x - mean(x, valid, axis, keepdims=True), 0.0)
    squares = xp.sum(xp.real(away * xp.conj(away)), axis=axis, keepdims=keepdims)
    left = xp.sum(xp.astype(valid, squares.dtype), axis=axis, keepdims=keepdims) - ddof
    return squares / xp.where(left > 0, left, float("nan"))


@reduction
def std(x: Variable, valid: Variable | None, axis: Axis, *, ddof: float = 0, keepdims: bool = False) -> Variable:
    """See `numpy.std` and `numpy.nanstd`; the gradient is zero where all elements are the same, as for `xdbr.std`."""
    if valid is None and x.dtype.kind != "c":
        return xp.std(x, axis=axis, correction=ddof, keepdims=keepdims)
    found = var(x, valid, axis, ddof=ddof, keepdims=keepdims)
    return xp.where(found == 0, 0.0, xp.sqrt(xp.where(found == 0, 1.0, found)))


@reduction
def max_(x: Variable, valid: Variable | None, axis: Axis, *, keepdims: bool = False) -> Variable:
    """See `numpy.max` and `numpy.nanmax`."""
    return _some(xp.max(_filled(x, valid, -float("inf")), axis=axis, keepdims=keepdims), valid, axis, keepdims)


@reduction
def min_(x: Variable, valid: Variable | None, axis: Axis, *, keepdims: bool = False) -> Variable:
    """See `numpy.min` and `numpy.nanmin`."""
    return _some(xp.min(_filled(x, valid, float("inf")), axis=axis, keepdims=keepdims), valid, axis, keepdims)


def _some(found: Variable, valid: Variable | None, axis: Axis, keepdims: bool) -> Variable:
    """Give NaN where no element counts."""
    return found if valid is None else xp.where(xp.any(valid, axis=axis, keepdims=keepdims), found, float("nan"))


@reduction
def median(x: Variable, valid: Variable | None, axis: Axis, *, keepdims: bool = False) -> Variable:
    """See `numpy.median` and `numpy.nanmedian`."""
    if valid is None:
        return xp.median(x, axis=axis, keepdims=keepdims)
    found: Variable = among(x.__array_namespace__(), "numpy.nanmedian", x, 0.5, axis, "linear", keepdims, valid)
    return found


def _quantiles(name: str, whole: float, by_valid: bool) -> Callable[..., Any]:
    """Make one of NumPy's functions of quantiles: shares are parts of `whole`, and NaN may be left out."""

    def quantiles(a: Variable, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Any:
        if method not in METHODS:
            raise Without(f"takes no method={method!r}")
        valid = xp.logical_not(xp.isnan(a)) if by_valid and a.dtype.kind in "fc" else None
        shares = q / whole if type(q) in VARIABLES else (numpy.asarray(q) / whole).tolist()
        return among(a.__array_namespace__(), name, a, shares, axis, method, bool(keepdims), valid)

    return quantiles


for _name, _whole in (("quantile", 1.0), ("percentile", 100.0)):
    counterparts(1, **{part + _name: _quantiles(f"numpy.{part}{_name}", _whole, bool(part)) for part in ("", "nan")})
# What NumPy 2.0 still has as functions of their own.
counterparts(1, amax=COUNTERPARTS["max"].function, amin=COUNTERPARTS["min"].function)
