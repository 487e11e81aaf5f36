"""A cutoff: by diff-diff's port of rdrobust in the same run, by a published table through the own-data route, by what the graph says, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_published_panel import WHY, Printed, run

from causal.design import Design, design
from causal.draws import stream
from causal.errors import DesignError
from causal.estimators.regression_discontinuity import RegressionDiscontinuity
from causal.graph import Graph
from causal.identify import identify
from causal.inference.discontinuity import bandwidths, jump
from causal.proposal import proposal
from causal.question import Question
from causal.testing.worlds import CUTOFF_GRAPH, QUESTION, AtRank

ASKED = replace(QUESTION, treated=1.0, modifiers=())


def made(world: AtRank, question: Question = ASKED, **changes: np.ndarray) -> Design:
    panel = world.load()
    panel = replace(panel, frame=panel.frame.assign(**changes))
    return design(panel, question, identify(question, CUTOFF_GRAPH, measured=panel.names, strategy="discontinuity"))


def test_sharp_and_fuzzy_jumps_with_covariates_are_those_of_rdrobust() -> None:
    """diff-diff's port of rdrobust on the same rows: effect, robust error, uncorrected effect and error, at its own bandwidths."""
    from diff_diff import RegressionDiscontinuity as Theirs

    rng = np.random.default_rng(1)
    n = 700
    x, z, late = rng.uniform(-1, 1, n), rng.normal(size=n), rng.random(n)
    x = np.round(x, 2)  # ties
    t = (late < 0.2 + 0.5 * (x >= 0)).astype(float)
    y = x + z + 2 * t + rng.normal(size=n)
    data = pd.DataFrame({"y": y, "x": x, "t": t, "z": z})
    each = np.arange(n)
    for given in ({}, {"takeup": "t"}, {"covariates": ["z"]}, {"takeup": "t", "covariates": ["z"]}):
        with pytest.warns(UserWarning):  # of ties
            theirs = Theirs().fit(data, outcome="y", running="x", **given)
        one = jump(y, x, t if "takeup" in given else None, z[:, None] if "covariates" in given else None, each, n, h=theirs.h_left, b=theirs.b_left)
        assert (one.effect, one.std_error) == pytest.approx((theirs.att, theirs.se), rel=1e-7)
        assert (one.plain, one.plain_error) == pytest.approx((theirs.att_conventional, theirs.se_conventional), rel=1e-7)
        assert (one.left, one.right) == (theirs.n_h_left, theirs.n_h_right)
        if not given:
            assert bandwidths(y, x, None, None, kernel="triangular", p=1) == pytest.approx((theirs.h_left, theirs.b_left), rel=1e-6)


