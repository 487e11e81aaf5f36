"""What the untreated can say where too few are treated for an error of their own.

Where leaving out one cluster makes the effect inestimable no clustered error is known (`causal.inference.clustered.carriers`), and what can be said rests
on the untreated. If their shocks are like the treated one's, the path of treatment dealt to each of them in turn shows how far
chance alone moves the estimate (Conley & Taber 2011, Inference with "difference in differences" with a small number of policy changes); smaller places
have larger shocks, so that residuals are scaled by a variance of A + B / population first (Ferman & Pinto 2019, Inference in differences-in-differences
with few treated groups and heteroskedasticity).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causal.arrays import Floats, Ints
from causal.inference.clustered import cluster_sums

FEWEST_UNTREATED = 19  # a placebo range at 95 % takes the largest of 19
MOST_TREATED = 3
DRAWS = 4_999  # dealings where several places are treated


def welch(scores: Floats, stratum: Ints) -> Floats:
    """Satterthwaite's degrees of freedom of a sum of independent strata's means; shape (k,).

    Each stratum's part of the variance is known with one less degree of freedom than it has members (Welch 1947, The generalization of
    "Student's" problem when several different population variances are involved). A stratum of one, whose own score is 0, adds nothing here.

    scores : shape (n, k); stratum : shape (n,), codes.
    """
    size = np.bincount(stratum)
    part = cluster_sums(scores**2, stratum, len(size))
    total = part.sum(axis=0)
    squared = (part**2 / np.maximum(size - 1, 1)[:, None]).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(squared > 0, np.maximum(total**2 / squared, 1.0), 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboRange:
    """What fits if the treated places' shocks are like the others'.

    lower, upper : in the coefficient's unit.
    placebos : untreated clusters that took the treated ones' place.
    scaled : whether shocks were scaled by population.
    """

    lower: float
    upper: float
    placebos: int
    scaled: bool


def placebo_in_space(
    effect: float, treatment: Floats, residual: Floats, cluster: Ints, time: Ints, treated: Ints, population: Floats | None, level: float, seed: int = 0
) -> PlaceboRange | None:
    """The range of effects that placebos leave standing; None where there are too few of them.

    The estimate errs by Σ t̃ε / Σ t̃² over the treated clusters. Each dealing puts an untreated cluster's residuals in the place of a treated one's, at the same
    times; all dealings are gone through where one is treated, and `DRAWS` of them otherwise. The range is symmetric: the estimate ± the ⌈level (n + 1)⌉-th
    smallest size of n, which is exact where shocks are exchangeable.

    Parameters
    ----------
    effect : the coefficient; treatment, residual : shape (rows,), of the treatment and of the outcome on all that is held fixed (the treatment too).
    cluster, time : shape (rows,), codes; treated : the treated clusters.
    population : shape (clusters,), people in each; None where not known.
    """
    clusters = int(cluster.max()) + 1
    free = np.setdiff1d(np.arange(clusters), treated)
    if not 1 <= len(treated) <= MOST_TREATED or len(free) < FEWEST_UNTREATED:
        return None
    times = int(time.max()) + 1
    rows = np.zeros((clusters, times))
    number = np.zeros((clusters, times))
    np.add.at(rows, (cluster, time), residual)
    np.add.at(number, (cluster, time), 1.0)
    mean = rows / np.maximum(number, 1)
    path = np.zeros((len(treated), times))
    for i, g in enumerate(treated):
        mine = cluster == g
        path[i] = np.bincount(time[mine], weights=treatment[mine], minlength=times)
    size = float((treatment[np.isin(cluster, treated)] ** 2).sum())
    # shape (treated, untreated): how far an untreated cluster's shocks would have moved the estimate in the place of each treated one
    dealt = path @ mean[free].T / size
    scaled = population is not None
    if population is not None:
        dealt = dealt * _alike(mean[free], population[free], population[treated])
    if len(treated) == 1:
        errors = dealt[0]
    else:
        rng = np.random.default_rng(seed)
        chosen = np.array([rng.choice(len(free), size=len(treated), replace=False) for _ in range(DRAWS)])
        errors = dealt[np.arange(len(treated)), chosen].sum(axis=1)
    ordered = np.sort(np.abs(errors))
    at = int(np.ceil(level * (len(ordered) + 1) - 1e-9))
    if at > len(ordered):
        return None
    reach = float(ordered[at - 1])
    return PlaceboRange(lower=effect - reach, upper=effect + reach, placebos=len(free), scaled=scaled)


def _alike(residual: Floats, population: Floats, theirs: Floats) -> Floats:
    """What makes an untreated cluster's shocks as large as a treated one's, shape (treated, untreated), by a variance of A + B / population, A, B ≥ 0."""
    from scipy.optimize import nnls

    variance = (residual**2).mean(axis=1)
    (a, b), _ = nnls(np.column_stack([np.ones(len(population)), 1 / population]), variance)
    if not a + b > 0:
        return np.ones((len(theirs), len(population)))
    return np.asarray(np.sqrt((a + b / theirs)[:, None] / (a + b / population)[None, :]))
