"""Random numbers: generators with an explicit seed and a state that can be saved, one default per device.

Draws come as Variables on the generator's device that need no gradient. By default they are made on
the host (PCG64) and moved, so that one seed gives the same numbers on every such backend; CuPy draws
on the GPU (Philox, see `docs/backends.md`).

Threads. A generator may be shared: each draw is made whole under its lock. Which thread gets which
draw is then a matter of timing; for draws that repeat, give each thread a generator of its own, from
`Generator.spawn`.
"""

from __future__ import annotations

import math
import os
import threading
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from ._config import MODE, get_default_dtype
from ._equivalents import RANDOM, missing
from ._errors import DeviceError, DtypeError, SerializationError, ShapeError
from ._typing import Dtype, RawArray, Shape
from .autograd.draws import source_of
from .autograd.kernels import RAW_NAMESPACES
from .autograd.variable import Variable, wrap
from .backends import Device, canonical_dtype, get_default_device, parse_device
from .backends.dtypes import finfo, isdtype
from .batching import under

__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "integers",
    "load_state_dict",
    "normal",
    "permutation",
    "seed",
    "state_dict",
    "uniform",
]

_VERSION = 1


class Generator:
    """A stream of random numbers on one device, which goes on from where the last draw stopped.

    seed: an integer, not negative; drawn from the system where it is None (`generator.seed` tells it).
    device: a `Device` or its spelling; the default device where it is None.

    Can be pickled and copied: the copy goes on from the same state. Raises `DeviceError` for an unknown
    device, `ValueError` or `TypeError` for a seed that is none.

    >>> import xdbr
    >>> g = xdbr.random.Generator(seed=0)
    >>> g.integers(0, 10, 5)
    Variable([8, 6, 5, 2, 3], dtype=int64)
    """

    __slots__ = ("_lock", "_seed", "_source", "device")

    device: Device

    def __init__(self, seed: int | None = None, device: Any = None) -> None:
        where = get_default_device() if device is None else parse_device(device, function="Generator")
        self.device = where.backend.plain_device(where)
        self._lock = threading.Lock()
        self._restart(_checked_seed("Generator", seed))

    def _restart(self, seed: int) -> None:
        source = self.device.backend.random(seed, self.device)
        with self._lock:
            self._seed = seed
            self._source = source

    @property
    def seed(self) -> int:
        """The seed that the stream was started from."""
        return self._seed

    # -- draws -------------------------------------------------------------------------------

    def normal(
        self, shape: int | Iterable[int], *, loc: float = 0.0, scale: float = 1.0, dtype: Dtype = None
    ) -> Variable:
        """Draw from the normal distribution around `loc` with standard deviation `scale`.

        shape: an integer or a tuple of them; dtype: a real floating-point one, the default dtype where it is None.
        Raises `ValueError` where `scale` is negative, or either is no finite number.

        >>> import xdbr
        >>> xdbr.random.Generator(seed=0).normal((2, 3)).shape
        (2, 3)
        """
        lengths = _checked_shape("normal", shape)
        loc, scale = _number("normal", "loc", loc), _number("normal", "scale", scale)
        if scale < 0:
            raise ValueError(f"normal: scale must not be negative; got {scale}")
        real = self._checked_dtype("normal", dtype)
        return self._draw(lambda source, whole: source.normal(whole, loc, scale, real), lengths)

    def uniform(
        self, shape: int | Iterable[int], *, low: float = 0.0, high: float = 1.0, dtype: Dtype = None
    ) -> Variable:
        """Draw from the uniform distribution over [low, high); `low` itself where the two are equal.

        shape: an integer or a tuple of them; dtype: a real floating-point one, the default dtype where it is
        None. In bfloat16 rounding may reach `high`. Raises `ValueError` where `low` exceeds `high`, or where
        either of them or their difference is no finite number in that dtype.

        >>> import xdbr
        >>> x = xdbr.random.Generator(seed=0).uniform(1000, low=2.0, high=3.0)
        >>> bool(xdbr.min(x) >= 2) and bool(xdbr.max(x) < 3)
        True
        """
        lengths = _checked_shape("uniform", shape)
        low, high = _number("uniform", "low", low), _number("uniform", "high", high)
        if low > high:
            raise ValueError(f"uniform: low must not exceed high; got low={low}, high={high}")
        real = self._checked_dtype("uniform", dtype)
        largest = finfo(real).max
        if max(abs(low), abs(high), high - low) > largest:
            raise ValueError(
                f"uniform: low, high and their difference must be finite in {real}; got low={low}, high={high}"
            )
        return self._draw(lambda source, whole: source.uniform(whole, low, high, real), lengths)

    def integers(self, low: int, high: int, shape: int | Iterable[int]) -> Variable:
        """Draw integers evenly from [low, high), in the default integer dtype of the device.

        shape: an integer or a tuple of them. Raises `ValueError` where the interval is empty, and
        `DtypeError` where it does not fit into the dtype.

        >>> import xdbr
        >>> bool(xdbr.all(xdbr.random.Generator(seed=0).integers(0, 6, 100) < 6))
        True
        """
        lengths = _checked_shape("integers", shape)
        low, high = _integer("integers", "low", low), _integer("integers", "high", high)
        if low >= high:
            raise ValueError(f"integers: low must be below high; got low={low}, high={high}")
        if low < -(1 << 63) or high > 1 << 63:
            raise DtypeError(f"integers: [{low}, {high}) does not fit into int64")
        return self._draw(lambda source, whole: source.integers(low, high, whole), lengths)

    def bernoulli(self, p: float, shape: int | Iterable[int]) -> Variable:
        """Draw Booleans that are true with probability `p`, to a resolution of 2**-24.

        shape: an integer or a tuple of them. Raises `ValueError` where `p` is outside [0, 1].

        >>> import xdbr
        >>> xdbr.random.Generator(seed=0).bernoulli(0.5, 3).dtype
        dtype('bool')
        """
        lengths = _checked_shape("bernoulli", shape)
        p = _number("bernoulli", "p", p)
        if not 0 <= p <= 1:
            raise ValueError(f"bernoulli: p must be within [0, 1]; got {p}")
        return self._draw(lambda source, whole: source.bernoulli(p, whole), lengths)

    def permutation(self, n: int) -> Variable:
        """Draw a random order of 0, ..., n - 1; shape (n,), the default index dtype of the device.

        Raises `ValueError` where `n` is negative.

        >>> import xdbr
        >>> sorted(xdbr.random.Generator(seed=0).permutation(4).tolist())
        [0, 1, 2, 3]
        """
        n = _integer("permutation", "n", n)
        if n < 0:
            raise ValueError(f"permutation: n must not be negative; got {n}")
        return self._draw(lambda source, whole: _permutations(source, n, whole[:-1]), (n,))

    def spawn(self, n: int, *, device: Any = None) -> list[Generator]:
        """Make `n` generators with seeds drawn from this one, on its device or another; draws from this one go on.

        Raises `ValueError` where `n` is negative, `DeviceError` for an unknown device.

        >>> import xdbr
        >>> a, b = xdbr.random.Generator(seed=0).spawn(2)
        >>> a.seed == b.seed
        False
        """
        n = _integer("spawn", "n", n)
        if n < 0:
            raise ValueError(f"spawn: n must not be negative; got {n}")
        where = self.device if device is None else parse_device(device, function="spawn")
        with self._lock:
            seeds = [source_of(self).bits() for _ in range(n)]
        return [Generator(seed, where) for seed in seeds]

    def _draw(self, draw: Callable[[Any, Shape], RawArray], shape: Shape) -> Variable:
        """Draw an array; under vmap one for each example, all of them in one draw."""
        batches = MODE.get().batches
        with self._lock:
            raw = draw(source_of(self), (*(batch.size for batch in batches), *shape))
        return wrap(under(batches, raw) if batches else raw)

    def _checked_dtype(self, function: str, dtype: Any) -> Dtype:
        found = canonical_dtype(get_default_dtype() if dtype is None else dtype)
        if not isdtype(found, "real floating"):
            raise DtypeError(f"{function}: dtype must be a real floating-point one; got {dtype}")
        self.device.backend.dtype(found)  # raises where the backend lacks it
        return found

    # -- state -------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Give the state as a flat dict of integers and strings, fit for JSON.

        >>> import xdbr
        >>> g = xdbr.random.Generator(seed=0)
        >>> state = g.state_dict()
        >>> x = g.normal(3)
        >>> g.load_state_dict(state)
        >>> bool(xdbr.all(g.normal(3) == x))
        True
        """
        with self._lock:
            return {
                "version": _VERSION,
                "kind": self._source.kind,
                "seed": str(self._seed),  # may be more than an integer of JSON has room for elsewhere
                **self._source.state(),
            }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on, bit for bit, from a state that `state_dict` gave; it may come from another device of the same kind.

        Raises `SerializationError` where it is none, or one of another kind of generator; nothing has changed then.
        """
        _check_state("load_state_dict", state, ("kind", "seed"))
        kind = self._source.kind
        if state["kind"] != kind:
            raise SerializationError(
                f"load_state_dict: the state is of a {state['kind']!r} generator, that on {str(self.device)!r} is "
                f"{kind!r}; only a generator of the same kind goes on with the same numbers"
            )
        try:
            seed = int(state["seed"])
        except (TypeError, ValueError):
            raise SerializationError(f"load_state_dict: seed must be an integer; got {state['seed']!r}") from None
        with self._lock:
            self._source.set_state(state)
            self._seed = seed

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (str(self.device), self.state_dict())

    def __repr__(self) -> str:
        return f"Generator(seed={self._seed}, device={str(self.device)!r})"


