"""Does the treatment "act" when it is pretended to have come earlier than it did?

All years from an authority's first real move on are left out, and what is left is told that the move came one year, two years, … before it did.
The same estimator is asked for the effect: there is none to find (placebo in time; Abadie, Diamond & Hainmueller 2015, Comparative
politics and the synthetic control method; for panels Eggers, Tuñón & Dafoe 2024, Placebo tests for causal inference). What it finds is a trend
before the treatment or an effect ahead of it, in the words and units of the answer itself. All dates are tested at once by the clustered scores of their
effects, or where an estimator gives none by the smallest p-value times their number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from causal.design import FEWEST_AUTHORITIES, Design
from causal.errors import CausalError, EstimationError
from causal.estimate import Estimate, Part
from causal.inference.clustered import interval, joint_test
from causal.refute import Refutation, Trial
from causal.refuters import amount, at_least, chance, not_run, size, whole_number
from causal.refuters.pre_trend import Moves, moves, unfit
from causal.words import capital, count

Answer = tuple[tuple[str, ...], Estimate]
POWER = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboDates:
    """Estimate the effect of treatments dated too early, on the years before the real ones.

    Parameters
    ----------
    years : placebos come 1, 2, … up to this many years before the real move; those for which too few are seen are left out. With a lag of two years the
        last year before the move itself is the third before the first outcome that it is dated to.
    still : moves of the treatment up to this share of the contrast do not count as moves.
    """

    years: int = 3
    still: float = 0.05

    def __post_init__(self) -> None:
        whole_number("placebo_dates.years", self.years, 1)
        at_least("placebo_dates.still", self.still, 0)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "placebo_dates"

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that the effect belongs to the treatment's own date."""
        report = partial(
            Refutation,
            name=self.name,
            asks="If the treatment is pretended to have come some years before it did, is an effect found in years it cannot have touched?",
            expected="No effect of the earlier dates beyond chance.",
            detects="A trend that was there before the treatment, anticipation, effects sooner than the lag asked about.",
            cannot_detect="Anything that begins with the treatment, and trends too slight for the years before it, which are fewer than the answer's own.",
        )
        if (why := unfit(trial)) is not None:
            return not_run(report, why)
        moved = moves(trial, self.still)
        if moved.seen_before(trial.design) < (FEWEST_AUTHORITIES if moved.adoption else max(FEWEST_AUTHORITIES, moved.moved.sum() / 2)):
            seen = f"{moved.seen_before(trial.design)} of {count(int(moved.moved.sum()), 'authority', 'authorities')}"
            reason = f"the treatment of only {seen} is seen to stand still for two years before it moves; future_treatment looks at those that always move"
            return not_run(report, reason)

        def refit(draw: int, stream: np.random.Generator) -> Answer | str:
            try:
                made = _earlier(trial, moved, draw + 1)
                return made.clusters, trial.estimator.estimate(made, stream)
            except CausalError as refused:
                return str(refused)

        answers = trial.map(self.name, refit, self.years)
        good = {k + 1: one for k, one in enumerate(answers) if not isinstance(one, str)}
        good = {
            k: one for k, one in good.items() if one[1].std_error is not None and np.isfinite([one[1].effect, one[1].std_error]).all() and one[1].std_error > 0
        }
        if not good:
            why = next((one for one in answers if isinstance(one, str)), f"{trial.estimate.estimator} gave no standard error")
            return not_run(report, f"no placebo date could be estimated ({why})")
        return self._judge(trial, report, good)

    def _judge(self, trial: Trial, report: Callable[..., Refutation], good: dict[int, Answer]) -> Refutation:
        from scipy import stats

        level = 1 - trial.question.level
        estimates = {k: one for k, (_, one) in good.items()}
        parts = tuple(_part(trial, k, one) for k, one in estimates.items())
        scores = [_onto(clusters, one, trial.design.clusters) for clusters, one in good.values()]
        freedom = [one.df for one in estimates.values() if one.df is not None]
        df = min(freedom) if freedom else len(trial.design.clusters) - 1.0
        numbers: dict[str, float | None] = {}
        p_value, how = np.nan, ""
        stacked = [one for one in scores if one is not None]
        if len(stacked) == len(scores):
            f, rest, p_value = joint_test(np.array([one.effect for one in estimates.values()]), np.column_stack(stacked), df)
            how = chance(p_value) if len(scores) == 1 else f"jointly F({len(scores)}, {rest:.0f}) = {f:.2f}, {chance(p_value)}"
            if np.isfinite(p_value):
                numbers |= {"F": f, "degrees of freedom 1": float(len(scores)), "degrees of freedom 2": rest}
        if not np.isfinite(p_value):
            least = min(interval(one.effect, one.std_error or 0.0, 1 - level, one.df)[2] for one in estimates.values())
            p_value = min(1.0, len(estimates) * least)
            how = f"smallest p-value × {len(estimates)}: {chance(p_value)}"
        survived = p_value >= level
        best = min(one.std_error or np.inf for one in estimates.values())
        detectable = float((stats.t(df).ppf(1 - level / 2) + stats.t(df).ppf(POWER)) * best)
        seen = "; ".join(f"{one.name} {amount(trial, one.effect)} (standard error {size(trial, one.std_error or 0.0)})" for one in parts)
        found = (
            f"{capital(seen)}; {how}. "
            + ("Nothing beyond chance before the treatment's own date" if survived else "An effect is found before the treatment came")
            + f". In {POWER:.0%} of such panels an effect of {size(trial, detectable)} at the wrong date is found."
        )
        return report(
            found=found,
            p_value=p_value,
            survived=survived,
            numbers=numbers | {"placebo dates": float(len(parts)), "detectable effect": detectable} | {one.name: one.effect for one in parts},
            parts=parts,
        )


def _earlier(trial: Trial, moved: Moves, by: int) -> Design:
    """Rows before the real move, with the treatment as it is `by` years later.

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
    seen = [np.bincount(design.authority[known & side & moved.moved[design.authority]], minlength=len(moved.size)) for side in (pretended, ~pretended)]
    both = int(((seen[0] > 0) & (seen[1] > 0)).sum())
    if both < FEWEST_AUTHORITIES:
        raise EstimationError(
            f"{count(both, 'authority is', 'authorities are')} seen on both sides of a date {count(by, 'year')} early, and {FEWEST_AUTHORITIES} are wanted"
        )
    left = np.bincount(design.authority[known], minlength=len(moved.size))
    rows = np.flatnonzero(known & (left[design.authority] > 1))
    return replace(design, treatment=np.where(known, moved.treatment(design.question, path), design.treatment)).only(rows, "the treatment has really moved")


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
        of=trial.design.treatment_variable.label,
        name=f"{count(by, 'year')} early",
        effect=one.effect,
        std_error=one.std_error,
        lower=one.lower,
        upper=one.upper,
        rows=one.rows,
        authorities=one.authorities,
    )
