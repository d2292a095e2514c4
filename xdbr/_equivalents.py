"""What other libraries call things, and what does the same here: advice for those who look for their old names.

`docs/equivalents.md` has the tables to read. A name that is here is never one of xdbr's own (a test compares).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["FUNCTIONS", "LINK_CLASSES", "LINK_METHODS", "OPTIMIZER_METHODS", "RANDOM", "lookup", "missing"]

FUNCTIONS = {
    "absolute": "xdbr.abs",
    "amax": "xdbr.max",
    "amin": "xdbr.min",
    "arccos": "xdbr.acos",
    "arccosh": "xdbr.acosh",
    "arcsin": "xdbr.asin",
    "arcsinh": "xdbr.asinh",
    "arctan": "xdbr.atan",
    "arctan2": "xdbr.atan2",
    "arctanh": "xdbr.atanh",
    "array": "xdbr.Variable(values, requires_grad=True), or xdbr.asarray",
    "bitwise_not": "xdbr.bitwise_invert",
    "bmm": "xdbr.matmul",
    "cat": "xdbr.concat",
    "clamp": "xdbr.clip",
    "concatenate": "xdbr.concat",
    "conjugate": "xdbr.conj",
    "cross_entropy": "xdbr.nn.functions.softmax_cross_entropy",
    "dot": "x @ y, or xdbr.linalg.vecdot",
    "embedding": "xdbr.nn.functions.embed_id",
    "elementwise_grad": "xdbr.vmap(xdbr.grad(f))",
    "fmod": "xdbr.remainder",
    "from_numpy": "xdbr.asarray",
    "functional": "xdbr.nn.functions",
    "gather": "xdbr.take_along_axis",
    "inference_mode": "xdbr.no_grad",
    "init": "xdbr.nn.initializers",
    "inner": "xdbr.linalg.vecdot",
    "invert": "xdbr.bitwise_invert",
    "load": "xdbr.serializers.load_npz(path, model)",
    "manual_seed": "xdbr.random.seed",
    "mm": "xdbr.matmul",
    "mod": "xdbr.remainder",
    "mse_loss": "xdbr.nn.functions.mean_squared_error",
    "norm": "xdbr.linalg.vector_norm, or xdbr.linalg.matrix_norm",
    "permute": "xdbr.permute_dims",
    "power": "xdbr.pow",
    "rand": "xdbr.random.uniform",
    "randn": "xdbr.random.normal",
    "save": "xdbr.serializers.save_npz(path, model)",
    "swapaxes": "xdbr.permute_dims, or xdbr.moveaxis",
    "tensor": "xdbr.Variable(values, requires_grad=True), or xdbr.asarray",
    "true_divide": "xdbr.divide",
    "unsqueeze": "xdbr.expand_dims",
    "using_config": "with xdbr.no_grad(), or with xdbr.train_mode(False)",
}
"""Names for which people look in `xdbr`, in its namespaces, and in `xdbr.nn` and `xdbr.nn.functions`."""

RANDOM = {
    "choice": "xdbr.random.integers, or xdbr.random.permutation, as indices",
    "default_rng": "xdbr.random.Generator(seed)",
    "rand": "xdbr.random.uniform",
    "randint": "xdbr.random.integers",
    "randn": "xdbr.random.normal",
    "shuffle": "xdbr.random.permutation, as indices",
    "standard_normal": "xdbr.random.normal",
}
"""Names for which people look in `xdbr.random`."""

LINK_CLASSES = {
    "CrossEntropyLoss": "xdbr.nn.functions.softmax_cross_entropy",
    "Dropout": "xdbr.nn.functions.dropout",
    "Embedding": "xdbr.nn.links.EmbedID",
    "MSELoss": "xdbr.nn.functions.mean_squared_error",
    "Module": "xdbr.nn.Link, or xdbr.nn.Chain",
    "ModuleList": "xdbr.nn.ChainList",
    "ReLU": "xdbr.nn.functions.relu",
    "Sigmoid": "xdbr.nn.functions.sigmoid",
    "Softmax": "xdbr.nn.functions.softmax",
    "Tanh": "xdbr.nn.functions.tanh",
}
"""Classes for which people look in `xdbr.nn` and `xdbr.nn.links`."""

LINK_METHODS = {
    "cpu": "model.to_device('numpy')",
    "cuda": "model.to_device('cupy')",
    "eval": "with xdbr.train_mode(False)",
    "half": "xdbr.set_default_dtype('float16') before making the model",
    "named_parameters": "model.namedparams()",
    "parameters": "model.params()",
    "to": "model.to_device(device)",
    "to_cpu": "model.to_device('numpy')",
    "to_gpu": "model.to_device('cupy')",
    "train": "with xdbr.train_mode(True), which is so from the start",
    "zero_grad": "model.cleargrads()",
    "zerograds": "model.cleargrads()",
}
"""Methods for which people look in a link."""

OPTIMIZER_METHODS = {
    "step": "optimizer.update(), after loss.backward()",
    "zero_grad": "model.cleargrads()",
}
"""Methods for which people look in an optimizer."""


def missing(owner: str, name: str, known: dict[str, str], elsewhere: tuple[str, ...] = ()) -> AttributeError:
    """Make the error that `owner` has no attribute `name`, with what to use instead.

    known: the names that are called something else.
    elsewhere: the modules that may have the name.
    """
    advice = known.get(name)
    if advice is None and not name.startswith("_"):
        advice = next((f"{module}.{name}" for module in elsewhere if name in import_module(module).__all__), None)
    return AttributeError(f"{owner} has no attribute {name!r}" + (f"; use {advice}" if advice else ""), name=name)


def lookup(obj: Any, name: str, known: dict[str, str]) -> Any:
    """Do the work of a `__getattr__`: raise the error that `obj` has no attribute `name`, with what to use instead."""
    if hasattr(type(obj), name):  # a property that has raised AttributeError itself, and does so again
        return object.__getattribute__(obj, name)
    raise missing(f"{type(obj).__name__!r} object", name, known)
