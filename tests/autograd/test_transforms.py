"""Transforms: derivatives of functions, nested, over nested arguments, of any Array API code."""

from __future__ import annotations

import math

import numpy as np
import pytest

import xdbr
from xdbr import DtypeError, GradientError, ShapeError
from xdbr.autograd.trees import flatten, map_tree


@pytest.fixture
def x(device):
    return xdbr.asarray([0.5, -1.0, 2.0], dtype="float64", device=device)


def loss(x):
    return xdbr.sum(xdbr.sin(x) * x)


def close(found, expected, rtol=1e-12):
    np.testing.assert_allclose(np.asarray(found.detach().tolist()), np.asarray(expected), rtol=rtol, atol=1e-12)


HOST = np.asarray([0.5, -1.0, 2.0])
FIRST = np.cos(HOST) * HOST + np.sin(HOST)
SECOND = np.diag(2 * np.cos(HOST) - HOST * np.sin(HOST))


class TestGrad:
    def test_the_gradient_of_a_function(self, x):
        close(xdbr.grad(loss)(x), FIRST)
        assert not xdbr.grad(loss)(x).requires_grad

    def test_the_argument_stays_as_it_is(self, x):
        xdbr.grad(loss)(x)
        assert not x.requires_grad
        assert x.grad is None

    def test_value_and_grad(self, x):
        value, g = xdbr.value_and_grad(loss)(x)
        assert value.item() == pytest.approx(float(np.sum(np.sin(HOST) * HOST)))
        assert not value.requires_grad
        close(g, FIRST)

    def test_python_numbers(self):
        assert xdbr.grad(lambda x: x**3)(2.0).item() == pytest.approx(12.0)

    def test_raw_arrays(self):
        close(xdbr.grad(loss)(HOST), FIRST)

    def test_nested_arguments(self, x):
        def f(tree, scale):
            return xdbr.sum(tree["a"][0] * tree["a"][1]) * scale

        g = xdbr.grad(f)({"a": (x, x * 2.0), "count": 3}, 2.0)
        close(g["a"][0], 4 * HOST)
        close(g["a"][1], 2 * HOST)
        assert g["count"] is None

    def test_argnums(self, x):
        def f(a, b, c):
            return xdbr.sum(a * b) + c

        close(xdbr.grad(f, 1)(x, x, 0.0), HOST)
        ga, gc = xdbr.grad(f, (0, -1))(x, x, 0.0)
        close(ga, HOST)
        assert gc.item() == 1.0
        with pytest.raises(ValueError, match="argnums names argument 3, but 3"):
            xdbr.grad(f, 3)(x, x, 0.0)

    def test_has_aux(self, x):
        def f(x):
            y = x * x
            return xdbr.sum(y), {"y": y}

        g, aux = xdbr.grad(f, has_aux=True)(x)
        close(g, 2 * HOST)
        close(aux["y"], HOST**2)
        assert not aux["y"].requires_grad
        (value, aux), g = xdbr.value_and_grad(f, has_aux=True)(x)
        assert value.item() == pytest.approx(5.25)

    def test_writes_to_the_argument(self, x):
        def f(x):
            x[0] = x[1] * 2.0
            x += 1.0
            return xdbr.sum(x * x)

        close(xdbr.grad(f)(x), [0.0, 2 * 2 * (-2.0 + 1.0) + 2 * (-1.0 + 1.0), 2 * 3.0])
        close(x, HOST)

    def test_an_argument_that_does_not_matter_gets_zeros(self, x):
        ga, gb = xdbr.grad(lambda a, b: xdbr.sum(a), (0, 1))(x, x)
        close(ga, np.ones(3))
        close(gb, np.zeros(3))


