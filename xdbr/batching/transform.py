"""vmap: from a function of one example to a function of many."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import backends
from .._config import MODE, Batch, ModeContext
from .._errors import AxisError, BatchingError
from ..autograd.graph import next_order
from ..autograd.lifting import lift_to, lower
from ..autograd.primitive import primitive
from ..autograd.trees import flatten, map_tree
from ..autograd.variable import VARIABLES, Variable, wrap
from ..backends import Backend
from .backend import Batching, over

__all__ = ["vmap"]

_NUMBERS = (bool, int, float, complex)


@primitive(name="extras.batch", arrays=1, joint=True)
def batch(xp: Any, x: Any, /, *, level: Any, axis: int, examples: Batch) -> Any:
    """Make the examples along an axis one array of a level of vmap."""
    return level.enter(x, axis, examples)


@primitive(name="extras.unbatch", arrays=1, joint=True)
def unbatch(xp: Any, x: Any, /, *, level: Any, axis: int, examples: Batch) -> Any:
    """Undo `batch`; what is the same for all examples is repeated."""
    return level.leave(x, axis, examples)


def _batch_rule(xp: Any, g: Any, needs: list[bool], level: Any, axis: int, examples: Batch) -> list[Any]:
    if type(g) in VARIABLES:
        return [unbatch(g, level=level, axis=axis, examples=examples)]
    return [level.leave(g, axis, examples)]


def _unbatch_rule(xp: Any, g: Any, needs: list[bool], level: Any, axis: int, examples: Batch) -> list[Any]:
    if type(g) in VARIABLES:
        return [batch(g, level=level, axis=axis, examples=examples)]
    return [level.enter(g, axis, examples)]


batch.vjp_joint(_batch_rule)
unbatch.vjp_joint(_unbatch_rule)


def vmap(f: Callable[..., Any], /, in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """Make a function of many examples of a function of one: it maps `f` over an axis of its arguments.

    f: a function of arrays, nested in tuples, lists and dicts, that gives arrays, nested likewise. It may be any
        function written against the Array API; it runs once, on arrays that have the shape of one example.
    in_axes: which axis of the positional arguments the examples are along: an integer, `None` for what is the same
        for all examples, or a tuple or list with one of these for each argument, where a further structure
        goes with that of the argument. Keyword arguments are mapped over axis 0.
    out_axes: where the examples are in the results, likewise; with `None` a result must be the same for all.

    The result is that of a loop over the examples, stacked; random numbers are drawn anew for each, and what `f`
    writes to its arguments stays inside. Gradients flow
    through it, and it nests: `vmap(grad(f))` gives the gradient of each example. Numbers that are not in
    arrays, and anything else that is no array, are handed on as they are.

    Raises `BatchingError` where no array is mapped, where numbers of examples or structures do not fit, and where
    `f` asks for the value of one example (`if x > 0`, `float(x)`) or its shape would depend on values (`x[x > 0]`).

    >>> import xdbr
    >>> xdbr.vmap(xdbr.linalg.vector_norm)(xdbr.asarray([[3.0, 4.0], [0.0, 2.0]]))
    Variable([5., 2.], dtype=float32)
    >>> w, x = xdbr.asarray([1.0, 2.0]), xdbr.asarray([[1.0, 0.0], [3.0, 1.0], [0.0, 2.0]])
    >>> xdbr.vmap(xdbr.grad(lambda w, x: xdbr.sum(w * x) ** 2), in_axes=(None, 0))(w, x)
    Variable([[ 2.,  0.],
              [30., 10.],
              [ 0., 16.]], dtype=float32)
    """
    if not callable(f):
        raise TypeError(f"vmap: expected a function; got {type(f).__name__}")

    @functools.wraps(f, updated=())
    def function(*args: Any, **kwargs: Any) -> Any:
        leaves, rebuild = flatten((args, kwargs))
        axes = _axes_of("in_axes", in_axes, args) + [0] * len(flatten(kwargs)[0])
        labels = _labels(args, kwargs)
        batches = MODE.get().batches
        taken = [
            _example_axis(label, _lifted(x, len(batches)), axis) if axis is not None and _is_array(x) else (x, None)
            for x, axis, label in zip(leaves, axes, labels, strict=True)
        ]
        examples = Batch(_count(taken, labels), next_order())
        given = [_own(x) if axis is None else _batched(x, axis, examples) for x, axis in taken]
        try:
            with ModeContext("batches", (*batches, examples)):
                new_args, new_kwargs = rebuild(given)
                del given
                outputs = f(*new_args, **new_kwargs)
                results, rebuild_results = flatten(outputs)
                places = _axes_of("out_axes", out_axes, outputs)
                left = rebuild_results(
                    [_left(y, axis, examples, len(batches)) for y, axis in zip(results, places, strict=True)]
                )
        except BaseException:
            for put_back in examples.raised:
                put_back()
            raise
        del new_args, new_kwargs, outputs, results
        # What the function made itself is gone by now.
        outlived = [put_back() for put_back in examples.raised]
        if any(outlived):
            raise BatchingError(
                "vmap: the function wrote values of each example's own into an array from outside of it, which has one "
                "value for all; return them, or hand the array in as an argument"
            )
        return left

    return function


def _own(x: Any) -> Any:
    """Give an argument that is the same for all examples as a Variable of its own: writes to it stay inside."""
    return wrap(x._raw, x._node) if type(x) in VARIABLES else x


def _is_array(x: Any) -> bool:
    if isinstance(x, _NUMBERS) and type(x) in _NUMBERS:
        return False
    return type(x) in VARIABLES or backends.of(x) is not None


def _lifted(x: Any, depth: int) -> Variable:
    """Give an argument at the level in which vmap is called."""
    x = x if type(x) in VARIABLES else wrap(_as_array(x))
    level: Backend = x._backend
    while level.depth < depth:
        level = over(level)
    return lift_to(x, level)


def _as_array(raw: Any) -> Any:
    backend = backends.of(raw)
    assert backend is not None
    return backend.as_array(raw)


def _example_axis(label: str, x: Variable, axis: int) -> tuple[Variable, int]:
    if not -x.ndim <= axis < x.ndim:
        raise AxisError(f"vmap: in_axes names axis {axis} of {label}, which has shape {x.shape}")
    return x, axis % x.ndim


def _batched(x: Variable, axis: int, examples: Batch) -> Variable:
    made: Variable = batch(x, level=over(x._backend), axis=axis, examples=examples)
    return made


def _count(taken: list[Any], labels: list[str]) -> int:
    """Give the number of examples, on which all arguments must agree."""
    sizes = [(x.shape[axis], label, axis) for (x, axis), label in zip(taken, labels, strict=True) if axis is not None]
    if not sizes:
        raise BatchingError(
            "vmap: there is no array to map over: no argument is an array whose entry of in_axes is not None"
        )
    for size, label, axis in sizes[1:]:
        if size != sizes[0][0]:
            raise BatchingError(
                f"vmap: {sizes[0][1]} has {sizes[0][0]} examples along axis {sizes[0][2]}, but {label} has {size} "
                f"along axis {axis}; give in_axes None for what is the same for all examples"
            )
    return int(sizes[0][0])


def _left(y: Any, axis: int | None, examples: Batch, depth: int) -> Any:
    """Give a result of the function with its examples along `axis`."""
    if not _is_array(y):
        if axis is None or not isinstance(y, _NUMBERS):
            return y
        y = Variable(y)
    y = _lifted(y, depth + 1)
    level = y._backend
    assert isinstance(level, Batching)
    if level.depth != depth + 1:
        raise BatchingError("vmap: the function gives an array from a call of vmap inside of it, which has ended")
    if axis is None:
        if y._raw.batch is not None:
            raise BatchingError("vmap: out_axes is None for a result that differs from example to example")
        if not examples.size:
            return lower(y, level=level)
        # One example of all: so the cotangent comes to one of them, too.
        return unbatch(y, level=level, axis=0, examples=examples)[0, ...]
    if not -y.ndim - 1 <= axis <= y.ndim:
        raise AxisError(f"vmap: out_axes names axis {axis} for a result with {y.ndim} axes for each example")
    return unbatch(y, level=level, axis=axis % (y.ndim + 1), examples=examples)


# -- axes for each leaf ----------------------------------------------------------------------------------


def _axes_of(name: str, axes: Any, tree: Any) -> list[int | None]:
    """Give an axis for each leaf of `tree`, whose structure that of `axes` goes with as far as it has one."""
    if axes is None or (isinstance(axes, int) and not isinstance(axes, bool)):
        return [axes] * len(flatten(tree)[0])
    if isinstance(axes, (tuple, list)) and isinstance(tree, (tuple, list)):
        if len(axes) != len(tree):
            raise BatchingError(f"vmap: {name} has {len(axes)} entries for {len(tree)} values")
        return [axis for one, part in zip(axes, tree, strict=True) for axis in _axes_of(name, one, part)]
    if isinstance(axes, dict) and isinstance(tree, dict):
        if axes.keys() != tree.keys():
            raise BatchingError(f"vmap: {name} has the keys {list(axes)} for values with the keys {list(tree)}")
        return [axis for key, part in tree.items() for axis in _axes_of(name, axes[key], part)]
    raise BatchingError(
        f"vmap: {name} must be an integer, None, or nested as the values that it is for; got {axes!r} for "
        f"{type(tree).__name__}"
    )


def _labels(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """Give for each leaf what it is called in messages: the argument that it is in."""
    found: list[str] = []
    for called, arg in [*((f"argument {i}", arg) for i, arg in enumerate(args)), *kwargs.items()]:
        leaves: list[Any] = []
        map_tree(leaves.append, arg)
        inside = len(leaves) > 1 or type(arg) in (list, tuple, dict)
        found += [f"{called}, value {k}" if inside else str(called) for k in range(len(leaves))]
    return found
