"""What takes the place of one of NumPy's functions: how it is found, and how its arguments become Variables."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from .. import array_api as xp
from ..autograd.trees import flatten
from ..autograd.variable import VARIABLES, Variable

__all__ = ["COUNTERPARTS", "Counterpart", "Without", "as_dtype", "beside", "counterparts", "only", "row"]

COUNTERPARTS: dict[str, Counterpart] = {}
"""By NumPy's name, without "numpy."."""

# Options that say nothing of Variables, and the values with which they may be given.
_IDLE: dict[str, tuple[Any, ...]] = {
    "casting": ("same_kind",),
    "order": ("K", "A", "C"),
    "subok": (True, False),
    "overwrite_input": (True, False),
}


class Without(Exception):
    """Says which way of calling NumPy's function has no counterpart."""


class Counterpart:
    """What takes the place of one of NumPy's functions.

    function: it has NumPy's parameters, by their names and in their order; what it lacks cannot be given.
    arrays: how many of the first parameters are arrays; -1 where the first is a sequence of arrays, -2 where it takes
        all that come by position, each for itself.
    """

    def __init__(self, function: Callable[..., Any], arrays: int) -> None:
        self.function = function
        self.arrays = arrays

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """Look at the parameters, when they are first needed."""
        return inspect.signature(self.function)

    def __call__(self, home: Variable, args: Sequence[Any], options: dict[str, Any]) -> Any:
        """Call it, with what else is an array put beside the Variable `home`. Raises `Without` for what it lacks."""
        known = self.signature.parameters
        given = {name: value for name, value in options.items() if not _is_idle(name, value, name in known)}
        try:
            bound = self.signature.bind(*args, **given)
        except TypeError:
            extra = sorted(given.keys() - known.keys()) or [f"{len(args)} arguments by position"]
            raise Without(f"takes {', '.join(known)}; got {', '.join(extra)}") from None
        for name in list(bound.arguments)[: max(self.arrays, 1) if self.arrays else 0]:
            value = bound.arguments[name]
            many = (beside(home, x, joined=self.arrays == -1) for x in (value if self.arrays < 0 else ()))
            bound.arguments[name] = beside(home, value) if self.arrays > 0 else tuple(many)
        return self.function(*bound.args, **bound.kwargs)


def counterparts(arrays: int, /, **functions: Callable[..., Any]) -> None:
    """Enter counterparts under NumPy's names; a double underscore stands for a dot."""
    COUNTERPARTS.update({name.replace("__", "."): Counterpart(f, arrays) for name, f in functions.items()})


def _is_idle(name: str, value: Any, is_known: bool) -> bool:
    """Tell whether an option may be left out."""
    if value is numpy._NoValue:
        return True
    return not is_known and (value is None or (isinstance(value, (str, bool)) and value in _IDLE.get(name, ())))


# -- what counterparts are written with ------------------------------------------------------------------------


def beside(home: Variable, x: Any, *, joined: bool = True) -> Variable:
    """Give what NumPy takes for an array as a Variable on the device of `home`.

    Numbers, and lists of them, that are joined with home take its dtype unless they are of a wider kind, as numbers
    do in operators.
    """
    if type(x) in VARIABLES:
        return x  # type: ignore[no-any-return]
    space = home.__array_namespace__()
    if isinstance(x, (list, tuple)) and any(type(part) in VARIABLES for part in flatten(x)[0]):
        return space.asarray(x)  # type: ignore[no-any-return]
    dtype = None
    if not hasattr(x, "dtype") or isinstance(x, numpy.generic):
        x = numpy.asarray(x)
        if not joined:
            pass
        elif x.dtype.kind in "iuf" and home.dtype.kind in "fc":
            dtype = home.dtype
        elif x.dtype.kind == "c" and home.dtype.kind in "fc":
            dtype = numpy.result_type(home.dtype, numpy.complex64)
    return space.asarray(x, dtype=dtype, device=home.device)  # type: ignore[no-any-return]


def only(**options: tuple[Any, Any]) -> None:
    """Raise `Without` for an option whose value is not the one that has a counterpart."""
    for name, (value, known) in options.items():
        if value is not known and value != known:
            raise Without(f"takes no {name}={value!r}")


def as_dtype(x: Variable, dtype: Any) -> Variable:
    """Convert to NumPy's `dtype`, of the same kind or a wider one; `None` leaves the array as it is."""
    if dtype is None:
        return x
    if not numpy.can_cast(x.dtype, dtype, "same_kind"):
        raise Without(f"takes no dtype={dtype!r} for {x.dtype}")
    return xp.astype(x, numpy.dtype(dtype))


def row(x: Variable) -> Variable:
    """Give all elements in a row."""
    return xp.reshape(x, (-1,))
