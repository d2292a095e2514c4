"""What the documentation shows is run: the snippets of README and docs, and the examples in docstrings.

Every ```python block of a Markdown file runs, in order, in one program per file, in a process and a
folder of its own. Every docstring with a `>>>` line runs as a doctest; `xdbr` is known in it.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import xdbr

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
SECONDS = 300


def program(text: str) -> str:
    """A Markdown text as a program: all but its ```python blocks is blank, so that line numbers stay."""
    lines, indent = [], None
    for line in text.splitlines():
        fence = re.fullmatch(r"(\s*)```(\S*).*", line)
        if fence and indent is None and fence[2] == "python":
            indent = len(fence[1])
        elif fence and indent is not None and not fence[2]:
            indent = None
        elif indent is not None:
            lines.append(line[indent:])
            continue
        lines.append("")
    assert indent is None, "a ```python block is not closed"
    return "\n".join(lines) + "\n"


def run_program(text: str, name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    script = folder / name
    script.write_text(program(text), encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("XDBR_")}
    return subprocess.run(
        [sys.executable, "-X", "utf8", script],
        cwd=folder,
        env=environment | {"MPLBACKEND": "Agg"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_snippets_of_a_page(page: Path, tmp_path: Path) -> None:
    done = run_program(page.read_text(encoding="utf-8"), page.stem + "_md.py", tmp_path)
    assert done.returncode == 0, f"{page.name}, with the line numbers of the page:\n{done.stderr}"


def test_readme_has_snippets() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("```python\n") >= 3
    assert "import xdbr" in program(text)


def test_blocks_of_a_page_share_names_and_keep_line_numbers(tmp_path: Path) -> None:
    first, other = "```python\na = 1\n```\n", "```bash\nexit 1\n```\n"
    page = f"# Title\n{first}Text\n{other}  ```python\n  b = a + 1\n  raise ValueError(b)\n  ```\n"
    done = run_program(page, "page_md.py", tmp_path)
    assert done.returncode == 1
    assert 'page_md.py", line 11' in done.stderr
    assert done.stderr.endswith("ValueError: 2\n")


# ------------------------------------------------------------------------------------------ doctests


def documented(module: object) -> Iterator[tuple[str, object]]:
    """What a module defines and documents: itself, its functions and classes, and callables of other types.

    The last are what decorators make of functions, which doctest's own finder passes over.
    """
    yield "", module
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__ or not callable(value):
            continue
        if inspect.isroutine(value) or inspect.isclass(value) or value.__doc__ != type(value).__doc__:
            yield name, value


def find_doctests() -> dict[str, doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = {}
    names = [info.name for info in pkgutil.walk_packages(xdbr.__path__, "xdbr.")]
    for module_name in ["xdbr", *(name for name in names if name != "xdbr.__main__")]:
        module = importlib.import_module(module_name)
        globs = vars(module) | {"xdbr": xdbr, "__name__": "__main__"}
        for name, value in documented(module):
            recursive = doctest.DocTestFinder(recurse=False) if value is module else finder
            for test in recursive.find(value, f"{module_name}.{name}".rstrip("."), module=module, globs=globs):
                if test.examples:
                    found[test.name] = test
    return found


DOCTESTS = find_doctests()


@pytest.mark.parametrize("name", DOCTESTS)
def test_docstring(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []
    runner.run(DOCTESTS[name], out=said.append, clear_globs=False)
    assert runner.failures == 0, "".join(said)


def test_doctests_are_found_in_every_kind_of_object() -> None:
    sources = {name.rpartition(".")[0] for name in DOCTESTS}
    # A function made by a decorator, a method, a plain function.
    assert "xdbr.backends._registry" in sources
    assert any(name.startswith("xdbr.array_api.") for name in DOCTESTS)
    assert any(name.startswith("xdbr.autograd.variable.Variable.") for name in DOCTESTS)
