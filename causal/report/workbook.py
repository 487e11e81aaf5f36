"""The record as a spreadsheet: cover, contents, notes, and one marked table on each sheet.

After the Analysis Function's guidance, Making spreadsheets accessible (2024): no merged cells, no blank rows, unique headings in one row, symbols in square
brackets and explained. gptables writes it. It would read links and notes into a label's `[…](…)` and `$$`, and refuse a cell without a Latin letter; so every
text of a record goes in as a `FormatList`, which it leaves as it is. No text becomes a formula.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from causal.open_data import INTERVAL, NOT_APPLICABLE
from causal.report import tables
from causal.report.checks import every
from causal.report.first import HEADS, first, parts
from causal.report.phrases import STATES, decimals, made_up, plainly, readable, sentence, words
from causal.words import capital

LONGEST = 32_000  # letters in a cell; Excel's limit is 32,767
# as in zip files without a date: equal records give equal bytes, and when a run began stands in result.json alone
UNDATED = datetime(1980, 1, 1)
ONE_TABLE = "This worksheet contains one table."
SYMBOLS = "Some cells hold a symbol in place of a number: [x] not available, [z] not applicable."
NOTES = {
    "interval": "Intervals allow for authorities' rows being alike. They stand to every digit here and are rounded outwards in the report.",
    "joint": "These ends hold for all parts of one kind at once; the others hold for each part taken alone.",
    "p": "The chance of an estimate at least as far from 0 if there were no effect. It is not the chance that there is none.",
    "whose": "Estimates with different words here are averages over different authorities, and no rival answers.",
    "passing": "Passing a check is no proof. What each check cannot detect stands beside it.",
}
NOTED = {"est_lower_ci": "interval", "est_upper_ci": "interval", "joint_lower_ci": "joint", "joint_upper_ci": "joint", "p_value": "p", "estimand": "whose"}
Rows = Sequence[Sequence[Any]]


def workbook(data: Mapping[str, Any]) -> bytes:
    """The bytes of effects.xlsx: the same for the same record."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves a file of its own open
        import gptables  # half a second, for it needs pandas

    answer, stamp, one = data["answer"], made_up(data), first(data)
    sheets = {
        "Answer": _sheet("answer", "The answer", ("What", "In words"), _answer(data, one), about=ONE_TABLE),
        "Effects": _effects(data),
        "Checks": _checks(data),
        "Limits": _sheet("limits", "What cannot be said, and what is assumed", ("Kind", "Statement"), _limits(data), about=ONE_TABLE),
    }
    about = [f"Data: {one['data']}", f"What matters: {one['matters']}", f"Cite: {one['cite']}"]
    about.append("The report, report.html, and every number, result.json, stand in the same folder.")
    cover = gptables.Cover(
        title=_safe(answer["headline"]),
        intro=[_safe(said) for said in (data["title"], one["asked"], f"{sentence(stamp)} Every number is made up." if stamp else "") if said],
        about=[_safe(said) for said in about],
        cover_label="Cover",
    )
    notes: Any = _frame(("Note reference", "Note text"), list(NOTES.items()), plain=True)
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cells that it takes for odd
        made: Any = gptables.produce_workbook(out, sheets, cover=cover, notes_table=notes, auto_width=False, workbook_options=options)
    widths = {"Contents": (16, 60), "Notes": (14, 90), "Answer": (34, 110), "Limits": (22, 120), "Checks": (30, 16, 12, 46, 70, 70, 14)}
    for name, sizes in widths.items():
        for i, size in enumerate(sizes):
            made.get_worksheet_by_name(name).set_column(i, i, size)
    made.get_worksheet_by_name("Effects").set_column(0, len(sheets["Effects"].table.columns), 22)
    made.set_properties({"title": _safe(answer["headline"])[:255], "subject": _safe(data["title"])[:255], "author": "", "created": UNDATED})
    made.close()
    return out.getvalue()


def _answer(data: Mapping[str, Any], one: Mapping[str, Any]) -> Rows:
    """The first screen, a line a row."""
    answer = data["answer"]
    said = [("Answer", one["headline"]), ("Estimate and range", one["second"]), ("Question", one["asked"])]
    said += [("Simulated", sentence(made_up(data)))] if made_up(data) else []
    for part in parts(one):
        lines = [f"{row[0]}: {row[1]} ({HEADS[2].lower()}: {row[2]}; {HEADS[3].lower()} {row[3]})." for row in part["rows"]]
        said.append((part["title"], " ".join([*lines, *part["lines"]])))
    said += [("Command of the next step", one["next"]["command"])] if one["next"]["command"] else []
    said += [("For evaluators", answer["evaluators"])] if answer["evaluators"] else []
    return [*said, ("What matters", one["matters"]), ("Data", one["data"]), ("Cite", one["cite"])]


