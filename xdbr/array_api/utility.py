"""Tests of truth, and differences."""

from __future__ import annotations

from typing import Any

from .._errors import DtypeError
from .._typing import Array, Axis
from ..autograd.primitive import composite, primitive
from ._arguments import LIBRARY_ERRORS, explained, one_axis

__all__ = ["all", "any", "diff"]


@primitive(differentiable=False)
def all(xp: Any, x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Tell whether all elements are true; NaN and whatever else is not zero is true, and so is a test of no elements.

    axis: over which to test, one or several; `None` for all.
    keepdims: whether the tested axes stay, with length one.

    Raises `AxisError`.

    >>> import xdbr
    >>> xdbr.all(xdbr.asarray([[True, False], [True, True]]), axis=1)
    Variable([False,  True], dtype=bool)
    """
    try:
        return xp.all(x, axis=axis, keepdims=keepdims)
    except LIBRARY_ERRORS as error:
        raise explained("all", error, x, axis=axis) from error


@primitive(differentiable=False)
def any(xp: Any, x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Tell whether any element is true; NaN and whatever else is not zero is true, and of no elements none is.

    axis: over which to test, one or several; `None` for all.
    keepdims: whether the tested axes stay, with length one.

    Raises `AxisError`.

    >>> import xdbr
    >>> xdbr.any(xdbr.asarray([[True, False], [False, False]]), axis=1)
    Variable([ True, False], dtype=bool)
    """
    try:
        return xp.any(x, axis=axis, keepdims=keepdims)
    except LIBRARY_ERRORS as error:
        raise explained("any", error, x, axis=axis) from error


@composite
def diff(
    xp: Any, x: Array, /, n: int = 1, *, axis: int = -1, prepend: Array | None = None, append: Array | None = None
) -> Array:
    """Take the differences of neighbours along an axis, `n` times: its length falls by `n`.

    x: numeric, with at least one axis.
    n: also by position, as scikit-learn gives it.
    prepend, append: arrays that are joined to `x` along the axis before.

    Raises `AxisError`, `ValueError` for a negative `n`, `DtypeError` for a Boolean array, `ShapeError`.

    >>> import xdbr
    >>> xdbr.diff(xdbr.asarray([1, 4, 9, 16]), n=2)
    Variable([2, 2], dtype=int64)
    """
    if n < 0:
        raise ValueError(f"diff: n must not be negative; got {n}")
    if xp.isdtype(x.dtype, "bool"):
        raise DtypeError("diff: x must be numeric; got dtype bool")
    axis = one_axis("diff", axis, len(x.shape))
    if prepend is not None or append is not None:
        x = xp.concat([part for part in (prepend, x, append) if part is not None], axis=axis)
    elif n == 0:
        return xp.astype(x, x.dtype, copy=True)
    before = (slice(None),) * axis
    for _ in range(min(n, x.shape[axis])):
        x = x[(*before, slice(1, None), ...)] - x[(*before, slice(None, -1), ...)]
    return x
