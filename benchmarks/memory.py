"""Resident memory over 10,000 training steps: a small net, and one whose graph changes from step to step.

Each library trains in a process of its own, so that one's memory is not the other's. The floor is a flat line: what
a step made is gone when it ends, without the cycle collector, which is off.

    python benchmarks/memory.py
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

BATCH, WIDTH, HIDDEN = 32, 20, 64


def data() -> tuple[np.ndarray, np.ndarray]:
    """Give inputs and targets."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((BATCH, WIDTH)).astype(np.float32)
    return x, np.tanh(x[:, :3]).astype(np.float32)


def depth(i: int, changing: bool) -> int:
    """Tell how many times step `i` applies the middle layer."""
    return i * 7 % 5 + 1 if changing else 2


def xdbr_step(changing: bool) -> Callable[[int], None]:
    """Give the training step on xdbr."""
    import xdbr
    import xdbr.nn.functions as F
    import xdbr.nn.links as L
    from xdbr import nn, optim

    model = nn.ChainList(L.Linear(WIDTH, HIDDEN), L.Linear(HIDDEN, HIDDEN), L.Linear(HIDDEN, 3))
    optimizer = optim.Adam().setup(model)
    x, t = map(xdbr.asarray, data())
    first, middle, last = model

    def step(i: int) -> None:
        h = F.relu(first(x))
        for _ in range(depth(i, changing)):
            h = F.dropout(xdbr.tanh(middle(h)), 0.1)
        loss = F.mean_squared_error(last(h), t)
        if changing and i % 3 == 0:
            loss = loss + 1e-4 * xdbr.sum(first.W * first.W)
        model.cleargrads()
        loss.backward()
        optimizer.update()

    return step


def torch_step(changing: bool) -> Callable[[int], None]:
    """Give the training step on PyTorch."""
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(1)
    first, middle, last = torch.nn.Linear(WIDTH, HIDDEN), torch.nn.Linear(HIDDEN, HIDDEN), torch.nn.Linear(HIDDEN, 3)
    optimizer = torch.optim.Adam([p for layer in (first, middle, last) for p in layer.parameters()])
    x, t = map(torch.from_numpy, data())

    def step(i: int) -> None:
        h = torch.relu(first(x))
        for _ in range(depth(i, changing)):
            h = F.dropout(torch.tanh(middle(h)), 0.1)
        loss = F.mse_loss(last(h), t)
        if changing and i % 3 == 0:
            loss = loss + 1e-4 * torch.sum(first.weight * first.weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


STEPS: dict[str, Callable[[bool], Callable[[int], None]]] = {"xdbr": xdbr_step, "torch": torch_step}


def resident() -> float:
    """Tell the resident memory of this process in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def train(library: str, changing: bool, marks: list[int]) -> None:
    """Train and print the resident memory at each mark."""
    step = STEPS[library](changing)
    gc.disable()
    done = 0
    for mark in marks:
        for i in range(done, mark):
            step(i)
        done = mark
        print(f"{resident():.2f}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--only", nargs=2, metavar=("LIBRARY", "GRAPH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    marks = [max(1, options.steps * share // 100) for share in (1, 5, 10, 25, 50, 75, 100)]
    if options.only:
        train(options.only[0], options.only[1] == "changing", marks)
        return
    if not Path("/proc/self/status").exists():
        raise SystemExit("memory.py reads the resident memory from /proc, which this system does not have")
    libraries = [name for name in STEPS if importlib.util.find_spec(name)]
    print("MiB resident after so many training steps, the cycle collector off:")
    print(f"{'':24}" + "".join(f"{mark:>10}" for mark in marks) + f"{'KiB a 1,000 steps':>20}")
    for graph in ("fixed", "changing"):
        for library in libraries:
            command = [sys.executable, __file__, "--steps", str(options.steps), "--only", library, graph]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found = [float(line) for line in said.split()]
            # From a quarter of the way on: before, allocators still take what they will keep.
            growth = (found[-1] - found[3]) * 1024 / ((marks[-1] - marks[3]) / 1000)
            print(
                f"{graph + ' graph, ' + library:24}" + "".join(f"{value:10.1f}" for value in found) + f"{growth:20.1f}"
            )


if __name__ == "__main__":
    main()
