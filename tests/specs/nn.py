"""Rows of the functions that networks are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

import xdbr.nn.functions as F

from ._spec import Host, Input, Spec


def softmax(x: Host, axis: int = 1) -> Host:
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


def losses(x: Host, t: Host, class_weight: Host | None = None, ignore: int | None = None) -> tuple[Host, Host]:
    """The loss of each label, one after another, and which ones count."""
    p = softmax(x)
    loss, counts = np.zeros(t.shape), np.ones(t.shape)
    for where in np.ndindex(*t.shape):
        label = int(t[where])
        if label == ignore:
            counts[where] = 0
        else:
            loss[where] = -np.log(p[(where[0], label, *where[1:])])
            loss[where] *= 1 if class_weight is None else class_weight[label]
    return loss, counts


def mean_loss(x: Host, t: Host, w: Host | None = None, *, ignore_label: int | None = -1, normalize: bool = True) -> Any:
    loss, counts = losses(x, t, w, ignore_label)
    return loss.sum() / (max(counts.sum(), 1) if normalize else x.shape[0])


def cross_entropy(torch: Any, ignore: int = -1) -> Any:
    return lambda x, t: torch.nn.functional.cross_entropy(x, t.long(), ignore_index=ignore)


def labels(low: int, high: int, shape: tuple[int, ...], dtype: str = "int64") -> Input:
    return Input(low, high, shape=shape, dtype=dtype)


def affine(x: Host, W: Host, b: Host | float = 0.0) -> Host:
    return np.einsum("ni,oi->no", x, W) + b


SPECS = [
    Spec(
        "relu",
        (Input(away=(0.0,)),),
        lambda x: np.where(x > 0, x, 0.0),
        call=lambda xp, x: F.relu(x),
        elementwise=True,
        torch=True,
    ),
    Spec(
        "sigmoid",
        (Input(-6, 6),),
        lambda x: 0.5 * (1 + np.tanh(x / 2)),
        call=lambda xp, x: F.sigmoid(x),
        elementwise=True,
        torch=True,
    ),
    Spec(
        "sigmoid",
        (Input(-80, -30),),
        lambda x: np.exp(x),
        call=lambda xp, x: F.sigmoid(x),
        case="far left",
        rtol=10,
        atol=0,
    ),
    Spec(
        "softmax",
        (Input(shape=(3, 4)),),
        softmax,
        call=lambda xp, x: F.softmax(x),
        torch=lambda torch, x: torch.softmax(x, 1),
    ),
    Spec(
        "softmax",
        (Input(shape=(3, 4, 2)),),
        softmax,
        call=lambda xp, x, axis: F.softmax(x, axis=axis),
        options={"axis": -2},
        case="middle",
        shapes=(((1, 1, 1),), ((0, 2, 3),)),
    ),
    Spec(
        "log_softmax",
        (Input(shape=(3, 4)),),
        lambda x: np.log(softmax(x)),
        call=lambda xp, x: F.log_softmax(x),
        torch=lambda torch, x: torch.log_softmax(x, 1),
    ),
    Spec(
        "log_softmax",
        (Input(shape=(4,)),),
        lambda x, axis: np.log(softmax(x, axis)),
        call=lambda xp, x, axis: F.log_softmax(x, axis=axis),
        options={"axis": 0},
        case="one axis",
    ),
    Spec(
        "linear",
        (Input(shape=(4, 3)), Input(shape=(2, 3)), Input(shape=(2,))),
        affine,
        call=lambda xp, x, W, b: F.linear(x, W, b),
        torch=lambda torch, x, W, b: torch.nn.functional.linear(x, W, b),
        shapes=(((0, 3), (2, 3), (2,)), ((1, 1), (1, 1), (1,))),
    ),
    Spec(
        "linear",
        (Input(shape=(4, 3)), Input(shape=(2, 3))),
        affine,
        call=lambda xp, x, W: F.linear(x, W),
        case="no bias",
    ),
    Spec(
        "linear",
        (Input(shape=(4, 3, 2)), Input(shape=(5, 6)), Input(shape=(5,))),
        lambda x, W, b: affine(x.reshape(4, 6), W, b),
        call=lambda xp, x, W, b: F.linear(x, W, b),
        case="flattened",
    ),
    Spec(
        "linear",
        (Input(shape=(2, 3, 4)), Input(shape=(5, 4)), Input(shape=(5,))),
        lambda x, W, b, n_batch_axes: affine(x.reshape(6, 4), W, b).reshape(2, 3, 5),
        call=lambda xp, x, W, b, n_batch_axes: F.linear(x, W, b, n_batch_axes),
        options={"n_batch_axes": 2},
        case="batch axes",
    ),
    Spec(
        "embed_id",
        (labels(0, 4, (2, 3)), Input(shape=(5, 2))),
        lambda x, W: W[x],
        call=lambda xp, x, W: F.embed_id(x, W),
        torch=lambda torch, x, W: torch.nn.functional.embedding(x, W),
        shapes=(((), (5, 2)), ((0,), (5, 2))),
        result=None,
    ),
    Spec(
        "embed_id",
        (labels(-1, 1, (7,), "int32"), Input(shape=(2, 3))),
        lambda x, W, ignore_label: np.where((x == -1)[:, None], 0.0, W[x]),
        call=lambda xp, x, W, ignore_label: F.embed_id(x, W, ignore_label),
        options={"ignore_label": -1},
        case="ignoring",
        result=None,
    ),
    Spec(
        "mean_squared_error",
        (Input(), Input()),
        lambda x, y: ((x - y) ** 2).mean(),
        call=lambda xp, x, y: F.mean_squared_error(x, y),
        torch=lambda torch, x, y: torch.nn.functional.mse_loss(x, y),
    ),
    Spec(
        "softmax_cross_entropy",
        (Input(shape=(4, 3)), labels(0, 2, (4,))),
        mean_loss,
        call=lambda xp, x, t: F.softmax_cross_entropy(x, t),
        torch=lambda torch, x, t: cross_entropy(torch)(x, t),
        result=None,
    ),
    Spec(
        "softmax_cross_entropy",
        (Input(shape=(9, 3)), labels(-1, 2, (9,), "int32")),
        mean_loss,
        call=lambda xp, x, t: F.softmax_cross_entropy(x, t),
        case="ignoring",
        torch=lambda torch, x, t: cross_entropy(torch)(x, t),
        result=None,
    ),
    Spec(
        "softmax_cross_entropy",
        (Input(shape=(9, 3)), labels(0, 2, (9,), "uint8")),
        mean_loss,
        call=lambda xp, x, t, **o: F.softmax_cross_entropy(x, t, **o),
        options={"ignore_label": 1, "normalize": False},
        case="ignoring a class",
        result=None,
    ),
    Spec(
        "softmax_cross_entropy",
        (Input(shape=(2, 3, 4, 2)), labels(-1, 2, (2, 4, 2))),
        mean_loss,
        call=lambda xp, x, t: F.softmax_cross_entropy(x, t),
        case="images",
        torch=lambda torch, x, t: cross_entropy(torch)(x, t),
        result=None,
    ),
    Spec(
        "softmax_cross_entropy",
        (Input(shape=(7, 3)), labels(-1, 2, (7,)), Input(0.5, 2, shape=(3,))),
        mean_loss,
        call=lambda xp, x, t, w: F.softmax_cross_entropy(x, t, class_weight=w),
        case="weights",
        result=None,
    ),
    Spec(
        "softmax_cross_entropy",
        (Input(shape=(2, 3, 4)), labels(-1, 2, (2, 4))),
        lambda x, t: losses(x, t, None, -1)[0],
        call=lambda xp, x, t: F.softmax_cross_entropy(x, t, reduce="no"),
        case="each",
        torch=lambda torch, x, t: torch.nn.functional.cross_entropy(x, t, ignore_index=-1, reduction="none"),
        result=None,
    ),
    Spec(
        "softmax_cross_entropy",
        (Input(shape=(3, 2)), labels(-1, -1, (3,))),
        lambda x, t: 0.0,
        call=lambda xp, x, t: F.softmax_cross_entropy(x, t),
        case="all ignored",
        result=None,
    ),
    Spec(
        "accuracy",
        (Input(shape=(20, 3)), labels(0, 2, (20,))),
        lambda y, t: np.mean(y.argmax(1) == t),
        call=lambda xp, y, t: F.accuracy(y, t),
        order=0,
        result=None,
    ),
    Spec(
        "accuracy",
        (Input(shape=(20, 3, 2)), labels(-1, 2, (20, 2), "int8")),
        lambda y, t, ignore_label: np.mean((y.argmax(1) == t)[t != -1]),
        call=lambda xp, y, t, ignore_label: F.accuracy(y, t, ignore_label),
        options={"ignore_label": -1},
        case="ignoring",
        order=0,
        result=None,
    ),
    Spec(
        "accuracy",
        (Input(shape=(4, 3)), labels(2, 2, (4,))),
        lambda y, t, ignore_label: 0.0,
        call=lambda xp, y, t, ignore_label: F.accuracy(y, t, ignore_label),
        options={"ignore_label": 2},
        case="all ignored",
        order=0,
        result=None,
    ),
]
