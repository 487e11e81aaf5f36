"""Predictors of a synthetic control: a published table of weights by the own-data route, and knobs that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_published_panel import WHY, Printed, run

from causal.errors import CausalError
from causal.estimators.synthetic import SyntheticControl

MEANS = ("income", "ur", "poverty")
AT = {"alcohol": (1990,), "aidscapita": (1990, 1991), "black": (1990, 1991, 1992), "perc1519": (1990,)}


def test_texas_is_made_of_the_four_states_that_cunningham_prints(tmp_path: Path, as_printed: Printed) -> None:
    """Cunningham 2021 (Causal Inference: The Mixtape), Texas' prisons, weights as printed: California .408, Illinois .36, Louisiana .122, Florida .109.

    Rows as causaldata ships them. His Stata code matches fourteen predictors, weighed by a regression over 1985 to 1993, of which the means end in 1992.
    """
    data = pytest.importorskip("causaldata", reason="causaldata, of the dev extra, is not installed").texas.load_pandas().data
    table = data[["state", "year", "bmprison"]].assign(built=((data["state"] == "Texas") & (data["year"] > 1993)) * 1)
    for name in MEANS:
        means = data[data["year"] < 1993].groupby("state")[name].mean()
        table[f"{name}_before"] = table["state"].map(means)
    for name, years in AT.items():
        for year in years:
            table[f"{name}_{year}"] = table["state"].map(data[data["year"] == year].set_index("state")[name])
    predictors = [name for name in table if name not in ("state", "year", "bmprison", "built")]
    graph = {
        "nodes": {
            "authority": {"varies": "authority"},
            "year": {"varies": "year"},
            **{name: {"varies": "authority"} for name in predictors},
            "built": {},
            "bmprison": {},
        },
        "arrows": {
            "authority": dict.fromkeys(["built", "bmprison", *predictors], WHY),
            "year": {"built": WHY, "bmprison": WHY},
            **{name: {"built": WHY, "bmprison": {"because": WHY, "by_year": True}} for name in predictors},
            "built": {"bmprison": WHY},
        },
    }
    words = ["source.authority=state", "source.year=year", "estimator=synthetic_control", "estimator.match=predictors", "estimator.weigh=regression"]
    words.append("estimator.own_years=[1988,1990,1991,1992]")
    estimate = run(tmp_path, table, graph, {"treatment": "built", "outcome": "bmprison", "target": "ATT"}, words)["estimate"]
    weights = {name: value for name, value in estimate["diagnostics"].items() if name.startswith("weight of")}
    assert {name.removeprefix("weight of "): round(value, 3) for name, value in weights.items()} == {
        "California": 0.408,
        "Illinois": 0.36,
        "Louisiana": 0.122,
        "Florida": 0.109,
    }
    came = ", ".join(f"{name.removeprefix('weight of ')} {value:.3f}" for name, value in sorted(weights.items(), key=lambda one: -one[1]))
    as_printed("synthetic_control, predictors", "weights", "California .408, Illinois .36, Louisiana .122, Florida .109", came)


def test_years_that_are_no_years_before_and_other_weighings_are_refused() -> None:
    from test_conformal import placed

    from causal.testing.worlds import Dates

    laid = Dates(authorities=12, dates=30, seed=2).load().frame["plans"].to_numpy().reshape(12, 30)
    last = int(placed(laid).years[-1])
    with pytest.raises(CausalError, match=rf"own_years.*years before adoption.*{last}"):
        SyntheticControl(match="predictors", own_years=(last,)).estimate(placed(laid), None)  # type: ignore[arg-type]
    with pytest.raises(CausalError, match="a predictor that differs between places"):
        SyntheticControl(match="predictors", own_years=()).estimate(placed(laid), None)  # type: ignore[arg-type]
    with pytest.raises(CausalError, match="weigh"):
        SyntheticControl(weigh="best")  # type: ignore[arg-type]
