"""The checks that a row of the table is put to, as plain functions: tests run them, and so does the count.

Each raises `AssertionError` where the row is wrong, and `NotHere` where it cannot be checked on this device.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import xdbr
from xdbr import GradientError, array_api
from xdbr.backends import Backend, Device
from xdbr.backends.special import Special
from xdbr.testing import assert_allclose, check_grads, to_host

from ._spec import Host, Shape, Spec

RTOL = {"float32": 1e-5, "complex64": 1e-5, "float64": 1e-12, "complex128": 1e-12}
SINGLE = {"float32": "float64", "complex64": "complex128"}


class NotHere(Exception):
    """Says why a check cannot be made here."""


# -- arrays ----------------------------------------------------------------------------------------------


def need(backend: Backend, device: Device, *dtypes: str) -> None:
    missing = sorted({dtype for dtype in dtypes if dtype not in backend.supported_dtypes(device)})
    if missing:
        raise NotHere(f"{device} has no {', '.join(missing)}")


def dtypes_of(hosts: Sequence[Host]) -> list[str]:
    return [host.dtype.name for host in hosts]


def takes_long(spec: Spec, backend: Backend) -> bool:
    """Tell whether a row is of a special function that the backend computes by many small operations of its library."""
    return spec.name.startswith("special.") and type(backend.special) is Special


def put(backend: Backend, device: Device, hosts: Sequence[Host]) -> list[Any]:
    return [xdbr.Variable(backend.from_host(host.copy(), device=device)) for host in hosts]


def several(out: Any) -> list[Any]:
    return list(out) if isinstance(out, (tuple, list)) else [out]


def unchanged(arrays: Sequence[Any], hosts: Sequence[Host], where: str = "") -> None:
    for x, host in zip(arrays, hosts, strict=True):
        assert to_host(x).tobytes() == host.tobytes(), f"an input was modified{where}"


# -- values ----------------------------------------------------------------------------------------------


def expected(spec: Spec, hosts: Sequence[Host]) -> list[Host]:
    """What the reference gives in double precision."""
    wide = [host.astype(SINGLE.get(host.dtype.name, host.dtype)) for host in hosts]
    return [np.asarray(part) for part in several(spec.reference(*wide, **spec.options))]


def result_dtype(spec: Spec, hosts: Sequence[Host]) -> str | None:
    if spec.result not in ("same", "real", "default"):
        return spec.result
    promoted = np.result_type(*(host.dtype for host in hosts))
    if spec.result == "real":
        return {"complex64": "float32", "complex128": "float64"}.get(promoted.name, promoted.name)
    if spec.result == "default" and promoted.kind in "biu":
        return xdbr.get_default_dtype()
    return promoted.name


def compare(spec: Spec, out: Any, want: Sequence[Host], dtype: str) -> None:
    parts = several(out)
    assert len(parts) == len(want)
    tolerance = RTOL.get(dtype, 1e-5 if any(part.dtype.name in SINGLE for part in parts) else 1e-12)
    for part, right in zip(parts, want, strict=True):
        if part.dtype.kind in "fc":
            assert_allclose(part, right, rtol=spec.rtol * tolerance, atol=spec.atol * tolerance)
        else:
            assert_allclose(part, right, rtol=0.0)


def check_value(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device) -> None:
    """Assert that a row gives the reference's values, dtypes and devices, in all of its calls."""
    for shapes in spec.all_shapes():
        hosts = spec.draw(dtype, shapes)
        need(backend, device, *dtypes_of(hosts))
        arrays = put(backend, device, hosts)
        out = spec.run(xp, *arrays)
        compare(spec, out, expected(spec, hosts), dtype)
        dtype_of_result = result_dtype(spec, hosts)
        for part in several(out):
            assert type(part) is xdbr.Variable
            assert part.device == device
            assert dtype_of_result is None or part.dtype.name == dtype_of_result
        unchanged(arrays, hosts)


# -- gradients -------------------------------------------------------------------------------------------


