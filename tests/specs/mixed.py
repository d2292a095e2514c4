"""Rows of functions of several arrays of different dtypes: real beside complex, single beside double, integers.

The gradient of a real array is the real part of what it would be for a complex one.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ._schoolbook import solved
from ._spec import Host, Input, Spec, each

DOUBLE = ("complex128",)
REAL_ONE = Input(dtype="float64")
POSITIVE = Input(0.5, 2.0, dtype="float64")
CLEAR = Input(0.4, 2.0)
MATRIX = Input(shape=(3, 3), dtype="float64", make=lambda rng, shape, dtype: rng.uniform(-1, 1, shape) + 3 * np.eye(3))
COMPLEX_MATRIX = Input(
    shape=(3, 3),
    make=lambda rng, shape, dtype: rng.uniform(-1, 1, shape) + 1j * rng.uniform(-1, 1, shape) + 3 * np.eye(3),
)


def both_ways(
    name: str, reference: Callable[[Any, Any], Any], x1: Input, x2: Input, real1: Input, real2: Input, **settings: Any
) -> list[Spec]:
    """A real first argument beside a complex second one, and the other way round."""
    settings = {"dtypes": DOUBLE, "torch": True, "result": "complex128"} | settings
    return [
        Spec(name, (real1, x2), reference, case="real complex", **settings),
        Spec(name, (x1, real2), reference, case="complex real", **settings),
    ]


def crossed(x: Host, y: Host) -> Host:
    return np.asarray([x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]])


def product(x: Host, y: Host) -> Host:
    return np.asarray([[sum(a * b for a, b in zip(row, column, strict=True)) for column in y.T] for row in x])


def vector(length: int, dtype: str | None = None) -> Input:
    return Input(shape=(length,), dtype=dtype)


SPECS = [
    *both_ways("add", operator.add, Input(), Input(), REAL_ONE, REAL_ONE),
    *both_ways("subtract", operator.sub, Input(), Input(), REAL_ONE, REAL_ONE),
    *both_ways("multiply", operator.mul, Input(), Input(), REAL_ONE, REAL_ONE),
    *both_ways("divide", operator.truediv, Input(), CLEAR, REAL_ONE, POSITIVE),
    *both_ways("pow", each(operator.pow), CLEAR, Input(), POSITIVE, REAL_ONE),
    *both_ways(
        "where",
        lambda x1, x2: np.where(np.asarray([[True, False]] * 3), x1, x2),
        Input(),
        Input(),
        REAL_ONE,
        REAL_ONE,
        call=lambda xp, x1, x2: xp.where(xp.asarray([[True, False]] * 3, device=x1.device), x1, x2),
        torch=False,  # which mixes up the dtypes of the gradients
        jax=lambda jnp, x1, x2: jnp.where(jnp.asarray([[True, False]] * 3), x1, x2),
    ),
    *both_ways(
        "matmul",
        product,
        Input(shape=(2, 3)),
        Input(shape=(3, 2)),
        Input(shape=(2, 3), dtype="float64"),
        Input(shape=(3, 2), dtype="float64"),
        torch=False,  # which wants one dtype
    ),
    *both_ways(
        "tensordot",
        product,
        Input(shape=(2, 3)),
        Input(shape=(3, 2)),
        Input(shape=(2, 3), dtype="float64"),
        Input(shape=(3, 2), dtype="float64"),
        options={},
        call=lambda xp, x1, x2: xp.tensordot(x1, x2, axes=1),
        torch=False,
    ),
    *both_ways(
        "vecdot",
        lambda x1, x2: np.asarray(sum(x1.conj() * x2)),
        vector(3),
        vector(3),
        vector(3, "float64"),
        vector(3, "float64"),
        torch=False,
    ),
    *both_ways(
        "einsum",
        product,
        Input(shape=(2, 3)),
        Input(shape=(3, 2)),
        Input(shape=(2, 3), dtype="float64"),
        Input(shape=(3, 2), dtype="float64"),
        call=lambda xp, x1, x2: xp.einsum("ij,jk->ik", x1, x2),
        torch=False,
    ),
    *both_ways(
        "linalg.outer",
        lambda x1, x2: x1[:, None] * x2[None, :],
        vector(2),
        vector(3),
        vector(2, "float64"),
        vector(3, "float64"),
        torch="outer",
    ),
    *both_ways("linalg.cross", crossed, vector(3), vector(3), vector(3, "float64"), vector(3, "float64"), torch=False),
    *both_ways(
        "linalg.solve",
        lambda a, b: np.asarray(solved(a.tolist(), b.tolist())),
        COMPLEX_MATRIX,
        Input(shape=(3, 2)),
        MATRIX,
        Input(shape=(3, 2), dtype="float64"),
        torch=False,
        rtol=10,
    ),
    *both_ways(
        "concat",
        lambda x1, x2: np.asarray([*x1, *x2]),
        Input(),
        Input(),
        REAL_ONE,
        REAL_ONE,
        call=lambda xp, x1, x2: xp.concat([x1, x2]),
        torch=lambda torch, x1, x2: torch.concat([x1, x2]),
    ),
    *both_ways(
        "stack",
        lambda x1, x2: np.asarray([x1, x2]),
        Input(),
        Input(),
        REAL_ONE,
        REAL_ONE,
        call=lambda xp, x1, x2: xp.stack([x1, x2]),
        torch=False,
    ),
    *both_ways(
        "setitem",
        lambda x1, x2: np.asarray([x2[0], *x1[1:]]),
        Input(),
        Input(),
        Input(),
        Input(shape=(3, 2), dtype="float64"),
        call=lambda xp, x1, x2: _written(x1, x2),
        torch=False,
    )[1:],
    Spec(
        "astype",
        (Input(dtype="float64"),),
        lambda x: x.astype("complex128"),
        call=lambda xp, x: xp.astype(x, xp.complex128),
        case="to complex",
        dtypes=("float64",),
        result="complex128",
        torch=lambda torch, x: x.to(torch.complex128),
    ),
    *[
        Spec(
            name,
            (Input(0.5, 2.0, shape=(2, 3), dtype="float64"),),
            lambda x, reference=reference: np.asarray([reference(row) for row in x.tolist()], dtype="complex128"),
            call=lambda xp, x, name=name: getattr(xp, name)(x, axis=1, dtype=xp.complex128),
            case="to complex",
            dtypes=("float64",),
            result="complex128",
        )
        for name, reference in (
            ("sum", math.fsum),
            ("prod", math.prod),
            ("cumulative_sum", lambda row: [math.fsum(row[: i + 1]) for i in range(3)]),
            ("cumulative_prod", lambda row: [math.prod(row[: i + 1]) for i in range(3)]),
        )
    ],
    Spec(
        "linalg.trace",
        (Input(shape=(3, 3), dtype="float64"),),
        lambda x: np.asarray(x[0, 0] + x[1, 1] + x[2, 2] + 0j),
        call=lambda xp, x: xp.linalg.trace(x, dtype=xp.complex128),
        case="to complex",
        dtypes=("float64",),
        result="complex128",
    ),
]


def _written(x: Any, v: Any) -> Any:
    y = x * 1.0
    y[0, ...] = v[0, ...]
    return y
