"""Neural networks: parameters, links, and (as `xdbr.nn.functions` and `xdbr.nn.links`) what they are made of."""

from __future__ import annotations

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
