"""Difference in differences for treatments that end again, and doses that move both ways: switchers against stayers.

Every switch of the treatment is compared, in its own year, with places that had as much of it the year before and keep it (de Chaisemartin & D'Haultfœuille
2020; `causal.switches`). Where effects differ between places or years two-way fixed effects may weigh some of them negatively; here none is. It answers for
the year of the switch and supposes that nothing was felt before (`switchers_before`) and that nothing stays behind when the treatment ends (`carry_over`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from causal.design import Design
from causal.estimand import DesignFacts, Estimand
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.machinery.bacon import negative_weights
from causal.inference.clustered import Fit, effective_clusters
from causal.knobs import at_least, whole_number
from causal.needs import AUTHORITY_EFFECTS, SUCCESSIVE_YEARS, Need
from causal.regression import estimated, feedback, parts_of, residual_treatment, warn_concentrated_leverage
from causal.switches import Switched, did, paths
from causal.words import count


def _switches(estimator: Any, design: Design) -> str | None:
    if len(design.years) < 2 or did(paths(design), bins=estimator.bins, still=estimator.still_level(design)) is not None:
        return None
    return f"no place changes its {design.question.treatment} beside two that had as much of it the year before and keep it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversibleDid:
    """The effect of a switch in its own year.

    Parameters
    ----------
    bins : a dose of more values than this is compared in so many groups of equal size by its level the year before.
    still : changes of the treatment up to this share of the contrast count as none.
    """

    bins: int = 5
    still: float = 0.0
    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS, SUCCESSIVE_YEARS, Need("switches beside places that keep as much", _switches))
    targets: ClassVar[str] = "ATT of switches, every unit of change alike"
    costs: ClassVar[str] = "milliseconds"
    limits: ClassVar[tuple[str, ...]] = ("own_year", "feedback")
    checks: ClassVar[tuple[str, ...]] = ("switchers_before", "carry_over")
    quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        whole_number("bins", self.bins, 1)
        at_least("still", self.still, 0)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "reversible_did"

    def still_level(self, design: Design) -> float:
        """Changes up to this count as none, in the treatment's unit."""
        return self.still * abs(design.question.contrast) + 1e-9 * float(np.ptp(design.treatment))

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with authorities absorbed, seen in successive years.
        rng : draws the joint critical values of the two directions of a switch.

        Raises
        ------
        DesignError : nobody switches beside places that keep as much, or the target is not the ATT.
        """
        serve(self, design)
        made, still = paths(design), self.still_level(design)
        whole = did(made, bins=self.bins, still=still)
        assert whole is not None
        sides = [
            (name, found)
            for name, way in (("began or had more", 1), ("ended or had less", -1))
            if (found := did(made, bins=self.bins, still=still, directions=(way,)))
        ]
        parts = parts_of(
            design.question,
            _fit([one for _, one in sides], len(design.clusters)),
            kind="group",
            of="direction of the switch",
            names=[name for name, _ in sides],
            counts=[(one.switches, one.places) for _, one in sides],
            rng=rng,
        )
        basis = design.basis()
        left = design.partial_out(design.treatment[:, None], basis)[:, 0]
        below, _ = negative_weights(left, design.treatment) if design.treatment.min() >= 0 else (None, None)
        lost = f"; {count(whole.unmatched, 'switch', 'switches')} with nobody to compare with left out" if whole.unmatched else ""
        return estimated(
            design,
            _fit([whole], len(design.clusters)),
            estimator=self.name,
            estimand=Estimand(
                family="switched", comparison="within", population="treated", weighting="switchers", model="switchers against stayers", changes=True
            ),
            facts=DesignFacts(movers=whole.places),
            target="ATT",
            parts=parts,
            diagnostics={
                **residual_treatment(design, left),
                "switches compared": float(whole.switches),
                "switches with nobody to compare with": float(whole.unmatched),
                "effective clusters of the switches": effective_clusters(whole.scores, np.arange(len(whole.scores)), len(whole.scores))[0],
                "negative weights of two-way fixed effects": below,
            },
            concerns=feedback(design) + warn_concentrated_leverage(design, left),
            notes=(f"{count(whole.switches, 'switch', 'switches')} of {count(whole.places, 'place')}, each beside places that keep as much{lost}.",),
        )


def _fit(found: list[Switched], clusters: int) -> Fit:
    """Averages over switches as coefficients."""
    return Fit(
        coefficients=np.array([one.effect for one in found]),
        scores=np.column_stack([one.scores for one in found]),
        df=np.array([max(min(clusters - 1.0, one.places - 1.0), 1.0) for one in found]),
        residuals=np.zeros(0),
        inference="scores of switchers and stayers, t by switchers",
    )
