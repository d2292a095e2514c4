"""Functions beyond the standard, which NumPy has: NumPy's results in its corner cases, and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import xdbr
from xdbr import AxisError, DtypeError, ShapeError
from xdbr.testing import assert_allclose, to_host

METHODS = """linear lower higher nearest midpoint hazen weibull median_unbiased normal_unbiased
    interpolated_inverted_cdf""".split()
ROWS = np.asarray([[3.0, 1.0, 1.0, np.inf, 2.0], [-np.inf, 4.0, 4.0, 0.5, np.nan], [5.0] * 5])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("q", [0.0, 0.25, 0.3, 0.5, 1.0, [0.1, 0.125, 0.875], [[0.5], [0.75]], []])
def test_quantiles_of_ties_infinities_and_nan(method: str, q: Any, xp: Any, device: Any) -> None:
    rows = np.nan_to_num(ROWS, nan=1.5, posinf=9.0, neginf=-9.0)
    for host in (ROWS[:1], ROWS[2:], rows, rows.T, rows[:, :1]):
        for options in ({"axis": 1}, {"axis": 0, "keepdims": True}, {"axis": (0, 1)}, {}):
            with np.errstate(invalid="ignore"):
                wanted = np.quantile(host, q, method=method, **options)
            if np.isnan(wanted).any():  # NumPy takes infinity times zero for NaN
                continue
            assert_allclose(xp.quantile(xp.asarray(host), q, method=method, **options), wanted, rtol=1e-12)
    assert np.isnan(to_host(xp.quantile(xp.asarray(ROWS), q, axis=1, method=method))[..., 1]).all()


def test_quantiles_of_nothing_and_outside(xp: Any, device: Any) -> None:
    assert to_host(xp.quantile(xp.ones((2, 0)), [0.2, 0.7], axis=1)).shape == (2, 2)
    assert np.isnan(to_host(xp.quantile(xp.ones((2, 0)), 0.2)))
    shares = xp.quantile(xp.asarray([1.0, 2.0, 3.0]), xp.asarray([-0.5, 0.5, 1.5]))
    assert_allclose(shares, [np.nan, 2.0, np.nan])


CUBE = np.arange(24.0).reshape(2, 3, 4) ** 2


@pytest.mark.parametrize("edge_order", [1, 2])
@pytest.mark.parametrize(
    ("spacing", "axis"),
    [
        ((), None),
        ((), 1),
        ((), (2, -2)),
        ((0.5,), -1),
        ((2.0, 0.5), (1, 2)),
        ((np.asarray([0.0, 1.0, 1.5]), 3), (1, 2)),
        ((np.asarray([0.0, -1.0, -1.5, -4.0]),), 2),
    ],
)
def test_gradient_is_that_of_numpy(spacing: Any, axis: Any, edge_order: int, xp: Any, device: Any) -> None:
    host = CUBE if axis is not None else CUBE[0]
    given = [h if isinstance(h, (int, float)) else xp.asarray(h) for h in spacing]
    found = xp.gradient(xp.asarray(host), *given, axis=axis, edge_order=edge_order)
    wanted = np.gradient(host, *spacing, axis=axis, edge_order=edge_order)
    assert isinstance(found, tuple) == isinstance(wanted, tuple)
    for y, right in zip(*((a if isinstance(a, tuple) else (a,)) for a in (found, wanted)), strict=True):
        assert_allclose(y, right)


@pytest.mark.parametrize(("shape", "axis"), [((1, 2, 3), None), (2, 1), ((2, 2), (2, 1)), ((2, 1, 2), (1, 0, 1))])
def test_windows_are_those_of_numpy(shape: Any, axis: Any, xp: Any, device: Any) -> None:
    wanted = np.lib.stride_tricks.sliding_window_view(CUBE, shape, axis)
    assert_allclose(xp.sliding_window_view(xp.asarray(CUBE), shape, axis), wanted)
    assert_allclose(xp.lib.stride_tricks.sliding_window_view(xp.asarray(CUBE), shape, axis), wanted)


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_running_totals_are_those_of_numpy(name: str, axis: Any, xp: Any, device: Any) -> None:
    for host in (CUBE, np.ones((2, 0)), np.arange(1, 5)):
        y = getattr(xp, name)(xp.asarray(host), axis)
        assert_allclose(y, getattr(np, name)(host, axis))
        assert getattr(xp, name)(xp.asarray(host), axis, "float32").dtype == xp.float32
    if axis is None:
        assert getattr(xp, name)(xp.asarray(2.0)).shape == (1,)


ERRORS: list[Any] = [
    (
        "quantile: method must be one of .*; got 'median'",
        ValueError,
        lambda xp, x: xp.quantile(x, 0.5, method="median"),
    ),
    (r"quantile: q must be within \[0, 1\]; got 1.5", ValueError, lambda xp, x: xp.quantile(x, 1.5)),
    ("quantile: q must be within", ValueError, lambda xp, x: xp.quantile(x, [0.5, np.nan])),
    ("quantile: axis 3 is out of range", AxisError, lambda xp, x: xp.quantile(x, 0.5, axis=3)),
    ("quantile: axis names one axis twice", AxisError, lambda xp, x: xp.quantile(x, 0.5, axis=(0, -3))),
    ("quantile: expected a real array", DtypeError, lambda xp, x: xp.quantile(xp.astype(x, "complex64"), 0.5)),
    ("gradient: edge_order must be 1 or 2; got 3", ValueError, lambda xp, x: xp.gradient(x, edge_order=3)),
    ("gradient: axis 0 must have at least 3 elements; got 2", ShapeError, lambda xp, x: xp.gradient(x, edge_order=2)),
    ("gradient: axis -4 is out of range", AxisError, lambda xp, x: xp.gradient(x, axis=-4)),
    ("gradient: axis names one axis twice", AxisError, lambda xp, x: xp.gradient(x, axis=(1, 1))),
    ("gradient: expected no spacing, .* 3 axes; got 2", TypeError, lambda xp, x: xp.gradient(x, 1.0, 2.0)),
    ("gradient: the coordinates of axis 1 ", ShapeError, lambda xp, x: xp.gradient(x, xp.ones(4), axis=1)),
    ("sliding_window_view: window_shape must have a length", ShapeError, lambda xp, x: xp.sliding_window_view(x, 2)),
    ("sliding_window_view: .* 5 does not fit into axis 2", ShapeError, lambda xp, x: xp.sliding_window_view(x, 5, 2)),
    ("sliding_window_view: axis 3", AxisError, lambda xp, x: xp.sliding_window_view(x, 2, 3)),
    ("sliding_window_view: window_shape must be", TypeError, lambda xp, x: xp.sliding_window_view(x, 1.5, 0)),
    ("cumsum: axis 3 is out of range", AxisError, lambda xp, x: xp.cumsum(x, 3)),
]


@pytest.mark.parametrize(("message", "error", "call"), ERRORS, ids=[row[0][:40] for row in ERRORS])
def test_errors(message: str, error: type[Exception], call: Any, xp: Any, device: Any) -> None:
    with pytest.raises(error, match=message):
        call(xp, xdbr.to_device(xp.asarray(CUBE), device))


def test_coordinates_in_a_list_and_what_nan_reaches(xp: Any, device: Any) -> None:
    host = np.arange(16.0).reshape(4, 4) ** 2
    places = [0.0, 1.0, 3.0, 6.0]
    assert_allclose(xp.gradient(xp.asarray(host), places, axis=0), np.gradient(host, places, axis=0))
    for found, wanted in zip(xp.gradient(xp.asarray(host), places, 2.0), np.gradient(host, places, 2.0), strict=True):
        assert_allclose(found, wanted)
    with pytest.raises(ShapeError, match=r"the coordinates of axis 0 must have shape \(4,\); got \(2,\)"):
        xp.gradient(xp.asarray(host), [0.0, 1.0], axis=0)
    assert_allclose(xp.gradient(xp.asarray([1.0, np.nan, 3.0, 4.0])), [np.nan, 1.0, np.nan, 1.0])


@pytest.mark.parametrize("method", METHODS[:4])
def test_quantiles_at_infinite_elements(method: str, xp: Any, device: Any) -> None:
    for host in ([-np.inf, 1.0, 2.0, 3.0], [1.0, 2.0, np.inf]):
        found = to_host(xp.quantile(xp.asarray(host), [0.0, 0.6, 1.0], method=method))
        wanted = np.quantile(host, [0.0, 0.6, 1.0], method=method)
        told = ~np.isnan(wanted)
        assert_allclose(found[told], wanted[told])
        assert found[0] == host[0] and found[-1] == host[-1]


def test_quantiles_of_more_elements_than_halves_count(xp: Any, device: Any) -> None:
    host = (np.arange(5000) % 2000).astype("float32")
    x = xdbr.Variable(host.copy(), device=device, requires_grad=True)
    host[3] = np.nan
    y = xdbr.Variable(host, device=device, requires_grad=True)
    try:
        halves = [xdbr.astype(v, "float16") for v in (x, y)]
    except DtypeError:
        pytest.skip("the backend has no halves")
    assert_allclose(np.nanquantile(halves[1], [0.0, 1.0]), [0.0, 1999.0])
    assert_allclose(xdbr.quantile(halves[0], xdbr.asarray([0.0, 1.0], dtype="float16", device=device)), [0.0, 1999.0])
    assert_allclose(np.nanmedian(y), np.nanmedian(host))


def test_counts_over_no_axes(xp: Any, device: Any) -> None:
    assert to_host(xp.count_nonzero(xp.asarray([[0, 2], [3, 0]]), axis=())).tolist() == [[0, 1], [1, 0]]
    assert xp.count_nonzero(xp.ones((2, 3)), axis=(), keepdims=True).shape == (2, 3)


def test_the_order_of_dtypes_does_not_matter() -> None:
    assert xdbr.result_type("int8", "uint8", "float16") == xdbr.result_type("float16", "int8", "uint8") == "float32"
