"""MNIST-like data sets: a folder with four IDX files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...backends import parse_device
from .._errors import DataError, DataNotFoundError
from ..converters import HOST
from ..idx import read_idx
from .images import as_examples
from .tuple import TupleDataset

__all__ = ["load_idx_dir"]

_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def load_idx_dir(
    folder: str | os.PathLike[str], *, ndim: int = 1, scale: float = 1.0, dtype: Any = None, device: Any = None
) -> tuple[TupleDataset, TupleDataset]:
    """Read the four IDX files of an MNIST-like data set from a folder: gives its training and its test set.

    The files are train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
    t10k-labels-idx1-ubyte, with or without .gz, and also spelled with a dot (train-images.idx3-ubyte).
    For the examples and the options see `get_mnist`. Raises `DataNotFoundError`, which lists all
    files that are missing, and `DataError` where a file is damaged or images and labels do not match.

    >>> import pathlib, tempfile
    >>> from xdbr.data import load_idx_dir
    >>> image = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 51, 102, 255])
    >>> label = bytes([0, 0, 8, 1, 0, 0, 0, 1, 7])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part in ("train", "t10k"):
    ...         _ = pathlib.Path(folder, f"{part}-images-idx3-ubyte").write_bytes(image)
    ...         _ = pathlib.Path(folder, f"{part}-labels-idx1-ubyte").write_bytes(label)
    ...     train, test = load_idx_dir(folder)
    >>> train[0]
    (Variable([0. , 0.2, 0.4, 1. ], dtype=float32), Variable(7, dtype=int64))
    """
    place = HOST if device is None else parse_device(device, function="load_idx_dir")
    folder = Path(folder)
    if not folder.is_dir():
        raise DataNotFoundError(f"load_idx_dir: there is no folder {folder}")
    paths = [_find(folder, name) for name in _NAMES]
    missing = [name for name, path in zip(_NAMES, paths, strict=True) if path is None]
    if missing:
        raise DataNotFoundError(
            f"load_idx_dir: {folder} lacks {len(missing)} of the four files: {', '.join(missing)} "
            "(each with or without .gz)"
        )
    found = [path for path in paths if path is not None]
    parts = []
    for image_path, label_path in (found[:2], found[2:]):
        images, labels = read_idx(image_path, device=place), read_idx(label_path, device=place)
        if images.ndim != 3 or images.dtype != "uint8":
            raise DataError(
                f"load_idx_dir: {image_path} must hold images: unsigned bytes with 3 axes; "
                f"got {images.dtype} of shape {images.shape}"
            )
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise DataError(
                f"load_idx_dir: {label_path} must hold labels: integers with 1 axis; "
                f"got {labels.dtype} of shape {labels.shape}"
            )
        if images.shape[0] != labels.shape[0]:
            raise DataError(
                f"load_idx_dir: {image_path} holds {images.shape[0]} images, {label_path} {labels.shape[0]} labels"
            )
        parts.append(as_examples("load_idx_dir", images, labels, 255, ndim=ndim, scale=scale, dtype=dtype))
    return parts[0], parts[1]


def _find(folder: Path, name: str) -> Path | None:
    for spelling in (name, name.replace("-idx", ".idx")):
        for suffix in ("", ".gz"):
            path = folder / (spelling + suffix)
            if path.is_file():
                return path
    return None
