"""Define-by-run automatic differentiation: Variables, the graph they record, and its backward."""

from __future__ import annotations

from .function import Function
from .graph import Node
from .primitive import Primitive, composite, primitive
from .transforms import grad
from .variable import Variable

__all__ = ["Function", "Node", "Primitive", "Variable", "composite", "grad", "primitive"]
