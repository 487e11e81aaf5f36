"""How authority effects are taken out before anything is learnt (Clarke & Polselli 2025, Double machine learning for static panel models).

within
    outcome, treatment and a *basis expansion* of the covariates lose authority and year means; linear nuisances only, since a
    demeaned g(x) is no function of demeaned x (a forest on demeaned covariates gave 2.4 where the truth was 1).
correlated_random_effects
    outcome and treatment lose authority means, the covariates stay as they are and bring their authority means, the
    treatment's mean and year dummies; for trees and for linear models. Of a curved confounder about one part in the number of years
    stays, since the mean of a curve is not told by the mean of the covariate; first differences leave less.
first_difference
    changes from the year before on the covariates of both years and year dummies; for trees and for linear models.

Where the design absorbs no authorities nothing is taken out and rows stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from causal.arrays import Floats, Ints
from causal.crossfitted import Carried, CrossFitted, Slope
from causal.design import Design
from causal.errors import ConfigError, DesignError, refusal
from causal.estimators.machinery.nuisance import LINEAR, check_nuisance
from causal.knobs import is_whole
from causal.modifier import Modifier

Transformation = Literal["within", "correlated_random_effects", "first_difference"]
TRANSFORMATIONS = ("within", "correlated_random_effects", "first_difference")
MODELS = {"within": "", "correlated_random_effects": ", correlated random effects", "first_difference": ", first differences", "none": ""}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Transformed:
    """What learners are given.

    Parameters
    ----------
    outcome, treatment : shape (rows,), without authority effects; never multiplied by weights.
    features : shape (rows, features), each of mean 0 and standard deviation 1.
    kept : shape (rows,), the design's rows that these stand for.
    cluster : shape (rows,), 0 to `len(clusters)` − 1; `clusters` are their names.
    weights : shape (rows,) or None.
    transformation : of TRANSFORMATIONS, or "none".
    folds : shape (clusters,), the folds that the design asks for; None: they are dealt.
    """

    outcome: Floats
    treatment: Floats
    features: Floats
    kept: Ints
    cluster: Ints
    clusters: tuple[str, ...]
    weights: Floats | None
    transformation: Carried
    folds: Ints | None = None

    @property
    def root(self) -> Floats:
        """Shape (rows,), roots of the weights; ones where there are none."""
        return np.ones(len(self.outcome)) if self.weights is None else np.sqrt(self.weights)

    @property
    def some(self) -> Floats | None:
        """The features, or None where there are none, as EconML wants it."""
        return self.features if self.features.shape[1] else None

    def groups(self, modifier: Modifier) -> Ints:
        """A modifier's group of each row, shape (rows,)."""
        return modifier.codes[self.kept]

    def over(self, design: Design) -> Design:
        """The design's rows that are left, for what is counted and reported."""
        return design.subset(self.kept)

    def left(self, repetitions: Sequence[Slope], design: Design) -> CrossFitted:
        """What cross-fits of these arrays leave, with how a column of the design stands beside it.

        Parameters
        ----------
        repetitions : one for each cross-fit.
        design : that the arrays are made of.
        """
        return CrossFitted(repetitions=tuple(repetitions), over=self.over(design), kept=self.kept, carried=self.transformation)

    def to_design_rows(self, residual: Floats, design: Design) -> Floats:
        """A residual at the design's rows, times the root of their weights; 0 where a row is not used.

        Parameters
        ----------
        residual : shape (rows used,).
        design : the one that the arrays were made of.
        """
        left = np.zeros(design.rows)
        left[self.kept] = residual * self.root
        return left


def check_panel(panel: str, nuisance: str, degree: int, *, linear_allowed: bool = True) -> None:
    """Refuse a transformation that does not exist, or that the nuisance cannot carry.

    Parameters
    ----------
    panel : one of `TRANSFORMATIONS`.
    nuisance : kind of learner; "within" takes linear ones alone.
    degree : of the polynomial of the controls.
    linear_allowed : whether "within" may be asked for at all.

    Raises
    ------
    ConfigError : it says which would do.
    """
    allowed = TRANSFORMATIONS if linear_allowed else TRANSFORMATIONS[1:]
    check_nuisance(nuisance)
    if panel == "within" and not linear_allowed:
        raise refusal(
            ConfigError,
            "panel",
            "a way for what is not linear",
            "within, which would put it on demeaned covariates and mistake curvature for effect",
            "take correlated_random_effects",
        )
    if panel not in allowed:
        raise refusal(ConfigError, "panel", f"one of {', '.join(allowed)}", repr(panel), "write one of them")
    if panel == "within" and nuisance not in LINEAR:
        raise refusal(
            ConfigError,
            "panel=within",
            f"a linear nuisance ({' or '.join(LINEAR)}), since a demeaned g(x) is no function of demeaned x",
            repr(nuisance),
            "for trees take panel=correlated_random_effects or panel=first_difference",
        )
    if not is_whole(degree, 1, 3):
        raise refusal(ConfigError, "degree", "1, 2 or 3", repr(degree), "write  estimator.degree=1")


