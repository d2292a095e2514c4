"""Special functions: edges, dtypes, errors, derivatives at poles, at infinity and by parameters."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest
from specs import _integrals as ref

import xdbr
from xdbr import AxisError, DtypeError, GradientError
from xdbr.autograd.kernels import raw_namespace
from xdbr.testing import assert_allclose, to_host

INF, NAN = math.inf, math.nan
needs_scipy = pytest.mark.skipif(importlib.util.find_spec("scipy") is None, reason="SciPy is not installed")


@pytest.fixture
def wide(float64):
    """Arrays in double precision on the device under test."""


def arrays(xp, device, *values):
    return [xp.asarray(x, dtype=xp.float64, device=device) for x in values]


def slopes(f, x, order=1):
    """The derivatives of a sum of an element-wise function, up to an order."""
    x = x.detach()
    x.requires_grad = True
    y, found = f(x), []
    for _ in range(order):
        (y,) = xdbr.grad([y], [x], [xdbr.ones_like(y)], create_graph=True)
        found.append(to_host(y).tolist())
    return found


# -- edges -----------------------------------------------------------------------------------------------

EDGES = {
    "erf": ([-INF, -0.0, INF, NAN], [-1.0, -0.0, 1.0, NAN]),
    "erfc": ([-INF, 0.0, 30.0, INF, NAN], [2.0, 1.0, 0.0, 0.0, NAN]),
    "erfcx": ([-30.0, -INF, 0.0, INF, NAN], [INF, INF, 1.0, 0.0, NAN]),
    "erfinv": ([-1.0, 0.0, 1.0, 1.5, NAN], [-INF, 0.0, INF, NAN, NAN]),
    "erfcinv": ([0.0, 1.0, 2.0, -0.5, NAN], [INF, 0.0, -INF, NAN, NAN]),
    "ndtr": ([-INF, 0.0, INF, NAN], [0.0, 0.5, 1.0, NAN]),
    "log_ndtr": ([-INF, INF, NAN], [-INF, 0.0, NAN]),
    "ndtri": ([0.0, 0.5, 1.0, 2.0, NAN], [-INF, 0.0, INF, NAN, NAN]),
    "expit": ([-INF, 0.0, INF, NAN], [0.0, 0.5, 1.0, NAN]),
    "log_expit": ([-INF, -1e6, INF, NAN], [-INF, -1e6, 0.0, NAN]),
    "softplus": ([-INF, 1e6, INF, NAN], [0.0, 1e6, INF, NAN]),
    "logit": ([0.0, 0.5, 1.0, -0.1, 1.1, NAN], [-INF, 0.0, INF, NAN, NAN, NAN]),
    "entr": ([-1.0, 0.0, INF, NAN], [-INF, 0.0, -INF, NAN]),
    "gammaln": ([0.0, -3.0, 1.0, 2.0, INF, NAN], [INF, INF, 0.0, 0.0, INF, NAN]),
    "gamma": ([0.0, -0.0, -2.0, -1e-300, INF, NAN, 172.0], [INF, -INF, NAN, -1e300, INF, NAN, INF]),
    "rgamma": ([0.0, -2.0, -199.0, 1e-300, INF, 172.0], [0.0, 0.0, 0.0, 1e-300, 0.0, 1 / (math.gamma(171) * 171)]),
    "gammasgn": ([0.0, -0.5, -1.5, -1.0, 3.0, NAN], [1.0, -1.0, 1.0, NAN, 1.0, NAN]),
    "psi": ([0.0, -0.0, -2.0, INF, NAN], [-INF, INF, NAN, INF, NAN]),
    "i0": ([0.0, NAN], [1.0, NAN]),
    "i1": ([0.0, NAN], [0.0, NAN]),
    "i0e": ([0.0, -1e300, -INF, INF], [1.0, 1 / math.sqrt(2 * math.pi) * 1e-150, 0.0, 0.0]),
    "i1e": ([0.0, -1e300, INF, NAN], [0.0, -1 / math.sqrt(2 * math.pi) * 1e-150, 0.0, NAN]),
    "k0": ([0.0, -1.0, 800.0, INF, NAN], [INF, NAN, 0.0, 0.0, NAN]),
    "k1": ([0.0, -1.0, 800.0, INF, NAN], [INF, NAN, 0.0, 0.0, NAN]),
    "k0e": ([0.0, -1.0, 1e300, INF, NAN], [INF, NAN, math.sqrt(math.pi / 2) * 1e-150, 0.0, NAN]),
    "k1e": ([0.0, -1.0, 1e300, INF, NAN], [INF, NAN, math.sqrt(math.pi / 2) * 1e-150, 0.0, NAN]),
    "cbrt": ([-0.0, -INF, INF, NAN], [-0.0, -INF, INF, NAN]),
    "exprel": ([-INF, 0.0, INF, NAN], [0.0, 1.0, INF, NAN]),
    "sinc": ([0.0, 0.5, NAN], [1.0, 2 / math.pi, NAN]),
    "sindg": ([90.0, -90.0, 180.0, 1e6 * 360 + 90], [1.0, -1.0, 0.0, 1.0]),
    "cosdg": ([0.0, 60.0, 90.0, 180.0, 270.0], [1.0, 0.5, 0.0, -1.0, 0.0]),
    "tandg": ([0.0, 45.0, 135.0, 180.0], [0.0, 1.0, -1.0, 0.0]),
    "cotdg": ([45.0, 90.0, -45.0], [1.0, 0.0, -1.0]),
    "zeta": ([-INF, -2.0, 0.0, 1.0, INF, NAN], [NAN, 0.0, -0.5, INF, 1.0, NAN]),
    "zetac": ([0.0, 1.0, INF], [-1.5, INF, 0.0]),
}
EDGES_OF_TWO = {
    "xlogy": ([0.0, 0.0, 0.0, 2.0, NAN], [0.0, INF, NAN, 0.0, 1.0], [0.0, 0.0, NAN, -INF, NAN]),
    "xlog1py": ([0.0, 0.0, 2.0], [-1.0, NAN, -1.0], [0.0, NAN, -INF]),
    "rel_entr": (
        [0.0, 0.0, 1.0, -1.0, NAN, 1.0, 1e300],
        [0.0, 1.0, 0.0, 1.0, 1.0, -1.0, 1e-300],
        [0.0, 0.0, INF, INF, NAN, INF, 6e302 * math.log(10)],
    ),
    "kl_div": ([0.0, 0.0, 1.0, -1.0, NAN], [0.0, 1.0, 0.0, 1.0, 1.0], [0.0, 1.0, INF, INF, NAN]),
    "gammainc": (
        [1.0, 1.0, 0.0, -1.0, INF, 2.0, NAN, INF, 1e300],
        [0.0, INF, 1.0, 1.0, 1.0, -1.0, 0.0, NAN, 1e300],
        [0.0, 1.0, 1.0, NAN, 0.0, NAN, NAN, NAN, 0.5],
    ),
    "gammaincc": (
        [1.0, 1.0, 0.0, -1.0, INF, 2.0, NAN, INF, 1e300],
        [0.0, INF, 1.0, 1.0, 1.0, -1.0, 0.0, NAN, 1e300],
        [1.0, 0.0, 0.0, NAN, 1.0, NAN, NAN, NAN, 0.5],
    ),
    "zeta": ([1.0, 2.0, 2.0, 0.5, NAN], [2.0, 0.0, -1.0, 2.0, 1.0], [INF, INF, INF, NAN, NAN]),
    "huber": ([-1.0, 0.0, 1.0], [1.0, 1.0, 1.0], [INF, 0.0, 0.5]),
    "pseudo_huber": ([-1.0, 0.0, 1.0, 1e10], [1.0, 1.0, 0.0, 1.0], [INF, 0.0, 0.0, 0.5]),
    "beta": ([1.0, -0.5, 1e300, -2.5], [INF, INF, -0.5, INF], [0.0, -INF, -2 * math.sqrt(math.pi) * 1e150, -INF]),
    "betaln": (
        [1.0, -0.5, 1e300],
        [INF, INF, -0.5],
        [-INF, INF, math.log(2 * math.sqrt(math.pi)) + 150 * math.log(10)],
    ),
    "stdtr": ([1e300, 1e300, 1e25], [1.0, 0.0, -INF], [math.erfc(-math.sqrt(0.5)) / 2, 0.5, 0.0]),
    "boxcox": ([0.0, 0.0, 1.0, -1.0], [2.0, 0.0, 0.0, 1.0], [-0.5, -INF, 0.0, NAN]),
    "pdtr": ([-1.0, 0.0, 2.7], [2.0, 2.0, 2.0], [NAN, math.exp(-2), 5 * math.exp(-2)]),
    "chdtrc": ([2.0, 2.0, 2.0], [0.0, INF, -1.0], [1.0, 0.0, NAN]),
}
EDGES_OF_THREE = {
    "betainc": (
        [1.0, 1.0, 2.0, 2.0, -1.0, 1e300, 0.0, 2.0, INF, 2.0, INF, 0.0, INF],
        [2.0, 2.0, 3.0, 3.0, 1.0, 1e300, 2.0, 0.0, 2.0, INF, 2.0, 0.0, INF],
        [0.0, 1.0, -0.1, NAN, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3, 1.0, 0.5, 0.5],
        [0, 1, NAN, NAN, NAN, 0.5, 1, 0, 0, 1, 1, NAN, NAN],
    ),
    "bdtr": ([-1.0, 5.0, 6.0, 2.7], [5.0, 5.0, 5.0, 5.0], [0.5, 0.5, 0.5, 0.5], [NAN, 1.0, NAN, 0.5]),
    "bdtrc": ([-1.0, 5.0, 6.0, 2.7], [5.0, 5.0, 5.0, 5.0], [0.5, 0.5, 0.5, 0.5], [1.0, 0.0, NAN, 0.5]),
    "fdtr": ([2.0, 2.0, 2.0, 0.0], [3.0, 3.0, 3.0, 3.0], [0.0, INF, -1.0, 1.0], [0.0, 1.0, NAN, NAN]),
}


@pytest.mark.parametrize("name", [*EDGES, *(f"{name} of two" for name in EDGES_OF_TWO), *EDGES_OF_THREE])
def test_edges(name, xp, device, wide):
    table = EDGES_OF_TWO if name.endswith(" of two") else EDGES_OF_THREE if name in EDGES_OF_THREE else EDGES
    name = name.removesuffix(" of two")
    *given, want = table[name]
    found = to_host(getattr(xp.special, name)(*arrays(xp, device, *given)))
    assert_allclose(found, want, rtol=1e-13, atol=1e-300)
    for a, b in zip(found.tolist(), want, strict=True):
        if b == 0 and name in ("erf", "cbrt"):
            assert math.copysign(1, a) == math.copysign(1, b)


@needs_scipy
def test_the_exponential_integral_at_infinity(xp, device, wide):
    assert to_host(xp.special.expi(*arrays(xp, device, [-INF, 0.0, INF]))).tolist() == [0.0, -INF, INF]


# -- derivatives at edges ------------------------------------------------------------------------------------

EDGE_SLOPES = {
    "erf": ([-INF, INF, 0.0], [0.0, 0.0, 2 / math.sqrt(math.pi)]),
    "erfc": ([-INF, INF], [0.0, 0.0]),
    "erfinv": ([-1.0, 1.0], [INF, INF]),
    "ndtr": ([-INF, INF], [0.0, 0.0]),
    "log_ndtr": ([INF, -1e8], [0.0, 1e8]),
    "ndtri": ([0.0, 1.0], [INF, INF]),
    "expit": ([-INF, INF, 40.0], [0.0, 0.0, math.exp(-40) / (1 + math.exp(-40)) ** 2]),
    "log_expit": ([-INF, INF], [1.0, 0.0]),
    "softplus": ([-INF, INF], [0.0, 1.0]),
    "logit": ([0.0, 1.0, 2.0], [INF, INF, NAN]),
    "entr": ([0.0, -1.0], [INF, NAN]),
    "rgamma": ([0.0, -1.0, -2.0, -3.0], [1.0, -1.0, 2.0, -6.0]),
    "i0e": ([0.0], [0.0]),
    "i1": ([0.0], [0.5]),
    "i1e": ([0.0], [0.5]),
    "exprel": ([0.0], [0.5]),
    "sinc": ([0.0], [0.0]),
    "cosm1": ([0.0], [0.0]),
    "cbrt": ([0.0], [INF]),
    "erfcx": ([1e9], [-1 / math.sqrt(math.pi) / 1e18]),
}


@pytest.mark.parametrize("name", EDGE_SLOPES)
def test_derivatives_at_edges(name, xp, device, wide):
    given, want = EDGE_SLOPES[name]
    (x,) = arrays(xp, device, given)
    assert_allclose(np.asarray(slopes(getattr(xp.special, name), x)[0]), want, rtol=1e-12)


def test_second_derivatives_at_infinity_vanish(xp, device, wide):
    (x,) = arrays(xp, device, [-INF, INF])
    for name in ("erf", "erfc", "ndtr", "expit"):
        assert slopes(getattr(xp.special, name), x, 3) == [[0.0, 0.0]] * 3, name


def test_derivatives_keep_their_digits_where_terms_cancel(xp, device, wide):
    (x,) = arrays(xp, device, [-1e3])
    first, second = slopes(xp.special.log_ndtr, x, 2)
    assert_allclose(first, [1e3 + 1e-3 - 2e-9], rtol=1e-13)
    assert_allclose(second, [-1 + 1e-6 - 6e-12], rtol=1e-13)
    (x,) = arrays(xp, device, [1e6])
    first, second = slopes(xp.special.i0e, x, 2)
    value = 1 / math.sqrt(2e6 * math.pi)
    assert_allclose(first, [-value / 2e6 * (1 + 3 / 8e6)], rtol=1e-12)
    assert_allclose(second, [value * 0.75e-12 * (1 + 5 / 8e6)], rtol=1e-11)
    for name, at in (("sinc", 1e-6), ("exprel", 1e-6)):
        (x,) = arrays(xp, device, [at])
        first, second, third = slopes(getattr(xp.special, name), x, 3)
        want = (
            [-(math.pi**2) / 3 * at, -(math.pi**2) / 3, math.pi**4 / 5 * at]
            if name == "sinc"
            else [1 / 2 + at / 3, 1 / 3 + at / 4, 1 / 4 + at / 5]
        )
        assert_allclose([first[0], second[0], third[0]], want, rtol=1e-9)


def test_products_with_a_logarithm_at_zero(xp, device, wide):
    zero, one = arrays(xp, device, [0.0], [3.0])
    assert slopes(lambda x: xp.special.xlogy(x, one), zero) == [[math.log(3)]]
    assert slopes(lambda x: xp.special.xlogy(x, zero), zero) == [[-INF]]
    assert slopes(lambda y: xp.special.xlogy(zero, y), zero) == [[0.0]]
    # The mixed second derivative at x = 0 is 1 / y.
    zero.requires_grad = one.requires_grad = True
    by_y = xdbr.grad(xp.special.xlogy(zero, one), one, create_graph=True)
    assert_allclose(xdbr.grad(by_y, zero), [1 / 3])
    (half,) = arrays(xp, device, [0.5])
    assert slopes(lambda x: xp.special.rel_entr(x, half), zero) == [[-INF]]
    assert slopes(lambda y: xp.special.rel_entr(zero.detach(), y), half) == [[-0.0]]


@needs_scipy
def test_binomial_coefficients_at_their_zeros(xp, device, wide):
    # binom(2, k) is zero at k = 3, and its slope there is that of 2 / (gamma(k + 1) gamma(3 - k)).
    (k,) = arrays(xp, device, [3.0, 4.0])
    step = 1e-5
    two = [to_host(xp.special.binom(2.0, k + h * step)) for h in (-2, -1, 1, 2)]
    want = (two[0] - 8 * two[1] + 8 * two[2] - two[3]) / (12 * step)
    assert_allclose(np.asarray(slopes(lambda k: xp.special.binom(2.0, k), k)[0]), want, rtol=1e-8)


# -- derivatives at extreme arguments ------------------------------------------------------------------------

SLOPE_0 = -math.log(2 * math.pi) / 2
CURVE_0 = -0.07281584548367672 + np.euler_gamma**2 / 2 - math.pi**2 / 24 - 2 * SLOPE_0**2  # with Stieltjes' constant
SLOPE_200 = math.exp(math.lgamma(201) - 200 * math.log(2 * math.pi)) / 2
CURVE_200 = 2 * SLOPE_200 * (math.log(2 * math.pi) + np.euler_gamma - math.fsum(1 / k for k in range(1, 201)))
ZETA = [(-1e-300, SLOPE_0, CURVE_0), (-1e-20, SLOPE_0, CURVE_0), (-1e-11, SLOPE_0, CURVE_0), (1e300, 0, 0)]
# The functional equation at its zeros; beyond, what overflows.
ZETA += [(-200.0, SLOPE_200, CURVE_200), (-700.0, INF, None), (-702.0, -INF, None)]
LOG = math.log(16e100)  # K(-a) is log(16 a) / (2 sqrt(a)), and less by a part in 4 a
FAR = (LOG - 2) / 4e150, (1.5 * LOG - 4) / 4e250
DEGREE = math.pi / 180
# Arguments with the first and the second derivative there, in closed form; `None` where it does not count.
EXTREMES = {
    "cbrt": [(-INF, 0, 0), (INF, 0, 0)],
    "exprel": [(1e10, INF, INF), (INF, INF, INF)],
    "tandg": [(0.0, DEGREE, 0), (180.0, DEGREE, 0)],
    "cotdg": [(0.0, -INF, None)],
    "log_ndtr": [(-1e9, 1e9, -1), (-1e300, 1e300, -1), (-INF, INF, -1)],
    "logit": [(0.0, INF, -INF), (-0.0, INF, -INF), (1e-300, 1e300, -INF), (1.0, INF, INF)],
    "entr": [(-0.0, INF, -INF)],
    "loggamma": [(-0.0, -INF, INF)],
    "gamma": [(INF, INF, INF)],
    "rgamma": [(INF, 0, 0), (-1e300, INF, None), (-INF, NAN, NAN)],
    "zeta": ZETA,
    "zetac": ZETA,
    "i0": [(1e10, INF, INF), (-1e10, -INF, INF)],
    "i1": [(1e10, INF, INF), (-1e10, INF, -INF)],
    "exp1": [(-0.0, -INF, INF)],
    "expi": [(1e10, INF, INF), (INF, INF, INF)],
    "ellipk": [(-INF, 0, 0), (-1e100, *FAR), (1.0, INF, None)],
    "ellipkm1": [(INF, 0, 0), (1e100, -FAR[0], FAR[1]), (1e-20, -5e19, 5e39), (1e-300, -5e299, INF), (0.0, -INF, None)],
    "ellipe": [(-INF, 0, 0), (1.0, -INF, None)],
    "spence": [(1e-20, math.log(1e-20), 1e20), (1e-300, math.log(1e-300), 1e300)],
}
SOME = {
    "boxcox(x, 1/2)": (
        lambda special, x: special.boxcox(x, 0.5),
        [(0.0, INF, -INF), (1e-300, 1e150, -INF), (INF, 0, 0)],
    ),
    "boxcox(x, -2)": (lambda special, x: special.boxcox(x, -2.0), [(1e5, 1e-15, -3e-20), (1e10, 1e-30, -3e-40)]),
    "boxcox(x, 2)": (lambda special, x: special.boxcox(x, 2.0), [(0.0, 0, 1), (1e-10, 1e-10, 1)]),
    "boxcox1p(x, 1/2)": (lambda special, x: special.boxcox1p(x, 0.5), [(-1.0, INF, -INF), (INF, 0, 0)]),
    "boxcox1p(1e-10, l)": (lambda special, x: special.boxcox1p(1e-10, x), [(2e10, (math.exp(2) + 1) / 4e20, None)]),
    "zeta(x, 1/2)": (lambda special, x: special.zeta(x, 0.5), [(1e100, INF, INF), (INF, INF, INF)]),
    "gammainc(a, 1)": (lambda special, a: special.gammainc(a, 1.0), [(INF, 0, 0)]),
    "betainc(a, 2, 0.3)": (lambda special, a: special.betainc(a, 2.0, 0.3), [(INF, 0, 0)]),
}


@needs_scipy
@pytest.mark.parametrize("name", [*EXTREMES, *SOME])
def test_derivatives_at_extreme_arguments(name, xp, device, wide):
    f, rows = SOME.get(name) or (lambda special, x: getattr(special, name)(x), EXTREMES[name])
    given, *want = zip(*rows, strict=True)
    (x,) = arrays(xp, device, given)
    for found, one in zip(slopes(lambda x: f(xp.special, x), x, 2), want, strict=True):
        for at, a, b in zip(given, found, one, strict=True):
            if b is not None:
                assert_allclose([at, a], [at, b], rtol=1e-9)  # a failure shows where


# -- derivatives by parameters -----------------------------------------------------------------------------

# The first and the second derivative by the first argument; by mpmath with 50 digits.
BY_PARAMETER = {
    ("gammainc", 0.5, 0.125): (-0.8314400343503888, 1.4749339901583554),
    ("gammainc", 0.001, 0.25): (-1.0444054749649414, -0.12088793711438947),
    ("gammainc", 2.5, 6.0): (-0.04392923998836797, -0.03918544009841709),
    ("gammainc", 300.0, 310.0): (-0.01925383837470143, -0.0006314875566518713),
    ("gammainc", 10000.0, 9900.0): (-0.0024237533683262443, 2.4359740396041316e-05),
    ("betainc", 0.5, 0.5, 0.25): (-0.6461318944389011, 1.4621636149762012),
    ("betainc", 0.001, 2.0, 0.5): (-0.19335968097167094, -0.2123067293104594),
    ("betainc", 300.0, 0.125, 0.9990234375): (-0.00028358191501910317, 1.1053908149398883e-06),
    ("betainc", 2.5, 40.0, 0.0625): (-0.24616751548748836, -0.006022918271330652),
    ("betainc", 1000.0, 900.0, 0.53125): (-0.007877657769200515, -6.936403894222139e-05),
    ("stdtr", 0.5, -2.0): (-0.23240356489323827, 0.5040226029383604),
    ("stdtr", 3.0, 1.25): (0.01329757971320125, -0.007909834513177645),
    ("stdtr", 30.0, -0.5): (-6.0466743512406455e-05, 4.008429186430437e-06),
    ("stdtr", 1000.0, 2.0): (1.351049489460594e-07, -2.703367364507087e-10),
}


@pytest.mark.parametrize(("name", "a", "b", "c"), [(*key, None)[:4] for key in BY_PARAMETER])
@pytest.mark.one_device
def test_derivatives_by_a_parameter(name, a, b, c, xp, device, wide):
    rest = (b,) if c is None else (b, c)
    (given,) = arrays(xp, device, [a])
    found = slopes(lambda a: getattr(xp.special, name)(a, *rest), given, 2)
    first, second = BY_PARAMETER[(name, a, *rest)]
    # That of stdtr is a difference of two terms that are about as many times larger as there are degrees of freedom.
    loss = a if name == "stdtr" else 1.0
    assert_allclose(found[0], [first], rtol=1e-13 * max(loss, 5))
    assert_allclose(found[1], [second], rtol=1e-11 * max(loss, 1))


def central(f, x, step=1e-4):
    return (f(x - 2 * step) - 8 * f(x - step) + 8 * f(x + step) - f(x + 2 * step)) / (12 * step)


def test_incomplete_gamma_by_its_parameter(xp, device, wide):
    pairs = [(a, a * share) for a in (0.3, 0.9, 1.0, 2.5, 9.9, 10.1, 30.0) for share in (0.05, 0.6, 1.0, 1.7)]
    want = np.asarray([central(lambda a, x=x: ref.gammainc(a, x), a) for a, x in pairs])
    a, x = arrays(xp, device, *zip(*pairs, strict=True))
    for name, sign in (("gammainc", 1), ("gammaincc", -1)):
        found = slopes(lambda a, name=name: getattr(xp.special, name)(a, x), a)[0]
        assert_allclose(found, sign * want, rtol=1e-8, atol=1e-11)


@pytest.mark.one_device
def test_incomplete_beta_by_its_parameters(xp, device, wide):
    given = [(a, b, x) for a in (0.3, 1.0, 4.0, 12.0) for b in (0.3, 2.0, 15.0) for x in (0.01, 0.4, 0.97)]
    by_a = np.asarray([central(lambda a, b=b, x=x: ref.betainc(a, b, x), a) for a, b, x in given])
    by_b = np.asarray([central(lambda b, a=a, x=x: ref.betainc(a, b, x), b) for a, b, x in given])
    a, b, x = arrays(xp, device, *zip(*given, strict=True))
    # The reference rounds 1 - t.
    for name, sign in (("betainc", 1), ("betaincc", -1)):
        f = getattr(xp.special, name)
        assert_allclose(slopes(lambda a, f=f: f(a, b, x), a)[0], sign * by_a, rtol=1e-8, atol=1e-9)
        assert_allclose(slopes(lambda b, f=f: f(a, b, x), b)[0], sign * by_b, rtol=1e-8, atol=1e-9)


def test_riemann_zeta_left_of_its_pole(xp, device, wide):
    # zeta'(0) = -log(2 pi) / 2 and zeta'(-2) = -zeta(3) / (4 pi**2).
    (x,) = arrays(xp, device, [0.0, -2.0])
    want = [-math.log(2 * math.pi) / 2, -ref.zeta(3.0, 1.0) / (4 * math.pi**2)]
    assert_allclose(slopes(xp.special.zeta, x)[0], want, rtol=1e-12)
    assert_allclose(slopes(xp.special.zetac, x)[0], want, rtol=1e-12)


NO_RULE = {
    "polygamma": ("n", (1.0, 2.0)),
    "jv": ("v", (1.0, 2.0)),
    "yv": ("v", (1.0, 2.0)),
    "yn": ("n", (1.0, 2.0)),
    "iv": ("v", (1.0, 2.0)),
    "ive": ("v", (1.0, 2.0)),
    "kv": ("v", (1.0, 2.0)),
    "kve": ("v", (1.0, 2.0)),
    "expn": ("n", (1.0, 2.0)),
    "hyp1f1": ("a", (1.0, 2.0, 0.5)),
    "lpmv": ("m", (1.0, 2.0, 0.5)),
    "pdtr": ("k", (1.0, 2.0)),
    "pdtrc": ("k", (1.0, 2.0)),
    "pdtri": ("k", (1.0, 0.5)),
    "bdtr": ("k", (1.0, 2.0, 0.5)),
    "bdtrc": ("k", (1.0, 2.0, 0.5)),
    "bdtri": ("k", (1.0, 2.0, 0.5)),
    "nbdtr": ("k", (1.0, 2.0, 0.5)),
    "nbdtrc": ("k", (1.0, 2.0, 0.5)),
    "nbdtri": ("k", (1.0, 2.0, 0.5)),
}


@needs_scipy
@pytest.mark.parametrize("name", NO_RULE)
def test_a_parameter_without_a_rule_raises(name, xp, device, wide):
    argument, given = NO_RULE[name]
    xs = arrays(xp, device, *([x] for x in given))
    xs[0].requires_grad = True
    y = getattr(xp.special, name)(*xs)
    with pytest.raises(GradientError, match=rf"special\.{name} has no gradient rule for its argument '{argument}'"):
        xdbr.sum(y).backward()


# -- dtypes and arguments ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["erf", "gammaln", "expit", "sinc", "i0", "entr"])
def test_integers_are_read_in_the_default_dtype(name, xp, device):
    x = xp.asarray([1, 2], device=device)
    found = getattr(xp.special, name)(x)
    assert found.dtype == xdbr.get_default_dtype()
    assert_allclose(found, getattr(xp.special, name)(xp.asarray([1.0, 2.0], device=device)), rtol=1e-6)


@pytest.mark.parametrize("name", ["xlogy", "gammainc", "chdtr", "zeta", "huber", "polygamma"])
def test_dtypes_of_two_arguments(name, xp, device):
    f = getattr(xp.special, name)
    single = xp.asarray([2.0, 3.0], dtype=xp.float32, device=device)
    integer = xp.asarray([2, 3], device=device)
    double = xp.astype(single, xp.float64)
    assert f(single, single).dtype == xp.float32
    assert f(single, double).dtype == f(double, single).dtype == xp.float64
    assert f(integer, single).dtype == f(integer, integer).dtype == xdbr.get_default_dtype() == "float32"
    assert f(integer, double).dtype == xp.float64
    assert f(2, single).dtype == f(single, 3.0).dtype == xp.float32
    assert f(np.float64(2), single).dtype == xp.float32


def test_complex_numbers_are_refused(xp, device):
    z = xp.asarray([1 + 2j], device=device)
    for name in ("erf", "psi", "expit", "gammaln"):
        with pytest.raises(DtypeError, match=rf"special\.{name}: expected real floating-point or integer arrays; got"):
            getattr(xp.special, name)(z)


def test_errors_name_the_function(xp, device):
    with pytest.raises(DtypeError, match="special.erf"):
        xp.special.erf("text")
    outside = xp.special.multigammaln(xp.asarray([0.5, 1.5], device=device), 3)
    assert bool(xp.isnan(outside[0])) and bool(xp.isfinite(outside[1]))
    with pytest.raises(AttributeError, match="nothing"):
        _ = xp.special.nothing


def test_names(xp, backend):
    assert (
        set(xp.special.__all__) == set(xdbr.special.__all__) == {n for n in dir(xp.special) if n in xp.special.__all__}
    )
    assert xp.special.erf is xdbr.special.erf and xp.special.digamma is xp.special.psi
    assert "special" in xp.__all__
    raw = raw_namespace(backend)
    assert [name for name in xp.special.__all__ if name != "digamma" and not hasattr(raw.special, name)] == []


# -- sums of exponentials ------------------------------------------------------------------------------------


def test_logsumexp_of_infinities(xp, device, wide):
    x, y, z = arrays(xp, device, [-INF, -INF], [INF, 1.0], [-INF, 2.0])
    assert xp.special.logsumexp(x).item() == -INF
    assert slopes(xp.special.logsumexp, x) == [[0.5, 0.5]]
    assert xp.special.logsumexp(y).item() == INF
    assert slopes(xp.special.logsumexp, y) == [[1.0, 0.0]]
    assert slopes(xp.special.logsumexp, z, 2) == [[0.0, 1.0], [0.0, 0.0]]


def test_logsumexp_with_factors_and_sign(xp, device, wide):
    a, b = arrays(xp, device, [1.0, 2.0, 800.0], [1.0, -3.0, 0.0])
    out, sign = xp.special.logsumexp(a, b=b, return_sign=True)
    assert_allclose([out.item(), sign.item()], [math.log(3 * math.exp(2) - math.e), -1.0], rtol=1e-13)
    assert math.isnan(xp.special.logsumexp(a, b=b).item())
    assert xp.special.logsumexp(a, b=xp.zeros_like(b)).item() == -INF
    b.requires_grad = True
    small = a[:2]
    out, sign = xp.special.logsumexp(small, b=b[:2], return_sign=True)
    total = math.e - 3 * math.exp(2)
    assert_allclose(xdbr.grad(out, b)[:2], [math.e / total, math.exp(2) / total], rtol=1e-12)
    out, sign = xp.special.logsumexp(small, axis=0, keepdims=True, return_sign=True)
    assert out.shape == sign.shape == (1,) and sign.item() == 1.0


def test_softmax_does_not_overflow(xp, device, wide):
    (x,) = arrays(xp, device, [[1000.0, 0.0], [-1000.0, 0.0]])
    assert_allclose(xp.special.softmax(x, axis=1), [[1.0, 0.0], [0.0, 1.0]])
    assert_allclose(xp.special.log_softmax(x, axis=1), [[0.0, -1000.0], [-1000.0, 0.0]])
    assert_allclose(xp.sum(xp.special.softmax(x)), 1.0)


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_an_axis_out_of_range(name, xp, device):
    with pytest.raises(AxisError, match=rf"special\.{name}: axis 2 is out of range for an array with 2 axes"):
        getattr(xp.special, name)(xp.ones((3, 4)), axis=2)


def test_softmax_and_logsumexp_of_no_elements(xp, device):
    x = xp.zeros((3, 0))
    assert to_host(xp.special.logsumexp(x)).tolist() == float("-inf")
    assert to_host(xp.special.logsumexp(x, axis=1)).tolist() == [float("-inf")] * 3
    assert to_host(xp.special.logsumexp(x, axis=0, keepdims=True)).shape == (1, 0)
    for f in (xp.special.softmax, xp.special.log_softmax):
        assert f(x, axis=1).shape == f(x).shape == (3, 0)


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_complex_arrays_have_no_softmax(name, xp, device):
    with pytest.raises(DtypeError, match=rf"special\.{name}: expected a real array; got dtype .*complex64"):
        getattr(xp.special, name)(xp.asarray([1j, 2.0], dtype="complex64"))
