"""The extras of the backend under test, and the portable ones over its library, against NumPy on every kind of key."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from xdbr import backends, testing
from xdbr.backends import Extras
from xdbr.backends._extras import is_basic, is_writable_key

pytestmark = pytest.mark.usefixtures("backend")

BACKEND = testing.backend_under_test()
SHAPE = (3, 4, 5)


class Key(NamedTuple):
    """A key, with what it asks of a library: only what the standard has, or negative steps, or both together."""

    key: object
    standard: bool = True
    steps_back: bool = False


def ints(*values):
    return np.array(values, dtype=np.int64)


_mask = np.arange(60).reshape(SHAPE) % 7 < 3
KEYS = {
    "integers": Key((1, 2, 3)),
    "negative integer": Key((-1, ...)),
    "an integer and slices": Key((slice(None), 2, slice(1, 4))),
    "integer first": Key(1, standard=False),
    "all": Key(...),
    "whole slices": Key((slice(None), slice(None), slice(None))),
    "step": Key((slice(None), slice(0, 4, 2), slice(1, None, 3))),
    "negative bounds": Key((slice(-2, None), slice(None, -1), ...)),
    "empty slice": Key((slice(2, 1), ...)),
    "beyond the end": Key((slice(1, 2), slice(None), slice(0, 5))),
    "ellipsis in the middle": Key((0, ..., slice(1, 3))),
    "new axes": Key((None, ..., None)),
    "new axis inside": Key((slice(None), None, slice(None), slice(None)), standard=False),
    "step back": Key((slice(None), slice(None, None, -1), slice(None)), steps_back=True),
    "steps back on two axes": Key((slice(None, None, -2), slice(None), slice(3, 0, -1)), steps_back=True),
    "empty step back": Key((slice(0, 2, -1), ...), steps_back=True),
    "step back beside an integer and a new axis": Key(
        (1, None, slice(None, None, -1), 0), standard=False, steps_back=True
    ),
    "integer arrays": Key((ints(0, 2, 1), ints(1, 3, 0), ints(4, 0, 2))),
    "the same position twice": Key((ints(1, 0, 1, 1), ints(2, 3, 2, 2), ints(0, 4, 0, 0))),
    "arrays that broadcast": Key((ints([0], [2]), ints(1, 3), ints(4, 4)), standard=False),
    "negative entries": Key((ints(-1, 2, -1), ints(0, -4, 0), ints(-5, 0, 0))),
    "arrays and an integer": Key((ints(1, 1, 0), 2, ints(3, 3, 3))),
    "rows": Key(ints(2, 0, 2), standard=False),
    "rows, negative entries": Key(ints(-1, 0, -3), standard=False),
    "rows, two axes of them": Key(ints([0, 1], [1, 1]), standard=False),
    "no rows": Key(ints(), standard=False),
    "columns": Key((slice(None), ints(3, 3, 0)), standard=False),
    "arrays with a slice between": Key((ints(0, 2), slice(1, 3), ints(4, 4)), standard=False),
    "array beside a step back": Key((ints(0, 2), slice(None, None, -1)), standard=False, steps_back=True),
    "mask": Key(_mask),
    "empty mask": Key(_mask & False),
    "mask in a tuple": Key((_mask,)),
    "mask of leading axes": Key(_mask[:, :, 0], standard=False),
    "mask beside an integer": Key((_mask[:, 0, 0], 1), standard=False),
}
# Views through which a write goes. "copies" are those that some libraries give as a copy.
WALKS = {
    "itself": lambda xp, x: x,
    "transposed": lambda xp, x: xp.permute_dims(x, (2, 0, 1)),
    "reshaped": lambda xp, x: xp.reshape(x, (5, 12)),
    "reshaped after a transpose": lambda xp, x: xp.reshape(xp.permute_dims(x, (2, 0, 1)), (5, 12)),
    "flipped": lambda xp, x: xp.flip(x, axis=1),
    "part of a part": lambda xp, x: x[1:, :, :][:, 2, :],
    "expanded": lambda xp, x: xp.expand_dims(x, axis=0),
}

# How to make the extras under test: the backend's own, and the portable ones over its library.
VARIANTS = {
    "own": lambda: BACKEND.extras,
    "portable": lambda: Extras(BACKEND.lib, writable=BACKEND.aliasing_views),
    "portable, nothing written": lambda: Extras(BACKEND.lib, writable=False),
}


def possible(key: Key, variant: str) -> bool:
    """Whether the library has such keys: array-api-strict has the standard's only, torch no negative steps."""
    if BACKEND.name == "torch" and variant != "own" and key.steps_back:
        return False
    return key.standard or BACKEND.name != "strict"


