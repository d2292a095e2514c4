"""What code that has never heard of xdbr asks of an array: protocols, conversions, methods, NumPy's functions."""

from __future__ import annotations

import copy
import math
import operator
import pickle
import re
import subprocess
import sys
import types
from typing import Any

import numpy as np
import pytest

import xdbr
from xdbr.testing import assert_allclose, to_host

HOST = np.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]])


@pytest.fixture
def plain(device: Any) -> Any:
    """An array that needs no gradient."""
    return xdbr.asarray(HOST, device=device)


@pytest.fixture
def leaf(device: Any) -> Any:
    """The same array, which needs gradient."""
    return xdbr.Variable(HOST, requires_grad=True, device=device)


# -- what it is ------------------------------------------------------------------------------------------


def test_nothing_that_others_take_for_a_sign_of_their_own_arrays(plain: Any) -> None:
    for name in ("flags", "iloc", "fit", "chunks", "mask", "data_ptr", "_repr_inline_", "__array_interface__"):
        assert not hasattr(plain, name), name
    assert type(plain).__module__.startswith("xdbr") and type(plain).__qualname__ == "Variable"
    assert type(plain).__array_ufunc__ is None


def test_namespace(plain: Any, backend: Any) -> None:
    space = plain.__array_namespace__()
    assert space is plain.__array_namespace__(api_version="2025.12") is (plain + 1).__array_namespace__()
    assert space is xdbr.namespace(backend.name) and space.__name__ == f"xdbr.{backend.name}"
    assert {space: 1}[plain.__array_namespace__()] == 1 and "marray" not in space.__name__
    assert copy.deepcopy(space) is space and pickle.loads(pickle.dumps(space)) is space
    with pytest.raises(ValueError, match="2019"):
        plain.__array_namespace__(api_version="2019.1")


def test_arrays_made_without_a_device_lie_beside_the_others(xp: Any, plain: Any) -> None:
    assert (xp.ones(3) + plain).device == plain.device == xp.asarray(1.0).device == xp.arange(2).device
    assert xp.linspace(0, 1, 3).device == xp.fft.fftfreq(4).device == plain.device


def test_inspection_of_the_namespace(xp: Any, device: Any) -> None:
    info = xp.__array_namespace_info__()
    assert isinstance(info.devices(), tuple) and device in info.devices()
    assert set(info.dtypes(kind="real floating", device=device)) >= {"float32", "float64"}
    assert info.dtypes(kind="bool") == {"bool": xp.bool}
    assert set(info.dtypes(kind=("signed integer", "bool"))) == {"int8", "int16", "int32", "int64", "bool"}
    assert set(info.default_dtypes()) == {"real floating", "complex floating", "integral", "indexing"}


# -- leaving the world of Variables -------------------------------------------------------------------------


def test_an_array_that_needs_no_gradient_is_converted(plain: Any) -> None:
    host = np.asarray(plain)
    assert type(host) is np.ndarray and host.dtype == np.float64 and np.array_equal(host, HOST)
    assert np.asarray(plain, dtype=np.float32).dtype == np.float32
    assert np.array(plain, copy=True).flags.writeable
    assert np.array_equal(np.asarray([plain, plain]), [HOST, HOST]) and np.array_equal(np.stack([plain]), [HOST])
    assert float(plain[0, 1]) == 2.0 and complex(plain[0, 1]) == 2.0 and math.sqrt(plain[1, 0]) == 2.0
    assert np.array_equal(np.concatenate([plain, HOST]), np.concatenate([HOST, HOST]))
    target = np.zeros((2, 3))
    target[...] = plain
    target[0, 0] = plain[1, 2]
    assert target[0, 0] == 6.5 and target[1, 2] == 6.5


def test_an_array_without_axes_that_needs_gradient_is_a_truth_and_an_integer(leaf: Any, device: Any) -> None:
    assert bool(leaf[0, 0]) and int(leaf[1, 2]) == 6 and leaf[1, 2].item() == 6.5 and leaf.tolist() == HOST.tolist()
    i = xdbr.asarray(2, device=device)
    assert operator.index(i) == 2 and [5, 6, 7][i] == 7 and list(range(i)) == [0, 1]
    assert 6.5 in leaf and 7.0 not in leaf


