"""What writes and views cost: a row write touches the row, recorded or not, and nothing outlives its last Variable.

Counted, not timed: bytes that are copied or set, and the buffers that are kept.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from view_helpers import put

import xdbr
from xdbr.autograd.graph import Node
from xdbr.autograd.kernels import RAW_NAMESPACES
from xdbr.backends import Backend

__all__ = ["put"]

ROWS, COLUMNS = 100, 50
WHOLE, ROW = ROWS * COLUMNS * 8, COLUMNS * 8


@pytest.fixture
def in_place(backend: Backend) -> None:
    """Skips on a library without reference counts of buffers that xdbr could go by, where every write copies."""
    if type(backend).exclusive is Backend.exclusive:
        pytest.skip(f"{backend.name} does not tell whether a buffer is shared, so every write copies")


class Counter:
    """Counts the bytes that the extras copy and the array functions set."""

    def __init__(self) -> None:
        self.bytes = 0

    def spent(self) -> int:
        done, self.bytes = self.bytes, 0
        return done


@pytest.fixture
def counter(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Counts what every call of the raw namespace that may cost a whole array does cost."""
    count = Counter()
    space = RAW_NAMESPACES[backend.array_types[0]]

    def watch(place: Any, name: str, cost: Any) -> None:
        original = getattr(place, name)

        def counted(*args: Any, **options: Any) -> Any:
            out = original(*args, **options)
            count.bytes += cost(out, args, options)
            return out

        monkeypatch.setattr(place, name, counted, raising=False)

    def update(out: Any, args: Any, options: Any) -> int:
        return ROW if options.get("owned") else int(out.nbytes)

    def all_of_it(out: Any, args: Any, options: Any) -> int:
        return int(out.nbytes)

    watch(space.extras, "write", update)
    watch(space.extras, "index_add", update)
    for name in ("zeros", "zeros_like", "ones_like"):
        watch(space, name, all_of_it)
    watch(type(backend), "copy", all_of_it)
    return count


def living_nodes() -> int:
    return sum(type(thing) is Node for thing in gc.get_objects())


def living_variables() -> int:
    return sum(type(thing) is xdbr.Variable for thing in gc.get_objects())


