"""Data sets side by side: images beside labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._errors import DataError
from ..converters import gather
from ..dataset import Dataset, as_column, example

__all__ = ["TupleDataset"]


class TupleDataset(Dataset):
    """A data set of tuples, made of data sets of equal length.

    Each argument is an array (Variable or raw, examples along the first axis), a sequence or a
    data set. Example `i` is the tuple of every argument's element `i`. Raises `DataError` where the
    lengths differ or an argument cannot be indexed.

    >>> import xdbr
    >>> from xdbr.data import TupleDataset
    >>> data = TupleDataset(xdbr.asarray([[1.0, 2.0], [3.0, 4.0]]), ["first", "second"])
    >>> len(data), data[1][1], data[1][0].shape
    (2, 'second', (2,))
    """

    def __init__(self, *datasets: Any) -> None:
        if not datasets:
            raise DataError("TupleDataset: expected at least one data set; got none")
        self._columns = tuple(as_column(data, "TupleDataset", f"argument {i}") for i, data in enumerate(datasets))
        lengths = [len(column) for column in self._columns]
        if len(set(lengths)) > 1:
            raise DataError(f"TupleDataset: all data sets must have the same length; got lengths {lengths}")
        self._length = lengths[0]

    @property
    def columns(self) -> tuple[Any, ...]:
        """The data sets that the tuples are made of."""
        return self._columns

    def __len__(self) -> int:
        return self._length

    def get_example(self, i: int) -> tuple[Any, ...]:
        """Give the tuple of every column's element `i`."""
        return tuple(example(column, i) for column in self._columns)

    def gather(self, indices: Sequence[int]) -> tuple[Any, ...]:
        """Give the examples at `indices` joined: a tuple with one stacked Variable per column."""
        return tuple(gather(column, indices) for column in self._columns)
