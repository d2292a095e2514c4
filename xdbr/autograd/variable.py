"""Variable: an Array API array that can remember how it was computed.

A Variable *has* a raw array (`_data`) and, where it needs gradient, a node of the graph (`_node`):
needing gradient is having a node. A view has in addition where it is a view of (`_view`); see `views`.
"""

from __future__ import annotations

import copyreg
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from .. import backends
from .._config import MODE
from .._errors import DeviceError, DtypeError, GradientError, ShapeError
from .._typing import ArrayNamespace, Dtype, RawArray, Shape
from ..backends import Device, canonical_dtype, parse_device
from .graph import Node, Watch, next_order, watch_of
from .installed import Installed

if TYPE_CHECKING:
    from .primitive import Primitive

__all__ = ["LEAF", "VARIABLES", "Variable", "View", "leaf", "refresh", "wrap"]

VARIABLES: set[type] = set()
"""Variable and its subclasses, to be asked by `type(x) in VARIABLES` (an `isinstance` costs more)."""

_new = object.__new__


class View:
    """What a view remembers: the Variable it is a view of, by which step, and the root's version it has seen."""

    __slots__ = ("base", "options", "recorded", "root", "step", "version")

    def __init__(
        self, base: Variable, root: Variable, step: Primitive, options: dict[str, Any], recorded: bool
    ) -> None:
        self.base = base
        self.root = root
        self.step = step
        self.options = options
        self.recorded = recorded
        self.version = root._ver


def refresh(x: Variable) -> None:
    """Bring a view up to date with the writes that its root has seen."""
    view = x._view
    if view is None or view.version == view.root._ver:
        return
    from .views import regenerate

    regenerate(x)


