"""The logic of the CuPy backend on a stand-in in host memory; where CuPy is installed, that it has what is used."""

from __future__ import annotations

import importlib
import inspect
import shutil
import sys

import cupylib
import numpy as np
import pytest
from backend_helpers import registry

import xdbr
import xdbr.nn.functions as F
from xdbr import backends
from xdbr._errors import DeviceError, DtypeError, SerializationError
from xdbr.backends import Device
from xdbr.testing import assert_allclose, check_grads, to_host

__all__ = ["registry"]  # a fixture

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for the kernels")


@pytest.fixture(params=[1, 2], ids=["one GPU", "two GPUs"])
def gpus(request, registry, monkeypatch, tmp_path):
    """The backend on a stand-in with one or two GPUs; whatever is remembered by its name is forgotten afterwards."""
    import array_api_compat

    from xdbr import _namespaces
    from xdbr.autograd import kernels
    from xdbr.backends import cupy_random

    modules = cupylib.make(request.param, tmp_path)
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(array_api_compat, "cupy", modules["array_api_compat.cupy"], raising=False)
    for table in (registry._loaded, _namespaces._namespaces, kernels._raw_namespaces):
        table.pop("cupy", None)
    cupy_random._kernel.cache_clear()
    yield backends.get("cupy")
    for table in (_namespaces._namespaces, kernels._raw_namespaces):
        table.pop("cupy", None)
    for place in [place for place in xdbr.random._defaults if place.name == "cupy"]:
        del xdbr.random._defaults[place]
    for space in [name for name in sys.modules if name.startswith("xdbr.cupy")]:
        del sys.modules[space]
    cupy_random._kernel.cache_clear()


@pytest.fixture
def last(gpus):
    """The last GPU, which is not the current one where there are two."""
    return gpus.devices()[-1]


# -- devices ---------------------------------------------------------------------------------------------


def test_devices(gpus):
    count = len(gpus.devices())
    assert gpus.devices() == tuple(Device("cupy", i) for i in range(count))
    assert gpus.version() == "14.0.0"
    assert gpus.default_device() == "cupy:0"
    assert backends.parse_device("cupy") == "cupy:0"
    assert gpus.multi_device == gpus.current_device == (count == 2)
    with gpus.use(gpus.devices()[-1]):
        assert gpus.default_device() == gpus.devices()[-1]
        assert xdbr.ones(2, device="cupy").device == gpus.devices()[-1]
    with pytest.raises(DeviceError, match="backend 'cupy' has no device 'cupy:7'; it has cupy:0"):
        xdbr.ones(2, device="cupy:7")
    raw = gpus.raw_device(gpus.devices()[-1])
    assert backends.parse_device(raw) == gpus.devices()[-1]
    assert gpus.from_raw_device("cpu") is None
    assert gpus.memory() == {"used": 5 << 30, "total": 8 << 30}
    gpus.synchronize()


@pytest.mark.parametrize("make", ["zeros", "ones", "empty", "full", "eye", "arange", "linspace", "fft.fftfreq"])
def test_creation_on_a_device_that_is_not_the_current_one(last, make):
    arguments = {"full": (2, 7.0), "linspace": (0.0, 1.0, 5)}.get(make, (3,))
    function = xdbr.fft.fftfreq if make == "fft.fftfreq" else getattr(xdbr, make)
    made = function(*arguments, device=last)
    assert made.device == last
    if make != "empty":
        assert_allclose(made, to_host(function(*arguments, device="numpy")))
        like = xdbr.full_like(made, 2.0)
        assert like.device == last


def test_training_on_a_device_that_is_not_the_current_one(last):
    rng = np.random.default_rng(0)
    hosts = [rng.standard_normal(shape).astype("float32") for shape in ((5, 4), (4, 3), (3,), (2, 3))]
    found = []
    for device in ("numpy", last):
        x, w, b, table = (xdbr.asarray(host, device=device) for host in hosts)
        for leaf in (w, b, table):
            leaf.requires_grad = True
        rows = xdbr.asarray([0, 1, 1, 0, 1], device=device)
        h = xdbr.tanh(x @ w + b) + xdbr.take(table, rows, axis=0)
        h[0, :] = h[1, :] * 2.0
        loss = F.softmax_cross_entropy(h, xdbr.asarray([0, 2, 1, 1, 0], device=device))
        loss.backward()
        assert loss.device == w.grad.device == device
        found.append([to_host(y) for y in (loss, w.grad, b.grad, table.grad)])
    for one, other in zip(*found, strict=True):
        assert_allclose(one, other, rtol=1e-5)


def test_second_derivatives(last):
    x = xdbr.asarray([0.3, -1.0, 2.0], dtype="float64", device=last)
    check_grads(lambda x: xdbr.exp(xdbr.sin(x)) * x[::-1], [x])


