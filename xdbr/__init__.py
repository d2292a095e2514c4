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
import sys as _sys

_aa.fill(_sys.modules[__name__], None)
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
for _n in backends.registered():
    pass
__version__ = "0.1.0"


def __getattr__(name):
    import importlib
    if name in ("nn", "optim", "data", "serializers", "random", "testing"):
        return importlib.import_module("xdbr." + name)
    try:
        b = backends.get(name) if name in backends.registered() else None
    except Exception as e:
        raise AttributeError(str(e)) from e
    if b is not None:
        return _aa.namespace(b)
    raise AttributeError(name)
