"""Layers with bends for the long edges, and the order of the vertices along each.

After Sugiyama, Tagawa and Toda ("Methods for visual understanding of hierarchical system structures",
1981), but all long edges that leave one vertex share one trunk of bends, from which each branches off at
its layer: a weight used at each of 200 steps costs one line down the page and not 200, in the picture and
in time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from .ranks import ranks

__all__ = ["Layers", "make_layers"]

_SWEEPS = 24
_PATIENCE = 4
_TRANSPOSE_LIMIT = 20_000


class Layers:
    """Vertices and bends in layers, each joined to neighbours in the adjacent layers alone.

    Numbers below `real` are the vertices; from there on they are bends, and `bends[v]` lists those of
    the trunk that leaves vertex `v`, from its layer downwards; `owner` gives `v` for each of them, and for
    `v` itself. `up` and `down` are neighbours, without repetition; `position[v]` is the index of `v` in its
    layer `order[rank[v]]`.
    """

    __slots__ = ("bends", "down", "order", "owner", "position", "rank", "real", "up")

    def __init__(self, real: int, rank: list[int]) -> None:
        self.real = real
        self.rank = rank
        self.owner = list(range(real))
        self.up: list[list[int]] = [[] for _ in range(real)]
        self.down: list[list[int]] = [[] for _ in range(real)]
        self.bends: list[list[int]] = [[] for _ in range(real)]
        self.order: list[list[int]] = []
        self.position: list[int] = []

    def above(self, source: int, layer: int) -> int:
        """The vertex or bend in `layer - 1` from which an edge of `source` enters `layer`."""
        step = layer - self.rank[source] - 1
        return self.bends[source][step - 1] if step else source

    def _join(self, upper: int, lower: int) -> None:
        self.down[upper].append(lower)
        self.up[lower].append(upper)

    def _bend(self, source: int, layer: int) -> None:
        bend = len(self.rank)
        self.rank.append(layer)
        self.owner.append(source)
        self.up.append([])
        self.down.append([])
        upper = self.bends[source][-1] if self.bends[source] else source
        self.bends[source].append(bend)
        self._join(upper, bend)

    def _place(self, order: list[list[int]]) -> None:
        self.order = order
        self.position = [0] * len(self.rank)
        for layer in order:
            for index, vertex in enumerate(layer):
                self.position[vertex] = index


def make_layers(count: int, edges: Sequence[tuple[int, int]]) -> Layers:
    """Layers for the acyclic graph of `count` vertices: long edges bent, few crossings, always the same.

    Args:
        count: Number of vertices.
        edges: Pairs (source, target), repeated where two arrows run side by side. The order of a
            target's edges is the order, left to right, in which its sources stand where nothing
            speaks against it.

    Raises:
        ValueError: The edges form a cycle.

    >>> layers = make_layers(4, [(0, 1), (1, 2), (0, 2), (3, 2)])
    >>> layers.rank[:4], layers.order[1]
    ([0, 1, 2, 1], [1, 4, 3])
    """
    ups: list[list[int]] = [[] for _ in range(count)]
    for source, target in dict.fromkeys(edges):
        ups[target].append(source)
    rank = ranks(count, edges)
    layers = Layers(count, rank)
    for target, sources in enumerate(ups):
        for source in sources:
            while rank[source] + len(layers.bends[source]) + 1 < rank[target]:
                layers._bend(source, rank[source] + len(layers.bends[source]) + 1)
    for target, sources in enumerate(ups):
        for source in sources:
            layers._join(layers.above(source, rank[target]), target)
    _reduce_crossings(layers)
    return layers


def _first_order(layers: Layers, near: list[list[int]], far: list[list[int]]) -> list[list[int]]:
    """Orders by a depth-first walk along `near` from where `far` ends, which keeps chains and branches together."""
    order: list[list[int]] = [[] for _ in range(max(layers.rank, default=-1) + 1)]
    seen = bytearray(len(layers.rank))
    ends = [vertex for vertex in range(len(layers.rank)) if not far[vertex]]
    stack = sorted(ends, key=lambda vertex: (layers.rank[vertex] if far is layers.down else 0, -vertex))
    while stack:
        vertex = stack.pop()
        if not seen[vertex]:
            seen[vertex] = 1
            order[layers.rank[vertex]].append(vertex)
            stack.extend(reversed(near[vertex]))
    return order


def _reduce_crossings(layers: Layers) -> None:
    """Place the order with the fewest crossings among those that several starts lead to."""
    small = len(layers.rank) <= _TRANSPOSE_LIMIT
    best: list[list[int]] = []
    fewest = -1
    for near, far in ((layers.up, layers.down), (layers.down, layers.up))[: 2 if small else 1]:
        first = _first_order(layers, near, far)
        for downward in (True, False)[: 2 if small else 1]:
            layers._place([list(layer) for layer in first])
            crossings = _sweep(layers, downward, small)
            if fewest < 0 or crossings < fewest:
                best, fewest = [list(layer) for layer in layers.order], crossings
            if not fewest:
                break
    layers._place(best)


def _sweep(layers: Layers, downward: bool, transpose: bool) -> int:
    """Barycentre sweeps down and up, with transpositions, until several in a row bring nothing; the crossings left."""
    depth = len(layers.order)
    best, fewest = [list(layer) for layer in layers.order], _crossings(layers)
    idle = 0
    for _ in range(_SWEEPS):
        if not fewest or idle >= _PATIENCE:
            break
        if downward:
            for index in range(1, depth):
                _sort_layer(layers, index, layers.up)
        else:
            for index in range(depth - 2, -1, -1):
                _sort_layer(layers, index, layers.down)
        downward = not downward
        if transpose:
            _transpose(layers)
        crossings = _crossings(layers)
        if crossings < fewest:
            best, fewest, idle = [list(layer) for layer in layers.order], crossings, 0
        else:
            idle += 1
    layers._place(best)
    return fewest


def _sort_layer(layers: Layers, index: int, neighbours: list[list[int]]) -> None:
    """Sort one layer by the mean position of its vertices' neighbours; those without any keep their places."""
    layer, position = layers.order[index], layers.position
    keys: dict[int, float] = {}
    for vertex in layer:
        near = neighbours[vertex]
        if near:
            keys[vertex] = sum(position[other] for other in near) / len(near)
    ordered = iter(sorted(keys, key=lambda vertex: keys[vertex]))
    layer[:] = [next(ordered) if vertex in keys else vertex for vertex in layer]
    for place, vertex in enumerate(layer):
        position[vertex] = place


