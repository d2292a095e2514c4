"""Element-wise functions without a derivative: comparisons, logic, bits, predicates and rounding.

Their results need no gradient: they are booleans, integers, or piecewise constant. The functions of two
arrays take a Python scalar in place of either, and broadcast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from .._typing import Array
from ..autograd.primitive import PrimitiveFunction, primitive
from ..autograd.variable import Variable
from ._rules import kind

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "ceil",
    "equal",
    "floor",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
    "round",
    "signbit",
    "trunc",
]

P = ParamSpec("P")


def _discrete(forward: Callable[Concatenate[Any, P], Any], /) -> PrimitiveFunction[P, Variable]:
    """Make an element-wise function without a derivative."""
    return primitive(elementwise=True, differentiable=False)(forward)


# -- comparisons -------------------------------------------------------------------------------------


@_discrete
def equal(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Whether corresponding elements are equal; any dtypes.

    >>> import xdbr
    >>> xdbr.equal(xdbr.asarray([1.0, 2.0]), 2)
    Variable([False,  True], dtype=bool)
    """
    return xp.equal(x1, x2)


@_discrete
def not_equal(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Whether corresponding elements differ; any dtypes. A NaN differs from everything.

    >>> import xdbr
    >>> xdbr.not_equal(xdbr.asarray([1.0, 2.0]), 2)
    Variable([ True, False], dtype=bool)
    """
    return xp.not_equal(x1, x2)


@_discrete
def less(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Whether `x1 < x2`; real dtypes.

    >>> import xdbr
    >>> xdbr.less(xdbr.asarray([1.0, 2.0]), 2)
    Variable([ True, False], dtype=bool)
    """
    return xp.less(x1, x2)


@_discrete
def less_equal(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Whether `x1 <= x2`; real dtypes.

    >>> import xdbr
    >>> xdbr.less_equal(xdbr.asarray([1.0, 3.0]), 2)
    Variable([ True, False], dtype=bool)
    """
    return xp.less_equal(x1, x2)


@_discrete
def greater(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Whether `x1 > x2`; real dtypes.

    >>> import xdbr
    >>> xdbr.greater(xdbr.asarray([1.0, 3.0]), 2)
    Variable([False,  True], dtype=bool)
    """
    return xp.greater(x1, x2)


@_discrete
def greater_equal(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Whether `x1 >= x2`; real dtypes.

    >>> import xdbr
    >>> xdbr.greater_equal(xdbr.asarray([1.0, 2.0]), 2)
    Variable([False,  True], dtype=bool)
    """
    return xp.greater_equal(x1, x2)


# -- logic -------------------------------------------------------------------------------------------


@_discrete
def logical_and(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Whether both elements are true; boolean dtype.

    >>> import xdbr
    >>> xdbr.logical_and(xdbr.asarray([True, False]), True)
    Variable([ True, False], dtype=bool)
    """
    return xp.logical_and(x1, x2)


@_discrete
def logical_or(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Whether one element or both are true; boolean dtype.

    >>> import xdbr
    >>> xdbr.logical_or(xdbr.asarray([True, False]), False)
    Variable([ True, False], dtype=bool)
    """
    return xp.logical_or(x1, x2)


@_discrete
def logical_xor(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Whether exactly one of the elements is true; boolean dtype.

    >>> import xdbr
    >>> xdbr.logical_xor(xdbr.asarray([True, False]), True)
    Variable([False,  True], dtype=bool)
    """
    return xp.logical_xor(x1, x2)


@_discrete
def logical_not(xp: Any, x: Array, /) -> Array:
    """Whether each element is false; boolean dtype.

    >>> import xdbr
    >>> xdbr.logical_not(xdbr.asarray([True, False]))
    Variable([False,  True], dtype=bool)
    """
    return xp.logical_not(x)


# -- bits --------------------------------------------------------------------------------------------


@_discrete
def bitwise_and(xp: Any, x1: Array, x2: Array, /) -> Array:
    """The bits that both elements have; integer or boolean dtypes.

    >>> import xdbr
    >>> xdbr.bitwise_and(xdbr.asarray([5, 6]), 3)
    Variable([1, 2], dtype=int64)
    """
    return xp.bitwise_and(x1, x2)


@_discrete
def bitwise_or(xp: Any, x1: Array, x2: Array, /) -> Array:
    """The bits that one element has or both have; integer or boolean dtypes.

    >>> import xdbr
    >>> xdbr.bitwise_or(xdbr.asarray([5, 6]), 3)
    Variable([7, 7], dtype=int64)
    """
    return xp.bitwise_or(x1, x2)


@_discrete
def bitwise_xor(xp: Any, x1: Array, x2: Array, /) -> Array:
    """The bits that exactly one of the elements has; integer or boolean dtypes.

    >>> import xdbr
    >>> xdbr.bitwise_xor(xdbr.asarray([5, 6]), 3)
    Variable([6, 5], dtype=int64)
    """
    return xp.bitwise_xor(x1, x2)


@_discrete
def bitwise_invert(xp: Any, x: Array, /) -> Array:
    """The bits that each element has not; integer or boolean dtypes.

    >>> import xdbr
    >>> xdbr.bitwise_invert(xdbr.asarray([0, 5]))
    Variable([-1, -6], dtype=int64)
    """
    return xp.bitwise_invert(x)


@_discrete
def bitwise_left_shift(xp: Any, x1: Array, x2: Array, /) -> Array:
    """The bits of `x1` moved up by `x2` places, zeros following; integer dtypes.

    >>> import xdbr
    >>> xdbr.bitwise_left_shift(xdbr.asarray([1, 5]), 2)
    Variable([ 4, 20], dtype=int64)
    """
    return xp.bitwise_left_shift(x1, x2)


@_discrete
def bitwise_right_shift(xp: Any, x1: Array, x2: Array, /) -> Array:
    """The bits of `x1` moved down by `x2` places, the sign bit following; integer dtypes.

    >>> import xdbr
    >>> xdbr.bitwise_right_shift(xdbr.asarray([4, -20]), 2)
    Variable([ 1, -5], dtype=int64)
    """
    return xp.bitwise_right_shift(x1, x2)


# -- predicates --------------------------------------------------------------------------------------


@_discrete
def isfinite(xp: Any, x: Array, /) -> Array:
    """Whether each element is neither infinite nor NaN; numeric dtypes.

    >>> import xdbr
    >>> xdbr.isfinite(xdbr.asarray([1.0, float("inf"), float("nan")]))
    Variable([ True, False, False], dtype=bool)
    """
    return xp.isfinite(x)


@_discrete
def isinf(xp: Any, x: Array, /) -> Array:
    """Whether each element is infinite, of a complex one either part; numeric dtypes.

    >>> import xdbr
    >>> xdbr.isinf(xdbr.asarray([1.0, float("inf"), float("nan")]))
    Variable([False,  True, False], dtype=bool)
    """
    return xp.isinf(x)


@_discrete
def isnan(xp: Any, x: Array, /) -> Array:
    """Whether each element is NaN, of a complex one either part; numeric dtypes.

    >>> import xdbr
    >>> xdbr.isnan(xdbr.asarray([1.0, float("inf"), float("nan")]))
    Variable([False, False,  True], dtype=bool)
    """
    return xp.isnan(x)


@_discrete
def signbit(xp: Any, x: Array, /) -> Array:
    """Whether the sign bit of each element is set, as it is in -0.0; real floating-point dtypes.

    >>> import xdbr
    >>> xdbr.signbit(xdbr.asarray([1.0, -0.0]))
    Variable([False,  True], dtype=bool)
    """
    return xp.signbit(x)


# -- rounding ----------------------------------------------------------------------------------------


def _rounding(function: str, xp: Any, x: Array) -> Array:
    """Round, but leave integers as they are: some libraries make them floating-point."""
    return x if kind(x.dtype) in "iu" else getattr(xp, function)(x)


@_discrete
def ceil(xp: Any, x: Array, /) -> Array:
    """The least integer not below each element, in its own dtype; real dtypes.

    Piecewise constant: the result needs no gradient.

    >>> import xdbr
    >>> xdbr.ceil(xdbr.asarray([-0.5, 0.5]))
    Variable([-0.,  1.], dtype=float32)
    """
    return _rounding("ceil", xp, x)


@_discrete
def floor(xp: Any, x: Array, /) -> Array:
    """The greatest integer not above each element, in its own dtype; real dtypes.

    Piecewise constant: the result needs no gradient.

    >>> import xdbr
    >>> xdbr.floor(xdbr.asarray([-0.5, 0.5]))
    Variable([-1.,  0.], dtype=float32)
    """
    return _rounding("floor", xp, x)


@_discrete
def trunc(xp: Any, x: Array, /) -> Array:
    """Each element without what follows the point, in its own dtype; real dtypes.

    Piecewise constant: the result needs no gradient.

    >>> import xdbr
    >>> xdbr.trunc(xdbr.asarray([-1.5, 1.5]))
    Variable([-1.,  1.], dtype=float32)
    """
    return _rounding("trunc", xp, x)


@_discrete
def round(xp: Any, x: Array, /) -> Array:
    """The integer nearest to each element, the even one of two, in its own dtype; numeric dtypes, complex by parts.

    Piecewise constant: the result needs no gradient.

    >>> import xdbr
    >>> xdbr.round(xdbr.asarray([0.5, 1.5, -1.2]))
    Variable([ 0.,  2., -1.], dtype=float32)
    """
    return _rounding("round", xp, x)
