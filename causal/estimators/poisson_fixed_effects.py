"""Counts with people as exposure: Poisson regression with authority and year effects.

log E[count] = log people + authority + year + controls + β treatment, by pseudo-maximum likelihood, which needs the mean to be right and nothing of
the counts' distribution (Wooldridge 1999, Distribution-free estimation of some nonlinear panel data models). Counts take the logarithm of people as
offset (exposure). A rate weighted by people gives the same equations as its count with people as exposure, so rates are weighed, and counts are
divided by people first. The authority and year effects are taken out at every step of reweighted least squares (Correia, Guimarães & Zylkin
2020, Fast Poisson estimation with high-dimensional fixed effects).

exp(β × contrast) is a ratio of rates. In outcome units the effect is that ratio's meaning at the sample's mean: the mean rate, moved along the curve from
`control` to `treated`, the delta method for its error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import ConfigError, EstimationError, NotEstimable, refusal
from causal.estimand import Estimand
from causal.estimate import Estimate
from causal.estimators import serve
from causal.inference.clustered import Fit, cluster_sums, clustered_least_squares
from causal.needs import AUTHORITY_EFFECTS, COUNTS, Need
from causal.regression import GroupFit, estimated, feedback, group_parts, residual_treatment, warn_concentrated_leverage

STEPS = 100  # of reweighted least squares; a dozen are usual
HALF = 0.5  # slope of log outcome on log people below which a count looks like a rate
SEPARATES = 1e-8  # of the treatment's range: below it nothing is left
CLOSE = 1e-10  # relative change of the deviance at which they end


@dataclass(frozen=True, slots=True, kw_only=True)
class PoissonFixedEffects:
    """Poisson regression with authority and year effects, people as exposure where the panel counts them; clustered errors.

    Parameters
    ----------
    outcome : "rate" (weighed by people), "count" (people as exposure), or None: a rate where the variable says so (`count_per`, or a unit with "per" or "%"),
        otherwise a count.
    """

    outcome: Literal["rate", "count"] | None = None
    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS, COUNTS)
    answers: ClassVar[tuple[str, ...]] = ("ATE",)
    targets: ClassVar[str] = "ATE at the mean rate, every person alike"
    costs: ClassVar[str] = "a tenth of a second"
    quick: ClassVar[bool] = True
    by_people: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.outcome not in (None, "rate", "count"):
            raise refusal(ConfigError, "outcome", "'rate', 'count', or null to read it off the variable", repr(self.outcome), "write  estimator.outcome=null")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "poisson_fixed_effects"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with authorities absorbed and an outcome that is never below 0; places without an event are left out.
        rng : draws the joint critical values of effects by group.

        Returns
        -------
        Estimate : the ratio of rates, put into outcome units at the mean rate.

        Raises
        ------
        DesignError : authorities are not absorbed, an outcome below 0, the target is not the ATE, or the question has weights.
        EstimationError : the steps do not converge.
        NotEstimable : the treatment separates the counts that are 0, so that no ratio fits best.
        """
        serve(self, design)
        used = _with_events(design)
        _separated(used)
        people = used.row_count  # before exposure stands in the place of their weights
        used, exposure, said, doubt = self._exposed(used)
        fit, residualised, rates = poisson(used, exposure, used.treatment[:, None], people)
        question = design.question
        rate, dose = (float(np.average(column, weights=exposure)) for column in (used.outcome, used.treatment))

        def moved(one: Fit) -> Fit:
            """Each slope of log rates as the effect of one unit of contrast, outcome units, and so with the contrast to come."""
            high, low = (np.exp(one.coefficients * (at - dose)) for at in (question.treated, question.control))
            effect = rate * (high - low) / question.contrast
            steep = rate * (high * (question.treated - dose) - low * (question.control - dose)) / question.contrast
            return replace(one, coefficients=effect, scores=one.scores * steep)

        groups: list[GroupFit] = []
        for m in used.modifiers:
            columns = used.treatment[:, None] * (m.codes[:, None] == np.arange(len(m.groups)))
            varies = np.linalg.norm(used.demean(columns), axis=0) > 1e-6 * np.linalg.norm(used.demean(used.treatment[:, None]))
            kept = np.flatnonzero(varies)
            place = np.full(len(m.groups), -1)
            place[kept] = np.arange(len(kept))
            groups.append((m.name, tuple(m.groups[k] for k in kept), moved(poisson(used, exposure, columns[:, kept], people)[0]), place[m.codes]))
        ends = [float(np.exp(end * question.contrast)) for end in _ends(fit, question.level)]
        ratio, lowest, highest = float(np.exp(fit.coefficients[0] * question.contrast)), min(ends), max(ends)
        kind = f"Poisson, {'two-way' if 'year' in design.absorb else 'authority'} fixed effects"
        return estimated(
            design,
            replace(moved(fit), effective=fit.effective),
            over=used,
            estimator=self.name,
            estimand=Estimand(
                family="average",
                comparison="within",
                population="all",
                weighting="people",
                scale="at_mean_rate",
                model=kind,
            ),
            parts=group_parts(used, groups, rng),
            diagnostics={
                **residual_treatment(replace(used, weights=exposure * rates), residualised),
                "rate ratio": ratio,
                "rate ratio, lower": lowest,
                "rate ratio, upper": highest,
                "mean rate": rate,
            },
            concerns=feedback(design) + warn_concentrated_leverage(used, residualised) + doubt,
            notes=(f"Ratio of rates, treated to control: {ratio:.3f} ({question.level:.0%} interval {lowest:.3f} to {highest:.3f}); {said}.",),
        )

    def _exposed(self, design: Design) -> tuple[Design, Floats, str, tuple[str, ...]]:
        """The design with a rate as its outcome, the weights that make its equations those of counts, and what is said of it.

        A count is divided by people over their mean, so that it stays in its own unit, at the mean number of people.
        """
        if design.weighs_people:
            assert design.weights is not None
            return replace(design, weights=None), design.weights, "a mean over people, with them as exposure, as each one's own count would be", ()
        if design.population is None:
            return design, np.ones(design.rows), "exposure: one a row", ()
        known = np.isfinite(design.population) & (design.population > 0)
        if not known.all():
            design = design.subset(np.flatnonzero(known), "people not known, or none, so that there is no exposure")
        people = design.population
        assert people is not None
        exposure = np.asarray(people / people.mean())
        if (self.outcome or _declared(design)) == "rate":
            return design, exposure, "a rate, weighed by people, as its count with people as exposure would be", ()
        slope = _grows_with(people, design)
        doubt: tuple[str, ...] = ()
        if self.outcome is None and slope is not None and slope < HALF:
            name = design.question.outcome
            doubt = (f"{name} is taken as a count, and it hardly grows with people between places; were it a rate, say  estimator.outcome=rate",)
        return replace(design, outcome=design.outcome / exposure), exposure, "a count, with people as exposure (offset)", doubt


