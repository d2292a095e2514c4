"""Calls of `scipy.stats`."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from scipy import stats

from .._call import Call, Refusal, namespace_of, normal, positive, uniform

__all__ = ["CALLS", "REFUSALS"]

X = normal(12, 2)
Y = normal(12, 2, seed=1)
P = positive(12, 2)
Z = normal(24)


def both(result):
    """Give statistic and p-value of a test's result."""
    return result.statistic, result.pvalue


CALLS = [
    Call("stats.skew", lambda x: stats.skew(x, axis=0), (X,)),
    Call("stats.skew bias=False", lambda x: stats.skew(x, axis=0, bias=False), (X,)),
    Call("stats.kurtosis", lambda x: stats.kurtosis(x, axis=0), (X,)),
    Call("stats.kurtosis bias=False, axis=None", lambda x: stats.kurtosis(x, axis=None, bias=False), (X,)),
    Call("stats.normaltest statistic and p-value", lambda x: both(stats.normaltest(x, axis=0)), (X,)),
    Call("stats.skewtest statistic and p-value", lambda x: both(stats.skewtest(x, axis=0)), (X,)),
    Call("stats.kurtosistest statistic and p-value", lambda x: both(stats.kurtosistest(x, axis=0)), (Z,)),
    Call("stats.jarque_bera statistic and p-value", lambda x: both(stats.jarque_bera(x, axis=0)), (X,)),
    Call("stats.quantile", lambda x: stats.quantile(x, namespace_of(x).asarray([0.2, 0.55]), axis=0), (Z,)),
    Call("stats.quantile hazen", lambda x: stats.quantile(x, 0.3, axis=0, method="hazen"), (X,)),
    Call("stats.quantile by p", lambda x, p: stats.quantile(x, p), (Z, np.asarray([0.21, 0.57]))),
    Call("stats.quantile keepdims", lambda x: stats.quantile(x, 0.3, axis=0, keepdims=True), (X,)),
    Call("stats.trim_mean", lambda x: stats.trim_mean(x, 0.2, axis=0), (X,)),
    Call("stats.moment", lambda x: stats.moment(x, [2, 3], axis=0), (X,)),
    Call("stats.moment center", lambda x: stats.moment(x, 3, axis=0, center=0.3), (X,)),
    Call("stats.variation", lambda x: stats.variation(x, axis=0), (P,)),
    Call("stats.variation ddof", lambda x: stats.variation(x, axis=0, ddof=1), (P,)),
    Call("stats.describe", lambda x: tuple(stats.describe(x, axis=0))[1:], (X,)),
    Call("stats.sem", lambda x: stats.sem(x, axis=0), (X,)),
    Call("stats.zscore", lambda x: stats.zscore(x, axis=0, ddof=1), (X,)),
    Call("stats.gzscore", lambda x: stats.gzscore(x, axis=0), (P,)),
    Call("stats.zmap", lambda x, y: stats.zmap(x, y, axis=0), (X, Y)),
    Call("stats.gmean", lambda x: stats.gmean(x, axis=0), (P,)),
    Call("stats.gmean weights", lambda x, w: stats.gmean(x, axis=0, weights=w), (P, positive(12, 2, seed=3))),
    Call("stats.hmean", lambda x: stats.hmean(x, axis=0), (P,)),
    Call("stats.pmean", lambda x: stats.pmean(x, 1.7, axis=0), (P,)),
    Call("stats.gstd", lambda x: stats.gstd(x, axis=0), (P,)),
    Call("stats.iqr", lambda x: stats.iqr(x, axis=0), (X,)),
    Call("stats.median_abs_deviation", lambda x: stats.median_abs_deviation(x, axis=0), (X,)),
    Call("stats.tmean", lambda x: stats.tmean(x, (-1.5, 1.5), axis=0), (X,)),
    Call("stats.tvar", lambda x: stats.tvar(x, (-1.5, 1.5), axis=0), (X,)),
    Call("stats.tstd", lambda x: stats.tstd(x, (-1.5, 1.5), axis=0), (X,)),
    Call("stats.tsem", lambda x: stats.tsem(x, (-1.5, 1.5), axis=0), (X,)),
    Call("stats.tmin, tmax", lambda x: (stats.tmin(x, -1.0, axis=0), stats.tmax(x, 1.0, axis=0)), (X,)),
    Call("stats.entropy", lambda p: stats.entropy(p, axis=0), (P,)),
    Call(
        "stats.entropy relative, base 2", lambda p, q: stats.entropy(p, q, base=2, axis=0), (P, positive(12, 2, seed=5))
    ),
    Call("stats.differential_entropy", lambda x: stats.differential_entropy(x, axis=0, method="van es"), (X,)),
    Call("stats.pearsonr statistic", lambda x, y: stats.pearsonr(x, y, axis=0).statistic, (X, Y)),
    Call("stats.pearsonr statistic and p-value", lambda x, y: both(stats.pearsonr(x, y, axis=0)), (X, Y)),
    Call("stats.ttest_1samp statistic and p-value", lambda x: both(stats.ttest_1samp(x, 0.1, axis=0)), (X,)),
    Call("stats.ttest_ind statistic and p-value", lambda x, y: both(stats.ttest_ind(x, y, axis=0)), (X, Y)),
    Call("stats.ttest_ind equal_var=False", lambda x, y: both(stats.ttest_ind(x, y, axis=0, equal_var=False)), (X, Y)),
    Call("stats.ttest_rel statistic and p-value", lambda x, y: both(stats.ttest_rel(x, y, axis=0)), (X, Y)),
    Call("stats.f_oneway statistic", lambda x, y: stats.f_oneway(x, y, axis=0).statistic, (X, Y)),
    Call("stats.bartlett statistic and p-value", lambda x, y: both(stats.bartlett(x, y, axis=0)), (X, Y)),
    Call("stats.levene statistic", lambda x, y: stats.levene(x, y, axis=0, center="mean").statistic, (X, Y)),
    Call("stats.chisquare statistic and p-value", lambda f: both(stats.chisquare(f, axis=0)), (P,)),
    Call(
        "stats.power_divergence",
        lambda f: both(stats.power_divergence(f, axis=0, lambda_="log-likelihood")),
        (P,),
    ),
    Call(
        "stats.combine_pvalues fisher",
        lambda p: both(stats.combine_pvalues(p, axis=0)),
        (uniform(12, 2, low=0.1, high=0.9),),
    ),
    Call(
        "stats.combine_pvalues stouffer",
        lambda p: both(stats.combine_pvalues(p, method="stouffer", axis=0)),
        (uniform(12, 2, low=0.1, high=0.9),),
    ),
    Call(
        "stats.false_discovery_control",
        lambda p: stats.false_discovery_control(p, axis=0),
        (uniform(6, low=0.1, high=0.5),),
    ),
    Call("stats.circmean", lambda x: stats.circmean(x, axis=0), (P,)),
    Call("stats.circvar", lambda x: stats.circvar(x, axis=0), (P,)),
    Call("stats.circstd", lambda x: stats.circstd(x, axis=0), (P,)),
    Call("stats.directional_stats", lambda x: stats.directional_stats(x).mean_direction, (normal(6, 3) + 2,)),
    Call("stats.boxcox_llf", lambda x: stats.boxcox_llf(0.7, x, axis=0), (P,)),
    Call("stats.yeojohnson_llf", lambda x: stats.yeojohnson_llf(0.7, x, axis=0), (X,)),
    Call("stats.kstat", lambda x: [stats.kstat(x, n, axis=0) for n in (1, 2, 3, 4)], (X,)),
    Call("stats.kstatvar", lambda x: stats.kstatvar(x, 2, axis=0), (X,)),
    Call("stats.lmoment", lambda x: stats.lmoment(x, axis=0), (X,)),
    Call("stats.sigmaclip", lambda x: stats.sigmaclip(x, 2.5, 2.5).clipped, (Z,)),
    Call("stats.alexandergovern", lambda x, y: stats.alexandergovern(x, y, axis=0).statistic, (X, Y)),
    Call("stats.epps_singleton_2samp", lambda x, y: both(stats.epps_singleton_2samp(x, y, axis=0)), (X, Y)),
    Call("stats.rankdata zero", lambda x: stats.rankdata(x, axis=0) * x, (X,)),
]

