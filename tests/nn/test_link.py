"""Links: what they own, how it is named, walked, copied, moved and saved."""

from __future__ import annotations

import collections
import copy
import pickle
import weakref
from typing import Any, NamedTuple

import numpy as np
import pytest

import xdbr
import xdbr.nn.functions as F
import xdbr.nn.links as L
from xdbr import nn
from xdbr._errors import DeviceError, DtypeError, SerializationError, ShapeError
from xdbr.backends import Backend, Device
from xdbr.testing import assert_allclose, to_host


class Block(nn.Chain):
    def __init__(self, size: int | None = 3) -> None:
        super().__init__()
        self.inner = L.Linear(size, 2)
        self.gain = nn.Parameter(1.0, 2)

    def forward(self, x: Any) -> Any:
        return self.inner(x) * self.gain


class Model(nn.Chain):
    def __init__(self, size: int | None = 3) -> None:
        super().__init__()
        self.block = Block(size)
        self.layers = [L.Linear(2, 2, nobias=True), {"a": L.Linear(2, 1), "b": nn.Parameter(0.0, 1)}]
        self.scale = nn.Parameter(2.0, 1)
        self.table = ({}, None, nn.Parameter(0.5, 1))
        self.add_persistent("mean", xdbr.zeros(2))
        self.add_persistent("count", 0)

    def forward(self, x: Any) -> Any:
        h = self.layers[0](self.block(x))
        return self.layers[1]["a"](h) * self.scale + self.layers[1]["b"] + self.table[2]


PATHS = [
    "/layers/1/b",
    "/scale",
    "/table/2",
    "/block/gain",
    "/block/inner/W",
    "/block/inner/b",
    "/layers/0/W",
    "/layers/1/a/W",
    "/layers/1/a/b",
]


class Pair(NamedTuple):
    one: Any
    other: Any


def paths(link: nn.Link) -> list[str]:
    return [path for path, _ in link.namedparams()]


def values(link: nn.Link) -> dict[str, Any]:
    return {path: to_host(param).copy() for path, param in link.namedparams(include_uninit=False)}


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


# ---------------------------------------------------------------------------------- owning and naming


def test_paths_and_names() -> None:
    model = Model()
    assert paths(model) == PATHS
    assert [param.name for param in model.params()] == PATHS
    assert [path for path, _ in model.namedlinks()] == [
        "/", "/block", "/block/inner", "/layers/0", "/layers/1/a",
    ]  # fmt: skip
    assert next(path for path, _ in model.namedlinks(skipself=True)) == "/block"
    assert list(model.children()) == [model.block, model.layers[0], model.layers[1]["a"]]
    assert model.count_params() == 1 + 1 + 1 + 2 + 6 + 2 + 4 + 2 + 1


def test_base_init_may_be_forgotten() -> None:
    class Forgetful(nn.Link):
        def __init__(self) -> None:
            self.W = nn.Parameter(0.0, 2)

    assert paths(Forgetful()) == ["/W"]


def test_replacing_and_deleting_attributes() -> None:
    link = Block()
    other = nn.Parameter(3.0, 2)
    link.gain = other
    assert dict(link.namedparams())["/gain"] is other
    link.inner = None  # type: ignore[assignment]
    assert paths(link) == ["/gain"]
    del link.gain
    assert paths(link) == []
    with pytest.raises(AttributeError):
        _ = link.gain


def test_lists_and_dicts_are_looked_into_at_each_walk() -> None:
    class Growing(nn.Link):
        def __init__(self) -> None:
            self.layers: list[Any] = []
            self.heads: dict[str, Any] = {}
            self.slots: list[Any] = [None, None]
            self.words = ["a", "b"]

    link = Growing()
    link.layers.append(L.Linear(1, 1, nobias=True))
    link.heads["x"] = L.Linear(1, 1, nobias=True)
    link.slots[1] = L.Linear(1, 1, nobias=True)
    assert paths(link) == ["/layers/0/W", "/heads/x/W", "/slots/1/W"]
    assert [param.name for param in link.params()] == paths(link)


