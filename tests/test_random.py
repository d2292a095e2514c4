"""Random numbers: distributions, seeds, states that resume to the bit, and bad arguments."""

from __future__ import annotations

import copy
import ctypes
import json
import math
import pickle
import shutil
import statistics
import subprocess
import threading
import warnings

import numpy as np
import pytest

import xdbr
from xdbr import backends
from xdbr._errors import DeviceError, DtypeError, SerializationError, ShapeError
from xdbr.random import Generator
from xdbr.testing import assert_allclose, to_host

DRAWS = {
    "normal": lambda g: g.normal((3, 5)),
    "normal in float64": lambda g: g.normal(7, dtype="float64"),
    "uniform": lambda g: g.uniform(11, low=-1.0, high=2.0),
    "integers": lambda g: g.integers(-5, 1000, (2, 3)),
    "bernoulli": lambda g: g.bernoulli(0.3, 13),
    "permutation": lambda g: g.permutation(9),
    "one number": lambda g: g.uniform(()),
    "nothing": lambda g: g.normal((0, 3)),
}


@pytest.fixture
def g(device):
    return Generator(seed=1234, device=device)


def same(x, y):
    return x.dtype == y.dtype and x.shape == y.shape and to_host(x).tobytes() == to_host(y).tobytes()


# -- distributions -----------------------------------------------------------------------------------------


def moments(x):
    values = to_host(x).reshape(-1).astype("float64").tolist()
    return statistics.fmean(values), statistics.pstdev(values)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal(g, dtype):
    x = g.normal((200, 300), loc=3.0, scale=2.0, dtype=dtype)
    assert x.shape == (200, 300) and x.dtype == np.dtype(dtype) and x.device == g.device and not x.requires_grad
    mean, deviation = moments(x)
    # Six standard errors of 60,000 draws.
    assert abs(mean - 3) < 6 * 2 / math.sqrt(60_000) and abs(deviation - 2) < 6 * 2 / math.sqrt(120_000)
    values = np.sort((to_host(x).reshape(-1).astype("float64") - 3) / 2)
    cdf = np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in values])
    # Kolmogorov-Smirnov: the distance exceeds 2.3 / sqrt(n) once in 20,000 times.
    assert np.abs(cdf - (np.arange(60_000) + 0.5) / 60_000).max() < 2.3 / math.sqrt(60_000)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform(g, dtype):
    x = g.uniform((200, 300), low=-1.0, high=3.0, dtype=dtype)
    assert x.dtype == np.dtype(dtype)
    values = np.sort(to_host(x).reshape(-1).astype("float64"))
    assert values[0] >= -1 and values[-1] < 3
    assert np.abs((values + 1) / 4 - (np.arange(60_000) + 0.5) / 60_000).max() < 2.3 / math.sqrt(60_000)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform_never_reaches_the_upper_bound(g, dtype):
    """Where `low + (high - low) * u` rounds to `high`, as it does for a span of one unit in the last place."""
    low, high = 1.0, float(np.nextafter(np.dtype(dtype).type(1), np.dtype(dtype).type(2)))
    assert set(to_host(g.uniform(1000, low=low, high=high, dtype=dtype)).tolist()) == {low}
    assert set(to_host(g.uniform(10, low=2.5, high=2.5, dtype=dtype)).tolist()) == {2.5}


def test_integers(g):
    x = g.integers(-2, 4, 60_000)
    counts = {value: int(np.sum(to_host(x) == value)) for value in range(-2, 4)}
    assert sum(counts.values()) == 60_000
    assert all(abs(count - 10_000) < 6 * math.sqrt(10_000) for count in counts.values())
    assert x.dtype == g.device.backend.default_integers(g.device)["integral"]
    assert set(g.integers(7, 8, 5).tolist()) == {7}


def test_integers_of_the_whole_range(g):
    if g.device.backend.default_integers(g.device)["integral"] != np.dtype("int64"):
        with pytest.raises(DtypeError, match="does not fit"):
            g.integers(-(2**63), 2**63, 3)
        return
    x = to_host(g.integers(-(2**63), 2**63, 1000)).astype("float64")
    assert x.min() < -(2**62) and x.max() > 2**62


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
def test_bernoulli(g, p):
    x = g.bernoulli(p, (100, 200))
    assert x.dtype == np.dtype("bool") and x.shape == (100, 200)
    n = int(np.sum(to_host(x)))
    assert abs(n - p * 20_000) <= 6 * math.sqrt(20_000 * p * (1 - p))


