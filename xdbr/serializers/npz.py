"""NumPy's npz files: a zip archive of one npy file for each array, which any NumPy reads.

The member `__xdbr__` holds a JSON text with the version of the format and all that is no array. Nothing is ever
pickled or unpickled: an archive with Python objects in it is refused before anything of it is read.
"""

from __future__ import annotations

import json
import math
import os
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from .._errors import SerializationError
from .bundle import flatten, named_arrays, nest, restore
from .files import replaced

__all__ = ["load_npz", "save_npz"]

FORMAT = "__xdbr__"
VERSION = 1
# The most bytes that a zip file has room for in a name, less the suffix.
_NAME = 65535 - len(".npy")
# A fixed time makes equal states equal files.
_TIME = (1980, 1, 1, 0, 0, 0)


def save_npz(path: Any, obj: Any, *, compression: bool = False) -> None:
    """Save a model, an optimizer or a dict of such and of plain values in one npz file.

    path: where to, or a binary file that is open for writing. A file is replaced in one step, when the new one is
        complete and on the disk. No suffix is added.
    obj: an object with `state_dict()`, or a (nested) dict of such objects, of arrays, and of what JSON can hold.
    compression: make the file smaller; weights hardly shrink, and it takes time.

    A model that has not been called yet is saved as well: its lazily sized parameters stay without values. Equal states
    give equal files. Raises `SerializationError`, which names its place, for what cannot be saved.

    >>> import xdbr
    >>> from xdbr import optim, serializers
    >>> import xdbr.nn.links as L
    >>> model = L.Linear(3, 2)
    >>> optimizer = optim.SGD(lr=0.1).setup(model)
    >>> serializers.save_npz("state.npz", {"model": model, "optimizer": optimizer, "meta": {"epoch": 3}})
    >>> serializers.load_npz("state.npz", {"model": model, "optimizer": optimizer, "meta": None})["meta"]
    {'epoch': 3}
    """
    _check_path("save_npz", path)
    arrays, structure = flatten(obj, function="save_npz")
    # All that can be refused is refused before the file is touched.
    for name in arrays:
        _check_name(name)
    text = json.dumps({"version": VERSION, "structure": structure}, separators=(",", ":"))
    if hasattr(path, "write"):
        _write(path, arrays, text, compression)
        return
    with replaced(path) as file:
        _write(file, arrays, text, compression)


def _check_path(function: str, path: Any) -> None:
    """Raise where the first argument is no place, as where the arguments come in the other order."""
    if not isinstance(path, (str, os.PathLike)) and not hasattr(path, "read") and not hasattr(path, "write"):
        raise TypeError(f"{function}: expected a path or a file first, then the objects; got {type(path).__name__}")


