"""What the standard says about dtypes, on canonical dtypes: promotion, kinds and limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._errors import DtypeError
from .._typing import Dtype
from ._base import BFLOAT16, DTYPES, ForeignDtype, canonical_dtype

__all__ = ["FInfo", "IInfo", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]

_KINDS: dict[str, tuple[str, ...]] = {
    "bool": ("bool",),
    "signed integer": ("int8", "int16", "int32", "int64"),
    "unsigned integer": ("uint8", "uint16", "uint32", "uint64"),
    "integral": ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    "real floating": ("float16", "bfloat16", "float32", "float64"),
    "complex floating": ("complex64", "complex128"),
}
_KINDS["numeric"] = _KINDS["integral"] + _KINDS["real floating"] + _KINDS["complex floating"]


# Plain classes: `dataclasses` would take a third of the time that importing xdbr takes.
class _Info:
    __slots__: tuple[str, ...] = ()

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({fields})"


class FInfo(_Info):
    """The limits of a floating-point dtype, as the standard names them."""

    __slots__ = ("bits", "dtype", "eps", "max", "min", "smallest_normal")

    def __init__(self, bits: int, eps: float, max: float, smallest_normal: float, dtype: Dtype) -> None:
        self.bits = bits
        self.eps = eps
        self.max = max
        self.min = -max
        self.smallest_normal = smallest_normal
        self.dtype = dtype


class IInfo(_Info):
    """The limits of an integer dtype, as the standard names them."""

    __slots__ = ("bits", "dtype", "max", "min")

    def __init__(self, bits: int, max: int, min: int, dtype: Dtype) -> None:
        self.bits = bits
        self.max = max
        self.min = min
        self.dtype = dtype


def _dtype_of(function: str, type_: Any) -> Any:
    if (
        hasattr(type_, "dtype")
        and hasattr(type_, "shape")
        and not isinstance(type_, type)
        and not isinstance(type_, np.dtype)
    ):
        type_ = type_.dtype
    found = canonical_dtype(type_)
    if getattr(found, "name", None) not in DTYPES and found is not BFLOAT16:
        raise DtypeError(f"{function}: expected a dtype or an array; got {type_!r}")
    return found


def finfo(type: Any, /) -> FInfo:
    """Give the limits of a floating-point dtype, or of an array's; of its parts where it is complex.

    Raises `DtypeError` for another dtype.

    >>> import xdbr
    >>> xdbr.finfo(xdbr.float32).bits
    32
    """
    dtype = _dtype_of("finfo", type)
    if dtype.kind not in "fc":
        raise DtypeError(f"finfo: expected a floating-point dtype; got {dtype}")
    if dtype is BFLOAT16:
        return FInfo(16, 2.0**-7, (2 - 2.0**-7) * 2.0**127, 2.0**-126, dtype)
    info = np.finfo(dtype)
    return FInfo(info.bits, float(info.eps), float(info.max), float(info.smallest_normal), np.dtype(info.dtype))


def iinfo(type: Any, /) -> IInfo:
    """Give the limits of an integer dtype, or of an array's; raises `DtypeError` for another dtype.

    >>> import xdbr
    >>> xdbr.iinfo(xdbr.int8).max
    127
    """
    dtype = _dtype_of("iinfo", type)
    if dtype.kind not in "iu":
        raise DtypeError(f"iinfo: expected an integer dtype; got {dtype}")
    info = np.iinfo(dtype)
    return IInfo(int(info.bits), int(info.max), int(info.min), dtype)


def isdtype(dtype: Dtype, kind: Any) -> bool:
    """Tell whether a dtype is of a kind.

    kind: a dtype, "bool", "signed integer", "unsigned integer", "integral", "real floating",
        "complex floating", "numeric", or a tuple of these.

    Raises `ValueError` for an unknown kind.

    >>> import xdbr
    >>> xdbr.isdtype(xdbr.float32, ("real floating", "complex floating"))
    True
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    found = canonical_dtype(dtype)
    if isinstance(kind, str):
        if kind not in _KINDS:
            raise ValueError(f"isdtype: unknown kind {kind!r}; expected a dtype or one of {', '.join(_KINDS)}")
        return getattr(found, "name", None) in _KINDS[kind]
    other = canonical_dtype(kind)
    if not isinstance(other, (np.dtype, ForeignDtype)):
        raise TypeError(f"isdtype: kind must be a dtype, a string or a tuple of these; got {kind!r}")
    return bool(found == other)


def _no_common(a: Any, b: Any) -> Any:
    raise DtypeError(f"result_type: the standard has no common dtype of {a} and {b}")


def _promote(a: Any, b: Any, otherwise: Callable[[Any, Any], Any]) -> Any:
    if a == b:
        return a
    if "b" in (a.kind, b.kind) or (a.kind in "iu") != (b.kind in "iu"):
        return otherwise(a, b)
    if BFLOAT16 in (a, b):
        # bfloat16 has float32's range and less precision than float16: their common dtype is float32.
        other = b if a == BFLOAT16 else a
        return DTYPES["float32"] if other.itemsize == 2 else other
    found = np.promote_types(a, b)
    return otherwise(a, b) if a.kind in "iu" and found.kind == "f" else found


def result_type(
    arrays_and_dtypes: tuple[Any, ...], default: str, otherwise: Callable[[Any, Any], Any] = _no_common
) -> Dtype:
    """Promote arrays, dtypes and Python scalars; `default` is the default floating-point dtype.

    otherwise: gives the common dtype of two dtypes for which the standard has none.
    """
    found: list[Any] = []
    scalars: list[Any] = []
    for one in arrays_and_dtypes:
        if isinstance(one, (bool, int, float, complex)) and not isinstance(one, np.generic):
            scalars.append(one)
        else:
            found.append(_dtype_of("result_type", one))
    if not found:
        if not scalars or not arrays_and_dtypes:
            raise DtypeError("result_type: expected at least one array, dtype or scalar; got none")
        complex_name = "complex128" if default == "float64" else "complex64"
        names = {complex: complex_name, float: default, int: "int64", bool: "bool"}
        return next(DTYPES[name] for kind, name in names.items() if any(isinstance(scalar, kind) for scalar in scalars))
    found.sort(key=lambda dtype: "biufVc".index(dtype.kind))  # so that their order does not matter
    dtype = found[0]
    for other in found[1:]:
        dtype = _promote(dtype, other, otherwise)
    for scalar in scalars:
        dtype = _with_scalar(dtype, scalar, default)
    return dtype


def _with_scalar(dtype: Any, scalar: Any, default: str) -> Any:
    if isinstance(scalar, bool):
        return dtype
    if isinstance(scalar, int):
        return DTYPES["int64"] if dtype.kind == "b" else dtype
    if isinstance(scalar, float):
        return DTYPES[default] if dtype.kind in "biu" else dtype
    if dtype.kind == "c":
        return dtype
    return DTYPES[
        "complex128" if dtype.name == "float64" or (dtype.kind in "biu" and default == "float64") else "complex64"
    ]


def can_cast(from_: Any, to: Any) -> bool:
    """Tell whether promotion leads from one dtype to the other."""
    source, target = _dtype_of("can_cast", from_), _dtype_of("can_cast", to)
    if BFLOAT16 in (source, target):
        return bool(source == target or (source == BFLOAT16 and target.kind in "fc" and target.itemsize > 2))
    return bool(np.can_cast(source, target, casting="safe"))
