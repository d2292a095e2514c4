"""Parameter: a Variable that a link owns and an optimizer trains, whose shape may be known only later."""

from __future__ import annotations

from typing import Any

from .. import array_api
from .._config import ModeContext, get_default_dtype, no_grad
from .._errors import DtypeError, GradientError, ShapeError
from .._typing import Dtype, RawArray, Shape
from ..autograd.draws import unlogged
from ..autograd.variable import Variable, leaf
from ..autograd.views import rebind
from ..backends import Device, canonical_dtype, get_default_device, parse_device
from ._errors import UninitializedError
from .initializers import Constant, get_initializer
from .paths import name_what_has_grown

__all__ = ["Parameter"]

_NUMBERS = (int, float, complex)
_new = object.__new__
_requires_grad: Any = Variable.__dict__["requires_grad"]
_data: Any = Variable.__dict__["data"]


class Parameter(Variable):
    """A leaf Variable that needs gradient and belongs to a `Link`.

    initializer: where the values come from: a callable (see `xdbr.nn.initializers`), a number, or an array;
        `LeCunNormal()` where it is `None`.
    shape: an integer or a tuple, in which `None` stands for a length that is not known yet. Such a lazily
        sized parameter gets its values from `materialize`. Left out, the parameter has the array's shape, or
        is lazily sized on all axes.
    name: shown in graphs and errors; a link sets it to the parameter's path in the model, such as "/l1/W".
    dtype: the initializer's (an array's, where no shape is given) or else the default floating-point dtype.
    device: where it is made, the default device where none is given.
    requires_grad: `False` makes it a constant of the model that is saved with it and never trained.

    Raises `ShapeError` where an array does not have the shape, and `DtypeError` for an integer dtype.

    >>> from xdbr import nn
    >>> W = nn.Parameter(nn.initializers.Zero(), (2, None))
    >>> W.is_initialized, W.shape
    (False, (2, None))
    >>> W.materialize((2, 3))
    >>> W.is_initialized, W.shape
    (True, (2, 3))
    """

    __slots__ = ("_partial", "_wanted", "_where", "_wide", "initializer", "update_enabled")

    initializer: Any
    """What makes the values."""
    update_enabled: bool
    """Whether optimizers change it; `Link.disable_update` sets it for a whole model."""

    _partial: tuple[int | None, ...] | None  # the shape as far as it was given
    _wide: Dtype  # the dtype,
    _where: Device  # the device
    _wanted: bool  # and requires_grad for as long as there are no values

    def __init__(
        self,
        initializer: Any = None,
        shape: Any = None,
        *,
        name: str | None = None,
        dtype: Dtype = None,
        device: Any = None,
        requires_grad: bool = True,
    ) -> None:
        self._node = None
        self._view = None
        self._name = name
        self.update_enabled = True
        self._where = get_default_device() if device is None else parse_device(device, function="Parameter")
        if dtype is None and callable(initializer):
            dtype = getattr(initializer, "dtype", None)
        if shape is None and not (initializer is None or callable(initializer) or isinstance(initializer, _NUMBERS)):
            value = array_api.asarray(initializer, dtype=dtype, device=self._where)
            if value.requires_grad:
                raise GradientError(
                    "Parameter: the initial values need gradient, and a parameter would be cut off from their graph "
                    "silently; pass values.detach() where that is meant"
                )
            initializer = Constant(value.data, dtype=value.dtype)
            shape, dtype = value.shape, value.dtype
        self.initializer = get_initializer(initializer)
        self._wide = canonical_dtype(get_default_dtype() if dtype is None else dtype)
        if requires_grad and getattr(self._wide, "kind", "f") not in "fcV":
            raise DtypeError(
                f"Parameter: expected a floating-point dtype; got {self._wide}; an array that is saved with the model "
                "and not trained is registered by Link.register_persistent"
            )
        self._wanted = bool(requires_grad)
        self._partial = None if shape is None else _lengths(shape)
        if self._partial is not None and None not in self._partial:
            self.materialize(self._partial)

    def __getattr__(self, name: str) -> Any:
        # Called where a slot is empty: that of the array, as long as the shape is unknown.
        if name == "_data":
            raise UninitializedError(
                f"parameter {self._called()} has no values yet: its shape {_show(self._partial)} becomes known at the "
                "first call of its link; call the model on an example first, or give the sizes when making the link"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _called(self) -> str:
        name = self.name
        return repr(name) if name else "without a name"

    # -- lazy sizes --------------------------------------------------------------------------

    @property
    def is_initialized(self) -> bool:
        """Whether it has values, so that its shape is known on all axes."""
        try:
            object.__getattribute__(self, "_data")
        except AttributeError:
            return False
        return True

    def materialize(self, shape: Any) -> None:
        """Fix the shape and fill the parameter with its first values; nothing happens where it has these already.

        Raises `ShapeError` where `shape` does not go with what is known of the shape.
        """
        lengths = _lengths(shape)
        self.check_shape(lengths, "materialize")
        if not self.is_initialized:
            self._fill(self._initial(lengths))

    def check_shape(self, shape: Shape | tuple[int | None, ...], function: str) -> None:
        """Raise `ShapeError` unless the parameter has, or can get, a shape."""
        if not self.admits(shape):
            raise ShapeError(
                f"{function}: parameter {self._called()} has shape {_show(self.shape)}; got shape {_show(shape)}"
            )

    def admits(self, shape: Any) -> bool:
        """Tell whether the parameter has, or can get, a shape."""
        mine: Any = self.shape
        if None in shape:
            return False
        if mine is None:
            return True
        return len(mine) == len(shape) and all(a is None or a == b for a, b in zip(mine, shape, strict=True))

    def reinitialize(self) -> None:
        """Fill the parameter with first values anew; nothing happens where it has none yet."""
        if self.is_initialized:
            self.data = self._initial(self.shape)

    def _initial(self, shape: Any) -> RawArray:
        with no_grad(), unlogged(), ModeContext("batches", ()):  # values that all examples have in common
            made = self.initializer(shape, dtype=self.dtype, device=self.device)
            value = array_api.asarray(made, dtype=self.dtype, device=self.device)
        if value.shape != shape:
            raise ShapeError(
                f"parameter {self._called()}: the initializer {self.initializer!r} was asked for shape {shape} and "
                f"gave {value.shape}"
            )
        return value._raw

    def _fill(self, raw: RawArray) -> None:
        self._data = raw
        self._ver = 0
        if self._wanted:
            self._node = leaf(self)

    # -- what a Variable has, before there are values as well ------------------------------------

    @property
    def name(self) -> str | None:
        """The path in the model, such as "/l1/W", once a link owns it; settable."""
        name_what_has_grown()
        return self._name

    @name.setter
    def name(self, value: str | None) -> None:
        if value is not None and not isinstance(value, str):
            raise TypeError(f"Parameter.name: expected a string or None; got {type(value).__name__}")
        self._name = value
        node = self._node
        if node is not None and node.is_leaf and node.watch is not None:
            node.watch.label = value  # the graph shows it after the parameter is gone, too

    @property
    def data(self) -> RawArray:
        """The raw array, as `Variable.data`; assigning an array to a lazily sized parameter fixes its shape."""
        return _data.__get__(self)

    @data.setter
    def data(self, value: Any) -> None:
        if self.is_initialized:
            if not self.is_leaf:
                self.become_leaf()
            _data.__set__(self, value)
            return
        given = array_api.asarray(value, device=self._where).detach()
        self.check_shape(given.shape, "data")
        if given.dtype != self._wide:
            raise DtypeError(f"data of {self._called()}: expected dtype {self._wide}; got {given.dtype}")
        self._fill(given._raw)

    @property
    def shape(self) -> Any:
        """The length of each axis; `None` for one that is not known yet, and `None` where no axis is."""
        return tuple(self._raw.shape) if self.is_initialized else self._partial

    @property
    def dtype(self) -> Dtype:
        """The dtype, known from the start."""
        return canonical_dtype(self._data.dtype) if self.is_initialized else self._wide

    @property
    def device(self) -> Device:
        """The device, known from the start."""
        return self._backend.device_of(self._data) if self.is_initialized else self._where

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are collected; settable, before there are values as well."""
        return bool(_requires_grad.__get__(self)) if self.is_initialized else self._wanted

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        if self.is_initialized:
            _requires_grad.__set__(self, flag)
        self._wanted = bool(flag)

    def become_leaf(self) -> None:
        """Make it a leaf again after a recorded write such as `W += 1` outside of `no_grad`; the value stays."""
        if self.is_initialized and not self.is_leaf:
            self._data = self._raw
            self._view = None
            self._node = leaf(self)

    # -- devices -----------------------------------------------------------------------------

    def move_to(self, device: Any) -> None:
        """Move the parameter itself, with its gradient, to another device.

        Graphs that were recorded before the move no longer reach it. (`to_device` gives a moved copy instead.)
        Raises `DeviceError` for an unknown device, and `GradientError` where a recorded operation has
        overwritten the parameter.
        """
        target = parse_device(device, function="move_to")
        if target == self.device:
            return
        if not self.is_initialized:
            self._where = target
            return
        if not self.is_leaf:
            raise GradientError(f"move_to: parameter {self._called()} was overwritten by a recorded operation")
        with no_grad():
            moved = array_api.to_device(self.detach(), target)._raw
            grad = None if self.grad is None else array_api.to_device(self.grad.detach(), target)
        node = self._node
        if node is not None and node.watch is not None:
            node.watch.variable = None
        rebind(self, moved)
        self._node = None if node is None else leaf(self)
        self._grad = grad

    # -- copying, pickling, text ---------------------------------------------------------------

    def _clone(self) -> Variable:
        made: Parameter
        if self.is_initialized:
            made = super()._clone()  # type: ignore[assignment]
        else:
            made = _new(type(self))
            made._node = made._view = None
            made._name = self._name
        made.initializer = self.initializer
        made.update_enabled = self.update_enabled
        made._partial, made._wide, made._where, made._wanted = self._partial, self._wide, self._where, self._wanted
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        lazy = {
            "initializer": self.initializer,
            "update_enabled": self.update_enabled,
            "partial": self._partial,
            "wide": str(self._wide),
            "where": str(self._where),
            "wanted": self._wanted,
            "name": self._name,
        }
        if not self.is_initialized:
            return _restore, (type(self),), {"lazy": lazy, "values": None}
        return _restore, (type(self),), {"lazy": lazy, "values": super().__reduce_ex__(protocol)[2]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        lazy, values = state["lazy"], state["values"]
        self._node = self._view = None
        self._name = lazy["name"]
        self.initializer = lazy["initializer"]
        self.update_enabled = lazy["update_enabled"]
        self._partial = lazy["partial"]
        self._wide = canonical_dtype(lazy["wide"])
        self._where = Device(lazy["where"])
        self._wanted = lazy["wanted"]
        if values is not None:
            super().__setstate__(values)

    def __repr__(self) -> str:
        if self.is_initialized:
            return super().__repr__()
        return f"Parameter(name={self.name!r}, shape={_show(self._partial)}, dtype={self._wide}, no values yet)"


def _restore(kind: type[Parameter]) -> Parameter:
    return _new(kind)


def _lengths(shape: Any) -> tuple[Any, ...]:
    """Read a shape in which lengths may be unknown."""
    parts = shape if isinstance(shape, (tuple, list)) else (shape,)
    try:
        lengths = tuple(None if n is None else n.__index__() for n in parts)
    except AttributeError:
        raise TypeError(f"Parameter: shape must be an integer or a tuple of integers and None; got {shape!r}") from None
    if any(n is not None and n < 0 for n in lengths):
        raise ShapeError(f"Parameter: shape must not have negative lengths; got {shape!r}")
    return lengths


def _show(shape: Any) -> str:
    return "(unknown)" if shape is None else str(tuple(shape))
