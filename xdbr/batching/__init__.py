"""Many examples at once: `vmap`, and the backend of arrays that look like one example that it rests on."""

from __future__ import annotations

from .backend import Batching, over, under
from .transform import vmap

__all__ = ["Batching", "over", "under", "vmap"]
