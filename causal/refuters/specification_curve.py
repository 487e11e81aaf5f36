"""Does the answer hang on choices that could as well have been made another way?

Every reasonable way to answer the question is tried: all adjustment sets that the graph calls valid, other windows of years, other measures of the same
thing. If graph and measures are right they all answer one question, so they may differ by chance alone: the differences from the chosen one are tested
together, with the authorities' scores of each difference (a Hausman test in its clustered form; Hausman 1978, Specification tests in econometrics; the largest
of them by its joint distribution, Montiel Olea & Plagborg-Møller 2019, Simultaneous confidence bands). A difference too small to matter is let pass.

Beside it stands the joint test of the whole curve (Simonsohn, Simmons & Nelson 2020, Specification curve analysis): were there no effect, how often would
the median of the specifications' t statistics be as far from 0? Residual treatment histories are dealt among authorities observed in the same years,
the same deal for every specification, and studentised medians are compared.

One curve holds one estimand. Another lag, contrast, target or weighting, or a treatment or outcome in another unit, asks another question: it gets a
curve of its own, which is shown and tested but does not decide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.draws import stream
from causal.errors import CausalError, ConfigError, refusal
from causal.estimate import Linear, Part, PartiallyLinear, once
from causal.inference.clustered import cluster_sums, interval
from causal.knobs import at_least, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size, unsure, whole_units
from causal.refuters.machinery.bias import jointly
from causal.refuters.machinery.histories import alike
from causal.refuters.machinery.specification import Specification, specifications
from causal.regression import least_squares
from causal.trial import Setting, Trial, fitted
from causal.words import count

ASKED = ("lag", "control", "treated", "target", "weights")
JOINT_DRAWS = 10_000
SAME = 1e-6  # share of a standard error below which two answers are one


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecificationCurve:
    """Answer the question in every reasonable way, and see whether the answers agree.

    Parameters
    ----------
    sets : most adjustment sets, the chosen one first, then those with the fewest names.
    years : windows of outcome years, (first, last), tried beside all years.
    columns : name → columns that measure the same thing and are tried in its place.
    questions : changes of the question (lag, control, treated, target, weights); each gets a curve of its own.
    draws : deals of histories for the joint test (linear estimators only).
    refits : most specifications of one curve for an estimator that must be fitted again.
    tolerance : difference from the chosen specification, in its standard errors, that is let pass however sure it is.
    """

    family: ClassVar[Family] = "stability"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "other reasonable choices"
    catches: ClassVar[str] = "sets_disagree"

    sets: int = 20
    years: tuple[tuple[int, int], ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    questions: tuple[Mapping[str, Any], ...] = ()
    draws: int = 200
    refits: int = 10
    tolerance: float = 0.5

    def __post_init__(self) -> None:
        for key, least in (("sets", 1), ("draws", 19), ("refits", 2)):
            whole_number(f"specification_curve.{key}", getattr(self, key), least)
        at_least("specification_curve.tolerance", self.tolerance, 0)
        wanted, remedy = "a list of windows [first, last] of outcome years, the first before the last", "write  [[2012, 2018]],  or  []  for none"
        try:
            object.__setattr__(self, "years", tuple((int(first), int(last)) for first, last in self.years))
        except (TypeError, ValueError):
            raise refusal(ConfigError, "specification_curve.years", wanted, repr(self.years), remedy) from None
        if any(first >= last for first, last in self.years):
            raise refusal(ConfigError, "specification_curve.years", wanted, repr(self.years), remedy)
        if not isinstance(self.columns, Mapping) or any(isinstance(new, str) or not new for new in self.columns.values()):
            raise refusal(ConfigError, "specification_curve.columns", "name: [other columns, …]", repr(self.columns), "write  {plans: [section47]}")
        object.__setattr__(self, "columns", {str(old): tuple(map(str, new)) for old, new in self.columns.items()})
        asked = self.questions if isinstance(self.questions, (list, tuple)) else (self.questions,)
        for one in asked:
            if not isinstance(one, Mapping) or not one or set(one) - set(ASKED):
                raise refusal(
                    ConfigError,
                    "specification_curve.questions",
                    f"a list of changes to {', '.join(ASKED)}, such as [{{lag: 1}}]",
                    repr(one),
                    "write  refuters.specification_curve.questions=[{lag: 1}]",
                )
        object.__setattr__(self, "questions", tuple(dict(one) for one in self.questions))

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "specification_curve"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that the answer is that of the question, not of one specification.

        Parameters
        ----------
        trial : with more than one specification.
        rng : draws the joint law of differences, and how histories are permuted.
        """
        level = 1 - trial.question.level
        report = reporting(
            self,
            asks="Do other specifications that are as reasonable give the same answer?",
            expected=f"No difference from the chosen one beyond chance (all together, {level:.0%}) and of more than {self.tolerance:g} standard errors.",
            detects="An answer that hangs on one specification: a graph whose valid adjustment sets do not agree, so that it is wrong somewhere; an effect "
            "of one window of years or one measure only.",
            cannot_detect="What all specifications share: a confounder in none of the sets, a wrong outcome, reverse causation.",
        )
        if (why := unsure(trial)) is not None:
            return not_run(report, why)
        specs, refused = specifications(trial, sets=self.sets, years=self.years, columns=self.columns, questions=self.questions)
        answers = _linear(trial, specs) if trial.linear else _refits(trial, specs, self.refits)
        tried = len(specs) if trial.linear else sum(sum(other.curve == one.curve for other in specs[:i]) < self.refits for i, one in enumerate(specs))
        lost = tried - len(answers)
        parts = tuple(_part(one, trial.question.level) for one in sorted(answers, key=lambda one: (one.spec.curve, one.effect)))
        main = [one for one in answers if one.spec.curve == "" and one.spec.decides]
        beside = _beside(trial, [one for one in answers if one.spec.curve == "" and not one.spec.decides])
        if len(main) < 2 or not main[0].spec.chosen:
            reason = "there is no second specification: one valid adjustment set, and no other windows or columns given in its knobs"
            if beside:
                reason = "there is no second specification that would have to give the same answer"
            reason = reason if main else "the chosen specification could not be answered again"
            return not_run(report, reason, found=f"Not run: {reason}.{beside}", parts=parts if beside else ())
        effects = np.array([one.effect for one in main])
        t = np.array([one.effect / one.std_error for one in main])
        p_value, far, worst = _agreement(main, self.tolerance, level, rng)
        permuted, curves = rng.random((self.draws, len(trial.panel.authorities))), dict.fromkeys(one.spec.curve for one in answers)
        of = {curve: [one for one in answers if one.spec.curve == curve] for curve in curves}
        joint = {curve: _joint(of[curve], permuted, trial.panel.authorities) if trial.linear else None for curve in curves}
        survived = not far
        middle = float(np.median(effects))
        significant = float(np.mean([one.p_value < level and one.effect * middle > 0 for one in main]))
        left = len([one for one in specs if one.curve == ""]) - len(main)
        words = (
            f"{count(len(main), 'specification')} of one estimand: {amount(trial, float(effects.min()))} to {amount(trial, float(effects.max()))}, "
            f"median {amount(trial, middle)}; {significant:.0%} significant in the median's direction"
        )
        if (whole := joint[""]) is not None:
            words += f"; were there no effect, a median t as far from 0 as {float(np.median(t)):+.2f} has {p_text(whole)}"
        words += f". Largest difference from the chosen one: {worst.spec.label}, {amount(trial, worst.effect)} ({p_text(p_value)} over all). "
        words += (
            "The answer does not hang on the specification."
            if survived
            else "The answer hangs on the specification: the graph or a measure is wrong somewhere."
        )
        words += beside
        numbers: dict[str, float | None] = {
            "specifications": float(len(main)),
            "median effect": middle,
            "share significant in the median's direction": significant,
            "median t": float(np.median(t)),
            "joint p-value of no effect": joint[""],
            "largest difference, in standard errors": abs(worst.effect - main[0].effect) / main[0].std_error,
            "specifications that differ": float(far),
        }
        for curve in filter(None, curves):
            own = of[curve]
            here = float(np.median([one.effect for one in own]))
            words += f" Another question, {curve}: median {amount(trial, here)} of {count(len(own), 'specification')}."
            numbers |= {f"{curve}: median effect": here, f"{curve}: specifications": float(len(own)), f"{curve}: joint p-value": joint[curve]}
        if left > 0:
            words += f" {count(left, 'specification')} could not be answered or were beyond what refits allow."
        if refused:
            words += " " + " ".join(refused)
        return report(found=words, p_value=p_value, level=level, survived=survived, lost=lost, numbers=numbers, parts=parts)


