"""Variable: an array like any other, that refuses to be cut silently."""

from __future__ import annotations

import copy
import operator
import pickle

import numpy as np
import pytest

import xdbr
from xdbr import DeviceError, DtypeError, GradientError, ShapeError


def needs(device, values=(1.0, 2.0)):
    return xdbr.Variable(list(values), requires_grad=True, dtype="float64", device=device)


class TestProtocols:
    def test_the_namespace_is_the_backends_and_stays_the_same(self, device):
        x, y = xdbr.ones(2, device=device), needs(device)
        space = x.__array_namespace__()
        assert space is y.__array_namespace__(api_version="2025.12")
        assert space.__name__ == f"xdbr.{x.device.name}"
        assert {space: 1}[space] == 1
        assert space.zeros(3).device.name == x.device.name

    def test_an_unknown_version_of_the_standard(self, device):
        with pytest.raises(ValueError, match=r"unknown api_version '1999\.01'"):
            xdbr.ones(1, device=device).__array_namespace__(api_version="1999.01")

    def test_attributes_that_others_sniff_for_are_absent(self, device):
        x = xdbr.ones(1, device=device)
        for name in ("flags", "mask", "chunks", "iloc", "fit"):
            assert not hasattr(x, name)

    def test_numpy_defers_to_it(self, device):
        x = needs(device)
        for y in (np.float64(3.0) * x, np.float32(3.0) * x, x * np.float64(3.0)):
            assert isinstance(y, xdbr.Variable)
            assert y.requires_grad
            assert y.dtype == xdbr.float64
            assert y.tolist() == [3.0, 6.0]

    def test_a_numpy_scalar_is_weak(self, device):
        x = xdbr.ones(2, dtype="float32", device=device)
        assert (np.float64(2.0) * x).dtype == xdbr.float32
        assert (x + np.float64(2.0)).dtype == xdbr.float32

    def test_a_foreign_operand_gets_its_turn(self, device):
        class Foreign:
            __array_ufunc__ = None

            def __radd__(self, other):
                return "mine"

            def __lt__(self, other):
                return "less"

        x = needs(device)
        assert x + Foreign() == "mine"
        assert (x > Foreign()) == "less"
        with pytest.raises(TypeError):
            x * "text"
        with pytest.raises(DtypeError, match="add: x2 must be an array or a Variable; got str"):
            xdbr.add(x, "text")

    def test_len_iteration_contains(self, device):
        x = xdbr.reshape(xdbr.arange(6, device=device), (3, 2))
        assert len(x) == 3
        assert [row.tolist() for row in x] == [[0, 1], [2, 3], [4, 5]]
        assert 4 in x
        assert 7 not in x
        with pytest.raises(TypeError, match="0-d"):
            len(xdbr.asarray(1.0, device=device))
        with pytest.raises(TypeError, match="0-d"):
            iter(xdbr.asarray(1.0, device=device))

    def test_formatting(self, device):
        x = xdbr.asarray(2.5, device=device)
        assert f"{x:.2f}" == "2.50"
        assert f"{xdbr.asarray([1, 2], device=device)}" == "[1 2]"
        with pytest.raises(TypeError, match="needs a 0-d Variable"):
            f"{xdbr.ones(2, device=device):.2f}"

    def test_repr(self):
        assert repr(xdbr.asarray([1.0, 2.0])) == "Variable([1., 2.], dtype=float32)"
        assert repr(xdbr.ones((0, 3))) == "Variable([], shape=(0, 3), dtype=float32)"
        x = xdbr.Variable([1.0], requires_grad=True, name="w")
        assert repr(x) == "Variable([1.], dtype=float32, name='w', requires_grad=True)"
        assert repr(x * 2.0) == "Variable([2.], dtype=float32, function=multiply)"

    def test_hash_is_by_identity(self, device):
        x, y = needs(device), needs(device)
        assert len({x, y, x}) == 2


