"""How far from parallel may trends have been before the conclusion falls?

Parallel trends cannot be tested after the treatment, only bounded by what was seen before it (Rambachan & Roth 2023, A more credible
approach to parallel trends). An event study is made of the design, and `trend_bounds` gives the robust intervals about its effect: for changes of the
difference in trends that are at most M̄ times the largest one seen before the move, and for slopes that change by at most M a year.

The breakdown value is the least M̄ (or M) at which the conclusion no longer holds. A conclusion is that the effect is not 0, or that it is smaller than the
smallest important one; where the ordinary interval allows both, there is nothing to break. This is a statement on how strong the evidence is: in a
clean world without effect it fails at most as often as a test at the question's level errs, but an effect barely found never stands it. That a finding
of no important effect hangs on parallel trends is told ("conclusion rests on parallel trends") and does not fail the check: in short panels most do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import FEWEST_AUTHORITIES, Design
from causal.errors import CausalError, EstimationError, refusal
from causal.estimate import Part
from causal.inference.clustered import Fit, clustered_least_squares, interval
from causal.knobs import at_least, between, one_of, renamed, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import NO_ERROR, amount, not_run, reporting, unsure, varies
from causal.refuters.machinery.paths import EventStudy, TreatmentPath, treatment_path, unfit
from causal.refuters.machinery.trend_bounds import MOST, Bounds, breakdown, breakdown_smooth
from causal.trial import Setting, Trial
from causal.words import capital, places, span

NOT_ZERO = "the effect is not 0"
AT_ONCE = 0.8  # share of all movement made in one step, from which years are counted from that step


@renamed(still="tolerance")
@dataclass(frozen=True, slots=True, kw_only=True)
class HonestDid:
    """Ask how far from parallel trends may have been before the conclusion falls.

    Parameters
    ----------
    allowed : a conclusion that falls at a relative magnitude M̄ below this did not survive.
    relative : relative magnitudes M̄ for which the robust interval is given.
    smooth : yearly changes of slope M for which it is given, in standard errors of the effect.
    leads, lags : years before the last one before the move, and after the move's own, that the event study is to have; fewer where they are not seen.
    effect : "average" over the years after, or "first".
    draws : for the least favourable critical value.
    unmoving : moves of the treatment up to this share of the contrast do not count as moves.
    """

    family: ClassVar[Family] = "sensitivity"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "trends that differ"
    catches: ClassVar[str] = "drift_before"

    allowed: float = 0.5
    relative: tuple[float, ...] = (0.5, 1.0, 2.0)
    smooth: tuple[float, ...] = (0.0, 0.5, 1.0)
    leads: int = 3
    lags: int = 2
    effect: str = "average"
    draws: int = 1000
    tolerance: float = 0.05

    def __post_init__(self) -> None:
        for name in ("relative", "smooth"):
            many = getattr(self, name)
            object.__setattr__(self, name, (many,) if isinstance(many, int | float | str) else tuple(many))
            for value in getattr(self, name):
                at_least(f"honest_did.{name}", value, 0)
        between("honest_did.allowed", self.allowed, 0, MOST)
        whole_number("honest_did.leads", self.leads, 1)
        whole_number("honest_did.lags", self.lags, 0)
        whole_number("honest_did.draws", self.draws, 100)
        at_least("honest_did.tolerance", self.tolerance, 0)
        one_of("honest_did.effect", self.effect, ("average", "first"))

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "honest_did"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        return unfit(setting)

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute the conclusion by trends that are not parallel.

        Parameters
        ----------
        trial : years before and after the treatment moves.
        rng : draws the normal vectors that critical values come from.
        """
        report = reporting(
            self,
            asks="Would the conclusion stand if trends after the treatment had differed as they are seen to have differed before it?",
            expected=f"A conclusion that stands when differences in trend change after the move by up to {self.allowed:g} times their largest before.",
            detects="Conclusions that rest on trends having been exactly parallel, where the years before show that they need not have been.",
            cannot_detect="Whether trends were parallel after the treatment: nothing can show that. "
            "Breaks that came with the treatment and were larger than any before.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        try:
            study = _event_study(trial.design, treatment_path(trial, self.tolerance), self)
        except CausalError as refused:
            return not_run(report, f"an event study could not be made ({refused})")
        return self._judge(trial, report, study, rng)

    def _judge(self, trial: Trial, report: Callable[..., Refutation], study: EventStudy, rng: np.random.Generator) -> Refutation:
        from scipy import stats

        level, important = trial.question.level, trial.question.smallest_important
        before = sum(k < 0 for k in study.since)
        after = len(study.since) - before
        # a few clusters' t in the normal's place, so that without any violation the interval is the event study's own
        wider = float(stats.t(study.df).ppf(0.5 + level / 2) / stats.norm.ppf(0.5 + level / 2))
        sigma = study.scores.T @ study.scores * wider**2
        weights = _weights(study.since, self.effect)
        spread = varies(trial.design)
        variance = float(weights @ sigma @ weights)
        if spread is None or not np.isfinite([*study.effects, *sigma.ravel()]).all() or min(variance, *np.diag(sigma)) <= (NO_ERROR * spread) ** 2:
            return not_run(report, "some year of the event study has no standard error")
        # a power of two near its error: the tests' tolerances are for numbers near 1
        one = 2.0 ** round(math.log2(math.sqrt(variance)))
        bounds = Bounds(
            beta=study.effects / one,
            sigma=sigma / one**2,
            before=before,
            weights=weights[before:],
            level=level,
            noise=rng.standard_normal((self.draws, before + after)),
        )
        half = float(stats.norm.ppf(0.5 + level / 2)) * bounds.std_error * one
        effect, error = bounds.effect * one, bounds.std_error * one / wider
        lower, upper = effect - half, effect + half
        decimals = places(max(abs(lower), abs(upper)))
        unit = trial.design.outcome_variable.unit
        broken: dict[str, tuple[float, float]] = {}
        for claim, holds, against in (
            (NOT_ZERO, lower > 0 or upper < 0, (0.0,)),
            ("no important effect", -important < lower and upper < important, (-important, important)),
        ):
            if holds:
                scaled = tuple(end / one for end in against)
                broken[claim] = breakdown(bounds, scaled), breakdown_smooth(bounds, scaled) * one / error
        numbers: dict[str, float | None] = {
            "effect of the event study": effect,
            "standard error of the event study": error,
            "years before": float(before + 1),
            "years after": float(after),
        }
        ranges = []
        for m in self.relative:
            low, high = (end * one for end in bounds.relative(m))
            numbers |= {f"relative magnitude {m:g}: {end}": value if np.isfinite(value) else None for end, value in (("lower", low), ("upper", high))}
            ranges.append(f"M̄ = {m:g}: {span(low, high, decimals)}")
        for m, (low, high) in zip(self.smooth, bounds.smooth([m * error / one for m in self.smooth]), strict=True):
            numbers |= {f"smoothness {m:g} standard errors: lower": low * one, f"smoothness {m:g} standard errors: upper": high * one}
        for claim, (relative, smooth) in broken.items():
            numbers |= {f"breakdown relative magnitude ({claim})": min(relative, MOST), f"breakdown smoothness in standard errors ({claim})": min(smooth, MOST)}
        survived = NOT_ZERO not in broken or broken[NOT_ZERO][0] >= self.allowed
        numbers["conclusion rests on parallel trends"] = float(any(relative < self.allowed for relative, _ in broken.values())) if broken else None
        found = f"An event study gives {amount(trial, effect)} ({span(lower, upper, decimals)}). Allowing trends to differ: {'; '.join(ranges)} {unit}. "
        if not broken:
            found += "Both no effect and an important one fit the event study, so there is no conclusion to overturn."
        for claim, (relative, smooth) in broken.items():
            found += f"{capital(claim)}: stands up to M̄ = {_most(relative)}, or changes of slope of {_most(smooth)} standard errors a year" + (
                ". " if relative >= self.allowed else f", less than the {self.allowed:g} asked for. "
            )
        return report(found=found.strip(), p_value=None, survived=survived, numbers=numbers, parts=_parts(trial, study))


def _most(value: float) -> str:
    return f"more than {MOST:g}" if value >= MOST else f"{value:.2f}"


def _weights(since: Sequence[int], effect: str) -> Floats:
    """Of each year in the effect asked for."""
    after = np.array([k >= 0 for k in since], dtype=float)
    return after / after.sum() if effect == "average" else np.array([float(k == 0) for k in since])


def _event_study(design: Design, moved: TreatmentPath, asked: HonestDid) -> EventStudy:
    """Leads and lags of the move.

    Where treatments move in one step, years are counted from it: adopters by cohort, then averaged (Sun & Abraham 2021, Estimating dynamic treatment
    effects in event studies), doses by how far they move. A dose that keeps moving has one column for its change of each year, the ends holding all
    earlier and later changes (Schmidheiny & Siegloch 2023, On event studies and distributed-lags in two-way fixed effects models).

    Raises
    ------
    CausalError : too few years or authorities, or columns that cannot be told apart.
    """
    if moved.at_once < AT_ONCE:
        return _changes(design, moved, asked)
    known = moved.moved | (np.bincount(design.authority[moved.before], minlength=len(moved.size)) > 0)
    last = int(moved.first[moved.moved].max())
    unmoving = ~moved.moved & known
    inside = known[design.authority] & (np.ones(design.rows, dtype=bool) if unmoving.any() else design.year < last)
    made = design.subset(np.flatnonzero(inside), "no untreated year seen, or none left to compare with")
    own = np.flatnonzero(np.isin(design.authorities, made.authorities))[made.authority]
    since = np.where(moved.moved[own], made.year - moved.first[own], -1)
    cohort = moved.first[own] if moved.adoption else np.zeros(made.rows, dtype=np.int64)
    cells = sorted({(int(k), int(g)) for k, g in zip(since[moved.moved[own]], cohort[moved.moved[own]], strict=True) if k != -1})
    columns = np.column_stack([moved.size[own] * moved.moved[own] * (since == k) * (cohort == g) for k, g in cells])
    observed = {k: len(np.unique(own[moved.moved[own] & (since == k)])) for k in range(-asked.leads - 1, asked.lags + 1)}
    ahead = _run([*range(-2, -asked.leads - 2, -1)], observed)[::-1]
    after = _run([*range(asked.lags + 1)], observed)
    if not ahead or not after:
        raise refusal(
            EstimationError,
            "honest_did",
            f"{FEWEST_AUTHORITIES} authorities seen two years before their treatment moves, and in its own year",
            "fewer",
            "give more years",
        )
    wanted = np.array([[float((columns[:, j] ** 2).sum()) * (k == at) for j, (k, _) in enumerate(cells)] for at in (*ahead, *after)])
    return _fitted(made, columns, wanted / wanted.sum(axis=1, keepdims=True), (*ahead, *after), asked)


def _fitted(made: Design, columns: Floats, wanted: Floats, since: tuple[int, ...], asked: HonestDid) -> EventStudy:
    """The regression on all columns, and what is `wanted` of their coefficients, shape (years, columns)."""
    basis = made.basis()
    residualised = made.partial_out(columns, basis)
    collinear = np.linalg.norm(residualised, axis=0) <= 1e-6 * np.linalg.norm(columns, axis=0)
    if collinear.any():
        # a cell that the years and authorities tell has no coefficient: its years are averaged over the others
        wanted = np.where(collinear, 0.0, wanted)
        if not wanted.any(axis=1).all():
            raise refusal(
                EstimationError,
                "honest_did",
                "each year before and after the move to be told from the years and authorities",
                "some that cannot",
                "ask for fewer leads or lags",
            )
        wanted, residualised = (wanted / wanted.sum(axis=1, keepdims=True))[:, ~collinear], residualised[:, ~collinear]
    outcome = made.partial_out(made.outcome[:, None], basis)[:, 0]

    def fit(turned: Floats) -> Fit:
        return clustered_least_squares(outcome, turned, basis, made.cluster, len(made.clusters), absorbed_rank=basis.shape[1])

    one = fit(residualised)
    # degrees of freedom are those of the effect asked for: the same regression with it as a coefficient
    target = _weights(since, asked.effect) @ wanted
    turn = np.vstack([target, np.linalg.svd(target[None, :])[2][1:]])
    return EventStudy(
        since=since,
        effects=wanted @ one.coefficients,
        scores=one.scores @ wanted.T,
        df=float(fit(residualised @ np.linalg.inv(turn)).df[0]),
        rows=made.rows,
        authorities=len(made.authorities),
    )


def _run(years: list[int], observed: Mapping[int, int]) -> list[int]:
    """The years up to the first in which too few authorities are seen."""
    found: list[int] = []
    for k in years:
        if observed[k] < FEWEST_AUTHORITIES:
            break
        found.append(k)
    return found


def _changes(design: Design, moved: TreatmentPath, asked: HonestDid) -> EventStudy:
    """Leads and lags of yearly changes of the dose: the most of them that leave four years of outcomes, or three."""
    choices = [(a, b) for a in range(asked.leads, 0, -1) for b in range(asked.lags, -1, -1)]
    for fewest in (4, 3):
        for ahead, after in sorted(choices, key=lambda one: -sum(one)):
            years = [*range(-ahead - 1, -1), *range(after + 1)]

            def level(ago: int) -> Floats:
                at = design.year - ago - moved.years[0]
                inside = (at >= 0) & (at < moved.path.shape[1])
                return np.where(inside, moved.path[design.authority, np.clip(at, 0, moved.path.shape[1] - 1)], np.nan)

            levels = {ago: level(ago) for ago in range(-ahead, after + 1)}
            columns = np.column_stack([-levels[-ahead] if k == years[0] else levels[k] if k == after else levels[k] - levels[k + 1] for k in years])
            rows = np.flatnonzero(np.isfinite(np.column_stack(list(levels.values()))).all(axis=1))
            if len(rows) < fewest * FEWEST_AUTHORITIES or len(np.unique(design.year[rows])) < fewest:
                continue
            return _fitted(design.subset(rows, "dose of some year not known"), columns[rows], np.eye(len(years)), tuple(years), asked)
    raise refusal(EstimationError, "honest_did", "years enough for a lead, the year before it and the year of a move", "too few", "give more years")


def _parts(trial: Trial, study: EventStudy) -> tuple[Part, ...]:
    parts = []
    for k, effect, error in zip(study.since, study.effects.tolist(), np.sqrt((study.scores**2).sum(axis=0)).tolist(), strict=True):
        lower, upper, _ = interval(effect, error, trial.question.level, study.df)
        parts.append(
            Part(
                kind="time",
                of=trial.design.treatment_variable.name,
                name=f"{'lead' if k < 0 else 'lag'} {abs(k)}" if k else "now",
                since=int(k),
                effect=effect,
                std_error=error,
                lower=lower,
                upper=upper,
                rows=study.rows,
                authorities=study.authorities,
            )
        )
    return tuple(parts)
