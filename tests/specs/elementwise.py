"""Rows of the element-wise functions."""

from __future__ import annotations

import cmath
import math
import operator

from ._spec import COMPLEX, INTEGERS, REAL, Input, Spec, each

SPECS = [
    Spec("add", (Input(), Input()), each(operator.add), elementwise=True, dtypes=REAL + COMPLEX, torch=True),
    Spec("multiply", (Input(), Input()), each(operator.mul), elementwise=True, dtypes=REAL + COMPLEX, torch=True),
    Spec("tanh", (Input(),), each(math.tanh), elementwise=True, torch=True),
    Spec("tanh", (Input(-1, 1),), each(cmath.tanh), case="complex", elementwise=True, dtypes=COMPLEX, torch=True),
]
