"""The incomplete gamma and beta functions and the densities under them, in any namespace.

With the logarithm of the variable of integration measured from the argument, the integrands fall off exponentially on
either side, and the double-exponential rule (Takahasi and Mori, 1974) with a fixed number of nodes gives the integral
to the last digits. `xdbr.special` differentiates by the parameters with the same rule, so these texts run on
Variables, too.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from ..._typing import Array
from .gamma import log_gamma_1
from .series import is_double, polynomial, stirling

__all__ = [
    "beta_density",
    "betainc",
    "betaincc",
    "gamma_density",
    "gammainc",
    "gammaincc",
    "integral",
    "student_density",
]

_STEP = 0.05
_ARTANH = tuple(2 / (2 * k + 3) for k in range(17))

# Temme's uniform expansion (1979, SIAM J. Math. Anal. 10): the powers of eta in c0 and c1 (DLMF 8.12.10).
_C0 = (
    -0.3333333333333333, 0.08333333333333333, -0.014814814814814815, 0.0011574074074074073, 0.0003527336860670194,
    -0.0001787551440329218, 3.919263178522438e-05, -2.185448510679992e-06, -1.85406221071516e-06,
    8.296711340953087e-07, -1.7665952736826078e-07, 6.707853543401498e-09,
)  # fmt: skip
_C1 = (-0.001851851851851852, -0.003472222222222222, 0.0026455026455026454, -0.0009902263374485596)


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


def integral(
    xp: Any, scale: Array, log_factor: Callable[..., Array], factor: Callable[..., Array] | None, arrays: list[Array]
) -> Array:
    """Integrate `exp(log_factor(u, ...)) * factor(u, ...)` (`None` for 1) over u from 0 to infinity.

    scale: about where the integrand has fallen off; the arrays that the functions read get a last axis for the nodes.
    """
    nodes, weights = _nodes()
    kind = {"dtype": scale.dtype, "device": getattr(scale, "device", None)}
    u = scale[..., None] * xp.asarray(nodes, **kind)
    deep = [x[..., None] for x in arrays]
    values = xp.exp(log_factor(u, *deep))
    if factor is not None:
        values = values * factor(u, *deep)
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


def gammainc(xp: Any, a: Array, x: Array, /) -> Array:
    """Give the regularised lower incomplete gamma function."""
    return _gamma_part(xp, a, x, True)


def gammaincc(xp: Any, a: Array, x: Array, /) -> Array:
    """Give the regularised upper incomplete gamma function."""
    return _gamma_part(xp, a, x, False)


def _gamma_part(xp: Any, a: Array, x: Array, lower: bool) -> Array:
    inside = (a > 0) & (x > 0) & (a < math.inf) & (x < math.inf)
    b, at = xp.where(inside, a, 1.0), xp.where(inside, x, 1.0)
    below = at < b
    # The part on the side where the density falls off; for small a and x there is no falling off above, so below.
    below = below | (at < 0.5)
    side = xp.where(below, -xp.ones_like(at), xp.ones_like(at))
    step = below & (b < 1)
    c = xp.where(step, b + 1, b)
    rate = side * (at - c)
    scale = 1 / (xp.where(rate > 0, rate, 0.0) + xp.sqrt(xp.maximum(at, c)))
    part = (
        gamma_density(xp, c, at)
        * at
        * integral(
            xp,
            scale,
            lambda u, c, at, side: side * c * u - at * xp.expm1(side * u),
            None,
            [c, at, side],
        )
    )
    part = xp.where(step, part + gamma_density(xp, b + 1, at), part)
    found = xp.where(below, part, 1 - part) if lower else xp.where(below, 1 - part, part)
    large = b > (1e6 if is_double(xp, b) else 3e3)
    found = xp.where(large, _large_gamma_part(xp, xp.where(large, b, 1e6), at, lower), found)
    if not lower:
        # Where the lower part is close to 1 for every x.
        slow = (b < 0.5) & (at < 0.5)
        found = xp.where(slow, _slow_gamma_part(xp, xp.where(slow, b, 0.25), xp.where(slow, at, 0.25)), found)
    low, high = (0.0, 1.0) if lower else (1.0, 0.0)
    edge = xp.where(
        (a > 0) & (x == 0) | (a == math.inf) & (x >= 0) & (x < math.inf), low, xp.full_like(found, math.nan)
    )
    edge = xp.where((a >= 0) & (a < math.inf) & (x == math.inf) | (a == 0) & (x > 0), high, edge)
    return xp.where(inside, found, edge)


def _large_gamma_part(xp: Any, a: Array, x: Array, lower: bool) -> Array:
    """Give either part by Temme's expansion: the normal distribution of eta and a correction."""
    d = (x - a) / a
    half = _log_excess(xp, d, x / a)  # eta**2 / 2
    root = xp.sqrt(a * half)
    eta = xp.clip(xp.sign(d) * xp.sqrt(2 * half), -0.25, 0.25)  # beyond, the density is zero for these a
    correction = xp.exp(-a * half) / xp.sqrt(2 * math.pi * a) * (polynomial(eta, _C0) + polynomial(eta, _C1) / a)
    if lower:
        return xp.special.erfc(xp.where(d > 0, -root, root)) / 2 - correction
    return xp.special.erfc(xp.where(d > 0, root, -root)) / 2 + correction


