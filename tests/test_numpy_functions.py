"""NumPy's functions on Variables: NumPy's values, shapes and kinds of dtypes, with gradient and without."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xdbr
from xdbr._numpy_functions import COUNTERPARTS, INSPECTIONS, OUTLINES
from xdbr.testing import assert_allclose, check_grads, to_host

RNG = np.random.default_rng(7)
N = RNG.permutation(24).reshape(2, 3, 4) / 4 - 2.3  # no two elements are near each other
V, W = N[0, 0], N[1, 1]
M, S = N[0], N[0, :, :3] @ N[0, :, :3].T + np.eye(3)
Q = N[1, :, :3]
ORDER = np.asarray([2, 0, 1, 1])


class Case:
    """A call of NumPy's, written once: on NumPy's arrays it gives what it is to give on Variables."""

    def __init__(self, name: str, call: Callable[..., Any], *arrays: Any, kinds: str = "fic", flows: bool = True):
        self.name, self.call, self.arrays, self.kinds, self.flows = name, call, arrays, kinds, flows


def case(name: str, call: Callable[..., Any], *arrays: Any, **more: Any) -> Case:
    return Case(name, call, *arrays, **more)


def composed(u: Any, s: Any, vh: Any) -> list[Any]:
    return [u * s @ vh, abs(u)]


REAL, FLOATS = {"kinds": "fi"}, {"kinds": "fc"}
CUT: dict[str, Any] = {"flows": False}

CASES = [
    case("reshape", lambda x: np.reshape(x, (4, -1)), N),
    case("reshape", lambda x: np.reshape(x, 24), N),
    case("reshape order", lambda x: np.reshape(x, (4, -1), order="F"), N),
    case("ravel", lambda x: [np.ravel(x), np.ravel(x, "F")], N),
    case("squeeze", lambda x: [np.squeeze(x[:1, :, :1]), np.squeeze(x[:1, :, :1], axis=0), np.squeeze(x)], N),
    case("transpose", lambda x: [np.transpose(x), np.transpose(x, (1, 0, 2)), np.permute_dims(x, (0, -1, 1))], N),
    case("swapaxes", lambda x: [np.swapaxes(x, 0, -1), np.swapaxes(x, 1, 1)], N),
    case("moveaxis", lambda x: [np.moveaxis(x, 0, -1), np.moveaxis(x, (0, 1), (-1, 0))], N),
    case("rollaxis", lambda x: [np.rollaxis(x, i, j) for i in range(-3, 3) for j in range(-3, 4)], N),
    case("expand_dims", lambda x: [np.expand_dims(x, 0), np.expand_dims(x, (1, -1))], M),
    case("broadcast_to", lambda x: [np.broadcast_to(x, (2, 4)), np.broadcast_to(x[0, ...], 3)], V),
    case("broadcast_arrays", lambda x, y: np.broadcast_arrays(x, y), V, M),
    case("meshgrid", lambda x, y: [*np.meshgrid(x, y), *np.meshgrid(x, y, x[:1], indexing="ij")], V, W[:2]),
    case(
        "meshgrid of a list", lambda x: [np.meshgrid(x, [1, 2])[1], np.broadcast_arrays(x, 1.5)[1]], V, **FLOATS, **CUT
    ),
    case("concatenate", lambda x, y: [np.concatenate([x, y]), np.concatenate((x, y), axis=1)], M, N[1]),
    case("concatenate flat", lambda x, y: np.concatenate([x, y], axis=None), M, V),
    case("concatenate dtype", lambda x: np.concatenate([x, x], dtype=np.complex128), M),
    case("concatenate of lists", lambda x: np.concatenate([x, [0.5, 1.25]]), V, **FLOATS),
    case("concatenate of one", lambda x: np.concatenate(x), N),
    case("stack", lambda x, y: [np.stack([x, y]), np.stack([x, y], axis=-1)], M, N[1]),
    case(
        "hstack",
        lambda x, y: [np.hstack([x, y]), np.hstack([x[0, ...], y[0, ...]]), np.hstack([x[0, 0, ...], y[0, ...]])],
        M,
        N[1],
    ),
    case("vstack", lambda x, y: [np.vstack([x, y]), np.vstack([x[0, ...], y])], M, N[1]),
    case("dstack", lambda x, y: [np.dstack([x, y]), np.dstack([x[0, ...], y[0, ...]])], M, N[1]),
    case(
        "column_stack", lambda x, y: [np.column_stack([x[0, ...], y[0, ...]]), np.column_stack([x[:, 0], y])], M, N[1]
    ),
    case("append", lambda x, y: [np.append(x, y), np.append(x, y, axis=1), np.append(x, 2)], M, N[1]),
    case("atleast_1d", lambda x: [np.atleast_1d(x[0, 0, 0, ...]), *np.atleast_1d(x[0, 0, 0, ...], x)], N),
    case("atleast_2d", lambda x: [np.atleast_2d(v) for v in (x[0, 0, 0, ...], x[0, 0, ...], x)], N),
    case("atleast_3d", lambda x: [np.atleast_3d(v) for v in (x[0, 0, 0, ...], x[0, 0, ...], x[0, ...], x)], N),
    case("array_split", lambda x: [*np.array_split(x, 3, axis=2), *np.array_split(x, [1, 3, 9], axis=-1)], N),
    case("split", lambda x: [*np.split(x, 2, axis=2), *np.split(x, (1, 2), axis=1)], N),
    case("hsplit", lambda x: [*np.hsplit(x, 3), *np.hsplit(x[0, 0, ...], 2)], N),
    case("vsplit", lambda x: [*np.vsplit(x, 2), *np.dsplit(x, 2)], N),
    case("tile", lambda x: [np.tile(x, 2), np.tile(x, (2, 1, 2)), np.tile(x, (2,))], M),
    case("repeat", lambda x: [np.repeat(x, 2), np.repeat(x, 2, axis=0), np.repeat(x, [0, 2, 1], axis=0)], M),
    case("repeat of each", lambda x: [np.repeat(x, [3]), np.repeat(x, np.asarray([1, 0, 2, 1]), axis=-1)], M),
    case("roll", lambda x: [np.roll(x, 2), np.roll(x, -1, axis=1), np.roll(x, (1, 2), axis=(0, 1))], M),
    case("flip", lambda x: [np.flip(x), np.flip(x, 0), np.flip(x, (0, 2)), np.fliplr(x), np.flipud(x)], N),
    case("rot90", lambda x: [np.rot90(x, k, axes) for k in range(-1, 5) for axes in ((0, 1), (2, 0))], N),
    case("where", lambda x, y: [np.where(x > y, x, y), np.where(x > 0, x, 1), np.where(x, x, 2 * y)], M, N[1], **REAL),
    case("where of lists", lambda x: np.where([True, False, True, False], x, [0.1, 0.2, 0.3, 0.4]), V, **FLOATS),
    case("where of places", lambda x: [*np.where(x > 0), *np.nonzero(x > 0)], M, **REAL, **CUT),
    case("zeros_like", lambda x: [np.zeros_like(x), np.ones_like(x, dtype=bool), np.ones_like(x)], M, **CUT),
    case("zeros_like shape", lambda x: [np.zeros_like(x, shape=(2, 2)), np.ones_like(x, shape=3)], M, **CUT),
    case("empty_like", lambda x: [np.ndim(np.empty_like(x)), *np.shape(np.empty_like(x, shape=(2, 1)))], M, **CUT),
    case("full_like", lambda x: [np.full_like(x, 3), np.full_like(x, 2, dtype=np.float64)], M, **CUT),
    case("full_like of an array", lambda x, y: [np.full_like(x, y), np.full_like(x, y[0, ...])], M, V),
    case("full_like of a list", lambda x: np.full_like(x, [2, 1, 0, 3]), M, **CUT),
    case("copy", lambda x: [np.copy(x), np.astype(x, np.complex128)], M),
    case("diag", lambda x: [np.diag(x), np.diag(x, 1), np.diag(x[0, ...], -1), np.diagflat(x, 2)], M),
    case("diagonal", lambda x: [np.diagonal(x), np.diagonal(x, 1, 1, 2), np.diagonal(x, -1, axis1=2, axis2=0)], N),
    case("trace", lambda x: [np.trace(x), np.trace(x, 1, 1, 2), np.trace(x, dtype=np.complex128)], N),
    case("tril", lambda x: [np.tril(x), np.triu(x, 1), np.tril(x[0, ...], -1), np.triu(x[0, 0, ...])], N),
    case(
        "dot",
        lambda x, y: [
            np.dot(x[0, ...].T, y[0, ...]),
            np.dot(x, y[0, 0, ...]),
            np.dot(x[0, 0, ...], y[1, ...].T),
            np.dot(2, x),
        ],
        N,
        N,
    ),
    case(
        "dot of cubes",
        lambda x, y: [np.dot(x, np.swapaxes(y, 1, 2)), np.dot(x[0, 0, ...], y[0, 0, ...])],
        N,
        N[:, ::-1],
    ),
    case("dot of a list", lambda x: [np.dot([0.1, 0.2, 0.3], x), np.dot(x, [0.1, 0.2, 0.3, 0.4])], M, **FLOATS),
    case("inner", lambda x, y: [np.inner(x, y), np.inner(x, y[0, ...]), np.inner(x[0, 0, ...], y)], M, N[1]),
    case("vdot", lambda x, y: np.vdot(x, y), M, N[1]),
    case(
        "outer", lambda x, y: [np.outer(x, y), np.outer(x[0, ...], 2), np.linalg.outer(x[0, ...], y[1, ...])], M, N[1]
    ),
    case("tensordot", lambda x, y: [np.tensordot(x, y, 0), np.tensordot(x, y), np.tensordot(x, y, (0, 0))], M, N[1]),
    case("tensordot axes", lambda x, y: [np.tensordot(x, y, ([0, 2], [0, -1])), np.tensordot(x, y, 3)], N, N[:, ::-1]),
    case(
        "kron",
        lambda x, y: [np.kron(x, y), np.kron(x[0, 0, ...], y[0, ...]), np.kron(x, y[0, 0, ...]), np.kron(3, y[0, ...])],
        N,
        M,
    ),
    case("cross", lambda x, y: [np.cross(x, y), np.cross(x, y[0, ...]), np.cross(x, y, axis=0)], Q, S),
    case("cross axes", lambda x, y: np.cross(x, y, axisa=0, axisb=1, axisc=0), Q, S),
    case("einsum", lambda x, y: [np.einsum("ij,kj->ik", x, y), np.einsum("ij,ij", x, y), np.einsum("ij", x)], M, N[1]),
    case("einsum more", lambda x: [np.einsum("...ii", x[:, :, :3]), np.einsum("a...->...", x, optimize=True)], N),
    case("einsum of a list", lambda x: np.einsum("ij,j->i", x, [0.1, 0.2, 0.3, 0.4]), M, **FLOATS),
    case("average", lambda x: [np.average(x), np.average(x, axis=(0, 1)), np.average(x, 1, keepdims=True)], N),
    case("average weights", lambda x, w: np.average(x, weights=w), M, M**2, **REAL),
    case("average along", lambda x, w: np.average(x, axis=1, weights=w), N, M[0, :3] ** 2 + 0.5, **FLOATS),
    case("average axes", lambda x, w: np.average(x, axis=(2, 0), weights=w, keepdims=True), N, N[:, 0].T ** 2),
    case("average of a list", lambda x: np.average(x, axis=-1, weights=[1, 2, 3, 4]), M),
    case("average and sum", lambda x: np.average(x, 0, [1, 2, 3], returned=True)[1], M, **CUT),
    case("cov", lambda x: [np.cov(x), np.cov(x, rowvar=False), np.cov(x, bias=True), np.cov(x, ddof=2)], M),
    case(
        "cov of two", lambda x, y: [np.cov(x[0, ...], y[0, ...]), np.cov(x, y), np.cov(x.T, y.T, rowvar=False)], M, N[1]
    ),
    case("cov of a row", lambda x: [np.cov(x), np.cov(x, rowvar=False), np.cov(x[None, :], x, rowvar=True)], V),
    case("cov weights", lambda x, w: np.cov(x, aweights=w), M, V**2, kinds="f"),
    case(
        "cov counts",
        lambda x, w: [np.cov(x, fweights=ORDER, aweights=w), np.cov(x, fweights=ORDER)],
        M,
        V**2,
        kinds="f",
    ),
    case("cov counts", lambda x, w: [np.cov(x, fweights=[1, 2, 3, 1], aweights=w, bias=True)], M, V**2, kinds="f"),
    case(
        "corrcoef",
        lambda x, y: [np.corrcoef(x), np.corrcoef(x, y), np.corrcoef(x[0, ...]), np.corrcoef(x.T)],
        M,
        N[1],
        **REAL,
    ),
    case("clip", lambda x: [np.clip(x, -1, 1), np.clip(x, None, 2), np.clip(x, -1, None)], M, **REAL),
    case(
        "clip by arrays", lambda x, y: [np.clip(x, y, y + 1), np.clip(x, [0.1, 0.2, 0.3, 0.4], None)], M, W, kinds="f"
    ),
    case(
        "sort", lambda x: [np.sort(x), np.sort(x, axis=0), np.sort(x, axis=None), np.sort(x, kind="stable")], N, **REAL
    ),
    case("argsort", lambda x: [np.argsort(x), np.argsort(x, axis=None)], N, kinds="f", flows=False),
    case("take", lambda x: [np.take(x, ORDER), np.take(x, [[0, -1]], axis=1), np.take(x, 1, axis=0)], N),
    case("take along", lambda x: np.take_along_axis(x, np.asarray([[2], [0], [1]]), axis=1), M),
    case("take along all", lambda x: np.take_along_axis(x, ORDER, axis=None), M),
    case("diff", lambda x: [np.diff(x), np.diff(x, 2, 0), np.diff(x, n=0), np.diff(x, prepend=0)], M),
    case("diff joined", lambda x, y: [np.diff(x, axis=0, append=y[None, :]), np.diff(x, prepend=x, append=1)], M, V),
    case("ediff1d", lambda x: [np.ediff1d(x), np.ediff1d(x, to_begin=[1, 2], to_end=x[0, 0, ...])], M),
    case("gradient", lambda x: [*np.gradient(x), np.gradient(x, 0.5, axis=1), *np.gradient(x, 2, 3, edge_order=2)], M),
    case("gradient at", lambda x, y: [np.gradient(x, y, axis=1), np.gradient(x, [0, 1, 3], axis=0)], M, V, kinds="f"),
    case("trapezoid", lambda x: [np.trapezoid(x), np.trapezoid(x, dx=0.5, axis=1)], N),
    case(
        "trapezoid at", lambda x, y: [np.trapezoid(x, y), np.trapezoid(x, x), np.trapezoid(x, [0, 1, 4], axis=1)], N, V
    ),
    case("ptp", lambda x: [np.ptp(x), np.ptp(x, axis=0), np.ptp(x, axis=1, keepdims=True)], M, **REAL),
    case("polyval", lambda x, y: [np.polyval(x, y), np.polyval([1, 2, 3], y)], V, M),
    case(
        "linspace",
        lambda x: [np.linspace(0, x[0, ...], 4), np.linspace(x[0, ...], x[1, ...], 3, endpoint=False)],
        V,
        **FLOATS,
    ),
    case("select", lambda x, y: np.select([x > 1, x > 0], [x, y], 7), M, N[1], **REAL),
    case("pad", lambda x: [np.pad(x, 1), np.pad(x, (1, 2), constant_values=3), np.pad(x, 1, mode="edge")], M),
    case("pad by place", lambda x: [np.pad(x, ((0, 1), (2, 0)), m) for m in ("reflect", "symmetric", "wrap")], M),
    case("windows", lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2)), M),
    case(
        "round",
        lambda x: [np.round(x), np.around(x, 1), np.trunc(x) if type(x) is np.ndarray else np.fix(x)],
        M,
        kinds="f",
        flows=False,
    ),
    case("round tens", lambda x: np.round(x, -1), 9 * M, kinds="f", flows=False),
    case("real", lambda x: [np.real(x), np.imag(1j * x)], M),
    case("imag", lambda x: np.imag(x), M, kinds="fi", flows=False),
    case("nan_to_num", lambda x: np.nan_to_num(np.where(M > 1, np.nan, x), nan=2.0), M, kinds="f"),
    case("nan_to_num", lambda x: np.nan_to_num(np.where(M > 1, np.inf, -x), posinf=1.0, neginf=2.0), M, kinds="f"),
    case("nan_to_num", np.nan_to_num, M),
    case("bincount", lambda w: [np.bincount(ORDER, w, 5), np.bincount(ORDER, weights=w)], V, kinds="f"),
    case("cumulative_sum", lambda x: [np.cumsum(x), np.cumprod(x, axis=1), np.cumsum(x, 0, np.complex128)], M),
    case("sum", lambda x: [np.sum(x), np.mean(x, axis=(0, 1)), np.prod(x, axis=0, keepdims=True)], N),
    case("var", lambda x: [np.var(x), np.std(x, axis=0, ddof=1), np.nanvar(x, keepdims=True), np.nanstd(x, 0)], M),
    case(
        "max", lambda x: [np.max(x), np.amin(x, axis=0), np.nanmax(x, 0), np.median(x), np.nanmedian(x, 1)], M, **REAL
    ),
    case("quantile", lambda x: [np.quantile(x, 0.3), np.nanpercentile(x, [10, 60], axis=1)], M, **REAL),
    case("quantile", lambda x: np.quantile(x, np.asarray([0.1, 0.8]), 0, method="hazen", keepdims=True), M, **REAL),
    case("truths", lambda x: [np.all(x, axis=0), np.any(x > 0), np.count_nonzero(x > 0, axis=1)], M, **REAL, **CUT),
    case("argmax", lambda x: [np.argmax(x), np.argmin(x, axis=0), np.argmax(x, 1, keepdims=True)], M, **REAL, **CUT),
    case("flatnonzero", lambda x: [np.flatnonzero(x > 0), np.argwhere(x > 0)], M, **REAL, **CUT),
    case(
        "searchsorted",
        lambda x: [np.searchsorted(np.sort(x), x[::-1]), np.searchsorted(np.sort(x), 0.2)],
        V,
        kinds="f",
        flows=False,
    ),
    case("isin", lambda x: [np.isin(x, x[0, ...]), np.isin(x, [1, 2], invert=True)], M, kinds="i", flows=False),
    case("outlines", lambda x: [np.shape(x), np.ndim(x), np.size(x), np.iscomplexobj(x), np.isrealobj(x)], N, **CUT),
    case("norm", lambda x: [np.linalg.norm(x), np.linalg.norm(x, axis=1), np.linalg.norm(x, axis=(2, 1))], N),
    case("norm of vectors", lambda x: [np.linalg.norm(x, p, axis=-1, keepdims=True) for p in (1, 2, 3.5, np.inf)], M),
    case("norm of least", lambda x: np.linalg.norm(x, -np.inf, axis=0), M),
    case("norm of matrices", lambda x: [np.linalg.norm(x, p) for p in (1, -1, 2, -2, np.inf, "fro", "nuc")], Q),
    case(
        "norm kept", lambda x: [np.linalg.norm(x, 1, axis=(2, 0), keepdims=True), np.linalg.norm(x, keepdims=True)], N
    ),
    case("vector_norm", lambda x: [np.linalg.vector_norm(x, axis=0, ord=3), np.linalg.matrix_norm(x)], N),
    case("inv", lambda x: [np.linalg.inv(x), np.linalg.det(x), np.linalg.pinv(x[:, :2]), *np.linalg.slogdet(x)], S),
    case("solve", lambda x, y: [np.linalg.solve(x, y), np.linalg.solve(x, y[0, ...])], S, Q),
    case("cholesky", lambda x: [np.linalg.cholesky(x + x.T), np.linalg.eigvalsh(x + x.T)], S, kinds="f"),
    case("eigh", lambda x: np.linalg.eigh(x + x.T)[0], S, kinds="f"),
    case("svd", lambda x: [np.linalg.svd(x)[1], np.linalg.svd(x, compute_uv=False), np.linalg.svdvals(x)], M),
    case("svd reduced", lambda x: composed(*np.linalg.svd(x, full_matrices=False)), M),
    case("qr", lambda x: [abs(np.linalg.qr(x).R), abs(np.linalg.qr(x, mode="r"))], M, kinds="f"),
    case("matrix_power", lambda x: [np.linalg.matrix_power(x, 3), np.linalg.multi_dot([x, x, x[0, ...]])], S, **FLOATS),
    case("matrix_rank", np.linalg.matrix_rank, S, **CUT),
    case("linalg products", lambda x, y: [np.linalg.matmul(x, y), np.linalg.vecdot(x, y), np.linalg.trace(x)], S, Q),
    case(
        "linalg products", lambda x, y: [np.linalg.cross(x, y), np.linalg.tensordot(x, y), np.linalg.diagonal(x)], S, Q
    ),
    case("matrix_transpose", lambda x: [np.matrix_transpose(x), np.linalg.matrix_transpose(x)], N),
    case("fft", lambda x: [np.fft.fft(x), np.fft.ifft(x, 6, 0), np.fft.fft(x, norm="ortho"), np.fft.ihfft(x.real)], M),
    case("fftn", lambda x: [np.fft.fftn(x), np.fft.ifft2(x), np.fft.fftn(x, (2, 5), (0, 1)), np.fft.fft2(x)], N),
    case("ifftn", lambda x: [np.fft.ifftn(x), np.fft.ifftn(x, (4, 2), axes=(2, 0), norm="ortho")], N),
    case("rfft", lambda x: [np.fft.rfft(x), np.fft.rfftn(x, axes=(1, 0)), np.fft.rfft2(x, norm="forward")], N, **REAL),
    case("irfft", lambda x: [np.fft.irfft(x), np.fft.irfftn(x), np.fft.irfft2(x), np.fft.hfft(x)], N),
    case("fftshift", lambda x: [np.fft.fftshift(x), np.fft.ifftshift(x, axes=1)], M),
]
KINDS = [pytest.param(one, kind, id=f"{one.name}-{kind}".replace(" ", "_")) for one in CASES for kind in one.kinds]


def as_kind(host: Any, kind: str) -> Any:
    if kind == "i":
        return np.round(9 * host).astype("int64")
    return host + 1j * host[..., ::-1] / 3 if kind == "c" else host


def parts(found: Any) -> list[Any]:
    return [part for one in found for part in parts(one)] if isinstance(found, (list, tuple)) else [found]


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("one", "kind"), KINDS)
def test_counterparts_give_what_numpy_gives(one: Case, kind: str, device: Any, backend: Any, float64: None) -> None:
    hosts = [as_kind(host, kind) for host in one.arrays]
    wanted = parts(one.call(*hosts))
    arrays = [xdbr.Variable(host, device=device) for host in hosts]
    leaves = [xdbr.Variable(host, device=device, requires_grad=kind != "i") for host in hosts]
    for given in (arrays, leaves):
        found = parts(one.call(*given))
        assert len(found) == len(wanted)
        for y, right in zip(found, wanted, strict=True):
            if isinstance(right, (bool, int)):
                assert type(y) is type(right) and y == right
                continue
            if type(y) is xdbr.Variable:
                assert y.device == device
            else:  # what was made of Variables over NumPy that need no gradient
                assert backend.is_host and type(y) is type(right)
            assert y.shape == np.shape(right)
            assert y.dtype.kind == right.dtype.kind
            assert_allclose(y, right, rtol=1e-9, atol=1e-12)
            assert getattr(y, "requires_grad", False) <= (given is leaves)
    if kind == "i" or not one.flows:
        return
    assert [getattr(y, "requires_grad", False) for y in found] == [y.dtype.kind in "fc" for y in found]
    check_grads(lambda *xs: parts(one.call(*xs)), arrays, order=1, directions=1)


# -- what is there ---------------------------------------------------------------------------------------------

SINCE = {"2.1.0": {"unstack", "astype", "cumulative_sum", "cumulative_prod"}}


def test_each_counterpart_is_of_a_function_of_numpy_and_tested() -> None:
    assert not COUNTERPARTS.keys() & (INSPECTIONS | OUTLINES) and not INSPECTIONS & OUTLINES
    text = Path(__file__).read_text() + Path(__file__).with_name("test_drop_in.py").read_text()
    for name in COUNTERPARTS:
        function: Any = np
        for part in name.split("."):
            function = getattr(function, part, None)
        assert function is not None or any(name in names and np.__version__ < v for v, names in SINCE.items()), name
        assert re.search(rf"\b{name.split('.')[-1].removeprefix('nan')}\b", text.replace(".nan", ".")), (
            f"no test of {name}"
        )


def test_the_newest_functions_of_numpy(device: Any) -> None:
    pytest.importorskip("numpy", minversion="2.1.0")
    x = xdbr.Variable(M, requires_grad=True, device=device)
    assert [y.requires_grad for y in np.unstack(x, axis=1)] == [True] * 4
    assert_allclose(np.astype(x, np.float32), M.astype("float32"))
    assert_allclose(
        np.cumulative_sum(x, axis=1, include_initial=True), np.cumulative_sum(M, axis=1, include_initial=True)
    )
    assert_allclose(np.cumulative_prod(x, axis=0), np.cumulative_prod(M, axis=0))


def test_eigenvalues_of_any_matrix(device: Any, float64: None) -> None:
    # NumPy gives complex ones from version 2.5 on, and as the standard has it.
    x = xdbr.Variable(Q, requires_grad=True, device=device)
    values, vectors = np.linalg.eig(x)
    assert values.requires_grad and values.dtype.kind == "c"
    assert_allclose(np.sort_complex(to_host(values)), np.sort_complex(np.linalg.eigvals(Q)))
    assert_allclose(vectors @ (values[:, None] * np.linalg.inv(vectors)), Q + 0j, atol=1e-12)
    assert_allclose(np.sort_complex(to_host(np.linalg.eigvals(x))), np.sort_complex(np.linalg.eigvals(Q)))


def test_import_imports_nothing_more_of_numpy() -> None:
    code = """
