"""How far could rounding in the published numbers move the answer?

Counts published to the nearest 5 or 10 lie anywhere within half a step of what is printed. The unrounded numbers are drawn evenly from there, outcome and
treatment alike, and the answer is got again, many times (Heitjan & Rubin 1991, Ignorability and coarse data, where the rounding tells nothing more
than the interval). A rate is rounded by its count's half step over its people. Beside the draws stands the most that rounding of
the outcome could do at worst, the sum of the sizes of the weights times the half steps.

Drawn treatments scatter more than printed ones, and draw a slope slightly towards nothing; where that is more than slight, rounding is coarse
beside what the design compares.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from causal.arrays import Floats
from causal.design import Design
from causal.errors import CausalError
from causal.knobs import between, whole_number
from causal.panel import Variable
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, reporting, size, unsure
from causal.refuters.machinery.substitutes import carried
from causal.trial import Setting, Trial, fitted
from causal.words import capital, count, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """Draw the unrounded outcome and treatment.

    Parameters
    ----------
    draws, refits : of the unrounded numbers, for a linear estimator and for one that must be fitted again.
    tolerance : largest root mean square shift that passes, in standard errors.
    """

    family: ClassVar[Family] = "record"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "rounded numbers"
    catches: ClassVar[str] = "coarse_rounding"

    draws: int = 200
    refits: int = 10
    tolerance: float = 0.25

    def __post_init__(self) -> None:
        whole_number("rounding.draws", self.draws, 3)
        whole_number("rounding.refits", self.refits, 3)
        between("rounding.tolerance", self.tolerance, 0, float("inf"))

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "rounding"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        rounded = _rounded(setting)
        if not rounded:
            return "neither outcome nor treatment is known to be rounded"
        if all(_half(setting, place) is None for place in rounded):
            names = listed([variable.name for variable in rounded.values()])
            return f"{names}: a rate made of rounded counts, and the panel names no population to say by how much that rounds the rate"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that the answer is the same without rounding.

        Parameters
        ----------
        trial : of published numbers that are rounded.
        rng : draws what was rounded away, and seeds refits.
        """
        estimate, made = trial.estimate, trial.design
        report = reporting(
            self,
            asks="Does the answer hang on how the published numbers were rounded?",
            expected=f"Answers with unrounded numbers drawn at random that lie within {self.tolerance:g} standard errors of the reported one.",
            detects="Rounding that is coarse beside the changes that are compared, as in small authorities.",
            cannot_detect="Rounding of controls and of the people a rate counts; rounding that leans one way; any error beyond half a step.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        assert estimate.std_error is not None
        variables = {"outcome": made.outcome_variable, "treatment": made.treatment_variable}
        halves = {place: half for place in _rounded(trial) if (half := _half(trial, place)) is not None}
        draws = self.draws if trial.linear else self.refits
        columns = {place: _drawn(getattr(made, place), half, draws, rng) for place, half in halves.items()}
        effects = self._linear(trial, columns) if trial.linear else self._refitted(trial, columns, draws)
        good = np.isfinite(effects)
        if good.sum() < max(3, draws // 2):
            return not_run(report, f"{estimate.estimator} gave an answer in only {good.sum()} of {count(draws, 'draw')}")
        shifts = effects[good] - estimate.effect
        moved = float(np.sqrt((shifts**2).mean()))
        ratio = moved / estimate.std_error
        survived = ratio <= self.tolerance
        steps = listed([f"{variables[place].label} (to {variables[place].rounding:g})" for place in halves])
        words = (
            f"{capital(steps)}: over {count(int(good.sum()), 'draw')} of the unrounded numbers the effect was "
            f"{amount(trial, float(effects[good].mean()))} on average, "
            f"instead of {amount(trial, estimate.effect)}, and moved by {size(trial, moved)} (root mean square, {ratio:.2f} standard errors)"
            + (", which does not matter. " if survived else ": rounding is coarse beside what is compared. ")
        )
        worst = None
        if trial.linear and "outcome" in halves and trial.fixed.rows == made.rows:
            residual = trial.fixed.partial_out(trial.fixed.treatment[:, None])[:, 0]
            weights = residual * trial.fixed.root_weights / float(residual @ residual) * trial.question.contrast
            worst = float(np.abs(weights) @ halves["outcome"])
            words += f"Were every outcome rounded the worst way, it would move by {size(trial, worst)}."
        return report(
            found=words.strip(),
            p_value=None,
            survived=survived,
            lost=int((~good).sum()),
            numbers={
                "draws": float(good.sum()),
                "mean effect": float(effects[good].mean()),
                "root mean square shift": moved,
                "shift in standard errors": ratio,
                "shift allowed, in standard errors": self.tolerance,
                "shift at worst": worst,
            },
        )

    def _linear(self, trial: Trial, columns: dict[str, Floats]) -> Floats:
        """Effects with whole matrices of outcomes and treatments; shape (draws,)."""
        made, estimator = trial.fixed, trial.estimator
        basis = made.basis()
        treatment = carried(estimator, trial.design, columns["treatment"], "treatment") if "treatment" in columns else made.treatment[:, None]
        outcome = carried(estimator, trial.design, columns["outcome"], "outcome") if "outcome" in columns else made.outcome[:, None]
        treatment, outcome = made.partial_out(treatment, basis), made.partial_out(outcome, basis)
        return np.asarray((treatment * outcome).sum(axis=0) / (treatment**2).sum(axis=0) * trial.question.contrast)

    def _refitted(self, trial: Trial, columns: dict[str, Floats], draws: int) -> Floats:
        def refit(draw: int, rng: np.random.Generator) -> float:
            changed: Design = trial.design
            if "outcome" in columns:
                changed = replace(changed, outcome=columns["outcome"][:, draw])
            if "treatment" in columns:
                changed = replace(changed, treatment=columns["treatment"][:, draw])
            try:
                return fitted(trial.estimator, changed, rng).effect
            except CausalError:
                return float("nan")

        return np.array(trial.map(self.name, refit, draws))


def _rounded(setting: Setting) -> dict[str, Variable]:
    """Which of outcome and treatment is known to be rounded."""
    variables = {"outcome": setting.design.outcome_variable, "treatment": setting.design.treatment_variable}
    return {place: variable for place, variable in variables.items() if variable.rounding}


def _half(trial: Setting, place: str) -> Floats | None:
    """Half a step of the outcome's or treatment's rounding in its own unit, shape (rows,); None where a rate's people are not known."""
    made, panel = trial.design, trial.panel
    variable = made.outcome_variable if place == "outcome" else made.treatment_variable
    assert variable.rounding is not None
    half = variable.rounding / 2
    if not variable.count_per:
        return np.full(made.rows, half)
    if panel.population is None:
        return None
    lag = 0 if place == "outcome" or variable.varies == "authority" else trial.question.lag
    rows = pd.MultiIndex.from_arrays([np.array(made.authorities)[made.authority], made.year])
    people = panel.shift(panel.population, -lag).reindex(rows).to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(half * variable.count_per / people, nan=0.0, posinf=0.0)


def _drawn(values: Floats, half: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Numbers that round to these, none below 0 where none of these is; shape (rows, draws)."""
    drawn = values[:, None] + half[:, None] * rng.uniform(-1, 1, size=(len(values), draws))
    return np.maximum(drawn, 0.0) if values.min() >= 0 else drawn
