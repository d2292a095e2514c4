"""Rows of vmap: what enters and leaves it, and what is the same for all examples."""

from __future__ import annotations

from typing import Any

import numpy as np

import xdbr

from ._spec import COMPLEX, REAL, Input, Spec

ALL = (*REAL, *COMPLEX)


def columns(xp: Any, x: Any, w: Any) -> Any:
    return xdbr.vmap(lambda column: column * column * w, in_axes=1, out_axes=-1)(x)


def pairs(xp: Any, x: Any, y: Any) -> Any:
    return xdbr.vmap(lambda a: xdbr.vmap(lambda b: xp.sum(a * a * b))(y))(x)


SPECS = [
    Spec(
        "extras.batch",
        (Input(shape=(3, 2)), Input(shape=(3,))),
        lambda x, w: x * x * w[:, None],
        call=columns,
        covers=("extras.unbatch", "extras.lift", "extras.lower"),
        dtypes=ALL,
        jax=False,
    ),
    Spec(
        "extras.batch",
        (Input(shape=(3, 2)), Input(shape=(4, 2))),
        lambda x, y: np.einsum("ik,jk->ij", x * x, y),
        call=pairs,
        case="nested",
        dtypes=ALL,
        jax=False,
    ),
]
