"""Nested containers of classes of their own in the transforms of functions."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import pytest

import xdbr
from xdbr.autograd.trees import flatten
from xdbr.testing import assert_allclose


class Pair(NamedTuple):
    a: Any
    b: Any


class Layers(list[Any]):
    """A list of a class of its own."""


@pytest.mark.parametrize(
    "tree",
    [OrderedDict(a=1, b=[2]), defaultdict(list, a=1, b=[2]), Pair(1, [2]), Layers([1, [2]]), (1, {"b": 2})],
    ids=lambda tree: type(tree).__name__,
)
def test_what_is_put_together_again_is_what_it_was(tree: Any) -> None:
    leaves, rebuild = flatten(tree)
    assert leaves == [1, 2]
    assert rebuild(leaves) == tree and type(rebuild(leaves)) is type(tree)
    assert flatten(rebuild([3, 4]))[0] == [3, 4] and flatten(tree)[0] == [1, 2]


def test_a_default_dict_keeps_its_default() -> None:
    _, rebuild = flatten(defaultdict(list, a=1))
    assert rebuild([2])["missing"] == []


def test_gradients_and_examples_inside(device: Any) -> None:
    x, y = xdbr.Variable(2.0), xdbr.Variable(3.0)
    found = xdbr.grad(lambda p: p["e"]["w"] * p["b"])({"e": OrderedDict(w=x), "b": y})
    assert_allclose(found["e"]["w"], 3.0)
    assert_allclose(found["b"], 2.0)
    many = xdbr.vmap(lambda d, y: OrderedDict(z=xdbr.sum(d["x"]) * y))(OrderedDict(x=xdbr.ones((3, 2))), xdbr.ones(3))
    assert type(many) is OrderedDict
    assert_allclose(many["z"], [2.0, 2.0, 2.0])
