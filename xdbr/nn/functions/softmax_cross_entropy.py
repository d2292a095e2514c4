"""The softmax cross entropy."""

from __future__ import annotations

from typing import Any, Literal

from ... import array_api
from ..._errors import DtypeError, ShapeError
from ..._typing import Array
from ...autograd.primitive import primitive
from ...autograd.variable import Variable
from ._arguments import as_variable, check_labels, labels_like, same_device, same_dtype
from .softmax import raw_log_softmax

__all__ = ["softmax_cross_entropy"]


# Softmax, logarithm and selection in one node, because the gradient of the three together is
# softmax - onehot, where that of the parts would cancel large numbers. `places` are the row-major positions of the
# labels in x; a row whose `keep` is false has no loss and no gradient, whatever stands in it.
@primitive(name="softmax_cross_entropy", arrays=3, outputs=2, joint=True)
def _losses(xp: Any, x: Array, places: Array, keep: Array | None, /) -> tuple[Array, Array]:
    log_p = raw_log_softmax(xp, x, 1)
    loss = -xp.take(xp.reshape(log_p, (-1,)), places, axis=0)
    return (loss if keep is None else xp.where(keep, loss, 0)), log_p


def _losses_rule(
    xp: Any, g: list[Any], needs: list[bool], out: tuple[Array, Array], places: Array, keep: Array | None
) -> list[Any]:
    # The second output is there to be kept: a cotangent for it comes only from this rule's own derivative.
    g_loss, g_log_p = g
    log_p = out[1]
    p = xp.exp(log_p)
    gx = None
    if g_loss is not None:
        if keep is not None:
            g_loss = xp.where(keep, g_loss, 0)
        gx = p * xp.expand_dims(g_loss, axis=1)
        flat = xp.extras.index_add(xp.reshape(gx, (-1,)), -g_loss, key=(places,))
        gx = xp.reshape(flat, p.shape)
        if keep is not None:
            gx = xp.where(xp.expand_dims(keep, axis=1), gx, 0)
    if g_log_p is not None:
        more = g_log_p - p * xp.sum(g_log_p, axis=1, keepdims=True)
        gx = more if gx is None else gx + more
    return [gx, None, None]


_losses.vjp_joint(_losses_rule)


def softmax_cross_entropy(
    x: Any,
    t: Any,
    *,
    normalize: bool = True,
    class_weight: Any = None,
    ignore_label: int | None = -1,
    reduce: Literal["mean", "no"] = "mean",
) -> Variable:
    """Cross entropy of the softmax of scores against labels: `-log(softmax(x)[label])`.

    x: scores of shape (N, C, ...), the classes along axis 1.
    t: integer labels of shape (N, ...), from 0 to C - 1.
    normalize: divide the sum by the number of labels that are not ignored; else by N.
    class_weight: shape (C,); the loss of each element is multiplied by the weight of its class. (As in Chainer, the
        divisor of the mean does not know of the weights; PyTorch divides by their sum.)
    ignore_label: elements with this label have loss and gradient zero; `None` ignores nothing.
    reduce: "mean" gives a 0-d Variable, "no" the loss of each element, in the shape of `t`.

    Raises `LabelError`, which names one, for labels out of range; `DtypeError` for labels that are no integers;
    `ShapeError`; `DeviceError`; `ValueError` for an unknown `reduce`.

    >>> import xdbr
    >>> import xdbr.nn.functions as F
    >>> x = xdbr.Variable([[2.0, 0.0], [0.0, 2.0]], requires_grad=True)
    >>> loss = F.softmax_cross_entropy(x, [0, 1])
    >>> round(loss.item(), 4)
    0.1269
    """
    name = "softmax_cross_entropy"
    if reduce not in ("mean", "no"):
        raise ValueError(f"{name}: reduce must be 'mean' or 'no'; got {reduce!r}")
    x = as_variable(name, "x", x)
    if x.dtype.kind not in "fV":
        raise DtypeError(f"{name}: x must have a real floating-point dtype; got {x.dtype}")
    t = labels_like(name, x, t)
    shape, classes = t.shape, x.shape[1]
    ignoring = check_labels(name, t, classes, ignore_label)
    if x.ndim > 2:
        x = array_api.reshape(array_api.moveaxis(x, 1, -1), (-1, classes))
    flat = array_api.reshape(t, (-1,)).astype("int64", copy=False)
    keep = None
    count = flat.shape[0]
    if ignoring:
        keep = flat != ignore_label
        flat = array_api.where(keep, flat, 0)
    places = array_api.arange(flat.shape[0], dtype="int64", device=flat.device) * classes + flat
    loss: Variable = _losses.primitive.apply((x, places, keep), {})[0]
    if class_weight is not None:
        loss = loss * array_api.take(_weights(name, class_weight, x, classes), flat, axis=0)
    if reduce == "no":
        return array_api.reshape(loss, shape)
    divisor: Any = max(count if normalize else shape[0], 1)
    if normalize and keep is not None:
        divisor = array_api.maximum(array_api.astype(array_api.count_nonzero(keep), loss.dtype), 1)
    mean: Variable = array_api.sum(loss) / divisor
    return mean


def _weights(name: str, class_weight: Any, x: Variable, classes: int) -> Variable:
    if isinstance(class_weight, (list, tuple)):
        class_weight = array_api.asarray(class_weight, dtype=x.dtype, device=x.device)
    weights = as_variable(name, "class_weight", class_weight)
    if weights.shape != (classes,):
        raise ShapeError(f"{name}: class_weight must have the shape ({classes},) of the classes; got {weights.shape}")
    same_dtype(name, "class_weight", weights, "x", x)
    same_device(name, "x", x, "class_weight", weights)
    return weights
