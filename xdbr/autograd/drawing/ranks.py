"""Which layer each vertex of an acyclic graph lies in: the layers for which the edges are shortest in sum.

The network simplex method of Gansner, Koutsofios, North and Vo ("A technique for drawing directed
graphs", 1993). A parameter ends up beside its first use, and the loss of each step of a recurrent
network beside that step; the longest path from the inputs alone would put all parameters at the top.

A spanning tree of edges of length 1 fixes all layers. Taking one of its edges away leaves a subtree that
may move as one; the sum then changes by the subtree's `pull` for each layer that it moves down: the
weight of the edges that enter it less the weight of those that leave it. As long as some subtree has a
pull in the direction in which its edge lets it move, it moves until another edge has length 1 and takes
that place.

Edges weigh the same but for those of a source with several uses, which are drawn as one trunk: were they
to weigh in full, the weight of a recurrent network would pull its use at every step up to the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush

__all__ = ["ranks"]

_SEARCH = 30  # how many improving subtrees are compared before one is moved, as in the paper
_FULL, _SHARED = 8, 1
_PIVOTS = 20_000  # a bound on the work; the layers are valid, and nearly shortest, at any pivot


def ranks(count: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """The layer of each vertex, from 0, so that every edge (source, target) goes to a later layer.

    Raises:
        ValueError: The edges form a cycle.

    >>> ranks(4, [(0, 1), (1, 2), (3, 2)])
    [0, 1, 2, 1]
    """
    ups: list[list[int]] = [[] for _ in range(count)]
    downs: list[list[int]] = [[] for _ in range(count)]
    for source, target in dict.fromkeys(edges):
        downs[source].append(target)
        ups[target].append(source)
    rank = _longest_path(ups, downs)
    tree = _tight_tree(ups, downs, rank)
    simplex = _Simplex(ups, downs, rank, tree)
    simplex.run()
    # Parts of the graph that nothing joins all begin in the first layer.
    first: dict[int, int] = {}
    for root, value in zip(simplex.root, rank, strict=True):
        first[root] = min(value, first.get(root, value))
    return [value - first[root] for root, value in zip(simplex.root, rank, strict=True)]


def _longest_path(ups: Sequence[Sequence[int]], downs: Sequence[Sequence[int]]) -> list[int]:
    waiting = [len(sources) for sources in ups]
    rank = [0] * len(ups)
    ready = [vertex for vertex, number in enumerate(waiting) if not number]
    for vertex in ready:
        for target in downs[vertex]:
            rank[target] = max(rank[target], rank[vertex] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if len(ready) < len(ups):
        raise ValueError("ranks: edges must form no cycle, but some of them do")
    return rank


def _tight_tree(ups: list[list[int]], downs: list[list[int]], rank: list[int]) -> list[list[int]]:
    """Neighbours of each vertex in a spanning forest of edges of length 1, made by moving parts together.

    Parts that hang together by such edges move as one towards the nearest other part, the smaller one
    first, so that each vertex moves only a logarithmic number of times.
    """
    count = len(ups)
    tree: list[list[int]] = [[] for _ in range(count)]
    part = list(range(count))
    members: list[list[int]] = [[vertex] for vertex in range(count)]

    def join(a: int, b: int) -> None:
        tree[a].append(b)
        tree[b].append(a)
        keep, lose = part[a], part[b]
        if len(members[keep]) < len(members[lose]):
            keep, lose = lose, keep
        for vertex in members[lose]:
            part[vertex] = keep
        members[keep] += members[lose]
        members[lose] = []

    for source, targets in enumerate(downs):
        for target in targets:
            if rank[target] == rank[source] + 1 and part[source] != part[target]:
                join(source, target)
    heap = [(len(vertices), index) for index, vertices in enumerate(members) if vertices]
    heapify(heap)
    while heap:
        size, index = heappop(heap)
        if size != len(members[index]):
            continue  # it has grown or been taken in since
        nearest = min(_ways_out(ups, downs, rank, part, index, members[index]), default=None)
        if nearest is not None:
            slack, sign, vertex, other = nearest
            for moving in members[index]:
                rank[moving] += sign * slack
            join(vertex, other)
            heappush(heap, (len(members[part[vertex]]), part[vertex]))
    return tree


def _ways_out(
    ups: list[list[int]], downs: list[list[int]], rank: list[int], part: list[int], index: int, members: list[int]
) -> Iterator[tuple[int, int, int, int]]:
    """Each edge between a part and the others: slack, direction in which the part would move, inner and outer end."""
    for vertex in members:
        for other in downs[vertex]:
            if part[other] != index:
                yield rank[other] - rank[vertex] - 1, 1, vertex, other
        for other in ups[vertex]:
            if part[other] != index:
                yield rank[vertex] - rank[other] - 1, -1, vertex, other


class _Simplex:
    """A spanning forest of tight edges, rooted: parent, children and pull of the subtree below each vertex."""

    def __init__(self, ups: list[list[int]], downs: list[list[int]], rank: list[int], tree: list[list[int]]) -> None:
        count = len(rank)
        self.ups, self.downs, self.rank = ups, downs, rank
        self.parent, self.root = [-1] * count, list(range(count))
        self.children: list[dict[int, None]] = [{} for _ in range(count)]
        self.pull = [0] * count
        for source, targets in enumerate(downs):
            weight = _SHARED if len(targets) > 1 and not ups[source] else _FULL
            self.pull[source] -= weight * len(targets)
            for target in targets:
                self.pull[target] += weight
        sequence: list[int] = []
        seen = bytearray(count)
        for root in range(count):
            if seen[root]:
                continue
            seen[root] = 1
            stack = [root]
            while stack:
                vertex = stack.pop()
                sequence.append(vertex)
                for other in tree[vertex]:
                    if not seen[other]:
                        seen[other] = 1
                        self.parent[other], self.root[other] = vertex, root
                        self.children[vertex][other] = None
                        stack.append(other)
        for vertex in reversed(sequence):
            if self.parent[vertex] >= 0:
                self.pull[self.parent[vertex]] += self.pull[vertex]

    def run(self) -> None:
        """Move subtrees until no move shortens the sum."""
        start = 0
        for _ in range(_PIVOTS):
            best, gain, found = -1, 0, 0
            count = len(self.rank)
            for step in range(count):
                vertex = (start + step) % count
                saved = self._gain(vertex)
                if saved > 0:
                    found += 1
                    if saved > gain:
                        best, gain = vertex, saved
                    if found >= _SEARCH:
                        break
            if best < 0:
                break
            start = (best + 1) % count
            self._pivot(best)

    def _gain(self, vertex: int) -> int:
        """By how much the sum falls for each layer that the subtree below `vertex` moves away from its parent."""
        parent = self.parent[vertex]
        if parent < 0:
            return 0
        pull = self.pull[vertex]
        return pull if self.rank[vertex] < self.rank[parent] else -pull

    def _pivot(self, top: int) -> None:
        """Move the subtree below `top` away from its parent until another edge is tight, and hang it there."""
        parent = self.parent[top]
        upwards = self.rank[top] < self.rank[parent]
        subtree = [top]
        for vertex in subtree:
            subtree.extend(self.children[vertex])
        inside = set(subtree)
        near = self.ups if upwards else self.downs
        slack, inner, outer = min(
            (abs(self.rank[vertex] - self.rank[other]) - 1, vertex, other)
            for vertex in subtree
            for other in near[vertex]
            if other not in inside
        )
        if slack:
            shift = -slack if upwards else slack
            for vertex in subtree:
                self.rank[vertex] += shift
        moved = self.pull[top]
        del self.children[parent][top]
        self._add(parent, -moved)
        # Turn the path from `inner` to `top` over: the subtree now hangs by `inner`.
        vertex, above, below, passed = inner, outer, -1, 0
        while True:
            old, kept = self.parent[vertex], self.pull[vertex]
            self.pull[vertex] = moved - passed
            if below >= 0:
                del self.children[vertex][below]
            self.parent[vertex] = above
            self.children[above][vertex] = None
            if vertex == top:
                break
            vertex, above, below, passed = old, vertex, vertex, kept
        self._add(outer, moved)

    def _add(self, vertex: int, amount: int) -> None:
        while vertex >= 0:
            self.pull[vertex] += amount
            vertex = self.parent[vertex]
