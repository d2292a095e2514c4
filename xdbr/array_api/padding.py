"""Padding, which the standard lacks and code such as xarray's asks a namespace for."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._errors import ShapeError
from .._typing import Array
from ..autograd.primitive import composite

__all__ = ["pad"]

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
