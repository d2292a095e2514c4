"""Dropout."""

from __future__ import annotations

from typing import Any

from ... import array_api
from ..._config import is_training
from ..._errors import ShapeError
from ._arguments import as_variable, same_device

__all__ = ["dropout"]


def dropout(x: Any, ratio: float = 0.5, *, mask: Any = None, return_mask: bool = False, rng: Any = None) -> Any:
    """Drop each element with probability `ratio` and scale the others by `1 / (1 - ratio)`; in training alone.

    Under `xdbr.train_mode(False)` the result is `x` itself.
    ratio: within [0, 1).
    mask: use these factors, of x's shape, instead of drawing them.
    return_mask: give the pair of the result and the factors (`None` in evaluation).
    rng: an `xdbr.random.Generator` to draw from; the default one of x's device where it is `None`.

    Raises `ValueError` for a ratio out of range and `ShapeError` for a mask of another shape.
    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    >>> import xdbr
    >>> import xdbr.nn.functions as F
    >>> y = F.dropout(xdbr.ones(1000), ratio=0.75)
    >>> sorted({*y.tolist()})
    [0.0, 4.0]
    >>> with xdbr.train_mode(False):
    ...     F.dropout(xdbr.ones(2), ratio=0.75)
    Variable([1., 1.], dtype=float32)
    """
    if not 0 <= ratio < 1:
        raise ValueError(f"dropout: ratio must be within [0, 1); got {ratio!r}")
    x = as_variable("dropout", "x", x)
    if not is_training():
        return (x, None) if return_mask else x
    if mask is not None:
        mask = as_variable("dropout", "mask", mask)
        if mask.shape != x.shape:
            raise ShapeError(f"dropout: mask must have x's shape {x.shape}; got {mask.shape}")
        same_device("dropout", "x", x, "mask", mask)
    elif ratio == 0 and not return_mask:
        return x
    else:
        if rng is None:
            from ... import random

            rng = random.default_generator(x.device)
        kept = array_api.to_device(rng.bernoulli(1 - ratio, x.shape), x.device)
        mask = array_api.astype(kept, x.dtype) * (1 / (1 - ratio))
    y = x * mask
    return (y, mask) if return_mask else y
