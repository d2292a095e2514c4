"""What checkpointing saves and costs: a deep perceptron with every block checkpointed, and without.

The floor without checkpoints is the activations of all blocks; with them the inputs of all blocks and the activations
of one, for one more forward, a third of the step.

    python benchmarks/checkpoint.py
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

from _measure import compare, median, ratio

import xdbr
import xdbr.nn as nn
import xdbr.nn.functions as F
import xdbr.nn.links as L

BLOCKS, WIDTH, INNER, BATCH = 24, 64, 512, 256


def make(checkpointed: bool) -> Callable[[], None]:
    """Give a function that runs forward and backward once."""
    xdbr.random.seed(0)
    blocks = [nn.Sequential(L.Linear(WIDTH, INNER), F.relu, F.dropout, L.Linear(INNER, WIDTH)) for _ in range(BLOCKS)]
    x = xdbr.random.normal((BATCH, WIDTH))

    def run() -> None:
        h = x
        for block in blocks:
            block.cleargrads()
            h = h + (xdbr.checkpoint(block) if checkpointed else block)(h)
        xdbr.mean(h * h).backward()

    return run


def peak(run: Callable[[], None]) -> float:
    """Give the most memory in MB that NumPy and Python held beyond what there was before."""
    run()
    tracemalloc.start()
    run()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 1e6


def main() -> None:
    """Print peak memory and time."""
    runs = {"plain": make(False), "checkpointed": make(True)}
    times = compare(runs, rounds=15)
    for name, run in runs.items():
        print(f"{name:13} peak {peak(run):6.1f} MB   {median(times[name]) * 1e3:6.1f} ms")
    print(f"checkpointed / plain: time {ratio(times['checkpointed'], times['plain']):.2f}")


if __name__ == "__main__":
    main()
