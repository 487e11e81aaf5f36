"""The outcome before the treatment in the place of authority effects.

Where authorities change their services because of what their outcome was, rather than because of what they lastingly are, the outcome of the year
before the treatment is the right thing to hold fixed and authority effects are wrong (Angrist & Pischke 2009, Mostly Harmless
Econometrics, section 5.4). Which of the two holds is not known; if one of them does, the effect lies between the two estimates, which
bracket it (Ding & Li 2019, A bracketing relationship between difference-in-differences and lagged-dependent-variable adjustment).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.design import Design
from causal.errors import CausalError
from causal.estimand import Conditioning, Estimand
from causal.estimate import Estimate
from causal.estimators import serve
from causal.graph import dated
from causal.needs import PAST_OUTCOME, Need
from causal.regression import by_group, estimated, group_parts, least_squares, residual_treatment, warn_concentrated_leverage
from causal.rows import Control


@dataclass(frozen=True, slots=True, kw_only=True)
class LaggedOutcome:
    """Pooled least squares on the treatment, the outcome of the year before it, the controls and year effects; clustered errors."""

    needs: ClassVar[tuple[Need, ...]] = (PAST_OUTCOME,)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE, weighted by residual treatment variance (and question.weights)"
    costs: ClassVar[str] = "milliseconds"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "lagged_outcome"

    def regression(self, design: Design) -> Design:
        """The rows whose past outcome is known, without authority effects and with that outcome among the controls.

        Raises
        ------
        DesignError : it is known for fewer than ten authorities.
        """
        name = _past(design)
        known = np.flatnonzero(np.isfinite(design.column(name)))
        pooled = design.subset(known, f"{name} not known").pooled()
        if name in pooled.control_groups:
            return pooled
        return replace(
            pooled,
            controls=np.column_stack([pooled.controls, pooled.column(name)]),
            control_names=(*pooled.control_names, name),
            control_groups={**pooled.control_groups, Control(name): (pooled.controls.shape[1],)},
        )

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with the past outcome among its columns; it is conditioned on in the place of authority effects.
        rng : draws the joint critical values of effects by group.

        Raises
        ------
        DesignError : the past outcome is never known, or the target is not the ATE.
        """
        serve(self, design)
        used = self.regression(design)
        basis = used.basis()
        fit, treatment = least_squares(used, basis)
        asked = "authority" in design.absorb
        effect = float(fit.coefficients[0] * design.question.contrast)
        other = _within(design.subset(np.flatnonzero(np.isfinite(design.column(_past(design)))))) if asked else None
        notes: tuple[str, ...] = ()
        if other is not None:
            low, high = sorted((effect, other))
            notes = (
                f"With authority effects instead, on the same rows: {other:+.3g}. If authorities act either on their past outcome or on what is "
                f"lasting about them, the effect lies between {low:+.3g} and {high:+.3g} (sampling apart).",
            )
        missing = ("the graph asks for authority effects; this holds the past outcome fixed in their place",) if asked else ()
        return estimated(
            design,
            fit,
            over=used,
            estimator=self.name,
            estimand=Estimand(family="average", comparison="past_outcome", population="all", weighting="residual_variance", model="lagged outcome"),
            conditioning=Conditioning.by(design, authority=False),
            association=asked,
            parts=group_parts(used, by_group(used, basis), rng),
            diagnostics={
                **residual_treatment(used, treatment),
                "bracket: with authority effects": other,
                "bracket: with the past outcome": effect,
            },
            concerns=missing + warn_concentrated_leverage(used, treatment),
            notes=notes,
        )


def _past(design: Design) -> str:
    return dated(design.question.outcome, -design.question.lag - 1)


def _within(design: Design) -> float | None:
    """The two-way fixed effect on the same rows, outcome units; None where it cannot be told."""
    observed = np.bincount(design.authority)[design.authority]
    try:
        made = design.subset(np.flatnonzero(observed > 1))
        fit, _ = least_squares(made, made.basis())
    except CausalError:
        return None
    return float(fit.coefficients[0] * design.question.contrast)
