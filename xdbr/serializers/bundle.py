"""From objects to a flat dict of arrays and back: what every file format shares.

A bundle is an object with a `state_dict` (a model, an optimizer, a generator, an iterator), or a dict whose values
are bundles, arrays or plain values. `flatten` gives the arrays by path ("model/l1/W", in host memory) and
all else as one nested structure that JSON can hold. `restore` goes the other way: it compares everything with
everything first, and only then changes anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import backends
from .._errors import SerializationError
from ..autograd.variable import VARIABLES

__all__ = ["flatten", "nest", "restore"]

ARRAY = "__array__"
"""Stands in the structure, as `{ARRAY: path}`, for an array."""
FLOAT = "__float__"
"""Stands, as `{FLOAT: text}`, for a number that JSON does not have: inf and NaN."""
RESERVED = ("__xdbr__",)
"""Names that a file format keeps for itself."""
DIGITS = 4300
"""The most digits of an integer: Python itself reads no longer ones."""
_TOO_LARGE = 10**DIGITS


def flatten(obj: Any, *, function: str) -> tuple[dict[str, np.ndarray[Any, Any]], Any]:
    """Give the arrays of a bundle by path, and its structure.

    Raises `SerializationError`, which names its path, for what cannot be saved.
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    try:
        return arrays, _flat(obj, "", arrays, function)
    except RecursionError as error:
        raise SerializationError(f"{function}: the object contains itself, or is nested too deep") from error


def _flat(value: Any, path: str, arrays: dict[str, np.ndarray[Any, Any]], function: str) -> Any:
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        raise SerializationError(
            f"{function}: {path or 'the object'} is an integer of more than {DIGITS} digits, which cannot be saved"
        )
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {FLOAT: repr(value)}
    host = _host(value)
    if host is not None:
        if host.dtype.hasobject or host.dtype.kind not in "biufc":
            raise SerializationError(
                f"{function}: {path or 'the object'} has dtype {host.dtype}, which cannot be saved"
            )
        path = path or "array"
        if path in arrays or path in RESERVED:
            raise SerializationError(f"{function}: {path} names two things; rename one of them")
        arrays[path] = host
        return {ARRAY: path}
    if callable(getattr(value, "state_dict", None)):
        value = value.state_dict()
    if isinstance(value, dict):
        return {
            _key(key, path, function): _flat(part, _join(path, key), arrays, function) for key, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_flat(part, _join(path, i), arrays, function) for i, part in enumerate(value)]
    raise SerializationError(
        f"{function}: {path or 'the object'} is a {type(value).__name__}; expected an object with state_dict(), an "
        "array, or what JSON can hold: numbers, strings, None, lists and dicts of these"
    )


def _host(value: Any) -> np.ndarray[Any, Any] | None:
    if type(value) in VARIABLES:
        return np.asarray(value._backend.to_host(value._raw))
    found = backends.of(value)
    return None if found is None else np.asarray(found.to_host(value))


def _key(key: Any, path: str, function: str) -> str:
    if not isinstance(key, str):
        raise SerializationError(f"{function}: the keys of {path or 'a dict'} must be strings; got {key!r}")
    if key in (ARRAY, FLOAT):
        raise SerializationError(f"{function}: {key!r} is reserved and cannot be a key of {path or 'a dict'}")
    return key


def _join(path: str, key: Any) -> str:
    return f"{path}/{key}" if path else str(key)


def named_arrays(structure: Any) -> set[str]:
    """Give the names of all arrays that a structure has places for."""
    if isinstance(structure, dict):
        if ARRAY in structure:
            return {structure[ARRAY]}
        return set().union(*map(named_arrays, structure.values()))
    return set().union(*map(named_arrays, structure)) if isinstance(structure, list) else set()


