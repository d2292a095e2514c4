"""Random programs of array code, drawn step by step on NumPy's arrays, which say what fits where.

A program is a list of lines of Python over arrays `a0, a1, ...`, so that one that fails prints as what it is. Each
line makes a new array, a view of one or a copy, or writes to one. Then they are played on Variables, and on NumPy's
arrays with other start values. The lines use `xp`, the namespace, and beside it
`above(a, c)`, the mask where `a` is greater than `c`; `detach(a)`; and `no_grad()`.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from types import CodeType
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from view_helpers import KEYS, NUMPY, takes

import xdbr

__all__ = ["Oracle", "Program", "capabilities", "examples", "play", "programs"]

Host = np.ndarray[Any, Any]

ARRAYS = 12  # arrays of a program
LARGEST = 48  # elements of an array
SILENT_WRITE = re.compile(r"with no_grad\(\): (a\d+)(?:\[| [-+*]=)")
MAKES = re.compile(r"(?:with no_grad\(\): )?a\d+ = ")
FACTOR = float(os.environ.get("XDBR_TEST_EXAMPLES") or 0)


def examples(count: int) -> Any:
    """Give the settings of a property that is tried on `count` examples, the same ones in every run.

    XDBR_TEST_EXAMPLES=50 tries 50 times as many, and others in every run.
    """
    return settings(
        max_examples=int(count * (FACTOR or 1)),
        derandomize=not FACTOR,
        deadline=None,
        database=None,
        print_blob=bool(FACTOR),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )


@functools.cache
def capabilities(backend: Any) -> frozenset[str]:
    """Tell which keys a library takes, and whether its reshape gives a view exactly where NumPy's does."""
    raw = backend.from_host(np.zeros((2, 2)))
    alike = backend.aliasing_views and backend.is_view(backend.lib.flip(raw), raw)
    like_numpy = {"numpy memory"} if alike else set()
    return frozenset({name for name, key in KEYS.items() if takes(backend, key)} | like_numpy)


@functools.cache
def compiled(line: str) -> CodeType:
    return compile(line, line, "exec")


class Program:
    """Lines of code over arrays `a0, a1, ...`: the first have the values `start`, a loss is made of the `outputs`."""

    def __init__(self, start: list[Host], lines: list[str], outputs: list[int]) -> None:
        self.start = start
        self.lines = lines
        self.outputs = outputs

    def __repr__(self) -> str:
        shapes = [f"a{i} = numbers({x.shape})" for i, x in enumerate(self.start)]
        outputs = ", ".join(f"a{i}" for i in self.outputs)
        return "\n" + "\n".join(f"    {line}" for line in [*shapes, *self.lines, f"return {outputs}"]) + "\n"


class NumpySpace:
    """NumPy's namespace, with copies in the place of what xdbr does not call views."""

    def __getattr__(self, name: str) -> Any:
        return getattr(NUMPY, name)

    def broadcast_to(self, x: Host, shape: tuple[int, ...]) -> Host:
        return np.broadcast_to(x, shape).copy()


