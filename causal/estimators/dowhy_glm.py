"""DoWhy's generalised linear model on one row for each authority, averaged over authorities.

DoWhy lacks an error by authority: here it is the influence function of both steps (Newey & McFadden 1994, Large sample estimation and
hypothesis testing).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import ConfigError, EstimationError, refusal
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.machinery.dowhy_rows import Windows, agree, estimand_of, frame_of
from causal.estimators.machinery.long_difference import TWO_KINDS, cross_section
from causal.estimators.machinery.one_row import TARGETS, CrossSection, additive, averaged, logistic, members, overlap, threats
from causal.inference.clustered import Fit
from causal.needs import ADJUSTMENT, Need
from causal.regression import estimated, group_parts, residual_treatment

Family = Literal["gaussian", "poisson", "binomial"]


FAMILIES = ("gaussian", "poisson", "binomial")


def _family(estimator: Any, design: Design) -> str | None:
    if estimator.family == "gaussian":
        return None
    if design.rows != len(design.authorities) and estimator.outcome == "change":
        return f"family={estimator.family} takes the outcome's level, since a change may be below 0; take  estimator.outcome=level"
    least, most = float(design.outcome.min()), float(design.outcome.max())
    if least < 0 or (estimator.family == "binomial" and most > 1):
        ends = "0 to 1" if estimator.family == "binomial" else "0 up"
        return f"family={estimator.family} takes an outcome from {ends}, and {design.outcome_variable.name} goes from {least:g} to {most:g}"
    return None


def _same_for_all(estimator: Any, design: Design) -> str | None:
    if design.question.target == "ATE" or estimator.family != "gaussian" or design.modifiers or estimator.interactions:
        return None
    return "a gaussian model gives one effect for all, whoever is asked about; take  estimator.interactions=true, or  question.modifiers=[…]"


RANGE = Need("an outcome in the family's range", _family)


DIFFERING = Need("for the ATT interactions, question.modifiers, or another family", _same_for_all)


@dataclass(frozen=True, slots=True, kw_only=True)
class DowhyGlm(Windows):
    """DoWhy's generalised linear model, averaged over authorities (the g-formula); the question's modifiers act with the treatment.

    Parameters
    ----------
    before, after, base_outcome : as above.
    family : "gaussian", "poisson" (log link) or "binomial" (logit link, outcomes from 0 to 1).
    outcome : "change" between the windows or "level" in the last.
    interactions : whether the treatment acts with all covariates too, and not with the question's modifiers alone.
    """

    family: Family = "gaussian"
    outcome: Literal["change", "level"] = "change"
    interactions: bool = False
    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, TWO_KINDS, RANGE, DIFFERING)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "ATT", "alike")
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "a tenth of a second"
    quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        Windows.__post_init__(self)
        for key, value, known in (("family", self.family, FAMILIES), ("outcome", self.outcome, ("change", "level"))):
            if value not in known:
                raise refusal(ConfigError, key, f"one of {', '.join(known)}", repr(value), "write one of them")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "dowhy_glm"

    @property
    def one_year(self) -> bool:
        """Of changes; a level in the last window is compared among places that are alike in the first, whatever changes in time included."""
        return self.outcome == "change"

    def rows(self, design: Design) -> CrossSection:
        """One row for each authority."""
        change = self.outcome == "change"
        return cross_section(design, before=self.before, after=self.after, base_outcome=self.base_outcome, change=change, degree=self.degree)

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : one row an authority is made of it (`before`, `after`), treated or not.
        rng : draws the joint critical values of effects by group.

        Raises
        ------
        DesignError : no two kinds of authority, an outcome out of the family's range, or weights by a column.
        EstimationError : covariates that are almost collinear.
        """
        serve(self, design)
        made = self.rows(design)
        matrix, one, zero, slopes, theirs = _glm(made, self.family, self.interactions)
        y, rows = made.design.outcome, len(made.on)
        mean, first, second = (_inverse_link(self.family, part @ slopes) for part in (matrix, one, zero))
        bread = np.linalg.pinv((matrix * _steep(self.family, mean)[:, None]).T @ matrix, rcond=1e-12, hermitian=True)
        moves = (matrix * (y - mean)[:, None]) @ bread
        per_row = one * _steep(self.family, first)[:, None] - zero * _steep(self.family, second)[:, None]
        rank = int(np.linalg.matrix_rank(matrix))

        def fit(inside: Floats) -> Fit:
            counted = made.counted[:, None] * inside
            slope = per_row.T @ counted / counted.sum(axis=0)
            made_fit = averaged(counted * (first - second)[:, None], counted, made, "influence of the model and the average", moves @ slope)
            # the factor of CR1 beside G/(G−1)
            factor = np.sqrt((rows - 1) / max(rows - rank, 1))
            return Fit(
                coefficients=made_fit.coefficients,
                scores=made_fit.scores * factor,
                df=made_fit.df,
                residuals=made_fit.residuals,
                inference=made_fit.inference,
            )

        whole = fit(np.ones((rows, 1)))
        one_by_one = self.family != "gaussian" or bool(made.design.modifiers) or self.interactions
        agree(self.name, float(whole.coefficients[0]), theirs)
        residualised = made.design.partial_out(made.on[:, None])[:, 0]
        try:
            found, said, notes = overlap(made, logistic(made), None)
        except EstimationError:
            found, said, notes = {}, ("the covariates tell for certain who was treated, so the effect is extrapolated by the model",), ()
        if not one_by_one:
            warned, noted = additive(made)
            said, notes = said + warned, notes + noted
        return estimated(
            design,
            whole,
            over=made.design,
            estimator=self.name,
            estimand=made.estimand(f"{self.family} model", weighting="places" if one_by_one else "residual_variance"),
            conditioning=made.conditioning(design),
            target=made.target,
            parts=group_parts(made.design, [(of, names, fit(inside), codes) for of, names, codes, inside in members(made)], rng),
            diagnostics={**residual_treatment(made.design, residualised), **found},
            concerns=said + threats(made, residualised),
            notes=(*made.design.words[-2:], *notes),
        )


