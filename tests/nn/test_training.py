"""The whole of it: gradients of a perceptron against PyTorch's, and networks that learn."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import xdbr
import xdbr.nn.functions as F
import xdbr.nn.links as L
from xdbr import nn, optim
from xdbr.backends import Device
from xdbr.testing import assert_allclose, check_grads, to_host


class MLP(nn.Chain):
    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.layers = [L.Linear(a, b) for a, b in itertools.pairwise(sizes)]

    def forward(self, x: Any) -> Any:
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


def test_gradients_of_a_perceptron_equal_those_of_torch(float64: None, device: Device) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, which gradients are compared with, is not installed")
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(20, 7)), rng.integers(0, 4, 20)
    model = L.Classifier(MLP(7, 16, 9, 4))
    theirs = torch.nn.Sequential(
        torch.nn.Linear(7, 16), torch.nn.ReLU(), torch.nn.Linear(16, 9), torch.nn.ReLU(), torch.nn.Linear(9, 4)
    ).double()
    its = list(theirs.parameters())
    for (_, param), tensor in zip(model.namedparams(), its, strict=True):
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(to_host(param).copy()))
    loss = model(xdbr.asarray(x, device=device), xdbr.asarray(t, device=device))
    its_loss = torch.nn.functional.cross_entropy(theirs(torch.from_numpy(x)), torch.from_numpy(t))
    assert_allclose(loss, its_loss.item(), rtol=1e-12)
    loss.backward()
    its_loss.backward()
    for param, tensor in zip(model.params(), its, strict=True):
        right = tensor.grad.numpy()
        assert abs(to_host(param.grad) - right).max() <= 1e-6 * abs(right).max()
        assert_allclose(param.grad, right, rtol=1e-6, atol=1e-12)


def test_gradients_of_a_perceptron_to_the_second_order(float64: None, device: Device) -> None:
    x, t = xdbr.random.normal((5, 4)), xdbr.asarray([0, 1, 2, -1, 1])
    sizes = [(6, 4), (6,), (3, 6), (3,)]
    xdbr.random.seed(0)
    args = [xdbr.random.normal(size) for size in sizes]

    def loss(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        h = F.sigmoid(F.linear(x, W1, b1))
        return F.softmax_cross_entropy(F.linear(xdbr.tanh(h), W2, b2), t)

    check_grads(loss, args)


def spiral(n: int) -> tuple[Any, Any]:
    """Three arms that no line divides."""
    rng = np.random.default_rng(0)
    t = np.arange(n) % 3
    r = rng.uniform(0.1, 1, n)
    angle = 4 * r + t * 2 * np.pi / 3 + rng.normal(0, 0.1, n)
    return np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1).astype("float32"), t


@pytest.mark.parametrize(
    "optimizer", [optim.SGD(lr=0.5), optim.MomentumSGD(lr=0.2), optim.Adam(lr=0.02)], ids=lambda o: type(o).__name__
)
def test_a_network_learns(optimizer: optim.Optimizer, device: Device) -> None:
    xdbr.random.seed(0)
    x, t = (xdbr.asarray(part, device=device) for part in spiral(90))
    model = L.Classifier(nn.Sequential(L.Linear(None, 32), F.relu, L.Linear(None, 32), F.relu, L.Linear(None, 3)))
    optimizer.setup(model)
    first = model(x, t).item()
    for _ in range(150):
        loss = model(x, t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
    assert loss.item() < 0.5 * first
    assert model.accuracy.item() > 0.8
    assert {param.device for param in model.params()} == {device}


def test_a_regression_finds_the_line(device: Device) -> None:
    xdbr.random.seed(0)
    x = xdbr.random.uniform((50, 2), low=-1.0)
    y = x @ xdbr.asarray([[2.0], [-3.0]]) + 0.5
    model = L.Linear(None, 1)
    optimizer = optim.SGD(lr=0.3).setup(model)
    for _ in range(200):
        optimizer.update(lambda: F.mean_squared_error(model(x), y))
    assert_allclose(model.W, [[2.0, -3.0]], rtol=1e-3)
    assert_allclose(model.b, [0.5], rtol=1e-3)


def test_the_drawn_graph_names_the_parameters() -> None:
    model = L.Classifier(MLP(4, 5, 3))
    dot = xdbr.draw(model(xdbr.ones((2, 4)), xdbr.asarray([0, 1]))).dot()
    for text in ("/predictor/layers/0/W", "/predictor/layers/1/b", "linear", "relu", "softmax_cross_entropy"):
        assert text in dot


def test_dropout_is_off_in_evaluation() -> None:
    model = nn.Sequential(L.Linear(4, 8), F.dropout, L.Linear(8, 2))
    x = xdbr.ones((3, 4))
    assert not np.array_equal(to_host(model(x)), to_host(model(x)))
    with xdbr.train_mode(False):
        assert_allclose(model(x), to_host(model(x)), rtol=0)


def test_two_optimizers_in_turn_as_in_a_gan(float64: None, device: Device) -> None:
    """An update of the critic between the forward and the backward of the generator changes no gradient."""
    generator, critic = L.Linear(2, 2), L.Linear(2, 1)
    z = xdbr.random.normal((4, 2))
    loss = xdbr.sum(xdbr.tanh(critic(xdbr.tanh(generator(z)))))
    want = to_host(xdbr.grad(loss, generator.W, retain_graph=True)).copy()
    optimizer = optim.SGD(lr=10.0).setup(critic)
    before = to_host(critic.W).copy()
    optimizer.update(lambda: xdbr.sum(critic(generator(z).detach()) ** 2))
    assert not np.any(to_host(critic.W) == before)
    loss.backward()
    assert_allclose(generator.W.grad, want, rtol=0)
