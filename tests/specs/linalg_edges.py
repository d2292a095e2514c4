"""Rows of the linear algebra at singular matrices, with tolerances, with all vectors, and of no matrices at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._schoolbook import cofactors, determinant, squares_of_vectors, times, turned
from ._spec import COMPLEX, REAL, Host, Input, Shape, Spec
from .linalg import adjoint, matrices, over, positive, rows, stacked

ALL = REAL + COMPLEX
DOUBLE = ("float64", "complex128")


def of_rank(rank: int) -> Callable[..., Host]:
    """Draw matrices of a rank, with singular values between 1 and 2."""

    def make(rng: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Host:
        u, _, vh = np.linalg.svd(drawn(rng, shape, dtype), full_matrices=False)
        s = np.linspace(2, 1, rank)
        made: Host = (u[..., :rank] * s) @ vh[..., :rank, :]
        return made

    return make


def drawn(rng: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Host:
    x = rng.uniform(-1, 1, shape)
    return x + 1j * rng.uniform(-1, 1, shape) if dtype.kind == "c" else x


def truncated(x: Host, rank: int) -> Host:
    """The pseudo-inverse of the nearest matrix of a rank, by way of the eigenvectors of the smaller square."""
    tall = x.shape[0] >= x.shape[1]
    square = x.conj().T @ x if tall else x @ x.conj().T
    values, vectors = np.linalg.eigh(square)
    kept = vectors[:, -rank:]
    inverse = (kept / values[-rank:]) @ kept.conj().T
    made: Host = inverse @ x.conj().T if tall else x.conj().T @ inverse
    return made


def change(x: Host, h: Host) -> Host:
    """The derivative of the cofactors along h, from the pairs of rows and columns that are left."""
    n = len(x)
    out = np.zeros((n, n), dtype=np.result_type(x, h))
    for i in range(n):
        for j in range(n):
            for k in range(n):
                # The cofactors are linear in each row: put row k of h in the place of that of x.
                if k != i:
                    moved = x.copy().astype(out.dtype)
                    moved[k] = h[k]
                    out[i, j] += cofactors(moved.tolist())[i][j]
    return out


NOTHING: tuple[tuple[Shape, ...], ...] = (((0, 3, 3),), ((2, 0, 0),))


def of_nothing(name: str, call: Callable[[Any, Any], Any], *outputs: Callable[[Shape], Shape], **settings: Any) -> Spec:
    """A row of a function of stacks that have no matrices, or matrices without elements."""

    def reference(x: Host) -> tuple[Host, ...]:
        return tuple(np.ones(out(x.shape)) for out in outputs)

    settings = {"dtypes": DOUBLE, "result": None} | settings
    return Spec(
        f"linalg.{name}",
        (Input(shape=(0, 3, 3)),),
        reference,
        call=call,
        case=f"nothing {settings.pop('case', '')}".strip(),
        shapes=NOTHING[1:],
        jax=False,  # which takes no matrices without elements
        **settings,
    )


def whole(shape: Shape) -> Shape:
    return shape


def line(shape: Shape) -> Shape:
    return shape[:-1]


def point(shape: Shape) -> Shape:
    return shape[:-2]


SPECS = [
    *[
        Spec(
            "linalg.det",
            (Input(shape=(n, n), make=of_rank(rank)),),
            stacked(determinant),
            case=f"singular {n} {rank} {dtype}",
            dtypes=(dtype,),
            order=2,  # what follows needs an inverse
            # Elsewhere PyTorch's derivatives are NaN or wrong, and JAX's second ones.
            torch=n - rank == 1 and dtype == "float64" and "linalg.det",
            jax=None if n - rank == 1 else False,
        )
        for n, rank in ((2, 1), (2, 0), (3, 2), (3, 1), (4, 2))
        for dtype in DOUBLE
    ],
    Spec(
        "linalg.cofactor_change",
        (matrices(3, 3), Input(shape=(3, 3))),
        change,
        dtypes=DOUBLE,
        rtol=10,
        atol=10,
        jax=False,
    ),
    *[
        Spec(
            "linalg.cofactor_change",
            (Input(shape=(3, 3)),),
            lambda h, x=x: change(x, h),
            call=lambda xp, h, x=x: xp.linalg.cofactor_change(xp.asarray(x, dtype="float64", device=h.device), h),
            case=f"singular {rank}",
            dtypes=DOUBLE,
            result=None,
            rtol=10,
            atol=10,
            jax=False,
        )
        for rank, x in enumerate((np.zeros((3, 3)), np.ones((3, 3)), np.arange(9.0).reshape(3, 3)))
    ],
    *[
        Spec(
            "linalg.pinv",
            (matrices(*shape),),
            lambda x, rank=rank: truncated(x, rank),
            call=lambda xp, x, rtol=rtol: xp.linalg.pinv(x, rtol=rtol),
            case=f"rtol={rtol} {shape}".replace(",", ""),
            dtypes=DOUBLE,
            rtol=100,
            atol=100,
            # Their derivative takes the values that are left out for zeros.
            torch=rtol < 0.1 and (lambda torch, x, rtol=rtol: torch.linalg.pinv(x, rtol=rtol)),
            jax=None if rtol < 0.1 else False,
        )
        for shape, rtol, rank in (
            ((3, 3), 0.5, 2),
            ((4, 3), 0.5, 2),
            ((3, 4), 0.5, 2),
            ((3, 3), 0.8, 1),
            ((4, 2), 1e-9, 2),
            ((2, 4), 1e-9, 2),
        )
    ],
    Spec(
        "linalg.pinv",
        (matrices(2, 3, 3),),
        lambda x: np.stack([truncated(x[0], 2), truncated(x[1], 3)]),
        call=lambda xp, x: xp.linalg.pinv(x, rtol=xp.asarray([0.5, 0.01], dtype="float64", device=x.device)),
        case="array of rtol",
        dtypes=DOUBLE,
        rtol=100,
        atol=100,
        jax=False,
    ),
    *rows(
        "svd",
        lambda xp, x: xp.abs(xp.linalg.svd(x).U) ** 2,
        over(lambda a: [row[::-1] for row in squares_of_vectors(times(a, turned(a)))]),
        (matrices(2, 4),),
        case="full U",
        dtypes=DOUBLE,
        result="real",
        rtol=1e4,
        torch=False,
        jax=False,
    ),
    *rows(
        "svd",
        lambda xp, x: _recomposed(xp, *xp.linalg.svd(x)),
        stacked(lambda a: a),
        (matrices(3, 3),),
        case="full square",
        dtypes=DOUBLE,
        rtol=100,
        torch=False,
    ),
    *rows(
        "qr",
        lambda xp, x: _product(xp, *xp.linalg.qr(x, mode="complete")),
        stacked(lambda a: a),
        (matrices(3, 3), matrices(2, 4), matrices(2, 2, 3)),
        case="complete QR",
        dtypes=DOUBLE,
        rtol=100,
        torch=False,
    ),
    of_nothing("cholesky", lambda xp, x: xp.linalg.cholesky(positive(xp, x)), whole),
    of_nothing("inv", lambda xp, x: xp.linalg.inv(_regular(xp, x)), whole),
    of_nothing("pinv", lambda xp, x: xp.linalg.pinv(x), whole),
    of_nothing("det", lambda xp, x: xp.linalg.det(x), point),
    of_nothing("cofactor", lambda xp, x: xp.linalg.cofactor(x), whole),
    of_nothing("eigvalsh", lambda xp, x: xp.linalg.eigvalsh(x + adjoint(xp, x)), line),
    of_nothing("eigh", lambda xp, x: tuple(xp.linalg.eigh(x + adjoint(xp, x))), line, whole),
    of_nothing("svdvals", lambda xp, x: xp.linalg.svdvals(x), line),
    of_nothing("svd", lambda xp, x: tuple(xp.linalg.svd(x, full_matrices=False)), whole, line, whole),
    of_nothing("qr", lambda xp, x: tuple(xp.linalg.qr(x)), whole, whole),
    of_nothing("matrix_power", lambda xp, x: xp.linalg.matrix_power(x, 3), whole),
    of_nothing("matrix_transpose", lambda xp, x: xp.linalg.matrix_transpose(x), whole),
    Spec(
        "linalg.solve",
        (Input(shape=(0, 3, 3)), Input(shape=(3, 2))),
        lambda a, b: np.ones((*a.shape[:-2], *b.shape[-2:])),
        call=lambda xp, a, b: xp.linalg.solve(_regular(xp, a), b),
        case="nothing",
        dtypes=DOUBLE,
        shapes=(((2, 0, 0), (0, 2)), ((0, 0), (0,))),
        jax=False,
    ),
]


def _regular(xp: Any, x: Any) -> Any:
    return x + xp.eye(x.shape[-1], dtype=x.dtype)


def _recomposed(xp: Any, u: Any, s: Any, vh: Any) -> Any:
    return xp.matmul(u * s[..., None, :], vh)


def _product(xp: Any, q: Any, r: Any) -> Any:
    return xp.matmul(q, r)
