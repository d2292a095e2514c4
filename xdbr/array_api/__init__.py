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



for _n in "arange asarray empty eye from_dlpack full linspace ones zeros".split():
    globals()[_n] = _functions[_n] = bind(CREATION[_n], None)
__all__ = list(_functions)
