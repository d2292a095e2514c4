"""Rows of the special functions, against Python's `math`, closed forms, and the integrals and sums that define them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from xdbr import MissingDependencyError

from . import _integrals as ref
from ._checks import NotHere
from ._spec import Input, Spec, each


def row(name: str, reference: Callable[..., Any], *inputs: Input, case: str = "", **settings: Any) -> Spec:
    """A row of an element-wise function; it does not count where the function needs SciPy and that is not installed."""

    def call(xp: Any, *arrays: Any) -> Any:
        try:
            return getattr(xp.special, name)(*arrays)
        except MissingDependencyError as error:
            raise NotHere(str(error)) from error

    settings = {"elementwise": True, "jax": False, "rtol": 10.0} | settings
    if settings.get("torch") is True:
        settings["torch"] = f"special.{name}"
    if len(inputs) > 2 or inputs[0].dtype:  # a scalar in the place of a count is no row of its own
        inputs = tuple(Input(**{**vars(one), "shape": (2,)}) for one in inputs)
        settings["elementwise"] = False
        settings["shapes"] = (((),) * len(inputs), ((2, 1), (3,), *((),) * (len(inputs) - 2)))
    return Spec(f"special.{name}", inputs, each(reference), call=call, case=case, **settings)


def jax_special(name: str) -> Callable[..., Any]:
    def call(jnp: Any, *arrays: Any) -> Any:
        import jax.scipy.special

        return getattr(jax.scipy.special, name)(*arrays)

    return call


def inverse(f: Callable[[float], float], low: float, high: float) -> Callable[[float], float]:
    return lambda y: ref.solved(lambda x: f(x) - y, low, high)


def complement(f: Callable[..., float]) -> Callable[..., float]:
    return lambda *arguments: 1 - f(*arguments)


def quantile(f: Callable[..., float], low: float, high: float) -> Callable[..., float]:
    """The inverse of a function by its last argument."""
    return lambda *arguments: ref.solved(lambda x: f(*arguments[:-1], x) - arguments[-1], low, high)


def normal(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def log_ratio(x: float, y: float) -> float:
    return x * math.log(x / y)


ERRORS = [
    row("erf", math.erf, Input(-3, 3), torch=True, jax=jax_special("erf")),
    row("erfc", math.erfc, Input(-3, 3), torch=True),
    row("erfcx", lambda x: math.exp(x * x) * math.erfc(x), Input(-1.5, 3), torch=True),
    row(
        "erfcx",
        lambda x: ref.half_line(lambda t: np.exp(-t * t / (4 * x * x) - t)) / (x * math.sqrt(math.pi)),
        Input(7, 40),
        case="large",
    ),
    row("erfinv", inverse(math.erf, -4, 4), Input(-0.9, 0.9), torch=True),
    row("erfcinv", inverse(math.erfc, -4, 4), Input(0.1, 1.9)),
    row("ndtr", normal, Input(-3, 3), torch=True),
    row("log_ndtr", lambda x: math.log(normal(x)), Input(-4, 4), torch=True, jax=jax_special("log_ndtr")),
    row("ndtri", inverse(normal, -6, 6), Input(0.05, 0.95), torch=True),
]

INFORMATION = [
    row("expit", lambda x: 1 / (1 + math.exp(-x)), Input(-4, 4), torch=True),
    row("log_expit", lambda x: -math.log1p(math.exp(-x)), Input(-4, 4)),
    row("softplus", lambda x: math.log1p(math.exp(x)), Input(-4, 4), torch="nn.functional.softplus"),
    row("logit", lambda x: math.log(x / (1 - x)), Input(0.1, 0.9), torch=True),
    row("xlogy", lambda x, y: x * math.log(y), Input(), Input(0.3, 3), torch=True, jax=jax_special("xlogy")),
    row("xlog1py", lambda x, y: x * math.log1p(y), Input(), Input(-0.6, 3), torch=True),
    row("entr", lambda x: -x * math.log(x), Input(0.2, 3), torch=True),
    row("rel_entr", log_ratio, Input(0.3, 3), Input(0.3, 3)),
    row("kl_div", lambda x, y: log_ratio(x, y) - x + y, Input(0.3, 3), Input(0.3, 3)),
    row(
        "huber",
        lambda d, r: r * r / 2 if abs(r) <= d else d * (abs(r) - d / 2),
        Input(0.5, 1),
        Input(-2, 2),
        distance=lambda d, r: abs(abs(r) - d),
    ),
    row("pseudo_huber", lambda d, r: d * d * (math.hypot(1, r / d) - 1), Input(0.5, 1), Input(-2, 2)),
]

GAMMA = [
    row("gammaln", math.lgamma, Input(0.3, 5), torch=True, jax=jax_special("gammaln")),
    row("gammaln", math.lgamma, Input(-2.8, -0.2, away=(-2, -1), margin=0.2), case="negative"),
    row("loggamma", math.lgamma, Input(0.3, 5)),
    row("psi", ref.psi, Input(0.3, 5), torch=True, covers=("special.digamma",)),
    row(
        "psi",
        lambda x: ref.psi(1 - x) - math.pi / math.tan(math.pi * x),
        Input(-2.8, -0.2, away=(-2, -1), margin=0.2),
        case="negative",
        rtol=100.0,
    ),
    row("polygamma", ref.polygamma, Input(0, 4, dtype="int64"), Input(0.4, 4), result=None, rtol=100.0),
    row("gamma", math.gamma, Input(0.5, 4)),
    row("gamma", math.gamma, Input(-2.8, -0.2, away=(-2, -1), margin=0.2), case="negative"),
    row("rgamma", lambda x: 1 / math.gamma(x), Input(-2.7, 4, away=(-2, -1, 0))),
    row("gammasgn", lambda x: math.copysign(1, math.gamma(x)), Input(-2.7, 4, away=(-2, -1, 0)), order=0),
    Spec(
        "special.multigammaln",
        (Input(2, 5),),
        each(lambda a: math.log(math.pi) * 3 / 2 + sum(math.lgamma(a - j / 2) for j in range(3))),
        call=lambda xp, a: xp.special.multigammaln(a, 3),
        elementwise=True,
        torch=lambda torch, a: torch.special.multigammaln(a, 3),
        jax=False,
        rtol=10.0,
    ),
    row("beta", ref.beta, Input(0.5, 3), Input(0.5, 3)),
    row("betaln", lambda a, b: math.log(ref.beta(a, b)), Input(0.5, 3), Input(0.5, 3), jax=jax_special("betaln")),
    row("poch", lambda z, m: math.gamma(z + m) / math.gamma(z), Input(0.5, 3), Input(0.5, 3)),
    row(
        "binom",
        lambda n, k: math.gamma(n + 1) / math.gamma(k + 1) / math.gamma(n - k + 1),
        Input(3, 5),
        Input(0.5, 2.5),
    ),
    row("zeta", ref.zeta, Input(1.5, 5), Input(0.5, 3), rtol=100.0),
    row(
        "zeta", lambda x: ref.zeta(x, 1.0), Input(1.5, 5), case="Riemann", covers=("special.riemann_zeta",), rtol=100.0
    ),
    row("zetac", lambda x: ref.zeta(x, 2.0), Input(1.5, 5), rtol=100.0),
]
SHAPES = Input(0.6, 3), Input(0.6, 3)
INCOMPLETE = [
    row("gammainc", ref.gammainc, Input(0.4, 3), Input(0.3, 4)),
    row("gammaincc", lambda a, x: 1 - ref.gammainc(a, x), Input(0.4, 3), Input(0.3, 4)),
    row("gammaincinv", quantile(ref.gammainc, 1e-9, 30), Input(0.5, 3), Input(0.2, 0.8)),
    row("gammainccinv", quantile(complement(ref.gammainc), 1e-9, 30), Input(0.5, 3), Input(0.2, 0.8)),
    row("betainc", ref.betainc, *SHAPES, Input(0.2, 0.8)),
    row("betaincc", complement(ref.betainc), *SHAPES, Input(0.2, 0.8)),
    row("betaincinv", quantile(ref.betainc, 0, 1), *SHAPES, Input(0.3, 0.7)),
    row("betainccinv", quantile(complement(ref.betainc), 0, 1), *SHAPES, Input(0.3, 0.7)),
]


def fdtr(a: float, b: float, x: float) -> float:
    return ref.betainc(a / 2, b / 2, a * x / (a * x + b))


DEGREES, CHANCE = Input(1.5, 6), Input(0.2, 0.8)
DISTRIBUTIONS = [
    row("chdtr", lambda v, x: ref.gammainc(v / 2, x / 2), DEGREES, Input(0.5, 6)),
    row("chdtrc", lambda v, x: 1 - ref.gammainc(v / 2, x / 2), DEGREES, Input(0.5, 6)),
    row("chdtri", quantile(lambda v, x: 1 - ref.gammainc(v / 2, x / 2), 1e-9, 60), DEGREES, CHANCE),
    row("gdtr", lambda a, b, x: ref.gammainc(b, a * x), Input(0.5, 2), Input(0.5, 3), Input(0.3, 3)),
    row("gdtrc", lambda a, b, x: 1 - ref.gammainc(b, a * x), Input(0.5, 2), Input(0.5, 3), Input(0.3, 3)),
    row("fdtr", fdtr, DEGREES, DEGREES, Input(0.5, 3)),
    row("fdtrc", complement(fdtr), DEGREES, DEGREES, Input(0.5, 3)),
    row("fdtri", quantile(fdtr, 1e-9, 100), DEGREES, DEGREES, Input(0.3, 0.7)),
    row("stdtr", ref.stdtr, DEGREES, Input(-3, 3, away=(0,), margin=0.1)),
    row("stdtrit", quantile(ref.stdtr, -30, 30), DEGREES, Input(0.2, 0.8, away=(0.5,))),
]

# k successes of n, always fewer than all.
EVENTS, TRIALS = Input(0, 3, dtype="int64"), Input(4, 6, dtype="int64")
COUNTS = [
    row("pdtr", ref.pdtr, EVENTS, Input(0.5, 4), result=None),
    row("pdtrc", complement(ref.pdtr), EVENTS, Input(0.5, 4), result=None),
    row("pdtri", quantile(ref.pdtr, 1e-9, 30), EVENTS, CHANCE, result=None),
    row("bdtr", ref.bdtr, EVENTS, TRIALS, CHANCE, result=None),
    row("bdtrc", complement(ref.bdtr), EVENTS, TRIALS, CHANCE, result=None),
    row("bdtri", quantile(ref.bdtr, 0, 1), EVENTS, TRIALS, CHANCE, result=None),
    row("nbdtr", ref.nbdtr, EVENTS, TRIALS, CHANCE, result=None),
    row("nbdtrc", complement(ref.nbdtr), EVENTS, TRIALS, CHANCE, result=None),
    row("nbdtri", quantile(ref.nbdtr, 0, 1), EVENTS, TRIALS, CHANCE, result=None),
]

ORDER = Input(0, 3, dtype="int64")


def scaled(f: Callable[..., float], sign: int) -> Callable[..., float]:
    """A Bessel function times an exponential."""
    return lambda *arguments: math.exp(sign * abs(arguments[-1])) * f(*arguments)


def of_order(f: Callable[..., float], n: int) -> Callable[[float], float]:
    return functools.partial(f, n)


BESSEL = [
    row("j0", of_order(ref.jn, 0), Input(-4, 4)),
    row("j1", of_order(ref.jn, 1), Input(-4, 4)),
    row("jv", ref.jn, ORDER, Input(0.5, 4), result=None),
    row("y0", of_order(ref.yn, 0), Input(0.5, 4)),
    row("y1", of_order(ref.yn, 1), Input(0.5, 4)),
    row("yn", ref.yn, ORDER, Input(0.6, 4), result=None),
    row("yv", ref.yn, ORDER, Input(0.6, 4), result=None),
    row("i0", of_order(ref.i_n, 0), Input(-3, 3), torch=True),
    row("i1", of_order(ref.i_n, 1), Input(-3, 3), torch=True),
    row("i0e", scaled(of_order(ref.i_n, 0), -1), Input(-3, 3, away=(0,)), torch=True, jax=jax_special("i0e")),
    row("i0e", scaled(of_order(ref.i_n, 0), -1), Input(38, 44, away=(40,)), case="large"),
    row("i1e", scaled(of_order(ref.i_n, 1), -1), Input(-3, 3, away=(0,)), torch=True),
    row("iv", ref.i_n, ORDER, Input(0.5, 3), result=None),
    row("ive", scaled(ref.i_n, -1), ORDER, Input(0.5, 3), result=None),
    row("k0", of_order(ref.kn, 0), Input(0.5, 3)),
    row("k1", of_order(ref.kn, 1), Input(0.5, 3)),
    row("k0e", scaled(of_order(ref.kn, 0), 1), Input(0.5, 3)),
    row("k1e", scaled(of_order(ref.kn, 1), 1), Input(0.5, 3)),
    row("kv", ref.kn, ORDER, Input(0.6, 3), result=None),
    row("kve", scaled(ref.kn, 1), ORDER, Input(0.6, 3), result=None),
]

INTEGRALS = [
    row("exp1", lambda x: ref.expn(1, x), Input(0.4, 3)),
    row("expi", ref.expi, Input(-3, 3, away=(0,), margin=0.4)),
    row("expn", ref.expn, ORDER, Input(0.4, 3), result=None),
    row("ellipk", ref.ellipk, Input(-1, 0.7)),
    row("ellipkm1", lambda p: ref.ellipk(1 - p), Input(0.3, 1.5), covers=("special._ellipem1",)),
    row("ellipe", ref.ellipe, Input(-1, 0.7)),
    row("spence", ref.spence, Input(0.2, 3)),
    # Parameters of whole numbers have no gradient; for others it raises.
    row("hyp1f1", ref.hyp1f1, Input(1, 3, dtype="int64"), Input(1, 3, dtype="int64"), Input(-2, 2), result=None),
    row("lpmv", ref.lpmv, Input(0, 2, dtype="int64"), Input(2, 4, dtype="int64"), Input(-0.7, 0.7), result=None),
]


def boxcox(x: float, power: float) -> float:
    return (x**power - 1) / power if power else math.log(x)


def inv_boxcox(y: float, power: float) -> float:
    return (1 + power * y) ** (1 / power)


ELEMENTARY = [
    row("cbrt", lambda x: math.copysign(abs(x) ** (1 / 3), x), Input(away=(0,), margin=0.3)),
    row("exp2", lambda x: 2**x, Input(), torch=True),
    row("exp10", lambda x: 10**x, Input()),
    row("exprel", lambda x: math.expm1(x) / x, Input(away=(0, -1, 1), margin=0.01)),
    row("cosm1", lambda x: math.cos(x) - 1, Input()),
    row("sinc", lambda x: math.sin(math.pi * x) / (math.pi * x), Input(away=(0,), margin=0.01), torch=True),
    row("boxcox", boxcox, Input(0.3, 3), Input(-2, 2, away=(0,))),
    row("boxcox1p", lambda x, power: boxcox(1 + x, power), Input(-0.6, 3), Input(-2, 2, away=(0,))),
    row("inv_boxcox", inv_boxcox, Input(0.2, 2), Input(0.2, 2)),
    row("inv_boxcox1p", lambda y, power: inv_boxcox(y, power) - 1, Input(0.2, 2), Input(0.2, 2)),
    row("radian", lambda d, m, s: math.radians(d + (m + s / 60) / 60), Input(), Input(), Input()),
    row("sindg", lambda x: math.sin(math.radians(x)), Input(-200, 200)),
    row("cosdg", lambda x: math.cos(math.radians(x)), Input(-200, 200)),
    row("tandg", lambda x: math.tan(math.radians(x)), Input(-200, 200, away=(-90, 90), margin=30.0)),
    row("cotdg", lambda x: 1 / math.tan(math.radians(x)), Input(-170, 170, away=(0, -180, 180), margin=30.0)),
]


def host_sum(a: Any, axis: Any = None, b: Any = 1.0, keepdims: bool = False) -> Any:
    return np.log(np.sum(b * np.exp(a), axis=axis, keepdims=keepdims))


def shares(x: Any, axis: Any = None) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


SUMS = [
    *(
        Spec(
            "special.logsumexp", (Input(),), host_sum, options=options, case=case, shapes=shapes, torch=torch, jax=False
        )
        for case, options, shapes, torch in (
            ("all", {}, (((),), ((2, 1, 3),)), False),
            ("axis", {"axis": 1}, (((0, 2),),), lambda torch, x: torch.logsumexp(x, 1)),
            (
                "kept",
                {"axis": (0, -1), "keepdims": True},
                (),
                lambda torch, x: torch.logsumexp(x, (0, -1), keepdim=True),
            ),
        )
    ),
    Spec(
        "special.logsumexp",
        (Input(), Input(0.5, 2)),
        lambda a, b, axis: host_sum(a, axis, b),
        call=lambda xp, a, b, axis: xp.special.logsumexp(a, axis=axis, b=b),
        options={"axis": 0},
        case="factors",
        shapes=(((3, 2), ()), ((2,), (3, 1))),
        jax=False,
        covers=("special._logsumexp",),
    ),
    *(
        Spec(
            f"special.{name}",
            (Input(),),
            reference,
            options={"axis": axis},
            case=f"axis {axis}",
            shapes=(((),),) if axis is None else (((2, 1, 3),), ((2, 0),) if axis == 0 else ((0, 2),)),
            torch=(lambda torch, x, name=name: getattr(torch, name)(x, -1)) if axis == -1 else False,
            jax=False,
        )
        for name, reference in (
            ("softmax", shares),
            ("log_softmax", lambda x, axis: np.log(shares(x, axis))),
        )
        for axis in (None, 0, -1)
    ),
]

SPECS = [
    *ERRORS,
    *INFORMATION,
    *GAMMA,
    *INCOMPLETE,
    *DISTRIBUTIONS,
    *COUNTS,
    *BESSEL,
    *INTEGRALS,
    *ELEMENTARY,
    *SUMS,
]
