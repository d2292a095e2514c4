"""The namespaces: the Array API on Variables, one per backend, and what all of them share.

Only the creation functions and `__array_namespace_info__` depend on the backend; every other function
dispatches on its arguments and is the same object in every namespace.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

from . import array_api, backends
from ._equivalents import FUNCTIONS, missing
from ._errors import BackendError
from .array_api import creation, extras
from .array_api.info import Info
from .backends import NAMED_DTYPES, Backend

__all__ = ["API_VERSION", "Namespace", "check_version", "names", "namespace"]

API_VERSION = "2025.12"
_KNOWN_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")
_EXTENSIONS = ("linalg", "fft", "special")

# Where NumPy has it, and so xarray looks for it.
_LIB = types.SimpleNamespace(stride_tricks=types.SimpleNamespace(sliding_window_view=array_api.sliding_window_view))


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
    """An extension of a namespace, such as `xdbr.numpy.linalg`, which is loaded on the first look into it."""

    _filled: bool
    _space: Namespace

    def __init__(self, space: Namespace, name: str) -> None:
        super().__init__(f"{space.__name__}.{name}", f"The extension `{name}` of the namespace {space.__name__}.")
        self.__dict__.update(_filled=False, _space=space)

    def __getattr__(self, name: str) -> Any:
        if self._filled or (name.startswith("_") and name != "__all__"):
            raise missing(f"namespace {self.__name__!r}", name, FUNCTIONS)
        self._fill()
        return getattr(self, name)

    def _fill(self) -> None:
        here, backend, extension = self.__dict__, self._space._backend(), self.__name__.rpartition(".")[2]
        module = importlib.import_module(f"{__package__}.{extension}")
        here["_filled"] = True
        here.update({name: getattr(module, name) for name in module.__all__})
        for path, forward in creation.CREATION.items():
            where, _, name = path.rpartition(".")
            if where == extension:
                here[name] = creation.bind(forward, backend)
        here["__all__"] = list(module.__all__)

    def __dir__(self) -> list[str]:
        if not self._filled and self._space._is_available():
            self._fill()
        return sorted(self.__dict__)


class Namespace(types.ModuleType):
    """The Array API on the Variables of one backend, which is loaded on the first look into it."""

    _filled: bool
    _name: str

    def __init__(self, name: str) -> None:
        super().__init__(f"xdbr.{name}", f"The Array API on Variables of the {name} backend.")
        here = self.__dict__
        here["_filled"] = False
        here["_name"] = name
        here.update({extension: _Extension(self, extension) for extension in _EXTENSIONS})

    def __getattr__(self, name: str) -> Any:
        known_dunder = name in ("__array_api_version__", "__array_namespace_info__", "__all__", "__version__")
        if self._filled or (name.startswith("_") and not known_dunder):
            raise missing(f"namespace {self.__name__!r}", name, FUNCTIONS)
        try:
            self._fill()
        except BackendError as error:
            if name in names():
                raise
            raise AttributeError(str(error)) from error
        return getattr(self, name)

    def _backend(self) -> Backend:
        return backends.get(self._name)

    def _is_available(self) -> bool:
        return backends.available().get(self._name, "") is None

    def _fill(self) -> None:
        here, backend = self.__dict__, self._backend()
        here["_filled"] = True
        for name in array_api.__all__:
            here[name] = getattr(array_api, name)
        here.update({name: dtype for name, dtype in NAMED_DTYPES.items() if hasattr(backend.lib, name)})
        for name, forward in creation.CREATION.items():
            if "." not in name:
                here[name] = creation.bind(forward, backend)
        here["extras"] = extras
        here["lib"] = _LIB
        here["__array_api_version__"] = API_VERSION
        here["__array_namespace_info__"] = lambda: Info(backend)
        here["__version__"] = backend.version()
        here["__all__"] = [name for name in names() if name in here]

    def __dir__(self) -> list[str]:
        if not self._filled and self._is_available():
            self._fill()
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
