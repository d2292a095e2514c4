"""How parameters get their first values.

An initializer is called with a shape, and a dtype and device where these are not the default ones, and gives a
Variable. The random ones draw from the default generator of the device (`xdbr.random.seed` sets it), or from
the `rng` that they were made with.
"""

from __future__ import annotations

import math
from typing import Any

from .. import array_api
from .._config import get_default_dtype
from .._errors import ShapeError
from .._namespaces import namespace
from .._typing import Dtype, Shape
from ..autograd.variable import Variable
from ..backends import Device, get_default_device, parse_device

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LeCunNormal",
    "LeCunUniform",
    "Normal",
    "One",
    "Orthogonal",
    "Uniform",
    "Zero",
    "fans",
    "get_initializer",
]


class Initializer:
    """Base class of initializers: `fill` makes the values for a shape.

    dtype: what to make where the call names none; the default floating-point dtype otherwise.
    rng: an `xdbr.random.Generator` to draw from, instead of the default one of the device.

    Raises `ShapeError` on a call for a shape that it cannot fill.

    >>> import xdbr
    >>> from xdbr.nn import initializers
    >>> class Alternating(initializers.Initializer):
    ...     def fill(self, shape, dtype, device):
    ...         n = xdbr.arange(shape[0], dtype=dtype, device=device)
    ...         return 1 - 2 * (n % 2)
    >>> Alternating()((4,)).tolist()
    [1.0, -1.0, 1.0, -1.0]
    """

    def __init__(self, *, dtype: Dtype = None, rng: Any = None) -> None:
        self.dtype = dtype
        self.rng = rng

    def __call__(self, shape: Shape, *, dtype: Dtype = None, device: Any = None) -> Variable:
        """Make the values: a Variable of `shape`."""
        if dtype is None:
            dtype = self.dtype if self.dtype is not None else get_default_dtype()
        where = get_default_device() if device is None else parse_device(device, function=type(self).__name__)
        return self.fill(tuple(shape), dtype, where)

    def fill(self, shape: Shape, dtype: Dtype, device: Device) -> Variable:
        """Make the values for a shape, a dtype and a device, all given; to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} must define fill(self, shape, dtype, device)")

    def normal(self, shape: Shape, scale: float, dtype: Dtype, device: Device) -> Variable:
        """Draw from the normal distribution of mean 0 and standard deviation `scale`."""
        drawn: Variable = self._generator(device).normal(shape, scale=scale, dtype=dtype)
        return drawn.to_device(device)

    def uniform(self, shape: Shape, bound: float, dtype: Dtype, device: Device) -> Variable:
        """Draw from the uniform distribution over [-bound, bound)."""
        drawn: Variable = self._generator(device).uniform(shape, low=-bound, high=bound, dtype=dtype)
        return drawn.to_device(device)

    def _generator(self, device: Device) -> Any:
        if self.rng is not None:
            return self.rng
        from .. import random

        return random.default_generator(device)

    def __repr__(self) -> str:
        shown = {name: value for name, value in vars(self).items() if value is not None}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


class Constant(Initializer):
    """Fills with one number, or gives an array as it is.

    fill_value: a number, or an array (nested sequence, Variable) of exactly the shape to be filled.

    Raises `ShapeError` where an array has another shape.

    >>> from xdbr.nn import initializers
    >>> initializers.Constant(0.5)((2,)).tolist()
    [0.5, 0.5]
    """

    def __init__(self, fill_value: Any, *, dtype: Dtype = None) -> None:
        super().__init__(dtype=dtype)
        self.fill_value = fill_value

    def fill(self, shape: Shape, dtype: Dtype, device: Device) -> Variable:
        """Make the values for a shape, a dtype and a device."""
        xp = namespace(device.backend)
        if isinstance(self.fill_value, (int, float, complex)):
            made: Variable = xp.full(shape, self.fill_value, dtype=dtype, device=device)
            return made
        value: Variable = array_api.asarray(self.fill_value, device=device, copy=True)
        value = value.detach().astype(dtype, copy=False)
        if value.shape != shape:
            raise ShapeError(f"Constant: expected an array of shape {shape} to fill with; got {value.shape}")
        return value


class Zero(Constant):
    """Fills with zeros.

    >>> from xdbr.nn import initializers
    >>> initializers.Zero()((2,)).tolist()
    [0.0, 0.0]
    """

    def __init__(self, *, dtype: Dtype = None) -> None:
        super().__init__(0.0, dtype=dtype)


class One(Constant):
    """Fills with ones.

    >>> from xdbr.nn import initializers
    >>> initializers.One()((2,)).tolist()
    [1.0, 1.0]
    """

    def __init__(self, *, dtype: Dtype = None) -> None:
        super().__init__(1.0, dtype=dtype)


class Normal(Initializer):
    """Draws from the normal distribution of mean 0 and standard deviation `scale`.

    >>> from xdbr.nn import initializers
    >>> initializers.Normal(0.01)((2, 3)).shape
    (2, 3)
    """

    def __init__(self, scale: float = 0.05, *, dtype: Dtype = None, rng: Any = None) -> None:
        super().__init__(dtype=dtype, rng=rng)
        self.scale = scale

    def fill(self, shape: Shape, dtype: Dtype, device: Device) -> Variable:
        """Make the values for a shape, a dtype and a device."""
        return self.normal(shape, self.scale, dtype, device)


class Uniform(Initializer):
    """Draws from the uniform distribution over [-scale, scale).

    >>> from xdbr.nn import initializers
    >>> bool((abs(initializers.Uniform(0.1)((5,))) <= 0.1).all())
    True
    """

    def __init__(self, scale: float = 0.05, *, dtype: Dtype = None, rng: Any = None) -> None:
        super().__init__(dtype=dtype, rng=rng)
        self.scale = scale

    def fill(self, shape: Shape, dtype: Dtype, device: Device) -> Variable:
        """Make the values for a shape, a dtype and a device."""
        return self.uniform(shape, self.scale, dtype, device)


def fans(shape: Shape, *, function: str = "fans") -> tuple[int, int]:
    """Give how many inputs feed one output of a weight of `shape`, and how many outputs one input feeds.

    shape: (out, in) of a linear map, or (out, in, *kernel) of a convolution.

    Raises `ShapeError` for fewer than two axes.

    >>> from xdbr.nn import initializers
    >>> initializers.fans((10, 784)), initializers.fans((16, 3, 5, 5))
    ((784, 10), (75, 400))
    """
    if len(shape) < 2:
        raise ShapeError(f"{function}: expected the shape (out, in, *kernel) of a weight; got {tuple(shape)}")
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


class _Scaled(Initializer):
    """Draws with a variance that follows from how many inputs and outputs the weight has."""

    def __init__(self, scale: float = 1.0, *, dtype: Dtype = None, rng: Any = None) -> None:
        super().__init__(dtype=dtype, rng=rng)
        self.scale = scale

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Give the variance at scale 1."""
        raise NotImplementedError

    def deviation(self, shape: Shape) -> float:
        """Give the standard deviation for a weight of `shape`; 0 where it has no elements."""
        fan_in, fan_out = fans(shape, function=type(self).__name__)
        return self.scale * math.sqrt(self.variance(fan_in, fan_out)) if fan_in and fan_out else 0.0