def transform(design: Design, panel: Transformation, nuisance: str, degree: int) -> Transformed:
    """Outcome, treatment and features without authority effects; linear nuisances get a polynomial of that degree.

    Parameters
    ----------
    design : outcome, treatment and controls.
    panel : one of `TRANSFORMATIONS`.
    nuisance : kind of learner.
    degree : of the polynomial that linear nuisances get.

    Raises
    ------
    DesignError : first differences of authorities never seen in two successive years.
    """
    degree = degree if nuisance in LINEAR else 1
    covariates, everything, root = expanded(design, degree), np.arange(design.rows), design.root_weights[:, None]
    years = design.year_dummies() if "year" in design.absorb else np.empty((design.rows, 0))
    made = Transformed(
        outcome=design.outcome,
        treatment=design.treatment,
        features=scaled(np.column_stack([covariates, years])),
        kept=everything,
        cluster=design.cluster,
        clusters=design.clusters,
        weights=design.weights,
        transformation="none",
        folds=kept_folds(design, design.clusters),
    )
    if "authority" not in design.absorb:
        return made
    if panel == "within":
        outcome, treatment, features = (part / root for part in design.within(design.outcome[:, None], design.treatment[:, None], covariates))
        return replace(made, outcome=outcome[:, 0], treatment=treatment[:, 0], features=scaled(features), transformation=panel)
    if panel == "correlated_random_effects":
        mean = [matrix - design.demean(matrix) / root for matrix in (covariates, design.treatment[:, None])]
        outcome, treatment = (design.demean(column[:, None])[:, 0] / root[:, 0] for column in (design.outcome, design.treatment))
        return replace(made, outcome=outcome, treatment=treatment, features=scaled(np.column_stack([covariates, *mean, years])), transformation=panel)
    later = np.flatnonzero((np.diff(design.authority) == 0) & (np.diff(design.year) == 1)) + 1
    if not len(later):
        raise refusal(
            DesignError,
            "panel=first_difference",
            "authorities seen in two successive years",
            "none",
            "give more years, or take panel=correlated_random_effects",
        )
    present, cluster = np.unique(design.cluster[later], return_inverse=True)
    return replace(
        made,
        outcome=design.outcome[later] - design.outcome[later - 1],
        treatment=design.treatment[later] - design.treatment[later - 1],
        features=scaled(np.column_stack([covariates[later], covariates[later - 1], years[later]])),
        kept=later,
        cluster=cluster.astype(np.int64),
        clusters=tuple(design.clusters[c] for c in present),
        weights=None if design.weights is None else design.weights[later],
        transformation=panel,
        folds=kept_folds(design, [design.clusters[c] for c in present]),
    )


def kept_folds(design: Design, clusters: Sequence[str]) -> Ints | None:
    """The folds that a design asks for, shape (clusters,); None where they are to be dealt.

    Parameters
    ----------
    design : with `folds`, or without.
    clusters : names of them.
    """
    if design.folds is None:
        return None
    folds = np.array([design.folds.get(name, -1) for name in clusters], dtype=np.int64)
    # where a sample itself decides which places are compared, some may be new: each goes where fewest are
    sizes = np.bincount(folds[folds >= 0], minlength=max(design.folds.values()) + 1)
    for at in np.flatnonzero(folds < 0):
        folds[at] = int(np.argmin(sizes))
        sizes[folds[at]] += 1
    return folds


def expanded(design: Design, degree: int) -> Floats:
    """The controls and, for those that are one column, their polynomial; columns by year stay as they are. Shape (rows, features).

    Parameters
    ----------
    design : whose controls they are.
    degree : of the polynomial.
    """
    from sklearn.preprocessing import PolynomialFeatures

    single = [columns[0] for columns in design.control_groups.values() if len(columns) == 1]
    rest = [column for columns in design.control_groups.values() if len(columns) > 1 for column in columns]
    if not single:
        return design.controls[:, rest]
    plain = scaled(design.controls[:, single])
    return np.column_stack([PolynomialFeatures(degree, include_bias=False).fit_transform(plain), design.controls[:, rest]])


def scaled(matrix: Floats) -> Floats:
    """Columns of mean 0 and standard deviation 1; those that do not vary are left out."""
    spread = matrix.std(axis=0)
    kept = spread > 1e-12 * np.maximum(np.abs(matrix).max(axis=0, initial=0), 1e-300)
    return np.asarray((matrix[:, kept] - matrix[:, kept].mean(axis=0)) / spread[kept])
