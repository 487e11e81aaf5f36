"""Estimators of one row for each authority, DoWhy's own, and published answers through the route of a user's own table."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import worlds
import yaml
from lengths import LONG
from scipy import stats
from worlds import ADOPTION, World
from worlds import GRAPH as PANEL_GRAPH

from causal.arrays import Floats
from causal.cli import main
from causal.design import Design, design
from causal.draws import stream
from causal.errors import CausalError, ConfigError, DesignError, EstimationError
from causal.estimate import Estimate, Estimator
from causal.estimators.doubly_robust import ForestDr, LinearDr
from causal.estimators.dowhy_glm import DowhyGlm
from causal.estimators.front_door import FrontDoor
from causal.estimators.machinery.long_difference import cross_section
from causal.estimators.machinery.one_row import CrossSection, clipped, logistic, overlap
from causal.estimators.matching import DistanceMatching, PropensityMatching
from causal.estimators.meta_learners import DomainAdaptation, SLearner, TLearner, XLearner
from causal.estimators.propensity import PropensityStratification, PropensityWeighting
from causal.graph import Graph
from causal.identify import identify
from causal.needs import unmet_requirements
from causal.panel import Panel, Variable
from causal.question import Question

GRAPH = Graph(
    name="one row",
    nodes={name: {} for name in ("x1", "x2", "d", "y")},
    arrows={"x1": {"d": "made so", "y": "made so"}, "x2": {"d": "made so", "y": "made so"}, "d": {"y": "the question"}},
)
QUESTION = Question(treatment="d", outcome="y", control=0.0, treated=1.0, smallest_important=0.1, because="a test", modifiers=("x1",))
QUICK: dict[str, Any] = {
    "linear_dr": LinearDr(repetitions=1, folds=2),
    "propensity_weighting": PropensityWeighting(),
    "t_learner": TLearner(draws=50),
    "domain_adaptation": DomainAdaptation(draws=50),
    "propensity_stratification": PropensityStratification(draws=50),
    "dowhy_glm": DowhyGlm(),
}
EVERY: dict[str, Any] = {
    **QUICK,
    "forest_dr": ForestDr(folds=2, trees=20),
    "s_learner": SLearner(draws=50),
    "x_learner": XLearner(draws=50),
    "propensity_matching": PropensityMatching(),
    "distance_matching": DistanceMatching(),
}


def crossed(columns: dict[str, Floats], clusters: Sequence[str] | None = None) -> Panel:
    """A panel of one year."""
    number = len(next(iter(columns.values())))
    index = pd.MultiIndex.from_arrays([[f"A{i:05d}" for i in range(number)], np.zeros(number, dtype=int)], names=["authority", "year"])
    places = pd.DataFrame({"name": [f"Place {i}" for i in range(number)]}, index=index.unique("authority"))
    if clusters is not None:
        places["cluster"] = list(clusters)
    variables = tuple(Variable(name=name, label=name, unit="units", source="made up") for name in columns)
    return Panel(frame=pd.DataFrame(columns, index=index), variables=variables, places=places, title="made-up cross-section")


def world(seed: int, clusters: int = 100) -> Panel:
    """Two authorities a cluster, which share a cause and a shock; the effect is 3 + 1.5 x1, and x1 makes for treatment: ATE 3, ATT above."""
    rng = np.random.default_rng(seed)
    x1, x2 = np.repeat(rng.normal(size=clusters), 2), rng.normal(size=2 * clusters)
    d = (rng.random(2 * clusters) < 1 / (1 + np.exp(-0.8 * x1 - 0.4 * x2))).astype(float)
    y = 10 + 2 * x1 + x2 + d * (3 + 1.5 * x1) + np.repeat(rng.normal(size=clusters), 2) + rng.normal(size=2 * clusters)
    return crossed({"x1": x1, "x2": x2, "d": d, "y": y}, [f"C{i // 2:05d}" for i in range(2 * clusters)])


def designed(panel: Panel, question: Question = QUESTION, graph: Graph = GRAPH) -> Design:
    return worlds.designed(panel, question, graph)


def estimate(estimator: Estimator, made: Design) -> Estimate:
    return estimator.estimate(made, stream(1, "estimate"))


def asking(made: Design, **knobs: Any) -> Design:
    return replace(made, question=replace(made.question, **knobs))


def rows(made: Design) -> CrossSection:
    return cross_section(made, before=None, after=None)


MADE = designed(world(0))
LARGE = world(999, 100_000).frame
TRUTH = {"ATE": 3.0, "ATT": 3.0 + 1.5 * float(LARGE.loc[LARGE["d"] == 1, "x1"].mean())}
PANEL = World(effect=3.0, adoption=True, authorities=120).load()
ADOPTED = designed(PANEL, ADOPTION, PANEL_GRAPH)


# in a short run each for one of the two, in turn
ASKED = [(name, target) for at, name in enumerate(QUICK) for target in (("ATE", "ATT") if LONG else ("ATE", "ATT")[at % 2 :][:1])]


@pytest.mark.parametrize(("name", "target"), ASKED)
def test_recovers_and_covers_a_planted_effect_that_differs_with_who_is_treated(name: str, target: Any) -> None:
    """Planted truth (ATT by a sample of 200,000); shocks and a cause shared within clusters of two; 20 panels."""
    panels = 20
    found = [estimate(QUICK[name], asking(designed(world(seed)), target=target)) for seed in range(panels)]
    effects = np.array([one.effect for one in found])
    sampling = effects.std(ddof=1)
    assert TRUTH["ATT"] > 3.4
    # strata and clipped weights keep a little of the bias: a third of the sampling deviation is left to it
    assert abs(effects.mean() - TRUTH[target]) <= 0.3 * sampling + 3 * sampling / np.sqrt(panels)
    covered = sum(one.lower <= TRUTH[target] <= one.upper for one in found)  # type: ignore[operator]
    assert covered >= int(stats.binom(panels, 0.95).ppf(0.0005))
    assert 0.65 < np.mean([one.std_error for one in found]) / sampling < 1.5  # type: ignore[arg-type]
    assert all(one.target == target and (one.estimand.population == "treated") == (target == "ATT") for one in found)


@pytest.mark.parametrize("name", ["linear_dr", "propensity_weighting", "t_learner", "dowhy_glm"])
def test_recovers_a_planted_change_between_windows_of_a_panel(name: str) -> None:
    """Planted truth 3 for those who take it up; places that take it up differ lastingly, which the change takes away."""
    panels = 16
    knobs = {"after": (2018, 2018), "base_outcome": False}
    found = [
        estimate(replace(QUICK[name], **knobs), designed(World(effect=3.0, adoption=True, authorities=80, seed=seed).load(), ADOPTION, PANEL_GRAPH))
        for seed in range(panels)
    ]
    effects = np.array([one.effect for one in found])
    assert abs(effects.mean() - 3.0) <= (0.1 + 3 / np.sqrt(panels)) * effects.std(ddof=1)
    assert sum(one.lower <= 3.0 <= one.upper for one in found) >= int(stats.binom(panels, 0.95).ppf(0.0005))  # type: ignore[operator]
    assert found[0].rows == found[0].authorities == 80 and "change from 2011–2012 to 2018" in found[0].estimand.words


def test_rows_of_a_panel_are_never_pooled_and_half_treated_places_are_told() -> None:
    one = estimate(PropensityWeighting(), ADOPTED)
    assert one.rows == 120 and any("within the last window" in concern for concern in one.concerns)
    frame = PANEL.frame["cut"].unstack()
    late = int(((frame[2018] == 1) & (frame[2017] == 0)).sum())
    assert any(concern.startswith(f"{late} authorities took") for concern in one.concerns)
    assert not any("within the last window" in concern for concern in estimate(PropensityWeighting(after=(2018, 2018)), ADOPTED).concerns)


def test_the_logistic_propensity_is_that_of_statsmodels() -> None:
    """statsmodels' Logit on the same columns."""
    import statsmodels.api as sm

    made = rows(MADE)
    theirs = sm.Logit(made.on, sm.add_constant(MADE.controls)).fit(disp=0).predict()
    assert logistic(made) == pytest.approx(theirs, abs=1e-8)


