"""The strict backend: array-api-strict with all its fake devices, to prove code portable on any machine."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._errors import MissingDependencyError
from .._typing import RawArray
from ._base import Backend
from ._extras import Extras
from ._registry import Device

__all__ = ["StrictBackend"]


class StrictBackend(Backend):
    """array-api-strict's arrays; the devices are "strict" (its CPU), "strict:device1", "strict:no_float64", ..."""

    multi_device = True

    def __init__(self, name: str = "strict") -> None:
        try:
            import array_api_strict
        except ImportError as error:
            raise MissingDependencyError(
                f'the backend {name!r} needs array-api-strict: pip install "xdbr[strict]"'
            ) from error
        self.name = name
        self.lib = array_api_strict
        self.extras = Extras(array_api_strict)
        self.array_types = (type(array_api_strict.empty(0)),)
        self._devices = {
            raw: Device(name) if raw._device == "CPU_DEVICE" else Device(name, raw._device)
            for raw in array_api_strict.__array_namespace_info__().devices()
        }
        self._raw_devices = {device: raw for raw, device in self._devices.items()}
        self._device = Device(name)
        self.learn_dtypes()

    def to_host(self, raw: RawArray, /) -> np.ndarray[Any, Any]:
        return np.asarray(self.lib.asarray(raw, device=self._raw_devices[self._device]))

    def is_view(self, part: RawArray, whole: RawArray, /) -> bool:
        return bool(np.may_share_memory(part._array, whole._array))

    def devices(self) -> tuple[Device, ...]:
        return tuple(self._raw_devices)

    def default_device(self) -> Device:
        return self._device

    def device_of(self, raw: RawArray, /) -> Device:
        return self._devices[raw.device]

    def raw_device(self, device: Device, /) -> Any:
        return self._raw_devices[device]

    def from_raw_device(self, raw: Any, /) -> Device | None:
        return self._devices.get(raw) if isinstance(raw, type(next(iter(self._devices)))) else None

    def transfer(self, raw: RawArray, device: Device, /) -> RawArray:
        return raw.to_device(self._raw_devices[device])
