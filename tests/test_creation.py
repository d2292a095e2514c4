"""Creation functions: gradients to the numbers that arrays are made of, and nested sequences of several kinds."""

from __future__ import annotations

import numpy as np
import pytest

import xdbr
from xdbr import DtypeError, ShapeError


def needs(device, value=2.0):
    return xdbr.Variable(value, device=device, requires_grad=True)


class TestNumbersThatNeedGradient:
    @pytest.mark.parametrize(
        ("make", "expected"),
        [
            (lambda xp, x: xp.linspace(0, x, 5), 2.5),
            (lambda xp, x: xp.linspace(x, 1, 3, endpoint=False), 2.0),
            (lambda xp, x: xp.linspace(x, x, 3), 3.0),
            (lambda xp, x: xp.arange(x, 9), 7.0),
            (lambda xp, x: xp.arange(0, 9, x), 10.0),
            (lambda xp, x: xp.full((2, 3), x), 6.0),
            (lambda xp, x: xp.full_like(xp.ones((2, 3)), x), 6.0),
        ],
    )
    def test_the_gradient_reaches_them(self, xp, device, make, expected):
        x = needs(device)
        with xdbr.device(device):
            y = make(xp, x)
            plain = make(xp, x.detach())
        assert y.tolist() == plain.tolist()
        assert y.dtype == plain.dtype
        xdbr.sum(y).backward()
        assert float(x.grad) == expected

    def test_full_lies_where_it_is_asked_to(self, device):
        x = needs(device)
        other = "strict" if device.name == "numpy" else "numpy"
        y = xdbr.full((2,), x, device=other)
        assert y.device == xdbr.Device(other)
        xdbr.sum(y).backward()
        assert float(x.grad) == 2.0

    def test_how_many_elements_there_are_has_none(self, xp, device):
        with xdbr.device(device):
            assert not xp.arange(needs(device)).requires_grad
            assert not xp.arange(0, needs(device)).requires_grad

    def test_integers_have_none(self, xp, device):
        with xdbr.device(device):
            x = needs(device)
            assert not xp.full_like(xp.arange(3), x).requires_grad
            assert not xp.linspace(0, x, 3, dtype=xp.int64).requires_grad

    def test_what_is_made_without_recording_has_none(self, xp, device):
        with xdbr.device(device), xdbr.no_grad():
            assert not xp.linspace(0, needs(device), 3).requires_grad


class TestNestedSequences:
    def test_integers_and_truths_among_floats_are_floats(self, xp, device):
        x = xdbr.asarray(1.5, device=device)
        y = xp.asarray([xdbr.asarray(2, device=device), x, xdbr.asarray(True, device=device), 4, False])
        assert y.dtype == x.dtype
        assert y.tolist() == [2.0, 1.5, 1.0, 4.0, 0.0]

    def test_truths_among_integers_are_integers(self, xp, device):
        y = xp.asarray([xdbr.asarray(True, device=device), xdbr.asarray(7, dtype="int16", device=device)])
        assert y.dtype == "int16"
        assert y.tolist() == [1, 7]

    def test_numbers_keep_their_digits_beside_doubles(self, xp, device, float64):
        x = xdbr.ones(2, dtype=float64, device=device)
        y = xp.asarray([[0.1, np.float32(0.5)], x, range(2), np.ones(2, dtype="int8")])
        assert y.dtype == "float64"
        assert y.tolist() == [[0.1, 0.5], [1.0, 1.0], [0.0, 1.0], [1.0, 1.0]]

    def test_the_gradient_reaches_all_of_them(self, xp, device):
        x = needs(device)
        y = xp.asarray([[x, 1], [3, x * x]])
        xdbr.sum(y).backward()
        assert float(x.grad) == 5.0

    def test_dtypes_without_a_common_one_are_refused(self, xp, device):
        with pytest.raises(DtypeError, match="no common dtype"):
            xp.asarray(
                [
                    xdbr.ones(1, dtype="int64", device=device),
                    xdbr.asarray(np.ones(1, dtype="uint64"), device=device),
                ]
            )


def test_shapes_that_do_not_fit_are_named(device):
    with pytest.raises(ShapeError, match=r"\(2,\), \(3,\) cannot be broadcast together: axis -1"):
        xdbr.broadcast_arrays(xdbr.ones(2, device=device), xdbr.ones(3, device=device))


def test_integers_that_only_some_dtypes_hold(xp, backend, device):
    for made in (xp.asarray(2**63), xp.full(1, 2**63), xp.asarray([2**63])):
        assert made.dtype.name == "uint64"
        if "uint64" in backend.supported_dtypes(device):
            assert int(made if made.ndim == 0 else made[0]) == 2**63
    for function, make in (("asarray", xp.asarray), ("full", lambda value: xp.full(1, value))):
        for value in (2**64, -(2**63) - 1):
            with pytest.raises(DtypeError, match=f"{function}: expected an integer that 64 bits hold; got {value}"):
                make(value)
    assert float(xp.asarray(2**70, dtype="float64")) == 2.0**70
