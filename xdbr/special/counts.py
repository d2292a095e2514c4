"""Distribution functions of counts and their inverses, with SciPy's names and its conventions outside the domain.

The parameters that count (successes `k`, trials `n`) are rounded down. There is no derivative by them: a gradient for
one that is a floating-point array raises `GradientError`.
"""

from __future__ import annotations

from typing import Any

from .._typing import Array
from ..backends.special.incomplete import beta_density, gamma_density
from ._make import beside, special

__all__ = ["bdtr", "bdtrc", "bdtri", "nbdtr", "nbdtrc", "nbdtri", "pdtr", "pdtrc", "pdtri"]


def _poisson_slope(xp: Any, g: Array, k: Array, m: Array) -> Array:
    """Give the derivative of `pdtrc` by m."""
    k, m = beside(xp, g, k, m)
    k = xp.floor(k)
    valid = (k >= 0) & (m >= 0)
    return xp.where(valid, gamma_density(xp, xp.where(valid, k, 0.0) + 1, xp.where(valid, m, 1.0)), xp.nan)


def _binomial_slope(xp: Any, g: Array, k: Array, n: Array, p: Array) -> Array:
    """Give the derivative of `bdtrc` by p."""
    k, n, p = beside(xp, g, k, n, p)
    k, n = xp.floor(k), xp.floor(n)
    valid = (k <= n) & (p >= 0) & (p <= 1)
    flat = valid & ((k < 0) | (k == n))
    k, n = xp.where(valid & ~flat, k, 0.0), xp.where(valid & ~flat, n, 1.0)
    p = xp.where(valid, p, 0.5)
    slope = beta_density(xp, k + 1, n - k, p, 1 - p)
    return xp.where(valid, xp.where(flat, 0.0, slope), xp.nan)


def _negative_slope(xp: Any, g: Array, k: Array, n: Array, p: Array) -> Array:
    """Give the derivative of `nbdtr` by p."""
    k, n, p = beside(xp, g, k, n, p)
    k, n = xp.floor(k), xp.floor(n)
    valid = (k >= 0) & (n > 0) & (p >= 0) & (p <= 1)
    k, n, p = xp.where(valid, k, 0.0), xp.where(valid, n, 1.0), xp.where(valid, p, 0.5)
    return xp.where(valid, beta_density(xp, n, k + 1, p, 1 - p), xp.nan)


# -- Poisson -----------------------------------------------------------------------------------------------


@special
def pdtr(xp: Any, k: Array, m: Array, /) -> Array:
    """Probability of at most k events, Poisson distributed with mean m.

    >>> import xdbr
    >>> xdbr.special.pdtr(2, xdbr.asarray([0.5, 2.0], dtype="float64"))
    Variable([0.98561232, 0.67667642], dtype=float64)
    """
    return xp.special.pdtr(k, m)


pdtr.vjp(None, lambda xp, g, k, m: -g * _poisson_slope(xp, g, k, m))


@special
def pdtrc(xp: Any, k: Array, m: Array, /) -> Array:
    """Probability of more than k events, Poisson distributed with mean m.

    >>> import xdbr
    >>> xdbr.special.pdtrc(2, xdbr.asarray([0.5, 2.0], dtype="float64"))
    Variable([0.01438768, 0.32332358], dtype=float64)
    """
    return xp.special.pdtrc(k, m)


pdtrc.vjp(None, lambda xp, g, k, m: g * _poisson_slope(xp, g, k, m))


@special
def pdtri(xp: Any, k: Array, y: Array, /) -> Array:
    """Inverse of `pdtr` by its second argument.

    >>> import xdbr
    >>> xdbr.special.pdtri(2, xdbr.asarray([0.5, 0.9], dtype="float64"))
    Variable([2.67406031, 1.10206533], dtype=float64)
    """
    return xp.special.pdtri(k, y)


pdtri.vjp(None, lambda xp, g, k, out: -g / _poisson_slope(xp, g, k, out))


# -- binomial ----------------------------------------------------------------------------------------------


@special
def bdtr(xp: Any, k: Array, n: Array, p: Array, /) -> Array:
    """Probability of at most k successes in n trials of probability p.

    >>> import xdbr
    >>> xdbr.special.bdtr(2, 5, xdbr.asarray([0.1, 0.5], dtype="float64"))
    Variable([0.99144, 0.5    ], dtype=float64)
    """
    return xp.special.bdtr(k, n, p)


bdtr.vjp(None, None, lambda xp, g, k, n, p: -g * _binomial_slope(xp, g, k, n, p))


@special
def bdtrc(xp: Any, k: Array, n: Array, p: Array, /) -> Array:
    """Probability of more than k successes in n trials of probability p.

    >>> import xdbr
    >>> xdbr.special.bdtrc(2, 5, xdbr.asarray([0.1, 0.5], dtype="float64"))
    Variable([0.00856, 0.5    ], dtype=float64)
    """
    return xp.special.bdtrc(k, n, p)


bdtrc.vjp(None, None, lambda xp, g, k, n, p: g * _binomial_slope(xp, g, k, n, p))


@special
def bdtri(xp: Any, k: Array, n: Array, y: Array, /) -> Array:
    """Inverse of `bdtr` by its third argument, for 0 <= k < n.

    >>> import xdbr
    >>> xdbr.special.bdtri(2, 5, xdbr.asarray([0.5, 0.9], dtype="float64"))
    Variable([0.5       , 0.24663645], dtype=float64)
    """
    return xp.special.bdtri(k, n, y)


bdtri.vjp(None, None, lambda xp, g, k, n, out: -g / _binomial_slope(xp, g, k, n, out))


# -- negative binomial ---------------------------------------------------------------------------------------


@special
def nbdtr(xp: Any, k: Array, n: Array, p: Array, /) -> Array:
    """Probability of at most k failures before the n-th success of probability p.

    >>> import xdbr
    >>> xdbr.special.nbdtr(2, 5, xdbr.asarray([0.5, 0.9], dtype="float64"))
    Variable([0.2265625, 0.9743085], dtype=float64)
    """
    return xp.special.nbdtr(k, n, p)


nbdtr.vjp(None, None, lambda xp, g, k, n, p: g * _negative_slope(xp, g, k, n, p))


@special
def nbdtrc(xp: Any, k: Array, n: Array, p: Array, /) -> Array:
    """Probability of more than k failures before the n-th success of probability p.

    >>> import xdbr
    >>> xdbr.special.nbdtrc(2, 5, xdbr.asarray([0.5, 0.9], dtype="float64"))
    Variable([0.7734375, 0.0256915], dtype=float64)
    """
    return xp.special.nbdtrc(k, n, p)


nbdtrc.vjp(None, None, lambda xp, g, k, n, p: -g * _negative_slope(xp, g, k, n, p))


@special
def nbdtri(xp: Any, k: Array, n: Array, y: Array, /) -> Array:
    """Inverse of `nbdtr` by its third argument.

    >>> import xdbr
    >>> xdbr.special.nbdtri(2, 5, xdbr.asarray([0.5, 0.9], dtype="float64"))
    Variable([0.63588391, 0.83036158], dtype=float64)
    """
    return xp.special.nbdtri(k, n, y)


nbdtri.vjp(None, None, lambda xp, g, k, n, out: g / _negative_slope(xp, g, k, n, out))
