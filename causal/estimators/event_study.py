"""The effect by year before and after: leads and lags of adoption, or of the changes of a dose.

Two-way fixed effects with one coefficient for each year since the treatment changed, the year before the change being the zero (Schmidheiny
& Siegloch 2023, On event studies and distributed-lags in two-way fixed effects models). With D the treatment, the column of year k is the
change D(t−k) − D(t−k−1); the last lag holds all changes that far back or farther (D(t−K)), the first lead all that far ahead or
farther. For a treatment taken up once and kept these are the usual dummies. Years are the design's: k = 0 is the question's own lag.

Effects before the change should be 0: they are tested jointly. Where effects differ between cohorts the coefficients mix them
(Sun & Abraham 2021, Estimating dynamic treatment effects in event studies); an estimator of the staggered family does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Floats, Ints
from causal.cohorts import Cohorts, cohorts
from causal.design import Design
from causal.errors import DesignError, EstimationError, refusal
from causal.estimand import DesignFacts, Estimand, JointTest
from causal.estimate import Estimate
from causal.estimators import serve
from causal.inference.clustered import Fit, clustered_least_squares, joint_test
from causal.knobs import whole_number
from causal.needs import AUTHORITY_EFFECTS, SUCCESSIVE_YEARS, Need
from causal.regression import estimated, feedback, parts_of, residual_treatment, warn_concentrated_leverage

ALARM = 0.05  # a joint test of the leads below this is a concern


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStudy:
    """Effects by year before and after the treatment changed, and their average over the years after.

    Parameters
    ----------
    leads : years before the change that get a coefficient, beside the year before it, which is the zero; at least 1.
    lags : years after the year of the change that get one; the last holds all later years too; at least 0.
    """

    leads: int = 2
    lags: int = 2
    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS, SUCCESSIVE_YEARS)
    answers: ClassVar[tuple[str, ...]] = ("ATE",)
    targets: ClassVar[str] = "ATE, years after the change alike, weighted by residual treatment variance"
    costs: ClassVar[str] = "milliseconds"
    quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for key, least in (("leads", 1), ("lags", 0)):
            value = getattr(self, key)
            whole_number(key, value, least)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "event_study"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with authorities absorbed; by years since adoption where the treatment is taken up and kept, by leads and lags of the dose otherwise.
        rng : draws the joint critical value of leads and lags.

        Raises
        ------
        DesignError : authorities are not absorbed, the target is not the ATE, or too few years for the leads and lags.
        EstimationError : a lead or lag that is collinear with the others.
        """
        serve(self, design)
        try:
            adopted: Cohorts | None = cohorts(design)
        except DesignError:
            adopted = None
        if adopted is not None and adopted.cut:
            adopted = None  # a dose has more to say than the year it passed a level
        ahead, after = [*range(-self.leads - 1, -1)], [*range(self.lags + 1)]
        years = [*ahead, *after]
        used, columns = _adoption(design, adopted, years) if adopted is not None else _dose(design, years)
        basis = used.basis()
        fit = clustered_least_squares(
            used.partial_out(used.outcome[:, None], basis)[:, 0],
            used.partial_out(columns, basis),
            basis,
            used.cluster,
            len(used.clusters),
            absorbed_rank=basis.shape[1],
            row_count=used.row_count,
        )
        share = np.array([0.0] * len(ahead) + [1 / len(after)] * len(after))
        least = float(fit.df.min())
        one = Fit(
            coefficients=np.array([fit.coefficients @ share]),
            scores=(fit.scores @ share)[:, None],
            df=np.array([least]),
            residuals=fit.residuals,
            inference=fit.inference,
        )
        f, rest, p_value = joint_test(fit.coefficients[: len(ahead)], fit.scores[:, : len(ahead)], least)
        moved = [(int(on.sum()), len(np.unique(used.authority[on]))) for on in (np.abs(columns) > 0).T]
        ends = {years[0]: " or more", years[-1]: " or more"}
        names = [f"{'lead' if k < 0 else 'lag'} {abs(k)}{ends.get(k, '')}" if k else f"now{ends.get(k, '')}" for k in years]
        residualised = used.partial_out(used.treatment[:, None], basis)[:, 0]
        trend = (
            (f"outcomes moved before the treatment did (leads jointly F({len(ahead)}, {rest:.0f}) = {f:.2f}, p = {p_value:.3f})",) if p_value < ALARM else ()
        )
        return estimated(
            design,
            one,
            over=used,
            estimator=self.name,
            estimand=Estimand(
                family="first_years", comparison="within", population="all", weighting="residual_variance", horizon=len(after), model="event study"
            ),
            facts=DesignFacts(pre_trend=JointTest(f=f, p_value=p_value)),
            parts=parts_of(
                design.question,
                fit,
                kind="time",
                of=design.treatment_variable.name,
                names=names,
                counts=moved,
                rng=rng,
                since=years,
                open_ended=(years[0], years[-1]),
            ),
            diagnostics={
                **residual_treatment(used, residualised),
            },
            concerns=feedback(design) + trend + warn_concentrated_leverage(used, residualised),
            notes=(
                f"{'Years since adoption' if adopted is not None else 'Leads and lags of changes of the dose'}; the year before is the zero; "
                f"{used.rows} of {design.rows} rows.",
            ),
        )


