"""The bias that each check says it found, and the smallest that it says it sees, against planted truths.

The worlds are unlike those that the checks were tried on: shocks with heavy tails (t with five degrees of freedom), places of unequal spread, nine
years. An estimate's bias is known without the toolkit: it is the slope of what was planted on the treatment, both without place and year means, in
plain NumPy; for feedback it is the mean error over panels. Seeds are fixed; a mean may lie four Monte Carlo errors off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_refuters_timing import tried
from threadpoolctl import threadpool_limits

from causal.draws import stream
from causal.estimators.fixed_effects import FirstDifference, FixedEffects
from causal.estimators.staggered import CallawaySantAnna
from causal.graph import Graph
from causal.panel import Panel, Variable
from causal.question import Question
from causal.refutation import Refutation
from causal.refuters.anticipation import Anticipation
from causal.refuters.estimator_agreement import EstimatorAgreement
from causal.refuters.future_treatment import FutureTreatment
from causal.refuters.implied_independence import ImpliedIndependence
from causal.refuters.machinery.bias import reach
from causal.refuters.negative_control_exposure import NegativeControlExposure
from causal.refuters.negative_control_outcome import NegativeControlOutcome
from causal.refuters.placebo_dates import PlaceboDates
from causal.refuters.pre_trend import PreTrend
from causal.refuters.reverse_causation import ReverseCausation

QUESTION = Question(treatment="closures", outcome="plans", control=0.0, treated=1.0, smallest_important=0.5, because="a test", lag=0)
YEARS = 9
Columns = dict[str, np.ndarray]
World = Callable[[int], tuple[Columns, float]]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with threadpool_limits(limits=1):
        yield


def panel(columns: Columns) -> Panel:
    places, years = columns["plans"].shape
    index = pd.MultiIndex.from_product([[f"E{i:04d}" for i in range(places)], range(2001, 2001 + years)], names=["authority", "year"])
    return Panel(
        frame=pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=index),
        variables=tuple(Variable(name=name, label=name, unit="units", source="made up") for name in columns),
        places=pd.DataFrame({"name": index.unique(0)}, index=index.unique(0)),
        title="made-up panel",
        simulated=True,
    )


def shocks(rng: np.random.Generator, places: int, years: int = YEARS) -> np.ndarray:
    return rng.standard_t(5, size=(places, years)) * rng.uniform(0.5, 1.5, size=(places, 1))


def within(values: np.ndarray) -> np.ndarray:
    return values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()


def slope(outcome: np.ndarray, treatment: np.ndarray) -> float:
    return float((within(outcome) * within(treatment)).sum() / (within(treatment) ** 2).sum())


def moved_once(seed: int, *, trend: float = 0.0, early: float = 0.0, places: int = 70, whole: bool = False) -> tuple[Columns, float]:
    """Two places in three move once, to a degree; `trend` a year goes with the move, `early` is felt the year before it. The planted bias is exact."""
    rng, clock = np.random.default_rng(seed), np.arange(YEARS)
    first = np.where(rng.random((places, 1)) < 0.65, rng.integers(3, YEARS, size=(places, 1)), YEARS)
    size = rng.uniform(0.4, 1.6, size=(places, 1))
    size = np.ones_like(size) if whole else size
    dose = (clock >= first) * size
    planted = trend * size * (first < YEARS) * clock + early * size * ((clock == first - 1) & (first < YEARS))
    outcome = 5 * rng.normal(size=(places, 1)) + 0.3 * clock + dose + planted + shocks(rng, places)
    return {"closures": dose, "plans": outcome}, slope(planted, dose)


def found(refuter: object, world: World, seeds: range, **how: object) -> list[tuple[Refutation, float]]:
    made = []
    for seed in seeds:
        columns, truth = world(seed)
        trial = tried(panel(columns), how.get("estimator"), question=how.get("question", QUESTION), **how.get("more", {}))  # type: ignore[arg-type]
        one = refuter.refute(trial, stream(seed, refuter.name))  # type: ignore[attr-defined]
        assert one.survived is not None, one.reason
        made.append((one, truth))
    return made


def near(checks: list[tuple[Refutation, float]], *, spread: bool = True) -> None:
    """On average the bias found is the bias planted, and it scatters about it as its error says."""
    off = np.array([float(one.bias) - truth for one, truth in checks])  # type: ignore[arg-type]
    assert abs(off.mean()) <= 4 * off.std(ddof=1) / np.sqrt(len(off)), (off.mean(), off.std())
    if spread:
        said = float(np.mean([one.bias_error for one, _ in checks]))  # type: ignore[arg-type]
        assert 0.6 * said < off.std(ddof=1) < 1.5 * said


def seen_four_times_in_five(caught: list[bool]) -> None:
    """Power of 80 %, give or take what the seeds of these panels allow and 6 points for an error that is itself estimated."""
    tries, hits = len(caught), sum(caught)
    assert stats.binomtest(hits, tries, 0.74, alternative="less").pvalue > 0.01, hits / tries
    assert stats.binomtest(hits, tries, 0.86, alternative="greater").pvalue > 0.01, hits / tries


@pytest.mark.parametrize("shape", ["line", "leads"])
def test_pre_trend_says_what_the_drift_it_found_does_to_the_estimate(shape: str) -> None:
    near(found(PreTrend(shape=shape), lambda seed: moved_once(seed, trend=0.15), range(30)))
    near(found(PreTrend(shape=shape), moved_once, range(100, 125)), spread=False)  # not rejected, and still unbiased


def test_placebo_dates_say_what_the_drift_they_found_does_to_the_estimate() -> None:
    near(found(PlaceboDates(), lambda seed: moved_once(seed, trend=0.15), range(25)))


def test_own_leads_of_an_estimator_of_adoption_say_what_their_drift_does_to_it() -> None:
    """The same panel with and without the drift, by the estimator itself: it is linear in the outcome."""
    estimator, question = CallawaySantAnna(), replace(QUESTION, target="ATT")

    def world(seed: int) -> tuple[Columns, float]:
        drifting, clean = (moved_once(seed, trend=trend, whole=True)[0] for trend in (0.3, 0.0))
        answers = [tried(panel(one), estimator, question=question).estimate.effect for one in (drifting, clean)]
        return drifting, answers[0] - answers[1]

    near(found(FutureTreatment(), world, range(12), estimator=estimator, question=question), spread=False)


def test_anticipation_says_the_difference_that_its_window_makes() -> None:
    near(found(Anticipation(), lambda seed: moved_once(seed, early=1.0), range(25)))


@pytest.mark.parametrize("name", ["pre_trend", "placebo_dates", "anticipation"])
def test_a_bias_of_the_smallest_size_that_a_check_of_timing_sees_is_found_four_times_in_five(name: str) -> None:
    refuter, key = {"pre_trend": (PreTrend(), "trend"), "placebo_dates": (PlaceboDates(), "trend"), "anticipation": (Anticipation(), "early")}[name]
    blind = float(np.mean([one.blind_below for one, _ in found(refuter, moved_once, range(8))]))  # type: ignore[arg-type]
    per_unit = float(np.mean([moved_once(seed, **{key: 1.0})[1] for seed in range(8)]))
    caught = found(refuter, lambda seed: moved_once(seed, **{key: blind / per_unit}), range(1000, 1080))
    seen_four_times_in_five([one.survived is False for one, _ in caught])


def moving(seed: int, *, ahead: float = 0.0, feedback: float = 0.0, places: int = 60) -> Columns:
    """A dose that always moves; `ahead` the next year's dose acts already, `feedback` is what the last outcome's shock adds to the dose."""
    rng, years = np.random.default_rng(seed), YEARS + 1
    place, error = rng.normal(size=(places, 1)), shocks(rng, places, years)
    dose, outcome = np.zeros((places, years)), np.zeros((places, years))
    keep = 0.0 if feedback else 0.5
    for year in range(years):
        before = dose[:, year - 1] - place[:, 0] if year else np.zeros(places)
        dose[:, year] = place[:, 0] + keep * before + rng.normal(size=places) + (feedback * error[:, year - 1] if year else 0)
        outcome[:, year] = 2 * place[:, 0] + dose[:, year] + error[:, year]
    return {"closures": dose[:, :-1], "plans": outcome[:, :-1] + ahead * dose[:, 1:]}


def error_of(world: Callable[[int], Columns], number: int = 600) -> float:
    """Mean error of the slope over panels with an effect of 1, by plain NumPy."""
    return float(np.mean([slope(made["plans"], made["closures"]) - 1.0 for made in map(world, range(5000, 5000 + number))]))


def test_a_lead_says_how_far_the_estimate_moves_when_it_is_held_fixed() -> None:
    truth = error_of(lambda seed: moving(seed, ahead=0.3))
    assert truth > 0.05
    checks = found(FutureTreatment(leads=1), lambda seed: (moving(seed, ahead=0.3), truth), range(30))
    near(checks)


@pytest.mark.parametrize("feedback", [0.3, -0.5])
def test_earlier_outcomes_say_how_far_feedback_moves_the_estimate(feedback: float) -> None:
    """Feedback on last year's shock, in a dose that does not last: demeaning biases the estimate by about −ψσ²/(T var(d)), against its direction."""
    truth = error_of(lambda seed: moving(seed, feedback=feedback))
    checks = found(ReverseCausation(), lambda seed: (moving(seed, feedback=feedback), truth), range(40))
    assert all(one.survived is False for one, _ in checks) and truth * feedback < 0
    mean = float(np.mean([one.bias for one, _ in checks]))  # type: ignore[arg-type]
    assert 0.6 < mean / truth < 1.4, (mean, truth)