def _restored(device: str, state: dict[str, Any]) -> Generator:
    generator = Generator(0, device)
    generator.load_state_dict(state)
    return generator


# -- the default generators --------------------------------------------------------------------------

_lock = threading.RLock()
_defaults: dict[Device, Generator] = {}
_default_seed: int | None = None


def default_generator(device: Any = None) -> Generator:
    """Give the generator that the functions of this module draw from on `device` (by default the default device).

    It is the same object each time. Raises `DeviceError` for an unknown device.

    >>> import xdbr
    >>> xdbr.random.default_generator() is xdbr.random.default_generator("numpy")
    True
    """
    global _default_seed
    where = get_default_device() if device is None else parse_device(device, function="default_generator")
    where = where.backend.plain_device(where)
    found = _defaults.get(where)
    if found is None:
        with _lock:
            found = _defaults.get(where)
            if found is None:
                if _default_seed is None:
                    _default_seed = _checked_seed("default_generator", None)
                found = _defaults[where] = Generator(_default_seed, where)
    return found


def seed(seed: int | None, /) -> None:
    """Start the default generators of all devices afresh from one seed (`None` draws one from the system).

    Raises `ValueError` where it is negative, `TypeError` where it is no integer.

    >>> import xdbr
    >>> xdbr.random.seed(0)
    >>> x = xdbr.random.normal(3)
    >>> xdbr.random.seed(0)
    >>> bool(xdbr.all(xdbr.random.normal(3) == x))
    True
    """
    global _default_seed
    checked = _checked_seed("seed", seed)
    with _lock:
        _default_seed = checked
        for generator in _defaults.values():
            generator._restart(checked)


