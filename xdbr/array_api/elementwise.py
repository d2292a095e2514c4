"""Element-wise arithmetic: sums, products, powers, extrema and the parts of complex numbers, each with its rule.

Convention for complex numbers, here and everywhere: the cotangent of `z` is dL/dRe(z) + i dL/dIm(z), as in
PyTorch, so a step against the gradient lowers a real loss. For a holomorphic `f` that makes the rule
`g * conj(f'(x))`. Functions marked `holomorphic` state `g * f'(x)` only, and the engine conjugates
where the result is complex: real numbers, the common case, then pay nothing for it.

Every function takes Python scalars beside arrays, and broadcasts. Integers that go into a function with
floating-point results are read in the default floating-point dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._typing import Array, Dtype, Scalar
from ..autograd.kernels import FORMS
from ..autograd.primitive import elementwise, primitive
from ..autograd.variable import VARIABLES, Variable
from ..backends import DTYPES, Backend, canonical_dtype

__all__ = [
    "abs",
    "add",
    "clip",
    "conj",
    "copysign",
    "divide",
    "floor_divide",
    "hypot",
    "imag",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "nextafter",
    "positive",
    "pow",
    "real",
    "reciprocal",
    "remainder",
    "sign",
    "sqrt",
    "square",
    "subtract",
]

_SCALARS = (bool, int, float, complex)
_FLOAT32, _FLOAT64 = DTYPES["float32"], DTYPES["float64"]


def is_complex(dtype: Dtype) -> bool:
    """Tell whether a library's dtype is complex; a library's own isdtype takes a microsecond."""
    if dtype is _FLOAT32 or dtype is _FLOAT64:  # as for most arrays
        return False
    return getattr(canonical_dtype(dtype), "kind", "f") == "c"


# -- sums and products -------------------------------------------------------------------------------


@elementwise
def add(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Sum of corresponding elements; numeric dtypes.

    >>> import xdbr
    >>> xdbr.add(xdbr.asarray([1.0, 2.0]), 1)
    Variable([2., 3.], dtype=float32)
    """
    return xp.add(x1, x2)


add.vjp(lambda xp, g: g, lambda xp, g: g)


