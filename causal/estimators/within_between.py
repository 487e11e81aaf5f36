"""Within and between in one model: random effects with the authority means of treatment and controls beside their deviations.

Mundlak 1978 (On the pooling of time series and cross section data); Bell & Jones 2015 (Explaining fixed effects). The deviation's coefficient
is the within effect and is what is reported: with the means of every regressor and of the year dummies in the model it is that of
two-way fixed effects (Wooldridge 2021, Two-way fixed effects, the two-way Mundlak regression). The mean's coefficient is the comparison
between authorities. That the two differ (a Hausman-type contrast with clustered errors; Hausman 1978) says that places differ lastingly
in ways that move both, so that comparisons between them are not to be believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Floats, orthonormal
from causal.design import Design
from causal.estimand import Estimand
from causal.estimate import Estimate
from causal.estimators import serve
from causal.inference.clustered import Fit, clustered_least_squares, interval
from causal.needs import AUTHORITY_EFFECTS, Need
from causal.regression import GroupFit, estimated, feedback, group_parts, residual_treatment, warn_concentrated_leverage


@dataclass(frozen=True, slots=True, kw_only=True)
class WithinBetween:
    """Random-effects within-between (Mundlak) regression with clustered errors."""

    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS,)
    answers: ClassVar[tuple[str, ...]] = ("ATE",)
    targets: ClassVar[str] = "ATE, weighted by residual treatment variance"
    costs: ClassVar[str] = "milliseconds"
    quick: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "within_between"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with authorities absorbed; constant causes stand beside the authority means.
        rng : draws the joint critical values of effects by group.

        Raises
        ------
        DesignError : authorities are not absorbed, the target is not the ATE, or the question has weights.
        """
        serve(self, design)
        question, number = design.question, len(design.clusters)
        columns = np.column_stack([design.controls, design.year_dummies() if "year" in design.absorb else np.empty((design.rows, 0))])
        deviation, mean = _split(design, design.treatment[:, None])
        within, between = _split(design, columns)
        # constant causes stand beside the means; those of the treatment come first so that the contrast can be read off
        controls = np.column_stack([within, between, design.time_invariant])
        theta = quasi(design, np.column_stack([deviation, mean, controls]))

        def less(matrix: Floats) -> Floats:
            return matrix - theta[:, None] * (matrix - design.demean(matrix))

        constant = less(np.ones((design.rows, 1)))
        other = orthonormal(np.column_stack([constant, less(controls - controls.mean(axis=0))]))

        def fit(treatments: Floats) -> Fit:
            wanted, outcome = (part - other @ (other.T @ part) for part in (less(treatments), less(design.outcome[:, None])))
            return clustered_least_squares(outcome[:, 0], wanted, other, design.cluster, number, absorbed_rank=other.shape[1], row_count=design.row_count)

        both = fit(np.column_stack([deviation, mean]))
        one = Fit(coefficients=both.coefficients[:1], scores=both.scores[:, :1], df=both.df[:1], residuals=both.residuals, inference=both.inference)
        gap, gap_scores = both.coefficients[1] - both.coefficients[0], both.scores[:, 1] - both.scores[:, 0]
        error = float(np.sqrt((gap_scores**2).sum()))
        _, _, p_value = interval(float(gap), error, question.level, float(both.df.min()))
        groups: list[GroupFit] = []
        for m in design.modifiers:
            by = deviation * (m.codes[:, None] == np.arange(len(m.groups)))
            kept = np.flatnonzero(np.linalg.norm(by, axis=0) > 1e-6 * np.linalg.norm(deviation))
            place = np.full(len(m.groups), -1)
            place[kept] = np.arange(len(kept))
            alone = fit(np.column_stack([by[:, kept], mean]))
            fitted = Fit(
                coefficients=alone.coefficients[:-1], scores=alone.scores[:, :-1], df=alone.df[:-1], residuals=alone.residuals, inference=alone.inference
            )
            groups.append((m.name, tuple(m.groups[k] for k in kept), fitted, place[m.codes]))
        residualised = design.partial_out(design.treatment[:, None])[:, 0]
        lasting = f"the comparison between authorities differs from that within them by {gap * question.contrast:+.3g} (p {p_value:.2g})"
        return estimated(
            design,
            one,
            estimator=self.name,
            estimand=Estimand(family="average", comparison="within", population="all", weighting="residual_variance", model="random effects within-between"),
            parts=group_parts(design, groups, rng),
            diagnostics={
                **residual_treatment(design, residualised),
                "effect between authorities": float(both.coefficients[1] * question.contrast),
                "effect between authorities, standard error": float(both.std_errors[1] * abs(question.contrast)),
                "between less within": float(gap * question.contrast),
                "p of between less within (Hausman)": p_value,
                "mean share of authority means taken out": float(theta.mean()),
            },
            concerns=feedback(design) + warn_concentrated_leverage(design, residualised),
            notes=(f"{lasting[0].upper()}{lasting[1:]}.",),
        )


def _split(design: Design, matrix: Floats) -> tuple[Floats, Floats]:
    """Deviations from authority means, and the means; shape (rows, k) each."""
    deviation = design.demean(matrix)
    return deviation, matrix - deviation


def quasi(design: Design, columns: Floats) -> Floats:
    """The share of each authority's mean that random effects take out, shape (rows,): θ = 1 − √(σ²ₑ / (σ²ₑ + T σ²ᵤ)).

    Variances by Swamy & Arora 1972 (The exact finite sample properties of the estimators of coefficients in the error components regression
    models) as linearmodels has them: σ²ₑ from the within regression, σ²ᵤ from the regression on authority means less its share of noise.
    """
    within = orthonormal(design.demean(columns))
    outcome = design.demean(design.outcome[:, None])[:, 0]
    residual = outcome - within @ (within.T @ outcome)
    number = len(design.authorities)
    noise = float(residual @ residual) / max(design.rows - number - within.shape[1], 1)
    counts = np.bincount(design.authority, minlength=number)
    matrix = np.column_stack([np.ones(design.rows), columns, design.outcome])
    means = np.column_stack([np.bincount(design.authority, weights=column, minlength=number) for column in matrix.T]) / counts[:, None]
    centre = orthonormal(means[:, :-1])
    lasting = means[:, -1] - centre @ (centre.T @ means[:, -1])
    spread = float(lasting @ lasting) / max(number - centre.shape[1], 1)
    place = max(spread - noise * float((1 / counts).mean()), 0.0)
    theta = 1 - np.sqrt(noise / (noise + counts * place)) if noise > 0 else np.ones(number)
    return np.asarray(theta[design.authority])
