"""Which function computes a primitive on raw arrays, and the namespace of raw arrays made of them."""

from __future__ import annotations

import opcode
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .. import backends
from .._errors import DtypeError
from ..backends import Backend

__all__ = [
    "FORMS",
    "RAW_NAMESPACES",
    "REGISTRY",
    "Kernels",
    "Library",
    "RawNamespace",
    "direct_name",
    "find",
    "raw_namespace",
    "register",
]


class Entry(Protocol):
    """What the registry holds: a primitive or a composition."""

    name: str

    def kernel(self, backend: Backend) -> Callable[..., Any]:
        """Give the function that computes it on the backend's raw arrays."""


REGISTRY: dict[str, Entry] = {}
"""Every function by its name in the namespace ("tanh", "linalg.qr", "extras.index_add")."""


def register(name: str, entry: Entry) -> None:
    """Enter a function under its name; raises `TypeError` where the name is taken."""
    if name in REGISTRY:
        raise TypeError(f"a function named {name!r} is declared twice")
    REGISTRY[name] = entry


FORMS: dict[str, Callable[[Backend], Callable[..., Any]]] = {}
"""What makes, for a backend, a function of its raw namespace that takes other arguments than a primitive or the library
itself does: with these entries raw namespaces admit the calls that recording ones do, and mean the same by them."""


class Kernels(dict[type, Callable[..., Any]]):
    """From the type of a raw array to the function that computes one primitive on it, resolved on first use."""

    def __init__(self, resolve: Callable[[type], Callable[..., Any]]) -> None:
        super().__init__()
        self._resolve = resolve

    def __missing__(self, array_type: type) -> Callable[..., Any]:
        kernel = self[array_type] = self._resolve(array_type)
        return kernel


class Library:
    """What a forward is given: the library's own namespace, with the backend's extras beside it."""

    def __init__(self, backend: Backend) -> None:
        self.extras = backend.extras
        self._backend = backend
        self._lib = backend.lib

    def __getattr__(self, name: str) -> Any:
        found = self._backend.special if name == "special" else getattr(self._lib, name)
        setattr(self, name, found)
        return found


def find(space: Any, path: str) -> Any:
    """Follow a dotted path of attributes."""
    for part in path.split("."):
        space = getattr(space, part)
    return space


# -- which library function a forward is, where it is nothing else ---------------------------------


class _Asked:
    """Stands for the namespace while a forward is asked what it calls."""

    def __init__(self, path: str = "") -> None:
        self.path = path

    def __getattr__(self, name: str) -> _Asked:
        return _Asked(f"{self.path}.{name}" if self.path else name)

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        return self.path, args, kwargs


_JUMPS = frozenset(opcode.hasjrel) | frozenset(opcode.hasjabs)


def direct_name(forward: Callable[..., Any], arity: int, options: Sequence[str]) -> str | None:
    """Give the name of the library function that `forward` hands all its arguments on to, if it does only that.

    Then the library's function itself is the kernel and costs no frame. A forward without jumps does
    the same whatever its arguments are, so running it once on stand-ins tells.
    """
    if not _JUMPS.isdisjoint(forward.__code__.co_code[::2]):
        return None
    arrays = [object() for _ in range(arity)]
    given = {name: object() for name in options}
    try:
        asked = forward(_Asked(), *arrays, **given)
    except (TypeError, AttributeError):
        return None
    if type(asked) is not tuple or len(asked) != 3:
        return None
    path, args, kwargs = asked
    same = len(args) == arity and all(a is b for a, b in zip(args, arrays, strict=True))
    if same and kwargs.keys() == given.keys() and all(kwargs[name] is value for name, value in given.items()):
        return path  # type: ignore[no-any-return]
    return None


# -- namespaces of raw arrays ----------------------------------------------------------------------


class RawNamespace:
    """A backend's own Array API namespace: every function at full speed on raw arrays, nothing recorded."""

    def __init__(self, backend: Backend, prefix: str = "") -> None:
        self._backend = backend
        self._prefix = prefix
        self._library = (
            backend.extras
            if prefix == "extras."
            else backend.special
            if prefix == "special."
            else getattr(backend.lib, prefix[:-1], None)
            if prefix
            else backend.lib
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        entry = REGISTRY.get(self._prefix + name)
        form = FORMS.get(self._prefix + name)
        found: Any
        if form is not None:
            found = form(self._backend)
        elif self._prefix == "extras." and hasattr(self._library, name):
            found = self._backend.placed(getattr(self._library, name))
        elif entry is not None:
            found = entry.kernel(self._backend)
        elif not self._prefix and name in ("linalg", "fft", "extras", "special"):
            found = RawNamespace(self._backend, name + ".")
        else:
            found = getattr(self._library, name)
            if callable(found) and not isinstance(found, type):
                found = self._backend.placed(found)
        setattr(self, name, found)
        return found

    def __repr__(self) -> str:
        return f"<raw namespace {self._prefix}{self._backend.name}>"


class _RawNamespaces(dict[type, RawNamespace]):
    def __missing__(self, array_type: type) -> RawNamespace:
        backend = backends.of_type(array_type)
        if backend is None:
            raise DtypeError(f"expected an array of a known backend; got {array_type.__name__}")
        space = self[array_type] = raw_namespace(backend)
        return space


_raw_namespaces: dict[str, RawNamespace] = {}
RAW_NAMESPACES = _RawNamespaces()
"""From the type of a raw array to the namespace for it."""


def raw_namespace(backend: Backend) -> RawNamespace:
    """Give the backend's own namespace."""
    space = _raw_namespaces.get(backend.name)
    if space is None or space._backend is not backend:
        space = _raw_namespaces[backend.name] = RawNamespace(backend)
    return space