def nest(arrays: dict[str, np.ndarray[Any, Any]], structure: Any) -> Any:
    """Give the structure with its arrays in their places; an entry of a dict whose array is missing is left out.

    So what misses it can list it with all else that does not fit. Raises `KeyError` for one that is missing elsewhere.
    """
    if isinstance(structure, dict):
        if ARRAY in structure:
            return arrays[structure[ARRAY]]
        if FLOAT in structure:
            return float(structure[FLOAT])
        return {key: nest(arrays, part) for key, part in structure.items() if not _is_missing(arrays, part)}
    if isinstance(structure, list):
        return [nest(arrays, part) for part in structure]
    return structure


def _is_missing(arrays: dict[str, np.ndarray[Any, Any]], part: Any) -> bool:
    return isinstance(part, dict) and ARRAY in part and part[ARRAY] not in arrays


def restore(
    obj: Any, state: Any, *, strict: bool, function: str, unexpected: Sequence[str] = (), missing: Sequence[str] = ()
) -> Any:
    """Load a nested state into the objects of a bundle; give the bundle with what was read for its plain values.

    unexpected, missing: names of arrays that were read and have no place in the state, and the other way round.

    Raises `SerializationError`, which lists everything that does not fit; all objects are as before then.
    """
    problems: list[str] = []
    targets: list[tuple[Any, Any]] = []
    read = _match(obj, state, "", strict, problems, targets)
    problems += [f"the file is damaged: it lacks the array {name!r}" for name in missing]
    if strict:
        problems += [f"unexpected array {name!r}" for name in unexpected]
    if problems:
        raise SerializationError(f"{function}: the state does not fit, nothing was loaded:\n  " + "\n  ".join(problems))
    done: list[tuple[Any, Any]] = []
    try:
        for target, part in targets:
            before = target.state_dict()
            done.append((target, before))
            _load(target, part, strict)
    except Exception:
        # What has no check_state_dict may refuse only now: those before it, and what it has begun itself, go back.
        for target, before in reversed(done):
            _load(target, before, False)
        raise
    return read


def _load(target: Any, state: Any, strict: bool) -> None:
    if hasattr(target, "check_state_dict"):
        target.load_state_dict(state, strict=strict)
    else:
        target.load_state_dict(state)


def _match(obj: Any, state: Any, path: str, strict: bool, problems: list[str], targets: list[tuple[Any, Any]]) -> Any:
    if callable(getattr(obj, "load_state_dict", None)):
        check = getattr(obj, "check_state_dict", None)
        if check is not None:
            problems += [_placed(problem, path) for problem in check(state, strict=strict)]
            # Checked objects first refuse nothing later, so they are loaded last.
            targets.append((obj, state))
        else:
            targets.insert(0, (obj, state))
        return obj
    if not _has_objects(obj):
        return state
    if isinstance(obj, (list, tuple)):
        if not isinstance(state, list) or len(state) != len(obj):
            there = f"{len(state)} parts" if isinstance(state, list) else type(state).__name__
            problems.append(f"wrong length: {path or 'the file'} has {there}, expected {len(obj)} parts")
            return None
        parts = [
            _match(part, one, _join(path, i), strict, problems, targets)
            for i, (part, one) in enumerate(zip(obj, state, strict=True))
        ]
        return type(obj)(parts)
    if not isinstance(state, dict):
        problems.append(f"no dict: {path or 'the file'} holds {type(state).__name__}")
        return None
    read = {}
    for key, part in obj.items():
        if key in state:
            read[key] = _match(part, state[key], _join(path, key), strict, problems, targets)
        elif strict:
            problems.append(f"missing: {_join(path, key)}")
    if strict:
        problems += [f"unexpected: {_join(path, key)}" for key in state if key not in obj]
    return read


def _placed(problem: str, path: str) -> str:
    """Put the path of an object before the key in one of its problems, which read "kind: key ..."."""
    kind, colon, rest = problem.partition(": ")
    return f"{kind}: {_join(path, rest)}" if path and colon else f"{path}: {problem}" if path else problem


def _has_objects(bundle: Any) -> bool:
    """Tell whether there is an object to load into in a dict, list or tuple."""
    parts = bundle.values() if isinstance(bundle, dict) else bundle if isinstance(bundle, (list, tuple)) else ()
    return any(callable(getattr(part, "load_state_dict", None)) or _has_objects(part) for part in parts)
