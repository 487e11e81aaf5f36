"""Clustered inference: what makes an interval honest on a panel.

Rows of one authority are not independent, so every standard error here is a sum over clusters of squared
scores, and the scores are kept.

CR1 is stated because libraries differ: the factor is G/(G−1) × (n−1)/(n−k), where k counts the treatment, the controls and the
year effects or the intercept, and leaves out authority effects, which are nested in clusters; t has G−1 degrees of freedom.
Below 50 effective clusters CR2 with Satterthwaite degrees of freedom takes its place (Bell & McCaffrey 2002, Bias reduction in
standard errors; Pustejovsky & Tipton 2018, Small-sample methods for cluster-robust variance estimation).
Effective clusters: (Σs)²/Σs² over each cluster's sum of squared residual treatment s (Carter, Schnepel & Steigerwald 2017,
Asymptotic behavior of a t-test robust to cluster heterogeneity, with uncorrelated errors as reference).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from causal.arrays import Floats, Ints
from causal.errors import EstimationError

FEW_CLUSTERS = 50


def cluster_sums(values: Floats, cluster: Ints, clusters: int) -> Floats:
    """Sum the rows of each cluster; shape (rows, k) → (clusters, k)."""
    steps = np.diff(cluster)
    if len(cluster) and (steps >= 0).all() and np.count_nonzero(steps) + 1 == clusters:
        return np.asarray(np.add.reduceat(values, np.flatnonzero(np.r_[True, steps != 0]), axis=0))
    # one column after another: many times faster than adding row by row
    sums = np.empty((clusters, values.shape[1]))
    for j, column in enumerate(values.T):
        sums[:, j] = np.bincount(cluster, weights=column, minlength=clusters)
    return sums


def effective_clusters(treatment: Floats, cluster: Ints, clusters: int) -> tuple[float, float]:
    """Effective number of clusters, and the share of residual treatment variance in the largest five."""
    size = cluster_sums(treatment[:, None] ** 2, cluster, clusters)[:, 0]
    total = size.sum()
    return float(total**2 / (size**2).sum()), float(np.sort(size)[-5:].sum() / total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Coefficients with their clustered scores.

    Parameters
    ----------
    coefficients : shape (k,).
    scores : shape (clusters, k); Σ scores² = squared standard errors.
    df : shape (k,), degrees of freedom for t.
    residuals : shape (rows,).
    inference : how the error was got, in words.
    """

    coefficients: Floats
    scores: Floats
    df: Floats
    residuals: Floats
    inference: str

    @property
    def std_errors(self) -> Floats:
        """Shape (k,)."""
        return np.asarray(np.sqrt((self.scores**2).sum(axis=0)))


def clustered_least_squares(outcome: Floats, treatments: Floats, other: Floats, cluster: Ints, clusters: int, *, absorbed_rank: int) -> Fit:
    """Least squares of an outcome on treatments, both already without `other`, with clustered errors.

    Parameters
    ----------
    outcome : shape (rows,); treatments : shape (rows, k); both residuals on `other`.
    other : shape (rows, p), orthonormal; needed for the leverage in CR2.
    absorbed_rank : coefficients besides the treatments that are not nested in clusters (k of CR1 less the treatments).

    Raises
    ------
    EstimationError : no residual treatment is left, or no degrees of freedom.
    """
    gram = treatments.T @ treatments
    if np.linalg.matrix_rank(gram, tol=1e-12 * max(float(np.trace(gram)), np.finfo(float).tiny)) < len(gram):
        raise EstimationError("the treatment is told by what is absorbed and adjusted for; nothing of it is left to compare")
    bread: Floats = np.asarray(np.linalg.inv(gram))
    coefficients = bread @ (treatments.T @ outcome)
    residuals = outcome - treatments @ coefficients
    rows, k = treatments.shape
    spare = rows - absorbed_rank - k
    if spare <= 0 or clusters < 2:
        raise EstimationError(f"{rows} rows and {clusters} clusters are too few for {absorbed_rank + k} coefficients")
    sizes = cluster_sums(treatments**2, cluster, clusters)
    effective = float((sizes.sum(axis=0) ** 2 / (sizes**2).sum(axis=0)).min())
    if effective >= FEW_CLUSTERS:
        factor = clusters / (clusters - 1) * (rows - 1) / spare
        scores = np.sqrt(factor) * cluster_sums(treatments * residuals[:, None], cluster, clusters) @ bread
        return Fit(coefficients=coefficients, scores=scores, df=np.full(k, clusters - 1.0), residuals=residuals, inference="CR1, t(G−1)")
    scores, df = _cr2(treatments, other, bread, residuals, cluster, clusters)
    return Fit(
        coefficients=coefficients,
        scores=scores,
        df=df,
        residuals=residuals,
        inference=f"CR2, Satterthwaite t ({effective:.0f} effective clusters)",
    )


