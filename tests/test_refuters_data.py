"""Checks for faults in the data and for few clusters: what is planted is caught, clean worlds survive, and arithmetic agrees with outside witnesses.

Rates are judged exactly: a claimed rate fails only if a one-sided binomial test rejects it at the 1 % level, with fixed seeds.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import worlds
from scipy import stats
from threadpoolctl import threadpool_limits
from worlds import Refitted, refute, stated, trial_of

from causal.design import design
from causal.errors import ConfigError, EstimationError
from causal.estimate import Estimate
from causal.estimators.difference import Difference
from causal.estimators.fixed_effects import FirstDifference, FixedEffects
from causal.estimators.lagged_outcome import LaggedOutcome
from causal.identification import Identification
from causal.inference.clustered import interval
from causal.inference.wild import wild_bootstrap
from causal.panel import Panel, Variable
from causal.question import Question
from causal.refutation import Refutation
from causal.refuters import whole_units
from causal.refuters.few_clusters import FewClusters, _randomised
from causal.refuters.machinery.exclusions import left_open, ruled_out
from causal.refuters.machinery.histories import alike, permute_histories
from causal.refuters.measurement_error import MeasurementError
from causal.refuters.missing_outcomes import MissingOutcomes, _guessed
from causal.refuters.recording_switches import RecordingSwitches, repaired, switches
from causal.refuters.rounding import Rounding
from causal.refuters.second_measure import SecondMeasure
from causal.regression import least_squares
from causal.trial import Trial


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As the study does: two threads give other bits."""
    with threadpool_limits(limits=1):
        yield


# Worlds


def ar(shocks: np.ndarray, rho: float) -> np.ndarray:
    """A stationary first-order autoregression along the years, with variance 1."""
    return np.sqrt(1 - rho**2) * worlds.ar(shocks, rho)


def world(
    seed: int,
    *,
    authorities: int = 100,
    years: int = 8,
    effect: float = 0.0,
    rho: float = 0.4,
    treatment_rho: float = 0.6,
    clusters: int | None = None,
) -> Panel:
    """Lasting places, persistent shocks, a positive dose, poverty measured; `effect` of one unit of the dose a year later."""
    rng = np.random.default_rng([seed, 41])
    g, t = authorities, years
    place, poverty = rng.normal(size=(g, 1)), ar(rng.normal(size=(g, t)), 0.8)
    dose = np.maximum(6 + place + ar(rng.normal(size=(g, t)), treatment_rho) + 0.2 * poverty, 1)
    plans = 40 + 4 * place + 0.3 * poverty + 2 * ar(rng.normal(size=(g, t)), rho) + rng.normal(size=(1, t))
    if clusters:
        plans += ar(rng.normal(size=(clusters, t)), 0.8)[np.arange(g) % clusters]
        dose += ar(rng.normal(size=(clusters, t)), 0.8)[np.arange(g) % clusters]
    plans[:, 1:] += effect * dose[:, :-1]
    index = pd.MultiIndex.from_product([[f"E{i:04d}" for i in range(g)], range(2011, 2011 + t)], names=["authority", "year"])
    children = np.repeat(np.exp(10.5 + 0.6 * rng.normal(size=g)), t)
    frame = pd.DataFrame({"dose": dose.ravel(), "poverty": poverty.ravel(), "plans": plans.ravel(), "children": children}, index=index)
    variables = (
        Variable(name="dose", label="spending", unit="£ per child", source="simulated"),
        Variable(name="poverty", label="child poverty", unit="%", source="simulated"),
        Variable(name="plans", label="children on protection plans", unit="per 10,000 children", source="simulated", count_per=10_000),
        Variable(name="children", label="children", unit="children", source="simulated"),
    )
    places = pd.DataFrame({"name": [f"Place {i}" for i in range(g)]}, index=index.unique(0))
    if clusters:
        places["cluster"] = [f"C{i % clusters:03d}" for i in range(g)]
    return Panel(frame=frame, variables=variables, places=places, title="simulated panel", simulated=True, population="children")