def written(value: Any, key: Any = ...) -> Any:
    target = np.zeros((2, 3))
    target[key] = value
    return target


# How code gets a number or an array of NumPy's out of an array, each of which would cut the graph.
WAYS_OUT = {
    "asarray": np.asarray,
    "asarray of a list": lambda x: np.asarray([x, x]),
    "array of elements": lambda x: np.array(list(x[0, :])),
    "array of a mixed list": lambda x: np.asarray([x[0, 0], 1.0]),
    "array of objects": lambda x: np.asarray([x, x], dtype=object),
    "asarray dtype": lambda x: np.asarray(x, dtype=np.float32),
    "float": lambda x: float(x[0, 0]),
    "complex": lambda x: complex(x[0, 0]),
    "list of floats": lambda x: [float(v) for v in x[0, :]],
    "math.sqrt": lambda x: math.sqrt(x[0, 0]),
    "math.fsum": lambda x: math.fsum(list(x[0, :])),
    "math.floor": lambda x: math.floor(x[0, 0]),
    "percent": lambda x: "%g" % x[0, 0],  # noqa: UP031
    "numpy.float64": lambda x: np.float64(x[0, 0]),
    "numpy.float32 of an array": np.float32,
    "write of an array": written,
    "write of an element": lambda x: written(x[0, 0], (0, 0)),
    "write of a list": lambda x: written([x[0, 0]] * 3, 0),
    "numpy.full": lambda x: np.full(3, x[0, 0]),
    "numpy.fromiter": lambda x: np.fromiter(x[0, :], float),
    "numpy.geomspace": lambda x: np.geomspace(1, x[0, 0], 3),
    "numpy.arange": lambda x: np.arange(x[0, 0]),
    "numpy.interp": lambda x: np.interp(0.5, [0, 1, 2], x[0, :]),
    "numpy.copyto": lambda x: np.copyto(np.zeros((2, 3)), x),
    "numpy.add.reduce": lambda x: np.add.reduce([x, x]),
    "ndarray.dot": lambda x: np.ones(2).dot(x),
    "ndarray.fill": lambda x: np.ones(2).fill(x[0, 0]),
    "numpy.ma": np.ma.asarray,
    "numpy.from_dlpack": np.from_dlpack,
    "numpy.vectorize": lambda x: np.vectorize(lambda v: v + 1)(x),
    "numpy.convolve": lambda x: np.convolve(x[0, :], x[1, :]),
    "numpy.insert": lambda x: np.insert(x, 0, 1.0),
    "numpy.unique": np.unique,
    "numpy.unwrap": lambda x: np.unwrap(x, axis=0),
    "numpy.polyfit": lambda x: np.polyfit(x[0, :], x[1, :], 1),
    "numpy.linalg.cond": np.linalg.cond,
    "numpy.linalg.lstsq": lambda x: np.linalg.lstsq(HOST, x),
    "numpy.take with a mode": lambda x: np.take(x, 9, mode="clip"),
    "numpy.sum into an array": lambda x: np.sum(x, axis=0, out=np.zeros(3)),
    "numpy.max with a mask": lambda x: np.max(x, initial=0.0, where=HOST > 2),
    "numpy.quantile with a method": lambda x: np.quantile(x, 0.5, method="inverted_cdf"),
    "numpy.histogram": np.histogram,
    "xdbr.from_dlpack": xdbr.from_dlpack,
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_an_array_that_needs_gradient_refuses(leaf: Any, way: str, backend: Any) -> None:
    if way == "numpy.from_dlpack" and leaf.device != backend.default_device():
        leaf = leaf.to_device(backend.default_device())
    with pytest.raises((xdbr.GradientError, ValueError)) as raised:
        WAYS_OUT[way](leaf)
    error: BaseException | None = raised.value
    while error is not None and not isinstance(error, xdbr.GradientError):
        error = error.__cause__  # NumPy's "setting an array element" says what it comes from
    assert "needs gradient" in str(error) and ".detach()" in str(error)
    # After a detach each of them works.
    WAYS_OUT[way](leaf.detach())


@pytest.mark.parametrize("ufunc", [np.sin, np.add, np.multiply.outer])
def test_ufuncs_take_no_variable(plain: Any, leaf: Any, ufunc: Any) -> None:
    for x in (plain, leaf):
        with pytest.raises(TypeError, match="does not support ufuncs"):
            ufunc(*[x] * getattr(ufunc, "nin", 2))


def test_an_error_of_a_refusal_is_none_that_conversions_swallow() -> None:
    # `except (TypeError, ValueError)` around float(x), `getattr` and `hasattr` would swallow these.
    assert not issubclass(xdbr.GradientError, (TypeError, ValueError, AttributeError, OverflowError, ArithmeticError))
    assert issubclass(xdbr.GradientError, RuntimeError)


@pytest.mark.parametrize("way", ["asarray", "float", "numpy.unique"])
@pytest.mark.parametrize(
    ("library", "advice"),
    [("scipy", "SCIPY_ARRAY_API=1 before"), ("sklearn", "sklearn.config_context.array_api_dispatch=True.")],
)
def test_an_error_names_the_switch_of_the_library_that_converts(
    library: str, advice: str, way: str, leaf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Modules that look like the libraries', for which these need not be installed.
    inner = types.ModuleType(f"{library}.stats")
    exec("def convert(way, x): return way(x)", inner.__dict__)
    config = {"array_api_dispatch": False}
    for name, made in {
        "scipy._lib._array_api": types.SimpleNamespace(SCIPY_ARRAY_API=False),
        "sklearn": types.SimpleNamespace(get_config=lambda: config),
    }.items():
        monkeypatch.setitem(sys.modules, name, made)
    with pytest.raises(xdbr.GradientError, match=rf"{advice}.*, or .*x\.detach\(\) first"):
        inner.convert(WAYS_OUT[way], leaf)
    # Elsewhere, and with the switch on, the advice is the usual one.
    config["array_api_dispatch"] = True
    monkeypatch.setattr(sys.modules["scipy._lib._array_api"], "SCIPY_ARRAY_API", "1")
    for call in (inner.convert, lambda way, x: way(x)):
        with pytest.raises(xdbr.GradientError) as raised:
            call(WAYS_OUT[way], leaf)
        assert not re.search(advice, str(raised.value)) and "x.detach()" in str(raised.value)


def test_an_error_of_the_environment_that_scipy_has_not_read(leaf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "scipy._lib._array_api", raising=False)
    monkeypatch.setenv("SCIPY_ARRAY_API", "0")
    space = {"__name__": "scipy.special"}
    exec("def convert(x): return float(x)", space)
    with pytest.raises(xdbr.GradientError, match="SCIPY_ARRAY_API=1"):
        space["convert"](leaf[0, 0])  # type: ignore[operator]


def test_an_error_names_what_comes_near(leaf: Any) -> None:
    with pytest.raises(xdbr.GradientError, match=r"numpy\.unique .* no counterpart .*use xdbr\.unique_values"):
        np.unique(leaf)
    with pytest.raises(xdbr.GradientError, match=r"numpy\.unwrap .* no counterpart here; use x\.detach\(\)"):
        np.unwrap(leaf)


# -- beside NumPy's numbers and arrays -----------------------------------------------------------------------


@pytest.mark.parametrize("number", [np.float64(2), np.float32(2), np.int64(2), np.float16(2), np.uint8(2)])
def test_numpy_numbers_are_weak(device: Any, number: Any) -> None:
    x = xdbr.Variable(HOST, dtype="float32", requires_grad=True, device=device)
    for y, wanted in (
        (number * x, number * HOST),
        (x * number, number * HOST),
        (number - x, float(number) - HOST),
        (x / number, HOST / number),
        (number**x, float(number) ** HOST),
    ):
        assert type(y) is xdbr.Variable and y.dtype == np.float32 and y.requires_grad
        assert_allclose(y, wanted, rtol=1e-6)
    assert type(number < x) is xdbr.Variable and (number < x).tolist() == (number < HOST).tolist()


def test_numpy_arrays_leave_the_operator_to_the_variable(backend: Any, leaf: Any) -> None:
    if not backend.is_host:
        with pytest.raises(xdbr.DeviceError, match="to_device"):
            HOST * leaf
        return
    for y in (HOST * leaf, leaf * HOST):
        assert type(y) is xdbr.Variable and y.requires_grad
    assert_allclose(HOST @ leaf.T, HOST @ HOST.T)
    y = leaf + 0
    y += HOST
    assert_allclose(y, 2 * HOST)


# -- NumPy's functions ------------------------------------------------------------------------------------------

GAPS = np.asarray([[1.5, np.nan, -0.5, 2.0], [np.nan, np.nan, 3.0, 0.25], [0.75, -1.0, 4.0, np.nan]])
WHOLE = np.asarray([[1.5, 0.2, -0.5, 2.0], [0.6, -2.0, 3.0, 0.25], [0.75, -1.0, 4.0, 1.1]])


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1)])
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "max", "min", "median", "cumsum", "cumprod"])
def test_reductions_of_numpy(name: str, axis: Any, device: Any) -> None:
    if name.startswith("cum") and isinstance(axis, tuple):
        with pytest.raises(TypeError, match="axis"):
            np.cumsum(xdbr.Variable(WHOLE, requires_grad=True, device=device), axis=axis)
        return
    for function, host in ((getattr(np, name), WHOLE), (getattr(np, f"nan{name}"), GAPS)):
        x = xdbr.Variable(host, requires_grad=True, device=device)
        y = function(x, axis=axis)
        assert type(y) is xdbr.Variable and y.requires_grad
        assert_allclose(y, function(host, axis=axis))
        xdbr.sum(y).backward()
        there = np.isfinite(host)
        for where in np.ndindex(host.shape):
            if not there[where]:
                assert to_host(x.grad)[where] == 0.0
                continue
            up, down = host.copy(), host.copy()
            up[where] += 1e-5
            down[where] -= 1e-5
            slope = (np.sum(function(up, axis=axis)) - np.sum(function(down, axis=axis))) / 2e-5
            assert math.isclose(to_host(x.grad)[where], slope, rel_tol=1e-6, abs_tol=1e-8)


