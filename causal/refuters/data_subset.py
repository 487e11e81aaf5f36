"""Does the answer hold when a tenth of the authorities is left out?

Leaving out d of G authorities moves the effect by chance; how much follows from its standard error. The spread of the
subset effects, times (G − d)/d, is the delete-d jackknife variance (Shao & Wu 1989, A general theory for jackknife variance estimation), which
takes no view on how rows within an authority hang together. If its root is well above the reported standard error, the
interval is too narrow or a few authorities carry the effect.

The jackknife is itself a little larger than the error it checks (it resembles the CR3 error), so its root may exceed the reported error by
`tolerance` before it counts; the spread of B subsets then has the simulation error of χ²(B − 1)/(B − 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.knobs import at_least, between, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, capped, capped_words, drawn_clusters, kept_words, lost_words, not_run, reporting, size, unsure, whole_units
from causal.trial import Setting, Trial
from causal.words import count

FEWEST_UNITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSubset:
    """Leave out a share of the authorities, whole, again and again.

    Parameters
    ----------
    draws, refits : subsets for an estimator that is linear, or whose cross-fits left residuals, and for one that must be fitted again.
    fraction : share of the authorities left out.
    tolerance : how many times the reported standard error the one from subsets may be.
    """

    family: ClassVar[Family] = "stability"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "parts of the data"
    catches: ClassVar[str] = "rows_as_independent"

    draws: int = 500
    refits: int = 20
    fraction: float = 0.1
    tolerance: float = 1.25

    def __post_init__(self) -> None:
        whole_number("data_subset.draws", self.draws, 3)
        whole_number("data_subset.refits", self.refits, 3)
        between("data_subset.fraction", self.fraction, 0, 0.9)
        at_least("data_subset.tolerance", self.tolerance, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "data_subset"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        _, number = whole_units(setting.design)
        return f"{count(number, 'authority', 'authorities')} are too few to leave some out" if number < FEWEST_UNITS else None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute the estimate's spread.

        Parameters
        ----------
        trial : any with a standard error.
        rng : draws which units are left out.
        """
        from scipy import stats

        estimate, level = trial.estimate, 1 - trial.question.level
        report = reporting(
            self,
            asks=f"Does the answer hold when {self.fraction:.0%} of the authorities, chosen by chance, are left out?",
            expected=f"Effects that scatter as the standard error says; at most {self.tolerance:g} times as much.",
            detects="Intervals that are too narrow (years of one authority taken as independent), an effect carried by a few authorities, unsteadiness.",
            cannot_detect="Confounding, reverse causation and measurement error, which every subset shares; shocks common to neighbouring authorities.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        assert estimate.std_error is not None
        _, number = whole_units(trial.design)
        left_out = max(1, round(self.fraction * number))
        draws = capped(self.draws, trial.design.rows, 200) if trial.by_matrix else self.refits
        lost: list[str] = []
        kept = np.ones((draws, number))
        for draw in range(draws):
            kept[draw, rng.choice(number, left_out, replace=False, shuffle=False)] = 0.0
        effects, _ = trial.redraw(self.name, clusters=drawn_clusters(trial.design, kept.T), errors=False, lost=lost)
        good = np.isfinite(effects)
        if good.sum() < max(3, draws // 2):
            return not_run(report, f"{estimate.estimator} gave an answer in only {good.sum()} of {count(draws, 'subset')}")
        spread = float(effects[good].std(ddof=1))
        error = spread * float(np.sqrt((number - left_out) / left_out))
        ratio = error / estimate.std_error
        freedom = int(good.sum()) - 1
        p_value = float(stats.chi2(freedom).sf(freedom * (ratio / self.tolerance) ** 2))
        survived = p_value >= level
        turned = float((np.sign(effects[good]) != np.sign(estimate.effect)).mean())
        mean, least, most = (amount(trial, float(value)) for value in (effects[good].mean(), effects[good].min(), effects[good].max()))
        text = (
            f"With {left_out} of {count(number, 'authority', 'authorities')} left out, {count(int(good.sum()), 'time')}, the effect was {mean} "
            f"on average, from {least} to {most}; the scatter amounts to a standard error of {size(trial, error)}, "
            f"{ratio:.2f} times the reported {size(trial, estimate.std_error)}"
            + (", as sampling allows." if survived else ": more than sampling allows.")
            + kept_words(trial)
            + lost_words(lost)
            + (capped_words(draws, self.draws) if trial.by_matrix else "")
        )
        return report(
            found=text,
            p_value=p_value,
            level=level,
            lost=int((~good).sum()),
            survived=survived,
            numbers={
                "draws": float(good.sum()),
                "left out": float(left_out),
                "mean effect": float(effects[good].mean()),
                "standard deviation of effects": spread,
                "standard error from subsets": error,
                "ratio to the reported standard error": ratio,
                "ratio allowed": self.tolerance,
                "share of subsets with the other sign": turned,
            },
        )
