"""One contract for every estimator on the shelf: what a comparison of estimators rests on."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lengths import LONG
from scipy import stats
from worlds import ADOPTION, QUESTION, World, designed, without

from causal.design import Design
from causal.draws import stream
from causal.errors import ConfigError, DesignError
from causal.estimate import Estimate, Estimator
from causal.estimators.cate import CausalForest, KernelDml, NonparamDml, SparseLinearDml
from causal.estimators.continuous_did import ContinuousDid
from causal.estimators.difference import Difference
from causal.estimators.dml import LinearDml
from causal.estimators.doubly_robust import ForestDr, LinearDr
from causal.estimators.dowhy_glm import DowhyGlm
from causal.estimators.dowhy_linear import DowhyLinear
from causal.estimators.dynamic_dml import DynamicDml
from causal.estimators.event_study import EventStudy
from causal.estimators.fixed_effects import FirstDifference, FixedEffects
from causal.estimators.lagged_outcome import LaggedOutcome
from causal.estimators.matching import DistanceMatching, PropensityMatching
from causal.estimators.mean_group import MeanGroup
from causal.estimators.meta_learners import DomainAdaptation, SLearner, TLearner, XLearner
from causal.estimators.poisson_fixed_effects import PoissonFixedEffects
from causal.estimators.propensity import PropensityStratification, PropensityWeighting
from causal.estimators.staggered import CallawaySantAnna, Imputation, SunAbraham
from causal.estimators.synthetic import SyntheticControl, SyntheticDid
from causal.estimators.within_between import WithinBetween
from causal.panel import Panel
from causal.question import Question

# one row an authority: all that adopted are treated in the whole of the last window, and the outcome's level beside its change would bring back
# the lasting confounder that the change took away
WINDOWS: dict[str, Any] = {"after": (2018, 2018), "base_outcome": False}
WITHIN: dict[str, Estimator] = {
    "fixed_effects": FixedEffects(),
    "first_difference": FirstDifference(),
    "linear_dml": LinearDml(repetitions=2),
    "linear_dml differences": LinearDml(panel="first_difference", nuisance="ridge", repetitions=1),
    "linear_dml correlated effects": LinearDml(panel="correlated_random_effects", nuisance="ridge", repetitions=1),
    "sparse_linear_dml": SparseLinearDml(repetitions=1),
    "nonparam_dml": NonparamDml(repetitions=1),
    "causal_forest": CausalForest(trees=40),
    "within_between": WithinBetween(),
    "mean_group": MeanGroup(),
    "event_study": EventStudy(leads=1, lags=1),
    "event_study of adoption": EventStudy(),
    "callaway_santanna of adoption": CallawaySantAnna(),
    "sun_abraham of adoption": SunAbraham(),
    "imputation of adoption": Imputation(),
    "synthetic_did of adoption": SyntheticDid(),
    "propensity_weighting of adoption": PropensityWeighting(**WINDOWS),
    "dowhy_glm of adoption": DowhyGlm(**WINDOWS),
    "linear_dr of adoption": LinearDr(**WINDOWS, repetitions=1),
    # with ridge nuisances, as its own forests take five seconds a panel; its average is then linear_dr's, and the forest is of effects only
    "forest_dr of adoption": ForestDr(**WINDOWS, nuisance="ridge", trees=20),
}
# an error from a bootstrap over authorities, so no influence
BOOTSTRAPPED: dict[str, Estimator] = {
    "s_learner of adoption": SLearner(**WINDOWS, draws=50),
    "t_learner of adoption": TLearner(**WINDOWS, draws=50),
    "x_learner of adoption": XLearner(**WINDOWS, draws=50),
    "domain_adaptation of adoption": DomainAdaptation(**WINDOWS, draws=50),
    "propensity_stratification of adoption": PropensityStratification(**WINDOWS, draws=50),
}
POOLED: dict[str, Estimator] = {
    "dowhy_linear": DowhyLinear(),
    "difference": Difference(),
    "lagged_outcome": LaggedOutcome(),
    "dynamic_dml": DynamicDml(repetitions=1, nuisance="ridge", folds=3),
}
# right in worlds of their own (tests/test_panel_estimators.py): Poisson's planted effect is a ratio
ELSEWHERE: dict[str, Estimator] = {"poisson_fixed_effects": PoissonFixedEffects(), "continuous_did of doses": ContinuousDid()}
NO_INTERVAL: dict[str, Estimator] = {
    "kernel_dml": KernelDml(repetitions=1),
    "synthetic_control of adoption": SyntheticControl(),
    "propensity_matching of adoption": PropensityMatching(**WINDOWS),
    "distance_matching of adoption": DistanceMatching(**WINDOWS),
}
SHELF: dict[str, Estimator] = {**WITHIN, **BOOTSTRAPPED, **POOLED, **ELSEWHERE}
EVERY: dict[str, Estimator] = {**SHELF, **NO_INTERVAL}
# they need an instrument, mediators or a front door, which the made-up panels here lack; the contract is held where their worlds are
OWN_WORLDS = {
    "two_stage_least_squares": "tests/test_instruments.py",
    "ortho_iv": "tests/test_instruments.py",
    "dml_iv": "tests/test_instruments.py",
    "dr_iv": "tests/test_instruments.py",
    "shift_share": "tests/test_instruments.py",
    "mediation": "tests/test_mediation.py",
    "front_door": "tests/test_cross_section.py",
    "logit_dose": "tests/test_logit_dose.py",
    "interrupted_series": "tests/test_series.py",
    "cluster_trial": "tests/test_cluster_trial.py",
    "distributed_lags": "tests/test_distributed_lags.py",
    "late": "tests/test_late.py",
    "reversible_did": "tests/test_reversible_did.py",
    "regression_discontinuity": "tests/test_discontinuity.py",
}
ONE_ROW = ("propensity_weighting", "dowhy_glm", "linear_dr", "forest_dr", *(name.split()[0] for name in BOOTSTRAPPED))
ATT = ("continuous_did", "callaway_santanna", "sun_abraham", "imputation", "synthetic_did", "synthetic_control")  # what these answer for
EITHER = (*ONE_ROW, "propensity_matching", "distance_matching")  # they give the ATE and the ATT (tests/test_cross_section.py)
# synthetic_did and dynamic_dml want every authority in every year, and say so (tests/test_staggered.py, test_instruments.py)
BALANCED = ("synthetic_did", "dynamic_dml")
# no effects by fifth: strata of a fifth would be of a handful; dynamic_dml gives effects by year of the treatment before those by fifth, which
# tests/test_instruments.py looks at
NO_FIFTHS = ("propensity_stratification", "dynamic_dml")
# its lead and its present cannot stand in one model: each year's history holds last year's treatment fixed, and the blips are of several years at once
NO_LEADS = ("dynamic_dml",)
OWN_LEADS = ("event_study", "sun_abraham")  # effects by year are theirs by nature
# where the treatment of later years says nothing, and what is then said
UNLED = {(*ONE_ROW, "continuous_did"): "no year after its last window", ("synthetic_did",): "chooses its comparison so that the years before adoption agree"}
LINEAR = ("fixed_effects", "first_difference", "dowhy_linear", "difference", "lagged_outcome")
# how often the 95 % interval must cover in this many panels (99.9 % binomial bound under 95 % coverage)
PANELS = 60
FEWEST = int(stats.binom(PANELS, 0.95).ppf(0.0005))
# a third of a second and more a panel, so one planted effect and fewer panels; benchmarks/truth.py draws more
SLOW = (
    "linear_dml",
    "linear_dml differences",
    "linear_dml correlated effects",
    "sparse_linear_dml",
    "nonparam_dml",
    "causal_forest",
    "linear_dr of adoption",
    "forest_dr of adoption",
    "t_learner of adoption",
    "x_learner of adoption",
    "domain_adaptation of adoption",
)
FEW_PANELS = 10


def adopts(name: str) -> bool:
    """Whether an estimator is tried on a treatment taken up once and kept; the others on a dose."""
    return name.endswith("of adoption")


def doses(name: str) -> bool:
    """Whether it is tried on doses that some take up and others never do."""
    return name.endswith("of doses")


def world(name: str, **knobs: Any) -> Panel:
    return World(adoption=adopts(name), doses=doses(name), **knobs).load()


def bare(name: str) -> str:
    """Its name on the shelf."""
    return name.split(maxsplit=1)[0]


def question(name: str) -> Question:
    return replace(ADOPTION if adopts(name) else QUESTION, target="ATT" if bare(name) in ATT else "ATE")


@cache
def _clean(adoption: bool, doses: bool, effect: float, seed: int, target: str) -> Design:
    return designed(World(effect=effect, seed=seed, adoption=adoption, doses=doses).load(), replace(ADOPTION if adoption else QUESTION, target=target))


def clean(effect: float, seed: int, name: str = "") -> Design:
    return _clean(adopts(name), doses(name), effect, seed, question(name or "fixed_effects").target)


def estimate(name: str, made: Design, seed: int = 1) -> Estimate:
    return EVERY[name].estimate(made, stream(seed, "estimate"))


@cache
def answered(name: str) -> Estimate:
    """Its answer on the clean panel of seed 0, asked once for all tests that start from it."""
    return estimate(name, clean(3.0, 0, name))


# bootstraps move with the planted effect to the digit
@pytest.mark.parametrize(
    ("name", "effect"),
    [
        *((name, effect) for effect in ((0.0, 3.0) if LONG else (3.0,)) for name in WITHIN if effect or name not in SLOW),
        *((name, 3.0) for name in BOOTSTRAPPED),
    ],
)
def test_recovers_a_planted_effect_and_covers_it_under_authority_shocks(name: str, effect: float) -> None:
    """Planted truth, shocks with autocorrelation .4 within authorities, 60 panels of 60 authorities, of the slowest fewer."""
    panels = FEW_PANELS if name in SLOW else 20 if name in BOOTSTRAPPED else PANELS
    found = [estimate(name, clean(effect, seed, name)) for seed in range(panels)]
    effects = np.array([one.effect for one in found])
    covered = sum(one.lower <= effect <= one.upper for one in found)  # type: ignore[operator]
    sampling = effects.std(ddof=1)
    assert abs(effects.mean() - effect) <= 0.1 * sampling + 3 * sampling / np.sqrt(panels)
    assert covered >= int(stats.binom(panels, 0.95).ppf(0.0005))
    errors = np.array([one.std_error for one in found], dtype=float)
    # a standard deviation of n panels has an error of 1 in √(2n − 2)
    assert abs(np.log(errors.mean() / sampling)) < 3.2 / np.sqrt(2 * panels - 2)


def test_the_same_seed_gives_the_same_bytes_under_any_hash_seed() -> None:
    """Two processes, every estimator that has a world here; DoWhy's own answers move with PYTHONHASHSEED (docs/data.md, section 6)."""
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from test_estimators import *\n"
        "for name in sorted(EVERY):\n"
        "    one = estimate(name, clean(3.0, 5, name))\n"
        "    print(name, one.effect.hex(), one.std_error, [part.effect for part in one.parts])"
    )
    top, running = Path(__file__).parents[1], []
    for seed in ("0", "7"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"}
        running.append(subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], cwd=top, env=env, stdout=subprocess.PIPE, text=True))
    said = [one.communicate()[0] for one in running]
    assert said[0] == said[1] and len(said[0].splitlines()) == len(EVERY)


