"""The links that networks are made of: `import xdbr.nn.links as L`."""

from __future__ import annotations

from .classifier import Classifier
from .embed_id import EmbedID
from .linear import Linear

__all__ = ["Classifier", "EmbedID", "Linear"]
