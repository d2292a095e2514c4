"""The plan of an `einsum`: which axes to permute, merge, sum and multiply, from labels and shapes alone.

Integers in, integers out, and cached; `linear_algebra.contract` carries the plan out on arrays. Labels are
integers: a letter's code point, or for the axes under an ellipsis -1 for the last, -2 for the one before.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from .._errors import ShapeError
from .._typing import Shape

__all__ = ["Embedding", "Labels", "Plan", "Step", "gradient_plan", "make_plan", "parse"]

Labels = tuple[int, ...]
Step = tuple[str, Any]
"""One thing to do to an array: ("reshape", shape), ("permute", axes), ("take", key) or ("sum", axes)."""


class Pair(NamedTuple):
    """How to multiply two of the remaining arrays, which the product replaces at the end of the row."""

    first: int
    second: int
    steps1: tuple[Step, ...]
    steps2: tuple[Step, ...]
    summed: bool
    shape: Shape


class Plan(NamedTuple):
    """What to do to each operand, then the products in order, then what to do to the result."""

    prepare: tuple[tuple[Step, ...], ...]
    pairs: tuple[Pair, ...]
    finish: tuple[Step, ...]


class Embedding(NamedTuple):
    """Where the cotangent of a diagonal goes: one every `step` in an axis of `length`, which is folded to `folded`."""

    before: Shape
    length: int
    step: int
    folded: Shape


# -- reading the subscripts --------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def parse(subscripts: str, ndims: tuple[int, ...]) -> tuple[tuple[Labels, ...], Labels]:
    """Read subscripts such as "ij,jk->ik"; give the labels of each operand and of the result.

    ndims: how many axes each operand has. Raises `ShapeError` where the subscripts are malformed or do not fit.
    """
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ShapeError(f"einsum: {subscripts!r} is for {len(terms)} operands; got {len(ndims)}")
    inputs = tuple(_labels(subscripts, term, ndim, i) for i, (term, ndim) in enumerate(zip(terms, ndims, strict=True)))
    used = list(itertools.chain.from_iterable(inputs))
    hidden = tuple(sorted({label for label in used if label < 0}))
    if not arrow:
        once = sorted({label for label in used if label >= 0 and used.count(label) == 1})
        return inputs, (*hidden, *once)
    if hidden and "..." not in right:
        raise ShapeError(f"einsum: {subscripts!r} has axes under an ellipsis, so its result needs an ellipsis, too")
    before, dots, after = right.partition("...")
    output = (*map(ord, before), *(hidden if dots else ()), *map(ord, after))
    unknown = [chr(label) for label in output if label >= 0 and label not in used]
    if unknown or len(set(output)) < len(output):
        what = f"has no operand with {unknown[0]!r}" if unknown else "names an axis of the result twice"
        raise ShapeError(f"einsum: {subscripts!r} {what}")
    return inputs, output


def _labels(subscripts: str, term: str, ndim: int, i: int) -> Labels:
    before, dots, after = term.partition("...")
    if not all(letter.isalpha() for letter in before + after):
        raise ShapeError(f"einsum: subscripts are letters, '...', ',' and '->'; got {subscripts!r}")
    hidden = ndim - len(before) - len(after)
    if hidden < 0 or (hidden and not dots):
        raise ShapeError(f"einsum: {term!r} in {subscripts!r} does not fit operand {i}, which has {ndim} axes")
    return (*map(ord, before), *range(-hidden, 0), *map(ord, after))


def _lengths(labels: tuple[Labels, ...], shapes: tuple[Shape, ...]) -> dict[int, int]:
    """Give the length of each label's axis. Raises `ShapeError` where operands disagree."""
    found: dict[int, int] = {}
    for own, shape in zip(labels, shapes, strict=True):
        for label, length in zip(own, shape, strict=True):
            before = found.setdefault(label, length)
            if before == 1:
                found[label] = length
            elif length not in (1, before):
                called = f"the label {chr(label)!r}" if label >= 0 else "an axis under the ellipsis"
                raise ShapeError(
                    f"einsum: {called} has the lengths {before} and {length} in operands of shapes {shapes}"
                )
    return found


# -- the plan -------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def make_plan(labels: tuple[Labels, ...], shapes: tuple[Shape, ...], result: Labels) -> Plan:
    """Plan a contraction: operands of `labels` and `shapes` to an array whose axes are `result`, all different."""
    lengths = _lengths(labels, shapes)
    used = [_used(own, shape, lengths) for own, shape in zip(labels, shapes, strict=True)]
    prepare: list[tuple[Step, ...]] = []
    left: list[Labels] = []
    for i, (own, shape) in enumerate(zip(labels, shapes, strict=True)):
        others = set(result).union(*used[:i], *used[i + 1 :])
        steps, own = _prepared(own, shape, lengths, others)
        prepare.append(steps)
        left.append(own)
    pairs = []
    while len(left) > 1:
        i, j = min(itertools.combinations(range(len(left)), 2), key=lambda pair: _growth(pair, left, result, lengths))
        needed = set(result).union(*(own for k, own in enumerate(left) if k not in (i, j)))
        if len(left) == 2 and _product(left[j], left[i], needed) == result:
            i, j = j, i
        pairs.append(_pair(i, j, left[i], left[j], needed, lengths))
        made = _product(left[i], left[j], needed)
        left = [own for k, own in enumerate(left) if k not in (i, j)] + [made]
    return Plan(tuple(prepare), tuple(pairs), _permuted(left[0], result))


