"""Distributed lags: sums over years against a published table, against PanelOLS, and a world in which each year's effect is planted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_published_panel import WHY, Printed, run

from causal.design import Design, design
from causal.errors import ConfigError, DesignError
from causal.estimators.distributed_lags import DistributedLags
from causal.question import Question
from causal.testing import check_estimator, check_refuter
from causal.testing.worlds import ar, panel_of, stated

ASKED = Question(treatment="dose", outcome="plans", control=0.0, treated=2.0, smallest_important=0.5, because="a test")


def made(effects: tuple[float, ...] = (1.0, 0.5, 0.25), seed: int = 1, g: int = 60, t: int = 9) -> Design:
    """Places whose dose of this year and the years before acts as planted; poverty moves both in the same year."""
    rng = np.random.default_rng(seed)
    place, year = rng.normal(size=(g, 1)), rng.normal(size=(1, t))
    poverty = ar(rng.normal(size=(g, t)), 0.6)
    dose = ar(rng.normal(size=(g, t)), 0.5) + place + 0.5 * poverty
    plans = 3 * place + year + poverty + rng.normal(size=(g, t))
    for k, by in enumerate(effects):
        plans[:, k:] += by * dose[:, : t - k]
    return design(panel_of({"poverty": poverty, "dose": dose, "plans": plans}), ASKED, stated("authority", "poverty", "year", descendants=("plans",)))


def test_the_scrap_rates_of_firms_with_training_grants_are_wooldridge_s(tmp_path: Path, as_printed: Printed) -> None:
    """Holzer and others 1993, as in Wooldridge, Introductory Econometrics, table 14.1: grant −.252 (.151), the year before's −.422 (.210), 54 firms, 162 rows.

    The data are those of linearmodels. The printed errors take rows as independent: statsmodels gives them in the same run, and ours clustered beside them.
    Nobody had a grant before 1988, so that what came before the first row is known.
    """
    import statsmodels.formula.api as smf
    from linearmodels.datasets import jobtraining

    table = jobtraining.load()[["fcode", "year", "grant", "grant_1", "lscrap"]].dropna()
    names = ("grant", "lscrap")
    graph = {
        "nodes": {"authority": {"varies": "authority"}, "year": {"varies": "year"}, **{name: {} for name in names}},
        "arrows": {"authority": dict.fromkeys(names, WHY), "year": dict.fromkeys(names, WHY), "grant": {"lscrap": WHY}},
    }
    words = ["source.authority=fcode", "source.year=year", "estimator=distributed_lags", "estimator.lags=1", "estimator.before=0"]
    estimate = run(tmp_path, table.drop(columns="grant_1"), graph, {"treatment": "grant", "outcome": "lscrap"}, words)["estimate"]
    now, before = [part["effect"] for part in estimate["parts"] if part["kind"] == "time"]
    assert (round(now, 3), round(before, 3)) == (-0.252, -0.422)
    as_printed("distributed_lags", "grant, and that of the year before", "−.252, −.422", f"{now:.3f}, {before:.3f}")
    assert estimate["rows"] == 162 and estimate["authorities"] == 54
    assert estimate["estimand"]["family"] == "kept_up" and estimate["estimand"]["horizon"] == 2
    page = next((tmp_path / "runs").rglob("report.html")).read_text(encoding="utf-8")
    assert "units in the same year, once kept up for 2 years; anything from" in page
    theirs = smf.ols("lscrap ~ grant + grant_1 + C(fcode) + C(year)", table).fit()
    assert (round(theirs.bse["grant"], 3), round(theirs.bse["grant_1"], 3)) == (0.151, 0.210)
    assert estimate["effect"] == pytest.approx(theirs.params["grant"] + theirs.params["grant_1"], rel=1e-9)


def test_the_sum_and_its_error_are_panelols_s_of_lagged_columns() -> None:
    """linearmodels' PanelOLS with the lags as columns, clustered by place; its bare sandwich times our factor."""
    from linearmodels.panel import PanelOLS

    one = made(g=120)
    ours = DistributedLags(lags=2).estimate(one, np.random.default_rng(0))
    index = pd.MultiIndex.from_arrays([one.authority, one.year])
    frame = pd.DataFrame({"y": one.outcome, "d0": one.treatment, "x0": one.controls[:, 0]}, index=index)
    for k in (1, 2):
        frame[f"d{k}"], frame[f"x{k}"] = (frame.groupby(level=0)[name].shift(k) for name in ("d0", "x0"))
    frame = frame.dropna()
    columns = ["d0", "d1", "d2", "x0", "x1", "x2"]
    bare = PanelOLS(frame["y"], frame[columns], entity_effects=True, time_effects=True).fit(
        cov_type="clustered", cluster_entity=True, auto_df=False, count_effects=False, debiased=False
    )
    assert ours.effect == pytest.approx(2 * bare.params[["d0", "d1", "d2"]].sum(), rel=1e-9)
    rows, groups = len(frame), len(one.authorities)
    factor = groups / (groups - 1) * (rows - 1) / (rows - len(columns) - (len(np.unique(frame.index.get_level_values(1))) - 1))
    variance = bare.cov.loc[["d0", "d1", "d2"], ["d0", "d1", "d2"]].to_numpy().sum() * factor
    assert ours.inference.startswith("CR1") and ours.std_error == pytest.approx(2 * np.sqrt(variance), rel=1e-6)


