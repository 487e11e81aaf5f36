"""Logistic regression of outcomes from 0 to 1, and what a change of some columns does to their mean, with errors by cluster.

Quasi-likelihood: the mean must be right, and nothing of the outcome's distribution, so that shares and outcomes of 0 and 1 go alike (Papke & Wooldridge
1996, Econometric methods for fractional response variables). An average effect is a function of all coefficients. To first order it is one linear
combination of them, which is made the first coefficient of a weighted regression on turned columns: its error is then that of any clustered regression, CR2
included (`causal.inference.clustered`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causal.arrays import Floats, Ints
from causal.errors import EstimationError, refusal
from causal.inference.clustered import Fit, clustered_least_squares

STEPS = 100  # of reweighted least squares; a dozen are usual
CLOSE = 1e-11  # relative change of the deviance at which they end
FAR = 30.0  # log odds beyond which a mean is 0 or 1 to the last digit
EXTREME = 12.0  # log odds beyond which columns may part the outcomes
PARTED = 1e-7  # of a direction's length: rows that it moves


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Logit:
    """A fitted logit.

    Parameters
    ----------
    columns : shape (rows, k), raw, full rank.
    slopes : shape (k,).
    mean : shape (rows,), the fitted means.
    outcome : shape (rows,), from 0 to 1.
    weights : shape (rows,), how much each row counts.
    """

    columns: Floats
    slopes: Floats
    mean: Floats
    outcome: Floats
    weights: Floats

    @property
    def index(self) -> Floats:
        """Shape (rows,), the log odds of the fitted means."""
        return np.asarray(self.columns @ self.slopes)


def logistic(index: Floats) -> Floats:
    """The mean at log odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(index, -FAR, FAR))))


def logit(columns: Floats, outcome: Floats, weights: Floats, *, penalised: bool = False) -> Logit:
    """Fit by reweighted least squares.

    Parameters
    ----------
    columns : shape (rows, k), of full rank.
    outcome, weights : shape (rows,); outcomes from 0 to 1.
    penalised : take away the first order of the bias of few events, by half a row of leverage (Firth 1993, Bias reduction of maximum likelihood estimates);
        it has an answer where columns part the outcomes, too.

    Raises
    ------
    EstimationError : no convergence.
    """
    scale = np.sqrt(weights @ columns**2 / weights.sum())
    x, slopes, before = columns / scale, np.zeros(columns.shape[1]), np.inf
    share = float(weights @ outcome / weights.sum())
    # all columns together may hold the constant: start at the mean, as far as they do
    slopes = np.linalg.lstsq(x, np.full(len(x), np.log(max(share, 1e-6) / max(1 - share, 1e-6))), rcond=None)[0]
    for _ in range(STEPS):
        index = np.clip(x @ slopes, -FAR, FAR)
        mean = logistic(index)
        spread = np.maximum(mean * (1 - mean), 1e-12)
        root = np.sqrt(weights * spread)
        target = outcome
        if penalised:
            basis = np.linalg.qr(root[:, None] * x)[0]
            # a row that counts w times has w times the leverage of one
            target = outcome + (basis**2).sum(axis=1) / weights * (0.5 - mean)
        new = np.linalg.lstsq(root[:, None] * x, root * (index + (target - mean) / spread), rcond=None)[0]
        # half steps where the whole one leads away
        size = 1.0
        while size > 1e-3:
            now = _deviance(logistic(x @ (slopes + size * (new - slopes))), outcome, weights)
            if penalised or now <= before * (1 + 1e-9) + 1e-12:
                break
            size /= 2
        slopes = slopes + size * (new - slopes)
        if abs(before - now) <= CLOSE * (abs(now) + 0.1) and (not penalised or np.abs(new - slopes).max() <= 1e-8):
            break
        before = now
    else:
        raise refusal(
            EstimationError,
            "a logit",
            f"slopes that stand still after {STEPS} steps",
            "some that still move: a control or the treatment may tell which outcomes are 0 or 1",
            "leave it out with  adjust_for=[…], or take  estimator=fixed_effects",
        )
    made = slopes / scale
    return Logit(columns=columns, slopes=made, mean=logistic(columns @ made), outcome=outcome, weights=weights)


def _deviance(mean: Floats, outcome: Floats, weights: Floats) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(outcome > 0, outcome * np.log(outcome / mean), 0.0) + np.where(outcome < 1, (1 - outcome) * np.log((1 - outcome) / (1 - mean)), 0.0)
    return float(2 * (weights @ terms))


