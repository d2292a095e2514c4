"""The gamma function and what is made of it, each with its gradient rule beside it."""

from __future__ import annotations

import math
from typing import Any

from .._typing import Array
from ..autograd.primitive import composite, primitive
from ..backends.special.series import cos_pi, psi_gap, sin_pi
from ._make import beside, floating, special

__all__ = [
    "beta",
    "betaln",
    "binom",
    "digamma",
    "gamma",
    "gammaln",
    "gammasgn",
    "loggamma",
    "multigammaln",
    "poch",
    "polygamma",
    "psi",
    "rgamma",
]

_LOG_PI = math.log(math.pi)


@special
def gammaln(xp: Any, x: Array, /) -> Array:
    """Logarithm of the absolute value of the gamma function; infinite at 0, -1, -2, ...

    >>> import xdbr
    >>> xdbr.special.gammaln(xdbr.asarray([0.5, 100.0], dtype="float64"))
    Variable([  0.57236494, 359.13420537], dtype=float64)
    """
    return xp.special.gammaln(x)


gammaln.vjp(lambda xp, g, x: g * xp.special.psi(x))


@special
def loggamma(xp: Any, x: Array, /) -> Array:
    """Principal branch of the logarithm of the gamma function: for real x that is `gammaln`, and NaN where x < 0.

    >>> import xdbr
    >>> xdbr.special.loggamma(xdbr.asarray([0.5, -0.5], dtype="float64"))
    Variable([0.57236494,        nan], dtype=float64)
    """
    return xp.special.loggamma(x)


# A negative zero is the end of the domain, too.
loggamma.vjp(lambda xp, g, x: g * xp.special.psi(xp.where(x < 0, xp.nan, x + 0.0)))


@special
def psi(xp: Any, x: Array, /) -> Array:
    """Digamma function, the derivative of `gammaln`; minus infinity at 0, NaN at -1, -2, ...

    >>> import xdbr
    >>> xdbr.special.psi(xdbr.asarray([1.0, 0.5], dtype="float64"))
    Variable([-0.57721566, -1.96351003], dtype=float64)
    """
    return xp.special.psi(x)


psi.vjp(lambda xp, g, x: g * xp.special.polygamma(1, x))

digamma = psi


@special
def polygamma(xp: Any, n: Array, x: Array, /) -> Array:
    """Derivative of order n of the digamma function, for n = 0, 1, 2, ...

    There is no derivative by the order: a gradient for a floating-point `n` raises `GradientError`.

    >>> import xdbr
    >>> xdbr.special.polygamma(1, xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([1.64493407, 0.64493407], dtype=float64)
    """
    return xp.special.polygamma(n, x)


polygamma.vjp(None, lambda xp, g, n, x: g * xp.special.polygamma(n + 1, x))


@special
def gamma(xp: Any, x: Array, /) -> Array:
    """Gamma function; NaN at -1, -2, ..., infinite at 0 with its sign.

    >>> import xdbr
    >>> xdbr.special.gamma(xdbr.asarray([0.5, 5.0], dtype="float64"))
    Variable([ 1.77245385, 24.        ], dtype=float64)
    """
    return xp.special.gamma(x)


# Beyond 1e3 gamma is infinite in every dtype, and a product with the slope of psi, 0 at infinity, would be NaN.
gamma.vjp(lambda xp, g, x, out: g * (out * xp.special.psi(xp.where(x > 1e3, 1e3, x))))


@special
def rgamma(xp: Any, x: Array, /) -> Array:
    """Reciprocal of the gamma function, zero at its poles.

    >>> import xdbr
    >>> xdbr.special.rgamma(xdbr.asarray([-1.0, 5.0], dtype="float64"))
    Variable([0.        , 0.04166667], dtype=float64)
    """
    return xp.special.rgamma(x)


def _rgamma_slope(xp: Any, x: Array) -> Array:
    # Left of 1/2 by the reflection, gamma(1 - x) sin(pi x) / pi, which is smooth at the zeros.
    left = x < 0.5
    # Beyond 1e3 the reciprocal is zero in every dtype, and a product with an infinite psi would be NaN.
    right = xp.where(left, 1.0, xp.where(x > 1e3, 1e3, x))
    far = -xp.special.psi(right) * xp.special.rgamma(right)
    low = xp.where(left, x, 0.0)
    z = 1 - low
    # Of x, not of 1 - x, which beyond 2**53 is no longer odd where x is even.
    sine, cosine = sin_pi(xp, low), cos_pi(xp, low)
    near = xp.special.gamma(z) * (cosine - xp.special.psi(z) * sine / math.pi)
    return xp.where(left, near, far)


rgamma.vjp(lambda xp, g, x: g * _rgamma_slope(xp, x))


@primitive(name="special.gammasgn", elementwise=True, floating=True, differentiable=False)
def gammasgn(xp: Any, x: Array, /) -> Array:
    """Sign of the gamma function: NaN at -1, -2, ..., that of zero at 0; it is constant between, without a gradient.

    >>> import xdbr
    >>> xdbr.special.gammasgn(xdbr.asarray([2.5, -0.5], dtype="float64"))
    Variable([ 1., -1.], dtype=float64)
    """
    return xp.special.gammasgn(x)


