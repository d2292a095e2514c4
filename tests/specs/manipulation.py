"""Rows of the functions that change shapes and orders of axes and elements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ._spec import COMPLEX, INTEGERS, REAL, Host, Input, Spec

ALL = REAL + COMPLEX
EVERY = ("bool", *INTEGERS, *ALL)


def gathered(places: Callable[[Host], Host]) -> Callable[..., Host]:
    """Make a reference of what the function does to the row-major positions of the elements."""

    def run(x: Host, **_: Any) -> Host:
        return x.reshape(-1)[places(np.arange(x.size).reshape(x.shape))]

    return run


def nested(x: Host) -> Any:
    return x.tolist()


def tiled(x: Host) -> Host:
    rows = [[x[i, j % 2] for j in range(6)] for i in range(3)]
    return np.asarray([rows, rows], dtype=x.dtype)


def view(name: str, case: str, places: Callable[[Host], Host], *args: Any, **options: Any) -> Spec:
    return Spec(
        name,
        (Input(shape=(3, 2)),),
        gathered(places),
        call=lambda xp, x: getattr(xp, name)(x, *args, **options),
        case=case,
        dtypes=EVERY,
    )


X = Input(shape=(2, 3))
CUBE = Input(shape=(2, 3, 4))

SPECS = [
    view("expand_dims", "front", lambda p: p[None], 0),
    view("expand_dims", "back", lambda p: p[..., None], axis=-1),
    view("expand_dims", "several", lambda p: p[None, :, None, :, None], axis=(0, -1, 2)),
    view("flip", "all", lambda p: p[::-1, ::-1]),
    view("flip", "one", lambda p: p[:, ::-1], axis=-1),
    view("flip", "several", lambda p: p[::-1, ::-1], axis=(1, 0)),
    view("moveaxis", "one", lambda p: p.T, 0, -1),
    replace(view("permute_dims", "negative", lambda p: p.T, (-1, 0)), jax=False),  # which takes no negative axes
    view("reshape", "tuple", lambda p: np.asarray([p.ravel()[:3], p.ravel()[3:]]), (2, 3)),
    view("reshape", "inferred", lambda p: p.ravel(), (-1,)),
    view("reshape", "copied", lambda p: p.ravel()[None], (1, 6), copy=True),
    view("repeat", "flat", lambda p: np.asarray([i for i in p.ravel() for _ in range(2)]), 2),
    view("repeat", "axis", lambda p: p[:, [0, 0, 0, 1, 1, 1]], 3, axis=1),
    view("repeat", "none", lambda p: p[:0], 0, axis=0),
    view("roll", "flat", lambda p: np.asarray(p.ravel().tolist()[-2:] + p.ravel().tolist()[:-2]).reshape(3, 2), 2),
    view("roll", "axis", lambda p: p[[1, 2, 0]], -1, axis=0),
    view("roll", "several", lambda p: p[[2, 0, 1]][:, ::-1], (4, 1), axis=(0, 1)),
    view("roll", "same", lambda p: p[[2, 0, 1]][:, ::-1], 1, axis=(0, 1)),
    view("tile", "more", lambda p: np.asarray([p[:, [0, 1, 0, 1, 0, 1]]] * 2), (2, 1, 3)),
    view("tile", "fewer", lambda p: p[:, [0, 1, 0, 1]], (2,)),
    view("tile", "none", lambda p: p[:0], (0, 1)),
    view("broadcast_to", "", lambda p: np.asarray([p] * 4), (4, 3, 2)),
    Spec(
        "broadcast_to",
        (Input(shape=(3, 1)),),
        lambda x: np.asarray([[r[0]] * 2 for r in nested(x)] * 2).reshape(2, 3, 2),
        call=lambda xp, x: xp.broadcast_to(x, (2, 3, 2)),
        case="inner",
        dtypes=ALL,
    ),
    Spec(
        "broadcast_to",
        (Input(shape=()),),
        lambda x: np.asarray([nested(x)] * 3, dtype=x.dtype),
        call=lambda xp, x: xp.broadcast_to(x, (3,)),
        case="scalar",
        dtypes=ALL,
    ),
    Spec(
        "moveaxis",
        (CUBE,),
        lambda x: np.asarray([[[x[i, j, k] for j in range(3)] for i in range(2)] for k in range(4)]),
        call=lambda xp, x: xp.moveaxis(x, (0, 1), (-2, 2)),
        case="several",
        dtypes=ALL,
    ),
    Spec(
        "permute_dims",
        (CUBE,),
        lambda x, axes: np.asarray([[[x[i, j, k] for j in range(3)] for i in range(2)] for k in range(4)]),
        options={"axes": (2, 0, 1)},
        dtypes=ALL,
    ),
    Spec(
        "squeeze",
        (Input(shape=(1, 3, 1, 2)),),
        lambda x, axis: np.asarray([[x[0, i, 0, j] for j in range(2)] for i in range(3)]),
        options={"axis": (0, -2)},
        dtypes=EVERY,
    ),
    Spec("squeeze", (Input(shape=(1, 3)),), lambda x, axis: x[0], options={"axis": 0}, case="one", dtypes=ALL),
    Spec(
        "squeeze", (Input(shape=(1, 3, 1)),), lambda x, axis: x[0, :, 0], options={"axis": None}, case="all", dtypes=ALL
    ),
    Spec(
        "reshape",
        (Input(shape=()),),
        lambda x, shape: x[None, None],
        options={"shape": (1, 1)},
        case="scalar",
        dtypes=ALL,
    ),
    Spec("reshape", (Input(shape=(0, 3)),), lambda x, shape: x.T, options={"shape": (3, 0)}, case="empty", dtypes=ALL),
    Spec("unstack", (CUBE,), lambda x, axis: tuple(x[:, i] for i in range(3)), options={"axis": 1}, dtypes=EVERY),
    Spec("unstack", (Input(shape=(3,)),), lambda x: tuple(x), case="vector", dtypes=ALL),
    Spec(
        "unstack",
        (Input(shape=(2, 3)),),
        lambda x, axis: (x[:, 0], x[:, 1], x[:, 2]),
        options={"axis": -1},
        case="last",
    ),
    Spec(
        "broadcast_arrays",
        (Input(shape=(3, 1)), Input(shape=(2,)), Input(shape=())),
        lambda *arrays: tuple(x + np.zeros(np.broadcast_shapes(*(y.shape for y in arrays))) for x in arrays),
        dtypes=ALL,
        shapes=(((2, 1), (1, 3), (2, 3)), ((0, 1), (1,), ())),
    ),
    Spec(
        "concat",
        (X, Input(shape=(1, 3)), Input(shape=(0, 3))),
        lambda x, y, z: np.asarray([*x, *y, *z]),
        call=lambda xp, *arrays: xp.concat(arrays),
        dtypes=EVERY,
    ),
    Spec(
        "concat",
        (X, Input(shape=(2, 1))),
        lambda x, y: np.asarray([[*a, *b] for a, b in zip(x, y, strict=True)]),
        call=lambda xp, *arrays: xp.concat(list(arrays), axis=-1),
        case="last",
        dtypes=ALL,
    ),
    Spec(
        "concat",
        (X, Input(shape=()), Input(shape=(2,))),
        lambda x, y, z: np.asarray([*x[0], *x[1], y[()], *z]),
        call=lambda xp, *arrays: xp.concat(arrays, axis=None),
        case="flat",
        dtypes=ALL,
    ),
    Spec(
        "concat",
        (X, Input(shape=(1, 3), dtype="float64")),
        lambda x, y: np.asarray([*x, *y]),
        call=lambda xp, *arrays: xp.concat(arrays),
        case="promoted",
        dtypes=("float32", "float64"),
        result="float64",
    ),
    Spec(
        "stack",
        (X, X),
        lambda x, y: np.asarray([x, y]),
        call=lambda xp, *arrays: xp.stack(arrays),
        dtypes=EVERY,
        shapes=(((), ()), ((0,), (0,))),
    ),
    Spec(
        "stack",
        (X, X, X),
        lambda *arrays: np.asarray([[[x[i, j] for x in arrays] for j in range(3)] for i in range(2)]),
        call=lambda xp, *arrays: xp.stack(list(arrays), axis=-1),
        case="last",
        dtypes=ALL,
    ),
    Spec(
        "repeat",
        (Input(shape=(3, 2)), Input(0, 3, shape=(3,), dtype="int64")),
        lambda x, n, axis: np.asarray([row for row, times in zip(x, n, strict=True) for _ in range(times)]).reshape(
            -1, 2
        ),
        options={"axis": -2},
        case="array",
        dtypes=ALL,
        result=None,
    ),
    Spec(
        "repeat",
        (Input(shape=(2, 2)), Input(2, 2, shape=(1,), dtype="uint64")),
        lambda x, n: np.asarray([v for row in x for v in row for _ in range(2)]),
        case="one for all",
        dtypes=ALL,
        result=None,
    ),
    Spec(
        "pad",
        (Input(shape=(2,)),),
        lambda x, pad_width: np.asarray([0, x[0], x[1], 0, 0], dtype=x.dtype),
        options={"pad_width": (1, 2)},
        dtypes=ALL,
    ),
    Spec(
        "pad",
        (Input(shape=(1, 2)),),
        lambda x, **options: np.asarray([[5, 5, 5, 6], [5, x[0, 0], x[0, 1], 6], [5, 7, 7, 6]], dtype=x.dtype),
        options={"pad_width": ((1, 1), (1, 1)), "constant_values": ((5, 7), (5, 6))},
        case="each axis",
        dtypes=ALL,
        jax=False,
    ),
    *(
        Spec(
            "pad",
            (Input(shape=(2, 3)),),
            lambda x, pad_width, mode, places=places: x[:, places],
            options={"pad_width": ((0, 0), (2, 1)), "mode": mode},
            case=mode,
            dtypes=ALL,
        )
        for mode, places in {
            "edge": [0, 0, 0, 1, 2, 2],
            "reflect": [2, 1, 0, 1, 2, 1],
            "symmetric": [1, 0, 0, 1, 2, 2],
            "wrap": [1, 2, 0, 1, 2, 0],
        }.items()
    ),
    Spec(
        "transpose",
        (Input(shape=(2, 3, 4)),),
        lambda x: np.asarray([[x[:, j, k] for j in range(3)] for k in range(4)]),
        dtypes=ALL,
    ),
    Spec(
        "transpose",
        (Input(shape=(2, 3)),),
        lambda x, axes: np.asarray([x[:, j] for j in range(3)]),
        options={"axes": (1, 0)},
        case="axes",
        dtypes=ALL,
    ),
    Spec(
        "diag",
        (Input(shape=(3,)),),
        lambda x: np.asarray([[x[0], 0, 0], [0, x[1], 0], [0, 0, x[2]]], dtype=x.dtype),
        dtypes=EVERY,
        torch=True,
    ),
    Spec(
        "diag",
        (Input(shape=(2,)),),
        lambda x, k: np.asarray([[0, x[0], 0], [0, 0, x[1]], [0, 0, 0]], dtype=x.dtype),
        options={"k": 1},
        case="above",
        dtypes=ALL,
    ),
    Spec(
        "diag",
        (Input(shape=(2,)),),
        lambda x, k: np.asarray([[0, 0, 0], [x[0], 0, 0], [0, x[1], 0]], dtype=x.dtype),
        options={"k": -1},
        case="below",
        dtypes=ALL,
    ),
    Spec(
        "diag", (Input(shape=(3, 4)),), lambda x: np.asarray([x[i, i] for i in range(3)]), case="of matrix", dtypes=ALL
    ),
    Spec(
        "diag",
        (Input(shape=(3, 4)),),
        lambda x, k: np.asarray([x[0, 2], x[1, 3]]),
        options={"k": 2},
        case="of matrix, above",
    ),
    Spec(
        "diag",
        (Input(shape=(3, 4)),),
        lambda x, k: np.asarray([x[1, 0], x[2, 1]]),
        options={"k": -1},
        case="of matrix, below",
    ),
    *(
        Spec(
            "sliding_window_view",
            (Input(shape=(3, 4)),),
            gathered(places),
            call=lambda xp, x, window_shape, axis=None: xp.sliding_window_view(x, window_shape, axis),
            options=options,
            case=case,
            dtypes=EVERY,
            jax=False,
        )
        for case, options, places in (
            (
                "all axes",
                {"window_shape": (2, 3)},
                lambda p: np.asarray([[p[i : i + 2, j : j + 3] for j in range(2)] for i in range(2)]),
            ),
            (
                "one axis",
                {"window_shape": 3, "axis": -1},
                lambda p: np.asarray([[row[j : j + 3] for j in range(2)] for row in p]),
            ),
            (
                "one axis twice",
                {"window_shape": (2, 2), "axis": (0, 0)},
                lambda p: np.asarray(
                    [[[[p[i, c], p[i + 1, c]], [p[i + 1, c], p[i + 2, c]]] for c in range(4)] for i in [0]]
                ),
            ),
            ("empty windows", {"window_shape": 0, "axis": 0}, lambda p: np.zeros((4, 4, 0), dtype="int64")),
        )
    ),
]
