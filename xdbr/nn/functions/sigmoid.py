"""The logistic function."""

from __future__ import annotations

from typing import Any

from ..._typing import Array
from ...autograd.primitive import primitive

__all__ = ["sigmoid"]


@primitive(elementwise=True, floating=True)
def sigmoid(xp: Any, x: Array, /) -> Array:
    """Logistic function of each element: `1 / (1 + exp(-x))`.

    Accurate at both ends: nothing overflows, and small results keep their relative precision.

    >>> import xdbr
    >>> import xdbr.nn.functions as F
    >>> F.sigmoid(xdbr.asarray([-1000.0, 0.0, 1000.0]))
    Variable([0. , 0.5, 1. ], dtype=float32)
    """
    # exp(min(x, 0)) is the numerator for both signs: 1 or exp(x). A `where` would take longer than the second exp.
    return xp.exp(xp.minimum(x, 0)) / (1 + xp.exp(-xp.abs(x)))


sigmoid.vjp(lambda xp, g, out: g * (out * (1 - out)))
