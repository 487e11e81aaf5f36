"""Trials by lot: a published cluster trial, statsmodels beside it, exact p-values, what the graph says of lots, and the checks of a trial."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_published_panel import WHY, Printed, run

from causal.design import Design, design
from causal.draws import stream
from causal.errors import DesignError, GraphError
from causal.estimators.cluster_trial import ClusterTrial
from causal.graph import Graph
from causal.identify import identify
from causal.lots import drawn, flow
from causal.question import Question
from causal.refuters.attrition import Attrition
from causal.refuters.covariate_balance import CovariateBalance
from causal.testing import check_estimator, check_refuter
from causal.testing.faults import OFFER, TRIAL, _by_lot
from causal.testing.worlds import LOTS_GRAPH, QUESTION, Drawn, panel_of
from causal.verdict.rule import Rule, kind_of, maryland

PEOPLE = ("male", "age", "agpop", "ricearea_2010", "literacy", "intensive", "risk_averse", "disaster_prob")


def test_the_default_of_first_sessions_is_cai_de_janvry_and_sadoulet_s(tmp_path: Path, as_printed: Printed) -> None:
    """Cai, de Janvry & Sadoulet 2015, as in Huntington-Klein, The Effect, table 19.1: default in first session .118 (.034), 1,378 rows, by natural village.

    Lots were drawn for natural villages within administrative ones; data as causaldata ships them; statsmodels' CR1 in the same run.
    """
    import statsmodels.formula.api as smf
    from causaldata import social_insure

    data = social_insure.load_pandas().data
    data = data.dropna(subset=[*PEOPLE, "default", "pre_takeup_rate", "takeup_survey"]).reset_index(drop=True)
    table = data[[*PEOPLE, "default", "pre_takeup_rate", "address"]].assign(person=range(len(data)), village=pd.factorize(data["village"])[0])
    graph = {
        "nodes": {
            "village": {},
            **{name: {} for name in PEOPLE},
            "default": {"lot": "natural villages drawn within administrative ones"},
            "pre_takeup_rate": {},
        },
        "arrows": {
            "village": {"default": WHY, "pre_takeup_rate": WHY},
            **{name: {"pre_takeup_rate": WHY} for name in PEOPLE},
            "default": {"pre_takeup_rate": WHY},
        },
    }
    words = [
        "source.authority=person",
        "source.cluster=address",
        "estimator=cluster_trial",
        "estimator.within=village",
        "estimator.undrawn=keep",
        "estimator.draws=99",
    ]
    result = run(tmp_path, table, graph, {"treatment": "default", "outcome": "pre_takeup_rate"}, words)
    estimate = result["estimate"]
    assert (round(estimate["effect"], 3), round(estimate["std_error"], 3)) == (0.118, 0.034)
    as_printed("cluster_trial", "default in first sessions (its error)", ".118 (.034)", f"{estimate['effect']:.3f} ({estimate['std_error']:.3f})")
    assert estimate["rows"] == 1378 and estimate["clusters"] == 166
    terms = " + ".join(["default", *PEOPLE, "C(village)"])
    theirs = smf.ols(f"pre_takeup_rate ~ {terms}", data).fit(cov_type="cluster", cov_kwds={"groups": pd.factorize(data["address"])[0]})
    assert estimate["effect"] == pytest.approx(theirs.params["default"], rel=1e-9)
    assert estimate["std_error"] == pytest.approx(theirs.bse["default"], rel=1e-6)
    assert estimate["diagnostics"]["exact p-value of the lots"] <= 0.05
    assert result["verdict"]["kind"] == "trial" and result["verdict"]["maryland"] == 5


def trial(panel: Any, question: Question = OFFER, graph: Graph = TRIAL) -> Design:
    """The design of a trial, identified from its graph."""
    return design(panel, question, identify(question, graph, measured=panel.names))


def test_the_flow_of_a_trial_is_counted_by_hand() -> None:
    """Twelve places of three people, half of the places drawn; two outcomes are lost where it was offered and one elsewhere, three of those left took it up."""
    offered = np.repeat([1.0, 0.0], 18)
    outcome = np.arange(36.0) % 7
    outcome[[0, 5, 20]] = np.nan
    took = np.zeros(36)
    took[[1, 2, 3]] = 1.0
    panel = panel_of({name: one[:, None] for name, one in (("offered", offered), ("took", took), ("plans", outcome))})
    panel = replace(panel, places=panel.places.assign(cluster=[f"P{i // 3:02d}" for i in range(36)]))
    graph = Graph(
        name="by hand",
        nodes={"offered": {"lot": "places drawn"}, "took": {}, "plans": {}},
        arrows={"offered": {"took": WHY}, "took": {"plans": WHY}},  # type: ignore[arg-type]
    )
    question = replace(OFFER, treatment="offered", outcome="plans", modifiers=())
    made = design(panel, question, identify(question, graph, measured=panel.names))
    first, second = flow(panel, made, "took")
    assert (first.offered, first.clusters, first.rows, first.unknown, first.left_out, first.analysed) == (True, 6, 18, 2, 0, 16)
    assert first.took == pytest.approx(3 / 16)
    assert (second.offered, second.clusters, second.rows, second.unknown, second.analysed, second.took) == (False, 6, 18, 1, 17, 0.0)


def test_a_roll_out_flows_by_the_year_of_its_offer() -> None:
    """60 places whose order lots decided over six years, a sixth of them never coming to it; nobody is lost."""
    panel = Drawn(seed=3).load()
    question = replace(QUESTION, treated=1.0, modifiers=())
    made = design(panel, question, identify(question, LOTS_GRAPH, measured=panel.names))
    found = flow(panel, made)
    begins = [int(year) for year in panel.years[1:]]
    assert [one.since for one in found] == [*begins, None] and [one.offered for one in found] == [True] * 5 + [False]
    assert all((one.clusters, one.rows, one.analysed, one.took) == (10, 60, 60, None) for one in found)


def test_the_exact_p_value_is_that_of_all_draws() -> None:
    """Twelve places, six drawn: every one of the 924 draws, counted by hand with the t statistic of two means (Welch is CR1's up to one factor)."""
    rng = np.random.default_rng(4)
    y = rng.normal(size=(12, 1)) + np.r_[np.ones(6), np.zeros(6)][:, None]
    offered = np.r_[np.ones(6), np.zeros(6)][:, None]
    panel = panel_of({"before": y * 0 + rng.normal(size=(12, 1)), "rain": y * 0 + 1.0, "offered": offered, "taken_up": offered, "plans": y})
    found = ClusterTrial(draws=9999, adjust="none").estimate(trial(panel), np.random.default_rng(0))

    def t(on: np.ndarray) -> float:
        a, b = y[on, 0], y[~on, 0]
        return abs(float(a.mean() - b.mean())) / float(np.sqrt(a.var(ddof=1) / 6 + b.var(ddof=1) / 6))

    own = t(offered[:, 0] > 0)
    every = [t(np.isin(np.arange(12), some)) >= own - 1e-12 for some in combinations(range(12), 6)]
    exact = found.diagnostics["exact p-value of the lots"]
    assert exact == pytest.approx(np.mean(every), abs=4 * np.sqrt(np.mean(every) / 9999))


def test_people_drawn_within_places_are_compared_within_these_and_the_icc_is_that_of_the_analysis_of_variance() -> None:
    """statsmodels with a dummy for each place; the intracluster correlation against a closed form on a balanced draw."""
    import statsmodels.formula.api as smf

    rng = np.random.default_rng(2)
    place = np.repeat(np.arange(30), 8)
    offered = np.concatenate([rng.permutation(np.r_[np.ones(4), np.zeros(4)]) for _ in range(30)])
    plans = rng.normal(size=30)[place] + 0.5 * offered + rng.normal(size=240)
    panel = panel_of(
        {"before": rng.normal(size=(240, 1)), "rain": np.ones((240, 1)), "offered": offered[:, None], "taken_up": offered[:, None], "plans": plans[:, None]}
    )
    panel = replace(panel, places=panel.places.assign(cluster=[f"P{p:02d}" for p in place]))
    made = trial(panel)
    assert len(made.clusters) == 30
    found = ClusterTrial(adjust="none", draws=0).estimate(made, np.random.default_rng(0))
    frame = pd.DataFrame({"y": plans, "z": offered, "p": place})
    assert drawn(made).people and found.effect == pytest.approx(smf.ols("y ~ z + C(p)", frame).fit().params["z"], rel=1e-9)
    left = smf.ols("y ~ z + b", frame.assign(b=panel.frame["before"].to_numpy())).fit().resid
    between = 8 * left.groupby(frame["p"]).mean().var(ddof=1)
    inside = ((left - left.groupby(frame["p"]).transform("mean")) ** 2).sum() / 210
    assert found.diagnostics["intracluster correlation"] == pytest.approx((between - inside) / (between + 7 * inside), rel=1e-6)


def test_the_effect_on_those_who_took_it_up_is_two_stage_least_squares_with_fieller_s_range() -> None:
    """linearmodels' IV2SLS point, and at each end of the range the numerator's t is the critical one."""
    from linearmodels.iv import IV2SLS

    made = _by_lot(1).design
    found = ClusterTrial(received="taken_up", draws=0).estimate(made, np.random.default_rng(0))
    (part,) = [one for one in found.parts if one.of == "taken up"]
    x = pd.DataFrame({"c": 1.0, "before": made.controls[:, 0]})
    theirs = IV2SLS(made.outcome, x, pd.DataFrame({"d": made.columns["taken_up"]}), pd.DataFrame({"z": made.treatment})).fit()
    assert part.effect == pytest.approx(theirs.params["d"], rel=1e-9)
    for end in (part.lower, part.upper):
        moved = replace(made, outcome=made.outcome - end * made.columns["taken_up"])
        assert ClusterTrial(draws=0).estimate(moved, np.random.default_rng(0)).p_value == pytest.approx(0.05, abs=1e-3)


def test_a_lottery_closes_back_doors_and_is_the_highest_level() -> None:
    """A hidden cause of taking it up does not touch the offer; the same graph without lots does not identify it once it does."""
    found = _by_lot(1)
    assert found.identification.lot == "places drawn from a hat" and found.identification.adjust_for == ("before",)
    said = " ".join(found.identification.assumptions)
    assert "Lots decided" in said and "every common cause" not in said and "more precise" in said
    assert kind_of(found.design, found.estimate) == "trial" and maryland(Rule(), found.design, found.estimate) == 5
    hidden = {
        "nodes": {"need": {"measured": False}, "offered": {"lot": "from a hat"}, "plans": {}},
        "arrows": {"need": {"plans": WHY}, "offered": {"plans": WHY}},
    }
    graph = Graph(name="hidden", **hidden)  # type: ignore[arg-type]
    assert identify(OFFER, graph, measured=("offered", "plans")).identified
    for cause, why in (("need", "nobody measured"), ("plans", "moves in turn")):
        arrows = {**hidden["arrows"], cause: {"offered": {"because": WHY, "lag": 1}, **({"plans": WHY} if cause == "need" else {})}}
        with pytest.raises(GraphError, match=rf"decided by lot.*{why}"):
            Graph(name="hidden", nodes=hidden["nodes"], arrows=arrows)  # type: ignore[arg-type]


def test_a_trial_whose_units_were_not_all_drawn_is_refused_before_a_fit_with_those_that_can_serve() -> None:
    """In one district every place has it; and without lots in the graph there is no trial."""
    made = _by_lot(1).design
    district = np.repeat(np.arange(5), 20).astype(float)
    there = replace(made, controls=district[:, None], control_names=("district",), treatment=np.where(district == 2, 1.0, made.treatment))
    with pytest.raises(DesignError, match=r"not all units were drawn: in 1 stratum \(2.0\).*no lot decided there.*dowhy_linear"):
        ClusterTrial(within="district", draws=0).estimate(there, np.random.default_rng(0))
    none = replace(made, identification=replace(made.identification, lot=""))
    with pytest.raises(DesignError, match=r"does not say that offered was decided by lot.*dowhy_linear"):
        ClusterTrial(draws=0).estimate(none, np.random.default_rng(0))


def test_it_keeps_the_contracts_and_its_checks_catch_what_they_name() -> None:
    assert check_estimator(ClusterTrial(draws=19), panels=4).on == "a roll-out whose order lots decided"
    check_refuter(CovariateBalance(draws=199))
    check_refuter(Attrition())


def test_balance_holds_its_level_and_lost_outcomes_are_bounded_as_lee_does() -> None:
    """60 clean trials: alarms within the exact binomial bound of 5 %; Lee's bounds hold what was planted."""
    alarms = sum(CovariateBalance(draws=99).refute(one, stream(1, "b")).survived is False for one in (_by_lot(500 + seed) for seed in range(60)))
    assert alarms <= 9
    held = []
    for seed in range(3, 13):
        found = Attrition().refute(_by_lot(seed, lost=0.3), stream(1, "a"))
        assert found.survived is False
        held.append(found.numbers["lower bound"] < 0.8 < found.numbers["upper bound"])  # type: ignore[operator]
    assert sum(held) >= 8  # an offer that four in five took up, of an effect of 1
