"""What `numpy.asarray(x)` gives can be written, and a write to it is a write to `x`, and never to a saved buffer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import xdbr


@pytest.fixture
def lends(backend, device):
    """Skip where NumPy has no way into the memory of the backend's arrays."""
    if backend.writable_host(xdbr.ones(2, device=device)._raw) is None:
        pytest.skip(f"the memory of {device} cannot be written by NumPy")


def clear(x):
    """Write through NumPy, as code that knows of nothing else does."""
    np.asarray(x)[...] = 0.0


@pytest.mark.usefixtures("lends")
class TestWrites:
    def test_a_write_reaches_the_variable(self, device):
        x = xdbr.ones((2, 3), device=device)
        clear(x)
        assert x.tolist() == [[0.0] * 3] * 2
        x += 1.0
        np.asarray(x)[0, 1] = 5.0
        assert (x * 2).tolist() == [[2.0, 10.0, 2.0], [2.0, 2.0, 2.0]]

    @pytest.mark.parametrize("reads", [0, 1])
    def test_a_write_through_a_view_reaches_its_base_and_its_siblings(self, device, reads):
        x = xdbr.zeros((3, 2), device=device)
        before, other = x[1:, :], xdbr.permute_dims(x, (1, 0))
        for _ in range(reads):
            assert float(xdbr.sum(before)) == float(xdbr.sum(other)) == 0.0
        np.asarray(xdbr.permute_dims(x[1:, :], (1, 0)))[0, 0] = 7.0
        assert x.tolist() == [[0, 0], [7, 0], [0, 0]]
        assert before.tolist() == [[7, 0], [0, 0]]
        assert other.tolist() == [[0, 7, 0], [0, 0, 0]]

    def test_two_arrays_of_one_variable_share_memory(self, device):
        x = xdbr.zeros(3, device=device)
        a, b = np.asarray(x), np.asarray(x)
        a[0] = 1.0
        assert b[0] == 1.0
        assert x.tolist() == [1.0, 0.0, 0.0]

    def test_a_number_without_axes(self, device):
        x = xdbr.sum(xdbr.ones(3, device=device))
        np.asarray(x)[...] = 4.0
        assert float(x) == 4.0

    def test_no_saved_buffer_changes(self, device):
        x = xdbr.asarray([1.0, 2.0], device=device)
        w = xdbr.Variable([3.0, 4.0], device=device, requires_grad=True)
        y = xdbr.sum(w * x)
        clear(x)
        z = xdbr.sum(w * x)
        clear(x[1:])
        y.backward()
        assert w.grad.tolist() == [1.0, 2.0]
        w.grad = None
        z.backward()
        assert w.grad.tolist() == [0.0, 0.0]

    def test_nor_does_what_a_detached_one_came_from(self, device):
        w = xdbr.Variable([3.0, 4.0], device=device, requires_grad=True)
        y = xdbr.sum(w * w)
        clear(w.detach())
        assert w.tolist() == [3.0, 4.0]
        y.backward()
        assert w.grad.tolist() == [6.0, 8.0]

    def test_nor_does_the_array_that_a_variable_was_made_of(self, device):
        a = np.ones(2)
        clear(xdbr.asarray(a, device=device))
        assert a.tolist() == [1.0, 1.0]

    def test_a_variable_made_of_the_array_keeps_its_gradient_right(self, device):
        x = xdbr.asarray([1.0, 2.0], device=device)
        twin = xdbr.asarray(np.asarray(x), device=device)
        w = xdbr.Variable([3.0, 4.0], device=device, requires_grad=True)
        y = xdbr.sum(w * twin)
        x[0] = 9.0
        clear(x)
        y.backward()
        assert w.grad.tolist() == [1.0, 2.0]

    def test_the_memory_stays_shared_while_the_variable_is_read(self, device):
        x = xdbr.zeros((2, 2), device=device)
        part, array = x[1, :], np.asarray(x)
        w = xdbr.Variable([1.0, 1.0], device=device, requires_grad=True)
        for n in (1.0, 2.0):
            array[...] = n
            assert x.tolist() == [[n, n], [n, n]]
            assert part.tolist() == x[0, :].tolist() == [n, n]
            assert float(x[0, 1]) == n
            assert xdbr.permute_dims(x, (1, 0)).tolist() == [[n, n], [n, n]]
            y = xdbr.sum(w * part)
            array[...] = 0.0
            w.grad = None
            y.backward()
            assert w.grad.tolist() == [n, n]

    def test_a_number_that_was_read_is_no_view(self, device):
        x = xdbr.zeros(2, device=device)
        array = np.asarray(x)
        number, part = x[0], x[0, ...]
        array[0] = 1.0
        assert (float(number), float(part)) == (0.0, 1.0)

    def test_threads_write_parts_of_one_array(self, device):
        x = xdbr.zeros((8, 1000), device=device)
        parts = [x[i, :] for i in range(8)]

        def fill(i):
            for k in range(20):
                array = np.asarray(parts[i])
                for j in range(50 * k, 50 * (k + 1)):
                    array[j] = i + 1
                assert float(x[i, 50 * k]) == i + 1

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(fill, range(8)))
        assert xdbr.all(x == xdbr.expand_dims(xdbr.arange(1.0, 9.0, device=device), axis=1))


