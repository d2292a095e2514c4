"""Drives the table of specs: values, gradients of first and second order, shapes, memory layouts, for every row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from specs._spec import Host, Shape, Spec, collect

import xdbr
from xdbr.autograd.kernels import REGISTRY
from xdbr.autograd.primitive import Primitive
from xdbr.backends import Backend, Device
from xdbr.testing import assert_allclose, check_grads, to_host

SPECS = list(collect())
DIFFERENTIABLE = [(spec, dtype) for spec in SPECS for dtype in spec.gradient_dtypes()]

RTOL = {"float32": 1e-5, "complex64": 1e-5, "float64": 1e-12, "complex128": 1e-12}
SINGLE = {"float32": "float64", "complex64": "complex128"}


def rows(values: list[Any]) -> pytest.MarkDecorator:
    """Parametrize a test over rows, or over pairs of a row and a dtype."""
    if values and isinstance(values[0], tuple):
        return pytest.mark.parametrize(("spec", "dtype"), values, ids=[f"{spec}-{dtype}" for spec, dtype in values])
    return pytest.mark.parametrize("spec", values, ids=str)


def need(backend: Backend, device: Device, *dtypes: str) -> None:
    missing = sorted({dtype for dtype in dtypes if dtype not in backend.supported_dtypes(device)})
    if missing:
        pytest.skip(f"{device} has no {', '.join(missing)}")


def dtypes_of(hosts: list[Host]) -> list[str]:
    return [host.dtype.name for host in hosts]


def put(backend: Backend, device: Device, hosts: list[Host]) -> list[Any]:
    return [xdbr.Variable(backend.from_host(host.copy(), device=device)) for host in hosts]


def several(out: Any) -> list[Any]:
    return list(out) if isinstance(out, (tuple, list)) else [out]


def expected(spec: Spec, hosts: list[Host]) -> list[Host]:
    """What the reference gives in double precision."""
    wide = [host.astype(SINGLE.get(host.dtype.name, host.dtype)) for host in hosts]
    return [np.asarray(part) for part in several(spec.reference(*wide, **spec.options))]


def result_dtype(spec: Spec, hosts: list[Host]) -> str | None:
    if spec.result not in ("same", "real", "default"):
        return spec.result
    promoted = np.result_type(*(host.dtype for host in hosts))
    if spec.result == "real":
        return {"complex64": "float32", "complex128": "float64"}.get(promoted.name, promoted.name)
    if spec.result == "default" and promoted.kind in "biu":
        return xdbr.get_default_dtype()
    return promoted.name


def compare(spec: Spec, out: Any, want: list[Host], dtype: str) -> None:
    parts = several(out)
    assert len(parts) == len(want)
    tolerance = RTOL.get(dtype, 1e-5 if any(part.dtype.name in SINGLE for part in parts) else 1e-12)
    for part, right in zip(parts, want, strict=True):
        if part.dtype.kind in "fc":
            assert_allclose(part, right, rtol=spec.rtol * tolerance, atol=spec.atol * tolerance)
        else:
            assert_allclose(part, right, rtol=0.0)


# ---------------------------------------------------------------------------------------------- values


@rows([(spec, dtype) for spec in SPECS for dtype in spec.dtypes])
def test_value(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device) -> None:
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
        for x, host in zip(arrays, hosts, strict=True):
            assert to_host(x).tobytes() == host.tobytes(), "an input was modified"


def layouts(backend: Backend, device: Device, host: Host) -> Iterator[tuple[str, Any]]:
    """The same values in other layouts of memory."""
    lib = backend.lib
    yield "read-only", backend.read_only(backend.from_host(host.copy(), device=device))
    if host.ndim:
        doubled = backend.from_host(np.repeat(host, 2, axis=-1), device=device)
        yield "every second", doubled[..., ::2]
        reversed_ = backend.from_host(np.flip(host, axis=-1).copy(), device=device)
        yield "negative stride", lib.flip(reversed_, axis=-1)
        broad = backend.from_host(np.stack([host, host]), device=device)
        yield "part of a larger one", broad[1, ...]
    if host.ndim > 1:
        axes = tuple(reversed(range(host.ndim)))
        turned = backend.from_host(np.ascontiguousarray(host.transpose(axes)), device=device)
        yield "transposed", lib.permute_dims(turned, axes)


@rows(SPECS)
def test_memory_layouts(spec: Spec, backend: Backend, xp: Any, device: Device) -> None:
    dtype = next((name for name in ("float64", "complex128") if name in spec.dtypes), spec.dtypes[0])
    hosts = spec.draw(dtype)
    need(backend, device, *dtypes_of(hosts))
    plain = [(x, part) for x, part in zip(*gradients(spec, xp, put(backend, device, hosts)), strict=True)]
    want = [to_host(part) for part in several(spec.run(xp, *put(backend, device, hosts)))]
    columns = [dict(layouts(backend, device, host)) for host in hosts]
    for name in sorted(set().union(*columns)):
        arrays = [
            xdbr.Variable(column[name] if name in column else backend.from_host(host, device=device))
            for column, host in zip(columns, hosts, strict=True)
        ]
        compare(spec, spec.run(xp, *arrays), want, dtype)
        for (_, right), (_, got) in zip(plain, zip(*gradients(spec, xp, arrays), strict=True), strict=True):
            assert_allclose(got, right, rtol=1e-12, atol=1e-12)
        for x, host in zip(arrays, hosts, strict=True):
            assert to_host(x).tobytes() == host.tobytes(), f"an input was modified ({name})"


def gradients(spec: Spec, xp: Any, arrays: list[Any]) -> tuple[list[Any], list[Any]]:
    """The gradients of a row's call at some arrays, from cotangents that count up."""
    leaves = [x.detach() for x in arrays]
    moving = [x for x in leaves if x.dtype.kind in "fc"] if spec.order else []
    for x in moving:
        x.requires_grad = True
    outs = [y for y in several(spec.run(xp, *leaves)) if y.requires_grad]
    if not outs:
        return [], []
    seeds = [
        y._backend.from_host(np.linspace(1, 2, y.size).reshape(y.shape).astype(y.dtype), device=y.device) for y in outs
    ]
    return moving, [
        x if g is None else g for x, g in zip(moving, xdbr.grad(outs, moving, seeds, allow_unused=True), strict=True)
    ]


