"""What the gradient is where there is no derivative: the conventions that docs/derivatives.md states."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import xdbr
from xdbr.testing import assert_allclose, to_host

inf, nan = math.inf, math.nan


@dataclass(frozen=True)
class Kink:
    """A call at a point without a derivative, and what comes of it.

    first: the gradient of the sum of the results' real parts, by each argument; `None` where there is none.
    second: the gradient of the sum of that, in turn; `None` where it is constant. NaN stands for infinities, too.
    beside: the libraries that have the same convention, with the order to which they have it.
    """

    name: str
    call: Callable[..., Any]
    at: Sequence[Any]
    first: Sequence[Any]
    second: Sequence[Any] | None
    beside: str = ""

    def __str__(self) -> str:
        return self.name


def torch_free(function: Callable[..., Any], other: Callable[..., Any]) -> Callable[..., Any]:
    """A call that PyTorch spells in another way."""
    return lambda m, *arrays: (other if m.__name__ == "torch" else function)(m, *arrays)


def vector_norm(ord: float) -> Callable[..., Any]:
    return lambda m, x: m.linalg.vector_norm(x, ord=ord)


def matrix_norm(ord: Any) -> Callable[..., Any]:
    return lambda m, x: m.linalg.matrix_norm(x, ord=ord)


ZERO = [[0.0, 0.0], [0.0, 0.0]]
ONE = [[1.0, 0.0], [0.0, 1.0]]
SINGULAR = [[1.0, 0.0], [0.0, 0.0]]
NANS = [[nan, nan], [nan, nan]]

KINKS = [
    Kink("abs", lambda m, x: m.abs(x), [[0.0, -2.0]], [[0.0, -1.0]], None, "torch1"),
    Kink("abs of complex", lambda m, x: m.abs(x), [[0j, 3 + 4j]], [[0j, 0.6 + 0.8j]], [[0j, 0.128 - 0.096j]], "torch2"),
    Kink("sign", lambda m, x: m.sign(x), [[0.0, 2.0]], [None], None),
    Kink("sqrt", lambda m, x: m.sqrt(x), [[0.0, 4.0]], [[inf, 0.25]], [[-inf, -0.03125]], "torch2 jax2"),
    Kink("log", lambda m, x: m.log(x), [[0.0, 2.0]], [[inf, 0.5]], [[-inf, -0.25]], "torch2 jax2"),
    Kink("asin", lambda m, x: m.asin(x), [[1.0, -1.0]], [[inf, inf]], [[nan, nan]], "torch1 jax1"),
    Kink("acosh", lambda m, x: m.acosh(x), [[1.0]], [[inf]], [[nan]], "torch1 jax1"),
    Kink("hypot", lambda m, x, y: m.hypot(x, y), [[0.0], [0.0]], [[0.0], [0.0]], [[nan], [nan]]),
    Kink("atan2", lambda m, x, y: m.atan2(x, y), [[0.0], [0.0]], [[nan], [nan]], [[nan], [nan]], "jax2"),
    Kink(
        "pow by its base",
        lambda m, x: m.pow(x, 1.5),
        [[0.0, 4.0]],
        [[0.0, 3.0]],
        [[inf, 0.375]],
        "torch2 jax2",
    ),
    Kink("pow, root", lambda m, x: m.pow(x, 0.5), [[0.0]], [[inf]], [[-inf]], "torch2 jax2"),
    Kink(
        "pow by both",
        lambda m, x, y: m.pow(x, y),
        [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 2.0, 0.5]],
        [[0.0, 1.0, 0.0, inf], [0.0, 0.0, 0.0, 0.0]],
        [[0.0, 0.0, 2.0, -inf], [0.0, 1.0, 0.0, nan]],
        "torch1",
    ),
    Kink(
        "pow at exponent zero",
        lambda m, x, y: m.pow(x, y),
        [[2.0, 0.5], [0.0, 0.0]],
        [[0.0, 0.0], [math.log(2), -math.log(2)]],
        [[0.5, 2.0], [0.5 + math.log(2) ** 2, 2.0 + math.log(2) ** 2]],
        "torch1 jax2",
    ),
    Kink("pow of a negative base", lambda m, x, y: m.pow(x, y), [[-2.0], [2.0]], [[-4.0], [nan]], [[nan], [nan]]),
    Kink("maximum", lambda m, x, y: m.maximum(x, y), [[1.0], [1.0]], [[0.5], [0.5]], None, "torch1 jax1"),
    Kink("minimum", lambda m, x, y: m.minimum(x, y), [[1.0], [1.0]], [[0.5], [0.5]], None, "torch1 jax1"),
    Kink("maximum of NaN", lambda m, x, y: m.maximum(x, y), [[nan], [1.0]], [[0.0], [0.0]], None, "jax1"),
    Kink("clip", lambda m, x: m.clip(x, -1.0, 1.0), [[-1.0, 1.0, 2.0]], [[1.0, 1.0, 0.0]], None, "torch1"),
    Kink(
        "clip by arrays",
        lambda m, x, low, high: m.clip(x, low, high),
        [[-1.0, 2.0, 3.0], [-1.0, -1.0, 5.0], [1.0, 1.0, 4.0]],
        [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 1.0]],
        None,
        "torch1",
    ),
    Kink(
        "remainder",
        lambda m, x, y: m.remainder(x, y),
        [[4.0, -5.0, 3.0], [2.0, 3.0, inf]],
        [[1.0, 1.0, 1.0], [-2.0, 2.0, 0.0]],
        None,
        "torch1 jax1",
    ),
    Kink(
        "copysign",
        lambda m, x, y: m.copysign(x, y),
        [[0.0, 1.0, 2.0], [1.0, -0.0, 0.0]],
        [[0.0, -1.0, 1.0], [0.0, 0.0, 0.0]],
        [None, [0.0, 0.0, 0.0]],
        "torch1",
    ),
    Kink(
        "logaddexp at infinities",
        lambda m, x, y: m.logaddexp(x, y),
        [[-inf, inf, inf, -inf], [-inf, inf, -inf, 1.0]],
        [[0.5, 0.5, 1.0, 0.0], [0.5, 0.5, 0.0, 1.0]],
        [[0.0] * 4, [0.0] * 4],
    ),
    Kink(
        "max",
        torch_free(lambda m, x: m.max(x), lambda m, x: m.amax(x)),
        [[1.0, 3.0, 3.0]],
        [[0.0, 0.5, 0.5]],
        None,
        "torch1 jax1",
    ),
    Kink(
        "min",
        torch_free(lambda m, x: m.min(x), lambda m, x: m.amin(x)),
        [[3.0, 1.0, 1.0]],
        [[0.0, 0.5, 0.5]],
        None,
        "torch1 jax1",
    ),
    Kink(
        "std",
        torch_free(lambda m, x: m.std(x), lambda m, x: m.std(x, correction=0)),
        [[2.0, 2.0]],
        [[0.0, 0.0]],
        [[0.0, 0.0]],
        "torch2",
    ),
    Kink(
        "sort",
        torch_free(lambda m, x: m.sort(x)[:2], lambda m, x: m.sort(x, stable=True).values[:2]),
        [[1.0, 1.0, 1.0]],
        [[1.0, 1.0, 0.0]],
        None,
        "torch1 jax1",
    ),
    Kink("prod", lambda m, x: m.prod(x), [[2.0, 0.0, 3.0]], [[0.0, 6.0, 0.0]], [[3.0, 5.0, 2.0]], "torch2 jax2"),
    Kink(
        "cumulative_prod",
        torch_free(lambda m, x: m.cumulative_prod(x), lambda m, x: m.cumprod(x, 0)),
        [[2.0, 0.0, 0.0, 3.0]],
        [[1.0, 2.0, 0.0, 0.0]],
        [[1.0, 9.0, 8.0, 0.0]],
        "torch2 jax2",
    ),
    Kink(
        "where over sqrt",
        lambda m, x: m.where(x > 0, m.sqrt(x), 0.0 * x),
        [[0.0, -1.0, 4.0]],
        [[0.0, 0.0, 0.25]],
        [[0.0, 0.0, -0.03125]],
    ),
    Kink("vector_norm", vector_norm(2), [[0.0, 0.0]], [[0.0, 0.0]], [[nan, nan]], "torch2"),
    Kink("vector_norm 1", vector_norm(1), [[0.0, 2.0]], [[0.0, 1.0]], None, "torch1"),
    Kink("vector_norm 1.5", vector_norm(1.5), [[0.0, 2.0]], [[0.0, 1.0]], [[0.0, 0.0]], "torch1 jax1"),
    Kink("vector_norm 0.5", vector_norm(0.5), [[0.0, 2.0]], [[0.0, 1.0]], [[0.0, 0.0]], "torch1"),
    Kink("vector_norm -1", vector_norm(-1), [[0.0, 2.0]], [[0.0, 0.0]], [[0.0, 0.0]], "torch1"),
    Kink("vector_norm 0", vector_norm(0), [[0.0, 2.0]], [None], None),
    Kink("vector_norm inf", vector_norm(inf), [[2.0, -2.0, 1.0]], [[0.5, -0.5, 0.0]], None, "torch1 jax1"),
    Kink("vector_norm -inf", vector_norm(-inf), [[0.0, 2.0]], [[0.0, 0.0]], None, "torch1"),
    Kink("matrix_norm fro", matrix_norm("fro"), [ZERO], [ZERO], [NANS], "torch2"),
    Kink("matrix_norm 2", matrix_norm(2), [ONE], [[[0.5, 0.0], [0.0, 0.5]]], [NANS], "torch2 jax2"),
    Kink("matrix_norm nuc", matrix_norm("nuc"), [SINGULAR], [ONE], [ZERO], "torch2 jax2"),
    Kink("svdvals", lambda m, x: m.linalg.svdvals(x), [ONE], [ONE], [NANS], "torch2 jax2"),
    Kink(
        "svd, vectors",
        lambda m, x: m.linalg.svd(x, full_matrices=False)[0] ** 3,
        [ONE],
        [NANS],
        [NANS],
        "torch2 jax2",
    ),
    Kink("eigvalsh", lambda m, x: m.linalg.eigvalsh(x), [ONE], [ONE], [NANS], "torch2 jax2"),
    Kink("eigh, vectors", lambda m, x: m.linalg.eigh(x)[1] ** 2, [ONE], [NANS], [NANS], "torch2 jax2"),
    Kink("eig, vectors", lambda m, x: m.abs(m.linalg.eig(x)[1]) ** 2, [ONE], [NANS], [NANS]),
    Kink("eigvals", lambda m, x: m.linalg.eigvals(x), [ONE], [ONE], [NANS], "torch2"),
    Kink("det", lambda m, x: m.linalg.det(x), [ZERO], [ZERO], [[[1.0, -1.0], [-1.0, 1.0]]], "jax2"),
    Kink("pinv", lambda m, x: m.linalg.pinv(x), [ZERO], [ZERO], [ZERO], "torch2 jax2"),
]


def derivatives(xp: Any, kink: Kink, arrays: list[Any]) -> tuple[list[Any], list[Any] | None]:
    for x in arrays:
        x.requires_grad = True
    y = kink.call(xp, *arrays)
    if not y.requires_grad:
        return [None] * len(arrays), None
    first = xdbr.grad(xp.sum(xp.real(y)), arrays, create_graph=True, allow_unused=True)
    live = [g for g in first if g is not None and g.requires_grad]
    if not live:
        return list(first), None
    total = sum((xp.sum(xp.real(g)) for g in live[1:]), xp.sum(xp.real(live[0])))
    return list(first), list(xdbr.grad(total, arrays, allow_unused=True))


def same(got: Sequence[Any] | None, want: Sequence[Any] | None) -> None:
    assert (got is None) == (want is None)
    for a, b in zip(got or (), want or (), strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            host, wanted = to_host(a), np.asarray(b)
            unsaid = np.isnan(wanted) & ~np.isfinite(host)  # an infinity there is no wrong number either
            assert_allclose(np.where(unsaid, nan, host), wanted.astype(host.dtype), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kink", KINKS, ids=str)
def test_convention(kink: Kink, backend: Any, xp: Any, device: Any) -> None:
    arrays = [xdbr.Variable(backend.from_host(np.asarray(x), device=device)) for x in kink.at]
    try:
        first, second = derivatives(xp, kink, arrays)
    except (np.linalg.LinAlgError, RuntimeError):
        # A library that does not go on with NaN says so, which is no wrong number either.
        if not np.isnan(np.asarray([*kink.first, *(kink.second or ())])).any():
            raise
        return
    same(first, kink.first)
    same(second, kink.second)


def compared(name: str) -> list[Any]:
    return [
        pytest.param(kink, int(said[-1]), id=str(kink))
        for kink in KINKS
        for said in kink.beside.split()
        if said[:-1] == name
    ]


@pytest.mark.parametrize(("kink", "order"), compared("torch"))
def test_beside_torch(kink: Kink, order: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, whose conventions are compared, is not installed")
    arrays = [torch.tensor(np.asarray(x), requires_grad=True) for x in kink.at]

    def pulled(y: Any, create_graph: bool) -> list[Any]:
        return list(torch.autograd.grad(torch.real(y).sum(), arrays, create_graph=create_graph))

    def hosts(parts: list[Any]) -> list[Any]:
        return [g.detach().resolve_conj().numpy(force=True) for g in parts]

    first = pulled(kink.call(torch, *arrays), True)
    same(hosts(first), kink.first)
    if order > 1:
        total = sum(torch.real(g).sum() for g in first)
        same(hosts(pulled(total, False)), kink.second)


@pytest.mark.parametrize(("kink", "order"), compared("jax"))
def test_beside_jax(kink: Kink, order: int) -> None:
    jax = pytest.importorskip("jax", reason="JAX, whose conventions are compared, is not installed")
    with jax.enable_x64(True):
        jnp = jax.numpy
        arrays = [jnp.asarray(x) for x in kink.at]

        def gradients(*at: Any) -> list[Any]:
            y, pull = jax.vjp(lambda *at: jnp.real(kink.call(jnp, *at)).sum(), *at)
            return [jnp.conj(g) for g in pull(jnp.ones_like(y))]

        same(list(gradients(*arrays)), kink.first)
        if order > 1:
            total, pull = jax.vjp(lambda *at: sum(jnp.real(g).sum() for g in gradients(*at)), *arrays)
            same([jnp.conj(g) for g in pull(jnp.ones_like(total))], kink.second)


def test_a_condition_counts_as_constant(xp: Any) -> None:
    condition = xdbr.Variable(xp.asarray([0.0, 2.0]), requires_grad=True)
    x = xdbr.Variable(xp.asarray([3.0, 4.0]), requires_grad=True)
    xp.sum(xp.where(condition, x * condition, 0.0)).backward()
    assert_allclose(condition.grad, [0.0, 4.0])
    assert_allclose(x.grad, [0.0, 2.0])


def test_undetermined_vectors_refuse_a_gradient(xp: Any) -> None:
    x = xdbr.Variable(xp.asarray([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]), requires_grad=True)
    for call in (
        lambda: xp.linalg.qr(x, mode="complete").Q,
        lambda: xp.linalg.svd(x).U,
        lambda: xp.linalg.svd(xp.matrix_transpose(x)).Vh,
    ):
        with pytest.raises(xdbr.GradientError, match="no derivative"):
            xp.sum(call() ** 3).backward()
