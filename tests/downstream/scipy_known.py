"""The tests of SciPy 1.18 that fail on xdbr for a reason that is not xdbr's, each with the reason."""

from __future__ import annotations

import re

UFUNC = "applies a ufunc of NumPy's to an array of xp, and `Variable.__array_ufunc__` is None"

KNOWN: dict[str, str] = {
    # One from SciPy's own tests, the other from Matplotlib, which gets limits of axes.
    r"test_signaltools.py::Test(SOS)?FiltFilt::test_sine": UFUNC,
    r"test_hierarchy.py::TestDendrogram::test_dendrogram_(plot|truncate_mode)": UFUNC,
    r"test_stats.py::Test(Cum|Rel)freq::test_against_reference\[\w+-(True|False)-True-True-float32\]": (
        "puts values on the edges of bins that NumPy computes in float32; those of xdbr's linspace are computed in "
        "float64 and rounded once. SciPy leaves out PyTorch, CuPy and JAX here"
    ),
    r"test_differentiate.py::TestDerivative::test_initial_step": "uses xp.logspace, which the standard does not have",
    r"test__util.py::TestContainsNaN::test_array_api_lazy": "is for lazy arrays; SciPy names the libraries to skip",
    r"test_filters.py::TestVectorizedFilter::test_input_validation": "asks for the wording of other libraries' errors",
}


def reason(nodeid: str) -> str | None:
    """Give the reason why a test is known to fail, or None."""
    return next((why for pattern, why in KNOWN.items() if re.search(pattern + r"($|\[)", nodeid)), None)
