"""SerialIterator: which examples come when, and that its state resumes it exactly."""

from __future__ import annotations

import json
from itertools import islice

import pytest

import xdbr
from xdbr.data import DataError, SerialIterator

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
        ({"size": 24, "batch_size": 6}, ["size is 24 there and 23 here", "batch_size is 6 there and 5 here"]),
        ({"position": 24}, ["position must be an integer from 0 up to 23; got 24"]),
        ({"position": 23}, ["the pass there is over, and this iterator repeats"]),
        ({"position": 1.0}, ["position must be an integer from 0 up to 23; got 1.0"]),
        ({"epoch": -1}, ["epoch must be an integer from 0; got -1"]),
        ({"epoch": True}, ["epoch must be an integer"]),
        ({"is_new_epoch": 1}, ["is_new_epoch must be a bool; got 1"]),
        ({"generator": None}, ["the iterator there does not shuffle, unlike this one"]),
        ({"colour": 1}, ["'colour' is not expected"]),
    ]
    for change, messages in cases:
        with pytest.raises(xdbr.SerializationError, match=r"SerialIterator\.load_state_dict") as caught:
            batches.load_state_dict(good | change)
        assert all(message in str(caught.value) for message in messages), caught.value
        assert batches.state_dict() == good
    incomplete = {key: value for key, value in good.items() if key not in ("epoch", "size")}
    with pytest.raises(xdbr.SerializationError, match="epoch is missing; size is missing"):
        batches.load_state_dict(incomplete)
    with pytest.raises(xdbr.SerializationError, match="expected a dict; got list"):
        batches.load_state_dict([])
    with pytest.raises((xdbr.SerializationError, ValueError)):
        batches.load_state_dict(good | {"generator": {"nonsense": 1}})
    assert take(batches, 12) == expected
    in_order = SerialIterator(range(N), 5, shuffle=False)
    with pytest.raises(xdbr.SerializationError, match="the iterator there shuffles, unlike this one"):
        in_order.load_state_dict(good)


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
