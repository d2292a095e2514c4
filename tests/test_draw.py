"""Drawing graphs: what becomes of a graph, of bad input, and of the files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import xdbr
from xdbr import nn
from xdbr.autograd.draw import GraphDrawing

SVG = "{http://www.w3.org/2000/svg}"

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs the program 'dot' of Graphviz on the PATH")


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def leaf(shape: tuple[int, ...], name: str | None = None) -> xdbr.Variable:
    return xdbr.Variable(xdbr.ones(shape, dtype=xdbr.float32), requires_grad=True, name=name)


def affine() -> xdbr.Variable:
    x, w, b = leaf((5, 3), "x"), leaf((3, 2), "/l1/W"), leaf((2,), "/l1/b")
    return xdbr.sum(xdbr.tanh(x @ w + b))


def labels(drawing: GraphDrawing) -> dict[str, list[str]]:
    """What the vertices of each kind say, in a picture's own words."""
    found: dict[str, list[str]] = {}
    for group in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}g"):
        if (group.get("class") or "").startswith("xdbr-"):
            lines = " ".join(element.text or "" for element in group.iter(f"{SVG}text"))
            found.setdefault(group.attrib["class"].removeprefix("xdbr-"), []).append(lines)
    return found


def arrows(drawing: GraphDrawing) -> list[tuple[str, str]]:
    """The edges as pairs of the labels of their ends."""
    dot = drawing.dot()
    names = dict(re.findall(r'(n\d+) \[label="((?:[^"\\]|\\.)*)"', dot))
    return [(names[source], names[target]) for source, target in re.findall(r"(n\d+) -> (n\d+)", dot)]


def test_a_graph_shows_functions_and_variables() -> None:
    drawing = xdbr.draw(affine(), title="an affine map")
    assert labels(drawing) == {
        "input": ["x (5, 3) float32"],
        "parameter": ["/l1/W (3, 2) float32", "/l1/b (2,) float32"],
        "function": ["matmul", "add", "tanh", "sum"],
        "variable": ["(5, 2) float32"] * 3,
        "output": ["() float32"],
    }
    assert arrows(drawing)[:3] == [
        ("x\\n(5, 3) float32", "matmul"),
        ("/l1/W\\n(3, 2) float32", "matmul"),
        ("matmul", "(5, 2) float32"),
    ]
    assert texts(drawing.svg())[0] == "an affine map"
    assert repr(drawing) == "<GraphDrawing: 4 functions, 2 parameters, 1 input, 1 output>"


def test_options_leave_out_variables_and_parameters() -> None:
    y = affine()
    assert labels(xdbr.draw(y, variables=False)) == {
        "input": ["x (5, 3) float32"],
        "parameter": ["/l1/W (3, 2) float32", "/l1/b (2,) float32"],
        "function": ["matmul (5, 2) float32", "add (5, 2) float32", "tanh (5, 2) float32", "sum () float32"],
        "output": ["() float32"],
    }
    assert "parameter" not in labels(xdbr.draw(y, params=False))
    assert labels(xdbr.draw(y, params=False))["input"] == ["x (5, 3) float32"]


def test_flow_goes_down_or_right() -> None:
    y = affine()
    sizes = []
    for rankdir in ("TB", "LR"):
        root = ElementTree.fromstring(xdbr.draw(y, rankdir=rankdir).svg())
        sizes.append((float(root.attrib["width"]), float(root.attrib["height"])))
        assert f"rankdir={rankdir}" in xdbr.draw(y, rankdir=rankdir).dot()
    assert sizes[0][0] < sizes[0][1] and sizes[1][0] > sizes[1][1]


def test_constants_are_drawn_on_request() -> None:
    x = leaf((2,), "x")
    y = x * xdbr.asarray([1.0, 2.0])
    assert "constant" not in labels(xdbr.draw(y))
    assert labels(xdbr.draw(y, constants=True))["constant"] == ["constant"]


def test_a_graph_can_be_drawn_after_backward_has_freed_it() -> None:
    y = affine()
    before = xdbr.draw(y)
    y.backward()
    after = xdbr.draw(y)
    assert (after.dot(), after.svg()) == (before.dot(), before.svg())


def test_what_is_used_twice_is_drawn_once() -> None:
    x = leaf((3,), "x")
    h = xdbr.tanh(x)
    drawing = xdbr.draw(h * h + x)
    assert labels(drawing)["input"] == ["x (3,) float32"]
    assert labels(drawing)["function"] == ["tanh", "multiply", "add"]
    assert sum(target == "multiply" for _, target in arrows(drawing)) == 2


class Halves(xdbr.Function):
    """Two outputs of one function."""

    def forward(self, xp: Any, x: Any) -> Any:
        return x[:1, ...], x[1:, ...]

    def backward(self, xp: Any, g1: Any, g2: Any) -> Any:
        return xp.concat([g1, g2])


