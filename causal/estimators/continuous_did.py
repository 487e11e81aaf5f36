"""Difference in differences with a dose: what those with a dose gained over those with none, as a curve of the dose.

One row an authority, the outcome's change between two windows of years and the dose's. ATT(d) is the mean change at dose d less that of
authorities whose dose did not move: under parallel trends it is the effect of dose d on those that got it. Its slope is an effect of more
dose only under *strong* parallel trends, that those with other doses would have gained the same from it (Callaway, Goodman-Bacon &
Sant'Anna 2024, Difference-in-differences with a continuous treatment). The curve is a polynomial of the dose among those that have one;
covariates are those of the first window, with slopes among the untreated (outcome regression).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import ConfigError, DesignError, refusal
from causal.estimand import Conditioning, DesignFacts, Estimand
from causal.estimate import Estimate
from causal.estimators import serve
from causal.inference.clustered import Fit, cluster_sums
from causal.knobs import is_whole, true_or_false
from causal.needs import AUTHORITY_EFFECTS, Need
from causal.regression import estimated, feedback, parts_of, residual_treatment, warn_concentrated_leverage
from causal.windows import Window, between, windows

STILL = 0.02  # a dose that moved by less than this share of the contrast has not moved
LEAST = 10  # authorities on either side


def _moved(estimator: ContinuousDid, design: Design) -> str | None:
    try:
        made = between(design, before=estimator.before, after=estimator.after, binary=False)
    except DesignError as why:
        return str(why)
    dose = made.treatment / design.question.contrast
    nearly_zero, up = int((np.abs(dose) < STILL).sum()), int((dose >= STILL).sum())
    back = int((dose <= -STILL).sum())
    if nearly_zero >= LEAST and up >= LEAST and up >= back:
        return None
    first, last = windows(design, estimator.before, estimator.after)
    return (
        f"{LEAST} authorities whose dose stayed and {LEAST} whose dose moved from {design.question.control:g} towards {design.question.treated:g} are wanted "
        f"between {first[0]}–{first[1]} and {last[0]}–{last[1]}, and {nearly_zero} stayed, {up} moved so and {back} the other way"
    )


MOVED = Need("ten authorities whose dose moved and ten whose dose stayed", _moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinuousDid:
    """Effect of a dose on those that got it, from changes between two windows.

    Parameters
    ----------
    degree : of the polynomial of the dose, 1 to 5.
    adjust : whether the first window's covariates are conditioned on (not the outcome's level, which is a matter of parallel trends).
    before, after : first and last outcome year of each window; null takes the first two and the last two years.
    """

    degree: int = 3
    adjust: bool = True
    before: Window | None = None
    after: Window | None = None
    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS, MOVED)
    answers: ClassVar[tuple[str, ...]] = ("ATT", "weights")
    targets: ClassVar[str] = "ATT of the dose asked for, on those that got it (takes question.weights)"
    costs: ClassVar[str] = "milliseconds"
    quick: ClassVar[bool] = True
    one_year: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not is_whole(self.degree, 1, 5):
            raise refusal(ConfigError, "degree", "a whole number from 1 to 5", repr(self.degree), "write  estimator.degree=3")
        true_or_false("adjust", self.adjust)
        for key in ("before", "after"):
            window = getattr(self, key)
            if window is not None:
                if len(window) != 2 or any(not is_whole(year) for year in window):
                    raise refusal(ConfigError, key, "a first and a last year, [2011, 2012], or null", repr(window), "write two years in a list")
                object.__setattr__(self, key, tuple(window))

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "continuous_did"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : authorities whose dose grows between two windows, and some whose dose stays; those whose dose moves the other way are left out.
        rng : draws the joint critical values of effects by dose.

        Returns
        -------
        Estimate : the average effect on the treated of the contrast asked for, read off the curve of effects by dose.

        Raises
        ------
        DesignError : too few authorities with or without a change of dose, or the target is not the ATT.
        """
        serve(self, design)
        made = between(design, before=self.before, after=self.after, binary=False)
        contrast = design.question.contrast
        dose = made.treatment / contrast  # in contrasts: 1 is the dose asked for
        kept = np.flatnonzero(dose > -STILL)
        gone = made.rows - len(kept)
        made = made.subset(kept, "dose moved the other way")
        dose = dose[kept]
        on, weight = dose >= STILL, np.ones(made.rows) if made.weights is None else made.weights
        doses = dose[on]
        lowest, highest = np.quantile(doses, [0.05, 0.95])
        x = made.controls[:, 1:] if self.adjust else np.empty((made.rows, 0))
        # ties of few distinct doses carry no more than their number less one powers
        degree = min(self.degree, len(np.unique(np.round(doses, 9))) - 1)
        curve = _curve(made.outcome, dose, on, x, weight, degree)
        quarters = np.quantile(doses, [0.1, 0.25, 0.5, 0.75, 0.9])
        at = np.array([1.0, *quarters])
        load = np.vander(at, degree + 1, increasing=True)
        effects, scores = curve.effects(load, made)
        whole, whole_scores = curve.whole(made)
        slope, slope_scores = curve.slope(made)

        def fit(values: Floats, parts: Floats) -> Fit:
            df = np.full(len(values), len(made.clusters) - 1.0)
            return Fit(coefficients=values / contrast, scores=parts / contrast, df=df, residuals=np.zeros(0), inference="influence functions, t(G−1)")

        names = [f"dose {design.question.control + contrast * q:.3g}" for q in quarters]
        parts = parts_of(
            design.question,
            fit(effects[1:], scores[:, 1:]),
            kind="group",
            of=design.treatment_variable.name,
            names=names,
            counts=[(0, 0)] * 5,
            rng=rng,
        )
        parts += parts_of(
            design.question, fit(whole, whole_scores), kind="group", of="everybody's own dose", names=["all"], counts=[(int(on.sum()), int(on.sum()))], rng=rng
        )
        away = not lowest <= 1.0 <= highest
        reach = [design.question.control + contrast * q for q in (lowest, highest)]
        residualised = made.pooled(adjust=False).demean(made.treatment[:, None])[:, 0]
        return estimated(
            design,
            fit(effects[:1], scores[:, :1]),
            over=made,
            estimator=self.name,
            estimand=Estimand(family="dose", comparison="within", population="treated", weighting="places", model="polynomial of the dose"),
            conditioning=Conditioning.by(design, authority=True),
            facts=DesignFacts(adopters=int(on.sum()), never_treated=int((~on).sum())),
            target="ATT",
            parts=parts,
            diagnostics={
                "average effect at everybody's own dose": float(whole[0]),
                "average slope (strong parallel trends), whole contrast": float(slope[0]),
                "average slope, standard error": float(np.sqrt((slope_scores**2).sum())),
                **residual_treatment(replace(made, absorb=(), controls=np.empty((made.rows, 0))), residualised),
            },
            concerns=feedback(design)
            + (
                (f"the dose asked for lies beyond the doses seen ({reach[0]:.3g} to {reach[1]:.3g} in nine of ten): the curve is drawn out to it",)
                if away
                else ()
            )
            + warn_concentrated_leverage(made, residualised),
            notes=(
                made.words[-1],
                f"A polynomial of degree {degree} in the dose, against {int((~on).sum())} authorities whose dose stayed.",
                "Slopes between doses need strong parallel trends: those with other doses would have gained the same.",
                *((f"{gone} authorities whose dose moved the other way are left out.",) if gone else ()),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """A polynomial of the dose among the treated, of changes less the untreated ones.

    beta : shape (degree + 1,); beta_scores : shape (rows, degree + 1); dose, on, weight : shape (rows,).
    """

    beta: Floats
    beta_scores: Floats
    dose: Floats
    on: np.ndarray[tuple[int], np.dtype[np.bool_]]
    weight: Floats

    def effects(self, load: Floats, design: Design) -> tuple[Floats, Floats]:
        """ATT at doses whose powers are `load`, shape (k, degree + 1).

        Parameters
        ----------
        load : shape (effects, degree + 1), powers of the doses asked for.
        design : one row an authority, the rows of the curve; clusters for the scores.
        """
        return load @ self.beta, cluster_sums(self.beta_scores @ load.T, design.cluster, len(design.clusters))

    def whole(self, design: Design) -> tuple[Floats, Floats]:
        """The mean of ATT(d) over the doses of the treated."""
        return self._over(np.vander(self.dose, len(self.beta), increasing=True), design)

    def slope(self, design: Design) -> tuple[Floats, Floats]:
        """The mean slope of the curve over the doses of the treated."""
        powers = np.arange(len(self.beta))
        load = np.where(powers > 0, powers * self.dose[:, None] ** np.maximum(powers - 1, 0), 0.0)
        return self._over(load, design)

    def _over(self, load: Floats, design: Design) -> tuple[Floats, Floats]:
        share = self.weight * self.on / (self.weight * self.on).sum()
        value = float(share @ (load @ self.beta))
        scores = share * (load @ self.beta - value) + self.beta_scores @ (share @ load)
        return np.array([value]), cluster_sums(scores[:, None], design.cluster, len(design.clusters))


def _curve(change: Floats, dose: Floats, on: np.ndarray[tuple[int], np.dtype[np.bool_]], x: Floats, weight: Floats, degree: int) -> Curve:
    """The change among the untreated by covariates, taken from everybody's; then the polynomial among the treated."""
    off = ~on
    spread = np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    full = np.column_stack([np.ones(len(x)), (x - x[on].mean(axis=0)) / spread])
    if off.sum() <= full.shape[1]:
        raise refusal(
            DesignError,
            "continuous_did",
            f"more authorities whose dose stayed than {x.shape[1]} covariates ask for",
            f"{int(off.sum())}",
            "take  estimator.adjust=false",
        )
    bread = np.linalg.pinv((full[off] * weight[off, None]).T @ full[off])
    slopes = bread @ (full[off].T @ (weight[off] * change[off]))
    residual = change - full @ slopes
    own = np.zeros((len(x), full.shape[1]))
    own[off] = (full[off] * (weight[off] * residual[off])[:, None]) @ bread * np.sqrt(off.sum() / (off.sum() - full.shape[1]))
    powers = np.vander(dose[on], degree + 1, increasing=True)
    inner = np.linalg.pinv((powers * weight[on, None]).T @ powers)
    beta = inner @ (powers.T @ (weight[on] * residual[on]))
    scores = np.zeros((len(x), degree + 1))
    rest = residual[on] - powers @ beta
    scores[on] = (powers * (weight[on] * rest)[:, None]) @ inner * np.sqrt(on.sum() / max(on.sum() - degree - 1, 1))
    # what the untreated change is off by moves every treated change with it
    scores -= own @ ((full[on] * weight[on, None]).T @ powers @ inner)
    return Curve(beta=beta, beta_scores=scores, dose=dose, on=on, weight=weight)
