"""Calls of scikit-learn, with its array API dispatch on."""

from __future__ import annotations

import functools

import numpy as np
import sklearn
from sklearn import (
    decomposition,
    discriminant_analysis,
    kernel_approximation,
    linear_model,
    metrics,
    mixture,
    naive_bayes,
    pipeline,
    preprocessing,
)
from sklearn.metrics import pairwise
from sklearn.utils import extmath

from .._call import Call, Refusal, namespace_of, normal, positive, uniform

__all__ = ["CALLS", "REFUSALS"]

X = normal(12, 3)
Y = normal(5, 3, seed=1)
T = normal(12, seed=2)
U = normal(12, seed=3)
P = positive(12, 3)
LABELS = np.asarray([0, 1, 2] * 4)
SIGNS = np.asarray([0, 1] * 6)


def dispatched(run):
    """Give the call with scikit-learn's array API dispatch on."""

    @functools.wraps(run)
    def call(*arrays):
        with sklearn.config_context(array_api_dispatch=True):
            return run(*arrays)

    return call


def call(name, run, inputs, *args, **options):
    """Declare a dispatched call."""
    return Call(name, dispatched(run), inputs, *args, **options)


def refusal(name, run, inputs, **options):
    """Declare a dispatched call that leaves the world of arrays."""
    return Refusal(name, dispatched(run), inputs, **options)


def like(x, host):
    """Give a NumPy array as an array of the library of `x`."""
    return namespace_of(x).asarray(host)


def ridge_pipeline(x, y):
    """Fit and predict with scaling, principal components and ridge regression."""
    steps = preprocessing.StandardScaler(), decomposition.PCA(2, svd_solver="full"), linear_model.Ridge(solver="svd")
    return pipeline.make_pipeline(*steps).fit(x, y).predict(x)


def gaussian_mixture(covariance_type, what="means_"):
    """Fit a mixture of two Gaussians for a few steps."""

    def run(x):
        model = mixture.GaussianMixture(
            2,
            covariance_type=covariance_type,
            max_iter=3,
            tol=0.0,
            means_init=x[:2, :],
            init_params="random",
            random_state=0,
        )
        return getattr(model.fit(x), what) if isinstance(what, str) else what(model.fit(x), x)

    return run


def beside_ones(x):
    """Give a matrix with a further column of ones."""
    xp = namespace_of(x)
    return xp.concat([x, xp.ones((x.shape[0], 1), dtype=x.dtype)], axis=1)


def discriminant(x, what="decision_function"):
    """Fit a linear discriminant analysis."""
    model = discriminant_analysis.LinearDiscriminantAnalysis(solver="svd")
    return getattr(model.fit(x, like(x, LABELS)), what)(x)


