"""Random programs of views and writes: on NumPy's arrays and on Variables they give the same, and the right gradients.

A program works on a pool of arrays that starts with a matrix and a vector. Each step adds a view or a
copy of one of them, or writes to one of them. It is drawn step by step while it runs on NumPy, which
says what fits where, and is then played again on Variables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from view_helpers import KEYS, put, takes

import xdbr
from xdbr.testing import assert_allclose, check_grads, to_host

__all__ = ["put"]

Step = Callable[[Any, list[Any]], Any]
"""`step(xp, pool)` runs on either kind of array, and gives the array that joins the pool or None."""

ARRAYS = 12  # arrays in the pool


class Draw:
    """Draws a program that fits the keys which the library underneath takes."""

    def __init__(self, seed: int, able: set[str]) -> None:
        self.rng = np.random.default_rng(seed)
        self.able = able
        self.pool: list[Any] = [
            self.rng.uniform(-1, 1, self.choose([(3, 4), (2, 3, 2), (4, 2), (12,)])),
            self.rng.uniform(-1, 1, (int(self.rng.integers(1, 5)),)),
        ]
        self.start = [x.copy() for x in self.pool]
        self.steps: list[Step] = []

    def choose(self, options: Any) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def pick(self) -> int:
        """Draw an array of the pool."""
        return int(self.rng.integers(len(self.pool)))

    # -- keys ------------------------------------------------------------------------------------

    def line(self, length: int) -> slice:
        """Draw a slice within the bounds of an axis."""
        steps = [None, 1, 1, 2] + ([-1, -2] if "backward steps" in self.able else [])
        step = self.choose(steps)
        low, high = sorted(int(i) for i in self.rng.integers(0, length + 1, 2))
        if step is not None and step < 0:
            return slice(None if high >= length else high, None if low == 0 else low, step)
        return slice(self.choose([None, low, low - length if low < length else low]), self.choose([None, high]), step)

    def basic(self, shape: tuple[int, ...], *, write: bool = False) -> tuple[Any, ...]:
        """Draw a basic key with an ellipsis, so that the result is an array."""
        key: list[Any] = []
        for length in shape:
            if length and self.rng.random() < 0.3:
                key.append(int(self.rng.integers(-length, length)))
            else:
                key.append(self.line(length))
        cut = int(self.rng.integers(0, len(key) + 1))
        key = [*key[:cut], Ellipsis, *(key[cut + int(self.rng.integers(0, 2)) :] if cut < len(key) else [])]
        if not write and self.rng.random() < 0.2:
            key.insert(int(self.rng.integers(0, len(key) + 1)), None)
        return tuple(key)

    def advanced(self, x: np.ndarray) -> Any:
        """Draw a mask, an integer array, or one beside slices; the arrays are NumPy's."""
        kinds = ["mask"]
        if x.ndim and all(x.shape):
            kinds += ["integers"] if "integer arrays" in self.able else []
            kinds += ["beside"] if "integer arrays beside others" in self.able and x.ndim > 1 else []
        kind = self.choose(kinds)
        if kind == "mask":
            return x > self.rng.uniform(-0.5, 0.5)
        if kind == "integers":
            return self.rng.integers(-x.shape[0], x.shape[0], self.choose([(1,), (3,), (2, 2)]))
        axis = int(self.rng.integers(0, x.ndim))
        return (*[slice(None)] * axis, self.rng.integers(-x.shape[axis], x.shape[axis], 3))

    # -- steps -----------------------------------------------------------------------------------

    def view(self) -> Step:
        i = self.pick()
        x = self.pool[i]
        kind = self.choose(["key", "key", "key", "reshape", "permute", "flip", "squeeze", "expand", "move", "piece"])
        if kind == "reshape":
            n = x.size
            shapes = [(-1,) if n else (0,), (1, n), *[(k, n // k) for k in (2, 3, 4) if n and n % k == 0]]
            shape = self.choose(shapes)
            # Where a reshape gives a view is up to the library; all agree on arrays in row-major order.
            agreed = "numpy memory" in self.able or x.flags.c_contiguous
            copy = None if agreed else True
            return lambda xp, pool: xp.reshape(pool[i], shape, copy=copy)
        if kind == "permute":
            axes = tuple(int(a) for a in self.rng.permutation(x.ndim))
            return lambda xp, pool: xp.permute_dims(pool[i], axes)
        if kind == "flip" and x.ndim:
            axis = self.choose([None, *range(x.ndim)])
            return lambda xp, pool: xp.flip(pool[i], axis=axis)
        if kind == "squeeze" and 1 in x.shape:
            at = x.shape.index(1)
            return lambda xp, pool: xp.squeeze(pool[i], axis=at)
        if kind == "expand" and x.ndim < 4:
            place = int(self.rng.integers(-x.ndim - 1, x.ndim + 1))
            return lambda xp, pool: xp.expand_dims(pool[i], axis=place)
        if kind == "move" and x.ndim > 1:
            return lambda xp, pool: xp.moveaxis(pool[i], 0, -1)
        if kind == "piece" and x.ndim > 1 and x.shape[0]:
            j = int(self.rng.integers(0, x.shape[0]))
            return lambda xp, pool: xp.unstack(pool[i])[j]
        key = self.basic(x.shape)
        return lambda xp, pool: pool[i][key]

    def copy(self) -> Step:
        i = self.pick()
        x = self.pool[i]
        kind = self.choose(["times", "square", "mask", "sum", "copy"])
        if kind == "times":
            return lambda xp, pool: pool[i] * 1.5
        if kind == "square":
            return lambda xp, pool: pool[i] * pool[i] * 0.5
        if kind == "mask" and x.ndim:
            key = self.advanced(x)
            return lambda xp, pool: pool[i][ready(xp, key)]
        if kind == "sum" and x.ndim:
            return lambda xp, pool: xp.sum(pool[i], axis=0, keepdims=True)
        return lambda xp, pool: xp.asarray(pool[i], copy=True)

    def write(self) -> Step:
        i = self.pick()
        x = self.pool[i]
        where = self.rng.random()
        key = self.advanced(x) if where < 0.25 and x.ndim else ... if where < 0.35 else self.basic(x.shape, write=True)
        target = x[key]
        plain = self.rng.random() < 0.5
        masked = isinstance(key, np.ndarray) and key.dtype == bool
        value = self.value(target.shape, masked=masked, leading=plain and not masked)
        if plain:

            def assign(xp: Any, pool: list[Any]) -> None:
                pool[i][ready(xp, key)] = value(xp, pool)

            return assign
        factor = self.choose([True, False])

        def augment(xp: Any, pool: list[Any]) -> None:
            if key is ...:
                pool[i] += value(xp, pool)
            elif factor:
                pool[i][ready(xp, key)] *= value(xp, pool)
            else:
                pool[i][ready(xp, key)] += value(xp, pool)

        return augment

    def value(self, shape: tuple[int, ...], *, masked: bool, leading: bool) -> Step:
        """Draw what is written: a number, or an array of the pool that broadcasts to `shape`.

        masked: whether it goes through a mask; NumPy 2.4 goes wrong there where the memory overlaps.
        leading: whether it may have further axes of length one, which a plain assignment without a mask drops.
        """
        fit = [j for j, y in enumerate(self.pool) if broadcasts(y.shape, shape) and (leading or y.ndim <= len(shape))]
        if not fit or self.rng.random() < 0.3:
            number = float(self.rng.uniform(-1, 1))
            return lambda xp, pool: number
        j = int(self.choose(fit))
        if masked or self.rng.random() < 0.3:
            return lambda xp, pool: pool[j] * 0.5
        return lambda xp, pool: pool[j]

    def program(self, length: int) -> list[Step]:
        """Draw `length` steps."""
        while len(self.steps) < length:
            kind = self.rng.random()
            full = len(self.pool) >= ARRAYS
            step = self.write() if full or kind < 0.45 else self.view() if kind < 0.85 else self.copy()
            made = step(np, self.pool)
            self.steps.append(step)
            if made is not None:
                self.pool.append(np.asarray(made))  # an array also where NumPy gives a scalar
        return self.steps


def broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    extra = len(shape) - len(to)
    if extra > 0 and any(n != 1 for n in shape[:extra]):
        return False
    shape = shape[max(extra, 0) :]
    return all(a in (1, b) for a, b in zip(shape[::-1], to[::-1], strict=False))


def ready(xp: Any, key: Any) -> Any:
    """Give a key with its arrays as those of the namespace."""
    if xp is np:
        return key
    if isinstance(key, tuple):
        return tuple(ready(xp, part) for part in key)
    return xp.asarray(key) if isinstance(key, np.ndarray) else key


def play(
    steps: list[Step], xp: Any, start: list[Any], look: Callable[[int, list[Any]], None] | None = None
) -> list[Any]:
    """Run a program and give the pool; `look` is called after each step."""
    pool = list(start)
    for n, step in enumerate(steps):
        made = step(xp, pool)
        if made is not None:
            pool.append(np.asarray(made) if xp is np else made)
        if look is not None:
            look(n, pool)
    return pool


@pytest.fixture(scope="module")
def able(backend: Any) -> set[str]:
    raw = backend.from_host(np.zeros((2, 2)))
    like_numpy = {"numpy memory"} if backend.is_view(backend.lib.flip(raw), raw) else set()
    return {name for name, key in KEYS.items() if takes(backend, key)} | like_numpy


def snapshots(steps: list[Step], start: list[np.ndarray]) -> list[list[np.ndarray]]:
    found: list[list[np.ndarray]] = []
    play(steps, np, [x.copy() for x in start], lambda n, pool: found.append([np.array(x) for x in pool]))
    return found


@pytest.mark.parametrize("seed", range(100))
def test_values_after_every_step(seed: int, able: set[str], xp: Any, put: Any) -> None:
    draw = Draw(seed, able)
    steps = draw.program(14)
    want = snapshots(steps, draw.start)

    def compare(n: int, pool: list[Any]) -> None:
        for i, (x, right) in enumerate(zip(pool, want[n], strict=True)):
            assert x.shape == right.shape, (n, i)
            np.testing.assert_allclose(to_host(x), right, rtol=1e-13, atol=1e-14, err_msg=f"step {n}, array {i}")

    play(steps, xp, [put(x) for x in draw.start], compare)


@pytest.mark.parametrize("seed", range(100, 220))
def test_values_at_the_end(seed: int, able: set[str], xp: Any, put: Any) -> None:
    """Nobody looks at the views in between, so they are computed afresh after many writes."""
    draw = Draw(seed, able)
    steps = draw.program(18)
    want = snapshots(steps, draw.start)[-1]
    leaves = [put(x, True) for x in draw.start]
    pool = play(steps, xp, [x * 1.0 for x in leaves])
    order = np.random.default_rng(seed).permutation(len(pool))
    for i in order:
        np.testing.assert_allclose(to_host(pool[i]), want[i], rtol=1e-13, atol=1e-14, err_msg=f"array {i}")
    for x, host in zip(leaves, draw.start, strict=True):
        assert_allclose(x, host, rtol=0)


@pytest.mark.parametrize("seed", range(220, 260))
def test_gradients(seed: int, able: set[str], xp: Any, put: Any) -> None:
    draw = Draw(seed, able)
    steps = draw.program(10)
    # Masks are drawn once, so the program is smooth: differences see the same one.
    check_grads(lambda *start: play(steps, xp, [x * 1.0 for x in start]), [put(x) for x in draw.start], directions=1)


@pytest.mark.parametrize("seed", range(260, 280))
def test_gradients_do_not_depend_on_when_views_are_looked_at(seed: int, able: set[str], xp: Any, put: Any) -> None:
    draw = Draw(seed, able)
    steps = draw.program(16)

    def gradients(look: Any) -> list[Any]:
        leaves = [put(x, True) for x in draw.start]
        pool = play(steps, xp, [x * 1.0 for x in leaves], look)
        sums = [y for y in (xp.sum(x * x) for x in pool) if y.requires_grad]
        found = xdbr.grad(sums, leaves, [xp.ones((), dtype="float64")] * len(sums), allow_unused=True) if sums else []
        return [x * 0.0 if g is None else g for x, g in zip(leaves, found, strict=bool(sums))]

    lazy = gradients(None)
    eager = gradients(lambda n, pool: [to_host(x) for x in pool])
    for one, other in zip(lazy, eager, strict=True):
        assert_allclose(one, other, rtol=1e-12, atol=1e-12)