@pytest.mark.usefixtures("lends")
class TestEnd:
    """A write to the Variable, or that it needs gradient, ends the sharing."""

    @pytest.mark.parametrize("end", ["write", "write to a view", "assign", "need gradient", "data"])
    def test_a_later_write_is_refused(self, device, end):
        x = xdbr.zeros(2, device=device)
        part = x[1:]
        array = np.asarray(x)
        array[0] = 1.0
        if end == "write":
            x[1] = 0.0
        elif end == "write to a view":
            part[0] = 0.0
        elif end == "assign":
            x *= 1.0
        elif end == "data":
            x.data = xdbr.asarray([1.0, 0.0], device=device)
        else:
            x.requires_grad = True
        with pytest.raises(ValueError, match="read-only"):
            array[1] = 2.0
        assert x.tolist() == [1.0, 0.0]
        assert part.tolist() == [0.0]

    def test_shape_and_dtype_do_not_end_it(self, device):
        x = xdbr.zeros((2, 2), device=device)
        array = np.asarray(x)
        assert (x.shape, x.ndim, x.size, len(x), x.dtype.kind, x.device) == ((2, 2), 2, 4, 2, "f", device)
        array[0] = 1.0
        assert x.tolist() == [[1.0, 1.0], [0.0, 0.0]]

    def test_gradients_flow_through_later_writes(self, device):
        x = xdbr.zeros(3, device=device)
        part = x[1:]
        np.asarray(x)[0] = 2.0
        v = xdbr.Variable(3.0, device=device, requires_grad=True)
        part[0] = v
        xdbr.sum(x * x).backward()
        assert x.tolist() == [2.0, 3.0, 0.0]
        assert float(v.grad) == 6.0

    def test_memory_comes_back_uncopied_where_no_array_is_left(self):
        x = xdbr.zeros(3, device="numpy")
        place = np.asarray(x).ctypes.data
        assert x.data.ctypes.data == place


def test_a_copy_and_another_dtype_share_nothing(device):
    x = xdbr.ones(2, device=device)
    np.array(x)[:] = 5.0
    np.asarray(x, dtype="float64" if x.dtype == "float32" else "float32")[:] = 5.0
    assert x.tolist() == [1.0, 1.0]


def test_where_no_copy_is_asked_for_nothing_can_be_written(device):
    x = xdbr.ones(2, device=device)
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(x, copy=False)[0] = 1.0


def test_a_view_of_what_needs_gradient_cannot_be_written():
    x = xdbr.Variable([1.0, 2.0], device="numpy", requires_grad=True)
    with xdbr.no_grad():
        part = x[:1]
    assert not part.requires_grad
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(part)[0] = 5.0
    assert x.tolist() == [1.0, 2.0]
