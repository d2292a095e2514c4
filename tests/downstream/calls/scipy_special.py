"""Calls of `scipy.special`."""

from __future__ import annotations

from scipy import special

from .._call import Call, Refusal, normal, positive, uniform

__all__ = ["CALLS", "REFUSALS"]

X = normal(3, 4)
P = positive(3, 4)
U = uniform(3, 4, low=0.1, high=0.9)

CALLS = [
    Call("special.logsumexp", special.logsumexp, (X,)),
    Call("special.logsumexp axis, b", lambda x, b: special.logsumexp(x, axis=1, b=b), (X, P)),
    Call("special.logsumexp keepdims", lambda x: special.logsumexp(x, axis=0, keepdims=True), (X,)),
    Call("special.logsumexp return_sign", lambda x: special.logsumexp(x, axis=0, return_sign=True)[0], (X,)),
    Call("special.log_softmax", lambda x: special.log_softmax(x, axis=-1), (X,)),
    Call("special.softmax", lambda x: special.softmax(x, axis=0), (X,)),
    Call("special.erf", special.erf, (X,)),
    Call("special.erfc", special.erfc, (X,)),
    Call("special.erfinv", special.erfinv, (uniform(3, 4, low=-0.8, high=0.8),)),
    Call("special.expit", special.expit, (X,)),
    Call("special.logit", special.logit, (U,)),
    Call("special.ndtr", special.ndtr, (X,)),
    Call("special.ndtri", special.ndtri, (U,)),
    Call("special.log_ndtr", special.log_ndtr, (X,)),
    Call("special.gammaln", special.gammaln, (P,)),
    Call("special.psi", special.psi, (P,)),
    Call("special.digamma", special.digamma, (P,)),
    Call("special.i0", special.i0, (X,)),
    Call("special.i0e", special.i0e, (X,)),
    Call("special.i1", special.i1, (X,)),
    Call("special.i1e", special.i1e, (X,)),
    Call("special.entr", special.entr, (P,)),
    Call("special.rel_entr", special.rel_entr, (P, U)),
    Call("special.xlogy", special.xlogy, (X, P)),
    Call("special.gammainc by x", lambda x: special.gammainc(1.5 + 0 * x, x), (P,)),
    Call("special.gammaincc by x", lambda x: special.gammaincc(1.5 + 0 * x, x), (P,)),
    Call("special.multigammaln", lambda x: special.multigammaln(x, 2), (positive(3) + 1,)),
    Call("special.j0", special.j0, (X,)),
    Call("special.loggamma", special.loggamma, (P,)),
    Call("special.zeta by q", lambda q: special.zeta(3.0 + 0 * q, q), (P,)),
]

REFUSALS: list[Refusal] = [
    Refusal("special.wofz", special.wofz, (X,), works=False, said="does not support ufuncs"),
]
