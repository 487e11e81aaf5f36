"""Does the treatment of later years "move" the outcome of this one?

Nothing acts before it happens, so in a model that keeps the treatment of this year and of every year back to the one asked about, the years
still to come must add nothing (Granger 1969, Investigating causal relations by econometric models and cross-spectral methods; Angrist &
Pischke 2009, Mostly Harmless Econometrics, sec. 5.2.1). A lead alone would borrow from the treatment it resembles; beside all
the lags it cannot. All leads are tested at once with the clustered scores of their coefficients, by Hotelling's T² with the degrees
of freedom of the clustered errors (Pustejovsky & Tipton 2018, Small-sample methods for cluster-robust variance estimation and hypothesis testing
in fixed effects models); for G − 1 of them and K leads that is nearly the Wald F with K and G − 1.

A cause of the treatment that lasts (child poverty) moves this year's outcome and next year's treatment, and would pass for a lead. Controls that
are conditioned on in the treatment's own year, which by the rule of identification nothing of the treatment moves, are therefore held fixed in
every year of the model.

Estimators of an adoption leave the treated years out of what they compare with, so that a date of the treatment cannot be a control of theirs: asked about
the next year's treatment they would answer with this year's effect. Their own leads, years before adoption, are the same question, and are
taken as they stand; what they find is then the drift that fits them best, and the bias what such a drift does to the estimate. Elsewhere the bias is
how far the coefficient asked about moves when the leads join the model. An estimator that chooses its comparison by those years has nothing left to show
in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design, design
from causal.draws import stream
from causal.errors import CausalError, DesignError, EstimationError, placed, refusal
from causal.estimate import Estimate, Linear, Part, PartiallyLinear, lighter
from causal.graph import Dated, undated
from causal.inference.clustered import interval, joint_critical
from causal.inference.multiplicity import smallest
from causal.knobs import true_or_false, whole_number
from causal.needs import ADOPTION
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size, unsure
from causal.refuters.machinery.bias import Bias, jointly, moved_by, reach, without
from causal.refuters.machinery.paths import treatment_path
from causal.refuters.pre_trend import PreTrend
from causal.regression import least_squares
from causal.trial import Setting, Trial, fitted
from causal.words import capital, count

FEWEST_YEARS = 2  # outcome years left once leads and lags are taken


@dataclass(frozen=True, slots=True, kw_only=True)
class FutureTreatment:
    """Test the treatment's leads beside its present and its lags.

    Parameters
    ----------
    leads : how many later years to test; fewer are taken where the panel is too short.
    controls : whether controls of the treatment's own year are conditioned on in all years of the model.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = "lead"
    label: ClassVar[str] = "treatment of later years"
    catches: ClassVar[str] = "feedback"

    leads: int = 2
    controls: bool = True

    def __post_init__(self) -> None:
        whole_number("future_treatment.leads", self.leads, 1)
        true_or_false("future_treatment.controls", self.controls)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "future_treatment"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        question, variable = setting.question, setting.panel.variable(setting.question.treatment)
        years = len(setting.panel.years)
        if years < 2:
            return "the data have one year, so there is no later treatment"
        if variable.varies == "authority":
            return f"{variable.label} does not change in time"
        if question.lag < 0:
            return "the question dates the treatment after the outcome"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute the order of cause and effect.

        Parameters
        ----------
        trial : with years of the treatment after those of the outcome.
        rng : draws the joint critical value of the leads.
        """
        question = trial.question
        report = reporting(
            self,
            asks="Does the treatment of later years go with the outcome of this year, as no effect can?",
            expected="Nothing beyond chance from later years, with this year's treatment and every earlier one back to the year asked about held fixed.",
            detects="Feedback of the outcome on a later treatment, anticipation, a trend that was there before the treatment, too few lags, "
            "and something lasting that was left out where authorities are not compared with themselves.",
            cannot_detect="Something unmeasured that moves treatment and outcome together and leaves no trace in later treatment; measurement error.",
        )
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        years = len(trial.panel.years)
        if (why := unsure(trial)) is not None:
            return not_run(report, why)
        if not trial.linear and trial.estimate.conditioning.nothing:
            return not_run(report, f"{trial.estimate.estimator} holds nothing fixed, so a lead would only stand for the treatment it resembles")
        if trial.estimate.facts.pre_trend is not None:
            return _own(trial, report)
        if ADOPTION in getattr(trial.estimator, "needs", ()):
            return not_run(report, f"{trial.estimate.estimator} chooses its comparison so that the years before adoption agree, so they show nothing")
        if trial.estimate.rows == trial.estimate.authorities < trial.design.rows:
            return not_run(report, f"{trial.estimate.estimator} compares one row an authority, and no year after its last window is in it")
        leads = min(self.leads, years - question.lag - FEWEST_YEARS)
        if leads < 1:
            reason = f"{count(years, 'year')} are too few for a lag of {question.lag}, a lead and {FEWEST_YEARS} years to compare"
            return not_run(report, reason)
        why = ""
        for tried in range(leads, 0, -1):
            asked = _all_years(trial, tried) if self.controls else trial
            try:
                shifts = [*range(tried, 0, -1), *range(0, -question.lag - 1, -1)]
                answers = (
                    _linear(asked, shifts)
                    if isinstance(trial.estimator, Linear)
                    else _crossfitted(asked, shifts)
                    if isinstance(trial.estimator, PartiallyLinear)
                    else _refits(asked, shifts[:tried])
                )
            except (DesignError, EstimationError) as refused:
                why = why or str(refused).rstrip(".")
                continue
            return self._judge(asked, report, tried, answers, rng)
        return not_run(report, f"the model with leads could not be estimated ({why})")

    def _judge(self, trial: Trial, report: Callable[..., Refutation], leads: int, answers: list[_Answer], rng: np.random.Generator) -> Refutation:
        from scipy import stats

        level = 1 - trial.question.level
        first = answers[:leads]
        effects = np.array([one.effect for one in first])
        numbers: dict[str, float | None] = {}
        scores = _stack(answers)
        if any(one.std_error is None for one in first):
            return not_run(report, f"{trial.estimate.estimator} gave no standard error with the leads in the model")
        if scores is not None:
            covariance = scores[:, :leads].T @ scores[:, :leads]
            if np.linalg.matrix_rank(covariance, hermitian=True) < leads:
                return not_run(report, "the leads cannot be told apart")
            df = min(one.df for one in first if one.df is not None) if any(one.df is not None for one in first) else float(scores.shape[0] - 1)
            square = float(effects @ np.linalg.solve(covariance, effects))
            rest = df - leads + 1
            if rest <= 1:
                return not_run(report, f"{count(leads, 'lead')} and {df:.1f} degrees of freedom are too few for a joint test")
            f = square * rest / (df * leads)
            p_value = float(stats.f(leads, rest).sf(f))
            how = f"jointly F({leads}, {rest:.0f}) = {f:.2f}, {p_text(p_value)}"
            numbers |= {"F": f, "degrees of freedom 1": float(leads), "degrees of freedom 2": float(rest)}
        else:
            p_value = smallest([interval(one.effect, one.std_error or 0.0, 1 - level, one.df)[2] for one in first])
            how = f"smallest of {count(leads, 'p-value')} × {leads} (Holm): {p_text(p_value)}"
        if not np.isfinite(p_value):
            return not_run(report, "the joint test of the leads has no value")
        survived = p_value >= level
        parts = _parts(trial, answers, scores, rng)
        shown = "; ".join(f"{one.name} {amount(trial, one.effect)} (standard error {size(trial, one.std_error or 0.0)})" for one in parts[:leads])
        text = f"{capital(shown)}; {how}. " + (
            "Later treatment adds nothing beyond chance."
            if survived
            else "Later treatment goes with this year's outcome: feedback, anticipation, a pre-trend or too few lags."
        )
        rows = answers[0].rows
        # a fit of its own for each answer is spent only where there is something to adjust for
        bias = _adjusted(trial, leads) if trial.linear or not survived else Bias()
        sees = reach(df, level, tests=leads) if scores is not None else reach(float(len(trial.design.clusters) - 1), level / leads)
        return report(
            found=text,
            p_value=p_value,
            level=level,
            survived=survived,
            bias=bias.size,
            bias_error=bias.error,
            blind_below=None if bias.error is None or sees is None else sees * bias.error,
            numbers=numbers | {"leads": float(leads), "lags": float(trial.question.lag), "rows": float(rows)} | {part.name: part.effect for part in parts},
            parts=parts,
        )


def _own(trial: Trial, report: Callable[..., Refutation]) -> Refutation:
    """The estimator's own leads with its own joint test of them."""
    estimate, level = trial.estimate, 1 - trial.question.level
    tested, parts = estimate.facts.pre_trend, _leads(estimate)
    f, p_value = (None, None) if tested is None else (tested.f, tested.p_value)
    if f is None or p_value is None:
        return not_run(report, f"{estimate.estimator} has no year before the change that could be tested")
    survived = p_value >= level
    shown = "; ".join(f"{one.name} {amount(trial, one.effect)}" for one in parts)
    bias = _carried_on(trial, parts)
    if bias.size is None:
        # an estimator that shows no lead of its own: the drift of the years before, as `pre_trend` finds it
        drift = PreTrend().refute(trial, stream(trial.seed, "pre_trend"))
        bias = Bias(size=drift.bias, error=drift.bias_error)
    sees = reach(float(len(trial.design.clusters) - 1) if estimate.df is None else estimate.df, level)
    return report(
        bias=bias.size,
        bias_error=bias.error,
        blind_below=None if bias.error is None or sees is None else sees * bias.error,
        expected="Nothing beyond chance in the years before the treatment begins.",
        found=f"{capital(shown + '; ') if shown else ''}{estimate.estimator}'s own joint test of the years before: F = {f:.2f}, {p_text(p_value)}. "
        + ("Those treated later differ by no more than chance." if survived else "Those treated later differed before: feedback, anticipation or a pre-trend."),
        p_value=p_value,
        level=level,
        survived=survived,
        numbers={"F": f, "rows": float(estimate.rows)} | {part.name: part.effect for part in parts},
        parts=parts,
    )