_Refit = tuple[float, float | None, float | None, Floats | None]  # effect, its error, degrees of freedom and scores by cluster


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Answer:
    """What one specification answers; `scores` by cluster, `regression` for a linear estimator."""

    spec: Specification
    effect: float
    std_error: float
    p_value: float
    df: float | None
    scores: Mapping[str, float] | None
    regression: Design | None


def _beside(trial: Trial, shown: Sequence[_Answer]) -> str:
    """What sets give that hold more fixed by its value in one year alone, as a sentence; "" where there are none."""
    if not shown:
        return ""
    each = "; ".join(f"{one.spec.label}, {amount(trial, one.effect)} (standard error {size(trial, one.std_error)})" for one in shown)
    return (
        f" Shown and not judged, with more held fixed by its value in one year alone: {each}. What was out of the ordinary in that year returns to a place's "
        "own level, so that these may differ though the graph is right."
    )


def _linear(trial: Trial, specs: Sequence[Specification]) -> list[_Answer]:
    """Least squares of each specification, as the estimator's regression has it."""
    assert isinstance(trial.estimator, Linear)
    answers = []
    for spec in specs:
        with suppress(CausalError):
            used = trial.estimator.regression(spec.design)
            fit, _ = least_squares(used, used.basis())
            contrast = used.question.contrast
            effect, error, df = float(fit.coefficients[0] * contrast), float(fit.std_errors[0] * abs(contrast)), float(fit.df[0])
            answers += _answered(spec, effect, error, df, used.clusters, fit.scores[:, 0] * contrast, used)
    return answers


