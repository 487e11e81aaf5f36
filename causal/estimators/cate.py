"""Double machine learning with effects that differ by the question's modifiers, averaged with an orthogonal score.

EconML learns τ(x), the effect at modifiers x, from residuals that are cross-fitted as in `orthogonal`. The average is that of the doubly robust
score of Athey & Wager (2019, Estimating treatment effects with causal forests),
τ(x) + (residual treatment) (residual outcome − τ(x) residual treatment) / variance of the residual treatment at x, with τ out of
fold (out of bag for the forest) and the variance by group of a modifier (the first one for the average). Within a group the correction is a
regression of what τ leaves on the residual treatment, so its error is CR2 like any regression's: with few authorities to a group
a plain sum of squared scores covered 86 % where 95 % was meant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from causal.arrays import Floats, Ints
from causal.crossfitted import Slope
from causal.design import Design
from causal.errors import ConfigError, EstimationError, refusal
from causal.estimand import Estimand, compared
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.dml import LinearDml
from causal.estimators.machinery.crossfit import Residuals, cached, check_crossfit, concerns, diagnostics, fold_of, notes, repeated, residuals, splits
from causal.estimators.machinery.nuisance import Nuisance, learner, quiet
from causal.estimators.machinery.transformed import MODELS, Transformed, check_panel, scaled, transform
from causal.inference.clustered import Fit, clustered_least_squares
from causal.knobs import is_number, is_whole, whole_number
from causal.modifier import Modifier
from causal.needs import FOLDS, MODIFIERS, Need
from causal.regression import estimated, group_parts, without_interval

Transformation = Literal["correlated_random_effects", "first_difference"]
Final = Callable[[int], Any]  # from a seed to a last model of residuals
TARGETS = "ATE, every authority-year alike"


class _Straight:
    """What those of one slope share with effects that differ: the same nuisances, and no effect learnt by modifiers."""

    __slots__ = ()
    fewest: ClassVar[int] = 1

    def straight(self: Any) -> LinearDml:
        """The estimator of one slope with the same nuisances, by one cross-fit."""
        return LinearDml(panel=self.panel, nuisance=self.nuisance, folds=self.folds, repetitions=1, degree=self.degree)

    def jointly(self: Any, design: Design, columns: Floats, rng: np.random.Generator) -> Fit:
        """Slopes of several treatments in one partially linear model, by one cross-fit.

        Parameters
        ----------
        design : its controls are learnt.
        columns : shape (rows, k), raw; the treatments.
        rng : of folds and learners.
        """
        fit: Fit = self.straight().jointly(design, columns, rng)
        return fit


class _ByFinal(_Straight):
    """What those share whose effect by modifiers is a last model of residuals: its making is all that differs."""

    __slots__ = ()

    def estimate(self: Any, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with modifiers, whose base-year values the effect may differ by.
        rng : deals clusters into folds, seeds the learners, draws the joint critical values.

        Raises
        ------
        DesignError : the target is not the ATE, there are no modifiers, or too few clusters for the folds.
        EstimationError : a group in which the treatment does not vary.
        """
        serve(self, design)
        final: Final = self._final()
        return _answer(self, design, rng, lambda arrays, by: _crossfitted(self, arrays, by, final, rng))


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseLinearDml(_ByFinal):
    """Effects linear in a polynomial of the modifiers, few terms of which matter, by EconML's SparseLinearDML (debiased lasso).

    Parameters
    ----------
    panel : "correlated_random_effects" or "first_difference" (see `transformed`).
    nuisance : "lasso", "ridge", "boosting", "forest" or "stacked".
    folds, repetitions : of cross-fitting; the median over repetitions is the answer.
    degree : of the covariates' polynomial for linear nuisances, 1 to 3.
    effect_degree : of the modifiers' polynomial, 1 to 4.
    """

    panel: Transformation = "correlated_random_effects"
    nuisance: Nuisance = "lasso"
    folds: int = 5
    repetitions: int = 3
    degree: int = 1
    effect_degree: int = 3
    needs: ClassVar[tuple[Need, ...]] = (MODIFIERS, FOLDS)
    answers: ClassVar[tuple[str, ...]] = ("ATE",)
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "several seconds"

    def __post_init__(self) -> None:
        check_crossfit(self.folds, self.repetitions)
        check_panel(self.panel, self.nuisance, self.degree, linear_allowed=False)
        if not is_whole(self.effect_degree, 1, 4):
            raise refusal(ConfigError, "effect_degree", "1, 2, 3 or 4", repr(self.effect_degree), "write  estimator.effect_degree=1")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "sparse_linear_dml"

    def _final(self) -> Final:
        from econml.dml import SparseLinearDML
        from sklearn.preprocessing import PolynomialFeatures

        def final(seed: int) -> Any:
            featurizer = PolynomialFeatures(self.effect_degree, include_bias=False)
            return SparseLinearDML(model_y=_nothing(), model_t=_nothing(), featurizer=featurizer, cv=2, max_iter=5000, tol=1e-3, random_state=seed)

        return final


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelDml(_ByFinal):
    """Effects smooth in the modifiers by EconML's KernelDML (random Fourier features); no valid interval is known, so none is given.

    Parameters
    ----------
    panel, nuisance, folds, repetitions, degree : as for `SparseLinearDml`.
    dimension : number of random features, at least 1.
    bandwidth : of the Gaussian kernel, in standard deviations of the modifiers, above 0.
    """

    panel: Transformation = "correlated_random_effects"
    nuisance: Nuisance = "ridge"
    folds: int = 5
    repetitions: int = 3
    degree: int = 1
    dimension: int = 20
    bandwidth: float = 1.0
    needs: ClassVar[tuple[Need, ...]] = (MODIFIERS, FOLDS)
    answers: ClassVar[tuple[str, ...]] = ("ATE",)
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "several seconds"

    def __post_init__(self) -> None:
        check_crossfit(self.folds, self.repetitions)
        check_panel(self.panel, self.nuisance, self.degree, linear_allowed=False)
        whole_number("dimension", self.dimension, 1)
        if not is_number(self.bandwidth) or not self.bandwidth > 0:
            raise refusal(ConfigError, "bandwidth", "a number above 0", repr(self.bandwidth), "write  estimator.bandwidth=1")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "kernel_dml"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question, without an interval.

        Parameters
        ----------
        design : with modifiers, whose base-year values the effect may differ by.
        rng : deals clusters into folds and seeds the learners.

        Raises
        ------
        DesignError : the target is not the ATE, there are no modifiers, or too few clusters for the folds.
        EstimationError : a group in which the treatment does not vary.
        """
        return without_interval(_ByFinal.estimate(self, design, rng), "none is known for kernel methods")

    def _final(self) -> Final:
        from econml.dml import KernelDML

        def final(seed: int) -> Any:
            return KernelDML(model_y=_nothing(), model_t=_nothing(), dim=self.dimension, bw=self.bandwidth, cv=2, random_state=seed)

        return final


@dataclass(frozen=True, slots=True, kw_only=True)
class NonparamDml(_ByFinal):
    """Effects of any form in the modifiers by EconML's NonParamDML with boosted trees.

    Parameters
    ----------
    panel, nuisance, folds, repetitions, degree : as for `SparseLinearDml`.
    trees : boosted, at least 1.
    smallest_leaf : rows in a leaf, at least 1.
    """

    panel: Transformation = "correlated_random_effects"
    nuisance: Nuisance = "ridge"
    folds: int = 5
    repetitions: int = 3
    degree: int = 1
    trees: int = 30
    smallest_leaf: int = 40
    needs: ClassVar[tuple[Need, ...]] = (MODIFIERS, FOLDS)
    answers: ClassVar[tuple[str, ...]] = ("ATE",)
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "several seconds"

    def __post_init__(self) -> None:
        check_crossfit(self.folds, self.repetitions)
        check_panel(self.panel, self.nuisance, self.degree, linear_allowed=False)
        for key in ("trees", "smallest_leaf"):
            value = getattr(self, key)
            whole_number(key, value, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "nonparam_dml"

    def _final(self) -> Final:
        from econml.dml import NonParamDML
        from sklearn.ensemble import HistGradientBoostingRegressor

        def final(seed: int) -> Any:
            trees = HistGradientBoostingRegressor(
                max_iter=self.trees, learning_rate=0.1, max_leaf_nodes=4, min_samples_leaf=self.smallest_leaf, early_stopping=False, random_state=seed
            )
            return NonParamDML(model_y=_nothing(), model_t=_nothing(), model_final=trees, cv=2, random_state=seed)

        return final


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalForest(_Straight):
    """Effects that differ by modifiers, by EconML's CausalForestDML, averaged with an orthogonal score.

    Parameters
    ----------
    panel : "correlated_random_effects" or "first_difference".
    nuisance : "lasso", "ridge", "boosting", "forest" or "stacked".
    folds, repetitions : of cross-fitting; the median over repetitions is the answer.
    degree : of the covariates' polynomial for linear nuisances, 1 to 3.
    trees : of the forest, a multiple of 4.
    smallest_leaf : rows in a leaf, at least 1.
    """

    panel: Transformation = "correlated_random_effects"
    nuisance: Nuisance = "ridge"
    folds: int = 5
    repetitions: int = 1
    degree: int = 1
    trees: int = 200
    smallest_leaf: int = 20
    fewest_trees: ClassVar[int] = 40
    needs: ClassVar[tuple[Need, ...]] = (MODIFIERS, FOLDS)
    answers: ClassVar[tuple[str, ...]] = ("ATE",)
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "a few seconds"

    def __post_init__(self) -> None:
        check_crossfit(self.folds, self.repetitions)
        check_panel(self.panel, self.nuisance, self.degree, linear_allowed=False)
        if not is_whole(self.trees, 4) or self.trees % 4:
            raise refusal(ConfigError, "trees", "a multiple of 4", repr(self.trees), f"write  estimator.trees={self.trees // 4 * 4 + 4}")
        whole_number("smallest_leaf", self.smallest_leaf, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "causal_forest"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with modifiers, whose base-year values the effect may differ by.
        rng : deals clusters into folds, seeds nuisances and trees, draws the joint critical values.

        Raises
        ------
        DesignError : the target is not the ATE, there are no modifiers, or too few clusters for the folds.
        EstimationError : a group in which the treatment does not vary.
        """
        from econml.dml import CausalForestDML

        serve(self, design)

        def learn(arrays: Transformed, by: Floats) -> tuple[Residuals, Floats]:
            learners = [learner(self.nuisance, rng), learner(self.nuisance, rng)]
            parted = splits(arrays.cluster, self.folds, rng, arrays.folds)
            model = CausalForestDML(
                model_y=learners[0],
                model_t=learners[1],
                cv=parted,
                n_estimators=self.trees,
                min_samples_leaf=self.smallest_leaf,
                inference=True,
                n_jobs=1,
                random_state=int(rng.integers(2**31)),
            )
            with quiet():
                model.fit(arrays.outcome, arrays.treatment, X=by, W=arrays.some, groups=arrays.cluster, cache_values=True)
            tau = np.ravel(model.model_cate.oob_predict(by))
            # with few trees a row may be in every tree's sample
            left = replace(cached(model), fold=fold_of(arrays.cluster, parted))
            return left, np.where(np.isnan(tau), np.ravel(model.model_cate.predict(by)), tau)

        return _answer(self, design, rng, learn)


