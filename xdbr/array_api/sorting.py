"""Sorting; the gradient goes back along the permutation."""

from __future__ import annotations

from typing import Any

from .._typing import Array
from ..autograd.primitive import primitive
from ._arguments import LIBRARY_ERRORS, explained, one_axis

__all__ = ["argsort", "sort"]


@primitive(differentiable=False)
def argsort(xp: Any, x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """Find the indices that sort an array along an axis, for `take_along_axis`; in the default integer dtype.

    x: real, with at least one axis.
    stable: whether equal elements keep their order, also in a descending sort.

    Raises `AxisError`; `DtypeError` for complex numbers where the library does not order them.

    >>> import xdbr
    >>> xdbr.argsort(xdbr.asarray([30, 10, 20]))
    Variable([1, 2, 0], dtype=int64)
    """
    i = one_axis("argsort", axis, len(x.shape))
    try:
        if not descending:
            return xp.argsort(x, axis=axis, stable=stable)
        # NumPy has no descending sort. Backward through the array it is an ascending one, and a stable one stays so.
        order = xp.flip(xp.argsort(xp.flip(x, axis=i), axis=i, stable=stable), axis=i)
    except LIBRARY_ERRORS as error:
        raise explained("argsort", error, x, axis=axis) from error
    return x.shape[i] - 1 - order


@primitive(arrays=1)
def sort(xp: Any, x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """Sort an array along an axis.

    x: real, with at least one axis.
    stable: whether equal elements keep their order, which tells only zeros of different signs apart.

    The gradient goes back to where an element came from; among equal elements the first takes the first place.
    Raises `AxisError`; `DtypeError` for complex numbers where the library does not order them.

    >>> import xdbr
    >>> xdbr.sort(xdbr.asarray([30, 10, 20]), descending=True)
    Variable([30, 20, 10], dtype=int64)
    """
    i = one_axis("sort", axis, len(x.shape))
    try:
        if not descending:
            return xp.sort(x, axis=axis, stable=stable)
        return xp.flip(xp.sort(xp.flip(x, axis=i), axis=i, stable=stable), axis=i)
    except LIBRARY_ERRORS as error:
        raise explained("sort", error, x, axis=axis) from error


def _sort_rule(xp: Any, g: Array, x: Array, axis: int, descending: bool) -> Array:
    # Element j of x went to the place that j has in the order: the inverse permutation, which sorting an order gives.
    order = xp.argsort(x, axis=axis, descending=descending)
    return xp.take_along_axis(g, xp.argsort(order, axis=axis), axis=axis)


sort.vjp(_sort_rule)
