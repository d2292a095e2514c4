"""Sums, products, extremes, averages and spreads over axes, each with its gradient rule beside it.

Integers are read in the default floating-point dtype where the result is floating. `axis` is an axis, a
tuple of different ones, or `None` for all; negative ones count from the last.
"""

from __future__ import annotations

from typing import Any

from .._errors import DtypeError, ShapeError
from .._typing import Array, Axis, Dtype, Shape
from ..autograd.primitive import composite, primitive
from ..autograd.variable import Variable
from ._arguments import LIBRARY_ERRORS, explained, lengths, number, one_axis, unique_axes
from ._rules import along, floating, kind, reduced_size, resolve_dtype, spread

__all__ = [
    "bincount",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "max",
    "mean",
    "median",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]


def _plain(function: str, axis: Axis) -> Axis:
    """Give `axis` as `None`, a Python integer or a tuple of them, so that it can be a key of a cache."""
    if axis is None or type(axis) is int:
        return axis
    found = lengths(function, axis)
    return found[0] if hasattr(axis, "__index__") else found


# -- sums and averages -----------------------------------------------------------------------------


@primitive(name="sum", arrays=1)
def _sum(xp: Any, x: Array, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    return xp.sum(x, axis=axis, dtype=dtype, keepdims=keepdims)


_sum.vjp(lambda xp, g, x_shape, axis, keepdims: xp.broadcast_to(spread(xp, g, x_shape, axis, keepdims), tuple(x_shape)))


def sum(x: Any, /, *, axis: Axis = None, dtype: Dtype = None, keepdims: bool = False) -> Variable:
    """Sum of the elements over `axis`; 0 for no elements.

    dtype: that of the sum; by default x's own, and for integers at least the default integer dtype.
    keepdims: keep the reduced axes with length one.

    Raises `AxisError` for an axis out of range or named twice.

    >>> import xdbr
    >>> xdbr.sum(xdbr.asarray([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Variable([4., 6.], dtype=float32)
    """
    if dtype is not None:
        x, dtype = resolve_dtype("sum", x, dtype)
    try:
        return _sum.primitive.apply((x,), {"axis": _plain("sum", axis), "dtype": dtype, "keepdims": keepdims})  # type: ignore[no-any-return]
    except LIBRARY_ERRORS as error:
        raise explained("sum", error, x, axis=axis) from error


@primitive(name="mean", arrays=1)
def _mean(xp: Any, x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    x = floating(xp, x)
    if 0 in x.shape:  # libraries warn of a mean of nothing
        return xp.sum(x, axis=axis, keepdims=keepdims) * float("nan")
    return xp.mean(x, axis=axis, keepdims=keepdims)


def _mean_rule(xp: Any, g: Array, x_shape: Shape, axis: Axis, keepdims: bool) -> Array:
    x_shape = tuple(x_shape)
    return xp.broadcast_to(spread(xp, g / reduced_size(x_shape, axis), x_shape, axis, keepdims), x_shape)


_mean.vjp(_mean_rule)


def mean(x: Any, /, *, axis: Axis = None, keepdims: bool = False) -> Variable:
    """Arithmetic mean of the elements over `axis`; NaN for no elements.

    keepdims: keep the reduced axes with length one.

    Raises `AxisError` for an axis out of range or named twice.

    >>> import xdbr
    >>> xdbr.mean(xdbr.asarray([1.0, 2.0, 6.0]))
    Variable(3., dtype=float32)
    """
    try:
        return _mean.primitive.apply((x,), {"axis": _plain("mean", axis), "keepdims": keepdims})  # type: ignore[no-any-return]
    except LIBRARY_ERRORS as error:
        raise explained("mean", error, x, axis=axis) from error


@primitive(name="var", arrays=1)
def _var(
    xp: Any,
    x: Array,
    /,
    *,
    axis: Axis = None,
    correction: float = 0.0,
    keepdims: bool = False,
    ddof: float | None = None,
) -> Array:
    return _deviation(xp, xp.var, x, axis, correction if ddof is None else ddof, keepdims)


def _deviation(xp: Any, reduce: Any, x: Array, axis: Axis, correction: float, keepdims: bool) -> Array:
    """Reduce to the variance or its root; to NaN where there is none: libraries disagree, and warn, there."""
    x = floating(xp, x)
    if 0 not in x.shape and reduced_size(tuple(x.shape), axis) > correction:
        return reduce(x, axis=axis, correction=correction, keepdims=keepdims)
    return xp.sum(x, axis=axis, keepdims=keepdims) * float("nan")


def _var_rule(xp: Any, g: Array, x: Array, axis: Axis, correction: float, keepdims: bool) -> Array:
    shape = tuple(x.shape)
    scale = _divisor(shape, axis, correction)
    return spread(xp, g * (2 / scale), shape, axis, keepdims) * (x - xp.mean(x, axis=axis, keepdims=True))


def _divisor(shape: Shape, axis: Axis, correction: float) -> float:
    """Give what the squares are divided by: NaN where nothing is left of the degrees of freedom."""
    left = reduced_size(shape, axis) - correction
    return left if left > 0 else float("nan")


_var.vjp(_var_rule)


def var(
    x: Any,
    /,
    *,
    axis: Axis = None,
    correction: float = 0.0,
    keepdims: bool = False,
    ddof: float | None = None,
) -> Variable:
    """Variance of the elements over `axis`: the mean square of their distances from the mean.

    correction: what is taken from the number of elements to get the divisor: 0 for a population, 1 for a
        sample (Bessel). NaN where nothing is left of it.
    keepdims: keep the reduced axes with length one.
    ddof: NumPy's name for `correction`, which xarray passes.

    Raises `AxisError` for an axis out of range or named twice.

    >>> import xdbr
    >>> xdbr.var(xdbr.asarray([1.0, 3.0]), correction=1)
    Variable(2., dtype=float32)
    """
    correction = number("var", "correction", correction if ddof is None else ddof)
    try:
        options = {"axis": _plain("var", axis), "correction": correction, "keepdims": keepdims}
        return _var.primitive.apply((x,), options)  # type: ignore[no-any-return]
    except LIBRARY_ERRORS as error:
        raise explained("var", error, x, axis=axis) from error


@primitive(name="std", arrays=1)
def _std(
    xp: Any,
    x: Array,
    /,
    *,
    axis: Axis = None,
    correction: float = 0.0,
    keepdims: bool = False,
    ddof: float | None = None,
) -> Array:
    return _deviation(xp, xp.std, x, axis, correction if ddof is None else ddof, keepdims)


def _std_rule(xp: Any, g: Array, x: Array, out: Array, axis: Axis, correction: float, keepdims: bool) -> Array:
    shape = tuple(x.shape)
    constant = out == 0
    one = xp.ones_like(out)
    slope = xp.where(constant, xp.zeros_like(g), g) / (xp.where(constant, one, out) * _divisor(shape, axis, correction))
    return spread(xp, slope, shape, axis, keepdims) * (x - xp.mean(x, axis=axis, keepdims=True))


_std.vjp(_std_rule)


def std(
    x: Any,
    /,
    *,
    axis: Axis = None,
    correction: float = 0.0,
    keepdims: bool = False,
    ddof: float | None = None,
) -> Variable:
    """Standard deviation of the elements over `axis`: the square root of `var`.

    correction, keepdims, ddof: as for `var`.

    Where all elements are the same, at the kink, the gradient is zero and counts as constant, as in PyTorch; for
    higher derivatives of its square take `var`. Raises `AxisError` for an axis out of range or named twice.

    >>> import xdbr
    >>> xdbr.std(xdbr.asarray([1.0, 3.0]))
    Variable(1., dtype=float32)
    """
    correction = number("std", "correction", correction if ddof is None else ddof)
    try:
        options = {"axis": _plain("std", axis), "correction": correction, "keepdims": keepdims}
        return _std.primitive.apply((x,), options)  # type: ignore[no-any-return]
    except LIBRARY_ERRORS as error:
        raise explained("std", error, x, axis=axis) from error


# -- products ---------------------------------------------------------------------------------------


@primitive(name="prod", arrays=1, holomorphic=True)
def _prod(xp: Any, x: Array, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    return xp.prod(x, axis=axis, dtype=dtype, keepdims=keepdims)


def _prod_rule(xp: Any, g: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """Multiply by the product of all other elements: of those before and those after, so that zeros are no trouble."""
    shape = tuple(x.shape)
    axes = unique_axes("prod", axis, len(shape))
    order = (*(i for i in range(len(shape)) if i not in axes), *axes)
    kept = tuple(shape[i] for i in order[: len(shape) - len(axes)])
    line = xp.reshape(xp.permute_dims(x, order), (*kept, reduced_size(shape, axes)))
    others = xp.reshape(_products_of_others(xp, line), tuple(shape[i] for i in order))
    back = tuple(order.index(i) for i in range(len(shape)))
    return spread(xp, g, shape, axis, keepdims) * xp.permute_dims(others, back)


def _products_of_others(xp: Any, x: Array) -> Array:
    """Give, for each element, the product of all others along the last axis."""
    before = xp.cumulative_prod(x, axis=-1, include_initial=True)[..., :-1]
    after = xp.cumulative_prod(xp.flip(x, axis=-1), axis=-1, include_initial=True)[..., :-1]
    return before * xp.flip(after, axis=-1)


_prod.vjp(_prod_rule)


def prod(x: Any, /, *, axis: Axis = None, dtype: Dtype = None, keepdims: bool = False) -> Variable:
    """Product of the elements over `axis`; 1 for no elements.

    dtype: that of the product; by default x's own, and for integers at least the default integer dtype.
    keepdims: keep the reduced axes with length one.

    The gradient is right at zeros, too. Raises `AxisError` for an axis out of range or named twice.

    >>> import xdbr
    >>> x = xdbr.Variable([2.0, 0.0, 3.0], requires_grad=True)
    >>> xdbr.prod(x).backward()
    >>> x.grad
    Variable([0., 6., 0.], dtype=float32)
    """
    if dtype is not None:
        x, dtype = resolve_dtype("prod", x, dtype)
    try:
        return _prod.primitive.apply((x,), {"axis": _plain("prod", axis), "dtype": dtype, "keepdims": keepdims})  # type: ignore[no-any-return]
    except LIBRARY_ERRORS as error:
        raise explained("prod", error, x, axis=axis) from error


# -- extremes ---------------------------------------------------------------------------------------


@primitive(name="max", arrays=1)
def _max(xp: Any, x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    return xp.max(x, axis=axis, keepdims=keepdims)


@primitive(name="min", arrays=1)
def _min(xp: Any, x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    return xp.min(x, axis=axis, keepdims=keepdims)


def _extreme_rule(xp: Any, g: Array, x: Array, out: Array, axis: Axis, keepdims: bool) -> Array:
    shape = tuple(x.shape)
    hits = xp.astype(x == spread(xp, out, shape, axis, keepdims), g.dtype)
    share = spread(xp, g, shape, axis, keepdims) / xp.sum(hits, axis=axis, keepdims=True)
    return share * hits


_max.vjp(_extreme_rule)
_min.vjp(_extreme_rule)


def max(x: Any, /, *, axis: Axis = None, keepdims: bool = False) -> Variable:
    """Greatest element over `axis`; NaN where one is NaN.

    keepdims: keep the reduced axes with length one.

    Equal greatest elements share the gradient evenly; below a NaN it is NaN. Raises `ShapeError` where
    there are no elements, `AxisError` for an axis out of range or named twice.

    >>> import xdbr
    >>> x = xdbr.Variable([1.0, 3.0, 3.0], requires_grad=True)
    >>> xdbr.max(x).backward()
    >>> x.grad
    Variable([0. , 0.5, 0.5], dtype=float32)
    """
    try:
        return _max.primitive.apply((x,), {"axis": _plain("max", axis), "keepdims": keepdims})  # type: ignore[no-any-return]
    except LIBRARY_ERRORS as error:
        raise explained("max", error, x, axis=axis) from error


def min(x: Any, /, *, axis: Axis = None, keepdims: bool = False) -> Variable:
    """Least element over `axis`; NaN where one is NaN.

    keepdims: keep the reduced axes with length one.

    Equal least elements share the gradient evenly; below a NaN it is NaN. Raises `ShapeError` where there
    are no elements, `AxisError` for an axis out of range or named twice.

    >>> import xdbr
    >>> xdbr.min(xdbr.asarray([[1.0, 3.0], [2.0, 0.0]]), axis=1)
    Variable([1., 0.], dtype=float32)
    """
    try:
        return _min.primitive.apply((x,), {"axis": _plain("min", axis), "keepdims": keepdims})  # type: ignore[no-any-return]
    except LIBRARY_ERRORS as error:
        raise explained("min", error, x, axis=axis) from error


@composite
def median(xp: Any, x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Middle element over `axis` in order of size, or the mean of the two middle ones; beyond the standard.

    keepdims: keep the reduced axes with length one.

    NaN where an element is NaN or there are none. The gradient goes to the middle elements; among equal
    ones to those that `sort` puts there. Raises `AxisError` for an axis out of range or named twice.

    >>> import xdbr
    >>> xdbr.median(xdbr.asarray([4.0, 1.0, 2.0, 9.0]))
    Variable(3., dtype=float32)
    """
    x = floating(xp, x)
    shape = tuple(x.shape)
    axes = unique_axes("median", axis, len(shape))
    rest = tuple(i for i in range(len(shape)) if i not in axes)
    n = reduced_size(shape, axes)
    if not n:
        return xp.sum(x, axis=axes, keepdims=keepdims) * float("nan")
    line = xp.reshape(xp.permute_dims(x, (*rest, *axes)), (*(shape[i] for i in rest), n))
    line = xp.sort(line, axis=-1)
    middle = line[..., n // 2] if n % 2 else (line[..., n // 2 - 1] + line[..., n // 2]) / 2
    unordered = xp.any(xp.isnan(line), axis=-1)  # libraries put NaN at either end
    middle = xp.where(unordered, xp.full_like(middle, float("nan")), middle)
    return xp.reshape(middle, tuple(1 if i in axes else m for i, m in enumerate(shape))) if keepdims else middle


# -- running sums and products ------------------------------------------------------------------------


@primitive(name="cumulative_sum", arrays=1)
def _cumulative_sum(
    xp: Any, x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Array:
    return xp.cumulative_sum(x, axis=axis, dtype=dtype, include_initial=include_initial)


def _cumulative_sum_rule(xp: Any, g: Array, axis: int, include_initial: bool) -> Array:
    if include_initial:
        g = g[along(axis, slice(1, None))]
    return xp.flip(xp.cumulative_sum(xp.flip(g, axis=axis), axis=axis, dtype=g.dtype), axis=axis)


_cumulative_sum.vjp(_cumulative_sum_rule)


def _only_axis(function: str, x: Any, axis: int | None) -> int:
    """Give the axis to run along, counted from the front; `None` is the only one."""
    shape = getattr(x, "shape", None)
    if shape is None:
        raise DtypeError(f"{function}: x must be an array or a Variable; got {type(x).__name__}")
    if not shape:
        raise ShapeError(f"{function}: x must have at least one axis; got shape ()")
    if axis is None and len(shape) != 1:
        raise ShapeError(f"{function}: axis must be given unless x has one axis; got x of shape {tuple(shape)}")
    return 0 if axis is None else one_axis(function, axis, len(shape))


def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Dtype = None, include_initial: bool = False
) -> Variable:
    """Running sum along an axis.

    axis: may be left out where `x` has one axis.
    dtype: that of the sums; by default x's own, and for integers at least the default integer dtype.
    include_initial: begin with 0, so that the axis is longer by one.

    Raises `AxisError` for an axis out of range, `ShapeError` where it is missing or `x` has none.

    >>> import xdbr
    >>> xdbr.cumulative_sum(xdbr.asarray([1, 2, 3]), include_initial=True)
    Variable([0, 1, 3, 6], dtype=int64)
    """
    if dtype is not None:
        x, dtype = resolve_dtype("cumulative_sum", x, dtype)
    axis = _only_axis("cumulative_sum", x, axis)
    try:
        options = {"axis": axis, "dtype": dtype, "include_initial": include_initial}
        return _cumulative_sum.primitive.apply((x,), options)  # type: ignore[no-any-return]
    except LIBRARY_ERRORS as error:
        raise explained("cumulative_sum", error, x) from error


@primitive(name="cumulative_prod", arrays=1, holomorphic=True)
def _cumulative_prod(
    xp: Any, x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Array:
    return xp.cumulative_prod(x, axis=axis, dtype=dtype, include_initial=include_initial)


def _cumulative_prod_rule(xp: Any, g: Array, x: Array, axis: int, include_initial: bool) -> Array:
    """Give `sum(g[k] * prod(x[j] for j <= k and j != i) for k >= i)`, which needs no division.

    It is the product of all before `i` times `s[i]`, where `s[i] = g[i] + x[i + 1] * s[i + 1]`. That
    recurrence runs in log2(n) passes over the whole axis: a scan by recursive doubling (Kogge and Stone, 1973).
    """
    axis = axis % len(x.shape)
    n = x.shape[axis]
    if include_initial:
        g = g[along(axis, slice(1, None))]
    if n < 2:
        return g
    before = xp.cumulative_prod(x, axis=axis, dtype=g.dtype, include_initial=True)[along(axis, slice(0, n))]
    factors = xp.concat([x[along(axis, slice(1, None))], x[along(axis, slice(0, 1))]], axis=axis)  # the last is unused
    step = 1
    while step < n:
        head, tail, last = (along(axis, slice(*ends)) for ends in ((0, n - step), (step, n), (n - step, n)))
        g = xp.concat([g[head] + factors[head] * g[tail], g[last]], axis=axis)
        factors = xp.concat([factors[head] * factors[tail], factors[last]], axis=axis)
        step *= 2
    return before * g


_cumulative_prod.vjp(_cumulative_prod_rule)


def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: Dtype = None, include_initial: bool = False
) -> Variable:
    """Running product along an axis.

    axis: may be left out where `x` has one axis.
    dtype: that of the products; by default x's own, and for integers at least the default integer dtype.
    include_initial: begin with 1, so that the axis is longer by one.

    The gradient is right at zeros, too. Raises `AxisError` for an axis out of range, `ShapeError` where it
    is missing or `x` has none.

    >>> import xdbr
    >>> xdbr.cumulative_prod(xdbr.asarray([1, 2, 3, 4]))
    Variable([ 1,  2,  6, 24], dtype=int64)
    """
    if dtype is not None:
        x, dtype = resolve_dtype("cumulative_prod", x, dtype)
    axis = _only_axis("cumulative_prod", x, axis)
    try:
        options = {"axis": axis, "dtype": dtype, "include_initial": include_initial}
        return _cumulative_prod.primitive.apply((x,), options)  # type: ignore[no-any-return]
    except LIBRARY_ERRORS as error:
        raise explained("cumulative_prod", error, x) from error


def _in_a_row(function: str, xp: Any, x: Array, axis: int | None, dtype: Dtype) -> tuple[Array, int, Any]:
    if dtype is not None:
        x, dtype = resolve_dtype(function, x, dtype)
    if axis is None:
        return xp.reshape(x, (-1,)), 0, dtype
    return x, one_axis(function, axis, len(x.shape)), dtype


@composite
def cumsum(xp: Any, x: Array, /, axis: int | None = None, dtype: Dtype = None) -> Array:
    """NumPy's name for `cumulative_sum`, of all elements in a row where no axis is given; beyond the standard.

    >>> import xdbr
    >>> xdbr.cumsum(xdbr.asarray([[1, 2], [3, 4]]))
    Variable([ 1,  3,  6, 10], dtype=int64)
    """
    x, axis, dtype = _in_a_row("cumsum", xp, x, axis, dtype)
    return xp.cumulative_sum(x, axis=axis, dtype=dtype)


@composite
def cumprod(xp: Any, x: Array, /, axis: int | None = None, dtype: Dtype = None) -> Array:
    """NumPy's name for `cumulative_prod`, of all elements in a row where no axis is given; beyond the standard.

    >>> import xdbr
    >>> xdbr.cumprod(xdbr.asarray([[1, 2], [3, 4]]))
    Variable([ 1,  2,  6, 24], dtype=int64)
    """
    x, axis, dtype = _in_a_row("cumprod", xp, x, axis, dtype)
    return xp.cumulative_prod(x, axis=axis, dtype=dtype)


# -- counting ---------------------------------------------------------------------------------------


@composite
def bincount(xp: Any, x: Array, /, *, weights: Array | None = None, minlength: int = 0) -> Array:
    """Count how often each number from 0 on occurs, or sum the weights of each; beyond the standard.

    x: non-negative integers with one axis.
    weights: of x's shape; the result has their dtype (at least the default integer dtype), without them
        the default integer dtype. Differentiable with respect to them.
    minlength: the least length of the result, which is `max(x) + 1` otherwise.

    Raises `DtypeError` where `x` is not of integers, `ShapeError` where shapes do not fit or a number is negative.

    >>> import xdbr
    >>> xdbr.bincount(xdbr.asarray([0, 2, 2]), weights=xdbr.asarray([1.0, 2.0, 3.0]))
    Variable([1., 0., 5.], dtype=float32)
    """
    if kind(x.dtype) not in "iu":
        raise DtypeError(f"bincount: x must have an integer dtype; got {x.dtype}")
    if len(x.shape) != 1:
        raise ShapeError(f"bincount: x must have one axis; got shape {tuple(x.shape)}")
    x = xp.astype(x, xp.int64)
    if weights is None:
        weights = xp.ones(x.shape, dtype=xp.int64, device=x.device)
    elif tuple(weights.shape) != tuple(x.shape):
        raise ShapeError(f"bincount: weights must have x's shape {tuple(x.shape)}; got {tuple(weights.shape)}")
    length = minlength.__index__()
    if x.shape[0]:
        if int(xp.min(x)) < 0:
            raise ShapeError(f"bincount: x must not have negative numbers; got {int(xp.min(x))}")
        length = length if length > int(xp.max(x)) else int(xp.max(x)) + 1
    return xp.extras.index_add(xp.zeros((length,), dtype=weights.dtype, device=x.device), weights, key=x)
