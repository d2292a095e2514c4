"""The examples, run as a user runs them: as scripts, in a folder of their own."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib.util import find_spec
from pathlib import Path

import pytest

import xdbr
from xdbr.serializers import load_npz

MNIST = Path(__file__).parents[1] / "examples" / "mnist" / "train_mnist.py"
README = MNIST.with_name("README.md")
PACKAGES = Path(next(iter(xdbr.__path__))).parent
SHORT = ("--units", "12", "--batch-size", "32", "--lr", "0.01")


def environment(device: object = None, modules: Path = PACKAGES) -> dict[str, str]:
    found = {key: value for key, value in os.environ.items() if not key.startswith("XDBR_")}
    found["PYTHONPATH"] = os.pathsep.join([str(PACKAGES), str(modules)])
    return found if device is None else found | {"XDBR_DEVICE": str(device)}


def run(
    folder: Path,
    *arguments: object,
    script: Path = MNIST,
    device: object = None,
    modules: Path = PACKAGES,
    warnings: str = "error",
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", warnings, str(script), *map(str, arguments)],
        cwd=folder,
        env=environment(device, modules),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def train(folder: Path, *arguments: object, device: object = None) -> str:
    done = run(folder, *arguments, device=device)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of IDX files: ten patterns of 6 by 6 pixels, 300 and 100 times, half of the pixels noise."""
    folder = tmp_path_factory.mktemp("images")
    source = random.Random(1)
    patterns = [bytes(source.choices((0, 255), k=36)) for _ in range(10)]
    for part, count in (("train", 300), ("t10k", 100)):
        labels = bytes(source.choices(range(10), k=count))
        pixels = bytes(
            pixel if source.random() < 0.5 else source.randrange(256) for label in labels for pixel in patterns[label]
        )
        header = bytes([0, 0, 8, 3]) + struct.pack(">3I", count, 6, 6)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + pixels))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1]) + struct.pack(">I", count) + labels)
    return folder


def without_seconds(log: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in log]


