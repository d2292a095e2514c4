"""Embedding: rows of a table by their numbers."""

from __future__ import annotations

from typing import Any

from ... import array_api
from ..._errors import DtypeError, ShapeError
from ..._typing import Array
from ...autograd.primitive import composite
from ...autograd.variable import Variable
from ._arguments import as_variable, called, check_labels, same_device

__all__ = ["embed_id"]


def embed_id(x: Any, W: Any, ignore_label: int | None = None) -> Variable:
    """Row `x[i]` of a table `W` for each element of `x`.

    x: integers of any shape, each a row number of `W` or `ignore_label`.
    W: shape (rows, size).
    ignore_label: where `x` is this number the result is zero, and no gradient flows.
    The result has the shape `x.shape + (size,)`.

    Raises `LabelError`, which names one, for numbers out of range; `DtypeError` where `x` has no integer dtype;
    `ShapeError`; `DeviceError`.

    >>> import xdbr
    >>> import xdbr.nn.functions as F
    >>> W = xdbr.asarray([[0.0, 1.0], [10.0, 11.0], [20.0, 21.0]])
    >>> F.embed_id(xdbr.asarray([2, 0, -1]), W, ignore_label=-1)
    Variable([[20., 21.],
              [ 0.,  1.],
              [ 0.,  0.]], dtype=float32)
    """
    W = as_variable("embed_id", "W", W)
    if W.ndim != 2:
        raise ShapeError(f"embed_id: {called('W', W)} must have the shape (rows, size); got {W.shape}")
    if isinstance(x, (list, tuple, int)):
        x = array_api.asarray(x, device=W.device)
    x = as_variable("embed_id", "x", x)
    if x.dtype.kind not in "iu":
        raise DtypeError(
            f"embed_id: x must be integers, the numbers of rows of {called('W', W)}; got dtype {x.dtype}; "
            "convert them, for example x.astype('int64')"
        )
    same_device("embed_id", "x", x, "W", W)
    keep = None
    if check_labels("embed_id", x, W.shape[0], ignore_label, "x", "rows"):
        keep = x != ignore_label
        x = array_api.where(keep, x, 0)
    made: Variable = _embed_id(x, W, keep)
    return made


@composite(name="embed_id")
def _embed_id(xp: Any, x: Array, W: Array, keep: Array | None, /) -> Any:
    rows = xp.take(W, xp.reshape(x, (-1,)), axis=0)
    y = xp.reshape(rows, (*x.shape, W.shape[1]))
    return y if keep is None else xp.where(xp.expand_dims(keep, axis=-1), y, 0)
