"""The registry of backends, and what every backend has to do: transfer, DLPack, dtypes, memory, and its report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import boxlib
import numpy as np
import pytest
from backend_helpers import registry

import xdbr
from xdbr import backends
from xdbr._errors import BackendError, DtypeError, GradientError
from xdbr.backends import canonical_dtype, dtypes
from xdbr.backends.compat_backend import CompatBackend
from xdbr.testing import assert_allclose, to_host

__all__ = ["registry"]  # a fixture

ROOT = Path(__file__).parents[1]


def run(code: str, *, path: tuple[str, ...] = (), expect: int = 0, **environment: str) -> str:
    """Run code in a fresh interpreter and give what it prints."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("XDBR_")}
    env["PYTHONPATH"] = os.pathsep.join([*path, str(ROOT), env.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=env | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout


# -- the registry ------------------------------------------------------------------------------------


def test_built_in_backends_are_registered():
    assert set(backends.registered()) >= {"numpy", "cupy", "strict", "torch", "jax"}
    assert backends.available()["numpy"] is None


def test_unknown_backend_lists_what_there_is():
    with pytest.raises(BackendError, match=r"unknown backend 'nonesuch'; available: .*numpy"):
        backends.get("nonesuch")


def test_backend_that_cannot_load_says_why_and_what_there_is(registry):
    backends.register("broken", lambda: 1 / 0)
    with pytest.raises(
        BackendError, match="backend 'broken' is not available: ZeroDivisionError: division by zero"
    ) as e:
        backends.get("broken")
    assert "available: numpy" in str(e.value)
    assert str(e.value).count("broken") == 1  # not once more among the others
    assert "division by zero" in backends.available()["broken"]
    with pytest.raises(BackendError, match=r"not available: .*broken \(ZeroDivisionError"):
        backends.get("nonesuch")


def test_backend_is_tried_again_after_a_failure(registry):
    tries = []

    def factory():
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("the device is busy")
        return CompatBackend(boxlib.lib, "box")

    backends.register("box", factory)
    with pytest.raises(BackendError, match="the device is busy"):
        backends.get("box")
    tries[1:] = []
    assert backends.get("box").name == "box"


@pytest.mark.parametrize("name", ["", "no good", "a:b", 3])
def test_register_refuses_a_bad_name(name):
    with pytest.raises(BackendError, match="register: name"):
        backends.register(name, lambda: None)


def test_register_refuses_a_factory_that_is_none():
    with pytest.raises(BackendError, match="register: factory"):
        backends.register("fine", "no_attribute")


def test_register_twice(registry):
    backends.register("box", lambda: CompatBackend(boxlib.lib, "box"))
    with pytest.raises(BackendError, match="exists already"):
        backends.register("box", lambda: CompatBackend(boxlib.lib, "box"))
    backends.register("box", lambda: CompatBackend(boxlib.lib, "box"), replace=True)
    backends.get("box")
    with pytest.raises(BackendError, match="in use already"):
        backends.register("box", lambda: CompatBackend(boxlib.lib, "box"), replace=True)


def test_factory_must_give_a_backend_of_that_name(registry):
    backends.register("list_of_three", lambda: [1, 2, 3])
    with pytest.raises(BackendError, match="gave list, which is no"):
        backends.get("list_of_three")
    backends.register("other", lambda: CompatBackend(boxlib.lib, "box"))
    with pytest.raises(BackendError, match="called 'box'"):
        backends.get("other")


def test_two_backends_cannot_share_an_array_type(registry):
    from xdbr.backends.numpy_backend import NumpyBackend

    backends.get("numpy")
    backends.register("twin", lambda: NumpyBackend("twin"))
    with pytest.raises(BackendError, match=r"its arrays are numpy\.ndarray, as those of the backend 'numpy'"):
        backends.get("twin")
    assert backends.of(np.zeros(3)).name == "numpy"


def test_factory_as_a_string(registry):
    backends.register("numpy_again", "xdbr.backends.numpy_backend:NumpyBackend.nothing")
    with pytest.raises(BackendError, match="AttributeError"):
        backends.get("numpy_again")


def test_loading_is_thread_safe(registry):
    made, found = [], []
    start = threading.Barrier(8)

    def factory():
        made.append(threading.get_ident())
        threading.Event().wait(0.05)
        return CompatBackend(boxlib.lib, "box")

    backends.register("box", factory)

    def load():
        start.wait()
        found.append(backends.get("box"))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert all(backend is found[0] for backend in found) and len(found) == 8


def test_loading_one_backend_does_not_wait_for_another(registry):
    entered, let_go = threading.Event(), threading.Event()

    def slow():
        entered.set()
        assert let_go.wait(10)
        raise RuntimeError("slow")

    backends.register("slow", slow)
    backends.register("box", lambda: CompatBackend(boxlib.lib, "box"))
    waiting = threading.Thread(target=backends.available)
    waiting.start()
    assert entered.wait(10)
    assert backends.get("box").name == "box"
    let_go.set()
    waiting.join()


def test_entry_points(tmp_path):
    (tmp_path / "boxes.py").write_text(
        "import boxlib\nfrom xdbr.backends.compat_backend import CompatBackend\n"
        "class Boxes(CompatBackend):\n    def __init__(self): super().__init__(boxlib.lib, 'boxes')\n"
    )
    info = tmp_path / "boxes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: boxes\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[xdbr.backends]\nboxes = boxes:Boxes\nnumpy = boxes:Boxes\n")
    said = run(
        """
        import sys, xdbr
        assert "boxes" not in sys.modules
        print(xdbr.zeros(2, device="boxes").device, type(xdbr.zeros(2, device="boxes").data).__name__)
        print(xdbr.zeros(2, device="numpy").device, "boxes" in xdbr.backends.registered())
        """,
        path=(str(tmp_path), str(ROOT / "tests")),
    )
    # A built-in name stays with the built-in backend.
    assert said.split() == ["boxes", "Box", "numpy", "True"]


def test_importing_xdbr_loads_no_library():
    said = run("import sys, xdbr; print([m for m in ('cupy', 'torch', 'jax', 'array_api_strict') if m in sys.modules])")
    assert said.strip() == "[]"


# -- look-up by array type -----------------------------------------------------------------------------


def test_of(backend):
    assert backends.of(backend.lib.zeros(3)) is backend
    assert backends.of(backend.lib.zeros(())) is backend
    for other in ("text", [1, 2], (1,), None, 1.0, object(), {}, np):
        assert backends.of(other) is None


def test_of_numpy_scalars_and_subclasses(tmp_path):
    assert backends.of(np.float32(1)).name == "numpy"
    assert backends.of(np.memmap(tmp_path / "m", shape=3, mode="w+")).name == "numpy"
    # They have a meaning of their own, which plain arithmetic would lose.
    assert backends.of(np.ma.masked_array([1.0, 2.0])) is None
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0]])
    assert backends.of(matrix) is None


