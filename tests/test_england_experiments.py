"""The headline questions on the real published files, where they are at hand (../shared/data/england)."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from lengths import long

from causal.cli import main
from causal.sources.england import England

REAL = Path(__file__).resolve().parents[1].parent / "shared/data/england"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the folder of real published files is not at hand (../shared/data/england)")
LIGHT = ["refuters=[]", "workers=1"]


def result(out: str) -> dict:  # type: ignore[type-arg]
    return json.loads((Path(out.strip().splitlines()[-1]) / "result.json").read_text())  # type: ignore[no-any-return]


def test_halving_centre_spending_is_answered_on_at_least_1015_rows_and_144_authorities(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", f"runs={tmp_path}", "experiment=centre_spending", "source=england", f"source.path={REAL}", *LIGHT]) == 0
    found = result(capsys.readouterr().out)
    assert found["design"]["rows"] >= 1015
    assert found["design"]["authorities"] >= 144 if isinstance(found["design"]["authorities"], int) else len(found["design"]["authorities"]) >= 144
    assert set(found["identification"]["adjust_for"]) >= {"authority", "year", "deprivation", "spending_power[-1]", "child_poverty[-1]"}
    page = next(tmp_path.rglob("report.html")).read_text(encoding="utf-8")
    assert "others are in result.json" in page and "are not quite comparable with those before" in page and ">centres_listed<" not in page
    steps = " ".join(loss["step"] for loss in found["design"]["lost"])
    for reason in ("City of London", "2010-11", "plans not known", "centre_spending not known"):
        assert reason in steps, reason
    assert any("as recorded" in one or "recorded" in one for one in found["answer"]["cannot_say"])
    assert not found["source"]["simulated"] and "SIMULATED" not in found["answer"]["headline"]


@long
def test_closures_say_which_file_is_missing_and_run_once_it_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The register's extract is made up here: 20 centres an authority, some closing each year."""
    words = ["run", f"runs={tmp_path / 'runs'}", "experiment=closures", "source=england", *LIGHT]
    assert main([*words, f"source.path={REAL}"]) == 2
    err = capsys.readouterr().err
    assert "closures" in err and "close dates" in err and "CloseDate" in err and "get-information-schools" in err
    assert not list(tmp_path.rglob("result.json"))

    places = England(path=str(REAL)).load().places
    folder = tmp_path / "files"
    folder.mkdir()
    for entry in (path for path in REAL.rglob("*") if path.is_file()):
        (folder / entry.relative_to(REAL)).parent.mkdir(parents=True, exist_ok=True)
        (folder / entry.relative_to(REAL)).symlink_to(entry)
    names = ["URN", "LA (code)", "LA (name)", "EstablishmentName", "TypeOfEstablishment (name)", "EstablishmentStatus (name)", "OpenDate", "CloseDate"]
    with (folder / "extract.csv").open("w", newline="", encoding="cp1252") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for i, (code, place) in enumerate(places["name"].items()):
            for centre in range(20):
                year = 2011 + (7 * i + 3 * centre) % 12
                status, close = ("Closed", f"30-06-{year}") if year < 2019 and centre < i % 15 else ("Open", "")
                writer.writerow([f"{i:03d}{centre:03d}", code, place, f"Centre {centre}", "Children's centre", status, "01-09-2008", close])
    assert main([*words, f"source.path={folder}"]) == 0
    found = result(capsys.readouterr().out)
    assert found["design"]["rows"] > 900 and found["question"]["treatment"] == "closures"


def test_what_bennett_and_others_found_of_poverty_and_entries_to_care_is_near_and_a_check_finds_a_drift_beforehand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bennett and others 2022: 0.5 per 10,000 (0.2 to 0.8); here 0.40, but entries were drifting before."""
    words = ["run", f"runs={tmp_path}", "experiment=poverty_to_care", "source=england", f"source.path={REAL}", "refuters=[pre_trend]", "workers=1"]
    assert main(words) == 0
    found = result(capsys.readouterr().out)
    assert 0.2 < found["estimate"]["effect"] < 0.8 and found["estimate"]["lower"] > 0
    assert found["refutations"][0]["survived"] is False and found["said"][0]["who"].startswith("Bennett")


def test_spending_on_the_young_and_entries_at_16_and_17_are_made_of_printed_numbers() -> None:
    """Leeds 2018 by hand from Table A1, the looked-after file and Nomis: the parts of each trace put together again."""
    england = England(path=str(REAL))
    code, when = "Leeds", 2018

    def printed(name: str, quantity: str) -> float:
        cells = england.trace(name, code, when)
        return float(cells[(cells["quantity"] == quantity) & cells["used"]]["value"].sum())

    middle, fifteen, sixteen = (printed("youth_spend_per_child_12_plus", f"population_{ages}") for ages in ("10_14", "15", "16"))
    youth = printed("youth_spend_per_child_12_plus", "youth_gross")
    assert float(england.value("youth_spend_per_child_12_plus", code, when)[0]) == pytest.approx(youth / (0.6 * middle + fifteen + 2 * sixteen), rel=1e-5)
    starts = printed("care_starts_16_17", "care_starts_16_plus")
    assert 20 < starts < 200 and float(england.value("care_starts_16_17", code, when)[0]) == pytest.approx(starts / (2 * sixteen) * 1e5, rel=1e-5)
    assert england.missing("good_or_outstanding")
