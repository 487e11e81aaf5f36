"""Does the series change where nothing was done?

On the dates before the treatment others are pretended, and the same model asks how far the level changed there. A series that jumps or bends by itself does so
before, too (Bernal, Cummins & Gasparrini 2017, Interrupted time series regression for the evaluation of public health interventions).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.errors import ConfigError, refusal
from causal.interrupted import cut
from causal.knobs import between
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting
from causal.refuters.machinery.bias import reach
from causal.refuters.machinery.cutoffs import p_of
from causal.refuters.machinery.dates import cut_of, lacks_series
from causal.trial import Setting, Trial
from causal.words import capital

FEWEST = 5  # dates on either side of a pretended one


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPlaceboDates:
    """Pretend earlier dates, on the dates before the treatment.

    Parameters
    ----------
    shares : of the dates before, at which it is pretended to come.
    level : joint rate at which a change is found.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = "timing"
    label: ClassVar[str] = "earlier dates of the series"
    catches: ClassVar[str] = "jump_before"

    shares: tuple[float, ...] = (0.33, 0.5, 0.67)
    level: float = 0.05

    def __post_init__(self) -> None:
        between("series_placebo_dates.level", self.level, 0, 0.5)
        object.__setattr__(self, "shares", tuple(self.shares))
        if not self.shares:
            raise refusal(ConfigError, "series_placebo_dates.shares", "shares of the dates before", "none", "write  refuters.series_placebo_dates.shares=[0.4]")
        for share in self.shares:
            between("series_placebo_dates.shares", share, 0, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "series_placebo_dates"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        return lacks_series(setting)

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute it.

        Parameters
        ----------
        trial : of an answer by an interrupted series.
        rng : not used.
        """
        report = reporting(
            self,
            asks="Does the series change at dates when nothing was done?",
            expected="At dates before the treatment nothing changes.",
            detects="Bends and jumps of the series' own, which would be taken for the treatment.",
            cannot_detect="Whatever came with the treatment; bends that begin only then.",
        )
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        found, model = cut_of(trial)
        made = []
        for share in self.shares:
            at = float(found.dates[found.dates < found.at][int(share * found.before)])
            if min((found.dates < at).sum(), ((found.dates >= at) & (found.dates < found.at)).sum()) >= FEWEST:
                made.append((at, cut(found, replace(model, slope=False), at=at, until=found.at)))
        if not made:
            return not_run(report, f"{found.before} dates before the treatment are too few to pretend another among them")
        each = [p_of(one.effect, one.std_error, one.fit.df) for _, one in made]
        p_value = min(1.0, len(each) * min(each))
        worst = made[int(np.argmin(each))][1]
        reached = reach(worst.fit.df, self.level / len(made))
        survived = bool(p_value >= self.level)
        seen = "; ".join(f"at {at:g} {amount(trial, one.effect)} ({p_text(p)})" for (at, one), p in zip(made, each, strict=True))
        return report(
            found=f"{capital(seen)}; jointly {p_text(p_value)}. " + ("No change beyond chance." if survived else "The series changes where nothing was done."),
            p_value=p_value,
            level=self.level,
            survived=survived,
            bias=worst.effect,
            bias_error=worst.std_error,
            blind_below=None if reached is None else reached * float(np.median([one.std_error for _, one in made])),
            numbers={"dates pretended": float(len(made)), "largest change": worst.effect},
        )
