"""Random draws that can be made again: what a checkpointed function drew, for its recomputation.

Generators ask the mode in force for the source that they draw from. A `Journal` notes the state before
each draw; a `Replay` gives sources that go on from these states, so that the generators themselves stay
where they are, and what other threads draw meanwhile is not disturbed.
"""

from __future__ import annotations

from typing import Any

from .._config import MODE, ModeContext
from .._errors import GradientError

__all__ = ["Journal", "Replay", "source_of", "unlogged"]


def source_of(generator: Any) -> Any:
    """Give the source that a generator draws from here; it is called under the generator's lock, once a draw."""
    draws = MODE.get().draws
    return generator._source if draws is None else draws.source(generator)


class Journal:
    """The draws of one run: for each generator the states from which they were made."""

    __slots__ = ("outer", "states")

    def __init__(self, outer: Journal | Replay | None) -> None:
        self.outer = outer
        # By identity, beside the generator itself, so that no other can take its place in memory.
        self.states: dict[int, tuple[Any, list[dict[str, Any]]]] = {}

    def source(self, generator: Any) -> Any:
        """Note a draw, and give the source for it."""
        source = generator._source if self.outer is None else self.outer.source(generator)
        self.states.setdefault(id(generator), (generator, []))[1].append(source.state())
        return source


class Replay:
    """The draws of a journal once more, in the same order for each generator."""

    __slots__ = ("_left",)

    def __init__(self, journal: Journal) -> None:
        self._left = {key: (generator, iter(states)) for key, (generator, states) in journal.states.items()}

    def source(self, generator: Any) -> Any:
        """Give a source that is in the state from which this draw was made the first time."""
        if id(generator) not in self._left:
            return generator._source  # one that was made since, in the function itself
        state = next(self._left[id(generator)][1], None)
        if state is None:
            raise GradientError(
                "checkpoint: the function drew more random numbers when it was run again for backward than at first; "
                "it must do the same each time"
            )
        source = generator.device.backend.random(0, generator.device)
        source.set_state(state)
        return source


def unlogged() -> ModeContext:
    """Draw outside the journal: for what a function does once and not again, such as giving a parameter its values.

    Raises `GradientError` in a recomputation, where that would give other values than at first.
    """
    if MODE.get().recomputing:
        raise GradientError(
            "checkpoint: the function gives a parameter its first values each time that it is run; "
            "create links and parameters outside of it"
        )
    return ModeContext("draws", None)
