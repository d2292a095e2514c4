"""Creation functions: the few that depend on a backend, because no argument tells which.

Each is written once as `f(at, ...)`, where `at` says on which backend and device to create. `bind`
makes the function of one namespace from it: that of a backend creates on its own current device,
that of the package on the default device.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from .. import backends
from .._config import get_default_dtype
from .._errors import DtypeError, ShapeError
from .._typing import Dtype, RawArray
from ..autograd.kernels import FORMS, find
from ..autograd.primitive import composite, primitive
from ..autograd.variable import VARIABLES, Variable, wrap
from ..backends import (
    Backend,
    Device,
    NamedDtype,
    canonical_dtype,
    current_device,
    dtypes,
    get_default_device,
    parse_device,
    place_of,
)
from ._arguments import lengths, number
from .data_types import astype, to_device

__all__ = [
    "CREATION",
    "At",
    "bind",
    "empty_like",
    "full_like",
    "meshgrid",
    "ones_like",
    "tril",
    "triu",
    "zeros_like",
]


class At:
    """Where an array is created: `xp`, the library's namespace, and `device`, its own device object."""

    __slots__ = ("backend", "device", "where", "xp")

    def __init__(self, where: Device) -> None:
        self.where = where
        self.backend: Backend = where.backend
        self.xp: Any = self.backend.lib
        self.device: Any = self.backend.raw_device(where)

    def dtype(self, dtype: Dtype, *samples: Any) -> Any:
        """Give the library's dtype; where `dtype` is None, the default one for the kind of the Python `samples`."""
        if dtype is not None:
            return self.backend.dtype(dtype)
        name = get_default_dtype()
        if any(isinstance(sample, complex) for sample in samples):
            return self.backend.dtype("complex128" if name == "float64" else "complex64")
        if any(isinstance(sample, float) for sample in samples):
            return self.backend.dtype(name)
        return None


CREATION: dict[str, Callable[..., Any]] = {}
"""The unbound creation functions by name ("zeros", "fft.fftfreq"); each takes an `At` first and gives a raw array."""