def shared(seed: int, *, strength: float = 1.0, places: int = 60) -> tuple[Columns, float]:
    """An unmeasured cause that moves the dose, the outcome, an outcome that the dose cannot move and an exposure that cannot act, all alike."""
    rng = np.random.default_rng(seed)
    cause, noise = rng.normal(size=(places, YEARS)), rng.normal(size=(3, places, YEARS))
    dose, exposure = cause + noise[0], cause + noise[1]
    error, other = shocks(rng, places), 3 * shocks(rng, places)
    # the other outcome is told in another unit: three times as much of everything
    return {
        "closures": dose,
        "plans": dose + strength * cause + error,
        "unmoved": 3 * strength * cause + other,
        "idle": 10 * exposure,
    }, slope(strength * cause, dose)


@pytest.mark.parametrize("hold", [True, False])
def test_a_negative_control_exposure_carries_its_effect_over_to_the_treatment(hold: bool) -> None:
    """The cause moves treatment and control alike, and the treatment does nothing when the control stands alone; the bias is then exact in expectation."""

    def world(seed: int) -> tuple[Columns, float]:
        columns, truth = shared(seed)
        return columns if hold else {**columns, "plans": columns["plans"] - columns["closures"]}, truth

    near(found(NegativeControlExposure(exposures=("idle",), hold_treatment=hold), world, range(25)))