@pytest.mark.parametrize("target", ["ATE", "ATT"])
@pytest.mark.parametrize("estimator", [PropensityWeighting(), DowhyGlm()], ids=lambda one: str(one.name))
def test_influence_is_that_of_leaving_out_one_cluster(estimator: Any, target: Any) -> None:
    """The delete-one-cluster jackknife, by brute force, where weights are mild; parts too."""
    panel, rng = world(5, 150), np.random.default_rng(5)
    mild = (rng.random(300) < 1 / (1 + np.exp(-0.3 * panel.frame["x1"] - 0.3 * panel.frame["x2"]))).astype(float)
    frame = panel.frame.assign(d=mild, y=panel.frame["y"] + 3 * (mild - panel.frame["d"]))
    made = asking(designed(replace(panel, frame=frame), replace(QUESTION, groups=2)), target=target)
    one = estimate(estimator, made)
    number = len(made.clusters)
    left = [estimate(estimator, made.resample_clusters(np.delete(np.arange(number), c).astype(np.int64))) for c in range(number)]
    spread = np.array([[e.effect, *(part.effect for part in e.parts)] for e in left])
    ours = np.array([one.std_error, *(part.std_error for part in one.parts)], dtype=float)
    assert ours == pytest.approx(np.sqrt((number - 1) * spread.var(axis=0)), rel=0.06)
    assert one.influence is not None and np.sqrt((one.influence**2).sum()) == pytest.approx(one.std_error)


