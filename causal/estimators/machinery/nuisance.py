"""Nuisance models: what learns the other causes of treatment and outcome, tuned inside folds that hold whole clusters.

Linear ones choose their penalty, trees their size, on folds of the training rows; EconML hands those folds over, made so that a cluster lies
in one of them. "stacked" weighs ridge, boosting and a forest by their predictions out of fold (Wolpert 1992, Stacked generalization).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from causal.arrays import Floats
from causal.errors import ConfigError, refusal

Nuisance = Literal["lasso", "ridge", "boosting", "forest", "stacked"]
LINEAR = ("lasso", "ridge")
NUISANCES = (*LINEAR, "boosting", "forest", "stacked")
INNER = 3  # folds in which they are tuned
ALPHAS = np.logspace(-3, 3, 13)  # penalties of ridge


def check_nuisance(kind: str) -> None:
    """Refuse a nuisance that does not exist.

    Raises
    ------
    ConfigError : it names those that do.
    """
    if kind not in NUISANCES:
        raise refusal(ConfigError, "nuisance", f"one of {', '.join(NUISANCES)}", repr(kind), "write one of them")


class Tuned:
    """A regressor tuned inside each training fold on folds that hold whole clusters.

    EconML tunes scikit-learn's own searches once, on the rows that are held out too; what it does not know it fits fold by fold, and puts splits
    by cluster in the place of an attribute `cv`.

    Parameters
    ----------
    kind : of NUISANCES.
    seed : of what it draws.
    """

    def __init__(self, kind: str, seed: int) -> None:
        self.kind, self.seed = kind, seed
        self.cv: Any = INNER
        self.made: Any = None

    def fit(self, features: Floats, target: Floats, sample_weight: Floats | None = None) -> Tuned:
        """Choose and fit; shape (rows, features), (rows,), and for ridge several targets of shape (rows, m) at once."""
        self.made = _search(self.kind, self.seed, self.cv)
        # scikit-learn routes weights to the parts of a search by name, and takes None for a weight in some
        self.made.fit(features, target if self.kind == "ridge" else np.ravel(target), **({} if sample_weight is None else {"sample_weight": sample_weight}))
        return self

    def predict(self, features: Floats) -> Floats:
        """Shape (rows,)."""
        return np.asarray(self.made.predict(features))

    def score(self, features: Floats, target: Floats, sample_weight: Floats | None = None) -> float:
        """R² on these rows."""
        from sklearn.metrics import r2_score

        return float(r2_score(np.ravel(target), self.predict(features), sample_weight=sample_weight))


class _Ridge:
    """What a search over penalties finds on given splits, with one decomposition a split in place of one fit for each penalty. (RidgeCV fits each, and drops
    the weights where splits are given.)
    """

    def __init__(self, cv: Any) -> None:
        self.cv = cv

    def fit(self, features: Floats, target: Floats, sample_weight: Floats | None = None) -> _Ridge:
        from sklearn.model_selection import check_cv

        weights = np.ones(len(target)) if sample_weight is None else sample_weight
        targets = np.reshape(target, (len(target), -1))
        scores = np.zeros((targets.shape[1], len(ALPHAS)))
        for train, test in check_cv(self.cv).split(features):
            predict = ridge_path(features[train], targets[train], weights[train], np.tile(ALPHAS, (targets.shape[1], 1)))
            missed = np.einsum("n,nma->ma", weights[test], (targets[test][:, :, None] - predict(features[test])) ** 2)
            about = weights[test] @ (targets[test] - np.average(targets[test], axis=0, weights=weights[test])) ** 2
            scores += 1 - missed / np.where(about > 0, about, np.inf)[:, None]
        self.alpha_ = ALPHAS[np.argmax(scores, axis=1)]
        self.made, self.shape = ridge_path(features, targets, weights, self.alpha_[:, None]), np.shape(target)[1:]
        return self

    def predict(self, features: Floats) -> Floats:
        return np.reshape(self.made(features), (len(features), *self.shape))


def ridge_path(features: Floats, targets: Floats, weights: Floats, penalties: Floats) -> Callable[[Floats], Floats]:
    """Ridge regressions of several targets, for several penalties each, by one singular value decomposition; the level is not penalised.

    Hoerl & Kennard 1970, Ridge regression: biased estimation for nonorthogonal problems. Written out since a library's fit costs ten times the arithmetic
    on such panels, and learners are asked for it thousands of times.

    Parameters
    ----------
    features, targets, weights : shape (rows, k), (rows, m), (rows,).
    penalties : shape (m, a), of the sum of squared slopes, not divided by rows.

    Returns
    -------
    predict : features of other rows, shape (r, k), to predictions of shape (r, m, a).
    """
    root, centre, middle = np.sqrt(weights)[:, None], np.average(features, axis=0, weights=weights), np.average(targets, axis=0, weights=weights)
    left, sizes, right = np.linalg.svd((features - centre) * root, full_matrices=False)
    shrunk = sizes[:, None, None] / (sizes[:, None, None] ** 2 + penalties)
    slopes = np.tensordot(right.T, shrunk * (left.T @ ((targets - middle) * root))[:, :, None], axes=1)
    return lambda other: np.tensordot(other - centre, slopes, axes=1) + middle[:, None]


def _search(kind: str, seed: int, cv: Any) -> Any:
    """A fresh search over these splits."""
    from sklearn.linear_model import LassoCV, LinearRegression, RidgeCV

    if kind == "lasso":
        return LassoCV(alphas=30, max_iter=1000, tol=1e-3, random_state=seed, cv=cv)
    if kind == "ridge":
        return _Ridge(cv)
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor, StackingRegressor
    from sklearn.model_selection import GridSearchCV

    boosting = HistGradientBoostingRegressor(max_iter=100, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=20, random_state=seed)
    forest = RandomForestRegressor(n_estimators=60, min_samples_leaf=5, max_features=0.5, n_jobs=1, random_state=seed)
    if kind == "boosting":
        return GridSearchCV(boosting, {"max_leaf_nodes": [3, 8]}, cv=cv)
    if kind == "forest":
        return GridSearchCV(forest, {"min_samples_leaf": [5, 20]}, cv=cv)
    return StackingRegressor(
        [("ridge", RidgeCV(alphas=ALPHAS)), ("boosting", boosting), ("forest", forest)], final_estimator=LinearRegression(positive=True), cv=cv
    )


def learner(kind: str, rng: np.random.Generator) -> Tuned:
    """A fresh regressor, unfitted; its `cv` takes the folds of whole clusters that EconML gives it.

    Parameters
    ----------
    kind : one of `NUISANCES`.
    rng : seeds it.
    """
    return Tuned(kind, int(rng.integers(2**31)))


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of penalties on the path that are too small to converge (the tuned one is chosen among those that do), and of few
    modifiers for a sparse model, which is the evaluator's choice.
    """
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of features in the final model")
        yield
