"""Models trained at the same time, in threads or asynchronous tasks, get the same numbers as one after another."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

import xdbr
import xdbr.nn.functions as F
import xdbr.nn.links as L
from xdbr import nn, optim
from xdbr.testing import to_host

pytestmark = pytest.mark.one_device

MODELS, STEPS = 8, 12


class Net(nn.Chain):
    """A perceptron with dropout from a generator of its own, and weights drawn from that too."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = xdbr.random.Generator(seed)
        self.first = L.Linear(5, 16)
        self.last = L.Linear(16, 3)
        for _, parameter in sorted(self.namedparams()):
            parameter.data = self.rng.normal(parameter.shape, scale=0.3, dtype=parameter.dtype).data

    def forward(self, x: Any) -> Any:
        h = F.dropout(xdbr.tanh(self.first(x)), 0.3, rng=self.rng)
        row = h[0, ...]
        row *= 2.0  # a write through a view
        return self.last(h)


def modes(number: int) -> ExitStack:
    """Set some of the modes for some of the models."""
    stack = ExitStack()
    if number % 2:
        stack.enter_context(xdbr.default_dtype("float64"))
    if number % 3 == 1:
        stack.enter_context(xdbr.train_mode(False))
    if number % 4 == 3:
        stack.enter_context(xdbr.debug_mode())
    if number % 5 == 2:
        stack.enter_context(xdbr.no_grad())
        stack.enter_context(xdbr.enable_grad())
    return stack


def training(number: int) -> Iterator[list[np.ndarray]]:
    """Train model `number`, handing over after each step; at last give its numbers."""
    with modes(number):
        model = Net(number)
        optimizer = (optim.Adam() if number % 2 else optim.MomentumSGD(0.05)).setup(model)
        x, t = model.rng.normal((7, 5)), model.rng.normal((7, 3))
        numbers = []
        for step in range(STEPS + number % 3):
            model.cleargrads()
            y = model(x)
            loss = F.mean_squared_error(y, t)
            if number % 4 == 0:  # a penalty on a gradient, which is differentiated once more
                g = xdbr.grad(loss, model.last.W, create_graph=True)
                loss = loss + 0.1 * xdbr.sum(g * g)
            loss.backward()
            optimizer.update()
            with xdbr.no_grad():
                numbers.append(to_host(model(x)).copy())
            assert y.requires_grad and y.dtype == ("float64" if number % 2 else "float32"), step
            yield []
    numbers += [to_host(parameter).copy() for _, parameter in sorted(model.namedparams())]
    yield numbers


def run(number: int, pause: Callable[[], None]) -> list[np.ndarray]:
    found: list[np.ndarray] = []
    for found in training(number):  # noqa: B007 - the last is what counts
        pause()
    return found


@pytest.fixture
def alone(device: Any) -> list[list[np.ndarray]]:
    """The numbers of each model, trained one after another."""
    return [run(number, lambda: None) for number in range(MODELS)]


def assert_identical(found: list[list[np.ndarray]], right: list[list[np.ndarray]]) -> None:
    for number, (some, others) in enumerate(zip(found, right, strict=True)):
        assert len(some) == len(others) > STEPS
        for one, other in zip(some, others, strict=True):
            assert one.dtype == other.dtype
            assert one.tobytes() == other.tobytes(), f"model {number}"


def test_eight_threads_train_as_one_after_another(alone: list[list[np.ndarray]], device: Any) -> None:
    """In step, so that every operation of one thread may meet every operation of the others."""
    barrier = threading.Barrier(MODELS)

    def pause() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):  # once some model is done
            barrier.wait(0.2)

    def work(number: int) -> list[np.ndarray]:
        with xdbr.device(device):  # a new thread starts with the default modes
            return run(number, pause)

    with ThreadPoolExecutor(MODELS) as pool:
        found = list(pool.map(work, range(MODELS)))
    assert_identical(found, alone)


def test_threads_that_share_a_model_only_read_it(device: Any) -> None:
    """Gradients of one model with respect to inputs of one's own, and evaluation, from many threads at once."""
    model = Net(0)
    inputs = [xdbr.random.Generator(i).normal((4, 5)) for i in range(MODELS)]

    def work(x: Any) -> bytes:
        with xdbr.device(device), xdbr.train_mode(False):
            found = b""
            for _ in range(20):
                g = xdbr.grad(lambda x: xdbr.sum(model(x) ** 2))(x)
                with xdbr.no_grad():
                    found = to_host(g).tobytes() + to_host(model(x)).tobytes()
            return found

    right = [work(x) for x in inputs]
    with ThreadPoolExecutor(MODELS) as pool:
        assert list(pool.map(work, inputs)) == right


def test_tasks_train_as_one_after_another(alone: list[list[np.ndarray]], device: Any) -> None:
    """Each task goes on after each step of another: modes are those of the task."""

    async def work(number: int) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        for found in training(number):  # noqa: B007
            await asyncio.sleep(0)
        return found

    async def all_of_them() -> list[list[np.ndarray]]:
        return await asyncio.gather(*(work(number) for number in range(MODELS)))

    assert_identical(asyncio.run(all_of_them()), alone)
    assert xdbr.is_training() and xdbr.is_recording() and not xdbr.is_debugging()


def test_modes_of_one_thread_are_not_those_of_another(device: Any) -> None:
    entered, done = threading.Event(), threading.Event()

    def work() -> None:
        with xdbr.no_grad(), xdbr.train_mode(False), xdbr.debug_mode(), xdbr.default_dtype("float64"):
            entered.set()
            done.wait(5)

    thread = threading.Thread(target=work)
    thread.start()
    assert entered.wait(5)
    try:
        assert xdbr.is_recording() and xdbr.is_training() and not xdbr.is_debugging()
        assert xdbr.zeros(1).dtype == "float32"
    finally:
        done.set()
        thread.join()
