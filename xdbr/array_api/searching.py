"""Finding and choosing elements; of these functions only `where` has a derivative, and its rule stands beside it."""

from __future__ import annotations

from typing import Any, Literal

from .._config import get_default_dtype
from .._errors import DtypeError, ShapeError
from .._typing import Array, Axis
from ..autograd.lifting import together
from ..autograd.primitive import primitive
from ..autograd.variable import Variable
from ..backends import place_of
from ._arguments import LIBRARY_ERRORS, broadcast, explained, raw_option
from ._rules import kind

__all__ = ["argmax", "argmin", "count_nonzero", "nonzero", "searchsorted", "where"]

_SCALARS = frozenset((bool, int, float, complex))


@primitive(differentiable=False)
def argmax(xp: Any, x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """Find the index of the greatest element, the first where there are several; in the default integer dtype.

    axis: along which to search; `None` searches the flattened array.
    keepdims: whether the searched axis stays, with length one.

    Raises `AxisError`; `ShapeError` where there is nothing to search; `DtypeError` for complex numbers where
    the library does not order them.

    >>> import xdbr
    >>> xdbr.argmax(xdbr.asarray([[3, 1], [5, 9]]), axis=1)
    Variable([0, 1], dtype=int64)
    """
    try:
        return xp.argmax(x, axis=axis, keepdims=keepdims)
    except LIBRARY_ERRORS as error:
        raise explained("argmax", error, x, axis=axis) from error


@primitive(differentiable=False)
def argmin(xp: Any, x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """Find the index of the least element, the first where there are several; in the default integer dtype.

    axis: along which to search; `None` searches the flattened array.
    keepdims: whether the searched axis stays, with length one.

    Raises `AxisError`; `ShapeError` where there is nothing to search; `DtypeError` for complex numbers where
    the library does not order them.

    >>> import xdbr
    >>> xdbr.argmin(xdbr.asarray([[3, 1], [5, 9]]), axis=1)
    Variable([1, 0], dtype=int64)
    """
    try:
        return xp.argmin(x, axis=axis, keepdims=keepdims)
    except LIBRARY_ERRORS as error:
        raise explained("argmin", error, x, axis=axis) from error


@primitive(differentiable=False)
def count_nonzero(xp: Any, x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Count the elements that are not zero (or `True`); in the default integer dtype.

    axis: over which to count, one or several; `None` for all.
    keepdims: whether the counted axes stay, with length one.

    Raises `AxisError`.

    >>> import xdbr
    >>> xdbr.count_nonzero(xdbr.asarray([[3, 0], [5, 9]]), axis=1)
    Variable([1, 2], dtype=int64)
    """
    if axis == ():  # which PyTorch reads as all of them
        return xp.astype(x != 0, xp.int64)
    try:
        found = xp.count_nonzero(x, axis=axis, keepdims=keepdims)
    except LIBRARY_ERRORS as error:
        raise explained("count_nonzero", error, x, axis=axis) from error
    return found if hasattr(found, "dtype") else xp.asarray(found, device=place_of(x))  # NumPy gives a Python integer


@primitive(differentiable=False, outputs=2)  # as many as x has axes
def nonzero(xp: Any, x: Array, /) -> tuple[Array, ...]:
    """Find the elements that are not zero (or `True`): a tuple of their indices along each axis, in row-major order.

    Each has shape (n,) and the default integer dtype. The shape depends on values: on a GPU that waits for them.

    Raises `ShapeError` for an array without axes.

    >>> import xdbr
    >>> xdbr.nonzero(xdbr.asarray([[3, 0], [5, 9]]))
    (Variable([0, 1, 1], dtype=int64), Variable([0, 0, 1], dtype=int64))
    """
    if len(x.shape) == 0:
        raise ShapeError("nonzero: x must have at least one axis; got shape ()")
    return tuple(xp.nonzero(x))


@primitive(name="searchsorted", arrays=2, differentiable=False)
def _searchsorted(xp: Any, x1: Array, x2: Any, /, *, side: str = "left", sorter: Array | None = None) -> Array:
    if type(x2) in _SCALARS:
        x2 = xp.asarray(x2, dtype=x1.dtype, device=place_of(x1))
    try:
        return xp.searchsorted(x1, x2, side=side, sorter=sorter)
    except LIBRARY_ERRORS as error:
        if len(x1.shape) != 1:
            raise ShapeError(f"searchsorted: x1 must have one axis; got shape {tuple(x1.shape)}") from error
        raise explained("searchsorted", error, x1, x2) from error


def searchsorted(
    x1: Any, x2: Any, /, *, side: Literal["left", "right"] = "left", sorter: Any | None = None
) -> Variable:
    """Find where to insert values so that an array stays sorted: indices of x2's shape, in the default integer dtype.

    x1: one axis, in ascending order unless `sorter` is given; real.
    x2: the values, an array or a number.
    side: "left" gives the first place that fits, "right" the last.
    sorter: the integer indices that sort `x1`.

    Raises `ShapeError` where `x1` has several axes, `ValueError` for another `side`, `DtypeError`, `DeviceError`.

    >>> import xdbr
    >>> xdbr.searchsorted(xdbr.asarray([1.0, 3.0, 5.0]), xdbr.asarray([0.0, 3.0, 9.0]))
    Variable([0, 1, 3], dtype=int64)
    """
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side must be 'left' or 'right'; got {side!r}")
    if sorter is not None:
        x1, sorter = together((x1, sorter))
        sorter = raw_option("searchsorted", "sorter", sorter, x1)
    found: Variable = _searchsorted.primitive.apply((x1, x2), {"side": side, "sorter": sorter})
    return found


@primitive(selecting=True)
def where(xp: Any, condition: Array, x1: Any, x2: Any, /) -> Array:
    """Take the elements of `x1` where a condition holds and those of `x2` elsewhere; the shapes broadcast.

    condition: boolean; any other dtype holds where it is not zero.
    x1, x2: arrays or Python numbers; the dtypes are promoted.

    The gradient of what was not taken is zero, even where the derivative below it is infinite or NaN; that of
    the condition is zero.

    Raises `ShapeError` where the shapes do not broadcast, `DtypeError` where dtypes have no common one, `DeviceError`.

    >>> import xdbr
    >>> x = xdbr.asarray([-1.0, 4.0])
    >>> xdbr.where(x > 0, xdbr.sqrt(x), 0.0)
    Variable([0., 2.], dtype=float32)
    """
    if type(x1) in _SCALARS or type(x2) in _SCALARS:
        x1, x2 = _settled(xp, condition, x1, x2)
    try:
        return xp.where(condition, x1, x2)
    except LIBRARY_ERRORS as error:
        if type(condition) in _SCALARS:
            like = x1 if hasattr(x1, "dtype") else x2
            return xp.where(xp.asarray(bool(condition), device=place_of(like)), x1, x2)
        if not xp.isdtype(condition.dtype, "bool"):
            return xp.where(xp.astype(condition, xp.bool), x1, x2)
        broadcast("where", [tuple(getattr(x, "shape", ())) for x in (condition, x1, x2)])
        raise explained("where", error, condition, x1, x2) from error


def _settled(xp: Any, condition: Array, x1: Any, x2: Any) -> tuple[Any, Any]:
    """Give numbers the dtype that the standard leaves open and libraries choose differently: the default one."""
    kinds = {type(x1), type(x2)}
    if kinds <= _SCALARS:
        if not hasattr(condition, "dtype"):
            raise DtypeError("where: expected at least one array or Variable")
        dtype = _default(xp, kinds) if complex in kinds or float in kinds else None
        return tuple(xp.asarray(x, dtype=dtype, device=place_of(condition)) for x in (x1, x2))
    if complex not in kinds and float not in kinds:
        return x1, x2
    x = x2 if type(x1) in _SCALARS else x1
    if kind(x.dtype) not in "biu":
        return x1, x2
    dtype = _default(xp, kinds)
    return (x1, xp.astype(x2, dtype)) if x is x2 else (xp.astype(x1, dtype), x2)


def _default(xp: Any, kinds: set[type]) -> Any:
    name = get_default_dtype()
    return getattr(xp, ("complex128" if name == "float64" else "complex64") if complex in kinds else name)


where.vjp(
    lambda xp, g: None,  # a stated zero: a condition in a floating-point dtype counts as constant
    lambda xp, g, condition: xp.where(condition, g, 0),
    lambda xp, g, condition: xp.where(condition, 0, g),
)
