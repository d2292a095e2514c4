"""The Array API standard, version 2025.12, on Variables: one file per chapter, each gradient rule beside its forward.

`namespace(backend)` gives the namespace of one backend: the functions that dispatch on their
arguments are the same objects in every namespace, only the creation functions are bound to the backend.
"""

from __future__ import annotations

import importlib
import pathlib
import sys
import types
from typing import Any

from .. import backends
from ..backends import DTYPES, Backend
from .constants import *  # noqa
from .creation import CREATION, bind
from .info import Info

VERSION = "2025.12"
_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")
_CHAPTERS = "constants creation data_types elementwise comparison indexing linear_algebra manipulation searching sets sorting statistical utility".split()
_functions: dict[str, Any] = {}
for _c in _CHAPTERS:
    if (pathlib.Path(__file__).parent / (_c + ".py")).exists():
        _m = importlib.import_module("." + _c, __name__)
        for _n in _m.__all__:
            if _n not in ("CREATION", "At", "bind"):
                _functions[_n] = getattr(_m, _n)
globals().update(_functions)
from . import extras  # noqa: E402

try:
    from .operators import install
    install()
except ImportError as _e:
    _why = _e


def check_version(api_version: str | None) -> None:
    """Raise `ValueError` for a version of the standard that the namespaces do not keep."""
    if api_version is not None and api_version not in _VERSIONS:
        raise ValueError(f"__array_namespace__: unknown api_version {api_version!r}; expected one of {', '.join(_VERSIONS)}")


class Namespace(types.ModuleType):
    """An Array API namespace: that of one backend, or the package's own on the default device."""

    _backend: Backend | None

    def __repr__(self) -> str:
        return f"<array namespace {self.__name__}>"


def fill(space: Any, backend: Backend | None) -> None:
    """Put every function, constant and dtype into a namespace, the creation functions bound to `backend`."""
    for name, value in _functions.items():
        setattr(space, name, value)
    for name, forward in CREATION.items():
        target = space
        if "." in name:
            continue
        setattr(target, name, bind(forward, backend))
    for name, dtype in DTYPES.items():
        if backend is None or name in backend.supported_dtypes(None):
            setattr(space, name, dtype)
    space.__array_api_version__ = VERSION
    space.__array_namespace_info__ = lambda: Info(backend)
    space.extras = extras


_namespaces: dict[str, Namespace] = {}


def namespace(backend: Backend) -> Namespace:
    """Give the recording namespace of a backend; the same object each time."""
    space = _namespaces.get(backend.name)
    if space is None or space._backend is not backend:
        space = Namespace(f"xdbr.{backend.name}", f"The Array API on Variables of the {backend.name} backend.")
        space._backend = backend
        fill(space, backend)
        for extension in ("linalg", "fft", "special"):
            try:
                module = importlib.import_module(f"xdbr.{extension}")
            except ImportError:
                continue
            sub = Namespace(f"{space.__name__}.{extension}", module.__doc__)
            for name in module.__all__:
                setattr(sub, name, getattr(module, name))
            for name, forward in CREATION.items():
                if name.startswith(extension + "."):
                    setattr(sub, name.partition(".")[2], bind(forward, backend))
            setattr(space, extension, sub)
            sys.modules[sub.__name__] = sub
        _namespaces[backend.name] = space
        sys.modules[space.__name__] = space
    return space


def asarray(*args, **kwargs):
    return bind(CREATION["asarray"], None)(*args, **kwargs)
