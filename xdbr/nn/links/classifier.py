"""A classifier: a predictor with its loss and accuracy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import functions as F
from ..link import Link

__all__ = ["Classifier"]


class Classifier(Link):
    """Calls a predictor and gives the loss of its answer.

    predictor: a link that gives scores of shape (N, C, ...) for its inputs.
    lossfun, accfun: called on the scores and the labels; `accfun=None`, for targets that are no labels, computes none.

    Each call sets `y` (the scores), `loss` and, unless `compute_accuracy` is False, `accuracy`.

    >>> import xdbr
    >>> import xdbr.nn.links as L
    >>> model = L.Classifier(L.Linear(4, 3))
    >>> loss = model(xdbr.ones((2, 4)), xdbr.asarray([0, 2]))
    >>> loss.shape, model.y.shape, model.accuracy.shape
    ((), (2, 3), ())
    """

    def __init__(
        self,
        predictor: Link,
        lossfun: Callable[..., Any] = F.softmax_cross_entropy,
        accfun: Callable[..., Any] | None = F.accuracy,
    ) -> None:
        super().__init__()
        for name, given in (("predictor", predictor), ("lossfun", lossfun), ("accfun", accfun)):
            if not callable(given) and not (name == "accfun" and given is None):
                raise TypeError(f"Classifier: {name} must be callable; got {type(given).__name__}")
        self.predictor = predictor
        self.lossfun = lossfun
        self.accfun = accfun
        self.compute_accuracy = accfun is not None
        self.y: Any = None
        self.loss: Any = None
        self.accuracy: Any = None

    def forward(self, *args: Any) -> Any:
        """Give the loss of the predictor on all arguments but the last, which are the labels."""
        if len(args) < 2:
            raise TypeError(f"Classifier: expected inputs and labels, as in model(x, t); got {len(args)} arguments")
        *inputs, t = args
        # The graph of the call before goes first: two graphs at once would need twice the memory.
        self.y = self.loss = self.accuracy = None
        y = self.predictor(*inputs)
        loss = self.lossfun(y, t)
        accuracy = self.accfun(y, t) if self.compute_accuracy and self.accfun is not None else None
        self.y, self.loss, self.accuracy = y, loss, accuracy
        return loss