def test_options_of_reductions_of_numpy(device: Any) -> None:
    x = xdbr.Variable(GAPS, requires_grad=True, device=device)
    assert np.nanmean(x, axis=0, keepdims=True).shape == np.nanmedian(x, axis=0, keepdims=True).shape == (1, 4)
    assert np.nansum(x, dtype=np.float32).dtype == np.float32
    assert_allclose(np.nanstd(x, axis=1, ddof=1), np.nanstd(GAPS, axis=1, ddof=1))
    assert_allclose(np.amax(x[2, :3]), 4.0)
    empty = xdbr.Variable(np.full((2, 2), np.nan), requires_grad=True, device=device)
    assert all(np.isnan(to_host(f(empty))) for f in (np.nanmax, np.nanmean, np.nanmedian, np.nanvar))
    with pytest.raises(xdbr.GradientError, match="initial"):
        np.sum(x, initial=1.0)


def test_functions_of_numpy_that_look_at_an_array(leaf: Any) -> None:
    assert np.shape(leaf) == (2, 3) and np.ndim(leaf) == 2 and np.size(leaf) == 6
    assert np.result_type(leaf, np.float32) == np.float64 and not np.iscomplexobj(leaf)
    assert np.isclose(leaf, HOST).all() and np.allclose(leaf, HOST) and np.array_equal(leaf, HOST)
    assert np.argmax(leaf) == 5 and np.count_nonzero(leaf) == 6


