"""The digits that scikit-learn carries."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

import xdbr
from xdbr.data import Batch, concat_examples, get_digits


def test_digits_without_scikit_learn_name_the_extra() -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import xdbr, xdbr.data\n"
        "try: xdbr.data.get_digits()\n"
        "except xdbr.MissingDependencyError as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == 'get_digits: scikit-learn is not installed: pip install "xdbr[examples]"\n'


@pytest.fixture
def sklearn_datasets() -> object:
    return pytest.importorskip("sklearn.datasets", reason="scikit-learn, which carries the digits, is not installed")


def test_split_is_fixed_and_whole(sklearn_datasets: object) -> None:
    train, test = get_digits()
    assert (len(train), len(test)) == (1442, 355)
    parts = [concat_examples(Batch(part, range(len(part))), "numpy") for part in (train, test)]
    for x, t in parts:
        assert x.shape == (len(t), 64)
        assert x.dtype == xdbr.get_default_dtype()
        assert t.dtype == "int64"
        assert (x.min().item(), x.max().item()) == (0.0, 1.0)
    # Every digit makes up about a tenth of either part.
    for _, t in parts:
        counts = Counter(t.tolist())
        assert sorted(counts) == list(range(10))
        assert min(counts.values()) > 0.09 * len(t)
        assert max(counts.values()) < 0.11 * len(t)
    images, labels = sklearn_datasets.load_digits(return_X_y=True)
    whole = Counter(zip(map(tuple, (images / 16).tolist()), labels.tolist(), strict=True))
    ours = Counter((tuple(image), label) for x, t in parts for image, label in zip(x.tolist(), t.tolist(), strict=True))
    assert ours == whole
    again = get_digits()[1]
    assert [label.item() for _, label in again[:9]] == parts[1][1].tolist()[:9]


def test_forms(sklearn_datasets: object, device: str) -> None:
    train, _ = get_digits(ndim=3, scale=16.0, dtype="float32", device=device)
    image, label = train[0]
    assert image.shape == (1, 8, 8)
    assert image.device == label.device == device
    assert image.reshape(64).tolist()[:6] == [0.0, 0.0, 5.0, 13.0, 9.0, 1.0]
    assert label.item() == 0