def test_a_negative_control_outcome_carries_its_effect_over_in_residual_standard_deviations() -> None:
    near(found(NegativeControlOutcome(outcomes=("unmoved",)), shared, range(25)))


@pytest.mark.parametrize("refuter", [NegativeControlOutcome(outcomes=("unmoved",)), NegativeControlExposure(exposures=("idle",))], ids=lambda one: one.name)
def test_a_bias_of_the_smallest_size_that_a_negative_control_sees_is_found_four_times_in_five(refuter: object) -> None:
    blind = float(np.mean([one.blind_below for one, _ in found(refuter, lambda seed: shared(seed, strength=0.0), range(8))]))  # type: ignore[arg-type]
    caught = found(refuter, lambda seed: shared(seed, strength=2 * blind), range(1000, 1080))  # half of the cause's effect is bias
    assert np.mean([truth for _, truth in caught]) == pytest.approx(blind, rel=0.03)
    seen_four_times_in_five([one.survived is False for one, _ in caught])


def test_a_broken_independence_says_how_far_the_estimate_moves_when_its_variable_is_held_fixed() -> None:
    """A measured cause of dose and outcome that the graph gives no arrow to the outcome: holding it fixed takes its whole bias away."""
    graph = Graph(
        name="short of an arrow",
        nodes={"authority": {"varies": "authority"}, "year": {"varies": "year"}, "cause": {}, "closures": {}, "plans": {}},
        arrows={
            "authority": {"cause": "so", "closures": "so", "plans": "so"},
            "year": {"cause": "so", "closures": "so", "plans": "so"},
            "cause": {"closures": "so"},
            "closures": {"plans": "the question"},
        },
    )

    def world(seed: int) -> tuple[Columns, float]:
        rng = np.random.default_rng(seed)
        cause = rng.normal(size=(60, YEARS))
        dose = 0.8 * cause + rng.normal(size=(60, YEARS))
        return {"closures": dose, "cause": cause, "plans": dose + 0.5 * cause + shocks(rng, 60)}, slope(0.5 * cause, dose)

    near(found(ImpliedIndependence(), world, range(25), more={"graph": graph}), spread=False)


