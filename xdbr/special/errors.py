"""The error functions, the normal distribution and their inverses, each with its gradient rule beside it."""

from __future__ import annotations

import math
from typing import Any

from .._typing import Array
from ..backends.special.series import polynomial
from ._make import special

__all__ = ["erf", "erfc", "erfcinv", "erfcx", "erfinv", "log_ndtr", "ndtr", "ndtri"]

_2_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
_ROOT_PI_OVER_2 = math.sqrt(math.pi) / 2
_ROOT_2 = math.sqrt(2)
_ROOT_2PI = math.sqrt(2 * math.pi)


def _bell(xp: Any, x: Array) -> Array:
    """Give exp(-x**2) in a form whose derivatives of every order vanish at infinity, too."""
    # Beyond 1e3 it is zero in every dtype, and a product with an infinite x would be NaN.
    x = xp.where(xp.abs(x) > 1e3, 1e3, x)
    return xp.exp(-(x * x))


@special
def erf(xp: Any, x: Array, /) -> Array:
    """Error function, `2 / sqrt(pi) * integral of exp(-t**2) from 0 to x`.

    >>> import xdbr
    >>> xdbr.special.erf(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.        , 0.84270079], dtype=float64)
    """
    return xp.special.erf(x)


erf.vjp(lambda xp, g, x: g * (_2_OVER_ROOT_PI * _bell(xp, x)))


@special
def erfc(xp: Any, x: Array, /) -> Array:
    """Complementary error function, `1 - erf(x)`, exact to the last digits also where that is small.

    >>> import xdbr
    >>> xdbr.special.erfc(xdbr.asarray([0.0, 10.0], dtype="float64"))
    Variable([1.00000000e+00, 2.08848758e-45], dtype=float64)
    """
    return xp.special.erfc(x)


erfc.vjp(lambda xp, g, x: g * (-_2_OVER_ROOT_PI * _bell(xp, x)))


@special
def erfcx(xp: Any, x: Array, /) -> Array:
    """Scaled complementary error function, `exp(x**2) * erfc(x)`.

    >>> import xdbr
    >>> xdbr.special.erfcx(xdbr.asarray([0.0, 1e5], dtype="float64"))
    Variable([1.00000000e+00, 5.64189584e-06], dtype=float64)
    """
    return xp.special.erfcx(x)


# (2k - 1)!!, with alternating signs.
_DOUBLE_FACTORIALS = tuple(float((-1) ** (k + 1) * math.prod(range(1, 2 * k, 2))) for k in range(16))


def _erfcx_slope(xp: Any, x: Array) -> Array:
    """Give the derivative 2 x erfcx(x) - 2 / sqrt(pi); where the two terms cancel, by its asymptotic series."""
    large = x > 8
    some = xp.where(large, 1.0, x)
    u = 1 / xp.where(large, x, 8.0)
    u = u * u / 2
    series = polynomial(u, (0.0, *_DOUBLE_FACTORIALS[1:]))
    return xp.where(large, -_2_OVER_ROOT_PI * series, 2 * some * xp.special.erfcx(some) - _2_OVER_ROOT_PI)


erfcx.vjp(lambda xp, g, x: g * _erfcx_slope(xp, x))


@special
def erfinv(xp: Any, x: Array, /) -> Array:
    """Inverse of `erf`; infinite at -1 and 1, NaN beyond.

    >>> import xdbr
    >>> xdbr.special.erfinv(xdbr.asarray([0.0, 0.5], dtype="float64"))
    Variable([0.        , 0.47693628], dtype=float64)
    """
    return xp.special.erfinv(x)


erfinv.vjp(lambda xp, g, out: g * (_ROOT_PI_OVER_2 * xp.exp(out * out)))


@special
def erfcinv(xp: Any, x: Array, /) -> Array:
    """Inverse of `erfc`; infinite at 0 and 2, NaN beyond.

    >>> import xdbr
    >>> xdbr.special.erfcinv(xdbr.asarray([0.5, 1e-20], dtype="float64"))
    Variable([0.47693628, 6.60158062], dtype=float64)
    """
    return xp.special.erfcinv(x)


erfcinv.vjp(lambda xp, g, out: g * (-_ROOT_PI_OVER_2 * xp.exp(out * out)))


# -- the normal distribution ---------------------------------------------------------------------------


@special
def ndtr(xp: Any, x: Array, /) -> Array:
    """Distribution function of the standard normal distribution.

    >>> import xdbr
    >>> xdbr.special.ndtr(xdbr.asarray([0.0, -10.0], dtype="float64"))
    Variable([5.00000000e-01, 7.61985302e-24], dtype=float64)
    """
    return xp.special.ndtr(x)


def _normal_density(xp: Any, x: Array) -> Array:
    return _bell(xp, x / _ROOT_2) / _ROOT_2PI


ndtr.vjp(lambda xp, g, x: g * _normal_density(xp, x))


@special
def log_ndtr(xp: Any, x: Array, /) -> Array:
    """Logarithm of `ndtr`, exact to the last digits also where that is close to 0 or 1.

    >>> import xdbr
    >>> xdbr.special.log_ndtr(xdbr.asarray([0.0, -1000.0], dtype="float64"))
    Variable([-6.93147181e-01, -5.00007827e+05], dtype=float64)
    """
    return xp.special.log_ndtr(x)


def _log_ndtr_slope(xp: Any, x: Array) -> Array:
    # The density over the distribution function; for negative x both without their common factor.
    left, far = x < 0, x < -1e8
    low, high = xp.where(left, x, 0.0), xp.where(left, 0.0, x)
    below = _2_OVER_ROOT_PI / _ROOT_2 / xp.special.erfcx(low / -_ROOT_2)
    # The asymptotic series: the derivative of erfcx underflows far out.
    size = -xp.where(far, x, -1.0)
    below = xp.where(far, size + 1 / size, below)
    return xp.where(left, below, _normal_density(xp, high) / xp.special.ndtr(high))


log_ndtr.vjp(lambda xp, g, x: g * _log_ndtr_slope(xp, x))


@special
def ndtri(xp: Any, x: Array, /) -> Array:
    """Inverse of `ndtr`, the quantiles of the standard normal distribution; infinite at 0 and 1, NaN beyond.

    >>> import xdbr
    >>> xdbr.special.ndtri(xdbr.asarray([0.5, 0.975], dtype="float64"))
    Variable([0.        , 1.95996398], dtype=float64)
    """
    return xp.special.ndtri(x)


ndtri.vjp(lambda xp, g, out: g * (_ROOT_2PI * xp.exp(out * out / 2)))
