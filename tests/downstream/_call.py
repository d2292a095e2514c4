"""One call of a downstream library, its independent gradient, and what a library of arrays makes of it."""

from __future__ import annotations

import functools
import re
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np

import xdbr
from xdbr.testing import to_host

__all__ = [
    "Call",
    "Refusal",
    "Result",
    "namespace_of",
    "normal",
    "on_torch",
    "on_xdbr",
    "positive",
    "refused",
    "uniform",
]

Host = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Call:
    """A call of a downstream library with a derivative.

    name: the function called, and what is special about this call of it.
    run: takes the arrays, of any library, and gives an array, a Python number or a sequence of these.
    inputs: the arrays in float64 or complex128; all are varied.
    gradient: gives the gradients of the sum of `run`'s results times `cotangents`, by a closed form: takes the
        cotangents and the inputs. By default they come from central differences of the call on NumPy arrays.
    step: half the width of the innermost difference.
    rtol: allowed error, relative to the greatest element of the gradient.
    """

    name: str
    run: Callable[..., Any]
    inputs: tuple[Host, ...]
    gradient: Callable[..., Sequence[Host]] | None = None
    step: float = 1e-3
    rtol: float = 1e-6

    def cotangents(self) -> list[Host]:
        """Give a random number for each element of each result."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        return [random_like(rng, y) for y in self.results_on_numpy]

    @functools.cached_property
    def results_on_numpy(self) -> list[Host]:
        """The results of the plain call on NumPy arrays."""
        return [to_host(y) for y in flat(quiet(self.run, *[x.copy() for x in self.inputs]))]

    @functools.cached_property
    def reference(self) -> list[Host]:
        """The gradients by the closed form, or by five-point central differences."""
        cotangents = self.cotangents()
        if self.gradient is not None:
            return [np.asarray(g) for g in self.gradient(cotangents, *self.inputs)]

        def value(k: int, where: tuple[int, ...], by: complex) -> float:
            moved = [x.copy() for x in self.inputs]
            moved[k][where] += by
            results = flat(quiet(self.run, *moved))
            return sum(float((np.conj(c) * y).real.sum()) for c, y in zip(cotangents, results, strict=True))

        found = [np.zeros_like(x) for x in self.inputs]
        h = self.step
        for k, x in enumerate(self.inputs):
            for where in np.ndindex(x.shape):
                for unit in (1.0, 1j) if x.dtype.kind == "c" else (1.0,):
                    at = [value(k, where, t * h * unit) for t in (1, -1, 2, -2)]
                    found[k][where] += unit * (8 * (at[0] - at[1]) - (at[2] - at[3])) / (12 * h)
        return found


@dataclass(frozen=True)
class Refusal:
    """A call that leaves the world of arrays: a Variable that needs gradient gets an error, one that needs none works.

    name, run, inputs: as for `Call`.
    works: whether the call works for arrays of xdbr that need no gradient.
    said: what the error says; by default it is xdbr's own, or was raised because of one.
    """

    name: str
    run: Callable[..., Any]
    inputs: tuple[Host, ...]
    works: bool = True
    said: str = r"needs gradient .*x\.detach\(\)"


@dataclass(frozen=True)
class Result:
    """What a library made of a call: `outcome` is one word, `detail` says more."""

    outcome: str
    detail: str = ""


# -- inputs ---------------------------------------------------------------------------------------------


def normal(*shape: int, seed: int = 0) -> Host:
    """Give normally distributed numbers."""
    return np.random.default_rng((*shape, seed)).standard_normal(shape)


def uniform(*shape: int, low: float = -1.0, high: float = 1.0, seed: int = 0) -> Host:
    """Give numbers evenly distributed between two bounds."""
    return np.random.default_rng((*shape, seed)).uniform(low, high, shape)


def positive(*shape: int, seed: int = 0) -> Host:
    """Give numbers between 0.5 and 3."""
    return uniform(*shape, low=0.5, high=3.0, seed=seed)


def random_like(rng: np.random.Generator, y: Host) -> Host:
    """Give random numbers within [-1, 1] of an array's shape, complex where it is."""
    made = rng.uniform(-1, 1, y.shape)
    return made + 1j * rng.uniform(-1, 1, y.shape) if y.dtype.kind == "c" else made


def namespace_of(*arrays: Any) -> Any:
    """Give the Array API namespace of arrays of any library, as downstream code finds it."""
    return array_api_compat.array_namespace(*arrays)


# -- results --------------------------------------------------------------------------------------------


