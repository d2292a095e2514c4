"""What a place of a plain value takes from a file, and what no file can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xdbr
import xdbr.nn.links as L
from xdbr import nn
from xdbr._errors import SerializationError
from xdbr.serializers import load_npz, save_npz


def link(**values: Any) -> nn.Link:
    made = nn.Link()
    for name, value in values.items():
        made.add_persistent(name, value)
    return made


@pytest.mark.parametrize(
    ("here", "given"),
    [
        (1, 5),
        (1.0, 5.5),
        (1.0, 5),
        (1.0, float("inf")),
        ("a", "b"),
        (True, False),
        (None, 3),
        (None, "text"),
        (None, [1, {"a": 2}]),
        (3, None),
        ([1], [2, 3]),
        ({"a": 1}, {"b": [2]}),
    ],
)
def test_a_persistent_takes_its_own_kind(tmp_path: Path, here: Any, given: Any) -> None:
    save_npz(tmp_path / "a", link(value=given))
    other = link(value=here)
    load_npz(tmp_path / "a", other)
    assert other.value == given
    assert type(other.value) is (type(given) if None in (here, given) else type(here))


def test_a_tuple_comes_back_as_a_list(tmp_path: Path) -> None:
    one = link(value=(1, 2))
    save_npz(tmp_path / "a", one)
    for _ in range(2):
        load_npz(tmp_path / "a", one)
        assert one.value == [1, 2]


def test_misfits_of_plain_persistents_are_listed_with_the_others(tmp_path: Path) -> None:
    save_npz(
        tmp_path / "a",
        link(
            a="three",
            b=np.zeros(2),
            c=1.5,
            d=True,
            e=1,
            f=[1],
            g=np.zeros(1),
            h=1,
            i=10**400,
            mean=np.zeros(3, "float32"),
        ),
    )
    other = link(a=3, b=3, c=3, d=3, e=True, f={}, g=None, h="x", i=1.5, mean=xdbr.zeros(2), z=0)
    before = dict(vars(other))
    with pytest.raises(SerializationError) as raised:
        load_npz(tmp_path / "a", other)
    assert str(raised.value).splitlines()[1:] == [
        "  wrong type: a has str, expected int",
        "  wrong type: b has array, expected int",
        "  wrong type: c has float, expected int",
        "  wrong type: d has bool, expected int",
        "  wrong type: e has int, expected bool",
        "  wrong type: f has list, expected dict",
        "  wrong type: g has array, expected NoneType",
        "  wrong type: h has int, expected str",
        "  wrong type: i has int, expected float",
        "  wrong shape: mean has (3,), expected (2,)",
        "  missing: z",
    ]
    assert vars(other) == before


def test_kinds_that_changed_on_loading_can_be_taken_back() -> None:
    saved = {"mean": 3, "best": 2.5, "size": None}
    model = link(mean=0.5, best=None, size=4)
    model.load_state_dict(saved)
    assert (model.mean, model.best, model.size) == (3.0, 2.5, None)
    model.load_state_dict({"mean": 0.5, "best": None, "size": 4})
    assert (model.mean, model.best, model.size) == (0.5, None, 4)


LOOP: dict[str, Any] = {}
LOOP["a"] = [LOOP]
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("obj", "match"),
    [
        ({"a\0b": np.zeros(1)}, r"without NUL, of at most 65531 bytes; got 'a\\x00b'"),
        ({"a": {"\udc80": np.zeros(1)}}, r"the path of an array must be valid Unicode .*; got 'a/\\udc80'"),
        ({"a" * 70000: np.zeros(1)}, r"of at most 65531 bytes; got 'aaa.*\.\.\.'"),
        (LOOP, "save_npz: the object contains itself, or is nested too deep"),
        (DEEP, "save_npz: the object contains itself, or is nested too deep"),
        ({"a": [10**5000]}, "save_npz: a/0 is an integer of more than 4300 digits, which cannot be saved"),
        ({"a": -(10**4300)}, "save_npz: a is an integer of more than 4300 digits"),
    ],
    ids=["NUL", "surrogate", "long", "loop", "deep", "integer", "negative"],
)
def test_what_no_file_can_hold(tmp_path: Path, obj: Any, match: str) -> None:
    (tmp_path / "a").write_text("before")
    with pytest.raises(SerializationError, match=match):
        save_npz(tmp_path / "a", obj)
    assert (tmp_path / "a").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_a_file_can_just_hold(tmp_path: Path) -> None:
    bundle = {"a\0b": "\0\udc80", "big": 10**4300 - 1, "n" * 65531: np.ones(1), "ü/\n": np.ones(2)}
    save_npz(tmp_path / "a", bundle)
    read = load_npz(tmp_path / "a")
    assert list(read) == list(bundle)
    assert all(np.array_equal(read[key], bundle[key]) for key in bundle)


def test_a_bracket_in_the_header_of_a_large_array(tmp_path: Path) -> None:
    """NumPy reads such a header as Python source, and the tokenizer has an error of its own."""
    path = tmp_path / "a.npz"
    save_npz(path, L.Linear(50, 50))
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"'descr'", whole.index(b"W.npy"))] = ord("(")
    path.write_bytes(whole)
    with pytest.raises(SerializationError, match="a.npz is truncated or damaged"):
        load_npz(path)


def test_arguments_in_the_other_order() -> None:
    model = L.Linear(2, 2)
    with pytest.raises(TypeError, match="save_npz: expected a path or a file first, then the objects; got Linear"):
        save_npz(model, "model.npz")
    with pytest.raises(TypeError, match="load_npz: expected a path or a file first, then the objects; got Linear"):
        load_npz(model, "model.npz")
