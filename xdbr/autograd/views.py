"""Views and writes with NumPy's aliasing, on buffers with value semantics.

The model: every Variable has a value. Writing gives the *root* (the Variable that owns the memory)
a new value and a new node and raises its version; a view remembers its base and the step that leads
from the base to itself, and is computed afresh from the root when its version has fallen behind. So no buffer that a
node has saved ever changes, and a base knows nothing of its views.

Writing in place is an optimisation of that model: it is done when nothing else refers to the root's
buffer. Once a root has been written in place its views are copies of their slices, so that a saved
slice does not hold on to the whole buffer: the low bit of the version says so.
"""

from __future__ import annotations

import weakref
from typing import Any

from .. import backends
from .._config import MODE, no_grad
from .._errors import DeviceError, DtypeError, GradientError, ShapeError
from .._typing import Key, RawArray
from ..backends import Backend, canonical_dtype, place_of
from ..backends._extras import is_basic
from .graph import Node
from .kernels import RAW_NAMESPACES
from .lending import LENDING, Loan
from .lifting import Higher, at_level_of, lift_to, own_mask, raise_root, select
from .primitive import Primitive, primitive
from .variable import VARIABLES, Variable, View, refresh, wrap

__all__ = [
    "Walk",
    "assign",
    "getitem",
    "lend",
    "make_view",
    "raw_key",
    "read",
    "rebind",
    "regenerate",
    "setitem",
    "view_function",
    "write",
]

_COPIES = 1  # the low bit of a version: views of this root are copies

# The steps that give a view or a copy, depending on how the memory is laid out.
_SOMETIMES_VIEWS = frozenset({"reshape"})


# -- the two primitives ---------------------------------------------------------------------------


@primitive(arrays=1, selecting=False)
def getitem(xp: Any, x: Any, /, *, key: Key) -> Any:
    """Give `x[key]`."""
    return x[key]


def _getitem_rule(xp: Any, g: Any, x_shape: Any, key: Key) -> Any:
    return xp.extras.index_add(xp.zeros(x_shape, dtype=g.dtype, device=place_of(g)), g, key=key)


getitem.vjp(_getitem_rule)


def _accumulate_getitem(xp: Any, total: Any, g: Any, saved: dict[str, Any], owned: bool) -> Any:
    return xp.extras.index_add(total, g, key=saved["key"], owned=owned)


getitem.primitive.scatter = _accumulate_getitem


@primitive(arrays=1, name="getitem_masked", selecting=True)
def getitem_masked(xp: Any, x: Any, /, *, key: Key) -> Any:
    """Give `x[key]` for a key that holds a Boolean mask: a selection, so that a zero cotangent absorbs infinities."""
    return x[key]


getitem_masked.vjp(_getitem_rule)
getitem_masked.primitive.scatter = _accumulate_getitem


class Walk:
    """A path of view steps from a root to one of its views; runs on raw arrays and on Variables."""

    __slots__ = ("steps",)

    def __init__(self, steps: tuple[tuple[Primitive, dict[str, Any]], ...]) -> None:
        self.steps = steps

    def __call__(self, x: Any) -> Any:
        """Follow the path from `x`."""
        for step, options in self.steps:
            if type(x) in VARIABLES:
                x = step.apply((x,), options)
            else:
                x = step.kernels[type(x)](x, **options)
        return x


@primitive(arrays=2, joint=True, selecting=True)
def setitem(xp: Any, x: Any, v: Any, /, *, walk: Walk, key: Key, last: Any = None) -> Any:
    """Give `x` with `v` written at `walk(x)[key]`.

    Where `key` names positions more than once, `last` tells for each element of `v` whether it is the one that stays.
    """
    return xp.extras.write(x, v, walk=walk, key=key)


def _setitem_rule(xp: Any, g: Any, needs: list[bool], walk: Walk, key: Key, last: Any) -> list[Any]:
    return [
        xp.extras.write(g, 0, walk=walk, key=key) if needs[0] else None,
        _written(xp, g, walk, key, last) if needs[1] else None,
    ]


def _written(xp: Any, g: Any, walk: Walk, key: Key, last: Any) -> Any:
    part = xp.extras.read(walk(g), key=key)
    return part if last is None else xp.where(last, part, 0)


setitem.vjp_joint(_setitem_rule)


