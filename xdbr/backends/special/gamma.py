"""Portable gamma function, its logarithm and the derivatives of that, and the beta function."""

from __future__ import annotations

import math
from typing import Any

from ..._typing import RawArray
from .series import is_double, parity, polynomial, psi_series, sin_pi, stirling

__all__ = [
    "beta",
    "betaln",
    "gamma",
    "gammaln",
    "gammasgn",
    "log_gamma_1",
    "loggamma",
    "polygamma",
    "psi",
    "rgamma",
]

_HALF_LOG_2PI = math.log(2 * math.pi) / 2

# log(gamma(2 + e)) / e = 1 - Euler's constant + the sum of (-1)**k (zeta(k) - 1) e**(k - 1) / k.
_LOG_GAMMA = (
    0.42278433509846713, 0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986,
    0.0028905103307415234, -0.001192753911703261, 0.0005096695247430425, -0.00022315475845357939,
    9.945751278180853e-05, -4.492623673813314e-05, 2.050721277567069e-05, -9.439488275268397e-06,
    4.374866789907488e-06, -2.039215753801366e-06, 9.55141213040742e-07, -4.492469198764566e-07,
    2.1207184805554665e-07, -1.0043224823968099e-07, 4.7698101693639804e-08, -2.2711094608943164e-08,
    1.0838659214896955e-08, -5.183475041970047e-09, 2.4836745438024785e-09, -1.1921401405860912e-09,
    5.731367241678862e-10, -2.7595228851242334e-10, 1.330476437424449e-10, -6.4229645638381e-11,
    3.1044247747322276e-11, -1.5021384080754142e-11,
)  # fmt: skip

# The positive zero of psi, in two parts, and the series of psi there.
_PSI_ZERO = (1.4616321449683622, 9.549995429965697e-17)
_PSI = (
    0.9676722454476212, -0.4427631689835921, 0.258499760955651, -0.16394270544240652, 0.10782405069126237,
    -0.07219956125645471, 0.04880428816414311, -0.03316112647484736, 0.022597648232218104, -0.01542476590494896,
    0.010538791616612175, -0.007204534386356869, 0.004926781395729853, -0.003369801655439328, 0.002305126326734928,
    -0.0015769367714301972, 0.0010788252019162967, -0.0007380709389960052, 0.000504953265834602,
    -0.0003454680251063077, 0.00023635601564027053, -0.00016170622091974803, 0.0001106337276874741,
    -7.569179582195066e-05, 5.178575795222081e-05, -3.5430070947659604e-05, 2.424006611860132e-05,
    -1.6584242271854135e-05, 1.134638458466385e-05, -7.762817668462094e-06, 5.3110609208898636e-06,
    -3.6336507898010456e-06, 2.486022733129538e-06,
)  # fmt: skip


def _log_gamma_2(e: RawArray) -> RawArray:
    """Give log(gamma(2 + e)) for abs(e) <= 1/2."""
    return e * polynomial(e, _LOG_GAMMA)


def log_gamma_1(xp: Any, e: RawArray) -> RawArray:
    """Give log(gamma(1 + e)) for abs(e) <= 1/2, to the last digits also of small results."""
    return _log_gamma_2(e) - xp.log1p(e)


def _lowered(xp: Any, x: RawArray) -> tuple[RawArray, RawArray]:
    """Give for 3/2 <= x < 10 an e in [-1/2, 1/2) and a product with gamma(x) = product * gamma(2 + e)."""
    product = xp.ones_like(x)
    for _ in range(8):
        above = x >= 2.5
        x = xp.where(above, x - 1, x)
        product = xp.where(above, product * x, product)
    return x - 2, product


def _positive_log(xp: Any, x: RawArray) -> RawArray:
    """Give log(gamma(x)) for x > 0."""
    tiny, unit, low = x < 0.5, (x >= 0.5) & (x < 1.5), (x >= 1.5) & (x < 10)
    # gamma(x) = gamma(x + 2) / (x (x + 1)) below 1/2, gamma(x + 1) / x about 1.
    a = xp.where(tiny, x, 0.25)
    b = xp.where(unit, x - 1, 0.0)
    e, product = _lowered(xp, xp.where(low, x, 2.0))
    z = xp.where(x < 10, 10.0, x)
    far = (z - 0.5) * (xp.log(z) - 1) + (_HALF_LOG_2PI - 0.5 + stirling(z))
    below = xp.where(tiny, log_gamma_1(xp, a) - xp.log(a), log_gamma_1(xp, b))
    return xp.where(tiny | unit, below, xp.where(low, _log_gamma_2(e) + xp.log(product), far))


