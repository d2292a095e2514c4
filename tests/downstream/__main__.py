"""Print what each downstream call gives on xdbr's Variables and on torch's tensors, and how many of each kind.

    SCIPY_ARRAY_API=1 XDBR_DEFAULT_DTYPE=float64 python -m tests.downstream [--no-torch] [--only TEXT] [--summary]

XDBR_TEST_BACKEND names the backend of the Variables, NumPy without it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from importlib.metadata import version

os.environ["SCIPY_ARRAY_API"] = "1"

import xdbr
from xdbr.testing import backend_under_test

from ._call import Result, on_torch, on_xdbr, refused
from .calls import CALLS, REFUSALS

LIBRARIES = ("numpy", "scipy", "scikit-learn", "einops", "xarray", "array-api-extra")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.downstream", description=__doc__)
    parser.add_argument("--no-torch", action="store_true", help="leave torch out")
    parser.add_argument("--only", default="", metavar="TEXT", help="only calls with this text in their name")
    parser.add_argument("--summary", action="store_true", help="print no line for a call that is right on both")
    options = parser.parse_args()
    device = backend_under_test().default_device()
    libraries = ["xdbr"] if options.no_torch else ["xdbr", "torch"]
    print(", ".join(f"{name} {version(name)}" for name in (*LIBRARIES, *libraries)) + f"; xdbr on {device}")
    counts: dict[str, Counter[str]] = {library: Counter() for library in libraries}
    refusals: Counter[str] = Counter()
    for call in CALLS:
        if options.only not in call.name:
            continue
        results = {"xdbr": on_xdbr(call, device)}
        if not options.no_torch:
            results["torch"] = on_torch(call)
        show(call.name, results, counts, options.summary)
    for refusal in REFUSALS:
        if options.only in refusal.name:
            show(refusal.name, {"xdbr": refused(refusal, device)}, {"xdbr": refusals}, options.summary)
    for library, count in counts.items():
        print(f"{library}, calls with a derivative: {total(count)}")
    print(f"xdbr, calls that leave the world of arrays: {total(refusals)}")
    return 0 if set(counts["xdbr"]) <= {"right"} and set(refusals) <= {"refused"} else 1


def show(name: str, results: dict[str, Result], counts: dict[str, Counter[str]], summary: bool) -> None:
    """Count the results of a call and print its line."""
    for library, result in results.items():
        counts[library][result.outcome] += 1
    if not summary or any(result.outcome not in ("right", "refused") for result in results.values()):
        print(f"{name:48}" + "".join(f" | {result.outcome:14} {result.detail[:60]:60}" for result in results.values()))


def total(count: Counter[str]) -> str:
    """Say how many there are, and how many of each outcome."""
    return f"{sum(count.values())}: " + ", ".join(f"{n} {outcome}" for outcome, n in count.most_common())


if __name__ == "__main__":
    with xdbr.default_dtype("float64"):
        sys.exit(main())
