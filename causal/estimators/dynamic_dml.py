"""Treatment histories: what keeping a treatment up for several years does, where each year's treatment answers to what came before.

Where the outcome of one year moves the treatment of the next, and the treatment then moves later outcomes, no single regression is right: holding
the outcome in between fixed takes part of the effect away, not holding it fixed confounds (Robins 1994, Correcting for non-compliance using
structural nested mean models). G-estimation peels the years off from the last: the effect of the last year's treatment given the history before it
(a blip), then that of the year before on the outcome without what the last year did, and so on. Blips are linear and the same in all years; the
histories are learnt by machine, out of fold (Lewis & Syrgkanis 2021, Double/debiased machine learning for dynamic treatment effects, algorithm 1; as
EconML's DynamicDML, which takes each place's last outcome only, where here every year with a whole history before it counts).

The history of a year is the controls as dated, the outcome of the year before and the treatment of the year before. There are no authority effects:
with them the outcome in between could not be conditioned on (Nickell 1981, Biases in dynamic models with fixed effects).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.errors import DesignError, EstimationError, refusal
from causal.estimand import Conditioning, Estimand
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.machinery.crossfit import CrossFit, check_crossfit
from causal.estimators.machinery.nuisance import Nuisance, check_nuisance
from causal.estimators.machinery.transformed import scaled
from causal.graph import dated
from causal.inference.clustered import FEW_CLUSTERS, Fit, cluster_sums, effective_clusters, median_fit
from causal.knobs import whole_number
from causal.needs import BALANCED, FOLDS, PAST_OUTCOME, Need
from causal.regression import GroupFit, estimated, group_parts, parts_of, residual_treatment, warn_concentrated_leverage


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicDml:
    """Linear blips of a structural nested mean model by g-estimation with learnt histories; clustered errors of the stacked orthogonal score.

    Parameters
    ----------
    periods : years of treatment whose effects are told apart, at least 2; the answer is that of keeping the treatment up for all of them.
    nuisance : "lasso", "ridge", "boosting", "forest" or "stacked", tuned inside the training folds.
    folds : of cross-fitting, at least 2; whole clusters.
    repetitions : of cross-fitting with other folds; the median is the answer.
    """

    periods: int = 2
    nuisance: Nuisance = "lasso"
    folds: int = 5
    repetitions: int = 3
    needs: ClassVar[tuple[Need, ...]] = (BALANCED, PAST_OUTCOME, FOLDS)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE of a treatment kept up, weighted by the residual variance of each year's treatment (and question.weights)"
    costs: ClassVar[str] = "a few seconds"

    def __post_init__(self) -> None:
        check_nuisance(self.nuisance)
        check_crossfit(self.folds, self.repetitions)
        whole_number("periods", self.periods, 2)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "dynamic_dml"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : balanced, with the outcome before the treatment among its columns.
        rng : deals clusters into folds, once for each repetition, and seeds the nuisances.

        Returns
        -------
        Estimate : of the contrast kept up for `periods` years, on the outcome of the last; by year of treatment as parts.

        Raises
        ------
        DesignError : the panel is not balanced or too short, the outcome before the treatment is not known, or the target is not the ATE.
        """
        serve(self, design)
        made = _histories(design, self.periods)
        used, question, m = made.over, design.question, self.periods
        runs: list[list[Fit]] = []
        firsts, residual = [], np.zeros(used.rows)
        for _ in range(self.repetitions):
            cross_fitted = _crossfit(made, self.nuisance, self.folds, rng)
            runs.append(
                [
                    _solve(made, cross_fitted, None),
                    *(_solve(made, cross_fitted, (modifier.codes, g)) for modifier in used.modifiers for g in range(len(modifier.groups))),
                ]
            )
            firsts.append(runs[-1][0].coefficients.sum())
            residual = cross_fitted.treatments[0][0] if not residual.any() else residual
        blips = median_fit([run[0] for run in runs])
        whole = median_fit([summed(run[0]) for run in runs])
        groups: list[GroupFit] = []
        at = 1
        for modifier in used.modifiers:
            fits = [median_fit([summed(run[at + g]) for run in runs]) for g in range(len(modifier.groups))]
            at += len(fits)
            groups.append((modifier.name, modifier.groups, beside(fits), modifier.codes))
        counts = [(used.rows, len(used.authorities))] * m
        years = [f"{question.lag + j} year{'s' * (question.lag + j != 1)} before the outcome" for j in range(m)]
        parts = parts_of(question, blips, kind="time", of="year of the treatment", names=years, counts=counts, rng=rng, since=range(m))
        conditioned = {*design.identification.adjust_for, _past(design)} - {"authority"}
        asked = "authority" in design.absorb and not any(set(one) <= conditioned for one in design.identification.valid)
        missing: tuple[str, ...] = ("the graph asks for authority effects; this holds the past outcome and treatment fixed in their place",) if asked else ()
        spread = float(np.std(firsts, ddof=1)) if len(firsts) > 1 else None
        if spread is not None and spread > 0.5 * float(whole.std_errors[0]):
            missing += (f"the effect hangs on how the folds fell: between splits it varies by {spread / float(whole.std_errors[0]):.1f} standard errors",)
        return estimated(
            design,
            whole,
            over=used,
            estimator=self.name,
            estimand=Estimand(family="kept_up", comparison="history", population="all", weighting="residual_variance", horizon=m, model="linear blips"),
            conditioning=Conditioning.by(design, authority=False),
            association=asked,
            parts=(*parts, *group_parts(used, groups, rng)),
            diagnostics={
                **_shares(used, residual),
                "years of treatment": float(m),
                "outcome years": float(len(used.years)),
                "outcome nuisance R² out of fold": made.fit_of(cross_fitted.outcomes[0], used.outcome),
                "treatment nuisance R² out of fold": made.fit_of(cross_fitted.treatments[0][0], made.treatments[0]),
                "spread over cross-fits (sd)": None if spread is None else spread * abs(question.contrast),
            },
            concerns=missing + warn_concentrated_leverage(used, residual),
            notes=(
                f"{self.folds} folds of whole clusters, {self.nuisance} nuisances; each year's history is the controls, the outcome and the treatment of the "
                "year before. Nothing lasting about a place beyond these is held fixed.",
            ),
        )