def test_a_function_of_several_outputs_is_one_box() -> None:
    first, rest = Halves.apply(leaf((3, 2), "a"))
    both = xdbr.draw({"first": first, "rest": rest})
    assert labels(both)["function"] == ["Halves"]
    assert labels(both)["output"] == ["first (1, 2) float32", "rest (2, 2) float32"]
    one = xdbr.draw(xdbr.sum(rest), variables=False)
    assert labels(one)["function"] == ["Halves (1, 2), (2, 2)", "sum () float32"]
    assert arrows(one)[1] == ("Halves\\n(1, 2), (2, 2)", "sum\\n() float32")
    both_used = xdbr.draw(xdbr.sum(first) + xdbr.sum(rest))
    assert sum(source == "Halves" for source, _ in arrows(both_used)) == 2


def test_several_outputs_share_one_picture() -> None:
    x = leaf((3,), "x")
    h = xdbr.tanh(x)
    y = xdbr.sum(h)
    y.name = "total"
    assert labels(xdbr.draw([h, y]))["output"] == ["(3,) float32", "total () float32"]
    assert labels(xdbr.draw({"h": h, "y": y}))["output"] == ["h (3,) float32", "y () float32"]
    assert labels(xdbr.draw((y, y)))["output"] == ["total () float32"]


def test_a_parameter_is_known_by_its_class_or_its_path() -> None:
    unnamed = nn.Parameter(1.0, (2, 3))
    assert labels(xdbr.draw(xdbr.sum(unnamed)))["parameter"] == ["(2, 3) float32"]
    # The model may be gone: its graph still knows the path.
    y = affine()
    assert labels(xdbr.draw(y))["parameter"] == ["/l1/W (3, 2) float32", "/l1/b (2,) float32"]


def test_debug_mode_shows_the_line_in_the_tooltip() -> None:
    with xdbr.debug_mode():
        y = xdbr.tanh(leaf((2,)))  # this line
    assert "test_draw.py" in xdbr.draw(y).svg()
    assert "y = xdbr.tanh(leaf((2,)))  # this line" in xdbr.draw(y).dot()


def test_a_written_view_is_drawn_with_the_write() -> None:
    x = xdbr.sin(leaf((3,), "x"))
    view = x[1:]
    x[0] = leaf((), "v")
    x[2] = leaf((), "w")
    inputs = labels(xdbr.draw(view))["input"]
    assert "w () float32" in inputs


def test_a_leaf_is_drawn_alone() -> None:
    assert labels(xdbr.draw(leaf((2, 0)))) == {"input": ["(2, 0) float32"]}


def chain(length: int) -> xdbr.Variable:
    y = leaf((2,), "x")
    for _ in range(length):
        y = xdbr.sin(y)
    return y


def test_a_cut_says_what_was_left_out() -> None:
    drawing = xdbr.draw(chain(20), max_nodes=5)
    note = "15 functions and 1 leaf variable left out: max_nodes=5 of 21 are shown"
    assert note in texts(drawing.svg())
    assert note in drawing.dot()
    assert repr(drawing) == f"<GraphDrawing: 5 functions, 1 output; {note}>"
    assert labels(drawing)["more"] == ["…"]
    assert ("…", "sin") in arrows(drawing)
    assert drawing.dot().count("style=dashed") == 1
    assert "left out" not in xdbr.draw(chain(20), max_nodes=21).svg()


def test_a_cut_counts_functions_of_several_outputs_once() -> None:
    drawing = xdbr.draw(Halves.apply(xdbr.sin(leaf((3, 3), "a"))), max_nodes=1)
    assert labels(drawing)["function"] == ["Halves"]
    assert len(labels(drawing)["output"]) == 2
    assert len(labels(drawing)["more"]) == 1


def test_a_graph_of_100_000_nodes_is_walked_without_recursion() -> None:
    y = chain(100_000)
    assert xdbr.draw(y, max_nodes=None).dot().count("->") == 200_000
    assert "99,000 functions and 1 leaf variable left out" in xdbr.draw(y).svg()


def test_a_drawing_keeps_nothing_of_the_graph_alive() -> None:
    h = xdbr.tanh(leaf((2,)))
    kept = weakref.ref(h._data)  # the gradient of tanh needs its result
    y = xdbr.sum(h)
    drawing = xdbr.draw(y)
    del h
    assert kept() is not None
    del y
    assert kept() is None
    assert drawing.svg().startswith("<svg")


