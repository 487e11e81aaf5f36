"""The first screen as a Word document, for a submission to a minister: styles, headings, real tables, a figure with words for those who cannot see it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from causal.language import language_of
from causal.report import risk
from causal.report.checks import every
from causal.report.figures.canvas import Drawing, estimates_png
from causal.report.first import HEADS, first, parts
from causal.report.phrases import STATES, made_up, plainly, readable, sentence
from causal.words import capital, count

UNDATED = datetime(1980, 1, 1)  # as in zip files without a date; when a run began stands in result.json alone
INCHES = 6.3  # between the margins of an A4 page


def submission(data: Mapping[str, Any], drawn: Drawing | None) -> bytes:
    """The bytes of summary.docx: the same for the same record.

    Parameters
    ----------
    data : a record.
    drawn : the figure of its estimates, whose words stand for the picture; None where there is none.
    """
    import docx
    from docx.shared import Cm, Inches, Pt, RGBColor

    answer, one, language = data["answer"], first(data), language_of(data.get("language"))
    made = docx.Document()
    page = made.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Cm(2.5)
    for name, size in (("Normal", 11), ("Heading 1", 18), ("Heading 2", 14), ("Caption", 10)):
        style = made.styles[name]
        style.font.name, style.font.size = "Arial", Pt(size)
        style.font.color.rgb = RGBColor(0, 0, 0) if name in ("Normal", "Caption") else RGBColor(0x12, 0x43, 0x6D)
        _fonts(style.element.get_or_add_rPr())
    _language(made)
    core = made.core_properties
    core.title, core.subject, core.author, core.language = _text(answer["headline"])[:255], _text(data["title"])[:255], "", "en-GB"
    core.comments, core.created, core.modified, core.last_modified_by = "", UNDATED, UNDATED, ""

    made.add_heading(_text(answer["headline"]), level=1)
    if made_up(data):
        made.add_paragraph().add_run(_text(f"{sentence(made_up(data))} Every number here is made up and is no evidence about a real place.")).bold = True
    made.add_paragraph(_text(one["second"]))
    made.add_paragraph(_text(one["asked"]))
    if drawn is not None:
        picture = made.add_picture(io.BytesIO(estimates_png(data)), width=Inches(INCHES))
        said = picture._inline.docPr
        said.set("descr", _text(drawn.alt))
        said.set("title", "Estimates side by side")
        layout = made.paragraphs[-1].paragraph_format
        layout.keep_with_next, layout.space_before = True, Pt(12)
        made.add_paragraph(_text(f"{drawn.caption} {sentence(made_up(data)) if made_up(data) else ''}"), style="Caption")
    for part in parts(one):
        made.add_heading(_text(part["title"]), level=2)
        if part["rows"]:
            _table(
                made, HEADS, part["rows"], (1.9, 1.1, INCHES - 4.0, 1.0), "The effect as a rate and as people, with its range and from where it would matter."
            )
        if part["about"] in ("checks", "mind"):
            _bullets(made, part["lines"])
        elif part["lines"]:
            made.add_paragraph(_text(" ".join(part["lines"])))
        if part["about"] == "next" and one["next"]["command"]:
            made.add_paragraph(_text(one["next"]["command"])).runs[0].font.name = "Courier New"
    for name, words_ in (("Data", one["data"]), ("What matters", one["matters"]), ("Cite", one["cite"])):
        made.add_paragraph().add_run(f"{name}: ").bold = True
        made.paragraphs[-1].add_run(_text(words_))

    made.add_heading("Checks that did not pass or were not run", level=2)
    not_passed = [check for check in every(data) if check["survived"] is not True]
    passed = sum(check["survived"] is True for check in data["refutations"])
    none = "No check was asked for, so none has been passed."
    made.add_paragraph(f"{capital(count(passed, 'check'))} passed, which is no proof." if data["refutations"] else none)
    if not_passed:
        states = [(STATES[check["survived"]][0], (check["reason"] if check["survived"] is None else check["found"]) or "not said") for check in not_passed]
        seen = [
            (capital(language.check(check["name"])), state, sentence(readable(data, what))) for check, (state, what) in zip(not_passed, states, strict=True)
        ]
        heads = ("Check", "Result", "What was seen, or why it was not run")
        _table(made, heads, seen, (1.7, 1.1, INCHES - 2.8), "Checks that did not pass or were not run.")
    made.add_heading(_text(language.terms["cannot_say_head"]), level=2)
    _bullets(made, [plainly(data, limit) for limit in answer["cannot_say"]] or ["Nothing was named."])
    bias = risk.shown(data)
    made.add_heading("Risk of bias", level=2)
    made.add_paragraph(_text(bias["said"]))
    _table(made, bias["heads"], bias["rows"], (1.2, 1.3, 1.8, 1.0, 1.0), bias["caption"])
    made.add_paragraph("What the Magenta Book and TIGER ask of an evaluation:").paragraph_format.space_before = Pt(12)
    _bullets(made, bias["asked"])
    made.add_paragraph("The whole report is report.html, in the folder that this document comes from.")
    out = io.BytesIO()
    made.save(out)
    return _undated(out.getvalue())


def _text(words_: str) -> str:
    """Text in one line."""
    return " ".join(words_.split())


def _bullets(made: Any, lines: Sequence[str]) -> None:
    for line in lines:
        made.add_paragraph(_text(line), style="List Bullet")


def _table(made: Any, heads: Sequence[str], rows: Sequence[Sequence[str]], inches: Sequence[float], about: str) -> None:
    """A table whose first row is repeated as its heading on every page, with words on what it holds."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Inches

    table = made.add_table(rows=1, cols=len(heads), style="Table Grid")
    table.autofit = False
    for tag, words_ in (("w:tblCaption", heads[0]), ("w:tblDescription", about)):
        said = OxmlElement(tag)
        said.set(qn("w:val"), _text(words_))
        table._tbl.tblPr.append(said)
    repeated = OxmlElement("w:tblHeader")
    table.rows[0]._tr.get_or_add_trPr().append(repeated)
    for cell, head in zip(table.rows[0].cells, heads, strict=True):
        cell.paragraphs[0].add_run(head).bold = True
    for row in rows:
        for i, (cell, words_) in enumerate(zip(table.add_row().cells, row, strict=True)):
            cell.paragraphs[0].add_run(_text(words_)).bold = i == 0 or None
    for row in table.rows:
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        for cell, size in zip(row.cells, inches, strict=True):
            cell.width = Inches(size)


def _fonts(properties: Any) -> None:
    """One typeface for every script: a style's theme fonts would otherwise win."""
    from docx.oxml.ns import qn

    fonts = properties.rFonts
    for name in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.attrib.pop(qn(f"w:{name}Theme"), None)
        fonts.set(qn(f"w:{name}"), "Arial")
    fonts.attrib.pop(qn("w:asciiTheme"), None)


def _language(made: Any) -> None:
    """The document's language, so that a screen reader speaks it rightly."""
    from docx.oxml.ns import qn

    for one in made.styles.element.iter(qn("w:lang")):
        one.set(qn("w:val"), "en-GB")


def _undated(made: bytes) -> bytes:
    """The same zip file with no time of day in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, UNDATED.timetuple()[:6]), old.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()