IDENTIFIED = stated("authority", "poverty[-1]", "year")
QUESTION = Question(treatment="dose", outcome="plans", control=0.0, treated=1.0, smallest_important=0.5, because="a test", lag=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowErrors:
    """Fixed effects whose interval takes rows as independent."""

    name: str = "row_errors"

    def regression(self, design):
        return design

    def estimate(self, design, rng) -> Estimate:
        made = FixedEffects().estimate(design, rng)
        fit, treatment = least_squares(design, design.basis())
        error = float(np.sqrt((fit.residuals**2).sum() / (design.rows - len(design.authorities) - design.absorbed_rank - 1) / (treatment @ treatment)))
        lower, upper, p_value = interval(made.effect, error, made.level, None)
        return replace(made, std_error=error, lower=lower, upper=upper, p_value=p_value, df=None, influence=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefittedRows:
    """The same, and it does not say that it is linear."""

    name: str = "refitted_rows"

    def estimate(self, design, rng) -> Estimate:
        return RowErrors().estimate(design, rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fickle:
    """Answers without a standard error, or with NaN, or not at all."""

    how: str
    name: str = "fickle"

    def estimate(self, design, rng) -> Estimate:
        made = FixedEffects().estimate(design, rng)
        if self.how == "no error":
            return replace(made, std_error=None, lower=None, upper=None, p_value=None, df=None, influence=None)
        raise EstimationError("not today")


def tried(panel: Panel, estimator=None, *, seed: int = 3, identification: Identification = IDENTIFIED, question: Question = QUESTION, **more) -> Trial:
    estimator = estimator or FixedEffects()
    made = design(panel, question, identification)
    return trial_of(panel, made, estimator, seed=seed, **more)


def at_least(successes: int, tries: int, claimed: float) -> bool:
    return bool(stats.binomtest(successes, tries, claimed, alternative="less").pvalue > 0.01)


def laid(panel: Panel, name: str) -> tuple[np.ndarray, pd.DataFrame]:
    """A column by authority and year, free to change, and the table it came from."""
    table = panel.frame[name].unstack("year")
    return table.to_numpy(copy=True), table


def put(panel: Panel, name: str, values: np.ndarray, table: pd.DataFrame, **changes) -> Panel:
    column = pd.DataFrame(values, index=table.index, columns=table.columns).stack().reindex(panel.frame.index)
    return panel.with_column(column, replace(panel.variable("dose" if name == "again" else name), **({"name": name} | changes)))


def blurred(panel: Panel, seed: int, *, first: float = 0.0, second: float = 0.5) -> Panel:
    """Independent error in the dose, and a second measure `again` with its own."""
    rng = np.random.default_rng([seed, 42])
    true, table = laid(panel, "dose")
    out = put(panel, "dose", true + first * rng.normal(size=true.shape), table)
    return put(out, "again", true + second * rng.normal(size=true.shape), table)


def switched(panel: Panel, seed: int, *, truly: float | None = None) -> Panel:
    """In a quarter of authorities the recorded dose drops for good, is zero for a year, or leaps up for two.

    truly : the switches are real: outcomes follow them, with this effect.
    """
    rng = np.random.default_rng([seed, 43])
    dose, table = laid(panel, "dose")
    before, years = dose.copy(), dose.shape[1]
    for a in np.flatnonzero(rng.random(len(dose)) < 0.25):
        kind, year = rng.integers(3), rng.integers(1, years - 1)
        if kind == 0:
            dose[a, year:] *= np.exp(-1)
        elif kind == 1:
            dose[a, year] = 0
        else:
            dose[a, year : year + 2] *= np.exp(0.9)
    out = put(panel, "dose", dose, table)
    if truly is None:
        return out
    plans, _ = laid(panel, "plans")
    plans[:, 1:] += truly * (dose - before)[:, :-1]
    return put(out, "plans", plans, table)


def holes(panel: Panel, seed: int, share: float = 0.1) -> Panel:
    """Outcomes missing at random, with the mark of not known."""
    gone = np.random.default_rng([seed, 44]).random(len(panel.frame)) < share
    return marked(panel.with_column(panel.frame["plans"].mask(gone), panel.variable("plans")), gone, "..")


def marked(panel: Panel, gone: np.ndarray, mark: str) -> Panel:
    at = panel.frame.index[gone]
    keys = pd.MultiIndex.from_arrays([at.get_level_values(0), at.get_level_values(1), ["plans"] * len(at)], names=["authority", "year", "variable"])
    return replace(panel, reasons=pd.Series(mark, index=keys, dtype=object))


def few_plans(panel: Panel) -> Panel:
    """About six plans in each authority, most of the variation from year to year."""
    plans = panel.frame["plans"] - 0.75 * panel.frame["plans"].groupby(level="authority").transform("mean")
    plans = (plans - plans.mean() + 12.5).clip(lower=2.0)
    out = panel.with_column(plans, panel.variable("plans"))
    return out.with_column(pd.Series(5_000.0, index=plans.index), panel.variable("children"))


def suppressed(panel: Panel) -> Panel:
    """Counts of five and fewer are not published."""
    gone = (panel.frame["plans"] * panel.frame["children"] / 10_000 <= 5.5).to_numpy()
    return marked(panel.with_column(panel.frame["plans"].mask(gone), panel.variable("plans")), gone, "c")


def to_steps(panel: Panel, *, plans: float | None = None, dose: float | None = None) -> Panel:
    """The outcome as a rate of counts rounded to `plans`, the dose rounded to `dose`."""
    out = panel
    if plans:
        people = panel.frame["children"] / 10_000
        rate = (panel.frame["plans"] * people / plans).round() * plans / people
        out = out.with_column(rate, replace(panel.variable("plans"), rounding=plans))
    if dose:
        out = out.with_column((panel.frame["dose"] / dose).round() * dose, replace(panel.variable("dose"), rounding=dose))
    return out


def everything(seed: int, authorities: int = 60, **more) -> Panel:
    """A panel that gives every check something to do."""
    return to_steps(holes(switched(blurred(world(seed, authorities=authorities, **more), seed), seed), seed), plans=1.0, dose=0.1)


# The contract

REFUTERS = {
    one.name: one
    for one in (
        FewClusters(draws=199, refits=10),
        MeasurementError(draws=10),
        SecondMeasure(column="again"),
        RecordingSwitches(),
        MissingOutcomes(draws=5),
        Rounding(draws=50),
    )
}
ESTIMATORS = {
    "fixed_effects": FixedEffects(),
    "first_difference": FirstDifference(),
    "lagged_outcome": LaggedOutcome(),
    "difference": Difference(),
    "refitted": Refitted(),
}


def same(a: Refutation, b: Refutation) -> bool:
    return (a.found, a.p_value, a.survived, a.reason, dict(a.numbers), a.parts) == (b.found, b.p_value, b.survived, b.reason, dict(b.numbers), b.parts)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("name", REFUTERS)
def test_contract(name: str, estimator: str) -> None:
    trial = tried(everything(1, effect=0.5), ESTIMATORS[estimator])
    digest = trial.panel.digest
    before = {key: np.array(getattr(trial.design, key), copy=True) for key in ("outcome", "treatment", "controls", "authority", "cluster", "year")}
    found = refute(REFUTERS[name], trial)
    assert found.name == name
    assert found.survived in (True, False), found.reason
    for words in (found.asks, found.expected, found.found, found.detects, found.cannot_detect):
        assert words.strip()
        assert "nan" not in words.lower().split()
    assert all(value is None or (type(value) is float and math.isfinite(value)) for value in found.numbers.values())
    assert all(np.isfinite(part.effect) for part in found.parts)
    assert same(found, refute(REFUTERS[name], trial)), "the same seed gives the same answer"
    assert trial.panel.digest == digest
    for key, value in before.items():
        np.testing.assert_array_equal(getattr(trial.design, key), value)


@pytest.mark.parametrize("name", [name for name in REFUTERS if name != "second_measure"])
def test_any_number_of_workers(name: str) -> None:
    one, two = (refute(REFUTERS[name], tried(everything(2, 40), Refitted(), workers=workers)) for workers in (1, 2))
    assert same(one, two)


@pytest.mark.parametrize("how", ["no error"])  # NaN is refused where an Estimate is born
@pytest.mark.parametrize("name", REFUTERS)
def test_nothing_that_is_not_a_number_survives(name: str, how: str) -> None:
    found = refute(REFUTERS[name], tried(everything(3, 30), Fickle(how=how)))
    assert found.survived is None
    assert found.reason


@pytest.mark.parametrize("name", [name for name in REFUTERS if name != "second_measure"])
def test_refits_that_all_fail_are_said(name: str) -> None:
    trial = replace(tried(everything(4, 30), Refitted()), estimator=Fickle(how="refuse"))
    found = refute(REFUTERS[name], trial)
    assert found.survived is None
    assert found.reason


@pytest.mark.parametrize(
    ("refuter", "knobs"),
    [
        (FewClusters, {"draws": 10}),
        (FewClusters, {"refits": 2}),
        (FewClusters, {"weights": "normal"}),
        (FewClusters, {"tolerance": 0.9}),
        (MeasurementError, {"reliabilities": []}),
        (MeasurementError, {"reliabilities": [1.0]}),
        (MeasurementError, {"reliabilities": 0.9}),
        (MeasurementError, {"error_sd": 0}),
        (MeasurementError, {"draws": True}),
        (MeasurementError, {"refits": 0}),
        (MeasurementError, {"extrapolant": "cubic"}),
        (SecondMeasure, {"column": ""}),
        (SecondMeasure, {"column": 3}),
        (RecordingSwitches, {"jumps": []}),
        (RecordingSwitches, {"jumps": [0]}),
        (RecordingSwitches, {"back": 0}),
        (RecordingSwitches, {"tolerance": -1}),
        (MissingOutcomes, {"draws": 2}),
        (MissingOutcomes, {"refits": 2.5}),
        (MissingOutcomes, {"suppressed": "c"}),
        (MissingOutcomes, {"smallest": -1}),
        (MissingOutcomes, {"largest": 0}),
        (Rounding, {"draws": 0}),
        (Rounding, {"refits": 1}),
        (Rounding, {"tolerance": 0}),
    ],
)
def test_knobs_are_checked_at_birth(refuter, knobs) -> None:
    with pytest.raises(ConfigError, match=rf"{next(iter(knobs))}.*got"):
        refuter(**knobs)


# Rates: clean worlds, a true effect of 0 among them, and worlds with the fault each looks for

PANELS = 30
CLEAN = {  # survive at least so often
    "few_clusters": (0.95, lambda seed, effect: world(seed, effect=effect)),
    "measurement_error": (0.95, lambda seed, effect: world(seed, effect=effect)),
    "second_measure": (0.95, lambda seed, effect: blurred(world(seed, effect=effect), seed)),
    "recording_switches": (0.95, lambda seed, effect: switched(world(seed, effect=effect, authorities=70), seed, truly=effect)),
    "missing_outcomes": (0.95, lambda seed, effect: holes(world(seed, effect=effect), seed, 0.15)),
    "rounding": (0.99, lambda seed, effect: to_steps(world(seed, effect=effect), plans=1.0, dose=0.1)),
}
PLANTED = {  # caught at least so often
    "second_measure": (0.8, lambda seed: blurred(world(seed, effect=1.0), seed, first=0.6)),
    "recording_switches": (0.8, lambda seed: switched(world(seed, effect=0.7), seed)),
    "missing_outcomes": (0.8, lambda seed: suppressed(few_plans(world(seed, effect=1.2)))),
    "rounding": (0.8, lambda seed: to_steps(world(seed, effect=0.7), plans=10.0, dose=1.0)),
}


@pytest.mark.parametrize("name", CLEAN)
def test_clean_worlds_survive(name: str) -> None:
    """Against the planted truth that nothing is wrong; the claimed rate by an exact binomial test."""
    claimed, make = CLEAN[name]
    survived = [refute(REFUTERS[name], tried(make(100 + seed, 0.5 * (seed % 2)))).survived for seed in range(PANELS)]
    assert None not in survived
    assert at_least(sum(survived), PANELS, claimed), f"{sum(survived)} of {PANELS}"


@pytest.mark.parametrize("name", PLANTED)
def test_planted_faults_are_caught(name: str) -> None:
    claimed, make = PLANTED[name]
    number = 20
    caught = [refute(REFUTERS[name], tried(make(300 + seed))).survived is False for seed in range(number)]
    assert at_least(sum(caught), number, claimed), f"{sum(caught)} of {number}"


# Few clusters


def test_what_an_interval_rules_out() -> None:
    """Against the verdict's table, δ = 0.5."""
    assert ruled_out(QUESTION, -0.4, 0.4) == ("an important increase", "an important reduction")
    assert ruled_out(QUESTION, 0.6, 1.0) == ("no effect at all", "an important reduction", "an effect too slight to matter")
    assert ruled_out(QUESTION, -1.0, 1.0) == ()
    assert left_open(QUESTION, (0.1, 0.4), (-0.1, 0.6)) == ("no effect at all", "an important increase")


def test_false_findings_of_narrow_intervals_are_taken_back() -> None:
    """Sixteen clusters with shocks of their own, taken as independent rows: findings that are false, and few that stand afterwards."""
    number, false, standing = 100, 0, 0
    for seed in range(number):
        trial = tried(world(seed, authorities=64, clusters=16, rho=0.8, treatment_rho=0.8), RowErrors())
        if trial.estimate.p_value < 0.05:
            false += 1
            standing += refute(FewClusters(draws=199), trial).survived is True
    assert false > 0.12 * number, "the interval must be too narrow for the test to say anything"
    assert stats.binomtest(standing, number, 0.05, alternative="greater").pvalue > 0.01, f"{standing} of {false} stand"
    assert at_least(false - standing, false, 0.7)


def test_the_wild_bootstrap_is_the_enumeration_of_all_signs() -> None:
    """Against brute force on 8 clusters: every one of the 256 vectors of signs, each a regression by dummies."""
    trial = tried(world(7, authorities=24, years=6, clusters=8, effect=0.3))
    made = trial.fixed
    dummies = np.column_stack([made.treatment, made.controls, np.eye(24)[made.authority], made.year_dummies()])
    bread = np.linalg.pinv(dummies.T @ dummies)

    def t_statistic(outcome: np.ndarray) -> float:
        beta = bread @ (dummies.T @ outcome)
        weights = (bread[0] @ dummies.T) * (outcome - dummies @ beta)
        return abs(beta[0]) / np.sqrt(np.square(np.bincount(made.cluster, weights)).sum())

    without = dummies[:, 1:]
    fitted = without @ (np.linalg.pinv(without) @ made.outcome)
    residual, actual = made.outcome - fitted, t_statistic(made.outcome)
    every = [t_statistic(fitted + np.array(signs)[made.cluster] * residual) for signs in itertools.product((-1.0, 1.0), repeat=8)]
    exact = float(np.mean(np.array(every) >= actual * (1 - 1e-9)))
    draws = 9_999
    basis = made.basis()
    outcome, treatment = (made.partial_out(column[:, None], basis)[:, 0] for column in (made.outcome, made.treatment))
    ours = wild_bootstrap(
        outcome, treatment, made.nuisance_basis(basis), made.cluster, 8, level=0.95, weights="rademacher", draws=draws, rng=np.random.default_rng(1)
    )[2]
    assert 0.02 < exact < 0.98
    assert abs(ours - exact) < 4 * np.sqrt(exact * (1 - exact) / draws)
    found = refute(FewClusters(draws=draws, weights="rademacher"), trial)
    assert abs(found.numbers["wild bootstrap: p-value"] - exact) < 4 * np.sqrt(exact * (1 - exact) / draws)


def test_dealt_histories_are_regressions_on_dealt_histories() -> None:
    """Against one regression a deal, and against the test's own equivariance: an outcome with b × treatment more has an interval b higher."""
    trial = tried(world(8, authorities=30, effect=0.4))
    made, basis = trial.fixed, trial.fixed.basis()
    outcome, treatment = (made.partial_out(column[:, None], basis)[:, 0] for column in (made.outcome, made.treatment))
    units, number = whole_units(made)
    dealt = permute_histories(treatment, alike(units, number, made), 199, np.random.default_rng(2))
    lower, upper, p_value = _randomised(made, outcome, treatment, made.partial_out(dealt, basis), 0.95)
    t = []
    for history in (treatment, *dealt.T):
        columns = np.column_stack([history, made.controls, np.eye(30)[made.authority], made.year_dummies()])
        bread = np.linalg.pinv(columns.T @ columns)
        beta = bread @ (columns.T @ made.outcome)
        scores = np.bincount(made.cluster, (bread[0] @ columns.T) * (made.outcome - columns @ beta))
        t.append(abs(beta[0]) / np.sqrt((scores**2).sum()))
    assert p_value == pytest.approx(np.mean(np.array(t) >= t[0] * (1 - 1e-9)))
    moved = _randomised(made, outcome + 2 * treatment, treatment, made.partial_out(dealt, basis), 0.95)
    assert moved[:2] == pytest.approx((lower + 2, upper + 2), rel=1e-6)
    assert lower < treatment @ outcome / (treatment @ treatment) < upper


def test_few_clusters_stands_aside() -> None:
    assert "5 clusters are too few" in (refute(FewClusters(), tried(world(9, authorities=20, clusters=5))).reason or "")
    odd = tried(world(9, authorities=20), Refitted())
    years = odd.panel.frame.index.get_level_values("year").to_numpy()
    own = pd.factorize(odd.panel.frame.index.get_level_values("authority"))[0]
    # every authority is seen in years of its own: all but two, in an order that none shares
    patterns = np.array(list(itertools.combinations(range(2011, 2019), 2)))[own]
    alone = odd.panel.with_column(odd.panel.frame["plans"].mask((patterns == years[:, None]).any(axis=1)), odd.panel.variable("plans"))
    assert "too few histories could be dealt" in (refute(FewClusters(), tried(alone, Refitted())).reason or "")
    assert "Histories could not be dealt" in refute(FewClusters(), tried(alone)).found


def test_refits_take_back_false_findings_too() -> None:
    """Row errors on clustered shocks, an estimator that must be fitted again: false findings are taken back, and true ones stand."""
    false, standing = 0, 0
    for seed in range(40):
        trial = tried(world(seed, authorities=64, clusters=16, rho=0.8, treatment_rho=0.8), RowErrors())
        if trial.estimate.p_value < 0.05:
            false += 1
            standing += refute(FewClusters(), replace(trial, estimator=RefittedRows())).survived is True
    assert false >= 5
    assert at_least(false - standing, false, 0.5)
    sure = [refute(FewClusters(), tried(world(seed, effect=0.6, authorities=60), Refitted())).survived for seed in range(4)]
    assert all(sure)


# Error in the treatment


def test_extrapolation_is_the_closed_form_of_a_linear_slope() -> None:
    """Against Fuller 1987 (Measurement Error Models, sec. 1.2): the slope over the reliability, and its interval with it."""
    trial = tried(blurred(world(11, effect=0.8), 11, first=0.5))
    found = refute(MeasurementError(draws=100), trial)
    for part in found.parts:
        reliability = float(part.name)
        assert part.effect == pytest.approx(trial.estimate.effect / reliability, rel=0.01)
        # the outcome's part that the treatment explains makes it not quite proportional
        assert part.std_error == pytest.approx(trial.estimate.std_error / reliability, rel=0.05)
    # with this interval an important increase comes back where the upper end over the reliability reaches δ
    question = replace(QUESTION, smallest_important=1.1 * trial.estimate.upper)
    again = refute(MeasurementError(draws=100), replace(trial, question=question))
    assert again.numbers["reliability at which the conclusion changes"] == pytest.approx(1 / 1.1, abs=0.02)
    assert again.survived is True
    sharp = refute(MeasurementError(), replace(trial, question=replace(QUESTION, smallest_important=1.01 * trial.estimate.upper)))
    assert sharp.survived is False
    assert "an important increase still fits" in sharp.found


@pytest.mark.parametrize("estimator", ["fixed_effects", "first_difference"])
def test_known_error_is_undone(estimator: str) -> None:
    """Against the planted truth: an effect of 1 and error of 0.5; first differences lose more and get it back (Griliches & Hausman 1986)."""
    raw, undone, covered, number = [], [], 0, 30
    for seed in range(number):
        trial = tried(blurred(world(400 + seed, effect=1.0), seed, first=0.5), ESTIMATORS[estimator])
        part = refute(MeasurementError(error_sd=0.5, draws=10), trial).parts[0]
        raw.append(trial.estimate.effect)
        undone.append(part.effect)
        covered += part.lower < 1 < part.upper
    assert np.mean(raw) < {"fixed_effects": 0.8, "first_difference": 0.7}[estimator]
    assert abs(np.mean(undone) - 1) < 4 * np.std(undone) / np.sqrt(number)
    assert at_least(covered, number, 0.9)


def test_quadratic_is_the_more_cautious() -> None:
    trial = tried(blurred(world(12, effect=1.0), 12, first=0.5))
    rational, quadratic = (refute(MeasurementError(extrapolant=how, reliabilities=(0.7,)), trial).parts[0].effect for how in ("rational", "quadratic"))
    assert trial.estimate.effect < quadratic < rational


def test_measurement_error_stands_aside() -> None:
    panel = world(13)
    reason = refute(MeasurementError(error_sd=3.0), tried(panel)).reason or ""
    assert "an error of 3 £ per child leaves a reliability of 0.00" in reason
    two = panel.with_column((panel.frame["dose"] > 6).astype(float), panel.variable("dose"))
    assert "two values" in (refute(MeasurementError(), tried(two)).reason or "")


@pytest.mark.parametrize("estimator", ["fixed_effects", "first_difference"])
def test_the_second_measure_is_two_stage_least_squares(estimator: str) -> None:
    """Against linearmodels' two-stage least squares with clustered errors, on the same residuals."""
    from linearmodels.iv import IV2SLS

    trial = tried(blurred(world(14, effect=0.8), 14, first=0.6), ESTIMATORS[estimator])
    found = refute(SecondMeasure(column="again"), trial)
    made = trial.fixed
    rows = pd.MultiIndex.from_arrays([np.array(trial.design.authorities)[trial.design.authority], trial.design.year])
    again = trial.panel.shift("again", -1).reindex(rows)
    other = trial.estimator.regression(replace(trial.design, treatment=again.to_numpy())).treatment
    outcome, first, second = (made.partial_out(column[:, None])[:, 0] for column in (made.outcome, made.treatment, other))
    witness = IV2SLS(outcome, None, first, second).fit(cov_type="clustered", clusters=made.cluster)
    # their error has no small-sample factor
    factor = len(made.clusters) / (len(made.clusters) - 1) * (made.rows - 1) / (made.rows - made.absorbed_rank - 1)
    assert found.numbers["effect by the second as instrument"] == pytest.approx(float(witness.params.iloc[0]), rel=1e-8)
    assert found.numbers["standard error by the second"] == pytest.approx(float(witness.std_errors.iloc[0]) * np.sqrt(factor), rel=1e-6)
    assert found.numbers["effect by the first measure"] == pytest.approx(trial.estimate.effect, rel=1e-9)


def test_a_second_measure_in_the_same_unit_tells_the_reliability() -> None:
    """Against the planted one: what is left of the true dose over what is left of the recorded."""
    clear = tried(world(15, authorities=400, effect=0.5))
    trial = tried(blurred(world(15, authorities=400, effect=0.5), 15, first=0.6))
    true, recorded = (one.design.partial_out(one.design.treatment[:, None])[:, 0] for one in (clear, trial))
    found = refute(SecondMeasure(column="again"), trial)
    told = next(value for name, value in found.numbers.items() if name.startswith("reliability"))
    assert told == pytest.approx((true @ true) / (recorded @ recorded), abs=0.03)


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (None, "refuters.second_measure.column="),
        ("agian", "Did you mean 'again'"),
        ("dose", "the treatment itself"),
        ("plans", "the outcome itself"),
        ("children", "nothing is left of children"),
        ("noise", "first-stage F"),
    ],
)
def test_second_measures_that_cannot_be_used(column: str | None, why: str) -> None:
    panel = blurred(world(16), 16)
    noise = pd.Series(np.random.default_rng(16).normal(size=len(panel.frame)), index=panel.frame.index)
    found = refute(SecondMeasure(column=column), tried(panel.with_column(noise, replace(panel.variable("again"), name="noise"))))
    assert found.survived is None
    assert why in (found.reason or "")


# Switches in recording

NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "away", "piece"),
    [
        ([4, 4, 4, 4, 4], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]),
        ([4, 4, 1, 1, 1], [0, 0, 0, 0, 0], [0, 0, 1, 1, 1]),  # a drop that lasts
        ([4, 4, 0, 4, 4], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]),  # nothing for a year
        ([4, 0, 0, 0, 4], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]),  # zeros come back however late
        ([4, 12, 12, 4, 4], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]),  # a leap that is undone within two years
        ([4, 12, 12, 12, 4], [0, 0, 0, 0, 0], [0, 1, 1, 1, 2]),  # undone later: two switches that last
        ([4, 4, 4, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 1, 1]),  # zero to the end
        ([0, 0, 0.3, 0.5, 0.5], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]),  # a dose that begins has not switched
        ([4, NAN, 1, 1, NAN], [0, 0, 0, 0, 0], [0, 0, 1, 1, 1]),
        ([NAN] * 5, [0] * 5, [0] * 5),
    ],
)
def test_switches_by_hand(values: list[float], away: list[int], piece: list[int]) -> None:
    """Against histories read by eye, changes beyond 1 in logarithms."""
    found = switches(np.array(values, dtype=float), np.arange(2011, 2016), 1.0, 2)
    assert found[0].astype(int).tolist() == away
    assert found[1].tolist() == piece


