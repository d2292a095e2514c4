"""The engine: what backward and grad give, keep, free and refuse."""

from __future__ import annotations

import gc
import math
import threading
import weakref

import pytest

import xdbr
from xdbr import DeviceError, DtypeError, GradientError, ShapeError
from xdbr.autograd.graph import Node


def variable(values, requires_grad=True, dtype="float64", device=None, name=None):
    return xdbr.Variable(values, requires_grad=requires_grad, dtype=dtype, device=device, name=name)


def living_nodes():
    return sum(type(thing) is Node for thing in gc.get_objects())


class TestResults:
    def test_fan_out_is_summed(self, device):
        x = variable([1.0, 2.0], device=device)
        y = x * x + x * 3.0 + x
        xdbr.sum(y).backward()
        assert x.grad.tolist() == [6.0, 8.0]

    def test_broadcasting_is_undone(self, device):
        x = variable([[1.0], [2.0]], device=device)
        y = variable([1.0, 2.0, 3.0], device=device)
        s = variable(2.0, device=device)
        xdbr.sum(x * y * s).backward()
        assert x.grad.tolist() == [[12.0], [12.0]]
        assert y.grad.tolist() == [6.0, 6.0, 6.0]
        assert s.grad.item() == 18.0
        assert s.grad.shape == ()

    def test_the_cotangent_has_the_dtype_of_the_input(self, device):
        x = variable([1.0, 2.0], dtype="float32", device=device)
        y = variable([3.0, 4.0], dtype="float64", device=device)
        z = xdbr.sum(x * y)
        assert z.dtype == xdbr.float64
        z.backward()
        assert x.grad.dtype == xdbr.float32
        assert y.grad.dtype == xdbr.float64

    def test_a_real_input_of_a_complex_result_gets_a_real_gradient(self, device):
        x = variable([1.0, 2.0], device=device)
        z = xdbr.asarray([1j, 2j], dtype="complex128", device=device)
        xdbr.sum(xdbr.real(x * z * 1j)).backward()
        assert x.grad.dtype == xdbr.float64
        assert x.grad.tolist() == [-1.0, -2.0]

    def test_grads_accumulate_until_they_are_cleared(self, device):
        x = variable([1.0, 2.0], device=device)
        xdbr.sum(x * 2.0).backward()
        xdbr.sum(x * 3.0).backward()
        assert x.grad.tolist() == [5.0, 5.0]
        x.zero_grad()
        assert x.grad is None

    def test_a_starting_gradient(self, device):
        x = variable([1.0, 2.0], device=device)
        (x * 2.0).backward(xdbr.asarray([1.0, 10.0], dtype="float64", device=device))
        assert x.grad.tolist() == [2.0, 20.0]

    def test_loss_scale(self, device):
        x = variable(3.0, device=device)
        (x * x).backward(loss_scale=100.0)
        assert x.grad.item() == 600.0

    def test_inputs_limits_what_is_collected(self, device):
        x, y = variable(2.0, device=device), variable(3.0, device=device)
        middle = x * y
        (middle * middle).backward(inputs=[x, middle])
        assert x.grad.item() == 36.0
        assert middle.grad.item() == 12.0
        assert y.grad is None

    def test_retain_grad(self, device):
        x = variable(2.0, device=device)
        middle = (x * 3.0).retain_grad()
        (middle * middle).backward()
        assert middle.grad.item() == 12.0
        assert x.grad.item() == 36.0

    def test_retain_grad_does_not_keep_the_variable(self, device):
        x = variable(2.0, device=device)
        middle = (x * 3.0).retain_grad()
        y = middle * middle
        seen = weakref.ref(middle)
        del middle
        assert seen() is None
        y.backward()
        assert x.grad.item() == 36.0

    def test_higher_orders(self, device):
        x = variable(0.7, device=device)
        y = xdbr.sin(x)
        expected = [math.cos(0.7), -math.sin(0.7), -math.cos(0.7), math.sin(0.7)]
        for value in expected:
            y = xdbr.grad(y, x, create_graph=True)
            assert y.item() == pytest.approx(value, rel=1e-14)

    def test_gradient_penalty(self, device):
        """A loss on a gradient, as in WGAN-GP: differentiated once more by backward."""
        x = variable([1.0, 2.0, 3.0], device=device)
        w = variable([0.5, -1.0, 2.0], device=device)
        g = xdbr.grad(xdbr.sum(w * x * x), x, create_graph=True)
        xdbr.sum(g * g).backward()
        # d/dw sum (2 w x)^2 = 8 w x^2
        assert w.grad.tolist() == [4.0, -32.0, 144.0]
        # d/dx sum (2 w x)^2 = 8 w^2 x
        assert x.grad.tolist() == [2.0, 16.0, 96.0]

    def test_grad_of_several_outputs(self, device):
        x, y = variable(2.0, device=device), variable(3.0, device=device)
        gx, gy = xdbr.grad([x * y, x * x], [x, y])
        assert (gx.item(), gy.item()) == (7.0, 2.0)
        assert x.grad is None

    def test_grad_of_an_input_within_the_graph(self, device):
        x = variable(2.0, device=device)
        middle = x * x
        assert xdbr.grad(middle * middle, middle).item() == 8.0

    def test_recorded_gradients_accumulate_recorded_also_under_no_grad(self, device):
        x = variable(2.0, device=device)
        for _ in range(2):
            y = x**3
            with xdbr.no_grad():
                y.backward(create_graph=True)
        g, x.grad = x.grad, None
        g.backward()
        assert x.grad.item() == 24.0

    def test_several_outputs_on_another_library_in_the_second_order(self):
        pytest.importorskip("array_api_strict", reason="needs a second library to move arrays to")

        def second(move):
            x = variable([[2.0, 1.0], [1.0, 3.0]], device="numpy")
            values, vectors = xdbr.linalg.eigh(x.to_device(move))
            y = (xdbr.sum(values * values) + xdbr.sum(vectors**3)).to_device("numpy") * xdbr.sum(xdbr.exp(x))
            g = xdbr.grad(y, x, create_graph=True)
            return xdbr.grad(xdbr.sum(g * g), x)

        for row, right in zip(second("strict").tolist(), second("numpy").tolist(), strict=True):
            assert row == pytest.approx(right, rel=1e-10)

    def test_an_unused_output_of_several_costs_nothing(self, device):
        a = variable([[2.0, 1.0], [1.0, 3.0]], device=device)
        values, _vectors = xdbr.linalg.eigh(a)
        xdbr.sum(values).backward()
        assert xdbr.linalg.trace(a.grad).item() == pytest.approx(2.0)

    def test_a_graph_that_changes(self, device):
        """Control flow is Python's: each pass may take another way."""
        for steps in (1, 4, 2):
            x = variable(1.5, device=device)
            y = x
            for _ in range(steps):
                y = y * x
            y.backward()
            assert x.grad.item() == pytest.approx((steps + 1) * 1.5**steps)


