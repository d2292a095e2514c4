"""Views follow their root when its graph changes, and not only when its value does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from view_helpers import arguments, put

import xdbr
from xdbr.testing import assert_allclose

__all__ = ["put"]


def test_views_of_what_is_unchained_are_constants(put: Any) -> None:
    x = put(arguments()[0], True) * 2.0
    row = x[0, ...]
    corner = row[:2]
    x.unchain()
    assert not row.requires_grad and not corner.requires_grad
    x[1, 0] = 1.0
    assert not row.requires_grad and not corner.requires_grad


def test_views_of_what_becomes_a_leaf_lead_to_it(put: Any, xp: Any) -> None:
    x = put(arguments()[0])
    row = x[0, ...]
    x.requires_grad = True
    assert row.requires_grad
    xp.sum(row * row).backward()
    want = np.zeros((3, 4))
    want[0] = 2 * arguments()[0][0]
    assert_allclose(x.grad, want)
    x.requires_grad = False
    assert not row.requires_grad


def test_a_view_made_without_recording_stays_a_constant(put: Any) -> None:
    x = put(arguments()[0])
    with xdbr.no_grad():
        row = x[0, ...]
    x.requires_grad = True
    assert not row.requires_grad


@pytest.mark.parametrize("written", [False, True])
def test_every_view_of_one_cut_loose_finds_its_new_root(written: bool, put: Any, xp: Any) -> None:
    """Also the last in a chain whose earlier links have been brought up to date before it."""
    base = put(np.zeros((3, 4)))
    if written:
        base[2, 0] = 1.0
    part = base[:2, ...]
    row = part[0, ...]
    corner = row[:2]
    part.requires_grad = True
    assert row.requires_grad
    assert corner.requires_grad
    for value in range(1, 8):
        with xdbr.no_grad():
            part[0, 0] = float(value)
        assert corner.tolist() == [value, 0.0]
        assert row.tolist() == [value, 0.0, 0.0, 0.0]
    xp.sum(corner * corner).backward()
    assert_allclose(part.grad, [[14.0, 0.0, 0.0, 0.0], [0.0] * 4])
    assert base[0, 0].item() == 0.0


@pytest.mark.one_device
@pytest.mark.parametrize("length", [20_000])
def test_long_chains_of_views_need_no_recursion(length: int, put: Any, xp: Any) -> None:
    x = put(np.zeros(3), True)
    y = root = x * 1.0
    for _ in range(length):
        y = y[...]
    root[0] = 5.0
    assert y.tolist() == [5.0, 0.0, 0.0]
    xp.sum(y).backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0]
    del y, root
