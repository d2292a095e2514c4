"""Chains: links made of other links, by name, in a list, or called one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableSequence
from typing import Any, Self

from .link import Link, collect, name_below
from .parameter import Parameter

__all__ = ["Chain", "ChainList", "Sequential"]


class Chain(Link):
    """A link made of named child links; `forward` calls them.

    Child links may be given by keyword, or assigned to attributes.

    >>> import xdbr
    >>> from xdbr import nn
    >>> import xdbr.nn.functions as F, xdbr.nn.links as L
    >>> class MLP(nn.Chain):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.l1 = L.Linear(None, 8)
    ...         self.l2 = L.Linear(8, 2)
    ...
    ...     def forward(self, x):
    ...         return self.l2(F.relu(self.l1(x)))
    >>> MLP()(xdbr.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(self, **links: Link) -> None:
        for name, link in links.items():
            setattr(self, name, _link(link, f"{type(self).__name__}.{name}"))

    def __getitem__(self, name: str) -> Any:
        """Give the child link or parameter of this name."""
        if name not in self._members:
            raise KeyError(f"{type(self).__name__} has no link {name!r}; it has {', '.join(self._members) or 'none'}")
        return self.__dict__[name]


class _List(Link, MutableSequence[Any]):
    """Links in a list, with all that lists can; their paths are their positions."""

    _list: list[Link]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make the list: not in `__init__`, so that a subclass may forget to call `super().__init__()`."""
        self = super().__new__(cls)
        self.__dict__["_list"] = []
        return self

    def __init__(self, *links: Link) -> None:
        for link in links:
            self.append(link)

    def _owned(self) -> list[tuple[str, Parameter | Link]]:
        found = super()._owned()
        collect(self._list, "", found)
        return found

    def _entry(self, link: Any) -> Any:
        return _link(link, type(self).__name__)

    def _name_from(self, start: int) -> None:
        for i in range(start, len(self._list)):
            name_below(self._list[i], f"{self._path}/{i}")

    def append(self, link: Any) -> None:
        """Add a link at the end."""
        self._list.append(self._entry(link))
        self._name_from(len(self._list) - 1)

    def extend(self, links: Iterable[Any]) -> None:
        """Add links at the end."""
        for link in links:
            self.append(link)

    def insert(self, index: int, link: Any) -> None:
        """Put a link before the one at `index`."""
        self._list.insert(index, self._entry(link))
        self._name_from(0)

    def __setitem__(self, index: int, link: Any) -> None:  # type: ignore[override]
        self._list[index] = self._entry(link)
        self._name_from(0)

    def __delitem__(self, index: int | slice) -> None:
        del self._list[index]
        self._name_from(0)

    def __len__(self) -> int:
        return len(self._list)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._list)

    def __bool__(self) -> bool:
        return True  # a link is there, however few links it has


class ChainList(_List):
    """A link made of child links in a list; `forward`, to be defined, calls them.

    >>> from xdbr import nn
    >>> import xdbr.nn.links as L
    >>> layers = nn.ChainList(L.Linear(2, 3), L.Linear(3, 1))
    >>> [path for path, param in layers.namedparams()]
    ['/0/W', '/0/b', '/1/W', '/1/b']
    """

    def __getitem__(self, index: int) -> Link:  # type: ignore[override]
        return self._list[index]


class Sequential(_List):
    """Calls links, or any callables, one after another, each on what the one before has given.

    Positions of callables that are no links count in the paths.

    >>> import xdbr
    >>> from xdbr import nn
    >>> import xdbr.nn.functions as F, xdbr.nn.links as L
    >>> model = nn.Sequential(L.Linear(4, 3), F.relu, L.Linear(3, 2))
    >>> model(xdbr.ones((5, 4))).shape
    (5, 2)
    >>> [path for path, param in model.namedparams()]
    ['/0/W', '/0/b', '/2/W', '/2/b']
    """

    _list: list[Any]

    def __init__(self, *layers: Link | Callable[..., Any]) -> None:
        super().__init__(*layers)  # type: ignore[arg-type]

    def _entry(self, link: Any) -> Any:
        if not callable(link):
            raise TypeError(f"Sequential: expected a link or another callable; got {type(link).__name__}")
        return link

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the first layer on the arguments, and each other one on what the one before has given.

        A tuple is spread over the arguments of the next layer.
        """
        if not self._list:
            raise TypeError("Sequential: there is no layer to call")
        out = self._list[0](*args, **kwargs)
        for layer in self._list[1:]:
            out = layer(*out) if isinstance(out, tuple) else layer(out)
        return out

    def __getitem__(self, index: Any) -> Any:
        """Give the layer at an index, or a `Sequential` of those in a slice, which shares them."""
        if isinstance(index, slice):
            part = type(self).__new__(type(self))
            part.__dict__["_list"] = self._list[index]
            return part
        return self._list[index]

    def flatten(self) -> Sequential:
        """Give one `Sequential` of all layers, those of nested ones in their place."""
        layers: list[Any] = []
        for layer in self._list:
            layers += layer.flatten()._list if isinstance(layer, Sequential) else [layer]
        return Sequential(*layers)

    def remove_by_layer_type(self, name: str) -> None:
        """Remove the layers whose class or function has this name."""
        keep = [layer for layer in self._list if getattr(layer, "__name__", type(layer).__name__) != name]
        self._list[:] = keep
        self._name_from(0)

    def __repr__(self) -> str:
        rows = [f"  ({i}): {_text(layer)}" for i, layer in enumerate(self._list)]
        return f"{type(self).__name__}(" + ("\n" + "\n".join(rows) + "\n)" if rows else ")")


def _link(link: Any, where: str) -> Link:
    if not isinstance(link, Link):
        raise TypeError(f"{where}: expected a Link; got {type(link).__name__}")
    return link


def _text(layer: Any) -> str:
    if isinstance(layer, Link):
        return repr(layer).replace("\n", "\n  ")
    return getattr(layer, "__name__", None) or repr(layer)
