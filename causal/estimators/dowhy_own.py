"""DoWhy's back-door estimators on one row for each authority, each with the interval that it can honestly have.

DoWhy is given a copy of the columns with sorted names and propensities of ours, and gives the effect; ours must equal it. What it lacks is an
error by authority: weighting and the generalised linear model get the influence function of both their steps (Lunceford & Davidian 2004,
Stratification and weighting via the propensity score; Newey & McFadden 1994, Large sample estimation and hypothesis testing), strata a
bootstrap over clusters (Williamson, Morley, Lucas & Carpenter 2012, Variance estimation for stratified propensity score estimators), and
matching none: bootstrapped nearest neighbours are invalid (Abadie & Imbens 2008, On the failure of the bootstrap for matching estimators).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from causal.design import Design, Floats
from causal.errors import ConfigError, DesignError, EstimationError
from causal.estimate import Estimate, bootstrapped, estimated, group_parts, residual_treatment, without_interval
from causal.estimators import serve
from causal.estimators.cross_section import (
    TARGETS,
    TWO_KINDS,
    CrossSection,
    Years,
    averaged,
    check_clip,
    check_windows,
    clipped,
    cross_section,
    logistic,
    members,
    overlap,
    threats,
    weights,
)
from causal.inference import Fit, cluster_sums
from causal.needs import ADJUSTMENT, Need

Family = Literal["gaussian", "poisson", "binomial"]
FAMILIES = ("gaussian", "poisson", "binomial")


def _covariates(estimator: Any, design: Design) -> str | None:
    try:
        made = estimator.rows(design)
    except DesignError:
        return None  # said by the need for two kinds
    return None if made.features.shape[1] else "there is nothing to adjust for, so nothing to tell who is like whom"


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
    if design.question.target == "ATE" or estimator.family != "gaussian" or design.modifiers:
        return None
    return "a gaussian model gives one effect for all, whoever is asked about; name what it may differ by with  question.modifiers=[…]"


COVARIATES = Need("something to adjust for", _covariates)
RANGE = Need("an outcome in the family's range", _family)
DIFFERING = Need("for the ATT question.modifiers, or another family", _same_for_all)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Windows:
    """Which rows.

    Parameters
    ----------
    before, after : windows of outcome years, (first, last); None takes the first two and the last two.
    base_outcome : whether the outcome's level in the first window is adjusted for.
    """

    before: Years = None
    after: Years = None
    base_outcome: bool = True

    def __post_init__(self) -> None:
        for key, window in zip(("before", "after"), check_windows(self.before, self.after), strict=True):
            object.__setattr__(self, key, window)

    def rows(self, design: Design) -> CrossSection:
        """One row for each authority."""
        return cross_section(design, before=self.before, after=self.after, base_outcome=self.base_outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class PropensityWeighting(_Windows):
    """DoWhy's inverse propensity weighting, normalised (Hájek), logistic propensity.

    Parameters
    ----------
    before, after, base_outcome : as above.
    inference : "stacked" counts that the propensity was estimated; "weights_known" takes it as given, which for the ATE is
        conservative (Robins, Hernán & Brumback 2000, Marginal structural models and causal inference in epidemiology).
    clip : propensities are kept that far from the ends at which weights explode.
    """

    inference: Literal["stacked", "weights_known"] = "stacked"
    clip: float = 0.02
    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, TWO_KINDS)
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "a tenth of a second"

    def __post_init__(self) -> None:
        _Windows.__post_init__(self)
        check_clip(self.clip)
        if self.inference not in ("stacked", "weights_known"):
            raise ConfigError(f"inference must be 'stacked' or 'weights_known', got {self.inference!r}")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "propensity_weighting"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Raises
        ------
        DesignError : no two kinds of authority, or weights by a column.
        EstimationError : the covariates tell the treatment for certain.
        """
        serve(self, design)
        made = self.rows(design)
        chance = logistic(made)
        fit = _weighted(made, chance, self.clip, np.ones((len(made.on), 1)), self.inference)
        agree(self.name, float(fit.coefficients[0]), _dowhy(made, "propensity_score_weighting", clipped(made, chance, self.clip)))
        parts = [(of, names, _weighted(made, chance, self.clip, inside, self.inference), codes) for of, names, codes, inside in members(made)]
        found, said, notes = overlap(made, chance, self.clip)
        return estimated(
            design,
            fit,
            over=made.design,
            estimator=self.name,
            estimand=_estimand(made, "normalised inverse propensity weights"),
            target=made.target,
            parts=group_parts(made.design, parts, rng),
            diagnostics={**residual_treatment(made.design, made.on - chance), **found},
            concerns=said + threats(made, made.on - chance),
            notes=(*made.design.words[-2:], *notes),
        )


