"""Data sets made of others."""

from __future__ import annotations

import numpy as np
import pytest

import xdbr
from xdbr.data import (
    Batch,
    DataError,
    Dataset,
    SubDataset,
    TupleDataset,
    concat_examples,
    split_dataset,
    split_dataset_random,
)


class Squares(Dataset):
    def __len__(self) -> int:
        return 10

    def get_example(self, i: int) -> int:
        return i * i


def test_indexing_of_a_dataset() -> None:
    data = Squares()
    assert data[3] == data[-7] == 9
    assert data[np.int64(3)] == 9
    assert data[8:] == [64, 81]
    assert data[::-4] == [81, 25, 1]
    assert data[[1, -1]] == [1, 81]
    assert list(data) == [i * i for i in range(10)]


def test_indexing_errors_name_the_dataset() -> None:
    with pytest.raises(IndexError, match="Squares: index 10 is out of range: there are 10 examples"):
        Squares()[10]
    with pytest.raises(IndexError, match="Squares: index -11 is out of range"):
        Squares()[[0, -11]]
    with pytest.raises(
        TypeError, match="Squares: expected an integer, a slice or a list of integers as index; got str"
    ):
        Squares()["1"]
    with pytest.raises(TypeError, match="got float"):
        Squares()[1.0]


def test_tuple_dataset(device: str) -> None:
    x = xdbr.asarray([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], device=device)
    data = TupleDataset(x, [7, 8, 9], Squares()[:3])
    assert len(data) == 3
    image, label, square = data[1]
    assert (image.tolist(), label, square) == ([3.0, 4.0], 8, 1)
    assert image.device == device
    assert [example[1] for example in data[1:]] == [8, 9]
    assert data.columns[0] is x


def test_tuple_dataset_takes_raw_arrays_of_any_backend(device: str) -> None:
    raw = xdbr.asarray([[1.0, 2.0], [3.0, 4.0]], device=device)._raw
    data = TupleDataset(raw, np.asarray([0, 1]))
    assert data[0][0].device == device
    assert data[1][1].device == "numpy"
    x, t = concat_examples(Batch(data, [1, 1, 0]), device)
    assert x.tolist() == [[3.0, 4.0], [3.0, 4.0], [1.0, 2.0]]
    assert t.tolist() == [1, 1, 0]
    assert t.device == device


def test_tuple_dataset_refuses_what_does_not_fit() -> None:
    with pytest.raises(DataError, match="at least one data set"):
        TupleDataset()
    with pytest.raises(DataError, match=r"must have the same length; got lengths \[3, 2\]"):
        TupleDataset([1, 2, 3], [1, 2])
    with pytest.raises(DataError, match=r"argument 1 must have a length and integer indexing .* got generator"):
        TupleDataset([1], (i for i in range(1)))
    with pytest.raises(DataError, match="argument 0 must have examples along its first axis; got a 0-d array"):
        TupleDataset(xdbr.asarray(1.0))


def test_sub_dataset() -> None:
    assert SubDataset(Squares(), 2, 5)[:] == [4, 9, 16]
    assert SubDataset(Squares(), 2, 5)[-1] == 16
    assert SubDataset(Squares(), 1, 3, order=[9, 8, 7, 7])[:] == [64, 49]
    assert len(SubDataset(Squares(), 3, 3)) == 0
    nested = SubDataset(SubDataset(Squares(), 2, 8), 1, 4, order=[5, 4, 3, 2])
    assert nested[:] == [36, 25, 16]


def test_parts_are_gathered_from_the_whole(device: str) -> None:
    x = xdbr.asarray([[float(i)] for i in range(6)], device=device)
    part = SubDataset(TupleDataset(x, xdbr.arange(6, device=device)), 1, 4, order=[5, 4, 3, 2, 1, 0])
    values, labels = concat_examples(Batch(part, [2, 0]), device)
    assert values.tolist() == [[2.0], [4.0]]
    assert labels.tolist() == [2, 4]


@pytest.mark.parametrize(("start", "finish"), [(-1, 2), (0, 11), (5, 4)])
def test_sub_dataset_outside(start: int, finish: int) -> None:
    with pytest.raises(DataError, match=rf"0 <= start <= finish <= 10; got start={start}, finish={finish}"):
        SubDataset(Squares(), start, finish)


def test_sub_dataset_refuses_bad_indices() -> None:
    with pytest.raises(DataError, match="order must hold indices from 0 to 9; got 10"):
        SubDataset(Squares(), 0, 1, order=[10])
    with pytest.raises(DataError, match=r"start must be an integer; got 0\.5"):
        SubDataset(Squares(), 0.5, 1)


def test_split() -> None:
    first, rest = split_dataset(Squares(), 3)
    assert first[:] == [0, 1, 4]
    assert rest[:] == [i * i for i in range(3, 10)]
    first, rest = split_dataset(Squares(), 1, order=[9, 8])
    assert (first[:], rest[:]) == ([81], [64])
    for split_at in (-1, 11):
        with pytest.raises(DataError, match=f"0 <= split_at <= 10, the number of examples; got {split_at}"):
            split_dataset(Squares(), split_at)


def test_random_split_is_made_by_its_seed() -> None:
    parts = [split_dataset_random(range(100), 30, seed=seed) for seed in (1, 1, 2)]
    assert parts[0][0][:] == parts[1][0][:]
    assert parts[0][0][:] != parts[2][0][:]
    first, rest = parts[0]
    assert len(first) == 30
    assert sorted(first[:] + rest[:]) == list(range(100))
    assert first[:] != sorted(first[:])


def test_random_split_without_a_seed_follows_the_global_one() -> None:
    def draw() -> list[int]:
        return split_dataset_random(range(100), 30)[0][:]

    xdbr.random.seed(5)
    drawn = [draw(), draw()]
    xdbr.random.seed(5)
    assert [draw(), draw()] == drawn
    assert drawn[0] != drawn[1]