def test_repairs_by_hand() -> None:
    """The others grow by a tenth a year; time away lies on a line, a lasting switch is spliced, zero to the end is not known."""
    years = np.arange(2011, 2016)
    growth = 1.1 ** np.arange(5)
    grid = np.array([growth, 2 * growth, [4, 4, 0, 6, 6], [*growth[:2], *(growth[2:] / 9)], [4, 4, 4, 0, 0]], dtype=float)
    away, piece = (np.array(side) for side in zip(*(switches(row, years, 1.0, 2) for row in grid), strict=True))
    mended = repaired(grid, away, piece, years)
    np.testing.assert_allclose(mended[:2], grid[:2])
    np.testing.assert_allclose(mended[2], [4, 4, 5, 6, 6])
    np.testing.assert_allclose(mended[3], growth)
    np.testing.assert_array_equal(mended[4], [4, 4, 4, NAN, NAN])


def test_leaving_switched_authorities_out_is_a_panel_without_them() -> None:
    """Against the same analysis of the panel without the authorities that were planted; and repair brings back what was planted."""
    panel = world(17, effect=0.7)
    struck = switched(panel, 17)
    trial = tried(struck)
    found = refute(RecordingSwitches(jumps=(0.7,)), trial)
    dose, table = laid(struck, "dose")
    with np.errstate(divide="ignore", invalid="ignore"):
        clean = table.index[(np.abs(np.diff(np.log(dose), axis=1)) <= 0.7).all(axis=1)]
    assert 10 < len(struck.authorities) - len(clean) < 40
    assert found.numbers["0.7: authorities with switches"] == len(struck.authorities) - len(clean)
    by = {part.name.split(", ")[1]: part for part in found.parts}
    assert by["authorities left out"].effect == pytest.approx(tried(struck.subset(authorities=clean)).estimate.effect, rel=1e-8)
    assert found.survived is False
    assert abs(by["repaired"].effect - 0.7) < 3 * by["repaired"].std_error < abs(trial.estimate.effect - 0.7)


