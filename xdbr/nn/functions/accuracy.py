"""The accuracy of a classification."""

from __future__ import annotations

from typing import Any

from ..._typing import Array
from ...autograd.primitive import primitive
from ...autograd.variable import Variable
from ._arguments import as_variable, check_labels, labels_like

__all__ = ["accuracy"]


@primitive(name="accuracy", arrays=2, differentiable=False)
def _accuracy(xp: Any, y: Array, t: Array, /, *, ignore_label: int | None = None) -> Array:
    right = xp.argmax(y, axis=1) == xp.astype(t, xp.int64, copy=False)
    if ignore_label is None:
        return xp.mean(xp.astype(right, y.dtype))
    counted = t != ignore_label
    count = xp.sum(xp.astype(counted, y.dtype))
    hits = xp.sum(xp.astype(xp.logical_and(right, counted), y.dtype))
    return hits / xp.where(count > 0, count, 1)


def accuracy(y: Any, t: Any, ignore_label: int | None = None) -> Variable:
    """Share of the examples whose highest score is that of their label: a 0-d Variable of y's dtype without gradient.

    y: scores of shape (N, C, ...), the classes along axis 1.
    t: integer labels of shape (N, ...).
    ignore_label: examples with this label do not count; where all have it the result is 0.

    Raises `ShapeError`, `DtypeError`, `DeviceError`, or `LabelError` for a label out of range.

    >>> import xdbr
    >>> import xdbr.nn.functions as F
    >>> F.accuracy(xdbr.asarray([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]), xdbr.asarray([0, 1, 0])).item()
    0.6666666865348816
    """
    y = as_variable("accuracy", "y", y)
    t = labels_like("accuracy", y, t)
    check_labels("accuracy", t, y.shape[1], ignore_label)
    return _accuracy.primitive.apply((y, t), {"ignore_label": ignore_label})  # type: ignore[no-any-return]