def test_permutation(g):
    first, second = g.permutation(100), g.permutation(100)
    assert sorted(first.tolist()) == list(range(100)) and first.tolist() != second.tolist()
    assert g.permutation(0).shape == (0,) and g.permutation(1).tolist() == [0]
    assert xdbr.take(xdbr.arange(100, device=g.device), first).tolist() == first.tolist()  # fit to index with
    places = np.array([to_host(g.permutation(4)) for _ in range(3000)])
    assert np.abs(places.mean(axis=0) - 1.5).max() < 6 * math.sqrt(1.25 / 3000)


def test_draws_are_independent(g):
    x, y = to_host(g.normal(20_000)).astype("float64"), to_host(g.normal(20_000)).astype("float64")
    assert abs(float((x * y).mean())) < 6 / math.sqrt(20_000)
    assert abs(float((x[1:] * x[:-1]).mean())) < 6 / math.sqrt(20_000)


@pytest.mark.parametrize("shape", [3, (3,), (), (2, 0, 4), [2, 3], np.int64(3)])
def test_shapes(g, shape):
    expected = tuple(shape) if isinstance(shape, (tuple, list)) else (int(shape),)
    for x in (g.normal(shape), g.uniform(shape), g.integers(0, 5, shape), g.bernoulli(0.5, shape)):
        assert x.shape == expected


def test_default_dtype(device):
    g = Generator(0, device)
    assert g.normal(2).dtype == g.uniform(2).dtype == np.dtype("float32")
    with xdbr.default_dtype("float64"):
        assert g.normal(2).dtype == g.uniform(2).dtype == np.dtype("float64")


def test_float16():
    g = Generator(0, "numpy")
    x = g.uniform(2000, dtype="float16")
    assert x.dtype == np.dtype("float16") and float(xdbr.max(x)) < 1.0
    assert g.normal(10, dtype="float16").dtype == np.dtype("float16")
    with pytest.raises(ValueError, match=r"uniform: low, high and their difference must be finite in float16"):
        g.uniform(3, high=1e6, dtype="float16")


# -- seeds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", DRAWS)
def test_one_seed_gives_one_sequence(device, draw):
    a, b, c = Generator(5, device), Generator(5, device), Generator(6, device)
    for _ in range(2):
        assert same(DRAWS[draw](a), DRAWS[draw](b))
    assert a.seed == 5
    if draw in ("normal", "uniform", "integers"):
        assert not same(DRAWS[draw](a), DRAWS[draw](c))


def test_without_a_seed_each_differs_and_tells_its_seed(device):
    a, b = Generator(device=device), Generator(device=device)
    assert a.seed != b.seed
    assert same(a.normal(5), Generator(a.seed, device).normal(5))


def test_long_seeds(device):
    a, b = Generator(2**200 + 1, device), Generator(2**200 + 2, device)
    assert a.seed == 2**200 + 1
    assert not same(a.normal(5), b.normal(5))
    assert same(Generator(2**200 + 2, device).normal(5), Generator(2**200 + 2, device).normal(5))


def test_host_backends_draw_the_same_numbers(backend):
    """One seed, one result, wherever the numbers are drawn on the host."""
    device = backend.default_device()
    if backend.random(0, device).kind != "host-pcg64":
        pytest.skip(f"{backend.name} draws on its own device")
    for draw in DRAWS.values():
        x, y = draw(Generator(3, device)), draw(Generator(3, "numpy"))
        assert_allclose(x, y, rtol=0)


def test_generator_is_on_the_default_device(device):
    with xdbr.device(device):
        assert Generator(0).device == device
    assert Generator(0, str(device)).device == device
    assert repr(Generator(3, device)) == f"Generator(seed=3, device='{device}')"


def test_spawn(g):
    state = g.state_dict()
    children = g.spawn(3)
    assert len({child.seed for child in children}) == 3 and all(child.device == g.device for child in children)
    x = g.normal(4)
    g.load_state_dict(state)
    again = g.spawn(3)
    assert [child.seed for child in again] == [child.seed for child in children]
    assert same(g.normal(4), x)
    assert not same(children[0].normal(5), children[1].normal(5))
    assert g.spawn(0) == []
    assert g.spawn(1, device="numpy")[0].device == "numpy"


# -- state ---------------------------------------------------------------------------------------------------


def json_able(state):
    return all(type(key) is str and type(value) in (int, str, list) for key, value in state.items())


