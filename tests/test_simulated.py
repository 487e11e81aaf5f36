"""The simulated world: is its planted truth the truth, do its shapes match England's, and does each fault do its harm?"""

from __future__ import annotations

import inspect
import time
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from causal.errors import ConfigError
from causal.question import Question
from causal.sources.machinery.world import rank
from causal.sources.simulated import Simulated

SEEDS = range(60)


def closing(**changes: Any) -> Question:
    about: dict[str, Any] = {"treatment": "closures", "outcome": "plans", "control": 0.0, "treated": 0.5, "lag": 2}
    return Question(**(about | {"smallest_important": 2.0, "because": "a test"} | changes))


def spending(**changes: Any) -> Question:
    return closing(treatment="centre_spending", control=1.0, treated=0.5, lag=1, **changes)


def table(panel: Any, name: str) -> np.ndarray:
    """A column as (authorities, years)."""
    return panel.frame[name].to_numpy().reshape(-1, len(panel.years))


def within(values: np.ndarray) -> np.ndarray:
    return values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()


def regress(panel: Any, *, lag: int = 2, outcome: str = "plans", adjusted: bool = True, fixed: bool = True) -> tuple[float, float]:
    """Effect and clustered error of half-closure: two-way (or year) effects, deprivation × year, and the causes of closing in its year."""
    y = table(panel, outcome)[:, lag:]
    authorities, years = y.shape
    columns = [table(panel, "closures")[:, :years]]
    if adjusted:
        columns += [table(panel, name)[:, :years] for name in ("spending_power", "child_poverty", "children")]
        columns += [table(panel, "deprivation")[:, :years] * (np.arange(years) == t) for t in range(1, years)]
    demean = within if fixed else (lambda values: values - values.mean(axis=0))
    x = np.stack([demean(column).ravel() for column in columns], axis=1)
    x /= x.std(axis=0)
    y = demean(y).ravel()
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    scores = (x * (y - x @ beta)[:, None]).reshape(authorities, years, -1).sum(axis=1)
    bread = np.linalg.inv(x.T @ x)
    variance = bread @ scores.T @ scores @ bread * authorities / (authorities - 1)
    half = 0.5 / demean(columns[0]).std()
    return half * beta[0], half * float(np.sqrt(variance[0, 0]))


@lru_cache(maxsize=32)
def answers(knobs: tuple[tuple[str, float], ...] = (), adjusted: bool = True, fixed: bool = True, outcome: str = "plans") -> np.ndarray:
    """Estimates and errors over SEEDS, shape (seeds, 2)."""
    panels = (Simulated(seed=seed, **dict(knobs)).load() for seed in SEEDS)  # type: ignore[arg-type]
    return np.array([regress(panel, adjusted=adjusted, fixed=fixed, outcome=outcome) for panel in panels])


def shift(fault: tuple[tuple[str, float], ...]) -> tuple[float, float]:
    """By how much a fault moves the same seeds' estimates, and the Monte Carlo error of that."""
    moved = answers(fault)[:, 0] - answers()[:, 0]
    return float(moved.mean()), float(moved.std(ddof=1) / np.sqrt(len(moved)))


# --- the panel ---------------------------------------------------------------------------------------------------


def test_panel_is_whole_labelled_and_said_to_be_simulated() -> None:
    panel = Simulated().load()
    assert panel.simulated
    assert panel.years == tuple(range(2011, 2020))
    assert len(panel.authorities) == 150
    assert not panel.frame.isna().any().any()
    assert "need" not in panel.names
    assert all(v.label and v.unit and v.source.startswith("simulated: ") for v in panel.variables)
    assert any("SIMULATED" in note for note in panel.notes)
    assert panel.planted["effect"] == 6.0
    assert panel.places["name"].is_unique
    assert panel.places["region"].nunique() == 9
    for name in ("deprivation", "grant_dependence"):
        assert panel.variable(name).varies == "authority"
        assert (table(panel, name) == table(panel, name)[:, :1]).all()
    for name in ("referrals", "section47", "plans", "looked_after", "unrelated"):
        assert panel.variable(name).count_per == 10_000
        assert (table(panel, name) >= 0).all()
    closures = table(panel, "closures")
    assert closures.min() == 0
    assert closures.max() <= 1
    assert (np.diff(closures, axis=1) >= 0).all()
    assert (closures[:, 0] == 0).all()
    assert (table(panel, "centre_spending")[:, 0] == 1).all()


def test_names_stay_unique_in_large_worlds() -> None:
    panel = Simulated(authorities=1500, years=4).load()
    assert panel.places["name"].is_unique
    assert list(panel.places.index) == sorted(panel.places.index)


