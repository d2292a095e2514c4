"""PyTorch's namespace as array-api-compat gives it, with what is still missing from the standard mended."""

from __future__ import annotations

import math
from typing import Any

from .._typing import Axis, RawArray
from ._base import MendedLibrary

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
        values, inverse, counts = self._unique(x)
        flat = inverse.reshape(-1)
        places = torch.arange(flat.shape[0], device=x.device)
        first = torch.full(values.shape, flat.shape[0], dtype=torch.int64, device=x.device)
        first = first.scatter_reduce_(0, flat, places, "amin")
        return self._lib.UniqueAllResult(values, first, inverse, counts)

    def unique_counts(self, x: RawArray, /) -> Any:
        """Give the values and their counts, of complex numbers too."""
        values, _, counts = self._unique(x)
        return self._lib.UniqueCountsResult(values, counts)

    def unique_inverse(self, x: RawArray, /) -> Any:
        """Give the values and where they stand in `x`, of complex numbers too."""
        values, inverse, _ = self._unique(x)
        return self._lib.UniqueInverseResult(values, inverse)

    def unique_values(self, x: RawArray, /) -> RawArray:
        """Give the values, of complex numbers too."""
        return self._unique(x)[0] if x.is_complex() else self._lib.unique_values(x)

    def _unique(self, x: RawArray) -> Any:
        torch = self._torch
        if not x.is_complex():
            return torch.unique(x, return_inverse=True, return_counts=True)
        # PyTorch orders no complex numbers, but rows of numbers.
        rows = torch.view_as_real(x.resolve_conj().reshape(-1))
        values, inverse, counts = torch.unique(rows, dim=0, return_inverse=True, return_counts=True)
        return torch.view_as_complex(values.contiguous()), inverse.reshape(x.shape), counts

    # Special values of complex functions.

    def acos(self, x: RawArray, /) -> RawArray:
        """Give the inverse cosine; the sign of an imaginary zero is the other than that of `x`."""
        out = self._torch.acos(x)
        return self._torch.complex(out.real, self._torch.copysign(out.imag, -x.imag)) if x.is_complex() else out

    def log1p(self, x: RawArray, /) -> RawArray:
        """Give `log(1 + x)`, which PyTorch makes NaN of complex infinities."""
        out = self._torch.log1p(x)
        if not x.is_complex():
            return out
        size = self._torch.abs(x)
        infinite = self._torch.isinf(x.real) | self._torch.isinf(x.imag)
        return self._torch.where(infinite, self._torch.complex(self._torch.log(size), self._torch.log(x).imag), out)

    # PyTorch's corrections are integers.

    def var(self, x: RawArray, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> RawArray:
        """Give the variance with any correction."""
        if float(correction).is_integer():
            return self._lib.var(x, axis=axis, correction=correction, keepdims=keepdims)
        axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        n = math.prod(x.shape[i] for i in axes)
        return self._lib.var(x, axis=axis, keepdims=keepdims) * (n / (n - correction))

    def std(self, x: RawArray, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> RawArray:
        """Give the standard deviation with any correction."""
        if float(correction).is_integer():
            return self._lib.std(x, axis=axis, correction=correction, keepdims=keepdims)
        return self._torch.sqrt(self.var(x, axis=axis, correction=correction, keepdims=keepdims))