# ------------------------------------------------------------------------------------------- gradients


def main_and_others(spec: Spec) -> Iterator[tuple[int, tuple[Shape, ...]]]:
    """The shapes of a row's calls, and in how many directions to check the gradient there."""
    for i, shapes in enumerate(spec.all_shapes()):
        yield 1 if i else 3, shapes


@rows(DIFFERENTIABLE)
def test_gradient(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device) -> None:
    for directions, shapes in main_and_others(spec):
        hosts = spec.draw(dtype, shapes)
        need(backend, device, *dtypes_of(hosts))
        check_grads(
            lambda *arrays: spec.run(xp, *arrays), put(backend, device, hosts), order=spec.order, directions=directions
        )


@rows([(spec, dtype) for spec, dtype in DIFFERENTIABLE if spec.elementwise and len(spec.inputs) == 2])
def test_gradient_beside_python_scalars(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device) -> None:
    hosts = spec.draw(dtype)
    need(backend, device, dtype)
    one, other = (host.flat[0].item() for host in hosts)
    x1, x2 = put(backend, device, [host.reshape(-1)[:1] for host in hosts])
    check_grads(lambda x: spec.run(xp, x, other), [x1], order=spec.order, directions=1)
    check_grads(lambda x: spec.run(xp, one, x), [x2], order=spec.order, directions=1)
    compare(spec, spec.run(xp, x1, other), expected(spec, [to_host(x1), to_host(x2)]), dtype)
    compare(spec, spec.run(xp, one, x2), expected(spec, [to_host(x1), to_host(x2)]), dtype)


@rows([spec for spec in SPECS if spec.order == 0])
def test_result_needs_no_gradient(spec: Spec, backend: Backend, xp: Any, device: Device) -> None:
    dtype = next((name for name in spec.dtypes if name.startswith(("float", "complex"))), None)
    arrays = put(backend, device, spec.draw(dtype or spec.dtypes[0]))
    for x in arrays:
        x.requires_grad = x.dtype.kind in "fc"
    for part in several(spec.run(xp, *arrays)):
        assert not part.requires_grad


# -------------------------------------------------------------------------------------- against PyTorch


