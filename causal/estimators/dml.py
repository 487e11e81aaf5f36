"""Double machine learning on a panel: learn what else moves treatment and outcome, compare what is left.

Chernozhukov and others 2018, Double/debiased machine learning for treatment and structural parameters; EconML fits
it. On a panel the lasting part of an authority is taken out first, by a transformation that the nuisance models can
carry (Clarke & Polselli 2025, Double machine learning for static panel models with fixed effects):

within
    outcome, treatment and a *basis expansion* of the covariates lose authority and year means; linear nuisances only, since a
    demeaned g(x) is no function of demeaned x (a forest on demeaned covariates gave 2.4 where the truth was 1).
correlated_random_effects
    outcome and treatment lose authority means, the covariates stay as they are and bring their authority means, the
    treatment's mean and year dummies; for trees and for linear models.
first_difference
    changes from the year before on the covariates of both years and year dummies.

Folds hold whole clusters. EconML's own intervals take rows as independent (nominal 95 % covered 55 % on such a panel), so the
error is that of the orthogonal score, summed by cluster.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from causal.design import Design, Floats, Ints
from causal.errors import ConfigError, EstimationError
from causal.estimate import Estimate, estimated, group_parts, residual_treatment, thin
from causal.estimators import serve
from causal.inference import Fit, clustered_least_squares
from causal.modifier import Modifier
from causal.needs import FOLDS, MODIFIERS, Need

LINEAR = ("lasso", "ridge")
NUISANCES = (*LINEAR, "boosting", "forest")
TRANSFORMATIONS = ("within", "correlated_random_effects", "first_difference")
WORDS = {
    "within": "within authorities and years",
    "correlated_random_effects": "within authorities, correlated random effects",
    "first_difference": "year on year",
    "none": "between rows",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrays:
    """What the learners are given: shape (rows,) and (rows, features); `kept` are the design's rows they stand for."""

    outcome: Floats
    treatment: Floats
    features: Floats
    kept: Ints
    cluster: Ints
    transformation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearDml:
    """Partially linear effect by EconML's LinearDML.

    Parameters
    ----------
    panel : how authority effects are taken out (see the module).
    nuisance : "lasso" or "ridge", tuned inside the training folds; "boosting" or "forest" not with panel="within".
    folds : of cross-fitting, at least 2.
    degree : of the polynomial of the covariates, 1 to 3.
    """

    panel: Literal["within", "correlated_random_effects", "first_difference"] = "within"
    nuisance: Literal["lasso", "ridge", "boosting", "forest"] = "lasso"
    folds: int = 5
    degree: int = 2
    needs: ClassVar[tuple[Need, ...]] = (FOLDS,)
    targets: ClassVar[str] = "ATE, weighted by residual treatment variance"
    costs: ClassVar[str] = "about a second"

    def __post_init__(self) -> None:
        _check(self.panel, self.nuisance, self.folds, self.degree)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "linear_dml"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Raises
        ------
        EstimationError : the target is not the ATE, or there are too few clusters for the folds.
        """
        # EconML imports DoWhy, shap and numba, which take seconds
        from econml.dml import LinearDML

        serve(self, design)
        arrays = _arrays(design, self.panel, self.degree if self.nuisance in LINEAR else 1)
        model = LinearDML(
            model_y=_nuisance(self.nuisance, rng)(),
            model_t=_nuisance(self.nuisance, rng)(),
            cv=_splits(arrays.cluster, self.folds, rng),
            random_state=int(rng.integers(2**31)),
        )
        with _quiet():
            model.fit(arrays.outcome, arrays.treatment, W=_some(arrays.features), groups=arrays.cluster, cache_values=True, inference=None)
        outcome, treatment, fits = _residuals(model)
        clusters = _compact(arrays.cluster)
        none = np.empty((len(outcome), 0))
        rank = len(np.unique(design.year)) - 1

        def fit(columns: Floats) -> Fit:
            return clustered_least_squares(outcome, columns, none, clusters, clusters.max() + 1, absorbed_rank=rank)

        one = fit(treatment[:, None])
        theirs = float(np.ravel(model.const_marginal_effect())[0])
        if not np.isclose(one.coefficients[0], theirs, rtol=1e-6, atol=1e-10):
            raise EstimationError(
                f"linear_dml: EconML's effect {theirs:g} is not the regression on its own residuals {one.coefficients[0]:g}; residuals were reordered"
            )
        groups = []
        for m in design.modifiers:
            codes = m.codes[arrays.kept]
            groups.append((m.label, m.groups, fit(treatment[:, None] * (codes[:, None] == np.arange(len(m.groups)))), codes))
        return estimated(
            design,
            _onto(one, design, arrays),
            estimator=self.name,
            estimand=f"average effect {WORDS[arrays.transformation]}, weighted by residual treatment variance (partially linear)",
            parts=group_parts(design, groups, rng, arrays.kept),
            diagnostics=_diagnostics(design, arrays, treatment, fits),
            concerns=_concerns(design, arrays, treatment),
            notes=_notes(design, arrays, self.folds, self.nuisance),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalForest:
    """Effects that differ by modifiers, by EconML's CausalForestDML, averaged with an orthogonal score.

    The average is that of the doubly robust score of Athey & Wager (2019, Estimating treatment effects with causal forests),
    τ(x) + (residual treatment) (residual outcome − τ(x) residual treatment) / variance of the residual treatment at x, with
    out-of-bag τ and the variance by group of a modifier (the first one for the average). Within a group the correction is a
    regression of what τ leaves on the residual treatment, so its error is CR2 like any regression's: with few authorities to a group
    a plain sum of squared scores covered 86 % where 95 % was meant.

    Parameters
    ----------
    panel : "correlated_random_effects" or "first_difference".
    nuisance : "lasso", "ridge", "boosting" or "forest".
    folds : of cross-fitting, at least 2.
    degree : of the covariates' polynomial for linear nuisances, 1 to 3.
    trees : of the forest, a multiple of 4.
    smallest_leaf : rows in a leaf, at least 1.
    """

    panel: Literal["correlated_random_effects", "first_difference"] = "correlated_random_effects"
    nuisance: Literal["lasso", "ridge", "boosting", "forest"] = "ridge"
    folds: int = 5
    degree: int = 1
    trees: int = 200
    smallest_leaf: int = 20
    needs: ClassVar[tuple[Need, ...]] = (MODIFIERS, FOLDS)
    targets: ClassVar[str] = "ATE, every authority-year alike"
    costs: ClassVar[str] = "a few seconds"

    def __post_init__(self) -> None:
        _check(self.panel, self.nuisance, self.folds, self.degree)
        if str(self.panel) == "within":
            raise ConfigError(
                "causal_forest: panel=within would put trees on demeaned covariates, which mistakes curvature for effect; take correlated_random_effects"
            )
        if isinstance(self.trees, bool) or not isinstance(self.trees, int) or self.trees < 4 or self.trees % 4:
            raise ConfigError(f"trees must be a multiple of 4, got {self.trees!r}")
        if isinstance(self.smallest_leaf, bool) or not isinstance(self.smallest_leaf, int) or self.smallest_leaf < 1:
            raise ConfigError(f"smallest_leaf must be a whole number of at least 1, got {self.smallest_leaf!r}")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "causal_forest"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Raises
        ------
        EstimationError : the target is not the ATE, there are no modifiers, or too few clusters for the folds.
        """
        from econml.dml import CausalForestDML

        serve(self, design)
        arrays = _arrays(design, self.panel, self.degree if self.nuisance in LINEAR else 1)
        by = np.column_stack([m.values[arrays.kept] for m in design.modifiers])
        model = CausalForestDML(
            model_y=_nuisance(self.nuisance, rng)(),
            model_t=_nuisance(self.nuisance, rng)(),
            cv=_splits(arrays.cluster, self.folds, rng),
            n_estimators=self.trees,
            min_samples_leaf=self.smallest_leaf,
            inference=True,
            n_jobs=1,
            random_state=int(rng.integers(2**31)),
        )
        with _quiet():
            model.fit(arrays.outcome, arrays.treatment, X=by, W=_some(arrays.features), groups=arrays.cluster, cache_values=True)
        outcome, treatment, fits = _residuals(model)
        tau = np.ravel(model.model_cate.oob_predict(by))
        # with few trees a row may be in every tree's sample
        tau = np.where(np.isnan(tau), np.ravel(model.model_cate.predict(by)), tau)
        clusters = _compact(arrays.cluster)
        groups = [(m.label, m.groups, _by_cell(m, tau, outcome, treatment, clusters, arrays.kept), m.codes[arrays.kept]) for m in design.modifiers]
        share = np.bincount(groups[0][3], minlength=len(groups[0][1])) / len(tau)
        return estimated(
            design,
            _onto(_weighted(groups[0][2], share), design, arrays),
            estimator=self.name,
            estimand=f"average effect {WORDS[arrays.transformation]}, every authority-year alike (effects may differ by modifiers)",
            parts=group_parts(design, groups, rng, arrays.kept),
            diagnostics={
                **_diagnostics(design, arrays, treatment, fits),
                "spread of effects between rows (sd)": float(np.std(tau) * abs(design.question.contrast)),
            },
            concerns=_concerns(design, arrays, treatment),
            notes=_notes(design, arrays, self.folds, self.nuisance),
        )


