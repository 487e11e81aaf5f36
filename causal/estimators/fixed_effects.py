"""Two-way fixed effects: each authority is compared with itself, each year with the others' same year.

Least squares of the outcome on the treatment with authority and year absorbed and the identified controls
held fixed in a straight line (Wooldridge 2010, Econometric Analysis of Cross Section and Panel Data, ch. 10).
It answers with a variance-weighted average effect; where effects differ, authorities whose treatment moves most
weigh most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.design import Design
from causal.errors import EstimationError
from causal.estimate import Estimate, by_group, estimated, group_parts, least_squares, residual_treatment, thin


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedEffects:
    """Two-way fixed effects with clustered errors (CR1, or CR2 below 50 effective clusters)."""

    needs: ClassVar[str] = "a panel whose graph asks for authority and year"
    targets: ClassVar[str] = "ATE, weighted by residual treatment variance"
    costs: ClassVar[str] = "milliseconds"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "fixed_effects"

    def regression(self, design: Design) -> Design:
        """The design itself."""
        return design

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Raises
        ------
        EstimationError : authorities are not absorbed, or the target is not the ATE.
        """
        if "authority" not in design.absorb:
            raise EstimationError(
                "fixed_effects compares authorities with themselves over time, and here the adjustment set has no authority or the data only one year; "
                "estimators that can: dowhy_linear, difference"
            )
        if design.question.target != "ATE":
            raise EstimationError(f"fixed_effects targets the ATE, and the question asks for the {design.question.target}; ask with  question.target=ATE")
        basis = design.basis()
        fit, treatment = least_squares(design, basis)
        biased = (
            ("strict exogeneity fails in the graph (the outcome moves a later treatment), which biases fixed effects",)
            if design.identification.feedback
            else ()
        )
        return estimated(
            design,
            fit,
            estimator=self.name,
            estimand="average effect within authorities, weighted by residual treatment variance (two-way fixed effects)",
            parts=group_parts(design, by_group(design, basis), rng),
            diagnostics={"authority effects held fixed": 1.0, "controls held fixed": 1.0, **residual_treatment(design, treatment)},
            concerns=biased + thin(design, treatment),
        )
