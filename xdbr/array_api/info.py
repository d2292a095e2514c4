"""What a namespace says about itself (`__array_namespace_info__`)."""

from __future__ import annotations

from typing import Any

from .._config import get_default_dtype
from .._typing import Dtype
from ..backends import DTYPES, Backend, Device, current_device, get_default_device, parse_device
from ..backends.dtypes import isdtype

__all__ = ["Info"]


class Info:
    """The standard's inspection of one namespace: devices, dtypes, capabilities."""

    def __init__(self, backend: Backend | None) -> None:
        self._given = backend

    @property
    def _backend(self) -> Backend:
        return get_default_device().backend if self._given is None else self._given

    def capabilities(self) -> dict[str, Any]:
        """Tell what the namespace can do: Boolean indexing, data-dependent shapes, the most axes.

        >>> import xdbr
        >>> xdbr.__array_namespace_info__().capabilities()["boolean indexing"]
        True
        """
        return dict(self._backend.capabilities())

    def default_device(self) -> Device:
        """Give the device that arrays are created on here."""
        return get_default_device() if self._given is None else current_device(self._given)

    def default_dtypes(self, *, device: Any = None) -> dict[str, Dtype]:
        """Give the default dtypes by kind."""
        name = get_default_dtype()
        found = {
            "real floating": DTYPES[name],
            "complex floating": DTYPES["complex128" if name == "float64" else "complex64"],
        }
        return found | self._backend.default_integers(self._device(device))

    def devices(self) -> tuple[Device, ...]:
        """List the devices of the namespace's backend."""
        return self._backend.devices()

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Dtype]:
        """Give the dtypes of the standard by name, all or those of a `kind` (see `xdbr.isdtype`)."""
        supported = self._backend.supported_dtypes(self._device(device))
        return {name: dtype for name, dtype in supported.items() if kind is None or isdtype(dtype, kind)}

    def _device(self, device: Any) -> Device:
        return self.default_device() if device is None else parse_device(device, function="dtypes")

    def __repr__(self) -> str:
        return f"<array namespace info of {self._backend.name}>"