def _past(design: Design) -> str:
    """The outcome of the year before the treatment, as it is dated."""
    return dated(design.question.outcome, -design.question.lag - 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Histories:
    """One row for each outcome year with a whole history before it.

    Parameters
    ----------
    over : the design's rows of those outcomes.
    treatments : one column for each year back, shape (rows,).
    features : for each year back, what was known before its treatment, shape (rows, features).
    """

    over: Design
    treatments: tuple[Floats, ...]
    features: tuple[Floats, ...]

    def fit_of(self, residual: Floats, of: Floats) -> float:
        """R² of what was learnt."""
        return float(1 - (residual**2).sum() / ((of - of.mean()) ** 2).sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _CrossFitted:
    """Residuals on each year's history: of the outcome, and of that year's treatment and all later ones (latest first)."""

    outcomes: tuple[Floats, ...]
    treatments: tuple[tuple[Floats, ...], ...]


def _histories(design: Design, periods: int) -> _Histories:
    """Lay out the balanced panel.

    Raises
    ------
    DesignError : years are missing in between, it is too short, or the past outcome is not known for all.
    """
    made, years = design.pooled(), design.years
    past = design.column(_past(design))
    if (np.diff(years) != 1).any():
        raise refusal(DesignError, "dynamic_dml", "successive years", f"{', '.join(map(str, years))}", "fill the gap, or give fewer years")
    laid = made.grid(past)
    known = np.isfinite(laid)
    begun = np.flatnonzero(known.any(axis=0))
    first = int(begun[0])
    here = int((~known[:, first:]).sum())
    if here:
        raise refusal(
            DesignError,
            "dynamic_dml",
            "the outcome before the treatment for every authority in the same years",
            f"{here} missing in between",
            "give fewer years or authorities",
        )
    # the first usable outcome year has `periods` treatments up to it, the past outcome before each of them, and one treatment before all
    start = max(periods, first + periods - 1)
    if start >= len(years):
        raise refusal(DesignError, f"dynamic_dml with periods={periods}", f"at least {start + 1} years with a treatment", f"{len(years)}", "take fewer periods")
    across = [made.grid(column) for column in made.controls.T]
    treatment = made.grid(made.treatment)

    def back(grid: Floats, by: int) -> Floats:
        return np.asarray(grid[:, start - by : grid.shape[1] - by].ravel())

    rows = np.flatnonzero(made.year >= years[start]).astype(np.int64)
    over = made.subset(rows, f"no {periods} years of treatment before the outcome, with what was known before each")
    dummies = over.year_dummies()
    features = []
    for j in range(periods):
        columns = [*(back(grid, j) for grid in across), back(laid, j), back(treatment, j + 1)]
        features.append(scaled(np.column_stack([*columns, dummies])))
    return _Histories(over=over, treatments=tuple(back(treatment, j) for j in range(periods)), features=tuple(features))


def _crossfit(made: _Histories, nuisance: str, folds: int, rng: np.random.Generator) -> _CrossFitted:
    """Everything without what each year's history says of it."""
    one = CrossFit.drawn(nuisance, folds, made.over.cluster, made.over.weights, rng)
    return _CrossFitted(
        outcomes=tuple(one.cross_fitted(made.over.outcome, features) for features in made.features),
        treatments=tuple(tuple(one.cross_fitted(made.treatments[i], features) for i in range(j + 1)) for j, features in enumerate(made.features)),
    )


def _solve(made: _Histories, cross_fitted: _CrossFitted, only: tuple[Ints, int] | None) -> Fit:
    """Blips from the stacked moments Σ T̃ⱼⱼ (Ỹⱼ − Σᵢ≤ⱼ ψᵢ T̃ᵢⱼ) = 0, latest year first; `only` keeps the rows of one group.

    Raises
    ------
    EstimationError : a year's treatment is collinear with its history.
    """
    used, m = made.over, len(cross_fitted.outcomes)
    weights = np.ones(used.rows) if used.weights is None else used.weights
    inside = np.ones(used.rows, dtype=bool) if only is None else only[0] == only[1]
    own = [cross_fitted.treatments[j][j] * weights * inside for j in range(m)]
    bread = np.array([[own[j] @ cross_fitted.treatments[j][i] if i <= j else 0.0 for i in range(m)] for j in range(m)])
    for j in range(m):
        if not bread[j, j] > 1e-9 * float((made.treatments[j][inside] ** 2).sum()):
            raise refusal(
                EstimationError,
                "dynamic_dml",
                "something left of a year's treatment to compare",
                "nothing: it is told by its history",
                "ask with a treatment that moves more freely, or take another estimator",
            )
    blips = np.linalg.solve(bread, np.array([own[j] @ cross_fitted.outcomes[j] for j in range(m)]))
    moments = np.column_stack([own[j] * (cross_fitted.outcomes[j] - sum(blips[i] * cross_fitted.treatments[j][i] for i in range(j + 1))) for j in range(m)])
    number = len(used.clusters)
    there = len(np.unique(used.cluster[inside]))
    effective = min(effective_clusters(cross_fitted.treatments[j][j] * np.sqrt(weights) * inside, used.cluster, number)[0] for j in range(m))
    few = effective < FEW_CLUSTERS
    return Fit(
        coefficients=blips,
        scores=np.sqrt(there / max(there - 1, 1)) * cluster_sums(moments, used.cluster, number) @ np.linalg.inv(bread).T,
        df=np.full(m, max(effective - 1, 1.0) if few else there - 1.0),
        residuals=moments[:, 0],
        inference=f"orthogonal score with G/(G−1), {f't({effective:.0f} effective clusters − 1)' if few else 't(G−1)'}",
    )


def summed(fit: Fit) -> Fit:
    """The sum of all blips."""
    return Fit(
        coefficients=fit.coefficients.sum(keepdims=True),
        scores=fit.scores.sum(axis=1, keepdims=True),
        df=fit.df.min(keepdims=True),
        residuals=fit.residuals,
        inference=fit.inference,
    )


def beside(fits: list[Fit]) -> Fit:
    """Fits of one coefficient each as one."""
    return Fit(
        coefficients=np.concatenate([fit.coefficients for fit in fits]),
        scores=np.column_stack([fit.scores for fit in fits]),
        df=np.concatenate([fit.df for fit in fits]),
        residuals=fits[0].residuals,
        inference=fits[0].inference,
    )


def _shares(design: Design, residual: Floats) -> dict[str, float | None]:
    return residual_treatment(design, residual * design.root_weights)
