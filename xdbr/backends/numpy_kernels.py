"""Quicker forms of single functions on NumPy, which computes them itself with several microseconds of Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._config import get_default_dtype
from .._errors import ShapeError
from .._typing import Axis, RawArray, Shape
from ._base import MendedLibrary

__all__ = ["KERNELS", "NumpyLibrary"]

# Without types: NumPy's do not tell that `reduce` takes all its options by position, which is quicker.
_add: Any = np.add.reduce
_multiply: Any = np.multiply.reduce
_maximum: Any = np.maximum.reduce
_minimum: Any = np.minimum.reduce


_FEW = 256  # elements that any sort orders in no time


def _sum(x: RawArray, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> RawArray:
    return _add(x, axis, dtype, None, keepdims)


def _prod(x: RawArray, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> RawArray:
    return _multiply(x, axis, dtype, None, keepdims)


def _max(x: RawArray, /, *, axis: Axis = None, keepdims: bool = False) -> RawArray:
    return _maximum(x, axis, None, None, keepdims)


def _min(x: RawArray, /, *, axis: Axis = None, keepdims: bool = False) -> RawArray:
    return _minimum(x, axis, None, None, keepdims)


def _count(shape: Shape, axis: Axis) -> int:
    """Give how many elements of an array of `shape` are reduced to one."""
    n = 1
    for i in range(len(shape)) if axis is None else (axis,) if type(axis) is int else axis:  # type: ignore[union-attr]
        n *= shape[i]
    return n


def _floating(x: RawArray) -> RawArray:
    return x.astype(get_default_dtype()) if x.dtype.kind in "biu" else x


def _mean(x: RawArray, /, *, axis: Axis = None, keepdims: bool = False) -> RawArray:
    x = _floating(x)
    if x.dtype.char == "e":  # NumPy sums halves in single precision
        return np.mean(x, axis=axis, keepdims=keepdims)  # type: ignore[call-overload, unused-ignore]  # as NumPy 2.5 has it
    return _add(x, axis, None, None, keepdims) / (x.size if axis is None else _count(x.shape, axis))


def _var(
    x: RawArray, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False, ddof: float | None = None
) -> RawArray:
    x = _floating(x)
    correction = correction if ddof is None else ddof
    if x.dtype.char == "e":
        wide = _var(x.astype(np.float32), axis=axis, correction=correction, keepdims=keepdims)
        return wide.astype(x.dtype)
    n = x.size if axis is None else _count(x.shape, axis)
    away = x - _add(x, axis, None, None, True) / n
    squares = np.square(away.real) + np.square(away.imag) if x.dtype.kind == "c" else np.square(away)
    return _add(squares, axis, None, None, keepdims) / (n - correction if n > correction else np.nan)


def _std(
    x: RawArray, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False, ddof: float | None = None
) -> RawArray:
    return np.sqrt(_var(x, axis=axis, correction=correction, keepdims=keepdims, ddof=ddof))


def _running(accumulate: Callable[..., Any], initial: int) -> Callable[..., Any]:
    def run(x: RawArray, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> RawArray:
        axis = 0 if axis is None else axis % x.ndim
        if include_initial:
            first = np.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), initial, dtype=x.dtype)
            x = np.concatenate([first, x], axis=axis)
        return accumulate(x, axis, dtype)

    return run


def _matrix_transpose(x: RawArray, /) -> RawArray:
    return x.mT


def _broadcast_to(x: RawArray, /, shape: Shape) -> RawArray:
    # A view with strides of zero, as NumPy's own function gives at several times the cost; its memory must be compact.
    if type(shape) is tuple and (x.shape == () or x.flags.c_contiguous):
        new = len(shape) - x.ndim
        strides = [0] * len(shape)
        for i, (length, step) in enumerate(zip(x.shape, x.strides, strict=True), new):
            if new >= 0 and length == shape[i]:
                strides[i] = step
            elif length != 1 or new < 0:
                break
        else:
            out: RawArray = np.ndarray(shape, x.dtype, x, 0, strides)
            out.flags.writeable = False
            return out
    try:
        return np.broadcast_to(x, shape)
    except (ValueError, TypeError) as error:
        raise ShapeError(f"broadcast_to: shape {x.shape} does not broadcast to {shape!r}") from error


def _unique_values(x: RawArray, /) -> RawArray:
    # In order, which the standard leaves open and scikit-learn counts on; `np.unique_values` gives a hash table's.
    return np.unique(x, equal_nan=False)


def _round(x: RawArray, /) -> RawArray:
    return x if x.dtype.kind in "iu" else np.rint(x)


def _reciprocal(x: RawArray, /) -> RawArray:
    # NumPy's reciprocal of integers is an integer, and that of complex numbers has other infinities.
    return np.reciprocal(x) if x.dtype.kind == "f" else np.divide(1, x)


KERNELS: dict[str, Callable[..., Any]] = {
    "broadcast_to": _broadcast_to,
    "cumulative_prod": _running(np.multiply.accumulate, 1),
    "cumulative_sum": _running(np.add.accumulate, 0),
    "matrix_transpose": _matrix_transpose,
    "max": _max,
    "mean": _mean,
    "min": _min,
    "prod": _prod,
    "reciprocal": _reciprocal,
    "round": _round,
    "std": _std,
    "sum": _sum,
    "unique_values": _unique_values,
    "var": _var,
}

if hasattr(np, "unstack"):  # before NumPy 2.1 these make integers floating-point
    KERNELS |= {"ceil": np.ceil, "floor": np.floor, "trunc": np.trunc}


class NumpyLibrary(MendedLibrary):
    """NumPy's namespace with what is slow there for no reason."""

    def sort(self, x: RawArray, /, *, axis: int = -1, stable: bool = True) -> RawArray:
        """Sort as `numpy.sort` does, whose stable sort takes up to nine times as long as its other one."""
        if stable and x.size > _FEW:
            # Equal numbers are one and the same, but for zeros of different signs.
            kind = x.dtype.kind
            stable = kind == "c" or (kind == "f" and bool((np.signbit(x) & (x == 0)).any()))
        return np.sort(x, axis=axis, stable=stable)
