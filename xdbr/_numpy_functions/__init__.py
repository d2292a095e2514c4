"""NumPy's functions on Variables, through NumPy's protocol `__array_function__` (NEP 18).

`numpy.nanmean(x)`, which xarray calls, gives a Variable, on the device and with its gradient, and so does each function
that has a counterpart here. Any other function of NumPy runs on the host on what needs no gradient, as after
`numpy.asarray`, and refuses what needs gradient, for it would cut the graph; those that only look at it work. Variables
over NumPy that need no gradient are NumPy's arrays to all of its functions.
NumPy's ufuncs (`numpy.sin`) take no Variable at all: `Variable.__array_ufunc__` is None, which gives operators with
NumPy's arrays to the Variable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from .. import backends
from .._equivalents import FUNCTIONS
from .._errors import DtypeError, GradientError
from ..autograd.leaving import switch
from ..autograd.trees import flatten
from ..autograd.variable import VARIABLES, Variable
from . import elements, products, reductions, shapes  # noqa: F401 - which enter their counterparts
from .counterpart import COUNTERPARTS, Without

__all__ = ["COUNTERPARTS", "INSPECTIONS", "OUTLINES", "array_function", "install"]

OUTLINES = frozenset("can_cast common_type iscomplexobj isrealobj ndim result_type shape size".split())
"""Functions that look at shapes and dtypes alone."""

INSPECTIONS = frozenset(
    """allclose argpartition array2string array_equal array_equiv array_repr array_str iscomplex isclose isreal
    isneginf isposinf may_share_memory min_scalar_type nanargmax nanargmin shares_memory""".split()
)
"""Functions whose results (integers, truths, text) have no derivative: they look at the values on the host."""

_NEAR = {
    "convolve": "xdbr.sliding_window_view and a sum of products",
    "correlate": "xdbr.sliding_window_view and a sum of products",
    "interp": "xdbr.searchsorted and the line between two points",
    "lexsort": "xdbr.argsort, by one key after another",
    "linalg.cond": "the first over the last of xdbr.linalg.svdvals(x)",
    "linalg.lstsq": "xdbr.linalg.pinv(a) @ b",
    "unique": "xdbr.unique_values, unique_counts or unique_inverse",
}
"""Functions without an exact counterpart, and what comes near them."""


def array_function(
    self: Variable, function: Callable[..., Any], types: Sequence[type], args: Sequence[Any], options: dict[str, Any]
) -> Any:
    """Run one of NumPy's functions on arguments among which there are Variables.

    Raises `GradientError` where one needs gradient and the function, called in this way, has no counterpart.

    >>> import numpy, xdbr
    >>> x = xdbr.Variable([1.0, float("nan"), 5.0], requires_grad=True)
    >>> numpy.nanmean(x)
    Variable(3., dtype=float32, function=divide)
    >>> numpy.concatenate([x, [7.0]])
    Variable([ 1., nan,  5.,  7.], dtype=float32, function=concat)
    """
    if not all(t in VARIABLES or backends.of_type(t) is not None for t in types):
        return NotImplemented
    name = f"{function.__module__}.{function.__name__}"
    plain = name.removeprefix("numpy.")
    if plain in OUTLINES:
        return _apply(_outline, function, args, options)
    if plain in INSPECTIONS:
        return _apply(_on_host, function, args, options)
    given = [x for x in flatten((args, options))[0] if type(x) in VARIABLES]
    needs_gradient = any(x.requires_grad for x in given)
    if not needs_gradient and all(x._backend.is_host and not x._backend.depth for x in given):
        return _apply(_on_host, function, args, options)  # what NumPy goes on with may be a ufunc
    found = COUNTERPARTS.get(plain)
    reason = None
    if found is not None:
        try:
            return found(next((x for x in given if x.dtype.kind in "fc"), given[0]), args, options)
        except Without as error:
            reason = str(error)
        except DtypeError:
            if needs_gradient:
                raise
    if needs_gradient:
        raise GradientError(_refusal(name, plain, reason))
    return _apply(_on_host, function, args, options)


def install() -> None:
    """Give Variable the protocol."""
    Variable.__array_function__ = array_function  # type: ignore[attr-defined]


def _refusal(name: str, plain: str, reason: str | None) -> str:
    """Say what to do in the place of a function that would cut the graph."""
    off = switch()
    if reason is not None:
        why, near = reason, off or "write that with the functions of x.__array_namespace__()"
    else:
        why = "would cut the graph silently, and has no counterpart here"
        near = off or (f"use {known}" if (known := _NEAR.get(plain) or FUNCTIONS.get(plain)) else "")
    return f"{name} of a Variable that needs gradient {why}; " + (
        f"{near}, or use x.detach() first where a cut is meant" if near else "use x.detach() first where that is meant"
    )


def _apply(change: Callable[[Any], Any], function: Callable[..., Any], args: Any, options: dict[str, Any]) -> Any:
    return function(*_changed(change, args), **_changed(change, options))


def _changed(change: Callable[[Any], Any], arg: Any) -> Any:
    if type(arg) in VARIABLES:
        return change(arg)
    if isinstance(arg, dict):
        return {name: _changed(change, part) for name, part in arg.items()}
    if type(arg) in (list, tuple):
        return type(arg)(_changed(change, part) for part in arg)
    return arg


def _on_host(x: Variable) -> Any:
    return x.detach().__array__()


def _outline(x: Variable) -> Any:
    """Give an array of NumPy's with the shape and dtype of a Variable, and no memory to speak of."""
    return numpy.broadcast_to(numpy.empty((), dtype=x.dtype), x.shape)
