"""Portable zeta functions, by the summation formula of Euler and Maclaurin."""

from __future__ import annotations

import math
from typing import Any

from ..._typing import RawArray
from .series import sin_pi, stirling

__all__ = ["BERNOULLI", "TERMS", "riemann_zeta", "zeta", "zetac"]

# B(2j) / (2j)!, with the Bernoulli numbers B.
BERNOULLI = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600,
    -3617 / 10670622842880000, 43867 / 5109094217170944000,
)  # fmt: skip
TERMS = 12


def _tail(xp: Any, x: RawArray, q: RawArray) -> RawArray:
    """Give the sum of (q + k)**-x over all k >= 0, for q >= 12."""
    power = q**-x
    total = q ** (1 - x) / (x - 1) + power / 2
    # Quotients, since the powers alone would overflow.
    term = power * (x / q)
    for j, b in enumerate(BERNOULLI):
        total = total + b * term
        term = term * ((x + (2 * j + 1)) / q) * ((x + (2 * j + 2)) / q)
    return total


def zeta(xp: Any, x: RawArray, q: RawArray, /) -> RawArray:
    """Give Hurwitz's zeta function for x > 1 and q > 0; infinite at x = 1 and where q is 0, -1, ..."""
    inside = (x > 1) & (q > 0) & (x < math.inf)
    s, start = xp.where(inside, x, 2.0), xp.where(inside, q, 1.0)
    total = _tail(xp, xp.where(s > 1e15, 1e15, s), start + TERMS)
    for k in reversed(range(TERMS)):
        total = total + (start + k) ** -s
    total = xp.where(x == math.inf, xp.where(q > 1, 0.0, xp.where(q == 1, 1.0, xp.full_like(q, math.inf))), total)
    pole = (x == 1) | ((x > 1) & (q <= 0) & (xp.floor(q) == q))
    valid = inside | ((x == math.inf) & (q > 0))
    found = xp.where(valid, total, xp.where(pole, math.inf, xp.full_like(total, math.nan)))
    return xp.where(xp.isnan(x) | xp.isnan(q), math.nan, found)


def zetac(xp: Any, x: RawArray, /) -> RawArray:
    """Give Riemann's zeta function less 1."""
    right = x > 1
    above = zeta(xp, xp.where(right, x, 2.0), xp.full_like(x, 2.0))
    return xp.where(right, above, riemann_zeta(xp, x) - 1)


def riemann_zeta(xp: Any, x: RawArray, /) -> RawArray:
    """Give Riemann's zeta function: left of -1/4 by its functional equation."""
    left = x < -0.25  # close to 0 the equation is a difference of two poles
    s = xp.where(left, 1 - x, x)
    s = xp.where(s == 1, 2.0, s)
    low = xp.where(s > 1e15, 1e15, s)
    total = _tail(xp, low, xp.full_like(s, float(TERMS)))
    for k in reversed(range(1, TERMS)):
        total = total + float(k) ** -low
    some = xp.where(left, x, -1.0)
    sine = sin_pi(xp, some / 2)
    mirrored = 2 * sine * _scaled_gamma(xp, 1 - some) * total
    found = xp.where(left, xp.where(sine == 0, 0.0, mirrored), total)
    return xp.where(x == 1, math.inf, xp.where(x == 0, -0.5, xp.where(x == -math.inf, math.nan, found)))


def _scaled_gamma(xp: Any, s: RawArray) -> RawArray:
    """Give `gamma(s) / (2 pi)**s` for s > 1; far out in one power, since the gamma function alone would overflow."""
    far = s >= 10
    low, high = xp.where(far, 2.0, s), xp.where(far, s, 10.0)
    near = xp.special.gamma(low) * (2 * math.pi) ** -low
    return xp.where(far, (high / (2 * math.pi * math.e)) ** (high - 0.5) * xp.exp(stirling(high) - 0.5), near)
