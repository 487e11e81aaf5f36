"""Several tests at once: p-values adjusted so that the probability of any false alarm stays at the level.

Holm 1979, A simple sequentially rejective multiple test procedure, asks nothing of what ties the tests together; Romano & Wolf's step-down
uses it, where scores by cluster are there to show it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import overload

import numpy as np

from causal.arrays import Floats
from causal.errors import EstimationError, refusal


@overload
def holm(p_values: Sequence[float]) -> list[float]: ...
@overload
def holm(p_values: Sequence[float | None]) -> list[float | None]: ...
def holm(p_values: Sequence[float | None]) -> list[float] | list[float | None]:
    """P-values adjusted by Holm's step-down, in the order given; None (no test) stays None and counts as no test."""
    known = np.array([one for one in p_values if one is not None], dtype=float)
    order = np.argsort(known, kind="stable")
    adjusted = np.empty(len(known))
    adjusted[order] = np.minimum(np.maximum.accumulate(known[order] * np.arange(len(known), 0, -1)), 1.0)
    left = iter(adjusted.tolist())
    return [None if one is None else float(next(left)) for one in p_values]


def rejected(p_values: Mapping[str, float], level: float) -> set[str]:
    """The names rejected at a joint level, by Holm.

    Parameters
    ----------
    p_values : name → p-value.
    level : the probability of any false alarm.
    """
    return {name for name, adjusted in zip(p_values, holm(list(p_values.values())), strict=True) if adjusted <= level}


def smallest(p_values: Sequence[float]) -> float:
    """The smallest p-value as Holm adjusts it: the p-value of "none of them is there"; wants at least one."""
    return min(holm(p_values))


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
    rng : draws the signs.
    draws : of signs.

    Returns
    -------
    p_values : shape (k,), never below 1 / (draws + 1).

    Raises
    ------
    EstimationError : an effect without error, or shapes that do not fit.
    """
    if scores.ndim != 2 or scores.shape[1] != len(effects):
        raise refusal(
            EstimationError,
            "scores",
            f"shape (clusters, {len(effects)}), one column for each effect",
            f"{scores.shape}",
            "stack one column of scores for each effect",
        )
    errors = np.sqrt((scores**2).sum(axis=0))
    if not (np.isfinite(effects).all() and np.isfinite(errors).all() and (errors > 0).all()):
        raise refusal(
            EstimationError,
            "the effects",
            "numbers, each with an error above 0",
            f"effects {effects.tolist()} with errors {errors.tolist()}",
            "leave out those without an answer",
        )
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
