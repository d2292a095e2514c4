"""Sums of series in any namespace: polynomials, Chebyshev series, Stirling's series."""

from __future__ import annotations

import math
from typing import Any

from ..._typing import Array

__all__ = ["chebyshev", "cos_pi", "is_double", "parity", "polynomial", "psi_gap", "psi_series", "sin_pi", "stirling"]

_PI = math.pi


def is_double(xp: Any, x: Array, /) -> bool:
    """Tell whether an array of real numbers has double precision, or single."""
    return bool(xp.finfo(x.dtype).bits > 32)


def polynomial(x: Array, coefficients: tuple[float, ...], /) -> Array:
    """Give the value of a polynomial, its coefficients in ascending order (Horner's scheme)."""
    out = x * coefficients[-1]
    for c in reversed(coefficients[1:-1]):
        out = (out + c) * x
    return out + coefficients[0]


def chebyshev(x: Array, coefficients: tuple[float, ...], /) -> Array:
    """Give the sum of coefficients times Chebyshev polynomials at x in [-1, 1] (Clenshaw's recurrence)."""
    twice = 2 * x
    before, out = 0 * x, 0 * x + coefficients[-1]
    for c in reversed(coefficients[1:-1]):
        before, out = out, twice * out - before + c
    return x * out - before + coefficients[0]


# B(2k) / (2k (2k - 1)) and B(2k) / (2k), with the Bernoulli numbers B.
_STIRLING = (
    0.08333333333333333, -0.002777777777777778, 0.0007936507936507937, -0.0005952380952380953, 0.0008417508417508417,
    -0.0019175269175269176, 0.00641025641025641, -0.029550653594771242, 0.17964437236883057, -1.3924322169059011,
)  # fmt: skip
_PSI_FAR = (
    0.08333333333333333, -0.008333333333333333, 0.003968253968253968, -0.004166666666666667, 0.007575757575757576,
    -0.021092796092796094, 0.08333333333333333, -0.4432598039215686, 3.0539543302701198,
)  # fmt: skip


def stirling(a: Array) -> Array:
    """Give log(gamma(a)) less the leading terms (a - 1/2) log(a) - a + log(2 pi) / 2, for a >= 8."""
    inverse = 1 / a
    return inverse * polynomial(inverse * inverse, _STIRLING)


def psi_series(a: Array) -> Array:
    """Give log(a) - 1 / (2 a) - psi(a), for a >= 10."""
    square = 1 / a
    square = square * square
    return square * polynomial(square, _PSI_FAR)


def psi_gap(xp: Any, a: Array, b: Array) -> Array:
    """Give psi(a) - psi(a + b) for positive a and a + b, where the two may be close to one another.

    Ten steps of the recurrence lead to where the asymptotic series holds; no step and no term cancels.
    """
    total = 0 * (a + b)
    for i in range(10):
        total = total + 1 / ((a + i) * (a + b + i))
    high = a + 10
    n = high + b
    total = total + 1 / (2 * high * n)
    return psi_series(n) - psi_series(high) - b * total - xp.log1p(b / high)


def sin_pi(xp: Any, x: Array) -> Array:
    """Give sin(pi x), exactly zero at the integers."""
    nearest = xp.round(x)
    return parity(xp, nearest) * xp.sin(_PI * (x - nearest))


def cos_pi(xp: Any, x: Array) -> Array:
    """Give cos(pi x), exactly 1 or -1 at the integers."""
    nearest = xp.round(x)
    return parity(xp, nearest) * xp.cos(_PI * (x - nearest))


def parity(xp: Any, n: Array) -> Array:
    """Give 1 where a whole number is even and -1 where it is odd."""
    return 1 - 2 * xp.abs(n - 2 * xp.round(n / 2))
