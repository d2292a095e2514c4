"""Powers, exponentials, angles in degrees and their like, whose plain formulas overflow or lose digits."""

from __future__ import annotations

import math
from typing import Any

from .._typing import Array
from ..backends.special.series import parity, polynomial
from ._make import composed, special

__all__ = [
    "boxcox",
    "boxcox1p",
    "cbrt",
    "cosdg",
    "cosm1",
    "cotdg",
    "exp2",
    "exp10",
    "exprel",
    "inv_boxcox",
    "inv_boxcox1p",
    "radian",
    "sinc",
    "sindg",
    "tandg",
]

_LOG_2, _LOG_10 = math.log(2), math.log(10)
_ROUNDED = 1 - math.tan(math.pi / 4)

# -- powers and exponentials -----------------------------------------------------------------------------


@special
def cbrt(xp: Any, x: Array, /) -> Array:
    """Cube root; its derivative at 0 is infinite.

    >>> import xdbr
    >>> xdbr.special.cbrt(xdbr.asarray([-8.0, 27.0], dtype="float64"))
    Variable([-2.,  3.], dtype=float64)
    """
    return xp.special.cbrt(x)


# Divided twice: the derivative of a quotient by the square would be 0 times infinity at infinity.
cbrt.vjp(lambda xp, g, out: g / 3 / out / out)


@special
def exp2(xp: Any, x: Array, /) -> Array:
    """2 to the power of each element.

    >>> import xdbr
    >>> xdbr.special.exp2(xdbr.asarray([0.5, 3.0], dtype="float64"))
    Variable([1.41421356, 8.        ], dtype=float64)
    """
    return xp.special.exp2(x)


exp2.vjp(lambda xp, g, out: g * (out * _LOG_2))


@special
def exp10(xp: Any, x: Array, /) -> Array:
    """10 to the power of each element.

    >>> import xdbr
    >>> xdbr.special.exp10(xdbr.asarray([0.5, 3.0], dtype="float64"))
    Variable([   3.16227766, 1000.        ], dtype=float64)
    """
    return xp.special.exp10(x)


exp10.vjp(lambda xp, g, out: g * (out * _LOG_10))


# 1 / (k + 1)!, of the series of (exp(x) - 1) / x.
_EXPREL = tuple(1 / math.factorial(k + 1) for k in range(20))


@composed
def exprel(xp: Any, x: Array, /) -> Array:
    """`(exp(x) - 1) / x`, and 1 at 0.

    >>> import xdbr
    >>> xdbr.special.exprel(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([1.        , 1.71828183], dtype=float64)
    """
    near = xp.abs(x) < 1
    far = xp.where(near, 1.0, x)
    e = xp.expm1(far)
    # Where the exponential overflows nothing is divided: the quotient rule would subtract infinities.
    quotient = e / xp.where(xp.isinf(e), 1.0, far)
    return xp.where(near, polynomial(xp.where(near, x, 0.0), _EXPREL), quotient)


@composed
def cosm1(xp: Any, x: Array, /) -> Array:
    """`cos(x) - 1`, exact to the last digits also for small x.

    >>> import xdbr
    >>> xdbr.special.cosm1(xdbr.asarray([0.0, 1e-10], dtype="float64"))
    Variable([-0.e+00, -5.e-21], dtype=float64)
    """
    half = xp.sin(x / 2)
    return -2 * half * half


# The series of sin(z) / z in z**2.
_SINC = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(12))


@composed
def sinc(xp: Any, x: Array, /) -> Array:
    """`sin(pi x) / (pi x)`, and 1 at 0.

    >>> import xdbr
    >>> xdbr.special.sinc(xdbr.asarray([0.0, 0.5], dtype="float64"))
    Variable([1.        , 0.63661977], dtype=float64)
    """
    z = math.pi * x
    near = xp.abs(z) < 1
    small, far = xp.where(near, z, 0.0), xp.where(near, 1.0, z)
    return xp.where(near, polynomial(small * small, _SINC), xp.sin(far) / far)


# -- the transformations of Box and Cox ------------------------------------------------------------------


@composed
def boxcox(xp: Any, x: Array, lmbda: Array, /) -> Array:
    """`(x**lmbda - 1) / lmbda`, and log(x) for lmbda = 0.

    >>> import xdbr
    >>> xdbr.special.boxcox(xdbr.asarray([1.0, 4.0], dtype="float64"), 0.5)
    Variable([0., 2.], dtype=float64)
    """
    return _boxcox(xp, x, xp.log(x), lmbda)


@composed
def boxcox1p(xp: Any, x: Array, lmbda: Array, /) -> Array:
    """`((1 + x)**lmbda - 1) / lmbda`, and log(1 + x) for lmbda = 0.

    >>> import xdbr
    >>> xdbr.special.boxcox1p(xdbr.asarray([0.0, 3.0], dtype="float64"), 0.5)
    Variable([0., 2.], dtype=float64)
    """
    return _boxcox(xp, 1 + x, xp.log1p(x), lmbda, rounded=xp.abs(x) < 0.5)


def _boxcox(xp: Any, x: Array, log_x: Array, lmbda: Array, *, rounded: Array | None = None) -> Array:
    """Give (x**lmbda - 1) / lmbda; where the power is close to 1, by the series of its logarithm.

    rounded: where x has lost digits that its logarithm has.
    """
    infinite = (lmbda == 0) & xp.isinf(log_x)
    z = lmbda * xp.where(infinite, 0.0, log_x)
    near = xp.abs(z) < 1
    series = xp.where(near, log_x, 0.0) * polynomial(xp.where(near, z, 0.0), _EXPREL)
    # Not by the logarithm, whose slope times that of the exponential says nothing where x is 0 or infinite.
    power = xp.pow(xp.where(near, 1.0, xp.where(x < 0, xp.nan, x + 0.0)), lmbda)
    if rounded is not None:
        power = xp.where(rounded, xp.exp(xp.where(near | ~rounded, 0.0, z)), power)
    # Where the power overflows its sign is all that counts: the quotient rule would subtract infinities.
    divisor = xp.where(near, 1.0, xp.where(xp.isinf(power), xp.sign(lmbda), lmbda))
    return xp.where(near, series, (power - 1) / divisor)


