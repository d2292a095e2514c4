"""Files from the network into a cache: checked by their SHA-256, written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ._errors import DataNotFoundError

__all__ = ["cache_dir", "download", "is_intact"]

_TIMEOUT = 30.0  # seconds without a byte
_CHUNK = 1 << 18


def cache_dir() -> Path:
    """Give the folder that downloads are kept in: `XDBR_CACHE`, or `xdbr` in the platform's cache folder.

    The platform's is `$XDG_CACHE_HOME` or `~/.cache`, on macOS `~/Library/Caches`, on Windows
    `%LOCALAPPDATA%`. The folder need not exist yet.

    >>> import os, unittest.mock
    >>> from xdbr.data import cache_dir
    >>> with unittest.mock.patch.dict(os.environ, XDBR_CACHE="my-cache"):
    ...     cache_dir().name
    'my-cache'
    """
    chosen = os.environ.get("XDBR_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "xdbr"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "xdbr"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "xdbr"


def is_intact(path: Path, sha256: str) -> bool:
    """Tell whether the file is there and has this SHA-256."""
    import hashlib

    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except (FileNotFoundError, IsADirectoryError):
        return False


def download(urls: Sequence[str], path: Path, *, sha256: str, size: int) -> str:
    """Download a file of `size` bytes from the first of `urls` that has it, and give that address.

    What does not have this size and SHA-256 is thrown away and the next address is tried. The file
    appears at `path` only when it is whole. Raises `DataNotFoundError`, which tells for every
    address what went wrong.
    """
    import hashlib

    failures = []
    for url in urls:
        try:
            content = _get(url, size)
        except OSError as error:  # the errors of urllib are OSErrors, an IncompleteRead is made one below
            failures.append(f"{url}: {getattr(error, 'reason', None) or error}")
            continue
        if len(content) != size:
            got = f"{len(content)} bytes" if len(content) < size else "more"
            failures.append(f"{url}: expected {size} bytes; got {got}")
        elif hashlib.sha256(content).hexdigest() != sha256:
            failures.append(f"{url}: its SHA-256 is not {sha256}")
        else:
            _write(path, content)
            return url
    raise DataNotFoundError(f"could not download {path.name}:" + "".join(f"\n  {failure}" for failure in failures))


def _get(url: str, size: int) -> bytes:
    """Read at most one byte more than `size`, so that a wrong answer cannot fill the memory."""
    from http.client import HTTPException
    from urllib.request import Request, urlopen

    request = Request(url, headers={"User-Agent": "xdbr"})
    content = bytearray()
    try:
        with urlopen(request, timeout=_TIMEOUT) as answer:
            while len(content) <= size:
                chunk = answer.read(min(_CHUNK, size + 1 - len(content)))
                if not chunk:
                    break
                content += chunk
    except HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
    return bytes(content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
