"""How long `import xdbr` takes beyond NumPy's own import.

Every run is a fresh interpreter that imports NumPy, then one of the contestants, and times the second
import alone. The runs of the contestants alternate, so that a slow moment of the machine hits all of
them; the median over the runs is given. array-api-compat's NumPy module is there for comparison.

    python benchmarks/import_time.py [--runs 15] [--limit 60]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

CONTESTANTS = ("xdbr", "xdbr.nn", "array_api_compat.numpy")
PROBE = """
import importlib, sys, time
import numpy
start = time.perf_counter()
importlib.import_module(sys.argv[1])
print(time.perf_counter() - start)
"""


def milliseconds(module: str) -> float:
    """Import a module once in a fresh interpreter that has NumPy, and give the time it took in milliseconds."""
    command = [sys.executable, "-c", PROBE, module]
    return 1e3 * float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> int:
    """Measure and print; fail where xdbr takes longer than the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15, help="runs of each contestant (default: 15)")
    parser.add_argument("--limit", type=float, default=60.0, help="most milliseconds for xdbr (default: 60)")
    options = parser.parse_args()

    for module in CONTESTANTS:
        milliseconds(module)  # writes the bytecode and warms the file cache
    times: dict[str, list[float]] = {module: [] for module in CONTESTANTS}
    for _ in range(options.runs):
        for module in CONTESTANTS:
            times[module].append(milliseconds(module))

    print(f"import time beyond NumPy's own, median (fastest) of {options.runs} interleaved runs")
    for module, measured in times.items():
        print(f"  {module:24} {statistics.median(measured):7.1f} ms  ({min(measured):.1f} ms)")
    median = statistics.median(times["xdbr"])
    if median > options.limit:
        print(f"xdbr takes {median:.1f} ms, more than {options.limit:.0f} ms", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
