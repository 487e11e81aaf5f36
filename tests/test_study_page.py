"""docs/study.md is what its command makes of the records beside it, and its template holds no answer of its own."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

from causal.experiments.since import FILE, ODDS, earlier

DOCS = Path(__file__).parents[1] / "docs"
SHARED = Path(__file__).resolve().parents[1].parent / "shared/data"
real_files = pytest.mark.skipif(not (SHARED / "england_2025").is_dir(), reason="the folders of published files are not at hand (../shared/data)")


def _writer() -> Any:
    spec = importlib.util.spec_from_file_location("study_page", DOCS / "study/write.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_its_command_writes() -> None:
    assert (DOCS / "study.md").read_text(encoding="utf-8") == _writer().written()


def test_the_template_holds_no_range_of_its_own() -> None:
    """A range typed into the text would drift from the record; those of others stand in quotation, as what they said."""
    said = re.compile(r'"[^"]*"')
    for line in (DOCS / "study/page.md.j2").read_text(encoding="utf-8").splitlines():
        assert not re.search(r"\([−+]?\d[\d.,]* to [−+]?\d", said.sub("", line)), line


def test_numbers_of_the_page_stand_in_the_record() -> None:
    """The first question's effect and range, by hand from the record's own numbers."""
    entries = {one["entry"]: one for one in earlier(DOCS / "study")["entries"]}
    one = next(found for entry, found in entries.items() if entry.split()[:1] == ["experiment=centre_spending"] and "outcome=" not in entry)
    line = next(line for line in (DOCS / "study.md").read_text(encoding="utf-8").splitlines() if "`experiment=centre_spending`" in line)
    numbers = [float(word.replace("−", "-")) for word in re.findall(r"[−+]\d+(?:\.\d+)?", line.split("|")[2])]
    assert numbers[0] == pytest.approx(one["effect"], abs=0.051)
    # ends are rounded outwards, and never to where a word would be another
    assert numbers[1] <= one["lower"] < numbers[1] + 0.1 and one["upper"] <= numbers[2] < one["upper"] + 0.1
    important = one["question"]["smallest_important"]
    assert (numbers[1] <= -important, numbers[2] >= important) == (one["lower"] <= -important, one["upper"] >= important)


def test_what_moved_is_put_to_causes_that_changed() -> None:
    """The steps add up to each move, and none is put to the question where question and code are the same."""
    for move in json.loads((DOCS / "study/moved.json").read_text(encoding="utf-8")):
        before, after = move["before"], move["after"]
        if move["steps"]:
            assert sum(move["steps"].values()) == pytest.approx(after["effect"] - before["effect"], abs=1e-6 * before["std_error"])
            assert before["question"] != after["question"] or not any("configuration" in cause for cause in move["steps"])


def test_the_odds_of_f13_stand_in_the_record_and_are_turned_round_by_hand() -> None:
    """The ratio of odds for £100 less is the record's; for £100 more it is 1 over it, and its ends change places."""
    entries = {one["entry"]: one for one in earlier(DOCS / "study")["entries"]}
    effect, lower, upper = entries["experiment=spending_and_quality estimator=logit_dose"]["odds_ratio"]
    page = (DOCS / "study.md").read_text(encoding="utf-8")
    line = next(line for line in page.splitlines() if line.startswith("| F13 |"))
    assert lower < effect < upper
    assert f"{effect:.3f} ({lower:.3f} to {upper:.3f}) for £100 less" in line
    assert f"{1 / effect:.2f} ({1 / upper:.2f} to {1 / lower:.2f}) for £100 more" in line


@real_files
@pytest.mark.parametrize(
    "words",
    [
        "experiment=centre_spending",
        "experiment=early_years_spending",
        "experiment=closures_long_run",
        "experiment=spending_and_quality",
        "experiment=spending_and_quality estimator=logit_dose",
    ],
)
def test_the_record_is_what_the_files_give_today(words: str) -> None:
    from dataclasses import replace

    from causal.experiments.compose import composed, study_from
    from causal.study import run

    paths = json.dumps([str(SHARED / "england"), str(SHARED / "england_2025")])
    pairs = SHARED / "england_2025/borders/utla21_shared_borders.csv"
    study = study_from(composed(["source=england", *words.split(), f"source.path={paths}", f"source.borders={pairs}"]))
    # the one check whose alarm makes an answer anew
    found = run(replace(study, refuters={"shared_shocks": study.refuters["shared_shocks"]}, baseline=None, beside=())).estimate
    entries = json.loads((DOCS / "study" / FILE).read_text(encoding="utf-8"))["entries"]
    one = next(one for one in entries if " ".join(word for word in one["entry"].split() if not word.startswith("refuters")) == words)
    assert found is not None and found.effect == pytest.approx(one["effect"], rel=1e-6) and found.rows == one["rows"]
    if "odds_ratio" in one:
        assert [found.diagnostics[name] for name in ODDS] == pytest.approx(one["odds_ratio"], rel=1e-6)