def _by_cell(modifier: Modifier, tau: Floats, outcome: Floats, treatment: Floats, clusters: Ints, kept: Ints) -> Fit:
    """The doubly robust average of each group: mean τ plus the regression of what it leaves on the residual treatment."""
    codes = modifier.codes[kept]
    number, k = int(clusters.max()) + 1, len(modifier.groups)
    means, df, scores = np.empty(k), np.empty(k), np.zeros((number, k))
    for group in range(k):
        rows = codes == group
        if not rows.any() or not (treatment[rows] ** 2).sum() > 1e-12 * (treatment**2).sum():
            raise EstimationError(
                f"causal_forest averages over the groups of {modifier.name}, and in {modifier.groups[group]} the treatment does not vary; "
                "ask with fewer groups (question.groups=2) or with another modifier"
            )
        inside = np.unique(clusters[rows])
        if len(inside) < 2:
            raise EstimationError(
                f"causal_forest: {modifier.groups[group]} of {modifier.name} holds one cluster only; ask with fewer groups (question.groups=2)"
            )
        fit = clustered_least_squares(
            (outcome - tau * treatment)[rows], treatment[rows, None], np.empty((int(rows.sum()), 0)), _compact(clusters[rows]), len(inside), absorbed_rank=0
        )
        means[group], df[group] = tau[rows].mean() + fit.coefficients[0], fit.df[0]
        scores[inside, group] = fit.scores[:, 0]
    return Fit(coefficients=means, scores=scores, df=df, residuals=outcome, inference="orthogonal score, CR2 by group")


