"""Axes and shapes as the standard spells them, and errors of a library made to name the function and what came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import backends
from .._errors import AxisError, BatchingError, DeviceError, DtypeError, ShapeError, XdbrError, class_of
from .._typing import RawArray, Shape
from ..autograd.variable import VARIABLES

__all__ = ["LIBRARY_ERRORS", "broadcast", "explained", "lengths", "number", "one_axis", "raw_option", "unique_axes"]

# What array libraries raise on bad arguments. A forward catches these, because a `try` costs nothing
# where nothing is raised, while looking at each argument beforehand would cost every call.
LIBRARY_ERRORS = (ValueError, TypeError, IndexError, RuntimeError, OverflowError)


def one_axis(function: str, axis: Any, ndim: int) -> int:
    """Read an axis of an array with `ndim` axes, counting a negative one from the last.

    Raises `AxisError` where it is out of range and `TypeError` where it is no integer.
    """
    try:
        i: int = axis.__index__()
    except AttributeError:
        raise TypeError(f"{function}: axis must be an integer; got {axis!r}") from None
    if not -ndim <= i < ndim:
        raise AxisError(f"{function}: axis {i} is out of range for an array with {ndim} axes")
    return i % ndim


def unique_axes(function: str, axis: Any, ndim: int) -> tuple[int, ...]:
    """Read an axis or a sequence of different ones; `None` for all. Raises as `one_axis`, and for one named twice."""
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    found = tuple(one_axis(function, i, ndim) for i in given)
    if len(set(found)) < len(found):
        raise AxisError(f"{function}: axis names one axis twice; got {axis!r} for an array with {ndim} axes")
    return found


def lengths(function: str, shape: Any, argument: str = "shape") -> Shape:
    """Read a shape: an integer or a sequence of integers. Raises `TypeError` where it is neither."""
    try:
        if hasattr(shape, "__index__"):
            return (shape.__index__(),)
        return tuple(n.__index__() for n in shape)
    except BatchingError:
        raise
    except (TypeError, AttributeError):
        raise TypeError(f"{function}: {argument} must be an integer or a sequence of integers; got {shape!r}") from None


def broadcast(function: str, shapes: Sequence[Shape]) -> Shape:
    """Give the one shape that several broadcast to. Raises `ShapeError` where there is none."""
    ndim = max((len(shape) for shape in shapes), default=0)
    found = [1] * ndim
    for shape in shapes:
        for i, length in enumerate(shape, ndim - len(shape)):
            if length != 1 and found[i] != length:
                if found[i] != 1:
                    listed = ", ".join(str(tuple(one)) for one in shapes)
                    raise ShapeError(
                        f"{function}: the shapes {listed} cannot be broadcast together: "
                        f"axis {i - ndim} has different lengths"
                    )
                found[i] = length
    return tuple(found)


def number(function: str, argument: str, value: Any) -> Any:
    """Read a number that may come as a 0-d array."""
    if isinstance(value, (bool, int, float, complex)):
        return value
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()  # raises for a Variable that needs gradient
    raise TypeError(f"{function}: {argument} must be a number; got {type(value).__name__}")


def explained(function: str, error: Exception, *arrays: Any, axis: Any = None) -> Exception:
    """Give the error to raise in the place of a library's: of xdbr's own class, with the function and what came."""
    if isinstance(error, XdbrError):
        return error
    if axis is not None and len(arrays) == 1:
        try:
            unique_axes(function, axis, len(arrays[0].shape))
        except (AxisError, TypeError) as better:
            return better
    got = ", ".join(
        f"shape {tuple(x.shape)} and dtype {x.dtype}" if hasattr(x, "dtype") else type(x).__name__ for x in arrays
    )
    return class_of(error)(f"{function}: {error} (got {got}{'' if axis is None else f', axis={axis!r}'})")


def raw_option(function: str, argument: str, value: Any, x: Any) -> RawArray:
    """Give the raw array of an array that is an option of a function of `x`.

    Raises `DtypeError` where it is no array and `DeviceError` where it is not on x's device.
    """
    raw = value._raw if type(value) in VARIABLES else value
    backend = backends.of(raw)
    if backend is None or isinstance(raw, (bool, int, float, complex)):
        raise DtypeError(f"{function}: {argument} must be an array or a Variable; got {type(value).__name__}")
    other = x._raw if type(x) in VARIABLES else x
    its_backend = backends.of(other)
    if its_backend is not None:
        device, its_device = backend.device_of(raw), its_backend.device_of(other)
        if device != its_device and backends.levels_meet(device, its_device):
            if backend.depth < its_backend.depth:
                return backend.as_array(raw)  # the same for every example of the vmap that x belongs to
            raise BatchingError(
                f"{function} under vmap: {argument} must not depend on the example where the array does not"
            )
        if device != its_device:
            raise DeviceError(
                f"{function}: the array is on {str(its_device)!r} but {argument} is on {str(device)!r}; "
                f"move one of them, for example {argument}.to_device({str(its_device)!r})"
            )
    return backend.as_array(raw)
