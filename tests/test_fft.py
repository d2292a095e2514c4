"""Fourier transforms with wrong arguments; values and derivatives are in the table of specs."""

from __future__ import annotations

from typing import Any

import pytest

from xdbr import AxisError, DtypeError
from xdbr.testing import assert_allclose, check_grads


@pytest.mark.parametrize("name", ["rfftn", "irfftn"])
@pytest.mark.parametrize("axes", [(0, 0), (0, 1, -2)])
def test_an_axis_named_twice(name: str, axes: tuple[int, ...], xp: Any, device: Any) -> None:
    with pytest.raises(AxisError, match=rf"fft\.{name}: axes must be different"):
        getattr(xp.fft, name)(xp.ones((3, 4), dtype="float64"), axes=axes)


@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_lengths_without_axes_are_those_of_the_last(name: str, xp: Any, device: Any) -> None:
    f = getattr(xp.fft, name)
    x = xp.reshape(xp.arange(24.0, dtype="float64"), (2, 3, 4))
    assert_allclose(f(x, s=(2, 6)), f(x, s=(2, 6), axes=(1, 2)))
    check_grads(lambda x: f(x, s=(2, 6)), [x], order=1)


@pytest.mark.parametrize("name", ["fft", "ifftn", "rfft", "irfftn", "hfft", "ihfft"])
def test_another_norm(name: str, xp: Any, device: Any) -> None:
    with pytest.raises(ValueError, match=rf"fft\.{name}: norm must be 'backward', 'ortho' or 'forward'; got 'both'"):
        getattr(xp.fft, name)(xp.ones((3, 4), dtype="float64"), norm="both")


@pytest.mark.parametrize("name", ["rfft", "rfftn", "ihfft"])
def test_complex_numbers_where_real_ones_are_due(name: str, xp: Any, device: Any) -> None:
    with pytest.raises(DtypeError, match=rf"fft\.{name}: expected a real array; got dtype .*complex128"):
        getattr(xp.fft, name)(xp.ones((3, 4), dtype="complex128"))


@pytest.mark.parametrize("name", ["fft", "irfft", "hfft", "ihfft"])
def test_an_axis_out_of_range(name: str, xp: Any, device: Any) -> None:
    with pytest.raises(AxisError, match=rf"fft\.{name}: axis 2 is out of range for an array with 2 axes"):
        getattr(xp.fft, name)(xp.ones((3, 4), dtype="float64"), axis=2)


@pytest.mark.parametrize(("options", "what"), [({"axes": "ab"}, "axes"), ({"axes": (0, 1), "s": (2.5, 2)}, "s")])
def test_what_is_no_sequence_of_integers(options: dict[str, Any], what: str, xp: Any, device: Any) -> None:
    with pytest.raises(TypeError, match=rf"fft\.fftn: {what} must be an integer or a sequence of integers; got"):
        xp.fft.fftn(xp.ones((3, 4), dtype="float64"), **options)
