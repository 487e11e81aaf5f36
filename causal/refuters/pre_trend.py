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
estimate: it is added to the outcome and the same analysis is run again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from causal.arrays import Floats, Ints
from causal.cohorts import cohorts
from causal.design import FEWEST_AUTHORITIES, Design
from causal.errors import CausalError, EstimationError
from causal.estimate import Part
from causal.inference.clustered import Fit, clustered_least_squares, interval, joint_test
from causal.needs import ADOPTION
from causal.question import Question
from causal.refute import Refutation, Trial, stream
from causal.refuters import amount, at_least, between, chance, not_run, one_of, size, unsure, whole_number
from causal.words import capital, count

Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moves:
    """Where each authority's treatment goes, and since when.

    Parameters
    ----------
    size : shape (authorities,), last known treatment less the first, in the question's contrasts; where adoption is compared 1, 0 or −1.
    first : shape (authorities,), first outcome year that a moved treatment is dated to; the year after the last for those that never move.
    before : shape (rows,), whether the treatment that the row is dated to has not yet moved.
    path, years : shape (authorities, years), (years,); the treatment in contrasts, and the outcome years that it is dated to.
    adoption : whether the treatment counts as adopted or not, at the question's level.
    """

    size: Floats
    first: Ints
    before: Mask
    path: Floats
    years: Ints
    adoption: bool

    @property
    def moved(self) -> Mask:
        """Shape (authorities,)."""
        return np.asarray(self.size != 0)

    @property
    def at_once(self) -> float:
        """Share of all that treatments move which is moved in each authority's first step."""
        steps = np.abs(np.diff(self.path, axis=1))
        mine = self.moved & (self.first > self.years[0]) & (self.first <= self.years[-1])
        at = np.flatnonzero(mine)
        total = float(np.nansum(steps))
        return float(np.nansum(steps[at, self.first[at] - self.years[0] - 1])) / total if total > 0 else 0.0

    def treatment(self, question: Question, path: Floats) -> Floats:
        """A path in contrasts as a treatment in its own unit; what authorities leave, where they move to the `control` level, is `treated`."""
        return (question.treated if self.adoption and np.nanmin(self.path) < 0 else question.control) + question.contrast * path

    def ahead(self, trial: Trial) -> Ints:
        """Years from each row's own to the first year in which the treatment itself has moved, whatever the question's lag; shape (rows,)."""
        return np.asarray(self.first[trial.design.authority] - max(trial.question.lag, 0) - trial.design.year)

    def seen_before(self, design: Design) -> int:
        """How many authorities that move are seen in at least two years before."""
        seen = np.bincount(design.authority[self.before], minlength=len(self.size))
        return int((self.moved & (seen >= 2)).sum())


