"""The zeta functions of Hurwitz and Riemann, with their derivatives by both arguments."""

from __future__ import annotations

import math
from typing import Any

from .._typing import Array
from ..autograd.primitive import primitive
from ..autograd.variable import Variable
from ..backends.special.series import cos_pi, sin_pi
from ..backends.special.zeta import BERNOULLI, TERMS
from ._make import beside, special

__all__ = ["zeta", "zetac"]

_LOG_2PI = math.log(2 * math.pi)


@primitive(name="special.zeta", elementwise=True, floating=True)
def _zeta(xp: Any, x: Array, q: Array, /) -> Array:
    return xp.special.zeta(x, q)


def zeta(x: Any, q: Any = None, /) -> Variable:
    """Hurwitz's zeta function, the sum of `1 / (k + q)**x` over k = 0, 1, 2, ..., for x > 1; without q Riemann's.

    Riemann's is defined for x < 1, too. Hurwitz's has a derivative by x where q > 0; it is NaN elsewhere.

    >>> import xdbr
    >>> xdbr.special.zeta(xdbr.asarray([2.0, 4.0], dtype="float64"))
    Variable([1.64493407, 1.08232323], dtype=float64)
    """
    return _riemann(x) if q is None else _zeta(x, q)


def hurwitz_by_x(xp: Any, x: Array, q: Array) -> Array:
    """Give the derivative of Hurwitz's zeta function by x, for q > 0, by Euler's and Maclaurin's formula."""
    total = xp.zeros_like(x + q)
    for k in range(TERMS):
        total = total - (q + k) ** -x * xp.log(q + k)
    q = q + TERMS
    # Beyond 1e3 the rest is zero in every dtype, and products with powers of an infinite x would be NaN.
    x = xp.where(x > 1e3, 1e3, x)
    log_q = xp.log(q)
    power = q**-x
    # q**(1 - x) / (x - 1) and q**-x / 2; then the terms with rising factorials of x, and their logarithmic derivatives.
    total = total - q * power * (log_q + 1 / (x - 1)) / (x - 1) - power * log_q / 2
    term, slope = power * (x / q), power / q
    for j, b in enumerate(BERNOULLI):
        total = total + b * (slope - term * log_q)
        for m in (2 * j + 1, 2 * j + 2):
            term, slope = term * ((x + m) / q), slope * ((x + m) / q) + term / q
    return total


def _zeta_by_x(xp: Any, g: Array, x: Array, q: Array) -> Array:
    x, q = beside(xp, g, x, q)
    valid = (q > 0) & (x > 1)
    return g * xp.where(valid, hurwitz_by_x(xp, xp.where(valid, x, 2.0), xp.where(valid, q, 1.0)), xp.nan)


def _zeta_by_q(xp: Any, g: Array, x: Array, q: Array) -> Array:
    x, q = beside(xp, g, x, q)
    return g * (-x * xp.special.zeta(x + 1, q))


_zeta.vjp(_zeta_by_x, _zeta_by_q)


@primitive(name="special.riemann_zeta", elementwise=True, floating=True)
def _riemann(xp: Any, x: Array, /) -> Array:
    return xp.special.riemann_zeta(x)


def riemann_by_x(xp: Any, x: Array) -> Array:
    """Give the derivative of Riemann's zeta function: left of -1/4 by the functional equation."""
    left = x < -0.25  # close to 0 the equation is a difference of two poles
    right = hurwitz_by_x(xp, xp.where(left, 2.0, x), xp.ones_like(x))
    s = xp.where(left, x, -1.0)
    mirror = 1 - s
    value, slope = xp.special.zeta(mirror, 1.0), hurwitz_by_x(xp, mirror, xp.ones_like(x))
    sine, cosine = sin_pi(xp, s / 2), cos_pi(xp, s / 2)
    turned = (_LOG_2PI - xp.special.psi(mirror)) * sine + math.pi / 2 * cosine
    # Of logarithms, since the gamma function overflows long before the product.
    scale = 2 * xp.exp(xp.special.gammaln(mirror) - mirror * _LOG_2PI)
    return xp.where(left, scale * (turned * value - sine * slope), right)


_riemann.vjp(lambda xp, g, x: g * riemann_by_x(xp, x))


@special
def zetac(xp: Any, x: Array, /) -> Array:
    """Riemann's zeta function less 1, exact to the last digits also for large x.

    >>> import xdbr
    >>> xdbr.special.zetac(xdbr.asarray([2.0, 50.0], dtype="float64"))
    Variable([6.44934067e-01, 8.88178421e-16], dtype=float64)
    """
    return xp.special.zetac(x)


zetac.vjp(lambda xp, g, x: g * riemann_by_x(xp, x))
