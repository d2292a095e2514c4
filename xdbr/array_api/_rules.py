"""What the rules of several chapters share: transposes, readings of dtypes, and reduced axes.

All of it runs on raw arrays and on Variables alike; what depends on shapes alone is plain integers and cached.
"""

from __future__ import annotations

import functools
from typing import Any

from .. import backends
from .._config import get_default_dtype
from .._errors import DtypeError
from .._typing import Array, Axis, Dtype, Shape
from ..autograd.variable import VARIABLES
from ..backends import canonical_dtype
from .data_types import astype

__all__ = [
    "adjoint",
    "along",
    "complex_floating",
    "conj",
    "floating",
    "kept_shape",
    "kind",
    "real_floating",
    "reduced_size",
    "resolve_dtype",
    "spread",
]


def kind(dtype: Any) -> str:
    """Give the kind of any library's dtype as one of NumPy's letters: b, i, u, f or c."""
    return getattr(canonical_dtype(dtype), "kind", "f")


def conj(xp: Any, x: Array) -> Array:
    """Give the complex conjugate; a real array as it is, without a copy."""
    return xp.conj(x) if kind(x.dtype) == "c" else x


def adjoint(xp: Any, x: Array) -> Array:
    """Give the conjugate transpose of each matrix; the transpose of a real one, without a copy."""
    return conj(xp, xp.matrix_transpose(x))


def floating(xp: Any, x: Array) -> Array:
    """Give integers and booleans in the default floating-point dtype, all else as it is."""
    return xp.astype(x, getattr(xp, get_default_dtype())) if kind(x.dtype) in "biu" else x


def real_floating(function: str, xp: Any, x: Array) -> Array:
    """Give an array as `floating` does. Raises `DtypeError` for a complex one."""
    if kind(x.dtype) == "c":
        raise DtypeError(f"{function}: expected a real array; got dtype {x.dtype}")
    return floating(xp, x)


def complex_floating(xp: Any, x: Array) -> Array:
    """Give an array in the complex dtype of its precision, integers and booleans in that of the default one."""
    if kind(x.dtype) == "c":
        return x
    x = floating(xp, x)
    return xp.astype(x, xp.complex128 if canonical_dtype(x.dtype).name == "float64" else xp.complex64)


def resolve_dtype(function: str, x: Any, dtype: Dtype) -> tuple[Any, Any]:
    """Give an argument and the `dtype` that its reduction is to have, as its library knows it.

    Where that dtype has no derivative the argument is converted first, which ends the gradient there.
    Raises `DtypeError` for what is no array.
    """
    backend = backends.of(x._data if type(x) in VARIABLES else x)
    if backend is None:
        raise DtypeError(f"{function}: x must be an array or a Variable; got {type(x).__name__}")
    before, after = kind(x.dtype), kind(dtype)
    if (before in "fc" and after not in "fc") or (before == "c" and after == "f"):
        x = astype(x, dtype)
    return x, backend.dtype(dtype)


# -- reduced axes ------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def kept_shape(shape: Shape, axis: Axis) -> Shape:
    """Give the shape of a reduction of `shape` over `axis` that keeps the reduced axes with length one."""
    n = len(shape)
    axes = range(n) if axis is None else (axis,) if isinstance(axis, int) else axis
    reduced = {i + n if i < 0 else i for i in axes}
    return tuple(1 if i in reduced else length for i, length in enumerate(shape))


@functools.lru_cache(maxsize=4096)
def reduced_size(shape: Shape, axis: Axis) -> int:
    """Give how many elements of an array of `shape` each element of its reduction over `axis` is made of."""
    size = 1
    for i in range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis:
        size *= shape[i]
    return size


def spread(xp: Any, g: Array, shape: Shape, axis: Axis, keepdims: bool) -> Array:
    """Give an array of a reduction's shape in a form that broadcasts against the input, whose shape is `shape`."""
    if keepdims or axis is None:
        return g
    return xp.reshape(g, kept_shape(tuple(shape), axis))


def along(axis: int, key: slice) -> tuple[Any, ...]:
    """Give the index that applies a slice along `axis`, counted from the front."""
    return (*(slice(None),) * axis, key, ...)
