"""How long `import xdbr` takes beyond NumPy's own import.

Every run is a fresh interpreter that imports NumPy, then one of the contestants, and times the second
import alone. The runs of the contestants alternate, so that a slow moment of the machine hits all of
them; the median over the runs is given. Bytecode is compiled before the first timed run, as pip does
for an installed package. array-api-compat's NumPy module is there for comparison.

    python benchmarks/import_time.py [--runs 15] [--limit 60]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

CONTESTANTS = ("xdbr", "xdbr.nn", "array_api_compat.numpy")
PROBE = """
import importlib, sys, time
import numpy
start = time.perf_counter()
importlib.import_module(sys.argv[1])
print(time.perf_counter() - start)
"""


def milliseconds(module: str, bytecode: str) -> float:
    """Import a module in a fresh interpreter that has NumPy and a folder of bytecode; give the milliseconds."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, module],
        env=environment | {"PYTHONPYCACHEPREFIX": bytecode},
        capture_output=True,
        text=True,
        check=True,
    )
    return 1e3 * float(done.stdout)


def main() -> int:
    """Measure and print; fail where xdbr takes longer than the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15, help="runs of each contestant (default: 15)")
    parser.add_argument("--limit", type=float, default=60.0, help="most milliseconds for xdbr (default: 60)")
    options = parser.parse_args()

    times: dict[str, list[float]] = {module: [] for module in CONTESTANTS}
    with tempfile.TemporaryDirectory() as bytecode:
        for run in range(options.runs + 1):
            for module in CONTESTANTS:
                taken = milliseconds(module, bytecode)
                if run > 0:  # the first one compiles
                    times[module].append(taken)

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