def _weighted(fit: Fit, share: Floats) -> Fit:
    """The groups' average; degrees of freedom by Satterthwaite (1946), each group's error being independent of the others'."""
    variance = (fit.scores * share) ** 2
    by_group = variance.sum(axis=0)
    df = by_group.sum() ** 2 / (by_group**2 / fit.df).sum()
    return Fit(
        coefficients=np.array([fit.coefficients @ share]),
        scores=(fit.scores @ share)[:, None],
        df=np.array([df]),
        residuals=fit.residuals,
        inference="orthogonal score, CR2 by group, Satterthwaite t",
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings of penalties on the path that are too small to converge; the tuned one is chosen among those that do."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _check(panel: str, nuisance: str, folds: int, degree: int) -> None:
    if panel not in TRANSFORMATIONS:
        raise ConfigError(f"panel must be one of {', '.join(TRANSFORMATIONS)}, got {panel!r}")
    if nuisance not in NUISANCES:
        raise ConfigError(f"nuisance must be one of {', '.join(NUISANCES)}, got {nuisance!r}")
    if panel == "within" and nuisance not in LINEAR:
        raise ConfigError(
            f"panel=within takes a linear nuisance ({' or '.join(LINEAR)}), got {nuisance!r}: a demeaned g(x) is no function of demeaned x. "
            "For trees take panel=correlated_random_effects or panel=first_difference"
        )
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise ConfigError(f"folds must be a whole number of at least 2, got {folds!r}")
    if isinstance(degree, bool) or not isinstance(degree, int) or not 1 <= degree <= 3:
        raise ConfigError(f"degree must be 1, 2 or 3, got {degree!r}")


def _arrays(design: Design, panel: str, degree: int) -> _Arrays:
    """Transform outcome, treatment and features as the module says; features are put on one scale."""
    everything = np.arange(design.rows)
    if "authority" not in design.absorb:
        features = np.column_stack([_expand(design, degree), design.year_dummies() if "year" in design.absorb else np.empty((design.rows, 0))])
        return _Arrays(
            outcome=design.outcome, treatment=design.treatment, features=_scaled(features), kept=everything, cluster=design.cluster, transformation="none"
        )
    if panel == "within":
        outcome, treatment, features = design.within(design.outcome[:, None], design.treatment[:, None], _expand(design, degree))
        return _Arrays(
            outcome=outcome[:, 0], treatment=treatment[:, 0], features=_scaled(features), kept=everything, cluster=design.cluster, transformation=panel
        )
    covariates, years = _expand(design, degree), design.year_dummies() if "year" in design.absorb else np.empty((design.rows, 0))
    if panel == "correlated_random_effects":
        mean = [matrix - design.demean(matrix) for matrix in (covariates, design.treatment[:, None])]
        features = np.column_stack([covariates, *mean, years])
        return _Arrays(
            outcome=design.demean(design.outcome[:, None])[:, 0],
            treatment=design.demean(design.treatment[:, None])[:, 0],
            features=_scaled(features),
            kept=everything,
            cluster=design.cluster,
            transformation=panel,
        )
    later = np.flatnonzero((np.diff(design.authority) == 0) & (np.diff(design.year) == 1)) + 1
    if not len(later):
        raise EstimationError("panel=first_difference needs authorities seen in two successive years, and there are none")
    return _Arrays(
        outcome=design.outcome[later] - design.outcome[later - 1],
        treatment=design.treatment[later] - design.treatment[later - 1],
        features=_scaled(np.column_stack([covariates[later], covariates[later - 1], years[later]])),
        kept=later,
        cluster=design.cluster[later],
        transformation=panel,
    )


def _expand(design: Design, degree: int) -> Floats:
    """The controls and, for those that are one column, their polynomial; columns by year stay as they are."""
    from sklearn.preprocessing import PolynomialFeatures

    single = [columns[0] for columns in design.control_groups.values() if len(columns) == 1]
    rest = [column for columns in design.control_groups.values() if len(columns) > 1 for column in columns]
    if not single:
        return design.controls[:, rest]
    plain = _scaled(design.controls[:, single])
    return np.column_stack([PolynomialFeatures(degree, include_bias=False).fit_transform(plain), design.controls[:, rest]])


def _scaled(matrix: Floats) -> Floats:
    spread = matrix.std(axis=0)
    kept = spread > 1e-12 * np.maximum(np.abs(matrix).max(axis=0, initial=0), 1e-300)
    return np.asarray((matrix[:, kept] - matrix[:, kept].mean(axis=0)) / spread[kept])


def _some(features: Floats) -> Floats | None:
    return features if features.shape[1] else None


def _nuisance(kind: str, rng: np.random.Generator) -> Callable[[], Any]:
    """A maker of learners; the linear ones tune their penalty on the training folds (whole clusters, by EconML's groups)."""
    seed = int(rng.integers(2**31))
    if kind == "lasso":
        from sklearn.linear_model import LassoCV

        return lambda: LassoCV(alphas=30, max_iter=1000, tol=1e-3, random_state=seed)
    if kind == "ridge":
        from sklearn.linear_model import RidgeCV

        return lambda: RidgeCV(alphas=np.logspace(-3, 3, 13))
    if kind == "boosting":
        from sklearn.ensemble import HistGradientBoostingRegressor

        return lambda: HistGradientBoostingRegressor(max_iter=100, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=20, random_state=seed)
    from sklearn.ensemble import RandomForestRegressor

    return lambda: RandomForestRegressor(n_estimators=100, min_samples_leaf=5, n_jobs=1, random_state=seed)


def _splits(cluster: Ints, folds: int, rng: np.random.Generator) -> list[tuple[Ints, Ints]]:
    """Train and test rows; every cluster is in one fold, folds of about equal numbers of clusters."""
    fold = (rng.permutation(int(cluster.max()) + 1) % folds)[cluster]
    return [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(folds)]


def _residuals(model: Any) -> tuple[Floats, Floats, dict[str, float | None]]:
    """Residual outcome and treatment in the order given, and the nuisances' fit out of fold."""
    outcome, treatment, _, _ = model.residuals_
    scores: dict[str, float | None] = {
        "outcome nuisance R² out of fold": float(np.mean(model.nuisance_scores_y)),
        "treatment nuisance R² out of fold": float(np.mean(model.nuisance_scores_t)),
    }
    return np.ravel(outcome), np.ravel(treatment), scores


def _compact(codes: Ints) -> Ints:
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype=np.int64)


