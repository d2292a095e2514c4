"""Rows of the linear algebra, against schoolbook algorithms.

Eigenvectors and singular vectors are determined up to a factor. Rows of decompositions therefore give
what does not depend on it: the product of the factors, the squares of the elements of the vectors, the values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ._schoolbook import (
    cofactors,
    determinant,
    eig_reference,
    gram,
    inverse,
    lower,
    norm,
    power,
    pseudo_inverse,
    qr_reference,
    roots,
    singular_values,
    solved,
    squares_of_vectors,
    svd_reference,
    svd_squares,
    symmetric_values,
    symmetrized,
    times,
    turned,
    vector,
)
from ._spec import COMPLEX, INTEGERS, REAL, Host, Input, Shape, Spec

ALL = REAL + COMPLEX


def well_posed(rng: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Host:
    """Matrices whose singular values and eigenvalues lie apart and away from zero."""
    x = 0.4 * rng.uniform(-1, 1, shape)
    if dtype.kind == "c":
        x = x + 0.4j * rng.uniform(-1, 1, shape)
    for i in range(min(shape[-2:])):
        x[..., i, i] += i + 1
    return x


def matrices(*shape: int) -> Input:
    return Input(shape=shape, make=well_posed)


SQUARE, STACK = matrices(3, 3), matrices(2, 3, 3)

# -- stacks of matrices ----------------------------------------------------------------------------------


def stacked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a reference of a function of one matrix (as lists)."""

    def run(x: Host, **options: Any) -> Any:
        made = [function(matrix.tolist(), **options) for matrix in x.reshape(-1, *x.shape[-2:])]
        if isinstance(made[0], tuple):
            return tuple(shaped([one[i] for one in made], x) for i in range(len(made[0])))
        return shaped(made, x)

    return run


def shaped(made: Sequence[Any], x: Host) -> Host:
    out = np.asarray(made)
    out = out.reshape((*x.shape[:-2], *out.shape[1:]))
    return out.real if x.dtype.kind != "c" and out.dtype.kind == "c" else out


def over(function: Callable[..., Any]) -> Callable[..., Any]:
    return stacked(lambda a, **options: np.asarray(function(a, **options)).real)


def adjoint(xp: Any, x: Any) -> Any:
    return xp.conj(xp.matrix_transpose(x))


