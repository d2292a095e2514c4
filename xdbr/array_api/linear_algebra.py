"""Products of matrices and tensors, each with its gradient rule beside it.

They are holomorphic in each argument (`vecdot` apart), so the rules are those of real numbers: for complex
results the engine conjugates.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from .._errors import DtypeError
from .._typing import Array, Shape
from ..autograd.primitive import composite, primitive
from ..autograd.variable import Variable
from ..autograd.views import view_function
from ..backends import place_of
from ._arguments import LIBRARY_ERRORS, explained, unique_axes
from ._einsum import Labels, Step, gradient_plan, make_plan, parse
from ._rules import conj

__all__ = ["einsum", "matmul", "matrix_transpose", "tensordot", "vecdot"]


# -- matrices -----------------------------------------------------------------------------------------


@primitive(holomorphic=True)
def matmul(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Matrix product of each pair of matrices: the operator `@`.

    x1: shape (..., m, k) or (k,). x2: shape (..., k, n) or (k,). The leading axes broadcast.
    The result has shape (..., m, n), without the axis that a vector lacks, and the promoted dtype.

    Raises an error of the library underneath where the shapes do not fit or an argument is 0-d.

    >>> import xdbr
    >>> xdbr.matmul(xdbr.asarray([[1.0, 2.0], [3.0, 4.0]]), xdbr.asarray([1.0, 1.0]))
    Variable([3., 7.], dtype=float32)
    """
    return xp.matmul(x1, x2)


def _matmul_rule1(xp: Any, g: Array, x2: Array) -> Array:
    many = x2.ndim
    if many > 1 and g.ndim >= many:  # matrices on both sides
        return xp.matmul(g, xp.matrix_transpose(x2))
    if many == 1:
        return g[..., None] * x2
    return xp.matmul(x2, g[..., None])[..., 0]


def _matmul_rule2(xp: Any, g: Array, x1: Array, x2_shape: Shape) -> Array:
    if x1.ndim == 1:
        return x1 * g if len(x2_shape) == 1 else x1[:, None] * g[..., None, :]
    if len(x2_shape) == 1:
        return xp.matmul(xp.matrix_transpose(x1), g[..., None])[..., 0]
    if len(x2_shape) == 2 and x1.ndim > 2:  # one large product rather than a sum of many small ones
        rows = math.prod(g.shape[:-1])
        x1 = xp.reshape(x1, (rows, x1.shape[-1]))
        g = xp.reshape(g, (rows, g.shape[-1]))
    return xp.matmul(xp.matrix_transpose(x1), g)


matmul.vjp(_matmul_rule1, _matmul_rule2)


@primitive(name="matrix_transpose")
def _matrix_transpose(xp: Any, x: Array, /) -> Array:
    return xp.matrix_transpose(x)


_matrix_transpose.vjp(lambda xp, g: xp.matrix_transpose(g))


def matrix_transpose(x: Any, /) -> Variable:
    """Transpose each matrix: shape (..., m, n) to (..., n, m); a view.

    Raises `ShapeError` for fewer than two axes.

    >>> import xdbr
    >>> xdbr.matrix_transpose(xdbr.asarray([[1, 2], [3, 4]]))
    Variable([[1, 3],
              [2, 4]], dtype=int64)
    """
    try:
        return view_function(x, _matrix_transpose.primitive, {})
    except LIBRARY_ERRORS as error:
        raise explained("matrix_transpose", error, x) from error


# -- vectors -----------------------------------------------------------------------------------------