def test_it_keeps_the_contracts_of_estimators_and_checks_and_covers_a_planted_sum() -> None:
    """Planted: 1, .5 and .25 for one unit of dose, 3.5 for the contrast of two, in 20 panels."""
    from causal.refuters.lag_length import LagLength

    assert check_estimator(DistributedLags(), panels=4).name == "distributed_lags"
    check_refuter(LagLength())
    found = [DistributedLags(lags=2).estimate(made(seed=seed, g=40), np.random.default_rng(0)) for seed in range(20)]
    off = np.array([one.effect - 3.5 for one in found])
    assert abs(off.mean()) < 3.5 * off.std(ddof=1) / np.sqrt(20)
    assert sum(one.lower < 3.5 < one.upper for one in found) >= 16  # type: ignore[operator]


def test_the_terms_and_the_sums_of_one_answer_agree() -> None:
    """The last sum is the effect, the first the first year's own, and what is written in changes has the influence of the terms."""
    one = DistributedLags(lags=2).estimate(made(), np.random.default_rng(0))
    each, sums = ([part for part in one.parts if part.kind == kind] for kind in ("time", "path"))
    assert sums[-1].effect == pytest.approx(one.effect) == pytest.approx(sum(part.effect for part in each))
    assert sums[-1].std_error == pytest.approx(one.std_error) and sums[0].effect == pytest.approx(each[0].effect)
    assert [part.since for part in each] == [0, 1, 2] and sums[1].name == "kept up for 2 years"


def test_lags_longer_than_the_panel_are_refused_before_a_fit_with_the_most_that_there_are_and_who_else_can() -> None:
    short = made(t=4)
    with pytest.raises(DesignError, match=r"3 earlier years of dose .* 1 outcome year of 4 has them all, .*; take  estimator.lags=2") as refused:
        DistributedLags(lags=3).estimate(short, np.random.default_rng(0))
    assert "fixed_effects" in str(refused.value)
    with pytest.raises(ConfigError, match=r"estimator.before: wanted a level of the treatment, or null"):
        DistributedLags(before="none")  # type: ignore[arg-type]
    # a treatment taken up and kept in one year by all is told by its own past: said, and not fitted
    flat = replace(short, treatment=np.where(short.authority % 2, 1.0, 0.0) * (short.year >= short.years[0]))
    with pytest.raises(Exception, match=r"distributed_lags"):
        DistributedLags(lags=1).estimate(flat, np.random.default_rng(0))