def test_names_that_numpy_and_scikit_learn_use(xp: Any, leaf: Any) -> None:
    assert_allclose(xp.std(leaf, axis=0, ddof=1), np.std(HOST, axis=0, ddof=1))
    assert_allclose(xp.var(leaf, ddof=1), np.var(HOST, ddof=1))
    assert_allclose(xp.diff(leaf, 2), np.diff(HOST, 2))
    values = xp.unique_values(xp.asarray([2, 0, 1, 2, 9, 4, 0]))
    assert values.tolist() == [0, 1, 2, 4, 9]  # scikit-learn counts on the order


# -- DLPack --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sum", "nanmax"])
def test_an_option_of_numpy_that_its_reduction_does_not_take(name: str, device: Any) -> None:
    x = xdbr.Variable([1.0, 2.0], requires_grad=True)
    with pytest.raises(
        xdbr.GradientError, match=rf"numpy\.{name} of a Variable that needs gradient takes a, .*; got initial, where; "
    ):
        getattr(np, name)(x, initial=0.0, where=np.asarray([True, False]))


@pytest.fixture
def in_host_memory(plain: Any, backend: Any) -> Any:
    """An array on a device that DLPack knows: array-api-strict's further devices are none."""
    if plain.device == backend.default_device():
        return plain
    for ask in (plain.__dlpack_device__, plain.__dlpack__):
        with pytest.raises(BufferError, match="to_device"):
            ask()
    return plain.to_device(backend.default_device())


