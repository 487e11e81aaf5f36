"""Two-way fixed effects: each authority is compared with itself, each year with the others' same year.

Least squares of the outcome on the treatment with authority and year absorbed and the identified controls
held fixed in a straight line (Wooldridge 2010, Econometric Analysis of Cross Section and Panel Data, ch. 10).
It answers with a variance-weighted average effect; where effects differ, authorities whose treatment moves most
weigh most.

First differences answer the same question from changes between successive years. Both are right under strict exogeneity; where the
treatment is recorded with error they differ, since differencing keeps the error and loses the signal (Griliches & Hausman 1986, Errors in
variables in panel data).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from causal.design import Design
from causal.errors import ConfigError, refusal
from causal.estimand import Conditioning, Estimand
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.machinery.bacon import comparisons
from causal.inference.wild import wild_bootstrap
from causal.knobs import whole_number
from causal.needs import AUTHORITY_EFFECTS, SUCCESSIVE_YEARS, Need
from causal.regression import by_group, estimated, feedback, group_parts, least_squares, residual_treatment, warn_concentrated_leverage
from causal.windows import differenced

Inference = Literal["clustered", "wild_rademacher", "wild_webb"]
INFERENCES = ("clustered", "wild_rademacher", "wild_webb")


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedEffects:
    """Two-way fixed effects with clustered errors.

    Parameters
    ----------
    inference : "clustered" (CR1, or CR2 below 50 effective clusters), or a restricted wild cluster bootstrap with "wild_rademacher" or
        "wild_webb" weights (Webb's for a dozen clusters or fewer).
    draws : of the wild bootstrap, at least 99.
    """

    inference: Inference = "clustered"
    draws: int = 999
    by_sums: ClassVar[bool] = True
    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS,)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE, weighted by residual treatment variance (and question.weights)"
    costs: ClassVar[str] = "milliseconds"

    def __post_init__(self) -> None:
        _check(self.inference, self.draws)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "fixed_effects"

    def regression(self, design: Design) -> Design:
        """The design itself."""
        return design

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with authorities absorbed.
        rng : draws the joint critical values of effects by group, and the wild bootstrap's weights.

        Raises
        ------
        DesignError : authorities are not absorbed, or the target is not the ATE.
        """
        serve(self, design)
        return _answer(self, design, "residual_variance", "two-way fixed effects" if "year" in design.absorb else "authority fixed effects", rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDifference:
    """Changes from the year before on changes of the treatment, with year effects and changes of the controls.

    Parameters
    ----------
    inference, draws : as for `FixedEffects`.
    """

    inference: Inference = "clustered"
    draws: int = 999
    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS, SUCCESSIVE_YEARS)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE, weighted by the variance of the treatment's yearly change (and question.weights)"
    costs: ClassVar[str] = "milliseconds"

    def __post_init__(self) -> None:
        _check(self.inference, self.draws)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "first_difference"

    def regression(self, design: Design) -> Design:
        """The design's changes from year to year."""
        return differenced(design)

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with authorities absorbed, some of them seen in two successive years.
        rng : draws the joint critical values of effects by group, and the wild bootstrap's weights.

        Raises
        ------
        DesignError : authorities are not absorbed or never seen in two successive years, or the target is not the ATE.
        """
        serve(self, design)
        return _answer(self, design, "change_variance", "first differences", rng)


def _check(inference: str, draws: int) -> None:
    if inference not in INFERENCES:
        raise refusal(ConfigError, "inference", f"one of {', '.join(INFERENCES)}", repr(inference), "write one of them")
    whole_number("draws", draws, 99)


def _answer(estimator: FixedEffects | FirstDifference, design: Design, weighting: str, model: str, rng: np.random.Generator) -> Estimate:
    used = estimator.regression(design)
    basis = used.basis()
    fit, treatment = least_squares(used, basis)
    compared, said = comparisons(design, treatment) if isinstance(estimator, FixedEffects) else ({}, ())
    made = estimated(
        design,
        fit,
        over=used,
        estimator=estimator.name,
        estimand=Estimand(
            family="average", comparison="within", population="all", weighting=weighting, model=model, changes=isinstance(estimator, FirstDifference)
        ),
        conditioning=Conditioning.by(design, authority=True),
        parts=group_parts(used, by_group(used, basis), rng),
        diagnostics={**residual_treatment(used, treatment), **compared},
        concerns=feedback(design) + warn_concentrated_leverage(used, treatment) + said,
    )
    if estimator.inference == "clustered":
        return made
    weights = estimator.inference.removeprefix("wild_")
    lower, upper, p_value = wild_bootstrap(
        used.partial_out(used.outcome[:, None], basis)[:, 0],
        treatment,
        used.nuisance_basis(basis),
        used.cluster,
        len(used.clusters),
        level=design.question.level,
        weights=weights,
        draws=estimator.draws,
        rng=rng,
    )
    ends = sorted(end * design.question.contrast for end in (lower, upper))
    words = f"restricted wild cluster bootstrap ({weights.capitalize()} weights, {estimator.draws} draws); standard error {made.inference}"
    return replace(made, lower=ends[0], upper=ends[1], p_value=p_value, inference=words)
