"""The strict backend: array-api-strict with all its fake devices, to prove code portable on any machine.

It runs the portable extras as they are: whatever works here works on the standard alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._errors import MissingDependencyError
from .._typing import RawArray
from .compat_backend import CompatBackend

__all__ = ["StrictBackend"]


class StrictBackend(CompatBackend):
    """array-api-strict's arrays; the devices are "strict" (its CPU), "strict:device1", "strict:no_float64", ..."""

    def __init__(self, name: str = "strict") -> None:
        try:
            import array_api_strict
        except ImportError as error:
            raise MissingDependencyError(
                f'array-api-strict is not installed ({error}); pip install "xdbr[strict]"'
            ) from error
        super().__init__(array_api_strict, name)

    def spell(self, raw_device: Any, /) -> str | int | None:
        return None if raw_device._device == "CPU_DEVICE" else str(raw_device._device)

    def dlpack(self, raw: RawArray, /, **options: Any) -> Any:
        self.dlpack_device(raw)
        return super().dlpack(raw, **options)

    def dlpack_device(self, raw: RawArray, /) -> tuple[Any, int]:
        # The memory of a fake device lies in host memory, which is not what it stands for.
        device = self.device_of(raw)
        if device != self._device:
            raise BufferError(
                f"__dlpack__: DLPack knows no device {str(device)!r}; move the array first: x.to_device({self.name!r})"
            )
        return super().dlpack_device(raw)

    def is_view(self, part: RawArray, whole: RawArray, /) -> bool:
        return bool(np.may_share_memory(part._array, whole._array))

    def writable_host(self, raw: RawArray, /) -> np.ndarray[Any, Any] | None:
        return np.asarray(raw) if self.device_of(raw) == self._device else None

    def to_host(self, raw: RawArray, /) -> np.ndarray[Any, Any]:
        # NumPy may look into arrays on its CPU only.
        return np.asarray(raw.to_device(self._raw_devices[self._device]))
