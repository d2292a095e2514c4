"""Transforms: from a function of arrays to its derivatives.

They take any function written against the Array API, xdbr's own or somebody else's, and arguments in
nested tuples, lists and dicts of arrays. They are made of the graph and `grad`, so they nest: an inner
transform differentiates with respect to Variables of its own, which are connected to the outer graph by
an identity, and records its backward where something of an outer graph is involved. Each differentiation
has its own leaves, hence no perturbation can be taken for another.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, overload

from .. import backends
from .._config import MODE, ModeContext
from .._errors import DtypeError, GradientError, ShapeError
from .backward import grad as grad_of_graph
from .engine import check_gradient
from .graph import Node
from .kernels import RAW_NAMESPACES
from .primitive import primitive
from .trees import Rebuild, flatten, map_tree
from .variable import VARIABLES, Variable, leaf, wrap

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

Argnums = int | Sequence[int]


@primitive(name="extras.identity", arrays=1, joint=True)
def identity(xp: Any, x: Any, /) -> Any:
    """Give `x` itself, as a node of its own."""
    return x


identity.vjp_joint(lambda xp, g, needs: [g])


# -- running a function on Variables of our own --------------------------------------------------------


class _Call(NamedTuple):
    """One run of a function on fresh Variables."""

    inputs: list[Variable]  # the differentiable leaves of the chosen arguments, as f has seen them
    places: list[int | None]  # for each leaf of the chosen arguments its place in `inputs`
    rebuild: Rebuild  # puts one value per leaf into the chosen arguments' structure
    outputs: Any
    aux: Any
    outside: bool  # whether the outputs depend on a graph from outside


def _run(
    function: str, f: Callable[..., Any], args: tuple[Any, ...], kwargs: Any, argnums: Argnums, has_aux: bool
) -> _Call:
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for number in numbers:
        if not -len(args) <= number < len(args):
            raise ValueError(f"{function}: argnums names argument {number}, but {len(args)} positional arguments came")
    chosen = [args[number] for number in numbers]
    leaves, rebuild = flatten(chosen[0] if isinstance(argnums, int) else tuple(chosen))
    ambient = MODE.get().recording
    with ModeContext("recording", True):
        fresh: list[Any] = []
        inputs: list[Variable] = []
        places: list[int | None] = []
        for value in leaves:
            x = _own(value, ambient)
            places.append(None if x is None else len(inputs))
            fresh.append(value if x is None else x)
            if x is not None:
                inputs.append(x)
        if not inputs:
            raise GradientError(f"{function}: the arguments {argnums} hold no floating-point or complex array")
        given = rebuild(fresh)
        new = list(args)
        for number, value in zip(numbers, (given,) if isinstance(argnums, int) else given, strict=True):
            new[number] = value
        # f may write to its argument, which gives that Variable another node: what we differentiate
        # with respect to is the node that it has now.
        nodes = [x._node for x in inputs]
        inputs = [wrap(x._raw, x._node) for x in inputs]
        outputs = f(*new, **kwargs)
    aux = None
    if has_aux:
        if not isinstance(outputs, tuple) or len(outputs) != 2:
            raise TypeError(
                f"{function}: with has_aux=True the function must return (output, aux); got {type(outputs).__name__}"
            )
        outputs, aux = outputs
    outside = ambient and _reaches_outside(flatten(outputs)[0], nodes)
    return _Call(inputs, places, rebuild, outputs, aux if outside else map_tree(_plain, aux), outside)


def _own(value: Any, connected: bool) -> Variable | None:
    """Give a Variable of our own for an array argument, `connected` to its graph; `None` for what has no derivative."""
    if type(value) in (float, complex):
        x = Variable(value)
    elif type(value) in VARIABLES:
        x = value
    elif isinstance(value, (bool, int, str)) or value is None or backends.of(value) is None:
        return None
    else:
        x = wrap(value)
    if x.dtype.kind not in "fcV":
        return None
    if connected and x.requires_grad:
        return identity(x)
    made = wrap(x._raw)
    made._node = leaf(made)
    return made


def _reaches_outside(outputs: list[Any], nodes: list[Any]) -> bool:
    """Tell whether a path leads from the outputs to a node older than ours, or past one of ours."""
    ours = set(nodes)
    newest = min(node.order for node in nodes)
    oldest = max(node.order for node in nodes)
    todo: list[Node] = [x._node for x in outputs if type(x) in VARIABLES and x.requires_grad]
    seen = set(todo)
    while todo:
        node = todo.pop()
        if node in ours:
            if any(edge is not None for edge in node.edges()):
                return True
            continue
        if node.order > oldest or (node.order > newest and node not in ours):
            return True
        for edge in node.edges():
            if edge is not None and edge not in seen:
                seen.add(edge)
                todo.append(edge)
    return False


def _plain(x: Any) -> Any:
    """Give a result without the graph of our own, which nobody outside can use."""
    return x.detach() if type(x) in VARIABLES and x.requires_grad else x


def _scalar(function: str, output: Any) -> Variable:
    if type(output) not in VARIABLES:
        raise TypeError(f"{function}: the function must return a Variable; got {type(output).__name__}")
    if output.size != 1:
        raise ShapeError(
            f"{function}: the function must return one number; got shape {output.shape}; see jacobian and vjp"
        )
    if output.dtype.kind == "c":
        raise DtypeError(f"{function}: the function must return a real number; got dtype {output.dtype}")
    if not output.requires_grad:
        raise GradientError(f"{function}: the output does not depend on the arguments that it is differentiated by")
    return output  # type: ignore[no-any-return]


def _gradients(
    call: _Call, outputs: Sequence[Variable], cotangents: Sequence[Any], record: bool, retain: bool
) -> list[Any]:
    """Give one gradient per leaf of the chosen arguments: zeros where the outputs do not depend on it."""
    with ModeContext("recording", True):
        found = grad_of_graph(
            outputs, call.inputs, cotangents, create_graph=record, retain_graph=retain or record, allow_unused=True
        )
    results: list[Any] = []
    for place in call.places:
        if place is None:
            results.append(None)
            continue
        x, g = call.inputs[place], found[place]
        results.append(wrap(RAW_NAMESPACES[type(x._data)].zeros_like(x._data)) if g is None else g)
    return results


# -- the transforms ------------------------------------------------------------------------------------


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

    @functools.wraps(f, updated=())
    def function(*args: Any, **kwargs: Any) -> Any:
        call = _run("value_and_grad", f, args, kwargs, argnums, has_aux)
        value = _scalar("value_and_grad", call.outputs)
        gradient = call.rebuild(_gradients(call, [value], [None], call.outside, False))
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
        return _make_grad(outputs, *args, **options)
    if not args and "inputs" not in options:
        raise TypeError("grad: expected a function, or outputs and inputs")
    return grad_of_graph(outputs, *args, **options)


def _make_grad(f: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    both = value_and_grad(f, argnums, has_aux=has_aux)

    @functools.wraps(f, updated=())
    def function(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return function


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
    call = _run("vjp", f, primals, {}, tuple(range(len(primals))), has_aux)
    leaves, _ = flatten(call.outputs)
    for y in leaves:
        if type(y) not in VARIABLES:
            raise TypeError(f"vjp: the function must return Variables; got {type(y).__name__}")

    def pull(cotangents: Any) -> Any:
        given, _ = flatten(cotangents)
        if len(given) != len(leaves):
            raise ShapeError(f"vjp: expected {len(leaves)} cotangents, one for each output; got {len(given)}")
        for g, y in zip(given, leaves, strict=True):
            check_gradient("vjp", g if type(g) in VARIABLES else Variable(g, dtype=y.dtype), y)
        pairs = [(y, g) for y, g in zip(leaves, given, strict=True) if y.requires_grad]
        record = call.outside or any(type(g) in VARIABLES and g.requires_grad for g in given)
        if not pairs:
            return call.rebuild([None if p is None else wrap(_zeros(call.inputs[p])) for p in call.places])
        ys, gs = zip(*pairs, strict=True)
        return call.rebuild(_gradients(call, ys, gs, record, True))

    outputs = call.outputs if call.outside else map_tree(_plain, call.outputs)
    return (outputs, pull, call.aux) if has_aux else (outputs, pull)


def _zeros(x: Variable) -> Any:
    return RAW_NAMESPACES[type(x._data)].zeros_like(x._data)


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: bool = False) -> Any:
    """Give the outputs of `f` at `primals` and their derivative in the direction `tangents`.

    Gives `(outputs, output_tangents)` or `(outputs, output_tangents, aux)`. It is made of two backward passes: the
    transposed product is linear in its cotangent, and its own transpose is the product with the tangent.

    >>> import xdbr
    >>> y, dy = xdbr.jvp(xdbr.sin, [xdbr.asarray([0.0])], [xdbr.asarray([2.0])])
    >>> dy.tolist()
    [2.0]
    """
    if len(primals) != len(tangents):
        raise ShapeError(f"jvp: expected {len(primals)} tangents, one for each primal; got {len(tangents)}")
    call = _run("jvp", f, tuple(primals), {}, tuple(range(len(primals))), has_aux)
    leaves, rebuild = flatten(call.outputs)
    directions, _ = flatten(tuple(tangents))
    chosen = [t for t, place in zip(directions, call.places, strict=True) if place is not None]
    for x, t in zip(call.inputs, chosen, strict=True):
        check_gradient("jvp", t if type(t) in VARIABLES else Variable(t, dtype=x.dtype), x)
    tangents_out = _push(call, leaves, chosen)
    outputs = call.outputs if call.outside else map_tree(_plain, call.outputs)
    found = rebuild(tangents_out)
    return (outputs, found, call.aux) if has_aux else (outputs, found)


def _push(call: _Call, leaves: list[Any], directions: list[Any]) -> list[Any]:
    """Give the tangent of each output."""
    active = [y for y in leaves if type(y) in VARIABLES and y.requires_grad]
    if not active:
        return [wrap(_zeros(y)) if type(y) in VARIABLES else None for y in leaves]
    record = call.outside or any(type(t) in VARIABLES and t.requires_grad for t in directions)
    with ModeContext("recording", True):
        seeds = [wrap(_zeros(y)) for y in active]
        for seed in seeds:
            seed._node = leaf(seed)
        pulled = grad_of_graph(active, call.inputs, seeds, create_graph=True, allow_unused=True)
        pairs = [(g, t) for g, t in zip(pulled, directions, strict=True) if g is not None and g.requires_grad]
        found: Any = [None] * len(seeds)
        if pairs:
            gs, ts = zip(*pairs, strict=True)
            found = grad_of_graph(gs, seeds, ts, create_graph=record, retain_graph=True, allow_unused=True)
    pushed = iter([wrap(_zeros(y)) if g is None else g for y, g in zip(active, found, strict=True)])
    return [
        next(pushed) if type(y) in VARIABLES and y.requires_grad else wrap(_zeros(y)) if type(y) in VARIABLES else None
        for y in leaves
    ]


def jacobian(
    f: Callable[..., Any], /, argnums: Argnums = 0, *, mode: str = "reverse", has_aux: bool = False
) -> Callable[..., Any]:
    """Make a function that gives the Jacobian of `f`.

    mode: "reverse" takes one backward for each element of the output, "forward" one for each of the input.

    For each output y and each leaf x of the arguments the function made gives an array of shape `y.shape + x.shape`,
    in the structure of the outputs with that of the arguments inside; with `has_aux` a pair of these and aux.

    >>> import xdbr
    >>> xdbr.jacobian(lambda x: x * x)(xdbr.asarray([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    if mode not in ("reverse", "forward"):
        raise ValueError(f"jacobian: mode must be 'reverse' or 'forward'; got {mode!r}")

    @functools.wraps(f, updated=())
    def function(*args: Any, **kwargs: Any) -> Any:
        call = _run("jacobian", f, args, kwargs, argnums, has_aux)
        leaves, rebuild = flatten(call.outputs)
        rows = _reverse_rows(call, leaves) if mode == "reverse" else _forward_rows(call, leaves)
        found = rebuild([call.rebuild(row) for row in rows])
        return (found, call.aux) if has_aux else found

    return function


def _basis(x: Variable) -> list[Variable]:
    """Give one array of x's shape for each of its elements, one there and zero elsewhere."""
    xp = RAW_NAMESPACES[type(x._data)]
    n = x.size
    eye = xp.reshape(xp.eye(n, dtype=x._data.dtype, device=x._data.device), (n, *x.shape))
    return [wrap(eye[(i, ...)]) for i in range(n)]


def _stack(parts: list[Variable], lead: tuple[int, ...], like: Variable) -> Variable:
    from .._namespaces import namespace

    space = namespace(like._backend)
    if not parts:
        return space.zeros((*lead, *like.shape), dtype=like.dtype, device=like.device)  # type: ignore[no-any-return]
    return space.reshape(space.stack(parts), (*lead, *like.shape))  # type: ignore[no-any-return]


def _reverse_rows(call: _Call, leaves: list[Any]) -> list[list[Any]]:
    rows = []
    for y in leaves:
        if type(y) not in VARIABLES:
            raise TypeError(f"jacobian: the function must return Variables; got {type(y).__name__}")
        seeds = _basis(y) if y.requires_grad else []
        columns = [_gradients(call, [y], [seed], call.outside, True) for seed in seeds]
        row: list[Any] = []
        for i, place in enumerate(call.places):
            x = None if place is None else call.inputs[place]
            if x is None:
                row.append(None)
            elif not y.requires_grad:
                row.append(wrap(RAW_NAMESPACES[type(x._data)].zeros((*y.shape, *x.shape), dtype=x._data.dtype)))
            else:
                row.append(_stack([column[i] for column in columns], y.shape, x))
        rows.append(row)
    return rows


def _forward_rows(call: _Call, leaves: list[Any]) -> list[list[Any]]:
    from .._namespaces import namespace

    by_input: list[list[Any]] = []
    for x in call.inputs:
        pushes = []
        for seed in _basis(x):
            directions = [seed if other is x else wrap(_zeros(other)) for other in call.inputs]
            pushes.append(_push(call, leaves, directions))
        columns = []
        for j, y in enumerate(leaves):
            whole = _stack([push[j] for push in pushes], x.shape, y)
            n, m = x.ndim, y.ndim
            columns.append(namespace(x._backend).permute_dims(whole, (*range(n, n + m), *range(n))))
        by_input.append(columns)
    return [[None if place is None else by_input[place][j] for place in call.places] for j in range(len(leaves))]


def hessian(f: Callable[..., Any], /, argnums: Argnums = 0) -> Callable[..., Any]:
    """Make a function that gives the Hessian of `f`, which returns one real number.

    For an argument of shape `s` it has shape `s + s`; for nested arguments their structure stands within itself.

    >>> import xdbr
    >>> xdbr.hessian(lambda x: xdbr.sum(x**3))(xdbr.asarray([1.0, 2.0])).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    return jacobian(_make_grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Give the product of the Hessian of `f` at `primals` with `tangents`, without building the Hessian.

    f: a function of all the primals that returns one real number. Gives a tuple like `primals`.

    >>> import xdbr
    >>> x, v = xdbr.asarray([1.0, 2.0]), xdbr.asarray([1.0, 1.0])
    >>> xdbr.hvp(lambda x: xdbr.sum(x**3), [x], [v])[0].tolist()
    [6.0, 12.0]
    """
    if len(primals) != len(tangents):
        raise ShapeError(f"hvp: expected {len(primals)} tangents, one for each primal; got {len(tangents)}")
    call = _run("hvp", f, tuple(primals), {}, tuple(range(len(primals))), False)
    value = _scalar("hvp", call.outputs)
    with ModeContext("recording", True):
        first = grad_of_graph(value, call.inputs, create_graph=True, allow_unused=True)
    directions, _ = flatten(tuple(tangents))
    chosen = [t for t, place in zip(directions, call.places, strict=True) if place is not None]
    pairs = [(g, t) for g, t in zip(first, chosen, strict=True) if g is not None and g.requires_grad]
    if not pairs:
        return call.rebuild([None if p is None else wrap(_zeros(call.inputs[p])) for p in call.places])
    gs, ts = zip(*pairs, strict=True)
    record = call.outside or any(type(t) in VARIABLES and t.requires_grad for t in ts)
    return call.rebuild(_gradients(call, gs, ts, record, False))
