"""Fourier transforms: the standard's extension `fft`, each function with its gradient rule beside it.

norm: "backward" scales the inverse transforms by 1/n, "ortho" both directions by 1/sqrt(n), "forward" the forward
ones by 1/n, where n is the number of elements (in all axes) of a transform.

A transform is linear, so its gradient is its adjoint: the transform in the other direction with the scale of
this one, then cut or padded to the input. Integers are read in the default floating-point dtype; real
input of a complex transform is taken as complex.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ._errors import AxisError, DtypeError, ShapeError
from ._typing import Array, Axis, Dtype, RawArray, Shape
from .array_api._arguments import LIBRARY_ERRORS, explained, lengths, one_axis
from .array_api._rules import along, complex_floating, kind, real_floating
from .array_api.creation import At, bind, creation
from .autograd.primitive import composite, primitive
from .autograd.variable import Variable

__all__ = [
    "fft",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfftn",
    "rfft",
    "rfftfreq",
    "rfftn",
]

# The scale of the other direction that is the same number.
_OTHER = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def _fitted(xp: Any, x: Array, shape: Shape) -> Array:
    """Cut each axis, or pad it with zeros at its end, to the lengths in `shape`."""
    for axis, n in enumerate(shape):
        m = x.shape[axis]
        if m > n:
            x = x[along(axis, slice(0, n))]
        elif m < n:
            missing = (*x.shape[:axis], n - m, *x.shape[axis + 1 :])
            x = xp.concat([x, xp.zeros(missing, dtype=x.dtype, device=x.device)], axis=axis)
    return x


def _half_weights(xp: Any, like: Array, n: int, axis: int, inner: float) -> Array:
    """Give weights of the n // 2 + 1 frequencies of a real transform: 1 where one stands for itself, else `inner`.

    Of the frequencies of n real numbers the zeroth and, for even n, the last are real; each other one stands
    for its conjugate, too.
    """
    k = xp.arange(n // 2 + 1, device=like.device)
    alone = xp.astype((k == 0) | (k * 2 == n), xp.real(like).dtype)
    weights = inner + (1 - inner) * alone
    return xp.reshape(weights, (-1, *(1,) * (len(like.shape) - 1 - axis)))


# Where an axis named twice has no meaning; a complex transform is simply run twice along it.
_HALF = ("fft.rfftn", "fft.irfftn")


def _last(axes: Sequence[int] | None, ndim: int) -> int:
    """Give the last transformed axis, counted from the front."""
    return ndim - 1 if axes is None else axes[-1] % ndim


def _run(function: str, prim: Any, x: Any, options: dict[str, Any]) -> Variable:
    """Run a transform; raise errors that name the function."""
    if options["norm"] not in _OTHER:
        raise ValueError(f"{function}: norm must be 'backward', 'ortho' or 'forward'; got {options['norm']!r}")
    if options.get("s") is not None:
        options["s"] = lengths(function, options["s"], "s")
        if options["axes"] is None:
            options["axes"] = tuple(range(-len(options["s"]), 0))
    if options.get("axes") is not None:
        axes = options["axes"] = lengths(function, options["axes"], "axes")
        if function in _HALF and len({i % max(len(getattr(x, "shape", ())), 1) for i in axes}) < len(axes):
            raise AxisError(f"{function}: axes must be different, for one of them has half the frequencies; got {axes}")
    try:
        return prim.apply((x,), options)  # type: ignore[no-any-return]
    except LIBRARY_ERRORS as error:
        raise explained(function, error, x, axis=options.get("axis")) from error


# -- complex transforms --------------------------------------------------------------------------------


@primitive(name="fft.fft", arrays=1)
def _fft(xp: Any, x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    return xp.fft.fft(complex_floating(xp, x), n=n, axis=axis, norm=norm)


_fft.vjp(lambda xp, g, x_shape, axis, norm: _fitted(xp, xp.fft.ifft(g, axis=axis, norm=_OTHER[norm]), tuple(x_shape)))


def fft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Variable:
    """Discrete Fourier transform along an axis; complex.

    n: the length to which the axis is cut or padded with zeros, its own by default.
    norm: see above.

    Raises `AxisError` for an axis out of range, `ShapeError` for a length below 1, `ValueError` for another norm.

    >>> import xdbr
    >>> xdbr.fft.fft(xdbr.asarray([1.0, 1.0]))
    Variable([2.+0.j, 0.+0.j], dtype=complex64)
    """
    return _run("fft.fft", _fft.primitive, x, {"n": n, "axis": axis, "norm": norm})


@primitive(name="fft.ifft", arrays=1)
def _ifft(xp: Any, x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    return xp.fft.ifft(complex_floating(xp, x), n=n, axis=axis, norm=norm)


_ifft.vjp(lambda xp, g, x_shape, axis, norm: _fitted(xp, xp.fft.fft(g, axis=axis, norm=_OTHER[norm]), tuple(x_shape)))


def ifft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Variable:
    """Inverse discrete Fourier transform along an axis; complex.

    n, norm: as for `fft`; the same errors.

    >>> import xdbr
    >>> xdbr.fft.ifft(xdbr.asarray([2.0, 0.0]))
    Variable([1.+0.j, 1.+0.j], dtype=complex64)
    """
    return _run("fft.ifft", _ifft.primitive, x, {"n": n, "axis": axis, "norm": norm})


@primitive(name="fft.fftn", arrays=1)
def _fftn(
    xp: Any, x: Array, /, *, s: Shape | None = None, axes: tuple[int, ...] | None = None, norm: str = "backward"
) -> Array:
    return xp.fft.fftn(complex_floating(xp, x), s=s, axes=axes, norm=norm)


_fftn.vjp(lambda xp, g, x_shape, axes, norm: _fitted(xp, xp.fft.ifftn(g, axes=axes, norm=_OTHER[norm]), tuple(x_shape)))


def fftn(
    x: Any, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
) -> Variable:
    """Discrete Fourier transform over several axes; complex.

    s: the length to which each of `axes` is cut or padded with zeros (-1: its own), their own by default.
    axes: all by default, where `s` is given the last ones, as many as it has lengths.
    norm: see above.

    Raises `ShapeError` where lengths do not fit, `AxisError` for an axis out of range, `ValueError` for another norm.

    >>> import xdbr
    >>> xdbr.fft.fftn(xdbr.ones((2, 2)))
    Variable([[4.+0.j, 0.+0.j],
              [0.+0.j, 0.+0.j]], dtype=complex64)
    """
    return _run("fft.fftn", _fftn.primitive, x, {"s": s, "axes": axes, "norm": norm})


@primitive(name="fft.ifftn", arrays=1)
def _ifftn(
    xp: Any, x: Array, /, *, s: Shape | None = None, axes: tuple[int, ...] | None = None, norm: str = "backward"
) -> Array:
    return xp.fft.ifftn(complex_floating(xp, x), s=s, axes=axes, norm=norm)


_ifftn.vjp(lambda xp, g, x_shape, axes, norm: _fitted(xp, xp.fft.fftn(g, axes=axes, norm=_OTHER[norm]), tuple(x_shape)))


def ifftn(
    x: Any, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
) -> Variable:
    """Inverse discrete Fourier transform over several axes; complex.

    s, axes, norm: as for `fftn`; the same errors.

    >>> import xdbr
    >>> xdbr.fft.ifftn(xdbr.ones((2, 2)))
    Variable([[1.+0.j, 0.+0.j],
              [0.+0.j, 0.+0.j]], dtype=complex64)
    """
    return _run("fft.ifftn", _ifftn.primitive, x, {"s": s, "axes": axes, "norm": norm})


# -- transforms of real numbers --------------------------------------------------------------------------


@primitive(name="fft.rfft", arrays=1)
def _rfft(xp: Any, x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    return xp.fft.rfft(real_floating("fft.rfft", xp, x), n=n, axis=axis, norm=norm)


def _rfft_rule(xp: Any, g: Array, x_shape: Shape, n: int | None, axis: int, norm: str) -> Array:
    axis = axis % len(x_shape)
    n = x_shape[axis] if n is None else n
    g = g * _half_weights(xp, g, n, axis, 0.5)
    return _fitted(xp, xp.fft.irfft(g, n=n, axis=axis, norm=_OTHER[norm]), tuple(x_shape))


_rfft.vjp(_rfft_rule)


def rfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Variable:
    """Discrete Fourier transform of real numbers along an axis: the n // 2 + 1 frequencies that are not negative.

    n: the length to which the axis is cut or padded with zeros, its own by default.
    norm: see above.

    Raises `DtypeError` for a complex array, and otherwise as `fft`.

    >>> import xdbr
    >>> xdbr.fft.rfft(xdbr.asarray([1.0, 1.0, 1.0]))
    Variable([3.+0.j, 0.+0.j], dtype=complex64)
    """
    return _run("fft.rfft", _rfft.primitive, x, {"n": n, "axis": axis, "norm": norm})


@primitive(name="fft.irfft", arrays=1)
def _irfft(xp: Any, x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    return xp.fft.irfft(complex_floating(xp, x), n=n, axis=axis, norm=norm)


def _irfft_rule(xp: Any, g: Array, x_shape: Shape, axis: int, norm: str) -> Array:
    axis = axis % len(x_shape)
    weights = _half_weights(xp, g, g.shape[axis], axis, 2.0)
    return _fitted(xp, xp.fft.rfft(g, axis=axis, norm=_OTHER[norm]) * weights, tuple(x_shape))


_irfft.vjp(_irfft_rule)


def irfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Variable:
    """Inverse of `rfft`: real numbers from the frequencies that are not negative.

    n: the length of the result along the axis, twice the input's less two by default; the input is cut
        or padded with zeros to n // 2 + 1. The imaginary parts of the zeroth and, for even n, of the last
        frequency are not used.
    norm: see above.

    Raises as `fft`.

    >>> import xdbr
    >>> xdbr.fft.irfft(xdbr.asarray([3.0, 0.0]), n=3)
    Variable([1., 1., 1.], dtype=float32)
    """
    return _run("fft.irfft", _irfft.primitive, x, {"n": n, "axis": axis, "norm": norm})


@primitive(name="fft.rfftn", arrays=1)
def _rfftn(
    xp: Any, x: Array, /, *, s: Shape | None = None, axes: tuple[int, ...] | None = None, norm: str = "backward"
) -> Array:
    return xp.fft.rfftn(real_floating("fft.rfftn", xp, x), s=s, axes=axes, norm=norm)


def _rfftn_rule(xp: Any, g: Array, x_shape: Shape, s: Shape | None, axes: tuple[int, ...] | None, norm: str) -> Array:
    ndim = len(x_shape)
    last = _last(axes, ndim)
    n = x_shape[last] if s is None or s[-1] == -1 else s[-1]
    axes = tuple(range(ndim)) if axes is None else axes
    sizes = (*(g.shape[i] for i in axes[:-1]), n)
    g = g * _half_weights(xp, g, n, last, 0.5)
    return _fitted(xp, xp.fft.irfftn(g, s=sizes, axes=axes, norm=_OTHER[norm]), tuple(x_shape))


_rfftn.vjp(_rfftn_rule)


def rfftn(
    x: Any, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
) -> Variable:
    """Discrete Fourier transform of real numbers over several axes, of the last with frequencies from 0 on only.

    s, axes, norm: as for `fftn`. Raises `DtypeError` for a complex array, `AxisError` for an axis named twice, and
        otherwise as `fftn`.

    >>> import xdbr
    >>> xdbr.fft.rfftn(xdbr.ones((2, 3)))
    Variable([[6.+0.j, 0.+0.j],
              [0.+0.j, 0.+0.j]], dtype=complex64)
    """
    return _run("fft.rfftn", _rfftn.primitive, x, {"s": s, "axes": axes, "norm": norm})


@primitive(name="fft.irfftn", arrays=1)
def _irfftn(
    xp: Any, x: Array, /, *, s: Shape | None = None, axes: tuple[int, ...] | None = None, norm: str = "backward"
) -> Array:
    return xp.fft.irfftn(complex_floating(xp, x), s=s, axes=axes, norm=norm)


def _irfftn_rule(xp: Any, g: Array, x_shape: Shape, axes: tuple[int, ...] | None, norm: str) -> Array:
    last = _last(axes, len(x_shape))
    weights = _half_weights(xp, g, g.shape[last], last, 2.0)
    return _fitted(xp, xp.fft.rfftn(g, axes=axes, norm=_OTHER[norm]) * weights, tuple(x_shape))


_irfftn.vjp(_irfftn_rule)


def irfftn(
    x: Any, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
) -> Variable:
    """Inverse of `rfftn`: real numbers.

    s: the lengths of the result along `axes`; by default the input's, and of the last axis twice that less two.
    axes, norm: as for `fftn`; the same errors, and `AxisError` for an axis named twice.

    >>> import xdbr
    >>> xdbr.fft.irfftn(xdbr.asarray([[4.0, 0.0], [0.0, 0.0]]))
    Variable([[1., 1.],
              [1., 1.]], dtype=float32)
    """
    return _run("fft.irfftn", _irfftn.primitive, x, {"s": s, "axes": axes, "norm": norm})


# -- transforms of Hermitian signals --------------------------------------------------------------------


def _other_norm(function: str, norm: str) -> str:
    if norm not in _OTHER:
        raise ValueError(f"{function}: norm must be 'backward', 'ortho' or 'forward'; got {norm!r}")
    return _OTHER[norm]


@composite(name="fft.hfft")
def hfft(xp: Any, x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """Discrete Fourier transform of a signal with Hermitian symmetry, of which `x` is the first half; real.

    n: the length of the result along the axis, twice the input's less two by default.
    norm: see above. Raises as `fft`.

    >>> import xdbr
    >>> xdbr.fft.hfft(xdbr.asarray([1.0, 0.0]), n=3)
    Variable([1., 1., 1.], dtype=float32)
    """
    x, axis = complex_floating(xp, x), one_axis("fft.hfft", axis, len(x.shape))
    try:
        return xp.fft.irfft(xp.conj(x), n=n, axis=axis, norm=_other_norm("fft.hfft", norm))
    except RuntimeError as error:  # PyTorch transforms nothing without elements
        raise explained("fft.hfft", error, x, axis=axis) from error


@composite(name="fft.ihfft")
def ihfft(xp: Any, x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """Inverse of `hfft`: the first n // 2 + 1 elements of a Hermitian signal from its real transform.

    n: the length to which the axis is cut or padded with zeros, its own by default.
    norm: see above. Raises as `rfft`.

    >>> import xdbr
    >>> xdbr.fft.ihfft(xdbr.asarray([1.0, 1.0, 1.0]))
    Variable([1.-0.j, 0.-0.j], dtype=complex64)
    """
    x, axis = real_floating("fft.ihfft", xp, x), one_axis("fft.ihfft", axis, len(x.shape))
    try:
        return xp.conj(xp.fft.rfft(x, n=n, axis=axis, norm=_other_norm("fft.ihfft", norm)))
    except RuntimeError as error:
        raise explained("fft.ihfft", error, x, axis=axis) from error


# -- frequencies ---------------------------------------------------------------------------------------


def _steps(function: str, n: Any) -> int:
    if not hasattr(n, "__index__") or n.__index__() < 1:
        raise ShapeError(f"{function}: n must be a positive integer; got {n!r}")
    return n.__index__()  # type: ignore[no-any-return]


def _frequencies(function: str, at: At, parts: Callable[[Any, int], Array], n: Any, d: float, dtype: Dtype) -> RawArray:
    n = _steps(function, n)
    raw_dtype = at.dtype(dtype, 0.0)
    if kind(raw_dtype) != "f":
        raise DtypeError(f"{function}: dtype must be a real floating-point dtype; got {dtype}")
    return at.xp.astype(parts(at.xp, n), raw_dtype) / (n * d)


@creation("fft.fftfreq")
def _fftfreq(at: At, n: int, /, *, d: float = 1.0, dtype: Dtype = None, device: Any = None) -> RawArray:
    """Frequencies of the elements of `fft`: `[0, 1, ..., -2, -1] / (n * d)`; shape (n,).

    n: the length of the transform.
    d: the distance of the samples.
    dtype: a real floating-point dtype, the default one by default.

    Raises `ShapeError` for a length that is no positive integer, `DtypeError` for another dtype.

    >>> import xdbr
    >>> xdbr.fft.fftfreq(4)
    Variable([ 0.  ,  0.25, -0.5 , -0.25], dtype=float32)
    """

    def parts(xp: Any, n: int) -> Array:
        half = (n + 1) // 2
        return xp.concat([xp.arange(half, device=at.device), xp.arange(half - n, 0, device=at.device)])

    return _frequencies("fft.fftfreq", at, parts, n, d, dtype)


@creation("fft.rfftfreq")
def _rfftfreq(at: At, n: int, /, *, d: float = 1.0, dtype: Dtype = None, device: Any = None) -> RawArray:
    """Frequencies of the elements of `rfft`: `[0, 1, ..., n // 2] / (n * d)`; shape (n // 2 + 1,).

    n, d, dtype: as for `fftfreq`; the same errors.

    >>> import xdbr
    >>> xdbr.fft.rfftfreq(4)
    Variable([0.  , 0.25, 0.5 ], dtype=float32)
    """
    return _frequencies("fft.rfftfreq", at, lambda xp, n: xp.arange(n // 2 + 1, device=at.device), n, d, dtype)


_fftfreq.__name__, _rfftfreq.__name__ = "fftfreq", "rfftfreq"  # what the functions bound to a backend are called
fftfreq = bind(_fftfreq, None)
rfftfreq = bind(_rfftfreq, None)


def _shifts(shape: Shape, axes: Axis, sign: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Give by how much to roll which axes."""
    ndim = len(shape)
    given = tuple(range(ndim)) if axes is None else (axes,) if hasattr(axes, "__index__") else tuple(axes)
    where = tuple(one_axis("fft.fftshift" if sign > 0 else "fft.ifftshift", i, ndim) for i in given)
    return tuple(sign * (shape[i] // 2) for i in where), where


@composite(name="fft.fftshift")
def fftshift(xp: Any, x: Array, /, *, axes: Axis = None) -> Array:
    """Move the zero frequency to the middle of the axes.

    axes: one or several, all by default. Raises `AxisError` for one out of range.

    >>> import xdbr
    >>> xdbr.fft.fftshift(xdbr.asarray([0.0, 1.0, -2.0, -1.0]))
    Variable([-2., -1.,  0.,  1.], dtype=float32)
    """
    shift, where = _shifts(tuple(x.shape), axes, 1)
    return xp.roll(x, shift, axis=where)


@composite(name="fft.ifftshift")
def ifftshift(xp: Any, x: Array, /, *, axes: Axis = None) -> Array:
    """Undo `fftshift`; for an axis of odd length it is another move.

    axes: as for `fftshift`; the same errors.

    >>> import xdbr
    >>> xdbr.fft.ifftshift(xdbr.asarray([-2.0, -1.0, 0.0, 1.0]))
    Variable([ 0.,  1., -2., -1.], dtype=float32)
    """
    shift, where = _shifts(tuple(x.shape), axes, -1)
    return xp.roll(x, shift, axis=where)
