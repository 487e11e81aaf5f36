"""The logit of a dose: held by statsmodels in the same run and by a published table through the own-data route; what it refuses; its checks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_published_panel import WHY, Printed, run
from worlds import GRAPH, QUESTION, designed

from causal.design import Design
from causal.draws import stream
from causal.errors import DesignError, NotEstimable
from causal.estimators.logit_dose import LogitDose
from causal.inference.logit import logit, parts_outcomes
from causal.proposal import proposal
from causal.testing.worlds import Shares

BARE = replace(QUESTION, modifiers=())
PANEL = Shares(effect=0.6, authorities=120).load()
MADE = designed(PANEL, BARE)
ONE = LogitDose().estimate(MADE, stream(1, "x"))


def mundlak(made: Design) -> pd.DataFrame:
    """The same columns by pandas: constant, years, controls, means by authority, treatment."""
    pooled, authority = made.pooled(), pd.Series(made.authority)
    moving = pd.DataFrame(np.column_stack([made.controls, made.treatment]))
    means = moving.groupby(authority).transform("mean").add_prefix("m")
    years = pd.get_dummies(made.year, drop_first=True, dtype=float).add_prefix("y")
    controls = pd.DataFrame(pooled.controls).add_prefix("c")
    return pd.concat([years, controls, means, pd.Series(made.treatment, name="d")], axis=1).assign(const=1.0)


def test_slopes_errors_and_average_effects_are_statsmodels_own() -> None:
    """statsmodels' GLM with clustered errors on the same columns, fractional outcomes; its counterfactual means by hand and the delta method."""
    import statsmodels.api as sm

    x = mundlak(MADE)
    x = x.loc[:, ~x.columns.duplicated()]
    kept = [name for j, name in enumerate(x) if np.linalg.matrix_rank(x.iloc[:, : j + 1]) > (np.linalg.matrix_rank(x.iloc[:, :j]) if j else 0)]
    x = x[kept]
    theirs = sm.GLM(MADE.outcome, x, family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": MADE.authority, "use_correction": False}, tol=1e-12
    )
    groups, rows, k = len(MADE.authorities), len(x), x.shape[1]
    factor = np.sqrt(groups / (groups - 1) * (rows - 1) / (rows - k))
    assert ONE.diagnostics["log odds for one unit"] == pytest.approx(theirs.params["d"], rel=1e-6)
    ends = [x.assign(d=level).to_numpy() for level in (0.5, 0.0)]
    means = [1 / (1 + np.exp(-end @ theirs.params.to_numpy())) for end in ends]
    assert ONE.effect == pytest.approx(float((means[0] - means[1]).mean()), rel=1e-6)
    way = sum(side * (mean * (1 - mean)) @ end for side, mean, end in zip((1, -1), means, ends, strict=True)) / rows
    assert ONE.inference.startswith("CR1")
    assert ONE.std_error == pytest.approx(float(np.sqrt(way @ theirs.cov_params() @ way)) * factor, rel=1e-5)
    assert ONE.diagnostics["log odds for one unit, standard error"] == pytest.approx(theirs.bse["d"] * factor, rel=1e-5)
    slope = LogitDose(effect="slope").estimate(MADE, stream(1, "x"))
    mean = theirs.predict(x)
    assert slope.effect == pytest.approx(float((mean * (1 - mean)).mean() * theirs.params["d"]) * 0.5, rel=1e-6)


def test_women_s_work_and_schooling_are_those_of_wooldridge_s_table(tmp_path: Path, as_printed: Printed) -> None:
    """Mroz 1987 as in Wooldridge 2010, table 15.1, logit: educ .221 (.043), average partial effect .039; data of linearmodels, and so statsmodels' Logit."""
    import statsmodels.api as sm
    from linearmodels.datasets import mroz

    held = ["nwifeinc", "exper", "expersq", "age", "kidslt6", "kidsge6"]
    data = mroz.load()
    table = data[["inlf", "educ", *held]].assign(place=range(len(data)))
    graph = {
        "nodes": {name: {} for name in ("educ", "inlf", *held)},
        "arrows": {"educ": {"inlf": WHY}, **{name: {"educ": WHY, "inlf": WHY} for name in held}},
    }
    words = ["source.authority=place", "estimator=logit_dose", "estimator.effect=slope"]
    result = run(tmp_path, table, graph, {"treatment": "educ", "outcome": "inlf", "control": 12.0, "treated": 13.0}, words)
    estimate = result["estimate"]
    theirs = sm.Logit(data["inlf"], sm.add_constant(data[["educ", *held]])).fit(disp=0)
    assert round(theirs.params["educ"], 3) == 0.221 and round(theirs.bse["educ"], 3) == 0.043
    assert round(estimate["diagnostics"]["log odds for one unit"], 3) == 0.221
    # the printed error takes the logit's own variance; ours is robust, and is that of statsmodels' with our factor
    robust = sm.Logit(data["inlf"], sm.add_constant(data[["educ", *held]])).fit(disp=0, cov_type="HC0")
    factor = np.sqrt(753 / 752 * 752 / 745)
    assert estimate["diagnostics"]["log odds for one unit, standard error"] == pytest.approx(robust.bse["educ"] * factor, rel=1e-6)
    assert int(estimate["effect"] * 1000) == 39  # printed .039: their digits are cut
    assert estimate["effect"] == pytest.approx(theirs.get_margeff().margeff[list(theirs.params.index).index("educ") - 1], rel=1e-6)
    assert any("25% higher odds" in note for note in estimate["notes"])
    came = f"{estimate['diagnostics']['log odds for one unit']:.3f}, {estimate['effect']:.4f}"
    as_printed("logit_dose", "log odds of educ, average partial effect", ".221, .039", came)
    # by hand: e to the printed .221 is 1.25; it stands on the first screen, beside the difference of shares
    page = next((tmp_path / "runs").rglob("report.html")).read_text(encoding="utf-8")
    first = page[: page.index("The range, in words")]
    assert "Odds, as a ratio" in first and "1.25" in first and "753 units" in first and "authority-year" not in first


