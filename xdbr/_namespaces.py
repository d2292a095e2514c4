"""The namespaces: the Array API on Variables, one per backend, and what all of them share.

Only the creation functions and `__array_namespace_info__` depend on the backend; every other function
dispatches on its arguments and is the same object in every namespace.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import importlib as _il
from . import array_api, backends
def _opt(n):
    try: return _il.import_module("xdbr."+n)
    except ImportError: return types.SimpleNamespace(__all__=[], __doc__="")
fft, linalg, special = map(_opt, ("fft","linalg","special"))
from ._errors import BackendError
from .array_api import creation, extras
from .array_api.info import Info
from .backends import DTYPES, Backend

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
    return (*array_api.__all__, *DTYPES, *_EXTENSIONS, "__array_api_version__", "__array_namespace_info__")


class Namespace(types.ModuleType):
    """The Array API on the Variables of one backend, which is loaded on the first look into it."""

    _filled: bool
    _name: str

    def __init__(self, name: str) -> None:
        super().__init__(f"xdbr.{name}", f"The Array API on Variables of the {name} backend.")
        self.__dict__["_filled"] = False
        self.__dict__["_name"] = name

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
        here.update(backend.supported_dtypes(None))
        for extension, module in _EXTENSIONS.items():
            part = types.ModuleType(f"{self.__name__}.{extension}", module.__doc__)
            for name in module.__all__:
                setattr(part, name, getattr(module, name))
            here[extension] = part
            sys.modules[part.__name__] = part
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
        sys.modules.setdefault(space.__name__, space)
    return space
