"""Each optimizer against its formula, step by step, and against PyTorch's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import xdbr
from xdbr import nn, optim
from xdbr._errors import DtypeError
from xdbr.backends import Device
from xdbr.testing import assert_allclose, to_host

Host = Any
STEPS = 25


class Bowl(nn.Link):
    """A loss with a gradient that depends on where one is: sum(scale * cosh(W - centre))."""

    def __init__(self, start: Host) -> None:
        super().__init__()
        self.W = nn.Parameter(start)

    def forward(self, scale: Any, centre: Any) -> Any:
        return xdbr.sum(scale * xdbr.cosh(self.W - centre))


START = np.array([[1.0, -2.0, 0.3], [0.0, 1.5, -0.7]])
SCALE = np.array([[1.0, 2.0, 0.5], [1e-3, 10.0, 1.0]])
CENTRE = np.array([[0.0, -1.0, 0.3], [2.0, 1.0, 0.0]])


def gradient(W: Host) -> Host:
    return SCALE * np.sinh(W - CENTRE)


def sgd(W: Host, lr: float) -> Iterator[Host]:
    while True:
        W = W - lr * gradient(W)
        yield W


def momentum_sgd(W: Host, lr: float, momentum: float) -> Iterator[Host]:
    v = np.zeros_like(W)
    while True:
        v = momentum * v - lr * gradient(W)
        W = W + v
        yield W


def adam(W: Host, lr: float, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> Iterator[Host]:
    """Algorithm 1 of Kingma and Ba."""
    m, v, t = np.zeros_like(W), np.zeros_like(W), 0
    while True:
        t += 1
        g = gradient(W)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        W = W - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
        yield W


def torch_sgd(torch: Any, params: Any) -> Any:
    return torch.optim.SGD(params, lr=0.05)


CASES: list[tuple[str, Callable[[], optim.Optimizer], Iterator[Host], Callable[[Any, Any], Any]]] = [
    ("SGD", lambda: optim.SGD(lr=0.05), sgd(START, 0.05), torch_sgd),
    (
        "MomentumSGD",
        lambda: optim.MomentumSGD(lr=0.02, momentum=0.8),
        momentum_sgd(START, 0.02, 0.8),
        lambda torch, params: torch.optim.SGD(params, lr=0.02, momentum=0.8),
    ),
    (
        "Adam",
        lambda: optim.Adam(lr=0.1),
        adam(START, 0.1),
        lambda torch, params: torch.optim.Adam(params, lr=0.1),
    ),
    (
        "Adam-eps",
        lambda: optim.Adam(lr=0.1, beta1=0.5, beta2=0.9, eps=0.1),
        adam(START, 0.1, 0.5, 0.9, 0.1),
        lambda torch, params: torch.optim.Adam(params, lr=0.1, betas=(0.5, 0.9), eps=0.1),
    ),
]
IDS = [case[0] for case in CASES]


def trajectory(optimizer: optim.Optimizer, device: Device) -> Iterator[Host]:
    model = Bowl(START)
    optimizer.setup(model)
    scale, centre = xdbr.asarray(SCALE, device=device), xdbr.asarray(CENTRE, device=device)
    for _ in range(STEPS):
        optimizer.update(model, scale, centre)
        yield to_host(model.W)


@pytest.mark.parametrize(
    ("make", "formula"), [(case[1], list(zip(range(STEPS), case[2], strict=False))) for case in CASES], ids=IDS
)
def test_trajectory_of_the_formula(make: Any, formula: Any, device: Device) -> None:
    for W, (_, right) in zip(trajectory(make(), device), formula, strict=True):
        assert_allclose(W, right, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("make", "theirs"), [(case[1], case[3]) for case in CASES], ids=IDS)
def test_trajectory_of_torch(make: Any, theirs: Any, device: Device) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, which updates are compared with, is not installed")
    W = torch.tensor(START, requires_grad=True)
    optimizer = theirs(torch, [W])
    for mine in trajectory(make(), device):
        optimizer.zero_grad()
        (torch.from_numpy(SCALE) * torch.cosh(W - torch.from_numpy(CENTRE))).sum().backward()
        optimizer.step()
        assert_allclose(mine, W.detach().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("make", [case[1] for case in CASES], ids=IDS)
@pytest.mark.parametrize("shape", [(), (0,), (1,)])
def test_parameters_of_one_element_or_none(make: Any, shape: Any, device: Device) -> None:
    link = nn.Link()
    link.W = nn.Parameter(1.0, shape)
    optimizer = make().setup(link)
    for _ in range(3):
        optimizer.update(lambda: xdbr.sum(link.W * link.W))
    assert link.W.shape == shape
    assert link.W.dtype == xdbr.float32
    assert link.W.device == device
    assert np.all(to_host(link.W) < 1)


def test_first_step_of_adam_is_as_long_as_its_lr(device: Device) -> None:
    link = nn.Link()
    link.W = nn.Parameter([5.0, 5.0, 5.0], 3)
    optimizer = optim.Adam(lr=0.25).setup(link)
    factors = xdbr.asarray([1e-3, 1.0, -1e6])
    optimizer.update(lambda: xdbr.sum(link.W * factors))
    assert_allclose(link.W, [4.75, 4.75, 5.25], rtol=1e-5)


def test_adam_refuses_complex_parameters() -> None:
    link = nn.Link()
    link.W = nn.Parameter(np.array([1.0 + 2.0j]))
    optimizer = optim.Adam().setup(link)
    link.W.grad = np.array([1.0 + 0.0j])
    with (
        xdbr.device("numpy"),
        pytest.raises(DtypeError, match="Adam: expected real parameters; got one of dtype complex128"),
    ):
        optimizer.update()


# --------------------------------------------------------------------------------------- hyperparameters


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: optim.SGD(lr=-0.1), "SGD: lr must be at least 0; got -0.1"),
        (lambda: optim.SGD(lr=math.nan), "SGD: lr must be at least 0; got nan"),
        (lambda: optim.MomentumSGD(lr=math.inf), "MomentumSGD: lr must be at least 0; got inf"),
        (lambda: optim.MomentumSGD(momentum=1), "MomentumSGD: momentum must be at least 0 and below 1; got 1"),
        (lambda: optim.Adam(beta1=1.0), "Adam: beta1 must be at least 0 and below 1; got 1.0"),
        (lambda: optim.Adam(beta2=-0.5), "Adam: beta2 must be at least 0 and below 1; got -0.5"),
        (lambda: optim.Adam(eps=0), "Adam: eps must be above 0; got 0"),
        (lambda: optim.WeightDecay(-1), "WeightDecay: rate must be at least 0; got -1"),
        (lambda: optim.GradientClipping(0), "GradientClipping: threshold must be above 0; got 0"),
    ],
)
def test_hyperparameters_out_of_bounds(make: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        make()


@pytest.mark.parametrize("value", ["0.1", None, True, [0.1], 1j])
def test_hyperparameters_that_are_no_numbers(value: Any) -> None:
    with pytest.raises(TypeError, match="SGD: lr must be a real number; got"):
        optim.SGD(lr=value)


def test_a_model_in_the_place_of_a_hyperparameter() -> None:
    model = xdbr.nn.links.Linear(2, 3)
    for given in (model, list(model.params()), model.params()):
        with pytest.raises(
            TypeError, match=r"Adam: lr must be a real number; got \w+; a model is given by setup\(model"
        ):
            optim.Adam(given)


def test_hyperparameters_may_be_set_later() -> None:
    optimizer = optim.Adam()
    optimizer.lr = np.float32(0.5)
    assert optimizer.lr == 0.5
    assert type(optimizer.lr) is float
    assert repr(optimizer) == "Adam(lr=0.5, beta1=0.9, beta2=0.999, eps=1e-08)"
    with pytest.raises(ValueError, match="Adam: lr must be at least 0; got -1"):
        optimizer.lr = -1
    assert optimizer.lr == 0.5
    assert optim.Adam.lr.bounds() == "at least 0"
    assert optimizer.hyperparameters() == {"lr": 0.5, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


@pytest.mark.parametrize("name", ["alpha", "learning_rate"])
def test_another_name_of_the_step_size_is_refused(name: str) -> None:
    with pytest.raises(AttributeError, match=f"Adam has no hyperparameter '{name}'; the step size is called lr"):
        setattr(optim.Adam(), name, 0.1)


def test_a_parameter_that_was_overwritten_whole_is_told() -> None:
    model = xdbr.nn.links.Linear(2, 2)
    optimizer = optim.SGD(lr=0.1).setup(model)
    model.W[...] = 0.0
    assert model.W.requires_grad
    xdbr.sum(model(xdbr.ones((1, 2)))).backward()
    with pytest.raises(xdbr.GradientError, match="was overwritten by a recorded operation"):
        optimizer.update()
