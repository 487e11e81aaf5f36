"""Staggered adoption: authorities that take a treatment up in different years, and effects that may differ between them and grow.

Two-way fixed effects then compare late adopters with early ones that are already treated (Goodman-Bacon 2021, Difference-in-differences with
variation in treatment timing). These three compare with the not yet treated alone, and all answer for treated authority-years:

callaway_santanna
    averages of comparisons of two years, doubly robust (Callaway & Sant'Anna 2021, Difference-in-differences with multiple time periods).
sun_abraham
    one regression with an effect for each cohort and year since adoption, averaged by cohort shares (Sun & Abraham 2021, Estimating dynamic
    treatment effects in event studies with heterogeneous treatment effects).
imputation
    what treated authority-years would have had, from a fixed-effects model of the untreated ones (Borusyak, Jaravel & Spiess 2024, Revisiting
    event-study designs: robust and efficient estimation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from causal.arrays import Floats, Ints
from causal.cohorts import Cohorts, cohorts
from causal.design import Design
from causal.errors import ConfigError, DesignError, EstimationError, refusal
from causal.estimand import Conditioning, DesignFacts, Estimand, JointTest
from causal.estimate import Estimate, Part
from causal.estimators import serve
from causal.estimators.machinery.group_time import GroupTimeATT, att_gt, authority_weights, average, covariates, drop_always_treated
from causal.estimators.machinery.imputation import imputed
from causal.inference.clustered import FEW_CLUSTERS, Fit, cluster_sums, clustered_least_squares, joint_test
from causal.inference.few_treated import two_sample_df
from causal.knobs import true_or_false, whole_number
from causal.needs import ADOPTION, AUTHORITY_EFFECTS, Need
from causal.regression import estimated, feedback, parts_of, residual_treatment, warn_concentrated_leverage
from causal.words import count

LEARNT = 0.1  # share of an average's squared weight that may lie in cohorts of one cluster
ALARM = 0.05  # a joint test of the years before adoption below this is a concern
SIMPLE = "treated_rows"
AGGREGATES = {"simple": SIMPLE, "dynamic": "years_since", "group": "treated_places"}  # how the average counts the treated
COMPARISONS = ("never_treated", "not_yet_treated")
METHODS = ("doubly_robust", "outcome_regression", "weighting")
BASES = ("varying", "universal")


def _compared(estimator: CallawaySantAnna, design: Design) -> str | None:
    try:
        made = cohorts(design)
    except DesignError:
        return None  # said by the need for adoption
    if estimator.compare == "never_treated" and not made.never.any():
        return "every authority is treated in the end, so none that never is can be compared with; take  estimator.compare=not_yet_treated"
    if not made.never.any() and len(made.years) < 2:
        return "all authorities are treated in one year, so nobody is left to compare with"
    return None


COMPARED = Need("authorities never treated, or with compare=not_yet_treated some treated later", _compared)


def _later(_: object, design: Design) -> str | None:
    try:
        made = cohorts(design)
    except DesignError:
        return None
    return None if made.never.any() or len(made.years) > 1 else "all authorities are treated in one year, so nobody is left to compare with"


LATER = Need("authorities never treated or treated later", _later)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallawaySantAnna:
    """Group-time effects and their averages, with influence functions by authority.

    Parameters
    ----------
    compare : "never_treated", or "not_yet_treated" (those not treated by the later year).
    method : "doubly_robust", "outcome_regression" or "weighting", by the covariates of the year before adoption.
    aggregate : "simple" (treated authority-years alike), "dynamic" (years since adoption alike) or "group" (treated authorities alike).
    base : what years before adoption are compared with, the year before each ("varying") or the last before adoption ("universal").
    small_sample : the influence of each side times √(n/(n − k)) of its cell; False gives the published software's errors.
    cells : whether the effects by cohort and year are given too.
    """

    compare: Literal["never_treated", "not_yet_treated"] = "never_treated"
    method: Literal["doubly_robust", "outcome_regression", "weighting"] = "doubly_robust"
    aggregate: Literal["simple", "dynamic", "group"] = "simple"
    base: Literal["varying", "universal"] = "varying"
    small_sample: bool = True
    cells: bool = False
    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS, ADOPTION, COMPARED)
    answers: ClassVar[tuple[str, ...]] = ("ATT", "weights")
    targets: ClassVar[str] = "ATT of adopting (takes question.weights)"
    costs: ClassVar[str] = "milliseconds"
    quick: ClassVar[bool] = True
    one_year: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for key, choices in (("compare", COMPARISONS), ("method", METHODS), ("aggregate", tuple(AGGREGATES)), ("base", BASES)):
            if getattr(self, key) not in choices:
                raise refusal(ConfigError, key, f"one of {', '.join(choices)}", repr(getattr(self, key)), "write one of them")
        for key in ("small_sample", "cells"):
            if not isinstance(getattr(self, key), bool):
                raise refusal(ConfigError, key, "true or false", repr(getattr(self, key)), "write one of the two")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "callaway_santanna"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : a treatment that is taken up and kept; those who had it in every year seen are left out.
        rng : draws the joint critical values of effects by year and by cohort.

        Raises
        ------
        DesignError : nobody takes the treatment up and keeps it, nobody is there to compare with, or the target is not the ATT.
        EstimationError : too few to compare with for that many covariates.
        """
        serve(self, design)
        used, adopted = drop_always_treated(design)
        knobs = {"not_yet": self.compare == "not_yet_treated", "method": self.method, "universal": self.base == "universal", "corrected": self.small_sample}
        made = att_gt(used, adopted, **knobs)  # type: ignore[arg-type]
        weight = authority_weights(used)
        after = np.flatnonzero(made.since >= 0)
        years, groups = np.unique(made.since), np.unique(made.cohort[after])
        by_year = average(made, adopted, weight, [np.flatnonzero(made.since == e) for e in years], corrected=self.small_sample)
        own = [after[made.cohort[after] == g] for g in groups]
        means = np.column_stack([made.scores[:, at].mean(axis=1) for at in own])
        by_group = np.array([made.effect[at].mean() for at in own])
        if self.aggregate == "simple":
            whole = average(made, adopted, weight, [after], corrected=self.small_sample)
            effect, scores = whole.effect, whole.scores
        elif self.aggregate == "dynamic":
            effect, scores = by_year.effect[years >= 0].mean(keepdims=True), by_year.scores[:, years >= 0].mean(axis=1, keepdims=True)
        else:
            alone = GroupTimeATT(
                cohort=groups, year=groups, effect=by_group, scores=means, treated=np.ones(len(groups), dtype=np.int64), unsupported=0, missing=()
            )
            whole = average(alone, adopted, weight, [np.arange(len(groups))], corrected=self.small_sample)
            effect, scores = whole.effect, whole.scores

        inference = f"influence functions{', corrected for small cells' if self.small_sample else ''}, {_t(used, adopted, self.small_sample)}"

        def fitted(effect: Floats, scores: Floats, cohort: Sequence[Ints]) -> Fit:
            return _fit(used, effect, scores, adopted, inference, cohort, corrected=self.small_sample)

        matrix = covariates(used)[1]
        parts = [*_by_since(used, adopted, fitted(by_year.effect, by_year.scores, [made.cohort[made.since == e] for e in years]), years, rng)]
        parts += _by_cohort(used, adopted, fitted(by_group, means, [np.array([g]) for g in groups]), groups, rng)
        for modifier in used.modifiers:
            group_of = np.zeros(len(used.authorities), dtype=np.int64)
            group_of[used.authority] = modifier.codes
            found = []
            for j in range(len(modifier.groups)):
                among = group_of == j
                try:
                    some = att_gt(used, adopted, among=among, leads=False, **knobs)  # type: ignore[arg-type]
                except EstimationError:
                    continue
                one = average(some, adopted, weight, [np.arange(len(some.cohort))], among, corrected=self.small_sample)
                treated = among & ~adopted.never
                found.append((j, one.effect, one.scores, int(treated.sum()), len(np.unique(used.cluster[treated[used.authority]]))))
            if found:
                every = [made.cohort] * len(found)
                fit = fitted(np.concatenate([f[1] for f in found]), np.column_stack([f[2] for f in found]), every)
                rows = [int((adopted.on & (modifier.codes == f[0])).sum()) for f in found]
                parts += parts_of(
                    used.question,
                    fit,
                    kind="group",
                    of=modifier.name,
                    names=[modifier.groups[f[0]] for f in found],
                    counts=[(n, f[3]) for n, f in zip(rows, found, strict=True)],
                    rng=rng,
                    few=[f[4] < 2 for f in found],  # treated clusters of the group's own
                )
        if self.cells:
            names = [f"{g} in {t}" for g, t in zip(made.cohort, made.year, strict=True)]
            fit = fitted(made.effect, made.scores, [np.array([g]) for g in made.cohort])
            parts += parts_of(used.question, fit, kind="group", of="cohort and year", names=names, counts=[(int(n), int(n)) for n in made.treated], rng=rng)
        tested, words = _pre_trend(by_year.effect[years < 0], _by_cluster(used, by_year.scores[:, years < 0]), len(used.clusters) - 1.0)
        also = {"pre-trend p, all cells (chi-squared)": _wald(made.effect[made.since < 0], _by_cluster(used, made.scores[:, made.since < 0]))}
        single = [str(g) for g in groups if (adopted.first == g).sum() == 1]
        if single:
            words += (f"one authority alone was treated first in {', '.join(single)}: how its change varies cannot be seen, and the interval is too narrow",)
        notes = [f"Compared with authorities {'not treated by then' if self.compare == 'not_yet_treated' else 'never treated'}."]
        if matrix:
            # Daw & Hatfield 2018, Matching and regression to the mean in difference-in-differences analysis
            notes.append(
                f"Adjusted for {', '.join(matrix)} as in the earlier of the two years compared ({self.method.replace('_', ' ')}); what was out of the "
                "ordinary in that year returns to a place's own level afterwards, and places alike in it drift apart."
            )
        if made.unsupported:
            notes.append(f"In {made.unsupported} of {len(made.cohort)} comparisons nobody untreated is like the treated: the regression alone adjusts there.")
        if made.missing:
            notes.append(f"Nobody to compare with: {', '.join(made.missing)}.")
        return _answer(self.name, design, used, adopted, fitted(effect, scores, [groups]), AGGREGATES[self.aggregate], parts, tested, words, notes, also)


