"""Cells of the whole table (class × certainty × harm × unit × stock or flow × level): every file of each says one thing, in words and digits that it may use.

What a number may show is worked out here from the exact interval: the step is the largest power of ten of at most a tenth of its length; an end goes finer only
where it would otherwise come to lie on or beyond 0 or what matters.
"""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from readers import code_names
from test_report import bare, judged, provenance, refutation  # noqa: F401  (fixtures)

from causal.derive import derive
from causal.language import AVOID, BANNED, banned_word
from causal.report import phrases
from causal.report.compare import compare
from causal.report.figures.hero import hero
from causal.report.first import first, parts
from causal.report.index import index
from causal.report.page import drawings, page
from causal.report.record import record, write_json
from causal.report.submission import submission
from causal.report.summary import summary
from causal.report.terminal import terminal_lines
from causal.report.workbook import workbook
from causal.study import Result
from causal.verdict.rule import BIAS, ROWS, STEPS, class_of
from causal.verdict.say import counted

SEES = tuple(refutation(name, True, 0.5, blind_below=1.0) for name in BIAS["dose"])
CLEAN = (*SEES, refutation("placebo_treatment", True, trials=500, alarms=4))
ENDS = {  # row → ends in smallest important effects
    "important_rise": (1.2, 3.37),
    "rise": (0.013, 2.4),
    "inside": (-0.71, 0.98),
    "no_important_rise": (-1.9, 0.96),
    "no_important_fall": (-0.97, 1.93),
    "both": (-2.2, 3.1),
    "fall": (-2.6, -0.021),
    "important_fall": (-4.4, -1.0),
}
UNITS: dict[str, dict[str, Any]] = {
    "rate": {"unit": "per 10,000 children", "count_per": 10_000.0, "comparative": "more", "short": "children on plans"},
    "score": {"unit": "points", "count_per": None, "comparative": "a higher", "short": "Ofsted score"},
    "money": {"unit": "£ per child", "count_per": None, "comparative": "higher", "short": "spending on care"},
}
SMALLEST = {"rate": 2.0, "score": 0.04, "money": 150.0}
DRAWN = [
    (row, step, harm, unit, counts, level)
    for at, row in enumerate(ROWS)
    for step in range(len(STEPS))
    for harm in ("increase", "decrease", None)
    for unit, counts, level in [
        (list(UNITS)[(at + step) % 3], ("stock", "flow", None)[(at + step + (harm is None)) % 3], (0.9, 0.95, 0.99)[(at * 2 + step + (harm == "decrease")) % 3])
    ]
]


def cell(bare: Result, row: str, step: int, harm: str | None, unit: str, counts: str | None, level: float) -> dict[str, Any]:  # noqa: F811
    """A record whose verdict has that row, class and certainty."""
    assert bare.estimate is not None
    small = SMALLEST[unit]
    lower, upper = (end * small for end in ENDS[row])
    question = replace(bare.study.question, smallest_important=small, harm=harm, level=level)  # type: ignore[arg-type]
    variables = tuple(replace(one, **UNITS[unit], counts=counts) if one.name == "plans" else one for one in bare.panel.variables)  # type: ignore[arg-type]
    made = replace(bare, study=replace(bare.study, question=question), panel=replace(bare.panel, variables=variables, planted={}))
    estimate = replace(bare.estimate, effect=0.55 * lower + 0.45 * upper, lower=lower, upper=upper, std_error=(upper - lower) / 4, parts=())
    verdict = judged(replace(made, estimate=estimate), CLEAN).verdict
    assert verdict.row == row and verdict.category == class_of(verdict.row, question.harm)
    return record(replace(made, estimate=estimate, refutations=CLEAN, verdict=replace(verdict, certainty=step)), provenance())