def check_gradient(
    spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device, *, order: int | None = None, brief: bool = False
) -> None:
    """Assert that a row's derivatives, up to an order, are those of central differences.

    At the main shapes the first and the second order in three random directions, the third in one; at
    further ones the first and the second in one. In brief it is one direction at the main shapes alone.
    """
    order = spec.order if order is None else order
    for shapes in spec.all_shapes()[: 1 if brief else None]:
        hosts = spec.draw(dtype, shapes)
        need(backend, device, *dtypes_of(hosts))

        def run(*arrays: Any) -> Any:
            return spec.run(xp, *arrays)

        arrays = put(backend, device, hosts)
        main = shapes == spec.all_shapes()[0]
        check_grads(run, arrays, order=min(order, 2), directions=3 if main and not brief else 1)
        if main and order > 2:
            check_grads(run, arrays, order=3, directions=1, seed=1)


def check_forward(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device) -> None:
    """Assert what holds of any function F, its Jacobian J and a direction t, where central differences do not look.

    That `jvp` is the transpose of reverse mode; and that the second derivative along t of the distance from F(x)
    itself, `sum(abs(F - F(x)) ** 2)`, whose cotangent is zero there, is twice the square of `J t`.
    """
    hosts = spec.draw(dtype)
    need(backend, device, *dtypes_of(hosts))
    arrays = put(backend, device, hosts)
    places = [i for i, x in enumerate(arrays) if x.dtype.kind in "fc"]

    def results(*moving: Any) -> list[Any]:
        given = dict(zip(places, moving, strict=True))
        return [
            y for y in several(spec.run(xp, *(given.get(i, x) for i, x in enumerate(arrays)))) if y.dtype.kind in "fc"
        ]

    def leaf(x: Any) -> Any:
        return xdbr.Variable(x._raw, requires_grad=True)

    rng = np.random.default_rng(7)

    def random(x: Any) -> Any:
        return x._backend.from_host(np.asarray(rng.uniform(-1, 1, x.shape), dtype=x.dtype), device=x.device)

    def inner(xs: Sequence[Any], ys: Sequence[Any]) -> Any:
        return sum(xdbr.sum(xdbr.real(xdbr.conj(x) * y)) for x, y in zip(xs, ys, strict=True))

    moving = [arrays[i] for i in places]
    tangents = [random(x) for x in moving]
    ys, pushed = xdbr.jvp(results, moving, tangents)
    weights = [xdbr.Variable(random(y)) for y in ys]
    pulled = xdbr.vjp(results, *moving)[1](weights)
    assert_allclose(inner(weights, pushed), to_host(inner(pulled, tangents)), rtol=1e-8, atol=1e-9)

    def distance(*xs: Any) -> Any:
        apart = [y - y0 for y, y0 in zip(results(*xs), ys, strict=True)]
        return inner(apart, apart)

    if not any(y.requires_grad for y in results(*map(leaf, moving))):
        return  # a constant
    bent = inner(tangents, xdbr.hvp(distance, moving, tangents))
    assert_allclose(bent, to_host(2 * inner(pushed, pushed)), rtol=1e-7, atol=1e-8)


