"""Reading by every kind of key: NumPy's values, gradients of the first and second order, and clear errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from view_helpers import put

import xdbr
from xdbr import AxisError, DeviceError, DtypeError, ShapeError
from xdbr.testing import assert_allclose, check_grads, to_host

__all__ = ["put"]

X = np.linspace(-2.0, 2.0, 24).reshape(2, 3, 4)

STANDARD: list[Any] = [
    (..., 0),
    (0, ...),
    (1, 2, 3),
    (-1, -1, ...),
    (slice(None), 1, slice(None)),
    (slice(0, 1), slice(None), slice(1, 4, 2)),
    (slice(None, None, 2), ..., slice(-3, None)),
    (slice(1, 1), ...),
    (None, ...),
    (..., None),
    (slice(None), None, 0, None, ...),
    (...,),
    X > 0,
    X > 9.0,
    np.ones((2, 3, 4), dtype=bool),
    (np.asarray([0, 1, -1]), np.asarray([2, 0, 0]), np.asarray([1, 1, -4])),
    (np.asarray([[0], [1]]), np.asarray([0, 2]), 3),
    (np.asarray(1), ...),
]
"""Keys that the standard allows."""

BEYOND: list[Any] = [
    0,
    -1,
    (1, 2),
    slice(None, None, -1),
    (slice(5, 90), 0),
    (slice(None), slice(None, None, -2), slice(-1, None, -3)),
    (),
    [1, 0, 1],
    ([0, 1], [2, 2]),
    [],
    range(2),
    np.asarray([1, 0, 0, 1]),
    np.asarray([[0, 1], [1, 1]]),
    (slice(None), np.asarray([2, 0, 2])),
    (..., np.asarray([3, -4])),
    (np.asarray([1, 0]), slice(None), np.asarray([0, 3])),
    (0, slice(None), np.asarray([1, 1])),
    (np.asarray([True, False]), ...),
    (slice(None), np.asarray([True, False, True]), 0),
    (np.asarray([True, True]), np.asarray([0, 1])),
    X[..., 0] > 0,
    (None, np.asarray([0, 1]), None),
    True,
    False,
    (np.int64(1), np.uint8(2)),
    (slice(np.int64(0), np.int32(1)), ...),
]
"""Keys that NumPy takes as well; xdbr hands them to the library."""


def shown(key: Any) -> str:
    return " ".join(str(key).split()).replace("Ellipsis", "...")


def here(backend: Any, device: Any, key: Any) -> Any:
    """Give a key with its arrays as Variables."""
    if isinstance(key, tuple):
        return tuple(here(backend, device, part) for part in key)
    if isinstance(key, np.ndarray):
        return xdbr.Variable(backend.from_host(key, device=device))
    return key


def raw(backend: Any, device: Any, key: Any) -> Any:
    """Give a key with its arrays as the library's own."""
    if isinstance(key, tuple):
        return tuple(raw(backend, device, part) for part in key)
    return backend.from_host(key, device=device) if isinstance(key, np.ndarray) else key


@pytest.fixture
def reads(backend: Any, device: Any) -> Any:
    """Skips where the library itself refuses a key, or reads it in another way than NumPy."""

    def check(key: Any) -> None:
        parts = key if isinstance(key, tuple) else (key,)
        parts = tuple(np.asarray(part, dtype="int64") if isinstance(part, (list, range)) else part for part in parts)
        whole = tuple(part.item() if isinstance(part, np.generic) else part for part in parts)
        try:
            got = backend.from_host(X, device=device)[raw(backend, device, whole)]
        except (IndexError, ValueError, TypeError):
            pytest.skip(f"{backend.name} refuses this key, which the standard leaves open")
        if tuple(got.shape) != X[whole].shape:
            pytest.skip(f"{backend.name} puts the axes of this key in another order, which the standard leaves open")

    return check


