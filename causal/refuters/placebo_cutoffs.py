"""Are there jumps where no rule makes any?

At other values of the running variable, each side by itself, nothing changes, so that a jump there is a curve that the lines took for one, or a record that
jumps for reasons of its own (Imbens & Lemieux 2008, Regression discontinuity designs: a guide to practice). It is this design's look at what is found where
no rule was.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.cutoff import chosen, fitted
from causal.errors import CausalError, ConfigError, refusal
from causal.knobs import between
from causal.refutation import Family, Refutation, Role
from causal.refuters import not_run, p_text, reporting
from causal.refuters.machinery.bias import reach
from causal.refuters.machinery.cutoffs import comparison, lacks_cutoff, p_of, per_jump
from causal.trial import Setting, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboCutoffs:
    """Pretend that the cutoff lies elsewhere.

    Parameters
    ----------
    shares : of the rows of each side, counted from the cutoff outwards, at which it is pretended to lie.
    level : joint rate at which a jump is found.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = "timing"
    label: ClassVar[str] = "cutoffs elsewhere"
    catches: ClassVar[str] = "jump_elsewhere"

    shares: tuple[float, ...] = (0.35, 0.55)
    level: float = 0.05

    def __post_init__(self) -> None:
        between("placebo_cutoffs.level", self.level, 0, 0.5)
        object.__setattr__(self, "shares", tuple(self.shares))
        if not self.shares:
            raise refusal(ConfigError, "placebo_cutoffs.shares", "shares of the rows of a side", "none", "write  refuters.placebo_cutoffs.shares=[0.35,0.55]")
        for share in self.shares:
            between("placebo_cutoffs.shares", share, 0, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "placebo_cutoffs"

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
            asks="Does the outcome jump at values where no rule changes anything?",
            expected="At cutoffs that are none the outcome does not jump.",
            detects="Curves that straight lines take for jumps, and records that jump by themselves.",
            cannot_detect="Whatever happens at the cutoff alone: sorting, or another rule there.",
        )
        one = comparison(self, trial)
        if isinstance(one, str):
            return not_run(report, one)
        x = one.sides.x
        made = []
        for right in (False, True):
            side = (x >= 0) == right
            for share in self.shares:
                at = float(np.quantile(np.abs(x[side]), share)) * (1 if right else -1)
                with suppress(CausalError):
                    widths = chosen(one.design, replace(one.sides, x=(x - at)[side], rows=one.sides.rows[side], sharp=True), one.local)
                    jump = fitted(one.design, replace(one.sides, sharp=True), one.local, widths, keep=side, shift=at, reduced=True)
                    made.append((at, jump))
        if len(made) < 2:
            return not_run(report, "too few rows lie away from the cutoff to pretend another")
        each = [p_of(jump.effect, jump.std_error, jump.df) for _, jump in made]
        p_value = min(1.0, len(each) * min(each))
        worst = made[int(np.argmin(each))][1]
        times = per_jump(one) * trial.question.contrast
        errors = [jump.std_error * abs(times) for _, jump in made]
        reached = reach(made[0][1].df, self.level / len(made))
        survived = bool(p_value >= self.level)
        unit = one.design.outcome_variable.unit
        text = "; ".join(f"at {one.sides.at(np.array([at]))[0]:.3g} {jump.effect:+.3g} {unit} ({p_text(p)})" for (at, jump), p in zip(made, each, strict=True))
        return report(
            found=f"{text}; jointly {p_text(p_value)}. " + ("No jump beyond chance." if survived else "The outcome jumps where no rule changes anything."),
            p_value=p_value,
            level=self.level,
            survived=survived,
            bias=worst.effect * times,
            bias_error=worst.std_error * abs(times),
            blind_below=None if reached is None else reached * float(np.median(errors)),
            numbers={"cutoffs": float(len(made)), "largest jump, as an effect": worst.effect * times},
        )
