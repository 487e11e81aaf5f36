"""A series cut by a date: by statsmodels in the same run, by a published break through the own-data route, by planted effects; what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_published_panel import WHY, Printed, run

from causal.answer import answered
from causal.design import Design, design
from causal.draws import stream
from causal.errors import DesignError
from causal.estimators.interrupted_series import InterruptedSeries
from causal.identify import identify
from causal.inference.serial import line
from causal.proposal import proposal
from causal.testing.worlds import QUESTION, SERIES_GRAPH, Dates
from causal.verdict.rule import Rule, kind_of, maryland

ASKED = replace(QUESTION, treated=1.0, modifiers=(), target="ATT")


def made(world: Dates, years: slice = slice(None)) -> Design:
    panel = world.load()
    first = panel.years[years]
    frame = panel.frame[panel.frame.index.get_level_values("year").isin(first)]
    return design(replace(panel, frame=frame), ASKED, identify(ASKED, SERIES_GRAPH, measured=panel.names, strategy="series"))


def test_hac_errors_are_statsmodels_and_fading_ones_gls_at_a_known_factor() -> None:
    """statsmodels' OLS with Newey–West errors (small-sample), and its GLSAR's generalised least squares where the factor is nothing: least squares."""
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    t = np.arange(60)
    x = np.column_stack([np.ones(60), t - 40, t >= 40, (t >= 40) * (t - 40)]).astype(float)
    y = x @ [10.0, 0.2, -3.0, 0.1] + rng.normal(size=60)
    one = line(y, x, t.astype(float), "hac")
    theirs = sm.OLS(y, x).fit(cov_type="HAC", cov_kwds={"maxlags": 3, "use_correction": True})
    assert one.coefficients == pytest.approx(theirs.params, rel=1e-8)
    assert np.sqrt(np.diag(one.covariance)) == pytest.approx(theirs.bse, rel=1e-8)
    # errors that do not last: generalised least squares is near least squares, and its error a little larger, as the factor is not known
    fading = line(y, x, t.astype(float), "fading")
    plain = sm.OLS(y, x).fit()
    assert fading.coefficients == pytest.approx(plain.params, abs=0.5 * float(plain.bse.max()))
    assert (np.sqrt(np.diag(fading.covariance)) / plain.bse > 0.75).all() and fading.factor is not None and abs(fading.factor) < 0.4


def test_the_nile_fell_when_the_dam_was_built_as_zeileis_and_others_print(tmp_path: Path, as_printed: Printed) -> None:
    """Zeileis, Kleiber, Krämer & Hornik 2003: means 1097.75 to 1898 and 849.97 from 1899; data of statsmodels, whose OLS has the same difference."""
    import statsmodels.api as sm

    data = sm.datasets.nile.load_pandas().data.astype(float)
    table = pd.DataFrame({"place": "Aswan", "yr": data["year"].astype(int), "flow": data["volume"], "dam": (data["year"] >= 1899).astype(float)})
    graph = {
        "nodes": {"authority": {"varies": "authority"}, "year": {"varies": "year"}, "dam": {}, "flow": {}},
        "arrows": {"authority": {"flow": WHY}, "year": {"dam": WHY, "flow": WHY}, "dam": {"flow": WHY}},
    }
    words = ["source.authority=place", "source.year=yr", "estimator=interrupted_series", "estimator.trend=false", "estimator.errors=hac"]
    result = run(tmp_path, table, graph, {"treatment": "dam", "outcome": "flow", "target": "ATT"}, words)
    estimate = result["estimate"]
    assert round(estimate["effect"], 2) == round(849.97 - 1097.75, 2) == -247.78
    as_printed("interrupted_series", "difference of means, 849.97 − 1097.75", "−247.78", f"{estimate['effect']:.2f}")
    theirs = sm.OLS(table["flow"], sm.add_constant(table[["dam"]])).fit(cov_type="HAC", cov_kwds={"maxlags": 4, "use_correction": True})
    assert (estimate["effect"], estimate["std_error"]) == pytest.approx((theirs.params["dam"], theirs.bse["dam"]), rel=1e-8)
    assert result["verdict"]["kind"] == "series" and result["verdict"]["maryland"] == 2
    seen = {one["at"]: one for one in estimate["course"]["points"]}
    assert seen[1899.0]["without"] == pytest.approx(1097.75) and seen[1898.0]["without"] is None and len(seen) == 100
    assert any("HAC errors are too narrow" in concern for concern in estimate["concerns"])
    page = next((tmp_path / "runs").rglob("report.html")).read_text(encoding="utf-8")
    assert "Course of the outcome" in page and "nobody recorded came at the same time" in page
    first = page[: page.index("The range, in words")]
    assert "A series is compared with how it went before" in first and "compared with one another" not in first


def test_what_hit_all_places_goes_out_with_the_comparison_series() -> None:
    """Planted: an effect of 6 beside a shock of 8 that all places share; by itself the series takes both for the treatment."""
    worlds = [Dates(effect=6.0, authorities=8, shared=8.0, seed=seed) for seed in range(15)]
    both, alone = ([InterruptedSeries(comparison=comparison).estimate(made(world), stream(1, "x")) for world in worlds] for comparison in (True, False))
    for found, truth in ((both, 6.0), (alone, 14.0)):
        effects = [one.effect for one in found]
        assert np.mean(effects) == pytest.approx(truth, abs=3.5 * np.std(effects, ddof=1) / np.sqrt(15))
    assert not both[0].concerns and "no comparison series" in alone[0].concerns[0]
    assert maryland(Rule(), made(worlds[0]), both[0]) == 3 and maryland(Rule(), made(worlds[0]), alone[0]) == 2
    assert not both[0].same_effect(alone[0]) and kind_of(made(worlds[0]), both[0]) == "series"


def test_missing_dates_are_steps_apart_and_one_place_has_an_interval() -> None:
    """By hand: without every third date the slope is still that of a step, and the error learnt from dates stands though there is one place."""
    one = made(Dates(effect=5.0))
    kept = np.flatnonzero(np.arange(one.rows) % 3 != 1)
    some = one.subset(kept)
    found = answered(InterruptedSeries(), some, stream(1, "x"))
    assert found.lower is not None and found.lower < 5.0 < (found.upper or 0.0) and found.support is not None and found.support.clusters == len(kept)
    full = answered(InterruptedSeries(), one, stream(1, "x"))
    slopes = [each.diagnostics["slope before, a step"] for each in (found, full)]
    assert slopes[0] == pytest.approx(slopes[1], abs=0.15)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (lambda: made(Dates(), slice(27, 33)), r"a series of 8 dates before and 3 since is wanted, and there are 3 and 3"),
        (lambda: replace(made(Dates()), treatment=np.tile([0.0, 1.0], 25)), r"cut must come to 1 at a date and stay there"),
        (lambda: replace(made(Dates()), identification=replace(made(Dates()).identification, strategy="backdoor")), r"arranged for another comparison"),
    ],
)
def test_short_series_and_treatments_without_a_date_are_refused_before_a_fit(one, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DesignError, match=rf"interrupted_series.*{words}"):
        InterruptedSeries().estimate(one(), stream(1, "x"))


def test_it_is_proposed_for_a_series_and_a_season_is_held_fixed() -> None:
    """Planted: a season of five dates, which the model takes out when it is told."""
    one = made(Dates(effect=5.0, swings=6.0))
    assert proposal(one, InterruptedSeries()).proposed[0].estimator == "interrupted_series" and proposal(one, InterruptedSeries()).cannot == ("same_time",)
    blind, told = (InterruptedSeries(season=season).estimate(one, stream(1, "x")) for season in (None, 5))
    assert (told.std_error or 0) < 0.8 * (blind.std_error or 0)
