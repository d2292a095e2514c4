"""User-defined functions."""

from __future__ import annotations

import pytest

import xdbr
from xdbr import DeviceError, DtypeError, GradientError
from xdbr.testing import assert_allclose


class Exp(xdbr.Function):
    def forward(self, xp, x):
        y = xp.exp(x)
        self.save(y)
        return y

    def backward(self, xp, g):
        (y,) = self.saved
        return g * y


class Scale(xdbr.Function):
    """Multiplication, with an option of its own."""

    def __init__(self, factor):
        self.factor = factor

    def forward(self, xp, x, y):
        self.save(x, y)
        return x * y * self.factor

    def backward(self, xp, g):
        x, y = self.saved
        gx = g * y * self.factor if self.needs_input_grad[0] else None
        gy = g * x * self.factor if self.needs_input_grad[1] else None
        return gx, gy


class SumAndProduct(xdbr.Function):
    def forward(self, xp, x, y):
        self.save(x, y)
        return x + y, x * y

    def backward(self, xp, gs, gp):
        x, y = self.saved
        gx = gy = 0.0
        if gs is not None:
            gx, gy = gs, gs
        if gp is not None:
            gx, gy = gx + gp * y, gy + gp * x
        return gx, gy


def variable(value, device, requires_grad=True):
    return xdbr.Variable(value, requires_grad=requires_grad, dtype="float64", device=device)


def test_every_order(device):
    x = variable([0.0, 1.0], device)
    y = xdbr.sum(Exp()(x))
    for _ in range(3):
        y = xdbr.sum(xdbr.grad(y, x, create_graph=True))
        assert y.item() == pytest.approx(1.0 + 2.718281828459045)


def test_options_and_needed_gradients(device):
    x, y = variable(2.0, device), variable(3.0, device, requires_grad=False)
    z = Scale(10.0)(x, y)
    assert z.item() == 60.0
    z.backward()
    assert x.grad.item() == 30.0


def test_an_instance_may_be_called_many_times(device):
    double = Scale(2.0)
    x, y = variable(2.0, device), variable(3.0, device)
    first, second = double(x, y), double(y, y)
    (first + second).backward()
    assert x.grad.item() == 6.0
    assert y.grad.item() == 4.0 + 12.0


def test_several_outputs_second_order(device):
    x, y = variable(2.0, device), variable(3.0, device)
    s, p = SumAndProduct.apply(x, y)
    gx = xdbr.grad(s * s + p * p, x, create_graph=True)
    # d/dx [(x+y)^2 + x^2 y^2] = 2 (x+y) + 2 x y^2
    assert gx.item() == pytest.approx(10.0 + 36.0)
    # d/dy of that = 2 + 4 x y
    assert xdbr.grad(gx, y).item() == pytest.approx(2.0 + 24.0)


def test_one_of_several_outputs(device):
    x, y = variable(2.0, device), variable(3.0, device)
    _, p = SumAndProduct()(x, y)
    p.backward()
    assert (x.grad.item(), y.grad.item()) == (3.0, 2.0)


def test_nothing_is_recorded_without_gradient(device):
    x = variable(2.0, device, requires_grad=False)
    assert not Exp()(x).requires_grad
    with xdbr.no_grad():
        assert not Exp()(variable(2.0, device)).requires_grad


def test_a_wrong_count_of_gradients(device):
    class Bad(Scale):
        def backward(self, xp, g):
            return g

    with pytest.raises(GradientError, match=r"Bad.backward: expected 2 gradients, one per input; got 1"):
        Bad(1.0)(variable(1.0, device), variable(1.0, device)).backward()


def test_bad_output_and_input(device):
    class Text(xdbr.Function):
        def forward(self, xp, x):
            return "text"

    with pytest.raises(TypeError, match=r"Text\.forward: output 0 must be a raw array; got str"):
        Text()(variable(1.0, device))
    with pytest.raises(DtypeError, match="Exp: expected at least one array"):
        Exp()(1.0)


