"""What several functions ask of their arguments: one device, floating-point inputs, labels within the classes."""

from __future__ import annotations

from typing import Any

from ... import array_api, backends
from ..._errors import DeviceError, DtypeError, ShapeError
from ..._typing import RawArray, Shape
from ...autograd.kernels import RAW_NAMESPACES
from ...autograd.variable import VARIABLES, Variable, wrap
from .._errors import LabelError

__all__ = ["as_variable", "called", "check_labels", "labels_like", "same_device", "same_dtype"]


def as_variable(function: str, argument: str, x: Any) -> Variable:
    """Give a Variable or raw array as a Variable; raises `DtypeError` for anything else."""
    if type(x) in VARIABLES:
        return x  # type: ignore[no-any-return]
    if isinstance(x, (bool, int, float, complex)) or backends.of(x) is None:
        raise DtypeError(f"{function}: {argument} must be a Variable or an array; got {type(x).__name__}")
    return wrap(x)


def called(argument: str, x: Any) -> str:
    """Give the argument's name in messages, with the Variable's own name (a parameter's path) where it has one."""
    name = x.name if type(x) in VARIABLES else None
    return f"{argument} ({name!r})" if name else argument


def same_device(function: str, x_name: str, x: Variable, y_name: str, y: Variable) -> None:
    """Raise `DeviceError` unless two Variables lie on one device."""
    a, b = x.device, y.device
    if a != b and not backends.levels_meet(a, b):
        raise DeviceError(
            f"{function}: {called(x_name, x)} is on {str(a)!r} but {called(y_name, y)} is on {str(b)!r}; move one of "
            f"them, for example {y_name}.to_device({str(a)!r}), or a model with model.to_device({str(a)!r})"
        )


def same_dtype(function: str, x_name: str, x: Variable, y_name: str, y: Variable) -> None:
    """Raise `DtypeError` unless two Variables have one floating-point dtype."""
    a, b = x.dtype, y.dtype
    if a != b or getattr(a, "kind", "f") not in "fcV":
        both = f"{function}: {called(x_name, x)} and {called(y_name, y)} must have one floating-point dtype"
        fix = f"; convert one, for example {x_name}.astype({str(b)!r})" if a != b else ""
        raise DtypeError(f"{both}; got {a} and {b}{fix}")


def labels_like(function: str, x: Variable, t: Any, what: str = "labels") -> Variable:
    """Read labels for the scores `x` of shape (N, C, ...): integers of shape (N, ...) on x's device.

    Raises `ShapeError`, `DtypeError` or `DeviceError`.
    """
    if x.ndim < 2:
        raise ShapeError(f"{function}: x must have the shape (N, C, ...) of scores for C classes; got {x.shape}")
    if isinstance(t, (list, tuple, int)):
        t = array_api.asarray(t, device=x.device)
    labels = t = as_variable(function, "t", t)
    expected: Shape = x.shape[:1] + x.shape[2:]
    if t.dtype.kind not in "iu":
        one_hot = t.shape == x.shape
        convert = "xdbr.argmax(t, axis=1)" if one_hot else "t.astype('int64')"
        first = f" (t{[0] * t.ndim if t.ndim else ''} = {array_api.reshape(t, (-1,))[0].item()!r})" if t.size else ""
        raise DtypeError(
            f"{function}: {what} must be integers, the numbers of the classes; got dtype {t.dtype}{first}; "
            f"convert them, for example {convert}"
        )
    if t.shape != expected:
        raise ShapeError(
            f"{function}: {called('x', x)} of shape {x.shape} takes labels of shape {expected}; "
            f"got t of shape {t.shape}"
        )
    same_device(function, "x", x, "t", t)
    return labels


def check_labels(
    function: str, t: Variable, n: int, ignore: int | None, argument: str = "t", what: str = "classes"
) -> bool:
    """Tell whether any label is `ignore`; raise `LabelError`, which names one, where another is outside [0, n).

    This looks at the values, so it waits for a device that works asynchronously.
    """
    raw = t._backend.every_value(t._raw)
    if 0 in raw.shape:
        return False
    backend: Any = backends.of(raw)
    return bool(backend.placed(_is_any_ignored)(raw, function, t, n, ignore, argument, what))


def _is_any_ignored(
    raw: RawArray, function: str, t: Variable, n: int, ignore: int | None, argument: str, what: str
) -> bool:
    xp = RAW_NAMESPACES[type(raw)]
    if t.dtype.name == "uint64":  # for which not every library has an order
        raw = xp.astype(raw, xp.int64)
    low, high = int(xp.min(raw)), int(xp.max(raw))
    if low >= 0 and high < n:
        return ignore is not None and 0 <= ignore < n and bool(xp.any(raw == ignore))
    bad = (raw < 0) | (raw >= n)
    ignored = False
    if ignore is not None and low <= ignore <= high:
        mine = raw == ignore
        ignored = bool(xp.any(mine))
        bad = bad & ~mine
    if bool(xp.any(bad)):
        where = tuple(int(index[0]) for index in xp.nonzero(bad)) if raw.shape else ()
        value = int(raw[where]) if where else int(raw)
        if t.dtype.name == "uint64":
            value %= 1 << 64
        place = f"{argument}[{', '.join(map(str, where))}]" if where else argument
        but = "" if ignore is None else f", and it is not the label {ignore} that is ignored"
        raise LabelError(f"{function}: {place} = {value} is outside of the {n} {what} 0 to {n - 1}{but}")
    return ignored
