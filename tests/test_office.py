"""Spreadsheet, Word document and tables, read back by openpyxl, python-docx and zipfile: whole, the same each time, and with the record's own numbers."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import zipfile
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import docx
import openpyxl
import pytest
from test_report import PLANTED, bare, folder, result, unidentified  # noqa: F401  (fixtures)

from causal.open_data import problems
from causal.report.compare import compare
from causal.report.files import rebuild
from causal.report.index import index
from causal.report.record import read

ODD = {
    "markup": """<script>alert(1)</script><img src=x onerror=alert(2)> "double" & 'single' `back` \\ticks""",
    "lines": "a | b\nc\r\nd\te",
    "long": "centres " * 40,
    "letters": "مراكز الأطفال Tŷ Ŵyr, Ynys Môn",
    "Arabic": "مراكز",
    "formula": '=HYPERLINK("http://example.org","x")',
    "minus": "-2+3 $$interval$$ [click](http://example.org) {x}",
    "at": "@SUM(A1)",
    "control": "bell\x07 and null\x00",
}


def changed(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:  # noqa: F811
    data = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    change(data)
    (folder / "result.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    rebuild(folder)
    return folder


def relabelled(text: str) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        data["title"] = data["action"] = text
        for one in (*data["source"]["variables"], *data["graph"]["nodes"]):
            if one["name"] in ("closed", "plans"):
                one["label"] = text
        for one in data["estimate"]["parts"]:
            one["name"] += text
        for one in data["refutations"]:
            one["found"] = one["asks"] = text
        data["answer"]["headline"] = data["answer"]["cannot_say"][0] = text
        data["said"] = [{"who": text, "what": text, "source": text}]
        data["provenance"]["config"] = {"label": text}

    return change


def tables_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The one marked table of each sheet that has one, as rows; what the guidance asks of it is checked on the way."""
    made = {}
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Cover", "Contents", "Notes", "Answer", "Effects", "Checks", "Limits"]
    for sheet in book.worksheets:
        assert not sheet.merged_cells.ranges
        assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)
        if sheet.title == "Cover":
            continue
        ((_, reach),) = sheet.tables.items()
        cells = [[cell.value for cell in row] for row in sheet[reach]]
        heads = cells[0]
        assert len(set(heads)) == len(heads) and all(isinstance(head, str) and head for head in heads)
        assert reach.endswith(sheet.dimensions.split(":")[1])  # nothing stands below or beside the table
        assert all(cell is not None for row in cells for cell in row)
        made[sheet.title] = [dict(zip(heads, row, strict=True)) for row in cells[1:]]
    return made


