"""Norms of vectors and matrices, each with its gradient rule beside it."""

from __future__ import annotations

import math
from typing import Any

from .._typing import Array, Axis
from ..array_api._arguments import LIBRARY_ERRORS, explained, number
from ..array_api._rules import floating, spread
from ..autograd.primitive import composite, primitive
from ..autograd.variable import Variable
from ._shapes import matrices

__all__ = ["matrix_norm", "vector_norm"]


@primitive(name="linalg.vector_norm", arrays=1)
def _vector_norm(xp: Any, x: Array, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Array:
    return xp.linalg.vector_norm(floating(xp, x), axis=axis, keepdims=keepdims, ord=ord)


def _vector_norm_rule(xp: Any, g: Array, x: Array, out: Array, axis: Axis, keepdims: bool, ord: float) -> Array | None:
    if ord == 0:
        return None  # a count is constant
    shape = tuple(x.shape)
    g, out = spread(xp, g, shape, axis, keepdims), spread(xp, out, shape, axis, keepdims)
    if ord == 1:
        return g * xp.sign(x)
    if ord == 2:
        return xp.extras.kink(out, x * g)  # that of half the square; see `_length`
    size = xp.abs(x)
    if ord in (math.inf, -math.inf):
        hits = xp.astype(size == out, g.dtype)
        count = xp.sum(hits, axis=axis, keepdims=True)
        return xp.sign(x) * (g / xp.where(count == 0, xp.ones_like(count), count) * hits)
    # At zero, a kink or a pole of the power, the gradient is zero.
    zero = (size == 0) | (out == 0)
    ratio = xp.where(zero, xp.ones_like(size), size) / xp.where(out == 0, xp.ones_like(out), out)
    return xp.sign(x) * (g * xp.where(zero, xp.zeros_like(size), ratio ** (ord - 1)))


_vector_norm.vjp(_vector_norm_rule)


@primitive(name="linalg._length", elementwise=True)
def _length(xp: Any, x: Array, /) -> Array:
    """Give norms whose rule so far is that of half their squares, which have no kink, with the rule of norms.

    It is element-wise, so below a selection it absorbs what is infinite at the zero vector.
    """
    return xp.positive(x)


_length.vjp(lambda xp, g, out: g / out)


def vector_norm(x: Any, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Variable:
    """Norm of the vectors along one axis, several, or all (`None`): `sum(abs(x) ** ord) ** (1 / ord)`; real.

    keepdims: keep the reduced axes with length one.
    ord: any number; infinity gives the greatest and minus infinity the least absolute value, 0 the number of
        elements that are not zero.

    At kinks the gradient is that of the middle: zero at the zero vector and, for other `ord` than 2, at zero elements
    (also below 1, where it is infinite on both sides, as in PyTorch); shared evenly by equal greatest (least) ones. Its
    own derivative is NaN or infinite at the zero vector for `ord` 2, as in PyTorch, and zero at the others.
    Raises `AxisError` for an axis out of range.

    >>> import xdbr
    >>> xdbr.linalg.vector_norm(xdbr.asarray([3.0, 4.0]))
    Variable(5., dtype=float32)
    """
    ord = number("linalg.vector_norm", "ord", ord)
    try:
        if isinstance(axis, list):
            axis = tuple(axis)
        found = _vector_norm.primitive.apply((x,), {"axis": axis, "keepdims": keepdims, "ord": ord})
    except LIBRARY_ERRORS as error:
        raise explained("linalg.vector_norm", error, x, axis=axis) from error
    return _length(found) if ord == 2 and found.requires_grad and 0 not in x.shape else found


@composite(name="linalg.matrix_norm")
def matrix_norm(xp: Any, x: Array, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:
    """Norm of each matrix; shape (..., m, n) to (...), real.

    keepdims: keep the two axes with length one.
    ord: "fro" (or None): the root of the sum of squares; "nuc": the sum of the singular values; 2 and -2:
        the greatest and the least of them; 1 and -1: the greatest and the least sum of absolute values of
        a column; infinity and minus infinity: of a row.

    The gradient at kinks is that of the parts: `vector_norm`, `svdvals`, `max`. Raises `ShapeError` for fewer
    than two axes and `ValueError` for another `ord`.

    >>> import xdbr
    >>> xdbr.linalg.matrix_norm(xdbr.asarray([[1.0, -2.0], [3.0, 4.0]]), ord=1)
    Variable(6., dtype=float32)
    """
    x = matrices("linalg.matrix_norm", xp, x)
    if ord in ("fro", None):
        return xp.linalg.vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord in ("nuc", 2, -2):
        made = xp.linalg.svdvals(x)
        made = xp.sum(made, axis=-1) if ord == "nuc" else xp.max(made, axis=-1) if ord == 2 else xp.min(made, axis=-1)
    elif ord in (1, -1, math.inf, -math.inf):
        made = xp.sum(xp.abs(x), axis=-2 if abs(ord) == 1 else -1)
        made = xp.max(made, axis=-1) if ord > 0 else xp.min(made, axis=-1)
    else:
        raise ValueError(
            f"linalg.matrix_norm: ord must be 'fro', 'nuc', 1, 2, inf or the negative of these; got {ord!r}"
        )
    return made[..., None, None] if keepdims else made
