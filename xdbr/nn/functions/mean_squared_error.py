"""The mean squared error."""

from __future__ import annotations

from typing import Any

from ... import array_api
from ..._errors import ShapeError
from ...autograd.primitive import composite
from ...autograd.variable import Variable
from ._arguments import as_variable, called, same_device, same_dtype

__all__ = ["mean_squared_error"]


def mean_squared_error(x0: Any, x1: Any) -> Variable:
    """Mean of the squared differences over all elements: a 0-d Variable, differentiable in both.

    x0, x1: of one shape and floating-point dtype; they do not broadcast, because a (N,) against a (N, 1) is nearly
        always a mistake.

    Raises `ShapeError`, `DtypeError` or `DeviceError`.

    >>> import xdbr
    >>> import xdbr.nn.functions as F
    >>> F.mean_squared_error(xdbr.asarray([1.0, 2.0]), xdbr.asarray([1.0, 4.0])).item()
    2.0
    """
    if isinstance(x1, (list, tuple, float)) and hasattr(x0, "dtype"):
        x1 = array_api.asarray(x1, device=as_variable("mean_squared_error", "x0", x0).device, dtype=x0.dtype)
    x0, x1 = as_variable("mean_squared_error", "x0", x0), as_variable("mean_squared_error", "x1", x1)
    if x0.shape != x1.shape:
        both = f"{called('x0', x0)} and {called('x1', x1)}"
        raise ShapeError(f"mean_squared_error: {both} must have one shape; got {x0.shape} and {x1.shape}")
    same_dtype("mean_squared_error", "x0", x0, "x1", x1)
    same_device("mean_squared_error", "x0", x0, "x1", x1)
    return _mean_squared_error(x0, x1)


@composite(name="mean_squared_error")
def _mean_squared_error(xp: Any, x0: Any, x1: Any, /) -> Any:
    difference = x0 - x1
    return xp.mean(difference * difference)
