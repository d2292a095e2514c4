"""What every iterator over a data set offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from ..dataset import Batch

__all__ = ["Iterator"]


class Iterator(ABC):
    """Base class of iterators: gives batches of a data set and counts epochs (passes over all of it)."""

    @abstractmethod
    def next(self) -> Batch:
        """Give the next batch; raise `StopIteration` where the pass is over and the iterator does not repeat."""

    @property
    @abstractmethod
    def epoch(self) -> int:
        """How many epochs are complete."""

    @property
    @abstractmethod
    def epoch_detail(self) -> float:
        """How many epochs are complete, with the fraction of the present one."""

    @property
    @abstractmethod
    def is_new_epoch(self) -> bool:
        """Whether the last batch completed an epoch."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Give the state as plain numbers, strings, lists and dicts (it fits into JSON)."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where the iterator that gave `state` stood."""

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Batch:
        return self.next()
