"""A line through a series whose errors last: generalised least squares with errors that fade by one factor a step, or least squares with HAC errors.

Every factor counts by its restricted likelihood, which does not take the columns' own flexibility for persistence (Harville 1977), so that not knowing the
factor is in the error; dates may be missing, as errors k steps apart correlate by the k-th power. HAC errors weigh autocovariances to a lag of
4 (T/100)^(2/9) (Newey & West 1987, 1994), with T/(T − k). Short series make either too narrow; the first holds better (benchmarks/designs.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from causal.arrays import Floats

Errors = Literal["fading", "hac"]
ERRORS = ("fading", "hac")
FACTORS = np.linspace(-0.5, 0.95, 59)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A fitted series.

    Parameters
    ----------
    coefficients : shape (k,).
    covariance : shape (k, k).
    residuals : shape (dates,), of the outcome.
    whitened : shape (dates,), without what the last one tells of the next.
    df : degrees of freedom of t.
    factor : the likeliest, by which errors fade from one step to the next; None where HAC errors were taken.
    """

    coefficients: Floats
    covariance: Floats
    residuals: Floats
    whitened: Floats
    df: float
    factor: float | None


def line(outcome: Floats, columns: Floats, dates: Floats, errors: Errors) -> Line:
    """Fit.

    Parameters
    ----------
    outcome : shape (dates,).
    columns : shape (dates, k), of full rank.
    dates : shape (dates,), rising, in steps.
    errors : how they last.
    """
    rows, k = columns.shape
    scale = np.sqrt((columns**2).mean(axis=0))
    x = columns / scale
    if errors == "hac":
        bread = np.linalg.inv(x.T @ x)
        found = bread @ x.T @ outcome
        left = outcome - x @ found
        scores = x * left[:, None]
        lag = int(np.floor(4 * (rows / 100) ** (2 / 9)))
        meat = scores.T @ scores
        for step in range(1, lag + 1):
            # dates so many steps apart, whichever are missing between
            pairs = np.argwhere(np.abs(dates[:, None] - dates[None, :] - step) < 0.5)
            moved = scores[pairs[:, 0]].T @ scores[pairs[:, 1]]
            meat += (1 - step / (lag + 1)) * (moved + moved.T)
        covariance = rows / (rows - k) * bread @ meat @ bread
        return Line(
            coefficients=found / scale,
            covariance=covariance / np.outer(scale, scale),
            residuals=left,
            whitened=left,
            df=float(rows - k),
            factor=None,
        )
    apart = np.abs(dates[:, None] - dates[None, :])
    df = float(max(rows - k, 1))
    found_all, covariances, height = [], [], []
    for factor in FACTORS:
        root = _root(apart, factor)
        wx, wy = np.linalg.solve(root, x), np.linalg.solve(root, outcome)
        bread = np.linalg.inv(wx.T @ wx)
        one = bread @ wx.T @ wy
        white = wy - wx @ one
        found_all.append(one)
        covariances.append(float(white @ white) / df * bread)
        height.append(_restricted(outcome, x, root))
    weights = np.exp(np.array(height) - max(height))
    weights /= weights.sum()
    found = weights @ np.array(found_all)
    spread = np.array(found_all) - found
    covariance = np.einsum("f,fij->ij", weights, np.array(covariances)) + (weights * spread.T) @ spread
    factor = float(FACTORS[int(np.argmax(height))])
    left = outcome - x @ found
    return Line(
        coefficients=found / scale,
        covariance=covariance / np.outer(scale, scale),
        residuals=left,
        whitened=np.linalg.solve(_root(apart, factor), left),
        df=df,
        factor=factor,
    )


def _root(apart: Floats, factor: float) -> Floats:
    """The lower triangular root of the errors' correlation."""
    sign = np.where(np.round(apart) % 2 == 1, np.sign(factor) or 1.0, 1.0)
    size = abs(factor) ** apart if factor else (apart == 0).astype(float)
    return np.asarray(np.linalg.cholesky(sign * size))


def _restricted(outcome: Floats, x: Floats, root: Floats) -> float:
    """The restricted log likelihood, up to a constant, with the variance chosen best."""
    wx, wy = np.linalg.solve(root, x), np.linalg.solve(root, outcome)
    basis, triangle = np.linalg.qr(wx)
    left = wy - basis @ (basis.T @ wy)
    rows, k = x.shape
    return -float((rows - k) / 2 * np.log(max(float(left @ left), 1e-300)) + np.log(np.diag(root)).sum() + np.log(np.abs(np.diag(triangle))).sum())


def lasting(whitened: Floats, lags: int, used: int) -> tuple[float, float]:
    """Whether residuals still tell of later ones: Q and p-value (Ljung & Box 1978, On a measure of lack of fit in time series models).

    Parameters
    ----------
    whitened : shape (dates,).
    lags : looked at.
    used : parameters of the errors that were chosen, taken from the degrees of freedom.
    """
    from scipy import special

    left, rows = whitened - whitened.mean(), len(whitened)
    told = np.array([left[step:] @ left[:-step] for step in range(1, lags + 1)]) / (left @ left)
    q = float(rows * (rows + 2) * (told**2 / (rows - np.arange(1, lags + 1))).sum())
    return q, float(special.chdtrc(max(lags - used, 1), q))
