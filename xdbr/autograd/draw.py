"""Pictures of the graph that a computation has recorded: `xdbr.draw`."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import GradientError, MissingDependencyError, XdbrError
from .variable import Variable

if TYPE_CHECKING:
    from pathlib import Path

    from .drawing.diagram import Diagram
    from .graph import Node

__all__ = ["GraphDrawing", "draw"]

_SUFFIXES = (".dot", ".gv", ".svg", ".png", ".pdf")


class GraphDrawing:
    """A drawn graph, which a notebook shows as a picture; made by `xdbr.draw`.

    It is a snapshot: it holds no Variable and no part of the graph, so it keeps no memory alive.
    """

    __slots__ = ("_diagram", "_svg")

    def __init__(self, diagram: Diagram) -> None:
        self._diagram = diagram
        self._svg: str | None = None

    def dot(self) -> str:
        """The graph in the DOT language of Graphviz; needs no Graphviz."""
        from .drawing.dot import to_dot

        return to_dot(self._diagram)

    def svg(self) -> str:
        """The graph as an SVG picture, laid out by xdbr itself; needs no Graphviz."""
        if self._svg is None:
            from .drawing.svg import to_svg

            self._svg = to_svg(self._diagram)
        return self._svg

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file in the format that its suffix names.

        Args:
            path: A file in an existing directory, ending in ``.dot`` or ``.gv`` (DOT text), ``.svg``,
                ``.png`` or ``.pdf``. A file that is there is replaced, and only once the new one is
                complete.

        Raises:
            ValueError: The suffix is another one.
            MissingDependencyError: PNG or PDF is asked for, and the program ``dot`` of Graphviz is not installed.
            OSError: The file cannot be written; one that was there before is unchanged.

        >>> import os, tempfile, xdbr
        >>> x = xdbr.Variable([1.0, 2.0], requires_grad=True)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     xdbr.draw(xdbr.sin(x)).save(os.path.join(folder, "sin.svg"))
        ...     os.listdir(folder)
        ['sin.svg']
        """
        from pathlib import Path

        target = Path(path)
        suffix = target.suffix.lower()
        if suffix in (".dot", ".gv"):
            content = self.dot().encode()
        elif suffix == ".svg":
            content = self.svg().encode()
        elif suffix in _SUFFIXES:
            content = _run_dot(self.dot(), suffix[1:])
        else:
            raise ValueError(f"GraphDrawing.save: path must end in one of {', '.join(_SUFFIXES)}; got {str(path)!r}")
        _replace(target, content)

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        bundle = {"image/svg+xml": self.svg(), "text/plain": repr(self)}
        return {
            kind: text
            for kind, text in bundle.items()
            if (not include or kind in include) and (not exclude or kind not in exclude)
        }

    def __repr__(self) -> str:
        counts = ((kind, self._diagram.count(kind)) for kind in ("function", "parameter", "input", "output"))
        parts = [f"{number:,} {kind}{'s' * (number != 1)}" for kind, number in counts if number]
        note = f"; {self._diagram.note}" if self._diagram.note else ""
        return f"<GraphDrawing: {', '.join(parts)}{note}>"