def test_moving_between_backends_and_devices_passes_gradients(gpus, last):
    x = xdbr.Variable([1.0, 2.0], requires_grad=True, device="numpy")
    y = (x.to_device("cupy:0") * 2.0).to_device(last)
    assert y.device == last
    xdbr.sum((y * y).to_device("numpy")).backward()
    assert x.grad.device == "numpy"
    assert_allclose(x.grad, [8.0, 16.0])
    raw = gpus.from_host(np.arange(3.0), device=last)
    assert gpus.transfer(raw, last) is raw
    assert gpus.device_of(gpus.copy(raw)) == last


def test_two_devices_are_an_error(gpus):
    x = xdbr.ones(2, device="cupy:0")
    other = gpus.devices()[1] if gpus.multi_device else "numpy"
    with pytest.raises(DeviceError, match="add: .* is on 'cupy:0' but .* is on"):
        x + xdbr.ones(2, device=other)


# -- arrays and dtypes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "int32", "int64", "uint64", "complex64"])
def test_index_add(gpus, dtype):
    x = np.arange(4).astype(dtype)
    v = np.asarray([1, 2, 3]).astype(dtype)
    for key in (np.asarray([2, 0, 2]), slice(1, None), np.asarray([-1, 3, 0])):
        want = x.copy()
        np.add.at(want, key, v)
        raw = gpus.from_host(x)
        there = gpus.from_host(key) if isinstance(key, np.ndarray) else key
        assert_allclose(gpus.to_host(gpus.extras.index_add(raw, gpus.from_host(v), key=there)), want)
        assert_allclose(gpus.to_host(raw), x)
        changed = gpus.extras.index_add(raw, gpus.from_host(v), key=there, owned=True)
        assert_allclose(gpus.to_host(changed), want)


def test_casts_drop_the_imaginary_part(gpus):
    raw = gpus.extras.cast(gpus.from_host(np.asarray([1 + 2j])), np.dtype("float32"))
    assert raw.dtype == "float32"
    assert gpus.to_host(raw).tolist() == [1.0]


