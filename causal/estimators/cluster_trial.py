"""A trial by lot: places drawn, people drawn within places, or a roll-out whose order was drawn (stepped wedge).

The offer as drawn is compared, whether or not it was taken up (intention to treat). The regression has what the lots were drawn within, the years of a
roll-out and, for precision alone, what moves the outcome (Lin 2013, Agnostic notes on regression adjustments to experimental data); a stepped wedge is
compared within places and within years (Hussey & Hughes 2007, Design and analysis of stepped wedge cluster randomized trials). Errors are by cluster, CR2
with Satterthwaite's degrees of freedom where clusters are few, and beside them stands the exact p-value of the lots themselves: the t statistic in draws
that could have come out instead (Young 2019, Channeling Fisher: randomization tests and the statistical insignificance of seemingly significant
experimental results).

With `received`, what was taken up, the effect on those who took it up because they were offered it stands beside (Angrist, Imbens & Rubin 1996,
Identification of causal effects using instrumental variables): the offer's effect over how far it moved the taking up, with Fieller's interval of a ratio.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import ConfigError, refusal
from causal.estimand import Conditioning, Estimand, compared
from causal.estimate import Estimate, Part
from causal.estimators import serve
from causal.graph import undated
from causal.inference.clustered import Fit, interval
from causal.knobs import one_of, whole_number
from causal.lots import Lots, drawn, lacks_draw, lacks_name
from causal.needs import BY_LOT, Need
from causal.redraw import with_treatment
from causal.regression import by_group, estimated, group_parts, least_squares, residual_treatment, warn_concentrated_leverage
from causal.rows import Control
from causal.words import count

ADJUST = ("additive", "none")
UNDRAWN = ("refuse", "keep")
MOST_TERMS = 400  # dummies of places; beyond these people within places are held by their place's means instead


def _drawn(estimator: Any, design: Design) -> str | None:
    if not design.identification.lot:
        return None
    if estimator.undrawn == "keep" and not lacks_name(design, estimator.within):
        return None
    return lacks_draw(design, estimator.within)


def _received(estimator: Any, design: Design) -> str | None:
    name = estimator.received
    if name is None or any(undated(one)[0] == name for one in design.columns):
        return None
    there = ", ".join(design.identification.mediators) or "nothing"
    return f"{name!r} is no measured node between the offer and the outcome; the graph has {there} there"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterTrial:
    """The effect of an offer that lots decided, with errors by cluster and the exact p-value of the lots.

    Parameters
    ----------
    within : the control that the lots were drawn within, or "region"; None: among all places, or among the people of each place.
    received : the node of what was taken up, between the offer and the outcome; None where everybody took it up, or nobody knows.
    adjust : "additive" holds what moves the outcome fixed; "none" what the lots were drawn within alone.
    undrawn : "refuse" a trial with strata in which every unit has one arm, so that no lot decided there; or "keep" their units, which then tell of
        covariates alone.
    draws : lots drawn again for the exact p-value; 0 for none.
    """

    within: str | None = None
    received: str | None = None
    adjust: str = "additive"
    undrawn: str = "refuse"
    draws: int = 999
    needs: ClassVar[tuple[Need, ...]] = (
        BY_LOT,
        Need("lots drawn in every stratum", _drawn),
        Need("what was taken up among the graph's mediators, where it is named", _received),
    )
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE of the offer, weighted by residual treatment variance (takes question.weights)"
    costs: ClassVar[str] = "a tenth of a second"
    limits: ClassVar[tuple[str, ...]] = ("offer",)
    checks: ClassVar[tuple[str, ...]] = ("covariate_balance", "attrition", "compliance")
    quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for key in ("within", "received"):
            value = getattr(self, key)
            if value is not None and (not isinstance(value, str) or not value.strip()):
                raise refusal(ConfigError, f"estimator.{key}", "the name of a column, or null", repr(value), "name a node of the graph")
        one_of("adjust", self.adjust, ADJUST)
        one_of("undrawn", self.undrawn, UNDRAWN)
        whole_number("draws", self.draws, 0)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "cluster_trial"

    def regression(self, design: Design) -> Design:
        """The design with what the lots were drawn within, and without covariates where none are asked for."""
        made = design
        if self.adjust == "none":
            kept = [name for name in design.control_groups if name.cause == self.within]
            at = [i for name in kept for i in design.control_groups[name]]
            place = {i: new for new, i in enumerate(at)}
            made = replace(
                design,
                controls=design.controls[:, at],
                control_names=tuple(design.control_names[i] for i in at),
                control_groups={name: tuple(place[i] for i in design.control_groups[name]) for name in kept},
            )
        lots = drawn(design, self.within)
        strata = lots.stratum[lots.unit]
        if len(lots.strata) < 2 or len(lots.strata) > MOST_TERMS or "authority" in made.absorb:
            return made
        terms = np.asarray(strata[:, None] == np.arange(1, len(lots.strata)), dtype=float)
        start = made.controls.shape[1]
        # a control that the strata tell wholly is left out where a basis of all columns is made
        return replace(
            made,
            controls=np.column_stack([made.controls, terms]),
            control_names=(*made.control_names, *(f"stratum {name}" for name in lots.strata[1:])),
            control_groups={**made.control_groups, Control("strata of the draw", made=True): tuple(range(start, start + terms.shape[1]))},
        )

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with a treatment that the graph says was decided by lot; `received`, where it is named, among its columns.
        rng : draws the lots again for the exact p-value, and the joint critical values of effects by group.

        Raises
        ------
        DesignError : the graph does not say that lots decided, or not all units were drawn.
        """
        serve(self, design)
        made, lots = self.regression(design), drawn(design, self.within)
        basis = made.basis()
        fit, treatment = least_squares(made, basis)
        contrast = design.question.contrast
        groups = by_group(made, basis) if design.modifiers else []
        taken = None if self.received is None else _taken(made, basis, self.received, fit)
        parts = group_parts(made, groups, rng)
        told: dict[str, float | None] = {}
        notes = [
            f"{'People' if lots.people else 'Places'} were drawn: {lots.units:,} units, {_arms(lots)}"
            + (f", within {len(lots.strata):,} strata." if len(lots.strata) > 1 else ".")
        ]
        if taken is not None:
            ratio, error, lower, upper, first = taken
            moved = float(first.coefficients[0])
            told |= {"taken up because offered": moved * contrast, "F of the taking up": (moved / float(first.std_errors[0])) ** 2}
            part = Part(
                kind="path",
                of="taken up",
                name="on those who took it up because they were offered it",
                effect=ratio,
                std_error=error if lower is not None else None,
                lower=lower,
                upper=upper,
                rows=made.rows,
                authorities=len(made.authorities),
            )
            parts = (*parts, part)
            if lower is None:
                notes.append("Too few took it up because they were offered it for a range of the effect on these.")
        spread = _control_sd(made, lots) if made.counts is None else None  # of means over people their own spread is not known
        reach = interval(fit.coefficients[0] * contrast, float(fit.std_errors[0] * abs(contrast)), design.question.level, float(fit.df[0]))
        told |= {"effect in standard deviations": float(fit.coefficients[0] * contrast / spread)} if spread else {}
        told |= {"lower end in standard deviations": float(reach[0] / spread), "upper end in standard deviations": float(reach[1] / spread)} if spread else {}
        told["exact p-value of the lots"] = self._exact(made, lots, fit, rng)
        return estimated(
            design,
            fit,
            over=made,
            estimator=self.name,
            estimand=Estimand(family="average", comparison=compared(design), population="all", weighting="residual_variance", model="offer by lot"),
            conditioning=Conditioning.by(design),
            parts=parts,
            diagnostics={**residual_treatment(made, treatment), "intracluster correlation": _icc(design), **told},
            concerns=(*_not_drawn(lots), *warn_concentrated_leverage(made, treatment)),
            notes=tuple(notes),
        )

    def _exact(self, design: Design, lots: Lots, fit: Fit, rng: np.random.Generator) -> float | None:
        """Share of draws that could have come out instead whose t statistic is as large, this one counted among them."""
        if not self.draws or not fit.std_errors[0] > 0:
            return None
        others = _histories(design, lots, self.draws, rng)
        slopes, errors = with_treatment(design, True)(others)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.abs(slopes / errors)
        own = abs(float(fit.coefficients[0] / fit.std_errors[0]))
        known = np.isfinite(t)
        return float((1 + (t[known] >= own * (1 - 1e-9)).sum()) / (1 + known.sum())) if known.any() else None