def test_same_seed_same_bytes() -> None:
    assert Simulated().load().digest == Simulated().load().digest
    assert Simulated().load().digest != Simulated(seed=1).load().digest


def test_one_panel_is_quick() -> None:
    Simulated().load()
    times = []
    for seed in range(5):
        start = time.perf_counter()
        Simulated(seed=seed).load()
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


def test_no_knob_moves_anothers_draws() -> None:
    plain = Simulated().load().frame
    same = {
        "effect": ["closures", "centre_spending", "other_prevention", "unrelated"],
        "pre_trend": ["closures", "centre_spending", "unrelated"],
        "anticipation": ["closures", "centre_spending", "unrelated"],
        "unobserved_confounding": ["closures", "centre_spending"],
        "switches": [name for name in plain.columns if not name.startswith("centre_")],
        "authority_confounding": ["centre_spending", "unrelated", "child_poverty"],
        "observed_confounding": ["unrelated", "spending_power", "other_prevention"],
        "shock_persistence": ["closures", "centre_spending", "child_poverty"],
    }
    for knob, names in same.items():
        value = 0.9 if knob == "switches" else 0.7
        changed = Simulated(**{knob: value}).load().frame  # type: ignore[arg-type]
        assert changed[names].equals(plain[names]), knob
        assert not changed.equals(plain), knob
    shorter = Simulated(years=6).load()
    assert np.array_equal(table(shorter, "plans"), table(Simulated().load(), "plans")[:, :6])


def test_the_effect_travels_along_the_arrows() -> None:
    none, some = Simulated(effect=0.0).load(), Simulated(effect=4.0).load()
    lagged = table(none, "closures")[:, :-2]
    rise = {name: (table(some, name) - table(none, name))[:, 2:] for name in ("referrals", "section47", "plans", "unrelated")}
    multiplier = 1 + 0.5 * 2.5 * (rank(table(none, "deprivation")[:, 0]) - 0.5)
    floored = table(none, "plans")[:, 2:] == 0
    assert np.allclose(np.where(floored, 0, rise["plans"]), np.where(floored, 0, 2 * 4.0 * multiplier[:, None] * lagged), atol=1e-9)
    assert (rise["referrals"][lagged > 0] > rise["section47"][lagged > 0]).all()
    assert (rise["section47"][lagged > 0] > rise["plans"][lagged > 0]).all()
    assert (rise["unrelated"] == 0).all()


# --- the truth ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [1, 2])
def test_truth_is_what_was_planted(delay: int) -> None:
    truth = Simulated(effect=3.0, delay=delay).truth(closing(lag=delay))
    assert truth.ate == pytest.approx(3.0)
    assert truth.by_fifth == pytest.approx((1.5, 2.25, 3.0, 3.75, 4.5))
    assert abs(truth.att - 3.0) < 0.5
    assert abs(truth.child_weighted - 3.0) < 0.5
    assert "+3.00" in truth.words
    flat = Simulated(effect=3.0, delay=delay, heterogeneity=0.0).truth(closing(lag=delay))
    assert (flat.ate, flat.att, flat.child_weighted) == pytest.approx((3.0, 3.0, 3.0))


def test_truth_does_not_move_with_the_faults() -> None:
    for fault in ({"unobserved_confounding": 8.0}, {"pre_trend": 1.0}, {"feedback": 0.5}, {"anticipation": 4.0}):
        assert Simulated(**fault).truth(closing()).ate == pytest.approx(6.0)


def test_carryover_builds_the_effect_up() -> None:
    assert Simulated(carryover=0.5).truth(closing()).ate == pytest.approx(12.0, rel=0.01)


def test_truth_follows_the_path_of_each_treatment() -> None:
    world = Simulated(delay=1)
    halved = world.truth(spending())
    assert 0.2 < halved.ate < 1.5
    assert world.truth(spending()).words.startswith("centre_spending at 0.5 instead of 1")
    assert world.truth(closing(outcome="unrelated")).ate == 0
    assert Simulated().truth(closing(outcome="referrals")).ate == pytest.approx(6.0 / 0.294**2)
    assert Simulated(effect=0.0, delay=1).truth(spending()).ate == 0
    assert Simulated().truth(closing(treatment="child_poverty", control=20.0, treated=25.0)).ate == pytest.approx(6.0, abs=0.5)


