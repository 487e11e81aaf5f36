"""Double machine learning: transformations, nuisances and repeated cross-fitting against other libraries and planted truths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import worlds
from lengths import LONG
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from worlds import GRAPH, QUESTION, World

from causal.design import Design, design
from causal.draws import stream
from causal.estimators.dml import LinearDml
from causal.estimators.machinery.nuisance import ALPHAS, NUISANCES, learner
from causal.estimators.machinery.transformed import transform
from causal.identify import identify
from causal.question import Question


def designed(world: World, question: Question = QUESTION) -> Design:
    return worlds.designed(world.load(), question)


MADE = designed(World(effect=3.0))


@pytest.mark.parametrize("nuisance", NUISANCES)
def test_every_nuisance_recovers_the_planted_effect(nuisance: str) -> None:
    """Planted truth 3, within three standard errors."""
    for panel in ("correlated_random_effects", "first_difference") if LONG or nuisance == "ridge" else ("first_difference",):
        one = LinearDml(panel=panel, nuisance=nuisance, repetitions=1, folds=3).estimate(MADE, stream(1, "x"))  # type: ignore[arg-type]
        assert abs(one.effect - 3.0) <= 3 * one.std_error, panel  # type: ignore[operator]


@pytest.mark.parametrize(("rows", "columns", "weighted"), [(600, 4, False), (400, 30, True), (120, 40, False)])
def test_ridge_is_scikit_learn_s_own_search_over_the_same_splits(rows: int, columns: int, weighted: bool) -> None:
    """GridSearchCV over Ridge on splits of whole clusters, in the same run (RidgeCV drops the weights where splits are given)."""
    rng = np.random.default_rng(rows)
    features = rng.normal(size=(rows, columns)) * rng.lognormal(size=columns)
    target, weights = features[:, 0] + rng.normal(size=rows), rng.uniform(1, 3, rows) if weighted else None
    ours = learner("ridge", rng)
    ours.cv = list(GroupKFold(3).split(features, groups=np.arange(rows) // 8))
    theirs = GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=ours.cv).fit(features, target, **({} if weights is None else {"sample_weight": weights}))
    ours.fit(features, target, weights)
    assert ours.made.alpha_ == theirs.best_params_["alpha"]
    np.testing.assert_allclose(ours.predict(features), theirs.predict(features), rtol=1e-9)


def test_a_curved_confounder_needs_a_nuisance_that_bends() -> None:
    """Planted truth 0 with a confounder that acts by its square: a straight line is misled, trees and a polynomial are not."""
    panel = World(authorities=150, seed=1).load()
    rng = np.random.default_rng(1)
    frame = panel.frame.copy()
    frame["poverty"] = rng.normal(size=len(frame))
    bent = frame["poverty"] ** 2
    frame["cut"] = bent + rng.normal(size=len(frame))
    frame["plans"] = 5 * bent + rng.normal(size=len(frame))
    panel = replace(panel, frame=frame)
    made = design(panel, QUESTION, identify(QUESTION, GRAPH, measured=panel.names))

    def t(**knobs: object) -> float:
        one = LinearDml(repetitions=1, **knobs).estimate(made, stream(1, "x"))  # type: ignore[arg-type]
        return abs(one.effect / one.std_error)  # type: ignore[operator]

    assert t(panel="within", nuisance="lasso", degree=1) > 10
    assert t(panel="within", nuisance="lasso", degree=2) < 3.5
    # trees learn the square to within a little, which is what is left
    straight = LinearDml(repetitions=1, degree=1, panel="first_difference").estimate(made, stream(1, "x")).effect
    trees = LinearDml(repetitions=1, panel="first_difference", nuisance="boosting").estimate(made, stream(1, "x"))
    assert abs(trees.effect) < 0.35 * abs(straight)
    # a demeaned square is a function of all years, which the authority's mean of x does not tell: about one part in T stays
    between = LinearDml(repetitions=1, panel="correlated_random_effects", nuisance="boosting").estimate(made, stream(1, "x")).effect
    assert 0.1 * straight < between < 0.6 * straight


def test_trees_are_tuned_on_folds_that_hold_whole_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folds that EconML hands to the grid search never split a cluster."""
    from sklearn.model_selection import GridSearchCV

    seen = []
    fit = GridSearchCV.fit

    def spy(self, X, y=None, **more):  # type: ignore[no-untyped-def]
        seen.append((len(y), [np.sort(test) for _, test in self.cv]))
        return fit(self, X, y, **more)

    monkeypatch.setattr(GridSearchCV, "fit", spy)
    LinearDml(panel="correlated_random_effects", nuisance="boosting", repetitions=1, folds=2).estimate(MADE, stream(1, "x"))
    assert seen
    for rows, inner in seen:
        assert len(inner) == 3
        # rows lie in the order of their clusters, eight each, so whole clusters are whole runs of eight
        assert rows % 8 == 0 and all(len(test) % 8 == 0 and (test.reshape(-1, 8)[:, 0] % 8 == 0).all() for test in inner)


def test_weights_reach_the_final_stage() -> None:
    """With nothing to learn, a weighted LinearDml is scikit-learn's weighted regression of the demeaned columns."""
    from sklearn.linear_model import LinearRegression

    made = designed(World(effect=3.0), replace(QUESTION, weights="children"))
    bare = replace(made, controls=np.empty((made.rows, 0)), control_names=(), control_groups={}, modifiers=())
    arrays = transform(bare, "within", "ridge", 1)
    assert arrays.weights is not None
    theirs = LinearRegression(fit_intercept=False).fit(arrays.treatment[:, None], arrays.outcome, sample_weight=arrays.weights).coef_[0]
    one = LinearDml(nuisance="ridge", repetitions=1).estimate(bare, stream(1, "x"))
    assert one.effect == pytest.approx(theirs * 0.5, rel=0.02)  # EconML takes fold means off
    assert one.estimand.weights == "children"
    plain = LinearDml(nuisance="ridge", repetitions=1).estimate(replace(bare, weights=None), stream(1, "x"))
    assert abs(plain.effect - one.effect) > 0.02 * abs(one.effect)


def test_repetitions_are_reported_and_draw_the_answer_together() -> None:
    """The median of nine cross-fits varies less from seed to seed than one cross-fit; the spread is among the diagnostics."""
    one, many = ([LinearDml(repetitions=n, nuisance="ridge").estimate(MADE, stream(seed, "x")) for seed in range(8)] for n in (1, 9))
    assert np.std([e.effect for e in many]) < np.std([e.effect for e in one])
    assert many[0].diagnostics["cross-fits"] == 9 and (many[0].diagnostics["spread over cross-fits (sd)"] or 0) > 0
    assert one[0].diagnostics["spread over cross-fits (sd)"] is None and "median of 9 cross-fits" in many[0].inference


def test_a_learner_is_made_anew_and_draws_alike() -> None:
    features, target = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60.0)
    for kind in NUISANCES:
        first, second = (learner(kind, stream(3, "l")).fit(features, target).predict(features) for _ in range(2))
        assert (first == second).all(), kind