def from_dlpack(x: Any, **options: Any) -> Any:
    """NumPy's import to host memory; NumPy 2.0 takes no options."""
    if np.lib.NumpyVersion(np.__version__) < "2.1.0":
        return np.from_dlpack(x)
    return np.from_dlpack(x, device="cpu", **options)


def test_dlpack_out(in_host_memory: Any) -> None:
    plain = in_host_memory
    assert isinstance(plain.__dlpack_device__(), tuple) and len(plain.__dlpack_device__()) == 2
    for host in (from_dlpack(plain), from_dlpack(plain, copy=True)):
        assert type(host) is np.ndarray and host.dtype == np.float64 and np.array_equal(host, HOST)
    assert type(plain.__dlpack__(dl_device=(1, 0), copy=None)).__name__ == "PyCapsule"
    assert type(plain.__dlpack__(max_version=(1, 0), copy=True)).__name__ == "PyCapsule"


def test_dlpack_in(xp: Any, device: Any, plain: Any, leaf: Any) -> None:
    assert_allclose(xp.from_dlpack(plain), HOST)
    assert_allclose(xp.from_dlpack(plain, device=device, copy=True), HOST)
    assert_allclose(xp.from_dlpack(HOST, device=device), HOST)
    assert_allclose(xdbr.from_dlpack(plain, device="numpy"), HOST)
    assert xdbr.from_dlpack(plain, device="numpy").device == xdbr.Device("numpy")
    assert_allclose(xp.from_dlpack(leaf.detach()), HOST)


def test_dlpack_of_a_view_and_of_no_axes(in_host_memory: Any) -> None:
    plain = in_host_memory
    assert np.array_equal(from_dlpack(plain[:, ::2]), HOST[:, ::2])
    assert from_dlpack(plain[0, 1]) == 2.0 and from_dlpack(xdbr.sum(plain)) == 21.5


# -- copies and text ------------------------------------------------------------------------------------------


def test_copies_of_a_leaf_under_no_grad_are_leaves(leaf: Any) -> None:
    xdbr.sum(leaf * leaf).backward()
    leaf.name = "weights"
    with xdbr.no_grad():
        copies = [copy.copy(leaf), copy.deepcopy(leaf), pickle.loads(pickle.dumps(leaf))]
    for made in copies:
        assert made is not leaf and made.requires_grad and made.is_leaf and made.name == "weights"
        assert made.device == leaf.device and made.dtype == leaf.dtype
        assert_allclose(made, HOST)
        assert_allclose(made.grad, 2 * HOST)
        xdbr.sum(made).backward()
        assert_allclose(leaf.grad, 2 * HOST)  # each collects for itself


def test_one_object_stays_one_in_a_deep_copy(leaf: Any) -> None:
    one, other = copy.deepcopy([leaf, leaf])
    assert one is other
    one, other = pickle.loads(pickle.dumps([leaf, leaf]))
    assert one is other


