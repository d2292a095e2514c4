"""Tuples, lists and dicts of arrays, taken apart and put together again."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

__all__ = ["Rebuild", "flatten", "map_tree"]

Rebuild = Callable[[list[Any]], Any]


def flatten(tree: Any) -> tuple[list[Any], Rebuild]:
    """Give the leaves of nested tuples, lists and dicts, in order, and how to put new ones in their places.

    Subclasses (named tuples, OrderedDict, defaultdict) are made again as what they are. Everything else is a leaf,
    `None` included. Dicts keep their order.

    >>> from xdbr.autograd.trees import flatten
    >>> leaves, rebuild = flatten({"a": (1, [2]), "b": 3})
    >>> leaves, rebuild([10, 20, 30])
    ([1, 2, 3], {'a': (10, [20]), 'b': 30})
    """
    leaves: list[Any] = []
    shape = _shape(tree, leaves)

    def rebuild(new: list[Any]) -> Any:
        return shape(iter(new))

    return leaves, rebuild


def _shape(tree: Any, leaves: list[Any]) -> Callable[[Any], Any]:
    if isinstance(tree, (list, tuple)):
        parts = [_shape(part, leaves) for part in tree]
        if type(tree) is list:
            return lambda new: [part(new) for part in parts]
        if isinstance(tree, list):
            return lambda new: _like(tree, dict(enumerate([part(new) for part in parts])))
        if hasattr(tree, "_make"):
            make = tree._make
            return lambda new: make([part(new) for part in parts])
        return lambda new: tuple([part(new) for part in parts])
    if isinstance(tree, dict):
        items = [(key, _shape(part, leaves)) for key, part in tree.items()]
        if type(tree) is dict:
            return lambda new: {key: part(new) for key, part in items}
        return lambda new: _like(tree, {key: part(new) for key, part in items})
    leaves.append(tree)
    return next


def _like(tree: Any, parts: dict[Any, Any]) -> Any:
    """Give a container of a class of its own, such as an OrderedDict, with other parts under the same keys."""
    made = copy.copy(tree)
    for key, part in parts.items():
        made[key] = part
    return made


def map_tree(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply `function` to every leaf.

    >>> from xdbr.autograd.trees import map_tree
    >>> map_tree(abs, {"a": (-1, [2])})
    {'a': (1, [2])}
    """
    leaves, rebuild = flatten(tree)
    return rebuild([function(leaf) for leaf in leaves])
