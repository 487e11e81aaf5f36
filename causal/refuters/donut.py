"""Do the rows nearest the cutoff carry the answer?

They count most, and they are those of whom it is least sure that nobody chose their side, or rounded it. Without them the answer should stay about where it
is (Barreca, Lindo & Waddell 2016, Heaping-induced bias in regression-discontinuity designs).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.cutoff import fitted
from causal.errors import CausalError
from causal.knobs import between
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting
from causal.refuters.machinery.cutoffs import beyond, comparison, effect, joint_p, lacks_cutoff, part_of
from causal.trial import Setting, Trial
from causal.words import capital


@dataclass(frozen=True, slots=True, kw_only=True)
class Donut:
    """Leave out the rows nearest the cutoff.

    Parameters
    ----------
    shares : of the bandwidth, left out on either side.
    level : joint rate at which a move is found.
    """

    family: ClassVar[Family] = "stability"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "without those nearest the cutoff"
    catches: ClassVar[str] = "heaped_at_cutoff"

    shares: tuple[float, ...] = (0.05, 0.1, 0.2)
    level: float = 0.05

    def __post_init__(self) -> None:
        between("donut.level", self.level, 0, 0.5)
        object.__setattr__(self, "shares", tuple(self.shares))
        for share in self.shares:
            between("donut.shares", share, 0, 0.9)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "donut"

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
            asks="Does the answer hang on the rows nearest the cutoff?",
            expected="Without them it moves by no more than chance.",
            detects="Heaps and odd rows at the cutoff; sorting by those who stand nearest.",
            cannot_detect="Sorting from further away; another rule at the same cutoff.",
        )
        one = comparison(self, trial)
        if isinstance(one, str):
            return not_run(report, one)
        made = []
        for share in self.shares:
            with suppress(CausalError):
                other = fitted(one.design, one.sides, one.local, one.widths, keep=beyond(one, share * one.widths[0]))
                made.append((share, other))
        if not made:
            return not_run(report, "too few rows are left without those nearest the cutoff")
        p_value = joint_p(trial, one.made, [other for _, other in made])
        survived = bool(p_value >= self.level)
        text = "; ".join(f"without the nearest {share:.0%} of the bandwidth {amount(trial, effect(trial, other))}" for share, other in made)
        parts = tuple(part_of(trial, f"without the nearest {share:.0%}", other) for share, other in made)
        return report(
            found=f"{capital(text)}; jointly {p_text(p_value)}. " + ("It stays about where it is." if survived else "The rows nearest the cutoff carry it."),
            p_value=p_value,
            level=self.level,
            survived=survived,
            numbers={f"effect without the nearest {share:.0%}": effect(trial, other) for share, other in made},
            parts=parts,
        )
