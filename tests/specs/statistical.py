"""Rows of the functions over axes: sums, products, extremes, averages, spreads, running sums and counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._spec import COMPLEX, INTEGERS, REAL, Host, Input, Shape, Spec

ALL = REAL + COMPLEX
SIGNED, UNSIGNED = INTEGERS[:4], INTEGERS[4:]  # unsigned sums are unsigned, but not in PyTorch
CUBE = Input(shape=(2, 3, 4))
APART = Input(
    shape=(2, 3, 4),
    make=lambda rng, shape, dtype: (rng.permutation(math.prod(shape)).reshape(shape) / 4 - 2).astype(dtype),
)
"""Elements that differ, so that no order of them is near a tie."""


def with_zeros(rng: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Host:
    """Elements of which a third is zero."""
    x = rng.uniform(0.5, 2, shape) * rng.choice([-1, 1], shape)
    if dtype.kind == "c":
        x = x + 1j * rng.uniform(-1, 1, shape)
    return np.where(rng.uniform(size=shape) < 1 / 3, 0, x)


def over(function: Callable[[list[Any]], Any]) -> Callable[..., Host]:
    """Make a reference of a function of the list of the elements that become one."""

    def run(x: Host, *, axis: Any = None, keepdims: bool = False, **options: Any) -> Host:
        given = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        axes = sorted(i % x.ndim for i in given)
        rest = [i for i in range(x.ndim) if i not in axes]
        kept = [x.shape[i] for i in rest]
        n = math.prod(x.shape[i] for i in axes)
        rows = x.transpose(rest + axes).reshape(math.prod(kept), n).tolist()
        out = np.asarray([function(row, **options) for row in rows])
        return out.reshape([1 if i in axes else length for i, length in enumerate(x.shape)] if keepdims else kept)

    return run


def total(row: list[Any], dtype: Any = None) -> Any:
    if any(isinstance(value, complex) for value in row):
        return complex(math.fsum(value.real for value in row), math.fsum(value.imag for value in row))
    return sum(row) if all(isinstance(value, int) for value in row) else math.fsum(row)


def average(row: list[Any]) -> Any:
    return total(row) / len(row) if row else math.nan


def spread(row: list[Any], correction: float = 0.0) -> float:
    if len(row) <= correction:
        return math.nan
    middle = average(row)
    return math.fsum(abs(value - middle) ** 2 for value in row) / (len(row) - correction)


def deviation(row: list[Any], correction: float = 0.0) -> float:
    return math.sqrt(spread(row, correction))


def middle(row: list[Any]) -> float:
    row = sorted(row)
    return (row[(len(row) - 1) // 2] + row[len(row) // 2]) / 2 if row else math.nan


def running(step: Callable[[Any, Any], Any], first: Any) -> Callable[..., Host]:
    """Make a reference of what a running total does to it at each element."""

    def run(x: Host, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Host:
        lines = np.moveaxis(x, 0 if axis is None else axis, -1)
        n = lines.shape[-1]
        found = []
        for line in lines.reshape(math.prod(lines.shape[:-1]), n).tolist():
            now, made = first, [first]
            for value in line:
                now = step(now, value)
                made.append(now)
            found.append(made if include_initial else made[1:])
        out = np.asarray(found, dtype=x.dtype).reshape(*lines.shape[:-1], n + include_initial)
        return np.moveaxis(out, -1, 0 if axis is None else axis)

    return run


def in_a_row(step: Callable[[Any, Any], Any], first: Any) -> Callable[..., Host]:
    """Make a reference as `running` does, which takes all elements in a row where no axis is given."""
    return lambda x, axis=None, **options: running(step, first)(x.ravel() if axis is None else x, axis=axis, **options)


# The place of a quantile among n elements in order, counted from 1, as Hyndman and Fan give it.
PLACES: dict[str, Callable[[int, float], float]] = {
    "linear": lambda n, q: (n - 1) * q + 1,
    "interpolated_inverted_cdf": lambda n, q: n * q,
    "hazen": lambda n, q: n * q + 1 / 2,
    "weibull": lambda n, q: (n + 1) * q,
    "median_unbiased": lambda n, q: (n + 1 / 3) * q + 1 / 3,
    "normal_unbiased": lambda n, q: (n + 1 / 4) * q + 3 / 8,
    "lower": lambda n, q: math.floor((n - 1) * q + 1),
    "higher": lambda n, q: math.ceil((n - 1) * q + 1),
    "nearest": lambda n, q: round((n - 1) * q) + 1,
    "midpoint": lambda n, q: (math.floor((n - 1) * q) + math.ceil((n - 1) * q)) / 2 + 1,
}


def share(row: list[Any], q: float, method: str = "linear") -> float:
    place = min(max(PLACES[method](len(row), q), 1), len(row))
    row, before = sorted(row), math.floor(place)
    return row[before - 1] + (place - before) * (row[min(before, len(row) - 1)] - row[before - 1])


def shares(x: Host, q: Any, **options: Any) -> Host:
    """Reference of `quantile`: the axes of q come first."""
    q = np.asarray(q)
    shape = (*q.shape, *over(share)(x, q=0.5, **options).shape)
    return np.asarray([over(share)(x, q=one, **options) for one in q.ravel().tolist()]).reshape(shape)


AXES: tuple[tuple[str, Any], ...] = (
    ("all", {}),
    ("one", {"axis": 1}),
    ("last", {"axis": -1, "keepdims": True}),
    ("several", {"axis": (0, -1)}),
    ("kept", {"axis": (2, -2), "keepdims": True}),
    ("none", {"axis": ()}),
)
OTHER: tuple[tuple[Shape, ...], ...] = (((0, 2, 1),), ((1, 1, 1),))
FULL = (((1, 1, 1),),)
"""Other shapes of a reduction that has no value (or NaN) for no elements."""


def torch_axes(name: str, **fixed: Any) -> Callable[..., Any]:
    """Call PyTorch's function over one axis, which is what all of its reductions take."""

    def call(torch: Any, x: Any) -> Any:
        return getattr(torch, name)(x, dim=1, **fixed)

    return call


