"""The CuPy backend: NVIDIA GPUs, through array-api-compat's view of CuPy.

The current device. CuPy allocates and launches on the calling thread's current device, and refuses or
slows down where the arguments lie on another. On a machine with several GPUs every kernel is therefore
run with its arguments' device current (`placed`), and the engine enters it around the operators of the
gradient rules (`use`), and creation functions with the device that they are given (`CupyLibrary`: the
namespace of array-api-compat takes `device` and ignores it); with one GPU none of this costs anything.

Scalars. CuPy's reductions give 0-d arrays, never Python or NumPy scalars: nothing here waits for the
GPU, unless a value is asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from .._errors import BackendError, DtypeError, MissingDependencyError
from .._typing import Dtype, Key, RawArray
from ._base import DTYPES, Backend, baseline, canonical_dtype, references
from ._extras import Extras, is_basic
from ._registry import Device
from .special import Special

__all__ = ["CupyBackend", "CupyExtras", "CupyLibrary"]

# What CUDA's atomicAdd takes.
_ATOMIC = frozenset(("float16", "float32", "float64", "int32", "uint32", "uint64"))


_CREATION = frozenset(("arange", "empty", "eye", "full", "linspace", "ones", "zeros", "fftfreq", "rfftfreq"))
_LIKE = frozenset(("empty_like", "full_like", "ones_like", "zeros_like"))


class CupyLibrary:
    """A namespace whose creation functions create on the `device` that they are given."""

    def __init__(self, compat: Any) -> None:
        self._compat = compat

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._compat, name)
        if name == "fft" and not callable(found):  # the chapter, which has a function of this name
            found = CupyLibrary(found)
        elif name in _CREATION or name in _LIKE:
            found = _creating(found, name in _LIKE)
        setattr(self, name, found)
        return found

    def __repr__(self) -> str:
        return repr(self._compat)


def _creating(function: Callable[..., Any], like: bool) -> Callable[..., Any]:
    def create(*args: Any, device: Any = None, **options: Any) -> Any:
        if device is None and like:
            device = args[0].device
        if device is None:
            return function(*args, **options)
        with device:
            return function(*args, **options)

    return create


def _copy(raw: RawArray) -> RawArray:
    """Copy in the order of the memory, so that a reshape gives a view where it did before, as with NumPy."""
    return raw.copy(order="K")


class CupyExtras(Extras):
    """The extras that CuPy has itself."""

    def __init__(self, xp: Any, scatter_add: Callable[..., None]) -> None:
        super().__init__(xp)
        self._scatter_add = scatter_add

    def index_add(self, x: RawArray, v: RawArray, /, *, key: Key, owned: bool = False) -> RawArray:
        name = x.dtype.name
        if is_basic(key):
            out = x if owned else _copy(x)
            out[key] += v
        elif name in _ATOMIC:
            # The order of the additions, hence the last bits of floating-point sums, is the GPU's affair.
            out = x if owned else _copy(x)
            self._scatter_add(out, key, v)
        elif name == "int64":  # two's complement: the sums are the same bits
            out = x if owned else _copy(x)
            self._scatter_add(out.view(np.uint64), key, self.xp.asarray(v, dtype=np.int64).view(np.uint64))
        else:
            return super().index_add(x, v, key=key, owned=owned)
        return out

    def write(self, x: RawArray, v: RawArray, /, *, walk: Any, key: Key, owned: bool = False) -> RawArray:
        out = x if owned else _copy(x)
        part = walk(out)
        if self.shares(part, out) and self.assign(part, v, key=key):
            return out
        return self.put_at(x, self.read(walk(self.positions(x)), key=key), v)

    def shares(self, part: RawArray, whole: RawArray, /) -> bool:
        return part is whole or part.base is whole

    def cast(self, x: RawArray, dtype: Any, /) -> RawArray:
        if x.dtype.kind == "c" and dtype.kind != "c":
            x = x.real
        return x.astype(dtype, copy=False)


class CupyBackend(Backend):
    """CuPy's arrays; the devices are "cupy:0", "cupy:1", ...; "cupy" is the current one."""

    def __init__(self, name: str = "cupy") -> None:
        self.name = name
        cupy = self._cupy = _import_cupy()
        self._count = _count_devices(cupy)
        import array_api_compat.cupy
        import cupyx

        self.lib = CupyLibrary(array_api_compat.cupy) if self._count > 1 else array_api_compat.cupy
        self.extras = CupyExtras(self.lib, cupyx.scatter_add)
        self.array_types = (cupy.ndarray,)
        self.multi_device = self.current_device = self._count > 1
        self._devices: tuple[Device, ...] = tuple(Device(name, i) for i in range(self._count))
        memory = cupy.cuda.memory
        # Buffers that CuPy has allocated itself; others (DLPack, other libraries' pointers) may have further readers.
        self._own_memory = (memory.PooledMemory, memory.Memory, memory.MemoryAsync)
        self._alone = baseline(lambda: cupy.ndarray((0,), dtype=np.float32))

    # -- arrays ------------------------------------------------------------------------------

    def copy(self, raw: RawArray, /) -> RawArray:
        with raw.device:  # where CuPy allocates the copy
            return _copy(raw)

    def to_host(self, raw: RawArray, /) -> np.ndarray[Any, Any]:
        host: np.ndarray[Any, Any] = self._cupy.asnumpy(raw)
        return host

    def from_host(self, host: np.ndarray[Any, Any], /, *, device: Device | None = None) -> RawArray:
        if host.dtype.kind not in "biufc" or host.dtype.name not in DTYPES:
            raise DtypeError(f"backend {self.name!r} has no dtype {host.dtype}")
        with self._raw(device):
            return self._cupy.asarray(host)

    def is_view(self, part: RawArray, whole: RawArray, /) -> bool:
        return part is whole or part.base is whole or (part.base is not None and part.base is whole.base)

    def exclusive(self, holder: Any, /) -> bool:
        raw = holder._data
        if type(raw) is not self._cupy.ndarray or raw.base is not None or type(raw.data.mem) not in self._own_memory:
            return False
        del raw
        return references(holder) <= self._alone

    # -- dtypes ------------------------------------------------------------------------------

    def dtype(self, dtype: Any, /) -> Any:
        if dtype is None:
            return None
        found = canonical_dtype(dtype)
        if not isinstance(found, np.dtype) or found.name not in DTYPES:
            raise DtypeError(f"backend {self.name!r} has no dtype {found}; it has {', '.join(DTYPES)}")
        return found

    def supported_dtypes(self, device: Device | None, /) -> dict[str, Dtype]:
        return {name: dtype for name, dtype in DTYPES.items() if name != "float16"}

    # -- devices -----------------------------------------------------------------------------

    def _raw(self, device: Device | None) -> Any:
        """Give CuPy's own object for a device: a context manager that makes it current."""
        return self._cupy.cuda.Device() if device is None else self._cupy.cuda.Device(device.index)

    def devices(self) -> tuple[Device, ...]:
        return self._devices

    def default_device(self) -> Device:
        return self._devices[int(self._cupy.cuda.runtime.getDevice())]

    def device_of(self, raw: RawArray, /) -> Device:
        return self._devices[int(raw.device.id)]

    def raw_device(self, device: Device, /) -> Any:
        return self._raw(device)

    def from_raw_device(self, raw: Any, /) -> Device | None:
        return self._devices[raw.id] if isinstance(raw, self._cupy.cuda.Device) else None

    def transfer(self, raw: RawArray, device: Device, /) -> RawArray:
        if raw.device.id == device.index:
            return raw
        with self._raw(device):
            return _copy(raw)  # CuPy allocates the copy on the current device

    def use(self, device: Device, /) -> AbstractContextManager[Any]:
        return self._raw(device)  # type: ignore[no-any-return]

    def synchronize(self, device: Device | None = None, /) -> None:
        self._raw(device).synchronize()

    def memory(self, device: Device | None = None, /) -> dict[str, int]:
        free, total = self._raw(device).mem_info
        return {"used": int(total - free), "total": int(total)}

    def version(self) -> str:
        return str(self._cupy.__version__)

    # -- special functions -------------------------------------------------------------------

    @functools.cached_property
    def special(self) -> Special:
        from .special.libraries import CupySpecial

        return CupySpecial(self)

    # -- random numbers ----------------------------------------------------------------------

    def random(self, seed: int, device: Device, /) -> Any:
        from .cupy_random import PhiloxSource

        return PhiloxSource(self._cupy, self._raw(device), seed)


