"""MNIST: 70,000 images of handwritten digits (LeCun, Cortes and Burges, 1998)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from .._errors import DataNotFoundError
from ..download import cache_dir, download, is_intact
from .idx_folder import load_idx_dir
from .tuple import TupleDataset

__all__ = ["get_mnist"]


class _File(NamedTuple):
    name: str
    size: int  # bytes
    sha256: str


_FILES = (
    _File(
        "train-images-idx3-ubyte.gz",
        9912422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    _File(
        "train-labels-idx1-ubyte.gz",
        28881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    _File(
        "t10k-images-idx3-ubyte.gz",
        1648877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    _File(
        "t10k-labels-idx1-ubyte.gz",
        4542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
)

_MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)


def get_mnist(
    *,
    ndim: int = 1,
    scale: float = 1.0,
    dtype: Any = None,
    device: Any = None,
    folder: str | os.PathLike[str] | None = None,
    download: bool = True,
) -> tuple[TupleDataset, TupleDataset]:
    """Give MNIST's training set (60,000 examples) and its test set (10,000).

    An example is an image and its label. The image has floats from 0 (paper) to `scale` (ink) of
    the default dtype, or `dtype`, and shape (784,), (28, 28) or (1, 28, 28) for `ndim` 1, 2 or 3;
    the label is an int64 from 0 to 9. Both lie in host memory, unless `device` names another device.

    The four files are downloaded once, 12 MB in all, checked by their SHA-256 and kept in `folder`,
    by default `cache_dir() / "mnist"`. Raises `DataNotFoundError`, which says what to do, where they
    are not there and cannot be downloaded (or, with `download=False`, may not be).

    >>> from xdbr.data import DataNotFoundError, get_mnist
    >>> try:
    ...     train, test = get_mnist(folder="nowhere", download=False)
    ... except DataNotFoundError as error:
    ...     print(str(error).splitlines()[0])
    get_mnist: train-images-idx3-ubyte.gz is not there, and download=False
    """
    place = cache_dir() / "mnist" if folder is None else Path(folder)
    _provide(place, download)
    return load_idx_dir(place, ndim=ndim, scale=scale, dtype=dtype, device=device)


def _provide(folder: Path, may_download: bool) -> None:
    mirrors = list(_MIRRORS)
    wanted = [file for file in _FILES if not is_intact(folder / file.name, file.sha256)]
    try:
        for file in wanted:
            if not may_download:
                raise DataNotFoundError(f"{file.name} is not there, and download=False")
            urls = [mirror + file.name for mirror in mirrors]
            source = download(urls, folder / file.name, sha256=file.sha256, size=file.size)
            mirrors.sort(key=lambda mirror: not source.startswith(mirror))  # what answered once is asked first
    except DataNotFoundError as error:
        raise DataNotFoundError(_what_to_do(folder, str(error))) from error


def _what_to_do(folder: Path, problem: str) -> str:
    lines = [f"get_mnist: {problem}", f"In {folder}:"]
    for file in _FILES:
        path = folder / file.name
        state = "missing" if not path.exists() else "there" if is_intact(path, file.sha256) else "damaged"
        lines.append(f"  {file.name} ({file.size} bytes, SHA-256 {file.sha256}): {state}")
    lines += [
        "Without a network, do one of these:",
        f"  place the missing files in {folder} (XDBR_CACHE names another cache folder)",
        "  read such files from any folder: xdbr.data.load_idx_dir(DIR), in the example --data DIR",
        "  use the digits that come with scikit-learn: xdbr.data.get_digits(), in the example --data digits",
    ]
    return "\n".join(lines)
