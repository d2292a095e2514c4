"""The IDX file format, in which MNIST and its kin are published.

A file is: two zero bytes, one byte for the type of the elements, one for the number of axes, the
size of each axis as an unsigned 32-bit integer, and the elements in C order. All numbers are
big-endian. Source: the description that accompanied MNIST at its first home,
http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import os
import sys
from array import array
from math import prod
from pathlib import Path
from typing import Any, Protocol

from ..autograd.variable import Variable, wrap
from ..backends import get, parse_device
from ._errors import DataError, DataNotFoundError
from .converters import HOST

__all__ = ["read_idx"]

# From the type byte to the type code of `array.array` and the name that people read.
_TYPES = {
    0x08: ("B", "unsigned byte"),
    0x09: ("b", "signed byte"),
    0x0B: ("h", "short"),
    0x0C: ("i", "int"),
    0x0D: ("f", "float"),
    0x0E: ("d", "double"),
}
_GZIP = b"\x1f\x8b"
_MAX_AXES = 64  # NumPy's limit; the format itself would allow 255


def read_idx(path: str | os.PathLike[str], *, device: Any = None) -> Variable:
    """Read an IDX file, compressed with gzip or not.

    The dtype is the file's: uint8, int8, int16, int32, float32 or float64. The result lies in host
    memory unless `device` names another device. Raises `DataNotFoundError` where there is no such
    file, and `DataError`, which names the file, where its header is malformed, it is cut short, or
    bytes follow the last element.

    >>> import pathlib, tempfile
    >>> from xdbr.data import read_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "labels"
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(path).tolist()
    [7, 2, 1]
    """
    place = HOST if device is None else parse_device(device, function="read_idx")
    path = Path(path)
    if path.is_dir():
        raise DataError(f"read_idx: {path} is a folder, not an IDX file; load_idx_dir reads a folder")
    try:
        with path.open("rb") as file:
            compressed = file.read(2) == _GZIP
    except FileNotFoundError:
        raise DataNotFoundError(f"read_idx: there is no file {path}") from None
    host: Variable
    if compressed:
        import gzip
        import zlib

        try:
            with gzip.open(path, "rb") as unzipped:
                host = _read(unzipped, path)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"read_idx: {path} is a damaged gzip file: {error}") from error
    else:
        with path.open("rb") as plain:
            host = _read(plain, path)
    return host if place == HOST else host.to_device(place)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _read(file: _Readable, path: Path) -> Variable:
    magic = file.read(4)
    if len(magic) < 4:
        raise DataError(f"read_idx: {path} is cut short: an IDX header has at least 4 bytes; got {len(magic)}")
    if magic[:2] != b"\0\0":
        raise DataError(f"read_idx: {path} is no IDX file: it must start with two zero bytes; got {magic.hex(' ')}")
    if magic[2] not in _TYPES:
        known = ", ".join(f"0x{code:02x} ({name})" for code, (_, name) in _TYPES.items())
        raise DataError(f"read_idx: {path} has unknown element type 0x{magic[2]:02x}; expected one of {known}")
    axes = magic[3]
    if not 1 <= axes <= _MAX_AXES:
        raise DataError(f"read_idx: {path} must have 1 to {_MAX_AXES} axes; its header says {axes}")
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise DataError(
            f"read_idx: {path} is cut short: its header for {axes} axes has {4 + 4 * axes} bytes; got {4 + len(sizes)}"
        )
    shape = tuple(int.from_bytes(sizes[4 * i : 4 * i + 4], "big") for i in range(axes))
    typecode, _ = _TYPES[magic[2]]
    elements = array(typecode)
    expected = prod(shape) * elements.itemsize
    # Reading to the end, and no further than one byte past it, also makes gzip check its checksum
    # and keeps a small file that unpacks to an enormous one from filling the memory.
    content = _read_up_to(file, expected + 1)
    if len(content) != expected:
        what = "is cut short" if len(content) < expected else "has bytes after its last element"
        got = f"{len(content)} bytes" if len(content) < expected else "more"
        raise DataError(
            f"read_idx: {path} {what}: shape {shape} of {elements.itemsize}-byte elements takes {expected} bytes; "
            f"got {got}"
        )
    elements.frombytes(content)
    if sys.byteorder == "little":
        elements.byteswap()
    return wrap(get(HOST.name).asarray(memoryview(elements), device=HOST)).reshape(shape)


def _read_up_to(file: _Readable, limit: int) -> bytes:
    parts: list[bytes] = []
    while limit > 0:
        part = file.read(min(limit, 1 << 24))  # a size from a damaged header must not be allocated at once
        if not part:
            break
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)
