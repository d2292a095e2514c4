"""Below a selection (`where`, a mask, a write) a zero cotangent absorbs infinities; higher derivatives are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from view_helpers import put

import xdbr
from xdbr.testing import assert_allclose, check_grads, to_host

__all__ = ["put"]


def hessian(xp: Any, f: Callable[[Any], Any], x: Any) -> np.ndarray:
    """The matrix of second derivatives of a scalar function of a vector."""
    (g,) = xdbr.grad([f(x)], [x], create_graph=True)
    rows = []
    for i in range(x.size):
        seed = np.zeros(x.size)
        seed[i] = 1.0
        found = xdbr.grad(g, x, x._backend.from_host(seed, device=x.device), retain_graph=True, allow_unused=True)
        rows.append(np.zeros(x.size) if found is None else to_host(found))
    return np.asarray(rows)


def by_where(xp: Any, x: Any, f: Callable[[Any], Any]) -> Any:
    return xp.where(x > 0, f(x), 0.0)


def by_mask_write(xp: Any, x: Any, f: Callable[[Any], Any]) -> Any:
    y = f(x)
    y[~(x > 0)] = 0.0
    return y


def by_element_write(xp: Any, x: Any, f: Callable[[Any], Any]) -> Any:
    y = f(x)
    for i in np.flatnonzero(~(to_host(x) > 0)).tolist():
        y[i] = 0.0
    return y


def by_view_write(xp: Any, x: Any, f: Callable[[Any], Any]) -> Any:
    y = f(xp.reshape(x, (1, -1)))
    row = xp.flip(y[0, ...])
    row[xp.flip(~(x > 0))] = 0.0
    return y


def by_masked_read(xp: Any, x: Any, f: Callable[[Any], Any]) -> Any:
    return f(x)[x > 0]


SELECTIONS = [by_where, by_mask_write, by_element_write, by_view_write, by_masked_read]
# Functions with an infinite or undefined value or derivative where they are not selected.
FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]] = {
    "sqrt": (lambda xp, x: xp.sqrt(x), lambda x: 0.5 * x**-0.5, lambda x: -0.25 * x**-1.5),
    "log": (lambda xp, x: xp.log(x), lambda x: 1 / x, lambda x: -1 / x**2),
    "reciprocal": (lambda xp, x: 1.0 / x, lambda x: -1 / x**2, lambda x: 2 / x**3),
    "power": (lambda xp, x: x**1.5, lambda x: 1.5 * x**0.5, lambda x: 0.75 * x**-0.5),
    "x log x": (lambda xp, x: x * xp.log(x), lambda x: np.log(x) + 1, lambda x: 1 / x),
    "chain": (
        lambda xp, x: xp.exp(-1.0 / xp.sqrt(x)),
        lambda x: np.exp(-(x**-0.5)) * 0.5 * x**-1.5,
        lambda x: np.exp(-(x**-0.5)) * (0.25 * x**-3 - 0.75 * x**-2.5),
    ),
}
POINT = np.asarray([0.0, 0.3, -1.0, 2.0, 0.0, 1.4])


@pytest.mark.parametrize("select", SELECTIONS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_first_and_second_derivative_where_nothing_was_selected_are_zero(
    name: str, select: Any, xp: Any, put: Any
) -> None:
    f, first, second = FUNCTIONS[name]
    chosen = POINT > 0
    x = put(POINT, True)
    y = xp.sum(select(xp, x, lambda x: f(xp, x)))
    (g,) = xdbr.grad([y], [x])
    want = np.zeros(6)
    want[chosen] = first(POINT[chosen])
    assert_allclose(g, want, rtol=1e-12)
    found = hessian(xp, lambda x: xp.sum(select(xp, x, lambda x: f(xp, x))), x)
    want[chosen] = second(POINT[chosen])
    np.testing.assert_allclose(found, np.diag(want), rtol=1e-12)


@pytest.mark.parametrize("select", SELECTIONS)
def test_hessian_of_a_masked_squared_error_at_an_exact_fit(select: Any, xp: Any, put: Any) -> None:
    """Every residual is zero there, and yet the error is curved: zero cotangents must not end the second derivative."""
    a = np.linspace(-1.0, 1.5, 18).reshape(6, 3) ** 3 + np.eye(6, 3)
    w = np.asarray([0.5, -1.0, 2.0])
    target = a @ w
    matrix, goal, keep = put(a), put(target), put(POINT)

    def loss(w: Any) -> Any:
        r = xp.sum(matrix * w, axis=1) - goal
        chosen = select(xp, keep, lambda keep: xp.reshape(r * r, keep.shape))
        return xp.sum(chosen)

    x = put(w, True)
    assert loss(x).item() == 0.0
    found = hessian(xp, loss, x)
    kept = a[POINT > 0]
    np.testing.assert_allclose(found, 2 * kept.T @ kept, rtol=1e-12)


def test_derivatives_up_to_the_fourth_at_an_exact_fit(xp: Any, put: Any) -> None:
    """The same as of the error without its mask, on the elements that the mask selects."""
    inputs, w = np.asarray([0.5, -1.0, 2.0, 0.3]), 0.8
    goal, keep = to_host(xp.exp(xp.sin(put(inputs) * w))), np.asarray([True, False, True, True])

    def derivatives(inputs: Any, goal: Any, choose: Callable[[Any], Any]) -> list[float]:
        w_ = put(np.asarray(w), True)
        y = xp.sum(choose((xp.exp(xp.sin(inputs * w_)) - goal) ** 2))
        found = [y.item()]
        for _ in range(4):
            (y,) = xdbr.grad([y], [w_], create_graph=True)
            found.append(y.item())
        return found

    plain = derivatives(put(inputs[keep]), put(goal[keep]), lambda r: r)
    assert plain[0] == plain[1] == 0.0 and all(abs(value) > 0.1 for value in plain[2:])
    mask = put(keep)

    def written(r: Any) -> Any:
        r[~mask] = 0.0
        return r

    for choose in (lambda r: xp.where(mask, r, 0.0), lambda r: r[mask], written):
        np.testing.assert_allclose(derivatives(put(inputs), put(goal), choose), plain, rtol=1e-12)


def test_division_by_a_scale_whose_zeros_are_overwritten(xp: Any, put: Any) -> None:
    """What scikit-learn's StandardScaler does with a constant column."""
    data = np.asarray([[1.0, 5.0, 2.0], [3.0, 5.0, -1.0], [-2.0, 5.0, 0.5]])

    def scaled(x: Any, columns: Any) -> Any:
        mean = xp.mean(x, axis=0)
        deviation = xp.sqrt(xp.mean((x - mean) ** 2, axis=0))
        deviation[deviation == 0] = 1.0
        return xp.sum(xp.sin((x - mean) / deviation) * columns)

    columns = put(np.asarray([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0], [1.5, 0.0, -2.0]]))
    x = put(data, True)
    (g,) = xdbr.grad([scaled(x, columns)], [x])
    assert np.isfinite(to_host(g)).all()
    # The same with the constant column's deviation left out of the calculation.
    others = put(data[:, [0, 2]], True)
    (right,) = xdbr.grad([scaled(others, columns[:, ::2])], [others])
    assert_allclose(to_host(g)[:, [0, 2]], right, rtol=1e-12)
    centred = to_host(columns)[:, 1] - to_host(columns)[:, 1].mean()
    np.testing.assert_allclose(to_host(g)[:, 1], centred, atol=1e-14)


