"""The namespaces: one per backend, the same functions in all but for creation, and the package itself."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest

import xdbr
from xdbr import BackendError, array_api
from xdbr._namespaces import names
from xdbr._typing import ArrayNamespace
from xdbr.array_api.creation import CREATION
from xdbr.autograd.kernels import find, raw_namespace
from xdbr.backends import canonical_dtype
from xdbr.testing import assert_allclose

# Version 2025.12 of the standard.
MAIN = """
    abs acos acosh add all any arange argmax argmin argsort asarray asin asinh astype atan atan2 atanh
    bitwise_and bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor bool
    broadcast_arrays broadcast_shapes broadcast_to can_cast ceil clip complex128 complex64 concat conj
    copysign cos cosh count_nonzero cumulative_prod cumulative_sum diff divide e empty empty_like equal exp
    expand_dims expm1 eye finfo flip float32 float64 floor floor_divide from_dlpack full full_like greater
    greater_equal hypot iinfo imag inf int16 int32 int64 int8 isdtype isfinite isin isinf isnan less
    less_equal linspace log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor matmul
    matrix_transpose max maximum mean meshgrid min minimum moveaxis multiply nan negative newaxis nextafter
    nonzero not_equal ones ones_like permute_dims pi positive pow prod real reciprocal remainder repeat
    reshape result_type roll round searchsorted sign signbit sin sinh sort sqrt square squeeze stack std
    subtract sum take take_along_axis tan tanh tensordot tile tril triu trunc uint16 uint32 uint64 uint8
    unique_all unique_counts unique_inverse unique_values unstack var vecdot where zeros zeros_like
""".split()
LINALG = """
    cholesky cross det diagonal eig eigh eigvals eigvalsh inv matmul matrix_norm matrix_power matrix_rank
    matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm
