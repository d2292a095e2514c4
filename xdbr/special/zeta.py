"""The zeta functions of Hurwitz and Riemann, with their derivatives by both arguments."""

from __future__ import annotations

from typing import Any

from .._typing import Array
from ..autograd.primitive import primitive
from ..autograd.variable import Variable
from ._make import beside, special

__all__ = ["zeta", "zetac"]

# B(2j) / (2j)!, of the summation formula of Euler and Maclaurin.
_BERNOULLI = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600,
    -3617 / 10670622842880000, 43867 / 5109094217170944000,
)  # fmt: skip
_TERMS = 12


@primitive(name="special.zeta", elementwise=True, floating=True)
def _zeta(xp: Any, x: Array, q: Array, /) -> Array:
    return xp.special.zeta(x, q)


def zeta(x: Any, q: Any = 1, /) -> Variable:
    """Hurwitz's zeta function, the sum of `1 / (k + q)**x` over k = 0, 1, 2, ..., for x > 1; Riemann's for q = 1.

    The derivative by x takes q > 0, and is NaN elsewhere.

    >>> import xdbr
    >>> xdbr.special.zeta(xdbr.asarray([2.0, 4.0], dtype="float64"))
    Variable([1.64493407, 1.08232323], dtype=float64)
    """
    return _zeta(x, 1 if q is None else q)


def hurwitz_by_x(xp: Any, x: Array, q: Array) -> Array:
    """Give the derivative of Hurwitz's zeta function by x, for q > 0, by Euler's and Maclaurin's formula."""
    far = xp.isinf(x)
    x = xp.where(far, 2.0, x)
    total = xp.zeros_like(x + q)
    for k in range(_TERMS):
        total = total - (q + k) ** -x * xp.log(q + k)
    q = q + _TERMS
    log_q = xp.log(q)
    power = q**-x
    # q**(1 - x) / (x - 1) and q**-x / 2; then rising factorials of x, with their logarithmic derivatives.
    total = total - q * power * (log_q + 1 / (x - 1)) / (x - 1) - power * log_q / 2
    rising, slope = x, xp.ones_like(x)
    power = power / q
    for j, b in enumerate(_BERNOULLI):
        total = total + b * power * (slope - rising * log_q)
        for m in (2 * j + 1, 2 * j + 2):
            rising, slope = rising * (x + m), slope * (x + m) + rising
        power = power / (q * q)
    return xp.where(far, 0.0, total)


def _zeta_by_x(xp: Any, g: Array, x: Array, q: Array) -> Array:
    x, q = beside(xp, g, x, q)
    valid = (q > 0) & (x > 1)
    return g * xp.where(valid, hurwitz_by_x(xp, xp.where(valid, x, 2.0), xp.where(valid, q, 1.0)), xp.nan)


def _zeta_by_q(xp: Any, g: Array, x: Array, q: Array) -> Array:
    x, q = beside(xp, g, x, q)
    return g * (-x * xp.special.zeta(x + 1, q))


_zeta.vjp(_zeta_by_x, _zeta_by_q)


@special
def zetac(xp: Any, x: Array, /) -> Array:
    """Riemann's zeta function less 1, exact to the last digits also for large x.

    The derivative takes x > 1, and is NaN elsewhere.

    >>> import xdbr
    >>> xdbr.special.zetac(xdbr.asarray([2.0, 50.0], dtype="float64"))
    Variable([6.44934067e-01, 8.88178421e-16], dtype=float64)
    """
    return xp.special.zetac(x)


zetac.vjp(lambda xp, g, x: _zeta_by_x(xp, g, x, 1.0))
