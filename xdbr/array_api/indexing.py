"""Selecting elements by arrays of indices, each function with its gradient rule beside it.

Their gradients add into the places that were read, so a place that was read twice receives both.
"""

from __future__ import annotations

from typing import Any

from .._errors import DtypeError, ShapeError
from .._typing import Array, Shape
from ..autograd.primitive import primitive
from ..backends import place_of
from ._arguments import LIBRARY_ERRORS, explained, one_axis

__all__ = ["take", "take_along_axis"]


@primitive(arrays=2)
def take(xp: Any, x: Array, indices: Array, /, *, axis: int | None = None) -> Array:
    """Give the slices of an array at some places along an axis.

    x: with at least one axis.
    indices: integers, negative ones count from the last; its axes take the place of `axis` in the result.
    axis: may be left out where `x` has one axis.

    Raises `AxisError`, `ShapeError` where `axis` is missing or an index is out of range, `DtypeError` where
    `indices` has no integer dtype, `DeviceError`.

    >>> import xdbr
    >>> xdbr.take(xdbr.asarray([10, 20, 30]), xdbr.asarray([2, 0]))
    Variable([30, 10], dtype=int64)
    """
    if not hasattr(indices, "shape"):
        raise DtypeError(f"take: indices must be an array or a Variable; got {type(indices).__name__}")
    shape, places = tuple(x.shape), tuple(indices.shape)
    if axis is None:
        if len(shape) != 1:
            raise ShapeError(f"take: axis must be given unless x has one axis; got x of shape {shape}")
        axis = 0
    try:
        if len(places) == 1:
            return xp.take(x, indices, axis=axis)
        axis = one_axis("take", axis, len(shape))
        flat = xp.take(x, xp.reshape(indices, (-1,)), axis=axis)
        return xp.reshape(flat, shape[:axis] + places + shape[axis + 1 :])
    except LIBRARY_ERRORS as error:
        if not xp.isdtype(indices.dtype, "integral"):
            raise DtypeError(f"take: indices must have an integer dtype; got {indices.dtype}") from error
        raise explained("take", error, x, axis=axis) from error


def add_along(xp: Any, x: Array, g: Array, places: Array, axis: int, *, owned: bool = False) -> Array:
    """Give `x` with `g` added where `take_along_axis(x, places, axis=axis)` reads, or `take` for places with one axis.

    Row-major positions take the place of the index, because adding at them is several times as fast
    and within the standard. Differentiable in `x` and `g`; `owned` (of raw arrays) says that `x` may be overwritten.
    """
    shape = tuple(x.shape)
    ndim = len(shape)
    axis %= ndim
    if len(places.shape) != ndim:
        places = xp.reshape(places, tuple(-1 if i == axis else 1 for i in range(ndim)))
    where: Any = 0
    stride = 1
    for i in reversed(range(ndim)):
        if i == axis:
            places = xp.astype(places, xp.int64, copy=False)
            line = xp.where(places < 0, places + shape[i], places)
        else:
            line = xp.reshape(
                xp.arange(shape[i], device=place_of(places)), tuple(-1 if j == i else 1 for j in range(ndim))
            )
        where = where + line * stride
        stride *= shape[i]
    flat, key = xp.reshape(x, (-1,)), (xp.reshape(where, (-1,)),)
    g = xp.reshape(g, (-1,))
    added = xp.extras.index_add(flat, g, key=key, owned=True) if owned else xp.extras.index_add(flat, g, key=key)
    return xp.reshape(added, shape)


def _take_rule(xp: Any, g: Array, x_shape: Shape, indices: Array, axis: int | None) -> Array:
    zeros = xp.zeros(x_shape, dtype=g.dtype, device=place_of(g))
    return add_along(xp, zeros, g, xp.reshape(indices, (-1,)), axis or 0)


take.vjp(_take_rule, None)


def _take_scatter(xp: Any, total: Array, g: Array, saved: dict[str, Any], owned: bool) -> Array:
    return add_along(xp, total, g, xp.reshape(saved["indices"], (-1,)), saved["axis"] or 0, owned=owned)


take.primitive.scatter = _take_scatter


@primitive(arrays=2)
def take_along_axis(xp: Any, x: Array, indices: Array, /, *, axis: int = -1) -> Array:
    """Give the elements at some places along an axis, others in each line: those that `argsort` and `argmax` find.

    x, indices: of equally many axes, which broadcast against each other but along `axis`. The result has
        their broadcast shape, and along `axis` the length of `indices`, integers of which negative ones
        count from the last.

    Raises `AxisError`, `ShapeError` where shapes do not fit or an index is out of range, `DtypeError`
    where `indices` has no integer dtype, `DeviceError`.

    >>> import xdbr
    >>> x = xdbr.asarray([[3, 1], [5, 9]])
    >>> xdbr.take_along_axis(x, xdbr.argmax(x, axis=1, keepdims=True), axis=1)
    Variable([[3],
              [9]], dtype=int64)
    """
    if not hasattr(indices, "shape"):
        raise DtypeError(f"take_along_axis: indices must be an array or a Variable; got {type(indices).__name__}")
    try:
        return xp.take_along_axis(x, indices, axis=axis)
    except LIBRARY_ERRORS as error:
        one_axis("take_along_axis", axis, len(x.shape))
        if not xp.isdtype(indices.dtype, "integral"):
            raise DtypeError(f"take_along_axis: indices must have an integer dtype; got {indices.dtype}") from error
        raise explained("take_along_axis", error, x, indices, axis=axis) from error


def _take_along_axis_rule(xp: Any, g: Array, x_shape: Shape, indices: Array, axis: int) -> Array:
    return add_along(xp, xp.zeros(x_shape, dtype=g.dtype, device=place_of(g)), g, indices, axis)


take_along_axis.vjp(_take_along_axis_rule, None)


def _take_along_axis_scatter(xp: Any, total: Array, g: Array, saved: dict[str, Any], owned: bool) -> Array:
    return add_along(xp, total, g, saved["indices"], saved["axis"], owned=owned)


take_along_axis.primitive.scatter = _take_along_axis_scatter