@pytest.mark.parametrize("key", STANDARD, ids=shown)
class TestStandardKeys:
    def test_values(self, key: Any, put: Any, backend: Any, device: Any) -> None:
        x = put(X)
        for spelled in (here(backend, device, key), raw(backend, device, key)):
            y = x[spelled]
            assert type(y) is xdbr.Variable and y.dtype == x.dtype and y.device == device
            assert_allclose(y, X[key], rtol=0)

    def test_gradients(self, key: Any, put: Any, backend: Any, device: Any) -> None:
        key = here(backend, device, key)
        check_grads(lambda x: x[key] * x[key], [put(X)], directions=1)

    def test_read_of_a_written_array(self, key: Any, put: Any, backend: Any, device: Any) -> None:
        x = put(X)
        x[0, 0, ...] = 5.0
        want = X.copy()
        want[0, 0] = 5.0
        assert_allclose(x[here(backend, device, key)], want[key], rtol=0)


@pytest.mark.parametrize("key", BEYOND, ids=shown)
class TestFurtherKeys:
    def test_values(self, key: Any, put: Any, backend: Any, device: Any, reads: Any) -> None:
        reads(key)
        host = np.asarray(key, dtype="int64") if isinstance(key, (list, range)) else key
        assert_allclose(put(X)[here(backend, device, key)], X[host], rtol=0)

    def test_gradients(self, key: Any, put: Any, backend: Any, device: Any, reads: Any) -> None:
        reads(key)
        key = here(backend, device, key)
        check_grads(lambda x: x[key] * x[key], [put(X)], directions=1)


def test_an_index_may_be_a_number_of_any_kind(put: Any, xp: Any) -> None:
    x = put(X)
    want = X[1, 2, 3]
    for one in (1, np.int8(1), np.asarray(1), xp.asarray(1), True + 0):
        assert x[one, 2, 3].item() == want
    two, three = xp.asarray(2), xp.asarray(3, dtype="uint8")
    assert x[1, two, three].item() == want
    assert x[1, 2, int(two) : 4].tolist() == X[1, 2, 2:4].tolist()
    assert x[..., xp.asarray(2) :].shape == (2, 3, 2)


def test_an_index_array_that_is_written_later_keeps_its_old_meaning(put: Any, xp: Any) -> None:
    x = put(np.arange(5.0), True)
    i, mask = xp.asarray([0, 1, 1]), xp.asarray([True, False, False, False, True])
    y, z = xp.take(x, i), x[mask]
    i[...], mask[...] = 4, False
    (g,) = xdbr.grad([xp.sum(y) + 10.0 * xp.sum(z)], [x])
    assert g.tolist() == [11.0, 2.0, 0.0, 0.0, 10.0]


def test_reads_add_up(put: Any, xp: Any) -> None:
    x = put(X, True)
    y = xp.sum(x[0, ...]) + xp.sum(x[:, 1, :] * 2.0) + xp.sum(x[..., 0]) + x[1, 1, 0]
    y.backward()
    want = np.zeros_like(X)
    want[0] += 1
    want[:, 1] += 2
    want[..., 0] += 1
    want[1, 1, 0] += 1
    assert_allclose(x.grad, want, rtol=0)


@pytest.mark.parametrize(
    ("key", "error", "text"),
    [
        ((5, ...), IndexError, r"getitem: .*\[5, \.\.\.\] of an array of shape \(2, 3, 4\)"),
        ((0, 0, 0, 0), IndexError, "getitem"),
        ("rows", IndexError, "made of integers, slices"),
        ((0, 1.5, 0), IndexError, "got float"),
        (np.asarray([0.0, 1.0]), IndexError, "index array must have an integer or boolean dtype; got float64"),
        (np.ones((2, 2, 2), dtype=bool), IndexError, "getitem"),
    ],
)
def test_bad_keys(key: Any, error: Any, text: str, put: Any, backend: Any, device: Any) -> None:
    x = put(X)
    with pytest.raises(error, match=text):
        x[here(backend, device, key)]
    assert_allclose(x, X, rtol=0)


# --------------------------------------------------------------------------------- take and its kin


def test_places_that_were_read_twice_receive_both(put: Any, xp: Any) -> None:
    x = put(np.arange(4.0), True)
    g = xdbr.grad(xp.take(x, xp.asarray([3, 0, 3, -1])), x, xp.asarray([1.0, 2.0, 4.0, 8.0], dtype="float64"))
    assert g.tolist() == [2.0, 0.0, 0.0, 13.0]
    rows = put(X[0], True)
    places = xp.asarray([[0, 0, 1], [2, 2, 2], [3, 0, 3]])
    g = xdbr.grad(xp.take_along_axis(rows, places), rows, xp.ones((3, 3), dtype="float64"))
    assert g.tolist() == [[2, 1, 0, 0], [0, 0, 3, 0], [1, 0, 0, 2]]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64"])
