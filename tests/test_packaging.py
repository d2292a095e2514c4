"""What the package promises as a package: light to import, typed, one version, explicit names, short files."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_origin

import pytest

import xdbr

ROOT = Path(__file__).parents[1]
PACKAGE = Path(xdbr.__path__[0])

# Either another array library, or too slow to import for those who do not use it.
HEAVY = {
    "array_api_compat",
    "array_api_strict",
    "cupy",
    "graphviz",
    "h5py",
    "jax",
    "matplotlib",
    "pandas",
    "scipy",
    "sklearn",
    "torch",
    "tqdm",
}


def module_names() -> list[str]:
    return [
        "xdbr",
        *(info.name for info in pkgutil.walk_packages(xdbr.__path__, "xdbr.") if info.name != "xdbr.__main__"),
    ]


def public_module_names() -> list[str]:
    return [name for name in module_names() if not any(part.startswith("_") for part in name.split("."))]


def loaded_by(statement: str) -> set[str]:
    """The top-level names of all modules that a fresh interpreter has after a statement."""
    code = (
        f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("XDBR_")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_importing_xdbr_loads_no_heavy_library() -> None:
    loaded = loaded_by("import xdbr")
    assert "xdbr" in loaded
    assert "numpy" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("name", ["nn", "nn.functions", "nn.links", "optim", "serializers"])
def test_importing_a_part_loads_no_heavy_library(name: str) -> None:
    assert not loaded_by(f"import xdbr.{name}") & HEAVY


def test_a_failing_statement_is_seen() -> None:
    with pytest.raises(AssertionError, match="no_such_module"):
        loaded_by("import xdbr.no_such_module")


def test_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert xdbr.__version__ == project["version"]


def test_hard_dependencies_are_two() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[^\w-]", line, maxsplit=1)[0] for line in project["dependencies"]}
    assert names == {"numpy", "array-api-compat"}


def test_package_is_marked_as_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


def dunder_all_order(name: str) -> tuple[int, list[str | int]]:
    """Constants, then classes, then the rest, with numbers by value: the order that ruff's RUF022 writes."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name.lstrip("_")[:1].isupper() else 2
    return kind, [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


@pytest.mark.parametrize("name", module_names())
def test_dunder_all_resolves_and_is_sorted(name: str) -> None:
    module = importlib.import_module(name)
    assert hasattr(module, "__all__"), f"{name} does not say what it offers: no __all__"
    names = list(module.__all__)
    assert len(names) == len(set(names)), f"{name}.__all__ has duplicates"
    assert [item for item in names if not hasattr(module, item)] == []
    assert names == sorted(names, key=dunder_all_order)


@pytest.mark.parametrize("name", public_module_names())
def test_every_public_function_and_class_has_a_docstring(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    values = {item: getattr(module, item) for item in module.__all__}
    # An alias of a type, such as `Callable[[int], int]`, has no docstring of its own.
    bare = [item for item, value in values.items() if callable(value) and not get_origin(value) and not value.__doc__]
    assert bare == []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_file_has_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600


def test_every_extra_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert {"cuda12", "cuda13", "examples", "scipy", "strict", "torch", "jax", "dev"} <= set(extras)
    # Every `pip install "xdbr[extra]"` that an error message or a document names must work.
    texts = [*PACKAGE.rglob("*.py"), ROOT / "README.md", *ROOT.glob("docs/*.md")]
    named = {
        extra.strip()
        for path in texts
        for found in re.findall(r"xdbr\[([\w, -]+)\]", path.read_text(encoding="utf-8"))
        for extra in found.split(",")
    }
    assert named <= set(extras)


def test_ci_runs_the_readmes_test_command() -> None:
    command = (ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().splitlines()[-1]
    assert command == "python -m pip install nox && python -m nox"
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
