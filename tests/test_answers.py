"""Pages over many runs: a study's answers counted and drawn, estimates of one question on one axis, and decompositions in their own words."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from many import KINDS, answered, estimated, kept, told
from test_records import RECORDS
from test_report import bare  # noqa: F401  (a fixture)

from causal.language import NAMES
from causal.report.answers import MOST_WORDS, answer, groups, heading, lede
from causal.report.compare import compare
from causal.report.estimates import axis_of, explanations, primary
from causal.report.figures.strip import SHAPES, Axis, Line, strip, ticks
from causal.report.index import index
from causal.report.record import read
from causal.report.simulation import beside, found_by, picture
from causal.study import Result


@pytest.fixture(scope="module")
def kinds(bare: Result) -> dict[str, dict[str, Any]]:  # noqa: F811
    return {kind: answered(bare, kind) for kind in KINDS}


def test_a_line_lies_where_its_numbers_are() -> None:
    """By hand, on an axis from −4 to +4: 1 lies at 62.5 % of the width, −1 at 37.5 %; what lies beyond is an arrow and not a mark."""
    axis = Axis(low=-4.0, high=4.0, band=(-1.0, 1.0))
    assert axis.style == "--lo:37.50%;--hi:62.50%;--zero:50.00%"
    drawn = strip(Line(value=1.0, lower=-1.0, upper=2.0, finds=3.0, truth=0.0, shape="square"), axis)
    assert 'x1="37.50%" x2="75.00%"' in drawn and '<svg x="62.50%"' in drawn and '<svg x="50.00%"' in drawn and 'x1="12.50%" x2="87.50%"' in drawn
    assert "l9 -6v12z" not in drawn and "l-9 -6v12z" not in drawn
    beyond = strip(Line(value=9.0, lower=-5.0, upper=None), axis)
    assert "l9 -6v12z" in beyond and "l-9 -6v12z" in beyond and "<circle" not in beyond
    assert [words for _, words in ticks(-4, 4, 4)] == ["−4", "−2", "0", "+2", "+4"]
    for low, high in ((-1e-9, 3e-9), (-1e12, 4e12), (-0.03, 0.07)):
        found = ticks(low, high)
        assert 2 <= len(found) <= 13 and all(low <= value <= high for value, _ in found) and sum(words == "0" for _, words in found) == 1


def test_every_class_has_a_colour_shape_and_word_of_its_own_and_the_title_counts_them(kinds: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    answers = [answer(data, f"{kind}/report.html", "", "") for kind, data in kinds.items()]
    assert [one.kind for one in answers] == list(kinds)
    claimed = [one for one in answers if one.claims]
    assert len(claimed) == 7 and len({(one.shape, one.colour) for one in claimed}) == 7 and all(one.shape in SHAPES for one in answers)
    assert [one.name for one in claimed] == [NAMES[one.kind] for one in claimed]
    assert heading(answers).startswith("Of 12 questions 7 have an answer: ") and "others" in heading(answers)
    said = lede(answers, 2)
    for words in ("Of the other five", "one cannot tell", "one is too weak to say", "one failed its checks", "one is an association", "Two more questions"):
        assert words in said
    assert heading([one for one in answers if one.kind == "harm"]) == "One question: harm, at moderate certainty"
    assert heading([one for one in answers if not one.claims]).startswith("None of 5 questions has an answer: ")
    page = index([kept(tmp_path / kind, data) for kind, data in kinds.items()], tmp_path / "study").read_text(encoding="utf-8")
    text = unescape(page)
    assert f'<h1 class="counts">{heading(answers)}</h1>' in text
    drawn = re.findall(r'<td class="plot">(<svg.*?</svg>)</td><td class="wd"', page, re.S)
    assert len(drawn) == len([one for one in answers if one.line]) == 9  # not: failed, association, without a range
    for data in kinds.values():
        assert data["answer"]["headline"] in text


def test_harm_lies_to_the_right_whichever_way_it_is(kinds: dict[str, dict[str, Any]]) -> None:
    data = kinds["harm"]
    other = told(data, truth=-5.0)
    other["question"] = {**other["question"], "harm": "decrease"}
    rise, fall = (answer(one, "", "", "").line for one in (told(data, truth=5.0), other))
    assert rise is not None and fall is not None
    assert (rise.value, rise.lower, rise.upper, rise.truth) == (2.5, 1.25, 3.75, 2.5)  # by δ = 2
    assert (fall.value, fall.lower, fall.upper, fall.truth) == (-2.5, -3.75, -1.25, 2.5)


def test_a_line_has_at_most_fifteen_words_and_none_runs_over(kinds: dict[str, dict[str, Any]]) -> None:
    long = "a very long description of what an authority might do to " * 6
    labels = (long, "x" * 300, "plant ar gynlluniau amddiffyn ŵ ŷ", "أطفال على خطط الحماية", "$\\alpha$ <b>|&")
    answers = [answer(told(kinds["harm"], label=label, action=label, short=""), "", "for " + long, "") for label in labels]
    made = groups(answers)
    assert len(made) == len(labels)
    for group in made:
        (row,) = group["rows"]
        words = f"{row['cause']} {row['note']}".replace(" …", "").split()
        assert len(words) <= max(MOST_WORDS, len(row["cause"].split()) + 4) and max(map(len, words)) <= 110 and row["whole"] in labels


def test_the_planted_truth_is_a_column_and_is_counted_against_the_ranges(kinds: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """Truth 4: inside of 2.5 to 7.5 and of −7.5 to 7.5, outside of −1 to 1.5; by hand."""
    runs = [kept(tmp_path / kind, told(kinds[kind], truth=4.0)) for kind in ("harm", "cannot_tell", "little_or_none")]
    html = unescape(index(runs, tmp_path / "study").read_text(encoding="utf-8"))
    assert "The planted truth lies in 2 of 3 ranges." in html and html.count("in the range") == 2 and html.count("outside the range") == 1
    assert html.count('data-l="Planted"') == 6 and "SIMULATED" in html  # in the picture's rows and in the table's
    without = index([kept(tmp_path / "bare", told(kinds["harm"]))], tmp_path / "none").read_text(encoding="utf-8")
    assert 'data-l="Planted"' not in without


def test_what_others_said_stands_once_in_notes(kinds: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    said = {"who": "NAO, 2019", "what": "no consequential increase", "source": "HC 1868"}
    runs = [kept(tmp_path / kind, told(kinds[kind], said=[said])) for kind in ("harm", "cannot_tell", "some_harm")]
    html = index(runs, tmp_path / "study").read_text(encoding="utf-8")
    assert html.count("No consequential increase.") == 1 and html.count('href="#n1"') == 3 and html.count('id="n1"') == 1


@pytest.mark.parametrize("schema", [1, 2])
def test_older_records_make_whole_pages(schema: int, kinds: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    shutil.copytree(RECORDS / f"schema_{schema}", tmp_path / "old")
    new = kept(tmp_path / "new", kinds["harm"])
    page = index([tmp_path / "old", new], tmp_path / "study").read_text(encoding="utf-8")
    assert read(tmp_path / "old")["answer"]["headline"] in unescape(page) and "cannot be read" not in page and page.count('<tr style="border-left') == 2
    compare([tmp_path / "old", new], folder=tmp_path / "both")
    both = unescape((tmp_path / "both" / "compare.html").read_text(encoding="utf-8"))
    assert "+3.6" in both and both.count("forest cmp") >= 1 and "../old/report.html" in both and "../new/report.html" in both


def scored(rng: np.random.Generator, error: float) -> dict[str, float]:
    """Scores of 40 authorities whose squares add up to the error's."""
    drawn = rng.normal(size=40)
    drawn *= error / np.sqrt((drawn**2).sum())
    return {f"S{i:03d}": float(one) for i, one in enumerate(drawn)}


