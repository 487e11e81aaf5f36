"""Distributed lags: this and earlier years' treatments together, and the sum of their effects: what keeping a treatment up for so many years does.

Two-way fixed effects (or, where the graph asks for no authority effects, years side by side) with the treatment of the question's own year and of each
of the K years before it in one regression. The sum of the K + 1 coefficients is the effect on this year's outcome of having been treated in all of
these years rather than in none (the long-run propensity of Wooldridge 2020, Introductory Econometrics, ch. 10 and example 14.1; on panels Schmidheiny &
Siegloch 2023, On event studies and distributed-lags in two-way fixed effects models). A sum is told better than its terms, which are collinear where the
treatment lasts: its error comes from the same clustered scores.

What the graph holds fixed beside one year's treatment is conditioned on beside each: a control that changes in time stands in the regression once for every
year summed. A treatment that acts for more than K years puts the rest of its effect into the sum; `lag_length` looks for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from causal.design import Design
from causal.errors import ConfigError, EstimationError, refusal
from causal.estimand import Conditioning, Estimand, compared
from causal.estimate import Estimate
from causal.estimators import serve
from causal.knobs import is_number, true_or_false, whole_number
from causal.lags import Lagged, earlier, lagged, last_sum, summed
from causal.needs import ADJUSTMENT, SUCCESSIVE_YEARS, Need
from causal.regression import estimated, feedback, parts_of, residual_treatment, warn_concentrated_leverage
from causal.words import count

FEWEST_YEARS = 2  # of outcomes with every earlier treatment known, so that places can be compared with themselves


def _long_enough(estimator: Any, design: Design) -> str | None:
    """Whether enough years are left once every earlier treatment must be known."""
    known = len(design.years) if estimator.before is not None else _years_with(design, estimator.lags)
    wanted = FEWEST_YEARS if "authority" in design.absorb else 1
    if known >= wanted:
        return None
    most = max((k for k in range(1, estimator.lags) if _years_with(design, k) >= wanted), default=0)
    remedy = f"take  estimator.lags={most}" if most else "take an estimator of one year's treatment"
    return (
        f"{count(estimator.lags, 'earlier year')} of {design.question.treatment} beside each outcome's own are summed, and {count(known, 'outcome year')} of "
        f"{len(design.years)} {'has' if known == 1 else 'have'} them all, where {wanted} are wanted; {remedy}"
    )


def _years_with(design: Design, lags: int) -> int:
    """Outcome years in which some authority is known in each of the years before."""
    return len(np.unique(design.year[np.isfinite(earlier(design, design.treatment, lags))]))


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributedLags:
    """The sum of this and earlier years' effects, and each of them.

    Parameters
    ----------
    lags : earlier years whose treatment is summed with the question's own; with 2 the answer is of a treatment kept up for three years.
    before : what the treatment was before an authority's first row (0 where nobody had it yet); None: not known.
    each_year : whether controls that change in time are conditioned on for every year summed, and not for the question's own year alone.
    """

    lags: int = 2
    before: float | None = None
    each_year: bool = True
    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, SUCCESSIVE_YEARS, Need("outcome years with every earlier treatment summed", _long_enough))
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE of a treatment kept up, weighted by residual treatment variance (takes question.weights)"
    costs: ClassVar[str] = "milliseconds"
    limits: ClassVar[tuple[str, ...]] = ("waves", "feedback", "movers", "straight", "years_summed")
    checks: ClassVar[tuple[str, ...]] = ("lag_length",)
    quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        whole_number("lags", self.lags, 1)
        if self.before is not None and not is_number(self.before):
            raise refusal(
                ConfigError, "estimator.before", "a level of the treatment, or null", repr(self.before), "write 0 where nobody had it before the first year"
            )
        true_or_false("each_year", self.each_year)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "distributed_lags"

    def rows_with(self, design: Design, more: int = 0) -> Lagged:
        """The rows in which the years summed, and so many still earlier ones, are known.

        Parameters
        ----------
        design : that is asked about.
        more : years farther back.
        """
        return lagged(design, self.lags + more, before=self.before, each_year=self.each_year)

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with an adjustment set, and authorities seen in successive years.
        rng : draws the joint critical values of the years' effects, and of their sums.

        Raises
        ------
        DesignError : the panel is too short for the lags, no adjustment set is there, or the target is not the ATE.
        EstimationError : a year's treatment that is collinear with the others.
        """
        serve(self, design)
        made = self.rows_with(design)
        used, k = made.over, self.lags + 1
        try:
            each, sums, residual = summed(made)
        except EstimationError as why:
            remedy = "take fewer  estimator.lags, or an estimator of adoption where the treatment is kept"
            raise refusal(EstimationError, "distributed_lags", "years whose treatments differ", str(why), remedy) from why
        counts = [(used.rows, len(used.authorities))] * k
        lag = design.question.lag
        years = [f"{count(lag + j, 'year')} before the outcome" if lag + j else "the outcome's own year" for j in range(k)]
        parts = parts_of(used.question, each, kind="time", of=design.treatment_variable.name, names=years, counts=counts, rng=rng, since=range(k))
        upto = [f"kept up for {count(j + 1, 'year')}" for j in range(k)]
        parts += parts_of(used.question, sums, kind="path", of="kept up", names=upto, counts=counts, rng=rng)
        lost = design.rows - used.rows
        return estimated(
            design,
            last_sum(sums),
            over=used,
            estimator=self.name,
            estimand=Estimand(
                family="kept_up", comparison=compared(design), population="all", weighting="residual_variance", horizon=k, model="distributed lags"
            ),
            conditioning=Conditioning.by(design),
            parts=parts,
            diagnostics={**residual_treatment(used, residual), "years summed": float(k), "largest of one year": float(np.abs(each.coefficients).max())},
            concerns=feedback(design) + warn_concentrated_leverage(used, residual),
            notes=(
                f"Treatment of {count(k, 'year')} together, from {years[0]} to {years[-1]}; {used.rows} of {design.rows} rows"
                + (f", since of the other {lost} not every earlier treatment is known." if lost else "."),
                *([f"Before an authority's first row the treatment is taken to have been {self.before:g}."] if self.before is not None else []),
            ),
        )
