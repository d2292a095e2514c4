"""Linear algebra as in a schoolbook, on one matrix given as lists of Python numbers: what rows are compared with."""

from __future__ import annotations

import cmath
import itertools
import math
from typing import Any

Matrix = list[list[Any]]


def times(a: Matrix, b: Matrix) -> Matrix:
    return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True)] for row in a]


def turned(a: Matrix) -> Matrix:
    return [[complex(x).conjugate() for x in column] for column in zip(*a, strict=True)]


def solved(a: Matrix, b: Matrix) -> Matrix:
    """Gauss and Jordan's elimination with pivots."""
    n = len(a)
    rows = [[*one, *other] for one, other in zip(a, b, strict=True)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for k in range(n):
            if k != i:
                rows[k] = [x - rows[k][i] * y for x, y in zip(rows[k], rows[i], strict=True)]
    return [row[n:] for row in rows]


def unit(n: int) -> Matrix:
    return [[float(i == j) for j in range(n)] for i in range(n)]


def determinant(a: Matrix) -> Any:
    """Leibniz's formula."""
    total: Any = 0.0
    for order in itertools.permutations(range(len(a))):
        swaps = sum(order[i] > order[j] for i, j in itertools.combinations(range(len(a)), 2))
        total += (-1) ** swaps * math.prod(a[i][j] for i, j in enumerate(order))
    return total


def without(a: Matrix, i: int, j: int) -> Matrix:
    return [[x for c, x in enumerate(row) if c != j] for r, row in enumerate(a) if r != i]


def cofactors(a: Matrix) -> Matrix:
    n = len(a)
    return [[(-1) ** (i + j) * determinant(without(a, i, j)) for j in range(n)] for i in range(n)]


def lower(a: Matrix) -> Matrix:
    """Cholesky and Banachiewicz's algorithm."""
    n = len(a)
    out: Matrix = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = a[i][j] - sum(out[i][k] * complex(out[j][k]).conjugate() for k in range(j))
            out[i][j] = cmath.sqrt(rest) if i == j else rest / out[j][j]
    return out


def roots(a: Matrix) -> list[complex]:
    """Eigenvalues: the roots of the characteristic polynomial (Faddeev and LeVerrier), by Weierstrass's iteration."""
    n = len(a)
    coefficients: list[Any] = [1.0]
    power = unit(n)
    for k in range(1, n + 1):
        made = times(a, power)
        coefficients.append(-sum(made[i][i] for i in range(n)) / k)
        power = [[x + coefficients[-1] * (i == j) for j, x in enumerate(row)] for i, row in enumerate(made)]
    found = [complex(a[i][i]) + (0.01 + 0.02j) * (i + 1) for i in range(n)]
    for _ in range(200):
        for i, z in enumerate(found):
            value: complex = 0j
            for c in coefficients:
                value = value * z + c
            found[i] = z - value / math.prod(z - other for k, other in enumerate(found) if k != i)
    return found


def symmetric_values(a: Matrix) -> list[float]:
    return sorted(z.real for z in roots(a)) if a else []


def squares_of_vectors(a: Matrix) -> Matrix:
    """Squares of the absolute elements of the eigenvectors, by columns, from eigenvalues alone.

    Denton, Parke, Tao and Zhang, 2021, arXiv:1908.03795.
    """
    n = len(a)
    values = symmetric_values(a)
    minors = [symmetric_values(without(a, j, j)) for j in range(n)]
    return [
        [
            math.prod(values[i] - m for m in minors[j])
            / math.prod(values[i] - v for k, v in enumerate(values) if k != i)
            for i in range(n)
        ]
        for j in range(n)
    ]


def singular_values(a: Matrix) -> list[float]:
    small = times(turned(a), a) if len(a) >= len(a[0]) else times(a, turned(a))
    return [math.sqrt(value) for value in reversed(symmetric_values(small))]


def symmetrized(a: Matrix) -> Matrix:
    return [[x + y for x, y in zip(*rows, strict=True)] for rows in zip(a, turned(a), strict=True)]


def gram(a: Matrix) -> Matrix:
    """A positive definite matrix."""
    return [[x + (i == j) for j, x in enumerate(row)] for i, row in enumerate(times(a, turned(a)))]


def orthonormal(a: Matrix) -> tuple[Matrix, Matrix]:
    """Gram and Schmidt's algorithm; the columns of Q as rows, and R with a positive diagonal."""
    columns = [list(column) for column in zip(*a, strict=True)]
    k = min(len(a), len(columns))
    q: Matrix = []
    r: Matrix = [[0.0] * len(columns) for _ in range(k)]
    for j, column in enumerate(columns):
        left = column
        for i, one in enumerate(q):
            r[i][j] = sum(complex(x).conjugate() * y for x, y in zip(one, left, strict=True))
            left = [y - r[i][j] * x for x, y in zip(one, left, strict=True)]
        if j < k:
            r[j][j] = math.sqrt(sum(abs(x) ** 2 for x in left))
            q.append([x / r[j][j] for x in left])
    return q, r


def polar(a: Matrix) -> Matrix:
    """The orthogonal factor of the polar decomposition: a times the inverse root of its square (Denman and Beavers)."""
    tall = len(a) >= len(a[0])
    y = times(turned(a), a) if tall else times(a, turned(a))
    z = unit(len(y))
    for _ in range(50):
        one, other = solved(z, unit(len(z))), solved(y, unit(len(y)))
        y = [[(p + q) / 2 for p, q in zip(*pair, strict=True)] for pair in zip(y, one, strict=True)]
        z = [[(p + q) / 2 for p, q in zip(*pair, strict=True)] for pair in zip(z, other, strict=True)]
    return times(a, z) if tall else times(z, a)


def inverse(a: Matrix) -> Matrix:
    return solved(a, unit(len(a)))


def pseudo_inverse(a: Matrix) -> Matrix:
    high = turned(a)
    if len(a) >= len(a[0]):
        return solved(times(high, a), high)
    return turned(solved(times(a, high), a))


def power(a: Matrix, n: int) -> Matrix:
    a = a if n >= 0 else inverse(a)
    out = unit(len(a))
    for _ in range(abs(n)):
        out = times(out, a)
    return out


def norm(a: Matrix, ord: Any) -> float:
    if ord in ("nuc", 2, -2):
        values = singular_values(a)
        return math.fsum(values) if ord == "nuc" else max(values) if ord == 2 else min(values)
    if ord == "fro":
        return math.sqrt(math.fsum(abs(x) ** 2 for row in a for x in row))
    sums = [math.fsum(map(abs, line)) for line in (zip(*a, strict=True) if abs(ord) == 1 else a)]
    return max(sums) if ord > 0 else min(sums)


def vector(row: list[Any], ord: float) -> float:
    sizes = list(map(abs, row))
    if ord in (math.inf, -math.inf):
        return max(sizes) if ord > 0 else min(sizes)
    if ord == 0:
        return float(sum(size != 0 for size in sizes))
    return math.fsum(size**ord for size in sizes) ** (1 / ord)


def svd_reference(a: Matrix) -> tuple[Any, ...]:
    return a, polar(a), singular_values(a)


def svd_squares(a: Matrix) -> tuple[Any, ...]:
    """The squares of the elements of U and of Vh."""
    u, v = squares_of_vectors(times(a, turned(a))), squares_of_vectors(times(turned(a), a))
    return [row[::-1] for row in u], [list(column) for column in zip(*v, strict=True)][::-1]


def qr_reference(a: Matrix) -> tuple[Any, ...]:
    q, r = orthonormal(a)
    squares = [[abs(x) ** 2 for x in row] for row in q]
    return a, [list(column) for column in zip(*squares, strict=True)], [[abs(x) ** 2 for x in row] for row in r]


def eig_reference(a: Matrix) -> tuple[Any, ...]:
    """The trace, the square, and the squares of the vectors' elements from the left and right null spaces."""
    n = len(a)
    weights: list[Any] = [0.0] * n
    for value in roots(a):
        shifted = [[x - value * (i == j) for j, x in enumerate(row)] for i, row in enumerate(a)]
        # A column of the adjugate of a singular matrix is a null vector.
        vector = max(cofactors(shifted), key=lambda row: sum(abs(x) for x in row))
        length = sum(abs(x) ** 2 for x in vector)
        weights = [w + abs(x) ** 2 / length * value for w, x in zip(weights, vector, strict=True)]
    return complex(sum(a[i][i] for i in range(n))), [[complex(x) for x in row] for row in times(a, a)], weights
