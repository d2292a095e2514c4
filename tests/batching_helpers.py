"""What tests of vmap share: the same function over one example after the other."""

from __future__ import annotations

from typing import Any

import xdbr
from xdbr import Variable


def loop(f: Any, *xs: Variable) -> Any:
    """The examples one after the other, stacked."""
    outs = [f(*(x[i, ...] for x in xs)) for i in range(xs[0].shape[0])]
    return xdbr.stack(outs)