def moves(trial: Trial, still: float) -> Moves:
    """When each authority's treatment first differs from what it was, by more than `still` contrasts.

    A binary treatment, and any under an estimator that compares adopters, counts as adopted or not. The treatment's years after the last that an
    outcome is dated to count too: what is still to move then has moved nothing yet.
    """
    design, question = trial.design, trial.question
    lag = 0 if trial.panel.variable(question.treatment).varies == "authority" else question.lag
    adoption, sign = False, 1
    try:
        adopted = cohorts(design)
        adoption, sign = not adopted.cut or ADOPTION in getattr(trial.estimator, "needs", ()), adopted.sign
    except CausalError:
        pass
    share = (trial.panel.frame[question.treatment] - question.control) / question.contrast
    if adoption:
        on = share >= 1 - 1e-9 if sign > 0 else share <= 1e-9
        share = on.astype(float).where(share.notna()) * sign
    grid = share.unstack("year").reindex(list(design.authorities))
    grid = grid.reindex(columns=range(int(grid.columns.min()), int(grid.columns.max()) + 1))
    years = grid.columns.to_numpy(dtype=np.int64) + lag
    path = grid.ffill(axis=1).to_numpy(dtype=float)
    begun = np.array([design.year[design.authority == a].min() for a in range(len(path))])
    at = np.clip(np.searchsorted(years, begun), 0, len(years) - 1)
    start = path[np.arange(len(path)), at]
    away = (np.abs(path - start[:, None]) > still) & (years >= begun[:, None])
    ever = away.any(axis=1)
    first = np.where(ever, years[away.argmax(axis=1)], years[-1] + 1)
    move = np.where(ever, path[:, -1] - start, 0.0)
    if adoption:
        # treated in every year seen: nobody knows since when
        move = np.where(start == sign, 0.0, move)
        first = np.where(start == sign, begun, first)
    return Moves(size=move, first=first, before=design.year < first[design.authority], path=path, years=years, adoption=adoption)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreTrend:
    """Test whether outcomes drift, before the treatment moves, with how far it is to move; and say which drift would be found.

    Parameters
    ----------
    shape : "line" (one steady drift) or "leads" (a coefficient for each year before, tested jointly).
    leads : with "leads", years before the last one before the move that get a coefficient; the farthest holds all earlier years.
    still : moves of the treatment up to this share of the contrast do not count as moves.
    power : share of panels in which the detectable trend is found.
    """

    shape: str = "line"
    leads: int = 3
    still: float = 0.05
    power: float = 0.8

    def __post_init__(self) -> None:
        one_of("pre_trend.shape", self.shape, ("line", "leads"))
        whole_number("pre_trend.leads", self.leads, 1)
        at_least("pre_trend.still", self.still, 0)
        between("pre_trend.power", self.power, 0, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "pre_trend"

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute parallel trends."""
        report = partial(
            Refutation,
            name=self.name,
            asks="Were the outcomes of authorities whose treatment was to move already drifting away from the others' before it could act?",
            expected="No drift beyond chance, in a check that would have found one large enough to matter.",
            detects="A trend that was there before the treatment; feedback and anticipation that look like one; effects sooner than the lag asked about.",
            cannot_detect="Trends too slight for these data, which it names; trends that begin with the treatment; anything that moves both in the same year.",
        )
        if (why := unfit(trial)) is not None:
            return not_run(report, why)
        moved = moves(trial, self.still)
        if not moved.moved.any():
            return not_run(report, "no treatment moves by more than the share that counts as standing still")
        early = moved.seen_before(trial.design) >= (FEWEST_AUTHORITIES if moved.adoption else max(FEWEST_AUTHORITIES, moved.moved.sum() / 2))
        if not early and (moved.adoption or self.shape == "leads"):
            seen = count(moved.seen_before(trial.design), "authority whose treatment moves is", "authorities whose treatment moves are")
            return not_run(report, f"only {seen} seen in two years before it does, and {FEWEST_AUTHORITIES} are wanted")
        try:
            made, columns, names = self._early(trial.design, moved) if early else _throughout(trial, moved)
            fit = _fit(made, columns)
        except CausalError as refused:
            return not_run(report, f"the regression on earlier years could not be made ({refused})")
        return self._judge(trial, report, moved, made, fit, names, early)

    def _early(self, design: Design, moved: Moves) -> tuple[Design, Floats, tuple[str, ...]]:
        """Rows before the treatment moves, and the drift's column or one for each lead; shape (rows, k)."""
        rows = np.flatnonzero(moved.before)
        made = design.only(rows, "the treatment has moved")
        own = moved.size[design.authority[rows]]
        if self.shape == "line":
            return made, (own * (made.year - made.year.mean()))[:, None], ("slope",)
        ahead = moved.first[design.authority[rows]] - made.year
        farthest = self.leads + 1
        columns = np.column_stack([own * (ahead >= k if k == farthest else ahead == k) for k in range(2, farthest + 1)])
        left = made.partial_out(columns)
        kept = np.linalg.norm(left, axis=0) > 1e-6 * np.maximum(np.linalg.norm(columns, axis=0), 1e-12)
        if not kept.any():
            raise EstimationError("no lead can be told from the years and authorities")
        names = [f"lead {k}{' or more' if k == farthest else ''}" for k in range(2, farthest + 1)]
        return made, columns[:, kept], tuple(name for name, one in zip(names, kept, strict=True) if one)

    def _judge(self, trial: Trial, report: Callable[..., Refutation], moved: Moves, made: Design, fit: Fit, names: tuple[str, ...], early: bool) -> Refutation:
        level = 1 - trial.question.level
        df = float(fit.df.min())
        f, rest, p_value = joint_test(fit.coefficients, fit.scores, df)
        if not np.isfinite(p_value):
            return not_run(report, f"{count(len(names), 'coefficient')} and {df:.1f} degrees of freedom are too few for a test")
        line = np.ones(1) if names == ("slope",) else np.array([1.0 - float(name.split()[1]) for name in names])
        trend = _detectable(line, fit, df, level, self.power)
        bias = _bias(trial, moved, trend)
        important = trial.question.smallest_important
        survived = p_value >= level
        parts = tuple(_part(trial, made, fit, j, name) for j, name in enumerate(names))
        seen = "; ".join(f"{one.name} {amount(trial, one.effect)} (standard error {size(trial, one.std_error or 0.0)})" for one in parts)
        where = "before the treatment moved" if early else "beside the treatment of every year, as it moves from the start on"
        how = chance(p_value) if len(names) == 1 else f"jointly F({len(names)}, {rest:.0f}) = {f:.2f}, {chance(p_value)}"
        found = f"{capital(seen)} for a move as large as the contrast, {where}; {how}. "
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
            "degrees of freedom 1": float(len(names)),
            "degrees of freedom 2": rest,
            "detectable trend": trend,
            "bias from detectable trend": bias,
            "bias over smallest important effect": None if bias is None else abs(bias) / important,
            "could miss a harmful trend": None if blind is None else float(blind),
            "rows": float(made.rows),
            "authorities that move": float(moved.moved.sum()),
            "of these seen in two years before": float(moved.seen_before(trial.design)),
            "only years before the move": float(early),
        } | {one.name: one.effect for one in parts}
        return report(found=found + ".", p_value=p_value, survived=survived, numbers=numbers, parts=parts)