def parts_outcomes(columns: Floats, outcome: Floats) -> Floats | None:
    """A direction along which the columns part outcomes of 0 from those of 1, so that no slopes fit best; shape (k,), None where there is none.

    By linear programming (Konis 2007, Linear programming algorithms for detecting separated data in binary logistic regression models): slopes b with
    b·x ≥ 0 where the outcome is 1, ≤ 0 where it is 0, = 0 in between, and not all 0.

    Parameters
    ----------
    columns : shape (rows, k), of full rank.
    outcome : shape (rows,), from 0 to 1.
    """
    from scipy.optimize import linprog

    scale = np.abs(columns).max(axis=0)
    x = columns / scale
    ends = (outcome == 0) | (outcome == 1)
    signed = np.where(outcome == 1, 1.0, -1.0)[ends, None] * x[ends]
    inside = x[~ends]
    kept = inside
    if len(inside):  # rows in between hold b·x = 0: the directions that they span are enough
        values, turned = np.linalg.eigh(inside.T @ inside)
        kept = turned[:, values > 1e-10 * values.max()].T
    found = linprog(
        -signed.sum(axis=0),
        A_ub=-signed,
        b_ub=np.zeros(len(signed)),
        A_eq=kept if len(kept) else None,
        b_eq=np.zeros(len(kept)) if len(kept) else None,
        bounds=[(-1, 1)] * x.shape[1],
        method="highs",
    )
    if found.x is None or float((signed @ found.x).max(initial=0.0)) <= PARTED:
        return None
    return np.asarray(found.x / scale)


def average(model: Logit, high: Floats, low: Floats) -> tuple[float, Floats]:
    """The mean over rows of what it takes to go from one set of columns to another, and how it moves with the slopes; shape (k,).

    Parameters
    ----------
    model : the fit.
    high, low : shape (rows, k), the columns as they would be.
    """
    share = model.weights / model.weights.sum()
    ends = [logistic(side @ model.slopes) for side in (high, low)]
    ways = [(share * end * (1 - end)) @ side for end, side in zip(ends, (high, low), strict=True)]
    return float(share @ (ends[0] - ends[1])), np.asarray(ways[0] - ways[1])


def steepness(model: Logit, at: int) -> tuple[float, Floats]:
    """The mean slope of the fitted mean along one column, and how it moves with the slopes; shape (k,).

    Parameters
    ----------
    model : the fit.
    at : the column.
    """
    share, spread = model.weights / model.weights.sum(), model.mean * (1 - model.mean)
    steep = float(share @ spread)
    way = model.slopes[at] * ((share * spread * (1 - 2 * model.mean)) @ model.columns)
    way[at] += steep
    return steep * float(model.slopes[at]), np.asarray(way)


def along(model: Logit, way: Floats, cluster: Ints, clusters: int) -> Fit:
    """The fit of one linear combination of the slopes, with clustered scores: coefficient way·slopes.

    Parameters
    ----------
    model : the fit.
    way : shape (k,), not all 0.
    cluster : shape (rows,), codes from 0.
    clusters : how many there are.
    """
    root = np.sqrt(model.weights * np.maximum(model.mean * (1 - model.mean), 1e-12))
    scale = np.sqrt((model.weights @ model.columns**2) / model.weights.sum())
    x, mine = root[:, None] * (model.columns / scale), way / scale
    # columns turned so that the first has the combination for its coefficient and the others nothing of it
    first = mine / float(mine @ mine)
    rest = np.linalg.svd(mine[None])[2][1:].T
    basis = np.linalg.qr(x @ rest)[0]
    treatment = (x @ first)[:, None]
    treatment = treatment - basis @ (basis.T @ treatment)
    response = root * (model.index + (model.outcome - model.mean) / np.maximum(model.mean * (1 - model.mean), 1e-12))
    response = response - basis @ (basis.T @ response)
    return clustered_least_squares(response, treatment, basis, cluster, clusters, absorbed_rank=basis.shape[1])


def full_rank(columns: Floats, *, least: float = 1e-9) -> Ints:
    """The columns that earlier ones do not tell, in order; shape (kept,).

    Parameters
    ----------
    columns : shape (rows, k).
    least : share of a column's length that must be left.
    """
    kept: list[int] = []
    basis = np.empty((len(columns), 0))
    for j, column in enumerate(columns.T):
        size = float(np.linalg.norm(column))
        left = column - basis @ (basis.T @ column)
        left = left - basis @ (basis.T @ left)
        if size > 0 and float(np.linalg.norm(left)) > least * size:
            kept.append(j)
            basis = np.column_stack([basis, left / np.linalg.norm(left)])
    return np.array(kept, dtype=np.int64)
