"""Do other estimators of the same effect give the same answer?

Estimators that rest on the same adjustment set and differ in how they use it must agree up to chance when their assumptions hold (Hausman 1978,
Specification tests in econometrics). What counts is the error of the *difference*: two answers from the same authorities share most of their chance,
so that overlapping intervals say nothing. Where both have influence scores by cluster the error comes from the differences of the scores; otherwise clusters
are drawn with replacement and both are fitted again (Cameron & Miller 2015, A practitioner's guide to cluster-robust inference). Several are
tested together by Holm's rule.

What a difference can mean: answers that shrink from within authorities to changes from year to year point first of all to a treatment recorded with error,
since differencing keeps the error and loses the signal (Griliches & Hausman 1986, Errors in variables in panel data); otherwise to confounding
that changes in time, to effects that take years, or to effects that differ where the estimators weigh authorities differently.

Only estimates of one effect are compared (`Estimate.same_effect`). How it is weighted and modelled may differ; that is what is on trial. If the surest of
those that differ is right, the answer is off by ours − theirs.

One weighting stands apart. An average of places alike (Pesaran & Smith 1995) differs from one in which movers count most wherever effects go with how far the
treatment moves, and neither is wrong. Such a difference is shown, and is a fault only where the question asks for places alike (`question.places_alike`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.draws import stream
from causal.errors import CausalError, ConfigError, refusal
from causal.estimate import Estimate, Estimator, Linear, Part
from causal.inference.clustered import interval
from causal.inference.multiplicity import smallest
from causal.knobs import whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size, unsure
from causal.refuters.machinery.bias import reach
from causal.trial import Setting, Trial, fitted
from causal.voice import apart
from causal.words import capital, listed

WINDOWS = ("before", "after", "base_outcome")  # knobs that say which rows are compared: those of the trial's estimator
ENOUGH = 0.9  # share of bootstrap samples in which both must have an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """An estimate beside the trial's: their difference in outcome units, its error and p-value, and how the error was got."""

    estimate: Estimate
    linear: bool
    difference: float
    std_error: float
    p_value: float
    df: float
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorAgreement:
    """The same question put to other estimators.

    Parameters
    ----------
    estimators : each with its own knobs; one equal to the trial's own is passed over.
    adoption : those beside an estimator of adoption (the average effect on those who take the treatment up and keep it).
    one_row : those beside an estimator of one row for each authority, in its windows.
    draws : samples of clusters where some estimator has no influence scores.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = "agreement"
    label: ClassVar[str] = "other methods"
    catches: ClassVar[str] = "recorded_with_error"

    estimators: Sequence[Estimator] = ()
    adoption: Sequence[Estimator] = ()
    one_row: Sequence[Estimator] = ()
    draws: int = 100

    def __post_init__(self) -> None:
        whole_number("estimator_agreement.draws", self.draws, 20)
        for key in ("estimators", "adoption", "one_row"):
            given: Any = getattr(self, key)
            if isinstance(given, str) or not hasattr(given, "__iter__") or not all(hasattr(one, "estimate") and hasattr(one, "name") for one in given):
                raise refusal(
                    ConfigError,
                    f"estimator_agreement.{key}",
                    "a list of estimators, in YAML each with its _target_",
                    repr(given),
                    "write  {_target_: causal.estimators.first_difference.FirstDifference}  for one",
                )
            object.__setattr__(self, key, tuple(given))

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "estimator_agreement"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if all(one == setting.estimator for one in (*self.estimators, *self.adoption, *self.one_row)):
            return f"no other estimator is named; name some with  refuters.{self.name}.estimators=[{{_target_: causal.estimators.…}}]"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to find an estimator of the same effect that differs by more than chance.

        Parameters
        ----------
        trial : with another estimator of the same estimand on the shelf.
        rng : seeds the other estimators, and draws clusters where scores are not kept.
        """
        estimate = trial.estimate
        report = reporting(
            self,
            asks="Do other estimators of the same effect give the same answer?",
            expected="Differences no larger than chance makes them between estimators that share authorities.",
            detects="A treatment recorded with error (answers shrink in changes from year to year), confounding that changes in time, effects that take years "
            "or differ between authorities, controls that do not act in straight lines: whatever the estimators do not handle alike.",
            cannot_detect="Faults that bias all of them alike, as a confounder that none holds fixed may. Which of two that differ is right.",
        )
        if (why := self.unmet(trial) or unsure(trial)) is not None:
            return not_run(report, why)
        others = self._others(trial)
        found: list[_Compared] = []
        weighed: list[_Compared] = []
        out: list[str] = []
        for other in others:
            made = self._compared(trial, other)
            if isinstance(made, str):
                out.append(made)
            elif _counts_otherwise(trial, made.estimate):
                weighed.append(made)
            else:
                found.append(made)
        beside = " ".join(_weighing(trial, one) for one in weighed)
        if not found:
            why = "; ".join([*out, *(f"{one.estimate.estimator} averages otherwise" for one in weighed)])
            return not_run(report, f"nothing to compare with: {why or 'no estimator that is named answers the same question'}. {beside}".strip())
        p_value = smallest([one.p_value for one in found])
        level = 1 - trial.question.level
        survived = p_value >= level
        # the surest difference: what the answer is off by if that other is right
        worst = min(found, key=lambda one: (one.p_value, one.estimate.estimator))
        numbers: dict[str, float | None] = {"estimators compared": float(len(found))}
        parts, said = [], []
        for one in [*found, *weighed]:
            theirs, name = one.estimate, one.estimate.estimator
            numbers |= {
                f"{name}: effect": theirs.effect,
                f"{name}: difference": one.difference,
                f"{name}: standard error of the difference": one.std_error,
                f"{name}: p-value": one.p_value,
            }
            error, lower, upper = theirs.std_error, theirs.lower, theirs.upper
            parts.append(Part(kind="group", of="estimator", name=name, effect=theirs.effect, std_error=error, lower=lower, upper=upper))
            if _counts_otherwise(trial, theirs):
                continue
            said.append(
                f"{name.replace('_', ' ')} {amount(trial, theirs.effect)}, a difference of {amount(trial, one.difference)} "
                f"(standard error {size(trial, one.std_error)} from {one.how}, {p_text(one.p_value)})"
            )
        words = f"Beside {estimate.estimator.replace('_', ' ')} {amount(trial, estimate.effect)}: {'; '.join(said)}. "
        if survived:
            words += "None differs by more than chance; that they agree does not show that they are right."
        else:
            words += f"{capital(worst.estimate.estimator.replace('_', ' '))} differs by more than chance. {_reading(trial, worst)}"
        if beside:
            words += f" {beside}"
        if out:
            words += f" Not compared: {'; '.join(out)}."
        return report(
            found=words,
            p_value=p_value,
            survived=survived,
            numbers=numbers,
            parts=tuple(parts),
            level=level,
            bias=-worst.difference,
            bias_error=worst.std_error,
            blind_below=_blind(found, level),
        )

    def _others(self, trial: Trial) -> list[Estimator]:
        """Those that are named for this kind of estimate, in its windows, without the trial's own.

        Those of adoption and of one row are not asked beside another kind, whose question they do not answer.
        """
        estimand = trial.estimate.estimand
        one_row = bool(estimand.windows) or estimand.comparison == "between"
        kind = self.adoption if estimand.family == "adoption" else self.one_row if one_row else ()
        own: set[str] = {one.name for one in fields(trial.estimator)} if is_dataclass(trial.estimator) else set()
        asked = []
        for one in (*self.estimators, *kind):
            has: set[str] = {key.name for key in fields(one)} if is_dataclass(one) else set()
            same = {key: getattr(trial.estimator, key) for key in WINDOWS if key in has and key in own} if one in kind else {}
            asked.append(replace(one, **same) if same else one)  # type: ignore[type-var]
        return [one for i, one in enumerate(asked) if one != trial.estimator and one not in asked[:i]]

    def _compared(self, trial: Trial, other: Estimator) -> _Compared | str:
        """The difference from another estimator's answer, or why there is none to be had."""
        mine, known = trial.estimate, [said for one, said in trial.beside if one == other]
        try:
            theirs = known[0] if known else fitted(other, trial.design, stream(trial.seed, "estimate"))
        except CausalError as why:
            return f"{other.name}: {str(why).rstrip('.')}"
        if not theirs.same_effect(mine):
            return f"{other.name} answers another question ({theirs.estimand}, {theirs.target})"
        if theirs.std_error is None or not np.isfinite([theirs.effect, theirs.std_error]).all():
            return f"{other.name} has no valid standard error, and a bootstrap gives it none"
        far = apart(mine, theirs)
        difference, df, error, how = far.difference, far.df, far.std_error, "influence scores"
        if error is None:
            drawn = self._bootstrap(trial, other)
            good = np.isfinite(drawn)
            if good.mean() < ENOUGH:
                return f"{other.name} and {mine.estimator} both answered in only {good.sum()} of {self.draws} samples of authorities"
            error, how = float(drawn[good].std(ddof=1)), f"{good.sum()} samples of authorities"
        if far.same:
            return f"{other.name} is the same estimate"
        _, _, p_value = interval(difference, error, trial.question.level, df)
        return _Compared(
            estimate=theirs, linear=isinstance(other, Linear), difference=difference, std_error=error, p_value=p_value, df=np.inf if df is None else df, how=how
        )

    def _bootstrap(self, trial: Trial, other: Estimator) -> Floats:
        """Differences on clusters drawn with replacement, shape (draws,); NaN where one has no answer."""
        made, mine, number = trial.design, trial.estimator, len(trial.design.clusters)

        def step(_: int, rng: np.random.Generator) -> float:
            again: Design = made.resample_clusters(np.sort(rng.integers(number, size=number)).astype(np.int64))
            seed = int(rng.integers(2**31))
            try:
                return fitted(other, again, np.random.default_rng(seed)).effect - fitted(mine, again, np.random.default_rng(seed)).effect
            except CausalError:
                return np.nan

        return np.array(trial.map(f"{self.name} {other.name}", step, self.draws), dtype=float)


