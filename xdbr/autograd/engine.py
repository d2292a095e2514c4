"""Reverse-mode differentiation: one walk over the nodes from the newest to the oldest.

The engine, not the rule, undoes broadcasting, casts to the input's dtype, skips inputs that need no
gradient and sums where a value was used more than once. It runs the rules on raw arrays, or, to
record gradients of gradients, on Variables: the same rules, another namespace.

Ownership. A sum of cotangents is the engine's own buffer, so a further summand is added in place, a
read (`x[k]`) adds its cotangent in place and a write (`x[k] = v`) zeroes its part in place.

Selections. Below a write, a `where` or a mask a zero cotangent means "not selected", and it must stay
zero whatever the local derivative is (0 * inf). Such cotangents are flagged, the flag spreads
downward, and flagged element-wise nodes absorb; all others take the plain product. Recorded, the
product is `absorb(g, rule(g, gate(saved, g)))`: what is infinite is zero there to any order, and
what is finite has the derivatives of the plain product, also where the cotangent happens to be zero.
"""

from __future__ import annotations

from contextlib import ExitStack
from heapq import heappop, heappush
from typing import Any, cast

from .. import backends
from .._config import MODE
from .._errors import DeviceError, DtypeError, GradientError, ShapeError
from ..backends import Backend, Device, canonical_dtype, place_of
from .graph import Node, Watch
from .kernels import RAW_NAMESPACES
from .primitive import Primitive
from .standins import SELECT
from .variable import Variable, wrap

__all__ = ["Walk", "check_gradient"]


def check_gradient(function: str, g: Variable, y: Variable, what: str = "gradient") -> None:
    """Raise unless `g`, called `what` in messages, has the device, shape and dtype of `y`."""
    if g.device != y.device and not backends.levels_meet(g.device, y.device):
        raise DeviceError(f"{function}: expected a {what} on {str(y.device)!r}; got one on {str(g.device)!r}")
    if g.shape != y.shape:
        raise ShapeError(f"{function}: expected a {what} of shape {y.shape}; got {g.shape}")
    if g.dtype != y.dtype:
        raise DtypeError(f"{function}: expected a {what} of dtype {y.dtype}; got {g.dtype}")


