"""Linear algebra: the standard's extension `linalg`, each function with its gradient rule beside it.

Every function takes stacks of matrices, shape (..., m, n), real or complex; integers are read in the default
floating-point dtype where the result is floating.
"""

from __future__ import annotations

from typing import Any

from .._equivalents import FUNCTIONS, missing
from ..array_api.linear_algebra import matmul, matrix_transpose, tensordot, vecdot
from .decompositions import cholesky, eig, eigh, eigvals, eigvalsh, qr, svd, svdvals
from .determinants import cofactor, cofactor_change, det, slogdet
from .inverses import inv, matrix_power, matrix_rank, pinv, solve
from .norms import matrix_norm, vector_norm
from .products import cross, diagonal, outer, trace

__all__ = [
    "cholesky",
    "cofactor",
    "cofactor_change",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]


def __getattr__(name: str) -> Any:
    raise missing(f"module {__name__!r}", name, FUNCTIONS, ("xdbr",))
