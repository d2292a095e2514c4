"""What changes gradients before an update; see `Optimizer.add_hook`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import array_api
from ..autograd.variable import Variable
from ..nn import Parameter
from .hyperparameter import Hyperparameter

if TYPE_CHECKING:
    from .optimizer import Optimizer

__all__ = ["GradientClipping", "WeightDecay"]


class WeightDecay:
    """Adds `rate * param` to each gradient: the gradient of an L2 penalty `rate / 2 * sum(param ** 2)`.

    rate: not negative.

    >>> from xdbr import optim
    >>> optimizer = optim.SGD(lr=0.1)
    >>> optimizer.add_hook(optim.WeightDecay(0.0001))
    >>> optimizer.hooks
    ('WeightDecay',)
    """

    name = "WeightDecay"
    rate = Hyperparameter("factor of the penalty", low=0.0)

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, optimizer: Optimizer, params: Sequence[Parameter], grads: Sequence[Variable]) -> list[Variable]:
        """Give the gradients with the penalty's."""
        return [grad + self.rate * param.detach() for param, grad in zip(params, grads, strict=True)]


class GradientClipping:
    """Scales all gradients by one factor so that their common L2 norm is at most `threshold`.

    threshold: above 0.

    The norm is that of all elements of all gradients together. Source: Pascanu et al., "On the difficulty of training
    recurrent neural networks", 2013.

    >>> from xdbr import optim
    >>> optimizer = optim.SGD(lr=0.1)
    >>> optimizer.add_hook(optim.GradientClipping(5.0))
    """

    name = "GradientClipping"
    threshold = Hyperparameter("the largest norm", low=0.0, above_low=True)

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def __call__(
        self, optimizer: Optimizer, params: Sequence[Parameter], grads: Sequence[Variable]
    ) -> list[Variable] | None:
        """Give the gradients, scaled where that is needed."""
        norm = _norm(grads)
        if norm <= self.threshold:
            return None
        return [grad * (self.threshold / norm) for grad in grads]


def _norm(grads: Sequence[Variable]) -> float:
    """Give the L2 norm of all elements together.

    The squares come to the host, one number for each gradient, because gradients may lie on different devices.
    """
    total = sum(_square(grad, 1.0) for grad in grads)
    if _TINY < total < math.inf:
        return math.sqrt(total)
    # The squares have overflowed or vanished, or there is an inf or NaN: take out the largest element first.
    largest = max((array_api.max(abs(grad)).item() for grad in grads if grad.size), default=0.0)
    if not 0.0 < largest < math.inf:
        return float(largest)
    return float(largest) * math.sqrt(sum(_square(grad, 1 / largest) for grad in grads))


_TINY = 1e-30  # squares in float32 below this have lost digits


def _square(grad: Variable, scale: float) -> float:
    flat = array_api.reshape(grad, (-1,))
    if scale != 1.0:
        flat = flat * scale
    return float(abs(array_api.vecdot(flat, flat).item()))
