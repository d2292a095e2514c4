"""Parameters: values from initializers, lazy sizes, names, devices, copies."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import xdbr
from xdbr import nn
from xdbr._errors import DeviceError, DtypeError, GradientError, ShapeError
from xdbr.backends import Backend, Device
from xdbr.nn import Parameter, UninitializedError, initializers
from xdbr.testing import assert_allclose, to_host


def test_from_a_number(device: Device) -> None:
    param = Parameter(1.5, (2, 3))
    assert param.shape == (2, 3)
    assert param.dtype == xdbr.float32
    assert param.device == device
    assert param.requires_grad
    assert param.is_leaf
    assert_allclose(param, np.full((2, 3), 1.5))


def test_from_an_array_of_its_own_dtype_and_shape(device: Device) -> None:
    source = np.array([1.0, 2.0])
    param = Parameter(source)
    assert param.dtype == xdbr.float64
    assert param.shape == (2,)
    source[0] = 9
    assert_allclose(param, [1.0, 2.0])


def test_from_an_array_and_a_shape_that_differ() -> None:
    with pytest.raises(ShapeError, match=r"Constant: expected an array of shape \(3,\) to fill with; got \(2,\)"):
        Parameter([1.0, 2.0], 3)


def test_from_a_callable(device: Device) -> None:
    asked = []

    def initializer(shape: Any, *, dtype: Any, device: Any) -> Any:
        asked.append((shape, str(dtype), device))
        return xdbr.arange(6, dtype=dtype, device=device).reshape(shape)

    param = Parameter(initializer, (2, 3))
    assert asked == [((2, 3), "float32", device)]
    assert_allclose(param, [[0, 1, 2], [3, 4, 5]])


def test_a_callable_that_gives_another_shape_is_named() -> None:
    with pytest.raises(ShapeError, match=r"was asked for shape \(2,\) and gave \(3,\)"):
        Parameter(lambda shape, **where: xdbr.zeros(3), 2)


def test_default_dtype_is_read(float64: None) -> None:
    assert Parameter(0, 2).dtype == xdbr.float64
    assert Parameter(0, 2, dtype="float32").dtype == xdbr.float32
    assert Parameter(initializers.Normal(dtype="float32"), 2).dtype == xdbr.float32


def test_integer_dtype_is_refused() -> None:
    with pytest.raises(DtypeError, match="expected a floating-point dtype; got int64"):
        Parameter(np.arange(3))
    assert not Parameter(np.arange(3), requires_grad=False).requires_grad


@pytest.mark.parametrize("shape", ["ab", 1.5, (1, "x"), {}])
def test_no_shape(shape: Any) -> None:
    with pytest.raises(TypeError, match="shape must be an integer or a tuple"):
        Parameter(0, shape)


def test_negative_length() -> None:
    with pytest.raises(ShapeError, match=r"must not have negative lengths; got \(2, -1\)"):
        Parameter(0, (2, -1))


@pytest.mark.parametrize("initializer", [initializers.Normal, "normal"])
def test_an_initializer_must_be_an_instance(initializer: Any) -> None:
    with pytest.raises(TypeError, match="an initializer must be a number, an array, or a callable"):
        Parameter(initializer, 2)


# ------------------------------------------------------------------------------------------ lazy sizes


def test_lazy_parameter_knows_all_but_its_values(device: Device) -> None:
    param = Parameter(0, (2, None), name="/W")
    assert not param.is_initialized
    assert param.shape == (2, None)
    assert param.dtype == xdbr.float32
    assert param.device == device
    assert param.requires_grad
    assert param.grad is None
    assert repr(param) == "Parameter(name='/W', shape=(2, None), dtype=float32, no values yet)"
    param.materialize((2, 5))
    assert param.is_initialized
    assert param.shape == (2, 5)
    assert param.requires_grad
    assert param.is_leaf


def test_wholly_unknown_shape() -> None:
    param = Parameter(0)
    assert param.shape is None
    param.materialize(4)
    assert param.shape == (4,)


@pytest.mark.parametrize(
    "use",
    [
        lambda p: p + 1,
        lambda p: 1 - p,
        lambda p: p @ p,
        lambda p: p[0],
        xdbr.tanh,
        xdbr.sum,
        lambda p: xdbr.concat([p, p]),
        lambda p: p.data,
        lambda p: p.size,
        np.asarray,
        float,
        lambda p: p.item(),
        lambda p: p.detach(),
    ],
)
def test_use_before_there_are_values_names_the_parameter(use: Any) -> None:
    param = Parameter(0, (2, None), name="/l1/W")
    with pytest.raises(UninitializedError, match=r"parameter '/l1/W' has no values yet: its shape \(2, None\)"):
        use(param)


def test_materialize_checks_and_is_done_once() -> None:
    param = Parameter(initializers.Normal(), (2, None), name="/W")
    with pytest.raises(ShapeError, match=r"materialize: parameter '/W' has shape \(2, None\); got shape \(3, 4\)"):
        param.materialize((3, 4))
    with pytest.raises(ShapeError, match=r"got shape \(2, None\)"):
        param.materialize((2, None))
    assert not param.is_initialized
    param.materialize((2, 4))
    values = to_host(param).copy()
    param.materialize((2, 4))
    assert_allclose(param, values, rtol=0)
    with pytest.raises(ShapeError, match=r"has shape \(2, 4\); got shape \(2, 5\)"):
        param.materialize((2, 5))


def test_requires_grad_is_remembered() -> None:
    param = Parameter(0, (None,))
    param.requires_grad = False
    param.materialize(3)
    assert not param.requires_grad
    param.requires_grad = True
    assert param.requires_grad


def test_assigning_data_fixes_the_shape(backend: Backend, device: Device) -> None:
    param = Parameter(0, (2, None), name="/W")
    with pytest.raises(ShapeError, match=r"data: parameter '/W' has shape \(2, None\); got shape \(3, 3\)"):
        param.data = backend.from_host(np.zeros((3, 3), "float32"), device=device)
    with pytest.raises(DtypeError, match="data of '/W': expected dtype float32; got float64"):
        param.data = np.zeros((2, 3))
    assert not param.is_initialized
    param.data = backend.from_host(np.ones((2, 3), "float32"), device=device)
    assert param.shape == (2, 3)
    assert param.requires_grad


def test_reinitialize() -> None:
    lazy = Parameter(initializers.Normal(), (3, None))
    lazy.reinitialize()
    assert not lazy.is_initialized
    param = Parameter(initializers.Normal(), 50)
    before = to_host(param).copy()
    param.reinitialize()
    assert not np.any(to_host(param) == before)
    assert param.is_leaf


# ---------------------------------------------------------------------------------- gradient and writes


def test_gradient_flows(float64: None) -> None:
    param = Parameter([1.0, 2.0, 3.0])
    xdbr.sum(param * param).backward()
    assert_allclose(param.grad, [2.0, 4.0, 6.0])


def test_new_data_does_not_reach_what_was_saved(backend: Backend, device: Device, float64: None) -> None:
    param = Parameter([1.0, 2.0])
    y = xdbr.sum(param * param)
    param.data = backend.from_host(np.array([10.0, 20.0]), device=device)
    y.backward()
    assert_allclose(param.grad, [2.0, 4.0])
    assert_allclose(param, [10.0, 20.0])


def test_recorded_write_and_the_way_back(float64: None) -> None:
    param = Parameter([1.0, 2.0])
    param += 1
    assert not param.is_leaf
    param.become_leaf()
    assert param.is_leaf
    assert_allclose(param, [2.0, 3.0])
    param *= 2
    param.data = np.array([5.0, 6.0]) if param.device == "numpy" else xdbr.asarray([5.0, 6.0]).data
    assert param.is_leaf
    xdbr.sum(param * 3).backward()
    assert_allclose(param.grad, [3.0, 3.0])


def test_write_under_no_grad_keeps_the_leaf(float64: None) -> None:
    param = Parameter([1.0, 2.0])
    with xdbr.no_grad():
        param += 1
        param[0] = 7.0
    assert param.is_leaf
    assert type(param) is Parameter
    assert_allclose(param, [7.0, 3.0])


# ------------------------------------------------------------------------------------------------ names


def test_name_reaches_the_graph() -> None:
    param = Parameter(0.0, 2)
    node = xdbr.tanh(param)._node
    assert node is not None
    param.name = "/l1/b"
    (edge,) = node.edges()
    assert edge is not None
    assert edge.label == "/l1/b"
    del param
    assert edge.label == "/l1/b"
    with pytest.raises(TypeError, match="expected a string or None; got int"):
        Parameter(0.0, 2).name = 3  # type: ignore[assignment]


# ---------------------------------------------------------------------------------------------- devices


def other_device(backend: Backend) -> Device:
    devices = [device for device in backend.devices() if device != backend.default_device()]
    if not devices:
        pytest.skip(f"{backend.name} has one device here")
    return devices[0]


def test_move_to_another_device(backend: Backend) -> None:
    there = other_device(backend)
    with xdbr.device(backend.default_device()):
        param = Parameter([1.0, 2.0])
    y = xdbr.sum(param * param)
    y.backward(retain_graph=True)
    assert param.grad is not None
    param.move_to(there)
    assert param.device == there
    assert param.grad.device == there
    assert param.is_leaf
    assert_allclose(param.grad, [2.0, 4.0])
    y.backward()  # of a graph from before, which reaches the parameter no more
    assert_allclose(param.grad, [2.0, 4.0])
    xdbr.sum(param).backward()
    assert_allclose(param.grad, [3.0, 5.0])


def test_move_before_there_are_values(backend: Backend) -> None:
    there = other_device(backend)
    with xdbr.device(backend.default_device()):
        param = Parameter(1.0, (None,))
    param.move_to(there)
    assert param.device == there
    param.materialize(2)
    assert param.device == there


def test_move_to_no_device() -> None:
    param = Parameter(1.0, 2)
    with pytest.raises(DeviceError, match="unknown device 'gameboy'"):
        param.move_to("gameboy")


def test_overwritten_parameter_does_not_move(backend: Backend) -> None:
    there = other_device(backend)
    with xdbr.device(backend.default_device()):
        param = Parameter(1.0, 2, name="/W")
    param += 1
    with pytest.raises(GradientError, match="parameter '/W' was overwritten"):
        param.move_to(there)


# ----------------------------------------------------------------------------------------------- copies


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies(how: Any, device: Device) -> None:
    param = Parameter([1.0, 2.0], name="/b")
    param.update_enabled = False
    xdbr.sum(param * 3).backward()
    made = how(param)
    assert type(made) is Parameter
    assert made.name == "/b"
    assert made.device == device
    assert made.is_leaf
    assert made.requires_grad
    assert not made.update_enabled
    assert_allclose(made, [1.0, 2.0])
    assert_allclose(made.grad, [3.0, 3.0])
    with xdbr.no_grad():
        made[0] = 9.0
    assert_allclose(param, [1.0, 2.0])

    lazy = how(Parameter(initializers.One(), (2, None), name="/W", requires_grad=False))
    assert not lazy.is_initialized
    assert lazy.shape == (2, None)
    assert lazy.device == device
    lazy.materialize((2, 1))
    assert not lazy.requires_grad
    assert lazy.name == "/W"
    assert_allclose(lazy, [[1.0], [1.0]])


def test_parameter_is_exported() -> None:
    assert nn.Parameter is Parameter