def reduction(
    name: str,
    function: Callable[..., Any],
    *,
    dtypes: tuple[str, ...] = ALL,
    result: str = "same",
    given: Input = CUBE,
    shapes: tuple[tuple[Shape, ...], ...] = OTHER,
    torch: Callable[..., Any] | None = None,
    case: str = "",
    **more: Any,
) -> list[Spec]:
    """Rows of a reduction: over all axes, over one, over several."""
    return [
        Spec(
            name,
            (given,),
            over(function),
            options={**axes, **more},
            case=f"{case}-{which}" if case else which,
            dtypes=dtypes,
            result=result,
            shapes=shapes if shapes is not FULL or which in ("all", "several") else OTHER,
            torch=torch if torch and which == "one" else False,
        )
        for which, axes in AXES
    ]


SPECS = [
    *reduction("sum", total, torch=torch_axes("sum")),
    Spec("sum", (Input(-9, 9),), over(total), case="signed", order=0, dtypes=SIGNED, result="int64"),
    Spec("sum", (Input(-9, 9),), over(total), case="unsigned", order=0, dtypes=UNSIGNED, result=None),
    Spec("sum", (Input(),), over(total), options={"dtype": "float64"}, case="wider", result="float64"),
    Spec("sum", (Input(dtype="int8"),), over(total), options={"dtype": "int8"}, case="int8", order=0, result="int8"),
    Spec("sum", (Input(shape=()),), over(total), case="0-d", dtypes=ALL),
    *reduction("mean", average, shapes=FULL, torch=torch_axes("mean")),
    Spec("mean", (Input(-9, 9),), over(average), case="integers", order=0, dtypes=INTEGERS, result="default"),
    *reduction("var", spread, dtypes=REAL, shapes=FULL, torch=torch_axes("var", correction=0)),
    *reduction(
        "var", spread, dtypes=REAL, case="sample", shapes=(), correction=1, torch=torch_axes("var", correction=1)
    )[:-1],
    *reduction("var", spread, dtypes=REAL, case="fraction", shapes=FULL, correction=0.5),
    Spec("var", (Input(-9, 9),), over(spread), case="integers", order=0, dtypes=INTEGERS, result="default"),
    Spec("std", (Input(shape=(0, 2)),), over(deviation), options={"axis": 1}, case="empty"),
    *reduction("std", deviation, dtypes=REAL, shapes=(), given=APART, torch=torch_axes("std", correction=0))[:-1],
    *reduction("std", deviation, dtypes=REAL, shapes=(), given=APART, case="sample", correction=1)[:-1],
    *reduction("prod", math.prod, torch=lambda torch, x: torch.prod(x, dim=1)),
    *reduction("prod", math.prod, case="zeros", given=Input(shape=(2, 3, 4), make=with_zeros), shapes=()),
    Spec("prod", (Input(-3, 3),), over(math.prod), case="signed", order=0, dtypes=SIGNED, result="int64"),
    Spec("prod", (Input(-3, 3),), over(math.prod), case="unsigned", order=0, dtypes=UNSIGNED, result=None),
    *reduction("max", max, dtypes=REAL, given=APART, shapes=FULL, torch=torch_axes("amax")),
    *reduction("min", min, dtypes=REAL, given=APART, shapes=FULL, torch=torch_axes("amin")),
    Spec("max", (Input(-9, 9),), over(max), case="integers", order=0, dtypes=INTEGERS),
    Spec("min", (Input(-9, 9),), over(min), case="integers", order=0, dtypes=INTEGERS),
    *reduction("median", middle, dtypes=REAL, given=APART, shapes=FULL),
    Spec(
        "median", (Input(-9, 9, shape=(5,)),), over(middle), case="integers", order=0, dtypes=INTEGERS, result="default"
    ),
]
SPECS += [
    Spec(
        name,
        (given,),
        running(step, first),
        options={"axis": axis, "include_initial": initial},
        case=f"{case}{axis}{'-initial' if initial else ''}",
        dtypes=ALL,
        shapes=(((3, 0, 2),), ((1, 1, 1),)) if given is CUBE else (),
        torch=torch if torch and not initial and axis == 1 else False,
    )
    for name, step, first, given, case, torch in (
        ("cumulative_sum", lambda now, value: now + value, 0, CUBE, "", lambda torch, x: torch.cumsum(x, 1)),
        ("cumulative_prod", lambda now, value: now * value, 1, CUBE, "", lambda torch, x: torch.cumprod(x, 1)),
        ("cumulative_prod", lambda now, value: now * value, 1, Input(shape=(2, 3, 4), make=with_zeros), "zeros", None),
    )
    for axis in (0, 1, -1)
    for initial in (False, True)
]
SPECS += [
    Spec("cumulative_sum", (Input(shape=(9,)),), running(lambda now, value: now + value, 0), dtypes=ALL),
    Spec("cumulative_prod", (Input(shape=(9,)),), running(lambda now, value: now * value, 1), dtypes=ALL),
    Spec(
        "cumulative_sum",
        (Input(-9, 9, shape=(4,)),),
        running(lambda now, value: now + value, 0),
        case="signed",
        order=0,
        dtypes=SIGNED,
        result="int64",
    ),
    Spec(
        "cumulative_prod",
        (Input(0, 3, shape=(4,)),),
        running(lambda now, value: now * value, 1),
        options={"dtype": "float64"},
        case="wider",
        dtypes=REAL,
        result="float64",
    ),
    Spec(
        "bincount",
        (Input(0, 4, shape=(6,)),),
        lambda x: np.asarray([x.tolist().count(i) for i in range(max(x.tolist()) + 1)]),
        case="counts",
        order=0,
        dtypes=INTEGERS,
        result="int64",
    ),
    Spec(
        "bincount",
        (Input(0, 4, shape=(6,), dtype="int64"), Input(shape=(6,))),
        lambda x, w: np.asarray([total([v for i, v in zip(x, w.tolist(), strict=True) if i == k]) for k in range(7)]),
        call=lambda xp, x, w: xp.bincount(x, weights=w, minlength=7),
        case="weights",
        dtypes=ALL,
        result=None,
        shapes=(((0,), (0,)),),
    ),
]
SPECS += [
    Spec(
        name,
        (CUBE,),
        in_a_row(step, first),
        options=options,
        case=case,
        dtypes=ALL,
        result=options.get("dtype", "same"),
        shapes=(((3, 0, 2),), ((1, 1, 1),)),
    )
    for name, step, first in (
        ("cumsum", lambda now, value: now + value, 0),
        ("cumprod", lambda now, value: now * value, 1),
    )
    for case, options in (("row", {}), ("axis", {"axis": 1}), ("wider", {"axis": -1, "dtype": "complex128"}))
]


