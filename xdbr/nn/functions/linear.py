"""The linear (affine) map of a fully connected layer."""

from __future__ import annotations

import math
from typing import Any

from ..._errors import ShapeError
from ..._typing import Array
from ...array_api import reshape
from ...autograd.primitive import primitive
from ...autograd.variable import Variable
from ._arguments import as_variable, called, same_device, same_dtype

__all__ = ["feature_count", "linear"]


# One node for what would be three (transpose, product, sum): it saves a pass over the output and a view,
# and keeps W or x only where the other one needs gradient.
@primitive(name="linear")
def _affine(xp: Any, x: Array, W: Array, b: Array | None, /) -> Array:
    y = xp.matmul(x, xp.matrix_transpose(W))
    if b is not None:
        y += b
    return y


_affine.vjp(
    lambda xp, g, W: xp.matmul(g, W),
    lambda xp, g, x: xp.matmul(xp.matrix_transpose(g), x),
    lambda xp, g: g,
)


def feature_count(function: str, x: Variable, n_batch_axes: int) -> int:
    """Give how many features an example has. Raises `ShapeError` where `x` has no axis for them."""
    if not 1 <= n_batch_axes < max(x.ndim, 1):
        raise ShapeError(
            f"{function}: x must have n_batch_axes={n_batch_axes} axes for examples and at least one for features; "
            f"got shape {x.shape}" + ("; give one example as x[None]" if x.ndim == 1 else "")
        )
    return math.prod(x.shape[n_batch_axes:])


def linear(x: Any, W: Any, b: Any = None, n_batch_axes: int = 1) -> Variable:
    """Linear map of each example: `x @ W.T + b`.

    x: shape (N, in); of more axes, those after the first `n_batch_axes` are read as one of length `in`.
    W: shape (out, in).
    b: shape (out,), or `None`.
    The result has the batch axes of `x` and then one of length `out`.

    Raises `ShapeError`, `DtypeError` or `DeviceError`, which name the parameters, where they do not fit.

    >>> import xdbr
    >>> import xdbr.nn.functions as F
    >>> F.linear(xdbr.ones((1, 3)), xdbr.ones((2, 3)), xdbr.asarray([0.5, -0.5]))
    Variable([[3.5, 2.5]], dtype=float32)
    """
    x, W = as_variable("linear", "x", x), as_variable("linear", "W", W)
    x_shape, W_shape = x.shape, W.shape
    if len(W_shape) != 2:
        raise ShapeError(f"linear: {called('W', W)} must have the shape (out, in); got {W_shape}")
    if (len(x_shape) != 2 or n_batch_axes != 1) and feature_count("linear", x, n_batch_axes) == W_shape[1]:
        flat = reshape(x, (math.prod(x_shape[:n_batch_axes]), W_shape[1]))
        return reshape(linear(flat, W, b), (*x_shape[:n_batch_axes], W_shape[0]))
    if len(x_shape) != 2 or x_shape[1] != W_shape[1]:
        features = math.prod(x_shape[n_batch_axes:])
        raise ShapeError(
            f"linear: x of shape {x_shape} has {features} features per example, but {called('W', W)} of shape "
            f"{W_shape} takes {W_shape[1]}"
        )
    same_dtype("linear", "x", x, "W", W)
    same_device("linear", "x", x, "W", W)
    if b is not None:
        b = as_variable("linear", "b", b)
        if b.shape != W_shape[:1]:
            raise ShapeError(
                f"linear: {called('b', b)} must have the shape {W_shape[:1]} that goes with {called('W', W)} of shape "
                f"{W_shape}; got {b.shape}"
            )
        same_dtype("linear", "b", b, "W", W)
        same_device("linear", "W", W, "b", b)
    return _affine.primitive.apply((x, W, b), {})  # type: ignore[no-any-return]
