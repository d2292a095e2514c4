"""Backends of others that fail while they are loaded: they never take the program or the other backends down."""

from __future__ import annotations

import sys

import boxlib
import pytest
from backend_helpers import registry

import xdbr
from xdbr import backends
from xdbr._errors import BackendError, DeviceError
from xdbr.backends.compat_backend import CompatBackend

__all__ = ["registry"]  # a fixture


@pytest.fixture
def declare(registry, monkeypatch, tmp_path):
    """A function that declares entry points, as an installed package does."""

    def declare(*lines: str) -> None:
        info = tmp_path / "others-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("\n".join(["[xdbr.backends]", *lines, ""]))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(registry, "_entry_points_read", False)

    return declare


def test_a_factory_that_ends_the_program_is_one_that_cannot_load(registry):
    backends.register("quits", lambda: sys.exit(3))
    assert backends.available()["quits"] == "SystemExit: 3"
    with pytest.raises(BackendError, match="backend 'quits' is not available: SystemExit: 3; available: .*numpy"):
        backends.get("quits")
    with pytest.raises(DeviceError, match=r"unknown device 'nonesuch': .*not available: .*quits \(SystemExit: 3\)"):
        xdbr.zeros(2, device="nonesuch")


def test_a_module_that_ends_the_program_is_one_that_cannot_load(declare, tmp_path):
    (tmp_path / "quitter.py").write_text("raise SystemExit('a script, not a module')\nclass Array: pass\n")
    declare("quitter = quitter:Backend")
    assert backends.available()["quitter"] == "SystemExit: a script, not a module"
    foreign = type("Array", (), {"__module__": "quitter"})
    assert backends.of(foreign()) is None


def test_an_interrupt_passes_through_and_leaves_the_backend_to_be_tried_again(registry):
    def factory():
        tries.append(1)
        if len(tries) == 1:
            raise KeyboardInterrupt
        return CompatBackend(boxlib.lib, "box")

    tries = []
    backends.register("box", factory)
    with pytest.raises(KeyboardInterrupt):
        backends.available()
    assert backends.get("box").name == "box"


@pytest.mark.parametrize("ask", [backends.get, backends.parse_device])
def test_a_factory_that_asks_for_its_own_backend(registry, ask):
    backends.register("loop", lambda: (tries.append(1), ask("loop"))[1])
    tries: list[int] = []
    with pytest.raises(BackendError, match="backend 'loop' is not available: .*'loop' is asked for while it is being"):
        backends.get("loop")
    assert len(tries) == 2  # once more for the list of what there is
    assert "asked for while it is being loaded" in backends.available()["loop"]
    with pytest.raises(DeviceError, match="asked for while it is being loaded, by its own factory"):
        xdbr.zeros(2, device="loop")


def test_factories_that_ask_for_each_other(registry):
    names = [f"loop{i}" for i in range(8)]
    tries: list[str] = []

    def factory(name, other):
        return lambda: (tries.append(name), backends.get(other))[1]

    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        backends.register(name, factory(name, other))
    with pytest.raises(BackendError, match="backend 'loop0' is not available: backend 'loop1' is not available"):
        backends.get("loop0")
    assert len(tries) <= 8 + 8 * 8
    assert backends.available()["numpy"] is None


def test_factories_that_ask_for_what_is_not_there(registry):
    tries: list[int] = []
    for i in range(10):
        backends.register(f"lost{i}", lambda: (tries.append(1), backends.get("nonesuch"))[1])
    with pytest.raises(BackendError, match="unknown backend 'nonesuch'; available: .*numpy"):
        backends.get("nonesuch")
    assert len(tries) == 10
    assert backends.available()["lost3"].startswith("unknown backend 'nonesuch'; registered: numpy, ")


def test_a_factory_may_use_other_backends(registry):
    def factory():
        assert xdbr.zeros(2, device="numpy").tolist() == [0.0, 0.0]
        return CompatBackend(boxlib.lib, "box")

    backends.register("box", factory)
    assert backends.get("box").name == "box"


@pytest.mark.parametrize("value", ["foomod", "foomod:", "!?"])
def test_an_entry_point_without_an_attribute_is_told_what_it_must_look_like(declare, tmp_path, value):
    (tmp_path / "foomod.py").write_text("")
    declare(f"modonly = {value}", "attr = foomod:Backend [extra]")
    found = backends.available()
    assert found["modonly"] == (
        f"it must be declared as 'module:attribute', such as 'mylib_xdbr:MyBackend'; got {value!r}"
    )
    assert found["attr"] == "AttributeError: module 'foomod' has no attribute 'Backend'"
    assert found["numpy"] is None
