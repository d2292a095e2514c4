"""The base of all optimizers.

An optimizer keeps for each parameter a slot: how often it was updated, and the arrays of its rule (a momentum). Slots
come into being at a parameter's first update, on its device, so lazily sized parameters need no care.

An update first computes all new values and then assigns them, so an error on the way leaves model and optimizer as
they were; and it assigns new arrays, so whatever an earlier forward has saved keeps its values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from .. import array_api
from .._config import no_grad
from .._equivalents import OPTIMIZER_METHODS, lookup
from .._errors import GradientError, SerializationError, ShapeError
from .._typing import RawArray
from ..autograd.kernels import raw_namespace
from ..autograd.variable import Variable, wrap
from ..autograd.views import rebind
from ..nn import Link, Parameter
from ..nn.state import host_view, misfit
from .hyperparameter import Hyperparameter

__all__ = ["Hook", "Optimizer"]

Hook = Callable[["Optimizer", Sequence[Parameter], Sequence[Variable]], Sequence[Any] | None]


class Slot:
    """What an optimizer knows about one parameter: the number of its updates and the arrays of the rule."""

    __slots__ = ("arrays", "param", "t")

    def __init__(self, param: Parameter, t: int, arrays: dict[str, RawArray]) -> None:
        self.param = param
        self.t = t
        self.arrays = arrays


# What others call the step size: setting these would change nothing.
_OTHER_NAMES = frozenset(("alpha", "learning_rate", "eta"))


class Optimizer:
    """Base class of optimizers: `rule` says how one parameter changes, all else is here.

    A subclass declares its hyperparameters, the names of the arrays that it keeps for each parameter
    (`state_names`, made as zeros), and the rule.

    >>> import xdbr
    >>> from xdbr import optim
    >>> import xdbr.nn.functions as F, xdbr.nn.links as L
    >>> class SignSGD(optim.Optimizer):
    ...     lr = optim.Hyperparameter("step", low=0.0)
    ...
    ...     def __init__(self, lr=0.01):
    ...         super().__init__()
    ...         self.lr = lr
    ...
    ...     def rule(self, xp, param, grad, arrays, t):
    ...         return param - self.lr * xp.sign(grad), {}
    >>> model = L.Linear(3, 2)
    >>> optimizer = SignSGD(lr=0.5).setup(model)
    >>> def loss(x):
    ...     return F.mean_squared_error(model(x), xdbr.zeros((1, 2)))
    >>> before = model.W.detach()
    >>> _ = optimizer.update(loss, xdbr.ones((1, 3)))
    >>> bool(xdbr.all(abs(abs(model.W - before) - 0.5) < 1e-6)), optimizer.t
    (True, 1)
    """

    state_names: ClassVar[tuple[str, ...]] = ()
    """The arrays that the rule keeps for each parameter, of its shape and dtype; zeros at first."""

    if not TYPE_CHECKING:  # a type checker would take every name for an attribute

        def __getattr__(self, name: str) -> Any:
            return lookup(self, name, OPTIMIZER_METHODS)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OTHER_NAMES and hasattr(type(self), "lr") and not hasattr(type(self), name):
            raise AttributeError(f"{type(self).__name__} has no hyperparameter {name!r}; the step size is called lr")
        object.__setattr__(self, name, value)

    def __init__(self) -> None:
        self.target: Link | None = None
        self.t = 0
        self.epoch = 0
        self._hooks: dict[str, Hook] = {}
        self._slots: dict[int, Slot] = {}
        # State that was loaded for parameters which have had no update yet here, by path.
        self._loaded: dict[str, tuple[int, dict[str, Any]]] = {}

    # -- to be overridden ------------------------------------------------------------------------

    def rule(
        self, xp: Any, param: RawArray, grad: RawArray, arrays: dict[str, RawArray], t: int
    ) -> tuple[RawArray, dict[str, RawArray]]:
        """Give the new value of one parameter and the new arrays to keep for it, without changing what it is given.

        xp: the namespace of the parameter's backend; param, grad, arrays: raw arrays of one shape and dtype.
        t: the number of this update of this parameter, from 1.
        """
        raise NotImplementedError(f"{type(self).__name__} must define rule(self, xp, param, grad, arrays, t)")

    # -- training ----------------------------------------------------------------------------

    def setup(self, model: Link) -> Self:
        """Take a model to train, forgetting all state of one before, and give the optimizer back.

        Raises `TypeError` where `model` is no link.
        """
        if not isinstance(model, Link):
            raise TypeError(
                f"{type(self).__name__}.setup: expected a Link to train, the model itself and not its parameters; "
                f"got {type(model).__name__}"
            )
        model.name_params()
        self.target = model
        self.t = self.epoch = 0
        self._slots = {}
        self._loaded = {}
        return self

    def update(self, lossfun: Callable[..., Variable] | None = None, /, *args: Any, **kwargs: Any) -> Variable | None:
        """Change the parameters by their gradients; with `lossfun`, compute these first.

        lossfun: called on the other arguments; its result is what to lower. Then gradients are cleared and computed
            by `backward`, and the loss is given back. Where there is no loss to go back from, the gradients stay.

        Parameters without gradient, without values or with updates disabled stay as they are. Raises `RuntimeError`
        before `setup`, and `GradientError` where a parameter was overwritten by a recorded operation; the model is
        unchanged then.

        >>> import xdbr
        >>> from xdbr import optim
        >>> import xdbr.nn.links as L
        >>> model = L.Classifier(L.Linear(4, 3))
        >>> optimizer = optim.SGD(lr=0.1).setup(model)
        >>> x, t = xdbr.ones((2, 4)), xdbr.asarray([0, 0])
        >>> first = optimizer.update(model, x, t)
        >>> second = optimizer.update(model, x, t)
        >>> second.item() < first.item()
        True
        """
        model = self._model("update")
        loss = None
        if lossfun is not None:
            loss = lossfun(*args, **kwargs)
            if not isinstance(loss, Variable):
                raise TypeError(
                    f"{type(self).__name__}.update: lossfun must give a Variable; got {type(loss).__name__}"
                )
            if loss.requires_grad and loss.size == 1:  # else backward refuses it, and the old gradients stay
                model.cleargrads()
            loss.backward()
        with no_grad():
            self._update(model)
        return loss

    def _model(self, function: str) -> Link:
        if self.target is None:
            name = type(self).__name__
            raise RuntimeError(f"{name}.{function}: there is no model to train; call {name.lower()}.setup(model) first")
        return self.target

    def _update(self, model: Link) -> None:
        params: list[Parameter] = []
        owned = list(model.params())
        if not owned:
            raise ValueError(
                f"{type(self).__name__}.update: the {type(model).__name__} has no parameters, so nothing would be "
                "trained; a link owns attributes that are nn.Parameter or links, and no other Variables"
            )
        for param in owned:
            if param._node is None or not param.update_enabled:
                continue
            if not param._node.is_leaf:
                raise GradientError(
                    f"{type(self).__name__}.update: parameter {param.name!r} was overwritten by a recorded operation, "
                    "so it is no leaf and collects no gradient; write to it under xdbr.no_grad(), or assign its .data"
                )
            if param.grad is not None:
                params.append(param)
        grads = self._hooked(params) if self._hooks else [param.grad._raw for param in params]  # type: ignore[union-attr]
        paths = {id(param): path for path, param in model.namedparams()} if self._loaded else {}
        changes: list[tuple[Parameter, RawArray, int, dict[str, RawArray]]] = []
        for param, grad in zip(params, grads, strict=True):
            slot = self._slots.get(id(param)) or self._new_slot(param, paths.get(id(param)))
            backend = param._backend
            arrays = slot.arrays
            if arrays and (backend.multi_device or type(next(iter(arrays.values()))) is not type(grad)):
                arrays = {name: _beside(array, param) for name, array in arrays.items()}
            raw = param._raw
            new, arrays = backend.placed(self.rule)(raw_namespace(backend), raw, grad, arrays, slot.t + 1)
            if new.dtype != raw.dtype or tuple(new.shape) != tuple(raw.shape):
                raise ShapeError(
                    f"{type(self).__name__}.update: the rule gave shape {tuple(new.shape)} and dtype {new.dtype} for "
                    f"parameter {param.name!r} of shape {tuple(raw.shape)} and dtype {raw.dtype}"
                )
            arrays = {name: backend.as_array(array) for name, array in arrays.items()}
            changes.append((param, backend.as_array(new), slot.t + 1, arrays))
        for param, new, t, arrays in changes:
            slot = self._slots[id(param)]
            rebind(param, new)
            slot.t, slot.arrays = t, arrays
        self.t += 1

    def _hooked(self, params: list[Parameter]) -> list[RawArray]:
        """Give the gradients as the hooks leave them."""
        grads: list[Any] = [param.grad.detach() for param in params]  # type: ignore[union-attr]
        for name, hook in self._hooks.items():
            given = hook(self, tuple(params), tuple(grads))
            if given is None:
                continue
            grads = list(given)
            if len(grads) != len(params):
                raise ValueError(
                    f"hook {name!r}: expected {len(params)} gradients, one for each parameter; got {len(grads)}"
                )
            for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
                grads[i] = grad = grad if isinstance(grad, Variable) else wrap(grad)
                if grad.shape != param.shape or grad.dtype != param.dtype or grad.device != param.device:
                    raise ShapeError(
                        f"hook {name!r}: expected a gradient of shape {param.shape} and dtype {param.dtype} on "
                        f"{str(param.device)!r} for {param.name!r}; got shape {grad.shape} and dtype {grad.dtype} on "
                        f"{str(grad.device)!r}"
                    )
        return [grad._raw for grad in grads]

    def _new_slot(self, param: Parameter, path: str | None) -> Slot:
        if path is not None and path in self._loaded:
            t, host = self._loaded[path]
            problems = self._misfits(path, param, t, host)
            if problems:
                raise SerializationError(
                    f"{type(self).__name__}.update: the loaded state does not fit: {'; '.join(problems)}"
                )
            arrays = {name: param._backend.from_host(array, device=param.device) for name, array in host.items()}
            del self._loaded[path]
        else:
            xp = raw_namespace(param._backend)
            t, arrays = 0, {name: xp.zeros_like(param._raw) for name in self.state_names}
        slot = self._slots[id(param)] = Slot(param, t, arrays)
        return slot

    def new_epoch(self) -> None:
        """Count a further epoch."""
        self.epoch += 1

    # -- hooks -------------------------------------------------------------------------------

    def add_hook(self, hook: Hook, name: str | None = None) -> None:
        """Call `hook(optimizer, params, grads)` before each update, after those added earlier.

        hook: gets the parameters that are about to change and their gradients, and returns the gradients to use
            instead, one for each (or `None` to leave them). The parameters' own `.grad` stays as backward left it.
        name: to remove it by; the hook's own `name`, or the name of its class or function.

        Raises `TypeError` where the hook cannot be called, and `ValueError` where the name is taken.

        >>> from xdbr import optim
        >>> optimizer = optim.SGD(lr=0.1)
        >>> optimizer.add_hook(lambda optimizer, params, grads: [g * 0.5 for g in grads], name="halve")
        >>> optimizer.hooks
        ('halve',)
        """
        if not callable(hook):
            raise TypeError(f"add_hook: expected a callable; got {type(hook).__name__}")
        name = name or getattr(hook, "name", None) or getattr(hook, "__name__", None) or type(hook).__name__
        if name in self._hooks:
            raise ValueError(f"add_hook: there is a hook named {name!r} already; remove it first, or pass another name")
        self._hooks[name] = hook

    def remove_hook(self, name: str) -> None:
        """Remove a hook. Raises `KeyError` where there is none of this name."""
        if name not in self._hooks:
            raise KeyError(f"remove_hook: there is no hook {name!r}; there are {', '.join(self._hooks) or 'none'}")
        del self._hooks[name]

    @property
    def hooks(self) -> tuple[str, ...]:
        """The names of the hooks, in the order in which they are called."""
        return tuple(self._hooks)

    # -- state -------------------------------------------------------------------------------

    def hyperparameters(self) -> dict[str, float]:
        """Give the hyperparameters by name.

        >>> from xdbr import optim
        >>> optim.MomentumSGD(lr=0.1).hyperparameters()
        {'lr': 0.1, 'momentum': 0.9}
        """
        found: dict[str, float] = {}
        for owner in reversed(type(self).__mro__):
            found |= {
                name: getattr(self, name) for name, kind in vars(owner).items() if isinstance(kind, Hyperparameter)
            }
        return found

    def state_dict(self) -> dict[str, Any]:
        """Give the whole state as a flat dict: counts, hyperparameters, and by path what is kept for each parameter.

        Arrays are read-only and in host memory; later updates do not change them. Hooks are not part of it.

        >>> from xdbr import optim
        >>> import xdbr.nn.links as L
        >>> sorted(optim.SGD(lr=0.1).setup(L.Linear(3, 2)).state_dict())
        ['epoch', 'hyper/lr', 't', 'type']
        """
        model = self._model("state_dict")
        state: dict[str, Any] = {"type": type(self).__name__, "t": self.t, "epoch": self.epoch}
        state |= {f"hyper/{name}": value for name, value in self.hyperparameters().items()}
        for path, param in model.namedparams():
            slot = self._slots.get(id(param))
            if slot is not None:
                t, arrays = slot.t, slot.arrays
            elif path in self._loaded:
                t, arrays = self._loaded[path]
            else:
                continue
            state[f"param{path}/t"] = t
            state |= {f"param{path}/{name}": host_view(array) for name, array in arrays.items()}
        return state

    def load_state_dict(self, state: dict[str, Any], *, strict: bool = True) -> None:
        """Go on from a state that `state_dict` gave, of the same class and for a model with the same paths.

        The model may still be lazily sized: what belongs to a parameter waits for its first update.
        strict: whether everything must be there, and nothing else.

        Raises `SerializationError`, which lists everything that does not fit; nothing is changed then.
        """
        problems = self.check_state_dict(state, strict=strict)
        if problems:
            raise SerializationError(
                f"{type(self).__name__}.load_state_dict: the state does not fit, nothing was loaded:\n  "
                + "\n  ".join(problems)
            )
        self.t, self.epoch = state.get("t", self.t), state.get("epoch", self.epoch)
        for name in self.hyperparameters():
            if f"hyper/{name}" in state:
                setattr(self, name, state[f"hyper/{name}"])
        self._slots = {}
        self._loaded = {}
        for path, _ in self._model("load_state_dict").namedparams():
            if f"param{path}/t" in state:
                arrays = {name: host_view(state[f"param{path}/{name}"]).copy() for name in self.state_names}
                self._loaded[path] = (state[f"param{path}/t"], arrays)

    def check_state_dict(self, state: Any, *, strict: bool = True) -> list[str]:
        """Tell why `load_state_dict` would not take a state: one line for each thing that does not fit."""
        model = self._model("load_state_dict")
        if not isinstance(state, dict):
            return [f"expected a dict; got {type(state).__name__}"]
        if "type" in state and state["type"] != type(self).__name__:
            return [f"wrong type: the state is of a {state['type']}, this is a {type(self).__name__}"]
        expected = {"type"}
        problems = ["missing: type"] if strict and "type" not in state else []
        for name in ("t", "epoch"):
            expected.add(name)
            if name in state and not _is_count(state[name]):
                problems.append(f"wrong value: {name} must be an integer from 0; got {state[name]!r}")
            elif strict and name not in state:
                problems.append(f"missing: {name}")
        for name in self.hyperparameters():
            key = f"hyper/{name}"
            expected.add(key)
            if key in state:
                try:
                    getattr(type(self), name).checked(state[key], type(self).__name__)
                except (TypeError, ValueError) as error:
                    problems.append(f"wrong value: {error}")
            elif strict:
                problems.append(f"missing: {key}")
        for path, param in model.namedparams():
            keys = {name: f"param{path}/{name}" for name in ("t", *self.state_names)}
            there = {name: state[key] for name, key in keys.items() if key in state}
            expected |= set(keys.values())
            if there:
                problems += [f"missing: {key}" for name, key in keys.items() if name not in there]
                problems += self._misfits(path, param, there.pop("t", 0), there)
        if strict:
            problems += [f"unexpected: {key}" for key in state if key not in expected]
        return problems

    def _misfits(self, path: str, param: Parameter, t: Any, arrays: dict[str, Any]) -> list[str]:
        problems = []
        if not _is_count(t):
            problems.append(f"wrong value: param{path}/t must be an integer from 0; got {t!r}")
        for name, array in arrays.items():
            problems += misfit(f"param{path}/{name}", array, param.shape, param.dtype)
        return problems

    # -- copying and pickling ------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        # A copied parameter has another id.
        return self.__dict__ | {"_slots": list(self._slots.values())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._slots = {id(slot.param): slot for slot in state["_slots"]}

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.hyperparameters().items())
        return f"{type(self).__name__}({shown})"


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _beside(array: RawArray, param: Parameter) -> RawArray:
    """Give an array of the state on its parameter's device, to which the model may have been moved meanwhile."""
    return array_api.to_device(wrap(array), param.device)._raw
