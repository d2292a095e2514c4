"""The functions that networks are made of: `import xdbr.nn.functions as F`.

All take Variables or raw arrays and give Variables. Their names, arguments and axes are Chainer's: examples along
axis 0, classes and channels along axis 1.
"""

from __future__ import annotations

from typing import Any

from ..._equivalents import FUNCTIONS, missing
from ...array_api import tanh
from .accuracy import accuracy
from .dropout import dropout
from .embed_id import embed_id
from .linear import linear
from .mean_squared_error import mean_squared_error
from .relu import relu
from .sigmoid import sigmoid
from .softmax import log_softmax, softmax
from .softmax_cross_entropy import softmax_cross_entropy

__all__ = [
    "accuracy",
    "dropout",
    "embed_id",
    "linear",
    "log_softmax",
    "mean_squared_error",
    "relu",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "tanh",
]


def __getattr__(name: str) -> Any:
    raise missing(f"module {__name__!r}", name, FUNCTIONS, ("xdbr", "xdbr.special"))
