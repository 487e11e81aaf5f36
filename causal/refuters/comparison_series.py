"""Did places that were left alone change at the same date?

What hits all places at the date is in a series against its own past. The mean of places never treated shows it: it should go on as it went. Where it is taken
away already it cannot be asked again (Linden 2015, Conducting interrupted time-series analysis for single- and multiple-group comparisons).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.interrupted import cut
from causal.knobs import between
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting
from causal.refuters.machinery.bias import reach
from causal.refuters.machinery.cutoffs import p_of
from causal.refuters.machinery.dates import cut_of, lacks_comparison
from causal.trial import Setting, Trial
from causal.words import count


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonSeries:
    """Cut the series of places never treated by the same date.

    Parameters
    ----------
    level : rate at which a change is found.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = "negative_control"
    label: ClassVar[str] = "places that were left alone"
    catches: ClassVar[str] = "shared_jump"

    level: float = 0.05

    def __post_init__(self) -> None:
        between("comparison_series.level", self.level, 0, 0.5)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "comparison_series"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        return lacks_comparison(setting)

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute it.

        Parameters
        ----------
        trial : of an answer by an interrupted series.
        rng : not used.
        """
        report = reporting(
            self,
            asks="Did places that never had the treatment change at the same date?",
            expected="They go on as they went.",
            detects="Whatever came to all places at that date.",
            cannot_detect="What came to the treated places alone; what treated places sent over to the others.",
        )
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        found, model = cut_of(trial)
        assert found.others is not None
        made = cut(found, model, outcome=found.others)
        p_value = p_of(made.effect, made.std_error, made.fit.df)
        reached = reach(made.fit.df, self.level)
        survived = bool(p_value >= self.level)
        return report(
            found=f"{count(len(found.free), 'place')} never treated changed by {amount(trial, made.effect)} at the date ({p_text(p_value)}). "
            + ("They went on as they went." if survived else "They changed too: part of what is seen came to all."),
            p_value=p_value,
            level=self.level,
            survived=survived,
            bias=made.effect,
            bias_error=made.std_error,
            blind_below=None if reached is None else reached * made.std_error,
            numbers={"places": float(len(found.free)), "their change": made.effect},
        )