def _declared(design: Design) -> str:
    """What the outcome's variable says that it is."""
    one = design.outcome_variable
    unit = f" {one.unit} ".lower()
    return "rate" if one.count_per or " per " in unit or "%" in unit or " rate " in unit or " share " in unit else "count"


def _grows_with(people: Floats, design: Design) -> float | None:
    """The slope of log mean outcome on log mean people between places: about 1 for counts, 0 for rates; None where people do not differ."""
    number = len(design.authorities)
    sums = [np.bincount(design.authority, weights=column, minlength=number) for column in (design.outcome, people)]
    some = sums[0] > 0
    y, x = (np.log(one[some]) - np.log(one[some]).mean() for one in sums)
    return float(x @ y / (x @ x)) if float(np.ptp(x)) > 0.5 else None


def _with_events(design: Design) -> Design:
    """Without authorities whose counts are all 0, which say nothing about a ratio."""
    totals = np.bincount(design.authority, weights=design.outcome)
    return design.subset(np.flatnonzero(totals[design.authority] > 0), "no event in any year, which says nothing about a ratio")


def _separated(design: Design) -> None:
    """Refuse a treatment that tells which counts are 0 (Correia, Guimarães & Zylkin 2021, Verifying the existence of maximum likelihood estimates).

    If, among rows with an event, nothing of the treatment is left once what is held fixed is taken out, the coefficient moves rows without one alone; where it
    moves them all one way, the likelihood rises without end and wherever the steps stop is no answer.
    """
    some = design.outcome > 0
    if some.all():
        return
    number = np.bincount(design.authority[some], minlength=len(design.authorities))
    years = design.year_dummies() if "year" in design.absorb else np.empty((design.rows, 0))
    raw = np.column_stack([design.treatment, years, design.controls])
    means = cluster_sums(raw[some], design.authority[some], len(number)) / np.maximum(number, 1)[:, None]
    centred = raw - means[design.authority]
    slopes, *_ = np.linalg.lstsq(centred[some, 1:], centred[some, 0], rcond=None)
    left = centred[:, 0] - centred[:, 1:] @ slopes
    least = SEPARATES * float(np.ptp(design.treatment))
    if np.abs(left[some]).max() > least:
        return
    # a year without any event is fitted by its own effect
    rest = left[~some & np.isin(design.year, design.year[some])]
    if np.abs(rest).max(initial=0.0) > least and ((rest >= -least).all() or (rest <= least).all()):
        treatment, outcome = design.question.treatment, design.question.outcome
        raise NotEstimable(
            f"poisson_fixed_effects: {treatment} tells which counts of {outcome} are 0 (separation): among the {int(some.sum())} rows with an event "
            "nothing of it is left to compare, so that no ratio of rates fits best. Take  estimator=fixed_effects",
            "separated",
        )


