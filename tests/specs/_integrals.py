"""Special functions by their defining integrals and sums, as references: slow, and by other means than the library."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np


@functools.lru_cache(maxsize=1)
def _half_line() -> tuple[np.ndarray, np.ndarray]:
    t = np.linspace(-5.0, 6.5, 800)
    u = np.exp(np.pi / 2 * np.sinh(t))
    return u, u * np.pi / 2 * np.cosh(t) * (t[1] - t[0])


@functools.lru_cache(maxsize=1)
def _interval() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    t = np.linspace(-5.5, 5.5, 800)
    s = np.pi / 2 * np.sinh(t)
    # The distances of the nodes from the two ends of [0, 1], each to the last digits.
    low, high = 1 / (1 + np.exp(-2 * s)), 1 / (1 + np.exp(2 * s))
    return low, high, np.pi * np.cosh(t) * low * high * (t[1] - t[0])


def half_line(f: Callable[[np.ndarray], np.ndarray]) -> float:
    """The integral of f from 0 to infinity (Takahasi and Mori's exp-sinh rule)."""
    u, w = _half_line()
    with np.errstate(all="ignore"):
        values = f(u) * w
    return float(np.sum(np.where(np.isfinite(values), values, 0.0)))


def interval(f: Callable[[np.ndarray, np.ndarray], np.ndarray], length: float) -> float:
    """The integral of f from 0 to `length` (their tanh-sinh rule); f is told the distance from either end."""
    low, high, w = _interval()
    with np.errstate(all="ignore"):
        values = f(length * low, length * high) * w * length
    return float(np.sum(np.where(np.isfinite(values), values, 0.0)))


def turn(f: Callable[[np.ndarray], np.ndarray]) -> float:
    """The mean of a smooth function with the period 2 pi."""
    return float(np.mean(f(2 * np.pi * np.arange(256) / 256)))


def solved(f: Callable[[float], float], low: float, high: float) -> float:
    """The zero of a monotonous function between two numbers, by bisection."""
    rising = f(low) < 0
    for _ in range(70):
        middle = (low + high) / 2
        if (f(middle) < 0) == rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2


# -- gamma and zeta --------------------------------------------------------------------------------------


def psi(x: float) -> float:
    return half_line(lambda t: np.exp(-t) / t - np.exp(-x * t) / -np.expm1(-t))


def polygamma(n: float, x: float) -> float:
    if n == 0:
        return psi(x)
    return (-1) ** int(n + 1) * half_line(lambda t: t**n * np.exp(-x * t) / -np.expm1(-t))


def zeta(x: float, q: float) -> float:
    return half_line(lambda t: t ** (x - 1) * np.exp(-q * t) / -np.expm1(-t)) / math.gamma(x)


def beta(a: float, b: float) -> float:
    return math.gamma(a) * math.gamma(b) / math.gamma(a + b)


def gammainc(a: float, x: float) -> float:
    return interval(lambda t, _: t ** (a - 1) * np.exp(-t), x) / math.gamma(a)


def betainc(a: float, b: float, x: float) -> float:
    return interval(lambda t, _: t ** (a - 1) * (1 - t) ** (b - 1), x) / beta(a, b)


def stdtr(v: float, t: float) -> float:
    scale = math.gamma((v + 1) / 2) / math.gamma(v / 2) / math.sqrt(math.pi * v)
    return 0.5 + scale * interval(lambda s, _: (1 + (s * t) ** 2 / v) ** (-(v + 1) / 2) * t, 1.0)


# -- Bessel's --------------------------------------------------------------------------------------------


def jn(n: float, x: float) -> float:
    return turn(lambda t: np.cos(n * t - x * np.sin(t)))


def yn(n: float, x: float) -> float:
    first = interval(lambda t, _: np.sin(x * np.sin(t) - n * t), math.pi)
    second = half_line(lambda t: (np.exp(n * t) + (-1) ** int(n) * np.exp(-n * t)) * np.exp(-x * np.sinh(t)))
    return (first - second) / math.pi


def i_n(n: float, x: float) -> float:
    return turn(lambda t: np.cos(n * t) * np.exp(x * np.cos(t)))


def kn(n: float, x: float) -> float:
    return half_line(lambda t: np.exp(-x * np.cosh(t)) * np.cosh(n * t))


# -- further integrals -------------------------------------------------------------------------------------


def expn(n: float, x: float) -> float:
    return math.exp(-x) * half_line(lambda t: np.exp(-x * t) / (1 + t) ** n)


def expi(x: float) -> float:
    return float(np.euler_gamma) + math.log(abs(x)) + sum(x**k / (k * math.factorial(k)) for k in range(1, 60))


def spence(z: float) -> float:
    return interval(lambda t, _: -np.log1p(t * (z - 1)) / t, 1.0)


def ellipk(m: float) -> float:
    return math.pi / 2 * turn(lambda t: 1 / np.sqrt(1 - m * np.sin(t) ** 2))


def ellipe(m: float) -> float:
    return math.pi / 2 * turn(lambda t: np.sqrt(1 - m * np.sin(t) ** 2))


def hyp1f1(a: float, b: float, x: float) -> float:
    term = total = 1.0
    for k in range(80):
        term *= (a + k) / (b + k) * x / (k + 1)
        total += term
    return total


def lpmv(m: float, v: float, x: float) -> float:
    series = np.zeros(int(v) + 1)
    series[-1] = 1.0
    slope = np.polynomial.legendre.legder(series, int(m))
    return float((-1) ** int(m) * (1 - x * x) ** (m / 2) * np.polynomial.legendre.legval(x, slope))


# -- counts ------------------------------------------------------------------------------------------------


def pdtr(k: float, m: float) -> float:
    return sum(math.exp(-m) * m**i / math.factorial(i) for i in range(int(k) + 1))


def bdtr(k: float, n: float, p: float) -> float:
    return sum(math.comb(int(n), i) * p**i * (1 - p) ** (int(n) - i) for i in range(int(k) + 1))


def nbdtr(k: float, n: float, p: float) -> float:
    return sum(math.comb(int(n) + i - 1, i) * p ** int(n) * (1 - p) ** i for i in range(int(k) + 1))
