"""Does the answer move when a variable that has nothing to do with anything is conditioned on too?

A column of noise is no common cause, so adjusting for it must leave the answer where it was (Sharma & Kiciman 2020, DoWhy: an end-to-end
library for causal inference). With n rows and k coefficients an honest regression moves by about one standard error in √(n − k); an
estimator that has nearly as many coefficients as rows, fits noise, or leans on its own random choices (folds, trees) moves by much more.

The measure is the root mean square shift over the standard error. Shifts of a quarter of a standard error widen the true uncertainty
by 3 % (√(1 + 0.25²) = 1.03) and are let pass; this is a rule about size, so the check has no p-value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.estimate import once
from causal.knobs import between, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import BLOCK, amount, capped, capped_words, lost_words, not_run, reporting, size, unsure
from causal.rescored import with_clusters
from causal.trial import Setting, Trial
from causal.words import count

SURE = 3.0  # errors of a shift that noise makes, beyond which it is one


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomCommonCause:
    """Add noise to the controls and watch the answer.

    Parameters
    ----------
    draws, refits : noise columns, one at a time, for a linear estimator and for one that must be fitted again.
    relearnt : noise columns where residuals of cross-fits are at hand: these would move by noise as a straight line does, so the learners are asked.
    tolerance : largest root mean square shift, in standard errors, that passes.
    """

    family: ClassVar[Family] = "stability"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "noise added"
    catches: ClassVar[str] = "unsteady"

    draws: int = 500
    refits: int = 20
    relearnt: int = 5
    tolerance: float = 0.25

    def __post_init__(self) -> None:
        whole_number("random_common_cause.draws", self.draws, 2)
        whole_number("random_common_cause.refits", self.refits, 2)
        whole_number("random_common_cause.relearnt", self.relearnt, 2)
        between("random_common_cause.tolerance", self.tolerance, 0, float("inf"))

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "random_common_cause"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute the estimate's steadiness.

        Parameters
        ----------
        trial : any with a standard error.
        rng : draws the noise that is conditioned on.
        """
        estimate = trial.estimate
        report = reporting(
            self,
            asks="If a variable of pure noise is held fixed as well, does the answer stay where it was?",
            expected=f"Shifts of less than {self.tolerance:g} standard errors (root mean square): noise explains nothing.",
            detects="An over-fitted model (nearly as many coefficients as rows), and an estimator whose answer hangs on its own random choices.",
            cannot_detect="Confounding of any kind, reverse causation and too narrow intervals: noise is no common cause and cannot stand for one.",
        )
        if (why := unsure(trial)) is not None:
            return not_run(report, why)
        assert estimate.std_error is not None
        draws = capped(self.draws, trial.fixed.rows, 20) if trial.linear else self.refits if trial.score is None else self.relearnt
        lost: list[str] = []
        # a level from 0 to 1: quick to draw, and to a line as good as any; the same numbers however many are drawn at once
        width = max(1, BLOCK // trial.fixed.rows)
        parts = []
        for at in range(0, draws, width):
            noise = rng.random((min(width, draws - at), trial.fixed.rows)).T
            if trial.linear:
                parts.append(trial.redraw(self.name, control=noise, errors=False)[0])
                continue
            # folds are dealt anew with each noise; one cross-fit tells as much of both as a median of several
            asked = trial.estimator if trial.score is None else once(trial.estimator)
            parts.append(trial.refitted(self.name, control=noise, estimator=asked, lost=lost)[0])
        effects = np.concatenate(parts)
        good = np.isfinite(effects)
        if good.sum() < max(2, draws // 2):
            return not_run(report, f"{estimate.estimator} gave an answer in only {good.sum()} of {count(draws, 'draw')} with noise added")
        shifts = effects[good] - estimate.effect
        each = _cross_fits(trial)
        moved = float(np.sqrt((shifts**2).mean())) if each is None else of_medians(effects[good], each)
        share = moved / estimate.std_error
        survived = bool(share <= self.tolerance)
        text = (
            f"With noise added the effect was {amount(trial, float(effects[good].mean()))} on average over {count(len(shifts), 'draw')} "
            f"(without it {amount(trial, estimate.effect)}); it moved by {size(trial, moved)}, {share:.3f} standard errors"
            + (", too little to matter." if survived else ": the answer hangs on choices that should not matter.")
            + lost_words(lost)
            + (capped_words(draws, self.draws) if trial.linear else "")
        )
        return report(
            found=text,
            p_value=None,
            survived=survived,
            lost=int((~good).sum()),
            numbers={
                "draws": float(len(shifts)),
                "mean effect with noise": float(effects[good].mean()),
                "root mean square shift": moved,
                "shift in standard errors": share,
                "shift allowed, in standard errors": self.tolerance,
                "largest shift": float(np.abs(shifts).max()),
            },
        )


def _cross_fits(trial: Trial) -> Floats | None:
    """What each of the answer's own cross-fits says, shape (cross-fits,); None where there are not several."""
    if trial.score is None or len(trial.score.repetitions) < 2:
        return None
    every, contrast = np.ones((len(trial.design.clusters), 1)), trial.score.over.question.contrast
    return np.array([with_clusters(trial.score.single(at), trial.design, every)[0][0] * contrast for at in range(len(trial.score.repetitions))])


def of_medians(noisy: Floats, own: Floats) -> float:
    """How far a median of cross-fits moves as noise is added and folds are dealt anew (root mean square), from what single ones vary by.

    The answer and the one that would come are medians of as many cross-fits, whose differences vary by the sum of both. A shift of all that noise makes, if it
    is beyond chance, comes on top.

    Parameters
    ----------
    noisy : shape (draws,), answers of one cross-fit each, with noise.
    own : shape (m,), those of the answer's own cross-fits.
    """
    squares = ((noisy - noisy.mean()) ** 2).sum() + ((own - own.mean()) ** 2).sum()
    spread = float(np.sqrt(squares / (len(noisy) + len(own) - 2)))
    moved, gap = np.sqrt(2) * spread * share_of_one(len(own)), float(noisy.mean() - own.mean())
    beyond = abs(gap) > SURE * spread * np.sqrt(1 / len(noisy) + 1 / len(own))
    return float(np.hypot(moved, gap if beyond else 0.0))


def share_of_one(cross_fits: int) -> float:
    """How far the median of some cross-fits moves with the folds, as a share of how far one does; √(π / (2(m − 1) + π)), exact for one and for many.

    Parameters
    ----------
    cross_fits : m, of which the median is the answer.
    """
    return float(np.sqrt(np.pi / (2 * (cross_fits - 1) + np.pi)))
