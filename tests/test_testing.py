"""The tools for tests find what they are there to find."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xdbr
from xdbr.autograd.primitive import primitive
from xdbr.backends import Backend, Device
from xdbr.testing import assert_allclose, backend_under_test, check_grads, devices_under_test, to_host

ROOT = Path(__file__).parents[1]


def double(xp: Any, values: Any) -> Any:
    return xp.asarray(values, dtype="complex128" if np.iscomplexobj(values) else "float64")


# -- check_grads -------------------------------------------------------------------------------------


@primitive(name="test_testing.cube", elementwise=True)
def right_cube(xp: Any, x: Any, /) -> Any:
    return x * x * x


right_cube.vjp(lambda xp, g, x: 3 * g * x * x)


@primitive(name="test_testing.wrong_first", elementwise=True)
def wrong_first(xp: Any, x: Any, /) -> Any:
    return x * x * x


wrong_first.vjp(lambda xp, g, x: 3.00001 * g * x * x)


@primitive(name="test_testing.wrong_second", elementwise=True)
def wrong_second(xp: Any, x: Any, /) -> Any:
    return x * x * x


def _first_order_only(xp: Any, g: Any, x: Any) -> Any:
    # Right as a number; what is recorded has lost the dependence on x.
    return 3 * g * x * (x.detach() if isinstance(x, xdbr.Variable) else x)


wrong_second.vjp(_first_order_only)


@primitive(name="test_testing.wrong_third", elementwise=True)
def wrong_third(xp: Any, x: Any, /) -> Any:
    return x * x * x * x


def _second_order_only(xp: Any, g: Any, x: Any) -> Any:
    return 2 * g * x * (wrong_square_twice(x) if isinstance(x, xdbr.Variable) else 2 * x * x)


wrong_third.vjp(_second_order_only)


@primitive(name="test_testing.wrong_square_twice", elementwise=True)
def wrong_square_twice(xp: Any, x: Any, /) -> Any:
    return 2 * x * x


# Right as a number; what is recorded of it has lost the dependence on x.
wrong_square_twice.vjp(lambda xp, g, x: 4 * g * (x.detach() if isinstance(x, xdbr.Variable) else x))


@primitive(name="test_testing.wrong_in_cotangent", elementwise=True)
def wrong_in_cotangent(xp: Any, x: Any, /) -> Any:
    return x * x * x


def _loses_cotangent(xp: Any, g: Any, x: Any) -> Any:
    return 3 * (g.detach() if isinstance(g, xdbr.Variable) else g) * x * x


wrong_in_cotangent.vjp(_loses_cotangent)


@primitive(name="test_testing.unconjugated", elementwise=True)
def unconjugated(xp: Any, x: Any, /) -> Any:
    return x * x


unconjugated.vjp(lambda xp, g, x: 2 * g * x)


@primitive(name="test_testing.missing_part", arrays=2)
def missing_part(xp: Any, x: Any, y: Any, /) -> Any:
    return x * y


missing_part.vjp(lambda xp, g, y: g * y, lambda xp, g: xp.zeros_like(g))


def test_right_rules_pass(xp: Any) -> None:
    check_grads(right_cube, [double(xp, [[0.5, -1.0], [2.0, 0.0]])], order=3)


@pytest.mark.parametrize(
    ("function", "order", "says"),
    [
        (wrong_first, 1, "first-order"),
        (wrong_first, 2, "first-order"),
        (wrong_second, 2, "second-order"),
        (wrong_in_cotangent, 2, "second-order"),
        (wrong_third, 3, "third-order"),
    ],
)
def test_wrong_rules_are_found(xp: Any, function: Callable[..., Any], order: int, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_grads(function, [double(xp, [0.5, -1.0, 2.0])], order=order)


def test_order_two_does_not_look_at_the_third(xp: Any) -> None:
    check_grads(wrong_third, [double(xp, [0.5, -1.0, 2.0])], order=2)


@pytest.mark.parametrize("function", [wrong_second, wrong_in_cotangent])
def test_order_one_looks_at_the_gradient_only(xp: Any, function: Callable[..., Any]) -> None:
    check_grads(function, [double(xp, [0.5, -1.0, 2.0])], order=1)


def test_missing_conjugate_is_found(xp: Any) -> None:
    with pytest.raises(AssertionError, match="imaginary part"):
        check_grads(unconjugated, [double(xp, [0.5 + 0.7j])])
    check_grads(unconjugated, [double(xp, [0.5])])


def test_arguments_are_varied_jointly(xp: Any) -> None:
    x, y = double(xp, [1.0, 2.0]), double(xp, [3.0, 4.0])
    with pytest.raises(AssertionError, match=r"worst at args\[1\]\[\d\]"):
        check_grads(missing_part, [x, y], order=1)
    check_grads(lambda x: missing_part(x, y), [x], order=1)


def test_worst_element_is_named(xp: Any) -> None:
    def wrong_at_one(x: Any) -> Any:
        return xp.sum(x * x) + wrong_first(x[1, 0])

    with pytest.raises(AssertionError, match=r"worst at args\[0\]\[1, 0\] = 2: reverse mode"):
        check_grads(wrong_at_one, [double(xp, [[1.0, 1.0], [2.0, 1.0]])], order=1)


def test_function_that_cuts_the_graph_is_found(xp: Any) -> None:
    with pytest.raises(AssertionError, match="reverse mode gives 0,"):
        check_grads(lambda x: (x * x).detach(), [double(xp, [1.0, 2.0])])


def test_modified_input_is_found(xp: Any) -> None:
    def writes(x: Any) -> Any:
        x[0] = 7.0
        return x * 1

    x = double(xp, [1.0, 2.0])

    def writes_the_argument(y: Any) -> Any:
        x[0] = x[0] + 1
        return y * 1

    with pytest.raises(AssertionError, match=r"modified args\[0\]"):
        check_grads(writes_the_argument, [x], order=1)
    check_grads(writes, [double(xp, [1.0, 2.0])])  # a write to a Variable of its own is a function of it


def test_several_results_and_other_arguments(xp: Any) -> None:
    def f(x: Any, i: Any, n: int) -> Any:
        return x * n, xp.argmax(x), xp.take(x, i) ** 2

    check_grads(f, [double(xp, [1.0, 2.0, 3.0]), xp.asarray([0, 2, 2]), 5])


def test_raw_arrays_are_taken(backend: Backend, device: Device) -> None:
    check_grads(xdbr.tanh, [backend.from_host(np.asarray([0.3, 0.5]), device=device)])


def test_empty_arrays_and_scalars(xp: Any) -> None:
    check_grads(lambda x, y: x * y, [double(xp, np.ones((0, 3))), double(xp, 2.0)])


def test_coarse_dtypes_are_refused(xp: Any) -> None:
    with pytest.raises(xdbr.DtypeError, match=r"args\[1\] has dtype float32, too coarse"):
        check_grads(lambda x, y: x * y, [double(xp, [1.0]), xp.asarray([1.0], dtype="float32")])
    with pytest.raises(xdbr.DtypeError, match="at least one array in float64 or complex128"):
        check_grads(lambda x: x, [xp.asarray([1, 2])])


def test_bad_arguments(xp: Any) -> None:
    with pytest.raises(ValueError, match="order must be 1, 2 or 3; got 4"):
        check_grads(lambda x: x, [double(xp, [1.0])], order=4)
    with pytest.raises(ValueError, match="a tolerance for each of 3 orders"):
        check_grads(lambda x: x, [double(xp, [1.0])], order=3, rtol=(1e-7, 1e-6))
    with pytest.raises(TypeError, match="f must give a Variable or a sequence of them; got float"):
        check_grads(lambda x: [1.0], [double(xp, [1.0])])


def test_differences_are_exact_enough_for_the_tolerances(xp: Any) -> None:
    # Strongly curved, large and small values: the true rules must pass.
    check_grads(lambda x: xp.exp(5 * x) / x, [double(xp, [0.4, 0.7, 1.3])])
    check_grads(lambda x: xp.sin(x) * 1e6, [double(xp, [0.4, 100.0])])
    check_grads(lambda x: xp.sin(x) * 1e-6, [double(xp, [0.4, 0.7])])


# -- assert_allclose -----------------------------------------------------------------------------------


def test_close_arrays_pass(xp: Any) -> None:
    assert_allclose(xp.asarray([1.0, 2.0]), [1.000001, 2.0])
    assert_allclose(xp.asarray([1.0, math.nan, math.inf]), [1.0, math.nan, math.inf])
    assert_allclose(xp.asarray([1, 2]), np.asarray([1, 2]))
    assert_allclose(xp.asarray([0.0]), [1e-9], atol=1e-8)
    assert_allclose(xp.ones((0, 3)), np.ones((0, 3)))
    assert_allclose(xp.asarray(2.0), 2.0)


@pytest.mark.parametrize(
    ("actual", "desired", "says"),
    [
        ([1.0, 2.0], [1.0, 2.001], r"1 of 2 elements .* worst at \[1\]: actual .*2\.0.*, desired .*2\.001"),
        ([1.0, math.nan], [1.0, 2.0], r"worst at \[1\]: actual .*nan"),
        ([1.0, 2.0], [math.nan, 2.0], "1 of 2 elements"),
        ([math.inf], [-math.inf], "1 of 1 elements"),
        ([1e30], [math.inf], "1 of 1 elements"),
        ([math.inf], [1e30], "1 of 1 elements"),
        ([[1, 2], [3, 4]], [[1, 2], [3, 5]], r"worst at \[1, 1\]"),
        ([True], [False], "1 of 1 elements"),
        ([1.0], [1.0, 1.0], r"shapes differ: actual \(1,\), desired \(2,\)"),
        ([1 + 1j], [1 + 1.1j], "1 of 1 elements"),
    ],
)
def test_differences_are_found(xp: Any, actual: Any, desired: Any, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        assert_allclose(xp.asarray(actual), desired)


def test_nan_can_be_refused(xp: Any) -> None:
    with pytest.raises(AssertionError):
        assert_allclose(xp.asarray([math.nan]), [math.nan], equal_nan=False)


def test_dtypes_can_be_compared(xp: Any) -> None:
    one = xp.asarray([1.0], dtype="float32")
    assert_allclose(one, np.asarray([1.0]))
    with pytest.raises(AssertionError, match="dtypes differ: actual float32, desired float64"):
        assert_allclose(one, np.asarray([1.0]), check_dtype=True)


def test_tolerance_follows_the_coarser_dtype(xp: Any) -> None:
    assert_allclose(xp.asarray([1.0], dtype="float32"), np.asarray([1.000002]))
    with pytest.raises(AssertionError):
        assert_allclose(xp.asarray([1.0], dtype="float64"), np.asarray([1.000002]))
    assert_allclose(xp.asarray([1.0], dtype="float64"), np.asarray([1.000002], dtype="float32"))


# -- to_host and the backend under test ------------------------------------------------------------------


def test_to_host_takes_what_needs_gradient(xp: Any) -> None:
    x = xp.asarray([1.0, 2.0])
    x.requires_grad = True
    host = to_host(x * 2)
    assert type(host) is np.ndarray
    assert host.tolist() == [2.0, 4.0]
    assert to_host([1.0, 2.0]).dtype == np.float64


def test_fixtures_agree(backend: Backend, xp: Any, device: Device) -> None:
    assert backend is backend_under_test()
    assert device in devices_under_test(backend)
    assert xp.zeros(2).device == device
    assert xdbr.get_default_device() == device
    assert xp.zeros(2).__array_namespace__() is xp


def test_float64_fixture(xp: Any, float64: None) -> None:
    assert xp.zeros(2).dtype == np.float64


def run_pytest(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "test_it.py").write_text("def test_it(xp):\n    assert xp.zeros(2).shape == (2,)\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(xdbr.__file__).parents[1])} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_run_on_a_backend_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, XDBR_TEST_BACKEND="nonesuch")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "XDBR_TEST_BACKEND: unknown backend 'nonesuch'" in done.stdout + done.stderr


def test_run_names_its_backend(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, XDBR_TEST_BACKEND="numpy")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
