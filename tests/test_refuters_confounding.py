"""Checks for confounding: what is planted is found, clean worlds survive, and what cannot be checked is said.

Worlds are small simulated panels with known faults. Rates are judged exactly: a claimed rate fails only if a one-sided binomial test rejects it at
the 1 % level, with fixed seeds. Figures are held against published tables, other libraries in the same run, or what was planted.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from threadpoolctl import threadpool_limits
from worlds import ADOPTION, Refitted, World, ar, rate_at_least, refute, same, stated, trial_of
from worlds import GRAPH as ADOPTION_GRAPH

from causal.design import design
from causal.errors import ConfigError
from causal.estimate import Estimate
from causal.estimators.difference import Difference
from causal.estimators.dml import LinearDml
from causal.estimators.fixed_effects import FirstDifference, FixedEffects
from causal.estimators.matching import DistanceMatching, PropensityMatching
from causal.estimators.mean_group import MeanGroup
from causal.graph import Graph
from causal.panel import Panel, Variable
from causal.question import Question
from causal.refutation import Refutation
from causal.refuters.dummy_outcome import DummyOutcome, _linear, _parted
from causal.refuters.estimator_agreement import EstimatorAgreement
from causal.refuters.machinery.omitted import residuals
from causal.refuters.matched_bounds import MatchedBounds, critical_gamma, hodges_lehmann, signed_rank_p
from causal.refuters.negative_control_exposure import NegativeControlExposure
from causal.refuters.negative_control_outcome import NegativeControlOutcome, calibrated, systematic_error
from causal.refuters.simulated_confounder import SimulatedConfounder
from causal.refuters.unmeasured_confounder import UnmeasuredConfounder, adjusted, e_value, robustness_value
from causal.trial import Trial

CONTROLS = ("burns", "teeth", "falls", "asthma", "fires", "dogs")
POLICIES = ("parks", "buses")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with threadpool_limits(limits=1):
        yield


def world(
    seed: int, *, authorities: int = 80, years: int = 8, effect: float = 0.0, hidden: float = 0.0, error: float = 0.0, measured: float = 0.3, curve: float = 0.0
) -> Panel:
    """A panel with lasting places and a measured confounder.

    hidden : strength of a confounder that no column holds; error : standard deviation with which the dose is recorded.
    """
    rng = np.random.default_rng([seed, 51])
    g, t = authorities, years
    place, year = rng.normal(size=(g, 1)), rng.normal(size=(1, t))
    poverty, crisis = ar(rng.normal(size=(g, t)), 0.7), ar(rng.normal(size=(g, t)), 0.7)
    shared = ar(rng.normal(size=(g, t)), 0.4)  # moves every outcome and no treatment
    dose = place + measured * poverty + curve * (poverty**2 - 2) + hidden * crisis + ar(rng.normal(size=(g, t)), 0.7)
    columns = {"closures": dose + error * rng.normal(size=(g, t)), "poverty": poverty}
    columns["plans"] = (
        50
        + 3 * place
        + year
        + effect * dose
        + 2 * measured * poverty
        + 2 * curve * (poverty**2 - 2)
        + 2 * hidden * crisis
        + shared
        + ar(rng.normal(size=(g, t)), 0.4)
    )
    for i, name in enumerate(CONTROLS):
        columns[name] = (i + 1) * (2 * place + year + hidden * 2 * crisis + measured * poverty + shared + ar(rng.normal(size=(g, t)), 0.4))
    for name in POLICIES:
        # goes with the treatment beside what confounds it, as policies come in packages
        columns[name] = place + measured * poverty + hidden * crisis + 0.3 * dose + ar(rng.normal(size=(g, t)), 0.5)
    index = pd.MultiIndex.from_product([[f"E{i:04d}" for i in range(g)], range(2011, 2011 + t)], names=["authority", "year"])
    frame = pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=index)
    return Panel(
        frame=frame,
        variables=tuple(Variable(name=name, label=f"{name} seen", unit="per 10,000 children", source="simulated") for name in frame),
        places=pd.DataFrame({"name": [f"Place {i}" for i in range(g)], "region": [f"Region {i % 5}" for i in range(g)]}, index=index.unique(0)),
        title="simulated panel",
        simulated=True,
    )


def tried(
    panel: Panel, estimator=None, *, lag: int = 0, adjust_for=("authority", "poverty", "year"), smallest: float = 0.5, descendants=("plans",), **more
) -> Trial:
    estimator = estimator or FixedEffects()
    question = Question(treatment="closures", outcome="plans", control=0.0, treated=1.0, smallest_important=smallest, because="a test", lag=lag)
    identification = stated(*adjust_for, descendants=descendants)
    made = design(panel, question, identification)
    return trial_of(panel, made, estimator, **more)


@pytest.fixture(scope="module")
def clean() -> list[Trial]:
    """No hidden confounder; a true effect of 0, and of 1, in turn."""
    return [tried(world(seed, effect=float(seed % 2))) for seed in range(32)]


@pytest.fixture(scope="module")
def confounded() -> list[Trial]:
    """A hidden confounder that moves the answer by some standard errors."""
    return [tried(world(500 + seed, hidden=0.6)) for seed in range(12)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """An estimator that gives no standard error."""

    name: str = "unsure"

    def estimate(self, design, rng) -> Estimate:
        return replace(FixedEffects().estimate(design, rng), std_error=None, lower=None, upper=None, p_value=None, df=None, influence=None)


OUTCOMES = NegativeControlOutcome(outcomes=CONTROLS)
EXPOSURES = NegativeControlExposure(exposures=POLICIES)
AGREEMENT = EstimatorAgreement(estimators=(FixedEffects(), FirstDifference()))
REFUTERS = {
    one.name: one
    for one in (OUTCOMES, EXPOSURES, AGREEMENT, DummyOutcome(draws=100), SimulatedConfounder(draws=5, refits=1), UnmeasuredConfounder(), MatchedBounds())
}


# The contract


@pytest.mark.parametrize("name", REFUTERS)
@pytest.mark.parametrize("estimator", [FixedEffects(), FirstDifference(), Refitted()], ids=lambda one: one.name)
def test_contract(name: str, estimator) -> None:
    """Words, finite numbers, the same answer twice, nothing changed."""
    trial = tried(world(1, effect=1.0, authorities=40), estimator)
    digest, before = trial.panel.digest, trial.design.outcome.copy()
    refuter = replace(REFUTERS[name], refits=10) if name == "dummy_outcome" else REFUTERS[name]
    found = refute(refuter, trial)
    assert found.name == name
    assert (found.survived is None) == (name == "matched_bounds")
    for words in (found.asks, found.expected, found.found, found.detects, found.cannot_detect):
        assert words.strip()
        assert "nan" not in words.lower().split()
    assert all(value is None or np.isfinite(value) for value in found.numbers.values())
    assert same(found, refute(refuter, trial)), "the same seed gives the same answer"
    assert trial.panel.digest == digest
    np.testing.assert_array_equal(trial.design.outcome, before)


@pytest.mark.parametrize("name", [name for name in REFUTERS if name != "matched_bounds"])
def test_any_number_of_workers(name: str) -> None:
    small = {"dummy_outcome": {"refits": 10}, "negative_control_outcome": {"outcomes": CONTROLS[:2]}}
    refuter = replace(REFUTERS[name], **small.get(name, {}))
    one, two = (refute(refuter, tried(world(2, authorities=30), Refitted(), workers=workers)) for workers in (1, 2))
    assert same(one, two)


@pytest.mark.parametrize("name", REFUTERS)
def test_an_estimate_without_a_standard_error_is_not_checked(name: str) -> None:
    found = refute(REFUTERS[name], tried(world(3, authorities=30), Unsure()))
    assert found.survived is None
    assert found.reason


@pytest.mark.parametrize(
    ("refuter", "knobs"),
    [
        (NegativeControlOutcome, {"outcomes": "burns"}),
        (NegativeControlOutcome, {"outcomes": [3]}),
        (NegativeControlOutcome, {"calibrate_from": 2}),
        (NegativeControlExposure, {"exposures": 7}),
        (NegativeControlExposure, {"hold_treatment": "yes"}),
        (EstimatorAgreement, {"estimators": ["fixed_effects"]}),
        (EstimatorAgreement, {"draws": 5}),
        (DummyOutcome, {"draws": 3}),
        (DummyOutcome, {"refits": 1.5}),
        (DummyOutcome, {"planted": []}),
        (DummyOutcome, {"planted": "none"}),
        (DummyOutcome, {"tolerance": 0}),
        (DummyOutcome, {"misses": 0.5}),
        (SimulatedConfounder, {"strengths": [0.1]}),
        (SimulatedConfounder, {"strengths": [[0.1, 1.0]]}),
        (SimulatedConfounder, {"multiple": 0}),
        (SimulatedConfounder, {"draws": 0}),
        (SimulatedConfounder, {"refits": True}),
        (SimulatedConfounder, {"persistence": 1}),
        (MatchedBounds, {"gamma": 0.5}),
    ],
)
def test_knobs_are_checked_at_birth(refuter, knobs) -> None:
    with pytest.raises(ConfigError, match=rf"{next(iter(knobs))}.*got"):
        refuter(**knobs)


# Clean worlds, a true effect of 0 among them

CLAIMED_CLEAN = {
    "negative_control_outcome": 0.95,
    "negative_control_exposure": 0.95,
    "estimator_agreement": 0.95,
    "dummy_outcome": 0.98,
    "simulated_confounder": 0.93,
    "unmeasured_confounder": 0.93,
}


@pytest.fixture(scope="module")
def controlled(clean: list[Trial]) -> list[Refutation]:
    return [refute(OUTCOMES, trial) for trial in clean]


@pytest.mark.parametrize("name", CLAIMED_CLEAN)
def test_clean_worlds_survive(name: str, clean: list[Trial], controlled: list[Refutation]) -> None:
    found = controlled if name == OUTCOMES.name else [refute(REFUTERS[name], trial) for trial in clean]
    survived = [one.survived for one in found]
    assert None not in survived
    assert rate_at_least(sum(survived), len(survived), CLAIMED_CLEAN[name]), f"{sum(survived)} of {len(survived)}"


def test_one_negative_control_has_the_same_level(clean: list[Trial]) -> None:
    for refuter in (NegativeControlOutcome(outcomes=["burns"]), NegativeControlExposure(exposures=["parks"])):
        survived = [refute(refuter, trial).survived for trial in clean]
        assert rate_at_least(sum(survived), len(survived), 0.95), f"{refuter.name}: {sum(survived)} of {len(survived)}"


# Negative controls


@pytest.fixture(scope="module")
def seen(confounded: list[Trial]) -> list[Refutation]:
    return [refute(OUTCOMES, trial) for trial in confounded]


@pytest.mark.parametrize("refuter", [OUTCOMES, EXPOSURES, NegativeControlOutcome(outcomes=["burns"])], ids=["outcomes", "exposures", "one outcome"])
def test_a_hidden_confounder_is_caught(refuter, confounded: list[Trial], seen: list[Refutation]) -> None:
    """Planted: a confounder in no column that biases the answer by four standard errors and more, and moves the controls."""
    assert np.mean([trial.estimate.effect / trial.estimate.std_error for trial in confounded]) > 4
    found = seen if refuter is OUTCOMES else [refute(refuter, trial) for trial in confounded]
    caught = sum(one.survived is False for one in found)
    assert rate_at_least(caught, len(confounded), 0.95), f"{caught} of {len(confounded)}"


def test_no_other_check_here_sees_a_hidden_confounder_without_aid(confounded: list[Trial]) -> None:
    """And each says so."""
    for refuter in (AGREEMENT, REFUTERS["dummy_outcome"]):
        found = [refute(refuter, trial) for trial in confounded]
        assert sum(one.survived is False for one in found) <= 4
        assert "onfound" in found[0].cannot_detect


def test_calibration_takes_off_what_the_controls_show(confounded: list[Trial], seen: list[Refutation]) -> None:
    """Planted: the same systematic error in six controls and the answer, whose truth is 0; the plain intervals miss it."""
    numbers = [one.numbers for one in seen]
    assert sum(trial.estimate.lower <= 0 <= trial.estimate.upper for trial in confounded) <= 1
    covered = sum(one["calibrated lower"] <= 0 <= one["calibrated upper"] for one in numbers)
    assert rate_at_least(covered, len(numbers), 0.95)
    off = np.array([one["calibrated effect"] for one in numbers])
    assert abs(off.mean()) <= 4 * off.std() / np.sqrt(len(off))


def test_calibrated_intervals_of_clean_worlds_cover(controlled: list[Refutation]) -> None:
    """Planted: true effects of 0 and 1 by turns."""
    numbers = [one.numbers for one in controlled]
    covered = sum(one["calibrated lower"] <= seed % 2 <= one["calibrated upper"] for seed, one in enumerate(numbers))
    assert rate_at_least(covered, len(numbers), 0.95)


def test_a_calibrated_error_is_that_of_the_difference() -> None:
    """By hand, of three controls alike without systematic error: var(e − c̄) = 1 + (3 + 6 × 0.2) / 9 − 2 × 0.3, the controls' mean 0 taken off."""
    covariance = np.full((4, 4), 0.2) + 0.8 * np.eye(4)
    covariance[0, 1:] = covariance[1:, 0] = 0.3
    made = calibrated(2.0, covariance, np.array([0.1, -0.1, 0.0]), 0.95, 100.0)
    assert made["sd"] == 0 and made["effect"] == pytest.approx(2.0)
    assert made["std_error"] ** 2 == pytest.approx(1 + (3 + 6 * 0.2) / 9 - 2 * 0.3)


