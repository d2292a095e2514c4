"""The array libraries underneath: the only place that names one of them.

A `Backend` gives services (transfer, devices, memory, random numbers) and `Extras` (array functions
that the standard lacks). Backends are registered by name and loaded on first use.
"""

from __future__ import annotations

from . import dtypes
from ._base import DTYPES, NAMED_DTYPES, Backend, NamedDtype, canonical_dtype, host_array
from ._extras import Extras, place_of
from ._registry import (
    Device,
    available,
    current_device,
    derived,
    device,
    get,
    get_default_device,
    levels_meet,
    of,
    of_type,
    parse_device,
    register,
    registered,
    set_default_device,
)

__all__ = [
    "DTYPES",
    "NAMED_DTYPES",
    "Backend",
    "Device",
    "Extras",
    "NamedDtype",
    "available",
    "canonical_dtype",
    "current_device",
    "derived",
    "device",
    "dtypes",
    "get",
    "get_default_device",
    "host_array",
    "levels_meet",
    "of",
    "of_type",
    "parse_device",
    "place_of",
    "register",
    "registered",
    "set_default_device",
]