@rows([(spec, dtype) for spec, dtype in DIFFERENTIABLE if spec.torch])
def test_against_torch(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, which results are compared with, is not installed")
    hosts = spec.draw(dtype)
    need(backend, device, *dtypes_of(hosts))
    ours = put(backend, device, hosts)
    theirs = [torch.from_numpy(host.copy()) for host in hosts]
    moving = [i for i, host in enumerate(hosts) if host.dtype.kind in "fc"]
    for i in moving:
        ours[i].requires_grad = True
        theirs[i].requires_grad_(True)
    mine = several(spec.run(xp, *ours))
    call: Callable[..., Any] = spec.torch if callable(spec.torch) else _torch_call(torch, spec)
    its = several(call(torch, *theirs))
    rng = np.random.default_rng(0)

    def cotangent(y: Any) -> Host:
        drawn = rng.uniform(-1, 1, y.shape)
        return drawn + 1j * rng.uniform(-1, 1, y.shape) if y.dtype.kind == "c" else drawn

    def send(host: Host) -> Any:
        return backend.from_host(host, device=device)

    for a, b in zip(mine, its, strict=True):
        assert_allclose(a, b.detach().numpy(), rtol=1e-9, atol=1e-9)
    kept = [i for i, y in enumerate(mine) if y.requires_grad]
    seeds = [cotangent(mine[i]) for i in kept]
    x_mine, x_its = [ours[i] for i in moving], [theirs[i] for i in moving]
    first = xdbr.grad(
        [mine[i] for i in kept], x_mine, [send(g) for g in seeds], create_graph=spec.order > 1, allow_unused=True
    )
    its_first = torch.autograd.grad(
        [its[i] for i in kept], x_its, [torch.from_numpy(np.asarray(g)) for g in seeds], create_graph=True,
        allow_unused=True,
    )  # fmt: skip
    _same_gradients(first, its_first, x_mine)
    pairs = [
        (a, b, cotangent(a))
        for a, b in zip(first, its_first, strict=True)
        if a is not None and b is not None and a.requires_grad and b.requires_grad
    ]
    if spec.order > 1 and pairs:
        a, b, w = zip(*pairs, strict=True)
        second = xdbr.grad(a, x_mine, [send(g) for g in w], allow_unused=True)
        its_second = torch.autograd.grad(b, x_its, [torch.from_numpy(np.asarray(g)) for g in w], allow_unused=True)
        _same_gradients(second, its_second, x_mine)


def _torch_call(torch: Any, spec: Spec) -> Callable[..., Any]:
    path = spec.name if spec.torch is True else str(spec.torch)

    def call(torch: Any, *tensors: Any) -> Any:
        function = torch
        for part in path.split("."):
            function = getattr(function, part)
        return function(*tensors, **spec.options)

    return call


def _same_gradients(ours: Any, theirs: Any, inputs: list[Any]) -> None:
    for g, its, x in zip(ours, theirs, inputs, strict=True):
        zeros = np.zeros(x.shape, dtype=x.dtype)
        mine = zeros if g is None else to_host(g)
        right = zeros if its is None else its.detach().resolve_conj().numpy()
        assert_allclose(mine, right, rtol=1e-8, atol=1e-9)


# --------------------------------------------------------------------------------------- completeness


def own_entries() -> dict[str, Any]:
    """The functions of the library itself: examples in docstrings and tests register theirs under other modules."""
    return {
        name: entry
        for name, entry in REGISTRY.items()
        if entry.forward.__module__.startswith("xdbr.") and not name.startswith("doc_example.")
    }


def test_every_differentiable_function_has_a_row() -> None:
    xdbr.numpy  # noqa: B018 - loads every chapter
    listed = {name for spec in SPECS for name in (spec.name, *spec.covers)}
    wanted = {
        name
        for name, entry in own_entries().items()
        if not isinstance(entry, Primitive) or entry.differentiable or entry.rules is not None
    }
    assert sorted(wanted - listed) == []


def test_every_rule_is_checked_to_the_second_order() -> None:
    checked = {name for spec in SPECS if spec.order == 2 for name in (spec.name, *spec.covers)}
    ruled = {
        name
        for name, entry in own_entries().items()
        if isinstance(entry, Primitive) and entry.differentiable and (entry.rules or entry.joint)
    }
    assert sorted(ruled - checked) == []


def test_rows_name_functions_that_exist(xp: Any) -> None:
    for spec in SPECS:
        function = xp
        for part in spec.name.split("."):
            assert hasattr(function, part) or spec.name in REGISTRY, f"{spec}: there is no such function"
            function = getattr(function, part, None)


def test_no_two_rows_are_called_the_same() -> None:
    names = [str(spec) for spec in SPECS]
    assert sorted({name for name in names if names.count(name) > 1}) == []