def test_the_gaussian_model_without_modifiers_has_statsmodels_clustered_error() -> None:
    """statsmodels' OLS with errors by cluster, whose correction is our stated CR1."""
    import statsmodels.api as sm

    made = replace(MADE, modifiers=())
    matrix = sm.add_constant(np.column_stack([made.treatment, made.controls]))
    theirs = sm.OLS(made.outcome, matrix).fit(cov_type="cluster", cov_kwds={"groups": made.cluster})
    one = estimate(DowhyGlm(), made)
    assert one.effect == pytest.approx(theirs.params[1], rel=1e-8) and one.std_error == pytest.approx(theirs.bse[1], rel=1e-8)
    assert one.estimand.weighting == "residual_variance"


def test_families_with_a_link_agree_with_statsmodels_predictions() -> None:
    """statsmodels' GLM, predictions with everybody treated less nobody, averaged over all and over the treated."""
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    panel = world(3)
    for family, kind in (("poisson", sm.families.Poisson()), ("binomial", sm.families.Binomial())):
        line = 0.3 * panel.frame["x1"] + 0.5 * panel.frame["d"]
        y = rng.poisson(np.exp(line)) if family == "poisson" else (rng.random(len(line)) < 1 / (1 + np.exp(-line)))
        made = replace(designed(replace(panel, frame=panel.frame.assign(y=np.asarray(y, dtype=float)))), modifiers=())
        columns = [np.column_stack([np.ones(made.rows), on, made.controls]) for on in (made.treatment, np.ones(made.rows), np.zeros(made.rows))]
        fitted = sm.GLM(made.outcome, columns[0], family=kind).fit()
        each = fitted.predict(columns[1]) - fitted.predict(columns[2])
        for target, theirs in (("ATE", each.mean()), ("ATT", each[made.treatment == 1].mean())):
            assert estimate(DowhyGlm(family=family), asking(made, target=target)).effect == pytest.approx(theirs, rel=1e-5)  # type: ignore[arg-type]


def test_matching_is_that_of_brute_force_and_has_no_interval() -> None:
    """Nearest neighbours by hand, both ways round; docs/method.md, section 2: no valid interval, so none."""
    made = rows(MADE)
    y, on = MADE.outcome, made.on == 1
    for estimator, place in ((PropensityMatching(), logistic(made)[:, None]), (DistanceMatching(), made.features)):
        far = np.linalg.norm(place[on][:, None] - place[~on][None], axis=2)
        gains = [y[on] - y[~on][far.argmin(axis=1)], y[on][far.argmin(axis=0)] - y[~on]]
        for target, theirs in (("ATT", gains[0].mean()), ("ATE", np.concatenate(gains).mean())):
            one = estimate(estimator, asking(MADE, target=target))
            assert one.effect == pytest.approx(theirs)
            assert one.lower is one.upper is one.std_error is one.p_value is one.influence is None
            assert one.inference.startswith("no valid interval") and "Abadie & Imbens" in one.inference


@pytest.mark.parametrize("name", ["t_learner", "x_learner"])
def test_linear_meta_learners_are_two_regressions(name: str) -> None:
    """scikit-learn's regressions on treated and untreated, predictions averaged over all and over the treated."""
    from sklearn.linear_model import LinearRegression

    on = MADE.treatment == 1
    lines = [LinearRegression().fit(MADE.controls[kind], MADE.outcome[kind]) for kind in (on, ~on)]
    each = lines[0].predict(MADE.controls) - lines[1].predict(MADE.controls)
    for target, theirs in (("ATE", each.mean()), ("ATT", each[on].mean())):
        one = estimate(EVERY[name], asking(MADE, target=target))
        assert one.effect == pytest.approx(theirs) and one.inference.startswith("bootstrap over clusters")


def test_penalties_and_trees_leave_meta_learners_without_an_interval() -> None:
    for estimator in (SLearner(nuisance="boosting"), TLearner(nuisance="ridge"), XLearner(nuisance="lasso"), DomainAdaptation(nuisance="ridge")):
        one = estimate(estimator, MADE)
        assert abs(one.effect - 3.0) < 1.0
        assert one.lower is one.upper is one.std_error is None and "take nuisance=linear" in one.inference
        assert len(one.parts) == 5 and all(part.lower is None for part in one.parts)


@pytest.mark.parametrize("nuisance", ["lasso", "boosting", "forest", "stacked"])
def test_doubly_robust_takes_every_nuisance(nuisance: Any) -> None:
    """Planted truths within three and a half standard errors."""
    for target in ("ATE", "ATT"):
        one = estimate(LinearDr(nuisance=nuisance, repetitions=1, folds=2), asking(MADE, target=target))
        assert abs(one.effect - TRUTH[target]) < 3.5 * one.std_error  # type: ignore[operator]


