"""Rows of the functions of sets; the order of unique elements is left open, so results are put in order first."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._spec import INTEGERS, REAL, Host, Input, Spec

COUNTED = ("bool", *INTEGERS)


def few(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Host:
    """Draw with repetitions."""
    return rng.integers(0, 4, shape).astype(dtype)


FEW = Input(shape=(3, 4), make=few)
APART = Input(shape=(6,), make=lambda rng, shape, dtype: rng.permutation(6).reshape(shape).astype(dtype))


def values(x: Host) -> Host:
    return np.asarray(sorted(set(x.ravel().tolist())), dtype=x.dtype)


def counts(x: Host) -> Host:
    return np.asarray([x.ravel().tolist().count(v) for v in values(x).tolist()], dtype="int64")


def firsts(x: Host) -> Host:
    return np.asarray([x.ravel().tolist().index(v) for v in values(x).tolist()], dtype="int64")


def everything(xp: Any, x: Any) -> tuple[Any, ...]:
    found = xp.unique_all(x)
    order = xp.argsort(xp.astype(found.values, xp.float64))
    rebuilt = xp.reshape(xp.take(found.values, xp.reshape(found.inverse_indices, (-1,))), x.shape)
    return (*(xp.take(part, order) for part in (found.values, found.indices, found.counts)), rebuilt)


def with_counts(xp: Any, x: Any) -> tuple[Any, ...]:
    found = xp.unique_counts(x)
    order = xp.argsort(xp.astype(found.values, xp.float64))
    return tuple(xp.take(part, order) for part in found)


def with_inverse(xp: Any, x: Any) -> Any:
    found = xp.unique_inverse(x)
    return xp.reshape(xp.take(found.values, xp.reshape(found.inverse_indices, (-1,))), x.shape)


def in_order(xp: Any, x: Any) -> Any:
    found = xp.unique_values(x)
    return xp.take(found, xp.argsort(xp.astype(found, xp.float64)))


SPECS = [
    Spec(
        "isin",
        (Input(0, 5, shape=(3, 4)), Input(2, 4, shape=(2, 2))),
        lambda x1, x2, invert=False: np.asarray([[v in x2.ravel().tolist() for v in row] for row in x1.tolist()]),
        order=0,
        dtypes=INTEGERS,
        result="bool",
    ),
    Spec(
        "isin",
        (Input(0, 5, shape=(7,)), Input(2, 4, shape=(3,))),
        lambda x1, x2, invert: np.asarray([v not in x2.tolist() for v in x1.tolist()]),
        options={"invert": True},
        case="inverted",
        order=0,
        dtypes=INTEGERS,
        result="bool",
    ),
    Spec(
        "isin",
        (Input(0, 5, shape=(7,)),),
        lambda x: x == 3,
        call=lambda xp, x: xp.isin(x, 3),
        case="number",
        order=0,
        dtypes=INTEGERS,
        result="bool",
    ),
    Spec(
        "isin",
        (Input(0, 5, shape=(7,)),),
        lambda x: np.asarray(3 in x.tolist()),
        call=lambda xp, x: xp.isin(3, x),
        case="a number",
        order=0,
        dtypes=INTEGERS,
        result="bool",
    ),
    Spec(
        "unique_all",
        (FEW,),
        lambda x: (values(x), firsts(x), counts(x), x),
        call=everything,
        order=0,
        dtypes=COUNTED,
        result=None,
        shapes=(((),), ((0, 2),)),
    ),
    Spec(
        "unique_counts",
        (FEW,),
        lambda x: (values(x), counts(x)),
        call=with_counts,
        order=0,
        dtypes=COUNTED,
        result=None,
        shapes=(((),), ((0, 2),)),
    ),
    Spec(
        "unique_inverse",
        (FEW,),
        lambda x: x,
        call=with_inverse,
        order=0,
        dtypes=COUNTED,
        result=None,
        shapes=(((),), ((0, 2),)),
    ),
    Spec(
        "unique_values", (FEW,), values, call=in_order, order=0, dtypes=COUNTED, result=None, shapes=(((),), ((0, 2),))
    ),
    # JAX gives these the gradient zero.
    *(
        Spec(f"unique_{name}", (APART,), reference, call=call, case="gradient", dtypes=REAL, jax=False)
        for name, reference, call in (
            ("values", values, in_order),
            ("counts", values, lambda xp, x: with_counts(xp, x)[0]),
            ("inverse", lambda x: x, with_inverse),
            ("all", values, lambda xp, x: everything(xp, x)[0]),
        )
    ),
]
