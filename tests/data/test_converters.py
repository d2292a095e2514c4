"""From a batch of examples to arrays on a device."""

from __future__ import annotations

import numpy as np
import pytest

import xdbr
from xdbr.data import Batch, DataError, concat_examples


def test_tuples_of_arrays_and_numbers(device: str) -> None:
    batch = [(xdbr.asarray([1.0, 2.0], device=device), 3), (xdbr.asarray([4.0, 5.0], device=device), 6)]
    x, t = concat_examples(batch, device)
    assert x.tolist() == [[1.0, 2.0], [4.0, 5.0]]
    assert (t.tolist(), t.dtype) == ([3, 6], np.dtype("int64"))
    assert x.device == t.device == device
    assert not x.requires_grad


def test_dicts_and_single_examples(device: str) -> None:
    joined = concat_examples([{"a": 1.5, "b": [1, 2]}, {"a": 2.5, "b": [3, 4]}], device)
    assert set(joined) == {"a", "b"}
    assert joined["a"].tolist() == [1.5, 2.5]
    assert joined["a"].dtype == xdbr.get_default_dtype()
    assert joined["b"].tolist() == [[1, 2], [3, 4]]
    assert concat_examples([1, 2], device).tolist() == [1, 2]
    assert concat_examples([True, False], device).tolist() == [True, False]
    assert concat_examples([((1, 2), 3)], device)[0][1].tolist() == [2]


def test_host_examples_go_to_the_default_device(device: str) -> None:
    batch = [(np.ones(2, dtype="float32"), np.int64(1)), (np.zeros(2, dtype="float32"), np.int64(0))]
    with xdbr.device(device):
        x, t = concat_examples(batch)
    assert x.device == t.device == device
    assert x.tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert t.dtype == "int64"


def test_numbers_beside_arrays(device: str) -> None:
    assert concat_examples([xdbr.asarray(1.0, device=device), 2.0], device).tolist() == [1.0, 2.0]


def test_batch_of_an_array_is_taken_at_once(device: str) -> None:
    x = xdbr.asarray([[1, 2], [3, 4], [5, 6]], device=device)
    assert concat_examples(Batch(x, [2, 0]), device).tolist() == [[5, 6], [1, 2]]
    assert concat_examples(Batch(x._raw, [2, 0]), device).tolist() == [[5, 6], [1, 2]]


def test_batch_reads_as_a_list() -> None:
    batch = Batch("abcdef", [5, 0, 2])
    assert list(batch) == ["f", "a", "c"]
    assert batch[-1] == "c"
    assert list(batch[1:]) == ["a", "c"]
    assert "a" in batch
    assert repr(batch) == "Batch of 3 examples of str"


def test_gradient_flows_through() -> None:
    w = xdbr.Variable([1.0, 2.0], requires_grad=True)
    joined = concat_examples([w * 2, w * 3], w.device)
    joined.sum().backward()
    assert w.grad.tolist() == [5.0, 5.0]


def test_padding(device: str) -> None:
    rows = [xdbr.asarray([[1, 2]], device=device), xdbr.asarray([[3], [4]], device=device)]
    padded = concat_examples(rows, device, padding=-1)
    assert padded.tolist() == [[[1, 2], [-1, -1]], [[3, -1], [4, -1]]]
    assert padded.dtype == rows[0].dtype
    x, t = concat_examples([([1], [1.0]), ([1, 2], [1.0, 2.0])], device, padding=(0, 9.5))
    assert x.tolist() == [[1, 0], [1, 2]]
    assert t.tolist() == [[1.0, 9.5], [1.0, 2.0]]
    joined = concat_examples([{"a": [1]}, {"a": [1, 2]}], device, padding={"a": 7})
    assert joined["a"].tolist() == [[1, 7], [1, 2]]
    assert concat_examples(Batch([[1], [1, 2]], [1, 0]), device, padding=0).tolist() == [[1, 2], [1, 0]]


def test_padding_that_the_dtype_can_hold(device: str) -> None:
    assert concat_examples([[1], [1, 2]], device, padding=2.0).tolist() == [[1, 2], [1, 2]]
    assert concat_examples([[True], [True, True]], device, padding=0).tolist() == [[True, False], [True, True]]
    assert concat_examples([[1.0], [1.0, 2.0]], device, padding=float("-inf")).tolist()[0] == [1.0, float("-inf")]
    assert concat_examples([[1], [1, 2]], device, padding=xdbr.asarray(3, device="numpy")).tolist()[0] == [1, 3]
    # What needs no padding takes any.
    assert concat_examples([([1.0], 1), ([1.0, 2.0], 2)], device, padding=0.5)[1].tolist() == [1, 2]


def test_padding_of_several_dtypes_loses_nothing(device: str) -> None:
    joined = concat_examples([[1], [2.5, 3.5]], device, padding=0.5)
    assert joined.tolist() == [[1.0, 0.5], [2.5, 3.5]]
    assert joined.dtype == concat_examples([[1, 2], [2.5, 3.5]], device).dtype


BAD = {
    "empty": ([], {}, "the batch is empty"),
    "no sequence": (7, {}, "batch must be a sequence of examples; got int"),
    "shapes": ([([1, 2],), ([1],)], {}, r"component 0 have different shapes: \(2,\) in example 0, \(1,\) in example 1"),
    "axes": ([[1], [[1]]], {"padding": 0}, r"different numbers of axes: \[\(1,\), \(1, 1\)\]"),
    "lengths": ([(1, 2), (1,)], {}, "must all be tuples of length 2, as the first one is; got length 1 in example 1"),
    "kinds": ([(1, 2), 3], {}, "got int in example 1"),
    "keys": ([{"a": 1}, {"b": 1}], {}, r"must all be dicts with keys \['a'\], as the first one is; example 1"),
    "text": ([(1, "one")], {}, "component 1, example 0: expected an array, a number or a list of numbers; got str"),
    "none": ([None], {}, "got NoneType"),
    "padding value": (
        [np.ones(2, int), np.ones(3, int)],
        {"padding": 1.5},
        "padding of the examples must be a number that their dtype int64 can hold; got 1.5",
    ),
    "padding out of range": (
        [([1], np.ones(2, "uint8")), ([1], np.ones(3, "uint8"))],
        {"padding": -1},
        "padding of component 1 must be a number that their dtype uint8 can hold; got -1",
    ),
    "padding too large": (
        [np.ones(2, "float32"), np.ones(3, "float32")],
        {"padding": 1e39},
        r"float32 can hold; got 1e",
    ),
    "padding complex": ([np.ones(2), np.ones(3)], {"padding": 1j}, "float64 can hold; got 1j"),
    "padding nan": ([[1], [1, 2]], {"padding": float("nan")}, "int64 can hold; got nan"),
    "padding bool": ([[True], [True, False]], {"padding": 2}, "bool can hold; got 2"),
    "padding text": ([[1], [1, 2]], {"padding": "0"}, "int64 can hold; got '0'"),
    "padding": ([([1], [2]), ([1, 2], [2])], {"padding": (0,)}, "padding has 1 components, the examples have 2"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_batches(case: str) -> None:
    batch, options, message = BAD[case]
    with pytest.raises(DataError, match=f"concat_examples: .*{message}"):
        concat_examples(batch, "numpy", **options)


def test_unknown_device() -> None:
    with pytest.raises(xdbr.DeviceError, match=r"concat_examples: unknown device 'abacus'.*available: numpy"):
        concat_examples([1], "abacus")