def _weighted(made: CrossSection, chance: Floats, clip: float, inside: Floats, inference: str) -> Fit:
    """Differences of weighted means in groups of rows, shape (rows, k) membership, with the influence of means and propensity."""
    kept, y, on = clipped(made, chance, clip), made.design.outcome, made.on
    free = (kept == chance).astype(float)
    count = weights(made, kept)
    # how each weight moves with the log odds
    odds = np.column_stack([-on * (1 - kept) / kept, (1 - on) * kept / (1 - kept)])
    if made.whom is not None:
        odds[:, 0 if made.whom == 1 else 1] = 0.0
    matrix = np.column_stack([np.ones(len(on)), made.features])
    bend = np.linalg.pinv((matrix * (chance * (1 - chance))[:, None]).T @ matrix, rcond=1e-12, hermitian=True)
    moves = (matrix * (on - chance)[:, None]) @ bend
    fits, slopes = [], []
    for j in (0, 1):
        w = count[:, [j]] * inside
        mean = (w * y[:, None]).sum(axis=0) / w.sum(axis=0)
        slope = matrix.T @ ((odds[:, j] * free)[:, None] * inside * (y[:, None] - mean)) / w.sum(axis=0)
        fits.append((mean, w * (y[:, None] - mean) / w.sum(axis=0)))
        slopes.append(moves @ slope)
    influence = fits[0][1] - fits[1][1] + (slopes[0] - slopes[1] if inference == "stacked" else 0.0)
    words = "influence of the weighted means" + (" and the propensity" if inference == "stacked" else ", weights taken as known")
    return _from_influence(made, fits[0][0] - fits[1][0], influence, words)


def _from_influence(made: CrossSection, effect: Floats, influence: Floats, words: str) -> Fit:
    number = len(made.design.clusters)
    return Fit(
        coefficients=effect,
        scores=cluster_sums(influence, made.design.cluster, number) * np.sqrt(number / (number - 1)),
        df=np.full(len(effect), number - 1.0),
        residuals=influence[:, 0],
        inference=f"{words}, t(G−1)",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PropensityStratification(_Windows):
    """DoWhy's strata of the propensity: differences within strata, averaged.

    Parameters
    ----------
    before, after, base_outcome : as above.
    strata : as DoWhy counts them; its rounding makes one more, the first and last half as large.
    fewest : treated and untreated that a stratum needs; others are left out, and said.
    draws : of the bootstrap over clusters, at least 50.
    """

    strata: int = 5
    fewest: int = 1
    draws: int = 200
    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, TWO_KINDS, COVARIATES)
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "a second"

    def __post_init__(self) -> None:
        _Windows.__post_init__(self)
        for key, value, least in (("strata", self.strata, 2), ("fewest", self.fewest, 1), ("draws", self.draws, 50)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(f"{key} must be a whole number of at least {least}, got {value!r}")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "propensity_stratification"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Raises
        ------
        DesignError : no two kinds of authority, nothing to adjust for, or weights by a column.
        EstimationError : the covariates tell the treatment for certain, or no stratum has both kinds.
        """
        serve(self, design)
        made = self.rows(design)
        chance = logistic(made)
        effect, out = self._strata(made, chance)
        agree(self.name, effect, _dowhy(made, "propensity_score_stratification", chance, num_strata=self.strata, clipping_threshold=self.fewest - 1))

        def answer(drawn: Design, _: np.random.Generator) -> Floats:
            again = cross_section(drawn, before=None, after=None)
            return np.array([self._strata(again, logistic(again))[0] * made.contrast])

        found, said, notes = overlap(made, chance, None)
        if out:
            said += (f"{out} of {len(chance)} authorities lie in strata without both kinds and are left out, so the effect is that on the others",)
        return bootstrapped(
            design,
            answer,
            rng,
            draws=self.draws,
            estimator=self.name,
            estimand=_estimand(made, f"{self.strata} strata of the propensity"),
            target=made.target,
            over=made.design,
            diagnostics={**residual_treatment(made.design, made.on - chance), **found, "authorities in strata without both kinds": float(out)},
            concerns=said + threats(made, made.on - chance),
            notes=(*made.design.words[-2:], "Five strata take away about nine tenths of a confounder's bias (Cochran 1968), not all of it.", *notes),
        )

    def _strata(self, made: CrossSection, chance: Floats) -> tuple[float, int]:
        """The effect of 1 against 0, and how many authorities lie in strata left out."""
        from scipy.stats import rankdata

        on, y = made.on, made.design.outcome
        _, stratum = np.unique(np.round(rankdata(chance) / len(chance) * self.strata), return_inverse=True)
        sums = np.array([np.bincount(stratum, weights=part) for part in (on, 1 - on, on * y, (1 - on) * y, made.counted)])
        kept = np.minimum(sums[0], sums[1]) >= self.fewest
        if not kept.any():
            raise EstimationError(f"propensity_stratification: no stratum has {self.fewest} treated and untreated; take fewer strata")
        one, zero, one_y, zero_y, counted = sums[:, kept]
        return float(((one_y / one - zero_y / zero) * counted).sum() / counted.sum()), int((~kept)[stratum].sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class PropensityMatching(_Windows):
    """DoWhy's nearest neighbour on the propensity, one with replacement."""

    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, TWO_KINDS, COVARIATES)
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "a second"

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "propensity_matching"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Raises
        ------
        DesignError : no two kinds of authority, nothing to adjust for, or weights by a column.
        EstimationError : the covariates tell the treatment for certain.
        """
        serve(self, design)
        made = self.rows(design)
        chance = logistic(made)
        why = "a bootstrap of nearest neighbours is invalid (Abadie & Imbens 2008), and their variance for an estimated propensity (2016) is not built"
        return _matched(self.name, design, made, chance, _dowhy(made, "propensity_score_matching", chance), "nearest propensity", why)


@dataclass(frozen=True, slots=True, kw_only=True)
class DistanceMatching(_Windows):
    """DoWhy's nearest neighbours by distance of the standardised covariates, with replacement.

    Parameters
    ----------
    before, after, base_outcome : as above.
    neighbours : of each authority.
    """

    neighbours: int = 1
    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, TWO_KINDS, COVARIATES)
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "a second"

    def __post_init__(self) -> None:
        _Windows.__post_init__(self)
        if isinstance(self.neighbours, bool) or not isinstance(self.neighbours, int) or not 1 <= self.neighbours <= 5:
            raise ConfigError(f"neighbours must be a whole number from 1 to 5, got {self.neighbours!r}")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "distance_matching"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Raises
        ------
        DesignError : no two kinds of authority, nothing to adjust for, or weights by a column.
        """
        serve(self, design)
        made = self.rows(design)
        try:
            chance: Floats | None = logistic(made)
        except EstimationError:
            chance = None
        theirs = _dowhy(made, "distance_matching", None, num_matches_per_unit=self.neighbours, distance_metric="minkowski", p=2)
        why = "a bootstrap of nearest neighbours is invalid (Abadie & Imbens 2008), and matching on several covariates is biased by more than its error (2006)"
        return _matched(self.name, design, made, chance, theirs, f"{self.neighbours} nearest by standardised covariates", why)