class TestHooks:
    def test_a_hook_replaces_the_whole_gradient_once(self, device):
        x = variable(2.0, device=device)
        calls = []
        remove = x.register_hook(lambda g: calls.append(g.item()) or g * 10.0)
        (x * x + x).backward()
        assert calls == [5.0]
        assert x.grad.item() == 50.0
        remove()
        x.zero_grad()
        (x * x).backward()
        assert x.grad.item() == 4.0

    def test_a_hook_in_the_middle(self, device):
        x = variable(2.0, device=device)
        y = x * 3.0
        y.register_hook(lambda g: -g)
        (y * y).backward()
        assert x.grad.item() == -36.0

    def test_a_hook_of_the_wrong_shape_is_refused(self, device):
        x = variable([1.0, 2.0], device=device)
        x.register_hook(lambda g: xdbr.sum(g))
        with pytest.raises(ShapeError, match=r"hook: expected a gradient of shape \(2,\)"):
            xdbr.sum(x).backward()
        assert x.grad is None

    def test_a_hook_that_gives_no_array_is_refused(self, device):
        x = variable([1.0, 2.0], device=device)
        x.register_hook(lambda g: 0.0)
        with pytest.raises(TypeError, match="hook: expected a Variable, an array or None; got float"):
            xdbr.sum(x * x).backward()
        assert x.grad is None

    def test_a_hook_on_a_constant_is_refused(self, device):
        with pytest.raises(GradientError, match="needs no gradient"):
            variable(1.0, requires_grad=False, device=device).register_hook(lambda g: g)


