"""xdbr: define-by-run deep learning, written once against the Python Array API standard.

The package is itself an Array API namespace, on the default device: `xdbr.zeros`, `xdbr.tanh`,
`xdbr.linalg.qr`, ... on `Variable`s, which remember how they were computed.

>>> import xdbr
>>> x = xdbr.Variable([1.0, 2.0, 3.0], requires_grad=True)
>>> xdbr.sum(xdbr.tanh(x) ** 2).backward()
>>> x.grad.shape
(3,)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import _einops, _numpy_functions, backends, fft, linalg
from ._config import (
    debug_mode,
    default_dtype,
    enable_grad,
    get_default_dtype,
    is_debugging,
    is_recomputing,
    is_recording,
    is_training,
    no_grad,
    set_default_dtype,
    train_mode,
)
from ._equivalents import FUNCTIONS, missing
from ._errors import (
    AxisError,
    BackendError,
    BatchingError,
    DeviceError,
    DtypeError,
    GradientError,
    MissingDependencyError,
    SerializationError,
    ShapeError,
    XdbrError,
)
from ._namespaces import API_VERSION as __array_api_version__
from ._namespaces import namespace
from .array_api import (
    abs,
    acos,
    acosh,
    add,
    all,
    any,
    arange,
    argmax,
    argmin,
    argsort,
    asarray,
    asin,
    asinh,
    astype,
    atan,
    atan2,
    atanh,
    bincount,
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    broadcast_arrays,
    broadcast_shapes,
    broadcast_to,
    can_cast,
    ceil,
    clip,
    concat,
    conj,
    copysign,
    cos,
    cosh,
    count_nonzero,
    cumprod,
    cumsum,
    cumulative_prod,
    cumulative_sum,
    diag,
    diff,
    divide,
    e,
    einsum,
    empty,
    empty_like,
    equal,
    exp,
    expand_dims,
    expm1,
    eye,
    finfo,
    flip,
    floor,
    floor_divide,
    from_dlpack,
    full,
    full_like,
    gradient,
    greater,
    greater_equal,
    hypot,
    iinfo,
    imag,
    inf,
    isdtype,
    isfinite,
    isin,
    isinf,
    isnan,
    less,
    less_equal,
    linspace,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    matmul,
    matrix_transpose,
    max,
    maximum,
    mean,
    median,
    meshgrid,
    min,
    minimum,
    moveaxis,
    multiply,
    nan,
    negative,
    newaxis,
    nextafter,
    nonzero,
    not_equal,
    ones,
    ones_like,
    pad,
    permute_dims,
    pi,
    positive,
    pow,
    prod,
    quantile,
    real,
    reciprocal,
    remainder,
    repeat,
    reshape,
    result_type,
    roll,
    round,
    searchsorted,
    sign,
    signbit,
    sin,
    sinh,
    sliding_window_view,
    sort,
    sqrt,
    square,
    squeeze,
    stack,
    std,
    subtract,
    sum,
    take,
    take_along_axis,
    tan,
    tanh,
    tensordot,
    tile,
    to_device,
    transpose,
    tril,
    triu,
    trunc,
    unique_all,
    unique_counts,
    unique_inverse,
    unique_values,
    unstack,
    var,
    vecdot,
    where,
    zeros,
    zeros_like,
)
from .array_api.info import Info
from .autograd.checkpoint import checkpoint
from .autograd.draw import draw
from .autograd.function import Function
from .autograd.jacobians import hessian, hvp, jacobian
from .autograd.primitive import composite, primitive
from .autograd.transforms import grad, jvp, value_and_grad, vjp
from .autograd.variable import Variable
from .backends import NAMED_DTYPES, Device, device, get_default_device, set_default_device

if TYPE_CHECKING:
    from . import data, nn, optim, random, serializers, special, testing
    from .batching import vmap

__version__ = "0.1.0"

bool = NAMED_DTYPES["bool"]
int8 = NAMED_DTYPES["int8"]
int16 = NAMED_DTYPES["int16"]
int32 = NAMED_DTYPES["int32"]
int64 = NAMED_DTYPES["int64"]
uint8 = NAMED_DTYPES["uint8"]
uint16 = NAMED_DTYPES["uint16"]
uint32 = NAMED_DTYPES["uint32"]
uint64 = NAMED_DTYPES["uint64"]
float16 = NAMED_DTYPES["float16"]
float32 = NAMED_DTYPES["float32"]
float64 = NAMED_DTYPES["float64"]
complex64 = NAMED_DTYPES["complex64"]
complex128 = NAMED_DTYPES["complex128"]

numpy = namespace("numpy")
cupy = namespace("cupy")
strict = namespace("strict")
torch = namespace("torch")
jax = namespace("jax")


def __array_namespace_info__() -> Info:
    """Give what the namespace says about itself: devices, dtypes, capabilities.

    >>> import xdbr
    >>> "float32" in xdbr.__array_namespace_info__().dtypes()
    True
    """
    return Info(None)


_einops.install()
_numpy_functions.install()

# Where else a name may be that somebody looks for here.
_ELSEWHERE = tuple(
    f"{__name__}.{part}"
    for part in ("linalg", "special", "fft", "random", "nn.functions", "nn.links", "nn", "optim", "serializers")
)

# Imported at first use, so that `import xdbr` stays light.
_LAZY = ("data", "nn", "optim", "random", "serializers", "special", "testing")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "vmap":
        found = globals()["vmap"] = importlib.import_module(f"{__name__}.batching").vmap
        return found
    if not name.startswith("_") and name in backends.registered():
        return namespace(name)
    raise missing(f"module {__name__!r}", name, FUNCTIONS, _ELSEWHERE)


def __dir__() -> list[str]:
    return [*__all__]


__all__ = [
    "AxisError",
    "BackendError",
    "BatchingError",
    "Device",
    "DeviceError",
    "DtypeError",
    "Function",
    "GradientError",
    "MissingDependencyError",
    "SerializationError",
    "ShapeError",
    "Variable",
    "XdbrError",
    "__array_api_version__",
    "__array_namespace_info__",
    "__version__",
    "abs",
    "acos",
    "acosh",
    "add",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "asarray",
    "asin",
    "asinh",
    "astype",
    "atan",
    "atan2",
    "atanh",
    "backends",
    "bincount",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "bool",
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "can_cast",
    "ceil",
    "checkpoint",
    "clip",
    "complex64",
    "complex128",
    "composite",
    "concat",
    "conj",
    "copysign",
    "cos",
    "cosh",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "cupy",
    "data",
    "debug_mode",
    "default_dtype",
    "device",
    "diag",
    "diff",
    "divide",
    "draw",
    "e",
    "einsum",
    "empty",
    "empty_like",
    "enable_grad",
    "equal",
    "exp",
    "expand_dims",
    "expm1",
    "eye",
    "fft",
    "finfo",
    "flip",
    "float16",
    "float32",
    "float64",
    "floor",
    "floor_divide",
    "from_dlpack",
    "full",
    "full_like",
    "get_default_device",
    "get_default_dtype",
    "grad",
    "gradient",
    "greater",
    "greater_equal",
    "hessian",
    "hvp",
    "hypot",
    "iinfo",
    "imag",
    "inf",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_debugging",
    "is_recomputing",
    "is_recording",
    "is_training",
    "isdtype",
    "isfinite",
    "isin",
    "isinf",
    "isnan",
    "jacobian",
    "jax",
    "jvp",
    "less",
    "less_equal",
    "linalg",
    "linspace",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "matmul",
    "matrix_transpose",
    "max",
    "maximum",
    "mean",
    "median",
    "meshgrid",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "namespace",
    "nan",
    "negative",
    "newaxis",
    "nextafter",
    "nn",
    "no_grad",
    "nonzero",
    "not_equal",
    "numpy",
    "ones",
    "ones_like",
    "optim",
    "pad",
    "permute_dims",
    "pi",
    "positive",
    "pow",
    "primitive",
    "prod",
    "quantile",
    "random",
    "real",
    "reciprocal",
    "remainder",
    "repeat",
    "reshape",
    "result_type",
    "roll",
    "round",
    "searchsorted",
    "serializers",
    "set_default_device",
    "set_default_dtype",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "sliding_window_view",
    "sort",
    "special",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "strict",
    "subtract",
    "sum",
    "take",
    "take_along_axis",
    "tan",
    "tanh",
    "tensordot",
    "testing",
    "tile",
    "to_device",
    "torch",
    "train_mode",
    "transpose",
    "tril",
    "triu",
    "trunc",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
    "unstack",
    "value_and_grad",
    "var",
    "vecdot",
    "vjp",
    "vmap",
    "where",
    "zeros",
    "zeros_like",
]
