"""Drawing of computational graphs: from the graph to a diagram, from a diagram to a picture.

`walk` reads the graph's nodes into a `diagram.Diagram`, which is plain data; `dot` writes it for
Graphviz, `layout` places it and `svg` paints what was placed. Only `walk` knows what a node is.

The layout is xdbr's own. Of the layout libraries that pip can install, grandalf is the one in pure
Python, under the GPL or EPL, without a release since early 2023, recursive, and placing nodes by the
published form of Brandes and Koepf's method that its authors corrected in 2020; the others are young
bindings to compiled code. Graphviz itself is a system package that many machines lack.
"""

from __future__ import annotations

from . import diagram, dot, layout, svg, walk

__all__ = ["diagram", "dot", "layout", "svg", "walk"]
