"""Estimates, and the protocol that every estimator keeps.

The clustered scores of an estimate are kept (`Estimate.influence`), which gives joint tests, joint bands and comparisons
between estimators without a second fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.errors import CausalError
from causal.inference.clustered import Fit, clustered_least_squares, critical_t, effective_clusters, interval, joint_critical, onto
from causal.question import Question

MOST_DRAWS = 0.9  # share of bootstrap draws that must have an answer for an interval to be given


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
        parts += parts_of(design.question, fit, kind="group", of=of, names=groups, counts=counts, rng=rng)
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
) -> tuple[Part, ...]:
    """One part for each coefficient of a fit, scaled to the contrast, with pointwise intervals and one joint band over all.

    names, counts : of each coefficient; counts are rows and authorities.
    """
    critical = joint_critical(fit.scores, question.level, rng) if len(names) > 1 else None
    parts = []
    for j, name in enumerate(names):
        effect, error = float(fit.coefficients[j] * question.contrast), float(fit.std_errors[j] * abs(question.contrast))
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
    return Estimate(
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
        inference=f"{fit.inference}, {_clustered(design)}",
        rows=used.rows,
        authorities=len(used.authorities),
        clusters=len(design.clusters),
        influence=fit.scores[:, 0] * question.contrast,
        **more,
    )


def without_interval(made: Estimate, why: str) -> Estimate:
    """The estimate with its effects alone, for estimators whose interval nobody knows to be valid.

    why : end of the sentence on inference.
    """
    parts = tuple(replace(part, std_error=None, lower=None, upper=None, joint_lower=None, joint_upper=None) for part in made.parts)
    words = f"no valid interval: {why}"
    return replace(made, std_error=None, lower=None, upper=None, p_value=None, df=None, influence=None, parts=parts, inference=words)


def _clustered(design: Design) -> str:
    return f"clustered by {'authority' if design.clusters == tuple(sorted(design.authorities)) else 'cluster'}"


def weighed(design: Design) -> str:
    """How the question weighs authority-years, as the end of an estimand."""
    return "" if design.weights is None else f", each authority-year by its {design.question.weights}"


def bootstrapped(
    design: Design,
    answer: Callable[[Design, np.random.Generator], Floats],
    rng: np.random.Generator,
    *,
    draws: int,
    estimator: str,
    estimand: str,
    target: Literal["ATE", "ATT"] = "ATE",
    kinds: Sequence[tuple[Literal["group", "time", "path"], str, str]] = (),
    counts: Sequence[tuple[int, int]] = (),
    over: Design | None = None,
    **more: Any,
) -> Estimate:
    """An `Estimate` whose error is a bootstrap over whole clusters, for estimators without an influence function.

    The error is the standard deviation over draws of clusters with replacement (Cameron & Miller 2015, A practitioner's guide to
    cluster-robust inference), the interval t(G−1) times it; joint bands come from the draws themselves. There is no influence.

    Parameters
    ----------
    answer : the effect in outcome units, and after it one number for each of `kinds`; shape (1 + parts,). A draw that raises a
        `CausalError` or gives NaN is left out; where that happens to more than a tenth of them no interval is given.
    kinds, counts : of each part: kind, of, name; and rows and authorities that it rests on.
    over : the design that is drawn from, where that is not the one asked about.
    """
    used = over or design
    point = np.asarray(answer(used, rng), dtype=float)
    number = len(used.clusters)
    found = []
    for _ in range(draws):
        drawn = np.sort(rng.integers(number, size=number)).astype(np.int64)
        try:
            found.append(np.asarray(answer(used.take(drawn), rng), dtype=float))
        except CausalError:
            found.append(np.full(len(point), np.nan))
    spread = np.array(found)
    good = np.isfinite(spread)
    level, df = design.question.level, number - 1.0
    enough = good.mean(axis=0) >= MOST_DRAWS
    errors = [float(spread[good[:, j], j].std(ddof=1)) if enough[j] else None for j in range(len(point))]
    whole = spread[good.all(axis=1)]
    reach = joint_critical((whole - whole.mean(axis=0))[:, 1:] / np.sqrt(max(len(whole) - 1, 1)), level, rng) if len(kinds) > 1 and enough.all() else None
    parts = []
    for (kind, of, name), (rows, authorities), effect, error in zip(kinds, counts, point[1:], errors[1:], strict=True):
        lower, upper = (None, None) if error is None else interval(float(effect), error, level, df)[:2]
        joint = None if reach is None or error is None else critical_t(reach, df) * error
        parts.append(
            Part(
                kind=kind,
                of=of,
                name=name,
                effect=float(effect),
                std_error=error,
                lower=lower,
                upper=upper,
                # never narrower than pointwise, as a drawn critical value would be where one effect stands for all parts
                joint_lower=None if joint is None or lower is None else min(float(effect) - joint, lower),
                joint_upper=None if joint is None or upper is None else max(float(effect) + joint, upper),
                rows=rows,
                authorities=authorities,
            )
        )
    ends = (None, None, None) if errors[0] is None else interval(float(point[0]), errors[0], level, df)
    failed = int((~good[:, 0]).sum())
    return Estimate(
        estimator=estimator,
        estimand=estimand + weighed(design),
        target=target,
        effect=float(point[0]),
        std_error=errors[0],
        lower=ends[0],
        upper=ends[1],
        level=level,
        p_value=ends[2],
        df=None if errors[0] is None else df,
        inference=f"bootstrap over clusters ({draws} draws, {failed} failed), t(G−1), {_clustered(design)}"
        if errors[0] is not None
        else f"none: {failed} of {draws} bootstrap draws had no answer",
        rows=used.rows,
        authorities=len(used.authorities),
        clusters=number,
        parts=tuple(parts),
        **more,
    )


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
