"""Backward and gradients of computed Variables: what is asked for, checked and started; `engine` does the walk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import backends
from .._config import MODE, ModeContext, is_debugging
from .._errors import GradientError, ShapeError
from .engine import Walk, check_gradient
from .graph import Node
from .kernels import RAW_NAMESPACES
from .lifting import delivered, lift_to, together
from .variable import LEAF, VARIABLES, Variable, refresh, wrap

__all__ = ["backward", "grad", "unchain", "unchain_backward"]


def grad(
    outputs: Variable | Sequence[Variable],
    inputs: Variable | Sequence[Variable],
    grad_outputs: Any = None,
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    allow_unused: bool = False,
    loss_scale: float | None = None,
) -> Any:
    """Give the derivatives of `outputs` with respect to `inputs`, without touching any `.grad`.

    outputs, inputs: a Variable or a sequence of them; the result is a Variable or a tuple to match `inputs`.
    grad_outputs: a cotangent for each output (or `None` for ones, where the output has one element).
    create_graph: record, so that the result can be differentiated again.
    retain_graph: keep what the graph has saved; as `create_graph` by default.
    allow_unused: give `None` for an input that the outputs do not depend on, instead of an error.

    Raises `GradientError`, `ShapeError`, `DtypeError` or `DeviceError`.

    >>> import xdbr
    >>> x = xdbr.Variable(3.0, requires_grad=True)
    >>> y = x**3
    >>> dy = xdbr.grad(y, x, create_graph=True)
    >>> d2y = xdbr.grad(dy, x)
    >>> dy.item(), d2y.item()
    (27.0, 18.0)
    """
    single = isinstance(inputs, Variable)
    wanted = [inputs] if isinstance(inputs, Variable) else list(inputs)
    several = [outputs] if isinstance(outputs, Variable) else list(outputs)
    if isinstance(outputs, Variable):
        cotangents = [grad_outputs]
    elif grad_outputs is None:
        cotangents = [None] * len(several)
    elif isinstance(grad_outputs, Variable) or backends.of(grad_outputs) is not None:
        raise TypeError("grad: expected a sequence of grad_outputs, one per output; got a single array")
    else:
        cotangents = list(grad_outputs)
    if len(cotangents) != len(several):
        raise ShapeError(f"grad: expected {len(several)} grad_outputs, one per output; got {len(cotangents)}")
    nodes = _input_nodes("grad", wanted)
    if not nodes:
        return ()
    found = _run("grad", several, cotangents, create_graph, retain_graph, nodes, loss_scale)
    results: list[Variable | None] = []
    for i, node in enumerate(nodes):
        g = found.get(node)
        if g is None and not allow_unused:
            called = repr(wanted[i].name) if wanted[i].name else f"number {i}"
            raise GradientError(
                f"grad: the outputs do not depend on input {called}; pass allow_unused=True to get None for it"
            )
        results.append(None if g is None else _handle(g))
    return results[0] if single else tuple(results)


def backward(
    outputs: Sequence[Variable],
    cotangents: Sequence[Any],
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    inputs: Sequence[Variable] | Variable | None = None,
    loss_scale: float | None = None,
) -> None:
    """Add the gradients of `outputs` to the `.grad` of the leaves (or of `inputs`); see `Variable.backward`."""
    wanted = [inputs] if isinstance(inputs, Variable) else [] if inputs is None else list(inputs)
    nodes = None if inputs is None else _input_nodes("backward", wanted)
    if nodes == []:
        return
    found = _run("backward", outputs, cotangents, create_graph, retain_graph, nodes, loss_scale)
    keepers = None if nodes is None else dict(zip(nodes, wanted, strict=True))
    for node, g in found.items():
        x = node.variable() if keepers is None else keepers[node]
        if x is None:
            continue
        if MODE.get().batches:
            with ModeContext("recording", create_graph):
                g = delivered(g, node.order)
        g = _handle(g)
        old = x.grad
        if old is None:
            x._grad = g
        elif create_graph:
            with ModeContext("recording", True):
                x._grad = old + g
        else:
            x._grad = wrap(old._raw) + g


def _handle(g: Any) -> Variable:
    """Give a cotangent as a Variable of its own: a write to one of two results must not reach the other."""
    return wrap(g._raw, g._node) if type(g) in VARIABLES else wrap(g)


def _input_nodes(function: str, inputs: list[Any]) -> list[Node]:
    nodes = []
    for i, x in enumerate(inputs):
        if not isinstance(x, Variable):
            raise TypeError(f"{function}: inputs must be Variables; number {i} is {type(x).__name__}")
        if x._view is not None:
            refresh(x)
        if x._node is None:
            raise GradientError(f"{function}: input number {i} needs no gradient (requires_grad is False)")
        nodes.append(x._node)
    return nodes


def _finite(function: str, argument: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{function}: {argument} must be a number; got {value!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"{function}: {argument} must be finite; got {value!r}")
    return number


def _start(
    function: str, outputs: Sequence[Variable], cotangents: Sequence[Any], live: bool, loss_scale: float | None
) -> dict[Node, Any]:
    """Check the starting cotangents and give them by node."""
    pending: dict[Node, Any] = {}
    scale = None if loss_scale is None else _finite(function, "loss_scale", loss_scale)
    y: Any
    for y, g in zip(outputs, cotangents, strict=True):
        if not isinstance(y, Variable):
            raise TypeError(f"{function}: outputs must be Variables; got {type(y).__name__}")
        if y._view is not None:
            refresh(y)
        node = y._node
        called = f" {y.name!r}" if y.name else ""
        if node is None:
            raise GradientError(
                f"{function}: the output{called} has no graph: it was computed from nothing that needs gradient, "
                "or under no_grad, or was detached"
            )
        raw = y._data
        xp = RAW_NAMESPACES[type(raw)]
        if g is None:
            if y.size != 1:
                raise GradientError(
                    f"{function}: the output{called} has shape {y.shape}; only an output of one element starts from "
                    "ones by itself, so pass a gradient of its shape"
                )
            g = xp.ones_like(raw)
        else:
            if not isinstance(g, Variable):
                backend = y._backend if isinstance(g, (bool, int, float, complex)) else backends.of(g)
                if backend is None:
                    raise TypeError(f"{function}: the gradient must be a Variable or an array; got {type(g).__name__}")
                if backends.of(g) is None:
                    g = backend.asarray(g, dtype=raw.dtype, device=y.device)
                else:
                    g = backend.copy(g)  # it may become a gradient as it is, and is the caller's to change
                g = wrap(g)
            check_gradient(function, g, y)
            g = lift_to(g, y._backend)
        if type(g) not in VARIABLES:
            g = wrap(g)
        elif not live:
            g = g.detach()
        if scale is not None:
            g = g * scale
        pending[node] = pending[node] + g if node in pending else g
    if MODE.get().batches:
        pending = dict(zip(pending, together(list(pending.values())), strict=True))
    return pending if live else {node: g._raw for node, g in pending.items()}


def _run(
    function: str,
    outputs: Sequence[Variable],
    cotangents: Sequence[Any],
    create_graph: bool,
    retain_graph: bool | None,
    stops: list[Node] | None,
    loss_scale: float | None,
) -> dict[Node, Any]:
    """Run backward; give the cotangents of the leaves and retained nodes, or of `stops` where given."""
    retain = create_graph if retain_graph is None else retain_graph
    pending = _start(function, outputs, cotangents, create_graph, loss_scale)
    needed = None if stops is None else _needed(pending, stops)
    if needed is not None:  # an output from which no way leads to the inputs is left alone
        pending = {node: g for node, g in pending.items() if node in needed}
    walk = Walk(pending, needed, stops, retain, is_debugging())
    if create_graph:
        with ModeContext("recording", True):
            walk.recorded()
    else:
        walk.plain()
    return walk.found


def _needed(pending: dict[Node, Any], stops: list[Node]) -> set[Node]:
    """Give the nodes from which an edge leads on to one of `stops`, those included."""
    oldest = max(node.order for node in stops)
    seen: set[Node] = set(pending)
    todo = list(pending)
    while todo:
        node = todo.pop()
        for edge in node.edges():
            if edge is not None and edge not in seen and edge.order <= oldest:
                seen.add(edge)
                todo.append(edge)
    needed = set(stops)
    for node in sorted(seen, key=_order, reverse=True):
        if node not in needed and any(edge in needed for edge in node.edges()):
            needed.add(node)
    return needed


def _order(node: Node) -> int:
    return node.order


def unchain_backward(node: Node) -> None:
    """Empty every node below: drop its edges and what it has saved."""
    todo = [node]
    seen = {node}
    while todo:
        now = todo.pop()
        edges = now.edges()
        if now.is_leaf:
            continue
        for edge in edges:
            if edge is not None and edge not in seen:
                seen.add(edge)
                todo.append(edge)
        unchain(now)


def unchain(node: Node) -> None:
    """Empty one node: drop its edges and what it has saved, so that a backward stops there."""
    if not node.is_leaf:
        node.prim = LEAF
        node.d1 = node.d2 = node.out = node.a = node.b = None