def test_estimators_that_differ_say_ours_less_theirs_and_what_difference_they_see() -> None:
    """A drift that goes with the move biases the levels and, since it is constant from year to year, the changes by another amount; both exact."""

    def world(seed: int) -> tuple[Columns, float]:
        columns, truth = moved_once(seed, trend=0.3)
        clean = moved_once(seed)[0]
        changes = [np.diff(one, axis=1) for one in (columns["plans"] - clean["plans"], columns["closures"])]
        changes = [one - one.mean(axis=0) for one in changes]
        return columns, truth - float((changes[0] * changes[1]).sum() / (changes[1] ** 2).sum())

    near(found(EstimatorAgreement(estimators=(FirstDifference(),)), world, range(25), estimator=FixedEffects()))


@pytest.mark.parametrize(("df", "tests"), [(12.0, 1), (60.0, 3), (np.inf, 2)])
def test_reach_is_where_the_test_rejects_four_times_in_five(df: float, tests: int) -> None:
    """Monte Carlo: normal coefficients, a Wishart error of `df`, Hotelling's T²."""
    rng, draws = np.random.default_rng(3), 20_000
    away = reach(df, 0.05, tests=tests)
    assert away is not None
    drawn = rng.normal(size=(draws, tests))
    drawn[:, 0] += away
    if np.isinf(df):
        rejected = (drawn**2).sum(axis=1) > stats.chi2(tests).isf(0.05)
    else:
        covariance = stats.wishart(df, np.eye(tests) / df).rvs(draws, random_state=rng).reshape(draws, tests, tests)
        squares = np.einsum("bi,bi->b", drawn, np.linalg.solve(covariance, drawn[..., None])[..., 0])
        rest = df - tests + 1
        rejected = squares * rest / (df * tests) > stats.f(tests, rest).isf(0.05)
    assert rejected.mean() == pytest.approx(0.8, abs=0.012)


def test_what_cannot_be_known_is_none() -> None:
    assert reach(1.0, 0.05, tests=2) is None and reach(10.0, 0.9) is None
    short = {name: values[:, 4:6] for name, values in moved_once(1)[0].items()}
    one = PreTrend().refute(tried(panel(short), question=QUESTION), stream(1))
    assert one.survived is None and one.bias is None and one.blind_below is None