@dataclass(frozen=True, slots=True, kw_only=True)
class SunAbraham:
    """Interaction-weighted event study: two-way fixed effects with an effect for every cohort and year since adoption."""

    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS, ADOPTION, LATER)
    answers: ClassVar[tuple[str, ...]] = ("ATT", "weights")
    targets: ClassVar[str] = "ATT of adopting (takes question.weights)"
    costs: ClassVar[str] = "a tenth of a second"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "sun_abraham"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : a treatment that is taken up and kept; those who had it in every year seen are left out.
        rng : draws the joint critical values of effects by year and by cohort.

        Raises
        ------
        DesignError : nobody takes the treatment up and keeps it, nobody is there to compare with, or the target is not the ATT.
        """
        serve(self, design)
        used, adopted = drop_always_treated(design)
        notes = ["Compared with authorities never treated."]
        if not adopted.never.any():
            # the last to be treated serve as the others' comparison until they are treated themselves
            last = adopted.last
            used, adopted = drop_always_treated(used.subset(np.flatnonzero(used.year < last), f"from {last} on nobody is untreated"))
            notes = [f"Nobody is never treated: compared with those first treated in {last}, until then."]
        first = adopted.first[used.authority]
        since = used.year - first
        keys: list[tuple[int, int]] = []
        for g in adopted.years:
            event_times = np.unique(since[first == g])
            zero = int(event_times[event_times < 0].max())
            keys += [(g, int(e)) for e in event_times if e != zero]
        columns = np.column_stack([(first == g) & (since == e) for g, e in keys]).astype(float)
        counted = np.array([used.root_weights[column > 0] @ used.root_weights[column > 0] for column in columns.T])
        cohort, ago = np.array([g for g, _ in keys]), np.array([e for _, e in keys])
        basis = used.basis()
        outcome, residual = used.partial_out(used.outcome[:, None], basis)[:, 0], used.partial_out(columns, basis)

        def fit(sets: Sequence[Ints]) -> Fit:
            """Averages over sets of cells, each a coefficient of the same regression written in other columns, so that CR2 holds."""
            wanted = np.zeros((len(sets), len(keys)))
            for j, chosen in enumerate(sets):
                wanted[j, chosen] = counted[chosen] / counted[chosen].sum()
            turn = np.vstack([wanted, np.linalg.svd(wanted)[2][len(sets) :]])
            made = clustered_least_squares(
                outcome, residual @ np.linalg.inv(turn), basis, used.cluster, len(used.clusters), absorbed_rank=basis.shape[1], row_count=used.row_count
            )
            k, scale = len(sets), adopted.sign / used.question.contrast
            return Fit(
                coefficients=made.coefficients[:k] * scale,
                scores=made.scores[:, :k] * scale,
                df=made.df[:k],
                residuals=made.residuals,
                inference=made.inference,
                carried=np.array([_carrier(used, first, cohort[chosen]) for chosen in sets], dtype=np.int64),
            )

        years, groups = np.unique(ago), np.unique(cohort[ago >= 0])
        by_year = fit([np.flatnonzero(ago == e) for e in years])
        parts = [*_by_since(used, adopted, by_year, years, rng)]
        parts += _by_cohort(used, adopted, fit([np.flatnonzero((cohort == g) & (ago >= 0)) for g in groups]), groups, rng)
        back = np.flatnonzero(years < 0)
        tested, words = _pre_trend(by_year.coefficients[back], by_year.scores[:, back], float(by_year.df.min()))
        return _answer(self.name, design, used, adopted, fit([np.flatnonzero(ago >= 0)]), SIMPLE, parts, tested, words, notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imputation:
    """Treated authority-years less what a fixed-effects model of the untreated ones says they would have had.

    Parameters
    ----------
    leads : years before adoption whose outcomes are tested against the earlier ones, among untreated authority-years alone; 0 tests none.
    small_sample : effects less the mean of their cohort and year times √(n/(n − 1)); False gives the published software's errors.
    """

    leads: int = 2
    small_sample: bool = True
    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS, ADOPTION, LATER)
    answers: ClassVar[tuple[str, ...]] = ("ATT", "weights")
    targets: ClassVar[str] = "ATT of adopting (takes question.weights)"
    costs: ClassVar[str] = "milliseconds"
    quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        whole_number("leads", self.leads, 0)
        true_or_false("small_sample", self.small_sample)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "imputation"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : a treatment that is taken up and kept; those who had it in every year seen are left out.
        rng : draws the joint critical values of effects by year, by cohort and by group.

        Raises
        ------
        DesignError : nobody takes the treatment up and keeps it, nobody is there to compare with, or the target is not the ATT.
        """
        serve(self, design)
        used, adopted = drop_always_treated(design)
        made = imputed(used, adopted)
        since = made.since
        years, groups = np.unique(since), np.unique(made.cohort)

        def fit(sets: Sequence[Ints]) -> Fit:
            effect, scores = made.average(sets, corrected=self.small_sample)
            inference = f"Borusyak, Jaravel & Spiess's conservative error, {_t(used, adopted, self.small_sample)}"
            return _fit(used, effect, scores, adopted, inference, [made.cohort[at] for at in sets], corrected=self.small_sample)

        parts = [*_by_since(used, adopted, fit([np.flatnonzero(since == e) for e in years]), years, rng)]
        parts += _by_cohort(used, adopted, fit([np.flatnonzero(made.cohort == g) for g in groups]), groups, rng)
        for modifier in used.modifiers:
            codes = modifier.codes[made.rows]
            some = np.unique(codes)
            sets = [np.flatnonzero(codes == j) for j in some]
            counts = [(len(at), len(np.unique(used.authority[made.rows[at]]))) for at in sets]
            parts += parts_of(used.question, fit(sets), kind="group", of=modifier.name, names=[modifier.groups[j] for j in some], counts=counts, rng=rng)
        tested, words = _trend_among_untreated(used, adopted, self.leads)
        notes = ["Compared with what fixed effects of untreated authority-years say they would have had."]
        if made.beyond:
            notes.append(f"{count(made.beyond, 'treated authority-year')} with nobody untreated in that year left out.")
        return _answer(self.name, design, used, adopted, fit([np.arange(len(since))]), SIMPLE, parts, tested, words, notes)


