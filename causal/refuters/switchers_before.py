"""Switchers before: did the outcomes of places that were to switch go as those of places that stayed, the year before?

The same comparison of switchers with stayers, one year before the switch, among those whose treatment stood still in that year (the placebo of de
Chaisemartin & D'Haultfœuille 2020, sec. 5). A drift that is there in the year before and goes on is in the answer as it is in the placebo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from causal.estimate import Part
from causal.inference.clustered import interval
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size, unsure
from causal.refuters.machinery.bias import reach
from causal.switches import Switched, did, paths
from causal.trial import Setting, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchersBefore:
    """Test whether outcomes moved in the year before the treatment did."""

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = "timing"
    label: ClassVar[str] = "switchers the year before"
    catches: ClassVar[str] = "switchers_drift"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "switchers_before"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if not hasattr(setting.estimator, "still_level"):
            return f"{setting.estimator.name} compares no switchers with stayers"
        if setting.estimator.by == "local_projections":  # type: ignore[attr-defined]
            return "local projections compare those who begin after years without it, which this check does not"
        found = _before(setting)
        return None if found is not None and found.places > 2 else "no switchers stood still in the year before beside such as stayed"

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that nothing was felt before.

        Parameters
        ----------
        trial : of an answer that compares switchers with stayers.
        rng : not used.
        """
        report = reporting(
            self,
            asks="In the year before a switch, did outcomes of those about to switch go as those of places that stayed?",
            expected="No difference beyond chance.",
            detects="A drift of places that were to switch; a treatment felt before it changed; a treatment that answers to last year's outcome.",
            cannot_detect="What begins in the very year of the switch.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        found = _before(trial)
        assert found is not None
        contrast, level = trial.question.contrast, 1 - trial.question.level
        effect, error = found.effect * contrast, float(np.sqrt(found.scores @ found.scores)) * abs(contrast)
        df = max(min(len(trial.design.clusters) - 1.0, found.places - 1.0), 1.0)
        lower, upper, p_value = interval(effect, error, trial.question.level, df)
        survived = bool(p_value >= level)
        sees = reach(df, level)
        part = Part(
            kind="time",
            of=trial.design.treatment_variable.name,
            name="the year before the switch",
            since=-1,
            effect=effect,
            std_error=error,
            lower=lower,
            upper=upper,
            rows=found.switches,
            authorities=found.places,
        )
        return report(
            found=f"The year before {found.switches} switches: {amount(trial, effect)} (standard error {size(trial, error)}); {p_text(p_value)}. "
            f"{'Nothing beyond chance' if survived else 'Outcomes moved before the treatment did'}.",
            p_value=float(p_value),
            level=level,
            survived=survived,
            bias=effect,
            bias_error=error,
            blind_below=None if sees is None else sees * error,
            numbers={"placebo": effect, "standard error": error, "switches": float(found.switches)},
            parts=(part,),
        )


def _before(setting: Setting) -> Switched | None:
    """The estimator's own comparison, of outcomes in the year before."""
    one: Any = setting.estimator
    return did(paths(setting.design), bins=one.bins, still=one.still_level(setting.design), ahead=1, first=one.by == "first_switch")