def test_an_array_loads_its_backend():
    pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")
    said = run(
        """
        import sys, xdbr, array_api_strict
        from xdbr.backends import _registry
        before = "strict" in _registry._loaded
        x = xdbr.asarray(array_api_strict.ones(2))
        print(before, x.device)
        """
    )
    assert said.split() == ["False", "strict"]


# -- host transfer ---------------------------------------------------------------------------------------

NAMES = ("bool", "int8", "int16", "int32", "int64", "uint8", "float32", "float64", "complex64", "complex128")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)])
def test_round_trip_of_every_dtype(backend, name, shape):
    host = np.arange(int(np.prod(shape))).reshape(shape).astype(name)
    raw = backend.from_host(host)
    assert backends.of(raw) is backend
    assert canonical_dtype(raw.dtype) == np.dtype(name) and tuple(raw.shape) == shape
    again = backend.to_host(raw)
    assert isinstance(again, np.ndarray) and again.dtype == np.dtype(name)
    np.testing.assert_array_equal(again, host)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: np.arange(6.0)[::-1], id="negative stride"),
        pytest.param(lambda: np.arange(6.0).reshape(2, 3).T, id="transposed"),
        pytest.param(lambda: np.broadcast_to(np.arange(3.0), (2, 3)), id="broadcast"),
        pytest.param(lambda: np.frombuffer(np.arange(3.0).tobytes()), id="read-only"),
    ],
)
def test_host_arrays_of_every_layout(backend, make):
    host = make()
    np.testing.assert_array_equal(backend.to_host(backend.from_host(host)), host)
    np.testing.assert_array_equal(to_host(xdbr.asarray(host, device=backend.default_device())), host)


def test_from_host_refuses_what_is_no_number(backend):
    if backend.name == "numpy":
        with pytest.raises(DtypeError, match="object"):
            backend.as_array(np.array([None]))
        return
    with pytest.raises(DtypeError, match="has no dtype"):
        backend.from_host(np.array(["a"]))


