"""DoWhy's back-door linear regression, pooled: places and years side by side, the adjustment set held fixed in a straight line.

What the identified set asks for is conditioned on except authority effects, which a pooled regression on columns cannot
hold (an authority's code would be taken for a number); year effects are columns of their own. The distance to
`fixed_effects` shows what comparing a place with itself buys. DoWhy fits the line; the error is clustered by us, since
DoWhy's takes rows as independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from causal.design import Design
from causal.errors import EstimationError, refusal
from causal.estimand import Conditioning, Estimand, compared
from causal.estimate import Estimate
from causal.estimators import serve
from causal.needs import ADJUSTMENT, Need
from causal.regression import by_group, estimated, group_parts, least_squares, residual_treatment, warn_concentrated_leverage


@dataclass(frozen=True, slots=True, kw_only=True)
class DowhyLinear:
    """DoWhy's LinearRegressionEstimator on the identified set without authority, clustered."""

    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT,)
    answers: ClassVar[tuple[str, ...]] = ("ATE",)
    targets: ClassVar[str] = "ATE, weighted by residual treatment variance"
    costs: ClassVar[str] = "a tenth of a second"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "dowhy_linear"

    def regression(self, design: Design) -> Design:
        """The design without authority effects."""
        return design.pooled()

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : its rows are pooled: years and controls are conditioned on, authorities are not.
        rng : draws the joint critical values of effects by group.

        Raises
        ------
        DesignError : the target is not the ATE (DoWhy would return the ATE under the name of the ATT).
        EstimationError : controls that are almost collinear.
        """
        serve(self, design)
        pooled = self.regression(design)
        basis = pooled.basis()
        fit, treatment = least_squares(pooled, basis)
        theirs = _dowhy_slope(pooled)
        if not np.isclose(fit.coefficients[0], theirs, rtol=1e-5, atol=1e-9):
            raise refusal(
                EstimationError,
                "dowhy_linear",
                f"DoWhy's slope to be the least-squares slope {fit.coefficients[0]:g}",
                f"{theirs:g}, so some controls are told by others almost exactly",
                "leave one out with  adjust_for=[…]",
            )
        missing = ("the graph asks for authority effects, which a pooled regression does not hold fixed",) if "authority" in design.absorb else ()
        return estimated(
            design,
            fit,
            estimator=self.name,
            estimand=Estimand(family="average", comparison=compared(pooled), population="all", weighting="residual_variance", model="pooled regression"),
            conditioning=Conditioning.by(design, authority=False),
            association="authority" in design.absorb,
            parts=group_parts(design, by_group(pooled, basis), rng),
            diagnostics=residual_treatment(pooled, treatment),
            concerns=missing + warn_concentrated_leverage(pooled, treatment),
        )


def _dowhy_slope(pooled: Design) -> float:
    """The treatment's coefficient as DoWhy estimates it."""
    # DoWhy takes seconds to import
    import pandas as pd
    from dowhy.causal_estimators.linear_regression_estimator import LinearRegressionEstimator
    from dowhy.causal_identifier.auto_identifier import EstimandType
    from dowhy.causal_identifier.identified_estimand import IdentifiedEstimand

    columns = [pooled.controls] + ([pooled.year_dummies()] if "year" in pooled.absorb else [])
    # columns are put on one scale, so that DoWhy's pseudo-inverse drops none of them
    matrix = np.column_stack(columns)
    spread = matrix.std(axis=0) if matrix.shape[1] else np.empty(0)
    matrix = (matrix[:, spread > 0] - matrix[:, spread > 0].mean(axis=0)) / spread[spread > 0]
    names = [f"w{i}" for i in range(matrix.shape[1])]
    frame = pd.DataFrame(np.column_stack([pooled.outcome, pooled.treatment, matrix]), columns=["y", "t", *names])
    estimand = IdentifiedEstimand(
        None,
        treatment_variable=["t"],
        outcome_variable=["y"],
        estimand_type=EstimandType.NONPARAMETRIC_ATE,
        estimands={"backdoor": True},
        backdoor_variables={"backdoor": names},
        default_backdoor_id="backdoor",
    )
    estimand.set_identifier_method("backdoor")
    estimator: Any = LinearRegressionEstimator(estimand)
    estimator.fit(frame)
    return float(estimator.estimate_effect(frame, treatment_value=1, control_value=0, target_units="ate").value)
