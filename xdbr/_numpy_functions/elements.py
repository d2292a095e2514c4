"""NumPy's functions that pick, order, compare and replace elements, and sums and differences beside the reductions."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy

from .. import array_api as xp
from ..autograd.variable import VARIABLES, Variable
from .counterpart import Without, beside, counterparts, only, row

__all__: list[str] = []


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return xp.nonzero(condition)
    condition = condition if condition.dtype.kind == "b" else condition != 0
    home = next((v for v in (x, y) if type(v) in VARIABLES), condition)
    x, y = (v if isinstance(v, (bool, int, float, complex)) else beside(home, v) for v in (x, y))
    return xp.where(condition, x, y)


def _argwhere(a: Variable) -> Variable:
    if not a.ndim:
        raise Without("takes no array without axes")
    return xp.stack(xp.nonzero(a), axis=-1)


def _full_like(a: Variable, fill_value: Any, dtype: Any = None, shape: Any = None) -> Variable:
    dtype = a.dtype if dtype is None else numpy.dtype(dtype)
    shape = a.shape if shape is None else shape
    if not isinstance(fill_value, (bool, int, float, complex)):
        fill_value = xp.astype(beside(a, fill_value), dtype)
        return xp.broadcast_to(fill_value, (shape,) if hasattr(shape, "__index__") else tuple(shape))
    return a.__array_namespace__().full(shape, fill_value, dtype=dtype, device=a.device)  # type: ignore[no-any-return]


def _clip(a: Variable, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Variable:
    given: Any = (a_min if min is None else min, a_max if max is None else max)
    low, high = bounds = [v if v is None or isinstance(v, (bool, int, float)) else beside(a, v) for v in given]
    floating = [isinstance(v, float) or (isinstance(v, Variable) and v.dtype.kind in "fc") for v in bounds]
    if any(floating) and a.dtype.kind not in "fc":
        raise Without("takes no bounds of another kind than the array")
    if a.dtype.kind in "iu" and any(
        isinstance(v, int) and not numpy.iinfo(a.dtype).min <= v <= numpy.iinfo(a.dtype).max for v in bounds
    ):
        raise Without("takes no bounds beyond the range of the array's dtype")
    return xp.clip(a, low, high)


def _sort(a: Variable, axis: Any, order: Any, descending: Any, function: Any) -> Any:
    only(order=(order, None))
    if a.dtype.kind == "c":
        raise Without("takes no complex numbers, for which not all libraries have an order")
    return function(row(a) if axis is None else a, axis=-1 if axis is None else axis, descending=descending)


def _take(a: Variable, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Variable:
    only(mode=(mode, "raise"))
    places = beside(a, numpy.asarray(indices) if isinstance(indices, (int, list, tuple)) else indices)
    return xp.take(row(a) if axis is None else a, places, axis=0 if axis is None else axis)


def _take_along_axis(arr: Variable, indices: Variable, axis: int | None = -1) -> Variable:
    return xp.take_along_axis(row(arr) if axis is None else arr, indices, axis=0 if axis is None else axis)


def _joint(a: Variable, x: Any, axis: int) -> Any:
    """Give what is joined to the ends before differences are taken: an array, or a number for all lines."""
    if x is None or x is numpy._NoValue:
        return None
    x = beside(a, x)
    return x if x.ndim else xp.broadcast_to(x, tuple(1 if i == axis % a.ndim else n for i, n in enumerate(a.shape)))


def _diff(a: Variable, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Variable:
    if a.dtype.kind == "b":
        raise Without("takes no truths")
    return xp.diff(a, n, axis=axis, prepend=_joint(a, prepend, axis), append=_joint(a, append, axis))


def _ediff1d(ary: Variable, to_end: Any = None, to_begin: Any = None) -> Variable:
    made = xp.diff(row(ary))
    ends = [None if x is None else row(xp.astype(beside(ary, x), ary.dtype)) for x in (to_begin, to_end)]
    return xp.concat([part for part in (ends[0], made, ends[1]) if part is not None])


def _gradient(f: Variable, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    return xp.gradient(
        f, *(h if isinstance(h, (int, float)) else beside(f, h) for h in varargs), axis=axis, edge_order=edge_order
    )


def _round(a: Variable, decimals: int = 0) -> Variable:
    if decimals == 0 or (a.dtype.kind in "iu" and decimals > 0):
        return xp.round(a)
    only(decimals=(a.dtype.kind in "fc", True))
    scale = 10.0 ** abs(decimals)
    return xp.round(a * scale) / scale if decimals > 0 else xp.round(a / scale) * scale


def _nan_to_num(x: Variable, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Variable:
    only(copy=(copy, True))
    if x.dtype.kind == "c":
        real, imag = (_nan_to_num(part, True, nan, posinf, neginf) for part in (xp.real(x), xp.imag(x)))
        return real + 1j * imag
    if x.dtype.kind != "f":
        return x.copy()
    ends = xp.finfo(x.dtype)
    x = xp.where(xp.isnan(x), nan, x)
    x = xp.where(x == math.inf, ends.max if posinf is None else posinf, x)
    return xp.where(x == -math.inf, ends.min if neginf is None else neginf, x)


def _trapezoid(y: Variable, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Variable:
    if x is not None:
        x = beside(y, x)
        dx = xp.diff(x) if x.ndim == 1 else xp.diff(x, axis=axis)
        dx = xp.reshape(dx, (-1, *(1,) * (y.ndim - 1 - axis % y.ndim))) if x.ndim == 1 else dx
    before = (slice(None),) * (axis % y.ndim)
    return xp.sum(dx * (y[(*before, slice(1, None), ...)] + y[(*before, slice(None, -1), ...)]) / 2.0, axis=axis)


def _ptp(a: Variable, axis: Any = None, *, keepdims: bool = False) -> Variable:
    return xp.max(a, axis=axis, keepdims=bool(keepdims)) - xp.min(a, axis=axis, keepdims=bool(keepdims))


def _polyval(p: Variable, x: Variable) -> Variable:
    return functools.reduce(lambda y, coefficient: y * x + coefficient, list(p), xp.zeros_like(x))


def _linspace(
    start: Variable, stop: Variable, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None
) -> Variable:
    only(retstep=(retstep, False))
    if start.ndim or stop.ndim:
        raise Without("takes no start and stop with axes")
    kind = numpy.result_type(start.dtype, stop.dtype)
    dtype = numpy.dtype(dtype) if dtype is not None else kind if kind.kind in "fc" else None
    return start.__array_namespace__().linspace(  # type: ignore[no-any-return]
        start, stop, num, endpoint=endpoint, dtype=dtype, device=start.device
    )


def _select(condlist: list[Variable], choicelist: Any, default: Any = 0) -> Variable:
    made = default
    for condition, choice in zip(reversed(condlist), reversed(list(choicelist)), strict=True):
        made = _where(condition, choice, made)
    return made  # type: ignore[no-any-return]


def _pad(array: Variable, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Variable:
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap") or isinstance(pad_width, dict):
        raise Without(f"takes no mode={mode!r} and no dict of widths")
    return xp.pad(array, pad_width, mode, constant_values=constant_values)


counterparts(
    1,
    where=_where,
    copy=lambda a: a.copy(),
    astype=lambda x, dtype, *, copy=True: xp.astype(x, numpy.dtype(dtype), copy=copy),
    full_like=_full_like,
    zeros_like=lambda a, dtype=None, *, shape=None: _full_like(a, 0, dtype, shape),
    ones_like=lambda a, dtype=None, *, shape=None: _full_like(a, 1, dtype, shape),
    empty_like=lambda prototype, dtype=None, *, shape=None: _full_like(prototype, 0, dtype, shape),
    clip=_clip,
    sort=lambda a, axis=-1, kind=None, order=None, *, stable=None, descending=False: _sort(
        a, axis, order, bool(descending), xp.sort
    ),
    argsort=lambda a, axis=-1, kind=None, order=None, *, stable=None, descending=False: _sort(
        a, axis, order, bool(descending), xp.argsort
    ),
    take=_take,
    diff=_diff,
    ediff1d=_ediff1d,
    gradient=_gradient,
    trapezoid=_trapezoid,
    ptp=_ptp,
    round=_round,
    around=_round,
    fix=lambda x: xp.trunc(x),
    real=lambda val: xp.real(val) if val.dtype.kind == "c" else val,
    imag=lambda val: xp.imag(val) if val.dtype.kind == "c" else xp.zeros_like(val),
    nan_to_num=_nan_to_num,
    pad=_pad,
    lib__stride_tricks__sliding_window_view=lambda x, window_shape, axis=None: xp.sliding_window_view(
        x, window_shape, axis
    ),
    bincount=lambda x, weights=None, minlength=0: xp.bincount(
        x, weights=None if weights is None else beside(x, weights), minlength=minlength
    ),
    cumulative_sum=lambda x, *, axis=None, dtype=None, include_initial=False: xp.cumulative_sum(
        x, axis=axis, dtype=dtype and numpy.dtype(dtype), include_initial=include_initial
    ),
    cumulative_prod=lambda x, *, axis=None, dtype=None, include_initial=False: xp.cumulative_prod(
        x, axis=axis, dtype=dtype and numpy.dtype(dtype), include_initial=include_initial
    ),
    all=lambda a, axis=None, *, keepdims=False: xp.all(a, axis=axis, keepdims=bool(keepdims)),
    any=lambda a, axis=None, *, keepdims=False: xp.any(a, axis=axis, keepdims=bool(keepdims)),
    argmax=lambda a, axis=None, *, keepdims=False: xp.argmax(a, axis=axis, keepdims=bool(keepdims)),
    argmin=lambda a, axis=None, *, keepdims=False: xp.argmin(a, axis=axis, keepdims=bool(keepdims)),
    count_nonzero=lambda a, axis=None, *, keepdims=False: xp.count_nonzero(a, axis=axis, keepdims=bool(keepdims)),
    nonzero=lambda a: xp.nonzero(a),
    argwhere=_argwhere,
    flatnonzero=lambda a: xp.nonzero(row(a))[0],
)
counterparts(
    2,
    take_along_axis=_take_along_axis,
    polyval=_polyval,
    linspace=_linspace,
    searchsorted=lambda a, v, side="left", sorter=None: xp.searchsorted(
        a, v, side=side, sorter=None if sorter is None else beside(a, sorter)
    ),
    isin=lambda element, test_elements, assume_unique=False, invert=False, *, kind=None: xp.isin(
        element, test_elements, invert=invert
    ),
)
counterparts(-1, select=_select)
