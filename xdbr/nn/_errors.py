"""The errors of this package, each also a built-in one."""

from __future__ import annotations

from .._errors import XdbrError

__all__ = ["LabelError", "UninitializedError"]


class LabelError(XdbrError, ValueError):
    """A label or an index lies outside of the classes that there are."""


class UninitializedError(XdbrError, RuntimeError):
    """A lazily sized parameter was used before its shape was known."""
