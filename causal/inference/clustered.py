"""Clustered inference: what makes an interval honest on a panel.

Rows of one authority are not independent, so every standard error here is a sum over clusters of squared
scores, and the scores are kept.

CR1 is stated because libraries differ: the factor is G/(G−1) × (n−1)/(n−k), where k counts the treatment, the controls and the
year effects or the intercept, and leaves out authority effects, which are nested in clusters; t has G−1 degrees of freedom.
Below 50 effective clusters CR2 with Satterthwaite degrees of freedom takes its place (Bell & McCaffrey 2002, Bias reduction in
standard errors; Pustejovsky & Tipton 2018, Small-sample methods for cluster-robust variance estimation).
Where leaving out one cluster makes a coefficient inestimable its error cannot be learnt: the cluster's own residuals are fitted wholly, its score is 0, and
the interval shrinks to nothing however large the shocks are (MacKinnon & Webb 2020, Randomization inference for difference-in-differences with few
treated clusters). Such coefficients are named (`Fit.carried`), and no interval is given for them; nor is one from two clusters.
Effective clusters: (Σs)²/Σs² over each cluster's sum of squared residual treatment s (Carter, Schnepel & Steigerwald 2017,
Asymptotic behavior of a t-test robust to cluster heterogeneity, with uncorrelated errors as reference).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from causal.arrays import Floats, Ints
from causal.errors import EstimationError, refusal

FEW_CLUSTERS = 50
TWO = 2  # clusters from whose one difference no error is learnt
CARRIES = 1e-8  # share of a column's squared length below which nothing of it is left


def cluster_sums(values: Floats, cluster: Ints, clusters: int) -> Floats:
    """Sum the rows of each cluster; shape (rows, k) → (clusters, k).

    Parameters
    ----------
    values : shape (rows, k).
    cluster : shape (rows,), codes from 0.
    clusters : how many there are.
    """
    steps = np.diff(cluster)
    if len(cluster) and (steps >= 0).all() and np.count_nonzero(steps) + 1 == clusters:
        return np.asarray(np.add.reduceat(values, np.flatnonzero(np.r_[True, steps != 0]), axis=0))
    # one column after another: many times faster than adding row by row
    sums = np.empty((clusters, values.shape[1]))
    for j, column in enumerate(values.T):
        sums[:, j] = np.bincount(cluster, weights=column, minlength=clusters)
    return sums


def effective_clusters(treatment: Floats, cluster: Ints, clusters: int) -> tuple[float, float]:
    """Effective number of clusters, and the share of residual treatment variance in the largest five.

    (Σ s_g)² / Σ s_g², with s_g the sum of squares of the residual treatment in cluster g: as many clusters of equal size would weigh so (Carter, Schnepel &
    Steigerwald 2017, Asymptotic behavior of a t-test robust to cluster heterogeneity, without the part of the errors' correlation).

    Parameters
    ----------
    treatment : shape (rows,), residual on all that is absorbed and adjusted for.
    cluster : shape (rows,), codes from 0.
    clusters : how many there are.
    """
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
    effective : effective clusters of the columns, the fewest of any; None: not asked.
    carried : shape (k,), the cluster without which a coefficient is inestimable, −1 where there is none; None: not asked.
    """

    coefficients: Floats
    scores: Floats
    df: Floats
    residuals: Floats
    inference: str
    carried: Ints | None = None
    effective: float | None = None

    @property
    def known(self) -> tuple[bool, ...]:
        """For each coefficient whether its error can be learnt: more than two clusters, and none that carries it alone."""
        alone = np.full(len(self.coefficients), len(self.scores) <= TWO)
        return tuple((~alone & (self.carried < 0 if self.carried is not None else True)).tolist())

    @property
    def std_errors(self) -> Floats:
        """Shape (k,)."""
        return np.asarray(np.sqrt((self.scores**2).sum(axis=0)))


def clustered_least_squares(
    outcome: Floats, treatments: Floats, other: Floats, cluster: Ints, clusters: int, *, absorbed_rank: int, row_count: int | None = None
) -> Fit:
    """Least squares of an outcome on treatments, both already without `other`, with clustered errors.

    Parameters
    ----------
    outcome : shape (rows,), residual on `other`.
    treatments : shape (rows, k), residuals on `other`.
    other : shape (rows, p), orthonormal; needed for the leverage in CR2.
    cluster : shape (rows,), codes from 0.
    clusters : how many there are.
    absorbed_rank : coefficients besides the treatments that are not nested in clusters (k of CR1 less the treatments).
    row_count : observations, n of CR1, where rows are means over people; None: the rows.

    Returns
    -------
    Fit : CR1 with t(G − 1), or below 50 effective clusters CR2 with Satterthwaite's degrees of freedom (Bell & McCaffrey 2002).

    Raises
    ------
    EstimationError : the treatments are rank-deficient once `other` is conditioned on, or no residual degrees of freedom are left.
    """
    gram = treatments.T @ treatments
    if np.linalg.matrix_rank(gram, tol=1e-12 * max(float(np.trace(gram)), np.finfo(float).tiny)) < len(gram):
        raise refusal(
            EstimationError,
            "the treatment",
            "something left of it to compare",
            "nothing: it is told by what is absorbed and adjusted for",
            "adjust for less, or ask with a treatment that moves more freely",
        )
    bread: Floats = np.asarray(np.linalg.inv(gram))
    coefficients = bread @ (treatments.T @ outcome)
    residuals = outcome - treatments @ coefficients
    k = treatments.shape[1]
    rows = len(treatments) if row_count is None else row_count
    df_residual = rows - absorbed_rank - k
    if df_residual <= 0 or clusters < 2:
        raise refusal(
            EstimationError,
            "the regression",
            f"more rows and clusters than {absorbed_rank + k} coefficients ask for",
            f"{rows} rows and {clusters} clusters",
            "give more authorities, or adjust for less",
        )
    sizes = cluster_sums(treatments**2, cluster, clusters)
    effective = float((sizes.sum(axis=0) ** 2 / (sizes**2).sum(axis=0)).min())
    if effective >= FEW_CLUSTERS:
        scores = np.sqrt(cr1_factor(clusters, rows, df_residual)) * cluster_sums(treatments * residuals[:, None], cluster, clusters) @ bread
        df = np.full(k, clusters - 1.0)
        none = np.full(k, -1, dtype=np.int64)
        return Fit(coefficients=coefficients, scores=scores, df=df, residuals=residuals, inference="CR1, t(G−1)", carried=none, effective=effective)
    scores, df = _cr2(treatments, other, bread, residuals, cluster, clusters)
    return Fit(
        coefficients=coefficients,
        scores=scores,
        df=df,
        residuals=residuals,
        inference=f"CR2, Satterthwaite t ({effective:.0f} effective clusters)",
        carried=carriers(treatments, other, cluster, clusters),
        effective=effective,
    )


def left_without(treatment: Floats, other: Floats, cluster: Ints, clusters: int) -> Floats:
    """Share of a column's residual variance that would be left without each cluster; shape (clusters,), 1 where it is not worth asking.

    With an orthonormal basis U of all that is conditioned on and t the residual on it, what is left of t without cluster g is
    |t|² − |t_g|² − (U_gᵀt_g)ᵀ (I − U_gᵀU_g)⁺ (U_gᵀt_g). It can vanish only where the cluster fits some direction wholly, so that its leverage is at least 1.

    Parameters
    ----------
    treatment : shape (rows,), residual on `other`.
    other : shape (rows, p), orthonormal; effects nested in clusters may be left out, as they are the same with or without one.
    cluster : shape (rows,), codes from 0.
    clusters : how many there are.
    """
    own = cluster_sums(treatment[:, None] ** 2, cluster, clusters)[:, 0]
    total = float(own.sum())
    share = np.ones(clusters)
    if not total > 0:
        return np.zeros(clusters)
    leverage = own / total
    if other.shape[1]:
        leverage = leverage + cluster_sums((other**2).sum(axis=1)[:, None], cluster, clusters)[:, 0]
    for g in np.flatnonzero(leverage > 0.99):
        rows = cluster == g
        u, t = other[rows], treatment[rows]
        load = u.T @ t
        left = total - own[g]
        if len(load):
            values, vectors = np.linalg.eigh(np.eye(len(load)) - u.T @ u)
            kept = values > 1e-10
            # along a direction that the cluster fits wholly nothing is conditioned on any more without it
            left -= float(((vectors[:, kept].T @ load) ** 2 / values[kept]).sum())
        share[g] = max(left, 0.0) / total
    return share


def carriers(treatments: Floats, other: Floats, cluster: Ints, clusters: int) -> Ints:
    """For each of several columns the cluster without which its coefficient is inestimable, −1 where there is none; shape (k,).

    Parameters
    ----------
    treatments : shape (rows, k), residual on `other`, of full rank.
    other : shape (rows, p), orthonormal.
    cluster : shape (rows,), codes from 0.
    clusters : how many there are.
    """
    k = treatments.shape[1]
    basis, triangle = np.linalg.qr(treatments)
    # the residual of column j on all the others is its row of the inverse
    inverse = np.linalg.inv(triangle)
    found = np.full(k, -1, dtype=np.int64)
    for j in range(k):
        way = inverse[j] / np.linalg.norm(inverse[j])
        rest = basis @ _complement(way) if k > 1 else np.empty((len(treatments), 0))
        share = left_without(basis @ way, np.column_stack([other, rest]), cluster, clusters)
        g = int(share.argmin())
        if share[g] < CARRIES:
            found[j] = g
    return found


def _complement(way: Floats) -> Floats:
    """An orthonormal basis of all that is at right angles to a unit vector; shape (k, k − 1)."""
    k = len(way)
    mirror = way.copy()
    mirror[0] += 1.0 if way[0] >= 0 else -1.0
    return np.asarray((np.eye(k) - 2 * np.outer(mirror, mirror) / (mirror @ mirror))[:, 1:])


def cr1_factor(clusters: float | Floats, rows: float | Floats, df_residual: float | Floats) -> Floats:
    """What CR1 multiplies the sum of squared scores by: G/(G−1) × (n−1)/(n−k).

    Parameters
    ----------
    clusters, rows : G and n, numbers or arrays of one shape.
    df_residual : n − k, the residual degrees of freedom, of the same shape; NaN comes back where there are none.
    """
    some = np.asarray(df_residual) > 0
    return np.where(some, clusters / np.asarray(clusters - 1) * (rows - 1) / np.where(some, df_residual, 1), np.nan)


def cr2_loads(other: Floats, own: Floats, inner: Floats) -> Floats:
    """The weight of each row's residual in Bell & McCaffrey's scores, (I − W Wᵀ)^{-1/2} T c for clusters of one size, with W the rows of all unit columns.

    As (I − W Wᵀ)^{-1/2} W = W (I − WᵀW)^{-1/2}, the smaller of the two matrices is taken apart. A direction wholly fitted by a cluster carries no
    information: its generalised inverse is 0.

    Parameters
    ----------
    other : shape (clusters, m, p), columns that all draws share.
    own : shape (…, clusters, m, r), further columns, of each draw where there are draws; all columns together orthonormal over the whole sample.
    inner : shape (r, k), so that T c = own @ inner.

    Returns
    -------
    loads : shape (…, clusters, m, k).
    """
    m, p, r = own.shape[-2], other.shape[-1], own.shape[-1]
    if m <= p + r:
        w, target = None, own @ inner
        leverage = other @ other.swapaxes(-1, -2) + own @ own.swapaxes(-1, -2)
    else:
        w = np.concatenate([np.broadcast_to(other, (*own.shape[:-1], p)), own], axis=-1)
        target = np.concatenate([np.zeros((p, inner.shape[1])), inner])
        leverage = w.swapaxes(-1, -2) @ w
    values, vectors = np.linalg.eigh(leverage)
    shrink = 1 - np.clip(values, 0.0, 1.0)
    root = np.where(shrink > 1e-10, 1 / np.sqrt(np.maximum(shrink, 1e-10)), 0.0)[..., None]
    turned = vectors @ (root * (vectors.swapaxes(-1, -2) @ target))
    return np.asarray(turned if w is None else w @ turned)


def _cr2(treatments: Floats, other: Floats, bread: Floats, residuals: Floats, cluster: Ints, clusters: int) -> tuple[Floats, Floats]:
    """Bell & McCaffrey's adjusted scores and Satterthwaite's degrees of freedom for each coefficient.

    With an orthonormal basis U of treatments and other columns (authority effects are nested and drop out, Pustejovsky &
    Tipton 2018, theorem 2) the leverage of a cluster is H_g = U_g U_gᵀ, and its weight on coefficient j is
    p_g = (I − H_g)^{-1/2} T_g b_j (`cr2_loads`). The reference covariance of the scores is then diag(p_gᵀ p_g) − (U_gᵀ p_g)(U_hᵀ p_h)ᵀ.
    """
    k = treatments.shape[1]
    own, triangle = np.linalg.qr(treatments)
    inner = triangle @ bread
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
        p = cr2_loads(other[rows], own[rows], inner)
        scores[some] = np.einsum("gn,gnk->gk", residuals[rows], p)
        lengths[some] = (p**2).sum(axis=1)
        loads[some] = p.transpose(0, 2, 1) @ basis[rows]
    df = np.empty(k)
    for j in range(k):
        # trace and squared length of diag(lengths) − loads loadsᵀ, without writing a clusters × clusters matrix
        length, load = lengths[:, j], loads[:, j]
        norms = (load**2).sum(axis=1)
        squared = (length**2).sum() - 2 * (length * norms).sum() + ((load.T @ load) ** 2).sum()
        df[j] = (length.sum() - norms.sum()) ** 2 / squared
    return scores, np.maximum(df, 1.0)


def interval(effect: float, std_error: float, level: float, df: float | None) -> tuple[float, float, float]:
    """Lower and upper end and two-sided p-value; t with `df`, or normal where it is None.

    Parameters
    ----------
    effect, std_error : in one unit; an error that is not above 0 gives the effect itself twice.
    level : of confidence, above 0 and below 1.
    df : of t; None is normal.
    """
    # not scipy.stats: its laws take milliseconds to set up, as long as many a fit
    from scipy import special

    if not std_error > 0:
        return effect, effect, 0.0 if effect else 1.0
    at, far = 0.5 + level / 2, -abs(effect) / std_error
    quantile, tail = (special.ndtri(at), special.ndtr(far)) if df is None else (special.stdtrit(df, at), special.stdtr(df, far))
    half = float(quantile) * std_error
    return effect - half, effect + half, float(2 * tail)


def critical_t(critical: float, df: float) -> float:
    """The t quantile with the tail of a normal one, so that a joint band never lies inside the pointwise interval.

    Parameters
    ----------
    critical : a normal quantile.
    df : degrees of freedom of t.
    """
    from scipy import special

    return float(-special.stdtrit(df, special.ndtr(-critical)))


def joint_critical(scores: Floats, level: float, rng: np.random.Generator, draws: int = 10_000) -> float:
    """How many standard errors a band needs to hold for all columns at once (sup-t; Montiel Olea & Plagborg-Møller 2019, Simultaneous confidence bands).

    Parameters
    ----------
    scores : shape (clusters, k); a column of zeros needs no band and is left out.
    level : of confidence, for all columns at once.
    rng : draws normal vectors.
    draws : how many.
    """
    scores = scores[:, (scores**2).sum(axis=0) > 0]  # a column without error needs no band
    if not scores.shape[1]:
        return 0.0
    covariance = scores.T @ scores
    scale = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    # the symmetric root, which is one: an eigenvector's sign hangs on the last bit, and with it every draw would
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    drawn = root @ rng.standard_normal((draws, len(values))).T
    # draws along rows, so that the largest of each is found column by column
    return float(np.quantile(np.abs(drawn, out=drawn).max(axis=0), level))


def onto(fit: Fit, own: tuple[str, ...], all_of: tuple[str, ...]) -> Fit:
    """The fit with its scores in another order of clusters, by name; 0 for a cluster that it has no row of.

    Parameters
    ----------
    fit : scores of shape (clusters of its own, k).
    own : names of its clusters, in the order of its scores.
    all_of : names in the order wanted, all of `own` among them.
    """
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
        carried=fits[nearest[0]].carried,
    )


def joint_test(effects: Floats, scores: Floats, df: float) -> tuple[float, float, float]:
    """Whether several effects are all 0: F, its second degrees of freedom and p-value (Hotelling's T² with `df`).

    Parameters
    ----------
    effects : shape (k,).
    scores : shape (clusters, k), as in `Fit`.
    df : of the errors.

    Returns
    -------
    f, rest, p_value : NaN where the effects are collinear or `df` is too small.
    """
    from scipy import special

    k, covariance = len(effects), scores.T @ scores
    rest = df - k + 1
    if rest <= 1 or np.linalg.matrix_rank(covariance, hermitian=True) < k:
        return np.nan, rest, np.nan
    f = float(effects @ np.linalg.solve(covariance, effects)) * rest / (df * k)
    return f, rest, float(special.fdtrc(k, rest, f))
