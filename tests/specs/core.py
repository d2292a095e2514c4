"""Rows of creation, conversion, reads, writes and the differentiable extras."""

from __future__ import annotations

from typing import Any

import numpy as np

from xdbr.autograd.runs import identity

from ._spec import COMPLEX, REAL, Input, Spec

ALL = REAL + COMPLEX


def written(x: np.ndarray, v: np.ndarray, key: Any) -> np.ndarray:
    y = x.copy()
    y[key] = v
    return y


def write(key: Any) -> Any:
    def call(xp: Any, x: Any, v: Any) -> Any:
        y = x * 1.0  # the write leaves the input as it is
        y[key] = v
        return y

    return call


def write_through_a_transposed_slice(xp: Any, x: Any, v: Any) -> Any:
    y = x * 1.0
    part = xp.permute_dims(y[1:, :], (1, 0))
    part[0, :] = v
    return y


def there_and_back(xp: Any, x: Any) -> Any:
    """To host memory, or to another backend where it lies there, and back."""
    return (x.to_device("numpy" if x.device != "numpy" else "strict") * 1.0).to_device(x.device)


def masked(xp: Any, x: Any) -> Any:
    return x[xp.asarray([[True, False], [False, True], [True, True]], device=x.device)]


MASK = np.asarray([[True, False], [False, True], [True, True]])
BASIC = (slice(1, None, 2), 1)

