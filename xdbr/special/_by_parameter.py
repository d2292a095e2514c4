"""Derivatives of the incomplete gamma and beta functions by their parameters, which have no closed form.

The derivative of a distribution function by a parameter is an integral of the density times `log(t) - m`, where
m is the mean of log(t): over the whole axis it is zero. So one may integrate over the side of the argument on which
that factor has one sign, and nothing cancels. With the logarithm of t as variable the integrand falls off
exponentially, and the double-exponential rule (Takahasi and Mori, 1974) with a fixed number of nodes gives it to
the last digits. The sums are ordinary functions of the arguments, so the derivatives of every order follow.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from .._typing import Array
from ._make import polynomial

__all__ = ["beta_by_a", "beta_density", "gamma_by_a", "gamma_density", "student_density"]

_STEP = 0.05
_LOG_2PI = math.log(2 * math.pi)
# B(2k) / (2k (2k - 1)), of Stirling's series.
_STIRLING = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400,
)  # fmt: skip


@functools.lru_cache(maxsize=1)
def _nodes() -> tuple[list[float], list[float]]:
    """Give nodes and weights for integrals from 0 to infinity of functions that fall off as exp(-u)."""
    nodes, weights = [], []
    for i in range(-80, 240):
        t = i * _STEP
        u = math.exp(t - math.exp(-t))
        w = u * (1 + math.exp(-t)) * _STEP
        if w > 1e-18:
            nodes.append(u)
            weights.append(w)
    return nodes, weights


def _integral(xp: Any, scale: Array, log_factor: Any, factor: Any, arrays: list[Array]) -> Array:
    """Integrate `exp(log_factor(u, ...)) * factor(u, ...)` over u from 0 to infinity.

    scale: about where the integrand has fallen off; the arrays that the functions read get a last axis for the nodes.
    """
    nodes, weights = _nodes()
    kind = {"dtype": scale.dtype, "device": scale.device}
    u = scale[..., None] * xp.asarray(nodes, **kind)
    deep = [x[..., None] for x in arrays]
    values = xp.exp(log_factor(u, *deep)) * factor(u, *deep)
    return scale * xp.sum(values * xp.asarray(weights, **kind), axis=-1, dtype=scale.dtype)


# -- gamma -------------------------------------------------------------------------------------------------


def gamma_density(xp: Any, a: Array, x: Array) -> Array:
    """Give the density of the gamma distribution, `x**(a - 1) * exp(-x) / gamma(a)`: the derivative by x."""
    small = a < 10
    # Beyond 1e3 it is zero for these a, and an infinite power times zero would be NaN.
    low = xp.where(small, a, 1.0)
    direct = xp.where(x > 1e3, 1e3, x) ** (low - 1) * xp.exp(-xp.where(x > 1e3, 1e3, x)) / xp.special.gamma(low)
    inside = ~small & (x > 0) & xp.isfinite(x)
    high, at = xp.where(inside, a, 10.0), xp.where(inside, x, 10.0)
    # Powers of large numbers would overflow, and their logarithms cancel.
    d = (at - high) / high
    peak = xp.exp(-high * _log_excess(xp, d, at / high) - stirling(high)) * xp.sqrt(high / (2 * math.pi)) / at
    return xp.where(small, xp.where(x < 0, xp.nan, direct), xp.where(x < 0, xp.nan, xp.where(inside, peak, 0.0)))


def stirling(a: Array) -> Array:
    """Give log(gamma(a)) less the leading terms of Stirling's formula, for a >= 10."""
    inverse = 1 / a
    return inverse * polynomial(inverse * inverse, _STIRLING)


def gamma_by_a(xp: Any, a: Array, x: Array) -> Array:
    """Give the derivative of the regularised lower incomplete gamma function by its parameter."""
    inside = (x > 0) & xp.isfinite(x)
    at = xp.where(inside, x, 1.0)
    # For small a and x the integrand has a front far out; one step of the recurrence in a leads away from there.
    step = (a < 1) & (at < 0.5)
    b = xp.where(step, a + 1, a)
    log_x = xp.log(at)
    by_step = gamma_density(xp, a + 1, at) * (log_x - xp.special.psi(a + 1))
    slope = 1 + b * (log_x - xp.special.psi(b + 1))
    side = xp.where(slope > 0, xp.ones_like(slope), -xp.ones_like(slope))
    scale = 1 / (side * (at - b) * xp.astype(side * (at - b) > 0, at.dtype) + xp.sqrt(xp.maximum(at, b)))
    found = -gamma_density(xp, b + 1, at) * _integral(
        xp,
        scale + 0 * (at + b),
        lambda u, b, at, side, slope: side * b * u - at * xp.expm1(side * u),
        lambda u, b, at, side, slope: side * slope + b * u,
        [b, at, side, slope],
    )
    found = xp.where(step, found + by_step, found)
    return xp.where(inside, found, xp.where(x >= 0, 0.0 * a, xp.nan))


# -- beta ------------------------------------------------------------------------------------------------