def test_a_computed_array_is_not_pickled_with_its_graph(leaf: Any) -> None:
    with pytest.raises(xdbr.GradientError, match=r"detach\(\)"):
        pickle.dumps(leaf * 2)
    pickle.dumps((leaf * 2).detach())


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda x: copy.deepcopy({"a": [x]})["a"][0]])
def test_copies_of_a_leaf_stay_connected(leaf: Any, make: Any) -> None:
    made = make(leaf)
    made[0, 0] = 0.0  # which does not reach the leaf
    assert_allclose(leaf, HOST)
    xdbr.sum(made * made).backward()
    expected = 2 * HOST
    expected[0, 0] = 0.0
    assert_allclose(leaf.grad, expected)


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy])
def test_copies_of_what_is_computed_stay_connected(plain: Any, leaf: Any, make: Any) -> None:
    y = leaf * 2
    z = make(y)
    z[0, 0] = 0.0  # which does not reach y
    xdbr.sum(y * z).backward()
    expected = 8 * HOST
    expected[0, 0] = 0.0
    assert_allclose(leaf.grad, expected)
    # The arguments of a function that is differentiated are computed, too.
    assert_allclose(xdbr.grad(lambda x: xdbr.sum(make(x) * x))(plain), 2 * HOST)
    assert_allclose(xdbr.jvp(lambda x: make(x) * x, (plain,), (xdbr.ones_like(plain),))[1], 2 * HOST)
    assert_allclose(xdbr.grad(lambda x: xdbr.sum(xdbr.grad(lambda y: xdbr.sum(make(y) ** 2 * x))(x)))(plain), 4 * HOST)


def test_text(plain: Any, leaf: Any) -> None:
    assert f"{leaf[0, 1]:.2f}" == "2.00" and f"{plain}" == str(plain) and "requires_grad=True" in repr(leaf)
    assert f"{plain[0, 0]:6.1f}|{plain[0, 0]!r}".startswith("   1.0|Variable(1.")
    with pytest.raises(TypeError, match="0-d"):
        f"{leaf:.2f}"


def test_iteration_gives_views_that_carry_gradients(leaf: Any) -> None:
    first, second = leaf
    assert len(leaf) == 2 and first.shape == (3,) and [float(v) for v in second.detach()] == HOST[1].tolist()
    total = sum(row * i for i, row in enumerate(leaf, 1))
    xdbr.sum(total).backward()
    assert_allclose(leaf.grad, np.asarray([[1.0] * 3, [2.0] * 3]))
    y = leaf + 0
    for row in y:
        row *= 2.0
    assert_allclose(y, 2 * HOST)
    for nothing in (lambda: len(leaf[0, 0]), lambda: iter(leaf[0, 0])):
        with pytest.raises(TypeError, match="0-d"):
            nothing()


# -- methods --------------------------------------------------------------------------------------------------

