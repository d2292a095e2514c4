"""vmap: what it refuses, and what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import xdbr
from xdbr import BatchingError, grad, vmap
from xdbr.testing import assert_allclose, to_host

# ---------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x[0] > 0 else -x,
        lambda x: x * float(x[0]),
        lambda x: x * int(x[0]),
        lambda x: x * x[0].item(),
        lambda x: x.tolist(),
        lambda x: np.asarray(x),
        lambda x: xdbr.nonzero(x),
        lambda x: xdbr.unique_values(x),
        lambda x: x[x > 0],
        lambda x: xdbr.bincount(xdbr.astype(x, "int64")),
        lambda x: xdbr.zeros(xdbr.astype(xdbr.sum(x), "int64")),
        lambda x: xdbr.repeat(x, xdbr.astype(x, "int64")),
    ],
)
def test_what_depends_on_values_is_refused(arr: Any, f: Any) -> None:
    x = arr(3, 2)
    x[...] = x.__array_namespace__().asarray([[1.0, 2.0], [0.0, 4.0], [5.0, 1.0]], dtype=x.dtype, device=x.device)
    with pytest.raises(BatchingError, match=r"vmap.*(xp\.where|depend)"):
        vmap(f)(x)


def test_what_is_the_same_for_all_has_a_value(arr: Any) -> None:
    def f(x: Any) -> Any:
        space = x.__array_namespace__()
        assert bool(space.ones(()) > 0)
        assert float(space.sum(space.zeros_like(x))) == 0.0
        return x

    x = arr(3, 2)
    assert_allclose(vmap(f)(x), x)


def test_a_branch_on_which_all_examples_agree(arr: Any) -> None:
    """As in a loop over the examples, where each takes the branch; checks of input are such branches."""

    def f(x: Any) -> Any:
        space = x.__array_namespace__()
        if space.any(space.isnan(x)):
            raise ValueError("NaN")
        rank = int(space.count_nonzero(x == x))
        return x[: space.argmax(x * 0)] if rank < 2 else x * rank if space.all(abs(x) < 1e3) else x

    def decided(x: Any) -> Any:
        return x * 2 if x.__array_namespace__().sum(x) > 0 else x

    x = arr(3, 2)
    assert_allclose(vmap(f)(x), x * 2)
    assert_allclose(vmap(grad(lambda v: xdbr.sum(f(v))))(x), np.full((3, 2), 2.0))
    many = arr(2, 3, 2)
    assert_allclose(vmap(vmap(f))(many), many * 2)
    space = x.__array_namespace__()
    halves = space.asarray([[1.0, 1.0], [2.0, 1.0]], dtype=x.dtype)
    assert_allclose(vmap(decided)(halves), halves * 2)
    assert_allclose(vmap(vmap(decided, in_axes=1), in_axes=1)(space.stack([halves, halves], axis=2)).shape, (2, 2, 2))
    with pytest.raises(BatchingError, match=r"bool\(\) under vmap: the 2 examples have a value each"):
        vmap(decided)(space.asarray([[1.0, 1.0], [-2.0, 1.0]], dtype=x.dtype))
    with pytest.raises(BatchingError, match=r"bool\(\) under vmap: there are 0 examples"):
        vmap(decided)(space.zeros((0, 2), dtype=x.dtype))


def test_numbers_of_examples_must_agree(arr: Any) -> None:
    with pytest.raises(
        BatchingError, match=r"argument 0 has 3 examples along axis 0, but argument 1 has 4 along axis 0"
    ):
        vmap(xdbr.add)(arr(3), arr(4))
    with pytest.raises(BatchingError, match=r"argument 0, value 1 has 4"):
        vmap(lambda p: p["a"])({"a": arr(3), "b": arr(4)})
    with pytest.raises(BatchingError, match=r"argument 0 has 3 .* scale has 4"):
        vmap(lambda x, scale: x)(arr(3), scale=arr(4))


def test_something_must_be_mapped(arr: Any) -> None:
    for call in (
        lambda: vmap(xdbr.abs, in_axes=None)(arr(3)),
        lambda: vmap(lambda x: x)(3.0),
        lambda: vmap(lambda: 1)(),
    ):
        with pytest.raises(BatchingError, match="no array to map over"):
            call()


def test_axes_that_do_not_fit(arr: Any) -> None:
    with pytest.raises(xdbr.AxisError, match=r"in_axes names axis 2 of argument 1, which has shape \(3,\)"):
        vmap(xdbr.add, in_axes=(0, 2))(arr(3), arr(3))
    with pytest.raises(xdbr.AxisError, match=r"out_axes names axis 3"):
        vmap(xdbr.abs, out_axes=3)(arr(3, 2))
    with pytest.raises(BatchingError, match="in_axes has 1 entries for 2 values"):
        vmap(xdbr.add, in_axes=(0,))(arr(3), arr(3))
    with pytest.raises(BatchingError, match="in_axes has the keys"):
        vmap(lambda p: p["a"], in_axes=({"b": 0},))({"a": arr(3)})
    with pytest.raises(BatchingError, match="in_axes must be an integer, None"):
        vmap(xdbr.abs, in_axes="rows")(arr(3))
    with pytest.raises(BatchingError, match="out_axes is None for a result that differs"):
        vmap(xdbr.abs, out_axes=None)(arr(3))
    with pytest.raises(TypeError, match="expected a function"):
        vmap(3)  # type: ignore[arg-type]


def test_an_index_of_each_example_under_derivatives_of_derivatives(arr: Any) -> None:
    z, t = arr(5, 3), xdbr.asarray([0, 1, 1, 0, 1], device=arr(1).device)
    cube = lambda z, t: z[t] ** 3  # noqa: E731

    def write(z: Any, t: Any) -> Any:
        z = z * 1.0
        z[t] = z[0] ** 2
        return xdbr.sum(z * z)

    for f in (cube, write):
        loop = xdbr.stack([xdbr.hessian(f)(z[i, ...], t[i]) for i in range(5)])
        assert_allclose(vmap(xdbr.hessian(f))(z, t), loop)
    w = xdbr.Variable(z[0, ...].detach(), requires_grad=True)
    rows = vmap(xdbr.grad(cube), in_axes=(None, 0))(w, t)
    assert rows.requires_grad
    assert_allclose(rows, xdbr.stack([xdbr.grad(cube)(w, t[i]) for i in range(5)]))
    seconds = xdbr.grad(lambda z: xdbr.sum(vmap(xdbr.grad(cube))(z, t)))(z)
    assert_allclose(
        seconds,
        xdbr.stack([xdbr.grad(lambda z, t: xdbr.sum(xdbr.grad(cube)(z, t)))(z[i, ...], t[i]) for i in range(5)]),
    )


def test_axes_counted_from_the_front(arr: Any) -> None:
    a, b = arr(3, 3, 3), arr(3, 3)
    for f in (
        lambda x, y: xdbr.vecdot(x, y, axis=0),
        lambda x, y: xdbr.linalg.vecdot(x, y, axis=1),
        lambda x, y: xdbr.linalg.cross(x, y, axis=0),
        lambda x, y: xdbr.linalg.cross(x, y * y, axis=-1),
    ):
        try:
            f(b, b)
        except (
            xdbr.ShapeError
        ):  # the standard's vecdot takes axes counted from the end alone, and some libraries keep to it
            continue
        assert_allclose(vmap(f)(a, a * 2), xdbr.stack([f(a[i, ...], a[i, ...] * 2) for i in range(3)]))
        assert_allclose(vmap(f, in_axes=(0, None))(a, b), xdbr.stack([f(a[i, ...], b) for i in range(3)]))


def test_writes_to_arrays_from_outside(arr: Any) -> None:
    x, w = arr(3, 2), arr(2)
    before = to_host(w).copy()
    with pytest.raises(BatchingError, match="into an array from outside of it"):
        vmap(lambda a: w.__setitem__(0, a[0]))(x)
    np.testing.assert_array_equal(to_host(w), before)
    assert (w + w).device == w.device

    def failing(a: Any) -> Any:
        w[1] = a[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        vmap(failing)(x)
    np.testing.assert_array_equal(to_host(w), before)

    def writing(a: Any, c: Any) -> Any:
        c[0] = a[1]
        made = xdbr.zeros(2, dtype=a.dtype, device=w.device)  # at the level below, and made inside
        made[1:] = c[0] * 2.0
        return c, made

    c, made = vmap(writing, in_axes=(0, None))(x, w)
    assert_allclose(c[:, 0], x[:, 1])
    assert_allclose(made[:, 1], 2.0 * x[:, 1])
    np.testing.assert_array_equal(to_host(w), before)


def test_an_array_that_has_left_its_vmap(arr: Any) -> None:
    kept: list[Any] = []
    x = arr(3, 2)
    vmap(lambda row: kept.append(row))(x)
    assert "3 examples" in repr(kept[0])
    with pytest.raises(BatchingError, match="one call of vmap is used in another"):
        vmap(lambda row: row + kept[0])(x)
    with pytest.raises(BatchingError, match="vmap"):
        kept[0].tolist()


def test_errors_of_functions_name_the_shapes_of_an_example(arr: Any) -> None:
    with pytest.raises(xdbr.ShapeError, match=r"add: .*x1: shape \(2,\)"):
        vmap(lambda x: xdbr.add(x, arr(3)))(arr(4, 2))
    with pytest.raises(xdbr.AxisError, match="axis 1 is out of range for an array with 1 axes"):
        vmap(lambda x: xdbr.sum(x, axis=1))(arr(4, 2))


def test_no_vmap_leaves_the_registry_and_modes_as_they_were(arr: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        vmap(lambda x: 1 / 0)(arr(3))
    assert xdbr.sum(arr(2)).item() > 0
    assert not any(name.startswith("vmap") for name in xdbr.backends.registered())
    assert not any(name.startswith("vmap") for name in xdbr.backends.available())
