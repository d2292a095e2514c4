"""Stochastic gradient descent, plain and with momentum."""

from __future__ import annotations

from typing import Any

from .._typing import RawArray
from .hyperparameter import Hyperparameter
from .optimizer import Optimizer

__all__ = ["SGD", "MomentumSGD"]


class SGD(Optimizer):
    """Stochastic gradient descent: `param - lr * grad`.

    lr: step size, not negative.

    >>> from xdbr import optim
    >>> import xdbr.nn.links as L
    >>> optim.SGD(lr=0.1).setup(L.Linear(3, 2))
    SGD(lr=0.1)
    """

    lr = Hyperparameter("step size", low=0.0)

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__()
        self.lr = lr

    def rule(
        self, xp: Any, param: RawArray, grad: RawArray, arrays: dict[str, RawArray], t: int
    ) -> tuple[RawArray, dict[str, RawArray]]:
        """Give the new value of one parameter."""
        return sgd(xp, param, grad, lr=self.lr), arrays


def sgd(xp: Any, param: RawArray, grad: RawArray, *, lr: float) -> RawArray:
    """Give the parameter after one step of gradient descent."""
    return param - lr * grad


class MomentumSGD(Optimizer):
    """Gradient descent with momentum: `v = momentum * v - lr * grad`, `param + v`.

    lr: step size, not negative.
    momentum: within [0, 1).

    Source: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.

    >>> from xdbr import optim
    >>> optim.MomentumSGD(lr=0.1)
    MomentumSGD(lr=0.1, momentum=0.9)
    """

    lr = Hyperparameter("step size", low=0.0)
    momentum = Hyperparameter("how much of the step before is kept", low=0.0, high=1.0)
    state_names = ("v",)

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__()
        self.lr = lr
        self.momentum = momentum

    def rule(
        self, xp: Any, param: RawArray, grad: RawArray, arrays: dict[str, RawArray], t: int
    ) -> tuple[RawArray, dict[str, RawArray]]:
        """Give the new value of one parameter and its velocity."""
        param, v = momentum_sgd(xp, param, grad, arrays["v"], lr=self.lr, momentum=self.momentum)
        return param, {"v": v}


def momentum_sgd(
    xp: Any, param: RawArray, grad: RawArray, v: RawArray, *, lr: float, momentum: float
) -> tuple[RawArray, RawArray]:
    """Give the parameter and the velocity after one step."""
    v = momentum * v
    v -= lr * grad
    return param + v, v
