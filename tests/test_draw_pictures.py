"""Placing and painting diagrams: what the layout promises, and what the pictures show."""

from __future__ import annotations

import itertools
import math
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xdbr.autograd.drawing.coordinates import coordinates
from xdbr.autograd.drawing.diagram import KINDS, Diagram, Edge, Vertex, shorten
from xdbr.autograd.drawing.dot import to_dot
from xdbr.autograd.drawing.layers import make_layers
from xdbr.autograd.drawing.layout import Layout, Point, arrange
from xdbr.autograd.drawing.ranks import ranks
from xdbr.autograd.drawing.svg import text_width, to_svg, vertex_size

SVG = "{http://www.w3.org/2000/svg}"
Edges = list[tuple[int, int]]

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs the program 'dot' of Graphviz on the PATH")

# ------------------------------------------------------------------------------------------ layout


@st.composite
def dags(draw: Callable[[st.SearchStrategy[int]], int]) -> tuple[int, Edges]:
    """Acyclic graphs with sources, ends, parallel edges, vertices on their own, numbered in no particular order."""
    count = draw(st.integers(1, 30))
    seed = draw(st.integers(0, 10**6))
    chance = random.Random(seed)
    numbers = list(range(count))
    chance.shuffle(numbers)
    edges = []
    for place in range(1, count):
        for _ in range(chance.choice([0, 1, 1, 2, 2, 3])):
            source = chance.randrange(max(0, place - 8), place)
            edges.append((numbers[source], numbers[place]))
    return count, edges


def wide(count: int) -> list[Point]:
    return [(30.0 + 17 * (number % 5), 20.0 + 9 * (number % 3)) for number in range(count)]


def samples(points: tuple[Point, ...], horizontal: bool) -> Iterator[Point]:
    """Points on the painted curve: straight along the flow, and elsewhere a cubic with tangents along the flow."""
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        for step in range(21):
            t = step / 20
            ease, even = 3 * t * t - 2 * t**3, 1.5 * t * (1 - t) ** 2 + 1.5 * t * t * (1 - t) + t**3
            across, along = (even, ease) if horizontal else (ease, even)
            yield x0 + across * (x1 - x0), y0 + along * (y1 - y0)


def check_layout(sizes: list[Point], edges: Edges, layout: Layout, horizontal: bool) -> None:
    boxes = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for (x, y), (w, h) in zip(layout.centres, sizes, strict=True)]
    for left, top, right, bottom in boxes:
        assert left >= -1e-6 and top >= -1e-6
        assert right <= layout.width + 1e-6 and bottom <= layout.height + 1e-6
    for (l1, t1, r1, b1), (l2, t2, r2, b2) in itertools.combinations(boxes, 2):
        assert r1 + 8 <= l2 or r2 + 8 <= l1 or b1 + 8 <= t2 or b2 + 8 <= t1
    assert sorted(path.edge for path in layout.paths) == list(range(len(edges)))
    drawn: dict[int, set[Point]] = {}
    for path in layout.paths:
        drawn.setdefault(edges[path.edge][0], set()).update(path.points[1:])
    tips = set()
    for path in layout.paths:
        source, target = edges[path.edge]
        flow = [point[0 if horizontal else 1] for point in path.points]
        assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(flow))
        # It ends on the near border of its target, and begins on the far one of its source or on the source's trunk.
        x, y = path.points[-1]
        left, top, right, bottom = boxes[target]
        if horizontal:
            assert x == pytest.approx(left) and top < y < bottom
        else:
            assert y == pytest.approx(top) and left < x < right
        x0, y0 = path.points[0]
        border = boxes[source][2 if horizontal else 3]
        middle = layout.centres[source][1 if horizontal else 0]
        at_source = (x0, y0) == pytest.approx((border, middle) if horizontal else (middle, border))
        assert at_source or (x0, y0) in drawn[source] or on_trunk(layout, edges, source, (x0, y0), horizontal)
        tips.add((round(x, 3), round(y, 3)))
        for px, py in samples(path.points, horizontal):
            for number, (west, north, east, south) in enumerate(boxes):
                if number not in (source, target):
                    assert not (west < px < east and north < py < south), (
                        f"edge {source}->{target} runs through {number}"
                    )
    assert len(tips) == len(edges)


def on_trunk(layout: Layout, edges: Edges, source: int, point: Point, horizontal: bool) -> bool:
    across, along = (point[1], point[0]) if horizontal else point
    for path in layout.paths:
        if edges[path.edge][0] != source:
            continue
        for one, two in itertools.pairwise(path.points):
            (a0, b0), (a1, b1) = ((one[1], one[0]), (two[1], two[0])) if horizontal else (one, two)
            if a0 == a1 == across and b0 <= along <= b1 and one != point:
                return True
    return False


