"""Where random numbers come from: what a backend's source has to give, and the one that draws on the host.

A source is called under the lock of its `xdbr.random.Generator`, which has checked the arguments.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from .._errors import DtypeError, SerializationError
from .._typing import RawArray, Shape
from ._base import Backend
from ._registry import Device

__all__ = ["HostSource", "Source"]


class Source(Protocol):
    """A stream of random numbers on one device; each call takes its numbers from where the last one stopped."""

    kind: str
    """What the state is of: a state goes into any source of the same kind."""

    def uniform(self, shape: Shape, low: float, high: float, dtype: Any) -> RawArray:
        """Give numbers spread evenly over [low, high), `low` where the two are equal; `dtype` is canonical."""

    def normal(self, shape: Shape, loc: float, scale: float, dtype: Any) -> RawArray:
        """Give normal numbers around `loc` with standard deviation `scale`; `dtype` is canonical."""

    def integers(self, low: int, high: int, shape: Shape) -> RawArray:
        """Give integers spread evenly over [low, high), in the default integer dtype of the device."""

    def bernoulli(self, p: float, shape: Shape) -> RawArray:
        """Give Booleans that are true with probability `p`."""

    def permutation(self, n: int) -> RawArray:
        """Give 0, ..., n - 1 in random order, in the default index dtype of the device."""

    def bits(self) -> int:
        """Give a random integer of 63 bits."""

    def state(self) -> dict[str, Any]:
        """Give the whole state as integers and strings."""

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state` gave; raises `SerializationError` and changes nothing where it is none."""


class HostSource:
    """Draws with NumPy's PCG64 (O'Neill, 2014) on the host and moves the numbers to the device."""

    kind = "host-pcg64"

    def __init__(self, backend: Backend, device: Device, seed: int) -> None:
        self._backend = backend
        self._device = device
        self._rng = np.random.Generator(np.random.PCG64(seed))

    def _put(self, host: np.ndarray[Any, Any], dtype: Any = None) -> RawArray:
        raw = self._backend.from_host(np.asarray(host), device=self._device)
        if dtype is None or dtype == host.dtype:
            return raw
        return self._backend.lib.astype(raw, self._backend.dtype(dtype))

    def uniform(self, shape: Shape, low: float, high: float, dtype: Any) -> RawArray:
        drawn = np.asarray(self._rng.random(shape, dtype=_drawing_dtype(dtype)))
        drawn *= high - low
        drawn += low
        drawn = _stored(drawn, dtype)
        # Rounding may reach the upper bound, which is not in the interval.
        number = drawn.dtype.type
        np.minimum(drawn, np.nextafter(number(high), number(low)), out=drawn)
        return self._put(drawn, dtype)

    def normal(self, shape: Shape, loc: float, scale: float, dtype: Any) -> RawArray:
        drawn = np.asarray(self._rng.standard_normal(shape, dtype=_drawing_dtype(dtype)))
        if scale != 1.0:
            drawn *= scale
        if loc != 0.0:
            drawn += loc
        return self._put(_stored(drawn, dtype), dtype)

    def integers(self, low: int, high: int, shape: Shape) -> RawArray:
        dtype = self._backend.default_integers(self._device)["integral"]
        limits = np.iinfo(dtype)
        if low < limits.min or high - 1 > limits.max:
            raise DtypeError(
                f"integers: [{low}, {high}) does not fit into {dtype}, the integer dtype of {self._device}"
            )
        return self._put(np.asarray(self._rng.integers(low, high, shape)).astype(dtype, copy=False))

    def bernoulli(self, p: float, shape: Shape) -> RawArray:
        return self._put(self._rng.random(shape, dtype=np.float32) < p)

    def permutation(self, n: int) -> RawArray:
        dtype = self._backend.default_integers(self._device)["indexing"]
        return self._put(self._rng.permutation(n).astype(dtype, copy=False))

    def bits(self) -> int:
        return int(self._rng.integers(1 << 63))

    def state(self) -> dict[str, Any]:
        whole = self._rng.bit_generator.state
        return {
            "state": hex(whole["state"]["state"]),  # 128 bits, more than an integer of JSON may have elsewhere
            "inc": hex(whole["state"]["inc"]),
            "has_uint32": int(whole["has_uint32"]),
            "uinteger": int(whole["uinteger"]),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        try:
            whole: Any = {
                "bit_generator": "PCG64",
                "state": {"state": int(state["state"], 16), "inc": int(state["inc"], 16)},
                "has_uint32": int(state["has_uint32"]),
                "uinteger": int(state["uinteger"]),
            }
            fresh = np.random.PCG64()
            fresh.state = whole
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SerializationError(f"load_state_dict: not the state of a {self.kind} generator: {error!r}") from error
        self._rng = np.random.Generator(fresh)


def _drawing_dtype(dtype: Any) -> Any:
    return np.dtype("float64" if dtype.name == "float64" else "float32")


def _stored(drawn: np.ndarray[Any, Any], dtype: Any) -> np.ndarray[Any, Any]:
    """Give the numbers in `dtype`, or as they were drawn where NumPy does not have it and the library converts them."""
    return drawn.astype(dtype, copy=False) if isinstance(dtype, np.dtype) else drawn
