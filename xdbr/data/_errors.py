"""The errors of this package, each also a built-in one."""

from __future__ import annotations

from .._errors import XdbrError

__all__ = ["DataError", "DataNotFoundError"]


class DataError(XdbrError, ValueError):
    """A data set, a batch or a data file is not what the function takes."""


class DataNotFoundError(XdbrError, FileNotFoundError):
    """A data file is neither on this machine nor to be had from the network."""
