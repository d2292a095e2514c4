"""Where special functions come from, and the portable texts: their precision, far arguments, single precision."""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys

import numpy as np
import pytest
from specs import _integrals as ref

from xdbr import MissingDependencyError
from xdbr.backends.numpy_backend import NumpyBackend
from xdbr.backends.special import PORTABLE, Special
from xdbr.testing import assert_allclose

INF, NAN = math.inf, math.nan
needs_scipy = pytest.mark.skipif(importlib.util.find_spec("scipy") is None, reason="SciPy is not installed")


def test_importing_xdbr_imports_no_scipy():
    code = "import sys, xdbr; xdbr.numpy.special.erf; print([m for m in sys.modules if m[:5] == 'scipy'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_scipy_the_portable_texts_run(backend, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    monkeypatch.setitem(sys.modules, "scipy", None)
    special = Special(NumpyBackend())
    assert special.source("erf") == "portable"
    assert_allclose(special.erf(np.asarray([0.5])), [math.erf(0.5)])
    with pytest.raises(MissingDependencyError, match=r'special\.j0: .* pip install "xdbr\[scipy\]"'):
        special.j0(np.asarray([0.5]))


PORTABLE_ONLY = Special(NumpyBackend(), native=False, host=False)
POINTS = {
    "erf": ([1e-300, 1e-9, 0.4, 0.9999, 1.0001, 3.0, -5.0], math.erf),
    "erfc": ([-3.0, 0.1, 0.6, 3.0, 10.0, 26.0], math.erfc),
    "gamma": ([1e-300, 0.1, 0.9, 1.5, 2.4999, 5.5, 9.99, 10.01, 100.5, 171.0, -0.5, -3.7, -20.3], math.gamma),
    "gammaln": ([1e-300, 0.1, 0.9, 2.3, 5.5, 1e5, 1e300, -0.5, -3.7, -20.3], math.lgamma),
    "expit": ([-700.0, -1.0, 0.0, 1.0, 40.0], lambda x: 1 / (1 + math.exp(-x))),
    "cbrt": ([-27.0, 1e-300, 1e300], lambda x: math.copysign(1, x) * math.cbrt(abs(x))),
    "psi": ([0.1, 1.0, 1.4616321449683622, 1.9, 5.0, 30.0], ref.psi),
    "i0": ([0.1, 7.9, 8.1, 30.0], lambda x: ref.i_n(0, x)),
    "i1": ([0.1, 7.9, 8.1, 30.0], lambda x: ref.i_n(1, x)),
}


@pytest.mark.parametrize("name", POINTS)
def test_precision_of_the_portable_texts(name):
    if not hasattr(math, "cbrt"):
        pytest.skip("this Python has no math.cbrt")
    given, reference = POINTS[name]
    want = [reference(x) for x in given]
    atol = 3e-14 if name == "psi" else 0.0  # its zero is among the points, and the reference is an integral
    assert_allclose(getattr(PORTABLE_ONLY, name)(np.asarray(given)), want, rtol=5e-14, atol=atol)
    narrow = getattr(PORTABLE_ONLY, name)(np.asarray(given, dtype="float32"))
    assert narrow.dtype == np.float32


def test_log_gamma_close_to_its_zeros():
    e = 2.0**-30
    first = -np.euler_gamma * e + ref.zeta(2.0, 1.0) / 2 * e * e
    second = (1 - np.euler_gamma) * e + (ref.zeta(2.0, 1.0) - 1) / 2 * e * e
    assert_allclose(PORTABLE_ONLY.gammaln(np.asarray([1 + e, 2 + e])), [first, second], rtol=1e-15)


# Where the texts take other ways than among moderate arguments; by mpmath with 40 digits.
FAR_POINTS = {
    "gammainc": (
        [(1e7, 9988e3), (1e9, 999970e3), (1e9, 1e9), (1e14, 1e14 - 6e7)],
        [7.3481268057496127e-5, 0.17139112367528191, 0.50000420522087006, 9.8658055652997475e-10],
    ),
    "gammaincc": (
        [(1e7, 10012e3), (1e9, 1000030e3), (1e14, 1e14 + 6e7), (1e-10, 0.27), (1e-4, 1e-6), (0.3, 0.4)],
        [
            *(7.43226705769195e-5, 0.17139058740184139, 9.8659473358995775e-10),
            *(9.84933101339048e-11, 0.001322961926840904, 0.22361941898336418),
        ],
    ),
    "betainc": (
        [(1e9, 3e8, 0.76922), (1e10, 1e10, 0.49998), (2.0, 1e300, 1e-300), (0.5, 1e300, 1e-300), (10.0, 10.0, 1e-320)],
        [0.17837003698832322, 7.708628851474704e-9, 0.264241117657115, 0.842700792949715, 0.0],
    ),
    "betaincc": (
        [(5.8591850024431256e20, 3585256.021175933, 0.9999999999999939), (1e22, 7e7, 0.9999999999999982)],
        [3.652439407e-5, 0.0],
    ),
    "beta": ([(-20.5, 0.5), (-30.25, 5.25)], [0.0, 0.0]),
    "zeta": ([(1.5, 1e300)], [2e-150]),
    "zetac": ([(-171.0,), (-35.5,)], [1.2819489863482243e172, 642429955212.92075 - 1]),
    "kl_div": ([(1e300, 1e-300)], [6e302 * math.log(10) - 1e300]),
}


