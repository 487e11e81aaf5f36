"""What was said of England against what the files give: on the real folder to the printed precision, on a small one what is lacking is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from england_folder import build

from causal.cli import main
from causal.sources.england import England
from causal.sources.england.facts import facts, facts_text

REAL = Path(__file__).resolve().parents[1].parent / "shared/data/england"
real_files = pytest.mark.skipif(not REAL.is_dir(), reason="the folder of real published files is not at hand (../shared/data/england)")


@real_files
def test_facts_agree_with_what_the_nao_and_parliament_printed() -> None:
    """NAO, January 2019; PAC, December 2016 and March 2019."""
    found = {fact.key: fact for fact in facts(England(path=str(REAL)))}
    assert list(found) == ["F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F15"]
    assert [key for key, fact in found.items() if fact.agrees is not True] == ["F8"]
    numbers = {key: fact.numbers for key, fact in found.items()}
    for key, expected in (
        ("F1", {"first": 615_000, "last": 655_630, "percent": 6.6}), ("F2", {"first": 111_700, "last": 198_090, "percent": 77.3}),
        ("F3", {"first": 42_700, "last": 53_790, "percent": 26.0}), ("F4", {"first": 65_524, "last": 75_363, "percent": 15.0, "population_percent": 5.4}),
        ("F5", {"lowest": 300.5, "highest": 1322.7}), ("F7", {"first": 40.5, "last": 24.9}),
    ):  # fmt: skip
        assert {name: round(value, 1) for name, value in numbers[key].items()} == expected, key
    assert (round(numbers["F6"]["lowest"]), round(numbers["F6"]["highest"])) == (566, 5166)
    assert (round(numbers["F15"]["lowest"]), round(numbers["F15"]["highest"])) == (6, 46)
    assert "Hertfordshire" in found["F5"].found and "Blackpool" in found["F5"].found


@real_files
def test_the_fall_of_spending_power_is_between_the_public_measures_and_says_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    """−22 % to −23.5 % by three public measures; the NAO printed −28.6 %."""
    assert main(["facts", f"source.path={REAL}", "--json"]) == 0
    fact = next(one for one in json.loads(capsys.readouterr().out) if one["key"] == "F8")
    assert fact["agrees"] is False and sorted(round(value, 1) for value in fact["numbers"].values()) == [-23.5, -22.8, -22.0]
    assert "not public" in fact["why"]


def test_facts_of_a_folder_that_holds_less(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = build(tmp_path / "England")
    (small / "cin/c1.csv").unlink()
    found = {fact.key: fact for fact in facts(England(path=str(small)))}
    assert found["F1"].agrees is None and "children in need" in found["F1"].why.lower() and "https://" in found["F1"].why
    assert found["F7"].agrees is False and found["F7"].numbers["last"] == pytest.approx(30.0)  # (11 − 3 − 4 − 1) ÷ (11 − 1)
    assert main(["facts", f"source.path={small}"]) == 0
    out = capsys.readouterr().out
    assert "cannot be computed" in out and out.strip().splitlines()[-1].endswith("agree") and facts_text(list(found.values())) in out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["facts"], "give  source.path=FOLDER"),
        (["facts", "source.path=/nowhere/at/all"], "there is no folder"),
        (["facts", "source.path=x", "source.plaices=y"], "Did you mean"),
    ],
)
def test_bad_words(words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert expected in capsys.readouterr().err


def test_check_shows_the_cells_behind_a_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = build(tmp_path / "England")
    assert main(["check", str(small), "--cell", "plans", "Leeds", "2015"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("plans, Leeds, 2015: 50 per 10,000 children") and "cin/d1.csv, row" in out and "population_estimate" in out
    assert main(["check", str(small), "--cell", "plans", "Leeds", "2016"]) == 0
    assert "missing" in (out := capsys.readouterr().out) and "marked 'c'" in out
    assert main(["check", str(small), "--cell", "plans", "Leeds", "soon"]) == 2 and "2018" in capsys.readouterr().err
    assert main(["check", str(tmp_path)]) == 2  # folders below are read too; these small files lack columns of the published ones, and say so
    (tmp_path / "empty").mkdir()
    assert main(["check", str(tmp_path / "empty")]) == 2