class TestNesting:
    @pytest.mark.parametrize("order", [1, 2, 3, 4])
    def test_orders(self, order):
        f = lambda x: xdbr.exp(2.0 * x)  # noqa: E731
        for _ in range(order):
            f = xdbr.grad(f)
        assert f(xdbr.asarray(0.3, dtype="float64")).item() == pytest.approx(2**order * math.exp(0.6), rel=1e-12)

    def test_perturbations_are_not_confused(self):
        """Siskind and Pearlmutter's example: the inner derivative is 1, whatever x is."""
        f = xdbr.grad(lambda x: x * xdbr.grad(lambda y: x + y)(2.0))
        assert f(1.0).item() == 1.0
        g = xdbr.grad(lambda x: x * xdbr.grad(lambda y: x * y)(2.0))
        assert g(3.0).item() == 6.0

    def test_a_gradient_within_a_recorded_graph(self, device):
        w = xdbr.Variable([2.0, 3.0], requires_grad=True, dtype="float64", device=device)
        x = xdbr.asarray([1.0, 2.0], dtype="float64", device=device)
        g = xdbr.grad(lambda x: xdbr.sum(w * x * x))(x)
        assert g.requires_grad
        xdbr.sum(g).backward()
        assert w.grad.tolist() == [2.0, 4.0]

    def test_an_argument_of_an_outer_graph(self, device):
        x = xdbr.Variable([1.0, 2.0], requires_grad=True, dtype="float64", device=device)
        g = xdbr.grad(lambda y: xdbr.sum(y**3))(x * 2.0)
        xdbr.sum(g).backward()
        # d/dx 3 (2x)^2 = 24 x
        assert x.grad.tolist() == [24.0, 48.0]

    def test_no_grad_outside_cuts_what_comes_out(self, device):
        x = xdbr.Variable([1.0, 2.0], requires_grad=True, dtype="float64", device=device)
        with xdbr.no_grad():
            g = xdbr.grad(lambda y: xdbr.sum(y**3))(x)
        assert not g.requires_grad
        assert g.tolist() == [3.0, 12.0]


class TestProducts:
    def test_vjp(self, x):
        y, pull = xdbr.vjp(lambda a, b: {"p": a * b, "s": a + b}, x, x * 2.0)
        assert not y["p"].requires_grad
        one = xdbr.ones_like(x)
        for _ in range(2):
            ga, gb = pull({"p": one, "s": one * 10.0})
            close(ga, 2 * HOST + 10)
            close(gb, HOST + 10)

    def test_vjp_checks_its_cotangents(self, x):
        _, pull = xdbr.vjp(lambda a: (a, a), x)
        with pytest.raises(ShapeError, match="expected 2 cotangents, one for each output; got 1"):
            pull((x,))
        with pytest.raises(ShapeError, match=r"expected a cotangent of shape \(3,\); got \(\)"):
            pull((x, x[0]))

    def test_jvp(self, x):
        y, dy = xdbr.jvp(lambda a, b: a * xdbr.exp(b), [x, x], [xdbr.ones_like(x), 2.0 * xdbr.ones_like(x)])
        close(y, HOST * np.exp(HOST))
        close(dy, np.exp(HOST) + 2 * HOST * np.exp(HOST))
        assert not dy.requires_grad

    def test_jvp_of_a_linear_function_and_of_a_constant(self, x):
        _, dy = xdbr.jvp(lambda a: (a * 3.0, xdbr.ones_like(a)), [x], [x])
        close(dy[0], 3 * HOST)
        close(dy[1], np.zeros(3))

    def test_jvp_of_jvp(self, x):
        def first(a):
            return xdbr.jvp(xdbr.sin, [a], [xdbr.ones_like(a)])[1]

        _, second = xdbr.jvp(first, [x], [xdbr.ones_like(x)])
        close(second, -np.sin(HOST))

    def test_jvp_checks_its_tangents(self, x):
        with pytest.raises(ShapeError, match="expected 1 tangents"):
            xdbr.jvp(xdbr.sin, [x], [x, x])
        with pytest.raises(DtypeError, match="expected a tangent of dtype float64; got float32"):
            xdbr.jvp(xdbr.sin, [x], [xdbr.astype(x, "float32")])

    def test_hvp(self, x):
        (product,) = xdbr.hvp(loss, [x], [xdbr.asarray([1.0, 2.0, 3.0], dtype="float64", device=x.device)])
        close(product, SECOND @ [1.0, 2.0, 3.0])

    def test_hvp_of_a_linear_function_is_zero(self, x):
        (product,) = xdbr.hvp(lambda a: xdbr.sum(a * 3.0), [x], [x])
        close(product, np.zeros(3))


