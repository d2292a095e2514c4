"""vmap: axes, nesting, transforms within each other, closures, writes and views, random numbers, errors."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import xdbr
import xdbr.nn.functions as F
from xdbr import BatchingError, Variable, grad, vmap
from xdbr.autograd.trees import flatten
from xdbr.testing import assert_allclose, to_host


@pytest.fixture
def arr(xp: Any, device: Any, float64: None) -> Any:
    rng = np.random.default_rng(0)

    def make(*shape: int) -> Variable:
        return Variable(rng.uniform(0.5, 1.5, shape), device=device, dtype="float64")

    return make


def loop(f: Any, *xs: Variable) -> Any:
    """The examples one after the other, stacked."""
    outs = [f(*(x[i, ...] for x in xs)) for i in range(xs[0].shape[0])]
    return xdbr.stack(outs)


# ------------------------------------------------------------------------------------------------- axes


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("out", [0, 1, -1])
def test_axes(arr: Any, axis: int, out: int) -> None:
    x = arr(2, 3, 4)
    y = vmap(lambda row: xdbr.flip(row, axis=0) * 2, in_axes=axis, out_axes=out)(x)
    moved = xdbr.moveaxis(x, axis, 0)
    right = xdbr.moveaxis(loop(lambda row: xdbr.flip(row, axis=0) * 2, moved), 0, out)
    assert_allclose(y, right)
    assert y.device == x.device


def test_structures(arr: Any) -> None:
    p = {"w": arr(4, 3), "b": (arr(3, 4), [arr(2)])}
    axes = {"w": 0, "b": (1, None)}

    def f(p: Any, x: Any, *, scale: Any) -> Any:
        return {"y": p["w"] * x + p["b"][0], "z": (p["b"][1][0], [scale * xdbr.sum(x)])}

    x, scale = arr(3), arr(4)
    found = vmap(f, in_axes=(axes, None), out_axes={"y": 1, "z": (None, 0)})(p, x, scale=scale)
    assert found["y"].shape == (3, 4)
    assert_allclose(xdbr.permute_dims(found["y"], (1, 0)), p["w"] * x + xdbr.permute_dims(p["b"][0], (1, 0)))
    assert_allclose(found["z"][0], p["b"][1][0])
    assert_allclose(found["z"][1][0], scale * xdbr.sum(x))


def test_one_entry_goes_for_a_whole_argument(arr: Any) -> None:
    a, b, c = arr(2, 3), arr(2, 3), arr(3)
    y = vmap(lambda pair, z: pair[0] * pair[1] + z, in_axes=(0, None))((a, b), c)
    assert_allclose(y, a * b + c)


def test_what_is_no_array_is_handed_on(arr: Any) -> None:
    seen = []

    def f(x: Any, name: str, factor: float, flag: bool) -> Any:
        seen.append((name, factor, flag))
        return x * factor, name, 3.0

    x = arr(4)
    y, name, three = vmap(f)(x, "text", 2.0, True)
    assert seen == [("text", 2.0, True)]
    assert name == "text"
    assert_allclose(y, x * 2)
    assert three.shape == (4,)


def test_raw_arrays_and_integers(backend: Any, device: Any) -> None:
    raw = backend.from_host(np.arange(6).reshape(3, 2), device=device)
    y = vmap(lambda row: xdbr.sum(row))(raw)
    assert y.tolist() == [1, 5, 9]
    assert y.device == device


def test_results_that_do_not_depend_on_the_example(arr: Any) -> None:
    x, c = arr(3, 2), arr(2)
    y, z, number = vmap(lambda row: (c, row.shape[0] * xdbr.ones_like(c), row.ndim), out_axes=(0, None, None))(x)
    assert_allclose(y, xdbr.stack([c, c, c]))
    assert_allclose(z, 2 * xdbr.ones_like(c))
    assert number == 1


def test_no_examples(arr: Any) -> None:
    x = arr(0, 3)
    y = vmap(lambda row: xdbr.sum(xdbr.reshape(row, (-1, 1)) * 2, axis=0))(x)
    assert y.shape == (0, 1)


def test_a_function_sees_one_example(arr: Any) -> None:
    def f(x: Any) -> Any:
        assert (x.shape, x.ndim, x.size, len(x)) == ((3, 4), 2, 12, 3)
        assert x.T.shape == (4, 3)
        assert [row.shape for row in x] == [(4,)] * 3
        assert x.dtype == "float64"
        assert "5 examples" in repr(x)
        assert "5 examples" in str(x)
        return x

    x = arr(5, 3, 4)
    assert_allclose(vmap(f)(x), x)


# -------------------------------------------------------------------------------------- transforms


def rosenbrock(x: Any) -> Any:
    return xdbr.sum((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2)


def test_gradients_of_each_example(arr: Any) -> None:
    x = arr(4, 3)
    assert_allclose(vmap(grad(rosenbrock))(x), loop(grad(rosenbrock), x))
    value, g = vmap(xdbr.value_and_grad(rosenbrock))(x)
    assert_allclose(value, loop(rosenbrock, x))
    assert_allclose(g, loop(grad(rosenbrock), x))


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_jacobians_and_hessians_of_each_example(arr: Any, mode: str) -> None:
    x = arr(3, 3)
    f = xdbr.jacobian(lambda x: xdbr.sin(x)[:2] * xdbr.sum(x), mode=mode)
    assert_allclose(vmap(f)(x), loop(f, x))
    assert_allclose(vmap(xdbr.hessian(rosenbrock))(x), loop(xdbr.hessian(rosenbrock), x), rtol=1e-9)


def test_vjp_jvp_and_hvp_of_each_example(arr: Any) -> None:
    x, v = arr(3, 4), arr(3, 4)
    push = lambda x, v: xdbr.jvp(rosenbrock, [x], [v])[1]  # noqa: E731
    assert_allclose(vmap(push)(x, v), loop(push, x, v))
    pull = lambda x, v: xdbr.vjp(xdbr.tanh, x)[1](v)[0]  # noqa: E731
    assert_allclose(vmap(pull)(x, v), loop(pull, x, v))
    curve = lambda x, v: xdbr.hvp(rosenbrock, [x], [v])[0]  # noqa: E731
    assert_allclose(vmap(curve)(x, v), loop(curve, x, v))
    one = v[0, ...]  # one direction for all points, and all directions at one point
    assert_allclose(vmap(lambda x: push(x, one))(x), loop(lambda x: push(x, one), x))
    point = x[0, ...]
    assert_allclose(vmap(lambda v: push(point, v))(v), loop(lambda v: push(point, v), v))
    assert_allclose(vmap(lambda v: curve(point, v))(v), loop(lambda v: curve(point, v), v))


def test_cotangents_many_at_once(arr: Any) -> None:
    """A graph that was made outside, pulled back by all basis vectors at once: the rows of the Jacobian."""
    x = arr(4)
    eye = xdbr.eye(3, dtype="float64", device=x.device)
    f = lambda x: xdbr.cumulative_sum(x * x)[1:]  # noqa: E731
    _, pull = xdbr.vjp(f, x)
    assert_allclose(vmap(lambda g: pull(g)[0])(eye), xdbr.jacobian(f)(x))
    leaf = Variable(to_host(x), device=x.device, requires_grad=True)
    y = f(leaf)
    rows = vmap(lambda g: grad(y, leaf, g, retain_graph=True))(eye)
    assert_allclose(rows, xdbr.jacobian(f)(x))


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_jacobians_all_at_once(arr: Any, mode: str) -> None:
    def f(p: Any, x: Any) -> Any:
        inner = vmap(lambda row: xdbr.sum(xdbr.tanh(row * p["w"])))(x)
        y = xdbr.linalg.inv(xdbr.matmul(x, xdbr.permute_dims(x, (1, 0))) + xdbr.eye(2, dtype="float64") * inner[0])
        y[0, :] = xdbr.sort(inner) * x[0, 0]
        return [y, inner], xdbr.ones(2, dtype="float64"), p["b"][:0]

    p, x = {"w": arr(3), "b": arr(2)}, arr(2, 3)
    for argnums in (0, (0, 1)):
        one, many = (xdbr.jacobian(f, argnums, mode=mode, vectorize=flag)(p, x) for flag in (False, True))
        for a, b in zip(flatten(one)[0], flatten(many)[0], strict=True):
            assert (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device)
            assert_allclose(b, a, rtol=1e-9, atol=1e-12)
    g = lambda x: xdbr.sum(f(p, x)[0][0])  # noqa: E731
    assert_allclose(xdbr.hessian(g, vectorize=True)(x), xdbr.hessian(g)(x), rtol=1e-9, atol=1e-12)
    f2 = lambda x: xdbr.cumulative_prod(x * x)  # noqa: E731
    many = vmap(xdbr.jacobian(f2, mode=mode, vectorize=True))(x)
    assert_allclose(many, loop(xdbr.jacobian(f2), x))
    norm = lambda flag: lambda x: xdbr.sum(xdbr.jacobian(f2, mode=mode, vectorize=flag)(x) ** 3)  # noqa: E731
    assert_allclose(grad(norm(True))(x[0, :]), grad(norm(False))(x[0, :]))


def test_complex_jacobians_all_at_once(device: Any, float64: None) -> None:
    z = Variable(np.asarray([1 + 2j, 0.5 - 1j]), device=device)
    for f in (lambda z: z * z * z[0], xdbr.abs, lambda z: xdbr.real(z) * xdbr.imag(z)[0]):
        for mode in ("reverse", "forward"):
            one, many = (xdbr.jacobian(f, mode=mode, vectorize=flag)(z) for flag in (False, True))
            assert_allclose(many, one)


def test_cotangents_many_at_once_through_a_vmap(arr: Any) -> None:
    x, w = arr(3, 2), Variable(to_host(arr(2)), device=arr(1).device, requires_grad=True)
    f = lambda x, w: vmap(lambda row: xdbr.sum(xdbr.sin(row * w)))(x)  # noqa: E731
    eye = xdbr.eye(3, dtype="float64", device=x.device)
    _, pull = xdbr.vjp(f, x, w)
    found = vmap(pull)(eye)
    assert_allclose(found[0], xdbr.jacobian(f, argnums=0)(x, w))
    assert_allclose(found[1], xdbr.jacobian(f, argnums=1)(x, w))


def test_gradient_of_a_vmap(arr: Any) -> None:
    x, w = arr(4, 3), arr(3)
    f = lambda w, x: xdbr.sum(xdbr.exp(w * x) * w[0])  # noqa: E731
    many = lambda w, x: xdbr.sum(vmap(f, in_axes=(None, 0))(w, x))  # noqa: E731
    right = lambda w, x: xdbr.sum(loop(lambda x: f(w, x), x))  # noqa: E731
    for argnums in (0, 1):
        assert_allclose(grad(many, argnums)(w, x), grad(right, argnums)(w, x))
        assert_allclose(xdbr.hessian(many, argnums)(w, x), xdbr.hessian(right, argnums)(w, x))


def test_gradient_of_gradients_of_each_example(arr: Any) -> None:
    """The norms of the examples' gradients, differentiated by the parameters."""
    x, w = arr(4, 3), arr(3)
    f = lambda w, x: xdbr.log(xdbr.sum(w * x)) ** 2  # noqa: E731
    many = lambda w: xdbr.sum(xdbr.linalg.vector_norm(vmap(grad(f), in_axes=(None, 0))(w, x), axis=1))  # noqa: E731
    right = lambda w: xdbr.sum(  # noqa: E731
        xdbr.stack([xdbr.linalg.vector_norm(grad(f)(w, x[i, ...])) for i in range(4)])
    )
    assert_allclose(grad(many)(w), grad(right)(w))
    inside = lambda w: xdbr.sum(  # noqa: E731
        xdbr.linalg.vector_norm(vmap(lambda x: grad(f)(w, x))(x), axis=1)
    )
    assert_allclose(grad(inside)(w), grad(right)(w))


