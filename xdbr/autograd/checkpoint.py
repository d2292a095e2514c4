"""Checkpointing: keep a function's inputs in the place of all that its graph saves, and run it again for backward.

The graph of a checkpointed function is recorded as always and then loses its saved arrays: each node gets
a stand-in for its primitive. When backward comes to the first of them, the function is run again on the same
inputs, in the same modes and with the same random draws; the nodes of the second graph, which must be the
same as those of the first, hand over what they have saved. So edges, hooks and the parameters that
the function reads without being given them stay what they were, and everything that works on a graph works on this one:
gradients of gradients, backward from an intermediate value, checkpoints within checkpoints.

Source: Chen et al., "Training deep nets with sublinear memory cost", 2016; Chainer's `F.forget`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

from .. import backends
from .._config import MODE, Mode, ModeContext, resume
from .._errors import GradientError
from .draws import Journal, Replay
from .graph import Node, next_order
from .primitive import Primitive
from .standins import SELECT
from .trees import Rebuild, flatten
from .variable import VARIABLES, wrap

__all__ = ["checkpoint"]

P = ParamSpec("P")
R = TypeVar("R")


def checkpoint(f: Callable[P, R], /) -> Callable[P, R]:
    """Make a function that does the same as `f` and keeps only its inputs for backward, which runs `f` again.

    That trades time for memory: what the operations inside `f` save is held while `f` runs and while backward passes
    through it, not in between. Values and gradients of every order are exactly those of `f`: the second run has the
    modes of the first and draws the same random numbers, from whichever generators. It can be used as a decorator.

    f: any function of nested tuples, lists and dicts of arrays and of anything else. It gets Variables of its own: what
        it writes to its arguments stays inside. Its side effects happen twice, unless they ask `xdbr.is_recomputing()`
        (as an update of running statistics does); what it reads beside its arguments must stay the same until backward.

    Raises `GradientError` in backward where the second run does not do the same, or where a leaf that it reads has
    changed since.

    >>> import xdbr
    >>> @xdbr.checkpoint
    ... def block(x):
    ...     return xdbr.tanh(xdbr.exp(x))
    >>> x = xdbr.Variable([0.0, 1.0], requires_grad=True)
    >>> xdbr.sum(block(x)).backward()
    >>> x.grad.shape
    (2,)
    """

    @functools.wraps(f, updated=())
    def function(*args: P.args, **kwargs: P.kwargs) -> R:
        mode = MODE.get()
        if not mode.recording:
            return f(*args, **kwargs)
        run = _Run(f, *flatten((args, kwargs)), mode)
        journal = Journal(mode.draws)
        with ModeContext("draws", journal):
            outputs, nodes = run()
        if nodes:
            _forget(nodes, Region(run, journal, nodes))
        return cast(R, outputs)

    return function


class _Run:
    """A function with its arguments: each Variable as its raw array and its node."""

    __slots__ = ("f", "mode", "rebuild", "taken")

    def __init__(self, f: Callable[..., Any], leaves: list[Any], rebuild: Rebuild, mode: Mode) -> None:
        self.f = f
        self.taken = [(True, x._raw, x._node) if type(x) in VARIABLES else (False, _own(x), None) for x in leaves]
        self.rebuild = rebuild
        self.mode = mode

    def __call__(self) -> tuple[Any, list[Node]]:
        """Give the outputs and the nodes that lead to them, the first made first."""
        start = next_order()
        args, kwargs = self.rebuild([wrap(x, node) if array else x for array, x, node in self.taken])
        outputs = self.f(*args, **kwargs)
        # Asking whether it needs gradient brings a view up to date.
        ends = [y._node for y in flatten(outputs)[0] if type(y) in VARIABLES and y.requires_grad]
        return outputs, _made_after(start, ends)


def _own(x: Any) -> Any:
    """Give a copy of a raw array, which is the caller's to change; all else as it is."""
    backend = None if isinstance(x, (bool, int, float, complex)) else backends.of(x)
    return x if backend is None else backend.copy(x)


def _made_after(start: int, ends: list[Any]) -> list[Node]:
    """Give the nodes that lead to `ends` and are newer than `start`, leaves excepted, the oldest first."""
    todo: list[Node] = [node for node in ends if node.order < start and not node.is_leaf]
    seen = set(todo)
    while todo:
        for edge in todo.pop().edges():
            if edge is not None and edge.order < start and not edge.is_leaf and edge not in seen:
                seen.add(edge)
                todo.append(edge)
    return sorted(seen, key=lambda node: -node.order)


