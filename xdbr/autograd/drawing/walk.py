"""From the recorded graph to a diagram: the only part of drawing that knows nodes.

It reads what a node keeps for as long as it lives (its name, edges, shape, dtype, label), and so works
as well after `backward` has freed what the gradient rules had retained.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from ..graph import Node
from ..variable import Variable
from .diagram import Diagram, Edge, Vertex, shorten

__all__ = ["walk"]


def walk(
    outputs: Sequence[tuple[str | None, Node]],
    *,
    params: bool = True,
    variables: bool = True,
    constants: bool = False,
    horizontal: bool = False,
    title: str | None = None,
    max_nodes: int | None = None,
) -> Diagram:
    """The diagram of everything that the given nodes were computed from.

    Args:
        outputs: Pairs of a name, or None, and a node; the other arguments are those of `xdbr.draw`.

    The walk is breadth-first from the outputs and without recursion, so a cut at `max_nodes` keeps what
    is nearest to them. Vertices come in the order in which their nodes were made.
    """
    # These lists hold the nodes alive, and so keep their ids unique.
    reached = _reach([node for _, node in outputs])
    shown = [node for node in reached if params or not _is_parameter(node)]
    counted = [node for node in shown if not _is_choice(node)]
    kept = counted if max_nodes is None else counted[:max_nodes]
    inside = {id(node) for node in kept}
    kept = kept + [node for node in shown if _is_choice(node) and id(node.edges()[0]) in inside]
    cut = {id(node) for node in counted} - inside
    builder = _Builder(outputs, cut, variables, constants)
    for node in sorted(kept, key=lambda node: node.order, reverse=True):
        builder.add(node)
    return Diagram(
        vertices=tuple(builder.vertices),
        edges=tuple(builder.edges),
        title=title,
        note=_note(counted, len(cut), max_nodes),
        horizontal=horizontal,
    )


def _reach(starts: Sequence[Node]) -> list[Node]:
    """Every node that the starts depend on, themselves included, nearest first and each once."""
    seen: set[int] = set()
    reached: list[Node] = []
    queue = deque(starts)
    while queue:
        node = queue.popleft()
        if id(node) not in seen:
            seen.add(id(node))
            reached.append(node)
            inputs = [edge for edge in node.edges() if edge is not None]
            # A function of several outputs is as near as its nearest output.
            (queue.extendleft if _is_choice(node) else queue.extend)(inputs)
    return reached


class _Builder:
    """Collects vertices and edges; nodes must be added after those that they depend on."""

    def __init__(
        self, outputs: Sequence[tuple[str | None, Node]], cut: set[int], variables: bool, constants: bool
    ) -> None:
        self.vertices: list[Vertex] = []
        self.edges: list[Edge] = []
        self.names: dict[int, str | None] = {}
        for name, node in outputs:
            self.names[id(node)] = self.names.get(id(node)) or name
        self.cut = cut
        self.variables = variables
        self.constants = constants
        self.value: dict[int, int] = {}  # by id of a node: the vertex from which its value leaves

    def add(self, node: Node) -> None:
        """Add a leaf, a function with what goes in and comes out, or one output of a function of several."""
        if node.is_leaf:
            self.value[id(node)] = self._leaf(node)
            return
        if _is_choice(node):
            self.value[id(node)] = self._output(node, self.value[id(node.edges()[0])])
            return
        box = self._function(node)
        self._inputs(node, box)
        self.value[id(node)] = box if _has_several(node) else self._output(node, box)

    def _vertex(self, kind: str, lines: Sequence[str | None], tooltip: Sequence[str | None]) -> int:
        shown = tuple(shorten(line) for line in lines if line)
        self.vertices.append(Vertex(kind, shown, "\n".join(line for line in tooltip if line)))
        return len(self.vertices) - 1

    def _leaf(self, node: Node) -> int:
        name, what = self._name(node), _describe(node.shape, node.dtype)
        kind = "parameter" if _is_parameter(node) else "input"
        return self._vertex(kind, (name, what), (f"{kind} {name or ''}".rstrip(), what))

    def _function(self, node: Node) -> int:
        if _has_several(node):
            whats = [_describe(shape, dtype) for shape, dtype in zip(node.shape, node.dtype, strict=True)]
            brief = ", ".join(str(tuple(shape)) for shape in node.shape)
        else:
            whats = [brief := _describe(node.shape, node.dtype)]
        return self._vertex("function", (node.name, None if self.variables else brief), (node.name, *whats, node.where))

    def _output(self, node: Node, box: int) -> int:
        asked = id(node) in self.names
        if not asked and not self.variables:
            return box
        name, what = self._name(node), _describe(node.shape, node.dtype)
        kind = "output" if asked else "variable"
        made = self._vertex(kind, (name, what), (f"{kind} {name or ''}".rstrip(), what))
        self.edges.append(Edge(box, made))
        return made

    def _inputs(self, node: Node, box: int) -> None:
        left_out = 0
        for edge in node.edges():
            if edge is None:
                if self.constants:
                    made = self._vertex("constant", ("constant",), ("an input that needs no gradient",))
                    self.edges.append(Edge(made, box))
            elif id(edge) in self.value:
                self.edges.append(Edge(self.value[id(edge)], box))
            elif _source(edge) in self.cut:
                left_out += 1
        if left_out:
            what = "an input" if left_out == 1 else f"{left_out} inputs"
            made = self._vertex("more", ("\u2026",), (f"{what} left out",))
            self.edges.append(Edge(made, box, dashed=True))

    def _name(self, node: Node) -> str | None:
        return self.names.get(id(node)) or node.label


def _has_several(node: Node) -> bool:
    """Whether the node is a function of several outputs, which has a tuple of shapes and of dtypes."""
    return type(node.dtype) is tuple


def _is_choice(node: Node) -> bool:
    """Whether the node only stands for one output of a function of several."""
    edges = node.edges()
    return len(edges) == 1 and edges[0] is not None and _has_several(edges[0])


def _source(node: Node) -> int:
    """The id of the function, or leaf, that a node's value comes from."""
    return id(node.edges()[0]) if _is_choice(node) else id(node)


def _is_parameter(node: Node) -> bool:
    """Whether the node is a leaf that belongs to a model: by the path that is its label, or by its Variable's class."""
    if not node.is_leaf:
        return False
    label, variable = node.label, node.variable()
    if label is not None and label.startswith("/"):
        return True
    return variable is not None and type(variable) is not Variable


def _describe(shape: Any, dtype: Any) -> str:
    # A backend's dtype may show its library, as in "torch.float32".
    return f"{tuple(shape)} {str(dtype).rpartition('.')[2]}"


def _note(counted: Sequence[Node], left_out: int, max_nodes: int | None) -> str | None:
    if not left_out:
        return None
    leaves = sum(node.is_leaf for node in counted[max_nodes:])
    parts = [(left_out - leaves, "function"), (leaves, "leaf variable")]
    what = " and ".join(f"{number:,} {name}{'s' * (number != 1)}" for number, name in parts if number)
    return f"{what} left out: max_nodes={max_nodes} of {len(counted):,} are shown"
