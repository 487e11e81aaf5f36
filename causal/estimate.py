"""Estimates, and the protocol that every estimator keeps.

The clustered scores of an estimate are kept (`Estimate.influence`), which gives joint tests, joint bands and comparisons
between estimators without a second fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.inference.clustered import TWO, Fit, clustered_least_squares, critical_t, effective_clusters, interval, joint_critical, onto
from causal.question import Question

# why an estimate has no interval: one cluster carries it, two clusters in all, too many lost draws, none known for the method
NoInterval = Literal["one_cluster", "two_clusters", "lost_draws", "method"]
TWO_CLUSTERS = "two clusters give one difference, and no error can be learnt from one"
FEWEST_IN_GROUP = 3  # clusters from which an error of a group's own effect is learnt


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The effect in one group, year or path; outcome units, for the whole contrast.

    `joint_lower` and `joint_upper` hold for all parts of one kind at once (None where not known).
    """

    kind: Literal["group", "time", "path", "specification"]
    of: str
    name: str
    effect: float
    std_error: float | None
    lower: float | None
    upper: float | None
    joint_lower: float | None = None
    joint_upper: float | None = None
    rows: int = 0
    authorities: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """What an answer rests on, counted in clusters.

    Parameters
    ----------
    clusters, effective : their number, and the number that residual treatment is spread over (Carter, Schnepel & Steigerwald 2017).
    carried_by : the cluster without which there is no estimate; None where there is none.
    treated, untreated : clusters that ever have and that never have the question's treated level, for a treatment of two levels; None for a dose.
    placebo_lower, placebo_upper : what fits if the treated places' shocks are like the others' (`causal.inference.few_treated`), outcome units for
        the whole contrast; None where the interval stands or too few are untreated.
    placebos : untreated clusters that it rests on.
    """

    clusters: int
    effective: float
    carried_by: str | None = None
    treated: int | None = None
    untreated: int | None = None
    placebo_lower: float | None = None
    placebo_upper: float | None = None
    placebos: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One answer to the question, in outcome units, for the whole contrast (control to treated).

    Parameters
    ----------
    estimator : its name on the shelf.
    estimand : in words: whose effect, weighted how, under which model. Only equal estimands are compared as one answer.
    target : "ATE" or "ATT", as honoured.
    effect, std_error, lower, upper, level, p_value, df : interval from t with `df` degrees of freedom (None: normal);
        all but the effect are None where no valid interval is known.
    inference : how the error was got, in words.
    rows, authorities, clusters : what the estimate rests on.
    parts : effects by group or time.
    influence : shape (clusters,), one score for each of `clusters` in the design's order, such that their
        squares add to std_error²; None where there is none.
    association : True where what the graph asks for is not held fixed, so that no causal verb may be used.
    diagnostics : name → number, for the report (residual treatment share, effective clusters, …).
    no_interval : why there is none, as a code; None where there is one.
    support : what it rests on; None where nobody has asked (`causal.answer` does).
    concerns : sentences on what undermines this estimate; they reach the verdict.
    notes : sentences on how it was made.
    """

    estimator: str
    estimand: str
    target: Literal["ATE", "ATT"]
    effect: float
    std_error: float | None
    lower: float | None
    upper: float | None
    level: float
    p_value: float | None
    df: float | None
    inference: str
    rows: int
    authorities: int
    clusters: int
    parts: tuple[Part, ...] = ()
    influence: Floats | None = field(default=None, repr=False)
    association: bool = False
    no_interval: NoInterval | None = None
    support: Support | None = None
    diagnostics: Mapping[str, float | None] = field(default_factory=dict)
    concerns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Estimator(Protocol):
    """What stands on the shelf: knobs in the constructor, data in the call, nothing kept.

    A class may also say `needs` (a tuple of `causal.needs.Need`), `targets` and `costs` (words), and `strategy` where it rests on another
    identification than the back door ("iv", "frontdoor").
    """

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        ...

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Raises
        ------
        DesignError : the estimator cannot serve this design; the message names those that can.
        """
        ...


@runtime_checkable
class Linear(Protocol):
    """An estimator whose effect is one least-squares coefficient, so that many draws are one matrix step."""

    def regression(self, design: Design) -> Design:
        """The design whose absorbed effects and controls the coefficient is conditional on."""
        ...


GroupFit = tuple[str, tuple[str, ...], Fit, Ints]


