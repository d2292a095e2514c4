"""What fails or is interrupted half-way leaves gradients, graphs and arrays in a sane state."""

from __future__ import annotations

import pytest

import xdbr
from xdbr import GradientError
from xdbr.autograd import views
from xdbr.autograd.kernels import RAW_NAMESPACES


def variable(values, device, requires_grad=True):
    return xdbr.Variable(values, requires_grad=requires_grad, dtype="float64", device=device)


class Raising(xdbr.Function):
    """Fails in backward as long as it has something to raise."""

    def __init__(self, *errors):
        self.errors = list(errors)

    def forward(self, xp, x):
        return x * 1.0

    def backward(self, xp, g):
        if self.errors:
            raise self.errors.pop()
        return g


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_backward_that_was_interrupted_can_be_run_again(device, error, create_graph):
    x, w = variable([1.0, 2.0], device), variable([3.0, 4.0], device)
    w.grad = xdbr.ones(2, dtype="float64", device=device)
    middle = (Raising(error("on purpose"))(x * x) * w).retain_grad()
    y = xdbr.sum(middle * w)
    with pytest.raises(error, match="on purpose"):
        y.backward(create_graph=create_graph, retain_graph=True)
    assert x.grad is None and middle.grad is None
    assert w.grad.tolist() == [1.0, 1.0]
    y.backward(retain_graph=True)
    assert x.grad.tolist() == [18.0, 64.0]
    assert w.grad.tolist() == [1.0 + 6.0, 1.0 + 32.0]
    assert middle.grad.tolist() == [3.0, 4.0]


def test_a_failing_hook_changes_no_gradient(device):
    x, w = variable([1.0, 2.0], device), variable([3.0, 4.0], device)
    middle = x * w

    def fail(g):
        raise RuntimeError("on purpose")

    remove = middle.register_hook(fail)
    y = xdbr.sum(middle * w)
    with pytest.raises(RuntimeError, match="on purpose"):
        y.backward(retain_graph=True)
    assert x.grad is None and w.grad is None
    remove()
    y.backward()
    assert x.grad.tolist() == [9.0, 16.0]


def test_an_interrupted_write_leaves_array_and_graph_as_they_were(device, monkeypatch):
    x, v = variable([[1.0, 2.0], [3.0, 4.0]], device), variable([5.0, 6.0], device)
    y = x * 1.0
    row = y[0, ...]
    y[1, 0] = 7.0
    before, node = y.tolist(), y._node
    space = RAW_NAMESPACES[type(y._data)]

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(space.extras, "write", interrupted, raising=False)
        with pytest.raises(KeyboardInterrupt):
            y[0, ...] = v
    assert y.tolist() == before and y._node is node
    assert row.tolist() == before[0]
    # A write of which the node cannot be made must not have changed the array either.
    with monkeypatch.context() as patch:
        patch.setattr(views, "_write_node", interrupted)
        with pytest.raises(KeyboardInterrupt):
            y[0, ...] = v
    assert y.tolist() == before and y._node is node
    assert row.tolist() == before[0]
    y[0, ...] = v
    xdbr.sum(y * y).backward()
    assert v.grad.tolist() == [10.0, 12.0]
    assert x.grad.tolist() == [[0.0, 0.0], [0.0, 8.0]]


def test_outputs_that_do_not_lead_to_the_inputs_are_left_alone(device):
    a, b = variable([1.0, 2.0], device), variable([3.0, 4.0], device)
    y, z = xdbr.sum(a * a), xdbr.sum(xdbr.exp(b))
    calls = []
    z.register_hook(calls.append)
    (g,) = xdbr.grad([y, z], [a])
    assert g.tolist() == [2.0, 4.0]
    assert calls == []
    z.backward()
    assert b.grad is not None and len(calls) == 1


def test_a_failed_second_backward_changes_no_gradient(device):
    x = variable([1.0, 2.0], device)
    h = xdbr.exp(x)
    one, other = xdbr.sum(h * 2.0), xdbr.sum(h * h)
    one.backward()
    before = x.grad.tolist()
    with pytest.raises(GradientError, match="exp has been freed"):
        other.backward()
    assert x.grad.tolist() == before