CASES = [
    pytest.param(variant, key.key, id=f"{variant}: {name}")
    for variant in VARIANTS
    for name, key in KEYS.items()
    if possible(key, variant)
]


def raw(x):
    if isinstance(x, tuple):
        return tuple(raw(part) for part in x)
    return BACKEND.from_host(x) if isinstance(x, np.ndarray) else x


def host(x):
    return BACKEND.to_host(x)


def sample(dtype="float64", shape=SHAPE):
    return (np.arange(int(np.prod(shape))) % 11).reshape(shape).astype(dtype)


def values_for(taken):
    """A scalar, a full array, one that broadcasts, and one with leading axes of length one."""
    full = (np.arange(taken.size) * 3 % 13 + 1.0).reshape(taken.shape)
    yield 2.5
    yield full
    if taken.ndim:
        yield np.arange(1.0, 1 + taken.shape[-1])
    yield np.array(7.0)


@pytest.mark.parametrize(("variant", "key"), CASES)
def test_read(variant, key):
    x = sample()
    before = raw(x)
    np.testing.assert_array_equal(host(VARIANTS[variant]().read(before, key=raw(key))), x[key])
    np.testing.assert_array_equal(host(before), x)


# -- index_add -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("variant", "key"), CASES)
def test_index_add(variant, key):
    extras = VARIANTS[variant]()
    x = sample()
    for v in values_for(x[key]):
        expected = x.copy()
        np.add.at(expected, key, v)
        before = raw(x)
        out = extras.index_add(before, raw(v), key=raw(key))
        np.testing.assert_array_equal(host(out), expected)
        np.testing.assert_array_equal(host(before), x)  # not ours to change
        again = extras.index_add(raw(x.copy()), raw(v), key=raw(key), owned=True)
        np.testing.assert_array_equal(host(again), expected)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int8", "int32", "int64", "uint8"])
def test_index_add_keeps_the_dtype(variant, dtype):
    extras = VARIANTS[variant]()
    x, v = sample(dtype, (6,)), np.ones(4, dtype)
    out = extras.index_add(raw(x), raw(v), key=raw(ints(5, 0, 5, 5)))
    expected = x.copy()
    np.add.at(expected, ints(5, 0, 5, 5), v)
    assert host(out).dtype == np.dtype(dtype)
    np.testing.assert_array_equal(host(out), expected)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("n", [1, 2, 3, 1000, 4097])
def test_index_add_of_many_to_few(variant, n):
    rng = np.random.default_rng(n)
    where, v = rng.integers(0, 7, n), rng.normal(size=n)
    expected = np.zeros(9)
    np.add.at(expected, where, v)
    out = VARIANTS[variant]().index_add(raw(np.zeros(9)), raw(v), key=raw(where))
    np.testing.assert_allclose(host(out), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
def test_index_add_cancels_nothing(variant):
    """A large number at one position costs the others no digits, as differences of running sums would."""
    where = ints(0, 1, 0, 2, 2)
    out = VARIANTS[variant]().index_add(raw(np.zeros(3)), raw(np.array([1e16, 1.0, 1e16, 3.0, 4.0])), key=raw(where))
    assert host(out).tolist() == [2e16, 1.0, 7.0]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("shape", "key"), [((), ...), ((0,), ...), ((0, 3), (slice(None), 1)), ((0,), ints())])
