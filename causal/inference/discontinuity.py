"""A jump at a cutoff: local polynomials on either side, corrected for their bias, with scores by cluster.

On each side a straight line is fitted to the rows within a bandwidth h, by a kernel that counts near ones most; what a curve does to the line's end is learnt
from a parabola within a bandwidth b and taken away, and the error counts that correction (Calonico, Cattaneo & Titiunik 2014, Robust nonparametric
confidence intervals for regression-discontinuity designs; symbols as there). Both ends are linear in the outcomes, so that the answer is a weighted sum of
rows: its scores by cluster are weights times residuals. Rows that are clusters of their own take residuals from their three nearest neighbours, as the
authors' software does; other clusters take those of the parabola, with G/(G − 1) (Bartalotti & Brummet 2017, Regression discontinuity designs with
clustered data). Covariates are held fixed by one slope for both sides (Calonico, Cattaneo, Farrell & Titiunik 2019, Regression discontinuity designs using
covariates).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from causal.arrays import Floats, Ints
from causal.errors import EstimationError, refusal

Kernel = Literal["triangular", "uniform", "epanechnikov"]
KERNELS = ("triangular", "uniform", "epanechnikov")
NEIGHBOURS = 3
FLAT = 1e-9  # of a treatment's deviation: a side on which it does not vary


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A jump of the outcome over one of the treatment.

    Parameters
    ----------
    effect : bias-corrected, for one unit of treatment.
    plain : without the correction, and its error.
    scores : shape (clusters,); their squares add to the squared error of `effect`.
    df : degrees of freedom of t; infinite where rows are clusters.
    outcome, treatment : the jumps themselves, without correction; `treatment_scores` are those of the corrected jump of the treatment.
    lines : shape (2, p + 1), coefficients of the outcome's line left and right of the cutoff, in the running variable less the cutoff.
    left, right : rows within the bandwidth.
    weights : shape (rows,), how much each row counts in `effect`'s numerator.
    """

    effect: float
    plain: float
    plain_error: float
    scores: Floats
    df: float
    outcome: float
    treatment: float
    treatment_scores: Floats
    lines: Floats
    left: int
    right: int
    weights: Floats

    @property
    def std_error(self) -> float:
        """Of `effect`."""
        return float(np.sqrt((self.scores**2).sum()))


def bandwidths(y: Floats, x: Floats, treatment: Floats | None, covariates: Floats | None, *, kernel: Kernel, p: int) -> tuple[float, float]:
    """h and b that make the mean squared error of the jump least, one for both sides, by diff-diff (Calonico, Cattaneo & Farrell 2020, Optimal bandwidth choice
    for robust bias-corrected inference in regression discontinuity designs).

    Parameters
    ----------
    y, x : shape (rows,); the cutoff is 0.
    treatment : shape (rows,), where it is fuzzy; None where the cutoff alone decides.
    covariates : shape (rows, k), or None.
    kernel, p : of the fit.

    Raises
    ------
    EstimationError : there are too few different values near the cutoff.
    """
    import pandas as pd
    from diff_diff import RegressionDiscontinuity

    sizes = [_near_its_spread(column) for column in (y, x)]
    data = pd.DataFrame({"y": y / sizes[0], "x": x / sizes[1]})
    given: dict[str, Any] = {}
    if treatment is not None:
        data["t"] = treatment
        given["takeup"] = "t"
    if covariates is not None and covariates.shape[1]:
        names = [f"c{j}" for j in range(covariates.shape[1])]
        data[names] = (covariates - covariates.mean(axis=0)) / np.where(covariates.std(axis=0) > 0, covariates.std(axis=0), 1.0)
        given["covariates"] = names
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = RegressionDiscontinuity(kernel=kernel, p=p).fit(data, outcome="y", running="x", **given)
    except (ValueError, np.linalg.LinAlgError) as problem:
        raise refusal(
            EstimationError,
            "the bandwidth at the cutoff",
            "enough different values of the running variable on either side",
            str(problem).partition(".")[0].lower(),
            "say one with  estimator.bandwidth=…",
        ) from problem
    return float(found.h_left) * sizes[1], float(found.b_left) * sizes[1]


