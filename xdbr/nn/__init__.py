"""Neural networks: parameters, links, and (as `xdbr.nn.functions` and `xdbr.nn.links`) what they are made of."""

from __future__ import annotations

from typing import Any

from .._equivalents import FUNCTIONS, LINK_CLASSES, missing
from . import functions, initializers, links
from ._errors import LabelError, UninitializedError
from .chain import Chain, ChainList, Sequential
from .link import Link
from .parameter import Parameter

__all__ = [
    "Chain",
    "ChainList",
    "LabelError",
    "Link",
    "Parameter",
    "Sequential",
    "UninitializedError",
    "functions",
    "initializers",
    "links",
]


def __getattr__(name: str) -> Any:
    parts = tuple(module.__name__ for module in (functions, links, initializers))
    raise missing(f"module {__name__!r}", name, FUNCTIONS | LINK_CLASSES, parts)
