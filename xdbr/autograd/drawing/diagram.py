"""A diagram as plain data: vertices with their text, edges, and how each kind of vertex looks."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["KINDS", "Diagram", "Edge", "Kind", "Vertex", "clean", "shorten"]

_FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of vertex looks.

    All text is near black and all fills are light (contrast over 10 : 1), on a white ground that is
    painted and not left transparent, so a picture reads the same in a dark notebook as in a light one.
    Kinds differ in border width and dashes too, and not in colour alone.
    """

    box: bool
    fill: str
    stroke: str
    width: float = 1.0
    dashed: bool = False


KINDS: dict[str, Kind] = {
    "function": Kind(box=True, fill="#e6e9ef", stroke="#4c566a"),
    "variable": Kind(box=False, fill="#ffffff", stroke="#8a94a3"),
    "parameter": Kind(box=False, fill="#ffe2b0", stroke="#a86400", width=1.5),
    "input": Kind(box=False, fill="#cfe6ff", stroke="#1b66a8", width=1.5),
    "output": Kind(box=False, fill="#cdf0d1", stroke="#23763a", width=2.5),
    "constant": Kind(box=False, fill="#f2f2f2", stroke="#8a94a3"),
    "more": Kind(box=False, fill="#ffffff", stroke="#8a94a3", dashed=True),
}


@dataclass(frozen=True, slots=True)
class Vertex:
    """A box or an ellipse; `kind` is a key of `KINDS`, `tooltip` what shows on hovering over it."""

    kind: str
    lines: tuple[str, ...]
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow from vertex number `source` to vertex number `target`."""

    source: int
    target: int
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Diagram:
    """Everything that a picture shows; `horizontal` means that data flow rightwards, not downwards."""

    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    title: str | None = None
    note: str | None = None
    horizontal: bool = False

    def count(self, kind: str) -> int:
        """Number of vertices of one kind."""
        return sum(vertex.kind == kind for vertex in self.vertices)


def clean(text: str) -> str:
    """The text without what neither XML 1.0 nor DOT can hold: control characters and lone surrogates.

    Every line break becomes a newline and every tab a space; anything else that is forbidden shows as
    U+FFFD, so that nothing vanishes unseen.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return _FORBIDDEN.sub("\ufffd", text)


def shorten(text: str, limit: int = 40) -> str:
    """The text on one line, with its middle elided where it is longer than `limit` characters.

    Both ends stay because a parameter path differs from its siblings at either end.
    """
    text = clean(text).replace("\n", " ")
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}\u2026{text[head + 1 - limit :]}"
