"""Writes: what they leave alone, what they record, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from view_helpers import arguments, put

import xdbr
from xdbr import DtypeError, GradientError, ShapeError
from xdbr.testing import assert_allclose, to_host

__all__ = ["put"]


def test_reshape_refuses_to_copy_where_it_must_not(xp: Any, put: Any) -> None:
    x = put(arguments()[0])
    with pytest.raises(ShapeError, match=r"reshape: an array of shape \(4, 3\) .* \(12,\) without a copy"):
        xp.reshape(x.T, (12,), copy=False)
    assert xp.reshape(xp.sum(x), (1,), copy=False).shape == (1,)


def test_a_write_to_a_variable_never_reaches_the_users_array(backend: Any, device: Any) -> None:
    raw = backend.from_host(arguments()[0], device=device)
    before = backend.to_host(raw).copy()
    for make in (xdbr.Variable, xdbr.asarray, xdbr.reshape, xdbr.flip, lambda raw: xdbr.Variable(raw)[1:, ...]):
        x = make(raw, (4, 3)) if make is xdbr.reshape else make(raw)
        x[0, ...] = 5.0
        x += 1.0
        x[x > 0] = 2.0
        part = x[:, 1]
        part[...] = 0.0
        assert (backend.to_host(raw) == before).all()
        assert not (to_host(x).ravel()[:6] == before.ravel()[:6]).all()


def test_the_users_array_is_safe_when_assigned_to_data(backend: Any, device: Any) -> None:
    x = xdbr.zeros((2, 3), dtype="float64")
    row = x[0, ...]
    raw = backend.from_host(np.ones((2, 3)), device=device)
    x.data = raw
    assert row.tolist() == [1, 1, 1]
    row[0] = 7.0
    assert x.tolist() == [[7, 1, 1], [1, 1, 1]]
    assert (backend.to_host(raw) == 1).all()


def test_data_may_be_read_while_the_array_is_written(put: Any, backend: Any) -> None:
    x = put(arguments()[0])
    x[0, 0] = 1.0
    seen = x.data
    host = backend.to_host(seen).copy()
    x[0, 1] = 99.0
    assert (backend.to_host(seen) == host).all()
    assert x[0, 1].item() == 99.0


def test_data_of_a_view_reaches_the_base(put: Any, backend: Any, device: Any) -> None:
    x = put(arguments()[0], True)
    row = x[1, ...]
    row.data = backend.from_host(np.arange(4.0), device=device)
    assert x[1, ...].tolist() == [0, 1, 2, 3]
    assert x.is_leaf and x.requires_grad, "assigning data records nothing"


def test_data_of_another_memory_order_keeps_the_views(backend: Any, device: Any, xp: Any) -> None:
    x = xdbr.zeros((2, 3), dtype="float64", device=device)
    flat = xp.reshape(x, (-1,))
    with backend.use(device):
        turned = backend.lib.permute_dims(backend.from_host(np.arange(6.0).reshape(3, 2), device=device), (1, 0))
    x.data = turned
    assert flat.tolist() == [0, 2, 4, 1, 3, 5]
    flat[1] = 20.0
    assert x.tolist() == [[0, 20, 4], [1, 3, 5]]
    x[1, 0] = 10.0
    assert flat.tolist() == [0, 20, 4, 10, 3, 5]


def test_detach_is_a_new_root(put: Any) -> None:
    x = put(arguments()[0], True)
    apart = x.detach()
    row = x[0, ...]
    free = row.detach()
    x[0, 0] = 5.0
    apart[0, 1] = 6.0
    free[2] = 7.0
    assert x[0, ...].tolist()[:3] == row.tolist()[:3] == [5.0, *arguments()[0][0, 1:3]]
    assert apart[0, ...].tolist()[:3] == [arguments()[0][0, 0], 6.0, arguments()[0][0, 2]]
    assert free.tolist()[:3] == [*arguments()[0][0, :2], 7.0]
    assert not apart.requires_grad and not free.requires_grad


@pytest.mark.parametrize("cut", ["unchain", "unchain_backward", "requires_grad"])
def test_a_view_cut_loose_keeps_its_own_views(cut: str, put: Any) -> None:
    base = put(arguments()[0])
    x = base[:2, ...]
    row = x[0, ...]
    corner = row[:2]
    if cut == "requires_grad":
        x.requires_grad = True
    else:
        getattr(x, cut)()
    base[0, 0] = 11.0
    assert x[0, 0].item() == row[0].item() == arguments()[0][0, 0]
    x[0, 1] = 12.0
    assert row[1].item() == corner[1].item() == 12.0
    corner[0] = 13.0
    assert x[0, 0].item() == row[0].item() == 13.0
    assert base[0, ...].tolist()[:2] == [11.0, arguments()[0][0, 1]]


def test_no_grad_writes_keep_the_leaf(put: Any, xp: Any) -> None:
    x = put(arguments()[0], True)
    node = x._node
    with xdbr.no_grad():
        x[0, ...] = 1.0
        x -= 0.5
        x[1, ...] *= 2.0
        x[...] = x * 3.0
    assert x._node is node and x.is_leaf
    xp.sum(x * x).backward()
    assert_allclose(x.grad, 2 * to_host(x))


def test_no_grad_writes_by_views_keep_the_leaf(put: Any, xp: Any) -> None:
    x = put(arguments()[0], True)
    row = x[0, ...]
    with xdbr.no_grad():
        row += 1.0
        xp.reshape(x, (-1,))[5] = 0.0
    assert x.is_leaf
    xp.sum(x * row[0]).backward()
    want = np.full((3, 4), to_host(row)[0])
    want[0, 0] += to_host(x).sum()
    assert_allclose(x.grad, want)


def test_views_made_under_no_grad_need_no_gradient_but_alias(put: Any, xp: Any) -> None:
    x = put(arguments()[0], True)
    with xdbr.no_grad():
        row = x[0, ...]
    assert not row.requires_grad
    x[0, 1] = 5.0
    assert row.tolist()[1] == 5.0 and not row.requires_grad
    w = put(arguments()[1], True)
    row[...] = w
    assert_allclose(x[0, ...], w)
    assert xdbr.grad(xp.sum(x), w).tolist() == [1, 1, 1, 1]


def test_a_constant_becomes_differentiable_by_a_write(put: Any, xp: Any) -> None:
    x, v = put(arguments()[0]), put(arguments()[1], True)
    row = x[1, ...]
    x[1, ...] = v * v
    assert x.requires_grad and row.requires_grad
    xp.sum(row * 3.0).backward()
    assert_allclose(v.grad, 6 * arguments()[1])


def test_a_whole_write_drops_the_old_value(put: Any, xp: Any) -> None:
    x, v = put(arguments()[0], True), put(arguments()[1], True)
    h = x * 2.0
    h[...] = v
    assert [edge is None for edge in h._node.edges()] == [True, False]
    h[...] = 1.0
    assert not h.requires_grad


def test_leaf_grad_means_the_value_before_the_write(put: Any, xp: Any) -> None:
    x = put(arguments()[0], True)
    y = xp.sum(x**3)
    x[0, ...] = 0.0
    z = xp.sum(x**2)
    (y + z).backward()
    want = 3 * arguments()[0] ** 2 + 2 * arguments()[0]
    want[0] -= 2 * arguments()[0][0]
    assert_allclose(x.grad, want)
    assert not x.is_leaf


def test_written_buffers_never_corrupt_a_gradient(put: Any, xp: Any) -> None:
    x, w = put(arguments()[0], True), put(arguments()[1], True)
    y = xp.exp(x * w)
    kept = to_host(y).copy()
    z = y[0, ...] * y[1, ...]
    y[...] = 0.0
    x[...] = 100.0
    with xdbr.no_grad():
        w[...] = -5.0
        w += 1.0
    leaf = w
    (g,) = xdbr.grad([z], [leaf], [xp.ones((4,), dtype="float64")])
    assert_allclose(g, kept[0] * kept[1] * (arguments()[0][0] + arguments()[0][1]))


def test_updates_between_forward_and_backward(put: Any, xp: Any) -> None:
    """As in adversarial training: one network's update comes between another's forward and backward."""
    noise, g, d = put(arguments()[0]), put(arguments()[1], True), put(np.asarray([2.0, 0.5, -1.0, 3.0]), True)
    fake = xp.tanh(noise * g)
    score = fake * d
    loss_d = xp.sum(fake.detach() * d)
    loss_g = xp.sum(score * score)
    loss_d.backward()
    d_before = to_host(d).copy()
    with xdbr.no_grad():
        d -= 0.1 * d.grad
    loss_g.backward(inputs=[g])
    t = np.tanh(arguments()[0] * arguments()[1])
    want = (2 * t * d_before**2 * (1 - t**2) * arguments()[0]).sum(axis=0)
    assert_allclose(g.grad, want)


def put_at(key: Any, value: Any) -> Any:
    """Make a write of `value(xp)` at a key."""
    return lambda x, xp: x.__setitem__(key(xp) if callable(key) else key, value(xp))


def ones(*shape: int, dtype: str = "float64") -> Any:
    return lambda xp: xp.ones(shape, dtype=dtype)


def number(value: Any) -> Any:
    return lambda xp: value


ROW = (0, ...)
BAD: list[Any] = [
    pytest.param(put_at(ROW, ones(3)), ShapeError, r"setitem: .*\(3,\)", id="shape"),
    pytest.param(put_at((slice(1, 3), ...), ones(3, 4)), ShapeError, "setitem", id="rows"),
    pytest.param(put_at((9, ...), number(1.0)), IndexError, r"setitem: .*\[9, \.\.\.\]", id="out of range"),
    pytest.param(put_at((0, 0, 0), number(1.0)), IndexError, "setitem", id="too many"),
    pytest.param(put_at(ROW, number(1j)), DtypeError, "setitem: a complex value", id="complex number"),
    pytest.param(put_at(ROW, ones(4, dtype="complex128")), DtypeError, "setitem: a complex", id="complex"),
    pytest.param(put_at(ROW, number([1j, 2.0, 3.0, 4.0])), DtypeError, "setitem: complex values", id="complex list"),
    pytest.param(put_at(ROW, number("text")), DtypeError, "expected numbers; got str", id="a text"),
    pytest.param(put_at(ROW, number(None)), DtypeError, "expected numbers", id="None"),
    pytest.param(put_at("row", number(1.0)), IndexError, "index is made of", id="text"),
    pytest.param(put_at(ones(3, 4), number(1.0)), IndexError, "integer or boolean", id="floats"),
    pytest.param(lambda x, xp: x.__iadd__(ones(2, 3, 4)(xp)), ShapeError, r"__iadd__: .*\(2, 3, 4\)", id="grows"),
    pytest.param(
        lambda x, xp: x.__imul__(ones(4, dtype="complex64")(xp)), DtypeError, "__imul__: ", id="becomes complex"
    ),
]


@pytest.mark.parametrize(("write", "error", "text"), BAD)
@pytest.mark.parametrize("kind", ["root", "written root", "view", "leaf"])
def test_a_failed_write_changes_nothing(write: Any, error: Any, text: str, kind: str, put: Any, xp: Any) -> None:
    base = put(np.linspace(0.0, 1.0, 24).reshape(6, 4), kind == "leaf")
    x = base[:3, ...] if kind == "view" else put(arguments()[0], kind == "leaf")
    if kind == "written root":
        x[0, 0] = 1.0
    before, node, base_before = to_host(x).copy(), x._node, to_host(base).copy()
    with pytest.raises(error, match=text):
        write(x, xp)
    assert (to_host(x) == before).all() and x._node is node
    assert (to_host(base) == base_before).all()
    x[0, 0] = 44.0
    assert x[0, 0].item() == 44.0


def test_what_needs_gradient_does_not_fit_into_integers(put: Any, xp: Any) -> None:
    x = xp.zeros(4, dtype="int64")
    with pytest.raises(GradientError, match=r"setitem: a value that needs gradient .* int64, .*detach"):
        x[...] = put(arguments()[1], True)
    assert x.tolist() == [0, 0, 0, 0]


def test_an_index_that_is_the_array_itself(xp: Any) -> None:
    host = np.asarray([2, 0, 1, 0])
    x = xp.asarray(host.tolist())
    x[0] = 2  # from here on the buffer is ours, and may be written in place
    for _ in range(2):
        host[host % 3] = host[::-1][: host.size] + 1
        x[x % 3] = xp.flip(x) + 1
        assert x.tolist() == host.tolist()
    ones = xp.asarray([1, 0, 0, 0])
    ones[0] = 1
    ones[ones == 1] = ones[0]
    assert ones.tolist() == [1, 0, 0, 0]


def test_a_write_from_another_device_is_refused(backend: Any, put: Any, device: Any) -> None:
    others = [other for other in backend.devices() if other != device]
    if not others:
        pytest.skip(f"{backend.name} has one device only")
    x, v = put(arguments()[0]), put(arguments()[1]).to_device(others[0])
    with pytest.raises(xdbr.DeviceError, match=r"setitem: .*to_device"):
        x[0, ...] = v
    with pytest.raises(xdbr.DeviceError, match="index is on"):
        x[(x > 0).to_device(others[0])]
    assert_allclose(x, arguments()[0], rtol=0)
