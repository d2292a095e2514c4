"""Where the names of parameters come from when a list or dict of a link grows.

Assigning to an attribute of a link names everything below it at once. Of what is appended to a list, or entered
into a dict, later, nobody is told. So the links that have lists or dicts are known here, weakly, and those that have
changed are named anew when somebody asks for a parameter's name: in an error, a drawing or a `repr`. Training does not
ask, and pays nothing.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .link import Link

__all__ = ["name_what_has_grown", "watch_for_growth"]


class _Growing(weakref.ref["Link"]):
    """A link with lists or dicts; `seen` is what each held when it was last named."""

    __slots__ = ("key", "seen")

    key: int
    seen: dict[str, list[Any]]


_growing: dict[int, _Growing] = {}


def _forget(gone: Any) -> None:
    key = gone.key
    if _growing.get(key) is gone:  # the next object at the same address may be known already
        del _growing[key]


def watch_for_growth(link: Link) -> dict[str, list[Any]]:
    """Have a link named anew when what its lists and dicts hold has changed; give what was seen of them so far."""
    known = _growing.get(id(link))
    if known is None or known() is not link:
        known = _Growing(link, _forget)
        known.key, known.seen = id(link), {}
        _growing[id(link)] = known
    return known.seen


def name_what_has_grown() -> None:
    """Name the parameters in all lists and dicts that have changed since they were last named."""
    for known in list(_growing.values()):
        link = known()
        if link is not None:
            # A key that makes no path is told of by the walk that needs the path; a name is no reason to fail.
            with contextlib.suppress(ValueError, RuntimeError):
                link.name_grown(known.seen)