def _cr2(treatments: Floats, other: Floats, bread: Floats, residuals: Floats, cluster: Ints, clusters: int) -> tuple[Floats, Floats]:
    """Bell & McCaffrey's adjusted scores and Satterthwaite's degrees of freedom for each coefficient.

    With an orthonormal basis U of treatments and other columns (authority effects are nested and drop out, Pustejovsky &
    Tipton 2018, theorem 2) the leverage of a cluster is H_g = U_g U_gᵀ, and its weight on coefficient j is
    p_g = (I − H_g)^{-1/2} T_g b_j. The reference covariance of the scores is then diag(p_gᵀ p_g) − (U_gᵀ p_g)(U_hᵀ p_h)ᵀ.
    """
    k = treatments.shape[1]
    own, _ = np.linalg.qr(treatments)
    basis = np.column_stack([other, own])
    scores = np.zeros((clusters, k))
    lengths = np.zeros((clusters, k))
    loads = np.zeros((clusters, k, basis.shape[1]))
    order = np.argsort(cluster, kind="stable")
    bounds = np.searchsorted(cluster[order], np.arange(clusters + 1))
    size = np.diff(bounds)
    # clusters of one size go through the linear algebra together
    for n in np.unique(size[size > 0]):
        some = np.flatnonzero(size == n)
        rows = order[bounds[some][:, None] + np.arange(n)]
        u, target = basis[rows], treatments[rows] @ bread
        if n <= u.shape[2]:
            values, left = np.linalg.eigh(u @ u.transpose(0, 2, 1))
        else:
            left, values, _ = np.linalg.svd(u, full_matrices=False)
            values = values**2
        shrink = 1 - np.minimum(values, 1.0)
        # a direction wholly fitted by this cluster carries no information: its generalised inverse is 0
        root = np.where(shrink > 1e-10, 1 / np.sqrt(np.maximum(shrink, 1e-10)), 0.0) - 1
        p = target + left @ (root[:, :, None] * (left.transpose(0, 2, 1) @ target))
        scores[some] = np.einsum("gn,gnk->gk", residuals[rows], p)
        lengths[some] = (p**2).sum(axis=1)
        loads[some] = p.transpose(0, 2, 1) @ u
    df = np.empty(k)
    for j in range(k):
        # trace and squared length of diag(lengths) − loads loadsᵀ, without writing a clusters × clusters matrix
        length, load = lengths[:, j], loads[:, j]
        norms = (load**2).sum(axis=1)
        squared = (length**2).sum() - 2 * (length * norms).sum() + ((load.T @ load) ** 2).sum()
        df[j] = (length.sum() - norms.sum()) ** 2 / squared
    return scores, np.maximum(df, 1.0)


def interval(effect: float, std_error: float, level: float, df: float | None) -> tuple[float, float, float]:
    """Lower and upper end and two-sided p-value; t with `df`, or normal where it is None."""
    # not scipy.stats: its laws take milliseconds to set up, as long as many a fit
    from scipy import special

    if not std_error > 0:
        return effect, effect, 0.0 if effect else 1.0
    at, far = 0.5 + level / 2, -abs(effect) / std_error
    quantile, tail = (special.ndtri(at), special.ndtr(far)) if df is None else (special.stdtrit(df, at), special.stdtr(df, far))
    half = float(quantile) * std_error
    return effect - half, effect + half, float(2 * tail)


def critical_t(critical: float, df: float) -> float:
    """The t quantile with the tail of a normal one, so that a joint band never lies inside the pointwise interval."""
    from scipy import special

    return float(-special.stdtrit(df, special.ndtr(-critical)))


