"""If other authorities had been observed, how far would the answer have moved?

Authorities are drawn with replacement, each with all its years, and the answer is got again (Efron 1979, Bootstrap methods:
another look at the jackknife; Cameron, Gelbach & Miller 2008, Bootstrap-based improvements for inference with clustered errors). The standard
deviation of these answers is a standard error that assumes nothing about how the rows of an authority hang together. Where it is
well above the reported one, the reported interval is too narrow.

Where residuals of cross-fits are at hand (`causal.crossfitted`) the draws rest on them, and the learning itself is kept. What it adds is seen by learning
anew on some of the draws, each cluster in the fold that it had: answers then differ from those with it kept, by r in root mean square, and √(SE² + r²)
may be no more than `tolerance` times SE. That bound is for slopes with linear nuisances; trees and effects learnt by row move further in panels that are as
they should be, and are allowed what 99 in 100 of these keep within (`ALLOWED`, from benchmarks/checks_of_learners.md). Averages of scores without an
instrument move so far on clean drawn places that no bound would leave anything to see: there all is learnt anew on `refits` draws, as for any other learner.

Few authorities make both errors shaky, hence a `tolerance`; B draws add the simulation error of χ²(B − 1)/(B − 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.crossfitted import Slope
from causal.knobs import at_least, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import capped, capped_words, drawn_clusters, kept_words, lost_words, not_run, reporting, size, unsure, whole_units
from causal.trial import Setting, Trial
from causal.words import count, places, span

FEWEST_UNITS = 10
TREES = ("boosting", "forest", "stacked")
ALLOWED = {"trees": 1.65}  # times the reported error, with learning anew: benchmarks/checks_of_learners.py --bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """Draw whole authorities with replacement.

    Parameters
    ----------
    draws, refits : samples for an estimator that is linear, or whose cross-fits left residuals, and for one that must be fitted again.
    relearnt : of the former samples, on how many the nuisances are learnt again too where they were learnt at all.
    tolerance : how many times the reported standard error the bootstrap's may be.
    """

    family: ClassVar[Family] = "stability"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "authorities drawn anew"
    catches: ClassVar[str] = "rows_as_independent"

    draws: int = 500
    refits: int = 20
    relearnt: int = 5
    tolerance: float = 1.25

    def __post_init__(self) -> None:
        whole_number("bootstrap.draws", self.draws, 3)
        whole_number("bootstrap.refits", self.refits, 3)
        whole_number("bootstrap.relearnt", self.relearnt, 2)
        at_least("bootstrap.tolerance", self.tolerance, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "bootstrap"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        _, number = whole_units(setting.design)
        return f"{count(number, 'authority', 'authorities')} are too few to draw from" if number < FEWEST_UNITS else None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute the reported standard error.

        Parameters
        ----------
        trial : any with a standard error.
        rng : draws whole units with replacement.
        """
        from scipy import stats

        estimate, level = trial.estimate, 1 - trial.question.level
        report = reporting(
            self,
            asks="If the authorities are drawn anew, with replacement, does the answer vary as much as its standard error says?",
            expected=f"A bootstrap standard error of at most {self.tolerance:g} times the reported one.",
            detects="Standard errors that are too small, above all from taking the years of one authority as independent.",
            cannot_detect="Confounding, reverse causation and measurement error, which every sample shares; shocks common to neighbouring authorities.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        assert estimate.std_error is not None
        _, number = whole_units(trial.design)
        kept = trial.score is not None and not trial.score.shaky
        by_matrix = trial.linear or kept
        draws = capped(self.draws, trial.design.rows, 200) if by_matrix else self.refits
        times = np.empty((draws, number))
        for draw in range(draws):
            times[draw] = np.bincount(rng.integers(number, size=number), minlength=number)
        lost: list[str] = []
        drawn = drawn_clusters(trial.design, times.T)
        whole = trial.score is not None and not kept
        effects, _ = trial.refitted(self.name, clusters=drawn, lost=lost) if whole else trial.redraw(self.name, clusters=drawn, errors=False, lost=lost)
        good = np.isfinite(effects)
        if good.sum() < max(3, draws // 2):
            return not_run(report, f"{estimate.estimator} gave an answer in only {good.sum()} of {count(draws, 'sample')}")
        error = float(effects[good].std(ddof=1))
        ratio = error / estimate.std_error
        freedom = int(good.sum()) - 1
        p_value = float(stats.chi2(freedom).sf(freedom * (ratio / self.tolerance) ** 2))
        grown, again = self._relearnt(trial, drawn, lost) if kept else (None, np.empty(0))
        most = max(self.tolerance, ALLOWED.get(learnt_how(trial), 0.0)) if kept else self.tolerance
        steady = grown is None or grown <= most
        survived = p_value >= level and steady
        lower, upper = (float(end) for end in np.quantile(effects[good], [level / 2, 1 - level / 2]))
        reach = f"{span(lower, upper, places(max(abs(lower), abs(upper))))} {trial.design.outcome_variable.unit}"
        text = (
            f"Over {count(int(good.sum()), 'sample')} of {count(number, 'authority', 'authorities')} the effect varied with a standard error of "
            f"{size(trial, error)}, {ratio:.2f} times the reported {size(trial, estimate.std_error)}"
            + (", as sampling allows" if p_value >= level else ": the reported interval is too narrow")
            + f"; {trial.question.level:.0%} of samples lie within {reach}."
            + (kept_words(trial) if kept else "")
        )
        if grown is not None:
            far = size(trial, float(np.sqrt((again**2).mean())))
            text += (
                f" Learnt anew on {len(again)} of these samples the answers moved by {far} (root mean square): with that the error is {grown:.2f} times the "
                f"reported one, {'which is let pass' if steady else 'so the answer hangs on how the controls are learnt'}."
            )
        text += lost_words(lost) + (capped_words(draws, self.draws) if by_matrix else "")
        return report(
            found=text,
            p_value=p_value,
            level=level,
            lost=int((~good).sum()) + (self.relearnt - len(again) if kept else 0),
            survived=survived,
            numbers={
                "draws": float(good.sum()),
                "bootstrap standard error": error,
                "ratio to the reported standard error": ratio,
                "ratio allowed": self.tolerance,
                "lower": lower,
                "upper": upper,
                "mean effect": float(effects[good].mean()),
            }
            | (
                {}
                if not kept
                else {
                    "samples learnt anew": float(len(again)),
                    "error with learning anew, times the reported one": grown,
                    "ratio allowed with learning anew": most,
                }
            ),
        )

    def _relearnt(self, trial: Trial, drawn: Floats, lost: list[str]) -> tuple[float | None, Floats]:
        """How many times the error grows by what learning anew adds on the first samples, and how far each answer moved; None where none has an answer."""
        estimate = trial.estimate
        moved = trial.relearnt(f"{self.name} relearnt", drawn[:, : self.relearnt], lost=lost)
        moved = moved[np.isfinite(moved)]
        if not len(moved) or not estimate.std_error:
            return None, moved
        return float(np.sqrt(1 + (moved**2).mean() / estimate.std_error**2)), moved


def learnt_how(trial: Trial) -> str:
    """What learning anew is bounded by: that of "trees" and of effects learnt by row, or that of "linear" nuisances.

    Parameters
    ----------
    trial : with residuals of cross-fits.
    """
    assert trial.score is not None
    first = trial.score.repetitions[0]
    by_row = isinstance(first, Slope) and first.learnt is not None
    return "trees" if by_row or getattr(trial.estimator, "nuisance", "") in TREES else "linear"
