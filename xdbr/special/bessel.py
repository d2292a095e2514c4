"""Bessel functions, each with its gradient rule beside it. By the order there is no rule: that gradient raises."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .._typing import Array
from ..backends.special.series import polynomial
from ._make import beside, special

__all__ = [
    "i0",
    "i0e",
    "i1",
    "i1e",
    "iv",
    "ive",
    "j0",
    "j1",
    "jv",
    "k0",
    "k0e",
    "k1",
    "k1e",
    "kv",
    "kve",
    "y0",
    "y1",
    "yn",
    "yv",
]

# 1 / (2 k! (k + 1)!): the series of I1(x) / x and, with alternating signs, of J1(x) / x in x**2 / 4.
_HALVES = tuple(1 / (2 * math.factorial(k) * math.factorial(k + 1)) for k in range(14))
_ALTERNATING = tuple((-1) ** k * c for k, c in enumerate(_HALVES))


def _over(xp: Any, value: Array, x: Array, series: tuple[float, ...]) -> Array:
    """Give J1 or I1 (`value`, at x) over x, by its series in x**2 / 4 about zero."""
    near = xp.abs(x) < 1
    z = xp.where(near, x, 0.0)
    return xp.where(near, polynomial(z * z / 4, series), value / xp.where(near, 1.0, x))


def _difference(f: Callable[..., Array], v: Array, x: Array) -> Array:
    return (f(v - 1, x) - f(v + 1, x)) / 2


def _mean(f: Callable[..., Array], v: Array, x: Array) -> Array:
    return (f(v - 1, x) + f(v + 1, x)) / 2


# -- of the first and second kind ----------------------------------------------------------------------


@special
def j0(xp: Any, x: Array, /) -> Array:
    """Bessel function of the first kind, order 0.

    >>> import xdbr
    >>> xdbr.special.j0(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([1.        , 0.76519769], dtype=float64)
    """
    return xp.special.j0(x)


j0.vjp(lambda xp, g, x: -g * xp.special.j1(x))


@special
def j1(xp: Any, x: Array, /) -> Array:
    """Bessel function of the first kind, order 1.

    >>> import xdbr
    >>> xdbr.special.j1(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.        , 0.44005059], dtype=float64)
    """
    return xp.special.j1(x)


j1.vjp(lambda xp, g, x, out: g * (xp.special.j0(x) - _over(xp, out, x, _ALTERNATING)))


@special
def y0(xp: Any, x: Array, /) -> Array:
    """Bessel function of the second kind, order 0; minus infinity at 0, NaN below.

    >>> import xdbr
    >>> xdbr.special.y0(xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([0.08825696, 0.51037567], dtype=float64)
    """
    return xp.special.y0(x)


y0.vjp(lambda xp, g, x: -g * xp.special.y1(x))


@special
def y1(xp: Any, x: Array, /) -> Array:
    """Bessel function of the second kind, order 1; minus infinity at 0, NaN below.

    >>> import xdbr
    >>> xdbr.special.y1(xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([-0.78121282, -0.10703243], dtype=float64)
    """
    return xp.special.y1(x)


y1.vjp(lambda xp, g, x, out: g * (xp.special.y0(x) - out / x))


@special
def jv(xp: Any, v: Array, x: Array, /) -> Array:
    """Bessel function of the first kind, order v.

    >>> import xdbr
    >>> xdbr.special.jv(0.5, xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([0.67139671, 0.51301614], dtype=float64)
    """
    return xp.special.jv(v, x)


jv.vjp(None, lambda xp, g, v, x: g * _difference(xp.special.jv, *beside(xp, g, v, x)))


@special
def yn(xp: Any, n: Array, x: Array, /) -> Array:
    """Bessel function of the second kind, integer order n.

    >>> import xdbr
    >>> xdbr.special.yn(2, xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([-1.65068261, -0.6174081 ], dtype=float64)
    """
    return xp.special.yn(n, x)


yn.vjp(None, lambda xp, g, n, x: g * _difference(xp.special.yn, *beside(xp, g, n, x)))


@special
def yv(xp: Any, v: Array, x: Array, /) -> Array:
    """Bessel function of the second kind, order v.

    >>> import xdbr
    >>> xdbr.special.yv(0.5, xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([-0.43109887,  0.23478571], dtype=float64)
    """
    return xp.special.yv(v, x)


yv.vjp(None, lambda xp, g, v, x: g * _difference(xp.special.yv, *beside(xp, g, v, x)))

# -- modified ------------------------------------------------------------------------------------------


def _apart(xp: Any, x: Array, zero: Array, one: Array, sign: int) -> Array:
    """Give I0e - I1e (sign 1) or K1e - K0e (sign -1) at x > 0, for large x by the asymptotic series.

    zero, one: the two functions at x.
    """
    far = x > 40
    u = sign / xp.where(far, x, 40.0)
    if sign > 0:
        scale = 1 / xp.sqrt(2 * math.pi * xp.where(far, x, 40.0))
        plain = zero - one
    else:
        scale = xp.sqrt(math.pi / 2 / xp.where(far, x, 40.0))
        plain = one - zero
    return xp.where(far, scale * sign * polynomial(u, _DIFFERENCES), plain)


def _hankel(order: int, terms: int) -> list[float]:
    """Give the coefficients of 1 / x in the asymptotic series of sqrt(2 pi x) exp(-x) I(x)."""
    found, c = [1.0], 1.0
    for k in range(1, terms):
        c *= -(4 * order * order - (2 * k - 1) ** 2) / (8 * k)
        found.append(c)
    return found


_DIFFERENCES = tuple(a - b for a, b in zip(_hankel(0, 20), _hankel(1, 20), strict=True))


@special
def i0(xp: Any, x: Array, /) -> Array:
    """Modified Bessel function of the first kind, order 0.

    >>> import xdbr
    >>> xdbr.special.i0(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([1.        , 1.26606588], dtype=float64)
    """
    return xp.special.i0(x)


i0.vjp(lambda xp, g, x: g * xp.special.i1(x))


@special
def i0e(xp: Any, x: Array, /) -> Array:
    """Scaled modified Bessel function of the first kind, `exp(-abs(x)) * i0(x)`; its slope at the kink 0 is 0.

    >>> import xdbr
    >>> xdbr.special.i0e(xdbr.asarray([0.0, 1000.0], dtype="float64"))
    Variable([1.        , 0.01261724], dtype=float64)
    """
    return xp.special.i0e(x)


i0e.vjp(lambda xp, g, x, out: -g * (xp.sign(x) * _i_apart(xp, x, out)))


def _i_apart(xp: Any, x: Array, zero: Array) -> Array:
    size = xp.abs(x)
    return _apart(xp, size, zero, xp.special.i1e(size), 1)


@special
def i1(xp: Any, x: Array, /) -> Array:
    """Modified Bessel function of the first kind, order 1.

    >>> import xdbr
    >>> xdbr.special.i1(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.       , 0.5651591], dtype=float64)
    """
    return xp.special.i1(x)


def _i1_slope(xp: Any, x: Array, out: Array) -> Array:
    # Where I1 overflows so does I0, from which the quotient is subtracted.
    return xp.special.i0(x) - _over(xp, xp.where(xp.isinf(out), 0.0, out), x, _HALVES)


i1.vjp(lambda xp, g, x, out: g * _i1_slope(xp, x, out))


@special
def i1e(xp: Any, x: Array, /) -> Array:
    """Scaled modified Bessel function of the first kind, `exp(-abs(x)) * i1(x)`.

    >>> import xdbr
    >>> xdbr.special.i1e(xdbr.asarray([0.0, 1000.0], dtype="float64"))
    Variable([0.        , 0.01261093], dtype=float64)
    """
    return xp.special.i1e(x)


def _i1e_slope(xp: Any, x: Array, out: Array) -> Array:
    near = xp.abs(x) < 1
    z = xp.where(near, x, 0.0)
    over = xp.where(near, xp.exp(-xp.abs(z)) * polynomial(z * z / 4, _HALVES), out / xp.where(near, 1.0, x))
    return _i_apart(xp, x, xp.special.i0e(x)) - over


i1e.vjp(lambda xp, g, x, out: g * _i1e_slope(xp, x, out))


@special
def k0(xp: Any, x: Array, /) -> Array:
    """Modified Bessel function of the second kind, order 0; infinite at 0, NaN below.

    >>> import xdbr
    >>> xdbr.special.k0(xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([0.42102444, 0.11389387], dtype=float64)
    """
    return xp.special.k0(x)


k0.vjp(lambda xp, g, x: -g * xp.special.k1(x))


@special
def k1(xp: Any, x: Array, /) -> Array:
    """Modified Bessel function of the second kind, order 1; infinite at 0, NaN below.

    >>> import xdbr
    >>> xdbr.special.k1(xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([0.60190723, 0.13986588], dtype=float64)
    """
    return xp.special.k1(x)


k1.vjp(lambda xp, g, x, out: -g * (xp.special.k0(x) + out / x))


@special
def k0e(xp: Any, x: Array, /) -> Array:
    """Scaled modified Bessel function of the second kind, `exp(x) * k0(x)`.

    >>> import xdbr
    >>> xdbr.special.k0e(xdbr.asarray([1.0, 1000.0], dtype="float64"))
    Variable([1.14446308, 0.03962832], dtype=float64)
    """
    return xp.special.k0e(x)


k0e.vjp(lambda xp, g, x, out: -g * _apart(xp, x, out, xp.special.k1e(x), -1))


@special
def k1e(xp: Any, x: Array, /) -> Array:
    """Scaled modified Bessel function of the second kind, `exp(x) * k1(x)`.

    >>> import xdbr
    >>> xdbr.special.k1e(xdbr.asarray([1.0, 1000.0], dtype="float64"))
    Variable([1.63615349, 0.03964813], dtype=float64)
    """
    return xp.special.k1e(x)


k1e.vjp(lambda xp, g, x, out: g * (_apart(xp, x, xp.special.k0e(x), out, -1) - out / x))


@special
def iv(xp: Any, v: Array, x: Array, /) -> Array:
    """Modified Bessel function of the first kind, order v.

    >>> import xdbr
    >>> xdbr.special.iv(0.5, xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([0.93767489, 2.04623686], dtype=float64)
    """
    return xp.special.iv(v, x)


iv.vjp(None, lambda xp, g, v, x: g * _mean(xp.special.iv, *beside(xp, g, v, x)))


@special
def ive(xp: Any, v: Array, x: Array, /) -> Array:
    """Scaled modified Bessel function of the first kind, `exp(-abs(x)) * iv(v, x)`.

    >>> import xdbr
    >>> xdbr.special.ive(0.5, xdbr.asarray([1.0, 1000.0], dtype="float64"))
    Variable([0.34495131, 0.01261566], dtype=float64)
    """
    return xp.special.ive(v, x)


def _ive_rule(xp: Any, g: Array, v: Array, x: Array, out: Array) -> Array:
    return g * (_mean(xp.special.ive, *beside(xp, g, v, x)) - xp.sign(x) * out)


ive.vjp(None, _ive_rule)


@special
def kv(xp: Any, v: Array, x: Array, /) -> Array:
    """Modified Bessel function of the second kind, order v.

    >>> import xdbr
    >>> xdbr.special.kv(0.5, xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([0.4610685 , 0.11993777], dtype=float64)
    """
    return xp.special.kv(v, x)


kv.vjp(None, lambda xp, g, v, x: -g * _mean(xp.special.kv, *beside(xp, g, v, x)))


@special
def kve(xp: Any, v: Array, x: Array, /) -> Array:
    """Scaled modified Bessel function of the second kind, `exp(x) * kv(v, x)`.

    >>> import xdbr
    >>> xdbr.special.kve(0.5, xdbr.asarray([1.0, 1000.0], dtype="float64"))
    Variable([1.25331414, 0.03963327], dtype=float64)
    """
    return xp.special.kve(v, x)


kve.vjp(
    None,
    lambda xp, g, v, x, out: g * (out - _mean(xp.special.kve, *beside(xp, g, v, x))),
)
