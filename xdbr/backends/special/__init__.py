"""Special functions beneath the chapter `xdbr.special`: a library's own, portable ones, or SciPy's on the host.

A backend gives a `Special` in its attribute `special`. For each name, on first use, that takes the first there is of

1. the library's own function (`native`), where it is as precise as the portable one: a backend overrides this;
2. the portable text in the modules beside this file, written on the standard alone;
3. SciPy on host memory, to where the arguments are copied and from where the result is copied back.

What the functions mean is SciPy's definition of them. They take real floating-point arrays (integers are read in the
default dtype) and, beside at least one array, Python numbers; the gradient rules are in the chapter.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._config import get_default_dtype
from ..._errors import DtypeError, MissingDependencyError
from ..._typing import RawArray

if TYPE_CHECKING:
    from .._base import Backend

__all__ = ["PORTABLE", "Special"]

PORTABLE: dict[str, str] = {
    name: module
    for module, names in {
        "bessel": "i0 i0e i1 i1e k0 k0e k1 k1e",
        "distributions": "bdtr bdtrc bdtri nbdtr nbdtrc nbdtri pdtr pdtrc pdtri stdtr",
        "elementary": "entr exp2 exp10 expit kl_div log_expit logit rel_entr softplus xlog1py xlogy cbrt",
        "errors": "erf erfc erfcinv erfcx erfinv log_ndtr ndtr ndtri",
        "gamma": "beta betaln gamma gammaln gammasgn loggamma polygamma psi rgamma",
        "incomplete": "betainc betaincc gammainc gammaincc",
        "zeta": "riemann_zeta zeta zetac",
    }.items()
    for name in names.split()
}
"""From the name of a function to the module beside this one that has its portable text."""


class Special:
    """The special functions of one backend, as attributes: `special.erf(x)`.

    backend: whose arrays they take.
    native: whether the library's own functions may be used.
    host: whether SciPy may be used on copies in host memory.
    """

    def __init__(self, backend: Backend, *, native: bool = True, host: bool = True) -> None:
        self.backend = backend
        self.xp = backend.lib
        self._use_native = native
        self._use_host = host

    def native(self, name: str, /) -> Callable[..., RawArray] | None:
        """Give the library's own function called `name`, or nothing."""
        return None

    def __getattr__(self, name: str) -> Callable[..., RawArray]:
        if name.startswith("_"):
            raise AttributeError(name)
        found = self.counting(name, _prepared(self.backend, name, self._resolve(name)))
        setattr(self, name, found)
        return found

    def counting(self, name: str, found: Callable[..., RawArray], /) -> Callable[..., RawArray]:
        """Give the function to use for `name`, where the library has another one for integer arrays, else `found`."""
        return found

    def _resolve(self, name: str) -> Callable[..., RawArray]:
        found = self.native(name) if self._use_native else None
        if found is None and name in PORTABLE:
            text = getattr(importlib.import_module(f"{__name__}.{PORTABLE[name]}"), name)
            found = functools.partial(text, _Space(self))
        if found is None and self._use_host:
            found = self._on_host(name)
        return self._missing(name) if found is None else found

    def _missing(self, name: str) -> Callable[..., RawArray]:
        def missing(*args: Any) -> RawArray:
            raise MissingDependencyError(
                f"special.{name}: backend {self.backend.name!r} has no such function and there is no portable one; "
                'SciPy has it: pip install "xdbr[scipy]"'
            )

        return missing

    def source(self, name: str, /) -> str:
        """Tell what computes a function: "native", "portable" or "host"."""
        if self._use_native and self.native(name) is not None:
            return "native"
        return "portable" if name in PORTABLE else "host"

    def _on_host(self, name: str) -> Callable[..., RawArray] | None:
        function = scipy_function(name)
        if function is None:
            return None
        backend = self.backend

        def through_host(*args: Any) -> RawArray:
            first = next(arg for arg in args if hasattr(arg, "dtype"))
            hosts = [backend.to_host(arg) if hasattr(arg, "dtype") else arg for arg in args]
            out = np.asarray(function(*hosts), dtype=backend.to_host(first).dtype)
            return backend.from_host(out, device=backend.device_of(first))

        return through_host


class _Space:
    """The namespace that a portable text is handed: the library's, with the backend's special functions beside it."""

    def __init__(self, special: Special) -> None:
        self.special = special

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.special.xp, name)
        setattr(self, name, found)
        return found


def scipy_function(name: str) -> Callable[..., Any] | None:
    """Give SciPy's function of this name for NumPy arrays, or nothing where there is none."""
    try:
        import scipy.special
    except ImportError:
        return None
    found = getattr(scipy.special, name, None)
    # With SCIPY_ARRAY_API set SciPy wraps its functions in a look-up of the namespace.
    return getattr(found, "__wrapped__", found)


def _prepared(backend: Backend, name: str, function: Callable[..., RawArray]) -> Callable[..., RawArray]:
    """Give a function that takes what the primitives hand on: integers, several dtypes, Python numbers."""
    lib = backend.lib
    floating = {backend.dtype(one) for one in backend.supported_dtypes(None) if one in ("float32", "float64")}

    def call(x: Any, /, *others: Any) -> RawArray:
        if hasattr(x, "dtype") and x.dtype in floating:
            dtype = x.dtype
            for other in others:
                # NumPy's float64 equals None.
                if not hasattr(other, "dtype") or other.dtype != dtype:
                    break
            else:
                return function(x, *others)
        return mixed(x, *others)

    def mixed(*args: Any) -> RawArray:
        arrays = [arg for arg in args if hasattr(arg, "dtype")]
        for arg in arrays:
            if lib.isdtype(arg.dtype, "complex floating"):
                raise DtypeError(f"special.{name}: expected real floating-point or integer arrays; got {arg.dtype}")
        default = backend.dtype(get_default_dtype())
        dtype = lib.result_type(*(arg.dtype if lib.isdtype(arg.dtype, "real floating") else default for arg in arrays))
        wide = dtype if dtype in floating else lib.float32  # half precision is computed in single
        out = function(*(_as(lib, arg, wide, arrays[0]) for arg in args))
        return out if out.dtype == dtype else lib.astype(out, dtype)

    call.__name__ = name
    return call


def _as(lib: Any, arg: Any, dtype: Any, like: RawArray) -> RawArray:
    if not hasattr(arg, "dtype"):
        return lib.asarray(arg, dtype=dtype, device=getattr(like, "device", None))
    return arg if arg.dtype == dtype else lib.astype(arg, dtype)