def _append(layers: list[Any], new: Any) -> None:
    layers.append(new)


def _extend(layers: list[Any], new: Any) -> None:
    layers.extend([new])


def _insert(layers: list[Any], new: Any) -> None:
    layers.insert(0, new)


def _assign(layers: list[Any], new: Any) -> None:
    layers[0] = new


def _nest(layers: list[Any], new: Any) -> None:
    layers[1]["a"] = new


def _update(layers: list[Any], new: Any) -> None:
    layers[1].update(c=new)


@pytest.mark.parametrize("grow", [_append, _extend, _insert, _assign, _nest, _update])
@pytest.mark.parametrize("below", [False, True], ids=["top", "below"])
@pytest.mark.parametrize("made", [lambda m: m, copy.deepcopy, nn.Link.copy], ids=["itself", "deepcopy", "copy"])
def test_what_comes_into_a_list_later_has_its_path(made: Any, below: bool, grow: Any) -> None:
    inner = Model()
    model = made(nn.Chain(body=inner) if below else inner)
    grow((model.body if below else model).layers, new := L.Linear(2, 4))
    path = next(path for path, link in model.namedlinks() if link is new)
    assert path.startswith("/body/layers/" if below else "/layers/")
    with pytest.raises(ShapeError, match=f"'{path}/W'"):
        new(xdbr.ones((1, 3)))
    assert [param.name for param in model.params()] == paths(model)
    dot = xdbr.draw(new(xdbr.ones((1, 2)))).dot()
    assert f"{path}/W" in dot
    assert f"{path}/b" in dot


def test_a_link_that_is_not_full_yet_names_what_comes_by_its_whole_path() -> None:
    model = nn.Chain(body=Block(), layers=nn.ChainList(L.Linear(2, 2)))
    model.body.extra = nn.Parameter(0.0, 1)
    model.layers.append(L.Linear(2, 2))
    assert [param.name for param in model.params()] == paths(model)
    assert model.body.extra.name == "/body/extra"


def test_names_ask_for_no_link_to_live_on() -> None:
    model = Model()
    model.layers.append(L.Linear(2, 2))
    last = weakref.ref(model.layers[-1])
    assert model.layers[-1].W.name == "/layers/2/W"
    model.layers.pop()
    assert last() is None
    whole = weakref.ref(model)
    W = model.layers[0].W
    del model
    assert whole() is None
    assert W.name == "/layers/0/W"


def test_a_key_that_makes_no_path_spoils_no_other_name() -> None:
    model, other = Model(), Model()
    model.layers[1]["a/b"] = L.Linear(1, 1)
    other.layers.append(L.Linear(2, 2))
    assert other.layers[-1].W.name == "/layers/2/W"
    with pytest.raises(ValueError, match="must be a string without '/' or an integer; got 'a/b'"):
        paths(model)


def test_other_containers() -> None:
    link = nn.Link()
    link.ordered = collections.OrderedDict(a=nn.Parameter(0.0, 1))
    link.default = collections.defaultdict(list, b=[nn.Parameter(0.0, 1)])
    link.pair = Pair(nn.Parameter(0.0, 1), 3)
    assert paths(link) == ["/ordered/a", "/default/b/0", "/pair/0"]
    assert paths(link.copy()) == paths(link)
    with pytest.raises(TypeError, match="parameters and links in a set would have no names"):
        link.heap = {L.Linear(1, 1)}


def test_a_tied_parameter_counts_once_under_its_first_path() -> None:
    model = nn.Chain(encode=L.Linear(2, 2), decode=L.Linear(2, 2, nobias=True))
    model.decode.W = model.encode.W
    assert paths(model) == ["/encode/W", "/encode/b"]
    assert model.count_params() == 6
    assert sorted(model.state_dict()) == ["encode/W", "encode/b"]
    shared = nn.ChainList(model.encode, model.encode)
    assert paths(shared) == ["/0/W", "/0/b"]
    assert len(list(shared.links())) == 2
    assert len(list(shared.children())) == 1