@pytest.mark.parametrize("name", FAR_POINTS)
def test_portable_texts_at_large_and_small_arguments(name):
    given, want = FAR_POINTS[name]
    arrays = [np.asarray(one) for one in zip(*given, strict=True)]
    assert_allclose(getattr(PORTABLE_ONLY, name)(*arrays), want, rtol=2e-9)


def test_the_beta_function_in_single_precision():
    a = np.asarray([19.94, 17.6, 19.0, -17.331831], dtype="float32")
    b = np.asarray([15.6, 17.6, 19.0, -17.151804], dtype="float32")
    assert_allclose(PORTABLE_ONLY.beta(a, b), [2.228e-11, 2.1561e-11, 2.978e-12, -2.5632e10], rtol=1e-4)


NARROW_POINTS = {
    "gamma": ([36.0, 180.0, 1e10, -1e-20, -40.5], [INF, INF, INF, -1e20, 0.0]),
    "rgamma": ([36.0, 180.0, 1e10, -1e-20, -34.2279], [0.0, 0.0, 0.0, -1e-20, -1.383412e38]),
    "zetac": ([-35.0, -57.0, -199.0], [380879311251.0, -4.1147288792558e30, INF]),
    "k0e": ([1e30, 90.0], [math.sqrt(math.pi / 2) * 1e-15, 0.1319285563]),
    "i0e": ([1e30, 90.0], [1 / math.sqrt(2 * math.pi) * 1e-15, 0.04211098388]),
}


@pytest.mark.parametrize("name", NARROW_POINTS)
def test_portable_texts_in_single_precision_do_not_overflow_on_the_way(name):
    given, want = NARROW_POINTS[name]
    found = getattr(PORTABLE_ONLY, name)(np.asarray(given, dtype="float32"))
    assert_allclose(found, np.asarray(want, dtype="float32"), rtol=5e-6)


def scipy_points(name):
    """Arguments of a portable function, within its domain."""
    rng = np.random.default_rng(0)
    n = 60
    small, large, chance = rng.uniform(0.1, 5, n), rng.uniform(0.1, 90, n), rng.uniform(0.02, 0.98, n)
    k = np.floor(rng.uniform(0, 12, n))
    given = {"pdtr": (k, large), "pdtrc": (k, large), "pdtri": (k.astype("int64"), chance)}
    for one in ("bdtr", "bdtrc", "bdtri"):
        given[one] = (k, (k + 1 + np.floor(large)).astype("int64"), chance)
    for one in ("nbdtr", "nbdtrc", "nbdtri"):
        given[one] = (k.astype("int64"), (1 + np.floor(large)).astype("int64"), chance)
    given |= {"betainc": (small, large, chance), "betaincc": (small, large, chance)}
    given |= dict.fromkeys("xlogy xlog1py rel_entr kl_div beta betaln gammainc gammaincc".split(), (small, large))
    given |= {"polygamma": (np.minimum(k, 8), large), "zeta": (1 + small, large), "stdtr": (large, 5 - small * 2)}
    given |= dict.fromkeys("erfinv erfcinv ndtri logit".split(), (chance,))
    given |= dict.fromkeys("gammaln entr loggamma".split(), (small,))
    return given.get(name, (small - 3,))


@needs_scipy
@pytest.mark.parametrize("name", [name for name in PORTABLE if name != "riemann_zeta"])
def test_portable_texts_give_what_scipy_gives(name):
    import scipy.special

    given = scipy_points(name)
    with np.errstate(all="ignore"):
        want = getattr(scipy.special, name)(*given)
    special = Special(NumpyBackend(), native=False)  # the portable quantiles of counts rest on SciPy's others
    assert_allclose(getattr(special, name)(*given), want, rtol=3e-12, atol=1e-300)