def _adoption(design: Design, adopted: Cohorts, years: list[int]) -> tuple[Design, Floats]:
    """Dummies of the years since adoption, ends binned; without those treated throughout, of whom nobody knows since when."""
    kept = np.flatnonzero(~adopted.always[design.authority])
    used, since = design.subset(kept, "treated in every year seen, since when is not known"), adopted.since(design)[kept]
    columns = np.column_stack([since <= k if k == years[0] else since >= k if k == years[-1] else since == k for k in years])
    _some(columns, years)
    return used, adopted.sign * design.question.contrast * columns.astype(float)


def _dose(design: Design, years: list[int]) -> tuple[Design, Floats]:
    """Changes of the dose that many years ago, ends summed; only rows whose doses from the last lag to the first lead are all known."""
    first = -years[0] - 1  # the farthest lead whose level is needed
    span = design.years
    laid = np.full((len(design.authorities), int(span[-1] - span[0]) + 1), np.nan)
    laid[design.authority, design.year - span[0]] = design.treatment

    def level(ago: int) -> Floats:
        """The dose `ago` years before, shape (rows,); NaN where it is not known."""
        at = design.year - span[0] - ago
        inside = (at >= 0) & (at < laid.shape[1])
        return np.where(inside, laid[design.authority, np.clip(at, 0, laid.shape[1] - 1)], np.nan)

    levels = {ago: level(ago) for ago in range(-first, years[-1] + 1)}
    # changes farther ahead than the first lead are D(end) − D(t + first), and D(end) is the authority's own, which its effect absorbs
    columns = np.column_stack([-levels[-first] if k == years[0] else levels[k] if k == years[-1] else levels[k] - levels[k + 1] for k in years])
    kept: Ints = np.flatnonzero(np.isfinite(columns).all(axis=1) & np.isfinite(np.column_stack(list(levels.values()))).all(axis=1))
    if not len(kept):
        raise refusal(
            DesignError, "event_study", f"rows that have the dose from {years[-1]} years before to {first} years after", "none", "ask for fewer leads or lags"
        )
    used = design.subset(kept, f"dose not known from {years[-1]} years before to {first} years after")
    if len(used.years) < 2 or used.rows < 2 * len(used.authorities):
        raise refusal(DesignError, "event_study", f"{len(span)} years", f"{len(used.years)}", "ask for fewer leads or lags")
    _some(columns[kept] != 0, years)
    return used, columns[kept]


def _some(on: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], years: list[int]) -> None:
    empty = [k for k, any_ in zip(years, np.atleast_1d(on.any(axis=0)), strict=True) if not any_]
    if empty:
        raise refusal(
            EstimationError,
            "event_study",
            f"an authority that is seen {abs(empty[0])} years {'before' if empty[0] < 0 else 'after'}",
            "none",
            "ask for fewer leads or lags",
        )
