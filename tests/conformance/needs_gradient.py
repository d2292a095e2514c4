"""The namespace `xdbr` with inputs that need gradient, for the standard's test suite: `ARRAY_API_TESTS_MODULE`.

The suite makes its inputs with the namespace's creation functions and knows nothing of gradients. Here their
floating-point results need one, so that every function runs on recorded arrays and every result is recorded. The
suite also reads results with `float()`, `complex()` and DLPack, which a Variable that needs gradient refuses; here
it does not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import xdbr
from xdbr.array_api.creation import CREATION

LIKE = ("empty_like", "full_like", "ones_like", "zeros_like")


def needing_gradient(create: Callable[..., Any]) -> Callable[..., Any]:
    """Give a creation function whose floating-point results need gradient."""

    @functools.wraps(create)
    def made(*args: Any, **options: Any) -> Any:
        x = create(*args, **options)
        if x.dtype.kind in "fc" and not x.requires_grad:
            x.requires_grad = True
        return x

    return made


class Namespace:
    """A namespace with such creation functions; all else is that of `space`."""

    def __init__(self, space: Any, prefix: str = "") -> None:
        self._space = space
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._space, name)
        if self._prefix + name in CREATION or name in LIKE:
            found = needing_gradient(found)
        elif name == "fft" and not self._prefix:
            found = Namespace(found, "fft.")
        setattr(self, name, found)
        return found


def __getattr__(name: str) -> Any:
    if name.startswith("__") and not name.startswith("__array"):
        raise AttributeError(name)
    return getattr(_space, name)


def _convert(x: xdbr.Variable, what: str) -> Any:
    return x._raw


_space = Namespace(xdbr)
xdbr.Variable._leave = _convert  # type: ignore[method-assign]
assert __getattr__("asarray")(1.0).requires_grad