def test_vmap_of_vmap(arr: Any) -> None:
    x, y, z = arr(3, 2), arr(4, 2), arr(2)
    f = lambda a, b: xdbr.sum(xdbr.tanh(a * b) * z)  # noqa: E731
    pairs = vmap(lambda a: vmap(lambda b: f(a, b))(y))(x)
    right = np.asarray([[to_host(f(x[i, ...], y[j, ...])) for j in range(4)] for i in range(3)])
    assert_allclose(pairs, right)
    assert_allclose(vmap(vmap(f, in_axes=(None, 0)), in_axes=(0, None))(x, y), right)
    assert_allclose(vmap(vmap(f, in_axes=(0, None)), in_axes=(None, 0), out_axes=1)(x, y), right)
    g = vmap(vmap(grad(f), in_axes=(None, 0)), in_axes=(0, None))(x, y)
    rights = [[to_host(grad(f)(x[i, ...], y[j, ...])) for j in range(4)] for i in range(3)]
    assert_allclose(g, np.asarray(rights))
    total = lambda z: xdbr.sum(vmap(lambda a: vmap(lambda b: xdbr.sum(xdbr.sin(a * b * z)))(y))(x))  # noqa: E731
    spread = lambda z: xdbr.sum(xdbr.sin(x[:, None, :] * y[None, :, :] * z))  # noqa: E731
    assert_allclose(grad(total)(z), grad(spread)(z))
    assert_allclose(xdbr.hessian(total)(z), xdbr.hessian(spread)(z))


