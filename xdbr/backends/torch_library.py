"""PyTorch's namespace as array-api-compat gives it, with what is still missing from the standard mended."""

from __future__ import annotations

from typing import Any

from .._typing import Axis, RawArray
from .compat_backend import MendedLibrary

__all__ = ["TorchLibrary"]


class TorchLibrary(MendedLibrary):
    """The functions that deviate; all others are array-api-compat's."""

    def __init__(self, torch: Any, compat: Any) -> None:
        super().__init__(compat)
        self._torch = torch

    # PyTorch indexes with 64 bits (or 32) only.

    def take(self, x: RawArray, indices: RawArray, /, *, axis: int | None = None) -> RawArray:
        """Take with indices of any integer dtype."""
        return self._lib.take(x, self._index(indices), axis=axis)

    def take_along_axis(self, x: RawArray, indices: RawArray, /, *, axis: int = -1) -> RawArray:
        """Take along an axis with indices of any integer dtype."""
        return self._lib.take_along_axis(x, self._index(indices), axis=axis)

    def _index(self, indices: RawArray) -> RawArray:
        integer = not (indices.is_floating_point() or indices.is_complex() or indices.dtype == self._torch.bool)
        return indices.to(self._torch.int64) if integer else indices

    def roll(self, x: RawArray, /, shift: int | tuple[int, ...], *, axis: Axis = None) -> RawArray:
        """Roll; one shift counts for all of several axes."""
        if isinstance(shift, int) and isinstance(axis, tuple):
            shift = (shift,) * len(axis)
        return self._lib.roll(x, shift, axis=axis)

    def searchsorted(self, x1: RawArray, x2: RawArray, /, **options: Any) -> RawArray:
        """Search; PyTorch warns of arrays that are not contiguous."""
        return self._lib.searchsorted(x1.contiguous(), x2.contiguous(), **options)

    def isin(self, x1: Any, x2: Any, /, **options: Any) -> RawArray:
        """Test for membership; array-api-compat fails on arrays that are not contiguous."""
        x1, x2 = (x.contiguous() if hasattr(x, "contiguous") else x for x in (x1, x2))
        return self._lib.isin(x1, x2, **options)

    def unique_all(self, x: RawArray, /) -> Any:
        """Give the four results, of which PyTorch lacks where an element comes first."""
        torch = self._torch
        values, inverse, counts = torch.unique(x, return_inverse=True, return_counts=True)
        flat = inverse.reshape(-1)
        places = torch.arange(flat.shape[0], device=x.device)
        first = torch.full_like(values, flat.shape[0], dtype=torch.int64)
        first = first.scatter_reduce_(0, flat, places, "amin")
        return self._lib.UniqueAllResult(values, first, inverse, counts)
