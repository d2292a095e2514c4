"""The backend of batched arrays: one for each level of vmap over each library underneath, made on demand.

`over(numpy)` is the first level over NumPy, "vmap_numpy"; `over(over(numpy))` the second, "vmap_vmap_numpy", whose
arrays have those of the first for payload. Each level has a type of arrays of its own, so that two levels are
never taken for one another: where they meet, `autograd.lifting` brings the lower one up.

A cotangent may belong to more levels than the node that it comes to: those of the calls of vmap in which
backward runs. They lie on top, so whatever enters or leaves a level of the graph does so beneath them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from .. import backends
from .._config import Batch
from .._typing import Dtype, RawArray
from ..autograd.kernels import REGISTRY, raw_namespace
from ..backends import Backend, Device, current_device
from .array import BatchedArray, array_type
from .indexing import BatchedExtras
from .library import BatchedLibrary, Part, is_elementwise

__all__ = ["Batching", "over", "under"]


class _Kernels(dict[str, Callable[..., Any]]):
    """The functions that need not run their own text on batched arrays, because the library's below takes them all."""

    def __init__(self, backend: Batching) -> None:
        super().__init__()
        self._backend = backend

    def get(self, name: str, default: Any = None, /) -> Any:
        """Give the function called `name`, or `default`."""
        lib: BatchedLibrary = self._backend.lib
        if is_elementwise(name):
            return lib.aligned(REGISTRY[name].kernel(self._backend.below))
        if name in ("linalg.cofactor", "linalg.cofactor_change"):
            # Their text looks at values, which it may at those of all examples.
            return getattr(lib.linalg, name.removeprefix("linalg."))
        return default


