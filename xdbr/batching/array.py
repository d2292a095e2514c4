"""The arrays of a vmap: many examples in one array of the library underneath, which look like one example.

A `BatchedArray` is a raw array of the batching backend of one level. Its *payload*, a raw array of the
level below, has the axis of the examples in front, or, where the values do not depend on the example, lacks it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from .._config import Batch
from .._errors import BatchingError
from .._typing import RawArray, Shape

if TYPE_CHECKING:
    from .backend import Batching

__all__ = ["BatchedArray", "array_type"]


class BatchedArray:
    """One example's view of an array of many.

    payload: shape `(batch.size, *shape)`, or `shape` where `batch` is None: the same for every example.
    batch: the call of vmap that the examples belong to.
    """

    __slots__ = ("batch", "payload", "shape")

    backend: ClassVar[Batching]
    __array_ufunc__: ClassVar[None] = None  # so that NumPy leaves `ndarray * BatchedArray` to us
    __array_priority__: ClassVar[float] = 1000.0

    payload: RawArray
    batch: Batch | None
    shape: Shape

    def __init__(self, payload: RawArray, batch: Batch | None) -> None:
        shape = tuple(payload.shape)
        self.payload = payload
        self.batch = batch
        self.shape = shape if batch is None else shape[1:]

    @property
    def ndim(self) -> int:
        """The number of an example's axes."""
        return len(self.shape)

    @property
    def dtype(self) -> Any:
        """The dtype, as the library underneath has it."""
        return self.payload.dtype

    @property
    def device(self) -> Any:
        """The device object of the library underneath."""
        return self.payload.device

    @property
    def differs(self) -> bool:
        """Whether it differs from example to example, at this level or one below."""
        return self.batch is not None or (isinstance(self.payload, BatchedArray) and self.payload.differs)

    def __getitem__(self, key: Any, /) -> BatchedArray:
        found: BatchedArray = self.backend.extras.read(self, key=key)
        return found

    # -- leaving arrays: every example has a value of its own --------------------------------------------

    def the_value(self, what: str) -> Any:
        """Give the payload where it is the same for every example; raises `BatchingError` otherwise."""
        if self.batch is not None:
            refuse(what, self)
        return self.payload

    def _agreed(self, kind: Callable[[Any], Any], what: str) -> Any:
        """Give what a branch or a length is decided by, where it is the same for all examples, as a loop would.

        It has no derivative, so that the examples agree is all that matters.
        """
        if self.batch is None or self.shape:
            return kind(self.the_value(what))
        if isinstance(self.payload, BatchedArray):  # of a vmap around this one
            found = {kind(self.payload[i]) for i in range(self.batch.size)}
        else:
            found = set(map(kind, self.backend.below.to_host(self.payload).tolist()))
        if not found:
            raise BatchingError(f"{what} under vmap: there are 0 examples, and so none to tell which way to go")
        if len(found) != 1:
            refuse(what, self)
        return found.pop()

    def __bool__(self) -> bool:
        return bool(self._agreed(bool, "bool()"))

    def __int__(self) -> int:
        return int(self._agreed(int, "int()"))

    def __index__(self) -> int:
        return int(self._agreed(operator.index, "an index or a length"))

    def __float__(self) -> float:
        return float(self.the_value("float()"))

    def __complex__(self) -> complex:
        return complex(self.the_value("complex()"))

    def __repr__(self) -> str:
        many = "one value for all examples" if self.batch is None else f"{self.batch.size} examples"
        return f"<BatchedArray of shape {self.shape}, dtype {self.dtype}: {many}: {self.payload!r}>"


def refuse(what: str, x: BatchedArray) -> NoReturn:
    """Raise the error for what would need the value of one example."""
    assert x.batch is not None
    raise BatchingError(
        f"{what} under vmap: the {x.batch.size} examples have a value each, of shape {x.shape}; take both sides of a "
        "branch with xp.where(condition, x1, x2) and keep numbers in arrays, or run the function in a loop over the "
        "examples"
    )


def _operator(name: str) -> Callable[[BatchedArray, Any], Any]:
    def operate(self: BatchedArray, other: Any, /) -> Any:
        if isinstance(other, BatchedArray) and other.backend.depth > self.backend.depth:
            return NotImplemented  # the higher level takes the lower one
        return getattr(self.backend.lib, name)(self, other)

    return operate


def _reflected(name: str) -> Callable[[BatchedArray, Any], Any]:
    def operate(self: BatchedArray, other: Any, /) -> Any:
        return getattr(self.backend.lib, name)(other, self)

    return operate


def _unary(name: str) -> Callable[[BatchedArray], Any]:
    def operate(self: BatchedArray, /) -> Any:
        return getattr(self.backend.lib, name)(self)

    return operate


for _short, _long in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "pow", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor", "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
}.items():  # fmt: skip
    setattr(BatchedArray, f"__{_short}__", _operator(_long))
    setattr(BatchedArray, f"__r{_short}__", _reflected(_long))
for _short, _long in {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal",
}.items():  # fmt: skip
    setattr(BatchedArray, f"__{_short}__", _operator(_long))
for _short, _long in {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}.items():
    setattr(BatchedArray, f"__{_short}__", _unary(_long))
BatchedArray.__hash__ = object.__hash__  # type: ignore[method-assign]


def array_type(backend: Batching) -> type[BatchedArray]:
    """Make the type of the arrays of one level over one library; the type tells the level."""
    return type(f"BatchedArray_{backend.name}", (BatchedArray,), {"__slots__": (), "backend": backend})
