"""What it compares, in one line: here each authority with itself over time, in a straight line.

Author, year, title of the paper that it follows, and what of the paper's notation stands in the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.design import Design
from causal.estimand import Conditioning, Estimand
from causal.estimate import Estimate
from causal.estimators import serve
from causal.knobs import true_or_false
from causal.needs import AUTHORITY_EFFECTS, Need
from causal.regression import estimated, feedback, least_squares, residual_treatment, warn_concentrated_leverage


@dataclass(frozen=True, slots=True, kw_only=True)
class MyEstimator:
    """A straight line through each authority's changes.

    Parameters
    ----------
    adjust : whether the controls that the graph asks for are adjusted for.
    """

    adjust: bool = True
    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS,)  # what a design must have; causal/needs.py has them all, and one of your own is a Need too
    # what is read to refuse and to offer: codes of causal/needs.py (ANSWERS); one of your own, ("median",), where it is no average
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE, weighted by residual treatment variance (and question.weights)"  # the same in words, for people alone
    costs: ClassVar[str] = "milliseconds"
    limits: ClassVar[tuple[str, ...]] = ("feedback",)  # what it cannot do, codes of causal/proposal.py (CANNOT), said before it is fitted; () for none

    def __post_init__(self) -> None:
        true_or_false("my_estimator.adjust", self.adjust)  # every knob is checked at birth, by causal/knobs.py

    @property
    def name(self) -> str:
        """Its name on the shelf: that of its YAML."""
        return "my_estimator"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : rows, what is absorbed and what is adjusted for; it is not changed.
        rng : of all that is drawn at random here.

        Raises
        ------
        DesignError : the design has not what `needs` says.
        """
        serve(self, design)  # refuses what `needs` and `answers` do not admit, and names estimators that can
        fit, residualised = least_squares(design, design.basis(controls=self.adjust))  # errors by cluster
        # without a fit of this kind: causal.bootstrapped.bootstrapped draws whole clusters instead, and takes your effect as a function of a design
        return estimated(
            design,
            fit,
            estimator=self.name,
            estimand=Estimand(family="average", comparison="within", population="all", weighting="residual_variance"),  # codes of causal/estimand.py
            conditioning=Conditioning.by(design, authority=True, controls=self.adjust),
            diagnostics=residual_treatment(design, residualised),
            concerns=feedback(design) + warn_concentrated_leverage(design, residualised),
        )
