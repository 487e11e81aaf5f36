"""Plans before data are in: power against statsmodels and closed forms, numbers of an earlier window, places for a pilot, the command and the protocol."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from causal.cli import main
from causal.errors import ConfigError
from causal.inference.planned import cutoff_error, shocks, two_way_error
from causal.own_data import read
from causal.planning import PLAN_KINDS, Plan, choose, window

ASKED: dict[str, Any] = {"smallest_important": 0.5, "because": "a test"}


def test_two_arms_drawn_by_place_have_statsmodels_power_at_the_design_effect() -> None:
    """Donner & Klar's design effect 1 + (m − 1)·ICC, and statsmodels' t test of two samples of that many effective people."""
    from statsmodels.stats.power import TTestIndPower

    plan = Plan(kind="cluster_trial", sd=2.0, icc=0.08, places=30, people=25, **ASKED)
    error, df = plan.error
    effect = 1 + 24 * 0.08
    assert error == pytest.approx(2.0 * np.sqrt(effect / 25 * (2 / 15)), rel=1e-12) and df == 28
    theirs = TTestIndPower().power(0.5 / (2.0 * np.sqrt(effect / 25)), nobs1=15, alpha=0.05)
    assert plan.finds(0.5) == pytest.approx(theirs, abs=1e-6)
    assert plan.finds(0.0) == pytest.approx(0.05, abs=1e-9)
    wanted = plan.places_wanted
    assert wanted is not None and replace(plan, places=wanted).finds(0.5) >= 0.8 > replace(plan, places=wanted - 1).finds(0.5)


@pytest.mark.parametrize("kind", ["panel", "adoption", "stepped_wedge"])
def test_comparisons_within_places_have_the_error_of_least_squares_with_a_dummy_for_each_place_and_year(kind: Any) -> None:
    """(X′X)⁻¹X′ΣX(X′X)⁻¹ with all dummies written out."""
    plan = Plan(kind=kind, sd=2.0, icc=0.2, lasting=0.4, autocorrelation=0.5, places=9, people=10, years=5, before=2, **ASKED)
    d = plan.treatment
    covariance = shocks(5, 4 * 0.2 * 0.6, 0.5, 4 * 0.8 / 10)
    x = np.column_stack([d.ravel(), np.kron(np.eye(9), np.ones((5, 1))), np.tile(np.eye(5)[:, 1:], (9, 1))])
    bread = np.linalg.pinv(x.T @ x)
    variance = (bread @ x.T @ np.kron(np.eye(9), covariance) @ x @ bread)[0, 0]
    assert plan.error[0] == pytest.approx(np.sqrt(variance), rel=1e-9) == pytest.approx(two_way_error(d, covariance))


def test_a_cutoff_costs_four_times_the_places_of_a_trial() -> None:
    """Schochet 2009: with a uniform running variable and a line on each side; against least squares of a fine uniform grid."""
    n = 4_000
    running = (np.arange(n) + 0.5) / n * 2 - 1
    above = (running > 0).astype(float)
    x = np.column_stack([above, np.ones(n), running, running * above])
    assert cutoff_error(1.0, n, 0.5) == pytest.approx(np.sqrt(np.linalg.inv(x.T @ x)[0, 0]), rel=1e-3)


def series(g: int = 80, t: int = 10, seed: int = 0) -> pd.DataFrame:
    """Places whose outcome has standard deviation 3 for what lasts and 2 for the rest, autocorrelation .5, and one column beside it."""
    rng = np.random.default_rng(seed)
    e = rng.normal(size=(g, t))
    for year in range(1, t):
        e[:, year] = 0.5 * e[:, year - 1] + np.sqrt(0.75) * e[:, year]
    y = 20 + 3 * rng.normal(size=(g, 1)) + 2 * e + rng.normal(size=(1, t))
    index = {"authority": np.repeat([f"P{i:02d}" for i in range(g)], t), "year": np.tile(np.arange(2001, 2001 + t), g)}
    return pd.DataFrame({**index, "y": y.ravel(), "poor": np.repeat(rng.normal(size=g), t)})


def test_an_earlier_window_gives_the_spread_and_how_it_lasts() -> None:
    """Planted: 9 of 13 lasts, autocorrelation .5; means over ten windows, since one tells little."""
    found = [window(read(series(seed=seed), year="year"), "y", until=2008) for seed in range(10)]
    assert np.mean([one.sd for one in found]) == pytest.approx(np.sqrt(13), rel=0.05)
    assert np.mean([one.lasting for one in found]) == pytest.approx(9 / 13, abs=0.06)
    assert np.mean([one.autocorrelation for one in found]) == pytest.approx(0.5, abs=0.06)
    assert found[0].years == (2001, 2008) and "80 places" in found[0].words


def test_places_for_a_pilot_are_more_like_all_than_lots_would_make_them_and_others_can_stand_for_them() -> None:
    panel = read(series(), year="year")
    one = choose(panel, "y", 6, like=["poor"], until=2008, rng=np.random.default_rng(1))
    assert len(set(one.places)) == 6 and one.distance < 0.5 * one.usual and one.fit < 0.2
    assert abs(one.balance["poor"]) < 0.5 and sum(one.weights.values()) == pytest.approx(1, abs=0.1) and not set(one.weights) & set(one.places)
    assert choose(panel, "y", 6, like=["poor"], until=2008, rng=np.random.default_rng(1)) == one
    with pytest.raises(ConfigError, match="from 1 to 40 places"):
        choose(panel, "y", 50, rng=np.random.default_rng(1))


def test_the_command_writes_a_page_and_its_places_go_into_the_protocol(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    series(g=30).to_csv(tmp_path / "w.csv", index=False)
    words = ["plan", "panel", "--from", str(tmp_path / "w.csv"), "--outcome", "y", "--smallest-important", "1.5", "--because", "it would pay"]
    assert main([*words, "--until", "2008", "--choose", "5", "--to", str(tmp_path / "p")]) == 0
    out = capsys.readouterr().out
    assert "of 100 such studies" in out and "Places for a pilot:" in out and out.splitlines()[-1] == str(tmp_path / "p")
    record = json.loads((tmp_path / "p" / "plan.json").read_text())
    assert len(record["chosen"]["places"]) == 5 and record["source"].startswith("w.csv, y, 2001 to 2008")
    html = (tmp_path / "p" / "plan.html").read_text()
    assert html.count("<img") == 2 and "Places for a pilot" in html
    saved = tmp_path / "protocol.yaml"
    assert main(["explain", "refuters={}", "--save", str(saved), "--plan", str(tmp_path / "p" / "plan.json")]) == 0
    plan = yaml.safe_load(saved.read_text())
    assert plan["planned"]["chosen"]["places"] == record["chosen"]["places"] and "curve" not in plan["planned"]
    from causal.protocol import saved as read_protocol

    assert read_protocol(saved)["planned"]["kind"] == "panel"


@pytest.mark.parametrize("kind", PLAN_KINDS)
def test_more_places_find_smaller_effects_and_loss_hides_larger_ones(kind: Any) -> None:
    plan = Plan(kind=kind, **ASKED)
    sizes = [size for _, size, _ in plan.curve()]
    assert all(a > b for a, b in pairwise(sizes))
    assert replace(plan, attrition=0.3).detectable > plan.detectable


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({"icc": 1.5}, "plan.icc: wanted a share from 0 to 1"),
        ({"sd": 0}, "plan.sd: wanted a number above 0"),
        ({"autocorrelation": 1.0}, "plan.autocorrelation: wanted a number between -1 and 1"),
        ({"before": 8}, "plan.before"),
        ({"kind": "wedge"}, "plan.kind: wanted a design that there is, got 'wedge'"),
        ({"because": "-"}, "plan.because: wanted why that size matters"),
    ],
)
def test_numbers_that_cannot_be_are_refused(knobs: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Plan(**({"kind": "panel"} | ASKED | knobs))
