"""Which backends there are: registered by name, loaded on first use, found by the type of an array."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._config import MODE, ModeContext
from .._errors import BackendError, DeviceError

if TYPE_CHECKING:
    from ._base import Backend

__all__ = [
    "Device",
    "available",
    "current_device",
    "device",
    "get",
    "get_default_device",
    "of",
    "of_type",
    "parse_device",
    "register",
    "registered",
    "set_default_device",
]

Factory = Callable[[], "Backend"]

_BUILT_IN: dict[str, str] = {
    "numpy": "xdbr.backends.numpy_backend:NumpyBackend",
    "cupy": "xdbr.backends.cupy_backend:CupyBackend",
    "strict": "xdbr.backends.strict_backend:StrictBackend",
    "torch": "xdbr.backends.torch_backend:TorchBackend",
    "jax": "xdbr.backends.jax_backend:JaxBackend",
    "portable": "xdbr.backends.portable_backend:PortableBackend",
}
# Where an array's type is defined tells which backend to load for it.
_MODULE_TO_NAME = {"numpy": "numpy", "cupy": "cupy", "array_api_strict": "strict", "torch": "torch", "jaxlib": "jax", "jax": "jax"}

_factories: dict[str, str | Factory] = dict(_BUILT_IN)
_loaded: dict[str, Backend] = {}
_failed: dict[str, Exception] = {}
_lock = threading.RLock()
_entry_points_read = False


def register(name: str, factory: str | Factory, *, replace: bool = False) -> None:
    """Register a backend under `name`; `factory` is a callable without arguments, or "module:attribute".

    It is called on the backend's first use. Third parties may instead declare an entry point in the
    group `xdbr.backends`. Raises `BackendError` where the name is taken (unless `replace`) or is no
    identifier.

    >>> import xdbr
    >>> from xdbr.backends.numpy_backend import NumpyBackend
    >>> xdbr.backends.register("mynumpy", lambda: NumpyBackend(name="mynumpy"), replace=True)
    >>> xdbr.backends.get("mynumpy").name
    'mynumpy'
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise BackendError(f"register: name must be an identifier such as 'numpy'; got {name!r}")
    if not (isinstance(factory, str) and ":" in factory) and not callable(factory):
        raise BackendError(f"register: factory must be a callable or 'module:attribute'; got {factory!r}")
    with _lock:
        if name in _factories and not replace:
            raise BackendError(f"register: a backend named {name!r} exists already; pass replace=True to replace it")
        _factories[name] = factory
        _loaded.pop(name, None)
        _failed.pop(name, None)


def registered() -> tuple[str, ...]:
    """Give the names of all backends, whether or not they can be loaded here.

    >>> import xdbr
    >>> "numpy" in xdbr.backends.registered()
    True
    """
    _read_entry_points()
    return tuple(_factories)


def _read_entry_points() -> None:
    global _entry_points_read
    if _entry_points_read:
        return
    _entry_points_read = True
    from importlib.metadata import entry_points

    for point in entry_points(group="xdbr.backends"):
        _factories.setdefault(point.name, _entry_point_factory(point))


def _entry_point_factory(point: Any) -> Factory:
    def load() -> Backend:
        made = point.load()()
        return made  # type: ignore[no-any-return]

    return load


def get(name: str) -> Backend:
    """Give the backend called `name`, loading it on first use.

    Raises `BackendError`, which lists the backends that are available and why the others are not.

    >>> import xdbr
    >>> xdbr.backends.get("numpy").name
    'numpy'
    """
    backend = _loaded.get(name)
    if backend is not None:
        return backend
    if name not in _factories:
        _read_entry_points()
    if name not in _factories:
        raise BackendError(f"unknown backend {name!r}; {_what_there_is()}")
    try:
        return _load(name)
    except Exception as error:
        raise BackendError(f"backend {name!r} is not available: {_reason(error)}; {_what_there_is(but=name)}") from error


def _load(name: str) -> Backend:
    with _lock:
        if name in _loaded:
            return _loaded[name]
        factory = _factories[name]
        try:
            if isinstance(factory, str):
                module, _, attribute = factory.partition(":")
                factory = getattr(importlib.import_module(module), attribute)
            backend = factory()
        except Exception as error:
            _failed[name] = error
            raise
        _failed.pop(name, None)
        _loaded[name] = backend
        for array_type in backend.array_types:
            _TYPES.setdefault(array_type, backend)
        return backend


def available() -> dict[str, str | None]:
    """Tell for each backend `None` where it can be used here, else the reason why it cannot.

    >>> import xdbr
    >>> xdbr.backends.available()["numpy"] is None
    True
    """
    found: dict[str, str | None] = {}
    for name in registered():
        try:
            _load(name)
            found[name] = None
        except Exception as error:
            found[name] = _reason(error)
    return found


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if text else type(error).__name__


def _what_there_is(but: str | None = None) -> str:
    found = available()
    usable = [name for name, reason in found.items() if reason is None]
    missing = [f"{name} ({reason})" for name, reason in found.items() if reason is not None and name != but]
    text = f"available: {', '.join(usable)}"
    return f"{text}; not available: {'; '.join(missing)}" if missing else text


