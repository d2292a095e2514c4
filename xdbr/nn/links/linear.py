"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from .. import functions as F
from ..functions._arguments import as_variable, same_device, same_dtype
from ..functions.linear import feature_count
from ..initializers import LeCunNormal, get_initializer
from ..link import Link
from ..parameter import Parameter

__all__ = ["Linear"]


class Linear(Link):
    """A fully connected layer: `x @ W.T + b`.

    in_size: number of features of an example; `None`, or left out as in `Linear(10)`, takes it from the first call.
    out_size: number of outputs.
    nobias: leave out `b`.
    initialW: first values of `W`: an initializer, a number or an array; `LeCunNormal()` by default.
    initial_bias: the same for `b`; 0 by default.

    `W` has the shape (out_size, in_size), `b` the shape (out_size,).

    >>> import xdbr
    >>> import xdbr.nn.links as L
    >>> layer = L.Linear(None, 10)
    >>> layer(xdbr.ones((32, 784))).shape, layer.W.shape
    ((32, 10), (10, 784))
    """

    b: Parameter | None

    def __init__(
        self,
        in_size: int | None,
        out_size: int | None = None,
        nobias: bool = False,
        initialW: Any = None,
        initial_bias: Any = None,
    ) -> None:
        super().__init__()
        if out_size is None:
            in_size, out_size = None, in_size
        if out_size is None:
            raise TypeError(
                "Linear: out_size must be an integer; got None (only in_size may be left to the first call)"
            )
        self.W = Parameter(get_initializer(initialW, default=LeCunNormal()), (out_size, in_size))
        self.b = None if nobias else Parameter(get_initializer(initial_bias, default=0.0), (out_size,))

    def forward(self, x: Any, n_batch_axes: int = 1) -> Any:
        """Map each example; see `xdbr.nn.functions.linear`."""
        if not self.W.is_initialized:
            self.materialize(x, n_batch_axes)
        return F.linear(x, self.W, self.b, n_batch_axes)

    def materialize(self, x: Any, n_batch_axes: int = 1) -> Linear:
        """Take the input size from an example, without computing anything; give the link back."""
        if not self.W.is_initialized:
            x = as_variable("Linear", "x", x)
            same_dtype("Linear", "x", x, "W", self.W)
            same_device("Linear", "x", x, "W", self.W)
            self.W.materialize((self.W.shape[0], feature_count("Linear", x, n_batch_axes)))
        return self

    def extra_repr(self) -> str:
        """Give the sizes, and that there is no bias."""
        out_size, in_size = self.W.shape
        return f"{in_size}, {out_size}" + (", nobias=True" if self.b is None else "")
