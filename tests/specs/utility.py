"""Rows of the tests of truth and of differences."""

from __future__ import annotations

import builtins
import itertools
import math
from typing import Any

import numpy as np

from ._spec import COMPLEX, INTEGERS, REAL, Host, Input, Spec

ALL = REAL + COMPLEX
EVERY = ("bool", *INTEGERS, *ALL)


def tested(test: Any) -> Any:
    """Make a reference of `builtins.all` or `builtins.any` over the rows, columns, or everything."""

    def run(x: Host, axis: Any = None, keepdims: bool = False) -> Host:
        if axis is None or axis == (0, 1):
            found = np.asarray(test(x.ravel().tolist()))
            return found.reshape((1,) * x.ndim) if keepdims else found
        lines = x if axis in (1, -1) else x.T
        found = np.asarray([test(line.tolist()) for line in lines], dtype=bool)
        return np.expand_dims(found, axis) if keepdims else found

    return run


def differences(x: Host, axis: int = -1, n: int = 1) -> Host:
    for _ in range(n):
        lines = np.moveaxis(x, axis, 0)
        x = np.moveaxis(np.asarray([b - a for a, b in itertools.pairwise(lines)], dtype=x.dtype), 0, axis)
    return x


def joined(x: Host, before: Host, after: Host) -> Host:
    return differences(np.asarray([[*b, *a, *c] for a, b, c in zip(x, before, after, strict=True)]))


def lagrange_slope(places: list[float], values: list[Host], at: float) -> Host:
    """Slope at a place of the polynomial through the points, as Lagrange writes it."""
    total = 0 * values[0]
    for i, value in enumerate(values):
        others = [p for j, p in enumerate(places) if j != i]
        weight = math.prod(places[i] - p for p in others)
        slope = sum(math.prod(at - p for k, p in enumerate(others) if k != left) for left in range(len(others)))
        total = total + value * (slope / weight)
    return total


def slopes(x: Host, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Reference of `gradient`: parabolas through neighbours, and lines or parabolas at the ends."""
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    given = spacing or (1.0,)
    found = []
    for i, step in zip(axes, given * len(axes) if len(given) == 1 and np.ndim(given[0]) == 0 else given, strict=True):
        n, lines = x.shape[i], list(np.moveaxis(x, i, 0))
        places = (np.arange(n) * step if np.ndim(step) == 0 else np.asarray(step)).tolist()
        made = []
        for j in range(n):
            size = 3 if 0 < j < n - 1 else edge_order + 1
            first = min(max(j - 1, 0), n - size)
            made.append(lagrange_slope(places[first : first + size], lines[first : first + size], places[j]))
        found.append(np.moveaxis(np.asarray(made), 0, i))
    return found[0] if len(found) == 1 else tuple(found)


def apart(rng: np.random.Generator, shape: Any, dtype: np.dtype[Any]) -> Host:
    """Coordinates that rise by steps of different lengths."""
    return np.cumsum(rng.uniform(0.5, 1.5, shape)).astype(dtype)


X = Input(-1, 1, shape=(3, 2))
Y = Input(-50, 50, shape=(4, 3))

SPECS = [
    *(
        Spec(name, (X,), tested(test), options=options, case=case, order=0, dtypes=EVERY, result="bool", shapes=shapes)
        for name, test in (("all", builtins.all), ("any", builtins.any))
        for case, options, shapes in (
            ("", {}, (((),), ((0,),))),
            ("rows", {"axis": -1}, (((2, 0),),)),
            ("columns", {"axis": 0, "keepdims": True}, ()),
            ("axes", {"axis": (0, 1)}, ()),
        )
    ),
    Spec("diff", (Y,), differences, dtypes=(*INTEGERS[:4], *ALL)),
    Spec("diff", (Y,), differences, options={"axis": 0, "n": 2}, case="twice", dtypes=(*INTEGERS[:4], *ALL)),
    Spec("diff", (Y,), lambda x, n: x, options={"n": 0}, case="not at all", dtypes=ALL),
    Spec("diff", (Y,), lambda x, n: x[:, :0], options={"n": 5}, case="too often", dtypes=ALL),
    Spec(
        "diff",
        (Y, Input(shape=(4, 2)), Input(shape=(4, 1))),
        joined,
        call=lambda xp, x, before, after: xp.diff(x, prepend=before, append=after),
        case="joined",
        dtypes=ALL,
    ),
    Spec("gradient", (Input(shape=(4, 3)),), slopes, dtypes=ALL, shapes=(((3, 2),), ((2, 5),))),
    Spec(
        "gradient",
        (Input(shape=(4, 3)),),
        lambda x: slopes(x, 0.5, axis=-1, edge_order=2),
        call=lambda xp, x: xp.gradient(x, 0.5, axis=-1, edge_order=2),
        case="edges",
        dtypes=ALL,
        jax=False,
    ),
    Spec(
        "gradient",
        (Input(shape=(4, 3)), Input(shape=(4,), make=apart)),
        lambda x, places: slopes(x, places, 2.0, edge_order=2),
        call=lambda xp, x, places: xp.gradient(x, places, 2.0, edge_order=2),
        case="coordinates",
        dtypes=REAL,
        jax=False,
    ),
    Spec(
        "gradient",
        (Input(shape=(2, 5)), Input(shape=(5,), make=apart)),
        lambda x, places: slopes(x, places, axis=1),
        call=lambda xp, x, places: xp.gradient(x, places, axis=1),
        case="coordinates of one axis",
        dtypes=REAL,
        jax=False,
        torch=lambda torch, x, places: torch.gradient(x, spacing=(places,), dim=1)[0],
    ),
    Spec(
        "gradient",
        (Input(shape=(4,)), Input(0.5, 2, shape=())),
        lambda x, step: slopes(x, step.item()),
        call=lambda xp, x, step: xp.gradient(x, step),
        case="a distance that is differentiated",
        dtypes=REAL,
        jax=False,
    ),
    Spec(
        "gradient", (Input(-9, 9, shape=(5,)),), slopes, case="integers", order=0, dtypes=INTEGERS[:4], result="default"
    ),
]
