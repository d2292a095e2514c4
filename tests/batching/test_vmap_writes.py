"""vmap over functions that write, draw random numbers, or belong to other libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from batching_helpers import loop

import xdbr
import xdbr.nn.functions as F
from xdbr import BatchingError, Variable, grad, vmap
from xdbr.testing import assert_allclose, to_host

# ------------------------------------------------------------------------------------ writes and views


def test_writes_inside(arr: Any) -> None:
    def f(x: Any, v: Any) -> Any:
        x = x * 1
        row = x[1, :]
        row[0] = v
        x[:, 1] *= 2
        x[0, ...] = xdbr.sin(x[1, ...])
        x.T[2, 1] = 5.0
        flat = xdbr.reshape(x, (-1,))
        flat[-1] = v * v
        x[::2, 0] = v
        return x

    x, v = arr(4, 3, 3), arr(4)
    assert_allclose(vmap(f)(x, v), loop(f, x, v))
    total = lambda x, v: xdbr.sum(vmap(f)(x, v) ** 2)  # noqa: E731
    right = lambda x, v: xdbr.sum(loop(f, x, v) ** 2)  # noqa: E731
    for found, wanted in zip(grad(total, (0, 1))(x, v), grad(right, (0, 1))(x, v), strict=True):
        assert_allclose(found, wanted)


def test_a_plain_array_becomes_one_of_each_example_when_it_is_written(arr: Any) -> None:
    def f(x: Any) -> Any:
        out = xdbr.zeros(4, dtype="float64", device=arr(1).device)
        view = out[1:]
        for i in range(3):
            view[i] = x[i] ** 2
        out += x[0]
        out[0] += 1
        return out

    x = arr(5, 3)
    assert_allclose(vmap(f)(x), loop(f, x))
    assert_allclose(grad(lambda x: xdbr.sum(vmap(f)(x) ** 3))(x), grad(lambda x: xdbr.sum(loop(f, x) ** 3))(x))


def test_masks(arr: Any) -> None:
    def f(x: Any, v: Any) -> Any:
        s = xdbr.sqrt(x - 1)
        s[x <= 1] = v
        s[x > 1.2, ...] = 7.0
        return s

    def by_where(x: Any, v: Any) -> Any:
        s = xdbr.where(x <= 1, v, xdbr.sqrt(x - 1))
        return xdbr.where(x > 1.2, 7.0, s)

    x, v = arr(4, 6), arr(4)
    x[0, 0] = 1.0
    assert_allclose(vmap(f)(x, v), loop(by_where, x, v))
    found = grad(lambda x, v: xdbr.sum(vmap(f)(x, v) ** 2), (0, 1))(x, v)
    wanted = grad(lambda x, v: xdbr.sum(loop(by_where, x, v) ** 2), (0, 1))(x, v)
    for g, right in zip(found, wanted, strict=True):
        assert_allclose(g, right)

    def by_rows(x: Any) -> Any:
        y = x * 2
        y[x[:, 0] > 1] = x[0, :]
        return y

    z = arr(5, 3, 2)
    right = lambda x: xdbr.where((x[:, 0] > 1)[:, None], x[0, :], x * 2)  # noqa: E731
    assert_allclose(vmap(by_rows)(z), loop(right, z))
    shared = xdbr.asarray([True, False, True], device=z.device)  # the same mask for all: a shape that is known
    if z.device.name != "strict":
        assert_allclose(vmap(lambda x: x[shared])(z), z[:, ::2, :])
    with pytest.raises(BatchingError, match=r"xp\.where"):
        vmap(lambda x: x[x > 1])(x)
    with pytest.raises(BatchingError, match=r"xp\.where"):
        vmap(lambda x: x.__setitem__(x > 1, x[:2]))(x)


KEYS: list[tuple[str, Any, tuple[int, ...]]] = [
    ("one", lambda i: (i,), (4, 3, 2)),
    ("second", lambda i: (slice(None), i), (3, 4, 2)),
    ("number before", lambda i: (1, i), (3, 4, 2)),
    ("number after", lambda i: (i, 1), (4, 3, 2)),
    ("pair", lambda i: (i, i), (4, 4, 2)),
    ("new axis", lambda i: (None, i), (4, 3)),
    ("ellipsis", lambda i: (..., i), (2, 3, 4)),
    ("apart", lambda i: (i, slice(None), i), (4, 2, 4)),
    ("slices", lambda i: (slice(1, None), i, slice(None, None, 2)), (3, 4, 3)),
    ("each axis", lambda i: (1, i), (3, 4)),
    ("matrix", lambda i: (i[None, :], i[:, None]), (4, 4)),
]


@pytest.mark.parametrize(("key", "shape"), [(key, shape) for _, key, shape in KEYS], ids=[name for name, _, _ in KEYS])
@pytest.mark.parametrize("own", ["array", "index", "both"])
def test_arrays_of_indices(arr: Any, backend: Any, key: Any, shape: Any, own: str) -> None:
    if backend.name == "strict" and key_parts(key) < len(shape):
        pytest.skip("array-api-strict takes arrays of indices only where there is an index for each axis")
    rng = np.random.default_rng(1)
    device = arr(1).device
    x, v = arr(5, *shape), arr(5)
    i = Variable(rng.integers(-4, 4, (5, 3)), device=device)
    axes = (0 if own != "index" else None, 0 if own != "array" else None, 0)

    def read(x: Any, i: Any, v: Any) -> Any:
        return x[key(i)] * v

    def write(x: Any, i: Any, v: Any) -> Any:
        y = x * 2
        y[key(i)] = xdbr.sin(x[key(i)]) * v
        return y

    for f in (read, write):

        def many(x: Any, v: Any, f: Any = f) -> Any:
            given = x if own != "index" else x[0, ...]
            return vmap(f, in_axes=axes)(given, i if own != "array" else i[0, ...], v)

        def right(x: Any, v: Any, f: Any = f) -> Any:
            return xdbr.stack(
                [f(x[k if own != "index" else 0, ...], i[k if own != "array" else 0, ...], v[k]) for k in range(5)]
            )

        assert_allclose(many(x, v), right(x, v))
        found = grad(lambda x, v: xdbr.sum(many(x, v) ** 2), (0, 1))(x, v)
        wanted = grad(lambda x, v: xdbr.sum(right(x, v) ** 2), (0, 1))(x, v)
        for g, w in zip(found, wanted, strict=True):
            assert_allclose(g, w)


def key_parts(key: Any) -> int:
    """How many axes an index names by a number or an array."""
    made = key(np.zeros(3, dtype=np.int64))
    return sum(isinstance(part, (int, np.ndarray)) for part in made)


def test_writes_by_indices_and_masks_of_two_levels(arr: Any, backend: Any) -> None:
    if backend.name == "strict":
        pytest.skip("array-api-strict takes arrays of indices only where there is an index for each axis")

    def inner(a: Any, k: Any, row: Any, j: Any) -> Any:
        y, z = row * 1, xdbr.zeros(3, dtype="float64", device=k.device)
        y[k] = j
        z[:2] = row[:2]
        z[k] += y[k] * a[0, 0]
        y[row < 1] = a[0, 0]
        return y[k] + xdbr.sum(y[xdbr.stack([k, k])]) * xdbr.sum(z)

    x = arr(4, 3, 5)
    i = Variable(np.asarray([0, 2, 1, 0]), device=x.device)
    many = lambda x: vmap(lambda a, k: vmap(lambda row, j: inner(a, k, row, j))(a, a[:, 0]))(x, i)  # noqa: E731
    right = lambda x: xdbr.stack(  # noqa: E731
        [xdbr.stack([inner(x[n, ...], i[n], x[n, m, :], x[n, m, 0]) for m in range(3)]) for n in range(4)]
    )
    assert_allclose(many(x), right(x))
    assert_allclose(grad(lambda x: xdbr.sum(many(x) ** 2))(x), grad(lambda x: xdbr.sum(right(x) ** 2))(x))


def test_numbers_of_each_example_as_an_index(arr: Any, backend: Any) -> None:
    if backend.name == "strict":
        pytest.skip("array-api-strict takes arrays of indices only where there is an index for each axis")
    x = arr(4, 3, 2)
    i = Variable(np.asarray([0, 2, 1, -1]), device=x.device)
    f = lambda x, i: x[i] + x[i, ...] * xdbr.take(x, i[None], axis=0)[0, :]  # noqa: E731
    assert_allclose(vmap(f)(x, i), loop(f, x, i))
    with pytest.raises((IndexError, xdbr.ShapeError)):
        vmap(lambda x, i: x[i])(x, i + 5)
    with pytest.raises(BatchingError, match="vmap"):
        vmap(lambda x, i: x[:i])(x, i)


# ---------------------------------------------------------------------------------------------- random


def test_random_numbers_differ_between_examples(device: Any) -> None:
    with xdbr.device(device):
        x = xdbr.ones((4, 1000), device=device)
        xdbr.random.seed(0)
        y = vmap(F.dropout)(x)
        kept = to_host(y) > 0
        assert all(0.4 < share < 0.6 for share in kept.mean(axis=1))
        assert len({row.tobytes() for row in kept}) == 4
        rng = xdbr.random.Generator(1, device)
        draws = vmap(
            lambda row: (
                rng.normal(3),
                rng.uniform((2, 2)),
                rng.integers(0, 1000, 3),
                rng.permutation(50),
                rng.bernoulli(0.5, 99),
            )
        )(x)
        for drawn in draws:
            assert len({part.tobytes() for part in to_host(drawn)}) == 4
        assert all(sorted(order) == list(range(50)) for order in draws[3].tolist())
        inner = vmap(lambda row: vmap(lambda z: xdbr.random.normal((2,), device=z.device))(row[:5]))(x)
        assert inner.shape == (4, 5, 2)
        assert len({part.tobytes() for part in to_host(inner).reshape(20, 2)}) == 20


def test_a_checkpoint_draws_the_same_again(device: Any) -> None:
    with xdbr.device(device):
        x = xdbr.random.Generator(0, device).uniform((4, 50))
        f = lambda row: xdbr.sum(xdbr.exp(F.dropout(row * w)))  # noqa: E731
        w = Variable(np.ones(50, dtype=np.float32), device=device, requires_grad=True)
        found = []
        for g in (f, xdbr.checkpoint(f)):
            xdbr.random.seed(0)
            w.grad = None
            xdbr.sum(vmap(g)(x) ** 2).backward()
            found.append(to_host(w.grad))
        assert_allclose(found[1], found[0])


# ------------------------------------------------------------------------------------------ downstream


def test_devices(arr: Any) -> None:
    x = arr(3, 2)

    def f(row: Any) -> Any:
        space = row.__array_namespace__()
        assert space is xdbr.namespace(row.device.name)
        made = space.zeros(2, dtype=row.dtype)
        assert made.device == row.device
        moved = row.to_device("numpy").to_device(row.device)
        created = xdbr.ones(2, dtype="float64", device=row.device)
        assert xdbr.asarray(np.ones(2), device=row.device).device == row.device
        with xdbr.device(row.device):
            assert xdbr.zeros(1).device == row.device
        return moved * 2 + made + created

    assert_allclose(vmap(f)(x), x * 2 + 1)
    assert_allclose(grad(lambda x: xdbr.sum(vmap(f)(x) ** 2))(x), 4 * (2 * x + 1))


def test_array_api_compat_and_extra(arr: Any) -> None:
    compat = pytest.importorskip("array_api_compat", reason="array-api-compat is not installed")
    xpx = pytest.importorskip("array_api_extra", reason="array-api-extra is not installed")

    def standardize(x: Any) -> Any:
        space = compat.array_namespace(x)
        x = space.astype(x, space.float64)
        spread = space.std(x, axis=0)
        return (x - space.mean(x, axis=0)) / space.where(spread == 0, space.ones_like(spread), spread)

    def extra(x: Any) -> Any:
        y = xpx.at(x)[0, ...].set(2.0)
        return xpx.cov(y) + xpx.kron(x[0, :1], x[:1, 0])

    x = arr(4, 3, 5)
    for f in (standardize, extra):
        assert_allclose(vmap(f)(x), loop(f, x), rtol=1e-10, atol=1e-12)
        found = grad(lambda x: xdbr.sum(vmap(f)(x) ** 3))(x)  # noqa: B023
        assert_allclose(found, grad(lambda x: xdbr.sum(loop(f, x) ** 3))(x), rtol=1e-8, atol=1e-10)  # noqa: B023


def test_scipy(backend: Any) -> None:
    pytest.importorskip("scipy", reason="SciPy is not installed")
    code = """
