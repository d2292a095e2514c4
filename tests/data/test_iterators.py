"""SerialIterator: which examples come when, and that its state resumes it exactly."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

import xdbr
from xdbr.data import DataError, SerialIterator
from xdbr.serializers import load_npz, save_npz

N = 23


def take(batches: SerialIterator, count: int) -> list[list[int]]:
    return [list(batch) for batch in islice(batches, count)]


@pytest.mark.parametrize("batch_size", [1, 5, 22, 23, 24, 60])
@pytest.mark.parametrize("shuffle", [False, True])
def test_each_epoch_visits_every_example_once(batch_size: int, shuffle: bool) -> None:
    batches = SerialIterator(range(N), batch_size, shuffle=shuffle, seed=1)
    seen: list[int] = []
    for k in range(1, 120 // batch_size + 4):
        batch = list(batches.next())
        assert len(batch) == batch_size
        seen += batch
        assert batches.epoch == len(seen) // N
        assert batches.epoch_detail == pytest.approx(len(seen) / N)
        assert batches.is_new_epoch == (len(seen) // N > (len(seen) - batch_size) // N), k
    for start in range(0, len(seen) - N + 1, N):
        epoch = seen[start : start + N]
        assert sorted(epoch) == list(range(N))
        assert (epoch == list(range(N))) is not shuffle


def test_epochs_have_different_orders() -> None:
    epochs = take(SerialIterator(range(N), N, seed=3), 4)
    assert len({tuple(epoch) for epoch in epochs}) == 4


@pytest.mark.parametrize("batch_size", [1, 5, 23, 60])
def test_a_pass_without_repeat(batch_size: int) -> None:
    batches = SerialIterator(range(N), batch_size, repeat=False, seed=1)
    passes = []
    for epoch in (1, 2, 3):
        flags = []
        numbers = []
        for batch in batches:
            flags.append(batches.is_new_epoch)
            numbers += list(batch)
        assert len(flags) == len(batches)
        assert flags == [False] * (len(flags) - 1) + [True]
        assert sorted(numbers) == list(range(N))
        assert batches.epoch == epoch
        assert batches.epoch_detail == epoch
        with pytest.raises(StopIteration):
            batches.next()
        passes.append(tuple(numbers))
    assert len(set(passes)) == 3


def test_a_broken_off_pass_goes_on() -> None:
    batches = SerialIterator(range(6), 2, repeat=False, shuffle=False)
    for batch in batches:
        assert list(batch) == [0, 1]
        break
    assert take(batches, 9) == [[2, 3], [4, 5]]


def test_seed_makes_the_order_on_every_default_device(device: str) -> None:
    expected = take(SerialIterator(range(N), 4, seed=7), 12)
    with xdbr.device(device):
        assert take(SerialIterator(range(N), 4, seed=7), 12) == expected
    assert take(SerialIterator(range(N), 4, seed=8), 12) != expected


def test_without_a_seed_the_global_one_makes_the_order() -> None:
    xdbr.random.seed(11)
    first = [take(SerialIterator(range(N), 4), 6) for _ in range(2)]
    xdbr.random.seed(11)
    assert [take(SerialIterator(range(N), 4), 6) for _ in range(2)] == first
    assert first[0] != first[1]


def test_reset() -> None:
    batches = SerialIterator(range(N), 5, seed=1)
    take(batches, 7)
    batches.reset()
    assert (batches.epoch, batches.epoch_detail, batches.is_new_epoch) == (0, 0.0, False)
    numbers = [number for batch in take(batches, 5) for number in batch]
    assert sorted(numbers[:N]) == list(range(N))


@pytest.mark.parametrize("repeat", [True, False])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("steps", [0, 1, 3, 4, 5, 11, 23])
def test_state_resumes_exactly(repeat: bool, shuffle: bool, steps: int) -> None:
    def make(seed: int) -> SerialIterator:
        return SerialIterator(range(N), 5, repeat=repeat, shuffle=shuffle, seed=seed)

    def run(batches: SerialIterator, count: int) -> list[tuple[object, ...]]:
        rows = []
        for _ in range(count):
            try:
                batch = batches.next()
            except StopIteration:
                rows.append(("end", batches.epoch))
                batches = iter(batches)
            else:
                rows.append((*batch, batches.epoch, batches.epoch_detail, batches.is_new_epoch))
        return rows

    straight, resumed = make(1), make(2)
    run(straight, steps)
    state = json.loads(json.dumps(straight.state_dict()))
    take(resumed, 2)
    resumed.load_state_dict(state)
    assert resumed.epoch == straight.epoch
    assert resumed.is_new_epoch == straight.is_new_epoch
    assert resumed.state_dict() == straight.state_dict() == state
    assert run(resumed, 30) == run(straight, 30)


def test_state_of_another_iterator_is_refused_whole() -> None:
    batches = SerialIterator(range(N), 5, seed=1)
    take(batches, 3)
    good = batches.state_dict()
    expected = take_copy(good)
    cases = [
        (
            {"size": 24, "batch_size": 6},
            ["wrong value: batch_size is 6 there and 5 here", "wrong value: size is 24 there and 23 here"],
        ),
        ({"position": 24}, ["wrong value: position must be an integer from 0 up to 23; got 24"]),
        ({"position": 23}, ["wrong value: position is at the end of a pass, and this iterator repeats"]),
        ({"position": 1.0}, ["wrong value: position must be an integer from 0 up to 23; got 1.0"]),
        (
            {"epoch": -1, "is_new_epoch": 1},
            [
                "wrong value: epoch must be an integer from 0; got -1",
                "wrong value: is_new_epoch must be a bool; got 1",
            ],
        ),
        ({"epoch": True}, ["wrong value: epoch must be an integer from 0; got True"]),
        ({"generator": None}, ["wrong value: generator is none there and one here: only one of the two shuffles"]),
        ({"colour": 1}, ["unexpected: colour"]),
    ]
    for change, problems in cases:
        assert batches.check_state_dict(good | change) == problems
        with pytest.raises(xdbr.SerializationError, match=r"SerialIterator\.load_state_dict") as caught:
            batches.load_state_dict(good | change)
        assert str(caught.value).splitlines()[1:] == [f"  {problem}" for problem in problems]
        assert batches.state_dict() == good
    for nonsense in ({"nonsense": 1}, {**good["generator"], "state": "nonsense"}, 7):
        with pytest.raises(xdbr.SerializationError, match="wrong value: generator is no state of one"):
            batches.load_state_dict(good | {"generator": nonsense})
    assert batches.check_state_dict({key: good[key] for key in good if key not in ("epoch", "size")}) == [
        "missing: epoch",
        "missing: size",
    ]
    with pytest.raises(xdbr.SerializationError, match="expected a dict; got list"):
        batches.load_state_dict([])
    assert batches.state_dict() == good
    assert take(batches, 12) == expected
    in_order = SerialIterator(range(N), 5, shuffle=False)
    assert in_order.check_state_dict(good) == [
        "wrong value: generator is one there and none here: only one of the two shuffles"
    ]


def test_state_with_more_in_it_is_taken_where_that_is_allowed() -> None:
    batches = SerialIterator(range(N), 5, seed=1)
    take(batches, 3)
    other = SerialIterator(range(N), 5, seed=2)
    other.load_state_dict(batches.state_dict() | {"colour": 1}, strict=False)
    assert take(other, 9) == take(batches, 9)


def test_state_in_a_file_with_others(tmp_path: Path) -> None:
    batches = SerialIterator(range(N), 5, seed=1)
    take(batches, 3)
    save_npz(tmp_path / "state.npz", {"batches": batches, "log": [1, 2]})
    other = SerialIterator(range(N), 5, seed=2)
    assert load_npz(tmp_path / "state.npz", {"batches": other, "log": None})["log"] == [1, 2]
    assert take(other, 9) == take(batches, 9)
    with pytest.raises(xdbr.SerializationError, match="wrong value: batches/batch_size is 5 there and 6 here"):
        load_npz(tmp_path / "state.npz", {"batches": SerialIterator(range(N), 6), "log": None})


def take_copy(state: dict) -> list[list[int]]:
    other = SerialIterator(range(N), 5, seed=99)
    other.load_state_dict(state)
    return take(other, 12)


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, "3", None])
def test_bad_batch_size(batch_size: object) -> None:
    with pytest.raises(DataError, match=f"batch_size must be a positive integer; got {batch_size!r}"):
        SerialIterator(range(N), batch_size)


def test_bad_datasets() -> None:
    with pytest.raises(DataError, match="the data set is empty"):
        SerialIterator([], 1)
    with pytest.raises(DataError, match=r"dataset must have a length and integer indexing .*; got generator"):
        SerialIterator((i for i in range(3)), 1)
