"""What a backend is: one array library, and the services that the standard does not name.

dtypes. xdbr knows a dtype by one object on every backend, the `numpy.dtype` (or a `ForeignDtype` where
NumPy has none, such as bfloat16); a backend translates to and from its library's own. Rules and
forwards see the library's.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import numpy as np

from .._errors import DeviceError, DtypeError
from .._typing import Dtype, RawArray
from ._extras import Extras
from ._registry import Device
from .special import Special

__all__ = [
    "BFLOAT16",
    "DTYPES",
    "NAMED_DTYPES",
    "Backend",
    "ForeignDtype",
    "MendedLibrary",
    "NamedDtype",
    "canonical_dtype",
    "host_array",
    "host_memory",
]

_NAMES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "complex64", "complex128", "float16",
)  # fmt: skip
DTYPES: dict[str, Dtype] = {name: np.dtype(name) for name in _NAMES}


class NamedDtype:
    """A dtype as a namespace names it (`xdbr.float64`): the `numpy.dtype` in all but that it equals no `None`.

    NumPy reads `None` as float64 where it expects a dtype, so `numpy.dtype("float64") == None` is True; in the
    standard dtypes are equal to dtypes alone. It has the hash of the `numpy.dtype`, equals it, and NumPy takes it
    wherever it takes a dtype.
    """

    __slots__ = ("dtype", "itemsize", "kind", "name", "type")

    def __init__(self, name: str) -> None:
        self.dtype: np.dtype[Any] = DTYPES[name]  # by this name NumPy asks for it
        self.name = name
        self.kind = self.dtype.kind
        self.itemsize = self.dtype.itemsize
        self.type = self.dtype.type

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        return bool(self.dtype == other) if isinstance(other, (np.dtype, NamedDtype, str, type)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return repr(self.dtype)

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return _named, (self.name,)


def _named(name: str) -> NamedDtype:
    return NAMED_DTYPES[name]


NAMED_DTYPES: dict[str, NamedDtype] = {name: NamedDtype(name) for name in _NAMES}


class ForeignDtype:
    """A dtype that NumPy does not have, with the attributes of a `numpy.dtype` that one asks for."""

    __slots__ = ("itemsize", "kind", "name")

    def __init__(self, name: str, kind: str, itemsize: int) -> None:
        self.name = name
        self.kind = kind
        self.itemsize = itemsize

    def __eq__(self, other: object) -> bool:
        return other is self or other == self.name if isinstance(other, (str, ForeignDtype)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"dtype({self.name!r})"

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return canonical_dtype, (self.name,)


BFLOAT16 = ForeignDtype("bfloat16", "f", 2)
_KNOWN: dict[str, Dtype] = {**DTYPES, "bfloat16": BFLOAT16}

# From other libraries' dtype objects to the canonical ones; backends add theirs when they load.
_canonical: dict[Any, Dtype] = {}


def canonical_dtype(dtype: Any) -> Dtype:
    """Give the object that stands for `dtype`, a name or any loaded library's; `dtype` itself where it is unknown."""
    if isinstance(dtype, np.dtype):
        return dtype if dtype.kind != "V" else _canonical.get(dtype, dtype)
    if type(dtype) is NamedDtype:
        return dtype.dtype
    if isinstance(dtype, str):
        return _KNOWN.get(dtype, dtype)
    try:
        found = _canonical.get(dtype)
    except TypeError:  # not hashable, so no dtype
        return dtype
    if found is None and isinstance(dtype, type):
        try:
            return np.dtype(dtype)
        except TypeError:
            return dtype
    return dtype if found is None else found


def host_array(obj: Any, default: str, dtype: Any = None) -> np.ndarray[Any, Any]:
    """Read a nested sequence or buffer into host memory; Python floats get the `default` floating-point dtype.

    Raises `DtypeError` where the elements are no numbers or the lengths differ.
    """
    try:
        # Large integers of mixed signs would go through float64 and lose digits.
        host = np.asarray(obj, dtype=dtype if getattr(dtype, "kind", "") == "u" else None)
    except (ValueError, TypeError, OverflowError) as error:
        raise DtypeError(f"asarray: cannot convert {type(obj).__name__} to an array: {error}") from error
    if host.dtype.kind not in "biufc":
        raise DtypeError(f"asarray: expected numbers; got {type(obj).__name__} of {host.dtype}")
    if host.dtype.name in ("float64", "complex128") and isinstance(obj, (list, tuple, range)) and _is_plain(obj):
        name = default if host.dtype.kind == "f" else "complex128" if default == "float64" else "complex64"
        host = host.astype(name) if name in DTYPES else host
    return host


