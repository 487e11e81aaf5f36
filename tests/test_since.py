"""`causal study NAME --since RUN`: what moved since an earlier run of a study, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from causal.cli import main
from causal.errors import ConfigError
from causal.experiments.since import FILE, earlier, files_of, moved, still_there, table

SHARES = {"code": 0.3, "revision": -0.5, "population": 0.2, "data": 1.1}


def answer(effect: float, **other: Any) -> dict[str, Any]:
    """One entry's record."""
    source = {"keys": ["first_year", "last_year", "population_series"], "years": [2011, 2019], "series": "census_2011"}
    one = {
        "entry": "experiment=centre_spending",
        "kind": "run",
        "state": "done",
        "effect": effect,
        "lower": effect - 2,
        "upper": effect + 2,
        "std_error": 1.0,
        "rows": 100,
        "finding": "unlikely",
        "rule": {"bias": 0.05},
        "question": {"treatment": "a"},
        "code_digest": "one",
        "source": source | {"files": "old"},
    }
    return one | other


def record(*entries: Mapping[str, Any]) -> dict[str, Any]:
    return {"schema": 1, "study": "england", "words": [], "entries": list(entries)}


def now(effect: float) -> dict[str, Any]:
    one = answer(effect, code_digest="two")
    return one | {"source": one["source"] | {"years": [2011, 2025], "series": "census_2021", "files": "new"}}


def world(keys: Mapping[str, Any]) -> float:
    """An effect of 1 then, to which each thing that has changed adds its share: the planted truth of the steps."""
    effect = 1.0 + SHARES["code"]
    if "path" not in keys:
        effect += SHARES["revision"]
        effect += SHARES["population"] * ("population_series" not in keys) + SHARES["data"] * ("last_year" not in keys)
    return effect


def test_steps_are_the_planted_ones_and_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("causal.experiments.since.files_of", lambda paths: "old" if paths == ("last year",) else "both")
    before, after = record(answer(1.0)), record(now(1.0 + sum(SHARES.values())))
    (move,) = moved(before, after, lambda entry: world, ["last year", "this year"])
    assert move.steps == pytest.approx(SHARES)
    assert sum(move.steps.values()) == pytest.approx(after["entries"][0]["effect"] - 1.0)
    assert "code +0.300, revision −0.500, population +0.200, data +1.100" in str(move) and "code +0.300" in table([move])[-1]


def test_steps_that_cannot_be_parted_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Last year's files are no longer as they were, so that today's code cannot be tried on them."""
    monkeypatch.setattr("causal.experiments.since.files_of", lambda paths: "another")
    (move,) = moved(record(answer(1.0)), record(now(1.0 + sum(SHARES.values()))), lambda entry: world, ["this year"])
    assert move.steps == pytest.approx({"code and revision": -0.2, "population": 0.2, "data": 1.1})


def test_what_did_not_move_and_what_is_new_or_gone() -> None:
    gone, new = answer(1.0, entry="experiment=gone"), answer(2.0, entry="experiment=new")
    never = {"entry": "experiment=closures", "kind": "run", "state": "not in these files", "reason": "no close dates"}
    moves = moved(record(answer(1.0), gone, never), record(answer(1.0, rule={"bias": 0.1}), new, never), lambda entry: world)
    told = [str(move) for move in moves]
    assert told[0].endswith(": not moved; the rule changed") and "answered for the first time (+2.000 (0.000 to +4.000)); then not asked" in told[1]
    assert "not in these files, as before" in told[2] and "no longer answered (not asked" in told[3]


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wanted the folder of an earlier run"):
        earlier(tmp_path)
    (tmp_path / FILE).write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="in JSON"):
        earlier(tmp_path)
    (tmp_path / FILE).write_text('{"schema": 9, "entries": []}', encoding="utf-8")
    with pytest.raises(ConfigError, match="wanted a record of a study that this version reads"):
        earlier(tmp_path)


def test_files_are_known_by_name_and_bytes_wherever_they_stand(tmp_path: Path) -> None:
    for name, text in (("one", "1"), ("copy", "1"), ("other", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_text(text, encoding="utf-8")
    one, copy, other = (str(tmp_path / name) for name in ("one", "copy", "other"))
    assert files_of((one,)) == files_of((copy,)) != files_of((other,)) and files_of(()) is None and files_of((str(tmp_path / "none"),)) is None
    assert still_there(files_of((one,)), [other, copy]) == (copy,) and still_there(files_of((one,)), [other]) == ()


def test_a_study_run_twice_and_once_more_with_another_year(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing moves where nothing changed; with one year more the whole move is that of the data (a simulated world, whose years can be kept)."""
    folder = tmp_path / "mine" / "study"
    folder.mkdir(parents=True)
    entry = "experiment=closures source.authorities=30 source.last_year=2018 refuters={} baseline=null"
    plan = {"title": "two questions", "entries": [{"run": entry}]}
    (folder / "mine.yaml").write_text(json.dumps(plan), encoding="utf-8")
    words = ["study", "mine", "--config-dir", str(tmp_path / "mine"), "workers=1"]
    assert main([*words, f"runs={tmp_path / 'a'}"]) == 0
    first = Path(capsys.readouterr().out.strip().splitlines()[-1])
    assert json.loads((first / FILE).read_text(encoding="utf-8"))["entries"][0]["source"]["years"] == [2011, 2018]
    assert main([*words, f"runs={tmp_path / 'b'}", "--since", str(first)]) == 0
    out = capsys.readouterr().out
    assert f"since {first}:" in out and ": not moved" in out
    second = Path(out.strip().splitlines()[-1])
    assert "| not moved |" in (second / "summary.md").read_text(encoding="utf-8")
    plan["entries"] = [{"run": entry.replace("2018", "2019")}]
    (folder / "mine.yaml").write_text(json.dumps(plan), encoding="utf-8")
    before = json.loads((second / FILE).read_text(encoding="utf-8"))
    before["entries"][0]["entry"] = plan["entries"][0]["run"]  # the same question, a year later
    (second / FILE).write_text(json.dumps(before), encoding="utf-8")
    assert main([*words, f"runs={tmp_path / 'c'}", "--since", str(second)]) == 0
    told = next(line for line in capsys.readouterr().out.splitlines() if " → " in line)
    assert ": data " in told and "revision" not in told and "code" not in told
