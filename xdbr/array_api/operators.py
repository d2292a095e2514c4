"""What the chapters install on Variable: operators, indexing, and the methods that NumPy's arrays have.

A binary operator *is* the primitive's own function, without a frame around it. An augmented
assignment computes the operation and gives the array on the left the result (see `autograd.views`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._errors import ShapeError
from .._typing import Axis, Dtype
from ..autograd.variable import Variable
from ..autograd.views import assign, read, write
from . import comparison, data_types, elementwise, linear_algebra, manipulation, searching, statistical, utility

__all__ = ["install"]


def _augmented(name: str, operation: Callable[..., Any]) -> Callable[..., Any]:
    def augment(self: Variable, other: Any, /) -> Any:
        out = operation(self, other)
        return out if out is NotImplemented else assign(self, out, name)

    augment.__name__ = augment.__qualname__ = name
    return augment


def install() -> None:
    """Give Variable its operators and methods."""
    binary: dict[str, Any] = {
        "add": elementwise.add,
        "sub": elementwise.subtract,
        "mul": elementwise.multiply,
        "truediv": elementwise.divide,
        "floordiv": elementwise.floor_divide,
        "mod": elementwise.remainder,
        "pow": elementwise.pow,
        "matmul": linear_algebra.matmul,
        "and": comparison.bitwise_and,
        "or": comparison.bitwise_or,
        "xor": comparison.bitwise_xor,
        "lshift": comparison.bitwise_left_shift,
        "rshift": comparison.bitwise_right_shift,
    }
    for name, function in binary.items():
        operation = function.primitive.operator()
        operation.__name__ = operation.__qualname__ = f"__{name}__"
        setattr(Variable, f"__{name}__", operation)
        setattr(Variable, f"__r{name}__", function.primitive.reflected())
        setattr(Variable, f"__i{name}__", _augmented(f"__i{name}__", operation))
    compare: dict[str, Any] = {
        "lt": comparison.less,
        "le": comparison.less_equal,
        "gt": comparison.greater,
        "ge": comparison.greater_equal,
        "eq": comparison.equal,
        "ne": comparison.not_equal,
    }
    for name, function in compare.items():
        setattr(Variable, f"__{name}__", function.primitive.operator())
    unary: dict[str, Any] = {
        "__neg__": elementwise.negative,
        "__pos__": elementwise.positive,
        "__abs__": elementwise.abs,
        "__invert__": comparison.bitwise_invert,
        "__getitem__": read,
        "__setitem__": write,
        "to_device": data_types.to_device,
        "astype": _astype,
        "reshape": _reshape,
        "transpose": _transpose,
        "flatten": _flatten,
        "ravel": _ravel,
        "squeeze": _squeeze,
        "copy": _copy,
        "sum": _sum,
        "prod": _prod,
        "mean": _mean,
        "var": _var,
        "std": _std,
        "max": _max,
        "min": _min,
        "all": _all,
        "any": _any,
        "argmax": _argmax,
        "argmin": _argmin,
        "clip": _clip,
        "conj": _conj,
        "T": property(_transposed),
        "mT": property(_matrix_transposed),
        "real": property(_real),
        "imag": property(_imag),
    }
    for name, function in unary.items():
        if callable(function) and function.__name__ == f"_{name}":
            function.__name__, function.__qualname__ = name, f"Variable.{name}"  # as Python's messages call it
        setattr(Variable, name, function)


def _astype(self: Variable, dtype: Dtype, /, *, copy: bool = True) -> Variable:
    """Convert to another dtype; see `xdbr.astype`."""
    return data_types.astype(self, dtype, copy=copy)


def _shape_arguments(shape: tuple[Any, ...]) -> Any:
    return shape[0] if len(shape) == 1 and not hasattr(shape[0], "__index__") else shape


def _reshape(self: Variable, *shape: Any, copy: bool | None = None) -> Variable:
    """Give the elements in another shape: `x.reshape(2, 3)` or `x.reshape((2, 3))`; see `xdbr.reshape`."""
    return manipulation.reshape(self, _shape_arguments(shape), copy=copy)


def _transpose(self: Variable, *axes: Any) -> Variable:
    """Permute the axes, reversing them where none are given; see `xdbr.permute_dims`."""
    return manipulation.transpose(self, None if axes in ((), (None,)) else _shape_arguments(axes))


def _flatten(self: Variable) -> Variable:
    """Give a copy with one axis."""
    return manipulation.reshape(self, (-1,), copy=True)


def _ravel(self: Variable) -> Variable:
    """Give the elements with one axis, a view where that is possible."""
    return manipulation.reshape(self, (-1,))


def _squeeze(self: Variable, axis: Axis = None) -> Variable:
    """Remove axes of length one: all of them where `axis` is None; see `xdbr.squeeze`."""
    if axis is None:
        axis = tuple(i for i, length in enumerate(self.shape) if length == 1)
    return manipulation.squeeze(self, axis)


def _copy(self: Variable) -> Variable:
    """Give a copy that shares no memory; the gradient passes."""
    return data_types.astype(self, self.dtype, copy=True)


def _sum(self: Variable, axis: Axis = None, *, dtype: Dtype = None, keepdims: bool = False) -> Variable:
    """Sum over `axis`; see `xdbr.sum`."""
    return statistical.sum(self, axis=axis, dtype=dtype, keepdims=keepdims)


def _prod(self: Variable, axis: Axis = None, *, dtype: Dtype = None, keepdims: bool = False) -> Variable:
    """Multiply over `axis`; see `xdbr.prod`."""
    return statistical.prod(self, axis=axis, dtype=dtype, keepdims=keepdims)


def _mean(self: Variable, axis: Axis = None, *, keepdims: bool = False) -> Variable:
    """Average over `axis`; see `xdbr.mean`."""
    return statistical.mean(self, axis=axis, keepdims=keepdims)


def _var(
    self: Variable, axis: Axis = None, *, correction: float = 0.0, keepdims: bool = False, ddof: float | None = None
) -> Variable:
    """Variance over `axis`; see `xdbr.var`."""
    return statistical.var(self, axis=axis, correction=correction, keepdims=keepdims, ddof=ddof)


def _std(
    self: Variable, axis: Axis = None, *, correction: float = 0.0, keepdims: bool = False, ddof: float | None = None
) -> Variable:
    """Standard deviation over `axis`; see `xdbr.std`."""
    return statistical.std(self, axis=axis, correction=correction, keepdims=keepdims, ddof=ddof)


def _max(self: Variable, axis: Axis = None, *, keepdims: bool = False) -> Variable:
    """Greatest element over `axis`; see `xdbr.max`."""
    return statistical.max(self, axis=axis, keepdims=keepdims)


def _min(self: Variable, axis: Axis = None, *, keepdims: bool = False) -> Variable:
    """Least element over `axis`; see `xdbr.min`."""
    return statistical.min(self, axis=axis, keepdims=keepdims)


def _all(self: Variable, axis: Axis = None, *, keepdims: bool = False) -> Variable:
    """Whether all elements over `axis` are true; see `xdbr.all`."""
    return utility.all(self, axis=axis, keepdims=keepdims)


def _any(self: Variable, axis: Axis = None, *, keepdims: bool = False) -> Variable:
    """Whether any element over `axis` is true; see `xdbr.any`."""
    return utility.any(self, axis=axis, keepdims=keepdims)


def _argmax(self: Variable, axis: int | None = None, *, keepdims: bool = False) -> Variable:
    """Index of the greatest element along `axis`; see `xdbr.argmax`."""
    return searching.argmax(self, axis=axis, keepdims=keepdims)


def _argmin(self: Variable, axis: int | None = None, *, keepdims: bool = False) -> Variable:
    """Index of the least element along `axis`; see `xdbr.argmin`."""
    return searching.argmin(self, axis=axis, keepdims=keepdims)


def _clip(self: Variable, min: Any = None, max: Any = None) -> Variable:
    """Limit the elements to `[min, max]`; see `xdbr.clip`."""
    return elementwise.clip(self, min, max)


def _conj(self: Variable) -> Variable:
    """Complex conjugate; see `xdbr.conj`."""
    return elementwise.conj(self)


def _transposed(self: Variable) -> Variable:
    """The transpose of a matrix; of one axis or none the array itself. Raises `ShapeError` for more than two axes."""
    if self.ndim > 2:
        raise ShapeError(f"T: expected at most two axes; got shape {self.shape}; use x.mT or xdbr.permute_dims")
    return manipulation.permute_dims(self, tuple(reversed(range(self.ndim))))


def _matrix_transposed(self: Variable) -> Variable:
    """The transpose of each matrix; see `xdbr.matrix_transpose`."""
    return linear_algebra.matrix_transpose(self)


def _real(self: Variable) -> Variable:
    """The real part; the array itself where it is real."""
    return elementwise.real(self) if self.dtype.kind == "c" else self


def _imag(self: Variable) -> Variable:
    """The imaginary part."""
    return elementwise.imag(self)