def test_an_inner_vmap_over_what_all_examples_share(arr: Any) -> None:
    x, table = arr(3, 2), arr(3, 2)  # both have three rows, which must not be taken for one another
    y = vmap(lambda a: vmap(lambda row: xdbr.sum(a * row))(table))(x)
    assert_allclose(y, xdbr.matmul(x, xdbr.permute_dims(table, (1, 0))))
    assert_allclose(vmap(lambda a: a + xdbr.sum(vmap(lambda row: row * 2)(table)))(x), x + 2 * xdbr.sum(table))


# ------------------------------------------------------------------------------- closures and leaves


def test_parameters_from_outside_get_the_sum(arr: Any) -> None:
    x, w = arr(4, 3), Variable(to_host(arr(3)), device=arr(1).device, requires_grad=True)
    xdbr.sum(vmap(lambda row: xdbr.sum(w * row) ** 2)(x)).backward()
    right = xdbr.sum(2 * xdbr.matmul(x, w.detach())[:, None] * x, axis=0)
    assert_allclose(w.grad, right)
    w.grad = None
    vmap(lambda row: (xdbr.sum(w * row) ** 2).backward())(x)  # as in a loop
    assert_allclose(w.grad, right)
    w.grad = None
    vmap(lambda row: xdbr.sum(w * w).backward())(x)
    assert_allclose(w.grad, 8 * w.detach())


