"""Cells into numbers and words, with the reason kept beside each number that is missing.

The marks are those of official statistics: `c` confidential, `x` not available, `z` not applicable, `low` and `k` round to 0, `u` of low reliability
(DfE open data standards, 2024), and `:`, `..`, `.`, `-` and `*` of older releases. None of them is a 0, and none becomes one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from causal.words import listed

BLANK = "blank"
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "<na>", "#n/a"})
MARKS = frozenset({"x", "c", "z", "k", "u", "low", ":", "..", ".", "-", "*", "~", "#div/0!"})
SUPPRESSED = re.compile(r"[<≤] ?\d+(\.\d+)?|never")  # a small count that is not shown; a date of what never came
STATUS = re.compile(r"(?<=[\d.%)]) ?\[(r|p|e|b|u|w)\]$", re.IGNORECASE)  # 12.3 [r]: the number stands, and was revised
NEGATIVE = re.compile(r"\((£?\d[\d,]*(\.\d+)?)\)")  # as accounts write it
THOUSANDS = r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?"
SPACED = r"[-+]?\d{1,3}([ \u00a0\u2009\u202f]\d{3})+(\.\d*)?"
DECIMAL_COMMA = re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+\s*%?")
ANSWERS = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0, "y": 1.0, "n": 0.0, "t": 1.0, "f": 0.0, "on": 1.0, "off": 0.0}
PAIRS = ({"yes", "no"}, {"true", "false"}, {"y", "n"}, {"t", "f"}, {"on", "off"})
PLAIN = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)  # what most cells are
DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T]\d{2}:\d{2}(:\d{2})?(\.\d+)?(Z|[+-]\d{2}:?\d{2})?)?|(\d{1,2})[/.](\d{1,2})[/.](\d{4})")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers:
    """A column as numbers.

    Parameters
    ----------
    values : float, indexed by row; NaN where there is none.
    reasons : why, for each row without a number: the mark as printed, or "blank".
    unit : "%" or "£" where every number carries it, "year" for dates, otherwise "".
    problems : text where a number belongs, as sentences.
    notes : how the cells were read, where that is more than a number as printed.
    """

    values: pd.Series
    reasons: pd.Series
    unit: str = ""
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def words(cell: object) -> str:
    """A cell as text: 201.0 is "201", missing is ""."""
    if isinstance(cell, str):
        return cell.strip()
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip()


def brief(cell: object, most: int = 60) -> str:
    """A cell as it is shown in a sentence.

    Parameters
    ----------
    cell : as read.
    most : letters shown.
    """
    shown = repr(cell)
    return shown if len(shown) <= most else f"{shown[:most]}…{shown[0] if shown[0] in chr(34) + chr(39) else ''}"


def is_mark(text: str) -> bool:
    """Whether the words stand for a number that is withheld, not applicable or not known; a mark may stand in square brackets."""
    text = text.lower()
    return text in MISSING or text in MARKS or bool(SUPPRESSED.fullmatch(text)) or (text[:1] == "[" and text[-1:] == "]" and text[1:-1] in MARKS)


def numbers(cells: pd.Series, column: str, *, described: bool, comma: bool = False) -> Numbers | None:
    """A column as numbers; None for a column of text, or an empty one, that nobody described.

    Parameters
    ----------
    cells : as they stand in the file, indexed by row.
    column : its heading, for sentences.
    described : whether somebody said that these are numbers; text is then a problem and not a reason to leave the column out.
    comma : whether the decimal sign is a comma.
    """
    if not comma and (plain := _plain(cells)) is not None:
        return plain
    printed = pd.Series([str(int(cell)) if isinstance(cell, bool | np.bool_) else words(cell) for cell in cells], index=cells.index, dtype=object)
    kinds = printed.unique()  # far fewer than cells: each is looked at once
    filled_in = [text for text in kinds if not is_mark(text)]
    if read := _answers(filled_in) or _dates(filled_in, column):
        meant, unit, note = read
        reasons = printed[printed.isin([text for text in kinds if is_mark(text)])]
        values = printed.map(meant).astype(float)
        return Numbers(values=values, reasons=reasons.where(reasons != "", BLANK), unit=unit, notes=(f"{column}: {note}",))
    notes = []
    if any(map(STATUS.search, kinds)):
        marked = printed[printed.map(lambda text: bool(STATUS.search(text)))]
        notes.append(f"{column}: {len(marked):,} numbers carry a mark of their status, such as {marked.iloc[0]!r}; they stand as they are")
        printed = printed.map({text: STATUS.sub("", text) for text in kinds})
        kinds = printed.unique()
    if any(map(NEGATIVE.fullmatch, kinds)):
        first = next(text for text in kinds if NEGATIVE.fullmatch(text))
        notes.append(f"{column}: numbers in brackets are read as below 0, as accounts write them ({first} is -{first[1:-1]})")
        printed = printed.map({text: f"-{text[1:-1]}" if NEGATIVE.fullmatch(text) else text for text in kinds})
        kinds = printed.unique()
    values = printed.map({text: _number(_pointed(text) if comma else text) for text in kinds}).astype(float)
    missing = printed.isin([text for text in kinds if is_mark(text)])
    known = values.notna()
    odd = ~known & ~missing
    filled = int(known.sum())
    if not described and (not filled or odd.sum() > filled):
        return None
    problems = [
        f"row {row}, column {column!r}: {brief(cells[row])} is text, expected a number (leave the cell empty if it is not known)" for row in cells.index[odd]
    ]
    if described and not filled and not problems:
        problems.append(f"column {column!r} holds no number at all")
    written, unit = known & (values != 0), ""  # 0 is 0 with a sign or without
    for sign in "%£":
        signed = written & printed.isin([text for text in kinds if sign in text])
        bare = written & ~signed
        if signed.any() and bare.any():
            first, other = signed.index[signed][0], bare.index[bare][0]
            problems.append(
                f"column {column!r}: {int(signed.sum())} numbers have {sign} and {int(bare.sum())} have not "
                f"(row {first}: {printed[first]!r}, row {other}: {printed[other]!r}); write all of them alike"
            )
        elif signed.any():
            unit = sign
    reasons = printed[missing]
    return Numbers(values=values, reasons=reasons.where(reasons != "", BLANK), unit=unit, problems=tuple(problems), notes=tuple(notes))


def _plain(cells: pd.Series) -> Numbers | None:
    """A column that holds numbers as Python writes them, and blanks: what `numbers` gives for it, in one pass; None for any other."""
    values, blanks = np.full(len(cells), np.nan), []
    for at, cell in enumerate(cells):
        if isinstance(cell, str):
            text = cell.strip()
            if PLAIN.fullmatch(text):
                values[at] = float(text)
            elif not text:
                blanks.append(at)
            else:
                return None
        elif isinstance(cell, float) and math.isfinite(cell):
            values[at] = cell
        else:
            return None
    if len(blanks) == len(cells):
        return None
    return Numbers(values=pd.Series(values, index=cells.index), reasons=pd.Series(BLANK, index=cells.index[blanks], dtype=object))


def _answers(kinds: Sequence[str]) -> tuple[dict[str, float], str, str] | None:
    """Yes and no, in any of their spellings, as 1 and 0; what they mean, their unit and a note."""
    low = {text.lower() for text in kinds}
    if not low or not any(low <= pair for pair in PAIRS):
        return None
    meant = {text: ANSWERS[text.lower()] for text in kinds}
    return meant, "", f"{listed([f'{text!r} is read as {value:.0f}' for text, value in sorted(meant.items())])}"


def _dates(kinds: Sequence[str], column: str) -> tuple[dict[str, float], str, str] | None:
    """Dates as years with their part gone by (1 September 2014 is 2014.67), so that `since` and comparisons can use them."""
    found = {text: date for text in kinds if (date := date_of(text)) is not None}
    if not found or len(found) < len(kinds):
        return None
    meant = {
        text: at.year + (at.timetuple().tm_yday - 1) / (366 if at.year % 4 == 0 and (at.year % 100 or at.year % 400 == 0) else 365)
        for text, at in found.items()
    }
    first = next(iter(found))
    return meant, "year", f"dates, read as years ({first!r} is {meant[first]:.2f}); 'source.derived={{in_force: {{since: {column}}}}}' makes a 0 and 1 of them"


def date_of(text: str) -> date | None:
    """2014-09-01, with a time of day or without, or 01/09/2014 (day first)."""
    found = DATE.fullmatch(text)
    if not found:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found[1] else date(int(found[9]), int(found[8]), int(found[7]))
    except ValueError:
        return None


def _pointed(text: str) -> str:
    """1.234,5 as 1234.5."""
    return (
        text.replace(".", "").replace(",", ".")
        if DECIMAL_COMMA.fullmatch(text.replace("£", "").strip()) or re.fullmatch(r"[-+]?\d{1,3}(\.\d{3})+", text)
        else text
    )


def _number(text: str) -> float:
    """A number with or without £, % and thousands separators; NaN for all else. A number with % stays as it is printed: 41% is 41."""
    if is_mark(text) or "_" in text:  # Python reads 1_000 as a number, a spreadsheet does not
        return math.nan
    text = re.sub(r"^([-+]?)\s*£\s*(?=[-+.\d])", r"\1", text.replace("−", "-"))
    text = re.sub(r"(?<=[.\d])\s*%$", "", text)
    if re.fullmatch(THOUSANDS, text) or re.fullmatch(SPACED, text):
        text = re.sub(r"[,\s]", "", text)
    try:
        return float(text)
    except ValueError:
        return math.nan