class _ScaledNormal(_Scaled):
    def fill(self, shape: Shape, dtype: Dtype, device: Device) -> Variable:
        """Make the values for a shape, a dtype and a device."""
        return self.normal(shape, self.deviation(shape), dtype, device)


class _ScaledUniform(_Scaled):
    def fill(self, shape: Shape, dtype: Dtype, device: Device) -> Variable:
        """Make the values for a shape, a dtype and a device."""
        return self.uniform(shape, math.sqrt(3.0) * self.deviation(shape), dtype, device)


class LeCunNormal(_ScaledNormal):
    """Draws from the normal distribution of standard deviation `scale * sqrt(1 / fan_in)`: what links use by default.

    It keeps the variance of the activations from layer to layer. Source: LeCun et al., "Efficient BackProp", 1998.

    >>> from xdbr.nn import initializers
    >>> initializers.LeCunNormal().deviation((10, 100))
    0.1
    """

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Give the variance at scale 1."""
        return 1.0 / fan_in


class LeCunUniform(_ScaledUniform):
    """Draws uniformly within `scale * sqrt(3 / fan_in)` of 0: the variance of `LeCunNormal`.

    >>> from xdbr.nn import initializers
    >>> initializers.LeCunUniform()((10, 100)).shape
    (10, 100)
    """

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Give the variance at scale 1."""
        return 1.0 / fan_in


