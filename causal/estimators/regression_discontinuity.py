"""Regression discontinuity: just beyond a cutoff against just short of it.

A rule gives the treatment to those whose running variable (a deprivation rank, a date of birth, a score) lies beyond a cutoff. All else goes on smoothly there,
so that the jump of the outcome, over that of the treatment, is the effect of the treatment at the cutoff, whatever confounds it elsewhere (Thistlethwaite
& Campbell 1960; Hahn, Todd & van der Klaauw 2001, Identification and estimation of treatment effects with a regression-discontinuity design). Where the
cutoff does not decide alone the answer is of those whom it moves. Bandwidths are chosen by diff-diff; fit, correction and scores by cluster are in
`causal.inference.discontinuity`.

The effect is the bias-corrected one, with the error that counts the correction; the uncorrected one that papers print first stands in the diagnostics.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.cutoff import FEWEST_ROWS, FEWEST_VALUES, LEAST_JUMP, Local, TwoByTwo, chosen, fitted, sides, treatment_jump
from causal.design import Design
from causal.estimand import Conditioning, Estimand
from causal.estimate import Course, Estimate, Point
from causal.estimators import serve
from causal.inference.clustered import Fit
from causal.inference.discontinuity import KERNELS, Jump, Kernel
from causal.knobs import between, one_of, whole_number
from causal.needs import Lack, Need
from causal.regression import estimated
from causal.words import count

WEAK = 10.0  # F of the treatment's jump below which a ratio is not normal
BINS = 20  # of the figure, on either side


def _cutoff(_: object, design: Design) -> Lack:
    found = sides(design)
    if found is None:
        return (
            "the graph has no arrow into the treatment that jumps at a cutoff of something measured; write  rank: {eligible: {because: …, cutoff: 30}}  in it, "
            "and have rank as a column"
        )
    return None


def _mass(_: object, design: Design) -> Lack:
    found = sides(design)
    if found is None:
        return None  # said by the need for a cutoff
    name, at = found.cutoff.name, found.cutoff.at
    for side, which in ((found.x >= 0, "treated"), (found.x < 0, "untreated")):
        x = found.x[side]
        if len(x) < FEWEST_ROWS:
            there = count(len(x), "row is", "rows are")
            return f"{name} must lie on both sides of {at:g}, and on the {which} side {there} there, at least {FEWEST_ROWS} are wanted"
        if (values := len(np.unique(x))) < FEWEST_VALUES:
            return f"{name} is heaped: on the {which} side of {at:g} it has {count(values, 'different value')}, and at least {FEWEST_VALUES} are wanted"
    return None


def _jumps(_: object, design: Design) -> Lack:
    found = sides(design)
    if found is None or _mass(_, design) is not None:
        return None  # said by the needs for a cutoff and for rows on both sides
    if abs(treatment_jump(design, found)) >= LEAST_JUMP:
        return None
    name, treatment = found.cutoff.name, design.question.treatment
    return (
        f"{treatment} must jump where {name} crosses {found.cutoff.at:g}, and nearest to it those on either side have as much of it: that is no cutoff of "
        "its own"
    )


AT_CUTOFF = Need("an arrow into the treatment with a cutoff", _cutoff)
MASS = Need("rows and different values of the running variable on both sides", _mass)
JUMPS = Need("a treatment that jumps at the cutoff", _jumps)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionDiscontinuity:
    """Local lines on either side of a cutoff, bias-corrected, clustered; fuzzy where the cutoff does not decide alone.

    Parameters
    ----------
    bandwidth : of the lines, in units of the running variable; None: chosen so that the mean squared error is least.
    bias_bandwidth : of the correction; None: chosen likewise, or the bandwidth where that was said.
    kernel : "triangular", "uniform" or "epanechnikov".
    order : of the lines, 1 or 2.
    """

    bandwidth: float | None = None
    bias_bandwidth: float | None = None
    kernel: Kernel = "triangular"
    order: int = 1
    needs: ClassVar[tuple[Need, ...]] = (AT_CUTOFF, MASS, JUMPS)
    answers: ClassVar[tuple[str, ...]] = ("ATE",)
    targets: ClassVar[str] = "ATE at the cutoff (where it does not decide alone, of those whom it moves)"
    costs: ClassVar[str] = "a tenth of a second"
    limits: ClassVar[tuple[str, ...]] = ("local",)
    strategy: ClassVar[str] = "discontinuity"
    quick: ClassVar[bool] = True
    checks: ClassVar[tuple[str, ...]] = ("density", "covariates_at_cutoff", "placebo_cutoffs", "donut", "bandwidth_curve")

    def __post_init__(self) -> None:
        for name in ("bandwidth", "bias_bandwidth"):
            if getattr(self, name) is not None:
                between(f"regression_discontinuity.{name}", getattr(self, name), 0, np.inf)
        one_of("regression_discontinuity.kernel", self.kernel, KERNELS)
        whole_number("regression_discontinuity.order", self.order, 1, 2)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "regression_discontinuity"

    @property
    def local(self) -> Local:
        """How it fits."""
        return Local(kernel=self.kernel, order=self.order, bandwidth=self.bandwidth, bias_bandwidth=self.bias_bandwidth)

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with a running variable and its cutoff.
        rng : not used.

        Raises
        ------
        DesignError : the graph has no cutoff, one side is empty or heaped, the treatment does not jump, or the target is not the ATE.
        EstimationError : too few rows within the bandwidth.
        """
        serve(self, design)
        found = sides(design)
        assert found is not None
        widths = chosen(design, found, self.local)
        made = fitted(design, found, self.local, widths)
        contrast = design.question.contrast
        near = np.abs(found.x) < widths[0]
        size = np.bincount(design.cluster[found.rows], weights=made.weights**2, minlength=len(design.clusters))
        fit = Fit(
            coefficients=np.array([made.effect]),
            scores=made.scores[:, None],
            df=np.array([made.df]),
            residuals=np.zeros(0),
            inference="robust bias-corrected" + (", residuals by nearest neighbours" if np.isinf(made.df) else ", t(G−1)"),
            effective=float(size.sum() ** 2 / (size**2).sum()),
        )
        strength = (made.treatment / max(float(np.sqrt((made.treatment_scores**2).sum())), 1e-300)) ** 2 if not found.sharp else None
        running, at = found.cutoff.name, found.cutoff.at
        one = estimated(
            design,
            fit,
            over=design,
            estimator=self.name,
            estimand=Estimand(
                family="at_cutoff",
                comparison="sides",
                population="all" if found.sharp else "moved",
                weighting="near_cutoff",
                instruments=(str(running),),
                model=f"local {'lines' if self.order == 1 else 'parabolas'}, {self.kernel} kernel",
            ),
            conditioning=Conditioning(authority=False, year="year" in design.absorb, controls=True),
            diagnostics={
                "bandwidth": widths[0],
                "bandwidth of the correction": widths[1],
                "rows within the bandwidth, untreated side": float(made.left),
                "rows within the bandwidth, treated side": float(made.right),
                "uncorrected effect": made.plain * contrast,
                "uncorrected effect, standard error": made.plain_error * abs(contrast),
                "jump of the treatment": made.treatment,
                "F of the jump of the treatment": strength,
            },
            concerns=()
            if strength is None or strength >= WEAK
            else (f"the treatment hardly jumps at the cutoff (F = {strength:.1f}, at least {WEAK:g} is wanted), so that the ratio of jumps is unsure",),
            notes=(
                f"The line is fitted to {count(made.left + made.right, 'row')} within {widths[0]:.3g} of {running} = {at:g}, "
                f"{'which alone decides on the treatment' if found.sharp else 'which moves the treatment and does not decide alone'}. "
                f"Without correction of its bias the effect is {made.plain * contrast:.4g} (standard error {made.plain_error * abs(contrast):.3g}).",
            ),
        )
        return replace(
            one,
            df=None if np.isinf(made.df) else one.df,
            rows=int(near.sum()),
            authorities=len(np.unique(design.authority[found.rows[near]])),
            course=_course(design, found, made, widths[0]),
        )