def test_transfer_between_all_available_backends(backend):
    for name, reason in backends.available().items():
        if reason is not None:
            continue
        other = backends.get(name)
        for device in other.devices():
            x = xdbr.asarray(np.arange(3, dtype="int32"), device=backend.default_device())
            y = x.to_device(device)
            assert y.device == device and y.dtype == x.dtype
            back = y.to_device(x.device)
            assert back.device == x.device and back.tolist() == [0, 1, 2]


def test_copy_shares_nothing(backend):
    x = xdbr.zeros(3, device=backend.default_device())
    raw = x.data
    copied = backend.copy(raw)
    x[0] = 5.0
    assert backend.to_host(copied).tolist() == [0.0, 0.0, 0.0]


def test_synchronize_and_memory(backend):
    for device in backend.devices():
        backend.synchronize(device)
        memory = backend.memory(device)
        if memory:
            assert 0 < memory["used"] <= memory["total"]
    assert backend.version()
    assert backend.name in repr(backend)


def test_numpy_memory_is_the_machines():
    memory = backends.get("numpy").memory()
    if sys.platform == "linux":
        assert memory["total"] > 2**28


# -- DLPack ----------------------------------------------------------------------------------------------


def test_dlpack_round_trip(backend):
    x = xdbr.asarray([[1.0, 2.0], [3.0, 4.0]], device=backend.default_device())
    y = xdbr.namespace(backend.name).from_dlpack(x)
    assert y.device == x.device
    assert_allclose(y, x)


def test_dlpack_of_a_foreign_object_is_imported(backend):
    class Exporter:
        def __init__(self, raw):
            self.raw = raw

        def __dlpack__(self, **options):
            return self.raw.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.raw.__dlpack_device__()

    if backend.name == "box":
        pytest.skip("it imports only its own")
    raw = backend.from_host(np.arange(3.0))
    y = xdbr.namespace(backend.name).from_dlpack(Exporter(raw))
    assert y.device == backend.default_device()
    assert y.tolist() == [0.0, 1.0, 2.0]
    copied = xdbr.namespace(backend.name).from_dlpack(Exporter(raw), copy=True)
    assert copied.tolist() == [0.0, 1.0, 2.0]


def test_write_never_reaches_imported_memory(backend):
    """The other library's array keeps its value, whatever is written here."""
    owner = backend.from_host(np.arange(3.0))
    y = xdbr.namespace(backend.name).from_dlpack(owner)
    y[0] = 9.0
    assert backend.to_host(owner).tolist() == [0.0, 1.0, 2.0]


def test_numpy_reads_an_export():
    x = xdbr.asarray([1.0, 2.0], device="numpy")
    assert np.from_dlpack(x).tolist() == [1.0, 2.0]


def test_an_array_on_a_device_that_dlpack_does_not_know_is_not_exported():
    x = xdbr.ones(2, device="strict:device1")
    with pytest.raises(BufferError, match=r"'strict:device1'; move the array first: x.to_device\('strict'\)"):
        x.__dlpack_device__()
    with pytest.raises(BufferError, match="strict:device1"):
        np.from_dlpack(x)
    assert np.from_dlpack(x.to_device("strict")).tolist() == [1.0, 1.0]
    assert xdbr.from_dlpack(x).device == xdbr.Device("strict", "device1")


def test_export_of_what_needs_gradient_is_refused(backend):
    x = xdbr.Variable([1.0], requires_grad=True, device=backend.default_device())
    with pytest.raises(GradientError, match="__dlpack__"):
        x.__dlpack__()


# -- dtypes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_dtype_mapping(backend, name):
    raw = backend.dtype(name)
    assert canonical_dtype(raw) == np.dtype(name)
    assert canonical_dtype(backend.lib.zeros(1, dtype=raw).dtype) is canonical_dtype(name)
    assert canonical_dtype(name) == np.dtype(name) == canonical_dtype(getattr(np, name if name != "bool" else "bool_"))
    assert name in backend.supported_dtypes(None)


def test_dtype_that_a_backend_lacks(backend):
    with pytest.raises(DtypeError, match="nonesuch"):
        backend.dtype("nonesuch")
    assert backend.dtype(None) is None


def test_float16():
    x = xdbr.asarray([1.0, 2.0], dtype="float16", device="numpy")
    assert x.dtype == np.dtype("float16") and (x + x).tolist() == [2.0, 4.0]
    strict = pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")
    assert not hasattr(strict, "float16")
    with pytest.raises(DtypeError, match="'strict' has no dtype float16"):
        xdbr.asarray([1.0], dtype="float16", device="strict")


