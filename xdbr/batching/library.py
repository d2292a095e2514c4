"""The Array API on batched arrays: each function of the library underneath, carried out for all examples at once.

A function falls into one of a few kinds, and a wrapper for its kind makes it: element-wise functions line up the
axes behind that of the examples, reductions and scans count axes from behind it, functions of matrices leave it where
it is among the leading axes. Few functions need a text of their own. What is the same for all examples is
computed once, and stays the same for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from .._config import Batch
from .._errors import BatchingError
from .._typing import Axis, RawArray, Shape
from ..array_api._arguments import one_axis, unique_axes
from ..autograd.kernels import REGISTRY, find, raw_namespace
from .array import BatchedArray, refuse

if TYPE_CHECKING:
    from .backend import Batching

__all__ = ["BatchedLibrary", "Part", "is_elementwise"]

REDUCTIONS = frozenset("sum prod mean var std max min all any count_nonzero argmax argmin linalg.vector_norm".split())
SCANS = {"cumulative_sum": 0, "cumulative_prod": 0, "sort": -1, "argsort": -1} | dict.fromkeys(
    (f"fft.{name}" for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")), -1
)
"""Functions along one axis, with the axis that they take by default."""
TRANSFORMS = frozenset(f"fft.{name}" for name in ("fftn", "ifftn", "rfftn", "irfftn"))
TRAILING = frozenset(
    "matrix_transpose tril triu".split()
    + [
        f"linalg.{name}"
        for name in "cholesky cofactor det diagonal eig eigh eigvals eigvalsh inv matrix_norm matrix_power "
        "matrix_rank matrix_transpose pinv qr slogdet svd svdvals trace".split()
    ]
)
"""Functions of the last axes, which leave those before them alone."""
ALIGNED = frozenset(("vecdot", "linalg.vecdot", "linalg.cross", "linalg.solve", "linalg.cofactor_change"))
"""Functions of the last axes of several arrays whose leading axes broadcast."""
COMPOSED = frozenset("expand_dims moveaxis unstack broadcast_arrays meshgrid diff linalg.outer".split())
"""Functions that xdbr makes of others."""
CREATION = frozenset("arange empty eye full linspace ones zeros fft.fftfreq fft.rfftfreq from_dlpack".split())
ABOUT_DTYPES = frozenset("can_cast finfo iinfo isdtype result_type".split())
DEPENDS_ON_VALUES = frozenset("nonzero unique_all unique_counts unique_inverse unique_values".split())


def is_elementwise(name: str) -> bool:
    """Tell whether a function gives each element from the corresponding elements of its arguments alone."""
    return name == "where" or getattr(REGISTRY.get(name), "is_elementwise", False)


class Part:
    """A namespace of functions on the arrays of one level: the main one, or an extension, by its prefix ("linalg.")."""

    def __init__(self, backend: Batching, prefix: str) -> None:
        self._backend = backend
        self._type: Any = backend.array_types[0]
        self._prefix = prefix
        self._below = raw_namespace(backend.below)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self._make(self._prefix + name)
        setattr(self, name, found)
        return found

    def _make(self, name: str) -> Any:
        if name in COMPOSED:
            return REGISTRY[name].kernel(self._backend)
        f = find(self._below, name)
        if not callable(f) or isinstance(f, type):
            return f
        if name in ABOUT_DTYPES:
            return lambda *args: f(*map(self.down, args))
        if name in CREATION:
            return lambda *args, **options: self.same_for_all(f(*args, **options))
        if name in REDUCTIONS:
            return self.reduction(f)
        if name in SCANS:
            return self.scan(f, SCANS[name])
        if name in TRANSFORMS:
            return self.transform(f)
        if name in TRAILING:
            return self.trailing(f)
        if name in ALIGNED or is_elementwise(name):
            return self.aligned(f)
        return self.whole(f, name)

    # -- from arrays to payloads and back --------------------------------------------------------------

    def down(self, x: Any) -> Any:
        """Give the payload of an array of this level, all else as it is: an array of a lower level is its own."""
        return x.payload if type(x) is self._type else x

    def batch_of(self, *args: Any) -> Batch | None:
        """Give the call of vmap that arrays belong to; `None` where they are the same for all examples."""
        found: Batch | None = None
        for x in args:
            if type(x) is self._type and x.batch is not None and x.batch is not found:
                if found is not None:
                    raise BatchingError(
                        "an array from one call of vmap is used in another; a function under vmap must get such "
                        "arrays as arguments, and hand them out by returning them"
                    )
                found = x.batch
        return found

    def up(self, out: Any, batch: Batch | None) -> Any:
        """Give a result, or each of a tuple of them, as an array of this level."""
        if not isinstance(out, tuple):
            return self._type(out, batch)
        parts = [self._type(part, batch) for part in out]
        return out._make(parts) if hasattr(out, "_make") else tuple(parts)

    def same_for_all(self, payload: Any) -> Any:
        """Give a result that does not depend on the example."""
        return self.up(payload, None)

    def ranked(self, x: Any, ndim: int) -> RawArray:
        """Give the payload with axes of length one before an example's own, so that it has `ndim` of them."""
        p = self.down(x)
        if type(x) is not self._type or x.batch is None or len(x.shape) >= ndim:
            return p
        return self._below.reshape(p, (x.batch.size, *(1,) * (ndim - len(x.shape)), *x.shape))

    def spread(self, x: Any, batch: Batch) -> RawArray:
        """Give the payload with the axis of the examples, also where all are the same."""
        p = self.down(x)
        if type(x) is self._type and x.batch is not None:
            return p
        return self._below.broadcast_to(p, (batch.size, *p.shape))

    def shifted(self, function: str, axis: Axis, x: Any) -> Any:
        """Give the axis of the payload for an axis, or several, of an example."""
        ndim = len(x.shape)
        if isinstance(axis, (tuple, list)):
            return tuple(i + 1 for i in unique_axes(function, axis, ndim))
        return one_axis(function, axis, ndim) + 1

    # -- kinds of functions ----------------------------------------------------------------------------

    def aligned(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function of several arrays whose axes broadcast from the last one on."""

        def run(*args: Any, **options: Any) -> Any:
            batch = self.batch_of(*args)
            if batch is None:
                return self.same_for_all(f(*map(self.down, args), **options))
            ndim = max(len(x.shape) for x in args if hasattr(x, "shape"))
            axis = options.get("axis")
            # Counted from the front it is an example's alone, from the end the payload's, too.
            if axis is not None and axis >= 0:
                options["axis"] = axis - ndim
            return self.up(f(*(self.ranked(x, ndim) for x in args), **options), batch)

        return run

    def trailing(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function of an array's last axes."""

        def run(x: Any, /, *args: Any, **options: Any) -> Any:
            return self.up(f(self.down(x), *args, **options), self.batch_of(x))

        return run

    def reduction(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function that reduces some axes, or all of them."""
        name, one_only = getattr(f, "__name__", "reduction"), f in (self._below.argmax, self._below.argmin)

        def run(x: Any, /, *, axis: Axis = None, keepdims: bool = False, **options: Any) -> Any:
            batch = self.batch_of(x)
            if batch is None:
                return self.same_for_all(f(self.down(x), axis=axis, keepdims=keepdims, **options))
            if axis is not None:
                return self.up(f(x.payload, axis=self.shifted(name, axis, x), keepdims=keepdims, **options), batch)
            if x.shape and not one_only:
                every = tuple(range(1, len(x.shape) + 1))
                return self.up(f(x.payload, axis=every, keepdims=keepdims, **options), batch)
            out = f(self.flat(x), axis=1, **options)
            return self.up(self._below.reshape(out, (batch.size, *(1,) * len(x.shape))) if keepdims else out, batch)

        return run

    def scan(self, f: Callable[..., Any], default: int) -> Callable[..., Any]:
        """Make a function along one axis."""
        name = getattr(f, "__name__", "scan")

        def run(x: Any, /, *, axis: int | None = None, **options: Any) -> Any:
            batch = self.batch_of(x)
            axis = default if axis is None else axis
            if batch is not None:
                axis = self.shifted(name, axis, x)
            return self.up(f(self.down(x), axis=axis, **options), batch)

        return run

    def transform(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Make a Fourier transform over several axes, by default the last ones."""
        name = getattr(f, "__name__", "transform")

        def run(x: Any, /, *, s: Shape | None = None, axes: Axis = None, norm: str = "backward") -> Any:
            batch = self.batch_of(x)
            if batch is not None:
                ndim = len(x.shape)
                axes = tuple(range(ndim)) if axes is None else axes
                axes = self.shifted(name, axes, x)
            return self.up(f(self.down(x), s=s, axes=axes, norm=norm), batch)

        return run

    def whole(self, f: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Make a function that is carried out only on what is the same for all examples."""

        def run(*args: Any, **options: Any) -> Any:
            for x in (*args, *options.values()):
                if type(x) is self._type and x.batch is not None:
                    self.no_rule(name, x)
            return self.same_for_all(f(*map(self.down, args), **options))

        return run

    def no_rule(self, name: str, x: BatchedArray) -> NoReturn:
        """Raise the error for a function that cannot be carried out for all examples at once."""
        if name in DEPENDS_ON_VALUES:
            refuse(f"{name}: the shape of the result depends on values, which cannot be", x)
        raise BatchingError(f"{name} has no form for many examples, so that vmap cannot run it; see xdbr.primitive")

    def flat(self, x: Any) -> RawArray:
        """Give the payload of an array that depends on the example with all other axes made one."""
        return self._below.reshape(x.payload, (x.batch.size, math.prod(x.shape)))


class BatchedLibrary(Part):
    """The main namespace of one level, with the functions that need a text of their own."""

    def __init__(self, backend: Batching) -> None:
        super().__init__(backend, "")
        self.linalg: Any = Part(backend, "linalg.")
        self.fft: Any = Part(backend, "fft.")
        vars(self.linalg).update(matmul=self.matmul, tensordot=self.tensordot)

    # -- creation and dtypes ---------------------------------------------------------------------------

    def asarray(self, obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
        """Give a number or an array as an array of this level."""
        made = self._below.asarray(self.down(obj), dtype=dtype, device=device, copy=copy)
        return self.up(made, self.batch_of(obj))

    def astype(self, x: Any, dtype: Any, /, *, copy: bool = True) -> Any:
        """Convert to another dtype."""
        return self.up(self._below.astype(self.down(x), dtype, copy=copy), self.batch_of(x))

    def empty_like(self, x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
        """Give an array like one example, which is the same for all."""
        return self.empty(tuple(x.shape), **_like(x, dtype, device))

    def zeros_like(self, x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
        """Give zeros like one example, which are the same for all."""
        return self.zeros(tuple(x.shape), **_like(x, dtype, device))

    def ones_like(self, x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
        """Give ones like one example, which are the same for all."""
        return self.ones(tuple(x.shape), **_like(x, dtype, device))

    def full_like(self, x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
        """Give a number in the shape of one example, the same for all."""
        return self.full(tuple(x.shape), fill_value, **_like(x, dtype, device))

    # -- shapes ----------------------------------------------------------------------------------------

    def reshape(self, x: Any, /, shape: Sequence[int], *, copy: bool | None = None) -> Any:
        """Give each example another shape."""
        batch, shape = self.batch_of(x), tuple(shape)
        if batch is not None:
            if -1 in shape:  # of no examples a library cannot tell what it stands for
                rest = math.prod(n for n in shape if n != -1)
                shape = tuple(math.prod(x.shape) // rest if n == -1 and rest else n for n in shape)
            shape = (batch.size, *shape)
        options = {} if copy is None else {"copy": copy}
        return self.up(self._below.reshape(self.down(x), shape, **options), batch)

    def permute_dims(self, x: Any, /, axes: Sequence[int]) -> Any:
        """Put the axes of each example in another order."""
        batch = self.batch_of(x)
        if batch is not None:
            axes = (0, *self.shifted("permute_dims", tuple(axes), x))
        return self.up(self._below.permute_dims(self.down(x), tuple(axes)), batch)

    def squeeze(self, x: Any, /, axis: Axis) -> Any:
        """Remove axes of length one."""
        batch = self.batch_of(x)
        if batch is not None:
            axis = self.shifted("squeeze", axis, x)
        return self.up(self._below.squeeze(self.down(x), axis), batch)

    def broadcast_to(self, x: Any, /, shape: Shape) -> Any:
        """Repeat each example along axes of length one."""
        batch = self.batch_of(x)
        if batch is not None:
            return self.up(self._below.broadcast_to(self.ranked(x, len(shape)), (batch.size, *shape)), batch)
        return self.same_for_all(self._below.broadcast_to(self.down(x), shape))

    def flip(self, x: Any, /, *, axis: Axis = None) -> Any:
        """Reverse the elements along axes."""
        batch = self.batch_of(x)
        if batch is not None:
            axis = self.shifted("flip", tuple(range(len(x.shape))) if axis is None else axis, x)
        return self.up(self._below.flip(self.down(x), axis=axis), batch)

    def roll(self, x: Any, /, shift: Any, *, axis: Axis = None) -> Any:
        """Shift the elements along axes, or in the flattened example."""
        batch = self.batch_of(x)
        if batch is None:
            return self.same_for_all(self._below.roll(self.down(x), shift, axis=axis))
        if axis is None:
            return self.up(self._below.reshape(self._below.roll(self.flat(x), shift, axis=1), x.payload.shape), batch)
        return self.up(self._below.roll(x.payload, shift, axis=self.shifted("roll", axis, x)), batch)

    def repeat(self, x: Any, repeats: Any, /, *, axis: int | None = None) -> Any:
        """Repeat each element; how often must not depend on the example."""
        if self.batch_of(repeats) is not None:
            refuse("repeat: the shape of the result depends on repeats, which cannot be", repeats)
        batch, repeats = self.batch_of(x), self.down(repeats)
        if batch is None:
            return self.same_for_all(self._below.repeat(self.down(x), repeats, axis=axis))
        p, axis = (self.flat(x), 1) if axis is None else (x.payload, self.shifted("repeat", axis, x))
        return self.up(self._below.repeat(p, repeats, axis=axis), batch)

    def tile(self, x: Any, repetitions: tuple[int, ...], /) -> Any:
        """Repeat each example along its axes."""
        batch = self.batch_of(x)
        if batch is not None:
            ndim = max(len(repetitions), len(x.shape))
            repetitions = (1,) * (ndim + 1 - len(repetitions)) + tuple(repetitions)
            return self.up(self._below.tile(self.ranked(x, ndim), repetitions), batch)
        return self.same_for_all(self._below.tile(self.down(x), repetitions))

    def concat(self, arrays: Sequence[Any], /, *, axis: int | None = 0) -> Any:
        """Join arrays along an axis."""
        batch = self.batch_of(*arrays)
        if batch is None:
            return self.same_for_all(self._below.concat([self.down(x) for x in arrays], axis=axis))
        if axis is None:
            arrays, axis = [self.reshape(x, (math.prod(x.shape),)) for x in arrays], 0
        axis = self.shifted("concat", axis, arrays[0])
        return self.up(self._below.concat([self.spread(x, batch) for x in arrays], axis=axis), batch)

    def stack(self, arrays: Sequence[Any], /, *, axis: int = 0) -> Any:
        """Join arrays along a new axis."""
        batch = self.batch_of(*arrays)
        if batch is None:
            return self.same_for_all(self._below.stack([self.down(x) for x in arrays], axis=axis))
        axis = one_axis("stack", axis, len(arrays[0].shape) + 1) + 1
        return self.up(self._below.stack([self.spread(x, batch) for x in arrays], axis=axis), batch)

    # -- products --------------------------------------------------------------------------------------

    def matmul(self, x1: Any, x2: Any, /) -> Any:
        """Multiply matrices and vectors; many vectors by one matrix, or the other way round, are one product."""
        batch, below = self.batch_of(x1, x2), self._below
        m, n = len(x1.shape), len(x2.shape)
        if batch is None or not (m and n):
            return self.up(below.matmul(self.down(x1), self.down(x2)), batch)
        alone1, alone2 = self.batch_of(x1) is None, self.batch_of(x2) is None
        if m == 1 and n == 2 and alone2:
            return self.up(below.matmul(x1.payload, self.down(x2)), batch)
        if m == 2 and n == 1 and alone1:
            return self.up(below.matmul(x2.payload, below.matrix_transpose(self.down(x1))), batch)
        x1, x2 = x1[None, :] if m == 1 else x1, x2[:, None] if n == 1 else x2
        ndim = max(len(x1.shape), len(x2.shape))
        out = self.up(below.matmul(self.ranked(x1, ndim), self.ranked(x2, ndim)), batch)
        if m == 1:
            out = out[..., 0, :]
        return out[..., 0] if n == 1 else out

    def tensordot(self, x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
        """Sum products over pairs of axes, by one product of matrices."""
        batch, below = self.batch_of(x1, x2), self._below
        if batch is None:
            return self.same_for_all(below.tensordot(self.down(x1), self.down(x2), axes=axes))
        m, n = len(x1.shape), len(x2.shape)
        if isinstance(axes, int):
            axes = (range(m - axes, m), range(axes))
        summed1, summed2 = (unique_axes("tensordot", tuple(part), k) for part, k in zip(axes, (m, n), strict=True))
        kept1, kept2 = (tuple(i for i in range(k) if i not in s) for k, s in ((m, summed1), (n, summed2)))
        shape = tuple(x1.shape[i] for i in kept1) + tuple(x2.shape[i] for i in kept2)
        length, other = (math.prod(x.shape[i] for i in s) for x, s in ((x1, summed1), (x2, summed2)))
        x1 = self.reshape(self.permute_dims(x1, (*kept1, *summed1)), (math.prod(x1.shape[i] for i in kept1), length))
        x2 = self.reshape(self.permute_dims(x2, (*summed2, *kept2)), (other, math.prod(x2.shape[i] for i in kept2)))
        return self.reshape(self.matmul(x1, x2), shape)

    # -- searching and choosing ------------------------------------------------------------------------

    def take(self, x: Any, indices: Any, /, *, axis: int | None = None) -> Any:
        """Give slices along an axis; the indices, with one axis, may depend on the example."""
        batch, axis, ndim = self.batch_of(x, indices), 0 if axis is None else axis, len(x.shape)
        if batch is None:
            return self.same_for_all(self._below.take(self.down(x), self.down(indices), axis=axis))
        if self.batch_of(indices) is None:
            taken = self._below.take(x.payload, self.down(indices), axis=self.shifted("take", axis, x))
            return self.up(taken, batch)
        i = one_axis("take", axis, ndim)
        return self.take_along_axis(x, self.reshape(indices, (*(1,) * i, -1, *(1,) * (ndim - 1 - i))), axis=i)

    def take_along_axis(self, x: Any, indices: Any, /, *, axis: int = -1) -> Any:
        """Give elements along an axis, others in each line and each example."""
        batch = self.batch_of(x, indices)
        if batch is None:
            return self.same_for_all(self._below.take_along_axis(self.down(x), self.down(indices), axis=axis))
        one = self._below.broadcast_to
        p, places = (one(self.down(y), (1, *y.shape)) if self.batch_of(y) is None else y.payload for y in (x, indices))
        return self.up(self._below.take_along_axis(p, places, axis=self.shifted("take_along_axis", axis, x)), batch)

    def searchsorted(self, x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Any:
        """Find places in a sorted vector: where it depends on the example, by sorting it together with the values."""
        batch, below = self.batch_of(x1, x2, sorter), self._below
        if self.batch_of(x1, sorter) is None:
            found = below.searchsorted(self.down(x1), self.down(x2), side=side, sorter=self.down(sorter))
            return self.up(found, batch)
        if sorter is not None:
            x1 = self.take(x1, sorter, axis=0)
        shape, n, m = x2.shape, x1.shape[0], math.prod(x2.shape)
        x2 = self.reshape(x2, (m,))
        pair = (x2, x1) if side == "left" else (x1, x2)
        rank = self.argsort(self.argsort(self.concat(pair), axis=0, stable=True), axis=0)
        among = self.argsort(self.argsort(x2, axis=0, stable=True), axis=0)
        return self.reshape((rank[:m] if side == "left" else rank[n:]) - among, shape)

    def isin(self, x1: Any, x2: Any, /) -> Any:
        """Tell which elements occur in another array."""
        batch = self.batch_of(x1, x2)
        if self.batch_of(x2) is None:
            return self.up(self._below.isin(self.down(x1), self.down(x2)), batch)
        if not hasattr(x1, "shape"):
            x1 = self.asarray(x1, dtype=x2.dtype, device=x2.device)
        n = math.prod(x2.shape)
        if not n:
            return self.zeros(tuple(x1.shape), dtype=self._below.bool, device=x2.device)
        x2 = self.sort(self.reshape(x2, (n,)), axis=0)
        flat = self.reshape(x1, (math.prod(x1.shape),))
        place = self.minimum(self.searchsorted(x2, flat), n - 1)
        return self.reshape(self.equal(self.take(x2, place, axis=0), flat), tuple(x1.shape))


def _like(x: Any, dtype: Any, device: Any) -> dict[str, Any]:
    return {"dtype": x.dtype if dtype is None else dtype, "device": x.device if device is None else device}
