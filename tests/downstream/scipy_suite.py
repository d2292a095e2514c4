"""A pytest plugin that runs SciPy's own tests on xdbr, in the place of array-api-strict.

SciPy's tests take a namespace `xp` from a fixed list of libraries, and array-api-strict stands there for any
library that SciPy has never heard of. Where this plugin is loaded, `import array_api_strict` gives xdbr's
namespace on the default device. What is then under test is what SciPy does with an unknown library.

    SCIPY_ARRAY_API='["array_api_strict"]' XDBR_DEFAULT_DTYPE=float64 PYTHONPATH=tests/downstream \
        python -m pytest -p scipy_suite -m array_api_backends --pyargs scipy.stats

SciPy skips some tests for array-api-strict alone, because of what that library refuses and xdbr need not: here they
run. `scipy_known` lists the tests that fail for a reason that is not xdbr's, each with the reason; any other failure,
and any of these that passes, fails the run.

With `--needs-gradient` the inputs that tests make with `xp.asarray` need gradient. A test that leaves the world
of arrays then stops with `GradientError`, and counts as stopped; nothing else may go wrong, and no value may differ.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Generator
from typing import Any

import pytest
import scipy_known

import xdbr

STAND_IN = "array_api_strict"
MARKS = ("skip_xp_backends", "xfail_xp_backends")


class NeedingGradient(types.ModuleType):
    """A namespace for which `asarray` makes leaves that need gradient, and that SciPy takes for xdbr's own."""

    def __init__(self, space: types.ModuleType) -> None:
        super().__init__(space.__name__)
        self._space = space

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_space"], name)

    def __eq__(self, other: object) -> bool:
        return other is self or other is self._space

    def __hash__(self) -> int:
        return hash(self._space)

    def asarray(self, obj: Any, /, **options: Any) -> Any:
        """Give `obj` as an array, which needs gradient unless it is a Variable already or made of integers."""
        made = self._space.asarray(obj, **options)
        if made is not obj and made.dtype.kind in "fc" and not isinstance(obj, xdbr.Variable):
            made.requires_grad = True
        return made


class _OfSpace:
    """An array for SciPy's fixture to ask for its namespace."""

    def __init__(self, space: types.ModuleType) -> None:
        self._space = space

    def __array_namespace__(self, api_version: str | None = None) -> types.ModuleType:
        return self._space


def stand_in(space: types.ModuleType) -> types.ModuleType:
    """Give a module of array-api-strict's name, in whose place SciPy's fixture then puts `space` itself.

    The fixture takes from the module `empty`, asks its result for the namespace, and hands that one to the test.
    """
    module = types.ModuleType(STAND_IN)
    module.__dict__.update(
        __version__="2.6",  # SciPy asks for 2.3 or later
        empty=lambda shape: _OfSpace(space),
        set_array_api_strict_flags=lambda **flags: None,
    )
    return module


def detach_what_is_compared() -> None:
    """Have SciPy's assertions compare values, whether they need gradient or not."""
    from scipy._lib import _array_api

    def detached(x: Any) -> Any:
        return x.detach() if isinstance(x, xdbr.Variable) else x

    def check(actual: Any, desired: Any, *args: Any, **options: Any) -> Any:
        actual, desired, xp = compare(actual, desired, *args, **options)
        return detached(actual), detached(desired), xp

    compare, to_numpy = _array_api._strict_check, _array_api._xp_copy_to_numpy
    _array_api._strict_check = check
    _array_api._xp_copy_to_numpy = lambda x: to_numpy(detached(x))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the plugin."""
    parser.addoption("--needs-gradient", action="store_true", help="xp.asarray makes leaves that need gradient")


def pytest_configure(config: pytest.Config) -> None:
    """Put xdbr in array-api-strict's place, before SciPy's conftest looks for it."""
    space = xdbr.namespace(xdbr.get_default_device().backend)
    _ = space.__version__  # the backend is loaded now, for it may itself need array-api-strict
    if config.getoption("--needs-gradient"):
        detach_what_is_compared()
        space = NeedingGradient(space)
    sys.modules[STAND_IN] = stand_in(space)


def names_stand_in(mark: Any) -> bool:
    """Tell whether a mark is about array-api-strict and no other library."""
    return mark.name in MARKS and mark.args[:1] == (STAND_IN,)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop the marks that are about array-api-strict alone, and mark the tests that are known to fail."""
    for node in {node for item in items for node in item.listchain()}:
        node.own_markers[:] = [mark for mark in node.own_markers if not names_stand_in(mark)]
    strict = not config.getoption("--needs-gradient")  # where a test may stop before it comes to its failure
    for item in items:
        why = scipy_known.reason(item.nodeid)
        if why is not None:
            item.add_marker(pytest.mark.xfail(reason=why, strict=strict))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Count a test that stops with `GradientError` as stopped: xdbr says so rather than cut the graph."""
    report = yield
    error = None if call.excinfo is None else call.excinfo.value
    while error is not None and not isinstance(error, xdbr.GradientError):
        error = error.__context__  # `pytest.warns` has an error of its own to report then
    if error is not None:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1], f"stopped: {str(error).partition(';')[0]}")
    return report
