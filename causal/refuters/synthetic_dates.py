"""Does a synthetic control part from its place before anything was done?

The treatment is pretended to have come earlier, on the years before it came, and the same synthetic control is made from those before that. If it was a good
stand-in it goes on as its place does (Abadie, Diamond & Hainmueller 2015, Comparative politics and the synthetic control method).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.cohorts import cohorts
from causal.design import Design
from causal.draws import stream
from causal.errors import CausalError
from causal.knobs import between
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting
from causal.trial import Setting, Trial

FEWEST = 4  # years on either side of the pretended date


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticDates:
    """Pretend that the treatment came earlier.

    Parameters
    ----------
    share : of the years before the treatment, at which it is pretended to come.
    level : rate at which an effect is found.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = "timing"
    label: ClassVar[str] = "an earlier date for the synthetic control"
    catches: ClassVar[str] = "parted_before"

    share: float = 0.65
    level: float = 0.05

    def __post_init__(self) -> None:
        between("synthetic_dates.share", self.share, 0, 1)
        between("synthetic_dates.level", self.level, 0, 0.5)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "synthetic_dates"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if self.name not in getattr(setting.estimator, "checks", ()):
            return f"{setting.estimator.name} makes no synthetic control"
        try:
            made = cohorts(setting.design)
        except CausalError as why:
            return str(why).rstrip(".")
        if len(made.years) != 1 or int((~made.never & ~made.always).sum()) != 1:
            return "more than one place is treated, and of several no error is known"
        years = setting.design.years
        before = int((years < made.years[0]).sum())
        at = int(self.share * before)
        if min(at, before - at) < FEWEST or before * self.level < 1:
            return f"{before} years before the treatment are too few to pretend another date among them and to test it at {self.level:g}"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that the synthetic control stands for its place.

        Parameters
        ----------
        trial : of an answer by a synthetic comparison.
        rng : not used.
        """
        report = reporting(
            self,
            asks="Does the synthetic control part from its place before the treatment came?",
            expected="With an earlier date, and years before the treatment alone, no effect is found.",
            detects="A comparison that does not stand for its place: other trends, other shocks, a fit that does not last.",
            cannot_detect="Whatever came to the place with the treatment.",
        )
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        try:
            made, at = self._pretended(trial.design)
            one = trial.estimator.estimate(made, stream(trial.seed, self.name))
        except CausalError as problem:
            return not_run(report, str(problem).rstrip("."))
        if one.p_value is None or one.std_error is None:
            return not_run(report, f"with the date at {at} no interval is known: {one.inference}")
        survived = bool(one.p_value > self.level)
        return report(
            found=f"Pretended in {at}: {amount(trial, one.effect)} ({p_text(one.p_value)}). "
            + ("It goes on as its place does." if survived else "It parts from its place before anything was done."),
            p_value=one.p_value,
            level=self.level,
            survived=survived,
            bias=one.effect,
            bias_error=one.std_error,
            numbers={"pretended year": float(at), "effect found there": one.effect},
        )

    def _pretended(self, design: Design) -> tuple[Design, int]:
        """The years before the treatment, with it from an earlier one on."""
        adopted, years, question = cohorts(design), design.years, design.question
        first = int(adopted.years[0])
        earlier = years[years < first]
        at = int(earlier[int(self.share * len(earlier))])
        treated = np.flatnonzero(~adopted.never & ~adopted.always)
        on = np.isin(design.authority, treated) & (design.year >= at)
        pretended = replace(design, treatment=np.where(on, question.treated, question.control).astype(float))
        return pretended.subset(np.flatnonzero(design.year < first), "the treatment has come"), at
