"""Primitives: functions written once, with the namespace handed in, and their gradient rules.

`@primitive` turns a forward `f(xp, x, ...)` into a public function `f(x, ...)` that takes Variables,
runs the backend's kernel on their raw arrays and records one node. A rule's parameters after
`(xp, g)` are its retention list; nothing else is kept. How the common calls are made fast is in `calls`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, overload

from .. import backends
from .._config import MODE, get_default_dtype
from .._errors import DeviceError, DtypeError, XdbrError, class_of
from ..backends import Backend, canonical_dtype
from . import calls
from .composite import composite
from .graph import Node, next_order, remember_where
from .kernels import Kernels, Library, direct_name, find, register
from .standins import Freed, select
from .variable import VARIABLES, Variable, refresh, wrap

__all__ = [
    "Primitive",
    "PrimitiveFunction",
    "composite",
    "elementwise",
    "nondifferentiable",
    "primitive",
]

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
Rule = Callable[..., Any]

_new = object.__new__
_SCALARS = frozenset((bool, int, float, complex))


class PrimitiveFunction(Protocol, Generic[P, R_co]):
    """The public function that `@primitive` makes: it takes the forward's arguments but `xp`."""

    __name__: str
    __doc__: str | None
    primitive: Primitive

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the function on Variables, raw arrays and, beside them, Python scalars."""

    def vjp(self, *rules: Rule | None) -> None:
        """Declare one gradient rule `(xp, g, *retained)` per array argument, in order; `None` where there is none."""

    def vjp_joint(self, rule: Rule) -> None:
        """Declare one rule `(xp, g, needs, *retained)` that gives the list of all cotangents."""


class Primitive:
    """A function with its gradient rules; `function` is its public form."""

    is_leaf = False

    def __init__(
        self,
        forward: Callable[..., Any],
        *,
        name: str | None = None,
        arrays: int | None = None,
        list_arg: bool = False,
        outputs: int = 1,
        joint: bool = False,
        elementwise: bool = False,
        floating: bool = False,
        selecting: bool = False,
        holomorphic: bool = False,
        differentiable: bool = True,
    ) -> None:
        code = forward.__code__
        names = code.co_varnames[1 : code.co_argcount]
        positional = code.co_posonlyargcount - 1
        self.forward = forward
        self.name = name or forward.__name__
        self.arity = arity = positional if arrays is None else arrays
        self.array_names = names[:arity]
        self.option_names = (
            names[arity:] + code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        )
        self.positional_options = names[arity:]
        defaults = forward.__defaults__ or ()
        self.defaults: dict[str, Any] = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
        self.defaults.update(forward.__kwdefaults__ or {})
        self.list_arg = list_arg
        self.outputs = outputs
        self.flat = not self.option_names and not list_arg and outputs == 1 and not joint and arity in (1, 2)
        self.two_slots = self.flat
        self.simple = arity == 1 and not list_arg and not floating
        self.is_elementwise = elementwise
        self.floating = floating
        self.selecting = selecting
        self.holomorphic = holomorphic
        self.differentiable = differentiable
        self.kernels = Kernels(self._kernel_for)
        self.rules: tuple[Rule | None, ...] | None = None
        self.rule_names: tuple[tuple[str, ...], ...] = ()
        self.joint: Rule | None = None
        self.keep: tuple[frozenset[str], ...] = ()
        # The flat hot path: which of d1 (1), d2 (2), out (4) each rule needs, and how the engine calls it.
        self.rule0: Rule | None = None
        self.rule1: Rule | None = None
        self.code0 = self.code1 = 0
        self.keep_bits: tuple[int, ...] = (0,) * min(arity, 2)
        self.retainers: list[Callable[..., None]] = []
        self.freed = cast("Primitive", Freed(self))
        self.scatter: Callable[..., Any] | None = None
        self.gated: Callable[..., Any] | None = None
        maker = (calls.unary if arity == 1 else calls.binary) if self.flat else calls.general
        self.function = maker(self)
        _dress(self.function, self, forward)

    # -- kernels -----------------------------------------------------------------------------

    def kernel(self, backend: Backend) -> Callable[..., Any]:
        """Give the function that computes this primitive on the backend's raw arrays."""
        found = backend.kernels.get(self.name)
        if found is None:
            library = Library(backend)
            direct = direct_name(self.forward, len(self.array_names), self.option_names)
            found = functools.partial(self.forward, library) if direct is None else find(library, direct)
        return backend.placed(found)

    def _kernel_for(self, array_type: type) -> Callable[..., Any]:
        backend = backends.of_type(array_type)
        if backend is None:
            raise DtypeError(
                f"{self.name}: expected an array of a known backend or a Variable; got {array_type.__name__}"
            )
        kernel = self.kernel(backend)
        if self.floating and self.flat and not backend.is_host:
            kernel = self.reading_integers(kernel, backend)
        return self.same_device(kernel, backend) if backend.multi_device and self.flat and self.arity == 2 else kernel

    def reading_integers(self, kernel: Callable[..., Any], backend: Backend) -> Callable[..., Any]:
        """Give the kernel with integers read in the default dtype first, which a strict library would refuse."""
        floating = {
            backend.dtype(name) for name in backend.supported_dtypes(None) if "int" not in name and name != "bool"
        }

        def settled(*raws: Any) -> Any:
            for raw in raws:
                if type(raw) not in _SCALARS and raw.dtype in floating:
                    return kernel(*raws)
            ready = list(raws)
            self._settle_dtypes(
                ready, [(i, raw, backend) for i, raw in enumerate(raws) if type(raw) not in _SCALARS], backend
            )
            return kernel(*ready)

        return settled

    def same_device(self, kernel: Callable[..., Any], backend: Backend) -> Callable[..., Any]:
        """Give the kernel with a check that both arrays lie on one device of the backend."""

        def checked(d1: Any, d2: Any) -> Any:
            if type(d1) is type(d2) and backend.device_of(d1) != backend.device_of(d2):
                self._check_devices([(0, d1, backend), (1, d2, backend)])
            return kernel(d1, d2)

        return checked

    # -- rules -------------------------------------------------------------------------------

    def vjp(self, *rules: Rule | None) -> None:
        """Declare the gradient rules, one per array argument; see `PrimitiveFunction.vjp`."""
        if len(rules) != self.arity:
            raise TypeError(f"{self.name}.vjp: expected {self.arity} rules, one per array argument; got {len(rules)}")
        self.rules = rules
        self.rule_names = tuple(() if rule is None else self._retained(rule, 2) for rule in rules)
        if not self.flat:
            self.keep = tuple(map(frozenset, self.rule_names))
            return
        bits = {name: 1 << i for i, name in enumerate(self.array_names)} | {"out": 4}
        codes = []
        for names in self.rule_names:
            plain = names if len(names) == 1 and names[0] in bits else ()
            codes.append(0 if not names else bits[plain[0]] if plain else -1)
        self.code0, self.rule0 = codes[0], rules[0]
        keeps = [self._bits(names, bits) for names in self.rule_names]
        if self.arity == 2:
            self.code1, self.rule1 = codes[1], rules[1]
        self.keep_bits = tuple(keeps)
        for retain in self.retainers:
            retain(*keeps)

    def _bits(self, names: tuple[str, ...], bits: dict[str, int]) -> int:
        found = 0
        for name in names:
            if name in bits:
                found |= bits[name]
            elif name.endswith(("_shape", "_dtype")) and self.arity == 2:
                # A flat node knows the shape of an input that needs gradient; of the other it keeps the array.
                found |= bits[name[:-6]]
        return found

    def vjp_joint(self, rule: Rule) -> None:
        """Declare one rule that gives the cotangents of all array arguments; see `PrimitiveFunction.vjp_joint`."""
        if self.flat:
            raise TypeError(f"{self.name}.vjp_joint: declare it with @primitive(joint=True)")
        self.joint = rule
        self.rule_names = (self._retained(rule, 3),)
        self.keep = (frozenset(self.rule_names[0]),)

    def _retained(self, rule: Rule, skip: int) -> tuple[str, ...]:
        code = _code(rule)
        names = code.co_varnames[skip : code.co_argcount]
        known = {*self.array_names, *self.option_names, "out"}
        known |= {f"{name}_{what}" for name in self.array_names for what in ("shape", "dtype")}
        unknown = [name for name in names if name not in known]
        if unknown or code.co_argcount < skip:
            raise TypeError(
                f"{self.name}: a gradient rule retains {unknown}, but the function has inputs "
                f"{self.array_names}, options {self.option_names} and 'out'"
            )
        return names

    # -- the general call ---------------------------------------------------------------------

    def apply(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Run the primitive on any arguments that it takes, and record it where that is asked for."""
        if self.simple and type(args[0]) in VARIABLES:
            return self._apply_to_one(args[0], options)
        inputs: Sequence[Any] = args[0] if self.list_arg else args
        raws, backend = self._raws(inputs)
        if backend is None:
            from .lifting import together

            inputs = together(inputs)
            return self.apply((inputs,) if self.list_arg else tuple(inputs), options)
        kernel = self.kernels[backend.array_types[0]]
        try:
            out = kernel(list(raws), **options) if self.list_arg else kernel(*raws, **options)
        except calls.FAILURES as error:
            if self.option_names:  # which the function that has them explains
                raise
            raise self.explain(error, raws) from error
        if not self.differentiable:
            return self._wrap(out)
        edges = [x._node if type(x) in VARIABLES else None for x in inputs]
        for edge in edges:
            if edge is not None:
                mode = MODE.get()
                if mode.recording:
                    return self._record(edges, raws, options, out, mode.debug)
                break
        return self._wrap(out)

    def _apply_to_one(self, x: Variable, options: dict[str, Any]) -> Any:
        """Run a primitive of one array with options on a Variable: the usual case, such as a reduction."""
        if x._view is not None:
            refresh(x)
        raw = x._data
        out = self.kernels[type(raw)](raw, **options)
        n = x._node
        if n is None or not self.differentiable:
            return self._wrap(out)
        mode = MODE.get()
        return self._record([n], [raw], options, out, mode.debug) if mode.recording else self._wrap(out)

    def explain(self, error: Exception, raws: Sequence[Any]) -> Exception:
        """Give the error to raise in the place of a library's: with the function and its arguments named.

        Bare errors about shapes and dtypes become `ShapeError` and `DtypeError`; one with a class of its own, such as
        a singular matrix, keeps it and gets a note.
        """
        if isinstance(error, XdbrError):
            return error
        given = "; ".join(
            f"{self._argument(i)}: shape {tuple(raw.shape)}, dtype {canonical_dtype(raw.dtype)}"
            if hasattr(raw, "dtype")
            else f"{self._argument(i)}: {raw!r}"
            for i, raw in enumerate(raws)
        )
        text = str(error).strip().removeprefix(f"{self.name}: ")
        if isinstance(error, TypeError) or type(error) in (ValueError, RuntimeError):
            return class_of(error)(f"{self.name}: {text} ({given})")
        error.add_note(f"in {self.name} ({given})")
        return error

    def operator(self) -> Callable[..., Any]:
        """Give the function as a binary operator: `NotImplemented` for operands of a foreign type."""
        return calls.binary(self, self._apply_operator)

    def reflected(self) -> Callable[..., Any]:
        """Give the function as a reflected binary operator."""

        def call(x2: Any, x1: Any, /) -> Any:
            return self._apply_operator((x1, x2), {})

        return call

    def _apply_operator(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        for arg in args:
            t = type(arg)
            if t not in VARIABLES and t not in _SCALARS and backends.of(arg) is None:
                return NotImplemented
        return self.apply(args, options)

    def _wrap(self, out: Any) -> Any:
        if self.outputs == 1:
            return wrap(out)
        parts = [wrap(part) for part in out]
        return out._make(parts) if hasattr(out, "_make") else tuple(parts)

    def _raws(self, inputs: Sequence[Any]) -> tuple[list[Any], Backend | None]:
        """Give the raw arguments and the one backend that they lie on; scalars stay Python scalars.

        The backend is `None` where levels of vmap meet, so that some have to be lifted first.
        """
        raws: list[Any] = []
        arrays: list[tuple[int, Any, Backend]] = []
        scalars = False
        for i, x in enumerate(inputs):
            t = type(x)
            if t in VARIABLES:
                if x._view is not None:
                    refresh(x)
                x = x._data
                arrays.append((i, x, cast(Backend, backends.of(x))))
            elif t in _SCALARS:
                scalars = True
            elif x is not None:
                backend = backends.of(x)
                if backend is None:
                    raise DtypeError(
                        f"{self.name}: {self._argument(i)} must be an array or a Variable; got {t.__name__}"
                    )
                if t is not backend.array_types[0] and tuple(x.shape) == () and len(inputs) > 1:
                    x = x.item()  # a NumPy scalar beside an array is weak, like a Python scalar
                    scalars = True
                else:
                    x = backend.as_array(x)
                    arrays.append((i, x, backend))
            raws.append(x)
        if not arrays:
            for i, x in enumerate(inputs):
                found = backends.of(x)
                if found is not None:
                    raws[i] = x
                    arrays.append((i, x, found))
            if not arrays:
                got = ", ".join(type(x).__name__ for x in inputs) or "nothing"
                raise DtypeError(
                    f"{self.name}: expected at least one array or Variable; got {got}; make one by xdbr.asarray"
                )
        backend = arrays[0][2]
        if len(arrays) > 1 and not self._check_devices(arrays):
            return raws, None
        if self.floating or scalars:
            self._settle_dtypes(raws, arrays, backend)
        return raws, backend

    def _check_devices(self, arrays: list[tuple[int, Any, Backend]]) -> bool:
        """Raise unless all arrays lie on one device; give `False` where they do so at several levels of vmap."""
        one_level = True
        first, raw, backend = arrays[0]
        device = backend.device_of(raw) if backend.multi_device else backend.default_device()
        for i, other, its_backend in arrays[1:]:
            if its_backend is backend and not backend.multi_device:
                continue
            its_device = its_backend.device_of(other)
            if its_device != device:
                if backends.levels_meet(device, its_device):
                    one_level = False
                    continue
                raise DeviceError(
                    f"{self.name}: {self._argument(first)} is on {str(device)!r} but {self._argument(i)} is on "
                    f"{str(its_device)!r}; move one of them, for example {self._argument(i)}.to_device({str(device)!r})"
                )
        return one_level

    def _argument(self, i: int) -> str:
        return f"{self.array_names[0]}[{i}]" if self.list_arg else self.array_names[i]

    def _settle_dtypes(self, raws: list[Any], arrays: list[tuple[int, Any, Backend]], backend: Backend) -> None:
        """Give integers the default dtype where a result is floating: the standard leaves it open, libraries differ."""
        xp = backend.lib
        kinds = {type(x) for x in raws if type(x) in _SCALARS}
        if not (self.floating or complex in kinds or float in kinds) or not self.is_elementwise:
            return
        if all(xp.isdtype(raw.dtype, ("bool", "integral")) for _, raw, _ in arrays):
            name = get_default_dtype()
            if complex in kinds and not self.floating:
                name = "complex128" if name == "float64" else "complex64"
            dtype, astype = backend.dtype(name), backend.placed(xp.astype)
            for i, raw, _ in arrays:
                raws[i] = astype(raw, dtype)

    def _record(self, edges: list[Node | None], raws: list[Any], options: dict[str, Any], out: Any, debug: bool) -> Any:
        node = _new(Node)
        node.prim = self
        node.order = next_order()
        node.watch = None
        if self.flat:
            node.a = edges[0]
            node.shape, node.dtype = out.shape, out.dtype
            need: frozenset[str] = (
                frozenset(self.rule_names[0]) if edges[0] is not None and self.rule_names else frozenset()
            )
            if self.arity == 2:
                node.b = edges[1]
                if edges[1] is not None and self.rule_names:
                    need = need.union(self.rule_names[1])
                node.d2 = raws[1] if any(name.startswith(self.array_names[1]) for name in need) else None
            node.d1 = raws[0] if any(name.startswith(self.array_names[0]) for name in need) else None
            node.out = out if "out" in need else None
        else:
            node.a = tuple(edges)
            node.d1 = self._save(edges, raws, options, out)
        if debug:
            remember_where(node)
        if self.outputs == 1:
            node.shape, node.dtype = out.shape, out.dtype
            return wrap(out, node)
        node.shape = tuple(part.shape for part in out)
        node.dtype = tuple(part.dtype for part in out)
        parts = [wrap(part, select(node, i)) for i, part in enumerate(out)]
        return out._make(parts) if hasattr(out, "_make") else tuple(parts)

    def _save(self, edges: list[Node | None], raws: list[Any], options: dict[str, Any], out: Any) -> dict[str, Any]:
        """Keep what the rules that will run name, and nothing else."""
        if self.joint is not None or self.list_arg or self.arity == 1:
            names = self.keep[0] if self.keep else frozenset()
        else:
            names = frozenset().union(*(keep for keep, edge in zip(self.keep, edges, strict=False) if edge is not None))
        saved: dict[str, Any] = {}
        arrays = self.array_names
        defaults = self.defaults
        for name in names:
            if name in options:
                saved[name] = options[name]
            elif name == "out":
                saved[name] = out
            elif name in defaults:
                saved[name] = defaults[name]
            elif self.list_arg:
                saved[name] = raws if name == arrays[0] else [getattr(raw, name[-5:]) for raw in raws]
            elif name in arrays:
                saved[name] = raws[arrays.index(name)]
            else:
                raw = raws[arrays.index(name[:-6])]
                saved[name] = getattr(raw, name[-5:], () if name.endswith("shape") else None)
        return saved

    def lift(self, node: Node) -> dict[str, Any]:
        """Give what a node has saved with its inputs and outputs as Variables in the graph again."""
        saved = dict(node.d1)
        if "out" in saved:
            out = saved["out"]
            several = self.outputs > 1
            saved["out"] = (
                tuple(wrap(part, select(node, i)) for i, part in enumerate(out)) if several else wrap(out, node)
            )
        if self.list_arg:
            name = self.array_names[0]
            if name in saved:
                saved[name] = [_lift(raw, edge) for raw, edge in zip(saved[name], node.a, strict=True)]
            return saved
        for name, edge in zip(self.array_names, node.a, strict=True):
            if name in saved:
                saved[name] = _lift(saved[name], edge)
        return saved

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


def _lift(raw: Any, edge: Node | None) -> Any:
    return raw if edge is None and backends.of(raw) is None else wrap(raw, edge)


def _dress(function: Callable[..., Any], p: Primitive, forward: Callable[..., Any]) -> None:
    """Give the public function the forward's name, text and signature (read only when somebody asks for it)."""
    function.__name__ = forward.__name__
    function.__qualname__ = forward.__qualname__
    function.__module__ = forward.__module__
    function.__doc__ = forward.__doc__
    function.__wrapped__ = functools.partial(forward, None)  # type: ignore[attr-defined]
    function.primitive = p  # type: ignore[attr-defined]
    function.vjp = p.vjp  # type: ignore[attr-defined]
    function.vjp_joint = p.vjp_joint  # type: ignore[attr-defined]


def _code(rule: Callable[..., Any]) -> CodeType:
    code = getattr(rule, "__code__", None)
    if code is None:
        raise TypeError(f"a gradient rule must be a plain function; got {rule!r}")
    return code  # type: ignore[no-any-return]


# -- decorators ------------------------------------------------------------------------------------


@overload
def primitive(forward: Callable[Concatenate[Any, P], Any], /) -> PrimitiveFunction[P, Variable]: ...
@overload
def primitive(
    *,
    outputs: int,
    name: str | None = None,
    arrays: int | None = None,
    list_arg: bool = False,
    joint: bool = False,
    selecting: bool = False,
    holomorphic: bool = False,
    differentiable: bool = True,
) -> Callable[[Callable[Concatenate[Any, P], Any]], PrimitiveFunction[P, Any]]: ...
@overload
def primitive(
    *,
    name: str | None = None,
    arrays: int | None = None,
    list_arg: bool = False,
    joint: bool = False,
    elementwise: bool = False,
    floating: bool = False,
    selecting: bool = False,
    holomorphic: bool = False,
    differentiable: bool = True,
) -> Callable[[Callable[Concatenate[Any, P], Any]], PrimitiveFunction[P, Variable]]: ...
def primitive(forward: Callable[..., Any] | None = None, /, **settings: Any) -> Any:
    """Make a function that records one node of a forward `f(xp, arrays..., /, options...)`.

    name: its name in the namespace, where that is not the forward's own ("linalg.qr").
    arrays: how many of the positional-only parameters are arrays, where not all are.
    list_arg: the one array parameter is a sequence of arrays.
    outputs: how many arrays the forward returns, as a tuple.
    joint: the gradient is declared by `vjp_joint`.
    elementwise: output element i depends on input elements i alone.
    floating: an integer input is read in the default floating-point dtype.
    selecting: its cotangents are zero where the function selected something else (`where`, a write):
        below it a zero cotangent absorbs infinities and NaN.
    holomorphic: its rules are those of real numbers, `g * f'(x)`; for a complex result the engine makes
        `g * conj(f'(x))` of them, by conjugating the cotangent before and the gradients after.
    differentiable: whether it has a derivative at all.

    >>> import xdbr
    >>> from xdbr.autograd.primitive import primitive
    >>> @primitive(name="doc_example.cube")
    ... def cube(xp, x, /):
    ...     return x * x * x
    >>> cube.vjp(lambda xp, g, x: 3 * g * x * x)
    >>> x = xdbr.Variable([2.0], requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad.tolist()
    [12.0]
    """

    def make(forward: Callable[..., Any]) -> Any:
        made = Primitive(forward, **settings)
        register(made.name, made)
        return made.function

    return make if forward is None else make(forward)


def elementwise(forward: Callable[Concatenate[Any, P], Any], /) -> PrimitiveFunction[P, Variable]:
    """Make an element-wise function with a derivative; see `primitive`."""
    return primitive(elementwise=True)(forward)


def nondifferentiable(forward: Callable[Concatenate[Any, P], Any], /) -> PrimitiveFunction[P, Variable]:
    """Make a function without a derivative: its result needs no gradient; see `primitive`."""
    return primitive(differentiable=False)(forward)
