"""Array functions that the standard lacks, each with a portable default written on the standard alone.

A backend overrides one where its library has a better way, and falls back with `super()`. The
standard promises neither that basic indexing shares memory, nor that integer arrays can be assigned
through, nor that arrays can be written at all: the defaults rely on none of these. Each extra that is
used under a gradient has a differentiable mirror of the same name and signature in `xdbr.array_api.extras`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._typing import Key, RawArray, Shape

__all__ = ["Extras", "is_basic", "is_writable_key", "place_of", "with_axes"]


def place_of(x: RawArray, /) -> Any:
    """Give the library's device of `x`, to create arrays beside it, where `x` may be without axes.

    Results without axes are scalars in NumPy, and those of NumPy 2.0 name no device: there is but one.
    """
    return getattr(x, "device", None)


class Extras:
    """The portable extras over one Array API namespace `xp`.

    writable: whether the library's arrays can be assigned to (`x[key] = v` with basic keys and masks).
    """

    def __init__(self, xp: Any, *, writable: bool = True) -> None:
        self.xp = xp
        self.writable = writable

    # -- indexing ----------------------------------------------------------------------------

    def read(self, x: RawArray, /, *, key: Key) -> RawArray:
        """Give `x[key]`; raises `IndexError` where an index is out of bounds and the library tells."""
        return x[key]

    def index_add(self, x: RawArray, v: RawArray, /, *, key: Key, owned: bool = False) -> RawArray:
        """Give `x` with `v` added at `key`, where positions that `key` names twice receive both.

        x: any shape, a numeric dtype; v: broadcasts to the shape of `x[key]`; the result has x's shape and dtype.
        `owned` says that nobody else reads `x`, so that it may be overwritten.
        """
        if self.writable and is_basic(key) and not _has_newaxis(key):
            out = x if owned else self.xp.asarray(x, copy=True)
            out[key] = out[key] + v
            return out
        return self.add_at(x, self.read(self.positions(x), key=key), v)

    def write(
        self, x: RawArray, v: RawArray, /, *, walk: Callable[[RawArray], RawArray], key: Key, owned: bool = False
    ) -> RawArray:
        """Give `x` with `v` written at `walk(x)[key]`, where `walk` leads to a view of its argument.

        v: a scalar, or an array of x's dtype that broadcasts to the shape of what is written. Where `key`
            names a position twice, the last value stays.
        `owned` says that nobody else reads `x`, so that it may be overwritten.
        """
        if self.writable and is_writable_key(key):
            out = x if owned else self.xp.asarray(x, copy=True)
            part = walk(out)
            if self.shares(part, out):
                part[key] = v
                return out
        return self.put_at(x, self.read(walk(self.positions(x)), key=key), v)

    def assign(self, part: RawArray, v: RawArray, /, *, key: Key) -> bool:
        """Do `part[key] = v` so that the last value stays where `key` names a position twice, where that is quick.

        For libraries that leave open which value stays. Gives whether it was done: not for index arrays
        other than one with one axis.
        """
        if not any("int" in str(getattr(one, "dtype", "")) for one in (key if isinstance(key, tuple) else (key,))):
            part[key] = v
            return True
        if isinstance(key, tuple) or len(key.shape) != 1:
            return False
        xp = self.xp
        rows = xp.astype(key, xp.int64)
        rows = xp.where(rows < 0, rows + part.shape[0], rows)
        order = xp.argsort(rows, stable=True)
        rows = xp.take(rows, order, axis=0)
        if hasattr(v, "shape") and v.shape != ():
            # Each of the rows that are the same gets the value of the last of them.
            last = xp.take(order, xp.searchsorted(rows, rows, side="right") - 1, axis=0)
            v = xp.broadcast_to(_trimmed(xp, v, len(part.shape)), (rows.shape[0], *part.shape[1:]))
            v = xp.take(v, last, axis=0)
        part[rows] = v
        return True

    def shares(self, part: RawArray, whole: RawArray, /) -> bool:
        """Tell whether a write to `part`, to which a walk led from `whole`, reaches `whole`."""
        return part is whole

    def positions(self, x: RawArray, /) -> RawArray:
        """Give an array of x's shape whose elements are their own row-major positions."""
        xp = self.xp
        return xp.reshape(xp.arange(_size(x.shape), device=place_of(x)), tuple(x.shape))

    def add_at(self, x: RawArray, where: RawArray, v: RawArray, /) -> RawArray:
        """Give `x` with `v` added at the row-major positions `where`, those named twice receiving both."""
        xp = self.xp
        v = self._spread(v, where.shape, x)
        where = xp.reshape(where, (-1,))
        if not where.shape[0]:
            return xp.asarray(x, copy=True)
        order = xp.argsort(where)
        where, v = xp.take(where, order, axis=0), xp.take(v, order, axis=0)
        return self._merge(x, where, _running_sums(xp, where, v), add=True)

    def put_at(self, x: RawArray, where: RawArray, v: RawArray, /) -> RawArray:
        """Give `x` with `v` written at the row-major positions `where`; the last value stays at one named twice."""
        xp = self.xp
        v = self._spread(v, where.shape, x)
        where = xp.reshape(where, (-1,))
        if not where.shape[0]:
            return xp.asarray(x, copy=True)
        order = xp.argsort(where, stable=True)
        return self._merge(x, xp.take(where, order, axis=0), xp.take(v, order, axis=0), add=False)

    def _spread(self, v: RawArray, shape: Shape, x: RawArray) -> RawArray:
        """Give `v` broadcast to `shape`, with one axis and x's dtype."""
        xp = self.xp
        if not hasattr(v, "shape"):
            v = xp.asarray(v, dtype=x.dtype, device=place_of(x))
        v = xp.reshape(xp.broadcast_to(_trimmed(xp, v, len(shape)), tuple(shape)), (-1,))
        return v if v.dtype == x.dtype else xp.astype(v, x.dtype)

    def _merge(self, x: RawArray, where: RawArray, v: RawArray, add: bool) -> RawArray:
        """Give `x` with the last `v` of each position in the ascending `where`, written or added, without assigning."""
        xp = self.xp
        here = xp.arange(_size(x.shape), dtype=where.dtype, device=place_of(x))
        last = xp.searchsorted(where, here, side="right") - 1
        last = xp.where(last < 0, xp.zeros_like(last), last)
        hit = xp.take(where, last, axis=0) == here
        old = xp.reshape(x, (-1,))
        new = xp.take(v, last, axis=0)
        return xp.reshape(xp.where(hit, old + new if add else new, old), tuple(x.shape))

    # -- dtypes and counts -------------------------------------------------------------------

    def cast(self, x: RawArray, dtype: Any, /) -> RawArray:
        """Give `x` with the library's `dtype`; the real part where `x` is complex and `dtype` is not."""
        xp = self.xp
        if xp.isdtype(x.dtype, "complex floating") and not xp.isdtype(dtype, "complex floating"):
            x = xp.real(x)
        return xp.astype(x, dtype, copy=False)

    def keep(self, x: RawArray, mask: RawArray, /) -> RawArray:
        """Give `x` where `mask` is true and zero elsewhere, also where `x` is infinite there."""
        return self.xp.where(mask, x, 0)

    def repeat_counts(self, repeats: RawArray, /) -> RawArray:
        """Give for each element of a repetition by `repeats` which element it came from; shapes (n,) to (sum,)."""
        xp = self.xp
        ends = xp.cumulative_sum(repeats)
        total = int(ends[-1]) if repeats.shape[0] else 0
        return xp.searchsorted(ends, xp.arange(total, dtype=ends.dtype, device=ends.device), side="right")


