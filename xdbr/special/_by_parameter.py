"""Derivatives of the incomplete gamma and beta functions by their parameters, which have no closed form.

The derivative of a distribution function by a parameter is an integral of the density times `log(t) - m`, where
m is the mean of log(t): over the whole axis it is zero. So one may integrate over the side of the argument on which
that factor has one sign, and nothing cancels. The sum that gives the integral is an ordinary function of the
arguments, so the derivatives of every order follow.
"""

from __future__ import annotations

from typing import Any

from .._typing import Array
from ..backends.special.incomplete import beta_density, gamma_density, integral
from ..backends.special.series import psi_gap, psi_series

__all__ = ["beta_by_a", "gamma_by_a"]


def gamma_by_a(xp: Any, a: Array, x: Array) -> Array:
    """Give the derivative of the regularised lower incomplete gamma function by its parameter."""
    infinite = xp.isinf(a)  # the derivative vanishes there
    inside = (x > 0) & xp.isfinite(x) & ~infinite
    a = xp.where(infinite, 1.0, a)
    at = xp.where(inside, x, 1.0)
    # For small a and x the integrand has a front far out; one step of the recurrence in a leads away from there.
    step = (a < 1) & (at < 0.5)
    b = xp.where(step, a + 1, a)
    log_x = xp.log(at)
    by_step = gamma_density(xp, a + 1, at) * (log_x - xp.special.psi(a + 1))
    # 1 + b (log(x) - psi(b + 1)), in which large terms cancel.
    large = b >= 10
    low, high = xp.where(large, 1.0, b), xp.where(large, b, 10.0)
    difference = xp.where(large, (at - high) / high, 0.0)
    near = xp.abs(difference) < 0.5
    log_ratio = xp.where(near, xp.log1p(xp.where(near, difference, 0.0)), log_x - xp.log(high))
    slope = xp.where(large, 0.5 + high * (log_ratio + psi_series(high)), 1 + low * (log_x - xp.special.psi(low + 1)))
    side = xp.where(slope > 0, xp.ones_like(slope), -xp.ones_like(slope))
    scale = 1 / (xp.where(side * (at - b) > 0, side * (at - b), 0.0) + xp.sqrt(xp.maximum(at, b)))
    found = -gamma_density(xp, b + 1, at) * integral(
        xp,
        scale,
        # Where the integrand has vanished, products of an infinite exponential with it would be NaN.
        lambda u, b, at, side, slope: side * b * u - at * xp.expm1(xp.where(side * u > 25, 25.0, side * u)),
        lambda u, b, at, side, slope: side * slope + b * u,
        [b, at, side, slope],
    )
    found = xp.where(step, found + by_step, found)
    return xp.where(inside, found, xp.where(x >= 0, 0.0 * a, xp.nan))


def beta_by_a(xp: Any, a: Array, b: Array, x: Array, y: Array) -> Array:
    """Give the derivative of the regularised incomplete beta function by its first parameter; y = 1 - x."""
    no_a, no_b = xp.isinf(a), xp.isinf(b)  # the derivative vanishes there
    inside = (x > 0) & (y > 0) & ~no_a & ~no_b
    a, b = xp.where(no_a, 1.0, a), xp.where(no_b, 1.0, b)
    x, y = xp.where(inside, x, 0.5), xp.where(inside, y, 0.5)
    log_x = xp.where(x < 0.5, xp.log(x), xp.log1p(-y))
    step = (a < 1) & (log_x < psi_gap(xp, a + 1, b))
    by_step = beta_density(xp, a + 1, b, x, y) * y / (a + b) * (log_x - psi_gap(xp, a + 1, b - 1))
    a = xp.where(step, a + 1, a)
    excess = log_x - psi_gap(xp, a, b)
    upper = excess > 0
    # By 1 - t above the argument, by t below it.
    rate, power, ratio = xp.where(upper, b, a), xp.where(upper, a, b) - 1, xp.where(upper, y / x, x / y)
    slope = rate - power * ratio
    scale = 1 / (xp.where(slope > 0, slope, 0.0) + xp.sqrt(rate * (1 + ratio)))
    flag = xp.astype(upper, x.dtype)
    total = integral(
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
