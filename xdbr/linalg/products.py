"""Diagonals, traces, and outer and cross products, each with its gradient rule beside it."""

from __future__ import annotations

from typing import Any

from .._errors import ShapeError
from .._typing import Array, Dtype, Shape
from ..array_api._arguments import LIBRARY_ERRORS, explained
from ..array_api._rules import resolve_dtype
from ..autograd.primitive import composite, primitive
from ..autograd.variable import Variable
from ..backends import place_of

__all__ = ["cross", "diagonal", "outer", "trace"]


def _diagonal_slice(shape: Shape, offset: int) -> slice:
    """Give where a diagonal of (..., m, n) lies on the last axis of (..., m * n)."""
    m, n = shape[-2], shape[-1]
    length = max(0, min(m, n - offset) if offset >= 0 else min(m + offset, n))
    start = offset if offset >= 0 else -offset * n
    return slice(start, start + length * (n + 1) - n, n + 1) if length else slice(0, 0, 1)


@primitive(name="linalg.diagonal", arrays=1)
def diagonal(xp: Any, x: Array, /, *, offset: int = 0) -> Array:
    """Diagonal of each matrix; shape (..., m, n) to (..., k).

    offset: which diagonal: 0 the main one, positive above it, negative below it.

    Raises `ShapeError` for fewer than two axes.

    >>> import xdbr
    >>> xdbr.linalg.diagonal(xdbr.asarray([[1, 2], [3, 4]]))
    Variable([1, 4], dtype=int64)
    """
    if len(x.shape) < 2:
        raise ShapeError(f"linalg.diagonal: x must have at least two axes; got shape {tuple(x.shape)}")
    return xp.linalg.diagonal(x, offset=offset)


def _diagonal_rule(xp: Any, g: Array, x_shape: Shape, offset: int) -> Array:
    shape = tuple(x_shape)
    flat = xp.zeros((*shape[:-2], shape[-2] * shape[-1]), dtype=g.dtype, device=place_of(g))
    return xp.reshape(xp.extras.index_add(flat, g, key=(..., _diagonal_slice(shape, offset))), shape)


diagonal.vjp(_diagonal_rule)


@primitive(name="linalg.trace", arrays=1)
def _trace(xp: Any, x: Array, /, *, offset: int = 0, dtype: Any = None) -> Array:
    if len(x.shape) < 2:
        raise ShapeError(f"linalg.trace: x must have at least two axes; got shape {tuple(x.shape)}")
    return xp.sum(xp.linalg.diagonal(x, offset=offset), axis=-1, dtype=dtype)


def _trace_rule(xp: Any, g: Array, x_shape: Shape, offset: int) -> Array:
    m, n = x_shape[-2], x_shape[-1]
    return g[..., None, None] * xp.eye(m, n, k=offset, dtype=g.dtype, device=place_of(g))


_trace.vjp(_trace_rule)


def trace(x: Any, /, *, offset: int = 0, dtype: Dtype = None) -> Variable:
    """Sum over a diagonal of each matrix; shape (..., m, n) to (...).

    offset: which diagonal, as for `diagonal`.
    dtype: that of the sum; by default x's own, and for integers at least the default integer dtype.

    Raises `ShapeError` for fewer than two axes.

    >>> import xdbr
    >>> xdbr.linalg.trace(xdbr.asarray([[1.0, 2.0], [3.0, 4.0]]))
    Variable(5., dtype=float32)
    """
    if dtype is not None:
        x, dtype = resolve_dtype("linalg.trace", x, dtype)
    return _trace(x, offset=offset, dtype=dtype)


@composite(name="linalg.outer")
def outer(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Outer product of two vectors; shapes (m,) and (n,) to (m, n).

    Raises `ShapeError` for other shapes.

    >>> import xdbr
    >>> xdbr.linalg.outer(xdbr.asarray([1, 2]), xdbr.asarray([3, 4]))
    Variable([[3, 4],
              [6, 8]], dtype=int64)
    """
    for name, x in (("x1", x1), ("x2", x2)):
        if len(x.shape) != 1:
            raise ShapeError(f"linalg.outer: {name} must have one axis; got shape {tuple(x.shape)}")
    return x1[:, None] * x2[None, :]


@primitive(name="linalg.cross", arrays=2, holomorphic=True)
def _cross(xp: Any, x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    return xp.linalg.cross(x1, x2, axis=axis)


_cross.vjp(
    lambda xp, g, x2, axis: xp.linalg.cross(x2, g, axis=axis),
    lambda xp, g, x1, axis: xp.linalg.cross(g, x1, axis=axis),
)


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Variable:
    """Cross product of vectors of three elements.

    x1, x2: of length 3 along `axis`, the other axes broadcast.
    axis: negative, counted from the last.

    Raises `ShapeError` where the shapes do not fit.

    >>> import xdbr
    >>> xdbr.linalg.cross(xdbr.asarray([1.0, 0.0, 0.0]), xdbr.asarray([0.0, 1.0, 0.0]))
    Variable([0., 0., 1.], dtype=float32)
    """
    try:
        return _cross.primitive.apply((x1, x2), {"axis": axis})  # type: ignore[no-any-return]
    except LIBRARY_ERRORS as error:
        raise explained("linalg.cross", error, x1, x2) from error
