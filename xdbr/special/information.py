"""Logistic functions, terms of entropies and divergences, and losses, each with its gradient rule beside it."""

from __future__ import annotations

from typing import Any

from .._typing import Array
from ._make import beside, composed, special

__all__ = [
    "entr",
    "expit",
    "huber",
    "kl_div",
    "log_expit",
    "logit",
    "pseudo_huber",
    "rel_entr",
    "softplus",
    "xlog1py",
    "xlogy",
]

# -- logistic functions --------------------------------------------------------------------------------


@special
def expit(xp: Any, x: Array, /) -> Array:
    """Logistic function, `1 / (1 + exp(-x))`.

    >>> import xdbr
    >>> xdbr.special.expit(xdbr.asarray([0.0, 2.0], dtype="float64"))
    Variable([0.5       , 0.88079708], dtype=float64)
    """
    return xp.special.expit(x)


# Not out * (1 - out), which has no digits left where out is close to 1.
expit.vjp(lambda xp, g, x, out: g * (out * xp.special.expit(-x)))


@special
def log_expit(xp: Any, x: Array, /) -> Array:
    """Logarithm of `expit`, exact to the last digits also where that is close to 0 or 1.

    >>> import xdbr
    >>> xdbr.special.log_expit(xdbr.asarray([0.0, -1000.0], dtype="float64"))
    Variable([-6.93147181e-01, -1.00000000e+03], dtype=float64)
    """
    return xp.special.log_expit(x)


log_expit.vjp(lambda xp, g, x: g * xp.special.expit(-x))


@special
def softplus(xp: Any, x: Array, /) -> Array:
    """`log(1 + exp(x))`, exact to the last digits.

    >>> import xdbr
    >>> xdbr.special.softplus(xdbr.asarray([0.0, 1000.0], dtype="float64"))
    Variable([6.93147181e-01, 1.00000000e+03], dtype=float64)
    """
    return xp.special.softplus(x)


softplus.vjp(lambda xp, g, x: g * xp.special.expit(x))


@special
def logit(xp: Any, x: Array, /) -> Array:
    """Logit, `log(x / (1 - x))`, the inverse of `expit`; infinite at 0 and 1, NaN beyond.

    >>> import xdbr
    >>> xdbr.special.logit(xdbr.asarray([0.5, 0.75], dtype="float64"))
    Variable([0.        , 1.09861229], dtype=float64)
    """
    return xp.special.logit(x)


def _logit_rule(xp: Any, g: Array, x: Array) -> Array:
    # Two quotients, not that by x (1 - x), whose own derivative overflows; the sum takes the sign off a zero.
    x = xp.where((x < 0) | (x > 1), xp.nan, x + 0.0)
    return g / x + g / (1 - x)


logit.vjp(_logit_rule)


# -- terms of entropies and divergences ------------------------------------------------------------------


def _quotient(xp: Any, x: Array, y: Array) -> Array:
    """Give x / y, and 0 where both are 0."""
    return x / xp.where((x == 0) & (y == 0), 1.0, y)


@special
def xlogy(xp: Any, x: Array, y: Array, /) -> Array:
    """`x * log(y)`, and 0 where x is 0 (unless y is NaN).

    The derivative by x is log(y), also at x = 0; that by y is 0 where both are 0.

    >>> import xdbr
    >>> xdbr.special.xlogy(xdbr.asarray([0.0, 2.0], dtype="float64"), xdbr.asarray([0.0, 3.0], dtype="float64"))
    Variable([0.        , 2.19722458], dtype=float64)
    """
    return xp.special.xlogy(x, y)


xlogy.vjp(
    lambda xp, g, y: g * xp.log(*beside(xp, g, y)),
    lambda xp, g, x, y: g * _quotient(xp, *beside(xp, g, x, y)),
)


@special
def xlog1py(xp: Any, x: Array, y: Array, /) -> Array:
    """`x * log(1 + y)`, exact to the last digits for small y, and 0 where x is 0 (unless y is NaN).

    The derivative by x is log(1 + y), also at x = 0; that by y is 0 where x = 0 and y = -1.

    >>> import xdbr
    >>> xdbr.special.xlog1py(xdbr.asarray([0.0, 2.0], dtype="float64"), xdbr.asarray([-1.0, 1e-9], dtype="float64"))
    Variable([0.e+00, 2.e-09], dtype=float64)
    """
    return xp.special.xlog1py(x, y)


xlog1py.vjp(
    lambda xp, g, y: g * xp.log1p(*beside(xp, g, y)),
    lambda xp, g, x, y: g * _quotient(xp, *beside(xp, g, x, 1 + y)),
)