def quantile(xp: Any, x: Any, q: Any, **options: Any) -> Any:
    return xp.quantile(x, q, **options)


def torch_quantile(torch: Any, x: Any, q: Any) -> Any:
    return torch.quantile(x, torch.as_tensor(q, dtype=x.dtype), dim=1)


SPECS += [
    *(
        Spec(
            "quantile",
            (APART,),
            shares,
            call=quantile,
            options={"q": 0.3, "axis": (0, -1), "method": method},
            case=method,
            dtypes=REAL,
            jax=None if method in ("linear", "lower", "higher", "nearest", "midpoint") else False,
        )
        for method in PLACES
    ),
    *(
        Spec("quantile", (APART,), shares, call=quantile, options=options, case=case, dtypes=REAL, jax=False)
        for case, options in (
            ("all", {"q": 0.6}),
            ("ends", {"q": [0.0, 1.0], "axis": 2}),
            ("beyond both ends", {"q": [0.01, 0.99], "axis": 2, "method": "weibull"}),
            ("table", {"q": [[0.1, 0.2], [0.5, 0.9]], "axis": 1, "keepdims": True}),
            ("no axis", {"q": 0.5, "axis": ()}),
        )
    ),
    Spec(
        "quantile",
        (APART,),
        lambda x: shares(x, [0.15, 0.7], axis=1),
        call=lambda xp, x: xp.quantile(x, [0.15, 0.7], axis=1),
        case="list",
        dtypes=REAL,
        torch=lambda torch, x: torch_quantile(torch, x, [0.15, 0.7]),
        jax=False,
    ),
    *(
        Spec(
            "quantile",
            (APART, Input(0.05, 0.95, shape=(2, 2))),
            shares,
            call=quantile,
            options={"axis": 2, "method": method},
            case=f"array-{method}",
            dtypes=REAL,
            distance=lambda x, q, method=method: [
                abs(at - round(at)) for at in (PLACES[method](4, one) for one in q.ravel().tolist())
            ],
            shapes=(((2, 3, 4), ()), ((2, 3, 4), (0,))),
            jax=False,
        )
        for method in ("linear", "hazen", "interpolated_inverted_cdf")
    ),
    Spec(
        "quantile",
        (Input(-9, 9, shape=(5,)),),
        lambda x: shares(x, 0.4),
        call=lambda xp, x: xp.quantile(x, 0.4),
        case="integers",
        order=0,
        dtypes=INTEGERS,
        result="default",
    ),
]
