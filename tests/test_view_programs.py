"""Random programs of views and writes: the same values as on NumPy's arrays, and the right gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from program_helpers import Host, Oracle, Program, capabilities, examples, play, programs

import xdbr
from xdbr._namespaces import namespace
from xdbr.testing import assert_allclose, backend_under_test, to_host

pytestmark = pytest.mark.usefixtures("backend")

BACKEND = backend_under_test()
XP = namespace(BACKEND)
ABLE = capabilities(BACKEND)


def put(host: Host, requires_grad: bool = False) -> Any:
    return xdbr.Variable(BACKEND.from_host(host.copy()), requires_grad=requires_grad)


def same(x: Any, right: Host, what: str) -> None:
    assert x.shape == right.shape, what
    np.testing.assert_allclose(to_host(x), right, rtol=1e-12, atol=1e-13, err_msg=what)


@examples(200)
@given(programs(ABLE, views_without_graph=True), st.booleans())
def test_values_after_every_line(program: Program, recorded: bool) -> None:
    want: list[list[Host]] = []
    Oracle(program).values(program.start, lambda n, arrays: want.append([x.copy() for x in arrays]))

    def compare(n: int, arrays: list[Any]) -> None:
        for i, (x, right) in enumerate(zip(arrays, want[n], strict=True)):
            same(x, right, f"a{i} after {program.lines[n]!r}")

    play(program, XP, [put(x, recorded) for x in program.start], compare)


@examples(200)
@given(programs(ABLE, 16, views_without_graph=True), st.randoms(use_true_random=False))
def test_values_at_the_end(program: Program, chance: Any) -> None:
    """Nobody looks at the views in between, so they are computed afresh after many writes."""
    want = Oracle(program).values(program.start)
    leaves = [put(x, True) for x in program.start]
    arrays = play(program, XP, [x * 1.0 for x in leaves])
    order = list(range(len(arrays)))
    chance.shuffle(order)
    for i in order:
        same(arrays[i], want[i], f"a{i}")
    for x, host in zip(leaves, program.start, strict=True):
        assert_allclose(x, host, rtol=0)


# -- gradients -------------------------------------------------------------------------------------------


def weights(i: int, shape: tuple[int, ...]) -> Host:
    return np.cos(np.arange(int(np.prod(shape))) * 0.7 + i).reshape(shape)


def loss_on_numpy(oracle: Oracle, start: list[Host]) -> float:
    arrays = oracle.values(start)
    return sum(float((weights(i, arrays[i].shape) * np.sin(arrays[i] + 0.3)).sum()) for i in oracle.program.outputs)


def run(program: Program, own: bool, look: Callable[..., None] | None = None) -> tuple[list[Any], Any]:
    """Give the leaves and the loss; `own` says whether the program writes to the leaves themselves."""
    leaves = [put(x, True) for x in program.start]
    loss = XP.sum(leaves[0] * 0.0)
    arrays = play(program, XP, list(leaves) if own else [x * 1.0 for x in leaves], look)
    for i in program.outputs:
        loss = loss + XP.sum(put(weights(i, arrays[i].shape)) * XP.sin(arrays[i] + 0.3))
    return leaves, loss


def collect(leaves: list[Any]) -> list[Any]:
    """Take the gradients of the leaves."""
    found = [x.grad for x in leaves]
    for x in leaves:
        x.zero_grad()
    return found


def inner(gradients: list[Any], along: list[Host]) -> float:
    return sum(float((to_host(g) * v).sum()) for g, v in zip(gradients, along, strict=True) if g is not None)


def size(gradients: list[Any], along: list[Host]) -> float:
    return sum(float(np.abs(to_host(g) * v).sum()) for g, v in zip(gradients, along, strict=True) if g is not None)


def directions(program: Program, k: int) -> list[Host]:
    return [np.sin(np.arange(1, x.size + 1) * (2.3 + k) + i).reshape(x.shape) for i, x in enumerate(program.start)]


SLOPE = {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}  # the five-point central difference


def slope(f: Callable[[float], float], h: float) -> float:
    return sum(weight * f(k * h) for k, weight in SLOPE.items()) / h


@examples(150)
@given(programs(ABLE), st.booleans(), st.booleans())
def test_gradients(program: Program, own: bool, looked_at: bool) -> None:
    oracle = Oracle(program)
    oracle.values(program.start)
    leaves, loss = run(program, own, (lambda n, arrays: [to_host(x) for x in arrays]) if looked_at else None)
    if loss.requires_grad:
        loss.backward()
    found = collect(leaves)
    for k in range(2):
        along = directions(program, k)

        def value(t: float, along: list[Host] = along) -> float:
            return loss_on_numpy(oracle, [x + t * v for x, v in zip(program.start, along, strict=True)])

        wide, narrow = slope(value, 2e-3), slope(value, 1e-3)
        allowed = 1e-9 + 1e-9 * size(found, along) + 2 * abs(wide - narrow)
        assert abs(inner(found, along) - narrow) <= allowed, f"reverse {inner(found, along)}, numeric {narrow}"


@examples(60)
@given(programs(ABLE, 8), st.booleans())
def test_second_derivatives(program: Program, own: bool) -> None:
    oracle = Oracle(program)
    oracle.values(program.start)
    u, v = directions(program, 0), directions(program, 1)
    leaves, loss = run(program, own)
    first: list[Any] = [None] * len(leaves)
    second: list[Any] = [None] * len(leaves)
    if loss.requires_grad:
        loss.backward(create_graph=True)
        first = collect(leaves)
        pairs = [(XP.sum(g * put(one)), g) for g, one in zip(first, u, strict=True) if g is not None]
        along_u = [y for y, g in pairs if g.requires_grad]
        if along_u:
            sum(along_u[1:], start=along_u[0]).backward()
            second = collect(leaves)

    def value(s: float, t: float) -> float:
        return loss_on_numpy(oracle, [x + s * a + t * b for x, a, b in zip(program.start, u, v, strict=True)])

    def mixed(h: float) -> float:
        return slope(lambda t: slope(lambda s: value(s, t), h), h)

    wide, narrow = mixed(8e-3), mixed(4e-3)
    scale = size(first, u) + size(second, v)
    assert abs(inner(second, v) - narrow) <= 1e-8 + 1e-8 * scale + 2 * abs(wide - narrow), (
        f"reverse {inner(second, v)}, numeric {narrow}"
    )


@examples(60)
@given(programs(ABLE, 16))
def test_gradients_do_not_depend_on_when_views_are_looked_at(program: Program) -> None:
    found = []
    for look in (None, lambda n, arrays: [to_host(x) for x in arrays]):
        leaves, loss = run(program, False, look)
        if loss.requires_grad:
            loss.backward()
        found.append(collect(leaves))
    for one, other in zip(*found, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert_allclose(one, other, rtol=1e-12, atol=1e-12)
