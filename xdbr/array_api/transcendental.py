"""Element-wise exponentials, logarithms, trigonometric and hyperbolic functions, each with its rule.

Unless its text says otherwise, a function takes real and complex floating-point dtypes, and the branch
cuts of its complex form are those of the standard (and of C99). The rules are those of real
numbers; see `elementwise` for what the engine makes of them for complex ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from .._typing import Array
from ..autograd.primitive import PrimitiveFunction, primitive
from ..autograd.variable import Variable
from .elementwise import is_complex

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "exp",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "sin",
    "sinh",
    "tan",
    "tanh",
]

P = ParamSpec("P")


def _analytic(forward: Callable[Concatenate[Any, P], Any], /) -> PrimitiveFunction[P, Variable]:
    """Make a holomorphic function with floating-point results."""
    return primitive(elementwise=True, holomorphic=True, floating=True)(forward)


# -- exponentials and logarithms -----------------------------------------------------------------------


@_analytic
def exp(xp: Any, x: Array, /) -> Array:
    """e to the power of each element.

    >>> import xdbr
    >>> xdbr.exp(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([1.        , 2.71828183], dtype=float64)
    """
    return xp.exp(x)


exp.vjp(lambda xp, g, out: g * out)


@_analytic
def expm1(xp: Any, x: Array, /) -> Array:
    """`exp(x) - 1`, exact to the last digits also for small elements.

    >>> import xdbr
    >>> xdbr.expm1(xdbr.asarray([0.0, 1e-10], dtype="float64"))
    Variable([0.e+00, 1.e-10], dtype=float64)
    """
    return _complex_expm1(xp, x) if is_complex(x.dtype) else xp.expm1(x)


def _complex_expm1(xp: Any, x: Array) -> Array:
    # Libraries take exp(a) - 1 apart also where a is infinite, and get NaN where the standard has a value;
    # and they keep the sign of a real zero, which the standard does not.
    zero = xp.zeros_like(x)
    zero = xp.where(xp.signbit(xp.imag(x)), xp.conj(zero), zero)
    return xp.where(x == 0, zero, xp.where(xp.isfinite(xp.real(x)), xp.expm1(x), xp.exp(x) - 1))


expm1.vjp(lambda xp, g, out: g * (out + 1))


@_analytic
def log(xp: Any, x: Array, /) -> Array:
    """Natural logarithm, NaN for negative real elements; the gradient at zero is infinite.

    >>> import xdbr
    >>> xdbr.log(xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([0.        , 0.69314718], dtype=float64)
    """
    return xp.log(x)


log.vjp(lambda xp, g, x: g / x)


@_analytic
def log1p(xp: Any, x: Array, /) -> Array:
    """`log(1 + x)`, exact to the last digits also for small elements; the gradient at -1 is infinite.

    >>> import xdbr
    >>> xdbr.log1p(xdbr.asarray([0.0, 1e-10], dtype="float64"))
    Variable([0.e+00, 1.e-10], dtype=float64)
    """
    return xp.log1p(x)


log1p.vjp(lambda xp, g, x: g / (x + 1))


@_analytic
def log2(xp: Any, x: Array, /) -> Array:
    """Logarithm to the base 2; the gradient at zero is infinite.

    >>> import xdbr
    >>> xdbr.log2(xdbr.asarray([1.0, 8.0], dtype="float64"))
    Variable([0., 3.], dtype=float64)
    """
    return xp.log2(x)


log2.vjp(lambda xp, g, x: g / (x * math.log(2)))


@_analytic
def log10(xp: Any, x: Array, /) -> Array:
    """Logarithm to the base 10; the gradient at zero is infinite.

    >>> import xdbr
    >>> xdbr.log10(xdbr.asarray([1.0, 100.0], dtype="float64"))
    Variable([0., 2.], dtype=float64)
    """
    return xp.log10(x)


log10.vjp(lambda xp, g, x: g / (x * math.log(10)))


@primitive(elementwise=True, floating=True)
def logaddexp(xp: Any, x1: Array, x2: Array, /) -> Array:
    """`log(exp(x1) + exp(x2))` without overflow; real floating-point dtypes.

    Where both arguments are the same infinity, each gets half of the gradient.

    >>> import xdbr
    >>> xdbr.logaddexp(xdbr.asarray([0.0, 1000.0], dtype="float64"), xdbr.asarray([0.0, 0.0], dtype="float64"))
    Variable([6.93147181e-01, 1.00000000e+03], dtype=float64)
    """
    return xp.logaddexp(x1, x2)


def _logaddexp_rule(xp: Any, g: Array, x: Array, other: Array, out: Array) -> Array:
    # exp(x - out) is the share of x; at an infinite result the difference says nothing.
    at_infinity = xp.where(x == other, 0.5, xp.where(x == out, xp.ones_like(out), 0.0))
    return g * xp.where(xp.isinf(out), at_infinity, xp.exp(x - out))


logaddexp.vjp(
    lambda xp, g, x1, x2, out: _logaddexp_rule(xp, g, x1, x2, out),
    lambda xp, g, x1, x2, out: _logaddexp_rule(xp, g, x2, x1, out),
)


# -- trigonometric functions -----------------------------------------------------------------------------


@_analytic
def sin(xp: Any, x: Array, /) -> Array:
    """Sine of each element, in radians.

    >>> import xdbr
    >>> xdbr.sin(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.        , 0.84147098], dtype=float64)
    """
    return xp.sin(x)


sin.vjp(lambda xp, g, x: g * xp.cos(x))


@_analytic
def cos(xp: Any, x: Array, /) -> Array:
    """Cosine of each element, in radians.

    >>> import xdbr
    >>> xdbr.cos(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([1.        , 0.54030231], dtype=float64)
    """
    return xp.cos(x)


cos.vjp(lambda xp, g, x: -g * xp.sin(x))


@_analytic
def tan(xp: Any, x: Array, /) -> Array:
    """Tangent of each element, in radians.

    >>> import xdbr
    >>> xdbr.tan(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.        , 1.55740772], dtype=float64)
    """
    return xp.tan(x)


tan.vjp(lambda xp, g, out: g * (1 + out * out))


@_analytic
def asin(xp: Any, x: Array, /) -> Array:
    """Principal inverse sine in radians, NaN outside [-1, 1] for real elements; the gradient at -1 and 1 is infinite.

    >>> import xdbr
    >>> xdbr.asin(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.        , 1.57079633], dtype=float64)
    """
    return xp.asin(x)


asin.vjp(lambda xp, g, x: g / xp.sqrt((1 - x) * (1 + x)))


@_analytic
def acos(xp: Any, x: Array, /) -> Array:
    """Principal inverse cosine in radians, NaN outside [-1, 1] for real elements; the gradient at -1 and 1 is infinite.

    >>> import xdbr
    >>> xdbr.acos(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([1.57079633, 0.        ], dtype=float64)
    """
    return xp.acos(x)


acos.vjp(lambda xp, g, x: -g / xp.sqrt((1 - x) * (1 + x)))


@_analytic
def atan(xp: Any, x: Array, /) -> Array:
    """Principal inverse tangent in radians.

    >>> import xdbr
    >>> xdbr.atan(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.        , 0.78539816], dtype=float64)
    """
    return xp.atan(x)


atan.vjp(lambda xp, g, x: g / (1 + x * x))


@primitive(elementwise=True, floating=True)
def atan2(xp: Any, x1: Array, x2: Array, /) -> Array:
    """Angle in radians, in [-pi, pi], of the point with ordinate `x1` and abscissa `x2`; real floating-point dtypes.

    There is no gradient at the origin: it is NaN.

    >>> import xdbr
    >>> xdbr.atan2(xdbr.asarray([1.0, -1.0], dtype="float64"), xdbr.asarray([1.0, 0.0], dtype="float64"))
    Variable([ 0.78539816, -1.57079633], dtype=float64)
    """
    return xp.atan2(x1, x2)


def _over_square(xp: Any, g: Array, x: Array, x1: Array, x2: Array) -> Array:
    # Dividing by the length twice neither overflows nor underflows where its square would.
    length = xp.hypot(x1, x2)
    return g * (x / length / length)


atan2.vjp(
    lambda xp, g, x1, x2: _over_square(xp, g, x2, x1, x2),
    lambda xp, g, x1, x2: -_over_square(xp, g, x1, x1, x2),
)


# -- hyperbolic functions --------------------------------------------------------------------------------


@_analytic
def sinh(xp: Any, x: Array, /) -> Array:
    """Hyperbolic sine of each element.

    >>> import xdbr
    >>> xdbr.sinh(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.        , 1.17520119], dtype=float64)
    """
    return xp.sinh(x)


sinh.vjp(lambda xp, g, x: g * xp.cosh(x))


@_analytic
def cosh(xp: Any, x: Array, /) -> Array:
    """Hyperbolic cosine of each element.

    >>> import xdbr
    >>> xdbr.cosh(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([1.        , 1.54308063], dtype=float64)
    """
    return xp.cosh(x)


cosh.vjp(lambda xp, g, x: g * xp.sinh(x))


@_analytic
def tanh(xp: Any, x: Array, /) -> Array:
    """Hyperbolic tangent of each element.

    >>> import xdbr
    >>> xdbr.tanh(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.        , 0.76159416], dtype=float64)
    """
    return _complex_tanh(xp, x) if is_complex(x.dtype) else xp.tanh(x)


def _complex_tanh(xp: Any, x: Array) -> Array:
    # At an infinite real part C99 has an imaginary zero with the sign of sin(2b), the standard with that of b.
    a, b = xp.real(x), xp.imag(x)
    limit = xp.astype(xp.where(a > 0, xp.ones_like(a), -xp.ones_like(a)), x.dtype)
    limit = xp.where(b > 0, limit, xp.conj(limit))
    return xp.where(xp.isinf(a) & xp.isfinite(b) & (b != 0), limit, xp.tanh(x))


tanh.vjp(lambda xp, g, out: g * (1 - out * out))


@_analytic
def asinh(xp: Any, x: Array, /) -> Array:
    """Inverse hyperbolic sine of each element.

    >>> import xdbr
    >>> xdbr.asinh(xdbr.asarray([0.0, 1.0], dtype="float64"))
    Variable([0.        , 0.88137359], dtype=float64)
    """
    return xp.asinh(x)


asinh.vjp(lambda xp, g, x: g / xp.sqrt(x * x + 1))


@_analytic
def acosh(xp: Any, x: Array, /) -> Array:
    """Principal inverse hyperbolic cosine, NaN below 1 for real elements; the gradient at 1 is infinite.

    >>> import xdbr
    >>> xdbr.acosh(xdbr.asarray([1.0, 2.0], dtype="float64"))
    Variable([0.       , 1.3169579], dtype=float64)
    """
    return xp.acosh(x)


# Two roots, and not one of the product: that has the branch cut of the complex function elsewhere.
acosh.vjp(lambda xp, g, x: g / (xp.sqrt(x - 1) * xp.sqrt(x + 1)))


@_analytic
def atanh(xp: Any, x: Array, /) -> Array:
    """Inverse hyperbolic tangent, NaN outside [-1, 1] for real elements; the gradient at -1 and 1 is infinite.

    >>> import xdbr
    >>> xdbr.atanh(xdbr.asarray([0.0, 0.5], dtype="float64"))
    Variable([0.        , 0.54930614], dtype=float64)
    """
    return xp.atanh(x)


atanh.vjp(lambda xp, g, x: g / ((1 - x) * (1 + x)))
