"""Modes: what running an operation means here and now (recording, training, debugging, dtype, device).

One `ContextVar` holds one immutable `Mode`, so modes nest, are private to each thread and each
asynchronous task, and cost one look-up to read. A context manager keeps nothing in itself: what it
restores is the `outer` of the mode that it finds, so one instance may be entered again and again.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Generator, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar, overload

from ._errors import DtypeError

__all__ = [
    "MODE",
    "Batch",
    "Mode",
    "ModeContext",
    "debug_mode",
    "default_dtype",
    "enable_grad",
    "get_default_dtype",
    "is_debugging",
    "is_recomputing",
    "is_recording",
    "is_training",
    "no_grad",
    "resume",
    "set_default_dtype",
    "train_mode",
]

_F = TypeVar("_F", bound=Callable[..., Any])
_FLOATS = ("float16", "bfloat16", "float32", "float64")
_CO_GENERATOR, _CO_COROUTINE, _CO_ASYNC_GENERATOR = 0x20, 0x80, 0x200


class Batch:
    """One call of vmap: how many examples it has. In a mode's `batches` the outermost call comes first.

    start: the order number of the graph when the function was entered; nodes made inside have lower ones.
    raised: what puts arrays back that came from below and got values of each example's own by a write.
    """

    __slots__ = ("raised", "size", "start")

    def __init__(self, size: int, start: int) -> None:
        self.size = size
        self.start = start
        self.raised: list[Callable[[], bool]] = []


class Mode:
    """An immutable record of the modes in force; `outer` is the mode to return to."""

    __slots__ = ("batches", "debug", "device", "draws", "dtype", "outer", "recomputing", "recording", "train")

    def __init__(
        self,
        recording: bool = True,
        train: bool = True,
        debug: bool = False,
        dtype: str | None = None,
        device: Any = None,
        draws: Any = None,
        recomputing: bool = False,
        batches: tuple[Batch, ...] = (),
        outer: Mode | None = None,
    ) -> None:
        self.recording = recording
        self.train = train
        self.debug = debug
        self.dtype = dtype
        self.device = device
        self.draws = draws
        self.recomputing = recomputing
        self.batches = batches
        self.outer = outer

    def changed(self, outer: Mode, **changes: Any) -> Mode:
        """Give this mode with changes, to return to `outer` from."""
        fields = {name: getattr(self, name) for name in Mode.__slots__}
        return Mode(**(fields | changes | {"outer": outer}))


MODE: ContextVar[Mode] = ContextVar("xdbr_mode", default=Mode())  # noqa: B039 - never changed, only replaced


class ModeContext:
    """A change of one mode, to be used as a context manager or as a decorator."""

    __slots__ = ("_field", "_value")

    def __init__(self, field: str, value: Any) -> None:
        self._field = field
        self._value = value

    def __enter__(self) -> ModeContext:
        now = MODE.get()
        MODE.set(now.changed(now, **{self._field: self._value}))
        return self

    def __exit__(self, *exc: object) -> None:
        outer = MODE.get().outer
        if outer is not None:
            MODE.set(outer)

    def __call__(self, function: _F) -> _F:
        flags = function.__code__.co_flags if hasattr(function, "__code__") else 0
        if flags & _CO_ASYNC_GENERATOR:
            raise TypeError(
                f"{function.__qualname__}: a mode cannot decorate an asynchronous generator; "
                "use a with-statement inside it instead"
            )
        if flags & _CO_GENERATOR:
            return _around_generator(self, function)
        if flags & _CO_COROUTINE:

            @functools.wraps(function)
            async def around_coroutine(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

            return around_coroutine  # type: ignore[return-value]

        @functools.wraps(function)
        def around(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return around  # type: ignore[return-value]


def _around_generator(mode: ModeContext, function: _F) -> _F:
    """Enter `mode` at each step of the generator, so that it does not leak out between steps."""

    @functools.wraps(function)
    def around(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        inner = function(*args, **kwargs)
        try:
            with mode:
                value = next(inner)
            while True:
                try:
                    sent = yield value
                except GeneratorExit:
                    with mode:
                        inner.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - handed on to the generator
                    with mode:
                        value = inner.throw(error)
                else:
                    with mode:
                        value = inner.send(sent)
        except StopIteration as stop:
            return stop.value

    return around  # type: ignore[return-value]


@contextlib.contextmanager
def resume(mode: Mode, **changes: Any) -> Iterator[None]:
    """Put an earlier mode in force again, with changes."""
    now = MODE.get()
    MODE.set(mode.changed(now, **changes))
    try:
        yield
    finally:
        MODE.set(now)


@overload
def no_grad() -> ModeContext: ...
@overload
def no_grad(function: _F, /) -> _F: ...
def no_grad(function: Any = None, /) -> Any:
    """Record no graph inside: results need no gradient.

    Works as a context manager and as a decorator, with or without parentheses; nests; is private to the thread or task.

    >>> import xdbr
    >>> x = xdbr.Variable([1.0, 2.0], requires_grad=True)
    >>> with xdbr.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """
    mode = ModeContext("recording", False)
    return mode if function is None else mode(function)


@overload
def enable_grad() -> ModeContext: ...
@overload
def enable_grad(function: _F, /) -> _F: ...
def enable_grad(function: Any = None, /) -> Any:
    """Record the graph inside, also within an outer `no_grad`.

    >>> import xdbr
    >>> x = xdbr.Variable([1.0, 2.0], requires_grad=True)
    >>> with xdbr.no_grad(), xdbr.enable_grad():
    ...     y = x * x
    >>> y.requires_grad
    True
    """
    mode = ModeContext("recording", True)
    return mode if function is None else mode(function)


def train_mode(flag: bool = True) -> ModeContext:
    """Run links and functions as in training (`True`, the default outside) or as in evaluation.

    Raises `TypeError` for a flag that is no bool.

    >>> import xdbr
    >>> with xdbr.train_mode(False):
    ...     xdbr.is_training()
    False
    """
    if not isinstance(flag, bool):
        raise TypeError(f"train_mode: flag must be True (training) or False (evaluation); got {flag!r}")
    return ModeContext("train", flag)


def debug_mode(flag: bool = True) -> ModeContext:
    """Remember where each node was made, and name that line when its backward fails or makes a NaN.

    Each recorded operation walks the stack and each gradient is tested for NaN, so this is slow.

    >>> import xdbr
    >>> with xdbr.debug_mode():
    ...     xdbr.is_debugging()
    True
    """
    return ModeContext("debug", bool(flag))


def default_dtype(dtype: Any) -> ModeContext:
    """Use a floating-point `dtype` where none is given: creation functions and initializers read it.

    Raises `DtypeError` where `dtype` is not a real floating-point one.

    >>> import xdbr
    >>> with xdbr.default_dtype("float64"):
    ...     xdbr.zeros(2).dtype
    dtype('float64')
    """
    return ModeContext("dtype", _float_name("default_dtype", dtype))


def is_recording() -> bool:
    """Tell whether operations record the graph here.

    >>> import xdbr
    >>> xdbr.is_recording()
    True
    """
    return MODE.get().recording


def is_training() -> bool:
    """Tell whether links and functions run as in training here.

    >>> import xdbr
    >>> xdbr.is_training()
    True
    """
    return MODE.get().train


def is_debugging() -> bool:
    """Tell whether the debug mode is on here.

    >>> import xdbr
    >>> xdbr.is_debugging()
    False
    """
    return MODE.get().debug


def is_recomputing() -> bool:
    """Tell whether a checkpointed function is being run again for backward here; see `xdbr.checkpoint`.

    What has an effect outside of the function and must happen once, such as an update of running statistics, asks this.

    >>> import xdbr
    >>> xdbr.is_recomputing()
    False
    """
    return MODE.get().recomputing


def _float_name(function: str, dtype: Any) -> str:
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None)
    if name is None:  # numpy.float32, torch.float32 and array_api_strict.float32 have no name: read their str
        name = getattr(dtype, "__name__", None) or str(dtype).rsplit(".", 1)[-1].strip("'>)")
    if name not in _FLOATS:
        raise DtypeError(f"{function}: dtype must be a real floating-point dtype, one of {_FLOATS}; got {dtype!r}")
    return name


_default_dtype = _float_name("XDBR_DEFAULT_DTYPE", os.environ.get("XDBR_DEFAULT_DTYPE") or "float32")


def get_default_dtype() -> str:
    """Give the name of the default floating-point dtype in force here.

    >>> import xdbr
    >>> xdbr.get_default_dtype()
    'float32'
    """
    return MODE.get().dtype or _default_dtype


def set_default_dtype(dtype: Any) -> None:
    """Set the default floating-point dtype of the whole process (`XDBR_DEFAULT_DTYPE` sets it at start).

    `with default_dtype(...)` goes before it. Raises `DtypeError` where `dtype` is no real floating-point one.

    >>> import xdbr
    >>> xdbr.set_default_dtype("float32")
    """
    global _default_dtype
    _default_dtype = _float_name("set_default_dtype", dtype)