Heterogeneous = SparseLinearDml | KernelDml | NonparamDml | CausalForest
Learn = Callable[[Transformed, Floats], tuple[Residuals, Floats]]


def _answer(estimator: Heterogeneous, design: Design, rng: np.random.Generator, learn: Learn) -> Estimate:
    """The estimate from what is learnt: residuals and, for each row, the effect of one unit at its modifiers."""
    arrays = transform(design, estimator.panel, estimator.nuisance, estimator.degree)
    over = arrays.over(design)
    by = np.column_stack([m.values[arrays.kept] for m in design.modifiers])
    spreads: list[float] = []
    learnt: list[Floats] = []

    def once() -> tuple[list[Fit], Residuals]:
        cross_fitted, tau = learn(arrays, by)
        fits = [_by_cell(estimator.name, m, tau, cross_fitted.outcome, cross_fitted.treatment, arrays.cluster, arrays.groups(m)) for m in design.modifiers]
        codes = arrays.groups(design.modifiers[0])
        learnt.append(tau)
        spreads.append(float(np.std(tau) * abs(design.question.contrast)))
        return [_weighted(fits[0], np.bincount(codes, minlength=len(design.modifiers[0].groups)) / len(tau)), *fits], cross_fitted

    fits, cross_fitted, firsts = repeated(once, estimator.repetitions)
    return estimated(
        design,
        fits[0],
        over=over,
        estimator=estimator.name,
        estimand=Estimand(
            family="average",
            comparison=compared(design),
            population="all",
            weighting="rows",
            model=f"effects may differ by modifiers{MODELS[arrays.transformation]}",
            changes=arrays.transformation == "first_difference",
        ),
        parts=group_parts(over, [(m.name, m.groups, one, arrays.groups(m)) for m, one in zip(design.modifiers, fits[1:], strict=True)], rng),
        crossfitted=arrays.left(
            [
                Slope(outcome=one.outcome, treatment=one.treatment, learnt=tau, group=arrays.groups(design.modifiers[0]), fold=one.fold)
                for one, tau in zip(cross_fitted, learnt, strict=True)
            ],
            design,
        ),
        diagnostics={**diagnostics(design, arrays, cross_fitted, firsts), "spread of effects between rows (sd)": float(np.mean(spreads))},
        concerns=concerns(design, arrays, cross_fitted, firsts),
        notes=notes(design, arrays, estimator.folds, estimator.nuisance),
    )


