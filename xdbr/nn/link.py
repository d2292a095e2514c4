"""Links: objects that own parameters and other links, and find, name, save, copy and move them.

What a link owns is found through its attributes: a Parameter, a Link, or a list, tuple or dict of them (nested as
deep as one likes) counts as soon as it is assigned. Lists and dicts that are empty, or hold such or functions, are
looked into whenever the model is walked, so a link that is appended later counts, too.

The order of a walk, and so that of parameters and paths, is fixed: a link's own parameters first, then its child
links with all that is below them, each in the order in which the attributes were first assigned. What can be reached by
several ways (tied weights, a shared link) counts once, under the first of its paths.
"""

from __future__ import annotations

import copy as copying
import reprlib
import weakref
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, Self

from .. import array_api
from .._config import no_grad, train_mode
from .._equivalents import LINK_METHODS, lookup
from .._errors import DtypeError, ShapeError
from ..autograd.variable import VARIABLES, Variable
from ..backends import parse_device
from .parameter import Parameter
from .paths import watch_for_growth
from .state import check_link_state, link_state, load_link_state

if TYPE_CHECKING:
    from .chain import Sequential

__all__ = ["CopyMode", "Link", "collect", "named"]

CopyMode = Literal["share", "copy", "init"]


class Link:
    """A callable object that owns parameters; `forward` says what calling it does.

    >>> import xdbr
    >>> from xdbr import nn
    >>> class Scale(nn.Link):
    ...     def __init__(self, size):
    ...         super().__init__()
    ...         self.factor = nn.Parameter(1.0, size)
    ...
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> scale = Scale(3)
    >>> [path for path, param in scale.namedparams()]
    ['/factor']
    >>> scale(xdbr.ones(3)).requires_grad
    True
    """

    _path: str = ""  # where it lies in the model that it was last assigned to
    _members: dict[str, None]  # the attributes that hold parameters or links, in the order of assignment
    _persistents: dict[str, None]  # the attributes that are saved without being parameters

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make the registries: not in `__init__`, so that a subclass may forget to call `super().__init__()`."""
        self = super().__new__(cls)
        self.__dict__["_members"] = {}
        self.__dict__["_persistents"] = {}
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run `forward`."""
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the result of a call; to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, ...)")

    # -- attributes --------------------------------------------------------------------------

    if not TYPE_CHECKING:  # a type checker would take every name for an attribute

        def __getattr__(self, name: str) -> Any:
            return lookup(self, name, LINK_METHODS)

    def __setattr__(self, name: str, value: Any) -> None:
        members, persistents = self.__dict__["_members"], self.__dict__["_persistents"]
        if type(value) is Variable or not (isinstance(value, _OWNED) or _holds(value)):
            if isinstance(self.__dict__.get(name), Parameter) and hasattr(value, "dtype"):
                raise TypeError(
                    f"{type(self).__name__}.{name} is a Parameter, and an array in its place would not be trained: "
                    f"assign to {name}.data, or assign nn.Parameter(values); got {type(value).__name__}"
                )
            object.__setattr__(self, name, value)
            members.pop(name, None)
            return
        _check_name(name, f"{type(self).__name__}.{name}")
        owned = _contents(value)  # raises where a key of a dict cannot be part of a path
        object.__setattr__(self, name, value)
        if name in persistents and not owned:  # a list that is saved as it is
            return
        persistents.pop(name, None)
        name_below(value, f"{self._path}/{name}")
        if not isinstance(value, _OWNED):
            watch_for_growth(self)[name] = owned
        members[name] = None

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._members.pop(name, None)
        self._persistents.pop(name, None)

    def add_persistent(self, name: str, value: Any) -> None:
        """Set an attribute that is saved, loaded, copied and moved with the link but not trained (a running mean).

        value: an array, a Variable, or what JSON can hold.

        >>> import xdbr
        >>> from xdbr import nn
        >>> link = nn.Link()
        >>> link.add_persistent("mean", xdbr.zeros(2))
        >>> sorted(link.state_dict())
        ['mean']
        """
        setattr(self, name, value)
        self.register_persistent(name)

    def register_persistent(self, name: str) -> None:
        """Save, load, copy and move an attribute that is there already with the link; see `add_persistent`.

        Raises `AttributeError` where there is none, and `TypeError` where it holds parameters or links.
        """
        if name not in self.__dict__:
            raise AttributeError(f"register_persistent: {type(self).__name__} has no attribute {name!r}")
        if name in self._members and _contents(self.__dict__[name]):
            raise TypeError(
                f"register_persistent: {type(self).__name__}.{name} holds parameters, which are saved anyway"
            )
        _check_name(name, f"{type(self).__name__}.{name}")
        self._members.pop(name, None)
        self._persistents[name] = None

    # -- walking -----------------------------------------------------------------------------

    def namedparams(self, include_uninit: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Give every parameter once with its path, such as "/l1/W".

        include_uninit: whether lazily sized parameters that have no values yet count.

        >>> import xdbr.nn.links as L
        >>> [path for path, param in L.Linear(2, 3).namedparams()]
        ['/W', '/b']
        """
        found = named(self)
        return iter(found if include_uninit else [(path, param) for path, param in found if param.is_initialized])

    def params(self, include_uninit: bool = True) -> Iterator[Parameter]:
        """Give every parameter once; see `namedparams`."""
        return iter([param for _, param in self.namedparams(include_uninit)])

    def namedlinks(self, skipself: bool = False) -> Iterator[tuple[str, Link]]:
        """Give this link (path "/", unless `skipself`) and every link below it once, with its path such as "/l1".

        >>> from xdbr import nn
        >>> import xdbr.nn.links as L
        >>> [path for path, link in nn.Sequential(L.Linear(2, 3), L.Linear(3, 1)).namedlinks()]
        ['/', '/0', '/1']
        """
        found: list[tuple[str, Link]] = []
        _collect_links(self, "", set(), found)
        found[0] = ("/", self)
        return iter(found[1:] if skipself else found)

    def links(self, skipself: bool = False) -> Iterator[Link]:
        """Give this link (unless `skipself`) and every link below it once."""
        return iter([link for _, link in self.namedlinks(skipself)])

    def children(self) -> Iterator[Link]:
        """Give the links that this link owns itself."""
        return iter({id(owned): owned for _, owned in self._owned() if isinstance(owned, Link)}.values())

    def _owned(self) -> list[tuple[str, Parameter | Link]]:
        """Give what the attributes hold, in order, with paths."""
        found: list[tuple[str, Parameter | Link]] = []
        for name in self._members:
            collect(self.__dict__[name], f"/{name}", found)
        return found

    def name_params(self) -> None:
        """Name each parameter after its path in this link.

        Assigning a link to an attribute does this for what is below it, and reading a name for what has come into its
        lists and dicts since.
        """
        name_below(self, "")

    def name_grown(self, seen: dict[str, list[Any]]) -> None:
        """Name what is in lists and dicts that no longer hold what was `seen` in them."""
        for name in self._members:
            value = self.__dict__[name]
            if isinstance(value, _OWNED):
                continue
            now = _contents(value)
            if now != seen.get(name):
                seen[name] = now
                name_below(value, f"{self._path}/{name}")

    def count_params(self) -> int:
        """Give the number of elements of all parameters.

        Raises `ShapeError`, which names them, where lazily sized parameters have no shape yet.

        >>> import xdbr.nn.links as L
        >>> L.Linear(2, 3).count_params()
        9
        """
        unknown = [path for path, param in self.namedparams() if not param.is_initialized]
        if unknown:
            raise ShapeError(f"count_params: the sizes of {', '.join(unknown)} become known at the first call")
        return sum(param.size for param in self.params())

    # -- lazy sizes --------------------------------------------------------------------------

    def materialize(self, *args: Any, **kwargs: Any) -> Self:
        """Give lazily sized parameters their shapes by calling the link on an example, and give the link back.

        The call is neither recorded nor counted as training.

        >>> import xdbr
        >>> import xdbr.nn.links as L
        >>> L.Linear(None, 3).materialize(xdbr.zeros((1, 2))).W.shape
        (3, 2)
        """
        with no_grad(), train_mode(False):
            self(*args, **kwargs)
        return self

    # -- gradients and training ----------------------------------------------------------------

    def cleargrads(self) -> None:
        """Forget the gradients of all parameters."""
        for param in self.params():
            param._grad = None

    def addgrads(self, link: Link) -> None:
        """Add the gradients of a link of the same structure to this link's (data parallel training).

        Raises `ValueError` where the paths of the parameters differ, and `ShapeError` or `DtypeError` where a
        gradient does not fit; nothing is changed then.
        """
        grads = []
        for (path, mine), (_, theirs) in self._paired(link, "addgrads"):
            if theirs.grad is None:
                continue
            grad = theirs.grad.detach().to_device(mine.device)
            if grad.shape != mine.shape:
                raise ShapeError(f"addgrads: {path} has shape {mine.shape} here; its gradient there has {grad.shape}")
            if grad.dtype != mine.dtype:
                raise DtypeError(f"addgrads: {path} has dtype {mine.dtype} here; its gradient there has {grad.dtype}")
            grads.append((mine, grad if mine.grad is None else mine.grad.detach() + grad))
        for mine, grad in grads:
            mine.grad = grad

    def copyparams(self, link: Link, copy_persistent: bool = True) -> None:
        """Copy the values of a link of the same structure into this link's parameters (and persistents).

        Raises `SerializationError`, which lists everything that does not fit; nothing is changed then.
        """
        state = link_state(link)
        if not copy_persistent:
            kept = {path[1:] for path, _ in link.namedparams()}
            own = link_state(self)
            state = {key: value for key, value in state.items() if key in kept}
            state |= {key: value for key, value in own.items() if key not in {p[1:] for p, _ in self.namedparams()}}
        load_link_state(self, state, strict=True, function="copyparams")

    def _paired(self, link: Link, function: str) -> list[tuple[tuple[str, Parameter], tuple[str, Parameter]]]:
        mine, theirs = dict(self.namedparams()), dict(link.namedparams())
        if mine.keys() != theirs.keys():
            differing = ", ".join(sorted(mine.keys() ^ theirs.keys()))
            raise ValueError(f"{function}: the links have different parameters: {differing}")
        return [((path, param), (path, theirs[path])) for path, param in mine.items()]

    def enable_update(self) -> None:
        """Let optimizers change the parameters again."""
        for param in self.params():
            param.update_enabled = True

    def disable_update(self) -> None:
        """Freeze: optimizers leave the parameters alone. Gradients still flow; `requires_grad = False` stops these."""
        for param in self.params():
            param.update_enabled = False

    @property
    def update_enabled(self) -> bool:
        """Whether optimizers change any of the parameters."""
        return any(param.update_enabled for param in self.params())

    # -- devices -----------------------------------------------------------------------------

    def to_device(self, device: Any) -> Self:
        """Move parameters, their gradients and persistents to a device, and give the link back.

        device: a `Device` or its spelling, such as "cupy:0".

        Raises `DeviceError` for an unknown device; nothing is moved then.

        >>> import xdbr.nn.links as L
        >>> L.Linear(2, 3).to_device("numpy").W.device
        Device('numpy')
        """
        target = parse_device(device, function="to_device")
        for param in self.params():
            param.move_to(target)
        for link in self.links():
            link.move_persistents(target)
        return self

    def move_persistents(self, device: Any) -> None:
        """Move this link's own persistents to a device; to be extended by links that keep other arrays."""
        for name in self._persistents:
            value = self.__dict__[name]
            if type(value) in VARIABLES:
                object.__setattr__(self, name, array_api.to_device(value.detach(), device))

    # -- copies --------------------------------------------------------------------------------

    def copy(self, mode: CopyMode = "share") -> Self:
        """Give a copy of the link and of all links below it.

        mode: "share" shares the Parameter objects, so that both are trained together; "copy" copies them, values and
            gradients; "init" makes parameters of the same shapes with fresh first values.

        What was tied in the original is tied in the copy.

        >>> import xdbr.nn.links as L
        >>> one = L.Linear(2, 3)
        >>> one.copy().W is one.W, one.copy("copy").W is one.W
        (True, False)
        """
        if mode not in ("share", "copy", "init"):
            raise ValueError(f"copy: mode must be 'share', 'copy' or 'init'; got {mode!r}")
        if mode == "share":
            # What deepcopy finds in its memo it takes as it is. Whatever is no link or container is shared as well.
            memo: dict[int, Any] = {}
            for link in self.links():
                _share(link.__dict__, memo)
            return copying.deepcopy(self, memo)
        made = copying.deepcopy(self)
        if mode == "init":
            for param in made.params():
                param.reinitialize()
                param.zero_grad()
        return made

    def repeat(self, n: int, mode: CopyMode = "init") -> Sequential:
        """Give a `Sequential` of `n` copies of the link, made by `copy(mode)`.

        >>> import xdbr.nn.links as L
        >>> len(L.Linear(3, 3).repeat(4))
        4
        """
        if n < 0:
            raise ValueError(f"repeat: n must not be negative; got {n}")
        from .chain import Sequential

        return Sequential(*(self.copy(mode) for _ in range(n)))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = memo[id(self)] = type(self).__new__(type(self))
        with no_grad():  # leaves come along as leaves of the copy's own
            made.__setstate__(copying.deepcopy(self.__getstate__(), memo))
        return made

    def __getstate__(self) -> dict[str, Any]:
        # What a call has left behind (Classifier.loss) may be a computed Variable: its value goes along, not its graph.
        return {name: _cut(value) for name, value in self.__dict__.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not all(isinstance(self.__dict__[name], _OWNED) for name in self._members):
            watch_for_growth(self)

    # -- state -------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Give the values of all parameters and persistents by path without the leading slash, such as "l1/W".

        The values are read-only arrays in host memory, which later updates do not change; `None` stands for a lazily
        sized parameter without values. Tied parameters are there once.

        >>> import xdbr.nn.links as L
        >>> L.Linear(2, 3).state_dict()["W"].shape
        (3, 2)
        """
        return link_state(self)

    def load_state_dict(self, state: dict[str, Any], *, strict: bool = True) -> None:
        """Take over the values that `state_dict` gave; lazily sized parameters get their shape from them.

        strict: whether every path must be there, and no other.

        Raises `SerializationError`, which lists everything that does not fit; nothing is changed then.

        >>> import xdbr.nn.links as L
        >>> link = L.Linear(None, 3)
        >>> link.load_state_dict(L.Linear(2, 3).state_dict())
        >>> link.W.shape
        (3, 2)
        """
        load_link_state(self, state, strict=strict, function=f"{type(self).__name__}.load_state_dict")

    def check_state_dict(self, state: Any, *, strict: bool = True) -> list[str]:
        """Tell why `load_state_dict` would not take a state: one line for each thing that does not fit."""
        return check_link_state(self, state, strict=strict)

    # -- text ----------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """Give what `repr` shows in the brackets of a link without children; to be overridden."""
        return ""

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        rows = []
        for path, owned in self._owned():
            if isinstance(owned, Link):
                rows.append(f"  ({path[1:]}): " + repr(owned).replace("\n", "\n  "))
        head = f"{type(self).__name__}({self.extra_repr()}"
        return head + ("\n" + "\n".join(rows) + "\n)" if rows else ")")


# -- finding --------------------------------------------------------------------------------------

_OWNED = (Parameter, Link)


def _holds(value: Any) -> bool:
    """Tell whether a container holds parameters or links, or may come to: it is empty, has functions or gaps (None)."""
    parts: Any
    if isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, (list, tuple)):
        parts = value
    elif isinstance(value, (set, frozenset, deque)):
        if any(isinstance(part, _OWNED) for part in value):
            raise TypeError(
                f"parameters and links in a {type(value).__name__} would have no names that stay; use a list"
            )
        return False
    else:
        return False
    return len(value) == 0 or any(
        part is None or isinstance(part, _OWNED) or callable(part) or _holds(part) for part in parts
    )


def collect(value: Any, path: str, found: list[tuple[str, Parameter | Link]]) -> None:
    """Add the parameters and links in the value of an attribute to a list, with paths."""
    if isinstance(value, _OWNED):
        found.append((path, value))
    elif isinstance(value, (list, tuple)):
        for i, part in enumerate(value):
            collect(part, f"{path}/{i}", found)
    elif isinstance(value, dict):
        keys: dict[str, Any] = {}
        for key, part in value.items():
            before = len(found)
            collect(part, f"{path}/{key}", found)
            if len(found) > before:
                _check_name(key, path or "a dict")
                if keys.setdefault(str(key), key) is not key:
                    raise ValueError(f"{path or 'a dict'}: the keys {keys[str(key)]!r} and {key!r} would be one path")


def named(value: Any, path: str = "") -> list[tuple[str, Parameter]]:
    """Give the parameters in a value, own ones before those of child links, each once."""
    found: list[tuple[str, Parameter]] = []
    _collect_params(value, path, set(), found)
    return found


def name_below(value: Any, path: str) -> None:
    """Name the parameters in the value of an attribute, or of a whole model, after their paths."""
    for below, param in named(value, path):
        param.name = below
    owned: list[tuple[str, Parameter | Link]] = []
    collect(value, path, owned)
    links: list[tuple[str, Link]] = []
    for below, part in owned:
        if isinstance(part, Link):
            _collect_links(part, below, set(), links)
    for below, link in links:
        link.__dict__["_path"] = below


def _contents(value: Any) -> list[tuple[str, Any]]:
    """Tell what a container holds, by weak references, which are equal where they are to one object."""
    found: list[tuple[str, Parameter | Link]] = []
    collect(value, "", found)
    return [(path, _Same(part)) for path, part in found]


class _Same(weakref.ref[Any]):
    """A weak reference that equals another one to the same object, whatever equality means there."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and (part := self()) is not None and part is other()

    __hash__ = weakref.ref.__hash__


def _collect_params(value: Any, path: str, seen: set[int], found: list[tuple[str, Parameter]]) -> None:
    if isinstance(value, Link):
        if id(value) in seen:
            return
        seen.add(id(value))
        owned = value._owned()
    else:
        owned = []
        collect(value, "", owned)
    children = []
    for below, part in owned:
        if isinstance(part, Link):
            children.append((path + below, part))
        elif id(part) not in seen:
            seen.add(id(part))
            found.append((path + below, part))
    for below, child in children:
        _collect_params(child, below, seen, found)


def _collect_links(link: Link, path: str, seen: set[int], found: list[tuple[str, Link]]) -> None:
    if id(link) in seen:
        return
    seen.add(id(link))
    found.append((path, link))
    for below, part in link._owned():
        if isinstance(part, Link):
            _collect_links(part, path + below, seen, found)


def _check_name(name: Any, where: str) -> None:
    if not isinstance(name, (str, int)) or "/" in str(name) or name == "":
        raise ValueError(
            f"{where}: the name of a parameter or link is part of its path, so it must be a string without '/' or an "
            f"integer; got {name!r}"
        )


# -- copying --------------------------------------------------------------------------------------


def _cut(value: Any) -> Any:
    if type(value) in VARIABLES:
        return value if isinstance(value, Parameter) or value.is_leaf else value.detach()
    if type(value) is dict:
        return {key: _cut(part) for key, part in value.items()}
    if type(value) is list or type(value) is tuple:
        return type(value)(_cut(part) for part in value)
    return value


def _share(value: Any, memo: dict[int, Any]) -> None:
    """Enter everything but links and the containers of links into a memo of deepcopy."""
    if isinstance(value, Link):
        return
    if isinstance(value, dict):
        for part in value.values():
            _share(part, memo)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _share(part, memo)
    else:
        memo[id(value)] = value
