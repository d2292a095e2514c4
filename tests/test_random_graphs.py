"""Random graphs on xdbr and on PyTorch: fan-out, several outputs, unused branches, kept intermediates, broadcasting.

A graph is a list of lines of Python over arrays `a0, a1, ...`, which are played on both.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from program_helpers import Host, Program, arrays_of, compiled, examples, numbers

import xdbr
from xdbr._namespaces import namespace
from xdbr.testing import backend_under_test, to_host

torch = pytest.importorskip("torch", reason="PyTorch, which results are compared with, is not installed")

pytestmark = pytest.mark.usefixtures("backend")

BACKEND = backend_under_test()
XP = namespace(BACKEND)

# The functions whose names or arguments differ in PyTorch; all of them with the standard's signature.
TORCH = types.SimpleNamespace(
    sin=torch.sin, tanh=torch.tanh, exp=torch.exp, sqrt=torch.sqrt, log1p=torch.log1p, atan=torch.atan,
    sum=lambda x, axis, keepdims: torch.sum(x, dim=axis, keepdim=keepdims),
    mean=lambda x, axis, keepdims: torch.mean(x, dim=axis, keepdim=keepdims),
    max=lambda x, axis, keepdims: torch.amax(x, dim=axis, keepdim=keepdims),
    var=lambda x, axis, keepdims: torch.var(x, dim=axis, keepdim=keepdims, correction=0),
    prod=lambda x, axis, keepdims: torch.prod(x, dim=axis, keepdim=keepdims),
    cumulative_sum=lambda x, axis: torch.cumsum(x, dim=axis), cumulative_prod=lambda x, axis: torch.cumprod(x, axis),
    hypot=torch.hypot, atan2=torch.atan2, logaddexp=torch.logaddexp, maximum=torch.maximum, where=torch.where,
    concat=lambda xs, axis: torch.cat(xs, dim=axis), stack=lambda xs, axis: torch.stack(xs, dim=axis),
    unstack=lambda x, axis: torch.unbind(x, dim=axis), matmul=torch.matmul,
    tensordot=lambda x, y, axes: torch.tensordot(x, y, dims=axes), vecdot=torch.linalg.vecdot,
    permute_dims=torch.permute, reshape=torch.reshape, broadcast_to=torch.broadcast_to,
    flip=lambda x, axis: x.flip(axis),
    roll=lambda x, n, axis: torch.roll(x, n, axis), tile=torch.tile, squeeze=lambda x, axis: torch.squeeze(x, axis),
    expand_dims=lambda x, axis: torch.unsqueeze(x, axis), matrix_transpose=lambda x: x.mT,
    linalg=types.SimpleNamespace(inv=torch.linalg.inv, det=torch.linalg.det, solve=torch.linalg.solve,
                                 slogdet=torch.linalg.slogdet, eigvalsh=torch.linalg.eigvalsh),
    asarray=torch.tensor,
)  # fmt: skip


class Graph(Program):
    """A program with the numbers of the outputs and of the intermediate results whose gradients are kept."""

    def __init__(self, start: list[Host], lines: list[str], moving: list[int], outputs: list[int], kept: list[int]):
        super().__init__(start, lines, outputs)
        self.moving, self.kept = moving, kept

    def __repr__(self) -> str:
        roles = f"    leaves {self.moving}, kept {self.kept}\n"
        return super().__repr__() + roles


SHAPES = [(2, 3), (3,), (1, 3), (2, 1), (), (3, 3), (2, 3, 3)]


@st.composite
def graphs(draw: Any) -> Graph:
    """Graphs of up to 14 functions of 2 to 4 leaves."""

    def one_of(*options: Any) -> Any:
        return draw(st.sampled_from(options))

    start = [numbers(one_of(*SHAPES), k) for k in range(draw(st.integers(2, 4)))]
    scope: dict[str, Any] = {"xp": np} | {f"a{i}": x for i, x in enumerate(start)}
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 14))):
        arrays = arrays_of(scope)
        # Recent arrays more often, so that graphs get deep; older ones too, so that they fan out.
        i, j, k = (
            draw(st.integers(max(0, len(arrays) - 4) if draw(st.booleans()) else 0, len(arrays) - 1)) for _ in range(3)
        )
        code = one_of(*one_of(*[part for part in choices(arrays, i, j, k) if part]))
        line = f"a{len(arrays)} = {code}"
        exec(compiled(line), {"xp": NUMPY, "float64": np.float64}, scope)
        made = np.asarray(scope[f"a{len(arrays)}"])
        if not 0 < made.size <= 60 or not np.isfinite(made).all() or np.abs(made).max(initial=0.0) > 20:
            del scope[f"a{len(arrays)}"]
            continue
        scope[f"a{len(arrays)}"] = made
        lines.append(line)
    count = len(arrays_of(scope))
    moving = [i for i in range(len(start)) if i == 0 or draw(st.integers(0, 3)) > 0]
    outputs = sorted({count - 1, *draw(st.lists(st.integers(len(start), count - 1), max_size=3))} if lines else {0})
    kept = sorted(set(draw(st.lists(st.integers(len(start), count - 1), max_size=3)))) if lines else []
    return Graph(start, lines, moving, outputs, kept)


NUMPY = types.SimpleNamespace(**{name: getattr(np, name) for name in dir(np) if not name.startswith("_")})
NUMPY.linalg = types.SimpleNamespace(
    **{name: getattr(np.linalg, name) for name in ("inv", "det", "solve", "slogdet", "eigvalsh")}
)
NUMPY.max = lambda x, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims)


def choices(arrays: list[Host], i: int, j: int, k: int) -> list[list[str]]:
    """Give the codes that fit three arrays, by kind."""
    x, y, z = arrays[i], arrays[j], arrays[k]
    a, b, c = f"a{i}", f"a{j}", f"a{k}"
    alone = [f"xp.sin({a})", f"xp.tanh({a})", f"xp.exp(-{a} * {a})", f"xp.sqrt(1.5 + {a} * {a})", f"0.3 * {a} + 1.0",
             f"xp.log1p({a} * {a})", f"xp.atan({a})", f"{a} ** 3 * 0.2", f"1.0 / (2.0 + {a} * {a})", f"-{a}",
             f"xp.where({a} > 0.05, {a} * 2.0, xp.sin({a}))"]  # fmt: skip
    axes = [f"axis={axis}, keepdims={keep}" for axis in range(x.ndim) for keep in (True, False)]
    over = [f"xp.{name}({a}, {how})" for how in axes for name in ("sum", "mean", "prod", "var")]
    over += [f"xp.max({a} + 0.01 * xp.sin({a}), {how})" for how in axes if distinct(x)]
    over += [f"xp.{name}({a}, axis={axis})" for axis in range(x.ndim) for name in ("cumulative_sum", "cumulative_prod")]
    moved = [
        f"xp.reshape({a}, (-1,))",
        f"xp.flip({a}, axis=({', '.join(map(str, range(x.ndim)))}{',' * (x.ndim > 0)}))",
    ]
    if x.ndim:
        moved += [f"{a}[..., 1:]", f"{a}[0, ...]", f"xp.roll({a}, 1, axis=0)", f"xp.expand_dims({a}, axis=1)",
                  f"xp.tile({a}, (2, 1))", *([f"xp.squeeze({a}, axis=0)"] if x.shape[0] == 1 else []),
                  f"xp.unstack({a}, axis=-1)[0]"]  # fmt: skip
    if x.ndim > 1:
        moved += [f"xp.permute_dims({a}, {tuple(reversed(range(x.ndim)))})", f"xp.matrix_transpose({a})",
                  f"{a} @ xp.matrix_transpose({a})"]  # fmt: skip
    pair = []
    if fits(x, y):
        pair += [f"{a} + {b}", f"{a} * {b}", f"{a} - {b}", f"{a} / (1.5 + {b} * {b})", f"xp.logaddexp({a}, {b})",
                 f"xp.hypot({a}, 1.0 + {b} * {b})", f"xp.atan2({a}, 1.5 + {b} * {b})",
                 f"(1.2 + {a} * {a}) ** xp.tanh({b})", f"xp.maximum({a}, {b} + 0.0171)"]  # fmt: skip
        if fits(x, y, z):
            pair += [f"xp.where({a} > 0.1, {b}, {c})", f"{a} * {b} + {c}"]
    if x.shape == y.shape:
        pair += [f"xp.stack([{a}, {b}, {a}], axis=0)"]
        if x.ndim:
            pair += [f"xp.concat([{a}, {b}], axis=-1)"]
    if x.ndim and y.ndim and x.shape[-1] == y.shape[-2 if y.ndim > 1 else 0] and fits_lead(x, y):
        pair += [f"xp.matmul({a}, {b})"] * 3
    if x.ndim and y.ndim and x.shape[-1] == y.shape[0]:
        pair += [f"xp.tensordot({a}, {b}, axes=1)"]
    if x.ndim and y.ndim and x.shape[-1] == y.shape[-1] and fits(x, y):
        pair += [f"xp.vecdot({a}, {b})"]
    if y.ndim and x.ndim <= y.ndim and fits(x, y) and np.broadcast_shapes(x.shape, y.shape) == y.shape:
        pair += [f"xp.broadcast_to({a}, {y.shape})"]
    square = []
    if x.ndim >= 2 and x.shape[-1] == x.shape[-2]:
        n = x.shape[-1]
        matrix = f"({a} @ xp.matrix_transpose({a}) + {eye(n)})"
        square = [f"xp.linalg.inv{matrix}", f"xp.linalg.det{matrix} * 0.1", f"xp.linalg.slogdet{matrix}[1]"]
        if y.ndim >= 2 and y.shape[-2] == n and x.ndim == y.ndim == 2:
            square += [f"xp.linalg.solve({matrix}, {b})"]
    return [alone, over, moved, pair, square]


def eye(n: int) -> str:
    return f"xp.asarray({[[float(2 + i) * (i == j) for j in range(n)] for i in range(n)]}, dtype=float64)"


def distinct(x: Host) -> bool:
    values = np.sort(x.reshape(-1))
    return bool((np.diff(values) > 1e-6).all()) and x.size > 0


def fits(*arrays: Host) -> bool:
    try:
        np.broadcast_shapes(*(x.shape for x in arrays))
    except ValueError:
        return False
    return True


def fits_lead(x: Host, y: Host) -> bool:
    try:
        np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except ValueError:
        return False
    return True


def play(graph: Graph, xp: Any, start: list[Any], float64: Any) -> list[Any]:
    scope = {"xp": xp, "float64": float64} | {f"a{i}": x for i, x in enumerate(start)}
    for line in graph.lines:
        exec(compiled(line), scope)
    return arrays_of(scope)


def cotangents(outputs: list[Any], k: int) -> list[Host]:
    return [
        np.cos(np.arange(int(np.prod(y.shape))) * 0.9 + i + k).reshape(tuple(y.shape)) for i, y in enumerate(outputs)
    ]


def compare(ours: Any, theirs: Any, scale: float, what: str) -> None:
    """Assert that two gradients are the same; `None` is a zero."""
    left = None if ours is None else to_host(ours)
    right = None if theirs is None else theirs.detach().numpy()
    shape = left.shape if left is not None else right.shape if right is not None else ()
    left, right = (np.zeros(shape) if g is None else g for g in (left, right))
    np.testing.assert_allclose(left, right, rtol=1e-7, atol=1e-9 * scale, err_msg=what)


@examples(250)
@given(graphs())
def test_first_and_second_derivatives_are_those_of_torch(graph: Graph) -> None:
    mine = [
        xdbr.Variable(BACKEND.from_host(x.copy()), requires_grad=i in graph.moving) for i, x in enumerate(graph.start)
    ]
    its = [torch.tensor(x, requires_grad=i in graph.moving) for i, x in enumerate(graph.start)]
    arrays, tensors = play(graph, XP, mine, "float64"), play(graph, TORCH, its, torch.float64)
    for i, (x, t) in enumerate(zip(arrays, tensors, strict=True)):
        assert x.shape == tuple(t.shape)
        assert x.requires_grad == t.requires_grad, f"a{i}"
        np.testing.assert_allclose(to_host(x), t.detach().numpy(), rtol=1e-9, atol=1e-12, err_msg=f"a{i}")
    outputs = [i for i in graph.outputs if tensors[i].requires_grad]
    if not outputs:
        return
    # First, as two users would: backward, with the gradients of some results on the way.
    for i in graph.kept:
        if tensors[i].requires_grad:
            arrays[i].retain_grad()
            tensors[i].retain_grad()
    ys, ts = [arrays[i] for i in outputs], [tensors[i] for i in outputs]
    seeds = cotangents(ts, 0)
    for y, t, g in zip(ys, ts, seeds, strict=True):
        y.backward(XP.asarray(BACKEND.from_host(g)), retain_graph=True)
        t.backward(torch.tensor(g), retain_graph=True)
    scale = max([1.0, *(float(x.grad.abs().max()) for x in its if x.grad is not None)])
    for i, (x, t) in enumerate(zip(arrays, tensors, strict=True)):
        if i in graph.moving or (i in graph.kept and t.requires_grad):
            compare(x.grad, t.grad, scale, f"first order, a{i}")
    # Then the gradients of gradients, with respect to leaves. With respect to results on the way they would depend on
    # how a rule is written: that of a quotient may read the quotient, or its two operands.
    wanted = graph.moving
    xs, zs = [arrays[i] for i in wanted], [tensors[i] for i in wanted]
    first = xdbr.grad(ys, xs, [XP.asarray(BACKEND.from_host(g)) for g in seeds], create_graph=True, allow_unused=True)
    its_first = torch.autograd.grad(ts, zs, [torch.tensor(g) for g in seeds], create_graph=True, allow_unused=True)
    for i, a, b in zip(wanted, first, its_first, strict=True):
        compare(a, b, scale, f"first order, recorded, a{i}")
    pairs = [
        (a, b)
        for a, b in zip(first, its_first, strict=True)
        if a is not None and b is not None and a.requires_grad and b.requires_grad
    ]
    if not pairs:
        return
    gs, hs = zip(*pairs, strict=True)
    seeds = cotangents(list(hs), 1)
    second = xdbr.grad(gs, xs, [XP.asarray(BACKEND.from_host(g)) for g in seeds], allow_unused=True)
    its_second = torch.autograd.grad(hs, zs, [torch.tensor(g) for g in seeds], allow_unused=True)
    scale = max([scale, *(float(g.abs().max()) for g in its_second if g is not None and g.numel())])
    for i, a, b in zip(wanted, second, its_second, strict=True):
        compare(a, b, scale, f"second order, a{i}")
