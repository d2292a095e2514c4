"""Shapes, searching, sets, sorting and utilities beyond their rows in the table of specs: corner cases and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from view_helpers import put

import xdbr
from xdbr import AxisError, DeviceError, DtypeError, ShapeError
from xdbr.testing import assert_allclose, to_host

__all__ = ["put"]

CUBE = np.arange(24.0).reshape(2, 3, 4)

ERRORS: list[Any] = [
    ("expand_dims: axis 4 is out of range for an array with 4 axes", AxisError, lambda xp, x: xp.expand_dims(x, 4)),
    ("expand_dims: axis names one axis twice", AxisError, lambda xp, x: xp.expand_dims(x, (0, -5))),
    ("expand_dims: axis must be an integer; got None", TypeError, lambda xp, x: xp.expand_dims(x, None)),
    ("flip: axis -4 is out of range", AxisError, lambda xp, x: xp.flip(x, axis=-4)),
    ("flip: axis names one axis twice", AxisError, lambda xp, x: xp.flip(x, axis=(1, -2))),
    ("moveaxis: axis 3", AxisError, lambda xp, x: xp.moveaxis(x, 3, 0)),
    ("moveaxis: source and destination .* equally many", AxisError, lambda xp, x: xp.moveaxis(x, (0, 1), 0)),
    (r"permute_dims: .*\(2, 3, 4\) once; got \(0, 1\)", AxisError, lambda xp, x: xp.permute_dims(x, (0, 1))),
    (r"permute_dims: .*got \(0, 1, 1\)", AxisError, lambda xp, x: xp.permute_dims(x, (0, 1, 1))),
    (r"reshape: .*\(2, 3, 4\) cannot be given the shape \(5, 5\)", ShapeError, lambda xp, x: xp.reshape(x, (5, 5))),
    ("reshape: shape must be an integer or a sequence", TypeError, lambda xp, x: xp.reshape(x, "ab")),
    (r"squeeze: axis 1 must have length 1; got shape \(2, 3, 4\)", ShapeError, lambda xp, x: xp.squeeze(x, 1)),
    ("squeeze: axis 5", AxisError, lambda xp, x: xp.squeeze(x, 5)),
    ("unstack: axis 3", AxisError, lambda xp, x: xp.unstack(x, axis=3)),
    (r"broadcast_to: shape \(2, 3, 4\) .* \(2, 4\)", ShapeError, lambda xp, x: xp.broadcast_to(x, (2, 4))),
    (r"broadcast_arrays: .*\(2, 3, 4\), \(5,\)", ShapeError, lambda xp, x: xp.broadcast_arrays(x, xp.ones(5))),
    (r"broadcast_arrays: arrays\[1\] .*got float", DtypeError, lambda xp, x: xp.broadcast_arrays(x, 1.0)),
    (r"broadcast_shapes: .*\(2, 3\), \(4,\)", ShapeError, lambda xp, x: xp.broadcast_shapes((2, 3), (4,))),
    (r"concat: .*\(2, 3, 4\), \(2, 4\)", ShapeError, lambda xp, x: xp.concat([x, x[:, 0, :]])),
    ("concat: axis 3 is out of range", AxisError, lambda xp, x: xp.concat([x, x], axis=3)),
    ("concat: expected at least one array", DtypeError, lambda xp, x: xp.concat([])),
    (r"concat: arrays\[1\] must be an array", DtypeError, lambda xp, x: xp.concat([x, "text"])),
    (r"stack: .*\(2, 3, 4\), \(2, 4\)", ShapeError, lambda xp, x: xp.stack([x, x[:, 0, :]])),
    ("stack: axis 5 is out of range for an array with 4", AxisError, lambda xp, x: xp.stack([x, x], axis=5)),
    ("repeat: axis 3", AxisError, lambda xp, x: xp.repeat(x, 2, axis=3)),
    ("repeat: ", ShapeError, lambda xp, x: xp.repeat(x, xp.asarray([1, 2, 3]), axis=0)),
    ("repeat: repeats must be .*float", ShapeError, lambda xp, x: xp.repeat(x, xp.ones(2), axis=0)),
    ("roll: axis 3", AxisError, lambda xp, x: xp.roll(x, 1, axis=3)),
    ("roll: a tuple of shifts", ShapeError, lambda xp, x: xp.roll(x, (1, 2))),
    ("tile: repetitions must be an integer or a sequence", TypeError, lambda xp, x: xp.tile(x, (1, "b"))),
    (r"diag: x must have one axis or two; got shape \(2, 3, 4\)", ShapeError, lambda xp, x: xp.diag(x)),
    ("argmax: axis 3", AxisError, lambda xp, x: xp.argmax(x, axis=3)),
    ("argmin: ", ShapeError, lambda xp, x: xp.argmin(x[:0, ...])),
    ("count_nonzero: axis -4", AxisError, lambda xp, x: xp.count_nonzero(x, axis=-4)),
    (r"nonzero: .*shape \(\)", ShapeError, lambda xp, x: xp.nonzero(xp.asarray(1.0))),
    (r"searchsorted: x1 must have one axis; got shape \(2, 3, 4\)", ShapeError, lambda xp, x: xp.searchsorted(x, 1.0)),
    (
        "searchsorted: side must be 'left' or 'right'",
        ValueError,
        lambda xp, x: xp.searchsorted(x[0, 0, :], 1.0, side="up"),
    ),
    (
        "searchsorted: sorter must be an array or a Variable; got list",
        DtypeError,
        lambda xp, x: xp.searchsorted(x[0, 0, :], 1.0, sorter=[0, 1, 2, 3]),
    ),
    (r"where: the shapes \(2, 3, 4\), \(5,\), \(\)", ShapeError, lambda xp, x: xp.where(x > 0, xp.ones(5), 0.0)),
    ("where: expected at least one array", DtypeError, lambda xp, x: xp.where(True, 1.0, 2.0)),
    ("sort: axis 3", AxisError, lambda xp, x: xp.sort(x, axis=3)),
    ("sort: axis -1 is out of range for an array with 0 axes", AxisError, lambda xp, x: xp.sort(xp.asarray(1.0))),
    ("argsort: axis 0 is out of range", AxisError, lambda xp, x: xp.argsort(xp.asarray(1.0), axis=0)),
    ("all: axis 3", AxisError, lambda xp, x: xp.all(x, axis=3)),
    ("any: axis names one axis twice", AxisError, lambda xp, x: xp.any(x, axis=(0, 0))),
    ("diff: n must not be negative; got -1", ValueError, lambda xp, x: xp.diff(x, n=-1)),
    ("diff: axis 3", AxisError, lambda xp, x: xp.diff(x, axis=3)),
    ("diff: x must be numeric; got dtype bool", DtypeError, lambda xp, x: xp.diff(x > 0)),
]


@pytest.mark.parametrize(("text", "error", "call"), ERRORS, ids=[str(row[0]) for row in ERRORS])
@pytest.mark.parametrize("requires_grad", [False, True], ids=["plain", "recorded"])
def test_errors_name_the_function_and_what_came(
    text: str, error: Any, call: Any, requires_grad: bool, xp: Any, put: Any
) -> None:
    x = put(CUBE, requires_grad)
    with pytest.raises(error, match="^" + text):
        call(xp, x)
    assert_allclose(x, CUBE, rtol=0)


def test_arrays_on_two_devices(xp: Any, put: Any, backend: Any, device: Any) -> None:
    others = [other for other in backend.devices() if other != device]
    if not others:
        pytest.skip(f"{backend.name} has one device only")
    x, i = put(CUBE), xp.asarray([1, 2]).to_device(others[0])
    for name, call in {
        "concat": lambda: xp.concat([x, x.to_device(others[0])]),
        "stack": lambda: xp.stack([x, x.to_device(others[0])]),
        "where": lambda: xp.where(x > 0, x, x.to_device(others[0])),
        "repeat": lambda: xp.repeat(x, i, axis=0),
        "searchsorted": lambda: xp.searchsorted(x[0, 0, :], xp.ones(3), sorter=i),
        "isin": lambda: xp.isin(xp.asarray([1]), i),
    }.items():
        with pytest.raises(DeviceError, match=f"^{name}: .*to_device"):
            call()


def test_axis_errors_are_both_of_the_built_in_ones() -> None:
    assert issubclass(AxisError, ValueError) and issubclass(AxisError, IndexError)


# ------------------------------------------------------------------------------------------- shapes


def test_broadcast_shapes() -> None:
    assert xdbr.broadcast_shapes() == ()
    assert xdbr.broadcast_shapes((3, 1), (4,), ()) == (3, 4)
    assert xdbr.broadcast_shapes((0, 1), (1, 5)) == (0, 5)
    assert xdbr.broadcast_shapes((1,), (0,)) == (0,)
    with pytest.raises(ShapeError):
        xdbr.broadcast_shapes((0,), (2,))


def test_reshape_takes_an_integer_and_a_list(put: Any, xp: Any) -> None:
    x = put(CUBE)
    assert xp.reshape(x, 24).shape == (24,)
    assert xp.reshape(x, [-1, 4]).shape == (6, 4)
    assert xp.reshape(x, (np.int64(4), np.int32(6))).shape == (4, 6)
    assert x.reshape(3, 8).shape == x.reshape((3, 8)).shape == (3, 8)


def test_reshape_with_copy_shares_nothing(put: Any, xp: Any) -> None:
    x = put(CUBE)
    y = xp.reshape(x, (24,), copy=True)
    x[0, 0, 0] = 5.0
    y[1] = 7.0
    assert y[0].item() == 0.0 and x[0, 0, 1].item() == 1.0


def test_results_of_raw_arrays_are_variables_that_leave_them_alone(backend: Any, device: Any, xp: Any) -> None:
    raw = backend.from_host(CUBE.copy(), device=device)
    made = [
        xp.reshape(raw, (-1,)), xp.flip(raw), xp.permute_dims(raw, (2, 0, 1)), xp.expand_dims(raw, 0),
        xp.moveaxis(raw, 0, 1), *xp.unstack(raw), xp.squeeze(raw[:1, ...], 0), xp.broadcast_to(raw, (2, 2, 3, 4)),
    ]  # fmt: skip
    for y in made:
        assert type(y) is xdbr.Variable
        y[...] = -1.0
    assert (backend.to_host(raw) == CUBE).all()


def test_joined_arrays_are_promoted_and_keep_their_gradients_dtype(put: Any, xp: Any) -> None:
    a, b = put(np.ones(2, dtype="float32"), True), put(np.ones(3), True)
    y = xp.concat([a, b])
    assert y.dtype == xdbr.float64
    xp.sum(y * y).backward()
    assert a.grad.dtype == xdbr.float32 and b.grad.dtype == xdbr.float64
    assert xp.stack([a, b[:2]]).dtype == xdbr.float64


def test_one_array_joined_with_itself_receives_both_gradients(put: Any, xp: Any) -> None:
    x = put(np.asarray([1.0, 2.0]), True)
    (g,) = xdbr.grad([xp.concat([x, x, x])], [x], [xp.asarray([1.0, 2, 3, 4, 5, 6], dtype="float64")])
    assert g.tolist() == [9.0, 12.0]


def test_only_the_arrays_that_need_one_get_a_gradient(put: Any, xp: Any) -> None:
    x, c = put(np.asarray([1.0, 2.0]), True), put(np.asarray([3.0, 4.0]))
    xp.sum(xp.stack([c, x, c]) ** 2).backward()
    assert x.grad.tolist() == [2.0, 4.0] and c.grad is None


# ---------------------------------------------------------------------------- numbers beside arrays


def test_numbers_in_where_take_the_dtype_of_the_array(xp: Any) -> None:
    condition = xp.asarray([True, False])
    for dtype in ("float32", "float64", "complex64"):
        assert xp.where(condition, xp.ones(2, dtype=dtype), 2.5).dtype == dtype
        assert xp.where(condition, 1, xp.ones(2, dtype=dtype)).dtype == dtype
    assert xp.where(condition, xp.ones(2, dtype="int8"), 3).dtype == "int8"
    assert xp.where(condition, xp.ones(2, dtype="int8"), 2.5).tolist() == [1.0, 2.5]
    assert xp.where(condition, xp.ones(2, dtype="int8"), 2.5).dtype == xdbr.get_default_dtype()
    assert xp.where(condition, 1.5, 0.0).dtype == xdbr.get_default_dtype()
    assert xp.where(condition, 1, 0).tolist() == [1, 0]
    assert xp.where(condition, xp.ones(2, dtype="float32"), 1j).dtype == "complex64"
    assert xp.where(True, xp.ones(2), 0.0).tolist() == [1.0, 1.0]


def test_the_default_dtype_of_numbers_in_where_follows_the_mode(xp: Any) -> None:
    condition = xp.asarray([True, False])
    with xdbr.default_dtype("float64"):
        assert xp.where(condition, 1.5, 0.0).dtype == "float64"
        assert xp.where(condition, 1j, 0.0).dtype == "complex128"


def test_a_number_in_searchsorted_is_read_in_the_dtype_of_the_array(xp: Any) -> None:
    x = xp.asarray([0.0, 0.1, 0.2], dtype="float32")
    found = xp.searchsorted(x, 0.1)
    assert type(found) is xdbr.Variable and found.shape == () and found.item() == 1, "0.1 as a float32 is in x"
    assert xp.searchsorted(x, 0.1, side="right").item() == 2


def test_count_nonzero_gives_an_array_of_the_default_integers(xp: Any) -> None:
    found = xp.count_nonzero(xp.asarray([0.0, 2.0, float("nan")]))
    assert type(found) is xdbr.Variable and found.shape == () and found.item() == 2
    assert found.dtype == xp.nonzero(xp.ones(2))[0].dtype


# ------------------------------------------------------------------------------- sorting, sets, tests


def test_equal_elements_keep_their_order_also_descending(xp: Any) -> None:
    x = xp.asarray([2, 1, 2, 1, 2, 1])
    assert xp.argsort(x).tolist() == [1, 3, 5, 0, 2, 4]
    assert xp.argsort(x, descending=True).tolist() == [0, 2, 4, 1, 3, 5]
    zeros = xp.asarray([0.0, -0.0, 1.0, -0.0, 0.0])
    want = {False: [1.0, -1.0, -1.0, 1.0, 1.0], True: [1.0, 1.0, -1.0, -1.0, 1.0]}
    for descending, signs in want.items():
        ordered = to_host(xp.sort(zeros, descending=descending))
        assert np.copysign(1.0, ordered).tolist() == signs


def test_the_gradient_of_equal_elements_goes_to_each_of_them_once(xp: Any, put: Any) -> None:
    x = put(np.asarray([3.0, 1.0, 3.0, 1.0]), True)
    for descending in (False, True):
        cotangent = xp.asarray([1.0, 2.0, 4.0, 8.0], dtype="float64")
        (g,) = xdbr.grad([xp.sort(x, descending=descending)], [x], [cotangent], retain_graph=True)
        assert g.tolist() == ([4.0, 1.0, 8.0, 2.0] if not descending else [1.0, 4.0, 2.0, 8.0])


def test_nan_is_distinct_from_nan_and_zeros_are_one(xp: Any) -> None:
    x = xp.asarray([float("nan"), 0.0, -0.0, float("nan"), 1.0])
    found = xp.unique_all(x)
    assert sorted(found.counts.tolist()) == [1, 1, 1, 2]
    assert found.inverse_indices.shape == (5,)
    assert xp.unique_values(x).shape == xp.unique_counts(x).values.shape == xp.unique_inverse(x).values.shape == (4,)


def test_fields_of_unique(xp: Any) -> None:
    x = xp.asarray([[2, 1], [2, 2]])
    assert xp.unique_all(x)._fields == ("values", "indices", "inverse_indices", "counts")
    assert xp.unique_counts(x)._fields == ("values", "counts")
    assert xp.unique_inverse(x)._fields == ("values", "inverse_indices")
    assert xp.unique_all(x).inverse_indices.shape == xp.unique_inverse(x).inverse_indices.shape == (2, 2)


def test_unique_values_pass_their_gradient_to_the_first_of_the_equal(xp: Any, put: Any) -> None:
    x = put(np.asarray([[5.0, 2.0], [2.0, 7.0]]), True)
    values, _, inverse, counts = xp.unique_all(x)
    assert values.requires_grad and not inverse.requires_grad and not counts.requires_grad
    (g,) = xdbr.grad([xp.sum(values * values)], [x])
    assert g.tolist() == [[10.0, 4.0], [0.0, 14.0]]


def test_isin_compares_values(xp: Any) -> None:
    x = xp.asarray([[1, 2], [3, 4]])
    assert xp.isin(x, xp.asarray([4, 9, 1])).tolist() == [[True, False], [False, True]]
    assert xp.isin(x, xp.asarray([4, 9, 1]), invert=True).tolist() == [[False, True], [True, False]]
    assert xp.isin(3, x).item() is True and xp.isin(9, x, invert=True).item() is True
    assert xp.isin(x, xp.asarray([], dtype="int64")).tolist() == [[False, False], [False, False]]


def test_truth_of_nan_infinity_and_nothing(xp: Any) -> None:
    x = xp.asarray([float("nan"), float("inf"), -float("inf")])
    assert xp.all(x).item() is True and xp.any(x).item() is True
    none = xp.zeros((0, 3))
    assert xp.all(none).item() is True and xp.any(none).item() is False
    assert xp.all(none, axis=0).tolist() == [True] * 3 and xp.any(none, axis=0).tolist() == [False] * 3
    assert xp.any(xp.asarray([0j, 1j])).item() is True


def test_diff_without_steps_is_an_array_of_its_own(put: Any, xp: Any) -> None:
    for requires_grad in (False, True):
        x = put(np.asarray([1.0, 2.0]), requires_grad)
        y = xp.diff(x, n=0)
        y[0] = 9.0
        assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"pad_width": (1, 2, 3)}, ShapeError, "pad_width must be one value, a pair, or a pair for each axis"),
        ({"pad_width": -1}, ShapeError, "pad_width must be of integers that are not negative; got -1"),
        ({"pad_width": 1.5}, ShapeError, "pad_width must be of integers that are not negative; got 1.5"),
        ({"pad_width": 1, "constant_values": (1, 2, 3)}, ShapeError, "constant_values must be one value"),
        ({"pad_width": 1, "mode": "mean"}, ValueError, "mode must be 'constant', .*; got 'mean'"),
    ],
)
def test_what_pad_does_not_take(options, error, message, xp, device):
    with pytest.raises(error, match=f"pad: {message}"):
        xp.pad(xp.ones((2, 3)), **options)