def _onto(fit: Fit, design: Design, arrays: _Arrays) -> Fit:
    """The fit with its scores in the design's order of clusters (0 where a cluster has no row left)."""
    scores = np.zeros((len(design.clusters), fit.scores.shape[1]))
    scores[np.unique(arrays.cluster)] = fit.scores
    return Fit(coefficients=fit.coefficients, scores=scores, df=fit.df, residuals=fit.residuals, inference=fit.inference)


def _diagnostics(design: Design, arrays: _Arrays, treatment: Floats, fits: dict[str, float | None]) -> dict[str, float | None]:
    held = float("authority" in design.absorb)
    left = np.zeros(design.rows)
    left[arrays.kept] = treatment
    return {"authority effects held fixed": held, "controls held fixed": 1.0, **residual_treatment(design, left), **fits}


def _concerns(design: Design, arrays: _Arrays, treatment: Floats) -> tuple[str, ...]:
    left = np.zeros(design.rows)
    left[arrays.kept] = treatment
    biased = (
        ("strict exogeneity fails in the graph (the outcome moves a later treatment), which biases this estimator",) if design.identification.feedback else ()
    )
    return biased + thin(design, left)


def _notes(design: Design, arrays: _Arrays, folds: int, nuisance: str) -> tuple[str, ...]:
    return (
        f"{folds} folds of whole clusters, {nuisance} nuisances on {arrays.features.shape[1]} features, "
        f"{len(arrays.kept)} of {design.rows} rows after {arrays.transformation}.",
    )
