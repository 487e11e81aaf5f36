"""Switchers against stayers: diff-diff on a panel that a package ships, a hand count, planted effects, and its checks."""

from __future__ import annotations

import warnings
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from test_published_panel import WHY, Printed, run

from causal.draws import stream
from causal.errors import DesignError
from causal.estimators.reversible_did import ReversibleDid
from causal.refuters.carry_over import CarryOver
from causal.refuters.switchers_before import SwitchersBefore
from causal.switches import did, paths
from causal.testing import check_estimator, check_refuter
from causal.testing.faults import _switching


def test_unions_of_the_wage_panel_are_diff_diff_s_switchers_by_the_own_data_route(tmp_path: Path) -> None:
    """Vella & Verbeek's 545 men as linearmodels ships them: DID_M, joiners and leavers of diff-diff in the same run, and its placebo with the sign turned.

    Its placebo is the outcome two years before the switch less that of the year before; ours goes forward in time, so that a drift that goes on has one sign
    in the placebo and in the answer.
    """
    from diff_diff import ChaisemartinDHaultfoeuille
    from linearmodels.datasets import wage_panel

    table = wage_panel.load()[["nr", "year", "lwage", "union"]]
    names = ("union", "lwage")
    graph = {
        "nodes": {"authority": {"varies": "authority"}, "year": {"varies": "year"}, **{name: {} for name in names}},
        "arrows": {"authority": dict.fromkeys(names, WHY), "year": dict.fromkeys(names, WHY), "union": {"lwage": WHY}},
    }
    words = ["source.authority=nr", "source.year=year", "estimator=reversible_did", "refuters=[switchers_before]"]
    found = run(tmp_path, table, graph, {"treatment": "union", "outcome": "lwage", "target": "ATT"}, words)
    estimate = found["estimate"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its error is not meant for places that switch more than once; its points are
        other = ChaisemartinDHaultfoeuille(drop_larger_lower=False)
        theirs = other.fit(table.astype({"union": float}), outcome="lwage", unit="nr", time="year", treatment="union")
    assert estimate["effect"] == pytest.approx(theirs.overall_att, rel=1e-9)
    sides = {part["name"]: part["effect"] for part in estimate["parts"]}
    assert sides["began or had more"] == pytest.approx(theirs.joiners_att, rel=1e-9)
    assert sides["ended or had less"] == pytest.approx(theirs.leavers_att, rel=1e-9)
    before = next(check for check in found["refutations"] if check["name"] == "switchers_before")
    assert before["bias"] == pytest.approx(-theirs.placebo_effect, rel=1e-9) and before["survived"] is False
    assert estimate["diagnostics"]["switches compared"] == 508
    assert 0 < estimate["diagnostics"]["negative weights of two-way fixed effects"] < 1


def test_banks_allowed_to_branch_lend_more_as_de_chaisemartin_and_d_haultfoeuille_print(tmp_path: Path, as_printed: Printed) -> None:
    """Favara & Imbs' counties in de Chaisemartin & D'Haultfœuille 2024, by dose in the first year: .0197 of 905 first switches, as moderndid prints it too.

    Rows as moderndid ships them. It wants a later scipy than DoWhy allows and so is no dev extra: with its folder on the path alone this runs.
    """
    found = find_spec("moderndid")
    if found is None or found.origin is None:
        pytest.skip("moderndid, which ships the counties, is not on the path")
    data = pd.read_csv(Path(found.origin).parent / "core" / "datasets" / "favara_imbs.csv.gz")
    table = data[["county", "state_n", "year", "inter_bra", "Dl_vloans_b"]]
    names = ("inter_bra", "Dl_vloans_b")
    graph = {
        "nodes": {"authority": {"varies": "authority"}, "year": {"varies": "year"}, **{name: {} for name in names}},
        "arrows": {"authority": dict.fromkeys(names, WHY), "year": dict.fromkeys(names, WHY), "inter_bra": {"Dl_vloans_b": WHY}},
    }
    words = ["source.authority=county", "source.year=year", "source.cluster=state_n", "estimator=reversible_did", "estimator.by=first_switch"]
    estimate = run(tmp_path, table, graph, {"treatment": "inter_bra", "outcome": "Dl_vloans_b", "target": "ATT"}, words)["estimate"]
    assert round(estimate["effect"], 4) == 0.0197 and estimate["diagnostics"]["switches compared"] == 905
    came = f"{estimate['effect']:.4f} of {estimate['diagnostics']['switches compared']:.0f}"
    as_printed("reversible_did, first switches", "effect, of so many", ".0197 of 905", came)


def test_local_projections_are_diff_diff_s_in_the_year_of_beginning_and_after_with_their_errors() -> None:
    """Its LPDiD of effects that settle, at three windows and three horizons, on the same panel in the same run: effects and clustered errors."""
    from diff_diff import LPDiD

    made = _switching(3).design
    frame = pd.DataFrame({"unit": made.authority, "time": made.year, "y": made.outcome, "d": made.treatment.astype(int)})
    for settled in (1, 2, 3):
        other = LPDiD(pre_window=2, post_window=2, non_absorbing="effect_stabilization", stabilization_window=settled)
        theirs = other.fit(frame, outcome="y", unit="unit", time="time", treatment="d").event_study.set_index("horizon")
        ours = ReversibleDid(by="local_projections", settled=settled, ahead=2).estimate(made, np.random.default_rng(0))
        assert (ours.effect, ours.std_error) == pytest.approx(tuple(theirs.loc[0, ["coefficient", "se"]]), rel=1e-9)
        assert [part.since for part in ours.parts] == [0, 1, 2]
        for part in ours.parts:
            assert (part.effect, part.std_error) == pytest.approx(tuple(theirs.loc[part.since, ["coefficient", "se"]]), rel=1e-9)


def test_first_switches_are_set_beside_those_that_have_not_switched_alone() -> None:
    """Three years: one begins in the second and ends in the third (its end does not count); places that never switch go up by 1 a year, one with it by 2."""
    from causal.switches import Paths

    y = np.array([[0.0, 4, 9], [0, 1, 2], [0, 1, 2], [0, 1, 6], [5, 7, 9], [5, 7, 9]])
    d = np.array([[0.0, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1], [1, 1, 1], [1, 1, 1]])
    made = Paths(outcome=y, treatment=d, controls=np.empty((6, 3, 0)), cluster=np.arange(6), clusters=6)
    found = did(made, bins=5, still=0.0, first=True)
    assert found is not None and found.switches == 2 and found.effect == pytest.approx(((4 - 1) + (5 - 1)) / 2)
    # a place first seen in the second year has switched no more than the others
    later = replace(made, treatment=np.where(np.arange(3) == 0, np.where(np.arange(6)[:, None] == 3, np.nan, d), d))
    again = did(later, bins=5, still=0.0, first=True)
    assert again is not None and again.switches == 2


@pytest.mark.parametrize("by", ["first_switch", "local_projections"])
def test_other_ways_cover_a_planted_effect(by: Literal["first_switch", "local_projections"]) -> None:
    """Planted: 1. 40 panels of 120 places: mean, and coverage by the binomial bound."""
    found = [ReversibleDid(by=by).estimate(_switching(seed).design, np.random.default_rng(0)) for seed in range(40)]
    effects = np.array([one.effect for one in found])
    assert abs(effects.mean() - 1) < 3.5 * effects.std(ddof=1) / np.sqrt(40)
    assert sum(one.lower < 1 < one.upper for one in found) >= 33  # type: ignore[operator]


def test_local_projections_of_a_dose_are_refused_before_a_fit() -> None:
    made = _switching(1).design
    with pytest.raises(DesignError, match="local projections compare a treatment of two levels"):
        ReversibleDid(by="local_projections").estimate(replace(made, treatment=made.treatment * (1 + made.authority)), np.random.default_rng(0))


def test_a_panel_of_six_places_is_counted_by_hand() -> None:
    """Two years: one begins (+5), one ends (−1); untreated stay (+1, +3), treated stay (+2, +2). ((5 − 2) + −(−1 − 2)) / 2 = 3."""
    from causal.switches import Paths

    y = np.array([[0.0, 5], [0, -1], [0, 1], [0, 3], [0, 2], [0, 2]])
    d = np.array([[0.0, 1], [1, 0], [0, 0], [0, 0], [1, 1], [1, 1]])
    made = Paths(outcome=y, treatment=d, controls=np.empty((6, 2, 0)), cluster=np.arange(6), clusters=6)
    found = did(made, bins=5, still=0.0)
    assert found is not None and found.effect == pytest.approx(3.0) and found.switches == 2


def test_it_covers_a_planted_effect_and_its_error_is_its_sampling_deviation() -> None:
    """Planted: 1. 40 panels of 120 places: mean, coverage by the binomial bound, and the mean error within a fifth of the deviation."""
    found = [_switching(seed).estimate for seed in range(40)]
    effects = np.array([one.effect for one in found])
    assert abs(effects.mean() - 1) < 3.5 * effects.std(ddof=1) / np.sqrt(40)
    assert sum(one.lower < 1 < one.upper for one in found) >= 33  # type: ignore[operator]
    assert np.mean([one.std_error for one in found]) == pytest.approx(effects.std(ddof=1), rel=0.25)


def test_two_way_fixed_effects_weigh_growing_effects_negatively_and_switchers_do_not() -> None:
    """Effects that differ by place, larger where the treatment is had longer: DID_M is the mean over switches, which is counted from what was planted."""
    trial = _switching(1)
    made = trial.design
    strength = 1 + np.arange(120) / 60
    own = replace(made, outcome=made.outcome + (strength - 1)[made.authority] * made.treatment)
    grid = paths(own).treatment
    switches = np.abs(np.diff(grid, axis=1)) > 0
    truth = float((strength[:, None] * switches).sum() / switches.sum())
    assert ReversibleDid().estimate(own, np.random.default_rng(0)).effect == pytest.approx(truth, abs=0.35)


def test_a_treatment_that_nobody_switches_is_refused_before_a_fit_with_those_that_can_serve() -> None:
    made = _switching(1).design
    # everybody switches in the same year, so that nobody stays
    all_at_once = replace(made, treatment=(made.year >= made.years[4]).astype(float) * 1.0)
    with pytest.raises(DesignError, match="no place changes its dose beside two that had as much of it"):
        ReversibleDid().estimate(all_at_once, np.random.default_rng(0))


def test_it_and_its_checks_keep_their_contracts_and_clean_panels_pass() -> None:
    """40 clean panels: alarms of each within the exact binomial bound of 5 %."""
    check_estimator(ReversibleDid(), panels=4)
    check_refuter(SwitchersBefore())
    check_refuter(CarryOver())
    for check in (SwitchersBefore(), CarryOver()):
        assert sum(check.refute(_switching(300 + seed), stream(1, "x")).survived is False for seed in range(40)) <= 7


def test_a_dose_that_moves_both_ways_is_compared_within_groups_of_its_level() -> None:
    """Planted: .8 for one unit; doses move in a fifth of the rows and stand still in the others."""
    rng = np.random.default_rng(5)
    made = _switching(2).design
    g, t = len(made.authorities), len(made.years)
    dose = np.cumsum(np.where(rng.random((g, t)) < 0.2, rng.normal(size=(g, t)), 0.0), axis=1)
    plans = 0.8 * dose + rng.normal(size=(g, 1)) + rng.normal(size=(1, t)) + 0.5 * rng.normal(size=(g, t))
    own = replace(made, treatment=dose.ravel(), outcome=plans.ravel())
    found = ReversibleDid().estimate(own, np.random.default_rng(0))
    assert abs(found.effect - 0.8) < 3 * found.std_error  # type: ignore[operator]
