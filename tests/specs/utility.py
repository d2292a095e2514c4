"""Rows of the tests of truth and of differences."""

from __future__ import annotations

import builtins
import itertools
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
]
