"""Lending memory to NumPy: a write to the array that `numpy.asarray(x)` gives is a write to `x`.

Code that has left the world of Variables writes into an array that it was given (`output=` of SciPy's ndimage), or
asks at least for memory that could be written (`signal.sosfilt`). A buffer that a graph has saved must never change,
so what is lent is memory that nothing else refers to: where that of the Variable is not, it moves to a copy first.

As long as an array of NumPy's shares the memory, the Variable is a view of a `Loan`, which every read finds out of
date: a read copies what is read, so that no graph saves memory that NumPy may write. The loan ends when the last of
those arrays is gone; the memory comes back as it is. A write to the Variable, or that it shall need gradient, ends it
as well: then the Variable takes a copy, and the arrays cannot be written any more (which raises `ValueError`).
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

from .variable import Variable

__all__ = ["LENDING", "Loan", "host_array"]

LENDING = threading.RLock()
"""Held while a loan begins or ends: several threads may write parts of one array through NumPy."""


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

    __slots__ = ("arrays", "lender", "memory")

    arrays: list[weakref.ref[Any]]
    lender: weakref.ref[Variable]
    memory: weakref.ref[_Memory]

    @classmethod
    def of(cls, lender: Variable, host: Any) -> tuple[Loan, _Memory]:
        """Make the loan of a Variable whose memory NumPy sees as `host`, and what NumPy is to take it from."""
        made: Loan = object.__new__(cls)
        memory = _Memory(host)
        made._data = lender._data
        made._node = None
        made._view = None
        made._ver = _OutOfDate(0)
        made.arrays = []
        made.lender = weakref.ref(lender)
        made.memory = weakref.ref(memory)
        return made, memory

    def end(self) -> None:
        """Give the memory, or a copy of it, back to the Variable that lent it, which is a root again."""
        with LENDING:
            lender = self.lender()
            if lender is None or lender._view is None or lender._view.base is not self:
                return  # it has ended
            if self.memory() is not None:
                for alive in self.arrays:
                    array = alive()
                    if array is not None:
                        array.flags.writeable = False
                self._data = self._backend.copy(self._data)
            lender._data = self._data
            lender._view = None
            lender._ver = getattr(lender, "_ver", 0) + 2  # its views find their root again when they are next read

    def _outdate_views(self) -> None:
        self.end()


def host_array(x: Variable, dtype: Any, copy: bool | None) -> Any:
    """Give `x` as an array of NumPy's, as `__array__` is to; where nothing is converted it shares the memory of `x`.

    With `copy=False` it is read-only, for then no memory can be made that nothing else refers to. Raises
    `GradientError` where `x` needs gradient, and `ValueError` where `copy=False` and a conversion needs a copy.
    """
    import numpy as np

    if copy is None and (dtype is None or dtype == x.dtype):
        from .views import lend

        lent = lend(x)
        if lent is not None:
            return lent
    host = x._backend.to_host(x._leave("__array__ (numpy.asarray)"))
    if copy:
        return np.array(host, dtype=dtype)
    if copy is False and dtype is not None and host.dtype != dtype:
        raise ValueError(f"__array__: a conversion from {host.dtype} to {dtype} needs a copy, but copy=False")
    host = host.view()
    host.flags.writeable = False  # the memory may be what a graph has saved
    return np.asarray(host, dtype=dtype)