def creation(name: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a creation function `f(at, ...)`, which gives a raw array."""

    def declare(forward: Callable[..., Any]) -> Callable[..., Any]:
        path = name or forward.__name__
        CREATION[path] = forward
        if path != "from_dlpack":
            FORMS[path] = functools.partial(_raw_form, path, forward)
        return forward

    return declare


def _raw_form(path: str, forward: Callable[..., Any], backend: Backend) -> Callable[..., Any]:
    """Give the creation function of a raw namespace: the library's own where a dtype of its own is given."""
    try:
        direct = backend.placed(find(backend.lib, path))
        by_library = "dtype" in inspect.signature(direct).parameters
    except AttributeError:
        by_library = False
    except ValueError:  # a builtin function tells nothing of its parameters
        by_library = True

    def create(*args: Any, dtype: Any = None, **options: Any) -> Any:
        if by_library and dtype is not None and type(dtype) not in (NamedDtype, str):
            return direct(*args, dtype=dtype, **options)
        if args and path == "asarray" and dtype is None and isinstance(args[0], backend.array_types):
            return direct(*args, **options)
        device = options.pop("device", None)
        where = device if type(device) is Device else backend.from_raw_device(device) if device is not None else None
        at = At(where or (current_device(backend) if device is None else backend.default_device()))
        if device is not None and where is not device:
            at.device = device  # the library's own object, as the arrays of rules have it
        with backend.use(at.where):
            return forward(at, *args, dtype=dtype, **options)

    def create_shaped(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
        # What gradient rules call, always with a dtype: as little as possible stands before the library's function.
        if dtype is not None and type(dtype) is not NamedDtype and type(dtype) is not str:
            return direct(shape, dtype=dtype, device=device)
        return create(shape, dtype=dtype, device=device)

    made = create_shaped if path in ("empty", "ones", "zeros") and by_library else create
    functools.update_wrapper(made, forward)
    made.__wrapped__ = functools.partial(forward, None)  # type: ignore[attr-defined]
    return made


def bind(forward: Callable[..., Any], backend: Backend | None) -> Callable[..., Any]:
    """Give the creation function of one namespace: that of `backend`, or with `None` that of the default device."""
    takes_device = "device" in (forward.__kwdefaults__ or ())

    def create(*args: Any, **options: Any) -> Any:
        device = options.get("device") if takes_device else None
        if device is not None:
            where = device if type(device) is Device else parse_device(device, function=forward.__name__)
        else:
            where = get_default_device() if backend is None else current_device(backend)
        at = At(where)
        if at.backend.current_device:
            with at.backend.use(where):
                return _finish(forward(at, *args, **options))
        return _finish(forward(at, *args, **options))

    functools.update_wrapper(create, forward)
    create.__wrapped__ = functools.partial(forward, None)  # type: ignore[attr-defined]
    return create


def _moves(*values: Any) -> bool:
    """Tell whether one of the numbers that an array is made of is a Variable that needs gradient."""
    return any(type(value) in VARIABLES and value.requires_grad for value in values)


def _placed(at: At, dtype: Any, *values: Any) -> tuple[Variable, ...]:
    """Give numbers as 0-d Variables where the result is to lie, with their gradients."""
    ready = (to_device(value, at.where) if type(value) in VARIABLES else asarray(at, value) for value in values)
    return tuple(astype(_finish(value), dtype, copy=False) for value in ready)


def _finish(made: Any) -> Any:
    return made if type(made) in VARIABLES else wrap(made)


def _is_wide(function: str, value: Any) -> bool:
    """Tell whether a number is an integer that only uint64 holds; raises `DtypeError` for one that no dtype holds."""
    if type(value) is int and not -(2**63) <= value < 2**64:
        raise DtypeError(f"{function}: expected an integer that 64 bits hold; got {value}; or give a dtype")
    return type(value) is int and value >= 2**63


def _depend_on_example(*values: Any) -> bool:
    """Tell whether a value is another for each example of a vmap, so that it is no number here."""
    return any(type(x) in VARIABLES and x._backend.depth and x._raw.differs for x in values)


def _lengths(function: str, shape: Any) -> tuple[int, ...]:
    """Read the shape of a new array: no length is negative."""
    found = lengths(function, shape)
    if any(n < 0 for n in found):
        raise ShapeError(f"{function}: shape must not have negative lengths; got {found}")
    return found


@creation()
def asarray(at: At, obj: Any, /, *, dtype: Dtype = None, device: Any = None, copy: bool | None = None) -> Any:
    """Convert an object to a Variable.

    obj: a Variable (given back itself where nothing has to change, with its gradient), a raw array of
        any backend, a scalar, a nested sequence of these, or anything that NumPy reads.
    dtype: that of `obj` by default; Python floats take the default floating-point dtype.
    device: that of `obj` by default; host data (NumPy arrays, sequences) go to the default device.
    copy: `True` copies always, `False` never (`ValueError` where one is needed), `None` where needed.

    A NumPy array is shared, not copied; a write to the Variable never reaches it.

    >>> import xdbr
    >>> xdbr.asarray([[1.0, 2.0], [3.0, 4.0]])
    Variable([[1., 2.],
              [3., 4.]], dtype=float32)
    """
    if type(obj) in VARIABLES:
        return _asarray_variable(obj, dtype, at.where if device is not None else None, copy)
    found = backends.of(obj) if not isinstance(obj, (bool, int, float, complex)) else None
    if found is not None:
        return _asarray_raw(at, obj, found, dtype, device, copy)
    if copy is False and not hasattr(obj, "__dlpack__") and not hasattr(obj, "__array__"):
        try:
            memoryview(obj)
        except TypeError:
            raise ValueError(f"asarray: copy=False, but {type(obj).__name__} can only be copied") from None
    if isinstance(obj, (list, tuple)) and _holds_variables(obj):
        return _stack_nested(at, obj, dtype)
    if isinstance(obj, (bool, int, float, complex)) and not (dtype is None and _is_wide("asarray", obj)):
        return at.xp.asarray(obj, dtype=at.dtype(dtype, obj), device=at.device)
    if dtype is None:
        host = backends.host_array(obj, get_default_dtype())
        if host.dtype == "int64" and isinstance(obj, (list, tuple, range)):
            host = host.astype(at.backend.default_integers(at.where)["integral"], copy=False)
        return at.backend.from_host(host, device=at.where)
    # Python floats keep all their digits until they are converted to the dtype that is asked for.
    wanted = canonical_dtype(dtype)
    host = backends.host_array(obj, "float64", wanted)
    if host.dtype.kind == "c" and getattr(wanted, "kind", "c") in "iuf":
        raise DtypeError(f"asarray: complex numbers have no place in dtype {dtype}; take their real part first")
    name = getattr(wanted, "name", None)
    if name in backends.DTYPES and (host.dtype.kind, wanted.kind) in (("f", "f"), ("f", "c"), ("c", "c")):
        host = host.astype(wanted)  # what NumPy does not have (bfloat16) the library converts
    return at.backend.asarray(at.backend.from_host(host, device=at.where), dtype=dtype, device=at.where)


def _asarray_variable(x: Variable, dtype: Dtype, where: Device | None, copy: bool | None) -> Variable:
    y = x
    if where is not None and where != x.device:
        if copy is False:
            raise ValueError(f"asarray: copy=False, but moving from {str(x.device)!r} to {str(where)!r} needs a copy")
        y = to_device(y, where)
    if dtype is not None and canonical_dtype(dtype) != x.dtype:
        if copy is False:
            raise ValueError(f"asarray: copy=False, but a conversion from {x.dtype} to {dtype} needs a copy")
        y = astype(y, dtype)
    return astype(y, y.dtype, copy=True) if copy and y is x else y


def _asarray_raw(at: At, obj: RawArray, found: Backend, dtype: Dtype, device: Any, copy: bool | None) -> RawArray:
    is_host = found.is_host
    if device is None and not is_host and at.backend is not found:
        at = At(found.device_of(obj))
    raw = found.as_array(obj)
    source = found.device_of(raw)
    if at.where != source:
        if copy is False:
            raise ValueError(f"asarray: copy=False, but moving from {str(source)!r} to {str(at.where)!r} needs a copy")
        raw = (
            found.transfer(raw, at.where)
            if at.backend is found
            else at.backend.from_host(found.to_host(raw), device=at.where)
        )
        copy = None
    if (dtype is None or canonical_dtype(dtype) == canonical_dtype(raw.dtype)) and not copy:
        return raw
    return at.backend.asarray(raw, dtype=dtype, device=at.where, copy=copy)


def _holds_variables(obj: Any) -> bool:
    return any(type(part) in VARIABLES or (isinstance(part, (list, tuple)) and _holds_variables(part)) for part in obj)


def _stack_nested(at: At, obj: Any, dtype: Dtype) -> Variable:
    """Stack a nested sequence that has Variables in it, differentiably, beside the first of them."""
    from .manipulation import stack

    leaves = list(_leaves(at, obj))
    common = dtype if dtype is not None else _nested_dtype(leaves)
    where = At(next(x for x in leaves if type(x) in VARIABLES).device)

    def build(part: Any) -> Variable:
        if isinstance(part, (list, tuple)) and _holds_variables(part):
            return stack([build(one) for one in part])
        if type(part) in VARIABLES:
            return astype(part, common, copy=False)
        return _finish(asarray(where, part, dtype=common))  # type: ignore[no-any-return]

    return build(obj)


def _leaves(at: At, obj: Any) -> Iterator[Any]:
    """Give the arrays and numbers of a nested sequence."""
    for part in obj:
        if isinstance(part, (list, tuple)):
            yield from _leaves(at, part)
        elif isinstance(part, (bool, int, float, complex)) or hasattr(part, "dtype"):
            yield part
        else:
            yield asarray(at, part)


def _nested_dtype(leaves: list[Any]) -> Dtype:
    """Promote across kinds too, as a sequence of Python numbers does: among floats an integer is a float."""
    kinds = [canonical_dtype(x.dtype).kind if hasattr(x, "dtype") else "number" for x in leaves]
    highest = next(kind for kind in ("fcV", "iu", "b") if any(one in kind for one in kinds))
    highest_only = tuple(x for x, kind in zip(leaves, kinds, strict=True) if kind == "number" or kind in highest)
    return dtypes.result_type(highest_only, get_default_dtype())


@creation()
def arange(
    at: At, start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Dtype = None, device: Any = None
) -> RawArray:
    """Evenly spaced values in `[start, stop)` (`[0, start)` where `stop` is None); shape (n,).

    >>> import xdbr
    >>> xdbr.arange(3)
    Variable([0, 1, 2], dtype=int64)
    """
    given = (start, step) if stop is not None else (0, step)
    start = number("arange", "start", start)
    stop = None if stop is None else number("arange", "stop", stop)
    step = number("arange", "step", step)
    made = at.xp.arange(start, stop, step, dtype=at.dtype(dtype, start, stop, step), device=at.device)
    found = canonical_dtype(made.dtype)
    if found.kind in "iu" or not _moves(*given):
        return made
    return progression(*_placed(at, found, *given), made=made)


@primitive(name="extras.progression", arrays=2)
def progression(xp: Any, start: Any, step: Any, /, *, made: Any) -> Any:
    """Give `made`, which is `start + k * step` for k = 0, 1, ..."""
    return xp.asarray(made, copy=True)


progression.vjp(
    lambda xp, g: xp.sum(g), lambda xp, g: xp.sum(g * xp.arange(g.shape[0], dtype=g.dtype, device=place_of(g)))
)


@creation()
def empty(at: At, shape: Any, *, dtype: Dtype = None, device: Any = None) -> RawArray:
    """An array of `shape` whose elements are not set; the default floating-point dtype.

    >>> import xdbr
    >>> xdbr.empty((2, 3)).shape
    (2, 3)
    """
    return at.xp.empty(_lengths("empty", shape), dtype=at.dtype(dtype, 0.0), device=at.device)


@creation()
def eye(
    at: At, n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Dtype = None, device: Any = None
) -> RawArray:
    """Ones on the `k`-th diagonal, zeros elsewhere; shape (n_rows, n_cols), the default floating-point dtype.

    >>> import xdbr
    >>> xdbr.eye(2)
    Variable([[1., 0.],
              [0., 1.]], dtype=float32)
    """
    return at.xp.eye(n_rows, n_cols, k=k, dtype=at.dtype(dtype, 0.0), device=at.device)


@creation()
def from_dlpack(at: At, x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """Import an array from another library through DLPack; memory is shared where that is possible.

    x: an object with `__dlpack__` and `__dlpack_device__`; a Variable that needs gradient raises `GradientError`.
    device: where the result is to lie; that of `x` by default, where this namespace's backend can reach it.

    >>> import numpy, xdbr
    >>> xdbr.from_dlpack(numpy.arange(3))
    Variable([0, 1, 2], dtype=int64)
    """
    if type(x) in VARIABLES:
        x = x._leave("from_dlpack")
    found = backends.of(x)
    if found is not None:
        return _asarray_raw(at, x, found, None, device, copy)
    return at.backend.from_dlpack(x, device=None if device is None else at.where, copy=copy)


@creation()
def full(at: At, shape: Any, fill_value: Any, *, dtype: Dtype = None, device: Any = None) -> Any:
    """An array of `shape` with every element `fill_value`, whose kind decides the dtype.

    >>> import xdbr
    >>> xdbr.full(3, 7)
    Variable([7, 7, 7], dtype=int64)
    """
    if type(fill_value) in VARIABLES:
        from .manipulation import broadcast_to

        made = broadcast_to(fill_value, _lengths("full", shape))
        made = made if dtype is None else astype(made, dtype)
        return made if device is None else to_device(made, at.where)
    fill_value = number("full", "fill_value", fill_value)
    if dtype is None and _is_wide("full", fill_value):
        dtype = "uint64"
    return at.xp.full(_lengths("full", shape), fill_value, dtype=at.dtype(dtype, fill_value), device=at.device)


@creation()
def linspace(
    at: At, start: Any, stop: Any, /, num: int, *, dtype: Dtype = None, device: Any = None, endpoint: bool = True
) -> RawArray:
    """`num` evenly spaced values from `start` to `stop`; shape (num,), the default floating-point (or complex) dtype.

    >>> import xdbr
    >>> xdbr.linspace(0, 1, 3)
    Variable([0. , 0.5, 1. ], dtype=float32)
    """
    given = (start, stop)
    if _depend_on_example(*given):
        samples = (0j if getattr(getattr(x, "dtype", None), "kind", "f") == "c" else 0.0 for x in given)
        found = at.dtype(dtype, *samples)
        t = wrap(at.xp.linspace(0.0, 1.0, num, dtype=found, device=at.device, endpoint=endpoint))
        return astype((1 - t) * start + t * stop, found)
    start, stop = number("linspace", "start", start), number("linspace", "stop", stop)
    made = at.xp.linspace(
        start, stop, num, dtype=at.dtype(dtype, 0.0, start, stop), device=at.device, endpoint=endpoint
    )
    found = canonical_dtype(made.dtype)
    if found.kind in "iu" or not _moves(*given):
        return made
    return interpolation(*_placed(at, found, *given), made=made, endpoint=endpoint)


@primitive(name="extras.interpolation", arrays=2)
def interpolation(xp: Any, start: Any, stop: Any, /, *, made: Any, endpoint: bool) -> Any:
    """Give `made`, which is `(1 - t) * start + t * stop` for t from 0 to 1."""
    return xp.asarray(made, copy=True)


def _parts(xp: Any, g: Any, endpoint: bool) -> Any:
    """Give the t of `interpolation`."""
    real = {"complex64": xp.float32, "complex128": xp.float64}.get(canonical_dtype(g.dtype).name, g.dtype)
    return xp.astype(xp.linspace(0.0, 1.0, g.shape[0], dtype=real, device=place_of(g), endpoint=endpoint), g.dtype)


interpolation.vjp(
    lambda xp, g, endpoint: xp.sum(g * (1 - _parts(xp, g, endpoint))),
    lambda xp, g, endpoint: xp.sum(g * _parts(xp, g, endpoint)),
)


@creation()
def ones(at: At, shape: Any, *, dtype: Dtype = None, device: Any = None) -> RawArray:
    """An array of `shape` of ones; the default floating-point dtype.

    >>> import xdbr
    >>> xdbr.ones(2)
    Variable([1., 1.], dtype=float32)
    """
    return at.xp.ones(_lengths("ones", shape), dtype=at.dtype(dtype, 0.0), device=at.device)


@creation()
def zeros(at: At, shape: Any, *, dtype: Dtype = None, device: Any = None) -> RawArray:
    """An array of `shape` of zeros; the default floating-point dtype.

    >>> import xdbr
    >>> xdbr.zeros(2)
    Variable([0., 0.], dtype=float32)
    """
    return at.xp.zeros(_lengths("zeros", shape), dtype=at.dtype(dtype, 0.0), device=at.device)


# -- creation like another array: no backend to choose, and no gradient -----------------------------


def _like(name: str, x: Any, dtype: Dtype, device: Any, *values: Any) -> Variable:
    raw = x._raw if type(x) in VARIABLES else x
    backend = backends.of(raw)
    if backend is None:
        raise DtypeError(f"{name}: x must be an array or a Variable; got {type(x).__name__}")
    where = backend.device_of(raw) if device is None else parse_device(device, function=name)
    at = At(where)
    raw_dtype = at.backend.dtype(canonical_dtype(raw.dtype) if dtype is None else dtype)
    if where == backend.device_of(raw):
        return wrap(getattr(at.xp, name)(backend.as_array(raw), *values, dtype=raw_dtype, device=at.device))
    plain = name.removesuffix("_like")
    return wrap(getattr(at.xp, plain)(tuple(raw.shape), *values, dtype=raw_dtype, device=at.device))


def empty_like(x: Any, /, *, dtype: Dtype = None, device: Any = None) -> Variable:
    """An array of x's shape whose elements are not set; dtype and device are x's by default.

    >>> import xdbr
    >>> xdbr.empty_like(xdbr.ones((2, 3))).shape
    (2, 3)
    """
    return _like("empty_like", x, dtype, device)


def full_like(x: Any, /, fill_value: Any, *, dtype: Dtype = None, device: Any = None) -> Variable:
    """An array of x's shape with every element `fill_value`; dtype and device are x's by default.

    >>> import xdbr
    >>> xdbr.full_like(xdbr.ones(2), 3)
    Variable([3., 3.], dtype=float32)
    """
    if _depend_on_example(fill_value):
        from .manipulation import broadcast_to

        return astype(broadcast_to(fill_value, tuple(x.shape)), x.dtype if dtype is None else dtype)
    value_of_all = number("full_like", "fill_value", fill_value)
    made = _like("full_like", x, dtype, device, value_of_all)
    if made.dtype.kind in "biu" or not _moves(fill_value):
        return made
    from .manipulation import broadcast_to

    (value,) = _placed(At(made.device), made.dtype, fill_value)
    return broadcast_to(value, made.shape)


def ones_like(x: Any, /, *, dtype: Dtype = None, device: Any = None) -> Variable:
    """An array of x's shape of ones; dtype and device are x's by default.

    >>> import xdbr
    >>> xdbr.ones_like(xdbr.zeros(2))
    Variable([1., 1.], dtype=float32)
    """
    return _like("ones_like", x, dtype, device)


def zeros_like(x: Any, /, *, dtype: Dtype = None, device: Any = None) -> Variable:
    """An array of x's shape of zeros; dtype and device are x's by default.

    >>> import xdbr
    >>> xdbr.zeros_like(xdbr.ones(2))
    Variable([0., 0.], dtype=float32)
    """
    return _like("zeros_like", x, dtype, device)


@composite(several=True)
def meshgrid(xp: Any, *arrays: Any, indexing: str = "xy") -> tuple[Any, ...]:
    """Coordinate arrays from the 1-d coordinate vectors `arrays`: a tuple, all of one shape.

    indexing: "xy" (the first two axes swapped) or "ij". Raises `ShapeError` for a vector that is not 1-d.

    >>> import xdbr
    >>> x, y = xdbr.meshgrid(xdbr.arange(2), xdbr.arange(3))
    >>> x.shape
    (3, 2)
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij'; got {indexing!r}")
    n = len(arrays)
    shaped = []
    for i, x in enumerate(arrays):
        if len(x.shape) > 1:
            raise ShapeError(f"meshgrid: arrays[{i}] must have one axis; got shape {tuple(x.shape)}")
        axis = 1 - i if indexing == "xy" and i < 2 and n > 1 else i
        shaped.append(xp.reshape(x, tuple(-1 if j == axis else 1 for j in range(n))))
    return tuple(xp.broadcast_arrays(*shaped))


@primitive(arrays=1)
def tril(xp: Any, x: Any, /, *, k: int = 0) -> Any:
    """The lower triangle of each matrix, zeros above the `k`-th diagonal; shape (..., m, n).

    >>> import xdbr
    >>> xdbr.tril(xdbr.ones((2, 2)))
    Variable([[1., 0.],
              [1., 1.]], dtype=float32)
    """
    return xp.tril(x, k=k)


tril.vjp(lambda xp, g, k: xp.tril(g, k=k))


@primitive(arrays=1)
def triu(xp: Any, x: Any, /, *, k: int = 0) -> Any:
    """The upper triangle of each matrix, zeros below the `k`-th diagonal; shape (..., m, n).

    >>> import xdbr
    >>> xdbr.triu(xdbr.ones((2, 2)))
    Variable([[1., 1.],
              [0., 1.]], dtype=float32)
    """
    return xp.triu(x, k=k)


triu.vjp(lambda xp, g, k: xp.triu(g, k=k))
