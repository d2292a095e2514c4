"""Which special functions of PyTorch, JAX and CuPy are taken: those that keep SciPy's conventions and precision.

Of the others the portable text is the more precise one. Measured against mpmath in double precision, the largest
relative errors of some that are left out: PyTorch's ndtr 1 (in the left tail), bessel_j0 6e-6, gammainc 7e-10; JAX's
gammaln 6e-4 (about 1), log_ndtr 5e-5, erfinv 6e-11. CuPy's texts, compiled for the host: betainc 7e-10 at parameters of
1e5, 0.4 at 1e8; i0e, i1e, k0e, k1e NaN where the function without the scale overflows or underflows; rgamma infinite at
the poles beyond -171; rel_entr infinite where the quotient overflows; xlog1py(0, NaN) 0.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..._typing import RawArray
from . import Special

if TYPE_CHECKING:
    from .._base import Backend

__all__ = ["CupySpecial", "JaxSpecial", "TorchSpecial"]

_TORCH = {
    name: name
    for name in "entr erf erfc erfcx erfinv exp2 expit i0 i0e i1 i1e log_ndtr ndtri psi xlog1py xlogy zeta".split()
} | {
    "k0": "modified_bessel_k0",
    "k0e": "scaled_modified_bessel_k0",
    "k1": "modified_bessel_k1",
    "k1e": "scaled_modified_bessel_k1",
}
_JAX = frozenset("entr erf expit i0 i0e i1 i1e".split())
# What differs from SciPy, or does not take arrays for every argument.
_NOT_CUPY = frozenset(
    "bdtr bdtrc bdtri betainc betaincc gamma gammasgn i0e i1e k0e k1e nbdtr nbdtrc nbdtri pdtr pdtrc pdtri polygamma "
    "rel_entr rgamma xlog1py".split()
)


def _keeping_nan(xp: Any, function: Callable[..., RawArray], a: RawArray, x: RawArray, /) -> RawArray:
    return xp.where(xp.isnan(a) | xp.isnan(x), a + x, function(a, x))


def _infinite_at_infinity(xp: Any, function: Callable[..., RawArray], x: RawArray, /) -> RawArray:
    return xp.where(x == math.inf, x, function(x))


def _signed_at_zero(xp: Any, function: Callable[..., RawArray], x: RawArray, /) -> RawArray:
    return xp.where(x == 0, -1 / x, function(x))


_MENDED_CUPY: dict[str, Callable[..., RawArray]] = {
    "expi": _infinite_at_infinity,
    "gammainc": _keeping_nan,
    "gammaincc": _keeping_nan,
    "psi": _signed_at_zero,
}


class TorchSpecial(Special):
    """PyTorch's functions; the portable ones where these are less precise; SciPy's on the host for the rest."""

    def __init__(self, backend: Backend, torch: Any) -> None:
        super().__init__(backend)
        self._special = torch.special

    def native(self, name: str, /) -> Callable[..., RawArray] | None:
        """Give the library's function, or nothing."""
        return getattr(self._special, _TORCH[name], None) if name in _TORCH else None


class JaxSpecial(Special):
    """JAX's functions; the portable ones where these are less precise; SciPy's on the host for the rest."""

    def native(self, name: str, /) -> Callable[..., RawArray] | None:
        """Give the library's function, or nothing."""
        if name not in _JAX:
            return None
        import jax.scipy.special

        found: Callable[..., RawArray] | None = getattr(jax.scipy.special, name, None)
        return found


class CupySpecial(Special):
    """CuPy's functions, which follow SciPy's; the portable ones, or SciPy's on the host, for the rest."""

    def native(self, name: str, /) -> Callable[..., RawArray] | None:
        """Give the library's function, or nothing."""
        if name in _NOT_CUPY:
            return None
        import cupyx.scipy.special

        found: Callable[..., RawArray] | None = getattr(cupyx.scipy.special, name, None)
        mended = _MENDED_CUPY.get(name)
        return found if found is None or mended is None else functools.partial(mended, self.xp, found)
