"""The few types that every floor shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

__all__ = ["Array", "Axis", "Dtype", "Key", "RawArray", "Scalar", "Shape"]

# A raw array belongs to whichever library the backend drives, and a rule's `Array` may be either a
# raw array or a Variable: no static type covers both, so these names document and do not check.
RawArray: TypeAlias = Any
Array: TypeAlias = Any
Dtype: TypeAlias = Any
Key: TypeAlias = Any
Shape: TypeAlias = tuple[int, ...]
Axis: TypeAlias = int | Sequence[int] | None
Scalar: TypeAlias = bool | int | float | complex
