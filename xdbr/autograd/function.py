"""User-defined functions: a forward and a backward of one's own, as one node of the graph."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, cast

from .. import backends
from .._config import MODE
from .._errors import DeviceError, DtypeError, GradientError, ShapeError
from .._typing import Array
from ..backends import canonical_dtype
from .graph import Node, next_order, remember_where
from .kernels import raw_namespace
from .primitive import Primitive
from .standins import Freed, select
from .variable import VARIABLES, Variable, wrap

__all__ = ["Function"]


class Function:
    """A differentiable function with a `forward` and a `backward` of its own.

    Subclass it and call an instance. `forward(xp, *inputs)` gets the backend's namespace and raw
    arrays and returns an array or a tuple of them; `self.save(...)` keeps arrays for
    `backward(xp, *grads)`, which finds them in `self.saved` and returns one gradient per input
    (`None` for none). Written with `xp` and operators alone, `backward` is itself differentiated
    under `create_graph=True`: there it gets Variables. Options are the instance's own attributes.
    `self.needs_input_grad` tells which gradients are asked for.

    An instance may be called many times: each call keeps what it has saved for itself.

    >>> import xdbr
    >>> class Exp(xdbr.Function):
    ...     def forward(self, xp, x):
    ...         y = xp.exp(x)
    ...         self.save(y)
    ...         return y
    ...
    ...     def backward(self, xp, g):
    ...         (y,) = self.saved
    ...         return g * y
    >>> x = xdbr.Variable(0.0, requires_grad=True)
    >>> y = Exp()(x)
    >>> y.backward()
    >>> x.grad.item()
    1.0
    """

    saved: tuple[Any, ...] = ()
    """The arrays given to `save`; Variables under `create_graph=True`."""
    needs_input_grad: tuple[bool, ...] = ()
    """For each input, whether its gradient is asked for."""

    def forward(self, xp: Any, /, *inputs: Array) -> Any:
        """Compute the output array, or a tuple of them, from raw arrays; to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, xp, *inputs)")

    def backward(self, xp: Any, /, *grads: Array) -> Any:
        """Give the gradient of each input from that of each output (`None` where it got none); to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} must define backward(self, xp, *grads)")

    def save(self, *arrays: Array) -> None:
        """Keep arrays for `backward`; inputs and outputs stay connected to the graph."""
        self.saved = arrays

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Call a new instance, made without arguments, on `inputs`."""
        return cls()(*inputs)

    def __call__(self, *inputs: Any) -> Any:
        """Run forward on Variables, raw arrays or scalars and record one node where one of them needs gradient."""
        name = type(self).__name__
        call = copy.copy(self)
        # A Variable without axes may hold one of NumPy's scalars, which are Python numbers too.
        raws = [x._backend.as_array(x._raw) if type(x) in VARIABLES else x for x in inputs]
        arrays = [raw for raw in raws if not _is_number(raw) and backends.of(raw) is not None]
        if not arrays:
            raise DtypeError(
                f"{name}: expected at least one array or Variable; got {[type(x).__name__ for x in inputs]}"
            )
        backend = backends.of(arrays[0])
        assert backend is not None
        for raw in arrays[1:]:
            other = backends.of(raw)
            assert other is not None
            if other.device_of(raw) != backend.device_of(arrays[0]):
                if backends.levels_meet(other.device_of(raw), backend.device_of(arrays[0])):
                    from .lifting import together

                    return self(*together(inputs))
                first, second = str(backend.device_of(arrays[0])), str(other.device_of(raw))
                raise DeviceError(
                    f"{name}: its inputs are on {first!r} and {second!r}; move one of them with to_device"
                )
        edges = tuple(x._node if type(x) in VARIABLES else None for x in inputs)
        recording = MODE.get().recording and any(edge is not None for edge in edges)
        call.saved = ()
        call.needs_input_grad = tuple(edge is not None and recording for edge in edges)
        # Read-only where the library has such: they are also somebody else's.
        raws = [raw if backends.of(raw) is None or _is_number(raw) else backend.read_only(raw) for raw in raws]
        with backend.use(backend.device_of(arrays[0])) if backend.current_device else nullcontext():
            out = _called(call.forward, "forward", raw_namespace(backend), raws)
        outs = out if isinstance(out, tuple) else (out,)
        if not outs:
            raise TypeError(f"{name}.forward: expected an array or a tuple of them; got an empty tuple")
        for i, part in enumerate(outs):
            if backends.of(part) is None:
                raise TypeError(f"{name}.forward: output {i} must be a raw array; got {type(part).__name__}")
        if not recording:
            parts = [wrap(part) for part in outs]
        else:
            node = _node(call, edges, raws, outs)
            several = len(outs) > 1
            parts = [
                wrap(part, (select(node, i) if several else node) if _has_derivative(part) else None)
                for i, part in enumerate(outs)
            ]
        return tuple(parts) if isinstance(out, tuple) else parts[0]


