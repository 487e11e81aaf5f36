"""Do effects differ between authorities? Only what holds in authorities that were not looked at counts.

Everything here works on two sums for each authority, S = Σ d̃ỹ and Q = Σ d̃² over its years, of outcome and treatment without all that is held fixed: the
effect in a set of authorities is ΣS/ΣQ, and whole authorities move together because there is nothing smaller to move. Effects are learnt in some authorities
as a function of what was known of them at the start (a forest of EconML's, or a straight line), and tried in others:

- the test is that of the best linear predictor (Chernozhukov, Demirer, Duflo & Fernández-Val 2025, Fisher–Schultz lecture: generic machine learning
  inference on heterogeneous treatment effects; for a dose Athey & Wager 2019, Estimating treatment effects with causal forests), with folds in sequence,
  each predicted from those before it alone, since with folds that predict one another the statistic has no known law (Wager 2024, Sequential validation of
  treatment heterogeneity). The split is repeated and twice the median p-value taken, which no choice of a split can improve;
- the targeting curve (TOC) and its area are those of Yadlowsky and others 2025 (Evaluating treatment prioritization rules via rank-weighted average
  treatment effects).

EconML's `DRTester` has the same tests for discrete treatments and rows taken as independent, and its forests' intervals do not know clusters: neither serves
a dose in a panel, so forests are used here only to predict, and every error is a sum over whole authorities of their own scores.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.inference.clustered import Fit, clustered_least_squares, median_fit

Learner = Literal["forest", "linear"]
LEARNERS: tuple[Learner, ...] = ("linear", "forest")
FEWEST = 40  # authorities: with fewer there is nothing to learn from and to test on
LEAF = 10  # authorities in a leaf of the forest
SHARES = tuple(float(q) for q in np.round(np.arange(0.1, 1.0, 0.1), 1))  # of authorities, where the targeting curve is taken


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slopes:
    """What each authority says of the effect of one unit of treatment.

    Parameters
    ----------
    cross, square : shape (authorities,), S and Q.
    features : shape (authorities, k), what effects may differ by, each of mean 0 and standard deviation 1.
    names : of the features.
    people : shape (authorities,), above 0: how much each counts where people count alike.
    cluster : shape (authorities,), codes from 0.
    """

    cross: Floats
    square: Floats
    features: Floats
    names: tuple[str, ...]
    people: Floats
    cluster: Ints

    def subset(self, rows: Ints) -> Slopes:
        """Some of the authorities; clusters keep their codes."""
        parts = {name: getattr(self, name)[rows] for name in ("cross", "square", "features", "people", "cluster")}
        return replace(self, **parts)

    @property
    def rows(self) -> tuple[Floats, Floats]:
        """Each authority as one row: treatment √Q and outcome S/√Q, whose regression is ΣS/ΣQ; 0 and 0 where the treatment never moves."""
        root = np.sqrt(self.square)
        return root, np.divide(self.cross, root, out=np.zeros_like(root), where=root > 0)

    @property
    def mean(self) -> float:
        """ΣS/ΣQ, the effect in all of them."""
        return float(self.cross.sum() / self.square.sum())


def slopes(design: Design, basis: Floats, features: Floats, names: tuple[str, ...], *, price: Floats | None = None) -> Slopes:
    """The sums of a design whose held-fixed columns are `basis`.

    Parameters
    ----------
    design : outcome and treatment.
    basis : shape (rows, p), as `Design.basis` gives it.
    features : shape (authorities, k), raw; they are put by rank, so that a long tail says no more than its order.
    names : of the features.
    price : shape (authorities,), what a unit of treatment costs; the treatment is then money and effects are by unit of money. None: its own unit.
    """
    dose = design.treatment if price is None else design.treatment * price[design.authority]
    outcome, treatment = (design.partial_out(column[:, None], basis)[:, 0] for column in (design.outcome, dose))
    count = len(design.authorities)
    first = np.flatnonzero(np.r_[True, np.diff(design.authority) != 0])
    people = np.ones(count) if design.population is None else np.bincount(design.authority, design.population, count) / np.bincount(design.authority)
    return Slopes(
        cross=np.bincount(design.authority, outcome * treatment, count).astype(float),
        square=np.bincount(design.authority, treatment**2, count).astype(float),
        features=by_rank(features),
        names=names,
        people=np.where(np.isfinite(people) & (people > 0), people, np.nanmedian(people)),
        cluster=design.cluster[first],
    )


def predicted(learner: Learner, known: Slopes, of: Floats, rng: np.random.Generator, *, trees: int = 100) -> Floats:
    """The effect of one unit of treatment, learnt in some authorities and predicted for others; shape (others,).

    Parameters
    ----------
    learner : "linear" or "forest".
    known : the authorities that it is learnt in.
    of : shape (others, k), features of the others.
    rng : seeds the forest.
    trees : of the forest.
    """
    treatment, outcome = known.rows
    if learner == "forest":
        # EconML imports DoWhy, shap and numba, which take seconds
        from econml.grf import CausalForest

        # one row an authority: subsampling and honest halves then hold whole authorities
        forest = CausalForest(
            n_estimators=trees - trees % 4 or 4,
            min_samples_leaf=LEAF // 2,
            max_depth=4,
            fit_intercept=False,
            inference=False,
            n_jobs=1,
            random_state=int(rng.integers(2**31)),
        )
        scale = float(np.sqrt((treatment**2).mean()))
        forest.fit(known.features, treatment[:, None] / scale, outcome)
        return np.asarray(forest.predict(of)[:, 0] / scale)
    from sklearn.linear_model import RidgeCV

    # the average effect is not shrunk: it is taken out of both sides first
    columns = treatment[:, None] * known.features
    share = treatment @ columns / (treatment @ treatment)
    left = columns - treatment[:, None] * share
    size = np.sqrt((left**2).mean(axis=0))
    usable = size > 1e-9 * np.sqrt((treatment**2).mean())
    line = RidgeCV(alphas=np.logspace(0, 6, 13), fit_intercept=False).fit(left[:, usable] / size[usable], outcome - treatment * known.mean)
    slope = np.zeros(known.features.shape[1])
    slope[usable] = line.coef_ / size[usable]
    return np.asarray(known.mean + (of - share) @ slope)


def folds_of(cluster: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """A fold for each authority, those of one cluster together; shape (authorities,).

    Parameters
    ----------
    cluster : shape (authorities,).
    folds : number of them.
    rng : deals clusters.
    """
    names, codes = np.unique(cluster, return_inverse=True)
    return np.asarray((rng.permutation(len(names)) % folds)[codes])


def regression(slopes: Slopes, columns: Floats, *, effects: Floats | None = None) -> Fit:
    """Least squares of outcomes on treatment × columns, clustered; in effects by unit of treatment.

    Parameters
    ----------
    slopes : of the authorities.
    columns : shape (authorities, k).
    effects : shape (authorities,), what is taken for known of each one's effect.
    """
    treatment, outcome = slopes.rows
    left = outcome if effects is None else outcome - treatment * effects
    _, codes = np.unique(slopes.cluster, return_inverse=True)
    weighted = treatment[:, None] * columns
    return clustered_least_squares(left, weighted, np.empty((len(left), 0)), codes, int(codes.max()) + 1, absorbed_rank=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """What a learner's predictions are worth in authorities that it did not see.

    Parameters
    ----------
    learner : what learnt.
    effect, std_error, lower, upper : how much more one unit does in authorities predicted one standard deviation higher; medians over splits.
    p_value : one-sided (no more than chance), twice the median over splits, at most 1.
    splits : how many; `found` of them had a prediction that varied at all.
    """

    learner: Learner
    effect: float
    std_error: float
    lower: float
    upper: float
    p_value: float
    splits: int
    found: int


def held_out(slopes: Slopes, learner: Learner, *, folds: int, splits: int, level: float, rng: np.random.Generator, trees: int = 100) -> HeldOut:
    """Learn in some authorities, test in others, in sequence.

    Parameters
    ----------
    slopes : of all authorities.
    learner : "linear" or "forest".
    folds : of whole clusters.
    splits : how often clusters are dealt into folds anew; medians over them are given.
    level : of the interval.
    rng : deals clusters and seeds the forest.
    trees : of the forest.
    """
    from scipy import stats

    fits, p_values = [], []
    for _ in range(splits):
        fold = folds_of(slopes.cluster, folds, rng)
        order = np.zeros(len(fold))
        for k in range(1, folds):
            before, here = np.flatnonzero(fold < k), np.flatnonzero(fold == k)
            order[here] = _standardised(predicted(learner, slopes.subset(before), slopes.features[here], rng, trees=trees), slopes.square[here])
        tested = np.flatnonzero((fold > 0) & (slopes.square > 0))
        if not order[tested].any():
            p_values.append(1.0)
            continue
        # every fold has an average of its own, so that only the order within it counts
        own = (fold[tested][:, None] == np.arange(1, folds)).astype(float)
        own = own[:, (own * slopes.square[tested][:, None]).sum(axis=0) > 0]
        fit = regression(slopes.subset(tested), np.column_stack([order[tested], own]))
        one = replace(fit, coefficients=fit.coefficients[:1], scores=_over_all(fit.scores[:, :1], slopes.cluster[tested], slopes.cluster), df=fit.df[:1])
        fits.append(one)
        p_values.append(float(stats.t(one.df[0]).sf(one.coefficients[0] / one.std_errors[0])))
    p_value = min(1.0, 2 * float(np.median(p_values))) if splits > 1 else p_values[0]
    if not fits:
        return HeldOut(learner=learner, effect=0.0, std_error=0.0, lower=0.0, upper=0.0, p_value=1.0, splits=splits, found=0)
    middle = median_fit(fits)
    lower, upper = ends(middle, level)
    return HeldOut(
        learner=learner,
        effect=float(middle.coefficients[0]),
        std_error=float(middle.std_errors[0]),
        lower=float(lower[0]),
        upper=float(upper[0]),
        p_value=p_value,
        splits=splits,
        found=len(fits),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Targeting:
    """Effects in those predicted highest, held out, less the effect in all; by unit of treatment.

    Parameters
    ----------
    shares : of authorities, highest predictions first.
    effects, lower, upper : of each share; the area under them is `area` with its interval.
    thirds : effect in the third predicted lowest, middle and highest; `thirds_lower`, `thirds_upper` their intervals.
    """

    shares: tuple[float, ...]
    effects: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    area: float
    area_lower: float
    area_upper: float
    thirds: tuple[float, float, float]
    thirds_lower: tuple[float, float, float]
    thirds_upper: tuple[float, float, float]


def targeting(slopes: Slopes, learner: Learner, *, folds: int, splits: int, level: float, rng: np.random.Generator, trees: int = 100) -> Targeting:
    """The targeting curve and the effects by predicted third; every authority predicted by folds that it is not in, medians over splits.

    Parameters
    ----------
    slopes : of all authorities.
    learner : "linear" or "forest".
    folds : of whole clusters.
    splits : how often clusters are dealt into folds anew.
    level : of the intervals.
    rng : deals clusters and seeds the forest.
    trees : of the forest.
    """
    found = []
    every = np.ones((len(slopes.square), 1))
    for _ in range(splits):
        fold = folds_of(slopes.cluster, folds, rng)
        rank = _percentiles(crossed(slopes, learner, fold, rng, trees=trees), fold)
        whole = regression(slopes, every)
        tops = [regression(slopes, (rank >= 1 - q)[:, None].astype(float)) for q in SHARES]
        coefficients = [float((top.coefficients - whole.coefficients)[0]) for top in tops]
        scores = [(top.scores - whole.scores)[:, 0] for top in tops]
        thirds = regression(slopes, (np.minimum((rank * 3).astype(int), 2)[:, None] == np.arange(3)).astype(float))
        found.append(
            Fit(
                coefficients=np.array([*coefficients, float(np.mean(coefficients)), *thirds.coefficients]),
                scores=np.column_stack([*scores, np.mean(scores, axis=0), thirds.scores]),
                df=np.array([*(top.df[0] for top in tops), min(top.df[0] for top in tops), *thirds.df]),
                residuals=np.empty(0),
                inference=whole.inference,
            )
        )
    middle = median_fit(found)
    lower, upper = ends(middle, level)
    k = len(SHARES)
    return Targeting(
        shares=SHARES,
        effects=tuple(middle.coefficients[:k].tolist()),
        lower=tuple(lower[:k].tolist()),
        upper=tuple(upper[:k].tolist()),
        area=float(middle.coefficients[k]),
        area_lower=float(lower[k]),
        area_upper=float(upper[k]),
        thirds=tuple(middle.coefficients[k + 1 :].tolist()),
        thirds_lower=tuple(lower[k + 1 :].tolist()),
        thirds_upper=tuple(upper[k + 1 :].tolist()),
    )


def crossed(slopes: Slopes, learner: Learner, fold: Ints, rng: np.random.Generator, *, trees: int = 100) -> Floats:
    """Each authority's effect as predicted by the folds that it is not in, shape (authorities,).

    Parameters
    ----------
    slopes : of all authorities.
    learner : "linear" or "forest".
    fold : shape (authorities,), its number.
    rng : seeds the forest.
    trees : of the forest.
    """
    out = np.empty(len(fold))
    for k in np.unique(fold):
        here = np.flatnonzero(fold == k)
        out[here] = predicted(learner, slopes.subset(np.flatnonzero(fold != k)), slopes.features[here], rng, trees=trees)
    return out


def ends(fit: Fit, level: float) -> tuple[Floats, Floats]:
    """Lower and upper ends of each coefficient's interval, shape (k,).

    Parameters
    ----------
    fit : k coefficients.
    level : of confidence.
    """
    from scipy import stats

    reach = stats.t(fit.df).ppf(0.5 + level / 2) * fit.std_errors
    return np.asarray(fit.coefficients - reach), np.asarray(fit.coefficients + reach)


def by_rank(features: Floats) -> Floats:
    """Columns by rank (ties share theirs), of mean 0 and standard deviation 1; 0 where a column does not vary."""
    from scipy.stats import rankdata

    ranks = rankdata(features, axis=0)
    spread = ranks.std(axis=0)
    return np.asarray((ranks - ranks.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _standardised(values: Floats, weights: Floats) -> Floats:
    """Weighted mean 0 and standard deviation 1; zeros where nothing varies."""
    if not weights.sum() > 0:
        return np.zeros(len(values))
    centred = values - np.average(values, weights=weights)
    spread = float(np.sqrt(np.average(centred**2, weights=weights)))
    return np.asarray(centred / spread) if spread > 1e-9 * float(np.abs(values).max()) else np.zeros(len(values))


def _percentiles(values: Floats, fold: Ints) -> Floats:
    """Where each authority stands among those of its fold, from 0 to below 1, lowest first."""
    out = np.empty(len(values))
    for k in np.unique(fold):
        here = np.flatnonzero(fold == k)
        out[here] = (np.argsort(np.argsort(values[here], kind="stable"), kind="stable") + 0.5) / len(here)
    return out


def _over_all(scores: Floats, own: Ints, every: Ints) -> Floats:
    """Scores of some clusters laid out over all, 0 elsewhere."""
    names = np.unique(every)
    laid = np.zeros((len(names), scores.shape[1]))
    laid[np.searchsorted(names, np.unique(own))] = scores
    return laid
