"""Exponential integrals, elliptic integrals, the dilogarithm, and functions of several parameters."""

from __future__ import annotations

import math
from typing import Any

from .._typing import Array
from ..autograd.variable import VARIABLES
from ..backends.special.series import polynomial
from ._make import beside, special
from .elementary import log1prel

__all__ = ["ellipe", "ellipk", "ellipkm1", "exp1", "expi", "expn", "hyp1f1", "lpmv", "spence"]


@special
def exp1(xp: Any, x: Array, /) -> Array:
    """Exponential integral E1, that of `exp(-t) / t` from x to infinity; infinite at 0, NaN below.

    >>> import xdbr
    >>> xdbr.special.exp1(xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([0.21938393, 0.04890051], dtype=float64)
    """
    return xp.special.exp1(x)


# The sum takes the sign off a zero.
exp1.vjp(lambda xp, g, x: -g * (xp.exp(-x) / xp.where(x < 0, xp.nan, x + 0.0)))


@special
def expi(xp: Any, x: Array, /) -> Array:
    """Exponential integral Ei, that of `exp(t) / t` from minus infinity to x; minus infinity at 0.

    >>> import xdbr
    >>> xdbr.special.expi(xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([1.89511782, 4.95423436], dtype=float64)
    """
    return xp.special.expi(x)


def _expi_slope(xp: Any, x: Array) -> Array:
    e = xp.exp(x)
    # Where the exponential overflows nothing is divided: the quotient rule would subtract infinities.
    return e / xp.where(xp.isinf(e), 1.0, x)


expi.vjp(lambda xp, g, x: g * _expi_slope(xp, x))


@special
def expn(xp: Any, n: Array, x: Array, /) -> Array:
    """Exponential integral En, that of `exp(-x t) / t**n` from 1 to infinity, for n = 0, 1, 2, ...

    There is no derivative by the order: a gradient for a floating-point `n` raises `GradientError`.

    >>> import xdbr
    >>> xdbr.special.expn(2, xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([1.        , 0.14849551], dtype=float64)
    """
    return xp.special.expn(n, x)


def _expn_rule(xp: Any, g: Array, n: Array, x: Array, out: Array) -> Array:
    n, x = beside(xp, g, n, x)
    # Minus the function of the order n - 1; that of order -1 by the recurrence.
    lower = xp.special.expn(xp.maximum(n - 1, xp.zeros_like(n)), x)
    zero = n == 0
    return -g * xp.where(zero, (xp.exp(-x) + out) / xp.where(zero, x, 1.0), lower)


expn.vjp(None, _expn_rule)


@special
def ellipk(xp: Any, m: Array, /) -> Array:
    """Complete elliptic integral of the first kind of the parameter m; infinite at 1, NaN above.

    >>> import xdbr
    >>> xdbr.special.ellipk(xdbr.asarray([0.0, 0.5], dtype="float64"))
    Variable([1.57079633, 1.85407468], dtype=float64)
    """
    return xp.special.ellipk(m)


@special
def ellipkm1(xp: Any, p: Array, /) -> Array:
    """`ellipk(1 - p)`, exact to the last digits also for small p.

    >>> import xdbr
    >>> xdbr.special.ellipkm1(xdbr.asarray([1.0, 1e-20], dtype="float64"))
    Variable([ 1.57079633, 24.41214529], dtype=float64)
    """
    return xp.special.ellipkm1(p)


@special
def ellipe(xp: Any, m: Array, /) -> Array:
    """Complete elliptic integral of the second kind of the parameter m; NaN above 1.

    >>> import xdbr
    >>> xdbr.special.ellipe(xdbr.asarray([0.0, 0.5, 1.0], dtype="float64"))
    Variable([1.57079633, 1.35064388, 1.        ], dtype=float64)
    """
    return xp.special.ellipe(m)


