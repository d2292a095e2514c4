"""IDX files: every type, with and without gzip; and every way in which one can be damaged."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest

import xdbr
from xdbr.data import DataError, DataNotFoundError, load_idx_dir, read_idx

TYPES = [
    (0x08, "B", "uint8", [0, 1, 200, 255, 7, 9]),
    (0x09, "b", "int8", [0, -1, -128, 127, 7, 9]),
    (0x0B, "h", "int16", [0, -1, -32768, 32767, 258, 9]),
    (0x0C, "i", "int32", [0, -1, -(2**31), 2**31 - 1, 16909060, 9]),
    (0x0D, "f", "float32", [0.0, -1.5, 0.25, 1e30, -(2.0**-120), 3.0]),
    (0x0E, "d", "float64", [0.0, -1.5, 0.1, 1e300, -1e-300, 3.0]),
]
STANDARD = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def idx(shape: tuple[int, ...], values: list[int] | list[float], code: int = 0x08, letter: str = "B") -> bytes:
    header = bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    return header + struct.pack(f">{len(values)}{letter}", *values)


def write_folder(folder: Path, names: tuple[str, ...] = STANDARD, *, n: int = 3, compress: bool = False) -> None:
    """Three training and two test images of 2 by 2 pixels."""
    for name, count in zip(names, (n, n, 2, 2), strict=True):
        if "labels" in name:
            content = idx((count,), [i % 10 for i in range(count)])
        else:
            content = idx((count, 2, 2), [(i * 51) % 256 for i in range(count * 4)])
        path = folder / (name + (".gz" if compress else ""))
        path.write_bytes(gzip.compress(content) if compress else content)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(("code", "letter", "dtype", "values"), TYPES)
def test_every_type(tmp_path: Path, code: int, letter: str, dtype: str, values: list, compress: bool) -> None:
    content = idx((2, 3), values, code, letter)
    path = tmp_path / "file"  # what the file is called does not matter
    path.write_bytes(gzip.compress(content) if compress else content)
    x = read_idx(path)
    assert x.shape == (2, 3)
    assert x.dtype == dtype
    assert x.device == "numpy"
    expected = values if letter != "f" else [struct.unpack("f", struct.pack("f", v))[0] for v in values]
    assert x.tolist() == [expected[:3], expected[3:]]


@pytest.mark.parametrize("shape", [(0,), (0, 28, 28), (3, 0)])
def test_no_elements(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "empty"
    path.write_bytes(idx(shape, []))
    assert read_idx(path).shape == shape


def test_result_can_be_written_and_moved(tmp_path: Path, device: str) -> None:
    path = tmp_path / "labels"
    path.write_bytes(idx((3,), [1, 2, 3]))
    x = read_idx(path, device=device)
    assert x.device == device
    x[0] = 9
    assert x.tolist() == [9, 2, 3]
    assert read_idx(path).tolist() == [1, 2, 3]


GOOD = idx((2, 3), [1, 2, 3, 4, 5, 6])
DAMAGED = {
    "empty file": (b"", "cut short: an IDX header has at least 4 bytes; got 0"),
    "three bytes": (GOOD[:3], "at least 4 bytes; got 3"),
    "no zero bytes": (b"\x01" + GOOD[1:], "must start with two zero bytes; got 01 00 08 02"),
    "unknown type": (b"\0\0\x0a\x02" + GOOD[4:], "unknown element type 0x0a"),
    "no axes": (b"\0\0\x08\x00", "must have 1 to 64 axes; its header says 0"),
    "too many axes": (b"\0\0\x08\xff" + bytes(4 * 255), "its header says 255"),
    "half a header": (GOOD[:10], "its header for 2 axes has 12 bytes; got 10"),
    "one byte missing": (GOOD[:-1], r"cut short: shape \(2, 3\) of 1-byte elements takes 6 bytes; got 5 bytes"),
    "all bytes missing": (GOOD[:12], "takes 6 bytes; got 0 bytes"),
    "one byte more": (GOOD + b"\0", "has bytes after its last element"),
    "enormous shape": (idx((2**32 - 1,) * 3, [1, 2]), "cut short"),
}


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_file_is_refused_by_name(tmp_path: Path, case: str, compress: bool) -> None:
    content, message = DAMAGED[case]
    path = tmp_path / "some-images"
    path.write_bytes(gzip.compress(content) if compress else content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_damaged_gzip(tmp_path: Path) -> None:
    path = tmp_path / "some-images.gz"
    content = gzip.compress(idx((1000,), [i * i % 251 for i in range(1000)]))
    flipped = bytearray(content)
    flipped[-6] ^= 0xFF  # in the checksum
    scrambled = bytearray(content)
    scrambled[40:60] = bytes(20)
    for damaged in (content[:-20], content[:12], bytes(flipped), bytes(scrambled)):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"some-images\.gz is a damaged gzip file"):
            read_idx(path)


def test_small_gzip_that_unpacks_to_much_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(idx((1,), [1]) + bytes(50_000_000)))
    import tracemalloc

    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="after its last element"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"read_idx: there is no file .*nowhere"):
        read_idx(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nowhere")
    with pytest.raises(DataError, match="is a folder"):
        read_idx(tmp_path)


# ------------------------------------------------------------------------------------------- folders

DOTTED = tuple(name.replace("-idx", ".idx") for name in STANDARD)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("names", [STANDARD, DOTTED], ids=["dash", "dot"])
def test_folder_in_every_spelling(tmp_path: Path, names: tuple[str, ...], compress: bool) -> None:
    write_folder(tmp_path, names, compress=compress)
    train, test = load_idx_dir(tmp_path)
    assert (len(train), len(test)) == (3, 2)
    image, label = train[1]
    assert image.dtype == xdbr.get_default_dtype()
    assert image.tolist() == pytest.approx([0.8, 1.0, 50 / 255, 101 / 255])
    assert label.dtype == "int64"
    assert label.item() == 1


def test_forms_of_an_image(tmp_path: Path, device: str) -> None:
    write_folder(tmp_path)
    for ndim, shape in ((1, (4,)), (2, (2, 2)), (3, (1, 2, 2))):
        train, _ = load_idx_dir(tmp_path, ndim=ndim, scale=255.0, dtype="float32", device=device)
        image, label = train[1]
        assert image.shape == shape
        assert image.reshape(4).tolist() == pytest.approx([204.0, 255.0, 50.0, 101.0])  # a quotient
        assert image.device == label.device == device
    with pytest.raises(DataError, match="ndim must be 1, 2 or 3, the axes of one image; got 4"):
        load_idx_dir(tmp_path, ndim=4)


def test_missing_files_are_listed_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="there is no folder"):
        load_idx_dir(tmp_path / "nowhere")
    with pytest.raises(DataNotFoundError, match="lacks 4 of the four files") as caught:
        load_idx_dir(tmp_path)
    assert all(name in str(caught.value) for name in STANDARD)
    write_folder(tmp_path)
    for name in STANDARD[1:3]:
        (tmp_path / name).unlink()
    with pytest.raises(DataNotFoundError, match="lacks 2") as caught:
        load_idx_dir(tmp_path)
    assert [name for name in STANDARD if name in str(caught.value)] == list(STANDARD[1:3])


WRONG = {
    "labels for images": (STANDARD[0], idx((3,), [1, 2, 3]), "must hold images: unsigned bytes with 3 axes"),
    "float images": (STANDARD[0], idx((3, 2, 2), [0.5] * 12, 0x0D, "f"), "got float32"),
    "images for labels": (STANDARD[1], idx((3, 2, 2), [0] * 12), "must hold labels: integers with 1 axis"),
    "float labels": (STANDARD[1], idx((3,), [1.0, 2.0, 3.0], 0x0E, "d"), "got float64"),
    "a label too few": (STANDARD[3], idx((1,), [1]), "holds 2 images, .*t10k-labels-idx1-ubyte 1 labels"),
}


@pytest.mark.parametrize("case", WRONG)
def test_folder_with_wrong_contents(tmp_path: Path, case: str) -> None:
    name, content, message = WRONG[case]
    write_folder(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_idx_dir(tmp_path)
    assert str(tmp_path / name) in str(caught.value)