def _answer(
    name: str,
    design: Design,
    used: Design,
    adopted: Cohorts,
    fit: Fit,
    weighting: str,
    parts: Sequence[Part],
    tested: JointTest,
    concerns: tuple[str, ...],
    notes: Sequence[str],
    also: Mapping[str, float | None] | None = None,
) -> Estimate:
    """The estimate, with what is left of being treated and who carries it."""
    residualised = used.partial_out(used.treatment[:, None])[:, 0]
    cut = (f"a dose was cut: the effect is that of reaching {design.question.treated:g}, whatever the dose before and after",) if adopted.cut else ()
    return estimated(
        design,
        fit,
        over=used,
        estimator=name,
        estimand=Estimand(family="adoption", comparison="within", population="treated", weighting=weighting, model=name.replace("_", " ")),
        conditioning=Conditioning.by(design, authority=True),
        facts=DesignFacts(adopters=int((~adopted.never).sum()), never_treated=int(adopted.never.sum()), adoption_years=len(adopted.years), pre_trend=tested),
        target="ATT",
        parts=tuple(parts),
        diagnostics={**residual_treatment(used, residualised), **(also or {})},
        concerns=feedback(design) + cut + concerns + warn_concentrated_leverage(used, residualised),
        notes=(adopted.words, *notes),
    )


