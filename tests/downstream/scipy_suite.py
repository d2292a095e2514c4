"""A pytest plugin that runs SciPy's own tests on xdbr, in the place of array-api-strict.

SciPy's tests take a namespace `xp` from a fixed list of libraries, and array-api-strict stands there for any
library that SciPy has never heard of. Where this plugin is loaded, `import array_api_strict` gives xdbr's
namespace on the default device. What is then under test is what SciPy does with an unknown library.

    SCIPY_ARRAY_API='["array_api_strict"]' XDBR_DEFAULT_DTYPE=float64 PYTHONPATH=tests/downstream \
        python -m pytest -p scipy_suite -m array_api_backends --pyargs scipy.stats

SciPy skips some tests for array-api-strict alone, because of what that library refuses and xdbr need not. The
option `--all-marks` skips them here as well; without it they run.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

import xdbr

STAND_IN = "array_api_strict"
MARKS = ("skip_xp_backends", "xfail_xp_backends")


def stand_in(space: types.ModuleType) -> types.ModuleType:
    """Give a module of array-api-strict's name, in whose place SciPy's fixture then puts `space` itself.

    The fixture takes from the module `empty`, asks its result for the namespace, and hands that one to the test.
    """
    module = types.ModuleType(STAND_IN)
    module.__dict__.update(
        __version__="2.6",  # SciPy asks for 2.3 or later
        empty=space.empty,
        set_array_api_strict_flags=lambda **flags: None,
    )
    return module


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the plugin."""
    parser.addoption("--all-marks", action="store_true", help="skip what SciPy skips for array-api-strict")


def pytest_configure(config: pytest.Config) -> None:
    """Put xdbr in array-api-strict's place, before SciPy's conftest looks for it."""
    backend = xdbr.get_default_device().backend  # loaded now, for it may itself need array-api-strict
    sys.modules[STAND_IN] = stand_in(xdbr.namespace(backend))


def names_stand_in(mark: Any) -> bool:
    """Tell whether a mark is about array-api-strict and no other library."""
    return mark.name in MARKS and mark.args[:1] == (STAND_IN,)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop the marks that are about array-api-strict alone."""
    if config.getoption("--all-marks"):
        return
    for node in {node for item in items for node in item.listchain()}:
        node.own_markers[:] = [mark for mark in node.own_markers if not names_stand_in(mark)]