def test_digits_are_learned(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn, which carries the digits, is not installed")
    said = train(tmp_path, "--epochs", 12)
    log = json.loads((tmp_path / "result" / "log.json").read_text())
    assert log[-1]["test_accuracy"] > 0.96
    assert said.startswith("1442 training and 355 test images, on numpy\n")

    # What the README does with the trained model.
    (snippet,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "use.py").write_text(snippet)
    done = run(tmp_path, script=tmp_path / "use.py", modules=MNIST.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "read 5 is 5\n"


def test_readme_tells_the_defaults(tmp_path: Path) -> None:
    shown = " ".join(train(tmp_path, "--help").split())
    defaults = re.findall(r"^\| `(--[\w-]+)` \| `?([\w.]+)`? \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(defaults) == 7
    for option, value in defaults:
        assert re.search(rf"{option} [^()]*\(default: {re.escape(value)}\)", shown), option


def test_what_it_prints_and_writes(tmp_path: Path, images: Path, device: xdbr.Device) -> None:
    said = train(tmp_path, "--data", images, "--epochs", 2, *SHORT, device=device)
    lines = said.splitlines()
    assert lines[0] == f"300 training and 100 test images, on {device}"
    rows = [line for line in lines if line.startswith("epoch")]
    number = r"(\d+\.\d+)"
    pattern = (
        rf"epoch +(\d+)  training loss {number} accuracy {number}  test loss {number} accuracy {number}  {number} s"
    )
    printed = [re.fullmatch(pattern, row).groups() for row in rows]
    result = tmp_path / "result"
    log = json.loads((result / "log.json").read_text())
    assert [list(row) for row in log] == [
        ["epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds"]
    ] * 2
    for row, (epoch, *numbers) in zip(log, printed, strict=True):
        assert int(epoch) == row["epoch"]
        assert [float(number) for number in numbers] == pytest.approx(list(row.values())[1:], abs=0.006)
    assert log[1]["train_loss"] < log[0]["train_loss"]
    assert lines[-1] == f"test accuracy {log[-1]['test_accuracy']:.2%} after 2 epochs; results are in result"

    plots = {"plot.png"} if find_spec("matplotlib") else set()
    files = {"checkpoint.npz", "graph.dot", "graph.svg", "log.json", "model.npz"} | plots
    assert {file.name for file in result.iterdir()} == files
    if plots:
        assert (result / "plot.png").read_bytes().startswith(b"\x89PNG\r\n")
    else:
        assert "matplotlib is not installed, so there is no plot.png" in said
    assert ET.parse(result / "graph.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    dot = (result / "graph.dot").read_text()
    assert dot.startswith("digraph")
    for part in ("relu", "softmax_cross_entropy", "/predictor/hidden/W", "/predictor/scores/b"):
        assert part in dot
    model = load_npz(result / "model.npz")
    assert {path: array.shape for path, array in model.items()} == {
        "predictor/hidden/W": (12, 36),
        "predictor/hidden/b": (12,),
        "predictor/scores/W": (10, 12),
        "predictor/scores/b": (10,),
    }


def test_without_the_optional_packages(tmp_path: Path, images: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for name in ("matplotlib", "sklearn", "tqdm"):
        (hidden / f"{name}.py").write_text(f"raise ImportError('no {name}')")
    done = run(tmp_path, "--data", images, "--epochs", 2, *SHORT, modules=hidden)
    assert done.returncode == 0, done.stderr
    advice = 'pip install "xdbr[examples]"'
    assert done.stdout.count(f"tqdm is not installed, so there is no progress bar: {advice}") == 1
    assert done.stdout.count(f"matplotlib is not installed, so there is no plot.png: {advice}") == 1
    assert not (tmp_path / "result" / "plot.png").exists()
    assert (tmp_path / "result" / "graph.svg").exists()
    done = run(tmp_path, modules=hidden)
    assert done.returncode == 1
    assert done.stderr == f"train_mnist.py: error: get_digits: scikit-learn is not installed: {advice}\n"


def test_resumed_run_equals_a_straight_one(tmp_path: Path, images: Path, device: xdbr.Device) -> None:
    common = ("--data", images, *SHORT, "--dropout", "0.3")
    train(tmp_path, *common, "--epochs", 6, "--out", "straight", device=device)
    train(tmp_path, *common, "--epochs", 3, "--out", "half", device=device)
    half = (tmp_path / "half" / "model.npz").read_bytes()
    said = train(tmp_path, *common, "--epochs", 6, "--out", "half", "--resume", "half/checkpoint.npz", device=device)
    assert [line.split()[1] for line in said.splitlines() if line.startswith("epoch")] == ["4", "5", "6"]
    straight, resumed = (tmp_path / name for name in ("straight", "half"))
    assert half != (resumed / "model.npz").read_bytes() == (straight / "model.npz").read_bytes()
    logs = [json.loads((folder / "log.json").read_text()) for folder in (straight, resumed)]
    assert without_seconds(logs[0]) == without_seconds(logs[1])
    assert [row["epoch"] for row in logs[1]] == [1, 2, 3, 4, 5, 6]
    states = [load_npz(folder / "checkpoint.npz") for folder in (straight, resumed)]
    for state in states:
        state["log"] = without_seconds(state["log"])
    compare(*states, "checkpoint")


def test_resume_where_the_device_is_missing(tmp_path: Path, images: Path) -> None:
    pytest.importorskip("array_api_strict", reason="the strict backend, which goes missing, is not installed")
    common = ("--data", images, *SHORT)
    train(tmp_path, *common, "--epochs", 1, "--device", "strict")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "array_api_strict.py").write_text("raise ImportError('no array_api_strict')")
    resume = (*common, "--epochs", 2, "--resume", "result/checkpoint.npz")
    done = run(tmp_path, *resume, modules=hidden, warnings="default")
    assert done.returncode == 0, done.stderr
    assert "left out the generators of devices that are not here: 'strict" in done.stderr
    assert done.stdout.startswith("300 training and 100 test images, on numpy\nepoch   2 ")


def test_diverged_run_stops_and_keeps_what_there_is(tmp_path: Path, images: Path) -> None:
    common = ("--data", images, "--units", 12, "--lr", 1e30, "--epochs", 2)
    done = run(tmp_path, *common, warnings="ignore")
    assert done.returncode == 1
    message = r"train_mnist.py: error: the training has diverged: in epoch 1 the training loss is (nan|inf) and "
    assert re.match(message, done.stderr), done.stderr
    assert "a smaller --lr than 1e+30 may help" in done.stderr
    assert list((tmp_path / "result").iterdir()) == []


def test_files_are_replaced_whole(tmp_path: Path, images: Path) -> None:
    """A file that is open goes on to show what it showed: nothing is written into it."""
    names = ["log.json", "checkpoint.npz", "model.npz", "graph.svg", "graph.dot"]
    names += ["plot.png"] if find_spec("matplotlib") else []
    result = tmp_path / "result"
    result.mkdir()
    for name in names:
        (result / name).write_text("before")
        os.link(result / name, tmp_path / name)
    train(tmp_path, "--data", images, *SHORT, "--epochs", 1)
    assert {file.name for file in result.iterdir()} == set(names)
    for name in names:
        assert (tmp_path / name).read_text() == "before"
        assert (result / name).stat().st_size > 100


def test_every_device_trains_alike(tmp_path: Path, images: Path, device: xdbr.Device) -> None:
    if device.name == "cupy":
        pytest.skip("CuPy draws its own random numbers, on the GPU")
    other = "strict" if device.name == "numpy" else "numpy"
    if other == "strict":
        pytest.importorskip("array_api_strict", reason="the strict backend, to compare with, is not installed")
    logs = []
    for place in (device, other):
        train(tmp_path, "--data", images, *SHORT, "--epochs", 2, "--out", "result", "--device", place)
        logs.append(json.loads((tmp_path / "result" / "log.json").read_text()))
    for row, other_row in zip(*map(without_seconds, logs), strict=True):
        # The libraries add up in different orders, and rounding grows with every update.
        assert row == pytest.approx(other_row, rel=0.01, abs=0.011)


def compare(one: object, other: object, path: str) -> None:
    if isinstance(one, dict):
        assert isinstance(other, dict)
        assert one.keys() == other.keys(), path
        for key in one:
            compare(one[key], other[key], f"{path}/{key}")
    elif hasattr(one, "tobytes"):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes()), path
    else:
        assert one == other, path


def test_seed_makes_the_run(tmp_path: Path, images: Path) -> None:
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(tmp_path, "--data", images, *SHORT, "--epochs", 1, "--out", out, "--seed", seed)
    models = [(tmp_path / out / "model.npz").read_bytes() for out in "abc"]
    assert models[0] == models[1] != models[2]


def test_resume_of_a_complete_run_trains_no_more(tmp_path: Path, images: Path) -> None:
    train(tmp_path, "--data", images, *SHORT, "--epochs", 2)
    result = tmp_path / "result"
    before = {path.name: path.read_bytes() for path in result.iterdir() if path.suffix in (".npz", ".json")}
    said = train(tmp_path, "--data", images, *SHORT, "--epochs", 2, "--resume", "result/checkpoint.npz")
    assert not [line for line in said.splitlines() if line.startswith("epoch")]
    assert {path.name: path.read_bytes() for path in result.iterdir() if path.name in before} == before


def test_resume_with_other_settings_is_refused(tmp_path: Path, images: Path) -> None:
    train(tmp_path, "--data", images, *SHORT, "--epochs", 1)
    result = tmp_path / "result"
    before = {path.name: path.read_bytes() for path in result.iterdir()}

    def refused(*arguments: object) -> str:
        done = run(tmp_path, "--data", images, *SHORT, "--epochs", 2, *arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("train_mnist.py: error: "), done.stderr
        assert {path.name: path.read_bytes() for path in result.iterdir()} == before
        return done.stderr

    said = refused("--resume", "result/checkpoint.npz", "--units", 13, "--seed", 5)
    assert said.strip().endswith("other settings: --units was 12 and is 13; --seed was 0 and is 5")
    assert "is no checkpoint of this script" in refused("--resume", "result/model.npz")
    (tmp_path / "cut.npz").write_bytes(before["checkpoint.npz"][:-1000])
    assert "cut.npz is no npz file, or is truncated" in refused("--resume", "cut.npz")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that stands for Ctrl-C alone")
def test_interrupted_run_can_go_on(tmp_path: Path, images: Path) -> None:
    command = [sys.executable, str(MNIST), "--data", str(images), *SHORT, "--epochs", "1000000"]
    # A program started in the background inherits that the signal is ignored.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    finally:
        signal.signal(signal.SIGINT, handler)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(b"epoch   3"):
            break
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said == b"\ninterrupted; --resume result/checkpoint.npz goes on after the last complete epoch\n"
    done = len(load_npz(tmp_path / "result" / "checkpoint.npz")["log"])
    assert done >= 2
    common = ("--data", images, *SHORT, "--epochs", done + 1)
    train(tmp_path, *common, "--resume", "result/checkpoint.npz")
    train(tmp_path, *common, "--out", "straight")
    models = [(tmp_path / out / "model.npz").read_bytes() for out in ("result", "straight")]
    assert models[0] == models[1]


BAD_OPTIONS = {
    "batch size": (("--batch-size", "0"), 2, "argument --batch-size: must be from 1 to inf; got 0"),
    "epochs": (("--epochs", "many"), 2, "argument --epochs: invalid int value: 'many'"),
    "learning rate": (("--lr", "nan"), 2, "argument --lr: must be from 1e-09 to inf; got nan"),
    "dropout": (("--dropout", "1"), 2, "argument --dropout: must be from 0 to 0.99; got 1"),
    "data": (("--data", "nowhere"), 2, "expected digits, mnist or a folder with four IDX files; there is no 'nowhere'"),
    "empty folder": (("--data", "."), 1, "lacks 4 of the four files: train-images-idx3-ubyte, "),
    "resume": (("--resume", "nowhere.npz"), 2, "--resume: there is no file nowhere.npz"),
    "device": (("--device", "abacus"), 1, "unknown device 'abacus'"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_bad_options(tmp_path: Path, case: str) -> None:
    arguments, code, message = BAD_OPTIONS[case]
    done = run(tmp_path, *arguments)
    assert done.returncode == code
    assert "train_mnist.py: error: " in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not any(tmp_path.iterdir())


def test_unknown_device_lists_those_there_are(tmp_path: Path) -> None:
    said = run(tmp_path, "--device", "abacus").stderr
    assert re.search(r"available: .*numpy", said)


def test_labels_out_of_range(tmp_path: Path, images: Path) -> None:
    for file in images.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x0a")
    done = run(tmp_path, "--data", tmp_path, *SHORT)
    assert done.returncode == 1
    assert done.stderr.startswith("train_mnist.py: error: softmax_cross_entropy: "), done.stderr
    assert "= 10 is outside of the 10 classes 0 to 9" in done.stderr


def test_it_names_no_array_library() -> None:
    text = MNIST.read_text(encoding="utf-8")
    imported = set(re.findall(r"^\s*(?:import|from) (\w+)", text, re.MULTILINE))
    assert imported & {"numpy", "cupy", "torch", "jax", "array_api_strict"} == set()
    assert not re.search(r"\bnp\.|\bcp\.", text)
