"""Random numbers on the GPU: Philox4x32-10 (Salmon et al., 2011), a function of key and counter.

The key is the seed, the counter is made of the number of the draw and the place in the array. So the
whole state is two integers, where that of CuPy's own generators is 16 MB that cannot be read; the
numbers do not depend on the GPU or on how many threads it runs; and nothing is shared between draws.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np

from .._errors import SerializationError
from .._typing import RawArray, Shape

__all__ = ["PREAMBLE", "PhiloxSource"]

# Plain C but for the function qualifier, so that it can be tested on a machine without a GPU.
PREAMBLE = r"""
#ifndef XDBR_DEVICE
#define XDBR_DEVICE __device__ inline
#endif

// Ten rounds of Philox4x32 on the counter (draw, place) under a key: four random words.
XDBR_DEVICE void xdbr_philox(unsigned long long place, unsigned long long draw, unsigned long long key,
                             unsigned int* out) {
  unsigned int c0 = (unsigned int)place, c1 = (unsigned int)(place >> 32);
  unsigned int c2 = (unsigned int)draw, c3 = (unsigned int)(draw >> 32);
  unsigned int k0 = (unsigned int)key, k1 = (unsigned int)(key >> 32);
  for (int round = 0; round < 10; ++round) {
    unsigned long long p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;
    c0 = (unsigned int)(p1 >> 32) ^ c1 ^ k0;
    c2 = (unsigned int)(p0 >> 32) ^ c3 ^ k1;
    c1 = (unsigned int)p1;
    c3 = (unsigned int)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0; out[1] = c1; out[2] = c2; out[3] = c3;
}

// Two of the words as one.
XDBR_DEVICE unsigned long long xdbr_wide(const unsigned int* words, int which) {
  return ((unsigned long long)words[2 * which + 1] << 32) | words[2 * which];
}

// In [0, 1): as many bits as the format has, so that every value is exact.
XDBR_DEVICE float xdbr_unit_float(unsigned int word) { return (float)(word >> 8) * 5.9604644775390625e-8f; }
XDBR_DEVICE double xdbr_unit_double(unsigned long long word) {
  return (double)(word >> 11) * 1.1102230246251565e-16;
}

// Two words to two normal numbers (Box and Muller, 1958). The first uniform is in (0, 1]: its logarithm is finite.
XDBR_DEVICE void xdbr_normal_float(const unsigned int* words, float* out) {
  float radius = sqrtf(-2.0f * logf(((float)words[0] + 0.5f) * 2.3283064365386963e-10f));
  float angle = 6.283185307179586f * xdbr_unit_float(words[1]);
  out[0] = radius * cosf(angle);
  out[1] = radius * sinf(angle);
}
XDBR_DEVICE void xdbr_normal_double(unsigned long long first, unsigned long long second, double* out) {
  double radius = sqrt(-2.0 * log(((double)(first >> 11) + 0.5) * 1.1102230246251565e-16));
  double angle = 6.283185307179586 * xdbr_unit_double(second);
  out[0] = radius * cos(angle);
  out[1] = radius * sin(angle);
}
"""

# Each thread `i` makes one Philox block and writes the numbers of it that are inside the array.
_HEAD = "unsigned int words[4]; xdbr_philox((unsigned long long)i, draw, key, words);"
_UNIFORM_FLOAT = (
    _HEAD
    + """
for (int j = 0; j < 4; ++j) {
  long long at = 4 * (long long)i + j;
  if (at < total) {
    T value = (T)((float)low + (float)(high - low) * xdbr_unit_float(words[j]));
    out[at] = value < (T)high ? value : below[0];
  }
}"""
)
_UNIFORM_DOUBLE = (
    _HEAD
    + """
for (int j = 0; j < 2; ++j) {
  long long at = 2 * (long long)i + j;
  if (at < total) {
    double value = low + (high - low) * xdbr_unit_double(xdbr_wide(words, j));
    out[at] = value < high ? value : below[0];
  }
}"""
)
_NORMAL_FLOAT = (
    _HEAD
    + """
float numbers[4];
xdbr_normal_float(words, numbers);
xdbr_normal_float(words + 2, numbers + 2);
for (int j = 0; j < 4; ++j) {
  long long at = 4 * (long long)i + j;
  if (at < total) out[at] = (T)((float)low + (float)high * numbers[j]);
}"""
)
_NORMAL_DOUBLE = (
    _HEAD
    + """
double numbers[2];
xdbr_normal_double(xdbr_wide(words, 0), xdbr_wide(words, 1), numbers);
for (int j = 0; j < 2; ++j) {
  long long at = 2 * (long long)i + j;
  if (at < total) out[at] = low + high * numbers[j];
}"""
)
_BERNOULLI = (
    _HEAD
    + """
for (int j = 0; j < 4; ++j) {
  long long at = 4 * (long long)i + j;
  if (at < total) out[at] = (double)xdbr_unit_float(words[j]) < high;
}"""
)
# The high word of the product with the span: biased by less than span / 2**64. A span of 0 stands for 2**64.
_INTEGERS = (
    _HEAD
    + """
for (int j = 0; j < 2; ++j) {
  long long at = 2 * (long long)i + j;
  if (at < total) {
    unsigned long long word = xdbr_wide(words, j);
    out[at] = (long long)(start + (span ? __umul64hi(word, span) : word));
  }
}"""
)


@cache
def _kernel(cupy: Any, name: str, parameters: str, body: str) -> Any:
    return cupy.ElementwiseKernel(
        f"uint64 key, uint64 draw, int64 total, {parameters}", "raw T out", body, f"xdbr_{name}", preamble=PREAMBLE
    )


class PhiloxSource:
    """A `Source` on one GPU; see `_random.Source`."""

    kind = "cuda-philox4x32"

    def __init__(self, cupy: Any, device: Any, seed: int) -> None:
        self._cupy = cupy
        self._device = device
        self._key = seed if seed < 1 << 64 else _fold(seed)
        self._draw = 0

    def _fill(
        self, name: str, body: str, shape: Shape, dtype: Any, each: int, parameters: str, *values: Any
    ) -> RawArray:
        """Run a kernel that writes `each` numbers a thread into a new array."""
        cupy = self._cupy
        with self._device:
            out = cupy.empty(shape, dtype=dtype)
            if out.size:
                kernel = _kernel(cupy, name, parameters, body)
                flat = out.reshape(-1)
                kernel(
                    np.uint64(self._key),
                    np.uint64(self._draw),
                    np.int64(out.size),
                    *values,
                    flat,
                    size=-(-out.size // each),
                )
        self._draw = (self._draw + 1) & 0xFFFFFFFFFFFFFFFF
        return out

    def uniform(self, shape: Shape, low: float, high: float, dtype: Any) -> RawArray:
        """Give numbers over [low, high)."""
        number = dtype.type
        with self._device:
            below = self._cupy.asarray(np.nextafter(number(high), number(low)).reshape(1))
        double = dtype.name == "float64"
        return self._fill(
            "uniform_double" if double else "uniform_float",
            _UNIFORM_DOUBLE if double else _UNIFORM_FLOAT,
            shape,
            dtype,
            2 if double else 4,
            "float64 low, float64 high, raw T below",
            np.float64(low),
            np.float64(high),
            below,
        )

    def normal(self, shape: Shape, loc: float, scale: float, dtype: Any) -> RawArray:
        """Give normal numbers."""
        double = dtype.name == "float64"
        return self._fill(
            "normal_double" if double else "normal_float",
            _NORMAL_DOUBLE if double else _NORMAL_FLOAT,
            shape,
            dtype,
            2 if double else 4,
            "float64 low, float64 high",
            np.float64(loc),
            np.float64(scale),
        )

    def integers(self, low: int, high: int, shape: Shape) -> RawArray:
        """Give integers over [low, high)."""
        span = (high - low) & 0xFFFFFFFFFFFFFFFF
        start = low & 0xFFFFFFFFFFFFFFFF
        return self._fill(
            "integers", _INTEGERS, shape, np.int64, 2, "uint64 start, uint64 span", np.uint64(start), np.uint64(span)
        )

    def bernoulli(self, p: float, shape: Shape) -> RawArray:
        """Give Booleans that are true with probability `p`."""
        return self._fill("bernoulli", _BERNOULLI, shape, np.bool_, 4, "float64 high", np.float64(p))

    def permutation(self, n: int) -> RawArray:
        """Give 0, ..., n - 1 in random order."""
        # Keys of 64 bits: two of a million are equal with a chance of one in forty million.
        keys = self.integers(-(1 << 63), 1 << 63, (n,))
        with self._device:
            return self._cupy.argsort(keys)

    def bits(self) -> int:
        """Give a random integer of 63 bits."""
        return int(self.integers(0, 1 << 63, (1,))[0])

    def state(self) -> dict[str, Any]:
        """Give key and number of the next draw."""
        return {"key": hex(self._key), "draw": hex(self._draw)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        try:
            key, draw = int(state["key"], 16), int(state["draw"], 16)
        except (KeyError, TypeError, ValueError) as error:
            raise SerializationError(f"load_state_dict: not the state of a {self.kind} generator: {error!r}") from error
        if not (0 <= key < 1 << 64 and 0 <= draw < 1 << 64):
            raise SerializationError(f"load_state_dict: key and draw must be of 64 bits; got {key:#x} and {draw:#x}")
        self._key, self._draw = key, draw


def _fold(seed: int) -> int:
    """Make a key of 64 bits from a longer seed."""
    return int.from_bytes(
        blake2b(seed.to_bytes(-(-seed.bit_length() // 8), "little"), digest_size=8).digest(), "little"
    )
