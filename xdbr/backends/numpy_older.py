"""What NumPy 2.0 lacks of the standard's functions; later versions have them themselves and do without this file."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._typing import RawArray, Shape
from .numpy_kernels import KERNELS, NumpyLibrary

__all__ = ["OlderNumpyLibrary", "export_dlpack", "import_dlpack"]

_CPU = (1, 0)  # DLPack's name of host memory


class OlderNumpyLibrary(NumpyLibrary):
    """The namespace of NumPy 2.0 with the functions that came later."""

    cumulative_prod = staticmethod(KERNELS["cumulative_prod"])
    cumulative_sum = staticmethod(KERNELS["cumulative_sum"])

    def from_dlpack(self, x: Any, /, *, device: Any = None, copy: bool | None = None) -> RawArray:
        """Import an array of another library."""
        return import_dlpack(x, to_host=device is not None, copy=copy)

    def astype(self, x: RawArray, dtype: Any, /, *, copy: bool = True, device: Any = None) -> RawArray:
        """Give another dtype, to a NumPy scalar too."""
        return np.asarray(x).astype(dtype, copy=copy)

    def reshape(self, x: RawArray, /, shape: Shape, *, copy: bool | None = None) -> RawArray:
        """Give another shape; as a view, or else an error, where `copy` is False."""
        if copy is not False:
            return np.array(x).reshape(shape) if copy else np.reshape(x, shape)
        view = np.asarray(x).view()
        try:
            view.shape = shape
        except AttributeError as error:
            raise ValueError("the elements do not lie in memory so that this can be a view") from error
        return view

    def take(self, x: RawArray, indices: RawArray, /, *, axis: int | None = None) -> RawArray:
        """Take with indices of any integer dtype, uint64 among them."""
        return np.take(x, indices.astype(np.intp) if indices.dtype.char in "QL" else indices, axis=axis)

    def take_along_axis(self, x: RawArray, indices: RawArray, /, *, axis: int = -1) -> RawArray:
        """Take along an axis, the last one by default."""
        return np.take_along_axis(x, indices, axis)

    def unstack(self, x: RawArray, /, *, axis: int = 0) -> tuple[RawArray, ...]:
        """Split along an axis, which goes."""
        return tuple(np.moveaxis(x, axis, 0))


def import_dlpack(x: Any, /, *, to_host: bool, copy: bool | None) -> RawArray:
    """Import through DLPack without the options, which `from_dlpack` of NumPy 2.0 does not have."""
    given = x
    if x.__dlpack_device__() != _CPU and to_host:
        given = _OnHost(x, copy)
    raw = np.from_dlpack(given)
    return np.array(raw) if copy and given is x else raw


class _OnHost:
    """An object that DLPack exports to host memory."""

    def __init__(self, x: Any, copy: bool | None) -> None:
        self._x = x
        self._copy = copy

    def __dlpack__(self, **options: Any) -> Any:
        return self._x.__dlpack__(dl_device=_CPU, copy=self._copy, **options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return _CPU


def export_dlpack(
    raw: RawArray, /, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: bool | None = None
) -> Any:
    """Export through DLPack with the options of the standard; of `max_version` one may give an older one, as here."""
    if dl_device is not None and tuple(dl_device) != _CPU:
        raise BufferError(f"__dlpack__: an array in host memory cannot be exported to device {dl_device}")
    return (np.array(raw) if copy else raw).__dlpack__(stream=stream)