def quiet(run: Callable[..., Any], *arrays: Any) -> Any:
    """Call with the warnings off that libraries give about numbers and about their own future."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return run(*arrays)


def flat(out: Any) -> list[Any]:
    """Give the floating-point results in a nested result."""
    if isinstance(out, (list, tuple)):
        return [y for part in out for y in flat(part)]
    if isinstance(out, (bool, int, float, complex, np.generic)):
        out = np.asarray(out)
    kind = str(out.dtype).removeprefix("torch.")
    return [out] if kind.startswith(("float", "complex")) else []


def worst_error(found: Sequence[Host], wanted: Sequence[Host]) -> float:
    """Give the greatest difference relative to the greatest element of each wanted array."""
    worst = 0.0
    for g, reference in zip(found, wanted, strict=True):
        if g.shape != reference.shape or not np.all(np.isfinite(g)):
            return float("inf")
        scale = max(float(np.abs(reference).max(initial=0.0)), 1e-3)
        worst = max(worst, float(np.abs(g - reference).max(initial=0.0)) / scale)
    return worst


def judged(call: Call, values: Sequence[Host], gradients: Sequence[Host] | None) -> Result:
    """Compare values and gradients with the references; no gradients at all are a cut."""
    if len(values) != len(call.results_on_numpy):
        return Result("wrong", f"{len(values)} results, {len(call.results_on_numpy)} on NumPy")
    if gradients is None:
        return Result("cut", "no result needs gradient")
    error = worst_error(values, call.results_on_numpy)
    if not error <= call.rtol:
        return Result("wrong", f"values differ by {error:.1e}")
    error = worst_error(gradients, call.reference)
    return (
        Result("right", f"{error:.1e}") if error <= call.rtol else Result("wrong", f"gradients differ by {error:.1e}")
    )


def one_line(error: BaseException) -> str:
    """Give an error's type and the first line of its text."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def on_xdbr(call: Call, device: Any = "numpy") -> Result:
    """Run a call on Variables and judge it."""
    leaves = [xdbr.Variable(x, requires_grad=True, device=device) for x in call.inputs]
    try:
        results = flat(quiet(call.run, *leaves))
        results = [y if isinstance(y, xdbr.Variable) else xdbr.asarray(y, device=device) for y in results]
        values = [to_host(y) for y in results]
        needing = [i for i, y in enumerate(results) if y.requires_grad]
        if not needing or len(values) != len(call.results_on_numpy):
            return judged(call, values, None)
        cotangents = call.cotangents()
        # The gradient of the leaf's first value, also where the call has written to its argument.
        quiet(sum(real_inner(results[i], cotangents[i]) for i in needing).backward)
    except Exception as error:  # noqa: BLE001 - whatever is raised is the result
        return Result(
            "refused" if any(isinstance(e, xdbr.XdbrError) for e in chain(error)) else "other error", one_line(error)
        )
    gradients = [
        np.zeros_like(x) if v.grad is None else to_host(v.grad) for v, x in zip(leaves, call.inputs, strict=True)
    ]
    return judged(call, values, gradients)


def refused(refusal: Refusal, device: Any = "numpy") -> Result:
    """Run a call that must be refused on Variables that need gradient."""
    try:
        quiet(refusal.run, *[xdbr.Variable(x, requires_grad=True, device=device) for x in refusal.inputs])
    except Exception as error:  # noqa: BLE001
        said = " / ".join(str(each) for each in chain(error))
        return Result("refused" if re.search(refusal.said, said) else "other error", said)
    return Result("cut", "no error")


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and those that it was raised because of."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def real_inner(y: xdbr.Variable, cotangent: Host) -> xdbr.Variable:
    """Give the real part of the inner product of a result with a cotangent."""
    product = y * xdbr.asarray(np.conj(cotangent), dtype=y.dtype, device=y.device)
    return xdbr.sum(product.real)


def on_torch(call: Call) -> Result:
    """Run a call on torch's tensors and judge it."""
    import torch

    leaves = [torch.tensor(x.copy(), requires_grad=True) for x in call.inputs]
    try:
        results = flat(quiet(call.run, *leaves))
        results = [y if isinstance(y, torch.Tensor) else torch.tensor(y) for y in results]
        pairs = [(y, torch.tensor(c)) for y, c in zip(results, call.cotangents(), strict=False) if y.requires_grad]
        values = [y.detach().resolve_conj().numpy() for y in results]
        if not pairs:
            return judged(call, values, None)
        found = torch.autograd.grad([y for y, _ in pairs], leaves, [c for _, c in pairs], allow_unused=True)
    except Exception as error:  # noqa: BLE001
        text = one_line(error)
        return Result("in-place error" if "in-place" in text or "inplace" in text else "other error", text)
    return judged(
        call,
        values,
        [np.zeros_like(x) if g is None else g.resolve_conj().numpy() for g, x in zip(found, call.inputs, strict=True)],
    )
