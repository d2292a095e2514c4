"""Wrong arguments of backward and of hooks: an error, and no gradient has changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import xdbr


@pytest.fixture
def x(device: Any) -> Any:
    return xdbr.Variable([1.0, 2.0], requires_grad=True)


@pytest.mark.parametrize(
    ("scale", "error", "message"),
    [
        ("a", TypeError, "backward: loss_scale must be a number; got 'a'"),
        (float("nan"), ValueError, "backward: loss_scale must be finite; got nan"),
        (float("inf"), ValueError, "backward: loss_scale must be finite; got inf"),
    ],
)
def test_a_scale_that_is_no_finite_number(scale: Any, error: type[Exception], message: str, x: Any) -> None:
    y = xdbr.sum(x * x)
    with pytest.raises(error, match=message):
        y.backward(loss_scale=scale)
    assert x.grad is None
    y.backward(loss_scale=2)
    assert x.grad.shape == (2,)


def test_inputs_that_are_no_variables(x: Any) -> None:
    y = xdbr.sum(x * x)
    for inputs in (np.ones(3), [1.0]):
        with pytest.raises(TypeError, match="backward: inputs must be Variables; number 0 is float"):
            y.backward(inputs=inputs)
    assert x.grad is None


def test_a_hook_that_is_no_function(x: Any) -> None:
    with pytest.raises(TypeError, match="register_hook: expected a function; got int"):
        x.register_hook(3)
    xdbr.sum(x).backward()
