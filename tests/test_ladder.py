"""The ladder of designs (benchmarks/ladder.py): answers against the library's, detectable effects against closed forms and fresh panels, and blindness."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from climb import written
from ladder import (
    HERE,
    Draws,
    World,
    after_choosing,
    blind,
    blinded,
    choose,
    confirmed,
    detectable,
    held,
    reach,
    simulate,
    unblinded,
    with_index,
    world,
)
from lengths import long
from rungs import SEEN, SPENT, Answers, Data, Grid, Rung, doses, log, mend, orthonormal, persistence, poisson, precision, series, without_doses
from scipy import stats

PLAIN = Rung(name="plain", title="plain", family="log", dose="log")


def england(places: int = 60, *, switches: int = 0, seed: int = 0) -> Data:
    """Centres' spending falls in steps that differ between places; plans have persistent shocks; `switches` places have one lasting switch of recording."""
    rng = np.random.default_rng(seed)
    spending = np.exp(rng.normal(4.6, 0.3, (places, 1)) + np.cumsum(np.column_stack([np.zeros(places), rng.normal(-0.15, 0.15, (places, 8))]), axis=1))
    for place in range(switches):
        spending[place, rng.integers(3, 7) :] *= np.exp(rng.choice([-1.0, 1.0]) * 1.25)
    shocks = rng.normal(0, 8, (places, len(SEEN)))
    for t in range(1, len(SEEN)):
        shocks[:, t] += 0.5 * shocks[:, t - 1]
    outcomes = {name: 60 + rng.normal(0, 10, (places, 1)) + shocks + rng.normal(0, 3, shocks.shape) for name in ("plans", "plans_started")}
    lasting = {"deprivation": rng.normal(20, 8, places), "starts_2010": rng.normal(40, 9, places)}
    earlier = {name: np.column_stack([np.full(places, np.nan), rng.normal(0, 1, (places, 8))]) for name in ("child_poverty", "spending_power")}
    return Data(spending=spending, outcomes=outcomes, children=rng.uniform(2e4, 2e5, places), lasting=lasting, earlier=earlier)


def answers(data: Data) -> Answers:
    spent = series(data.spending)
    return Answers(data, spent, blind(data, spent))


def dummies(rows: Grid, lasting: Grid | None = None) -> tuple[Grid, Grid, Grid, Grid]:
    """Place, year, place dummies and the other columns of the rows, written out."""
    place, year = np.nonzero(rows)
    years = (year[:, None] == np.arange(1, rows.shape[1])).astype(float)
    other = years if lasting is None else np.column_stack([years, years * lasting[place][:, None]])
    return place, year, (place[:, None] == np.arange(len(rows))).astype(float), other


def test_a_plain_rung_is_the_library_s_clustered_least_squares_on_rows_with_gaps() -> None:
    """causal.inference.clustered with CR2 and Satterthwaite's degrees of freedom (40 places are below its 50 clusters)."""
    from causal.inference.clustered import clustered_least_squares

    data = england(40)
    data.outcomes["plans"][3, 2] = data.outcomes["plans"][7, 5:8] = np.nan
    rung = replace(PLAIN, by_year=("deprivation",))
    ours = answers(data).answer(rung, np.nan_to_num(data.outcomes["plans"])[None])
    place, year, own, other = dummies(~np.isnan(data.outcomes["plans"]), data.lasting["deprivation"])
    outcome, dose = data.outcomes["plans"][place, year], log(data.spending)[place, year]
    within = np.linalg.qr(own)[0]
    other = np.linalg.qr(other - within @ (within.T @ other))[0]
    held_fixed = np.column_stack([within, other])
    outcome, dose = (column - held_fixed @ (held_fixed.T @ column) for column in (outcome, dose))
    theirs = clustered_least_squares(outcome, dose[:, None], other, place, 40, absorbed_rank=other.shape[1])
    assert "CR2" in theirs.inference
    assert (ours.rows, ours.authorities) == (40 * 9 - 4, 40)
    np.testing.assert_allclose([ours.slopes[0], ours.errors[0], ours.df], [theirs.coefficients[0], theirs.std_errors[0], theirs.df[0]], rtol=1e-8)
    assert float((ours.loads[~np.isnan(data.outcomes["plans"])] * data.outcomes["plans"][place, year]).sum()) == pytest.approx(ours.slopes[0])