def _crossfitted(estimator: Heterogeneous, arrays: Transformed, by: Floats, final: Callable[[int], Any], rng: np.random.Generator) -> tuple[Residuals, Floats]:
    """Residuals, and τ for each fold learnt by EconML on the residuals of the other folds.

    Residuals are put on one scale first, so that penalties and tolerances mean the same in any unit.
    """
    by = scaled(by) if by.std(axis=0).all() else by
    cross_fitted = residuals(arrays, estimator.nuisance, estimator.folds, rng, also=by)
    units = [float(np.sqrt((column**2).mean())) for column in (cross_fitted.outcome, cross_fitted.treatment)]
    tau = np.empty(len(cross_fitted.outcome))
    for train, test in splits(arrays.cluster, estimator.folds, rng):
        model = final(int(rng.integers(2**31)))
        with quiet():
            model.fit(
                cross_fitted.outcome[train] / units[0], cross_fitted.treatment[train] / units[1], X=by[train], groups=arrays.cluster[train], inference=None
            )
        tau[test] = np.ravel(model.const_marginal_effect(by[test])) * units[0] / units[1]
    return cross_fitted, tau


def _nothing() -> Any:
    """A nuisance that says 0: what EconML is given are residuals already."""
    from sklearn.dummy import DummyRegressor

    return DummyRegressor(strategy="constant", constant=0.0)