def beta_density(xp: Any, a: Array, b: Array, x: Array, y: Array) -> Array:
    """Give the density of the beta distribution, `x**(a - 1) * y**(b - 1) / beta(a, b)` with y = 1 - x."""
    least, most = xp.minimum(a, b), xp.maximum(a, b)
    # With small exponents directly; with one large one its power and the beta function go together; with two
    # large ones all of it.
    one = most < 10
    p, q = xp.where(one, a, 1.0), xp.where(one, b, 1.0)
    direct = x ** (p - 1) * y ** (q - 1) / xp.special.beta(p, q)
    mixed = ~one & (least < 10)
    swap = a > b
    s, t = xp.where(mixed, least, 1.0), xp.where(mixed, most, 10.0)
    u, v = xp.where(swap, y, x), xp.where(swap, x, y)
    log_v = xp.where(u < 0.5, xp.log1p(-u), xp.log(v))
    rise = s * (xp.log(t) - 1) + (s + t - 0.5) * xp.log1p(s / t) + stirling(s + t) - stirling(t)
    leaning = u ** (s - 1) * xp.exp((t - 1) * xp.where(v > 0, log_v, 0.0) + rise) / xp.special.gamma(s)
    leaning = xp.where(v > 0, leaning, 0.0)
    inside = (least >= 10) & (x > 0) & (y > 0)
    a, b = xp.where(inside, a, 10.0), xp.where(inside, b, 10.0)
    n = a + b
    x, y = xp.where(inside, x, 0.5), xp.where(inside, y, 0.5)
    d = x * b - y * a
    distance = a * _log_excess(xp, d / a, n * x / a) + b * _log_excess(xp, -d / b, n * y / b)
    scale = xp.sqrt(a / n * b / (2 * math.pi)) / (x * y)
    peak = scale * xp.exp(stirling(n) - stirling(a) - stirling(b) - distance)
    return xp.where(one, direct, xp.where(mixed, leaning, xp.where(inside, peak, 0.0)))


def _log_excess(xp: Any, d: Array, whole: Array) -> Array:
    """Give d - log(1 + d), where the whole, 1 + d, is known to the last digits, too."""
    near = xp.abs(d) < 0.5
    return d - xp.where(near, xp.log1p(xp.where(near, d, 0.0)), xp.log(xp.where(near, 1.0, whole)))


def beta_by_a(xp: Any, a: Array, b: Array, x: Array, y: Array) -> Array:
    """Give the derivative of the regularised incomplete beta function by its first parameter; y = 1 - x."""
    inside = (x > 0) & (y > 0)
    x, y = xp.where(inside, x, 0.5), xp.where(inside, y, 0.5)
    log_x = xp.where(x < 0.5, xp.log(x), xp.log1p(-y))
    mean_above = xp.special.psi(a + 1) - xp.special.psi(a + b + 1)
    step = (a < 1) & (log_x < mean_above)
    by_step = beta_density(xp, a + 1, b, x, y) * y / (a + b) * (log_x - xp.special.psi(a + 1) + xp.special.psi(a + b))
    a = xp.where(step, a + 1, a)
    excess = log_x - xp.special.psi(a) + xp.special.psi(a + b)
    upper = excess > 0
    # By 1 - t above the argument, by t below it.
    rate, power, ratio = xp.where(upper, b, a), xp.where(upper, a, b) - 1, xp.where(upper, y / x, x / y)
    slope = rate - power * ratio
    scale = 1 / (xp.where(slope > 0, slope, 0.0) + xp.sqrt(rate * (1 + ratio)))
    flag = xp.astype(upper, x.dtype)
    total = _integral(
        xp,
        scale,
        lambda u, rate, power, ratio, excess, flag: -rate * u + power * xp.log1p(-ratio * xp.expm1(-u)),
        lambda u, rate, power, ratio, excess, flag: (
            flag * (excess + xp.log1p(-ratio * xp.expm1(-u))) + (1 - flag) * (u - excess)
        ),
        [rate, power, ratio, excess, flag],
    )
    found = -beta_density(xp, a, b, x, y) * xp.where(upper, y, x) * total
    return xp.where(inside, xp.where(step, found + by_step, found), 0.0 * (a + b))


# -- Student's t -----------------------------------------------------------------------------------------


def student_density(xp: Any, df: Array, t: Array) -> Array:
    """Give the density of Student's t distribution."""
    normal = xp.isinf(df) & (df > 0)
    v = xp.where(normal, 1e15, xp.where(df <= 0, xp.nan, df))
    z = v / 2
    small = z < 10
    low, high = xp.where(small, z, 1.0), xp.where(small, 10.0, z)
    # The height is that of the normal density times a quotient of gamma functions that is close to 1.
    direct = xp.special.gamma(low + 0.5) / xp.special.gamma(low) / xp.sqrt(low)
    rest = high * xp.log1p(0.5 / high) - 0.5 + stirling(high + 0.5) - stirling(high)
    height = xp.where(small, direct, xp.exp(rest)) / math.sqrt(2 * math.pi)
    far = xp.isinf(t)
    t = xp.where(far, 1.0, t)
    return xp.where(far, 0.0, height * xp.exp(-(v + 1) / 2 * xp.log1p(t * t / v)))
