"""Rows of the element-wise functions. The references are Python's own `math`, `cmath` and arithmetic."""

from __future__ import annotations

import cmath
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ._spec import COMPLEX, INTEGERS, REAL, Input, Spec, each

ANY = REAL + COMPLEX
SIGNED = tuple(name for name in INTEGERS if name.startswith("int"))


def one(name: str, reference: Callable[[Any], Any], given: Input, **settings: Any) -> Spec:
    """A row of a function of one array."""
    settings = {"elementwise": True, "torch": True} | settings
    return Spec(name, (given,), each(reference), **settings)


def two(name: str, reference: Callable[[Any, Any], Any], x1: Input, x2: Input, **settings: Any) -> Spec:
    """A row of a function of two arrays."""
    settings = {"elementwise": True, "torch": True} | settings
    return Spec(name, (x1, x2), each(reference), **settings)


def gap(x1: Any, x2: Any) -> Any:
    return abs(x1 - x2)


def off_cut(*cuts: tuple[complex, complex]) -> Callable[[Any], Any]:
    """The distance of each element from rays, given as (end, direction), along which a complex function jumps."""

    def distance(x: Any) -> Any:
        found = np.full(np.shape(x), np.inf)
        for end, direction in cuts:
            z = (x - end) / direction  # the ray is now the positive real axis
            found = np.minimum(found, np.where(z.real > 0, abs(z.imag), abs(z)))
        return found

    return distance


def python_sign(x: Any) -> Any:
    return x / abs(x) if x else 0.0 * x


def python_round(x: float) -> float:
    return float(round(x))


ARITHMETIC = [
    two("add", operator.add, Input(), Input(), dtypes=ANY),
    two("add", operator.add, Input(0, 50), Input(0, 50), case="integers", dtypes=INTEGERS, order=0),
    two("subtract", operator.sub, Input(), Input(), dtypes=ANY),
    two("subtract", operator.sub, Input(-50, 50), Input(-50, 50), case="integers", dtypes=SIGNED, order=0),
    two("multiply", operator.mul, Input(), Input(), dtypes=ANY),
    two("multiply", operator.mul, Input(0, 11), Input(0, 11), case="integers", dtypes=INTEGERS, order=0),
    two("divide", operator.truediv, Input(), Input(away=(0,), margin=0.3), dtypes=ANY),
    two(
        "divide",
        operator.truediv,
        Input(1, 9),
        Input(1, 9),
        case="integers",
        dtypes=INTEGERS,
        order=0,
        result="default",
    ),
    two("floor_divide", operator.floordiv, Input(-5, 5), Input(0.5, 2), order=0),
    two("floor_divide", operator.floordiv, Input(0, 50), Input(1, 9), case="integers", dtypes=INTEGERS, order=0),
    two(
        "remainder",
        operator.mod,
        Input(-5, 5),
        Input(0.5, 2),
        distance=lambda x1, x2: abs(x1 / x2 - np.round(x1 / x2)),
    ),
    two("remainder", operator.mod, Input(0, 50), Input(1, 9), case="integers", dtypes=INTEGERS, order=0),
    one("negative", operator.neg, Input(), dtypes=ANY),
    one("negative", operator.neg, Input(-50, 50), case="integers", dtypes=SIGNED, order=0),
    one("positive", operator.pos, Input(), dtypes=ANY),
]