def _slow_gamma_part(xp: Any, a: Array, x: Array) -> Array:
    """Give the upper part for small a and x, by what the power series of the lower one lacks to 1."""
    total = xp.zeros_like(x)
    for n in reversed(range(1, 17)):
        total = -(total + 1 / (a + n)) * x / n
    log = a * xp.log(x) - log_gamma_1(xp, a)  # of x**a / gamma(1 + a)
    return -xp.expm1(log) - a * xp.exp(log) * total


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
    rise = (s + t - 0.5) * xp.log1p(s / t) - s + stirling(s + t) - stirling(t)
    # Where u * t is large, the power of v is zero.
    power = xp.where(u * t > 1e3, 1e3, u * t) ** (s - 1)
    leaning = power * xp.exp((t - 1) * xp.where(v > 0, log_v, 0.0) + rise) / xp.special.gamma(s) * t
    leaning = xp.where(v > 0, leaning, 0.0)
    inside = (least >= 10) & (x > 0) & (y > 0)
    a, b = xp.where(inside, a, 10.0), xp.where(inside, b, 10.0)
    n = a + b
    x, y = xp.where(inside, x, 0.5), xp.where(inside, y, 0.5)
    d = x * b - y * a
    distance = a * _log_excess(xp, d / a, n * x / a) + b * _log_excess(xp, -d / b, n * y / b)
    scale = xp.sqrt(a / n * b / (2 * math.pi)) / (x * y)
    decay = xp.exp(stirling(n) - stirling(a) - stirling(b) - distance)
    peak = xp.where(decay == 0, 0.0, scale) * decay  # next to the ends the scale is infinite
    return xp.where(one, direct, xp.where(mixed, leaning, xp.where(inside, peak, 0.0)))


def _log_excess(xp: Any, d: Array, whole: Array) -> Array:
    """Give d - log(1 + d), where the whole, 1 + d, is known to the last digits, too."""
    near = xp.abs(d) < 0.5
    small = xp.where(near, d, 0.0)
    # log(1 + d) = 2 artanh(r); what d and it have in common goes into the first term.
    r = small / (2 + small)
    close = r * (small - r * r * polynomial(r * r, _ARTANH))
    return xp.where(near, close, d - xp.log(xp.where(near, 1.0, whole)))


def betainc(xp: Any, a: Array, b: Array, x: Array, /) -> Array:
    """Give the regularised incomplete beta function, for a, b > 0 and x in [0, 1]."""
    return _beta_part(xp, a, b, x, True)


def betaincc(xp: Any, a: Array, b: Array, x: Array, /) -> Array:
    """Give the complement of the regularised incomplete beta function."""
    return _beta_part(xp, a, b, x, False)


def _beta_part(xp: Any, a: Array, b: Array, x: Array, lower: bool) -> Array:
    # With a parameter that is 0 or infinite all weight lies at 0, or at 1.
    first, last = (a == 0) | (b == math.inf), (b == 0) | (a == math.inf)
    valid = (a >= 0) & (b >= 0) & (x >= 0) & (x <= 1) & ~(first & last)
    between = (x > 0) & (x < 1)
    inside = valid & between & ~(first | last)
    edge = xp.where(between, xp.where(first, xp.ones_like(x), xp.zeros_like(x)), x)
    a, b = xp.where(inside, a, 1.0), xp.where(inside, b, 1.0)
    at = xp.where(inside, x, 0.5)
    rest = 1 - at
    # By the smaller of the two shares, which keeps its digits.
    upper = xp.where(a > b, rest < b / (a + b), at > a / (a + b))
    # What is integrated is the part of p, q at y on the side where the density falls off.
    p, q = xp.where(upper, b, a), xp.where(upper, a, b)
    y, z = xp.where(upper, rest, at), xp.where(upper, at, rest)
    step = p < 1
    c = xp.where(step, p + 1, p)
    ratio = y / z
    rate = c - (q - 1) * ratio
    scale = 1 / (xp.where(rate > 0, rate, 0.0) + xp.sqrt(c) * xp.sqrt(1 + ratio))
    part = (
        beta_density(xp, c, q, y, z)
        * y
        * integral(
            xp,
            scale,
            lambda u, c, q, ratio: -c * u + (q - 1) * xp.log1p(-ratio * xp.expm1(-u)),
            None,
            [c, q, ratio],
        )
    )
    part = xp.where(step, part + beta_density(xp, p + 1, q, y, z) * z / (p + q), part)
    found = xp.where(upper, 1 - part, part) if lower else xp.where(upper, part, 1 - part)
    large = xp.minimum(a, b) > (1e8 if is_double(xp, a) else 1e4)
    a, b = xp.where(large, a, 1e8), xp.where(large, b, 1e8)
    found = xp.where(large, _large_beta_part(xp, a, b, at, rest, lower), found)
    return xp.where(inside, found, xp.where(valid, edge if lower else 1 - edge, math.nan))


def _large_beta_part(xp: Any, a: Array, b: Array, x: Array, y: Array, lower: bool) -> Array:
    """Give either part for large parameters: the normal distribution of eta and the first correction (DLMF 8.18.9)."""
    p, q = a / (a + b), b / (a + b)
    d = x * q - y * p
    # n eta**2 / 2, with n = a + b
    half = a * _log_excess(xp, d / p, x / p) + b * _log_excess(xp, -d / q, y / q)
    root = xp.sqrt(half)
    width = xp.sqrt(p * q)
    near = root < 1e-3
    eta = xp.where(near, 1.0, root) * xp.sqrt(2 / (a + b))
    eta = xp.where(d < 0, -eta, eta)
    slope = xp.where(near, (q - p) / (3 * width), 1 / eta - width / xp.where(near, 1.0, d))
    correction = xp.exp(-half) / xp.sqrt(2 * math.pi * (a + b)) * slope
    if lower:
        return xp.special.erfc(xp.where(d > 0, -root, root)) / 2 + correction
    return xp.special.erfc(xp.where(d > 0, root, -root)) / 2 - correction


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