def _inverse_link(family: str, linear: Floats) -> Floats:
    if family == "gaussian":
        return linear
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(linear) if family == "poisson" else 1 / (1 + np.exp(-linear)))


def _steep(family: str, mean: Floats) -> Floats:
    """dμ/dη of the canonical link."""
    return np.ones_like(mean) if family == "gaussian" else mean if family == "poisson" else mean * (1 - mean)


def _glm(made: CrossSection, family: str, interactions: bool) -> tuple[Floats, Floats, Floats, Floats, float]:
    """DoWhy's model: its columns as they are, with treatment 1 and 0, its coefficients, and its average effect on those counted."""
    # DoWhy takes seconds to import
    import statsmodels.api as sm  # type: ignore[import-untyped]
    from dowhy.causal_estimators.generalized_linear_model_estimator import GeneralizedLinearModelEstimator

    modifiers = [(m.values - m.values.mean()) / (m.values.std() or 1.0) for m in made.design.modifiers]
    beside = [made.features] + [values[:, None] for values, m in zip(modifiers, made.design.modifiers, strict=True) if m.name not in made.design.control_names]
    features = np.column_stack(beside)
    if interactions:
        in_controls = [m.name in made.design.control_names for m in made.design.modifiers]
        modifiers = [*(values for values, one in zip(modifiers, in_controls, strict=True) if not one), *made.features.T]
    frame, names = frame_of(made, features)
    for i, values in enumerate(modifiers):
        frame[f"x{i}"] = values
    kinds = {"gaussian": sm.families.Gaussian, "poisson": sm.families.Poisson, "binomial": sm.families.Binomial}
    model: Any = GeneralizedLinearModelEstimator(estimand_of(names), glm_family=kinds[family](), predict_score=True, need_conditional_estimates=False)
    model.fit(frame, effect_modifier_names=[f"x{i}" for i in range(len(modifiers))] or None)
    slopes = np.asarray(model.model.params, dtype=float)
    counted = frame[made.counted == 1]
    effect = model.estimate_effect(counted, treatment_value=1.0, control_value=0.0, target_units="ate", need_conditional_estimates=False)

    def columns(on: Floats) -> Floats:
        return np.column_stack([np.ones(len(on)), on, features, *(on * values for values in modifiers)])

    every = np.ones(len(made.on))
    return columns(made.on), columns(every), columns(0 * every), slopes, float(effect.value)
