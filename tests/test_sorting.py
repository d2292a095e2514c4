"""Sorting arrays that are large enough for the quicker ways that a backend may take."""

from __future__ import annotations

import numpy as np
import pytest

import xdbr
from xdbr.testing import to_host

SIZE = 1000


@pytest.mark.one_device
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_stable_sort_keeps_the_order_of_zeros(device, dtype, descending):
    x = np.random.default_rng(0).choice(np.asarray([-0.0, 0.0, 1.0, -1.0], dtype=dtype), SIZE)
    out = to_host(xdbr.sort(xdbr.asarray(x, device=device), descending=descending))
    assert out.tolist() == sorted(x.tolist(), reverse=descending)
    assert np.signbit(out[out == 0]).tolist() == np.signbit(x[x == 0]).tolist()


@pytest.mark.one_device
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", ["int8", "int64", "float32", "float64"])
def test_arrays_of_several_axes(device, dtype, axis):
    x = np.random.default_rng(1).integers(-100, 100, (40, 30)).astype(dtype)
    raw = xdbr.asarray(x, device=device)
    assert np.array_equal(to_host(xdbr.sort(raw, axis=axis)), np.sort(x, axis=axis))
    assert np.array_equal(to_host(xdbr.sort(raw, axis=axis, stable=False)), np.sort(x, axis=axis))
    assert np.array_equal(to_host(xdbr.argsort(raw, axis=axis)), np.argsort(x, axis=axis, kind="stable"))


@pytest.mark.one_device
def test_gradient_where_elements_are_equal(device):
    x = np.random.default_rng(2).integers(0, 5, SIZE).astype("float64")
    v = xdbr.Variable(x, device=device, requires_grad=True)
    weights = np.arange(SIZE, dtype="float64")
    xdbr.sum(xdbr.sort(v) * xdbr.asarray(weights, device=device)).backward()
    expected = np.empty(SIZE)
    expected[np.argsort(x, kind="stable")] = weights
    assert np.array_equal(to_host(v.grad), expected)
