"""The backend under test, from XDBR_TEST_BACKEND; `device` runs a test on each of its devices that count."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from xdbr._errors import BackendError
from xdbr.testing import backend, backend_under_test, device, devices_under_test, float64, xp

__all__ = ["backend", "device", "float64", "xp"]

_FIXTURES = frozenset(("backend", "device", "xp"))


def pytest_configure() -> None:
    # A backend that is not there must stop the run: tests that are skipped one by one look like a pass.
    try:
        backend_under_test()
    except BackendError as error:
        raise pytest.UsageError(f"XDBR_TEST_BACKEND: {error}") from error


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    # These tests need other people's libraries, all of them: they run where the folder is named (`nox -s downstream`).
    named = any("downstream" in argument for argument in config.args)
    return True if collection_path == Path(__file__).parent / "downstream" and not named else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # A test that asks for no backend is the same on each: it runs on NumPy alone, unless it is named.
    if backend_under_test().name == "numpy" or any("::" in argument for argument in config.args):
        return
    kept: list[pytest.Item] = []
    on_numpy_alone: list[pytest.Item] = []
    for item in items:
        (on_numpy_alone if _FIXTURES.isdisjoint(getattr(item, "fixturenames", ())) else kept).append(item)
    config.hook.pytest_deselected(items=on_numpy_alone)
    items[:] = kept


def pytest_collection_finish() -> None:
    gc.freeze()  # no collection has to look at ten thousand collected tests again


def pytest_report_header() -> str:
    found = backend_under_test()
    return f"xdbr backend: {found.name} {found.version()} on {', '.join(map(str, devices_under_test(found)))}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device" in metafunc.fixturenames:
        devices = devices_under_test(backend_under_test())
        if metafunc.definition.get_closest_marker("one_device"):
            devices = devices[-1:]  # not the default one, where there is a choice: what lands there by mistake is found
        metafunc.parametrize("device", devices, ids=str, indirect=True)
