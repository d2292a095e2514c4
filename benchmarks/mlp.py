"""Training steps of two perceptrons against PyTorch eager: forward, softmax cross-entropy, backward, Adam; float32.

The floor is the matrix products, which both do with the same kind of BLAS, and about ten passes over
the parameters for Adam.

    python benchmarks/mlp.py
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable

import numpy as np
import torch
from _measure import compare, median, ratio

import xdbr
import xdbr.nn as nn
import xdbr.nn.functions as F
import xdbr.nn.links as L

NETWORKS = {
    "784-64-10, batch 16": ((784, 64, 10), 16, 20),
    "784-1000-1000-10, batch 100": ((784, 1000, 1000, 10), 100, 3),
}


class MLP(nn.Chain):
    """Linear layers with ReLU between them."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = [L.Linear(a, b) for a, b in itertools.pairwise(sizes)]

    def __call__(self, x: xdbr.Variable) -> xdbr.Variable:
        """Give the logits."""
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


def ours(sizes: tuple[int, ...], images: np.ndarray, labels: np.ndarray, steps: int) -> Callable[[], None]:
    """Give a function that runs some training steps of xdbr."""
    model = MLP(sizes)
    optimizer = xdbr.optim.Adam(lr=1e-3).setup(model)
    x, t = xdbr.asarray(images), xdbr.asarray(labels)

    def run() -> None:
        for _ in range(steps):
            loss = F.softmax_cross_entropy(model(x), t)
            model.cleargrads()
            loss.backward()
            optimizer.update()

    return run


def theirs(sizes: tuple[int, ...], images: np.ndarray, labels: np.ndarray, steps: int) -> Callable[[], None]:
    """Give a function that runs some training steps of PyTorch."""
    layers: list[torch.nn.Module] = []
    for a, b in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, t = torch.tensor(images), torch.tensor(labels)

    def run() -> None:
        for _ in range(steps):
            loss = torch.nn.functional.cross_entropy(model(x), t)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


def main() -> None:
    """Print the times a step and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    random = np.random.default_rng(0)
    for name, (sizes, batch, steps) in NETWORKS.items():
        images = random.normal(size=(batch, sizes[0])).astype(np.float32)
        labels = random.integers(0, sizes[-1], batch)
        runs = {"xdbr": ours(sizes, images, labels, steps), "torch": theirs(sizes, images, labels, steps)}
        times = compare(runs, rounds=options.rounds)
        each = {key: median(taken) / steps * 1e3 for key, taken in times.items()}
        print(
            f"{name:30} xdbr {each['xdbr']:7.3f} ms, torch {each['torch']:7.3f} ms a step, "
            f"xdbr / torch {ratio(times['xdbr'], times['torch']):.2f}"
        )


if __name__ == "__main__":
    main()