def test_what_is_written_in_place(gpus, last):
    x = xdbr.zeros((3, 2), device=last)
    before = x._data
    x[0] = 1.0
    assert x._data is not before, "somebody else has it"
    del before
    address = id(x._data)
    x[1] = 2.0
    assert id(x._data) == address
    view = x[2]
    view += 3.0
    assert id(x._data) == address
    assert x.tolist() == [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    flat = xdbr.reshape(x, (-1,))
    flat[0] = 9.0
    assert x[0, 0].item() == 9.0
    apart = xdbr.reshape(x.T, (-1,))
    apart[0] = 5.0
    assert x[0, 0].item() == 9.0
    # Views of what was written are copies, row-major ones here; how the root lies decides all the same.
    turned = x.T
    again = xdbr.reshape(turned.T, (-1,))
    again[1] = 7.0
    assert x[0, 1].item() == turned[1, 0].item() == 7.0


def test_copies_keep_the_order_of_the_memory(gpus):
    raw = gpus.from_host(np.arange(6.0).reshape(2, 3)).T
    assert gpus.is_view(gpus.lib.reshape(raw.T, (-1,)), raw.base)
    copied = gpus.copy(raw)
    assert gpus.is_view(gpus.lib.reshape(copied.T, (-1,)), copied)


def test_memory_of_others_is_copied_first(gpus):
    raw = gpus.from_host(np.zeros(2))
    raw._mem = object()
    x = xdbr.Variable(raw)
    del raw
    assert not gpus.exclusive(x)
    x._data._mem = sys.modules["cupy"].cuda.memory.MemoryAsync()
    assert gpus.exclusive(x)
    part = x._data[:1]
    assert not gpus.exclusive(x)
    assert gpus.is_view(part, x._data)
    assert not gpus.is_view(gpus.copy(part), x._data)


def test_dtypes(gpus):
    assert gpus.dtype(None) is None
    assert gpus.dtype("float32") == np.dtype("float32")
    assert {*gpus.supported_dtypes(None)} == {*backends.get("numpy").supported_dtypes(None)} - {"float16"}
    with pytest.raises(DtypeError, match="backend 'cupy' has no dtype bfloat16; it has "):
        xdbr.zeros(2, dtype="bfloat16", device="cupy")
    with pytest.raises(DtypeError, match="backend 'cupy' has no dtype object"):
        gpus.from_host(np.asarray([None]))
    assert xdbr.asarray([1, 2], device="cupy").dtype == "int64"
    assert type(xdbr.sum(xdbr.ones(3, device="cupy")).data) is sys.modules["cupy"].ndarray


# -- random numbers --------------------------------------------------------------------------------------


@needs_compiler
def test_philox_gives_the_published_numbers(gpus):
    """The known answers of Random123 1.14 for Philox4x32-10."""
    source = gpus.random(0, gpus.default_device())
    words = to_host(source.integers(-(1 << 63), 1 << 63, (2,))).astype("uint64") + np.uint64(1 << 63)
    assert [f"{word:016x}" for word in words.tolist()] == ["e169c58d6627e8d5", "9b00dbd8bc57ac4c"]
    source.set_state({"key": hex(0x299F31D0A4093822), "draw": hex(0x0370734413198A2E)})
    assert source.state() == {"key": "0x299f31d0a4093822", "draw": "0x370734413198a2e"}


@needs_compiler
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_draws(last, dtype):
    rng = xdbr.random.Generator(seed=3, device=last)
    u = rng.uniform((3, 3335), low=-1.0, high=3.0, dtype=dtype)
    assert u.device == last
    host = to_host(u).astype("float64")
    assert host.shape == (3, 3335)
    assert host.min() >= -1.0
    assert host.max() < 3.0
    assert abs(host.mean() - 1.0) < 0.05
    assert abs(host.var() - 16 / 12) < 0.05
    n = to_host(rng.normal(10_001, loc=2.0, scale=0.5, dtype=dtype)).astype("float64")
    assert abs(n.mean() - 2.0) < 0.02
    assert abs(n.std() - 0.5) < 0.02
    assert abs(((n - 2.0) ** 4).mean() / 0.0625 - 3.0) < 0.3
    assert rng.normal((0, 2), dtype=dtype).shape == (0, 2)


@needs_compiler
def test_integers_bernoulli_permutation_and_state(last):
    rng = xdbr.random.Generator(seed=5, device=last)
    dice = to_host(rng.integers(1, 7, 6001))
    assert np.unique(dice).tolist() == [1, 2, 3, 4, 5, 6]
    assert np.bincount(dice)[1:].min() > 850
    heads = rng.bernoulli(0.25, 4001)
    assert heads.dtype == "bool"
    assert abs(to_host(heads).mean() - 0.25) < 0.03
    assert not np.any(to_host(rng.bernoulli(0.0, 100))) and np.all(to_host(rng.bernoulli(1.0, 100)))
    order = to_host(rng.permutation(50))
    assert sorted(order.tolist()) == list(range(50))
    assert order.tolist() != list(range(50))
    state = rng.state_dict()
    first = to_host(rng.uniform(7))
    assert not np.array_equal(first, to_host(rng.uniform(7)))
    rng.load_state_dict(state)
    assert np.array_equal(first, to_host(rng.uniform(7)))
    other = xdbr.random.Generator(seed=(1 << 100) + 5, device=last)
    assert not np.array_equal(to_host(other.uniform(7)), to_host(xdbr.random.Generator(seed=5, device=last).uniform(7)))
    source = last.backend.random(0, last)
    assert 0 <= source.bits() < 1 << 63
    for wrong in ({}, {"key": 3, "draw": "0x0"}, {"key": hex(1 << 64), "draw": "0x0"}):
        with pytest.raises(SerializationError, match="load_state_dict: "):
            source.set_state(wrong)


# -- CuPy itself -----------------------------------------------------------------------------------------

USED = {
    "cupy": "ndarray asnumpy asarray empty argsort ElementwiseKernel __version__",
    "cupy.ndarray": "astype base copy data device dtype real reshape shape size view",
    "cupy.cuda": "Device memory runtime",
    "cupy.cuda.Device": "__enter__ __exit__ id mem_info synchronize",
    "cupy.cuda.memory": "Memory MemoryAsync MemoryPointer PooledMemory",
    "cupy.cuda.memory.MemoryPointer": "mem",
    "cupy.cuda.runtime": "CUDARuntimeError driverGetVersion getDevice getDeviceCount",
    "cupyx": "scatter_add",
}


def test_cupy_has_what_is_used():
    """CuPy imports, and can be looked at, without a GPU."""
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    for path, names in USED.items():
        root, *parts = path.split(".")
        found = importlib.import_module(root)
        for part in parts:
            found = getattr(found, part)
        assert [name for name in names.split() if not hasattr(found, name)] == [], path
    from cupyx import scatter_add

    assert list(inspect.signature(scatter_add).parameters) == ["a", "slices", "value"]
    from xdbr.backends import cupy_random

    kernel = cupy_random._kernel(cupy, "integers", "uint64 start, uint64 span", cupy_random._INTEGERS)
    assert (kernel.nin, kernel.nout) == (5, 1)


@pytest.mark.parametrize("count", [1, 2])
def test_every_function_has_a_kernel_on_cupy(monkeypatch, count):
    pytest.importorskip("cupy", reason="CuPy is not installed")
    from xdbr.autograd.kernels import REGISTRY
    from xdbr.backends import cupy_backend

    monkeypatch.setattr(cupy_backend, "_count_devices", lambda cupy: count)
    monkeypatch.setattr(cupy_backend, "baseline", lambda make: 2)
    backend = cupy_backend.CupyBackend()
    for name, entry in REGISTRY.items():
        if not name.startswith("special."):  # some of those need SciPy
            assert callable(entry.kernel(backend)), name
    for name in ("arange", "empty", "full", "linspace", "zeros_like", "fft.fftfreq", "fft.rfftfreq"):
        found = backend.lib
        for part in name.split("."):
            found = getattr(found, part)
        assert callable(found)
