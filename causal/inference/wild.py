"""The wild cluster bootstrap: a law for t where clusters are few, from the sample's own residuals.

Cameron, Gelbach & Miller 2008, Bootstrap-based improvements for inference with clustered errors; Roodman, MacKinnon, Nielsen & Webb 2019,
Fast and wild: bootstrap inference in Stata using boottest.
"""

from __future__ import annotations

import numpy as np

from causal.arrays import Floats, Ints
from causal.inference.clustered import cluster_sums


def wild_bootstrap(
    outcome: Floats, treatment: Floats, other: Floats, cluster: Ints, clusters: int, *, level: float, weights: str, draws: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Restricted wild cluster bootstrap of one slope: interval by inverting the test, and the p-value of 0.

    With the null imposed, each cluster's residuals are multiplied by one random weight, and the t statistic of the
    sample is set against those of the draws. Every quantity is a sum by cluster, so that a null costs one small matrix product.

    Parameters
    ----------
    outcome, treatment : shape (rows,), residuals on `other`.
    other : shape (rows, p), orthonormal.
    cluster : shape (rows,), codes from 0.
    clusters : how many there are.
    level : of the interval.
    weights : "rademacher" (±1) or "webb" (six points; for a dozen clusters or fewer).
    draws : of weights, one a cluster.
    rng : draws them.

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
