"""Checks the derivatives of every row of the table, and prints what was checked: `python -m tests.specs [BACKEND ...]`.

A function counts at an order where its derivatives of that order are those of central differences, in all of
its rows and dtypes; beside a library, where its values, gradients and their gradients are that library's. What
fails is named, and the exit status is 1 then. The libraries are compared with on the backend numpy.
"""

from __future__ import annotations

import argparse
import platform
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import xdbr
from xdbr.autograd.kernels import REGISTRY
from xdbr.autograd.primitive import Primitive
from xdbr.backends import Backend

from . import _checks
from ._checks import NotHere
from ._spec import Spec, collect


@dataclass
class Tally:
    """The functions that passed one kind of check, those that failed it in some row, and how many rows passed."""

    title: str
    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    rows: int = 0

    def enter(self, spec: Spec, good: bool) -> None:
        (self.passed if good else self.failed).update((spec.name, *spec.covers))
        self.rows += good

    def line(self, backend: str) -> tuple[str, ...]:
        good = self.passed - self.failed
        primitives = sum(isinstance(REGISTRY.get(name), Primitive) for name in good)
        return backend, self.title, str(primitives), str(len(good) - primitives), str(self.rows), str(len(self.failed))


class Count:
    """The checks of the whole table on one backend."""

    def __init__(self, backend: Backend, errors: list[str]) -> None:
        self.backend = backend
        self.where: tuple[Any, ...] = (backend, xdbr.namespace(backend), backend.default_device())
        self.errors = errors

    def good(self, what: str, spec: Spec, check: Callable[..., None], *args: Any, **options: Any) -> bool | None:
        """Make a check; `None` where it cannot be made here."""
        try:
            check(*args, *self.where, **options)
        except NotHere:
            return None
        except Exception as error:  # noqa: BLE001 - whatever it is, the row has failed
            self.errors.append(f"{self.backend.name}: {spec}: {what}: {type(error).__name__}: {error}")
            print(self.errors[-1], flush=True)
            return False
        return True

    def orders(self, specs: Sequence[Spec]) -> list[Tally]:
        """Count functions by the orders of their derivatives."""
        tallies = [Tally("none, and says so"), Tally("first order"), Tally("second order"), Tally("third order")]
        for spec in specs:
            if spec.order == 0:
                tallies[0].enter(spec, bool(self.good("no derivative", spec, _checks.check_no_gradient, spec)))
            for dtype in spec.gradient_dtypes():
                reached = spec.order
                while reached:
                    what = f"order {reached}, {dtype}"
                    found = self.good(what, spec, _checks.check_gradient, spec, dtype, order=reached)
                    if found is not False:
                        break
                    reached -= 1
                for order in range(1, spec.order + 1):
                    if order > reached or found is not None:
                        tallies[order].enter(spec, order <= reached)
        return tallies

    def beside(self, specs: Sequence[Spec], library: _checks.Library) -> Tally:
        """Count functions that are as in another library."""
        tally = Tally(f"as in {library.name}, to the second order")
        for spec in specs:
            if library.has(spec):
                for dtype in spec.gradient_dtypes():
                    found = self.good(
                        f"beside {library.name}, {dtype}", spec, _checks.check_against, library, spec, dtype
                    )
                    if found is not None:
                        tally.enter(spec, found)
        return tally


def versions(backends: Sequence[Backend], libraries: Sequence[_checks.Library]) -> str:
    found = {"xdbr": xdbr.__version__, "Python": platform.python_version()}
    found |= {backend.name: backend.version() for backend in backends}
    found |= {library.name: library.version for library in libraries}
    return ", ".join(f"{name} {version}" for name, version in found.items())


def table(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = ["| " + " | ".join(cell.ljust(n) for cell, n in zip(line, widths, strict=True)) + " |" for line in lines]
    return "\n".join([texts[0], "|" + "|".join("-" * (n + 2) for n in widths) + "|", *texts[1:]])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.specs", description=__doc__)
    parser.add_argument("backends", nargs="*", help="by default all that can be used here")
    parser.add_argument("--only", help="rows whose names contain this")
    parser.add_argument(
        "--beside", nargs="*", default=["torch", "jax"], help="libraries to compare with, by default both"
    )
    given = parser.parse_args()
    reasons = xdbr.backends.available()
    for name, reason in reasons.items():
        if reason and (not given.backends or name in given.backends):
            print(f"not run: {name}: {reason}")
    backends = [
        xdbr.backends.get(name)
        for name, reason in reasons.items()
        if not reason and (not given.backends or name in given.backends)
    ]
    libraries: list[_checks.Library] = []
    for kind in (_checks.Torch, _checks.Jax):
        try:
            libraries += [kind()] if kind.name in given.beside else []
        except NotHere as reason:
            print(f"not run: {reason}")
    specs = [spec for spec in collect() if given.only is None or given.only in str(spec)]
    lines = [("backend", "derivatives checked", "primitives", "compositions", "rows", "failed")]
    errors: list[str] = []
    for backend in backends:
        count = Count(backend, errors)
        lines += [tally.line(backend.name) for tally in count.orders(specs)]
        if backend.name == "numpy":  # the rules are one text
            lines += [count.beside(specs, library).line(backend.name) for library in libraries]
    print(versions(backends, libraries), table(lines), sep="\n")
    return bool(errors) or not backends


if __name__ == "__main__":
    warnings.simplefilter("ignore", RuntimeWarning)  # of infinities and NaN, which the standard defines
    sys.exit(main())