def _refits(trial: Trial, specs: Sequence[Specification], most: int) -> list[_Answer]:
    """A fit of each specification, the first of each curve; that of the chosen one is at hand.

    Of an estimator with an orthogonal score one cross-fit each is enough: all draw alike, so that clusters share their folds, and what is added to the answer
    is how far a specification lies from the chosen one on the same folds.
    """
    turn = [sum(other.curve == one.curve for other in specs[:i]) for i, one in enumerate(specs)]
    tried = [one for one, before in zip(specs, turn, strict=True) if before < most]

    def refit(draw: int, rng: np.random.Generator) -> _Refit | None:
        spec = tried[draw]
        try:
            if trial.score is None:
                one = trial.estimate if spec.chosen and not spec.curve else fitted(trial.estimator, spec.design, rng)
            elif isinstance(trial.estimator, PartiallyLinear):
                # one slope, also where what is learnt differs between groups, which no specification is about
                fit = jointly(trial, spec.design, spec.design.treatment[:, None])
                contrast = spec.design.question.contrast
                return float(fit.coefficients[0] * contrast), float(fit.std_errors[0] * abs(contrast)), float(fit.df[0]), fit.scores[:, 0] * contrast
            else:
                one = fitted(once(trial.estimator), spec.design, stream(trial.seed, "estimate"))
        except CausalError:
            return None
        return one.effect, one.std_error, one.df, one.influence

    made = trial.map("specification_curve", refit, len(tried))
    chosen = next((one for spec, one in zip(tried, made, strict=True) if spec.chosen and not spec.curve), None)
    answers = []
    for spec, answered in zip(tried, made, strict=True):
        if answered is None or answered[1] is None:
            continue
        effect, error, df, influence = answered
        assert error is not None
        if trial.score is not None and not spec.curve:
            if chosen is None or not chosen[1] or trial.estimate.std_error is None:
                continue
            effect, error = trial.estimate.effect + (effect - chosen[0]), trial.estimate.std_error * (error / chosen[1])
        answers += _answered(spec, effect, error, df, spec.design.clusters, influence, None)
    return answers


def _answered(
    spec: Specification, effect: float, error: float, df: float | None, clusters: Sequence[str], scores: Floats | None, used: Design | None
) -> list[_Answer]:
    """The answer, if it is one."""
    if not (math.isfinite(effect) and math.isfinite(error) and error > 0):
        return []
    p_value = interval(effect, error, spec.design.question.level, df)[2]
    known = None if scores is None or len(scores) != len(clusters) else dict(zip(clusters, scores.tolist(), strict=True))
    return [_Answer(spec=spec, effect=effect, std_error=error, p_value=p_value, df=df, scores=known, regression=used)]


