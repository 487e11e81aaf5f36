"""What it asks, in one line: does the answer hang on a single authority?

Author, year, title of the paper that it follows. What it measures, from which size it alarms, and why from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.knobs import between
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, reporting, unsure
from causal.trial import Setting, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class MyRefuter:
    """Leave out one cluster after the other.

    Parameters
    ----------
    tolerance : largest shift that passes, in standard errors.
    """

    family: ClassVar[Family] = "stability"  # what an alarm means: bias, inference, stability, record, sensitivity or graph
    role: ClassVar[Role | None] = None  # a look at timing, or another part that certainty asks for (causal/refutation.py); None: none
    label: ClassVar[str] = "one left out"  # its plain name, as the first screen has it
    catches: ClassVar[str] = "one_odd_place"  # a fault of causal/testing/faults.py that it must find; or a method planted(seed, on)

    tolerance: float = 1.0

    def __post_init__(self) -> None:
        between("my_refuter.tolerance", self.tolerance, 0, float("inf"))

    @property
    def name(self) -> str:
        """Its name on the shelf: that of its YAML."""
        return "my_refuter"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here, as a clause; None where it can run. No outcome may be looked at.

        Parameters
        ----------
        setting : panel, question, graph, estimator and design.
        """
        return "one cluster alone has nothing to be compared with" if len(setting.design.clusters) < 3 else None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute the estimate.

        Parameters
        ----------
        trial : the estimate, and the powers to repeat it with something replaced (`rerun`, `redraw`, `map`).
        rng : of all that is drawn at random here.
        """
        report = reporting(
            self,
            asks="Is the answer the same without any one authority?",
            expected=f"Shifts of at most {self.tolerance:g} standard errors.",
            detects="One authority, or one cluster of them, that carries the answer.",
            cannot_detect="Confounding, and anything that many authorities share.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)  # survived=None, with its reason
        assert trial.estimate.std_error is not None
        number = len(trial.fixed.clusters)
        effects, _ = trial.redraw(self.name, clusters=1.0 - np.eye(number), errors=False)  # shape (draws,): each column leaves one out
        known = np.isfinite(effects)
        if not known.any():
            return not_run(report, f"{trial.estimate.estimator} gave no answer without a cluster")
        shifts = np.abs(effects[known] - trial.estimate.effect) / trial.estimate.std_error
        at, share = int(np.flatnonzero(known)[shifts.argmax()]), float(shifts.max())
        survived = share <= self.tolerance
        return report(
            found=f"Without {trial.fixed.clusters[at]} the effect is {amount(trial, float(effects[at]))}, {share:.2f} standard errors away: "
            + ("no other moves it further." if survived else "the answer hangs on it."),
            p_value=None,  # with a p-value comes  level=, and in the family bias  bias=  and  bias_error=, in outcome units
            survived=survived,
            lost=int((~known).sum()),
            numbers={"largest shift, in standard errors": share, "effect without it": float(effects[at])},
        )
