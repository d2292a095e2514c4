"""The rectified linear unit."""

from __future__ import annotations

from typing import Any

from ..._typing import Array
from ...autograd.primitive import elementwise

__all__ = ["relu"]


@elementwise
def relu(xp: Any, x: Array, /) -> Array:
    """Rectified linear unit of each element: `max(x, 0)`.

    Its derivative at 0 is taken to be 0; where `x` is not positive the gradient is zero, however great it is above.

    >>> import xdbr
    >>> import xdbr.nn.functions as F
    >>> F.relu(xdbr.asarray([-1.0, 0.0, 2.0]))
    Variable([0., 0., 2.], dtype=float32)
    """
    return xp.maximum(x, 0)


relu.vjp(lambda xp, g, out: xp.extras.keep(g, out > 0))