class Walk:
    """The state of one backward."""

    __slots__ = ("debug", "flagged", "found", "heap", "needed", "owned", "pending", "place", "retain", "stops")

    def __init__(
        self, pending: dict[Node, Any], needed: set[Node] | None, stops: list[Node] | None, retain: bool, debug: bool
    ) -> None:
        self.pending = pending
        self.needed = needed
        self.stops = None if stops is None else set(stops)
        self.retain = retain
        self.debug = debug
        self.heap: list[tuple[int, Node]] = []
        for node in pending:
            heappush(self.heap, (node.order, node))
        self.found: dict[Node, Any] = {}
        self.owned: set[Node] = set()
        self.flagged: set[Node] = set()
        self.place: _Place | None = None

    def plain(self) -> None:
        """Run the rules on raw arrays, each where its cotangent lies in a library that has a current device."""
        if not self._plain():
            with _Place() as self.place:
                self._plain()

    def _plain(self) -> bool:
        """The hot loop. Flat nodes are pulled here, all others by `pull`.

        It stops, and gives False, where it comes to a library that has a current device and none is kept.
        """
        heap, pending, owned, flagged, needed = self.heap, self.pending, self.owned, self.flagged, self.needed
        retain, stops = self.retain, self.stops
        careful = self.debug or self.place is not None or bool(MODE.get().batches)
        kind: type | None = None
        xp: Any = None
        dtype: Any = None
        conjugate = False
        node: Node | None = None
        try:
            while heap:
                node = heappop(heap)[1]
                g = pending.pop(node)
                if type(g) is not kind:
                    kind = type(_first(g))
                    xp = RAW_NAMESPACES[kind]
                    if self.place is None and _backend_of(g).current_device:
                        pending[node] = g
                        heappush(heap, (node.order, node))
                        return False
                if node.dtype is not dtype:
                    dtype = node.dtype
                    conjugate = is_complex(dtype)
                if node.watch is not None:
                    g = self.attend(node, node.watch, g, False)
                if stops is not None and node in stops:
                    self.found[node] = g
                    owned.discard(node)
                prim = node.prim
                if careful or conjugate or not prim.flat or (flagged and node in flagged):
                    if not prim.is_leaf:
                        self.pull(node, g, xp, None)
                    continue
                a = node.a
                if a is not None and (needed is None or a in needed):
                    code = prim.code0
                    if code == 2:
                        ga = prim.rule0(xp, g, node.d2)  # type: ignore[misc]
                    elif code == 0:
                        ga = (prim.rule0 or missing(prim, 0))(xp, g)
                    elif code == 4:
                        ga = prim.rule0(xp, g, node.out)  # type: ignore[misc]
                    elif code == 1:
                        ga = prim.rule0(xp, g, node.d1)  # type: ignore[misc]
                    else:
                        ga = prim.rule0(xp, g, *flat_saved(node, 0))  # type: ignore[misc]
                    if ga.shape != a.shape:
                        ga = unbroadcast(xp, ga, a.shape)
                    if ga.dtype is not a.dtype and ga.dtype != a.dtype:
                        ga = xp.extras.cast(ga, a.dtype)
                    before = pending.get(a)
                    if before is None:
                        pending[a] = ga
                        heappush(heap, (a.order, a))
                    elif a in owned:
                        before += ga
                        pending[a] = before
                    else:
                        pending[a] = before + ga
                        owned.add(a)
                if prim.arity == 2:
                    b = node.b
                    if b is not None and (needed is None or b in needed):
                        code = prim.code1
                        if code == 1:
                            gb = prim.rule1(xp, g, node.d1)  # type: ignore[misc]
                        elif code == 0:
                            gb = (prim.rule1 or missing(prim, 1))(xp, g)
                        elif code == 2:
                            gb = prim.rule1(xp, g, node.d2)  # type: ignore[misc]
                        elif code == 4:
                            gb = prim.rule1(xp, g, node.out)  # type: ignore[misc]
                        else:
                            gb = prim.rule1(xp, g, *flat_saved(node, 1))  # type: ignore[misc]
                        if gb.shape != b.shape:
                            gb = unbroadcast(xp, gb, b.shape)
                        if gb.dtype is not b.dtype and gb.dtype != b.dtype:
                            gb = xp.extras.cast(gb, b.dtype)
                        before = pending.get(b)
                        if before is None:
                            pending[b] = gb
                            heappush(heap, (b.order, b))
                        elif b in owned:
                            before += gb
                            pending[b] = before
                        else:
                            pending[b] = before + gb
                            owned.add(b)
                if not retain:
                    node.prim = prim.freed
                    node.d1 = node.d2 = node.out = None
        except Exception as error:
            self.blame(node, error)
            raise
        return True

    def recorded(self) -> None:
        """Run the rules on Variables, so that what they do is recorded."""
        from .._namespaces import namespace

        heap, pending = self.heap, self.pending
        node: Node | None = None
        try:
            while heap:
                node = heappop(heap)[1]
                g = pending.pop(node)
                if node.watch is not None:
                    g = self.attend(node, node.watch, g, True)
                if self.stops is not None and node in self.stops:
                    self.found[node] = g
                if not node.prim.is_leaf:
                    self.pull(node, g, namespace(_first(g)._backend), Variable)
        except Exception as error:
            self.blame(node, error)
            raise

    # -- one node ----------------------------------------------------------------------------

    def attend(self, node: Node, watch: Watch, g: Any, live: bool) -> Any:
        """Run the hooks of a watched node and keep its cotangent where somebody collects it."""
        if watch.hooks:
            for hook in list(watch.hooks.values()):
                given = wrap(g._raw, g._node) if live else wrap(g)
                new = hook(given)
                if new is not None:
                    if not isinstance(new, Variable):
                        if backends.of(new) is None:
                            raise TypeError(f"hook: expected a Variable, an array or None; got {type(new).__name__}")
                        new = wrap(new)
                    check_gradient("hook", new, given)
                    g = new if live else new._raw
            self.owned.discard(node)
        if self.stops is None and watch.variable is not None:
            self.found[node] = g
            self.owned.discard(node)
        return g

    def pull(self, node: Node, g: Any, xp: Any, live: Any) -> None:
        """Hand the cotangent `g` of any node on to its inputs."""
        prim = node.prim
        edges = node.edges()
        needed = self.needed
        wanted = [edge is not None and (needed is None or edge in needed) for edge in edges]
        if not any(wanted):
            return
        if prim is SELECT:
            self.collect(node, g)
            return
        while prim is prim.freed:
            prim.revive(node)  # type: ignore[attr-defined]
            prim = node.prim
        flagged = node in self.flagged
        place = self.place
        if place is not None:
            place.enter(g)
        if live is None and prim.scatter is not None:
            self.scatter(node, g, xp)
            return
        if live is None and prim.gated is not None:
            cotangents = prim.gated(xp, g, wanted, node.d1, node in self.owned)
            fresh = True
        else:
            cotangents = rules(node, g, xp, wanted, live, gated=live is not None and flagged and prim.is_elementwise)
            fresh = False
        spread = flagged or prim.selecting
        for i, (edge, gi) in enumerate(zip(edges, cotangents, strict=True)):
            if not wanted[i] or edge is None or gi is None:  # a rule that gives None states a zero
                continue
            if place is not None:
                place.enter(gi)
            if flagged and prim.is_elementwise and gi is not g:
                gi = xp.extras.absorb(g, gi)
            if type(gi.shape) is not tuple or gi.shape != edge.shape:
                gi = unbroadcast(xp, gi, edge.shape)
            if gi.dtype != (edge.dtype if live is None else canonical_dtype(edge.dtype)):
                gi = xp.extras.cast(gi, edge.dtype)
            if self.debug:
                self.check_finite(node, g, gi, xp)
            self.add(edge, gi, live is None, fresh and i == 0)
            if spread:
                self.flagged.add(edge)
        self.free(node)

    def add(self, edge: Node, gi: Any, plain: bool, fresh: bool) -> None:
        """Add a cotangent to what the edge has collected."""
        pending = self.pending
        before = pending.get(edge)
        if before is None:
            pending[edge] = gi
            heappush(self.heap, (edge.order, edge))
            if fresh:
                self.owned.add(edge)
        elif plain and edge in self.owned:
            before += gi
            pending[edge] = before
        else:
            pending[edge] = before + gi
            self.owned.add(edge)

    def collect(self, node: Node, g: Any) -> None:
        """Put the cotangent of one output into the list of the function's node."""
        whole = node.a[0]
        parts = self.pending.get(whole)
        if parts is None:
            parts = self.pending[whole] = [None] * len(whole.shape)
            heappush(self.heap, (whole.order, whole))
        parts[node.d1] = g if parts[node.d1] is None else parts[node.d1] + g
        if node in self.flagged:
            self.flagged.add(whole)

    def scatter(self, node: Node, g: Any, xp: Any) -> None:
        """Add the cotangent of a read into that of the whole array, in place where that is the engine's own."""
        edge = node.a[0]
        before = self.pending.get(edge)
        owned = edge in self.owned
        if before is None:
            before = xp.zeros(edge.shape, dtype=edge.dtype, device=place_of(g))
            owned = True
            heappush(self.heap, (edge.order, edge))
        self.pending[edge] = node.prim.scatter(xp, before, g, node.d1, owned)  # type: ignore[misc]
        self.owned.add(edge)
        if node.prim.selecting or node in self.flagged:
            self.flagged.add(edge)
        self.free(node)

    def free(self, node: Node) -> None:
        """Drop what the node has saved; its edges stay, so that the graph can still be drawn."""
        if not self.retain:
            node.prim = node.prim.freed
            node.d1 = node.d2 = node.out = None

    # -- debugging ---------------------------------------------------------------------------

    def check_finite(self, node: Node, g: Any, gi: Any, xp: Any) -> None:
        """Raise where a rule has made a NaN from a cotangent without one (debug mode)."""
        given = [part for part in g if part is not None] if type(g) is list else [g]
        if bool(xp.any(xp.isnan(gi))) and not any(bool(xp.any(xp.isnan(part))) for part in given):
            raise GradientError(f"backward: the gradient of {node.name} has NaN where its cotangent has none")

    def blame(self, node: Node | None, error: Exception) -> None:
        """Say which function's backward failed, and which line made it where the debug mode was on."""
        if node is None:
            return
        where = node.where
        error.add_note(
            f"in the backward of {node.name} (output shape {node.shape}, dtype {node.dtype})"
            + (
                f", made at {where}"
                if where
                else "; with xdbr.debug_mode(): in the forward, the line that made it is shown"
            )
        )