def _overwrite(xp: Any, g: Any, needs: list[bool], saved: dict[str, Any], owned: bool) -> list[Any]:
    """The rule of a write where `g` may be ours to change: it costs what was written, not the whole array."""
    walk, key = saved["walk"], saved["key"]
    part = _written(xp, g, walk, key, saved["last"]) if needs[1] else None
    if needs[0]:
        if part is not None:
            part = xp.asarray(part, copy=True)
        g = xp.extras.write(g, 0, walk=walk, key=key, owned=owned)
    return [g if needs[0] else None, part]


setitem.primitive.gated = _overwrite


# -- making and refreshing views --------------------------------------------------------------------


def view_function(x: Variable, step: Primitive, options: dict[str, Any]) -> Variable:
    """Run a step that may give a view; where the raw result shares memory, the result aliases `x`."""
    y: Variable = step.apply((x,), options)
    if type(x) in VARIABLES:
        make_view(x, y, step, options)
    return y


def make_view(x: Variable, y: Variable, step: Primitive, options: dict[str, Any]) -> None:
    """Make `y`, which `step` gave from `x`, a view of `x`.

    All steps give views but a reshape that had to copy. A view needs no memory in common: where a library
    copies, as PyTorch does for a flip and NumPy for its scalars, writes go by positions.
    """
    backend = x._backend
    view = x._view
    root = x if view is None else view.root
    try:
        version = root._ver
    except AttributeError:
        version = root._ver = 0
    copies = version & _COPIES and backend.aliasing_views
    if step.name in _SOMETIMES_VIEWS and type(x._data) is backend.array_types[0]:
        if copies and view is not None:
            # `x` is a copy; what counts is how it lies in the memory of its root.
            gives_view = _gives_view(step, options, _walk(_chain(x)[1])(root._data), backend)
        elif backend.aliasing_views:
            gives_view = backend.is_view(y._data, x._data)
        else:
            gives_view = _would_give_view(x, step, options)
        if not gives_view:
            return
    if copies and view is None:
        y._data = backend.copy(y._data)
    y._view = View(x, root, step, options, MODE.get().recording)


def _gives_view(step: Primitive, options: dict[str, Any], part: Any, backend: Backend) -> bool:
    return backend.is_view(step.kernels[type(part)](part, **options), part)


def _would_give_view(x: Variable, step: Primitive, options: dict[str, Any]) -> bool:
    """Tell whether a step gives a view of `x` where arrays are values: as if the root lay in host memory.

    There it is compact, in row-major order. Memory that is only reserved stands for it: nothing is read or written.
    """
    root, chain = _chain(x)
    host = backends.get("numpy")
    return _gives_view(step, options, _walk(chain)(host.lib.empty(tuple(root._data.shape), dtype="bool")), host)


def _chain(x: Variable) -> tuple[Variable, list[Variable]]:
    """Give the root of `x` and the views from it down to `x`, mending views whose base was cut loose."""
    chain: list[Variable] = []
    top = x
    while top._view is not None:
        chain.append(top)
        top = top._view.base
    if type(top) is Loan and top.memory() is None:
        top.end()
        return _chain(x)
    chain.reverse()
    for link in chain:
        view: Any = link._view
        if view.root is not top:  # also where the views between have been mended already
            if not hasattr(top, "_ver"):
                top._ver = 0
            view.root = top
            view.version = -1
    return top, chain


def _walk(chain: list[Variable]) -> Walk:
    return Walk(tuple((link._view.step, link._view.options) for link in chain))  # type: ignore[union-attr]


def regenerate(x: Variable) -> None:
    """Compute the stale views from the root down to `x` afresh."""
    root, chain = _chain(x)
    version = root._ver
    backend = x._backend
    if type(root) is Loan:
        x._data = backend.copy(_walk(chain)(root._data))
        x._node = None
        return
    for link in chain:
        view = link._view
        assert view is not None
        if view.version == version:
            continue
        base = view.base
        raw = view.step.kernels[type(base._data)](base._data, **view.options)
        if version & _COPIES and base is root and backend.aliasing_views:
            raw = backend.copy(raw)
        link._data = raw
        link._node = None
        if view.recorded and base._node is not None:
            link._node = view.step._record([base._node], [base._data], view.options, raw, False)._node
        view.version = version


def lend(x: Variable) -> Any:
    """Give the memory of `x` as an array of NumPy's that can be written, or None (see `lending`)."""
    import numpy as np

    with LENDING:
        root, chain = _chain(x)
        memory = root.memory() if isinstance(root, Loan) else None
        if memory is None:
            backend = root._backend
            if root._node is not None or backend.writable_host(root._data) is None:
                return None
            if not (backend.aliasing_views and backend.exclusive(root)):
                root._data = backend.copy(root._data)
            loan, memory = Loan.of(root, backend.writable_host(root._data))
            root._outdate_views()
            root._view = View(loan, loan, getitem.primitive, {"key": ...}, True)
            chain.insert(0, root)
            root = loan
        lent = np.asarray(memory)
        host = lent
        if len(chain) > 1:
            host = _walk(chain[1:])(lent)
            if host.size and not np.may_share_memory(host, lent):
                return None
        assert isinstance(root, Loan)
        root.arrays = [*(alive for alive in root.arrays if alive() is not None), weakref.ref(host)]
        return host


