"""What is said where a Variable that needs gradient would leave the world of Variables."""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any

from .._errors import GradientError

__all__ = ["refusal", "switch"]


def refusal(what: str) -> GradientError:
    """Make the error that `what`, a conversion, would cut the graph, with what to do."""
    off = switch()
    return GradientError(
        f"{what} of a Variable that needs gradient would cut the graph silently; "
        + (
            f"{off}, or use x.detach() first where a cut is meant"
            if off
            else "use x.detach() first where that is meant"
        )
    )


def switch() -> str | None:
    """Say how to switch on the Array API of the library that is running, where that is off."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        library = str(frame.f_globals.get("__name__")).partition(".")[0]
        if library == "scipy" and not _scipy_is_on():
            return "set SCIPY_ARRAY_API=1 before SciPy is imported, so that it computes on Variables"
        if library == "sklearn" and not _sklearn_is_on():
            return "call it within sklearn.config_context(array_api_dispatch=True), so that it computes on Variables"
        frame = frame.f_back
    return None


def _scipy_is_on() -> bool:
    # SciPy reads the variable once, and keeps what it has read.
    read = getattr(sys.modules.get("scipy._lib._array_api"), "SCIPY_ARRAY_API", os.environ.get("SCIPY_ARRAY_API"))
    return str(read).lower() not in ("0", "false", "none", "")


def _sklearn_is_on() -> bool:
    config: dict[str, Any] = getattr(sys.modules.get("sklearn"), "get_config", dict)()
    return bool(config.get("array_api_dispatch"))
