"""The links that networks are made of: `import xdbr.nn.links as L`."""

from __future__ import annotations

from typing import Any

from ..._equivalents import LINK_CLASSES, missing
from .classifier import Classifier
from .embed_id import EmbedID
from .linear import Linear

__all__ = ["Classifier", "EmbedID", "Linear"]


def __getattr__(name: str) -> Any:
    raise missing(f"module {__name__!r}", name, LINK_CLASSES, ("xdbr.nn", "xdbr.nn.functions"))