@primitive(name="vecdot", arrays=2)
def _vecdot(xp: Any, x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    return xp.vecdot(x1, x2, axis=axis)


_vecdot.vjp(
    lambda xp, g, x2, axis: conj(xp, xp.expand_dims(g, axis)) * x2,
    lambda xp, g, x1, axis: xp.expand_dims(g, axis) * x1,
)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Variable:
    """Scalar product of vectors: the sum of `conj(x1) * x2` along an axis.

    x1, x2: of one length along `axis`, the others broadcast; the result lacks `axis`, its dtype is the promoted one.
    axis: negative, counted from the last.

    Raises `ShapeError` where the shapes do not fit.

    >>> import xdbr
    >>> xdbr.vecdot(xdbr.asarray([1.0, 2.0]), xdbr.asarray([3.0, 4.0]))
    Variable(11., dtype=float32)
    """
    try:
        return _vecdot.primitive.apply((x1, x2), {"axis": axis})  # type: ignore[no-any-return]
    except LIBRARY_ERRORS as error:
        raise explained("vecdot", error, x1, x2) from error


# -- tensors ------------------------------------------------------------------------------------------

Axes = int | tuple[Sequence[int], Sequence[int]]


@functools.lru_cache(maxsize=1024)
def _contraction(ndim1: int, ndim2: int, axes: Any) -> tuple[tuple[int, ...], ...]:
    """Give the contracted axes of both arguments, the free ones of both, and what undoes (free, contracted) order."""
    if isinstance(axes, int):
        summed1, summed2 = tuple(range(ndim1 - axes, ndim1)), tuple(range(axes))
    else:
        summed1 = unique_axes("tensordot", axes[0], ndim1)
        summed2 = unique_axes("tensordot", axes[1], ndim2)
    free1 = tuple(i for i in range(ndim1) if i not in summed1)
    free2 = tuple(i for i in range(ndim2) if i not in summed2)
    order1, order2 = (*free1, *summed1), (*summed2, *free2)
    back1 = tuple(order1.index(i) for i in range(ndim1))
    back2 = tuple(order2.index(i) for i in range(ndim2))
    return summed1, summed2, free1, free2, back1, back2


@primitive(name="tensordot", arrays=2, holomorphic=True)
def _tensordot(xp: Any, x1: Array, x2: Array, /, *, axes: Axes = 2) -> Array:
    return xp.tensordot(x1, x2, axes=axes)


def _tensordot_rule1(xp: Any, g: Array, x1_shape: Shape, x2: Array, axes: Axes) -> Array:
    _, _, free1, free2, back1, _ = _contraction(len(x1_shape), len(x2.shape), axes)
    ends = tuple(range(len(free1), len(free1) + len(free2)))
    made = xp.tensordot(g, x2, axes=(ends, free2))
    # Its last axes are x2's contracted ones in their own order: put them in the order of x1's partners.
    return xp.permute_dims(_in_pair_order(xp, made, len(free1), len(x1_shape), len(x2.shape), axes, 1), back1)


def _tensordot_rule2(xp: Any, g: Array, x1: Array, x2_shape: Shape, axes: Axes) -> Array:
    _, _, free1, _, _, back2 = _contraction(len(x1.shape), len(x2_shape), axes)
    made = xp.tensordot(x1, g, axes=(free1, tuple(range(len(free1)))))
    return xp.permute_dims(_in_pair_order(xp, made, 0, len(x1.shape), len(x2_shape), axes, 0), back2)


def _in_pair_order(xp: Any, made: Array, start: int, ndim1: int, ndim2: int, axes: Axes, other: int) -> Array:
    """Put the contracted axes, which begin at `start` in ascending order of one argument, in the order of the pairs."""
    summed = _contraction(ndim1, ndim2, axes)[other]
    ranks = sorted(summed)
    order = list(range(len(made.shape)))
    order[start : start + len(summed)] = [start + ranks.index(i) for i in summed]
    return xp.permute_dims(made, tuple(order))


_tensordot.vjp(_tensordot_rule1, _tensordot_rule2)


def tensordot(x1: Any, x2: Any, /, *, axes: Axes = 2) -> Variable:
    """Sum of products over pairs of axes of two arrays.

    axes: how many of x1's last axes are paired with as many of x2's first ones, or a pair of equally long
        sequences of axes; paired axes have one length. The result has the other axes of `x1`, then those of
        `x2`, and the promoted dtype.

    Raises `ShapeError` where lengths do not fit, `AxisError` for an axis out of range or named twice.

    >>> import xdbr
    >>> xdbr.tensordot(xdbr.ones((2, 3)), xdbr.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    try:
        if not hasattr(axes, "__index__"):
            one, other = axes
            axes = (tuple(i.__index__() for i in one), tuple(i.__index__() for i in other))
        else:
            axes = axes.__index__()  # type: ignore[union-attr]
        return _tensordot.primitive.apply((x1, x2), {"axes": axes})  # type: ignore[no-any-return]
    except LIBRARY_ERRORS as error:
        raise explained("tensordot", error, x1, x2) from error


# -- Einstein's convention ----------------------------------------------------------------------------


def _carried_out(xp: Any, x: Array, steps: tuple[Step, ...]) -> Array:
    for what, how in steps:
        if what == "reshape":
            x = xp.reshape(x, how)
        elif what == "permute":
            x = xp.permute_dims(x, how)
        elif what == "take":
            x = x[how]
        else:
            x = xp.sum(x, axis=how, dtype=x.dtype)
    return x


@primitive(name="extras.contract", list_arg=True, joint=True, holomorphic=True)
def contract(xp: Any, operands: Sequence[Array], /, *, labels: tuple[Labels, ...], result: Labels) -> Array:
    """Multiply arrays and sum over the labels of axes that are not in `result`; what `einsum` records."""
    plan = make_plan(labels, tuple(tuple(x.shape) for x in operands), result)
    left = [_carried_out(xp, x, steps) for x, steps in zip(operands, plan.prepare, strict=True)]
    for pair in plan.pairs:
        one = _carried_out(xp, left[pair.first], pair.steps1)
        other = _carried_out(xp, left[pair.second], pair.steps2)
        product = xp.matmul(one, other) if pair.summed else xp.multiply(one, other)
        left = [x for i, x in enumerate(left) if i not in (pair.first, pair.second)]
        left.append(xp.reshape(product, pair.shape))
    return _carried_out(xp, left[0], plan.finish)


def _contract_rule(
    xp: Any, g: Array, needs: list[bool], operands: list[Array], labels: tuple[Labels, ...], result: Labels
) -> list[Array | None]:
    return [_contract_gradient(xp, g, k, operands, labels, result) if need else None for k, need in enumerate(needs)]


def _contract_gradient(
    xp: Any, g: Array, k: int, operands: list[Array], labels: tuple[Labels, ...], result: Labels
) -> Array:
    """Contract the cotangent with the other operands, and put back what this operand's preparation took away."""
    shapes = tuple(tuple(x.shape) for x in operands)
    plan = gradient_plan(k, labels, shapes, result)
    rest = [g, *operands[:k], *operands[k + 1 :]]
    g = xp.extras.contract(rest, labels=(result, *labels[:k], *labels[k + 1 :]), result=plan.wanted)
    g = xp.broadcast_to(xp.reshape(g, plan.kept), plan.broadcast)
    for embedding in plan.embeddings:
        g = xp.permute_dims(g, embedding.before)
        zeros = xp.zeros((*g.shape[:-1], embedding.length), dtype=g.dtype, device=place_of(g))
        g = xp.extras.index_add(zeros, g, key=(..., slice(0, None, embedding.step)))
        g = xp.reshape(g, embedding.folded)
    return xp.reshape(xp.permute_dims(g, plan.order), shapes[k])


contract.vjp_joint(_contract_rule)


@composite
def einsum(xp: Any, subscripts: str, /, *operands: Array) -> Array:
    """Sum of products of the operands by Einstein's convention; beyond the standard.

    subscripts: a letter for each axis of each operand and of the result, as in "bij,bjk->bik". Labels that
        are not in the result are summed over; a label twice in one operand takes its diagonal; "..." stands
        for the axes that are left, which broadcast. Without "->" the result has the labels that occur once, in
        alphabetical order. Axes of one label have one length, or length one, which broadcasts.
    operands: the dtypes are promoted.

    Several operands are multiplied pair by pair, that first which makes memory grow least. Differentiable
    in each. Raises `ShapeError` where the subscripts are malformed or the shapes do not fit.

    >>> import xdbr
    >>> x = xdbr.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> xdbr.einsum("ij,ij->i", x, x)
    Variable([ 5., 25.], dtype=float32)
    """
    if not isinstance(subscripts, str):
        raise DtypeError(f"einsum: subscripts must be a string; got {type(subscripts).__name__}")
    for i, x in enumerate(operands):
        if not hasattr(x, "shape"):
            raise DtypeError(f"einsum: operands[{i}] must be an array or a Variable; got {type(x).__name__}")
    labels, result = parse(subscripts, tuple(len(x.shape) for x in operands))
    return xp.extras.contract(list(operands), labels=labels, result=result)
