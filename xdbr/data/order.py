"""The order in which examples are visited, drawn in host memory so that it is the same on every device."""

from __future__ import annotations

from ..random import Generator, default_generator
from .converters import HOST

__all__ = ["host_generator", "permutation"]


def host_generator(seed: int | None) -> Generator:
    """Give a generator in host memory; without `seed` it is seeded from the default generator there."""
    if seed is None:
        return default_generator(HOST).spawn(1)[0]
    return Generator(seed, device=HOST)


def permutation(generator: Generator, size: int) -> list[int]:
    """Draw a random order of `size` positions."""
    return generator.permutation(size).tolist()  # type: ignore[no-any-return]
