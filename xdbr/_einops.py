"""einops on Variables: `rearrange`, `reduce`, `repeat`, `einsum`, `pack` and `unpack` take them once xdbr is imported.

einops looks for subclasses of its `AbstractBackend`, wherever they are defined. So the one for xdbr is made when einops
is there: at once where it has been imported before, else when its import has run. xdbr itself never imports it.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from .array_api import broadcast_to, concat, einsum, expand_dims, permute_dims, reshape, stack, tile
from .autograd.variable import VARIABLES, Variable

__all__ = ["install"]

MODULE = "einops._backends"


def backend_class(base: Any) -> type:
    """Make einops' backend for Variables, a subclass of its `AbstractBackend`."""

    class XdbrBackend(base):  # type: ignore[misc]
        """einops' backend for Variables of any array library."""

        framework_name = "xdbr"

        def is_appropriate_type(self, tensor: Any) -> bool:
            return type(tensor) in VARIABLES

        def from_numpy(self, x: Any) -> Variable:
            return Variable(x)

        def to_numpy(self, x: Variable) -> Any:
            return x.__array__()  # which refuses where that would cut the graph

        def arange(self, start: int, stop: int) -> Variable:
            return Variable(range(start, stop))

        def reshape(self, x: Variable, shape: Sequence[int]) -> Variable:
            return reshape(x, tuple(shape))

        def transpose(self, x: Variable, axes: Sequence[int]) -> Variable:
            return permute_dims(x, tuple(axes))

        def reduce(self, x: Variable, operation: str, axes: Sequence[int]) -> Variable:
            return getattr(x, operation)(axis=tuple(axes))  # type: ignore[no-any-return]

        def stack_on_zeroth_dimension(self, tensors: list[Variable]) -> Variable:
            return stack(tensors)

        def add_axis(self, x: Variable, new_position: int) -> Variable:
            return expand_dims(x, axis=new_position)

        def add_axes(self, x: Variable, n_axes: int, pos2len: dict[int, int]) -> Variable:
            for position in sorted(pos2len):
                x = expand_dims(x, axis=position)
            return broadcast_to(x, tuple(pos2len.get(i, length) for i, length in enumerate(x.shape)))

        def tile(self, x: Variable, repeats: Sequence[int]) -> Variable:
            return tile(x, tuple(repeats))

        def concat(self, tensors: list[Variable], axis: int) -> Variable:
            return concat(tensors, axis=axis)

        def is_float_type(self, x: Variable) -> bool:
            return x.dtype.kind in "fc"

        def einsum(self, pattern: str, *x: Variable) -> Variable:
            return einsum(pattern, *x)

    return XdbrBackend


def register(module: ModuleType) -> None:
    """Declare the backend to einops' module of backends, unless it knows one already."""
    base = getattr(module, "AbstractBackend", None)  # None while another thread is still importing the module
    if base is not None and all(known.framework_name != "xdbr" for known in base.__subclasses__()):
        # einops finds subclasses through weak references alone.
        module.XdbrBackend = backend_class(base)  # type: ignore[attr-defined]


class AfterImport:
    """Finds nothing itself: it lets the other finders find einops' backends and adds `register` to their loader."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Give what the other finders give for einops' module of backends, and nothing for any other module."""
        if fullname != MODULE:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: importlib.machinery.ModuleSpec | None = (
                None if finder is self or find is None else find(fullname, path, target)
            )
            if spec is not None:
                register_after(spec.loader)
                return spec
        return None


def register_after(loader: Any) -> None:
    """Let a loader call `register` once it has run einops' module; it stays the loader that it is."""

    def exec_module(module: ModuleType) -> None:
        execute(module)
        if module.__name__ == MODULE:  # a loader may serve several modules
            register(module)

    # A loader that cannot be changed imports einops as ever, which then knows no Variables and says so.
    with contextlib.suppress(AttributeError):
        execute = loader.exec_module
        loader.exec_module = exec_module


def install() -> None:
    """Make einops take Variables, whichever of the two is imported first."""
    if MODULE in sys.modules:
        register(sys.modules[MODULE])
    if not any(isinstance(finder, AfterImport) for finder in sys.meta_path):
        sys.meta_path.insert(0, AfterImport())
