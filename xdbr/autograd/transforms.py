"""Transforms: from a function of arrays to its derivatives.

They take any function written against the Array API, xdbr's own or somebody else's, and arguments in
nested tuples, lists and dicts of arrays. They are made of the graph and `grad`, so they nest; see `runs`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, overload

from .._errors import ShapeError
from .backward import grad as grad_of_graph
from .engine import check_gradient
from .runs import Argnums, Tangents, gradients, paired, plain, run, scalar, tangents_of, variables, zeros_of
from .trees import flatten, map_tree
from .variable import VARIABLES, Variable, wrap

__all__ = ["grad", "jvp", "make_grad", "value_and_grad", "vjp"]


def value_and_grad(f: Callable[..., Any], /, argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """Make a function that gives the value of `f` and its gradient.

    f: returns one real number; with `has_aux` a pair of it and anything else.
    argnums: the positional argument(s) to differentiate by, nested tuples, lists and dicts of arrays;
        the gradient has their structure, with `None` for what is not floating-point.

    It gives `(value, gradient)`, with `has_aux` `((value, aux), gradient)`, and raises `ShapeError` or `DtypeError`
    where `f` gives no real number, `GradientError` where the value does not depend on the arguments.

    >>> import xdbr
    >>> value, g = xdbr.value_and_grad(lambda p: xdbr.sum(p["w"] ** 2))({"w": xdbr.asarray([1.0, 2.0])})
    >>> value.item(), g["w"].tolist()
    (5.0, [2.0, 4.0])
    """

    return _with_value("value_and_grad", f, argnums, has_aux)


def _with_value(name: str, f: Callable[..., Any], argnums: Argnums, has_aux: bool) -> Callable[..., Any]:
    @functools.wraps(f, updated=())
    def function(*args: Any, **kwargs: Any) -> Any:
        call = run(name, f, args, kwargs, argnums, has_aux)
        value = scalar(name, call.outputs)
        gradient = call.rebuild(gradients(call, [value], [None], call.outside, False))
        value = value if call.outside else value.detach()
        return ((value, call.aux) if has_aux else value), gradient

    return function


@overload
def grad(outputs: Callable[..., Any], /, argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]: ...
@overload
def grad(
    outputs: Variable | Sequence[Variable],
    inputs: Any,
    /,
    grad_outputs: Any = None,
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    allow_unused: bool = False,
    loss_scale: float | None = None,
) -> Any: ...
def grad(outputs: Any, /, *args: Any, **options: Any) -> Any:
    """Differentiate: a function, as a transform, or Variables that are computed already.

    `grad(f, argnums=0, *, has_aux=False)` makes a function that gives the gradient of `f`, which returns one real
    number (with `has_aux` a pair of it and anything else; then it gives `(gradient, aux)`). The gradient is structured
    as the argument(s) that `argnums` names: nested tuples, lists and dicts of arrays. `f` may be any function
    written against the Array API.

    `grad(outputs, inputs, grad_outputs=None, *, create_graph=False, retain_graph=None, allow_unused=False,
    loss_scale=None)` gives the derivatives of Variables with respect to others, without touching any `.grad`: a
    Variable or a tuple, as `inputs` is. `grad_outputs` are the cotangents of the outputs (ones for an output of one
    element); `create_graph` records, so that the result can be differentiated again; `retain_graph` (as `create_graph`
    by default) keeps what the graph has saved; `allow_unused` gives `None` for an input that
    the outputs do not depend on.

    Raises `GradientError`, `ShapeError`, `DtypeError` or `DeviceError`.

    >>> import xdbr
    >>> xdbr.grad(lambda x: xdbr.sum(x**3))(xdbr.asarray([1.0, 2.0])).tolist()
    [3.0, 12.0]
    >>> x = xdbr.Variable(3.0, requires_grad=True)
    >>> dy = xdbr.grad(x**3, x, create_graph=True)
    >>> dy.item(), xdbr.grad(dy, x).item()
    (27.0, 18.0)
    """
    is_variables = type(outputs) in VARIABLES or isinstance(outputs, (list, tuple))
    if callable(outputs) and not is_variables:
        return make_grad("grad", outputs, *args, **options)
    if not is_variables or (not args and "inputs" not in options):
        raise TypeError(
            f"grad: expected a function, or outputs (a Variable or a sequence of them) and inputs; "
            f"got {type(outputs).__name__}{' and inputs' if args else ' alone'}"
        )
    return grad_of_graph(outputs, *args, **options)


def make_grad(name: str, f: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """Make the function that gives the gradient of `f`; `name` is what errors call it."""
    both = _with_value(name, f, argnums, has_aux)

    @functools.wraps(f, updated=())
    def function(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return function


make_grad.__qualname__ = "grad"  # as Python calls it in the errors for wrong arguments


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Give the outputs of `f` at `primals` and the function from cotangents of the outputs to those of the primals.

    f: returns Variables in nested tuples, lists and dicts; with `has_aux` a pair of them and anything else.

    Gives `(outputs, pull)` or `(outputs, pull, aux)`; `pull(cotangents)` takes the structure of the outputs and gives
    a tuple with one cotangent for each primal. It may be called many times.

    >>> import xdbr
    >>> y, pull = xdbr.vjp(xdbr.sin, xdbr.asarray([0.0, 1.0]))
    >>> pull(xdbr.asarray([1.0, 0.0]))[0].tolist()
    [1.0, 0.0]
    """
    call = run("vjp", f, primals, {}, tuple(range(len(primals))), has_aux)
    leaves, _ = variables("vjp", call.outputs)

    def pull(cotangents: Any) -> Any:
        given, _ = flatten(cotangents)
        if len(given) != len(leaves):
            raise ShapeError(f"vjp: expected {len(leaves)} cotangents, one for each output; got {len(given)}")
        given = [
            g if type(g) in VARIABLES else Variable(g, dtype=y.dtype, device=y.device)
            for g, y in zip(given, leaves, strict=True)
        ]
        for g, y in zip(given, leaves, strict=True):
            check_gradient("vjp", g, y, "cotangent")
        pairs = [(y, g) for y, g in zip(leaves, given, strict=True) if y.requires_grad]
        record = call.outside or any(type(g) in VARIABLES and g.requires_grad for g in given)
        if not pairs:
            return call.rebuild([None if p is None else wrap(zeros_of(call.inputs[p])) for p in call.places])
        ys, gs = zip(*pairs, strict=True)
        return call.rebuild(gradients(call, ys, gs, record, True))

    outputs = call.outputs if call.outside else map_tree(plain, call.outputs)
    return (outputs, pull, call.aux) if has_aux else (outputs, pull)


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: bool = False) -> Any:
    """Give the outputs of `f` at `primals` and their derivative in the direction `tangents`.

    Gives `(outputs, output_tangents)` or `(outputs, output_tangents, aux)`. It is made of two backward passes: the
    transposed product is linear in its cotangent, and its own transpose is the product with the tangent.

    >>> import xdbr
    >>> y, dy = xdbr.jvp(xdbr.sin, [xdbr.asarray([0.0])], [xdbr.asarray([2.0])])
    >>> dy.tolist()
    [2.0]
    """
    paired("jvp", primals, tangents)
    call = run("jvp", f, tuple(primals), {}, tuple(range(len(primals))), has_aux)
    leaves, rebuild = variables("jvp", call.outputs)
    tangents_out = Tangents(call, leaves)(tangents_of("jvp", call, primals, tangents))
    outputs = call.outputs if call.outside else map_tree(plain, call.outputs)
    found = rebuild(tangents_out)
    return (outputs, found, call.aux) if has_aux else (outputs, found)
