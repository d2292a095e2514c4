"""A stand-in of CuPy in host memory: as much of it as `xdbr.backends.cupy_backend` and `cupy_random` use.

Like CuPy it has a current device, on which it allocates, and refuses arrays that lie on another one; gives arrays
without axes, never scalars; and, but for `asarray`, ignores the `device` of creation functions. Kernels are compiled as
C.
"""

from __future__ import annotations

import ctypes
import subprocess
import types

import numpy as np

__all__ = ["make"]

_C = {"uint64": "unsigned long long", "int64": "long long", "float64": "double", "float32": "float", "bool": "char"}
_C["float16"] = "_Float16"
_HEAD = """
#include <math.h>
#define XDBR_DEVICE static inline
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}
"""


def make(count, folder):
    """Make `cupy`, `cupyx` and `array_api_compat.cupy` for a machine with `count` GPUs; kernels go to `folder`."""
    current = [0]

    class Device:
        def __init__(self, index=None):
            self.id = current[-1] if index is None else index

        def __enter__(self):
            current.append(self.id)

        def __exit__(self, *_):
            current.pop()

        def __eq__(self, other):
            return type(other) is Device and self.id == other.id

        __hash__ = None  # as in CuPy
        mem_info = (3 << 30, 8 << 30)

        def synchronize(self):
            pass

    class Memory:
        pass

    class PooledMemory(Memory):
        pass

    class MemoryAsync(Memory):
        pass

    class ndarray(np.ndarray):
        def __array_finalize__(self, obj):
            self._where = getattr(obj, "_where", None)
            self._mem = getattr(obj, "_mem", None)
            if self._where is None:
                self._where, self._mem = Device(), PooledMemory()

        device = property(lambda self: self._where)
        data = property(lambda self: types.SimpleNamespace(mem=self._mem))

        @property
        def base(self):
            owner, below = None, np.ndarray.base.__get__(self)
            while below is not None:
                owner = below if type(below) is ndarray else owner
                below = np.ndarray.base.__get__(below) if isinstance(below, np.ndarray) else None
            return owner

        def copy(self, order="C"):
            turned = order == "K" and host(self).flags.fnc
            return own(host(self), "F" if turned else "C")

        def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
            if any(not isinstance(x, (ndarray, np.generic, bool, int, float, complex)) for x in inputs):
                return NotImplemented
            found = getattr(ufunc, method)(*map(near, inputs), **options)
            if out is None:
                return lift(found)
            host(out[0])[...] = found
            return out[0]

        def __array_function__(self, function, kinds, args, options):
            raise TypeError(f"{function.__name__} of NumPy was called on an array on the GPU")

        def __getitem__(self, key):
            return lift(host(self)[near(key)])

        def __setitem__(self, key, value):
            host(self)[near(key)] = near(value)

    def host(x):
        return x.view(np.ndarray)

    def near(x):
        """Give what lies on the current device as NumPy has it."""
        if type(x) is ndarray:
            if x.device.id != current[-1]:
                raise ValueError(f"an array on device {x.device.id} is used while device {current[-1]} is current")
            return host(x)
        if type(x) is np.ndarray:
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        return type(x)(map(near, x)) if type(x) in (list, tuple) else x

    def own(x, order="C"):
        made = np.ndarray.__new__(ndarray, np.shape(x), np.asarray(x).dtype, order=order)
        host(made)[...] = x
        return made

    def lift(x):
        if isinstance(x, tuple) and hasattr(x, "_make"):
            return x._make(map(lift, x))
        if type(x) in (list, tuple):
            return type(x)(map(lift, x))
        if isinstance(x, np.ndarray):
            owner = _owner(ndarray, x)
            if owner is None:
                return own(x)
            part = x.view(ndarray)
            part._where, part._mem = owner._where, owner._mem
            return part
        return own(x) if isinstance(x, np.generic) else x

    class Namespace:
        def __init__(self, inside):
            self._inside = inside

        def __getattr__(self, name):
            found = getattr(self._inside, name)
            if isinstance(found, types.ModuleType):
                return Namespace(found)
            if name == "unique_values":  # in order, as from array-api-compat
                return lambda x: lift(np.unique(near(x), equal_nan=False))
            if name == "result_type":
                return lambda *given: found(*(one.dtype if type(one) is ndarray else one for one in given))
            if isinstance(found, type) or not callable(found) or name in ("isdtype", "finfo", "iinfo"):
                return found

            def function(*args, device=None, **options):
                return lift(found(*map(near, args), **{key: near(value) for key, value in options.items()}))

            def asarray(*args, device=None, **options):
                with Device(device.id if isinstance(device, Device) else device):
                    return function(*args, **options)

            return asarray if name == "asarray" else function

    class ElementwiseKernel:
        def __init__(self, in_params, out_params, operation, name, *, preamble):
            self._params = [line.split() for line in in_params.split(",")]
            assert out_params == "raw T out"
            self._texts = (operation, name, preamble)
            self._built = {}

        def _build(self, dtype):
            operation, name, preamble = self._texts
            here = folder / f"{name}_{dtype.name}"
            kinds = ["T*" if words[0] == "raw" else _C[words[0]] for words in self._params]
            declared = ", ".join(f"{kind} {words[-1]}" for kind, words in zip(kinds, self._params, strict=True))
            here.with_suffix(".c").write_text(
                f"{_HEAD}{preamble}\ntypedef {_C[dtype.name]} T;\nvoid run(long long size, T* out, {declared}) {{\n"
                f"for (long long i = 0; i < size; ++i) {{\n{operation}\n}}}}\n"
            )
            build = f"cc -shared -fPIC -O1 -std=gnu11 {here.name}.c -o {here.name}.so -lm"
            subprocess.run(build.split(), check=True, cwd=folder)
            return ctypes.CDLL(f"{here}.so")

        def __call__(self, *args, size):
            *values, out = args
            if out.dtype not in self._built:
                self._built[out.dtype] = self._build(out.dtype)
            passed = [ctypes.c_longlong(size), ctypes.c_void_p(host(out).ctypes.data)]
            for value in values:
                if type(value) is ndarray:
                    passed.append(ctypes.c_void_p(near(value).ctypes.data))
                else:
                    passed.append(np.ctypeslib.as_ctypes_type(value.dtype)(value.item()))
            near(out)
            self._built[out.dtype].run(*passed)

    def scatter_add(a, slices, value):
        if a.dtype.char not in "iefdFDILQ":  # what atomicAdd takes, and complex numbers in two parts
            raise TypeError(f"cupyx.scatter_add does not take {a.dtype}")
        np.add.at(near(a), near(slices), near(value))

    lib = Namespace(np)
    cupy = types.ModuleType("cupy")
    cupy.__version__, cupy.ndarray, cupy.ElementwiseKernel = "14.0.0", ndarray, ElementwiseKernel
    cupy.asnumpy = lambda x: np.array(host(x))
    cupy.asarray = lambda x: x if type(x) is ndarray else own(x)
    cupy.empty, cupy.argsort = lib.empty, lib.argsort
    runtime = types.SimpleNamespace(getDeviceCount=lambda: count, getDevice=lambda: current[-1])
    runtime.CUDARuntimeError = type("CUDARuntimeError", (RuntimeError,), {})
    memory = types.SimpleNamespace(Memory=Memory, PooledMemory=PooledMemory, MemoryAsync=MemoryAsync)
    cupy.cuda = types.SimpleNamespace(Device=Device, runtime=runtime, memory=memory)
    cupyx, compat = types.ModuleType("cupyx"), types.ModuleType("array_api_compat.cupy")
    cupyx.scatter_add = scatter_add
    compat.__getattr__ = lambda name: getattr(lib, name)
    # None of its special functions: the portable ones run, and SciPy's on the host.
    cupyx.scipy, special = types.ModuleType("cupyx.scipy"), types.ModuleType("cupyx.scipy.special")
    cupyx.__path__, cupyx.scipy.__path__, cupyx.scipy.special = [], [], special
    modules = {"cupyx.scipy": cupyx.scipy, "cupyx.scipy.special": special, "array_api_compat.cupy": compat}
    return {"cupy": cupy, "cupyx": cupyx} | modules


def _owner(kind, x):
    """Give the array of a kind that `x` is or is a view of, or nothing."""
    while isinstance(x, np.ndarray):
        if type(x) is kind:
            return x
        x = np.ndarray.base.__get__(x)
    return None