def test_truth_refuses_what_it_cannot_answer() -> None:
    with pytest.raises(ConfigError, match="of which the simulated world has a truth, got 'deprivation'"):
        Simulated().truth(closing(treatment="deprivation"))
    with pytest.raises(ConfigError, match="of which the simulated world has a truth"):
        Simulated().truth(closing(outcome="happiness"))
    with pytest.raises(ConfigError, match=r"question\.lag"):
        Simulated().truth(closing(lag=9))


# --- estimators in the clean world and under faults --------------------------------------------------------------


@pytest.mark.parametrize("knobs", [(), (("effect", 0.0),), (("heterogeneity", 0.0),)], ids=["default", "no effect", "one effect"])
def test_two_way_fixed_effects_are_right_in_the_clean_world(knobs: tuple[tuple[str, float], ...]) -> None:
    estimates, errors = answers(knobs).T
    planted = dict(knobs).get("effect", 6.0)
    sd = estimates.std(ddof=1)
    assert abs(estimates.mean() - planted) <= 3 * sd / np.sqrt(len(estimates)) + 0.1 * sd
    assert 1.0 < errors.mean() < 1.8
    assert errors.mean() == pytest.approx(sd, rel=0.3)
    assert (np.abs(estimates - planted) < 1.976 * errors).mean() >= 0.85


def test_a_plain_comparison_hides_the_harm() -> None:
    plain = answers(adjusted=False, fixed=False)[:, 0]
    assert plain.mean() < 6.0 - 2.0
    assert plain.mean() < 6.0 - 4 * plain.std(ddof=1) / np.sqrt(len(plain))


def test_leaving_out_the_observed_confounders_biases_downward() -> None:
    moved = answers(adjusted=False)[:, 0] - answers()[:, 0]
    assert moved.mean() < -0.3
    assert moved.mean() < -4 * moved.std(ddof=1) / np.sqrt(len(moved))
    off = (("observed_confounding", 0.0),)
    gone = answers(off, adjusted=False)[:, 0] - answers(off)[:, 0]
    assert abs(gone.mean()) < 3 * gone.std(ddof=1) / np.sqrt(len(gone)) + 0.1


