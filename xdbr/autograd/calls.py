"""How a primitive is called: the hot path.

The two shapes of function that make up most of a graph, one or two arrays without options, get a call
of their own: flat nodes, no tuples, no keyword arguments, the kernel looked up by the type of the raw array.
Anything unusual (Python scalars, raw arrays, two libraries) goes to `Primitive.apply`, and so do
functions with options. What these closures cost is measured in `benchmarks/op_overhead.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._config import MODE
from .graph import Node, next_order, remember_where
from .variable import VARIABLES, Variable, refresh, wrap

if TYPE_CHECKING:
    from .primitive import Primitive

__all__ = ["binary", "general", "unary"]

new = object.__new__

FAILURES = (ValueError, TypeError, RuntimeError, OverflowError)

REALS = frozenset((int, float))


def unary(p: Primitive) -> Callable[..., Any]:
    """Make the call of a function of one array."""
    kernels = p.kernels
    mode_of = MODE.get
    differentiable = p.differentiable
    floating = p.floating
    keep = 0

    def call(x: Any, /) -> Any:
        t = type(x)
        if t is not Variable and t not in VARIABLES:
            return p.apply((x,), {})
        if x._view is not None:
            refresh(x)
        d = x._data
        try:
            out = kernels[type(d)](d)
        except FAILURES as error:
            raise p.explain(error, (d,)) from error
        y = new(Variable)
        y._data = out
        y._view = None
        n = x._node
        if n is None or not differentiable or not mode_of().recording:
            if floating and out.dtype is not d.dtype:
                return p.apply((x,), {})
            y._node = None
            return y
        y._node = node = new(Node)
        node.prim = p
        node.order = next_order()
        node.shape = out.shape
        node.dtype = out.dtype
        node.a = n
        node.watch = None
        if keep & 1:
            node.d1 = d
        if keep & 4:
            node.out = out
        if mode_of().debug:
            remember_where(node)
        return y

    def retain(bits: int) -> None:
        nonlocal keep
        keep = bits

    p.retainers.append(retain)
    return call


def binary(p: Primitive, slow: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Make the call of a function of two arrays; `slow` takes what is unusual."""
    kernels = p.kernels
    mode_of = MODE.get
    differentiable = p.differentiable
    floating = p.floating
    unusual = slow or p.apply
    variable = Variable
    order = next_order
    keep0 = keep1 = both = 0

    def call(x1: Any, x2: Any, /) -> Any:
        try:
            if x1._view is not None:
                refresh(x1)
            if x2._view is not None:
                refresh(x2)
            d1 = x1._data
            d2 = x2._data
            t = type(d1)
            if t is not type(d2):
                return unusual((x1, x2), {})
            n1 = x1._node
            n2 = x2._node
        except AttributeError:
            return beside_scalar(x1, x2)
        try:
            out = kernels[t](d1, d2)
        except FAILURES as error:
            raise p.explain(error, (d1, d2)) from error
        y = new(variable)
        y._data = out
        y._view = None
        if n1 is n2 is None:
            if floating and out.dtype is not d1.dtype:
                return unusual((x1, x2), {})
            y._node = None
            return y
        mode = mode_of()
        if not mode.recording or not differentiable:
            y._node = None
            return y
        y._node = node = new(Node)
        node.prim = p
        node.order = order()
        node.shape = out.shape
        node.dtype = out.dtype
        node.a = n1
        node.b = n2
        node.watch = None
        keep = keep0 if n2 is None else keep1 if n1 is None else both
        if keep:
            if keep & 1:
                node.d1 = d1
            if keep & 2:
                node.d2 = d2
            if keep & 4:
                node.out = out
        if mode.debug:
            remember_where(node)
        return y

    def beside_scalar(x1: Any, x2: Any, /) -> Any:
        """Take a Python number beside an array that it cannot promote; leave the rest to the general way."""
        t1, t2 = type(x1), type(x2)
        if t2 in REALS and t1 in VARIABLES:
            x, scalar_first = x1, False
        elif t1 in REALS and t2 in VARIABLES:
            x, scalar_first = x2, True
        else:
            return unusual((x1, x2), {})
        if x._view is not None:
            refresh(x)
        d = x._data
        kernel = kernels[type(d)]
        d1, d2 = (x1, d) if scalar_first else (d, x2)
        n = x._node
        if n is None:
            if getattr(d.dtype, "kind", "?") not in "fc":
                return unusual((x1, x2), {})
            return wrap(kernel(d1, d2))
        out = kernel(d1, d2)
        mode = mode_of()
        if not mode.recording or not differentiable:
            return wrap(out)
        node = new(Node)
        node.prim = p
        node.order = order()
        node.shape = out.shape
        node.dtype = out.dtype
        node.watch = None
        if scalar_first:
            node.a, node.b, keep = None, n, keep1
        else:
            node.a, node.b, keep = n, None, keep0
        if keep & 1:
            node.d1 = d1
        if keep & 2:
            node.d2 = d2
        if keep & 4:
            node.out = out
        if mode.debug:
            remember_where(node)
        return wrap(out, node)

    def retain(bits0: int, bits1: int) -> None:
        nonlocal keep0, keep1, both
        keep0, keep1, both = bits0, bits1, bits0 | bits1

    retain(*p.keep_bits)
    p.retainers.append(retain)
    return call


def general(p: Primitive) -> Callable[..., Any]:
    """Make the call of any other function: array arguments first, then options."""
    apply = p.apply
    arity = p.arity
    positional = p.positional_options
    most = arity + len(positional)

    def call(*args: Any, **options: Any) -> Any:
        if len(args) != arity:
            if not arity <= len(args) <= most:
                p.forward(None, *args, **options)  # Python's own error for a call that does not fit
            for name, value in zip(positional, args[arity:], strict=False):
                if name in options:
                    raise TypeError(f"{p.name}() got multiple values for argument {name!r}")
                options[name] = value
            args = args[:arity]
        return apply(args, options)

    return call
