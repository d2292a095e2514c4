"""Devices: spellings, the default one and where it comes from, moving between them, and arguments on two of them."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import xdbr
from xdbr import backends
from xdbr._errors import BackendError, DeviceError
from xdbr.backends import Device
from xdbr.testing import assert_allclose

ROOT = Path(__file__).parents[1]
STRICT = backends.available()["strict"] is None
needs_strict = pytest.mark.skipif(not STRICT, reason="array-api-strict, which has several devices, is not installed")


# -- spellings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelling", "name", "index"),
    [
        ("numpy", "numpy", None),
        ("cupy:0", "cupy", 0),
        ("strict:device1", "strict", "device1"),
        ("torch:cuda:1", "torch", "cuda:1"),
    ],
)
def test_spelling_of_a_device(spelling, name, index):
    device = Device(spelling)
    assert (device.name, device.index) == (name, index)
    assert str(device) == spelling and repr(device) == f"Device({spelling!r})"
    assert device == spelling and device == Device(name, index) and device != Device("other")
    assert hash(device) == hash(Device(spelling)) and {device: 1}[Device(spelling)] == 1
    assert pickle.loads(pickle.dumps(device)) == device == copy.deepcopy(device)


def test_index_as_text_is_the_number():
    assert Device("cupy", "1") == Device("cupy", 1) == Device("cupy:1")


@pytest.mark.parametrize("bad", ["", ":0", "cupy:", "two words", "cuda!", 3, None])
def test_no_spelling_of_a_device(bad):
    with pytest.raises(DeviceError, match="Device: expected a spelling"):
        Device(bad)


def test_device_is_immutable():
    with pytest.raises(AttributeError, match="immutable"):
        Device("numpy").name = "cupy"
    assert (Device("numpy") == 3) is False


def test_device_knows_its_backend(backend):
    assert backend.default_device().backend is backend


# -- reading a device ------------------------------------------------------------------------------------


def test_parse(backend):
    for device in backend.devices():
        assert backends.parse_device(str(device)) == device
        assert backends.parse_device(device) == device
        raw = backend.raw_device(device)
        if raw is not None and not isinstance(raw, str):
            assert backends.parse_device(raw) == device
    assert backends.parse_device(backend.name) == backend.default_device()
    assert backends.parse_device("cpu") == "numpy"


@pytest.mark.parametrize("ask", [xdbr.device, xdbr.set_default_device, lambda d: xdbr.zeros(2, device=d)])
def test_unknown_backend_of_a_device(ask):
    with pytest.raises(
        DeviceError, match=r"unknown device 'nonesuch:0': unknown backend 'nonesuch'; available: .*numpy"
    ):
        ask("nonesuch:0")


def test_unknown_device_of_a_backend(backend):
    known = ", ".join(map(str, backend.devices()))
    with pytest.raises(
        DeviceError, match=f"device: backend '{backend.name}' has no device '{backend.name}:nonesuch'; it has "
    ) as e:
        xdbr.device(f"{backend.name}:nonesuch")
    assert known in str(e.value)


def test_malformed_device_lists_what_there_is():
    with pytest.raises(DeviceError, match=r"device: unknown device 'two words': .*; available: .*numpy"):
        xdbr.device("two words")


@pytest.mark.parametrize("spelling", ["gpu", "cuda", "cuda:0"])
def test_hint_for_other_libraries_spellings(spelling):
    with pytest.raises(DeviceError, match="a GPU is spelled 'cupy:0'"):
        xdbr.device(spelling)


def test_what_is_no_device_at_all():
    with pytest.raises(DeviceError, match="expected a device such as 'numpy' or 'cupy:0'; got 3 of type int"):
        xdbr.device(3)


def test_torch_devices():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    assert backends.parse_device(torch.device("cpu")) == "torch" == backends.parse_device("torch:cpu")
    assert backends.get("torch").from_raw_device("cpu") is None  # the name alone is NumPy's too
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="has no device 'torch:cuda'; it has torch"):
            backends.parse_device("torch:cuda")


# -- the default device ------------------------------------------------------------------------------------


def test_context_manager(device):
    before = xdbr.get_default_device()
    with xdbr.device(device) as entered:
        assert entered is not None
        assert xdbr.get_default_device() == device
        assert xdbr.zeros(2).device == xdbr.asarray([1.0]).device == xdbr.random.normal(2).device == device
        with xdbr.device("numpy"):
            assert xdbr.zeros(2).device == "numpy"
        assert xdbr.zeros(2).device == device
    assert xdbr.get_default_device() == before


def test_context_manager_is_left_by_an_error(device):
    before = xdbr.get_default_device()
    with pytest.raises(ZeroDivisionError), xdbr.device(device):
        raise ZeroDivisionError
    assert xdbr.get_default_device() == before


def test_context_manager_can_be_entered_again(device):
    on = xdbr.device(device)
    with on, on:
        assert xdbr.zeros(1).device == device
    with on:
        assert xdbr.zeros(1).device == device


def test_decorator(device):
    @xdbr.device(device)
    def make():
        return xdbr.ones(2)

    assert make().device == device


@needs_strict
def test_default_device_is_private_to_threads_and_tasks():
    seen = {}
    both = threading.Barrier(2)

    def work(spelling):
        with xdbr.device(spelling):
            both.wait()
            seen[spelling] = xdbr.zeros(1).device
            both.wait()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("strict", "strict:device1")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"strict": "strict", "strict:device1": "strict:device1"}

    async def task(spelling):
        with xdbr.device(spelling):
            await asyncio.sleep(0)
            return xdbr.zeros(1).device

    async def gather():
        return await asyncio.gather(task("numpy"), task("strict:device2"))

    assert asyncio.run(gather()) == ["numpy", "strict:device2"]


@needs_strict
def test_set_default_device():
    before = xdbr.get_default_device()
    try:
        xdbr.set_default_device("strict:device1")
        assert xdbr.zeros(1).device == "strict:device1" == xdbr.get_default_device()
        # A backend's own namespace creates on the default device where that is its own.
        assert xdbr.namespace("strict").zeros(1).device == "strict:device1"
        assert xdbr.namespace("numpy").zeros(1).device == "numpy"
        with xdbr.device("numpy"):
            assert xdbr.zeros(1).device == "numpy"
            assert xdbr.namespace("strict").zeros(1).device == "strict"
        with pytest.raises(DeviceError, match="set_default_device"):
            xdbr.set_default_device("nonesuch")
        assert xdbr.get_default_device() == "strict:device1"
    finally:
        xdbr.set_default_device(before)


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("XDBR_")}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), env.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", code], env=env | environment, capture_output=True, text=True, check=False
    )


@needs_strict
def test_default_device_from_the_environment():
    done = run("import xdbr; print(xdbr.zeros(1).device)", XDBR_DEVICE="strict:device2")
    assert done.stdout.strip() == "strict:device2", done.stderr


def test_wrong_default_device_in_the_environment():
    done = run("import xdbr; print('imported'); xdbr.zeros(1)", XDBR_DEVICE="nonesuch")
    assert done.returncode != 0 and done.stdout.strip() == "imported"
    assert "XDBR_DEVICE: unknown device 'nonesuch': unknown backend 'nonesuch'; available: numpy" in done.stderr


# -- moving ----------------------------------------------------------------------------------------------


def devices():
    """Every device of every backend that is here."""
    return [
        device
        for name, reason in backends.available().items()
        if reason is None
        for device in backends.get(name).devices()
    ]


def test_to_device_and_back_with_gradient(device):
    for other in devices():
        x = xdbr.Variable([1.0, 2.0, 3.0], requires_grad=True, device=device)
        y = x.to_device(other)
        assert y.device == other and y.dtype == x.dtype
        xdbr.sum(y * y).backward()
        assert x.grad.device == device
        assert x.grad.tolist() == [2.0, 4.0, 6.0]


def test_to_device_has_second_derivatives(device):
    for other in devices():
        x = xdbr.Variable([1.0, 2.0], requires_grad=True, device=device)
        y = x.to_device(other)
        (g,) = xdbr.grad([xdbr.sum(y * y * y)], [x], create_graph=True)
        h = xdbr.grad(xdbr.sum(g), x)
        assert h.device == device and h.tolist() == [6.0, 12.0]


def test_to_the_device_where_it_is_gives_itself(device):
    x = xdbr.zeros(2, device=device)
    assert x.to_device(device) is x and x.to_device(str(device)) is x


def test_to_an_unknown_device():
    x = xdbr.zeros(2)
    with pytest.raises(DeviceError, match=r"to_device: unknown device 'nonesuch'.*available: numpy"):
        x.to_device("nonesuch")


def test_creation_on_a_device(device):
    other = xdbr.ones(3, device=device)
    assert xdbr.asarray(np.ones(3), device=device).device == device
    assert xdbr.asarray(other).device == device  # it stays where it lies
    assert xdbr.asarray(other, device="numpy").device == "numpy"
    assert xdbr.zeros_like(other).device == device
    assert xdbr.zeros_like(other, device="numpy").device == "numpy"
    assert xdbr.Variable([1.0], device=device).device == device
    assert_allclose(xdbr.arange(3, device=device), [0, 1, 2])


def test_results_stay_on_the_device(device):
    x = xdbr.Variable([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, device=device)
    for y in (x + 1, x @ x, xdbr.sum(x), x[0, :], x.T, xdbr.exp(x), xdbr.reshape(x, (4,)), x.astype("float32")):
        assert y.device == device
    xdbr.sum(x @ x).backward()
    assert x.grad.device == device


# -- two devices -----------------------------------------------------------------------------------------


@needs_strict
@pytest.mark.parametrize(
    ("one", "two"), [("numpy", "strict"), ("strict", "strict:device1"), ("strict:device1", "strict:device2")]
)
@pytest.mark.parametrize("grad", [False, True])
def test_arguments_on_two_devices(one, two, grad):
    x = xdbr.Variable([1.0, 2.0], requires_grad=grad, device=one)
    y = xdbr.Variable([1.0, 2.0], requires_grad=grad, device=two)
    expected = f"add: x1 is on '{one}' but x2 is on '{two}'; move one of them, for example x2.to_device\\('{one}'\\)"
    with pytest.raises(DeviceError, match=expected):
        x + y
    with pytest.raises(DeviceError, match="concat: "):
        xdbr.concat([x, y])
    with pytest.raises(DeviceError, match="where: "):
        xdbr.where(x > 1, x, y)
    with pytest.raises(DeviceError, match="setitem: "):
        x[0] = y[0]
    assert (x + y.to_device(one)).tolist() == [2.0, 4.0]


@needs_strict
def test_gradient_on_another_device():
    x = xdbr.Variable([1.0, 2.0], requires_grad=True, device="strict")
    with pytest.raises(DeviceError, match="expected a gradient on 'strict'; got one on 'strict:device1'"):
        (x * 2).backward(xdbr.ones(2, device="strict:device1"))


def test_python_numbers_have_no_device(device):
    x = xdbr.ones(2, device=device)
    assert (x + 1).device == (2.0 * x).device == device


# -- raw arrays of other libraries -------------------------------------------------------------------------


def test_torch_tensor_that_requires_grad_is_refused():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    t = torch.ones(2, requires_grad=True)
    for ask in (xdbr.asarray, xdbr.Variable, lambda t: xdbr.zeros(2, device="torch") + t, xdbr.exp):
        with pytest.raises(xdbr.GradientError, match=r"cut silently from torch's graph; pass tensor\.detach\(\)"):
            ask(t)
    x = xdbr.Variable(t.detach(), requires_grad=True)
    xdbr.sum(x * x).backward()
    assert x.grad.device == "torch" and not x.grad.data.requires_grad and t.grad is None


def test_torch_bfloat16_passes_through():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x = xdbr.Variable(torch.tensor([1.0, 2.0], dtype=torch.bfloat16), requires_grad=True)
    assert x.dtype == "bfloat16" and x.dtype.kind == "f"
    y = xdbr.sum(x * x)
    assert y.dtype == "bfloat16"
    y.backward()
    assert x.grad.dtype == "bfloat16" and x.grad.data.dtype is torch.bfloat16
    assert x.grad.tolist() == [2.0, 4.0]
    wide = x.astype("float32")
    assert wide.dtype == np.dtype("float32") and wide.tolist() == [1.0, 2.0]
    assert x.to_device("numpy").dtype == np.dtype("float32")  # NumPy has no bfloat16
    with xdbr.default_dtype("bfloat16"), xdbr.device("torch"):
        assert xdbr.zeros(2).dtype == xdbr.random.normal(2).dtype == xdbr.random.uniform(2).dtype == "bfloat16"


def test_an_available_backend_is_no_error():
    assert isinstance(BackendError("x"), ValueError) and issubclass(DeviceError, ValueError)
