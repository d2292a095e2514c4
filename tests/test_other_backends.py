"""Backends from elsewhere: a library that keeps the standard and nothing more, and one that has a current device."""

from __future__ import annotations

import sys
import types

import boxlib
import numpy as np
import pytest
from backend_helpers import registry

import xdbr
from xdbr import backends
from xdbr._errors import BackendError, DeviceError
from xdbr.backends.compat_backend import CompatBackend
from xdbr.testing import assert_allclose

__all__ = ["registry"]  # a fixture


@pytest.fixture
def fresh_kernels():
    """Forget the kernels and namespaces made for another backend of boxes; no real program has two."""
    from xdbr import _namespaces
    from xdbr.autograd import kernels

    def forget():
        kernels.RAW_NAMESPACES.pop(boxlib.Box, None)
        for entry in kernels.REGISTRY.values():
            getattr(entry, "kernels", {}).pop(boxlib.Box, None)
        _namespaces._namespaces.pop("box", None)
        for device in [device for device in xdbr.random._defaults if device.name == "box"]:
            del xdbr.random._defaults[device]

    forget()
    yield
    forget()


@pytest.fixture
def box(registry, fresh_kernels):
    backends.register("box", lambda: CompatBackend(boxlib.lib, "box"))
    yield backends.get("box")
    for space in [name for name in sys.modules if name.startswith("xdbr.box")]:
        del sys.modules[space]


