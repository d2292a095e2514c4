"""Linear, EmbedID, Classifier: sizes, lazy sizes, initial values, what a call leaves behind, bad input."""

from __future__ import annotations

import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import xdbr
import xdbr.nn.functions as F
import xdbr.nn.links as L
from xdbr import nn
from xdbr._errors import DeviceError, DtypeError, ShapeError
from xdbr.backends import Device
from xdbr.nn import LabelError, initializers
from xdbr.testing import assert_allclose, check_grads, to_host

# ----------------------------------------------------------------------------------------------- Linear


def test_linear(device: Device) -> None:
    layer = L.Linear(3, 2, initial_bias=[1.0, -1.0])
    x = xdbr.random.normal((4, 3))
    want = to_host(x) @ to_host(layer.W).T + np.array([1.0, -1.0])
    assert_allclose(layer(x), want, atol=1e-6)
    assert layer.W.device == device
    assert (layer.W.name, layer.b.name if layer.b is not None else "") == ("/W", "/b")


def test_linear_without_bias(device: Device) -> None:
    layer = L.Linear(3, 2, nobias=True, initialW=initializers.One())
    assert layer.b is None
    assert [path for path, _ in layer.namedparams()] == ["/W"]
    assert_allclose(layer(xdbr.ones((1, 3))), [[3.0, 3.0]])


@pytest.mark.parametrize("make", [lambda: L.Linear(None, 2), lambda: L.Linear(2)])
def test_lazily_sized_linear(make: Any, device: Device) -> None:
    layer = make()
    assert layer.W.shape == (2, None)
    assert layer.b.is_initialized
    y = layer(xdbr.ones((4, 3, 2)))
    assert y.shape == (4, 2)
    assert layer.W.shape == (2, 6)
    xdbr.sum(y).backward()
    assert_allclose(layer.W.grad, np.full((2, 6), 4.0))
    with pytest.raises(ShapeError, match=r"x of shape \(4, 5\) has 5 features per example, but W \('/W'\)"):
        layer(xdbr.ones((4, 5)))


def test_lazily_sized_linear_takes_nothing_from_bad_input() -> None:
    layer = L.Linear(None, 2)
    for x, error in [
        (np.ones((4, 3)), DtypeError),
        (xdbr.ones(3), ShapeError),
        ([[1.0]], DtypeError),
    ]:
        with xdbr.device("numpy"), pytest.raises(error, match="Linear"):
            layer(x)
    assert not layer.W.is_initialized


def test_lazily_sized_linear_on_another_device() -> None:
    pytest.importorskip("array_api_strict", reason="the strict backend is not installed")
    layer = L.Linear(None, 2).to_device("strict:device1")
    with pytest.raises(DeviceError, match=r"x is on 'strict' but W \('/W'\) is on 'strict:device1'"):
        layer(xdbr.ones((1, 3), device="strict"))
    assert not layer.W.is_initialized
    assert layer(xdbr.ones((1, 3), device="strict:device1")).device == "strict:device1"


def test_same_seed_same_first_values_lazily_or_not() -> None:
    xdbr.random.seed(1)
    one = L.Linear(3, 2)
    xdbr.random.seed(1)
    other = L.Linear(None, 2)
    other.materialize(xdbr.ones((1, 3)))
    assert_allclose(one.W, to_host(other.W), rtol=0)


def test_batch_axes(device: Device) -> None:
    layer = L.Linear(None, 5)
    assert layer(xdbr.ones((2, 3, 4)), n_batch_axes=2).shape == (2, 3, 5)
    assert layer.W.shape == (5, 4)


def test_initial_values_as_arrays_and_numbers() -> None:
    layer = L.Linear(2, 1, initialW=np.array([[1.0, 2.0]]), initial_bias=3)
    assert_allclose(layer.W, [[1.0, 2.0]])
    assert layer.W.dtype == xdbr.float32
    assert_allclose(layer.b, [3.0])
    with pytest.raises(ShapeError, match=r"expected an array of shape \(1, 2\) to fill with; got \(2, 1\)"):
        L.Linear(2, 1, initialW=[[1.0], [2.0]])


def test_linear_needs_an_output_size() -> None:
    with pytest.raises(TypeError, match="Linear: out_size must be an integer"):
        L.Linear(None)


