"""Does the treatment of neighbours move a place's outcome?

The mean treatment of bordering places, of the treatment's year and the year before, stands beside the own in one straight-line comparison with each
region's own year effects, so that what a region shares is not taken for what neighbours do. A joint test by authority asks for both years; the
direct effect, the spillover (both years' together, were all neighbours moved by the contrast) and their total are told with errors, and so is the
smallest spillover that the test could see (Aronow & Samii 2017, Estimating average causal effects under general interference; Butts 2021,
Difference-in-differences estimation with spatial spillovers).

With regions alone it is not run: the mean of the others in a region is collinear with region × year (Manski 1993, Identification of endogenous social
effects; Angrist 2014, The perils of peer effects).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design, with_group_years
from causal.errors import CausalError
from causal.estimate import Linear, Part
from causal.groupings import Way, bordering, row_groups
from causal.inference.clustered import Fit, clustered_least_squares, interval, joint_test
from causal.inference.detectable import minimum_detectable
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size
from causal.trial import Setting, Trial

NOW, BEFORE = "treatment of neighbours", "treatment of neighbours, the year before"
REGION = Way(kind="region")
NAMES = ("direct", "spillover", "total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spillover:
    """Neighbours' mean treatment beside the own, with region × year."""

    family: ClassVar[Family] = "stability"
    role: ClassVar[Role | None] = "spillover"
    label: ClassVar[str] = "effects of neighbours"
    catches: ClassVar[str] = "spillover"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "spillover"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        borders = bordering(setting.panel, setting.design)
        if isinstance(borders, str):
            return (
                f"{borders}; with regions alone the mean of the others in a region is collinear with region × year"
                if setting.panel.borders is None
                else borders
            )
        if isinstance(why := row_groups(setting.panel, setting.design, REGION), str):
            return f"{why}, and without region × year what a region shares would pass for what neighbours do"
        if "year" not in setting.design.absorb:
            return "no years are absorbed, and what hits all places in a year would pass for what neighbours do"
        if setting.panel.variable(setting.question.treatment).varies == "authority":
            return "the treatment does not change in time"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that no place's treatment moves another's outcome.

        Parameters
        ----------
        trial : with a table of borders and more than one region.
        rng : not used.
        """
        report = reporting(
            self,
            asks="Does the treatment of bordering places move the outcome here?",
            expected="Nothing beyond chance from neighbours' treatment, given the own and what hits a region in a year.",
            detects="Interference: families, staff or cases that cross a border when services there change.",
            cannot_detect="Spillovers that reach beyond neighbours, or all places of a region alike; shocks that neighbours alone share look alike.",
        )
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        try:
            made, columns = _with_neighbours(trial)
            with_them, alone = _fit(made, columns), _fit(made, columns[:, :1])
        except CausalError as problem:
            return not_run(report, f"neighbours' treatment could not be set beside the own ({str(problem).rstrip('.')})")
        question, contrast = trial.question, trial.question.contrast
        df = float(with_them.df.min())
        f, rest, p_value = joint_test(with_them.coefficients[1:], with_them.scores[:, 1:], df)
        if not np.isfinite(p_value):
            return not_run(report, f"{df:.1f} degrees of freedom are too few for a joint test")
        weights = np.array([[1.0, 0, 0], [0, 1, 1], [1, 1, 1]])
        effects = weights @ with_them.coefficients * contrast
        errors = np.sqrt(((with_them.scores @ weights.T) ** 2).sum(axis=0)) * abs(contrast)
        parts = tuple(_part(trial, made, name, float(e), float(s), df) for name, e, s in zip(NAMES, effects, errors, strict=True))
        sees = minimum_detectable(float(errors[1]), df, question.level)
        level = 1 - question.level
        survived = p_value >= level
        effects_text = "; ".join(f"{one.name} {amount(trial, one.effect)} (standard error {size(trial, one.std_error or 0.0)})" for one in parts)
        found = f"{effects_text[:1].upper()}{effects_text[1:]}; neighbours of both years jointly F(2, {rest:.0f}) = {f:.2f}, {p_text(p_value)}. "
        found += "Neighbours' treatment tells nothing beyond chance. " if survived else "Neighbours' treatment moves the outcome, or goes with what does. "
        found += f"A spillover of {size(trial, sees)} or more is found four times in five."
        borders = bordering(trial.panel, trial.design)
        if not isinstance(borders, str) and borders[1]:
            found += f" Without any border, and kept: {', '.join(borders[1][:5])}{' and others' if len(borders[1]) > 5 else ''}."
        difference = alone.scores[:, 0] - with_them.scores[:, 0]
        return report(
            found=found,
            p_value=p_value,
            level=level,
            survived=survived,
            bias=float(alone.coefficients[0] - with_them.coefficients[0]) * contrast,
            bias_error=float(np.sqrt(difference @ difference)) * abs(contrast),
            parts=parts,
            numbers={
                **{f"{name} effect": float(e) for name, e in zip(NAMES, effects, strict=True)},
                **{f"standard error of the {name} effect": float(s) for name, s in zip(NAMES, errors, strict=True)},
                "smallest spillover found in 80 %": sees,
                "F": f,
                "degrees of freedom 2": rest,
                "rows": float(made.rows),
            },
        )


def _with_neighbours(trial: Trial) -> tuple[Design, Floats]:
    """The estimator's regression with region × year absorbed, and raw own and neighbours' treatment, shape (rows, 3); rows where these are known."""
    design, panel, lag = trial.design, trial.panel, trial.question.lag
    groups = row_groups(panel, design, REGION)
    assert not isinstance(groups, str)
    made = with_group_years(design, {REGION.label: groups[1]})
    at = _neighbours(trial)
    rows = list(zip((design.authorities[a] for a in design.authority), design.year.tolist(), strict=True))
    both = {name: np.array([at.get((a, y - lag - by), np.nan) for a, y in rows]) for name, by in ((NOW, 0), (BEFORE, 1))}
    made = replace(made, columns={**made.columns, **both})
    used = trial.estimator.regression(made) if isinstance(trial.estimator, Linear) else made
    known = np.flatnonzero(np.isfinite(used.columns[NOW]) & np.isfinite(used.columns[BEFORE]))
    used = used.subset(known, "neighbours' treatment not known")
    return used, np.column_stack([used.treatment, used.columns[NOW], used.columns[BEFORE]])


def _neighbours(trial: Trial) -> dict[tuple[str, int], float]:
    """Mean treatment of bordering places by authority and year, of those known; an island has the mean of all in every year, and so no move of its own."""
    panel, name = trial.panel, trial.question.treatment
    wide = panel.frame[name].unstack("year")
    place = {code: i for i, code in enumerate(wide.index)}
    values = wide.to_numpy(dtype=float)
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    total, number = np.zeros_like(filled), np.zeros_like(filled)
    for a, b in panel.borders or ():
        if a in place and b in place:
            for here, there in ((place[a], place[b]), (place[b], place[a])):
                total[here] += filled[there]
                number[here] += known[there]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(number > 0, total / number, np.nan)
    islands = ~(number > 0).any(axis=1)
    mean[islands] = np.nanmean(values)
    return {(str(code), int(year)): float(mean[i, j]) for i, code in enumerate(wide.index) for j, year in enumerate(wide.columns)}


def _fit(made: Design, columns: Floats) -> Fit:
    basis = made.basis()
    outcome = made.partial_out(made.outcome[:, None], basis)[:, 0]
    return clustered_least_squares(
        outcome,
        made.partial_out(columns, basis),
        made.nuisance_basis(basis),
        made.cluster,
        len(made.clusters),
        absorbed_rank=basis.shape[1] + ("authority" not in made.absorb),
    )


def _part(trial: Trial, made: Design, name: str, effect: float, error: float, df: float) -> Part:
    lower, upper, _ = interval(effect, error, trial.question.level, df)
    return Part(
        kind="path",
        of="spillover",
        name=name,
        effect=effect,
        std_error=error,
        lower=lower,
        upper=upper,
        rows=made.rows,
        authorities=len(made.authorities),
    )