def test_small_indices_reach_large_arrays(dtype: str, put: Any, xp: Any) -> None:
    """The positions are larger than the dtype of the indices holds."""
    x = put(np.arange(100.0 * 40).reshape(100, 40), True)
    i = xp.asarray([99, 3], dtype=dtype)
    (g,) = xdbr.grad([xp.take(x, i, axis=0)], [x], [xp.ones((2, 40), dtype="float64")])
    want = np.zeros((100, 40))
    want[[99, 3]] = 1
    assert_allclose(g, want, rtol=0)
    (g,) = xdbr.grad([xp.take_along_axis(x, i[:, None], axis=0)], [x], [xp.ones((2, 40), dtype="float64")])
    assert_allclose(g, want, rtol=0)


def test_gradients_of_several_reads_by_index_add_into_one_array(put: Any, xp: Any) -> None:
    x = put(X[0], True)
    i, j = xp.asarray([0, 2]), xp.asarray([[0], [3], [1]])
    y = xp.sum(xp.take(x, i, axis=0)) + 2.0 * xp.sum(xp.take_along_axis(x, j, axis=1)) + 3.0 * xp.sum(x[1, ...])
    y = y + 4.0 * xp.sum(xp.take(x, i, axis=1))
    y.backward()
    want = np.zeros((3, 4))
    want[[0, 2]] += 1
    want[[0, 1, 2], [0, 3, 1]] += 2
    want[1] += 3
    want[:, [0, 2]] += 4
    assert_allclose(x.grad, want, rtol=0)


def test_errors_of_take(put: Any, xp: Any, backend: Any, device: Any) -> None:
    x, i = put(X), xp.asarray([0, 1])
    with pytest.raises(ShapeError, match=r"take: axis must be given .*\(2, 3, 4\)"):
        xp.take(x, i)
    with pytest.raises(AxisError, match="take: axis 3 is out of range for an array with 3 axes"):
        xp.take(x, i, axis=3)
    with pytest.raises(DtypeError, match="take: indices must have an integer dtype; got .*float64"):
        xp.take(x, xp.asarray([0.0], dtype="float64"), axis=0)
    with pytest.raises(DtypeError, match="take: indices must be an array or a Variable; got int"):
        xp.take(x, 0, axis=0)
    with pytest.raises(ShapeError, match="take: "):
        xp.take(x, xp.asarray([7]), axis=0)
    with pytest.raises(AxisError, match="take_along_axis: axis -4"):
        xp.take_along_axis(x, xp.zeros((1, 1, 1), dtype="int64"), axis=-4)
    with pytest.raises(DtypeError, match="take_along_axis: indices must have an integer dtype"):
        xp.take_along_axis(x, xp.zeros((1, 1, 1), dtype="float64"), axis=0)
    with pytest.raises(ShapeError, match="take_along_axis: "):
        xp.take_along_axis(x, xp.zeros((3, 1), dtype="int64"), axis=1)
    others = [other for other in backend.devices() if other != device]
    if others:
        with pytest.raises(DeviceError, match=f"take: x is on '{device}' but indices is on '{others[0]}'"):
            xp.take(x, i.to_device(others[0]), axis=0)


def test_indices_have_no_gradient(put: Any, xp: Any) -> None:
    x = put(X[0], True)
    for y in (xp.argsort(x), xp.argmax(x), xp.argmin(x, axis=0), xp.count_nonzero(x), *xp.nonzero(x), x > 0, xp.any(x)):
        assert not y.requires_grad
    assert to_host(xp.argmax(x)).dtype == np.int64


@pytest.mark.parametrize("mask", [(0,), (0, 3), (1, 0), (0, 0)])
def test_a_mask_without_elements_selects_nothing(xp, mask):
    """NumPy and the standard's test suite let a mask have length zero where the array has another."""
    x = xdbr.Variable(xp.ones((1, 3)), requires_grad=True)
    y = x[xp.zeros(mask, dtype=xp.bool)]
    assert y.shape == (0, *x.shape[len(mask) :])
    xp.sum(y).backward()
    assert x.grad.tolist() == [[0.0, 0.0, 0.0]]