def state_dict() -> dict[str, Any]:
    """Give the states of all default generators, fit for JSON.

    >>> import xdbr
    >>> xdbr.random.seed(0)
    >>> state = xdbr.random.state_dict()
    >>> x = xdbr.random.normal(3)
    >>> xdbr.random.load_state_dict(state)
    >>> bool(xdbr.all(xdbr.random.normal(3) == x))
    True
    """
    global _default_seed
    with _lock:
        if _default_seed is None:
            _default_seed = _checked_seed("state_dict", None)
        states = {str(device): generator.state_dict() for device, generator in _defaults.items()}
        return {"version": _VERSION, "seed": str(_default_seed), "generators": states}


def load_state_dict(state: dict[str, Any]) -> None:
    """Set all default generators to the states that `state_dict` gave; others start from the seed in it.

    Generators of devices that are not here are left out, with a warning that names them. Raises
    `SerializationError` where it is no such state; nothing has changed then.
    """
    global _default_seed
    _check_state("load_state_dict", state, ("seed", "generators"))
    fresh: dict[Device, Generator] = {}
    try:
        start = _checked_seed("load_state_dict", int(state["seed"]))
        entries = [(Device(spelling), one) for spelling, one in dict(state["generators"]).items()]
    except (TypeError, ValueError) as error:
        raise SerializationError(f"load_state_dict: not a state of the default generators: {error}") from error
    missing: list[str] = []
    for device, one in entries:
        _check_state("load_state_dict", one, ("kind", "seed"))
        try:
            here = parse_device(device, function="load_state_dict")
        except DeviceError:
            missing.append(repr(str(device)))
            continue
        fresh[here] = Generator(0, here)
        fresh[here].load_state_dict(one)
    if missing:
        warnings.warn(
            f"load_state_dict: left out the generators of devices that are not here: {', '.join(missing)}", stacklevel=2
        )
    with _lock:
        _default_seed = start
        for device, generator in _defaults.items():
            if device not in fresh:
                generator._restart(start)
        for device, generator in fresh.items():
            # Generators that somebody holds go on as the same objects.
            _defaults.setdefault(device, generator).load_state_dict(generator.state_dict())


