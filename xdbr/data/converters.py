"""From a batch of examples to arrays on a device.

Data sets usually lie in host memory and training runs elsewhere, so the converter is the one place
of a training loop where data changes its device.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..autograd.variable import Variable, wrap
from ..backends import Device, get_default_device, of, parse_device
from ..backends.dtypes import finfo, iinfo, isdtype
from ._errors import DataError
from .dataset import Batch

__all__ = ["HOST", "concat_examples", "gather"]

# Files are read into host memory, and NumPy is the backend that every installation has there.
HOST = Device("numpy")

_NUMBERS = (bool, int, float, complex)


def concat_examples(batch: Sequence[Any], device: Any = None, *, padding: Any = None) -> Any:
    """Join a batch of examples along a new first axis, as Variables on `device`.

    Examples that are tuples give a tuple of Variables, dicts give a dict, others one Variable.
    Elements are arrays of any backend, Variables, numbers or nested lists of numbers; Python
    integers become int64 and Python floats the default dtype. Without `device` the result lies on
    the default device. Arrays of different shapes are refused, unless `padding` is given: they are
    then filled up with it at the end of each axis (a tuple or dict gives one per component).
    Raises `DataError` where the batch is empty, the examples do not match, or their dtype cannot hold `padding`.

    >>> import xdbr
    >>> from xdbr.data import concat_examples
    >>> x, t = concat_examples([([0.0, 0.5], 1), ([1.0, 0.5], 0)])
    >>> x.shape, t.shape, t.dtype
    ((2, 2), (2,), dtype('int64'))
    >>> concat_examples([[1], [2, 3]], padding=-1).tolist()
    [[1, -1], [2, 3]]
    """
    place = get_default_device() if device is None else parse_device(device, function="concat_examples")
    if not hasattr(batch, "__len__"):
        raise DataError(f"concat_examples: batch must be a sequence of examples; got {type(batch).__name__}")
    if len(batch) == 0:
        raise DataError("concat_examples: the batch is empty")
    joined = gather(batch.dataset, batch.indices, padding) if isinstance(batch, Batch) else _join(batch, padding)
    return _to_device(joined, place)


def gather(dataset: Any, indices: Sequence[int], padding: Any = None) -> Any:
    """Give the examples of `dataset` at `indices` joined, by one array operation where it can do that."""
    if of(dataset) is not None:
        dataset = wrap(dataset)
    if isinstance(dataset, Variable):
        xp = dataset.__array_namespace__()
        return xp.take(dataset, xp.asarray(list(indices), dtype=xp.int64, device=dataset.device), axis=0)
    if padding is None and hasattr(dataset, "gather"):
        return dataset.gather(indices)
    return _join([dataset[i] for i in indices], padding)


def _join(examples: Sequence[Any], padding: Any, component: str = "the examples") -> Any:
    first = examples[0]
    if isinstance(first, tuple):
        sizes = [len(example) if isinstance(example, tuple) else None for example in examples]
        if set(sizes) != {len(first)}:
            raise DataError(
                f"concat_examples: {component} must all be tuples of length {len(first)}, as the first one is; "
                f"got {_what(examples, sizes, len(first))}"
            )
        paddings = padding if isinstance(padding, tuple) else (padding,) * len(first)
        if len(paddings) != len(first):
            raise DataError(f"concat_examples: padding has {len(paddings)} components, {component} have {len(first)}")
        return tuple(
            _join([example[i] for example in examples], paddings[i], f"component {i}") for i in range(len(first))
        )
    if isinstance(first, Mapping):
        for i, example in enumerate(examples):
            if not isinstance(example, Mapping) or set(example) != set(first):
                raise DataError(
                    f"concat_examples: {component} must all be dicts with keys {sorted(first, key=str)}, as the "
                    f"first one is; example {i} does not"
                )
        return {
            key: _join(
                [example[key] for example in examples],
                padding.get(key) if isinstance(padding, Mapping) else padding,
                f"component {key!r}",
            )
            for key in first
        }
    return _stack(examples, padding, component)


def _what(examples: Sequence[Any], sizes: Sequence[int | None], expected: int) -> str:
    i = next(i for i, size in enumerate(sizes) if size != expected)
    size = sizes[i]
    return f"{type(examples[i]).__name__} in example {i}" if size is None else f"length {size} in example {i}"


def _stack(elements: Sequence[Any], padding: Any, component: str) -> Variable:
    place = next((element.device for element in elements if isinstance(element, Variable)), None)
    if place is None and all(isinstance(element, _NUMBERS) for element in elements):
        return Variable(list(elements), device=HOST)
    arrays = [_array(element, place, f"{component}, example {i}") for i, element in enumerate(elements)]
    xp = arrays[0].__array_namespace__()
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) == 1:
        return xp.stack(arrays)  # type: ignore[no-any-return]
    if padding is None:
        other = next(i for i, shape in enumerate(shapes) if shape != shapes[0])
        raise DataError(
            f"concat_examples: {component} have different shapes: {shapes[0]} in example 0, {shapes[other]} in "
            f"example {other}; padding=<number> fills them up"
        )
    if len({len(shape) for shape in shapes}) > 1:
        raise DataError(f"concat_examples: {component} have different numbers of axes: {sorted(set(shapes))}")
    longest = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
    dtype = arrays[0].dtype
    if any(array.dtype != dtype for array in arrays):  # as they would be stacked
        dtype = xp.concat([xp.reshape(array, (-1,))[:0] for array in arrays]).dtype
    if not _fits(padding.item() if getattr(padding, "shape", None) == () else padding, dtype):
        raise DataError(
            f"concat_examples: padding of {component} must be a number that their dtype {dtype} can hold; "
            f"got {padding!r}"
        )
    filled = xp.full((len(arrays), *longest), padding, dtype=dtype, device=arrays[0].device)
    for i, array in enumerate(arrays):
        filled[(i, *(slice(size) for size in array.shape))] = array
    return filled  # type: ignore[no-any-return]


def _fits(number: Any, dtype: Any) -> bool:
    """Tell whether an array of this dtype can hold a number, up to rounding."""
    if not isinstance(number, _NUMBERS):
        return False
    if isdtype(dtype, "complex floating"):
        return True
    if isinstance(number, complex):
        return False
    if isdtype(dtype, "real floating"):
        return not finfo(dtype).max < abs(number) < math.inf
    low, high = (0, 1) if isdtype(dtype, "bool") else (iinfo(dtype).min, iinfo(dtype).max)
    return low <= number <= high and number % 1 == 0


def _array(element: Any, place: Any, where: str) -> Variable:
    if isinstance(element, Variable):
        return element
    backend = of(element)
    if backend is not None:
        return wrap(backend.as_array(element))
    if isinstance(element, (*_NUMBERS, list)):
        return Variable(element, device=HOST if place is None else place)
    raise DataError(
        f"concat_examples: {where}: expected an array, a number or a list of numbers; got {type(element).__name__}"
    )


def _to_device(joined: Any, place: Device) -> Any:
    if isinstance(joined, tuple):
        return tuple(_to_device(part, place) for part in joined)
    if isinstance(joined, dict):
        return {key: _to_device(part, place) for key, part in joined.items()}
    return joined if joined.device == place else joined.to_device(place)