def _is_plain(obj: Any) -> bool:
    """Tell whether a nested sequence starts with a Python number, not with an array that has a dtype of its own."""
    while isinstance(obj, (list, tuple, range)):
        if not obj:
            return True
        obj = obj[0]
    return type(obj) in (bool, int, float, complex)


def host_memory() -> dict[str, int]:
    """Tell the bytes of host memory used and in all; nothing on a system without /proc."""
    from pathlib import Path

    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            fields = {line.partition(":")[0]: line.split()[1] for line in lines}
        total = int(fields["MemTotal"]) * 1024
        return {"used": total - int(fields["MemAvailable"]) * 1024, "total": total}
    except (OSError, KeyError, ValueError, IndexError):
        return {}  # the figures are for people to read


class MendedLibrary:
    """A namespace some of whose functions are mended: the methods of a derived class go before those of `lib`."""

    def __init__(self, lib: Any) -> None:
        self._lib = lib

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._lib, name)
        setattr(self, name, found)
        return found

    def __repr__(self) -> str:
        return repr(self._lib)


class Backend:
    """One array library behind xdbr: its namespace, its devices, and services.

    `name` is what devices are spelled with, `lib` the library's Array API namespace, `extras` the
    array functions beyond the standard, `array_types` the types of its arrays, `kernels` faster or
    more correct forms of single functions, by their name in the standard ("sum", "linalg.qr").
    """

    name: str = ""
    lib: Any
    extras: Extras
    array_types: tuple[type, ...] = ()
    kernels: ClassVar[dict[str, Any]] = {}
    multi_device: bool = False
    """Whether its arrays may lie on several devices, so that each call has to compare them."""
    current_device: bool = False
    """Whether functions and operators run on a current device, which then has to be made that of their arguments."""
    aliasing_views: bool = True
    """Whether arrays can be written, so that a buffer that is nobody else's may be written in place."""

    depth: int = 0
    """How many levels of vmap lie over the library; see `xdbr.batching`."""
    below: Backend | None = None
    """The backend of the level below, where `depth` is not 0."""

    is_host: bool = False
    """Whether its arrays are what host data comes as, so that `asarray` takes them to the default device."""

    # -- arrays ------------------------------------------------------------------------------

    def owns(self, array_type: type, /) -> bool:
        """Tell whether arrays of this type are this backend's."""
        return issubclass(array_type, self.array_types)

    def as_array(self, raw: RawArray, /) -> RawArray:
        """Give `raw` as a full array of the library, where an operation may have given its scalar type.

        Raises `GradientError` for an array whose own library records gradients for it: they would be cut silently.
        """
        return raw

    def read_only(self, raw: RawArray, /) -> RawArray:
        """Give a view of `raw` that cannot be written where the library has such, else `raw` itself."""
        return raw

    def writable_host(self, raw: RawArray, /) -> np.ndarray[Any, Any] | None:
        """Give the memory of `raw` itself as an array of NumPy's that can be written; None where there is no such."""
        return None

    def asarray(
        self, obj: Any, /, *, dtype: Any = None, device: Device | None = None, copy: bool | None = None
    ) -> RawArray:
        """Convert a scalar, nested sequence, buffer or array of this library to a raw array."""
        raw_device = None if device is None else self.raw_device(device)
        return self.lib.asarray(obj, dtype=self.dtype(dtype), device=raw_device, copy=copy)

    def copy(self, raw: RawArray, /) -> RawArray:
        """Give a copy that shares no memory with `raw`."""
        return self.lib.asarray(raw, copy=True)

    def to_host(self, raw: RawArray, /) -> np.ndarray[Any, Any]:
        """Copy `raw` to a NumPy array (or share it where it lies in host memory); bfloat16 widens to float32."""
        return np.asarray(raw)

    def from_host(self, host: np.ndarray[Any, Any], /, *, device: Device | None = None) -> RawArray:
        """Copy a NumPy array to a raw array on `device` (or share its memory)."""
        return self.asarray(host, device=device or self.default_device())

    def every_value(self, raw: RawArray, /) -> RawArray:
        """Give an array with all the values in `raw`, to be looked at: under vmap those of all examples."""
        return raw

    def is_view(self, part: RawArray, whole: RawArray, /) -> bool:
        """Tell whether `part`, which a function that may give a view gave from `whole`, is one."""
        return True

    def from_dlpack(self, x: Any, /, *, device: Device | None = None, copy: bool | None = None) -> RawArray:
        """Import another library's array through DLPack, to the device where it lies or to `device`.

        Raises `BufferError` where that needs a copy and `copy` is False, and what the libraries raise
        where this one cannot reach the device of `x`.
        """
        raw = self.lib.from_dlpack(x)
        if device is not None and self.device_of(raw) != device:
            if copy is False:
                there = str(self.device_of(raw))
                raise BufferError(f"from_dlpack: copy=False, but moving from {there!r} to {str(device)!r} needs a copy")
            return self.transfer(raw, device)
        return self.copy(raw) if copy else raw

    def dlpack(self, raw: RawArray, /, **options: Any) -> Any:
        """Export `raw` as a DLPack capsule; options as in the standard's `__dlpack__`."""
        return raw.__dlpack__(**{name: value for name, value in options.items() if value is not None})

    def dlpack_device(self, raw: RawArray, /) -> tuple[Any, int]:
        """Give the kind and number of the device of `raw` in DLPack; raise `BufferError` where DLPack has none."""
        return raw.__dlpack_device__()  # type: ignore[no-any-return]

    def exclusive(self, holder: Any, /) -> bool:
        """Tell whether nothing but `holder._data` refers to that buffer, so that it may be written in place."""
        return False

    # -- dtypes ------------------------------------------------------------------------------

    def mixed_dtype(self, a: Dtype, b: Dtype, /) -> Dtype:
        """Give the dtype in which the library's operators bring together two for which the standard has none.

        Raises `DtypeError` where they refuse.
        """
        try:
            return canonical_dtype(self.lib.result_type(self.dtype(a), self.dtype(b)))
        except (TypeError, ValueError, RuntimeError) as error:
            raise DtypeError(
                f"result_type: neither the standard nor backend {self.name!r} has a common dtype of {a} and {b}"
            ) from error

    def dtype(self, dtype: Any, /) -> Any:
        """Translate a canonical dtype (or one of the library's own, or `None`) to the library's.

        Raises `DtypeError` where the library does not have it.
        """
        if dtype is None:
            return None
        name = getattr(canonical_dtype(dtype), "name", None)
        if name in _KNOWN:
            raw = getattr(self.lib, name, None)
            if raw is None:
                raise DtypeError(f"backend {self.name!r} has no dtype {name}")
            return raw
        if isinstance(dtype, str):
            raise DtypeError(f"unknown dtype {dtype!r}; expected one of {', '.join(self.supported_dtypes(None))}")
        if isinstance(dtype, type) or getattr(dtype, "kind", "V") not in "biufcV":
            known = ", ".join(self.supported_dtypes(None))
            raise DtypeError(f"expected a numeric dtype, one of {known}; got {dtype!r}")
        return dtype

    def learn_dtypes(self) -> None:
        """Teach `canonical_dtype` this library's dtype objects."""
        for name, canonical in _KNOWN.items():
            raw = getattr(self.lib, name, None)
            if raw is not None and not isinstance(raw, np.dtype):
                _canonical.setdefault(raw, canonical)

    def supported_dtypes(self, device: Device | None, /) -> dict[str, Dtype]:
        """Give the standard's dtypes that `device` (by default the default one) has, by name, in canonical form."""
        return {name: dtype for name, dtype in DTYPES.items() if name != "float16" and hasattr(self.lib, name)}

    def default_integers(self, device: Device, /) -> dict[str, Dtype]:
        """Give the default dtypes of the kinds "integral" and "indexing" on `device`."""
        return {"integral": DTYPES["int64"], "indexing": DTYPES["int64"]}

    def capabilities(self) -> dict[str, Any]:
        """Tell what the standard's `capabilities` asks."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    # -- devices -----------------------------------------------------------------------------

    def devices(self) -> tuple[Device, ...]:
        """List this backend's devices."""
        return (self.default_device(),)

    def default_device(self) -> Device:
        """Give the device that arrays are created on where none is named."""
        return Device(self.name)

    def device_of(self, raw: RawArray, /) -> Device:
        """Tell on which device `raw` lies."""
        return self.default_device()

    def check_device(self, device: Device, /, *, function: str = "device") -> Device:
        """Give `device` in its canonical form; raise `DeviceError`, listing the devices, where there is none such."""
        if device.index is None:
            return self.default_device()
        known = self.devices()
        if device not in known:
            raise DeviceError(
                f"{function}: backend {self.name!r} has no device {str(device)!r}; it has {', '.join(map(str, known))}"
            )
        return device

    def raw_device(self, device: Device, /) -> Any:
        """Give the library's own object for `device`."""
        return None

    def from_raw_device(self, raw: Any, /) -> Device | None:
        """Give the `Device` for a library's own device object, or `None` where it is not this library's."""
        return None

    def plain_device(self, device: Device, /) -> Device:
        """Give the device itself, where a level of vmap has a name of its own for it."""
        return device

    def moved(self, raw: RawArray, device: Device, /) -> RawArray:
        """Give `raw` on a device of any library."""
        if device.name == self.name:
            return self.transfer(self.as_array(raw), device)
        return device.backend.from_host(self.to_host(raw), device=device)

    def transfer(self, raw: RawArray, device: Device, /) -> RawArray:
        """Move `raw` to another device of this same backend."""
        return raw

    def use(self, device: Device, /) -> AbstractContextManager[Any]:
        """Make `device` the library's current one inside, where it has such a thing: there its operators run."""
        return nullcontext()

    def placed(self, kernel: Callable[..., Any], /) -> Callable[..., Any]:
        """Give `kernel` so that it runs where its arguments lie, in a library that has a current device."""
        if not self.current_device:
            return kernel
        array_type = self.array_types[0]

        def run(*args: Any, **options: Any) -> Any:
            for arg in args:
                first = arg[0] if type(arg) in (list, tuple) and arg else arg
                if type(first) is array_type:
                    with self.use(self.device_of(first)):
                        return kernel(*args, **options)
            return kernel(*args, **options)

        return run

    def synchronize(self, device: Device | None = None, /) -> None:
        """Wait until the work queued on `device` (by default the default one) is done."""

    def memory(self, device: Device | None = None, /) -> dict[str, int]:
        """Tell the bytes used and in all on `device`, by the keys "used" and "total", where they are known."""
        return {}

    def version(self) -> str:
        """Give the library's version."""
        return str(getattr(self.lib, "__version__", "unknown"))

    # -- special functions -------------------------------------------------------------------

    @functools.cached_property
    def special(self) -> Special:
        """The special functions: by default the portable ones, and SciPy's on the host for what is not portable."""
        return Special(self)

    # -- random numbers ----------------------------------------------------------------------

    def random(self, seed: int, device: Device, /) -> Any:
        """Make a source of random numbers on `device`, started from `seed`; what it has to give is in `_random`.

        By default the numbers are drawn on the host and moved to the device, so that one seed gives
        the same numbers on every backend.
        """
        from ._random import HostSource

        return HostSource(self, device, seed)

    def __repr__(self) -> str:
        return f"<xdbr backend {self.name}: {type(self).__name__}>"


class _Holder:
    __slots__ = ("_data",)

    def __init__(self, data: Any) -> None:
        self._data = data


def references(holder: Any, /) -> int:
    """Count the references to `holder._data`, in the one way that `baseline` counts them."""
    return sys.getrefcount(holder._data)


def baseline(make: Any, /) -> int:
    """Count what `references` gives for a buffer that only its holder refers to."""
    return references(_Holder(make()))