def test_systematic_error_is_restricted_likelihood() -> None:
    """BCG vaccine trials (Colditz and others 1994), log risk ratios: metafor's REML gives −0.7145 (0.1798) and τ² = 0.3132."""
    ill, well = (
        np.array([4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27]),
        np.array([119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493, 16886]),
    )
    ill0, well0 = (
        np.array([11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29]),
        np.array([128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338, 17825]),
    )
    effects = np.log(ill / (ill + well)) - np.log(ill0 / (ill0 + well0))
    variance = 1 / ill - 1 / (ill + well) + 1 / ill0 - 1 / (ill0 + well0)
    mean, sd, weights = systematic_error(effects, np.diag(variance))
    assert (round(mean, 4), round(sd**2, 4)) == (-0.7145, 0.3132)
    assert round(float(np.sqrt(weights**2 @ (variance + sd**2))), 4) == 0.1798


def test_a_control_s_effect_is_a_regression_by_dummies() -> None:
    """Least squares with a dummy for each authority and year, by numpy."""
    trial = tried(world(4, authorities=30))
    frame = trial.panel.frame.reset_index()
    dummies = pd.get_dummies(frame[["authority", "year"]].astype(str), drop_first=True).to_numpy(float)

    def slope(outcome: str, *columns: str) -> float:
        matrix = np.column_stack([frame[list(columns)], np.ones(len(frame)), dummies])
        return float(np.linalg.lstsq(matrix, frame[outcome].to_numpy(), rcond=None)[0][0])

    assert refute(OUTCOMES, trial).numbers["falls: effect"] == pytest.approx(slope("falls", "closures", "poverty"), rel=1e-8)
    sd = float(frame["parks"].std(ddof=0))
    assert refute(EXPOSURES, trial).numbers["parks: effect"] == pytest.approx(sd * slope("plans", "parks", "closures", "poverty"), rel=1e-8)