def gammaln(xp: Any, x: RawArray, /) -> RawArray:
    """Give log(abs(gamma(x))); left of 0 by the reflection -pi / (x sin(pi x) gamma(-x))."""
    size = xp.abs(x)
    right = _positive_log(xp, xp.where(x == 0, 1.0, size))
    inside = (x < 0) & (x > -math.inf)
    sine = xp.abs(sin_pi(xp, xp.where(inside, x, 0.5)))
    left = math.log(math.pi) - xp.log(xp.where(inside, size, 1.0)) - xp.log(sine) - right
    return xp.where(inside, left, xp.where(x == 0, math.inf, xp.where(xp.isinf(x), x, right)))


def loggamma(xp: Any, x: RawArray, /) -> RawArray:
    """Give the logarithm of the gamma function, NaN for negative x."""
    return xp.where(x < 0, math.nan, gammaln(xp, x))


def _right(xp: Any, x: RawArray) -> RawArray:
    """Give gamma(x) for x >= -1/2 but 0."""
    tiny, unit, low = x < 0.5, (x >= 0.5) & (x < 1.5), (x >= 1.5) & (x < 10)
    a = xp.where(tiny, x, 0.25)
    b = xp.where(unit, x - 1, 0.0)
    e, product = _lowered(xp, xp.where(low, x, 2.0))
    last = 180.0 if is_double(xp, x) else 36.0  # the function has overflown there, the exponential has not
    z = xp.where(x < 10, 10.0, xp.where(x > last, last, x))
    # The power alone would overflow before the function does.
    power = xp.pow(z, z / 2 - 0.25)
    far = power * xp.exp(_HALF_LOG_2PI + stirling(z) - z) * power
    shifted = xp.where(tiny, a, xp.where(unit, b, e))
    below = xp.exp(_log_gamma_2(shifted)) * xp.where(
        tiny, 1 / (1 + a) / a, xp.where(unit, 1 / xp.where(unit, x, 1.0), product)
    )
    return xp.where(tiny | unit | low, below, far)


def gamma(xp: Any, x: RawArray, /) -> RawArray:
    """Give the gamma function; left of -1/2 by reflection."""
    left = x < -0.5
    right = _right(xp, xp.where(x == 0, 1.0, xp.where(left, -x, x)))
    pole = left & (xp.floor(x) == x)
    inside = left & ~pole
    some = xp.where(inside, x, -0.5)
    reflected = -math.pi / (some * sin_pi(xp, some)) / right
    found = xp.where(inside, reflected, xp.where(x == math.inf, x, right))
    return xp.where(pole, math.nan, xp.where(x == 0, 1 / xp.where(x == 0, x, 1.0), found))


def rgamma(xp: Any, x: RawArray, /) -> RawArray:
    """Give the reciprocal of the gamma function."""
    left, tiny = x < -0.5, xp.abs(x) < 1e-20  # where it is x to the last digit
    right = _right(xp, xp.where(tiny, 1.0, xp.where(left, -x, x)))
    zero = left & (xp.floor(x) == x)
    inside = left & ~zero
    some = xp.where(inside, x, -0.5)
    found = xp.where(inside, some * sin_pi(xp, some) / -math.pi * right, 1 / right)
    return xp.where(zero | (x == math.inf), 0.0, xp.where(tiny, x, found))


def gammasgn(xp: Any, x: RawArray, /) -> RawArray:
    """Give the sign of the gamma function."""
    lower = xp.floor(x)
    pole = (x < 0) & (lower == x)
    sign = xp.where(x < 0, parity(xp, xp.where((x < 0) & ~pole, lower, 0.0)), xp.ones_like(x))
    sign = xp.where((x == 0) & xp.signbit(x), -1.0, sign)
    return xp.where(pole, math.nan, xp.where(xp.isnan(x), x, sign))


def psi(xp: Any, x: RawArray, /) -> RawArray:
    """Give the digamma function; left of 0 by reflection."""
    left = x < 0
    pole = left & (xp.floor(x) == x)
    right = _positive_psi(xp, xp.where(left, 1 - xp.where(pole, -0.5, x), xp.where(x == 0, 1.0, x)))
    some = xp.where(left & ~pole, x, 0.5)
    some = some - xp.round(some)
    reflected = right - math.pi / xp.tan(math.pi * some)
    found = xp.where(left, reflected, right)
    return xp.where(pole, math.nan, xp.where(x == 0, -1 / xp.where(x == 0, x, 1.0), found))


def _positive_psi(xp: Any, x: RawArray) -> RawArray:
    below, near = x < 1, (x >= 1) & (x < 2)
    # psi(x) = psi(x + 1) - 1 / x
    unit = xp.where(below, x + 1, xp.where(near, x, 1.5))
    about = unit - _PSI_ZERO[0] - _PSI_ZERO[1]
    low = about * polynomial(about, _PSI)
    z, steps = xp.where(x < 2, 2.0, x), xp.zeros_like(x)
    for _ in range(8):
        under = z < 10
        steps = xp.where(under, steps + 1 / z, steps)
        z = xp.where(under, z + 1, z)
    far = xp.log(z) - 1 / (2 * z) - psi_series(z) - steps
    return xp.where(near, low, xp.where(below, low - 1 / xp.where(below, x, 1.0), far))


