"""The JAX backend: arrays that cannot be written, so that every write makes a new one.

It runs JAX operation by operation, which is slow (see the benchmarks); its use is to check that code
keeps the standard, and to compute on devices that only JAX has. Loading it switches JAX to 64 bits, as
the standard has it; JAX_ENABLE_X64=0 in the environment forbids that.
"""

from __future__ import annotations

import functools
import os
from typing import Any

import numpy as np

from .._errors import MissingDependencyError
from .._typing import Dtype, Key, RawArray
from ._base import BFLOAT16, DTYPES, MendedLibrary, _canonical, canonical_dtype, host_memory
from ._extras import Extras, with_axes
from ._registry import Device
from .compat_backend import CompatBackend
from .special import Special

__all__ = ["JaxBackend", "JaxExtras", "JaxLibrary"]


class JaxLibrary(MendedLibrary):
    """`jax.numpy` with what deviates from the standard mended."""

    def any(self, x: RawArray, /, **options: Any) -> RawArray:
        """Tell whether one is not zero; JAX looks at the real parts of complex numbers alone."""
        return self._lib.any(x != 0 if x.dtype.kind == "c" else x, **options)

    def all(self, x: RawArray, /, **options: Any) -> RawArray:
        """Tell whether none is zero; JAX looks at the real parts of complex numbers alone."""
        return self._lib.all(x != 0 if x.dtype.kind == "c" else x, **options)

    def astype(self, x: RawArray, dtype: Any, /, *, copy: bool = True, device: Any = None) -> RawArray:
        """Convert; JAX copies only where it is told to."""
        return self._lib.astype(x, dtype, copy=copy, device=device)

    def cumulative_prod(self, x: RawArray, /, *, dtype: Any = None, **options: Any) -> RawArray:
        """Multiply up; narrow integers in the default integer dtype, which JAX does in sums alone."""
        if dtype is None and x.dtype.kind in "iu":
            default = self._lib.arange(0).dtype
            if x.dtype.itemsize < default.itemsize:
                dtype = default if x.dtype.kind == "i" else np.dtype(f"u{default.name}")
        return self._lib.cumulative_prod(x, dtype=dtype, **options)

    def floor_divide(self, x1: RawArray, x2: RawArray, /) -> RawArray:
        """Divide and round down; a quotient of zero keeps its sign, which JAX drops."""
        out = self._lib.floor_divide(x1, x2)
        return self._lib.where(x1 == 0, x1 / x2, out) if out.dtype.kind == "f" else out

    def permute_dims(self, x: RawArray, /, axes: tuple[int, ...]) -> RawArray:
        """Permute the axes, negative ones counting from the last."""
        n = len(x.shape)
        return self._lib.permute_dims(x, tuple(axis + n if axis < 0 else axis for axis in axes))

    def searchsorted(self, x1: RawArray, x2: RawArray, /, **options: Any) -> RawArray:
        """Search; the result has the default integer dtype, where JAX takes a narrow one."""
        return self._lib.astype(self._lib.searchsorted(x1, x2, **options), self._lib.arange(0).dtype)

    def take(self, x: RawArray, indices: RawArray, /, *, axis: int | None = None) -> RawArray:
        """Take; an index out of bounds is an error, where JAX gives NaN."""
        check_bounds(indices, x.shape[0 if axis is None else axis], 0 if axis is None else axis)
        return self._lib.take(x, indices, axis=axis)

    def take_along_axis(self, x: RawArray, indices: RawArray, /, *, axis: int = -1) -> RawArray:
        """Take along an axis; an index out of bounds is an error, where JAX gives NaN."""
        check_bounds(indices, x.shape[axis], axis)
        return self._lib.take_along_axis(x, indices, axis=axis)


def check_bounds(index: Any, length: int, axis: int) -> None:
    """Raise `IndexError` for an index, or an array of them, out of bounds: JAX takes another element silently."""
    if not isinstance(index, int):
        index = index.astype(np.int64)  # a bound may not fit into a narrow or unsigned dtype
    within = (index >= -length) & (index < length)
    if not bool(within if isinstance(within, bool) else within.all()):
        raise IndexError(f"an index is out of bounds for axis {axis} of length {length}")


class JaxExtras(Extras):
    """Writes by JAX's functional updates, at positions that the portable extras find."""

    def read(self, x: RawArray, /, *, key: Key) -> RawArray:
        for part, axis in with_axes(key, len(x.shape)):
            is_array = "int" in str(getattr(part, "dtype", ""))
            if (is_array or (isinstance(part, int) and not isinstance(part, bool))) and axis < len(x.shape):
                check_bounds(part, x.shape[axis], axis)
        return x[key]

    def add_at(self, x: RawArray, where: RawArray, v: RawArray, /) -> RawArray:
        v = self._spread(v, where.shape, x)
        return x.reshape(-1).at[where.reshape(-1)].add(v).reshape(x.shape)

    def put_at(self, x: RawArray, where: RawArray, v: RawArray, /) -> RawArray:
        # Of several updates to one position JAX leaves open which one stays.
        v = self._spread(v, where.shape, x)
        last, v = _last_of_each(self.xp, where.reshape(-1), v)
        return x.reshape(-1).at[last].set(v).reshape(x.shape)


