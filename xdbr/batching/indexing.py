"""Reading and writing at indices, for all examples at once.

Basic indices go through behind the axis of the examples. For arrays of indices the row-major positions that they
name in one example are found first, by reading an array of positions; these, the same for all examples or one
set for each, then lead into the payload. So every kind of index that the library has, in its own meaning, serves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .._config import Batch
from .._typing import Key, RawArray
from ..backends import canonical_dtype
from ..backends._extras import Extras, is_basic
from .array import BatchedArray, refuse
from .library import BatchedLibrary

__all__ = ["BatchedExtras"]


class BatchedExtras(Extras):
    """The extras on batched arrays."""

    def __init__(self, lib: BatchedLibrary) -> None:
        super().__init__(lib, writable=False)
        self.lib = lib
        self.below = lib._below

    def cast(self, x: RawArray, dtype: Any, /) -> RawArray:
        """Give `x` with `dtype`, its real part where that is not complex."""
        return self.lib.up(self.below.extras.cast(self.lib.down(x), dtype), self.lib.batch_of(x))

    def read(self, x: RawArray, /, *, key: Key) -> RawArray:
        """Give `x[key]`."""
        lib, below, parts = self.lib, self.below, _parts(key)
        by_key = lib.batch_of(*parts)
        batch = lib.batch_of(x, *parts)
        if batch is None:
            return lib.same_for_all(below.extras.read(lib.down(x), key=self._down(key)))
        if is_basic(key):
            return lib.up(below.extras.read(x.payload, key=(slice(None), *parts)), batch)
        if by_key is None:
            if len(parts) == 1 and _is_places(parts[0]):
                return _taken(lib, x, parts[0])
            places = below.extras.read(self.positions(x).payload, key=self._down(key))
            taken = below.take(lib.flat(x), below.reshape(places, (-1,)), axis=1)
            return lib.up(below.reshape(taken, (batch.size, *places.shape)), batch)
        places = self._places(x, parts, by_key)
        if lib.batch_of(x) is None:
            taken = below.take(below.reshape(lib.down(x), (-1,)), below.reshape(places, (-1,)), axis=0)
        else:
            lines = below.reshape(places, (batch.size, math.prod(places.shape[1:])))
            taken = below.take_along_axis(lib.flat(x), lines, axis=1)
        return lib.up(below.reshape(taken, places.shape), batch)

    def index_add(self, x: RawArray, v: RawArray, /, *, key: Key, owned: bool = False) -> RawArray:
        """Give `x` with `v` added at `key`."""
        return self._changed("index_add", x, v, lambda y: y, key, owned)

    def write(
        self, x: RawArray, v: RawArray, /, *, walk: Callable[[RawArray], RawArray], key: Key, owned: bool = False
    ) -> RawArray:
        """Give `x` with `v` written at `walk(x)[key]`."""
        return self._changed("write", x, v, walk, key, owned)

    def positions(self, x: RawArray, /) -> Any:
        """Give an array of one example's shape whose elements are their own row-major positions."""
        numbers = self.below.arange(math.prod(x.shape), device=x.device)
        return self.lib.same_for_all(self.below.reshape(numbers, tuple(x.shape)))

    def _changed(
        self, how: str, x: RawArray, v: RawArray, walk: Callable[[RawArray], RawArray], key: Key, owned: bool
    ) -> RawArray:
        lib, below, parts = self.lib, self.below, _parts(key)
        batch = lib.batch_of(x, v, *parts)
        change = getattr(below.extras, how)
        if batch is None:
            walking = {"walk": walk} if how == "write" else {}
            return lib.same_for_all(change(lib.down(x), lib.down(v), key=self._down(key), **walking))
        size = math.prod(x.shape)
        if is_basic(key):
            ndim = len(walk(x).shape) + sum(part is None for part in parts) - sum(isinstance(n, int) for n in parts)
            walking = {"walk": lambda p: walk(lib.up(p, batch)).payload} if how == "write" else {}
            whole, at = lib.spread(x, batch), (slice(None), *parts)
            owned = owned and lib.batch_of(x) is not None
            v = lib.ranked(_trimmed(lib, v, ndim), ndim)
            return lib.up(change(whole, v, key=at, owned=owned, **walking), batch)
        places = self.read(walk(self.positions(x)), key=key)
        shape = tuple(places.shape)
        starts = below.arange(0, batch.size * size, size, device=x.device) if size else below.arange(0, device=x.device)
        if not size or not math.prod(shape) or not batch.size:
            return lib.up(lib.spread(x, batch), batch)
        starts = below.reshape(starts, (batch.size, *(1,) * len(shape)))
        where = below.reshape(lib.spread(places, batch) + starts, (-1,))
        if hasattr(v, "shape"):
            v = below.reshape(lib.spread(lib.broadcast_to(_trimmed(lib, v, len(shape)), shape), batch), (-1,))
        walking = {"walk": lambda p: p} if how == "write" else {}
        made = change(
            below.reshape(lib.spread(x, batch), (-1,)), v, key=(where,) if walking == {} else where, **walking
        )
        return lib.up(below.reshape(made, (batch.size, *x.shape)), batch)

    def _down(self, key: Key) -> Key:
        return tuple(map(self.lib.down, key)) if isinstance(key, tuple) else self.lib.down(key)

    def _places(self, x: RawArray, parts: tuple[Any, ...], batch: Batch) -> RawArray:
        """Give the positions that indices name in each example, the examples in front."""
        lib, below = self.lib, self.below
        found: list[Any] = []
        for part in parts:
            if not _is_mask(part):
                found.append(part)
            elif lib.batch_of(part) is not None:
                refuse("an index by a mask: the shape of the result depends on values, which cannot be", part)
            else:
                found += below.nonzero(lib.down(part))
        ndim = max(len(part.shape) for part in found if hasattr(part, "shape"))
        advanced = [i for i, part in enumerate(found) if hasattr(part, "shape") or isinstance(part, int)]
        axes = len(x.shape) - sum(part is not None and part is not Ellipsis for part in found)
        before = sum(axes if part is Ellipsis else 1 for part in found[: advanced[0]])
        together = advanced == list(range(advanced[0], advanced[-1] + 1))
        numbers = {"dtype": below.int64, "device": x.device}
        key = tuple(
            below.full((1,) * (ndim + 1), part, **numbers)
            if isinstance(part, int)
            else lib.ranked(part, ndim)
            if hasattr(part, "shape")
            else part
            for part in found
        )
        places = below.extras.read(self.positions(x).payload, key=key)
        # NumPy's rule: the axes of index arrays that are not all side by side go to the front.
        return below.moveaxis(places, before, 0) if together and before else places


def _parts(key: Key) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def _is_mask(part: Any) -> bool:
    return isinstance(part, bool) or (hasattr(part, "dtype") and canonical_dtype(part.dtype).name == "bool")


def _is_places(part: Any) -> bool:
    return hasattr(part, "shape") and not _is_mask(part) and len(part.shape) > 0


def _taken(lib: BatchedLibrary, x: BatchedArray, places: Any) -> BatchedArray:
    """Give `x[places]` for one array of integers, the same for all examples."""
    flat = lib._below.reshape(lib.down(places), (-1,))
    taken = lib._below.take(x.payload, flat, axis=1)
    assert x.batch is not None
    made: BatchedArray = lib.up(lib._below.reshape(taken, (x.batch.size, *places.shape, *x.shape[1:])), x.batch)
    return made


def _trimmed(lib: BatchedLibrary, v: Any, ndim: int) -> Any:
    """Drop leading axes of length one until `ndim` are left, as an assignment does and broadcasting does not."""
    extra = len(getattr(v, "shape", ())) - ndim
    if extra > 0 and all(n == 1 for n in v.shape[:extra]):
        v = lib.reshape(v, tuple(v.shape[extra:]))
    return v