def _first(g: Any) -> Any:
    """Give a cotangent, or the first that is there of those of several outputs."""
    return next(part for part in g if part is not None) if type(g) is list else g


def _backend_of(g: Any) -> Backend:
    return cast(Backend, backends.of(_first(g)))


class _Place:
    """Keeps the library's current device where the cotangent at hand lies (CuPy on a machine with several GPUs)."""

    def __init__(self) -> None:
        self.stack = ExitStack()
        self.device: Device | None = None

    def __enter__(self) -> _Place:
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    def enter(self, g: Any) -> None:
        """Make the device of `g` the current one."""
        backend = _backend_of(g)
        device = backend.device_of(_first(g))
        if device != self.device:
            self.stack.close()
            self.stack.enter_context(backend.use(device))
            self.device = device


def missing(prim: Primitive, i: int) -> Any:
    raise missing_rule(prim, i)


def missing_rule(prim: Primitive, i: int) -> GradientError:
    names = prim.array_names if hasattr(prim, "array_names") else ()
    which = f" for its argument {names[i]!r}" if i < len(names) else ""
    return GradientError(f"{prim.name} has no gradient rule{which}; use .detach() on that input where none is meant")


def flat_saved(node: Node, which: int, live: Any = None) -> list[Any]:
    """Give what rule `which` of a flat node retains, by the names of its parameters."""
    prim = node.prim
    values: list[Any] = []
    for name in prim.rule_names[which]:
        if name == "out":
            values.append(node.out if live is None else wrap(node.out, node))
            continue
        i = prim.array_names.index(name.removesuffix("_shape").removesuffix("_dtype"))
        edge = node.a if i == 0 else node.b
        if name.endswith("_shape"):
            values.append(edge.shape if edge is not None else getattr(node.d1 if i == 0 else node.d2, "shape", ()))
        elif name.endswith("_dtype"):
            values.append(edge.dtype if edge is not None else getattr(node.d1 if i == 0 else node.d2, "dtype", None))
        else:
            raw = node.d1 if i == 0 else node.d2
            # An array that needs no gradient as well: the operators of raw arrays take no Variables beside them.
            values.append(raw if live is None or (edge is None and backends.of(raw) is None) else wrap(raw, edge))
    return values


