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
    "derived",
    "device",
    "get",
    "get_default_device",
    "levels_meet",
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
}
# The package where a type is defined tells which backend to load for it, where that is not called like the package.
_PACKAGE_TO_NAME = {"array_api_strict": "strict", "jaxlib": "jax"}

_factories: dict[str, str | Factory] = dict(_BUILT_IN)
_loaded: dict[str, Backend] = {}
# One lock for the tables, and one per backend while it loads: importing one library must not hold up another.
_lock = threading.RLock()
_loading: dict[str, threading.RLock] = {}
_entry_points_read = False


class _Making(threading.local):
    """The backends that this thread is loading, each for the one before it."""

    names: tuple[str, ...] = ()


_making = _Making()


def register(name: str, factory: str | Factory, *, replace: bool = False) -> None:
    """Register a backend under `name`; `factory` gives it, or says where it is: "module:attribute".

    factory: called without arguments on the backend's first use. Third parties may instead declare an
        entry point in the group `xdbr.backends`.
    replace: allow a name that is registered already, as long as that backend has not been used.

    Raises `BackendError` where the name is taken or is no identifier, or where `factory` is neither.

    >>> import xdbr
    >>> xdbr.backends.register("mylib", "mylib_xdbr:MyBackend", replace=True)
    >>> "mylib" in xdbr.backends.registered()
    True
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise BackendError(f"register: name must be an identifier such as 'numpy'; got {name!r}")
    if not (isinstance(factory, str) and ":" in factory) and not callable(factory):
        raise BackendError(f"register: factory must be a callable or 'module:attribute'; got {factory!r}")
    _read_entry_points()
    with _lock:
        if name in _factories and not replace:
            raise BackendError(f"register: a backend named {name!r} exists already; pass replace=True to replace it")
        if name in _loaded:
            # Arrays, kernels and namespaces of it are about; none of them would know of the new one.
            raise BackendError(f"register: the backend {name!r} is in use already; replace it before its first use")
        _factories[name] = factory


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
    with _lock:
        if _entry_points_read:
            return
        from importlib.metadata import entry_points

        for point in entry_points(group="xdbr.backends"):
            _factories.setdefault(point.name, point.value.partition("[")[0].strip())  # without its extras
        _entry_points_read = True


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
    except (Exception, SystemExit) as error:
        if name in _making.names:  # whoever asked first tells the rest
            raise
        raise BackendError(
            f"backend {name!r} is not available: {_reason(error)}; {_what_there_is(but=name)}"
        ) from error


def _load(name: str) -> Backend:
    if name in _making.names:
        raise BackendError(f"the backend {name!r} is asked for while it is being loaded, by its own factory")
    with _lock:
        lock = _loading.setdefault(name, threading.RLock())
    with lock:
        backend = _loaded.get(name)
        if backend is None:
            backend = _make(name)
            with _lock:
                for array_type in backend.array_types:
                    other = _TYPES.get(array_type)
                    if other is not None:
                        raise BackendError(
                            f"its arrays are {array_type.__module__}.{array_type.__qualname__}, as those of "
                            f"the backend {other.name!r}; the type of an array must tell its backend"
                        )
                _TYPES.update(dict.fromkeys(backend.array_types, backend))
                _loaded[name] = backend
        return backend


def derived(name: str, make: Factory, /) -> Backend:
    """Give the backend called `name`, which is made of another one on first use and not listed among the registered."""
    backend = _loaded.get(name)
    if backend is None:
        with _lock:
            backend = _loaded.get(name)
            if backend is None:
                backend = make()
                _TYPES.update(dict.fromkeys(backend.array_types, backend))
                _loaded[name] = backend
    return backend


def _make(name: str) -> Backend:
    """Run the factory of a backend and check what it gives."""
    from ._base import Backend

    outer = _making.names
    _making.names = (*outer, name)
    try:
        backend = _found(_factories[name])()
    finally:
        _making.names = outer
    if not isinstance(backend, Backend):
        raise BackendError(f"its factory gave {type(backend).__name__}, which is no xdbr.backends.Backend")
    if backend.name != name:
        raise BackendError(f"its factory gave a backend that is called {backend.name!r}")
    return backend


def _found(factory: str | Factory) -> Factory:
    """Give a factory, importing it where only its place is told."""
    if not isinstance(factory, str):
        return factory
    module, _, path = (part.strip() for part in factory.partition(":"))
    if not module or not path:
        raise BackendError(
            f"it must be declared as 'module:attribute', such as 'mylib_xdbr:MyBackend'; got {factory!r}"
        )
    found: Any = importlib.import_module(module)
    for attribute in path.split("."):
        found = getattr(found, attribute)
    return found  # type: ignore[no-any-return]


def available() -> dict[str, str | None]:
    """Tell for each backend `None` where it can be used here, else the reason why it cannot.

    This loads every backend whose library is installed.

    >>> import xdbr
    >>> xdbr.backends.available()["numpy"] is None
    True
    """
    found: dict[str, str | None] = {}
    for name in registered():
        try:
            _load(name)
            found[name] = None
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a library may fail on import in any way; the reason is what is asked for
            found[name] = _reason(error)
    return found


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, (BackendError, ImportError)) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _what_there_is(but: str | None = None) -> str:
    if _making.names:  # to find out, a factory that fails would load all the others, and they each other
        return f"registered: {', '.join(_factories)}"
    found = available()
    usable = [name for name, reason in found.items() if reason is None]
    missing = [f"{name} ({reason})" for name, reason in found.items() if reason is not None and name != but]
    text = f"available: {', '.join(usable)}"
    return f"{text}; not available: {'; '.join(missing)}" if missing else text


class _TypeTable(dict[type, "Backend | None"]):
    """From the type of an array to its backend; a miss loads the backend, and is not remembered where there is none."""

    def __missing__(self, array_type: type) -> Backend | None:
        if array_type.__module__ == "builtins":
            return None
        for base in array_type.__mro__:
            backend = self.get(base) or _backend_of_package(base.__module__.partition(".")[0])
            if backend is not None and backend.owns(array_type):
                self[array_type] = backend
                return backend
        return None


def _backend_of_package(package: str) -> Backend | None:
    """Give the backend for the arrays of a package, by its name; `None` where there is none or it cannot be used."""
    name = _PACKAGE_TO_NAME.get(package, package)
    if name not in _factories and not _entry_points_read and package not in ("builtins", "xdbr"):
        _read_entry_points()
    if name not in _factories:
        return None
    try:
        return _load(name)
    except (Exception, SystemExit):  # noqa: BLE001 - whoever asks by name is told the reason; here the type is just nobody's array
        return None


_TYPES = _TypeTable()


def of(array: Any, /) -> Backend | None:
    """Give the backend whose raw array `array` is, or `None`.

    A backend named like the package that its arrays come from is loaded for that, if need be.

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
        spelling = name
        if index is None and isinstance(name, str) and ":" in name:
            name, _, index = name.partition(":")
        if isinstance(index, str) and index.isdecimal():
            index = int(index)
        if not isinstance(name, str) or not name.isidentifier() or index == "":
            raise DeviceError(f"Device: expected a spelling such as 'numpy' or 'cupy:0'; got {spelling!r}")
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