@pytest.mark.parametrize("name", ["difference", "dowhy_linear"])
def test_pooled_estimators_are_wrong_where_places_differ_lastingly(name: str) -> None:
    """Planted truth 0: without authority effects the lasting confounder shows, which is why the comparison is there."""
    found = [estimate(name, clean(0.0, seed)) for seed in range(10)]
    effects = np.array([one.effect for one in found])
    assert effects.mean() > 5 * effects.std(ddof=1) / np.sqrt(len(effects))


def test_rows_taken_as_independent_cover_too_little_and_clustering_mends_it() -> None:
    """EconML's own interval beside ours, same fits: the reason for clustering (nominal 95 %)."""
    from econml.dml import LinearDML
    from sklearn.linear_model import LinearRegression

    ours = theirs = 0
    for seed in range(PANELS):
        made = designed(World(persistence=0.8, confounding=0.0, seed=seed).load())
        outcome, treatment, controls = made.within(made.outcome[:, None], made.treatment[:, None], made.controls)
        model = LinearDML(model_y=LinearRegression(), model_t=LinearRegression(), cv=2, random_state=0)
        model.fit(outcome[:, 0], treatment[:, 0], W=controls, groups=made.cluster, inference="statsmodels")
        low, high = model.const_marginal_effect_interval(alpha=0.05)
        theirs += int(np.ravel(low)[0] <= 0 <= np.ravel(high)[0])
        one = LinearDml(nuisance="ridge", repetitions=1).estimate(made, stream(seed, "estimate"))
        ours += int(one.lower <= 0 <= one.upper)  # type: ignore[operator]
    assert theirs < FEWEST <= ours