def test_index_add_to_nothing_and_to_one(variant, shape, key):
    x = sample(shape=shape)
    out = VARIANTS[variant]().index_add(raw(x), 1.0, key=raw(key))
    expected = x.copy()
    np.add.at(expected, key, 1.0)
    np.testing.assert_array_equal(host(out), expected)


@pytest.mark.parametrize("rows", [ints(3), ints(-4), ints(0, 7)])
def test_rows_out_of_bounds_in_numpy(rows):
    with pytest.raises(IndexError, match="out of bounds for axis 0 of length 3"):
        backends.get("numpy").extras.index_add(np.zeros((3, 2)), 1.0, key=rows)


# -- write ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("variant", "key"), CASES)
def test_write(variant, key):
    extras = VARIANTS[variant]()
    x = sample()
    for v in values_for(x[key]):
        expected = x.copy()
        expected[key] = v
        before = raw(x)
        out = extras.write(before, raw(v), walk=lambda a: a, key=raw(key))
        np.testing.assert_array_equal(host(out), expected)
        np.testing.assert_array_equal(host(before), x)
        again = extras.write(raw(x.copy()), raw(v), walk=lambda a: a, key=raw(key), owned=True)
        np.testing.assert_array_equal(host(again), expected)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("walk", WALKS)
def test_write_through_views(variant, walk):
    """A write through any view reaches the whole, whether or not the library's view shares memory."""
    x = sample()
    # On positions, so that it is a view in NumPy too.
    positions = np.arange(x.size).reshape(x.shape)
    part = WALKS[walk](np, positions)
    for key in [..., (slice(None, None, 2), ...), (0, ...), part % 3 == 0]:
        v = (np.arange(part[key].size) + 100.0).reshape(part[key].shape)
        expected = x.copy()
        expected.reshape(-1)[part[key]] = v
        out = VARIANTS[variant]().write(raw(x), raw(v), walk=lambda a: WALKS[walk](BACKEND.lib, a), key=raw(key))
        np.testing.assert_array_equal(host(out), expected)


@pytest.mark.parametrize("variant", VARIANTS)
def test_last_write_to_a_position_stays(variant):
    rng = np.random.default_rng(5)
    for shape, key in [
        ((3,), ints(1, 1, 0, 1)),
        ((3,), ints(1, -2, 0, 1)),
        ((9,), rng.integers(0, 9, 20_000)),
        ((7, 3), rng.integers(-7, 7, 5_000)),
        ((5, 6), (rng.integers(0, 5, 3_000), rng.integers(-6, 6, 3_000))),
    ]:
        if BACKEND.name == "strict" and not isinstance(key, tuple) and len(shape) > 1:
            continue  # not in the standard
        v = rng.normal(size=np.zeros(shape)[key].shape)
        expected = np.zeros(shape)
        for i in range(len(v)):  # in order, which NumPy promises as little
            expected[tuple(part[i] for part in key) if isinstance(key, tuple) else key[i]] = v[i]
        out = VARIANTS[variant]().write(raw(np.zeros(shape)), raw(v), walk=lambda a: a, key=raw(key))
        np.testing.assert_array_equal(host(out), expected)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "float32", "complex64"])
def test_write_keeps_the_dtype(variant, dtype):
    x = np.zeros(4, dtype)
    v = np.ones(2, dtype)
    out = VARIANTS[variant]().write(raw(x), raw(v), walk=lambda a: a, key=slice(1, 3))
    assert host(out).dtype == np.dtype(dtype) and host(out).tolist() == [0, 1, 1, 0]
    out = VARIANTS[variant]().write(raw(v), False if dtype == "bool" else 0, walk=lambda a: a, key=0)
    assert host(out).dtype == np.dtype(dtype) and host(out).tolist() == [0, 1]


