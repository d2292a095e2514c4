"""A row of the table of specs: a function's inputs, what it must give, and how often it is differentiable.

Rows stand in the lists `SPECS` of the files beside this one, one file per chapter; `tests/test_specs.py`
drives them all.
"""

from __future__ import annotations

import importlib
import pkgutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Shape = tuple[int, ...]
Host = np.ndarray[Any, Any]

REAL = ("float32", "float64")
COMPLEX = ("complex64", "complex128")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@dataclass(frozen=True)
class Input:
    """One array argument: where its elements are drawn from, uniformly.

    low, high: the interval; integers are drawn from both ends inclusive, real and imaginary parts alike.
    shape: in the row's main call.
    away: kinks and poles; no element is drawn closer than `margin` to one.
    dtype: a fixed dtype ("int64", "bool"), where it is not the one that the row is run with.
    make: draws the host array itself, `make(rng, shape, dtype)`, where an interval does not do.
    """

    low: float = -2.0
    high: float = 2.0
    shape: Shape = (3, 2)
    away: tuple[float, ...] = ()
    margin: float = 0.05
    dtype: str | None = None
    make: Callable[[np.random.Generator, Shape, np.dtype[Any]], Any] | None = None

    def draw(self, rng: np.random.Generator, shape: Shape, dtype: str) -> Host:
        """Draw an array of this input's own dtype where it has one, else of `dtype`."""
        kind = np.dtype(self.dtype or dtype)
        if self.make is not None:
            return np.asarray(self.make(rng, shape, kind), dtype=kind)
        if kind.kind == "b":
            return rng.integers(0, 1, shape, endpoint=True).astype(kind)
        if kind.kind in "iu":
            low = max(int(np.ceil(self.low)), 0 if kind.kind == "u" else -(2**63))
            return rng.integers(low, int(np.floor(self.high)), shape, endpoint=True).astype(kind)
        drawn = self._real(rng, shape)
        if kind.kind == "c":
            drawn = drawn + 1j * self._real(rng, shape)
        return np.asarray(drawn).astype(kind)

    def _real(self, rng: np.random.Generator, shape: Shape) -> Host:
        drawn = np.asarray(rng.uniform(self.low, self.high, shape))
        for _ in range(1000):
            close = np.zeros(shape, dtype=bool)
            for kink in self.away:
                close |= abs(drawn - kink) < self.margin
            if not close.any():
                return drawn
            drawn = np.where(close, rng.uniform(self.low, self.high, shape), drawn)
        raise ValueError(f"no element of [{self.low}, {self.high}] is {self.margin} away from {self.away}")


@dataclass(frozen=True)
class Spec:
    """One row.

    name: the function's name in the namespace ("tanh", "linalg.qr", "extras.index_add").
    inputs: its array arguments, in order.
    reference: what it must give, from host arrays in double precision (integers and booleans as they are)
        and by other means than the function under test; the options come as keywords. Gives an array or,
        where the function has several outputs, a tuple.
    call: `call(xp, *arrays, **options)`, where it is not simply `xp.<name>(*arrays, **options)`.
    options: keyword arguments.
    case: tells rows of one name apart.
    order: to which order its derivatives are checked: 0 where it has none, else 1, 2 or 3. They are checked at
        float64 and complex128, as far as `dtypes` has them.
    dtypes: what the inputs without a fixed dtype are run with.
    result: the dtype of every output: "same" (the promoted dtype of the inputs), "real" (its real part's),
        "default" (the default floating-point dtype for integers, else as "same"), a dtype's name, or
        `None` to leave it unchecked.
    elementwise: also run it on scalars and on all kinds of shapes that broadcast.
    shapes: further calls, with these shapes of the inputs: zero-size, 0-d, whatever the function takes.
    distance: from host arrays, how far each element is from a kink or branch cut that depends on several
        inputs; inputs are drawn until all are further than 0.05.
    rtol: times this the error that a value may have (1: 1e-5 in single and 1e-12 in double precision).
    atol: an absolute error as well, in the same way.
    torch: what PyTorch calls it (`True`: the same name in `torch`; or `torch_call(torch, *tensors)`);
        values, gradients and second derivatives are compared where it is installed.
    jax: `False` where JAX has no such function or means something else by it; `jax_call(jax.numpy, *arrays)`; or
        `None` for the row's own call on `jax.numpy`. Compared in the same way.
    covers: further names that this row tests, such as a mirror under another name.
    """

    name: str
    inputs: tuple[Input, ...]
    reference: Callable[..., Any]
    call: Callable[..., Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    case: str = ""
    order: int = 3
    dtypes: tuple[str, ...] = REAL
    result: str | None = "same"
    elementwise: bool = False
    shapes: tuple[tuple[Shape, ...], ...] = ()
    distance: Callable[..., Any] | None = None
    rtol: float = 1.0
    atol: float = 1.0
    torch: bool | str | Callable[..., Any] = False
    jax: bool | Callable[..., Any] | None = None
    covers: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}-{self.case}" if self.case else self.name

    def run(self, xp: Any, *arrays: Any) -> Any:
        """Call the function in a namespace."""
        if self.call is not None:
            return self.call(xp, *arrays, **self.options)
        function = xp
        for part in self.name.split("."):
            function = getattr(function, part)
        return function(*arrays, **self.options)

    def draw(self, dtype: str, shapes: tuple[Shape, ...] | None = None) -> list[Host]:
        """Draw the inputs, the same ones each time."""
        if shapes is None:
            shapes = tuple(given.shape for given in self.inputs)
        rng = np.random.default_rng(zlib.crc32(f"{self} {dtype} {shapes}".encode()))
        for _ in range(1000):
            drawn = [given.draw(rng, shape, dtype) for given, shape in zip(self.inputs, shapes, strict=True)]
            if self.distance is None or np.all(np.asarray(self.distance(*drawn)) > 0.05):
                return drawn
        raise ValueError(f"{self}: no inputs found that are away from its kinks")

    def all_shapes(self) -> list[tuple[Shape, ...]]:
        """Give the shapes of every call, the main one first."""
        main = tuple(given.shape for given in self.inputs)
        found = [main, *self.shapes]
        if self.elementwise and len(self.inputs) == 1:
            found += [((),), ((0, 2),), ((1,),)]
        elif self.elementwise and len(self.inputs) == 2:
            found += [((), ()), ((), (2,)), ((3, 1), (2,)), ((2, 1, 2), (3, 1)), ((0, 1), (1, 2)), ((1,), ())]
        return found

    def gradient_dtypes(self) -> list[str]:
        """Give the dtypes at which the gradient is checked."""
        return [] if self.order == 0 else [dtype for dtype in ("float64", "complex128") if dtype in self.dtypes]


def each(function: Callable[..., Any]) -> Callable[..., Host]:
    """Make a reference of a function of Python numbers, such as those of `math`, that runs element by element."""

    def run(*arrays: Host) -> Host:
        spread = np.broadcast_arrays(*arrays)
        numbers = [function(*(x.item() for x in row)) for row in zip(*(x.ravel() for x in spread), strict=True)]
        return np.asarray(numbers, dtype=None if numbers else spread[0].dtype).reshape(spread[0].shape)

    return run


def collect() -> Iterator[Spec]:
    """Give the rows of all files in this folder."""
    package = __name__.rpartition(".")[0]
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not info.name.startswith("_"):
            yield from importlib.import_module(f"{package}.{info.name}").SPECS
