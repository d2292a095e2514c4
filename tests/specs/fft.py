"""Rows of the Fourier transforms, against the sums that define them."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ._spec import COMPLEX, REAL, Host, Input, Shape, Spec

ALL = REAL + COMPLEX
SCALE = {"backward": 0.0, "ortho": 0.5, "forward": 1.0}


def along(x: Host, axis: int, transform: Callable[[list[Any]], list[Any]]) -> Host:
    """Replace each line along an axis."""
    lines = np.moveaxis(np.asarray(x), axis, -1)
    rows = [transform(line.tolist()) for line in lines.reshape(-1, lines.shape[-1])]
    return np.moveaxis(np.asarray(rows).reshape(*lines.shape[:-1], -1), -1, axis)


def fitted(line: list[Any], n: int) -> list[Any]:
    return (line + [0] * n)[:n]


def transformed(line: list[Any], n: int, sign: int, norm: str) -> list[complex]:
    """The transform with `exp(sign * 2 pi i j k / n)`, scaled as a forward (-1) or inverse (1) one."""
    line = fitted(line, n)
    power = SCALE[norm] if sign < 0 else 1 - SCALE[norm]
    roots = [cmath.exp(sign * 2j * math.pi * j / n) for j in range(n)]
    return [sum(value * roots[j * k % n] for j, value in enumerate(line)) / n**power for k in range(n)]


def hermitian(line: list[Any], n: int) -> list[complex]:
    """The whole of a Hermitian signal of length n from its first half."""
    half = [complex(value) for value in fitted(line, n // 2 + 1)]
    half[0] = complex(half[0].real)
    if n % 2 == 0:
        half[-1] = complex(half[-1].real)
    return half + [value.conjugate() for value in reversed(half[1 : (n + 1) // 2])]


def one(sign: int) -> Callable[..., Host]:
    def run(x: Host, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Host:
        return along(x, axis, lambda line: transformed(line, n or len(line), sign, norm))

    return run


def forward_half(sign: int) -> Callable[..., Host]:
    """`rfft` for a sign of -1; `ihfft` for 1."""

    def run(x: Host, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Host:
        def half(line: list[Any]) -> list[complex]:
            m = n or len(line)
            return transformed(line, m, sign, norm)[: m // 2 + 1]

        return along(x, axis, half)

    return run


def from_half(sign: int) -> Callable[..., Host]:
    """`irfft` for a sign of 1; `hfft` for -1."""

    def run(x: Host, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Host:
        def whole(line: list[Any]) -> list[float]:
            m = n or 2 * (len(line) - 1)
            return [value.real for value in transformed(hermitian(line, m), m, sign, norm)]

        return along(x, axis, whole)

    return run


def several(sign: int) -> Callable[..., Host]:
    def run(x: Host, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Host:
        axes = range(x.ndim) if axes is None else axes
        for i, axis in enumerate(axes):
            n = None if s is None or s[i] == -1 else s[i]
            x = one(sign)(x, n=n, axis=axis, norm=norm)
        return x

    return run


def several_real(x: Host, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Host:
    axes = list(range(x.ndim) if axes is None else axes)
    n = None if s is None or s[-1] == -1 else s[-1]
    x = forward_half(-1)(x, n=n, axis=axes[-1], norm=norm)
    return several(-1)(x, s=None if s is None else s[:-1], axes=axes[:-1], norm=norm)


def several_inverse(x: Host, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Host:
    axes = list(range(x.ndim) if axes is None else axes)
    x = several(1)(x, s=None if s is None else s[:-1], axes=axes[:-1], norm=norm)
    return from_half(1)(x, n=None if s is None else s[-1], axis=axes[-1], norm=norm)


def line_rows(name: str, reference: Callable[..., Host], dtypes: tuple[str, ...]) -> list[Spec]:
    cases: Sequence[dict[str, Any]] = (
        {},
        {"norm": "ortho"},
        {"norm": "forward", "n": 6},
        {"n": 3},
        {"n": 4, "axis": 0},
        {"n": 7, "axis": -2, "norm": "ortho"},
        {"n": 1},
    )
    return [
        Spec(
            f"fft.{name}",
            (Input(shape=(3, 5)),),
            reference,
            options=options,
            case=" ".join(f"{key}={value}" for key, value in options.items()),
            dtypes=dtypes,
            result=None,
            shapes=(((2, 2, 4),),) if "axis" not in options else (),
            torch=_torch(name, options),
        )
        for options in cases
    ]


def plane_rows(name: str, reference: Callable[..., Host], dtypes: tuple[str, ...]) -> list[Spec]:
    cases: Sequence[dict[str, Any]] = (
        {},
        {"axes": (0,), "norm": "ortho"},
        {"axes": (-1, 0), "norm": "forward"},
        {"s": (2, 6), "axes": (0, 1)},
        {"s": (5, 3), "axes": (-1, -2), "norm": "ortho"},
    )
    return [
        Spec(
            f"fft.{name}",
            (Input(shape=(3, 4)),),
            reference,
            options=options,
            case=" ".join(f"{key}={value}" for key, value in options.items()).replace(",", ""),
            dtypes=dtypes,
            result=None,
            torch=_torch(name, options),
        )
        for options in cases
    ]


def _torch(name: str, options: dict[str, Any]) -> Callable[..., Any]:
    named = {{"axis": "dim", "axes": "dim"}.get(key, key): value for key, value in options.items()}
    return lambda torch, x: getattr(torch.fft, name)(x, **named).resolve_conj()


def shift_rows(name: str, sign: int) -> list[Spec]:
    def shifted(x: Host, *, axes: Any = None) -> Host:
        for axis in range(x.ndim) if axes is None else (axes,) if isinstance(axes, int) else axes:
            half = sign * (x.shape[axis] // 2)
            x = along(x, axis, lambda line, half=half: line[-half % len(line) :] + line[: -half % len(line)])
        return x

    shape: Shape = (3, 4)
    return [
        Spec(
            f"fft.{name}",
            (Input(shape=shape),),
            shifted,
            options={} if axes is None else {"axes": axes},
            case=str(axes).replace(",", ""),
            dtypes=ALL,
            torch=lambda torch, x, axes=axes: getattr(torch.fft, name)(x, dim=axes),
        )
        for axes in (None, 0, (-1,), (1, 0))
    ]


SPECS = [
    *line_rows("fft", one(-1), ALL),
    *line_rows("ifft", one(1), ALL),
    *line_rows("rfft", forward_half(-1), REAL),
    *line_rows("irfft", from_half(1), COMPLEX),
    *line_rows("hfft", from_half(-1), COMPLEX),
    *line_rows("ihfft", forward_half(1), REAL),
    *plane_rows("fftn", several(-1), ALL),
    *plane_rows("ifftn", several(1), ALL),
    *plane_rows("rfftn", several_real, REAL),
    *plane_rows("irfftn", several_inverse, COMPLEX),
    *shift_rows("fftshift", 1),
    *shift_rows("ifftshift", -1),
    Spec(
        "fft.fft",
        (Input(-3, 3, shape=(4,)),),
        one(-1),
        case="integers",
        order=0,
        dtypes=("int32", "uint8"),
        result="complex64",
    ),
]
