"""Those whom an instrument of two values moves: efficient scores of what it does to any column, and the effect on compliers as a ratio.

For a column v the score of one row is m₁ − m₀ + z (v − m₁)/e − (1 − z)(v − m₀)/(1 − e), with m the column's mean at each level given the covariates and e
the instrument's propensity (Robins, Rotnitzky & Zhao 1994). The effect on compliers is the mean score of the outcome over that of the treatment (Imbens &
Angrist 1994, Identification and estimation of local average treatment effects; Frölich 2007, Nonparametric IV estimation of local average treatment effects
with covariates; the interactive instrumental variable model of Chernozhukov and others 2018).
"""

from __future__ import annotations

import numpy as np

from causal.arrays import Floats, Ints

ROUNDS = 50


def propensity(features: Floats, z: Floats, at: Floats) -> Floats:
    """P(z = 1 | features) at other rows, by logistic regression with the slightest of penalties; shape (rows of `at`,).

    Parameters
    ----------
    features, z : to learn from, shapes (rows, k) and (rows,), of 0 and 1.
    at : where it is wanted, shape (rows, k).
    """
    x = np.column_stack([np.ones(len(z)), features])
    ridge = 1e-3 * np.eye(x.shape[1])
    ridge[0, 0] = 0.0
    slopes = np.zeros(x.shape[1])
    for _ in range(ROUNDS):
        p = 1 / (1 + np.exp(-np.clip(x @ slopes, -30, 30)))
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + ridge + 1e-12 * np.eye(x.shape[1]), x.T @ (z - p) - ridge @ slopes)
        slopes = slopes + step
        if np.abs(step).max() < 1e-10:
            break
    return np.asarray(1 / (1 + np.exp(-np.clip(np.column_stack([np.ones(len(at)), at]) @ slopes, -30, 30))))


def scores(column: Floats, z: Floats, chance: Floats, ones: Floats, zeros: Floats) -> Floats:
    """Of what the instrument does to a column, one for each row; their mean is the answer.

    Parameters
    ----------
    column, z, chance : shape (rows,).
    ones, zeros : the column's mean at each level given the covariates, shape (rows,).
    """
    return np.asarray(ones - zeros + z * (column - ones) / chance - (1 - z) * (column - zeros) / (1 - chance))


def by_cluster(values: Floats, cluster: Ints, clusters: int) -> Floats:
    """Row scores summed by cluster, so scaled that the root of their sum of squares is the error of their mean (CR1's G/(G − 1)); shape (clusters,).

    Parameters
    ----------
    values : of mean 0, shape (rows,); nothing is taken off here.
    cluster : code of each row's cluster, shape (rows,).
    clusters : how many there are, at least 2; those without a row get 0.
    """
    return np.asarray(np.bincount(cluster, weights=values, minlength=clusters) / len(values) * np.sqrt(clusters / (clusters - 1)))


def ratio(above: Floats, below: Floats, cluster: Ints, clusters: int) -> tuple[float, Floats, float]:
    """Mean of `above` over mean of `below`, its cluster scores, and the F statistic of the one below.

    Parameters
    ----------
    above, below : row scores, shape (rows,).
    cluster : code of each row's cluster, shape (rows,).
    clusters : how many there are, at least 2.
    """
    top, bottom = float(above.mean()), float(below.mean())
    under = by_cluster(below - bottom, cluster, clusters)
    strength = bottom**2 / float(under @ under) if float(under @ under) > 0 else np.inf
    if bottom == 0:
        return np.nan, np.zeros(clusters), 0.0
    theta = top / bottom
    return theta, by_cluster((above - theta * below) / bottom, cluster, clusters), strength
