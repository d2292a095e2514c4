"""The backend under test, from XDBR_TEST_BACKEND; `device` runs a test on each of its devices that count."""

from __future__ import annotations

import pytest

from xdbr._errors import BackendError
from xdbr.testing import backend, backend_under_test, device, devices_under_test, float64, xp

__all__ = ["backend", "device", "float64", "xp"]


def pytest_configure() -> None:
    # A backend that is not there must stop the run: tests that are skipped one by one look like a pass.
    try:
        backend_under_test()
    except BackendError as error:
        raise pytest.UsageError(f"XDBR_TEST_BACKEND: {error}") from error


def pytest_report_header() -> str:
    found = backend_under_test()
    return f"xdbr backend: {found.name} {found.version()} on {', '.join(map(str, devices_under_test(found)))}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device" in metafunc.fixturenames:
        metafunc.parametrize("device", devices_under_test(backend_under_test()), ids=str, indirect=True)
