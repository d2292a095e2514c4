"""Sums of exponentials over axes: their logarithm, and the shares in them, each with its gradient rule beside it."""

from __future__ import annotations

from typing import Any

from .._typing import Array, Axis
from ..array_api._arguments import unique_axes
from ..array_api._rules import real_floating, spread
from ..autograd.primitive import composite, primitive
from ..autograd.variable import VARIABLES
from ._make import promoted

__all__ = ["log_softmax", "logsumexp", "softmax"]


def _top(xp: Any, a: Array, axis: Axis) -> Array:
    """Give the largest elements, or 0 where they are infinite or there are none."""
    if 0 in a.shape:
        return xp.sum(a, axis=axis, keepdims=True)
    top = xp.max(a, axis=axis, keepdims=True)
    return xp.where(xp.isfinite(top), top, xp.zeros_like(top))


@primitive(name="special._logsumexp", arrays=1)
def _logsumexp(xp: Any, a: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    a, axis = real_floating("special.logsumexp", xp, a), unique_axes("special.logsumexp", axis, len(a.shape))
    top = _top(xp, a, axis)
    total = xp.sum(xp.exp(a - top), axis=axis, keepdims=keepdims, dtype=a.dtype)
    return xp.log(total) + (top if keepdims else xp.reshape(top, tuple(total.shape)))


def _logsumexp_rule(xp: Any, g: Array, a: Array, out: Array, axis: Axis, keepdims: bool) -> Array:
    shape = tuple(a.shape)
    g, out = spread(xp, g, shape, axis, keepdims), spread(xp, out, shape, axis, keepdims)
    # Where the sum is infinite, those that are as infinite as it share it equally.
    infinite = xp.isinf(out)
    same = xp.astype(a == out, out.dtype)
    count = xp.sum(same, axis=axis, keepdims=True, dtype=out.dtype)
    equal = same / xp.where(count == 0, 1.0, count)
    return g * xp.where(infinite, equal, xp.exp(a - xp.where(infinite, 0.0, out)))


_logsumexp.vjp(_logsumexp_rule)


@composite(name="special.logsumexp")
def logsumexp(
    xp: Any, a: Array, /, axis: Axis = None, b: Array | None = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """`log(sum(b * exp(a)))` over `axis` (all axes by default), without overflow; for real a.

    b: factors, which broadcast with a. Where the sum is negative the result is NaN, unless `return_sign`.
    return_sign: give a pair: the logarithm of the absolute value of the sum, and its sign.

    Where the result is infinite, the elements that are the same infinity share the gradient equally. That of no
    elements is minus infinity. Raises `AxisError` for an axis that is out of range.

    >>> import xdbr
    >>> xdbr.special.logsumexp(xdbr.asarray([1000.0, 1000.0], dtype="float64"))
    Variable(1000.69314718, dtype=float64)
    """
    if b is None:
        if type(a) in VARIABLES:
            out = _logsumexp(a, axis=axis, keepdims=keepdims)
        else:
            out = _logsumexp.primitive.forward(xp, a, axis=axis, keepdims=keepdims)
        if not return_sign:
            return out
        return out, xp.where(xp.isnan(out), out, xp.astype(out > -xp.inf, out.dtype))
    a, b = xp.broadcast_arrays(*(real_floating("special.logsumexp", xp, x) for x in promoted(xp, a, b)))
    axis = unique_axes("special.logsumexp", axis, len(a.shape))
    used = b != 0
    top = _top(xp, xp.where(used, a, -xp.inf), axis)
    top = top.detach() if type(top) in VARIABLES else top  # the result does not depend on it
    terms = xp.where(used & (a == -xp.inf), 0.0, b * xp.exp(xp.where(used, a - top, 0.0)))
    total = xp.sum(terms, axis=axis, keepdims=keepdims, dtype=terms.dtype)
    sign = xp.sign(total)
    size = total * sign if return_sign else total
    out = xp.log(size) + (top if keepdims else xp.reshape(top, tuple(total.shape)))
    return (out, sign) if return_sign else out


@primitive(name="special.softmax", arrays=1)
def softmax(xp: Any, x: Array, /, axis: Axis = None) -> Array:
    """`exp(x) / sum(exp(x))` over `axis` (all axes by default), without overflow. Raises `AxisError`.

    >>> import xdbr
    >>> xdbr.special.softmax(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.26894142, 0.73105858], dtype=float64)
    """
    x, axis = real_floating("special.softmax", xp, x), unique_axes("special.softmax", axis, len(x.shape))
    if 0 in x.shape:
        return xp.positive(x)
    e = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True, dtype=e.dtype)


def _softmax_rule(xp: Any, g: Array, out: Array, axis: Axis) -> Array:
    return out * (g - xp.sum(g * out, axis=axis, keepdims=True, dtype=out.dtype))


softmax.vjp(_softmax_rule)


@primitive(name="special.log_softmax", arrays=1)
def log_softmax(xp: Any, x: Array, /, axis: Axis = None) -> Array:
    """Logarithm of `softmax`, exact to the last digits also where that is small. Raises `AxisError`.

    >>> import xdbr
    >>> xdbr.special.log_softmax(xdbr.asarray([0.0, 1000.0], dtype="float64"))
    Variable([-1000.,     0.], dtype=float64)
    """
    x, axis = real_floating("special.log_softmax", xp, x), unique_axes("special.log_softmax", axis, len(x.shape))
    if 0 in x.shape:
        return xp.positive(x)
    x = x - xp.max(x, axis=axis, keepdims=True)
    return x - xp.log(xp.sum(xp.exp(x), axis=axis, keepdims=True, dtype=x.dtype))


def _log_softmax_rule(xp: Any, g: Array, out: Array, axis: Axis) -> Array:
    return g - xp.exp(out) * xp.sum(g, axis=axis, keepdims=True, dtype=g.dtype)


log_softmax.vjp(_log_softmax_rule)
