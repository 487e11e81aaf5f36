"""A regression's answer: one coefficient by least squares, and any fit made into an `Estimate`, scaled to the contrast, with its interval, parts and facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.estimand import Conditioning, DesignFacts, Estimand
from causal.estimate import Estimate, Kind, NoInterval, Part
from causal.inference.clustered import TWO, Fit, clustered_least_squares, critical_t, effective_clusters, interval, joint_critical, onto
from causal.knobs import renamed
from causal.panel import Loss
from causal.question import Question

TWO_CLUSTERS = "two clusters give one difference, and no error can be learnt from one"
FEWEST_IN_GROUP = 3  # clusters from which an error of a group's own effect is learnt
GroupFit = tuple[str, tuple[str, ...], Fit, Ints]


def group_parts(design: Design, fits: Sequence[GroupFit], rng: np.random.Generator, kept: Ints | None = None) -> tuple[Part, ...]:
    """Effects by group with pointwise and joint intervals.

    Parameters
    ----------
    design : whose clusters and contrast they are.
    fits : (modifier's name, its groups' labels, a fit with one coefficient a group, codes of shape (rows,)).
    rng : draws the joint critical values.
    kept : shape (rows of the fit,), the design's rows that the codes stand for; None: all.
    """
    authority = design.authority if kept is None else design.authority[kept]
    parts: list[Part] = []
    for of, groups, fit, codes in fits:
        counts = [(int((codes == j).sum()), len(np.unique(authority[codes == j]))) for j in range(len(groups))]
        cluster = design.cluster if kept is None else design.cluster[kept]
        few = [len(np.unique(cluster[codes == j])) < FEWEST_IN_GROUP for j in range(len(groups))]
        parts += parts_of(design.question, fit, kind="group", of=of, names=groups, counts=counts, rng=rng, few=few)
    return tuple(parts)


def parts_of(
    question: Question,
    fit: Fit,
    *,
    kind: Kind,
    of: str,
    names: Sequence[str],
    counts: Sequence[tuple[int, int]],
    rng: np.random.Generator,
    few: Sequence[bool] = (),
    since: Sequence[int] = (),
    open_ended: Sequence[int] = (),
) -> tuple[Part, ...]:
    """One part for each coefficient of a fit, scaled to the contrast, with pointwise intervals and one joint band over all.

    Parameters
    ----------
    question : its contrast scales the coefficients, its level is that of the intervals.
    fit : one coefficient a part, per unit of treatment.
    kind, of : of all of them, as `Part` has them.
    names, counts : of each coefficient; counts are rows and authorities.
    rng : draws the joint critical value.
    few : whether a part rests on too few clusters for an error of its own; empty: none does. Such parts, and those that one cluster carries, have an effect
        and no interval, and stand outside the joint band.
    since, open_ended : of kind "time", the years since the treatment, and those of them that stand for all beyond too.
    """
    known = [one and not short for one, short in zip(fit.known, few or [False] * len(names), strict=True)]
    critical = joint_critical(fit.scores[:, known], question.level, rng) if sum(known) > 1 else None
    parts = []
    for j, name in enumerate(names):
        effect = float(fit.coefficients[j] * question.contrast)
        error = float(fit.std_errors[j] * abs(question.contrast)) if known[j] else None
        lower, upper = (None, None) if error is None else interval(effect, error, question.level, float(fit.df[j]))[:2]
        reach = None if critical is None or error is None else critical_t(critical, float(fit.df[j])) * error
        parts.append(
            Part(
                kind=kind,
                of=of,
                name=name,
                effect=effect,
                std_error=error,
                lower=lower,
                upper=upper,
                joint_lower=None if reach is None else effect - reach,
                joint_upper=None if reach is None else effect + reach,
                rows=counts[j][0],
                authorities=counts[j][1],
                since=int(since[j]) if len(since) else None,
                open_ended=bool(len(since)) and since[j] in open_ended,
                group=name if kind == "group" else None,
            )
        )
    return tuple(parts)


@renamed(held="conditioning")
def estimated(
    design: Design,
    fit: Fit,
    *,
    estimator: str,
    estimand: Estimand,
    conditioning: Conditioning | None = None,
    facts: DesignFacts | None = None,
    target: Literal["ATE", "ATT"] = "ATE",
    over: Design | None = None,
    **more: Any,
) -> Estimate:
    """An `Estimate` from a fit with one treatment coefficient, scaled to the question's contrast.

    Parameters
    ----------
    design : the one asked about.
    fit : its first coefficient is per unit of treatment.
    estimator : its name, as the shelf has it.
    estimand : without the question's weights, which are put in.
    conditioning : what it conditions on; None: what the design absorbs, and its controls.
    facts : what the estimator has counted; how many authorities move is counted here.
    target : whose effect it is.
    over : the design that the fit was made on, where that is not the one asked about (changes, one row an authority); its question's contrast scales the fit,
        and its clusters are put in the asked design's order.
    **more : further fields of `Estimate`.
    """
    used = over or design
    question = used.question
    fit = onto(fit, used.clusters, design.clusters)
    effect, error = float(fit.coefficients[0] * question.contrast), float(fit.std_errors[0] * abs(question.contrast))
    lower, upper, p_value = (_known(value) for value in interval(effect, error, question.level, float(fit.df[0])))
    estimate = Estimate(
        estimator=estimator,
        estimand=weighed(estimand, design),
        conditioning=conditioning or Conditioning.by(design),
        facts=counted(facts, design),
        target=target,
        effect=effect,
        std_error=_known(error),
        lower=lower,
        upper=upper,
        level=question.level,
        p_value=p_value,
        df=_known(float(fit.df[0])),
        inference=f"{fit.inference}, {clustering(design)}",
        rows=used.rows,
        authorities=len(used.authorities),
        clusters=len(design.clusters),
        lost=lost_beyond(design, used),
        effective=fit.effective,
        influence=fit.scores[:, 0] * question.contrast if np.isfinite(fit.scores[:, 0]).all() else None,
        **more,
    )
    if fit.known[0]:
        return estimate
    if len(used.clusters) <= TWO:
        return without_interval(estimate, TWO_CLUSTERS, "two_clusters")
    assert fit.carried is not None
    return without_interval(estimate, one_cluster(used.clusters[int(fit.carried[0])]), "one_cluster")


def lost_beyond(design: Design, used: Design) -> tuple[Loss, ...]:
    """What an estimator's own rows leave out of the design's, step by step.

    Parameters
    ----------
    design : the one asked about.
    used : the one that the estimator made of it.
    """
    return used.lost[len(design.lost) :] if used.lost[: len(design.lost)] == design.lost else ()


def one_cluster(name: str) -> str:
    """Why an answer that one cluster carries has no interval, as the end of a sentence."""
    return f"{name} alone carries it: without {name} there is no estimate"


def without_interval(estimate: Estimate, why: str, code: NoInterval = "method") -> Estimate:
    """The estimate with its effects alone: nobody knows a valid interval for it. Where it is the method that has none, its parts have none either.

    Parameters
    ----------
    estimate : the estimate as it was fitted.
    why : end of the sentence on inference.
    code : the same as a code.
    """
    parts = estimate.parts
    if code in ("method", "two_clusters", "weak_instruments"):
        parts = tuple(replace(part, std_error=None, lower=None, upper=None, joint_lower=None, joint_upper=None) for part in estimate.parts)
    words = f"no valid interval: {why}"
    return replace(estimate, std_error=None, lower=None, upper=None, p_value=None, df=None, influence=None, parts=parts, inference=words, no_interval=code)


def clustering(design: Design) -> str:
    """Whose scores are summed, as the end of a sentence on inference."""
    return f"clustered by {'authority' if design.clusters == tuple(sorted(design.authorities)) else 'cluster'}"


def weighed(estimand: Estimand, design: Design) -> Estimand:
    """The estimand with the column that the question weighs authority-years by.

    Parameters
    ----------
    estimand : as the estimator states it.
    design : whose question may name a column of weights.
    """
    return estimand if design.weights is None else replace(estimand, weights=design.question.weights)


def _known(value: float) -> float | None:
    """The number, or None where it is none."""
    return None if np.isnan(value) else value


def counted(facts: DesignFacts | None, design: Design) -> DesignFacts:
    """The facts with the authorities whose treatment moves; 0 in a cross-section.

    Parameters
    ----------
    facts : what the estimator counted; None: nothing.
    design : whose treatment it is.
    """
    starts = np.flatnonzero(np.r_[True, np.diff(design.authority) != 0])
    spread = np.maximum.reduceat(design.treatment, starts) - np.minimum.reduceat(design.treatment, starts)
    return replace(facts or DesignFacts(), movers=int((spread > 0).sum()))


def least_squares(design: Design, basis: Floats) -> tuple[Fit, Floats]:
    """The treatment's coefficient with everything in `basis` and the absorbed effects held fixed, and the residual treatment.

    Parameters
    ----------
    design : outcome and treatment.
    basis : shape (rows, p), orthonormal, year effects and controls without authority means, as `Design.basis` gives it.

    Returns
    -------
    fit : one coefficient, outcome units per unit of treatment, CR1 or CR2.
    residual : shape (rows,), of the treatment.

    Raises
    ------
    EstimationError : the treatment is collinear with what is absorbed and adjusted for, or no residual degrees of freedom are left.
    """
    outcome, treatment = (design.partial_out(column[:, None], basis) for column in (design.outcome, design.treatment))
    fit = clustered_least_squares(
        outcome[:, 0],
        treatment,
        design.nuisance_basis(basis),
        design.cluster,
        len(design.clusters),
        absorbed_rank=basis.shape[1] + ("authority" not in design.absorb),
    )
    return fit, treatment[:, 0]


def by_group(design: Design, basis: Floats) -> list[GroupFit]:
    """For each modifier one coefficient a group, all other coefficients shared: name, groups, fit, and each row's group.

    A group in which the treatment does not vary has no effect to estimate and is left out (its rows have group −1).

    Parameters
    ----------
    design : outcome, treatment and modifiers.
    basis : shape (rows, p), as for `least_squares`.
    """
    outcome = design.partial_out(design.outcome[:, None], basis)[:, 0]
    found: list[GroupFit] = []
    for modifier in design.modifiers:
        columns = design.treatment[:, None] * (modifier.codes[:, None] == np.arange(len(modifier.groups)))
        varies = np.linalg.norm(design.demean(columns), axis=0) > 1e-6 * np.linalg.norm(design.demean(design.treatment[:, None]))
        kept = np.flatnonzero(varies)
        if not len(kept):
            continue
        fit = clustered_least_squares(
            outcome,
            design.partial_out(columns[:, kept], basis),
            design.nuisance_basis(basis),
            design.cluster,
            len(design.clusters),
            absorbed_rank=basis.shape[1] + ("authority" not in design.absorb),
        )
        place = np.full(len(modifier.groups), -1)
        place[kept] = np.arange(len(kept))
        found.append((modifier.name, tuple(modifier.groups[k] for k in kept), fit, place[modifier.codes]))
    return found


def residual_treatment(design: Design, residual: Floats) -> dict[str, float | None]:
    """What is left of the treatment, and who carries it.

    Parameters
    ----------
    design : whose treatment and clusters they are.
    residual : shape (rows,), of the treatment on all that is absorbed and adjusted for.
    """
    effective, five = effective_clusters(residual, design.cluster, len(design.clusters))
    total, within = design.treatment_variance()
    return {
        "share of treatment variance left": float((residual**2).sum()) / total,
        "share of within variance left after controls": float((residual**2).sum()) / within if within > 0 else None,
        "effective clusters": effective,
        "share of treatment variance in the largest five": five,
    }


def feedback(design: Design) -> tuple[str, ...]:
    """The concern of every estimator that absorbs authority effects, where the graph lets the outcome move a later treatment."""
    if not design.identification.feedback:
        return ()
    return ("strict exogeneity fails in the graph (the outcome moves a later treatment), which biases comparisons within authorities",)


def warn_concentrated_leverage(design: Design, residual: Floats) -> tuple[str, ...]:
    """Concerns when very few authorities carry the comparison.

    Parameters
    ----------
    design : whose clusters they are.
    residual : shape (rows,), of the treatment; the leverage of a cluster is its share of the sum of squares.
    """
    effective, five = effective_clusters(residual, design.cluster, len(design.clusters))
    if five > 0.5:
        return (f"five clusters carry {five:.0%} of the treatment variation left (effective number {effective:.0f})",)
    return ()