@pytest.mark.parametrize("draw", DRAWS)
def test_resumes_to_the_bit(device, draw):
    g = Generator(77, device)
    for other in DRAWS.values():
        other(g)
        g.bernoulli(0.5, 3)  # an odd number of 32-bit words: half of a 64-bit one is left over
        state = json.loads(json.dumps(g.state_dict()))
        assert json_able(g.state_dict())
        expected = [DRAWS[draw](g) for _ in range(3)]
        resumed = Generator(0, device)
        resumed.load_state_dict(state)
        assert resumed.seed == 77
        assert all(same(x, DRAWS[draw](resumed)) for x in expected)
        g.load_state_dict(state)
        assert all(same(x, DRAWS[draw](g)) for x in expected)


def test_copies_and_pickles_go_on_alike(g):
    g.normal(3)
    copies = [copy.copy(g), copy.deepcopy(g), pickle.loads(pickle.dumps(g))]
    x = g.normal(5)
    for other in copies:
        assert other.device == g.device and other.seed == g.seed
        assert same(other.normal(5), x)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("kind"), "lacks kind"),
        (lambda s: s.pop("version"), "lacks version"),
        (lambda s: s.update(version=99), "expected a state of version 1; got 99"),
        (lambda s: s.update(kind="dice"), "the state is of a 'dice' generator"),
        (lambda s: s.update(seed="many"), "seed must be an integer"),
        (lambda s: s.update(dict.fromkeys(("state", "key", "draw", "inc"), "zz")), "not the state of a"),
        (lambda s: [s.pop(key, None) for key in ("inc", "draw")], "not the state of a"),
    ],
)
def test_bad_state_is_refused_and_changes_nothing(g, change, said):
    before = g.state_dict()
    bad = dict(before)
    change(bad)
    with pytest.raises(SerializationError, match=said):
        g.load_state_dict(bad)
    assert g.state_dict() == before


@pytest.mark.parametrize("bad", [None, [], "state", 3])
def test_state_that_is_no_dict(g, bad):
    with pytest.raises(SerializationError, match="expected a dict"):
        g.load_state_dict(bad)


# -- the default generators ------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def put_defaults_back():
    state = xdbr.random.state_dict()
    yield
    xdbr.random.load_state_dict(state)


def test_module_functions_draw_from_the_default_generator(device):
    default = xdbr.random.default_generator(device)
    assert default is xdbr.random.default_generator(str(device)) and default.device == device
    xdbr.random.seed(11)
    other = Generator(11, device)
    assert same(xdbr.random.normal(3, loc=1.0, device=device), other.normal(3, loc=1.0))
    assert same(xdbr.random.uniform((2, 2), high=2.0, device=device), other.uniform((2, 2), high=2.0))
    assert same(xdbr.random.integers(0, 9, 4, device=device), other.integers(0, 9, 4))
    assert same(xdbr.random.bernoulli(0.4, 8, device=device), other.bernoulli(0.4, 8))
    with xdbr.device(device):
        assert same(xdbr.random.permutation(6), other.permutation(6))


def test_seed_starts_all_devices_afresh(device):
    held, numpy = xdbr.random.default_generator(device), xdbr.random.default_generator("numpy")
    xdbr.random.seed(3)
    x, y = held.normal(4), numpy.integers(0, 100, 4)
    xdbr.random.normal(5, device=device)
    xdbr.random.seed(3)
    assert xdbr.random.default_generator(device) is held
    assert same(held.normal(4), x)
    if held is not numpy:
        assert same(numpy.integers(0, 100, 4), y)
    xdbr.random.seed(None)
    assert not same(held.normal(4), x)


def test_state_of_the_default_generators(device):
    xdbr.random.seed(8)
    xdbr.random.normal(3, device=device)
    state = json.loads(json.dumps(xdbr.random.state_dict()))
    x, y = xdbr.random.normal(3, device=device), xdbr.random.normal(3, device="numpy")
    xdbr.random.seed(9)
    xdbr.random.load_state_dict(state)
    again = xdbr.random.normal(3, device=device), xdbr.random.normal(3, device="numpy")
    assert same(again[0], x) and same(again[1], y)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda s: s.pop("seed"), SerializationError),
        (lambda s: s.update(seed="many"), SerializationError),
        (lambda s: s.update(seed="-3"), SerializationError),
        (lambda s: s.update(generators=3), SerializationError),
        (lambda s: s["generators"].update(numpy={"version": 1}), SerializationError),
        (lambda s: s["generators"].update(nonesuch={}), SerializationError),
        (lambda s: s["generators"].update({"no device": s["generators"]["numpy"]}), SerializationError),
        (lambda s: s["generators"].update({"": 3}), SerializationError),
    ],
)
def test_bad_state_of_the_default_generators(change, error):
    xdbr.random.default_generator("numpy")
    before = xdbr.random.state_dict()
    bad = copy.deepcopy(before)
    change(bad)
    with pytest.raises(error):
        xdbr.random.load_state_dict(bad)
    assert xdbr.random.state_dict() == before


