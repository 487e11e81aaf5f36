"""Does the answer hang on how wide the comparison is made?

A narrow bandwidth compares those most alike and knows little, a wide one knows more and bends. An answer that drifts with it by more than chance is of the
lines and not of the cutoff (Imbens & Lemieux 2008, Regression discontinuity designs: a guide to practice).
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
from causal.refuters.machinery.cutoffs import comparison, effect, joint_p, lacks_cutoff, part_of
from causal.trial import Setting, Trial
from causal.words import capital


@dataclass(frozen=True, slots=True, kw_only=True)
class BandwidthCurve:
    """Make the comparison narrower and wider.

    Parameters
    ----------
    times : the bandwidth is multiplied by.
    level : joint rate at which a drift is found.
    """

    family: ClassVar[Family] = "stability"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "narrower and wider bandwidths"
    catches: ClassVar[str] = "bent_lines"

    times: tuple[float, ...] = (0.5, 0.75, 1.5, 2.0)
    level: float = 0.05

    def __post_init__(self) -> None:
        between("bandwidth_curve.level", self.level, 0, 0.5)
        object.__setattr__(self, "times", tuple(self.times))
        for one in self.times:
            between("bandwidth_curve.times", one, 0, np.inf)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "bandwidth_curve"

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
            asks="Does the answer stay where it is with narrower and wider bandwidths?",
            expected="It moves by no more than chance.",
            detects="Curves that the lines take for a jump, at one bandwidth more than at another.",
            cannot_detect="What bends all bandwidths alike; whatever happens at the cutoff itself.",
        )
        one = comparison(self, trial)
        if isinstance(one, str):
            return not_run(report, one)
        made = []
        for times in self.times:
            with suppress(CausalError):
                other = fitted(one.design, one.sides, one.local, (times * one.widths[0], times * one.widths[1]))
                made.append((times, other))
        if not made:
            return not_run(report, "no other bandwidth has enough rows on both sides")
        p_value = joint_p(trial, one.made, [other for _, other in made])
        survived = bool(p_value >= self.level)
        text = "; ".join(f"{times:g} times as wide {amount(trial, effect(trial, other))}" for times, other in made)
        parts = [part_of(trial, f"{times:g} × the bandwidth ({times * one.widths[0]:.3g})", other) for times, other in made]
        parts.append(part_of(trial, f"the bandwidth ({one.widths[0]:.3g})", one.made, chosen=True))
        return report(
            found=f"{capital(text)}; jointly {p_text(p_value)}. " + ("It stays about where it is." if survived else "It drifts with the bandwidth."),
            p_value=p_value,
            level=self.level,
            survived=survived,
            numbers={f"effect at {times:g} times the bandwidth": effect(trial, other) for times, other in made},
            parts=tuple(parts),
        )