class Batching(Backend):
    """One level of vmap over the backend `below`; its devices are those of the library at the bottom."""

    below: Backend
    lib: BatchedLibrary
    extras: BatchedExtras

    def __init__(self, below: Backend) -> None:
        self.name = f"vmap_{below.name}"
        self.below = below
        self.bottom: Backend = below.bottom if isinstance(below, Batching) else below
        self.depth = below.depth + 1
        self.multi_device = below.multi_device
        self.current_device = below.current_device
        self.aliasing_views = False
        self.array_types = (array_type(self),)
        self.kernels = _Kernels(self)  # type: ignore[misc]
        self.lib = BatchedLibrary(self)
        self.extras = BatchedExtras(self.lib)

    # -- levels ------------------------------------------------------------------------------

    def enter(self, raw: RawArray, axis: int, batch: Batch) -> RawArray:
        """Make the examples along `axis` of an array of the level below one array of this level."""
        if _depth(raw) == self.depth - 1:
            return self.lib.up(raw_namespace(self.below).moveaxis(raw, axis, 0), batch)
        return _on(self.enter(raw.payload, axis + (raw.batch is not None), batch), raw.batch)

    def leave(self, raw: RawArray, axis: int, batch: Batch) -> RawArray:
        """Undo `enter`; what is the same for all examples is repeated."""
        if _depth(raw) == self.depth:
            xp = raw_namespace(self.below)
            return xp.moveaxis(self.lib.spread(raw, batch), 0, axis)
        return _on(self.leave(raw.payload, axis + (raw.batch is not None), batch), raw.batch)

    def lifted(self, raw: RawArray) -> RawArray:
        """Give an array of the level below as one of this level, the same for all examples."""
        if _depth(raw) == self.depth - 1:
            return self.lib.same_for_all(self.below.as_array(raw))
        return _on(self.lifted(raw.payload), raw.batch)

    def lowered(self, raw: RawArray) -> RawArray:
        """Give the sum over the examples: what `lifted` makes of a cotangent.

        One that comes from outside tells the examples apart, so what is the same for all of them can only be zero.
        """
        if _depth(raw) == self.depth:
            if raw.batch is None:
                return raw.payload
            return raw_namespace(self.below).sum(raw.payload, axis=0, dtype=raw.dtype)
        return _on(self.lowered(raw.payload), raw.batch)

    def every_value(self, raw: RawArray) -> RawArray:
        return self.below.every_value(raw.payload)

    # -- arrays ------------------------------------------------------------------------------

    def as_array(self, raw: RawArray, /) -> RawArray:
        return self._like(raw, self.below.as_array(raw.payload))

    def read_only(self, raw: RawArray, /) -> RawArray:
        return self._like(raw, self.below.read_only(raw.payload))

    def copy(self, raw: RawArray, /) -> RawArray:
        return self._like(raw, self.below.copy(raw.payload))

    def _like(self, raw: RawArray, payload: RawArray) -> RawArray:
        return self.lib.up(payload, raw.batch)

    def to_host(self, raw: RawArray, /) -> Any:
        return self.below.to_host(raw.the_value("the value of an array (item, tolist, numpy.asarray)"))

    def from_host(self, host: Any, /, *, device: Device | None = None) -> RawArray:
        return self.lib.same_for_all(self.below.from_host(host, device=None if device is None else self._down(device)))

    def from_dlpack(self, x: Any, /, *, device: Device | None = None, copy: bool | None = None) -> RawArray:
        below = None if device is None else self._down(device)
        return self.lib.same_for_all(self.below.from_dlpack(x, device=below, copy=copy))

    def dlpack(self, raw: RawArray, /, **options: Any) -> Any:
        return self.below.dlpack(raw.the_value("DLPack"), **options)

    def is_view(self, part: RawArray, whole: RawArray, /) -> bool:
        if part.batch is None or whole.batch is None:
            return self.below.is_view(part.payload, whole.payload)
        if not part.batch.size:
            return True
        # One example tells: the reshape of all of them may copy where that of each would not.
        xp = raw_namespace(self.below)
        first = whole.payload[(0, ...)]
        return self.below.is_view(xp.reshape(first, part.shape), first)

    # -- dtypes ------------------------------------------------------------------------------

    def dtype(self, dtype: Any, /) -> Any:
        return self.below.dtype(dtype)

    def supported_dtypes(self, device: Device | None, /) -> dict[str, Dtype]:
        return self.below.supported_dtypes(None if device is None else self._down(device))

    def default_integers(self, device: Device, /) -> dict[str, Dtype]:
        return self.below.default_integers(self._down(device))

    def capabilities(self) -> dict[str, Any]:
        return self.below.capabilities() | {"boolean indexing": False, "data-dependent shapes": False}

    @property
    def special(self) -> Any:
        return Part(self, "special.")

    # -- devices -----------------------------------------------------------------------------

    def _down(self, device: Device) -> Device:
        return Device(self.below.name, device.index)

    def _up(self, device: Device) -> Device:
        return Device(self.name, device.index)

    def plain_device(self, device: Device, /) -> Device:
        return Device(self.bottom.name, device.index)

    def devices(self) -> tuple[Device, ...]:
        return tuple(map(self._up, self.bottom.devices()))

    def default_device(self) -> Device:
        return self._up(current_device(self.bottom))

    def device_of(self, raw: RawArray, /) -> Device:
        while isinstance(raw, BatchedArray):
            raw = raw.payload
        return self._up(self.bottom.device_of(raw))

    def check_device(self, device: Device, /, *, function: str = "device") -> Device:
        return self._up(self.bottom.check_device(self.plain_device(device), function=function))

    def raw_device(self, device: Device, /) -> Any:
        return self.bottom.raw_device(self.plain_device(device))

    def transfer(self, raw: RawArray, device: Device, /) -> RawArray:
        return self._like(raw, self.below.transfer(raw.payload, self._down(device)))

    def moved(self, raw: RawArray, device: Device, /) -> RawArray:
        return _on(self.below.moved(raw.payload, device), raw.batch)

    def use(self, device: Device, /) -> AbstractContextManager[Any]:
        return self.bottom.use(self.plain_device(device))

    def synchronize(self, device: Device | None = None, /) -> None:
        self.bottom.synchronize(None if device is None else self.plain_device(device))

    def memory(self, device: Device | None = None, /) -> dict[str, int]:
        return self.bottom.memory(None if device is None else self.plain_device(device))

    def version(self) -> str:
        return self.bottom.version()


def over(below: Backend) -> Batching:
    """Give the backend of the next level of vmap: the same each time."""
    made = backends.derived(f"vmap_{below.name}", lambda: Batching(below))
    assert isinstance(made, Batching)
    return made


def under(batches: Sequence[Batch], raw: RawArray) -> RawArray:
    """Give an array with an axis of examples in front for each of some calls of vmap as one of their levels."""
    for batch in batches:
        below = backends.of(raw)
        assert below is not None
        raw = over(below).enter(raw, 0, batch)
    return raw


def _depth(raw: RawArray) -> int:
    return raw.backend.depth if isinstance(raw, BatchedArray) else 0


def _on(raw: RawArray, batch: Batch | None) -> RawArray:
    """Put a level on top of an array."""
    below = backends.of(raw)
    assert below is not None
    return over(below).lib.up(raw, batch)
