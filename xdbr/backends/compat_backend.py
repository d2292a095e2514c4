"""A backend of any array library that keeps the standard, by itself or through array-api-compat.

It asks the library what the standard lets one ask (devices, dtypes, capabilities) and finds out the
rest by trying. `torch`, `jax` and `strict` are this class with a few methods of their own; so is a
backend that somebody else registers:

    xdbr.backends.register("ndlib", lambda: CompatBackend(ndlib, "ndlib"))
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .._errors import BackendError, DtypeError
from .._typing import Dtype, RawArray
from ._base import DTYPES, Backend, canonical_dtype
from ._extras import Extras
from ._registry import Device

__all__ = ["CompatBackend"]


class CompatBackend(Backend):
    """The backend of an Array API namespace.

    lib: the namespace, with `__array_namespace_info__` where it has several devices.
    name: what its devices are spelled with.
    array_types: further types of its arrays, besides that of `lib.empty(0)`.
    extras: by default the portable ones.

    Raises `BackendError` where `lib` does not give arrays.
    """

    def __init__(
        self, lib: Any, name: str, *, array_types: tuple[type, ...] = (), extras: Extras | None = None
    ) -> None:
        self.name = name
        self.lib = lib
        try:
            probe = lib.zeros((2,), dtype=lib.float32)
        except Exception as error:
            raise BackendError(f"backend {name!r}: {lib!r} is no Array API namespace: {error!r}") from error
        self.array_types = (type(probe), *array_types)
        self.aliasing_views = _is_writable(probe)
        self.extras = extras or Extras(lib, writable=self.aliasing_views)
        self._device = Device(name)
        self._info = lib.__array_namespace_info__() if hasattr(lib, "__array_namespace_info__") else None
        self._devices: dict[Any, Device] = {}
        for raw in self._list_devices():
            index = self.spell(raw)
            device = Device(name) if index is None else Device(name, index)
            if device in self._devices.values():
                raise BackendError(f"backend {name!r}: two of its devices are spelled {str(device)!r}")
            self._devices[raw] = device
        self._raw_devices = {device: raw for raw, device in self._devices.items()}
        self.multi_device = len(self._devices) > 1
        self.learn_dtypes()

    # -- devices -----------------------------------------------------------------------------

    def _list_devices(self) -> tuple[Any, ...]:
        """Give the library's own device objects that xdbr may use, the default one first."""
        if self._info is None:
            return ()
        first = self._info.default_device()
        found = [raw for raw in self._info.devices() if raw is not None and raw != first]
        return (*([] if first is None else [first]), *found)

    def spell(self, raw_device: Any, /) -> str | int | None:
        """Give what follows the backend's name in the spelling of a device; `None` for the default one."""
        if self._info is not None and raw_device == self._info.default_device():
            return None
        return re.sub(r"[^\w:.-]+", "_", str(raw_device)).strip("_")

    def devices(self) -> tuple[Device, ...]:
        return tuple(self._raw_devices) or (self._device,)

    def default_device(self) -> Device:
        return self._device

    def device_of(self, raw: RawArray, /) -> Device:
        found = self._devices.get(raw.device) if self._devices else self._device
        return self._device if found is None else found

    def raw_device(self, device: Device, /) -> Any:
        return self._raw_devices.get(device)

    def from_raw_device(self, raw: Any, /) -> Device | None:
        # Many libraries call their host "cpu": a plain string does not tell which is meant.
        if isinstance(raw, str) or not any(type(raw) is type(known) for known in self._devices):
            return None
        return self._devices.get(raw)

    def transfer(self, raw: RawArray, device: Device, /) -> RawArray:
        target = self.raw_device(device)
        if hasattr(raw, "to_device"):
            return raw.to_device(target)
        from array_api_compat import to_device

        return to_device(raw, target)

    # -- dtypes ------------------------------------------------------------------------------

    def supported_dtypes(self, device: Device | None, /) -> dict[str, Dtype]:
        if self._info is None:
            return super().supported_dtypes(device)
        there = self._info.dtypes(device=self.raw_device(device or self._device))
        return {name: DTYPES[name] for name in DTYPES if name in there}

    def default_integers(self, device: Device, /) -> dict[str, Dtype]:
        if self._info is None:
            return super().default_integers(device)
        found = self._info.default_dtypes(device=self.raw_device(device))
        return {kind: canonical_dtype(found[kind]) for kind in ("integral", "indexing")}

    def capabilities(self) -> dict[str, Any]:
        return super().capabilities() if self._info is None else dict(self._info.capabilities())

    # -- transfer ----------------------------------------------------------------------------

    def to_host(self, raw: RawArray, /) -> np.ndarray[Any, Any]:
        if self.device_of(raw) != self._device:
            raw = self.transfer(raw, self._device)
        try:
            host = np.asarray(raw)
        except (TypeError, ValueError, RuntimeError):
            host = np.asarray(None)
        if host.dtype.kind in "biufc" and host.shape == tuple(raw.shape):
            return host
        # An object that NumPy does not know becomes an array of objects; DLPack is what the standard has.
        return np.from_dlpack(raw)

    def from_host(self, host: np.ndarray[Any, Any], /, *, device: Device | None = None) -> RawArray:
        if host.dtype.name not in self.supported_dtypes(device) and not hasattr(self.lib, host.dtype.name):
            raise DtypeError(f"backend {self.name!r} has no dtype {host.dtype}")
        return self.asarray(host, device=device or self._device)


def _is_writable(probe: RawArray) -> bool:
    """Tell whether arrays of the library can be assigned to, by trying."""
    try:
        probe[0] = 1.0
    except (TypeError, ValueError, RuntimeError, NotImplementedError, AttributeError):
        return False
    return bool(probe[0] == 1.0)