def _counts_otherwise(trial: Trial, theirs: Estimate) -> bool:
    """Whether one of the two counts places alike and the other by how far treatments move, where the question does not ask for either."""
    ways = {trial.estimate.estimand.weighting, theirs.estimand.weighting}
    within = trial.estimate.estimand.comparison == "within"
    return within and len(ways) == 2 and "places" in ways and not trial.question.places_alike


def _weighing(trial: Trial, one: _Compared) -> str:
    """How far two weightings of one effect lie apart, as a sentence."""
    alike = one.estimate.estimand.weighting == "places"
    name = one.estimate.estimator.replace("_", " ")
    apart = f"{amount(trial, one.difference)} apart (standard error {size(trial, one.std_error)}, {p_text(one.p_value)})"
    other = "counts places alike" if alike else f"is {one.estimate.estimand.averaged}"
    return f"Another weighting, and no fault of either: {name} {other} and gives {amount(trial, one.estimate.effect)}, {apart}."


def _blind(found: Sequence[_Compared], level: float) -> float | None:
    """The smallest bias that one of the others shows four times in five, if it has none of it."""
    sees = [(one.std_error, reach(one.df, level / len(found))) for one in found]
    return min((error * times for error, times in sees if times is not None), default=None)


def _reading(trial: Trial, one: _Compared) -> str:
    """What a difference can mean, likeliest first."""
    mine, theirs = trial.estimate, one.estimate
    changes = [estimate.estimand.changes for estimate in (mine, theirs)]
    causes = ["confounding that changes in time", "effects that take years to build up or to fade"]
    first = ""
    if changes[0] != changes[1]:
        short, long = (mine, theirs) if changes[0] else (theirs, mine)
        if abs(short.effect) < abs(long.effect):
            first = "The answer shrinks from within authorities to changes from year to year: first of all, the treatment may be recorded with error. "
    if mine.estimand.weighting != theirs.estimand.weighting:
        causes.append("effects that differ between authorities or years, which the two weigh differently")
    if one.linear != trial.linear:
        causes.insert(0, "controls that do not act in straight lines")
    return f"{first}{'Then' if first else 'It can mean'} {listed(causes)}."
