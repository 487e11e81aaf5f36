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

FEWEST_UNTREATED = 19  # a placebo range at 95 % takes the largest of 19
MOST_TREATED = 3
DRAWS = 4_999  # dealings where several places are treated


def two_sample_df(weight: Floats, others: int) -> float:
    """Degrees of freedom of a weighted mean over some clusters less a mean over others, shocks alike in all of them.

    Welch's formula (1947, The generalization of "Student's" problem when several different population variances are involved) with the variances that equal
    shocks would give in the place of estimated ones, which by chance are small exactly where the interval must not be short (as Bell & McCaffrey 2002 do).

    weight : shape (n,), of each treated cluster; others : untreated clusters.

    Parameters
    ----------
    weight : shape (n,), of each treated cluster.
    others : untreated clusters.
    """
    share = weight[weight > 0] / weight.sum()
    ours, theirs = float((share**2).sum()), 1 / max(others, 1)
    known = ours**2 / float((share**4).sum()) - 1  # members, as a weighted mean counts them, less one
    return float(max((ours + theirs) ** 2 / (ours**2 / max(known, 1e-9) + theirs**2 / max(others - 1, 1)), 1.0))


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
    effect : the coefficient, outcome units per unit of treatment.
    treatment, residual : shape (rows,), of the treatment and of the outcome on all that is conditioned on (the treatment too).
    cluster, time : shape (rows,), codes.
    treated : shape (treated,), codes of the treated clusters.
    population : shape (clusters,), people in each; None where not known.
    level : of confidence.
    seed : of the draws, where not all dealings are gone through.
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
    permuted = path @ mean[free].T / size
    scaled = population is not None
    if population is not None:
        permuted = permuted * _alike(mean[free], population[free], population[treated])
    if len(treated) == 1:
        errors = permuted[0]
    else:
        rng = np.random.default_rng(seed)
        chosen = np.array([rng.choice(len(free), size=len(treated), replace=False) for _ in range(DRAWS)])
        errors = permuted[np.arange(len(treated)), chosen].sum(axis=1)
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
