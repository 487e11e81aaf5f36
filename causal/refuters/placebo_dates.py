"""Does the treatment "act" when it is pretended to have come earlier than it did?

All years from an authority's first real move on are left out, and what is left is told that the move came one year, two years, … before it did.
The same estimator is asked for the effect: there is none to find (placebo in time; Abadie, Diamond & Hainmueller 2015, Comparative
politics and the synthetic control method; for panels Eggers, Tuñón & Dafoe 2024, Placebo tests for causal inference). What it finds is a trend
before the treatment or an effect ahead of it, in the words and units of the answer itself. All dates are tested at once by the clustered scores of their
effects, or where an estimator gives none by the smallest p-value times their number.

A steady drift moves the placebos and the estimate in proportions that are got by adding one to the outcomes; the drift that fits the placebos best is the
bias that they found, and the smallest drift that they show is what they could have seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import FEWEST_AUTHORITIES, Design
from causal.draws import stream
from causal.errors import CausalError, EstimationError, refusal
from causal.estimate import Estimate, Part, PartiallyLinear, lighter
from causal.inference.clustered import interval, joint_test
from causal.inference.detectable import POWER, minimum_detectable
from causal.inference.multiplicity import smallest
from causal.knobs import at_least, renamed, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size, unsure
from causal.refuters.machinery.bias import Bias, moved_outcome, reach
from causal.refuters.machinery.paths import TreatmentPath, treatment_path, unfit
from causal.trial import Setting, Trial, fitted
from causal.words import capital, count

Answer = tuple[tuple[str, ...], Estimate, float]  # clusters, what was found, and what a drift of one unit would have made of it


@renamed(still="tolerance")
@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboDates:
    """Estimate the effect of treatments dated too early, on the years before the real ones.

    Parameters
    ----------
    years : placebos come 1, 2, … up to this many years before the real move; those for which too few are seen are left out. With a lag of two years the
        last year before the move itself is the third before the first outcome that it is dated to.
    tolerance : moves of the treatment up to this share of the contrast do not count as moves.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = "timing"
    label: ClassVar[str] = "wrong dates"
    catches: ClassVar[str] = "drift_before"

    years: int = 3
    tolerance: float = 0.05

    def __post_init__(self) -> None:
        whole_number("placebo_dates.years", self.years, 1)
        at_least("placebo_dates.tolerance", self.tolerance, 0)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "placebo_dates"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if (why := unfit(setting)) is not None:
            return why
        moved = treatment_path(setting, self.tolerance)
        if moved.observed_before(setting.design) < (FEWEST_AUTHORITIES if moved.adoption else max(FEWEST_AUTHORITIES, moved.moved.sum() / 2)):
            effects_text = f"{moved.observed_before(setting.design)} of {count(int(moved.moved.sum()), 'authority', 'authorities')}"
            return (
                f"the treatment of only {effects_text} is seen to stand still for two years before it moves; future_treatment looks at those that always move"
            )
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that the effect belongs to the treatment's own date.

        Parameters
        ----------
        trial : with years before the treatment.
        rng : not used; each date has its own stream.
        """
        report = reporting(
            self,
            asks="If the treatment is pretended to have come some years before it did, is an effect found in years it cannot have touched?",
            expected="No effect of the earlier dates beyond chance.",
            detects="A trend that was there before the treatment, anticipation, effects sooner than the lag asked about.",
            cannot_detect="Anything that begins with the treatment, and trends too slight for the years before it, which are fewer than the answer's own.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        moved = treatment_path(trial, self.tolerance)

        drift = moved.size[trial.design.authority] * (trial.design.year - trial.design.year.mean()) * float(trial.estimate.std_error or 0.0)

        # a date that is none asks for one slope: what an estimator learns of effects that differ is not asked for
        asked = trial.estimator.straight() if isinstance(trial.estimator, PartiallyLinear) else lighter(trial.estimator)

        def refit(draw: int, own: np.random.Generator) -> Answer | CausalError | str:
            try:
                made, kept = _earlier(trial, moved, draw + 1)
            except CausalError as refused:
                return str(refused)
            try:
                found = fitted(asked, made, own)
            except CausalError as refused:
                return refused
            drifted = moved_outcome(asked, made, found, drift[kept], lambda: stream(trial.seed, self.name, draw))
            return made.clusters, replace(found, crossfitted=None), drifted

        answers = trial.map(self.name, refit, self.years)
        good = {k + 1: one for k, one in enumerate(answers) if isinstance(one, tuple) and _usable(one[1])}
        lost = sum(not isinstance(one, str) for one in answers) - len(good)
        if not good:
            why = next((str(one) for one in answers if not isinstance(one, tuple)), f"{trial.estimate.estimator} gave no standard error")
            return not_run(report, f"no placebo date could be estimated ({why})", lost=lost)
        base, whole = trial.estimate, trial.estimator
        if trial.score is None and asked != whole:
            try:
                base, whole = fitted(asked, trial.design, stream(trial.seed, "estimate")), asked
            except CausalError:
                return self._judge(trial, report, good, lost, np.nan)
        own = moved_outcome(whole, trial.design, base, drift, lambda: stream(trial.seed, "estimate"))
        return self._judge(trial, report, good, lost, own)

    def _judge(self, trial: Trial, report: Callable[..., Refutation], good: dict[int, Answer], lost: int, per_unit: float) -> Refutation:
        level = 1 - trial.question.level
        estimates = {k: one for k, (_, one, _) in good.items()}
        parts = tuple(_part(trial, k, one) for k, one in estimates.items())
        scores = [_onto(clusters, one, trial.design.clusters) for clusters, one, _ in good.values()]
        freedom = [one.df for one in estimates.values() if one.df is not None]
        df = min(freedom) if freedom else len(trial.design.clusters) - 1.0
        numbers: dict[str, float | None] = {}
        p_value, how = np.nan, ""
        stacked = [one for one in scores if one is not None]
        if len(stacked) == len(scores):
            f, rest, p_value = joint_test(np.array([one.effect for one in estimates.values()]), np.column_stack(stacked), df)
            how = p_text(p_value) if len(scores) == 1 else f"jointly F({len(scores)}, {rest:.0f}) = {f:.2f}, {p_text(p_value)}"
            if np.isfinite(p_value):
                numbers |= {"F": f, "degrees of freedom 1": float(len(scores)), "degrees of freedom 2": rest}
        if not np.isfinite(p_value):
            p_value = smallest([interval(one.effect, one.std_error or 0.0, 1 - level, one.df)[2] for one in estimates.values()])
            how = f"smallest p-value × {len(estimates)}: {p_text(p_value)}"
        survived = p_value >= level
        best = min(one.std_error or np.inf for one in estimates.values())
        detectable = minimum_detectable(best, df, 1 - level)
        effects_text = "; ".join(f"{one.name} {amount(trial, one.effect)} (standard error {size(trial, one.std_error or 0.0)})" for one in parts)
        text = (
            f"{capital(effects_text)}; {how}. "
            + ("Nothing beyond chance before the treatment's own date" if survived else "An effect is found before the treatment came")
            + f". In {POWER:.0%} of such panels an effect of {size(trial, detectable)} at the wrong date is found."
        )
        jointly = "F" in numbers
        bias, sees = _carried_on(list(good.values()), np.column_stack(stacked) if jointly else None, per_unit, df, level)
        return report(
            found=text,
            p_value=p_value,
            level=level,
            lost=lost,
            bias=bias.size,
            bias_error=bias.error,
            blind_below=sees,
            survived=survived,
            numbers=numbers | {"placebo dates": float(len(parts)), "detectable effect": detectable} | {one.name: one.effect for one in parts},
            parts=parts,
        )


def _carried_on(good: list[Answer], scores: Floats | None, per_unit: float, df: float, level: float) -> tuple[Bias, float | None]:
    """What the drift that fits all placebos best does to the estimate, and the smallest bias of that kind that is found four times in five.

    Parameters
    ----------
    good : the placebos, each with what a drift of one unit makes of it.
    scores : shape (clusters, placebos), where they are tested jointly.
    per_unit : what such a drift makes of the estimate.
    df, level : of their test.
    """
    found, line = np.array([one.effect for _, one, _ in good]), np.array([drift for _, _, drift in good])
    errors = np.array([one.std_error or np.inf for _, one, _ in good])
    if not np.isfinite([*line, per_unit]).all() or not line.any():
        return Bias(), None
    weights = np.linalg.solve(scores.T @ scores, line) if scores is not None else line / errors**2
    drift, error = float(weights @ found / (weights @ line)), float(1 / np.sqrt(weights @ line))
    if scores is not None:
        sees = reach(df, level, tests=len(good), line=True)
        blind = None if sees is None else abs(per_unit) * sees * error
    else:
        each = reach(df, level / len(good))
        blind = None if each is None else abs(per_unit) * each * float((errors[line != 0] / np.abs(line[line != 0])).min())
    return Bias(size=per_unit * drift, error=abs(per_unit) * error), blind


def _usable(estimate: Estimate) -> bool:
    """Whether there is a finite effect with an error above 0."""
    return estimate.std_error is not None and bool(np.isfinite([estimate.effect, estimate.std_error]).all()) and estimate.std_error > 0


def _earlier(trial: Trial, moved: TreatmentPath, by: int) -> tuple[Design, Ints]:
    """Rows before the real move, with the treatment as it is `by` years later, and which of the design's rows they are.

    Raises
    ------
    EstimationError : too few authorities are seen both before the pretended move and after it.
    """
    design = trial.design
    at = design.year + by - moved.years[0]
    known = moved.before & (at < moved.path.shape[1])
    path = moved.path[design.authority, np.minimum(at, moved.path.shape[1] - 1)]
    known &= np.isfinite(path)
    pretended = design.year + by >= moved.first[design.authority]
    observed_years = [
        np.bincount(design.authority[known & side & moved.moved[design.authority]], minlength=len(moved.size)) for side in (pretended, ~pretended)
    ]
    both = int(((observed_years[0] > 0) & (observed_years[1] > 0)).sum())
    if both < FEWEST_AUTHORITIES:
        raise refusal(
            EstimationError,
            "placebo_dates",
            f"{FEWEST_AUTHORITIES} authorities seen on both sides of a date {count(by, 'year')} early",
            f"{both}",
            "give more years",
        )
    left = np.bincount(design.authority[known], minlength=len(moved.size))
    rows = np.flatnonzero(known & (left[design.authority] > 1))
    pretend = np.where(known, moved.treatment(design.question, path), design.treatment)
    return replace(design, treatment=pretend).subset(rows, "the treatment has really moved"), rows


def _onto(clusters: tuple[str, ...], one: Estimate, all_of: tuple[str, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
    """An estimate's scores in the order of all clusters, 0 where it has none; None where it gives no scores."""
    if one.influence is None or len(one.influence) != len(clusters):
        return None
    at = {name: i for i, name in enumerate(all_of)}
    scores = np.zeros(len(all_of))
    scores[[at[name] for name in clusters]] = one.influence
    return scores


def _part(trial: Trial, by: int, one: Estimate) -> Part:
    return Part(
        kind="time",
        of=trial.design.treatment_variable.name,
        name=f"{count(by, 'year')} early",
        since=-by,
        effect=one.effect,
        std_error=one.std_error,
        lower=one.lower,
        upper=one.upper,
        rows=one.rows,
        authorities=one.authorities,
    )
