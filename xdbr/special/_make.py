"""What the files of this chapter share: how its functions are made, and how a composition reads its arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from .. import backends
from .._typing import Array
from ..array_api._rules import floating
from ..autograd.primitive import PrimitiveFunction, composite, primitive
from ..autograd.variable import VARIABLES, Variable, wrap

__all__ = ["beside", "composed", "floating", "promoted", "special"]

P = ParamSpec("P")


def special(forward: Callable[Concatenate[Any, P], Any], /) -> PrimitiveFunction[P, Variable]:
    """Make an element-wise function of real arrays that the backend's `special` computes."""
    return primitive(name=f"special.{forward.__name__}", elementwise=True, floating=True)(forward)


def composed(forward: Callable[Concatenate[Any, P], Any], /) -> Callable[P, Variable]:
    """Make a function of other functions, whose arguments are read as floating-point arrays of one dtype."""

    @functools.wraps(forward)
    def ready(xp: Any, /, *args: Any, **options: Any) -> Any:
        return forward(xp, *promoted(xp, *args), **options)

    return composite(name=f"special.{forward.__name__}")(ready)


def promoted(xp: Any, *args: Any) -> list[Array]:
    """Give arguments as arrays of their common floating-point dtype; integers are read in the default one.

    In a rule or composition: at least one argument is an array; Python numbers and, beside arrays, NumPy scalars
    are weak.
    """
    arrays = [arg for arg in args if not _is_weak(arg, len(args))] or list(args)
    if any(type(arg) in VARIABLES for arg in arrays):
        # A rule is handed what needs no gradient as it was saved, and the operators of raw arrays take no Variables.
        arrays = [arg if type(arg) in VARIABLES else wrap(arg) for arg in arrays]
    arrays = [floating(xp, arg) for arg in arrays]
    dtype = arrays[0].dtype
    if any(arg.dtype != dtype for arg in arrays[1:]):
        dtype = xp.result_type(*arrays)
    device = getattr(arrays[0], "device", None)  # before NumPy 2.1 its scalars have none
    found = []
    left = iter(arrays)
    for arg in args:
        if _is_weak(arg, len(args)):
            number = arg if isinstance(arg, (bool, int, float, complex)) else arg.item()
            found.append(xp.asarray(number, dtype=dtype, device=device))
        else:
            one = next(left)
            found.append(one if one.dtype == dtype else xp.astype(one, dtype))
    return found


def beside(xp: Any, g: Array, *args: Any) -> list[Array]:
    """Give what a rule has retained, which may be Python numbers and integers, as arrays of the cotangent's dtype."""
    return promoted(xp, g, *args)[1:]


def _is_weak(arg: Any, count: int) -> bool:
    if type(arg) in VARIABLES:
        return False
    if isinstance(arg, (bool, int, float, complex)):
        return True
    if count < 2 or not hasattr(arg, "shape") or tuple(arg.shape) != ():
        return False
    backend = backends.of(arg)
    return backend is not None and backend.is_host and type(arg) is not backend.array_types[0]
