"""Data sets, iterators over them, and the converter that turns a batch into arrays on a device."""

from __future__ import annotations

from ._errors import DataError, DataNotFoundError
from .converters import concat_examples
from .dataset import Batch, Dataset
from .datasets import SubDataset, TupleDataset, get_digits, get_mnist, load_idx_dir, split_dataset, split_dataset_random
from .download import cache_dir
from .idx import read_idx
from .iterators import Iterator, SerialIterator

__all__ = [
    "Batch",
    "DataError",
    "DataNotFoundError",
    "Dataset",
    "Iterator",
    "SerialIterator",
    "SubDataset",
    "TupleDataset",
    "cache_dir",
    "concat_examples",
    "get_digits",
    "get_mnist",
    "load_idx_dir",
    "read_idx",
    "split_dataset",
    "split_dataset_random",
]