def test_linear_in_the_default_dtype(float64: None) -> None:
    assert L.Linear(3, 2).W.dtype == xdbr.float64


# ---------------------------------------------------------------------------------------------- EmbedID


def test_embed_id(device: Device) -> None:
    layer = L.EmbedID(5, 3, ignore_label=-1)
    x = xdbr.asarray([[4, 0], [-1, 4]])
    y = layer(x)
    W = to_host(layer.W)
    assert_allclose(y, [[W[4], W[0]], [np.zeros(3), W[4]]])
    xdbr.sum(y).backward()
    assert_allclose(layer.W.grad, np.array([1, 0, 0, 0, 2])[:, None] * np.ones(3))
    assert repr(layer) == "EmbedID(5, 3, ignore_label=-1)"
    with pytest.raises(LabelError, match=r"embed_id: x\[1\] = 5 is outside of the 5 rows"):
        layer(xdbr.asarray([0, 5]))


def test_embed_id_gradients(float64: None, device: Device) -> None:
    x = xdbr.asarray([2, 0, 2, 1])
    check_grads(lambda W: xdbr.tanh(F.embed_id(x, W, ignore_label=1)), [xdbr.random.normal((3, 2))])


# ------------------------------------------------------------------------------------------- Classifier


def test_classifier(device: Device) -> None:
    model = L.Classifier(L.Linear(4, 3))
    x, t = xdbr.random.normal((6, 4)), xdbr.asarray([0, 1, 2, 0, 1, 2])
    loss = model(x, t)
    assert loss is model.loss
    assert_allclose(model.y, to_host(model.predictor(x)))
    assert_allclose(loss, to_host(F.softmax_cross_entropy(model.y, t)))
    assert_allclose(model.accuracy, to_host(F.accuracy(model.y, t)))
    assert [path for path, _ in model.namedparams()] == ["/predictor/W", "/predictor/b"]


def test_classifier_with_functions_of_ones_own(device: Device) -> None:
    model = L.Classifier(L.Linear(4, 3), lossfun=F.mean_squared_error, accfun=lambda y, t: xdbr.max(abs(y - t)))
    x, t = xdbr.ones((2, 4)), xdbr.zeros((2, 3))
    assert_allclose(model(x, t), to_host(F.mean_squared_error(model.predictor(x), t)))
    assert_allclose(model.accuracy, abs(to_host(model.y)).max())
    model.compute_accuracy = False
    model(x, t)
    assert model.accuracy is None


def test_classifier_with_several_inputs() -> None:
    class Two(nn.Link):
        def forward(self, a: Any, b: Any) -> Any:
            return a + b

    model = L.Classifier(Two())
    model(xdbr.ones((1, 2)), xdbr.ones((1, 2)), xdbr.asarray([0]))
    assert_allclose(model.y, [[2.0, 2.0]])
    with pytest.raises(TypeError, match="Classifier: expected inputs and labels"):
        model(xdbr.ones((1, 2)))


def test_classifier_releases_the_graph_of_the_call_before() -> None:
    seen = []

    class Watch(nn.Link):
        def __init__(self) -> None:
            self.inner = L.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            if seen:
                assert seen[-1]() is None, "the scores of the call before are still alive"
            y = self.inner(x)
            seen.append(weakref.ref(y))
            return y

    gc.disable()
    try:
        model = L.Classifier(Watch())
        for _ in range(3):
            model(xdbr.ones((1, 2)), xdbr.asarray([0]))
    finally:
        gc.enable()


def test_classifier_is_pickled_without_its_graph() -> None:
    model = L.Classifier(nn.Sequential(L.Linear(4, 3), F.relu))
    model(xdbr.ones((1, 4)), xdbr.asarray([0]))
    made = pickle.loads(pickle.dumps(model))
    assert_allclose(made.loss, to_host(model.loss))
    assert_allclose(made(xdbr.ones((1, 4)), xdbr.asarray([0])), to_host(model.loss))


def test_errors_name_the_path_in_the_whole_model() -> None:
    model = L.Classifier(nn.Sequential(L.Linear(4, 3), L.Linear(5, 2)))
    with pytest.raises(ShapeError, match=r"W \('/predictor/1/W'\) of shape \(2, 5\) takes 5"):
        model(xdbr.ones((1, 4)), xdbr.asarray([0]))
