"""Calls of SciPy's chapters but `special` and `stats`."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from scipy import (
    cluster,
    constants,
    differentiate,
    fft,
    integrate,
    interpolate,
    linalg,
    ndimage,
    optimize,
    signal,
    spatial,
)
from scipy.optimize import elementwise
from scipy.spatial.transform import RigidTransform, Rotation, Slerp

from .._call import Call, Refusal, namespace_of, normal, positive, uniform

__all__ = ["CALLS", "REFUSALS"]

X = normal(5, 6)
P = positive(5)
S = normal(40)
H = normal(7, seed=2)
C = normal(4, 6) + 1j * normal(4, 6, seed=1)
Q = normal(3, 4)

# What NumPy says where it is asked to compute with a Variable itself.
UFUNC = "does not support ufuncs"


def exponential_integrand(x, a):
    """Give exp(-a x^2)."""
    return namespace_of(x, a).exp(-a * x * x)


def taps(x):
    """Give the coefficients of a filter."""
    xp = namespace_of(x)
    return xp.asarray([1.0, 0.5]), xp.asarray([1.0])


def infinite(a):
    """Give the limits of an integral over all real numbers, as arrays."""
    xp = namespace_of(a)
    return xp.asarray(-np.inf, dtype=a.dtype), xp.asarray(np.inf, dtype=a.dtype)


def series_term(k, a):
    """Give 1 / (k^2 + a)."""
    return 1 / (k * k + a)


def mixed(x):
    """Give a function of two variables with values in one."""
    return x[0, ...] ** 2 * x[1, ...] + namespace_of(x).sin(x[1, ...])


def three(x):
    """Give a function of two variables with values in three."""
    xp = namespace_of(x)
    return xp.stack([x[0, ...] * x[1, ...], xp.sin(x[0, ...]), x[1, ...] ** 3])


def cubature_of(a):
    """Integrate cos(x . a) over a square."""
    xp = namespace_of(a)
    box = xp.zeros(2, dtype=a.dtype), xp.ones(2, dtype=a.dtype)
    return integrate.cubature(lambda x: xp.cos(xp.sum(x * a, axis=-1)), *box, rtol=1e-10).estimate


def root_of(a):
    """Find the root of x^3 + a x - 1."""
    xp = namespace_of(a)
    ends = xp.zeros_like(a), xp.ones_like(a)
    return elementwise.find_root(lambda x, a: x**3 + a * x - 1, ends, args=(a,)).x


def minimum_of(a):
    """Find the minimal value of (x - a)^2 + exp(a)."""
    xp = namespace_of(a)
    ends = a - 5.0, a + 0.1, a + 5.0
    return elementwise.find_minimum(lambda x, a: (x - a) ** 2 + xp.exp(a), ends, args=(a,)).f_x


def rotations(quaternions):
    """Give what rotations can be expressed as."""
    turn = Rotation.from_quat(quaternions)
    return turn.as_matrix(), turn.as_rotvec(), turn.as_euler("xyz"), turn.as_mrp(), turn.magnitude()


CALLS = [
    # integrate
    Call(
        "integrate.tanhsinh args, finite",
        lambda a: integrate.tanhsinh(exponential_integrand, 0.0 * a, 1.0 + 0.0 * a, args=(a,)).integral,
        (P,),
    ),
    Call(
        "integrate.tanhsinh args, infinite",
        lambda a: integrate.tanhsinh(exponential_integrand, *infinite(a), args=(a,)).integral,
        (P,),
        lambda cotangents, a: [cotangents[0] * -0.5 * np.sqrt(np.pi) * a**-1.5],
    ),
    Call(
        "integrate.tanhsinh args, half infinite",
        lambda a: integrate.tanhsinh(exponential_integrand, 0.0 * a, infinite(a)[1], args=(a,)).integral,
        (P,),
    ),
    Call(
        "integrate.tanhsinh by its limits",
        lambda a, b: integrate.tanhsinh(namespace_of(a).exp, a, b).integral,
        (-P, P),
        lambda cotangents, a, b: [-cotangents[0] * np.exp(a), cotangents[0] * np.exp(b)],
    ),
    Call(
        "integrate.tanhsinh log",
        lambda a: integrate.tanhsinh(lambda x, a: -a * x, 0.0 * a, 1 + 0.0 * a, args=(a,), log=True).integral,
        (P,),
    ),
    Call("integrate.cubature", cubature_of, (np.asarray([0.7, 1.3]),)),
    Call(
        "integrate.nsum to infinity",
        lambda a: integrate.nsum(series_term, 1.0 + 0 * a, np.inf, args=(a,)).sum,
        (P,),
        lambda cotangents, a: [
            cotangents[0]
            * (
                (1 - np.pi * np.sqrt(a) / np.tanh(np.pi * np.sqrt(a))) / (2 * a**2)
                + (
                    np.pi / np.tanh(np.pi * np.sqrt(a)) / (2 * np.sqrt(a))
                    - np.pi**2 / 2 / np.sinh(np.pi * np.sqrt(a)) ** 2
                )
                / (2 * a)
            )
        ],
    ),
    Call("integrate.nsum finite", lambda a: integrate.nsum(series_term, 1.0 + 0 * a, 20.0, args=(a,)).sum, (P,)),
    Call("integrate.trapezoid", lambda y, x: integrate.trapezoid(y, x, axis=-1), (X, np.sort(positive(6)))),
    Call("integrate.romb", lambda y: integrate.romb(y, dx=0.3, axis=0), (X,)),
    Call("integrate.cumulative_trapezoid", lambda y: integrate.cumulative_trapezoid(y, dx=0.3, initial=0), (X,)),
    Call("integrate.cumulative_simpson", lambda y: integrate.cumulative_simpson(y, dx=0.3, axis=1), (X,)),
    # optimize
    Call("optimize.elementwise.find_root", root_of, (P,)),
    Call("optimize.elementwise.find_minimum", minimum_of, (P,)),
    Call("optimize.rosen", optimize.rosen, (X,)),
    Call("optimize.rosen_der", optimize.rosen_der, (positive(6),)),
    Call("optimize.rosen_hess", optimize.rosen_hess, (positive(5),)),
    Call("optimize.rosen_hess_prod", optimize.rosen_hess_prod, (positive(5), normal(5))),
    # differentiate
    Call(
        "differentiate.derivative",
        lambda x: differentiate.derivative(namespace_of(x).sin, x).df,
        (P,),
        lambda cotangents, x: [-cotangents[0] * np.sin(x)],
    ),
    Call(
        "differentiate.derivative args",
        lambda x, a: differentiate.derivative(exponential_integrand, x, args=(a,)).df,
        (P, P + 1),
        rtol=1e-4,
    ),
    Call("differentiate.jacobian", lambda x: differentiate.jacobian(three, x).df, (np.asarray([0.4, 1.2]),), rtol=1e-4),
    Call("differentiate.hessian", lambda x: differentiate.hessian(mixed, x).ddf, (np.asarray([0.4, 1.2]),), rtol=1e-3),
    # signal
    Call("signal.fftconvolve", signal.fftconvolve, (S, H)),
    Call("signal.fftconvolve axes, same", lambda a, b: signal.fftconvolve(a, b, "same", axes=1), (X, normal(5, 3))),
    Call("signal.oaconvolve", signal.oaconvolve, (S, H)),
    Call("signal.oaconvolve valid", lambda a, b: signal.oaconvolve(a, b, "valid"), (S, H)),
    Call("signal.convolve fft", lambda a, b: signal.convolve(a, b, method="fft"), (S, H)),
    Call("signal.correlate fft", lambda a, b: signal.correlate(a, b, method="fft"), (S, H)),
    Call("signal.hilbert", signal.hilbert, (X,)),
    Call("signal.hilbert2", signal.hilbert2, (X,)),
    Call("signal.envelope", lambda x: signal.envelope(x, (1, 8)), (S,)),
    Call("signal.resample", lambda x: signal.resample(x, 25), (S,)),
    Call("signal.resample up", lambda x: signal.resample(x, 9, axis=1), (X,)),
    Call("signal.vectorstrength", lambda x: signal.vectorstrength(x, 1.3), (P,)),
    Call("signal.freqz_zpk", lambda z: signal.freqz_zpk(z, z * 0.3, 1.0, worN=8)[1], (uniform(3, low=0.2, high=0.7),)),
    Call("signal.bilinear_zpk", lambda z: signal.bilinear_zpk(z[:2], z, 1.0, 10.0), (-P,)),
    Call("signal.lp2lp_zpk", lambda z: signal.lp2lp_zpk(z[:2], z, 1.0, 3.0), (-P,)),
    Call("signal.lp2bp_zpk", lambda z: signal.lp2bp_zpk(z[:2], z, 1.0, 0.05, 3.0), (-P,)),
    Call("signal.gauss_spline", lambda x: signal.gauss_spline(x, 3), (X,)),
    # spatial
    Call("Rotation from_quat, as_*", rotations, (Q,)),
    Call(
        "Rotation.from_rotvec, apply",
        lambda r, v: Rotation.from_rotvec(r).apply(v),
        (normal(3, 3), normal(3, 3, seed=1)),
    ),
    Call("Rotation.from_euler", lambda e: Rotation.from_euler("zyx", e).as_quat(), (uniform(4, 3),)),
    Call("Rotation.from_matrix", lambda m: Rotation.from_matrix(m).as_rotvec(), (np.eye(3) + 0.2 * normal(3, 3),)),
    Call("Rotation.from_mrp", lambda m: Rotation.from_mrp(m).as_matrix(), (uniform(4, 3),)),
    Call(
        "Rotation product, inverse, power",
        lambda a, b: ((Rotation.from_quat(a) * Rotation.from_quat(b).inv()) ** 0.4).as_matrix(),
        (Q, normal(3, 4, seed=1)),
    ),
    Call("Rotation.mean", lambda q: Rotation.from_quat(q).mean().as_matrix(), (np.asarray([0, 0, 0, 2]) + 0.5 * Q,)),
    Call(
        "Rotation.align_vectors",
        lambda a, b: Rotation.align_vectors(a, b)[0].as_matrix(),
        (normal(5, 3), normal(5, 3, seed=1)),
    ),
    Call(
        "Rotation.concatenate, index",
        lambda q: Rotation.concatenate([Rotation.from_quat(q), Rotation.from_quat(q[::-1, :])])[1:4].as_matrix(),
        (Q,),
    ),
    Call(
        "Rotation.as_davenport",
        lambda q: Rotation.from_quat(q).as_davenport(namespace_of(q).eye(3, dtype=q.dtype), "extrinsic"),
        (Q,),
    ),
    Call("Slerp", lambda q: Slerp([0.0, 1.0, 2.0], Rotation.from_quat(q))([0.3, 1.4]).as_matrix(), (Q,)),
    Call(
        "RigidTransform",
        lambda r, t: RigidTransform.from_components(t, Rotation.from_rotvec(r)).as_matrix(),
        (normal(3, 3), normal(3, 3, seed=1)),
    ),
    Call(
        "RigidTransform.apply, inv",
        lambda r, t: RigidTransform.from_components(t, Rotation.from_rotvec(r)).inv().apply(t),
        (normal(3, 3), normal(3, 3, seed=1)),
    ),
    Call("RigidTransform.from_exp_coords", lambda e: RigidTransform.from_exp_coords(e).as_matrix(), (normal(3, 6),)),
    Call("RigidTransform.as_dual_quat", lambda e: RigidTransform.from_exp_coords(e).as_dual_quat(), (normal(3, 6),)),
    # linalg
    Call(
        "linalg.orthogonal_procrustes",
        lambda a, b: linalg.orthogonal_procrustes(a, b)[0],
        (normal(6, 3), normal(6, 3, seed=1)),
    ),
    Call("linalg.fiedler", lambda a: linalg.fiedler(a), (normal(5),)),
    Call("linalg.block_diag", linalg.block_diag, (normal(2, 2), normal(3, 2))),
    # fft
    *(
        Call(f"fft.{name}", getattr(fft, name), (x,))
        for x, names in (
            (C, "fft ifft fft2 ifft2 fftn ifftn hfft hfft2 hfftn irfft irfft2 irfftn"),
            (X, "rfft rfft2 rfftn ihfft ihfft2 ihfftn"),
        )
        for name in names.split()
    ),
    Call("fft.fft n, norm", lambda x: fft.fft(x, n=8, norm="ortho"), (X,)),
    Call("fft.fftshift", lambda x: fft.ifftshift(fft.fftshift(x)) * fft.fftshift(x), (X,)),
    Call("fft.fht", lambda x: fft.fht(x, 0.1, 1.0), (positive(8),)),
    Call("fft.ifht", lambda x: fft.ifht(x, 0.1, 1.0), (positive(8),)),
    # interpolate, cluster, ndimage, constants
    Call("cluster.vq.whiten", cluster.vq.whiten, (X,)),
    Call("constants.convert_temperature", lambda x: constants.convert_temperature(x, "C", "F"), (X,)),
    Call("constants.lambda2nu", lambda x: constants.lambda2nu(x) * 1e-8, (P,)),
    Call("constants.nu2lambda", lambda x: constants.nu2lambda(x) * 1e-8, (P,)),
]

REFUSALS: list[Refusal] = [
    Refusal(
        "integrate.fixed_quad",
        lambda b: integrate.fixed_quad(np.exp, 0, b, n=5)[0],
        (np.asarray(0.7),),
        works=False,
        said=UFUNC,
    ),
    Refusal("signal.detrend constant", lambda x: signal.detrend(x, type="constant"), (X,)),
    Refusal("signal.detrend linear", lambda x: signal.detrend(x, axis=0), (X,)),
    Refusal("signal.czt", lambda x: signal.czt(x, 8), (X,)),
    Refusal("signal.zpk2tf", lambda z: signal.zpk2tf(z[:2], z, 1.0)[0], (uniform(3, low=0.2, high=0.7),)),
    Refusal("signal.cspline1d_eval", lambda c: signal.cspline1d_eval(c, namespace_of(c).asarray([1.2, 3.4])), (S,)),
    Refusal(
        "interpolate.RBFInterpolator",
        lambda y, d: interpolate.RBFInterpolator(y, d)(y + 0.1),
        (normal(6, 2), normal(6)),
        works=False,
        said="no attribute 'view'",
    ),
    Refusal("cluster.vq.kmeans2", lambda x: cluster.vq.kmeans2(x, 2, seed=1)[0], (X,)),
    Refusal("cluster.vq.vq", lambda x: cluster.vq.vq(x, x[:2, :])[1], (X,)),
    Refusal("cluster.hierarchy.linkage", lambda x: cluster.hierarchy.linkage(x), (X,)),
    Refusal("signal.lfilter", lambda x: signal.lfilter(*taps(x), x), (S,)),
    Refusal("signal.filtfilt", lambda x: signal.filtfilt(*taps(x), x), (S,)),
    Refusal(
        "signal.sosfilt",
        lambda x: signal.sosfilt(namespace_of(x).asarray(signal.butter(2, 0.3, output="sos")), x),
        (S,),
    ),
    Refusal("signal.convolve direct", lambda x, h: signal.convolve(x, h, method="direct"), (S, H)),
    Refusal("signal.convolve2d", signal.convolve2d, (X, normal(2, 2))),
    Refusal("signal.medfilt", signal.medfilt, (S,)),
    Refusal("signal.resample_poly", lambda x: signal.resample_poly(x, 2, 3), (S,)),
    Refusal("signal.savgol_filter", lambda x: signal.savgol_filter(x, 5, 2), (S,)),
    Refusal("signal.welch", lambda x: signal.welch(x, nperseg=16)[1], (S,)),
    Refusal("ndimage.gaussian_filter", lambda x: ndimage.gaussian_filter(x, 1.0), (X,)),
    Refusal("ndimage.zoom", lambda x: ndimage.zoom(x, 2.0), (X,)),
    Refusal(
        "ndimage.map_coordinates",
        lambda x: ndimage.map_coordinates(x, namespace_of(x).asarray([[0.5, 1.5], [0.5, 1.5]])),
        (X,),
    ),
    Refusal("ndimage.median", ndimage.median, (X,)),
    Refusal("ndimage.label", lambda x: ndimage.label(x)[0], (X,)),
    Refusal(
        "interpolate.CubicSpline",
        lambda y: interpolate.CubicSpline(namespace_of(y).arange(5.0), y)(namespace_of(y).asarray([1.3])),
        (P,),
    ),
    Refusal(
        "interpolate.make_interp_spline",
        lambda y: interpolate.make_interp_spline(namespace_of(y).arange(5.0), y)(namespace_of(y).asarray([1.3])),
        (P,),
    ),
    Refusal("interpolate.interp1d", lambda y: interpolate.interp1d(np.arange(5.0), y)(1.3), (P,)),
    Refusal("spatial.distance.cdist", lambda x: spatial.distance.cdist(x, x), (X,)),
    Refusal("spatial.distance.pdist", spatial.distance.pdist, (X,)),
    Refusal("spatial.cKDTree", lambda x: spatial.cKDTree(x).query([0.0] * 6)[0], (X,)),
    Refusal("linalg.svd", lambda x: linalg.svd(x)[1], (X,)),
    Refusal("linalg.expm", linalg.expm, (normal(3, 3),)),
    Refusal("linalg.solve", linalg.solve, (normal(3, 3), normal(3))),
    Refusal("linalg.norm", linalg.norm, (X,)),
    Refusal("fft.dct", fft.dct, (X,)),
    Refusal("integrate.quad", lambda a: integrate.quad(lambda x: float(x * a), 0, 1)[0], (np.asarray(0.7),)),
    Refusal("integrate.solve_ivp", lambda y: integrate.solve_ivp(lambda t, y: -y, (0, 1), y).y, (P,)),
    Refusal("optimize.minimize", lambda x: optimize.minimize(lambda y: float(np.sum(y**2)), x).x, (P,)),
    Refusal("optimize.brentq", lambda a: optimize.brentq(lambda x: float(x - a), 0, 1), (np.asarray(0.7),)),
    Refusal("optimize.linear_sum_assignment", lambda a: optimize.linear_sum_assignment(a)[0], (X,)),
]

# Calls that take arrays of other libraries from SciPy 1.18 on, and leave the world of arrays before.
for row in (("integrate.simpson", lambda y: integrate.simpson(y, dx=0.3, axis=0), (X,)),):
    if version("scipy") >= "1.18":
        CALLS.append(Call(*row))
    else:
        REFUSALS.append(Refusal(*row))