@composite(name="special.multigammaln")
def multigammaln(xp: Any, a: Array, d: int, /) -> Array:
    """Logarithm of the multivariate gamma function of dimension `d`.

    a: greater than (d - 1) / 2; elsewhere the result is NaN.

    >>> import xdbr
    >>> xdbr.special.multigammaln(xdbr.asarray([3.0, 4.0], dtype="float64"), 2)
    Variable([1.55019499, 3.56509801], dtype=float64)
    """
    d = int(d)
    a = floating(xp, a)
    out = xp.special.gammaln(a) + d * (d - 1) / 4 * _LOG_PI
    for j in range(1, d):
        out = out + xp.special.gammaln(a - j / 2)
    return xp.where(a > (d - 1) / 2, out, float("nan"))


# -- beta functions and binomial coefficients -------------------------------------------------------------


@special
def beta(xp: Any, a: Array, b: Array, /) -> Array:
    """Beta function, `gamma(a) * gamma(b) / gamma(a + b)`.

    >>> import xdbr
    >>> xdbr.special.beta(xdbr.asarray([2.0, 0.5], dtype="float64"), 3)
    Variable([0.08333333, 1.06666667], dtype=float64)
    """
    return xp.special.beta(a, b)


def _psi_difference(xp: Any, x: Array, y: Array) -> Array:
    """Give psi(x) - psi(y)."""
    right = (x > 0) & (y > 0)
    a, b = xp.where(right, x, 1.0), xp.where(right, y, 1.0)
    p, q = xp.where(right, 1.0, x), xp.where(right, 1.0, y)
    return xp.where(right, psi_gap(xp, a, b - a), xp.special.psi(p) - xp.special.psi(q))


def _sides(xp: Any, g: Array, a: Array, b: Array) -> Array:
    """Give the derivative of `betaln` by its first argument."""
    a, b = beside(xp, g, a, b)
    right = (a > 0) & (a + b > 0)
    p, q = xp.where(right, a, 1.0), xp.where(right, b, 1.0)
    c, d = xp.where(right, 1.0, a), xp.where(right, 1.0, a + b)
    return xp.where(right, psi_gap(xp, p, q), xp.special.psi(c) - xp.special.psi(d))


beta.vjp(
    lambda xp, g, a, b, out: g * (out * _sides(xp, g, a, b)),
    lambda xp, g, a, b, out: g * (out * _sides(xp, g, b, a)),
)


@special
def betaln(xp: Any, a: Array, b: Array, /) -> Array:
    """Logarithm of the absolute value of the beta function.

    >>> import xdbr
    >>> xdbr.special.betaln(xdbr.asarray([2.0, 1000.0], dtype="float64"), 3)
    Variable([ -2.48490665, -20.03311616], dtype=float64)
    """
    return xp.special.betaln(a, b)


betaln.vjp(lambda xp, g, a, b: g * _sides(xp, g, a, b), lambda xp, g, a, b: g * _sides(xp, g, b, a))


@special
def poch(xp: Any, z: Array, m: Array, /) -> Array:
    """Pochhammer symbol (rising factorial), `gamma(z + m) / gamma(z)`.

    The derivatives are NaN where z or z + m is 0, -1, -2, ...

    >>> import xdbr
    >>> xdbr.special.poch(xdbr.asarray([1.0, 0.5], dtype="float64"), 3)
    Variable([6.   , 1.875], dtype=float64)
    """
    return xp.special.poch(z, m)


def _poch_by_z(xp: Any, g: Array, z: Array, m: Array, out: Array) -> Array:
    z, m = beside(xp, g, z, m)
    return g * (out * _psi_difference(xp, z + m, z))


def _poch_by_m(xp: Any, g: Array, z: Array, m: Array, out: Array) -> Array:
    z, m = beside(xp, g, z, m)
    return g * (out * xp.special.psi(z + m))


poch.vjp(_poch_by_z, _poch_by_m)


@special
def binom(xp: Any, n: Array, k: Array, /) -> Array:
    """Binomial coefficient for real arguments, `gamma(n + 1) / (gamma(k + 1) * gamma(n - k + 1))`.

    >>> import xdbr
    >>> xdbr.special.binom(xdbr.asarray([5.0, 2.5], dtype="float64"), 2)
    Variable([10.   ,  1.875], dtype=float64)
    """
    return xp.special.binom(n, k)


def _binom_by_n(xp: Any, g: Array, n: Array, k: Array, out: Array) -> Array:
    n, k = beside(xp, g, n, k)
    m = n - k + 1
    pole, right = _at_pole(xp, m)
    plain = out * _psi_difference(xp, n + 1, right)
    return g * xp.where(pole, _binom_scale(xp, n, k) * _rgamma_slope(xp, m), plain)


def _binom_by_k(xp: Any, g: Array, n: Array, k: Array, out: Array) -> Array:
    n, k = beside(xp, g, n, k)
    m = n - k + 1
    pole, right = _at_pole(xp, m)
    low, other = _at_pole(xp, k + 1)
    plain = out * _psi_difference(xp, right, other)
    at_high = -_binom_scale(xp, n, k) * _rgamma_slope(xp, m)
    at_low = xp.special.gamma(n + 1) * xp.special.rgamma(m) * _rgamma_slope(xp, k + 1)
    return g * xp.where(pole, at_high, xp.where(low, at_low, plain))


def _at_pole(xp: Any, m: Array) -> tuple[Array, Array]:
    """Tell where m is a pole of the gamma function, so that the coefficient is zero; give m with 1 there."""
    pole = (m <= 0) & (xp.floor(m) == m)
    return pole, xp.where(pole, 1.0, m)


def _binom_scale(xp: Any, n: Array, k: Array) -> Array:
    return xp.special.gamma(n + 1) * xp.special.rgamma(k + 1)


binom.vjp(_binom_by_n, _binom_by_k)
