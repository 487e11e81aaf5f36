"""DoWhy's propensity weighting and stratification, each with an error by authority, which DoWhy lacks.

Weighting gets the influence function of both its steps (Lunceford & Davidian 2004, Stratification and weighting via the propensity score;
Newey & McFadden 1994, Large sample estimation and hypothesis testing), strata a bootstrap over clusters (Williamson, Morley, Lucas & Carpenter 2012,
Variance estimation for stratified propensity score estimators).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from causal.arrays import Floats
from causal.bootstrapped import bootstrapped
from causal.design import Design
from causal.errors import ConfigError, EstimationError, refusal
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.machinery.dowhy_rows import COVARIATES, Windows, agree, effect_of
from causal.estimators.machinery.long_difference import TWO_KINDS, cross_section
from causal.estimators.machinery.one_row import TARGETS, CrossSection, check_clip, clipped, logistic, members, overlap, threats, weights
from causal.inference.clustered import Fit, cluster_sums
from causal.knobs import whole_number
from causal.needs import ADJUSTMENT, Need
from causal.regression import estimated, group_parts, residual_treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class PropensityWeighting(Windows):
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
    answers: ClassVar[tuple[str, ...]] = ("ATE", "ATT", "alike")
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "a tenth of a second"
    quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        Windows.__post_init__(self)
        check_clip(self.clip)
        if self.inference not in ("stacked", "weights_known"):
            raise refusal(ConfigError, "inference", "'stacked' or 'weights_known'", repr(self.inference), "write one of them")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "propensity_weighting"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : one row an authority is made of it (`before`, `after`), treated or not.
        rng : draws the joint critical values of effects by group.

        Raises
        ------
        DesignError : no two kinds of authority, or weights by a column.
        EstimationError : the covariates separate treated from untreated, so that propensity scores are 0 or 1.
        """
        serve(self, design)
        made = self.rows(design)
        propensity = logistic(made)
        fit = _weighted(made, propensity, self.clip, np.ones((len(made.on), 1)), self.inference)
        agree(self.name, float(fit.coefficients[0]), effect_of(made, "propensity_score_weighting", clipped(made, propensity, self.clip)))
        parts = [(of, names, _weighted(made, propensity, self.clip, inside, self.inference), codes) for of, names, codes, inside in members(made)]
        found, said, notes = overlap(made, propensity, self.clip)
        return estimated(
            design,
            fit,
            over=made.design,
            estimator=self.name,
            estimand=made.estimand("normalised inverse propensity weights"),
            conditioning=made.conditioning(design),
            target=made.target,
            parts=group_parts(made.design, parts, rng),
            diagnostics={**residual_treatment(made.design, made.on - propensity), **found},
            concerns=said + threats(made, made.on - propensity),
            notes=(*made.design.words[-2:], *notes),
        )


def _weighted(made: CrossSection, propensity: Floats, clip: float, inside: Floats, inference: str) -> Fit:
    """Differences of weighted means in groups of rows, shape (rows, k) membership, with the influence of means and propensity."""
    kept, y, on = clipped(made, propensity, clip), made.design.outcome, made.on
    free = (kept == propensity).astype(float)
    count = weights(made, kept)
    # how each weight moves with the log odds
    odds = np.column_stack([-on * (1 - kept) / kept, (1 - on) * kept / (1 - kept)])
    if made.whom is not None:
        odds[:, 0 if made.whom == 1 else 1] = 0.0
    matrix = np.column_stack([np.ones(len(on)), made.features])
    bend = np.linalg.pinv((matrix * (propensity * (1 - propensity))[:, None]).T @ matrix, rcond=1e-12, hermitian=True)
    moves = (matrix * (on - propensity)[:, None]) @ bend
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
class PropensityStratification(Windows):
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
    answers: ClassVar[tuple[str, ...]] = ("ATE", "ATT", "alike")
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "a second"

    def __post_init__(self) -> None:
        Windows.__post_init__(self)
        for key, value, least in (("strata", self.strata, 2), ("fewest", self.fewest, 1), ("draws", self.draws, 50)):
            whole_number(key, value, least)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "propensity_stratification"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : one row an authority is made of it (`before`, `after`), treated or not, with something to adjust for.
        rng : draws the bootstrap.

        Raises
        ------
        DesignError : no two kinds of authority, nothing to adjust for, or weights by a column.
        EstimationError : the covariates separate treated from untreated, or no stratum has both kinds.
        """
        serve(self, design)
        made = self.rows(design)
        propensity = logistic(made)
        effect, out = self._strata(made, propensity)
        agree(self.name, effect, effect_of(made, "propensity_score_stratification", propensity, num_strata=self.strata, clipping_threshold=self.fewest - 1))

        def answer(drawn: Design, _: np.random.Generator) -> Floats:
            again = cross_section(drawn, before=None, after=None, degree=self.degree)
            return np.array([self._strata(again, logistic(again))[0] * made.contrast])

        found, said, notes = overlap(made, propensity, None)
        if out:
            said += (f"{out} of {len(propensity)} authorities lie in strata without both kinds and are left out, so the effect is that on the others",)
        return bootstrapped(
            design,
            answer,
            rng,
            draws=self.draws,
            estimator=self.name,
            estimand=made.estimand(f"{self.strata} strata of the propensity"),
            conditioning=made.conditioning(design),
            target=made.target,
            over=made.design,
            diagnostics={**residual_treatment(made.design, made.on - propensity), **found, "authorities in strata without both kinds": float(out)},
            concerns=said + threats(made, made.on - propensity),
            notes=(*made.design.words[-2:], "Five strata take away about nine tenths of a confounder's bias (Cochran 1968), not all of it.", *notes),
        )

    def _strata(self, made: CrossSection, propensity: Floats) -> tuple[float, int]:
        """The effect of 1 against 0, and how many authorities lie in strata left out."""
        from scipy.stats import rankdata

        on, y = made.on, made.design.outcome
        _, stratum = np.unique(np.round(rankdata(propensity) / len(propensity) * self.strata), return_inverse=True)
        sums = np.array([np.bincount(stratum, weights=part) for part in (on, 1 - on, on * y, (1 - on) * y, made.counted)])
        kept = np.minimum(sums[0], sums[1]) >= self.fewest
        if not kept.any():
            raise refusal(EstimationError, "propensity_stratification", f"a stratum with {self.fewest} treated and untreated", "none", "take fewer strata")
        one, zero, one_y, zero_y, counted = sums[:, kept]
        return float(((one_y / one - zero_y / zero) * counted).sum() / counted.sum()), int((~kept)[stratum].sum())