import numpy as np, xdbr
from scipy.special import logsumexp
from xdbr.testing import assert_allclose
x = xdbr.Variable(np.random.default_rng(0).normal(size=(4, 3, 2)), device=%r)
f = lambda x: logsumexp(x, axis=0)
loop = lambda x: xdbr.stack([f(x[i, ...]) for i in range(4)])
assert_allclose(xdbr.vmap(f)(x), loop(x))
total = lambda g: lambda x: xdbr.sum(g(x) ** 2)
assert_allclose(xdbr.grad(total(xdbr.vmap(f)))(x), xdbr.grad(total(loop))(x))
assert_allclose(xdbr.vmap(xdbr.grad(lambda x: xdbr.sum(f(x))))(x), xdbr.grad(lambda x: xdbr.sum(loop(x)))(x))
print("fine")
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code % backend.name],
        env=os.environ | {"SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "fine", done.stderr


def test_functions_of_ones_own(arr: Any) -> None:
    class Cube(xdbr.Function):
        def forward(self, xp: Any, x: Any, w: Any) -> Any:
            self.save(x, w)
            return x * x * x * w

        def backward(self, xp: Any, g: Any) -> Any:
            x, w = self.saved
            return 3 * g * x * x * w, g * x * x * x

    x, w = arr(4, 2), arr(2)
    many = lambda x, w: xdbr.sum(vmap(lambda row: Cube()(row, w))(x) ** 2)  # noqa: E731
    right = lambda x, w: xdbr.sum((x**3 * w) ** 2)  # noqa: E731
    for found, wanted in zip(grad(many, (0, 1))(x, w), grad(right, (0, 1))(x, w), strict=True):
        assert_allclose(found, wanted)
    assert_allclose(vmap(grad(lambda x: xdbr.sum(Cube()(x, w))))(x), 3 * x * x * w)


@pytest.mark.parametrize("other", ["jax", "torch"])
def test_against_others(arr: Any, other: str) -> None:
    lib = pytest.importorskip(other, reason=f"{other}, which results are compared with, is not installed")
    x, w = arr(4, 3), arr(3, 3)

    def f(xp: Any, w: Any, x: Any) -> Any:
        y = xp.tanh(w @ x)
        return xp.sum(y * y) * xp.max(x) + xp.linalg.det(w * x)

    mine = vmap(grad(lambda w, x: f(xdbr, w, x)), in_axes=(None, 0))(w, x)
    if other == "jax":
        lib.config.update("jax_enable_x64", True)
        space = lib.numpy
        theirs = lib.vmap(lib.grad(lambda w, x: f(space, w, x)), in_axes=(None, 0))(to_host(w), to_host(x))
    else:
        w_, x_ = (lib.asarray(to_host(a).copy()) for a in (w, x))
        theirs = lib.func.vmap(lib.func.grad(lambda w, x: f(lib, w, x)), in_dims=(None, 0))(w_, x_)
    assert_allclose(mine, np.asarray(theirs), rtol=1e-9)
