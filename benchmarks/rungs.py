"""One rung of the ladder: a dose, an outcome, how rows are weighed, and the answer on one panel with its clustered error.

A panel here is a grid, authorities × years of the outcome; the dose of a row is that of the year before. Every dose is told in halvings, so that 1 is
the whole contrast:

    share   (1 − share of 2010-11 spending that remains) ÷ 0.5         halving of what there was in 2010-11; 0 allowed
    log     −log(spending) ÷ log 2                                      halving from wherever it stood; none at or below the guard

Estimates are two-way fixed effects by least squares on rows that are whitened within the authority where the rung asks for it: shocks alike in all
authorities but for their size, a first-order autoregression and white noise beside it, fitted to the residuals' covariance (Aitken 1936; for panels with a
clustered error that does not lean on it, Hansen 2007, Generalized least squares inference in panel and multilevel models). Errors are CR2 with Satterthwaite's
degrees of freedom everywhere (Bell & McCaffrey 2002; Pustejovsky & Tipton 2018), as `causal.inference.clustered` has them for few clusters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from scipy import optimize

from causal.refuters.recording_switches import repaired, switches

SPENT = np.arange(2011, 2020)  # years of spending, but where the data say otherwise
SEEN = SPENT + 1  # years of the outcome
BASE_GUARD, CEILING = 20.0, 2.0  # £ per child in 2010-11 that leave a base; a share that says that 2010-11 was recorded otherwise
BACK = 2  # years within which a switch that is undone is time away
RHOS = np.arange(0.0, 0.99, 0.02)
JUMPS = (None, 1.5, 1.0, 0.7)  # recorded, and repaired where the logarithm moves by more
Grid = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One design.

    Parameters
    ----------
    family : whose rungs are ranked together; each family has one estimand.
    dose : "share" or "log".
    jump : repair switches of more than this in the logarithm; None takes spending as recorded.
    guard : £ per child; at or below it there is no log.
    without : leave out authorities with a switch beyond 1.0, or £2 per child or less, in any year.
    last : last year of the outcome.
    by_year : lasting columns whose effect may change each year.
    earlier : columns held fixed as they stood two years before the outcome, one before the dose.
    weights : rows count by how precisely an authority of its size is measured.
    persistent : whiten the shocks.
    corrected : the dose as recorded is the instrument of the repaired one: recorded spending, corrected for what switches attenuate.
    second : the same dose of another record of the spending is the instrument.
    skipped : years of the outcome that are left out.
    grouped : errors add up over the authorities of a group, and have as many degrees of freedom as there are groups, less one.
    outcome : its name.
    """

    name: str
    title: str
    family: str
    dose: str
    jump: float | None = None
    guard: float = 0.0
    without: bool = False
    last: int = 2020
    by_year: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    weights: bool = False
    persistent: bool = False
    corrected: bool = False
    second: bool = False
    skipped: tuple[int, ...] = ()
    grouped: bool = False
    outcome: str = "plans"

    def __post_init__(self) -> None:
        if self.dose not in ("share", "log"):
            raise ValueError(f"{self.name}: dose must be share or log, got {self.dose!r}")
        if self.jump not in JUMPS or (self.corrected and self.jump is None):
            raise ValueError(f"{self.name}: jump must be one of {JUMPS}, and a number where the dose is corrected, got {self.jump!r}")
        for name in ("by_year", "earlier", "skipped"):
            object.__setattr__(self, name, tuple(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """A panel as grids.

    spending : shape (authorities, SPENT), £ per child; outcomes : by name, (authorities, SEEN); children : (authorities,); lasting : covariates by name,
    (authorities,); earlier : those that change, dated two years before the outcome, (authorities, SEEN), NaN where there is none; spent_in : years of
    spending, where they are not SPENT; second : another record of the spending, of the same shape; groups : codes, (authorities,).
    """

    spending: Grid
    outcomes: Mapping[str, Grid]
    children: Grid
    lasting: Mapping[str, Grid] = field(default_factory=dict)
    earlier: Mapping[str, Grid] = field(default_factory=dict)
    spent_in: Grid = field(default_factory=SPENT.copy)
    second: Grid | None = None
    groups: Grid | None = None


# ---------------------------------------------------------------- doses
def mend(spending: Grid, jump: float) -> Grid:
    """Switches repaired as the check `recording_switches` does; NaN where nobody knows (zero to the end)."""
    away, piece = np.zeros(spending.shape, dtype=bool), np.zeros(spending.shape, dtype=np.int64)
    years = SPENT[0] + np.arange(spending.shape[1])  # how far apart they are is all that counts
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.abs(np.diff(np.log(spending), axis=1))
    for a in np.flatnonzero(((steps > jump) | np.isnan(steps)).any(axis=1)):
        away[a], piece[a] = switches(spending[a], years, jump, BACK)
    return repaired(spending, away, piece, years)


def series(spending: Grid) -> dict[float | None, Grid]:
    """Spending as recorded and as repaired at every rule."""
    return {jump: spending if jump is None else mend(spending, jump) for jump in JUMPS}


def share(spending: Grid) -> Grid:
    """Halvings of what was spent in 2010-11; NaN for a whole authority without a base."""
    base = spending[:, :1]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = spending / np.where(base > BASE_GUARD, base, np.nan)
    return np.where((np.nan_to_num(part).max(axis=1) > CEILING)[:, None], np.nan, (1 - part) / 0.5)


def log(spending: Grid, guard: float = 0.0) -> Grid:
    """Halvings from wherever it stood."""
    return np.asarray(-np.log(np.where(spending > guard, spending, np.nan)) / np.log(2))


def switched(spending: Grid, jump: float = 1.0, low: float = 2.0) -> Grid:
    """Which authorities have a year of £2 per child or less, or a change beyond a factor e; shape (authorities,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.abs(np.diff(np.log(np.where(spending > 0, spending, np.nan)), axis=1))
    return np.asarray((np.nan_to_num(steps) > jump).any(axis=1) | (spending <= low).any(axis=1))


def doses(rung: Rung, spent: Mapping[float | None, Grid], second: Grid | None = None) -> tuple[Grid, Grid]:
    """Instrument and treatment of every cell (the same thing but for a corrected rung or a second record), NaN where the rung leaves the row out."""
    if rung.second and second is None:
        raise ValueError(f"{rung.name}: there is no second record of the spending")
    records = [second if rung.second else spent[None if rung.corrected else rung.jump], spent[rung.jump]]
    made = [share(one) if rung.dose == "share" else log(one, rung.guard) for one in records if one is not None]
    left_out, seen = np.zeros(made[0].shape, dtype=bool), SEEN[0] + np.arange(made[0].shape[1])
    left_out[:, (rung.last < seen) | np.isin(seen, rung.skipped)] = True
    if rung.without:
        left_out[switched(spent[None])] = True
    left_out |= np.isnan(made[0]) | np.isnan(made[1])
    return np.where(left_out, np.nan, made[0]), np.where(left_out, np.nan, made[1])


# ---------------------------------------------------------------- noise
def orthonormal(columns: Grid) -> Grid:
    """A basis of what the columns span, shape (rows, rank); from their small Gram matrix, since rows are many."""
    sizes, turned = np.linalg.eigh(columns.T @ columns)
    kept = sizes > 1e-10 * sizes[-1]
    return np.asarray(columns @ (turned[:, kept] / np.sqrt(sizes[kept])))


def two_way(grids: Grid) -> Grid:
    """Whole grids without authority and year means; shape (…, authorities, years)."""
    return grids - grids.mean(axis=-1, keepdims=True) - grids.mean(axis=-2, keepdims=True) + grids.mean(axis=(-1, -2), keepdims=True)


def without_doses(grids: Grid, spent: Mapping[float | None, Grid]) -> Grid:
    """Outcomes blinded: authority, year and the effect of *every* dose of the ladder, linear, taken out at once; shape (outcomes, authorities, years).

    A cell without a dose has its authority's mean of it, and so says nothing about the dose's effect.
    """
    columns = []
    for jump in JUMPS:
        for one in (share(spent[jump]), log(spent[jump])):
            seen = ~np.isnan(one)
            mean = np.where(seen, one, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
            columns.append(two_way(np.where(seen, one, mean[:, None])).ravel())
    basis = orthonormal(np.column_stack(columns))
    flat = two_way(grids).reshape(len(grids), -1)
    return np.asarray((flat - (flat @ basis) @ basis.T).reshape(grids.shape))


@cache
def _shapes(years: int) -> tuple[Grid, Grid]:
    """Covariances of an autoregression (each ρ) and of white noise, once authority means are out; and their pseudo-inverses, for least squares."""
    centre = np.eye(years) - 1 / years
    apart = np.abs(np.subtract.outer(np.arange(years), np.arange(years)))
    pairs = np.array([np.column_stack([(centre @ rho**apart @ centre).ravel(), centre.ravel()]) for rho in RHOS])
    return pairs, np.linalg.pinv(pairs)


def persistence(noise: Grid) -> Grid:
    """The covariance of an authority's shocks over the years: autoregression and white noise, nearest to that of the residuals; shape (years, years)."""
    pairs, inverses = _shapes(noise.shape[1])
    moments = (noise.T @ noise / len(noise)).ravel()
    sizes = np.maximum(inverses @ moments, 0.0)
    apart = ((np.einsum("rmk,rk->rm", pairs, sizes) - moments) ** 2).sum(axis=1)
    at = int(apart.argmin())
    years = np.abs(np.subtract.outer(np.arange(noise.shape[1]), np.arange(noise.shape[1])))
    return np.asarray(sizes[at, 0] * RHOS[at] ** years + max(float(sizes[at, 1]), 1e-3 * float(moments.max())) * np.eye(noise.shape[1]))


def precision(noise: Grid, children: Grid) -> Grid:
    """Weights of authorities, mean 1: one over a variance that is a constant and a part that falls with the number of children; shape (authorities,)."""
    columns = np.column_stack([np.ones(len(children)), children.mean() / children])
    (lasting, counted), _ = optimize.nnls(columns, (noise**2).mean(axis=1))
    weights = 1 / (columns @ np.array([lasting, counted]))
    return np.asarray(weights / weights.mean())


# ---------------------------------------------------------------- answers
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """Slopes of several outcomes on one dose; shape (outcomes,) each.

    scores : shape (outcomes, authorities), such that Σ scores² = squared error; loads : shape (authorities, years), slope = Σ loads × outcome.
    """

    slopes: Grid
    scores: Grid
    df: float
    rows: int
    authorities: int
    effective: float
    loads: Grid

    @property
    def errors(self) -> Grid:
        """Standard errors."""
        return np.asarray(np.sqrt((self.scores**2).sum(axis=1)))


class Frame:
    """What is held fixed, for some rows, weights and shocks: transforms grids to rows without authority, year and what changes by year."""

    def __init__(self, rows: Grid, *, cells: Grid, shocks: Grid | None = None, lasting: tuple[Grid, ...] = (), earlier: tuple[Grid, ...] = ()) -> None:
        places, years = rows.shape
        self.rows = rows
        whiten = np.tile(np.eye(years), (places, 1, 1))
        if shocks is not None:
            both = rows[:, :, None] & rows[:, None, :]
            whiten = np.linalg.inv(np.linalg.cholesky(np.where(both, shocks, np.eye(years))))
        whiten = whiten * np.sqrt(cells)[:, None, :] * rows[:, None, :] * rows[:, :, None]
        ones = whiten.sum(axis=2)
        length = (ones**2).sum(axis=1)
        scaled = ones / np.sqrt(np.where(length > 0, length, 1.0))[:, None]
        self.step = whiten - scaled[:, :, None] * np.einsum("it,itu->iu", scaled, whiten)[:, None, :]
        columns = [self.step, *(self.step * (one - one.mean())[:, None, None] / one.std() for one in lasting)]
        columns += [np.einsum("itu,iu->it", self.step, np.where(rows, (one - one[rows].mean()) / one[rows].std(), 0.0))[:, :, None] for one in earlier]
        stacked = np.concatenate(columns, axis=2).reshape(places * years, -1)
        self.basis = orthonormal(stacked)

    def residual(self, grids: Grid) -> Grid:
        """Shape (k, authorities, years) → the same, whitened, nothing left of what is held fixed; cells without a row are 0."""
        flat = np.einsum("itu,kiu->kit", self.step, np.where(self.rows, grids, 0.0)).reshape(len(grids), -1)
        return np.asarray((flat - (flat @ self.basis) @ self.basis.T).reshape(grids.shape))


def fit(frame: Frame, outcomes: Grid, instrument: Grid, treatment: Grid, groups: Grid | None = None) -> Fit:
    """Slopes with CR2 scores; outcomes : shape (k, authorities, years); groups : codes of shape (authorities,), whose scores are added up."""
    z, x, *ys = frame.residual(np.concatenate([instrument[None], treatment[None], outcomes]))
    y = np.array(ys)
    slopes = np.einsum("it,kit->k", z, y) / (z * x).sum()
    left = y - slopes[:, None, None] * x
    target = z / (z * x).sum()
    basis = np.concatenate([frame.basis.reshape(*z.shape, -1), z[:, :, None] / np.sqrt((z**2).sum())], axis=2)
    values, vectors = np.linalg.eigh(np.eye(z.shape[1]) - basis @ basis.transpose(0, 2, 1))
    # a direction wholly fitted by its own authority carries no information
    root = np.where(values > 1e-10, 1 / np.sqrt(np.maximum(values, 1e-10)), 0.0)
    adjusted = np.einsum("itv,iv->it", vectors, root * np.einsum("itv,it->iv", vectors, target))
    length, load = (adjusted**2).sum(axis=1), np.einsum("itp,it->ip", basis, adjusted)
    norms = (load**2).sum(axis=1)
    squared = (length**2).sum() - 2 * (length * norms).sum() + ((load.T @ load) ** 2).sum()
    size = (z**2).sum(axis=1)
    scores, df = np.einsum("it,kit->ki", adjusted, left), max(float((length.sum() - norms.sum()) ** 2 / squared), 1.0)
    if groups is not None:
        kinds = np.unique(groups)
        few = len(kinds) / (len(kinds) - 1)
        scores, df = np.sqrt(few) * scores @ (groups[:, None] == kinds).astype(float), min(df, len(kinds) - 1.0)
    return Fit(
        slopes=slopes,
        scores=scores,
        df=df,
        rows=int(frame.rows.sum()),
        authorities=int(frame.rows.any(axis=1).sum()),
        effective=float(size.sum() ** 2 / (size**2).sum()),
        loads=np.einsum("itu,it->iu", frame.step, target),
    )


class Answers:
    """Answers of many rungs on one panel; frames that rungs share are made once.

    Parameters
    ----------
    data : outcomes may have gaps.
    spent : `series(data.spending)`.
    noise : blinded residuals by outcome, whole grids: persistence and precision are learnt from these, never from the outcome itself.
    """

    def __init__(self, data: Data, spent: Mapping[float | None, Grid], noise: Mapping[str, Grid]) -> None:
        self.data, self.spent, self.noise = data, spent, noise
        self._frames: dict[tuple[Any, ...], Frame] = {}
        self._shocks = {name: persistence(one) for name, one in noise.items()}
        self._weights = {name: precision(one, data.children) for name, one in noise.items()}

    def answer(self, rung: Rung, columns: Grid) -> Fit:
        """Slopes of some columns (k, authorities, years) on the rung's dose; rows are those where the rung's own outcome is known."""
        instrument, treatment = doses(rung, self.spent, self.data.second)
        rows = ~np.isnan(treatment) & ~np.isnan(self.data.outcomes[rung.outcome])
        for name in rung.earlier:
            rows &= ~np.isnan(self.data.earlier[name])
        rows &= rows.sum(axis=1, keepdims=True) > 1
        key = (rows.tobytes(), rung.weights and rung.outcome, rung.persistent and rung.outcome, rung.by_year, rung.earlier)
        if key not in self._frames:
            cells = np.ones(rows.shape) * (self._weights[rung.outcome][:, None] if rung.weights else 1.0)
            shocks = self._shocks[rung.outcome] if rung.persistent else None
            lasting, earlier = (tuple(held[name] for name in names) for held, names in ((self.data.lasting, rung.by_year), (self.data.earlier, rung.earlier)))
            self._frames[key] = Frame(rows, cells=cells, shocks=shocks, lasting=lasting, earlier=earlier)
        return fit(self._frames[key], columns, np.where(rows, instrument, 0.0), np.where(rows, treatment, 0.0), self.data.groups if rung.grouped else None)


def poisson(rates: Grid, exposure: Grid, treatment: Grid) -> Fit:
    """Slope of the log rate, authority and year held fixed, people as exposure; NaN in the treatment leaves a cell out; shape (authorities, years) each.

    Reweighted least squares to convergence, as `causal.estimators.poisson_fixed_effects` has it.
    """
    rows = ~np.isnan(treatment) & ~np.isnan(rates)
    rows &= (rows.sum(axis=1) > 1)[:, None] & (np.where(rows, rates, 0.0).sum(axis=1) > 0)[:, None]
    rates, dose = np.where(rows, rates, 1.0), np.where(rows, treatment, 0.0)
    linear, before = np.log((rates + rates[rows].mean()) / 2), np.inf
    for _ in range(100):
        rate = np.exp(linear)
        frame = Frame(rows, cells=np.where(rows, exposure * rate, 1.0))
        response = linear + (rates - rate) / rate
        x, y = frame.residual(np.array([dose, response]))
        slope = float((x * y).sum() / (x * x).sum())
        linear = np.where(rows, response - (y - slope * x) / np.sqrt(np.where(rows, exposure * rate, 1.0)), 0.0)
        if abs(slope - before) < 1e-9:
            return fit(frame, response[None], dose, dose)
        before = slope
    raise ArithmeticError("no convergence in 100 steps")
