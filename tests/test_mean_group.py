"""Places' own slopes and their plain average: against one regression written out in full, and against a planted truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from worlds import ADOPTION, GRAPH, QUESTION, World, designed, without

from causal.analysis import analyse
from causal.answer import answered
from causal.design import Design
from causal.draws import stream
from causal.errors import ConfigError, DesignError, EstimationError
from causal.estimators.doubly_robust import LinearDr
from causal.estimators.dowhy_glm import DowhyGlm
from causal.estimators.fixed_effects import FirstDifference, FixedEffects
from causal.estimators.mean_group import MeanGroup
from causal.estimators.propensity import PropensityWeighting
from causal.estimators.staggered import CallawaySantAnna, Imputation, SunAbraham
from causal.panel import Panel
from causal.refuters.estimator_agreement import EstimatorAgreement
from causal.trial import Trial

RNG = stream(1, "x")
UNBALANCED = designed(without(World(effect=3.0, authorities=40).load(), keep=0.85, seed=3))


def written_out(design: Design) -> tuple[np.ndarray, np.ndarray]:
    """Slopes of all places by numpy's least squares on dummies of places and years, controls, and the treatment in each place."""
    places = (design.authority[:, None] == np.arange(len(design.authorities))).astype(float)
    own = places * design.treatment[:, None]
    spread = np.array([np.ptp(design.treatment[design.authority == i]) for i in range(len(design.authorities))])
    moving = np.flatnonzero(spread > 0)
    matrix = np.column_stack([own[:, moving], places, design.year_dummies(), design.controls])
    scale = np.linalg.norm(matrix, axis=0)
    slopes, *_ = np.linalg.lstsq(matrix / scale, design.outcome, rcond=1e-11)
    return moving, (slopes / scale)[: len(moving)]


def test_the_mean_of_slopes_is_that_of_one_regression_with_every_dummy_written_out() -> None:
    """numpy.linalg.lstsq on an unbalanced panel with controls."""
    _, slopes = written_out(UNBALANCED)
    made = MeanGroup().estimate(UNBALANCED, RNG)
    assert made.effect == pytest.approx(float(slopes.mean()) * 0.5, rel=1e-7)
    assert made.diagnostics["lowest slope × contrast"] == pytest.approx(float(slopes.min()) * 0.5, rel=1e-6)
    assert made.estimand.weighting == "places" and made.same_effect(FixedEffects().estimate(UNBALANCED, RNG))


def test_groups_are_means_of_the_same_slopes() -> None:
    """The slopes written out, averaged by fifth of deprivation."""
    moving, slopes = written_out(UNBALANCED)
    made = MeanGroup().estimate(UNBALANCED, RNG)
    [fifths] = UNBALANCED.modifiers
    of = np.array([fifths.codes[UNBALANCED.authority == i][0] for i in moving])
    means = [float(slopes[of == g].mean()) * 0.5 for g in range(5)]
    assert [p.effect for p in made.parts] == pytest.approx(means, rel=1e-6)


def test_places_where_nothing_moves_are_named_and_still_tell_the_years() -> None:
    """Adoption: those never treated have no slope; without them the slopes are others."""
    design = designed(World(effect=3.0, adoption=True, authorities=40).load(), replace(ADOPTION, target="ATE"))
    moving, slopes = written_out(design)
    made = MeanGroup().estimate(design, RNG)
    assert made.effect == pytest.approx(float(slopes.mean()), rel=1e-7)
    still = [name for i, name in enumerate(design.authorities) if i not in moving]
    assert still
    [said] = [note for note in made.notes if "No slope of their own" in note]
    assert all(name in said for name in still)
    assert made.authorities == 40


def varying(seed: int, places: int = 60, years: int = 8) -> tuple[Panel, float]:
    """Effects that go with the treatment's own spread, and the mean of all places' effects."""
    rng = np.random.default_rng(seed)
    panel = World(authorities=places, years=years, seed=seed).load()
    spread = np.exp(0.6 * rng.normal(size=places))
    effect = 1 + 2 * spread
    d = spread[:, None] * rng.normal(size=(places, years)) + rng.normal(size=(places, 1)) + 0.3 * np.arange(years)
    y = effect[:, None] * d + 3 * rng.normal(size=(places, 1)) + rng.normal(size=years) + rng.normal(size=(places, years))
    frame = panel.frame.assign(cut=d.ravel(), plans=y.ravel())
    return replace(panel, frame=frame), float(effect.mean()) * 0.5


def test_it_holds_the_average_where_effects_go_with_variance_and_fixed_effects_do_not() -> None:
    """Planted: places' slopes; the mean over the places drawn. Exact binomial bounds at 1 in 1,000."""
    panels = 120
    held = np.zeros(2)
    for seed in range(panels):
        panel, truth = varying(seed)
        design = designed(panel)
        for i, estimator in enumerate((MeanGroup(), FixedEffects())):
            made = estimator.estimate(design, RNG)
            assert made.lower is not None and made.upper is not None
            held[i] += made.lower <= truth <= made.upper
    assert held[0] >= stats.binom(panels, 0.95).ppf(0.001)
    assert held[1] < 0.5 * panels


