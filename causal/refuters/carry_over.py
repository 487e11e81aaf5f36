"""Carry-over: does something stay behind when a treatment ends?

A comparison of switchers in their own year takes ending as beginning turned round. If what a treatment did stays behind, those who end it lose less than
those who begin it gain, and those who had it before are no clean comparison any more. The effect of beginning for the first time, which no carry-over
touches, is set against that of all other switches, with the error of the difference of their scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.inference.clustered import interval
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size, unsure
from causal.refuters.machinery.bias import reach
from causal.switches import Mask, Paths, Switched, did, paths
from causal.trial import Setting, Trial

FEWEST = 5  # switching places of either kind


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOver:
    """Test whether other switches do what beginning for the first time does."""

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "what stays behind when it ends"
    catches: ClassVar[str] = "stays_behind"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "carry_over"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if not hasattr(setting.estimator, "still_level"):
            return f"{setting.estimator.name} compares no switchers with stayers"
        first, others = _both(setting)
        if first is None or others is None or min(first.places, others.places) < FEWEST:
            return f"fewer than {FEWEST} places begin for the first time, or switch otherwise"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that a treatment's end undoes it.

        Parameters
        ----------
        trial : of an answer that compares switchers with stayers.
        rng : not used.
        """
        report = reporting(
            self,
            asks="Do those who end it, or begin again, change as much as those who begin for the first time?",
            expected="As much, but for chance.",
            detects="Effects that stay behind when the treatment ends; effects that grow with time in it; effects that differ by the direction of the switch.",
            cannot_detect="Carry-over where nobody begins for the first time; which of these it is.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        first, others = _both(trial)
        assert first is not None and others is not None
        contrast, level = trial.question.contrast, 1 - trial.question.level
        gap = (others.effect - first.effect) * contrast
        apart = others.scores - first.scores
        error = float(np.sqrt(apart @ apart)) * abs(contrast)
        df = max(min(first.places, others.places) - 1.0, 1.0)
        _, _, p_value = interval(gap, error, trial.question.level, df)
        survived = bool(p_value >= level)
        whole = did(paths(trial.design), bins=trial.estimator.bins, still=trial.estimator.still_level(trial.design))  # type: ignore[attr-defined]
        assert whole is not None
        bias = (whole.effect - first.effect) * contrast
        off = whole.scores - first.scores
        bias_error = float(np.sqrt(off @ off)) * abs(contrast)
        sees = reach(df, level)
        return report(
            found=f"Beginning for the first time, {first.switches} switches: {amount(trial, first.effect * contrast)}; all other switches, {others.switches}: "
            f"{amount(trial, others.effect * contrast)}; difference {amount(trial, gap)} (standard error {size(trial, error)}), {p_text(p_value)}. "
            f"{'No more than chance' if survived else 'Something stays behind, or effects differ by the kind of switch'}.",
            p_value=float(p_value),
            level=level,
            survived=survived,
            bias=bias,
            bias_error=bias_error,
            blind_below=None if sees is None else sees * bias_error,
            numbers={"first": first.effect * contrast, "others": others.effect * contrast, "difference": gap, "standard error": error},
        )


def _first(made: Paths, t: int) -> Mask:
    """Places that have only ever had the least of it up to the year before."""
    seen = made.treatment[:, :t]
    least = np.nanmin(made.treatment)
    return np.asarray(np.nanmax(np.where(np.isnan(seen), least, seen), axis=1) <= least)


def _both(setting: Setting) -> tuple[Switched | None, Switched | None]:
    """Beginning for the first time, and all other switches."""
    made, one = paths(setting.design), setting.estimator
    knobs = {"bins": one.bins, "still": one.still_level(setting.design)}  # type: ignore[attr-defined]
    return did(made, **knobs, among=_first, directions=(1,)), did(made, **knobs, among=lambda here, t: ~_first(here, t))
