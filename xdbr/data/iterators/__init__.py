"""Iterators: which examples make the next batch."""

from __future__ import annotations

from .iterator import Iterator
from .serial import SerialIterator

__all__ = ["Iterator", "SerialIterator"]
