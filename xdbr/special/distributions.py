"""Distribution functions and quantiles of continuous distributions, with SciPy's names."""

from __future__ import annotations

from typing import Any

from .._typing import Array
from ..backends.special.incomplete import student_density
from ._by_parameter import beta_by_a
from ._make import beside, composed, special

__all__ = [
    "chdtr",
    "chdtrc",
    "chdtri",
    "fdtr",
    "fdtrc",
    "fdtri",
    "gdtr",
    "gdtrc",
    "stdtr",
    "stdtrit",
]

# -- chi-square, gamma and F -----------------------------------------------------------------------------


@composed
def chdtr(xp: Any, v: Array, x: Array, /) -> Array:
    """Distribution function of the chi-square distribution with v degrees of freedom.

    >>> import xdbr
    >>> xdbr.special.chdtr(2.0, xdbr.asarray([0.0, 3.0], dtype="float64"))
    Variable([0.        , 0.77686984], dtype=float64)
    """
    return xp.special.gammainc(v / 2, x / 2)


@composed
def chdtrc(xp: Any, v: Array, x: Array, /) -> Array:
    """Survival function of the chi-square distribution with v degrees of freedom.

    >>> import xdbr
    >>> xdbr.special.chdtrc(2.0, xdbr.asarray([0.0, 3.0], dtype="float64"))
    Variable([1.        , 0.22313016], dtype=float64)
    """
    return xp.special.gammaincc(v / 2, x / 2)


@composed
def chdtri(xp: Any, v: Array, p: Array, /) -> Array:
    """Inverse of `chdtrc` by its second argument.

    >>> import xdbr
    >>> xdbr.special.chdtri(2.0, xdbr.asarray([1.0, 0.05], dtype="float64"))
    Variable([0.        , 5.99146455], dtype=float64)
    """
    return 2 * xp.special.gammainccinv(v / 2, p)


@composed
def gdtr(xp: Any, a: Array, b: Array, x: Array, /) -> Array:
    """Distribution function of the gamma distribution with rate a and shape b.

    >>> import xdbr
    >>> xdbr.special.gdtr(2.0, 3.0, xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.        , 0.32332358], dtype=float64)
    """
    return xp.special.gammainc(b, a * xp.where(x < 0, xp.nan, x))


@composed
def gdtrc(xp: Any, a: Array, b: Array, x: Array, /) -> Array:
    """Survival function of the gamma distribution with rate a and shape b.

    >>> import xdbr
    >>> xdbr.special.gdtrc(2.0, 3.0, xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([1.        , 0.67667642], dtype=float64)
    """
    return xp.special.gammaincc(b, a * xp.where(x < 0, xp.nan, x))


def _share(xp: Any, a: Array, b: Array, x: Array) -> tuple[Array, Array]:
    """Give a x / (a x + b) and b / (a x + b); NaN outside the domain of the F distribution."""
    far = x == xp.inf
    ax = a * xp.where(far, 1.0, xp.where((x < 0) | (a <= 0) | (b <= 0), xp.nan, x))
    return xp.where(far, 1.0, ax / (ax + b)), xp.where(far, 0.0, b / (ax + b))


@composed
def fdtr(xp: Any, dfn: Array, dfd: Array, x: Array, /) -> Array:
    """Distribution function of the F distribution with dfn and dfd degrees of freedom.

    >>> import xdbr
    >>> xdbr.special.fdtr(2.0, 3.0, xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.      , 0.535242], dtype=float64)
    """
    return xp.special.betainc(dfn / 2, dfd / 2, _share(xp, dfn, dfd, x)[0])


@composed
def fdtrc(xp: Any, dfn: Array, dfd: Array, x: Array, /) -> Array:
    """Survival function of the F distribution with dfn and dfd degrees of freedom.

    >>> import xdbr
    >>> xdbr.special.fdtrc(2.0, 3.0, xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([1.      , 0.464758], dtype=float64)
    """
    return xp.special.betainc(dfd / 2, dfn / 2, _share(xp, dfn, dfd, x)[1])


@composed
def fdtri(xp: Any, dfn: Array, dfd: Array, p: Array, /) -> Array:
    """Inverse of `fdtr` by its third argument.

    >>> import xdbr
    >>> xdbr.special.fdtri(2.0, 3.0, xdbr.asarray([0.0, 0.5], dtype="float64"))
    Variable([0.        , 0.88110158], dtype=float64)
    """
    part = xp.special.betaincinv(dfn / 2, dfd / 2, p)
    rest = xp.special.betainccinv(dfd / 2, dfn / 2, p)
    return dfd * part / (dfn * rest)


# -- Student's t -----------------------------------------------------------------------------------------


@special
def stdtr(xp: Any, df: Array, t: Array, /) -> Array:
    """Distribution function of Student's t distribution with df degrees of freedom.

    >>> import xdbr
    >>> xdbr.special.stdtr(3.0, xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.5       , 0.80449889], dtype=float64)
    """
    return xp.special.stdtr(df, t)


def _student_by_df(xp: Any, df: Array, t: Array) -> Array:
    """Give the derivative by the degrees of freedom."""
    inside = xp.isfinite(t) & xp.isfinite(df)
    t, df = xp.where(inside, t, 0.0), xp.where(inside, df, 1.0)
    whole = t * t + df
    by_a = beta_by_a(xp, df / 2, xp.full_like(df, 0.5), df / whole, t * t / whole)
    # The tail is half an incomplete beta function of df / 2 and an argument that depends on t / sqrt(df).
    slope = -xp.sign(t) * by_a / 4 - t * student_density(xp, df, t) / (2 * df)
    return xp.where(inside, slope, 0.0 * slope)


stdtr.vjp(
    lambda xp, g, df, t: g * _student_by_df(xp, *beside(xp, g, df, t)),
    lambda xp, g, df, t: g * student_density(xp, *beside(xp, g, df, t)),
)


@special
def stdtrit(xp: Any, df: Array, p: Array, /) -> Array:
    """Inverse of `stdtr` by its second argument.

    >>> import xdbr
    >>> xdbr.special.stdtrit(3.0, xdbr.asarray([0.5, 0.975], dtype="float64"))
    Variable([0.        , 3.18244631], dtype=float64)
    """
    return xp.special.stdtrit(df, p)


def _student_quantile_by_df(xp: Any, g: Array, df: Array, out: Array) -> Array:
    df, out = beside(xp, g, df, out)
    return -g * (_student_by_df(xp, df, out) / student_density(xp, df, out))


stdtrit.vjp(
    _student_quantile_by_df,
    lambda xp, g, df, out: g / student_density(xp, *beside(xp, g, df, out)),
)