def _read_lent(x: Variable, key: Key) -> Variable:
    """Give `x[key]`, a view, of what NumPy may write: only that part is copied, not the whole of `x`."""
    y = wrap(x._data)
    y._view = View(x, x._view.root, getitem.primitive, {"key": key}, True)  # type: ignore[union-attr]
    regenerate(y)
    return y


# -- writing ----------------------------------------------------------------------------------------


def raw_key(key: Key, backend: Backend, x: Variable) -> Key:
    """Turn the Variables, lists and foreign arrays in an index into raw arrays and integers."""
    if isinstance(key, tuple):
        return tuple(_raw_key_part(part, backend, x) for part in key)
    return _raw_key_part(key, backend, x)


def _raw_key_part(part: Any, backend: Backend, x: Variable) -> Any:
    t = type(part)
    if t is int or t is slice or part is None or part is Ellipsis:
        if t is slice:
            return slice(_bound(part.start), _bound(part.stop), _bound(part.step))
        return part
    if t in VARIABLES:
        device = part.device
        if device != x.device and backends.levels_meet(device, x.device):
            part, device = at_level_of(x, part.detach()), x.device
        raw = part._raw
        if device != x.device:
            raise DeviceError(
                f"getitem: the array is on {str(x.device)!r} but the index is on {str(device)!r}; "
                f"move one of them, for example index.to_device({str(x.device)!r})"
            )
        name = part.dtype.name
        if not name.startswith(("int", "uint", "bool")):
            raise IndexError(f"getitem: an index array must have an integer or boolean dtype; got {part.dtype}")
        if name != "bool" and tuple(raw.shape) == () and (not backend.depth or not raw.differs):
            return int(raw)
        # PyTorch takes uint8 for a mask, and refuses the other unsigned dtypes.
        return RAW_NAMESPACES[type(raw)].astype(raw, backend.dtype("int64")) if name.startswith("uint") else raw
    found = backends.of(part)
    if found is not None and found.depth:
        return _raw_key_part(wrap(part), backend, x)
    if found is not None and tuple(part.shape) == () and not isinstance(part, bool):
        host = found.to_host(part)
        if host.dtype.kind in "iu":
            return int(host)
        if found is not backend:
            return backend.from_host(host, device=x.device)
    if found is backend:
        return backend.copy(part)  # the graph keeps it, and it is the caller's to change
    if found is not None:
        return backend.from_host(found.to_host(part), device=x.device)
    if isinstance(part, (list, range)):
        return backend.asarray(list(part), dtype=None if len(part) else "int64", device=x.device)
    if isinstance(part, bool):
        return part
    if hasattr(part, "__index__"):
        return part.__index__()
    raise IndexError(
        f"getitem: an index is made of integers, slices, None, ... and integer or boolean arrays; got {t.__name__}"
    )


def _bound(bound: Any) -> int | None:
    return bound if bound is None or type(bound) is int else bound.__index__()


def read(x: Variable, key: Key, /) -> Variable:
    """Give `x[key]`: a view for basic indexing, a copy otherwise."""
    if x._view is not None and type(x._view.root) is not Loan:
        refresh(x)
    backend = x._backend
    try:
        key = raw_key(key, backend, x)
    except Higher as found:
        return read(lift_to(x, found.backend), key)
    try:
        return _read(x, key)
    except IndexError as error:
        raise IndexError(f"getitem: {error} (key {_show(key)} of an array of shape {tuple(x._data.shape)})") from error


def _read(x: Variable, key: Key) -> Variable:
    if is_basic(key):
        options = {"key": key}
        lent = x._view is not None and type(x._view.root) is Loan
        y: Variable = _read_lent(x, key) if lent else getitem.primitive.apply((x,), options)
        if y._data.shape != () or key is Ellipsis or (isinstance(key, tuple) and any(part is Ellipsis for part in key)):
            if not lent:
                make_view(x, y, getitem.primitive, options)
        elif lent:
            y._view = None
        return y
    masked = any(
        isinstance(part, bool) or (hasattr(part, "dtype") and canonical_dtype(part.dtype).name == "bool")
        for part in (key if isinstance(key, tuple) else (key,))
    )
    prim = (getitem_masked if masked else getitem).primitive
    return prim.apply((x,), {"key": key})  # type: ignore[no-any-return]


