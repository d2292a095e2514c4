"""Sets of elements: unique values, and membership."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._typing import Array
from ..autograd.primitive import primitive
from ..autograd.variable import VARIABLES, Variable
from ._arguments import LIBRARY_ERRORS, explained
from .indexing import take
from .manipulation import reshape

__all__ = ["isin", "unique_all", "unique_counts", "unique_inverse", "unique_values"]


class UniqueAll(NamedTuple):
    """What `unique_all` gives."""

    values: Variable
    indices: Variable
    inverse_indices: Variable
    counts: Variable


class UniqueCounts(NamedTuple):
    """What `unique_counts` gives."""

    values: Variable
    counts: Variable


class UniqueInverse(NamedTuple):
    """What `unique_inverse` gives."""

    values: Variable
    inverse_indices: Variable


@primitive(differentiable=False)
def isin(xp: Any, x1: Any, x2: Any, /, *, invert: bool = False) -> Array:
    """Tell for each element of `x1` whether it equals an element of `x2` (or none, with `invert`).

    x1, x2: arrays or, one of them, a number. The result is Boolean and has x1's shape.

    >>> import xdbr
    >>> xdbr.isin(xdbr.asarray([1, 2, 3]), xdbr.asarray([3, 1]))
    Variable([ True, False,  True], dtype=bool)
    """
    try:
        found = xp.isin(x1, x2)
    except LIBRARY_ERRORS as error:
        raise explained("isin", error, x1, x2) from error
    return xp.logical_not(found) if invert else found


# The values have a derivative, the indices and counts beside them have none: the primitives have
# none, and the functions take the values from x again where it needs gradient.


@primitive(name="unique_all", differentiable=False, outputs=4)
def _unique_all(xp: Any, x: Array, /) -> Any:
    return xp.unique_all(x)


@primitive(name="unique_counts", differentiable=False, outputs=2)
def _unique_counts(xp: Any, x: Array, /) -> Any:
    return xp.unique_counts(x)


@primitive(name="unique_inverse", differentiable=False, outputs=2)
def _unique_inverse(xp: Any, x: Array, /) -> Any:
    return xp.unique_inverse(x)


@primitive(name="unique_values", differentiable=False)
def _unique_values(xp: Any, x: Array, /) -> Any:
    return xp.unique_values(x)


def unique_all(x: Any, /) -> UniqueAll:
    """Give the unique elements, where they come from, where each element of `x` is among them, and their counts.

    values: shape (n,), x's dtype, in ascending order on the backends of xdbr itself; differentiable. NaN equals
        nothing, not even NaN; zeros of both signs are one. The gradient goes to the element that `indices` names.
    indices: shape (n,), where each comes first in the flattened `x`; inverse_indices: x's shape; counts:
        shape (n,), how often each comes; all in the default integer dtype.

    The shapes depend on values: on a GPU that waits for them.

    >>> import xdbr
    >>> xdbr.unique_all(xdbr.asarray([7, 5, 7])).counts
    Variable([1, 2], dtype=int64)
    """
    values, indices, inverse_indices, counts = _unique_all(x)
    if type(x) in VARIABLES and x.requires_grad:
        values = take(reshape(x, (-1,)), indices)
    return UniqueAll(values, indices, inverse_indices, counts)


def unique_counts(x: Any, /) -> UniqueCounts:
    """Give the unique elements and how often each comes, in the fields that `unique_all` has.

    >>> import xdbr
    >>> xdbr.unique_counts(xdbr.asarray([7, 5, 7])).values
    Variable([5, 7], dtype=int64)
    """
    if type(x) in VARIABLES and x.requires_grad:
        found = unique_all(x)
        return UniqueCounts(found.values, found.counts)
    return UniqueCounts(*_unique_counts(x))


def unique_inverse(x: Any, /) -> UniqueInverse:
    """Give the unique elements and where each element of `x` is among them, in the fields that `unique_all` has.

    >>> import xdbr
    >>> xdbr.unique_inverse(xdbr.asarray([7, 5, 7])).inverse_indices
    Variable([1, 0, 1], dtype=int64)
    """
    if type(x) in VARIABLES and x.requires_grad:
        found = unique_all(x)
        return UniqueInverse(found.values, found.inverse_indices)
    return UniqueInverse(*_unique_inverse(x))


def unique_values(x: Any, /) -> Variable:
    """Give the unique elements: `values` as for `unique_all`.

    >>> import xdbr
    >>> xdbr.sort(xdbr.unique_values(xdbr.asarray([7, 5, 7])))
    Variable([5, 7], dtype=int64)
    """
    if type(x) in VARIABLES and x.requires_grad:
        return unique_all(x).values
    return _unique_values(x)