def test_generators_of_devices_that_are_not_here_are_left_out():
    xdbr.random.seed(8)
    xdbr.random.normal(3, device="numpy")
    state = xdbr.random.state_dict()
    x = xdbr.random.normal(3, device="numpy")
    state["generators"] |= {"nonesuch:1": state["generators"]["numpy"], "numpy:7": state["generators"]["numpy"]}
    xdbr.random.seed(9)
    before = xdbr.random.state_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="left out the generators of devices .*: 'nonesuch:1', 'numpy:7'$"):
            xdbr.random.load_state_dict(state)
    assert xdbr.random.state_dict() == before
    with pytest.warns(UserWarning, match="'nonesuch:1', 'numpy:7'"):
        xdbr.random.load_state_dict(state)
    assert same(xdbr.random.normal(3, device="numpy"), x)


# -- threads ---------------------------------------------------------------------------------------------------


def test_threads_share_a_generator(g):
    """No draw is torn or given twice: together the threads get what one would have got."""
    state = g.state_dict()
    found, start = [], threading.Barrier(4)

    def work():
        start.wait()
        found.extend(tuple(to_host(g.integers(0, 2**30, 4)).tolist()) for _ in range(25))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    g.load_state_dict(state)
    assert sorted(found) == sorted(tuple(to_host(g.integers(0, 2**30, 4)).tolist()) for _ in range(100))


def test_default_generator_is_made_once():
    made, start = [], threading.Barrier(6)

    def work():
        start.wait()
        made.append(xdbr.random.default_generator("numpy"))

    xdbr.random._defaults.pop(backends.parse_device("numpy"), None)
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, made))) == 1


# -- bad arguments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "error", "said"),
    [
        (lambda g: g.normal(2, scale=-1.0), ValueError, r"normal: scale must not be negative; got -1\.0"),
        (lambda g: g.normal(2, loc=math.inf), ValueError, "normal: loc must be finite; got inf"),
        (lambda g: g.normal(2, scale=math.nan), ValueError, "normal: scale must be finite; got nan"),
        (lambda g: g.normal(2, scale="wide"), TypeError, "normal: scale must be a number; got 'wide'"),
        (lambda g: g.normal(-1), ShapeError, r"normal: shape must not have negative lengths; got \(-1,\)"),
        (
            lambda g: g.normal((2, 1.5)),
            TypeError,
            r"normal: shape must be an integer or a tuple of integers; got \(2, 1.5\)",
        ),
        (lambda g: g.normal(None), TypeError, "normal: shape must be an integer"),
        (
            lambda g: g.normal(2, dtype="int32"),
            DtypeError,
            "normal: dtype must be a real floating-point one; got int32",
        ),
        (lambda g: g.normal(2, dtype="complex64"), DtypeError, "normal: dtype must be a real floating-point one"),
        (
            lambda g: g.uniform(2, low=2.0, high=1.0),
            ValueError,
            r"uniform: low must not exceed high; got low=2\.0, high=1\.0",
        ),
        (lambda g: g.uniform(2, high=math.inf), ValueError, "uniform: high must be finite"),
        (
            lambda g: g.uniform(2, low=-1e308, high=1e308, dtype="float64"),
            ValueError,
            "their difference must be finite",
        ),
        (lambda g: g.uniform(2, high=1e39, dtype="float32"), ValueError, "must be finite in float32"),
        (lambda g: g.integers(3, 3, 2), ValueError, "integers: low must be below high; got low=3, high=3"),
        (lambda g: g.integers(4, 3, 2), ValueError, "integers: low must be below high; got low=4, high=3"),
        (lambda g: g.integers(0.5, 3, 2), TypeError, r"integers: low must be an integer; got 0\.5"),
        (lambda g: g.integers(0, 2**64, 2), DtypeError, "does not fit into int64"),
        (lambda g: g.bernoulli(1.5, 2), ValueError, r"bernoulli: p must be within \[0, 1\]; got 1\.5"),
        (lambda g: g.bernoulli(-0.1, 2), ValueError, r"bernoulli: p must be within \[0, 1\]"),
        (lambda g: g.bernoulli(math.nan, 2), ValueError, "bernoulli: p must be finite"),
        (lambda g: g.permutation(-1), ValueError, "permutation: n must not be negative; got -1"),
        (lambda g: g.permutation(2.0), TypeError, r"permutation: n must be an integer; got 2\.0"),
        (lambda g: g.spawn(-1), ValueError, "spawn: n must not be negative"),
    ],
)
def test_bad_arguments_are_named_and_draw_nothing(g, draw, error, said):
    before = g.state_dict()
    with pytest.raises(error, match=said):
        draw(g)
    assert g.state_dict() == before


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: Generator(-1), ValueError, "Generator: seed must not be negative; got -1"),
        (lambda: Generator(1.5), TypeError, r"Generator: seed must be an integer; got 1\.5"),
        (lambda: Generator(True), TypeError, "Generator: seed must be an integer; got True"),
        (lambda: Generator(0, "nonesuch"), DeviceError, "Generator: unknown device 'nonesuch'"),
        (lambda: xdbr.random.seed(-1), ValueError, "seed: seed must not be negative"),
        (lambda: xdbr.random.default_generator("nonesuch"), DeviceError, "default_generator: unknown device"),
        (lambda: xdbr.random.normal(2, device="nonesuch"), DeviceError, "unknown device 'nonesuch'"),
    ],
)
def test_bad_generators(make, error, said):
    with pytest.raises(error, match=said):
        make()