def _matched(name: str, design: Design, made: CrossSection, chance: Floats | None, effect: float, how: str, why: str) -> Estimate:
    left = made.design.partial_out(made.on[:, None])[:, 0] if chance is None else made.on - chance
    found, said, notes = ({}, ("the covariates tell for certain who was treated",), ()) if chance is None else overlap(made, chance, None)
    number = len(made.design.clusters)
    bare = Fit(coefficients=np.array([effect]), scores=np.ones((number, 1)), df=np.array([number - 1.0]), residuals=left, inference="")
    one = estimated(
        design,
        bare,
        over=made.design,
        estimator=name,
        estimand=_estimand(made, how),
        target=made.target,
        diagnostics={**residual_treatment(made.design, left), **found},
        concerns=said + threats(made, left),
        notes=(*made.design.words[-2:], *notes),
    )
    return without_interval(one, why)


@dataclass(frozen=True, slots=True, kw_only=True)
class DowhyGlm(_Windows):
    """DoWhy's generalised linear model, averaged over authorities (the g-formula); the question's modifiers act with the treatment.

    Parameters
    ----------
    before, after, base_outcome : as above.
    family : "gaussian", "poisson" (log link) or "binomial" (logit link, outcomes from 0 to 1).
    outcome : "change" between the windows or "level" in the last.
    """

    family: Family = "gaussian"
    outcome: Literal["change", "level"] = "change"
    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, TWO_KINDS, RANGE, DIFFERING)
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "a tenth of a second"

    def __post_init__(self) -> None:
        _Windows.__post_init__(self)
        for key, value, known in (("family", self.family, FAMILIES), ("outcome", self.outcome, ("change", "level"))):
            if value not in known:
                raise ConfigError(f"{key} must be one of {', '.join(known)}, got {value!r}")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "dowhy_glm"

    def rows(self, design: Design) -> CrossSection:
        """One row for each authority."""
        change = self.outcome == "change"
        return cross_section(design, before=self.before, after=self.after, base_outcome=self.base_outcome, change=change)

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Raises
        ------
        DesignError : no two kinds of authority, an outcome out of the family's range, or weights by a column.
        EstimationError : some covariates are told by others almost exactly.
        """
        serve(self, design)
        made = self.rows(design)
        matrix, one, zero, slopes, theirs = _glm(made, self.family)
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
        one_by_one = self.family != "gaussian" or bool(made.design.modifiers)
        agree(self.name, float(whole.coefficients[0]), theirs)
        left = made.design.partial_out(made.on[:, None])[:, 0]
        try:
            found, said, notes = overlap(made, logistic(made), None)
        except EstimationError:
            found, said, notes = {}, ("the covariates tell for certain who was treated, so the effect is extrapolated by the model",), ()
        return estimated(
            design,
            whole,
            over=made.design,
            estimator=self.name,
            estimand=_estimand(
                made, f"{self.family} model, averaged over authorities" if one_by_one else "gaussian model, weighted by residual treatment variance"
            ),
            target=made.target,
            parts=group_parts(made.design, [(of, names, fit(inside), codes) for of, names, codes, inside in members(made)], rng),
            diagnostics={**residual_treatment(made.design, left), **found},
            concerns=said + threats(made, left),
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


def _glm(made: CrossSection, family: str) -> tuple[Floats, Floats, Floats, Floats, float]:
    """DoWhy's model: its columns as they are, with treatment 1 and 0, its coefficients, and its average effect on those counted."""
    # DoWhy takes seconds to import
    import statsmodels.api as sm  # type: ignore[import-untyped]
    from dowhy.causal_estimators.generalized_linear_model_estimator import GeneralizedLinearModelEstimator

    modifiers = [(m.values - m.values.mean()) / (m.values.std() or 1.0) for m in made.design.modifiers]
    beside = [made.features] + [values[:, None] for values, m in zip(modifiers, made.design.modifiers, strict=True) if m.name not in made.design.control_names]
    features = np.column_stack(beside)
    frame, names = _frame(made, features)
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


