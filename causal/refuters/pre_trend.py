"""Were outcomes already on their way before the treatment could have moved them?

A comparison of authorities with themselves over time takes those whose treatment moves to have had, without it, the trend of the others (parallel
trends). Years in which the treatment of an authority has not yet moved can speak on that. They alone are kept, and in them the
outcome of each authority may drift by a line whose slope goes with how far its treatment is to move:

    outcome = authority + year + controls + slope × (move to come, in contrasts) × year

The slope must be 0. One line has more power against a steady drift than a coefficient for every year, which is there too (`shape: leads`; both
from untreated rows alone, as Borusyak, Jaravel & Spiess 2024 test, Revisiting event-study designs: robust and efficient estimation, sec. 4.3).
Where most treatments move from the first year on there are too few such years: then all are kept, and the treatment of each year from the outcome's back to the
one asked about stands beside the line.

A pass says little where a harmful trend would have passed too (Roth 2022, Pretest with caution: event-study estimates after testing for parallel
trends). So the check always says which trend it finds in four of five such panels, and how far that trend would move the
estimate: it is added to the outcome and the same analysis is run again. The drift that was found moves it as that does, in proportion: so large
is the bias, if the drift goes on as it began, whether it is beyond chance or not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from causal.arrays import Floats
from causal.design import FEWEST_AUTHORITIES, Design
from causal.draws import stream
from causal.errors import CausalError, EstimationError, refusal
from causal.estimate import Part
from causal.inference.clustered import Fit, clustered_least_squares, interval, joint_test
from causal.knobs import at_least, between, one_of, renamed, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size, unsure
from causal.refuters.machinery.bias import moved_outcome, reach
from causal.refuters.machinery.paths import TreatmentPath, treatment_path, unfit
from causal.trial import Setting, Trial
from causal.words import capital, count


@renamed(still="tolerance")
@dataclass(frozen=True, slots=True, kw_only=True)
class PreTrend:
    """Test whether outcomes drift, before the treatment moves, with how far it is to move; and say which drift would be found.

    Parameters
    ----------
    shape : "line" (one steady drift) or "leads" (a coefficient for each year before, tested jointly).
    leads : with "leads", years before the last one before the move that get a coefficient; the farthest holds all earlier years.
    tolerance : moves of the treatment up to this share of the contrast do not count as moves.
    power : share of panels in which the detectable trend is found.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = "timing"
    label: ClassVar[str] = "drift beforehand"
    catches: ClassVar[str] = "drift_before"

    shape: str = "line"
    leads: int = 3
    tolerance: float = 0.05
    power: float = 0.8

    def __post_init__(self) -> None:
        one_of("pre_trend.shape", self.shape, ("line", "leads"))
        whole_number("pre_trend.leads", self.leads, 1)
        at_least("pre_trend.tolerance", self.tolerance, 0)
        between("pre_trend.power", self.power, 0, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "pre_trend"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if (why := unfit(setting)) is not None:
            return why
        moved = treatment_path(setting, self.tolerance)
        if not moved.moved.any():
            return "no treatment moves by more than the share that counts as standing still"
        if not _early(setting, moved) and (moved.adoption or self.shape == "leads"):
            drifts_text = count(moved.observed_before(setting.design), "authority whose treatment moves is", "authorities whose treatment moves are")
            return f"only {drifts_text} seen in two years before it does, and {FEWEST_AUTHORITIES} are wanted"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute parallel trends.

        Parameters
        ----------
        trial : with years before the treatment moves.
        rng : not used.
        """
        report = reporting(
            self,
            asks="Were the outcomes of authorities whose treatment was to move already drifting away from the others' before it could act?",
            expected="No drift beyond chance, in a check that would have found one large enough to matter.",
            detects="A trend that was there before the treatment; feedback and anticipation that look like one; effects sooner than the lag asked about.",
            cannot_detect="Trends too slight for these data, which it names; trends that begin with the treatment; anything that moves both in the same year.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        moved = treatment_path(trial, self.tolerance)
        early = _early(trial, moved)
        try:
            made, columns, leads = self._early(trial.design, moved) if early else _throughout(trial, moved)
            fit = _fit(made, columns)
            line = _response(trial.design, moved, made, columns) if len(leads) > 1 else np.ones(1)
        except CausalError as refused:
            return not_run(report, f"the regression on earlier years could not be made ({refused})")
        return self._judge(trial, report, moved, made, fit, leads, line, early)

    def _early(self, design: Design, moved: TreatmentPath) -> tuple[Design, Floats, tuple[int, ...]]:
        """Rows before the treatment moves, the drift's column or one for each lead, shape (rows, k), and which leads; none for the drift."""
        rows = np.flatnonzero(moved.before)
        made = design.subset(rows, "the treatment has moved")
        own = moved.size[design.authority[rows]]
        if self.shape == "line":
            return made, (own * (made.year - made.year.mean()))[:, None], ()
        ahead = moved.first[design.authority[rows]] - made.year
        farthest = self.leads + 1
        columns = np.column_stack([own * (ahead >= k if k == farthest else ahead == k) for k in range(2, farthest + 1)])
        residualised = made.partial_out(columns)
        kept = np.linalg.norm(residualised, axis=0) > 1e-6 * np.maximum(np.linalg.norm(columns, axis=0), 1e-12)
        if not kept.any():
            raise refusal(
                EstimationError, "pre_trend", "a lead that can be told from the years and authorities", "none", "give more years before the treatment"
            )
        return made, columns[:, kept], tuple(k for k, one in zip(range(2, farthest + 1), kept, strict=True) if one)

    def _judge(
        self,
        trial: Trial,
        report: Callable[..., Refutation],
        moved: TreatmentPath,
        made: Design,
        fit: Fit,
        leads: tuple[int, ...],
        response: Floats,
        early: bool,
    ) -> Refutation:
        level = 1 - trial.question.level
        df = float(fit.df.min())
        f, rest, p_value = joint_test(fit.coefficients, fit.scores, df)
        if not np.isfinite(p_value):
            return not_run(report, f"{count(len(fit.coefficients), 'coefficient')} and {df:.1f} degrees of freedom are too few for a test")
        line = 1.0 - np.array(leads, dtype=float) if leads else np.ones(1)
        trend = _detectable(line, fit, df, level, self.power)
        bias = _bias(trial, moved, trend)
        # what a drift does to the estimate, for one unit of it, and the drift that fits all coefficients best
        drift, drift_error = _drift(response, fit)
        tried = drift_error if bias is None else trend
        per_unit = _bias(trial, moved, tried) if bias is None else bias
        k = None if per_unit is None or not tried else per_unit / tried
        sees = reach(df, level, tests=len(fit.coefficients), line=True)
        important = trial.question.smallest_important
        survived = p_value >= level
        parts = tuple(_part(trial, made, fit, j, lead, lead == self.leads + 1) for j, lead in enumerate(leads or (None,)))
        drifts_text = "; ".join(f"{one.name} {amount(trial, one.effect)} (standard error {size(trial, one.std_error or 0.0)})" for one in parts)
        where = "before the treatment moved" if early else "beside the treatment of every year, as it moves from the start on"
        how = p_text(p_value) if len(parts) == 1 else f"jointly F({len(parts)}, {rest:.0f}) = {f:.2f}, {p_text(p_value)}"
        found = f"{capital(drifts_text)} for a move as large as the contrast, {where}; {how}. "
        found += "No drift beyond chance" if survived else "Outcomes were drifting already"
        blind = None
        if trend is not None and bias is not None:
            blind = abs(bias) >= important
            found += (
                f". In {self.power:.0%} of such panels a drift of {size(trial, trend)} a year is found; it would move the estimate by {amount(trial, bias)}"
            )
            if survived and blind:
                found += ", which is no less than the smallest important effect: a pass here is weak evidence"
        numbers: dict[str, float | None] = {
            "F": f,
            "degrees of freedom 1": float(len(parts)),
            "degrees of freedom 2": rest,
            "detectable trend": trend,
            "bias from detectable trend": bias,
            "bias over smallest important effect": None if bias is None else abs(bias) / important,
            "could miss a harmful trend": None if blind is None else float(blind),
            "rows": float(made.rows),
            "authorities that move": float(moved.moved.sum()),
            "of these seen in two years before": float(moved.observed_before(trial.design)),
            "only years before the move": float(early),
        } | {one.name: one.effect for one in parts}
        return report(
            found=found + ".",
            p_value=p_value,
            level=level,
            survived=survived,
            numbers=numbers,
            parts=parts,
            bias=None if k is None else k * drift,
            bias_error=None if k is None else abs(k) * drift_error,
            blind_below=None if k is None or sees is None else abs(k) * sees * drift_error,
        )


def _early(setting: Setting, moved: TreatmentPath) -> bool:
    """Whether enough authorities are seen in the years before their treatment moves for these alone to be looked at."""
    return moved.observed_before(setting.design) >= (FEWEST_AUTHORITIES if moved.adoption else max(FEWEST_AUTHORITIES, moved.moved.sum() / 2))


def _throughout(trial: Trial, moved: TreatmentPath) -> tuple[Design, Floats, tuple[int, ...]]:
    """All rows, the drift's column, with the treatment of each year from the outcome's back to the one asked about held fixed."""
    design, question = trial.design, trial.question
    at = pd.MultiIndex.from_arrays([np.array(design.authorities, dtype=object)[design.authority], design.year], names=["authority", "year"])
    sooner = [trial.panel.shift(question.treatment, -by).reindex(at).to_numpy(dtype=float) for by in range(max(question.lag, 0))]
    regressors = np.column_stack([design.controls, design.treatment, *sooner])
    rows = np.flatnonzero(np.isfinite(regressors).all(axis=1))
    if len(rows) < design.rows:
        observed_years = np.bincount(design.authority[rows], minlength=len(design.authorities))
        rows = rows[observed_years[design.authority[rows]] > 1]
    made = replace(design.subset(rows, "treatment of some year not known"), controls=regressors[rows])
    drift = moved.size[design.authority[rows]] * (made.year - made.year.mean())
    return made, drift[:, None], ()


def _fit(made: Design, columns: Floats) -> Fit:
    basis = made.basis()
    residualised = made.partial_out(columns, basis)
    if (np.linalg.norm(residualised, axis=0) <= 1e-7 * np.linalg.norm(columns - columns.mean(axis=0), axis=0)).any():
        raise refusal(EstimationError, "pre_trend", "a drift of its own", "one that is told by the treatment itself and what is held fixed", "give more years")
    outcome = made.partial_out(made.outcome[:, None], basis)[:, 0]
    return clustered_least_squares(
        outcome, residualised, made.nuisance_basis(basis), made.cluster, len(made.clusters), absorbed_rank=basis.shape[1], row_count=made.row_count
    )


def _detectable(line: Floats, fit: Fit, df: float, level: float, power: float) -> float | None:
    """The slope of a straight drift that the joint test finds with this power (Roth 2022, sec. I.C): coefficients slope × `line`."""
    from scipy import optimize, stats

    k = len(line)
    rest = df - k + 1
    information = float(line @ np.linalg.solve(fit.scores.T @ fit.scores, line)) * rest / df
    critical = float(stats.f(k, rest).isf(level))

    def short(slope: float) -> float:
        return float(stats.ncf.sf(critical, k, rest, slope**2 * information)) - power

    if power <= level or not information > 0:
        return None
    unit = 1 / np.sqrt(information)
    return float(optimize.brentq(short, 0.0, 50 * unit, xtol=1e-6 * unit)) if short(50 * unit) > 0 else None


def _response(design: Design, moved: TreatmentPath, made: Design, columns: Floats) -> Floats:
    """What a drift of one unit a year makes of each coefficient; shape (k,).

    Parameters
    ----------
    design, moved : the trial's design and where its authorities move.
    made, columns : the regression's.
    """
    place = {name: i for i, name in enumerate(design.authorities)}
    own = moved.size[[place[name] for name in made.authorities]][made.authority]
    return _fit(replace(made, outcome=own * (made.year - made.year.mean())), columns).coefficients


def _drift(line: Floats, fit: Fit) -> tuple[float, float]:
    """The slope of the straight drift that fits the coefficients best, and its error (generalised least squares).

    line : shape (k,), what a slope of 1 makes of each coefficient.
    """
    weights = np.linalg.solve(fit.scores.T @ fit.scores, line)
    return float(weights @ fit.coefficients / (weights @ line)), float(1 / np.sqrt(weights @ line))


def _bias(trial: Trial, moved: TreatmentPath, trend: float | None) -> float | None:
    """How far the estimate moves when that drift is added to every outcome and the same analysis is run again; outcome units."""
    if trend is None:
        return None
    if trial.score is not None:
        made = trial.design
        own_rows = moved.size[made.authority] * (made.year - made.year.mean())
        by = moved_outcome(trial.estimator, made, trial.estimate, trend * own_rows, lambda: stream(trial.seed, "estimate"))
        return by if np.isfinite(by) else None
    frame, outcome = trial.panel.frame, trial.question.outcome
    own = pd.Series(moved.size, index=list(trial.design.authorities)).reindex(frame.index.get_level_values("authority")).fillna(0.0).to_numpy()
    year = frame.index.get_level_values("year").to_numpy(dtype=float)
    drifting = frame[outcome] + trend * own * (year - trial.design.year.mean())
    try:
        _, again = trial.rerun(panel=trial.panel.with_column(drifting, trial.panel.variable(outcome)), rng=stream(trial.seed, "estimate"))
    except CausalError:
        return None
    bias = again.effect - trial.estimate.effect
    return float(bias) if np.isfinite(bias) else None


def _part(trial: Trial, made: Design, fit: Fit, j: int, lead: int | None, farthest: bool) -> Part:
    """A lead's coefficient, or with None the slope of the drift."""
    effect, error = float(fit.coefficients[j]), float(fit.std_errors[j])
    lower, upper, _ = interval(effect, error, trial.question.level, float(fit.df[j]))
    return Part(
        kind="trend" if lead is None else "time",
        of=trial.design.treatment_variable.name,
        name="slope" if lead is None else f"lead {lead}{' or more' if farthest else ''}",
        since=None if lead is None else -lead,
        open_ended=farthest,
        effect=effect,
        std_error=error,
        lower=lower,
        upper=upper,
        rows=made.rows,
        authorities=len(made.authorities),
    )