def test_doubly_robust_scores_are_those_of_the_papers_in_econml_s_own_nuisances() -> None:
    """The ATE against EconML's own average; the ATT and the ATE among the untreated add up to the ATE of the scores (within cross-fitting)."""
    one = estimate(LinearDr(repetitions=3), MADE)
    treated, share = estimate(LinearDr(repetitions=3), asking(MADE, target="ATT")), MADE.treatment.mean()
    turned = estimate(LinearDr(repetitions=3), asking(MADE, target="ATT", control=1.0, treated=0.0))
    assert share * treated.effect - (1 - share) * turned.effect == pytest.approx(one.effect, abs=0.25 * one.std_error)  # type: ignore[operator]


def test_bootstrapped_parts_say_what_they_rest_on() -> None:
    """Every authority is in one group and in one row."""
    one = estimate(TLearner(draws=50), MADE)
    assert [part.rows for part in one.parts] == [part.authorities for part in one.parts] == list(np.bincount(MADE.modifiers[0].codes))


def test_the_forest_says_how_much_effects_differ() -> None:
    """Planted: effects rise by 1.5 for each unit of x1."""
    one = estimate(ForestDr(folds=2, trees=100, smallest_leaf=10), designed(world(1, 300)))
    assert (one.diagnostics["spread of the forest's effects (sd)"] or 0) > 0.5
    assert one.parts[-1].effect - one.parts[0].effect > 1.5


# the slowest holds the contract in tests/test_estimators.py alone
@pytest.mark.parametrize("name", [name for name in EVERY if name != "forest_dr"])
def test_leaves_its_input_as_it_was_answers_twice_the_same_and_in_any_row_order(name: str) -> None:
    panel = world(2)
    made = designed(panel)
    before = [made.outcome.copy(), made.treatment.copy(), made.controls.copy()]
    one, same = estimate(EVERY[name], made), estimate(EVERY[name], made)
    assert all((a == b).all() for a, b in zip(before, [made.outcome, made.treatment, made.controls], strict=True))
    shuffled = estimate(EVERY[name], designed(replace(panel, frame=panel.frame.sample(frac=1, random_state=5))))
    assert one.effect == same.effect == shuffled.effect and one.std_error == same.std_error == shuffled.std_error
    assert one.estimator == name and {"effective clusters", "effective treated", "share with propensity beyond .05"} <= set(one.diagnostics)


@pytest.mark.parametrize("name", [name for name in EVERY if name != "forest_dr"])
def test_units_and_the_way_round_of_the_question_do_not_matter(name: str) -> None:
    panel = world(2)
    one = estimate(EVERY[name], designed(panel))
    frame = panel.frame.assign(y=panel.frame["y"] / 1e4, x2=panel.frame["x2"] * 1e3, d=panel.frame["d"] * 100)
    other = estimate(EVERY[name], designed(replace(panel, frame=frame), replace(QUESTION, treated=100.0, smallest_important=1e-5)))
    assert other.effect * 1e4 == pytest.approx(one.effect, rel=1e-3 if name == "forest_dr" else 1e-6)
    turned = estimate(EVERY[name], asking(designed(panel), control=1.0, treated=0.0))
    assert turned.effect == pytest.approx(-one.effect)
    if one.lower is not None:
        assert turned.upper == pytest.approx(-one.lower)


def test_the_att_is_never_the_ate_under_another_name() -> None:
    """DoWhy's model returns the ATE whatever `target_units` says, and one slope for all cannot tell the two apart."""
    for name, made, estimator in (
        ("question.modifiers", replace(MADE, modifiers=()), DowhyGlm()),
        ("interactions=true", MADE, SLearner()),
        ("targets the ATE", MADE, FrontDoor()),
    ):
        with pytest.raises(DesignError, match=name):
            estimate(estimator, asking(made, target="ATT"))
    for name, estimator in (EVERY if LONG else QUICK).items():
        if name != "s_learner":
            assert estimate(estimator, asking(MADE, target="ATT")).effect > estimate(estimator, MADE).effect + 0.05, name


def test_no_overlap_is_told_and_certainty_refused() -> None:
    panel = world(4)
    sharp = (panel.frame["x1"] + 0.02 * np.random.default_rng(0).normal(size=len(panel.frame)) > 0).astype(float)
    made = designed(replace(panel, frame=panel.frame.assign(d=sharp)))
    one = estimate(PropensityWeighting(), made)
    assert (one.diagnostics["share with propensity beyond .02"] or 0) > 0.5
    assert any("hardly anybody to compare with" in said for said in one.concerns) and any("were clipped" in said for said in one.concerns)
    assert any("set to the bounds 0.02 and 0.98" in note for note in one.notes)
    certain = designed(replace(panel, frame=panel.frame.assign(d=(panel.frame["x1"] > 0).astype(float))))
    for estimator in (PropensityWeighting(), PropensityMatching(), PropensityStratification(draws=50)):
        with pytest.raises(EstimationError, match="tell for certain who was treated"):
            estimate(estimator, certain)
    assert any("extrapolated" in said for said in estimate(TLearner(draws=50), certain).concerns)