def test_an_exposure_that_goes_with_the_treatment_borrows_nothing() -> None:
    """Planted: a true effect of 1 and no confounder; without the treatment held fixed the exposure raises a false alarm."""
    trials = [tried(world(700 + seed, effect=1.0)) for seed in range(12)]
    held = sum(refute(EXPOSURES, trial).survived is False for trial in trials)
    free = sum(refute(replace(EXPOSURES, hold_treatment=False), trial).survived is False for trial in trials)
    assert held <= 3
    assert free >= 9


GRAPH = Graph(
    name="a test's",
    nodes={"authority": {"varies": "authority"}, "year": {"varies": "year"}, "poverty": {}, "closures": {}, "plans": {}, "falls": {}, "parks": {}, "buses": {}},
    arrows={
        "closures": {"plans": "the question", "falls": "made so"},
        "poverty": {"closures": "made so", "plans": "made so"},
        "parks": {"plans": "made so"},
        "buses": {"closures": "made so"},
    },
)


@pytest.mark.parametrize(
    ("refuter", "says"),
    [
        (NegativeControlOutcome(), "name columns with.*outcomes=.*none of parks"),
        (NegativeControlOutcome(outcomes=["burn"]), "burn is no column.*Did you mean 'burns'"),
        (NegativeControlOutcome(outcomes=["poverty"]), "held fixed as a control"),
        (NegativeControlOutcome(outcomes=["plans"]), "what the question is about"),
        (NegativeControlOutcome(outcomes=["falls"]), "the graph says that closures moves falls"),
        (NegativeControlOutcome(outcomes=["buses"]), "by the graph buses and closures go together"),
        (NegativeControlExposure(), "no exposure is named that cannot move plans"),
        (NegativeControlExposure(exposures=["parkes"]), "parkes is no column.*Did you mean 'parks'"),
        (NegativeControlExposure(exposures=["poverty"]), "held fixed as a control"),
        (NegativeControlExposure(exposures=["closures"]), "what the question is about"),
        (
            NegativeControlExposure(exposures=["parks"]),
            "by the graph parks and plans go together whatever the answer's faults, even with .*closures.* held fixed",
        ),
        (NegativeControlExposure(exposures=["buses"], hold_treatment=False), "by the graph buses and plans go together"),
    ],
)
def test_what_cannot_be_a_negative_control_is_said(refuter, says: str) -> None:
    import re

    trial = replace(tried(world(5, authorities=30), descendants=("plans", "falls")), graph=GRAPH)
    found = refute(refuter, trial)
    assert found.survived is None
    assert re.search(says, found.reason or ""), found.reason