class TestMemory:
    def test_a_graph_is_freed_by_reference_counting(self, device):
        gc.collect()
        before = living_nodes()
        gc.disable()
        try:
            x = variable([[1.0, 2.0], [3.0, 4.0]], device=device)
            y = xdbr.tanh(x @ x) * x
            row = y[0, :]
            row[1] = row[0] * 2.0
            (g,) = xdbr.grad(xdbr.sum(y * y), [x], create_graph=True)
            xdbr.sum(g * g).backward(create_graph=True)
            assert living_nodes() > before
            x.grad = None
            del x, y, row, g
            assert living_nodes() == before
        finally:
            gc.enable()

    def test_a_deep_graph_needs_no_recursion(self):
        x = variable(1.0)
        y = x
        for _ in range(100_000):
            y = y + x
        y.backward()
        assert x.grad.item() == 100_001.0
        del y

    def test_a_deep_graph_is_freed_without_recursion_unused(self):
        x = variable(1.0)
        y = x
        for _ in range(100_000):
            y = -y
        node = y._node
        del y
        del node

    def test_saved_values_are_released_as_backward_proceeds(self, device):
        x = variable([1.0, 2.0], device=device)
        saved = []

        class Probe(xdbr.Function):
            def forward(self, xp, x):
                kept = Kept()
                saved.append(weakref.ref(kept))
                self.save(kept)
                return x * 2.0

            def backward(self, xp, g):
                alive.append([one() is not None for one in saved])
                return g * 2.0

        class Kept:
            pass

        alive = []
        y = Probe()(Probe()(Probe()(x)))
        xdbr.sum(y).backward()
        assert alive == [[True, True, True], [True, True, False], [True, False, False]]
        assert [one() for one in saved] == [None, None, None]
        assert y._node is not None

    def test_edges_stay_after_backward(self, device):
        x = variable(2.0, device=device, name="x")
        y = xdbr.exp(x * x)
        y.backward()
        names = []
        todo = [y._node]
        while todo:
            node = todo.pop()
            names.append(node.name)
            todo.extend(edge for edge in node.edges() if edge is not None)
        assert names == ["exp", "multiply", "leaf", "leaf"]


class TestThreads:
    def test_two_threads_do_not_meet(self, device):
        """Each thread builds and differentiates a graph of its own, one of them under no_grad now and then."""
        failures = []
        start = threading.Barrier(4)

        def work(number):
            try:
                start.wait()
                for i in range(200):
                    x = variable(float(number + 1), device=device)
                    with xdbr.no_grad():
                        assert not (x * x).requires_grad
                    y = x * x * float(i)
                    y.backward()
                    assert x.grad.item() == 2.0 * (number + 1) * i
            except BaseException as error:  # noqa: BLE001 - told to the main thread
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures


class TestTruncation:
    def test_unchain_backward_cuts_the_past(self, device):
        w = variable(0.9, device=device)
        h = variable(1.0, requires_grad=False, device=device)
        for _ in range(3):
            h = h * w
        h.unchain_backward()
        assert not h.requires_grad
        for _ in range(2):
            h = h * w
        h.backward()
        # h = c w^2 with c = 0.9^3 held constant
        assert w.grad.item() == pytest.approx(2 * 0.9**3 * 0.9)

    def test_unchain_backward_releases_what_the_past_has_saved(self, device):
        w = variable([0.9], device=device)
        first = w * 2.0
        second = first * w
        node = first._node
        second.unchain_backward()
        assert node.edges() == ()
        with pytest.raises(AttributeError):
            _ = node.prim.rules

    def test_unchain_cuts_what_was_computed_from_it_before(self, device):
        w = xdbr.Variable([2.0], requires_grad=True, device=device)
        h = w * 3.0
        loss = xdbr.sum(h * h + w)
        h.unchain()
        loss.backward()
        assert w.grad.tolist() == [1.0]

    def test_unchain_makes_a_constant(self, device):
        x = variable(2.0, device=device)
        y = x * x
        y.unchain()
        assert not y.requires_grad
        assert y.item() == 4.0

    def test_detach_shares_no_fate(self, device):
        x = variable([1.0, 2.0], device=device)
        y = (x * 2.0).detach()
        assert not y.requires_grad
        z = x * 1.0
        d = z.detach()
        d[0] = 50.0
        assert z.tolist() == [1.0, 2.0]


