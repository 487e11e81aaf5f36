"""What two-way fixed effects compare under staggered adoption, and with what weight.

The coefficient is a weighted mean of all differences in differences of two groups and two periods (Goodman-Bacon 2021,
Difference-in-differences with variation in treatment timing, theorem 1): treated against never treated, earlier against later treated while these
are still untreated, and later against already treated. The last is forbidden where effects grow. Written by treated authority-year, the
weights are residual treatment, some of it negative (de Chaisemartin & D'Haultfœuille 2020, Two-way fixed effects estimators with heterogeneous
treatment effects, theorem 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from causal.arrays import Floats, Ints
from causal.cohorts import NEVER, cohorts
from causal.design import Design
from causal.errors import DesignError, refusal

Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
Kind = Literal["treated against never treated", "earlier against later treated", "later against earlier treated"]
KINDS: tuple[Kind, ...] = ("treated against never treated", "earlier against later treated", "later against earlier treated")
FORBIDDEN = KINDS[2]
ALARM = 0.25  # a weight on forbidden comparisons above this is a concern
NEGATIVE = 0.1  # as is a sum of negative weights beyond this


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One difference in differences.

    Parameters
    ----------
    kind : which group serves as comparison.
    treated, control : first treated years; 0 for never, the first year of the panel or earlier for always treated.
    weight : share of the coefficient, all adding to 1.
    effect : the difference in differences, outcome units.
    """

    kind: Kind
    treated: int
    control: int
    weight: float
    effect: float


def goodman_bacon(outcome: Floats, first: Ints, years: Ints) -> tuple[Comparison, ...]:
    """Take the two-way fixed-effects coefficient of an adoption apart; weights times effects add to it.

    Parameters
    ----------
    outcome : shape (authorities, years), without a gap.
    first : shape (authorities,), first treated year, 0 for never.
    years : shape (years,), sorted.

    Raises
    ------
    DesignError : a gap in the outcome, or nobody becomes treated.
    """
    if not np.isfinite(outcome).all():
        raise refusal(
            DesignError,
            "the Goodman-Bacon weights",
            "every authority in every year",
            f"{int((~np.isfinite(outcome)).sum())} missing",
            "give years or authorities without gaps",
        )
    start = np.where(first == NEVER, NEVER, np.maximum(first, years[0]))
    groups = [int(g) for g in np.unique(start)]
    timed = [g for g in groups if g not in (NEVER, int(years[0]))]
    if not timed:
        raise refusal(DesignError, "the Goodman-Bacon weights", "somebody who becomes treated within the years given", "nobody", "give more years")
    mean = {g: outcome[start == g].mean(axis=0) for g in groups}
    size = {g: float((start == g).mean()) for g in groups}
    share = {g: 0.0 if g == NEVER else float((years >= g).mean()) for g in groups}
    found: list[tuple[Kind, int, int, float, float]] = []

    def compare(kind: Kind, k: int, other: int, before: Mask, after: Mask, weight: float) -> None:
        gap = mean[k] - mean[other]
        both = size[k] + size[other]
        split = size[k] / both * (1 - size[k] / both)
        found.append((kind, k, other, both**2 * split * weight, float(gap[after].mean() - gap[before].mean())))

    for k in timed:
        d = share[k]
        if NEVER in groups:
            compare(KINDS[0], k, NEVER, years < k, years >= k, d * (1 - d))
        if int(years[0]) in groups:
            compare(KINDS[2], k, int(years[0]), years < k, years >= k, d * (1 - d))
        for later in [g for g in timed if g > k]:
            e = share[later]
            compare(KINDS[1], k, later, years < k, (years >= k) & (years < later), (d - e) * (1 - d))
            compare(KINDS[2], later, k, (years >= k) & (years < later), years >= later, e * (d - e))
    total = sum(one[3] for one in found)
    return tuple(Comparison(kind=kind, treated=k, control=other, weight=weight / total, effect=effect) for kind, k, other, weight, effect in found)


def negative_weights(residual: Floats, treatment: Floats) -> tuple[float, float]:
    """The share of treated rows whose effect counts negatively, and the sum of those weights (all weights add to 1).

    Parameters
    ----------
    residual : shape (rows,), the treatment without what is absorbed and adjusted for.
    treatment : shape (rows,), from 0 for untreated.
    """
    weights = residual * treatment
    total = weights.sum()
    treated = np.abs(treatment) > 0
    if not treated.any() or not total > 0:
        return 0.0, 0.0
    weights = weights / total
    return float((weights[treated] < -1e-12).mean()), float(weights[weights < 0].sum())


def comparisons(design: Design, residual: Floats) -> tuple[dict[str, float | None], tuple[str, ...]]:
    """Diagnostics and concerns of fixed effects where the treatment is taken up and kept; both empty where it is not.

    Parameters
    ----------
    design : whose treatment it is.
    residual : shape (rows,), the treatment without what is absorbed and adjusted for. The Goodman-Bacon weights are those without controls and weights, on a
        panel without gaps.
    """
    try:
        made = cohorts(design)
    except DesignError:
        return {}, ()
    if made.cut:
        return {}, ()
    rows, mass = negative_weights(residual * made.sign * np.sign(design.question.contrast), made.on.astype(float))
    found: dict[str, float | None] = {"share of treated authority-years with negative weight": rows, "sum of negative weights": mass}
    concerns: tuple[str, ...] = ()
    if mass < -NEGATIVE:
        concerns += (
            f"effects in {rows:.0%} of treated authority-years count negatively (weights {mass:.2f}); where effects differ the average is none of theirs",
        )
    if design.balanced:
        parts = goodman_bacon(design.grid(design.outcome), made.first, design.years)
        for kind in KINDS:
            own = [one for one in parts if one.kind == kind]
            weight = sum(one.weight for one in own)
            found[f"weight: {kind}"] = weight
            found[f"effect: {kind}"] = made.sign * sum(one.weight * one.effect for one in own) / weight if weight > 0 else None
        forbidden = found[f"weight: {FORBIDDEN}"] or 0.0
        if forbidden > ALARM:
            concerns += (f"{forbidden:.0%} of the weight compares with authorities already treated; where effects grow over time that biases the average",)
    return found, concerns
