"""Was the treatment felt before it came, and does the answer hang on that?

A closure that was announced can act before it is carried out. The years just before a move are then no longer untreated, and yet they are what the years
after are compared with. Only years before each authority's first move are looked at, and in them the `window` just before it gets one coefficient:

    outcome = authority + year + controls + pulse × (move to come, in contrasts) × (in the window)

All earlier years are its comparison, which gives one pulse more power than leads that are each set against a single year. `pre_trend` looks for a steady
drift on the same years, this check for a step at their end; a steep drift is also a step, and either may raise both alarms.

What that does to the answer is another matter, and is told beside it: the same analysis once more without the window (limited anticipation
in Callaway & Sant'Anna 2021, Difference-in-differences with multiple time periods, sec. 2.2; a "donut"), and by how much the two answers differ. Both
rest on the same authorities, so the error of the difference comes from the difference of their clustered scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.arrays import Ints
from causal.design import FEWEST_AUTHORITIES
from causal.draws import stream
from causal.errors import CausalError, EstimationError, refusal
from causal.estimate import Part
from causal.inference.clustered import clustered_least_squares, interval
from causal.inference.detectable import POWER, minimum_detectable
from causal.knobs import at_least, renamed, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size, unsure
from causal.refuters.machinery.bias import reach
from causal.refuters.machinery.paths import TreatmentPath, treatment_path, unfit
from causal.trial import Setting, Trial, fitted
from causal.words import capital, count


@renamed(still="tolerance")
@dataclass(frozen=True, slots=True, kw_only=True)
class Anticipation:
    """Test the years just before a move, and answer once more without them.

    Parameters
    ----------
    window : years before the move in which it may have been felt.
    tolerance : moves of the treatment up to this share of the contrast do not count as moves.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "change ahead of the event"
    catches: ClassVar[str] = "felt_early"

    window: int = 1
    tolerance: float = 0.05

    def __post_init__(self) -> None:
        whole_number("anticipation.window", self.window, 1)
        at_least("anticipation.tolerance", self.tolerance, 0)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "anticipation"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        return unfit(setting)

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that nothing happened before the treatment.

        Parameters
        ----------
        trial : years before the treatment moves, in a design that compares authorities with themselves.
        rng : not used.
        """
        years = "year" if self.window == 1 else f"{self.window} years"
        report = reporting(
            self,
            asks=f"In the {years} before its treatment moves, is an authority's outcome already away from what it was, by more the farther the move goes?",
            expected="Nothing beyond chance just before the move, and the same answer without those years.",
            detects="Anticipation, feedback, or another break just before the treatment; a steep trend.",
            cannot_detect="Anticipation farther back than the window; a break that comes with the treatment itself; effects sooner than the lag asked about.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        moved = treatment_path(trial, self.tolerance)
        try:
            fitted = self._pulse(trial, moved)
        except CausalError as refused:
            return not_run(report, str(refused))
        return self._judge(trial, report, moved, fitted)

    def _pulse(self, trial: Trial, moved: TreatmentPath) -> _Pulse:
        """The coefficient of the window, on rows before the treatment itself has moved.

        Raises
        ------
        CausalError : too few authorities are seen in the window and before it, or nothing of it is left.
        """
        design = trial.design
        ahead = moved.ahead(trial)
        own = moved.size[design.authority]
        inside = (ahead >= 1) & (ahead <= self.window) & (own != 0)
        sides = [np.bincount(design.authority[side & (own != 0)], minlength=len(moved.size)) > 0 for side in (inside, ahead > self.window)]
        both, wanted = int((sides[0] & sides[1]).sum()), max(FEWEST_AUTHORITIES, 0 if moved.adoption else moved.moved.sum() / 2)
        if both < wanted:
            observed_text = f"{both} of {count(int(moved.moved.sum()), 'authority', 'authorities')} whose treatment moves"
            raise refusal(
                EstimationError,
                "anticipation",
                "authorities seen just before it and earlier",
                f"only {observed_text}",
                "look at future_treatment, which is for treatments that always move",
            )
        kept = ahead >= 1
        left = np.bincount(design.authority[kept], minlength=len(moved.size))
        rows = np.flatnonzero(kept & (left[design.authority] > 1))
        made = design.subset(rows, "the treatment has moved")
        basis = made.basis()
        column = made.partial_out((own * inside)[rows][:, None], basis)
        outcome = made.partial_out(made.outcome[:, None], basis)[:, 0]
        fit = clustered_least_squares(outcome, column, made.nuisance_basis(basis), made.cluster, len(made.clusters), absorbed_rank=basis.shape[1])
        return _Pulse(
            effect=float(fit.coefficients[0]),
            std_error=float(fit.std_errors[0]),
            df=float(fit.df[0]),
            rows=made.rows,
            authorities=len(made.authorities),
            window=np.flatnonzero(inside),
        )

    def _judge(self, trial: Trial, report: Callable[..., Refutation], moved: TreatmentPath, pulse: _Pulse) -> Refutation:

        level = 1 - trial.question.level
        lower, upper, p_value = interval(pulse.effect, pulse.std_error, trial.question.level, pulse.df)
        survived = p_value >= level
        detectable = minimum_detectable(pulse.std_error, pulse.df, 1 - level)
        years = "year" if self.window == 1 else f"{self.window} years"
        comparison, numbers = _without(trial, pulse.window)
        sees, per_unit = reach(pulse.df, level), _per_unit(trial, moved, pulse)
        part = Part(
            kind="time",
            of=trial.design.treatment_variable.name,
            name=f"the {years} before",
            since=-self.window,
            effect=pulse.effect,
            std_error=pulse.std_error,
            lower=lower,
            upper=upper,
            rows=pulse.rows,
            authorities=pulse.authorities,
        )
        found = (
            f"{capital(part.name)} a move as large as the contrast: {amount(trial, pulse.effect)} (standard error {size(trial, pulse.std_error)}); "
            f"{p_text(p_value)}. {'Nothing beyond chance' if survived else 'Outcomes moved before the treatment did'}. "
            f"In {POWER:.0%} of such panels {size(trial, detectable)} is found. {comparison}"
        )
        return report(
            found=found,
            p_value=p_value,
            level=level,
            bias=numbers.get("difference"),
            bias_error=numbers.get("standard error of the difference"),
            blind_below=None if sees is None or per_unit is None else abs(per_unit) * sees * pulse.std_error,
            survived=survived,
            numbers={"pulse": pulse.effect, "standard error of the pulse": pulse.std_error, "detectable pulse": detectable} | numbers,
            parts=(part,),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pulse:
    effect: float
    std_error: float
    df: float
    rows: int
    authorities: int
    window: Ints


def _per_unit(trial: Trial, moved: TreatmentPath, pulse: _Pulse) -> float | None:
    """What a pulse of one unit in the rows of the window does to the estimate: as much is added to their outcomes."""
    design, unit = trial.design, pulse.std_error
    outcome = design.outcome.copy()
    outcome[pulse.window] += unit * moved.size[design.authority[pulse.window]]
    try:
        again = fitted(trial.estimator, replace(design, outcome=outcome), stream(trial.seed, "estimate"))
    except CausalError:
        return None
    found = (again.effect - trial.estimate.effect) / unit
    return float(found) if np.isfinite(found) else None


def _without(trial: Trial, window: Ints) -> tuple[str, dict[str, float | None]]:
    """The same analysis without the rows of the window: a sentence, and the numbers behind it."""
    design, full = trial.design, trial.estimate
    kept = np.ones(design.rows, dtype=bool)
    kept[window] = False
    left = np.bincount(design.authority[kept], minlength=len(design.authorities))
    try:
        made = design.subset(np.flatnonzero(kept & (left[design.authority] > 1)), "just before the treatment moves")
        again = fitted(trial.estimator, made, stream(trial.seed, "estimate"))
    except CausalError as refused:
        return f"The analysis without those years could not be made ({refused}).", {}
    difference = full.effect - again.effect
    if not np.isfinite(difference):
        return "The analysis without those years has no answer.", {}
    numbers: dict[str, float | None] = {"effect without the window": again.effect, "difference": difference, "rows in the window": float(len(window))}
    comparison = f"Without those {len(window)} rows the answer is {amount(trial, again.effect)} instead of {amount(trial, full.effect)}"
    if full.influence is None or again.influence is None or len(again.influence) != len(made.clusters):
        return f"{comparison}.", numbers
    place = {name: i for i, name in enumerate(design.clusters)}
    scores = full.influence.copy()
    scores[[place[name] for name in made.clusters]] -= again.influence
    error = float(np.sqrt(scores @ scores))
    freedom = [one.df for one in (full, again) if one.df is not None]
    _, _, p_value = interval(difference, error, trial.question.level, min(freedom, default=None))
    return f"{comparison} (difference {p_text(p_value)}).", numbers | {"standard error of the difference": error, "p-value of the difference": p_value}