POWERS = [
    two("pow", operator.pow, Input(0.5, 2), Input(-3, 3)),
    two(
        "pow",
        operator.pow,
        Input(-2, 2),
        Input(-2, 2),
        case="complex",
        dtypes=COMPLEX,
        distance=lambda x1, x2: np.broadcast_arrays(off_cut((0, -1))(x1) - 0.2, x2)[0],
    ),
    two("pow", operator.pow, Input(0, 3), Input(0, 4), case="integers", dtypes=INTEGERS, order=0),
    *(
        one(
            "pow",
            lambda x, n=n: x**n,
            Input(0.3, 2) if n < 0 or n != int(n) else Input(),
            case=f"scalar {n}",
            call=lambda xp, x, n=n: xp.pow(x, n),
            torch=lambda torch, x, n=n: torch.pow(x, n),
            dtypes=ANY,
        )
        for n in (0, 1, 2, 3, 4, 5, 7, 8, 2.0, 3.0, 11, -1, -2, -3, 0.5, 2.5)
    ),
    one(
        "pow",
        lambda x: 2.5**x,
        Input(),
        case="scalar base",
        call=lambda xp, x: xp.pow(2.5, x),
        torch=lambda torch, x: torch.pow(2.5, x),
        dtypes=ANY,
    ),
    Spec(
        "pow",
        (Input(make=lambda rng, shape, dtype: -rng.uniform(0.5, 2, shape)), Input(-3, 4, dtype="int64")),
        lambda x1, x2: each(operator.pow)(x1, x2.astype("float64")),
        case="negative base",
        call=lambda xp, x1, x2: xp.pow(x1, xp.astype(x2, x1.dtype)),
        result=None,
    ),
    one("square", lambda x: x * x, Input(), dtypes=ANY),
    one("square", lambda x: x * x, Input(0, 11), case="integers", dtypes=INTEGERS, order=0),
    one("sqrt", math.sqrt, Input(0.3, 4)),
    one("sqrt", cmath.sqrt, Input(), case="complex", dtypes=COMPLEX, distance=lambda x: off_cut((0, -1))(x) - 0.2),
    one("reciprocal", lambda x: 1 / x, Input(away=(0,), margin=0.3), dtypes=ANY),
]

SIZES = [
    one("abs", abs, Input(away=(0,), margin=0.3), dtypes=ANY, result="real"),
    one("abs", abs, Input(-50, 50), case="integers", dtypes=SIGNED, order=0),
    one("sign", python_sign, Input(away=(0,)), order=0),
    one("sign", python_sign, Input(-5, 5), case="integers", dtypes=SIGNED, order=0),
    one(
        "sign",
        python_sign,
        Input(away=(0,), margin=0.3),
        case="complex",
        dtypes=COMPLEX,
        torch="sgn",
        jax=False,  # which gives it no derivative
        covers=("extras.direction",),
    ),
    two("copysign", math.copysign, Input(away=(0,)), Input(away=(0,))),
    two(
        "nextafter", math.nextafter, Input(0.5, 2), Input(2.5, 3), rtol=1e2, torch=False, jax=False
    ),  # in single precision the reference steps by less
    two("hypot", math.hypot, Input(away=(0,), margin=0.3), Input(away=(0,), margin=0.3)),
    two("maximum", max, Input(), Input(), distance=gap),
    two("maximum", max, Input(0, 50), Input(0, 50), case="integers", dtypes=INTEGERS, order=0),
    two("minimum", min, Input(), Input(), distance=gap),
    two("minimum", min, Input(0, 50), Input(0, 50), case="integers", dtypes=INTEGERS, order=0),
]


def clipped(x: Any, low: Any, high: Any) -> Any:
    return min(max(x, low), high)


