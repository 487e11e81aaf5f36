"""`causal decompose`: what is written, and that it can be made again."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from causal.cli import main


def folder_of(capsys: pytest.CaptureFixture[str]) -> Path:
    return Path(capsys.readouterr().out.strip().splitlines()[-1])


def test_a_decomposition_is_written_whole_and_made_again_from_its_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decompose", "variation", f"runs={tmp_path}", "decomposition.draws=20", "decomposition.outcomes=[plans]"]) == 0
    folder = folder_of(capsys)
    assert folder.parent == tmp_path / "decompositions" / "variation" and not (tmp_path / ".partial").exists()
    data = json.loads((folder / "result.json").read_text())
    assert data["decomposition"] == "variation" and data["source"]["simulated"] and data["provenance"]["command"][:3] == ["causal", "decompose", "variation"]
    before = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {Path("report.html"), Path("summary.md"), Path("config.yaml")} < set(before)
    for figure in data["figures"]:
        assert Path(f"figures/{figure['name']}.svg") in before
    assert main(["report", str(folder)]) == 0
    assert before == {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_growth_is_told_of_the_simulated_world_beside_what_was_planted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables of authorities go out with place and time, as the Department for Education's standard has it, and say that they are made up."""
    assert main(["decompose", "growth", f"runs={tmp_path}", "decomposition.draws=0"]) == 0
    folder = folder_of(capsys)
    data = json.loads((folder / "result.json").read_text())
    truth = {(row[0], row[1]): row[2:] for row in data["truth"]["rows"]}
    assert len(truth) == 6 + 7 and not any(math.isnan(a) for pair in truth.values() for a in pair)
    lines = list(csv.DictReader((folder / "authorities_plans.csv").read_text(encoding="utf-8").splitlines()))
    assert len(lines) == 150 and {line["time_period"] for line in lines} == {"2018"} and {line["geographic_level"] for line in lines} == {"Local authority"}
    assert all(line["la_name"] and line["country_name"] == "SIMULATED" and line["simulated"].startswith("SIMULATED") for line in lines)
    terms = [name for name in lines[0] if name.startswith(("children_", "ratio_"))]
    assert all(math.isclose(sum(float(line[name]) for name in terms), float(line["change"]), abs_tol=1e-6) for line in lines)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["variatoin"], "wanted a decomposition that there is, got 'variatoin'"),
        (["variation", "decomposition.windows=[[2018,2013]]"], "a first and a later last year"),
        (["variation", "decomposition.outcomes=[bones]"], "wanted one of the outcomes"),
        (["variation", "decomposition.drawz=3"], "decomposition.drawz"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decompose", *words, f"runs={tmp_path}"]) == 2
    assert says.lower() in capsys.readouterr().err.lower()
    assert not list(tmp_path.rglob("report.html"))
