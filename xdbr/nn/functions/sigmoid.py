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
    small = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1, small) / (1 + small)


sigmoid.vjp(lambda xp, g, out: g * (out * (1 - out)))