def test_weights_and_whitening_are_aitken_s_generalised_least_squares_written_out() -> None:
    data = england(30)
    data.outcomes["plans"][4, 6] = np.nan
    made = answers(data)
    ours = made.answer(replace(PLAIN, weights=True, persistent=True), np.nan_to_num(data.outcomes["plans"])[None])
    noise = blind(data, made.spent)["plans"]
    shocks, weights = persistence(noise), precision(noise, data.children)
    place, year, own, other = dummies(~np.isnan(data.outcomes["plans"]))
    inverse = np.linalg.inv(np.where(place[:, None] == place, shocks[np.ix_(year, year)] / weights[place][:, None], 0.0))
    columns = np.column_stack([log(data.spending)[place, year], own, other])
    theirs = np.linalg.solve(columns.T @ inverse @ columns, columns.T @ inverse @ data.outcomes["plans"][place, year])
    assert ours.slopes[0] == pytest.approx(theirs[0], rel=1e-8)


def test_persistence_and_precision_are_found() -> None:
    """Planted: autocorrelation .6 (after authority means are out), variance 20 + 60 × (mean size ÷ size)."""
    rng = np.random.default_rng(3)
    size = rng.uniform(2e4, 2e5, 3000)
    noise = rng.normal(size=(3000, len(SEEN)))
    for t in range(1, len(SEEN)):
        noise[:, t] = 0.6 * noise[:, t - 1] + 0.8 * noise[:, t]
    shocks = persistence(noise - noise.mean(axis=1, keepdims=True))
    assert shocks[0, 1] / shocks[0, 0] == pytest.approx(0.6, abs=0.06)
    weights = precision(rng.normal(size=(3000, len(SEEN))) * np.sqrt(20 + 60 * size.mean() / size)[:, None], size)
    expected = 1 / (20 + 60 * size.mean() / size)
    np.testing.assert_allclose(weights, expected / expected.mean(), rtol=0.1)


def test_poisson_is_the_shelf_s() -> None:
    """`poisson_fixed_effects` of the toolkit, on the same counts and exposure."""
    import pandas as pd

    from causal.design import design
    from causal.estimators.poisson_fixed_effects import poisson as theirs
    from causal.graph import Graph
    from causal.identify import identify
    from causal.panel import Panel, Variable
    from causal.question import Question

    data = england(55)
    rates = np.maximum(data.outcomes["plans"], 1.0)
    exposure = np.tile((data.children / data.children.mean())[:, None], (1, len(SEEN)))
    index = pd.MultiIndex.from_product([[f"{i:02d}" for i in range(55)], SEEN], names=["authority", "year"])
    frame = pd.DataFrame({"dose": log(data.spending).ravel(), "plans": rates.ravel()}, index=index)
    why = {"because": "a test"}
    arrows = {"authority": {"dose": why, "plans": why}, "year": {"dose": why, "plans": why}, "dose": {"plans": why}}
    graph = Graph(name="g", nodes={"authority": {"varies": "authority"}, "year": {"varies": "year"}, "dose": {}, "plans": {}}, arrows=arrows)
    question = Question(treatment="dose", outcome="plans", control=0.0, treated=1.0, smallest_important=1.0, because="a test")
    panel = Panel(
        frame=frame,
        variables=tuple(Variable(name=n, label=n, unit="x", source="made up") for n in frame),
        places=pd.DataFrame({"name": ""}, index=index.unique("authority")),
        title="p",
    )
    made = design(panel, question, identify(question, graph, measured=panel.names))
    fit, _, _ = theirs(made, exposure.ravel(), made.treatment[:, None])
    ours = poisson(rates, exposure, log(data.spending))
    assert ours.slopes[0] == pytest.approx(fit.coefficients[0], rel=1e-6)
    assert ours.errors[0] == pytest.approx(fit.std_errors[0], rel=0.1)  # theirs is CR1 or CR2 by the effective clusters, ours CR2


def clean(data: Data) -> World:
    """Spending is recorded as it was; noise is dealt among all."""
    return World(
        data=data, truth=data.spending, spoilt=np.ones(data.spending.shape), noise=blind(data, series(data.spending)), strata=np.zeros(len(data.children))
    )


def test_without_switches_the_detectable_effect_is_bloom_s() -> None:
    """(t of .975 + t of .8) × standard error, Bloom 1995, within Monte Carlo error; and no effect is found in one of twenty."""
    draws = simulate([PLAIN], clean(england(60)), panels=500, seed=1, name="clean")["plain"]
    effect, error = detectable(draws)
    closed = float(reach(np.median(draws.df)) * np.sqrt(draws.errors[:, 0].mean()))
    assert abs(effect - closed) < 4 * error < closed
    assert draws.each == pytest.approx(1.0)
    assert held(draws.holds(0.0))["holds"]
    assert held(draws.holds(effect))["holds"]