@pytest.mark.parametrize(
    ("fault", "least"),
    [
        ({"unobserved_confounding": 8.0}, 1.0),
        ({"pre_trend": 0.5}, 1.0),
        ({"feedback": 0.3}, -0.5),
        ({"anticipation": 4.0}, -0.5),
        ({"carryover": 0.5}, 0.5),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_fault_moves_fixed_effects_its_own_way(fault: dict[str, float], least: float) -> None:
    moved, error = shift(tuple(fault.items()))
    assert np.sign(moved) == np.sign(least)
    assert abs(moved) > abs(least)
    assert abs(moved) > 4 * error


def test_negative_control_is_unmoved_unless_something_unseen_drives_both() -> None:
    clean = answers(outcome="unrelated")[:, 0]
    assert abs(clean.mean()) <= 3 * clean.std(ddof=1) / np.sqrt(len(clean)) + 0.1 * clean.std(ddof=1)
    moved = answers((("unobserved_confounding", 8.0),), outcome="unrelated")[:, 0] - clean
    assert moved.mean() > 1.0


# --- shapes of the real panel ------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def moments() -> dict[str, Any]:
    """Means over 25 seeds of what was published for 2018 and 2013 to 2018."""
    every: dict[str, list[Any]] = {}
    for seed in range(100, 125):
        panel = Simulated(seed=seed).load()
        at = panel.years.index(2018)
        now = {name: table(panel, name)[:, at] for name in panel.names}
        found: dict[str, Any] = {name: np.array([v.mean(), v.std(ddof=1), *np.percentile(v, [5, 50, 95])]) for name, v in now.items()}
        for name in ("deprivation", "referrals", "centre_spend_per_child"):
            found[f"plans ~ {name}"] = np.corrcoef(now["plans"], now[name])[0, 1]
        fifth = (rank(now["deprivation"]) * 5).astype(int)
        found["fifths"] = np.array([now["plans"][fifth == k].mean() for k in range(5)])
        window = table(panel, "plans")[:, 2:8]
        left = within(window)
        found["between"] = window.mean(axis=1).std(ddof=1)
        found["residual"] = left.std()
        found["persistence"] = np.corrcoef(left[:, 1:].ravel(), left[:, :-1].ravel())[0, 1]
        spend = table(panel, "centre_spend_per_child")
        known = spend[:, 2] > 0
        cut = 1 - spend[known, at] / spend[known, 2]
        found |= {"median cut": np.median(cut), "cut by half": (cut > 0.5).mean()}
        found["cut ~ deprivation"] = np.corrcoef(np.maximum(cut, -1), now["deprivation"][known])[0, 1]
        closures = table(panel, "closures")
        found |= {"closed": closures.mean(axis=0), "largest sixteen": np.sort(closures[:, -1])[-16:].sum() / closures[:, -1].sum()}
        found["grant ~ spending power"] = np.corrcoef(now["grant_dependence"], now["spending_power"])[0, 1]
        found["grant ~ deprivation"] = np.corrcoef(now["grant_dependence"], now["deprivation"])[0, 1]
        children = table(panel, "children")
        for name in ("plans", "section47", "referrals"):
            found[f"national {name}"] = (table(panel, name) * children).sum(axis=0) / children.sum(axis=0)
        unswitched = table(Simulated(seed=seed, switches=0.0).load(), "centre_spend_per_child")
        found["switched"] = (spend != unswitched).any(axis=1).mean()
        for name, value in found.items():
            every.setdefault(name, []).append(value)
    return {name: np.mean(values, axis=0) for name, values in every.items()}


@pytest.mark.parametrize(
    ("name", "england", "tolerance"),
    [
        ("plans", (49.4, 19.0, 23, 45, 87), (2, 2, 3, 4, 8)),
        ("referrals", (573, 182, 307, 540, 898), (20, 20, 30, 30, 50)),
        ("looked_after", (70, 28, 33, 66, 124), (3, 4, 5, 4, 10)),
        ("children", (78_743, 58_506, 27_559, 59_774, 170_718), (4_000, 9_000, 3_000, 5_000, 20_000)),
        ("centre_spend_per_child", (64, 52, 11, 52, 139), (6, 8, 4, 6, 20)),
        ("deprivation", (23.1, 8.1, 10.8, 23.2, 36.4), (0.6, 0.5, 1.5, 1, 1.5)),
        ("fifths", (39, 42, 48, 56, 62), (3.5, 3.5, 3.5, 4, 4)),
        ("plans ~ deprivation", 0.48, 0.08),
        ("plans ~ referrals", 0.55, 0.1),
        ("plans ~ centre_spend_per_child", 0.20, 0.08),
        ("between", 14.9, 1.2),
        ("residual", 9.1, 0.5),
        ("persistence", 0.07, 0.04),
        ("median cut", 0.53, 0.04),
        ("cut by half", 0.5, 0.12),
        ("cut ~ deprivation", 0.02, 0.08),
        ("largest sixteen", 0.55, 0.06),
        ("closed", (0, 0.004, 0.012, 0.022, 0.04, 0.09, 0.12, 0.145, 0.16), 0.02),
        ("grant ~ spending power", -0.94, 0.02),
        ("grant ~ deprivation", 0.89, 0.03),
        ("national plans", (38.7, 38.4, 38.3, 42.4, 43.2, 43.4, 43.6, 45.5, 43.9), 1.5),
        ("national section47", (101, 111, 112, 125, 139, 148, 158, 168, 168), 6),
        ("national referrals", (557, 540, 523, 575, 551, 534, 550, 555, 546), 20),
        ("switched", 36 / 148, 0.05),
    ],
)
def test_shapes_are_those_published_for_england(name: str, england: Any, tolerance: Any) -> None:
    found = moments()[name]
    assert (np.abs(found - np.array(england)) <= np.array(tolerance)).all(), f"{name}: {np.round(found, 3)}, England {england}"


def test_spending_power_falls_as_it_did() -> None:
    assert 76 <= moments()["spending_power"][0] <= 78


# --- knobs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "knobs",
    [
        {"delay": 0},
        {"delay": 3},
        {"delay": 1.5},
        {"authorities": 9},
        {"authorities": True},
        {"years": 3},
        {"seed": -1},
        {"seed": "2019"},
        {"carryover": 1.0},
        {"shock_persistence": -0.1},
        {"switches": 1.2},
        {"authority_confounding": 2.0},
        {"effect": float("nan")},
        {"effect": "four"},
        {"heterogeneity": None},
        {"feedback": True},
        {"pre_trend": float("inf")},
    ],
    ids=str,
)
def test_bad_knobs_are_refused(knobs: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(knobs))):
        Simulated(**knobs)


def test_knobs_may_be_numpy_numbers() -> None:
    assert Simulated(seed=np.int64(3), effect=np.float64(1.0)) == Simulated(seed=3, effect=1.0)  # type: ignore[arg-type]