def test_recording_switches_stands_aside() -> None:
    panel = world(18)
    negative = panel.with_column(panel.frame["dose"] - 6, panel.variable("dose"))
    assert "is negative in places" in (refute(RecordingSwitches(), tried(negative)).reason or "")
    smooth = refute(RecordingSwitches(jumps=(5.0,)), tried(panel))
    assert smooth.survived is True
    assert "No change of spending" in smooth.found


# Missing outcomes


def some_missing(seed: int) -> Panel:
    """Six outcomes missing, each in another authority."""
    panel = world(seed, authorities=20, years=6, effect=0.5)
    gone = np.zeros(len(panel.frame), dtype=bool)
    gone[[3, 8, 16, 23, 33, 45]] = True
    return marked(panel.with_column(panel.frame["plans"].mask(gone), panel.variable("plans")), gone, "..")


@pytest.mark.parametrize("estimator", ["fixed_effects", "first_difference"])
def test_worst_cases_are_the_worst_of_all_corners(estimator: str) -> None:
    """Against brute force: each of six missing outcomes at its authority's least or most, all 64 ways, each a whole analysis."""
    panel = some_missing(19)
    found = refute(MissingOutcomes(draws=3), tried(panel, ESTIMATORS[estimator]))
    known = panel.frame["plans"]
    gaps = np.flatnonzero(known.isna())
    ends = known.groupby(level="authority").agg(["min", "max"]).loc[known.index[gaps].get_level_values("authority")].to_numpy()
    effects = []
    for corner in itertools.product((0, 1), repeat=6):
        filled = known.copy()
        filled.iloc[gaps] = ends[np.arange(6), corner]
        effects.append(tried(panel.with_column(filled, panel.variable("plans")), ESTIMATORS[estimator]).estimate.effect)
    assert found.numbers["least effect"] == pytest.approx(min(effects), rel=1e-8)
    assert found.numbers["most effect"] == pytest.approx(max(effects), rel=1e-8)
    assert min(effects) <= found.numbers["mean effect"] <= max(effects)