def test_a_link_within_itself_ends() -> None:
    link = Block()
    link.myself = link
    assert paths(link) == ["/gain", "/inner/W", "/inner/b"]
    assert len(list(link.links())) == 2


@pytest.mark.parametrize("key", ["a/b", "", 1.5])
def test_names_that_make_no_path(key: Any) -> None:
    link = nn.Link()
    with pytest.raises(ValueError, match="must be a string without '/' or an integer"):
        link.heads = {key: nn.Parameter(0.0, 1)}


def test_forward_must_be_defined() -> None:
    with pytest.raises(NotImplementedError, match=r"Link must define forward"):
        nn.Link()(1)


def test_repr_shows_the_tree() -> None:
    assert repr(Block(None)) == "Block(\n  (inner): Linear(None, 2)\n)"
    assert repr(L.Linear(3, 2, nobias=True)) == "Linear(3, 2, nobias=True)"


# ------------------------------------------------------------------------------------------ lazy sizes


def test_materialize_by_an_example(device: Device) -> None:
    model = Model(None)
    with pytest.raises(ShapeError, match="count_params: the sizes of /block/inner/W become known at the first call"):
        model.count_params()
    assert "/block/inner/W" not in [path for path, _ in model.namedparams(include_uninit=False)]
    assert model.materialize(xdbr.ones((1, 3))) is model
    assert model.count_params() == Model().count_params()
    assert all(param.grad is None for param in model.params())


# ---------------------------------------------------------------------------------- gradients, freezing


def test_cleargrads_addgrads(device: Device) -> None:
    one, other = Block(), Block()
    x = xdbr.ones((1, 3))
    xdbr.sum(one(x)).backward()
    xdbr.sum(other(x * 2)).backward()
    want = to_host(one.inner.W.grad) + to_host(other.inner.W.grad)
    one.addgrads(other)
    assert_allclose(one.inner.W.grad, want)
    one.cleargrads()
    assert all(param.grad is None for param in one.params())
    one.addgrads(other)
    assert_allclose(one.inner.W.grad, to_host(other.inner.W.grad))


def test_addgrads_that_do_not_fit_change_nothing() -> None:
    one, other = Block(3), Block(4)
    xdbr.sum(other(xdbr.ones((1, 4)))).backward()
    with pytest.raises(ShapeError, match=r"/inner/W has shape \(2, 3\) here; its gradient there has \(2, 4\)"):
        one.addgrads(other)
    assert all(param.grad is None for param in one.params())
    with pytest.raises(ValueError, match="different parameters: .*/gain"):
        one.addgrads(L.Linear(3, 2))


def test_freezing() -> None:
    model = Model()
    assert model.update_enabled
    model.block.disable_update()
    assert not model.block.update_enabled
    assert model.update_enabled
    assert [param.update_enabled for param in model.params()] == [True] * 3 + [False] * 3 + [True] * 3
    model.enable_update()
    assert model.block.update_enabled


# ----------------------------------------------------------------------------------------------- copies


def test_copy_shares() -> None:
    model = Model()
    made = model.copy()
    assert type(made) is Model
    assert made is not model
    assert made.block is not model.block
    assert made.layers is not model.layers
    assert [*map(id, made.params())] == [*map(id, model.params())]
    made.block.gain = nn.Parameter(7.0, 2)
    assert_allclose(model.block.gain, [1.0, 1.0])
    made.mean = made.mean + 1
    assert_allclose(model.mean, [0.0, 0.0])