def _course(design: Design, found: TwoByTwo, jump: Jump, width: float) -> Course:
    """Means of the outcome in bins of the running variable, and the two lines; twice the bandwidth wide."""
    points: list[Point] = []
    outcome, reach = design.outcome[found.rows], 2 * width
    for right in (False, True):
        mine = ((found.x >= 0) == right) & (np.abs(found.x) <= reach)
        x, y = found.x[mine], outcome[mine]
        bins = np.minimum((np.abs(x) / reach * BINS).astype(int), BINS - 1)
        for k in range(BINS):
            here = bins == k
            if not here.any():
                continue
            middle = float(x[here].mean())
            line = float(np.polyval(jump.lines[int(right)][::-1], middle)) if abs(middle) <= width else None
            points.append(Point(at=float(found.at(np.array([middle]))[0]), seen=float(y[here].mean()), fitted=line, rows=int(here.sum()), treated=right))
        for x0 in (0.0, width if right else -width):
            points.append(
                Point(at=float(found.at(np.array([x0]))[0]), fitted=float(np.polyval(jump.lines[int(right)][::-1], x0)), rows=0, treated=right, seen=None)
            )
    return Course(kind="cutoff", axis=str(found.cutoff.name), at=found.cutoff.at, points=tuple(sorted(points, key=lambda one: (one.at, one.treated))))
