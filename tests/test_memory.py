"""Nothing outlives its use: no step leaves objects behind, and none needs the cycle collector to be freed."""

from __future__ import annotations

import contextlib
import copy
import gc
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import xdbr
import xdbr.nn.functions as F
import xdbr.nn.links as L
from xdbr import nn, optim
from xdbr.autograd.graph import Node

pytestmark = pytest.mark.one_device

Step = Callable[[int], None]


class Net(nn.Chain):
    """A small perceptron with dropout; how many times the middle layer is used may change from call to call."""

    def __init__(self) -> None:
        super().__init__()
        self.first = L.Linear(3, 4)
        self.middle = L.Linear(4, 4)
        self.last = L.Linear(4, 2)

    def forward(self, x: Any, repeats: int = 1) -> Any:
        h = F.relu(self.first(x))
        for _ in range(repeats):
            h = F.dropout(xdbr.tanh(self.middle(h)), 0.2)
        return self.last(h)


def leaf(*values: float) -> Any:
    return xdbr.Variable(list(values), requires_grad=True, dtype="float64")


class Cube(xdbr.Function):
    def forward(self, xp: Any, x: Any) -> Any:
        self.save(x)
        return x * x * x

    def backward(self, xp: Any, g: Any) -> Any:
        (x,) = self.saved
        return 3.0 * g * x * x


class Failing(Cube):
    def backward(self, xp: Any, g: Any) -> Any:
        raise RuntimeError("on purpose")


SCENARIOS: dict[str, Callable[[], Step]] = {}


def scenario(make: Callable[[], Step]) -> Callable[[], Step]:
    SCENARIOS[make.__name__] = make
    return make


@scenario
def training() -> Step:
    model = Net()
    optimizer = optim.Adam().setup(model)
    x, t = xdbr.ones((5, 3)), xdbr.ones((5, 2))

    def step(i: int) -> None:
        optimizer.update(lambda: F.mean_squared_error(model(x), t))

    return step


@scenario
def training_with_a_changing_graph() -> Step:
    model = Net()
    optimizer = optim.MomentumSGD(0.01).setup(model)
    x, t = xdbr.ones((5, 3)), xdbr.ones((5, 2))

    def step(i: int) -> None:
        model.cleargrads()
        loss = F.mean_squared_error(model(x, i * 7 % 5), t)
        if i % 3 == 0:
            loss = loss + xdbr.sum(model.first.W * model.first.W)
        loss.backward()
        optimizer.update()
        with xdbr.no_grad(), xdbr.train_mode(False):
            model(x)

    return step


@scenario
def gradient_penalty() -> Step:
    w = leaf(0.5, -1.0, 2.0)

    def step(i: int) -> None:
        x = leaf(1.0, 2.0, 3.0)
        g = xdbr.grad(xdbr.sum(xdbr.tanh(w * x) * x), x, create_graph=True)
        (xdbr.sum(g * g) + xdbr.sum(w)).backward(create_graph=True)
        w.grad = None

    return step


@scenario
def hooks_and_kept_gradients() -> Step:
    w = leaf(0.5, -1.0)

    def step(i: int) -> None:
        remove = w.register_hook(lambda g: g * 2.0)
        h = (w * w).retain_grad()
        h.register_hook(lambda g: None)
        xdbr.sum(h * w).backward()
        remove()
        w.zero_grad()

    return step


@scenario
def views_and_writes() -> Step:
    w = leaf(0.5, -1.0, 2.0, 1.5)

    def step(i: int) -> None:
        x = xdbr.zeros((3, 4), dtype="float64")
        rows = list(x)
        rows[0][...] = w
        part = xdbr.reshape(x, (2, 6))[:, 1:]
        part *= 2.0
        flipped = xdbr.flip(xdbr.matrix_transpose(x))
        flipped[1, ...] += rows[0][:3]
        x[x > 1.0] = w[0]
        row = x[1, ...]
        row.unchain()
        row[0] = 1.0
        xdbr.sum(part * part).backward()
        w.zero_grad()

    return step


@scenario
def functions_of_ones_own() -> Step:
    w = leaf(0.5, -1.0)

    def step(i: int) -> None:
        y = xdbr.sum(Cube()(w) * w)
        y.backward(retain_graph=True)
        y.backward(create_graph=True)
        w.zero_grad()

    return step


@scenario
def failures_in_backward() -> Step:
    w = leaf(0.5, -1.0)

    def fail(g: Any) -> None:
        raise ValueError("on purpose")

    def step(i: int) -> None:
        create_graph = i % 2 == 0
        with pytest.raises(RuntimeError, match="on purpose"):
            xdbr.sum(Failing()(w * 2.0) * w).backward(create_graph=create_graph)
        y = xdbr.exp(w)
        y.register_hook(fail)
        with pytest.raises(ValueError, match="on purpose"):
            xdbr.sum(y * w).backward(create_graph=create_graph)
        z = xdbr.sum(xdbr.exp(w))
        z.backward()
        with pytest.raises(xdbr.GradientError, match="freed"):
            z.backward(create_graph=create_graph)
        with pytest.raises(xdbr.ShapeError):
            w + xdbr.ones(3, dtype="float64")
        with pytest.raises(xdbr.ShapeError):
            (w * 1.0)[:] = xdbr.ones(3, dtype="float64")
        w.zero_grad()

    return step


