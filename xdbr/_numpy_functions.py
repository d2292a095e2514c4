"""NumPy's reductions on Variables that need gradient, through NumPy's protocol `__array_function__` (NEP 18).

`numpy.nanmean(x)`, which xarray calls, then gives a Variable with its gradient. Any other function of NumPy refuses
such a Variable, for it would cut the graph; those that only look at it work. A Variable that needs no gradient is
converted, as `numpy.asarray` does. NumPy's ufuncs (`numpy.sin`) take no Variable at all: `Variable.__array_ufunc__`
is None, which gives operators with NumPy's arrays to the Variable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from . import array_api as xp
from . import backends
from ._errors import GradientError
from ._typing import Axis, Dtype
from .array_api.quantiles import among
from .autograd.variable import VARIABLES, Variable

__all__ = ["INSPECTIONS", "REDUCTIONS", "array_function", "install"]

INSPECTIONS = frozenset(
    """allclose any all argmax argmin argsort argwhere array2string array_equal array_equiv array_repr array_str
    can_cast common_type count_nonzero flatnonzero iscomplex iscomplexobj isclose isin isreal isrealobj may_share_memory
    min_scalar_type nanargmax nanargmin ndim nonzero result_type searchsorted shape shares_memory size""".split()
)
"""Functions whose results (integers, truths, text) have no derivative: they look at the values on the host."""

REDUCTIONS: dict[str, Callable[..., Any]] = {}
"""By NumPy's name, the function that takes its place."""


def array_function(
    self: Variable, function: Callable[..., Any], types: Sequence[type], args: Sequence[Any], options: dict[str, Any]
) -> Any:
    """Run one of NumPy's functions on arguments among which there are Variables.

    Raises `GradientError` where one needs gradient and the function is not among the reductions.

    >>> import numpy, xdbr
    >>> x = xdbr.Variable([1.0, float("nan"), 5.0], requires_grad=True)
    >>> numpy.nanmean(x)
    Variable(3., dtype=float32, function=divide)
    """
    if not all(t in VARIABLES or backends.of_type(t) is not None for t in types):
        return NotImplemented
    name = f"{function.__module__}.{function.__name__}"
    plain = name.removeprefix("numpy.")
    if plain in INSPECTIONS or not _needs_gradient((args, options)):
        return function(*_on_host(args), **_on_host(options))
    found = REDUCTIONS.get(plain)
    if found is None:
        raise GradientError(
            f"{name} of a Variable that needs gradient would cut the graph silently; use the function of "
            "x.__array_namespace__() that does the same, or x.detach() first where a cut is meant"
        )
    return found(*args, **options)


def install() -> None:
    """Give Variable the protocol."""
    Variable.__array_function__ = array_function  # type: ignore[attr-defined]


def _needs_gradient(arg: Any) -> bool:
    if type(arg) in VARIABLES:
        return arg.requires_grad  # type: ignore[no-any-return]
    if isinstance(arg, dict):
        arg = arg.values()
    elif not isinstance(arg, (list, tuple)):
        return False
    return any(map(_needs_gradient, arg))


def _on_host(arg: Any) -> Any:
    if type(arg) in VARIABLES:
        return arg.detach().__array__()
    if isinstance(arg, dict):
        return {name: _on_host(part) for name, part in arg.items()}
    if type(arg) in (list, tuple):
        return type(arg)(map(_on_host, arg))
    return arg


# -- the reductions ----------------------------------------------------------------------------------


def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare a reduction of x with NumPy's signature, and the one of the name "nan..." which leaves out NaN.

    The function takes `valid` besides: which elements count, or None for all. `numpy.amax` is `numpy.max`.
    """
    name = function.__name__.removesuffix("_")
    taken = ("axis", "dtype", *(function.__kwdefaults__ or ()))

    def known(called: str, options: dict[str, Any]) -> dict[str, Any]:
        if unknown := sorted(options.keys() - taken):
            raise TypeError(
                f"numpy.{called} of a Variable that needs gradient takes {', '.join(taken)}; got {', '.join(unknown)}; "
                "write that with the functions of x.__array_namespace__()"
            )
        return options

    def reduce(a: Variable, axis: Axis = None, dtype: Dtype = None, **options: Any) -> Any:
        return function(a if dtype is None else xp.astype(a, dtype), None, axis, **known(name, options))

    def reduce_valid(a: Variable, axis: Axis = None, dtype: Dtype = None, **options: Any) -> Any:
        x = a if dtype is None else xp.astype(a, dtype)
        return function(x, xp.logical_not(xp.isnan(x)), axis, **known("nan" + name, options))

    REDUCTIONS[name], REDUCTIONS["nan" + name] = reduce, reduce_valid
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
    return xp.cumsum(_filled(x, valid, 0.0), axis)


@reduction
def cumprod(x: Variable, valid: Variable | None, axis: int | None) -> Variable:
    """See `numpy.cumprod` and `numpy.nancumprod`."""
    return xp.cumprod(_filled(x, valid, 1.0), axis)


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
    if valid is None:
        return xp.var(x, axis=axis, correction=ddof, keepdims=keepdims)
    away = xp.where(valid, x - mean(x, valid, axis, keepdims=True), 0.0)
    squares = xp.sum(xp.real(away * xp.conj(away)), axis=axis, keepdims=keepdims)
    left = xp.sum(xp.astype(valid, squares.dtype), axis=axis, keepdims=keepdims) - ddof
    return squares / xp.where(left > 0, left, float("nan"))


@reduction
def std(x: Variable, valid: Variable | None, axis: Axis, *, ddof: float = 0, keepdims: bool = False) -> Variable:
    """See `numpy.std` and `numpy.nanstd`; the gradient is zero where all elements are the same, as for `xdbr.std`."""
    if valid is None:
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
    return among(x.__array_namespace__(), "numpy.nanmedian", x, 0.5, axis, "linear", keepdims, valid)


def _quantiles(name: str, whole: float, by_valid: bool) -> Callable[..., Any]:
    """Make one of NumPy's functions of quantiles: shares are parts of `whole`, and NaN may be left out."""

    def quantiles(
        a: Variable, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False, **options: Any
    ) -> Variable:
        if options:
            raise TypeError(f"numpy.{name} of a Variable that needs gradient takes no {', '.join(sorted(options))}")
        valid = xp.logical_not(xp.isnan(a)) if by_valid else None
        shares = q / whole if hasattr(q, "shape") else (numpy.asarray(q) / whole).tolist()
        return among(a.__array_namespace__(), f"numpy.{name}", a, shares, axis, method, keepdims, valid)

    return quantiles


for _name, _whole in (("quantile", 1.0), ("percentile", 100.0)):
    REDUCTIONS[_name], REDUCTIONS[f"nan{_name}"] = (
        _quantiles(_name, _whole, False),
        _quantiles(f"nan{_name}", _whole, True),
    )
REDUCTIONS["amax"], REDUCTIONS["amin"] = REDUCTIONS["max"], REDUCTIONS["min"]
