"""The embedding layer."""

from __future__ import annotations

from typing import Any

from .. import functions as F
from ..initializers import Normal, get_initializer
from ..link import Link
from ..parameter import Parameter

__all__ = ["EmbedID"]


class EmbedID(Link):
    """A table of vectors that are looked up by their numbers (words, categories).

    in_size: how many vectors there are.
    out_size: the length of each.
    initialW: first values of `W`, of shape (in_size, out_size): an initializer, a number or an array; `Normal(1.0)`
        by default.
    ignore_label: for this number the result is zero, and no gradient flows.

    >>> import xdbr
    >>> import xdbr.nn.links as L
    >>> L.EmbedID(1000, 16)(xdbr.asarray([[3, 1, 4], [1, 5, 9]])).shape
    (2, 3, 16)
    """

    def __init__(self, in_size: int, out_size: int, initialW: Any = None, ignore_label: int | None = None) -> None:
        super().__init__()
        for name, size in (("in_size", in_size), ("out_size", out_size)):
            if not hasattr(size, "__index__"):
                raise TypeError(f"EmbedID: {name} must be an integer; got {size!r}")
        self.ignore_label = ignore_label
        self.W = Parameter(get_initializer(initialW, default=Normal(1.0)), (in_size, out_size))

    def forward(self, x: Any) -> Any:
        """Look up a vector for each element; see `xdbr.nn.functions.embed_id`."""
        return F.embed_id(x, self.W, self.ignore_label)

    def extra_repr(self) -> str:
        """Give the sizes."""
        return ", ".join(map(str, self.W.shape)) + (
            "" if self.ignore_label is None else f", ignore_label={self.ignore_label}"
        )