@pytest.mark.parametrize(
    "how",
    [lambda m: m.copy("copy"), copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_copy_copies(how: Any) -> None:
    model = Model()
    model.loss = xdbr.sum(model(xdbr.ones((2, 3))))
    model.loss.backward(retain_graph=True)
    made = how(model)
    assert same(values(made), values(model))
    assert not set(map(id, made.params())) & set(map(id, model.params()))
    assert [param.name for param in made.params()] == PATHS
    assert_allclose(made.scale.grad, to_host(model.scale.grad))
    assert not made.loss.requires_grad
    assert_allclose(made.loss, to_host(model.loss))
    with xdbr.no_grad():
        made.scale += 1
    assert_allclose(model.scale, [2.0])


def test_copy_with_fresh_values() -> None:
    model = Model()
    xdbr.sum(model(xdbr.ones((2, 3)))).backward()
    made = model.copy("init")
    assert made.block.inner.W.shape == (2, 3)
    assert not np.any(to_host(made.block.inner.W) == to_host(model.block.inner.W))
    assert_allclose(made.scale, [2.0])
    assert all(param.grad is None for param in made.params())
    lazy = Model(None).copy("init")
    assert lazy.block.inner.W.shape == (2, None)


@pytest.mark.parametrize("mode", ["share", "copy", "init"])
def test_copies_keep_ties(mode: Any) -> None:
    model = nn.Chain(encode=L.Linear(2, 2), decode=L.Linear(2, 2, nobias=True))
    model.decode.W = model.encode.W
    made = model.copy(mode)
    assert made.decode.W is made.encode.W


def test_unknown_mode() -> None:
    with pytest.raises(ValueError, match="mode must be 'share', 'copy' or 'init'; got 'deep'"):
        Block().copy("deep")  # type: ignore[arg-type]


def test_repeat() -> None:
    layers = L.Linear(3, 3).repeat(3)
    assert type(layers) is nn.Sequential
    assert paths(layers) == ["/0/W", "/0/b", "/1/W", "/1/b", "/2/W", "/2/b"]
    assert not np.any(to_host(layers[0].W) == to_host(layers[1].W))
    assert layers(xdbr.ones((2, 3))).shape == (2, 3)
    assert len(L.Linear(3, 3).repeat(0)) == 0
    with pytest.raises(ValueError, match="n must not be negative; got -1"):
        L.Linear(3, 3).repeat(-1)


def test_copyparams() -> None:
    one, other = Model(), Model()
    other.mean = other.mean + 5
    other.count = 3
    one.copyparams(other, copy_persistent=False)
    assert same(values(one), values(other))
    assert one.count == 0
    assert_allclose(one.mean, [0.0, 0.0])
    one.copyparams(other)
    assert one.count == 3
    assert_allclose(one.mean, [5.0, 5.0])
    with xdbr.no_grad():
        one.scale += 1
    assert_allclose(other.scale, [2.0])
    before = values(one)
    with pytest.raises(SerializationError, match=r"(?s)copyparams.*missing: layers/1/b.*unexpected: gain"):
        one.copyparams(Block())
    assert same(values(one), before)


# ---------------------------------------------------------------------------------------------- devices


def test_to_device(backend: Backend) -> None:
    devices = [device for device in backend.devices() if device != backend.default_device()]
    if not devices:
        pytest.skip(f"{backend.name} has one device here")
    with xdbr.device(backend.default_device()):
        model = Model(None)
    assert model.to_device(devices[0]) is model
    assert {param.device for param in model.params()} == {devices[0]}
    assert model.mean.device == devices[0]
    y = model(xdbr.ones((1, 3), device=devices[0]))
    assert y.device == devices[0]
    assert model.block.inner.W.device == devices[0]


def test_to_another_backend_and_back() -> None:
    pytest.importorskip("array_api_strict", reason="the strict backend is not installed")
    with xdbr.device("numpy"):
        model = Model()
        x = xdbr.ones((2, 3))
        want = to_host(model(x))
    model.to_device("strict:device1")
    assert_allclose(model(x.to_device("strict:device1")), want)
    model.to_device("numpy")
    assert_allclose(model(x), want)


def test_to_no_device_moves_nothing() -> None:
    model = Block()
    before = {param.device for param in model.params()}
    with pytest.raises(DeviceError, match="unknown device 'gameboy'"):
        model.to_device("gameboy")
    assert {param.device for param in model.params()} == before


# ------------------------------------------------------------------------------------------------ state


def test_state_dict(device: Device) -> None:
    model = Model()
    state = model.state_dict()
    assert list(state) == [path[1:] for path in PATHS] + ["mean", "count"]
    assert all(isinstance(value, np.ndarray) for key, value in state.items() if key != "count")
    other = Model(None)
    other.load_state_dict(state)
    assert same(values(other), values(model))
    assert other.scale.device == device
    assert other.scale.is_leaf


def test_state_is_a_snapshot() -> None:
    model = Block()
    state = model.state_dict()
    before = {key: value.copy() for key, value in state.items()}
    with xdbr.no_grad():
        model.gain += 1
        model.inner.W[0, 0] = 100.0
    optimizer = xdbr.optim.SGD(1.0).setup(model)
    optimizer.update(lambda x: xdbr.sum(model(x)), xdbr.ones((1, 3)))
    assert same(state, before)
    with pytest.raises(ValueError, match="read-only"):
        state["gain"][0] = 1


def test_loaded_state_is_copied() -> None:
    model = Block()
    state = {key: value.copy() for key, value in model.state_dict().items()}
    model.load_state_dict(state)
    before = values(model)
    state["gain"][0] = 77
    assert same(values(model), before)


def test_everything_that_does_not_fit_is_listed_and_nothing_changed() -> None:
    model = Model()
    state: dict[str, Any] = dict(model.state_dict())
    del state["scale"], state["mean"]
    state["block/gain"] = np.zeros(3, "float32")
    state["block/inner/W"] = np.zeros((2, 3))
    state["block/inner/b"] = None
    state["layers/0/W"] = "text"
    state["layers/9/W"] = np.zeros(1, "float32")
    before = values(model)
    with pytest.raises(SerializationError) as raised:
        model.load_state_dict(state)
    text = str(raised.value)
    for line in [
        "Model.load_state_dict: the state does not fit, nothing was loaded:",
        "missing: scale",
        "missing: mean",
        "wrong shape: block/gain has (3,), expected (2,)",
        "wrong dtype: block/inner/W has float64, expected float32",
        "no values: block/inner/b was saved before its shape was known; here it has shape (2,)",
        "no array: layers/0/W is 'text', expected an array of shape (2, 2) and dtype float32",
        "unexpected: layers/9/W",
    ]:
        assert line in text
    assert same(values(model), before)
    assert model.check_state_dict(state, strict=False) == [
        line.strip() for line in text.splitlines() if line.startswith(("  wrong", "  no "))
    ]
    with pytest.raises(SerializationError, match="expected a dict from paths to arrays; got list"):
        model.load_state_dict([])  # type: ignore[arg-type]


def test_loading_what_fits() -> None:
    model = Block()
    model.load_state_dict({"gain": np.array([5, 6], "float32"), "other": np.zeros(1)}, strict=False)
    assert_allclose(model.gain, [5.0, 6.0])


def test_lazy_parameters_and_state() -> None:
    lazy = Block(None)
    state = lazy.state_dict()
    assert state["inner/W"] is None
    other = Block(None)
    other.load_state_dict(state)
    assert not other.inner.W.is_initialized
    with pytest.raises(SerializationError, match=r"wrong shape: inner/W has \(5, 3\), expected \(2, None\)"):
        other.load_state_dict({**state, "inner/W": np.zeros((5, 3), "float32")})
    assert not other.inner.W.is_initialized


def test_persistents() -> None:
    link = nn.Link()
    with pytest.raises(AttributeError, match="register_persistent: Link has no attribute 'mean'"):
        link.register_persistent("mean")
    link.W = nn.Parameter(0.0, 2)
    with pytest.raises(TypeError, match=r"register_persistent: Link\.W holds parameters"):
        link.register_persistent("W")
    link.raw = xdbr.ones(2).data
    link.register_persistent("raw")
    other = copy.deepcopy(link)
    link.raw = (xdbr.ones(2) * 3).data
    other.load_state_dict(link.state_dict())
    assert type(other.raw) is type(link.raw)
    assert_allclose(other.raw, [3.0, 3.0])
    with pytest.raises(SerializationError, match=r"wrong shape: raw has \(3,\), expected \(2,\)"):
        other.load_state_dict({**link.state_dict(), "raw": np.ones(3, "float32")})


# ------------------------------------------------------------------------------- Chain, lists, Sequential


def test_chain_takes_links_by_keyword() -> None:
    chain = nn.Chain(a=L.Linear(2, 3), b=L.Linear(3, 1))
    assert chain["a"] is chain.a
    assert paths(chain) == ["/a/W", "/a/b", "/b/W", "/b/b"]
    with pytest.raises(KeyError, match="Chain has no link 'c'; it has a, b"):
        chain["c"]
    with pytest.raises(TypeError, match=r"Chain\.c: expected a Link; got function"):
        nn.Chain(c=lambda x: x)  # type: ignore[arg-type]


def test_chain_list() -> None:
    layers = nn.ChainList(L.Linear(2, 3))
    layers.append(L.Linear(3, 3))
    layers.extend([L.Linear(3, 1)])
    layers.insert(1, L.Linear(3, 3, nobias=True))
    assert paths(layers) == ["/0/W", "/0/b", "/1/W", "/2/W", "/2/b", "/3/W", "/3/b"]
    assert [param.name for param in layers.params()] == paths(layers)
    assert len(layers) == 4
    assert layers[-1] is list(layers)[3]
    del layers[1]
    layers[0] = L.Linear(2, 3, nobias=True)
    assert [param.name for param in layers.params()] == ["/0/W", "/1/W", "/1/b", "/2/W", "/2/b"]
    layers.gain = nn.Parameter(1.0, 1)
    assert paths(layers)[0] == "/gain"
    assert bool(nn.ChainList())
    with pytest.raises(TypeError, match="ChainList: expected a Link; got int"):
        layers.append(3)
    outer = nn.Chain(layers=layers)
    assert layers[0].W.name == "/layers/0/W"
    assert paths(outer.copy("copy"))[1] == "/layers/0/W"


def test_sequential(device: Device) -> None:
    model = nn.Sequential(L.Linear(2, 3), F.relu, nn.Sequential(L.Linear(3, 3), xdbr.tanh), L.Linear(3, 1))
    x = xdbr.ones((4, 2))
    y = x
    for layer in model:
        y = layer(y)
    assert_allclose(model(x), to_host(y))
    assert paths(model) == ["/0/W", "/0/b", "/2/0/W", "/2/0/b", "/3/W", "/3/b"]
    assert len(model.flatten()) == 5
    assert_allclose(model.flatten()(x), to_host(y))
    head = model[:2]
    assert type(head) is nn.Sequential
    assert head[0] is model[0]
    assert_allclose(head(x), to_host(F.relu(model[0](x))))
    model.remove_by_layer_type("relu")
    assert len(model) == 3
    model.remove_by_layer_type("Linear")
    assert len(model) == 1
    assert "relu" in repr(nn.Sequential(F.relu))


def test_sequential_spreads_tuples_and_refuses_what_cannot_be_called() -> None:
    model = nn.Sequential(lambda a, b: (a + b, a * b), lambda s, p: s - p)
    assert model(2, 3) == -1
    with pytest.raises(TypeError, match="expected a link or another callable; got int"):
        nn.Sequential(1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Sequential: there is no layer to call"):
        nn.Sequential()(1)


def test_addgrads_of_another_dtype() -> None:
    one = Block()
    with xdbr.default_dtype("float64"):
        other = Block()
        xdbr.sum(other(xdbr.ones((1, 3)))).backward()
    one.gain.grad = xdbr.ones(2)
    with pytest.raises(DtypeError, match="addgrads: /gain has dtype float32 here; its gradient there has float64"):
        one.addgrads(other)
    assert_allclose(one.gain.grad, [1.0, 1.0])
    assert one.inner.W.grad is None