def joint_critical(scores: Floats, level: float, rng: np.random.Generator, draws: int = 10_000) -> float:
    """How many standard errors a band needs to hold for all columns at once (sup-t; Montiel Olea & Plagborg-Møller 2019).

    scores : shape (clusters, k).
    """
    scores = scores[:, (scores**2).sum(axis=0) > 0]  # a column without error needs no band
    if not scores.shape[1]:
        return 0.0
    covariance = scores.T @ scores
    scale = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    root = vectors * np.sqrt(np.maximum(values, 0))
    drawn = root @ rng.standard_normal((draws, len(values))).T
    # draws along rows, so that the largest of each is found column by column
    return float(np.quantile(np.abs(drawn, out=drawn).max(axis=0), level))


def onto(fit: Fit, own: tuple[str, ...], all_of: tuple[str, ...]) -> Fit:
    """The fit with its scores in another order of clusters, by name; 0 for a cluster that it has no row of."""
    if own == all_of:
        return fit
    at = {name: i for i, name in enumerate(all_of)}
    scores = np.zeros((len(all_of), fit.scores.shape[1]))
    scores[[at[name] for name in own]] = fit.scores
    return replace(fit, scores=scores)


def median_fit(fits: Sequence[Fit]) -> Fit:
    """One answer from repeated cross-fitting: the median over repetitions, with the spread between them in its error.

    Chernozhukov and others 2018 (Double/debiased machine learning for treatment and structural parameters, definition 3.3): the effect is the
    median, the variance the median of squared error + (effect − median)². The scores are those of the repetition nearest the
    median, scaled to that error.
    """
    if len(fits) == 1:
        return fits[0]
    effects = np.array([fit.coefficients for fit in fits])
    middle = np.median(effects, axis=0)
    variance = np.median([fit.std_errors**2 + (fit.coefficients - middle) ** 2 for fit in fits], axis=0)
    nearest = np.abs(effects - middle).argmin(axis=0)
    columns = range(len(middle))
    scores = np.column_stack([fits[nearest[j]].scores[:, j] for j in columns])
    length = np.sqrt((scores**2).sum(axis=0))
    return Fit(
        coefficients=middle,
        scores=scores * np.sqrt(variance) / np.where(length > 0, length, 1.0),
        df=np.array([fits[nearest[j]].df[j] for j in columns]),
        residuals=fits[nearest[0]].residuals,
        inference=f"{fits[0].inference}, median of {len(fits)} cross-fits",
    )


def joint_test(effects: Floats, scores: Floats, df: float) -> tuple[float, float, float]:
    """Whether several effects are all 0: F, its second degrees of freedom and p-value (Hotelling's T² with `df`).

    effects : shape (k,); scores : shape (clusters, k), as in `Fit`. NaN where they cannot be told apart or `df` is too small.
    """
    from scipy import special

    k, covariance = len(effects), scores.T @ scores
    rest = df - k + 1
    if rest <= 1 or np.linalg.matrix_rank(covariance, hermitian=True) < k:
        return np.nan, rest, np.nan
    f = float(effects @ np.linalg.solve(covariance, effects)) * rest / (df * k)
    return f, rest, float(special.fdtrc(k, rest, f))


