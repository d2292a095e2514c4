"""Data sets: those made of others, and those that come as files."""

from __future__ import annotations

from .digits import get_digits
from .idx_folder import load_idx_dir
from .mnist import get_mnist
from .sub import SubDataset, split_dataset, split_dataset_random
from .tuple import TupleDataset

__all__ = [
    "SubDataset",
    "TupleDataset",
    "get_digits",
    "get_mnist",
    "load_idx_dir",
    "split_dataset",
    "split_dataset_random",
]