class TestLeaving:
    """A Variable that needs gradient never becomes a number silently."""

    @pytest.mark.parametrize(
        "leave",
        [
            lambda x: np.asarray(x),
            lambda x: np.array(x),
            lambda x: np.from_dlpack(x),
            lambda x: float(x[0]),
            lambda x: complex(x[0]),
            lambda x: xdbr.from_dlpack(x),
        ],
    )
    def test_a_variable_that_needs_gradient_refuses(self, device, leave):
        with pytest.raises(GradientError, match="detach"):
            leave(needs(device))

    @pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
    def test_one_element_is_true_or_false_on_any_number_of_axes(self, device, shape):
        x = xdbr.ones(shape, device=device)
        x.requires_grad = True
        assert x
        assert not x - 1.0

    def test_bool_int_index_and_item_work(self, device):
        x = needs(device)
        assert bool(x[0])
        assert int(x[1]) == 2
        assert x[1].item() == 2.0
        i = xdbr.asarray(1, device=device)
        assert operator.index(i) == 1
        assert [10, 20][i] == 20
        with pytest.raises(TypeError, match="only a 0-d integer"):
            operator.index(x[0])

    def test_a_constant_converts_freely(self, device):
        x = needs(device).detach()
        assert np.asarray(x).tolist() == [1.0, 2.0]
        assert np.asarray(x, dtype="float32").dtype == np.float32
        assert float(x[0]) == 1.0
        assert complex(x[1]) == 2 + 0j

    def test_several_elements_are_no_number(self, device):
        x = xdbr.ones(2, device=device)
        for convert in (float, complex, int, bool):
            with pytest.raises(TypeError, match="only a 0-d Variable"):
                convert(x)
        for convert in (float, complex, int):  # as in NumPy
            with pytest.raises(TypeError, match="only a 0-d Variable"):
                convert(x[:1])
        with pytest.raises(ShapeError, match="one element"):
            x.item()

    def test_what_numpy_gets_does_not_write_back(self):
        x = xdbr.asarray([1.0, 2.0])
        with pytest.raises(ValueError, match="read-only"):
            x.data[0] = 5.0


class TestData:
    def test_setting_data_keeps_the_leaf(self, device):
        x = needs(device)
        node = x._node
        x.data = xdbr.asarray([5.0, 6.0], dtype="float64", device=device)
        assert x.tolist() == [5.0, 6.0]
        assert x._node is node

    def test_setting_data_does_not_change_saved_values(self, device):
        x = needs(device)
        y = xdbr.sum(x * x)
        x.data = xdbr.asarray([50.0, 60.0], dtype="float64", device=device)
        y.backward()
        assert x.grad.tolist() == [2.0, 4.0]

    @pytest.mark.parametrize(
        ("value", "error", "message"),
        [
            (lambda d: xdbr.ones(3, dtype="float64", device=d), ShapeError, r"expected shape \(2,\); got \(3,\)"),
            (lambda d: xdbr.ones(2, dtype="float32", device=d), DtypeError, "expected dtype float64; got float32"),
        ],
    )
    def test_setting_data_checks(self, device, value, error, message):
        x = needs(device)
        with pytest.raises(error, match=message):
            x.data = value(device)
        assert x.tolist() == [1.0, 2.0]

    def test_asarray_gives_the_same_object(self, device):
        x = needs(device)
        assert xdbr.asarray(x) is x
        assert xdbr.asarray(x, copy=False) is x
        y = xdbr.asarray(x, copy=True)
        assert y is not x
        xdbr.sum(y * 3.0).backward()
        assert x.grad.tolist() == [3.0, 3.0]

    def test_asarray_of_a_sequence_of_variables_is_differentiable(self, device):
        x = needs(device)
        y = xdbr.asarray([[x[0], 1.0], [x[1], x[0]]])
        assert y.shape == (2, 2)
        xdbr.sum(y * y).backward()
        assert x.grad.tolist() == [4.0, 4.0]

    def test_asarray_shares_a_numpy_array_and_never_writes_it(self):
        host = np.array([1.0, 2.0])
        x = xdbr.asarray(host, device="numpy")
        assert np.shares_memory(x.data, host)
        x[0] = 9.0
        assert host.tolist() == [1.0, 2.0]
        assert x.tolist() == [9.0, 2.0]
        with pytest.raises(ValueError, match="copy=False"):
            xdbr.asarray([1.0], copy=False)

    @pytest.mark.parametrize("bad", ["text", object(), [[1.0], [1.0, 2.0]], ["a"], {1: 2}])
    def test_asarray_refuses_what_is_no_number(self, bad):
        with pytest.raises(DtypeError, match="asarray"):
            xdbr.asarray(bad)


class TestCopies:
    def test_pickle(self, device):
        x = needs(device)
        x.name = "w"
        xdbr.sum(x * 2.0).backward()
        y = pickle.loads(pickle.dumps(x))
        assert (y.tolist(), y.requires_grad, y.is_leaf, y.name, y.device) == ([1.0, 2.0], True, True, "w", x.device)
        assert y.grad.tolist() == [2.0, 2.0]

    def test_deepcopy_shares_nothing(self, device):
        x = needs(device)
        y = copy.deepcopy({"a": x, "b": [x]})
        assert y["a"] is y["b"][0]
        y["a"][0] = 7.0
        assert x.tolist() == [1.0, 2.0]

    def test_a_computed_variable_has_to_be_detached_before_it_is_pickled(self, device):
        with pytest.raises(GradientError, match="detach"):
            pickle.dumps(needs(device) * 2.0)


