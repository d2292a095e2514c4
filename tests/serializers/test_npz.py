"""npz files: whole training states there and back, and every way in which a file can be wrong."""

from __future__ import annotations

import io
import json
import os
import pickle
import stat
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xdbr
import xdbr.nn.links as L
from xdbr import nn, optim
from xdbr._errors import SerializationError
from xdbr.backends import Device
from xdbr.serializers import load_npz, save_npz
from xdbr.testing import assert_allclose, to_host


class Model(nn.Chain):
    def __init__(self, size: int | None = 4) -> None:
        super().__init__()
        self.l1 = L.Linear(size, 5)
        self.l2 = L.Linear(5, 3, nobias=True)
        self.add_persistent("mean", xdbr.zeros(2))
        self.add_persistent("count", 0)

    def forward(self, x: Any) -> Any:
        return self.l2(xdbr.tanh(self.l1(x)))


def values(link: nn.Link) -> dict[str, Any]:
    return {path: to_host(param).copy() for path, param in link.namedparams(include_uninit=False)}


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def trained(size: int | None = 4, steps: int = 3) -> tuple[Model, optim.Optimizer]:
    model = Model(size)
    optimizer = optim.Adam(lr=0.05).setup(model)
    for _ in range(steps):
        step(model, optimizer)
    return model, optimizer


def step(model: Model, optimizer: optim.Optimizer) -> None:
    optimizer.update(lambda: xdbr.sum(model(xdbr.ones((2, 4))) ** 2))


# ---------------------------------------------------------------------------------------- there and back


@pytest.mark.parametrize("compression", [False, True])
def test_model(tmp_path: Path, compression: bool, device: Device) -> None:
    model = Model()
    model.mean, model.count = model.mean + 7, 3
    save_npz(tmp_path / "model", model, compression=compression)
    other = Model()
    assert load_npz(tmp_path / "model", other) is other
    assert same(values(other), values(model))
    assert_allclose(other.mean, [7.0, 7.0])
    assert other.count == 3
    assert {param.device for param in other.params()} == {device}
    assert all(param.is_leaf and param.requires_grad for param in other.params())


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("order", [("model", "optimizer"), ("optimizer", "model")])
def test_training_goes_on_bit_for_bit(tmp_path: Path, lazy: bool, order: tuple[str, str], device: Device) -> None:
    model, optimizer = trained()
    path = tmp_path / "state.npz"
    save_npz(path, {"model": model, "optimizer": optimizer, "meta": {"epoch": 3, "log": [1.5, None, "text", True]}})
    other = Model(None if lazy else 4)
    again = optim.Adam().setup(other)
    bundle = {"model": other, "optimizer": again}
    read = load_npz(path, {**{name: bundle[name] for name in order}, "meta": None})
    assert read["model"] is other
    assert read["meta"] == {"epoch": 3, "log": [1.5, None, "text", True]}
    for _ in range(3):
        step(model, optimizer)
        step(other, again)
    assert same(values(other), values(model))
    assert again.t == 6


def test_saved_before_the_first_call(tmp_path: Path) -> None:
    model = Model(None)
    optimizer = optim.Adam(lr=0.5).setup(model)
    save_npz(tmp_path / "a", {"model": model, "optimizer": optimizer})
    other = Model(None)
    again = optim.Adam().setup(other)
    load_npz(tmp_path / "a", {"model": other, "optimizer": again})
    assert not other.l1.W.is_initialized
    assert again.lr == 0.5
    assert same(values(other), values(model))
    step(other, again)
    save_npz(tmp_path / "b", other)
    with pytest.raises(SerializationError, match=r"no values: model/l1/W was saved before .*\(5, 4\)"):
        load_npz(tmp_path / "a", {"model": other, "optimizer": again})
    load_npz(tmp_path / "b", model)
    assert same(values(other), values(model))


def test_tied_parameters_are_there_once(tmp_path: Path) -> None:
    def tied() -> nn.Chain:
        model = nn.Chain(a=L.Linear(2, 2, nobias=True), b=L.Linear(2, 2, nobias=True))
        model.b.W = model.a.W
        return model

    model, other = tied(), tied()
    save_npz(tmp_path / "a", model)
    with np.load(tmp_path / "a") as file:
        assert sorted(file.files) == ["__xdbr__", "a/W"]
    load_npz(tmp_path / "a", other)
    assert other.b.W is other.a.W
    assert_allclose(other.a.W, to_host(model.a.W), rtol=0)