def derivatives(spec: Spec, xp: Any, arrays: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """A row's first and second derivatives, from cotangents that count up; zeros where there are none."""
    leaves = [x.detach() for x in arrays]
    moving = [x for x in leaves if x.dtype.kind in "fc"] if spec.order else []
    for x in moving:
        x.requires_grad = True
    outs = [y for y in several(spec.run(xp, *leaves)) if y.requires_grad]
    if not outs:
        return [], []

    def seed(y: Any) -> Any:
        host = np.linspace(1, 2, y.size).reshape(y.shape).astype(y.dtype)
        return y._backend.from_host(host, device=y.device)

    first = xdbr.grad(outs, moving, [seed(y) for y in outs], allow_unused=True, create_graph=spec.order > 1)
    live = [g for g in first if g is not None and g.requires_grad]
    second = xdbr.grad(live, moving, [seed(g) for g in live], allow_unused=True) if live else [None] * len(moving)
    return (
        [x * 0 if g is None else g for x, g in zip(moving, first, strict=True)],
        [x * 0 if g is None else g for x, g in zip(moving, second, strict=True)],
    )


def layouts(backend: Backend, device: Device, host: Host) -> Iterator[tuple[str, Any]]:
    """The same values in other layouts of memory."""
    flip, permute_dims = backend.placed(backend.lib.flip), backend.placed(backend.lib.permute_dims)
    yield "read-only", backend.read_only(backend.from_host(host.copy(), device=device))
    if host.ndim:
        doubled = backend.from_host(np.repeat(host, 2, axis=-1), device=device)
        yield "every second", doubled[..., ::2]
        reversed_ = backend.from_host(np.flip(host, axis=-1).copy(), device=device)
        yield "negative stride", flip(reversed_, axis=-1)
        broad = backend.from_host(np.stack([host, host]), device=device)
        yield "part of a larger one", broad[1, ...]
    if host.ndim > 1:
        axes = tuple(reversed(range(host.ndim)))
        turned = backend.from_host(np.ascontiguousarray(host.transpose(axes)), device=device)
        yield "transposed", permute_dims(turned, axes)


def check_layouts(spec: Spec, backend: Backend, xp: Any, device: Device) -> None:
    """Assert that neither values nor derivatives depend on how the inputs lie in memory, and that inputs stay."""
    dtype = next((name for name in ("float64", "complex128") if name in spec.dtypes), spec.dtypes[0])
    hosts = spec.draw(dtype)
    need(backend, device, *dtypes_of(hosts))
    plain = derivatives(spec, xp, put(backend, device, hosts))
    want = [to_host(part) for part in several(spec.run(xp, *put(backend, device, hosts)))]
    columns = [dict(layouts(backend, device, host)) for host in hosts]
    for name in sorted(set().union(*columns)):
        arrays = [
            xdbr.Variable(column[name] if name in column else backend.from_host(host, device=device))
            for column, host in zip(columns, hosts, strict=True)
        ]
        compare(spec, spec.run(xp, *arrays), want, dtype)
        for right, got in zip(plain, derivatives(spec, xp, arrays), strict=True):
            assert len(right) == len(got)
            for a, b in zip(got, right, strict=True):
                size = float(abs(to_host(b)).max(initial=1.0))
                assert_allclose(a, b, rtol=1e-11 * spec.rtol, atol=1e-12 * size)
        unchanged(arrays, hosts, f" ({name})")


def without_elements(spec: Spec) -> Iterator[tuple[Shape, ...]]:
    """Give the shapes of a row's main call with zeros in them: in the place of one length, along one axis, in all."""
    main = spec.all_shapes()[0]
    found = [tuple(tuple(0 if m == n else m for m in shape) for shape in main) for n in sorted({*sum(main, ())})]
    found += [
        tuple(tuple(0 if i == axis % len(shape) else m for i, m in enumerate(shape)) for shape in main)
        for k in range(max(map(len, main), default=0))
        for axis in (k, -k - 1)
    ]
    found.append(tuple((0,) * len(shape) for shape in main))
    yield from dict.fromkeys(shapes for shapes in found if shapes != main)


def check_zero_size(spec: Spec, backend: Backend, xp: Any, device: Device) -> None:
    """Assert that a row's derivatives are right on inputs without elements, in all shapes that the function takes."""
    dtype = next(name for name in ("float64", "complex128") if name in spec.dtypes)
    taken = 0
    for shapes in without_elements(spec):
        try:
            hosts = spec.draw(dtype, shapes)
            need(backend, device, *dtypes_of(hosts))
            outs = several(spec.run(xp, *put(backend, device, hosts)))
        except (ValueError, IndexError, np.linalg.LinAlgError):
            continue  # the function does not take these, or none can be drawn
        except RuntimeError as error:
            if not any(said in str(error) for said in ("size of tensor", "shape mismatch", "broadcast")):
                raise
            continue  # PyTorch's ways to say that shapes do not fit
        taken += 1
        if not all(np.isfinite(to_host(y)).all() for y in outs):  # a mean of nothing
            derivatives(spec, xp, put(backend, device, hosts))
            continue
        with contextlib.suppress(GradientError):  # of what the matrix does not determine
            check_grads(
                lambda *a: spec.run(xp, *a), put(backend, device, hosts), order=min(spec.order, 2), directions=1
            )
    if not taken:
        raise NotHere("it takes no input without elements")


def check_no_gradient(spec: Spec, backend: Backend, xp: Any, device: Device) -> None:
    """Assert that no result of a row without a derivative says that it has one."""
    dtype = next((name for name in spec.dtypes if name.startswith(("float", "complex"))), None)
    arrays = put(backend, device, spec.draw(dtype or spec.dtypes[0]))
    for x in arrays:
        x.requires_grad = x.dtype.kind in "fc"
    for part in several(spec.run(xp, *arrays)):
        assert not part.requires_grad


def check_beside_scalars(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device) -> None:
    """Assert that a function of two arrays gives the same values and derivatives with a Python scalar for one."""
    hosts = spec.draw(dtype)
    need(backend, device, dtype)
    one, other = (host.flat[0].item() for host in hosts)
    x1, x2 = put(backend, device, [host.reshape(-1)[:1] for host in hosts])
    order = min(spec.order, 2)
    check_grads(lambda x: spec.run(xp, x, other), [x1], order=order, directions=1)
    check_grads(lambda x: spec.run(xp, one, x), [x2], order=order, directions=1)
    compare(spec, spec.run(xp, x1, other), expected(spec, [to_host(x1), to_host(x2)]), dtype)
    compare(spec, spec.run(xp, one, x2), expected(spec, [to_host(x1), to_host(x2)]), dtype)


# -- against other libraries -----------------------------------------------------------------------------


class Library:
    """A library that differentiates, as what a row is compared with.

    Arrays come and go as NumPy's. Cotangents and gradients are in xdbr's convention, dL/dRe + i dL/dIm.
    """

    name = version = ""

    def has(self, spec: Spec) -> bool:
        """Tell whether the table compares a row with it."""
        raise NotImplementedError

    def run(
        self, spec: Spec, hosts: Sequence[Host], kept: Sequence[int], seeds: Sequence[Host], weights: Sequence[Host]
    ) -> tuple[list[Host], list[Host | None], list[Host | None]]:
        """Give a row's results, its gradients, and the gradients of those.

        The gradients are those of the results `kept` from `seeds`, one for each floating-point input; and from
        `weights`, if any, for each of them, their gradients.
        """
        raise NotImplementedError


class Torch(Library):
    """PyTorch. Its convention for complex numbers is ours."""

    name = "torch"

    def __init__(self) -> None:
        if importlib.util.find_spec("torch") is None:
            raise NotHere("PyTorch, which results are compared with, is not installed")
        import torch

        self.torch = torch
        self.version = torch.__version__

    def has(self, spec: Spec) -> bool:
        return bool(spec.torch)

    def call(self, spec: Spec) -> Callable[..., Any]:
        if callable(spec.torch):
            return lambda *tensors: spec.torch(self.torch, *tensors)  # type: ignore[operator]
        function = self.torch
        for part in (spec.name if spec.torch is True else str(spec.torch)).split("."):
            function = getattr(function, part)
        return lambda *tensors: function(*tensors, **spec.options)

    def run(self, spec, hosts, kept, seeds, weights):  # type: ignore[no-untyped-def]
        torch = self.torch
        tensors = [torch.from_numpy(host.copy()) for host in hosts]
        moving = [x.requires_grad_(True) for x in tensors if x.is_floating_point() or x.is_complex()]
        outs = several(self.call(spec)(*tensors))

        def pulled(ys: Sequence[Any], gs: Sequence[Host], create_graph: bool) -> list[Any]:
            starts = [torch.from_numpy(np.ascontiguousarray(g)).reshape(y.shape) for y, g in zip(ys, gs, strict=True)]
            return list(torch.autograd.grad(ys, moving, starts, create_graph=create_graph, allow_unused=True))

        def host(x: Any) -> Host | None:
            return None if x is None else x.detach().resolve_conj().resolve_neg().numpy(force=True)

        first = pulled([outs[i] for i in kept], seeds, True)
        live = [(g, w) for g, w in zip(first, weights, strict=False) if g is not None and g.requires_grad]
        second = pulled(*zip(*live, strict=True), False) if live else [None] * len(moving)
        return tuple([host(x) for x in found] for found in (outs, first, second))


class Jax(Library):
    """JAX, where a row's call runs on `jax.numpy`. Cotangents and gradients are the conjugates of ours there."""

    name = "jax"

    def __init__(self) -> None:
        if importlib.util.find_spec("jax") is None:
            raise NotHere("JAX, which results are compared with, is not installed")
        import jax
        import jax.numpy

        self.jax = jax
        self.version = jax.__version__

    def has(self, spec: Spec) -> bool:
        return compared_with_jax(spec)

    def call(self, spec: Spec) -> Callable[..., Any]:
        jnp = self.jax.numpy
        if callable(spec.jax):
            return lambda *arrays: spec.jax(jnp, *arrays)  # type: ignore[operator,misc]
        return lambda *arrays: spec.run(jnp, *arrays)

    def run(self, spec, hosts, kept, seeds, weights):  # type: ignore[no-untyped-def]
        jax, jnp = self.jax, self.jax.numpy
        places = [i for i, host in enumerate(hosts) if host.dtype.kind in "fc"]

        def forward(*moving: Any) -> list[Any]:
            # What does not move stays a constant, so that it may decide on shapes.
            given: list[Any] = [jnp.asarray(host) for host in hosts]
            for i, x in zip(places, moving, strict=True):
                given[i] = x
            return several(self.call(spec)(*given))

        def pulled(f: Callable[..., Any], starts: Sequence[Any], at: Sequence[Any]) -> list[Any]:
            ys, pull = jax.vjp(f, *at)
            like = [jnp.conj(jnp.asarray(g, dtype=y.dtype)).reshape(y.shape) for y, g in zip(ys, starts, strict=True)]
            return [jnp.conj(g) for g in pull(like)]

        def gradients(*moving: Any) -> list[Any]:
            return pulled(lambda *at: [y for i, y in enumerate(forward(*at)) if i in kept], seeds, moving)

        def everything(*moving: Any) -> Any:
            second = pulled(gradients, weights, moving) if weights else []
            return forward(*moving), gradients(*moving), second

        moving = [hosts[i] for i in places]
        # Compiled as one program, and hardly optimized: most of the time is the compiler's.
        options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
        with jax.enable_x64(True):
            try:
                found = jax.jit(everything, compiler_options=options)(*moving)
            except jax.errors.JAXTypeError:  # its shapes depend on values
                found = everything(*(jnp.asarray(x) for x in moving))
        outs, first, second = ([np.asarray(x) for x in part] for part in found)
        return outs, first, second or [None] * len(moving)


def compared_with_jax(spec: Spec) -> bool:
    """Tell whether a row is compared with JAX: as the table says, else where it is of a function of the namespace."""
    if spec.jax is not None:
        return bool(spec.jax)
    return spec.name in array_api.__all__ or spec.name.startswith(("linalg.", "fft."))


def check_against(library: Library, spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device) -> None:
    """Assert that values, gradients and their gradients are those of another library."""
    hosts = spec.draw(dtype)
    need(backend, device, *dtypes_of(hosts))
    ours = put(backend, device, hosts)
    moving = [x for x in ours if x.dtype.kind in "fc"]
    for x in moving:
        x.requires_grad = True
    mine = several(spec.run(xp, *ours))
    rng = np.random.default_rng(0)

    def cotangent(y: Any) -> Host:
        drawn = np.asarray(rng.uniform(-1, 1, y.shape))
        return drawn + 1j * rng.uniform(-1, 1, y.shape) if y.dtype.kind == "c" else drawn

    def send(host: Host) -> Any:
        return backend.from_host(host, device=device)

    kept = [i for i, y in enumerate(mine) if y.requires_grad]
    seeds = [cotangent(mine[i]) for i in kept]
    first = xdbr.grad(
        [mine[i] for i in kept], moving, [send(g) for g in seeds], create_graph=spec.order > 1, allow_unused=True
    )
    weights = [cotangent(x) for x in moving] if spec.order > 1 else []
    values, its_first, its_second = library.run(spec, hosts, kept, seeds, weights)
    for a, b in zip(mine, values, strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    _same(first, its_first, moving)
    if weights:
        live = [(g, send(w)) for g, w in zip(first, weights, strict=True) if g is not None and g.requires_grad]
        second = [None] * len(moving)
        if live:
            outs, starts = zip(*live, strict=True)
            second = list(xdbr.grad(outs, moving, starts, allow_unused=True))
        _same(second, its_second, moving)
    unchanged(ours, hosts)


def _same(ours: Sequence[Any], theirs: Sequence[Any], inputs: Sequence[Any]) -> None:
    for g, its, x in zip(ours, theirs, inputs, strict=True):
        zeros = np.zeros(x.shape, dtype=x.dtype)
        assert_allclose(zeros if g is None else to_host(g), zeros if its is None else its, rtol=1e-8, atol=1e-9)