@pytest.mark.parametrize("name", SHELF)
def test_says_what_it_estimates_and_how_sure_it_is(name: str) -> None:
    one = answered(name)
    assert one.estimator == bare(name)
    assert one.estimand and one.inference and one.target == question(name).target
    assert one.lower is not None and one.upper is not None and one.std_error is not None and one.p_value is not None
    assert one.lower < one.effect < one.upper
    if name in BOOTSTRAPPED:
        assert one.influence is None and one.inference.startswith("bootstrap over clusters (50 draws, 0 failed)")
    else:
        assert one.influence is not None
        assert np.sqrt((one.influence**2).sum()) == pytest.approx(one.std_error)
    assert "effective clusters" in one.diagnostics and "share of treatment variance in the largest five" in one.diagnostics


@pytest.mark.parametrize("name", EVERY)
def test_leaves_its_input_as_it_was_and_answers_twice_the_same(name: str) -> None:
    made = clean(3.0, 0, name)
    before = [made.outcome.copy(), made.treatment.copy(), made.controls.copy()]
    first, second = answered(name), estimate(name, made)
    assert all((a == b).all() for a, b in zip(before, [made.outcome, made.treatment, made.controls], strict=True))
    assert (first.effect, first.std_error, first.parts) == (second.effect, second.std_error, second.parts)