def _import_cupy() -> Any:
    try:
        import cupy
    except ModuleNotFoundError as error:
        if error.name != "cupy":
            raise BackendError(f"CuPy is installed but cannot be imported: {error}") from error
        raise MissingDependencyError(
            'CuPy is not installed; pip install "xdbr[cuda13]" for CUDA 13, "xdbr[cuda12]" for CUDA 12'
        ) from error
    except Exception as error:
        raise BackendError(f"CuPy is installed but cannot be imported: {error}") from error
    return cupy


def _count_devices(cupy: Any) -> int:
    # CuPy imports without a driver, and would fail at the first array only.
    runtime = cupy.cuda.runtime
    try:
        count = int(runtime.getDeviceCount())
    except runtime.CUDARuntimeError as error:
        try:
            driver = int(runtime.driverGetVersion())
        except runtime.CUDARuntimeError:
            driver = 0
        known = (
            f"its NVIDIA driver is for CUDA {driver // 1000}.{driver % 1000 // 10}" if driver else "no NVIDIA driver"
        )
        raise BackendError(
            f"CuPy {cupy.__version__} is installed, but this machine has no GPU that it can use: {known} ({error})"
        ) from error
    if not count:
        raise BackendError(f"CuPy {cupy.__version__} is installed, but it sees no GPU (is CUDA_VISIBLE_DEVICES empty?)")
    return count
