"""Double machine learning on a panel, one effect for all: learn what else moves treatment and outcome, compare what is left.

The partially linear model of Chernozhukov and others 2018 (Double/debiased machine learning for treatment and structural parameters),
fitted by EconML after authority effects are taken out (`causal.estimators.machinery.transformed`), with clustered errors of its orthogonal score.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.crossfitted import Slope, carry
from causal.design import Design
from causal.estimand import Estimand, compared
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.machinery.crossfit import CrossFit, Residuals, check_crossfit, checked, concerns, diagnostics, notes, repeated, residuals
from causal.estimators.machinery.nuisance import Nuisance
from causal.estimators.machinery.transformed import MODELS, Transformation, check_panel, scaled, transform
from causal.inference.clustered import Fit, clustered_least_squares, onto
from causal.needs import FOLDS, Need
from causal.regression import estimated, group_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearDml:
    """Partially linear effect by EconML's LinearDML.

    Parameters
    ----------
    panel : how authority effects are taken out (see `transformed`).
    nuisance : "lasso" or "ridge", tuned inside the training folds; "boosting", "forest" or "stacked" not with panel="within".
    folds : of cross-fitting, at least 2.
    repetitions : of cross-fitting with other folds; the median is the answer.
    degree : of the polynomial of the covariates, 1 to 3, linear nuisances only.
    """

    panel: Transformation = "within"
    nuisance: Nuisance = "lasso"
    folds: int = 5
    repetitions: int = 3
    degree: int = 2
    needs: ClassVar[tuple[Need, ...]] = (FOLDS,)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE, weighted by residual treatment variance (and question.weights)"
    costs: ClassVar[str] = "a few seconds"
    library: ClassVar[str] = "EconML"
    fewest: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_crossfit(self.folds, self.repetitions)
        check_panel(self.panel, self.nuisance, self.degree)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "linear_dml"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : authority effects are taken out as `panel` says, and the controls by the nuisances.
        rng : deals clusters into folds, once for each repetition, and seeds the nuisances.

        Raises
        ------
        DesignError : the target is not the ATE, or there are too few clusters for the folds.
        """
        serve(self, design)
        arrays = transform(design, self.panel, self.nuisance, self.degree)
        over, root = arrays.over(design), arrays.root
        none, rank = np.empty((len(root), 0)), len(design.years) - 1

        def fit(outcome: Floats, columns: Floats) -> Fit:
            return clustered_least_squares(
                outcome * root, columns * root[:, None], none, arrays.cluster, len(arrays.clusters), absorbed_rank=rank, row_count=over.row_count
            )

        def once() -> tuple[list[Fit], Residuals]:
            cross_fitted = residuals(arrays, self.nuisance, self.folds, rng)
            fits = [checked(self.name, fit(cross_fitted.outcome, cross_fitted.treatment[:, None]), cross_fitted)]
            for m in design.modifiers:
                fits.append(fit(cross_fitted.outcome, cross_fitted.treatment[:, None] * (arrays.groups(m)[:, None] == np.arange(len(m.groups)))))
            return fits, cross_fitted

        fits, cross_fitted, firsts = repeated(once, self.repetitions)
        groups = [(m.name, m.groups, one, arrays.groups(m)) for m, one in zip(design.modifiers, fits[1:], strict=True)]
        return estimated(
            design,
            fits[0],
            over=over,
            estimator=self.name,
            estimand=Estimand(
                family="average",
                comparison=compared(design),
                population="all",
                weighting="change_variance" if arrays.transformation == "first_difference" else "residual_variance",
                model=f"partially linear{MODELS[arrays.transformation]}",
                changes=arrays.transformation == "first_difference",
            ),
            parts=group_parts(over, groups, rng),
            crossfitted=arrays.left([Slope(outcome=one.outcome, treatment=one.treatment, fold=one.fold) for one in cross_fitted], design),
            diagnostics=diagnostics(design, arrays, cross_fitted, firsts),
            concerns=concerns(design, arrays, cross_fitted, firsts),
            notes=notes(design, arrays, self.folds, self.nuisance),
        )

    def straight(self) -> LinearDml:
        """The same by one cross-fit."""
        return replace(self, repetitions=1)

    def jointly(self, design: Design, columns: Floats, rng: np.random.Generator) -> Fit:
        """Slopes of several treatments in one partially linear model, by one cross-fit.

        Parameters
        ----------
        design : its controls are learnt.
        columns : shape (rows, k), raw; the treatments.
        rng : of folds and learners.

        Raises
        ------
        DesignError : too few clusters for the folds.
        EstimationError : a treatment is collinear with the others and what is conditioned on.
        """
        serve(self, design)
        arrays = transform(design, self.panel, self.nuisance, self.degree)
        each = carry(design, columns, arrays.transformation, arrays.kept)
        features = arrays.features
        if arrays.transformation == "correlated_random_effects":
            # every treatment brings its own mean
            features = scaled(np.column_stack([features, columns - each]))
        draw = CrossFit.drawn(self.nuisance, self.folds, arrays.cluster, arrays.weights, rng, arrays.folds)
        outcome, *cross_fitted = draw.cross_fitted(np.column_stack([arrays.outcome, each]), features).T
        root, none, people = arrays.root, np.empty((len(arrays.kept), 0)), arrays.over(design).row_count
        each = np.column_stack(cross_fitted) * root[:, None]
        fit = clustered_least_squares(outcome * root, each, none, arrays.cluster, len(arrays.clusters), absorbed_rank=len(design.years) - 1, row_count=people)
        return onto(fit, arrays.clusters, design.clusters)
