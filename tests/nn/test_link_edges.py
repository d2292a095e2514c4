"""Links whose attributes change their kind, and assignments that fail: what is registered stays true."""

from __future__ import annotations

import copy
from collections import deque
from typing import Any

import pytest

import xdbr
import xdbr.nn.functions as F
import xdbr.nn.links as L
from xdbr import nn


def paths(link: nn.Link) -> list[str]:
    return [path for path, _ in link.namedparams()]


def test_a_failed_assignment_leaves_the_link_as_it_was() -> None:
    link = nn.Chain(a=L.Linear(2, 2))
    with pytest.raises(AttributeError, match="update_enabled"):
        link.update_enabled = L.Linear(2, 2)
    assert paths(link) == ["/a/W", "/a/b"]


def test_two_keys_that_would_be_one_path() -> None:
    link = nn.Link()
    with pytest.raises(ValueError, match="the keys 1 and '1' would be one path"):
        link.parts = {1: nn.Parameter(1.0, 2), "1": nn.Parameter(2.0, 2)}
    assert not hasattr(link, "parts") and paths(link) == []


def test_a_link_may_come_into_a_list_of_functions() -> None:
    link = nn.Link()
    link.layers = [F.relu]
    link.layers.append(L.Linear(2, 2))
    assert paths(link) == ["/layers/1/W", "/layers/1/b"]


@pytest.mark.parametrize("make", [set, deque])
def test_containers_without_lasting_positions_are_refused(make: Any) -> None:
    link = nn.Link()
    with pytest.raises(TypeError, match=f"parameters and links in a {make.__name__} would have no names that stay"):
        link.layers = make([L.Linear(2, 2)])


@pytest.mark.parametrize("empty", [[], {}, [None]])
def test_an_empty_container_may_be_persistent(empty: Any) -> None:
    link = nn.Link()
    link.add_persistent("log", empty)
    assert link.state_dict() == {"log": empty}
    link.log = []
    link.log.append(3)
    assert link.state_dict() == {"log": [3]}
    with pytest.raises(TypeError, match="holds parameters"):
        link.add_persistent("layers", [L.Linear(2, 2)])


def test_a_persistent_that_becomes_a_link_is_one_thing() -> None:
    link = nn.Link()
    link.add_persistent("m", xdbr.zeros(2))
    link.m = L.Linear(2, 2)
    assert sorted(link.state_dict()) == ["m/W", "m/b"]


def test_a_list_needs_no_call_of_the_base_class() -> None:
    class Stack(nn.ChainList):
        def __init__(self) -> None:
            self.size = 1

    stack = Stack()
    assert stack.state_dict() == {} and len(copy.deepcopy(stack)) == 0
    stack.append(L.Linear(2, 2))
    assert paths(stack) == ["/0/W", "/0/b"]


def test_a_leaf_comes_along_in_a_deep_copy_as_a_leaf() -> None:
    link = nn.Link()
    link.scale = xdbr.Variable(1.5, requires_grad=True)
    made = copy.deepcopy(link)
    assert made.scale is not link.scale and made.scale.is_leaf and made.scale.requires_grad


def test_cutting_at_a_parameter_leaves_it_trainable() -> None:
    for parameter in (nn.Parameter(1.0, 3), L.Linear(None, 3).W):
        parameter.unchain_backward()
        parameter.unchain()
        assert parameter.requires_grad and parameter.is_leaf


def test_a_parameter_of_several_variables_that_need_gradient() -> None:
    s = xdbr.Variable(1.5, requires_grad=True)
    with pytest.raises(xdbr.GradientError, match="Parameter: the initial values need gradient"):
        nn.Parameter([s, s * 2])


def test_lists_of_links_can_what_lists_can() -> None:
    layers = nn.Sequential(L.Linear(2, 3), F.relu, L.Linear(3, 1))
    first, relu, last = layers
    assert last in layers and layers.index(relu) == 1 and layers.count(first) == 1
    assert layers.pop() is last and paths(layers) == ["/0/W", "/0/b"]
    layers.append(last)
    layers.remove(relu)
    layers.reverse()
    assert list(layers) == [last, first] and first.W.name == "/1/W"
    layers += [F.relu]
    assert len(layers) == 3
    layers.clear()
    assert paths(layers) == [] and list(reversed(layers)) == []


def test_a_link_that_contains_itself() -> None:
    link = nn.Chain(a=L.Linear(2, 2))
    link.me = link
    assert paths(link) == ["/a/W", "/a/b"] and "..." in repr(link)
    made = copy.deepcopy(link)
    assert made.me is made and made.a is not link.a
    assert link.to_device("numpy") is link


def test_links_of_something_else() -> None:
    with pytest.raises(TypeError, match="Classifier: predictor must be callable; got int"):
        L.Classifier(3)
    with pytest.raises(TypeError, match="EmbedID: in_size must be an integer; got None"):
        L.EmbedID(None, 2)


def test_a_parameter_is_not_replaced_by_an_array_silently() -> None:
    link = L.Linear(2, 2)
    for value in (xdbr.zeros((2, 2)), link.W * 0.5, xdbr.zeros((2, 2)).data):
        with pytest.raises(TypeError, match=r"Linear\.W is a Parameter, .*assign to W\.data"):
            link.W = value
    link.W.data = xdbr.zeros((2, 2)).data
    link.W = nn.Parameter(xdbr.ones((2, 2)))
    assert paths(link) == ["/W", "/b"]
    link.b = None
    assert paths(link) == ["/W"]


def test_a_classifier_without_accuracy() -> None:
    model = L.Classifier(L.Linear(2, 2), lossfun=F.mean_squared_error, accfun=None)
    assert model(xdbr.ones((3, 2)), xdbr.ones((3, 2))).shape == () and model.accuracy is None


def test_one_hot_labels_are_told_how_to_be_numbers() -> None:
    with pytest.raises(xdbr.DtypeError, match=r"for example xdbr\.argmax\(t, axis=1\)"):
        F.softmax_cross_entropy(xdbr.ones((2, 3)), xdbr.ones((2, 3)))


def test_a_property_that_raises_an_attribute_error_keeps_its_text() -> None:
    class Deep(nn.Link):
        @property
        def depth(self) -> int:
            raise AttributeError("the depth is not known yet")

    with pytest.raises(AttributeError, match=r"^the depth is not known yet$"):
        _ = Deep().depth
    assert not hasattr(Deep(), "depth")