def _by_cell(name: str, modifier: Modifier, tau: Floats, outcome: Floats, treatment: Floats, clusters: Ints, codes: Ints) -> Fit:
    """The doubly robust average of each group: mean τ plus the regression of what it leaves on the residual treatment."""
    number, k = int(clusters.max()) + 1, len(modifier.groups)
    means, df, scores = np.empty(k), np.empty(k), np.zeros((number, k))
    for group in range(k):
        rows = codes == group
        if not rows.any() or not (treatment[rows] ** 2).sum() > 1e-12 * (treatment**2).sum():
            raise refusal(
                EstimationError,
                name,
                f"a treatment that varies within each group of {modifier.name}, over which it averages",
                f"{modifier.groups[group]}, in which it does not",
                "ask with fewer groups (question.groups=2) or with another modifier",
            )
        inside = np.unique(clusters[rows])
        if len(inside) < 2:
            raise refusal(
                EstimationError,
                name,
                f"two clusters or more in each group of {modifier.name}",
                f"{modifier.groups[group]}, which holds one only",
                "ask with fewer groups (question.groups=2)",
            )
        fit = clustered_least_squares(
            (outcome - tau * treatment)[rows],
            treatment[rows, None],
            np.empty((int(rows.sum()), 0)),
            np.searchsorted(inside, clusters[rows]),
            len(inside),
            absorbed_rank=0,
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
