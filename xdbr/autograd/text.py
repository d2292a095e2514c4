"""How a Variable looks as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .variable import Variable

__all__ = ["describe", "elements"]


def elements(x: Variable) -> str:
    """Give the elements as NumPy prints them."""
    return repr(x._raw) if x._backend.depth else str(x._backend.to_host(x._raw))


def describe(x: Variable) -> str:
    """Give `Variable([...], dtype=..., ...)`, with the device where it is not NumPy's and what made it."""
    prefix = f"{type(x).__name__}("
    if x._backend.depth:  # each example has values of its own
        parts = [repr(x._raw)]
    else:
        host = x._backend.to_host(x._raw)
        parts = [np.array2string(host, separator=", ", prefix=prefix), f"dtype={x.dtype}"]
    if 0 in x.shape and x.shape != (0,):
        parts.insert(1, f"shape={x.shape}")
    device = str(x.device)
    if device != "numpy":
        parts.append(f"device={device!r}")
    if x.name is not None:
        parts.append(f"name={x.name!r}")
    node = x._node
    if node is not None:
        parts.append("requires_grad=True" if node.is_leaf else f"function={node.name}")
    return prefix + ", ".join(parts) + ")"
