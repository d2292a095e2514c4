"""Compositions: functions made of others, run in whichever namespace their arguments ask for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, Literal, ParamSpec, overload

from .. import backends
from .._config import MODE
from .._errors import DtypeError
from ..backends import Backend
from .kernels import raw_namespace, register
from .trees import flatten
from .variable import VARIABLES, Variable, refresh, wrap

__all__ = ["Composite", "composite"]

P = ParamSpec("P")


class Composite:
    """A function made of others: `forward(xp, ...)` runs in whichever namespace its arguments ask for."""

    def __init__(self, forward: Callable[..., Any], name: str | None = None) -> None:
        self.forward = forward
        self.name = name or forward.__name__
        self.function = self._make()
        functools.update_wrapper(self.function, forward)
        self.function.__wrapped__ = functools.partial(forward, None)  # type: ignore[attr-defined]

    def kernel(self, backend: Backend) -> Callable[..., Any]:
        """Give the function on the backend's raw arrays."""
        return backend.placed(functools.partial(self.forward, raw_namespace(backend)))

    def _make(self) -> Callable[..., Any]:
        forward = self.forward

        def call(*args: Any, **options: Any) -> Any:
            found: list[Any] = []
            for arg in args:
                _collect(arg, found)
            for arg in options.values():
                _collect(arg, found)
            if not found:
                for arg in args:
                    backend = backends.of(arg)
                    if backend is not None:
                        break
                else:
                    got = ", ".join(type(arg).__name__ for arg in args) or "nothing"
                    raise DtypeError(
                        f"{self.name}: expected at least one array or Variable; got {got}; make one by xdbr.asarray"
                    )
            else:
                backend = backends.of(found[0]._data)
                assert backend is not None
                if len(found) > 1 and _levels_differ(found):
                    from .lifting import together

                    leaves, rebuild = flatten((args, options))
                    args, options = rebuild(together(leaves))
                    return call(*args, **options)
                if any(x._node is not None for x in found) and MODE.get().recording:
                    from .._namespaces import namespace

                    return forward(namespace(backend), *args, **options)
            raws = [_raw(arg) for arg in args]
            raw_options = {name: _raw(arg) for name, arg in options.items()}
            if backend.current_device:
                return _wrapped(self.kernel(backend)(*raws, **raw_options))
            return _wrapped(forward(raw_namespace(backend), *raws, **raw_options))

        return call


def _collect(arg: Any, found: list[Any]) -> None:
    t = type(arg)
    if t in VARIABLES:
        if arg._view is not None:
            refresh(arg)
        found.append(arg)
    elif t is list or t is tuple:
        for part in arg:
            _collect(part, found)


def _levels_differ(found: list[Any]) -> bool:
    """Tell whether Variables belong to several levels of vmap."""
    first = type(found[0]._data)
    return any(type(x._data) is not first for x in found) and len({x._backend.depth for x in found}) > 1


def _raw(arg: Any) -> Any:
    t = type(arg)
    if t in VARIABLES:
        return arg._data
    if t is list or t is tuple:
        return t(_raw(part) for part in arg)
    return arg


def _wrapped(out: Any) -> Any:
    if type(out) is tuple or type(out) is list:
        return type(out)(_wrapped(part) for part in out)
    if isinstance(out, tuple) and hasattr(out, "_make"):
        return out._make(_wrapped(part) for part in out)
    return out if backends.of(out) is None else wrap(out)


@overload
def composite(forward: Callable[Concatenate[Any, P], Any], /) -> Callable[P, Variable]: ...
@overload
def composite(*, name: str | None = None) -> Callable[[Callable[Concatenate[Any, P], Any]], Callable[P, Variable]]: ...
@overload
def composite(
    *, name: str | None = None, several: Literal[True]
) -> Callable[[Callable[Concatenate[Any, P], Any]], Callable[P, tuple[Variable, ...]]]: ...
def composite(forward: Callable[..., Any] | None = None, /, *, name: str | None = None, several: bool = False) -> Any:
    """Make a function of a composition `f(xp, ...)` of others.

    It runs on raw arrays where nothing needs a gradient, else on Variables with the recording namespace.
    `several` says, for type checkers alone, that it returns a tuple.

    >>> import xdbr
    >>> from xdbr.autograd.primitive import composite
    >>> @composite(name="doc_example.norm")
    ... def norm(xp, x, /):
    ...     return xp.sqrt(xp.sum(x * x))
    >>> norm(xdbr.asarray([3.0, 4.0])).item()
    5.0
    """

    def make(forward: Callable[..., Any]) -> Any:
        made = Composite(forward, name)
        register(made.name, made)
        return made.function

    return make if forward is None else make(forward)