def jump(
    y: Floats,
    x: Floats,
    treatment: Floats | None,
    covariates: Floats | None,
    cluster: Ints,
    clusters: int,
    *,
    h: float,
    b: float,
    kernel: Kernel = "triangular",
    p: int = 1,
) -> Jump:
    """The jump at 0.

    Parameters
    ----------
    y, x : shape (rows,), outcome and running variable less its cutoff; rows at 0 stand on the right.
    treatment : shape (rows,); None where it is 1 on the right and 0 on the left.
    covariates : shape (rows, k), held fixed; None or empty where there are none.
    cluster : shape (rows,), codes from 0.
    clusters : how many there are.
    h, b : bandwidths of the line and of its correction.
    kernel, p : of the line, of order p; the correction's is one higher.

    Raises
    ------
    EstimationError : too few rows or different values on a side, or the treatment does not jump.
    """
    alone = clusters == len(y) and len(np.unique(cluster)) == len(y)
    d = (x >= 0).astype(float) if treatment is None else treatment
    columns = np.column_stack([y, d, *([covariates] if covariates is not None and covariates.shape[1] else [])])
    linear, corrected = np.zeros(len(y)), np.zeros(len(y))
    residual = np.zeros_like(columns)
    sides: list[Any] = []
    left_out = np.zeros((columns.shape[1] - 2, columns.shape[1] - 2)), np.zeros((columns.shape[1] - 2, 2))
    for right in (False, True):
        near = np.flatnonzero(((x >= 0) == right) & (np.abs(x) < max(h, b)))
        near = near[np.argsort(x[near], kind="stable")]
        u = x[near]
        inner, outer = _kernel(u / h, kernel) / h, _kernel(u / b, kernel) / b
        for weights, order in ((inner, p), (outer, p + 1)):
            if len(np.unique(u[weights > 0])) < order + 2:
                raise refusal(
                    EstimationError,
                    f"the {'right' if right else 'left'} side of the cutoff",
                    f"at least {order + 2} different values of the running variable within the bandwidth",
                    f"{len(np.unique(u[weights > 0]))} within {h if order == p else b:.3g}",
                    "take a wider one with  estimator.bandwidth=…",
                )
        scaled = u / h  # powers of numbers near 1
        high = np.vander(scaled, p + 2, increasing=True)
        low = high[:, : p + 1]
        bread_high = np.linalg.inv((high * outer[:, None]).T @ high)
        bread = np.linalg.inv((low * inner[:, None]).T @ low)
        bend = (low * inner[:, None]).T @ scaled ** (p + 1)
        take = low * inner[:, None] - np.outer(((high @ bread_high) * outer[:, None])[:, p + 1], bend)
        sign = 1.0 if right else -1.0
        linear[near], corrected[near] = sign * (low * inner[:, None]) @ bread[:, 0], sign * take @ bread[:, 0]
        if alone:
            residual[near] = _neighbours(u, columns[near])
        else:
            curve = bread_high @ (high * outer[:, None]).T @ columns[near]
            residual[near] = columns[near] - high @ curve
        sides.append((near, bread @ (low * inner[:, None]).T @ columns[near] / h ** np.arange(p + 1)[:, None], int((inner > 0).sum())))
        if columns.shape[1] > 2:
            root = np.sqrt(inner)[:, None]
            basis = np.linalg.qr(root * low)[0]
            rest = root * columns[near] - basis @ (basis.T @ (root * columns[near]))
            left_out = left_out[0] + rest[:, 2:].T @ rest[:, 2:], left_out[1] + rest[:, 2:].T @ rest[:, :2]
    slopes = np.linalg.pinv(left_out[0], rcond=1e-12) @ left_out[1] if columns.shape[1] > 2 else np.zeros((0, 2))
    plain_jumps, jumps = ((weights @ columns)[:2] - (weights @ columns)[2:] @ slopes for weights in (linear, corrected))
    free = residual[:, :2] - residual[:, 2:] @ slopes
    if abs(plain_jumps[1]) <= FLAT * max(float(d.std()), 1e-300):
        raise refusal(EstimationError, "the cutoff", "a treatment that jumps there", "none that does", "look whether the cutoff is the rule's own")
    ratio = float(plain_jumps[0] / plain_jumps[1])
    way = np.array([1.0, -ratio]) / plain_jumps[1]
    # the correction is that of the ratio, to first order
    effect = ratio + float(way @ (jumps - plain_jumps))
    used = np.unique(cluster[corrected != 0])
    factor = 1.0 if alone else np.sqrt(len(used) / max(len(used) - 1, 1))

    def summed(weights: Floats, values: Floats) -> Floats:
        return np.asarray(factor * np.bincount(cluster, weights=weights * values, minlength=clusters))

    lines = np.array([side[1][:, 0] - side[1][:, 2:] @ slopes[:, 0] for side in sides])
    return Jump(
        effect=effect,
        plain=ratio,
        plain_error=float(np.sqrt((summed(linear, free @ way) ** 2).sum())),
        scores=summed(corrected, free @ way),
        df=np.inf if alone else float(max(len(used) - 1, 1)),
        outcome=float(plain_jumps[0]),
        treatment=float(plain_jumps[1]),
        treatment_scores=summed(corrected, free[:, 1]),
        lines=lines,
        left=sides[0][2],
        right=sides[1][2],
        weights=corrected,
    )