def test_guesses_by_hand() -> None:
    """On the line between the years around, in distance from the year's mean; at the ends as the nearest."""
    index = pd.MultiIndex.from_product([["a", "b", "c"], range(2011, 2015)], names=["authority", "year"])
    known = pd.Series([1.0, NAN, 3.0, 4.0, 5.0, 5.0, 5.0, NAN, 9.0, NAN, NAN, NAN], index=index)
    guess, errors = _guessed(known)
    mean = known.groupby(level="year").mean().to_numpy()
    distance = (1 - mean[0] + 3 - mean[2]) / 2
    assert guess[("a", 2012)] == pytest.approx(mean[1] + distance)
    assert guess[("b", 2014)] == pytest.approx(mean[3] + 5 - mean[2])
    assert guess.loc["c"].isna().all()
    assert len(errors) == 6


def test_suppressed_counts_stay_in_their_range_and_bring_back_the_effect() -> None:
    """Against the estimate with nothing suppressed: the rows that are left understate it, the fillings come nearer."""
    whole, left, filled = [], [], []
    for seed in range(10):
        panel = few_plans(world(500 + seed, effect=1.2))
        trial = tried(suppressed(panel))
        found = refute(MissingOutcomes(draws=5), trial)
        assert found.numbers["of them suppressed counts"] == found.numbers["missing outcomes put back"] > 0
        whole.append(tried(panel).estimate.effect)
        left.append(trial.estimate.effect)
        filled.append(found.numbers["mean effect"])
    assert np.mean(left) < 0.85 * np.mean(whole)
    assert abs(np.mean(filled) - np.mean(whole)) < 0.3 * abs(np.mean(left) - np.mean(whole))