def _agreement(main: Sequence[_Answer], tolerance: float, level: float, rng: np.random.Generator) -> tuple[float, int, _Answer]:
    """Whether all specifications agree with the first: joint p-value, how many differ beyond chance and tolerance, and the one that differs most surely.

    Where an estimator has no scores the error of a difference is taken at its largest, the sum of both errors.
    """
    from scipy import stats

    first, rest = main[0], list(main[1:])
    gaps = np.array([one.effect - first.effect for one in rest])
    scored = all(one.scores is not None for one in main)
    if scored:
        names = sorted({name for one in main for name in one.scores or {}})
        table = np.array([[(one.scores or {}).get(name, 0.0) for name in names] for one in main])
        apart = table[1:] - table[0]
        errors = np.sqrt((apart**2).sum(axis=1))
    else:
        apart = np.diag([first.std_error + one.std_error for one in rest])
        errors = np.diag(apart).copy()
    real = errors > SAME * first.std_error
    df = min([one.df for one in main if one.df is not None], default=None)
    t = np.where(real, np.abs(gaps) / np.where(real, errors, 1.0), 0.0)
    z = t if df is None else stats.norm.isf(stats.t.sf(t, df))
    p_values = np.ones(len(rest))
    if real.any():
        unit = apart[real] / errors[real, None]
        values, vectors = np.linalg.eigh(unit @ unit.T)
        drawn = rng.standard_normal((JOINT_DRAWS, len(values))) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
        highest = np.sort(np.abs(drawn).max(axis=1))
        p_values = (1 + len(highest) - np.searchsorted(highest, z, side="left")) / (1 + len(highest))
    differ = (p_values < level) & (np.abs(gaps) > tolerance * first.std_error)
    order = np.lexsort((-np.abs(gaps), p_values, ~differ))
    return float(p_values[order[0]]), int(differ.sum()), rest[int(order[0])]


def _joint(answers: Sequence[_Answer], uniform: Floats, authorities: Sequence[str]) -> float:
    """How often dealt histories give a median |t| as large, were there no effect.

    uniform : shape (draws, authorities of the panel); who takes whose history, the same in every specification.
    """
    place = {name: i for i, name in enumerate(authorities)}
    real, drawn = [], []
    for one in answers:
        used = one.regression
        assert used is not None
        basis = used.basis()
        outcome, treatment = (used.partial_out(column[:, None], basis)[:, 0] for column in (used.outcome, used.treatment))
        history = np.tile(treatment / used.root_weights, (len(uniform), 1))
        unit, number = whole_units(used)
        for rows in alike(unit, number, used):
            own = history[0, rows]
            key = uniform[:, [place[used.authorities[a]] for a in used.authority[rows[:, 0]]]]
            history[:, rows] = own[np.argsort(key, axis=1)]
        real.append(_t(treatment[None], outcome, used)[0])
        drawn.append(_t(used.partial_out(history.T, basis).T, outcome, used))
    middle = abs(float(np.median(real)))
    with np.errstate(invalid="ignore"):
        reached = int((np.abs(np.median(drawn, axis=0)) >= middle * (1 - 1e-9)).sum())
    return (1 + reached) / (1 + len(uniform))


def _t(treatment: Floats, outcome: Floats, used: Design) -> Floats:
    """Clustered t statistics, shape (draws,), of residual treatments, shape (draws, rows), up to a factor that all draws share."""
    size = np.einsum("bn,bn->b", treatment, treatment)
    slope = treatment @ outcome / size
    scores = cluster_sums((treatment * (outcome - treatment * slope[:, None])).T, used.cluster, len(used.clusters))
    return np.asarray(slope * size / np.sqrt((scores**2).sum(axis=0)))


def _part(one: _Answer, level: float) -> Part:
    lower, upper, _ = interval(one.effect, one.std_error, level, one.df)
    return Part(
        kind="specification",
        of=one.spec.curve or "as asked",
        name=one.spec.label,
        chosen=one.spec.chosen,
        effect=one.effect,
        std_error=one.std_error,
        lower=lower,
        upper=upper,
        rows=one.spec.design.rows,
        authorities=len(one.spec.design.authorities),
    )