SPECS = [
    Spec("tril", (Input(shape=(3, 3)),), lambda x: np.where(np.tri(3, dtype=bool), x, 0), dtypes=ALL),
    Spec(
        "tril",
        (Input(shape=(2, 2, 3)),),
        lambda x, k: np.where(np.tri(*x.shape[-2:], k, dtype=bool), x, 0),
        options={"k": -1},
        case="below",
        dtypes=ALL,
        shapes=(((0, 3),),),
    ),
    Spec("triu", (Input(shape=(3, 3)),), lambda x: np.where(np.tri(3, k=-1, dtype=bool), 0, x), dtypes=ALL),
    Spec(
        "triu",
        (Input(shape=(2, 2, 3)),),
        lambda x, k: np.where(np.tri(*x.shape[-2:], k - 1, dtype=bool), 0, x),
        options={"k": 1},
        case="above",
        dtypes=ALL,
        shapes=(((0, 3),),),
    ),
    Spec(
        "meshgrid",
        (Input(shape=(2,)), Input(shape=(3,))),
        lambda x, y: (np.stack([x] * 3), np.stack([y] * 2, axis=1)),
        dtypes=ALL,
        result=None,
    ),
    Spec(
        "meshgrid",
        (Input(shape=(2,)), Input(shape=(3,))),
        lambda x, y, indexing: (np.stack([x] * 3, axis=1), np.stack([y] * 2)),
        options={"indexing": "ij"},
        case="ij",
        result=None,
    ),
    Spec(
        "linspace",
        (Input(shape=()), Input(shape=())),
        lambda start, stop: start + (stop - start) * np.asarray([0.0, 0.25, 0.5, 0.75, 1.0]),
        call=lambda xp, start, stop: xp.linspace(start, stop, 5, dtype=start.dtype, device=start.device),
        covers=("extras.interpolation",),
        dtypes=ALL,
        jax=False,
    ),
    Spec(
        "linspace",
        (Input(shape=()), Input(shape=())),
        lambda start, stop: start + (stop - start) * np.asarray([0.0, 0.25, 0.5, 0.75]),
        call=lambda xp, start, stop: xp.linspace(
            start, stop, 4, dtype=start.dtype, device=start.device, endpoint=False
        ),
        case="open",
        dtypes=ALL,
        jax=False,
    ),
    Spec(
        "arange",
        (Input(low=0.2, high=0.6, shape=()), Input(low=1.1, high=1.2, shape=())),
        lambda start, step: start + step * np.asarray([0.0, 1.0, 2.0]),
        call=lambda xp, start, step: xp.arange(start, 3.4, step, dtype=step.dtype, device=step.device),
        covers=("extras.progression",),
        jax=False,
    ),
    Spec(
        "full_like",
        (Input(shape=()),),
        lambda value: np.full((2, 3), value),
        call=lambda xp, value: xp.full_like(xp.zeros((2, 3), dtype=value.dtype, device=value.device), value),
        dtypes=ALL,
        jax=False,
    ),
    Spec(
        "full",
        (Input(shape=()),),
        lambda value: np.full((2, 3), value),
        call=lambda xp, value: xp.full((2, 3), value, dtype=value.dtype, device=value.device),
        dtypes=ALL,
        jax=False,
    ),
    Spec(
        "asarray",
        (Input(shape=()), Input(shape=(2,))),
        lambda x, y: np.asarray([[x, 1.0], y]),
        call=lambda xp, x, y: xp.asarray([[x, 1], y], device=x.device),
        case="nested",
        dtypes=ALL,
        jax=False,
    ),
    Spec(
        "astype",
        (Input(),),
        lambda x: x,
        call=lambda xp, x: xp.astype(x, x.dtype, copy=True),
        covers=("extras.convert",),
        dtypes=ALL,
    ),
    Spec(
        "to_device",
        (Input(),),
        lambda x: x,
        call=there_and_back,
        jax=False,
        dtypes=ALL,
    ),
    Spec("getitem", (Input(shape=(4, 2)),), lambda x: x[BASIC], call=lambda xp, x: x[BASIC], dtypes=ALL, case="basic"),
    Spec(
        "getitem",
        (Input(shape=(4, 2)),),
        lambda x: x[[1, 1, 3], [0, 0, 1]],
        call=lambda xp, x: x[xp.asarray([1, 1, 3], device=x.device), xp.asarray([0, 0, 1], device=x.device)],
        dtypes=ALL,
        case="integer arrays",
    ),
    Spec("getitem_masked", (Input(),), lambda x: x[MASK], call=masked, dtypes=ALL),
    Spec(
        "setitem",
        (Input(shape=(4, 2)), Input(shape=(2,))),
        lambda x, v: written(x, v, BASIC),
        call=write(BASIC),
        covers=("extras.write",),
        dtypes=ALL,
        case="basic",
    ),
    Spec(
        "setitem",
        (Input(shape=(4, 2)), Input(shape=())),
        lambda x, v: written(x, v, slice(1, 3)),
        call=write((slice(1, 3), ...)),
        dtypes=ALL,
        case="broadcast",
    ),
    Spec(
        "setitem",
        (Input(shape=(3, 2)), Input(shape=(2,))),
        lambda x, v: written(x, v, (slice(1, None), 0)),
        call=write_through_a_transposed_slice,
        dtypes=ALL,
        case="through views",
    ),
    Spec(
        "extras.index_add",
        (Input(shape=(3, 2)), Input(shape=(4, 2))),
        lambda x, v: x + np.stack([v[1] + v[3], v[0], v[2]]),
        call=lambda xp, x, v: xp.extras.index_add(
            x, v, key=(xp.asarray([[1], [0], [2], [0]], device=x.device), xp.asarray([[0, 1]], device=x.device))
        ),
        dtypes=ALL,
        result=None,
    ),
    Spec(
        "extras.index_add",
        (Input(shape=(3, 2)), Input(shape=(2,))),
        lambda x, v: x + np.stack([v, 0 * v, v]),
        call=lambda xp, x, v: xp.extras.index_add(x, v, key=(slice(None, None, 2), ...)),
        case="basic",
        dtypes=ALL,
        result=None,
    ),
    Spec(
        # Where no cotangent is zero it is y itself, a product of g and something else: the form that rules have.
        "extras.absorb",
        (Input(0.5, 2.0), Input()),
        lambda g, y: g * y,
        call=lambda xp, g, y: xp.extras.absorb(g, g * y),
        dtypes=ALL,
    ),
    Spec(
        "extras.gate",
        (Input(shape=(2,)), Input(0.5, 2.0)),
        lambda x, factor: factor * x,
        call=lambda xp, x, factor: factor * xp.extras.gate(x, factor),
        dtypes=ALL,
    ),
    Spec(
        "extras.identity",
        (Input(),),
        lambda x: x * x,
        call=lambda xp, x: identity(x) * identity(x),
        dtypes=ALL,
    ),
]
