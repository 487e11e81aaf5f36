"""The naive comparison: places with more of the treatment against places with less, nothing held fixed.

Shown beside every answer so that a reader sees what each step of adjustment buys. It has an honest
clustered error and a dishonest name for an effect: it is an association.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.design import Design
from causal.estimand import Conditioning, Estimand
from causal.estimate import Estimate
from causal.needs import Need
from causal.regression import estimated, least_squares, residual_treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Slope of the outcome on the treatment over all rows (for a yes-or-no treatment the difference in means)."""

    needs: ClassVar[tuple[Need, ...]] = ()
    answers: ClassVar[tuple[str, ...]] = ("association", "weights")
    targets: ClassVar[str] = "an association, not an effect (takes question.weights)"
    costs: ClassVar[str] = "milliseconds"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "difference"

    def regression(self, design: Design) -> Design:
        """The design with nothing absorbed and nothing adjusted for."""
        return design.pooled(adjust=False)

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer with the raw association.

        Parameters
        ----------
        design : any; what it absorbs and adjusts for is left aside.
        rng : not used.

        Raises
        ------
        EstimationError : the treatment does not vary.
        """
        bare = self.regression(design)
        basis = bare.basis()
        fit, treatment = least_squares(bare, basis)
        return estimated(
            design,
            fit,
            estimator=self.name,
            estimand=Estimand(family="association", comparison="nothing", population="all", weighting="residual_variance"),
            conditioning=Conditioning(authority=False, year=False, controls=False),
            association=True,
            diagnostics=residual_treatment(bare, treatment),
            concerns=("nothing is held fixed: this is an association, whatever the graph says",),
        )