def _by_cluster(design: Design, scores: Floats) -> Floats:
    """Scores of authorities summed by cluster, shape (clusters, k)."""
    cluster = np.zeros(len(design.authorities), dtype=np.int64)
    cluster[design.authority] = design.cluster
    return cluster_sums(scores, cluster, len(design.clusters))


def _fit(design: Design, effect: Floats, scores: Floats, adopted: Cohorts, inference: str, cohort: Sequence[Ints], *, corrected: bool = True) -> Fit:
    """Effects of adopting, scores of shape (authorities, k), as a fit whose coefficients times the contrast are effects of the question.

    cohort : for each effect, the first treated years of the cells that it is averaged over.
    corrected : degrees of freedom by Welch where few clusters are treated or few are not; False: the published software's G − 1.
    """
    scale = adopted.sign / design.question.contrast
    of_cluster = _by_cluster(design, scores)
    number = len(design.clusters)
    ever = np.zeros(number, dtype=bool)
    ever[design.cluster[~adopted.never[design.authority]]] = True
    df = np.full(len(effect), number - 1.0)
    few = corrected and 0 < min(ever.sum(), (~ever).sum()) < FEW_CLUSTERS
    of_authority = np.zeros(len(design.authorities), dtype=np.int64)
    of_authority[design.authority] = design.cluster
    first = adopted.first[design.authority]
    carried = np.full(len(effect), -1, dtype=np.int64)
    for j, years in enumerate(cohort):
        if few:
            cells_of = (adopted.first[:, None] == years).sum(axis=1).astype(float)
            df[j] = min(two_sample_df(np.bincount(of_authority, weights=cells_of, minlength=number).astype(float), number - int((cells_of > 0).sum())), df[j])
        treated = np.unique(design.cluster[np.isin(first, years)])
        free = np.unique(design.cluster[~np.isin(first, years)])
        alone = [one[0] for one in (treated, free) if len(one) == 1]
        carried[j] = alone[0] if alone else -1
    return Fit(coefficients=effect * scale, scores=of_cluster * scale, df=df, residuals=np.zeros(0), inference=inference, carried=carried)