# -- the generator of the GPU, on any machine --------------------------------------------------------------------


@pytest.fixture(scope="module")
def philox(tmp_path_factory):
    """The functions that CuPy's kernels are made of, compiled as the plain C that they are."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("there is no C compiler to build the GPU's functions for the CPU")
    from xdbr.backends.cupy_random import PREAMBLE

    folder = tmp_path_factory.mktemp("philox")
    (folder / "philox.c").write_text("#include <math.h>\n#define XDBR_DEVICE\n" + PREAMBLE)
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(folder / "philox.so"), str(folder / "philox.c"), "-lm"]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(folder / "philox.so"))
    library.xdbr_philox.argtypes = [ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64, ctypes.POINTER(ctypes.c_uint32)]
    library.xdbr_unit_float.restype = ctypes.c_float
    library.xdbr_unit_double.restype = ctypes.c_double
    library.xdbr_unit_double.argtypes = [ctypes.c_uint64]
    library.xdbr_normal_double.argtypes = [ctypes.c_uint64, ctypes.c_uint64, ctypes.POINTER(ctypes.c_double)]
    return library


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        # The known answers of the authors' own library, Random123.
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_philox_gives_the_known_answers(philox, counter, key, expected):
    words = (ctypes.c_uint32 * 4)()
    philox.xdbr_philox(counter[0] | counter[1] << 32, counter[2] | counter[3] << 32, key[0] | key[1] << 32, words)
    assert list(words) == expected


def test_units_are_below_one(philox):
    assert philox.xdbr_unit_float(ctypes.c_uint32(0xFFFFFFFF)) == 1 - 2**-24 and philox.xdbr_unit_float(0) == 0
    assert philox.xdbr_unit_double(2**64 - 1) == 1 - 2**-53 and philox.xdbr_unit_double(0) == 0


def test_normal_numbers_of_philox(philox):
    words, pair = (ctypes.c_uint32 * 4)(), (ctypes.c_float * 2)()
    double = (ctypes.c_double * 2)()
    singles, doubles = [], []
    for place in range(10_000):
        philox.xdbr_philox(place, 7, 42, words)
        philox.xdbr_normal_float(words, pair)
        singles += pair
        wide = [words[2 * i] | words[2 * i + 1] << 32 for i in range(2)]
        philox.xdbr_normal_double(wide[0], wide[1], double)
        doubles += double
    for values in (singles, doubles):
        assert abs(statistics.fmean(values)) < 6 / math.sqrt(20_000)
        assert abs(statistics.pstdev(values) - 1) < 6 / math.sqrt(40_000)
        cdf = np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in sorted(values)])
        assert np.abs(cdf - (np.arange(20_000) + 0.5) / 20_000).max() < 2.3 / math.sqrt(20_000)


def test_normal_numbers_at_the_ends(philox):
    """No logarithm of zero at the smallest word, no more than it at the largest."""
    pair = (ctypes.c_float * 2)()
    for word, largest in ((0, 6.77), (0xFFFFFFFF, 1e-3)):
        words = (ctypes.c_uint32 * 4)(word, 0, 0, 0)
        philox.xdbr_normal_float(words, pair)
        assert math.isfinite(pair[0]) and abs(pair[0]) <= largest