@pytest.mark.parametrize("name", EVERY)
def test_row_order_does_not_matter(name: str) -> None:
    panel = world(name, effect=3.0)
    shuffled = replace(panel, frame=panel.frame.sample(frac=1, random_state=5))
    assert estimate(name, designed(shuffled, question(name))).effect == answered(name).effect


@pytest.mark.parametrize("name", EVERY)
def test_units_of_measurement_do_not_matter(name: str) -> None:
    """The treatment in per cent, the outcome per child and a control in thousands give the same answer in other units."""
    panel, asked = world(name, effect=3.0), question(name)
    frame = panel.frame.copy()
    frame["cut"], frame["plans"], frame["poverty"] = frame["cut"] * 100, frame["plans"] / 10_000, frame["poverty"] * 1_000
    other = designed(replace(panel, frame=frame), replace(asked, treated=100 * asked.treated, smallest_important=1e-4))
    one, same = answered(name), estimate(name, other)
    tolerance = 1e-3 if name in ("causal_forest", "nonparam_dml") else 1e-6  # a tree may break a tie the other way
    assert same.effect * 10_000 == pytest.approx(one.effect, rel=tolerance)
    if name not in NO_INTERVAL:
        assert same.std_error * 10_000 == pytest.approx(one.std_error, rel=tolerance)  # type: ignore[operator]


@pytest.mark.parametrize("name", [name for name in SHELF if not doses(name)])  # the effect on those who took a dose up is no effect of giving it up
def test_the_contrast_turned_round_turns_the_effect_round(name: str) -> None:
    made = clean(3.0, 0, name)
    turned = replace(made, question=replace(made.question, control=made.question.treated, treated=0.0))
    one, other = answered(name), estimate(name, turned)
    assert other.effect == pytest.approx(-one.effect)
    assert other.lower == pytest.approx(-one.upper)  # type: ignore[operator]


@pytest.mark.parametrize("name", [name for name in SHELF if name != "difference" and bare(name) not in (*OWN_LEADS, *ATT, *NO_FIFTHS)])
def test_gives_effects_by_fifth_whose_joint_band_holds_the_pointwise_one(name: str) -> None:
    made, one = clean(3.0, 0, name), answered(name)
    assert [part.name for part in one.parts] == ["fifth 1 (lowest)", "fifth 2", "fifth 3", "fifth 4", "fifth 5 (highest)"]
    for part in one.parts:
        assert part.joint_lower <= part.lower < part.effect < part.upper <= part.joint_upper  # type: ignore[operator]
    if bare(name) in ONE_ROW:  # one row an authority, of those not yet treated in the first window
        assert all(part.rows == part.authorities for part in one.parts)
        assert sum(part.rows for part in one.parts) == one.authorities == one.rows <= len(made.authorities)
        return
    kept = 480 - 60 * ("difference" in name or name == "lagged_outcome")
    assert sum(part.rows for part in one.parts) == kept


