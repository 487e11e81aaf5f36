"""Lag length: does the treatment act for longer than the years that were summed?

A sum over lags is right if what lies farther back does nothing more. The same regression is made with still earlier years in it, on the rows where these
are known; their coefficients are tested jointly, and what holding them fixed does to the sum is the bias that their absence brings (the formula of omitted
variables; Angrist & Pischke 2009, Mostly Harmless Econometrics, sec. 3.2.2), with the error of the difference of the two answers' clustered scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.errors import CausalError
from causal.estimate import Part
from causal.inference.clustered import interval, joint_test
from causal.knobs import whole_number
from causal.lags import Lagged, SumsLags, first_years, last_sum, summed
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size, unsure
from causal.refuters.machinery.bias import reach
from causal.trial import Setting, Trial
from causal.words import count


@dataclass(frozen=True, slots=True, kw_only=True)
class LagLength:
    """Test whether years farther back than those summed do something too, and say what that does to the sum.

    Parameters
    ----------
    more : years farther back that are looked at, jointly; fewer where the panel is too short.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "effects that last longer than the years summed"
    catches: ClassVar[str] = "longer_than_summed"

    more: int = 1

    def __post_init__(self) -> None:
        whole_number("lag_length.more", self.more, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "lag_length"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if not isinstance(setting.estimator, SumsLags):
            return f"{setting.estimator.name} sums no years"
        if not self._rows(setting):
            return "no year farther back is known of enough outcome years"
        return None

    def _rows(self, setting: Setting) -> tuple[Lagged, int] | None:
        """The rows where still earlier years are known, and how many; None where there are too few."""
        assert isinstance(setting.estimator, SumsLags)
        for more in range(self.more, 0, -1):
            try:
                made = setting.estimator.rows_with(setting.design, more)
            except CausalError:
                continue
            columns = made.treatments.shape[1] + made.over.controls.shape[1] + len(made.over.years)
            if len(made.over.years) > ("authority" in made.over.absorb) and made.over.rows > 2 * columns:
                return made, more
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that nothing farther back acts.

        Parameters
        ----------
        trial : of an answer that is a sum over years (`SumsLags`).
        rng : not used.
        """
        report = reporting(
            self,
            asks="Does the treatment of still earlier years go with the outcome, once that of the years summed is held fixed?",
            expected="Nothing beyond chance from still earlier years, and the same sum with them held fixed.",
            detects="Effects that last longer than the years summed; a lasting difference in trend between places with more and with less of the treatment.",
            cannot_detect="Effects that set in later than the years looked at; whatever moves treatment and outcome in the same years.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        found = self._rows(trial)
        assert found is not None
        made, more = found
        years = made.treatments.shape[1] - more
        try:
            each, all_sums, _ = summed(made)
            _, base_sums, _ = summed(first_years(made, years))
        except CausalError as refused:
            return not_run(report, f"still earlier years could not be told from those summed ({refused})")
        contrast, level = trial.question.contrast, 1 - trial.question.level
        farther = each.coefficients[years:], each.scores[:, years:]
        df = float(each.df[years:].min())
        f, rest, p_value = joint_test(*farther, df)
        if not np.isfinite(p_value):
            return not_run(report, f"{count(more, 'year')} and {df:.1f} degrees of freedom are too few for a test")
        with_them = all_sums.coefficients[years - 1], all_sums.scores[:, years - 1]
        base = last_sum(base_sums)
        bias = float(base.coefficients[0] - with_them[0]) * contrast
        error = float(np.sqrt(((base.scores[:, 0] - with_them[1]) ** 2).sum())) * abs(contrast)
        survived = p_value >= level
        sees = reach(df, level, tests=more)
        parts = tuple(_part(trial, made, each.coefficients, each.std_errors, each.df, k) for k in range(years, years + more))
        seen = "; ".join(f"{one.name} {amount(trial, one.effect)} (standard error {size(trial, one.std_error or 0.0)})" for one in parts)
        return report(
            found=(
                f"{seen[0].upper()}{seen[1:]}; F({more}, {rest:.0f}) = {f:.2f}, {p_text(p_value)}. "
                f"{'Nothing beyond chance' if survived else 'The treatment acts for longer than the years summed'}. With them held fixed the sum moves by "
                f"{amount(trial, -bias)} (standard error {size(trial, error)}), on {made.over.rows} rows."
            ),
            p_value=p_value,
            level=level,
            survived=survived,
            bias=bias,
            bias_error=error,
            blind_below=None if sees is None else sees * error,
            numbers={"F": f, "degrees of freedom 1": float(more), "degrees of freedom 2": rest, "rows": float(made.over.rows)},
            parts=parts,
        )


def _part(trial: Trial, made: Lagged, effects: Floats, errors: Floats, df: Floats, k: int) -> Part:
    """What the treatment of one still earlier year does, for the whole contrast."""
    effect, error = float(effects[k]) * trial.question.contrast, float(errors[k]) * abs(trial.question.contrast)
    lower, upper, _ = interval(effect, error, trial.question.level, float(df[k]))
    return Part(
        kind="time",
        of=trial.design.treatment_variable.name,
        name=f"{count(trial.question.lag + k, 'year')} before the outcome",
        since=k,
        effect=effect,
        std_error=error,
        lower=lower,
        upper=upper,
        rows=made.over.rows,
        authorities=len(made.over.authorities),
    )
