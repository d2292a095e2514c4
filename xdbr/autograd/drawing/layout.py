"""Placing a diagram: sizes and edges in, positions and the paths of the edges out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .coordinates import coordinates
from .layers import Layers, make_layers

__all__ = ["Layout", "Path", "Point", "arrange"]

Point = tuple[float, float]

_GAP = 16.0  # between neighbours on a layer
_LAYER_GAP = 26.0  # between layers; grows where edges go far sideways
_PORT = 14.0  # between arrow heads on one vertex, where it is wide enough


@dataclass(frozen=True, slots=True)
class Path:
    """The curve of edge number `edge` through `points`, every tangent along the flow.

    It ends at the border of the target, where the arrow head belongs. Edges that leave one vertex share a
    trunk: the longest of them draws it, and the paths of the others begin where they branch off.
    """

    edge: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Centres of the vertices, paths of the edges, and the size of it all, from (0, 0), y downwards."""

    centres: tuple[Point, ...]
    paths: tuple[Path, ...]
    width: float
    height: float


def arrange(sizes: Sequence[Point], edges: Sequence[tuple[int, int]], *, horizontal: bool = False) -> Layout:
    """A layered layout in which every edge runs downwards (rightwards if `horizontal`).

    Args:
        sizes: Width and height of each vertex.
        edges: Pairs (source, target) of vertex numbers, without cycles; a pair may repeat.
        horizontal: Whether layers follow one another rightwards and not downwards.

    Boxes never overlap and no path crosses a box: between layers paths are curves, within a layer they
    run straight past the boxes. The result is the same for the same arguments.

    Raises:
        ValueError: The edges form a cycle.

    >>> arrange([(40.0, 20.0), (40.0, 20.0)], [(0, 1)]).centres
    ((20.0, 10.0), (20.0, 56.0))
    """
    # The work is done with the flow downwards: `across` is a vertex's extent along its layer, `along` with the flow.
    across = [height if horizontal else width for width, height in sizes]
    along = [width if horizontal else height for width, height in sizes]
    layers = make_layers(len(sizes), edges)
    x = coordinates(layers, across, _GAP)
    ports = _ports(layers, edges, x, across)
    tops, bottoms = _bands(layers, along, x)
    middles = [(top + bottom) / 2 for top, bottom in zip(tops, bottoms, strict=True)]
    centres = tuple((x[vertex], middles[layers.rank[vertex]]) for vertex in range(len(sizes)))
    paths = _paths(layers, edges, x, ports, centres, along, tops, bottoms)
    width = max((x[v] + across[v] / 2 for v in range(len(sizes))), default=0.0)
    width = max([width, *(point[0] for path in paths for point in path.points)])
    height = bottoms[-1] if bottoms else 0.0
    if horizontal:
        return Layout(
            tuple((b, a) for a, b in centres),
            tuple(Path(path.edge, tuple((b, a) for a, b in path.points)) for path in paths),
            height,
            width,
        )
    return Layout(centres, tuple(paths), width, height)


def _ports(layers: Layers, edges: Sequence[tuple[int, int]], x: list[float], across: list[float]) -> list[float]:
    """Where each edge meets the upper border of its target: side by side, in the order they come from."""
    arriving: dict[int, list[int]] = {}
    for number, (_, target) in enumerate(edges):
        arriving.setdefault(target, []).append(number)
    ports = [0.0] * len(edges)
    for target, numbers in arriving.items():
        layer = layers.rank[target]
        origins = {number: x[layers.above(edges[number][0], layer)] for number in numbers}
        numbers.sort(key=origins.__getitem__)
        reach = 0.4 * across[target]
        wanted = [min(max(origins[number] - x[target], -reach), reach) for number in numbers]
        # An edge from straight above stays straight, and the others make do with the room beside it.
        straight = [abs(offset) < 0.5 for offset in wanted]
        beside = len(numbers) - 1
        if sum(straight) == 1:
            beside = 2 * max(straight.index(True), beside - straight.index(True))
        step = min(_PORT, 2 * reach / max(1, beside))
        weights = [1e6 if exact else 1.0 for exact in straight]
        for index, (number, offset) in enumerate(zip(numbers, _spread(wanted, weights, step), strict=True)):
            # Where many come from one side, the spread reaches beyond the border and is brought back in.
            least, most = index * step - reach, reach - (len(numbers) - 1 - index) * step
            ports[number] = x[target] + min(max(offset, least), most)
    return ports


