"""The cost of a small operation against PyTorch eager: x = x * a + b on shape (8,), float32, 1,000 times.

The floor is NumPy's own: two ufunc calls forward (about 0.25 us each) and three backward.

    python benchmarks/op_overhead.py
"""

from __future__ import annotations

import argparse
import platform

import numpy as np
import torch
from _measure import compare, median, ratio

import xdbr

LENGTH = 1000


def main() -> None:
    """Print the times an operation and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)

    values = [np.full(8, value, np.float32) for value in (1.0, 0.999, 0.001)]
    x0, a, b = (xdbr.Variable(value, requires_grad=True) for value in values)
    one = xdbr.ones(8)
    tx0, ta, tb = (torch.tensor(value, requires_grad=True) for value in values)
    tone = torch.ones(8)

    def numpy_forward() -> None:
        x, na, nb = values
        for _ in range(LENGTH):
            x = x * na + nb

    def xdbr_forward() -> None:
        with xdbr.no_grad():
            x = x0
            for _ in range(LENGTH):
                x = x * a + b

    def torch_forward() -> None:
        with torch.no_grad():
            x = tx0
            for _ in range(LENGTH):
                x = x * ta + tb

    def xdbr_both() -> None:
        x = x0
        for _ in range(LENGTH):
            x = x * a + b
        x.backward(one)
        for leaf in (x0, a, b):
            leaf.zero_grad()

    def torch_both() -> None:
        x = tx0
        for _ in range(LENGTH):
            x = x * ta + tb
        x.backward(tone)
        for leaf in (tx0, ta, tb):
            leaf.grad = None

    times = compare(
        {
            "numpy forward": numpy_forward,
            "xdbr forward, no_grad": xdbr_forward,
            "torch forward, no_grad": torch_forward,
            "xdbr forward + backward": xdbr_both,
            "torch forward + backward": torch_both,
        },
        rounds=options.rounds,
    )
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, torch {torch.__version__}, one thread")
    print("microseconds for one step x * a + b (two operations), median:")
    for name, taken in times.items():
        print(f"  {name:26} {median(taken) / LENGTH * 1e6:7.3f}")
    both = ratio(times["xdbr forward + backward"], times["torch forward + backward"])
    forward = ratio(times["xdbr forward, no_grad"], times["torch forward, no_grad"])
    print(f"xdbr / torch, forward + backward: {both:.3f}   (bar 0.5)")
    print(f"xdbr / torch, forward, no_grad:   {forward:.3f}   (bar 0.6)")


if __name__ == "__main__":
    main()
