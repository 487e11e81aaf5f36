"""Do places crowd on one side of the cutoff?

Where people can choose on which side they fall, those just beyond it are others than those just short of it, and their number jumps (McCrary 2008, Manipulation
of the running variable in the regression discontinuity design; test by Cattaneo, Jansson & Ma 2020, Simple local polynomial density estimators). How far off
the answer may be is told by leaving out the rows nearest the cutoff, among whom those that chose are.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.cutoff import fitted
from causal.errors import CausalError
from causal.inference.discontinuity import density
from causal.knobs import between
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size
from causal.refuters.machinery.bias import Bias
from causal.refuters.machinery.cutoffs import beyond, comparison, effect, lacks_cutoff, moved
from causal.trial import Setting, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """Test whether the density of the running variable jumps at the cutoff.

    Parameters
    ----------
    level : rate at which a jump is found.
    near : share of the bandwidth left out on either side, to tell how far the answer moves.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "no crowding at the cutoff"
    catches: ClassVar[str] = "sorting"

    level: float = 0.05
    near: float = 0.15

    def __post_init__(self) -> None:
        between("density.level", self.level, 0, 0.5)
        between("density.near", self.near, 0, 0.9)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "density"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        return lacks_cutoff(setting)

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute it.

        Parameters
        ----------
        trial : of an answer at a cutoff.
        rng : not used.
        """
        report = reporting(
            self,
            asks="Do as many stand just beyond the cutoff as just short of it?",
            expected="The number of rows goes on smoothly across the cutoff.",
            detects="Sorting: people, or whoever keeps the record, choose on which side they fall, so that those beyond it are others.",
            cannot_detect="Sorting as much one way as the other; another rule at the same cutoff; a curve taken for a jump.",
        )
        one = comparison(self, trial)
        if isinstance(one, str):
            return not_run(report, one)
        try:
            left, right, p_value = density(one.sides.x)
        except CausalError as problem:
            return not_run(report, str(problem).rstrip("."))
        if not np.isfinite([left, right, p_value]).all():
            return not_run(report, "too few rows near the cutoff to tell how densely they stand")
        bias = Bias()
        with suppress(CausalError):
            bias = moved(trial, one.made, fitted(one.design, one.sides, one.local, one.widths, keep=beyond(one, self.near * one.widths[0])))
        survived = bool(p_value >= self.level)
        seen = f"{right / max(left, 1e-300):.2f} times as many just beyond the cutoff as just short of it ({p_text(p_value)})"
        away = (
            ""
            if bias.size is None
            else f" Without the rows nearest it the effect is {amount(trial, effect(trial, one.made) - bias.size)}, {size(trial, bias.size)} away."
        )
        return report(
            found=f"{seen}." + away + (" No crowding beyond chance." if survived else " They crowd on one side: somebody may have chosen it."),
            p_value=p_value,
            level=self.level,
            survived=survived,
            bias=bias.size,
            bias_error=bias.error,
            numbers={"density short of it": left, "density beyond it": right, "share of those beyond it that are too many": 1 - left / max(right, 1e-300)},
        )
