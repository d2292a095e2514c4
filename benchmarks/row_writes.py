"""Writing rows of a large array: x[i] = v must cost the row, recorded or not.

The floor of a write of one row of 4,000 float64 is 32 kB of memory traffic, a few microseconds; copying
the whole array of 1,000 rows is 32 MB.

    python benchmarks/row_writes.py
"""

from __future__ import annotations

import numpy as np
from _measure import seconds

import xdbr

ROWS, COLUMNS = 1000, 4000


def plain(count: int) -> float:
    """Time `count` unrecorded row writes, the first of which copies the array that we share with NumPy."""
    x = xdbr.asarray(np.zeros((ROWS, COLUMNS)))
    x[0] = 0.0

    def run() -> None:
        for i in range(count):
            x[i % ROWS] = 1.0

    return seconds(run)


def recorded(count: int) -> float:
    """Time `count` recorded updates r = x[i]; r *= c with their backward."""
    leaf = xdbr.asarray(np.ones((ROWS, COLUMNS)))
    leaf.requires_grad = True
    x = leaf * 1.0
    x[0] = x[0]
    factor = xdbr.asarray(np.full(COLUMNS, 2.0))
    start = xdbr.asarray(np.ones((ROWS, COLUMNS)))

    def run() -> None:
        for i in range(count):
            row = x[i % ROWS]
            row *= factor
        x.backward(start)

    return seconds(run)


def main() -> None:
    """Print microseconds a row for growing counts: they must not grow."""
    print(f"rows of a ({ROWS}, {COLUMNS}) float64 array, microseconds a row")
    print("(the fixed cost of copying and of one whole backward included)")
    print("  count   x[i] = v   r = x[i]; r *= c, and backward")
    for count in (250, 500, 1000, 2000):
        print(f"  {count:5}   {plain(count) / count * 1e6:8.1f}   {recorded(count) / count * 1e6:8.1f}")


if __name__ == "__main__":
    main()