def test_clustered_rows_repeated_give_the_answer_of_the_rows_themselves() -> None:
    """By hand: every row three times, one cluster each, has the same jump and residuals, so the same error but for G/(G − 1)."""
    rng = np.random.default_rng(2)
    n = 400
    x = rng.uniform(-1, 1, n)
    y = x + (x >= 0) + rng.normal(size=n)
    pairs = np.arange(n) // 2  # clusters of two, so that residuals are those of the parabola in both
    once = jump(y, x, None, None, pairs, n // 2, h=0.5, b=0.7)
    thrice = jump(np.tile(y, 3), np.tile(x, 3), None, None, np.tile(pairs, 3), n // 2, h=0.5, b=0.7)
    assert thrice.effect == pytest.approx(once.effect) and thrice.std_error == pytest.approx(once.std_error)
    assert once.df < n // 2 and np.isinf(jump(y, x, None, None, np.arange(n), n, h=0.5, b=0.7).df)


def test_winning_by_a_little_is_worth_what_lee_moretti_and_butler_print(tmp_path: Path) -> None:
    """Lee, Moretti & Butler 2004, table I, and Cunningham 2021: score 21.2 to 21.3 within 48 to 52 % of the vote, as a difference of means; causaldata's rows.

    Held at the same window by the difference of means, and the local lines by diff-diff's port of rdrobust in the same run.
    """
    from diff_diff import RegressionDiscontinuity as Theirs

    data = pytest.importorskip("causaldata", reason="causaldata, of the dev extra, is not installed").close_elections_lmb.load_pandas().data
    data = data[["score", "lagdemvoteshare", "lagdemocrat"]].astype(float).dropna().reset_index(drop=True)
    near = data[data["lagdemvoteshare"].between(0.48, 0.52)]
    means = near.groupby("lagdemocrat")["score"].mean()
    assert round(means[1.0] - means[0.0], 1) in (21.2, 21.3)
    table = near.assign(place=range(len(near)))
    graph = {
        "nodes": {"leaning": {"measured": False}, "lagdemvoteshare": {}, "lagdemocrat": {}, "score": {}},
        "arrows": {
            "leaning": {"lagdemvoteshare": WHY, "score": WHY},
            "lagdemvoteshare": {"lagdemocrat": {"because": WHY, "cutoff": 0.5}, "score": WHY},
            "lagdemocrat": {"score": WHY},
        },
    }
    words = ["source.authority=place", "estimator=regression_discontinuity"]
    result = run(tmp_path, table, graph, {"treatment": "lagdemocrat", "outcome": "score"}, words)
    estimate = result["estimate"]
    with pytest.warns(UserWarning):
        theirs = Theirs(cutoff=0.5).fit(near, outcome="score", running="lagdemvoteshare")
    assert (estimate["effect"], estimate["std_error"]) == pytest.approx((theirs.att, theirs.se), rel=1e-4)
    assert (estimate["lower"], estimate["upper"]) == pytest.approx(theirs.conf_int, rel=1e-4)
    assert result["verdict"]["kind"] == "discontinuity" and result["verdict"]["maryland"] == 4
    assert {one["at"] for one in estimate["course"]["points"]} and estimate["course"]["at"] == 0.5
    page = next((tmp_path / "runs").rglob("report.html")).read_text(encoding="utf-8")
    assert "Course of the outcome" in page and "far from the cutoff" in page


def test_senate_seats_are_kept_as_calonico_cattaneo_and_titiunik_print(tmp_path: Path, as_printed: Printed) -> None:
    """Calonico and others 2017 (rdrobust, Stata Journal 17), US Senate: 7.4141 (1.4587), robust 4.0937 to 10.919, h 17.754, b 28.028, 360 and 323 rows.

    Rows as rdrobust ships them, and rdrobust itself on these in the same run, clustered by state too.
    """
    theirs = pytest.importorskip("rdrobust", reason="rdrobust, of the dev extra, is not installed")
    data = theirs.rdrobust_RDsenate().dropna(subset=["margin", "vote"]).reset_index(drop=True)
    table = data[["margin", "vote"]].assign(place=data.index, won=(data["margin"] >= 0) * 1)
    graph = {
        "nodes": {"leaning": {"measured": False}, "margin": {}, "won": {}, "vote": {}},
        "arrows": {
            "leaning": {"margin": WHY, "vote": WHY},
            "margin": {"won": {"because": WHY, "cutoff": 0}, "vote": WHY},
            "won": {"vote": WHY},
        },
    }
    words = ["source.authority=place", "estimator=regression_discontinuity"]
    estimate = run(tmp_path, table, graph, {"treatment": "won", "outcome": "vote"}, words)["estimate"]
    found = estimate["diagnostics"]
    assert round(found["uncorrected effect"], 4) == 7.4141 and round(found["uncorrected effect, standard error"], 4) == 1.4587
    assert (round(estimate["lower"], 4), round(estimate["upper"], 3)) == (4.0937, 10.919)
    came = f"{found['uncorrected effect']:.4f} ({found['uncorrected effect, standard error']:.4f}); {estimate['lower']:.4f} to {estimate['upper']:.3f}"
    as_printed("regression_discontinuity", "uncorrected effect (error); robust range", "7.4141 (1.4587); 4.0937 to 10.919", came)
    assert (round(found["bandwidth"], 3), round(found["bandwidth of the correction"], 3)) == (17.754, 28.028)
    assert (found["rows within the bandwidth, untreated side"], found["rows within the bandwidth, treated side"]) == (360, 323)
    y, x, state = data["vote"].to_numpy(), data["margin"].to_numpy(), data["state"].astype("category").cat.codes.to_numpy()
    plain = theirs.rdrobust(y, x)
    assert (estimate["effect"], estimate["std_error"]) == pytest.approx((plain.coef.loc["Robust"].item(), plain.se.loc["Robust"].item()), rel=1e-6)
    h, b = plain.bws.loc["h", "left"], plain.bws.loc["b", "left"]
    by_state = theirs.rdrobust(y, x, cluster=state, h=h, b=b)
    one = jump(y, x, None, None, state.astype(np.int64), int(state.max()) + 1, h=h, b=b)
    assert one.effect == pytest.approx(by_state.coef.loc["Robust"].item(), rel=1e-8)
    assert one.std_error == pytest.approx(by_state.se.loc["Robust"].item(), rel=0.015)  # which has (n − 1)/(n − k) on each side


def test_a_cutoff_closes_back_doors_that_nothing_measured_closes() -> None:
    """By hand: hidden need moves rank and plans, so that no set of rank's causes would do; the rule's own cutoff does."""
    names = ("rank", "cut", "plans", "poverty")
    found = identify(ASKED, CUTOFF_GRAPH, measured=names, strategy="discontinuity")
    assert found.identified and found.adjust_for == () and found.sufficient
    assert [(str(one.name), one.at) for one in found.cutoffs] == [("rank", 50.0)] and "discontinuity" in found.strategies
    assert "Nobody can choose" in " ".join(found.assumptions)
    # rank is not measured; something else that leads to the outcome jumps there too; the treatment moves rank
    assert not identify(ASKED, CUTOFF_GRAPH, measured=names[1:], strategy="discontinuity").identified
    arrows = {
        "need": {"rank": WHY, "plans": WHY},
        "rank": {"cut": {"because": WHY, "cutoff": 50}, "grant": {"because": WHY, "cutoff": 50}},
        "grant": {"plans": WHY},
        "cut": {"plans": WHY},
    }
    nodes = {"need": {"measured": False}, "rank": {}, "grant": {}, "cut": {}, "plans": {}}
    both = Graph(name="two rules", nodes=nodes, arrows=arrows)  # type: ignore[arg-type]
    assert not identify(ASKED, both, measured=(*names, "grant"), strategy="discontinuity").identified
    other = Graph(name="another", nodes=nodes, arrows={**arrows, "rank": {**arrows["rank"], "grant": {"because": WHY, "cutoff": 60}}})  # type: ignore[arg-type]
    assert identify(ASKED, other, measured=(*names, "grant"), strategy="discontinuity").identified
    moved = Graph(
        name="chosen", nodes=nodes, arrows={"rank": {"cut": {"because": WHY, "cutoff": 50}}, "cut": {"plans": WHY, "rank": {"because": WHY, "lag": 1}}}
    )  # type: ignore[arg-type]
    assert identify(ASKED, moved, measured=names, strategy="discontinuity").identified  # a later rank is no choice of this one


def test_those_on_the_cutoff_stand_with_whom_they_are_treated_alike_and_lower_values_may_be_treated() -> None:
    """The same rows mirrored, and with the cutoff's own row on either side."""
    rank = AtRank().load().frame["rank"].to_numpy()
    rank = np.round(rank)
    one = RegressionDiscontinuity(bandwidth=20.0).estimate(made(AtRank(effect=3.0), rank=rank, cut=(rank >= 50) * 1.0), stream(1, "x"))
    turned = RegressionDiscontinuity(bandwidth=20.0).estimate(made(AtRank(effect=3.0), rank=100 - rank, cut=(rank >= 50) * 1.0), stream(1, "x"))
    assert turned.effect == pytest.approx(one.effect) and turned.std_error == pytest.approx(one.std_error)
    above = RegressionDiscontinuity(bandwidth=20.0).estimate(made(AtRank(effect=3.0), rank=rank, cut=(rank > 50) * 1.0), stream(1, "x"))
    assert above.diagnostics["jump of the treatment"] == pytest.approx(1.0) and above.effect != one.effect
    back = RegressionDiscontinuity(bandwidth=20.0).estimate(
        made(AtRank(effect=3.0), replace(ASKED, control=1.0, treated=0.0), rank=rank, cut=(rank >= 50) * 1.0), stream(1, "x")
    )
    assert back.effect == pytest.approx(-one.effect)


def test_one_that_does_not_decide_alone_answers_for_those_whom_it_moves() -> None:
    """Planted: a fifth do otherwise than the rule says, and the effect is 6."""
    found = [RegressionDiscontinuity().estimate(made(AtRank(effect=6.0, fuzzy=0.2, seed=seed)), stream(1, "x")) for seed in range(12)]
    error = np.std([one.effect for one in found], ddof=1) / np.sqrt(12)
    assert np.mean([one.effect for one in found]) == pytest.approx(6.0, abs=3.5 * error)
    assert found[0].estimand.population == "moved" and "whom it moves" in found[0].estimand.words
    assert found[0].diagnostics["jump of the treatment"] == pytest.approx(0.6, abs=0.2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rank": np.linspace(51, 100, 1000)}, r"rank must lie on both sides of 50, and on the untreated side 0 rows are there"),
        ({"rank": np.repeat([20.0, 40.0, 60.0, 80.0], 250)}, r"rank is heaped: on the treated side of 50 it has 2 different values"),
        ({"cut": np.tile([0.0, 1.0], 500)}, r"cut must jump where rank crosses 50"),
    ],
)
def test_a_running_variable_that_is_no_cutoff_s_is_refused_before_a_fit_with_those_that_can(change: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(DesignError, match=rf"regression_discontinuity.*{words}"):
        RegressionDiscontinuity().estimate(made(AtRank(), **change), stream(1, "x"))


def test_it_is_proposed_where_the_graph_has_a_cutoff_and_refused_where_it_has_none() -> None:
    one = made(AtRank())
    assert proposal(one, RegressionDiscontinuity()).proposed[0].estimator == "regression_discontinuity"
    assert proposal(one, RegressionDiscontinuity()).cannot == ("local",)
    bare = replace(one, identification=replace(one.identification, cutoffs=()))
    with pytest.raises(DesignError, match=r"the graph has no arrow into the treatment that jumps at a cutoff .*cutoff: 30"):
        RegressionDiscontinuity().estimate(bare, stream(1, "x"))