def test_bfloat16_is_no_dtype_of_numpy():
    with pytest.raises(DtypeError, match="'numpy' has no dtype bfloat16"):
        xdbr.zeros(2, dtype="bfloat16", device="numpy")


@pytest.mark.parametrize("name", ["torch", "jax"])
@pytest.mark.parametrize("numbers", [1.5, [1, 2], [[1.0], [2.015625]], [True]], ids=repr)
def test_bfloat16_from_python_numbers(name, numbers):
    if backends.available()[name] is not None:
        pytest.skip(backends.available()[name])
    x = xdbr.asarray(numbers, dtype="bfloat16", device=name)
    assert x.dtype == "bfloat16" and x.shape == np.shape(numbers)
    assert x.tolist() == np.asarray(numbers, "float32").tolist()
    y = xdbr.Variable(numbers, dtype="bfloat16", device=name, requires_grad=True)
    xdbr.sum(y * y).backward()
    assert y.grad.dtype == "bfloat16"
    assert y.grad.tolist() == (2 * np.asarray(numbers, "float32")).tolist()


def test_bfloat16_from_python_numbers_on_a_backend_without_it():
    with pytest.raises(DtypeError, match="'numpy' has no dtype bfloat16"):
        xdbr.asarray([1.0, 2.0], dtype="bfloat16", device="numpy")


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_complex_numbers_lose_no_part_unasked(backend, dtype):
    with pytest.raises(DtypeError, match=f"asarray: complex numbers have no place in dtype {dtype}"):
        xdbr.asarray([1 + 2j], dtype=dtype, device=backend.default_device())


def test_bfloat16_arithmetic_of_dtypes():
    import pickle

    bf = canonical_dtype("bfloat16")
    assert (bf.name, bf.kind, bf.itemsize) == ("bfloat16", "f", 2)
    assert bf == "bfloat16" and bf != np.dtype("float32") and np.dtype("float16") != bf
    assert pickle.loads(pickle.dumps(bf)) is bf
    assert dtypes.isdtype(bf, "real floating") and not dtypes.isdtype(bf, "integral")
    assert dtypes.result_type((bf, np.dtype("float16")), "float32") == np.dtype("float32")
    assert dtypes.result_type((bf, np.dtype("float64")), "float32") == np.dtype("float64")
    assert dtypes.result_type((bf, np.dtype("complex64")), "float32") == np.dtype("complex64")
    assert dtypes.result_type((bf, 1.0), "float32") is bf
    assert dtypes.can_cast(bf, "float32") and not dtypes.can_cast("float16", bf) and not dtypes.can_cast(bf, "float16")
    with pytest.raises(DtypeError):
        dtypes.result_type((bf, np.dtype("int8")), "float32")
    info = dtypes.finfo(bf)
    assert (info.bits, info.eps, info.max, info.min) == (16, 0.0078125, 3.3895313892515355e38, -3.3895313892515355e38)
    assert info.smallest_normal == 2.0**-126


def test_finfo_and_iinfo_are_values():
    assert dtypes.finfo("float32") == dtypes.finfo(np.float32) and dtypes.finfo("float32") != dtypes.finfo("float64")
    assert hash(dtypes.iinfo("int8")) == hash(dtypes.iinfo(np.int8))
    assert "max=127" in repr(dtypes.iinfo("int8"))


# -- python -m xdbr --------------------------------------------------------------------------------------