REFUSALS: list[Refusal] = [
    Refusal("stats.norm.pdf", stats.norm.pdf, (X,)),
    Refusal("stats.norm.cdf loc", lambda x: stats.norm.cdf(0.3, loc=x), (X,)),
    Refusal("stats.norm.logpdf scale", lambda x: stats.norm.logpdf(0.3, scale=x), (P,)),
    Refusal("stats.gamma.fit", stats.gamma.fit, (positive(24),)),
    Refusal("stats.gaussian_kde", lambda x: stats.gaussian_kde(x)(0.3), (Z,)),
    Refusal("stats.multivariate_normal.pdf", lambda x: stats.multivariate_normal.pdf(x, mean=[0, 0]), (X,)),
    Refusal("stats.Normal.pdf", lambda x: stats.Normal().pdf(x), (X,)),
]

# Calls that take arrays of other libraries from SciPy 1.18 on, and leave the world of arrays before.
for row in (
    ("stats.linregress", lambda x, y: stats.linregress(x, y).slope, (Z, normal(24, seed=4))),
    ("stats.theilslopes", lambda x, y: stats.theilslopes(x, y)[0], (Z, normal(24, seed=4))),
):
    if version("scipy") >= "1.18":
        CALLS.append(Call(*row))
    else:
        REFUSALS.append(Refusal(*row))
