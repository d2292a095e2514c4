"""Portable error functions, normal distribution and inverses."""

from __future__ import annotations

import math
from typing import Any

from ..._typing import RawArray
from .series import chebyshev, polynomial

__all__ = ["erf", "erfc", "erfcinv", "erfcx", "erfinv", "log_ndtr", "ndtr", "ndtri"]

_ROOT_2 = math.sqrt(2)
_ROOT_PI = math.sqrt(math.pi)

# (1 + 2 x) exp(x**2) erfc(x) for x >= 0 in Chebyshev polynomials of (x - K) / (x + K) (Shepherd and Laframboise, 1981).
_K = 3.75
_ERFCX = (
    1.1775789345674017, -0.004590054580646478, -0.08424913336651792, 0.05920993999819189, -0.026658668435305753,
    0.009074997670705265, -0.002413163540417608, 0.0004907758365258086, -6.916973302501207e-05, 4.13902798607301e-06,
    7.74038306619849e-07, -2.1886401049234397e-07, 1.076499946567091e-08, 4.521959811218287e-09,
    -7.754400208831351e-10, -6.318088340886684e-11, 2.86879501093067e-11, 1.9455868545777347e-13,
    -9.65469674843344e-13, 3.25254814814874e-14, 3.3478119482868056e-14, -1.864562880419313e-15,
    -1.2507950530688648e-15, 7.418235256624044e-17, 5.068148904796111e-17, -2.2370566594359995e-18,
    -2.187342944303018e-18,
)  # fmt: skip

# The series of erf(x) / x in x**2.
_ERF = tuple(2 / _ROOT_PI * (-1) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(20))
# The series of erfinv(y) / y in y**2, for a first guess.
_ERFINV = tuple(
    _ROOT_PI / 2 * c * (math.pi / 4) ** k
    for k, c in enumerate((1.0, 1 / 3, 7 / 30, 127 / 630, 4369 / 22680, 34807 / 178200))
)


def _scaled(xp: Any, x: RawArray) -> RawArray:
    """Give exp(x**2) erfc(x) for x >= 0."""
    far = x > 1e30
    near = xp.where(far, 1e30, x)
    sum_ = chebyshev((near - _K) / (near + _K), _ERFCX) / (1 + 2 * near)
    # There the first term of the asymptotic series is all.
    return xp.where(far, 1 / (_ROOT_PI * xp.where(far, x, 1.0)), sum_)


def _bell(xp: Any, x: RawArray, sign: float, half: float = 1.0) -> RawArray:
    """Give exp(sign * half * x**2), its exponent in two parts: the large one is without a rounding error."""
    x = xp.where(xp.abs(x) > 200, 200.0, x)
    head = xp.round(x * 16) / 16
    return xp.exp(sign * half * head * head) * xp.exp(sign * half * (x - head) * (x + head))


def erf(xp: Any, x: RawArray, /) -> RawArray:
    """Give the error function: by its series for small x, else from its complement."""
    size = xp.abs(x)
    near = size < 1
    small, large = xp.where(near, x, 0.0), xp.where(near, 1.0, size)
    rest = 1 - _bell(xp, large, -1.0) * _scaled(xp, large)
    return xp.where(near, small * polynomial(small * small, _ERF), xp.where(x < 0, -rest, rest))


def erfc(xp: Any, x: RawArray, /) -> RawArray:
    """Give the complementary error function."""
    near = xp.abs(x) < 0.5
    small, size = xp.where(near, x, 0.0), xp.where(near, 1.0, xp.abs(x))
    tail = _bell(xp, size, -1.0) * _scaled(xp, size)
    return xp.where(near, 1 - small * polynomial(small * small, _ERF), xp.where(x < 0, 2 - tail, tail))


def erfcx(xp: Any, x: RawArray, /) -> RawArray:
    """Give the scaled complementary error function."""
    scaled = _scaled(xp, xp.abs(x))
    return xp.where(x < 0, 2 * _bell(xp, x, 1.0) - scaled, scaled)