METHODS = {
    "sum": lambda x: x.sum(axis=0),
    "sum by position": lambda x: x.sum(1),
    "sum keepdims": lambda x: x.sum(axis=(0, 1), keepdims=True),
    "prod": lambda x: x.prod(axis=1),
    "mean": lambda x: x.mean(axis=0),
    "var": lambda x: x.var(axis=0),
    "std": lambda x: x.std(),
    "max": lambda x: x.max(axis=1),
    "min": lambda x: x.min(),
    "reshape": lambda x: x.reshape(3, 2),
    "reshape tuple": lambda x: x.reshape((3, -1)),
    "transpose": lambda x: x.transpose(),
    "transpose axes": lambda x: x.transpose(1, 0),
    "T": lambda x: x.T,
    "flatten": lambda x: x.flatten(),
    "ravel": lambda x: x.ravel(),
    "squeeze": lambda x: x.reshape(1, 6).squeeze(),
    "squeeze axis": lambda x: x.reshape(1, 6).squeeze(axis=0),
    "copy": lambda x: x.copy(),
    "astype": lambda x: x.astype(x.dtype),
    "clip": lambda x: x.clip(2.0, 5.0),
    "conj": lambda x: x.conj(),
    "real": lambda x: x.real,
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_those_of_numpys_arrays_and_carry_gradients(name: str, leaf: Any) -> None:
    y = METHODS[name](leaf)
    assert type(y) is xdbr.Variable and y.requires_grad
    assert_allclose(y, METHODS[name](HOST))
    xdbr.sum(y * y).backward()
    for where in np.ndindex(HOST.shape):
        up, down = HOST.copy(), HOST.copy()
        up[where] += 1e-6
        down[where] -= 1e-6
        slope = np.sum(METHODS[name](up) ** 2 - METHODS[name](down) ** 2) / 2e-6
        if HOST[where] not in (2.0, 5.0):  # the kinks of `clip`
            assert math.isclose(to_host(leaf.grad)[where], slope, rel_tol=1e-5, abs_tol=1e-6)


def test_methods_without_a_derivative(leaf: Any) -> None:
    assert leaf.argmax().item() == 5 and leaf.argmin(axis=1).tolist() == [0, 0]
    assert (leaf > 2).any().item() and not (leaf > 2).all(axis=0).tolist()[0]
    assert leaf[0, 1].item() == 2.0 and (leaf.ndim, leaf.size, leaf.shape) == (2, 6, (2, 3))


# -- einops ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["xdbr", "einops"])
def test_einops_takes_variables_whichever_is_imported_first(first: str) -> None:
    pytest.importorskip("einops", reason="einops is not installed")
    second = "einops" if first == "xdbr" else "xdbr"
    code = f"""
import sys
import {first}
assert first_alone or "einops" not in sys.modules
import {second}
import einops, importlib, einops._backends
x = xdbr.Variable([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
y = einops.rearrange(x, "a b -> (b a)")
assert type(y) is xdbr.Variable and y.tolist() == [1.0, 3.0, 2.0, 4.0]
xdbr.sum(y * y).backward()
assert x.grad.tolist() == [[2.0, 4.0], [6.0, 8.0]]
# The import machinery is as it was for others.
assert einops._backends.__spec__.loader.get_source("einops._backends")
importlib.reload(einops._backends)
assert einops._backends.get_backend(x).framework_name == "xdbr"
""".replace("first_alone", str(first == "einops"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_einops_with_a_loader_that_cannot_be_changed() -> None:
    from xdbr import _einops

    class Fixed:
        __slots__ = ()

        def exec_module(self, module: Any) -> None: ...

    _einops.register_after(Fixed())
    _einops.register_after(None)
    assert _einops.AfterImport().find_spec("einops", None) is None


EINOPS = {
    "rearrange": lambda e, x: e.rearrange(x, "a (b c) -> c a b", c=3),
    "reduce mean": lambda e, x: e.reduce(x, "a b -> b", "mean"),
    "reduce max": lambda e, x: e.reduce(x, "a b -> a", "max"),
    "reduce min": lambda e, x: e.reduce(x, "a b -> ", "min"),
    "reduce sum": lambda e, x: e.reduce(x, "a b -> 1 b", "sum"),
    "reduce prod": lambda e, x: e.reduce(x, "a b -> a", "prod"),
    "repeat": lambda e, x: e.repeat(x, "a b -> (a r) b s", r=2, s=2),
    "einsum": lambda e, x: e.einsum(x, x, "a b, c b -> a c"),
    "pack": lambda e, x: e.pack([x, x[:, 0]], "a *")[0],
    "unpack": lambda e, x: e.unpack(x, [(2,), ()], "a *")[0],
    "list": lambda e, x: e.rearrange([x, x], "n a b -> b (n a)"),
}


@pytest.mark.parametrize("name", EINOPS)
def test_einops_on_every_backend(name: str, leaf: Any) -> None:
    einops = pytest.importorskip("einops", reason="einops is not installed")
    y = EINOPS[name](einops, leaf)
    assert type(y) is xdbr.Variable and y.device == leaf.device
    assert_allclose(y, EINOPS[name](einops, HOST))
    xdbr.sum(y * y).backward()
    for where in np.ndindex(HOST.shape):
        up, down = HOST.copy(), HOST.copy()
        up[where] += 1e-5
        down[where] -= 1e-5
        slope = np.sum(EINOPS[name](einops, up) ** 2 - EINOPS[name](einops, down) ** 2) / 2e-5
        assert math.isclose(to_host(leaf.grad)[where], slope, rel_tol=1e-6, abs_tol=1e-6)


def test_einops_refuses_what_cuts_the_graph(leaf: Any) -> None:
    einops = pytest.importorskip("einops", reason="einops is not installed")
    with pytest.raises(xdbr.GradientError, match=r"detach\(\)"):
        einops.asnumpy(leaf)
    assert np.array_equal(einops.asnumpy(leaf.detach()), HOST)
    with pytest.raises(NotImplementedError, match="reduce_mean"):
        einops.reduce(xdbr.asarray([[1, 2]], device=leaf.device), "a b -> a", "mean")
    assert einops.parse_shape(leaf, "a b") == {"a": 2, "b": 3}
