"""Difference in differences for treatments that end again, and doses that move both ways: switchers against stayers.

Every switch of the treatment is compared, in its own year, with places that had as much of it the year before and keep it (de Chaisemartin & D'Haultfœuille
2020; `causal.switches`). By their first switch alone (2024), or by local projections (Dube, Girardi, Jordà & Taylor 2023), nothing that an earlier switch left
behind is in the comparison. Where effects differ between places or years two-way fixed effects may weigh some of them negatively; here none is. It answers for
the year of the switch and supposes that nothing was felt before (`switchers_before`) and that nothing stays behind when the treatment ends (`carry_over`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from causal.design import Design
from causal.estimand import DesignFacts, Estimand
from causal.estimate import Estimate, Part
from causal.estimators import serve
from causal.estimators.machinery.bacon import negative_weights
from causal.inference.clustered import Fit, effective_clusters
from causal.knobs import at_least, one_of, whole_number
from causal.needs import AUTHORITY_EFFECTS, SUCCESSIVE_YEARS, Need
from causal.regression import estimated, feedback, parts_of, residual_treatment, warn_concentrated_leverage
from causal.switches import Paths, Switched, did, paths, projected
from causal.words import count

WAYS = ("switches", "first_switch", "local_projections")
MODELS = {
    "switches": "switchers against stayers",
    "first_switch": "first switches against those who have not switched",
    "local_projections": "local projections against those without a change",
}
FAMILIES = {"switches": "switched", "first_switch": "first_switched", "local_projections": "begun"}
BESIDE = {"switches": "places that keep as much", "first_switch": "places that have not switched", "local_projections": "places where nothing changes"}


def _switches(estimator: Any, design: Design) -> str | None:
    if len(design.years) < 2:
        return None
    if estimator.by == "local_projections" and len(values := np.unique(design.treatment)) > 2:
        return f"local projections compare a treatment of two levels, and {design.question.treatment} has {len(values)}; estimator.by=switches takes doses"
    if estimator.compared(paths(design), design) is not None:
        return None
    if estimator.by == "local_projections":
        return (
            f"nobody begins with {design.question.treatment} after {count(estimator.settled, 'year')} without it beside places where it does not change; "
            "try fewer years (estimator.settled)"
        )
    if estimator.by == "first_switch":
        return f"no place's first change of {design.question.treatment} has two beside it that had as much of it from the beginning and have kept it"
    return f"no place changes its {design.question.treatment} beside two that had as much of it the year before and keep it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversibleDid:
    """The effect of a switch in its own year.

    Parameters
    ----------
    by : "switches", every switch beside places that had as much the year before and keep it; "first_switch", a place's first alone, beside places that have
        not switched yet; "local_projections", those who begin after years without it, beside places where nothing changes, also for later years.
    settled : local projections: years without it before, and years after which a place that has it serves for comparison again.
    ahead : local projections: years after the year of beginning that are shown too, for those who keep it.
    bins : a dose of more values than this is compared in so many groups of equal size by its level the year before.
    still : changes of the treatment up to this share of the contrast count as none.
    """

    by: Literal["switches", "first_switch", "local_projections"] = "switches"
    settled: int = 2
    ahead: int = 2
    bins: int = 5
    still: float = 0.0
    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS, SUCCESSIVE_YEARS, Need("switches beside places that keep as much", _switches))
    answers: ClassVar[tuple[str, ...]] = ("ATT",)
    targets: ClassVar[str] = "ATT of switches, every unit of change alike"
    costs: ClassVar[str] = "milliseconds"
    limits: ClassVar[tuple[str, ...]] = ("own_year", "feedback")
    checks: ClassVar[tuple[str, ...]] = ("switchers_before", "carry_over")
    quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        one_of("reversible_did.by", self.by, WAYS)
        whole_number("settled", self.settled, 1)
        whole_number("ahead", self.ahead, 0)
        whole_number("bins", self.bins, 1)
        at_least("still", self.still, 0)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "reversible_did"

    def still_level(self, design: Design) -> float:
        """Changes up to this count as none, in the treatment's unit."""
        return self.still * abs(design.question.contrast) + 1e-9 * float(np.ptp(design.treatment))

    def compared(self, made: Paths, design: Design, *, ahead: int = 0, directions: tuple[int, ...] = (1, -1)) -> Switched | None:
        """The average over switches; None where nobody can be compared.

        Parameters
        ----------
        made : the design laid out.
        design : with authorities absorbed.
        ahead : of local projections, years after that of beginning.
        directions : of (1, −1), the switches that count; local projections have those of beginning alone.
        """
        still = self.still_level(design)
        if self.by == "local_projections":
            return projected(made, ahead=ahead, settled=self.settled, still=still)
        return did(made, bins=self.bins, still=still, directions=directions, first=self.by == "first_switch")

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
        made = paths(design)
        whole = self.compared(made, design)
        assert whole is not None
        parts = self._later(made, design, rng) if self.by == "local_projections" else self._directions(made, design, rng)
        basis = design.basis()
        left = design.partial_out(design.treatment[:, None], basis)[:, 0]
        below, _ = negative_weights(left, design.treatment) if design.treatment.min() >= 0 else (None, None)
        lost = f"; {count(whole.unmatched, 'switch', 'switches')} with nobody to compare with left out" if whole.unmatched else ""
        return estimated(
            design,
            _fit([whole], len(design.clusters)),
            estimator=self.name,
            estimand=Estimand(
                family=FAMILIES[self.by],
                comparison="within",
                population="treated",
                weighting="beginners" if self.by == "local_projections" else "switchers",
                model=MODELS[self.by],
                changes=True,
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
            notes=(f"{count(whole.switches, 'switch', 'switches')} of {count(whole.places, 'place')}, each beside {BESIDE[self.by]}{lost}.",),
        )

    def _directions(self, made: Paths, design: Design, rng: np.random.Generator) -> tuple[Part, ...]:
        """Of beginning and of ending."""
        ways = (("began or had more", 1), ("ended or had less", -1))
        found = [(name, one) for name, way in ways if (one := self.compared(made, design, directions=(way,))) is not None]
        return parts_of(
            design.question,
            _fit([one for _, one in found], len(design.clusters)),
            kind="group",
            of="direction of the switch",
            names=[name for name, _ in found],
            counts=[(one.switches, one.places) for _, one in found],
            rng=rng,
        )

    def _later(self, made: Paths, design: Design, rng: np.random.Generator) -> tuple[Part, ...]:
        """In the year of beginning and in those after it, for those who keep it."""
        found = [(k, one) for k in range(self.ahead + 1) if (one := self.compared(made, design, ahead=k)) is not None and np.abs(one.scores).max() > 0]
        return parts_of(
            design.question,
            _fit([one for _, one in found], len(design.clusters)),
            kind="time",
            of=design.treatment_variable.name,
            names=[f"lag {k}" if k else "now" for k, _ in found],
            counts=[(one.switches, one.places) for _, one in found],
            rng=rng,
            since=[k for k, _ in found],
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
