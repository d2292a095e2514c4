"""Names of other libraries: the error says what to use here, and the advice and the page of equivalents hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import xdbr
from xdbr import _equivalents as equivalents
from xdbr import nn, optim

PAGE = Path(__file__).parents[1] / "docs" / "equivalents.md"
TABLES = {
    "FUNCTIONS": (xdbr, xdbr.numpy, nn, nn.functions, xdbr.linalg),
    "RANDOM": (xdbr.random,),
    "LINK_CLASSES": (nn, nn.links),
    "LINK_METHODS": (nn.Link(),),
    "OPTIMIZER_METHODS": (optim.SGD(0.1),),
}
ROWS = [(table, name) for table in TABLES for name in getattr(equivalents, table)]


def named(text: str) -> list[str]:
    """What a text names of xdbr: paths such as `xdbr.linalg.qr`."""
    return re.findall(r"\bxdbr(?:\.[A-Za-z_]\w*)+", text)


def resolve(path: str) -> Any:
    """Follow a path, as `xdbr.nn.links`, from the package on; raises AttributeError."""
    found: Any = xdbr
    for name in path.split(".")[1:]:
        found = getattr(found, name)
    return found


@pytest.mark.parametrize(("table", "name"), ROWS, ids=[".".join(row) for row in ROWS])
def test_the_error_for_a_foreign_name_says_what_to_use(table, name):
    advice = getattr(equivalents, table)[name]
    for owner in TABLES[table]:
        assert not hasattr(owner, name)
        with pytest.raises(AttributeError) as raised:
            getattr(owner, name)
        assert str(raised.value).endswith(f"has no attribute {name!r}; use {advice}")
    for path in named(advice):
        assert resolve(path) is not None


def test_methods_in_the_advice_exist():
    advice = [*equivalents.LINK_METHODS.values(), *equivalents.OPTIMIZER_METHODS.values()]
    owners = {"model": nn.Link(), "optimizer": optim.SGD(0.1)}
    methods = [found for text in advice for found in re.findall(r"\b(model|optimizer)\.(\w+)", text)]
    assert len(methods) >= 8
    for owner, method in methods:
        assert callable(getattr(owners[owner], method))


@pytest.mark.parametrize(
    ("owner", "name", "place"),
    [
        (xdbr, "relu", "xdbr.nn.functions.relu"),
        (xdbr, "Linear", "xdbr.nn.links.Linear"),
        (xdbr, "det", "xdbr.linalg.det"),
        (xdbr, "erf", "xdbr.special.erf"),
        (xdbr, "Adam", "xdbr.optim.Adam"),
        (nn, "Linear", "xdbr.nn.links.Linear"),
        (nn, "relu", "xdbr.nn.functions.relu"),
        (nn.functions, "matmul", "xdbr.matmul"),
        (nn.links, "Sequential", "xdbr.nn.Sequential"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_error_for_a_name_that_is_elsewhere_says_where(owner, name, place):
    with pytest.raises(AttributeError, match=re.escape(f"has no attribute {name!r}; use {place}")):
        getattr(owner, name)
    assert resolve(place) is not None


@pytest.mark.parametrize("owner", [xdbr, nn, nn.functions, nn.links, nn.Link(), optim.SGD(0.1)], ids=str)
def test_an_unknown_name_gets_no_advice(owner):
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'$"):
        _ = owner.no_such_name
    with pytest.raises(AttributeError, match="has no attribute '_private'$"):
        _ = owner._private


def test_what_the_page_names_exists():
    paths = named(PAGE.read_text(encoding="utf-8"))
    assert len(paths) > 60
    for path in paths:
        assert resolve(path) is not None


def test_methods_of_variables_are_called_by_their_names_in_messages():
    x = xdbr.Variable([1.0])
    with pytest.raises(TypeError, match=r"^Variable\.sum\(\) got an unexpected keyword argument 'dim'"):
        x.sum(dim=0)


def test_the_package_lists_what_is_public():
    assert sorted(dir(xdbr)) == sorted(xdbr.__all__)