def report(*arguments: str, **environment: str) -> str:
    env = {key: value for key, value in os.environ.items() if not key.startswith("XDBR_")}
    env["PYTHONPATH"] = os.pathsep.join([environment.pop("path", ""), str(ROOT), env.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "xdbr", *arguments], env=env | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_report_names_versions_backends_devices_and_reasons():
    said = report()
    assert f"xdbr {xdbr.__version__}" in said
    assert "array-api-compat" in said
    assert "default device numpy" in said and "default dtype float32" in said
    for name, reason in backends.available().items():
        assert f"\n{name}" in said
        if reason is None:
            assert backends.get(name).version() in said
            assert all(str(device) in said for device in backends.get(name).devices())
        else:
            assert "not available: " + reason in said
    if sys.platform == "linux":
        assert "GiB in use" in said


def test_report_as_json():
    found = json.loads(report("--json", XDBR_DEFAULT_DTYPE="float64"))
    assert found["default dtype"] == "float64"
    assert found["backends"]["numpy"]["version"] == np.__version__
    assert "numpy" in found["backends"]["numpy"]["devices"]


def test_report_shows_a_wrong_default_device():
    assert "default device none: XDBR_DEVICE: unknown device 'gpu'" in report(XDBR_DEVICE="gpu")


def fake_cupy(folder: Path, runtime: str) -> str:
    """Make a package that imports as CuPy does on a machine without a driver."""
    package = folder / "cupy"
    (package / "cuda").mkdir(parents=True)
    (package / "__init__.py").write_text("__version__ = '14.0.0'\nfrom . import cuda\n")
    (package / "cuda" / "__init__.py").write_text("from . import runtime\n")
    (package / "cuda" / "runtime.py").write_text(
        "class CUDARuntimeError(RuntimeError): pass\ndef driverGetVersion(): return DRIVER\n" + textwrap.dedent(runtime)
    )
    return str(folder)


@pytest.mark.parametrize(
    ("runtime", "reason"),
    [
        pytest.param(
            "DRIVER = 0\ndef getDeviceCount(): raise CUDARuntimeError('cudaErrorInsufficientDriver: too old')\n",
            "CuPy 14.0.0 is installed, but this machine has no GPU that it can use: no NVIDIA driver "
            "(cudaErrorInsufficientDriver: too old)",
            id="no driver",
        ),
        pytest.param(
            "DRIVER = 11040\ndef getDeviceCount(): raise CUDARuntimeError('cudaErrorInsufficientDriver: too old')\n",
            "its NVIDIA driver is for CUDA 11.4 (cudaErrorInsufficientDriver: too old)",
            id="old driver",
        ),
        pytest.param(
            "DRIVER = 13000\ndef getDeviceCount(): return 0\n",
            "CuPy 14.0.0 is installed, but it sees no GPU",
            id="hidden",
        ),
    ],
)
def test_cupy_without_a_gpu(tmp_path, runtime, reason):
    said = run(
        """
        from xdbr.backends.cupy_backend import CupyBackend
        try:
            CupyBackend()
        except Exception as error:
            print(type(error).__name__, error)
        """,
        path=(fake_cupy(tmp_path, runtime),),
    )
    assert said.startswith("BackendError ") and reason in said


def test_cupy_without_a_gpu_is_reported_wherever_it_is_asked_for(tmp_path):
    path = fake_cupy(tmp_path, "DRIVER = 0\ndef getDeviceCount(): return 0\n")
    reason = "CuPy 14.0.0 is installed, but it sees no GPU"
    assert "not available: " + reason in report(path=path)
    said = run(
        """
        import xdbr
        for ask in (xdbr.set_default_device, xdbr.device, xdbr.zeros(2).to_device):
            try:
                ask("cupy:0")
            except ValueError as error:
                print(error)
        """,
        path=(path,),
    )
    for function, line in zip(("set_default_device", "device", "to_device"), said.splitlines(), strict=True):
        assert line.startswith(f"{function}: unknown device 'cupy:0': backend 'cupy' is not available: {reason}")
        assert "available: numpy" in line


def test_cupy_that_is_not_installed(tmp_path):
    # A finder that hides CuPy makes the test the same where it is installed.
    said = run(
        """
        import sys

        class Hide:
            def find_spec(self, name, path=None, target=None):
                if name == "cupy":
                    raise ModuleNotFoundError("No module named 'cupy'", name="cupy")

        sys.meta_path.insert(0, Hide())
        from xdbr.backends.cupy_backend import CupyBackend
        try:
            CupyBackend()
        except ImportError as error:
            print(error)
        """
    )
    assert said.startswith('CuPy is not installed; pip install "xdbr[cuda13]"')


def test_cupy_that_cannot_be_imported(tmp_path):
    (tmp_path / "cupy.py").write_text("raise ImportError('libcudart.so: cannot open shared object file')\n")
    (tmp_path / "torch.py").write_text("raise ImportError('not wanted here: it takes seconds')\n")
    said = run("import xdbr; print(xdbr.backends.available()['cupy'])", path=(str(tmp_path),))
    assert said.strip() == "CuPy is installed but cannot be imported: libcudart.so: cannot open shared object file"


def test_optional_backend_that_is_not_installed(tmp_path):
    extras = {"torch": "torch", "jax": "jax", "array_api_strict": "strict"}
    for module in extras:
        (tmp_path / f"{module}.py").write_text(f"raise ModuleNotFoundError(\"No module named '{module}'\")\n")
    said = run("import json, xdbr; print(json.dumps(xdbr.backends.available()))", path=(str(tmp_path),))
    for extra in extras.values():  # named like the backends
        assert f'pip install "xdbr[{extra}]"' in json.loads(said)[extra]
