"""The table of calls, one file per library; see `Call`."""

from __future__ import annotations

from .._call import Call, Refusal
from . import arrays, scipy_chapters, scipy_special, scipy_stats, sklearn_calls

__all__ = ["ACCEPTANCE", "CALLS", "REFUSALS"]

FILES = (scipy_special, scipy_stats, scipy_chapters, sklearn_calls, arrays)

CALLS: list[Call] = [call for file in FILES for call in file.CALLS]
REFUSALS: list[Refusal] = [refusal for file in FILES for refusal in file.REFUSALS]
