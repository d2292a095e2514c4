"""Batches of a data set, one after another in this process."""

from __future__ import annotations

from operator import index
from typing import Any

from ..._errors import SerializationError
from .._errors import DataError
from ..dataset import Batch, as_column
from ..order import host_generator, permutation
from .iterator import Iterator

__all__ = ["SerialIterator"]

_KEYS = ("batch_size", "epoch", "generator", "is_new_epoch", "position", "size")


class SerialIterator(Iterator):
    """Gives batches of `batch_size` examples, each epoch in a new random order.

    `repeat=True` never ends: a batch that reaches the end of an epoch is filled up from the next
    one, so all have the same size. With `repeat=False` the last batch of a pass may be smaller and
    then `StopIteration` ends the pass; a new `for` loop over the same iterator starts the next one.
    The order is drawn from a generator of its own: the same `seed` gives the same order on every
    device, and without one the seed is drawn from `xdbr.random`'s default generator.
    Raises `DataError` where the data set is empty or `batch_size` is not a positive integer.

    >>> from xdbr.data import SerialIterator
    >>> batches = SerialIterator("abcde", 2, repeat=False, shuffle=False)
    >>> [list(batch) for batch in batches]
    [['a', 'b'], ['c', 'd'], ['e']]
    >>> batches.epoch, batches.is_new_epoch, len(batches)
    (1, True, 3)
    >>> endless = SerialIterator("abcde", 2, shuffle=False)
    >>> [list(next(endless)) for _ in range(3)], endless.epoch_detail
    ([['a', 'b'], ['c', 'd'], ['e', 'a']], 1.2)
    """

    def __init__(
        self, dataset: Any, batch_size: int, *, repeat: bool = True, shuffle: bool = True, seed: int | None = None
    ) -> None:
        self.dataset = as_column(dataset, "SerialIterator", "dataset")
        self._size = len(self.dataset)
        if self._size == 0:
            raise DataError("SerialIterator: the data set is empty")
        try:
            self.batch_size = index(batch_size)
        except TypeError:
            raise DataError(f"SerialIterator: batch_size must be a positive integer; got {batch_size!r}") from None
        if self.batch_size < 1:
            raise DataError(f"SerialIterator: batch_size must be a positive integer; got {batch_size!r}")
        self.repeat = bool(repeat)
        self._generator = host_generator(seed) if shuffle else None
        self._epoch = 0
        self._position = 0
        self._is_new_epoch = False
        self._new_order()

    def _new_order(self) -> None:
        # The generator's state from before the draw stands for the whole order: it is what is saved.
        self._drawn_from = None if self._generator is None else self._generator.state_dict()
        self._order = list(range(self._size)) if self._generator is None else permutation(self._generator, self._size)

    @property
    def epoch(self) -> int:
        """How many epochs are complete."""
        return self._epoch

    @property
    def is_new_epoch(self) -> bool:
        """Whether the last batch completed an epoch."""
        return self._is_new_epoch

    @property
    def epoch_detail(self) -> float:
        """How many epochs are complete, with the fraction of the present one."""
        return self._epoch + (self._position % self._size) / self._size

    def __len__(self) -> int:
        """How many batches a pass has, the last one counted though it may be smaller."""
        return (self._size + self.batch_size - 1) // self.batch_size

    def __iter__(self) -> SerialIterator:
        if self._position == self._size:
            self._start_next_pass()
        return self

    def _start_next_pass(self) -> None:
        self._new_order()
        self._position = 0

    def next(self) -> Batch:
        """Give the next batch; raise `StopIteration` where the pass is over and the iterator does not repeat."""
        if self._position == self._size:
            raise StopIteration
        chosen: list[int] = []
        self._is_new_epoch = False
        while len(chosen) < self.batch_size:
            part = self._order[self._position : self._position + self.batch_size - len(chosen)]
            chosen += part
            self._position += len(part)
            if self._position == self._size:
                self._epoch += 1
                self._is_new_epoch = True
                if not self.repeat:
                    break
                self._start_next_pass()
        return Batch(self.dataset, chosen)

    def reset(self) -> None:
        """Count epochs from 0 again, and start a new pass; the orders that follow are new ones.

        >>> from xdbr.data import SerialIterator
        >>> batches = SerialIterator("abc", 2, shuffle=False)
        >>> first = batches.next()
        >>> batches.reset()
        >>> list(batches.next())
        ['a', 'b']
        """
        self._epoch = 0
        self._is_new_epoch = False
        self._start_next_pass()

    def state_dict(self) -> dict[str, Any]:
        """Give the state as plain numbers, strings, lists and dicts (it fits into JSON).

        >>> from xdbr.data import SerialIterator
        >>> SerialIterator("abc", 2, shuffle=False).state_dict()["position"]
        0
        """
        return {
            "batch_size": self.batch_size,
            "epoch": self._epoch,
            "generator": self._drawn_from,
            "is_new_epoch": self._is_new_epoch,
            "position": self._position,
            "size": self._size,
        }

    def load_state_dict(self, state: dict[str, Any], *, strict: bool = True) -> None:
        """Continue where the iterator that gave `state` stood: the same batches follow.

        strict: whether other entries than those of `state_dict` are refused.

        Raises `SerializationError`, which lists everything that does not fit, where the state is not of
        an iterator over as many examples, with the same batch size, shuffling alike; nothing is changed then.

        >>> from xdbr.data import SerialIterator
        >>> one, other = SerialIterator(range(100), 10, seed=1), SerialIterator(range(100), 10, seed=2)
        >>> first = one.next()
        >>> other.load_state_dict(one.state_dict())
        >>> list(one.next()) == list(other.next())
        True
        """
        problems = self.check_state_dict(state, strict=strict)
        if problems:
            raise SerializationError(
                "SerialIterator.load_state_dict: the state does not fit, nothing was loaded:\n  "
                + "\n  ".join(problems)
            )
        if self._generator is not None:
            self._generator.load_state_dict(state["generator"])
        self._new_order()
        self._epoch = state["epoch"]
        self._position = state["position"]
        self._is_new_epoch = state["is_new_epoch"]

    def check_state_dict(self, state: Any, *, strict: bool = True) -> list[str]:
        """Tell why `load_state_dict` would not take a state: one line for each thing that does not fit.

        >>> from xdbr.data import SerialIterator
        >>> SerialIterator(range(100), 10).check_state_dict(SerialIterator(range(100), 20).state_dict())
        ['wrong value: batch_size is 20 there and 10 here']
        """
        if not isinstance(state, dict):
            return [f"expected a dict; got {type(state).__name__}"]
        problems = [f"missing: {key}" for key in _KEYS if key not in state]
        if strict:
            problems += [f"unexpected: {key}" for key in state if key not in _KEYS]
        if problems:
            return problems
        for key, here in (("batch_size", self.batch_size), ("size", self._size)):
            if state[key] != here:
                problems.append(f"wrong value: {key} is {state[key]!r} there and {here} here")
        for key, limit in (("epoch", None), ("position", self._size)):
            value = state[key]
            if type(value) is not int or value < 0 or (limit is not None and value > limit):
                upper = "" if limit is None else f" up to {limit}"
                problems.append(f"wrong value: {key} must be an integer from 0{upper}; got {value!r}")
        if self.repeat and state["position"] == self._size:
            problems.append("wrong value: position is at the end of a pass, and this iterator repeats")
        if type(state["is_new_epoch"]) is not bool:
            problems.append(f"wrong value: is_new_epoch must be a bool; got {state['is_new_epoch']!r}")
        return problems + self._generator_problems(state["generator"])

    def _generator_problems(self, state: Any) -> list[str]:
        if (state is None) != (self._generator is None):
            there, here = ("none", "one") if state is None else ("one", "none")
            return [f"wrong value: generator is {there} there and {here} here: only one of the two shuffles"]
        if self._generator is not None:
            try:
                host_generator(0).load_state_dict(state)
            except SerializationError as error:
                return [f"wrong value: generator is no state of one: {error}"]
        return []