def _check_name(name: str) -> None:
    """Raise where no member of a zip file can have this name."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        size = _NAME + 1
    if "\0" in name or size > _NAME:
        raise SerializationError(
            f"save_npz: the path of an array must be valid Unicode without NUL, of at most {_NAME} bytes; "
            f"got {name if len(name) < 100 else name[:100] + '...'!r}"
        )


def _write(file: IO[bytes], arrays: dict[str, np.ndarray[Any, Any]], text: str, compression: bool) -> None:
    method = zipfile.ZIP_DEFLATED if compression else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, array in {FORMAT: np.array(text), **arrays}.items():
            info = zipfile.ZipInfo(f"{name}.npy", _TIME)
            info.compress_type = method
            info.external_attr = 0o644 << 16
            with archive.open(info, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def load_npz(path: Any, obj: Any = None, *, strict: bool = True) -> Any:
    """Load an npz file that `save_npz` has written into a model, an optimizer, or a dict of such.

    path: the file, or a binary file open for reading.
    obj: as it was given to `save_npz`; the objects in it take over their state. What stands in a place of a plain value
        does not matter, `None` will do. Without `obj` nothing is loaded into anything.
    strict: whether the file must have everything that `obj` has, and nothing else.

    Gives `obj` with the values of the file in the places of plain values; without `obj` the whole state, nested, with
    NumPy arrays. Lazily sized parameters get their shapes from the file.

    Raises `SerializationError` where the file is no such file, is damaged, or holds pickled objects; and where it
    does not fit, with the list of all that is missing, unexpected, of a wrong shape or of a wrong dtype. Nothing is
    changed then.
    """
    _check_path("load_npz", path)
    name = str(getattr(path, "name", "the file")) if hasattr(path, "read") else os.fspath(path)
    state, missing, unexpected = _read(path, str(name))
    if obj is None:
        if missing:
            raise SerializationError(f"load_npz: {name} is damaged: it lacks the array {missing[0]!r}")
        return state
    return restore(obj, state, strict=strict, function=f"load_npz: {name}", unexpected=unexpected, missing=missing)


def _read(path: Any, name: str) -> tuple[Any, list[str], list[str]]:
    """Read a file, whole, into a nested state; give also the names of the arrays that it lacks and has no place for."""
    try:
        with zipfile.ZipFile(path if hasattr(path, "read") else Path(path)) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if f"{FORMAT}.npy" not in archive.namelist():
                raise SerializationError(
                    f"load_npz: {name} was not written by save_npz: it has no member {FORMAT}; "
                    "read its arrays with numpy.load, and give them to load_state_dict"
                )
            # All headers before any data: no more is read of a file with Python objects in it.
            for info in members.values():
                with archive.open(info) as member:
                    _header(member, info, name)
            arrays = {key: _array(archive, info, name) for key, info in members.items() if key != FORMAT}
            document = json.loads(str(_array(archive, members[FORMAT], name)[()]))
    except FileNotFoundError:
        raise
    except SerializationError:
        raise
    except (
        zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, TypeError, OSError,
        NotImplementedError, RuntimeError, RecursionError, MemoryError, SyntaxError, tokenize.TokenError,
    ) as error:  # fmt: skip
        what = "is truncated or damaged" if zipfile.is_zipfile(path) else "is no npz file, or is truncated"
        raise SerializationError(f"load_npz: {name} {what}: {error}") from error
    if not isinstance(document, dict) or document.get("version") != VERSION:
        version = document.get("version") if isinstance(document, dict) else None
        raise SerializationError(f"load_npz: {name} has format version {version!r}; this xdbr reads version {VERSION}")
    try:
        structure = document.get("structure")
        named = named_arrays(structure)
        return nest(arrays, structure), sorted(named - set(arrays)), sorted(set(arrays) - named)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise SerializationError(f"load_npz: {name} is damaged: it lacks the array {error}") from error


def _header(member: IO[bytes], info: zipfile.ZipInfo, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of an array; raise where it holds Python objects or not as much data as it says."""
    version = np.lib.format.read_magic(member)
    reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if reader is None:
        raise ValueError(f"{info.filename} has the unknown npy version {version}")
    shape, fortran, dtype = reader(member)
    if dtype.hasobject:
        raise SerializationError(
            f"load_npz: {name}: {info.filename} holds pickled Python objects, which may run any code when they are "
            "read; nothing was read"
        )
    if dtype.kind not in "biufcU":
        raise SerializationError(f"load_npz: {name}: {info.filename} has dtype {dtype}, which save_npz does not write")
    size = math.prod(shape) * dtype.itemsize
    if any(n < 0 for n in shape) or size != info.file_size - member.tell():
        raise ValueError(f"{info.filename} says it has {size} bytes of data and has {info.file_size - member.tell()}")
    return shape, fortran, dtype


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> np.ndarray[Any, Any]:
    with archive.open(info) as member:
        shape, fortran, dtype = _header(member, info, name)
        data = member.read()  # to the end, where the archive compares the check sum
    array = np.frombuffer(data, dtype=dtype)
    return array.reshape(shape, order="F" if fortran else "C")