def test_gradients_inside_are_those_of_each_example(arr: Any) -> None:
    x, w = arr(4, 3), Variable(to_host(arr(3)), device=arr(1).device, requires_grad=True)
    doubled = w * 2  # an operation from before, with what it has saved
    each = 2 * xdbr.matmul(x, doubled.detach())[:, None] * x

    found = vmap(lambda row: grad(xdbr.sum(doubled * row) ** 2, doubled, retain_graph=True))(x)
    assert_allclose(found, each)
    found = vmap(lambda row: grad(xdbr.sum(w * 2 * row) ** 2, w))(x)
    assert_allclose(found, each * 2)
    found = vmap(lambda row: grad(xdbr.sum(doubled * row) ** 2, w, retain_graph=True))(x)
    assert_allclose(found, each * 2)

    def own_leaf(row: Any) -> Any:
        leaf = Variable(to_host(doubled), device=x.device, requires_grad=True)
        (xdbr.sum(leaf * row) ** 2).backward()
        return leaf.grad

    assert_allclose(vmap(own_leaf)(x), each)


def test_links(device: Any) -> None:
    import xdbr.nn.links as L

    with xdbr.device(device):
        model = L.Linear(None, 2)  # gets its parameters inside: they are the same for all examples
        x = xdbr.random.Generator(0, device).normal((5, 3))
        t = xdbr.asarray([0, 1, 1, -1, 0], device=device)
    y = vmap(lambda row: model(row[None, :])[0, :])(x)
    assert_allclose(y, model(x), rtol=1e-5)
    assert model.W.data.shape == (2, 3)
    assert model.W.device == device

    def loss(row: Any, label: Any) -> Any:
        return F.softmax_cross_entropy(model(row[None, :]), label[None])

    def loss_of(W: Any, row: Any, label: Any) -> Any:
        return F.softmax_cross_entropy(F.linear(row[None, :], W, model.b), label[None])

    losses = vmap(loss)(x, t)
    right = F.softmax_cross_entropy(model(x), t, reduce="no")
    assert_allclose(losses, right, rtol=1e-5, atol=1e-6)
    each = vmap(grad(loss_of), in_axes=(None, 0, 0))(model.W, x, t)
    assert each.shape == (5, 2, 3)
    assert_allclose(each[3, ...], np.zeros((2, 3)))
    model.cleargrads()
    xdbr.sum(losses).backward()
    assert_allclose(model.W.grad, xdbr.sum(each, axis=0), rtol=1e-5, atol=1e-6)


