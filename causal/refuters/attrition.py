"""Attrition: of those for whom lots were drawn, is as large a share seen in the end in each arm, and what if those who left are unlike those who stayed?

The share of units in the draw whose outcome is missing is set against the arm, with the errors of the trial itself. What it could do to the answer is
bounded by trimming the arm that lost fewer of its largest or of its smallest outcomes until both arms lost the same share (Lee 2009, Training, wages, and
sample selection: estimating sharp bounds on treatment effects).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from causal.design import Design, design
from causal.errors import CausalError
from causal.inference.clustered import interval
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, unsure
from causal.regression import least_squares
from causal.trial import Setting, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Attrition:
    """Test whether outcomes are missing more often in one arm, and bound what that could do."""

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "who was lost after the lots"
    catches: ClassVar[str] = "lost_after_the_lots"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "attrition"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if not setting.identification.lot:
            return "the graph does not say that the treatment was decided by lot"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that those who were lost were lost whatever the lots said.

        Parameters
        ----------
        trial : of a treatment that lots decided; rows without an outcome are looked for in its panel.
        rng : not used.
        """
        report = reporting(
            self,
            asks="Of those for whom lots were drawn, is the outcome missing as often in each arm?",
            expected="The same share in each arm but for chance.",
            detects="An arm that lost more of its units than the other, by what it was offered.",
            cannot_detect="Arms that lost as many, but of other kinds.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        panel, question = trial.panel, trial.question
        missing = panel.frame[question.outcome].isna() & panel.shift(question.treatment, -question.lag).notna()
        asked = missing.any()
        level = 1 - question.level
        if not asked:
            return report(
                found="Nobody for whom lots were drawn is without an outcome.",
                p_value=1.0,
                level=level,
                survived=True,
                bias=0.0,
                bias_error=0.0,
                blind_below=0.0,
                numbers={"missing": 0.0},
            )
        flag = pd.Series(missing.astype(float), index=panel.frame.index)
        try:
            all_of = design(
                panel.with_column(flag, replace(panel.variable(question.outcome), count_per=None)),
                replace(question, modifiers=(), weights=None),
                replace(trial.identification, adjust_for=tuple(name for name in trial.identification.adjust_for if name in ("authority", "year"))),
            )
            fit, _ = least_squares(all_of, all_of.basis())
        except CausalError as refused:
            return not_run(report, f"missing outcomes could not be set against the arms ({refused})")
        gap, error = float(fit.coefficients[0] * question.contrast), float(fit.std_errors[0] * abs(question.contrast))
        _, _, p_value = interval(gap, error, question.level, float(fit.df[0]))
        survived = bool(p_value >= level)
        ends = _bounds(trial.design, gap)
        effect = trial.estimate.effect
        far = None if ends is None else max((effect - end for end in ends), key=abs)
        bounds = (
            "" if ends is None else f" With as many trimmed from the other arm the answer lies between {amount(trial, ends[0])} and {amount(trial, ends[1])}."
        )
        share = float(flag.mean())
        return report(
            found=(
                f"The outcome of {share:.1%} is missing, of those offered it {gap:+.1%} beside the others (standard error {error:.1%}; {p_text(p_value)}). "
                f"{'No more than chance brings' if survived else 'What was offered goes with who was lost'}.{bounds}"
            ),
            p_value=float(p_value),
            level=level,
            survived=survived,
            bias=far,
            bias_error=None if far is None else float(trial.estimate.std_error or 0.0),
            numbers={"missing": share, "more in the arm offered it": gap, "standard error": error}
            | ({} if ends is None else {"lower bound": ends[0], "upper bound": ends[1]}),
        )


def _bounds(made: Design, gap: float) -> tuple[float, float] | None:
    """The raw comparison of arms with the share `gap` more trimmed from the arm that kept more, at either end, put around the answer of the regression."""
    question = made.question
    arms = [made.treatment == question.control, made.treatment == question.treated]
    if not all(arm.sum() > 1 for arm in arms):
        return None
    basis = made.basis()
    held = made.partial_out(made.outcome[:, None], basis)[:, 0]
    treatment = made.partial_out(made.treatment[:, None], basis)[:, 0]
    slope = float(treatment @ held) / float(treatment @ treatment)
    # outcomes of each arm once all but the treatment is conditioned on
    left = held + slope * (made.treatment - treatment)
    fuller = arms[0] if gap > 0 else arms[1]
    own = np.sort(left[fuller])
    cut = min(abs(gap), 0.5)
    k = int(np.floor(cut * len(own)))
    shifts = [float(own[k:].mean() - own.mean()), float(own[: len(own) - k].mean() - own.mean())] if k else [0.0, 0.0]
    effect = slope * question.contrast
    sign = (-1.0 if gap > 0 else 1.0) * (1.0 if question.contrast > 0 else -1.0)
    low, high = sorted(effect + sign * shift for shift in shifts)
    return low, high