class Oracle:
    """Runs a program on NumPy's arrays, at its start values and then at others.

    What has no derivative stays what it was in the first run: masks, detached arrays, and the change that a write
    without recording made. So the values are a smooth function of the start values, with the gradients that are due.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.first = True
        self.kept: list[Any] = []

    def values(self, start: list[Host], look: Callable[[int, list[Host]], None] | None = None) -> list[Host]:
        kept = iter(self.kept)

        def keep(value: Host) -> Host:
            if not self.first:
                return next(kept)
            self.kept.append(value.copy())
            return value.copy()

        scope: dict[str, Any] = {
            "xp": NumpySpace(),
            "above": lambda x, level: keep(np.asarray(x > level)),
            "detach": lambda x: keep(x).copy(),
            "no_grad": nullcontext,
        }
        scope |= {f"a{i}": np.array(x) for i, x in enumerate(start)}
        for n, line in enumerate(self.program.lines):
            run_on_numpy(line, scope, keep)
            if look is not None:
                look(n, arrays_of(scope))
        self.first = False
        return arrays_of(scope)


def run_on_numpy(line: str, scope: dict[str, Any], keep: Callable[[Host], Host]) -> None:
    silent = SILENT_WRITE.match(line)
    if silent:
        target = scope[silent[1]]
        before = target.copy()
        exec(compiled(line), scope)
        target[...] = before + keep(target - before)
    else:
        exec(compiled(line), scope)
    for name, value in scope.items():
        if isinstance(value, np.generic):
            scope[name] = np.asarray(value)  # an array also where NumPy gives a scalar


def arrays_of(scope: dict[str, Any]) -> list[Any]:
    found = []
    while f"a{len(found)}" in scope:
        found.append(scope[f"a{len(found)}"])
    return found


def play(
    program: Program, xp: Any, start: list[Any], look: Callable[[int, list[Any]], None] | None = None
) -> list[Any]:
    """Run a program on Variables and give its arrays; `look` is called after each line."""
    scope: dict[str, Any] = {
        "xp": xp,
        "above": lambda x, level: x > level,
        "detach": lambda x: x.detach(),
        "no_grad": xdbr.no_grad,
    }
    scope |= {f"a{i}": x for i, x in enumerate(start)}
    for n, line in enumerate(program.lines):
        exec(compiled(line), scope)
        if look is not None:
            look(n, arrays_of(scope))
    return arrays_of(scope)


# -- drawing ---------------------------------------------------------------------------------------------


def numbers(shape: tuple[int, ...], k: int) -> Host:
    """Give numbers between -1.2 and 1.2 without pattern."""
    size = int(np.prod(shape))
    return (1.2 * np.sin(np.arange(1, size + 1) * (1.7 + 0.31 * k) + k)).reshape(shape)


@st.composite
def programs(draw: Any, able: frozenset[str], length: int = 12, *, views_without_graph: bool = False) -> Program:
    """Programs of views, writes and functions.

    views_without_graph: whether views are made under `no_grad`, too: there is no function of which their values are
        derivatives, because writes to them are recorded all the same.
    """
    return Drawing(draw, able, views_without_graph).program(length)


class Drawing:
    """Draws one program."""

    def __init__(self, draw: Any, able: frozenset[str], views_without_graph: bool) -> None:
        self.draw = draw
        self.able = able
        self.views_without_graph = views_without_graph
        self.scope: dict[str, Any] = {"xp": NumpySpace(), "above": lambda x, c: x > c, "no_grad": nullcontext}
        self.scope["detach"] = lambda x: x.copy()

    def one_of(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def number(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def flag(self) -> bool:
        return bool(self.draw(st.booleans()))

    def pick(self) -> tuple[str, Host]:
        name = f"a{self.number(0, len(self.pool()) - 1)}"
        return name, self.scope[name]

    def pool(self) -> list[Host]:
        return arrays_of(self.scope)

    def program(self, length: int) -> Program:
        shapes = [
            self.one_of((3, 4), (4,), (2, 3, 2), (4, 2), (1, 3), (2, 0, 3)),
        ]
        shapes.append(self.one_of(shapes[0], (3,), (4,), (1,), (2, 2), ()))
        start = [numbers(shape, k) for k, shape in enumerate(shapes)]
        self.scope |= {f"a{i}": x.copy() for i, x in enumerate(start)}
        lines: list[str] = []
        for _ in range(self.number(1, length)):
            line = self.line()
            run_on_numpy(line, self.scope, lambda value: value)
            if any(x.size > LARGEST or np.abs(x).max(initial=0.0) > 30 for x in self.pool()):
                break
            lines.append(line)
        last = len(start) + sum(MAKES.match(line) is not None for line in lines) - 1
        return Program(start, lines, sorted({last, *self.draw(st.lists(st.integers(0, last), max_size=4))}))

    def line(self) -> str:
        kind = self.one_of("write", "view", "write", "view", "function")
        if len(self.pool()) >= ARRAYS:
            kind = "write"
        if kind == "write":
            return self.write()
        made = self.view() if kind == "view" else self.function()
        line = f"a{len(self.pool())} = {made}"
        return f"with no_grad(): {line}" if self.views_without_graph and self.number(0, 7) == 7 else line

    # -- keys

    def part(self, length: int) -> str:
        """Draw an integer or a slice for an axis."""
        if length and self.number(0, 2) == 2:
            return str(self.number(-length, length - 1))
        step = self.one_of("", "", "2", *(("-1", "-2") if "backward steps" in self.able else ()))
        low, high = sorted((self.number(0, length), self.number(0, length)))
        if step.startswith("-"):
            first = "" if high >= length else str(high)
            last = "" if low == 0 else str(low)
        else:
            first = self.one_of("", str(low), str(low - length) if low < length else str(low))
            last = self.one_of("", str(high))
        return f"{first}:{last}" + (f":{step}" if step else "")

    def basic(self, shape: tuple[int, ...], *, write: bool = False) -> str:
        """Draw a basic key with an ellipsis, so that the result is an array."""
        parts = [self.part(length) for length in shape]
        cut = self.number(0, len(parts))
        rest = parts[cut + self.number(0, 1) :] if cut < len(parts) else []
        key = [*parts[:cut], "...", *rest]
        if not write and self.number(0, 4) == 4:
            key.insert(self.number(0, len(key)), "None")
        return ", ".join(key)

    def indices(self, length: int) -> str:
        """Draw an array of integers for an axis."""
        if self.number(0, 3) == 3:
            return f"xp.asarray([[{self.number(-length, length - 1)}], [{self.number(-length, length - 1)}]])"
        count = self.number(1, 3)
        return f"xp.asarray({[self.number(-length, length - 1) for _ in range(count)]})"

    def advanced(self, name: str, x: Host) -> str:
        """Draw a mask, an integer array, or one beside slices."""
        kinds = ["mask"]
        if x.ndim and all(x.shape):
            kinds += ["integers"] if "integer arrays" in self.able else []
            kinds += ["beside", "pair"] if "integer arrays beside others" in self.able and x.ndim > 1 else []
            kinds += ["rows"] if "partial masks" in self.able and x.ndim > 1 else []
        kind = self.one_of(*kinds)
        if kind == "integers":
            return self.indices(x.shape[0])
        if kind == "beside":
            axis = self.number(0, x.ndim - 1)
            return ", ".join([*[":"] * axis, self.indices(x.shape[axis])])
        if kind == "pair":
            count = self.number(1, 3)
            pair = [[self.number(-n, n - 1) for _ in range(count)] for n in x.shape[:2]]
            return ", ".join(f"xp.asarray({part})" for part in pair)
        if kind == "rows":
            return f"xp.asarray({[self.flag() for _ in range(x.shape[0])]})"
        return f"above({name}, {self.level()})"

    def level(self) -> float:
        return self.number(-4, 4) * 0.2 + 0.0123

    # -- lines

    def view(self) -> str:
        """Draw the code of a view."""
        name, x = self.pick()
        kinds = ["key", "key", "key of key", "reshape", "permute", "turn", "expand", "piece"]
        kinds += ["flip", "move"] if x.ndim else []
        kinds += ["squeeze"] if 1 in x.shape else []
        kind = self.one_of(*kinds)
        if kind == "reshape":
            n = x.size
            shape = self.one_of((-1,) if n else (0,), (1, n), *[(k, n // k) for k in (2, 3, 4) if n and n % k == 0])
            # Where a reshape gives a view is up to the library; all agree on arrays whose memory is in row-major order.
            root = x
            while root.base is not None:
                root = root.base
            agreed = "numpy memory" in self.able or (x.flags.c_contiguous and root.flags.c_contiguous)
            return f"xp.reshape({name}, {shape}{'' if agreed else ', copy=True'})"
        if kind == "permute":
            return f"xp.permute_dims({name}, {tuple(self.draw(st.permutations(range(x.ndim))))})"
        if kind == "turn" and x.ndim > 1:
            return self.one_of(f"xp.matrix_transpose({name})", f"{name}.mT", *([f"{name}.T"] if x.ndim == 2 else []))
        if kind == "flip":
            return f"xp.flip({name}, axis={self.one_of(None, *range(x.ndim))})"
        if kind == "squeeze":
            return f"xp.squeeze({name}, axis={x.shape.index(1)})"
        if kind == "expand" and x.ndim < 4:
            return f"xp.expand_dims({name}, axis={self.number(-x.ndim - 1, x.ndim)})"
        if kind == "move":
            return f"xp.moveaxis({name}, {self.number(-x.ndim, x.ndim - 1)}, {self.number(-x.ndim, x.ndim - 1)})"
        if kind == "piece" and x.ndim > 1 and all(x.shape):
            axis = self.number(0, x.ndim - 1)
            j = self.number(0, x.shape[axis] - 1)
            return self.one_of(f"xp.unstack({name}, axis={axis})[{j}]", f"list({name})[{min(j, x.shape[0] - 1)}]")
        key = self.basic(x.shape)
        if kind == "key of key":
            part = eval(f"x[{key}]", {"x": x})
            return f"{name}[{key}][{self.basic(part.shape)}]"
        return f"{name}[{key}]"

    def function(self) -> str:
        """Draw the code of an array of its own."""
        name, x = self.pick()
        simple = [
            f"{name} * 1.5", f"xp.sin({name})", f"xp.tanh({name}) * 2.0", f"{name} * {name} * 0.5", f"-{name}",
            f"0.5 / (1.5 + {name} * {name})", f"xp.asarray({name}, copy=True)", f"detach({name})",
        ]  # fmt: skip
        axes = [f"axis={axis}, keepdims={self.flag()}" for axis in range(x.ndim)] if all(x.shape) else []
        reductions = [f"xp.{f}({name}, {how})" for how in axes for f in ("sum", "mean", "prod", "var")]
        others = []
        if x.ndim:
            others += [f"{name}[above({name}, {self.level()})]", f"xp.cumulative_sum({name}, axis={x.ndim - 1})"]
        if x.ndim == 1:
            others += [f"xp.roll({name}, 1)", f"xp.repeat({name}, 2)"]
        if x.ndim and all(x.shape):
            others += [f"xp.take({name}, xp.asarray([{-1 % x.shape[0]}, 0]), axis=0)", f"xp.roll({name}, 1, axis=0)"]
        joint = list(self.joint(name, x))
        return self.one_of(*self.one_of(*(kind for kind in (simple, reductions, others, joint) if kind)))

    def joint(self, name: str, x: Host) -> Iterator[str]:
        """Give the code of functions of this array and another."""
        other, y = self.pick()
        third, z = self.pick()
        try:
            np.broadcast_shapes(x.shape, y.shape)
            yield from (
                f"{name} + {other}",
                f"{name} * {other}",
                f"{name} - {other}",
                f"{name} / (1.5 + {other} * {other})",
            )
            np.broadcast_shapes(x.shape, y.shape, z.shape)
            yield f"xp.where(above({name}, {self.level()}), {other}, {third})"
        except ValueError:
            pass
        if x.shape == y.shape:
            yield from (f"xp.stack([{name}, {other}])", f"xp.stack([{name}, {other}], axis=-1)")
        if x.ndim and x.shape[1:] == y.shape[1:] and x.ndim == y.ndim:
            yield f"xp.concat([{name}, {other}, {name}])"
        if x.ndim and y.ndim and x.ndim <= 2 and y.ndim <= 2 and x.shape[-1] == y.shape[0]:
            yield f"{name} @ {other}"
        if y.ndim <= x.ndim and broadcasts(y.shape, x.shape):
            yield f"xp.broadcast_to({other}, {x.shape})"

    def write(self) -> str:
        """Draw a line that writes."""
        name, x = self.pick()
        silent = "with no_grad(): " if self.number(0, 9) == 9 else ""
        kind = self.one_of("key", "key", "augment", "whole", "advanced", "rows")
        if kind == "rows" and x.ndim and not silent:
            if x.ndim > 1 and x.shape[0] > 1 and self.flag():
                return f"{name}[0, ...], {name}[1, ...] = {name}[1, ...], {name}[0, ...]"
            return f"for row in {name}: row *= {self.one_of(0.5, -0.9)}"
        if kind == "augment":
            operation = self.one_of("+=", "-=", "*=")
            return f"{silent}{name} {operation} {self.value(x.shape)}"
        key = "..." if kind == "whole" else self.basic(x.shape, write=True)
        if kind == "advanced" and x.ndim:
            key = self.advanced(name, x)
        masked = "above" in key
        target = eval(f"a[{key}]", {**self.scope, "a": x, "xp": np})
        operation = self.one_of("=", "=", "+=", "*=")
        value = self.value(target.shape, apart=masked, leading=operation == "=" and not masked)
        return f"{silent}{name}[{key}] {operation} {value}"

    def value(self, shape: tuple[int, ...], *, apart: bool = False, leading: bool = False) -> str:
        """Draw what is written: a number, or an array that broadcasts to `shape`.

        apart: whether it must be an array of its own; NumPy 2.4 goes wrong in masked writes where the memory overlaps.
        leading: whether it may have further axes of length one, which a plain assignment without a mask drops.
        """
        fit = [j for j, y in enumerate(self.pool()) if broadcasts(y.shape, shape) and (leading or y.ndim <= len(shape))]
        if not fit or self.number(0, 3) == 0:
            return str(self.one_of(0.5, -0.7, 1.1))
        j = self.one_of(*fit)
        return f"a{j} * 0.5" if apart or self.flag() else f"a{j}"


def broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    extra = len(shape) - len(to)
    if extra > 0 and any(n != 1 for n in shape[:extra]):
        return False
    shape = shape[max(extra, 0) :]
    return all(a in (1, b) for a, b in zip(shape[::-1], to[::-1], strict=False))
