"""How far could the outcomes that are missing move the answer?

Rows whose outcome is suppressed or not known, and everything else is, are put back in two ways. Plausibly, many times over: with the reported effect of their
treatment, on the line between the authority's nearest known years, in distance from the year's mean, plus an error drawn from those that the same
rule makes where the outcome is known; a count that was suppressed for being small is kept within the range its mark stands for. Answers are put
together by Rubin's rules (Rubin 1987, Multiple Imputation for Nonresponse in Surveys, ch. 3), and their distance from the reported one is set against the
error of that difference. Where nothing is known of why an outcome is missing, such fillings take it to be as the others are, and cannot move the
effect far: only the worst case tells what else is possible.

And at worst: each missing outcome as low or as high as its authority was ever seen, or as its mark allows, whichever moves the effect most (Horowitz &
Manski 2000, Nonparametric analysis of randomized experiments with missing covariate and outcome data). A linear effect is a weighted sum of outcomes,
so its bounds follow exactly from the signs of the weights. Worst cases are wide by nature: they are told, and decide nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from causal.arrays import Floats, Ints
from causal.design import Design, design
from causal.errors import CausalError, ConfigError, refusal
from causal.estimate import Estimate, Part
from causal.inference.clustered import interval
from causal.knobs import whole_number
from causal.panel import Panel
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size, unsure
from causal.refuters.machinery.exclusions import left_open
from causal.refuters.machinery.substitutes import carried, in_turn
from causal.trial import Setting, Trial, fitted
from causal.words import count, listed, places, span

FEWEST_KNOWN = 2  # years of an authority from which a missing one is guessed


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingOutcomes:
    """Plausible fillings of missing outcomes, and worst-case bounds.

    Parameters
    ----------
    draws, refits : fillings for a linear estimator, and for one that must be fitted again.
    suppressed : marks in the panel's reasons that stand for a small count.
    smallest, largest : the counts that such a mark stands for.
    """

    family: ClassVar[Family] = "record"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "missing numbers"
    catches: ClassVar[str] = "small_counts_suppressed"

    draws: int = 30
    refits: int = 5
    suppressed: tuple[str, ...] = ("c",)
    smallest: int = 1
    largest: int = 5

    def __post_init__(self) -> None:
        whole_number("missing_outcomes.draws", self.draws, 3)
        whole_number("missing_outcomes.refits", self.refits, 3)
        if isinstance(self.suppressed, str) or not isinstance(self.suppressed, Sequence) or not all(isinstance(mark, str) for mark in self.suppressed):
            raise refusal(
                ConfigError, "missing_outcomes.suppressed", "a list of marks", repr(self.suppressed), "write  refuters.missing_outcomes.suppressed=[c,x]"
            )
        object.__setattr__(self, "suppressed", tuple(self.suppressed))
        whole_number("missing_outcomes.smallest", self.smallest, 0)
        whole_number("missing_outcomes.largest", self.largest, self.smallest)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "missing_outcomes"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        return None if setting.panel.frame[setting.question.outcome].isna().any() else "no outcome is missing in the panel's rows"

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that the answer is the same for the rows that are missing.

        Parameters
        ----------
        trial : any; without a missing outcome it is not run.
        rng : draws fillings, and seeds refits.
        """
        estimate, question, panel = trial.estimate, trial.question, trial.panel
        report = reporting(
            self,
            asks="Would the answer be another one with the outcomes that are missing?",
            expected="Plausible fillings move the effect no further than chance allows.",
            detects="Small counts suppressed by a known rule, so that the rows that are left tell another story; and how much could hide behind the others.",
            cannot_detect="Outcomes missing because of what they were, where no mark says so (see the worst case); rows that lack more than the outcome.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        known = panel.frame[question.outcome]
        slope = estimate.effect / question.contrast
        moved_by = slope * panel.shift(question.treatment, 0 if panel.variable(question.treatment).varies == "authority" else -question.lag)
        guess, errors = _guessed(known - moved_by)
        guess += moved_by
        if not len(errors):
            return not_run(report, "no authority's outcome is known in enough years to guess the missing ones from")
        low, high, marked = self._range(panel, question.outcome, known)
        filled = known.fillna(guess.clip(low.where(marked), high.where(marked)))
        # a suppressed cell needs no other years: its mark says where it lies
        filled = filled.fillna(((low + high) / 2).where(marked))
        try:
            full = replace(design(panel.with_column(filled, panel.variable(question.outcome)), question, trial.identification), modifiers=())
        except CausalError as why_not:
            return not_run(report, f"the filled panel gives no design: {why_not}")
        rows = pd.MultiIndex.from_arrays([np.array(full.authorities)[full.authority], full.year])
        gaps = np.flatnonzero(known.reindex(rows).isna().to_numpy())
        if not len(gaps):
            return not_run(report, f"{count(int(known.isna().sum()), 'outcome')} missing, all in rows that lack something else too or cannot be guessed")
        small = marked.reindex(rows).to_numpy(dtype=bool)[gaps]
        ends = np.column_stack([side.reindex(rows).to_numpy(dtype=float)[gaps] for side in (low, high)])
        limits = np.where(small[:, None], ends, [0.0 if float(known.min()) >= 0 else -np.inf, np.inf])
        draws = self.draws if trial.linear else self.refits
        fillings = np.tile(full.outcome[:, None], (1, draws))
        plausible = guess.reindex(rows).to_numpy()[gaps, None] + rng.choice(errors, size=(len(gaps), draws))
        evenly = ends[:, :1] + rng.random((len(gaps), draws)) * (ends[:, 1:] - ends[:, :1])
        fillings[gaps] = np.clip(np.where(np.isfinite(plausible), plausible, evenly), limits[:, :1], limits[:, 1:])
        answers = [one for one in in_turn(trial, self.name, lambda i, own: _answer(trial, full, fillings[:, i], own), draws) if one is not None]
        if len(answers) < 3:
            return not_run(report, f"{estimate.estimator} gave an answer with only {count(len(answers), 'filling')}")
        effects = np.array([one.effect for one in answers])
        inside = np.array([float(one.std_error or np.nan) for one in answers])
        effect, spread = float(effects.mean()), float((1 + 1 / len(effects)) * effects.var(ddof=1))
        error = math.sqrt(float((inside**2).mean()) + spread)
        lower, upper, _ = interval(effect, error, question.level, estimate.df)
        shift = effect - estimate.effect
        assert estimate.std_error is not None
        scores = [one.influence for one in answers]
        if estimate.influence is not None and all(one is not None and len(one) == len(full.clusters) for one in scores):
            moved = np.mean([np.asarray(one) for one in scores], axis=0) - _placed(full, trial.design, estimate.influence)
            noise = math.sqrt(float((moved**2).sum()) + spread)
        else:
            # for want of scores: the estimate with more rows is the surer by their share (Hausman 1978)
            noise = math.sqrt(estimate.std_error**2 * len(gaps) / full.rows + spread)
        p_value = interval(shift, noise, question.level, estimate.df)[2] if noise > 0 else 1.0
        survived = p_value >= 1 - question.level
        least, most, exact = _worst(trial, full, gaps, ends)
        decimals = places(max(abs(estimate.effect), estimate.std_error))
        words = (
            f"{count(len(gaps), 'outcome')} missing of {full.rows:,}"
            + (f", {small.sum()} of them suppressed as {self.smallest} to {self.largest}" if small.any() else "")
            + f". Over {count(len(effects), 'filling')} the effect is {amount(trial, effect)} ({question.level:.0%} interval "
            f"{span(lower, upper, decimals)}) instead of {amount(trial, estimate.effect)}: it moves by {size(trial, shift)}, "
            + (f"as chance allows ({p_text(p_value)}). " if survived else f"more than chance allows ({p_text(p_value)}). ")
        )
        reach = float(interval(0.0, error, question.level, estimate.df)[1])
        if estimate.lower is not None and estimate.upper is not None and least is not None and most is not None:
            usual = (estimate.lower, estimate.upper)
            opened = left_open(question, usual, (lower, upper))
            words += f"With them {listed(opened)} still fits. " if opened else ""
            worst = left_open(question, usual, (least - reach, most + reach))
            words += f"At worst the effect lies anywhere from {span(least, most, decimals)}" + ("" if exact else " (by the weights of a straight-line model)")
            words += f", and then {listed(worst)} would still fit." if worst else ", and even then all that is left out stays so."
        return report(
            found=words,
            p_value=p_value,
            level=1 - question.level,
            lost=draws - len(answers),
            survived=survived,
            numbers={
                "missing outcomes put back": float(len(gaps)),
                "of them suppressed counts": float(small.sum()),
                "fillings": float(len(effects)),
                "mean effect": effect,
                "standard error by Rubin's rules": error,
                "standard deviation between fillings": float(effects.std(ddof=1)),
                "error of the difference": noise,
                "least effect": least,
                "most effect": most,
            },
            parts=(
                Part(kind="group", of="missing outcomes", name="filled plausibly", effect=effect, std_error=error, lower=lower, upper=upper, rows=full.rows),
            ),
        )

    def _range(self, panel: Panel, outcome: str, known: pd.Series) -> tuple[pd.Series, pd.Series, pd.Series]:
        """The least and the most that each cell could be, and which cells are suppressed small counts, on the panel's rows."""
        by = known.groupby(level="authority")
        low, high = by.transform("min"), by.transform("max")
        marked = pd.Series(False, index=known.index)
        variable = panel.variable(outcome)
        if variable.count_per and panel.population:
            said = panel.reasons[panel.reasons.index.get_level_values("variable") == outcome].droplevel("variable")
            small = said.index[said.isin(self.suppressed)]
            people = panel.frame[panel.population]
            marked = pd.Series(known.index.isin(small), index=known.index) & known.isna() & (people > 0)
            low = low.where(~marked, self.smallest * variable.count_per / people)
            high = high.where(~marked, self.largest * variable.count_per / people)
        return low, high, marked


def _guessed(known: pd.Series) -> tuple[pd.Series, Floats]:
    """Each cell as its authority's other years tell it, on the panel's rows, and the errors of that where the cell is known; NaN where too few are."""
    wide = known.unstack("year")
    mean = wide.mean(axis=0).interpolate(limit_direction="both").to_numpy(dtype=float)
    distance, years = wide.to_numpy(dtype=float) - mean, wide.columns.to_numpy(dtype=float)
    out, errors = np.full_like(distance, np.nan), []
    for a, row in enumerate(distance):
        observed = np.flatnonzero(np.isfinite(row))
        if len(observed) < FEWEST_KNOWN:
            continue
        out[a] = np.interp(years, years[observed], row[observed])
        if len(observed) > FEWEST_KNOWN:
            errors += [row[j] - np.interp(years[j], years[others], row[others]) for j in observed for others in (observed[observed != j],)]
    place, year = (known.index.get_level_values(level) for level in ("authority", "year"))
    guess = (out + mean)[wide.index.get_indexer(place), wide.columns.get_indexer(year)]
    return pd.Series(guess, index=known.index), np.array(errors, dtype=float)


def _answer(trial: Trial, full: Design, outcome: Floats, rng: np.random.Generator) -> Estimate | None:
    try:
        made = fitted(trial.estimator, replace(full, outcome=outcome), rng)
    except CausalError:
        return None
    good = np.isfinite(made.effect) and made.std_error is not None and np.isfinite(made.std_error)
    return made if good else None


def _placed(full: Design, own: Design, scores: Floats) -> Floats:
    """Scores by cluster in the filled design's order, 0 for clusters that were not there."""
    at = {name: i for i, name in enumerate(own.clusters)}
    return np.array([scores[at[name]] if name in at else 0.0 for name in full.clusters])


def _worst(trial: Trial, full: Design, gaps: Ints, ends: Floats) -> tuple[float | None, float | None, bool]:
    """The least and the most effect, and whether they are exact."""
    estimator, contrast = trial.estimator, trial.question.contrast
    cells = np.zeros((full.rows, len(gaps)))
    cells[gaps, np.arange(len(gaps))] = 1.0
    if trial.linear:
        lowest = full.outcome.copy()
        lowest[gaps] = ends[:, 0]
        made = replace(trial, design=full).fixed
        basis = made.basis()
        treatment = made.partial_out(made.treatment[:, None], basis)[:, 0]
        columns = made.partial_out(carried(estimator, full, np.column_stack([lowest, cells]), "outcome"), basis)
        slopes = treatment @ columns / float(treatment @ treatment) * contrast
        moves = slopes[1:] * (ends[:, 1] - ends[:, 0])
        return float(slopes[0] + moves[moves < 0].sum()), float(slopes[0] + moves[moves > 0].sum()), True
    weights = full.partial_out(full.treatment[:, None])[gaps, 0] * contrast
    found = []
    for towards in (weights < 0, weights > 0):
        outcome = full.outcome.copy()
        outcome[gaps] = np.where(towards, ends[:, 1], ends[:, 0])
        found.append(_answer(trial, full, outcome, np.random.default_rng([trial.seed, len(gaps)])))
    if found[0] is None or found[1] is None:
        return None, None, False
    return found[0].effect, found[1].effect, False