def test_embedding_and_accuracy(device: Any) -> None:
    W = Variable(np.arange(8.0).reshape(4, 2), device=device, requires_grad=True)
    ids = xdbr.asarray([[0, 1, 1], [3, 3, 0]], device=device)
    y = vmap(lambda i: F.embed_id(i, W))(ids)
    assert_allclose(y, F.embed_id(ids, W))
    each = vmap(lambda i: grad(lambda W: xdbr.sum(F.embed_id(i, W)))(W.detach()))(ids)
    assert each[0, :, 0].tolist() == [1, 2, 0, 0]
    assert each[1, :, 0].tolist() == [1, 0, 0, 2]
    with pytest.raises(xdbr.nn.LabelError, match="6 is outside of the 4 rows"):
        vmap(lambda i: F.embed_id(i, W))(ids + 6)


def test_checkpoints_inside(arr: Any) -> None:
    x, w = arr(4, 3), Variable(to_host(arr(3)), device=arr(1).device, requires_grad=True)
    f = xdbr.checkpoint(lambda row: xdbr.sum(xdbr.exp(row * w)))
    each = x * xdbr.exp(x * w.detach())
    xdbr.sum(vmap(f)(x)).backward()
    assert_allclose(w.grad, xdbr.sum(each, axis=0))
    w.grad = None
    vmap(lambda row: f(row).backward())(x)
    assert_allclose(w.grad, xdbr.sum(each, axis=0))
    assert_allclose(vmap(lambda row: grad(f(row), w))(x), each)
    assert_allclose(vmap(grad(f))(x), w.detach() * xdbr.exp(x * w.detach()))


def test_a_step_inside_a_step(arr: Any) -> None:
    """A loss after a gradient step on each example, differentiated by where all of them started."""
    x, w = arr(4, 3), arr(3)
    loss = lambda w, x: xdbr.sum((w * x - 1) ** 2)  # noqa: E731
    after = lambda w, x: loss(w - 0.1 * grad(loss)(w, x), x)  # noqa: E731
    many = lambda w: xdbr.sum(vmap(after, in_axes=(None, 0))(w, x))  # noqa: E731
    right = lambda w: xdbr.sum(loop(lambda x: after(w, x), x))  # noqa: E731
    assert_allclose(grad(many)(w), grad(right)(w))


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


# ---------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x[0] > 0 else -x,
        lambda x: x * float(x[0]),
        lambda x: x * int(x[0]),
        lambda x: x * x[0].item(),
        lambda x: x.tolist(),
        lambda x: np.asarray(x),
        lambda x: xdbr.nonzero(x),
        lambda x: xdbr.unique_values(x),
        lambda x: x[x > 0],
        lambda x: xdbr.bincount(xdbr.astype(x, "int64")),
        lambda x: xdbr.zeros(xdbr.astype(xdbr.sum(x), "int64")),
        lambda x: xdbr.repeat(x, xdbr.astype(x, "int64")),
    ],
)
def test_what_depends_on_values_is_refused(arr: Any, f: Any) -> None:
    x = arr(3, 2)
    x[...] = x.__array_namespace__().asarray([[1.0, 2.0], [0.0, 4.0], [5.0, 1.0]], dtype=x.dtype, device=x.device)
    with pytest.raises(BatchingError, match=r"vmap.*(xp\.where|depend)"):
        vmap(f)(x)


def test_what_is_the_same_for_all_has_a_value(arr: Any) -> None:
    def f(x: Any) -> Any:
        space = x.__array_namespace__()
        assert bool(space.ones(()) > 0)
        assert float(space.sum(space.zeros_like(x))) == 0.0
        return x

    x = arr(3, 2)
    assert_allclose(vmap(f)(x), x)


