"""Does the series still tell of itself what the model leaves out?

Errors are taken to fade by one factor a step. Where residuals without that still tell of later ones there is a season, a cycle or a slower memory that nothing
stands for, and the error is not to be trusted (Ljung & Box 1978, On a measure of lack of fit in time series models).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.inference.serial import lasting
from causal.interrupted import cut
from causal.knobs import between, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import not_run, p_text, reporting
from causal.refuters.machinery.dates import cut_of, lacks_series
from causal.trial import Setting, Trial
from causal.words import count


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesResiduals:
    """Test residuals without their own memory for what is left of it.

    Parameters
    ----------
    lags : looked at.
    level : rate at which memory is found.
    """

    family: ClassVar[Family] = "inference"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "no memory left in the series"
    catches: ClassVar[str] = "swings"

    lags: int = 8
    level: float = 0.05

    def __post_init__(self) -> None:
        between("series_residuals.level", self.level, 0, 0.5)
        whole_number("series_residuals.lags", self.lags, 2)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "series_residuals"

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
            asks="Is what the model leaves of the series without a pattern in time?",
            expected="What is left at one date tells nothing of later ones.",
            detects="Seasons, cycles and slow memory that the model leaves out, so that its error is wrong.",
            cannot_detect="Confounding of any kind; a pattern too slow for the dates there are.",
        )
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        found, model = cut_of(trial)
        made = cut(found, model)
        lags = min(self.lags, len(made.outcome) // 3)
        q, p_value = lasting(made.fit.whitened, lags, 1 if made.fit.factor is not None else 0)
        survived = bool(p_value >= self.level)
        return report(
            found=f"Over {count(lags, 'lag')} Q is {q:.1f} ({p_text(p_value)}). "
            + ("Nothing beyond chance is left." if survived else "A pattern is left: look for a season."),
            p_value=p_value,
            level=self.level,
            survived=survived,
            numbers={"Q": q, "lags": float(lags), "factor by which errors fade": made.fit.factor},
        )