import sys, numpy
before = set(sys.modules)
import xdbr
print(sorted(name for name in set(sys.modules) - before if name.startswith("numpy")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- ways of calling ---------------------------------------------------------------------------------------------


def test_options_that_say_nothing(device: Any) -> None:
    x = xdbr.Variable(M, requires_grad=True, device=device)
    for y in (
        np.sum(x, axis=None, dtype=None, out=None),
        np.concatenate([x, x], out=None, casting="same_kind"),
        np.copy(x, order="K", subok=False),
        np.median(x, out=None, overwrite_input=True),
        np.clip(x, 0, 1, out=None),
        np.transpose(a=x, axes=None),
        np.pad(array=x, pad_width=1),
    ):
        assert type(y) is xdbr.Variable and y.requires_grad


CONVERTED: dict[str, Callable[[Any], Any]] = {
    "out": lambda x: np.sum(x, axis=0, out=np.zeros(4)),
    "out by position": lambda x: np.sum(x, 0, None, np.zeros(4)),
    "where": lambda x: np.mean(x, where=M > 0),
    "initial": lambda x: np.max(x, initial=3.0),
    "mode": lambda x: np.take(x, 20, mode="wrap"),
    "order": lambda x: np.ravel(x, order="K"),
    "a method": lambda x: np.quantile(x, 0.3, method="inverted_cdf"),
    "weights": lambda x: np.quantile(x, 0.3, weights=M**2, method="inverted_cdf"),
    "mode of pad": lambda x: np.pad(x, 1, mode="linear_ramp"),
    "hermitian": lambda x: np.linalg.svd(x[:, :3], hermitian=True),
    "raw": lambda x: np.linalg.qr(x, mode="raw"),
    "UPLO": lambda x: np.linalg.eigvalsh(x[:, :3], UPLO="U"),
    "lists for einsum": lambda x: np.einsum(x, [0, 1], [1]),
    "retstep": lambda x: np.linspace(0, x[0, 0], 3, retstep=True),
    "vectors for linspace": lambda x: np.linspace(x[0, ...], 1, 3),
    "no counterpart": lambda x: np.unwrap(x),
}


@pytest.mark.parametrize("way", CONVERTED)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_has_no_counterpart_converts_or_refuses(way: str, device: Any) -> None:
    call = CONVERTED[way]
    for y, right in zip(parts(call(xdbr.Variable(M, device=device))), parts(call(M)), strict=True):
        assert type(y) is type(right) and np.array_equal(y, right)
    with pytest.raises(xdbr.GradientError, match=r"^numpy\.\S+ of a Variable that needs gradient .* x\.detach\(\) "):
        call(xdbr.Variable(M, requires_grad=True, device=device))


def test_dtypes_without_a_counterpart(device: Any) -> None:
    z = xdbr.Variable(V + 1j * W, device=device)
    for f in (np.sort, np.max, np.median):
        assert np.array_equal(f(z), f(V + 1j * W))
    z.requires_grad = True
    for f in (np.sort, np.max, np.median):
        with pytest.raises(xdbr.GradientError, match="takes no complex numbers"):
            f(z)
    whole = xdbr.asarray([[1, 2], [3, 4]], device=device)
    assert np.linalg.matrix_power(whole, 2).tolist() == [[7, 10], [15, 22]]
    assert np.sum(whole > 1).item() == 3 and np.nansum(whole).item() == 10 and np.max(whole > 1).dtype == bool


def test_arrays_of_numpy_go_where_the_variable_is(device: Any) -> None:
    x = xdbr.Variable(M, requires_grad=True, device=device)
    for y in (
        np.dot(M.T, x),
        np.concatenate([M, x, x.detach()]),
        np.where(M > 0, x, M),
        np.outer(np.float64(2), x),
        np.linalg.solve(S, x),
        np.average(x, weights=M**2),
        np.concatenate([x[0, :], [x[0, 0], 1.0]]),
    ):
        assert type(y) is xdbr.Variable and y.requires_grad and y.device == device and y.dtype == np.float64


@pytest.mark.parametrize("name", ["swapaxes", "reshape", "split", "array_split", "average", "cov", "norm", "transpose"])
def test_errors_are_those_of_numpy(name: str, device: Any) -> None:
    call: Callable[[Any], Any] = {
        "swapaxes": lambda x: np.swapaxes(x, 0, 5),
        "reshape": lambda x: np.reshape(x, (5, 5)),
        "split": lambda x: np.split(x, 5),
        "array_split": lambda x: np.array_split(x, 0),
        "average": lambda x: np.average(x, axis=0, weights=[1.0, 2.0]),
        "cov": lambda x: np.cov(x[:, :, None]),
        "norm": lambda x: np.linalg.norm(x[:, :, None], 2),
        "transpose": lambda x: np.transpose(x, (0, 2)),
    }[name]
    for x in (M, xdbr.Variable(M, requires_grad=True, device=device)):
        with pytest.raises(ValueError, match="."):
            call(x)


# -- under vmap ------------------------------------------------------------------------------------------------

BATCHED: dict[str, Callable[[Any], Any]] = {
    "mean": lambda x: np.mean(x, axis=0),
    "nanmax": lambda x: np.nanmax(x, axis=1),
    "concatenate": lambda x: np.concatenate([x, M, x[:1, :]]),
    "where": lambda x: np.where(x > 0, x, 2.0),
    "dot": lambda x: np.dot(x, [0.5, 1.0, 2.0, 4.0]),
    "norm": lambda x: np.linalg.norm(x, axis=-1),
    "cov": np.cov,
    "clip": lambda x: np.clip(x, -1.0, x[0, :] + 0.5),
    "shape": lambda x: x * np.shape(x)[1] + np.ndim(x),
    "argmax": lambda x: np.take(x, np.argmax(x)),
    "fft": lambda x: np.fft.rfft(x),
    "gradient": lambda x: np.gradient(x, axis=0),
    "full_like": lambda x: np.full_like(x, x[0, 0]) * x,
    "pad": lambda x: np.pad(x, 1, mode="edge"),
}


@pytest.mark.parametrize("name", BATCHED)
def test_under_vmap(name: str, float64: None) -> None:
    found = xdbr.vmap(BATCHED[name])(xdbr.asarray(N))
    assert_allclose(found, np.stack([BATCHED[name](one) for one in N]))
    gradients = xdbr.vmap(xdbr.grad(lambda x: xdbr.sum(abs(BATCHED[name](x)) ** 2)))(xdbr.asarray(N))
    one_by_one = [xdbr.grad(lambda x: xdbr.sum(abs(BATCHED[name](x)) ** 2))(xdbr.asarray(one)) for one in N]
    assert_allclose(gradients, np.stack([to_host(g) for g in one_by_one]))


def test_ufuncs_after_functions(device: Any) -> None:
    """Variables over NumPy that need no gradient are NumPy's arrays to NumPy, to its ufuncs too."""
    x = xdbr.asarray(M, device=device)
    if x.device == "numpy":
        assert np.sqrt(np.mean(x * x)) == pytest.approx(np.sqrt(np.mean(M * M)), rel=1e-6)


def test_xarray_stays_on_the_device(device: Any) -> None:
    xr = pytest.importorskip("xarray", reason="xarray is not installed")
    found = xr.DataArray(xdbr.Variable([1.0, 2.0], device=device, requires_grad=device == "numpy")).mean().data
    assert type(found) is xdbr.Variable and found.device == device and found.item() == 1.5


def test_xarray_under_vmap() -> None:
    xr = pytest.importorskip("xarray", reason="xarray is not installed")
    found = xdbr.vmap(lambda v: xr.DataArray(v).mean().data)(xdbr.asarray(M))
    assert_allclose(found, M.mean(axis=1), rtol=1e-6)