def write(x: Variable, key: Key, value: Any, /) -> None:
    """Do `x[key] = value`: the root of `x` gets a new value and, where something needs gradient, a new node.

    Raises `ShapeError`, `DtypeError`, `DeviceError` or `IndexError` and changes nothing where it does not fit.
    """
    if x._view is not None:
        refresh(x)
    root, chain = _chain(x)
    if type(root) is Loan:
        root.end()
        root, chain = _chain(x)
    backend = root._backend
    walk = _walk(chain)
    given = key
    try:
        key = raw_key(key, backend, x)
        raw, value_node = _value(x, value, backend)
    except Higher as found:
        raise_root(root, found.backend)
        write(x, given, value)
        return
    if backend.depth and (mask := own_mask(key)) is not None:
        write(x, ..., select(x, key, mask, value))
        return
    record = MODE.get().recording and (root._node is not None or value_node is not None)
    if record and value_node is not None and _kind(x._data.dtype) not in "fc":
        raise GradientError(
            f"setitem: a value that needs gradient is written into an array of dtype {x.dtype}, which has none; "
            "use value.detach() where that is meant"
        )
    xp = RAW_NAMESPACES[type(root._data)]
    owned = backend.aliasing_views and backend.exclusive(root)
    node = None
    try:
        if record:  # before the write, which may be in place: an interruption must not leave it without its node
            # Nothing of the old value is left where all of it is written; a leaf does not become a constant silently.
            old_node = root._node
            if old_node is not None and not old_node.is_leaf and not chain and _is_whole(key):
                old_node = None
            if old_node is not None or value_node is not None:
                node = _write_node(xp, root, x, raw, old_node, value_node, walk, key)
        new = xp.extras.write(backend.as_array(root._data), raw, walk=walk, key=key, owned=owned)
    except IndexError as error:
        raise IndexError(f"setitem: {error} (key {_show(key)} of an array of shape {tuple(x._data.shape)})") from error
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        shape = tuple(getattr(raw, "shape", ()))
        raise ShapeError(
            f"setitem: cannot write a value of shape {shape} at {_show(key)} of an array of shape "
            f"{tuple(x._data.shape)}: {error}"
        ) from error
    version = (getattr(root, "_ver", 0) + 2) | _COPIES
    root._data = new
    if record:
        root._node = node
    root._ver = version


def _write_node(
    xp: Any, root: Variable, x: Variable, raw: Any, old_node: Any, value_node: Any, walk: Walk, key: Key
) -> Node | None:
    """Make the node of a write of `raw` at `walk(root)[key]`, where the walk leads to `x`."""
    options: dict[str, Any] = {"walk": walk, "key": key}
    if value_node is not None:
        last = root._backend.placed(_last_if_twice)(xp, x._data, key)
        if last is not None:
            options["last"] = last
    whole = root._data
    made: Variable = setitem.primitive._record([old_node, value_node], [whole, raw], options, whole, MODE.get().debug)
    return made._node