@scenario
def kept_graphs() -> Step:
    w = leaf(0.5, -1.0)

    def step(i: int) -> None:
        y = xdbr.sum(xdbr.tanh(w) ** 2)
        for _ in range(3):
            y.backward(retain_graph=True)
        xdbr.grad(y, w, retain_graph=True)
        w.zero_grad()

    return step


@scenario
def transforms() -> Step:
    x = xdbr.asarray([0.5, -1.0], dtype="float64")

    def f(x: Any) -> Any:
        return xdbr.sum(xdbr.sin(x) * x)

    def step(i: int) -> None:
        xdbr.value_and_grad(f)(x)
        xdbr.grad(lambda y: xdbr.sum(xdbr.grad(f)(y)))(x)
        xdbr.jvp(xdbr.sin, [x], [x])
        _, pull = xdbr.vjp(xdbr.sin, x)
        pull(x)
        xdbr.jacobian(xdbr.sin)(x)
        xdbr.jacobian(xdbr.sin, mode="forward")(x)
        xdbr.hessian(f)(x)
        xdbr.hvp(f, [x], [x])

    return step


@scenario
def checkpoints() -> Step:
    w = leaf(0.5, -1.0)

    @xdbr.checkpoint
    def block(x: Any) -> Any:
        return F.dropout(xdbr.tanh(x * w), 0.5)

    def step(i: int) -> None:
        xdbr.sum(block(block(w))).backward(create_graph=i % 2 == 0)
        block(w)  # of which nobody runs the backward
        w.zero_grad()

    return step


@scenario
def several_outputs() -> Step:
    a = xdbr.Variable([[2.0, 1.0], [1.0, 3.0]], requires_grad=True, dtype="float64")

    def step(i: int) -> None:
        values, vectors = xdbr.linalg.eigh(a @ a)
        q, _ = xdbr.linalg.qr(vectors * values)
        g = xdbr.grad(xdbr.sum(q**2 * a), a, create_graph=True)
        xdbr.sum(g * g).backward()
        a.zero_grad()

    return step


@scenario
def truncated_backpropagation() -> Step:
    w = leaf(0.9)
    state = {"h": xdbr.ones(1, dtype="float64")}

    def step(i: int) -> None:
        h = state["h"]
        for _ in range(3):
            h = xdbr.tanh(h * w)
        xdbr.sum(h).backward(retain_graph=True)
        h.unchain_backward()
        state["h"] = h
        w.zero_grad()

    return step


@scenario
def copies_and_constants() -> Step:
    w = leaf(0.9, 1.0)

    def step(i: int) -> None:
        xdbr.sum(copy.deepcopy(w) * w).backward()
        with xdbr.no_grad():
            other = copy.deepcopy(w)
        other.requires_grad = False
        other.requires_grad = True
        xdbr.sum(other * w.detach()).backward()
        with xdbr.debug_mode():
            xdbr.sum(w * w).backward()
        w.zero_grad()

    return step


@pytest.fixture
def collector() -> Iterator[None]:
    """Keeps the cycle collector from running, so that what it would have freed is seen."""
    gc.collect()
    gc.disable()
    gc.freeze()  # what was there before is not looked at
    try:
        yield
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_step_leaves_nothing_behind(name: str, device: Any) -> None:
    step = SCENARIOS[name]()
    for i in range(12):  # until caches and optimizer states are there
        step(i)
    gc.collect()
    objects = len(gc.get_objects())
    for i in range(12, 42):
        step(i)
    grown = len(gc.get_objects()) - objects
    gc.set_debug(gc.DEBUG_SAVEALL)
    cycles = gc.collect()
    found = sorted({type(thing).__name__ for thing in gc.garbage})
    assert cycles == 0, f"{cycles} objects in cycles: {found}"
    assert grown <= 20, f"{grown} objects more after 30 steps"


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize("name", ["training", "training_with_a_changing_graph"])
def test_memory_stays_flat_over_hundreds_of_steps(name: str, backend: Any, device: Any) -> None:
    if not backend.is_host or backend.name != "numpy":
        pytest.skip(f"the memory of {backend.name}'s arrays is not among what tracemalloc sees")
    step = SCENARIOS[name]()

    def in_use(steps: int) -> int:
        for i in range(steps):
            step(i)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]  # after a collection Python's lists of free tuples are empty

    tracemalloc.start()
    try:
        before = in_use(100)
        after = in_use(300)
    finally:
        tracemalloc.stop()
    # An array or a node that a step left behind would be more than 100 bytes a step; Python's own caches still grow.
    assert after - before < 60 * 300, f"{after - before} bytes more after 300 steps"
    assert sum(type(thing) is Node for thing in gc.get_objects()) < 100


@pytest.mark.usefixtures("collector")
def test_a_graph_and_what_it_has_saved_die_with_their_last_variable(device: Any) -> None:
    x = leaf(1.0, 2.0)
    y = xdbr.sum(xdbr.exp(x) * Cube()(x))
    row = xdbr.stack([y * x, y + x])[0, ...]
    row[0] = 5.0
    g = xdbr.grad(xdbr.sum(row), x, create_graph=True)
    seen = [weakref.ref(one) for one in (x, y, row, g)]
    del x, y, row, g
    assert [one() for one in seen] == [None] * 4


@pytest.mark.usefixtures("collector")
def test_a_failed_backward_keeps_nothing(device: Any) -> None:
    x = leaf(1.0, 2.0)
    y = xdbr.sum(Failing()(x * 2.0))
    seen = [weakref.ref(one) for one in (x, y)]
    with contextlib.suppress(RuntimeError):
        y.backward()
    del x, y
    assert [one() for one in seen] == [None, None]
