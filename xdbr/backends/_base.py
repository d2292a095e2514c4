"""What a backend is: one array library, and the services that the standard does not name.

dtypes. xdbr knows a dtype by one object on every backend, the `numpy.dtype`; a backend translates to
and from its library's own. Rules and forwards see the library's.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

import numpy as np

from .._errors import BackendError, DeviceError, DtypeError
from .._typing import Dtype, RawArray
from ._extras import Extras
from ._registry import Device

__all__ = ["DTYPES", "Backend", "canonical_dtype", "host_array"]

_NAMES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "complex64", "complex128", "float16",
)  # fmt: skip
DTYPES: dict[str, Dtype] = {name: np.dtype(name) for name in _NAMES}

# From other libraries' dtype objects to the canonical ones; backends add theirs when they load.
_canonical: dict[Any, Dtype] = {}


def canonical_dtype(dtype: Any) -> Dtype:
    """Give the `numpy.dtype` that stands for `dtype` (a name, a NumPy dtype or any loaded library's)."""
    if isinstance(dtype, np.dtype):
        return dtype
    if isinstance(dtype, str):
        return DTYPES.get(dtype, dtype)
    if isinstance(dtype, type):
        try:
            return np.dtype(dtype)
        except TypeError:
            return dtype
    try:
        found = _canonical.get(dtype)
    except TypeError:
        found = None
    if found is None and getattr(dtype, "name", None) in DTYPES:  # jax's scalar metatype
        found = DTYPES[dtype.name]
    return dtype if found is None else found


def host_array(obj: Any, default: str) -> np.ndarray[Any, Any]:
    """Read a nested sequence or buffer into host memory; Python floats get the `default` floating-point dtype.

    Raises `DtypeError` where the elements are no numbers or the lengths differ.
    """
    try:
        host = np.asarray(obj)
    except (ValueError, TypeError, OverflowError) as error:
        raise DtypeError(f"asarray: cannot convert {type(obj).__name__} to an array: {error}") from error
    if host.dtype.kind not in "biufc":
        raise DtypeError(f"asarray: expected numbers; got {type(obj).__name__} of {host.dtype}")
    if host.dtype.name in ("float64", "complex128") and isinstance(obj, (list, tuple, range)) and _is_plain(obj):
        name = default if host.dtype.kind == "f" else "complex128" if default == "float64" else "complex64"
        host = host.astype(name) if name in DTYPES else host
    return host


def _is_plain(obj: Any) -> bool:
    """Tell whether the first element of a nested sequence is a Python number, not an array's with a dtype of its own."""
    while isinstance(obj, (list, tuple, range)):
        if not obj:
            return True
        obj = obj[0]
    return type(obj) in (bool, int, float, complex)


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
    aliasing_views: bool = True
    """Whether basic indexing, transposes and the like give arrays that share memory, and arrays can be written."""

    is_host: bool = False
    """Whether its arrays are what host data comes as, so that `asarray` takes them to the default device."""

    # -- arrays ------------------------------------------------------------------------------

    def owns(self, array_type: type, /) -> bool:
        """Tell whether arrays of this type are this backend's."""
        return issubclass(array_type, self.array_types)

    def as_array(self, raw: RawArray, /) -> RawArray:
        """Give `raw` as a full array of the library, where an operation may have given its scalar type."""
        return raw

    def read_only(self, raw: RawArray, /) -> RawArray:
        """Give a view of `raw` that cannot be written where the library has such, else `raw` itself."""
        return raw

    def asarray(self, obj: Any, /, *, dtype: Any = None, device: Device | None = None, copy: bool | None = None) -> RawArray:
        """Convert a scalar, nested sequence, buffer or array of this library to a raw array."""
        raw_device = None if device is None else self.raw_device(device)
        return self.lib.asarray(obj, dtype=self.dtype(dtype), device=raw_device, copy=copy)

    def copy(self, raw: RawArray, /) -> RawArray:
        """Give a copy that shares no memory with `raw`."""
        return self.lib.asarray(raw, copy=True)

    def to_host(self, raw: RawArray, /) -> np.ndarray[Any, Any]:
        """Copy `raw` to a NumPy array (or share it where it lies in host memory)."""
        return np.asarray(raw)

    def from_host(self, host: np.ndarray[Any, Any], /, *, device: Device | None = None) -> RawArray:
        """Copy a NumPy array to a raw array on `device`."""
        return self.asarray(host, device=device or self.default_device())

    def is_view(self, part: RawArray, whole: RawArray, /) -> bool:
        """Tell whether `part`, which a view function gave from `whole`, shares memory with it."""
        return True

    def from_dlpack(self, x: Any, /, *, device: Device | None = None, copy: bool | None = None) -> RawArray:
        """Import another library's array through DLPack."""
        raw = self.lib.from_dlpack(x)
        if device is not None and self.device_of(raw) != device:
            raw = self.transfer(raw, device)
        return self.copy(raw) if copy else raw

    def dlpack(self, raw: RawArray, /, **options: Any) -> Any:
        """Export `raw` as a DLPack capsule; options as in the standard's `__dlpack__`."""
        return raw.__dlpack__(**{name: value for name, value in options.items() if value is not None})

    def exclusive(self, holder: Any, /) -> bool:
        """Tell whether nothing but `holder._data` refers to that buffer, so that it may be written in place."""
        return False

    # -- dtypes ------------------------------------------------------------------------------

    def dtype(self, dtype: Any, /) -> Any:
        """Translate a canonical dtype (or one of the library's own, or `None`) to the library's."""
        if dtype is None:
            return None
        canonical = canonical_dtype(dtype)
        name = getattr(canonical, "name", None)
        if name in DTYPES:
            raw = getattr(self.lib, name, None)
            if raw is None:
                raise DtypeError(f"backend {self.name!r} has no dtype {name}")
            return raw
        return dtype

    def learn_dtypes(self) -> None:
        """Teach `canonical_dtype` this library's dtype objects."""
        for name, canonical in DTYPES.items():
            raw = getattr(self.lib, name, None)
            if raw is not None:
                _canonical.setdefault(raw, canonical)

    def supported_dtypes(self, device: Device | None, /) -> dict[str, Dtype]:
        """Give the standard's dtypes (and float16) that `device` has, by name, in canonical form."""
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

    def transfer(self, raw: RawArray, device: Device, /) -> RawArray:
        """Move `raw` to another device of this same backend."""
        return raw

    def synchronize(self, device: Device | None = None, /) -> None:
        """Wait until the work queued on `device` is done."""

    def memory(self, device: Device | None = None, /) -> dict[str, int]:
        """Tell the bytes used and in all on `device`, by the keys "used" and "total", where they are known."""
        return {}

    def version(self) -> str:
        """Give the library's version."""
        return str(getattr(self.lib, "__version__", "unknown"))

    # -- random numbers ----------------------------------------------------------------------

    def random_bits(self, seed: int, device: Device, /) -> Any:
        """Make a stateful generator for `device`; see `xdbr.random.Generator` for what it must give."""
        raise BackendError(f"backend {self.name!r} makes no random numbers of its own")

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
