"""Cross-fitting: residual outcome and treatment out of fold, folds of whole clusters, and what is reported of them.

Chernozhukov and others 2018, Double/debiased machine learning for treatment and structural parameters; EconML fits it. EconML's own
intervals take rows as independent (nominal 95 % covered 55 % on such a panel), so the error is that of the orthogonal score, summed by
cluster. Cross-fitting is repeated with other folds and the median taken, so that an answer does not hang on one split.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.errors import EstimationError, refusal
from causal.estimators.machinery.nuisance import INNER, learner, quiet
from causal.estimators.machinery.transformed import Transformed
from causal.inference.clustered import Fit, median_fit
from causal.knobs import whole_number
from causal.regression import feedback, residual_treatment, warn_concentrated_leverage

SPREAD = 0.5  # of a standard error: beyond it the answer hangs on how the folds fell


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Residuals:
    """What cross-fitting leaves, shape (rows,) each, and how well the nuisances did out of fold (R²); `slope` is EconML's own effect, `fold` each cluster's."""

    outcome: Floats
    treatment: Floats
    outcome_fit: float
    treatment_fit: float
    slope: float
    fold: Ints | None = None


def check_crossfit(folds: int, repetitions: int) -> None:
    """Refuse knobs that make no cross-fitting.

    Parameters
    ----------
    folds : at least 2.
    repetitions : at least 1.

    Raises
    ------
    ConfigError : fewer than two folds, or no repetition.
    """
    for key, value, least in (("folds", folds, 2), ("repetitions", repetitions, 1)):
        whole_number(key, value, least)


def splits(cluster: Ints, folds: int, rng: np.random.Generator, kept: Ints | None = None) -> list[tuple[Ints, Ints]]:
    """Train and test rows; every cluster is in one fold, folds of about equal numbers of clusters.

    Parameters
    ----------
    cluster : shape (rows,), codes from 0.
    folds : number of them.
    rng : deals the clusters.
    kept : shape (clusters,), folds from before, which are taken in place of those dealt; one that is empty is left out.
    """
    dealt = rng.permutation(int(cluster.max()) + 1) % folds
    fold = (dealt if kept is None else kept)[cluster]
    return [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in np.unique(fold)]


def fold_of(cluster: Ints, parted: Sequence[tuple[Ints, Ints]]) -> Ints:
    """Which fold each cluster is in, shape (clusters,).

    Parameters
    ----------
    cluster : shape (rows,), codes from 0.
    parted : train and test rows of each fold, shape (rows in it,).
    """
    fold = np.empty(int(cluster.max()) + 1, dtype=np.int64)
    for f, (_, test) in enumerate(parted):
        fold[cluster[test]] = f
    return fold


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossFit:
    """One split into folds of whole clusters, on which every target is learnt with equal draws.

    Parameters
    ----------
    parted : train and test rows of each fold; `inner` the folds of its training rows in which learners are tuned.
    weights : shape (rows,) or None.
    """

    nuisance: str
    seed: int
    parted: list[tuple[Ints, Ints]]
    inner: list[list[tuple[Ints, Ints]]]
    weights: Floats | None

    @classmethod
    def drawn(cls, nuisance: str, folds: int, cluster: Ints, weights: Floats | None, rng: np.random.Generator, kept: Ints | None = None) -> CrossFit:
        """Draw the folds.

        Parameters
        ----------
        nuisance : kind of learner.
        folds : number of them.
        cluster : shape (rows,), codes from 0; each is in one fold.
        weights : shape (rows,); None where all rows count alike.
        rng : deals the clusters and seeds the learners.
        kept : shape (clusters,), folds from before; None: they are dealt.
        """
        parted = splits(cluster, folds, rng, kept)
        inner = [splits(np.unique(cluster[train], return_inverse=True)[1], INNER, rng) for train, _ in parted]
        return cls(nuisance=nuisance, seed=int(rng.integers(2**31)), parted=parted, inner=inner, weights=weights)

    def cross_fitted(self, target: Floats, features: Floats) -> Floats:
        """The target without what the features predict of it, each row by the folds it is not in (cross-fitting); shape of the target.

        Parameters
        ----------
        target : shape (rows,), or (rows, m) for several.
        features : shape (rows, k); with none the mean of the other folds is taken off.
        """
        if target.ndim > 1 and self.nuisance != "ridge":
            return np.column_stack([self.cross_fitted(column, features) for column in target.T])
        spread = target.std(axis=0)
        centre, size = target.mean(axis=0), np.where(spread > 0, spread, 1.0)
        plain = (target - centre) / size
        found = np.empty(target.shape)
        for (train, test), cv in zip(self.parted, self.inner, strict=True):
            known = None if self.weights is None else self.weights[train]
            if not features.shape[1]:
                found[test] = target[test] - np.average(target[train], axis=0, weights=known)
                continue
            one = learner(self.nuisance, np.random.default_rng(self.seed))
            one.cv = cv
            with quiet():
                one.fit(features[train], plain[train], known)
            found[test] = (plain[test] - one.predict(features[test])) * size
        return found


def residuals(arrays: Transformed, nuisance: str, folds: int, rng: np.random.Generator, also: Floats | None = None) -> Residuals:
    """Outcome and treatment without what the features predict of them, each row by the folds it is not in: cross-fitting (Chernozhukov and others 2018).

    Parameters
    ----------
    arrays : outcome, treatment and features without authority effects.
    nuisance : kind of learner, of both.
    folds : of whole clusters.
    rng : deals the clusters and seeds the learners.
    also : more features, shape (rows, k): what the effect may differ by.
    """
    # EconML imports DoWhy, shap and numba, which take seconds
    from econml.dml import LinearDML

    learners = [learner(nuisance, rng), learner(nuisance, rng)]
    parted = splits(arrays.cluster, folds, rng, arrays.folds)
    model: Any = LinearDML(model_y=learners[0], model_t=learners[1], cv=parted, random_state=int(rng.integers(2**31)))
    features = arrays.some if also is None else np.column_stack([arrays.features, also])
    with quiet():
        model.fit(arrays.outcome, arrays.treatment, W=features, groups=arrays.cluster, sample_weight=arrays.weights, cache_values=True, inference=None)
    return replace(cached(model, float(np.ravel(model.const_marginal_effect())[0])), fold=fold_of(arrays.cluster, parted))


def cached(model: Any, slope: float = np.nan) -> Residuals:
    """The residuals that an EconML model kept, in the order given.

    Parameters
    ----------
    model : fitted, with `cache_values`.
    slope : its effect; NaN where it has none of one number.
    """
    outcome, treatment, _, _ = model.residuals_
    return Residuals(
        outcome=np.ravel(outcome),
        treatment=np.ravel(treatment),
        outcome_fit=float(np.mean(model.nuisance_scores_y)),
        treatment_fit=float(np.mean(model.nuisance_scores_t)),
        slope=slope,
    )


def repeated(once: Callable[[], tuple[Sequence[Fit], Residuals]], repetitions: int) -> tuple[list[Fit], list[Residuals], list[Fit]]:
    """The median of each fit over repetitions; also the residuals and the first fit of every repetition.

    Parameters
    ----------
    once : one cross-fitting: its fits, and the residuals.
    repetitions : at least 1.
    """
    runs = [once() for _ in range(repetitions)]
    return (
        [median_fit([fits[i] for fits, _ in runs]) for i in range(len(runs[0][0]))],
        [cross_fitted for _, cross_fitted in runs],
        [fits[0] for fits, _ in runs],
    )


def diagnostics(design: Design, arrays: Transformed, cross_fitted: Sequence[Residuals], firsts: Sequence[Fit]) -> dict[str, float | None]:
    """What is left of the treatment, the nuisances' fit out of fold and the spread between splits, outcome units.

    Parameters
    ----------
    design : the one asked about.
    arrays : what was cross-fitted.
    cross_fitted, firsts : residuals and first fit of each repetition.
    """
    effects = np.array([fit.coefficients[0] for fit in firsts]) * design.question.contrast
    return {
        **residual_treatment(design, arrays.to_design_rows(cross_fitted[0].treatment, design)),
        "outcome nuisance R² out of fold": float(np.mean([one.outcome_fit for one in cross_fitted])),
        "treatment nuisance R² out of fold": float(np.mean([one.treatment_fit for one in cross_fitted])),
        "cross-fits": float(len(cross_fitted)),
        "spread over cross-fits (sd)": float(effects.std(ddof=1)) if len(effects) > 1 else None,
    }


def concerns(design: Design, arrays: Transformed, cross_fitted: Sequence[Residuals], firsts: Sequence[Fit]) -> tuple[str, ...]:
    """What undermines it: feedback, few who carry it, an answer that hangs on the split.

    Parameters
    ----------
    design : the one asked about.
    arrays : what was cross-fitted.
    cross_fitted, firsts : residuals and first fit of each repetition.
    """
    said = feedback(design) if "authority" in design.absorb else ()
    said += warn_concentrated_leverage(design, arrays.to_design_rows(cross_fitted[0].treatment, design))
    spread = float(np.std([fit.coefficients[0] for fit in firsts], ddof=1)) if len(firsts) > 1 else 0.0
    error = float(np.median([fit.std_errors[0] for fit in firsts]))
    if spread > SPREAD * error:
        said += (f"the effect hangs on how the folds fell: between splits it varies by {spread / error:.1f} standard errors",)
    return said


def notes(design: Design, arrays: Transformed, folds: int, nuisance: str) -> tuple[str, ...]:
    """How it was made.

    Parameters
    ----------
    design : the one asked about.
    arrays : what was cross-fitted.
    folds : number of them.
    nuisance : kind of learner.
    """
    return (
        f"{folds} folds of whole clusters, {nuisance} nuisances on {arrays.features.shape[1]} features, "
        f"{len(arrays.kept)} of {design.rows} rows after {arrays.transformation}.",
    )


def checked(estimator: str, fit: Fit, cross_fitted: Residuals) -> Fit:
    """The fit, if EconML's effect is the regression on its own residuals.

    Parameters
    ----------
    estimator : its name.
    fit : our regression on the residuals.
    cross_fitted : residuals, with EconML's slope.

    Raises
    ------
    EstimationError : it is not, so that its residuals are not in our order.
    """
    if not np.isclose(fit.coefficients[0], cross_fitted.slope, rtol=1e-6, atol=1e-10):
        raise refusal(
            EstimationError,
            estimator,
            f"EconML's effect to be the regression on its own residuals, {fit.coefficients[0]:g}",
            f"{cross_fitted.slope:g}, so residuals were reordered",
            "take another estimator, and report this as a fault",
        )
    return fit
