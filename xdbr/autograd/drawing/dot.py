"""A diagram as DOT text, the language of Graphviz."""

from __future__ import annotations

from .diagram import KINDS, Diagram, clean

__all__ = ["to_dot"]

_FONT = 'fontname="Helvetica,Arial,sans-serif"'


def to_dot(diagram: Diagram) -> str:
    """The diagram in the DOT language, in UTF-8, the same for the same diagram.

    >>> from xdbr.autograd.drawing.diagram import Edge, Vertex
    >>> x, f = Vertex("input", ("x", "(3,) float32")), Vertex("function", ("tanh",))
    >>> print(to_dot(Diagram((x, f), (Edge(0, 1),))).splitlines()[-2].strip())
    n0 -> n1 [weight=1];
    """
    lines = [
        "digraph {",
        f"  graph [{_caption(diagram)}];",
        f'  node [{_FONT}, fontsize=11, fontcolor="#1b1f24", margin="0.09,0.04", height=0.3];',
        '  edge [color="#5b6573", arrowsize=0.7, weight=8];',
    ]
    used = {vertex.kind for vertex in diagram.vertices}
    styles = {name: _style(name) for name in KINDS if name in used}
    for number, vertex in enumerate(diagram.vertices):
        tooltip = f", tooltip={_quote(vertex.tooltip)}" if vertex.tooltip else ""
        lines.append(f"  n{number} [label={_quote(chr(10).join(vertex.lines))}, {styles[vertex.kind]}{tooltip}];")
    # Light edges from the sources let what is computed run straight, and keep a parameter with many uses from
    # pulling all of them up to its own layer.
    made = {edge.target for edge in diagram.edges}
    for edge in diagram.edges:
        options = ["style=dashed"] * edge.dashed + ["weight=1"] * (edge.source not in made)
        suffix = f" [{', '.join(options)}]" if options else ""
        lines.append(f"  n{edge.source} -> n{edge.target}{suffix};")
    lines.append("}")
    return "\n".join(lines) + "\n"


def _caption(diagram: Diagram) -> str:
    parts = [
        f"rankdir={'LR' if diagram.horizontal else 'TB'}",
        'charset="UTF-8"',
        'bgcolor="white"',
        "ranksep=0.3",
        "nodesep=0.2",
        _FONT,
        "fontsize=13",
        "labelloc=t",
    ]
    text = "\n".join(part for part in (diagram.title, diagram.note) if part)
    if text:
        parts.append(f"label={_quote(text)}")
    return ", ".join(parts)


def _style(name: str) -> str:
    kind = KINDS[name]
    shape = "box" if kind.box else "ellipse"
    style = "filled" + (",rounded" if kind.box else "") + (",dashed" if kind.dashed else "")
    return f'shape={shape}, style="{style}", fillcolor="{kind.fill}", color="{kind.stroke}", penwidth={kind.width:g}'


def _quote(text: str) -> str:
    r"""A DOT string that shows exactly `text`, its lines centred.

    Graphviz reads a label three times: as a string (`\"`), as an escape string (`\n`, `\N`, `\\`) and
    for HTML entities (`&lt;`), so all three are escaped.
    """
    text = clean(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