class TestDebugMode:
    def test_a_failing_backward_names_the_forward_line(self, device):
        class Broken(xdbr.Function):
            def forward(self, xp, x):
                return x * 1.0

            def backward(self, xp, g):
                raise RuntimeError("on purpose")

        x = variable(1.0, device=device)
        with xdbr.debug_mode():
            y = Broken()(x)  # the line to be shown
            with pytest.raises(RuntimeError, match="on purpose") as caught:
                y.backward()
        assert any("the line to be shown" in note for note in caught.value.__notes__)

    def test_a_backward_that_makes_a_nan_names_the_forward_line(self, device):
        x = variable([0.0, 1.0], device=device)
        with xdbr.debug_mode():
            y = xdbr.sqrt(x) * 0.0  # sqrt has an infinite slope at zero
            with pytest.raises(GradientError, match="sqrt has NaN") as caught:
                xdbr.sum(y).backward()
        assert any("an infinite slope" in note for note in caught.value.__notes__)

    def test_a_nan_from_a_function_with_several_outputs(self, device):
        class Split(xdbr.Function):
            def forward(self, xp, x):
                return x * 1.0, x * 2.0

            def backward(self, xp, g, h):
                return g * float("nan")

        x = variable([0.0, 1.0], device=device)
        with xdbr.debug_mode():
            left, _ = Split()(x)
            with pytest.raises(GradientError, match="Split has NaN where its cotangent has none"):
                xdbr.sum(left).backward()


class TestBadInput:
    def test_integers_have_no_gradient(self, device):
        with pytest.raises(DtypeError, match="got dtype int64"):
            xdbr.Variable([1, 2], requires_grad=True, dtype="int64", device=device)

    def test_backward_of_several_elements_needs_a_gradient(self, device):
        with pytest.raises(GradientError, match=r"shape \(2,\); only an output of one element"):
            (variable([1.0, 2.0], device=device) * 2.0).backward()

    def test_backward_without_a_graph(self, device):
        with pytest.raises(GradientError, match="has no graph"):
            variable(1.0, requires_grad=False, device=device).backward()

    def test_backward_twice(self, device):
        x = variable(2.0, device=device)
        y = x * x
        y.backward()
        with pytest.raises(GradientError, match=r"freed by an earlier backward; pass retain_graph=True"):
            y.backward()
        assert x.grad.item() == 4.0

    def test_backward_twice_with_retain_graph(self, device):
        x = variable(2.0, device=device)
        y = x * x
        y.backward(retain_graph=True)
        y.backward()
        assert x.grad.item() == 8.0

    def test_a_gradient_of_the_wrong_shape(self, device):
        y = variable([1.0, 2.0], device=device) * 2.0
        with pytest.raises(ShapeError, match=r"expected a gradient of shape \(2,\); got \(3,\)"):
            y.backward(xdbr.ones(3, dtype="float64", device=device))

    def test_a_gradient_of_the_wrong_dtype(self, device):
        y = variable([1.0, 2.0], device=device) * 2.0
        with pytest.raises(DtypeError, match="expected a gradient of dtype float64; got float32"):
            y.backward(xdbr.ones(2, dtype="float32", device=device))

    def test_a_gradient_on_another_device(self):
        pytest.importorskip("array_api_strict", reason="needs a backend with several devices")
        y = variable([1.0, 2.0], device="strict") * 2.0
        with pytest.raises(DeviceError, match="expected a gradient on 'strict'; got one on 'strict:device1'"):
            y.backward(xdbr.ones(2, dtype="float64", device="strict:device1"))

    def test_setting_a_gradient_checks_it(self, device):
        x = variable([1.0, 2.0], device=device, name="weight")
        with pytest.raises(ShapeError, match=r"grad of 'weight': expected shape \(2,\); got \(3,\)"):
            x.grad = xdbr.ones(3, dtype="float64", device=device)
        with pytest.raises(DtypeError, match="expected dtype float64; got float32"):
            x.grad = xdbr.ones(2, dtype="float32", device=device)
        with pytest.raises(TypeError, match="expected a Variable"):
            x.grad = "text"
        assert x.grad is None

    def test_an_input_that_the_output_does_not_use(self, device):
        x, y = variable(1.0, device=device), variable(2.0, device=device)
        with pytest.raises(GradientError, match="do not depend on input"):
            xdbr.grad(x * x, y)
        assert xdbr.grad(x * x, y, allow_unused=True) is None

    def test_grad_needs_variables_that_need_gradient(self, device):
        x = variable(1.0, requires_grad=False, device=device)
        with pytest.raises(GradientError, match="needs no gradient"):
            xdbr.grad(variable(1.0, device=device) * 2.0, x)

    def test_a_computed_variable_cannot_be_made_a_constant(self, device):
        y = variable(1.0, device=device) * 2.0
        with pytest.raises(GradientError, match="detach"):
            y.requires_grad = False

    @pytest.mark.parametrize("value", [0.0, 2.0])
    def test_a_single_cotangent_for_a_list_of_outputs(self, device, value):
        x = variable(3.0, device=device)
        with pytest.raises(TypeError, match="expected a sequence of grad_outputs, one per output; got a single array"):
            xdbr.grad([x * x], [x], variable(value, requires_grad=False, device=device))

    def test_a_missing_rule_raises(self, device):
        from xdbr.autograd.primitive import Primitive

        bare = Primitive(lambda xp, x, /: x * 2, name="without_a_rule")
        y = bare.function(variable(1.0, device=device))
        with pytest.raises(GradientError, match="without_a_rule has no gradient rule for its argument 'x'"):
            y.backward()

    def test_a_failed_backward_changes_no_gradient(self, device):
        class Broken(xdbr.Function):
            def forward(self, xp, x):
                return x * 1.0

            def backward(self, xp, g):
                raise RuntimeError("on purpose")

        x, w = variable(1.0, device=device), variable(2.0, device=device)
        y = Broken()(x) * w
        with pytest.raises(RuntimeError):
            y.backward()
        assert w.grad is None

    def test_a_missing_rule_raises_when_recording_too(self, device):
        from xdbr.autograd.primitive import Primitive

        half = Primitive(lambda xp, x1, x2, /: x1 * x2, name="with_one_rule")
        half.vjp(lambda xp, g, x2: g * x2, None)
        x, y = variable(1.0, device=device), variable(2.0, device=device)
        for create_graph in (False, True):
            with pytest.raises(GradientError, match="with_one_rule has no gradient rule for its argument 'x2'"):
                half.function(x, y).backward(create_graph=create_graph)
        half.function(x, y.detach()).backward()
        assert x.grad.item() == 2.0

    def test_no_inputs_give_no_gradients(self, device):
        x = variable(1.0, device=device)
        assert xdbr.grad(x * 2.0, []) == ()
        (x * 2.0).backward(inputs=[])
        assert x.grad is None


