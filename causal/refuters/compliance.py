"""Compliance: how many took up what was drawn for them, in each arm; an offer that hardly moves the taking up says little of what was offered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.graph import undated
from causal.inference.clustered import interval
from causal.knobs import at_least
from causal.refutation import Family, Refutation, Role
from causal.refuters import not_run, p_text, reporting
from causal.regression import least_squares
from causal.trial import Setting, Trial

STRONG = 10.0  # F of the taking up below which an instrument is called weak (Staiger & Stock 1997)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """Say who took up what was drawn for them; not passed where the offer hardly moves the taking up.

    Parameters
    ----------
    strong : F statistic of the taking up from which the offer counts as having moved it.
    """

    family: ClassVar[Family] = "record"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "who took up what was drawn for them"
    catches: ClassVar[str] = "offer_not_taken_up"

    strong: float = STRONG

    def __post_init__(self) -> None:
        at_least("compliance.strong", self.strong, 0)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "compliance"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if not setting.identification.lot:
            return "the graph does not say that the treatment was decided by lot"
        if getattr(setting.estimator, "received", None) is None:
            return "nobody says what was taken up; name it with  estimator.received=…"
        return None if _taken(setting) is not None else f"{getattr(setting.estimator, 'received', None)} is not measured"

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Look at who took it up.

        Parameters
        ----------
        trial : of a treatment that lots decided, whose estimator says what was taken up (`received`).
        rng : not used.
        """
        report = reporting(
            self,
            asks="How many took it up of those offered it, and how many of the others?",
            expected="Many more of those offered it.",
            detects="An offer that was not taken up, or that the others took up too.",
            cannot_detect="What taking it up means to those who would have done so anyway.",
        )
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        column, made = _taken(trial), trial.design
        assert column is not None
        known = np.isfinite(column)
        took = replace(made, outcome=np.where(known, column, float(column[known].mean())))
        fit, _ = least_squares(took, took.basis())
        gap, error = float(fit.coefficients[0] * trial.question.contrast), float(fit.std_errors[0] * abs(trial.question.contrast))
        _, _, p_value = interval(gap, error, trial.question.level, float(fit.df[0]))
        strength = (gap / error) ** 2 if error > 0 else float("inf")
        ends = [made.treatment == trial.question.control, made.treatment == trial.question.treated]
        shares = [float(column[known & arm].mean()) if (known & arm).any() else float("nan") for arm in ends]
        arms = f"{shares[1]:.1%} of those offered it and {shares[0]:.1%} of the others" if np.isfinite(shares).all() else "of each arm some"
        survived = bool(strength >= self.strong)
        return report(
            found=f"{arms} took it up: {gap:+.1%} because of the offer (standard error {error:.1%}, F = {min(strength, 1e6):.1f}, {p_text(p_value)}). "
            + ("The offer moved the taking up." if survived else "The offer hardly moved the taking up, so that the answer says little of what was offered."),
            p_value=None,
            survived=survived,
            numbers={
                "taken up of those offered it": shares[1] if np.isfinite(shares[1]) else None,
                "taken up of the others": shares[0] if np.isfinite(shares[0]) else None,
                "taken up because offered": gap,
                "F": min(strength, 1e6),
            },
        )


def _taken(setting: Setting) -> Floats | None:
    """What was taken up, shape (rows,); None where it is not there."""
    name = getattr(setting.estimator, "received", None)
    return next((values for one, values in setting.design.columns.items() if undated(one)[0] == name), None)