def ndtr(xp: Any, x: RawArray, /) -> RawArray:
    """Give the normal distribution function; for x < -1 the rounding of x / sqrt(2) must not enter the exponent."""
    left = x < -1
    low, high = xp.where(left, x, -1.0), xp.where(left, 0.0, x)
    tail = _bell(xp, low, -1.0, 0.5) * _scaled(xp, low / -_ROOT_2) / 2
    return xp.where(left, tail, erfc(xp, high / -_ROOT_2) / 2)


def log_ndtr(xp: Any, x: RawArray, /) -> RawArray:
    """Give the logarithm of the normal distribution function."""
    left = x < -1
    low, high = xp.where(left, x, -1.0), xp.where(left, 0.0, x)
    return xp.where(left, xp.log(_scaled(xp, low / -_ROOT_2) / 2) - low * low / 2, xp.log1p(-ndtr(xp, -high)))


# -- inverses --------------------------------------------------------------------------------------------


def _central(xp: Any, y: RawArray) -> RawArray:
    """Give the inverse of erf for abs(y) <= 1/2, by Newton's method from its series."""
    x = y * polynomial(y * y, _ERFINV)
    for _ in range(2):
        x = x - (erf(xp, x) - y) * (_ROOT_PI / 2) * xp.exp(x * x)
    return x


def _tail(xp: Any, q: RawArray) -> RawArray:
    """Give the inverse of erfc for 0 < q <= 1/2, by Newton's method on the logarithm from Winitzki's formula."""
    log_q = xp.log(q)
    half = (log_q + xp.log(2 - q)) / 2
    b = 2 / (math.pi * 0.147) + half
    x = xp.sqrt(xp.sqrt(b * b - 2 * half / 0.147) - b)
    for _ in range(3):
        scaled = _scaled(xp, x)
        x = x + (xp.log(scaled) - x * x - log_q) * (_ROOT_PI / 2) * scaled
    return x


def erfinv(xp: Any, x: RawArray, /) -> RawArray:
    """Give the inverse of erf."""
    size = xp.abs(x)
    near, inside = size <= 0.5, size < 1
    tail = _tail(xp, xp.where(inside & ~near, 1 - size, 0.5))
    edge = xp.where(size == 1, math.inf, xp.full_like(x, math.nan))
    far = xp.where(inside, tail, edge)
    return xp.where(near, _central(xp, xp.where(near, x, 0.0)), xp.where(x < 0, -far, far))


def erfcinv(xp: Any, x: RawArray, /) -> RawArray:
    """Give the inverse of erfc."""
    near, low, high = (x >= 0.5) & (x <= 1.5), (x > 0) & (x < 0.5), (x > 1.5) & (x < 2)
    tail = _tail(xp, xp.where(low, x, xp.where(high, 2 - x, 0.5)))
    edge = xp.where(x == 0, math.inf, xp.where(x == 2, -math.inf, xp.full_like(x, math.nan)))
    far = xp.where(low, tail, xp.where(high, -tail, edge))
    return xp.where(near, _central(xp, xp.where(near, 1 - x, 0.0)), far)


def ndtri(xp: Any, x: RawArray, /) -> RawArray:
    """Give the quantiles of the normal distribution."""
    near, low, high = (x >= 0.25) & (x <= 0.75), (x > 0) & (x < 0.25), (x > 0.75) & (x < 1)
    tail = _tail(xp, xp.where(low, 2 * x, xp.where(high, 2 * (1 - x), 0.5)))
    edge = xp.where(x == 0, -math.inf, xp.where(x == 1, math.inf, xp.full_like(x, math.nan)))
    far = xp.where(low, -tail, xp.where(high, tail, edge / _ROOT_2))
    return _ROOT_2 * xp.where(near, _central(xp, xp.where(near, 2 * (x - 0.5), 0.0)), far)
