"""What the tests of views and writes share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import xdbr

__all__ = ["KEYS", "NUMPY", "able", "arguments", "listed", "put", "takes"]

NUMPY = xdbr.backends.get("numpy").lib
"""NumPy itself, with what version 2.0 lacks of the standard."""


def takes(backend: Any, key: Any) -> bool:
    """Tell whether the library underneath takes a key, or xdbr mends that it does not (as PyTorch's backward steps)."""
    raw = backend.from_host(np.zeros((3, 4)))
    key = tuple(backend.from_host(np.asarray(part)) if isinstance(part, list) else part for part in key)
    for x in (raw, xdbr.Variable(raw)):
        try:
            x[key]
            x[key] = 0.0
        except (IndexError, ValueError, TypeError):
            continue
        return True
    return False


KEYS: dict[str, tuple[Any, ...]] = {
    "partial keys": (0,),
    "scalars": (0, 0),
    "backward steps": (slice(None, None, -1), slice(None)),
    "integer arrays": ([0, 1],),
    "integer arrays beside others": (slice(None), [0, 1]),
    "partial masks": ([True, False, True], 1),
}


@pytest.fixture
def able(backend: Any) -> Callable[[tuple[str, ...]], None]:
    """Skips where the library underneath refuses the keys that a test is about."""

    def check(needs: tuple[str, ...]) -> None:
        for need in needs:
            if not takes(backend, KEYS[need]):
                pytest.skip(f"{backend.name} refuses {need} as the standard allows")

    return check


def arguments() -> tuple[np.ndarray, np.ndarray]:
    return np.linspace(-1.1, 1.3, 12).reshape(3, 4), np.asarray([0.7, -0.4, 1.9, 0.2])


def listed(made: Any) -> list[Any]:
    return list(made) if isinstance(made, (tuple, list)) else [made]


@pytest.fixture
def put(backend: Any, device: Any) -> Callable[..., Any]:
    def make(host: np.ndarray, requires_grad: bool = False) -> Any:
        return xdbr.Variable(backend.from_host(host.copy(), device=device), requires_grad=requires_grad)

    return make
