"""Rows of the sorting functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._spec import INTEGERS, REAL, Host, Input, Spec

ORDERED = (*INTEGERS, *REAL)


def apart(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Host:
    """Draw in any order elements that lie far from each other, so that differences do not swap them."""
    size = int(np.prod(shape))
    return (rng.permutation(size) * (0.25 if dtype.kind == "f" else 1)).reshape(shape).astype(dtype)


def few(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Host:
    return rng.integers(0, 3, shape).astype(dtype)


APART = Input(shape=(3, 4), make=apart)
FEW = Input(shape=(3, 9), make=few)


def by_rows(key: Any) -> Any:
    def run(x: Host, axis: int = -1, descending: bool = False, stable: bool = True) -> Host:
        lines = np.moveaxis(x, axis, -1)
        found = np.zeros(lines.shape, dtype=x.dtype)
        for i in np.ndindex(lines.shape[:-1]):
            found[i] = key(lines[i].tolist(), descending)
        return np.moveaxis(found, -1, axis)

    return run


def order_of(line: list[Any], descending: bool) -> list[int]:
    # Python's sort is stable, also in reverse.
    return sorted(range(len(line)), key=line.__getitem__, reverse=descending)


sort = by_rows(lambda line, descending: sorted(line, reverse=descending))
argsort = by_rows(order_of)

SPECS = [
    Spec("sort", (APART,), sort, dtypes=ORDERED, result="same", shapes=(((1,),), ((2, 0),), ((5,),))),
    Spec("sort", (APART,), sort, options={"axis": 0, "descending": True}, case="descending", dtypes=ORDERED),
    Spec("sort", (APART,), sort, options={"stable": False, "axis": -2}, case="unstable", dtypes=ORDERED),
    Spec("argsort", (FEW,), argsort, order=0, dtypes=ORDERED, result="int64", shapes=(((1,),), ((2, 0),), ((5,),))),
    Spec(
        "argsort",
        (FEW,),
        argsort,
        options={"descending": True},
        case="descending",
        order=0,
        dtypes=ORDERED,
        result="int64",
    ),
    Spec(
        "argsort",
        (FEW,),
        argsort,
        options={"axis": 0, "descending": True},
        case="columns",
        order=0,
        dtypes=ORDERED,
        result="int64",
    ),
    Spec(
        "argsort",
        (APART,),
        argsort,
        options={"stable": False, "descending": True},
        case="unstable",
        order=0,
        dtypes=ORDERED,
        result="int64",
    ),
]
