"""Views and writes: the same program on NumPy's arrays and on Variables gives the same values and aliases alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from view_helpers import NUMPY, able, arguments, listed, put

from xdbr.testing import assert_allclose, check_grads, to_host

__all__ = ["able", "put"]

Program = Callable[..., Any]

PROGRAMS: list[Any] = []


def program(*needs: str) -> Callable[[Program], Program]:
    """Enter a program `f(xp, x, v)`; `x` has shape (3, 4), `v` (4,); what it gives is compared.

    needs: the kinds of index, beyond those of the standard, that the library underneath must take.
    """

    def enter(f: Program) -> Program:
        PROGRAMS.append(pytest.param(f, needs, id=f.__name__))
        return f

    return enter


# ------------------------------------------------------------------------------- basic indexing, reads


@program()
def view_sees_write_to_base(xp: Any, x: Any, v: Any) -> Any:
    row = x[1, ...]
    x[1, 2] = 50.0
    return x, row


@program()
def base_sees_write_to_view(xp: Any, x: Any, v: Any) -> Any:
    row = x[1, ...]
    row[2] = v[0]
    return x, row


@program()
def siblings_see_each_other(xp: Any, x: Any, v: Any) -> Any:
    left, right, row = x[:, :3], x[:, 1:], x[2, :]
    left[:, 1] = v[:3]
    right[2, :] *= 2.0
    return x, left, right, row


@program()
def view_of_view_of_view(xp: Any, x: Any, v: Any) -> Any:
    a = x[1:, :]
    b = a[:, 1:]
    c = b[0, ...]
    c[1] = v[3]
    b[:, 0] = v[:2]
    a[1, ...] += v
    return x, a, b, c


@program()
def new_view_after_write(xp: Any, x: Any, v: Any) -> Any:
    x[0, 0] = 9.0
    row = x[0, ...]
    row[1] = v[1]
    x[0, 2] = v[2]
    return x, row


@program()
def view_without_its_base(xp: Any, x: Any, v: Any) -> Any:
    row, rest = x[0, ...], x[:, 0]
    del x
    row[0] = v[0]
    return row, rest


@program()
def zero_d_view_by_ellipsis(xp: Any, x: Any, v: Any) -> Any:
    corner = x[0, 0, ...]
    corner[...] = v[0]
    x[0, 0] *= 3.0
    return x, corner


@program("scalars")
def scalar_is_no_view(xp: Any, x: Any, v: Any) -> Any:
    corner = x[0, 0]
    x[0, 0] = 70.0
    return x, corner


@program("backward steps")
def steps_and_backward_steps(xp: Any, x: Any, v: Any) -> Any:
    every, back = x[:, ::2], x[::-1, 1]
    every[1, ...] = v[:2]
    back[0] = -8.0
    back += v[1:]
    return x, every, back


@program()
def newaxis_is_a_view(xp: Any, x: Any, v: Any) -> Any:
    wide = x[:, None, 1:]
    wide[0, 0, :] = v[1:]
    x[2, 3] = v[0]
    return x, wide


@program()
def ellipsis_everywhere(xp: Any, x: Any, v: Any) -> Any:
    same, last = x[...], x[..., -1]
    same[..., 0] = v[:3]
    last[...] = 4.0
    return x, same, last


@program()
def iteration_gives_views(xp: Any, x: Any, v: Any) -> Any:
    for i, row in enumerate(x):
        row *= float(i)
        row[i] = v[i]
    first, *others = x
    others[0][...] = v
    return x, first, *others


@program("partial keys")
def swapped_rows_overwrite_each_other(xp: Any, x: Any, v: Any) -> Any:
    x[0], x[1] = x[1], x[0]
    return x


@program()
def copies_are_no_views(xp: Any, x: Any, v: Any) -> Any:
    copy, plus = xp.asarray(x, copy=True), x[0, ...] + 0.0
    x[0, ...] = v
    copy[1, 1] = -1.0
    plus[0] = -2.0
    return x, copy, plus


# ---------------------------------------------------------------------------------------- view functions


@program()
def reshape_is_a_view(xp: Any, x: Any, v: Any) -> Any:
    flat, cube = xp.reshape(x, (-1,)), xp.reshape(x, (3, 2, 2))
    flat[5] = v[0]
    cube[2, 1, :] = v[:2]
    x[0, 3] = v[3]
    return x, flat, cube


@program()
def unpacked_reshape(xp: Any, x: Any, v: Any) -> Any:
    left, right = xp.unstack(xp.reshape(x, (2, 6)))
    left[...] = 1.0 / (1.0 + left * left)
    right[1] = v[1]
    return x, left, right


@program()
def reshape_of_a_transpose_copies(xp: Any, x: Any, v: Any) -> Any:
    flat = xp.reshape(x.T, (-1,))
    flat[1] = v[0]
    x[0, 0] = v[1]
    return x, flat


@program()
def reshape_of_columns_copies_also_after_a_write(xp: Any, x: Any, v: Any) -> Any:
    x[0, 0] = 3.0
    columns = x[:, :2]
    x[1, 0] = v[3]
    flat = xp.reshape(columns, (-1,))
    flat[1] = v[0]
    x[0, 0] = v[1]
    return x, columns, flat


@program()
def reshape_of_a_written_transpose(xp: Any, x: Any, v: Any) -> Any:
    turned = xp.permute_dims(x, (1, 0))
    turned[0, 1] = v[2]
    flat = xp.reshape(turned, (-1,))
    flat[2] = 33.0
    again = xp.reshape(xp.permute_dims(turned, (1, 0)), (-1,))
    again[3] = v[1]
    return x, turned, flat, again


@program()
def reshape_with_copy(xp: Any, x: Any, v: Any) -> Any:
    apart, shared = xp.reshape(x, (4, 3), copy=True), xp.reshape(x, (4, 3), copy=False)
    apart[0, 0], shared[1, 1] = v[0], v[1]
    return x, apart, shared


@program()
def transposes_are_views(xp: Any, x: Any, v: Any) -> Any:
    turned, same = x.T, xp.permute_dims(x, (1, 0))
    turned[0, ...] = v[:3]
    same[1, 2] = v[3]
    turned.T[0, 3] = -5.0
    return x, turned, same


@program()
def moved_axes_are_views(xp: Any, x: Any, v: Any) -> Any:
    moved = xp.moveaxis(xp.reshape(x, (3, 2, 2)), 0, -1)
    moved[1, 0, :] = v[:3]
    x[0, ...] *= 2.0
    return x, moved


@program()
def flips_are_views(xp: Any, x: Any, v: Any) -> Any:
    turned, upside = xp.flip(x), xp.flip(x, axis=0)
    turned[0, 0] = v[0]
    upside[0, ...] += v
    return x, turned, upside


@program()
def squeezed_and_expanded_are_views(xp: Any, x: Any, v: Any) -> Any:
    wide = xp.expand_dims(x, axis=(0, -1))
    slim = xp.squeeze(wide[:, :1, ...], axis=(0, 1))
    slim[1, 0] = v[1]
    wide[0, 2, :, 0] = v
    return x, wide, slim


@program()
def unstacked_pieces_are_views(xp: Any, x: Any, v: Any) -> Any:
    rows, columns = xp.unstack(x), xp.unstack(x, axis=1)
    rows[0][2] = v[0]
    columns[1][...] = v[:3]
    columns[2][0] += 1.0
    return x, *rows, *columns


@program()
def long_chain_of_view_functions(xp: Any, x: Any, v: Any) -> Any:
    a = xp.reshape(x, (2, 6))
    b = xp.expand_dims(a[:, 1:5], axis=0)
    c = xp.flip(xp.moveaxis(b, 1, 2), axis=1)
    d = xp.squeeze(c, axis=0)[1:3, ...]
    d[0, 1] = v[0]
    a[1, 2] = v[1]
    d *= 1.5
    x[1, ...] = v
    return x, a, b, c, d


@program("integer arrays beside others")
def gathering_functions_are_no_views(xp: Any, x: Any, v: Any) -> Any:
    i = xp.asarray([0, 1])
    made = [
        xp.take(x, i, axis=1), x[:, i], xp.roll(x, 1, axis=0), xp.tile(x, (1, 1)), xp.concat([x]), xp.stack([x]),
        xp.broadcast_to(x, (2, 3, 4)) + 0.0, xp.repeat(x, 1, axis=0), xp.where(x > 0, x, v), xp.sort(x), x * 1.0,
    ]  # fmt: skip
    for y in made:
        y[0, ...] = -7.0
    x[1, ...] = v
    return x, *made


# ---------------------------------------------------------------------------------------------- writes


@program()
def whole_writes(xp: Any, x: Any, v: Any) -> Any:
    row = x[1, ...]
    x[...] = v
    x[:, :] = x * 2.0 + 1.0
    row[:] = 5.0
    return x, row


@program()
def broadcast_writes(xp: Any, x: Any, v: Any) -> Any:
    x[1:, :] = v
    x[:, 1:3] = xp.reshape(v[:3], (3, 1))
    x[0, :] = xp.reshape(v, (1, 4))
    return x


@program()
def lists_as_values(xp: Any, x: Any, v: Any) -> Any:
    x[0, ...] = [0.1, 0.2, 0.3, 0.4]
    x[1, ...] = [v[0], v[1] * v[2], 1.5, x[0, 1]]
    x[:2, 1:3] = [[v[3], 2.0], [-1, v[3]]]
    return x


@program()
def overlapping_writes(xp: Any, x: Any, v: Any) -> Any:
    x[1:, ...] = x[:-1, ...]
    x[:, :-1] = x[:, 1:]
    x[...] = xp.flip(x)
    x[:, ...] = xp.flip(x, axis=0) * v
    return x


@program()
def overlapping_writes_by_views(xp: Any, x: Any, v: Any) -> Any:
    y = xp.reshape(x, (-1,))
    head, tail = y[:-1], y[1:]
    tail[...] = head
    head += tail
    x[:, 0] = xp.flip(x[:, 3])
    return x, y, head, tail


@program()
def write_of_itself(xp: Any, x: Any, v: Any) -> Any:
    x[...] = x
    row = x[0, ...]
    row[...] = row
    x[1, ...] = row
    row += row
    return x, row


@program()
def masked_writes(xp: Any, x: Any, v: Any) -> Any:
    row = x[1, ...]
    x[x > 0.5] = 0.25
    row[row < 0] = v[0]
    x[x < -0.5] *= 2.0
    return x, row


@program("partial masks")
def masked_rows(xp: Any, x: Any, v: Any) -> Any:
    keep = xp.asarray([True, False, True])
    x[keep] = v
    x[keep, 1] = v[:2]
    return x, x[keep], x[:, xp.asarray([True, False, False, True])]


@program()
def masked_write_of_a_vector(xp: Any, x: Any, v: Any) -> Any:
    mask = xp.reshape(xp.arange(12), (3, 4)) % 5 == 1
    x[mask] = v[:3]
    return x, x[mask]


@program("integer arrays")
def integer_array_writes(xp: Any, x: Any, v: Any) -> Any:
    row = x[2, ...]
    x[xp.asarray([0, 2])] = v
    x[:, xp.asarray([3, -4])] *= 2.0
    x[xp.asarray([0, 1, 2]), xp.asarray([1, 1, 0])] = v[:3]
    return x, row


@program("integer arrays")
def integer_array_writes_of_views(xp: Any, x: Any, v: Any) -> Any:
    part = x[:, 1:]
    part[xp.asarray([2, 0])] = v[1:]
    part[xp.asarray([[0], [1]]), xp.asarray([0, 2])] = v[:2]
    return x, part


@program("integer arrays")
def places_named_twice_keep_the_last(xp: Any, x: Any, v: Any) -> Any:
    x[xp.asarray([0, 1, 0, -3]), 1] = v
    x[xp.asarray([1, 1, -2])] = xp.stack([v, v * 2.0, v * 3.0])
    x[xp.asarray([[0], [2]]), xp.asarray([2, 2])] = xp.reshape(v, (2, 2))
    return x


@program("integer arrays")
def lists_as_keys(xp: Any, x: Any, v: Any) -> Any:
    x[[0, 2]] = v
    x[[True, False, True], 0] = 3.0
    x[[]] = 5.0
    return x, x[[1, 0]], x[:, [0, 0]]


@program()
def augmented_assignments(xp: Any, x: Any, v: Any) -> Any:
    row = x[0, ...]
    x += 1.0
    x *= v
    row -= v
    x[1, ...] /= 2.0
    row **= 2.0
    x[:, 2] += row[:3]
    return x, row


@program()
def augmented_names_share_the_array(xp: Any, x: Any, v: Any) -> Any:
    y = x
    y += 1.0
    z = y[:2, ...]
    z *= 2.0
    return x, y, z


@program()
def augmented_matrix_product(xp: Any, x: Any, v: Any) -> Any:
    square = x[:, :3]
    square @= xp.reshape(xp.concat([v, v, v[:1]]), (3, 3))
    return x, square


@program()
def empty_writes(xp: Any, x: Any, v: Any) -> Any:
    none = x[:0, :]
    none[...] = 5.0
    x[1:1, ...] = v
    x[x > 1e9] = 4.0
    return x, none


@program()
def zero_d_arrays(xp: Any, x: Any, v: Any) -> Any:
    s = xp.asarray(v[0], copy=True)
    s[...] = 3.0
    t = s[...]
    t[()] = v[1]
    s += 1.0
    line = xp.reshape(t, (1,))
    line[0] = v[2]
    return s, t, line


# --------------------------------------------------------------------------------------------- driving


@pytest.mark.parametrize(("run", "needs"), PROGRAMS)
@pytest.mark.parametrize("recorded", [False, True], ids=["plain", "recorded"])
def test_values_are_numpys(run: Program, needs: tuple[str, ...], recorded: bool, xp: Any, put: Any, able: Any) -> None:
    able(needs)
    x, v = arguments()
    want = listed(run(NUMPY, x.copy(), v.copy()))
    vx, vv = put(x, recorded), put(v, recorded)
    got = listed(run(xp, vx * 1.0, vv))
    assert len(got) == len(want)
    for one, other in zip(got, want, strict=True):
        assert_allclose(one, other, rtol=1e-15)
    assert_allclose(vx, x, rtol=0)
    assert_allclose(vv, v, rtol=0)


@pytest.mark.parametrize(("run", "needs"), PROGRAMS)
def test_gradients_are_those_of_the_program(run: Program, needs: tuple[str, ...], xp: Any, put: Any, able: Any) -> None:
    able(needs)
    x, v = arguments()
    check_grads(lambda x, v: listed(run(xp, x * 1.0, v)), [put(x), put(v)], directions=1)


@pytest.mark.parametrize(("run", "needs"), PROGRAMS)
def test_leaves_may_be_written(run: Program, needs: tuple[str, ...], xp: Any, put: Any, able: Any) -> None:
    """A leaf's gradient is that of the value it had at first, also where the program writes to the leaf itself."""
    able(needs)
    x, v = arguments()
    grads = []
    for start in (lambda leaf: leaf * 1.0, lambda leaf: leaf):
        leaf, other = put(x, True), put(v, True)
        loss = sum((xp.sum(y * y) for y in listed(run(xp, start(leaf), other)) if y.requires_grad), start=xp.sum(other))
        loss.backward()
        grads.append((leaf.grad, other.grad))
    (plain, plain_v), (written, written_v) = grads
    if plain is None:  # all of it was overwritten: a leaf is not cut off, as what is computed is, and gets zeros
        assert written is None or not to_host(written).any()
    else:
        assert_allclose(written, plain, rtol=1e-14)
    assert_allclose(written_v, plain_v, rtol=1e-14)
