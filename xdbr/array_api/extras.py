"""The differentiable mirrors of the backends' extras: same names and signatures, recorded.

Gradient rules call `xp.extras.<name>`; on raw arrays that is the backend's own function, under
`create_graph=True` it is the one here, so the rules stay closed under differentiation.
"""

from __future__ import annotations

from typing import Any

from .._typing import Array, Dtype, Key
from ..autograd.kernels import REGISTRY
from ..autograd.primitive import primitive
from ..autograd.variable import VARIABLES, Variable, wrap
from ..autograd.views import Walk, raw_key, setitem
from ..backends import canonical_dtype
from .data_types import astype
from .elementwise import real
from .linear_algebra import contract
from .searching import where

__all__ = ["absorb", "cast", "contract", "gate", "index_add", "keep", "kink", "read", "write"]


@primitive(name="extras.index_add", arrays=2)
def _index_add(xp: Any, x: Array, v: Array, /, *, key: Key) -> Array:
    return xp.extras.index_add(x, v, key=key)


_index_add.vjp(lambda xp, g: g, lambda xp, g, key: xp.extras.read(g, key=key))


def read(x: Any, /, *, key: Key) -> Any:
    """Give `x[key]`: in rules, for every key that a forward has taken, also where the library lacks such keys.

    >>> import xdbr
    >>> from xdbr.array_api.extras import read
    >>> read(xdbr.arange(3), key=slice(None, None, -1))
    Variable([2, 1, 0], dtype=int64)
    """
    return x[key]


def index_add(x: Any, v: Any, /, *, key: Key) -> Variable:
    """Give `x` with `v` added at `key`, where positions that `key` names twice receive both.

    >>> import xdbr
    >>> from xdbr.array_api.extras import index_add
    >>> index_add(xdbr.zeros(2), xdbr.asarray([1.0, 2.0]), key=xdbr.asarray([1, 1]))
    Variable([0., 3.], dtype=float32)
    """
    if type(x) not in VARIABLES:
        x = wrap(x)
    made: Variable = _index_add.primitive.apply((x, v), {"key": raw_key(key, x._backend, x)})
    return made


@primitive(name="extras.absorb", arrays=2, joint=True, selecting=True)
def absorb(xp: Any, g: Array, y: Array, /) -> Array:
    """Give `y`, a cotangent that a rule made linearly from `g`, with zeros wherever `g` is zero.

    Below a selection a zero cotangent says that the element was not used, so that its gradient is
    zero however infinite the local derivative is. As a function of `g` and of the rule's other
    inputs the result is still the plain product: hence the rule passes everything on to `y`, and
    flags the cotangent so that in turn it absorbs there.
    """
    return xp.where(g == 0, xp.zeros_like(y), y)


absorb.vjp_joint(lambda xp, g, needs: [None, g])


@primitive(name="extras.gate", arrays=2, joint=True, selecting=True)
def gate(xp: Any, saved: Array, factor: Array, /) -> Array:
    """Give `saved`, which a rule multiplies the cotangent `factor` with, broadcast to the factor's shape.

    It is the other half of `absorb`. The derivative of the product by `saved` is `factor` times something;
    it is zero where `factor` is and that something infinite or NaN. Where it is finite the rule stays the
    plain one, and so do its own derivatives.
    """
    return xp.broadcast_to(saved, factor.shape)


def _gate_rule(xp: Any, g: Array, needs: list[bool], factor: Array) -> list[Any]:
    return [xp.where((factor == 0) & ~xp.isfinite(g), 0, g), None]


gate.vjp_joint(_gate_rule)


@primitive(name="extras.kink", arrays=2, joint=True)
def kink(xp: Any, size: Array, y: Array, /) -> Array:
    """Give `y`, a cotangent, with zeros wherever `size` is zero: at a kink in the middle of a cone.

    That is the middle of the slopes around it, where `y` itself is NaN. The derivative stays that of `y`, which is
    infinite or NaN there, for the slope jumps.
    """
    return xp.where(size == 0, xp.zeros_like(y), y)


kink.vjp_joint(lambda xp, g, needs: [None, g])


def keep(x: Any, mask: Any, /) -> Variable:
    """Give `x` where `mask` is true and zero elsewhere, also where `x` is infinite there.

    >>> import xdbr
    >>> from xdbr.array_api.extras import keep
    >>> keep(xdbr.asarray([1.0, float("inf")]), xdbr.asarray([True, False]))
    Variable([1., 0.], dtype=float32)
    """
    return where(mask, x, 0)


def cast(x: Any, dtype: Dtype, /) -> Variable:
    """Give `x` with `dtype`, and its real part where `x` is complex and `dtype` is not.

    >>> import xdbr
    >>> from xdbr.array_api.extras import cast
    >>> cast(xdbr.asarray([1 + 2j]), "float64")
    Variable([1.], dtype=float64)
    """
    if canonical_dtype(x.dtype).kind == "c" and canonical_dtype(dtype).kind != "c":
        x = real(x)
    return astype(x, dtype, copy=False)


def write(x: Array, v: Array, /, *, walk: Walk, key: Key) -> Array:
    """Give `x` with `v` written at `walk(x)[key]`."""
    return setitem(x, v, walk=walk, key=key)


REGISTRY["extras.write"] = setitem.primitive
