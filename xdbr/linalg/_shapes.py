"""What the functions of linear algebra ask of their arguments."""

from __future__ import annotations

from typing import Any

from .._errors import ShapeError
from .._typing import Array
from ..array_api._rules import floating

__all__ = ["matrices", "square"]


def matrices(function: str, xp: Any, x: Array) -> Array:
    """Give `x` in a floating-point dtype. Raises `ShapeError` unless it has at least two axes."""
    if len(x.shape) < 2:
        raise ShapeError(f"{function}: x must have at least two axes; got shape {tuple(x.shape)}")
    return floating(xp, x)


def square(function: str, xp: Any, x: Array) -> Array:
    """Give `x` in a floating-point dtype. Raises `ShapeError` unless it is a stack of square matrices."""
    if len(x.shape) < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{function}: x must be of square matrices, shape (..., n, n); got shape {tuple(x.shape)}")
    return floating(xp, x)