class TestJacobians:
    @pytest.mark.parametrize("mode", ["reverse", "forward"])
    def test_jacobian(self, x, mode):
        def f(a):
            return xdbr.stack([a * a, a * a[0]])

        found = xdbr.jacobian(f, mode=mode)(x)
        assert found.shape == (2, 3, 3)
        expected = np.zeros((2, 3, 3))
        expected[0] = np.diag(2 * HOST)
        expected[1] = np.diag(np.full(3, HOST[0]))
        expected[1, :, 0] += HOST
        close(found, expected)

    @pytest.mark.parametrize("mode", ["reverse", "forward"])
    def test_structures_and_constants(self, x, mode):
        found = xdbr.jacobian(lambda p: {"s": p["a"] + 2.0 * p["b"], "c": xdbr.ones_like(p["a"])}, mode=mode)(
            {"a": x, "b": x}
        )
        close(found["s"]["a"], np.eye(3))
        close(found["s"]["b"], 2 * np.eye(3))
        close(found["c"]["a"], np.zeros((3, 3)))

    def test_hessian(self, x):
        close(xdbr.hessian(loss)(x), SECOND)

    def test_hessian_of_several_arguments(self, x):
        found = xdbr.hessian(lambda a, b: xdbr.sum(a * a * b), (0, 1))(x, x)
        close(found[0][0], 2 * np.diag(HOST))
        close(found[0][1], 2 * np.diag(HOST))
        close(found[1][1], np.zeros((3, 3)))

    @pytest.mark.parametrize("mode", ["reverse", "forward"])
    def test_complex_numbers(self, device, mode):
        z = xdbr.asarray([1 + 2j, -0.5 + 0.25j], dtype="complex128", device=device)
        host = np.asarray(z.tolist())
        close(xdbr.jacobian(lambda z: xdbr.exp(z) * z, mode=mode)(z), np.diag(np.exp(host) * (1 + host)))
        # To real output: the gradient, dL/dRe + i dL/dIm.
        close(
            xdbr.jacobian(lambda z: xdbr.real(z) ** 2 + 3.0 * xdbr.imag(z), mode=mode)(z), np.diag(2 * host.real + 3j)
        )
        # From real input: the derivative as it stands.
        x = xdbr.real(z)
        close(xdbr.jacobian(lambda x: xdbr.exp(1j * x), mode=mode)(x), np.diag(1j * np.exp(1j * host.real)))

    @pytest.mark.parametrize("mode", ["reverse", "forward"])
    def test_a_function_that_is_not_holomorphic_has_no_complex_jacobian(self, device, mode):
        z = xdbr.asarray([1 + 2j], dtype="complex128", device=device)
        for f in (xdbr.conj, lambda z: z * xdbr.abs(z)):
            with pytest.raises(GradientError, match="jacobian: the function is not holomorphic here"):
                xdbr.jacobian(f, mode=mode)(z)

    @pytest.mark.parametrize("mode", ["reverse", "forward"])
    def test_the_jacobian_is_differentiable(self, x, mode):
        def size(x):
            return xdbr.sum(xdbr.jacobian(lambda a: xdbr.sin(a) * a[0], mode=mode)(x) ** 2)

        step = 1e-6
        host = np.asarray(x.tolist())
        at = [size(xdbr.asarray(host + step * e, device=x.device)).item() for e in (*np.eye(3), *-np.eye(3))]
        close(xdbr.grad(size)(x), (np.asarray(at[:3]) - at[3:]) / (2 * step), rtol=1e-8)

    def test_aux(self, x):
        second, aux = xdbr.hessian(lambda a: (xdbr.sum(a**3), "seen"), has_aux=True)(x)
        close(second, np.diag(6 * HOST))
        assert aux == "seen"
        (product,), aux = xdbr.hvp(lambda a: (xdbr.sum(a**3), "seen"), [x], [xdbr.ones_like(x)], has_aux=True)
        close(product, 6 * HOST)
        assert aux == "seen"

    def test_no_elements(self, device):
        found = xdbr.jacobian(lambda a: a * a)(xdbr.ones((0,), device=device))
        assert found.shape == (0, 0)

    def test_a_mode_that_does_not_exist(self):
        with pytest.raises(ValueError, match="mode must be 'reverse' or 'forward'; got 'sideways'"):
            xdbr.jacobian(loss, mode="sideways")