def _carrier(design: Design, first: Ints, cohort: Ints) -> int:
    """The cluster whose own shocks an average over cells cannot know, −1 where they are known well enough.

    A cohort of one cluster is fitted wholly, and CR2 learns nothing from it: with more than a tenth of the squared weight in such cohorts, the error would
    be too small by a twentieth and more.

    first : shape (rows,), first treated year; cohort : of the cells.
    """
    weight, alone, largest = 0.0, 0.0, -1
    for g, n in zip(*np.unique(cohort, return_counts=True), strict=True):
        mine = np.unique(design.cluster[first == g])
        weight += len(mine) * float(n) ** 2
        if len(mine) == 1:
            alone, largest = alone + float(n) ** 2, int(mine[0])
    free = np.unique(design.cluster[~np.isin(first, cohort)])
    if len(free) == 1:
        return int(free[0])
    return largest if alone > LEARNT * weight else -1


def _t(design: Design, adopted: Cohorts, corrected: bool) -> str:
    """Which degrees of freedom `_fit` takes, in words."""
    ever = np.unique(design.cluster[~adopted.never[design.authority]])
    few = 0 < min(len(ever), len(design.clusters) - len(ever)) < FEW_CLUSTERS
    return "Welch's t" if corrected and few else "t(G−1)"