def test_of_slopes_without_noise_the_error_is_that_of_a_mean() -> None:
    """Planted slopes, places and years, and nothing else: the standard deviation between slopes (n − 1) over the root of n."""
    design = designed(World(authorities=12).load())
    slopes = np.random.default_rng(4).normal(3, 1, size=12)
    outcome = slopes[design.authority] * design.treatment + 5.0 * design.authority + 0.3 * (design.year - 2011.0) ** 2
    made = MeanGroup().estimate(replace(design, outcome=outcome), RNG)
    assert made.effect == pytest.approx(slopes.mean() * 0.5, rel=1e-6)
    assert made.std_error == pytest.approx(slopes.std(ddof=1) / np.sqrt(12) * 0.5, rel=1e-6)


def test_the_error_is_that_of_drawing_places_again() -> None:
    """The spread of the estimate over worlds in which places and noise are drawn anew, beside the mean of its own variances."""
    made = [MeanGroup().estimate(designed(varying(seed)[0]), RNG) for seed in range(1000, 1150)]
    spread = np.std([one.effect for one in made], ddof=1)
    own = np.sqrt(np.mean([one.std_error**2 for one in made if one.std_error]))
    assert own == pytest.approx(spread, rel=0.2)  # the standard deviation of 150 draws is known within 6 %


def test_scale_order_and_seed_move_nothing() -> None:
    """Treatment and outcome in other units, rows in another order."""
    one = MeanGroup().estimate(UNBALANCED, RNG)
    scaled = replace(UNBALANCED, treatment=1000 * UNBALANCED.treatment, outcome=1e-6 * UNBALANCED.outcome)
    other = MeanGroup().estimate(scaled, stream(9, "y"))
    assert other.effect == pytest.approx(one.effect * 1e-9, rel=1e-7)
    assert other.std_error == pytest.approx((one.std_error or 0) * 1e-9, rel=1e-7)


def test_what_it_cannot_do_is_said() -> None:
    """Weights, too few places that move, and two years in which all move."""
    weighed = designed(World(effect=3.0).load(), replace(UNBALANCED.question, weights="children"))
    with pytest.raises(DesignError, match="every authority once"):
        MeanGroup().estimate(weighed, RNG)
    few = replace(UNBALANCED, treatment=np.where(UNBALANCED.authority < 5, UNBALANCED.treatment, 0.5))
    with pytest.raises(DesignError, match="moves in 5 places, and slopes of at least 10 are wanted"):
        MeanGroup().estimate(few, RNG)
    two = designed(World(effect=3.0, years=2).load())
    with pytest.raises(EstimationError, match=r"own slopes that can be told from the year effects and controls, got ones that cannot \(with two years"):
        MeanGroup().estimate(two, RNG)
    with pytest.raises(ConfigError, match="fewest"):
        MeanGroup(fewest=2)


def tried(panel: Panel, **question: object) -> Trial:
    """Fixed effects on the panel."""
    asked = replace(QUESTION, **question)
    analysis = analyse(panel, asked, GRAPH)
    return Trial.of(analysis, FixedEffects(), answered(FixedEffects(), analysis.must(""), RNG), seed=1, workers=1, progress=False)


def test_another_weighting_is_shown_and_is_a_fault_only_where_places_alike_are_asked_for() -> None:
    """Planted: effects that go with the treatment's own spread."""
    panel, _ = varying(3, places=400)
    check = EstimatorAgreement(estimators=(MeanGroup(),))
    shown = check.refute(tried(panel), RNG)
    assert shown.survived is None and "Another weighting, and no fault of either: mean group counts places alike" in (shown.reason or "")
    both = EstimatorAgreement(estimators=(MeanGroup(), FirstDifference())).refute(tried(panel), RNG)
    assert both.numbers["estimators compared"] == 1 and both.numbers["mean_group: difference"] is not None
    asked = tried(panel, places_alike=True)
    held = check.refute(asked, RNG)
    assert held.survived is False and (held.p_value or 1) < 0.01
    ours, theirs = asked.estimate, MeanGroup().estimate(asked.design, RNG)
    assert held.bias == pytest.approx(ours.effect - theirs.effect)
    assert any("asks for the average of places alike" in said for said in ours.concerns)
    assert not any("places alike" in said for said in tried(panel).estimate.concerns)
    with pytest.raises(ConfigError, match="take one of them"):
        replace(QUESTION, places_alike=True, weights="children")


def test_adopters_and_rows_of_one_place_each_are_asked_of_their_own_kind() -> None:
    """Adoption beside adoption, one row an authority beside its like and in its windows."""
    panel = World(effect=3.0, adoption=True, authorities=80).load()
    check = EstimatorAgreement(
        estimators=(FixedEffects(),), adoption=(SunAbraham(), Imputation(), CallawaySantAnna()), one_row=(PropensityWeighting(), DowhyGlm())
    )
    for estimator, question, others in (
        (CallawaySantAnna(), replace(ADOPTION, target="ATT"), {"sun_abraham", "imputation"}),
        (LinearDr(after=(2018, 2018), repetitions=1), ADOPTION, {"propensity_weighting", "dowhy_glm"}),
    ):
        analysis = analyse(panel, question, GRAPH, estimator=estimator)
        trial = Trial.of(analysis, estimator, answered(estimator, analysis.must(""), RNG), seed=1, workers=1, progress=False)
        found = check.refute(trial, RNG)
        assert {name.partition(":")[0] for name in found.numbers if name.endswith(": effect")} == others, found
