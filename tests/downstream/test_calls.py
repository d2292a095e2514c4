"""Gradients through downstream libraries, and refusals where they leave the world of arrays."""

from __future__ import annotations

from typing import Any

import pytest

import xdbr
from xdbr.testing import to_host

from ._call import Call, Refusal, flat, on_xdbr, quiet, refused, worst_error
from .calls import CALLS, REFUSALS


def named(items: list[Any]) -> Any:
    return [pytest.param(item, id=item.name.replace(" ", "_")) for item in items]


def test_names_are_unique() -> None:
    names = [item.name for item in (*CALLS, *REFUSALS)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("call", named(CALLS))
def test_gradient(call: Call, device: Any, float64: None) -> None:
    result = on_xdbr(call, device)
    assert result.outcome == "right", result


@pytest.mark.parametrize("refusal", named(REFUSALS))
def test_refusal(refusal: Refusal, device: Any, float64: None) -> None:
    result = refused(refusal, device)
    assert result.outcome == "refused", result


@pytest.mark.parametrize("refusal", named([refusal for refusal in REFUSALS if refusal.works]))
def test_what_needs_no_gradient_is_converted(refusal: Refusal, device: Any, float64: None) -> None:
    found = flat(quiet(refusal.run, *[xdbr.Variable(x, device=device) for x in refusal.inputs]))
    wanted = flat(quiet(refusal.run, *refusal.inputs))
    assert len(found) == len(wanted)
    assert worst_error([to_host(y) for y in found], [to_host(y) for y in wanted]) < 1e-6