def _series(terms: int = 34) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Give the coefficients of the powers of m in the derivatives of the two complete integrals."""
    first, second, c = [], [], math.pi / 2
    for k in range(1, terms):
        c *= ((2 * k - 1) / (2 * k)) ** 2
        first.append(k * c)
        second.append(-k * c / (2 * k - 1))
    return tuple(first), tuple(second)


_K_SLOPE, _E_SLOPE = _series()


def _ellipk_slope(xp: Any, m: Array, p: Array, k: Array, e: Array) -> Array:
    """Give (E / p - K) / (2 m) for p = 1 - m; where the difference cancels, by its series."""
    # At p = 0, where K is infinite, so is the quotient, and larger.
    return _slope(xp, m, _if_finite(xp, e) / p - _if_finite(xp, k), _K_SLOPE)


def _ellipe_slope(xp: Any, m: Array, e: Array, k: Array) -> Array:
    """Give (E - K) / (2 m); where the difference cancels, by its series."""
    return _slope(xp, m, _if_finite(xp, e) - k, _E_SLOPE)


def _slope(xp: Any, m: Array, difference: Array, series: tuple[float, ...]) -> Array:
    near = xp.abs(m) < 0.25
    small, far = xp.where(near, m, 0.0), xp.where(near, 1.0, m)
    return xp.where(near, polynomial(small, series), difference / (2 * far))


def _if_finite(xp: Any, x: Array) -> Array:
    """Give x, and 0 where it is infinite: E is at m = -inf, where a quotient by m or p is 0 all the same."""
    return xp.where(xp.isinf(x), 0.0, x)


@special
def _ellipem1(xp: Any, p: Array, /) -> Array:
    """`ellipe(1 - p)`, whose derivatives are exact also where 1 - p is rounded to 1."""
    return xp.special.ellipe(1 - p)


def _ellipkm1_slope(xp: Any, p: Array, k: Array) -> Array:
    p = p + 0.0  # takes the sign off a zero
    e = _ellipem1(p) if type(p) in VARIABLES else _ellipem1.primitive.forward(xp, p)
    return -_ellipk_slope(xp, 1 - p, p, k, e)


ellipk.vjp(lambda xp, g, m, out: g * _ellipk_slope(xp, m, 1 - m, out, xp.special.ellipe(m)))
ellipkm1.vjp(lambda xp, g, p, out: g * _ellipkm1_slope(xp, p, out))
ellipe.vjp(lambda xp, g, m, out: g * _ellipe_slope(xp, m, out, xp.special.ellipk(m)))
_ellipem1.vjp(lambda xp, g, p, out: -g * _ellipe_slope(xp, 1 - p, out, xp.special.ellipkm1(p)))


@special
def spence(xp: Any, z: Array, /) -> Array:
    """Dilogarithm in the form of Spence, the integral of `log(t) / (1 - t)` from 1 to z; NaN below 0.

    >>> import xdbr
    >>> xdbr.special.spence(xdbr.asarray([0.0, 1.0, 2.0], dtype="float64"))
    Variable([ 1.64493407,  0.        , -0.82246703], dtype=float64)
    """
    return xp.special.spence(z)


def _spence_slope(xp: Any, z: Array) -> Array:
    """Give log(z) / (1 - z); about 1, where it would lose digits, by the series."""
    near = xp.abs(z - 1) < 0.25
    far = xp.where(near, 2.0, z + 0.0)  # the sum takes the sign off a zero
    return -xp.where(near, log1prel(xp, xp.where(near, z - 1, 0.0)), xp.log(far) / (far - 1))


spence.vjp(lambda xp, g, z: g * _spence_slope(xp, z))


@special
def hyp1f1(xp: Any, a: Array, b: Array, x: Array, /) -> Array:
    """Confluent hypergeometric function 1F1.

    By its parameters there is no rule: the gradient for `a` or `b` raises `GradientError`.

    >>> import xdbr
    >>> xdbr.special.hyp1f1(1.0, 2.0, xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([1.        , 1.71828183], dtype=float64)
    """
    return xp.special.hyp1f1(a, b, x)


def _hyp1f1_rule(xp: Any, g: Array, a: Array, b: Array, x: Array) -> Array:
    a, b, x = beside(xp, g, a, b, x)
    return g * (a / b * xp.special.hyp1f1(a + 1, b + 1, x))


hyp1f1.vjp(None, None, _hyp1f1_rule)


@special
def lpmv(xp: Any, m: Array, v: Array, x: Array, /) -> Array:
    """Associated Legendre function of order m and degree v, for abs(x) <= 1.

    By order and degree there is no rule: a gradient for a floating-point `m` or `v` raises `GradientError`. At -1 and 1
    the derivative is NaN.

    >>> import xdbr
    >>> xdbr.special.lpmv(0, 2, xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([-0.5,  1. ], dtype=float64)
    """
    return xp.special.lpmv(m, v, x)


def _lpmv_rule(xp: Any, g: Array, m: Array, v: Array, x: Array, out: Array) -> Array:
    m, v, x = beside(xp, g, m, v, x)
    return g * ((v * x * out - (v + m) * xp.special.lpmv(m, v - 1, x)) / ((x - 1) * (x + 1)))


lpmv.vjp(None, None, _lpmv_rule)
