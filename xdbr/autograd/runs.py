"""Running a function on Variables of our own: what all transforms do first, and what comes of it.

An inner transform differentiates with respect to Variables that are connected to the outer graph by an identity, and
records its backward where something of an outer graph is involved. Each differentiation has its own leaves, hence no
perturbation can be taken for another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

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

__all__ = [
    "Argnums",
    "Call",
    "Tangents",
    "gradients",
    "identity",
    "paired",
    "plain",
    "run",
    "scalar",
    "tangents_of",
    "variables",
    "zeros_of",
]

Argnums = int | Sequence[int]


@primitive(name="extras.identity", arrays=1, joint=True)
def identity(xp: Any, x: Any, /) -> Any:
    """Give `x` itself, as a node of its own."""
    return x


identity.vjp_joint(lambda xp, g, needs: [g])


class Call(NamedTuple):
    """One run of a function on fresh Variables."""

    inputs: list[Variable]  # the differentiable leaves of the chosen arguments, as f has seen them
    places: list[int | None]  # for each leaf of the chosen arguments its place in `inputs`
    rebuild: Rebuild  # puts one value per leaf into the chosen arguments' structure
    outputs: Any
    aux: Any
    outside: bool  # whether the outputs depend on a graph from outside


def run(
    function: str, f: Callable[..., Any], args: tuple[Any, ...], kwargs: Any, argnums: Argnums, has_aux: bool
) -> Call:
    """Run `f` with the arguments that `argnums` names replaced by Variables of our own, and give what came of it."""
    numbers = _checked_argnums(function, argnums, len(args))
    chosen = [args[number] for number in numbers]
    leaves, rebuild = flatten(chosen[0] if isinstance(argnums, int) else tuple(chosen))
    ambient = MODE.get().recording
    with ModeContext("recording", True):
        fresh: list[Any] = []
        ends: set[Node] = set()
        inputs: list[Variable] = []
        places: list[int | None] = []
        for value in leaves:
            x = _own(value, ambient, ends)
            places.append(None if x is None else len(inputs))
            fresh.append(value if x is None else x)
            if x is not None:
                inputs.append(x)
        if not inputs:
            came = ", ".join(str(getattr(value, "dtype", type(value).__name__)) for value in leaves) or "nothing"
            raise GradientError(
                f"{function}: argument {argnums} holds no floating-point or complex array; got {came}; "
                "convert it: 3.0 for 3, x.astype(xdbr.float32) for an array of integers"
            )
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
    outside = ambient and _reaches_outside(flatten(outputs)[0], nodes, ends)
    return Call(inputs, places, rebuild, outputs, aux if outside else map_tree(plain, aux), outside)


def _checked_argnums(function: str, argnums: Any, count: int) -> tuple[int, ...]:
    numbers = (argnums,) if isinstance(argnums, int) else argnums
    if not isinstance(numbers, (tuple, list)) or not all(type(number) is int for number in numbers) or not numbers:
        raise TypeError(f"{function}: argnums must be an integer or a non-empty tuple of integers; got {argnums!r}")
    for number in numbers:
        if not -count <= number < count:
            raise ValueError(f"{function}: argnums names argument {number}, but {count} positional arguments came")
    if len({number % count for number in numbers}) < len(numbers):
        raise ValueError(f"{function}: argnums names an argument twice; got {argnums!r}")
    return tuple(numbers)


def paired(function: str, primals: Any, tangents: Any) -> list[tuple[Any, Any]]:
    """Give the leaves of the primals with their tangents; raises where the two are not structured the same."""
    for what, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (tuple, list)):
            raise TypeError(
                f"{function}: {what} must be a tuple or list, one for each argument; got {type(given).__name__}"
            )
    if len(primals) != len(tangents):
        raise ShapeError(f"{function}: expected {len(primals)} tangents, one for each primal; got {len(tangents)}")
    values, directions = flatten(tuple(primals))[0], flatten(tuple(tangents))[0]
    if len(values) != len(directions):
        raise ShapeError(
            f"{function}: tangents must have the structure of the primals, which hold {len(values)} values; "
            f"got {len(directions)}"
        )
    return list(zip(values, directions, strict=True))


def tangents_of(function: str, call: Call, primals: Any, tangents: Any) -> list[Variable]:
    """Give the tangent of each differentiable leaf, checked."""
    found = []
    for (_, t), place in zip(paired(function, primals, tangents), call.places, strict=True):
        if place is not None:
            x = call.inputs[place]
            t = t if type(t) in VARIABLES else Variable(t, dtype=x.dtype, device=x.device)
            check_gradient(function, t, x, "tangent")
            found.append(t)
    return found


def variables(function: str, outputs: Any) -> tuple[list[Any], Rebuild]:
    """Give the outputs of a function, all of which must be Variables."""
    leaves, rebuild = flatten(outputs)
    for y in leaves:
        if type(y) not in VARIABLES:
            raise TypeError(f"{function}: the function must return Variables; got {type(y).__name__}")
    return leaves, rebuild


def _own(value: Any, connected: bool, ends: set[Node]) -> Variable | None:
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
    # Not a leaf, of which a copy would be another leaf: copies of what is computed stay connected.
    made = wrap(x._raw)
    made._node = leaf(made)
    ends.add(made._node)
    return identity(made)


def _reaches_outside(outputs: list[Any], nodes: list[Any], ends: set[Node]) -> bool:
    """Tell whether a path leads from the outputs to a node older than ours, or past ours to other than our own ends."""
    ours = set(nodes)
    newest = min(node.order for node in nodes)
    oldest = max(node.order for node in nodes)
    todo: list[Node] = [x._node for x in outputs if type(x) in VARIABLES and x.requires_grad]
    seen = set(todo)
    while todo:
        node = todo.pop()
        if node in ours:
            if any(edge is not None and edge not in ends for edge in node.edges()):
                return True
            continue
        if node.order > oldest or (node.order > newest and node not in ours):
            return True
        for edge in node.edges():
            if edge is not None and edge not in seen:
                seen.add(edge)
                todo.append(edge)
    return False


def plain(x: Any) -> Any:
    """Give a result without the graph of our own, which nobody outside can use."""
    return x.detach() if type(x) in VARIABLES and x.requires_grad else x


def scalar(function: str, output: Any) -> Variable:
    """Give the output of a function that must be one real number which depends on its arguments."""
    if type(output) not in VARIABLES:
        raise TypeError(
            f"{function}: the function must return a Variable, made of its arguments by operators and functions of "
            f"arrays; got {type(output).__name__}"
        )
    if output.size != 1:
        raise ShapeError(
            f"{function}: the function must return one number; got shape {output.shape}; see jacobian and vjp"
        )
    if output.dtype.kind == "c":
        raise DtypeError(f"{function}: the function must return a real number; got dtype {output.dtype}")
    if not output.requires_grad:
        raise GradientError(f"{function}: the output does not depend on the arguments that it is differentiated by")
    return output  # type: ignore[no-any-return]


def gradients(
    call: Call, outputs: Sequence[Variable], cotangents: Sequence[Any], record: bool, retain: bool
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


def zeros_of(x: Variable) -> Any:
    """Give a raw array of zeros like `x`."""
    return RAW_NAMESPACES[type(x._data)].zeros_like(x._data)


def _seed_of(x: Any) -> Any:
    """Give an array like the raw `x` of numbers within [1, 2) that follow no rule (Fibonacci hashing: Knuth, 6.4)."""
    xp = RAW_NAMESPACES[type(x)]
    places = xp.arange(math.prod(x.shape), device=backends.place_of(x))
    return xp.reshape(xp.astype(xp.remainder(places * 633, 1024), x.dtype) / 1024 + 1, x.shape)


class Tangents:
    """The map from tangents of the inputs of a call to those of its outputs: the transpose of its transposed product.

    The transposed product is linear in its cotangents, so it is recorded once, from seeds whose values do not matter,
    except that there must be no zeros: to rules such as that of `eigh` they say what is not used.
    """

    def __init__(self, call: Call, leaves: list[Variable]) -> None:
        self._leaves = leaves
        self._active = [y for y in leaves if y.requires_grad]
        self._outside = call.outside
        self._pulled: Sequence[Any] = ()
        if self._active:
            with ModeContext("recording", True):
                self._seeds = [wrap(y._backend.placed(_seed_of)(y._data)) for y in self._active]
                for seed in self._seeds:
                    seed._node = leaf(seed)
                self._pulled = grad_of_graph(
                    self._active, call.inputs, self._seeds, create_graph=True, allow_unused=True
                )

    def __call__(self, directions: list[Variable]) -> list[Any]:
        """Give the tangent of each output for one tangent of each input."""
        pairs = [(g, t) for g, t in zip(self._pulled, directions, strict=False) if g is not None and g.requires_grad]
        found: Any = [None] * len(self._active)
        if pairs:
            gs, ts = zip(*pairs, strict=True)
            record = self._outside or any(t.requires_grad for t in ts)
            with ModeContext("recording", True):
                found = grad_of_graph(gs, self._seeds, ts, create_graph=record, retain_graph=True, allow_unused=True)
        pushed = iter([wrap(zeros_of(y)) if g is None else g for y, g in zip(self._active, found, strict=True)])
        return [next(pushed) if y.requires_grad else wrap(zeros_of(y)) for y in self._leaves]
