"""Drives the table of specs: values, derivatives, memory layouts, other libraries, for every row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from specs import _checks
from specs._checks import NotHere
from specs._spec import Spec, collect

import xdbr
from xdbr.autograd.kernels import REGISTRY
from xdbr.autograd.primitive import Primitive
from xdbr.backends import Backend, Device
from xdbr.testing import backend_under_test

BACKEND = backend_under_test()
ON_NUMPY = BACKEND.name == "numpy"
# The rules are one text: all is run where that is fast, on the newest NumPy; `python -m tests.specs` runs it anywhere.
THOROUGH = ON_NUMPY and not np.__version__.startswith("2.0.")
SPECS = list(collect())
LONG = [spec for spec in SPECS if not ON_NUMPY and _checks.takes_long(spec, BACKEND)]
QUICK = [spec for spec in SPECS if spec not in LONG]
DIFFERENTIABLE = [(spec, dtype) for spec in SPECS for dtype in spec.gradient_dtypes()]


def rows(values: list[Any]) -> pytest.MarkDecorator:
    """Parametrize a test over rows, or over pairs of a row and a dtype."""
    if values and isinstance(values[0], tuple):
        return pytest.mark.parametrize(("spec", "dtype"), values, ids=[f"{spec}-{dtype}" for spec, dtype in values])
    return pytest.mark.parametrize("spec", values, ids=str)


def run(check: Callable[..., None], *args: Any) -> None:
    """Run a check of a row; skip, with the reason, where it cannot be made here."""
    try:
        check(*args)
    except NotHere as reason:
        pytest.skip(str(reason))


@rows([(spec, dtype) for spec in QUICK for dtype in spec.dtypes])
def test_value(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device) -> None:
    run(_checks.check_value, spec, dtype, backend, xp, device)


@pytest.mark.one_device
@rows([(spec, dtype) for spec in LONG for dtype in spec.dtypes])
def test_value_of_many_operations(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device) -> None:
    run(_checks.check_value, spec, dtype, backend, xp, device)


@pytest.mark.one_device
@rows(QUICK)
def test_memory_layouts(spec: Spec, backend: Backend, xp: Any, device: Device) -> None:
    run(_checks.check_layouts, spec, backend, xp, device)


@pytest.mark.one_device
@rows(DIFFERENTIABLE)
def test_gradient(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device) -> None:
    order = min(spec.order, 3 if THOROUGH else 1 if spec in LONG else 2)
    run(lambda: _checks.check_gradient(spec, dtype, backend, xp, device, order=order, brief=not THOROUGH))


@pytest.mark.one_device
@rows([(spec, dtype) for spec, dtype in DIFFERENTIABLE if THOROUGH and spec.order > 1])
def test_forward_mode(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device) -> None:
    run(_checks.check_forward, spec, dtype, backend, xp, device)


@pytest.mark.one_device
@rows([spec for spec in QUICK if spec.order and spec.gradient_dtypes() and not spec.elementwise])
def test_zero_size(spec: Spec, backend: Backend, xp: Any, device: Device) -> None:
    run(_checks.check_zero_size, spec, backend, xp, device)


@pytest.mark.one_device
@rows([(spec, dtype) for spec, dtype in DIFFERENTIABLE if spec in QUICK and spec.elementwise and len(spec.inputs) == 2])
def test_gradient_beside_python_scalars(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device) -> None:
    run(_checks.check_beside_scalars, spec, dtype, backend, xp, device)


@rows([spec for spec in SPECS if spec.order == 0])
def test_result_needs_no_gradient(spec: Spec, backend: Backend, xp: Any, device: Device) -> None:
    run(_checks.check_no_gradient, spec, backend, xp, device)


@pytest.fixture(scope="module")
def torch() -> _checks.Torch:
    try:
        return _checks.Torch()
    except NotHere as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def jax() -> _checks.Jax:
    try:
        return _checks.Jax()
    except NotHere as reason:
        pytest.skip(str(reason))


@pytest.mark.one_device
@rows([(spec, dtype) for spec, dtype in DIFFERENTIABLE if spec.torch])
def test_against_torch(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device, torch: _checks.Torch) -> None:
    run(_checks.check_against, torch, spec, dtype, backend, xp, device)


# On one backend: a program is compiled for each row, and the rules are one text.
@pytest.mark.one_device
@rows([(spec, dtype) for spec, dtype in DIFFERENTIABLE if ON_NUMPY and _checks.compared_with_jax(spec)])
def test_against_jax(spec: Spec, dtype: str, backend: Backend, xp: Any, device: Device, jax: _checks.Jax) -> None:
    run(_checks.check_against, jax, spec, dtype, backend, xp, device)


# --------------------------------------------------------------------------------------- completeness


def own_entries() -> dict[str, Any]:
    """The functions of the library itself: examples in docstrings and tests register theirs under other modules."""
    return {
        name: entry
        for name, entry in REGISTRY.items()
        if entry.forward.__module__.startswith("xdbr.") and not name.startswith("doc_example.")
    }


def test_every_differentiable_function_has_a_row() -> None:
    xdbr.numpy  # noqa: B018 - loads every chapter
    listed = {name for spec in SPECS for name in (spec.name, *spec.covers)}
    wanted = {
        name
        for name, entry in own_entries().items()
        if not isinstance(entry, Primitive) or entry.differentiable or entry.rules is not None
    }
    assert sorted(wanted - listed) == []


def test_every_rule_is_checked_to_the_second_order() -> None:
    checked = {name for spec in SPECS if spec.order > 1 for name in (spec.name, *spec.covers)}
    ruled = {
        name
        for name, entry in own_entries().items()
        if isinstance(entry, Primitive) and entry.differentiable and (entry.rules or entry.joint)
    }
    assert sorted(ruled - checked) == []


def test_rows_name_functions_that_exist(xp: Any) -> None:
    xdbr.vmap  # noqa: B018 - loads its primitives
    for spec in SPECS:
        function = xp
        for part in spec.name.split("."):
            assert hasattr(function, part) or spec.name in REGISTRY, f"{spec}: there is no such function"
            function = getattr(function, part, None)


def test_no_two_rows_are_called_the_same() -> None:
    names = [str(spec) for spec in SPECS]
    assert sorted({name for name in names if names.count(name) > 1}) == []