def test_a_column_that_cannot_serve_leaves_the_others_to() -> None:
    found = refute(NegativeControlOutcome(outcomes=["burns", "poverty"]), tried(world(6)))
    assert found.numbers["controls"] == 1
    assert "Left out: poverty is held fixed" in found.found
    through = refute(NegativeControlExposure(exposures=["buses"]), replace(tried(world(6)), graph=GRAPH))
    assert through.survived is True, "an exposure that acts through the treatment alone may serve where that is held fixed"


# Agreement


def test_a_mismeasured_treatment_is_caught_and_named() -> None:
    """Planted: recording error with a standard deviation of 0.7, which first differences keep and within authorities averages out."""
    found = [refute(AGREEMENT, tried(world(800 + seed, effect=1.0, error=0.7))) for seed in range(20)]
    caught = [one for one in found if one.survived is False]
    assert rate_at_least(len(caught), len(found), 0.9), f"{len(caught)} of {len(found)}"
    assert all("first of all, the treatment may be recorded with error" in one.found for one in caught)


def test_the_error_of_a_difference_from_scores_is_that_of_a_bootstrap() -> None:
    """Same difference, its error once from influence scores and once from authorities drawn with replacement."""
    panel = world(7, effect=1.0, authorities=60)
    scores = refute(AGREEMENT, tried(panel)).numbers["first_difference: standard error of the difference"]
    drawn = refute(EstimatorAgreement(estimators=(FirstDifference(),), draws=120), tried(panel, Refitted(how="no scores")))
    assert "samples of authorities" in drawn.found
    assert drawn.numbers["first_difference: standard error of the difference"] == pytest.approx(scores, rel=0.25)
    theirs = FirstDifference().estimate(tried(panel).design, np.random.default_rng(0)).effect
    assert drawn.numbers["first_difference: difference"] == pytest.approx(theirs - tried(panel).estimate.effect)