def _called(method: Callable[..., Any], name: str, xp: Any, arrays: Sequence[Any]) -> Any:
    """Call forward or backward; where it does not take these arguments, say what it is given."""
    try:
        return method(xp, *arrays)
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is None:  # raised by the call itself
            error.add_note(f"{name} is called with xp, the namespace of its arrays, before them: {name}(self, xp, ...)")
        raise


def _is_number(x: Any) -> bool:
    return type(x) in (bool, int, float, complex)


def _has_derivative(raw: Any) -> bool:
    return getattr(canonical_dtype(raw.dtype), "kind", "f") in "fc"


def _node(call: Function, edges: tuple[Node | None, ...], raws: Sequence[Any], outs: tuple[Any, ...]) -> Node:
    node = object.__new__(Node)
    node.prim = cast("Primitive", _Call(call, len(edges), len(outs)))
    node.order = next_order()
    node.watch = None
    node.a = edges
    node.shape = tuple(part.shape for part in outs) if len(outs) > 1 else outs[0].shape
    node.dtype = tuple(part.dtype for part in outs) if len(outs) > 1 else outs[0].dtype
    # Where a saved array is an input or an output, its place is kept beside it: under create_graph it becomes
    # a Variable in the graph again.
    places = [
        (
            *((False, i) for i, raw in enumerate(raws) if raw is kept),
            *((True, i) for i, raw in enumerate(outs) if raw is kept),
            None,
        )[0]
        for kept in call.saved
    ]
    own = [name for name, value in vars(call).items() if any(value is raw for raw in (*raws, *outs))]
    node.d1 = {"saved": list(zip(call.saved, places, strict=True)), "own": own}
    call.saved = ()
    if MODE.get().debug:
        remember_where(node)
    return node


def _protected(x: Any) -> Any:
    """Give a Variable as one of its own and a raw array read-only, so that a write to it reaches nobody else."""
    if type(x) in VARIABLES:
        return wrap(x._raw, x._node)
    backend = None if x is None or _is_number(x) else backends.of(x)
    return x if backend is None else backend.read_only(x)


class _Call:
    """Stands in a node for the primitive: one call of a user-defined function."""

    is_leaf = flat = two_slots = is_elementwise = selecting = holomorphic = list_arg = False
    scatter = gated = rules = None
    rule_names = (("saved",),)

    def __init__(self, call: Function, arity: int, outputs: int) -> None:
        self.call = call
        self.name = type(call).__name__
        self.arity = arity
        self.outputs = outputs
        self.array_names = tuple(f"input {i}" for i in range(arity))

    @property
    def freed(self) -> Any:
        return Freed(cast("Primitive", self))

    def lift(self, node: Node) -> dict[str, Any]:
        """Give the saved arrays as Variables in the graph."""
        if node.d1["own"]:
            raise GradientError(
                f"{self.name}: create_graph=True needs inputs and outputs kept by self.save(...): as self."
                f"{node.d1['own'][0]} one has lost its connection, and derivatives through it would be missing"
            )
        found = []
        for kept, place in node.d1["saved"]:
            if place is None:
                if backends.of(kept) is not None and not _is_number(kept) and _has_derivative(kept):
                    raise GradientError(
                        f"{self.name}: create_graph=True needs saved arrays to be inputs or outputs, and a "
                        "floating-point array that is neither was saved: what it depends on is not known. Compute it "
                        "in backward, return it as a further output, or keep it as an attribute of self if it depends "
                        "on no input"
                    )
                found.append((kept, None))
                continue
            is_output, i = place
            made_by = (node if self.outputs == 1 else select(node, i)) if is_output else node.a[i]
            found.append((wrap(kept, made_by), None))
        return {"saved": found}

    def joint(self, xp: Any, g: Any, needs: list[bool], saved: list[tuple[Any, Any]]) -> list[Any]:
        call = copy.copy(self.call)
        call.saved = tuple(_protected(kept) for kept, _ in saved)
        call.needs_input_grad = tuple(needs)
        given = _called(call.backward, "backward", xp, [_protected(one) for one in (g if self.outputs > 1 else (g,))])
        found = list(given) if isinstance(given, (tuple, list)) else [given]
        if len(found) != self.arity:
            raise GradientError(
                f"{self.name}.backward: expected {self.arity} gradients, one per input; got {len(found)}"
            )
        for i, one in enumerate(found):
            if one is not None and not isinstance(one, Variable) and backends.of(one) is None:
                raise ShapeError(
                    f"{self.name}.backward: gradient {i} must be an array or None; got {type(one).__name__}"
                )
        return found
