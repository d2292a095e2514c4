"""What stands in a node in the place of its primitive: once it has been freed, and for one of several outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from .._errors import GradientError
from .graph import Node, next_order

if TYPE_CHECKING:
    from .primitive import Primitive

__all__ = ["SELECT", "Freed", "select"]


class Freed:
    """Stands in a node for the primitive once backward has freed what the node had kept."""

    is_leaf = flat = is_elementwise = selecting = holomorphic = False
    scatter = gated = None

    def __init__(self, prim: Primitive) -> None:
        self.name = prim.name
        self.arity = prim.arity
        self.two_slots = prim.two_slots

    @property
    def freed(self) -> Freed:
        """It is freed already."""
        return self

    def revive(self, node: Node) -> None:
        """Raise: what the node had saved is gone."""
        raise GradientError(
            f"backward: the graph of {self.name} has been freed by an earlier backward; pass retain_graph=True to that "
            "one to keep it (one that failed frees what it has passed). If it is not meant to be part of this graph: "
            "change weights in `with xdbr.no_grad():`, and detach() the states that one step hands to the next"
        )


class _Select:
    """Stands in the node of one output of a function with several; its one edge is that function's node."""

    is_leaf = flat = two_slots = selecting = False
    name = "select"
    arity = 1


SELECT = cast("Primitive", _Select())


def select(node: Node, index: int) -> Node:
    """Make the node of output `index` of a function with several outputs."""
    chosen: Node = object.__new__(Node)
    chosen.prim = SELECT
    chosen.order = next_order()
    chosen.shape = node.shape[index]
    chosen.dtype = node.dtype[index]
    chosen.a = (node,)
    chosen.d1 = index
    chosen.watch = None
    return chosen
