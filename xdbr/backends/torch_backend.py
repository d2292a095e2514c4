"""The PyTorch backend: tensors as plain arrays. xdbr records the graph; torch's own autograd never does."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .._errors import DtypeError, GradientError, MissingDependencyError
from .._typing import Dtype, Key, RawArray
from ._base import DTYPES, host_memory
from ._extras import Extras, is_basic, with_axes
from ._registry import Device
from .compat_backend import CompatBackend
from .special import Special
from .torch_library import TorchLibrary

__all__ = ["TorchBackend", "TorchExtras"]


class TorchExtras(Extras):
    """The extras that PyTorch has itself."""

    def read(self, x: RawArray, /, *, key: Key) -> RawArray:
        return get_item(x, key=key)

    def index_add(self, x: RawArray, v: RawArray, /, *, key: Key, owned: bool = False) -> RawArray:
        out = x if owned else x.clone()
        if is_basic(key) and not _steps_back(key):
            out[key] += v
            return out
        parts = key if isinstance(key, tuple) else (key,)
        if all(hasattr(part, "dtype") and part.dtype != self.xp.bool for part in parts):
            v = v if hasattr(v, "dtype") else self.xp.asarray(v, dtype=x.dtype, device=x.device)
            return out.index_put_(parts, v, accumulate=True)
        where = self.read(self.positions(out), key=key)
        v = self._spread(v, where.shape, out)
        return out.reshape(-1).index_add_(0, where.reshape(-1), v).reshape(out.shape)

    def write(self, x: RawArray, v: RawArray, /, *, walk: Any, key: Key, owned: bool = False) -> RawArray:
        if not _steps_back(key):
            out = x if owned else x.clone()
            part = walk(out)
            if self.shares(part, out) and self.assign(part, v, key=key):
                return out
        return self.put_at(x, self.read(walk(self.positions(x)), key=key), v)

    def shares(self, part: RawArray, whole: RawArray, /) -> bool:
        return bool(part.untyped_storage().data_ptr() == whole.untyped_storage().data_ptr())

    def cast(self, x: RawArray, dtype: Any, /) -> RawArray:
        if x.dtype.is_complex and not dtype.is_complex:
            x = x.real
        return x.to(dtype)


def get_item(x: RawArray, /, *, key: Key) -> RawArray:
    """Give `x[key]` for keys with negative steps too, which PyTorch lacks: those axes are flipped first."""
    if _steps_back(key):
        return _flipped(x, key)
    try:
        return x[key]
    except IndexError:
        if _is_empty_mask(x, key):
            return x.new_empty((0, *x.shape[key.ndim :]))
        raise


def _is_empty_mask(x: RawArray, key: Key) -> bool:
    """Tell whether `key` is a mask without elements: it selects nothing, also where NumPy alone lets it fit."""
    if str(getattr(key, "dtype", "")) != "torch.bool" or key.ndim > x.ndim:
        return False
    lengths = zip(key.shape, x.shape, strict=False)
    return 0 in key.shape and all(m in (0, n) for m, n in lengths)


def _steps_back(key: Key) -> bool:
    parts = key if isinstance(key, tuple) else (key,)
    return any(isinstance(part, slice) and part.step is not None and part.step < 0 for part in parts)


def _flipped(x: RawArray, key: Key) -> RawArray:
    forward, axes = [], []
    for part, axis in with_axes(key, len(x.shape)):
        if isinstance(part, slice) and part.step is not None and part.step < 0:
            # The same elements, ascending; then the axis is turned round.
            taken = range(*part.indices(x.shape[axis]))
            picked = [slice(None)] * len(x.shape)
            picked[axis] = slice(taken[-1], taken[0] + 1, -part.step) if taken else slice(0, 0)
            x = x[tuple(picked)]
            axes.append(axis)
            part = slice(None)
        forward.append(part)
    return x.flip(axes)[tuple(forward)]


class TorchBackend(CompatBackend):
    """PyTorch's tensors; the devices are "torch" (the CPU) and "torch:cuda:0", "torch:mps:0", ..."""

    def __init__(self, name: str = "torch") -> None:
        try:
            import torch
        except ImportError as error:
            raise MissingDependencyError(f'PyTorch is not installed ({error}); pip install "xdbr[torch]"') from error
        import array_api_compat.torch

        self._torch = torch
        lib = TorchLibrary(torch, array_api_compat.torch)
        super().__init__(lib, name, extras=TorchExtras(lib))
        self.kernels = {"getitem": get_item, "getitem_masked": get_item}  # type: ignore[misc]

    # -- devices -----------------------------------------------------------------------------

    def _list_devices(self) -> tuple[Any, ...]:
        # The namespace's own list tries every kind that torch has heard of, and counts "meta", which holds no values.
        torch = self._torch
        found = [torch.device("cpu")]
        for kind in ("cuda", "xpu", "mps"):
            module = getattr(torch, kind, None)
            if module is not None and hasattr(module, "is_available") and module.is_available():
                found += [torch.device(kind, i) for i in range(module.device_count())]
        return tuple(found)

    def spell(self, raw_device: Any, /) -> str | int | None:
        return None if raw_device.type == "cpu" else str(raw_device)

    def check_device(self, device: Device, /, *, function: str = "device") -> Device:
        index = device.index
        if index == "cpu":
            return self._device
        first = Device(self.name, f"{index}:0")
        if first in self._raw_devices:  # "torch:cuda" is the first of them
            return first
        return super().check_device(device, function=function)

    def from_raw_device(self, raw: Any, /) -> Device | None:
        if not isinstance(raw, self._torch.device):
            return None
        if raw.type != "cpu" and raw.index is None:
            raw = self._torch.device(raw.type, 0)
        return self._devices.get(raw)

    def synchronize(self, device: Device | None = None, /) -> None:
        raw = self.raw_device(device or self._device)
        if raw is not None and raw.type != "cpu":
            getattr(self._torch, raw.type).synchronize()

    def memory(self, device: Device | None = None, /) -> dict[str, int]:
        raw = self.raw_device(device or self._device)
        if raw is None or raw.type == "cpu":
            return host_memory()
        if raw.type != "cuda":
            return {}
        free, total = self._torch.cuda.mem_get_info(raw)
        return {"used": int(total - free), "total": int(total)}

    def version(self) -> str:
        return str(self._torch.__version__)

    # -- special functions -------------------------------------------------------------------

    @functools.cached_property
    def special(self) -> Special:
        from .special.libraries import TorchSpecial

        return TorchSpecial(self, self._torch)

    # -- arrays ------------------------------------------------------------------------------

    def as_array(self, raw: RawArray, /) -> RawArray:
        if raw.requires_grad:
            raise GradientError(
                "a tensor that requires grad would be cut silently from torch's graph; pass tensor.detach(), "
                "and let xdbr record the gradient: Variable(tensor.detach(), requires_grad=True)"
            )
        return raw

    def asarray(
        self, obj: Any, /, *, dtype: Any = None, device: Device | None = None, copy: bool | None = None
    ) -> RawArray:
        if isinstance(obj, self._torch.Tensor):
            self.as_array(obj)
        elif isinstance(obj, np.ndarray):
            obj = _readable(obj)
        return super().asarray(obj, dtype=dtype, device=device, copy=copy)

    def copy(self, raw: RawArray, /) -> RawArray:
        return raw.clone()

    def is_view(self, part: RawArray, whole: RawArray, /) -> bool:
        return self.extras.shares(part, whole)

    def writable_host(self, raw: RawArray, /) -> np.ndarray[Any, Any] | None:
        if raw.device.type != "cpu" or raw.dtype is self._torch.bfloat16 or raw.is_conj() or raw.is_neg():
            return None
        return np.asarray(raw.detach())

    def to_host(self, raw: RawArray, /) -> np.ndarray[Any, Any]:
        raw = raw.detach().cpu()
        if raw.dtype is self._torch.bfloat16:
            raw = raw.float()
        return np.asarray(raw.resolve_conj().resolve_neg())

    def supported_dtypes(self, device: Device | None, /) -> dict[str, Dtype]:
        # torch.uint16 and the wider ones exist, but few functions take them.
        return {name: dtype for name, dtype in DTYPES.items() if name not in ("float16", "uint16", "uint32", "uint64")}

    def default_integers(self, device: Device, /) -> dict[str, Dtype]:
        return {"integral": DTYPES["int64"], "indexing": DTYPES["int64"]}


def _readable(host: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Give a host array that PyTorch can share: native byte order, positive strides, writable."""
    if not host.dtype.isnative:
        host = host.astype(host.dtype.newbyteorder("="))
    if host.dtype.kind not in "biufc":
        raise DtypeError(f"expected an array of numbers; got dtype {host.dtype}")
    if host.dtype.char in "qQ":  # `long long`, which PyTorch knows under the name of another C type of the same width
        host = host.view(np.dtype(host.dtype.name))
    if not host.flags.writeable or any(stride < 0 for stride in host.strides):
        return np.array(host)
    return host