def group_parts(design: Design, fits: Sequence[GroupFit], rng: np.random.Generator, kept: Ints | None = None) -> tuple[Part, ...]:
    """Effects by group with pointwise and joint intervals.

    fits : (modifier's label, its groups' labels, a fit with one coefficient a group, codes of shape (rows,)).
    kept : the design's rows that the codes stand for; None: all.
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
    kind: Literal["group", "time", "path"],
    of: str,
    names: Sequence[str],
    counts: Sequence[tuple[int, int]],
    rng: np.random.Generator,
    few: Sequence[bool] = (),
) -> tuple[Part, ...]:
    """One part for each coefficient of a fit, scaled to the contrast, with pointwise intervals and one joint band over all.

    names, counts : of each coefficient; counts are rows and authorities.
    few : whether a part rests on too few clusters for an error of its own; empty: none does. Such parts, and those that one cluster carries,
        have an effect and no interval, and stand outside the joint band.
    """
    known = [one and not short for one, short in zip(fit.known, few or [False] * len(names), strict=True)]
    critical = joint_critical(fit.scores[:, known], question.level, rng) if sum(known) > 1 else None
    parts = []
    for j, name in enumerate(names):
        effect, error = float(fit.coefficients[j] * question.contrast), float(fit.std_errors[j] * abs(question.contrast))
        if not known[j]:
            rows, authorities = counts[j]
            parts.append(Part(kind=kind, of=of, name=name, effect=effect, std_error=None, lower=None, upper=None, rows=rows, authorities=authorities))
            continue
        lower, upper, _ = interval(effect, error, question.level, float(fit.df[j]))
        reach = None if critical is None else critical_t(critical, float(fit.df[j])) * error
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
            )
        )
    return tuple(parts)


def estimated(
    design: Design, fit: Fit, *, estimator: str, estimand: str, target: Literal["ATE", "ATT"] = "ATE", over: Design | None = None, **more: Any
) -> Estimate:
    """An `Estimate` from a fit with one treatment coefficient, scaled to the question's contrast.

    over : the design that the fit was made on, where that is not the one asked about (changes, one row an authority); its question's
        contrast scales the fit, and its clusters are put in the asked design's order.
    """
    used = over or design
    question = used.question
    fit = onto(fit, used.clusters, design.clusters)
    effect, error = float(fit.coefficients[0] * question.contrast), float(fit.std_errors[0] * abs(question.contrast))
    lower, upper, p_value = interval(effect, error, question.level, float(fit.df[0]))
    made = Estimate(
        estimator=estimator,
        estimand=estimand + weighed(design),
        target=target,
        effect=effect,
        std_error=error,
        lower=lower,
        upper=upper,
        level=question.level,
        p_value=p_value,
        df=float(fit.df[0]),
        inference=f"{fit.inference}, {clustering(design)}",
        rows=used.rows,
        authorities=len(used.authorities),
        clusters=len(design.clusters),
        influence=fit.scores[:, 0] * question.contrast,
        **more,
    )
    if fit.known[0]:
        return made
    if len(used.clusters) <= TWO:
        return without_interval(made, TWO_CLUSTERS, "two_clusters")
    if over is None and fit.carried is not None:
        return without_interval(made, one_cluster(used.clusters[int(fit.carried[0])]), "one_cluster")
    return without_interval(made, one_cluster("one cluster"), "one_cluster")


def one_cluster(name: str) -> str:
    """Why an answer that one cluster carries has no interval, as the end of a sentence."""
    return f"{name} alone carries it: without {name if name != 'one cluster' else 'that one'} there is no estimate"


def without_interval(made: Estimate, why: str, code: NoInterval = "method") -> Estimate:
    """The estimate with its effects alone: nobody knows a valid interval for it.

    why : end of the sentence on inference; code : the same as a code. Where it is the method that has none its parts have none either.
    """
    parts = made.parts
    if code in ("method", "two_clusters"):
        parts = tuple(replace(part, std_error=None, lower=None, upper=None, joint_lower=None, joint_upper=None) for part in made.parts)
    words = f"no valid interval: {why}"
    return replace(made, std_error=None, lower=None, upper=None, p_value=None, df=None, influence=None, parts=parts, inference=words, no_interval=code)


def clustering(design: Design) -> str:
    """Whose scores are summed, as the end of a sentence on inference."""
    return f"clustered by {'authority' if design.clusters == tuple(sorted(design.authorities)) else 'cluster'}"


def weighed(design: Design) -> str:
    """How the question weighs authority-years, as the end of an estimand."""
    return "" if design.weights is None else f", each authority-year by its {design.question.weights}"


def least_squares(design: Design, basis: Floats) -> tuple[Fit, Floats]:
    """The treatment's coefficient with everything in `basis` and the absorbed effects held fixed, and the residual treatment."""
    outcome, treatment = (design.partial_out(column[:, None], basis) for column in (design.outcome, design.treatment))
    fit = clustered_least_squares(
        outcome[:, 0],
        treatment,
        design.held(basis),
        design.cluster,
        len(design.clusters),
        absorbed_rank=basis.shape[1] + ("authority" not in design.absorb),
    )
    return fit, treatment[:, 0]


def by_group(design: Design, basis: Floats) -> list[GroupFit]:
    """For each modifier one coefficient a group, all other coefficients shared: label, groups, fit, and each row's group.

    A group in which the treatment does not vary has no effect to estimate and is left out (its rows have group −1).
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
            design.held(basis),
            design.cluster,
            len(design.clusters),
            absorbed_rank=basis.shape[1] + ("authority" not in design.absorb),
        )
        place = np.full(len(modifier.groups), -1)
        place[kept] = np.arange(len(kept))
        found.append((modifier.label, tuple(modifier.groups[k] for k in kept), fit, place[modifier.codes]))
    return found


def residual_treatment(design: Design, residual: Floats) -> dict[str, float | None]:
    """What is left of the treatment, and who carries it."""
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


def thin(design: Design, residual: Floats) -> tuple[str, ...]:
    """Concerns when very few authorities carry the comparison."""
    effective, five = effective_clusters(residual, design.cluster, len(design.clusters))
    if five > 0.5:
        return (f"five clusters carry {five:.0%} of the treatment variation left (effective number {effective:.0f})",)
    return ()
