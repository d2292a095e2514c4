"""A diagram as an SVG picture, with no other program's help."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from .diagram import KINDS, Diagram, Vertex, clean
from .layout import Layout, Path, Point, arrange

__all__ = ["text_width", "to_svg", "vertex_size"]

_FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_SIZE = 11.0
_LINE = 13.5
_TITLE_SIZE = 14.0
_MARGIN = 12.0
_HEAD = 7.0
_TEXT, _FAINT, _EDGE = "#1b1f24", "#4c566a", "#5b6573"

# Advance widths in thousandths of the font size, space to tilde: the larger of Helvetica (and Arial, which has the
# same) and of DejaVu Sans, the usual stand-in where neither is installed.
_ASCII = (
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337,
    636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 556,
    1015, 684, 686, 722, 770, 667, 611, 778, 752, 295, 500, 667, 557, 863, 748, 787,
    667, 787, 722, 667, 611, 732, 684, 989, 685, 667, 685, 390, 337, 390, 838, 556,
    500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612,
    635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
)  # fmt: skip


def text_width(text: str, size: float = _SIZE) -> float:
    """An upper estimate of the width of a line of text in pixels, in any common sans-serif font.

    >>> round(text_width("tanh"), 1)
    25.0
    """
    total = 0
    for char in text:
        code = ord(char)
        if 0x20 <= code < 0x7F:
            total += _ASCII[code - 0x20]
        elif unicodedata.combining(char):
            continue
        else:
            total += 1000 if unicodedata.east_asian_width(char) in "WF" else 800
    return total * size / 1000


def vertex_size(vertex: Vertex, arrows: int = 1) -> Point:
    """Width and height of a vertex that holds its text: a box around it, or an ellipse through its corners.

    A box is wide enough for its `arrows` side by side, up to a dozen.
    """
    width = max((text_width(line) for line in vertex.lines), default=0.0)
    height = _LINE * max(1, len(vertex.lines))
    if KINDS[vertex.kind].box:
        return max(width + 14.0, 34.0, 16.0 * min(arrows, 12)), height + 9.0
    # An ellipse of height 1.55 h holds the corners of the text (w, h) when it is w / sqrt(1 - 1 / 1.55**2) wide.
    return max(width / 0.764 + 6.0, 34.0), height * 1.55


def to_svg(diagram: Diagram) -> str:
    """The diagram as one SVG element, in UTF-8, the same for the same diagram.

    It holds no style sheet and no ids, which notebooks would share between all the pictures on a page.

    >>> from xdbr.autograd.drawing.diagram import Vertex
    >>> to_svg(Diagram((Vertex("function", ("tanh",)),), ())).startswith("<svg xmlns=")
    True
    """
    arrows = [0] * len(diagram.vertices)
    for edge in diagram.edges:
        arrows[edge.target] += 1
    sizes = [vertex_size(vertex, number) for vertex, number in zip(diagram.vertices, arrows, strict=True)]
    layout = arrange(sizes, [(edge.source, edge.target) for edge in diagram.edges], horizontal=diagram.horizontal)
    heading = [
        (line, large, colour)
        for text, large, colour in ((diagram.title, _TITLE_SIZE, _TEXT), (diagram.note, _SIZE, _FAINT))
        if text
        for line in clean(text).split("\n")
    ]
    top = _MARGIN + sum(1.4 * large for _, large, _ in heading) + (6.0 if heading else 0.0)
    wide = max([layout.width, *(text_width(line, large) for line, large, _ in heading)])
    width, height = wide + 2 * _MARGIN, top + layout.height + _MARGIN
    size = f'width="{_n(width)}" height="{_n(height)}"'
    font = f'font-family="{_FONT}" font-size="{_n(_SIZE)}" text-anchor="middle"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {_n(width)} {_n(height)}" {font}>',
        f"<title>{_escape(diagram.title or 'Computational graph')}</title>",
        f'<rect {size} fill="#ffffff"/>',
    ]
    y = _MARGIN
    for line, large, colour in heading:
        y += 1.4 * large
        parts.append(_text(line, (width / 2, y - 0.4 * large), f' font-size="{_n(large)}" fill="{colour}"'))
    parts.append(f'<g transform="translate({_n((width - layout.width) / 2)} {_n(top)})">')
    parts += _edges(diagram, layout)
    parts += _vertices(diagram.vertices, sizes, layout)
    parts.append("</g>\n</svg>\n")
    return "\n".join(parts)


def _edges(diagram: Diagram, layout: Layout) -> list[str]:
    lines = [f'<g fill="none" stroke="{_EDGE}" stroke-width="1.2">']
    heads = [f'<g fill="{_EDGE}">']
    for path in layout.paths:
        dashes = ' stroke-dasharray="4 3"' if diagram.edges[path.edge].dashed else ""
        lines.append(f'<path d="{_curve(path, diagram.horizontal)}"{dashes}/>')
        x, y = path.points[-1]
        if diagram.horizontal:
            corners = ((x - _HEAD, y - _HEAD / 2), (x - _HEAD, y + _HEAD / 2))
        else:
            corners = ((x - _HEAD / 2, y - _HEAD), (x + _HEAD / 2, y - _HEAD))
        heads.append('<path d="M' + "L".join(_p(point) for point in ((x, y), *corners)) + 'Z"/>')
    return [*lines, "</g>", *heads, "</g>"]


def _curve(path: Path, horizontal: bool) -> str:
    """A path as SVG commands: straight runs along the flow, and between them S-shaped curves that join smoothly."""
    points = list(path.points)
    x, y = points[-1]
    # The line ends inside its head, or its blunt end would show at the tip.
    points[-1] = (x - _HEAD / 2, y) if horizontal else (x, y - _HEAD / 2)
    commands = [f"M{_p(points[0])}"]
    for (x0, y0), (x1, y1) in pairwise(points):
        if horizontal:
            middle = (x0 + x1) / 2
            bend = f"C{_p((middle, y0))} {_p((middle, y1))} {_p((x1, y1))}"
            commands.append(bend if y0 != y1 else f"H{_n(x1)}")
        else:
            middle = (y0 + y1) / 2
            bend = f"C{_p((x0, middle))} {_p((x1, middle))} {_p((x1, y1))}"
            commands.append(bend if x0 != x1 else f"V{_n(y1)}")
    return "".join(commands)


def _vertices(vertices: Sequence[Vertex], sizes: Sequence[Point], layout: Layout) -> list[str]:
    parts: list[str] = []
    for vertex, (width, height), (x, y) in zip(vertices, sizes, layout.centres, strict=True):
        kind = KINDS[vertex.kind]
        paint = f'fill="{kind.fill}" stroke="{kind.stroke}" stroke-width="{_n(kind.width)}"'
        if kind.dashed:
            paint += ' stroke-dasharray="4 3"'
        # A prefix, because notebooks style bare class names such as "input" and "output".
        parts.append(f'<g class="xdbr-{vertex.kind}">')
        if vertex.tooltip:
            parts.append(f"<title>{_escape(vertex.tooltip)}</title>")
        if kind.box:
            left, top = _n(x - width / 2), _n(y - height / 2)
            parts.append(f'<rect x="{left}" y="{top}" width="{_n(width)}" height="{_n(height)}" rx="4" {paint}/>')
        else:
            parts.append(f'<ellipse cx="{_n(x)}" cy="{_n(y)}" rx="{_n(width / 2)}" ry="{_n(height / 2)}" {paint}/>')
        first = y - (len(vertex.lines) - 1) * _LINE / 2 + 0.35 * _SIZE
        for index, line in enumerate(vertex.lines):
            parts.append(_text(line, (x, first + index * _LINE), f' fill="{_TEXT}"'))
        parts.append("</g>")
    return parts


def _text(line: str, at: Point, paint: str) -> str:
    return f'<text x="{_n(at[0])}" y="{_n(at[1])}"{paint}>{_escape(line)}</text>'


def _escape(text: str) -> str:
    """Text as XML character data, also fit for an attribute."""
    text = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("'", "&#39;")


def _n(value: float) -> str:
    """A number with at most one decimal, never `-0`."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def _p(point: Point) -> str:
    return f"{_n(point[0])} {_n(point[1])}"