def _used(own: Labels, shape: Shape, lengths: dict[int, int]) -> Labels:
    """Give the labels of an operand whose axes do not merely broadcast."""
    return tuple(label for label, length in zip(own, shape, strict=True) if length == lengths[label])


def _prepared(own: Labels, shape: Shape, lengths: dict[int, int], others: set[int]) -> tuple[tuple[Step, ...], Labels]:
    """Plan how an operand loses axes that only broadcast, takes its diagonals, and is summed over its own labels."""
    steps: list[Step] = []
    used = _used(own, shape, lengths)
    if len(used) < len(own):
        own = used
        steps.append(("reshape", tuple(lengths[label] for label in own)))
    for label in sorted({label for label in own if own.count(label) > 1}):
        rest = tuple(other for other in own if other != label)
        times, n = own.count(label), lengths[label]
        order = sorted(range(len(own)), key=lambda i, own=own, label=label: own[i] == label)  # type: ignore[misc]
        steps.append(("permute", tuple(order)))
        steps.append(("reshape", (*(lengths[other] for other in rest), n**times)))
        steps.append(("take", (..., slice(0, None, _stride(n, times)))))
        own = (*rest, label)
    lone = tuple(i for i, label in enumerate(own) if label not in others)
    if lone:
        steps.append(("sum", lone))
        own = tuple(label for label in own if label in others)
    return tuple(steps), own


def _stride(n: int, times: int) -> int:
    """Give how far apart the elements of the diagonal of `times` axes of length `n` lie in row-major order."""
    return max(1, sum(int(n**i) for i in range(times)))


def _product(one: Labels, other: Labels, needed: set[int]) -> Labels:
    """Give the labels of a product: common ones, then those of one factor alone, then those of the other."""
    common = tuple(label for label in one if label in other and label in needed)
    return (*common, *(x for x in one if x not in other), *(x for x in other if x not in one))


def _growth(pair: tuple[int, int], left: list[Labels], result: Labels, lengths: dict[int, int]) -> int:
    """Give by how much the memory grows if a pair is multiplied next."""
    one, other = left[pair[0]], left[pair[1]]
    needed = set(result).union(*(own for k, own in enumerate(left) if k not in pair))
    made = _size(_product(one, other, needed), lengths)
    return made - _size(one, lengths) - _size(other, lengths)


def _size(labels: Sequence[int], lengths: dict[int, int]) -> int:
    return math.prod(lengths[label] for label in labels)


def _pair(i: int, j: int, one: Labels, other: Labels, needed: set[int], lengths: dict[int, int]) -> Pair:
    common = tuple(label for label in one if label in other and label in needed)
    summed = tuple(label for label in one if label in other and label not in needed)
    own1 = tuple(label for label in one if label not in other)
    own2 = tuple(label for label in other if label not in one)
    shape = tuple(lengths[label] for label in (*common, *own1, *own2))
    batch = (_size(common, lengths),) if common else ()
    m, k, n = (_size(part, lengths) for part in (own1, summed, own2))
    inner = (k,) if summed else ()
    steps1 = (*_permuted(one, (*common, *own1, *summed)), ("reshape", (*batch, m, *(inner or (1,)))))
    steps2 = (*_permuted(other, (*common, *summed, *own2)), ("reshape", (*batch, *(inner or (1,)), n)))
    return Pair(i, j, steps1, steps2, bool(summed), shape)


def _permuted(own: Labels, wanted: Labels) -> tuple[Step, ...]:
    return () if own == wanted else (("permute", tuple(own.index(label) for label in wanted)),)


# -- the gradient ------------------------------------------------------------------------------------------


class GradientPlan(NamedTuple):
    """How the cotangent of one operand comes from that of the result and the other operands."""

    wanted: Labels
    kept: Shape
    broadcast: Shape
    embeddings: tuple[Embedding, ...]
    order: tuple[int, ...]


@functools.lru_cache(maxsize=4096)
def gradient_plan(k: int, labels: tuple[Labels, ...], shapes: tuple[Shape, ...], result: Labels) -> GradientPlan:
    """Plan the gradient of operand `k`: contract the rest to `wanted`, broadcast, and put diagonals back in place."""
    lengths = _lengths(labels, shapes)
    own = _used(labels[k], shapes[k], lengths)
    rest = {label: lengths[label] for label in result}
    for i, (others, shape) in enumerate(zip(labels, shapes, strict=True)):
        if i != k:
            for label, length in zip(others, shape, strict=True):
                if rest.get(label, 1) == 1:
                    rest[label] = length
    unique = tuple(dict.fromkeys(own))
    wanted = tuple(label for label in unique if label in rest)
    kept = tuple(rest.get(label, 1) for label in unique)
    now = list(unique)
    embeddings = []
    for label in unique:
        times, n = own.count(label), lengths[label]
        if times > 1:
            before = tuple(sorted(range(len(now)), key=lambda i, label=label: now[i] == label))  # type: ignore[misc]
            now = [x for x in now if x != label]
            folded = (*(lengths[x] for x in now), *(n,) * times)
            embeddings.append(Embedding(before, n**times, _stride(n, times), folded))
            now += [label] * times
    order, seen = [], dict.fromkeys(unique, 0)
    for label in own:
        places = [i for i, x in enumerate(now) if x == label]
        order.append(places[seen[label]])
        seen[label] += 1
    return GradientPlan(wanted, kept, tuple(lengths[label] for label in unique), tuple(embeddings), tuple(order))
