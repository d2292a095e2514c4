"""Tests of truth, and differences."""

from __future__ import annotations

from typing import Any

from .._errors import DtypeError, ShapeError
from .._typing import Array, Axis
from ..autograd.primitive import composite, primitive
from ._arguments import LIBRARY_ERRORS, explained, one_axis, unique_axes
from ._rules import along, floating

__all__ = ["all", "any", "diff", "gradient"]


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


@composite
def gradient(xp: Any, x: Array, /, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Second-order central differences of an array of values, as NumPy's `gradient`; beyond the standard.

    spacing: the distance between neighbours, or their coordinates, for each axis; one number counts for all, 1 by
        default.
    axis: one or several, by default all. One gives an array of x's shape, several a tuple of such.
    edge_order: the order, 1 or 2, of the one-sided differences at both ends.

    For the derivative of a function see `xdbr.grad`. Raises `AxisError`, `ShapeError` where the coordinates do not fit
    or an axis has fewer than `edge_order` + 1 elements, and `TypeError` for another number of spacings.

    >>> import xdbr
    >>> xdbr.gradient(xdbr.asarray([1.0, 2.0, 4.0, 7.0]))
    Variable([1. , 1.5, 2.5, 3. ], dtype=float32)
    """
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order must be 1 or 2; got {edge_order!r}")
    x = floating(xp, x)
    axes = unique_axes("gradient", axis, len(x.shape))
    spacing = tuple(
        xp.asarray(h, dtype=x.dtype, device=x.device) if isinstance(h, (list, tuple)) else h for h in spacing or (1.0,)
    )
    if len(spacing) == 1 and not getattr(spacing[0], "ndim", 0):
        spacing *= len(axes)
    if len(spacing) != len(axes):
        raise TypeError(
            f"gradient: expected no spacing, one number, or one for each of {len(axes)} axes; got {len(spacing)}"
        )
    found = tuple(_slopes(xp, x, i, h, edge_order) for i, h in zip(axes, spacing, strict=True))
    return found[0] if len(found) == 1 else found


def _slopes(xp: Any, x: Array, axis: int, h: Any, edge_order: int) -> Array:
    """Give the slopes along an axis; `h` is a distance or the coordinates."""
    n = x.shape[axis]
    if n <= edge_order:
        raise ShapeError(f"gradient: axis {axis} must have at least {edge_order + 1} elements; got {n}")
    left, right = along(axis, slice(0, -1)), along(axis, slice(1, None))
    steps = x[right] - x[left]
    if not getattr(h, "ndim", 0):
        slope = steps / h
        middle = (x[along(axis, slice(2, None))] - x[along(axis, slice(0, -2))]) / (2 * h)
    elif tuple(h.shape) != (n,):
        raise ShapeError(f"gradient: the coordinates of axis {axis} must have shape ({n},); got {tuple(h.shape)}")
    else:
        h = floating(xp, h)
        h = xp.reshape(h[1:] - h[:-1], (-1, *(1,) * (len(x.shape) - 1 - axis)))
        slope = steps / h
        before, after = h[:-1, ...], h[1:, ...]
        # The slope of the parabola through three neighbours, at the middle one.
        middle = (slope[left] * after + slope[right] * before) / (before + after)
    first, last = slope[along(axis, slice(0, 1))], slope[along(axis, slice(-1, None))]
    if edge_order == 2:  # its slope at the ends: the mean of both is that of the step between them
        first = 2 * first - middle[along(axis, slice(0, 1))]
        last = 2 * last - middle[along(axis, slice(-1, None))]
    return xp.concat([first, middle, last], axis=axis)
