"""Downloads: checked, whole or not at all, from the first mirror that has the file; and MNIST through them."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from xdbr.data import DataNotFoundError, cache_dir, get_mnist
from xdbr.data.datasets import mnist
from xdbr.data.download import download, is_intact

CONTENT = bytes(range(256)) * 5000  # more than one chunk
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """A web server on this machine; `files` maps a path to its bytes or to a status, `asked` records requests."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | int] = {}
        self.asked: list[str] = []
        self.cut_at: int | None = None
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.asked.append(self.path)
                found = served.files.get(self.path, 404)
                if isinstance(found, int):
                    self.send_error(found)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(found)))
                self.end_headers()
                self.wfile.write(found[: served.cut_at])

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                pass  # a client that has seen enough hangs up

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


def closed_port_url() -> str:
    """An address on this machine where nothing answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        return f"http://127.0.0.1:{closed.server_port}"


def test_download(server: Server, tmp_path: Path) -> None:
    server.files["/a"] = CONTENT
    path = tmp_path / "new" / "folder" / "a"
    assert download([f"{server.url}/a"], path, sha256=SHA256, size=len(CONTENT)) == f"{server.url}/a"
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["a"]
    assert is_intact(path, SHA256)
    path.write_bytes(CONTENT[:-1])
    assert not is_intact(path, SHA256)
    assert not is_intact(tmp_path, SHA256)
    assert not is_intact(tmp_path / "b", SHA256)


def test_next_mirror_is_tried(server: Server, tmp_path: Path) -> None:
    server.files |= {
        "/wrong/a": bytes(len(CONTENT)),
        "/short/a": CONTENT[:-1],
        "/long/a": CONTENT + b"\0",
        "/broken/a": 503,
        "/good/a": CONTENT,
    }
    urls = [f"{server.url}/{where}/a" for where in ("missing", "wrong", "short", "long", "broken", "good", "unasked")]
    path = tmp_path / "a"
    assert download([closed_port_url(), *urls], path, sha256=SHA256, size=len(CONTENT)) == f"{server.url}/good/a"
    assert path.read_bytes() == CONTENT
    assert "/unasked/a" not in server.asked


def test_every_failure_is_told_and_nothing_is_left(server: Server, tmp_path: Path) -> None:
    server.files |= {"/wrong/a": bytes(len(CONTENT)), "/short/a": CONTENT[:-1], "/long/a": CONTENT * 2}
    urls = [f"{server.url}/{where}/a" for where in ("missing", "wrong", "short", "long")]
    path = tmp_path / "a"
    with pytest.raises(DataNotFoundError, match="could not download a:") as caught:
        download([closed_port_url(), *urls], path, sha256=SHA256, size=len(CONTENT))
    lines = str(caught.value).splitlines()[1:]
    assert "refused" in lines[0]
    assert [line.partition("/a: ")[2] for line in lines[1:]] == [
        "Not Found",
        f"its SHA-256 is not {SHA256}",
        f"expected {len(CONTENT)} bytes; got {len(CONTENT) - 1} bytes",
        f"expected {len(CONTENT)} bytes; got more",
    ]
    assert list(tmp_path.iterdir()) == []


def test_connection_that_breaks_off(server: Server, tmp_path: Path) -> None:
    server.files["/a"] = CONTENT
    server.cut_at = 300_000
    with pytest.raises(DataNotFoundError, match="could not download a:\n  http"):
        download([f"{server.url}/a"], tmp_path / "a", sha256=SHA256, size=len(CONTENT))
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_keeps_what_was_there(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["/a"] = CONTENT
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        download([f"{server.url}/a"], path, sha256=SHA256, size=len(CONTENT))
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"old")]


def test_cache_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDBR_CACHE", str(tmp_path / "chosen"))
    assert cache_dir() == tmp_path / "chosen"
    monkeypatch.delenv("XDBR_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "xdbr"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == tmp_path / ".cache" / "xdbr"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_dir() == tmp_path / "Library" / "Caches" / "xdbr"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_dir() == tmp_path / "local" / "xdbr"
    assert not any(tmp_path.iterdir())


# --------------------------------------------------------------------------------------------- MNIST


def idx(shape: tuple[int, ...], values: bytes) -> bytes:
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + values


FILES = {
    "train-images-idx3-ubyte.gz": gzip.compress(idx((3, 2, 2), bytes([0, 51, 102, 255] * 3))),
    "train-labels-idx1-ubyte.gz": gzip.compress(idx((3,), bytes([5, 0, 4]))),
    "t10k-images-idx3-ubyte.gz": gzip.compress(idx((2, 2, 2), bytes([255] * 8))),
    "t10k-labels-idx1-ubyte.gz": gzip.compress(idx((2,), bytes([7, 2]))),
}


@pytest.fixture
def mirrors(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Two mirrors of a small MNIST, the second one working, and a cache of our own."""
    server.files |= {f"/second/{name}": content for name, content in FILES.items()}
    monkeypatch.setattr(mnist, "_MIRRORS", (f"{server.url}/first/", f"{server.url}/second/"))
    files = tuple(mnist._File(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in FILES.items())
    monkeypatch.setattr(mnist, "_FILES", files)
    monkeypatch.setenv("XDBR_CACHE", str(tmp_path))
    return server


def test_mnist_is_downloaded_once(mirrors: Server, tmp_path: Path) -> None:
    train, test = get_mnist()
    assert (len(train), len(test)) == (3, 2)
    image, label = train[0]
    assert image.tolist() == pytest.approx([0.0, 0.2, 0.4, 1.0])
    assert label.item() == 5
    assert {path.name: path.read_bytes() for path in (tmp_path / "mnist").iterdir()} == FILES
    # The mirror that answered for the first file is asked first for the others.
    assert mirrors.asked == [f"/first/{next(iter(FILES))}", *(f"/second/{name}" for name in FILES)]
    mirrors.asked.clear()
    assert get_mnist(ndim=3)[1][0][0].shape == (1, 2, 2)
    assert mirrors.asked == []


def test_damaged_file_in_the_cache_is_downloaded_again(mirrors: Server, tmp_path: Path) -> None:
    get_mnist()
    mirrors.asked.clear()
    name = list(FILES)[2]
    (tmp_path / "mnist" / name).write_bytes(FILES[name][:-5])
    get_mnist()
    assert mirrors.asked == [f"/first/{name}", f"/second/{name}"]
    assert (tmp_path / "mnist" / name).read_bytes() == FILES[name]


def test_files_placed_by_hand_need_no_network(mirrors: Server, tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    assert len(get_mnist(folder=tmp_path, download=False)[0]) == 3
    assert mirrors.asked == []


def test_without_network_the_error_says_what_to_do(mirrors: Server, tmp_path: Path) -> None:
    names = list(FILES)
    for name in names[:2]:
        mirrors.files[f"/first/{name}"] = FILES[name]
    for name in names:
        mirrors.files[f"/second/{name}"] = 503
    with pytest.raises(DataNotFoundError) as caught:
        get_mnist()
    text = str(caught.value)
    assert f"get_mnist: could not download {names[2]}:" in text
    assert f"{mirrors.url}/first/{names[2]}: Not Found" in text
    assert f"{mirrors.url}/second/{names[2]}: Service Unavailable" in text
    states = [line.rpartition(": ")[2] for line in text.splitlines() if line.startswith("  t")]
    assert states == ["there", "there", "missing", "missing"]
    assert f"place the missing files in {tmp_path / 'mnist'}" in text
    assert "--data DIR" in text
    assert "--data digits" in text
    # What came is kept, so that the next attempt needs only the rest.
    assert sorted(path.name for path in (tmp_path / "mnist").iterdir()) == sorted(names[:2])


def test_download_can_be_forbidden(mirrors: Server, tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    name = next(iter(FILES))
    (tmp_path / "mnist" / name).write_bytes(b"rubbish")
    with pytest.raises(DataNotFoundError, match=f"{name} is not there, and download=False") as caught:
        get_mnist(download=False)
    assert f"{name} " in str(caught.value)
    assert "damaged" in str(caught.value)
    assert mirrors.asked == []


def test_published_files_are_the_four_standard_ones() -> None:
    assert [file.name for file in mnist._FILES] == list(FILES)
    assert sum(file.size for file in mnist._FILES) == 11594722
    assert all(len(bytes.fromhex(file.sha256)) == 32 for file in mnist._FILES)
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in mnist._MIRRORS)