def is_basic(key: Key, /) -> bool:
    """Tell whether `key` is basic indexing: integers, slices, `None` and `...` only, so that it gives a view."""
    if isinstance(key, tuple):
        return all(_is_basic_part(part) for part in key)
    return _is_basic_part(key)


def is_writable_key(key: Key, /) -> bool:
    """Tell whether the standard lets one assign through `key`: integers, slices and `...`, or one Boolean mask."""
    parts = key if isinstance(key, tuple) else (key,)
    if len(parts) == 1 and "bool" in str(getattr(parts[0], "dtype", "")):
        return True
    return is_basic(key) and not any(part is None for part in parts)


def _has_newaxis(key: Key) -> bool:
    """Tell whether `key` inserts axes, which the standard lets one read and not write."""
    return any(part is None for part in (key if isinstance(key, tuple) else (key,)))


def with_axes(key: Key, ndim: int, /) -> list[tuple[Any, int]]:
    """Give the parts of a key for an array of `ndim` axes, each with the first of the axes that it stands for."""
    parts = key if isinstance(key, tuple) else (key,)
    free = ndim - sum(_axes_taken(part) for part in parts)
    found, axis = [], 0
    for part in parts:
        found.append((part, axis))
        axis += free if part is Ellipsis else _axes_taken(part)
    return found


def _axes_taken(part: Any) -> int:
    if part is None or part is Ellipsis or isinstance(part, bool):
        return 0
    return len(part.shape) if "bool" in str(getattr(part, "dtype", "")) else 1


def _is_basic_part(part: Any) -> bool:
    return (
        part is None
        or part is Ellipsis
        or isinstance(part, slice)
        or (isinstance(part, int) and not isinstance(part, bool))
    )


def _size(shape: Shape) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


def _trimmed(xp: Any, v: RawArray, ndim: int) -> RawArray:
    """Drop leading axes of length one until `ndim` are left, as an assignment does and broadcasting does not."""
    extra = len(v.shape) - ndim
    if extra > 0 and all(n == 1 for n in v.shape[:extra]):
        v = xp.reshape(v, tuple(v.shape[extra:]))
    return v


def _running_sums(xp: Any, where: RawArray, v: RawArray) -> RawArray:
    """Give for each element of `v` the sum of those before and at it that have the same position; `where` ascends.

    A segmented scan (Hillis and Steele, 1986): log2(n) passes, and only elements of one position are
    ever added, so nothing cancels. It stops once no two elements `step` apart share a position.
    """
    n, step = where.shape[0], 1
    while step < n:
        same = where[step:] == where[:-step]
        if not bool(xp.any(same)):
            break
        before = xp.where(same, v[:-step], xp.zeros_like(v[:-step]))
        v = xp.concat([v[:step], v[step:] + before])
        step *= 2
    return v