def wild_bootstrap(
    outcome: Floats, treatment: Floats, other: Floats, cluster: Ints, clusters: int, *, level: float, weights: str, draws: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Restricted wild cluster bootstrap of one slope: interval by inverting the test, and the p-value of 0.

    Cameron, Gelbach & Miller 2008, Bootstrap-based improvements for inference with clustered errors; Roodman, MacKinnon, Nielsen & Webb 2019,
    Fast and wild: with the null imposed, each cluster's residuals are multiplied by one random weight, and the t statistic of the
    sample is set against those of the draws. Every quantity is a sum by cluster, so that a null costs one small matrix product.

    Parameters
    ----------
    outcome, treatment : shape (rows,), residuals on `other`.
    other : shape (rows, p), orthonormal.
    weights : "rademacher" (±1) or "webb" (six points; for a dozen clusters or fewer).

    Returns
    -------
    lower, upper : of the slope, −inf or inf where the test never rejects; and the p-value of a slope of 0.
    """
    points = np.array([-1.0, 1.0]) if weights == "rademacher" else np.sqrt(np.array([0.5, 1.0, 1.5])) * np.array([[-1.0], [1.0]])
    drawn = rng.choice(points.ravel(), size=(draws, clusters))
    size = float(treatment @ treatment)
    slope = float(treatment @ outcome) / size
    residual = outcome - slope * treatment
    # a null of slope + b leaves residuals e − b d: sums by cluster of both are all that is needed
    sums = [cluster_sums(np.column_stack([(treatment * part)[:, None], other * part[:, None]]), cluster, clusters) for part in (residual, -treatment)]
    loads = cluster_sums(other * treatment[:, None], cluster, clusters)
    own = cluster_sums(treatment[:, None] ** 2, cluster, clusters)[:, 0]

    def p_value(at: float) -> float:
        """Two-sided p-value of a slope of `at`."""
        b = at - slope
        s = sums[0] + b * sums[1]
        delta = drawn @ s[:, 0] / size
        scores = drawn * s[:, 0] - (drawn @ s[:, 1:]) @ loads.T - delta[:, None] * own
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.abs(delta) / np.sqrt((scores**2).sum(axis=1))
            real = abs(b) / np.sqrt((sums[0][:, 0] ** 2).sum())
        # nearly tied draws (the weights' mirror images of the sample) count as reaching it
        return float((t >= real * (1 - 1e-9)).mean())

    error = np.sqrt((sums[0][:, 0] ** 2).sum()) / size
    ends = []
    for way in (-1, 1):
        far = 2.0
        while p_value(slope + way * far * error) > 1 - level and far < 1e3:
            far *= 2
        if far >= 1e3:
            ends.append(way * np.inf)
            continue
        inside, outside = 0.0, far
        for _ in range(40):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if p_value(slope + way * middle * error) > 1 - level else (inside, middle)
        ends.append(slope + way * outside * error)
    return ends[0], ends[1], p_value(0.0)


def romano_wolf(effects: Floats, scores: Floats, rng: np.random.Generator, draws: int = 9_999) -> Floats:
    """Two-sided p-values of several effects, adjusted so that the chance of any false rejection stays at the level, whatever ties them together.

    Romano & Wolf 2005 (Exact and approximate stepdown methods for multiple hypothesis testing, and Stepwise multiple testing as formalized
    data snooping) and 2016 (Efficient computation of adjusted p-values for resampling-based stepdown multiple testing). The joint law of the t
    statistics without effects comes from turning the sign of every cluster's scores at random, those of one cluster together; its squares and
    so the errors stay as they are. From the largest statistic down each is set against the largest of those not yet passed.

    Parameters
    ----------
    effects : shape (k,).
    scores : shape (clusters, k), such that the sum of squares of a column is the squared error of its effect; 0 where a cluster has no part in it.
    draws : of signs.

    Returns
    -------
    p_values : shape (k,), never below 1 / (draws + 1).

    Raises
    ------
    EstimationError : an effect without error, or shapes that do not fit.
    """
    if scores.ndim != 2 or scores.shape[1] != len(effects):
        raise EstimationError(f"scores of shape (clusters, {len(effects)}) are wanted, one column for each effect, got {scores.shape}")
    errors = np.sqrt((scores**2).sum(axis=0))
    if not (np.isfinite(effects).all() and np.isfinite(errors).all() and (errors > 0).all()):
        raise EstimationError(f"every effect must be a number with an error above 0; got effects {effects.tolist()} with errors {errors.tolist()}")
    reached = np.abs(effects) / errors
    signs = rng.integers(0, 2, size=(draws, len(scores))) * 2.0 - 1.0
    drawn = np.abs(signs @ (scores / errors))
    order = np.argsort(-reached, kind="stable")
    # the largest of each statistic and all smaller ones, draw by draw
    largest = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
    # a tie is reaching it: where few clusters differ in sign, rounding must not decide
    beyond = (largest >= reached[order] * (1 - 1e-9)).sum(axis=0)
    p_values = np.empty(len(effects))
    p_values[order] = np.maximum.accumulate((1 + beyond) / (draws + 1))
    return p_values
