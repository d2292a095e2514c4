"""What every optimizer shares: which parameters change, hooks, failures, lazily sized parameters, devices, state."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import numpy as np
import pytest

import xdbr
import xdbr.nn.links as L
from xdbr import nn, optim
from xdbr._errors import GradientError, SerializationError, ShapeError
from xdbr.backends import Backend, Device
from xdbr.testing import assert_allclose, to_host

ALL = [lambda: optim.SGD(lr=0.1), lambda: optim.MomentumSGD(lr=0.1), lambda: optim.Adam(lr=0.1)]
every = pytest.mark.parametrize("make", ALL, ids=["SGD", "MomentumSGD", "Adam"])


def model_of(*sizes: int | None) -> Any:
    return L.Classifier(nn.Sequential(*(L.Linear(a, b) for a, b in itertools.pairwise(sizes))))


def batch(device: Any = None) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = xdbr.asarray(rng.normal(size=(6, 4)).astype("float32"))
    t = xdbr.asarray(rng.integers(0, 3, 6))
    return (x, t) if device is None else (x.to_device(device), t.to_device(device))


def values(link: nn.Link) -> dict[str, Any]:
    return {path: to_host(param).copy() for path, param in link.namedparams(include_uninit=False)}


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


# ------------------------------------------------------------------------------------------ what changes


@every
def test_update_by_gradients_and_by_a_loss_are_the_same(make: Any, device: Device) -> None:
    x, t = batch()
    one = model_of(4, 5, 3)
    other = one.copy("copy")
    a, b = make().setup(one), make().setup(other)
    for _ in range(3):
        loss = a.update(one, x, t)
        other.cleargrads()
        other(x, t).backward()
        assert b.update() is None
        assert_allclose(loss, to_host(other.loss), rtol=0)
    assert same(values(one), values(other))
    assert a.t == b.t == 3
    assert all(param.is_leaf and type(param) is nn.Parameter for param in one.params())


@every
def test_what_has_no_gradient_or_is_frozen_stays(make: Any, device: Device) -> None:
    x, t = batch()
    model = model_of(4, 5, 3)
    model.unused = nn.Parameter(1.0, 2)
    model.constant = nn.Parameter(1.0, 2, requires_grad=False)
    model.lazy = L.Linear(None, 2, nobias=True)
    model.predictor[0].disable_update()
    before = values(model)
    optimizer = make().setup(model)
    optimizer.update(model, x, t)
    changed = {path for path, value in values(model).items() if not np.array_equal(value, before[path])}
    assert changed == {"/predictor/1/W", "/predictor/1/b"}
    assert model.predictor[0].W.grad is not None
    model.enable_update()
    optimizer.update(model, x, t)
    assert not np.array_equal(values(model)["/predictor/0/W"], before["/predictor/0/W"])


def test_tied_parameters_change_once() -> None:
    model = nn.Chain(a=L.Linear(2, 2, nobias=True), b=L.Linear(2, 2, nobias=True))
    model.b.W = model.a.W
    before = to_host(model.a.W).copy()
    optimizer = optim.SGD(lr=1.0).setup(model)
    optimizer.update(lambda: xdbr.sum(model.a.W) + xdbr.sum(model.b.W))
    assert_allclose(model.a.W, before - 2, rtol=1e-6, atol=1e-6)


@every
def test_values_that_a_forward_has_saved_stay(make: Any, float64: None, device: Device) -> None:
    model = nn.Link()
    model.W = nn.Parameter([1.0, 2.0, 3.0])
    optimizer = make().setup(model)
    y = xdbr.sum(model.W * model.W * model.W)
    view = model.W[1:]
    kept = model.W.data
    optimizer.update(lambda: xdbr.sum(model.W))
    y.backward()
    assert_allclose(xdbr.asarray(kept), [1.0, 2.0, 3.0])
    assert_allclose(model.W.grad, 1 + 3 * np.array([1.0, 4.0, 9.0]))
    assert_allclose(view, to_host(model.W)[1:])


def test_gradients_with_a_graph_of_their_own_are_taken_as_values(device: Device) -> None:
    model = nn.Link()
    model.W = nn.Parameter([3.0], 1)
    optimizer = optim.SGD(lr=0.5).setup(model)
    xdbr.sum(model.W**2).backward(create_graph=True)
    assert model.W.grad.requires_grad
    optimizer.update()
    assert model.W.is_leaf
    assert_allclose(model.W, [0.0], atol=1e-6)


def test_a_link_that_joins_later_is_trained() -> None:
    x, _ = batch("numpy")
    with xdbr.device("numpy"):
        model = nn.Link()
        model.layers = []
        optimizer = optim.Adam(lr=0.1).setup(model)
        model.layers.append(L.Linear(4, 2))
        before = values(model)
        optimizer.update(lambda: xdbr.sum(model.layers[0](x)))
        assert not same(values(model), before)


def test_epochs_are_counted() -> None:
    optimizer = optim.SGD().setup(nn.Link())
    optimizer.new_epoch()
    assert optimizer.epoch == 1
    assert optimizer.t == 0


# ------------------------------------------------------------------------------------------- bad input


def test_update_without_a_model() -> None:
    with pytest.raises(RuntimeError, match=r"Adam.update: there is no model to train; call adam.setup\(model\) first"):
        optim.Adam().update()
    with pytest.raises(
        TypeError, match="SGD.setup: expected a Link to train, the model itself and not its parameters; got int"
    ):
        optim.SGD().setup(3)  # type: ignore[arg-type]


def test_a_loss_that_is_none() -> None:
    model = model_of(4, 3)
    optimizer = optim.SGD().setup(model)
    with pytest.raises(TypeError, match="SGD.update: lossfun must give a Variable; got float"):
        optimizer.update(lambda: 1.0)  # type: ignore[arg-type, return-value]
    with pytest.raises(GradientError, match="has no graph"):
        optimizer.update(lambda: xdbr.ones(()))
    assert optimizer.t == 0


def test_gradients_stay_where_there_is_no_loss_to_go_back_from() -> None:
    x, t = batch("numpy")
    with xdbr.device("numpy"):
        model = model_of(4, 3)
    optimizer = optim.SGD().setup(model)
    optimizer.update(model, x, t)
    before = {path: to_host(param.grad).copy() for path, param in model.namedparams()}

    def broken() -> Any:
        raise RuntimeError("no loss")

    for lossfun, match in (
        (broken, "no loss"),
        (lambda: xdbr.ones(()), "has no graph"),
        (lambda: model.predictor(x), r"has shape \(6, 3\)"),
    ):
        with pytest.raises(RuntimeError, match=match):
            optimizer.update(lossfun)
        for path, param in model.namedparams():
            assert param.grad is not None
            assert_allclose(param.grad, before[path], rtol=0)


def test_overwritten_parameter_is_named() -> None:
    model = L.Linear(2, 2)
    optimizer = optim.SGD().setup(model)
    model.W *= 0.5
    before = values(model)
    with pytest.raises(GradientError, match=r"SGD.update: parameter '/W' was overwritten by a recorded operation"):
        optimizer.update(lambda: xdbr.sum(model.W))
    assert same(values(model), before)


class Failing(optim.MomentumSGD):
    """Fails at the last parameter."""

    def rule(self, xp: Any, param: Any, grad: Any, arrays: Any, t: int) -> Any:
        if tuple(param.shape) == (3,):
            raise MemoryError("no room for this one")
        return super().rule(xp, param, grad, arrays, t)


def test_a_failing_update_changes_nothing(device: Device) -> None:
    x, t = batch()
    model = model_of(4, 5, 3)
    optimizer = Failing(lr=0.1).setup(model)
    before, state = values(model), optimizer.state_dict()
    with pytest.raises(MemoryError):
        optimizer.update(model, x, t)
    assert same(values(model), before)
    assert optimizer.t == 0
    assert {key: v for key, v in state.items() if "/" not in key} == {
        key: v for key, v in optimizer.state_dict().items() if "/" not in key
    }
    for key, value in optimizer.state_dict().items():
        if key.endswith("/v"):
            assert not np.any(value)


def test_a_rule_that_changes_the_shape_is_refused() -> None:
    class Wrong(optim.SGD):
        def rule(self, xp: Any, param: Any, grad: Any, arrays: Any, t: int) -> Any:
            return xp.sum(param), {}

    model = L.Linear(2, 2, nobias=True)
    with pytest.raises(
        ShapeError, match=r"Wrong.update: the rule gave shape \(\) .* for parameter '/W' of shape \(2, 2\)"
    ):
        Wrong().setup(model).update(lambda: xdbr.sum(model.W))


# ------------------------------------------------------------------------------------------------ hooks


def test_weight_decay(device: Device, float64: None) -> None:
    model = nn.Link()
    model.W = nn.Parameter([1.0, -2.0])
    optimizer = optim.SGD(lr=0.1).setup(model)
    optimizer.add_hook(optim.WeightDecay(0.5))
    optimizer.update(lambda: xdbr.sum(model.W * 3))
    assert_allclose(model.W, [1 - 0.1 * (3 + 0.5), -2 - 0.1 * (3 - 1.0)])
    assert_allclose(model.W.grad, [3.0, 3.0])


def test_gradient_clipping(device: Device, float64: None) -> None:
    model = nn.Chain(a=nn.Link(), b=nn.Link())
    model.a.W = nn.Parameter([0.0, 0.0])
    model.b.W = nn.Parameter([[0.0]])
    optimizer = optim.SGD(lr=1.0).setup(model)
    optimizer.add_hook(optim.GradientClipping(6.5))
    cotangent = xdbr.asarray([3.0, 4.0])

    def loss(factor: float) -> Any:
        return factor * (xdbr.sum(model.a.W * cotangent) + xdbr.sum(model.b.W) * 12)

    optimizer.update(loss, 1.0)  # a norm of 13
    assert_allclose(model.a.W, [-1.5, -2.0])
    assert_allclose(model.b.W, [[-6.0]])
    optimizer.update(loss, 0.5)  # a norm of 6.5 is left as it is
    assert_allclose(model.a.W, [-3.0, -4.0])


@pytest.mark.parametrize("size", [1e30, 1e-30])
def test_gradient_clipping_of_extreme_gradients(size: float, device: Device) -> None:
    model = nn.Link()
    model.W = nn.Parameter(0.0, 2)
    optimizer = optim.SGD(lr=1.0).setup(model)
    optimizer.add_hook(optim.GradientClipping(5 * size / 10))
    model.W.grad = xdbr.asarray([3 * size, 4 * size])
    optimizer.update()
    assert_allclose(model.W, [-0.3 * size, -0.4 * size])


def test_gradient_clipping_lets_nan_be_seen(device: Device) -> None:
    model = nn.Link()
    model.W = nn.Parameter(0.0, 2)
    optimizer = optim.SGD(lr=1.0).setup(model)
    optimizer.add_hook(optim.GradientClipping(1.0))
    model.W.grad = xdbr.asarray([float("nan"), 1.0])
    optimizer.update()
    assert np.all(np.isnan(to_host(model.W)))


def test_hooks_run_in_order_and_get_what_changes(device: Device) -> None:
    model = model_of(4, 3)
    model.frozen = nn.Parameter(1.0, 1)
    optimizer = optim.SGD(lr=1.0).setup(model)
    seen = []

    def double(optimizer: Any, params: Any, grads: Any) -> Any:
        seen.append([param.name for param in params])
        return [grad * 2 for grad in grads]

    def watch(optimizer: Any, params: Any, grads: Any) -> None:
        seen.append([bool((grad == 2 * param.grad).all()) for param, grad in zip(params, grads, strict=True)])

    optimizer.add_hook(double)
    optimizer.add_hook(watch, name="second")
    assert optimizer.hooks == ("double", "second")
    optimizer.update(model, *batch())
    assert seen == [["/predictor/0/W", "/predictor/0/b"], [True, True]]
    optimizer.remove_hook("double")
    assert optimizer.hooks == ("second",)


def test_bad_hooks(device: Device) -> None:
    model = model_of(4, 3)
    optimizer = optim.SGD().setup(model)
    with pytest.raises(TypeError, match="add_hook: expected a callable; got float"):
        optimizer.add_hook(0.5)  # type: ignore[arg-type]
    optimizer.add_hook(optim.WeightDecay(0.1))
    with pytest.raises(ValueError, match="there is a hook named 'WeightDecay' already"):
        optimizer.add_hook(optim.WeightDecay(0.1))
    with pytest.raises(KeyError, match="there is no hook 'x'; there are WeightDecay"):
        optimizer.remove_hook("x")
    before = values(model)
    for name, hook, match in [
        ("few", lambda o, p, g: g[:1], "hook 'few': expected 2 gradients, one for each parameter; got 1"),
        ("sums", lambda o, p, g: [xdbr.sum(x) for x in g], r"hook 'sums': expected a gradient of shape \(3, 4\)"),
    ]:
        optimizer.add_hook(hook, name)
        with pytest.raises(ValueError, match=match):
            optimizer.update(model, *batch())
        optimizer.remove_hook(name)
    assert same(values(model), before)


# ---------------------------------------------------------------------------------------------- devices


@every
def test_state_follows_the_model(make: Any, backend: Backend) -> None:
    devices = [device for device in backend.devices() if device != backend.default_device()]
    if not devices:
        pytest.skip(f"{backend.name} has one device here")
    here, there = backend.default_device(), devices[0]
    with xdbr.device(here):
        one = model_of(4, 3)
        other = one.copy("copy")
        a, b = make().setup(one), make().setup(other)
        for move in (False, True, False):
            a.update(one, *batch(one.predictor[0].W.device))
            b.update(other, *batch(here))
            if move:
                one.to_device(there)
        assert {param.device for param in one.params()} == {there}
        for path, value in values(other).items():
            assert_allclose(values(one)[path], value)


# ------------------------------------------------------------------------------------------------ state


@every
@pytest.mark.parametrize("lazy", [False, True])
def test_training_goes_on_bit_for_bit(make: Any, lazy: bool, device: Device) -> None:
    x, t = batch()
    one = model_of(4, 5, 3)
    a = make().setup(one)
    for _ in range(3):
        a.update(one, x, t)
    a.new_epoch()
    state, weights = a.state_dict(), one.state_dict()
    other = model_of(None, 5, 3) if lazy else model_of(4, 5, 3)
    b = type(a)(lr=0.7).setup(other)
    # The optimizer first: its state waits until the lazily sized parameters have their values.
    b.load_state_dict(state)
    assert {**b.state_dict()}.keys() == state.keys()
    other.load_state_dict(weights)
    assert (b.t, b.epoch, b.hyperparameters()) == (3, 1, a.hyperparameters())
    for _ in range(3):
        a.update(one, x, t)
        b.update(other, x, t)
    assert same(values(one), values(other))
    for key, value in a.state_dict().items():
        assert np.array_equal(b.state_dict()[key], value)


def test_state_of_parameters_that_have_not_been_updated() -> None:
    model = model_of(4, 5, 3)
    optimizer = optim.Adam().setup(model)
    assert optimizer.state_dict() == {
        "type": "Adam", "t": 0, "epoch": 0,
        "hyper/lr": 0.001, "hyper/beta1": 0.9, "hyper/beta2": 0.999, "hyper/eps": 1e-8,
    }  # fmt: skip
    model.predictor[1].disable_update()
    optimizer.update(model, *batch())
    state = optimizer.state_dict()
    assert [key for key in state if key.startswith("param")] == [
        f"param/predictor/0/{name}/{part}" for name in "Wb" for part in ("t", "m", "v")
    ]
    model.predictor[1].enable_update()
    optimizer.update(model, *batch())
    assert optimizer.state_dict()["param/predictor/0/W/t"] == 2
    assert optimizer.state_dict()["param/predictor/1/W/t"] == 1


def test_state_is_a_snapshot() -> None:
    model = model_of(4, 3)
    optimizer = optim.MomentumSGD(lr=0.1).setup(model)
    optimizer.update(model, *batch())
    state = optimizer.state_dict()
    before = {key: np.array(value) for key, value in state.items()}
    optimizer.update(model, *batch())
    assert same(state, before)
    assert not state["param/predictor/0/W/v"].flags.writeable


def test_everything_that_does_not_fit_is_listed_and_nothing_changed() -> None:
    model = model_of(4, 3)
    optimizer = optim.Adam(lr=0.5).setup(model)
    optimizer.update(model, *batch())
    state: dict[str, Any] = dict(optimizer.state_dict())
    del state["epoch"], state["hyper/beta1"], state["param/predictor/0/W/v"]
    state["t"] = -3
    state["hyper/lr"] = -1.0
    state["param/predictor/0/b/m"] = np.zeros(4, "float32")
    state["param/predictor/0/b/v"] = np.zeros(3)
    state["param/predictor/0/b/t"] = 1.5
    state["param/other/W/m"] = np.zeros(3)
    before = optimizer.state_dict()
    with pytest.raises(SerializationError) as raised:
        optimizer.load_state_dict(state)
    for line in [
        "Adam.load_state_dict: the state does not fit, nothing was loaded:",
        "missing: epoch",
        "missing: hyper/beta1",
        "missing: param/predictor/0/W/v",
        "wrong value: t must be an integer from 0; got -3",
        "wrong value: Adam: lr must be at least 0; got -1.0",
        "wrong shape: param/predictor/0/b/m has (4,), expected (3,)",
        "wrong dtype: param/predictor/0/b/v has float64, expected float32",
        "wrong value: param/predictor/0/b/t must be an integer from 0; got 1.5",
        "unexpected: param/other/W/m",
    ]:
        assert line in str(raised.value)
    assert same(
        {k: np.array(v) for k, v in optimizer.state_dict().items()}, {k: np.array(v) for k, v in before.items()}
    )
    with pytest.raises(SerializationError, match="wrong type: the state is of a SGD, this is a Adam"):
        optimizer.load_state_dict(optim.SGD().setup(model).state_dict())
    with pytest.raises(SerializationError, match="expected a dict; got int"):
        optimizer.load_state_dict(3)  # type: ignore[arg-type]


def test_state_that_turns_out_not_to_fit_a_lazy_parameter() -> None:
    trained = model_of(4, 3)
    a = optim.MomentumSGD().setup(trained)
    a.update(trained, *batch())
    model = model_of(None, 3)
    b = optim.MomentumSGD().setup(model)
    b.load_state_dict(a.state_dict())
    x = xdbr.ones((6, 7))
    with pytest.raises(SerializationError, match=r"param/predictor/0/W/v has \(3, 4\), expected \(3, 7\)"):
        b.update(model, x, batch()[1])


@every
@pytest.mark.parametrize("how", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
def test_copies(make: Any, how: Any) -> None:
    with xdbr.device("numpy"):
        x, t = batch()
        a = make().setup(model_of(4, 3))
        a.add_hook(optim.WeightDecay(0.1))
        a.update(a.target, x, t)
        a.target.cleargrads()
        b = how(a)
        assert b.target is not a.target
        a.update(a.target, x, t)
        b.update(b.target, x, t)
        assert same(values(a.target), values(b.target))
        assert b.hooks == a.hooks


def test_setup_forgets() -> None:
    model = model_of(4, 3)
    optimizer = optim.Adam().setup(model)
    optimizer.update(model, *batch())
    optimizer.setup(model)
    assert optimizer.t == 0
    assert not [key for key in optimizer.state_dict() if key.startswith("param")]


def test_an_optimizer_must_have_a_rule() -> None:
    model = L.Linear(2, 2)
    with pytest.raises(NotImplementedError, match="Optimizer must define rule"):
        optim.Optimizer().setup(model).update(lambda: xdbr.sum(model.W))


def test_a_model_without_parameters_is_refused() -> None:
    class Forgotten(nn.Link):
        def __init__(self) -> None:
            super().__init__()
            self.w = xdbr.Variable([1.0], requires_grad=True)

    model = Forgotten()
    optimizer = optim.SGD(0.1).setup(model)
    xdbr.sum(model.w).backward()
    with pytest.raises(ValueError, match=r"SGD\.update: the Forgotten has no parameters, .* nn\.Parameter"):
        optimizer.update()
