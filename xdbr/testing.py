"""Tools for tests: gradients against central differences, comparison of values, and the backend under test.

`check_grads` and `assert_allclose` need nothing but xdbr. The fixtures `backend`, `device`, `xp` and
`float64` are there for whoever runs pytest: a `conftest.py` imports them from here, and one test body
then runs on the backend that the environment variable XDBR_TEST_BACKEND names ("numpy" without it).
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from . import backends
from ._config import default_dtype, no_grad
from ._errors import DtypeError
from ._namespaces import namespace
from ._typing import Shape
from .autograd.backward import grad
from .autograd.variable import VARIABLES, Variable, wrap
from .backends import Backend, Device, host_array
from .backends import device as default_device

if TYPE_CHECKING:
    import numpy as np

    Host = np.ndarray[Any, Any]

__all__ = ["assert_allclose", "backend_under_test", "check_grads", "devices_under_test", "to_host"]

_RTOL = {"float16": 1e-2, "float32": 1e-5, "complex64": 1e-5, "float64": 1e-10, "complex128": 1e-10}


def to_host(x: Any) -> Host:
    """Give a Variable, a raw array of any backend, a number or a nested sequence as a NumPy array.

    Unlike `numpy.asarray` it takes Variables that need gradient. The memory may be shared: do not write to it.

    >>> import xdbr
    >>> from xdbr.testing import to_host
    >>> to_host(xdbr.Variable([1.0, 2.0], requires_grad=True))
    array([1., 2.], dtype=float32)
    """
    if type(x) in VARIABLES:
        return x._backend.to_host(x._raw)  # type: ignore[no-any-return]
    found = backends.of(x)
    return host_array(x, "float64") if found is None else found.to_host(x)


def assert_allclose(
    actual: Any,
    desired: Any,
    *,
    rtol: float | None = None,
    atol: float = 0.0,
    equal_nan: bool = True,
    check_dtype: bool = False,
) -> None:
    """Assert that two arrays have one shape and `|actual - desired| <= atol + rtol * |desired|` in each element.

    actual, desired: Variables, raw arrays of any backend, numbers or nested sequences, on any devices.
    rtol: by default what the coarser dtype allows: 1e-10 for float64 and complex128, 1e-5 for float32 and
        complex64, 1e-2 for float16, 0 for integers and booleans.
    equal_nan: whether a NaN equals a NaN; an infinity equals only itself.
    check_dtype: assert that the dtypes are the same, too.

    Raises `AssertionError`, which shows the worst element.

    >>> import xdbr
    >>> from xdbr.testing import assert_allclose
    >>> assert_allclose(xdbr.asarray([1.0, 2.0]) / 3, [1 / 3, 2 / 3])
    """
    a, b = to_host(actual), to_host(desired)
    if a.shape != b.shape:
        raise AssertionError(f"assert_allclose: shapes differ: actual {a.shape}, desired {b.shape}")
    if check_dtype and a.dtype != b.dtype:
        raise AssertionError(f"assert_allclose: dtypes differ: actual {a.dtype}, desired {b.dtype}")
    if rtol is None:
        rtol = max(_RTOL.get(a.dtype.name, 0.0), _RTOL.get(b.dtype.name, 0.0) if hasattr(desired, "dtype") else 0.0)
    exact = a.dtype.kind in "biu" and b.dtype.kind in "biu"
    bad = []
    worst = (-1.0, -1)
    for i, (p, q) in enumerate(zip(a.reshape(-1).tolist(), b.reshape(-1).tolist(), strict=True)):
        if p == q or (equal_nan and p != p and q != q):
            continue
        error = float("inf") if exact and rtol == atol == 0.0 else abs(p - q)
        # An error of NaN or inf is never within the tolerance; nor is any against an infinite desired value.
        if not (error <= atol + rtol * abs(q) and abs(q) < float("inf")):
            bad.append(i)
            if not error <= worst[0]:
                worst = (error, i)
    if bad:
        i = worst[1]
        where = _unravel(i, a.shape)
        raise AssertionError(
            f"assert_allclose: {len(bad)} of {a.size} elements differ (rtol={rtol:g}, atol={atol:g}); "
            f"the worst at {list(where)}: actual {a[where]!r}, desired {b[where]!r}"
        )


def _unravel(i: int, shape: Shape) -> tuple[int, ...]:
    """Give the index of the `i`-th element of an array of `shape` in row-major order."""
    index: list[int] = []
    for length in reversed(shape):
        i, at = divmod(i, length)
        index.append(at)
    return tuple(reversed(index))


# -- gradients ---------------------------------------------------------------------------------------


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    *,
    order: int = 2,
    directions: int = 3,
    step: float = 1e-3,
    rtol: tuple[float, ...] = (1e-7, 1e-6, 1e-5),
    atol: tuple[float, ...] = (1e-9, 1e-8, 1e-7),
    seed: int = 0,
) -> None:
    """Assert that reverse mode gives the derivatives that central differences of `f` give.

    f: takes `args` as Variables and gives a Variable, or a sequence of them; deterministic. Its results in
        floating-point dtypes are checked, the others are not.
    args: Variables, raw arrays, or anything else that `f` takes as it is. All in float64 or complex128
        are varied jointly; integer and boolean arrays stay.
    order: 1 checks the gradients; 2 also their gradients, with respect to `args` and to the incoming
        cotangents, through `create_graph=True`; 3 also the gradients of those.
    directions: in how many random directions of all `args` together.
    step: half the width of the innermost difference; kinks of `f` must be further than twice that away.
    rtol, atol: tolerances of the first order, the second and the third. The error allowed for the derivative
        along a direction `v` is `atol + rtol * sum(|gradient| * |v|)`.
    seed: for the directions and the cotangents.

    The difference is the five-point one, whose error is of order `step**4`. Gradients follow PyTorch's
    convention for complex values: that of a real loss is dL/dRe + i dL/dIm. Besides, each gradient must have its
    input's shape, dtype and device, and no input may be modified.

    Raises `AssertionError`, which names the element whose derivative is worst; `DtypeError` where an
    argument has a floating-point dtype too coarse for differences, or none has a floating-point dtype.

    >>> import xdbr
    >>> from xdbr.testing import check_grads
    >>> check_grads(lambda x, y: xdbr.tanh(x) * y, [xdbr.ones(3, dtype="float64"), xdbr.ones(1, dtype="float64")])
    """
    if not isinstance(args, (tuple, list)):
        raise TypeError(f"check_grads: args must be a tuple or list of f's arguments; got {type(args).__name__}")
    if order not in (1, 2, 3):
        raise ValueError(f"check_grads: order must be 1, 2 or 3; got {order!r}")
    if min(len(rtol), len(atol)) < order:
        raise ValueError(
            f"check_grads: rtol and atol must have a tolerance for each of {order} orders; got {rtol}, {atol}"
        )
    problem = _Problem(f, args, step, seed)
    problem.check_inputs_unmodified()
    slopes = problem.gradients(problem.point, problem.cotangents)
    for i in range(directions):
        along = [problem.random(x) for x in problem.point]
        problem.compare("first", i, slopes, along, problem.point, lambda at: problem.value(at), rtol[0], atol[0])
    if order > 1:
        _check_second(problem, slopes, directions, rtol[1], atol[1])
    if order > 2:
        _check_third(problem, directions, rtol[2], atol[2])
    problem.check_inputs_unmodified()


def _check_second(problem: _Problem, slopes: list[Host], directions: int, rtol: float, atol: float) -> None:
    n = len(problem.point)
    recorded = problem.gradients(problem.point, problem.cotangents, create_graph=True)
    for plain, live in zip(slopes, recorded, strict=True):
        # The same rules have run in another namespace; sums may have been taken in another order.
        assert_allclose(live, plain, rtol=1e-12, atol=1e-12 * max([1.0, *abs(plain).reshape(-1).tolist()]))
    whole = problem.point + problem.cotangents
    for i in range(directions):
        weights = [problem.random(x) for x in problem.point]
        curvature = problem.second(weights)
        along = [problem.random(x) for x in whole]

        def directional(at: list[Host], weights: list[Host] = weights) -> float:
            return _inner(weights, problem.gradients(at[:n], at[n:]))

        problem.compare("second", i, curvature, along, whole, directional, rtol, atol)


def _check_third(problem: _Problem, directions: int, rtol: float, atol: float) -> None:
    n = len(problem.point)
    whole = problem.point + problem.cotangents
    for i in range(directions):
        weights = [problem.random(x) for x in problem.point]
        again = [problem.random(x) for x in whole]
        found = problem.third(weights, again)
        along = [problem.random(x) for x in whole]

        def directional(at: list[Host], weights: list[Host] = weights, again: list[Host] = again) -> float:
            return _inner(again, problem.second(weights, at[:n], at[n:]))

        problem.compare("third", i, found, along, whole, directional, rtol, atol)


def _inner(a: Sequence[Host], b: Sequence[Host]) -> float:
    """Give the real inner product of two lists of arrays."""
    return sum(float((x.conj() * y).real.sum()) for x, y in zip(a, b, strict=True))


class _Problem:
    """A function at a point, with cotangents for its results, on host arrays in double precision."""

    def __init__(self, f: Callable[..., Any], args: Sequence[Any], step: float, seed: int) -> None:
        self.f = f
        self.step = step
        self.rng = random.Random(seed)
        self.args = [wrap(x) if type(x) not in VARIABLES and _is_array(x) else x for x in args]
        self.before = [to_host(x).copy() if type(x) in VARIABLES else None for x in self.args]
        self.moving = [i for i, x in enumerate(self.args) if type(x) in VARIABLES and x.dtype.kind in "fc"]
        if not self.moving:
            raise DtypeError("check_grads: expected at least one array in float64 or complex128 among args; got none")
        for i in self.moving:
            if self.args[i].dtype.name not in ("float64", "complex128"):
                raise DtypeError(
                    f"check_grads: args[{i}] has dtype {self.args[i].dtype}, too coarse for central differences; "
                    "expected float64 or complex128"
                )
        self.point: list[Host] = [
            before for i, before in enumerate(self.before) if before is not None and i in self.moving
        ]
        self.cotangents = [self.random(to_host(y)) for y in self.results(self.at(self.point, False)[0])]

    def random(self, like: Host) -> Host:
        """Give random numbers within [-1, 1] (and as much imaginary, for a complex array) in the shape of another."""
        draw = self.rng.uniform
        made = like.astype("complex128" if like.dtype.kind == "c" else "float64")
        flat = made.reshape(-1)
        for i in range(flat.size):
            flat[i] = complex(draw(-1, 1), draw(-1, 1)) if like.dtype.kind == "c" else draw(-1, 1)
        return flat.reshape(like.shape)

    def results(self, args: Sequence[Any]) -> list[Variable]:
        """Run the function and give its results that have a floating-point dtype."""
        out = self.f(*args)
        found = []
        for y in [out] if type(out) in VARIABLES or backends.of(out) is not None else out:
            if type(y) not in VARIABLES and backends.of(y) is None:
                raise TypeError(f"check_grads: f must give a Variable or a sequence of them; got {type(y).__name__}")
            # NumPy's functions give its own arrays where nothing needs gradient.
            found.append(y if type(y) in VARIABLES else wrap(y))
        return [y for y in found if y.dtype.kind in "fc"]

    def at(self, point: Sequence[Host], requires_grad: bool) -> tuple[list[Any], list[Variable]]:
        """Give the arguments with the varied ones at `point`, and the varied ones alone."""
        args, leaves = list(self.args), []
        for i, host, before in zip(self.moving, point, self.point, strict=True):
            x = self.args[i]
            # At the point itself the array that was given is used, with its memory layout.
            leaf = wrap(x._raw if host is before else x._backend.from_host(host, device=x.device))
            leaf.requires_grad = requires_grad
            leaves.append(leaf)
            args[i] = wrap(leaf._data, leaf._node)  # so that f may write to its argument and the leaf stays
        return args, leaves

    def value(self, point: list[Host]) -> float:
        """Give the real inner product of the results with the cotangents."""
        with no_grad():
            args, _ = self.at(point, False)
            return _inner(self.cotangents, [to_host(y) for y in self.results(args)])

    def graph(
        self, point: Sequence[Host], cotangents: Sequence[Host], create_graph: bool
    ) -> tuple[list[Variable], list[Variable], list[Variable | None]]:
        """Run reverse mode; give the inputs, the cotangents and the gradients of the inputs, all Variables."""
        args, leaves = self.at(point, True)
        results = self.results(args)
        seeds = [
            wrap(y._backend.from_host(host.astype(y.dtype), device=y.device))
            for y, host in zip(results, cotangents, strict=True)
        ]
        if create_graph:
            for seed in seeds:
                seed.requires_grad = True
        pairs = [(y, seed) for y, seed in zip(results, seeds, strict=True) if y.requires_grad]
        if not pairs:
            return leaves, seeds, [None] * len(leaves)
        outputs, starts = zip(*pairs, strict=True)
        found = grad(outputs, leaves, starts, create_graph=create_graph, allow_unused=True)
        for i, g, x in zip(self.moving, found, leaves, strict=True):
            if g is not None and (g.shape, g.dtype, g.device) != (x.shape, x.dtype, x.device):
                raise AssertionError(
                    f"check_grads: the gradient of args[{i}] has shape {g.shape}, dtype {g.dtype} on {g.device}; "
                    f"expected shape {x.shape}, dtype {x.dtype} on {x.device}"
                )
        return leaves, seeds, list(found)

    def gradients(self, point: Sequence[Host], cotangents: Sequence[Host], create_graph: bool = False) -> list[Host]:
        """Give the gradient of `value` for each varied argument; zeros for one that nothing depends on."""
        leaves, _, found = self.graph(point, cotangents, create_graph)
        return _filled(leaves, found)

    def bent(
        self, weights: Sequence[Host], point: Sequence[Host], cotangents: Sequence[Host], create_graph: bool
    ) -> tuple[list[Variable], list[Variable | None]]:
        """Give arguments and cotangents, and by them the gradients of the inner product of `gradients` with weights."""
        leaves, seeds, found = self.graph(point, cotangents, True)
        wanted = leaves + seeds
        return wanted, _slopes(found, weights, wanted, create_graph)

    def second(
        self,
        weights: Sequence[Host],
        point: Sequence[Host] | None = None,
        cotangents: Sequence[Host] | None = None,
    ) -> list[Host]:
        """Give the gradient of the inner product of `gradients` with `weights`, for arguments and cotangents."""
        point, cotangents = point or self.point, cotangents or self.cotangents
        return _filled(*self.bent(weights, point, cotangents, False))

    def third(self, weights: Sequence[Host], again: Sequence[Host]) -> list[Host]:
        """Give the gradient of the inner product of `second` with `again`, for arguments and cotangents."""
        wanted, found = self.bent(weights, self.point, self.cotangents, True)
        return _filled(wanted, _slopes(found, again, wanted, False))

    def slope(self, value: Callable[[list[Host]], float], point: Sequence[Host], along: Sequence[Host]) -> float:
        """Give the derivative of `value` at `point` along a direction, from values at five points in a row."""
        h = self.step

        def at(t: float) -> float:
            return value([x + t * v for x, v in zip(point, along, strict=True)])

        return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)

    def compare(
        self,
        which: str,
        number: int,
        gradients: Sequence[Host],
        along: Sequence[Host],
        point: Sequence[Host],
        value: Callable[[list[Host]], float],
        rtol: float,
        atol: float,
    ) -> None:
        """Assert that gradients and differences give one slope along a direction."""
        numeric = self.slope(value, point, along)
        reverse = _inner(gradients, along)
        scale = sum(float((abs(g) * abs(v)).sum()) for g, v in zip(gradients, along, strict=True))
        if abs(numeric - reverse) <= atol + rtol * scale:
            return
        raise AssertionError(
            f"check_grads: {which}-order derivative along random direction {number}: reverse mode gives "
            f"{reverse:.12g}, central differences give {numeric:.12g} (allowed error {atol + rtol * scale:.2g})"
            + self.worst(gradients, point, value)
        )

    def worst(
        self, gradients: Sequence[Host], point: Sequence[Host], value: Callable[[list[Host]], float], limit: int = 300
    ) -> str:
        """Say where the derivative is worst, where there are few enough elements to look at each."""
        if sum(x.size for x in point) > limit:
            return ""
        found: list[tuple[float, str]] = []
        for k, (x, g) in enumerate(zip(point, gradients, strict=True)):
            called = f"args[{self.moving[k]}]" if k < len(self.moving) else f"cotangent[{k - len(self.moving)}]"
            for i in range(x.size):
                where = _unravel(i, x.shape)
                for unit in (1.0, 1j) if x.dtype.kind == "c" else (1.0,):
                    along = [y * 0 for y in point]
                    along[k][where] = unit
                    numeric = self.slope(value, point, along)
                    reverse = float((g[where] * complex(unit).conjugate()).real)
                    part = " (imaginary part)" if unit == 1j else ""
                    error = abs(numeric - reverse)
                    text = (
                        f"; worst at {called}{list(where)}{part} = {x[where]:.6g}: "
                        f"reverse mode {reverse:.12g}, central differences {numeric:.12g}"
                    )
                    found.append((float("inf") if error != error else error, text))
        return max(found)[1] if found else ""

    def check_inputs_unmodified(self) -> None:
        """Assert that no argument has changed since the start, to the bit."""
        for i, (x, before) in enumerate(zip(self.args, self.before, strict=True)):
            if before is not None and to_host(x).tobytes() != before.tobytes():
                raise AssertionError(f"check_grads: f or a gradient rule modified args[{i}]")


def _slopes(
    results: Sequence[Variable | None], weights: Sequence[Host], wanted: Sequence[Variable], create_graph: bool
) -> list[Variable | None]:
    """Give the gradients of the inner product of some results with weights."""
    pairs = [
        (y, wrap(y._backend.from_host(w, device=y.device)))
        for y, w in zip(results, weights, strict=True)
        if y is not None and y.requires_grad
    ]
    if not pairs:
        return [None] * len(wanted)
    outputs, starts = zip(*pairs, strict=True)
    return list(grad(outputs, wanted, starts, create_graph=create_graph, allow_unused=True))


def _filled(inputs: Sequence[Variable], found: Sequence[Variable | None]) -> list[Host]:
    return [to_host(x) * 0 if g is None else to_host(g) for x, g in zip(inputs, found, strict=True)]


def _is_array(x: Any) -> bool:
    return not isinstance(x, (bool, int, float, complex)) and backends.of(x) is not None


# -- the backend under test ----------------------------------------------------------------------------


def backend_under_test() -> Backend:
    """Give the backend that XDBR_TEST_BACKEND names, NumPy without it.

    Raises `BackendError` where there is none such or it cannot be used here, with the reason.

    >>> from xdbr.testing import backend_under_test
    >>> backend_under_test()
    <xdbr backend ...>
    """
    return backends.get(os.environ.get("XDBR_TEST_BACKEND") or "numpy")


def devices_under_test(backend: Backend) -> tuple[Device, ...]:
    """Give the devices that tests of a backend run on: its default one, and a second one where it has several.

    >>> import xdbr
    >>> from xdbr.testing import devices_under_test
    >>> devices_under_test(xdbr.backends.get("numpy"))
    (Device('numpy'),)
    """
    first = backend.default_device()
    return first, *[device for device in backend.devices() if device != first][:1]


def _backend() -> Backend:
    """The backend under test."""
    return backend_under_test()


def _device(request: Any) -> Iterator[Device]:
    """The device under test, which is the default device during the test."""
    with default_device(request.param):
        yield request.param


def _xp(backend: Backend, device: Device) -> Any:
    """The namespace of the backend under test, which creates arrays on `device`."""
    return namespace(backend)


def _float64() -> Iterator[None]:
    """Makes float64 the default dtype during the test."""
    with default_dtype("float64"):
        yield


if "pytest" in sys.modules:
    _fixture: Any = sys.modules["pytest"].fixture
    backend = _fixture(scope="session", name="backend")(_backend)
    device = _fixture(name="device")(_device)
    xp = _fixture(name="xp")(_xp)
    float64 = _fixture(name="float64")(_float64)