def is_complex(dtype: Any) -> bool:
    """Tell whether a node's dtype, or one of them, is complex."""
    if type(dtype) is tuple:
        return any(map(is_complex, dtype))
    return getattr(canonical_dtype(dtype), "kind", "f") == "c"


def _conj(xp: Any, g: Any) -> Any:
    """Give the conjugate of a cotangent, or of each in a list."""
    if type(g) is list:
        return [_conj(xp, part) for part in g]
    return g if g is None or not is_complex(g.dtype) else xp.conj(g)


def rules(node: Node, g: Any, xp: Any, wanted: list[bool], live: Any, *, gated: bool = False) -> list[Any]:
    """Run a node's rules and give the cotangents of its inputs (`None` where not wanted).

    `gated` says that the result will absorb, so that its derivative by what was saved has to absorb too.
    """
    if node.prim.holomorphic and is_complex(node.dtype):
        found: list[Any] = _conj(xp, _rules(node, _conj(xp, g), xp, wanted, live, gated))
        return found
    return _rules(node, g, xp, wanted, live, gated)


def _gate(xp: Any, saved: Any, g: Any) -> Any:
    """Give a saved value as one that depends on the inputs by way of a gate, where it depends on them at all."""
    return xp.extras.gate(saved, g) if isinstance(saved, Variable) and saved._node is not None else saved


