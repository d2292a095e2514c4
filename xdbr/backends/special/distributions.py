"""Portable distribution functions, made of the incomplete gamma and beta functions of the backend."""

from __future__ import annotations

import math
from typing import Any

from ..._typing import RawArray

__all__ = ["bdtr", "bdtrc", "bdtri", "nbdtr", "nbdtrc", "nbdtri", "pdtr", "pdtrc", "pdtri", "stdtr"]


def pdtr(xp: Any, k: RawArray, m: RawArray, /) -> RawArray:
    """Give the probability of at most k events."""
    k = _where_valid(xp, k >= 0, xp.floor(k))
    return xp.special.gammaincc(k + 1, m)


def pdtrc(xp: Any, k: RawArray, m: RawArray, /) -> RawArray:
    """Give the probability of more than k events."""
    k = _where_valid(xp, k >= 0, xp.floor(k))
    return xp.special.gammainc(k + 1, m)


def pdtri(xp: Any, k: RawArray, y: RawArray, /) -> RawArray:
    """Give the mean for which `pdtr` is y."""
    k = _where_valid(xp, (k >= 0) & (y >= 0) & (y < 1), xp.floor(k))
    return xp.special.gammainccinv(k + 1, y)


def bdtr(xp: Any, k: RawArray, n: RawArray, p: RawArray, /) -> RawArray:
    """Give the probability of at most k successes."""
    k, n, valid = _counts(xp, k, n, p)
    last = valid & (k == n)
    inside = valid & (k >= 0) & (k < n)
    k, n = xp.where(inside, k, 0.0), xp.where(inside, n, 1.0)
    found = xp.special.betaincc(k + 1, n - k, xp.where(inside, p, 0.5))
    return xp.where(last, 1.0, _where_valid(xp, inside, found))


def bdtrc(xp: Any, k: RawArray, n: RawArray, p: RawArray, /) -> RawArray:
    """Give the probability of more than k successes."""
    k, n, valid = _counts(xp, k, n, p)
    last, all_of_them = valid & (k == n), valid & (k < 0)
    inside = valid & (k >= 0) & (k < n)
    k, n = xp.where(inside, k, 0.0), xp.where(inside, n, 1.0)
    found = xp.special.betainc(k + 1, n - k, xp.where(inside, p, 0.5))
    return xp.where(last, 0.0, xp.where(all_of_them, 1.0, _where_valid(xp, inside, found)))


def bdtri(xp: Any, k: RawArray, n: RawArray, y: RawArray, /) -> RawArray:
    """Give the probability for which `bdtr` is y."""
    k, n, valid = _counts(xp, k, n, y)
    inside = valid & (k >= 0) & (k < n)
    k, n = xp.where(inside, k, 0.0), xp.where(inside, n, 1.0)
    return _where_valid(xp, inside, xp.special.betainccinv(k + 1, n - k, xp.where(inside, y, 0.5)))


def nbdtr(xp: Any, k: RawArray, n: RawArray, p: RawArray, /) -> RawArray:
    """Give the probability of at most k failures before the n-th success."""
    k, n, valid = _failures(xp, k, n, p)
    return _where_valid(xp, valid, xp.special.betainc(n, k + 1, xp.where(valid, p, 0.5)))


def nbdtrc(xp: Any, k: RawArray, n: RawArray, p: RawArray, /) -> RawArray:
    """Give the probability of more than k failures before the n-th success."""
    k, n, valid = _failures(xp, k, n, p)
    return _where_valid(xp, valid, xp.special.betaincc(n, k + 1, xp.where(valid, p, 0.5)))


def nbdtri(xp: Any, k: RawArray, n: RawArray, y: RawArray, /) -> RawArray:
    """Give the probability for which `nbdtr` is y."""
    k, n, valid = _failures(xp, k, n, y)
    return _where_valid(xp, valid, xp.special.betaincinv(n, k + 1, xp.where(valid, y, 0.5)))


def stdtr(xp: Any, df: RawArray, t: RawArray, /) -> RawArray:
    """Give the distribution function of Student's t; with infinitely many degrees of freedom the normal one."""
    normal = df > 1e20  # to the last digit
    v = xp.where(normal, 1.0, xp.where(df > 0, df, math.nan))
    square = t * t
    far = square == math.inf
    square = xp.where(far, 1.0, square)
    # The smaller of the two shares is the exact one.
    near = square < v
    tail = xp.where(
        near,
        xp.special.betaincc(xp.full_like(v, 0.5), v / 2, square / (v + square)),
        xp.special.betainc(v / 2, xp.full_like(v, 0.5), v / (v + square)),
    )
    tail = xp.where(far & ~xp.isnan(v), 0.0, tail) / 2
    return xp.where(normal, xp.special.ndtr(t), xp.where(t < 0, tail, 1 - tail))


def _where_valid(xp: Any, valid: RawArray, found: RawArray) -> RawArray:
    return xp.where(valid, found, math.nan)


def _counts(xp: Any, k: RawArray, n: RawArray, p: RawArray) -> tuple[RawArray, RawArray, RawArray]:
    k, n = xp.floor(k), xp.floor(n)
    return k, n, (k <= n) & (n >= 0) & (p >= 0) & (p <= 1)


def _failures(xp: Any, k: RawArray, n: RawArray, p: RawArray) -> tuple[RawArray, RawArray, RawArray]:
    k, n = xp.floor(k), xp.floor(n)
    valid = (k >= 0) & (n > 0) & (p >= 0) & (p <= 1)
    return xp.where(valid, k, 0.0), xp.where(valid, n, 1.0), valid