class TestErrors:
    def test_an_output_that_is_no_number(self, x):
        with pytest.raises(ShapeError, match=r"must return one number; got shape \(3,\)"):
            xdbr.grad(lambda a: a * a)(x)
        with pytest.raises(TypeError, match="must return a Variable, made of .* got float"):
            xdbr.grad(lambda a: 1.0)(x)
        with pytest.raises(DtypeError, match="must return a real number; got dtype complex128"):
            xdbr.grad(lambda a: xdbr.sum(a * 1j))(x)

    def test_an_output_that_does_not_depend_on_the_input(self, x):
        with pytest.raises(GradientError, match="does not depend on the arguments"):
            xdbr.grad(lambda a: xdbr.sum(xdbr.ones_like(a)))(x)

    def test_errors_name_the_transform_and_what_came(self, x):
        with pytest.raises(ShapeError, match="^hessian: the function must return one number"):
            xdbr.hessian(lambda a: a)(x)
        with pytest.raises(ShapeError, match="^hvp: the function must return one number"):
            xdbr.hvp(lambda a: a, [x], [x])
        with pytest.raises(TypeError, match="^jvp: the function must return Variables; got float"):
            xdbr.jvp(lambda a: 2.0, [x], [x])
        with pytest.raises(TypeError, match="argnums must be an integer or a non-empty tuple of integers; got 'x'"):
            xdbr.grad(loss, "x")(x)
        with pytest.raises(ValueError, match=r"argnums names an argument twice; got \(0, -2\)"):
            xdbr.grad(lambda a, b: xdbr.sum(a), (0, -2))(x, x)
        with pytest.raises(
            TypeError, match="jvp: primals must be a tuple or list, one for each argument; got Variable"
        ):
            xdbr.jvp(xdbr.sin, x, x)
        with pytest.raises(ShapeError, match="structure of the primals, which hold 1 values; got 3"):
            xdbr.jvp(xdbr.sin, [x], [[1.0, 2.0, 3.0]])
        with pytest.raises(TypeError, match="expected a function, or outputs .* and inputs; got int and inputs"):
            xdbr.grad(3, x)

    def test_arguments_without_a_derivative(self, device):
        with pytest.raises(GradientError, match="holds no floating-point"):
            xdbr.grad(lambda i: i)(xdbr.arange(3, device=device))

    def test_aux_that_is_missing(self, x):
        with pytest.raises(TypeError, match="must return \\(output, aux\\)"):
            xdbr.grad(loss, has_aux=True)(x)

    def test_neither_a_function_nor_inputs(self, x):
        with pytest.raises(TypeError, match="expected a function, or outputs .* and inputs"):
            xdbr.grad(x)


def test_trees():
    leaves, rebuild = flatten({"a": [1, (2, None)], "b": {}})
    assert leaves == [1, 2, None]
    assert rebuild([10, 20, 30]) == {"a": [10, (20, 30)], "b": {}}
    assert map_tree(lambda n: n + 1, ([1], 2)) == ([2], 3)
