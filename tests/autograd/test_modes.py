"""Modes: nesting, re-entering, decorators, generators, threads and tasks."""

from __future__ import annotations

import asyncio
import threading

import pytest

import xdbr
from xdbr import DtypeError


def test_no_grad_and_enable_grad_nest():
    assert xdbr.is_recording()
    with xdbr.no_grad():
        assert not xdbr.is_recording()
        with xdbr.enable_grad():
            assert xdbr.is_recording()
        assert not xdbr.is_recording()
    assert xdbr.is_recording()


def test_one_instance_may_be_entered_again():
    mode = xdbr.no_grad()
    with mode, mode, mode:
        assert not xdbr.is_recording()
    assert xdbr.is_recording()


def test_an_exception_restores_the_mode():
    with pytest.raises(RuntimeError), xdbr.no_grad():
        raise RuntimeError
    assert xdbr.is_recording()


def test_as_a_decorator():
    @xdbr.no_grad()
    def inside():
        """Text."""
        return xdbr.is_recording()

    assert inside() is False
    assert inside.__doc__ == "Text."
    assert xdbr.is_recording()


def test_as_a_decorator_without_parentheses():
    @xdbr.no_grad
    def without():
        return xdbr.is_recording()

    @xdbr.enable_grad
    def with_grad():
        return xdbr.is_recording()

    assert without() is False
    with xdbr.no_grad():
        assert with_grad() is True


def test_a_decorated_generator_does_not_leak_between_its_steps():
    @xdbr.no_grad()
    def steps():
        got = yield xdbr.is_recording()
        try:
            yield got, xdbr.is_recording()
        except KeyError:
            yield "caught", xdbr.is_recording()
        return "end"

    running = steps()
    assert next(running) is False
    assert xdbr.is_recording()
    assert running.send("sent") == ("sent", False)
    assert xdbr.is_recording()
    assert running.throw(KeyError()) == ("caught", False)
    with pytest.raises(StopIteration) as stop:
        next(running)
    assert stop.value.value == "end"
    assert xdbr.is_recording()


def test_a_decorated_coroutine_and_two_tasks():
    seen = {}

    @xdbr.no_grad()
    async def without(name):
        for _ in range(3):
            await asyncio.sleep(0)
            seen.setdefault(name, []).append(xdbr.is_recording())

    async def with_grad(name):
        for _ in range(3):
            await asyncio.sleep(0)
            seen.setdefault(name, []).append(xdbr.is_recording())

    async def both():
        await asyncio.gather(without("a"), with_grad("b"))

    asyncio.run(both())
    assert seen == {"a": [False] * 3, "b": [True] * 3}


def test_a_thread_starts_with_the_defaults():
    seen = []
    with xdbr.no_grad():
        thread = threading.Thread(target=lambda: seen.append(xdbr.is_recording()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_train_mode():
    assert xdbr.is_training()
    with xdbr.train_mode(False):
        assert not xdbr.is_training()
        with xdbr.train_mode():
            assert xdbr.is_training()


def test_default_dtype():
    assert xdbr.get_default_dtype() == "float32"
    with xdbr.default_dtype("float64"):
        assert xdbr.zeros(2).dtype == xdbr.float64
        assert xdbr.asarray([1.0]).dtype == xdbr.float64
        assert xdbr.asarray([1j]).dtype == xdbr.complex128
        with xdbr.default_dtype(xdbr.float32):
            assert xdbr.zeros(2).dtype == xdbr.float32
    assert xdbr.zeros(2).dtype == xdbr.float32
    assert xdbr.asarray([1j]).dtype == xdbr.complex64


def test_set_default_dtype():
    try:
        xdbr.set_default_dtype("float64")
        assert xdbr.ones(1).dtype == xdbr.float64
    finally:
        xdbr.set_default_dtype("float32")


@pytest.mark.parametrize("dtype", ["int32", xdbr.int64, "text", None, 3])
def test_a_default_dtype_must_be_floating(dtype):
    with pytest.raises(DtypeError, match="real floating-point"):
        xdbr.default_dtype(dtype)


def test_no_grad_records_nothing_and_keeps_leaves():
    x = xdbr.Variable([1.0], requires_grad=True)
    with xdbr.no_grad():
        y = x * x
        x -= y * 0.5
    assert not y.requires_grad
    assert x.requires_grad
    assert x.is_leaf
    assert x.tolist() == [0.5]


def test_train_mode_takes_a_flag() -> None:
    with pytest.raises(TypeError, match=r"train_mode: flag must be True .* got 'eval'"):
        xdbr.train_mode("eval")  # type: ignore[arg-type]