def test_pictures_are_the_same_in_every_process() -> None:
    program = (
        "import xdbr, hashlib\n"
        "w = xdbr.Variable([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, name='w')\n"
        "h = w\n"
        "for _ in range(6):\n"
        "    h = xdbr.tanh(h @ w + xdbr.sum(h * w))\n"
        "drawing = xdbr.draw([h, xdbr.sum(h)])\n"
        "print(hashlib.sha256((drawing.svg() + drawing.dot()).encode()).hexdigest())\n"
    )
    found = set()
    for seed in ("0", "1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        found.add(done.stdout)
    assert len(found) == 1


# ------------------------------------------------------------------------------------------ bad input


def test_outputs_that_cannot_be_drawn_are_refused() -> None:
    constant = xdbr.asarray([1.0])
    with pytest.raises(xdbr.GradientError, match=r"draw: outputs has no graph.*requires_grad=True"):
        xdbr.draw(constant)
    with pytest.raises(xdbr.GradientError, match=r"draw: outputs\[1\] has no graph"):
        xdbr.draw([affine(), constant])
    with pytest.raises(TypeError, match=r"draw: outputs\['loss'\] must be a Variable; got float"):
        xdbr.draw({"loss": 1.0})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match=r"draw: outputs must be a Variable; got str"):
        xdbr.draw("loss")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="draw: outputs must hold at least one Variable"):
        xdbr.draw([])


def test_options_out_of_range_are_refused() -> None:
    y = affine()
    with pytest.raises(ValueError, match="draw: rankdir must be 'TB' or 'LR'; got 'BT'"):
        xdbr.draw(y, rankdir="BT")
    with pytest.raises(ValueError, match="draw: max_nodes must be at least 1, or None; got 0"):
        xdbr.draw(y, max_nodes=0)
    for bad in ("a", 2.5, True):
        with pytest.raises(TypeError, match=f"draw: max_nodes must be an integer, or None; got {bad!r}"):
            xdbr.draw(y, max_nodes=bad)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="draw: title must be a string, or None; got 3"):
        xdbr.draw(y, title=3)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize("suffix", [".dot", ".gv", ".svg", ".SVG"])
def test_text_formats_are_saved_whole(tmp_path: Path, suffix: str) -> None:
    drawing = xdbr.draw(affine(), title="Größe")
    path = tmp_path / f"graph{suffix}"
    path.write_text("old")
    drawing.save(path)
    assert path.read_text(encoding="utf-8") == (drawing.svg() if suffix.lower() == ".svg" else drawing.dot())
    assert list(tmp_path.iterdir()) == [path]


@needs_dot
@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_graphviz_makes_png_and_pdf(tmp_path: Path, suffix: str, magic: bytes) -> None:
    xdbr.draw(affine()).save(str(tmp_path / f"graph{suffix}"))
    assert (tmp_path / f"graph{suffix}").read_bytes().startswith(magic)


def test_png_without_graphviz_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(xdbr.MissingDependencyError, match=r"'dot' of Graphviz.*apt install graphviz.*\.svg"):
        xdbr.draw(affine()).save(tmp_path / "graph.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for 'dot' is a shell script")
def test_a_failure_of_graphviz_is_reported_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho 'no such format' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    path = tmp_path / "graph.pdf"
    path.write_bytes(b"old")
    with pytest.raises(xdbr.XdbrError, match="'dot -Tpdf' failed with status 3: no such format"):
        xdbr.draw(affine()).save(path)
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_an_interrupted_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "graph.svg"
    path.write_text("old")
    whole = getattr(Path, step)

    def interrupted(self: Path, argument: bytes | Path) -> None:
        if isinstance(argument, bytes):
            whole(self, argument[:10])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        xdbr.draw(affine()).save(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.svg", tmp_path / "link.svg"
    real.write_text("old")
    try:
        link.symlink_to(real)
    except OSError:
        pytest.skip("this file system has no symbolic links")
    xdbr.draw(affine()).save(link)
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8").startswith("<svg")


def test_paths_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    drawing = xdbr.draw(affine())
    with pytest.raises(
        ValueError, match=r"path must end in one of \.dot, \.gv, \.svg, \.png, \.pdf; got '.*graph\.jpg'"
    ):
        drawing.save(tmp_path / "graph.jpg")
    with pytest.raises(FileNotFoundError, match="missing"):
        drawing.save(tmp_path / "missing" / "graph.svg")


def test_notebooks_show_a_picture() -> None:
    drawing = xdbr.draw(affine())
    assert drawing._repr_svg_() == drawing.svg()
    assert drawing._repr_mimebundle_() == {"image/svg+xml": drawing.svg(), "text/plain": repr(drawing)}
    assert list(drawing._repr_mimebundle_(include={"text/plain"})) == ["text/plain"]
    assert list(drawing._repr_mimebundle_(exclude={"text/plain"})) == ["image/svg+xml"]
