"""Interleaved timing: each round runs every candidate once, and what counts is the median of the rounds' ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

__all__ = ["compare", "median", "ratio", "seconds"]


def seconds(run: Callable[[], object]) -> float:
    """Time one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compare(runs: dict[str, Callable[[], object]], *, rounds: int = 30, warmup: int = 2) -> dict[str, list[float]]:
    """Time every candidate once a round, so that a slow moment of the machine meets all of them."""
    for run in runs.values():
        for _ in range(warmup):
            run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(seconds(run))
    return times


def median(times: list[float]) -> float:
    """Give the median."""
    return statistics.median(times)


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Give the median of the ratios round by round."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
