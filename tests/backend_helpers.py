"""What the tests of the registry and of backends from elsewhere share."""

from __future__ import annotations

import pytest

from xdbr.backends import _registry


@pytest.fixture
def registry(monkeypatch):
    """The registry, put back as it was after the test."""
    for table in ("_factories", "_loaded", "_loading"):
        monkeypatch.setattr(_registry, table, dict(getattr(_registry, table)))
    types = dict(_registry._TYPES)
    yield _registry
    _registry._TYPES.clear()
    _registry._TYPES.update(types)
