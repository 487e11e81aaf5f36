"""Published results by the user's own-data route: a table, a small graph and an experiment in a folder of one's own, run from the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from causal.cli import main

WHY = "a test"
Printed = Callable[[str, str, str, str], None]  # of the fixture `as_printed`


def run(folder: Path, table: pd.DataFrame, graph: dict[str, Any], question: dict[str, Any], words: list[str]) -> dict[str, Any]:
    """One study of one's own, as `causal run` writes it."""
    mine = folder / "mine"
    parts: dict[str, dict[str, Any]] = {
        "graph": {"_target_": "causal.graph.Graph", "name": "ours", **graph},
        "experiment": {
            "defaults": [{"override /graph": "ours"}, {"override /source": "table"}],
            "title": "A published result",
            "action": "It",
            "question": {"control": 0.0, "treated": 1.0, "smallest_important": 0.01, "because": WHY, **question},
        },
    }
    for group, inside in parts.items():
        (mine / group).mkdir(parents=True, exist_ok=True)
        head = "# @package _global_\n" if group == "experiment" else ""
        (mine / group / "ours.yaml").write_text(head + yaml.safe_dump(inside, sort_keys=False))
    table.to_csv(folder / "table.csv", index=False)
    given = ["run", "--config-dir", str(mine), "experiment=ours", f"source.path={folder / 'table.csv'}", f"runs={folder / 'runs'}", "workers=1"]
    assert main([*given, "refuters={}", *words]) == 0
    (found,) = (folder / "runs").rglob("result.json")
    result: dict[str, Any] = json.loads(found.read_text())
    return result


@pytest.mark.parametrize(("treatment", "published"), [("union", 0.0800), ("married", 0.0467)])
def test_the_wage_panel_s_fixed_effects_are_linearmodels_published_ones(tmp_path: Path, treatment: str, published: float, as_printed: Printed) -> None:
    """Vella & Verbeek 1998, as linearmodels' documentation prints it: union .0800 (.0193), married .0467, two-way fixed effects.

    The printed error takes rows as independent; ours is clustered, held against linearmodels' bare clustered sandwich with our factor.
    """
    from linearmodels.datasets import wage_panel
    from linearmodels.panel import PanelOLS

    table = wage_panel.load()[["nr", "year", "lwage", "expersq", "union", "married"]]
    other = "married" if treatment == "union" else "union"
    names = ("expersq", other, treatment, "lwage")
    graph = {
        "nodes": {"authority": {"varies": "authority"}, "year": {"varies": "year"}, **{name: {} for name in names}},
        "arrows": {
            "authority": dict.fromkeys(names, WHY),
            "year": dict.fromkeys(names, WHY),
            "expersq": {treatment: WHY, "lwage": WHY},
            other: {treatment: WHY, "lwage": WHY},
            treatment: {"lwage": WHY},
        },
    }
    words = ["source.authority=nr", "source.year=year", "estimator=fixed_effects"]
    result = run(tmp_path, table, graph, {"treatment": treatment, "outcome": "lwage"}, words)
    estimate = result["estimate"]
    assert round(estimate["effect"], 4) == published
    as_printed("fixed_effects", treatment, f"{published:.4f}", f"{estimate['effect']:.4f}")
    indexed = table.set_index(["nr", "year"])
    model = PanelOLS(indexed["lwage"], indexed[["expersq", "union", "married"]], entity_effects=True, time_effects=True)
    assert round(float(model.fit().std_errors["union"]), 4) == 0.0193
    bare = model.fit(cov_type="clustered", cluster_entity=True, auto_df=False, count_effects=False, debiased=False)
    rows, groups, columns = len(table), table["nr"].nunique(), 3 + table["year"].nunique() - 1
    factor = groups / (groups - 1) * (rows - 1) / (rows - columns)
    assert estimate["inference"].startswith("CR1")
    assert estimate["std_error"] == pytest.approx(float(bare.std_errors[treatment]) * np.sqrt(factor), rel=1e-3)
    assert estimate["authorities"] == 545 and estimate["rows"] == 4360


def test_the_return_to_schooling_by_distance_to_college_is_card_s(tmp_path: Path, as_printed: Printed) -> None:
    """Card 1995, as printed in Wooldridge 2010, table 5.1: .132 (.055) by instrument, first stage .320 (.088); linearmodels' data and IV2SLS."""
    from linearmodels.datasets import card
    from linearmodels.iv import IV2SLS

    held = ["exper", "expersq", "black", "smsa", "south", "smsa66", *(f"reg{n}" for n in range(662, 670))]
    data = card.load()
    table = data[["lwage", "educ", "nearc4", *held]].assign(place=range(len(data)))
    graph = {
        "nodes": {"ability": {"measured": False}, "nearc4": {}, "educ": {}, "lwage": {}, **{name: {} for name in held}},
        "arrows": {
            "ability": {"educ": WHY, "lwage": WHY},
            "nearc4": {"educ": WHY},
            "educ": {"lwage": WHY},
            **{name: {"nearc4": WHY, "educ": WHY, "lwage": WHY} for name in held},
        },
    }
    words = ["source.authority=place", "estimator=two_stage_least_squares", f"adjust_for=[{','.join(held)}]"]
    estimate = run(tmp_path, table, graph, {"treatment": "educ", "outcome": "lwage"}, words)["estimate"]
    assert round(estimate["effect"], 3) == 0.132
    as_printed("two_stage_least_squares", "return to schooling", ".132", f"{estimate['effect']:.3f}")
    theirs = IV2SLS(data["lwage"], data[held].assign(const=1.0), data["educ"], data["nearc4"]).fit(cov_type="robust", debiased=False)
    factor = np.sqrt(len(data) / (len(data) - 1) * (len(data) - 1) / (len(data) - 16))
    error = estimate["std_error"] or estimate["diagnostics"]["clustered standard error (not valid for weak instruments)"]
    assert error == pytest.approx(float(theirs.std_errors["educ"]) * factor, rel=1e-6)
    assert round(error, 3) in (0.054, 0.055)
    first = estimate["diagnostics"]["effective F (Montiel Olea & Pflueger)"]
    assert first == pytest.approx((0.320 / 0.088) ** 2, rel=0.1)
    assert any("weak" in concern for concern in estimate["concerns"])


def test_every_published_table_stands_in_the_list_as_it_came() -> None:
    """The list is made by `benchmarks/published.py`; a test that came to ask for `as_printed` since, or lost it, is not in step with it."""
    top = Path(__file__).parent
    asks = {hit for path in top.glob("test_*.py") for hit in re.findall(r"^def (test_\w+)\([^)]*as_printed: Printed", path.read_text(encoding="utf-8"), re.M)}
    rows = [line.split(" | ") for line in (top.parent / "benchmarks" / "published.md").read_text(encoding="utf-8").splitlines() if "`test_" in line]
    assert {re.findall(r"::(test_\w+)", row[-1])[0] for row in rows} == asks
    assert all(row[4] not in ("**failed**", "–") and row[3] != "–" for row in rows)
    designs = {row[0].removeprefix("| ").split(",")[0] for row in rows}
    later = "regression_discontinuity interrupted_series synthetic_control cluster_trial logit_dose late distributed_lags reversible_did"
    assert designs >= set(later.split())
