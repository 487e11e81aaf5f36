"""The front door: what the treatment moves, and what that moves, where treatment and outcome have a common cause that nobody measured.

Pearl 2009, Causality, ch. 3.3. DoWhy's two-stage regression takes one variable between, and must agree there; here there may be any number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import EstimationError, refusal
from causal.estimand import Estimand
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.machinery.dowhy_rows import agree, estimand_of
from causal.inference.clustered import Fit, clustered_least_squares, joint_test
from causal.needs import FRONT_DOOR, Need
from causal.regression import estimated, residual_treatment, warn_concentrated_leverage


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontDoor:
    """The front door in two straight lines: the treatment moves what lies between, which moves the outcome with the treatment held fixed.

    The effect is the sum over all variables between of the products of both slopes (Pearl 2009, Causality, ch. 3.3), on all rows; its
    error stacks the influence of both lines, summed by cluster. DoWhy takes one variable between only, and must agree there.
    """

    strategy: ClassVar[str] = "frontdoor"
    needs: ClassVar[tuple[Need, ...]] = (FRONT_DOOR,)
    answers: ClassVar[tuple[str, ...]] = ("ATE",)
    targets: ClassVar[str] = "ATE, in straight lines"
    costs: ClassVar[str] = "a tenth of a second"
    quick: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "front_door"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with what lies between treatment and outcome among its columns; rows where it is not known are left out.
        rng : not used.

        Raises
        ------
        DesignError : no front door in the graph, too few rows where it is known, or the target is not the ATE.
        EstimationError : the treatment and what lies between are collinear.
        """
        serve(self, design)
        names = design.identification.frontdoor
        between = np.column_stack([design.column(name) for name in names])
        made = design.subset(np.flatnonzero(np.isfinite(between).all(axis=1)), f"{', '.join(names)} not known")
        between = between[np.isfinite(between).all(axis=1)]
        basis = made.basis()
        outcome, treatment, middle = (made.partial_out(part, basis) for part in (made.outcome[:, None], made.treatment[:, None], between))
        both = np.column_stack([treatment, middle])
        if np.linalg.matrix_rank(both / np.linalg.norm(both, axis=0), tol=1e-9) < both.shape[1]:
            raise refusal(
                EstimationError,
                "front_door",
                f"{', '.join(names)} and the treatment to vary apart from each other",
                "ones that tell each other for certain",
                "name another variable between treatment and outcome",
            )
        nuisance, number, rank = made.nuisance_basis(basis), len(made.clusters), basis.shape[1] + ("authority" not in made.absorb)
        lines = [
            clustered_least_squares(column, treatment, nuisance, made.cluster, number, absorbed_rank=rank, row_count=made.row_count) for column in middle.T
        ]
        last = clustered_least_squares(outcome[:, 0], both, nuisance, made.cluster, number, absorbed_rank=rank, row_count=made.row_count)
        first, second = np.array([line.coefficients[0] for line in lines]), last.coefficients[1:]
        if len(names) == 1 and not made.controls.shape[1] and not made.absorb:
            agree(self.name, float(first @ second), _dowhy_front_door(made, between[:, 0]))
        per_first, per_second = np.column_stack([line.scores[:, 0] for line in lines]), last.scores[:, 1:]
        df = float(min(*(line.df[0] for line in lines), *last.df[1:]))
        fit = Fit(
            coefficients=np.array([first @ second]),
            scores=(per_first @ second + per_second @ first)[:, None],
            df=np.array([df]),
            residuals=last.residuals,
            inference=f"stacked influence of both lines ({last.inference})",
        )
        moved, moves = (joint_test(at, scores, df)[2] for at, scores in ((first, per_first), (second, per_second)))
        weak = (
            ()
            if not min(moved, moves) > 0.05
            else (f"neither line of the front door ({', '.join(names)}) is clear, where the interval of a product is too wide",)
        )
        return estimated(
            design,
            fit,
            over=made,
            estimator=self.name,
            estimand=Estimand(family="average", comparison="front_door", population="all", weighting="rows", model="in straight lines"),
            diagnostics={
                **residual_treatment(made, treatment[:, 0]),
                "p of the treatment on what lies between": float(moved),
                "p of what lies between on the outcome": float(moves),
            },
            concerns=weak + warn_concentrated_leverage(made, treatment[:, 0]),
            notes=(f"Front door: {', '.join(names)}; nothing else between treatment and outcome, and nothing behind it but the treatment.",),
        )


def _dowhy_front_door(made: Design, between: Floats) -> float:
    """DoWhy's two lines, one after the other (its own two-stage estimator is these, but copies estimands and loses fields)."""
    import pandas as pd

    # DoWhy takes seconds to import
    from dowhy.causal_estimators.linear_regression_estimator import LinearRegressionEstimator

    scale = float(between.std()) or 1.0
    product = 1.0
    for treatment, outcome, regressors in ((made.treatment, between / scale, []), (between / scale, made.outcome, [made.treatment])):
        names = ["w0"][: len(regressors)]
        frame = pd.DataFrame(np.column_stack([outcome, treatment, *regressors]), columns=["y", "t", *names])
        estimator: Any = LinearRegressionEstimator(estimand_of(names))
        estimator.fit(frame)
        product *= float(estimator.estimate_effect(frame, treatment_value=1, control_value=0, target_units="ate").value)
    return product
