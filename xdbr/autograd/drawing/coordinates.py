"""Coordinates along the layers: few bends, straight chains, no overlaps.

The method of Brandes and Koepf ("Fast and simple horizontal coordinate assignment", 2001): vertices
are aligned with the median of their neighbours into straight blocks, in four ways (towards the upper or
the lower neighbours, leftmost or rightmost first), the blocks are packed, and each vertex takes the mean
of the middle two of its four coordinates, which keeps every distance that all four keep. Packing is a
longest path over the graph of blocks, and so does not share the mistake in the paper's own packing that
its erratum (2020) mends.

A computational graph is a spine with parameters and short branches hanging beside it, and aligned with
the medians alone it would drift sideways by half a parameter at each layer. So vertices are aligned first
along the spine, which continues at each vertex with the longest path there is, and then along the other
edges where these leave the spine as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .layers import Layers

__all__ = ["coordinates"]

_Blocks = list[list[int]]


def coordinates(layers: Layers, widths: Sequence[float], gap: float) -> list[float]:
    """Centre of every vertex and bend along its layer, leftmost edge at 0.

    Neighbours on a layer stand at least `gap` apart, and half of it where one of them is a bend.

    >>> from xdbr.autograd.drawing.layers import make_layers
    >>> coordinates(make_layers(3, [(0, 2), (1, 2)]), [10.0, 10.0, 10.0], 4.0)
    [5.0, 19.0, 12.0]
    """
    if not layers.rank:
        return []
    widths = [*widths, *[1.0] * (len(layers.rank) - layers.real)]
    spine_up, spine_down = _spine(layers)
    marked = _conflicts(layers)
    results: list[list[float]] = []
    for downward in (True, False):
        order = layers.order if downward else layers.order[::-1]
        near, spine = (layers.up, spine_up) if downward else (layers.down, spine_down)
        for mirrored in (False, True):
            if mirrored:
                order = [layer[::-1] for layer in order]
            root = _align(order, near, spine, marked)
            found = _pack(layers, order, root, widths, gap)
            results.append([-x for x in found] if mirrored else found)
    centres = _balance(results, widths)
    ends = [up or down for up, down in zip(spine_up, spine_down, strict=True)]
    _settle(layers, ends, centres, widths, gap)
    left = min(x - width / 2 for x, width in zip(centres, widths, strict=True))
    return [x - left for x in centres]


def _separation(layers: Layers, left: int, right: int, widths: Sequence[float], gap: float) -> float:
    bent = left >= layers.real or right >= layers.real
    return (widths[left] + widths[right]) / 2 + (gap / 2 if bent else gap)


def _spine(layers: Layers) -> tuple[_Blocks, _Blocks]:
    """For each vertex its neighbours above and below on the spine: those that choose each other.

    A vertex chooses above the neighbours with the longest path from a source, and below those with the
    longest path to an end; a bend below chooses the next bend.
    """
    size = len(layers.rank)
    depth, height = [0] * size, [0] * size
    for layer in layers.order:
        for vertex in layer:
            if vertex < layers.real:
                depth[vertex] = max((depth[other] + 1 for other in layers.up[vertex]), default=0)
            else:
                depth[vertex] = depth[layers.owner[vertex]]
    for layer in reversed(layers.order):
        for vertex in layer:
            below = max((height[other] for other in layers.down[vertex]), default=-1)
            height[vertex] = below + 1 if vertex < layers.real else below
    chosen_above = [_highest(near, depth) for near in layers.up]
    chosen_below = [_highest(near, height) for near in layers.down]
    for bends in layers.bends:
        for bend, following in pairwise(bends):
            chosen_below[bend] = [following]
    return (
        [[other for other in near if vertex in chosen_below[other]] for vertex, near in enumerate(chosen_above)],
        [[other for other in near if vertex in chosen_above[other]] for vertex, near in enumerate(chosen_below)],
    )


def _highest(near: list[int], value: list[int]) -> list[int]:
    best = max((value[other] for other in near), default=0)
    return [other for other in near if value[other] == best]


def _conflicts(layers: Layers) -> set[tuple[int, int]]:
    """Edges that cross the inner part of a trunk: the trunk is the one to run straight."""
    position, marked = layers.position, set()
    for upper, lower in pairwise(layers.order):
        done, reach = 0, -1
        for place, vertex in enumerate(lower):
            inner = _inner(layers, vertex)
            if inner is None and place < len(lower) - 1:
                continue
            limit = len(upper) if inner is None else position[inner]
            for other in lower[done : place + 1]:
                for source in layers.up[other]:
                    if position[source] < reach or position[source] > limit:
                        marked.add((source, other))
            done, reach = place + 1, limit
    return marked


def _inner(layers: Layers, vertex: int) -> int | None:
    """The bend above a bend."""
    if vertex < layers.real or layers.up[vertex][0] < layers.real:
        return None
    return layers.up[vertex][0]


def _align(order: _Blocks, near: _Blocks, spine: _Blocks, marked: set[tuple[int, int]]) -> list[int]:
    """The first vertex of each vertex's block, walking the layers in the given order and direction."""
    root, place = list(range(len(near))), [0] * len(near)
    for layer in order:
        for index, vertex in enumerate(layer):
            place[vertex] = index
    for before, layer in pairwise(order):
        partner: dict[int, int] = {}
        for neighbours in (spine, near):
            # Partners stand in the same order as the vertices, so each has room between those of its neighbours.
            limits, limit = [0] * len(layer), len(before)
            for index in range(len(layer) - 1, -1, -1):
                limits[index] = limit
                limit = partner.get(layer[index], limit)
            last = -1
            for vertex, limit in zip(layer, limits, strict=True):
                if vertex in partner:
                    last = partner[vertex]
                    continue
                others = sorted(neighbours[vertex], key=place.__getitem__)
                for middle in sorted({(len(others) - 1) // 2, len(others) // 2}) if others else ():
                    other = others[middle]
                    free = last < place[other] < limit
                    if free and (other, vertex) not in marked and (vertex, other) not in marked:
                        last = partner[vertex] = place[other]
                        root[vertex] = root[other]
                        break
    return root


def _pack(layers: Layers, order: _Blocks, root: list[int], widths: Sequence[float], gap: float) -> list[float]:
    """Coordinates of the blocks: as far left as they go, then right again as far as nothing moves."""
    after: dict[int, dict[int, float]] = {vertex: {} for vertex in root}
    waiting = dict.fromkeys(after, 0)
    for layer in order:
        for left, right in pairwise(layer):
            first, second = root[left], root[right]
            distance = _separation(layers, left, right, widths, gap)
            if second not in after[first]:
                waiting[second] += 1
                after[first][second] = distance
            elif distance > after[first][second]:
                after[first][second] = distance
    ready = [block for block, number in waiting.items() if not number]
    x = dict.fromkeys(after, 0.0)
    for block in ready:
        for second, distance in after[block].items():
            x[second] = max(x[second], x[block] + distance)
            waiting[second] -= 1
            if not waiting[second]:
                ready.append(second)
    for block in reversed(ready):
        if after[block]:
            x[block] = max(x[block], min(x[second] - distance for second, distance in after[block].items()))
    return [x[block] for block in root]


def _balance(results: list[list[float]], widths: Sequence[float]) -> list[float]:
    """The four assignments, moved onto the narrowest one and averaged over the middle two."""
    bounds = [
        (
            min(x - w / 2 for x, w in zip(found, widths, strict=True)),
            max(x + w / 2 for x, w in zip(found, widths, strict=True)),
        )
        for found in results
    ]
    low, high = min(bounds, key=lambda bound: bound[1] - bound[0])
    moved = []
    for index, (found, bound) in enumerate(zip(results, bounds, strict=True)):
        shift = high - bound[1] if index % 2 else low - bound[0]
        moved.append([x + shift for x in found])
    return [sum(sorted(four)[1:3]) / 2 for four in zip(*moved, strict=True)]


def _settle(layers: Layers, spine: _Blocks, centres: list[float], widths: Sequence[float], gap: float) -> None:
    """Move sources and ends, behind which no chain hangs, towards their neighbours as far as there is room."""
    for layer in layers.order:
        for places in (range(len(layer)), range(len(layer) - 1, -1, -1)):
            for place in places:
                vertex = layer[place]
                if vertex >= layers.real or (layers.up[vertex] and layers.down[vertex]):
                    continue
                near = spine[vertex] or layers.up[vertex] or layers.down[vertex]
                if not near:
                    continue
                wanted = sum(centres[other] for other in near) / len(near)
                if place:
                    left = layer[place - 1]
                    wanted = max(wanted, centres[left] + _separation(layers, left, vertex, widths, gap))
                if place + 1 < len(layer):
                    right = layer[place + 1]
                    wanted = min(wanted, centres[right] - _separation(layers, vertex, right, widths, gap))
                centres[vertex] = wanted
