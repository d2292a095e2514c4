"""Images with labels, in the forms that data sets of images share."""

from __future__ import annotations

from typing import Any

from ..._config import get_default_dtype
from ...autograd.variable import Variable
from .._errors import DataError
from .tuple import TupleDataset

__all__ = ["as_examples"]


def as_examples(
    function: str, images: Variable, labels: Variable, white: float, *, ndim: int, scale: float, dtype: Any
) -> TupleDataset:
    """Make a data set of images from 0 to `scale`, where `images` are from 0 to `white`, and int64 labels."""
    n, height, width = images.shape
    shapes = {1: (n, height * width), 2: (n, height, width), 3: (n, 1, height, width)}
    if ndim not in shapes:
        raise DataError(f"{function}: ndim must be 1, 2 or 3, the axes of one image; got {ndim!r}")
    floats = (images.astype(dtype or get_default_dtype()) / white).reshape(shapes[ndim])
    return TupleDataset(floats if scale == 1 else floats * scale, labels.astype("int64"))