@pytest.mark.parametrize(("jump", "keeps"), [(None, False), (1.0, True)])
def test_an_effect_of_true_spending_is_found_at_the_promised_rate_on_fresh_panels(jump: float | None, keeps: bool) -> None:
    """Fresh panels, the effect added to the outcome itself; where nothing is repaired the estimate is drawn to 0 and its interval misses the truth."""
    at = world(england(100, switches=4), 1.0, 3)
    rung = replace(PLAIN, jump=jump)
    draws = simulate([rung], at, panels=400, seed=1, name="first")["plain"]
    effect, _ = detectable(draws)
    found, covered, panels = 0, 0, 300
    for panel in range(panels):
        data = at.permute(np.random.default_rng(10_000 + panel))
        data = replace(data, outcomes={**data.outcomes, "plans": data.outcomes["plans"] + effect * at.dose("log")})
        fit = answers(data).answer(rung, data.outcomes["plans"][None])
        half = stats.t.ppf(0.975, fit.df) * fit.errors[0]
        found += fit.slopes[0] > half
        covered += abs(fit.slopes[0] - effect) <= half
    assert stats.binomtest(found, panels, 0.8).pvalue > 0.001
    assert (draws.each.mean() > 0.9) == keeps
    assert (covered / panels > 0.88) == keeps


def test_an_effect_in_the_outcome_is_not_seen_blinded_and_changes_no_choice() -> None:
    data = england(50, switches=15)
    spent = series(data.spending)
    rungs = [
        Rung(name=f"{jump} {both}", title="", family="log", dose="log", jump=jump, weights=both, persistent=both)
        for jump in (None, 1.0)
        for both in (False, True)
    ]
    seen = []
    for effect in (0.0, 25.0):
        changed = replace(data, outcomes={"plans": data.outcomes["plans"] + effect * (log(spent[1.0]) - 2 * log(spent[None]))})
        noise = blind(changed, spent)
        made = Answers(changed, spent, noise)
        seen.append([noise["plans"].ravel()] + [made.answer(rung, noise["plans"][None]).errors for rung in rungs])
    for one, other in zip(*seen, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)


def test_the_choice_is_each_panel_s_own_and_its_coverage_that_of_what_was_chosen() -> None:
    """Two rungs made by hand: in every other panel the second has the smaller error, and is the one whose interval misses."""
    turn = np.arange(100) % 2 == 1

    def rung(none: Grid, error: Grid) -> Draws:
        square = np.column_stack([error**2, np.zeros(100), np.zeros(100)])
        return Draws(none=none, each=np.ones(100), errors=square, seen=square, df=np.full(100, 60.0))

    draws = {"a": rung(np.zeros(100), np.ones(100)), "b": rung(np.where(turn, 5.0, 0.0), np.where(turn, 0.5, 2.0))}
    chosen, often = choose(draws, {"a": 1.0, "b": 1.0}, ["a", "b"], 0.0)
    assert often == {"a": 0.5, "b": 0.5}
    np.testing.assert_array_equal(chosen.none, np.where(turn, 5.0, 0.0))
    assert after_choosing(draws, {"a": 1.0, "b": 1.0}, ["a", "b"], 1.5)["at_none"]["coverage"] == 0.5
    assert after_choosing(draws, {"a": 1.0, "b": 0.2}, ["a", "b"], 1.5)["chosen"] == {"a": 1.0}  # what keeps a fifth of an effect detects five times as much


def test_a_dose_is_told_in_halvings_and_says_whom_it_leaves_out() -> None:
    spending = np.tile(np.linspace(100.0, 20.0, len(SPENT)), (4, 1))
    spending[1] = spending[1] / 10  # £10 in 2010-11: no base
    spending[2, 4] = 300.0  # three times 2010-11
    spending[3, 5:] = 0.0
    spent = series(spending)
    share_of, both = doses(Rung(name="s", title="", family="share", dose="share", last=2019), spent)
    np.testing.assert_array_equal(share_of, both)
    np.testing.assert_allclose(share_of[0, :8], 2 * (1 - spending[0, :8] / 100))
    assert np.isnan(share_of[[1, 2]]).all()
    assert share_of[3, 6] == 2.0
    assert np.isnan(share_of[:, -1]).all()  # outcomes of 2020 are not taken
    assert log(np.array([[80.0, 40.0, 5.0, 0.0]]), 5.0)[0] == pytest.approx([-np.log2(80), -np.log2(40), np.nan, np.nan], nan_ok=True)
    assert np.isnan(mend(spending, 1.0)[3, 5:]).all()
    assert np.isfinite(
        world(Data(spending=spending[[0, 3]], outcomes={"plans": np.random.default_rng(0).normal(size=(2, 9))}, children=np.ones(2)), 1.0, 1).truth
    ).all()