def draw(
    outputs: Variable | Sequence[Variable] | Iterator[Variable] | Mapping[str, Variable],
    *,
    params: bool = True,
    variables: bool = True,
    constants: bool = False,
    rankdir: str = "TB",
    title: str | None = None,
    max_nodes: int | None = 1000,
) -> GraphDrawing:
    """Draw the computation that led to one or more Variables.

    Args:
        outputs: A Variable, several of them, or a mapping from names to them. Each must have a graph:
            it was computed, with recording on, from something that needs gradient.
        params: Whether to draw the parameters of models.
        variables: Whether to draw what passes between functions; if not, each function tells the shape
            and dtype of its result, which makes a smaller picture.
        constants: Whether to draw the inputs that need no gradient. The graph does not know
            what they are, only that they are there.
        rankdir: "TB", from top to bottom, or "LR", from left to right.
        title: A heading.
        max_nodes: The largest number of functions and leaf variables to draw, those nearest to the
            outputs; a note in the picture says how many were left out. None draws all.

    Returns:
        A `GraphDrawing`, with the methods ``svg()``, ``dot()`` and ``save(path)``.

    Functions are boxes. Variables are ellipses with their name, shape and dtype: parameters orange, with
    their path in the model, other leaves blue, the outputs green. The graph can be drawn
    before ``backward()`` and after it.

    Raises:
        TypeError: Something in `outputs` is not a Variable, or `title` or `max_nodes` is of another type.
        GradientError: An output has no graph.
        ValueError: There are no outputs, or `rankdir` or `max_nodes` is none of its values.

    >>> import xdbr
    >>> w = xdbr.Variable([1.0, 2.0], requires_grad=True, name="w")
    >>> xdbr.draw({"loss": xdbr.sum(xdbr.tanh(w))})
    <GraphDrawing: 2 functions, 1 input, 1 output>
    """
    from .drawing.walk import walk

    if rankdir not in ("TB", "LR"):
        raise ValueError(f"draw: rankdir must be 'TB' or 'LR'; got {rankdir!r}")
    if title is not None and not isinstance(title, str):
        raise TypeError(f"draw: title must be a string, or None; got {title!r}")
    if max_nodes is not None and (isinstance(max_nodes, bool) or not hasattr(max_nodes, "__index__")):
        raise TypeError(f"draw: max_nodes must be an integer, or None; got {max_nodes!r}")
    if max_nodes is not None and max_nodes < 1:
        raise ValueError(f"draw: max_nodes must be at least 1, or None; got {max_nodes!r}")
    diagram = walk(
        _nodes(outputs),
        params=params,
        variables=variables,
        constants=constants,
        horizontal=rankdir == "LR",
        title=title,
        max_nodes=max_nodes,
    )
    return GraphDrawing(diagram)


def _nodes(outputs: Any) -> list[tuple[str | None, Node]]:
    """The names and nodes of the outputs."""
    named: list[tuple[str, str | None, Any]] = [("outputs", None, outputs)]
    if isinstance(outputs, Mapping):
        named = [(f"outputs[{name!r}]", str(name), y) for name, y in outputs.items()]
    elif isinstance(outputs, list | tuple | Iterator):
        named = [(f"outputs[{index}]", None, y) for index, y in enumerate(outputs)]
    if not named:
        raise ValueError("draw: outputs must hold at least one Variable; got none")
    nodes: list[tuple[str | None, Node]] = []
    for where, name, y in named:
        if not isinstance(y, Variable):
            raise TypeError(f"draw: {where} must be a Variable; got {type(y).__name__}")
        # Asking whether it needs gradient also brings a view's node up to date.
        node = y._node if y.requires_grad else None
        if node is None:
            raise GradientError(
                f"draw: {where} has no graph, because it was computed under no_grad() or from inputs that need no "
                "gradient; set requires_grad=True on one of them before computing"
            )
        nodes.append((name or y.name, node))
    return nodes


def _run_dot(text: str, form: str) -> bytes:
    """The DOT text as a picture made by Graphviz."""
    import shutil
    import subprocess

    program = shutil.which("dot")
    if program is None:
        raise MissingDependencyError(
            f"GraphDrawing.save: .{form} is made by the program 'dot' of Graphviz, which is not on the PATH; install "
            "it (Debian and Ubuntu: apt install graphviz, macOS: brew install graphviz, conda: conda install "
            "graphviz, others: https://graphviz.org/download), or save as .svg or .dot, which need nothing"
        )
    done = subprocess.run([program, f"-T{form}"], input=text.encode(), capture_output=True, check=False)
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip()
        raise XdbrError(f"GraphDrawing.save: 'dot -T{form}' failed with status {done.returncode}: {said}")
    return done.stdout


def _replace(path: Path, content: bytes) -> None:
    """Write a whole file beside `path`, then put it there in one step."""
    path = path.resolve()  # where it is a link, the link stays and its target is replaced
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
