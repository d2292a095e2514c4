"""Shapes and orders of axes and elements, each with its gradient rule beside it.

The functions that NumPy implements as views (`expand_dims`, `flip`, `moveaxis`, `permute_dims`,
`reshape` where the memory allows it, `squeeze`, `unstack`) give views here: a write to the result
reaches the argument, and the other way round. All others give arrays of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._errors import AxisError, DtypeError, ShapeError, class_of
from .._typing import Array, Axis, Shape
from ..autograd.primitive import composite, primitive
from ..autograd.variable import VARIABLES, Variable, wrap
from ..autograd.views import read, view_function
from ._arguments import LIBRARY_ERRORS, broadcast, explained, lengths, one_axis, raw_option, unique_axes
from .indexing import add_along

__all__ = [
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "concat",
    "diag",
    "expand_dims",
    "flip",
    "moveaxis",
    "permute_dims",
    "repeat",
    "reshape",
    "roll",
    "squeeze",
    "stack",
    "tile",
    "transpose",
    "unstack",
]

# -- views ------------------------------------------------------------------------------------------


@primitive(name="expand_dims", arrays=1)
def _expand_dims(xp: Any, x: Array, /, axis: Axis) -> Array:
    ndim = len(x.shape) + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    new = unique_axes("expand_dims", axis if axis is not None else (None,), ndim)
    return x[tuple(None if i in new else slice(None) for i in range(ndim))]


_expand_dims.vjp(lambda xp, g, x_shape: xp.reshape(g, x_shape))


def expand_dims(x: Any, /, axis: int | tuple[int, ...]) -> Variable:
    """Insert axes of length one; a view.

    axis: where the new axes are in the result, one or several, all different; negative ones count from the last.

    Raises `AxisError` for an axis out of range or named twice.

    >>> import xdbr
    >>> xdbr.expand_dims(xdbr.ones((2, 3)), (0, -1)).shape
    (1, 2, 3, 1)
    """
    return view_function(x, _expand_dims.primitive, {"axis": axis})


@primitive(name="flip", arrays=1)
def _flip(xp: Any, x: Array, /, *, axis: Axis = None) -> Array:
    try:
        return xp.flip(x, axis=axis)
    except LIBRARY_ERRORS as error:
        raise explained("flip", error, x, axis=axis) from error


_flip.vjp(lambda xp, g, axis: xp.flip(g, axis=axis))


def flip(x: Any, /, *, axis: Axis = None) -> Variable:
    """Reverse the order of the elements along one axis, several, or all of them (`None`); a view.

    Raises `AxisError` for an axis out of range or named twice.

    >>> import xdbr
    >>> xdbr.flip(xdbr.asarray([1, 2, 3]))
    Variable([3, 2, 1], dtype=int64)
    """
    return view_function(x, _flip.primitive, {"axis": axis})


@primitive(name="moveaxis", arrays=1)
def _moveaxis(xp: Any, x: Array, /, source: Axis, destination: Axis) -> Array:
    ndim = len(x.shape)
    old = unique_axes("moveaxis", () if source is None else source, ndim)
    new = unique_axes("moveaxis", () if destination is None else destination, ndim)
    if len(old) != len(new):
        raise AxisError(
            f"moveaxis: source and destination must name equally many axes; got {source!r} and {destination!r}"
        )
    places = dict(zip(new, old, strict=True))
    others = iter([i for i in range(ndim) if i not in old])
    return xp.permute_dims(x, tuple(places[i] if i in places else next(others) for i in range(ndim)))


_moveaxis.vjp(lambda xp, g, source, destination: xp.moveaxis(g, destination, source))


def moveaxis(x: Any, source: int | tuple[int, ...], destination: int | tuple[int, ...], /) -> Variable:
    """Move axes to new positions, the others staying in their order; a view.

    source, destination: an axis, or equally many different ones.

    Raises `AxisError` where an axis is out of range or named twice, or the numbers differ.

    >>> import xdbr
    >>> xdbr.moveaxis(xdbr.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    return view_function(x, _moveaxis.primitive, {"source": source, "destination": destination})


@primitive(name="permute_dims", arrays=1)
def _permute_dims(xp: Any, x: Array, /, axes: tuple[int, ...]) -> Array:
    try:
        return xp.permute_dims(x, tuple(axes))
    except LIBRARY_ERRORS as error:
        raise AxisError(
            f"permute_dims: axes must name each axis of an array of shape {tuple(x.shape)} once; got {axes!r}"
        ) from error


def _inverse(axes: Sequence[int]) -> tuple[int, ...]:
    """Give the permutation that undoes `axes`."""
    found = [0] * len(axes)
    for i, axis in enumerate(axes):
        found[axis] = i
    return tuple(found)


_permute_dims.vjp(lambda xp, g, axes: xp.permute_dims(g, _inverse(axes)))


def permute_dims(x: Any, /, axes: tuple[int, ...]) -> Variable:
    """Put the axes in another order; a view.

    axes: axis `i` of the result is axis `axes[i]` of `x`; each axis once, negative ones count from the last.

    Raises `AxisError` where `axes` is no permutation.

    >>> import xdbr
    >>> xdbr.permute_dims(xdbr.ones((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    return view_function(x, _permute_dims.primitive, {"axes": axes})


@primitive(name="reshape", arrays=1)
def _reshape(xp: Any, x: Array, /, shape: Shape, *, copy: bool | None = None) -> Array:
    try:
        if copy is None:
            return xp.reshape(x, shape)
        return xp.reshape(xp.asarray(x, copy=True), shape) if copy else xp.reshape(x, shape, copy=False)
    except LIBRARY_ERRORS as error:
        raise ShapeError(
            f"reshape: an array of shape {tuple(x.shape)} cannot be given the shape {shape}"
            f"{' without a copy' if copy is False else ''}: {error}"
        ) from error


_reshape.vjp(lambda xp, g, x_shape: xp.reshape(g, x_shape))


def reshape(x: Any, /, shape: int | Sequence[int], *, copy: bool | None = None) -> Variable:
    """Give the elements in row-major order another shape.

    shape: of as many elements as `x`; one length may be -1, which is inferred.
    copy: `True` gives an array of its own, `False` a view or, where the memory does not allow one, a
        `ShapeError`, `None` a view where the memory allows it.

    Raises `ShapeError` where the number of elements differs.

    >>> import xdbr
    >>> xdbr.reshape(xdbr.arange(6), (2, -1))
    Variable([[0, 1, 2],
              [3, 4, 5]], dtype=int64)
    """
    shape = shape if type(shape) is tuple else lengths("reshape", shape)
    if copy is None:
        return view_function(x, _reshape.primitive, {"shape": shape})
    if type(x) not in VARIABLES:
        x = wrap(x)
    if copy:
        made: Variable = _reshape.primitive.apply((x,), {"shape": shape, "copy": True})
        return made
    x._data = x._backend.as_array(x._raw)  # a NumPy scalar has no memory to share
    y = view_function(x, _reshape.primitive, {"shape": shape})
    if y._view is None and y.size:
        raise ShapeError(f"reshape: an array of shape {x.shape} cannot be given the shape {shape} without a copy")
    return y


@primitive(name="squeeze", arrays=1)
def _squeeze(xp: Any, x: Array, /, axis: Axis) -> Array:
    shape = tuple(x.shape)
    if axis is None:
        axis = tuple(i for i, length in enumerate(shape) if length == 1)
    try:
        return xp.squeeze(x, axis=axis)
    except LIBRARY_ERRORS as error:
        for i in unique_axes("squeeze", axis, len(shape)):
            if shape[i] != 1:
                raise ShapeError(f"squeeze: axis {i} must have length 1; got shape {shape}") from error
        raise explained("squeeze", error, x, axis=axis) from error


_squeeze.vjp(lambda xp, g, x_shape: xp.reshape(g, x_shape))


def squeeze(x: Any, /, axis: Axis) -> Variable:
    """Remove axes of length one; a view.

    axis: one or several, all different; `None` for every axis of length one.

    Raises `ShapeError` where an axis is longer, `AxisError` where it is out of range or named twice.

    >>> import xdbr
    >>> xdbr.squeeze(xdbr.ones((1, 3, 1)), (0, -1)).shape
    (3,)
    """
    return view_function(x, _squeeze.primitive, {"axis": axis})


def _pieces(shape: Shape, axis: Any) -> list[tuple[Any, ...]]:
    """Give the index of each piece along an axis."""
    i = one_axis("unstack", axis, len(shape))
    # As in NumPy, the pieces of a vector are scalars, which alias nothing; the standard wants an ellipsis elsewhere.
    rest = (Ellipsis,) if len(shape) > 1 else ()
    return [(slice(None),) * i + (j, *rest) for j in range(shape[i])]


@composite(name="unstack", several=True)
def _unstack(xp: Any, x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    return tuple(x[key] for key in _pieces(x.shape, axis))


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Variable, ...]:
    """Split into the pieces along an axis, which goes away: a tuple of views.

    Raises `AxisError` where the axis is out of range.

    >>> import xdbr
    >>> xdbr.unstack(xdbr.asarray([[1, 2], [3, 4]]), axis=1)
    (Variable([1, 3], dtype=int64), Variable([2, 4], dtype=int64))
    """
    if type(x) not in VARIABLES:
        return _unstack(x, axis=axis)
    return tuple(read(x, key) for key in _pieces(x.shape, axis))


# -- broadcasting -----------------------------------------------------------------------------------


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Give the shape that all the shapes broadcast to; `()` for none.

    Raises `ShapeError` where they do not broadcast.

    >>> import xdbr
    >>> xdbr.broadcast_shapes((3, 1), (1, 4), ())
    (3, 4)
    """
    return broadcast("broadcast_shapes", [lengths("broadcast_shapes", shape) for shape in shapes])


@primitive(arrays=1)
def broadcast_to(xp: Any, x: Array, /, shape: Shape) -> Array:
    """Repeat along axes of length one, and along new ones in front, up to a shape; an array of its own.

    Raises `ShapeError` where `x` does not broadcast to `shape`.

    >>> import xdbr
    >>> xdbr.broadcast_to(xdbr.asarray([1, 2]), (2, 2))
    Variable([[1, 2],
              [1, 2]], dtype=int64)
    """
    try:
        return xp.broadcast_to(x, shape)
    except LIBRARY_ERRORS as error:
        raise ShapeError(f"broadcast_to: shape {tuple(x.shape)} does not broadcast to {shape!r}") from error


broadcast_to.vjp(lambda xp, g: g)  # the engine sums over what was broadcast


@composite(several=True)
def broadcast_arrays(xp: Any, *arrays: Array) -> tuple[Array, ...]:
    """Broadcast arrays against one another: a tuple of arrays of one shape, each of its own dtype.

    Raises `ShapeError` where the shapes do not broadcast.

    >>> import xdbr
    >>> [x.shape for x in xdbr.broadcast_arrays(xdbr.ones((3, 1)), xdbr.ones(2))]
    [(3, 2), (3, 2)]
    """
    for i, x in enumerate(arrays):
        if not hasattr(x, "shape"):
            raise DtypeError(f"broadcast_arrays: arrays[{i}] must be an array or a Variable; got {type(x).__name__}")
    shape = broadcast("broadcast_arrays", [x.shape for x in arrays])
    return tuple(xp.broadcast_to(x, shape) for x in arrays)


# -- joining ----------------------------------------------------------------------------------------


def _not_joined(function: str, error: Exception, arrays: Sequence[Any], axis: Any) -> Exception:
    """Give the error for arrays that a library could not join."""
    shapes = [tuple(x.shape) if hasattr(x, "shape") else type(x).__name__ for x in arrays]
    dtypes = [str(getattr(x, "dtype", type(x).__name__)) for x in arrays]
    if class_of(error) is DtypeError:
        return DtypeError(f"{function}: cannot join arrays of dtypes {', '.join(dtypes)}: {error}")
    if axis is not None and shapes and isinstance(shapes[0], tuple):
        try:
            one_axis(function, axis, len(shapes[0]) + (function == "stack"))
        except (AxisError, TypeError) as better:
            return better
    return ShapeError(
        f"{function}: cannot join arrays of shapes {', '.join(map(str, shapes))} along axis {axis}: {error}"
    )


@primitive(list_arg=True)
def concat(xp: Any, arrays: Sequence[Array], /, *, axis: int | None = 0) -> Array:
    """Join arrays along an axis that they have.

    arrays: a list or tuple, their shapes equal but along `axis`; the dtypes are promoted.
    axis: `None` flattens the arrays first.

    Raises `ShapeError` where shapes do not fit, `DtypeError` where dtypes have no common one, `AxisError`.

    >>> import xdbr
    >>> xdbr.concat([xdbr.asarray([1, 2]), xdbr.asarray([3])])
    Variable([1, 2, 3], dtype=int64)
    """
    try:
        return xp.concat(arrays, axis=axis)
    except LIBRARY_ERRORS as error:
        raise _not_joined("concat", error, arrays, axis) from error


def _concat_rule(xp: Any, g: Array, arrays_shape: list[Shape], axis: int | None) -> list[Array]:
    before = (slice(None),) * (0 if axis is None else axis % len(g.shape))
    pieces, start = [], 0
    for shape in arrays_shape:
        size = 1
        for length in shape if axis is None else (shape[axis],):
            size *= length
        piece = g[(*before, slice(start, start + size), ...)]
        pieces.append(xp.reshape(piece, shape) if axis is None else piece)
        start += size
    return pieces


concat.vjp(_concat_rule)


@primitive(list_arg=True)
def stack(xp: Any, arrays: Sequence[Array], /, *, axis: int = 0) -> Array:
    """Join arrays along a new axis.

    arrays: a list or tuple, all of one shape; the dtypes are promoted.
    axis: where the new axis is in the result.

    Raises `ShapeError` where shapes differ, `DtypeError` where dtypes have no common one, `AxisError`.

    >>> import xdbr
    >>> xdbr.stack([xdbr.asarray([1, 2]), xdbr.asarray([3, 4])], axis=1)
    Variable([[1, 3],
              [2, 4]], dtype=int64)
    """
    try:
        return xp.stack(arrays, axis=axis)
    except LIBRARY_ERRORS as error:
        raise _not_joined("stack", error, arrays, axis) from error


def _stack_rule(xp: Any, g: Array, arrays_shape: list[Shape], axis: int) -> list[Array]:
    before = (slice(None),) * (axis % len(g.shape))
    return [g[(*before, i, ...)] for i in range(len(arrays_shape))]


stack.vjp(_stack_rule)


# -- repeating and shifting -------------------------------------------------------------------------


@primitive(name="repeat", arrays=1)
def _repeat(xp: Any, x: Array, /, repeats: Any, *, axis: int | None = None) -> Array:
    if not isinstance(repeats, int):
        if not xp.isdtype(repeats.dtype, "integral") or len(repeats.shape) != 1:
            raise ShapeError(
                "repeat: repeats must be an integer or an integer array with one axis; "
                f"got shape {tuple(repeats.shape)} and dtype {repeats.dtype}"
            )
        repeats = xp.astype(repeats, xp.int64, copy=False)
    try:
        return xp.repeat(x, repeats, axis=axis)
    except LIBRARY_ERRORS as error:
        raise explained("repeat", error, x, axis=axis) from error


def _repeat_rule(xp: Any, g: Array, x_shape: Shape, repeats: Any, axis: int | None) -> Array:
    shape = tuple(x_shape)
    if axis is None:
        size = 1
        for length in shape:
            size *= length
        shape, axis = (size,), 0
    axis %= len(shape)
    if isinstance(repeats, int):
        g = xp.sum(xp.reshape(g, (*shape[: axis + 1], repeats, *shape[axis + 1 :])), axis=axis + 1)
    else:
        sources = xp.repeat(xp.arange(shape[axis], device=g.device), repeats)
        g = add_along(xp, xp.zeros(shape, dtype=g.dtype, device=g.device), g, sources, axis)
    return xp.reshape(g, x_shape)


_repeat.vjp(_repeat_rule)


def repeat(x: Any, repeats: Any, /, *, axis: int | None = None) -> Variable:
    """Repeat each element, or each slice along an axis, next to itself.

    repeats: how often: an integer, or an integer array with one axis that has a number for each element (or
        one number for all of them). An array makes the shape depend on values: on a GPU that waits for it.
    axis: `None` flattens `x` first and gives one axis.

    Raises `ShapeError` where `repeats` does not fit, `AxisError`, `DeviceError`.

    >>> import xdbr
    >>> xdbr.repeat(xdbr.asarray([1, 2]), xdbr.asarray([3, 1]))
    Variable([1, 1, 1, 2], dtype=int64)
    """
    if not isinstance(repeats, int):
        repeats = repeats.__index__() if not hasattr(repeats, "shape") else raw_option("repeat", "repeats", repeats, x)
        if getattr(repeats, "shape", None) == ():
            repeats = int(repeats)
    made: Variable = _repeat.primitive.apply((x,), {"repeats": repeats, "axis": axis})
    return made


@primitive(arrays=1)
def roll(xp: Any, x: Array, /, shift: int | tuple[int, ...], *, axis: Axis = None) -> Array:
    """Shift the elements along axes; those that leave at one end come in at the other.

    shift: by how many places, toward larger indices; one number for all axes or one for each.
    axis: `None` shifts the flattened array and gives it its shape back.

    Raises `AxisError` where an axis is out of range, `ShapeError` where `shift` and `axis` have different lengths.

    >>> import xdbr
    >>> xdbr.roll(xdbr.arange(5), 2)
    Variable([3, 4, 0, 1, 2], dtype=int64)
    """
    if isinstance(shift, tuple) and (not isinstance(axis, tuple) or len(axis) != len(shift)):
        raise ShapeError(
            f"roll: a tuple of shifts needs a tuple of as many axes; got shift={shift!r} and axis={axis!r}"
        )
    try:
        return xp.roll(x, shift, axis=axis)
    except LIBRARY_ERRORS as error:
        raise explained("roll", error, x, axis=axis) from error


def _roll_rule(xp: Any, g: Array, shift: int | tuple[int, ...], axis: Axis) -> Array:
    return xp.roll(g, tuple(-n for n in shift) if isinstance(shift, tuple) else -shift, axis=axis)


roll.vjp(_roll_rule)


@primitive(name="tile", arrays=1)
def _tile(xp: Any, x: Array, /, repetitions: Any) -> Array:
    times = lengths("tile", repetitions, "repetitions")
    try:
        return xp.tile(x, times)
    except LIBRARY_ERRORS as error:
        raise explained("tile", error, x) from error


def _tile_rule(xp: Any, g: Array, x_shape: Shape, repetitions: Any) -> Array:
    times = lengths("tile", repetitions, "repetitions")
    ndim = max(len(times), len(x_shape))
    times = (1,) * (ndim - len(times)) + times
    shape = (1,) * (ndim - len(x_shape)) + tuple(x_shape)
    apart = tuple(n for pair in zip(times, shape, strict=True) for n in pair)
    return xp.reshape(xp.sum(xp.reshape(g, apart), axis=tuple(range(0, 2 * ndim, 2))), x_shape)


_tile.vjp(_tile_rule)


def tile(x: Any, repetitions: tuple[int, ...], /) -> Variable:
    """Repeat the whole array along its axes, and along new ones in front.

    repetitions: how often along each axis; fewer of them than axes are for the last axes.

    >>> import xdbr
    >>> xdbr.tile(xdbr.asarray([1, 2]), (2, 2))
    Variable([[1, 2, 1, 2],
              [1, 2, 1, 2]], dtype=int64)
    """
    made: Variable = _tile.primitive.apply((x,), {"repetitions": repetitions})
    return made


# -- beyond the standard ----------------------------------------------------------------------------


@composite
def transpose(xp: Any, x: Array, /, axes: Sequence[int] | None = None) -> Array:
    """NumPy's name for `permute_dims`, which reverses the axes where none are given; a view, beyond the standard.

    Raises `AxisError` as `permute_dims`.

    >>> import xdbr
    >>> xdbr.transpose(xdbr.ones((2, 3, 4))).shape
    (4, 3, 2)
    """
    return xp.permute_dims(x, tuple(reversed(range(len(x.shape)))) if axes is None else tuple(axes))


@composite
def diag(xp: Any, x: Array, /, k: int = 0) -> Array:
    """Give a matrix with a vector on its `k`-th diagonal, or the `k`-th diagonal of a matrix; as NumPy's.

    x: shape (n,) gives (n + abs(k), n + abs(k)) with zeros elsewhere; shape (m, n) gives the diagonal, a copy.
    k: above the main diagonal where it is positive.

    Raises `ShapeError` for any other number of axes.

    >>> import xdbr
    >>> xdbr.diag(xdbr.asarray([1, 2]))
    Variable([[1, 0],
              [0, 2]], dtype=int64)
    """
    if len(x.shape) == 1:
        n = x.shape[0] + abs(k)
        if k:
            x = xp.concat([x, xp.zeros((abs(k),), dtype=x.dtype, device=x.device)])
        x = xp.reshape(x, (n, 1) if k > 0 else (1, n))
        return xp.where(xp.eye(n, k=k, dtype=xp.bool, device=x.device), x, xp.zeros_like(x))
    if len(x.shape) != 2:
        raise ShapeError(f"diag: x must have one axis or two; got shape {tuple(x.shape)}")
    m, n = x.shape
    length = max(0, min(m + min(k, 0), n - max(k, 0)))
    rows = xp.arange(max(-k, 0), max(-k, 0) + length, device=x.device)
    return x[rows, rows + k]