@pytest.mark.parametrize("variant", VARIANTS)
def test_value_with_leading_axes_of_length_one(variant):
    """An assignment takes them, though broadcasting would not."""
    v = np.array([[[5.0, 6.0]]])
    for key in (slice(1, 3), ints(1, 2)):
        out = VARIANTS[variant]().write(raw(np.zeros(3)), raw(v), walk=lambda a: a, key=raw(key))
        assert host(out).tolist() == [0.0, 5.0, 6.0]


# -- the others ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("float64", "float32"),
        ("float32", "float64"),
        ("float32", "float32"),
        ("float32", "complex64"),
        ("complex128", "float32"),
        ("complex128", "complex64"),
        ("complex64", "float64"),
    ],
)
def test_cast(variant, source, target):
    x = sample(source, (5,)) * (1 + 2j if source.startswith("complex") else 1)
    out = VARIANTS[variant]().cast(raw(x.astype(source)), raw(np.zeros(1, target)).dtype)
    assert host(out).dtype == np.dtype(target)
    np.testing.assert_array_equal(host(out), (x if target.startswith("complex") else x.real).astype(target))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("shape", [(), (5,), (40, 50)])
def test_keep(variant, dtype, shape):
    rng = np.random.default_rng(0)
    x = np.asarray(rng.standard_normal(shape)).astype(dtype)
    mask = np.asarray(rng.uniform(size=shape) < 0.5)
    x = np.where(mask, x, np.asarray([np.inf, np.nan])[rng.integers(2, size=shape)]).astype(dtype)
    out = VARIANTS[variant]().keep(raw(x), raw(mask))
    assert host(out).dtype == dtype
    np.testing.assert_array_equal(host(out), np.where(mask, x, 0))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("counts", [ints(2, 0, 3), ints(0, 0, 1), ints(0), ints(), ints(1, 1, 1)])
def test_repeat_counts(variant, counts):
    out = VARIANTS[variant]().repeat_counts(raw(counts))
    np.testing.assert_array_equal(host(out), np.repeat(np.arange(len(counts)), counts))


@pytest.mark.parametrize("variant", VARIANTS)
def test_extras_stay_on_the_device(variant, device):
    extras = VARIANTS[variant]()
    x = BACKEND.from_host(np.zeros(4, "float32"), device=device)
    key = BACKEND.from_host(np.array([1, 1], "int32"), device=device)
    v = BACKEND.from_host(np.ones(2, "float32"), device=device)
    with BACKEND.use(device):
        outs = (
            extras.index_add(x, v, key=key),
            extras.write(x, v, walk=lambda a: a, key=key),
            extras.write(x, 1, walk=lambda a: BACKEND.lib.flip(a), key=0),
            extras.cast(x, BACKEND.dtype("float32")),
            extras.repeat_counts(key),
        )
    assert {BACKEND.device_of(out) for out in outs} == {device}


def test_kinds_of_keys():
    array = np.zeros(3, bool)
    assert is_basic((1, slice(None), None, ...)) and is_basic(0)
    assert not is_basic(True) and not is_basic((0, array)) and not is_basic(array)
    assert is_writable_key(array) and is_writable_key((array,)) and is_writable_key((0, ...))
    assert (
        not is_writable_key((None, ...))
        and not is_writable_key((array, 0))
        and not is_writable_key(ints(0))
        and not is_writable_key(True)
    )


def test_every_extra_has_a_mirror():
    """What a rule may call on raw arrays it may call on Variables."""
    from xdbr.array_api import extras as mirrors

    own = {
        "assign",
        "add_at",
        "positions",
        "put_at",
        "shares",
        "repeat_counts",
    }  # parts of other extras, or of forwards alone
    public = {name for name in vars(Extras) if not name.startswith("_")} - own
    assert public <= set(mirrors.__all__)
