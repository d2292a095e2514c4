"""A made-up array library: the standard and nothing more. Arrays cannot be written, and NumPy cannot read them.

It stands for whatever library a third party registers as a backend. And it has devices as CuPy has: of
several one is current, and what runs while the current device is not that of the arguments is an error.
"""

from __future__ import annotations

import contextlib
import operator
from typing import NamedTuple

import numpy as np


class Where(NamedTuple):
    """A device."""

    number: int


_current = [Where(0)]


@contextlib.contextmanager
def on(device):
    """Make a device the current one."""
    _current.append(device)
    try:
        yield
    finally:
        _current.pop()


class Box:
    """An array; its memory is reached by DLPack alone."""

    __slots__ = ("_inside", "device")

    def __init__(self, inside, device=None):
        self._inside = np.asarray(inside)
        self.device = device or _current[-1]

    dtype = property(lambda self: self._inside.dtype)
    shape = property(lambda self: self._inside.shape)
    ndim = property(lambda self: self._inside.ndim)
    size = property(lambda self: self._inside.size)
    T = property(lambda self: Box(self._inside.T, self.device))
    mT = property(lambda self: Box(self._inside.mT, self.device))

    def __array_namespace__(self, *, api_version=None):
        return lib

    def __array__(self, *args, **kwargs):
        raise TypeError("a Box is no NumPy array")

    def __dlpack__(self, **options):
        return self._inside.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._inside.__dlpack_device__()

    def to_device(self, device, /, *, stream=None):
        return Box(self._inside, device)

    def __getitem__(self, key):
        return Box(_unbox(self)[_unbox(key)])

    def __bool__(self):
        return bool(self._inside)

    def __int__(self):
        return int(self._inside)

    def __index__(self):
        return operator.index(self._inside[()])

    def __float__(self):
        return float(self._inside)

    def __complex__(self):
        return complex(self._inside)


def _lift(name):
    def method(self, *others):
        if not all(isinstance(other, (Box, bool, int, float, complex)) for other in others):
            return NotImplemented
        return Box(getattr(_unbox(self), name)(*map(_unbox, others)))

    return method


_BINARY = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"
for _name in (
    *(f"__{reflected}{name}__" for name in _BINARY.split() for reflected in ("", "r")),
    *(f"__{name}__" for name in ("lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "abs", "invert")),
):
    setattr(Box, _name, _lift(_name))
Box.__hash__ = None


def _unbox(x):
    if isinstance(x, Box):
        if x.device != _current[-1]:
            raise RuntimeError(f"an array on {x.device} is used while {_current[-1]} is the current device")
        return x._inside
    return type(x)(map(_unbox, x)) if type(x) in (list, tuple) else x


def _box(x):
    if isinstance(x, (np.ndarray, np.generic)):
        return Box(x)
    if isinstance(x, tuple) and hasattr(x, "_make"):
        return x._make(map(_box, x))
    return type(x)(map(_box, x)) if type(x) in (list, tuple) else x


class Namespace:
    """NumPy's functions on boxes."""

    __version__ = "1.2.3"

    def __init__(self, inside):
        self._inside = inside

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._inside, name)
        if name in ("linalg", "fft"):
            return Namespace(found)
        if isinstance(found, type) and issubclass(found, np.generic):
            return np.dtype(found)
        if not callable(found):
            return found

        def function(*args, device=None, **options):
            with on(device) if device else contextlib.nullcontext():
                return _box(found(*map(_unbox, args), **{key: _unbox(value) for key, value in options.items()}))

        function.__name__ = name
        return function


class Info:
    """What a library with two devices says of itself."""

    def default_device(self):
        return Where(0)

    def devices(self):
        return [Where(0), Where(1)]

    def dtypes(self, *, device=None, kind=None):
        return {
            name: np.dtype(name) for name in ("bool", "int32", "int64", "float32", "float64", "complex64", "complex128")
        }

    def default_dtypes(self, *, device=None):
        return {"integral": np.dtype("int64"), "indexing": np.dtype("int64")}

    def capabilities(self):
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 32}


class TwoDevices(Namespace):
    """The same on two devices."""

    def __array_namespace_info__(self):
        return Info()


lib = Namespace(np)
two = TwoDevices(np)
