"""vmap of every row of the table of specs: values and gradients are those of a loop over the examples."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from specs._checks import NotHere, takes_long
from specs._spec import Host, Spec, collect

import xdbr
from xdbr import BatchingError
from xdbr.backends import Backend, Device
from xdbr.testing import assert_allclose, backend_under_test, to_host

SPECS = [spec for spec in collect() if not takes_long(spec, backend_under_test())]
EXAMPLES = 3

pytestmark = pytest.mark.one_device

# The arguments on which the shape of a row's result depends: they must be the same for all examples.
FIXING_SHAPES = {
    "nonzero": {0},
    "unique_all": {0},
    "unique_counts": {0},
    "unique_inverse": {0},
    "unique_values": {0},
    "repeat-array": {1},
    "repeat-one for all": {1},
    "bincount": {0},
    "arange": {0, 1},
}


def fixing_shape(spec: Spec) -> set[int]:
    """The arguments of a row that must be the same for all examples."""
    masks = (
        {k for k, given in enumerate(spec.inputs) if given.dtype == "bool"} if spec.name == "getitem_masked" else set()
    )
    return FIXING_SHAPES.get(str(spec), FIXING_SHAPES.get(spec.name, masks))


def several(out: Any) -> list[Any]:
    return list(out) if isinstance(out, (tuple, list)) else [out]


def rows(specs: list[Spec]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("spec", specs, ids=str)


def examples(spec: Spec, dtype: str) -> list[list[Host]]:
    """The inputs of several calls of a row, each drawn on its own."""
    return [dataclasses.replace(spec, case=f"{spec.case} {i}").draw(dtype) for i in range(EXAMPLES)]


def choices(n: int) -> list[tuple[bool, ...]]:
    """Which arguments depend on the example: each alone, and all."""
    alone = [tuple(i == j for j in range(n)) for i in range(n)]
    return [*alone, (True,) * n] if n > 1 else alone


def leaves(backend: Backend, device: Device, hosts: list[Host], order: int) -> list[Any]:
    made = [xdbr.Variable(backend.from_host(host.copy(), device=device)) for host in hosts]
    for x in made:
        x.requires_grad = order > 0 and x.dtype.kind in "fc"
    return made


def seed(shape: Any, dtype: Any) -> Host:
    size = int(np.prod(shape))
    return np.linspace(1, 2, size).reshape(shape).astype(dtype)


def dtype_of(spec: Spec, backend: Backend, device: Device) -> str:
    dtype = next((name for name in ("float64", "complex128") if name in spec.dtypes), spec.dtypes[0])
    missing = {host.dtype.name for host in spec.draw(dtype)} - set(backend.supported_dtypes(device))
    if missing:
        pytest.skip(f"{device} has no {', '.join(sorted(missing))}")
    return dtype


def gradients(outs: list[Any], xs: list[Any], weights: list[Host]) -> list[Host | None]:
    pairs = [(y, w) for y, w in zip(outs, weights, strict=True) if y.requires_grad]
    moving = [x for x in xs if x.requires_grad]
    if not pairs or not moving:
        return [None] * len(xs)
    seeds = [y._backend.from_host(w, device=y.device) for y, w in pairs]
    found = iter(xdbr.grad([y for y, _ in pairs], moving, seeds, allow_unused=True))
    given = [next(found) if x.requires_grad else None for x in xs]
    return [None if g is None else to_host(g) for g in given]


@rows(SPECS)
def test_vmap_is_a_loop(spec: Spec, backend: Backend, xp: Any, device: Device) -> None:
    drawn = examples(spec, dtype_of(spec, backend, device))
    count = len(spec.inputs)
    for batched in choices(count):
        calls = [[drawn[i if own else 0][k] for k, own in enumerate(batched)] for i in range(EXAMPLES)]
        whole = [np.stack([call[k] for call in calls]) if own else calls[0][k] for k, own in enumerate(batched)]

        loop_xs = [leaves(backend, device, call, spec.order) for call in calls]
        try:
            loop_outs = [several(spec.run(xp, *xs)) for xs in loop_xs]
        except NotHere as reason:
            pytest.skip(str(reason))
        xs = leaves(backend, device, whole, spec.order)
        f = xdbr.vmap(lambda *arrays: spec.run(xp, *arrays), in_axes=tuple(0 if own else None for own in batched))
        if any(batched[k] for k in fixing_shape(spec)):
            with pytest.raises(BatchingError, match="vmap"):
                f(*xs)
            continue
        outs = several(f(*xs))

        assert len(outs) == len(loop_outs[0])
        for j, y in enumerate(outs):
            right = [out[j] for out in loop_outs]
            assert y.device == device
            assert y.dtype == right[0].dtype
            rtol = 3e-7 if y.dtype in (np.float32, np.complex64) else 1e-9  # of integers, in the default dtype
            assert_allclose(y, np.stack([to_host(part) for part in right]), rtol=rtol, atol=1e-11)
            assert y.requires_grad == right[0].requires_grad
        weights = [seed(y.shape, y.dtype) for y in outs]
        found = gradients(outs, xs, weights)
        parts = [
            gradients(one, mine, [w[i] for w in weights])
            for i, (one, mine) in enumerate(zip(loop_outs, loop_xs, strict=True))
        ]
        for k, (g, own) in enumerate(zip(found, batched, strict=True)):
            wanted = [part[k] for part in parts]
            assert (g is None) == (wanted[0] is None)
            if g is not None:
                stacked = np.stack(wanted)
                assert_allclose(g, stacked if own else stacked.sum(axis=0), rtol=1e-8, atol=1e-9)
