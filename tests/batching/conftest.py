"""Fixtures of the tests of vmap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xdbr import Variable


@pytest.fixture
def arr(xp: Any, device: Any, float64: None) -> Any:
    rng = np.random.default_rng(0)

    def make(*shape: int) -> Variable:
        return Variable(rng.uniform(0.5, 1.5, shape), device=device, dtype="float64")

    return make