def levels_meet(a: Device, b: Device, /) -> bool:
    """Tell whether two devices are one but for the levels of vmap over them: then the lower arrays can be lifted."""
    one, other = a.backend, b.backend
    return one.depth != other.depth and one.plain_device(a) == other.plain_device(b)


def parse_device(spec: Any, *, function: str = "device") -> Device:
    """Read a `Device`, its spelling, or a library's own device object; the backend's default where it names none.

    Raises `DeviceError` where there is no such device, listing those there are.

    >>> import xdbr
    >>> xdbr.backends.parse_device("numpy")
    Device('numpy')
    """
    if isinstance(spec, str):
        try:
            spec = Device("numpy" if spec == "cpu" else spec)
        except DeviceError as error:
            raise DeviceError(f"{function}: unknown device {spec!r}: {error}; {_what_there_is()}") from error
    if isinstance(spec, Device):
        try:
            backend = get(spec.name)
        except BackendError as error:
            hint = _OTHER_SPELLINGS.get(spec.name, "")
            raise DeviceError(f"{function}: unknown device {str(spec)!r}{hint}: {error}") from error
        return backend.check_device(spec, function=function)
    _backend_of_package(type(spec).__module__.partition(".")[0])  # it may be the first sign of its library
    for backend in list(_loaded.values()):
        found = backend.from_raw_device(spec)
        if found is not None:
            return found
    raise DeviceError(
        f"{function}: expected a device such as 'numpy' or 'cupy:0'; got {spec!r} of type {type(spec).__name__}"
    )


# What users of other libraries may write.
_OTHER_SPELLINGS = {
    "gpu": " (a GPU is spelled 'cupy:0')",
    "cuda": " (a GPU is spelled 'cupy:0', or 'torch:cuda:0' for PyTorch's tensors)",
}

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


class device(ModeContext):  # a verb: `with xdbr.device("cupy:0"):`
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
