"""Interrupted series: one place, or a few that begin together, against how they went before a date, and against others that went on.

Level and slope before the date are drawn on, and what the series does beyond them since is the effect, if nothing else came at that time (Wagner, Soumerai,
Zhang & Ross-Degnan 2002, Segmented regression analysis of interrupted time series studies; Bernal, Cummins & Gasparrini 2017, Interrupted time series
regression for the evaluation of public health interventions). Where places are never treated their mean is taken away first, so that what hit all
of them at the date goes out too (Linden & Adams 2011). Errors last from date to date (`causal.inference.serial`), and are learnt from dates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.design import Design
from causal.estimand import Conditioning, Estimand
from causal.estimate import Course, Estimate, Part, Point, Support
from causal.estimators import serve
from causal.inference.clustered import interval
from causal.inference.serial import ERRORS, Errors
from causal.interrupted import FEWEST_AFTER, FEWEST_BEFORE, Cut, Model, Series, cut, series_of
from causal.knobs import one_of, true_or_false, whole_number
from causal.needs import Lack, Need
from causal.words import count, listed


def _own_past(_: object, design: Design) -> Lack:
    if design.identification.strategy == "series":
        return None
    return "it compares a series with its own past, and here the rows are arranged for another comparison"


def _one_date(_: object, design: Design) -> Lack:
    if _own_past(_, design) is not None:
        return None  # said by the need for a series
    found = series_of(design)
    name = design.question.treatment
    if found is None:
        return f"{name} must come to {design.question.treated:g} at a date and stay there, in some place that is seen before"
    if len(dates := sorted(set(found.starts.tolist()))) > 1:
        return f"{name} must begin at one date in all treated places, and it begins at {listed([str(one) for one in dates[:5]])}"
    return None


def _dates(estimator: InterruptedSeries, design: Design) -> Lack:
    found = series_of(design, comparison=estimator.comparison)
    if found is None or any(need(estimator, design) is not None for need in (_own_past, _one_date)):
        return None  # said by the needs for a series and for one date
    if found.before < FEWEST_BEFORE or found.after < FEWEST_AFTER:
        return (
            f"a series of {FEWEST_BEFORE} dates before and {FEWEST_AFTER} since is wanted, and there are {found.before} and {found.after} in which every place "
            "is seen; give quarters or months, or compare with other places instead"
        )
    # two levels, the slopes, the season, the controls
    fixed = 2 + estimator.trend + (estimator.trend and estimator.slope) + (estimator.season or 1) - 1 + found.controls.shape[1]
    rows = found.before + found.after
    return None if rows >= fixed + 4 else f"{rows} dates are too few for {fixed} coefficients; take a shorter season or fewer controls"


ALONE = "there is no comparison series, so that whatever else came at that date is taken for the treatment; places never treated would show it"
# benchmarks/designs.md: 84 % of such intervals held the truth where errors fade by .3 a step, 74 % at .6
NARROW = "HAC errors are too narrow in short series (in fifty dates five in six ranges held the truth, or fewer); compare with  estimator.errors=fading"


OWN_PAST = Need("a series against its own past", _own_past)
ONE_DATE = Need("a treatment that comes at one date and stays", _one_date)
DATES = Need(f"{FEWEST_BEFORE} dates before and {FEWEST_AFTER} since", _dates)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptedSeries:
    """Level and slope of a series, drawn on beyond a date.

    Parameters
    ----------
    trend : whether the series has a slope of its own.
    slope : whether the slope may change at the date, beside the level.
    season : steps of a season, 4 for quarters, 12 for months; None where there is none.
    errors : "fading" (by one factor a step), or "hac" (Newey & West), which papers print and short series make too narrow.
    comparison : whether the mean of places never treated is taken away, where there are any.
    """

    trend: bool = True
    slope: bool = True
    season: int | None = None
    errors: Errors = "fading"
    comparison: bool = True
    needs: ClassVar[tuple[Need, ...]] = (OWN_PAST, ONE_DATE, DATES)
    answers: ClassVar[tuple[str, ...]] = ("ATT",)
    targets: ClassVar[str] = "ATT over the dates since"
    costs: ClassVar[str] = "hundredths of a second"
    limits: ClassVar[tuple[str, ...]] = ("same_time",)
    strategy: ClassVar[str] = "series"
    quick: ClassVar[bool] = True
    checks: ClassVar[tuple[str, ...]] = ("series_placebo_dates", "comparison_series", "series_residuals")

    def __post_init__(self) -> None:
        for name in ("trend", "slope", "comparison"):
            true_or_false(f"interrupted_series.{name}", getattr(self, name))
        if self.season is not None:
            whole_number("interrupted_series.season", self.season, 2)
        one_of("interrupted_series.errors", self.errors, ERRORS)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "interrupted_series"

    @property
    def model(self) -> Model:
        """How it fits."""
        return Model(trend=self.trend, slope=self.slope, season=self.season, errors=self.errors, comparison=self.comparison)

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : one place, or one series.
        rng : not used.

        Raises
        ------
        DesignError : no one date, too few dates, or the target is not the ATT.
        """
        serve(self, design)
        found = series_of(design, comparison=self.comparison)
        assert found is not None
        made, question = cut(found, self.model), design.question
        effect, error = made.effect, made.std_error
        lower, upper, p_value = interval(effect, error, question.level, made.fit.df)
        against = self.comparison and found.others is not None
        dates = len(found.dates)
        factor = max(made.fit.factor or 0.0, 0.0)
        places = count(len(found.treated), "place")
        return Estimate(
            estimator=self.name,
            estimand=Estimand(
                family="since_then",
                comparison="comparison_series" if against else "own_past",
                population="treated",
                weighting="years_after",
                horizon=found.after,
                model=f"{'level and slope' if made.slope is not None else 'level'}{f', season of {self.season}' if self.season else ''}",
            ),
            conditioning=Conditioning(authority=True, year=False, controls=True),
            target="ATT",
            effect=effect,
            std_error=error,
            lower=lower,
            upper=upper,
            level=question.level,
            p_value=p_value,
            df=made.fit.df,
            inference="errors that fade by one factor a step, t" if self.errors == "fading" else "HAC errors (Newey & West), t",
            rows=int(dates * (len(found.treated) + (len(found.free) if against else 0))),
            authorities=len(found.treated) + (len(found.free) if against else 0),
            clusters=len(design.clusters),
            support=Support(clusters=dates, effective=dates * (1 - factor) / (1 + factor)),
            parts=tuple(self._parts(made, design)),
            diagnostics={
                "dates before": float(found.before),
                "dates since": float(found.after),
                "factor by which errors fade": made.fit.factor,
                "slope before, a step": float(made.fit.coefficients[1]) if self.trend else None,
                "change of level": float(made.fit.coefficients[made.level]),
                "change of slope, a step": None if made.slope is None else float(made.fit.coefficients[made.slope]),
            },
            notes=(
                f"{places} from {found.at:g} on, {count(found.before, 'date')} before and {count(found.after, 'date')} since"
                + (f", less the mean of {count(len(found.free), 'place')} never treated." if against else ", against its own past alone."),
            ),
            concerns=(() if against else (ALONE,)) + ((NARROW,) if self.errors == "hac" else ()),
            course=_course(found, made, against),
        )

    def _parts(self, made: Cut, design: Design) -> list[Part]:
        """What changes at the date: the level, and the slope."""
        parts = []
        for name, at in (("change of level", made.level), ("change of slope, a step", made.slope)):
            if at is None:
                continue
            effect, error = float(made.fit.coefficients[at]), float(np.sqrt(made.fit.covariance[at, at]))
            lower, upper, _ = interval(effect, error, design.question.level, made.fit.df)
            parts.append(
                Part(kind="trend", of=design.question.treatment, name=name, effect=effect, std_error=error, lower=lower, upper=upper, rows=len(made.outcome))
            )
        return parts


def _course(found: Series, made: Cut, against: bool) -> Course:
    """The treated places' mean, as it was, fitted, and without what changed."""
    fitted = made.columns @ made.fit.coefficients
    changed = made.columns[:, made.level :] @ made.fit.coefficients[made.level :]
    away = found.others if against and found.others is not None else np.zeros(len(fitted))
    return Course(
        kind="series",
        axis="years",
        at=found.at,
        points=tuple(
            Point(
                at=float(date),
                seen=float(observed),
                fitted=float(fit + other),
                without=float(fit - change + other) if date >= found.at else None,
                treated=bool(date >= found.at),
            )
            for date, observed, fit, change, other in zip(found.dates, found.outcome, fitted, changed, away, strict=True)
        ),
    )
