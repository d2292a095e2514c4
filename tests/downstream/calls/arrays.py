"""Calls of libraries on arrays: einops, array-api-extra, xarray."""

from __future__ import annotations

import array_api_extra as xpx
import einops
import einops.array_api
import numpy as np
import xarray as xr

from .._call import Call, Refusal, namespace_of, normal, positive

__all__ = ["CALLS", "REFUSALS"]

X = normal(2, 3, 4)
M = normal(4, 3)
V = normal(6)
P = positive(3, 4)


def data(out):
    """Give the array in a `DataArray` or a variable of xarray."""
    return out.variable._data if hasattr(out, "variable") else out._data


def frame(x, *dims):
    """Give an array with named axes."""
    return xr.DataArray(x, dims=dims or tuple("abcd"[: len(x.shape)]))


def labelled(x):
    """Give a matrix with coordinates."""
    return xr.DataArray(x, dims=("a", "b"), coords={"a": np.arange(x.shape[0]), "b": list("xyzw"[: x.shape[1]])})


def written(x, change):
    """Give a copy of `x` that `change` has written to, beside `x` itself."""
    xp = namespace_of(x)
    y = xp.asarray(x, copy=True)
    return change(xpx.at(y))


CALLS = [
    # einops
    Call("einops.rearrange", lambda x: einops.rearrange(x, "a b c -> (c a) b") ** 2, (X,)),
    Call("einops.rearrange split", lambda x: einops.rearrange(x, "a b (c d) -> d b (a c)", d=2) ** 2, (X,)),
    Call("einops.rearrange list", lambda x, y: einops.rearrange([x, y], "n a b -> a (n b)") ** 2, (M, M + 1)),
    Call("einops.rearrange new axis", lambda x: einops.rearrange(x, "a b -> b 1 a") ** 2, (M,)),
    *(
        Call(f"einops.reduce {how}", lambda x, how=how: einops.reduce(x, "a b c -> b", how), (X,))
        for how in ("sum", "mean", "max", "min", "prod")
    ),
    Call("einops.reduce pooling", lambda x: einops.reduce(x, "a b (c d) -> a c", "max", d=2), (X,)),
    Call("einops.reduce keeps axes", lambda x: einops.reduce(x, "a b c -> a 1 1", "mean") - x, (X,)),
    Call("einops.reduce callable", lambda x: einops.reduce(x, "a b c -> a b", lambda t, axes: t.sum(axes)), (X,)),
    Call("einops.repeat", lambda x: einops.repeat(x, "a b -> (a r) b s", r=2, s=3) ** 2, (M,)),
    Call("einops.einsum", lambda x, y: einops.einsum(x, y, "a b c, c d -> a d b"), (X, M)),
    Call("einops.einsum diagonal", lambda x: einops.einsum(x, "a a b -> b"), (normal(3, 3, 2),)),
    Call("einops.einsum long names", lambda x, y: einops.einsum(x, y, "batch i j, j k -> batch k"), (X, M)),
    Call("einops.pack", lambda x, y: einops.pack([x, y], "a *")[0] ** 2, (X, normal(2, 5))),
    Call("einops.unpack", lambda x: [y**2 for y in einops.unpack(x, [(2,), (), (3,)], "*")], (V,)),
    Call(
        "einops.asnumpy is not needed",
        lambda x: einops.rearrange(einops.reduce(x, "a b c -> a c", "mean"), "a c -> c a"),
        (X,),
    ),
    Call("einops.array_api.rearrange", lambda x: einops.array_api.rearrange(x, "a b c -> (c a) b") ** 2, (X,)),
    Call("einops.array_api.reduce", lambda x: einops.array_api.reduce(x, "a b c -> b", "max"), (X,)),
    Call("einops.array_api.repeat", lambda x: einops.array_api.repeat(x, "a b -> (a r) b s", r=2, s=3) ** 2, (M,)),
    Call("einops.array_api.pack", lambda x, y: einops.array_api.pack([x, y], "a *")[0] ** 2, (X, normal(2, 5))),
    # array-api-extra
    Call("xpx.at set", lambda x: written(x, lambda at: at[1, :].set(x[0, :] ** 2)), (M,)),
    Call("xpx.at add", lambda x: written(x, lambda at: at[:, 1].add(x[:, 0] ** 2)), (M,)),
    Call("xpx.at multiply", lambda x: written(x, lambda at: at[1:, :].multiply(x[0, :])), (M,)),
    Call("xpx.at divide", lambda x: written(x, lambda at: at[...].divide(x**2 + 1)), (M,)),
    Call("xpx.at power", lambda x: written(x, lambda at: at[0, :].power(2)), (P,)),
    Call(
        "xpx.at min, max",
        lambda x: (written(x, lambda at: at[0, :].min(0.1)), written(x, lambda at: at[0, :].max(0.2))),
        (M,),
    ),
    Call("xpx.at mask", lambda x: written(x, lambda at: at[x > 0].set(0.5)) * x, (M,)),
    Call("xpx.at copy=True", lambda x: xpx.at(x)[0, :].set(1.0, copy=True) * x, (M,)),
    Call("xpx.apply_where", lambda x: xpx.apply_where(x > 0, x, lambda t: t**0.5, lambda t: t**2), (M,)),
    Call(
        "xpx.apply_where fill",
        lambda x, y: xpx.apply_where(x > y, (x, y), lambda a, b: (a - b) ** 0.5, fill_value=0.0),
        (M, M[::-1]),
    ),
    Call("xpx.cov", lambda x: xpx.cov(x), (M,)),
    Call("xpx.pad", lambda x: xpx.pad(x, ((1, 2), (0, 1)), constant_values=0.5) ** 2, (M,)),
    Call("xpx.kron", xpx.kron, (M, normal(2, 2))),
    Call("xpx.create_diagonal", lambda x: xpx.create_diagonal(x, offset=1), (V,)),
    Call("xpx.expand_dims", lambda x: xpx.expand_dims(x, axis=(0, 2)) ** 2, (M,)),
    Call("xpx.atleast_nd", lambda x: xpx.atleast_nd(x, ndim=3) ** 2, (M,)),
    Call("xpx.sinc", xpx.sinc, (M,)),
    Call("xpx.nan_to_num", lambda x: xpx.nan_to_num(x) ** 2, (M,)),
    Call("xpx.one_hot times", lambda x: xpx.one_hot(namespace_of(x).argmax(x, axis=1), 3, dtype=x.dtype) * x, (M,)),
    Call(
        "xpx.partition",
        lambda x: xpx.partition(x, 2) * namespace_of(x).arange(6, dtype=x.dtype),
        (V,),
        lambda c, x: [np.put_along_axis(g := np.zeros(6), np.argpartition(x, 2), c[0] * np.arange(6), 0) or g],
    ),
    Call("xpx.setdiff1d", lambda x: xpx.setdiff1d(x, x[:2]), (np.sort(V),)),
    Call("xpx.union1d", lambda x, y: xpx.union1d(x, y), (V, V + 0.01)),
    Call("xpx.isclose where", lambda x: namespace_of(x).where(xpx.isclose(x, 0.5, rtol=1.0), x**2, x), (M,)),
    Call(
        "xpx.searchsorted",
        lambda x: x * namespace_of(x).astype(xpx.searchsorted(namespace_of(x).sort(x), x), x.dtype),
        (V,),
    ),
    Call("xpx.lazy_apply not needed", lambda x: xpx.default_dtype(namespace_of(x)) and x * 1, (V,)),
    Call("xpx.angle", lambda z: xpx.angle(z), (normal(4) + 1j * normal(4, seed=1),)),
    Call("xpx.nanmin", lambda x: [xpx.nanmin(x, axis=0), xpx.nanmax(x, axis=0)], (M,)),
    Call("xpx.unravel_index", lambda x: x[tuple(xpx.unravel_index(namespace_of(x).argmax(x), x.shape))] ** 2, (M,)),
    Call(
        "xpx.broadcast_shapes",
        lambda x, y: namespace_of(x).broadcast_to(x, xpx.broadcast_shapes(x.shape, y.shape)) * y,
        (M, normal(2, 4, 3)),
    ),
    # xarray
    Call("xarray arithmetic", lambda x, y: data(2 * frame(x) + frame(x) * frame(y, "b") ** 2 - 1), (M, normal(3))),
    Call("xarray sum", lambda x: data(frame(x).sum("a")), (M,)),
    Call("xarray mean", lambda x: data(frame(x).mean()), (M,)),
    Call("xarray std", lambda x: data(frame(x).std("b", ddof=1)), (M,)),
    Call("xarray var", lambda x: data(frame(x).var("b")), (M,)),
    Call("xarray min, max", lambda x: [data(frame(x).max("a")), data(frame(x).min("b"))], (M,)),
    Call("xarray prod", lambda x: data(frame(x).prod("a")), (M,)),
    Call("xarray median", lambda x: data(frame(x).median("a")), (M,)),
    Call("xarray cumsum", lambda x: data(frame(x).cumsum("a")), (M,)),
    Call("xarray where", lambda x: data(frame(x).where(frame(x) > 0, 0.5) ** 2), (M,)),
    Call("xarray sel", lambda x: data(labelled(x).sel(b="y") ** 2), (M,)),
    Call("xarray isel", lambda x: data(labelled(x).isel(a=slice(1, 3)) ** 2), (M,)),
    Call("xarray concat", lambda x, y: data(xr.concat([frame(x), frame(y)], "a")) ** 2, (M, M + 1)),
    Call("xarray stack", lambda x: data(frame(x).stack(ab=("a", "b"))) ** 2, (M,)),
    Call("xarray transpose", lambda x: data(frame(x).transpose("b", "a")) ** 2, (M,)),
    Call("xarray apply_ufunc", lambda x: data(xr.apply_ufunc(lambda t: namespace_of(t).sin(t), frame(x))), (M,)),
    Call("xarray dot", lambda x, y: data(xr.dot(frame(x), frame(y, "b", "c"), dim="b")), (M, normal(3, 2))),
    Call("xarray diff", lambda x: data(frame(x).diff("a")) ** 2, (M,)),
    Call("xarray roll", lambda x: data(frame(x).roll(a=1)) * data(frame(x)), (M,)),
    Call("xarray clip", lambda x: data(frame(x).clip(-0.5, 0.5)), (M,)),
    Call("xarray fillna", lambda x: data(frame(x).fillna(0.0)) ** 2, (M,)),
    Call("xarray Dataset", lambda x: data(xr.Dataset({"p": frame(x), "q": frame(x) ** 2}).mean("a")["q"]), (M,)),
    Call("xarray integrate", lambda x: data(labelled(x).integrate("a")), (M,)),
    Call("xarray differentiate", lambda x: data(labelled(x).differentiate("a")), (M,)),
    Call("xarray quantile", lambda x: data(frame(x).quantile([0.2, 0.7], dim="a")), (M,)),
    Call("xarray rolling", lambda x: data(frame(x).rolling(a=2, min_periods=1).mean()), (M,)),
    Call("xarray weighted", lambda x, w: data(frame(x).weighted(frame(w, "a")).mean("a")), (M, positive(4))),
    Call("xarray coarsen", lambda x: data(frame(x).coarsen(a=2).sum()), (M,)),
    Call("xarray pad", lambda x: data(frame(x).pad(a=1, constant_values=0.5)) ** 2, (M,)),
    Call("xarray pad by edge", lambda x: data(frame(x).pad(a=(1, 2), mode="edge")) ** 2, (M,)),
    Call("xarray shift", lambda x: data(frame(x).shift(a=1, fill_value=0.5)) * data(frame(x)), (M,)),
    Call("xarray dot, one axis kept", lambda x: data(frame(x).dot(frame(x), dim="a")), (M,)),
    Call("xarray sortby", lambda x: data(labelled(x).sortby("a", ascending=False)) ** 2, (M,)),
    Call("xarray copy", lambda x: data(frame(x).copy()) ** 2, (M,)),
    Call("xarray where, dropped", lambda x: data(labelled(x).where(labelled(x).a > 0, drop=True)) ** 2, (M,)),
    Call("xarray cov", lambda x, y: data(xr.cov(frame(x), frame(y), "a")), (M, M**2)),
]

REFUSALS: list[Refusal] = [
    Refusal("xarray numpy.sin", lambda x: data(np.sin(frame(x))), (M,), works=False, said="does not support ufuncs"),
    Refusal("einops.asnumpy", einops.asnumpy, (M,)),
    Refusal("xarray values", lambda x: frame(x).values, (M,)),
    Refusal("xarray to_numpy", lambda x: frame(x).to_numpy(), (M,)),
    Refusal("xarray to_pandas", lambda x: labelled(x).to_pandas().to_numpy(), (M,)),
]
