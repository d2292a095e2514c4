"""The NumPy backend: written on NumPy >= 2 itself, which is quicker to import and to call than a wrapper of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._typing import Key, RawArray
from ._base import Backend, baseline, references
from ._extras import Extras, is_basic
from ._registry import Device

__all__ = ["NumpyBackend", "NumpyExtras"]


class NumpyExtras(Extras):
    """The extras that NumPy does faster than the portable ones."""

    def index_add(self, x: RawArray, v: RawArray, /, *, key: Key, owned: bool = False) -> RawArray:
        out = x if owned else np.array(x)
        if is_basic(key):
            out[key] += v
        else:
            np.add.at(out, key, v)
        return out

    def write(self, x: RawArray, v: RawArray, /, *, walk: Any, key: Key, owned: bool = False) -> RawArray:
        out = x if owned else np.array(x)
        walk(out)[key] = v
        return out

    def cast(self, x: RawArray, dtype: Any, /) -> RawArray:
        if x.dtype.kind == "c" and dtype.kind != "c":
            x = x.real
        return x.astype(dtype, copy=False)


class NumpyBackend(Backend):
    """NumPy arrays, and the NumPy scalars that its reductions give."""

    array_types = (np.ndarray, np.generic)
    is_host = True

    def __init__(self, name: str = "numpy") -> None:
        self.name = name
        self.lib = _numpy_namespace()
        self.extras = NumpyExtras(self.lib)
        self._device = Device(name)
        self._alone = baseline(lambda: np.empty(1))

    def owns(self, array_type: type, /) -> bool:
        # Subclasses with a meaning of their own (masked arrays, matrices) are not plain arrays.
        return array_type is np.ndarray or issubclass(array_type, (np.generic, np.memmap))

    def as_array(self, raw: RawArray, /) -> RawArray:
        return np.asarray(raw)

    def read_only(self, raw: RawArray, /) -> RawArray:
        view = np.asarray(raw).view()
        view.flags.writeable = False
        return view

    def copy(self, raw: RawArray, /) -> RawArray:
        return np.array(raw)

    def to_host(self, raw: RawArray, /) -> np.ndarray[Any, Any]:
        return np.asarray(raw)

    def is_view(self, part: RawArray, whole: RawArray, /) -> bool:
        if type(part) is not np.ndarray or type(whole) is not np.ndarray:
            return False
        return part.base is whole or (part.base is not None and part.base is whole.base)

    def exclusive(self, holder: Any, /) -> bool:
        raw = holder._data
        if type(raw) is not np.ndarray or raw.base is not None or not raw.flags.writeable:
            return False
        del raw
        return references(holder) <= self._alone

    def default_device(self) -> Device:
        return self._device

    def raw_device(self, device: Device, /) -> Any:
        return "cpu"

    def from_raw_device(self, raw: Any, /) -> Device | None:
        return self._device if raw == "cpu" else None

    def version(self) -> str:
        return np.__version__

    def memory(self, device: Device | None = None, /) -> dict[str, int]:
        found: dict[str, int] = {}
        try:
            with open("/proc/meminfo", encoding="ascii") as lines:
                fields = {line.partition(":")[0]: line.split()[1] for line in lines}
            found["total"] = int(fields["MemTotal"]) * 1024
            found["used"] = found["total"] - int(fields["MemAvailable"]) * 1024
        except (OSError, KeyError, ValueError, IndexError):
            pass  # the figures are for people to read; a system without /proc has none to give
        return found


def _numpy_namespace() -> Any:
    """NumPy's main namespace, which keeps the standard but for what the primitives themselves mend."""
    return np