def _kernel(u: Floats, kernel: Kernel) -> Floats:
    inside = np.abs(u) <= 1
    if kernel == "uniform":
        return np.asarray(0.5 * inside)
    if kernel == "epanechnikov":
        return np.asarray(0.75 * (1 - u**2) * inside)
    return np.asarray((1 - np.abs(u)) * inside)


def _neighbours(x: Floats, values: Floats) -> Floats:
    """Each row less the mean of its nearest three of one side, ties together, times √(J/(J + 1)); x sorted."""
    number = len(x)
    first = np.searchsorted(x, x, side="left")
    last = np.searchsorted(x, x, side="right") - 1
    sums = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])
    out = np.empty_like(values)
    most = min(NEIGHBOURS, number - 1)
    for i in range(number):
        low, high = int(first[i]), int(last[i])
        while high - low < most:
            below = x[i] - x[low - 1] if low > 0 else np.inf
            above = x[high + 1] - x[i] if high < number - 1 else np.inf
            if below <= above:
                low = int(first[low - 1])
            if above <= below:
                high = int(last[high + 1])
        others = high - low
        mean = (sums[high + 1] - sums[low] - values[i]) / others
        out[i] = np.sqrt(others / (others + 1)) * (values[i] - mean)
    return out


def _near_its_spread(column: Floats) -> float:
    """A unit of a column's own, so that no tolerance hangs on one: the power of two next to its standard deviation.

    Dividing by it changes no digit, so that two neighbours as far from a row as each other stay so, and rounded running variables have the bandwidths that
    they have in their own unit.
    """
    spread = float(column.std())
    return float(2.0 ** np.round(np.log2(spread))) if spread > 0 else 1.0


def density(x: Floats) -> tuple[float, float, float]:
    """Whether the density of a running variable jumps at 0: density left and right, and p-value, by diff-diff (Cattaneo, Jansson & Ma 2020, Simple local
    polynomial density estimators).

    Parameters
    ----------
    x : shape (rows,), less the cutoff.

    Raises
    ------
    EstimationError : too few different values.
    """
    import pandas as pd
    from diff_diff import RDDensityTest

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = RDDensityTest().fit(pd.DataFrame({"x": x / _near_its_spread(x)}), running="x")
    except (ValueError, np.linalg.LinAlgError) as problem:
        raise refusal(
            EstimationError,
            "the density at the cutoff",
            "enough different values on either side",
            str(problem).partition(".")[0].lower(),
            "look whether the running variable is rounded",
        ) from problem
    return float(found.f_left), float(found.f_right), float(found.p_value)
