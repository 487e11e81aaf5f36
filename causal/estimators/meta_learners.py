"""Meta-learners on one row for each authority: outcome models put together to an effect for each, then averaged.

Künzel, Sekhon, Bickel & Yu 2019, Metalearners for estimating heterogeneous treatment effects using machine learning (S, T and X); domain
adaptation weighs each outcome model towards the other kind of authority. EconML fits them and gives effects without errors.

With `nuisance=linear` (least squares without penalty) each is a smooth function of moments, for which a bootstrap over whole clusters is
valid. With penalties or trees the bias of the plug-in does not vanish faster than its spread and no valid interval is known: then there is
none, and a doubly robust estimator is what to take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from causal.arrays import Floats
from causal.bootstrapped import bootstrapped
from causal.design import Design
from causal.errors import ConfigError, DesignError, EstimationError, refusal
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.machinery.long_difference import TWO_KINDS, Years, check_degree, check_windows, cross_section
from causal.estimators.machinery.nuisance import LINEAR, NUISANCES, learner, quiet
from causal.estimators.machinery.one_row import TARGETS, CrossSection, additive, logistic, members, overlap, threats
from causal.inference.clustered import Fit
from causal.knobs import whole_number
from causal.needs import ADJUSTMENT, Need
from causal.regression import estimated, group_parts, residual_treatment, without_interval

Outcome = Literal["linear", "lasso", "ridge", "boosting", "forest", "stacked"]
STRAIGHT = ("linear", *LINEAR)
UNKNOWN = "none is known for {} on {} nuisances, whose penalty or trees leave a bias that a bootstrap does not see; take nuisance=linear, or linear_dr"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Knobs:
    """What all four are told.

    Parameters
    ----------
    before, after : windows of outcome years, (first, last); None takes the first two and the last two.
    base_outcome : whether the outcome's level in the first window is adjusted for.
    degree : of the polynomial of the covariates, 1 to 3, linear outcome models only.
    nuisance : "linear" (with an interval), or "lasso", "ridge", "boosting", "forest" or "stacked" (without one).
    draws : of the bootstrap over clusters, at least 50.
    """

    before: Years = None
    after: Years = None
    base_outcome: bool = True
    nuisance: Outcome = "linear"
    draws: int = 200
    degree: int = 1
    one_year: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for key, window in zip(("before", "after"), check_windows(self.before, self.after), strict=True):
            object.__setattr__(self, key, window)
        if self.nuisance not in ("linear", *NUISANCES):
            raise refusal(ConfigError, "nuisance", f"one of linear, {', '.join(NUISANCES)}", repr(self.nuisance), "write one of them")
        whole_number("draws", self.draws, 50)
        check_degree(self.degree)

    def rows(self, design: Design) -> CrossSection:
        """One row for each authority."""
        return cross_section(design, before=self.before, after=self.after, base_outcome=self.base_outcome, degree=self.degree)


def _same_for_all(estimator: Any, design: Design) -> str | None:
    if design.question.target == "ATE" or estimator.nuisance not in STRAIGHT or estimator.interactions:
        return None
    return f"with {estimator.nuisance} models one effect is learnt for all, whoever is asked about; take  estimator.interactions=true, or t_learner"


DIFFERING = Need("for the ATT interactions or trees", _same_for_all)


@dataclass(frozen=True, slots=True, kw_only=True)
class SLearner(_Knobs):
    """EconML's SLearner: one outcome model with the treatment among its features (in straight lines one effect for all).

    Parameters
    ----------
    interactions : whether straight lines have the treatment's products with all covariates too, so that effects may differ by them.
    """

    interactions: bool = False
    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, TWO_KINDS, DIFFERING)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "ATT")
    targets: ClassVar[str] = "ATE, weighted by residual treatment variance in straight lines; ATT with interactions or trees"
    costs: ClassVar[str] = "seconds"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "s_learner"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : one row an authority is made of it (`before`, `after`), treated or not.
        rng : deals authorities into folds, seeds the learners and draws the bootstrap.

        Raises
        ------
        DesignError : no two kinds of authority, or weights by a column.
        """
        return _answer(self, design, rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class TLearner(_Knobs):
    """EconML's TLearner: an outcome model for either kind of authority (linear: the g-formula with all interactions)."""

    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, TWO_KINDS)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "ATT", "alike")
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "seconds"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "t_learner"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : one row an authority is made of it (`before`, `after`), treated or not.
        rng : deals authorities into folds, seeds the learners and draws the bootstrap.

        Raises
        ------
        DesignError : no two kinds of authority, or weights by a column.
        EstimationError : fewer of a kind than covariates.
        """
        return _answer(self, design, rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class XLearner(_Knobs):
    """EconML's XLearner: effects imputed for either kind from the other's outcome model, weighed by the propensity (logistic).

    With linear models on the same covariates it is the T-learner again.
    """

    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, TWO_KINDS)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "ATT", "alike")
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "ten seconds"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "x_learner"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : one row an authority is made of it (`before`, `after`), treated or not.
        rng : deals authorities into folds, seeds the learners and draws the bootstrap.

        Raises
        ------
        DesignError : no two kinds of authority, or weights by a column.
        EstimationError : fewer of a kind than covariates.
        """
        return _answer(self, design, rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainAdaptation(_Knobs):
    """EconML's DomainAdaptationLearner: each outcome model weighed by the odds of being of the other kind (logistic)."""

    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, TWO_KINDS)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "ATT", "alike")
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "ten seconds"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "domain_adaptation"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : one row an authority is made of it (`before`, `after`), treated or not.
        rng : deals authorities into folds, seeds the learners and draws the bootstrap.

        Raises
        ------
        DesignError : no two kinds of authority, or weights by a column.
        EstimationError : fewer of a kind than covariates.
        """
        return _answer(self, design, rng)


Learner = SLearner | TLearner | XLearner | DomainAdaptation


def _answer(estimator: Learner, design: Design, rng: np.random.Generator) -> Estimate:
    serve(estimator, design)
    made = estimator.rows(design)
    least = int(min(made.on.sum(), (1 - made.on).sum()))
    if estimator.nuisance == "linear" and not isinstance(estimator, SLearner) and least < made.features.shape[1] + 2:
        raise refusal(
            EstimationError,
            estimator.name,
            f"more authorities of either kind, for a straight line on {made.features.shape[1]} covariates",
            f"{least} of one kind",
            "take nuisance=ridge, or adjust for fewer with  adjust_for=[…]",
        )
    groups = members(made)
    diagnostics, said, notes = _comparable(made)
    straight = isinstance(estimator, SLearner) and estimator.nuisance in STRAIGHT and not estimator.interactions
    if straight:
        warned, noted = additive(made)
        said, notes = said + warned, notes + noted
    words: dict[str, Any] = {
        "estimator": estimator.name,
        "estimand": made.estimand(estimator.name.replace("_", "-"), weighting="residual_variance" if straight else "places"),
        "conditioning": made.conditioning(design),
        "target": made.target,
        "over": made.design,
        "diagnostics": diagnostics,
        "concerns": said,
        "notes": (*made.design.words[-2:], f"{estimator.nuisance} outcome models.", *notes),
    }

    def answer(drawn: Design, rng: np.random.Generator) -> Floats:
        """The average and each group's, in outcome units; of the clusters drawn."""
        again = made if drawn is made.design else cross_section(drawn, before=None, after=None, degree=estimator.degree)
        found = _effects(estimator, again, rng) * made.contrast
        by = {modifier.name: modifier for modifier in drawn.modifiers}
        inside = [by[of].codes == by[of].groups.index(name) for of, names, _, _ in groups for name in names]
        return np.array([_mean(found, again.counted * one) for one in [np.ones(len(found)), *inside]])

    if estimator.nuisance == "linear":
        kinds: list[tuple[Literal["group"], str, str]] = [("group", of, name) for of, names, _, _ in groups for name in names]
        counts = [(int(number), int(number)) for *_, inside in groups for number in inside.sum(axis=0)]
        return bootstrapped(design, answer, rng, draws=estimator.draws, kinds=kinds, counts=counts, **words)
    effects = answer(made.design, rng) * made.contrast
    bare = [_bare(effects[:1], made)]
    for _, names, _, _ in groups:
        at = 1 + sum(len(one.coefficients) for one in bare[1:])
        bare.append(_bare(effects[at : at + len(names)], made))
    parts = [(of, names, fit, codes) for (of, names, codes, _), fit in zip(groups, bare[1:], strict=True)]
    one = estimated(design, bare[0], parts=group_parts(made.design, parts, rng), **words)
    return without_interval(one, UNKNOWN.format(estimator.name, estimator.nuisance))


