"""DoWhy's matching, by propensity and by distance; without an interval.

Bootstrapped nearest neighbours are invalid (Abadie & Imbens 2008, On the failure of the bootstrap for matching estimators).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import ConfigError, EstimationError, refusal
from causal.estimate import Estimate, Pairing
from causal.estimators import serve
from causal.estimators.machinery.dowhy_rows import COVARIATES, Windows, effect_of
from causal.estimators.machinery.long_difference import TWO_KINDS
from causal.estimators.machinery.one_row import TARGETS, CrossSection, logistic, overlap, threats
from causal.inference.clustered import Fit
from causal.knobs import is_whole
from causal.needs import ADJUSTMENT, Need
from causal.regression import estimated, residual_treatment, without_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class PropensityMatching(Windows):
    """DoWhy's nearest neighbour on the propensity, one with replacement."""

    pairing: ClassVar[Pairing] = "propensity"
    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, TWO_KINDS, COVARIATES)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "ATT", "alike")
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "a second"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "propensity_matching"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : one row an authority is made of it (`before`, `after`), treated or not, with something to adjust for.
        rng : not used.

        Raises
        ------
        DesignError : no two kinds of authority, nothing to adjust for, or weights by a column.
        EstimationError : the covariates separate treated from untreated, so that propensity scores are 0 or 1.
        """
        serve(self, design)
        made = self.rows(design)
        propensity = logistic(made)
        why = "a bootstrap of nearest neighbours is invalid (Abadie & Imbens 2008), and their variance for an estimated propensity (2016) is not built"
        return _matched(self.name, design, made, propensity, effect_of(made, "propensity_score_matching", propensity), "nearest propensity", why)


@dataclass(frozen=True, slots=True, kw_only=True)
class DistanceMatching(Windows):
    """DoWhy's nearest neighbours by distance of the standardised covariates, with replacement.

    Parameters
    ----------
    before, after, base_outcome : as above.
    neighbours : of each authority.
    """

    neighbours: int = 1
    pairing: ClassVar[Pairing] = "covariates"
    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, TWO_KINDS, COVARIATES)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "ATT", "alike")
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "a second"

    def __post_init__(self) -> None:
        Windows.__post_init__(self)
        if not is_whole(self.neighbours, 1, 5):
            raise refusal(ConfigError, "neighbours", "a whole number from 1 to 5", repr(self.neighbours), "write  estimator.neighbours=1")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "distance_matching"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : one row an authority is made of it (`before`, `after`), treated or not, with something to adjust for.
        rng : not used.

        Raises
        ------
        DesignError : no two kinds of authority, nothing to adjust for, or weights by a column.
        """
        serve(self, design)
        made = self.rows(design)
        try:
            propensity: Floats | None = logistic(made)
        except EstimationError:
            propensity = None
        theirs = effect_of(made, "distance_matching", None, num_matches_per_unit=self.neighbours, distance_metric="minkowski", p=2)
        why = "a bootstrap of nearest neighbours is invalid (Abadie & Imbens 2008), and matching on several covariates is biased by more than its error (2006)"
        return _matched(self.name, design, made, propensity, theirs, f"{self.neighbours} nearest by standardised covariates", why)


def _matched(name: str, design: Design, cross_section: CrossSection, propensity: Floats | None, effect: float, how: str, why: str) -> Estimate:
    residualised = cross_section.design.partial_out(cross_section.on[:, None])[:, 0] if propensity is None else cross_section.on - propensity
    found, said, notes = ({}, ("the covariates tell for certain who was treated",), ()) if propensity is None else overlap(cross_section, propensity, None)
    number = len(cross_section.design.clusters)
    bare = Fit(coefficients=np.array([effect]), scores=np.ones((number, 1)), df=np.array([number - 1.0]), residuals=residualised, inference="")
    one = estimated(
        design,
        bare,
        over=cross_section.design,
        estimator=name,
        estimand=cross_section.estimand(how),
        conditioning=cross_section.conditioning(design),
        target=cross_section.target,
        diagnostics={**residual_treatment(cross_section.design, residualised), **found},
        concerns=said + threats(cross_section, residualised),
        notes=(*cross_section.design.words[-2:], *notes),
    )
    return without_interval(one, why)