def test_one_axis_one_answer_and_the_others_beside_it(kinds: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """The default gives the answer; what is far from it with a small error of the difference differs, and what is as far with a large one does not."""
    rng = np.random.default_rng(4)
    data = told(kinds["harm"], truth=4.0)
    ours = scored(rng, 1.25)
    near = {code: score * 1.01 for code, score in ours.items()}
    within = data["estimate"]["estimand"]
    loose = {**within, "comparison": "nothing", "family": "association"}
    held = {"authority": False, "year": False, "controls": False}
    runs = [
        kept(tmp_path / "a", estimated(data, "causal_forest", 5.1, 1.2625, estimand={**within, "weighting": "rows"}), near),
        kept(tmp_path / "b", estimated(data, "fixed_effects", 5.0, 1.25), ours),
        kept(tmp_path / "c", estimated(data, "difference", 11.0, 1.0, estimand=loose, held=held, association=True), scored(rng, 1.0)),
        kept(tmp_path / "d", estimated(data, "first_difference", 3.0, 6.0, estimand={**within, "changes": True}), scored(rng, 6.0)),
    ]
    compare(runs, folder=tmp_path / "both")
    found = json.loads((tmp_path / "both" / "compare.json").read_text())["sections"][0]
    assert found["answer"] == "../b/report.html"
    by = {pair["first"]: pair for pair in found["differences"]["pairs"]}
    assert by["../c/report.html"]["p_value_adjusted"] < 0.05 <= by["../d/report.html"]["p_value_adjusted"]
    assert by["../a/report.html"]["std_error"] == pytest.approx(0.0125)  # 1 % of ours, since the scores are 1.01 times ours
    html = unescape((tmp_path / "both" / "compare.html").read_text(encoding="utf-8"))
    assert html.count("The answer comes from this one") == 1 and html.count("forest cmp") == 1 and "≠ +6" in html and "≈ −2" in html
    assert "Planted truth" in html and "--truth:" in html and "A bare association." in html
    assert "places differ for good" in html.lower() and "Errors in the record of" in html and "Effects that differ between places or years" in html
    assert "stroke-dasharray" in html.split("A bare association.")[1].split("</tr>")[1]


def test_the_one_that_answers_is_chosen_by_rule_and_not_by_what_came_out(kinds: dict[str, dict[str, Any]]) -> None:
    data = kinds["harm"]
    late, early = ({**data["provenance"], "times": {"started": at}} for at in ("2026-11-30T10:00:00+00:00", "2026-11-29T10:00:00+00:00"))
    others = [(estimated({**data, "provenance": when}, name, 5.0, 1.0), name) for name, when in (("linear_dml", late), ("causal_forest", early))]
    loose = (estimated(data, "difference", 1.0, 0.1, association=True), "difference")
    assert primary([loose, *others]) == 2  # the first that was run and is no association
    assert primary([loose, *others, (estimated(data, "fixed_effects", 0.0, 9.0), "fixed_effects")]) == 3
    assert primary([loose]) == 0 and primary([({**data, "estimate": None}, "none")]) is None
    assert explanations([others[0]], ["one"], 0, {"pairs": [], "left_out": []}) == []
    wild = estimated(data, "mean_group", 3e4, 1e5)
    axis = axis_of([others[0], (wild, "wild")], others[0][0], None)
    assert axis.high < 100 < wild["estimate"]["upper"]  # one wild estimate does not make all others a dot


def test_a_simulation_answers_in_a_sentence_from_its_own_shares() -> None:
    def share(k: int, n: int = 20) -> dict[str, float]:
        return {"of": n, "share": k / n, "lower": max(k / n - 0.2, 0.0), "upper": min(k / n + 0.2, 1.0)}

    def effect(truth: float, k: int) -> dict[str, Any]:
        more = {"coverage": share(19), "false_at_moderate_or_above": share(1), "answers": {"both": 20}}
        return {"planted": truth, "truth": truth, "panels": 20, "refused": {}, "excludes_zero": share(k), **more}

    record = {"unit": "per 10,000", "smallest_important": 2.0, "effects": [effect(0.0, 1), effect(2.0, 3), effect(6.0, 17)]}
    assert found_by(record) == "Not what matters: +6 per 10,000 would be found in 17 of 20 such studies, +2 in 3 of 20"
    assert found_by(record | {"effects": [effect(2.0, 16)]}) == "Yes: +2 per 10,000 would be found in 16 of 20 such studies"
    assert found_by(record | {"effects": [effect(2.0, 3), effect(4.0, 15)]}).startswith("No: even +4 per 10,000")
    assert found_by(record | {"effects": [{"planted": 2.0, "truth": 2.0, "panels": 0, "refused": {"no": 20}}]}).startswith("Whether this design")
    assert "in 1 of 20 (5 of 100 are expected)" in beside(record) and "at least 19 of 20" in beside(record)
    rows = picture(record)["rows"]
    assert [row["name"] for row in rows] == ["0", "+2", "+6"] and Counter(row["mini"] for row in rows) == {"matters": 2, "nothing planted": 1}
