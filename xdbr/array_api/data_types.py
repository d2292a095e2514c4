"""Data types: conversion between them, and what the standard says about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import backends
from .._config import get_default_dtype
from .._errors import DeviceError, DtypeError
from .._typing import Array, Dtype
from ..autograd.kernels import FORMS
from ..autograd.lifting import lift_to
from ..autograd.primitive import primitive
from ..autograd.variable import VARIABLES, Variable, wrap
from ..backends import Backend, Device, canonical_dtype, dtypes, get_default_device, parse_device

__all__ = ["astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type", "to_device"]

finfo = dtypes.finfo
iinfo = dtypes.iinfo
isdtype = dtypes.isdtype


@primitive(name="extras.convert", arrays=1)
def convert(xp: Any, x: Array, /, *, dtype: Any, copy: bool = True) -> Array:
    """Give `x` in the library's `dtype`."""
    return xp.astype(x, dtype, copy=copy)


convert.vjp(lambda xp, g: g)  # the engine casts back to x's dtype


@primitive(name="extras.discretize", arrays=1, differentiable=False)
def discretize(xp: Any, x: Array, /, *, dtype: Any, copy: bool = True) -> Array:
    """Give `x` in a library's integer or boolean `dtype`, which has no derivative."""
    return xp.astype(x, dtype, copy=copy)


def astype(x: Any, dtype: Dtype, /, *, copy: bool = True, device: Any = None) -> Variable:
    """Convert to another dtype; the shape stays.

    dtype: a canonical dtype, its name, or any backend's. The gradient passes a conversion between
        floating-point and complex dtypes, and ends at an integer or boolean one.
    copy: whether to copy where nothing has to change; `False` gives `x` itself then.
    device: the device of the result, x's by default.

    Raises `DtypeError` for a conversion from complex to a real dtype (use `xdbr.real`).

    >>> import xdbr
    >>> xdbr.astype(xdbr.asarray([1.5, 2.5]), "int32")
    Variable([1, 2], dtype=int32)
    """
    if type(x) not in VARIABLES:
        if backends.of(x) is None:
            raise DtypeError(f"astype: x must be an array or a Variable; got {type(x).__name__}")
        x = wrap(x)
    target = canonical_dtype(dtype)
    source = x.dtype
    kind = getattr(target, "kind", "f")
    if source.kind == "c" and kind not in "cb":
        raise DtypeError(f"astype: {source} does not convert to {target}; take xdbr.real(x) or xdbr.imag(x) first")
    if target != source or copy:
        raw_dtype = x._backend.dtype(dtype)
        prim = convert.primitive if kind in "fcV" and source.kind in "fcV" else discretize.primitive
        x = prim.apply((x,), {"dtype": raw_dtype, "copy": copy})
    return x if device is None else to_device(x, device)


def can_cast(from_: Any, to: Dtype, /) -> bool:
    """Tell whether the standard's promotion rules lead from a dtype (or an array's) to `to`.

    >>> import xdbr
    >>> xdbr.can_cast(xdbr.int32, xdbr.int64), xdbr.can_cast(xdbr.float64, xdbr.float32)
    (True, False)
    """
    return dtypes.can_cast(
        from_.dtype if hasattr(from_, "dtype") and hasattr(from_, "shape") and not isinstance(from_, type) else from_,
        to,
    )


def result_type(*arrays_and_dtypes: Any) -> Dtype:
    """Give the dtype that the standard's promotion rules give for arrays, dtypes and Python scalars together.

    Where they give none (integers with floating-point numbers, truths with numbers) it is the one that the operators
    give on the backend of the first array, or of the default device. Raises `DtypeError` where these refuse, too.

    >>> import xdbr
    >>> xdbr.result_type(xdbr.float32, xdbr.ones(2, dtype="float64"), 1)
    dtype('float64')
    """

    def mixed(a: Dtype, b: Dtype) -> Dtype:
        arrays = (x._raw if type(x) in VARIABLES else x for x in arrays_and_dtypes)
        found = next((backend for backend in map(backends.of, arrays) if backend is not None), None)
        return (backends.get(get_default_device().name) if found is None else found).mixed_dtype(a, b)

    return dtypes.result_type(arrays_and_dtypes, get_default_dtype(), mixed)


# -- moving between devices: a conversion of where, as astype is one of what -------------------------


def to_device(x: Any, device: Any, /, *, stream: Any = None) -> Variable:
    """Give `x` on another device, of its own backend or another one; differentiable, `x` itself where it lies there.

    device: a `Device` or its spelling, such as "numpy" or "cupy:0".
    stream: for the standard's sake; must be None.

    Raises `DeviceError` for an unknown device.

    >>> import xdbr
    >>> xdbr.ones(2).to_device("numpy").device
    Device('numpy')
    """
    if stream is not None:
        raise DeviceError(f"to_device: streams are the backend's own affair; expected stream=None, got {stream!r}")
    y: Variable = x if type(x) in VARIABLES else wrap(x)
    target = parse_device(device, function="to_device")
    source = y.device
    if target == source:
        return y
    if not (source.backend.depth or target.backend.depth):
        return move.primitive.apply((y,), {"source": source, "target": target})  # type: ignore[no-any-return]
    # Under vmap each level has a device of its own for each of the library's: the array moves beneath its levels.
    plain = target.backend.plain_device(target)
    source = source.backend.plain_device(source)
    if plain != source:
        y = move.primitive.apply((y,), {"source": source, "target": plain})
    return lift_to(y, target.backend)


def _transfer(raw: Any, target: Device) -> Any:
    return backends.of(raw).moved(raw, target)  # type: ignore[union-attr]


@primitive(name="to_device", arrays=1)
def move(xp: Any, x: Array, /, *, source: Device, target: Device) -> Array:
    """Give `x`, which lies on `source`, on `target`."""
    return _transfer(x, target)


def _move_back(xp: Any, g: Any, source: Device) -> Any:
    return to_device(g, source) if type(g) in VARIABLES else _transfer(g, source)


move.vjp(_move_back)


def _raw_to_device(backend: Backend) -> Callable[..., Any]:
    def to_raw_device(x: Any, device: Any, /, *, stream: Any = None) -> Any:
        target = None if isinstance(device, (str, Device)) else backend.from_raw_device(device)
        target = target or parse_device(device, function="to_device")
        source = backend.device_of(x)
        return x if source == target else _transfer(x, target)

    return to_raw_device


FORMS["to_device"] = _raw_to_device
