"""Is the answer carried by abrupt switches in how the treatment was recorded?

A budget line that halves overnight, falls to zero for a year, or leaps up and comes back is more often a change in how it is reported than in what was
done. Such cells move most and so weigh most: error in them draws an estimate towards nothing, and makes it look surer than it is. They are looked
for in each authority's own history: changes of the logarithm beyond a stated size, zeros after something was recorded, and falls or leaps that come back within
`back` years. The answer is then got again in three ways: without these authorities; without these years (the time away of what comes back, and all but
the longest stretch between switches that last); and repaired, the time away by a straight line between its ends, a lasting switch by letting the
authority grow across it as the median of the others did.

How far the estimate moves is set against the error of the difference, from both estimates' scores by cluster, for all ways at once (sup-t; Montiel Olea &
Plagborg-Møller 2019, Simultaneous confidence bands). Comparing an estimate with a sturdier one is Hausman's idea (1978, Specification tests in econometrics).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from causal.arrays import Floats
from causal.design import Design
from causal.errors import CausalError, ConfigError, refusal
from causal.estimate import Estimate, Part
from causal.knobs import between, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, unsure
from causal.refuters.machinery.substitutes import in_turn
from causal.trial import Setting, Trial, fitted
from causal.words import count, listed

WAYS = ("authorities left out", "years left out", "repaired")
NORMALS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSwitches:
    """Re-estimate without, and with repaired, abrupt switches in the recorded treatment.

    Parameters
    ----------
    jumps : changes of the treatment's logarithm from one known year to the next that count as a switch; each is tried.
    back : years within which a switch that is undone counts as time away rather than as lasting.
    tolerance : largest shift that passes, in standard errors, where an estimator has no scores by cluster to test it with.
    """

    family: ClassVar[Family] = "record"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "switches in recording"
    catches: ClassVar[str] = "recording_switches"

    jumps: tuple[float, ...] = (1.5, 1.0, 0.7)
    back: int = 2
    tolerance: float = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.jumps, str) or not isinstance(self.jumps, Sequence) or not self.jumps:
            raise refusal(
                ConfigError, "recording_switches.jumps", "a list of numbers above 0", repr(self.jumps), "write  refuters.recording_switches.jumps=[0.5]"
            )
        for one in self.jumps:
            between("recording_switches.jumps", one, 0, float("inf"))
        object.__setattr__(self, "jumps", tuple(float(one) for one in self.jumps))
        whole_number("recording_switches.back", self.back, 1)
        between("recording_switches.tolerance", self.tolerance, 0, float("inf"))

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "recording_switches"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        label, name = setting.design.treatment_variable.label, setting.question.treatment
        if setting.panel.variable(name).varies != "both":
            return f"{label} does not change from year to year within an authority"
        if setting.panel.frame[name].unstack("year").reindex(index=list(setting.design.authorities)).min().min() < 0:
            return f"{label} is negative in places, so its logarithm is not defined"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that the answer is about what was done rather than about how it was recorded.

        Parameters
        ----------
        trial : of a panel, whose treatment is a number that is recorded each year.
        rng : draws the joint law of the shifts, and seeds refits.
        """
        estimate, question, made = trial.estimate, trial.question, trial.design
        report = reporting(
            self,
            asks="Is the answer carried by abrupt switches in how the treatment was recorded?",
            expected="The same effect, up to chance, without the authorities or years of such switches, and with them repaired.",
            detects="Breaks in recording that are large in one authority from one year to the next: changed categories, zeros, entries that come back.",
            cannot_detect="Error that is small each year (see measurement_error), or shared by all; whether a switch was an error or a true and sudden change.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        panel, name = trial.panel, question.treatment
        values = panel.frame[name].unstack("year").reindex(index=list(made.authorities))
        grid, years = values.to_numpy(dtype=float), values.columns.to_numpy(dtype=np.int64)
        variants: list[tuple[str, str, Design]] = []
        numbers: dict[str, float | None] = {}
        said: list[str] = []
        residual = trial.fixed.partial_out(trial.fixed.treatment[:, None])[:, 0] ** 2
        for jump in self.jumps:
            spells, pieces = zip(*(switches(row, years, jump, self.back) for row in grid), strict=True)
            away, piece = np.array(spells), np.array(pieces)
            struck = away.any(axis=1) | (piece.max(axis=1) > 0)
            hit = {made.authorities[a] for a in np.flatnonzero(struck).tolist()}
            carry = np.isin(np.array(trial.fixed.authorities)[trial.fixed.authority], sorted(hit))
            share = float(residual[carry].sum() / residual.sum())
            numbers |= {f"{jump:g}: authorities with switches": float(len(hit)), f"{jump:g}: their share of treatment variation": share}
            if not hit:
                continue
            said.append(f"{count(len(hit), 'authority', 'authorities')} beyond {jump:g} ({share:.0%} of the treatment variation that is compared)")
            changed = {
                WAYS[0]: np.where(struck[:, None], np.nan, grid),
                WAYS[1]: np.where(away | (piece != _longest(piece, grid)[:, None]), np.nan, grid),
                WAYS[2]: repaired(grid, away, piece, years),
            }
            for way, put in changed.items():
                if (variant := _variant(trial, values, put, way)) is not None:
                    variants.append((f"{jump:g}", way, variant))
        if not said:
            words = f"No change of {made.treatment_variable.label} within an authority is beyond {min(self.jumps):g} in logarithms, and nothing falls to zero."
            return report(found=words, p_value=None, survived=True, numbers=numbers)
        found = in_turn(trial, self.name, lambda i, own: _answer(trial, variants[i][2], own), len(variants))
        tried = [(jump, way, one) for (jump, way, _), one in zip(variants, found, strict=True) if one is not None and np.isfinite(one.effect)]
        if not tried:
            return not_run(report, f"{estimate.estimator} gave no answer without the switches ({listed(said)})", numbers=numbers)
        shifts = np.array([one.effect - estimate.effect for _, _, one in tried])
        for (size, way, one), shift in zip(tried, shifts, strict=True):
            numbers |= {f"{size}, {way}: effect": one.effect, f"{size}, {way}: shift": float(shift), f"{size}, {way}: standard error": one.std_error}
        p_value, words_t = None, ""
        scores = [one.influence for _, _, one in tried]
        if estimate.influence is not None and all(one is not None for one in scores):
            differences = np.column_stack([np.asarray(one) for one in scores]) - estimate.influence[:, None]
            p_value, at, t = _largest(shifts, differences, rng)
            survived = p_value >= 1 - question.level
            words_t = f" ({t:.1f} standard errors of the difference, {p_text(p_value)} for the largest of {len(tried)})"
        else:
            at = int(np.abs(shifts).argmax())
            survived = bool(abs(shifts[at]) <= self.tolerance * float(estimate.std_error or 0))
            words_t = f" ({abs(shifts[at]) / float(estimate.std_error or 1):.1f} standard errors)"
        size, way, one = tried[at]
        words = f"Abrupt switches in {made.treatment_variable.label}: {listed(said)}. The estimate of {amount(trial, estimate.effect)} moves most "
        words += f"with those beyond {size} {way}: to {amount(trial, one.effect)}{words_t}"
        if one.std_error and estimate.std_error:
            words += f", with a standard error {one.std_error / estimate.std_error:.2f} times the reported one"
        words += ", as chance allows." if survived else ": the switches carry the answer."
        return report(
            found=words,
            p_value=p_value,
            level=None if p_value is None else 1 - question.level,
            lost=len(variants) - len(tried),
            survived=survived,
            numbers=numbers,
            parts=tuple(
                Part(
                    kind="group",
                    of="switches",
                    name=f"beyond {size}, {way}",
                    effect=one.effect,
                    std_error=one.std_error,
                    lower=one.lower,
                    upper=one.upper,
                    rows=one.rows,
                    authorities=one.authorities,
                )
                for size, way, one in tried
            ),
        )


def switches(values: Floats, years: np.ndarray, jump: float, back: int) -> tuple[np.ndarray, np.ndarray]:
    """Of one authority's history, shape (years,): which cells are time away, and which stretch between lasting switches each belongs to (0, 1, …)."""
    away, piece = np.zeros(len(values), dtype=bool), np.zeros(len(values), dtype=np.int64)
    known = np.flatnonzero(np.isfinite(values))
    begun = np.maximum.accumulate(values[known] > 0) if len(known) else known
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(values[known])
        steps = np.where(begun[:-1], np.diff(logs), 0.0) if len(known) > 1 else np.empty(0)
    steps = np.nan_to_num(steps, nan=0.0, posinf=np.inf, neginf=-np.inf)  # from zero to zero is no step
    jumps = [int(i) for i in np.flatnonzero(np.abs(steps) > jump)]
    while jumps:
        first, *jumps = jumps
        if jumps:
            after = jumps[0]
            undone = steps[first] * steps[after] < 0
            returned = known[after + 1] and years[known[after]] - years[known[first]] <= back
            if undone and (returned or np.isneginf(steps[first])):
                away[known[first + 1] : known[after] + 1] = True
                jumps = jumps[1:]
                continue
        piece[known[first + 1] :] += 1
    return away, piece


def _longest(piece: np.ndarray, grid: Floats) -> np.ndarray:
    """The stretch of each authority with most known cells above zero, the first of equals; shape (authorities,)."""
    sizes = [((piece == k) & (grid > 0)).sum(axis=1) for k in range(int(piece.max()) + 1)]
    return np.asarray(np.argmax(np.column_stack(sizes), axis=1))


def repaired(grid: Floats, away: np.ndarray, piece: np.ndarray, years: np.ndarray) -> Floats:
    """Time away on a straight line between its ends; after a lasting switch, the level at which the median of the others would have arrived."""
    out = np.where(away, np.nan, grid)
    clean = ~away.any(axis=1) & (piece.max(axis=1) == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.where(grid > 0, grid, np.nan))
    for a in np.flatnonzero(~clean):
        for k in range(1, int(piece[a].max()) + 1):
            last, first = np.flatnonzero((piece[a] == k - 1) & (out[a] > 0)), np.flatnonzero((piece[a] == k) & (out[a] > 0))
            if not (len(last) and len(first)):
                out[a, piece[a] >= k] = np.nan  # zero to the end: what it should have been, nobody knows
                break
            steps = logs[clean, first[0]] - logs[clean, last[-1]]
            usual = float(np.median(steps[np.isfinite(steps)])) if np.isfinite(steps).any() else 0.0
            out[a, piece[a] >= k] *= out[a, last[-1]] * np.exp(usual) / out[a, first[0]]
        known = np.flatnonzero(np.isfinite(out[a]))
        gaps = np.flatnonzero(away[a])
        if len(known):
            inside = gaps[(gaps > known[0]) & (gaps < known[-1])]
            out[a, inside] = np.interp(years[inside], years[known], out[a, known])
    return out


def _variant(trial: Trial, values: pd.DataFrame, put: Floats, way: str) -> Design | None:
    """The design with the treatment's cells replaced, rows without one left out; None where too little is left."""
    made, question = trial.design, trial.question
    at = {int(year): j for j, year in enumerate(values.columns)}
    column = np.array([at.get(int(year) - question.lag, -1) for year in made.year])
    treatment = np.where(column >= 0, put[made.authority, column], made.treatment)
    try:
        return replace(made, treatment=treatment).subset(np.flatnonzero(np.isfinite(treatment)), f"switches in the recorded treatment: {way}")
    except CausalError:
        return None


def _answer(trial: Trial, variant: Design, rng: np.random.Generator) -> Estimate | None:
    """The estimator's answer, its scores in the order of the trial's clusters; None where it has none."""
    try:
        made = fitted(trial.estimator, replace(variant, modifiers=()), rng)
    except CausalError:
        return None
    if made.influence is None or len(made.influence) != len(variant.clusters):
        return replace(made, influence=None)
    scores = np.zeros(len(trial.design.clusters))
    scores[np.searchsorted(trial.design.clusters, variant.clusters)] = made.influence
    return replace(made, influence=scores, clusters=len(scores))


def _largest(shifts: Floats, differences: Floats, rng: np.random.Generator) -> tuple[float, int, float]:
    """The p-value of the largest |t| among shifts, by normal draws with the correlation of their scores; which it is, and that |t|.

    differences : shape (clusters, shifts).
    """
    errors = np.sqrt((differences**2).sum(axis=0))
    moved = np.flatnonzero(errors > 1e-9 * errors.max(initial=0.0)) if errors.any() else np.arange(0)
    if not len(moved):
        return 1.0, int(np.abs(shifts).argmax()), 0.0
    t = np.abs(shifts[moved]) / errors[moved]
    drawn = np.abs(rng.standard_normal((NORMALS, len(differences))) @ (differences[:, moved] / errors[moved])).max(axis=1)
    at = int(t.argmax())
    return float((1 + (drawn >= t[at]).sum()) / (1 + NORMALS)), int(moved[at]), float(t[at])
