"""Linear algebra where the table of specs does not reach: singular matrices, repeated values, errors, PyTorch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import xdbr
from xdbr.testing import assert_allclose, check_grads, to_host

DTYPES = ("float64", "complex128")


def drawn(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if dtype == "complex128" else x


def leaf(xp: Any, values: Any) -> xdbr.Variable:
    return xdbr.Variable(xp.asarray(np.asarray(values)), requires_grad=True)


# -- determinants -------------------------------------------------------------------------------------


def cofactors(a: Any) -> Any:
    n = len(a)
    return np.asarray(
        [[(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) for j in range(n)] for i in range(n)]
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_gradient_of_the_determinant_of_a_singular_matrix(rank: int, dtype: str, xp: Any, device: Any) -> None:
    a = drawn((4, rank), dtype) @ drawn((rank, 4), dtype, 1)
    x = leaf(xp, a)
    g = xdbr.grad(xp.linalg.det(x), x, xp.ones((), dtype=dtype))
    assert_allclose(g, cofactors(a).conj(), rtol=1e-10, atol=1e-12)


def test_second_derivative_of_the_determinant_at_the_identity(xp: Any, device: Any) -> None:
    """All singular values coincide there, but the determinant is a polynomial."""
    check_grads(xp.linalg.det, [xp.eye(3, dtype="float64")])
    check_grads(xp.linalg.det, [xp.eye(3, dtype="complex128")])


def test_determinants_of_a_stack_with_a_singular_matrix(xp: Any, device: Any) -> None:
    x = leaf(xp, [[[1.0, 2.0], [2.0, 4.0]], [[1.0, 0.0], [0.0, 3.0]]])
    xp.sum(xp.linalg.det(x)).backward()
    assert_allclose(x.grad, [[[4.0, -2.0], [-2.0, 1.0]], [[3.0, 0.0], [0.0, 1.0]]], atol=1e-12)


def test_third_derivative_of_the_determinant_near_a_singular_matrix(xp: Any, device: Any) -> None:
    a = drawn((3, 2), "float64") @ drawn((2, 3), "float64", 1) + 1e-12 * drawn((3, 3), "float64", 2)
    x = leaf(xp, np.asarray([a, np.eye(3)]))
    weights = xp.asarray(drawn((3, 3), "float64", 3))
    g = xdbr.grad(xp.sum(xp.linalg.det(x)), x, create_graph=True)
    g = xdbr.grad(xp.sum(g * weights), x, create_graph=True)
    assert np.isfinite(to_host(g)).all()
    third = to_host(xdbr.grad(xp.sum(g * weights), x))
    assert np.isnan(third[0]).all()
    assert_allclose(third[1], 2 * cofactors(to_host(weights)))


def test_determinant_with_nan_has_nan_gradient(xp: Any, device: Any) -> None:
    x = leaf(xp, [[math.nan, 1.0], [0.0, 1.0]])
    xp.linalg.det(x).backward()
    assert np.isnan(to_host(x.grad)).all()


def test_no_rows(xp: Any, device: Any) -> None:
    empty = leaf(xp, np.zeros((0, 0)))
    value = xp.linalg.det(empty)
    assert value.item() == 1.0
    value.backward()
    assert empty.grad.shape == (0, 0)
    for name in ("inv", "cofactor", "pinv"):
        made = getattr(xp.linalg, name)(empty)
        assert made.shape == (0, 0)
        assert xdbr.grad(xp.sum(made), empty).shape == (0, 0)
    stack = leaf(xp, np.zeros((0, 2, 2)))
    for name in ("inv", "det", "cholesky", "svdvals", "eigvalsh"):
        made = getattr(xp.linalg, name)(stack)
        assert xdbr.grad(xp.sum(made), stack).shape == (0, 2, 2), name


# -- values that coincide --------------------------------------------------------------------------------


def test_functions_of_repeated_eigenvalues(xp: Any, device: Any) -> None:
    x = leaf(xp, np.eye(3))
    g = xdbr.grad(xp.sum(xp.linalg.eigvalsh(x) ** 3), x)
    assert_allclose(g, 3 * np.eye(3))
    g = xdbr.grad(xp.sum(xp.linalg.eigh(x).eigenvalues ** 3), x)
    assert_allclose(g, 3 * np.eye(3))


def test_vectors_of_repeated_eigenvalues_have_no_finite_gradient(xp: Any, device: Any) -> None:
    x = leaf(xp, np.eye(2))
    values, vectors = xp.linalg.eigh(x)
    whole = xp.matmul(vectors * xp.exp(values), xp.matrix_transpose(vectors))
    assert not np.isfinite(to_host(xdbr.grad(xp.sum(whole), x))).all()


def polar(xp: Any, x: Any) -> Any:
    u, _, vh = xp.linalg.svd(x, full_matrices=False)
    return xp.matmul(u, vh)


def recomposed(xp: Any, x: Any) -> Any:
    u, s, vh = xp.linalg.svd(x)
    return xp.matmul(u * s, vh)


def leading(xp: Any, x: Any) -> Any:
    """The scores of the first two principal components."""
    u, s, _ = xp.linalg.svd(x, full_matrices=False)
    return u[..., :2] * s[..., :2]


def ridge(xp: Any, x: Any) -> Any:
    """Fitted values of a ridge regression that leaves out zeros, by a mask, as scikit-learn does."""
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    factors = xp.where(s > 1e-15, s / (s**2 + 1), xp.zeros_like(s))
    y = xp.asarray(np.linspace(-1, 1, x.shape[-2]), dtype=x.dtype)
    return xp.matmul(x, xp.matmul(xp.conj(xp.matrix_transpose(vh)), factors * xp.matmul(xp.matrix_transpose(u), y)))


def squares(xp: Any, x: Any) -> Any:
    """The squares of absolute values, which are smooth at zero as `abs` is not."""
    return xp.real(x * xp.conj(x))


def eigenvectors(xp: Any, x: Any, *places: int) -> Any:
    """The eigenvectors of some places of the Hermitian part, whatever their signs are."""
    vectors = xp.linalg.eigh((x + xp.conj(xp.matrix_transpose(x))) / 2).eigenvectors
    return xp.stack([squares(xp, vectors[..., i]) for i in places], axis=-1)


def with_mean(xp: Any, x: Any) -> Any:
    """The greatest eigenvector beside the mean of the other values."""
    values, vectors = xp.linalg.eigh((x + xp.matrix_transpose(x)) / 2)
    return squares(xp, vectors[:, -1]) + xp.mean(values[:-1])


WITHOUT_COLUMNS = drawn((5, 4), "float64") * np.asarray([1.0, 0.0, 1.0, 0.0])
TURN = np.linalg.qr(drawn((4, 4), "float64", 3))[0]
UNITARY = np.linalg.qr(drawn((3, 3), "complex128", 3))[0]

UNUSED = {
    "svd, a zero row": (lambda xp, x: xp.linalg.svd(x, full_matrices=False).Vh[0, :] ** 2, [[1.0, 2, 3], [0, 0, 0]]),
    "svd, complex": (lambda xp, x: squares(xp, xp.linalg.svd(x).U[:, 0]), np.diag([3j, 0, 0]) + np.eye(3, k=1)[:, :1]),
    "svd, zero columns": (leading, WITHOUT_COLUMNS),
    "svd, all vectors": (lambda xp, x: xp.linalg.svd(x).Vh[0, :] ** 2, [[1.0, 2], [0, 0], [0, 0]]),
    "svd, a repeated value": (lambda xp, x: leading(xp, x)[:, 0] ** 2, np.diag([3.0, 2, 2])),
    "svd, a mask": (ridge, WITHOUT_COLUMNS),
    "eigh": (lambda xp, x: eigenvectors(xp, x, 0), [[1.0, 0, 0], [0, 2, 0], [0, 0, 2]]),
    "eigh, turned": (lambda xp, x: eigenvectors(xp, x, 3), np.outer(TURN[0], TURN[0])),
    "eigh, a mean": (lambda xp, x: with_mean(xp, x), np.diag([0.0, 0, 1, 3])),
    "eigh, complex": (lambda xp, x: eigenvectors(xp, x, 0), np.diag([1.0, 2, 2]) + 0j),
    "eig": (lambda xp, x: squares(xp, xp.linalg.eig(x).eigenvectors[:, 0]), [[3.0, 1, 1], [0, 2, 0], [0, 0, 2]]),
}


FIRST_ORDER = {
    "eigh, a mean",  # of values that coincide, whose own derivatives part
    "eig",  # its rule is made of all vectors
    "svd, a mask",  # leaves out the values zero here, and not a step beside them
}


@pytest.mark.parametrize("name", UNUSED)
def test_coinciding_values_that_are_not_used_do_no_harm(name: str, xp: Any, device: Any) -> None:
    f, x = UNUSED[name]
    check_grads(lambda x: f(xp, x), [xp.asarray(np.asarray(x))], order=1 if name in FIRST_ORDER else 3)


@pytest.mark.parametrize(
    "x",
    [np.eye(3), 2 * np.eye(3)[[1, 2, 0]], np.diag([2.0, 2.0, 1.0]), np.eye(4)[:, :2], np.eye(4)[:2], TURN, UNITARY],
    ids=["identity", "permutation", "pair", "tall", "wide", "turn", "unitary"],
)
def test_unitary_factor_at_equal_singular_values(x: Any, xp: Any, device: Any) -> None:
    """As in the orthogonal Procrustes problem: the product does not depend on the choice of vectors."""
    check_grads(lambda x: polar(xp, x), [xp.asarray(x)], order=1)


EQUICORRELATED = np.full((3, 3), 0.5) + 0.5 * np.eye(3)  # its values coincide but for rounding


@pytest.mark.parametrize("x", [np.eye(3), np.diag([3.0, 2.0, 2.0]), np.diag([2.0, 0.0, 0.0]), EQUICORRELATED])
def test_coinciding_values_that_are_used_have_no_finite_gradient(x: Any, xp: Any, device: Any) -> None:
    """All of these are the matrix itself or a vector of a repeated value, which nothing determines."""
    for f in (
        lambda x: recomposed(xp, x),
        lambda x: xp.linalg.svd(x).U[:, 1],
        lambda x: xp.linalg.svd(x).U ** 3,
        lambda x: xp.linalg.svd(x).Vh[2, :],
        lambda x: xp.linalg.eigh(x).eigenvectors ** 2,
        lambda x: xp.linalg.eigh(-x).eigenvectors[:, 1],
        lambda x: xp.abs(xp.linalg.eig(x).eigenvectors[:, 1:]) ** 2,
    ):
        v = leaf(xp, x)
        assert not np.isfinite(to_host(xdbr.grad(xp.sum(f(v)), v))).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [3, 5, 6, 12])
def test_values_that_coincide_but_for_rounding_coincide(n: int, dtype: str, xp: Any, device: Any) -> None:
    """The inverse of the Laplacian of a cycle, whose values come in pairs, by its eigenvectors."""
    ring = np.eye(n, k=1) + np.eye(n, k=1 - n)
    v = leaf(xp, (3 * np.eye(n) - ring - ring.T).astype(dtype))
    values, vectors = xp.linalg.eigh(v)
    inverse = xp.matmul(vectors / values, xp.matrix_transpose(vectors))
    weights = xp.asarray(drawn((n, n), dtype, 5))
    assert not np.isfinite(to_host(xdbr.grad(xp.sum(inverse * weights), v))).all()


def test_second_derivatives_at_coinciding_values_are_right_or_not_finite(xp: Any, device: Any) -> None:
    weights = xp.asarray(drawn((3, 3), "float64", 5))

    def second(f: Any, x: Any) -> Any:
        v = leaf(xp, x)
        g = xdbr.grad(xp.sum(f(v)), v, create_graph=True)
        return to_host(xdbr.grad(xp.sum(g * weights), v))

    for x in (np.eye(3), np.diag([2.0, 2.0, 1.0])):
        assert not np.isfinite(second(lambda x: polar(xp, x) * weights, x)).all()
    apart = np.diag([1.0, 2.0, 2.0])
    assert not np.isfinite(second(lambda x: xp.max(xp.linalg.svdvals(x)), np.eye(3))).all()
    assert not np.isfinite(second(lambda x: xp.linalg.svd(x).S[1], np.eye(3))).all()
    # One value that lies apart is smooth, and its derivatives use no other vectors alone.
    check_grads(lambda x: xp.linalg.eigvalsh((x + xp.matrix_transpose(x)) / 2)[0], [xp.asarray(apart)])
    check_grads(lambda x: xp.linalg.svdvals(x)[0], [xp.asarray(np.diag([3.0, 2.0, 2.0]))])


def test_functions_of_repeated_and_zero_singular_values(xp: Any, device: Any) -> None:
    x = leaf(xp, np.diag([2.0, 2.0, 0.0]))
    g = xdbr.grad(xp.sum(xp.linalg.svdvals(x) ** 2), x)
    assert_allclose(g, np.diag([4.0, 4.0, 0.0]), atol=1e-12)
    g = xdbr.grad(xp.sum(xp.linalg.svd(x).S ** 2), x)
    assert_allclose(g, np.diag([4.0, 4.0, 0.0]), atol=1e-12)


def test_inverse_functions_at_equal_singular_values(xp: Any, device: Any) -> None:
    for name in ("inv", "pinv", "slogdet"):
        check_grads(
            lambda x, name=name: xp.linalg.slogdet(x).logabsdet if name == "slogdet" else getattr(xp.linalg, name)(x),
            [2 * xp.eye(3, dtype="float64")],
        )


def test_pseudo_inverse_of_a_matrix_of_lower_rank(xp: Any, device: Any) -> None:
    """Along factors that keep the rank its derivative exists."""
    one, other = drawn((4, 2), "float64"), drawn((2, 3), "float64", 1)
    check_grads(
        lambda a, b: xp.linalg.pinv(xp.matmul(a, b), rtol=1e-9), [xp.asarray(one), xp.asarray(other)], rtol=(1e-6, 1e-4)
    )


@pytest.mark.parametrize("rtol", [0.3, "array"])
def test_pseudo_inverse_and_rank_with_a_tolerance(rtol: Any, xp: Any, device: Any) -> None:
    x = xp.asarray(np.asarray([np.diag([4.0, 1.0]), np.diag([4.0, 2.0])]))
    given = xp.asarray(np.asarray([0.3, 0.6])) if rtol == "array" else rtol
    ranks = xp.linalg.matrix_rank(x, rtol=given)
    want = [1, 1] if rtol == "array" else [1, 2]
    assert ranks.tolist() == want
    assert_allclose(xp.linalg.pinv(x, rtol=given)[1, ...], np.diag([0.25, 0.5 if want[1] == 2 else 0.0]))


# -- what has no derivative ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 2), (2, 4)])
def test_full_singular_vectors_have_no_derivative(shape: tuple[int, int], xp: Any, device: Any) -> None:
    x = leaf(xp, drawn(shape, "float64"))
    u, s, vh = xp.linalg.svd(x)
    undetermined, determined = (u, vh) if shape[0] > shape[1] else (vh, u)
    with pytest.raises(xdbr.GradientError, match=r"linalg.svd: with full_matrices=True .* use full_matrices=False"):
        xp.sum(undetermined).backward(retain_graph=True)
    assert np.isfinite(to_host(xdbr.grad(xp.sum(determined) + xp.sum(s), x))).all()


def test_complete_q_has_no_derivative(xp: Any, device: Any) -> None:
    x = leaf(xp, drawn((4, 2), "float64"))
    q, r = xp.linalg.qr(x, mode="complete")
    assert q.shape == (4, 4)
    with pytest.raises(xdbr.GradientError, match=r"linalg.qr: in mode 'complete' Q has 2 more columns"):
        xp.sum(q).backward(retain_graph=True)
    assert np.isfinite(to_host(xdbr.grad(xp.sum(r), x))).all()
    wide = leaf(xp, drawn((2, 4), "float64"))
    q, r = xp.linalg.qr(wide, mode="complete")
    assert np.isfinite(to_host(xdbr.grad(xp.sum(q) + xp.sum(r), wide))).all()


# -- norms at kinks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ord", [1, 2, 3, 0.5, -1, math.inf, -math.inf])
def test_norm_of_the_zero_vector_has_zero_gradient(ord: float, xp: Any, device: Any) -> None:
    x = leaf(xp, np.zeros((2, 3)))
    value = xp.linalg.vector_norm(x, ord=ord, axis=1)
    assert_allclose(xdbr.grad(xp.sum(value), x), np.zeros((2, 3)))


def test_norm_with_a_zero_element(xp: Any, device: Any) -> None:
    x = leaf(xp, np.asarray([0.0, 3.0, 4.0]))
    for ord, want in (
        (1, [0, 1, 1]),
        (2, [0, 0.6, 0.8]),
        (3, [0, 9 / 91 ** (2 / 3), 16 / 91 ** (2 / 3)]),
        (math.inf, [0, 0, 1]),
    ):
        assert_allclose(xdbr.grad(xp.linalg.vector_norm(x, ord=ord), x), want, atol=1e-12)


def test_greatest_elements_share_the_gradient_of_the_norm(xp: Any, device: Any) -> None:
    x = leaf(xp, np.asarray([-2.0, 2.0, 1.0]))
    assert_allclose(xdbr.grad(xp.linalg.vector_norm(x, ord=math.inf), x), [-0.5, 0.5, 0.0])


# -- dtypes, names, errors -----------------------------------------------------------------------------------


def test_integers_are_read_in_the_default_dtype(xp: Any, device: Any) -> None:
    x = xp.asarray([[2, 1], [1, 3]])
    for name in ("inv", "det", "cholesky", "eigvalsh", "svdvals", "pinv", "matrix_norm", "vector_norm", "cofactor"):
        assert getattr(xp.linalg, name)(x).dtype == xdbr.float32, name
        with xdbr.default_dtype("float64"):
            assert getattr(xp.linalg, name)(x).dtype == xdbr.float64, name
    assert xp.linalg.eigvals(x).dtype == xdbr.complex64
    assert xp.linalg.solve(x, xp.asarray([1, 2])).dtype == xdbr.float32


def test_results_with_names(xp: Any, device: Any) -> None:
    x = xp.asarray([[2.0, 1.0], [1.0, 3.0]])
    for name, fields in (
        ("eigh", ("eigenvalues", "eigenvectors")),
        ("eig", ("eigenvalues", "eigenvectors")),
        ("qr", ("Q", "R")),
        ("svd", ("U", "S", "Vh")),
        ("slogdet", ("sign", "logabsdet")),
    ):
        for given in (x, leaf(xp, to_host(x))):
            made = getattr(xp.linalg, name)(given)
            assert made._fields == fields
            assert all(type(part) is xdbr.Variable for part in made)


@pytest.mark.parametrize(
    "name", ["inv", "det", "cholesky", "eigh", "eigvalsh", "eig", "eigvals", "slogdet", "cofactor"]
)
def test_matrices_must_be_square(name: str, xp: Any, device: Any) -> None:
    for shape in ((2, 3), (3,), ()):
        with pytest.raises(xdbr.ShapeError, match=rf"linalg.{name}: x must be of square matrices.*got shape"):
            getattr(xp.linalg, name)(xp.ones(shape))


def test_errors_name_the_function_and_the_shapes(xp: Any, device: Any) -> None:
    two, three = xp.ones((2, 2)), xp.ones((3,))
    with pytest.raises(xdbr.ShapeError, match=r"linalg.solve: x2 must have the shape \(2,\) .* got \(3,\)"):
        xp.linalg.solve(two, three)
    with pytest.raises(xdbr.ShapeError, match=r"linalg.outer: x1 must have one axis; got shape \(2, 2\)"):
        xp.linalg.outer(two, three)
    with pytest.raises(xdbr.ShapeError, match=r"linalg.svd: x must have at least two axes; got shape \(3,\)"):
        xp.linalg.svd(three)
    with pytest.raises(xdbr.ShapeError, match="linalg.diagonal"):
        xp.linalg.diagonal(three)
    with pytest.raises(xdbr.ShapeError, match="linalg.trace"):
        xp.linalg.trace(three)
    with pytest.raises(xdbr.ShapeError, match="linalg.cross"):
        xp.linalg.cross(xp.ones(2), xp.ones(2))
    with pytest.raises(ValueError, match="linalg.matrix_norm: ord must be"):
        xp.linalg.matrix_norm(two, ord=3)
    with pytest.raises(ValueError, match="linalg.qr: mode must be"):
        xp.linalg.qr(two, mode="raw")
    with pytest.raises(TypeError, match="linalg.matrix_power: n must be an integer"):
        xp.linalg.matrix_power(two, 0.5)
    with pytest.raises(xdbr.ShapeError, match="matrix_transpose"):
        xp.matrix_transpose(three)
    with pytest.raises(xdbr.ShapeError, match="tensordot"):
        xp.tensordot(two, three, axes=1)
    with pytest.raises(xdbr.ShapeError, match="vecdot"):
        xp.vecdot(two, three)


@pytest.mark.parametrize(
    ("subscripts", "message"),
    [
        ("ij,jk->il", "no operand with 'l'"),
        ("ij", "is for 1 operands; got 2"),
        ("i1,jk", "subscripts are letters"),
        ("ijk,jk", "does not fit operand 0, which has 2 axes"),
        ("ij,jk->ii", "twice"),
        ("ij,kj", "lengths 2 and 3|lengths 3 and 2"),
        ("...j,jk->k", "needs an ellipsis"),
    ],
)
def test_errors_of_einsum(subscripts: str, message: str, xp: Any, device: Any) -> None:
    with pytest.raises(xdbr.ShapeError, match=message):
        xp.einsum(subscripts, xp.ones((2, 3)), xp.ones((3, 2)))
    with pytest.raises(xdbr.DtypeError, match="einsum: subscripts must be a string"):
        xp.einsum(xp.ones(2), "i")


def test_einsum_against_numpy_on_random_subscripts(xp: Any, device: Any) -> None:
    rng = np.random.default_rng(0)
    for _ in range(150):
        lengths = {letter: int(rng.integers(1, 4)) for letter in "abcde"}
        terms = ["".join(rng.choice(list("abcde"), rng.integers(0, 4))) for _ in range(rng.integers(1, 4))]
        used = sorted(set("".join(terms)))
        result = "".join(rng.permutation(used)[: rng.integers(0, len(used) + 1)]) if used else ""
        shapes = []
        for term in terms:
            narrow = rng.choice(["", *term])  # one label may have length one, which broadcasts
            shapes.append([1 if letter == narrow and term.count(letter) == 1 else lengths[letter] for letter in term])
        arrays = [rng.standard_normal(shape) for shape in shapes]
        text = ",".join(terms) + "->" + result
        reached = {
            letter
            for term, x in zip(terms, arrays, strict=True)
            for letter, length in zip(term, x.shape, strict=True)
            if length == lengths[letter]
        }
        if not set(used) <= reached:
            continue
        assert_allclose(xp.einsum(text, *map(xp.asarray, arrays)), np.einsum(text, *arrays), rtol=1e-10, atol=1e-12)
        moving = [xp.asarray(x) for x in arrays]
        check_grads(lambda *xs, text=text: xp.einsum(text, *xs), moving, order=1, directions=1)


def test_a_transposed_matrix_is_a_view(xp: Any, device: Any) -> None:
    x = xdbr.Variable(xp.zeros((2, 3)))
    y = xp.matrix_transpose(x)
    y[2, 0] = 5.0
    assert x.tolist() == [[0.0, 0.0, 5.0], [0.0, 0.0, 0.0]]


# -- PyTorch on larger matrices --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "name", ["cholesky", "inv", "det", "slogdet", "qr", "svd", "eigh", "eig", "pinv", "solve", "lstsq"]
)
def test_gradients_against_torch(name: str, dtype: str, xp: Any, device: Any) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, which results are compared with, is not installed")
    a, b = drawn((3, 8, 8), dtype), drawn((3, 8, 5), dtype, 1)
    tall = drawn((3, 8, 5), dtype, 2)

    def invariant(lib: Any, mT: Any, conj: Any, x: Any, y: Any, t: Any) -> Any:
        """A number for each matrix that does not depend on the choice of vectors."""
        gram = lib.matmul(x, conj(mT(x)))
        if name == "cholesky":
            return lib.sum(lib.abs(lib.matmul(lib.linalg.cholesky(gram), y)))
        if name in ("inv", "pinv"):
            return lib.sum(lib.abs(lib.matmul(getattr(lib.linalg, name)(x if name == "inv" else t), y)))
        if name == "det":
            return lib.sum(lib.abs(lib.linalg.det(x)))
        if name == "slogdet":
            sign, log = lib.linalg.slogdet(x)
            return lib.sum(lib.abs(sign + 2) * log)
        if name == "solve":
            return lib.sum(lib.abs(lib.linalg.solve(x, y)))
        if name == "qr":
            q, r = lib.linalg.qr(t)
            return lib.sum(lib.abs(q) * 2) + lib.sum(lib.abs(r) ** 2 * 3)
        if name == "lstsq":
            q, r = lib.linalg.qr(t)
            return lib.sum(lib.abs(lib.linalg.solve(r, lib.matmul(conj(mT(q)), y))))
        if name == "svd":
            u, s, vh = lib.linalg.svd(t, full_matrices=False)
            return lib.sum(lib.abs(u)) + lib.sum(s * s * s) + lib.sum(lib.abs(lib.matmul(u, vh)))
        values, vectors = (lib.linalg.eigh if name == "eigh" else lib.linalg.eig)(gram if name == "eigh" else x)
        return lib.sum(lib.abs(values[..., None, :] * lib.abs(vectors) ** 2))

    xs = [leaf(xp, x) for x in (a, b, tall)]
    invariant(xp, xp.matrix_transpose, xp.conj, *xs).backward()
    ts = [torch.from_numpy(x.copy()).requires_grad_() for x in (a, b, tall)]
    invariant(torch, lambda t: t.mT, torch.conj, *ts).backward()
    for x, t in zip(xs, ts, strict=True):
        assert (x.grad is None) == (t.grad is None)
        if x.grad is not None:
            assert_allclose(x.grad, t.grad.resolve_conj().numpy(), rtol=1e-8, atol=1e-8)
