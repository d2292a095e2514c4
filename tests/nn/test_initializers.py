"""Initializers: moments of the random ones, exact values of the others, fans, seeds, dtypes and devices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import xdbr
from xdbr._errors import ShapeError
from xdbr.backends import Backend, Device
from xdbr.nn import initializers
from xdbr.testing import assert_allclose, to_host

SHAPE = (60, 40, 5)  # fan_in 200, fan_out 300
RANDOM = [
    (initializers.Normal(0.3), 0.3, None),
    (initializers.LeCunNormal(), math.sqrt(1 / 200), None),
    (initializers.LeCunNormal(2.0), 2 * math.sqrt(1 / 200), None),
    (initializers.GlorotNormal(), math.sqrt(2 / 500), None),
    (initializers.HeNormal(), math.sqrt(2 / 200), None),
    (initializers.Uniform(0.3), 0.3 / math.sqrt(3), 0.3),
    (initializers.LeCunUniform(), math.sqrt(1 / 200), math.sqrt(3 / 200)),
    (initializers.GlorotUniform(), math.sqrt(2 / 500), math.sqrt(6 / 500)),
    (initializers.HeUniform(0.5), 0.5 * math.sqrt(2 / 200), 0.5 * math.sqrt(6 / 200)),
]


@pytest.mark.parametrize(("initializer", "deviation", "bound"), RANDOM, ids=lambda x: str(x) if callable(x) else "")
def test_moments(initializer: Any, deviation: float, bound: float | None, device: Device) -> None:
    xdbr.random.seed(0)
    made = initializer(SHAPE)
    assert made.shape == SHAPE
    assert made.dtype == xdbr.float32
    assert made.device == device
    host = to_host(made).astype("float64")
    # 12,000 draws: the standard errors are deviation / 110 of the mean and deviation / 155 of the deviation.
    assert abs(host.mean()) < 5 * deviation / 110
    assert abs(host.std() - deviation) < 5 * deviation / 155
    kurtosis = ((host / host.std()) ** 4).mean()
    if bound is None:
        assert abs(kurtosis - 3) < 0.3
    else:
        assert abs(host).max() <= bound * (1 + 1e-6)
        assert abs(host).max() > 0.99 * bound
        assert abs(kurtosis - 1.8) < 0.1


@pytest.mark.parametrize("initializer", [initializers.Normal(), initializers.HeUniform(), initializers.Orthogonal()])
def test_seed_repeats(initializer: Any, device: Device) -> None:
    xdbr.random.seed(3)
    first = to_host(initializer((4, 5)))
    other = to_host(initializer((4, 5)))
    xdbr.random.seed(3)
    assert_allclose(initializer((4, 5)), first, rtol=0)
    assert not np.any(first == other)


def test_a_generator_of_its_own(device: Device) -> None:
    xdbr.random.seed(0)
    before = xdbr.random.default_generator(device).state_dict()
    a = initializers.Normal(rng=xdbr.random.Generator(5))((3, 2))
    b = initializers.Normal(rng=xdbr.random.Generator(5))((3, 2))
    assert_allclose(a, to_host(b), rtol=0)
    assert xdbr.random.default_generator(device).state_dict() == before


def test_dtypes(device: Device) -> None:
    for initializer in (initializers.Normal, initializers.Zero, initializers.Orthogonal, initializers.Identity):
        assert initializer(dtype="float64")((2, 2)).dtype == xdbr.float64
        assert initializer(dtype="float64")((2, 2), dtype="float32").dtype == xdbr.float32
        with xdbr.default_dtype("float64"):
            assert initializer()((2, 2)).dtype == xdbr.float64


def test_devices(backend: Backend) -> None:
    for device in backend.devices():
        if "float64" in backend.supported_dtypes(device):
            for initializer in (initializers.Normal(), initializers.Constant([[1.0]]), initializers.Orthogonal()):
                assert initializer((1, 1), device=device).device == device


def test_fixed_values(device: Device) -> None:
    assert_allclose(initializers.Zero()((2, 3)), np.zeros((2, 3)))
    assert_allclose(initializers.One()((2,)), np.ones(2))
    assert_allclose(initializers.Constant(2.5)(()), 2.5)
    assert_allclose(initializers.Constant([[1, 2]])((1, 2)), [[1, 2]])
    assert initializers.Constant([[1, 2]])((1, 2)).dtype == xdbr.float32
    assert_allclose(initializers.Identity(3.0)((2, 2)), 3 * np.eye(2))


def test_constant_does_not_share_the_array_it_was_given() -> None:
    source = np.ones(2, "float32")
    made = initializers.Constant(source)((2,))
    source[0] = 5
    assert_allclose(made, [1.0, 1.0])


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (3, 2, 4), (6, 1, 2), (0, 3)])
def test_orthogonal(shape: tuple[int, ...], float64: None) -> None:
    W = to_host(initializers.Orthogonal(scale=2.0)(shape)).reshape(shape[0], math.prod(shape[1:]))
    small = min(W.shape)
    gram = W @ W.T if W.shape[0] <= W.shape[1] else W.T @ W
    assert_allclose(gram, 4 * np.eye(small), atol=1e-12)


def test_orthogonal_draws_evenly() -> None:
    """Without the correction of signs, QR makes the diagonal of the first column one-sided."""
    signs = [to_host(initializers.Orthogonal()((2, 2)))[0, 0] > 0 for _ in range(60)]
    assert 10 < sum(signs) < 50


def test_fans() -> None:
    assert initializers.fans((10, 784)) == (784, 10)
    assert initializers.fans((16, 3, 5, 7)) == (105, 560)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (
            lambda: initializers.LeCunNormal()((3,)),
            r"LeCunNormal: expected the shape \(out, in, \*kernel\).*got \(3,\)",
        ),
        (lambda: initializers.GlorotUniform()(()), r"GlorotUniform: expected the shape"),
        (lambda: initializers.Orthogonal()((3,)), r"Orthogonal: expected the shape"),
        (lambda: initializers.Identity()((2, 3)), r"Identity: expected the shape \(n, n\) .*; got \(2, 3\)"),
        (lambda: initializers.Constant([1.0, 2.0])((3,)), r"Constant: expected an array of shape \(3,\).*got \(2,\)"),
    ],
)
def test_shapes_that_do_not_go(make: Any, match: str) -> None:
    with pytest.raises(ShapeError, match=match):
        make()


def test_weights_without_elements(device: Device) -> None:
    for initializer in (initializers.LeCunNormal(), initializers.HeUniform()):
        assert initializer((3, 0)).shape == (3, 0)


def test_an_initializer_of_ones_own_must_fill() -> None:
    with pytest.raises(NotImplementedError, match="Initializer must define fill"):
        initializers.Initializer()((2,))


def test_repr() -> None:
    assert repr(initializers.Normal(0.1)) == "Normal(scale=0.1)"
