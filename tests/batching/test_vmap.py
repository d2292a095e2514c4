"""vmap: axes, nesting, transforms within each other, closures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from batching_helpers import loop

import xdbr
import xdbr.nn.functions as F
from xdbr import Variable, grad, vmap
from xdbr.autograd.trees import flatten
from xdbr.testing import assert_allclose, to_host

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
