"""Does a second measure of the treatment tell another story than the first?

Two records of one thing, each with its own error, check each other: the second used as an instrument for the first takes the first's error out
of the slope (Durbin 1954, Errors in variables; Wooldridge 2010, Econometric Analysis of Cross Section and Panel Data, sec. 5.3.2 and 6.3.1). If
the first is recorded without error both slopes agree. The difference is tested by adding the first stage's residuals to the regression (Hausman
1978, Specification tests in econometrics), with clustered errors; below a first-stage F of 10 the second measure is too weak to judge by (Staiger
& Stock 1997, Instrumental variables regression with weak instruments).

The second measure must have an error of its own, or both are wrong together, and move the outcome only through the treatment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd

from causal.arrays import Floats
from causal.declared import Column
from causal.design import Design
from causal.errors import CausalError, ConfigError, refusal
from causal.estimate import Linear, Part
from causal.inference.clustered import clustered_least_squares, interval
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size, unsure
from causal.refuters.machinery.substitutes import carried
from causal.trial import Setting, Trial
from causal.words import count, places, span

WEAK = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondMeasure:
    """The second measure as an instrument for the first.

    Parameters
    ----------
    column : the panel's column that measures the treatment again, dated as the treatment is; None: there is none.
    """

    family: ClassVar[Family] = "record"
    role: ClassVar[Role | None] = "second_measure"
    label: ClassVar[str] = "a second measure"
    catches: ClassVar[str] = "recorded_with_error"

    column: Column | None = None

    def __post_init__(self) -> None:
        if self.column is not None and (not isinstance(self.column, str) or not self.column.strip()):
            raise refusal(
                ConfigError,
                "second_measure.column",
                "the name of a column that measures the treatment again, or be null",
                repr(self.column),
                "write  refuters.second_measure.column=null  for the one that the source knows",
            )

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "second_measure"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        treatment, outcome = setting.question.treatment, setting.question.outcome
        if self.column is None:
            return f"no second measure of {treatment} is named; name a column with  refuters.second_measure.column=…"
        if self.column in (treatment, outcome):
            return f"{self.column} is the {'treatment' if self.column == treatment else 'outcome'} itself, not a second measure of it"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that the treatment is recorded well enough.

        Parameters
        ----------
        trial : with a second measure of the treatment in its panel.
        rng : not used.
        """
        treatment = trial.design.treatment_variable
        report = reporting(
            self,
            asks=f"Does a second measure of {treatment.label} give another effect?",
            expected="The same effect, whichever measure it is got from, up to chance.",
            detects="Error in the recorded treatment, which draws the effect towards nothing; with too few authorities also large error goes unseen.",
            cannot_detect="Error that both measures share; confounding and reverse causation, which reach both alike.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None or self.column is None:
            return not_run(report, str(why))
        try:
            second = _beside(trial, self.column)
            known = np.flatnonzero(np.isfinite(second))
            kept = trial.design.subset(known, f"{self.column} not known")
            made = trial.estimator.regression(kept) if isinstance(trial.estimator, Linear) else kept
            basis = made.basis()
            columns = carried(trial.estimator, kept, second[known][:, None], "treatment")
            outcome, first, other = (made.partial_out(column, basis) for column in (made.outcome[:, None], made.treatment[:, None], columns))
            if np.linalg.norm(other) <= 1e-7 * np.linalg.norm(columns - columns.mean()):
                return not_run(report, f"nothing is left of {self.column} once what the design holds fixed is taken out")
            return self._compared(trial, report, made, basis, outcome[:, 0], first, other)
        except CausalError as refused:
            return not_run(report, str(refused))

    def _compared(
        self, trial: Trial, report: Callable[..., Refutation], design: Design, basis: Floats, outcome: Floats, first: Floats, second: Floats
    ) -> Refutation:
        question, estimate = trial.question, trial.estimate
        contrast = question.contrast
        nuisance, rank = design.nuisance_basis(basis), basis.shape[1] + ("authority" not in design.absorb)
        fit = partial(clustered_least_squares, cluster=design.cluster, clusters=len(design.clusters), absorbed_rank=rank, row_count=design.row_count)
        stage = fit(first[:, 0], second, nuisance)
        strength = float((stage.coefficients[0] / stage.std_errors[0]) ** 2)
        numbers: dict[str, float | None] = {"first-stage F": strength, "rows": float(design.rows)}
        if strength < WEAK:
            return not_run(
                report, f"{self.column} goes too little with {question.treatment} (first-stage F {strength:.1f}, at least {WEAK:g} is wanted)", numbers=numbers
            )
        plain = fit(outcome, first, nuisance)
        both = fit(outcome, np.column_stack([first[:, 0], stage.residuals]), nuisance)
        # what the second measure says of the first, with the residuals of the first itself: least squares on it is two-stage least squares
        said = first[:, 0] - stage.residuals
        slope = float(both.coefficients[0])
        through = fit(outcome - slope * stage.residuals, said[:, None], nuisance)
        effects = [float(one * contrast) for one in (plain.coefficients[0], slope)]
        errors = [float(one.std_errors[0] * abs(contrast)) for one in (plain, through)]
        difference = effects[1] - effects[0]
        t = float(both.coefficients[1] / both.std_errors[1])
        p_value = interval(t, 1.0, question.level, float(both.df[1]))[2]
        survived = p_value >= 1 - question.level
        lower, upper, _ = interval(effects[1], errors[1], question.level, float(through.df[0]))
        decimals = places(max(abs(estimate.effect), errors[0]))
        reliability = None
        other = trial.panel.variable(str(self.column))
        if other.unit == design.treatment_variable.unit:
            reliability = float((first[:, 0] @ second[:, 0]) / (first[:, 0] @ first[:, 0]))
        numbers |= {
            "effect by the first measure": effects[0],
            "effect by the second as instrument": effects[1],
            "standard error by the second": errors[1],
            "difference": difference,
            "reliability of the first measure's residual, were the second's error its own": reliability,
        }
        words = (
            f"On the {count(design.rows, 'row')} where {other.label} ({self.column}) is known the effect is {amount(trial, effects[0])}; with {self.column} as "
            f"its instrument {amount(trial, effects[1])} ({question.level:.0%} interval {span(lower, upper, decimals)}, first-stage F {strength:.0f}). "
        )
        if not trial.linear:
            words += "Both are of the straight-line model, an approximation for this estimator. "
        if survived:
            words += f"They differ by {size(trial, difference)}, as chance allows ({p_text(p_value)})."
        else:
            nearer = "towards nothing" if abs(effects[0]) < abs(effects[1]) else "away from nothing"
            words += f"They differ by {size(trial, difference)}, more than chance allows ({p_text(p_value)}): error in the record draws the estimate {nearer}."
        if reliability is not None:
            words += f" If its error is its own, {reliability:.0%} of what is left of the recorded treatment is truth."
        part = Part(kind="group", of="treatment measured by", name=str(self.column), effect=effects[1], std_error=errors[1], lower=lower, upper=upper)
        return report(found=words, p_value=p_value, level=1 - question.level, survived=survived, numbers=numbers, parts=(part,))


def _beside(trial: Trial, column: str) -> Floats:
    """The column dated as the treatment is, shape (rows of the design,); NaN where not known.

    Raises
    ------
    DataError : the panel has no such column.
    """
    made, question, panel = trial.design, trial.question, trial.panel
    lag = 0 if panel.variable(question.treatment).varies == "authority" else question.lag
    rows = pd.MultiIndex.from_arrays([np.array(made.authorities)[made.authority], made.year])
    return np.asarray(panel.shift(column, -lag).reindex(rows), dtype=float)