def test_across_devices(tmp_path: Path) -> None:
    pytest.importorskip("array_api_strict", reason="the strict backend is not installed")
    with xdbr.device("strict:device1"):
        model, optimizer = trained()
        save_npz(tmp_path / "a", {"model": model, "optimizer": optimizer})
    with xdbr.device("numpy"):
        other = Model(None)
        again = optim.Adam().setup(other)
        load_npz(tmp_path / "a", {"model": other, "optimizer": again})
        step(other, again)
        assert other.l1.W.device == "numpy"
    with xdbr.device("strict:device1"):
        step(model, optimizer)
    for path, value in values(other).items():
        assert_allclose(values(model)[path], value)


def test_generators_and_iterators(tmp_path: Path) -> None:
    generator = xdbr.random.Generator(3)
    batches = xdbr.data.SerialIterator(range(10), 3, seed=1)
    generator.normal(5)
    batches.next()
    save_npz(tmp_path / "a", {"rng": generator, "batches": batches, "global": xdbr.random})
    other = xdbr.random.Generator(9)
    again = xdbr.data.SerialIterator(range(10), 3, seed=2)
    load_npz(tmp_path / "a", {"rng": other, "batches": again, "global": xdbr.random})
    assert_allclose(other.normal(4), to_host(generator.normal(4)), rtol=0)
    assert list(again.next()) == list(batches.next())


def test_plain_values_and_arrays(tmp_path: Path, device: Device) -> None:
    bundle = {
        "float": 0.1,
        "big": 2**80,
        "special": [float("inf"), float("-inf")],
        "none": None,
        "nested": {"a": {"b": [1, {"c": "ü"}]}, "empty": {}, "nothing": []},
        "variable": xdbr.asarray([1.0, 2.0], dtype="float64"),
        "bools": np.array([True, False]),
        "scalar": np.float32(1.5),
        "complex": np.array([1j]),
        "zero": np.zeros((0, 3), "int8"),
    }
    save_npz(tmp_path / "a", bundle)
    read = load_npz(tmp_path / "a")
    for key in ("float", "big", "special", "none", "nested"):
        assert read[key] == bundle[key]
    for key in ("variable", "bools", "scalar", "complex", "zero"):
        right = to_host(bundle[key])
        assert read[key].dtype == right.dtype
        assert read[key].shape == right.shape
        assert np.array_equal(read[key], right)
    save_npz(tmp_path / "b", {"nan": float("nan")})
    assert np.isnan(load_npz(tmp_path / "b")["nan"])


def test_lists_of_objects(tmp_path: Path) -> None:
    models, others = [Model(), Model()], (Model(), Model())
    save_npz(tmp_path / "a", {"models": models, "meta": [1]})
    read = load_npz(tmp_path / "a", {"models": others, "meta": None})
    assert read["models"] == others
    for model, other in zip(models, others, strict=True):
        assert same(values(other), values(model))
    with pytest.raises(SerializationError, match="wrong length: models has 2 parts, expected 1 parts"):
        load_npz(tmp_path / "a", {"models": [Model()], "meta": None})
    with pytest.raises(SerializationError, match="wrong length: meta has 1 parts, expected 2 parts"):
        load_npz(tmp_path / "a", {"models": others, "meta": [Model(), Model()]})


def test_a_bare_array(tmp_path: Path) -> None:
    save_npz(tmp_path / "a", xdbr.asarray([1.0, 2.0]))
    assert_allclose(load_npz(tmp_path / "a"), [1.0, 2.0])


@pytest.mark.parametrize("layout", ["C", "F"])
def test_memory_layouts(tmp_path: Path, layout: Any) -> None:
    source = np.asarray(np.arange(24.0).reshape(2, 3, 4), order=layout)
    save_npz(tmp_path / "a", {"x": source, "part": source[:, ::2, 1:]})
    read = load_npz(tmp_path / "a")
    assert np.array_equal(read["x"], source)
    assert np.array_equal(read["part"], source[:, ::2, 1:])


def test_numpy_reads_it(tmp_path: Path) -> None:
    model = Model()
    save_npz(tmp_path / "a.npz", {"model": model, "meta": {"epoch": 1}})
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert np.array_equal(file["model/l1/W"], to_host(model.l1.W))
        document = json.loads(str(file["__xdbr__"]))
    assert document["version"] == 1
    assert document["structure"]["meta"] == {"epoch": 1}