def _leads(estimate: Estimate) -> tuple[Part, ...]:
    """An estimate's own years before the treatment."""
    return tuple(part for part in estimate.parts if part.since is not None and part.since < 0)


def _carried_on(trial: Trial, leads: Sequence[Part]) -> Bias:
    """What the drift that fits the estimator's own leads best does to its estimate; each lead weighs by its error alone, as if they had no chance in common.

    Parameters
    ----------
    trial : the answer under examination.
    leads : its years before the treatment.
    """
    made, estimate = trial.design, trial.estimate
    moved = treatment_path(trial, 0.0)
    drift = moved.size[made.authority] * (made.year - made.year.mean()) * float(estimate.std_error or 0.0)
    try:
        again = fitted(trial.estimator, replace(made, outcome=made.outcome + drift, modifiers=()), stream(trial.seed, "estimate"))
    except CausalError:
        return Bias()
    drifted = {part.since: part.effect for part in _leads(again)}
    known = [(one.effect, drifted[one.since] - one.effect, one.std_error) for one in leads if one.std_error and one.since in drifted]
    if not known:
        return Bias()
    found, line, errors = (np.array(side, dtype=float) for side in zip(*known, strict=True))
    weights = line / errors**2
    if not np.isfinite(weights).all() or not line.any():
        return Bias()
    slope, per_unit = float(weights @ found / (weights @ line)), again.effect - estimate.effect
    return Bias(size=per_unit * slope, error=abs(per_unit) / float(np.sqrt(weights @ line)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """One date of the treatment in the model of all its dates; `scores` by cluster name."""

    shift: int
    effect: float
    std_error: float | None
    df: float | None
    scores: Floats | None
    clusters: tuple[str, ...]
    rows: int
    authorities: int


def _all_years(trial: Trial, leads: int) -> Trial:
    """The trial with every control of the treatment's own year held fixed in each later year of the model too."""
    question, identification = trial.question, trial.identification
    more = []
    for name in identification.adjust_for:
        bare, by = undated(name)
        if bare in trial.panel.names and bare != question.treatment and by == -question.lag and trial.panel.variable(bare).varies == "both":
            more += [Dated(bare, year, always=True) for year in range(by + 1, leads + 1)]
    adjust_for = (*identification.adjust_for, *(name for name in more if name not in identification.adjust_for))
    return replace(trial, identification=replace(identification, adjust_for=adjust_for))


def _adjusted(trial: Trial, leads: int) -> Bias:
    """How far the coefficient asked about moves when the leads join a model of this year's treatment and every lag; the trial with its controls."""
    name, lag = trial.question.treatment, trial.question.lag
    return moved_by(
        trial, [Dated(name, shift, always=True) for shift in range(1, leads + 1)], [Dated(name, shift, always=True) for shift in range(0, -lag, -1)]
    )


def _model(trial: Trial, shift: int, shifts: list[int]) -> tuple[Trial, list[Dated]]:
    """The question asked of the treatment `shift` years after the outcome, every other date held fixed."""
    name = trial.question.treatment
    others = [Dated(name, other, always=True) for other in shifts if other != shift]
    adjust_for = (*trial.identification.adjust_for, *(other for other in others if other not in trial.identification.adjust_for))
    asked = replace(trial.question, lag=-shift)
    return replace(trial, question=asked, identification=replace(trial.identification, adjust_for=adjust_for)), others


def _answers(trial: Trial, shifts: list[int], leads: int) -> list[_Answer]:
    """The dates in one model, by what the estimator is; of one that must be fitted for each only the leads."""
    if isinstance(trial.estimator, Linear):
        return _linear(trial, shifts)
    return _crossfitted(trial, shifts) if isinstance(trial.estimator, PartiallyLinear) else _refits(trial, shifts[:leads])


def _linear(trial: Trial, shifts: list[int]) -> list[_Answer]:
    """All dates in one regression, each date's coefficient with the errors the estimator takes (CR1 or CR2)."""
    assert isinstance(trial.estimator, Linear)
    asked, others = _model(trial, shifts[0], shifts)
    made = design(asked.panel, asked.question, asked.identification)
    fixed = trial.estimator.regression(made)
    dates = [fixed.treatment, *(_column(fixed, made, other) for other in others)]
    kept = [i for i, name in enumerate(fixed.control_names) if name not in others]
    known = fixed.controls[:, kept]
    answers = []
    for i, shift in enumerate(shifts):
        rest = np.column_stack([known, *(date for j, date in enumerate(dates) if j != i)])
        asked_of = replace(fixed, treatment=dates[i], controls=rest, control_names=(), control_groups={})
        residualised = asked_of.partial_out(asked_of.treatment[:, None])
        if np.linalg.norm(residualised) <= 1e-7 * np.linalg.norm(dates[i] - dates[i].mean()):
            raise refusal(
                EstimationError,
                f"the treatment {_named(shift)}",
                "something of its own, to be tested",
                "nothing: it is told by its other dates and what is held fixed",
                "ask for fewer leads",
            )
        fit, _ = least_squares(asked_of, asked_of.basis())
        contrast = trial.question.contrast
        answers.append(
            _Answer(
                shift=shift,
                effect=float(fit.coefficients[0] * contrast),
                std_error=float(fit.std_errors[0] * abs(contrast)),
                df=float(fit.df[0]),
                scores=fit.scores[:, 0] * contrast,
                clusters=fixed.clusters,
                rows=fixed.rows,
                authorities=len(fixed.authorities),
            )
        )
    return answers


def _crossfitted(trial: Trial, shifts: list[int]) -> list[_Answer]:
    """All dates as treatments of one partially linear model, with the estimator's own nuisances."""
    asked, others = _model(trial, shifts[0], shifts)
    made = design(asked.panel, asked.question, asked.identification)
    if missing := [one for one in others if one not in made.control_names]:
        kept = "a date that the others leave something of"
        raise refusal(
            EstimationError, trial.estimator.name, kept, f"{missing[0]}, which they tell wholly", "ask for fewer with  refuters.future_treatment.leads=1"
        )
    at = [made.control_names.index(one) for one in others]
    fit = jointly(trial, without(made, set(at)), np.column_stack([made.treatment, made.controls[:, at]]))
    contrast = trial.question.contrast
    return [
        _Answer(
            shift=shift,
            effect=float(fit.coefficients[i] * contrast),
            std_error=float(fit.std_errors[i] * abs(contrast)),
            df=float(fit.df[i]),
            scores=fit.scores[:, i] * contrast,
            clusters=made.clusters,
            rows=made.rows,
            authorities=len(made.authorities),
        )
        for i, shift in enumerate(shifts)
    ]


def _column(fixed: Design, made: Design, name: str) -> Floats:
    """A date of the treatment as the regression has it; as it stands where the regression adjusts for nothing."""
    if name in fixed.control_names:
        return fixed.controls[:, fixed.control_names.index(name)]
    if fixed.rows != made.rows:
        raise refusal(
            EstimationError,
            "the estimator's regression",
            "the other dates of the treatment",
            "one that drops them",
            "take another estimator to look ahead with",
        )
    return made.controls[:, made.control_names.index(name)]


def _refits(trial: Trial, leads: list[int]) -> list[_Answer]:
    """One refit for each lead; the other leads, the present and the lags are controls."""
    shifts = [*leads, *range(0, -trial.question.lag - 1, -1)]

    def refit(draw: int, rng: np.random.Generator) -> tuple[tuple[str, ...], Estimate] | str:
        asked, _ = _model(trial, leads[draw], shifts)
        try:
            made, estimate = asked.rerun(rng=rng, estimator=lighter(trial.estimator))
        except CausalError as refused:
            return str(refused)
        return made.clusters, estimate

    answers = []
    for shift, one in zip(leads, trial.map("future_treatment", refit, len(leads)), strict=True):
        if isinstance(one, str):
            raise placed(EstimationError, "a refit with leads", one)
        clusters, estimate = one
        answers.append(
            _Answer(
                shift=shift,
                effect=estimate.effect,
                std_error=estimate.std_error,
                df=estimate.df,
                scores=estimate.influence,
                clusters=clusters,
                rows=estimate.rows,
                authorities=estimate.authorities,
            )
        )
    return answers


def _stack(answers: list[_Answer]) -> Floats | None:
    """Scores side by side, shape (clusters, answers), matched by the clusters' names; None where an answer has none."""
    names = sorted({name for one in answers for name in one.clusters})
    at = {name: i for i, name in enumerate(names)}
    stacked = np.zeros((len(names), len(answers)))
    for j, one in enumerate(answers):
        if one.scores is None or len(one.scores) != len(one.clusters):
            return None
        stacked[[at[name] for name in one.clusters], j] = one.scores
    return stacked


def _named(shift: int) -> str:
    return f"lead {shift}" if shift > 0 else "now" if shift == 0 else f"lag {-shift}"


def _parts(trial: Trial, answers: list[_Answer], scores: Floats | None, rng: np.random.Generator) -> tuple[Part, ...]:
    level = trial.question.level
    critical = joint_critical(scores, level, rng) if scores is not None and len(answers) > 1 and (scores**2).sum(axis=0).all() else None
    parts = []
    for one in answers:
        error = one.std_error
        lower, upper = (None, None) if error is None else interval(one.effect, error, level, one.df)[:2]
        reach = None if critical is None or error is None or upper is None else max(critical * error, upper - one.effect)
        parts.append(
            Part(
                kind="time",
                of=trial.design.treatment_variable.name,
                name=_named(one.shift),
                since=-one.shift,
                effect=one.effect,
                std_error=error,
                lower=lower,
                upper=upper,
                joint_lower=None if reach is None else one.effect - reach,
                joint_upper=None if reach is None else one.effect + reach,
                rows=one.rows,
                authorities=one.authorities,
            )
        )
    return tuple(parts)
