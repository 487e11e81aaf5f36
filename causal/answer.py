"""An estimator's answer, held to what makes one: an error that could be learnt, from more than one place.

Two things are seen here for every estimator alike, from the design and the estimate alone (`docs/method.md`, section 2).

Degenerate answers are no answers. An error of nothing beside an outcome that varies, or a fit without residuals, comes from an identity, a copy or a constant,
never from a finding; it would be read as certainty.

An answer that one cluster carries has no interval, and neither has one from two clusters. Where one to three clusters are treated and enough
are not, the range that fits if the treated ones' shocks are like the others' stands beside it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from causal.arrays import Floats
from causal.design import PERFECT, Design
from causal.errors import NotEstimable
from causal.estimate import Estimate, Estimator, Linear, Support, answer
from causal.inference.clustered import CARRIES, TWO, effective_clusters, left_without
from causal.inference.few_treated import placebo_in_space
from causal.regression import TWO_CLUSTERS, one_cluster, without_interval

ALIKE = ("places", "treated_places")  # weightings that count every place averaged over alike
NO_ERROR = 1e-9  # share of the outcome's own deviation below which a standard error is none


def answered(estimator: Estimator, design: Design, rng: np.random.Generator) -> Estimate:
    """What an estimator answers, without an interval where none can be honest.

    Parameters
    ----------
    estimator : any on the shelf, or a stranger's own.
    design : what it is asked.
    rng : its stream; the same one gives the same answer.

    Raises
    ------
    DesignError, EstimationError : the estimator cannot serve this design.
    NotEstimable : its answer is degenerate.
    """
    estimate = answer(estimator, design, rng)
    basis = design.basis()
    outcome, treatment = (design.partial_out(column[:, None], basis)[:, 0] for column in (design.outcome, design.treatment))
    _degenerate(estimate, design, outcome)
    if estimate.support is not None:  # its error is learnt from dates and not from places, and the estimator says from how many
        return replace(estimate, notes=(*estimate.notes, *(one.words for one in design.dropped)))
    support = _support(design, treatment, basis)
    if estimate.effective is not None:  # of the regression that the error is of, which may weigh or choose rows
        support = replace(support, effective=estimate.effective)
    estimate = replace(
        estimate, support=support, concerns=(*estimate.concerns, *_of_others(estimate, design)), notes=(*estimate.notes, *(one.words for one in design.dropped))
    )
    if support.clusters <= TWO and estimate.no_interval != "two_clusters":
        return without_interval(estimate, TWO_CLUSTERS, "two_clusters")
    if support.carried_by is not None and estimate.no_interval != "one_cluster":
        estimate = without_interval(estimate, one_cluster(support.carried_by), "one_cluster")
    if estimate.no_interval != "one_cluster":
        return estimate
    return replace(estimate, support=_beside(support, estimate, design, estimator))


def _of_others(estimate: Estimate, design: Design) -> tuple[str, ...]:
    """The concern that an average counts otherwise than the question asks."""
    if not design.question.places_alike or estimate.estimand.weighting in ALIKE:
        return ()
    asked = (
        f"the question asks for the average of places alike, and {estimate.estimator} answers for another ({estimate.estimand.averaged or 'unknown weights'})"
    )
    return (f"{asked}; mean_group counts places alike",)


def _degenerate(estimate: Estimate, design: Design, outcome: Floats) -> None:
    """Refuse an error of nothing."""
    if estimate.std_error is None:
        return
    name = design.question.outcome
    scale = float(np.sqrt(outcome @ outcome / len(outcome)))
    if not np.isfinite([estimate.effect, estimate.std_error]).all() or estimate.std_error <= NO_ERROR * scale:
        raise NotEstimable(
            f"{estimate.estimator} gives {estimate.effect:.3g} with a standard error of {estimate.std_error:.3g}, where {name} varies by {scale:.3g}: "
            "an answer without error is an identity or a fault of the record, and no finding. "
            f"Look how {name} and {design.question.treatment} were computed",
            "no_error",
        )
    treatment = design.partial_out(design.treatment[:, None])[:, 0]
    away = outcome - treatment * float(outcome @ treatment) / float(treatment @ treatment)
    if away @ away <= PERFECT * (outcome @ outcome):
        raise NotEstimable(f"{name} is explained wholly by {design.question.treatment} and what is held fixed: an identity, and no finding", "perfect_fit")


def _support(design: Design, treatment: Floats, basis: Floats) -> Support:
    """Clusters, and who carries the comparison."""
    number = len(design.clusters)
    effective, _ = effective_clusters(treatment, design.cluster, number)
    share = left_without(treatment, design.nuisance_basis(basis), design.cluster, number)
    alone = int(share.argmin())
    treated = untreated = None
    if _two_levels(design):
        ever = np.zeros(number, dtype=bool)
        ever[design.cluster[design.treatment == design.question.treated]] = True
        treated, untreated = int(ever.sum()), int((~ever).sum())
    carried = design.clusters[alone] if number > TWO and share[alone] < CARRIES else None
    return Support(clusters=number, effective=effective, carried_by=carried, treated=treated, untreated=untreated)


def _two_levels(design: Design) -> bool:
    return bool(np.isin(design.treatment, (design.question.control, design.question.treated)).all())


def _beside(support: Support, estimate: Estimate, design: Design, estimator: Estimator) -> Support:
    """With the range that placebos among the untreated leave standing, where there is one.

    It is that of a regression's own error, so that only estimators that are one have it: those that compare with the year before adoption err by more
    (87 % of such ranges held the truth for `callaway_santanna` with one treated of 150, benchmarks/few_clusters.md).
    """
    if support.treated is None or "authority" not in design.absorb or not isinstance(estimator, Linear):
        return support
    question, used = design.question, estimator.regression(design)
    basis = used.basis()
    outcome, treatment = (used.partial_out(column[:, None], basis)[:, 0] for column in (used.outcome, used.treatment))
    treated = np.unique(design.cluster[design.treatment == question.treated])
    slope = float(outcome @ treatment) / float(treatment @ treatment)
    people = None
    if design.population is not None and np.isfinite(design.population).all():
        total = np.bincount(design.cluster, weights=design.population, minlength=support.clusters)
        people = total / np.maximum(np.bincount(design.cluster, minlength=support.clusters), 1)
    at = {name: code for code, name in enumerate(design.clusters)}
    found = placebo_in_space(
        estimate.effect / question.contrast,
        treatment,
        outcome - slope * treatment,
        np.array([at[name] for name in used.clusters], dtype=np.int64)[used.cluster],
        np.searchsorted(used.years, used.year),
        treated,
        people,
        question.level,
    )
    if found is None:
        return support
    low, high = sorted((found.lower * question.contrast, found.upper * question.contrast))
    return replace(support, placebo_lower=low, placebo_upper=high, placebos=found.placebos)
