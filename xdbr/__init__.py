"""xdbr: define-by-run deep learning on any Array API library."""

from __future__ import annotations

from . import backends
from ._config import (
    debug_mode,
    default_dtype,
    enable_grad,
    get_default_dtype,
    is_debugging,
    is_recording,
    is_training,
    no_grad,
    set_default_dtype,
    train_mode,
)
from ._errors import *  # noqa
from .autograd.backward import grad
from .autograd.variable import Variable
from .backends import Device, device, get_default_device, set_default_device
from . import array_api as _aa
from .autograd.primitive import composite, primitive
from .autograd.function import Function
for _n in _aa.__all__:
    globals()[_n] = getattr(_aa, _n)
globals().update(backends.DTYPES)
from ._namespaces import namespace, API_VERSION as __array_api_version__
from .array_api.info import Info
def __array_namespace_info__():
    return Info(None)
numpy, cupy, strict, torch, jax = map(namespace, "numpy cupy strict torch jax".split())
try:
    from . import linalg, fft
except ImportError:
    pass
try:
    from . import special
except ImportError:
    pass
try:
    from .autograd.draw import draw
except ImportError:
    pass
__version__ = "0.1.0"


def __getattr__(name):
    import importlib
    if name in ("nn", "optim", "data", "serializers", "random", "testing"):
        return importlib.import_module("xdbr." + name)
    if not name.startswith("_") and name in backends.registered():
        return namespace(name)
    raise AttributeError(name)