@composed
def inv_boxcox(xp: Any, y: Array, lmbda: Array, /) -> Array:
    """Inverse of `boxcox` by its first argument.

    >>> import xdbr
    >>> xdbr.special.inv_boxcox(xdbr.asarray([0.0, 2.0], dtype="float64"), 0.5)
    Variable([1., 4.], dtype=float64)
    """
    return xp.exp(_inv_boxcox(xp, y, lmbda))


@composed
def inv_boxcox1p(xp: Any, y: Array, lmbda: Array, /) -> Array:
    """Inverse of `boxcox1p` by its first argument.

    >>> import xdbr
    >>> xdbr.special.inv_boxcox1p(xdbr.asarray([0.0, 2.0], dtype="float64"), 0.5)
    Variable([0., 3.], dtype=float64)
    """
    return xp.expm1(_inv_boxcox(xp, y, lmbda))


# The series of log(1 + z) / z.
_LOG1PREL = tuple((-1) ** k / (k + 1) for k in range(40))


def log1prel(xp: Any, z: Array) -> Array:
    """Give log(1 + z) / z, and 1 at 0, in a form whose derivatives lose no digits about 0."""
    near = xp.abs(z) < 0.35
    small, far = xp.where(near, z, 0.0), xp.where(near, 1.0, z)
    return xp.where(near, polynomial(small, _LOG1PREL), xp.log1p(far) / far)


def _inv_boxcox(xp: Any, y: Array, lmbda: Array) -> Array:
    """Give log(1 + lmbda y) / lmbda, and y for lmbda = 0."""
    return y * log1prel(xp, lmbda * y)


# -- angles ----------------------------------------------------------------------------------------------


_LOST = 1e14
"""Where an angle in degrees has no digits left: beyond, all four functions are 0, as SciPy's are."""


def _reduced(xp: Any, x: Array, period: float) -> tuple[Array, Array]:
    """Give x less the nearest multiple of a period, and that multiple."""
    turns = xp.round(xp.where(xp.abs(x) > _LOST, 0.0, x) / period)
    return x - turns * period, turns


def _unless_lost(xp: Any, x: Array, found: Array) -> Array:
    return xp.where(xp.abs(x) > _LOST, 0.0, found)


@composed
def sindg(xp: Any, x: Array, /) -> Array:
    """Sine of an angle in degrees, exact at the multiples of 90.

    >>> import xdbr
    >>> xdbr.special.sindg(xdbr.asarray([90.0, 180.0], dtype="float64"))
    Variable([ 1., -0.], dtype=float64)
    """
    angle, turns = _reduced(xp, x, 180.0)
    return _unless_lost(xp, x, parity(xp, turns) * xp.sin(angle * (math.pi / 180)))


@composed
def cosdg(xp: Any, x: Array, /) -> Array:
    """Cosine of an angle in degrees, exact at the multiples of 90.

    >>> import xdbr
    >>> xdbr.special.cosdg(xdbr.asarray([60.0, 90.0], dtype="float64"))
    Variable([ 0.5, -0. ], dtype=float64)
    """
    # The cosine is the sine of an angle larger by 90, whose multiple of 180 is found before adding.
    angle, turns = _reduced(xp, x - 90, 180.0)
    return _unless_lost(xp, x, -parity(xp, turns) * xp.sin(angle * (math.pi / 180)))


@composed
def tandg(xp: Any, x: Array, /) -> Array:
    """Tangent of an angle in degrees, exact at the multiples of 45 (in double precision).

    >>> import xdbr
    >>> xdbr.special.tandg(xdbr.asarray([45.0, 180.0], dtype="float64"))
    Variable([1., 0.], dtype=float64)
    """
    angle, _ = _reduced(xp, x, 180.0)
    return _unless_lost(xp, x, _tangent(xp, angle, False))


@composed
def cotdg(xp: Any, x: Array, /) -> Array:
    """Cotangent of an angle in degrees, exact at the multiples of 45 (in double precision).

    >>> import xdbr
    >>> xdbr.special.cotdg(xdbr.asarray([45.0, 90.0], dtype="float64"))
    Variable([1., 0.], dtype=float64)
    """
    angle, _ = _reduced(xp, x, 180.0)
    return _unless_lost(xp, x, _tangent(xp, angle, True))


def _tangent(xp: Any, angle: Array, reciprocal: bool) -> Array:
    """Give the tangent, or its reciprocal, of an angle in [-90, 90] degrees."""
    sign = xp.where(angle < 0, -xp.ones_like(angle), 1.0)
    size = sign * angle  # not abs, whose slope at 0 is 0
    steep = size > 45
    t = xp.tan(xp.where(steep, 90 - size, size) * (math.pi / 180))
    t = xp.where(size == 45, t + _ROUNDED, t)
    return sign * (xp.where(steep, t, 1 / t) if reciprocal else xp.where(steep, 1 / t, t))


@composed
def radian(xp: Any, d: Array, m: Array, s: Array, /) -> Array:
    """Angle in radians of degrees, minutes and seconds.

    >>> import xdbr
    >>> xdbr.special.radian(xdbr.asarray([180.0, 1.0], dtype="float64"), 30, 0)
    Variable([3.1503193 , 0.02617994], dtype=float64)
    """
    return ((d * 60 + m) * 60 + s) * (math.pi / 648000)