@elementwise
def subtract(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Difference of corresponding elements; numeric dtypes.

    >>> import xdbr
    >>> xdbr.subtract(1, xdbr.asarray([1.0, 3.0]))
    Variable([ 0., -2.], dtype=float32)
    """
    return xp.subtract(x1, x2)


subtract.vjp(lambda xp, g: g, lambda xp, g: -g)


@primitive(elementwise=True, holomorphic=True)
def multiply(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Product of corresponding elements; numeric dtypes.

    >>> import xdbr
    >>> xdbr.multiply(xdbr.asarray([1.0, 2.0]), xdbr.asarray([3.0, 4.0]))
    Variable([3., 8.], dtype=float32)
    """
    return xp.multiply(x1, x2)


multiply.vjp(lambda xp, g, x2: g * x2, lambda xp, g, x1: g * x1)


@primitive(elementwise=True, holomorphic=True, floating=True)
def divide(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Quotient of corresponding elements; numeric dtypes, the result floating-point.

    >>> import xdbr
    >>> xdbr.divide(xdbr.asarray([1.0, 2.0]), 4)
    Variable([0.25, 0.5 ], dtype=float32)
    """
    return xp.divide(x1, x2)


divide.vjp(lambda xp, g, x2: g / x2, lambda xp, g, x2, out: -g / x2 * out)


@primitive(elementwise=True, differentiable=False)
def floor_divide(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Quotient rounded down to an integer; real dtypes. Piecewise constant: the result needs no gradient.

    Infinities follow the standard: `inf // 2` is inf, and `1 // inf` is 0, where libraries say NaN or -1.

    >>> import xdbr
    >>> xdbr.floor_divide(xdbr.asarray([5.0, -5.0]), 3)
    Variable([ 1., -2.], dtype=float32)
    """
    out = xp.floor_divide(x1, x2)
    if getattr(canonical_dtype(out.dtype), "kind", "f") != "f":
        return out
    x1, x2 = _as_array(xp, x1, out), _as_array(xp, x2, out)
    return xp.where(xp.isinf(x1) | xp.isinf(x2), xp.floor(xp.divide(x1, x2)), out)


@elementwise
def remainder(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Remainder of the division rounded down, with the sign of `x2`: `x1 - floor(x1 / x2) * x2`; real dtypes.

    The gradient is that of the formula with the quotient held fixed, also where it jumps.

    >>> import xdbr
    >>> xdbr.remainder(xdbr.asarray([5.0, -5.0]), 3)
    Variable([2., 1.], dtype=float32)
    """
    return xp.remainder(x1, x2)


remainder.vjp(lambda xp, g: g, lambda xp, g, x1, x2: -g * xp.floor_divide(x1, x2))


@elementwise
def negative(xp: Any, x: Array, /) -> Array:
    """Each element with the other sign; numeric dtypes.

    >>> import xdbr
    >>> xdbr.negative(xdbr.asarray([1.0, -2.0]))
    Variable([-1.,  2.], dtype=float32)
    """
    return xp.negative(x)


negative.vjp(lambda xp, g: -g)


@elementwise
def positive(xp: Any, x: Array, /) -> Array:
    """Each element as it is, in a new array; numeric dtypes.

    >>> import xdbr
    >>> xdbr.positive(xdbr.asarray([1.0, -2.0]))
    Variable([ 1., -2.], dtype=float32)
    """
    return xp.positive(x)


positive.vjp(lambda xp, g: g)


# -- powers ------------------------------------------------------------------------------------------

# Multiplying is 10 to 30 times faster than the libraries' pow; from here on it is no longer.
_SMALL_POWERS = frozenset(range(9))


@primitive(elementwise=True, holomorphic=True)
def pow(xp: Any, x1: Array, x2: Array, /) -> Array:
    """`x1` to the power `x2`; numeric dtypes. Python scalars 0, 1, ..., 8 as `x2` are lowered to products.

    At a zero base the gradient for `x1` is 0 at exponent 0, and that for `x2` is 0 at exponents not below 0, as in
    PyTorch; both count as constant there. At a negative base `x2` has no real derivative: its gradient is NaN.

    >>> import xdbr
    >>> xdbr.pow(xdbr.asarray([1.0, 2.0, 3.0]), 2)
    Variable([1., 4., 9.], dtype=float32)
    """
    if type(x2) in (int, float) and x2 in _SMALL_POWERS:
        return _small_power(xp, x1, int(x2))
    return xp.pow(x1, x2)


def _small_power(xp: Any, x: Array, n: int) -> Array:
    """Give the product of `n` factors `x`, by repeated squaring."""
    if n < 2:
        return xp.ones_like(x) if n == 0 else xp.positive(x)
    if n == 3:
        return xp.multiply(x, xp.multiply(x, x))
    half = x if n < 4 else _small_power(xp, x, n // 2)
    even = xp.multiply(half, half)
    return xp.multiply(x, even) if n % 2 else even


def _pow_base_rule(xp: Any, g: Array, x1: Array, x2: Array | Scalar) -> Array:
    if isinstance(x2, _SCALARS):
        if x2 == 0:
            return xp.zeros_like(g)
        return g * x2 * (x1 if x2 == 2 else xp.pow(x1, x2 - 1))
    # Zero where 0 to the power 0 is concerned. At other bases the plain product is, and has a derivative by x2 there.
    return xp.where((x1 == 0) & (x2 == 0), 0.0, g * x2 * xp.pow(x1, x2 - 1))


def _pow_exponent_rule(xp: Any, g: Array, x1: Array | Scalar, x2: Array, out: Array) -> Array:
    x1 = _as_array(xp, x1, out)
    vanishes = (x1 == 0) & (xp.real(x2) >= 0)
    return xp.where(vanishes, 0.0, g * out * xp.log(x1))


pow.vjp(_pow_base_rule, _pow_exponent_rule)


@primitive(elementwise=True, holomorphic=True)
def square(xp: Any, x: Array, /) -> Array:
    """Each element times itself; numeric dtypes.

    >>> import xdbr
    >>> xdbr.square(xdbr.asarray([1.0, -2.0]))
    Variable([1., 4.], dtype=float32)
    """
    return xp.square(x)


square.vjp(lambda xp, g, x: 2 * g * x)


@primitive(elementwise=True, holomorphic=True, floating=True)
def sqrt(xp: Any, x: Array, /) -> Array:
    """Principal square root; floating-point dtypes. The gradient at zero is infinite.

    >>> import xdbr
    >>> xdbr.sqrt(xdbr.asarray([1.0, 4.0]))
    Variable([1., 2.], dtype=float32)
    """
    return xp.sqrt(x)


sqrt.vjp(lambda xp, g, out: 0.5 * g / out)


@primitive(elementwise=True, holomorphic=True, floating=True)
def reciprocal(xp: Any, x: Array, /) -> Array:
    """One divided by each element; floating-point dtypes.

    >>> import xdbr
    >>> xdbr.reciprocal(xdbr.asarray([1.0, 4.0]))
    Variable([1.  , 0.25], dtype=float32)
    """
    return xp.divide(1, x)  # NumPy's reciprocal of integers is an integer


reciprocal.vjp(lambda xp, g, out: -g * out * out)


# -- sizes and signs ---------------------------------------------------------------------------------


@elementwise
def abs(xp: Any, x: Array, /) -> Array:
    """Absolute value, real also for complex `x`; numeric dtypes. The gradient at zero is zero.

    >>> import xdbr
    >>> xdbr.abs(xdbr.asarray([1.0, -2.0]))
    Variable([1., 2.], dtype=float32)
    """
    return xp.abs(x)


abs.vjp(lambda xp, g, x: g * xp.sign(x))


@primitive(name="sign", elementwise=True, differentiable=False)
def _real_sign(xp: Any, x: Array, /) -> Array:
    """Give -1, 0 or 1 by the sign of each element; x / |x| of a complex one."""
    return _signs(xp, x)


@primitive(name="extras.direction", elementwise=True)
def _direction(xp: Any, x: Array, /) -> Array:
    """Give x / |x|, and zero for zero, of complex numbers."""
    return _signs(xp, x)


def _signs(xp: Any, x: Array) -> Array:
    # The standard's complex zero has no sign, array-api-strict's keeps that of x.
    return xp.where(x == 0, xp.zeros_like(x), xp.sign(x)) if is_complex(x.dtype) else xp.sign(x)


def _direction_rule(xp: Any, g: Array, x: Array, out: Array) -> Array:
    # A change of x along itself does not turn it: what of g is parallel to x goes.
    size = xp.abs(x)
    across = g - out * xp.real(xp.conj(g) * out)
    return across / xp.where(size == 0, 1.0, size) * xp.abs(out)


_direction.vjp(_direction_rule)


def sign(x: Any, /) -> Variable:
    """-1, 0 or 1 by the sign of each element, x / |x| of a complex one; numeric dtypes.

    For real `x` it is piecewise constant, and the result needs no gradient; for complex `x` it has
    one, which is zero at zero.

    >>> import xdbr
    >>> xdbr.sign(xdbr.asarray([3.0, 0.0, -2.0]))
    Variable([ 1.,  0., -1.], dtype=float32)
    """
    if type(x) in VARIABLES and x.dtype.kind == "c":
        return _direction(x)
    return _real_sign(x)


@primitive(elementwise=True, floating=True)
def copysign(xp: Any, x1: Array, x2: Array, /) -> Array:
    """The size of `x1` with the sign of `x2`, signed zeros included; real floating-point dtypes.

    The gradient for `x1` is zero where `x1` is, and that for `x2` is zero everywhere.

    >>> import xdbr
    >>> xdbr.copysign(xdbr.asarray([1.0, -2.0]), -1)
    Variable([-1., -2.], dtype=float32)
    """
    return xp.copysign(x1, x2)


copysign.vjp(
    lambda xp, g, x1, x2: xp.copysign(xp.ones_like(g), x2) * xp.sign(x1) * g,
    lambda xp, g: xp.zeros_like(g),
)


@primitive(elementwise=True, floating=True)
def nextafter(xp: Any, x1: Array, x2: Array, /) -> Array:
    """The next number that the dtype has after `x1` towards `x2`; real floating-point dtypes.

    The gradient for `x1` is that of the identity, that for `x2` is zero.

    >>> import xdbr
    >>> xdbr.nextafter(xdbr.asarray([1.0]), 2) - 1 == xdbr.finfo(xdbr.float32).eps
    Variable([ True], dtype=bool)
    """
    return xp.nextafter(x1, x2)


nextafter.vjp(lambda xp, g: g, lambda xp, g: xp.zeros_like(g))


@primitive(elementwise=True, floating=True)
def hypot(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Length of the hypotenuse, `sqrt(x1**2 + x2**2)` without overflow; real floating-point dtypes.

    The gradient at the origin is zero, and its own derivative NaN there.

    >>> import xdbr
    >>> xdbr.hypot(xdbr.asarray([3.0]), 4)
    Variable([5.], dtype=float32)
    """
    return xp.hypot(x1, x2)


def _over_length(xp: Any, g: Array, x: Array, out: Array) -> Array:
    return g * xp.extras.kink(out, x / out)


hypot.vjp(
    lambda xp, g, x1, out: _over_length(xp, g, x1, out),
    lambda xp, g, x2, out: _over_length(xp, g, x2, out),
)


# -- extrema -----------------------------------------------------------------------------------------


def _share(xp: Any, g: Array, wins: Array, ties: Array) -> Array:
    """Give the whole cotangent where this argument wins, half of it where both are equal."""
    return xp.where(wins, g, xp.where(ties, 0.5 * g, 0.0))


@elementwise
def maximum(xp: Any, x1: Array, x2: Array, /) -> Array:
    """The greater of corresponding elements, NaN where one is; real dtypes.

    Where both are equal each gets half of the gradient; where one is NaN neither gets any.

    >>> import xdbr
    >>> xdbr.maximum(xdbr.asarray([-1.0, 2.0]), 0)
    Variable([0., 2.], dtype=float32)
    """
    return xp.maximum(x1, x2)


maximum.vjp(
    lambda xp, g, x1, x2: _share(xp, g, x1 > x2, x1 == x2),
    lambda xp, g, x1, x2: _share(xp, g, x2 > x1, x1 == x2),
)


@elementwise
def minimum(xp: Any, x1: Array, x2: Array, /) -> Array:
    """The lesser of corresponding elements, NaN where one is; real dtypes.

    Where both are equal each gets half of the gradient; where one is NaN neither gets any.

    >>> import xdbr
    >>> xdbr.minimum(xdbr.asarray([-1.0, 2.0]), 0)
    Variable([-1.,  0.], dtype=float32)
    """
    return xp.minimum(x1, x2)


minimum.vjp(
    lambda xp, g, x1, x2: _share(xp, g, x1 < x2, x1 == x2),
    lambda xp, g, x1, x2: _share(xp, g, x2 < x1, x1 == x2),
)


@primitive(name="clip", elementwise=True, joint=True)
def _clip(xp: Any, x: Array, min: Array | Scalar | None, max: Array | Scalar | None, /) -> Array:
    """Give x limited to [min, max], either of which may be None."""
    out = x
    if min is not None:
        out = xp.maximum(out, min)
    if max is not None:
        out = xp.minimum(out, max)
    return xp.positive(x) if out is x else out


def _clip_rule(
    xp: Any, g: Array, needs: list[bool], x: Array, min: Array | Scalar | None, max: Array | Scalar | None
) -> list[Array | None]:
    lifted = x if min is None else xp.maximum(x, min)
    found: list[Array | None] = [None, None, None]
    inside = None if min is None else x >= min
    if max is not None:
        under = lifted <= max
        inside = under if inside is None else inside & under
        if needs[2]:
            found[2] = xp.where(under, 0.0, g)
    if needs[0]:
        found[0] = g if inside is None else xp.where(inside, g, 0.0)
    if needs[1]:
        found[1] = xp.where((x < min) if max is None else (x < min) & under, g, 0.0)
    return found


_clip.vjp_joint(_clip_rule)


def _raw_clip(backend: Backend) -> Callable[..., Any]:
    kernel = _clip.primitive.kernel(backend)
    return lambda x, /, min=None, max=None: kernel(x, min, max)


FORMS["clip"] = _raw_clip


def clip(x: Any, /, min: Any = None, max: Any = None) -> Variable:
    """Limit each element to `[min, max]`; real dtypes, which promote as in `maximum`.

    min, max: a bound as an array or a Python scalar, or None for none; where `min > max` the result is `max`.

    The gradient goes to `x` where it lies within the bounds or on one, else to the bound that it got.

    >>> import xdbr
    >>> xdbr.clip(xdbr.asarray([-2.0, 0.5, 2.0]), -1, 1)
    Variable([-1. ,  0.5,  1. ], dtype=float32)
    """
    return _clip.primitive.apply((x, min, max), {})  # type: ignore[no-any-return]


# -- complex numbers -----------------------------------------------------------------------------------


@elementwise
def real(xp: Any, x: Array, /) -> Array:
    """The real part; numeric dtypes, a real array as it is.

    >>> import xdbr
    >>> xdbr.real(xdbr.asarray([1 + 2j]))
    Variable([1.], dtype=float32)
    """
    return xp.real(x) if is_complex(x.dtype) else x


real.vjp(lambda xp, g: g)


@elementwise
def imag(xp: Any, x: Array, /) -> Array:
    """The imaginary part; numeric dtypes, zeros for a real array.

    >>> import xdbr
    >>> xdbr.imag(xdbr.asarray([1 + 2j]))
    Variable([2.], dtype=float32)
    """
    return xp.imag(x) if is_complex(x.dtype) else xp.zeros_like(x)


def _imag_rule(xp: Any, g: Array, x_dtype: Any) -> Array:
    if not is_complex(x_dtype):
        return xp.zeros_like(g)
    return 1j * xp.astype(g, x_dtype)


imag.vjp(_imag_rule)


@elementwise
def conj(xp: Any, x: Array, /) -> Array:
    """The complex conjugate; numeric dtypes, a real array as it is.

    >>> import xdbr
    >>> xdbr.conj(xdbr.asarray([1 + 2j]))
    Variable([1.-2.j], dtype=complex64)
    """
    return xp.conj(x) if is_complex(x.dtype) else x


conj.vjp(lambda xp, g: xp.conj(g))


def _as_array(xp: Any, x: Array | Scalar, like: Array) -> Array:
    """Give a Python scalar as an array with the shape and dtype of another; an array as it is."""
    return xp.full_like(like, x) if isinstance(x, _SCALARS) else x