def _ends(fit: Fit, level: float) -> tuple[float, float]:
    from causal.inference.clustered import interval

    lower, upper, _ = interval(float(fit.coefficients[0]), float(fit.std_errors[0]), level, float(fit.df[0]))
    return lower, upper


def poisson(design: Design, exposure: Floats, treatments: Floats, row_count: int | None = None) -> tuple[Fit, Floats, Floats]:
    """Slopes of log rates on some treatments with the design's effects and controls held fixed.

    exposure : shape (rows,); treatments : shape (rows, k); row_count : of how many observations the rows are made; None: as the design has it.

    Returns
    -------
    The fit (one coefficient a treatment, clustered scores), the first treatment's residual at the last step, times the root of the
    weights, and the fitted rates, both of shape (rows,).

    Raises
    ------
    EstimationError : no convergence, or treatments collinear with what is conditioned on.
    """
    outcome = design.outcome
    mean = float(np.average(outcome, weights=exposure))
    # start between each rate and the mean, as generalised linear models do
    linear = np.log((outcome + mean) / 2)
    before = np.inf
    for _ in range(STEPS):
        rate = np.exp(linear)
        working = replace(design, weights=exposure * rate, outcome=linear + (outcome - rate) / rate)
        basis = working.basis()
        response, wanted = working.partial_out(working.outcome[:, None], basis), working.partial_out(treatments, basis)
        slopes, *_ = np.linalg.lstsq(wanted, response[:, 0], rcond=None)
        residual = (response[:, 0] - wanted @ slopes) / working.root_weights
        linear = np.clip(working.outcome - residual, -30.0, 30.0 + np.log(mean))
        rate = np.exp(linear)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(outcome > 0, outcome * np.log(outcome / rate), 0.0)
        deviance = float(2 * (exposure * (terms - (outcome - rate))).sum())
        if abs(before - deviance) <= CLOSE * (abs(deviance) + 0.1 * mean):
            break
        before = deviance
    else:
        raise refusal(
            EstimationError,
            "poisson_fixed_effects",
            f"an answer within {STEPS} steps",
            "none: a control or the treatment may tell which counts are 0",
            "leave it out with  adjust_for=[…], or take  fixed_effects",
        )
    working = replace(design, weights=exposure * rate, outcome=linear + (outcome - rate) / rate)
    basis = working.basis()
    response, wanted = working.partial_out(working.outcome[:, None], basis), working.partial_out(treatments, basis)
    fit = clustered_least_squares(
        response[:, 0], wanted, basis, design.cluster, len(design.clusters), absorbed_rank=basis.shape[1], row_count=row_count or design.row_count
    )
    return fit, wanted[:, 0], rate
