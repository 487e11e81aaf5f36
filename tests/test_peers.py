"""Funnels and peers: limits beside scipy's and published examples, the usual spread between places, a table of inspection outcomes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from causal.cli import main
from causal.decompositions.machinery.funnel import exact_limits, of_amounts, of_counts, of_shares


def test_only_bristol_lies_beyond_the_limits_of_child_heart_surgery() -> None:
    """Published: under-ones' open-heart surgery in England, 1991 to 1995 (Spiegelhalter 2019, The Art of Statistics)."""
    deaths = np.array([41, 25, 24, 23, 25, 42, 24, 53, 26, 25, 58, 31.0])
    operations = np.array([143, 187, 323, 122, 164, 405, 239, 482, 195, 177, 581, 301.0])
    funnel = of_shares(deaths, operations, np.full(12, deaths.sum() / operations.sum()))
    assert funnel.high.tolist() == [True, *[False] * 11] and not funnel.low.any()
    # beside the normal approximation, 3.09 standard errors of a share
    share = deaths.sum() / operations.sum()
    near = 1 + stats.norm.ppf(0.999) * np.sqrt((1 - share) / share / operations)
    assert funnel.chance_upper == pytest.approx(near, rel=0.05)


def test_limits_are_interpolated_between_the_counts_that_scipy_gives() -> None:
    expected = np.array([0.5, 3.0, 12.4, 80.0, 900.0])
    lower, upper = exact_limits(stats.poisson(expected), 0.998)
    assert ((stats.poisson(expected).ppf(0.999) - 1 <= upper) & (upper <= stats.poisson(expected).ppf(0.999))).all()
    assert ((stats.poisson(expected).ppf(0.001) - 1 <= lower) & (lower <= stats.poisson(expected).ppf(0.001))).all()
    assert (lower >= 0).all()


def test_limits_hold_the_share_that_they_say() -> None:
    """20,000 counts that differ by chance alone, and as many whose places differ by a fifth as well: about 2 in 1,000 lie beyond."""
    rng = np.random.default_rng(0)
    expected = rng.uniform(20, 800, 20_000)
    alike = of_counts(rng.poisson(expected).astype(float), expected)
    assert alike.spread == 0 and 0.001 < (alike.high | alike.low).mean() < 0.0035
    differing = of_counts(rng.poisson(expected * np.exp(0.2 * rng.standard_normal(20_000) - 0.02)).astype(float), expected)
    assert differing.spread == pytest.approx(0.2, rel=0.15)
    assert 0.0005 < (differing.high | differing.low).mean() < 0.01
    chance = ((differing.ratio > differing.chance_upper) | (differing.ratio < differing.chance_lower)).mean()
    assert chance > 0.2


def test_the_spread_of_amounts_is_that_of_places() -> None:
    """Planted: a standard deviation of a quarter in the logarithm, whatever the size."""
    rng = np.random.default_rng(1)
    off = 0.25 * rng.standard_normal(5_000)
    funnel = of_amounts(np.exp(off) * 900, np.full(5_000, 900.0), rng.uniform(1e4, 2e5, 5_000))
    assert funnel.spread == pytest.approx(0.25, rel=0.06)
    assert (funnel.high | funnel.low).mean() < 0.006


def test_a_table_of_inspections_is_set_beside_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Planted: one authority spends four times what its peers do, one has no good rating where nearly all have; the rest are alike."""
    rng = np.random.default_rng(4)
    rows = []
    for place in range(60):
        deprivation = rng.normal(23, 8)
        for year in range(2011, 2019):
            cost = 1000 * np.exp(0.01 * deprivation + 0.1 * rng.standard_normal()) * (4 if place == 7 else 1)
            good = float(rng.random() < 0.85) if place != 11 else 0.0
            rows.append({"authority": f"A{place:02d}", "year": year, "deprivation": deprivation, "children": 50_000, "cost": cost, "grade": 3 if good else 1})
    pd.DataFrame(rows).to_csv(tmp_path / "mine.csv", index=False)
    words = ["source=table", f"source.path={tmp_path / 'mine.csv'}", "source.year=year", "source.population=children", f"runs={tmp_path}"]
    knobs = ["decomposition.counts=[]", "decomposition.costs=[cost]", "decomposition.rating=grade", "decomposition.good_from=2.5"]
    assert main(["decompose", "peers", "experiment=centre_spending", *words, *knobs]) == 0
    data = json.loads((Path(capsys.readouterr().out.strip().splitlines()[-1]) / "result.json").read_text())
    tables = {one["name"]: one["rows"] for one in data["tables"]}
    unusual = {(row[0], row[2]) for row in tables["unusual"]}
    assert {("A07", "more than its peers"), ("A11", "less than its peers")} <= unusual and len(unusual) <= 3
    assert len(tables["cost_and_quality"]) == 60 and any("no link can be told" in one for one in data["said"])
    assert {"cost_and_quality"} == {figure["name"] for figure in data["figures"]}  # all of one size: no funnel to draw
    assert {"funnel_cost", "funnel_grade"} <= set(tables)


def test_what_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decompose", "peers", "decomposition.adjust=[deprivatoin]", f"runs={tmp_path}"]) == 2
    assert "did you mean 'deprivation'" in capsys.readouterr().err.lower()