def test_the_att_clips_only_the_comparison_s_end() -> None:
    """DoWhy clips both, which among many unlikely authorities turns each into a comparison."""
    made = rows(asking(MADE, target="ATT"))
    chance = np.linspace(0, 1, len(made.on))
    assert clipped(made, chance, 0.02)[0] == 0.0 and clipped(made, chance, 0.02)[-1] == 0.98
    assert clipped(rows(MADE), chance, 0.02)[0] == 0.02
    count, _, _ = overlap(made, np.full(len(made.on), 0.5), 0.02)
    assert count["effective treated"] == pytest.approx(made.on.sum()) and count["effective untreated"] == pytest.approx(len(made.on) - made.on.sum())


def test_strata_without_both_kinds_are_left_out_and_said() -> None:
    one = estimate(PropensityStratification(strata=40, draws=50), MADE)
    out = one.diagnostics["authorities in strata without both kinds"]
    assert out and any(said.startswith(f"{out:.0f} of 200 authorities lie in strata") for said in one.concerns)


def test_what_cannot_be_served_is_refused_before_any_fit() -> None:
    dose = designed(World(effect=3.0).load(), replace(ADOPTION, control=-50.0, treated=50.0), PANEL_GRAPH)
    assert any("question.treated=" in why for why in unmet_requirements(LinearDr(), dose))
    frame = world(0).frame
    three = designed(replace(world(0), frame=frame.assign(d=frame["d"] + (frame["x1"] > 0))))
    for name, estimator in EVERY.items():
        with pytest.raises(DesignError, match=rf"{name}: wanted a design that it can answer, .*treatment of two values.*estimators that can answer"):
            estimate(estimator, three)
    with pytest.raises(DesignError, match="as many untreated clusters"):
        estimate(LinearDr(folds=45), MADE)
    with pytest.raises(DesignError, match="nothing to adjust for"):
        estimate(DistanceMatching(), replace(MADE, controls=np.empty((MADE.rows, 0)), control_names=(), control_groups={}))
    with pytest.raises(DesignError, match="outcome from 0 to 1"):
        estimate(DowhyGlm(family="binomial"), MADE)
    with pytest.raises(DesignError, match=r"estimator\.outcome=level"):
        estimate(DowhyGlm(family="poisson"), ADOPTED)
    with pytest.raises(DesignError, match=r"cannot weigh .* count every authority once"):
        estimate(DowhyGlm(), asking(replace(MADE, weights=np.ones(MADE.rows)), weights="x2"))
    few = designed(replace(world(0), frame=frame.assign(d=(np.arange(len(frame)) < 3).astype(float))))
    with pytest.raises(DesignError, match="at least 5 treated authorities to compare with, got 3"):
        estimate(TLearner(), few)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: LinearDr(before=(2011,)), "before: wanted"),  # type: ignore[arg-type]
        (lambda: TLearner(after="2018"), "after: wanted"),  # type: ignore[arg-type]
        (lambda: LinearDr(clip=0.5), "clip: wanted a number between"),
        (lambda: LinearDr(nuisance="magic"), "nuisance: wanted one of"),  # type: ignore[arg-type]
        (lambda: LinearDr(folds=1), "folds"),
        (lambda: ForestDr(trees=10), "multiple of 4"),
        (lambda: SLearner(nuisance="magic"), "nuisance: wanted one of linear"),  # type: ignore[arg-type]
        (lambda: XLearner(draws=3), "draws: wanted"),
        (lambda: PropensityWeighting(inference="robust"), "stacked"),  # type: ignore[arg-type]
        (lambda: PropensityStratification(strata=1), "strata"),
        (lambda: DistanceMatching(neighbours=0), "neighbours"),
        (lambda: DowhyGlm(family="gamma"), "family"),  # type: ignore[arg-type]
    ],
)
def test_knobs_are_checked_at_birth(make: Callable[[], Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make()


@pytest.mark.parametrize("name", [*EVERY, "front_door"])
def test_yaml_says_what_the_class_says(name: str) -> None:
    from causal.needs import needed

    text = (Path(__file__).parents[1] / "conf" / "estimator" / f"{name}.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    home, kind = config.pop("_target_").rsplit(".", 1)
    made = type({**EVERY, "front_door": FrontDoor()}[name])
    assert (made.__module__, made.__name__) == (home, kind) and made(**config) == made()
    assert set(config) == {one.name for one in fields(made)}
    for key, words in (("needs", needed(made())), ("targets", made.targets), ("costs", made.costs)):
        assert f"# {key}: {words}\n" in text


# ---------------------------------------------------------------- the front door

DOOR = Graph(
    name="front door",
    nodes={"u": {"measured": False}, "d": {}, "m": {}, "n": {}, "y": {}},
    arrows={"u": {"d": "made so", "y": "made so"}, "d": {"m": "made so", "n": "made so"}, "m": {"y": "made so", "n": "made so"}, "n": {"y": "made so"}},
)
ONE_DOOR = Graph(
    name="one door",
    nodes={"u": {"measured": False}, "d": {}, "m": {}, "y": {}},
    arrows={"u": {"d": "made so", "y": "made so"}, "d": {"m": "made so"}, "m": {"y": "made so"}},
)
THROUGH = 0.8 * 1.5 + (0.5 + 0.8 * 0.3) * 1.0  # what d does to y through m and n


def door(seed: int, second: float = 1.0) -> Panel:
    """Sixty authorities, four years, shocks shared within an authority; u moves treatment and outcome and is not measured."""
    rng = np.random.default_rng(seed)
    shared = [np.repeat(rng.normal(size=60), 4) for _ in range(4)]
    noise = rng.normal(size=(5, 240))
    u = noise[0] + shared[0]
    d = u + noise[1] + 0.7 * shared[1]
    m = 0.8 * d + noise[2] + 0.5 * shared[2]
    n = second * (0.5 * d + 0.3 * m) + noise[3]
    y = 1.5 * m + second * n + 3 * u + noise[4] + shared[3]
    index = pd.MultiIndex.from_product([[f"A{i:04d}" for i in range(60)], range(2001, 2005)], names=["authority", "year"])
    columns = {"d": d, "m": m, "n": n, "y": y}
    return Panel(
        frame=pd.DataFrame(columns, index=index),
        variables=tuple(Variable(name=name, label=name, unit="units", source="made up") for name in columns),
        places=pd.DataFrame({"name": [f"Place {i}" for i in range(60)]}, index=index.unique("authority")),
        title="made-up front door",
    )


def behind(panel: Panel, graph: Graph = DOOR) -> Design:
    asked = replace(QUESTION, modifiers=())
    return design(panel, asked, identify(asked, graph, measured=panel.names, strategy=FrontDoor.strategy))


def test_the_front_door_recovers_a_planted_effect_through_two_variables() -> None:
    """Planted truth 1.94 with an unmeasured common cause; 120 panels; plain regression is far off."""
    panels = 120
    found = [estimate(FrontDoor(), behind(door(seed))) for seed in range(panels)]
    effects = np.array([one.effect for one in found])
    sampling = effects.std(ddof=1)
    assert abs(effects.mean() - THROUGH) <= (0.1 + 3 / np.sqrt(panels)) * sampling
    assert sum(one.lower <= THROUGH <= one.upper for one in found) >= int(stats.binom(panels, 0.95).ppf(0.0005))  # type: ignore[operator]
    assert 0.8 < np.mean([one.std_error for one in found]) / sampling < 1.2  # type: ignore[arg-type]
    frame = door(0).frame
    assert np.polyfit(frame["d"], frame["y"], 1)[0] > THROUGH + 1


@pytest.mark.filterwarnings("ignore:1 variables are assumed unobserved")
def test_the_front_door_of_one_variable_is_dowhy_s_two_stage_regression() -> None:
    """DoWhy's TwoStageRegressionEstimator on the same columns, and two regressions of statsmodels."""
    import statsmodels.api as sm
    from dowhy import CausalModel

    panel = door(3, second=0.0)
    made = behind(panel, ONE_DOOR)
    one = estimate(FrontDoor(), made)
    frame = panel.frame.reset_index(drop=True)
    first = sm.OLS(frame["m"], sm.add_constant(frame["d"])).fit().params["d"]
    second = sm.OLS(frame["y"], sm.add_constant(frame[["d", "m"]])).fit().params["m"]
    assert one.effect == pytest.approx(first * second, rel=1e-8)
    model = CausalModel(frame.copy(), treatment="d", outcome="y", graph="digraph{U[observed=no]; U->d; U->y; d->m; m->y;}")
    theirs = model.estimate_effect(model.identify_effect(), method_name="frontdoor.two_stage_regression")
    assert one.effect == pytest.approx(theirs.value, rel=1e-6)


def test_the_front_door_holds_the_contract_of_tests_test_estimators() -> None:
    """Input left as it was, the same answer twice, in any row order, in other units, and turned round with the contrast."""
    panel = door(2)
    made = behind(panel)
    before = [made.outcome.copy(), made.treatment.copy(), made.column("m").copy(), made.column("n").copy()]
    one, twice = estimate(FrontDoor(), made), estimate(FrontDoor(), made)
    assert (one.effect, one.std_error) == (twice.effect, twice.std_error)
    assert all((a == b).all() for a, b in zip(before, [made.outcome, made.treatment, made.column("m"), made.column("n")], strict=True))
    shuffled = estimate(FrontDoor(), behind(replace(panel, frame=panel.frame.sample(frac=1, random_state=5))))
    assert (shuffled.effect, shuffled.std_error) == (one.effect, one.std_error)
    # one hundredth of what it was, with the question still from 0 to 1: a hundred times the effect per unit
    units = estimate(
        FrontDoor(), behind(replace(panel, frame=panel.frame.assign(d=panel.frame["d"] / 100, m=panel.frame["m"] * 1e3, y=panel.frame["y"] / 1e4)))
    )
    assert (units.effect * 100, units.std_error * 100) == pytest.approx((one.effect, one.std_error), rel=1e-6)  # type: ignore[operator]
    turned = estimate(FrontDoor(), asking(made, control=1.0, treated=0.0))
    assert (turned.effect, turned.lower) == pytest.approx((-one.effect, -one.upper))  # type: ignore[operator]


def test_without_a_front_door_it_is_refused_and_unknown_cells_are_left_out() -> None:
    with pytest.raises(DesignError, match="no front door"):
        estimate(FrontDoor(), MADE)
    panel = door(1)
    frame = panel.frame.copy()
    frame.iloc[:7, 1] = np.nan
    one = estimate(FrontDoor(), behind(replace(panel, frame=frame)))
    assert one.rows == 233 and one.clusters == 60
    weak = estimate(FrontDoor(), behind(replace(panel, frame=panel.frame.assign(**dict.fromkeys("mn", 0.0)) + np.random.default_rng(0).normal(size=(240, 4)))))
    assert any("neither line" in said for said in weak.concerns)


# ---------------------------------------------------------------- published answers, through a table of one's own


def own(folder: Path, table: pd.DataFrame, *, treatment: str, outcome: str, covariates: Sequence[str], modifiers: Sequence[str] = ()) -> list[str]:
    """A table, a graph and an experiment in a folder of the user's, and the words that use them."""
    for group in ("graph", "experiment"):
        (folder / "mine" / group).mkdir(parents=True, exist_ok=True)
    arrows: dict[str, Any] = {treatment: {outcome: "the question"}}
    arrows |= {name: {treatment: "as published", outcome: "as published"} for name in covariates}
    graph = {"_target_": "causal.graph.Graph", "name": "ours", "nodes": {name: {} for name in (*covariates, treatment, outcome)}, "arrows": arrows}
    (folder / "mine/graph/ours.yaml").write_text(yaml.safe_dump(graph))
    experiment = {
        "defaults": [{"override /graph": "ours"}, {"override /source": "table"}],
        "title": "A published answer",
        "action": f"Moving {treatment} from 0 to 1",
        "adjust_for": list(covariates),
        "question": {
            "treatment": treatment,
            "outcome": outcome,
            "control": 0.0,
            "treated": 1.0,
            "smallest_important": 0.1,
            "because": "a test",
            "modifiers": list(modifiers),
        },
    }
    (folder / "mine/experiment/ours.yaml").write_text("# @package _global_\n" + yaml.safe_dump(experiment, sort_keys=False))
    path = folder / "ours.csv"
    table[[*covariates, treatment, outcome]].assign(authority=[f"A{i:05d}" for i in range(len(table))]).to_csv(path, index=False)
    return [
        "--config-dir",
        str(folder / "mine"),
        "experiment=ours",
        f"source.path={path}",
        f"runs={folder / 'runs'}",
        "~refuters",
        "workers=1",
    ]


def answered(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    code = main(["run", *words])
    said = capsys.readouterr()
    assert code == 0, said.err
    result = json.loads((Path(said.out.strip().splitlines()[-1]) / "result.json").read_text())
    return dict(result["estimate"])


def published(name: str) -> pd.DataFrame:
    """A table of the causaldata package, numbers as 64-bit floats."""
    data = getattr(pytest.importorskip("causaldata", reason="causaldata, of the dev extra, is not installed"), name).load_pandas().data
    return data.drop(columns="data_id", errors="ignore").astype(float)


def test_the_nsw_experiment_is_lalonde_s(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Dehejia & Wahba 1999, 445 people: 1,794.34, classical error 632.85, HC2 671.0; ours by authority is statsmodels' HC1, 670.8."""
    import statsmodels.formula.api as smf

    data = published("nsw_mixtape")
    witness = smf.ols("re78 ~ treat", data).fit()
    assert witness.bse["treat"] == pytest.approx(632.85, abs=0.005)
    assert witness.get_robustcov_results("HC2").bse[1] == pytest.approx(671.0, abs=0.05)
    words = own(tmp_path, data, treatment="treat", outcome="re78", covariates=[])
    for name in ("difference", "dowhy_linear", "dowhy_glm", "propensity_weighting", "s_learner"):
        one = answered([*words, f"estimator={name}"], capsys)
        assert one["effect"] == pytest.approx(1794.34, abs=0.005), name
        if name in ("difference", "dowhy_linear", "dowhy_glm"):
            assert one["std_error"] == pytest.approx(witness.get_robustcov_results("HC1").bse[1], rel=1e-6), name
        assert one["std_error"] == pytest.approx(671.0, rel=0.12 if name == "s_learner" else 0.002), name


def test_the_cps_comparison_is_the_published_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Naive −8,497.5 (712.0); regression 700.3 (547.7), which squares age in 8 bits; with age squared as such 793.6 (548.2)."""
    import statsmodels.api as sm

    people, controls = published("nsw_mixtape"), published("cps_mixtape")
    data = pd.concat([people[people["treat"] == 1], controls], ignore_index=True)
    data["age_squared"] = data["age"] ** 2
    data["age_squared_8_bits"] = (data["age_squared"] + 128) % 256 - 128  # as an int8 column wraps round
    plain = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]
    for covariates, effect, error in (([], -8497.5, 712.0), ([*plain, "age_squared_8_bits"], 700.3, 547.7), ([*plain, "age_squared"], 793.6, 548.2)):
        witness = sm.OLS(data["re78"], sm.add_constant(data[["treat", *covariates]])).fit()
        assert witness.params["treat"] == pytest.approx(effect, abs=0.05) and witness.bse["treat"] == pytest.approx(error, abs=0.06)
        words = own(tmp_path, data, treatment="treat", outcome="re78", covariates=covariates)
        one = answered([*words, "estimator=dowhy_glm"], capsys)
        assert one["effect"] == pytest.approx(effect, abs=0.05)
        assert one["std_error"] == pytest.approx(witness.get_robustcov_results("HC1").bse[1], rel=1e-5)
    assert any("propensity within .02" in said for said in one["concerns"])


def test_the_nhefs_answers_are_those_of_hernan_and_robins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What If, ch. 12 and 13: weighting 3.4405 (2.41, 4.47), g-formula 3.517, naive 2.541."""
    raw = published("nhefs_complete")
    data = raw[["qsmk", "wt82_71", "sex", "race", "age", "smokeintensity", "smokeyrs", "wt71"]].copy()
    for name in ("education", "exercise", "active"):
        for level in sorted(raw[name].unique())[1:]:
            data[f"{name}_{level:g}"] = (raw[name] == level).astype(float)
    for name in ("age", "smokeintensity", "smokeyrs", "wt71"):
        data[f"{name}_squared"] = data[name] ** 2
    covariates = [name for name in data if name not in ("qsmk", "wt82_71")]
    asked: dict[str, Any] = {"treatment": "qsmk", "outcome": "wt82_71"}
    words = own(tmp_path, data, covariates=covariates, **asked)
    one = answered([*words, "estimator=propensity_weighting", "estimator.inference=weights_known"], capsys)
    assert one["effect"] == pytest.approx(3.4405, abs=5e-5)
    assert (round(one["lower"], 2), round(one["upper"], 2)) == (2.41, 4.47)
    stacked = answered([*words, "estimator=propensity_weighting"], capsys)
    assert stacked["effect"] == one["effect"] and stacked["std_error"] < one["std_error"]
    words = own(tmp_path, data, covariates=covariates, modifiers=["smokeintensity"], **asked)
    assert answered([*words, "estimator=dowhy_glm"], capsys)["effect"] == pytest.approx(3.517, abs=5e-4)
    robust = answered([*words, "estimator=linear_dr", "estimator.repetitions=1"], capsys)
    assert abs(robust["effect"] - 3.45) < 2 * robust["std_error"]
    words = own(tmp_path, data, covariates=[], **asked)
    assert answered([*words, "estimator=difference"], capsys)["effect"] == pytest.approx(2.541, abs=5e-4)


def test_bad_input_is_a_causal_error_at_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dose in a cross-section: what was wanted, what came, and who can."""
    table = world(0).frame.reset_index(drop=True)
    table["d"] = table["d"] + table["x1"]
    words = own(tmp_path, table, treatment="d", outcome="y", covariates=["x1", "x2"])
    assert main(["run", *words, "estimator=linear_dr"]) == 2
    said = capsys.readouterr().err
    assert "treatment of two values, 0 and 1" in said and "estimators that can answer as asked: " in said and issubclass(DesignError, CausalError)
