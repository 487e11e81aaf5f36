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

from causal.errors import ConfigError

Nuisance = Literal["lasso", "ridge", "boosting", "forest", "stacked"]
LINEAR = ("lasso", "ridge")
NUISANCES = (*LINEAR, "boosting", "forest", "stacked")
INNER = 3  # folds in which trees are tuned


def check_nuisance(kind: str) -> None:
    """Refuse a nuisance that does not exist.

    Raises
    ------
    ConfigError : it names those that do.
    """
    if kind not in NUISANCES:
        raise ConfigError(f"nuisance must be one of {', '.join(NUISANCES)}, got {kind!r}")


def learner(kind: str, rng: np.random.Generator) -> Any:
    """A fresh regressor of scikit-learn's kind, unfitted; its `cv` takes the folds of whole clusters that EconML gives it."""
    from sklearn.linear_model import LassoCV, LinearRegression, RidgeCV

    seed = int(rng.integers(2**31))
    alphas = np.logspace(-3, 3, 13)
    if kind == "lasso":
        return LassoCV(alphas=30, max_iter=1000, tol=1e-3, random_state=seed)
    if kind == "ridge":
        return RidgeCV(alphas=alphas)
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor, StackingRegressor
    from sklearn.model_selection import GridSearchCV

    boosting = HistGradientBoostingRegressor(max_iter=100, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=20, random_state=seed)
    forest = RandomForestRegressor(n_estimators=60, min_samples_leaf=5, max_features=0.5, n_jobs=1, random_state=seed)
    if kind == "boosting":
        return GridSearchCV(boosting, {"max_leaf_nodes": [3, 8]}, cv=INNER)
    if kind == "forest":
        return GridSearchCV(forest, {"min_samples_leaf": [5, 20]}, cv=INNER)
    return StackingRegressor(
        [("ridge", RidgeCV(alphas=alphas)), ("boosting", boosting), ("forest", forest)], final_estimator=LinearRegression(positive=True), cv=INNER
    )


def learners(kind: str, rng: np.random.Generator) -> Callable[[], Any]:
    """A maker of such regressors that all draw alike."""
    made = learner(kind, rng)

    def copy() -> Any:
        from sklearn.base import clone

        return clone(made)

    return copy


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
