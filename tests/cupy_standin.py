"""A plugin for pytest: runs the tests on the backend cupy without a GPU, over a stand-in of CuPy in host memory.

`nox -s cupy_standin` runs with it what `XDBR_TEST_BACKEND=cupy` names, with as many GPUs as CUPY_STANDIN_GPUS says. It
shows that the arrays of several GPUs are used where they lie, that no NumPy array slips among them, and that views,
writes and kernels keep to CuPy's ways; not that CuPy computes the same numbers.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import cupylib
import pytest

# What the stand-in is no match for.
_APART = {
    "test_copies": "its arrays cannot be pickled",
    "test_dlpack_of_a_view_and_of_no_axes": "its arrays are in host memory for DLPack",
    "test_dlpack_out": "its arrays are in host memory for DLPack",
    "test_resumed_run_equals_a_straight_one": "starts another process",
    "test_scipy": "starts another process",
    "test_the_raw_namespace_has_the_signatures_of_the_recording_one": "its functions have no signatures",
    "test_what_it_prints_and_writes": "starts another process",
}


def _install(folder: str) -> None:
    import array_api_compat

    modules = cupylib.make(int(os.environ.get("CUPY_STANDIN_GPUS", "2")), Path(folder))
    sys.modules.update(modules)
    array_api_compat.cupy = modules["array_api_compat.cupy"]


_scratch = tempfile.TemporaryDirectory()
_install(_scratch.name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        reason = _APART.get(getattr(item, "originalname", ""))
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=f"the stand-in of CuPy: {reason}"))
