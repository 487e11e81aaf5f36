"""The effect on compliers: of those who take it up because of an instrument of two values, and would not otherwise.

An offer, a lottery or a rule moves some to take the treatment up; for these, and for nobody else, it tells what the treatment does (Imbens & Angrist 1994,
Identification and estimation of local average treatment effects). Both what the instrument does to the outcome and what it does to the taking up are
doubly robust and cross-fitted by whole clusters (`causal.inference.compliers`), so that curves of the covariates may be learnt; without covariates it is
Wald's ratio. Beside it stand how many compliers there are and who they are, by Abadie's weights (Abadie 2003, Semiparametric instrumental variable
estimation of treatment response models). Nobody may do the opposite of what the instrument asks: traces of that are looked for by `monotonicity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import ConfigError, refusal
from causal.estimand import Estimand, compared
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.machinery.crossfit import check_crossfit, splits
from causal.estimators.machinery.nuisance import Nuisance, check_nuisance, learner, quiet
from causal.estimators.machinery.transformed import expanded, scaled
from causal.inference.clustered import Fit, median_fit
from causal.inference.compliers import propensity, ratio, scores
from causal.knobs import between, whole_number
from causal.needs import BINARY, BINARY_INSTRUMENT, FOLDS, INSTRUMENT, Need, instrument_of
from causal.regression import estimated, residual_treatment, without_interval

WEAK = 10.0  # F of the taking up below which the ratio's error is not that of a normal law (Staiger & Stock 1997)


def _between(_: Any, design: Design) -> str | None:
    if "authority" not in design.absorb:
        return None
    return "it compares places with one another, and the adjustment set holds what is lasting about each fixed; take ortho_iv or two_stage_least_squares"


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """The doubly robust effect on compliers.

    Parameters
    ----------
    instrument : of two values; None takes the first of the graph's that is.
    nuisance : "ridge", "lasso", "boosting", "forest" or "stacked", for outcome and taking up; the instrument's propensity is logistic.
    folds : of cross-fitting, whole clusters.
    repetitions : of cross-fitting with other folds; the median is the answer.
    degree : of the polynomial of the covariates, 1 to 3.
    clip : propensities are kept that far from 0 and 1.
    """

    instrument: str | None = None
    nuisance: Nuisance = "ridge"
    folds: int = 5
    repetitions: int = 3
    degree: int = 1
    clip: float = 0.02
    needs: ClassVar[tuple[Need, ...]] = (
        INSTRUMENT,
        BINARY_INSTRUMENT,
        BINARY,
        FOLDS,
        Need("an adjustment set without authority", _between),
    )
    answers: ClassVar[tuple[str, ...]] = ("ATE",)
    targets: ClassVar[str] = "ATE, of those who take it up because of the instrument, every one alike"
    costs: ClassVar[str] = "a second or more"
    limits: ClassVar[tuple[str, ...]] = ("compliers", "between")
    checks: ClassVar[tuple[str, ...]] = ("first_stage", "monotonicity")
    strategy: ClassVar[str] = "iv"

    def __post_init__(self) -> None:
        if self.instrument is not None and (not isinstance(self.instrument, str) or not self.instrument.strip()):
            raise refusal(ConfigError, "estimator.instrument", "the name of an instrument, or null", repr(self.instrument), "name a node of the graph")
        check_nuisance(self.nuisance)
        check_crossfit(self.folds, self.repetitions)
        whole_number("degree", self.degree, 1, 3)
        between("clip", self.clip, 0, 0.5)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "late"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with a treatment and an instrument of two values, without authorities absorbed.
        rng : deals clusters into folds and seeds the learners; not used where there are no covariates.

        Raises
        ------
        DesignError : no instrument of two values, a treatment of more, or too few clusters for the folds.
        """
        serve(self, design)
        found = instrument_of(self, design)
        assert found is not None
        name, column = found
        kept = np.flatnonzero(np.isfinite(column))
        used = design.subset(kept, f"{name} not known")
        z = (column[kept] == column[kept].max()).astype(float)
        d = (used.treatment == used.question.treated).astype(float)
        features = scaled(
            np.column_stack([expanded(used, self.degree), used.time_invariant, used.year_dummies() if "year" in used.absorb else used.time_invariant[:, :0]])
        )
        fits, shares, strengths, profiles = [], [], [], []
        for _ in range(self.repetitions if features.shape[1] else 1):
            y_score, d_score, chance = self._scores(used, features, z, d, rng)
            theta, own, strength = ratio(y_score, d_score, used.cluster, len(used.clusters))
            fits.append(
                Fit(
                    coefficients=np.array([theta / used.question.contrast]),
                    scores=own[:, None] / used.question.contrast,
                    df=np.array([len(used.clusters) - 1.0]),
                    residuals=y_score - theta * d_score,
                    inference="efficient score of the complier effect, t(G−1)",
                )
            )
            shares.append(float(d_score.mean()))
            strengths.append(strength)
            kappa = 1 - d * (1 - z) / (1 - chance) - (1 - d) * z / chance
            profiles.append(kappa @ features / kappa.sum() if features.shape[1] and kappa.sum() > 0 else np.zeros(features.shape[1]))
        share, strength = float(np.median(shares)), float(np.median(strengths))
        names = used.control_names if len(used.control_names) == features.shape[1] else ()
        profile = dict(zip(names, np.median(profiles, axis=0).tolist(), strict=True)) if names else {}
        takers = float(d[z == 0].mean()) if share > 0 else float(d[z == 1].mean())
        estimate = estimated(
            design,
            median_fit(fits),
            over=used,
            estimator=self.name,
            estimand=Estimand(
                family="moved", comparison=compared(design), population="movers", weighting="compliers", instruments=(name,), model="doubly robust"
            ),
            diagnostics={
                **residual_treatment(used, used.treatment - used.treatment.mean()),
                "share of compliers": abs(share),
                "took it up whatever the instrument said, at its lower level": takers,
                "F of the taking up": min(strength, 1e6),
                **{f"compliers' {one}, standard deviations from all": value for one, value in profile.items()},
            },
            notes=(
                f"Of those whom {name} moves, {abs(share):.1%} of all; "
                + (
                    f"{self.folds} folds of whole clusters, {self.nuisance} for outcome and taking up, logistic for {name}."
                    if features.shape[1]
                    else "nothing is held fixed, so that it is Wald's ratio."
                ),
            ),
        )
        if strength < WEAK:
            weak = f"{name} hardly moves the treatment (F = {strength:.1f}), and the ratio's error is not known then"
            return without_interval(estimate, weak)
        return estimate

    def _scores(self, used: Design, features: Floats, z: Floats, d: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Scores of outcome and taking up, and the instrument's propensity; out of fold where there is something to learn."""
        y = used.outcome
        if not features.shape[1]:
            flat = [(np.full(len(y), one[z == 1].mean()), np.full(len(y), one[z == 0].mean())) for one in (y, d)]
            chance = np.full(len(y), z.mean())
            return scores(y, z, chance, *flat[0]), scores(d, z, chance, *flat[1]), chance
        chance = np.empty(len(y))
        means = np.empty((2, 2, len(y)))
        with quiet():
            for train, test in splits(used.cluster, self.folds, rng):
                chance[test] = propensity(features[train], z[train], features[test])
                for i, column in enumerate((y, d)):
                    for level in (0, 1):
                        rows = train[z[train] == level]
                        model = learner(self.nuisance, rng).fit(features[rows], column[rows])
                        means[i, level, test] = model.predict(features[test])
        chance = np.clip(chance, self.clip, 1 - self.clip)
        return scores(y, z, chance, means[0, 1], means[0, 0]), scores(d, z, chance, means[1, 1], means[1, 0]), chance