def _by_since(design: Design, adopted: Cohorts, fit: Fit, years: Ints, rng: np.random.Generator) -> tuple[Part, ...]:
    since = adopted.since(design)
    counts = [(int((since == e).sum()), int((since == e).sum())) for e in years]
    names = [f"{'lead' if e < 0 else 'lag'} {abs(e)}" if e else "now" for e in years]
    return parts_of(design.question, fit, kind="time", of=design.treatment_variable.name, names=names, counts=counts, rng=rng, since=years.tolist())


def _by_cohort(design: Design, adopted: Cohorts, fit: Fit, groups: Ints, rng: np.random.Generator) -> tuple[Part, ...]:
    mine = adopted.first[design.authority]
    counts = [(int((adopted.on & (mine == g)).sum()), int((adopted.first == g).sum())) for g in groups]
    return parts_of(design.question, fit, kind="group", of="first treated year", names=[str(g) for g in groups], counts=counts, rng=rng)


def _wald(effects: Floats, scores: Floats) -> float | None:
    """p-value of all effects being 0 by the chi-squared law of many clusters; None with fewer than 20 clusters an effect, where it rejects far too often."""
    from scipy import special

    covariance = scores.T @ scores
    if not len(effects) or len(scores) < 20 * len(effects) or np.linalg.matrix_rank(covariance, hermitian=True) < len(effects):
        return None
    return float(special.chdtrc(len(effects), effects @ np.linalg.solve(covariance, effects)))


def _pre_trend(effects: Floats, scores: Floats, df: float) -> tuple[JointTest, tuple[str, ...]]:
    """The joint test of years before adoption, and the concern where it fails."""
    if not len(effects):
        return JointTest(), ()
    f, rest, p = joint_test(effects, scores, df)
    if not np.isfinite(p):
        return JointTest(), ()
    words = f"outcomes moved before the treatment did (years before adoption jointly F({len(effects)}, {rest:.0f}) = {f:.2f}, p = {p:.3f})"
    return JointTest(f=f, p_value=p), (words,) if p < ALARM else ()


def _trend_among_untreated(design: Design, adopted: Cohorts, leads: int) -> tuple[JointTest, tuple[str, ...]]:
    """Leads of adoption in a fixed-effects regression of untreated authority-years alone, tested jointly."""
    untreated = design.subset(np.flatnonzero(~adopted.on))
    since = adopted.since(design)[~adopted.on]
    columns = (since[:, None] == -np.arange(1, leads + 1)).astype(float)
    basis = untreated.basis()
    residualised = untreated.partial_out(columns, basis)
    kept = np.linalg.norm(residualised, axis=0) > 1e-6 * np.maximum(np.linalg.norm(columns, axis=0), 1.0)
    if not kept.any():
        return _pre_trend(np.empty(0), np.empty((0, 0)), 0.0)
    outcome = untreated.partial_out(untreated.outcome[:, None], basis)[:, 0]
    try:
        fit = clustered_least_squares(
            outcome, residualised[:, kept], basis, untreated.cluster, len(untreated.clusters), absorbed_rank=basis.shape[1], row_count=untreated.row_count
        )
    except EstimationError:
        return _pre_trend(np.empty(0), np.empty((0, 0)), 0.0)
    return _pre_trend(fit.coefficients, fit.scores, float(fit.df.min()))