def test_a_branch_on_which_all_examples_agree(arr: Any) -> None:
    """As in a loop over the examples, where each takes the branch; checks of input are such branches."""

    def f(x: Any) -> Any:
        space = x.__array_namespace__()
        if space.any(space.isnan(x)):
            raise ValueError("NaN")
        rank = int(space.count_nonzero(x == x))
        return x[: space.argmax(x * 0)] if rank < 2 else x * rank if space.all(abs(x) < 1e3) else x

    def decided(x: Any) -> Any:
        return x * 2 if x.__array_namespace__().sum(x) > 0 else x

    x = arr(3, 2)
    assert_allclose(vmap(f)(x), x * 2)
    assert_allclose(vmap(grad(lambda v: xdbr.sum(f(v))))(x), np.full((3, 2), 2.0))
    many = arr(2, 3, 2)
    assert_allclose(vmap(vmap(f))(many), many * 2)
    space = x.__array_namespace__()
    halves = space.asarray([[1.0, 1.0], [2.0, 1.0]], dtype=x.dtype)
    assert_allclose(vmap(decided)(halves), halves * 2)
    assert_allclose(vmap(vmap(decided, in_axes=1), in_axes=1)(space.stack([halves, halves], axis=2)).shape, (2, 2, 2))
    with pytest.raises(BatchingError, match=r"bool\(\) under vmap: the 2 examples have a value each"):
        vmap(decided)(space.asarray([[1.0, 1.0], [-2.0, 1.0]], dtype=x.dtype))
    with pytest.raises(BatchingError, match=r"bool\(\) under vmap: there are 0 examples"):
        vmap(decided)(space.zeros((0, 2), dtype=x.dtype))


def test_numbers_of_examples_must_agree(arr: Any) -> None:
    with pytest.raises(
        BatchingError, match=r"argument 0 has 3 examples along axis 0, but argument 1 has 4 along axis 0"
    ):
        vmap(xdbr.add)(arr(3), arr(4))
    with pytest.raises(BatchingError, match=r"argument 0, value 1 has 4"):
        vmap(lambda p: p["a"])({"a": arr(3), "b": arr(4)})
    with pytest.raises(BatchingError, match=r"argument 0 has 3 .* scale has 4"):
        vmap(lambda x, scale: x)(arr(3), scale=arr(4))


def test_something_must_be_mapped(arr: Any) -> None:
    for call in (
        lambda: vmap(xdbr.abs, in_axes=None)(arr(3)),
        lambda: vmap(lambda x: x)(3.0),
        lambda: vmap(lambda: 1)(),
    ):
        with pytest.raises(BatchingError, match="no array to map over"):
            call()


def test_axes_that_do_not_fit(arr: Any) -> None:
    with pytest.raises(xdbr.AxisError, match=r"in_axes names axis 2 of argument 1, which has shape \(3,\)"):
        vmap(xdbr.add, in_axes=(0, 2))(arr(3), arr(3))
    with pytest.raises(xdbr.AxisError, match=r"out_axes names axis 3"):
        vmap(xdbr.abs, out_axes=3)(arr(3, 2))
    with pytest.raises(BatchingError, match="in_axes has 1 entries for 2 values"):
        vmap(xdbr.add, in_axes=(0,))(arr(3), arr(3))
    with pytest.raises(BatchingError, match="in_axes has the keys"):
        vmap(lambda p: p["a"], in_axes=({"b": 0},))({"a": arr(3)})
    with pytest.raises(BatchingError, match="in_axes must be an integer, None"):
        vmap(xdbr.abs, in_axes="rows")(arr(3))
    with pytest.raises(BatchingError, match="out_axes is None for a result that differs"):
        vmap(xdbr.abs, out_axes=None)(arr(3))
    with pytest.raises(TypeError, match="expected a function"):
        vmap(3)  # type: ignore[arg-type]


