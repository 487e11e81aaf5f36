"""Checks of learners on the residuals of their cross-fits: identities where the estimator is linear in them, and honest refits elsewhere."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from worlds import ADOPTION, GRAPH, QUESTION, World, designed, refute, same, trial_of

from causal import rescored
from causal.crossfitted import Slope
from causal.design import Design
from causal.draws import stream
from causal.errors import DesignError
from causal.estimate import Estimate, lighter, once
from causal.estimators.cate import CausalForest
from causal.estimators.dml import LinearDml
from causal.estimators.doubly_robust import LinearDr
from causal.estimators.iv_dml import DmlIv, DrIv, OrthoIv
from causal.estimators.machinery.transformed import kept_folds
from causal.refuters.bootstrap import ALLOWED, Bootstrap, learnt_how
from causal.refuters.data_subset import DataSubset
from causal.refuters.future_treatment import FutureTreatment
from causal.refuters.leave_one_out import LeaveOneOut
from causal.refuters.measurement_error import MeasurementError
from causal.refuters.placebo_treatment import PlaceboTreatment
from causal.refuters.random_common_cause import RandomCommonCause, of_medians, share_of_one
from causal.refuters.specification_curve import SpecificationCurve
from causal.testing.worlds import MOVED_GRAPH, Moved
from causal.trial import LostRefit, Trial, fitted

PLAIN = replace(QUESTION, modifiers=())
LEARNERS = {
    "linear_dml": (LinearDml(nuisance="ridge", degree=1, folds=3), World(effect=1.0, authorities=40), PLAIN, GRAPH, "backdoor"),
    "first_difference": (LinearDml(panel="first_difference", nuisance="ridge", folds=3), World(effect=1.0, authorities=40), PLAIN, GRAPH, "backdoor"),
    "causal_forest": (CausalForest(trees=20, folds=3), World(effect=1.0, authorities=60), QUESTION, GRAPH, "backdoor"),
    "linear_dr": (LinearDr(folds=2), World(effect=1.0, adoption=True, authorities=80), replace(ADOPTION, modifiers=()), GRAPH, "backdoor"),
    "ortho_iv": (OrthoIv(nuisance="ridge", degree=1, folds=3), Moved(effect=1.0), PLAIN, MOVED_GRAPH, "iv"),
    "dml_iv": (DmlIv(nuisance="ridge", degree=1, folds=3), Moved(effect=1.0), PLAIN, MOVED_GRAPH, "iv"),
    "dr_iv": (DrIv(nuisance="ridge", degree=1, folds=3), Moved(effect=1.0), PLAIN, MOVED_GRAPH, "iv"),
}


@cache
def tried(name: str) -> Trial:
    estimator, world, question, graph, strategy = LEARNERS[name]
    panel = world.load()  # type: ignore[attr-defined]
    return trial_of(panel, designed(panel, question, graph, strategy), estimator)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", LEARNERS)
def test_residuals_give_the_estimate_back_where_nothing_is_replaced(name: str) -> None:
    """Identity: every cluster once, no column held fixed, the treatment as it is; effect and error are those reported."""
    trial = tried(name)
    assert trial.score is not None and trial.estimate.std_error is not None
    every = [trial.redraw("x", clusters=np.ones((len(trial.design.clusters), 2)))]
    if rescored.can_carry(trial.score):
        every.append(trial.redraw("x", control=np.zeros((trial.design.rows, 1))))
        every.append(trial.redraw("x", treatment=trial.design.treatment[:, None]))
    for effects, errors in every:
        np.testing.assert_allclose(effects, trial.estimate.effect, rtol=1e-9)
        np.testing.assert_allclose(errors, trial.estimate.std_error, rtol=1e-9)


@pytest.mark.parametrize("name", ["linear_dml", "first_difference"])
def test_draws_of_a_slope_are_least_squares_on_its_residuals(name: str) -> None:
    """Identity of a partially linear model: numpy's own least squares on the residual rows, each cross-fit by itself, and the median of these."""
    trial = tried(name)
    score, rng = trial.score, np.random.default_rng(1)
    assert score is not None
    drawn = rng.integers(0, 3, size=(len(trial.design.clusters), 4)).astype(float)
    noise = rng.normal(size=(trial.design.rows, 4))
    beside = score.carry(trial.design, noise)
    by_cluster, with_control, with_error = (
        trial.redraw("x", clusters=drawn)[0],
        trial.redraw("x", control=noise)[0],
        trial.redraw("x", treatment=trial.design.treatment[:, None] + noise)[0],
    )
    for draw in range(4):
        expected: list[list[float]] = [[], [], []]
        for one in score.repetitions:
            assert isinstance(one, Slope)
            often = np.repeat(np.arange(score.over.rows), drawn[score.over.cluster, draw].astype(int))
            expected[0].append(np.linalg.lstsq(one.treatment[often, None], one.outcome[often], rcond=None)[0][0])
            expected[1].append(np.linalg.lstsq(np.column_stack([one.treatment, beside[:, draw]]), one.outcome, rcond=None)[0][0])
            expected[2].append(np.linalg.lstsq((one.treatment + beside[:, draw])[:, None], one.outcome, rcond=None)[0][0])
        got = np.array([by_cluster[draw], with_control[draw], with_error[draw]]) / trial.question.contrast
        np.testing.assert_allclose(got, np.median(expected, axis=1), rtol=1e-9)