def _histories(design: Design, lots: Lots, draws: int, rng: np.random.Generator) -> Floats:
    """Treatments of other draws, shape (draws, rows): each unit gets the whole history of a unit of its stratum."""
    if lots.people or design.rows == len(design.authorities):
        return np.array([lots.share[lots.again(rng)][lots.unit] for _ in range(draws)])
    years = design.years
    laid = np.full((lots.units, len(years)), np.nan)
    laid[lots.unit, np.searchsorted(years, design.year)] = design.treatment
    # a year in which a unit was not seen goes by the arm of the year before
    for t in range(1, len(years)):
        laid[:, t] = np.where(np.isnan(laid[:, t]), laid[:, t - 1], laid[:, t])
    laid = np.where(np.isnan(laid), 0.0, laid)
    at = np.searchsorted(years, design.year)
    return np.array([laid[lots.again(rng)][lots.unit, at] for _ in range(draws)])


def _taken(design: Design, basis: Floats, name: str, offer: Fit) -> tuple[float, float, float | None, float | None, Fit]:
    """Effect on those whom the offer moved, its error, its ends (None where Fieller's set has none), and the taking up as a fit."""
    column = next(values for one, values in design.columns.items() if undated(one)[0] == name)
    known = np.isfinite(column)
    took = replace(design, outcome=np.where(known, column, float(column[known].mean())))
    first, _ = least_squares(took, basis)
    a, b = float(offer.coefficients[0]), float(first.coefficients[0])
    u, v = offer.scores[:, 0], first.scores[:, 0]
    ratio = a / b if b else np.nan
    error = float(np.sqrt(((u - ratio * v) ** 2).sum()) / abs(b)) if b else np.nan
    df = min(float(offer.df[0]), float(first.df[0]))
    _, reach, _ = interval(0.0, 1.0, design.question.level, df)
    # (a − θb)² ≤ t² Σ(u − θv)²: a bounded range where b itself is told from 0
    top, mid, low = b * b - reach**2 * float(v @ v), a * b - reach**2 * float(u @ v), a * a - reach**2 * float(u @ u)
    inside = mid * mid - top * low
    if not (top > 0 and inside >= 0):
        return ratio, error, None, None, first
    return ratio, error, (mid - float(np.sqrt(inside))) / top, (mid + float(np.sqrt(inside))) / top, first