def test_groups_have_effects_of_their_own_and_percent_is_the_same_answer() -> None:
    """A share in per cent is a hundred times the share, and its odds the same."""
    unit = replace(MADE.outcome_variable, unit="% of those asked")
    hundred = LogitDose().estimate(replace(MADE, outcome=100 * MADE.outcome, outcome_variable=unit), stream(1, "x"))
    assert hundred.effect == pytest.approx(100 * ONE.effect, rel=1e-8) and hundred.std_error == pytest.approx(100 * (ONE.std_error or 0), rel=1e-8)
    assert hundred.diagnostics["odds ratio"] == pytest.approx(ONE.diagnostics["odds ratio"], rel=1e-8)
    parts = LogitDose().estimate(designed(PANEL), stream(1, "x")).parts
    assert len(parts) == 5 and all(part.lower is not None and part.lower < part.effect < (part.upper or 0) for part in parts)
    assert min(part.effect for part in parts) < ONE.effect < max(part.effect for part in parts)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0, 1, 2], r"goes from 0 to 2"),
        ([0, 0.5, 1], r"has 3 values \(0, 0.5, 1\)"),
        ([0, 0.3], r"has 2 values"),
        ([-1, 1], r"goes from -1 to 1"),
    ],
)
def test_an_outcome_of_no_yes_and_no_is_refused_before_a_fit_with_those_that_can(values: list[float], words: str) -> None:
    outcome = np.resize(np.array(values, dtype=float), MADE.rows)
    with pytest.raises(DesignError, match=rf"logit_dose.*{words}"):
        LogitDose().estimate(replace(MADE, outcome=outcome), stream(1, "x"))


def test_a_treatment_that_tells_the_outcome_is_not_estimable_and_named() -> None:
    """By hand: every treated row is 1."""
    outcome = np.where(MADE.treatment > np.median(MADE.treatment), 1.0, 0.0)
    with pytest.raises(NotEstimable, match="separation") as raised:
        LogitDose().estimate(replace(MADE, outcome=outcome), stream(1, "x"))
    assert raised.value.code == "separated"
    x = np.column_stack([np.ones(6), [0, 1, 2, 3, 4, 5]])
    assert parts_outcomes(x, np.array([0, 0, 0, 1, 1, 1.0])) is not None and parts_outcomes(x, np.array([0, 1, 0, 1, 0, 1.0])) is None
    assert parts_outcomes(x, np.array([0, 0, 0.5, 1, 1, 1.0])) is not None  # the row in between stands on the border


def test_half_a_row_of_leverage_is_firth_s() -> None:
    """Firth 1993 for one proportion: (events + ½) / (rows + 1), and Haldane's odds of a table of two by two."""
    made = logit(np.ones((10, 1)), np.r_[1.0, np.zeros(9)], np.ones(10), penalised=True)
    assert made.mean[0] == pytest.approx(1.5 / 11)
    x = np.column_stack([np.ones(12), np.repeat([0.0, 1.0], 6)])
    y = np.r_[1.0, np.zeros(5), np.ones(6)]
    assert logit(x, y, np.ones(12), penalised=True).slopes[1] == pytest.approx(np.log((6.5 / 0.5) / (1.5 / 5.5)))


def test_it_is_proposed_for_yes_and_no_and_brings_its_own_checks() -> None:
    from causal.study import Study

    offer = proposal(MADE, LogitDose())
    assert [one.estimator for one in offer.proposed][:2] == ["fixed_effects", "logit_dose"] and "log_odds" in offer.cannot
    assert "logit_dose" not in [one.estimator for one in proposal(replace(MADE, outcome=10 * MADE.outcome), LogitDose()).proposed]
    some = {"title": "t", "action": "a", "question": BARE, "graph": GRAPH, "source": None, "refuters": ["leave_one_out"]}
    assert list(Study(estimator="logit_dose", **some).refuters) == ["leave_one_out", "link", "separation"]  # type: ignore[arg-type]
    assert list(Study(estimator="fixed_effects", **some).refuters) == ["leave_one_out"]  # type: ignore[arg-type]
    assert not Study(estimator="logit_dose", **some | {"refuters": {}}).refuters  # type: ignore[arg-type]