def clip_distance(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(abs(x - low), abs(x - high))


BOUNDS = [
    Spec(
        "clip",
        (Input(-3, 3), Input(-2, -0.5), Input(0.5, 2)),
        each(clipped),
        shapes=(((), (), ()), ((0, 2), (), (2,)), ((2, 1, 2), (3, 1), ())),
        distance=clip_distance,
        torch=True,
    ),
    one(
        "clip",
        lambda x: clipped(x, -1, 1.5),
        Input(-3, 3, away=(-1, 1.5)),
        case="scalars",
        call=lambda xp, x: xp.clip(x, -1, 1.5),
        torch=lambda torch, x: torch.clip(x, -1, 1.5),
    ),
    one(
        "clip",
        lambda x: max(x, -1),
        Input(-3, 3, away=(-1,)),
        case="min",
        call=lambda xp, x: xp.clip(x, -1),
        torch=False,
    ),
    one(
        "clip",
        lambda x: min(x, 1),
        Input(-3, 3, away=(1,)),
        case="max",
        call=lambda xp, x: xp.clip(x, max=1),
        torch=False,
    ),
    one("clip", lambda x: x, Input(), case="none", call=lambda xp, x: xp.clip(x), torch=False),
    Spec(
        "clip",
        (Input(-3, 3), Input(0.5, 1), Input(-1, -0.5)),
        lambda x, low, high: each(lambda x, low, high: high)(x, low, high),
        case="crossed",
        distance=clip_distance,
    ),
    one(
        "clip",
        lambda x: clipped(x, 3, 7),
        Input(0, 10),
        case="integers",
        call=lambda xp, x: xp.clip(x, 3, 7),
        dtypes=INTEGERS,
        order=0,
    ),
]

PARTS = [
    one("real", lambda x: x.real, Input(), dtypes=ANY, result="real", torch=lambda torch, x: torch.real(x)),
    one("imag", lambda x: x.imag, Input(), dtypes=COMPLEX, result="real", torch=lambda torch, x: torch.imag(x)),
    one("imag", lambda x: 0.0, Input(), case="real", order=1, torch=False),
    one("conj", lambda x: x.conjugate(), Input(), dtypes=ANY, torch=lambda torch, x: torch.conj(x).resolve_conj()),
]

COMPLEX_BOX = Input(-1.5, 1.5)


def both(
    name: str,
    real: Callable[[float], float],
    complex_: Callable[[complex], complex],
    domain: Input,
    *cuts: tuple[complex, complex],
    given: Input = COMPLEX_BOX,
    rtol: float = 1.0,
    jax: bool | None = None,
) -> list[Spec]:
    """The real and the complex row of a function; the complex one stays 0.3 away from its branch cuts."""
    away = off_cut(*cuts)
    return [
        one(name, real, domain, rtol=rtol),
        one(
            name, complex_, given, case="complex", dtypes=COMPLEX, distance=lambda x: away(x) - 0.25, rtol=rtol, jax=jax
        ),
    ]


def complex_expm1(z: complex) -> complex:
    return complex(
        math.expm1(z.real) * math.cos(z.imag) - 2 * math.sin(z.imag / 2) ** 2, math.exp(z.real) * math.sin(z.imag)
    )


NEGATIVE_AXIS = (0, -1)
OUTER_REAL = ((1, 1), (-1, -1))
OUTER_IMAGINARY = ((1j, 1j), (-1j, -1j))
POLES_OF_TAN = ((math.pi / 2, 1j), (math.pi / 2, -1j), (-math.pi / 2, 1j), (-math.pi / 2, -1j))

TRANSCENDENTAL = [
    *both("exp", math.exp, cmath.exp, Input()),
    *both("expm1", math.expm1, complex_expm1, Input()),
    *both("log", math.log, cmath.log, Input(0.3, 4), NEGATIVE_AXIS),
    *both("log1p", math.log1p, lambda z: cmath.log(1 + z), Input(-0.6, 4), (-1, -1)),
    *both("log2", math.log2, lambda z: cmath.log(z) / math.log(2), Input(0.3, 4), NEGATIVE_AXIS),
    *both("log10", math.log10, cmath.log10, Input(0.3, 4), NEGATIVE_AXIS),
    two("logaddexp", lambda x1, x2: math.log(math.exp(x1) + math.exp(x2)), Input(), Input()),
    *both("sin", math.sin, cmath.sin, Input()),
    *both("cos", math.cos, cmath.cos, Input()),
    *both("tan", math.tan, cmath.tan, Input(-1.2, 1.2), given=Input(-1.1, 1.1)),
    *both("asin", math.asin, cmath.asin, Input(-0.8, 0.8), *OUTER_REAL),
    *both("acos", math.acos, cmath.acos, Input(-0.8, 0.8), *OUTER_REAL),
    *both("atan", math.atan, cmath.atan, Input(), *OUTER_IMAGINARY),
    two("atan2", math.atan2, Input(away=(0,), margin=0.3), Input(away=(0,), margin=0.3)),
    *both("sinh", math.sinh, cmath.sinh, Input()),
    *both("cosh", math.cosh, cmath.cosh, Input()),
    *both("tanh", math.tanh, cmath.tanh, Input(), given=Input(-1.1, 1.1)),
    *both("asinh", math.asinh, cmath.asinh, Input(), *OUTER_IMAGINARY),
    # JAX's derivative has the wrong sign in the left half-plane.
    *both("acosh", math.acosh, cmath.acosh, Input(1.3, 4), (1, -1), jax=False),
    *both("atanh", math.atanh, cmath.atanh, Input(-0.8, 0.8), *OUTER_REAL),
]


def compare(name: str, reference: Callable[[Any, Any], bool], dtypes: tuple[str, ...]) -> list[Spec]:
    settings = {"order": 0, "result": "bool"}
    return [
        two(name, reference, Input(), Input(), dtypes=dtypes, **settings),
        two(name, reference, Input(0, 3), Input(0, 3), case="integers", dtypes=INTEGERS, **settings),
    ]


def logic(name: str, reference: Callable[..., Any], case: str = "") -> Spec:
    return two(name, reference, Input(), Input(), case=case, dtypes=("bool",), order=0)


def bits(name: str, reference: Callable[..., Any]) -> list[Spec]:
    return [
        two(name, reference, Input(0, 100), Input(0, 100), dtypes=INTEGERS, order=0),
        logic(name, reference, "bool"),
    ]


def odd(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Numbers among which there are infinities, NaN and both zeros."""
    some = rng.choice([1.5, -2.0, 0.0, -0.0, np.inf, -np.inf, np.nan], shape)
    return some + 1j * rng.choice([1.0, np.inf, np.nan], shape) if dtype.kind == "c" else some


def predicate(name: str, reference: Callable[[Any], bool], complex_: Callable[[Any], bool] | None = None) -> list[Spec]:
    given = Input(make=odd)
    settings = {"order": 0, "result": "bool"}
    found = [one(name, reference, given, **settings)]
    if complex_ is not None:
        found += [one(name, complex_, given, case="complex", dtypes=COMPLEX, **settings)]
        found += [one(name, reference, Input(0, 9), case="integers", dtypes=INTEGERS, **settings)]
    return found


def rounding(name: str, reference: Callable[[Any], Any]) -> list[Spec]:
    return [
        one(name, lambda x: float(reference(x)), Input(-5, 5, away=(0,)), order=0),
        one(name, reference, Input(-50, 50), case="integers", dtypes=INTEGERS, order=0),
    ]


DISCRETE = [
    *compare("equal", operator.eq, ANY),
    *compare("not_equal", operator.ne, ANY),
    *compare("less", operator.lt, REAL),
    *compare("less_equal", operator.le, REAL),
    *compare("greater", operator.gt, REAL),
    *compare("greater_equal", operator.ge, REAL),
    logic("logical_and", lambda x1, x2: x1 and x2),
    logic("logical_or", lambda x1, x2: x1 or x2),
    logic("logical_xor", operator.ne),
    one("logical_not", operator.not_, Input(), dtypes=("bool",), order=0),
    *(
        spec
        for name, function in {"and": operator.and_, "or": operator.or_, "xor": operator.xor}.items()
        for spec in bits(f"bitwise_{name}", function)
    ),
    one("bitwise_invert", operator.invert, Input(-50, 50), dtypes=SIGNED, order=0),
    one("bitwise_invert", operator.not_, Input(), case="bool", dtypes=("bool",), order=0),
    two("bitwise_left_shift", operator.lshift, Input(0, 7), Input(0, 4), dtypes=INTEGERS, order=0),
    two("bitwise_right_shift", operator.rshift, Input(-100, 100), Input(0, 6), dtypes=INTEGERS, order=0),
    *predicate("isfinite", math.isfinite, cmath.isfinite),
    *predicate("isinf", math.isinf, cmath.isinf),
    *predicate("isnan", math.isnan, cmath.isnan),
    *predicate("signbit", lambda x: math.copysign(1, x) < 0),
    *rounding("ceil", math.ceil),
    *rounding("floor", math.floor),
    *rounding("trunc", math.trunc),
    *rounding("round", round),
    one(
        "round",
        lambda z: complex(round(z.real), round(z.imag)),
        Input(-5, 5, away=(0,)),
        case="complex",
        dtypes=COMPLEX,
        order=0,
    ),
]

SPECS = [*ARITHMETIC, *POWERS, *SIZES, *BOUNDS, *PARTS, *TRANSCENDENTAL, *DISCRETE]