def test_file_objects(tmp_path: Path) -> None:
    model, other = Model(), Model()
    buffer = io.BytesIO()
    save_npz(buffer, model)
    buffer.seek(0)
    load_npz(buffer, other)
    assert same(values(other), values(model))
    with pytest.raises(SerializationError, match="load_npz: the file is no npz file"):
        load_npz(io.BytesIO(b"nothing"))


def test_equal_states_give_equal_files(tmp_path: Path) -> None:
    model = Model()
    save_npz(tmp_path / "a", model)
    save_npz(tmp_path / "b", model.copy("copy"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_loaded_values_may_be_written(tmp_path: Path) -> None:
    model = Model()
    save_npz(tmp_path / "a", model)
    load_npz(tmp_path / "a", model)
    with xdbr.no_grad():
        model.l1.W[0, 0] = 5.0
        model.l1.W += 1
    assert to_host(model.l1.W)[0, 0] == 6.0


# ------------------------------------------------------------------------------------------------ files


def test_replaces_in_one_step_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    save_npz(path, Model())
    save_npz(path, Model())
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


def test_a_failure_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.npz"
    save_npz(path, Model())
    before = path.read_bytes()

    def full(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="No space left on device"):
        save_npz(path, Model())
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


def test_a_link_is_followed_and_permissions_are_usual(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.npz"
    try:
        link.symlink_to(tmp_path / "real" / "model.npz")
    except (OSError, NotImplementedError) as error:
        pytest.skip(f"this system makes no symbolic links: {error}")
    save_npz(link, Model())
    assert link.is_symlink()
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE((tmp_path / "real" / "model.npz").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save_npz(tmp_path / "nowhere" / "model.npz", Model())
    with pytest.raises(FileNotFoundError):
        load_npz(tmp_path / "nowhere.npz", Model())


@pytest.mark.parametrize(
    ("obj", "match"),
    [
        ({"a": object()}, "save_npz: a is a object; expected an object with state_dict"),
        (lambda: 1, "save_npz: the object is a function"),
        ({"a": {"b": {1, 2}}}, "save_npz: a/b is a set"),
        ({"a": {3: 1}}, "save_npz: the keys of a must be strings; got 3"),
        ({"a": np.array([object()])}, "save_npz: a has dtype object, which cannot be saved"),
        ({"a": np.array(["2020-01-01"], "datetime64[D]")}, "save_npz: a has dtype datetime64"),
        ({"__array__": 1}, "'__array__' is reserved"),
        ({"a/b": np.zeros(1), "a": {"b": np.zeros(1)}}, "save_npz: a/b names two things"),
        ({"__xdbr__": np.zeros(1)}, "save_npz: __xdbr__ names two things"),
    ],
)
def test_what_cannot_be_saved(tmp_path: Path, obj: Any, match: str) -> None:
    (tmp_path / "a").write_text("before")
    with pytest.raises(SerializationError, match=match):
        save_npz(tmp_path / "a", obj)
    assert (tmp_path / "a").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


# -------------------------------------------------------------------------------------- what does not fit


def rewrite(path: Path, **changes: Any) -> None:
    """Replace (or with `None` remove) state entries of a saved model, by their path with `__` for `/`."""
    state = load_npz(path)
    for key, value in changes.items():
        state[key.replace("__", "/")] = value
    save_npz(path, {key: value for key, value in state.items() if value is not ...})


def test_everything_is_listed_at_once_and_nothing_changed(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    save_npz(path, Model())
    rewrite(path, l1__W=np.zeros((5, 9), "float32"), l1__b=np.zeros(5), l2__W=..., l3__W=np.zeros(1), mean=1)
    model = Model()
    before, mean = values(model), to_host(model.mean).copy()
    with pytest.raises(SerializationError) as raised:
        load_npz(path, model)
    assert str(raised.value).splitlines() == [
        f"load_npz: {path}: the state does not fit, nothing was loaded:",
        "  wrong shape: l1/W has (5, 9), expected (5, 4)",
        "  wrong dtype: l1/b has float64, expected float32",
        "  missing: l2/W",
        "  no array: mean is 1, expected an array of shape (2,) and dtype float32",
        "  unexpected: l3/W",
    ]
    assert same(values(model), before)
    assert_allclose(model.mean, mean)
    assert type(raised.value) is SerializationError


def test_bundles_list_the_problems_of_all_their_parts(tmp_path: Path) -> None:
    model, optimizer = trained()
    save_npz(tmp_path / "a", {"model": model, "optimizer": optimizer, "extra": 1})
    other = nn.Chain(l1=L.Linear(4, 5), l2=L.Linear(5, 7, nobias=True))
    again = optim.Adam().setup(other)
    before = values(other)
    with pytest.raises(SerializationError) as raised:
        load_npz(tmp_path / "a", {"model": other, "optimizer": again, "sub": {"deep": Model()}})
    text = str(raised.value)
    for line in [
        "missing: sub",
        "unexpected: extra",
        "wrong shape: model/l2/W has (3, 5), expected (7, 5)",
        "unexpected: model/mean",
        "unexpected: model/count",
        "wrong shape: optimizer/param/l2/W/m has (3, 5), expected (7, 5)",
    ]:
        assert line in text
    assert same(values(other), before)
    assert again.t == 0


def test_not_strict_takes_what_fits(tmp_path: Path) -> None:
    model, _ = trained()
    save_npz(tmp_path / "a", {"model": model, "extra": 1})
    other = nn.Chain(l1=L.Linear(4, 5), l9=L.Linear(1, 1))
    load_npz(tmp_path / "a", {"model": other, "more": None}, strict=False)
    assert_allclose(other.l1.W, to_host(model.l1.W), rtol=0)
    bad = nn.Chain(l1=L.Linear(3, 5))
    with pytest.raises(SerializationError, match=r"wrong shape: model/l1/W has \(5, 4\), expected \(5, 3\)"):
        load_npz(tmp_path / "a", {"model": bad}, strict=False)


def test_an_object_that_refuses_late_takes_the_others_back(tmp_path: Path) -> None:
    model, optimizer = trained()
    batches = xdbr.data.SerialIterator(range(10), 3, seed=1)
    generator = xdbr.random.Generator(3)
    save_npz(tmp_path / "a", {"model": model, "optimizer": optimizer, "rng": generator, "batches": batches})
    other, again = trained(steps=1)
    before, t = values(other), again.t
    rng = xdbr.random.Generator(5)
    rng_state = rng.state_dict()
    shorter = xdbr.data.SerialIterator(range(9), 3, seed=1)
    for order in (("rng", "batches"), ("batches", "rng")):
        parts = {"rng": rng, "batches": shorter}
        with pytest.raises(SerializationError, match="size is 10 there and 9 here"):
            load_npz(tmp_path / "a", {"model": other, "optimizer": again, **{name: parts[name] for name in order}})
        assert same(values(other), before)
        assert again.t == t
        assert rng.state_dict() == rng_state


def test_a_bundle_in_the_place_of_a_model(tmp_path: Path) -> None:
    save_npz(tmp_path / "a", {"model": 3})
    with pytest.raises(SerializationError, match="expected a dict from paths to arrays; got int"):
        load_npz(tmp_path / "a", {"model": Model()})
    save_npz(tmp_path / "b", 3)
    with pytest.raises(SerializationError, match="no dict: the file holds int"):
        load_npz(tmp_path / "b", {"model": Model()})


# ---------------------------------------------------------------------------------------- damaged files


def test_truncated_at_any_place(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    model = Model()
    save_npz(path, model)
    whole = path.read_bytes()
    before = values(model)
    for length in [0, 1, 10, *range(50, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(SerializationError, match=r"load_npz: .*model.npz is (truncated|no npz file)"):
            load_npz(path, model)
    assert same(values(model), before)


@pytest.mark.parametrize("compression", [False, True])
def test_flipped_bytes_are_found(tmp_path: Path, compression: bool) -> None:
    path = tmp_path / "model.npz"
    model = Model()
    save_npz(path, model, compression=compression)
    whole = path.read_bytes()
    before = values(model)
    found = 0
    for place in range(0, len(whole), 41):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(bytes(damaged))
        try:
            read = Model()
            load_npz(path, read)
        except SerializationError as error:
            assert "model.npz" in str(error)  # noqa: PT017 - not every byte matters, such as that of a date
            found += 1
        else:
            assert same(values(read), before)
    assert found > len(whole) // 41 // 2


@pytest.mark.parametrize("content", [b"", b"text", pickle.dumps({"a": 1}), b"\x93NUMPY\x01\x00"])
def test_files_of_another_kind(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(SerializationError, match=r"a is no npz file, or is truncated"):
        load_npz(tmp_path / "a", Model())


def test_an_npz_file_of_somebody_else(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", W=np.zeros(3))
    with pytest.raises(SerializationError, match=r"a.npz was not written by save_npz: it has no member __xdbr__"):
        load_npz(tmp_path / "a.npz", Model())


class Bomb:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("name", ["l1/W", "__xdbr__"])
def test_pickled_objects_are_refused_and_never_run(tmp_path: Path, name: str) -> None:
    path, trace = tmp_path / "bad.npz", tmp_path / "trace"
    document = np.array(json.dumps({"version": 1, "structure": {"l1/W": {"__array__": "l1/W"}}}))
    content: dict[str, Any] = {"__xdbr__": document, name: np.array([Bomb(trace)], dtype=object)}
    np.savez(path, **content)
    model = Model()
    before = values(model)
    with pytest.raises(SerializationError, match=r"bad.npz: .*npy holds pickled Python objects.*nothing was read"):
        load_npz(path, model)
    assert not trace.exists()
    assert same(values(model), before)
    with np.load(path, allow_pickle=True) as file:  # that it would have run
        file[name]
    assert trace.exists()


def archive(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)


def npy(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + data


DOCUMENT = '{"version":1,"structure":{"x":{"__array__":"x"}}}'


def document(text: str) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array(text))
    return buffer.getvalue()


def header(descr: str = "'<f8'", shape: str = "(1,)") -> str:
    return "{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }"


EIGHT = b"12345678"


@pytest.mark.parametrize(
    ("members", "match"),
    [
        ({"x.npy": npy(header(shape="(1000000000000,)"), EIGHT)}, "says it has 8000000000000 bytes of data and has 8"),
        ({"x.npy": npy(header(shape="(-1,)"))}, "damaged"),
        ({"x.npy": npy(header(shape="(2,)"), EIGHT)}, "says it has 16 bytes"),
        ({"x.npy": npy(header(), EIGHT + b"+")}, "says it has 8 bytes of data and has 9"),
        ({"x.npy": npy(header("'|V8'"), EIGHT)}, r"dtype \|V8, which save_npz does not write"),
        ({"x.npy": npy(header("[('a', '<f8')]"), EIGHT)}, "which save_npz does not write"),
        ({"x.npy": npy("__import__('os').getcwd()")}, "damaged"),
        ({"x.npy": npy("{'descr': '<f8'}")}, "damaged"),
        ({"x.npy": npy(header(), EIGHT, b"\x09\x00")}, "npy version"),
        ({"x.npy": b"text"}, "damaged"),
        ({}, "lacks the array 'x'"),
        ({"__xdbr__.npy": document("no JSON")}, "damaged"),
        ({"__xdbr__.npy": document("[1]")}, "format version None; this xdbr reads version 1"),
        ({"__xdbr__.npy": document('{"version":2}')}, "format version 2; this xdbr reads version 1"),
        ({"__xdbr__.npy": document('{"version":1,"structure":{"x":{"__array__":["x"]}}}')}, "damaged"),
        ({"__xdbr__.npy": document('{"version":1,"structure":' + "[" * 100000 + "]" * 100000 + "}")}, "damaged"),
        ({"__xdbr__.npy": npy(header(shape="()"), EIGHT)}, "format version None"),
    ],
)
def test_crafted_files(tmp_path: Path, members: dict[str, bytes], match: str) -> None:
    archive(tmp_path / "a.npz", {"__xdbr__.npy": document(DOCUMENT), **members})
    with pytest.raises(SerializationError, match=f"(?s)a.npz.*{match}"):
        load_npz(tmp_path / "a.npz", {"x": None})


def test_a_file_with_arrays_taken_out_put_in_and_reshaped_lists_all_of_it(tmp_path):
    import numpy as np

    import xdbr
    import xdbr.nn.links as L

    path = tmp_path / "model.npz"
    model = L.Linear(2, 3)
    before = model.W.tolist()
    xdbr.serializers.save_npz(path, model)
    with np.load(path) as archive:
        arrays = dict(archive)
    del arrays["W"]
    arrays["b"] = np.zeros(5, np.float32)
    arrays["extra/foo"] = np.zeros(2)
    np.savez(path, **arrays)
    with pytest.raises(xdbr.SerializationError) as caught:
        xdbr.serializers.load_npz(path, model)
    text = str(caught.value)
    assert "W" in text
    assert "(5,)" in text
    assert "extra/foo" in text
    assert model.W.tolist() == before