def test_what_is_added_to_the_outcome_moves_the_effect_by_its_own_slope() -> None:
    """Closed form: the treatment's own residual, added to the outcome, moves every slope by 1; a column of zeros by nothing."""
    trial = tried("linear_dml")
    score = trial.score
    assert score is not None
    only = replace(score, repetitions=score.repetitions[:1])
    kept = only.repetitions[0]
    moved = rescored.moved(only, trial.design, trial.design.outcome)
    carried = score.carry(trial.design, trial.design.outcome[:, None])[:, 0]
    assert moved == pytest.approx(kept.treatment @ carried / (kept.treatment @ kept.treatment), rel=1e-9)
    assert rescored.moved(score, trial.design, np.zeros(trial.design.rows)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("name", ["linear_dml", "ortho_iv", "causal_forest"])
def test_places_left_out_move_the_answer_as_honest_refits_do(name: str) -> None:
    """Against refits of the same subsets: within the noise of folds and nuisances, an eighth of what chance makes of the effect itself."""
    trial = tried(name)
    number = len(trial.design.clusters)
    kept = np.ones((number, 6))
    for draw in range(6):
        kept[draw * number // 6 : (draw + 1) * number // 6, draw] = 0.0
    ours, theirs = (np.array(side) for side in (trial.redraw("x", clusters=kept)[0], trial.refitted("x", clusters=kept)[0]))
    assert trial.estimate.std_error is not None
    assert np.sqrt(((ours - theirs) ** 2).mean()) < 0.35 * trial.estimate.std_error
    assert np.corrcoef(ours, theirs)[0, 1] > 0.7


@pytest.mark.parametrize("name", LEARNERS)
def test_a_clean_answer_survives_draws_and_placebos_and_too_narrow_an_error_does_not(name: str) -> None:
    """Planted: the reported error halved, which doubles the ratio of a bootstrap and of subsets to it, and three in ten placebos are then significant."""
    trial = tried(name)
    checks = (DataSubset(), PlaceboTreatment())
    assert all(refute(check, trial).survived for check in checks)
    assert trial.estimate.std_error is not None
    narrow = replace(trial, estimate=replace(trial.estimate, std_error=trial.estimate.std_error / 2))
    assert not any(refute(check, narrow).survived for check in checks)
    placebo = refute(PlaceboTreatment(), trial)
    assert placebo.trials == 500 and "what was learnt of the controls kept" in placebo.found


@pytest.mark.parametrize("name", LEARNERS)
def test_learning_anew_on_the_same_rows_moves_nothing(name: str) -> None:
    """Identity: the answer's own clusters in the folds of its first cross-fit, with its seeds; residuals and refit agree to rounding."""
    trial = tried(name)
    moved = trial.relearnt("x", np.ones((len(trial.design.clusters), 2)))
    np.testing.assert_allclose(moved, 0.0, atol=1e-8 * (trial.estimate.std_error or 1.0))


@pytest.mark.parametrize("name", ["linear_dml", "first_difference", "causal_forest", "linear_dr", "dr_iv"])
def test_a_drawn_cluster_stays_in_its_fold_with_all_its_copies(name: str) -> None:
    """Identity: folds of a refit on half of the places, some drawn thrice, are those that these places had."""
    trial = tried(name)
    assert trial.score is not None and trial.score.folds is not None
    half = np.arange(0, len(trial.design.clusters), 2)
    again = trial.design.resample_clusters(np.concatenate([half, half[:5], half[:5]]).astype(np.int64))
    made = fitted(once(trial.estimator), replace(again, folds=trial.score.folds), stream(1, "x")).crossfitted
    assert made is not None and made.folds is not None and made.folds == {name: trial.score.folds[name] for name in made.folds}
    assert set(trial.score.folds.values()) == set(range(len(set(made.folds.values()))))
    with pytest.raises(TypeError, match="nothing was learnt"):
        replace(trial, estimate=replace(trial.estimate, crossfitted=None)).relearnt("x", np.ones((len(trial.design.clusters), 1)))


def test_how_far_folds_alone_move_a_median_of_cross_fits() -> None:
    """Against 100,000 simulated pairs of medians of three, five and seven normal cross-fits, to a twentieth."""
    rng = np.random.default_rng(1)
    for number in (3, 5, 7):
        first, second = (np.median(rng.normal(size=(100_000, number)), axis=1) for _ in range(2))
        assert np.sqrt(((first - second) ** 2).mean()) == pytest.approx(np.sqrt(2) * share_of_one(number), rel=0.05)
    own = np.array([1.0, 2.0, 4.0])
    noisy = np.array([2.0, 2.5, 1.5, 3.0, 2.0])
    spread = np.sqrt((((own - own.mean()) ** 2).sum() + ((noisy - noisy.mean()) ** 2).sum()) / 6)
    assert of_medians(noisy, own) == pytest.approx(np.sqrt(2) * spread * share_of_one(3))
    # a shift of all by ten is beyond chance, and counts as such
    assert of_medians(noisy + 10, own) == pytest.approx(np.hypot(np.sqrt(2) * spread * share_of_one(3), noisy.mean() + 10 - own.mean()))


def test_noise_moves_a_median_as_often_too_far_as_twenty_honest_refits_do() -> None:
    """Simulated cross-fits whose folds alone move one by a fifth of an error: both rules call it too far in about as many of 4,000 answers."""
    rng = np.random.default_rng(2)
    ours, honest = 0, 0
    for _ in range(4_000):
        own = rng.normal(0, 0.2, 3)
        again = np.median(rng.normal(0, 0.2, (20, 3)), axis=1)
        honest += np.sqrt(((again - np.median(own)) ** 2).mean()) > 0.25
        ours += of_medians(rng.normal(0, 0.2, 5), own) > 0.25
    assert 0.05 < honest / 4_000 < 0.2 and abs(ours - honest) / 4_000 < 0.05


def test_what_learning_anew_may_add_is_what_clean_panels_keep_within() -> None:
    """The committed table of clean simulated panels (benchmarks/checks_of_learners.py --bounds): its 99th percentiles, rounded up to a twentieth."""
    with (Path(__file__).parent.parent / "benchmarks" / "checks_of_learners_bounds.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["grown"]]
    for kind, allowed in ALLOWED.items():
        grown = {name: [float(row["grown"]) for row in rows if row["estimator"] == name] for name in {row["estimator"] for row in rows if row["class"] == kind}}
        of = [np.quantile(one, 0.99) for one in grown.values()]
        assert len(of) >= 2 and allowed == pytest.approx(np.ceil(20 * max(of)) / 20)
    assert {row["class"] for row in rows} == {*ALLOWED, "linear"}
    for name, kind in {"linear_dml": "linear", "causal_forest": "trees", "dr_iv": "linear", "ortho_iv": "linear"}.items():
        assert learnt_how(tried(name)) == kind


def test_learning_anew_shows_an_answer_that_hangs_on_it() -> None:
    """Planted: an estimator that adds noise of its own to every answer, which residuals that were kept cannot show and refits must."""

    class Unsteady(LinearDml):
        def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
            made = LinearDml(nuisance="ridge", degree=1, folds=3, repetitions=1).estimate(design, rng)
            return replace(made, effect=made.effect + 3 * rng.choice([-1, 1]) * (made.std_error or 0.0))

    trial = tried("linear_dml")
    unsteady = replace(trial, estimator=Unsteady(nuisance="ridge"))
    check = Bootstrap(draws=100)
    steady, not_so = refute(check, trial), refute(check, unsteady)
    assert steady.survived and not_so.survived is False
    grown = "error with learning anew, times the reported one"
    assert (steady.numbers[grown] or 9) < 1.25 < (not_so.numbers[grown] or 0)
    assert refute(RandomCommonCause(), unsteady).survived is False and refute(RandomCommonCause(), trial).survived


def test_error_in_the_treatment_draws_a_slope_as_the_formula_says() -> None:
    """Closed form of a linear slope: at a reliability of .8 the answer is 1 / .8 of that recorded, within the noise of 25 draws."""
    trial = tried("linear_dml")
    found = refute(MeasurementError(), trial)
    assert (found.numbers["effect at reliability 0.8"] or 0) / trial.estimate.effect == pytest.approx(1 / 0.8, abs=0.06)


def test_every_date_of_the_treatment_stands_in_one_model() -> None:
    """Against numpy: with nothing left to learn, joint slopes of two treatments are least squares on both demeaned."""
    panel = World(effect=1.0, authorities=40, confounding=0.0).load()
    made = designed(panel, PLAIN)
    alone = replace(made, controls=made.controls[:, :0], control_names=(), control_groups={})
    rng = np.random.default_rng(2)
    columns = np.column_stack([made.treatment, rng.normal(size=made.rows)])
    fit = LinearDml(nuisance="ridge", folds=3).jointly(alone, columns, stream(1, "x"))
    outcome, both = alone.within(alone.outcome[:, None], columns)
    np.testing.assert_allclose(fit.coefficients, np.linalg.lstsq(both, outcome[:, 0], rcond=None)[0], rtol=0.02)
    found = refute(FutureTreatment(), tried("linear_dml"))
    assert found.survived and [part.name for part in found.parts] == ["lead 2", "lead 1", "now"]


def test_checks_of_a_learner_are_the_same_for_any_number_of_workers() -> None:
    """The same seed, one worker and two."""
    trial = tried("linear_dml")
    for check in (Bootstrap(draws=50), LeaveOneOut(), RandomCommonCause(), SpecificationCurve(sets=3)):
        assert same(refute(check, trial), refute(check, replace(trial, workers=2))), check.name


def test_a_library_that_breaks_off_costs_a_refit_and_is_named() -> None:
    """Planted: an exception of numpy in two of five refits; a fault in our own code still stops everything."""

    class Breaks(LinearDml):
        def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
            if design.outcome.sum() % 1 < 0.5:
                np.linalg.inv(np.zeros((2, 2)))
            return LinearDml(nuisance="ridge", degree=1, folds=3, repetitions=1).estimate(design, rng)

    trial = replace(tried("linear_dml"), estimator=Breaks(nuisance="ridge"))
    found = refute(Bootstrap(draws=50), trial)
    assert 0 < found.lost < 5 and "LinAlgError: Singular matrix" in found.found
    with pytest.raises(LostRefit, match="LinAlgError"):
        for seed in range(9):
            fitted(trial.estimator, trial.design, np.random.default_rng(seed))
    with pytest.raises(DesignError):
        fitted(LinearDml(folds=30), trial.design, stream(1, "x"))


def test_a_refit_takes_as_few_cross_fits_as_are_enough() -> None:
    """By hand: one of a slope, three of a doubly robust score, and an estimator without such a knob as it is."""
    assert getattr(lighter(LinearDml(repetitions=5)), "repetitions", 0) == 1
    assert getattr(lighter(LinearDr(repetitions=5)), "repetitions", 0) == 3 and getattr(lighter(DrIv(repetitions=5)), "repetitions", 0) == 3
    assert lighter(LinearDr(repetitions=1)) == LinearDr(repetitions=1)


@pytest.mark.parametrize("name", ["linear_dml", "ortho_iv", "dr_iv"])
def test_a_learner_counts_the_people_behind_its_rows(name: str) -> None:
    """Closed form of CR1 with k = 1 + years − 1: rows as means of forty people each, all weighing alike, have (N − 1) / (N − k) of 40 n for that of n."""
    estimator, _, question, graph, strategy = LEARNERS[name]
    world = Moved(effect=1.0, authorities=200) if name.endswith("iv") else World(effect=1.0, authorities=200)
    panel = world.load()
    made = designed(panel, question, graph, strategy)  # type: ignore[arg-type]
    people = replace(made, weights=np.ones(made.rows), counts=np.full(made.rows, 40.0))
    one, other = (estimator.estimate(each, stream(1, "x")) for each in (made, people))  # type: ignore[attr-defined]
    assert one.inference.startswith("CR1") and other.effect == pytest.approx(one.effect, rel=1e-6)
    n, k = made.rows, len(made.years)
    assert (other.std_error / one.std_error) ** 2 == pytest.approx((40 * n - 1) / (40 * n - k) / ((n - 1) / (n - k)), rel=1e-6)


def test_an_estimator_that_kept_no_folds_is_fitted_whole_beside_the_median() -> None:
    """Identity: with nothing replaced and the stream of the answer itself, the whole estimator gives the answer back, and the median of its residuals too."""
    trial = tried("linear_dml")
    assert trial.score is not None
    bare = replace(trial.score, repetitions=tuple(replace(one, fold=None) for one in trial.score.repetitions))  # type: ignore[arg-type, type-var]
    outside = replace(trial, estimate=replace(trial.estimate, crossfitted=bare))
    every = np.ones((len(trial.design.clusters), 3))
    assert outside.score is not None and outside.score.folds is None
    whole, _ = outside.refitted("x", clusters=every)
    np.testing.assert_allclose(outside.relearnt("x", every), whole - trial.estimate.effect, rtol=1e-9)
    wrong = replace(trial.score, repetitions=tuple(replace(one, fold=np.zeros(3, dtype=np.int64)) for one in trial.score.repetitions))  # type: ignore[arg-type, type-var]
    assert wrong.folds is None


def test_places_that_only_a_sample_compares_go_where_fewest_are() -> None:
    """Planted: without the one place that has the first year the windows begin later, and ten more places have rows in both."""
    panel = World(effect=1.0, adoption=True, authorities=80).load()
    place, year = (panel.frame.index.get_level_values(name) for name in ("authority", "year"))
    first, names = int(year.min()), sorted(set(place))
    gone = ((year == first) & (place != names[0])) | ((year <= first + 1) & place.isin(names[70:]))
    few = replace(panel, frame=panel.frame[~gone])
    trial = trial_of(few, designed(few, replace(ADOPTION, modifiers=()), GRAPH, "backdoor"), LinearDr(folds=2))
    without = np.ones((len(trial.design.clusters), 1))
    without[trial.design.clusters.index(names[0]), 0] = 0.0
    assert np.isfinite(trial.relearnt("x", without)).all()
    found = kept_folds(replace(trial.design, folds={"A": 0, "B": 1, "C": 1}), ["C", "new", "A", "newer", "newest"])
    assert found is not None and found[[0, 2]].tolist() == [1, 0] and sorted(np.bincount(found)) == [2, 3]


def test_a_class_whose_knobs_take_no_fewer_is_asked_as_it_is() -> None:
    """By hand: a class from outside that refuses one cross-fit, and one whose `fewest` is no number."""

    class Refuses(LinearDml):
        fewest = "some"  # type: ignore[assignment]

        def __post_init__(self) -> None:
            if self.repetitions < 3:
                raise ValueError("three at least")

    own = Refuses(nuisance="ridge", repetitions=5)
    assert once(own) is own and lighter(own) is own