""".split()
FFT = "fft fftfreq fftn fftshift hfft ifft ifftn ifftshift ihfft irfft irfftn rfft rfftfreq rfftn".split()


def test_nothing_of_the_standard_is_missing(xp):
    for space in (xdbr, xp):
        assert [name for name in MAIN if not hasattr(space, name)] == []
        assert [name for name in LINALG if not hasattr(space.linalg, name)] == []
        assert [name for name in FFT if not hasattr(space.fft, name)] == []
        assert space.__array_api_version__ == "2025.12"
        assert space.__array_namespace_info__().default_device().name


def test_the_raw_namespace_has_the_same_names(backend):
    raw = raw_namespace(backend)
    constants_and_dtypes = {"e", "inf", "nan", "newaxis", "pi", "to_device"} | {*xdbr.backends.DTYPES}
    missing = [name for name in array_api.__all__ if name not in constants_and_dtypes and not hasattr(raw, name)]
    assert missing == []
    assert [name for name in LINALG if not hasattr(raw.linalg, name)] == []
    assert [name for name in FFT if not hasattr(raw.fft, name)] == []


POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
NAMED = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def public_functions():
    for prefix, module in (("", array_api), ("linalg.", xdbr.linalg), ("fft.", xdbr.fft)):
        for name in module.__all__:
            if callable(getattr(module, name)):
                yield prefix + name, getattr(module, name)


def means_the_same(found, wanted):
    # NumPy and array-api-strict mark "not given" by an object of their own, which stands for the standard's default.
    return found == wanted or (type(found).__name__ in ("_NoValueType", "Undef") and wanted in (None, -1))


def differences(wanted, found):
    """List what a call that the signature `wanted` admits lacks in `found`, and what defaults differ."""
    ordered = [p for p in found.values() if p.kind in POSITIONAL]
    named = {p.name: p for p in found.values() if p.kind in NAMED}
    takes_all = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in found.values())
    seen, wrong = set(), []
    for i, p in enumerate(p for p in wanted.values() if p.kind in POSITIONAL):
        if i >= len(ordered) and takes_all and p.kind is inspect.Parameter.POSITIONAL_ONLY:
            continue
        q = ordered[i] if i < len(ordered) else None
        if q is None or (p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and named.get(p.name) is not q):
            wrong.append(f"no {p.name}")
        elif p.default is not p.empty and not means_the_same(q.default, p.default):
            wrong.append(f"{p.name}={q.default!r} instead of {p.default!r}")
        seen.add(None if q is None else q.name)
    for p in wanted.values():
        if p.kind is inspect.Parameter.VAR_POSITIONAL and not takes_all:
            wrong.append(f"no *{p.name}")
        elif p.kind is inspect.Parameter.KEYWORD_ONLY and p.name not in named:
            wrong.append(f"no option {p.name}")
        elif p.kind is inspect.Parameter.KEYWORD_ONLY:
            seen.add(p.name)
            if not means_the_same(named[p.name].default, p.default):
                wrong.append(f"{p.name}={named[p.name].default!r} instead of {p.default!r}")
    # What the library takes besides must have defaults.
    wrong += [
        f"needs {p.name}"
        for p in found.values()
        if p.kind in (*POSITIONAL, *NAMED) and p.name not in seen and p.default is p.empty
    ]
    return wrong


def test_the_raw_namespace_has_the_signatures_of_the_recording_one(backend):
    """Whatever call one of them admits the other admits, and means the same by the arguments left out."""
    raw, space = raw_namespace(backend), xdbr.namespace(backend.name)
    wrong, unreadable = {}, set()
    for path, function in public_functions():
        recording = inspect.signature(find(space, path))
        assert recording == inspect.signature(function), path
        try:
            found = inspect.signature(find(raw, path))
        except ValueError:  # a builtin function of PyTorch, a ufunc of NumPy 2.0
            unreadable.add(path)
            continue
        if listed := differences(recording.parameters, found.parameters):
            wrong[path] = listed
    assert wrong == {}
    x = backend.from_host(np.asarray([0.5]))
    for path in unreadable:
        parameters = [*inspect.signature(find(space, path)).parameters.values()]
        if path in ("can_cast", "result_type"):
            continue  # about dtypes, and no argument may be left out
        arrays = [x if p.name.startswith("x") else 1.0 for p in parameters if p.kind in POSITIONAL]
        options = {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
        if "bitwise" in path:
            arrays = [backend.from_host(np.asarray([1])) for _ in arrays]
        expected = () if path.endswith(("matmul", "vecdot")) else (1,)
        assert find(raw, path)(*arrays, **options).shape == expected, path


@pytest.mark.parametrize("default", ["float32", "float64"])
def test_raw_creation_functions_take_the_default_dtype(backend, default):
    raw, space = raw_namespace(backend), xdbr.namespace(backend.name)
    calls = {
        "arange": [(3,), (3.0,), (0, 1, 0.5)],
        "asarray": [([1.0, 2.0],), ([1, 2],), (1.0,), (True,), ([1j],)],
        "empty": [(2,)],
        "eye": [(2,), (2, 3)],
        "full": [(2, 1.0), (2, 1), (2, 1j)],
        "linspace": [(0, 1, 3)],
        "ones": [((2, 1),)],
        "zeros": [(2,)],
        "fft.fftfreq": [(4,)],
        "fft.rfftfreq": [(4,)],
    }
    with xdbr.default_dtype(default):
        for path, given in calls.items():
            for arguments in given:
                made, expected = find(raw, path)(*arguments), find(space, path)(*arguments)
                assert isinstance(made, backend.array_types), (path, arguments)
                assert canonical_dtype(made.dtype) == expected.dtype, (path, arguments)
                assert tuple(made.shape) == expected.shape
                if path != "empty":
                    assert_allclose(backend.to_host(made), expected.data)


def test_raw_clip_and_raw_to_device(backend):
    raw = raw_namespace(backend)
    x = backend.from_host(np.asarray([-2.0, 0.0, 2.0]))
    assert backend.to_host(raw.clip(x)).tolist() == [-2.0, 0.0, 2.0]
    assert backend.to_host(raw.clip(x, min=-1.0)).tolist() == [-1.0, 0.0, 2.0]
    assert backend.to_host(raw.clip(x, max=1.0)).tolist() == [-2.0, 0.0, 1.0]
    for device in backend.devices():
        if "float64" in backend.supported_dtypes(device):
            assert backend.device_of(raw.to_device(x, device)) == device
            assert backend.device_of(raw.to_device(x, str(device))) == device
    assert raw.to_device(x, backend.device_of(x)) is x


def test_functions_are_the_same_objects_in_every_namespace(xp):
    for name in array_api.__all__:
        if name not in CREATION:
            assert getattr(xp, name) is getattr(xdbr, name)


def test_creation_functions_are_bound_to_the_backend(xp, backend):
    made = {
        "arange": (3,),
        "asarray": ([1.0],),
        "empty": (2,),
        "eye": (2,),
        "full": (2, 1.0),
        "linspace": (0, 1, 3),
        "ones": (2,),
        "zeros": (2,),
    }
    with xdbr.device("numpy"):
        for name, arguments in made.items():
            assert getattr(xp, name)(*arguments).device.name == backend.name
            assert getattr(xdbr, name)(*arguments).device.name == "numpy"
        assert xp.fft.fftfreq(4).device.name == backend.name
        assert xdbr.fft.fftfreq(4).device.name == "numpy"


def test_every_public_name_resolves(xp):
    assert [name for name in xp.__all__ if not hasattr(xp, name)] == []
    assert [name for name in names() if not hasattr(xp, name) and name not in xdbr.backends.DTYPES] == []


def test_the_protocol_names_what_every_namespace_has(xp):
    # float16 is beyond the standard, and not every library has it.
    assert set(ArrayNamespace.__annotations__) == set(names()) - {"float16"}
    assert [name for name in ArrayNamespace.__annotations__ if not hasattr(xp, name)] == []


def test_the_namespace_is_a_module_that_can_be_imported():
    code = "import xdbr.numpy.linalg as l; from xdbr.numpy import zeros; print(zeros(2).device, l.qr.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["numpy", "qr"]


def test_the_namespace_is_pickled_by_name(xp):
    assert pickle.loads(pickle.dumps(xp)) is xp


def test_a_named_dtype_is_the_dtype_of_arrays_and_no_other(xp):
    for name in ("bool", "int8", "uint64", "float32", "float64", "complex128"):
        dtype = getattr(xp, name, None)
        if dtype is None:  # not every library has every unsigned dtype
            continue
        made = xp.zeros(1, dtype=dtype)
        assert dtype == made.dtype == dtype and made.dtype != xp.int16 and xp.int16 != dtype
        assert {dtype: 1}[made.dtype] == {made.dtype: 1}[dtype] == 1
        # NumPy's own float64 equals None.
        assert (dtype == None) is False and (None == dtype) is False  # noqa: E711, SIM300
        assert dtype == name and (dtype.name, dtype.kind, dtype.itemsize) == (
            name,
            made.dtype.kind,
            made.dtype.itemsize,
        )
        assert np.zeros(1, dtype=dtype).dtype == np.dtype(dtype) == made.dtype
        assert pickle.loads(pickle.dumps(dtype)) is dtype and repr(dtype) == f"dtype({name!r})"
    assert not xp.can_cast(xp.complex64, xp.float64)


def test_signatures_are_readable():
    assert str(inspect.signature(xdbr.tanh)) == "(x: 'Array', /) -> 'Array'"
    assert list(inspect.signature(xdbr.sum).parameters) == ["x", "axis", "dtype", "keepdims"]
    assert list(inspect.signature(xdbr.zeros).parameters) == ["shape", "dtype", "device"]
    assert xdbr.tanh.__name__ == "tanh"
    assert xdbr.tanh.__module__.startswith("xdbr.array_api.")


def test_a_backend_that_is_not_there():
    space = xdbr.namespace("nowhere")
    with pytest.raises(BackendError, match="unknown backend 'nowhere'; available: .*numpy"):
        space.zeros(3)
    with pytest.raises(AttributeError, match="nowhere"):
        _ = xdbr.nowhere


def test_calls_that_do_not_fit_get_pythons_error():
    x = xdbr.ones(3)
    with pytest.raises(TypeError):
        xdbr.sum(x, nothing=1)
    with pytest.raises(TypeError):
        xdbr.tanh()
    with pytest.raises(TypeError):
        xdbr.reshape(x, (3,), shape=(3,))