def _bare(effects: Floats, made: CrossSection) -> Fit:
    """Effects whose error nobody knows."""
    number, none = len(made.design.clusters), np.zeros(len(made.on))
    return Fit(coefficients=effects, scores=np.zeros((number, len(effects))), df=np.full(len(effects), number - 1.0), residuals=none, inference="")


def _with_products(model: Any) -> Any:
    """The outcome model with the treatment's products with all covariates among its features; EconML gives covariates, then being untreated and treated."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(_products), model)


def _products(columns: Floats) -> Floats:
    features, on = columns[:, :-2], columns[:, -1:]
    return np.column_stack([features, on, features * on])


def _mean(values: Floats, counted: Floats) -> float:
    return float(values[counted > 0].mean()) if counted.any() else np.nan


def _comparable(made: CrossSection) -> tuple[dict[str, float | None], tuple[str, ...], tuple[str, ...]]:
    """Overlap, also where the covariates tell the treatment for certain: an outcome model then extrapolates."""
    residualised = made.design.partial_out(made.on[:, None])[:, 0]
    try:
        found, said, notes = overlap(made, logistic(made), None)
    except EstimationError:
        found, notes = {}, ()
        said = ("the covariates tell for certain who was treated, so the effect is extrapolated by the outcome models",)
    return {**residual_treatment(made.design, residualised), **found}, said + threats(made, residualised), notes


def _effects(estimator: Learner, made: CrossSection, rng: np.random.Generator) -> Floats:
    """The effect of 1 against 0 for each row, by EconML."""
    # EconML imports DoWhy, shap and numba, which take seconds
    from econml.metalearners import DomainAdaptationLearner
    from econml.metalearners import SLearner as EconmlS
    from econml.metalearners import TLearner as EconmlT
    from econml.metalearners import XLearner as EconmlX
    from sklearn.linear_model import LinearRegression, LogisticRegression

    y = made.design.outcome
    scale = float(y.std()) or 1.0
    features = made.features if made.features.shape[1] else np.zeros((len(y), 1))

    def make() -> Any:
        return LinearRegression() if estimator.nuisance == "linear" else learner(estimator.nuisance, rng)

    # next to no penalty, so that units and the number of covariates do not move the propensity
    propensity = LogisticRegression(C=1e4, max_iter=2000)
    model: Any
    if isinstance(estimator, SLearner):
        model = EconmlS(overall_model=_with_products(make()) if estimator.interactions and estimator.nuisance in STRAIGHT else make())
    elif isinstance(estimator, TLearner):
        model = EconmlT(models=make())
    elif isinstance(estimator, XLearner):
        model = EconmlX(models=make(), cate_models=make(), propensity_model=propensity)
    else:
        model = DomainAdaptationLearner(models=make(), final_models=make(), propensity_model=propensity)
    try:
        with quiet():
            model.fit(y / scale, made.on, X=features)
            return np.asarray(np.ravel(model.effect(features)) * scale)
    except ValueError as problem:
        raise refusal(
            DesignError,
            estimator.name,
            "enough authorities of both kinds for its models",
            f"{made.on.sum():.0f} treated of {len(y)} ({problem})",
            "choose other windows or another level",
        ) from problem