def _level_of(g: Any) -> Any:
    """Give the backend of a raw cotangent that belongs to a level of vmap; `None` for any other."""
    backend = _backend_of(g)
    return backend if backend.depth else None


def _lifted(saved: Any, level: Any) -> Any:
    """Give a saved array, or a list of them, at the level of the cotangent that it meets in a rule."""
    if type(saved) is list:
        return [_lifted(part, level) for part in saved]
    backend = backends.of(saved)
    if backend is None or backend.depth >= level.depth:
        return saved
    return level.lifted(_lifted(saved, level.below))


def _rules(node: Node, g: Any, xp: Any, wanted: list[bool], live: Any, gated: bool) -> list[Any]:
    prim = node.prim
    level = _level_of(g) if live is None else None
    if prim.flat:
        if prim.rules is None:
            raise missing_rule(prim, 0)
        found: list[Any] = []
        for i, rule in enumerate(prim.rules):
            if not wanted[i]:
                found.append(None)
                continue
            if rule is None:
                raise missing_rule(prim, i)
            values = flat_saved(node, i, live)
            if level is not None:
                values = [_lifted(value, level) for value in values]
            found.append(rule(xp, g, *([_gate(xp, value, g) for value in values] if gated else values)))
        return found
    saved: dict[str, Any] = node.d1 if live is None else prim.lift(node)
    if level is not None:
        saved = {name: _lifted(value, level) for name, value in saved.items()}
    if gated:
        saved = {name: _gate(xp, value, g) for name, value in saved.items()}
    if prim.joint is not None:
        return list(prim.joint(xp, g, wanted, *(saved[name] for name in prim.rule_names[0])))
    if prim.rules is None:
        raise missing_rule(prim, 0)
    if prim.list_arg:
        rule = prim.rules[0]
        if rule is None:
            raise missing_rule(prim, 0)
        return list(rule(xp, g, *(saved[name] for name in prim.rule_names[0])))
    found = []
    for i, rule in enumerate(prim.rules):
        if not wanted[i]:
            found.append(None)
        elif rule is None:
            raise missing_rule(prim, i)
        else:
            found.append(rule(xp, g, *(saved[name] for name in prim.rule_names[i])))
    return found


def unbroadcast(xp: Any, g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes along which an input of `shape` was broadcast."""
    given = tuple(g.shape)
    shape = tuple(shape)
    if given == shape:
        return g
    extra = len(given) - len(shape)
    if extra < 0:  # an assignment drops leading axes of length one
        given, extra = (1,) * -extra + given, 0
        g = xp.reshape(g, given)
    axes = tuple(range(extra)) + tuple(
        i + extra for i, length in enumerate(shape) if length == 1 and given[i + extra] != 1
    )
    if any(given[i + extra] != length for i, length in enumerate(shape) if length != 1):
        raise ShapeError(f"a gradient rule gave shape {given} for an input of shape {shape}")
    if axes:
        g = xp.sum(g, axis=axes, dtype=g.dtype)
    return xp.reshape(g, shape)
