"""The incomplete gamma and beta functions and their inverses, each with its gradient rule beside it.

Regularised throughout, as in SciPy. The derivatives by the parameters are integrals, see `_by_parameter`.
"""

from __future__ import annotations

from typing import Any

from .._typing import Array
from ..backends.special.incomplete import beta_density, gamma_density
from ._by_parameter import beta_by_a, gamma_by_a
from ._make import beside, special

__all__ = [
    "betainc",
    "betaincc",
    "betainccinv",
    "betaincinv",
    "gammainc",
    "gammaincc",
    "gammainccinv",
    "gammaincinv",
]

# -- gamma -------------------------------------------------------------------------------------------------


@special
def gammainc(xp: Any, a: Array, x: Array, /) -> Array:
    """Regularised lower incomplete gamma function; NaN for negative arguments.

    >>> import xdbr
    >>> xdbr.special.gammainc(2.0, xdbr.asarray([0.0, 1.0, 5.0], dtype="float64"))
    Variable([0.        , 0.26424112, 0.95957232], dtype=float64)
    """
    return xp.special.gammainc(a, x)


gammainc.vjp(
    lambda xp, g, a, x: g * gamma_by_a(xp, *beside(xp, g, a, x)),
    lambda xp, g, a, x: g * gamma_density(xp, *beside(xp, g, a, x)),
)


@special
def gammaincc(xp: Any, a: Array, x: Array, /) -> Array:
    """Regularised upper incomplete gamma function, `1 - gammainc(a, x)`, exact also where that is small.

    >>> import xdbr
    >>> xdbr.special.gammaincc(2.0, xdbr.asarray([0.0, 1.0, 50.0], dtype="float64"))
    Variable([1.00000000e+00, 7.35758882e-01, 9.83662422e-21], dtype=float64)
    """
    return xp.special.gammaincc(a, x)


gammaincc.vjp(
    lambda xp, g, a, x: -g * gamma_by_a(xp, *beside(xp, g, a, x)),
    lambda xp, g, a, x: -g * gamma_density(xp, *beside(xp, g, a, x)),
)


@special
def gammaincinv(xp: Any, a: Array, y: Array, /) -> Array:
    """Inverse of `gammainc` by its second argument.

    >>> import xdbr
    >>> xdbr.special.gammaincinv(2.0, xdbr.asarray([0.0, 0.5], dtype="float64"))
    Variable([0.        , 1.67834699], dtype=float64)
    """
    return xp.special.gammaincinv(a, y)


def _gamma_quantile_by_a(xp: Any, g: Array, a: Array, out: Array) -> Array:
    (a,) = beside(xp, g, a)
    return -g * (gamma_by_a(xp, a, out) / gamma_density(xp, a, out))


gammaincinv.vjp(_gamma_quantile_by_a, lambda xp, g, a, out: g / gamma_density(xp, *beside(xp, g, a, out)))


@special
def gammainccinv(xp: Any, a: Array, y: Array, /) -> Array:
    """Inverse of `gammaincc` by its second argument.

    >>> import xdbr
    >>> xdbr.special.gammainccinv(2.0, xdbr.asarray([1.0, 1e-20], dtype="float64"))
    Variable([ 0.        , 49.98319799], dtype=float64)
    """
    return xp.special.gammainccinv(a, y)


gammainccinv.vjp(_gamma_quantile_by_a, lambda xp, g, a, out: -g / gamma_density(xp, *beside(xp, g, a, out)))


# -- beta ----------------------------------------------------------------------------------------------------


@special
def betainc(xp: Any, a: Array, b: Array, x: Array, /) -> Array:
    """Regularised incomplete beta function, for a, b > 0 and x in [0, 1].

    >>> import xdbr
    >>> xdbr.special.betainc(2.0, 3.0, xdbr.asarray([0.0, 0.5, 1.0], dtype="float64"))
    Variable([0.    , 0.6875, 1.    ], dtype=float64)
    """
    return xp.special.betainc(a, b, x)


def _by_a(xp: Any, g: Array, a: Array, b: Array, x: Array) -> Array:
    a, b, x = beside(xp, g, a, b, x)
    return g * beta_by_a(xp, a, b, x, 1 - x)


def _by_b(xp: Any, g: Array, a: Array, b: Array, x: Array) -> Array:
    a, b, x = beside(xp, g, a, b, x)
    return -g * beta_by_a(xp, b, a, 1 - x, x)


def _density(xp: Any, g: Array, a: Array, b: Array, x: Array) -> Array:
    a, b, x = beside(xp, g, a, b, x)
    return beta_density(xp, a, b, x, 1 - x)


betainc.vjp(_by_a, _by_b, lambda xp, g, a, b, x: g * _density(xp, g, a, b, x))


@special
def betaincc(xp: Any, a: Array, b: Array, x: Array, /) -> Array:
    """Complement of the regularised incomplete beta function, `1 - betainc(a, b, x)`, exact also where that is small.

    >>> import xdbr
    >>> xdbr.special.betaincc(2.0, 3.0, xdbr.asarray([0.0, 0.5, 0.999], dtype="float64"))
    Variable([1.000e+00, 3.125e-01, 3.997e-09], dtype=float64)
    """
    return xp.special.betaincc(a, b, x)


betaincc.vjp(
    lambda xp, g, a, b, x: -_by_a(xp, g, a, b, x),
    lambda xp, g, a, b, x: -_by_b(xp, g, a, b, x),
    lambda xp, g, a, b, x: -g * _density(xp, g, a, b, x),
)


@special
def betaincinv(xp: Any, a: Array, b: Array, y: Array, /) -> Array:
    """Inverse of `betainc` by its third argument.

    >>> import xdbr
    >>> xdbr.special.betaincinv(2.0, 3.0, xdbr.asarray([0.0, 0.6875], dtype="float64"))
    Variable([0. , 0.5], dtype=float64)
    """
    return xp.special.betaincinv(a, b, y)


def _beta_quantile_by_a(xp: Any, g: Array, a: Array, b: Array, out: Array) -> Array:
    return -_by_a(xp, g, a, b, out) / _density(xp, g, a, b, out)


def _beta_quantile_by_b(xp: Any, g: Array, a: Array, b: Array, out: Array) -> Array:
    return -_by_b(xp, g, a, b, out) / _density(xp, g, a, b, out)


betaincinv.vjp(
    _beta_quantile_by_a,
    _beta_quantile_by_b,
    lambda xp, g, a, b, out: g / _density(xp, g, a, b, out),
)


@special
def betainccinv(xp: Any, a: Array, b: Array, y: Array, /) -> Array:
    """Inverse of `betaincc` by its third argument.

    >>> import xdbr
    >>> xdbr.special.betainccinv(2.0, 3.0, xdbr.asarray([0.3125, 1.0], dtype="float64"))
    Variable([0.5, 0. ], dtype=float64)
    """
    return xp.special.betainccinv(a, b, y)


betainccinv.vjp(
    _beta_quantile_by_a,
    _beta_quantile_by_b,
    lambda xp, g, a, b, out: -g / _density(xp, g, a, b, out),
)
