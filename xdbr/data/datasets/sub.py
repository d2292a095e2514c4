"""A part of a data set, without a copy of it."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from ...random import Generator
from .._errors import DataError
from ..converters import gather
from ..dataset import Dataset, as_column, example
from ..order import host_generator, permutation

__all__ = ["SubDataset", "split_dataset", "split_dataset_random"]


class SubDataset(Dataset):
    """Examples `start` to `finish` (excluded) of another data set.

    With `order`, a sequence of indices into the other data set, example `i` is
    `dataset[order[start + i]]`. Raises `DataError` where the part does not lie inside.

    >>> from xdbr.data import SubDataset
    >>> SubDataset("abcdef", 2, 4)[:]
    ['c', 'd']
    >>> SubDataset("abcdef", 0, 2, order=[5, 0, 1])[:]
    ['f', 'a']
    """

    def __init__(self, dataset: Any, start: int, finish: int, *, order: Sequence[int] | None = None) -> None:
        self._dataset = as_column(dataset, "SubDataset", "dataset")
        size = len(self._dataset)
        positions = _checked_order(order, size)
        length = size if positions is None else len(positions)
        start, finish = _checked_index("start", start), _checked_index("finish", finish)
        if not 0 <= start <= finish <= length:
            raise DataError(
                f"SubDataset: expected 0 <= start <= finish <= {length}; got start={start}, finish={finish}"
            )
        self._positions: Sequence[int] = range(start, finish) if positions is None else positions[start:finish]

    def __len__(self) -> int:
        return len(self._positions)

    def get_example(self, i: int) -> Any:
        """Give the other data set's example that stands at place `i` of the part."""
        return example(self._dataset, self._positions[i])

    def gather(self, indices: Sequence[int]) -> Any:
        """Give the examples at `indices` joined."""
        return gather(self._dataset, [self._positions[i] for i in indices])


def split_dataset(dataset: Any, split_at: int, *, order: Sequence[int] | None = None) -> tuple[SubDataset, SubDataset]:
    """Split a data set in two: its first `split_at` examples and the rest, in `order` where it is given.

    Raises `DataError` where `split_at` is not between 0 and the number of examples.

    >>> from xdbr.data import split_dataset
    >>> first, rest = split_dataset("abcdef", 4)
    >>> first[:], rest[:]
    (['a', 'b', 'c', 'd'], ['e', 'f'])
    """
    dataset = as_column(dataset, "split_dataset", "dataset")
    size = len(dataset) if order is None else len(order)
    split_at = _checked_index("split_at", split_at, function="split_dataset")
    if not 0 <= split_at <= size:
        raise DataError(f"split_dataset: expected 0 <= split_at <= {size}, the number of examples; got {split_at}")
    return SubDataset(dataset, 0, split_at, order=order), SubDataset(dataset, split_at, size, order=order)


def split_dataset_random(dataset: Any, first_size: int, *, seed: int | None = None) -> tuple[SubDataset, SubDataset]:
    """Split a data set in two at random, `first_size` examples to the first part.

    The same `seed` gives the same parts; without one it is drawn from `xdbr.random`'s default
    generator. Raises `DataError` where `first_size` is not between 0 and the number of examples.

    >>> from xdbr.data import split_dataset_random
    >>> first, rest = split_dataset_random("abcdef", 4, seed=1)
    >>> len(first), len(rest), sorted(first[:] + rest[:])
    (4, 2, ['a', 'b', 'c', 'd', 'e', 'f'])
    """
    dataset = as_column(dataset, "split_dataset_random", "dataset")
    generator: Generator = host_generator(seed)
    return split_dataset(dataset, first_size, order=permutation(generator, len(dataset)))


def _checked_index(argument: str, value: Any, function: str = "SubDataset") -> int:
    try:
        return index(value)
    except TypeError:
        raise DataError(f"{function}: {argument} must be an integer; got {value!r}") from None


def _checked_order(order: Sequence[int] | None, size: int) -> list[int] | None:
    if order is None:
        return None
    positions = [_checked_index("order", i) for i in order]
    for i in positions:
        if not 0 <= i < size:
            raise DataError(f"SubDataset: order must hold indices from 0 to {size - 1}; got {i}")
    return positions
