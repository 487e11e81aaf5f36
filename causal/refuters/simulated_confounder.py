"""If a confounder of stated strength had been measured, what would the answer have been?

DoWhy's unobserved common cause (Sharma & Kiciman 2020, DoWhy: an end-to-end library for causal inference) on a panel, with its strengths always given. A
variable is simulated that explains stated shares of what is left of the treatment, and of the outcome given the treatment, once effects and controls
are conditioned on; what else it is made of persists from year to year within an authority. It is drawn given the data and held fixed too, so that the
answer moves as it would have moved had such a variable been there and been measured (Carnegie, Harada & Hill 2016, Assessing sensitivity to unmeasured
confounding using a simulated potential confounder). It works with any estimator that takes controls, and for a linear one gives the move of Cinelli &
Hazlett 2020 (Making sense of sensitivity: extending omitted variable bias), whose bounds say what strengths the measured controls make plausible.

For an estimator that is not linear the shares are those of straight lines, and what its answer does is found by fitting it again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import ConfigError, refusal
from causal.estimate import Part
from causal.inference.clustered import interval
from causal.knobs import between, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, reporting, unsure
from causal.refuters.machinery.omitted import benchmarks, bound, label, residuals
from causal.rescored import can_carry
from causal.rows import Control
from causal.trial import Setting, Trial
from causal.verdict.decide import row_of
from causal.words import count, places, span

STILL = 1e-6  # of a standard error: an answer that moves less takes no notice of controls


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedConfounder:
    """Simulate a confounder, hold it fixed, and watch the answer.

    Parameters
    ----------
    strengths : pairs of partial R², with the treatment and with the outcome given the treatment.
    multiple : how many times as strong as the strongest measured control is the confounder that decides.
    draws, refits : simulated confounders of each strength, for a linear estimator and for one that must be fitted again.
    persistence : yearly autocorrelation of what else the confounder is made of.
    """

    family: ClassVar[Family] = "sensitivity"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "a made-up hidden cause"
    catches: ClassVar[str] = "slight_finding"

    strengths: Sequence[tuple[float, float]] = ((0.01, 0.01), (0.05, 0.05), (0.1, 0.1))
    multiple: float = 1.0
    draws: int = 20
    refits: int = 3
    persistence: float = 0.5

    def __post_init__(self) -> None:
        whole_number("simulated_confounder.draws", self.draws, 1)
        whole_number("simulated_confounder.refits", self.refits, 1)
        between("simulated_confounder.multiple", self.multiple, 0, float("inf"))
        between("simulated_confounder.persistence", self.persistence, -1, 1)
        given: Any = self.strengths
        try:
            pairs = tuple((float(treatment), float(outcome)) for treatment, outcome in given)
        except (TypeError, ValueError):
            pairs = ()
        if not pairs or not all(0 <= one < 1 for pair in pairs for one in pair):
            wanted = "a list of pairs of shares from 0 to below 1, [[0.05, 0.05]]: of the treatment, and of the outcome given the treatment"
            raise refusal(ConfigError, "simulated_confounder.strengths", f"{wanted}", repr(given), "write a list of numbers")
        object.__setattr__(self, "strengths", pairs)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "simulated_confounder"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        name = setting.estimator.name
        if setting.identification.strategy != "backdoor":
            return f"{name} does not rest on measured confounders being held fixed"
        if hasattr(setting.estimator, "rows"):
            return f"{name} takes one row an authority, with controls of the first years; a yearly confounder has no place in it"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to take the finding away by a confounder no stronger than those measured.

        Parameters
        ----------
        trial : any with an interval.
        rng : draws the confounder.
        """
        estimate, question = trial.estimate, trial.question
        report = reporting(
            self,
            asks="Had a confounder of stated strength been measured and held fixed, would the finding still stand?",
            expected=f"The finding stands with one {self.multiple:g} times as strong as the strongest measured control.",
            detects="A finding so slight that a confounder no stronger than those measured would undo it, by the estimator's own answer.",
            cannot_detect="Whether there is such a confounder; nor what one would do that acts in curves.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        assert estimate.std_error is not None
        made = trial.fixed
        outcome, treatment = residuals(made, (), None)
        lengths = [float(np.linalg.norm(column)) for column in (treatment, outcome - treatment * (treatment @ outcome) / (treatment @ treatment))]
        if min(lengths) <= 1e-9 * math.sqrt(made.rows):
            return not_run(report, "nothing of treatment or outcome is left once the controls are held fixed")
        if estimate.lower is None or estimate.upper is None:
            return not_run(report, f"{estimate.estimator} gives no interval")
        row = row_of(estimate.lower, estimate.upper, question.smallest_important)
        claims = "effect" if estimate.lower * estimate.upper > 0 else row
        towards = math.copysign(1.0, estimate.effect * question.contrast)
        strongest = self._strongest(made, outcome, treatment)
        tried = [(f"{one:.1%} of treatment, {other:.1%} of outcome", one, other) for one, other in self.strengths]
        if strongest is not None:
            tried.insert(0, (f"as strong as {label(trial, strongest[0])}" + ("" if self.multiple == 1 else f", {self.multiple:g} times"), *strongest[1]))
        ways = (towards, -towards) if claims == "inside" else (towards,)
        draws = self.draws if trial.linear or (trial.score is not None and can_carry(trial.score)) else self.refits
        noise = _lasting_noise(made, draws, self.persistence, rng)
        simulated = np.column_stack([_confounder(made, treatment, outcome, noise, one, other, way) for _, one, other in tried for way in ways])
        effects, errors = trial.redraw(self.name, control=simulated)
        effects, errors = (side.reshape(len(tried), len(ways), draws) for side in (effects, errors))
        good = np.isfinite(effects) & np.isfinite(errors)
        if not good.any(axis=2).all():
            return not_run(report, f"{estimate.estimator} gave no answer with a simulated confounder held fixed")
        if np.abs(effects[good] - estimate.effect).max() <= STILL * estimate.std_error:
            return not_run(report, f"{estimate.estimator} takes no notice of a control, so none can move it")
        numbers: dict[str, float | None] = {"draws": float(draws)}
        parts, said = [], []
        decimals = places(max(abs(estimate.effect), estimate.std_error))
        for i, (name, one, other) in enumerate(tried):
            effect, error = (float(side[i, 0][good[i, 0]].mean()) for side in (effects, errors))
            lower, upper, _ = interval(effect, error, question.level, estimate.df)
            parts.append(Part(kind="group", of="with a confounder", name=name, effect=effect, std_error=error, lower=lower, upper=upper))
            numbers |= {f"{name}: effect": effect, f"{name}: partial R² with treatment": one, f"{name}: partial R² with outcome": other}
            said.append(f"{name}: {amount(trial, effect)} ({span(lower, upper, decimals)})")
        words = f"The answer of {amount(trial, estimate.effect)} becomes, with a simulated confounder held fixed, {'; '.join(said)}"
        words += f" ({count(draws, 'draw')} each, working towards 0). "
        if strongest is None:
            reason = "no control that changes in time is in the model, so nothing says how strong a confounder may be"
            return report(found=f"{words}Not judged: {reason}.", p_value=None, survived=None, reason=reason, numbers=numbers, parts=tuple(parts))
        undone = max(_undone(trial, claims, effects[0, j][good[0, j]], errors[0, j][good[0, j]]) for j in range(len(ways)))
        numbers["share of draws in which the strongest undoes the finding"] = undone
        survived = undone < 0.5
        if claims not in ("effect", "inside"):
            words += "The interval includes 0 and important effects, so there is no finding to take away; one may also be hidden by a confounder."
        elif survived:
            words += "The finding stands with one as strong as the strongest control; whether a stronger one exists, no number here can say."
        else:
            what = "include 0" if claims == "effect" else "leave an important effect open"
            words += f"One as strong as the strongest control makes the interval {what}."
        return report(found=words, p_value=None, survived=survived, lost=int((~good).sum()), numbers=numbers, parts=tuple(parts))

    def _strongest(self, design: Design, outcome: Floats, treatment: Floats) -> tuple[Control, tuple[float, float]] | None:
        """The measured control whose like would move a straight line's effect most, and what strengths it makes plausible."""
        best: tuple[float, Control, tuple[float, float]] | None = None
        for group, measured in benchmarks(design, treatment, outcome, None).items():
            strengths = bound(*measured, self.multiple)
            if strengths is None:
                continue
            bias = strengths[1] * strengths[0] / (1 - strengths[0])
            if best is None or bias > best[0]:
                best = (bias, group, strengths)
        return None if best is None else best[1:]


def _lasting_noise(design: Design, draws: int, persistence: float, rng: np.random.Generator) -> Floats:
    """Noise that persists within authorities, shape (rows, draws)."""
    noise = rng.standard_normal((design.rows, draws))
    follows = np.r_[False, np.diff(design.authority) == 0]
    for row in np.flatnonzero(follows):
        noise[row] = persistence * noise[row - 1] + math.sqrt(1 - persistence**2) * noise[row]
    return noise


def _confounder(design: Design, treatment: Floats, outcome: Floats, noise: Floats, with_treatment: float, with_outcome: float, way: float) -> Floats:
    """Confounders with just these partial R², shape (rows, draws), in raw rows.

    treatment, outcome : residuals, shape (rows,); way : +1 where it goes with the outcome as it goes with the treatment, −1 where against.
    """
    d = treatment / np.linalg.norm(treatment)
    e = outcome - d * (d @ outcome)
    e /= np.linalg.norm(e)
    rest = design.partial_out(noise)
    for known in (d, e):
        rest = rest - np.outer(known, known @ rest)
    rest /= np.linalg.norm(rest, axis=0)
    beside = math.sqrt(1 - with_treatment)
    explained = math.sqrt(with_treatment) * d + way * beside * math.sqrt(with_outcome) * e
    return np.asarray((explained[:, None] + beside * math.sqrt(1 - with_outcome) * rest) / design.root_weights[:, None])


def _undone(trial: Trial, claims: str | None, effects: Floats, errors: Floats) -> float:
    """Share of draws in which the finding is gone."""
    gone = []
    for effect, error in zip(effects, errors, strict=True):
        lower, upper, _ = interval(float(effect), float(error), trial.question.level, trial.estimate.df)
        if claims == "effect":
            gone.append(lower * upper <= 0 or effect * trial.estimate.effect <= 0)
        else:
            gone.append(claims == "inside" and max(-lower, upper) >= trial.question.smallest_important)
    return float(np.mean(gone))