def polygamma(xp: Any, n: RawArray, x: RawArray, /) -> RawArray:
    """Give the derivatives of psi, by the zeta function; left of 0 its sum is one of three such."""
    order = xp.where(n > 0, n, 1.0)
    left = (x < 0) & (xp.floor(x) != x) & (x > -math.inf)
    some = xp.where(left, x, -0.5)
    # The terms with positive k + x, and those with negative: the latter end where k is 0.
    above, below = some - xp.floor(some), xp.ceil(some) - some
    total = xp.special.zeta(order + 1, xp.where(left, above, x))
    sign = parity(xp, order + 1)
    both = (total + sign * xp.special.zeta(order + 1, below)) - sign * xp.special.zeta(order + 1, 1 - some)
    total = xp.where(left, both, total)
    found = sign * gamma(xp, order + 1) * total
    return xp.where(n == 0, psi(xp, x + 0 * n), xp.where(n < 0, math.nan, found))


# -- beta ------------------------------------------------------------------------------------------------


def _at_poles(xp: Any, a: RawArray, b: RawArray) -> tuple[RawArray, RawArray, RawArray, RawArray]:
    """Tell where an argument is 0, -1, ..., and where the function is finite all the same; give arguments for there.

    That is where the other one is a positive integer b < 1 - a: beta(a, b) = (-1)**b beta(1 - a - b, b).
    """
    first, second = (a <= 0) & (xp.floor(a) == a), (b <= 0) & (xp.floor(b) == b)
    p, q = xp.where(first, a, b), xp.where(first, b, a)
    finite = (first | second) & (q > 0) & (xp.floor(q) == q) & (1 - p - q > 0)
    return first | second, finite, xp.where(finite, 1 - p - q, 1.0), xp.where(finite, q, 1.0)


def betaln(xp: Any, a: RawArray, b: RawArray, /) -> RawArray:
    """Give the logarithm of the absolute value of the beta function."""
    pole, finite, p, q = _at_poles(xp, a, b)
    a, b = xp.where(pole, p, a), xp.where(pole, q, b)
    return xp.where(pole & ~finite, math.inf, _betaln(xp, a, b))


def _betaln(xp: Any, a: RawArray, b: RawArray) -> RawArray:
    least, most = xp.minimum(a, b), xp.maximum(a, b)
    small, both = most < 10, least >= 10
    plain = ~small & (least + most < 8)
    far = most == math.inf
    p, q = xp.where(small, a, 1.0), xp.where(small, b, 1.0)
    direct = gammaln(xp, p) + gammaln(xp, q) - gammaln(xp, p + q)
    # What is large in the logarithms of the gamma functions cancels.
    t = xp.where(small | plain | far, 10.0, most)
    s = xp.where(both | small | plain, 1.0, least)
    ratio = s / t
    mixed = gammaln(xp, s) - s * (xp.log(t) - 1) - (s + t - 0.5) * xp.log1p(ratio)
    mixed = mixed + stirling(t) - stirling(s + t)
    mixed = xp.where(far, xp.where(least < 0, most, -most), mixed)
    u = xp.where(both & ~far, least, 10.0)
    large = (u - 0.5) * xp.log(u / (u + t)) - t * xp.log1p(u / t) - xp.log(t) / 2 + _HALF_LOG_2PI
    large = large + stirling(u) + stirling(t) - stirling(u + t)
    apart = gammaln(xp, a) + gammaln(xp, b) - gammaln(xp, xp.where(plain, a + b, 1.0))
    return xp.where(small, direct, xp.where(plain, apart, xp.where(both & ~far, large, mixed)))


def beta(xp: Any, a: RawArray, b: RawArray, /) -> RawArray:
    """Give the beta function: by products where they do not overflow."""
    pole, finite, p, q = _at_poles(xp, a, b)
    a, b = xp.where(pole, p, a), xp.where(pole, q, b)
    found = _beta(xp, a, b)
    return xp.where(pole, xp.where(finite, parity(xp, q) * found, math.inf), found)


def _beta(xp: Any, a: RawArray, b: RawArray) -> RawArray:
    limit = 20 if is_double(xp, a) else 15  # the gamma function of the sum overflows beyond
    small = (xp.abs(a) < limit) & (xp.abs(b) < limit)
    p, q = xp.where(small, a, 1.0), xp.where(small, b, 1.0)
    direct = gamma(xp, p) * rgamma(xp, p + q) * gamma(xp, q)
    size = xp.exp(_betaln(xp, a, b))
    sign = gammasgn(xp, a) * gammasgn(xp, b) * gammasgn(xp, xp.where(small, 1.0, a + b))
    return xp.where(small, direct, xp.where(size == 0, size, sign * size))  # at a pole of the divisor there is no sign