@settings(max_examples=150, deadline=None)
@given(dags(), st.booleans())
def test_no_box_overlaps_and_no_edge_runs_up_or_through_a_box(graph: tuple[int, Edges], horizontal: bool) -> None:
    count, edges = graph
    sizes = wide(count)
    check_layout(sizes, edges, arrange(sizes, edges, horizontal=horizontal), horizontal)


def test_layers_make_the_edges_as_short_as_can_be() -> None:
    chance = random.Random(5)
    for _ in range(60):
        count = chance.randint(2, 5)
        pairs = list(itertools.combinations(range(count), 2))
        edges = chance.sample(pairs, chance.randint(1, len(pairs)))
        uses = [sum(source == vertex for source, _ in edges) for vertex in range(count)]
        sources = {vertex for vertex in range(count) if all(target != vertex for _, target in edges)}
        weights = [1 if source in sources and uses[source] > 1 else 8 for source, _ in edges]

        def cost(rank: tuple[int, ...], edges: Edges = edges, weights: list[int] = weights) -> float:
            spans = [rank[target] - rank[source] for source, target in edges]
            return math.inf if min(spans) < 1 else sum(w * s for w, s in zip(weights, spans, strict=True))

        best = min(map(cost, itertools.product(range(count), repeat=count)))
        found = ranks(count, edges)
        assert cost(tuple(found)) == best
        assert min(found) == 0


def test_cycles_are_refused() -> None:
    with pytest.raises(ValueError, match="ranks: edges must form no cycle"):
        arrange([(10.0, 10.0)] * 3, [(0, 1), (1, 2), (2, 1)])


def test_a_chain_with_parameters_is_straight() -> None:
    # Vertices 0 .. 9 are the chain; each has one parameter, 10 .. 19, beside the vertex above it.
    edges = [(step, step + 1) for step in range(9)] + [(10 + step, step + 1) for step in range(9)]
    layout = arrange([(60.0, 20.0)] * 19, edges)
    assert len({round(layout.centres[step][0], 6) for step in range(1, 10)}) == 1
    for step in range(1, 9):
        assert layout.centres[10 + step][1] == layout.centres[step][1]


def test_inputs_keep_their_order_where_nothing_speaks_against_it() -> None:
    layout = arrange([(30.0, 20.0)] * 4, [(2, 3), (0, 3), (1, 3)])
    assert layout.centres[2][0] < layout.centres[0][0] < layout.centres[1][0]


def test_edges_of_one_source_share_a_trunk() -> None:
    # A weight used at each of 100 steps.
    edges = [(step, step + 1) for step in range(99)] + [(100, step) for step in range(1, 100)]
    layers = make_layers(101, edges)
    assert len(layers.rank) - 101 < 100
    x = coordinates(layers, [40.0] * 101, 16.0)
    assert len({round(x[bend], 6) for bend in layers.bends[100]}) == 1


def test_crossings_that_can_be_avoided_are_avoided() -> None:
    # Two ladders, whose rungs are given crosswise.
    edges = [(0, 5), (1, 4), (2, 7), (3, 6), (5, 8), (4, 9), (7, 10), (6, 11)]
    layers = make_layers(12, edges)
    position = layers.position
    for (a, b), (c, d) in itertools.combinations(edges, 2):
        if layers.rank[a] == layers.rank[c]:
            assert (position[a] - position[c]) * (position[b] - position[d]) > 0


def test_nothing_and_one_vertex_can_be_arranged() -> None:
    assert arrange([], []) == Layout((), (), 0.0, 0.0)
    assert arrange([(10.0, 4.0)], []).centres == ((5.0, 2.0),)


def random_diagram(count: int) -> Diagram:
    chance = random.Random(7)
    names = [chance.choice(["add", "tanh", "matmul"]) for _ in range(count)]
    vertices = (Vertex("function", (name, "(32, 64) float32")) for name in names)
    targets = (target for target in range(4, count) for _ in range(chance.choice([1, 1, 2, 2, 3])))
    edges = (Edge(max(0, target - 1 - int(chance.expovariate(0.2))), target) for target in targets)
    return Diagram(tuple(vertices), tuple(edges))


def test_two_thousand_vertices_take_seconds() -> None:
    diagram = random_diagram(2000)
    start = time.perf_counter()
    picture = to_svg(diagram)
    assert time.perf_counter() - start < 20  # about 1.5 on a quiet machine
    assert picture.count("<rect") == 2001


def test_a_long_chain_needs_no_recursion() -> None:
    count = 3 * sys.getrecursionlimit()
    layout = arrange([(30.0, 20.0)] * count, list(itertools.pairwise(range(count))))
    assert len({x for x, _ in layout.centres}) == 1


# ------------------------------------------------------------------------------------------ pictures

