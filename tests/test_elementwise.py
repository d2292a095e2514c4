"""Edge values of the element-wise functions: kinks, zeros, infinities, dtypes, scalars."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import xdbr
from xdbr.backends import Backend, Device
from xdbr.testing import assert_allclose, check_grads, to_host

INF, NAN = math.inf, math.nan

FLOATING = (
    "acos acosh asin asinh atan atanh cos cosh exp expm1 log log1p log2 log10 reciprocal sin sinh sqrt tan tanh"
).split()
FLOATING_BINARY = "atan2 copysign divide hypot logaddexp nextafter".split()


def leaves(xp: Any, *values: Any, dtype: Any = None) -> list[Any]:
    made = [
        xp.asarray(value, dtype=dtype or ("complex128" if np.iscomplexobj(value) else "float64")) for value in values
    ]
    for x in made:
        x.requires_grad = True
    return made


def slopes(y: Any, *inputs: Any, create_graph: bool = False) -> Any:
    """The gradients of the sum of `y`."""
    found = xdbr.grad(
        y, list(inputs), y.__array_namespace__().ones_like(y), create_graph=create_graph, allow_unused=True
    )
    return found[0] if len(inputs) == 1 else found


# -- dtypes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("default", ["float32", "float64"])
@pytest.mark.parametrize("name", FLOATING)
def test_integers_are_read_in_the_default_dtype(xp: Any, name: str, default: str) -> None:
    function = getattr(xp, name)
    with xdbr.default_dtype(default):
        for dtype in ("int32", "int64", "uint8"):
            out = function(xp.asarray([1, 1], dtype=dtype))
            assert out.dtype.name == default
            assert_allclose(out, to_host(function(xp.asarray([1.0, 1.0], dtype=default))))


@pytest.mark.parametrize("default", ["float32", "float64"])
@pytest.mark.parametrize("name", FLOATING_BINARY)
def test_two_integer_arrays_are_read_in_the_default_dtype(xp: Any, name: str, default: str) -> None:
    function = getattr(xp, name)
    one, two = xp.asarray([1, 4]), xp.asarray([2, 3])
    with xdbr.default_dtype(default):
        want = to_host(function(xp.asarray([1.0, 4.0]), xp.asarray([2.0, 3.0])))
        assert want.dtype.name == default
        assert_allclose(function(one, two), want, check_dtype=True)
        assert function(one, 2).dtype.name == default
        assert function(2.5, two).dtype.name == default


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "pow"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_python_scalars_are_weak(xp: Any, name: str, dtype: str) -> None:
    function = getattr(xp, name)
    x = xp.asarray([1.0, 2.0], dtype=dtype)
    for scalar in (2, 2.5):
        assert function(x, scalar).dtype.name == dtype
        assert function(scalar, x).dtype.name == dtype
    wide = {"float32": "complex64", "float64": "complex128"}.get(dtype, dtype)
    assert function(x, 1j).dtype.name == wide
    assert function(1j, x).dtype.name == wide


def test_gradient_of_a_real_array_beside_a_complex_scalar(xp: Any) -> None:
    (x,) = leaves(xp, [1.0, 2.0])
    check_grads(lambda x: x * (1 + 2j), [x.detach()])
    g = slopes(x * (3 + 2j), x)
    assert g.dtype.name == "float64"
    assert_allclose(g, [3.0, 3.0])


def test_mixed_real_and_complex_arrays(xp: Any) -> None:
    x, z = xp.asarray([1.0, -2.0], dtype="float64"), xp.asarray([1 + 2j, 3 - 1j], dtype="complex128")
    for function in (xp.add, xp.subtract, xp.multiply, xp.divide):
        check_grads(function, [x, z])
        check_grads(function, [z, x])


@pytest.mark.parametrize("name", ["ceil", "floor", "trunc", "round"])
def test_rounding_integers_keeps_their_dtype(xp: Any, name: str) -> None:
    x = xp.asarray([1, -2], dtype="int16")
    assert_allclose(getattr(xp, name)(x), np.asarray([1, -2], dtype="int16"), check_dtype=True)


def test_what_is_no_array_is_refused(xp: Any) -> None:
    with pytest.raises(xdbr.DtypeError, match="tanh: .*got str"):
        xp.tanh("text")
    with pytest.raises(xdbr.DtypeError, match="add: .*got"):
        xp.add(1, 2)
    with pytest.raises(xdbr.DtypeError, match="clip: .*got"):
        xp.clip(1, 2, 3)
    with pytest.raises(TypeError):
        xp.add(xp.ones(2))


# -- ties and kinks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_ties_of_extrema_get_half_each(xp: Any, name: str) -> None:
    x1, x2 = leaves(xp, [1.0, 2.0, 3.0, INF, -INF], [1.0, 3.0, 2.0, INF, -INF])
    g1, g2 = slopes(getattr(xp, name)(x1, x2), x1, x2)
    first = [0.5, 0.0, 1.0, 0.5, 0.5] if name == "maximum" else [0.5, 1.0, 0.0, 0.5, 0.5]
    assert_allclose(g1, first)
    assert_allclose(g2, [1 - g for g in first])


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_nan_wins_and_gets_no_gradient(xp: Any, name: str) -> None:
    x1, x2 = leaves(xp, [NAN, 1.0], [1.0, NAN])
    out = getattr(xp, name)(x1, x2)
    assert_allclose(out, [NAN, NAN])
    g1, g2 = slopes(out, x1, x2)
    assert_allclose(g1, [0.0, 0.0])
    assert_allclose(g2, [0.0, 0.0])


def test_extrema_beside_a_scalar(xp: Any) -> None:
    (x,) = leaves(xp, [-1.0, 0.0, 2.0])
    assert_allclose(slopes(xp.maximum(x, 0), x), [0.0, 0.5, 1.0])
    assert_allclose(slopes(xp.minimum(0.0, x), x), [1.0, 0.5, 0.0])


def test_bounds_of_clip_pass_the_gradient_to_x(xp: Any) -> None:
    x, low, high = leaves(xp, [-3.0, -1.0, 0.0, 1.0, 3.0], [-1.0] * 5, [1.0] * 5)
    out = xp.clip(x, low, high)
    assert_allclose(out, [-1.0, -1.0, 0.0, 1.0, 1.0])
    g, g_low, g_high = slopes(out, x, low, high)
    assert_allclose(g, [0.0, 1.0, 1.0, 1.0, 0.0])
    assert_allclose(g_low, [1.0, 0.0, 0.0, 0.0, 0.0])
    assert_allclose(g_high, [0.0, 0.0, 0.0, 0.0, 1.0])


@pytest.mark.parametrize("x", [-2.0, -1.0, 0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (1.0, -1.0), (0.0, 0.0)])
def test_each_element_of_clip_has_one_source(xp: Any, x: float, low: float, high: float) -> None:
    given = leaves(xp, x, low, high)
    out = xp.clip(*given)
    parts = [0.0 if g is None else g.item() for g in slopes(out, *given)]
    assert sorted(parts) == [0.0, 0.0, 1.0]
    assert given[parts.index(1.0)].item() == out.item()


def test_clip_without_bounds_is_a_copy(xp: Any) -> None:
    x = xp.asarray([1.0, 2.0])
    y = xp.clip(x)
    y[0] = 7.0
    assert_allclose(x, [1.0, 2.0])


def test_clip_propagates_nan(xp: Any) -> None:
    x = xp.asarray([NAN, 1.0, 1.0])
    assert_allclose(xp.clip(x, xp.asarray([0.0, NAN, 0.0]), xp.asarray([2.0, 2.0, NAN])), [NAN, NAN, NAN])


def test_abs_and_sign_at_zero(xp: Any) -> None:
    x, z = leaves(xp, [0.0, -0.0, 2.0], [0j, 3 + 4j])
    assert_allclose(slopes(xp.abs(x), x), [0.0, 0.0, 1.0])
    assert_allclose(slopes(xp.abs(z), z), [0j, 0.6 + 0.8j])
    assert_allclose(slopes(xp.real(xp.sign(z)), z)[0], 0j)
    assert not xp.sign(x).requires_grad
    assert_allclose(xp.sign(xp.asarray([0.0, -0.0, NAN, -INF])), [0.0, 0.0, NAN, -1.0])


def test_second_derivative_of_complex_abs_at_zero_is_finite(xp: Any) -> None:
    (z,) = leaves(xp, [0j, 3 + 4j])
    second = slopes(slopes(xp.abs(z), z, create_graph=True), z)
    assert bool(xp.all(xp.isfinite(second)))


def test_copysign_at_zero(xp: Any) -> None:
    x1, x2 = leaves(xp, [0.0, 2.0, -2.0, 2.0], [-1.0, -0.0, 1.0, 0.0])
    out = xp.copysign(x1, x2)
    assert to_host(xp.signbit(out)).tolist() == [True, True, False, False]
    g1, g2 = slopes(out, x1, x2)
    assert_allclose(g1, [0.0, -1.0, -1.0, 1.0])
    assert_allclose(g2, [0.0] * 4)


def test_hypot_and_atan2_at_the_origin(xp: Any) -> None:
    x1, x2 = leaves(xp, [0.0, 3.0], [0.0, 4.0])
    g1, g2 = slopes(xp.hypot(x1, x2), x1, x2)
    assert_allclose(g1, [0.0, 0.6])
    assert_allclose(g2, [0.0, 0.8])
    g1, g2 = slopes(xp.atan2(x1, x2), x1, x2)
    assert_allclose(g1, [NAN, 4 / 25])
    assert_allclose(g2, [NAN, -3 / 25])


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e200])
def test_gradients_of_lengths_and_angles_neither_overflow_nor_underflow(xp: Any, scale: float) -> None:
    x1, x2 = leaves(xp, [3 * scale], [4 * scale])
    assert_allclose(slopes(xp.hypot(x1, x2), x1), [0.6])
    assert_allclose(slopes(xp.atan2(x1, x2), x1) * scale, [4 / 25])


# -- powers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(10))
def test_small_powers_agree_with_pow(xp: Any, n: int) -> None:
    values = [-2.0, -1.5, -0.0, 0.0, 0.3, 1.0, 1.7, INF, -INF, NAN]
    for scalar in (n, float(n)):
        assert_allclose(
            xp.pow(xp.asarray(values, dtype="float64"), scalar), [math.pow(x, n) for x in values], rtol=1e-14
        )
    whole = xp.asarray([-2, 0, 1, 3])
    assert_allclose(whole**n, np.asarray([-2, 0, 1, 3]) ** n, check_dtype=True)


def test_floating_power_of_integers_is_floating(xp: Any) -> None:
    assert_allclose(xp.asarray([1, 2]) ** -1.0, [1.0, 0.5])


@pytest.mark.parametrize(("n", "first", "second"), [(0, 0, 0), (1, 1, 0), (2, 0, 2), (3, 0, 0), (4, 0, 0), (2.5, 0, 0)])
def test_derivatives_of_powers_at_zero(xp: Any, n: float, first: float, second: float) -> None:
    for exponent in (n, xp.asarray([n], dtype="float64")):
        (x,) = leaves(xp, [0.0])
        g = slopes(x**exponent, x, create_graph=True)
        assert_allclose(g, [float(first)])
        if g.requires_grad:
            assert_allclose(slopes(g, x), [float(second)])
        else:
            assert second == 0


def test_gradient_of_the_exponent_at_a_zero_base(xp: Any) -> None:
    base, exponent = leaves(xp, [0.0, 0.0, 0.0, 2.0], [2.0, 0.0, -1.0, 3.0])
    g = slopes(base**exponent, exponent)
    assert_allclose(g, [0.0, 0.0, -INF, 8 * math.log(2)])


def test_second_derivatives_of_pow_at_a_zero_base(xp: Any) -> None:
    base, exponent = leaves(xp, [0.0], [2.0])
    g_base, g_exponent = slopes(base**exponent, base, exponent, create_graph=True)
    assert_allclose(slopes(g_base, base), [2.0])
    found = xdbr.grad(g_exponent, [base, exponent], xp.ones_like(g_exponent), allow_unused=True)
    assert all(g is None or g.item() == 0.0 for g in found)


def test_exponent_at_a_negative_base_has_no_real_derivative(xp: Any) -> None:
    base, exponent = leaves(xp, [-2.0], [2.0])
    g_base, g_exponent = slopes(base**exponent, base, exponent)
    assert_allclose(g_base, [-4.0])
    assert_allclose(g_exponent, [NAN])


def test_scalar_base(xp: Any) -> None:
    (x,) = leaves(xp, [0.0, 3.0])
    assert_allclose(slopes(2**x, x), [math.log(2), 8 * math.log(2)])
    assert_allclose(slopes(0**x, x), [0.0, 0.0])


def test_augmented_power_of_a_square(xp: Any) -> None:
    (x,) = leaves(xp, [2.0])
    y = x * 1
    y **= 2
    assert_allclose(slopes(y, x), [4.0])


# -- logarithms and exponentials -----------------------------------------------------------------------


def test_logaddexp_at_infinities(xp: Any) -> None:
    x1, x2 = leaves(xp, [-INF, INF, -INF, 1.0, INF, 1.0, 1000.0], [-INF, INF, 1.0, -INF, 1.0, INF, 0.0])
    g1, g2 = slopes(xp.logaddexp(x1, x2), x1, x2)
    first = [0.5, 0.5, 0.0, 1.0, 1.0, 0.0, 1.0]
    assert_allclose(g1, first)
    assert_allclose(g2, [1 - g for g in first])


def test_second_derivative_of_logaddexp_at_a_tie(xp: Any) -> None:
    x1, x2 = leaves(xp, [0.3], [0.3])
    (second,) = [slopes(slopes(xp.logaddexp(x1, x2), x1, create_graph=True), x1)]
    assert_allclose(second, [0.25])


def test_small_arguments_keep_their_digits(xp: Any) -> None:
    x = xp.asarray([1e-12, -1e-12], dtype="float64")
    assert_allclose(xp.expm1(x), [math.expm1(1e-12), math.expm1(-1e-12)], rtol=1e-15)
    assert_allclose(xp.log1p(x), [math.log1p(1e-12), math.log1p(-1e-12)], rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "at", "slope"),
    [
        ("sqrt", 0.0, INF),
        ("asin", 1.0, INF),
        ("acos", -1.0, -INF),
        ("acosh", 1.0, INF),
        ("atanh", 1.0, INF),
        ("log", 0.0, INF),
    ],
)
def test_infinite_slopes(xp: Any, name: str, at: float, slope: float) -> None:
    (x,) = leaves(xp, [at])
    assert_allclose(slopes(getattr(xp, name)(x), x), [slope])


# -- division with rest --------------------------------------------------------------------------------


def test_floor_divide_with_infinities(xp: Any) -> None:
    x1 = xp.asarray([INF, -INF, INF, 1.0, -1.0, 0.0, INF, 1.0, NAN, -0.0])
    x2 = xp.asarray([2.0, 2.0, -2.0, INF, INF, INF, INF, 0.0, 1.0, 5.0])
    out = xp.floor_divide(x1, x2)
    assert_allclose(out, [INF, -INF, -INF, 0.0, -0.0, 0.0, NAN, INF, NAN, -0.0])
    assert not out.requires_grad
    assert_allclose(xp.floor_divide(x1, 2.0)[:2], [INF, -INF])
    assert_allclose(xp.floor_divide(1.0, x2)[:4], [0.0, 0.0, -1.0, 0.0])


def test_remainder_holds_the_quotient(xp: Any) -> None:
    x1, x2 = leaves(xp, [7.0, -7.0, 6.0], [3.0, 3.0, 3.0])
    g1, g2 = slopes(x1 % x2, x1, x2)
    assert_allclose(g1, [1.0, 1.0, 1.0])
    assert_allclose(g2, [-2.0, 3.0, -2.0])


# -- complex numbers -----------------------------------------------------------------------------------


def test_gradient_of_a_real_loss_descends(xp: Any) -> None:
    (z,) = leaves(xp, [1 + 2j, -3 + 0.5j])
    target = xp.asarray([0.5 - 1j, 2j], dtype="complex128")

    def loss(z: Any) -> Any:
        return xp.sum(xp.abs(xp.exp(z / 4) * z - target) ** 2)

    (g,) = xdbr.grad(loss(z), [z])
    assert loss(z.detach() - 1e-3 * g).item() < loss(z).item()


def test_parts_of_real_arrays(xp: Any) -> None:
    (x,) = leaves(xp, [1.0, -2.0])
    assert_allclose(xp.real(x), [1.0, -2.0])
    assert_allclose(xp.imag(x), [0.0, 0.0])
    assert_allclose(xp.conj(x), [1.0, -2.0])
    assert_allclose(slopes(xp.real(x) + xp.imag(x) + xp.conj(x), x), [2.0, 2.0])
    assert_allclose(x.real, [1.0, -2.0])
    assert_allclose(x.imag, [0.0, 0.0])


def test_real_part_of_a_real_array_is_no_alias(xp: Any) -> None:
    x = xp.asarray([1.0, 2.0])
    for y in (xp.real(x), xp.conj(x), xp.round(xp.asarray([1, 2])), xp.positive(x), x**1):
        before = to_host(y).copy()
        y[0] = 7
        assert_allclose(x, [1.0, 2.0])
        x[1] = 2.0
        assert_allclose(y[1:], before[1:])


# -- results without a derivative ------------------------------------------------------------------------


@pytest.mark.parametrize("function", [lambda x: x // 2, lambda x: x > 0, lambda x: -x == x, xdbr.floor, xdbr.isnan])
def test_piecewise_constant_results_need_no_gradient(xp: Any, function: Callable[[Any], Any]) -> None:
    (x,) = leaves(xp, [1.0, 2.0])
    assert not function(x).requires_grad


# -- devices -------------------------------------------------------------------------------------------


def test_raw_arrays_are_taken(backend: Backend, device: Device) -> None:
    raw = backend.from_host(np.asarray([0.3, 0.5]), device=device)
    assert_allclose(xdbr.sin(raw), [math.sin(0.3), math.sin(0.5)])
    assert_allclose(xdbr.add(raw, 1), [1.3, 1.5])
    assert xdbr.add(raw, raw).device == device


@pytest.mark.parametrize("pair", [("int64", "float32"), ("int8", "float32"), ("bool", "float32"), ("bool", "int32")])
def test_result_type_where_the_standard_has_none_is_that_of_the_operators(pair: tuple[str, str], device: Any) -> None:
    x, y = (xdbr.ones(2, dtype=dtype, device=device) for dtype in pair)
    try:
        want = (x * y).dtype
    except xdbr.DtypeError:
        with pytest.raises(
            xdbr.DtypeError, match=r"result_type: neither the standard nor backend .* has a common dtype"
        ):
            xdbr.result_type(x, y)
        return
    assert xdbr.result_type(x, y) == xdbr.result_type(x.dtype, y) == want