CALLS = [
    call("Pipeline(StandardScaler, PCA, Ridge).predict", ridge_pipeline, (X, T)),
    call(
        "PCA(svd_solver='full').fit_transform", lambda x: decomposition.PCA(2, svd_solver="full").fit_transform(x), (X,)
    ),
    call(
        "PCA whiten, inverse_transform",
        lambda x: (m := decomposition.PCA(2, svd_solver="full", whiten=True)).inverse_transform(m.fit_transform(x)),
        (X,),
    ),
    call("PCA covariance_eigh", lambda x: decomposition.PCA(2, svd_solver="covariance_eigh").fit_transform(x), (X,)),
    call(
        "PCA explained variance, noise",
        lambda x: [
            (m := decomposition.PCA(2, svd_solver="full").fit(x)).explained_variance_,
            m.explained_variance_ratio_,
            m.singular_values_,
            m.mean_,
        ],
        (X,),
    ),
    call("PCA components", lambda x: decomposition.PCA(2, svd_solver="full").fit(x).components_, (X,)),
    call(
        "PCA get_covariance, score_samples",
        lambda x: [(m := decomposition.PCA(2, svd_solver="full").fit(x)).get_covariance(), m.get_precision()],
        (X,),
    ),
    call(
        "PCA transform of other data", lambda x, y: decomposition.PCA(2, svd_solver="full").fit(x).transform(y), (X, Y)
    ),
    call("GaussianMixture means", gaussian_mixture("full"), (X,), rtol=1e-5),
    call("GaussianMixture means, tied", gaussian_mixture("tied"), (X,), rtol=1e-5),
    call("GaussianMixture means, diag", gaussian_mixture("diag"), (X,), rtol=1e-5),
    call("GaussianMixture means, spherical", gaussian_mixture("spherical"), (X,), rtol=1e-5),
    call("GaussianMixture covariances", gaussian_mixture("full", "covariances_"), (X,), rtol=1e-5),
    call("GaussianMixture weights", gaussian_mixture("full", "weights_"), (X,), rtol=1e-5),
    call("GaussianMixture.score_samples", gaussian_mixture("full", lambda m, x: m.score_samples(x)), (X,), rtol=1e-5),
    call("GaussianMixture.predict_proba", gaussian_mixture("diag", lambda m, x: m.predict_proba(x)), (X,), rtol=1e-5),
    call("LinearDiscriminantAnalysis.decision_function", discriminant, (X,)),
    call("LinearDiscriminantAnalysis.transform", lambda x: discriminant(x, "transform"), (X,)),
    call("LinearDiscriminantAnalysis.predict_proba", lambda x: discriminant(x, "predict_proba"), (X,)),
    call("LinearDiscriminantAnalysis.predict_log_proba", lambda x: discriminant(x, "predict_log_proba"), (X,)),
    call("StandardScaler.fit_transform", lambda x: preprocessing.StandardScaler().fit_transform(x), (X,)),
    call(
        "StandardScaler beside a constant column",
        lambda x: preprocessing.StandardScaler().fit_transform(beside_ones(x)),
        (X,),
    ),
    call(
        "StandardScaler with_mean=False", lambda x: preprocessing.StandardScaler(with_mean=False).fit_transform(x), (X,)
    ),
    call(
        "StandardScaler sample_weight",
        lambda x, w: preprocessing.StandardScaler().fit(x, sample_weight=w).transform(x),
        (X, positive(12)),
    ),
    call(
        "StandardScaler.inverse_transform",
        lambda x, y: preprocessing.StandardScaler().fit(x).inverse_transform(y),
        (X, Y),
    ),
    call("MinMaxScaler", lambda x: preprocessing.MinMaxScaler().fit_transform(x), (X,)),
    call("MinMaxScaler inverse", lambda x, y: preprocessing.MinMaxScaler((-1, 2)).fit(x).inverse_transform(y), (X, Y)),
    call("MaxAbsScaler", lambda x: preprocessing.MaxAbsScaler().fit_transform(x), (X,)),
    call("Normalizer l2", lambda x: preprocessing.Normalizer().fit_transform(x), (X,)),
    call("Normalizer l1", lambda x: preprocessing.Normalizer("l1").fit_transform(x), (X,)),
    call("Normalizer max", lambda x: preprocessing.Normalizer("max").fit_transform(x), (X,)),
    call("normalize", lambda x: preprocessing.normalize(x, axis=0), (X,)),
    call("Binarizer times", lambda x: preprocessing.Binarizer().fit_transform(x) * x, (X,)),
    call("KernelCenterer", lambda x: preprocessing.KernelCenterer().fit_transform(x @ x.T), (X,)),
    call("PolynomialFeatures", lambda x: preprocessing.PolynomialFeatures(2).fit_transform(x), (X,)),
    call(
        "PolynomialFeatures interaction_only",
        lambda x: preprocessing.PolynomialFeatures(3, interaction_only=True).fit_transform(x),
        (X,),
    ),
    call(
        "Nystroem",
        lambda x: kernel_approximation.Nystroem(n_components=4, kernel="rbf", random_state=0).fit(x).transform(x),
        (X,),
        rtol=1e-5,
    ),
    call(
        "Ridge svd coefficients",
        lambda x, y: (m := linear_model.Ridge(0.3, solver="svd").fit(x, y)).coef_ + m.intercept_,
        (X, T),
    ),
    call("Ridge auto predict", lambda x, y: linear_model.Ridge(0.3).fit(x, y).predict(x), (X, T)),
    call(
        "Ridge sample_weight",
        lambda x, y, w: linear_model.Ridge(0.3, solver="svd").fit(x, y, sample_weight=w).predict(x),
        (X, T, positive(12)),
    ),
    call(
        "Ridge several targets",
        lambda x, y: linear_model.Ridge(0.3, solver="svd").fit(x, y).predict(x),
        (X, normal(12, 2, seed=7)),
    ),
    call("GaussianNB", lambda x: naive_bayes.GaussianNB().fit(x, like(x, LABELS)).predict_proba(x), (X,)),
    call("GaussianNB log proba", lambda x: naive_bayes.GaussianNB().fit(x, like(x, LABELS)).predict_log_proba(x), (X,)),
    call("TruncatedSVD", lambda x: decomposition.TruncatedSVD(2, random_state=0).fit_transform(x), (X,), rtol=1e-5),
    call("extmath.row_norms", lambda x: extmath.row_norms(x), (X,)),
    call("extmath.softmax", lambda x: extmath.softmax(x, copy=True), (X,)),
    call(
        "extmath.randomized_svd", lambda x: extmath.randomized_svd(x, 2, n_iter=2, random_state=0)[1], (X,), rtol=1e-5
    ),
    *(
        call(f"pairwise.{name}", lambda x, y, name=name: getattr(pairwise, name)(x, y), inputs)
        for name, inputs in {
            "rbf_kernel": (X, Y),
            "laplacian_kernel": (X, Y),
            "sigmoid_kernel": (X, Y),
            "polynomial_kernel": (X, Y),
            "linear_kernel": (X, Y),
            "cosine_similarity": (X, Y),
            "cosine_distances": (X, Y),
            "additive_chi2_kernel": (P, positive(5, 3, seed=1)),
            "chi2_kernel": (P, positive(5, 3, seed=1)),
            "euclidean_distances": (X, Y),
            "manhattan_distances": (X, Y),
            "paired_euclidean_distances": (X, normal(12, 3, seed=9)),
            "paired_manhattan_distances": (X, normal(12, 3, seed=9)),
            "paired_cosine_distances": (X, normal(12, 3, seed=9)),
        }.items()
    ),
    call("pairwise.rbf_kernel of itself", lambda x: pairwise.rbf_kernel(x, gamma=0.4), (X,)),
    call("pairwise.pairwise_kernels", lambda x: pairwise.pairwise_kernels(x, metric="rbf"), (X,)),
    call("pairwise.pairwise_distances", lambda x, y: pairwise.pairwise_distances(x, y), (X, Y)),
    call(
        "metrics.mean_squared_error raw",
        lambda x, y: metrics.mean_squared_error(x, y, multioutput="raw_values"),
        (X, normal(12, 3, seed=9)),
    ),
    call(
        "metrics.mean_absolute_error raw",
        lambda x, y: metrics.mean_absolute_error(x, y, multioutput="raw_values"),
        (X, normal(12, 3, seed=9)),
    ),
    call(
        "metrics.root_mean_squared_error raw",
        lambda x, y: metrics.root_mean_squared_error(x, y, multioutput="raw_values"),
        (X, normal(12, 3, seed=9)),
    ),
    call(
        "metrics.r2_score raw",
        lambda x, y: metrics.r2_score(x, y, multioutput="raw_values"),
        (X, normal(12, 3, seed=9)),
    ),
    call(
        "metrics.explained_variance_score raw",
        lambda x, y: metrics.explained_variance_score(x, y, multioutput="raw_values"),
        (X, normal(12, 3, seed=9)),
    ),
    call(
        "metrics.mean_pinball_loss raw",
        lambda x, y: metrics.mean_pinball_loss(x, y, multioutput="raw_values"),
        (X, normal(12, 3, seed=9)),
    ),
    call(
        "metrics.mean_absolute_percentage_error raw",
        lambda x, y: metrics.mean_absolute_percentage_error(x, y, multioutput="raw_values"),
        (P, positive(12, 3, seed=9)),
    ),
    call(
        "metrics.mean_squared_log_error raw",
        lambda x, y: metrics.mean_squared_log_error(x, y, multioutput="raw_values"),
        (P, positive(12, 3, seed=9)),
    ),
]

