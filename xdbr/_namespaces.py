"""The namespaces: the Array API on Variables, one per backend, and what all of them share.

Only the creation functions and `__array_namespace_info__` depend on the backend; every other function
dispatches on its arguments and is the same object in every namespace.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from . import array_api, backends, fft, linalg, special
from ._errors import BackendError
from .array_api import creation, extras
from .array_api.info import Info
from .backends import NAMED_DTYPES, Backend

__all__ = ["API_VERSION", "Namespace", "check_version", "names", "namespace"]

API_VERSION = "2025.12"
_KNOWN_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")
_EXTENSIONS = {"linalg": linalg, "fft": fft, "special": special}


def check_version(api_version: str | None) -> None:
    """Raise `ValueError` for a version of the standard that the namespaces do not keep."""
    if api_version is not None and api_version not in _KNOWN_VERSIONS:
        raise ValueError(
            f"__array_namespace__: unknown api_version {api_version!r}; expected one of {', '.join(_KNOWN_VERSIONS)}"
        )


def names() -> tuple[str, ...]:
    """Give the names of a whole namespace: functions, constants, dtypes and extensions."""
    return (*array_api.__all__, *NAMED_DTYPES, *_EXTENSIONS, "__array_api_version__", "__array_namespace_info__")


class _Extension(types.ModuleType):
    """An extension of a namespace, such as `xdbr.numpy.linalg`; a look into it fills the whole namespace."""

    def __init__(self, space: Namespace, name: str, doc: str | None) -> None:
        super().__init__(f"{space.__name__}.{name}", doc)
        self.__dict__["_space"] = space

    def __getattr__(self, name: str) -> Any:
        space: Namespace = self.__dict__["_space"]
        if not space._filled and (not name.startswith("_") or name == "__all__"):
            _ = space.__array_api_version__
            return getattr(self, name)
        raise AttributeError(f"namespace {self.__name__!r} has no attribute {name!r}")


class Namespace(types.ModuleType):
    """The Array API on the Variables of one backend, which is loaded on the first look into it."""

    _filled: bool
    _name: str

    def __init__(self, name: str) -> None:
        super().__init__(f"xdbr.{name}", f"The Array API on Variables of the {name} backend.")
        here = self.__dict__
        here["_filled"] = False
        here["_name"] = name
        for extension, module in _EXTENSIONS.items():
            here[extension] = _Extension(self, extension, module.__doc__)

    def __getattr__(self, name: str) -> Any:
        known_dunder = name in ("__array_api_version__", "__array_namespace_info__", "__all__", "__version__")
        if self._filled or (name.startswith("_") and not known_dunder):
            raise AttributeError(f"namespace {self.__name__!r} has no attribute {name!r}")
        try:
            backend = backends.get(self._name)
        except BackendError as error:
            if name in names():
                raise
            raise AttributeError(str(error)) from error
        self._fill(backend)
        return getattr(self, name)

    def _fill(self, backend: Backend) -> None:
        here = self.__dict__
        here["_filled"] = True
        for name in array_api.__all__:
            here[name] = getattr(array_api, name)
        here.update({name: dtype for name, dtype in NAMED_DTYPES.items() if hasattr(backend.lib, name)})
        for extension, module in _EXTENSIONS.items():
            here[extension].__dict__.update({name: getattr(module, name) for name in module.__all__})
            here[extension].__dict__["__all__"] = list(module.__all__)
        for path, forward in creation.CREATION.items():
            extension, _, name = path.rpartition(".")
            place = here[extension] if extension else self
            setattr(place, name, creation.bind(forward, backend))
        here["extras"] = extras
        here["__array_api_version__"] = API_VERSION
        here["__array_namespace_info__"] = lambda: Info(backend)
        here["__version__"] = backend.version()
        here["__all__"] = [name for name in names() if name in here]

    def __dir__(self) -> list[str]:
        if not self._filled and backends.available().get(self._name, "") is None:
            self._fill(backends.get(self._name))
        return sorted(self.__dict__)

    def __repr__(self) -> str:
        return f"<array namespace {self.__name__}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (namespace, (self._name,))


_namespaces: dict[str, Namespace] = {}


def namespace(backend: Backend | str) -> Namespace:
    """Give the recording namespace of a backend: the same object each time.

    >>> import xdbr
    >>> xdbr.namespace("numpy") is xdbr.zeros(1, device="numpy").__array_namespace__()
    True
    """
    name = backend if isinstance(backend, str) else backend.name
    space = _namespaces.get(name)
    if space is None:
        space = _namespaces[name] = Namespace(name)
        for module in (space, *(getattr(space, extension) for extension in _EXTENSIONS)):
            sys.modules.setdefault(module.__name__, module)
    return space
