"""Quantiles, which the standard lacks and code such as xarray's asks a namespace for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._typing import Array, Axis
from ..autograd.primitive import composite
from ._arguments import LIBRARY_ERRORS, unique_axes
from ._rules import real_floating

__all__ = ["quantile"]

# By method, what Hyndman and Fan call alpha and beta: the k-th of n elements in order is the quantile
# (k - alpha) / (n + 1 - alpha - beta). Between those a quantile lies on the line from one element to the next.
_LINES = {
    "linear": (1.0, 1.0),
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
# Those that round the place of "linear" to that of an element, or to the middle between two.
_STEPS = ("lower", "higher", "nearest", "midpoint")
METHODS = (*_LINES, *_STEPS)


@composite
def quantile(
    xp: Any, x: Array, q: Any, /, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Array:
    """Number below which the share `q` of the elements over `axis` lies, as NumPy's `quantile`; beyond the standard.

    x: real.
    q: within [0, 1], a number or an array; its axes are the first of the result. NaN stands for what is outside.
    method: where the quantile lies between two elements: "linear", "lower", "higher", "nearest", "midpoint",
        "hazen", "weibull", "median_unbiased", "normal_unbiased" or "interpolated_inverted_cdf".
    keepdims: keep the reduced axes with length one.

    NaN where an element is NaN or there are none. The gradient goes to the two elements beside the place, among
    equal ones to those that `sort` puts there, and to an array `q`, for which the lower of two equal ones counts.
    Raises `AxisError`, `DtypeError` for complex numbers, and `ValueError` for another method, or a number `q` outside.

    Source: Hyndman and Fan, "Sample quantiles in statistical packages", The American Statistician 50, 1996.

    >>> import xdbr
    >>> xdbr.quantile(xdbr.asarray([4.0, 1.0, 2.0, 9.0]), 0.25)
    Variable(1.75, dtype=float32)
    """
    return among(xp, "quantile", x, q, axis, method, keepdims, None)


def among(xp: Any, name: str, x: Array, q: Any, axis: Axis, method: str, keepdims: bool, valid: Array | None) -> Array:
    """Give quantiles of the elements that are `valid`, or of all."""
    x = real_floating(name, xp, x)
    if method not in METHODS:
        raise ValueError(f"{name}: method must be one of {', '.join(map(repr, METHODS))}; got {method!r}")
    shape = tuple(x.shape)
    axes = unique_axes(name, axis, len(shape))
    rest = tuple(i for i in range(len(shape)) if i not in axes)
    kept = tuple(shape[i] for i in rest)
    size = math.prod(shape[i] for i in axes)

    def in_lines(y: Array) -> Array:
        return xp.reshape(xp.permute_dims(y, (*rest, *axes)), (*kept, size))

    q = _shares(name, xp, q)
    if not size:
        line = xp.full((*kept, 1), float("nan"), dtype=x.dtype, device=x.device)
    else:
        line = xp.sort(in_lines(x if valid is None else xp.where(valid, x, float("inf"))), axis=-1)
    if valid is None:
        n: Any = line.shape[-1]
        bad = xp.any(xp.isnan(line), axis=-1, keepdims=True)  # libraries put NaN at either end
    else:
        n = xp.count_nonzero(in_lines(valid), axis=-1, keepdims=True)
        bad = n == 0
    out = _between(xp, line, n, q, method)
    out = xp.where(bad, float("nan"), out)
    left = tuple(1 if i in axes else m for i, m in enumerate(shape)) if keepdims else kept
    return xp.reshape(xp.moveaxis(out, -1, 0), (*q.shape, *left))


def _shares(name: str, xp: Any, q: Any) -> Any:
    """Read `q`: numbers as an array on the host in double precision, an array as it is."""
    if hasattr(q, "shape"):
        return real_floating(name, xp, q)
    found = np.asarray(q, dtype="float64")
    if not ((found >= 0) & (found <= 1)).all():
        raise ValueError(f"{name}: q must be within [0, 1]; got {q!r}")
    return found


def _between(xp: Any, line: Array, n: Any, q: Any, method: str) -> Array:
    """Give the quantiles of the first `n` elements of each line, which are in order, along the last axis."""
    dtype, device = line.dtype, line.device
    on_host = type(q) is np.ndarray  # numbers; see `_shares`
    if on_host and isinstance(n, int):
        below, above, way = (found.tolist() for found in _places(np, q.reshape(-1), n, method))
        below, above = (xp.asarray(i, dtype=xp.int64, device=device) for i in (below, above))
        way = xp.asarray(way, dtype=dtype, device=device)
    else:
        q = xp.asarray(q.tolist(), dtype=dtype, device=device) if on_host else q
        found = xp.result_type(dtype, q.dtype)
        q, n = _in_double(xp, q), n if isinstance(n, int) else _in_double(xp, n)
        below, above, way = _places(xp, xp.reshape(q, (-1,)), n, method)
        below, above, way = xp.astype(below, xp.int64), xp.astype(above, xp.int64), xp.astype(way, found)
    take = xp.take if len(below.shape) == 1 else xp.take_along_axis
    low, high = take(line, below, axis=-1), take(line, above, axis=-1)
    # Where both are the same infinity their difference is NaN, and so is nothing, or all, of an infinite one.
    end = xp.where(way == 1, high, low)
    at_end = (low == high) | (((way == 0) | (way == 1)) & (xp.isinf(low) | xp.isinf(high)))
    return xp.where(at_end & ~xp.isnan(way), end, low + (high - low) * way)


def _in_double(xp: Any, x: Array) -> Array:
    """Give an array in double precision, in which large counts are exact, where the device has it."""
    try:
        return xp.astype(x, xp.float64)
    except LIBRARY_ERRORS:
        return xp.astype(x, xp.float32)


def _places(xp: Any, q: Array, n: Any, method: str) -> tuple[Array, Array, Array]:
    """Give the places of the elements below and above each quantile, and how far it is on the way between them."""
    alpha, beta = _LINES.get(method, (1.0, 1.0))
    at = (n - 1) * q if alpha == beta == 1 else n * q + (alpha + q * (1 - alpha - beta)) - 1
    at = xp.maximum(xp.minimum(xp.where(at == at, at, 0.0), n - 1), 0)
    below = xp.floor(at)
    above = xp.maximum(xp.minimum(below + 1, n - 1), 0)
    way = at - below
    if method == "lower":
        way = 0 * way
    elif method == "higher":
        way = xp.ceil(way)
    elif method == "nearest":
        way = xp.round(at) - below  # of two as near, the even place
    elif method == "midpoint":
        way = xp.ceil(way) / 2
    return below, above, xp.where((q >= 0) & (q <= 1), way, float("nan"))
