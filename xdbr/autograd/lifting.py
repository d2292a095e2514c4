"""Where arrays of several levels of vmap meet: the lower ones are lifted, as what is the same for all examples.

Only what would otherwise be an error for arguments on two devices comes here, so that calls on arrays of one
level cost nothing. Differentiated from outside of the call of vmap, what was lifted gets the sum of the examples'
cotangents; by a backward that runs inside of it, each example's own, which goes on into the graph as it is.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

from .. import backends
from .._config import MODE, Batch
from .._errors import BatchingError
from ..backends import Backend, canonical_dtype
from .kernels import RAW_NAMESPACES
from .primitive import primitive
from .variable import VARIABLES, Variable, wrap

__all__ = ["Higher", "at_level_of", "delivered", "lift_to", "lower", "own_mask", "raise_root", "select", "together"]


@primitive(name="extras.lift", arrays=1, joint=True)
def lift(xp: Any, x: Any, /, *, level: Any, batch: Batch | None = None) -> Any:
    """Give an array of the level below as one of `level`, the same for all examples."""
    return level.lifted(x)


@primitive(name="extras.lower", arrays=1, joint=True)
def lower(xp: Any, x: Any, /, *, level: Any) -> Any:
    """Give the sum over the examples of `level`."""
    return level.lowered(x)


def _lift_rule(xp: Any, g: Any, needs: list[bool], level: Any, batch: Batch | None) -> list[Any]:
    if batch is not None and batch in MODE.get().batches:
        return [g]
    return [lower(g, level=level) if type(g) in VARIABLES else level.lowered(g)]


def _lower_rule(xp: Any, g: Any, needs: list[bool], level: Any) -> list[Any]:
    return [lift(g, level=level) if type(g) in VARIABLES else level.lifted(g)]


lift.vjp_joint(_lift_rule)
lower.vjp_joint(_lower_rule)


def lift_to(x: Any, backend: Backend) -> Variable:
    """Give `x` at the level of a backend of the same library; `x` itself where it is there, or above."""
    x = x if type(x) in VARIABLES else wrap(x)
    levels = []
    level: Any = backend
    while level is not None and level.depth > x._backend.depth:
        levels.append(level)
        level = level.below
    batches = MODE.get().batches
    for level in reversed(levels):
        batch = batches[level.depth - 1] if level.depth <= len(batches) else None
        x = lift.primitive.apply((x,), {"level": level, "batch": batch})
    return x  # type: ignore[no-any-return]


def together(values: Sequence[Any]) -> list[Any]:
    """Give the arrays among some values at one level, the highest among them; all else as it is."""
    found = [backends.of(x._data if type(x) in VARIABLES else x) for x in values]
    highest = max(
        (backend for backend in found if backend is not None), key=lambda backend: backend.depth, default=None
    )
    return [
        x
        if backend is None or highest is None or backend.depth == highest.depth or _is_weak(x, backend)
        else lift_to(x, highest)
        for x, backend in zip(values, found, strict=True)
    ]


def _is_weak(x: Any, backend: Backend) -> bool:
    """Tell whether a value is a library's scalar, which counts as a Python number beside an array."""
    return type(x) not in VARIABLES and type(x) is not backend.array_types[0] and tuple(x.shape) == ()


def delivered(g: Any, order: int) -> Any:
    """Give a cotangent as it is added to the gradient of a Variable whose node has this order.

    Inside of vmap each example has a cotangent of its own. What was made outside gets all of them, as in a loop.
    """
    batches = MODE.get().batches
    for depth in range(len(batches), 0, -1):
        batch = batches[depth - 1]
        if order < batch.start:
            break
        raw = g._raw if type(g) in VARIABLES else g
        level: Any = backends.of(raw)
        alike = level.depth < depth or raw.batch is None
        if level.depth >= depth:
            g = lower(g, level=level) if type(g) in VARIABLES else level.lowered(g)
        if alike:
            g = g * batch.size if type(g) in VARIABLES else RAW_NAMESPACES[type(g)].multiply(g, batch.size)
    return g


# -- indexing ------------------------------------------------------------------------------------------


class Higher(Exception):
    """An index or a value belongs to a higher level than its array: reads and writes lift that and start again."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend


def at_level_of(x: Variable, value: Any) -> Any:
    """Give an index or a value at the level of `x`; raises `Higher` where its own is higher."""
    value = value if type(value) in VARIABLES else wrap(value)
    backend = value._backend
    if backend.depth > x._backend.depth:
        raise Higher(backend)
    return lift_to(value, x._backend)


def raise_root(root: Variable, backend: Backend) -> None:
    """Bring an array that is to be written, and with it all views of it, to a higher level."""
    data, node, alive = root._data, root._node, weakref.ref(root)

    def put_back() -> bool:
        """Tell whether the array has outlived the call of vmap, and give it the value that it had."""
        survivor = alive()
        if survivor is not None:
            survivor._data, survivor._node = data, node
            survivor._ver = getattr(survivor, "_ver", 0) + 2
        return survivor is not None

    batches = MODE.get().batches
    if backend.depth <= len(batches):
        batches[backend.depth - 1].raised.append(put_back)
    lifted = lift_to(root, backend)
    root._data, root._node = lifted._data, lifted._node
    root._ver = getattr(root, "_ver", 0) + 2


def own_mask(key: Any) -> Any:
    """Give the mask in an index that differs from example to example; `None` where there is none."""
    for part in key if isinstance(key, tuple) else (key,):
        backend = backends.of(part)
        if backend is not None and backend.depth and part.differs and canonical_dtype(part.dtype) == "bool":
            return part
    return None


def select(x: Variable, key: Any, mask: Any, value: Any) -> Variable:
    """Give what `x` is after `x[key] = value` for a mask of each example's own: a selection, without the indices."""
    from .._namespaces import namespace

    parts = [part for part in (key if isinstance(key, tuple) else (key,)) if part is not Ellipsis]
    space: Any = namespace(x._backend)
    rest = x.ndim - len(mask.shape)
    shape = tuple(getattr(value, "shape", ()))
    if len(shape) == rest + 1 and shape[0] == 1:
        value = space.reshape(value if type(value) in VARIABLES else wrap(value), shape[1:])
    elif len(shape) > rest:
        raise BatchingError(
            f"setitem under vmap: the mask selects in each example another number of elements, so that a value of "
            f"shape {shape}, with one for each, cannot be written; use xp.where(mask, value, x)"
        )
    if len(parts) > 1 or (key is not mask and key[0] is Ellipsis and rest):
        raise BatchingError("setitem under vmap: a mask that differs from example to example must be the only index")
    value = value if hasattr(value, "shape") else space.asarray(value, dtype=x.dtype, device=x.device)
    chosen = space.reshape(wrap(mask), (*mask.shape, *(1,) * rest))
    made: Variable = space.where(chosen, space.astype(value, x.dtype, copy=False), x)
    return made