def _last_of_each(xp: Any, where: RawArray, v: RawArray) -> tuple[RawArray, RawArray]:
    order = xp.argsort(where, stable=True)
    where, v = where[order], v[order]
    last = xp.concatenate([where[1:] != where[:-1], xp.ones_like(where[:1], dtype=bool)])
    return where[last], v[last]


class JaxBackend(CompatBackend):
    """JAX's arrays; the devices are "jax" (its default one), "jax:cpu:0", "jax:gpu:0", ..."""

    def __init__(self, name: str = "jax") -> None:
        try:
            import jax
            import jax.numpy
        except ImportError as error:
            raise MissingDependencyError(f'JAX is not installed ({error}); pip install "xdbr[jax]"') from error
        if os.environ.get("JAX_ENABLE_X64", "1").lower() not in ("0", "false", "no", "off"):
            jax.config.update("jax_enable_x64", True)
        self._jax = jax
        lib = JaxLibrary(jax.numpy)
        super().__init__(lib, name, extras=JaxExtras(lib, writable=False))
        self.kernels = {"getitem": self.extras.read, "getitem_masked": self.extras.read}  # type: ignore[misc]
        _canonical[np.dtype(jax.numpy.bfloat16)] = BFLOAT16

    # -- devices -----------------------------------------------------------------------------

    def _list_devices(self) -> tuple[Any, ...]:
        jax = self._jax
        found = list(jax.devices())
        if found[0].platform != "cpu":
            found += jax.devices("cpu")
        return tuple(found)

    def spell(self, raw_device: Any, /) -> str | int | None:
        first = self._jax.devices()[0]
        return None if raw_device == first else f"{raw_device.platform}:{raw_device.id}"

    def check_device(self, device: Device, /, *, function: str = "device") -> Device:
        first = self._jax.devices()[0]
        if device.index in (f"{first.platform}:{first.id}", first.platform):
            return self._device
        return super().check_device(device, function=function)

    def device_of(self, raw: RawArray, /) -> Device:
        if not self.multi_device:
            return self._device
        (where,) = raw.devices()  # an array spread over several devices is beyond this backend
        return self._devices[where]

    def transfer(self, raw: RawArray, device: Device, /) -> RawArray:
        return self._jax.device_put(raw, self._raw_devices[device])

    def synchronize(self, device: Device | None = None, /) -> None:
        self._jax.device_put(0.0, self._raw_devices[device or self._device]).block_until_ready()

    def memory(self, device: Device | None = None, /) -> dict[str, int]:
        raw = self._raw_devices[device or self._device]
        if raw.platform == "cpu":
            return host_memory()
        stats = raw.memory_stats() or {}
        names = {"used": "bytes_in_use", "total": "bytes_limit"}
        return {mine: int(stats[theirs]) for mine, theirs in names.items() if theirs in stats}

    def version(self) -> str:
        return str(self._jax.__version__)

    # -- special functions -------------------------------------------------------------------

    @functools.cached_property
    def special(self) -> Special:
        from .special.libraries import JaxSpecial

        return JaxSpecial(self)

    # -- arrays and dtypes -------------------------------------------------------------------

    def dtype(self, dtype: Any, /) -> Any:
        found = canonical_dtype(dtype)
        if isinstance(found, np.dtype):
            return found  # as its arrays have it; `jax.numpy.float32` is a scalar type
        return None if dtype is None else np.dtype(super().dtype(dtype))

    def supported_dtypes(self, device: Device | None, /) -> dict[str, Dtype]:
        wide = ("int64", "uint64", "float64", "complex128")
        x64 = self._jax.config.jax_enable_x64
        return {name: dtype for name, dtype in DTYPES.items() if name != "float16" and (x64 or name not in wide)}

    def default_integers(self, device: Device, /) -> dict[str, Dtype]:
        integer = DTYPES["int64" if self._jax.config.jax_enable_x64 else "int32"]
        return {"integral": integer, "indexing": integer}

    def capabilities(self) -> dict[str, Any]:
        # JAX says what holds under `jit`; xdbr calls it operation by operation, where masks work.
        return super().capabilities() | {"boolean indexing": True, "data-dependent shapes": True}

    def to_host(self, raw: RawArray, /) -> np.ndarray[Any, Any]:
        host = np.asarray(raw)
        return host.astype(np.float32) if host.dtype.kind == "V" else host