class Variable(Installed):
    """An array on one device of one backend, differentiable where it needs gradient.

    data: a scalar, nested sequence, raw array of any backend, or another Variable; shape and dtype are
        its own, Python floats get the default floating-point dtype.
    requires_grad: whether to make a leaf that collects `.grad`; real or complex floating-point dtypes only.
    name: shown in graphs and errors.
    device, dtype: as for `xdbr.asarray`.

    Raises `DtypeError` for an integer or boolean Variable with `requires_grad=True`.

    >>> import xdbr
    >>> x = xdbr.Variable([1.0, 2.0, 3.0], requires_grad=True)
    >>> y = xdbr.sum(x * x)
    >>> y.backward()
    >>> x.grad
    Variable([2., 4., 6.], dtype=float32)
    """

    __slots__ = ("__weakref__", "_data", "_grad", "_name", "_node", "_ver", "_view")

    _data: RawArray
    _node: Node | None
    _view: View | None
    _ver: int
    _grad: Variable | None
    _name: str | None

    __array_ufunc__: ClassVar[None] = None
    __array_priority__: ClassVar[float] = 1000.0

    def __init__(
        self,
        data: Any,
        *,
        requires_grad: bool = False,
        name: str | None = None,
        dtype: Dtype = None,
        device: Any = None,
    ) -> None:
        from ..array_api import asarray

        made = asarray(data, dtype=dtype, device=device)
        if made.requires_grad:
            raise GradientError(
                f"{type(self).__name__}: data is or holds a Variable that needs gradient, and a new one would be cut "
                "off from its graph silently; use xdbr.asarray(data) to keep the graph, or detach() what is in it"
            )
        if made._view is not None:
            refresh(made)
        self._data = made._data
        self._view = None
        self._node = None
        if name is not None:
            self.name = name
        if requires_grad:
            self.requires_grad = True

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        VARIABLES.add(cls)

    # -- what it is --------------------------------------------------------------------------

    @property
    def _raw(self) -> RawArray:
        """The raw array, up to date."""
        if self._view is not None:
            refresh(self)
        return self._data

    @property
    def _backend(self) -> backends.Backend:
        found = backends.of(self._data)
        assert found is not None
        return found

    @property
    def data(self) -> RawArray:
        """The raw array of the backend's own type, read-only where the library has such (NumPy).

        Assigning gives the Variable a new value without recording: shape, dtype and device must stay.
        Raises `ShapeError`, `DtypeError` or `DeviceError` otherwise.
        """
        raw = self._raw
        return self._backend.read_only(raw)

    @data.setter
    def data(self, value: Any) -> None:
        from .views import rebind

        backend = self._backend
        raw = value._raw if isinstance(value, Variable) else value
        found = backends.of(raw)
        if found is None:
            raw, found = backend.asarray(raw, dtype=self._raw.dtype, device=backend.device_of(self._raw)), backend
        self._check_like("data", raw, found)
        rebind(self, found.as_array(raw))

    def _check_like(self, what: str, raw: RawArray, backend: backends.Backend) -> None:
        """Raise unless `raw` has this Variable's shape, dtype and device."""
        mine = self._raw
        called = f" of {self.name!r}" if self.name else ""
        device = backend.device_of(raw)
        if device != self.device:
            raise DeviceError(f"{what}{called}: expected an array on {str(self.device)!r}; got one on {str(device)!r}")
        if tuple(raw.shape) != tuple(mine.shape):
            raise ShapeError(f"{what}{called}: expected shape {tuple(mine.shape)}; got {tuple(raw.shape)}")
        if canonical_dtype(raw.dtype) != self.dtype:
            raise DtypeError(f"{what}{called}: expected dtype {self.dtype}; got {canonical_dtype(raw.dtype)}")

    @property
    def shape(self) -> Shape:
        """The length of each axis."""
        return tuple(self._data.shape)  # which no write changes

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._data.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for length in self._data.shape:
            size *= length
        return size

    @property
    def dtype(self) -> Dtype:
        """The dtype: a `numpy.dtype` on every backend."""
        return canonical_dtype(self._data.dtype)

    @property
    def device(self) -> Device:
        """The backend and its device on which the array lies."""
        backend = self._backend
        return backend.device_of(self._data)

    @property
    def name(self) -> str | None:
        """The name shown in graphs and errors; settable."""
        try:
            return self._name
        except AttributeError:
            return None

    @name.setter
    def name(self, value: str | None) -> None:
        if value is not None and not isinstance(value, str):
            raise TypeError(f"Variable.name: expected a string or None; got {type(value).__name__}")
        self._name = value

    def __array_namespace__(self, /, *, api_version: str | None = None) -> ArrayNamespace:
        """Give the namespace of this Variable's backend; raises `ValueError` for an unknown version of the standard."""
        from .._namespaces import check_version, namespace

        check_version(api_version)
        return cast(ArrayNamespace, namespace(self._backend))

    # -- gradient ----------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this Variable.

        Setting it to `True` makes a leaf; setting a leaf's to `False` makes a constant. Raises
        `DtypeError` for an integer or boolean Variable and `GradientError` for a computed one.
        """
        if self._view is not None:
            refresh(self)
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        if self._view is not None:
            refresh(self)
        if bool(flag) == (self._node is not None):
            return
        if flag:
            if self.dtype.name.startswith(("int", "uint", "bool")):
                raise DtypeError(
                    f"requires_grad: only floating-point and complex Variables have gradients; got dtype {self.dtype}; "
                    "convert it first, for example x.astype(xdbr.float32)"
                )
            self._cut_loose()
            self._node = leaf(self)
        else:
            if not self._node.is_leaf:  # type: ignore[union-attr]
                raise GradientError("requires_grad: a computed Variable cannot be made a constant; use x.detach()")
            self._node = None
            self._outdate_views()

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it."""
        if self._view is not None:
            refresh(self)
        return self._node is None or self._node.is_leaf

    @property
    def grad(self) -> Variable | None:
        """The gradient that `backward` has collected, a Variable of the same shape, dtype and device; `None` before.

        Assigning checks it: raises `ShapeError`, `DtypeError` or `DeviceError` where it does not fit.
        """
        try:
            return self._grad
        except AttributeError:
            return None

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            if not isinstance(value, Variable):
                backend = backends.of(value)
                if backend is None:
                    raise TypeError(f"grad: expected a Variable, an array or None; got {type(value).__name__}")
                value = wrap(value)
            self._check_like("grad", value._raw, value._backend)
        self._grad = value

    def zero_grad(self) -> None:
        """Forget the collected gradient."""
        self._grad = None

    cleargrad = zero_grad  # Chainer's name

    def backward(
        self,
        grad: Any = None,
        *,
        create_graph: bool = False,
        retain_graph: bool | None = None,
        inputs: Sequence[Variable] | Variable | None = None,
        loss_scale: float | None = None,
    ) -> None:
        """Add the derivative of this Variable to the `.grad` of every leaf that it was computed from.

        grad: the cotangent to start from, of this Variable's shape, dtype and device; ones for a
            Variable of one element.
        create_graph: record the gradients too, so that they can be differentiated.
        retain_graph: keep what the graph has saved, for another backward; as `create_graph` by default.
        inputs: collect only for these Variables, leaves or not, each for the value that it has now.
        loss_scale: a number that the starting cotangent is multiplied by.

        Raises `GradientError` where there is no graph, where it has been freed, or for several
        elements without `grad`; `ShapeError`, `DtypeError`, `DeviceError` where `grad` does not fit.

        >>> import xdbr
        >>> x = xdbr.Variable(3.0, requires_grad=True)
        >>> (x**2).backward()
        >>> x.grad.item()
        6.0
        """
        from .backward import backward

        backward(
            [self], [grad], create_graph=create_graph, retain_graph=retain_graph, inputs=inputs, loss_scale=loss_scale
        )

    def retain_grad(self) -> Variable:
        """Collect `.grad` for this computed Variable too, for as long as it lives; gives the Variable back.

        As with a leaf it is that of the present value: after a write to it, or to what it is a view of, call it again.
        Raises `GradientError` where it needs no gradient.
        """
        node = self._need_node("retain_grad")
        if not node.is_leaf:
            watch_of(node).variable = weakref.ref(self)
        return self

    def register_hook(self, hook: Callable[[Variable], Variable | None]) -> Callable[[], None]:
        """Call `hook(gradient)` when backward has this Variable's whole gradient; what it returns replaces it.

        Gives a function that removes the hook, which is one of the present value, as with `retain_grad`. Raises
        `GradientError` where the Variable needs no gradient.

        >>> import xdbr
        >>> x = xdbr.Variable([1.0], requires_grad=True)
        >>> remove = x.register_hook(lambda g: g * 10)
        >>> (x * 2).backward()
        >>> x.grad.item()
        20.0
        """
        watch = watch_of(self._need_node("register_hook"))
        if not callable(hook):
            raise TypeError(f"register_hook: expected a function; got {type(hook).__name__}")
        hooks = watch.hooks = {} if watch.hooks is None else watch.hooks
        key = -next_order()
        hooks[key] = hook

        def remove() -> None:
            hooks.pop(key, None)

        return remove

    def _need_node(self, function: str) -> Node:
        if self._view is not None:
            refresh(self)
        if self._node is None:
            raise GradientError(f"{function}: this Variable needs no gradient (requires_grad is False)")
        return self._node

    def detach(self) -> Variable:
        """Give the same array as a Variable of its own that needs no gradient; no memory is copied.

        A later write to either does not reach the other.
        """
        return wrap(self._raw)

    def unchain(self) -> None:
        """Cut the graph here, for what came of it before too: a constant from then on, no view; leaves stay."""
        from .backward import unchain

        self._cut(unchain)

    def unchain_backward(self) -> None:
        """Cut the graph behind every Variable that this one was computed from (truncated backpropagation through time).

        The nodes below are emptied, so whatever they kept is released, and a later backward from any
        Variable that reaches them stops there.
        """
        from .backward import unchain_backward

        self._cut(unchain_backward)

    def _cut(self, cut: Callable[[Node], None]) -> None:
        if self.requires_grad:  # which brings a view up to date
            if self.is_leaf:
                return
            cut(self._node)  # type: ignore[arg-type]
        self._cut_loose()
        self._node = None

    def _cut_loose(self) -> None:
        """Make a view an array of its own, the root of the views that were made from it."""
        view = self._view
        if view is None:
            self._outdate_views()
        else:
            raw = self._raw
            view.root._outdate_views()  # the views from here on find their new root when they are next read
            self._data = raw
            self._view = None

    def _outdate_views(self) -> None:
        """Have the views of a root made afresh: its node has changed, and theirs must lead to it."""
        if hasattr(self, "_ver"):
            self._ver += 2

    # -- leaving the world of Variables --------------------------------------------------------

    def _leave(self, what: str) -> RawArray:
        raw = self._raw
        if self._node is not None:
            from .leaving import refusal

            raise refusal(what)
        return raw

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        from .lending import host_array

        return host_array(self, dtype, copy)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        raw = self._backend.as_array(self._leave("__dlpack__ (from_dlpack)"))
        return self._backend.dlpack(raw, stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)

    def __dlpack_device__(self) -> tuple[Any, int]:
        return self._backend.dlpack_device(self._backend.as_array(self._raw))

    def __float__(self) -> float:
        return float(self._one("__float__", self._leave("float()")))

    def __complex__(self) -> complex:
        return complex(self._one("__complex__", self._leave("complex()")))

    def __bool__(self) -> bool:
        raw = self._raw
        if raw.shape and self.size == 1:
            return bool(self.item())  # one element has a truth on any number of axes, as in NumPy
        return bool(self._one("__bool__", raw))

    def __int__(self) -> int:
        return int(self._one("__int__", self._raw))

    def __index__(self) -> int:
        raw = self._raw
        if tuple(raw.shape) != () or not self.dtype.name.startswith(("int", "uint")):
            raise TypeError(
                f"__index__: only a 0-d integer Variable is an index; got shape {self.shape}, dtype {self.dtype}"
            )
        return int(raw)

    def _one(self, what: str, raw: RawArray) -> Any:
        if tuple(raw.shape) != ():
            raise TypeError(f"{what}: only a 0-d Variable converts to a Python scalar; got shape {self.shape}")
        return raw

    def item(self) -> Any:
        """Give the one element as a Python number, needing gradient or not; raises `ShapeError` for several."""
        if self.size != 1:
            raise ShapeError(f"item: expected a Variable of one element; got shape {self.shape}")
        return self._backend.to_host(self._raw).reshape(()).item()

    def tolist(self) -> Any:
        """Give the elements as nested lists of Python numbers, whether or not they need gradient."""
        return self._backend.to_host(self._raw).tolist()

    # -- sequences and text --------------------------------------------------------------------

    def __len__(self) -> int:
        shape = self._data.shape
        if not shape:
            raise TypeError("len() of a 0-d Variable")
        return int(shape[0])

    def __iter__(self) -> Iterator[Variable]:
        if not self._raw.shape:
            raise TypeError("iteration over a 0-d Variable")
        rest = (...,) if self.ndim > 1 else ()
        return (self[(i, *rest)] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        from ..array_api import any as any_of

        return bool(any_of(self == value))

    def __repr__(self) -> str:
        from .text import describe

        return describe(self)

    def __str__(self) -> str:
        from .text import elements

        return elements(self)

    def __format__(self, spec: str) -> str:
        if self.ndim == 0:
            return format(self.item(), spec)
        if spec:
            raise TypeError(f"format: the specification {spec!r} needs a 0-d Variable; got shape {self.shape}")
        return str(self)

    __hash__ = object.__hash__

    # -- copying and pickling --------------------------------------------------------------------

    def __copy__(self) -> Variable:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        if self._view is not None:
            refresh(self)
        if self._node is not None and (not self._node.is_leaf or (type(self) is Variable and MODE.get().recording)):
            made = memo[id(self)] = self.copy()  # stays connected, as any function of it
            return made
        made = memo[id(self)] = self._clone()
        if (grad := self.grad) is not None:
            made._grad = wrap(grad._backend.copy(grad._raw))
        return made

    def _clone(self) -> Variable:
        raw = self._raw
        made = _new(type(self))
        made._data = self._backend.copy(raw)
        made._view = None
        made._node = None if self._node is None else leaf(made)
        made._name = getattr(self, "_name", None)
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        raw = self._raw
        if self._node is not None and not self._node.is_leaf:
            raise GradientError("pickle: a computed Variable cannot be pickled with its graph; use x.detach()")
        state = {
            "data": self._backend.to_host(raw),
            "device": str(self.device),
            "requires_grad": self._node is not None,
            "name": getattr(self, "_name", None),
            "grad": None if self.grad is None else self.grad._backend.to_host(self.grad._raw),
        }
        return copyreg.__newobj__, (type(self),), state  # type: ignore[attr-defined]

    def __setstate__(self, state: dict[str, Any]) -> None:
        device = parse_device(state["device"], function="unpickling a Variable")
        self._data = device.backend.from_host(state["data"], device=device)
        self._view = None
        self._node = None
        self._name = state["name"]
        if state["requires_grad"]:
            self._node = leaf(self)
        if state["grad"] is not None:
            self._grad = wrap(device.backend.from_host(state["grad"], device=device))


VARIABLES.add(Variable)


class _LeafPrimitive:
    """Stands in the node of a leaf for the primitive."""

    is_leaf = True
    flat = two_slots = False
    name = "leaf"
    arity = 0


LEAF = cast("Primitive", _LeafPrimitive())


def leaf(x: Variable) -> Node:
    """Make the node of a leaf, which knows its Variable by weak reference only."""
    node: Node = _new(Node)
    node.prim = LEAF
    node.order = next_order()
    node.shape = x._data.shape
    node.dtype = x._data.dtype
    node.watch = Watch(x)
    node.watch.label = getattr(x, "_name", None)
    return node


def wrap(raw: RawArray, node: Node | None = None) -> Variable:
    """Make a Variable of a raw array; one that needs no gradient where no node is given."""
    made: Variable = _new(Variable)
    made._data = raw
    made._view = None
    made._node = node
    return made
