"""The recorded graph: nodes that keep edges and raw arrays, and never a Variable.

A node points to the nodes of its inputs, so the graph is a DAG that runs from results to leaves. It
holds no Variable (a leaf's only by weak reference), hence no reference cycle: a graph is freed by
reference counting the moment that its last Variable dies, without recursion.
"""

from __future__ import annotations

import itertools
import sys
import traceback
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .primitive import Primitive
    from .variable import Variable

__all__ = ["Node", "Watch", "next_order"]

# Orders fall with time, so that a heap of (order, node) gives the newest node first. They are unique:
# a tie would make the heap compare nodes.
next_order: Callable[[], int] = itertools.count(-1, -1).__next__


class Watch:
    """What only few nodes have: the Variable that receives the gradient, hooks, and where the node was made."""

    __slots__ = ("hooks", "label", "variable", "where")

    def __init__(self, variable: Variable | None = None) -> None:
        self.variable: weakref.ref[Variable] | None = None if variable is None else weakref.ref(variable)
        self.hooks: dict[int, Callable[[Any], Any]] | None = None
        self.label: str | None = None
        self.where: str | None = None


class Node:
    """One recorded operation, or a leaf.

    `shape` and `dtype` are those of its output (tuples of them where there are several outputs).
    A flat node (one or two array arguments, no options) has its edges in `a` and `b` and what its
    rules need in `d1`, `d2` and `out`; any other node has a tuple of edges in `a` and a dict in `d1`.
    Slots that the primitive does not use are left unset.
    """

    __slots__ = ("a", "b", "d1", "d2", "dtype", "order", "out", "prim", "shape", "watch")

    prim: Primitive
    order: int
    shape: Any
    dtype: Any
    a: Any
    b: Any
    d1: Any
    d2: Any
    out: Any
    watch: Watch | None

    @property
    def name(self) -> str:
        """The name of the function that made it ("leaf" for a leaf)."""
        return self.prim.name

    @property
    def is_leaf(self) -> bool:
        """Whether it stands for a Variable that no recorded operation made."""
        return self.prim.is_leaf

    def edges(self) -> tuple[Node | None, ...]:
        """Give the nodes of the inputs, in order; `None` for an input that needs no gradient."""
        prim = self.prim
        if prim.is_leaf:
            return ()
        if prim.two_slots:
            return (self.a,) if prim.arity == 1 else (self.a, self.b)
        return self.a  # type: ignore[no-any-return]

    def variable(self) -> Variable | None:
        """Give the Variable that receives this node's gradient, where one lives."""
        watch = self.watch
        return watch.variable() if watch is not None and watch.variable is not None else None

    @property
    def label(self) -> str | None:
        """The name of the Variable, where it has one; a Parameter's is its path in the model."""
        variable = self.variable()
        if variable is not None and variable.name is not None:
            return variable.name
        return self.watch.label if self.watch is not None else None

    @property
    def where(self) -> str | None:
        """The line that made it, where the debug mode was on."""
        return self.watch.where if self.watch is not None else None

    def __repr__(self) -> str:
        return f"<Node {self.name} #{-self.order} shape={self.shape} dtype={self.dtype}>"


def watch_of(node: Node) -> Watch:
    """Give the node's watch, making one where it has none."""
    watch = node.watch
    if watch is None:
        watch = node.watch = Watch()
    return watch


def remember_where(node: Node) -> None:
    """Keep the innermost line outside this library that led here (debug mode)."""
    here = __name__.partition(".")[0]
    # Without a frame to start from, walk_stack leaves out as many frames as the Python version thinks fit.
    for frame, line in traceback.walk_stack(sys._getframe(1)):
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] != here:
            code = frame.f_code
            summary = traceback.FrameSummary(code.co_filename, line, code.co_name)
            watch_of(node).where = f'File "{code.co_filename}", line {line}, in {code.co_name}: {summary.line}'
            return