def test_the_spreadsheet_holds_every_number_of_the_record(folder: Path) -> None:  # noqa: F811
    data, held = read(folder), tables_of(folder / "effects.xlsx")
    rows = held["Effects"]
    wanted = []
    for one in (data["estimate"], data["baseline"]):
        wanted += [(one["effect"], one["lower"], one["upper"])] + [(p["effect"], p["lower"], p["upper"]) for p in one["parts"]]
    verdict = data["verdict"]
    wanted += [(verdict["typical_effect"], verdict["typical_lower"], verdict["typical_upper"])]
    wanted += [(p["effect"], p["lower"], p["upper"]) for check in data["refutations"] for p in check["parts"]]
    heads = list(rows[0])
    at = [next(head for head in heads if head.startswith(name)) for name in ("Effect of the whole", "Lower end of its", "Upper end of its")]
    found = [tuple(row[head] for head in at) for row in rows]
    assert len(found) == len(wanted)

    def same(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
        return all(y == "[x]" if x is None else isinstance(y, float | int) and math.isclose(x, y, rel_tol=1e-14) for x, y in zip(a, b, strict=True))

    assert all(any(same(one, other) for other in found) for one in wanted)
    assert {row["Check"]: row["Result\n[note 5]"] for row in held["Checks"]}["Negative control"] == "not run"
    assert [row["Sheet name"] for row in held["Contents"]] == ["Answer", "Effects", "Checks", "Limits"]
    assert [row["Note number"] for row in held["Notes"]] == [1, 2, 3, 4, 5]
    assert held["Answer"][0]["In words"] == data["answer"]["headline"] and len(held["Limits"]) >= len(data["answer"]["cannot_say"])


def test_what_is_printed_is_what_was_found(folder: Path) -> None:  # noqa: F811
    """Every number with a sign in the figure and the document is an effect rounded to nearest, or an end rounded outwards, of the record."""
    data = read(folder)
    ones = [one for one in (data["estimate"], data["baseline"]) if one]
    exact = {"effect": [one["effect"] for one in ones], "lower": [one["lower"] for one in ones], "upper": [one["upper"] for one in ones]}

    def fits(text: str) -> bool:
        digits = len(text.partition(".")[2])
        value, step = float(text.replace("−", "-").replace(",", "")), 10.0**-digits
        near = any(abs(value - one) <= step / 2 + 1e-9 for one in exact["effect"])
        out = any(-1e-9 <= one - value < step for one in exact["lower"]) or any(-1e-9 <= value - one < step for one in exact["upper"])
        return near or out

    drawn = unescape(re.sub(r"<[^>]+>", " ", (folder / "figures" / "estimates.svg").read_text(encoding="utf-8").partition("</title>")[2]))
    made = docx.Document(str(folder / "summary.docx"))
    cells = [cell.text for row in made.tables[0].rows for cell in row.cells]
    said = [data["answer"]["interval"], data["answer"]["signed"]]
    assert any(data["answer"]["second"] == paragraph.text for paragraph in made.paragraphs)
    for text in (drawn.partition("Effect on")[0], *cells, *said):
        numbers = re.findall(r"[+−]\d[\d,]*\.\d+", text)
        assert all(fits(one) for one in numbers), (text, numbers)
    assert len(re.findall(r"[+−]\d+\.\d+", drawn)) >= 6


def test_the_document_is_one_that_a_screen_reader_can_use(folder: Path) -> None:  # noqa: F811
    data = read(folder)
    made = docx.Document(str(folder / "summary.docx"))
    core = made.core_properties
    assert core.title == data["answer"]["headline"][:255] and core.language == "en-GB"
    styles = zipfile.ZipFile(folder / "summary.docx").read("word/styles.xml").decode()
    body = zipfile.ZipFile(folder / "summary.docx").read("word/document.xml").decode()
    assert 'w:lang w:val="en-GB"' in styles
    levels = [paragraph.style.name for paragraph in made.paragraphs if paragraph.style.name.startswith("Heading")]
    assert levels == ["Heading 1", *["Heading 2"] * 8]
    first, checks, bias = made.tables
    assert body.count("<w:tblHeader/>") == 3 and body.count("w:tblDescription") == 3
    assert [cell.text for cell in first.rows[0].cells] == ["Where", "Best estimate", "Range", "Matters from"] and len(first.rows) == 4
    told = {row.cells[0].text: row.cells[1].text for row in checks.rows[1:]}
    assert told["Negative control"] == "not run" and told["Each place left out"] == "did not pass"
    # the same checks as on the first screen: those of bias that were not asked for are told, too
    there = {one["name"] for one in data["refutations"]}
    assert len(told) == sum(one["survived"] is not True for one in data["refutations"]) + len(set(data["verdict"]["bias"]) - there)
    assert bias.rows[1].cells[0].text == "Confounding" and len(bias.rows) == 10  # seven domains, the error, the Maryland scale
    (alt,) = re.findall(r'descr="([^"]+)"', body)
    assert "For contrast: difference" in alt and "95% interval" in alt
    assert all(paragraph.text or "pic:pic" in paragraph._p.xml for paragraph in made.paragraphs)
    assert sum("SIMULATED" in paragraph.text for paragraph in made.paragraphs) >= 3


def test_the_same_record_gives_the_same_bytes_with_no_time_of_day(folder: Path) -> None:  # noqa: F811
    names = ("effects.xlsx", "summary.docx")
    changed(folder, lambda data: data["provenance"].update(times={"started": "1999-01-01T00:00:00+00:00"}))
    before = {name: (folder / name).read_bytes() for name in names}
    changed(folder, lambda data: data["provenance"].update(times={"started": "1999-01-01T23:59:59+00:00"}))  # the day alone is cited
    for name in names:
        assert (folder / name).read_bytes() == before[name]
        assert {info.date_time for info in zipfile.ZipFile(folder / name).infolist()} == {(1980, 1, 1, 0, 0, 0)}


def _both(folder: Path, top: Path, text: str) -> None:  # noqa: F811
    turned = [{"estimator": text, "experiment": text, "reason": text}]
    compare([folder], refused=turned, folder=top / "both")
    index([folder], top, refused=turned, title=text)


@pytest.mark.parametrize("name", list(ODD))
def test_odd_labels_break_nothing_and_run_nothing(folder: Path, tmp_path: Path, name: str) -> None:  # noqa: F811
    text = ODD[name]
    changed(folder, relabelled(text))
    pages = [folder / "report.html"]
    if name in ("markup", "letters", "control"):
        pages += [tmp_path / "both" / "compare.html", tmp_path / "index.html"]
        _both(folder, tmp_path, text)
    for page in pages:
        html = page.read_text(encoding="utf-8")
        bare_html = re.sub(r"<script>.*?</script>", "", html, flags=re.S) if page.name != "report.html" else html
        assert "<script" not in bare_html and "<img src=x" not in html and html.rstrip().endswith("</html>")
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", html)
        if name != "control":
            assert " ".join(text.split()) in " ".join(unescape(html).split())
    for drawing in (folder / "figures").glob("*.svg"):
        ElementTree.fromstring(drawing.read_text(encoding="utf-8"))
    kept = re.sub("[\x00\x07]", "", text).replace("\r\n", "\n").strip()
    held = tables_of(folder / "effects.xlsx")
    assert held["Answer"][0]["In words"] == kept and any(row["The part"].endswith(kept) for row in held["Effects"])
    made = docx.Document(str(folder / "summary.docx"))
    assert made.paragraphs[0].text == " ".join(kept.split())
    for table in ("effects", "refutations"):
        assert problems(folder / f"{table}.csv") == []
        with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as opened:
            cells = [cell for row in csv.reader(opened) for cell in row]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "@") or (cell[:1] == "-" and not re.fullmatch(r"-[\d.]+", cell))]
    assert "<script" not in (folder / "summary.md").read_text(encoding="utf-8")