def test_missing_outcomes_stands_aside() -> None:
    panel = world(20, authorities=20)
    assert "no outcome is missing" in (refute(MissingOutcomes(), tried(panel)).reason or "")
    first = panel.frame["plans"].mask(panel.frame.index.get_level_values("year") == 2011)
    # the first year has no treatment before it, so nothing can be put back
    assert "lack something else" in (refute(MissingOutcomes(), tried(panel.with_column(first, panel.variable("plans")))).reason or "")


# Rounding


def test_the_worst_rounding_is_a_refit_with_every_outcome_at_its_edge() -> None:
    """Against a whole analysis of outcomes moved half a step each, towards the sign of its weight."""
    panel = to_steps(world(21, effect=0.5), plans=5.0)
    trial = tried(panel)
    found = refute(Rounding(), trial)
    made = trial.design
    weight = made.partial_out(made.treatment[:, None])[:, 0]
    half = 2.5 * 10_000 / made.population
    worst = FixedEffects().estimate(replace(made, outcome=made.outcome + np.sign(weight) * half), np.random.default_rng(0))
    assert found.numbers["shift at worst"] == pytest.approx(worst.effect - trial.estimate.effect, rel=1e-9)
    # independent errors of variance half²/3 move a slope by the root of Σ w² half²/3
    size = weight / (weight @ weight)
    assert found.numbers["root mean square shift"] == pytest.approx(np.sqrt((size**2 * half**2 / 3).sum()), rel=0.15)


def test_rounding_stands_aside() -> None:
    panel = world(22)
    assert "neither outcome nor treatment" in (refute(Rounding(), tried(panel)).reason or "")
    nobody = replace(to_steps(panel, plans=5.0), population=None)
    assert "names no population" in (refute(Rounding(), tried(nobody)).reason or "")