def torch_space(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run a row's call in PyTorch's names."""

    class Space:
        def __init__(self, torch: Any) -> None:
            self.torch = torch

        def __getattr__(self, name: str) -> Any:
            return getattr(self.torch, name)

        def matrix_transpose(self, x: Any) -> Any:
            return x.mT

        def eye(self, n: int, dtype: Any) -> Any:
            return self.torch.eye(n, dtype=dtype)

    return lambda torch, *tensors: function(Space(torch), *tensors)


def rows(
    name: str,
    function: Callable[..., Any],
    reference: Callable[..., Any],
    given: Sequence[Input] = (SQUARE, STACK),
    *,
    case: str = "",
    dtypes: tuple[str, ...] = ALL,
    result: str | None = "same",
    torch: bool = True,
    jax: bool | None = None,
    covers: tuple[str, ...] = (),
    rtol: float = 10.0,
) -> list[Spec]:
    """Rows of `function(xp, x)` for several shapes of `x`."""
    return [
        Spec(
            f"linalg.{name}",
            (one,),
            reference,
            call=function,
            case=f"{case} {one.shape}".strip().replace(",", ""),
            dtypes=dtypes,
            result=result,
            torch=torch_space(function) if torch else False,
            jax=jax,
            covers=covers,
            rtol=rtol,
            atol=rtol,
        )
        for one in given
    ]


# -- decompositions, as what does not depend on the choice of vectors -----------------------------------------


def positive(xp: Any, x: Any) -> Any:
    return xp.matmul(x, adjoint(xp, x)) + xp.eye(x.shape[-1], dtype=x.dtype)


def eigh(xp: Any, x: Any) -> Any:
    values, vectors = xp.linalg.eigh(x + adjoint(xp, x))
    whole = xp.matmul(vectors * values[..., None, :], adjoint(xp, vectors))
    return values, whole, xp.abs(vectors) ** 2


def eig(xp: Any, x: Any) -> Any:
    # Sums over all eigenvalues, because their order is the library's own.
    values, vectors = xp.linalg.eig(x)
    whole = xp.matmul(vectors * (values**2)[..., None, :], xp.linalg.inv(vectors))
    weights = xp.sum(xp.abs(vectors) ** 2 * values[..., None, :], axis=-1)
    return xp.sum(values, axis=-1), whole, weights


def eig_torch(torch: Any, x: Any) -> Any:
    values, vectors = torch.linalg.eig(x)
    whole = torch.matmul(vectors * (values**2)[..., None, :], torch.linalg.inv(vectors))
    return values.sum(-1), whole, (torch.abs(vectors) ** 2 * values[..., None, :]).sum(-1)


def svd(xp: Any, x: Any) -> Any:
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    return xp.matmul(u * s[..., None, :], vh), xp.matmul(u, vh), s, xp.abs(u) ** 2, xp.abs(vh) ** 2


def qr(xp: Any, x: Any) -> Any:
    q, r = xp.linalg.qr(x)
    return xp.matmul(q, r), xp.abs(q) ** 2, xp.abs(r) ** 2


def crossed(x: Host, y: Host, axis: int) -> Host:
    x, y = np.moveaxis(x, axis, 0), np.moveaxis(y, axis, 0)
    made = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]]
    return np.moveaxis(np.asarray(made), 0, axis)


def equations(a: Host, b: Host) -> Host:
    right = b[:, None] if b.ndim == 1 else b
    shape = np.broadcast_shapes(a.shape[:-2], right.shape[:-2])
    lefts = np.broadcast_to(a, (*shape, 3, 3)).reshape(-1, 3, 3)
    rights = np.broadcast_to(right, (*shape, *right.shape[-2:])).reshape(-1, *right.shape[-2:])
    out = [solved(one.tolist(), other.tolist()) for one, other in zip(lefts, rights, strict=True)]
    found = np.asarray(out).reshape(*shape, *right.shape[-2:])
    return found[..., 0] if b.ndim == 1 else found


OBLONG = (matrices(4, 2), matrices(2, 4))

SPECS = [
    *rows("cholesky", lambda xp, x: xp.linalg.cholesky(positive(xp, x)), stacked(lambda a: lower(gram(a)))),
    *rows(
        "cholesky",
        lambda xp, x: xp.linalg.cholesky(positive(xp, x), upper=True),
        stacked(lambda a: turned(lower(gram(a)))),
        case="upper",
    ),
    *rows(
        "eigh",
        eigh,
        stacked(lambda a: (symmetric_values(symmetrized(a)), symmetrized(a), squares_of_vectors(symmetrized(a)))),
        result=None,
        covers=("linalg._eigh_response",),
        rtol=1000,
    ),
    *rows(
        "eigvalsh",
        lambda xp, x: xp.linalg.eigvalsh(x + adjoint(xp, x)),
        over(lambda a: symmetric_values(symmetrized(a))),
        result="real",
        rtol=1000,
    ),
    *[
        Spec(
            "linalg.eig",
            (given,),
            lambda x: tuple(part.astype(complex) for part in stacked(eig_reference)(x.astype(complex))),
            call=eig,
            case=str(given.shape).replace(",", ""),
            dtypes=ALL,
            result=None,
            torch=eig_torch,
            jax=False,  # which refuses it a derivative
            rtol=1000,
            atol=1000,
        )
        for given in (SQUARE, STACK)
    ],
    *rows(
        "eigvals",
        lambda xp, x: xp.sum(xp.linalg.eigvals(x) ** 3, axis=-1),
        lambda x: stacked(lambda a: sum(complex(z) ** 3 for z in roots(a)))(x.astype(complex)),
        result=None,
        jax=False,
        rtol=1000,
    ),
    *rows(
        "svd",
        svd,
        stacked(lambda a: svd_reference(a) + svd_squares(a)),
        (SQUARE, STACK),
        result=None,
        covers=("linalg._svd_response",),
        rtol=1e4,
    ),
    *rows(
        "svd",
        lambda xp, x: svd(xp, x)[:3],
        stacked(svd_reference),
        (*OBLONG, matrices(2, 3, 2)),
        case="oblong",
        result=None,
        rtol=1e4,
    ),
    *rows(
        "svd",
        lambda xp, x: xp.linalg.svd(x).S,
        over(singular_values),
        OBLONG,
        case="full",
        result="real",
        rtol=1e4,
        torch=False,
        jax=False,  # which has no derivative with full matrices
    ),
    *rows(
        "svd",
        lambda xp, x: xp.abs(xp.linalg.svd(x).Vh) ** 2,
        over(lambda a: [list(c) for c in zip(*squares_of_vectors(times(turned(a), a)), strict=True)][::-1]),
        (matrices(4, 2),),
        case="full Vh",
        result="real",
        rtol=1e4,
        torch=False,
        jax=False,
    ),
    *rows(
        "svdvals",
        lambda xp, x: xp.linalg.svdvals(x),
        over(singular_values),
        (SQUARE, STACK, *OBLONG),
        result="real",
        rtol=1e4,
    ),
    *rows("qr", qr, stacked(qr_reference), (SQUARE, STACK, *OBLONG, matrices(2, 3, 2)), result=None, rtol=100),
    *rows(
        "qr",
        lambda xp, x: xp.abs(xp.linalg.qr(x, mode="complete").R) ** 2,
        over(lambda a: qr_reference(a)[2] + [[0.0] * len(a[0])] * (len(a) - len(a[0]))),
        (SQUARE, *OBLONG),
        case="complete",
        result="real",
        rtol=100,
        torch=False,
    ),
    *rows("inv", lambda xp, x: xp.linalg.inv(x), stacked(inverse)),
    *rows("pinv", lambda xp, x: xp.linalg.pinv(x), stacked(pseudo_inverse), (SQUARE, STACK, *OBLONG), rtol=100),
    *rows("det", lambda xp, x: xp.linalg.det(x), stacked(determinant)),
    *rows("cofactor", lambda xp, x: xp.linalg.cofactor(x), stacked(cofactors), torch=False, jax=False),
    *rows(
        "slogdet",
        lambda xp, x: tuple(xp.linalg.slogdet(x)),
        stacked(lambda a: (determinant(a) / abs(determinant(a)), math.log(abs(determinant(a))))),
        result=None,
    ),
    *rows("trace", lambda xp, x: xp.linalg.trace(x), stacked(lambda a: sum(a[i][i] for i in range(3))), torch=False),
    *rows(
        "trace",
        lambda xp, x: xp.linalg.trace(x, offset=-1),
        stacked(lambda a: a[1][0] + a[2][1] + a[3][2]),
        (matrices(4, 3),),
        case="offset",
        torch=False,
    ),
    Spec(
        "linalg.trace",
        (Input(-9, 9, shape=(2, 2)),),
        lambda x: x[0, 0].astype("int64") + x[1, 1],
        case="signed",
        order=0,
        dtypes=INTEGERS[:4],
        result="int64",
    ),
    *[
        spec
        for offset in (0, 1, -2, 7)
        for spec in rows(
            "diagonal",
            lambda xp, x, offset=offset: xp.linalg.diagonal(x, offset=offset),
            stacked(lambda a, offset=offset: [a[i][i + offset] for i in range(3) if 0 <= i + offset < 4]),
            (matrices(3, 4), matrices(2, 3, 4)),
            case=f"{offset}",
            torch=False,
        )
    ],
    *[
        spec
        for n in (-2, -1, 0, 1, 2, 3, 6)
        for spec in rows(
            "matrix_power",
            lambda xp, x, n=n: xp.linalg.matrix_power(x, n),
            stacked(lambda a, n=n: power(a, n)),
            (STACK,),
            case=f"{n}",
            torch=n != 0,
        )
    ],
    *[
        spec
        for ord in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
        for spec in rows(
            "matrix_norm",
            lambda xp, x, ord=ord: xp.linalg.matrix_norm(x, ord=ord),
            over(lambda a, ord=ord: norm(a, ord)),
            (STACK, matrices(2, 3)),
            case=f"{ord}",
            result="real",
            rtol=1e4,
        )
    ],
    *[
        Spec(
            "linalg.vector_norm",
            (Input(-2, 2, shape=(2, 3), away=(0.0,), margin=0.3),),
            lambda x, axis, ord, keepdims: np.asarray(
                [vector(row, ord) for row in x.tolist()] if axis == -1 else vector(x.ravel().tolist(), ord)
            ).reshape((2, 1) if keepdims and axis == -1 else (1, 1) if keepdims else (2,) if axis == -1 else ()),
            options={"axis": axis, "ord": ord, "keepdims": keepdims},
            case=f"{ord} {axis}",
            dtypes=ALL,
            result="real",
            covers=("extras.kink", "linalg._length"),
            torch=lambda torch, x, axis=axis, ord=ord, keepdims=keepdims: torch.linalg.vector_norm(
                x, ord=ord, dim=axis, keepdim=keepdims
            ),
            rtol=10,
        )
        for ord in (0, 1, 2, 3, 0.5, 1.5, -1, -2, math.inf, -math.inf)
        for axis, keepdims in ((-1, False), (None, True))
    ],
    Spec(
        "linalg.outer",
        (Input(shape=(3,)), Input(shape=(2,))),
        lambda x, y: np.asarray([[a * b for b in y.tolist()] for a in x.tolist()]).reshape(x.size, y.size),
        dtypes=ALL,
        shapes=(((0,), (2,)),),
        torch="outer",
    ),
    *[
        Spec(
            "linalg.cross",
            (Input(shape=one), Input(shape=other)),
            crossed,
            options={"axis": axis},
            case=f"{one} {other}".replace(",", ""),
            dtypes=ALL,
            torch=lambda torch, x, y, axis=axis: torch.linalg.cross(x, y, dim=axis),
        )
        for one, other, axis in (((3,), (3,), -1), ((2, 3), (1, 3), -1), ((3, 2, 1), (3, 1, 2), -3))
    ],
    *[
        Spec(
            "linalg.solve",
            (matrices(*one), Input(shape=other)),
            equations,
            case=f"{one} {other}".replace(",", ""),
            dtypes=ALL,
            torch=len(one) == 2,
            rtol=10,
        )
        for one, other in (
            ((3, 3), (3,)),
            ((3, 3), (3, 2)),
            ((2, 3, 3), (3,)),
            ((2, 3, 3), (3, 2)),
            ((3, 3), (2, 3, 1)),
            ((2, 3, 3), (2, 3, 2)),
        )
    ],
    Spec(
        "linalg.matrix_rank",
        (Input(shape=(3, 4), make=lambda rng, shape, dtype: np.outer([1, 2, 3], [1, 0, 1, 4])),),
        lambda x: np.asarray(1),
        order=0,
        dtypes=ALL,
        result="int64",
    ),
]