class _TypeTable(dict[type, Any]):
    """From the type of an array to its backend; a miss loads the backend, and is not remembered where there is none."""

    def __missing__(self, array_type: type) -> Backend | None:
        for base in array_type.__mro__:
            found = self.get(base)
            if found is None:
                name = _MODULE_TO_NAME.get(base.__module__.partition(".")[0])
                if name is None:
                    continue
                try:
                    _load(name)
                except Exception:
                    continue
                found = self.get(base) or _loaded[name] if name in _loaded and _loaded[name].owns(array_type) else None
            if found is not None and found.owns(array_type):
                self[array_type] = found
                return found  # type: ignore[no-any-return]
        for backend in list(_loaded.values()):
            if backend.owns(array_type):
                self[array_type] = backend
                return backend
        return None


_TYPES = _TypeTable()


def of(array: Any, /) -> Backend | None:
    """Give the backend whose raw array `array` is, or `None`.

    >>> import numpy, xdbr
    >>> xdbr.backends.of(numpy.zeros(3)).name
    'numpy'
    >>> xdbr.backends.of("text") is None
    True
    """
    return _TYPES[type(array)]


def of_type(array_type: type, /) -> Backend | None:
    """Give the backend whose raw arrays have this type, or `None`."""
    return _TYPES[array_type]


class Device:
    """A backend and one of its devices, spelled "numpy", "cupy:0", "strict:device1", "torch:cuda:0".

    Immutable, hashable, and equal to its spelling. `name` is the backend's, `index` what follows it.

    >>> import xdbr
    >>> xdbr.Device("numpy")
    Device('numpy')
    >>> xdbr.zeros(3, device="numpy").device == "numpy"
    True
    """

    __slots__ = ("index", "name")

    name: str
    index: str | int | None

    def __init__(self, name: str, index: str | int | None = None) -> None:
        if not isinstance(name, str) or not name:
            raise DeviceError(f"Device: expected a spelling such as 'numpy' or 'cupy:0'; got {name!r}")
        if index is None and ":" in name:
            name, _, rest = name.partition(":")
            index = int(rest) if rest.isdecimal() else rest
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "index", index)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Device is immutable; {name} cannot be set")

    @property
    def backend(self) -> Backend:
        """The backend that drives this device."""
        return get(self.name)

    def __str__(self) -> str:
        return self.name if self.index is None else f"{self.name}:{self.index}"

    def __repr__(self) -> str:
        return f"Device({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, Device):
            return self.name == other.name and self.index == other.index
        if isinstance(other, str):
            return str(self) == other
        return NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Device, (self.name, self.index))


def parse_device(spec: Any, *, function: str = "device") -> Device:
    """Read a `Device`, its spelling, or a library's own device object; the backend's default where it names none.

    Raises `DeviceError` where there is no such device, listing those there are.

    >>> import xdbr
    >>> xdbr.backends.parse_device("numpy")
    Device('numpy')
    """
    if isinstance(spec, str):
        spec = Device("numpy" if spec == "cpu" else spec)
    if isinstance(spec, Device):
        try:
            backend = get(spec.name)
        except BackendError as error:
            raise DeviceError(f"{function}: unknown device {str(spec)!r}: {error}") from error
        return backend.check_device(spec, function=function)
    for backend in list(_loaded.values()):
        found = backend.from_raw_device(spec)
        if found is not None:
            return found
    raise DeviceError(
        f"{function}: expected a device such as 'numpy' or 'cupy:0'; got {spec!r} of type {type(spec).__name__}"
    )


_default_device: Device | None = None


def set_default_device(spec: Any) -> None:
    """Set the device that creation functions of the top-level namespace use, for the whole process.

    `XDBR_DEVICE` sets it at start; `with xdbr.device(...)` goes before it. Raises `DeviceError`.

    >>> import xdbr
    >>> xdbr.set_default_device("numpy")
    """
    global _default_device
    _default_device = parse_device(spec, function="set_default_device")


def get_default_device() -> Device:
    """Give the device that creation functions of the top-level namespace use here.

    >>> import xdbr
    >>> isinstance(xdbr.get_default_device(), xdbr.Device)
    True
    """
    global _default_device
    inside = MODE.get().device
    if inside is not None:
        return inside  # type: ignore[no-any-return]
    if _default_device is None:
        _default_device = parse_device(os.environ.get("XDBR_DEVICE") or "numpy", function="XDBR_DEVICE")
    return _default_device


def current_device(backend: Backend) -> Device:
    """Give the device on which `backend` creates arrays here: the default device where it is the backend's own."""
    chosen = get_default_device()
    return chosen if chosen.name == backend.name else backend.default_device()


class device(ModeContext):  # noqa: N801 - reads as a verb: `with xdbr.device("cupy:0"):`
    """Create arrays on another device inside; a context manager and a decorator.

    Raises `DeviceError` where there is no such device.

    >>> import xdbr
    >>> with xdbr.device("numpy"):
    ...     xdbr.zeros(3).device
    Device('numpy')
    """

    __slots__ = ()

    def __init__(self, spec: Any, /) -> None:
        super().__init__("device", parse_device(spec))