def _is_whole(key: Key) -> bool:
    """Tell whether a key names every element."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(part is Ellipsis or (isinstance(part, slice) and part == slice(None)) for part in parts)


def _names_twice(xp: Any, shape: Any, key: Key) -> bool:
    """Tell whether integer arrays in a key name some position more than once."""
    parts = key if isinstance(key, tuple) else (key,)
    arrays = [hasattr(part, "dtype") for part in parts]
    if not any(arrays):
        return False
    taken = [len(part.shape) if array and _kind(part.dtype) == "b" else int(part is not None and part is not Ellipsis)
             for part, array in zip(parts, arrays, strict=True)]  # fmt: skip
    places: Any = None
    axis = 0
    for part, array, axes in zip(parts, arrays, taken, strict=True):
        if part is Ellipsis:
            axis += len(shape) - sum(taken)
        elif array and _kind(part.dtype) != "b":
            length = shape[axis]
            part = xp.astype(part, xp.int64)
            part = xp.where(part < 0, part + length, part)
            places = part if places is None else places * length + part
        axis += axes
    if places is None:
        return False
    if any(array and _kind(part.dtype) == "b" for part, array in zip(parts, arrays, strict=True)):
        return True  # a mask beside integers pairs up with them: look at the positions themselves
    places = xp.sort(xp.reshape(places, (-1,)))
    twice = xp.any(places[1:] == places[:-1])
    backend = backends.of(twice)
    if backend is not None and backend.depth:
        twice = backend.every_value(twice)
        return bool(RAW_NAMESPACES[type(twice)].any(twice))
    return bool(twice)


def _last_if_twice(xp: Any, x: RawArray, key: Key) -> RawArray | None:
    return _last_named(xp, x, key) if _names_twice(xp, x.shape, key) else None


def _last_named(xp: Any, x: RawArray, key: Key) -> RawArray:
    """Tell for each element of `x[key]` whether no later one is at the same position: only those stay when written."""
    shape = tuple(xp.extras.read(x, key=key).shape)
    size = 1
    for length in shape:
        size *= length
    numbers = xp.reshape(xp.arange(size, device=place_of(x)), shape)
    stamped = xp.zeros(tuple(x.shape), dtype=numbers.dtype, device=place_of(x))
    stamped = xp.extras.write(stamped, numbers, walk=Walk(()), key=key)
    return xp.extras.read(stamped, key=key) == numbers


def _show(key: Key) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    return (
        "["
        + ", ".join(
            f"array of shape {tuple(part.shape)}"
            if hasattr(part, "shape")
            else "..."
            if part is Ellipsis
            else str(part)
            for part in parts
        )
        + "]"
    )


def _kind(dtype: Any) -> str:
    return getattr(canonical_dtype(dtype), "kind", "f")


def _value(x: Variable, value: Any, backend: Backend) -> tuple[Any, Any]:
    """Give the raw value to write, cast to x's dtype, and its node."""
    node = None
    t = type(value)
    if t in VARIABLES:
        raw = value._raw
        node = value._node
        found = value._backend
    elif t is float or t is int or t is bool or t is complex:
        if t is complex and _kind(x._data.dtype) != "c":
            raise DtypeError(f"setitem: a complex value cannot be written into an array of dtype {x.dtype}")
        return value, None
    else:
        found = backends.of(value)
        if found is None:
            from .._namespaces import namespace

            asarray = namespace(backend).asarray
            if x.dtype.kind != "c" and asarray(value, device=x.device).dtype.kind == "c":
                raise DtypeError(f"setitem: complex values cannot be written into an array of dtype {x.dtype}")
            made = asarray(value, dtype=x.dtype, device=x.device)
            return made._raw, made._node
        raw = value
        if found is not backend and tuple(raw.shape) == ():
            return raw.item(), None
    device = found.device_of(raw)
    if device != x.device and backends.levels_meet(device, x.device):
        return _value(x, at_level_of(x, value), backend)
    if device != x.device:
        raise DeviceError(
            f"setitem: the array is on {str(x.device)!r} but the value is on {str(device)!r}; "
            f"move one of them, for example value.to_device({str(x.device)!r})"
        )
    if raw.dtype != x._data.dtype:
        if _kind(raw.dtype) == "c" and _kind(x._data.dtype) != "c":
            raise DtypeError(f"setitem: a complex value cannot be written into an array of dtype {x.dtype}")
        raw = RAW_NAMESPACES[type(raw)].astype(raw, x._data.dtype)
    return raw, node


def rebind(x: Variable, raw: RawArray) -> None:
    """Give `x` a whole new raw value of the same shape and dtype, keeping its node."""
    if x._view is not None:
        with no_grad():
            write(x, ..., wrap(raw))
        return
    x._data = raw
    x._ver = (getattr(x, "_ver", 0) + 2) & ~_COPIES


def assign(x: Variable, out: Variable, function: str) -> Variable:
    """Do an augmented assignment: give `x` the value of `out`, which keeps x's shape and dtype; give `x` back."""
    if x._view is not None:
        refresh(x)
    if out._data.shape != x._data.shape:
        raise ShapeError(
            f"{function}: the result has shape {tuple(out._data.shape)}, "
            f"but the array on the left has {tuple(x._data.shape)}"
        )
    if out._data.dtype != x._data.dtype:
        order = "biufc"
        mine, its = order.index(_kind(x._data.dtype)), order.index(_kind(out._data.dtype))
        if its > mine:
            raise DtypeError(
                f"{function}: the result has dtype {out.dtype}, "
                f"which does not fit into the array on the left of dtype {x.dtype}"
            )
        out = out.astype(x.dtype)
    if x._view is not None:
        write(x, ..., out)
        return x
    raw, node = out._backend.as_array(out._raw), out._node if MODE.get().recording else x._node
    version = (getattr(x, "_ver", 0) + 2) & ~_COPIES
    x._data = raw
    x._node = node
    x._ver = version
    return x