class GlorotNormal(_ScaledNormal):
    """Draws from the normal distribution of standard deviation `scale * sqrt(2 / (fan_in + fan_out))`.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.

    >>> from xdbr.nn import initializers
    >>> initializers.GlorotNormal().deviation((100, 100))
    0.1
    """

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Give the variance at scale 1."""
        return 2.0 / (fan_in + fan_out)


class GlorotUniform(_ScaledUniform):
    """Draws uniformly within `scale * sqrt(6 / (fan_in + fan_out))` of 0: the variance of `GlorotNormal`.

    >>> from xdbr.nn import initializers
    >>> initializers.GlorotUniform()((10, 100)).shape
    (10, 100)
    """

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Give the variance at scale 1."""
        return 2.0 / (fan_in + fan_out)


class HeNormal(_ScaledNormal):
    """Draws from the normal distribution of standard deviation `scale * sqrt(2 / fan_in)`, made for `relu`.

    Source: He et al., "Delving deep into rectifiers", 2015.

    >>> from xdbr.nn import initializers
    >>> initializers.HeNormal().deviation((10, 200))
    0.1
    """

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Give the variance at scale 1."""
        return 2.0 / fan_in


class HeUniform(_ScaledUniform):
    """Draws uniformly within `scale * sqrt(6 / fan_in)` of 0: the variance of `HeNormal`.

    >>> from xdbr.nn import initializers
    >>> initializers.HeUniform()((10, 100)).shape
    (10, 100)
    """

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Give the variance at scale 1."""
        return 2.0 / fan_in


class Orthogonal(Initializer):
    """Draws a matrix whose rows (or columns, where it has more rows) are orthogonal and of length `scale`.

    A weight of more than two axes is read as (out, in * kernel). The draw is uniform over all such matrices.
    Source: Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2014.

    Raises `ShapeError` for fewer than two axes.

    >>> import xdbr
    >>> from xdbr.nn import initializers
    >>> W = initializers.Orthogonal(scale=1.0)((2, 3))
    >>> bool((abs(W @ W.T - xdbr.eye(2)) < 1e-6).all())
    True
    """

    def __init__(self, scale: float = 1.1, *, dtype: Dtype = None, rng: Any = None) -> None:
        super().__init__(dtype=dtype, rng=rng)
        self.scale = scale

    def fill(self, shape: Shape, dtype: Dtype, device: Device) -> Variable:
        """Make the values for a shape, a dtype and a device."""
        fans(shape, function="Orthogonal")
        rows, columns = shape[0], math.prod(shape[1:])
        tall = (max(rows, columns), min(rows, columns))
        xp = namespace(device.backend)
        if 0 in tall:
            empty: Variable = xp.zeros(shape, dtype=dtype, device=device)
            return empty
        # QR is not there in half precision.
        wide = dtype if str(dtype).rpartition(".")[2] in ("float64", "complex128", "complex64") else "float32"
        q, r = xp.linalg.qr(self.normal(tall, 1.0, wide, device))
        # Without the signs of r's diagonal the draw would depend on how the library computes QR.
        q = q * xp.sign(xp.linalg.diagonal(r))
        made: Variable = xp.reshape(q if rows >= columns else xp.matrix_transpose(q), shape)
        return (made * self.scale).astype(dtype, copy=False)


class Identity(Initializer):
    """Makes `scale` times the identity matrix.

    Raises `ShapeError` where the shape is not that of a square matrix.

    >>> from xdbr.nn import initializers
    >>> initializers.Identity(2.0)((2, 2)).tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, scale: float = 1.0, *, dtype: Dtype = None) -> None:
        super().__init__(dtype=dtype)
        self.scale = scale

    def fill(self, shape: Shape, dtype: Dtype, device: Device) -> Variable:
        """Make the values for a shape, a dtype and a device."""
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ShapeError(f"Identity: expected the shape (n, n) of a square matrix; got {shape}")
        made: Variable = namespace(device.backend).eye(shape[0], dtype=dtype, device=device)
        return made * self.scale


def get_initializer(initializer: Any, *, default: Any = None) -> Any:
    """Read what a link takes for an initial value: a callable is one, a number or an array is filled in.

    default: what `None` stands for, `LeCunNormal` where that is `None` too.

    Raises `TypeError` for anything else.

    >>> from xdbr.nn import initializers
    >>> initializers.get_initializer(3.0)
    Constant(fill_value=3.0)
    """
    if initializer is None:
        return LeCunNormal() if default is None else get_initializer(default)
    if isinstance(initializer, (type, str)):
        raise TypeError(
            "an initializer must be a number, an array, or a callable such as initializers.Normal(0.05); "
            f"got {initializer!r}"
        )
    return initializer if callable(initializer) else Constant(initializer)