def test_curved_confounding_parts_straight_lines_from_learners() -> None:
    """Planted: a measured confounder that acts by its square; the truth is 0.6."""
    trial = tried(world(8, effect=0.6, curve=0.5))
    found = refute(EstimatorAgreement(estimators=(LinearDml(folds=2, repetitions=1),)), trial)
    assert found.survived is False
    assert "controls that do not act in straight lines" in found.found
    assert abs(found.numbers["linear_dml: effect"] - 0.6) < 0.2 < trial.estimate.effect - 0.6


def test_other_estimands_and_the_same_regression_are_not_compared() -> None:
    from causal.estimators.within_between import WithinBetween

    trial = tried(world(9, authorities=30))
    found = refute(EstimatorAgreement(estimators=(FixedEffects(), Difference(), WithinBetween(), Unsure())), trial)
    assert found.survived is None
    for says in ("difference answers another question (association over all", "within_between is the same estimate", "unsure has no valid standard error"):
        assert says in (found.reason or "")
    assert "no other estimator is named" in (refute(EstimatorAgreement(estimators=[FixedEffects()]), trial).reason or "")


# A known effect in a dummy outcome

BENT = {
    "lasting differences left out": (lambda s: tried(world(s), Difference()), DummyOutcome(draws=100)),
    "an effect shrunk by half": (lambda s: tried(world(s, authorities=40), Refitted(share=0.5)), DummyOutcome(refits=30)),
    "intervals half as wide as they should be": (lambda s: tried(world(s, authorities=40), Refitted(narrow=0.5)), DummyOutcome(refits=40)),
}


@pytest.mark.parametrize("fault", BENT)
def test_an_analysis_that_does_not_return_what_was_planted_is_caught(fault: str) -> None:
    make, refuter = BENT[fault]
    caught = sum(refute(refuter, make(900 + seed)).survived is False for seed in range(6))
    assert rate_at_least(caught, 6, 0.95), f"{caught} of 6"