def test_small_and_long_worlds_load() -> None:
    for knobs in ({"authorities": 10, "years": 4}, {"years": 20}, {"authorities": 13, "delay": 1, "feedback": 0.3, "carryover": 0.9}):
        world = Simulated(**knobs)  # type: ignore[arg-type]
        assert len(world.load().years) == world.years
        assert np.isfinite(world.truth(closing()).ate)


@pytest.mark.parametrize(("source", "delay"), [("simulated", 2), ("simulated_spending", 1)])
def test_config_names_every_knob_and_its_default(source: str, delay: int) -> None:
    from hydra import compose, initialize_config_module
    from hydra.utils import instantiate

    with initialize_config_module("causal.conf", version_base="1.3"):
        config = compose(f"source/{source}").source
    assert set(config) - {"_target_"} == set(inspect.signature(Simulated).parameters)
    assert instantiate(config) == Simulated(delay=delay)


# --- neighbours


def test_the_made_up_map_is_one_of_borders_with_one_island() -> None:
    """Each pair once and of two places, all places but the last with a border, and regions that touch."""
    panel = Simulated(borders=True).load()
    pairs, region = panel.borders, panel.places["region"]
    assert pairs is not None and len(pairs) == len(set(pairs)) and all(a < b for a, b in pairs)
    assert set(panel.authorities) - {code for pair in pairs for code in pair} == {panel.authorities[-1]}
    inside = sum(region[a] == region[b] for a, b in pairs)
    assert 0 < len(pairs) - inside < inside
    assert Simulated().load().borders is None


def test_a_planted_spillover_is_what_neighbours_closures_add_and_the_truth_is_of_all_closing() -> None:
    """By hand: 2 × spillover × the mean of bordering places' closures, a delay later; for half of the centres everywhere, the spillover itself."""

    plain, spilt = Simulated(authorities=40), Simulated(authorities=40, spillover=3.0)
    one, two = plain.drawn({}), spilt.drawn({})
    codes = list(spilt.load().authorities)
    beside: dict[int, list[int]] = {i: [] for i in range(40)}
    for a, b in Simulated(authorities=40, borders=True).load().borders or ():
        i, j = codes.index(a), codes.index(b)
        beside[i].append(j)
        beside[j].append(i)
    mean = np.column_stack([one["closures"][:, beside[i]].mean(axis=1) if beside[i] else np.zeros(len(one["closures"])) for i in range(40)])
    assert np.allclose(two["closures"], one["closures"])
    assert np.allclose((two["plans"] - one["plans"])[2:], 6.0 * mean[:-2])
    asked = Question(treatment="closures", outcome="plans", control=0.0, treated=0.5, smallest_important=2.0, because="a test", lag=2)
    assert spilt.truth(asked).ate - plain.truth(asked).ate == pytest.approx(3.0 * 39 / 40)
    assert "spillover 3" in spilt.load().planted["words"]


def test_spillover_and_shared_shocks_can_be_tried_on_the_default_and_find_what_is_planted(tmp_path) -> None:
    """A large spillover is found and none is not; a user's own groups are asked for too."""
    from causal.analysis import analyse
    from causal.answer import answered
    from causal.draws import stream
    from causal.estimators.fixed_effects import FixedEffects
    from causal.experiments.compose import composed, study_from
    from causal.refute import refuted
    from causal.refuters.shared_shocks import SharedShocks
    from causal.refuters.spillover import Spillover
    from causal.trial import Trial

    groups = tmp_path / "groups.csv"
    groups.write_text("code,group\n" + "".join(f"S{k:03d},{k % 12}\n" for k in range(1, 151)))
    found = {}
    for spill in (0.0, 60.0):
        study = study_from(composed([f"source.spillover={spill}", "source.borders=true", f"source.groups={groups}", "refuters=[]"]))
        analysis = analyse(study.source.load(), study.question, study.graph, estimator=study.estimator)
        trial = Trial.of(analysis, FixedEffects(), answered(FixedEffects(), analysis.must(""), stream(1, "estimate")), seed=1)
        found[spill] = refuted(Spillover(), trial, stream(1, "spillover"))
        shared = refuted(SharedShocks(draws=99), trial, stream(1, "shared_shocks"))
        assert {"shared border: p-value", "group: p-value", "region: p-value"} <= set(shared.numbers)
    assert found[60.0].survived is False and found[0.0].survived is True


@pytest.mark.parametrize("given", ["map.csv", 1])
def test_a_simulated_world_has_a_map_of_its_own_and_takes_no_file_of_borders(given: object) -> None:
    with pytest.raises(ConfigError, match=r"true .* or false"):
        Simulated(borders=given)  # type: ignore[arg-type]
