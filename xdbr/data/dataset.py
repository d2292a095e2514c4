"""What a data set is: `len(dataset)` examples, each `dataset[i]`; and how many of them are fetched at once.

Anything with a length and integer indexing serves as a data set: a list, a Variable, a `Dataset`.
Fetching a batch example by example costs an array call per example, so a data set that can do
better has a method `gather(indices)`, which `concat_examples` uses where it is there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from operator import index
from typing import Any, overload

from ..autograd.variable import Variable, wrap
from ..backends import of
from ._errors import DataError

__all__ = ["Batch", "Dataset", "as_column", "example"]


class Dataset(ABC):
    """Base class of data sets: a subclass gives `__len__` and `get_example(i)`.

    Indexing then works as in a sequence: an integer (negative ones count from the end) gives an
    example, a slice or a sequence of integers gives a list of examples.

    >>> from xdbr.data import Dataset
    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 5
    ...
    ...     def get_example(self, i):
    ...         return i * i
    >>> Squares()[-1], Squares()[1:3], Squares()[[0, 4]]
    (16, [1, 4], [0, 16])
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def get_example(self, i: int) -> Any:
        """Give example `i`, where 0 <= i < len(self)."""

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return [self.get_example(i) for i in range(*key.indices(len(self)))]
        if isinstance(key, (list, tuple)):
            return [self.get_example(self._position(i)) for i in key]
        return self.get_example(self._position(key))

    def _position(self, key: Any) -> int:
        name, size = type(self).__name__, len(self)
        try:
            i = index(key)
        except TypeError:
            raise TypeError(
                f"{name}: expected an integer, a slice or a list of integers as index; got {type(key).__name__}"
            ) from None
        if not -size <= i < size:
            raise IndexError(f"{name}: index {i} is out of range: there are {size} examples")
        return i + size if i < 0 else i

    def __iter__(self) -> Iterator[Any]:
        return (self.get_example(i) for i in range(len(self)))


class Batch(Sequence[Any]):
    """Some examples of a data set, fetched when they are looked at.

    It reads as a list of examples; `concat_examples` fetches them all at once instead.

    >>> from xdbr.data import Batch
    >>> batch = Batch("abcdef", [5, 0, 2])
    >>> len(batch), batch[0], list(batch)
    (3, 'f', ['f', 'a', 'c'])
    """

    __slots__ = ("dataset", "indices")

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = tuple(indices)

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, key: int) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> Batch: ...
    def __getitem__(self, key: int | slice) -> Any:
        if isinstance(key, slice):
            return Batch(self.dataset, self.indices[key])
        return example(self.dataset, self.indices[key])

    def __repr__(self) -> str:
        return f"Batch of {len(self)} examples of {type(self.dataset).__name__}"


def example(dataset: Any, i: int) -> Any:
    """Give example `i`; the standard wants an ellipsis where an array has further axes."""
    return dataset[i, ...] if isinstance(dataset, Variable) else dataset[i]


def as_column(data: Any, function: str, argument: str) -> Any:
    """Check that `data` can be indexed as a data set, and wrap a raw array as a Variable."""
    if isinstance(data, Variable) or of(data) is not None:
        if data.ndim == 0:
            raise DataError(f"{function}: {argument} must have examples along its first axis; got a 0-d array")
        return data if isinstance(data, Variable) else wrap(data)
    if hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        return data
    raise DataError(
        f"{function}: {argument} must have a length and integer indexing "
        f"(an array, a list, a data set); got {type(data).__name__}"
    )
