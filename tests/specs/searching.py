"""Rows of the functions that find and choose elements."""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np

from ._spec import COMPLEX, INTEGERS, REAL, Host, Input, Spec, each

ALL = REAL + COMPLEX
EVERY = ("bool", *INTEGERS, *ALL)
ORDERED = (*INTEGERS, *REAL)

CHOICE = Input(shape=(3, 2), dtype="bool")


def first(best: Any) -> Any:
    """Make a reference of `max` or `min`: the first index of the best element of each row."""

    def run(x: Host, axis: int | None = None, keepdims: bool = False) -> Host:
        rows = x.reshape(1, -1) if axis is None else x
        found = np.asarray([row.tolist().index(best(row.tolist())) for row in rows])
        return found.reshape(()) if axis is None else found[:, None] if keepdims else found

    return run


def counted(x: Host, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Host:
    return np.asarray((x != 0).astype("int64").sum(axis=axis, keepdims=keepdims))


def found(x: Host) -> tuple[Host, ...]:
    hits = [index for index in np.ndindex(x.shape) if x[index] != 0]
    return tuple(np.asarray([index[i] for index in hits], dtype="int64") for i in range(x.ndim))


def ascending(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Host:
    return np.sort(rng.integers(0, 5, shape).astype(dtype))


def inserted(side: str) -> Any:
    find = bisect.bisect_left if side == "left" else bisect.bisect_right

    def run(x1: Host, x2: Host, **_: Any) -> Host:
        return np.asarray([find(x1.tolist(), v) for v in x2.ravel().tolist()], dtype="int64").reshape(x2.shape)

    return run


SORTED = Input(shape=(6,), make=ascending)
VALUES = Input(-1, 6, shape=(2, 4))

SPECS = [
    Spec("argmax", (Input(-9, 9, shape=(3, 4)),), first(max), order=0, dtypes=ORDERED, result="int64"),
    Spec(
        "argmax",
        (Input(shape=(3, 4)),),
        first(max),
        options={"axis": -1, "keepdims": True},
        case="axis",
        order=0,
        dtypes=ORDERED,
        result="int64",
    ),
    Spec("argmin", (Input(-9, 9, shape=(3, 4)),), first(min), order=0, dtypes=ORDERED, result="int64"),
    Spec(
        "argmin",
        (Input(shape=(3, 4)),),
        first(min),
        options={"axis": 1},
        case="axis",
        order=0,
        dtypes=ORDERED,
        result="int64",
    ),
    Spec(
        "count_nonzero",
        (Input(-1, 1, shape=(3, 4)),),
        counted,
        order=0,
        dtypes=EVERY,
        result="int64",
        shapes=(((),), ((0, 2),)),
    ),
    Spec(
        "count_nonzero",
        (Input(-1, 1, shape=(3, 4)),),
        counted,
        options={"axis": (0, -1), "keepdims": True},
        case="axes",
        order=0,
        dtypes=EVERY,
        result="int64",
    ),
    Spec(
        "count_nonzero",
        (Input(-1, 1, shape=(3, 4)),),
        counted,
        options={"axis": 0},
        case="axis",
        order=0,
        dtypes=EVERY,
        result="int64",
    ),
    Spec(
        "nonzero",
        (Input(-1, 1, shape=(3, 4)),),
        found,
        order=0,
        dtypes=EVERY,
        result="int64",
        shapes=(((5,),), ((0, 2),)),
    ),
    Spec(
        "searchsorted",
        (SORTED, VALUES),
        inserted("left"),
        order=0,
        dtypes=ORDERED,
        result="int64",
        shapes=(((6,), ()), ((0,), (2,))),
    ),
    Spec(
        "searchsorted",
        (SORTED, VALUES),
        inserted("right"),
        options={"side": "right"},
        case="right",
        order=0,
        dtypes=ORDERED,
        result="int64",
    ),
    Spec(
        "searchsorted",
        (SORTED, VALUES),
        inserted("left"),
        call=lambda xp, x1, x2: xp.searchsorted(xp.flip(x1), x2, sorter=xp.flip(xp.arange(6))),
        case="sorter",
        order=0,
        dtypes=ORDERED,
        result="int64",
    ),
    Spec(
        "where",
        (CHOICE, Input(), Input()),
        each(lambda c, a, b: a if c else b),
        dtypes=EVERY,
        result=None,
        shapes=(((3, 1), (2,), ()), ((0, 2), (1, 2), (2,))),
    ),
    Spec(
        "where",
        (CHOICE, Input()),
        each(lambda c, a: a if c else 2.5),
        call=lambda xp, c, x: xp.where(c, x, 2.5),
        case="number second",
        dtypes=ALL,
        result=None,
    ),
    Spec(
        "where",
        (CHOICE, Input()),
        each(lambda c, a: -1 if c else a),
        call=lambda xp, c, x: xp.where(c, -1, x),
        case="number first",
        dtypes=("int8", "int64", *ALL),
        result=None,
    ),
    Spec(
        "where",
        (Input(-1, 1, dtype="int64"), Input(), Input()),
        each(lambda c, a, b: a if c else b),
        case="counts as condition",
        dtypes=ALL,
        result=None,
    ),
]
