"""The few types that every floor shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

__all__ = ["Array", "ArrayNamespace", "Axis", "Dtype", "Extension", "Key", "RawArray", "Scalar", "Shape"]

# A raw array belongs to whichever library the backend drives, and a rule's `Array` may be either a
# raw array or a Variable: no static type covers both, so these names document and do not check.
RawArray: TypeAlias = Any
Array: TypeAlias = Any
Dtype: TypeAlias = Any
Key: TypeAlias = Any
Shape: TypeAlias = tuple[int, ...]
Axis: TypeAlias = int | Sequence[int] | None
Scalar: TypeAlias = bool | int | float | complex


class Extension(Protocol):
    """An extension of a namespace: `linalg`, `fft`, `special`."""

    def __getattr__(self, name: str, /) -> Any:
        """Give a function of the extension."""


class ArrayNamespace(Protocol):
    """What `Variable.__array_namespace__()` gives, and what a rule and a composition get as `xp`."""

    __array_api_version__: str
    __array_namespace_info__: Callable[[], Any]
    linalg: Extension
    fft: Extension
    special: Extension

    abs: Callable[..., Any]
    acos: Callable[..., Any]
    acosh: Callable[..., Any]
    add: Callable[..., Any]
    all: Callable[..., Any]
    any: Callable[..., Any]
    arange: Callable[..., Any]
    argmax: Callable[..., Any]
    argmin: Callable[..., Any]
    argsort: Callable[..., Any]
    asarray: Callable[..., Any]
    asin: Callable[..., Any]
    asinh: Callable[..., Any]
    astype: Callable[..., Any]
    atan: Callable[..., Any]
    atan2: Callable[..., Any]
    atanh: Callable[..., Any]
    bincount: Callable[..., Any]
    bitwise_and: Callable[..., Any]
    bitwise_invert: Callable[..., Any]
    bitwise_left_shift: Callable[..., Any]
    bitwise_or: Callable[..., Any]
    bitwise_right_shift: Callable[..., Any]
    bitwise_xor: Callable[..., Any]
    broadcast_arrays: Callable[..., Any]
    broadcast_shapes: Callable[..., Any]
    broadcast_to: Callable[..., Any]
    can_cast: Callable[..., Any]
    ceil: Callable[..., Any]
    clip: Callable[..., Any]
    concat: Callable[..., Any]
    conj: Callable[..., Any]
    copysign: Callable[..., Any]
    cos: Callable[..., Any]
    cosh: Callable[..., Any]
    count_nonzero: Callable[..., Any]
    cumprod: Callable[..., Any]
    cumsum: Callable[..., Any]
    cumulative_prod: Callable[..., Any]
    cumulative_sum: Callable[..., Any]
    diag: Callable[..., Any]
    diff: Callable[..., Any]
    divide: Callable[..., Any]
    e: float
    einsum: Callable[..., Any]
    empty: Callable[..., Any]
    empty_like: Callable[..., Any]
    equal: Callable[..., Any]
    exp: Callable[..., Any]
    expand_dims: Callable[..., Any]
    expm1: Callable[..., Any]
    eye: Callable[..., Any]
    finfo: Callable[..., Any]
    flip: Callable[..., Any]
    floor: Callable[..., Any]
    floor_divide: Callable[..., Any]
    from_dlpack: Callable[..., Any]
    full: Callable[..., Any]
    full_like: Callable[..., Any]
    gradient: Callable[..., Any]
    greater: Callable[..., Any]
    greater_equal: Callable[..., Any]
    hypot: Callable[..., Any]
    iinfo: Callable[..., Any]
    imag: Callable[..., Any]
    inf: float
    isdtype: Callable[..., Any]
    isfinite: Callable[..., Any]
    isin: Callable[..., Any]
    isinf: Callable[..., Any]
    isnan: Callable[..., Any]
    less: Callable[..., Any]
    less_equal: Callable[..., Any]
    linspace: Callable[..., Any]
    log: Callable[..., Any]
    log10: Callable[..., Any]
    log1p: Callable[..., Any]
    log2: Callable[..., Any]
    logaddexp: Callable[..., Any]
    logical_and: Callable[..., Any]
    logical_not: Callable[..., Any]
    logical_or: Callable[..., Any]
    logical_xor: Callable[..., Any]
    matmul: Callable[..., Any]
    matrix_transpose: Callable[..., Any]
    max: Callable[..., Any]
    maximum: Callable[..., Any]
    mean: Callable[..., Any]
    median: Callable[..., Any]
    meshgrid: Callable[..., Any]
    min: Callable[..., Any]
    minimum: Callable[..., Any]
    moveaxis: Callable[..., Any]
    multiply: Callable[..., Any]
    nan: float
    negative: Callable[..., Any]
    newaxis: None
    nextafter: Callable[..., Any]
    nonzero: Callable[..., Any]
    not_equal: Callable[..., Any]
    ones: Callable[..., Any]
    ones_like: Callable[..., Any]
    pad: Callable[..., Any]
    permute_dims: Callable[..., Any]
    pi: float
    positive: Callable[..., Any]
    pow: Callable[..., Any]
    prod: Callable[..., Any]
    quantile: Callable[..., Any]
    real: Callable[..., Any]
    reciprocal: Callable[..., Any]
    remainder: Callable[..., Any]
    repeat: Callable[..., Any]
    reshape: Callable[..., Any]
    result_type: Callable[..., Any]
    roll: Callable[..., Any]
    round: Callable[..., Any]
    searchsorted: Callable[..., Any]
    sign: Callable[..., Any]
    signbit: Callable[..., Any]
    sin: Callable[..., Any]
    sinh: Callable[..., Any]
    sliding_window_view: Callable[..., Any]
    sort: Callable[..., Any]
    sqrt: Callable[..., Any]
    square: Callable[..., Any]
    squeeze: Callable[..., Any]
    stack: Callable[..., Any]
    std: Callable[..., Any]
    subtract: Callable[..., Any]
    sum: Callable[..., Any]
    take: Callable[..., Any]
    take_along_axis: Callable[..., Any]
    tan: Callable[..., Any]
    tanh: Callable[..., Any]
    tensordot: Callable[..., Any]
    tile: Callable[..., Any]
    to_device: Callable[..., Any]
    transpose: Callable[..., Any]
    tril: Callable[..., Any]
    triu: Callable[..., Any]
    trunc: Callable[..., Any]
    unique_all: Callable[..., Any]
    unique_counts: Callable[..., Any]
    unique_inverse: Callable[..., Any]
    unique_values: Callable[..., Any]
    unstack: Callable[..., Any]
    var: Callable[..., Any]
    vecdot: Callable[..., Any]
    where: Callable[..., Any]
    zeros: Callable[..., Any]
    zeros_like: Callable[..., Any]

    bool: Dtype
    int8: Dtype
    int16: Dtype
    int32: Dtype
    int64: Dtype
    uint8: Dtype
    uint16: Dtype
    uint32: Dtype
    uint64: Dtype
    float32: Dtype
    float64: Dtype
    complex64: Dtype
    complex128: Dtype
