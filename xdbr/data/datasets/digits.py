"""The 1,797 images of handwritten digits that scikit-learn carries.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository, 1998: its test part, 8 by 8 pixels with values from 0 to 16.
"""

from __future__ import annotations

from typing import Any

from ..._errors import MissingDependencyError
from ...autograd.variable import wrap
from ...backends import get, parse_device
from ..converters import HOST
from .images import as_examples
from .tuple import TupleDataset

__all__ = ["get_digits"]


def get_digits(
    *, ndim: int = 1, scale: float = 1.0, dtype: Any = None, device: Any = None
) -> tuple[TupleDataset, TupleDataset]:
    """Give scikit-learn's handwritten digits as a training set (1,442 examples) and a test set (355).

    Of each digit, in the order of the data, every fifth image is a test image: the same split
    everywhere, with all the writers on both sides. An example is an image and its label. The image
    has floats from 0 (paper) to `scale` (ink) of the default dtype, or `dtype`, and shape (64,),
    (8, 8) or (1, 8, 8) for `ndim` 1, 2 or 3; the label is an int64 from 0 to 9. Both lie in host
    memory, unless `device` names another device. Raises `MissingDependencyError` where scikit-learn
    is not installed.

    >>> from xdbr.data import get_digits
    >>> train, test = get_digits()
    >>> len(train), len(test)
    (1442, 355)
    >>> image, label = test[0]
    >>> image.shape, int(label)
    ((64,), 5)
    """
    place = HOST if device is None else parse_device(device, function="get_digits")
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingDependencyError(
            'get_digits: scikit-learn is not installed: pip install "xdbr[examples]"'
        ) from error
    images, labels = load_digits(return_X_y=True)
    host = get(HOST.name)
    seen = [0] * 10
    parts: tuple[list[int], list[int]] = ([], [])
    for i, label in enumerate(labels.tolist()):
        seen[label] += 1
        parts[seen[label] % 5 == 0].append(i)
    sets = []
    for part in parts:
        # The values are whole numbers; as bytes they also fit a device that has no float64.
        pixels = wrap(host.asarray(images[part], device=HOST)).astype("uint8").reshape(-1, 8, 8).to_device(place)
        answers = wrap(host.asarray(labels[part], device=HOST)).to_device(place)
        sets.append(as_examples("get_digits", pixels, answers, 16, ndim=ndim, scale=scale, dtype=dtype))
    return sets[0], sets[1]
