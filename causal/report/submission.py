"""The first screen as a Word document, for a submission to a minister: styles, headings, real tables, a figure with words for those who cannot see it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from causal.report.figures.canvas import Drawing, estimates_png
from causal.report.phrases import STATES, made_up, sentence, words
from causal.report.screen import asked, facts, rests_on, smallest
from causal.words import capital, count

UNDATED = datetime(1980, 1, 1)  # as in zip files without a date; when a run began stands in result.json alone
INCHES = 6.3  # between the margins of an A4 page


def submission(data: Mapping[str, Any], drawn: Drawing | None) -> bytes:
    """The bytes of summary.docx: the same for the same record; `drawn` is the figure of its estimates, whose words stand for the picture."""
    import docx
    from docx.shared import Cm, Inches, Pt, RGBColor

    answer = data["answer"]
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
    made.add_paragraph(_text(answer["second"]))
    made.add_paragraph(_text(asked(data)))
    rows = [(one["title"], " ".join(sentence(line) for line in (one["big"], *one["lines"]) if line)) for one in facts(data)]
    _table(made, ("What", "In words"), rows, (1.7, INCHES - 1.7), "The answer in five parts: its size, range, certainty, checks, and what it does not say.")
    if drawn is not None:
        picture = made.add_picture(io.BytesIO(estimates_png(data)), width=Inches(INCHES))
        said = picture._inline.docPr
        said.set("descr", _text(drawn.alt))
        said.set("title", "Estimates side by side")
        held = made.paragraphs[-1].paragraph_format
        held.keep_with_next, held.space_before = True, Pt(12)
        made.add_paragraph(_text(f"{drawn.caption} {sentence(made_up(data)) if made_up(data) else ''}"), style="Caption")
    for paragraph in (smallest(data), rests_on(data)):
        made.add_paragraph(_text(paragraph))

    made.add_heading(_text(f"How certain it is: {answer['certainty']}"), level=2)
    _bullets(made, [sentence(one) for one in answer["reasons"]] or ["No reason was recorded."])
    made.add_heading("Checks", level=2)
    told = [one for one in data["refutations"] if one["survived"] is not True]
    passed = len(data["refutations"]) - len(told)
    none = "No check was asked for, so none has been passed."
    made.add_paragraph(f"{capital(count(passed, 'check'))} passed, which is no proof." if data["refutations"] else none)
    if told:
        states = [(STATES[one["survived"]][0], (one["reason"] if one["survived"] is None else one["found"]) or "not said") for one in told]
        seen = [(capital(words(one["name"])), state, sentence(what)) for one, (state, what) in zip(told, states, strict=True)]
        heads = ("Check", "Result", "What was seen, or why it was not run")
        _table(made, heads, seen, (1.7, 1.1, INCHES - 2.8), "Checks that did not pass or were not run.")
    made.add_heading("What we cannot say", level=2)
    _bullets(made, [sentence(one) for one in answer["cannot_say"]] or ["Nothing was named."])
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
