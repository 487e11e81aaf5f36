"""Records of earlier schemas, as the versions that wrote them left them: pages are still made from them, and a later schema is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from causal.errors import DataError
from causal.language import language_of
from causal.report.compare import compare
from causal.report.files import rebuild
from causal.report.first import first
from causal.report.record import READS, SCHEMA_VERSION, read

RECORDS = Path(__file__).parent / "records"


@pytest.fixture(params=READS)
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    shutil.copytree(RECORDS / f"schema_{request.param}", tmp_path / "run")
    return tmp_path / "run"


def test_pages_are_made_from_records_of_earlier_schemas(earlier: Path) -> None:
    """Estimate and checks stand on the page as the record has them, in the words of today."""
    held = json.loads((earlier / "result.json").read_text(encoding="utf-8"))
    assert held["schema_version"] in READS
    rebuild(earlier)
    html, summary = ((earlier / name).read_text(encoding="utf-8") for name in ("report.html", "summary.md"))
    for page in (html, summary):
        assert "3.6" in page and "2.7" in page and "Traceback" not in page
    about = [f'data-about="{name}"' for name in ("answer", "second", "strength", "size", "checks", "mind")]
    for name in (*about, 'id="risk"', 'id="provenance"', "Cite:"):
        assert name in html, name  # the whole first screen and the table on risk of bias, whatever a record lacks
    for one in held["refutations"]:
        assert f"(In files: {one['name']}.)" in html or one["name"].replace("_", " ") in html.lower()
    compare([earlier], folder=earlier.parent / "both")
    assert "3.6" in (earlier.parent / "both" / "compare.html").read_text(encoding="utf-8")


def test_what_earlier_records_lack_is_absent_and_checks_go_by_their_plain_names(earlier: Path) -> None:
    data = read(earlier)
    if data["schema_version"] == SCHEMA_VERSION:
        assert data["risk"] and data["verdict"]["reasons"]
        return
    assert "reasons" not in data["verdict"] or not data["verdict"]["reasons"]
    language = language_of(data["language"])
    assert language.check("pre_trend") == "drift beforehand" and language.check("mine_own") == "mine own"
    assert first(data)["certainty"]["design"] and first(data)["next"]["words"] == ""
    for one in data["refutations"]:
        assert not {"family", "level", "bias"} & set(one) or one.get("family") is None


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 99])
def test_a_record_of_a_later_schema_is_said_in_one_message(version: int, tmp_path: Path) -> None:
    held = json.loads((RECORDS / "schema_2" / "result.json").read_text(encoding="utf-8"))
    (tmp_path / "result.json").write_text(json.dumps(held | {"schema_version": version}), encoding="utf-8")
    with pytest.raises(DataError, match=rf"wanted schema_version 1, 2 or 3, .*this version.* reads, got {version}; use the later version .*that wrote it"):
        read(tmp_path)