@pytest.mark.parametrize("estimator", [FixedEffects(), FirstDifference(), Difference()], ids=lambda one: one.name)
def test_dummy_outcomes_by_matrix_steps_are_those_of_refits(estimator) -> None:
    trial = tried(world(10, authorities=120), estimator)  # many clusters: CR1 throughout
    kept, left = _parted(trial.design)
    signs = np.random.default_rng(1).choice([-1, 1], size=(4, 120))[:, trial.design.authority]
    dummy = kept + signs * left
    effects, errors = _linear(trial, lambda draw: dummy[draw], 4)
    wanted = [estimator.estimate(replace(trial.design, outcome=one), np.random.default_rng(0)) for one in dummy]
    np.testing.assert_allclose(effects, [one.effect for one in wanted], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(errors, [one.std_error for one in wanted], rtol=1e-8)


def test_a_dummy_outcome_keeps_what_is_held_fixed_and_what_is_left() -> None:
    """Both parts, by a regression on dummies (numpy): the residuals given the treatment, and the outcome less them."""
    trial = tried(world(11, authorities=30))
    frame = trial.panel.frame.reset_index()
    dummies = pd.get_dummies(frame[["authority", "year"]].astype(str), drop_first=True).to_numpy(float)
    matrix = np.column_stack([frame[["closures", "poverty"]], np.ones(len(frame)), dummies])
    beta = np.linalg.lstsq(matrix, frame["plans"].to_numpy(), rcond=None)[0]
    kept, left = _parted(trial.design)
    np.testing.assert_allclose(left, frame["plans"] - matrix @ beta, atol=1e-8)
    again = FixedEffects().estimate(replace(trial.design, outcome=kept + 3 * left + 2 * trial.design.treatment), np.random.default_rng(0))
    assert again.effect == pytest.approx(2), "a planted effect is all that the treatment explains"


def test_an_outcome_s_own_past_cannot_be_replaced() -> None:
    from causal.estimators.lagged_outcome import LaggedOutcome

    assert "plans[-1]" in (refute(DummyOutcome(), tried(world(12, authorities=30), LaggedOutcome())).reason or "")


# Simulated and unmeasured confounders


def test_a_simulated_confounder_moves_a_straight_line_as_the_formula_says() -> None:
    """Cinelli & Hazlett 2020, eq. 12, at strengths of 5 and 10 %; the error is that of the regression with it, by dummies."""
    trial = tried(world(13, effect=1.0))
    found = refute(SimulatedConfounder(strengths=[[0.05, 0.1]], draws=3), trial)
    y, d = residuals(trial.design, (), None)
    rest = y - d * (d @ y) / (d @ d)
    spread = float(np.linalg.norm(rest) / np.linalg.norm(d))
    wanted, _, _ = adjusted(trial.estimate.effect, 1.0, 100.0, 0.05, 0.1, spread=spread)
    assert found.numbers["5.0% of treatment, 10.0% of outcome: effect"] == pytest.approx(wanted, rel=1e-9)


def test_a_simulated_confounder_stands_for_the_one_left_out() -> None:
    """Planted: a confounder left out of the columns; one simulated at its true strengths gives the regression that holds it fixed."""
    panel = world(14, hidden=0.4)
    # the hidden one, made again from the same stream as in `world`
    rng = np.random.default_rng([14, 51])
    rng.normal(size=(80, 1)), rng.normal(size=(1, 8))
    ar(rng.normal(size=(80, 8)), 0.7)
    crisis = ar(rng.normal(size=(80, 8)), 0.7).ravel()
    with_it = panel.with_column(pd.Series(crisis, index=panel.frame.index), Variable(name="crisis", label="crisis", unit="score", source="simulated"))
    short, long = tried(panel), tried(with_it, adjust_for=("authority", "crisis", "poverty", "year"))
    made = short.design
    z, d, y = (made.partial_out(column[:, None])[:, 0] for column in (crisis, made.treatment, made.outcome))
    with_treatment = float(d @ z) ** 2 / float((d @ d) * (z @ z))
    z, y = (column - d * (d @ column) / (d @ d) for column in (z, y))
    with_outcome = float(y @ z) ** 2 / float((y @ y) * (z @ z))
    found = refute(SimulatedConfounder(strengths=[[with_treatment, with_outcome]]), short)
    assert [part.effect for part in found.parts][-1] == pytest.approx(long.estimate.effect, abs=1e-9)
    assert abs(long.estimate.effect) < 3 * long.estimate.std_error < short.estimate.effect


@pytest.mark.parametrize("refuter", [SimulatedConfounder(draws=5), UnmeasuredConfounder()], ids=lambda one: one.name)
def test_a_finding_as_slight_as_the_confounders_measured_is_caught(refuter) -> None:
    """Planted: a small true effect beside strong measured confounding."""
    found = [refute(refuter, tried(world(1000 + seed, effect=0.25, measured=0.6))) for seed in range(15)]
    caught = sum(one.survived is False for one in found)
    assert rate_at_least(caught, len(found), 0.9), f"{caught} of {len(found)}"


def test_an_estimator_without_controls_is_not_moved() -> None:
    found = refute(SimulatedConfounder(), tried(world(15, authorities=30), adjust_for=("authority", "year")))
    assert found.survived is None
    assert "no control that changes in time" in (found.reason or "")


def test_robustness_values_of_learners_are_econml_s() -> None:
    """EconML's own `robustness_value` for its LinearDML on independent rows with a curved confounder, in the same run."""
    warnings.simplefilter("ignore")
    from econml.dml import LinearDML
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    rng = np.random.default_rng(16)
    rows = 1500
    x = rng.normal(size=(rows, 2))
    d = x[:, 0] + 0.5 * x[:, 1] ** 2 + rng.normal(size=rows)
    y = 0.5 * d + x[:, 1] + x[:, 1] ** 2 + x[:, 0] * x[:, 1] + rng.normal(size=rows)
    index = pd.MultiIndex.from_product([[f"E{i:04d}" for i in range(rows)], [2018]], names=["authority", "year"])
    frame = pd.DataFrame({"closures": d, "plans": y, "x0": x[:, 0], "x1": x[:, 1]}, index=index)
    panel = Panel(
        frame=frame,
        variables=tuple(Variable(name=name, label=name, unit="units", source="simulated") for name in frame),
        places=pd.DataFrame({"name": index.unique(0)}, index=index.unique(0)),
        title="rows",
    )
    trial = tried(panel, LinearDml(folds=5, repetitions=1, nuisance="ridge"), adjust_for=("x0", "x1"))
    found = refute(UnmeasuredConfounder(), trial).numbers
    learner = make_pipeline(PolynomialFeatures(2), RidgeCV(alphas=np.logspace(-3, 5, 17)))
    theirs = LinearDML(model_y=learner, model_t=learner, cv=5, random_state=0).fit(y, d, W=x, cache_values=True)
    assert found["robustness value"] == pytest.approx(theirs.robustness_value(null_hypothesis=0, alpha=1.0), rel=0.03)
    # straight lines would leave the curve in the residuals
    straight = refute(UnmeasuredConfounder(), tried(panel, LinearDml(nuisance="ridge", degree=1, repetitions=1), adjust_for=("x0", "x1"))).numbers
    assert straight["outcome told out of fold (R²)"] == found["outcome told out of fold (R²)"] > 0.5


def test_the_bound_holds_what_a_left_out_curve_does() -> None:
    """Planted: what is left out of a learner's controls moves it by no more than the bound at that confounder's own strengths."""
    panel = world(17, effect=0.5, measured=0.6)
    learner = LinearDml(folds=5, repetitions=1, nuisance="ridge")
    long, short = (tried(panel, learner, adjust_for=adjust_for) for adjust_for in (("authority", "poverty", "year"), ("authority", "year")))
    folds = np.arange(80)[long.design.cluster] % 5
    (y, d), (y0, d0) = (residuals(trial.design, (), folds) for trial in (long, short))
    slope, slope0 = (float(a @ b / (b @ b)) for a, b in ((y, d), (y0, d0)))
    with_treatment = 1 - float(d @ d) / float(d0 @ d0)
    with_outcome = 1 - float(((y - slope * d) ** 2).sum() / ((y0 - slope0 * d0) ** 2).sum())
    spread = float(np.linalg.norm(y0 - slope0 * d0) / np.linalg.norm(d0))
    left, _, _ = adjusted(short.estimate.effect, 1.0, 100.0, with_treatment, with_outcome, spread=spread)
    assert left == pytest.approx(long.estimate.effect, abs=0.1 * (short.estimate.effect - long.estimate.effect))


def test_e_values_are_the_published_ones() -> None:
    """VanderWeele & Ding 2017: a risk ratio of 3.9 with a lower limit of 1.8 has E-values of 7.26 and 3.0."""
    effect, lower = np.log(3.9) / 0.91, np.log(1.8) / 0.91
    assert e_value(effect, (effect - lower) / 1.96, 1.0) == pytest.approx((7.26, 3.0), abs=0.005)


def test_an_estimator_that_needs_no_closed_back_door_is_left_alone() -> None:
    trial = tried(world(18, authorities=30))
    by_instrument = replace(trial, identification=replace(trial.identification, strategy="iv"))
    for refuter in (UnmeasuredConfounder(), SimulatedConfounder()):
        assert "does not rest on" in (refute(refuter, by_instrument).reason or "")


# Matched pairs

EXPOSED = (38, 23, 41, 18, 37, 36, 23, 62, 31, 34, 24, 14, 21, 17, 16, 20, 15, 10, 45, 39, 22, 35, 49, 48, 44, 35, 43, 39, 34, 13, 73, 25, 27)
UNEXPOSED = (16, 18, 18, 24, 19, 11, 10, 15, 16, 18, 18, 13, 19, 10, 16, 16, 24, 13, 9, 14, 21, 19, 7, 18, 19, 12, 11, 22, 25, 16, 13, 11, 13)
LEAD = np.array(EXPOSED, dtype=float) - np.array(UNEXPOSED)


def test_rosenbaum_s_table() -> None:
    """Lead in the blood of 33 pairs of children (Morton and others 1982), Rosenbaum 2002, secs 4.3.3 and 4.3.4."""
    assert {gamma: round(signed_rank_p(LEAD, gamma), 4) for gamma in (2, 3, 4, 4.25, 5)} == {2: 0.0018, 3: 0.0136, 4: 0.0388, 4.25: 0.0468, 5: 0.0740}
    assert signed_rank_p(LEAD, 1) < 0.0001
    assert [hodges_lehmann(LEAD, gamma) for gamma in (1, 2, 3, 4, 5)] == [(15, 15), (10.25, 19.5), (8, 23), (6.5, 25), (5, 26.5)]
    assert 4.25 < critical_gamma(LEAD, 0.05) < 5


def test_without_hidden_bias_it_is_scipy_s_signed_rank_test() -> None:
    theirs = stats.wilcoxon(LEAD, zero_method="pratt", correction=False, alternative="greater", method="asymptotic")
    # SciPy takes ties off the variance of ranks 1, 2, …; here the ranks are squared as they are: the same
    assert signed_rank_p(LEAD, 1) == pytest.approx(theirs.pvalue, rel=1e-9)


def test_the_bound_on_the_p_value_is_reached_by_the_worst_hidden_cause() -> None:
    """Signs drawn by a hidden cause of Γ = 2 that favours the treated in every pair: at the bound 5 % of studies reject."""
    rng = np.random.default_rng(19)
    sizes = np.abs(rng.normal(size=60))
    draws = np.where(rng.random((2000, 60)) < 2 / 3, sizes, -sizes)
    rejected = sum(signed_rank_p(one, 2.0) <= 0.05 for one in draws)
    assert stats.binomtest(rejected, 2000, 0.05).pvalue > 0.001
    assert np.mean([signed_rank_p(one, 1.0) <= 0.05 for one in draws[:200]]) > 0.5


def adopted(seed: int, effect: float, estimator, authorities: int = 100) -> Trial:
    from causal.identify import identify

    panel = World(effect=effect, authorities=authorities, adoption=True, seed=seed).load()
    identification = identify(ADOPTION, ADOPTION_GRAPH, measured=panel.names)
    made = design(panel, ADOPTION, identification)
    estimate = estimator.estimate(made, np.random.default_rng(0))
    return Trial(panel=panel, question=ADOPTION, identification=identification, estimator=estimator, design=made, estimate=estimate, seed=3)


def test_matched_pairs_of_an_adoption() -> None:
    """Planted: effects of 8, which stand, and of 0, in which there is nothing to take away."""
    for estimator in (DistanceMatching(), PropensityMatching()):
        large = [refute(MatchedBounds(), adopted(seed, 8.0, estimator)) for seed in range(4)]
        assert all(one.survived is True for one in large)
        assert all(one.numbers["Γ 3: least effect"] < 8 < one.numbers["Γ 3: greatest effect"] for one in large)
        none = [refute(MatchedBounds(), adopted(seed, 0.0, estimator)) for seed in range(8)]
        assert sum(one.survived is not None for one in none) <= 2
        assert any("no finding to take away" in (one.reason or "") for one in none)


def test_a_slight_matched_finding_is_caught() -> None:
    """Planted: an effect of 2; where it is found at all, a Γ of 2 undoes it in three of four panels and more."""
    found = [refute(MatchedBounds(gamma=2.0), adopted(seed, 2.0, DistanceMatching())) for seed in range(12)]
    judged = [one.survived for one in found if one.survived is not None]
    assert len(judged) >= 4
    assert rate_at_least(judged.count(False), len(judged), 0.75), judged


def test_estimators_of_one_row_an_authority_are_examined_on_those_rows() -> None:
    """The confounder's strengths are those among authorities: partial R² from a regression on the same rows (numpy)."""
    from causal.estimators.dowhy_glm import DowhyGlm

    trial = adopted(1, 4.0, DowhyGlm())
    found = refute(UnmeasuredConfounder(), trial)
    rows = trial.estimator.rows(trial.design).design
    assert {name.removesuffix(": partial R² with treatment") for name in found.numbers if "partial R² with treatment" in name} <= set(rows.control_names)
    one = np.column_stack([np.ones(rows.rows), rows.controls])

    def left(outcome: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return outcome - columns @ np.linalg.lstsq(columns, outcome, rcond=None)[0]

    y, d = left(rows.outcome, one), left(rows.treatment, one)
    wanted = robustness_value(float((d @ y) / np.sqrt((d @ d) * (y @ y) - (d @ y) ** 2)), 1.0)
    assert found.numbers["robustness value"] == pytest.approx(wanted, rel=0.15)
    assert "one row an authority" in (refute(SimulatedConfounder(), trial).reason or "")
    assert "(0.00 " in refute(DummyOutcome(refits=10), trial).expected, "no effect is planted where a dose has none"


def test_bounds_are_for_matched_designs() -> None:
    found = refute(MatchedBounds(), tried(world(20, authorities=30)))
    assert found.reason == "fixed_effects does not match authorities in pairs"


# From configurations

CONF = Path(__file__).parents[1] / "conf"


@pytest.mark.parametrize("name", REFUTERS)
def test_a_configuration_makes_the_refuter_with_its_own_defaults(name: str) -> None:
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    made = instantiate(OmegaConf.load(CONF / f"refuters/{name}.yaml"), _convert_="all")
    assert made.name == name
    if name == "estimator_agreement":
        assert made.estimators == (FixedEffects(), FirstDifference(), MeanGroup())
        made = replace(made, estimators=(), adoption=(), one_row=())
    assert made == type(made)()


def test_the_simulated_world_s_own_negative_control() -> None:
    """The default world's column of broken bones, which crises move and closures do not, through a whole study."""
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    from causal.sources.simulated import Simulated
    from causal.study import Study, run
    from causal.verdict.decide import Rule

    graph = instantiate(OmegaConf.load(CONF / "graph/nao.yaml"), _convert_="all")
    question = Question(treatment="closures", outcome="plans", control=0.0, treated=0.5, lag=2, smallest_important=2.0, because="a test")
    found = {}
    for crisis in (0, 25):
        study = Study(
            title="a test",
            action="Closing half",
            question=question,
            graph=graph,
            source=Simulated(unobserved_confounding=crisis, seed=2),
            estimator=FixedEffects(),
            refuters={name: NegativeControlOutcome(outcomes=[name]) for name in ("looked_after", "unrelated")},
            rule=Rule(),
            seed=1,
        )
        found[crisis] = run(study).refutations
    assert [one.survived for one in found[0]] == [None, True]
    assert "the graph says that closures moves looked_after" in (found[0][0].reason or "")
    assert found[25][1].survived is False