class TestOwnership:
    """Nobody's gradient is somebody else's Variable."""

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_writing_to_one_gradient_does_not_reach_another(self, device, create_graph):
        x, y = variable([1.0, 2.0], device=device), variable([3.0, 4.0], device=device)
        start = xdbr.ones(2, dtype="float64", device=device)
        (x + y).backward(start, create_graph=create_graph)
        x.grad *= 10.0
        assert (y.grad.tolist(), start.tolist()) == ([1.0, 1.0], [1.0, 1.0])
        gx, gy = xdbr.grad(x + y, [x, y], start, create_graph=create_graph)
        gx[0] = 7.0
        assert (gy.tolist(), start.tolist()) == ([1.0, 1.0], [1.0, 1.0])

    def test_the_starting_gradient_may_be_reused(self, backend, device):
        """A rule may hand the cotangent on as it is, and then it must not be the caller's own buffer."""
        x = variable([1.0, 2.0], device=device)
        start = backend.copy(xdbr.ones(2, dtype="float64", device=device)._raw)
        (x + 1.0).backward(start)
        g = xdbr.grad(x + 1.0, x, start)
        try:
            start[...] = 77.0
        except TypeError:
            pytest.skip(f"arrays of {backend.name} cannot be written")
        assert (x.grad.tolist(), g.tolist()) == ([1.0, 1.0], [1.0, 1.0])

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_what_two_inputs_share_is_not_added_to_in_place(self, device, create_graph):
        """The rule of a sum hands one buffer on to both inputs; the read of one of them adds to its own alone."""
        x, b = variable([1.0, 2.0], device=device), variable([3.0, 4.0], device=device)
        h = x * 1.0
        part = h[:1]
        y = h + b
        (xdbr.sum(part * 2.0) + xdbr.sum(y * 3.0) + xdbr.sum(y * 5.0)).backward(create_graph=create_graph)
        assert x.grad.tolist() == [2.0 + 8.0, 8.0]
        assert b.grad.tolist() == [8.0, 8.0]

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_a_hook_that_writes_its_argument_changes_nothing(self, device, create_graph):
        x, y = variable([1.0], device=device), variable([1.0], device=device)
        left, right = x * 1.0, y * 1.0

        def hook(g):
            g *= 10.0

        right.register_hook(hook)
        (left + right).backward(create_graph=create_graph)
        assert (x.grad.tolist(), y.grad.tolist()) == ([1.0], [1.0])
