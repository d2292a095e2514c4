"""Functions of networks: extreme values, modes and bad input. Values and gradients are in the table of specs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import xdbr
import xdbr.nn.functions as F
from xdbr import nn
from xdbr._errors import AxisError, DeviceError, DtypeError, ShapeError
from xdbr.backends import Backend, Device
from xdbr.nn import LabelError
from xdbr.testing import assert_allclose, check_grads, to_host

inf, nan = float("inf"), float("nan")


def leaf(values: Any, **options: Any) -> xdbr.Variable:
    return xdbr.Variable(values, requires_grad=True, **options)


# --------------------------------------------------------------------------------------- extreme values


@pytest.mark.parametrize("n", [3, 3000])  # NumPy's array of few elements and of many
def test_what_relu_does_not_take_has_no_gradient_below_an_infinite_one(n: int, device: Device) -> None:
    x = xdbr.Variable([-1.0, 0.0, 4.0] * (n // 3), requires_grad=True, device=device)
    xdbr.sum(xdbr.sqrt(F.relu(x))).backward()
    assert_allclose(x.grad, [0.0, 0.0, 0.25] * (n // 3))


def test_relu_at_the_kink_and_beyond(device: Device) -> None:
    x = leaf([-inf, -0.0, 0.0, inf, nan])
    y = F.relu(x)
    assert_allclose(y, [0.0, 0.0, 0.0, inf, nan])
    y.backward(xdbr.ones(5))
    assert_allclose(x.grad, [0.0, 0.0, 0.0, 1.0, 0.0])


def test_sigmoid_of_large_numbers(device: Device) -> None:
    x = leaf([-inf, -1e4, -80.0, 0.0, 80.0, 1e4, inf, nan])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y = F.sigmoid(x)
    assert_allclose(y, [0.0, 0.0, 1.8048513878454153e-35, 0.5, 1.0, 1.0, 1.0, nan])
    y.backward(xdbr.ones(8))
    assert_allclose(x.grad, [0.0, 0.0, 1.8048513878454153e-35, 0.25, 0.0, 0.0, 0.0, nan])


def test_sigmoid_of_integers_is_floating(device: Device) -> None:
    assert F.sigmoid(xdbr.asarray([0, 1])).dtype == xdbr.float32


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax])
def test_softmax_of_large_numbers(function: Any, device: Device) -> None:
    x = leaf([[1e30, 0.0], [-1e30, -1e30], [-inf, 3.0]])
    y = function(x)
    want = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    if function is F.log_softmax:
        want = np.array([[0.0, -1e30], [-np.log(2), -np.log(2)], [-inf, 0.0]])
    assert_allclose(y, want)
    y.backward(xdbr.ones((3, 2)))
    assert not np.any(np.isnan(to_host(x.grad)))


def test_cross_entropy_of_large_numbers(device: Device) -> None:
    x = leaf([[1e4, 0.0], [0.0, 1e4], [-1e4, 1e4]])
    loss = F.softmax_cross_entropy(x, xdbr.asarray([0, 0, 1]), reduce="no")
    assert_allclose(loss, [0.0, 1e4, 0.0])
    loss.backward(xdbr.ones(3))
    assert_allclose(x.grad, [[0.0, 0.0], [-1.0, 1.0], [0.0, 0.0]], atol=1e-6)


def test_cross_entropy_keeps_small_losses() -> None:
    """-log(softmax) of a sure answer is exp(-40), far below the precision of 1."""
    loss = F.softmax_cross_entropy(xdbr.asarray([[40.0, 0.0]], dtype="float64"), [1])
    assert_allclose(loss, 40.0)


def test_ignored_rows_may_hold_anything(device: Device) -> None:
    x = leaf([[nan, 1.0], [1.0, 2.0], [inf, -inf]])
    loss = F.softmax_cross_entropy(x, xdbr.asarray([-1, 0, -1]))
    assert_allclose(loss, np.log1p(np.e))
    loss.backward()
    grad = to_host(x.grad)
    assert not np.any(np.isnan(grad))
    assert_allclose(grad[[0, 2]], np.zeros((2, 2)))


def test_labels_may_be_a_list_or_any_integer_array(device: Device) -> None:
    x = xdbr.asarray([[1.0, 2.0], [3.0, 4.0]])
    want = to_host(F.softmax_cross_entropy(x, [0, 1]))
    for dtype in ("uint8", "int8", "int32", "int64", "uint64"):
        assert_allclose(F.softmax_cross_entropy(x, xdbr.asarray([0, 1], dtype=dtype)), want)
        assert_allclose(F.accuracy(x, xdbr.asarray([0, 1], dtype=dtype)), 0.5)


def test_labels_of_uint64_are_named_as_they_are(backend: Backend, device: Device) -> None:
    t = backend.from_host(np.array([0, 2**63 + 1], "uint64"), device=device)
    with pytest.raises(LabelError, match=rf"t\[1\] = {2**63 + 1} is outside of the 2 classes 0 to 1"):
        F.softmax_cross_entropy(xdbr.ones((2, 2)), t)


def test_no_examples(device: Device) -> None:
    x = leaf(np.zeros((0, 3), "float32") if device == "numpy" else xdbr.zeros((0, 3)))
    t = xdbr.zeros(0, dtype="int64")
    loss = F.softmax_cross_entropy(x, t)
    assert_allclose(loss, 0.0)
    loss.backward()
    assert x.grad is not None
    assert x.grad.shape == (0, 3)
    assert F.softmax_cross_entropy(x, t, reduce="no").shape == (0,)


def test_normalize(device: Device) -> None:
    x = xdbr.asarray([[1.0, 2.0], [3.0, 5.0], [0.0, 0.0]])
    t = xdbr.asarray([0, -1, 1])
    total = to_host(F.softmax_cross_entropy(x, t, reduce="no")).sum()
    assert_allclose(F.softmax_cross_entropy(x, t), total / 2)
    assert_allclose(F.softmax_cross_entropy(x, t, normalize=False), total / 3)


def test_gradient_of_class_weights(float64: None, device: Device) -> None:
    x = xdbr.random.normal((5, 3))
    t = xdbr.asarray([0, 1, 2, -1, 1])
    check_grads(lambda x, w: F.softmax_cross_entropy(x, t, class_weight=w), [x, xdbr.asarray([0.5, 1.0, 2.0])])


def test_class_weight_may_be_a_list(device: Device) -> None:
    x = xdbr.asarray([[1.0, 2.0], [3.0, 5.0]])
    heavy = F.softmax_cross_entropy(x, [0, 1], class_weight=[2.0, 2.0])
    assert_allclose(heavy, 2 * to_host(F.softmax_cross_entropy(x, [0, 1])))


def test_cross_entropy_of_raw_arrays_records_nothing(backend: Backend, device: Device) -> None:
    x = backend.from_host(np.array([[1.0, 2.0]], "float32"), device=device)
    t = backend.from_host(np.array([1]), device=device)
    assert not F.softmax_cross_entropy(x, t).requires_grad
    assert_allclose(F.accuracy(x, t), 1.0)


def test_results_under_no_grad_are_the_same(device: Device) -> None:
    x, t = leaf([[1.0, 2.0], [0.5, 0.1]]), xdbr.asarray([0, 1])
    W, b = leaf([[1.0, -1.0]]), leaf([0.5])
    for function in (
        lambda: F.softmax_cross_entropy(x, t),
        lambda: F.linear(x, W, b),
        lambda: F.mean_squared_error(x, x * 2),
        lambda: F.embed_id(t, x),
    ):
        y = function()
        assert y.requires_grad
        with xdbr.no_grad():
            z = function()
        assert not z.requires_grad
        assert_allclose(z, to_host(y))


# ---------------------------------------------------------------------------------------------- dropout


def test_dropout_keeps_the_mean_and_scales(device: Device) -> None:
    xdbr.random.seed(0)
    x = leaf(np.ones(20000, "float32") if device == "numpy" else xdbr.ones(20000))
    y = F.dropout(x, ratio=0.2)
    host = to_host(y)
    assert set(np.unique(host)) == {np.float32(0), np.float32(1.25)}
    assert abs((host == 0).mean() - 0.2) < 5 * np.sqrt(0.2 * 0.8 / 20000)
    y.backward(xdbr.ones(20000))
    assert_allclose(x.grad, host)


def test_dropout_in_evaluation_is_the_identity(device: Device) -> None:
    x = leaf([1.0, 2.0])
    with xdbr.train_mode(False):
        assert F.dropout(x) is x
        assert F.dropout(x, return_mask=True) == (x, None)
    assert F.dropout(x, ratio=0) is x


def test_dropout_with_a_mask_or_a_generator(device: Device) -> None:
    x = leaf([1.0, 2.0, 3.0])
    y, mask = F.dropout(x, return_mask=True, rng=xdbr.random.Generator(7))
    other, _ = F.dropout(x, return_mask=True, rng=xdbr.random.Generator(7))
    assert_allclose(y, to_host(other))
    assert_allclose(F.dropout(x, mask=mask), to_host(y))
    x = xdbr.asarray([1.0, 2.0], dtype="float64")
    assert F.dropout(x).dtype == xdbr.float64


def test_dropout_gradients(float64: None, device: Device) -> None:
    x = xdbr.random.normal((4, 3))
    _, mask = F.dropout(x, return_mask=True)
    check_grads(lambda x: F.dropout(x, mask=mask), [x])


@pytest.mark.parametrize("ratio", [-0.1, 1.0, 2, nan])
def test_dropout_ratio(ratio: float) -> None:
    with pytest.raises(ValueError, match=r"dropout: ratio must be within \[0, 1\); got"):
        F.dropout(xdbr.ones(2), ratio)


def test_dropout_mask_of_another_shape() -> None:
    with pytest.raises(ShapeError, match=r"dropout: mask must have x's shape \(2,\); got \(3,\)"):
        F.dropout(xdbr.ones(2), mask=xdbr.ones(3))


# -------------------------------------------------------------------------------------------- bad input

ONES = xdbr.ones((2, 3), device="numpy")


@pytest.mark.parametrize(
    ("t", "error", "match"),
    [
        ([0.0, 1.0], DtypeError, r"labels must be integers, .*; got dtype float32 \(t\[0\] = 0.0\); convert them"),
        ([True, False], DtypeError, r"labels must be integers.* got dtype bool"),
        ([0, 3], LabelError, r"t\[1\] = 3 is outside of the 3 classes 0 to 2, and it is not the label -1"),
        ([-2, -1], LabelError, r"t\[0\] = -2 is outside of the 3 classes 0 to 2"),
        ([0], ShapeError, r"x of shape \(2, 3\) takes labels of shape \(2,\); got t of shape \(1,\)"),
        ([[0], [1]], ShapeError, r"x of shape \(2, 3\) takes labels of shape \(2,\); got t of shape \(2, 1\)"),
        ("ab", DtypeError, r"t must be a Variable or an array; got str"),
    ],
)
def test_bad_labels(t: Any, error: type, match: str, device: Device) -> None:
    x = xdbr.ones((2, 3))
    with pytest.raises(error, match="softmax_cross_entropy: " + match):
        F.softmax_cross_entropy(x, t)
    if error is not LabelError:
        with pytest.raises(error, match="accuracy: " + match):
            F.accuracy(x, t)


def test_label_errors_name_the_place_among_many() -> None:
    t = np.zeros((2, 4, 5), "int64")
    t[1, 2, 3] = 9
    with pytest.raises(LabelError, match=r"t\[1, 2, 3\] = 9 is outside of the 3 classes"):
        F.softmax_cross_entropy(xdbr.ones((2, 3, 4, 5)), t)
    with pytest.raises(LabelError, match=r"t\[0\] = -1 is outside of the 3 classes 0 to 2$"):
        F.softmax_cross_entropy(xdbr.ones((1, 3)), [-1], ignore_label=None)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (
            lambda: F.softmax_cross_entropy(xdbr.ones(3), [1]),
            ShapeError,
            r"x must have the shape \(N, C, ...\).*\(3,\)",
        ),
        (lambda: F.softmax_cross_entropy([[1.0]], [0]), DtypeError, "x must be a Variable or an array; got list"),
        (
            lambda: F.softmax_cross_entropy(xdbr.ones((2, 3), dtype="int64"), [0, 1]),
            DtypeError,
            "x must have a real floating-point dtype; got int64",
        ),
        (lambda: F.softmax_cross_entropy(ONES, [0, 1], reduce="sum"), ValueError, "reduce must be 'mean' or 'no'"),
        (
            lambda: F.softmax_cross_entropy(ONES, [0, 1], class_weight=[1.0]),
            ShapeError,
            r"class_weight must have the shape \(3,\) of the classes; got \(1,\)",
        ),
        (
            lambda: F.softmax_cross_entropy(ONES, [0, 1], class_weight=np.ones(3)),
            DtypeError,
            "class_weight and x must have one floating-point dtype; got float64 and float32",
        ),
        (lambda: F.softmax(xdbr.ones(3)), AxisError, "softmax: axis 1 is out of range for an array with 1 axes"),
        (lambda: F.log_softmax(ONES, axis=2), AxisError, "log_softmax: axis 2 is out of range"),
        (
            lambda: F.linear(xdbr.ones((4, 2)), ONES),
            ShapeError,
            r"x of shape \(4, 2\) has 2 features per example, but W of shape \(2, 3\) takes 3",
        ),
        (
            lambda: F.linear(xdbr.ones((4, 2, 2)), ONES),
            ShapeError,
            r"x of shape \(4, 2, 2\) has 4 features per example, but W of shape \(2, 3\) takes 3",
        ),
        (lambda: F.linear(xdbr.ones(3), ONES), ShapeError, r"n_batch_axes=1 axes for examples and at least one for"),
        (lambda: F.linear(ONES, ONES, None, 2), ShapeError, r"n_batch_axes=2 axes for examples"),
        (lambda: F.linear(ONES, ONES, None, 0), ShapeError, r"n_batch_axes=0 axes for examples"),
        (lambda: F.linear(ONES, xdbr.ones(3)), ShapeError, r"W must have the shape \(out, in\); got \(3,\)"),
        (
            lambda: F.linear(ONES, ONES, xdbr.ones(3)),
            ShapeError,
            r"b must have the shape \(2,\) that goes with W of shape \(2, 3\); got \(3,\)",
        ),
        (
            lambda: F.linear(np.ones((4, 3)), ONES),
            DtypeError,
            (
                r"x and W must have one floating-point dtype; got float64 and float32; convert one, for example "
                r"x.astype\('float32'\)"
            ),
        ),
        (lambda: F.linear(xdbr.ones((1, 3), dtype="int32"), ONES), DtypeError, "got int32 and float32"),
        (lambda: F.embed_id([3], ONES), LabelError, r"x\[0\] = 3 is outside of the 2 rows 0 to 1$"),
        (lambda: F.embed_id([[0, -1]], ONES), LabelError, r"x\[0, 1\] = -1 is outside of the 2 rows"),
        (
            lambda: F.embed_id([0.5], ONES),
            DtypeError,
            "x must be integers, the numbers of rows of W; got dtype float32",
        ),
        (lambda: F.embed_id([0], xdbr.ones(3)), ShapeError, r"W must have the shape \(rows, size\); got \(3,\)"),
        (
            lambda: F.mean_squared_error(xdbr.ones(3), xdbr.ones((3, 1))),
            ShapeError,
            r"x0 and x1 must have one shape; got \(3,\) and \(3, 1\)",
        ),
        (
            lambda: F.mean_squared_error(xdbr.ones(3), np.ones(3)),
            DtypeError,
            "x0 and x1 must have one floating-point dtype; got float32 and float64",
        ),
        (
            lambda: F.mean_squared_error(xdbr.ones(3, dtype="int64"), xdbr.ones(3, dtype="int64")),
            DtypeError,
            "must have one floating-point dtype; got int64 and int64",
        ),
    ],
)
def test_bad_input(call: Any, error: type, match: str) -> None:
    with xdbr.device("numpy"), pytest.raises(error, match=match):
        call()


def test_errors_name_the_parameter() -> None:
    W = nn.Parameter(1.0, (2, 3), name="/l1/W")
    b = nn.Parameter(1.0, 3, name="/l1/b")
    with pytest.raises(ShapeError, match=r"but W \('/l1/W'\) of shape \(2, 3\) takes 3"):
        F.linear(xdbr.ones((4, 2)), W)
    with pytest.raises(ShapeError, match=r"b \('/l1/b'\) must have the shape \(2,\) that goes with W \('/l1/W'\)"):
        F.linear(xdbr.ones((4, 3)), W, b)
    with pytest.raises(DtypeError, match=r"x and W \('/l1/W'\) must have one floating-point dtype"):
        F.linear(xdbr.ones((4, 3), dtype="float64"), W)
    with pytest.raises(ShapeError, match=r"x0 and x1 \('/l1/b'\) must have one shape; got \(2,\) and \(3,\)"):
        F.mean_squared_error(xdbr.ones(2), b)
    with pytest.raises(ShapeError, match=r"x \('/l1/W'\) of shape \(2, 3\) takes labels of shape \(2,\)"):
        F.softmax_cross_entropy(W, [0, 1, 1])


@pytest.mark.parametrize(
    "call",
    [
        lambda x, y: F.linear(x, y),
        lambda x, y: F.linear(x, x, y[:, 0]),
        lambda x, y: F.embed_id(xdbr.asarray([0], device=x.device), y),
        lambda x, y: F.softmax_cross_entropy(x, xdbr.asarray([0, 0], device=y.device)),
        lambda x, y: F.accuracy(x, xdbr.asarray([0, 0], device=y.device)),
        lambda x, y: F.mean_squared_error(x, y),
        lambda x, y: F.dropout(x, mask=y),
        lambda x, y: F.softmax_cross_entropy(x, [0, 0], class_weight=y[0, :]),
    ],
)
def test_two_devices(call: Any) -> None:
    pytest.importorskip("array_api_strict", reason="the strict backend is not installed")
    x, y = xdbr.ones((2, 2), device="strict"), xdbr.ones((2, 2), device="strict:device1")
    with pytest.raises(DeviceError, match=r"is on 'strict.*' but .* is on 'strict.*'; move one of them"):
        call(x, y)


def test_graph_shows_one_node_for_a_layer_and_one_for_a_loss() -> None:
    W, b = leaf([[1.0, 2.0]]), leaf([1.0])
    y = F.linear(xdbr.ones((3, 2)), W, b)
    assert y._node is not None
    assert y._node.name == "linear"
    assert [edge is None for edge in y._node.edges()] == [True, False, False]
