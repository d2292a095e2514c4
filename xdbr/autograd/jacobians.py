"""Whole matrices of derivatives, and products with the Hessian; made of the transforms.

Complex numbers. Between complex input and complex output there is one matrix of complex derivatives only where the
function is holomorphic, so `jacobian` looks whether it is. From real input it is the derivative as it stands, and to
real output it is the gradient of each element, dL/dRe + i dL/dIm, as everywhere else.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .._config import ModeContext
from .._errors import GradientError
from ..backends import place_of
from .backward import grad as grad_of_graph
from .kernels import RAW_NAMESPACES
from .runs import Argnums, Call, Tangents, gradients, paired, run, scalar, tangents_of, variables, zeros_of
from .transforms import make_grad
from .variable import Variable, wrap

Map = Callable[[Callable[[Variable], list[Any]]], Callable[[Variable], list[Any]]]

__all__ = ["hessian", "hvp", "jacobian"]


def jacobian(
    f: Callable[..., Any],
    /,
    argnums: Argnums = 0,
    *,
    mode: str = "reverse",
    has_aux: bool = False,
    vectorize: bool = False,
) -> Callable[..., Any]:
    """Make a function that gives the Jacobian of `f`.

    mode: "reverse" takes one backward for each element of the output, "forward" one for each of the input; complex
        outputs or inputs, respectively, take two.
    vectorize: take all of these at once, by `vmap`: much faster, for as many times the memory.

    For each output y and each leaf x of the arguments the function made gives an array of shape `y.shape + x.shape`,
    in the structure of the outputs with that of the arguments inside; with `has_aux` a pair of these and aux. It is
    zero where y does not depend on x. Raises `GradientError` for a function from complex to complex that is not
    holomorphic at the arguments: its derivative is no matrix of complex numbers (see `vjp` and `jvp`).

    >>> import xdbr
    >>> xdbr.jacobian(lambda x: x * x)(xdbr.asarray([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    if mode not in ("reverse", "forward"):
        raise ValueError(f"jacobian: mode must be 'reverse' or 'forward'; got {mode!r}")
    return _jacobian("jacobian", f, argnums, mode, has_aux, vectorize)


def hessian(
    f: Callable[..., Any], /, argnums: Argnums = 0, *, has_aux: bool = False, vectorize: bool = False
) -> Callable[..., Any]:
    """Make a function that gives the Hessian of `f`, which returns one real number.

    For a real argument of shape `s` it has shape `s + s`; for nested arguments their structure stands within itself;
    with `has_aux` a pair of it and aux. `vectorize` is as for `jacobian`. Raises as `grad` and `jacobian` do.

    >>> import xdbr
    >>> xdbr.hessian(lambda x: xdbr.sum(x**3))(xdbr.asarray([1.0, 2.0])).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    slope = make_grad("hessian", f, argnums, has_aux=has_aux)
    return _jacobian("hessian", slope, argnums, "reverse", has_aux, vectorize)


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: bool = False) -> Any:
    """Give the product of the Hessian of `f` at `primals` with `tangents`, without building the Hessian.

    f: a function of all the primals that returns one real number; with `has_aux` a pair of it and anything else.
    Gives a tuple like `primals`; with `has_aux` a pair of it and aux.

    >>> import xdbr
    >>> x, v = xdbr.asarray([1.0, 2.0]), xdbr.asarray([1.0, 1.0])
    >>> xdbr.hvp(lambda x: xdbr.sum(x**3), [x], [v])[0].tolist()
    [6.0, 12.0]
    """
    paired("hvp", primals, tangents)
    call = run("hvp", f, tuple(primals), {}, tuple(range(len(primals))), has_aux)
    value = scalar("hvp", call.outputs)
    with ModeContext("recording", True):
        first = grad_of_graph(value, call.inputs, create_graph=True, allow_unused=True)
    directions = tangents_of("hvp", call, primals, tangents)
    pairs = [(g, t) for g, t in zip(first, directions, strict=True) if g is not None and g.requires_grad]
    if pairs:
        gs, ts = zip(*pairs, strict=True)
        product = call.rebuild(gradients(call, gs, ts, call.outside or any(t.requires_grad for t in ts), False))
    else:  # the gradient is constant
        product = call.rebuild([None if p is None else wrap(zeros_of(call.inputs[p])) for p in call.places])
    return (product, call.aux) if has_aux else product


def _one_by_one(f: Callable[[Variable], list[Any]]) -> Callable[[Variable], list[Any]]:
    """Map a function over the first axis in a loop; it gives a list of arrays."""
    from .._namespaces import namespace

    def run_each(x: Variable) -> list[Any]:
        space: Any = namespace(x._backend)
        rows = [f(wrap(x._raw[(i, ...)])) for i in range(x.shape[0])]
        return [space.stack(column) for column in zip(*rows, strict=True)]

    return run_each


def _by_vmap(f: Callable[[Variable], list[Any]]) -> Callable[[Variable], list[Any]]:
    """Map a function over the first axis by `vmap`, which is imported when it is first needed."""
    from ..batching import vmap

    return vmap(f)


def _jacobian(
    name: str, f: Callable[..., Any], argnums: Argnums, mode: str, has_aux: bool, vectorize: bool
) -> Callable[..., Any]:
    map_over = _by_vmap if vectorize else _one_by_one

    @functools.wraps(f, updated=())
    def function(*args: Any, **kwargs: Any) -> Any:
        call = run(name, f, args, kwargs, argnums, has_aux)
        leaves, rebuild = variables(name, call.outputs)
        blocks = (_by_outputs if mode == "reverse" else _by_inputs)(name, call, leaves, map_over)
        found = rebuild([
            call.rebuild([None if place is None else row[place] for place in call.places]) for row in blocks
        ])  # fmt: skip
        return (found, call.aux) if has_aux else found

    return function


def _by_outputs(name: str, call: Call, leaves: list[Variable], map_over: Map) -> list[list[Any]]:
    """Give for each output its derivative by each input, one backward for each element of the output."""
    rows = []
    for y in leaves:
        if not y.requires_grad:
            rows.append([_no_dependence(y, x) for x in call.inputs])
            continue
        ones = _pulled(call, y, 1.0, map_over)
        turned = _pulled(call, y, 1j, map_over) if y.dtype.kind == "c" else None
        row: list[Any] = []
        for i, x in enumerate(call.inputs):
            block = ones[i]
            if turned is not None:
                # From a to conj(J) a in the holomorphic case, to Re(conj(J) a) for real input.
                rest = turned[i] * 1j
                block = _conj(_holomorphic(name, block, rest)) if x.dtype.kind == "c" else block + rest
            row.append(block)
        rows.append(row)
    return rows


def _pulled(call: Call, y: Variable, factor: Any, map_over: Map) -> list[Variable]:
    """Give for each input the cotangents from `factor` at one element of `y` after the other, stacked."""
    if not y.size:
        return [_stacked(None, y.shape, x) for x in call.inputs]
    columns = map_over(lambda seed: _gradients(call, y, seed))(_basis(y, factor))
    return [_stacked(column, y.shape, x) for column, x in zip(columns, call.inputs, strict=True)]


def _gradients(call: Call, y: Variable, seed: Variable) -> list[Any]:
    with ModeContext("recording", True):
        found = grad_of_graph([y], call.inputs, [seed], create_graph=call.outside, retain_graph=True, allow_unused=True)
    return [wrap(zeros_of(x)) if g is None else g for x, g in zip(call.inputs, found, strict=True)]


def _by_inputs(name: str, call: Call, leaves: list[Variable], map_over: Map) -> list[list[Any]]:
    """Give for each output its derivative by each input, one pass for each element of the input."""
    push = Tangents(call, leaves)
    columns: list[list[Any]] = []
    for i, x in enumerate(call.inputs):
        ones = _pushed(push, call, leaves, i, 1.0, map_over)
        turned = _pushed(push, call, leaves, i, 1j, map_over) if x.dtype.kind == "c" else None
        column: list[Any] = []
        for j, y in enumerate(leaves):
            block = ones[j]
            if turned is not None:
                rest = turned[j] * 1j
                block = _holomorphic(name, block, rest) if y.dtype.kind == "c" else block + rest
            column.append(block)
        columns.append(column)
    return [[column[j] for column in columns] for j in range(len(leaves))]


def _pushed(push: Tangents, call: Call, leaves: list[Variable], i: int, factor: Any, map_over: Map) -> list[Variable]:
    """Give for each output the tangents for `factor` at one element of input `i` after the other, stacked."""
    from .._namespaces import namespace

    x = call.inputs[i]
    others = [wrap(zeros_of(other)) for other in call.inputs]
    many = map_over(lambda seed: list(push([*others[:i], seed, *others[i + 1 :]])))
    pushed = many(_basis(x, factor)) if x.size else [None] * len(leaves)
    found = []
    for y, tangents in zip(leaves, pushed, strict=True):
        whole = _stacked(tangents, x.shape, y)
        n, m = x.ndim, y.ndim
        found.append(namespace(x._backend).permute_dims(whole, (*range(n, n + m), *range(n))))
    return found


def _holomorphic(name: str, ones: Variable, turned: Variable) -> Variable:
    """Give the linear part of a derivative from its values for 1 and (times i) for i; there must be no other part."""
    linear, antilinear = (ones - turned) * 0.5, (ones + turned) * 0.5
    xp = RAW_NAMESPACES[type(linear._data)]
    sizes = [xp.max(xp.abs(part._raw)) for part in (linear, antilinear)] if linear.size else [0.0, 0.0]
    if float(sizes[1]) > xp.finfo(linear._data.dtype).eps ** 0.5 * float(sizes[0]):
        raise GradientError(
            f"{name}: the function is not holomorphic here, so its derivative by a complex argument is no matrix of "
            "complex numbers; differentiate by the real and the imaginary part, or use vjp or jvp"
        )
    return linear


def _conj(x: Variable) -> Variable:
    from .._namespaces import namespace

    return namespace(x._backend).conj(x)  # type: ignore[no-any-return]


def _basis(x: Variable, factor: Any) -> Variable:
    """Give one array of x's shape for each of its elements, stacked, with `factor` there and zero elsewhere."""
    raw = x._data
    xp = RAW_NAMESPACES[type(raw)]
    n = x.size
    eye = xp.eye(n, dtype=raw.dtype, device=place_of(raw))
    return wrap(xp.reshape(eye if factor == 1 else xp.multiply(eye, factor), (n, *x.shape)))


def _stacked(parts: Variable | None, lead: tuple[int, ...], like: Variable) -> Variable:
    """Give stacked arrays of the shape of `like` with the axes `lead` in the place of the first; `None` are none."""
    from .._namespaces import namespace

    space: Any = namespace(like._backend)
    if parts is None:
        return space.zeros((*lead, *like.shape), dtype=like.dtype, device=like.device)  # type: ignore[no-any-return]
    return space.reshape(parts, (*lead, *like.shape))  # type: ignore[no-any-return]


def _no_dependence(y: Variable, x: Variable) -> Variable:
    raw = x._data
    return wrap(RAW_NAMESPACES[type(raw)].zeros((*y.shape, *x.shape), dtype=raw.dtype, device=place_of(raw)))