@pytest.mark.usefixtures("in_place")
class TestInPlace:
    def test_only_the_first_write_copies(self, put: Any, counter: Counter) -> None:
        x = put(np.zeros((ROWS, COLUMNS)))
        user = x.data
        x[0, ...] = 1.0
        assert counter.spent() >= WHOLE, "the array that came from outside is left alone"
        del user
        buffer = id(x._data)
        for i in range(ROWS):
            x[i, ...] = float(i)
            x[i, 0] += 1.0
        assert id(x._data) == buffer
        assert counter.spent() <= 6 * ROWS * ROW

    def test_writes_by_views_too(self, put: Any, counter: Counter, xp: Any) -> None:
        x = put(np.zeros((ROWS, COLUMNS)))
        x[0, ...] = 1.0
        buffer = id(x._data)
        counter.spent()
        for i in range(20):
            row = x[i, ...]
            row[3:7] = 2.0
            row *= 3.0
            xp.reshape(x, (-1,))[i] = 4.0
        assert id(x._data) == buffer
        assert counter.spent() <= 20 * (WHOLE + 10 * ROW), (
            "a view of everything is a copy of everything when it is read"
        )

    def test_what_a_node_has_saved_is_copied_once(self, put: Any, counter: Counter, xp: Any) -> None:
        x = put(np.ones((ROWS, COLUMNS)))
        x[0, ...] = 1.0
        w = put(np.ones((ROWS, COLUMNS)), True)
        y = w * x
        counter.spent()
        for i in range(10):
            x[i, ...] = 7.0
        assert WHOLE <= counter.spent() <= WHOLE + 10 * ROW
        (g,) = xdbr.grad([xp.sum(y)], [w])
        assert g.tolist() == [[1.0] * COLUMNS] * ROWS

    def test_data_in_the_users_hands_is_copied_once(self, put: Any, counter: Counter) -> None:
        x = put(np.zeros((ROWS, COLUMNS)))
        x[0, ...] = 1.0
        seen = x.data
        counter.spent()
        x[1, ...] = 2.0
        assert counter.spent() >= WHOLE
        assert float(seen[1, 0]) == 0.0
        x[2, ...] = 3.0
        assert counter.spent() <= ROW

    def test_a_slice_of_a_written_array_does_not_hold_it(self, put: Any) -> None:
        x = put(np.zeros((ROWS, COLUMNS)))
        x[0, ...] = 1.0
        row = x[1, ...]
        assert row._data.base is None and row._data.nbytes == ROW
        x[2, ...] = 1.0
        part = x[:2, ...]
        x[3, ...] = 2.0
        part.tolist()
        assert part._data.base is None

    @pytest.mark.parametrize("count", [200, 1000])
    def test_recorded_row_updates_are_linear(self, count: int, put: Any, counter: Counter, xp: Any) -> None:
        x = put(np.ones((ROWS, COLUMNS)), True)
        factor = put(np.full(COLUMNS, 1.01), True)
        h = x * 1.0
        counter.spent()
        for i in range(count):
            row = h[i % ROWS, ...]
            row *= factor
        forward = counter.spent()
        loss = xp.sum(h * h)
        counter.spent()
        loss.backward()
        backward = counter.spent()
        assert forward <= 2 * WHOLE + 4 * count * ROW
        assert backward <= 8 * WHOLE + 4 * count * ROW
        assert x.grad is not None and abs(x.grad[0, 0].item() - 2 * 1.01 ** (2 * (count // ROWS))) < 1e-9

    def test_recorded_reads_are_linear(self, put: Any, counter: Counter, xp: Any) -> None:
        x = put(np.ones((ROWS, COLUMNS)), True)
        loss = xp.sum(x[0, ...] * 1.0)
        for i in range(1, 500):
            loss = loss + xp.sum(x[i % ROWS, ...] * 2.0)
        counter.spent()
        loss.backward()
        assert counter.spent() <= 4 * WHOLE + 4 * 500 * ROW

    def test_writes_of_values_are_linear(self, put: Any, counter: Counter, xp: Any) -> None:
        h = xp.zeros((ROWS, COLUMNS), dtype="float64")
        v = put(np.ones(COLUMNS), True)
        for i in range(ROWS):
            h[i, ...] = v * float(i)
        counter.spent()
        xp.sum(h * h).backward()
        assert counter.spent() <= 6 * WHOLE + 4 * ROWS * ROW
        assert v.grad is not None and v.grad[0].item() == sum(2 * i * i for i in range(ROWS))


class TestLife:
    """With the garbage collector off: reference counts alone free everything."""

    @pytest.fixture(autouse=True)
    def no_collector(self) -> Iterator[None]:
        gc.collect()
        gc.disable()
        try:
            yield
        finally:
            gc.enable()

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_views_and_writes_leave_nothing_behind(self, create_graph: bool, put: Any, xp: Any) -> None:
        def work() -> None:
            x = put(np.linspace(0.1, 1.0, 12).reshape(3, 4), True)
            h = x * 2.0
            row, turned, flat = h[0, ...], xp.permute_dims(h, (1, 0)), xp.reshape(h, (-1,))
            row *= 2.0
            turned[0, ...] = xp.sqrt(turned[1, ...])
            flat[flat > 1.0] = 0.5
            h[...] = xp.flip(h)
            h += row[0]
            pieces = xp.unstack(h)
            pieces[1][...] = pieces[2]
            (g,) = xdbr.grad([xp.sum(h * flat[:1])], [x], create_graph=create_graph)
            if create_graph:
                xp.sum(g * g).backward()

        before = living_nodes()
        variables = living_variables()
        work()
        assert living_nodes() == before
        assert living_variables() == variables

    def test_a_base_does_not_know_its_views(self, put: Any, xp: Any) -> None:
        x = put(np.zeros((3, 4)))
        before = living_variables()
        for _ in range(10):
            row = x[0, ...]
            row += 1.0
            xp.flip(row)
        del row
        assert living_variables() == before

    def test_overwritten_values_are_released(self, put: Any) -> None:
        h = put(np.zeros(4), True) * 1.0
        for _ in range(100):
            h[...] = put(np.ones(4), True) * 2.0
        assert living_nodes() < 50