def _crossings(layers: Layers) -> int:
    position, total = layers.position, 0
    for layer in layers.order[:-1]:
        seen: list[int] = []
        for vertex in layer:
            ends = sorted(position[other] for other in layers.down[vertex])
            for end in ends:
                total += len(seen) - bisect_right(seen, end)
            for end in ends:
                seen.insert(bisect_right(seen, end), end)
    return total


def _transpose(layers: Layers) -> None:
    """Swap adjacent vertices of a layer wherever that alone removes crossings."""
    position = layers.position
    dirty = set(range(len(layers.order)))
    for _ in range(4):
        if not dirty:
            break
        now, dirty = sorted(dirty), set()
        for index in now:
            layer = layers.order[index]
            for place in range(len(layer) - 1):
                left, right = layer[place], layer[place + 1]
                gain = 0
                for neighbours in (layers.up, layers.down):
                    first = sorted(position[other] for other in neighbours[left])
                    second = sorted(position[other] for other in neighbours[right])
                    gain += _inversions(first, second) - _inversions(second, first)
                if gain > 0:
                    layer[place], layer[place + 1] = right, left
                    position[left], position[right] = place + 1, place
                    dirty.update(near for near in (index - 1, index, index + 1) if 0 <= near < len(layers.order))


def _inversions(left: list[int], right: list[int]) -> int:
    """Number of pairs in which a neighbour of the left vertex lies beyond one of the right vertex."""
    total = below = 0
    for end in left:
        while below < len(right) and right[below] < end:
            below += 1
        total += below
    return total
