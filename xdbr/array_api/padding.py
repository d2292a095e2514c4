"""Padding and windows, which the standard lacks and code such as xarray's asks a namespace for."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._errors import ShapeError
from .._typing import Array
from ..autograd.primitive import composite
from ._arguments import lengths, one_axis

__all__ = ["pad", "sliding_window_view"]

_BY_PLACE = ("edge", "reflect", "symmetric", "wrap")


@composite
def pad(xp: Any, x: Array, /, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Array:
    """Add elements at both ends of each axis, as NumPy's `pad`; beyond the standard.

    pad_width: how many: an integer for all ends, `(before, after)` for all axes, or a pair for each axis.
    mode: "constant", "edge", "reflect", "symmetric" or "wrap".
    constant_values: numbers, nested as `pad_width`.

    Raises `ShapeError` for what cannot be read as widths and `ValueError` for another mode.

    >>> import xdbr
    >>> xdbr.pad(xdbr.asarray([1, 2, 3]), (1, 2))
    Variable([0, 1, 2, 3, 0, 0], dtype=int64)
    >>> xdbr.pad(xdbr.asarray([1, 2, 3]), 2, mode="reflect")
    Variable([3, 2, 1, 2, 3, 2, 1], dtype=int64)
    """
    if mode != "constant" and mode not in _BY_PLACE:
        raise ValueError(f"pad: mode must be 'constant', {', '.join(map(repr, _BY_PLACE))}; got {mode!r}")
    widths = _ends("pad_width", pad_width, len(x.shape))
    values = _ends("constant_values", constant_values, len(x.shape))
    for axis, (before, after) in enumerate(widths):
        if before == after == 0:
            continue
        if mode == "constant":
            ends = [
                xp.full((*x.shape[:axis], n, *x.shape[axis + 1 :]), value, dtype=x.dtype, device=x.device)
                for n, value in zip((before, after), values[axis], strict=True)
            ]
            x = xp.concat([ends[0], x, ends[1]], axis=axis)
        else:
            places = np.pad(np.arange(x.shape[axis]), (before, after), mode)  # type: ignore[call-overload]
            x = xp.take(x, xp.asarray(places.tolist(), dtype=xp.int64, device=x.device), axis=axis)
    return x


@composite
def sliding_window_view(xp: Any, x: Array, /, window_shape: Any, axis: Any = None) -> Array:
    """All windows of a shape, as NumPy's function of this name, but a copy; beyond the standard.

    window_shape: a length for each axis of `axis`.
    axis: one or several, also the same one again; by default all, in order.

    The result has an axis of places for each of x's, and then one for each of the window's. A namespace has it under
    NumPy's path, too: `lib.stride_tricks.sliding_window_view`. Raises `AxisError`, and `ShapeError` where the windows
    do not fit.

    >>> import xdbr
    >>> xdbr.sliding_window_view(xdbr.asarray([1, 2, 3, 4]), 3)
    Variable([[1, 2, 3],
              [2, 3, 4]], dtype=int64)
    """
    name = "sliding_window_view"
    ndim, sizes = len(x.shape), lengths(name, window_shape, "window_shape")
    axes = tuple(range(ndim)) if axis is None else tuple(one_axis(name, i, ndim) for i in lengths(name, axis, "axis"))
    if len(sizes) != len(axes):
        raise ShapeError(f"{name}: window_shape must have a length for each of the axes {axes}; got {sizes}")
    for i, size in zip(axes, sizes, strict=True):
        places = x.shape[i] - size + 1
        if size < 0 or places < 1:
            raise ShapeError(f"{name}: a window of length {size} does not fit into axis {i} of length {x.shape[i]}")
        starts = xp.arange(places, device=x.device)
        x = xp.moveaxis(xp.take(x, starts[:, None] + xp.arange(size, device=x.device), axis=i), i + 1, -1)
    return x


def _ends(argument: str, given: Any, ndim: int) -> list[Any]:
    """Read two values for each axis as NumPy does: one for all, a pair for all, or a pair for each."""
    try:
        found = np.broadcast_to(np.asarray(given), (ndim, 2))
    except ValueError as error:
        raise ShapeError(
            f"pad: {argument} must be one value, a pair, or a pair for each axis; got {given!r}"
        ) from error
    if argument == "pad_width" and (found.dtype.kind not in "iu" or (found < 0).any()):
        raise ShapeError(f"pad: pad_width must be of integers that are not negative; got {given!r}")
    return found.tolist()  # type: ignore[no-any-return]