@special
def entr(xp: Any, x: Array, /) -> Array:
    """Term of an entropy: `-x * log(x)`, 0 at 0, and minus infinity for negative x.

    The derivative is infinite at 0 and NaN for negative x.

    >>> import xdbr
    >>> xdbr.special.entr(xdbr.asarray([-1.0, 0.0, 0.5], dtype="float64"))
    Variable([      -inf, 0.        , 0.34657359], dtype=float64)
    """
    return xp.special.entr(x)


# The sum takes the sign off a zero.
entr.vjp(lambda xp, g, x: g * (-1 - xp.log(x + 0.0)))


@special
def rel_entr(xp: Any, x: Array, y: Array, /) -> Array:
    """Term of a relative entropy: `x * log(x / y)` for positive x and y, 0 for x = 0 <= y, and infinity elsewhere.

    The derivative by x is minus infinity at x = 0 < y, that by y is 0 there; outside the domain both are NaN or
    infinite. Where both arguments are 0, the derivative by x is NaN and that by y is 0.

    >>> import xdbr
    >>> xdbr.special.rel_entr(xdbr.asarray([0.0, 2.0], dtype="float64"), xdbr.asarray([1.0, 1.0], dtype="float64"))
    Variable([0.        , 1.38629436], dtype=float64)
    """
    return xp.special.rel_entr(x, y)


def _log_ratio(xp: Any, x: Array, y: Array) -> Array:
    # Quotients overflow and underflow where the difference of the logarithms does not; that loses digits close to 0.
    difference = x - y
    near = xp.abs(difference) < y / 2
    far = xp.log(x) - xp.log(y)
    return xp.where(near, xp.log1p(xp.where(near, difference, 0.0) / xp.where(near, y, 1.0)), far)


def _ratio(xp: Any, x: Array, y: Array) -> Array:
    """Give x / y, 0 where both are 0, and NaN outside the domain."""
    return xp.where((x < 0) | (y < 0), xp.nan, _quotient(xp, x, y))


rel_entr.vjp(
    lambda xp, g, x, y: g * (_log_ratio(xp, *beside(xp, g, x, y)) + 1),
    lambda xp, g, x, y: g * -_ratio(xp, *beside(xp, g, x, y)),
)


@special
def kl_div(xp: Any, x: Array, y: Array, /) -> Array:
    """Term of a Kullback-Leibler divergence: `x * log(x / y) - x + y`, y at x = 0 <= y, infinite outside x, y >= 0.

    The derivatives behave as those of `rel_entr`.

    >>> import xdbr
    >>> xdbr.special.kl_div(xdbr.asarray([0.0, 2.0], dtype="float64"), xdbr.asarray([1.0, 1.0], dtype="float64"))
    Variable([1.        , 0.38629436], dtype=float64)
    """
    return xp.special.kl_div(x, y)


kl_div.vjp(
    lambda xp, g, x, y: g * _log_ratio(xp, *beside(xp, g, x, y)),
    lambda xp, g, x, y: g * (1 - _ratio(xp, *beside(xp, g, x, y))),
)


# -- losses --------------------------------------------------------------------------------------------


@composed
def huber(xp: Any, delta: Array, r: Array, /) -> Array:
    """Huber's loss: `r**2 / 2` for abs(r) <= delta, `delta * (abs(r) - delta / 2)` beyond; infinite for delta < 0.

    Where abs(r) = delta the derivatives are those of the parabola, which both sides share.

    >>> import xdbr
    >>> xdbr.special.huber(1.0, xdbr.asarray([0.5, 3.0], dtype="float64"))
    Variable([0.125, 2.5  ], dtype=float64)
    """
    size = xp.abs(r)
    out = xp.where(size <= delta, r * r / 2, delta * (size - delta / 2))
    return xp.where(delta < 0, xp.inf, out)


@composed
def pseudo_huber(xp: Any, delta: Array, r: Array, /) -> Array:
    """Smooth form of Huber's loss: `delta**2 * (sqrt(1 + (r / delta)**2) - 1)`; infinite for delta < 0.

    >>> import xdbr
    >>> xdbr.special.pseudo_huber(1.0, xdbr.asarray([0.0, 3.0], dtype="float64"))
    Variable([0.        , 2.16227766], dtype=float64)
    """
    u = r / xp.where(delta == 0, 1.0, delta)
    # r**2 / (1 + sqrt(1 + u**2)), where nothing cancels.
    out = xp.where(delta == 0, 0.0, r * (r / (1 + xp.hypot(xp.ones_like(u), u))))
    return xp.where(delta < 0, xp.inf, out)
