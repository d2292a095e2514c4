"""The downstream libraries: all of them must be there, and SciPy must not be imported yet, for it reads a switch then.

The folder is not among those that an ordinary run goes through (`norecursedirs`); it runs when it is named.
"""

from __future__ import annotations

import importlib.util
import os
import sys

import pytest

LIBRARIES = ("scipy", "sklearn", "einops", "xarray", "array_api_extra", "array_api_strict")


def pytest_configure() -> None:
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        raise pytest.UsageError(
            f"tests/downstream needs {', '.join(missing)}; `nox -s downstream` installs all of them"
        )


if "scipy" in sys.modules and os.environ.get("SCIPY_ARRAY_API") != "1":
    raise pytest.UsageError("tests/downstream: SciPy is imported already, without SCIPY_ARRAY_API=1; set that variable")
os.environ["SCIPY_ARRAY_API"] = "1"