REFUSALS: list[Refusal] = [
    refusal("metrics.mean_squared_error", metrics.mean_squared_error, (T, U)),
    refusal("metrics.mean_absolute_error", metrics.mean_absolute_error, (T, U)),
    refusal("metrics.root_mean_squared_error", metrics.root_mean_squared_error, (T, U)),
    refusal("metrics.r2_score", metrics.r2_score, (T, U)),
    refusal("metrics.max_error", metrics.max_error, (T, U)),
    refusal("metrics.median_absolute_error", metrics.median_absolute_error, (T, U)),
    refusal("metrics.mean_tweedie_deviance", lambda x, y: metrics.mean_tweedie_deviance(x, y, power=0), (T, U)),
    refusal("metrics.d2_tweedie_score", metrics.d2_tweedie_score, (T, U)),
    refusal("metrics.log_loss", lambda p: metrics.log_loss(like(p, SIGNS), p), (uniform(12, low=0.1, high=0.9),)),
    refusal(
        "metrics.brier_score_loss",
        lambda p: metrics.brier_score_loss(like(p, SIGNS), p),
        (uniform(12, low=0.1, high=0.9),),
    ),
    refusal(
        "metrics.roc_auc_score",  # which calls `where` with one argument
        lambda p: metrics.roc_auc_score(like(p, SIGNS), p),
        (T,),
        works=False,
        said=r"where\(\) missing",
    ),
    refusal("PCA.score", lambda x: decomposition.PCA(2, svd_solver="full").fit(x).score(x), (X,)),
    refusal("Ridge.score", lambda x, y: linear_model.Ridge().fit(x, y).score(x, y), (X, T)),
    refusal("LinearRegression", lambda x, y: linear_model.LinearRegression().fit(x, y).predict(x), (X, T)),
    refusal(
        "LogisticRegression",
        lambda x: linear_model.LogisticRegression().fit(x, like(x, SIGNS)).decision_function(x),
        (X,),
    ),
    refusal(
        "QuantileTransformer",
        lambda x: preprocessing.QuantileTransformer(n_quantiles=4).fit_transform(x),
        (X,),
        works=False,
        said="does not support ufuncs",
    ),
    refusal("RobustScaler", lambda x: preprocessing.RobustScaler().fit_transform(x), (X,)),
    refusal(
        "PowerTransformer",
        lambda x: preprocessing.PowerTransformer().fit_transform(x),
        (X,),
        works=False,
        said="does not support ufuncs",
    ),
]
