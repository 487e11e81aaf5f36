"""The doubly robust average on one row for each authority: right if either the outcome or the treatment is well learnt.

Rows are those of `cross_section`. EconML's DRLearner learns outcome and propensity out of fold; the answer is the mean of the efficient
score, its error that score summed by cluster.

Robins, Rotnitzky & Zhao 1994, Estimation of regression coefficients when some regressors are not always observed (the score of the ATE);
Hahn 1998, On the role of the propensity score in efficient semiparametric estimation of average treatment effects (that of the ATT);
Chernozhukov and others 2018, Double/debiased machine learning for treatment and structural parameters (out of fold, the median rule).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from causal.arrays import Floats, Ints
from causal.crossfitted import Average, CrossFitted
from causal.design import Design
from causal.errors import ConfigError, EstimationError, refusal
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.machinery.crossfit import SPREAD, check_crossfit, fold_of
from causal.estimators.machinery.long_difference import BOTH_IN_FOLDS, TWO_KINDS, Years, check_degree, check_windows, cross_section
from causal.estimators.machinery.nuisance import Nuisance, check_nuisance, learner, quiet
from causal.estimators.machinery.one_row import TARGETS, CrossSection, averaged, check_clip, members, overlap, threats
from causal.estimators.machinery.transformed import kept_folds
from causal.inference.clustered import median_fit
from causal.knobs import is_whole
from causal.needs import ADJUSTMENT, FOLDS, Need
from causal.regression import GroupFit, estimated, group_parts, residual_treatment

Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
FEWEST = 3  # cross-fits: by one, on bootstrapped places, answers moved by up to several standard errors with the split alone


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scores:
    """What one cross-fit gives: score parts of shape (rows,), propensities, fit out of fold, and what EconML itself says."""

    above: Floats
    below: Floats
    propensity: Floats
    outcome_fit: float
    treatment_fit: float
    own: float
    rest: Floats
    fold: Ints
    spread: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearDr:
    """EconML's LinearDRLearner, averaged by its efficient score.

    Parameters
    ----------
    before, after : windows of outcome years, (first, last); None takes the first two and the last two.
    base_outcome : whether the outcome's level in the first window is adjusted for.
    nuisance : "lasso", "ridge", "boosting", "forest" or "stacked"; the propensity is of the same kind (logistic for the linear ones).
    folds : of cross-fitting, whole clusters, each with both kinds of authority.
    repetitions : of cross-fitting with other folds; the median is the answer.
    clip : propensities are kept that far from 0 and 1.
    degree : of the polynomial of the covariates, 1 to 3.
    """

    before: Years = None
    after: Years = None
    base_outcome: bool = True
    nuisance: Nuisance = "ridge"
    folds: int = 5
    repetitions: int = 3
    clip: float = 0.02
    degree: int = 1
    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, FOLDS, TWO_KINDS, BOTH_IN_FOLDS)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "ATT", "alike")
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "a few seconds"
    fewest: ClassVar[int] = FEWEST
    one_year: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check(self)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "linear_dr"

    def rows(self, design: Design) -> CrossSection:
        """One row for each authority."""
        return cross_section(design, before=self.before, after=self.after, base_outcome=self.base_outcome, degree=self.degree)

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : one row an authority is made of it (`before`, `after`), treated or not.
        rng : deals authorities into folds and seeds the models.

        Raises
        ------
        DesignError : no two kinds of authority, too few for the folds, or weights by a column.
        EstimationError : EconML's effect is not the mean of its own scores.
        """
        return _answer(self, design, rng, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestDr:
    """EconML's ForestDRLearner: the same average, and a forest of effects over all covariates that says how much they differ.

    Parameters
    ----------
    before, after, base_outcome, nuisance, folds, repetitions, clip, degree : as for `LinearDr`.
    trees : a multiple of 4.
    smallest_leaf : rows.
    """

    before: Years = None
    after: Years = None
    base_outcome: bool = True
    nuisance: Nuisance = "forest"
    folds: int = 5
    repetitions: int = 3
    clip: float = 0.02
    trees: int = 200
    smallest_leaf: int = 5
    degree: int = 1
    fewest_trees: ClassVar[int] = 40
    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, FOLDS, TWO_KINDS, BOTH_IN_FOLDS)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "ATT", "alike")
    targets: ClassVar[str] = TARGETS
    costs: ClassVar[str] = "ten seconds or more"
    fewest: ClassVar[int] = FEWEST
    one_year: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check(self)
        for key, value, least in (("trees", self.trees, 4), ("smallest_leaf", self.smallest_leaf, 1)):
            if not is_whole(value, least) or (key == "trees" and value % 4):
                raise refusal(
                    ConfigError, f"{key}", f"a whole number of at least {least}{', a multiple of 4' * (key == 'trees')}", repr(value), "write one in figures"
                )

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "forest_dr"

    def rows(self, design: Design) -> CrossSection:
        """One row for each authority."""
        return cross_section(design, before=self.before, after=self.after, base_outcome=self.base_outcome, degree=self.degree)

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : one row an authority is made of it (`before`, `after`), treated or not.
        rng : deals authorities into folds and seeds the trees.

        Raises
        ------
        DesignError : no two kinds of authority, too few for the folds, or weights by a column.
        """
        return _answer(self, design, rng, {"n_estimators": self.trees, "min_samples_leaf": self.smallest_leaf})


def _check(estimator: LinearDr | ForestDr) -> None:
    for key, window in zip(("before", "after"), check_windows(estimator.before, estimator.after), strict=True):
        object.__setattr__(estimator, key, window)
    check_nuisance(estimator.nuisance)
    check_crossfit(estimator.folds, estimator.repetitions)
    check_clip(estimator.clip)
    check_degree(estimator.degree)


def _answer(estimator: LinearDr | ForestDr, design: Design, rng: np.random.Generator, forest: dict[str, int] | None) -> Estimate:
    serve(estimator, design)
    made = estimator.rows(design)
    groups = members(made)
    runs = [_scores(estimator, made, rng, forest) for _ in range(estimator.repetitions)]
    words = "efficient score out of fold"
    whole = [averaged(one.above[:, None], one.below[:, None], made, words) for one in runs]
    parts: list[GroupFit] = [
        (of, names, median_fit([averaged(one.above[:, None] * inside, one.below[:, None] * inside, made, words) for one in runs]), codes)
        for of, names, codes, inside in groups
    ]
    propensity = np.median([one.propensity for one in runs], axis=0)
    found, said, notes = overlap(made, propensity, estimator.clip)
    effects = np.array([fit.coefficients[0] for fit in whole])
    spread = float(effects.std(ddof=1)) if len(effects) > 1 else 0.0
    if spread > SPREAD * float(np.median([fit.std_errors[0] for fit in whole])):
        said += ("the effect hangs on how the folds fell",)
    return estimated(
        design,
        median_fit(whole),
        over=made.design,
        estimator=estimator.name,
        estimand=made.estimand("doubly robust"),
        conditioning=made.conditioning(design),
        target=made.target,
        parts=group_parts(made.design, parts, rng),
        diagnostics={
            **residual_treatment(made.design, made.on - propensity),
            **found,
            "outcome nuisance R² out of fold": float(np.mean([one.outcome_fit for one in runs])),
            "propensity's Brier skill out of fold": float(np.mean([one.treatment_fit for one in runs])),
            "cross-fits": float(len(runs)),
            "spread over cross-fits (sd)": spread if len(runs) > 1 else None,
            **({"average of the forest's own effects": runs[0].own * made.contrast, "spread of the forest's effects (sd)": runs[0].spread} if forest else {}),
        },
        crossfitted=CrossFitted(
            repetitions=tuple(Average(above=one.above, below=one.below, outcome=one.rest, treatment=made.on, fold=one.fold) for one in runs),
            over=made.design,
            kept=None,
            carried=None,
        ),
        concerns=said + threats(made, made.on - propensity),
        notes=(*made.design.words[-2:], f"{estimator.folds} folds of whole clusters, {estimator.nuisance} nuisances.", *notes),
    )


def _scores(estimator: LinearDr | ForestDr, made: CrossSection, rng: np.random.Generator, forest: dict[str, int] | None) -> _Scores:
    """One cross-fit by EconML, and the efficient scores from what it learnt."""
    # EconML imports DoWhy, shap and numba, which take seconds
    from econml.dr import ForestDRLearner, LinearDRLearner

    y, on = made.design.outcome, made.on
    scale = float(y.std()) or 1.0
    features = made.features if made.features.shape[1] else np.zeros((len(on), 1))
    knobs: dict[str, Any] = {
        "model_regression": learner(estimator.nuisance, rng),
        "model_propensity": PropensityFit(estimator.nuisance, int(rng.integers(2**31))),
        "min_propensity": estimator.clip,
        "cv": (parted := _folds(made, estimator.folds, rng)),
        "random_state": int(rng.integers(2**31)),
    }
    model: Any = LinearDRLearner(**knobs) if forest is None else ForestDRLearner(**knobs, **forest, n_jobs=1)
    differ = {"W": features} if forest is None else {"X": features}
    with quiet(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Co-variance matrix is underdetermined")
        model.fit(y / scale, on, **differ, groups=made.design.cluster, cache_values=True, inference=None)
        effects = np.ravel(model.effect(differ.get("X"))) * scale
    # EconML has no public way to its pseudo-outcomes
    pseudo, kept, raw = model._cached_values.nuisances
    zero, one = np.reshape(pseudo, (len(on), 2)).T * scale
    if forest is None and not np.isclose(effects.mean(), (one - zero).mean(), rtol=1e-6, atol=1e-9 * scale):
        raise refusal(
            EstimationError,
            estimator.name,
            f"EconML's effect to be the mean of its scores, {(one - zero).mean():g}",
            f"{effects.mean():g}",
            "take another estimator, and report this as a fault",
        )
    own = float(effects[made.counted == 1].mean() if forest else effects.mean())
    above, below = one - zero, np.ones(len(on))
    off_on = [_learnt(scored, y, kept[:, t], on == t) for t, scored in enumerate((zero, one))]
    rest = y - sum(kept[:, t] * off_on[t] for t in (0, 1)) / kept.sum(axis=1)
    if made.whom is not None:
        at = 0 if made.whom == 1 else 1
        there, g = on == at, off_on[at]
        pull = np.where(there, (1 - np.clip(raw[:, at], estimator.clip, None)) / np.clip(raw[:, at], estimator.clip, None), 0.0)
        above = (np.where(there, 0.0, y - g) - pull * (y - g)) * (1 if made.whom == 1 else -1)
        below = np.where(there, 0.0, 1.0)
    return _Scores(
        above=above,
        below=below,
        propensity=raw[:, 1],
        outcome_fit=float(np.mean(model.nuisance_scores_regression)),
        treatment_fit=float(np.mean(model.nuisance_scores_propensity)),
        own=own,
        rest=rest,
        fold=fold_of(made.design.cluster, parted),
        spread=float(effects.std()) if forest else None,
    )


def _learnt(scored: Floats, outcome: Floats, propensity: Floats, there: Mask) -> Floats:
    """What was learnt of the outcome at one level, from the pseudo-outcome g + 1{there} (y − g) / p, with p as clipped; shape (rows,).

    A row there for certain has the outcome for a pseudo-outcome whatever was learnt, and is given that.
    """
    pull = 1 - 1 / np.where(propensity < 1, propensity, np.nan)
    return np.where(there, np.where(np.isnan(pull), outcome, (scored - outcome / propensity) / pull), scored)


def _folds(made: CrossSection, folds: int, rng: np.random.Generator) -> list[tuple[Ints, Ints]]:
    """Folds of whole clusters, with the same share of treated clusters in each."""
    cluster, number = made.design.cluster, len(made.design.clusters)
    treated = np.bincount(cluster, weights=made.on, minlength=number) / np.bincount(cluster, minlength=number)
    order = np.lexsort([rng.permutation(number), treated])
    fold = np.empty(number, dtype=np.int64)
    fold[order] = np.arange(number) % folds
    if (kept := kept_folds(made.design, made.design.clusters)) is not None:
        fold = kept
    return [(np.flatnonzero(fold[cluster] != f), np.flatnonzero(fold[cluster] == f)) for f in np.unique(fold)]


class PropensityFit:
    """A classifier of the nuisance's kind, tuned inside each training fold on folds that hold whole clusters (as `nuisance.Tuned`).

    Linear kinds are a logistic regression with a squared penalty, never a small one (the few rows of a fold tell too much for certain);
    "stacked" is the mean chance of all three.

    Parameters
    ----------
    kind : of NUISANCES.
    seed : of what it draws.
    """

    def __init__(self, kind: str, seed: int) -> None:
        self.kind, self.seed = kind, seed
        self.cv: Any = 3
        self.made: Any = None

    def fit(self, features: Floats, on: Floats) -> PropensityFit:
        """Choose and fit; shape (rows, features), (rows,)."""
        from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV

        line = LogisticRegression(max_iter=2000)
        boosting = HistGradientBoostingClassifier(max_iter=50, learning_rate=0.1, max_leaf_nodes=4, min_samples_leaf=10, random_state=self.seed)
        forest = RandomForestClassifier(n_estimators=100, min_samples_leaf=5, max_features=0.5, n_jobs=1, random_state=self.seed)
        if self.kind == "stacked":
            self.made = VotingClassifier([("line", line), ("boosting", boosting), ("forest", forest)], voting="soft")
        else:
            choices: dict[str, tuple[Any, dict[str, list[Any]]]] = {
                "boosting": (boosting, {"max_leaf_nodes": [3, 8]}),
                "forest": (forest, {"min_samples_leaf": [5, 20]}),
            }
            model, grid = choices.get(self.kind, (line, {"C": [0.01, 0.1, 1.0]}))
            self.made = GridSearchCV(model, grid, scoring=_brier, cv=self.cv)
        self.made.fit(features, np.ravel(on))
        return self

    def predict_proba(self, features: Floats) -> Floats:
        """Shape (rows, 2)."""
        return np.asarray(self.made.predict_proba(features))

    def score(self, features: Floats, on: Floats) -> float:
        """Brier's, against the fold's own share of treated: 1 is perfect, 0 as good as knowing the share."""
        on = np.ravel(on)
        return 1 + _brier(self, features, on) / max(float(on.var()), 1e-12)


def _brier(model: Any, features: Floats, on: Floats) -> float:
    """How near the predicted chances come, higher is better; works where a fold has one kind only."""
    return -float(((model.predict_proba(features)[:, 1] - on) ** 2).mean())