def test_effects_by_fifth_find_planted_heterogeneity() -> None:
    """Planted truth: 0 in the least deprived fifth to 8 in the most; each estimator's slope over fifths is up and its joint bands cover."""
    panel = World(effect=0.0, authorities=150, seed=4).load()
    frame = panel.frame.copy()
    first = frame["deprivation"].groupby("authority").first()
    fifth = (first.rank() - 1).mul(5 / len(first)).astype(int)
    planted = 2.0 * fifth
    frame["plans"] += 2 * planted.reindex(frame.index.get_level_values("authority")).to_numpy() * frame["cut"]
    made = designed(replace(panel, frame=frame))
    for name in ("fixed_effects", "linear_dml", "causal_forest"):
        parts = estimate(name, made).parts
        assert parts[-1].effect - parts[0].effect > 4, name
        assert all(part.joint_lower <= 2.0 * i <= part.joint_upper for i, part in enumerate(parts)), name  # type: ignore[operator]


def test_a_fifth_without_variation_is_left_out() -> None:
    """As where nobody in a fifth closed anything."""
    panel = World(effect=3.0).load()
    first = panel.frame["deprivation"].groupby("authority").first()
    lowest = first.index[first.rank() <= 12]
    frame = panel.frame.copy()
    frame.loc[lowest, "cut"] = 0.0
    made = designed(replace(panel, frame=frame))
    for name in ("fixed_effects", "dowhy_linear"):
        assert [part.name for part in estimate(name, made).parts] == ["fifth 2", "fifth 3", "fifth 4", "fifth 5 (highest)"]
        assert [part.authorities for part in estimate(name, made).parts] == [12] * 4


@pytest.mark.parametrize("name", [name for name in SHELF if bare(name) not in BALANCED])
def test_an_unbalanced_panel_and_few_authorities_are_served(name: str) -> None:
    # one row an authority: five folds take ten of either kind, which of 24 there are not
    few = 60 if bare(name) in ONE_ROW else 48 if doses(name) else 24
    made = designed(
        without(world(name, effect=3.0, authorities=few), keep=0.9 if adopts(name) or "event_study" in name else 0.8, seed=2),
        question(name),
    )
    one = estimate(name, made)
    assert one.std_error is not None and np.isfinite([one.effect, one.std_error]).all()
    assert one.df is not None and one.df <= max(few, 48) - 1


def test_dowhy_s_own_slope_is_the_one_reported() -> None:
    """DoWhy's LinearRegressionEstimator is fitted inside; statsmodels on the same columns is the witness here."""
    import statsmodels.api as sm

    made = clean(3.0, 0)
    pooled = made.pooled()
    witness = sm.OLS(pooled.outcome, sm.add_constant(np.column_stack([pooled.treatment, pooled.controls, pooled.year_dummies()]))).fit()
    assert estimate("dowhy_linear", made).effect == pytest.approx(witness.params[1] * 0.5, rel=1e-8)


def test_the_naive_difference_of_a_yes_or_no_treatment_is_the_difference_in_means() -> None:
    panel = World().load()
    frame = panel.frame.copy()
    frame["cut"] = (frame["cut"] > frame["cut"].median()).astype(float)
    made = designed(replace(panel, frame=frame), replace(QUESTION, treated=1.0))
    means = frame.groupby("cut")["plans"].mean()
    assert estimate("difference", made).effect == pytest.approx(means[1.0] - means[0.0])


@pytest.mark.parametrize("name", [name for name in EVERY if name != "difference" and bare(name) not in (*ATT, *EITHER)])
def test_the_att_is_refused_by_those_that_give_the_ate(name: str) -> None:
    made = replace(clean(3.0, 0), question=replace(QUESTION, target="ATT"))
    with pytest.raises(DesignError, match="targets the ATE"):
        estimate(name, made)


