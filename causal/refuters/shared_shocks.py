"""Do places share shocks, so that an interval that takes them as independent is too narrow?

Authorities of one region, of one tenth of deprivation, or that border one another may be hit together. That makes the error of an estimate larger than scores
by authority show, but only where both the residual outcome and the residual treatment are shared. Each set of ties is tested on both by Moran's Q of
whole paths, with its law by dealing paths among places, and the larger p-value counts (`causal.inference.dependence`); Holm over the sets.

After an alarm of borders the test is made again with region × year absorbed and paths dealt within regions (there residuals of a group of n correlate by
−1/(n − 1), which dealing among all would take for a tie broken). On an alarm of any set the interval is made anew (`causal.shared`).
Errors of Driscoll & Kraay and of Conley are printed beside, and are never the only ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.arrays import Floats, Ints
from causal.declared import Column
from causal.design import Design, whole_units
from causal.errors import EstimationError
from causal.groupings import Way, bordering, groups, row_groups, ties, ways
from causal.inference.dependence import Moran, conley, driscoll_kraay, moran, paths
from causal.inference.multiplicity import holm
from causal.knobs import between, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import capped, capped_words, not_run, p_text, reporting
from causal.regression import least_squares
from causal.trial import Setting, Trial
from causal.words import capital, count, listed

FEWEST = 6  # places among which paths can be dealt
FEWEST_DRAWS = 499  # permutations, even of very many rows
PER_DRAW = 2  # a permutation of paths takes less than a draw of rows
NAMED = 5  # islands that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedShocks:
    """Moran's Q of residual outcome and residual treatment among places that are tied.

    Parameters
    ----------
    draws : dealings of whole paths.
    level : joint false-alarm rate over the sets of ties.
    deprivation : variable whose tenths are one set of ties.
    """

    family: ClassVar[Family] = "inference"
    role: ClassVar[Role | None] = "shared_shocks"
    label: ClassVar[str] = "shocks that places share"
    catches: ClassVar[str] = "shared_waves"

    draws: int = 4_999
    level: float = 0.05
    deprivation: Column = "deprivation"

    def __post_init__(self) -> None:
        whole_number("shared_shocks.draws", self.draws, 19)
        between("shared_shocks.level", self.level, 0, 0.5)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "shared_shocks"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        _, number = whole_units(setting.fixed)
        if number < FEWEST:
            return f"{count(number, 'place')} are too few to deal paths among; at least {FEWEST} are wanted"
        untied = [made for way in ways(self.deprivation) if isinstance(made := ties(setting.panel, setting.fixed, way), str)]
        return "; ".join(untied) if len(untied) == len(ways(self.deprivation)) else None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that places are hit independently.

        Parameters
        ----------
        trial : with places that are tied: region, tenth of deprivation, borders, or a user's own groups.
        rng : permutes residual paths among places.
        """
        report = reporting(
            self,
            asks="Are places that are tied hit together, in treatment and outcome alike?",
            expected="Residual paths of tied places are no more alike than those of places drawn at random.",
            detects="An interval that is too narrow because regions, places alike in deprivation, or neighbours share shocks.",
            cannot_detect="Shocks shared in a way that no table shows; treatment of one place that moves the outcome of another; confounding of any kind.",
        )
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        made, panel = trial.fixed, trial.panel
        try:
            fit, treatment = least_squares(made, made.basis())
        except EstimationError as problem:
            return not_run(report, str(problem).rstrip("."))
        unit, number = whole_units(made)
        time = np.searchsorted(made.years, made.year)
        laid = [paths(values, unit, time, number, len(made.years)) for values in (fit.residuals, treatment)]
        strata = _strata(made, unit, number)
        draws = self._draws(made)
        tested: dict[Way, tuple[Moran, Moran]] = {}
        left_out: list[str] = []
        for way in ways(self.deprivation):
            tied = ties(panel, made, way)
            if isinstance(tied, str):
                left_out.append(tied)
                continue
            if way.label in made.grouped:
                left_out.append(f"{way.label} × year is held fixed already")
                continue
            outcome, shared = (moran(x, tied, rng, draws, within=strata) for x in laid)
            tested[way] = (outcome, shared)
        if not tested:
            return not_run(report, "; ".join(left_out))
        raw = [max(one.p_value for one in pair) for pair in tested.values()]
        adjusted = dict(zip(tested, holm(raw), strict=True))
        alarmed = tuple(way for way, p_value in adjusted.items() if p_value <= self.level)
        numbers: dict[str, float | None] = {}
        for way, (outcome, shared) in tested.items():
            numbers |= {
                f"{way.label}: likeness of outcomes": outcome.likeness,
                f"{way.label}: likeness of treatments": shared.likeness,
                f"{way.label}: p-value": max(outcome.p_value, shared.p_value),
                f"{way.label}: p-value by Holm": adjusted[way],
            }
        numbers |= self._beside(trial, made, fit.residuals, treatment, unit, number, time)
        words = "".join(f" {capital(one)}." for one in left_out if not one.startswith("no group")) + capped_words(draws, self.draws)
        if isinstance(borders := bordering(panel, made), tuple) and borders[1]:
            names = [*borders[1][:NAMED], *([f"{len(borders[1]) - NAMED} more"] if len(borders[1]) > NAMED else [])]
            words += f" Without any border, and kept: {listed(names)}."
        if not alarmed:
            effects_text = listed([f"{way.label} ({p_text(p_value)})" for way, p_value in adjusted.items()])
            text = f"Tied places are not clearly hit together in treatment and outcome, by {effects_text}.{words}"
            return report(found=text, p_value=min(adjusted.values()), survived=True, level=self.level, numbers=numbers)
        likeness = {
            way: " and ".join(f"{one.likeness:+.2f} of {what}" for one, what in zip(tested[way], ("outcomes", "treatments"), strict=True)) for way in alarmed
        }
        effects_text = listed([f"{way.label} (mean correlation {likeness[way]}, {p_text(adjusted[way])})" for way in alarmed])
        text = f"Places are hit together in treatment and outcome, by {effects_text}."
        if any(way.kind == "border" for way in alarmed):
            again = self._within_regions(trial, made, rng)
            if again is not None:
                numbers["shared border within regions: p-value"] = again
                still = again <= self.level
                text += f" Within regions neighbours are {'still' if still else 'no longer clearly'} hit together ({p_text(again)})."
        text += f" The interval is made wider for it.{words}"
        return report(found=text, p_value=min(adjusted.values()), survived=False, level=self.level, numbers=numbers, shared=alarmed)

    def _draws(self, design: Design) -> int:
        """Permutations: as many as asked for, five hundred on a million rows."""
        return capped(self.draws, max(design.rows // PER_DRAW, 1), FEWEST_DRAWS)

    def _within_regions(self, trial: Trial, design: Design, rng: np.random.Generator) -> float | None:
        """The p-value of borders with region × year absorbed and paths dealt within regions; None where regions are not known."""
        region = Way(kind="region")
        coded, rows, tied = groups(trial.panel, design, region), row_groups(trial.panel, design, region), ties(trial.panel, design, Way(kind="border"))
        if isinstance(coded, str) or isinstance(rows, str) or isinstance(tied, str) or "year" not in design.absorb:
            return None
        refit = replace(design, grouped={**design.grouped, region.label: rows[1]})
        try:
            fit, treatment = least_squares(refit, refit.basis())
        except EstimationError:
            return None
        unit, number = whole_units(design)
        time = np.searchsorted(design.years, design.year)
        laid = [paths(values, unit, time, number, len(design.years)) for values in (fit.residuals, treatment)]
        return max(moran(x, tied, rng, self._draws(design), within=coded[1]).p_value for x in laid)

    def _beside(self, trial: Trial, design: Design, residual: Floats, treatment: Floats, unit: Ints, number: int, time: Ints) -> dict[str, float | None]:
        """Errors that others would print, outcome units for the whole contrast."""
        scale = abs(trial.question.contrast)
        found: dict[str, float | None] = {}
        if len(design.years) > 1:
            found["standard error by Driscoll and Kraay"] = scale * driscoll_kraay(treatment, residual, time, len(design.years))
        if isinstance(borders := bordering(trial.panel, design), tuple):
            found["standard error by Conley, two rings of borders"] = scale * conley(treatment, residual, unit, number, borders[0])
        return found


def _strata(design: Design, unit: Ints, number: int) -> Ints | None:
    """Units whose year effects are absorbed together, among which alone paths may be dealt; shape (units,), None where all may be."""
    strata = np.zeros(number, dtype=np.int64)
    for codes in design.grouped.values():
        strata[unit] = np.unique(strata[unit] * (int(codes.max()) + 1) + codes, return_inverse=True)[1]
    return strata if design.grouped else None