class _Mark(NamedTuple):
    """What must be the same about a node in the second run."""

    name: str
    shape: Any
    dtype: Any
    edges: tuple[Any, ...]  # the place of a node of the same run, or a node from outside


def _marks(nodes: list[Node]) -> list[_Mark]:
    places = {node: i for i, node in enumerate(nodes)}
    return [
        _Mark(node.name, node.shape, node.dtype, tuple(places.get(edge, edge) for edge in node.edges()))  # type: ignore[arg-type]
        for node in nodes
    ]


def _differ(old: _Mark, new: _Mark) -> str | None:
    """Say what is not the same; `None` where nothing is."""
    if old.name != new.name:
        return f"{new.name} in the place of {old.name}"
    if (old.shape, old.dtype) != (new.shape, new.dtype):
        return f"{old.name} gave shape {new.shape}, dtype {new.dtype} in the place of {old.shape}, {old.dtype}"
    for i, (a, b) in enumerate(zip(old.edges, new.edges, strict=True)):
        if a == b or (isinstance(a, Node) and isinstance(b, Node) and a.is_leaf and b.is_leaf and a.shape == b.shape):
            continue
        return f"input {i} of {old.name} comes from elsewhere"
    return None


class Region:
    """One call of a checkpointed function; it knows its nodes by their places alone, so there is no cycle."""

    def __init__(self, run: _Run, journal: Journal, nodes: list[Node]) -> None:
        self.name = getattr(run.f, "__qualname__", None) or type(run.f).__name__
        self._run: _Run | None = run
        self._journal: Journal | None = journal
        self._marks = _marks(nodes)
        # The values that leaves have now, which the second run must find again.
        self._leaves = [
            (edge, variable._data)
            for edge in {edge for mark in self._marks for edge in mark.edges if isinstance(edge, Node)}
            if edge.is_leaf and (variable := edge.variable()) is not None
        ]
        self._fresh: list[Node | None] = []
        self._lock = threading.Lock()

    def hand_over(self, place: int, node: Node) -> None:
        """Give a node its primitive and what it had saved, running the function again the first time."""
        with self._lock:
            if self._run is not None:
                self._recompute(self._run, cast(Journal, self._journal))
            fresh = self._fresh[place]
            self._fresh[place] = None
        if fresh is None:  # another thread's backward was faster
            return
        for slot in ("d1", "d2", "out"):
            if hasattr(fresh, slot):
                setattr(node, slot, getattr(fresh, slot))
        node.prim = fresh.prim

    def _recompute(self, run: _Run, journal: Journal) -> None:
        for leaf, raw in self._leaves:
            variable = leaf.variable()
            if variable is not None and variable._data is not raw:
                called = f"the Variable {variable.name!r}" if variable.name else f"a Variable of shape {variable.shape}"
                raise GradientError(
                    f"checkpoint: {called}, which {self.name} reads, has changed since the forward; "
                    "run backward before it is updated"
                )
        with resume(run.mode, recording=True, recomputing=True, draws=Replay(journal)):
            _, nodes = run()
        marks = _marks(nodes)
        said = next(filter(None, map(_differ, self._marks, marks)), None)
        if said is None and len(marks) != len(self._marks):
            said = f"{len(marks)} operations in the place of {len(self._marks)}"
        if said is not None:
            raise GradientError(
                f"checkpoint: {self.name} did not do the same when it was run again for backward: {said}; what it "
                "does may depend on its arguments, modes and random draws, but on nothing that changes between its runs"
            )
        self._fresh = list(nodes)
        self._run = self._journal = None
        self._leaves = []


class Forgotten:
    """Stands in a node for the primitive while what the node had saved is to be computed again."""

    __slots__ = ("arity", "name", "place", "region", "two_slots")

    is_leaf = flat = is_elementwise = selecting = holomorphic = False
    scatter = gated = None

    def __init__(self, prim: Primitive, region: Region, place: int) -> None:
        self.name = prim.name
        self.arity = prim.arity
        self.two_slots = prim.two_slots
        self.region = region
        self.place = place

    @property
    def freed(self) -> Forgotten:
        """The engine asks a primitive that is its own freed form to revive the node."""
        return self

    def revive(self, node: Node) -> None:
        """Give the node what it had saved."""
        self.region.hand_over(self.place, node)


def _forget(nodes: list[Node], region: Region) -> None:
    for place, node in enumerate(nodes):
        if node.prim is SELECT or (node.prim is node.prim.freed and not isinstance(node.prim, Forgotten)):
            continue  # a select node saves nothing, and what has been freed stays freed
        node.prim = cast(Primitive, Forgotten(node.prim, region, place))
        node.d1 = node.d2 = node.out = None
