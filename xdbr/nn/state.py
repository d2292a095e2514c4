"""The state of a link as a flat dict, and how it is checked and taken over: all of it or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import array_api
from .._errors import SerializationError
from ..autograd.variable import VARIABLES, Variable
from ..backends import canonical_dtype, of
from .parameter import Parameter

if TYPE_CHECKING:
    from .link import Link

_PLAIN = (bool, int, float, complex, str)
# What a number may come as from a file beside its own kind, and becomes its kind then.
_NARROWER = {"float": ("int",), "complex": ("int", "float")}

__all__ = ["check_link_state", "host_view", "link_state", "load_link_state", "misfit"]


def host_view(value: Any) -> Any:
    """Give a Variable or raw array as a read-only array in host memory; anything else as it is.

    The memory may be that of `value`: Variables keep their values, so it does not change.
    """
    if type(value) in VARIABLES:
        host = value._backend.to_host(value._raw)
    else:
        backend = None if isinstance(value, _PLAIN) else of(value)
        if backend is None:
            return value
        host = backend.to_host(value)
    view = np.asarray(host).view()
    view.flags.writeable = False
    return view


def _persistents(link: Link) -> list[tuple[str, Link, str]]:
    """Give path, owner and attribute of each persistent below a link."""
    return [
        (f"{path.rstrip('/')}/{name}", part, name) for path, part in link.namedlinks() for name in part._persistents
    ]


def link_state(link: Link) -> dict[str, Any]:
    """Give the state of a link; see `Link.state_dict`."""
    state: dict[str, Any] = {}
    for path, param in link.namedparams():
        state[path[1:]] = host_view(param) if param.is_initialized else None
    for path, owner, name in _persistents(link):
        state[path[1:]] = host_view(owner.__dict__[name])
    return state


def check_link_state(link: Link, state: Any, *, strict: bool) -> list[str]:
    """Tell what of a state does not fit a link, one line for each thing."""
    if not isinstance(state, dict):
        return [f"expected a dict from paths to arrays; got {type(state).__name__}"]
    expected: set[str] = set()
    problems = []
    for path, param in link.namedparams():
        key = path[1:]
        expected.add(key)
        if key not in state:
            if strict:
                problems.append(f"missing: {key}")
            continue
        problems += _check_param(key, param, state[key])
    for path, owner, name in _persistents(link):
        key = path[1:]
        expected.add(key)
        if key not in state:
            if strict:
                problems.append(f"missing: {key}")
            continue
        here = owner.__dict__[name]
        if type(here) in VARIABLES or (not isinstance(here, _PLAIN) and of(here) is not None):
            problems += misfit(key, state[key], tuple(here.shape), canonical_dtype(here.dtype))
        elif not _fits_plain(state[key], here):
            problems.append(f"wrong type: {key} has {_kind(state[key])}, expected {_kind(here)}")
    if strict:
        problems += [f"unexpected: {key}" for key in state if key not in expected]
    return problems


def _check_param(key: str, param: Parameter, value: Any) -> list[str]:
    if value is not None:
        return misfit(key, value, param.shape, param.dtype)
    if param.is_initialized:
        return [f"no values: {key} was saved before its shape was known; here it has shape {param.shape}"]
    return []


def misfit(key: str, value: Any, shape: Any, dtype: Any) -> list[str]:
    """Tell how an array differs from an expected shape (in which `None` stands for any length) and dtype."""
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return [f"no array: {key} is {value!r}, expected an array of shape {shape} and dtype {dtype}"]
    problems = []
    given = tuple(value.shape)
    fits = shape is None or (
        len(given) == len(shape) and all(b is None or a == b for a, b in zip(given, shape, strict=True))
    )
    if not fits:
        problems.append(f"wrong shape: {key} has {given}, expected {shape}")
    if canonical_dtype(value.dtype) != dtype:
        problems.append(f"wrong dtype: {key} has {canonical_dtype(value.dtype)}, expected {dtype}")
    return problems


def _kind(value: Any) -> str:
    """Name what a persistent holds, in the terms of JSON: a tuple comes back as a list."""
    if type(value) in VARIABLES:
        return "array"
    for kind in (*_PLAIN, dict):
        if isinstance(value, kind):
            return kind.__name__
    if isinstance(value, (list, tuple)):
        return "list"
    return type(value).__name__ if value is None or of(value) is None else "array"


def _fits_plain(value: Any, here: Any) -> bool:
    """Tell whether a persistent that is no array may take a value: one of its kind, where neither is `None`."""
    given, wanted = _kind(value), _kind(here)
    if value is None or here is None:
        return given != "array"
    if given in _NARROWER.get(wanted, ()):
        try:
            type(here)(value)
        except OverflowError:
            return False
        return True
    return given == wanted


def load_link_state(link: Link, state: Any, *, strict: bool, function: str) -> None:
    """Check a state, then take it over; see `Link.load_state_dict`."""
    problems = check_link_state(link, state, strict=strict)
    if problems:
        raise SerializationError(f"{function}: the state does not fit, nothing was loaded:\n  " + "\n  ".join(problems))
    # Everything is moved to its device before anything is assigned: running out of memory changes nothing.
    values: list[tuple[Parameter, Variable]] = []
    for path, param in link.namedparams():
        value = state.get(path[1:])
        if value is not None:
            values.append((param, _own(value, param.device)))
    attributes: list[tuple[Link, str, Any]] = []
    for path, owner, name in _persistents(link):
        if path[1:] in state:
            attributes.append((owner, name, _taken(state[path[1:]], owner.__dict__[name])))
    for param, new in values:
        param.data = new
    for owner, name, value in attributes:
        object.__setattr__(owner, name, value)


def _own(value: Any, device: Any) -> Variable:
    """Give a Variable with the values of an array, in memory of its own."""
    made: Variable = array_api.asarray(value, device=device, copy=True)
    return made.detach()


def _taken(value: Any, here: Any) -> Any:
    """Give the new value of a persistent: a Variable, or a raw array, or a number of its kind, where it was one."""
    if type(here) in VARIABLES:
        return _own(value, here.device)
    backend = None if isinstance(here, _PLAIN) else of(here)
    if backend is None:
        return type(here)(value) if _kind(value) in _NARROWER.get(_kind(here), ()) else value
    return _own(value, backend.device_of(here))._raw