def _spread(wanted: list[float], weights: list[float], step: float) -> list[float]:
    """The positions nearest to the ascending `wanted` ones (weighted least squares) that lie `step` apart.

    Without `index * step` the distances become an order, and the fit an isotonic regression: neighbours
    that violate the order are pooled at their mean.
    """
    pools: list[tuple[float, float, int]] = []
    for index, (value, weight) in enumerate(zip(wanted, weights, strict=True)):
        total, size = weight * (value - index * step), 1
        while pools and pools[-1][0] / pools[-1][1] >= total / weight:
            before = pools.pop()
            total, weight, size = total + before[0], weight + before[1], size + before[2]
        pools.append((total, weight, size))
    flat = [total / weight for total, weight, size in pools for _ in range(size)]
    return [value + index * step for index, value in enumerate(flat)]


def _bands(layers: Layers, along: list[float], x: list[float]) -> tuple[list[float], list[float]]:
    """Top and bottom of each layer, farther apart where edges between them run far sideways."""
    tops: list[float] = []
    bottoms: list[float] = []
    for index, layer in enumerate(layers.order):
        top = 0.0
        if index:
            reach = max((abs(x[v] - x[u]) for v in layer for u in layers.up[v]), default=0.0)
            top = bottoms[-1] + _LAYER_GAP + min(0.06 * reach, 1.5 * _LAYER_GAP)
        tops.append(top)
        bottoms.append(top + max((along[v] for v in layer if v < layers.real), default=0.0))
    return tops, bottoms


def _paths(
    layers: Layers,
    edges: Sequence[tuple[int, int]],
    x: list[float],
    ports: list[float],
    centres: tuple[Point, ...],
    along: list[float],
    tops: list[float],
    bottoms: list[float],
) -> list[Path]:
    leaving: dict[int, list[int]] = {}
    for number, (source, _) in enumerate(edges):
        leaving.setdefault(source, []).append(number)
    paths: list[Path] = []
    for source, numbers in leaving.items():
        bends, first = layers.bends[source], layers.rank[source]
        # The trunk's points, and how many of them an edge has passed when it branches off into a layer.
        trunk: list[Point] = [(x[source], centres[source][1] + along[source] / 2)]
        trunk.append((x[source], bottoms[first]))
        for bend in bends:
            layer = layers.rank[bend]
            trunk += [(x[bend], tops[layer]), (x[bend], bottoms[layer])]
        # The longest edge draws the whole trunk and the others only their own branch, so that no line is painted twice.
        longest = max(numbers, key=lambda number: layers.rank[edges[number][1]])
        for number in numbers:
            target = edges[number][1]
            layer = layers.rank[target]
            passed = 2 * (layer - first)
            end = centres[target][1] - along[target] / 2
            branch = [(ports[number], tops[layer]), (ports[number], end)]
            start = trunk[:passed] if number == longest else trunk[passed - 1 : passed]
            paths.append(Path(number, _simplified([*start, *branch])))
    return paths


def _simplified(points: list[Point]) -> tuple[Point, ...]:
    """The points without repetitions and without those in the middle of a straight run along the flow."""
    kept: list[Point] = []
    for point in points:
        if kept and point == kept[-1]:
            continue
        if len(kept) >= 2 and kept[-2][0] == kept[-1][0] == point[0]:
            kept[-1] = point
        else:
            kept.append(point)
    return tuple(kept)