def normal(
    shape: int | Iterable[int], *, loc: float = 0.0, scale: float = 1.0, dtype: Dtype = None, device: Any = None
) -> Variable:
    """Draw from the normal distribution with the default generator of `device`; see `Generator.normal`.

    >>> import xdbr
    >>> xdbr.random.normal((2, 3)).dtype
    dtype('float32')
    """
    return default_generator(device).normal(shape, loc=loc, scale=scale, dtype=dtype)


def uniform(
    shape: int | Iterable[int], *, low: float = 0.0, high: float = 1.0, dtype: Dtype = None, device: Any = None
) -> Variable:
    """Draw from the uniform distribution over [low, high) with the default generator; see `Generator.uniform`.

    >>> import xdbr
    >>> xdbr.random.uniform(3).shape
    (3,)
    """
    return default_generator(device).uniform(shape, low=low, high=high, dtype=dtype)


def integers(low: int, high: int, shape: int | Iterable[int], *, device: Any = None) -> Variable:
    """Draw integers from [low, high) with the default generator of `device`; see `Generator.integers`.

    >>> import xdbr
    >>> xdbr.random.integers(3, 4, 2)
    Variable([3, 3], dtype=int64)
    """
    return default_generator(device).integers(low, high, shape)


def bernoulli(p: float, shape: int | Iterable[int], *, device: Any = None) -> Variable:
    """Draw Booleans that are true with probability `p` with the default generator; see `Generator.bernoulli`.

    >>> import xdbr
    >>> xdbr.random.bernoulli(1.0, 2)
    Variable([ True,  True], dtype=bool)
    """
    return default_generator(device).bernoulli(p, shape)


def permutation(n: int, *, device: Any = None) -> Variable:
    """Draw a random order of 0, ..., n - 1 with the default generator of `device`; see `Generator.permutation`.

    >>> import xdbr
    >>> xdbr.random.permutation(1)
    Variable([0], dtype=int64)
    """
    return default_generator(device).permutation(n)


def _permutations(source: Any, n: int, shape: Shape) -> RawArray:
    """Give an array of permutations of n numbers."""
    if not shape:
        return source.permutation(n)
    drawn = [source.permutation(n) for _ in range(max(math.prod(shape), 1))]
    xp = RAW_NAMESPACES[type(drawn[0])]
    return xp.reshape(xp.stack(drawn)[: math.prod(shape), ...], (*shape, n))


# -- checks ------------------------------------------------------------------------------------------


def _checked_seed(function: str, seed: int | None) -> int:
    if seed is None:
        return int.from_bytes(os.urandom(8), "little")
    number = _integer(function, "seed", seed)
    if number < 0:
        raise ValueError(f"{function}: seed must not be negative; got {number}")
    return number


def _checked_shape(function: str, shape: Any) -> Shape:
    try:
        lengths = (shape.__index__(),) if hasattr(shape, "__index__") else tuple(n.__index__() for n in shape)
    except (TypeError, AttributeError) as error:
        raise TypeError(f"{function}: shape must be an integer or a tuple of integers; got {shape!r}") from error
    if any(n < 0 for n in lengths):
        raise ShapeError(f"{function}: shape must not have negative lengths; got {lengths}")
    return lengths


def _number(function: str, argument: str, value: Any) -> float:
    if isinstance(value, (str, bytes)) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        raise TypeError(f"{function}: {argument} must be a number; got {value!r}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{function}: {argument} must be finite; got {number}")
    return number


def _integer(function: str, argument: str, value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{function}: {argument} must be an integer; got {value!r}")
    return int(value.__index__())


def _check_state(function: str, state: Any, keys: tuple[str, ...]) -> None:
    if not isinstance(state, dict):
        raise SerializationError(f"{function}: expected a dict; got {type(state).__name__}")
    missing = [key for key in ("version", *keys) if key not in state]
    if missing:
        raise SerializationError(
            f"{function}: the state lacks {', '.join(missing)}; it has {', '.join(map(str, state))}"
        )
    if state["version"] != _VERSION:
        raise SerializationError(f"{function}: expected a state of version {_VERSION}; got {state['version']!r}")


def __getattr__(name: str) -> Any:
    raise missing(f"module {__name__!r}", name, RANDOM)
