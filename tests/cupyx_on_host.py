"""A plugin for pytest: CuPy's special functions, compiled for this machine's processor, as those of the backend numpy.

`nox -s cupy_special` checks with it, without a GPU, which functions of `cupyx.scipy.special` the backend cupy takes and
how it mends them: their CUDA texts are C++, which g++ compiles too. What CUDA's mathematical library gives beyond C's
(`erfinv`, `normcdf`, ...) is taken from SciPy. Needs CuPy, SciPy and g++.
"""

from __future__ import annotations

import ctypes
import functools
import re
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np

_TYPES = {"d": "double", "f": "float", "l": "long long", "L": "unsigned long long", "i": "int"}

# CUDA's functions, and the names under which SciPy exports C functions of one double for them.
_INTRINSICS = {
    "erfinv": "__pyx_fuse_0erfinv",
    "erfcinv": "erfcinv",
    "erfcx": "__pyx_fuse_1erfcx",
    "normcdf": "__pyx_fuse_1ndtr",
    "normcdfinv": "ndtri",
    "cyl_bessel_i0": "i0",
    "cyl_bessel_i1": "i1",
}

_HEAD = """
#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <math.h>
#include <tuple>
#include <utility>
using namespace std;
template <class T> static inline bool isnan(const complex<T>& z) { return isnan(z.real()) || isnan(z.imag()); }
#define __device__
#define __global__
#define __host__
#define __constant__ static
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define CUDART_NAN __builtin_nan("")
#define CUDART_INF __builtin_inf()
static inline double rsqrt(double x) { return 1 / sqrt(x); }
static inline double cospi(double x) { return cos(M_PI * x); }
static inline double sinpi(double x) { return sin(M_PI * x); }
static inline float exp10(float x) { return exp10f(x); }
static inline float j0(float x) { return j0f(x); }
static inline float j1(float x) { return j1f(x); }
static inline float y0(float x) { return y0f(x); }
static inline float y1(float x) { return y1f(x); }
static inline float yn(int n, float x) { return ynf(n, x); }
extern "C" {
""" + "".join(
    f"double (*p_{name})(double);\n"
    f"}} static inline double {name}(double x) {{ return p_{name}(x); }}\n"
    f"static inline float {name}(float x) {{ return (float)p_{name}(x); }}\n"
    f'static inline float {name}f(float x) {{ return (float)p_{name}(x); }} extern "C" {{\n'
    for name in _INTRINSICS
)
_HEAD += "}\n"


def _source(ufunc):
    """Give the C++ text of a function, and the types of its arguments and results for each of its loops."""
    text = re.sub(r"#include <cupy/(math_constants\.h|complex\.cuh)>", "", ufunc._preamble)
    text = re.sub(r"\b(static\s+__constant__|__constant__\s+static)\b", "__constant__", text)
    text = re.sub(r"\bdouble (M_\w+) =", r"double own_\1 =", text)  # glibc has them as macros
    loops = []
    for op in ufunc._ops.ops:
        ins = [np.dtype(kind).char for kind in op.in_types]
        outs = [np.dtype(kind).char for kind in op.out_types]
        if not {*ins, *outs} <= set(_TYPES):
            continue
        arrays = [f"const {_TYPES[c]}* a{i}" for i, c in enumerate(ins)]
        arrays += [f"{_TYPES[c]}* o{i}" for i, c in enumerate(outs)]
        read = [f"typedef {_TYPES[c]} in{i}_type; const {_TYPES[c]} in{i} = a{i}[k_];" for i, c in enumerate(ins)]
        read += [f"typedef {_TYPES[c]} out{i}_type; {_TYPES[c]}& out{i} = o{i}[k_];" for i, c in enumerate(outs)]
        text += (
            f'\nextern "C" void loop{len(loops)}(long n_, {", ".join(arrays)}) {{ {ufunc._loop_prep};\n'
            f"for (long k_ = 0; k_ < n_; ++k_) {{ {' '.join(read)} {op.routine}; }} }}\n"
        )
        loops.append((ins, outs))
    return _HEAD + text, loops


def _compile(name, text, folder):
    import cupy

    source = Path(folder, f"{name}.cpp")
    source.write_text(text, encoding="utf-8")
    library = source.with_suffix(".so")
    include = Path(cupy.__file__).parent / "_core" / "include"
    command = "g++ -std=c++17 -O1 -w -fpermissive -ffp-contract=off -shared -fPIC".split()
    done = subprocess.run([*command, f"-I{include}", str(source), "-o", str(library)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"special.{name}: g++ does not compile CuPy's text:\n{done.stderr[:2000]}")
    return ctypes.CDLL(str(library))


def _connect(library):
    """Point what CUDA has and C has not to SciPy's functions."""
    from scipy.special import cython_special

    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    for name, exported in _INTRINSICS.items():
        capsule = cython_special.__pyx_capi__[exported]
        ctypes.c_void_p.in_dll(library, f"p_{name}").value = pointer_of(capsule, name_of(capsule))


def compiled(name, ufunc, folder):
    """Give a function of NumPy arrays that does what one of CuPy's ufuncs does."""
    text, loops = _source(ufunc)
    library = _compile(name, text, folder)
    _connect(library)

    def call(*args):
        kinds = [arg.dtype.char for arg in args]
        number = next(i for i, (ins, _) in enumerate(loops) if all(map(np.can_cast, kinds, ins)))
        ins, outs = loops[number]
        arrays = [np.ascontiguousarray(a) for a in np.broadcast_arrays(*map(np.asarray, args, ins))]
        results = [np.empty(arrays[0].shape, kind) for kind in outs]
        shape = np.broadcast_shapes(*(np.shape(arg) for arg in args))
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (*arrays, *results)]
        getattr(library, f"loop{number}")(ctypes.c_long(results[0].size), *pointers)
        results = [result.reshape(shape) for result in results]
        return results[0] if len(results) == 1 else tuple(results)

    return call


def _install():
    import cupyx.scipy.special as real

    from xdbr.backends.numpy_backend import NumpyBackend
    from xdbr.backends.special.libraries import CupySpecial

    folder = tempfile.TemporaryDirectory()

    class Stand(types.ModuleType):
        def __getattr__(self, name):
            ufunc = getattr(real, name, None)
            if not hasattr(ufunc, "_preamble"):
                raise AttributeError(name)
            found = compiled(name, ufunc, folder.name)
            setattr(self, name, found)
            return found

    stand = Stand("cupyx.scipy.special")
    sys.modules["cupyx.scipy.special"] = sys.modules["cupyx.scipy"].special = stand
    special = functools.cached_property(CupySpecial)
    special.__set_name__(NumpyBackend, "special")
    NumpyBackend.special = special


_install()