def test_every_rung_reaches_the_page(tmp_path: Path) -> None:
    """The committed plan on a small panel with few draws, from blinding to figure."""
    plan = yaml.safe_load((HERE / "ladder.yaml").read_text(encoding="utf-8")) | {"panels": 4, "confirm": 4, "counts": 2, "index": ["plans", "plans_started"]}
    data, index = with_index(england(60, switches=15), plan["index"])
    data = replace(data, outcomes={name: np.maximum(one, 1.0) if name.startswith("plans") else one for name, one in data.outcomes.items()})
    known = confirmed(data, plan, blinded(data, plan, index))
    written(plan, known, unblinded(data, plan), tmp_path)
    text = (tmp_path / "ladder.md").read_text(encoding="utf-8")
    assert all(one["title"] in text for one in (*plan["rungs"], *plan["counts_rungs"]))
    assert f"**{known['rungs'][known['families']['share']['chosen']]['title']}**" in text
    assert (tmp_path / "ladder.png").read_bytes().startswith(b"\x89PNG")
    assert orthonormal(np.ones((5, 2))).shape == (5, 1)
    assert without_doses(np.ones((1, 60, 9)), series(data.spending)) == pytest.approx(0.0)


def test_waves_of_a_region_stay_together_when_they_are_dealt_and_errors_by_region_allow_for_them() -> None:
    """Half of an outcome's variance is a region's, doses differ by region. By authority errors find what is not there, by region far less often."""
    from ladder_2025 import Waves

    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(9), 10)
    plain = england(90)
    steps = rng.normal(-0.15, 0.15, (9, len(SPENT)))[groups]
    data = replace(plain, spending=np.exp(4.6 + np.cumsum(steps, axis=1)) * np.exp(rng.normal(0, 0.05, plain.spending.shape)), groups=groups)
    ways = rng.normal(0, 8, (9, len(SEEN)))
    still = World(data=data, truth=data.spending, spoilt=np.ones(data.spending.shape), noise=blind(data, series(data.spending)), strata=np.zeros(90))
    at = Waves(data=data, truth=still.truth, spoilt=still.spoilt, noise=still.noise, strata=still.strata, waves={"plans": ways, "plans_started": ways})
    alone = replace(at, noise={"plans": np.zeros((90, len(SEEN)))})
    dealt = alone.permute(np.random.default_rng(1)).outcomes["plans"]
    assert all(np.ptp(dealt[groups == code], axis=0).max() == 0 for code in range(9))
    # each region has one whole wave, of another region, with a sign by lot
    found = np.isclose(np.abs(dealt[::10, None]), np.abs(ways)[None]).all(axis=2)
    assert (found.sum(axis=0) == 1).all()
    assert (found.sum(axis=1) == 1).all()
    rungs = [replace(PLAIN, name="authority"), replace(PLAIN, name="region", grouped=True)]
    draws = simulate(rungs, at, panels=200, seed=1, name="waves")
    wrong = {name: float(one.found(0.0).mean()) for name, one in draws.items()}
    assert wrong["authority"] > 1.8 * wrong["region"]
    assert wrong["region"] < 0.2  # nine groups of unequal weight: not 5 %, which is why coverage is looked at for every rung


@long
def test_the_ladder_to_2025_reaches_its_page(tmp_path: Path) -> None:
    """The committed plan on small made-up records, from blinding to figure; no result is read that the rungs did not give."""
    import ladder_2025 as later

    plan = yaml.safe_load((HERE / "ladder_2025.yaml").read_text(encoding="utf-8")) | {"panels": 2, "confirm": 2, "counts": 1, "worlds": [1.0, 1.5]}
    groups = np.repeat(np.arange(6), 10)
    centres = england(60, switches=12)
    centres = replace(centres, outcomes={name: np.maximum(one, 1.0) for name, one in centres.outcomes.items()}, groups=groups)
    centres.lasting.update({f"region {code}": (groups == code).astype(float) for code in range(1, 6)})  # type: ignore[attr-defined]
    records = {"centres": replace(centres, second=centres.spending * 1.1), "total": centres}
    known = later.together({record: later.blinded(record, data, plan) for record, data in records.items()})
    known = later.together({record: later.confirmed(record, data, plan, later.apart(known, record, plan)) for record, data in records.items()})
    found = {name: one for record, data in records.items() for name, one in later.unblinded(record, data, plan).items()}
    later.written(plan, known, found, tmp_path)
    text = (tmp_path / "ladder_2025.md").read_text(encoding="utf-8")
    assert all(one["title"] in text for one in (*plan["rungs"], *plan["counts_rungs"]))
    assert all(one["title"] in text for one in plan["families"].values())
    assert (tmp_path / "ladder_2025.png").read_bytes().startswith(b"\x89PNG")
