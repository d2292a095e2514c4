"""Rows of the products of matrices and tensors, and of `einsum`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ._spec import COMPLEX, INTEGERS, REAL, Host, Input, Shape, Spec

ALL = REAL + COMPLEX
NUMBERS = (*INTEGERS, *ALL)


def summed(subscripts: str) -> Callable[..., Host]:
    """Make a reference that runs over every value of every index, one product at a time."""
    left, result = subscripts.split("->")
    terms = left.split(",")

    def run(*arrays: Host, **_: Any) -> Host:
        lengths: dict[str, int] = {}
        for term, x in zip(terms, arrays, strict=True):
            for letter, length in zip(term, x.shape, strict=True):
                lengths[letter] = length if lengths.get(letter, 1) == 1 else lengths[letter]
        out = np.zeros([lengths[letter] for letter in result], dtype=np.result_type(*arrays))
        for values in itertools.product(*(range(length) for length in lengths.values())):
            at = dict(zip(lengths, values, strict=True))
            product = math.prod(
                x[tuple(0 if length == 1 else at[letter] for letter, length in zip(term, x.shape, strict=True))].item()
                for term, x in zip(terms, arrays, strict=True)
            )
            out[tuple(at[letter] for letter in result)] += product
        return out

    return run


def two(one: Shape, other: Shape) -> tuple[Input, ...]:
    return Input(-2, 2, shape=one), Input(-2, 2, shape=other)


def conjugated(reference: Callable[..., Host]) -> Callable[..., Host]:
    return lambda x1, x2, **options: reference(x1.conj(), x2, **options)


def matmuls() -> list[Spec]:
    cases: Sequence[tuple[str, Shape, Shape]] = (
        ("i,i->", (3,), (3,)),
        ("ij,j->i", (2, 3), (3,)),
        ("i,ij->j", (3,), (3, 2)),
        ("ij,jk->ik", (2, 3), (3, 2)),
        ("aij,jk->aik", (2, 2, 3), (3, 2)),
        ("ij,ajk->aik", (2, 3), (2, 3, 2)),
        ("aij,ajk->aik", (2, 2, 3), (2, 3, 2)),
        ("abij,bjk->abik", (2, 1, 2, 3), (2, 3, 2)),
        ("aij,j->ai", (2, 2, 3), (3,)),
        ("i,aij->aj", (3,), (2, 3, 2)),
        ("ij,jk->ik", (2, 0), (0, 3)),
        ("ij,jk->ik", (0, 2), (2, 3)),
    )
    return [
        Spec(
            "matmul",
            two(one, other),
            summed(subscripts),
            case=f"{one} {other}".replace(",", ""),
            dtypes=NUMBERS if one == (2, 3) else ALL,
            torch=0 not in one,
        )
        for subscripts, one, other in cases
    ]


def tensordots() -> list[Spec]:
    cases: Sequence[tuple[str, Shape, Shape, Any]] = (
        ("i,j->ij", (2,), (3,), 0),
        ("ij,jk->ik", (2, 3), (3, 2), 1),
        ("ij,ij->", (2, 3), (2, 3), 2),
        ("abi,abj->ij", (2, 3, 2), (2, 3, 4), ((0, 1), (0, 1))),
        ("iab,bja->ij", (2, 3, 2), (2, 2, 3), ((1, 2), (2, 0))),
        ("aib,jba->ij", (3, 2, 2), (2, 2, 3), ((-1, 0), (1, -1))),
        ("ij,jk->ik", (2, 0), (0, 3), ((1,), (0,))),
    )
    return [
        Spec(
            "tensordot",
            two(one, other),
            summed(subscripts),
            options={"axes": axes},
            case=f"{axes}".replace(",", ""),
            dtypes=ALL,
            torch=(lambda torch, x, y, axes=axes: torch.tensordot(x, y, dims=axes)) if 0 not in one else False,
        )
        for subscripts, one, other, axes in cases
    ]


def vecdots() -> list[Spec]:
    cases: Sequence[tuple[str, Shape, Shape, int]] = (
        ("i,i->", (3,), (3,), -1),
        ("ai,i->a", (2, 3), (3,), -1),
        ("iab,iab->ab", (3, 2, 1), (3, 1, 2), -3),
        ("ai,ai->a", (2, 0), (2, 0), -1),
    )
    return [
        Spec(
            "vecdot",
            two(one, other),
            conjugated(summed(subscripts)),
            options={"axis": axis},
            case=f"{one} {other}".replace(",", ""),
            dtypes=ALL,
            torch=(lambda torch, x, y, axis=axis: torch.linalg.vecdot(x, y, dim=axis)) if 0 not in one else False,
        )
        for subscripts, one, other, axis in cases
    ]


def einsums() -> list[Spec]:
    cases: Sequence[tuple[str, str, tuple[Shape, ...]]] = (
        ("ij,jk->ik", "", ((2, 3), (3, 2))),
        ("ij,jk->ki", "", ((2, 3), (3, 2))),
        ("bij,bkj->bki", "", ((2, 2, 3), (2, 2, 3))),
        ("i,j->ji", "", ((2,), (3,))),
        ("ij->", "", ((2, 3),)),
        ("ij->ji", "", ((2, 3),)),
        ("ij,kl->", "", ((2, 3), (1, 2))),
        ("ii->", "", ((3, 3),)),
        ("iji->j", "", ((2, 3, 2),)),
        ("iii->i", "", ((3, 3, 3),)),
        ("abab,b->a", "", ((2, 3, 2, 3), (3,))),
        ("i,ij,j->", "", ((2,), (2, 3), (3,))),
        ("ij,jk,kl,lm->im", "", ((2, 3), (3, 1), (1, 2), (2, 2))),
        ("ij,ij->i", "", ((2, 1), (2, 3))),
        ("ij,j->j", "", ((2, 3), (1,))),
        ("i,i,i->i", "", ((2,), (2,), (2,))),
        ("ij,jk->ik", "", ((2, 0), (0, 3))),
        ("abij,bjk->abik", "...ij,...jk->...ik", ((2, 1, 2, 3), (2, 3, 2))),
        ("iab->ab", "i...->...", ((2, 3, 2),)),
        ("ba,ac->bc", "ba,ac", ((2, 3), (3, 2))),
        ("ij,ji->", "ij,ji", ((2, 3), (3, 2))),
    )
    rows = []
    for plain, text, shapes in cases:
        text = text or plain
        rows.append(
            Spec(
                "einsum",
                tuple(Input(shape=shape) for shape in shapes),
                summed(plain),
                call=lambda xp, *arrays, text=text: xp.einsum(text, *arrays),
                case=f"{text} {' '.join(map(str, shapes))}".replace(", ", "x"),
                dtypes=NUMBERS if text == "ij,jk->ki" else ALL,
                torch=(lambda torch, *tensors, text=text: torch.einsum(text, *tensors))
                if "0" not in str(shapes)
                else False,
                covers=("extras.contract",),
            )
        )
    return rows


SPECS = [
    *matmuls(),
    *tensordots(),
    *vecdots(),
    *einsums(),
    Spec(
        "matrix_transpose",
        (Input(shape=(2, 2, 3)),),
        lambda x: np.asarray([list(zip(*matrix, strict=True)) for matrix in x.tolist()], dtype=x.dtype),
        dtypes=("bool", *NUMBERS),
        torch=lambda torch, x: x.mT,
    ),
]