class TestDevices:
    def test_arguments_on_two_devices(self):
        pytest.importorskip("array_api_strict", reason="needs a second backend")
        x, y = xdbr.ones(2, device="numpy"), xdbr.ones(2, device="strict")
        with pytest.raises(
            DeviceError, match=r"multiply: x1 is on 'numpy' but x2 is on 'strict'; .*to_device\('numpy'\)"
        ):
            x * y
        z = xdbr.ones(2, device="strict:device1")
        with pytest.raises(DeviceError, match="add: x1 is on 'strict' but x2 is on 'strict:device1'"):
            y + z
        with pytest.raises(DeviceError, match=r"concat: arrays\[0\] is on 'numpy' but arrays\[1\] is on 'strict'"):
            xdbr.concat([x, y])

    def test_to_device_is_differentiable(self):
        pytest.importorskip("array_api_strict", reason="needs a second backend")
        x = needs("numpy")
        y = x.to_device("strict:device1") * 2.0
        assert y.device == "strict:device1"
        z = y.to_device("numpy")
        assert z.device == "numpy"
        g = xdbr.grad(xdbr.sum(z * z), x, create_graph=True)
        assert (g.tolist(), g.device) == ([8.0, 16.0], "numpy")
        assert xdbr.grad(xdbr.sum(g), x).tolist() == [8.0, 8.0]

    def test_to_the_same_device_is_the_same_object(self, device):
        x = needs(device)
        assert x.to_device(x.device) is x

    def test_an_unknown_device(self, device):
        with pytest.raises(DeviceError, match="unknown device 'nowhere'.*available: "):
            needs(device).to_device("nowhere")


class TestAugmented:
    def test_the_object_stays_and_the_graph_grows(self, device):
        x = needs(device)
        y = x * 1.0
        z = y
        y += 1.0
        y *= x
        assert z is y
        xdbr.sum(y).backward()
        assert x.grad.tolist() == [3.0, 5.0]

    def test_shape_and_dtype_stay(self, device):
        x = xdbr.ones(2, dtype="float32", device=device)
        with pytest.raises(ShapeError, match="__iadd__"):
            x += xdbr.ones((3, 2), dtype="float32", device=device)
        x += xdbr.ones(2, dtype="float64", device=device)
        assert x.dtype == xdbr.float32
        i = xdbr.asarray([1, 2], device=device)
        with pytest.raises(DtypeError, match="__imul__"):
            i *= 1.5
        assert i.tolist() == [1, 2]


class TestCuts:
    """What would cut the graph silently is refused."""

    def test_a_variable_of_a_computed_variable(self, device):
        y = needs(device) * 2.0
        with pytest.raises(GradientError, match="cut off from its graph"):
            xdbr.Variable(y)
        with pytest.raises(GradientError, match="cut off from their graph"):
            xdbr.nn.Parameter(y)
        assert xdbr.asarray(y) is y
        with pytest.raises(GradientError, match="is or holds a Variable that needs gradient"):
            xdbr.Variable([xdbr.sum(y), 1.0])

    def test_an_index_array_may_be_used_again(self):
        x = needs("numpy")
        index = np.asarray([0, 0])
        y = xdbr.sum(x[index])
        index[:] = 1
        y.backward()
        assert x.grad.tolist() == [2.0, 0.0]

    def test_a_sequence_that_holds_variables_can_be_written(self, device):
        x = needs(device)
        y = xdbr.zeros(2, dtype="float64", device=device)
        y[:] = [x[1], 5.0]
        xdbr.sum(y * y).backward()
        assert x.grad.tolist() == [0.0, 4.0]


def test_errors_of_libraries_name_the_function():
    x = xdbr.ones((2, 3))
    with pytest.raises(ShapeError, match=r"add: .*x1: shape \(2, 3\), dtype float32; x2: shape \(2, 4\)"):
        x + xdbr.ones((2, 4))
    with pytest.raises(DtypeError, match="bitwise_invert: .*dtype float32"):
        xdbr.bitwise_invert(x)


@pytest.mark.parametrize("dtype", [object, "text", str, "datetime64[s]"])
def test_dtypes_that_are_no_numbers(device, dtype):
    with pytest.raises((DtypeError, TypeError)):
        xdbr.zeros(2, dtype=dtype, device=device)
