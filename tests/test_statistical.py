"""Statistical functions where the table of specs does not reach: ties, kinks, NaN, dtypes, errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import xdbr
from xdbr.testing import assert_allclose, check_grads, to_host


def gradient(function: Any, values: Any, dtype: str = "float64") -> tuple[Any, Any]:
    x = xdbr.Variable(xdbr.asarray(values, dtype=dtype), requires_grad=True)
    y = function(x)
    xdbr.sum(y).backward()
    return y, x.grad


@pytest.mark.parametrize("name", ["max", "min"])
def test_equal_extremes_share_the_gradient(name: str, xp: Any, device: Any) -> None:
    sign = 1.0 if name == "max" else -1.0
    _, g = gradient(lambda x: getattr(xp, name)(sign * x, axis=1), [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    assert_allclose(g, sign * np.asarray([[0, 0.5, 0.5], [1 / 3] * 3]))


@pytest.mark.parametrize("name", ["max", "min", "mean", "sum", "prod", "var", "std", "median"])
def test_nan_propagates(name: str, xp: Any, device: Any) -> None:
    y, _ = gradient(getattr(xp, name), [1.0, math.nan, 2.0])
    assert math.isnan(y.item())


def test_gradient_below_a_nan_extreme_is_nan(xp: Any, device: Any) -> None:
    _, g = gradient(xp.max, [1.0, math.nan])
    assert all(map(math.isnan, g.tolist()))


def test_standard_deviation_of_equal_elements_has_zero_gradient(xp: Any, device: Any) -> None:
    y, g = gradient(lambda x: xp.std(x, axis=-1), [[3.0, 3.0], [1.0, 2.0]])
    assert_allclose(y, [0.0, 0.5])
    assert_allclose(g, [[0.0, 0.0], [-0.5, 0.5]])


def test_second_derivative_beside_equal_elements(xp: Any, device: Any) -> None:
    x = xdbr.Variable(xdbr.asarray([[3.0, 3.0], [1.0, 2.5]], dtype="float64"), requires_grad=True)
    g = xdbr.grad(xp.sum(xp.std(x, axis=1)), x, create_graph=True)
    h = xdbr.grad(xp.sum(g * g), x)
    assert_allclose(h[0, :], [0.0, 0.0])


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("correction", [2, 2.5, 7])
def test_no_degrees_of_freedom_left(name: str, correction: float, xp: Any, device: Any) -> None:
    y, g = gradient(lambda x: getattr(xp, name)(x, correction=correction), [1.0, 2.0])
    assert math.isnan(y.item())
    assert all(map(math.isnan, g.tolist()))


@pytest.mark.parametrize("name", ["mean", "var", "std", "median"])
def test_no_elements(name: str, xp: Any, device: Any) -> None:
    assert math.isnan(getattr(xp, name)(xp.zeros((0,), dtype="float64")).item())
    assert getattr(xp, name)(xp.zeros((2, 0), dtype="float64"), axis=0).shape == (0,)


def test_sums_and_products_of_no_elements(xp: Any, device: Any) -> None:
    empty = xp.zeros((2, 0))
    assert xp.sum(empty, axis=1).tolist() == [0.0, 0.0]
    assert xp.prod(empty, axis=1).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", ["sum", "prod", "cumulative_sum", "cumulative_prod"])
def test_dtype_of_a_sum(name: str, xp: Any, device: Any) -> None:
    x = xdbr.Variable(xp.asarray([1.5, 2.5], dtype="float32"), requires_grad=True)
    wide = getattr(xp, name)(x, dtype="float64")
    assert wide.dtype == xdbr.float64
    xp.sum(wide).backward()
    assert x.grad.dtype == xdbr.float32
    whole = getattr(xp, name)(x, dtype=xdbr.int64)
    assert whole.dtype == xdbr.int64
    assert not whole.requires_grad
    assert to_host(whole).reshape(-1)[-1] == {"sum": 3, "cumulative_sum": 3}.get(name, 2)


def test_results_follow_the_default_dtype(xp: Any, device: Any) -> None:
    x = xp.asarray([1, 2, 4])
    for name in ("mean", "var", "std", "median"):
        assert getattr(xp, name)(x).dtype == xdbr.float32
        with xdbr.default_dtype("float64"):
            assert getattr(xp, name)(x).dtype == xdbr.float64


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "prod", "max", "min", "median"])
def test_errors_of_axes(name: str, xp: Any, device: Any) -> None:
    x = xp.ones((2, 3))
    with pytest.raises(xdbr.AxisError, match=f"{name}.*2 is out of range"):
        getattr(xp, name)(x, axis=2)
    with pytest.raises(xdbr.AxisError, match=f"{name}.*twice"):
        getattr(xp, name)(x, axis=(0, -2))
    with pytest.raises((xdbr.DtypeError, TypeError)):
        getattr(xp, name)("no array")


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_errors_of_running_sums(name: str, xp: Any, device: Any) -> None:
    with pytest.raises(xdbr.ShapeError, match=f"{name}: axis must be given"):
        getattr(xp, name)(xp.ones((2, 3)))
    with pytest.raises(xdbr.AxisError, match=f"{name}: axis 2 is out of range"):
        getattr(xp, name)(xp.ones((2, 3)), axis=2)
    with pytest.raises(xdbr.ShapeError, match=f"{name}: x must have at least one axis"):
        getattr(xp, name)(xp.asarray(1.0))


def test_errors_of_extremes_of_nothing(xp: Any, device: Any) -> None:
    with pytest.raises((xdbr.ShapeError, xdbr.AxisError), match="max"):
        xp.max(xp.zeros((0,)))


def test_errors_of_counts(xp: Any, device: Any) -> None:
    with pytest.raises(xdbr.DtypeError, match=r"bincount: x must have an integer dtype; got .*float32"):
        xp.bincount(xp.ones(2))
    with pytest.raises(xdbr.ShapeError, match=r"bincount: x must have one axis; got shape \(1, 2\)"):
        xp.bincount(xp.asarray([[1, 2]]))
    with pytest.raises(xdbr.ShapeError, match="bincount: x must not have negative numbers; got -1"):
        xp.bincount(xp.asarray([1, -1]))
    with pytest.raises(xdbr.ShapeError, match=r"bincount: weights must have x's shape \(2,\); got \(3,\)"):
        xp.bincount(xp.asarray([1, 2]), weights=xp.ones(3))


@pytest.mark.parametrize("n", [1, 2, 3, 8, 17, 64])
def test_running_product_of_any_length(n: int, xp: Any, device: Any) -> None:
    x = np.linspace(0.8, 1.2, n)
    x[n // 2] = 0
    check_grads(xp.cumulative_prod, [xdbr.Variable(xp.asarray(x))], directions=1)
    check_grads(xp.prod, [xdbr.Variable(xp.asarray(x))], directions=1)


def test_third_derivative_of_a_product_with_zeros(xp: Any, device: Any) -> None:
    """The third derivative by all three factors of x * y * z is one, wherever."""
    x = xdbr.Variable(xp.zeros(3, dtype="float64"), requires_grad=True)
    first = xdbr.grad(xp.prod(x), x, create_graph=True)
    second = xdbr.grad(first[0], x, create_graph=True)
    assert_allclose(xdbr.grad(second[1], x), [0.0, 0.0, 1.0])


@pytest.mark.parametrize("name", ["var", "std"])
def test_a_correction_may_be_an_array_without_axes_and_nothing_else(name, xp, device):
    function = getattr(xp, name)
    x = xp.asarray([1.0, 2.0, 4.0])
    assert_allclose(function(x, correction=xp.asarray(1)), function(x, correction=1))
    for bad in ("one", x):
        with pytest.raises(TypeError, match=f"{name}: correction must be a number; got {type(bad).__name__}"):
            function(x, correction=bad)
