"""An outcome of yes and no, or a share, and a dose: the average effect on the outcome, and the ratio of odds that papers print.

log odds of the mean = year + controls + β treatment, and where authorities are compared with themselves the means over years of treatment and controls of
each authority beside them. These means stand for all that lasts about a place (Mundlak 1978, On the pooling of time series and cross section data;
Chamberlain 1980, Analysis of covariance with qualitative data; Papke & Wooldridge 2008, Panel data methods for fractional response variables). A column for
each place would do the same in a straight line; in a logit of few years it drives the slopes away from nothing, with two years to twice their size, and
loses every place whose outcome never changes.

The effect is in outcome units, a difference of shares: the mean over all authority-years of the fitted mean at `treated` less that at `control`. exp(β ×
contrast) is the ratio of odds, at equal means of everything else; it is no average of ratios of places, and it grows with what is conditioned on, which the
difference does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.design import Design
from causal.estimand import Conditioning, Estimand, compared
from causal.estimate import Estimate
from causal.estimators import serve
from causal.inference.clustered import Fit, interval
from causal.inference.logit import Logit, along, full_rank, logit
from causal.knobs import one_of
from causal.needs import ADJUSTMENT, SHARES, Need
from causal.odds import EFFECTS, Effect, Model, averaged, effect_of, fitted, model_of, row_weights_of, scaled
from causal.regression import GroupFit, estimated, feedback, group_parts, residual_treatment, warn_concentrated_leverage


@dataclass(frozen=True, slots=True, kw_only=True)
class LogitDose:
    """Logit of an outcome from 0 to 1, places by their means, errors by cluster.

    Parameters
    ----------
    effect : "contrast" moves every row from `control` to `treated` along the curve; "slope" takes the mean slope of the curve where each row stands, times
        the contrast (the average marginal effect as it is usually printed).
    """

    effect: Effect = "contrast"
    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, SHARES)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE, every authority-year alike (and question.weights)"
    costs: ClassVar[str] = "hundredths of a second"
    quick: ClassVar[bool] = True
    checks: ClassVar[tuple[str, ...]] = ("link", "separation")

    def __post_init__(self) -> None:
        one_of("logit_dose.effect", self.effect, EFFECTS)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "logit_dose"

    @property
    def odds(self) -> Effect:
        """Which average effect it answers with."""
        return self.effect

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : an outcome of 0 and 1, or a share; any treatment.
        rng : draws the joint critical values of effects by group.

        Raises
        ------
        DesignError : an outcome that is neither 0 and 1 nor a share, or the target is not the ATE.
        EstimationError : the steps do not converge.
        NotEstimable : treatment or controls tell which outcomes are 0 or 1, so that no ratio of odds fits best.
        """
        serve(self, design)
        question, model = design.question, model_of(design)
        made = fitted(design, model)
        odds = along(made, np.eye(len(made.slopes))[-1], design.cluster, len(design.clusters))
        # who carries the effect is who carries the treatment's slope: another column that one place alone moves bends the average, and does not make it
        fit = replace(averaged(self.effect, design, model, made), carried=odds.carried)
        slope, error = float(odds.coefficients[0]), float(odds.std_errors[0])
        lower, upper, _ = interval(slope, error, question.level, float(odds.df[0]))
        ratio, ends = float(np.exp(slope * question.contrast)), sorted(float(np.exp(end * question.contrast)) for end in (lower, upper))
        left = design.partial_out(design.treatment[:, None])[:, 0]
        within = "authority" in design.absorb
        return estimated(
            design,
            fit,
            estimator=self.name,
            estimand=Estimand(
                family="average",
                comparison=compared(design),
                population="all",
                weighting="rows",
                model=f"logit{', places by their means' if within else ''}{', mean slope' if self.effect == 'slope' else ''}",
            ),
            conditioning=Conditioning.by(design),
            parts=group_parts(design, self._groups(design, model), rng),
            diagnostics={
                **residual_treatment(design, left),
                "odds ratio": ratio,
                "odds ratio, lower": ends[0],
                "odds ratio, upper": ends[1],
                "log odds for one unit": slope,
                "log odds for one unit, standard error": error,
                "mean outcome": float(made.weights @ made.outcome / made.weights.sum()) * model.unit,
            },
            concerns=(feedback(design) if within else ()) + warn_concentrated_leverage(design, left),
            notes=(
                f"Ratio of odds, treated to control: {ratio:.3f} ({question.level:.0%} interval {ends[0]:.3f} to {ends[1]:.3f}), "
                f"which is {abs(ratio - 1):.0%} {'higher' if ratio >= 1 else 'lower'} odds; the effect above is a difference of "
                f"{'percentages' if model.unit == 100 else 'shares'}, averaged over all rows.",
            ),
        )

    def _groups(self, design: Design, model: Model) -> list[GroupFit]:
        """An effect for each group of a modifier, all other slopes shared; averaged over the group's own rows."""
        found: list[GroupFit] = []
        for m in design.modifiers:
            inside = m.codes[:, None] == np.arange(len(m.groups))
            treatment = design.treatment[:, None] * inside
            # a group's own treatment, and its own level
            columns = np.column_stack([model.columns[:, :-1], inside[:, 1:], treatment])
            kept = full_rank(columns)
            mine = [k for k in range(len(m.groups)) if columns.shape[1] - len(m.groups) + k in kept]
            if not mine:
                continue
            one = logit(columns[:, kept], model.outcome, row_weights_of(design))
            fits: list[Fit] = []
            for k in mine:
                at = int(np.flatnonzero(kept == columns.shape[1] - len(m.groups) + k)[0])
                rows = inside[:, k]
                part = Logit(columns=one.columns[rows], slopes=one.slopes, mean=one.mean[rows], outcome=one.outcome[rows], weights=one.weights[rows])
                effect, way = effect_of(self.effect, part, at, design, 0.0)
                own = along(one, np.eye(len(one.slopes))[at], design.cluster, len(design.clusters))
                fits.append(replace(scaled(along(one, way, design.cluster, len(design.clusters)), effect, model, design), carried=own.carried))
            place = np.full(len(m.groups), -1)
            place[mine] = np.arange(len(mine))
            together = replace(
                fits[0],
                coefficients=np.concatenate([fit.coefficients for fit in fits]),
                scores=np.column_stack([fit.scores for fit in fits]),
                df=np.concatenate([fit.df for fit in fits]),
                carried=np.concatenate([fit.carried if fit.carried is not None else np.array([-1]) for fit in fits]),
            )
            found.append((m.name, tuple(m.groups[k] for k in mine), together, place[m.codes]))
        return found
