"""Portable special functions that are short formulas: logistic functions, terms of entropies and divergences."""

from __future__ import annotations

import math
from typing import Any

from ..._typing import RawArray
from .series import polynomial

__all__ = [
    "cbrt",
    "entr",
    "exp2",
    "exp10",
    "expit",
    "kl_div",
    "log_expit",
    "logit",
    "rel_entr",
    "softplus",
    "xlog1py",
    "xlogy",
]


_KL_DIV = tuple((-1) ** k / (k * (k - 1)) for k in range(2, 18))


def expit(xp: Any, x: RawArray, /) -> RawArray:
    """Give `1 / (1 + exp(-x))`; nothing overflows, and small results keep their digits."""
    e = xp.exp(-xp.abs(x))
    return xp.where(x < 0, e, xp.ones_like(e)) / (1 + e)


def log_expit(xp: Any, x: RawArray, /) -> RawArray:
    """Give the logarithm of `expit`."""
    return -softplus(xp, -x)


def softplus(xp: Any, x: RawArray, /) -> RawArray:
    """Give `log(1 + exp(x))`."""
    return xp.where(x > 0, x, xp.zeros_like(x)) + xp.log1p(xp.exp(-xp.abs(x))) + 0 * xp.where(xp.isnan(x), x, 0.0)


def logit(xp: Any, x: RawArray, /) -> RawArray:
    """Give `log(x / (1 - x))`, about 1/2 by its distance from there."""
    near = (x > 0.3) & (x < 0.65)
    s = 2 * (xp.where(near, x, 0.5) - 0.5)
    far = xp.where(near, 0.25, x)
    return xp.where(near, xp.log1p(s) - xp.log1p(-s), xp.log(far / (1 - far)))


def exp2(xp: Any, x: RawArray, /) -> RawArray:
    """Give 2 to the power of x."""
    return xp.pow(xp.full_like(x, 2.0), x)


def exp10(xp: Any, x: RawArray, /) -> RawArray:
    """Give 10 to the power of x."""
    return xp.pow(xp.full_like(x, 10.0), x)


def cbrt(xp: Any, x: RawArray, /) -> RawArray:
    """Give the cube root, the power put right by a step of Newton's method."""
    inside = (x != 0) & xp.isfinite(x)
    size = xp.where(inside, xp.abs(x), 1.0)
    root = xp.pow(size, xp.full_like(size, 1 / 3))
    root = root - (root - size / (root * root)) / 3
    return xp.where(inside, xp.where(x < 0, -root, root), x)


def xlogy(xp: Any, x: RawArray, y: RawArray, /) -> RawArray:
    """Give `x * log(y)`, and 0 where x is 0 and y is not NaN."""
    zero = (x == 0) & ~xp.isnan(y)
    return xp.where(zero, 0.0, x) * xp.log(xp.where(zero, 1.0, y))


def xlog1py(xp: Any, x: RawArray, y: RawArray, /) -> RawArray:
    """Give `x * log(1 + y)`, and 0 where x is 0 and y is not NaN."""
    zero = (x == 0) & ~xp.isnan(y)
    return xp.where(zero, 0.0, x) * xp.log1p(xp.where(zero, 0.0, y))


def entr(xp: Any, x: RawArray, /) -> RawArray:
    """Give `-x * log(x)`, 0 at 0 and minus infinity below."""
    inner = xp.where(x > 0, x, xp.ones_like(x))
    out = -xp.where(x > 0, x, xp.zeros_like(x)) * xp.log(inner)
    return xp.where(x < 0, -math.inf, xp.where(xp.isnan(x), x, out + 0.0))


def rel_entr(xp: Any, x: RawArray, y: RawArray, /) -> RawArray:
    """Give `x * log(x / y)` for positive x and y, 0 for x = 0 <= y, and infinity elsewhere."""
    inside = (x > 0) & (y > 0)
    a, b = xp.where(inside, x, 1.0), xp.where(inside, y, 1.0)
    difference = a - b
    near = xp.abs(difference) < b / 2
    log = xp.where(near, xp.log1p(xp.where(near, difference, 0.0) / b), xp.log(a) - xp.log(b))
    out = xp.where(inside, a * log, xp.where((x == 0) & (y >= 0), xp.zeros_like(a), math.inf))
    return xp.where(xp.isnan(x) | xp.isnan(y), math.nan, out)


def kl_div(xp: Any, x: RawArray, y: RawArray, /) -> RawArray:
    """Give `x * log(x / y) - x + y`, y at x = 0 <= y, and infinity outside x, y >= 0."""
    inside = (x > 0) & (y > 0)
    a, b = xp.where(inside, x, 1.0), xp.where(inside, y, 1.0)
    edge = xp.where((x == 0) & (y >= 0), y, math.inf)
    # Close to one another by the series of y ((1 + d) log(1 + d) - d), where the three terms would cancel.
    d = (a - b) / b
    near = xp.abs(d) < 0.1
    small = xp.where(near, d, 0.0)
    close = b * small * small * polynomial(small, _KL_DIV)
    out = xp.where(inside, xp.where(near, close, rel_entr(xp, a, b) - a + b), edge)
    return xp.where(xp.isnan(x) | xp.isnan(y), math.nan, out)
