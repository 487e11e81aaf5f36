"""A series cut by a date: the mean of the treated places, less that of others where there are any, before and since.

What an estimator answers with, and what checks refit at another date or on another series, is made here, so that both mean the same model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.inference.serial import Errors, Line, line

FEWEST_BEFORE, FEWEST_AFTER = 8, 3  # dates


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """How a series is fitted.

    Parameters
    ----------
    trend : whether the series has a slope at all.
    slope : whether the slope may change at the date, beside the level; with a trend alone.
    season : steps of a season (4 for quarters, 12 for months); None where there is none.
    errors : how they last.
    comparison : whether the others' mean is taken away.
    """

    trend: bool = True
    slope: bool = True
    season: int | None = None
    errors: Errors = "fading"
    comparison: bool = True


@runtime_checkable
class OfSeries(Protocol):
    """An estimator that compares a series with its own past."""

    @property
    def model(self) -> Model:
        """How it fits."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """A series and its date.

    Parameters
    ----------
    dates : shape (dates,), rising; those in which every place is seen.
    outcome : shape (dates,), mean of the treated places.
    others : shape (dates,), mean of those never treated; None where there are none.
    controls : shape (dates, k), means of the treated places' controls, less the others' where these are taken away.
    at : first date of the treatment.
    treated, free : codes of the places.
    starts : first dates of all treated places.
    """

    dates: Floats
    outcome: Floats
    others: Floats | None
    controls: Floats
    at: float
    treated: Ints
    free: Ints
    starts: Ints

    @property
    def before(self) -> int:
        """Dates before it."""
        return int((self.dates < self.at).sum())

    @property
    def after(self) -> int:
        """Dates since."""
        return int((self.dates >= self.at).sum())


def series_of(design: Design, *, comparison: bool = True) -> Series | None:
    """The series of a design; None where no place comes to the question's treated level and keeps it.

    Parameters
    ----------
    design : its places' years.
    comparison : whether the others' controls are taken away too.
    """
    question = design.question
    on = np.isclose(design.grid(design.treatment), question.treated, atol=1e-9 * max(abs(question.contrast), 1e-300))
    there = np.isfinite(design.grid(design.outcome))
    years = design.years
    ever, never = on.any(axis=1), ~on.any(axis=1)
    first = np.where(on.any(axis=1), on.argmax(axis=1), -1)
    keeps = np.array([bool(on[i, first[i] :][there[i, first[i] :]].all()) and first[i] > 0 for i in range(len(on))])
    treated = np.flatnonzero(ever & keeps)
    if not len(treated) or (ever & ~keeps).any():
        return None
    free = np.flatnonzero(never)
    starts = years[first[treated]]
    seen = there[treated].all(axis=0) & (there[free].all(axis=0) if len(free) and comparison else True)
    laid = design.grid(design.outcome)
    others = laid[free][:, seen].mean(axis=0) if len(free) else None
    held = [design.grid(column) for column in design.controls.T]
    means = [one[treated][:, seen].mean(axis=0) - (one[free][:, seen].mean(axis=0) if len(free) and comparison else 0.0) for one in held]
    return Series(
        dates=years[seen].astype(float),
        outcome=laid[treated][:, seen].mean(axis=0),
        others=others,
        controls=np.column_stack(means) if means else np.empty((int(seen.sum()), 0)),
        at=float(starts.min()),
        treated=treated,
        free=free,
        starts=starts,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """A fitted series.

    Parameters
    ----------
    fit : of all columns.
    way : shape (k,): the average effect since the date is way·coefficients.
    level, slope : places of the change of level and of slope among the columns; `slope` None where it may not change.
    columns : shape (dates, k).
    outcome : shape (dates,), what was fitted.
    """

    fit: Line
    way: Floats
    level: int
    slope: int | None
    columns: Floats
    outcome: Floats

    @property
    def effect(self) -> float:
        """The average effect since the date."""
        return float(self.way @ self.fit.coefficients)

    @property
    def std_error(self) -> float:
        """Of it."""
        return float(np.sqrt(self.way @ self.fit.covariance @ self.way))


def cut(series: Series, model: Model, *, at: float | None = None, outcome: Floats | None = None, until: float = np.inf) -> Cut:
    """Fit level, slope and season before, and what changes at a date.

    Parameters
    ----------
    series, model : the series, and how it is fitted.
    at : another date.
    outcome : shape (dates,), another series.
    until : dates from this one on are left out.
    """
    date = series.at if at is None else at
    use = series.dates < until
    y = outcome
    if y is None:
        y = series.outcome - series.others if model.comparison and series.others is not None else series.outcome
    y, dates = y[use], series.dates[use]
    since = (dates >= date).astype(float)
    away = dates - date
    columns = [np.ones(len(dates)), *([away] if model.trend else [])]
    if model.season:
        turn = np.round(dates).astype(int) % model.season
        columns += [(turn == k).astype(float) for k in range(1, model.season) if (turn == k).any()]
    columns += list(series.controls[use].T) if outcome is None else []
    level = len(columns)
    columns.append(since)
    slope = model.slope and model.trend
    if slope:
        columns.append(since * away)
    x = np.column_stack(columns)
    way = np.zeros(x.shape[1])
    way[level] = 1.0
    if slope:
        way[level + 1] = float(away[since > 0].mean())
    return Cut(fit=line(y, x, dates, model.errors), way=way, level=level, slope=level + 1 if slope else None, columns=x, outcome=y)
