"""The backend under test, from XDBR_TEST_BACKEND; `device` runs a test on each of its devices that count."""

from __future__ import annotations

import pytest

from xdbr._errors import BackendError
from xdbr.testing import backend, device, float64, tested_backend, tested_devices, xp

__all__ = ["backend", "device", "float64", "xp"]


def pytest_configure() -> None:
    # A backend that is not there must stop the run: tests that are skipped one by one look like a pass.
    try:
        tested_backend()
    except BackendError as error:
        raise pytest.UsageError(f"XDBR_TEST_BACKEND: {error}") from error


def pytest_report_header() -> str:
    found = tested_backend()
    return f"xdbr backend: {found.name} {found.version()} on {', '.join(map(str, tested_devices(found)))}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device" in metafunc.fixturenames:
        metafunc.parametrize("device", tested_devices(tested_backend()), ids=str, indirect=True)
