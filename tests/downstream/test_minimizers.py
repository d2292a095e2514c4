"""SciPy's minimizers, given xdbr's derivatives of an objective as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import xdbr

optimize = pytest.importorskip("scipy.optimize")

FIRST = ["BFGS", "CG", "L-BFGS-B", "SLSQP"]
SECOND = ["Newton-CG", "trust-constr", "trust-exact", "trust-krylov", "trust-ncg", "dogleg"]


def rosenbrock(x: Any) -> Any:
    return xdbr.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", FIRST + SECOND)
def test_minimize(method: str, backend: Any, float64: None) -> None:
    if not backend.is_host:
        pytest.skip("SciPy's minimizers compute on NumPy's arrays")
    second = {"hess": xdbr.hessian(rosenbrock)} if method in SECOND else {}
    found = optimize.minimize(
        rosenbrock, np.asarray([-1.2, 1.0, 0.5]), jac=xdbr.grad(rosenbrock), method=method, **second
    )
    assert found.success
    assert np.allclose(found.x, 1.0, atol=1e-3)


def test_least_squares_and_roots(backend: Any, float64: None) -> None:
    if not backend.is_host:
        pytest.skip("SciPy's minimizers compute on NumPy's arrays")

    def residuals(x: Any) -> Any:
        return xdbr.concat([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])

    found = optimize.least_squares(residuals, np.asarray([-1.2, 1.0, 0.5]), jac=xdbr.jacobian(residuals))
    assert found.success
    assert np.allclose(found.x, 1.0)
    root = optimize.root(
        lambda x: xdbr.cos(x) - x, np.asarray([0.5, 1.0]), jac=xdbr.jacobian(lambda x: xdbr.cos(x) - x)
    )
    assert root.success
    assert np.allclose(np.cos(root.x), root.x)
