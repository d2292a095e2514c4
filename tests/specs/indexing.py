"""Rows of the functions that select elements by indices, and of indexing itself."""

from __future__ import annotations

import numpy as np

from ._spec import COMPLEX, INTEGERS, REAL, Input, Spec

ALL = REAL + COMPLEX
EVERY = ("bool", *INTEGERS, *ALL)


def places(low: int, high: int, shape: tuple[int, ...], dtype: str = "int64") -> Input:
    return Input(low, high, shape=shape, dtype=dtype)


def along_rows(x: np.ndarray, i: np.ndarray, axis: int) -> np.ndarray:
    shape = np.broadcast_shapes(x.shape[:-1], i.shape[:-1])
    x, i = np.broadcast_to(x, shape + x.shape[-1:]), np.broadcast_to(i, shape + i.shape[-1:])
    rows = [
        [row[k] for k in one] for row, one in zip(x.reshape(-1, x.shape[-1]), i.reshape(-1, i.shape[-1]), strict=True)
    ]
    return np.asarray(rows, dtype=x.dtype).reshape(shape + i.shape[-1:])


SPECS = [
    Spec("take", (Input(shape=(4,)), places(-4, 3, (7,))), lambda x, i: x[i], dtypes=EVERY, result=None),
    Spec(
        "take",
        (Input(shape=(4, 2)), places(0, 3, (6,), "uint8")),
        lambda x, i, axis: x[i],
        options={"axis": 0},
        case="rows",
        dtypes=ALL,
        result=None,
    ),
    Spec(
        "take",
        (Input(shape=(2, 3, 2)), places(-3, 2, (5,), "int8")),
        lambda x, i, axis: x[:, i],
        options={"axis": -2},
        case="middle",
        dtypes=ALL,
        result=None,
    ),
    Spec(
        "take",
        (Input(shape=(3, 4)), places(0, 3, (2, 3))),
        lambda x, i, axis: x[:, i],
        options={"axis": 1},
        case="several axes",
        dtypes=ALL,
        result=None,
    ),
    Spec(
        "take",
        (Input(shape=(3, 4)), places(0, 3, ())),
        lambda x, i, axis: x[:, i],
        options={"axis": 1},
        case="one place",
        dtypes=ALL,
        result=None,
    ),
    Spec(
        "take",
        (Input(shape=(3, 4)), places(0, 3, (0,))),
        lambda x, i, axis: x[:, :0],
        options={"axis": 1},
        case="nothing",
        dtypes=ALL,
        result=None,
    ),
    Spec(
        "take_along_axis",
        (Input(shape=(3, 4)), places(-4, 3, (3, 6))),
        along_rows,
        options={"axis": -1},
        dtypes=EVERY,
        result=None,
    ),
    Spec(
        "take_along_axis",
        (Input(shape=(4, 3)), places(0, 3, (2, 3), "int32")),
        lambda x, i, axis: along_rows(x.T, i.T, 1).T,
        options={"axis": 0},
        case="columns",
        dtypes=ALL,
        result=None,
    ),
    Spec(
        "take_along_axis",
        (Input(shape=(3, 4)), places(0, 3, (1, 2))),
        along_rows,
        options={"axis": 1},
        case="broadcast index",
        dtypes=ALL,
        result=None,
    ),
    Spec(
        "take_along_axis",
        (Input(shape=(1, 4)), places(0, 3, (3, 2))),
        along_rows,
        options={"axis": 1},
        case="broadcast array",
        dtypes=ALL,
        result=None,
    ),
]
