"""Array functions that the standard lacks, each with a portable default written on the standard alone.

A backend overrides one where its library has a better way, and falls back with `super()`. The
portable defaults are run as a backend of their own in the tests. Each extra that is used under a
gradient has a differentiable mirror of the same name and signature in `xdbr.array_api.extras`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._typing import Key, RawArray

__all__ = ["Extras"]


class Extras:
    """The portable extras over one Array API namespace `xp`."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp

    def index_add(self, x: RawArray, v: RawArray, /, *, key: Key, owned: bool = False) -> RawArray:
        """Give `x` with `v` added at `key`, where positions that `key` names twice receive both.

        x: any shape; v: broadcasts to the shape of `x[key]`; the result has x's shape and dtype.
        `owned` says that nobody else reads `x`, so that it may be overwritten.
        """
        xp = self.xp
        if is_basic(key):
            out = x if owned else xp.asarray(x, copy=True)
            out[key] = out[key] + v
            return out
        where = xp.reshape(xp.arange(x.size, device=x.device), x.shape)[key]
        v = xp.reshape(xp.broadcast_to(v, where.shape), (-1,))
        where = xp.reshape(where, (-1,))
        out = xp.asarray(xp.reshape(x, (-1,)), copy=True)
        if v.size:
            last, sums = _sum_by_position(xp, where, v)
            out[last] = xp.take(out, last, axis=0) + sums
        return xp.reshape(out, x.shape)

    def write(
        self, x: RawArray, v: RawArray, /, *, walk: Callable[[RawArray], RawArray], key: Key, owned: bool = False
    ) -> RawArray:
        """Give `x` with `v` written at `walk(x)[key]`, where `walk` leads to a view of its argument.

        v: broadcasts to the shape of what is written and is cast to x's dtype.
        `owned` says that nobody else reads `x`, so that it may be overwritten.
        """
        out = x if owned else self.xp.asarray(x, copy=True)
        walk(out)[key] = v
        return out

    def cast(self, x: RawArray, dtype: Any, /) -> RawArray:
        """Give `x` with the library's `dtype`; the real part where `x` is complex and `dtype` is not."""
        xp = self.xp
        if xp.isdtype(x.dtype, "complex floating") and not xp.isdtype(dtype, "complex floating"):
            x = xp.real(x)
        return xp.astype(x, dtype, copy=False)

    def repeat_counts(self, repeats: RawArray, /) -> RawArray:
        """Give, for each element of a repetition by `repeats`, which input element it came from; shapes (n,) to (sum,)."""
        xp = self.xp
        ends = xp.cumulative_sum(repeats)
        total = int(ends[-1]) if repeats.shape[0] else 0
        return xp.searchsorted(ends, xp.arange(total, dtype=ends.dtype, device=ends.device), side="right")


def is_basic(key: Key, /) -> bool:
    """Tell whether `key` is basic indexing: integers, slices, `None` and `...` only, so that it gives a view."""
    if isinstance(key, tuple):
        return all(_is_basic_part(part) for part in key)
    return _is_basic_part(key)


def _is_basic_part(part: Any) -> bool:
    return part is None or part is Ellipsis or isinstance(part, slice) or (isinstance(part, int) and not isinstance(part, bool))


def _sum_by_position(xp: Any, where: RawArray, v: RawArray) -> tuple[RawArray, RawArray]:
    """Sum the elements of `v` that share a position: the distinct positions and their sums.

    A segmented scan (Hillis and Steele, 1986) over the positions in order: log2(n) passes, and only
    elements of one position are ever added, so nothing cancels.
    """
    order = xp.argsort(where)
    where, v = xp.take(where, order, axis=0), xp.take(v, order, axis=0)
    n, step = where.shape[0], 1
    while step < n:
        same = where[step:] == where[:-step]
        if not bool(xp.any(same)):
            break
        v = xp.concat([v[:step], v[step:] + xp.where(same, v[:-step], xp.zeros_like(v[:-step]))])
        step *= 2
    last = xp.concat([where[1:] != where[:-1], xp.ones((1,), dtype=xp.bool, device=where.device)])
    return where[last], v[last]
