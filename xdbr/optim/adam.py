"""Adam."""

from __future__ import annotations

import math
from typing import Any

from .._errors import DtypeError
from .._typing import RawArray
from .hyperparameter import Hyperparameter
from .optimizer import Optimizer

__all__ = ["Adam"]


class Adam(Optimizer):
    """Steps scaled by running means of the gradient and of its square, both corrected for their start at zero.

    lr: step size, not negative.
    beta1, beta2: how much of the running means is kept at each update, within [0, 1).
    eps: added to the root of the mean square, above 0.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
    Raises `DtypeError` at an update of complex parameters.

    >>> from xdbr import optim
    >>> optim.Adam()
    Adam(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08)
    """

    lr = Hyperparameter("step size", low=0.0)
    beta1 = Hyperparameter("how much of the running mean is kept", low=0.0, high=1.0)
    beta2 = Hyperparameter("how much of the running mean square is kept", low=0.0, high=1.0)
    eps = Hyperparameter("added to the root of the mean square", low=0.0, above_low=True)
    state_names = ("m", "v")

    def __init__(self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> None:
        super().__init__()
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps

    def rule(
        self, xp: Any, param: RawArray, grad: RawArray, arrays: dict[str, RawArray], t: int
    ) -> tuple[RawArray, dict[str, RawArray]]:
        """Give the new value of one parameter and its running means."""
        if t == 1 and xp.isdtype(param.dtype, "complex floating"):
            raise DtypeError(f"{type(self).__name__}: expected real parameters; got one of dtype {param.dtype}")
        param, m, v = adam(
            xp, param, grad, arrays["m"], arrays["v"], t=t, lr=self.lr, beta1=self.beta1, beta2=self.beta2, eps=self.eps
        )
        return param, {"m": m, "v": v}


def adam(
    xp: Any,
    param: RawArray,
    grad: RawArray,
    m: RawArray,
    v: RawArray,
    *,
    t: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
) -> tuple[RawArray, RawArray, RawArray]:
    """Give the parameter and both running means after update number `t`.

    The corrections are plain numbers, brought to where they cost no pass over an array:
    `lr * (m / c1) / (sqrt(v / c2) + eps)` is `(lr * sqrt(c2) / c1) * m / (sqrt(v) + eps * sqrt(c2))`.
    Augmented assignments are to arrays made here, so what was given stays as it is.
    """
    root = math.sqrt(1 - beta2**t)
    step = grad * (1 - beta1)
    m = m * beta1
    m += step
    step = grad * grad
    step *= 1 - beta2
    v = v * beta2
    v += step
    step = xp.sqrt(v)
    step += eps * root
    step = m / step
    step *= lr * root / (1 - beta1**t)
    return param - step, m, v