def test_ratio_of_zeros_overwritten(xp: Any, put: Any) -> None:
    x, y = put(np.asarray([0.0, 2.0, 0.0]), True), put(np.asarray([0.0, 4.0, 3.0]), True)
    ratio = x / y
    ratio[y == 0] = 7.0
    (gx, gy) = xdbr.grad([xp.sum(ratio * ratio)], [x, y], create_graph=True)
    assert_allclose(gx, [0.0, 2 * 0.5 / 4, 0.0])
    assert_allclose(gy, [0.0, -2 * 0.5 * 2 / 16, 0.0])
    (gxx,) = xdbr.grad([gx], [x], [xp.ones(3, dtype="float64")])
    assert_allclose(gxx, [0.0, 2 / 16, 2 / 9])


def test_overflow_that_was_not_selected(xp: Any, put: Any) -> None:
    x = put(np.asarray([800.0, 1.0, -800.0]), True)
    y = xp.where(x > 700.0, x, xp.log(1.0 + xp.exp(x)))
    (g,) = xdbr.grad([xp.sum(y)], [x], create_graph=True)
    assert_allclose(g, [1.0, 1 / (1 + np.exp(-1.0)), 0.0])
    (h,) = xdbr.grad([xp.sum(g)], [x])
    s = 1 / (1 + np.exp(-1.0))
    assert_allclose(h, [0.0, s * (1 - s), 0.0], atol=1e-300)


def test_selections_within_selections(xp: Any, put: Any) -> None:
    x = put(np.asarray([0.0, 4.0, -4.0, 9.0]), True)
    s = xp.sqrt(x)
    s[x <= 0] = 2.0
    y = xp.where(s > 2.5, xp.log(s - 2.0), 1.0 / s)
    y[-1] *= 2.0
    (g,) = xdbr.grad([xp.sum(y)], [x])
    assert_allclose(g, [0.0, -1 / 4 / 4, 0.0, 2 / 6])


def test_third_derivative(xp: Any, put: Any) -> None:
    x = put(np.asarray([0.0, 2.0]), True)
    y = xp.sum(xp.where(x > 0, x**2.5, 0.0))
    for want in (2.5 * 2**1.5, 3.75 * 2**0.5, 1.875 * 2**-0.5):
        (y,) = xdbr.grad([xp.sum(y)], [x], create_graph=True)
        assert_allclose(y, [0.0, want], rtol=1e-12)


def test_the_value_that_is_written_is_below_a_selection_too(xp: Any, put: Any) -> None:
    x, v = put(np.ones((2, 3)), True), put(np.asarray([0.0, 4.0, 0.0]), True)
    h = x * 1.0
    h[0, ...] = xp.sqrt(v)
    h[0, 0], h[0, 2] = 5.0, 6.0
    (gx, gv) = xdbr.grad([xp.sum(h * h)], [x, v])
    assert_allclose(gv, [0.0, 1.0, 0.0])
    assert_allclose(gx, [[0.0] * 3, [2.0] * 3])


def test_without_a_selection_the_product_is_the_plain_one(xp: Any, put: Any) -> None:
    x = put(np.asarray([0.0, 4.0]), True)
    (g,) = xdbr.grad([xp.sum(xp.sqrt(x) * put(np.asarray([0.0, 1.0])))], [x])
    assert np.isnan(to_host(g)[0]) and to_host(g)[1] == 0.25


@pytest.mark.parametrize("select", [by_where, by_mask_write, by_view_write])
def test_gradients_of_selections_away_from_trouble(select: Any, xp: Any, put: Any) -> None:
    x = put(np.asarray([0.5, -0.7, 1.1, -0.2]))
    check_grads(lambda x: select(xp, x, lambda x: xp.sin(x) * x), [x])
