"""Does the contrast asked about lie within what the data show?

A regression answers for any contrast, also for one that no place has ever gone through: it then draws its line on beyond the data (King & Zeng
2006, The dangers of extreme counterfactuals). Where authorities are compared with themselves, what counts is how far the treatment has moved within an
authority; where they are compared with others, how far apart those with the most and the least of it lie.

The largest move that at least `fewest` authorities have made is what the data show; the share of the contrast beyond it is drawn on. Of the estimate's
weight (residual treatment variation) it is said what share lies with authorities that moved as far as the contrast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.knobs import between, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import not_run, reporting
from causal.trial import Setting, Trial
from causal.words import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Extrapolation:
    """Hold the contrast against the moves that authorities have made.

    Parameters
    ----------
    fewest : authorities that must have moved so far for a move to count as seen.
    beyond : share of the contrast drawn on beyond the data that is let pass.
    """

    family: ClassVar[Family] = "stability"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "changes as large as asked about"
    catches: ClassVar[str] = "beyond_the_data"

    fewest: int = 10
    beyond: float = 0.25

    def __post_init__(self) -> None:
        whole_number("extrapolation.fewest", self.fewest, 1)
        between("extrapolation.beyond", self.beyond, 0, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "extrapolation"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        number = len(setting.design.authorities)
        return f"{count(number, 'authority', 'authorities')} are fewer than the {self.fewest} that must have moved" if number < self.fewest else None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that the data speak of the contrast asked about.

        Parameters
        ----------
        trial : any of a panel.
        rng : not used.
        """
        made, question = trial.design, trial.question
        unit = made.treatment_variable.unit
        report = reporting(
            self,
            asks=f"Have places gone through a change as large as the one asked about ({question.control:g} to {question.treated:g} {unit})?",
            expected=f"At least {count(self.fewest, 'authority', 'authorities')} that moved by {1 - self.beyond:.0%} of it or more.",
            detects="A contrast larger than what the data show, so that the effect is drawn on in a straight line beyond them.",
            cannot_detect="Confounding of any kind; an effect that is bent within the data.",
        )
        within = _within(trial)
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        size = abs(question.contrast)
        highest, lowest = _ends(made)
        numbers: dict[str, float | None] = {"contrast": size}
        if within:
            moves = highest - lowest
            reached = float(np.sort(moves)[-self.fewest])
            far = moves >= size * (1 - 1e-9)
            residualised = made.partial_out(made.treatment[:, None])[:, 0]
            weight = np.bincount(made.authority, weights=residualised**2, minlength=len(made.authorities))
            carried, middle = float(weight[far].sum() / weight.sum()), float(np.median(moves))
            words = f"{int(far.sum())} of {count(len(moves), 'authority', 'authorities')} moved as far as the contrast of {size:g} {unit}, and "
            words += f"carry {carried:.0%} of the estimate's weight; the middle one moved {middle:.2g}. At least {self.fewest} moved {reached:.2g}"
            numbers |= {"authorities that moved as far": float(far.sum()), "share of the weight they carry": carried, "median move": middle}
        else:
            reached = max(0.0, float(np.sort(highest)[-self.fewest] - np.sort(lowest)[self.fewest - 1]))
            words = f"The {self.fewest} authorities with the most of the treatment and the {self.fewest} with the least lie at least {reached:.2g} {unit} apart"
        share = max(0.0, 1 - reached / size)
        words += f", so that {share:.0%} of the contrast is drawn on beyond the data" if share > 0 else ""
        survived = share <= self.beyond
        outside = [level for level in (question.control, question.treated) if not lowest.min() <= level <= highest.max()]
        said = [f"{level:g} lies outside all that was seen ({lowest.min():.2g} to {highest.max():.2g})." for level in outside]
        return report(
            found=" ".join([f"{words}.", *said, "The data speak of this contrast." if survived else "The data do not speak of so large a contrast."]),
            p_value=None,
            survived=survived,
            numbers=numbers
            | {
                "move that enough authorities made": reached,
                "share of the contrast beyond the data": share,
                "share let pass": self.beyond,
                "levels outside the data": float(len(outside)),
            },
        )


def _within(trial: Trial) -> bool:
    """Whether the estimate compares authorities with themselves."""
    return trial.estimate.conditioning.authority


def _ends(design: Design) -> tuple[Floats, Floats]:
    """The most and the least of the treatment that each authority has had in the years seen; shape (authorities,)."""
    starts = np.flatnonzero(np.r_[True, np.diff(design.authority) != 0])
    return np.asarray(np.maximum.reduceat(design.treatment, starts)), np.asarray(np.minimum.reduceat(design.treatment, starts))