def test_methods_that_do_not_take_the_namespace(device):
    class NoNamespace(xdbr.Function):
        def forward(self, x):
            return x

    class NoNamespaceBack(xdbr.Function):
        def forward(self, xp, x):
            return x

        def backward(self, g):
            return g

    class Fails(xdbr.Function):
        def forward(self, xp, x):
            raise TypeError("its own")

    x = xdbr.Variable([1.0], requires_grad=True)
    with pytest.raises(TypeError) as caught:
        NoNamespace()(x)
    assert "forward(self, xp, ...)" in caught.value.__notes__[0]
    y = NoNamespaceBack()(x)
    with pytest.raises(TypeError) as caught:
        y.backward()
    assert "backward(self, xp, ...)" in caught.value.__notes__[0]
    with pytest.raises(TypeError) as caught:
        Fails()(x)
    assert not hasattr(caught.value, "__notes__")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_computed_number_is_an_array_like_any_other(device, dtype):
    class Square(xdbr.Function):
        def forward(self, xp, x):
            self.save(x)
            return x * x

        def backward(self, xp, g):
            (x,) = self.saved
            return 2 * x * g

    x = xdbr.Variable([1.0, 2.0], requires_grad=True, dtype=dtype)
    y = Square()(xdbr.sum(x))
    g = xdbr.grad(y, x, create_graph=True)
    assert_allclose(g, [6.0, 6.0])
    assert_allclose(xdbr.grad(xdbr.sum(g), x), [4.0, 4.0])


def test_a_saved_intermediate_number_has_no_second_derivative(device):
    class Hidden(xdbr.Function):
        def forward(self, xp, x):
            y = xp.exp(x)
            self.save(y * 1)
            return y * 2

        def backward(self, xp, g):
            (y,) = self.saved
            return 2 * g * y

    x = xdbr.Variable(1.0, requires_grad=True, dtype="float64")
    with pytest.raises(GradientError, match="create_graph=True needs saved arrays to be inputs or outputs"):
        xdbr.grad(Hidden()(x) * x, x, create_graph=True)


def test_no_output(device):
    class Nothing(xdbr.Function):
        def forward(self, xp, x):
            return ()

    with pytest.raises(TypeError, match=r"Nothing\.forward: expected an array or a tuple of them; got an empty tuple"):
        Nothing()(xdbr.ones(2))


def test_inputs_on_two_devices():
    pytest.importorskip("array_api_strict", reason="needs a backend with several devices")
    with pytest.raises(DeviceError, match="'strict' and 'strict:device1'"):
        Scale(1.0)(variable(1.0, "strict"), variable(1.0, "strict:device1"))


def test_twice_on_a_freed_graph(device):
    x = variable(1.0, device)
    y = Exp()(x)
    y.backward()
    with pytest.raises(GradientError, match="graph of Exp has been freed"):
        y.backward()


def test_a_saved_intermediate_has_no_second_derivative(device):
    """What a saved intermediate depends on is not known: a constant would be silently wrong."""

    class Square(xdbr.Function):
        def forward(self, xp, x):
            self.save(2 * x)
            return x * x

        def backward(self, xp, g):
            (twice,) = self.saved
            return g * twice

    x = variable([3.0], device)
    Square()(x).backward()
    assert x.grad.tolist() == [6.0]
    with pytest.raises(GradientError, match="saved arrays to be inputs or outputs"):
        xdbr.grad(Square()(x), x, create_graph=True)


def test_what_it_is_given_cannot_be_written_silently(backend, device):
    class Greedy(xdbr.Function):
        def forward(self, xp, x):
            return x * 2.0

        def backward(self, xp, g):
            g *= 2.0
            return g

    if backend.name != "numpy":
        pytest.skip("only NumPy has read-only arrays")
    x, start = variable([1.0], device), xdbr.ones(1, dtype="float64", device=device)
    with pytest.raises(ValueError, match="read-only"):
        Greedy()(x).backward(start)
    assert start.tolist() == [1.0]


def test_an_integer_output_has_no_gradient(device):
    class Sorted(xdbr.Function):
        def forward(self, xp, x):
            order = xp.argsort(x)
            self.save(order)
            return xp.take(x, order), order

        def backward(self, xp, g, _):
            (order,) = self.saved
            return xp.take(g, xp.argsort(order))

    x = variable([3.0, 1.0, 2.0], device)
    y, order = Sorted()(x)
    assert y.requires_grad
    assert not order.requires_grad
    xdbr.sum(y * xdbr.asarray([1.0, 10.0, 100.0], dtype="float64", device=device)).backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]


def test_an_input_kept_as_an_attribute_has_lost_its_connection(device):
    class Square(xdbr.Function):
        def forward(self, xp, x):
            self.x = x
            return x * x

        def backward(self, xp, g):
            return 2 * self.x * g

    x = xdbr.Variable([1.0, 2.0], dtype="float64")
    assert_allclose(xdbr.grad(lambda a: xdbr.sum(Square()(a)))(x), [2.0, 4.0])
    with pytest.raises(GradientError, match=r"Square: create_graph=True needs inputs and outputs kept by self\.save"):
        xdbr.hessian(lambda a: xdbr.sum(Square()(a)))(x)
