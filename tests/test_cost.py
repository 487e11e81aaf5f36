"""Cost: discounting as the Green Book prints it, sums by hand, draws that hang together, words that follow the interval."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from causal.cli import main
from causal.decompositions.cost import Cost
from causal.decompositions.machinery.cost_text import sterling
from causal.decompositions.machinery.money import Account, Placement, direction, discount, joint_draws, triangle
from causal.errors import ConfigError


def test_discount_factors_are_those_printed_in_the_green_book() -> None:
    """HM Treasury, The Green Book, long-term discount factors (3.5 %, 3.0 % from year 31)."""
    printed = {0: 1.0, 1: 0.9662, 2: 0.9335, 5: 0.8420, 10: 0.7089, 20: 0.5026, 30: 0.3563, 31: 0.3459, 40: 0.2651, 50: 0.1973, 75: 0.0942}
    assert discount(np.array(list(printed), dtype=float)) == pytest.approx(list(printed.values()), abs=6e-5)


def test_an_account_adds_up_by_hand() -> None:
    """£100 saved in each of three years; one outcome-year a year from year 1, half a child in care from year 2 at £80 a year."""
    account = Account(saved=100.0, years=3, first=1, first_placed=2)
    added, net = account.totals(np.array([1.0]), np.array([0.5]), np.array([80.0]))
    assert added[0] == pytest.approx(1 / 1.035 + 1 / 1.035**2)
    assert net[0] == pytest.approx(100 * (1 + 1 / 1.035 + 1 / 1.035**2) - 40 / 1.035**2)


def test_both_effects_are_drawn_together() -> None:
    """Against the moments of the multivariate t: covariance times df / (df − 2)."""
    scores = np.array([[1.0, 0.5], [0.5, -1.0], [-1.0, -0.2], [0.3, 0.8]])
    drawn = joint_draws(np.array([2.0, -1.0]), scores, 20.0, 200_000, np.random.default_rng(0))
    assert drawn.mean(axis=0) == pytest.approx([2.0, -1.0], abs=0.02)
    assert np.cov(drawn.T) == pytest.approx(scores.T @ scores * 20 / 18, abs=0.04)


def test_unit_costs_are_drawn_from_their_range() -> None:
    """Mean of a triangle: a third of the sum of its ends and its mode; no range, no draw."""
    rng = np.random.default_rng(0)
    assert triangle(156_000, 189_000, 227_000, 100_000, rng).mean() == pytest.approx((156_000 + 189_000 + 227_000) / 3, rel=0.002)
    assert set(triangle(5, 5, 5, 10, rng)) == {5.0}


@pytest.mark.parametrize(
    ("change", "says"),
    [({"low": 40_000}, "between its low and high ends"), ({"share_high": 1.2}, "at most 1"), ({"source": " "}, "source: wanted words")],
)
def test_placements_are_checked(change: dict[str, object], says: str) -> None:
    given = {"value": 30_000.0, "low": 24_000.0, "high": 36_000.0, "share": 0.7, "share_low": 0.7, "share_high": 0.7, "source": "made up"}
    with pytest.raises(ConfigError, match=says):
        Placement(**(given | change))
    whole = Placement(**given)
    with pytest.raises(ConfigError, match=r"add up to at most 1, got 1\.4"):
        Cost(placements={"one": whole, "other": whole})


def test_whether_more_treatment_is_more_spending_is_told_from_the_data_or_asked_for() -> None:
    from causal.sources.simulated import Simulated

    panel = Simulated(authorities=30).load()
    assert direction(panel, "centre_spending", "centre_spend_per_child", None) == 1 and direction(panel, "closures", "centre_spend_per_child", None) == -1
    assert direction(panel, "closures", 100.0, "less") == -1
    with pytest.raises(ConfigError, match=r"^decomposition\.spending: .*got data that do not show it.*; say  decomposition\.spending=more"):
        direction(panel, "closures", 100.0, None)


def test_a_price_is_never_that_of_another_treatment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["decompose", "cost", "question.treatment=child_poverty", "question.control=20", "question.treated=21", "question.lag=0", f"runs={tmp_path}"]) == 2
    )
    said = capsys.readouterr().err
    assert "wanted what a unit of child_poverty costs, got nothing" in said and "+decomposition.prices.child_poverty=" in said


def test_sums_of_money_are_read_at_a_glance() -> None:
    assert [sterling(one) for one in (730_123.0, -1_254_000.0, 0.0, 999_600.0, 42.4)] == ["£730,000", "−£1.25m", "£0", "£1m", "£42"]


def test_a_ratio_is_given_only_where_the_effect_has_a_sign(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Planted: closing half of the centres adds 14 plans, or none. What was planted must lie within what was found."""
    for effect, ratio in ((14, True), (0, False)):
        words = [f"source.effect={effect}", "decomposition.draws=4000", f"runs={tmp_path}"]
        assert main(["decompose", "cost", "experiment=closures", *words]) == 0
        data = json.loads((Path(capsys.readouterr().out.strip().splitlines()[-1]) / "result.json").read_text())
        assert any(one.startswith("Net money saved for a person-year of ") for one in data["said"]) == ratio
        assert any("a ratio to it would mean nothing" in one for one in data["said"]) != ratio
        for _, planted, _, lower, upper, _ in data["truth"]["rows"]:
            assert lower < planted < upper
        money = {row[0]: row[1:] for table in data["tables"] if table["name"] == "money" for row in table["rows"]}
        saved, spent, left = (money[name] for name in money)
        assert saved[0] == pytest.approx(spent[0] + left[0], rel=0.01) and saved[0] == saved[1] == saved[2]  # known by definition
        # the end of the headline follows from both ranges alone
        ends = {
            "whether later care uses up some of that is open.": spent[1] <= 0 <= spent[2] and left[1] > 0,
            "adds to that or takes from it is open": spent[1] <= 0 <= spent[2] and left[1] <= 0,
            "uses up some of that.": spent[1] > 0 and left[1] > 0,
            "uses up some of that or all of it.": spent[1] > 0 and left[1] <= 0 <= left[2],
            "uses up all of it and more.": spent[1] > 0 and left[2] < 0,
        }
        assert data["headline"].startswith("By definition ") and [words for words, so in ends.items() if so and words in data["headline"]]
        assert len(data["headline"].split()) <= 30 and ("uses up all that is saved does not fit" in data["second"]) == (left[1] > 0)
        assert "Certainty of that: " in data["second"] and "Not counted: schooling, health, crime and the child" in data["second"]
        every = " ".join([data["headline"], data["second"], *data["said"], *(figure["alt"] + figure["caption"] for figure in data["figures"])])
        assert "100%" not in every and "chance" not in every.lower()
        assert any("Institute for Fiscal Studies" in one for one in data["others"])
        sources = next(table for table in data["tables"] if table["name"] == "unit_costs")
        assert {row[0]: row[1] for row in sources["rows"]} == {"fostering": 30_000, "residential": 189_000}