def test_third_party_backend_from_end_to_end(box):
    assert not box.aliasing_views and box.version() == "1.2.3"
    with xdbr.device("box"):
        w = xdbr.Variable([[1.0, -2.0], [0.5, 3.0]], requires_grad=True)
        x = xdbr.asarray([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        assert w.device == x.device == "box" and type(x.data) is boxlib.Box
        assert x.__array_namespace__() is xdbr.namespace("box")
        loss = xdbr.sum(xdbr.tanh(x @ w) ** 2)
        loss.backward()
        assert w.grad.device == "box"

    w2 = xdbr.Variable([[1.0, -2.0], [0.5, 3.0]], requires_grad=True, device="numpy")
    xdbr.sum(xdbr.tanh(xdbr.asarray(np.array([[1, 2], [3, 4], [5, 6]], "float32")) @ w2) ** 2).backward()
    assert_allclose(w.grad, w2.grad)


def test_third_party_backend_writes_and_views(box):
    with xdbr.device("box"):
        x = xdbr.Variable([1.0, 2.0, 3.0, 4.0], requires_grad=True)
        y = x * 1
        tail = y[2:]
        tail[0] = 10.0
        y[xdbr.asarray([0, 0])] = 5.0
        assert y.tolist() == [5.0, 2.0, 10.0, 4.0] and tail.tolist() == [10.0, 4.0]
        xdbr.sum(y * y).backward()
        assert x.grad.tolist() == [0.0, 4.0, 0.0, 8.0]
        picked = x[xdbr.asarray([1, 1, 3])]
        assert xdbr.grad(xdbr.sum(picked), x).tolist() == [0.0, 2.0, 0.0, 1.0]


def test_third_party_backend_moves_with_gradient(box):
    x = xdbr.Variable([1.0, 2.0], requires_grad=True, device="numpy")
    y = x.to_device("box")
    xdbr.sum(y * y).backward()
    assert x.grad.device == "numpy" and x.grad.tolist() == [2.0, 4.0]


def test_third_party_backend_has_random_numbers(box):
    a = xdbr.random.Generator(7, "box").normal((2, 3))
    assert a.device == "box"
    assert_allclose(a, xdbr.random.Generator(7, "numpy").normal((2, 3)), rtol=0)


def test_third_party_backend_refuses_numpy(box):
    x, y = xdbr.zeros(2, device="box"), xdbr.zeros(2, device="numpy")
    with pytest.raises(DeviceError, match=r"add: x1 is on 'box' but x2 is on 'numpy'"):
        x + y


class Placing(CompatBackend):
    """Of a library whose functions and operators run on a current device, as CuPy's do."""

    def __init__(self):
        super().__init__(boxlib.two, "box")
        self.current_device = True

    def spell(self, raw_device, /):
        return raw_device.number or None

    def copy(self, raw, /):
        with boxlib.on(raw.device):
            return super().copy(raw)

    def use(self, device, /):
        return boxlib.on(self.raw_device(device))

    def placed(self, kernel, /):
        def run(*args, **options):
            for arg in args:
                first = arg[0] if type(arg) in (list, tuple) and arg else arg
                if type(first) is boxlib.Box:
                    with boxlib.on(first.device):
                        return kernel(*args, **options)
            return kernel(*args, **options)

        return run


@pytest.fixture
def two(registry, fresh_kernels):
    backends.register("box", Placing)
    yield backends.get("box")
    for space in [name for name in sys.modules if name.startswith("xdbr.box")]:
        del sys.modules[space]


@pytest.mark.parametrize("where", ["box", "box:1"])
def test_everything_runs_on_the_device_of_its_arguments(two, where):
    """Forward, gradients, their gradients, sums of gradients, writes and updates; device 0 stays the current one."""
    w = xdbr.Variable([[1.0, -2.0], [0.5, 3.0]], requires_grad=True, device=where)
    x = xdbr.asarray([[1.0, 2.0], [3.0, 4.0]], device=where)
    for _ in range(2):  # the second time it adds to the gradient
        h = xdbr.tanh(x @ w)
        h[0] = h[1] * 2
        loss = xdbr.sum(h * h + xdbr.where(h > 0, h, xdbr.zeros_like(h))) + xdbr.mean(w) + w[0, 1]
        loss.backward(loss_scale=2.0)
    assert w.grad.device == where
    (g,) = xdbr.grad([xdbr.sum(xdbr.exp(w) * w)], [w], create_graph=True)
    (gg,) = xdbr.grad([xdbr.sum(g * g)], [w])
    assert gg.device == where and w.grad.dtype == gg.dtype

    w2 = xdbr.Variable([[1.0, -2.0], [0.5, 3.0]], requires_grad=True, device="numpy")
    x2 = x.to_device("numpy")
    for _ in range(2):
        h = xdbr.tanh(x2 @ w2)
        h[0] = h[1] * 2
        loss = xdbr.sum(h * h + xdbr.where(h > 0, h, xdbr.zeros_like(h))) + xdbr.mean(w2) + w2[0, 1]
        loss.backward(loss_scale=2.0)
    assert_allclose(w.grad, w2.grad)


def test_a_graph_over_two_current_devices(two):
    a = xdbr.Variable([1.0, 2.0], requires_grad=True, device="box")
    b = xdbr.Variable([3.0, 4.0], requires_grad=True, device="box:1")
    y = (a * a).to_device("box:1") * b
    z = xdbr.sum(y * b) + xdbr.sum(y)
    z.backward()
    assert a.grad.device == "box" and b.grad.device == "box:1"
    assert a.grad.tolist() == [24.0, 80.0] and b.grad.tolist() == [7.0, 36.0]


@pytest.mark.parametrize("where", ["box", "box:1"])
def test_training_on_the_second_device(two, where):
    import xdbr.nn.functions as F
    import xdbr.nn.links as L
    from xdbr import optim

    with xdbr.device(where):
        model = L.Linear(3, 2)
    x = xdbr.asarray(np.eye(3, dtype="float32"), device=where)
    t = xdbr.asarray([0, 1, 1], device=where)
    for make in (lambda: optim.SGD(lr=0.1), lambda: optim.MomentumSGD(lr=0.1), lambda: optim.Adam()):
        optimizer = make().setup(model)
        before = F.softmax_cross_entropy(model(x), t).item()
        for _ in range(3):
            optimizer.update(lambda: F.softmax_cross_entropy(model(x), t))
        assert F.softmax_cross_entropy(model(x), t).item() < before
    assert all(param.device == where for param in model.params())


def test_creation_in_cupy_enters_the_device_that_it_is_given():
    """What array-api-compat's namespace of CuPy takes and ignores."""
    from xdbr.backends.cupy_backend import CupyLibrary

    class Here:
        fft = types.SimpleNamespace(fft=abs, fftfreq=lambda n: (boxlib._current[-1], n))
        pi = 3.0

        @staticmethod
        def zeros(shape, *, dtype=None):
            return boxlib._current[-1], shape, dtype

        @staticmethod
        def ones_like(x):
            return boxlib._current[-1]

    class Device(boxlib.Where):
        def __enter__(self):
            boxlib._current.append(self)

        def __exit__(self, *error):
            boxlib._current.pop()

    here, there = boxlib.Where(0), Device(1)
    lib = CupyLibrary(Here)
    assert lib.zeros((2,), dtype="f4") == (here, (2,), "f4")
    assert lib.zeros(3, device=there) == (there, 3, None) and lib.zeros(3) == (here, 3, None)
    assert (
        lib.ones_like(boxlib.Box([1.0], there)) == there
        and lib.ones_like(boxlib.Box([1.0], there), device=Device(0)) == here
    )
    assert lib.fft.fftfreq(4, device=there) == (there, 4) and lib.fft.fft is abs and lib.pi == 3.0


def test_what_is_no_namespace_is_refused(registry):
    backends.register("nothing", lambda: CompatBackend(object(), "nothing"))
    with pytest.raises(BackendError, match="is no Array API namespace"):
        backends.get("nothing")
