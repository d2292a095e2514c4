"""Softmax and its logarithm."""

from __future__ import annotations

from typing import Any

from ..._typing import Array
from ...array_api._arguments import one_axis
from ...autograd.primitive import primitive

__all__ = ["log_softmax", "softmax"]


@primitive(arrays=1)
def softmax(xp: Any, x: Array, /, *, axis: int = 1) -> Array:
    """Softmax along an axis: `exp(x) / sum(exp(x))`, positive numbers that add up to 1.

    axis: that of the classes.

    The largest element is taken from all first, so nothing overflows. Raises `AxisError`.

    >>> import xdbr
    >>> import xdbr.nn.functions as F
    >>> F.softmax(xdbr.asarray([[0.0, 1000.0], [3.0, 3.0]]))
    Variable([[0. , 1. ],
              [0.5, 0.5]], dtype=float32)
    """
    axis = one_axis("softmax", axis, len(x.shape))
    if 0 in x.shape:
        return xp.positive(x)
    y = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return y / xp.sum(y, axis=axis, keepdims=True)


softmax.vjp(lambda xp, g, out, axis: out * (g - xp.sum(out * g, axis=axis, keepdims=True)))


@primitive(arrays=1)
def log_softmax(xp: Any, x: Array, /, *, axis: int = 1) -> Array:
    """Logarithm of the softmax along an axis, accurate where the softmax itself would round to 0.

    axis: that of the classes. Raises `AxisError`.

    >>> import xdbr
    >>> import xdbr.nn.functions as F
    >>> F.log_softmax(xdbr.asarray([[0.0, 1000.0]]))
    Variable([[-1000.,     0.]], dtype=float32)
    """
    return raw_log_softmax(xp, x, one_axis("log_softmax", axis, len(x.shape)))


def raw_log_softmax(xp: Any, x: Array, axis: int) -> Array:
    """Give the logarithm of the softmax along an axis that is in range."""
    if 0 in x.shape:
        return xp.positive(x)
    x = x - xp.max(x, axis=axis, keepdims=True)
    return x - xp.log(xp.sum(xp.exp(x), axis=axis, keepdims=True))


log_softmax.vjp(lambda xp, g, out, axis: g - xp.exp(out) * xp.sum(g, axis=axis, keepdims=True))
