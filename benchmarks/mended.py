"""What keeping the standard costs where NumPy deviates from it: xdbr's functions on raw arrays against NumPy's own.

A function whose forward is one call of NumPy's costs nothing, for it *is* NumPy's. All others are timed on what is
usual, real float32 arrays of 8 and of 100,000 elements, in one process and interleaved; the figures are ratios to NumPy
and the microseconds of one call.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from _measure import compare, median, ratio

import xdbr
from xdbr import backends
from xdbr.autograd.kernels import REGISTRY, raw_namespace

SIZES = (8, 100_000)


def mended() -> Iterator[tuple[str, Callable[..., Any], Callable[..., Any]]]:
    """Give the name, xdbr's function and NumPy's for all functions of the standard that are not the same object."""
    space = raw_namespace(backends.get("numpy"))
    for name in sorted(set(REGISTRY) & set(xdbr.__all__)):
        ours, numpys = getattr(space, name), getattr(np, name, None)
        if numpys is not None and ours is not numpys:
            yield name, ours, numpys


def arguments(x: np.ndarray, *functions: Callable[..., Any]) -> tuple[Any, ...] | None:
    """Give the arguments of a usual call with the array `x`, or None where the functions do not take such."""
    for args in ((x,), (x, x), (x, 0), (x, (-1,)), ([x, x],), (x > 0.5, x, x)):
        try:
            for function in functions:
                function(*args)
        except Exception:  # noqa: BLE001  # whatever it raises, these were not its arguments
            continue
        return args
    return None


def run(rounds: int) -> None:
    """Print the table."""
    print(f"NumPy {np.__version__}; ratio of times, xdbr / NumPy; median of {rounds} rounds")
    print(f"{'function':20}" + "".join(f"{size:>9,}{'µs':>9}" for size in SIZES))
    rng = np.random.default_rng(0)
    for name, ours, numpys in mended():
        row = f"{name:20}"
        for size in SIZES:
            x = rng.uniform(0.1, 0.9, size).astype(np.float32)
            args = arguments(x, ours, numpys)
            if args is None:
                break
            repeat = max(1, 2000 // size)
            times = compare(
                {
                    "ours": lambda f=ours, a=args, n=repeat: [f(*a) for _ in range(n)],
                    "numpy": lambda f=numpys, a=args, n=repeat: [f(*a) for _ in range(n)],
                },
                rounds=rounds,
            )
            row += f"{ratio(times['ours'], times['numpy']):9.2f}{median(times['ours']) / repeat * 1e6:9.2f}"
        else:
            print(row)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=inspect.getdoc(inspect.getmodule(run)))
    parser.add_argument("--rounds", type=int, default=50)
    run(parser.parse_args().rounds)