def test_an_index_of_each_example_under_derivatives_of_derivatives(arr: Any) -> None:
    z, t = arr(5, 3), xdbr.asarray([0, 1, 1, 0, 1], device=arr(1).device)
    cube = lambda z, t: z[t] ** 3  # noqa: E731

    def write(z: Any, t: Any) -> Any:
        z = z * 1.0
        z[t] = z[0] ** 2
        return xdbr.sum(z * z)

    for f in (cube, write):
        loop = xdbr.stack([xdbr.hessian(f)(z[i, ...], t[i]) for i in range(5)])
        assert_allclose(vmap(xdbr.hessian(f))(z, t), loop)
    w = xdbr.Variable(z[0, ...].detach(), requires_grad=True)
    rows = vmap(xdbr.grad(cube), in_axes=(None, 0))(w, t)
    assert rows.requires_grad
    assert_allclose(rows, xdbr.stack([xdbr.grad(cube)(w, t[i]) for i in range(5)]))
    seconds = xdbr.grad(lambda z: xdbr.sum(vmap(xdbr.grad(cube))(z, t)))(z)
    assert_allclose(
        seconds,
        xdbr.stack([xdbr.grad(lambda z, t: xdbr.sum(xdbr.grad(cube)(z, t)))(z[i, ...], t[i]) for i in range(5)]),
    )


def test_axes_counted_from_the_front(arr: Any) -> None:
    a, b = arr(3, 3, 3), arr(3, 3)
    for f in (
        lambda x, y: xdbr.vecdot(x, y, axis=0),
        lambda x, y: xdbr.linalg.vecdot(x, y, axis=1),
        lambda x, y: xdbr.linalg.cross(x, y, axis=0),
        lambda x, y: xdbr.linalg.cross(x, y * y, axis=-1),
    ):
        try:
            f(b, b)
        except (
            xdbr.ShapeError
        ):  # the standard's vecdot takes axes counted from the end alone, and some libraries keep to it
            continue
        assert_allclose(vmap(f)(a, a * 2), xdbr.stack([f(a[i, ...], a[i, ...] * 2) for i in range(3)]))
        assert_allclose(vmap(f, in_axes=(0, None))(a, b), xdbr.stack([f(a[i, ...], b) for i in range(3)]))


def test_writes_to_arrays_from_outside(arr: Any) -> None:
    x, w = arr(3, 2), arr(2)
    before = to_host(w).copy()
    with pytest.raises(BatchingError, match="into an array from outside of it"):
        vmap(lambda a: w.__setitem__(0, a[0]))(x)
    np.testing.assert_array_equal(to_host(w), before)
    assert (w + w).device == w.device

    def failing(a: Any) -> Any:
        w[1] = a[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        vmap(failing)(x)
    np.testing.assert_array_equal(to_host(w), before)

    def writing(a: Any, c: Any) -> Any:
        c[0] = a[1]
        made = xdbr.zeros(2, dtype=a.dtype, device=w.device)  # at the level below, and made inside
        made[1:] = c[0] * 2.0
        return c, made

    c, made = vmap(writing, in_axes=(0, None))(x, w)
    assert_allclose(c[:, 0], x[:, 1])
    assert_allclose(made[:, 1], 2.0 * x[:, 1])
    np.testing.assert_array_equal(to_host(w), before)


def test_an_array_that_has_left_its_vmap(arr: Any) -> None:
    kept: list[Any] = []
    x = arr(3, 2)
    vmap(lambda row: kept.append(row))(x)
    assert "3 examples" in repr(kept[0])
    with pytest.raises(BatchingError, match="one call of vmap is used in another"):
        vmap(lambda row: row + kept[0])(x)
    with pytest.raises(BatchingError, match="vmap"):
        kept[0].tolist()


def test_errors_of_functions_name_the_shapes_of_an_example(arr: Any) -> None:
    with pytest.raises(xdbr.ShapeError, match=r"add: .*x1: shape \(2,\)"):
        vmap(lambda x: xdbr.add(x, arr(3)))(arr(4, 2))
    with pytest.raises(xdbr.AxisError, match="axis 1 is out of range for an array with 1 axes"):
        vmap(lambda x: xdbr.sum(x, axis=1))(arr(4, 2))


def test_no_vmap_leaves_the_registry_and_modes_as_they_were(arr: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        vmap(lambda x: 1 / 0)(arr(3))
    assert xdbr.sum(arr(2)).item() > 0
    assert not any(name.startswith("vmap") for name in xdbr.backends.registered())
    assert not any(name.startswith("vmap") for name in xdbr.backends.available())
