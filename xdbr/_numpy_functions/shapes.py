"""NumPy's functions of shapes and orders of axes, and those that join and split arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from .. import array_api as xp
from .._errors import AxisError, ShapeError
from ..autograd.variable import Variable
from .counterpart import Without, as_dtype, beside, counterparts, row

__all__: list[str] = []


def _reshape(a: Variable, shape: Any, order: str = "C", *, copy: bool | None = None) -> Variable:
    if order not in ("C", "F"):
        raise Without(f"takes no order={order!r}")
    if order == "F":
        lengths = (shape,) if hasattr(shape, "__index__") else tuple(shape)
        return xp.transpose(xp.reshape(xp.transpose(a), lengths[::-1], copy=copy))
    return xp.reshape(a, shape, copy=copy)


def _squeeze(a: Variable, axis: Any = None) -> Variable:
    return xp.squeeze(a, tuple(i for i, n in enumerate(a.shape) if n == 1) if axis is None else axis)


def _swapaxes(a: Variable, axis1: int, axis2: int) -> Variable:
    order = list(range(a.ndim))
    try:
        order[axis1], order[axis2] = order[axis2], order[axis1]
    except IndexError:
        raise AxisError(f"swapaxes: an axis of {axis1, axis2} is out of range for {a.ndim} axes") from None
    return xp.permute_dims(a, tuple(order))


def _rollaxis(a: Variable, axis: int, start: int = 0) -> Variable:
    i, start = range(a.ndim)[axis], start + a.ndim if start < 0 else start
    return xp.moveaxis(a, i, start - 1 if i < start else start)


def _rot90(m: Variable, k: int = 1, axes: Any = (0, 1)) -> Variable:
    one, other = axes
    turned = (
        lambda: m[...],
        lambda: _swapaxes(xp.flip(m, axis=other), one, other),
        lambda: xp.flip(m, axis=(one, other)),
        lambda: xp.flip(_swapaxes(m, one, other), axis=other),
    )
    return turned[k % 4]()


def _roll(a: Variable, shift: Any, axis: Any = None) -> Variable:
    if axis is not None and hasattr(axis, "__index__") is not hasattr(shift, "__index__"):  # NumPy broadcasts them
        shifts, axes = numpy.broadcast_arrays(shift, axis)
        shift, axis = tuple(shifts.tolist()), tuple(axes.tolist())
    return xp.roll(a, shift, axis=axis)


def _at_least(ndim: int, x: Variable) -> Variable:
    """Give an array at least so many axes, as NumPy puts them: a vector becomes a row, then a row of depth one."""
    if x.ndim >= ndim:
        return x
    shape = ((1,) * (min(ndim, 2) - x.ndim) if x.ndim < 2 else ()) + x.shape
    return xp.reshape(x, shape + (1,) * (ndim - len(shape)))


def _each(function: Callable[[Variable], Variable], arys: Sequence[Variable]) -> Any:
    found = tuple(map(function, arys))
    return found[0] if len(found) == 1 else found


def _hstack(tup: list[Variable], dtype: Any = None) -> Variable:
    parts = [_at_least(1, x) for x in tup]
    return as_dtype(xp.concat(parts, axis=0 if parts[0].ndim == 1 else 1), dtype)


def _column_stack(tup: list[Variable]) -> Variable:
    return xp.concat([row(x)[:, None] if x.ndim < 2 else x for x in tup], axis=1)


def _append(arr: Variable, values: Variable, axis: int | None = None) -> Variable:
    return xp.concat([arr, values], axis=axis)


def _array_split(ary: Variable, indices_or_sections: Any, axis: int = 0) -> list[Variable]:
    n = ary.shape[axis]
    if hasattr(indices_or_sections, "__index__"):
        parts = indices_or_sections.__index__()
        if parts < 1:
            raise ValueError("number sections must be larger than 0.")
        ends = [i * (n // parts) + min(i, n % parts) for i in range(1, parts)]
    else:
        ends = [i.__index__() for i in indices_or_sections]
    before = (slice(None),) * (axis % ary.ndim)
    # The standard has no slices beyond the end.
    spans = [slice(i, j).indices(n) for i, j in zip([0, *ends], [*ends, n], strict=True)]
    return [ary[(*before, slice(i, max(i, j)), ...)] for i, j, _ in spans]


def _split(ary: Variable, indices_or_sections: Any, axis: int = 0) -> list[Variable]:
    if hasattr(indices_or_sections, "__index__") and ary.shape[axis] % indices_or_sections.__index__():
        raise ShapeError(f"split: {ary.shape[axis]} elements are not {indices_or_sections} equal parts")
    return _array_split(ary, indices_or_sections, axis)


counterparts(
    1,
    reshape=_reshape,
    ravel=lambda a, order="C": _reshape(a, (-1,), order),
    squeeze=_squeeze,
    transpose=lambda a, axes=None: xp.transpose(a, axes),
    matrix_transpose=lambda x: xp.matrix_transpose(x),
    swapaxes=_swapaxes,
    moveaxis=lambda a, source, destination: xp.moveaxis(a, source, destination),
    rollaxis=_rollaxis,
    expand_dims=lambda a, axis: xp.expand_dims(a, tuple(axis) if isinstance(axis, list) else axis),
    broadcast_to=lambda array, shape: xp.broadcast_to(array, (shape,) if hasattr(shape, "__index__") else tuple(shape)),
    tile=lambda A, reps: xp.tile(A, (reps,) if hasattr(reps, "__index__") else tuple(reps)),
    repeat=lambda a, repeats, axis=None: xp.repeat(a if a.ndim else row(a), _counts(a, repeats), axis=axis),
    roll=_roll,
    flip=lambda m, axis=None: xp.flip(m, axis=axis),
    fliplr=lambda m: xp.flip(m, axis=1),
    flipud=lambda m: xp.flip(m, axis=0),
    rot90=_rot90,
    array_split=_array_split,
    split=_split,
    hsplit=lambda ary, indices_or_sections: _split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0),
    vsplit=lambda ary, indices_or_sections: _split(ary, indices_or_sections),
    dsplit=lambda ary, indices_or_sections: _split(ary, indices_or_sections, 2),
    unstack=lambda x, *, axis=0: xp.unstack(x, axis=axis),
)
counterparts(2, append=_append)
counterparts(
    -1,
    concatenate=lambda arrays, axis=0, *, dtype=None: as_dtype(xp.concat(arrays, axis=axis), dtype),
    stack=lambda arrays, axis=0, *, dtype=None: as_dtype(xp.stack(arrays, axis=axis), dtype),
    hstack=lambda tup, *, dtype=None: _hstack(tup, dtype),
    vstack=lambda tup, *, dtype=None: as_dtype(xp.concat([_at_least(2, x) for x in tup], axis=0), dtype),
    dstack=lambda tup: xp.concat([_at_least(3, x) for x in tup], axis=2),
    column_stack=_column_stack,
)
counterparts(
    -2,
    atleast_1d=lambda *arys: _each(lambda x: _at_least(1, x), arys),
    atleast_2d=lambda *arys: _each(lambda x: _at_least(2, x), arys),
    atleast_3d=lambda *arys: _each(lambda x: _at_least(3, x), arys),
    broadcast_arrays=lambda *args: tuple(xp.broadcast_arrays(*args)),
    meshgrid=lambda *xi, indexing="xy": tuple(xp.meshgrid(*map(row, xi), indexing=indexing)),
)


def _counts(a: Variable, repeats: Any) -> Any:
    """Give how often to repeat: one number, or an array for the elements."""
    if hasattr(repeats, "__index__") and not getattr(repeats, "shape", ()):
        return repeats.__index__()
    counts = beside(a, numpy.asarray(repeats) if isinstance(repeats, (list, tuple)) else repeats)
    return counts.item() if counts.size == 1 else counts
