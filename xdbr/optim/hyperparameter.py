"""Hyperparameters: numbers of an optimizer that are checked whenever they are set, and saved with it."""

from __future__ import annotations

import math
from typing import Any, overload

__all__ = ["Hyperparameter"]


def _is_model(value: Any) -> bool:
    """Tell whether a value is a model or a collection of its parameters."""
    parts = value if isinstance(value, (list, tuple)) else ()
    return hasattr(value, "params") or hasattr(value, "__next__") or any(hasattr(part, "grad") for part in parts)


class Hyperparameter:
    """A real number that may be set at any time, as an attribute of an optimizer's class.

    doc: what it is, for the reader of the class.
    low, high: the bounds, `low` allowed and `high` not.
    above_low: whether `low` itself is not allowed either.

    Setting it raises `TypeError` for what is no number, and `ValueError` for one that is out of bounds or not finite.

    >>> from xdbr import optim
    >>> optimizer = optim.SGD(lr=0.1)
    >>> optimizer.lr = -1
    Traceback (most recent call last):
    ValueError: SGD: lr must be at least 0; got -1
    """

    __slots__ = ("above_low", "doc", "high", "low", "name")

    def __init__(self, doc: str, *, low: float = -math.inf, high: float = math.inf, above_low: bool = False) -> None:
        self.doc = doc
        self.low = low
        self.high = high
        self.above_low = above_low
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, holder: None, owner: type) -> Hyperparameter: ...
    @overload
    def __get__(self, holder: Any, owner: type) -> float: ...
    def __get__(self, holder: Any, owner: type) -> Any:
        if holder is None:
            return self
        try:
            return holder.__dict__[self.name]
        except KeyError:
            raise AttributeError(f"{owner.__name__} has not set its hyperparameter {self.name}") from None

    def __set__(self, holder: Any, value: Any) -> None:
        holder.__dict__[self.name] = self.checked(value, type(holder).__name__)

    def checked(self, value: Any, owner: str) -> float:
        """Give the value as a Python number; raises as setting it does."""
        if isinstance(value, (bool, str, bytes)) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
            # What an optimizer trains is not given to its constructor, as it is in PyTorch.
            got = f"{type(value).__name__}; a model is given by setup(model)" if _is_model(value) else repr(value)
            raise TypeError(f"{owner}: {self.name} must be a real number; got {got}")
        number = float(value)
        lowest = number > self.low if self.above_low else number >= self.low
        if not (math.isfinite(number) and lowest and number < self.high):
            raise ValueError(f"{owner}: {self.name} must be {self.bounds()}; got {value!r}")
        return number

    def bounds(self) -> str:
        """Give the bounds in words."""
        parts = []
        if self.low > -math.inf:
            parts.append(f"{'above' if self.above_low else 'at least'} {self.low:g}")
        if self.high < math.inf:
            parts.append(f"below {self.high:g}")
        return " and ".join(parts) or "finite"
