"""The NumPy backend: written on NumPy >= 2 itself, which is quicker to import and to call than a wrapper of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .._config import get_default_dtype
from .._errors import DtypeError
from .._typing import Key, RawArray
from ._base import DTYPES, Backend, baseline, canonical_dtype, host_memory, references
from ._extras import Extras, is_basic
from ._registry import Device
from .numpy_kernels import KERNELS, NumpyLibrary
from .special import Special, scipy_function

__all__ = ["NumpyBackend", "NumpyExtras", "NumpySpecial"]

# NumPy 2.1 brought what was missing of the standard.
_IS_2_0 = not hasattr(np, "unstack")


class NumpyExtras(Extras):
    """The extras that NumPy does faster than the portable ones."""

    def index_add(self, x: RawArray, v: RawArray, /, *, key: Key, owned: bool = False) -> RawArray:
        out = x if owned and type(x) is np.ndarray else np.array(x)  # a sum of 0-d arrays is a scalar
        if is_basic(key):
            out[key] += v
        elif type(key) is np.ndarray and key.dtype.kind in "iu" and out.ndim > 1 and out.flags.c_contiguous:
            _add_rows(out, key, v)
        else:
            np.add.at(out, key, v)
        return out

    def write(self, x: RawArray, v: RawArray, /, *, walk: Any, key: Key, owned: bool = False) -> RawArray:
        out = x if owned and type(x) is np.ndarray else np.array(x)  # a sum of 0-d arrays is a scalar
        part = walk(out)
        if part is not out and part.base is not out:
            # `x` lies otherwise in memory than the array that the walk was made for, and a reshape on the way copied.
            return self.put_at(x, walk(self.positions(x))[key], v)
        part[key] = v
        return out

    def cast(self, x: RawArray, dtype: Any, /) -> RawArray:
        if x.dtype.kind == "c" and dtype.kind != "c":
            x = x.real
        return x.astype(dtype, copy=False)

    def keep(self, x: RawArray, mask: RawArray, /) -> RawArray:
        bits = _BITS.get(x.dtype)
        if bits is None or x.size < _FEW:
            return np.where(mask, x, 0)
        # `where` mispredicts a branch for each element of an irregular mask: this takes down to a tenth of its time.
        return (x.view(bits) & -mask.view(np.int8).astype(bits)).view(x.dtype)


# The integers as wide as a floating-point dtype, and up to how many elements `where` is faster than their operations.
_BITS = {np.dtype(f"f{n}"): np.dtype(f"i{n}") for n in (2, 4, 8)}
_FEW = 1000


def _add_rows(out: RawArray, rows: RawArray, v: RawArray) -> None:
    """Add `v` to the `rows` of a contiguous array, as the gradient of an embedding does.

    `ufunc.at` is several times faster along one axis than along several (NumPy 2.4), so the rows
    become positions in the flat array.
    """
    n = out.shape[0]
    if rows.size and (int(rows.min()) < -n or int(rows.max()) >= n):
        raise IndexError(
            f"index_add: an index in [{rows.min()}, {rows.max()}] is out of bounds for axis 0 of length {n}"
        )
    width = out.size // n if n else 0
    rows = rows.astype(np.intp, copy=False)
    starts = np.where(rows < 0, rows + n, rows).reshape(-1, 1) * width
    v = np.broadcast_to(np.asarray(v, dtype=out.dtype), rows.shape + out.shape[1:])
    np.add.at(out.reshape(-1), (starts + np.arange(width)).reshape(-1), v.reshape(-1))


# The functions of counts, by the arguments that are such.
_COUNTS = {
    "bdtr": (1,),
    "bdtrc": (1,),
    "bdtri": (1,),
    "nbdtr": (0, 1),
    "nbdtrc": (0, 1),
    "nbdtri": (0, 1),
    "pdtri": (0,),
}


class NumpySpecial(Special):
    """SciPy's special functions, which are NumPy's own; portable ones where SciPy is not installed."""

    def native(self, name: str, /) -> Callable[..., RawArray] | None:
        if name in _COUNTS:
            return None  # SciPy warns of counts that are floating-point numbers, as they are among other such arguments
        return scipy_function("zeta" if name == "riemann_zeta" else name)

    def counting(self, name: str, found: Callable[..., RawArray], /) -> Callable[..., RawArray]:
        native = scipy_function(name) if name in _COUNTS else None
        if native is None:
            return found
        places = _COUNTS[name]

        def of_counts(*args: Any) -> RawArray:
            if any(np.asarray(args[i]).dtype.kind != "i" for i in places):
                return found(*args)
            arrays = [arg for arg in args if hasattr(arg, "dtype")]
            default = np.dtype(get_default_dtype())
            dtype = np.result_type(*(arg.dtype if arg.dtype.kind == "f" else default for arg in arrays))
            return native(*args).astype(dtype)

        return of_counts


class NumpyBackend(Backend):
    """NumPy arrays, and the NumPy scalars that its reductions give."""

    array_types = (np.ndarray, np.generic)
    kernels = KERNELS
    is_host = True

    def __init__(self, name: str = "numpy") -> None:
        self.name = name
        # NumPy's main namespace keeps the standard but for what the primitives themselves mend.
        self.lib: Any = NumpyLibrary(np)
        if _IS_2_0:
            from .numpy_older import OlderNumpyLibrary

            self.lib = OlderNumpyLibrary(np)
        self.extras = NumpyExtras(self.lib)
        self._device = Device(name)
        self._alone = baseline(lambda: np.empty(1))

    # -- arrays ------------------------------------------------------------------------------

    def owns(self, array_type: type, /) -> bool:
        # Subclasses with a meaning of their own (masked arrays, matrices) are not plain arrays.
        return array_type is np.ndarray or issubclass(array_type, (np.generic, np.memmap))

    def as_array(self, raw: RawArray, /) -> RawArray:
        if raw.dtype.kind not in "biufc":
            raise DtypeError(f"expected an array of numbers; got dtype {raw.dtype}")
        return np.asarray(raw)

    def read_only(self, raw: RawArray, /) -> RawArray:
        view = np.asarray(raw).view()
        view.flags.writeable = False
        return view

    def writable_host(self, raw: RawArray, /) -> np.ndarray[Any, Any] | None:
        return np.asarray(raw)

    def copy(self, raw: RawArray, /) -> RawArray:
        return np.array(raw)

    def to_host(self, raw: RawArray, /) -> np.ndarray[Any, Any]:
        return np.asarray(raw)

    def is_view(self, part: RawArray, whole: RawArray, /) -> bool:
        if type(part) is not np.ndarray or type(whole) is not np.ndarray:
            return False
        return part is whole or part.base is whole or (part.base is not None and part.base is whole.base)

    def from_dlpack(self, x: Any, /, *, device: Device | None = None, copy: bool | None = None) -> RawArray:
        if _IS_2_0:
            from .numpy_older import import_dlpack

            return import_dlpack(x, to_host=device is not None, copy=copy)
        # Without a device NumPy takes what lies in host memory; with one, x may copy itself there.
        place: dict[str, Any] = {} if device is None else {"device": "cpu"}
        return np.from_dlpack(x, copy=copy, **place)

    def dlpack(self, raw: RawArray, /, **options: Any) -> Any:
        if _IS_2_0:
            from .numpy_older import export_dlpack

            return export_dlpack(raw, **options)
        return super().dlpack(raw, **options)

    def exclusive(self, holder: Any, /) -> bool:
        raw = holder._data
        if type(raw) is not np.ndarray or raw.base is not None or not raw.flags.writeable:
            return False
        del raw
        return references(holder) <= self._alone

    # -- dtypes ------------------------------------------------------------------------------

    def dtype(self, dtype: Any, /) -> Any:
        if dtype is None:
            return None
        found = canonical_dtype(dtype)
        if not isinstance(found, np.dtype) or found.kind not in "biufc":
            raise DtypeError(f"backend {self.name!r} has no dtype {found}; it has {', '.join(DTYPES)}")
        return found

    # -- devices -----------------------------------------------------------------------------

    def default_device(self) -> Device:
        return self._device

    def raw_device(self, device: Device, /) -> Any:
        return "cpu"

    def from_raw_device(self, raw: Any, /) -> Device | None:
        return self._device if isinstance(raw, str) and raw == "cpu" else None

    @functools.cached_property
    def special(self) -> Special:
        return NumpySpecial(self)

    def version(self) -> str:
        return np.__version__

    def memory(self, device: Device | None = None, /) -> dict[str, int]:
        return host_memory()