def _estimand(made: CrossSection, how: str) -> str:
    return f"average effect{' on the treated' if made.target == 'ATT' else ''}, {made.words} ({how})"


def agree(name: str, ours: float, theirs: float) -> None:
    """Refuse an answer that DoWhy does not give too.

    Raises
    ------
    EstimationError : they differ.
    """
    if not np.isclose(ours, theirs, rtol=1e-5, atol=1e-9):
        raise EstimationError(f"{name}: DoWhy's effect {theirs:g} and ours {ours:g} differ; some covariates may be told by others almost exactly")


def _frame(made: CrossSection, features: Floats) -> tuple[Any, list[str]]:
    """A copy of the columns for DoWhy, which writes into what it is given; names sorted. A constant stands where there is nothing to adjust for."""
    import pandas as pd

    if not features.shape[1]:
        features = np.empty((len(made.on), 0))
    names = [f"w{i:04d}" for i in range(features.shape[1])]
    return pd.DataFrame(np.column_stack([made.design.outcome, made.on, features]), columns=["y", "t", *names]), names


def estimand_of(names: list[str], **more: Any) -> Any:
    """What DoWhy's estimators want to be told: y on t, these held fixed."""
    # DoWhy takes seconds to import
    from dowhy.causal_identifier.auto_identifier import EstimandType
    from dowhy.causal_identifier.identified_estimand import IdentifiedEstimand

    estimand = IdentifiedEstimand(
        None,
        treatment_variable=["t"],
        outcome_variable=["y"],
        estimand_type=EstimandType.NONPARAMETRIC_ATE,
        estimands={"backdoor": True},
        backdoor_variables={"backdoor": names},
        default_backdoor_id="backdoor",
        **more,
    )
    estimand.set_identifier_method("backdoor")
    return estimand


def _dowhy(made: CrossSection, kind: str, chance: Floats | None, **knobs: Any) -> float:
    """DoWhy's effect of 1 against 0 on those counted; `chance` are the propensities that it is to use."""
    from importlib import import_module

    # DoWhy takes seconds to import
    home = import_module(f"dowhy.causal_estimators.{kind}_estimator")
    frame, names = _frame(made, made.features)
    if not names:
        frame["w"], names = 0.0, ["w"]
    if chance is not None:
        frame["propensity_score"] = chance
        knobs |= {"min_ps_score": 0.0, "max_ps_score": 1.0} if kind.endswith("weighting") else {}
    estimator: Any = getattr(home, "".join(part.capitalize() for part in kind.split("_")) + "Estimator")(estimand_of(names), **knobs)
    estimator.fit(frame)
    units = "ate" if made.whom is None else "att" if made.whom == 1 else "atc"
    return float(estimator.estimate_effect(frame, treatment_value=1, control_value=0, target_units=units).value)