def decimals_of(lower: float, upper: float, lines: tuple[float, ...]) -> dict[str, int]:
    """Decimals that the estimate and each end may show."""
    step = math.floor(math.log10((upper - lower) / 10) + 1e-12)
    made = {"effect": max(0, -step)}
    for name, value, down in (("lower", lower, True), ("upper", upper, False)):
        finer = 0
        while finer < 6:
            size = 10.0 ** (step - finer)
            end = (math.floor(value / size + 1e-9) if down else math.ceil(value / size - 1e-9)) * size
            if not any((end <= line + 1e-9 * size < value if down else value < line <= end + 1e-9 * size) for line in lines):
                break
            finer += 1
        made[name] = max(0, -(step - finer))
    return made


def numbers(text: str) -> list[str]:
    return re.findall(r"\d[\d,]*(?:\.\d+)?", text)


def places(number: str) -> int:
    return len(number.partition(".")[2])


def words_of(html: str) -> str:
    html = re.sub(r"<(style|script)\b.*?</\1>", " ", html, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


@pytest.mark.parametrize("row", ROWS)
def test_first_screen_text_and_terminal_of_every_cell_agree(bare: Result, row: str, tmp_path: Path) -> None:  # noqa: F811
    for _, step, harm, unit, counts, level in [one for one in DRAWN if one[0] == row]:
        data = cell(bare, row, step, harm, unit, counts, level)
        answer, one = data["answer"], first(data)
        small, estimate = SMALLEST[unit], data["estimate"]
        may = decimals_of(estimate["lower"], estimate["upper"], (0.0, small, -small))
        where = f"{row} {step} {harm} {unit} {counts} {level}"
        lines = terminal_lines(data, tmp_path)
        terminal, markdown = " ".join(" ".join(line.split()) for line in lines), summary(data).replace("\\", "")
        screen = " ".join([one["headline"], one["second"], *(line for part in parts(one) for line in (part["title"], *part["lines"]))])
        # the same fact everywhere
        assert one["headline"] == answer["headline"] and answer["headline"] in terminal and markdown.startswith(f"# {answer['headline']}\n"), where
        assert answer["second"] in markdown and answer["range"] in markdown and answer["range"] in terminal, where
        assert one["certainty"]["name"] == ("Very low", "Low", "Moderate", "High")[step] and f"{answer['dots']} {answer['certainty']}" in terminal, where
        assert answer["dots"] == "●" * (step + 1) + "○" * (3 - step) and [each["name"] for each in one["certainty"]["steps"] if each["here"]] == [
            answer["certainty"]
        ]
        # no word that makes more or less of it; words of certainty from the step alone
        for text in (screen, terminal):
            assert banned_word(text, BANNED) is None and banned_word(text, AVOID) is None, (where, banned_word(text, AVOID))
        assert ("probably" in answer["headline"].lower()) <= (step == 2) and (" may have " in answer["headline"]) <= (step == 1), where
        if step == 0 and row != "both":
            assert "too weak" in answer["headline"], where
        # no digit beyond precision, and the ends outwards
        assert places((numbers(answer["size"]) or ["0"])[0]) <= may["effect"], (where, answer["size"])
        low, high = (float(each.replace("−", "-").replace(",", "")) for each in answer["interval"].split(" to "))
        assert low <= estimate["lower"] + 1e-9 and high >= estimate["upper"] - 1e-9, where
        for text, name in zip(answer["interval"].split(" to "), ("lower", "upper"), strict=True):
            assert places(text) <= may[name], (where, answer["interval"])
        assert max(map(places, numbers(answer["second"]))) <= max(*may.values(), places(f"{small:g}")), (where, answer["second"])
        # the picture and the rows have the numbers of the answer
        svg = unescape(hero(data, "")["wide"])  # type: ignore[index]
        assert f">{answer['signed']}<" in svg and f"{level:.0%} interval" in svg, where
        assert all(f">{end}<" in svg for end in answer["interval"].split(" to ")), where  # both ends have room, inside the range or beside it
        rows = one["means"]["rows"]
        assert rows[0]["range"] == answer["range"] and rows[0]["matters"] == f"{small:g}", where
        assert (len(rows) == 3) == (unit == "rate"), where
        title = one["means"]["title"]
        assert ("on any 31 March" in title, "in a year" in title) == ((counts == "stock"), (counts == "flow")) or unit != "rate", where
        assert ("on any 31 March" in one["picture"]["sub"], "in a year" in one["picture"]["sub"]) == ((counts == "stock"), (counts == "flow")), where


@pytest.fixture(scope="module")
def some(bare: Result, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[tuple[Any, ...], dict[str, Any], Path]]:  # noqa: F811
    """A sample in which every row, certainty, harm, unit, counting and level stands."""
    rng = np.random.default_rng(19)
    by_row = [next(one for one in rng.permutation(np.array(DRAWN, dtype=object)) if one[0] == row and one[1] == at % 4) for at, row in enumerate(ROWS)]
    made = []
    for at, drawn in enumerate(by_row):
        row, step, harm, unit, counts, level = drawn
        data = cell(bare, row, int(step), harm, unit, counts, float(level))
        folder = tmp_path_factory.mktemp("cells") / str(at)
        folder.mkdir()
        write_json(data, folder / "result.json")
        made.append((tuple(drawn), data, folder))
    assert all(len({str(drawn[key]) for drawn, _, _ in made}) >= 3 for key in (1, 2, 3, 4, 5))
    return made


def test_page_word_file_and_spreadsheet_of_cells_agree(some: list[tuple[tuple[Any, ...], dict[str, Any], Path]]) -> None:
    import docx
    from python_calamine import CalamineWorkbook

    figures = drawings(some[0][1])  # of one cell, for all: what is read here is words
    for drawn, data, _ in some:
        answer = data["answer"]
        book = CalamineWorkbook.from_filelike(io.BytesIO(workbook(data)))
        sheet = {str(line[0]): str(line[1]) for line in book.get_sheet_by_name("Answer").to_python() if len(line) > 1}
        word = docx.Document(io.BytesIO(submission(data, None)))
        written = [one.text for one in word.paragraphs] + [cell.text for table in word.tables for line in table.rows for cell in line.cells]
        html = words_of(page(data, figures))
        assert sheet["Answer"] == answer["headline"] == word.paragraphs[0].text and answer["headline"] in html, drawn
        assert sheet["Estimate and range"] == answer["second"] and answer["second"] in written and answer["second"] in html, drawn
        for part in parts(first(data)):
            line = " ".join(part["lines"])
            assert line in sheet[part["title"]] and part["title"] in written and all(text in " ".join(written) for text in part["lines"]), drawn
            assert all(text in html for text in (part["title"], *(value for row in part["rows"] for value in row[1:]))), (drawn, part)
            for row in part["rows"]:
                assert all(value in written for value in row) and all(value in sheet[part["title"]] for value in row), (drawn, row)
        for text in (html, " ".join(written), *sheet.values()):
            assert banned_word(text, BANNED) is None, drawn


def test_index_and_comparison_of_cells_agree(some: list[tuple[tuple[Any, ...], dict[str, Any], Path]], tmp_path: Path) -> None:
    folders = [folder for _, _, folder in some]
    listed = words_of(index(folders, tmp_path / "index").read_text(encoding="utf-8"))
    compare(folders, folder=tmp_path / "both")
    compared = words_of((tmp_path / "both" / "compare.html").read_text(encoding="utf-8"))
    for drawn, data, _ in some:
        for text in (listed, compared):
            assert data["answer"]["headline"] in text and data["answer"]["certainty"] in text, drawn
            assert banned_word(text, BANNED) is None, drawn


@pytest.mark.parametrize(("effect", "best"), [(0.64, "4 more"), (-0.64, "4 fewer"), (0.3, "no change"), (7.0, "40 more")])
def test_people_move_exactly_where_the_rate_does(effect: float, best: str) -> None:
    """A rate of a range of ±33 is rounded to 1, its people in a place of 60,000 (6 for 1 of the rate) to 10: 0.64 is shown as 1, so it moves people."""
    made = counted(effect, effect - 33.0, effect + 33.0, 2.0, 6.0)
    assert made.best == best and (made.best == "no change") == (round(effect) == 0)


def test_tables_texts_and_pictures_of_a_page_round_a_range_once() -> None:
    """Every part of a page says a range by the one rule: largest power of ten of at most a tenth of its length, ends outwards."""
    one = {"effect": 2.3, "lower": -3.72, "upper": 8.31, "joint_lower": -5.55, "joint_upper": 10.11}
    assert (phrases.effect(one, ""), phrases.interval(one), phrases.interval(one, joint=True)) == ("+2", "−4 to +9", "−6 to +11")
    assert phrases.bare(one) == "+2 (−4 to +9)"


def test_names_of_columns_become_labels_and_words_stay() -> None:
    nodes = [{"name": "child_poverty", "label": "children in low-income families"}, {"name": "need", "label": "need for help"}]
    data = {"graph": {"nodes": nodes}, "source": {"variables": []}}
    said = phrases.readable(data, "held: child_poverty, child_poverty[-1], child_poverty[-2], need, need[-1]; children in need stay.")
    poverty = "children in low-income families (the same year and 1 and 2 years before)"
    assert said == f"held: {poverty}, need for help (the same year and 1 year before); children in need stay."
    assert phrases.readable(data, "need is a word") == "need is a word"
    assert phrases.readable(data, "my_child_poverty and child_poverty_2 are others") == "my child poverty and child poverty 2 are others"


def test_derived_variables_have_units_without_powers_and_words_that_suit(bare: Result) -> None:  # noqa: F811
    made = derive(
        bare.panel,
        {
            "rate": {"per": "plans", "count": "children", "times": 1_000_000},
            "before": {"lag": "plans", "by": 1},
            "log_plans": {"log": "plans"},
        },
    )
    assert "1,000,000" in made.variable("rate").unit and "e+" not in made.variable("rate").unit
    assert made.variable("before").comparative == "more" and made.variable("log_plans").comparative == "a higher"


def test_names_of_files_and_code_are_found_where_readers_would_read_them_and_not_where_they_belong() -> None:
    """The scanner can fail: each of these stood on a page once."""
    said = "<p>Adjusted for: child_poverty, child_poverty[-1], children[-2].</p><p>future_treatment looks at those</p>"
    assert code_names(said) == ["child_poverty", "child_poverty[-1]", "children[-2]", "future_treatment"]
    belongs = (
        "<p>Does it? (In files: future_treatment.)</p><pre>causal run a_b=c_d</pre><p>all are in <a href='a_b.csv'>a_b.csv</a></p><svg><text>a_b</text></svg>"
        "<p>set  decomposition.most_of=3  or  causal run a_b</p>"
        '<table><thead><tr><th scope="col">Variable</th><th scope="col">Name in files</th></tr></thead><tr><th scope="row">Plans</th><td>a_b</td></tr></table>'
    )
    assert code_names(belongs) == []
    assert code_names(belongs.replace("Name in files", "Part")) == ["a_b"]


def test_readers_meet_labels_and_no_names_of_code(bare: Result) -> None:  # noqa: F811
    """A text of a check, a design or a source with names in it: labels for columns, plain names for checks, words for what is known nowhere; keys stay."""
    data = record(bare, provenance())
    data["language"]["checks"]["future_treatment"] = "treatment of later years"
    data["source"]["variables"].append({**data["source"]["variables"][0], "name": "child_poverty", "label": "children in poor families"})
    said = "child_poverty not known; future_treatment looks at early_years_gross; set  question.smallest_important=2  or take table_one.csv"
    wanted = (
        "Children in poor families not known; treatment of later years looks at early years gross; set  question.smallest_important=2  or take table_one.csv."
    )
    assert phrases.plainly(data, said) == wanted
    data["design"]["words"] = ["Adjusted for: child_poverty, child_poverty[-1]."]
    data["source"]["notes"] = [said]
    data["answer"]["cannot_say"] = [said]
    data["answer"]["reasons"] = [said, said]
    data["verdict"]["would_change"], data["answer"]["would_change"] = [{"code": "record"}], [said]
    assert code_names(page(data, drawings(data))) == []
    assert "child_poverty" not in summary(data) + "\n".join(terminal_lines(data, Path("run")))
