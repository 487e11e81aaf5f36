"""First stage: does an instrument of two values move the treatment, and by how much?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.inference.compliers import by_cluster
from causal.knobs import at_least
from causal.needs import instrument_of
from causal.refutation import Family, Refutation, Role
from causal.refuters import not_run, reporting
from causal.trial import Setting, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStage:
    """Say how far the instrument moves the taking up; not passed where it hardly does.

    Parameters
    ----------
    strong : F statistic from which it counts as having moved it.
    """

    family: ClassVar[Family] = "record"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "how far the instrument moves the treatment"
    catches: ClassVar[str] = "instrument_moves_nothing"

    strong: float = 10.0

    def __post_init__(self) -> None:
        at_least("first_stage.strong", self.strong, 0)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "first_stage"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if setting.identification.strategy != "iv":
            return "the estimator uses no instrument"
        return None if instrument_of(setting.estimator, setting.design) else "no instrument has two values"

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Look at how far the treatment is moved.

        Parameters
        ----------
        trial : of an answer by an instrument of two values.
        rng : not used.
        """
        report = reporting(
            self,
            asks="How many take the treatment up at each level of the instrument?",
            expected="Many more at one level than at the other.",
            detects="An instrument that hardly moves the treatment.",
            cannot_detect="Whether it moves the outcome in another way.",
        )
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        found = instrument_of(trial.estimator, trial.design)
        assert found is not None
        name, column = found
        known = np.isfinite(column)
        design = trial.design
        z, cluster = (column[known] == column[known].max()).astype(float), design.cluster[known]
        d = (design.treatment[known] == trial.question.treated).astype(float)
        shares = float(d[z == 1].mean()), float(d[z == 0].mean())
        gap = shares[0] - shares[1]
        own = by_cluster(z * (d - shares[0]) / z.mean() - (1 - z) * (d - shares[1]) / (1 - z.mean()), cluster, len(design.clusters))
        error = float(np.sqrt(own @ own))
        strength = min((gap / error) ** 2, 1e6) if error > 0 else 1e6
        survived = bool(strength >= self.strong)
        return report(
            found=f"{shares[0]:.1%} take it up at the higher level of {name} and {shares[1]:.1%} at the lower: {gap:+.1%} (standard error {error:.1%}, "
            f"F = {strength:.1f}). {'It moves the treatment.' if survived else 'It hardly moves the treatment.'}",
            p_value=None,
            survived=survived,
            numbers={"taken up at the higher level": shares[0], "taken up at the lower level": shares[1], "difference": gap, "F": strength},
        )
