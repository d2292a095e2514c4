"""Checkpointed functions: the same values and gradients of every order, from what is computed again."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import xdbr
import xdbr.nn as nn
import xdbr.nn.functions as F
import xdbr.nn.links as L
from xdbr import GradientError
from xdbr.autograd.checkpoint import Forgotten
from xdbr.testing import assert_allclose, check_grads, to_host


@pytest.fixture
def x(device):
    return xdbr.Variable([0.5, -1.0, 2.0], requires_grad=True, dtype="float64", device=device)


def block(a, b):
    h = xdbr.tanh(a * b) + xdbr.exp(-b)
    return xdbr.sin(h) * a, h


def gradients(f, *inputs, order=1):
    """Values and derivatives up to an order, by repeated differentiation of a weighted sum."""
    outs = f(*inputs)
    outs = outs if isinstance(outs, tuple) else (outs,)
    found = list(outs)
    value = sum(xdbr.sum(y * y) for y in outs)
    for i in range(order):
        parts = xdbr.grad(value, inputs, create_graph=i + 1 < order)
        found += parts
        value = sum(xdbr.sum(g * g) for g in parts)
    return [to_host(y) for y in found]


def saved_in(y):
    """The raw arrays that a graph keeps, by walking it."""
    kept = []
    todo, seen = [y._node], set()
    while todo:
        node = todo.pop()
        if node in seen or node.is_leaf:
            continue
        seen.add(node)
        todo += [edge for edge in node.edges() if edge is not None]
        for slot in ("d1", "d2", "out"):
            value = getattr(node, slot, None)
            kept += [v for v in (value.values() if isinstance(value, dict) else [value]) if hasattr(v, "dtype")]
    return kept


class TestValuesAndGradients:
    @pytest.mark.parametrize("order", [1, 2, 3])
    def test_equal_to_the_function_itself(self, x, order):
        y = xdbr.Variable(x.detach() * 0.3 + 1.0, requires_grad=True)
        for mine, right in zip(
            gradients(xdbr.checkpoint(block), x, y, order=order), gradients(block, x, y, order=order), strict=True
        ):
            np.testing.assert_array_equal(mine, right)

    def test_against_central_differences(self, x, device):
        y = xdbr.asarray([0.2, 0.4, -0.3], dtype="float64", device=device)
        check_grads(xdbr.checkpoint(block), [x.detach(), y], order=2)

    def test_several_outputs_of_one_function(self, x):
        def f(x):
            q, r = xdbr.linalg.qr(xdbr.reshape(x, (3, 1)) * xdbr.asarray([1.0], dtype="float64", device=x.device))
            return xdbr.sum(q * 2.0) + xdbr.sum(r)

        for mine, right in zip(gradients(xdbr.checkpoint(f), x), gradients(f, x), strict=True):
            np.testing.assert_array_equal(mine, right)

    def test_lists_indexing_and_writes(self, x):
        def f(x):
            y = xdbr.concat([x, x * 2.0, xdbr.sqrt(xdbr.abs(x))])
            y[2:4] = y[0] * x[:2]
            y *= y[::-1]
            return xdbr.where(y > 0, y, 0.1 * y)

        for mine, right in zip(gradients(xdbr.checkpoint(f), x, order=2), gradients(f, x, order=2), strict=True):
            np.testing.assert_array_equal(mine, right)

    def test_nested_arguments_keywords_and_other_values(self, x):
        @xdbr.checkpoint
        def f(tree, *, power, flag):
            assert flag is None
            return {"y": tree["a"][0] ** power, "n": 3}

        out = f({"a": [x]}, power=3, flag=None)
        assert out["n"] == 3
        xdbr.sum(out["y"]).backward()
        assert_allclose(x.grad, 3 * to_host(x) ** 2)

    def test_parameters_that_it_reads(self, device):
        model = nn.Sequential(L.Linear(4, 8), F.relu, L.Linear(8, 2)).to_device(device)
        x = xdbr.random.normal((5, 4), device=device)
        t = xdbr.asarray([0, 1, 1, 0, 1], device=device)
        F.softmax_cross_entropy(model(x), t).backward()
        right = {name: to_host(p.grad) for name, p in model.namedparams()}
        model.cleargrads()
        F.softmax_cross_entropy(xdbr.checkpoint(model)(x), t).backward()
        for name, p in model.namedparams():
            np.testing.assert_array_equal(to_host(p.grad), right[name])

    def test_a_lazily_sized_link_gets_its_values_once(self, device):
        xdbr.random.seed(0)
        model = nn.Sequential(L.Linear(None, 6), F.dropout).to_device(device)
        y = xdbr.checkpoint(model)(xdbr.ones((2, 3), device=device))
        W = to_host(model[0].W)
        xdbr.sum(y).backward()
        np.testing.assert_array_equal(to_host(model[0].W), W)
        # The gradient of the bias counts the rows that were kept.
        np.testing.assert_allclose(to_host(model[0].b.grad), 2.0 * np.sum(to_host(y) != 0, axis=0))

    def test_writes_to_arguments_stay_inside(self, x):
        @xdbr.checkpoint
        def f(x):
            x *= 2.0
            return xdbr.sum(x * x)

        before = to_host(x).copy()
        f(x).backward()
        np.testing.assert_array_equal(to_host(x), before)
        assert_allclose(x.grad, 8 * before)

    def test_raw_arguments_are_the_callers_to_change(self, x):
        c = np.ones(3)
        y = xdbr.checkpoint(lambda x, c: xdbr.sum(x * x * xdbr.asarray(c, device=x.device)))(x, c)
        c *= 5
        y.backward()
        assert_allclose(x.grad, 2 * to_host(x))

    def test_backward_from_an_intermediate_value(self, x):
        kept = []

        @xdbr.checkpoint
        def f(x):
            kept.append(xdbr.exp(x))
            return xdbr.sin(kept[-1])

        y = f(x)
        xdbr.sum(kept[0]).backward(retain_graph=True)
        assert_allclose(x.grad, np.exp(to_host(x)))
        x.zero_grad()
        xdbr.sum(y).backward()
        assert_allclose(x.grad, np.exp(to_host(x)) * np.cos(np.exp(to_host(x))))

    def test_transforms_of_it_and_in_it(self, x):
        def f(x):
            inner = xdbr.grad(lambda a: xdbr.sum(a**4))(x)
            return xdbr.sum(inner * x)

        np.testing.assert_array_equal(
            to_host(xdbr.hessian(xdbr.checkpoint(f))(x.detach())), to_host(xdbr.hessian(f)(x.detach()))
        )
        _, pushed = xdbr.jvp(xdbr.checkpoint(xdbr.tanh), [x.detach()], [xdbr.ones_like(x).detach()])
        assert_allclose(pushed, 1 - np.tanh(to_host(x)) ** 2)

    def test_a_user_defined_function(self, x):
        class Cube(xdbr.Function):
            def forward(self, xp, x):
                self.save(x)
                return x * x * x

            def backward(self, xp, g):
                (x,) = self.saved
                return 3 * g * x * x

        for mine, right in zip(
            gradients(xdbr.checkpoint(lambda x: Cube()(xdbr.sin(x))), x, order=2),
            gradients(lambda x: Cube()(xdbr.sin(x)), x, order=2),
            strict=True,
        ):
            np.testing.assert_array_equal(mine, right)

    def test_nothing_to_differentiate(self, device):
        y = xdbr.checkpoint(block)(xdbr.ones(2, device=device), xdbr.ones(2, device=device))
        assert not y[0].requires_grad

    def test_no_grad(self, x):
        with xdbr.no_grad():
            assert not xdbr.checkpoint(xdbr.sin)(x).requires_grad


class TestRandomDraws:
    def test_dropout(self, device):
        x = xdbr.Variable(np.ones(1000), requires_grad=True, device=device)
        xdbr.random.seed(3)
        y = xdbr.checkpoint(lambda x: F.dropout(F.dropout(x, 0.3) * 2.0, 0.5))(x)
        after = to_host(xdbr.random.uniform(4, device=device))
        xdbr.sum(y).backward()
        np.testing.assert_array_equal(to_host(x.grad), to_host(y))
        follows = to_host(xdbr.random.uniform(4, device=device))
        xdbr.random.seed(3)
        plain = F.dropout(F.dropout(x.detach(), 0.3) * 2.0, 0.5)
        np.testing.assert_array_equal(to_host(plain), to_host(y))
        np.testing.assert_array_equal(to_host(xdbr.random.uniform(4, device=device)), after)
        np.testing.assert_array_equal(to_host(xdbr.random.uniform(4, device=device)), follows)

    def test_a_generator_that_it_holds(self, device):
        x = xdbr.Variable(np.ones(100), requires_grad=True, device=device)
        rng = xdbr.random.Generator(seed=1, device=device)
        y = xdbr.checkpoint(lambda x: F.dropout(x, 0.5, rng=rng))(x)
        state = rng.state_dict()
        xdbr.sum(y).backward()
        np.testing.assert_array_equal(to_host(x.grad), to_host(y))
        assert rng.state_dict() == state

    def test_checkpoints_in_checkpoints(self, device):
        x = xdbr.Variable(np.ones(100), requires_grad=True, device=device)

        def inner(x):
            return F.dropout(xdbr.exp(x), 0.5)

        def outer(x):
            h = F.dropout(x, 0.2)
            return xdbr.checkpoint(inner)(h) * F.dropout(h, 0.1)

        found = []
        for f in (outer, xdbr.checkpoint(outer)):
            xdbr.random.seed(0)
            found.append(gradients(f, x, order=2))
        for mine, right in zip(*found, strict=True):
            np.testing.assert_array_equal(mine, right)

    def test_the_modes_of_the_forward(self, device):
        x = xdbr.Variable(np.ones(50), requires_grad=True, device=device)
        y = xdbr.checkpoint(lambda x: F.dropout(x, 0.5) * 3.0)(x)
        with xdbr.train_mode(False):
            xdbr.sum(y).backward()
        np.testing.assert_array_equal(to_host(x.grad), to_host(y))


class Normalize(nn.Link):
    """Batch normalisation with running statistics, as a user may write it."""

    def __init__(self) -> None:
        super().__init__()
        self.add_persistent("mean", 0.0)
        self.updates = 0

    def __call__(self, x):
        mean = xdbr.mean(x, axis=0)
        if not xdbr.is_recomputing():
            self.mean = 0.9 * self.mean + 0.1 * float(xdbr.mean(mean).detach())
            self.updates += 1
        return (x - mean) / xdbr.sqrt(xdbr.var(x, axis=0) + 1e-5)


def test_batch_statistics_are_exact_and_updated_once(device):
    x = xdbr.Variable(np.random.default_rng(0).normal(2, 3, (8, 4)), requires_grad=True, device=device)
    plain, again = Normalize(), Normalize()
    for mine, right in zip(gradients(xdbr.checkpoint(again), x, order=2), gradients(plain, x, order=2), strict=True):
        np.testing.assert_array_equal(mine, right)
    assert again.updates == plain.updates == 1
    assert again.mean == plain.mean


class TestMemory:
    def test_nothing_is_saved_between_forward_and_backward(self, x):
        y = xdbr.checkpoint(lambda x: xdbr.sin(xdbr.tanh(xdbr.exp(x) * x)))(x)
        assert saved_in(y) == []
        assert saved_in(xdbr.sin(xdbr.tanh(xdbr.exp(x) * x))) != []

    def test_backward_frees_as_it_passes(self, x):
        y = xdbr.checkpoint(lambda x: xdbr.sin(xdbr.tanh(xdbr.exp(x) * x)))(x)
        xdbr.sum(y).backward()
        assert saved_in(y) == []
        with pytest.raises(GradientError, match="has been freed"):
            xdbr.sum(y).backward()

    def test_retain_graph_runs_it_once_more_only(self, x):
        runs = []

        @xdbr.checkpoint
        def f(x):
            runs.append(xdbr.is_recomputing())
            return xdbr.sin(x)

        y = f(x)
        for _ in range(3):
            xdbr.sum(y).backward(retain_graph=True)
        assert runs == [False, True]
        assert_allclose(x.grad, 3 * np.cos(to_host(x)))

    def test_no_cycles(self, x):
        def holding(token):
            return lambda a: (token, xdbr.sin(xdbr.exp(a)))[1]

        gc.collect()
        gc.disable()
        try:

            class Token:
                pass

            token = Token()
            alive = weakref.ref(token)
            y = xdbr.checkpoint(holding(token))(x)
            del token
            assert alive() is not None
            xdbr.sum(y).backward()
            assert alive() is None  # released once it has been run again
            del y
            y = xdbr.checkpoint(xdbr.checkpoint(block))(x, x)
            node = y[0]._node
            assert isinstance(node.prim, Forgotten)
            region = weakref.ref(node.prim.region)
            del y, node
            assert region() is None
        finally:
            gc.enable()


class TestErrors:
    def test_a_function_that_does_something_else(self, x):
        calls = []

        @xdbr.checkpoint
        def f(x):
            calls.append(None)
            return xdbr.sin(x) if len(calls) == 1 else xdbr.cos(x)

        y = f(x)
        with pytest.raises(GradientError, match=r"did not do the same .* cos in the place of sin"):
            xdbr.sum(y).backward()
        assert x.grad is None

    def test_a_function_that_does_more(self, x):
        calls = []

        @xdbr.checkpoint
        def f(x):
            calls.append(None)
            y = xdbr.sin(x)
            return y if len(calls) == 1 else xdbr.sin(y)

        y = f(x)
        with pytest.raises(GradientError, match="2 operations in the place of 1"):
            xdbr.sum(y).backward()

    def test_a_parameter_that_has_changed(self, device):
        model = L.Linear(2, 2).to_device(device)
        y = xdbr.checkpoint(model)(xdbr.ones((1, 2), device=device))
        model.W.data = (model.W.detach() * 2).data
        with pytest.raises(GradientError, match="which .* reads, has changed since the forward"):
            xdbr.sum(y).backward()

    def test_a_variable_that_was_written(self, x):
        w = xdbr.Variable(x.detach() * 1.0, requires_grad=True)
        h = w * 2.0
        y = xdbr.checkpoint(lambda x: x * h)(x)
        h[0] = 5.0
        with pytest.raises(GradientError, match="input 1 of multiply comes from elsewhere"):
            xdbr.sum(y).backward()

    def test_parameters_made_inside(self, x):
        y = xdbr.checkpoint(lambda x: L.Linear(3, 2)(xdbr.reshape(xdbr.astype(x, "float32"), (1, 3))))(x)
        with pytest.raises(GradientError, match="create links and parameters outside"):
            xdbr.sum(y).backward()

    def test_more_draws(self, x):
        calls = []

        @xdbr.checkpoint
        def f(x):
            calls.append(None)
            for _ in calls:
                xdbr.random.uniform(2, device=x.device)
            return xdbr.sin(x)

        with pytest.raises(GradientError, match="drew more random numbers"):
            xdbr.sum(f(x)).backward()