NASTY = [
    'say "hi"',
    "a\\b\\nc\\",
    "<b>&amp;&lt;</b>",
    "]]> <!-- '",
    "\\N \\G %s {x|y}",
    "Größe 重み é",
    "x;y -> z [label=1]",
]


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_svg_shows_any_text() -> None:
    diagram = Diagram(tuple(Vertex("function", (name,), name) for name in NASTY), (), title=NASTY[2], note=NASTY[0])
    root = ElementTree.fromstring(to_svg(diagram))
    assert texts(to_svg(diagram)) == [NASTY[2], NASTY[0], *NASTY]
    assert [element.text for element in root.iter(f"{SVG}title")] == [NASTY[2], *NASTY]


@pytest.mark.parametrize("write", [to_svg, to_dot])
def test_characters_that_no_file_may_hold_are_replaced(write: Callable[[Diagram], str]) -> None:
    text = write(Diagram((Vertex("function", ("a\x00b\x1b\ud800\ufffe",)),), (), title="t\x07"))
    assert "a\ufffdb\ufffd\ufffd\ufffd" in text
    text.encode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)


@needs_dot
def test_graphviz_reads_the_same_text() -> None:
    vertices = (*(Vertex("function", (name, "second line"), name) for name in NASTY), Vertex("parameter", ("p",)))
    dot = to_dot(Diagram(vertices, (Edge(7, 0), Edge(0, 1), Edge(0, 1), Edge(0, 2, dashed=True)), title=NASTY[2]))
    done = subprocess.run(["dot", "-Tsvg"], input=dot.encode(), capture_output=True, check=True)
    assert done.stderr == b""
    found = [text.replace("\xa0", " ") for text in texts(done.stdout.decode())]
    for text in (*NASTY, "p"):
        assert text in found
    assert found.count("second line") == len(NASTY)


@needs_dot
@pytest.mark.parametrize("horizontal", [False, True])
def test_graphviz_draws_every_vertex_and_edge(horizontal: bool) -> None:
    diagram = random_diagram(60)
    diagram = Diagram(diagram.vertices, diagram.edges, "title", "note", horizontal)
    done = subprocess.run(["dot", "-Tplain"], input=to_dot(diagram).encode(), capture_output=True, check=True)
    assert done.stderr == b""
    lines = done.stdout.decode().splitlines()
    assert sum(line.startswith("node ") for line in lines) == 60
    assert sum(line.startswith("edge ") for line in lines) == len(diagram.edges)


def test_svg_shares_nothing_with_other_pictures_on_a_page() -> None:
    svg = to_svg(random_diagram(20))
    assert not re.search(r"\bid=|<style|<defs|url\(|<script", svg)
    assert all(name.startswith("xdbr-") for name in re.findall(r'class="([^"]*)"', svg))


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_svg_is_legible_on_any_background() -> None:
    root = ElementTree.fromstring(to_svg(random_diagram(5)))
    ground = root.findall(f"{SVG}rect")[0].attrib
    assert (ground["fill"], ground["width"], ground["height"]) == ("#ffffff", root.get("width"), root.get("height"))
    ink = {element.get("fill", "") for element in root.iter(f"{SVG}text")}
    for colour, kind in itertools.product(ink, KINDS.values()):
        assert (luminance(kind.fill) + 0.05) / (luminance(colour) + 0.05) > 7


def test_kinds_can_be_told_apart() -> None:
    assert len({(kind.box, kind.fill, kind.dashed) for kind in KINDS.values()}) == len(KINDS)


def test_text_fits_its_vertex() -> None:
    lines = ("/encoder/layer3/attention/W_query", "(8, 16, 1024, 1024) float32")
    text = max(map(text_width, lines))
    assert vertex_size(Vertex("function", lines))[0] > text
    # Each corner of the text lies inside the ellipse.
    width, height = vertex_size(Vertex("parameter", lines))
    assert (text / width) ** 2 + (2 * 13.5 / height) ** 2 < 1


def test_text_width_is_enough_for_a_wide_font() -> None:
    font_manager = pytest.importorskip(
        "matplotlib.font_manager", reason="needs matplotlib, which brings the font DejaVu Sans"
    )
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    font.set_size(1100, 72)
    for text in ("(32, 10) float32", "softmax_cross_entropy", "/l1/W", "batch_normalization", "matmul", "log_softmax"):
        font.set_text(text)
        assert font.get_width_height()[0] / 64 / 100 <= text_width(text) + 0.1


def test_long_names_lose_their_middle() -> None:
    name = "/encoder/layers/11/attention/projection/weight_query"
    assert shorten(name) == "/encoder/layers/11/…jection/weight_query"
    assert len(shorten(name)) == 40
    assert shorten("short") == "short"
    assert shorten("two\nlines") == "two lines"


def test_several_arrows_between_two_vertices_are_all_drawn() -> None:
    x, f = Vertex("input", ("x",)), Vertex("function", ("multiply",))
    diagram = Diagram((x, f), (Edge(0, 1), Edge(0, 1)))
    assert to_dot(diagram).count("n0 -> n1") == 2
    assert len(set(re.findall(r"M[^Z]*Z", to_svg(diagram)))) == 2