def test_a_record_with_little_in_it_has_all_its_files(unidentified: Any, folder: Path, tmp_path: Path) -> None:  # noqa: F811
    from test_report import provenance

    from causal.report.files import write

    write(unidentified, tmp_path / "without", provenance(), "")
    held = tables_of(tmp_path / "without" / "effects.xlsx")
    assert [row["Effect of the whole contrast"] for row in held["Effects"]] == ["[x]"] and held["Checks"][0]["Check"] == "No check was asked for"
    made = docx.Document(str(tmp_path / "without" / "summary.docx"))
    assert not made.inline_shapes and "cannot show" in made.paragraphs[0].text and len(made.tables) == 1
    assert problems(tmp_path / "without" / "effects.csv") == [] and problems(tmp_path / "without" / "refutations.csv") == []

    def thin(data: dict[str, Any]) -> None:
        data["refutations"], data["verdict"]["decisive"] = [], {}
        # one group of authorities for which nothing could be estimated
        gone = data["estimate"]["parts"][0]
        gone |= dict.fromkeys(("effect", "std_error", "lower", "upper", "joint_lower", "joint_upper"))
        data["estimate"] |= dict.fromkeys(("std_error", "lower", "upper", "p_value", "df"))

    changed(folder, thin)
    rows = tables_of(folder / "effects.xlsx")["Effects"]
    assert rows[1]["Effect of the whole contrast"] == "[x]" and rows[0]["Lower end of its interval\n[note 2]"] == "[x]"
    assert "None was asked for, so none has been passed" in "\n".join(one.text for one in docx.Document(str(folder / "summary.docx")).paragraphs)
    assert "No estimate could be made for" in unescape((folder / "report.html").read_text(encoding="utf-8"))
    assert problems(folder / "effects.csv") == []


def test_a_record_of_an_older_version_still_makes_its_files(folder: Path) -> None:  # noqa: F811
    def older(data: dict[str, Any]) -> None:
        data["schema_version"] = 1
        for key in ("steps", "dose", "language", "said"):
            data.pop(key, None)
        for key in ("power", "equivalence", "kind", "maryland"):
            data["verdict"].pop(key, None)

    changed(folder, older)
    assert tables_of(folder / "effects.xlsx")["Effects"] and docx.Document(str(folder / "summary.docx")).tables


def test_the_files_open_from_memory_and_the_cover_says_simulated(folder: Path) -> None:  # noqa: F811
    copy = io.BytesIO((folder / "effects.xlsx").read_bytes())
    cover = "\n".join(str(row[0].value) for row in openpyxl.load_workbook(copy)["Cover"].iter_rows())
    assert f"{PLANTED}. Every number is made up." in cover and "Every number is made up" in cover