def unfit(trial: Trial) -> str | None:
    """Why trends cannot be looked at here; None if they can."""
    if (why := unsure(trial)) is not None:
        return why
    if len(np.unique(trial.design.year)) < 3:
        return f"{count(len(np.unique(trial.design.year)), 'year')} of outcomes cannot show a trend before a move and a comparison after it"
    variable = trial.panel.variable(trial.question.treatment)
    if variable.varies == "authority":
        return f"{variable.label} does not change in time"
    if "authority" not in trial.design.absorb:
        return "authorities are not compared with themselves, so the answer does not rest on parallel trends"
    return None


def _throughout(trial: Trial, moved: Moves) -> tuple[Design, Floats, tuple[str, ...]]:
    """All rows, the drift's column, with the treatment of each year from the outcome's back to the one asked about held fixed."""
    design, question = trial.design, trial.question
    at = pd.MultiIndex.from_arrays([np.array(design.authorities, dtype=object)[design.authority], design.year], names=["authority", "year"])
    sooner = [trial.panel.shift(question.treatment, -by).reindex(at).to_numpy(dtype=float) for by in range(max(question.lag, 0))]
    held = np.column_stack([design.controls, design.treatment, *sooner])
    rows = np.flatnonzero(np.isfinite(held).all(axis=1))
    if len(rows) < design.rows:
        seen = np.bincount(design.authority[rows], minlength=len(design.authorities))
        rows = rows[seen[design.authority[rows]] > 1]
    made = replace(design.only(rows, "treatment of some year not known"), controls=held[rows])
    drift = moved.size[design.authority[rows]] * (made.year - made.year.mean())
    return made, drift[:, None], ("slope",)


def _fit(made: Design, columns: Floats) -> Fit:
    basis = made.basis()
    left = made.partial_out(columns, basis)
    if (np.linalg.norm(left, axis=0) <= 1e-7 * np.linalg.norm(columns - columns.mean(axis=0), axis=0)).any():
        raise EstimationError("the drift is told by the treatment itself and what is held fixed")
    outcome = made.partial_out(made.outcome[:, None], basis)[:, 0]
    return clustered_least_squares(outcome, left, made.held(basis), made.cluster, len(made.clusters), absorbed_rank=basis.shape[1])


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


def _bias(trial: Trial, moved: Moves, trend: float | None) -> float | None:
    """How far the estimate moves when that drift is added to every outcome and the same analysis is run again; outcome units."""
    if trend is None:
        return None
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


def _part(trial: Trial, made: Design, fit: Fit, j: int, name: str) -> Part:
    effect, error = float(fit.coefficients[j]), float(fit.std_errors[j])
    lower, upper, _ = interval(effect, error, trial.question.level, float(fit.df[j]))
    return Part(
        kind="time",
        of=trial.design.treatment_variable.label,
        name=name,
        effect=effect,
        std_error=error,
        lower=lower,
        upper=upper,
        rows=made.rows,
        authorities=len(made.authorities),
    )
