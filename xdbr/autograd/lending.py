"""Lending memory to NumPy: a write to the array that `numpy.asarray(x)` gives is a write to `x`.

Code that has left the world of Variables writes into an array that it was given (`output=` of SciPy's ndimage), or
asks at least for memory that could be written (`signal.sosfilt`). A buffer that a graph has saved must never change,
so what is lent is memory that nothing else refers to: where that of the Variable is not, it moves to a copy first.

From then on the Variable is a view of a `Loan`, which every read and write finds out of date. The first of them ends
the loan: where no array of NumPy's has survived, the memory comes back as it is; where one has, the Variable takes
a copy of what was written so far, and that array cannot be written any more (a later write raises `ValueError`).
"""

from __future__ import annotations

import weakref
from typing import Any

from .._typing import RawArray
from .variable import Variable

__all__ = ["Loan"]


class _OutOfDate(int):
    """The version of a loan: no view has seen it, whatever it has seen."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


class _Memory:
    """What NumPy's arrays take the memory from; it lives exactly as long as one of them does."""

    __slots__ = ("__array_interface__", "__weakref__", "host")

    def __init__(self, host: Any) -> None:
        self.host = host
        self.__array_interface__ = host.__array_interface__


class Loan(Variable):
    """Stands above a Variable in the place of its root while NumPy may write its memory."""

    __slots__ = ("arrays", "memory")

    arrays: list[weakref.ref[Any]]
    memory: weakref.ref[_Memory]

    @classmethod
    def of(cls, raw: RawArray, host: Any) -> tuple[Loan, _Memory]:
        """Make the loan of `raw`, whose memory NumPy sees as `host`, and what NumPy is to take it from."""
        made: Loan = object.__new__(cls)
        memory = _Memory(host)
        made._data = raw
        made._node = None
        made._view = None
        made._ver = _OutOfDate(0)
        made.arrays = []
        made.memory = weakref.ref(memory)
        return made, memory

    def end(self, borrower: Variable) -> None:
        """Give the memory, or a copy of it, back to the Variable that lent it, which is a root again."""
        if self.memory() is not None:
            for alive in self.arrays:
                array = alive()
                if array is not None:
                    array.flags.writeable = False
            self._data = self._backend.copy(self._data)
        borrower._data = self._data
        borrower._view = None
        borrower._ver = getattr(borrower, "_ver", 0) + 2  # its views find their root again when they are next read