def _not_drawn(lots: Lots) -> tuple[str, ...]:
    """The concern where units were kept that no lot can have decided on."""
    gone = len(lots.undrawn)
    return (f"in {count(gone, 'stratum', 'strata')} of {len(lots.strata)} every unit has one arm, so that no lot decided there",) if gone else ()


def _arms(lots: Lots) -> str:
    """How many units are in each arm, or in a roll-out how many orders there are."""
    values, number = np.unique(np.round(lots.share, 9), return_counts=True)
    if len(values) == 2:
        return f"{number[1]:,} offered it and {number[0]:,} not"
    return f"{len(values)} dates of a roll-out" if len(values) < lots.units else "each with a share of its own"


def _control_sd(design: Design, lots: Lots) -> float:
    """Standard deviation of the outcome among those not offered it, which effect sizes are told in."""
    free = design.treatment == design.question.control
    return float(design.outcome[free].std(ddof=1)) if free.sum() > 1 else float(design.outcome.std(ddof=1))


def _icc(design: Design) -> float | None:
    """Share of the outcome's residual variance that lies between clusters, by the analysis of variance (Donner & Klar 2000, sec. 1.3)."""
    if len(design.clusters) == design.rows or design.counts is not None:  # of means over people their own spread is not known
        return None
    held = design.pooled()
    left = held.partial_out(np.column_stack([held.outcome, held.treatment]))
    d = left[:, 1]
    residual = left[:, 0] - d * float(d @ left[:, 0]) / max(float(d @ d), np.finfo(float).tiny)
    size = np.bincount(design.cluster, minlength=len(design.clusters)).astype(float)
    means = np.bincount(design.cluster, weights=residual, minlength=len(design.clusters)) / size
    g, n = len(size), design.rows
    between = float((size * means**2).sum()) / (g - 1)
    inside = float(((residual - means[design.cluster]) ** 2).sum()) / (n - g)
    usual = (n - float((size**2).sum()) / n) / (g - 1)
    return float((between - inside) / (between + (usual - 1) * inside))