def _limits(data: Mapping[str, Any]) -> Rows:
    said = [("Cannot be said", plainly(data, one)) for one in data["answer"]["cannot_say"]]
    said += [("Assumed", sentence(readable(data, one))) for one in data["identification"]["assumptions"]]
    return said or [("Cannot be said", "Nothing was named.")]


def _effects(data: Mapping[str, Any]) -> Any:
    """The rows of effects.csv, without what is the same in all of them and stands on other sheets."""
    made = tables.effects(data)
    kept = [column for column in made.columns if column in (*tables.WHOSE, *tables.MEASURED) or column.name == "outcome_unit"]
    rows = [[row.get(column.name, NOT_APPLICABLE) for column in kept] for row in made.rows]
    ends = [row.get(name) for row in made.rows for name in INTERVAL]
    digits = decimals(*(one for one in ends if _number(one)))
    formats = [_shown(i, column.name, digits) for i, column in enumerate(kept) if column.kind == "Indicator"]
    about = f"{ONE_TABLE} {SYMBOLS} Some headings refer to notes, which stand on the notes worksheet."
    noted = {i: f"$${NOTED[column.name]}$$" for i, column in enumerate(kept) if column.name in NOTED}
    return _sheet("effects", "Every effect, with its interval", [column.label for column in kept], rows, about=about, notes=noted, formats=formats)


def _shown(at: int, name: str, digits: int) -> dict[str, Any]:
    """How the numbers of a column are shown; the cell keeps them whole."""
    places = 3 if name == "p_value" else 0 if name in ("rows", "authorities") else digits
    return {"column": {"columns": [at], "format": {"num_format": "#,##0" + (f".{'0' * places}" if places else "")}}}


def _checks(data: Mapping[str, Any]) -> Any:
    heads = ("Check", "Result", "Speaks of bias", "What it asks", "What was seen, or why it was not run", "What it cannot detect", "p-value")
    bias = data["verdict"]["bias"]
    rows: list[tuple[Any, ...]] = [
        (
            capital(words(one["name"])),
            STATES[one["survived"]][0],
            "yes" if one["name"] in bias else "no",
            one["asks"],
            sentence(readable(data, (one["reason"] if one["survived"] is None else one["found"]) or "not said")),
            one["cannot_detect"],
            one["p_value"],
        )
        for one in every(data)
    ] or [("No check was asked for", *["z"] * 6)]
    about = f"{ONE_TABLE} {SYMBOLS} Some headings refer to notes, which stand on the notes worksheet."
    return _sheet(
        "checks",
        "Checks",
        heads,
        rows,
        about=about,
        notes={1: "$$passing$$", 6: "$$p$$"},
        formats=[{"column": {"columns": [6], "format": {"num_format": "0.000"}}}],
    )


def _sheet(
    name: str, title: str, heads: Sequence[str], rows: Rows, *, about: str, notes: Mapping[int, str] | None = None, formats: Sequence[Mapping[str, Any]] = ()
) -> Any:
    import gptables

    return gptables.GPTable(
        table=_frame(heads, rows),
        table_name=name,
        title=title,
        instructions=about,
        index_columns={},
        table_notes=dict(notes or {}),
        additional_formatting=list(formats),
    )


def _frame(heads: Sequence[str], rows: Rows, *, plain: bool = False) -> Any:
    import pandas as pd

    return pd.DataFrame([[one if plain else _cell(one) for one in row] for row in rows], columns=pd.Index(heads), dtype=object)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: Any) -> Any:
    """A number as it is; text so that gptables leaves it alone; symbols in square brackets."""
    from gptables.core.gptable import FormatList

    if _number(value):
        return value
    text = "[x]" if value is None else str(value).strip().replace("\r\n", "\n")[:LONGEST]
    return FormatList([{}, f"[{text}]" if text in ("x", "z") else text or "[z]"])


def _safe(text: str) -> str:
    """Text outside the tables, where gptables reads notes and links."""
    return " ".join(text.replace("$$", "$ $").replace("](", "] (").split())[:LONGEST]
