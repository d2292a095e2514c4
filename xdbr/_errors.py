"""The exceptions that xdbr raises, each also a built-in one so that ordinary ``except`` clauses work."""

from __future__ import annotations

__all__ = [
    "AxisError",
    "BackendError",
    "BatchingError",
    "DeviceError",
    "DtypeError",
    "GradientError",
    "MissingDependencyError",
    "SerializationError",
    "ShapeError",
    "XdbrError",
    "class_of",
]


class XdbrError(Exception):
    """Base class of every error that xdbr raises on purpose."""


class BackendError(XdbrError, ValueError):
    """A backend is unknown, cannot be loaded, or lacks what was asked of it."""


class BatchingError(XdbrError, TypeError):
    """A function under vmap needs what the examples have each of their own, or vmap's arguments do not fit."""


class DeviceError(XdbrError, ValueError):
    """A device is unknown, or arguments lie on different devices."""


class DtypeError(XdbrError, TypeError):
    """An argument has a dtype that the function does not take."""


class ShapeError(XdbrError, ValueError):
    """An argument has a shape that the function does not take."""


def class_of(error: Exception) -> type[DtypeError | ShapeError]:
    """Give the class for what a library says of the arguments: JAX raises `TypeError` for shapes, too."""
    of_shapes = any(word in str(error) for word in ("shapes", "same shape", "dimensions"))
    return DtypeError if isinstance(error, TypeError) and not of_shapes else ShapeError


class AxisError(ShapeError, IndexError):
    """An axis is out of range, or named twice."""


class GradientError(XdbrError, RuntimeError):
    """A gradient was asked for where there is none, or a differentiable value would be cut silently."""


class SerializationError(XdbrError, ValueError):
    """A file or state dict does not fit the object that it is loaded into."""


class MissingDependencyError(XdbrError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""