def test_what_cannot_be_served_is_refused_with_what_could() -> None:
    made = clean(3.0, 0)
    with pytest.raises(DesignError, match=r"estimators that can answer as asked: .*dowhy_linear"):
        estimate("fixed_effects", made.pooled())
    with pytest.raises(DesignError, match=r"question\.modifiers.* fixed_effects"):
        estimate("causal_forest", replace(made, modifiers=()))
    with pytest.raises(DesignError, match="folds"):
        LinearDml(folds=40).estimate(made, stream(1, "x"))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: LinearDml(folds=1), "folds: wanted a whole number of at least 2, got 1"),
        (lambda: LinearDml(nuisance="forest"), "no function of demeaned x"),
        (lambda: LinearDml(nuisance="stacked"), "no function of demeaned x"),
        (lambda: LinearDml(repetitions=0), "repetitions: wanted a whole number of at least 1, got 0"),
        (lambda: SparseLinearDml(effect_degree=0), "effect_degree"),
        (lambda: KernelDml(bandwidth=0), "bandwidth"),
        (lambda: NonparamDml(trees=0), "trees"),
        (lambda: FixedEffects(inference="wild"), "inference: wanted one of"),  # type: ignore[arg-type]
        (lambda: LinearDml(panel="fixed"), "panel: wanted one of"),  # type: ignore[arg-type]
        (lambda: LinearDml(nuisance="magic"), "nuisance: wanted one of"),  # type: ignore[arg-type]
        (lambda: LinearDml(degree=9), "degree: wanted"),
        (lambda: CausalForest(panel="within"), "correlated_random_effects"),  # type: ignore[arg-type]
        (lambda: CausalForest(trees=10), "multiple of 4"),
        (lambda: CausalForest(smallest_leaf=0), "smallest_leaf"),
    ],
)
def test_knobs_are_checked_at_birth(make: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make()


def test_feedback_in_the_graph_is_a_concern_of_those_that_absorb_authorities() -> None:
    for name in WITHIN:
        made = clean(3.0, 0, name)
        fed = replace(made, identification=replace(made.identification, feedback=True))
        assert any("strict exogeneity" in concern for concern in estimate(name, fed).concerns), name


# how linear_dml takes a panel is nothing to a check, which refits it all the same
@pytest.mark.parametrize("name", [name for name in SHELF if bare(name) not in NO_LEADS and not (bare(name) == "linear_dml" != name)])
def test_goes_through_refuters_by_redraws_or_refits(name: str) -> None:
    """Planted truth 3: a placebo, a lead and a bootstrap run on every estimator, and placebos centre on 0."""
    from causal.refuters.bootstrap import Bootstrap
    from causal.refuters.future_treatment import FutureTreatment
    from causal.refuters.placebo_treatment import PlaceboTreatment
    from causal.trial import Trial

    panel, made = world(name, effect=3.0), clean(3.0, 0, name)
    trial = Trial(
        panel=panel,
        question=made.question,
        identification=made.identification,
        estimator=SHELF[name],
        design=made,
        estimate=answered(name),
        seed=5,
        workers=1,
    )
    assert trial.linear == (name in LINEAR)
    placebo = PlaceboTreatment(draws=99, refits=4).refute(trial, stream(5, "placebo"))
    future = FutureTreatment(leads=1).refute(trial, stream(5, "future"))
    bootstrap = Bootstrap(draws=99, refits=4).refute(trial, stream(5, "bootstrap"))
    for names, why in UNLED.items():
        if bare(name) in names:
            assert future.survived is None and why in str(future.reason)
    for one in (placebo, bootstrap) if future.reason else (placebo, future, bootstrap):
        assert one.found and one.survived is not None, one.reason
    if name in WITHIN:
        assert placebo.survived and bootstrap.survived


def test_an_estimator_without_a_valid_interval_gives_none_and_recovers_the_effect() -> None:
    """Planted truth 3, ten panels; docs/method.md, section 2: lower and upper are null, and so is all that a reader could take for certainty."""
    for name in NO_INTERVAL:
        found = [estimate(name, clean(3.0, seed, name)) for seed in range(10)]
        effects = np.array([one.effect for one in found])
        assert abs(effects.mean() - 3.0) <= 4 * effects.std(ddof=1) / np.sqrt(10)
        for one in found:
            assert one.lower is one.upper is one.std_error is one.p_value is one.influence is None
            assert one.inference.startswith("no valid interval") and all(part.lower is None for part in one.parts)


def test_every_estimator_of_the_shelf_is_in_this_suite() -> None:
    from causal.estimators import shelf

    assert {name.split()[0] for name in EVERY} | set(OWN_WORLDS) == set(shelf())
    assert not {name.split()[0] for name in EVERY} & set(OWN_WORLDS)
