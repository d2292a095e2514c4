"""The namespaces: one per backend, the same functions in all but for creation, and the package itself."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys

import pytest

import xdbr
from xdbr import BackendError, array_api
from xdbr._namespaces import names
from xdbr._typing import ArrayNamespace
from xdbr.array_api.creation import CREATION
from xdbr.autograd.kernels import raw_namespace

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
    import numpy as np

    for name in ("bool", "int8", "uint64", "float32", "float64", "complex128"):
        dtype = getattr(xp, name, None)
        if dtype is None:  # not every library has every unsigned dtype
            continue
        made = xp.zeros(1, dtype=dtype)
        assert dtype == made.dtype == dtype and made.dtype != xp.int16 and xp.int16 != dtype
        assert {dtype: 1}[made.dtype] == {made.dtype: 1}[dtype] == 1
        # NumPy's own float64 equals None.
        assert (dtype == None) is False and (None == dtype) is False  # noqa: E711
        assert dtype == name and (dtype.name, dtype.kind, dtype.itemsize) == (name, made.dtype.kind, made.dtype.itemsize)
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
