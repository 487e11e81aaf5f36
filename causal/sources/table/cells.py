"""Cells into numbers, years and words, with the reason kept beside each number that is missing.

The marks are those of official statistics: `c` confidential, `x` not available, `z` not applicable, `low` and `k` round to 0, `u` of low reliability
(DfE open data standards, 2024), and `:`, `..`, `.`, `-` and `*` of older releases. None of them is a 0, and none becomes one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

BLANK = "blank"
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "<na>", "#n/a"})
MARKS = frozenset({"x", "c", "z", "k", "u", "low", ":", "..", ".", "-", "*", "~", "#div/0!"})
THOUSANDS = r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers:
    """A column as numbers.

    Parameters
    ----------
    values : float, indexed by row; NaN where there is none.
    reasons : why, for each row without a number: the mark as printed, or "blank".
    unit : "%" or "£" where every number carries it, otherwise "".
    problems : text where a number belongs, as sentences.
    """

    values: pd.Series
    reasons: pd.Series
    unit: str = ""
    problems: tuple[str, ...] = ()


def words(cell: object) -> str:
    """A cell as text: 201.0 is "201", missing is ""."""
    if isinstance(cell, str):
        return cell.strip()
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip()


def is_mark(text: str) -> bool:
    """Whether the words stand for a number that is withheld, not applicable or not known; a mark may stand in square brackets."""
    text = text.lower()
    return text in MISSING or text in MARKS or (text[:1] == "[" and text[-1:] == "]" and text[1:-1] in MARKS)


def numbers(cells: pd.Series, column: str, *, described: bool) -> Numbers | None:
    """A column as numbers; None for a column of text, or an empty one, that nobody described."""
    printed = pd.Series([str(int(cell)) if isinstance(cell, bool | np.bool_) else words(cell) for cell in cells], index=cells.index, dtype=object)
    kinds = printed.unique()  # far fewer than cells: each is looked at once
    values = printed.map({text: _number(text) for text in kinds}).astype(float)
    missing = printed.isin([text for text in kinds if is_mark(text)])
    known = values.notna()
    odd = ~known & ~missing
    filled = int(known.sum())
    if not described and (not filled or odd.sum() > filled):
        return None
    problems = [
        f"row {row}, column {column!r}: {cells[row]!r} is text, expected a number (leave the cell empty if it is not known)" for row in cells.index[odd]
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
    return Numbers(values=values, reasons=reasons.where(reasons != "", BLANK), unit=unit, problems=tuple(problems))


def _number(text: str) -> float:
    """A number with or without £, % and thousands separators; NaN for all else. A number with % stays as it is printed: 41% is 41."""
    if is_mark(text) or "_" in text:  # Python reads 1_000 as a number, a spreadsheet does not
        return math.nan
    text = re.sub(r"^([-+]?)\s*£\s*(?=[-+.\d])", r"\1", text.replace("−", "-"))
    text = re.sub(r"(?<=[.\d])\s*%$", "", text)
    if re.fullmatch(THOUSANDS, text):
        text = text.replace(",", "")
    try:
        return float(text)
    except ValueError:
        return math.nan


def years(cells: pd.Series, *, periods: bool) -> pd.Series:
    """Years as floats, NaN where a cell is none; with `periods`, 201718, 2017/18 and 2017-18 are the year in which they end, 2018."""
    out = []
    for cell in cells:
        text = words(cell)
        year = float(text) if re.fullmatch(r"\d{4}(\.\d+)?", text) else math.nan
        period = re.fullmatch(r"(\d{4})(?:\s*[-/–]\s*)?(\d{2}|\d{4})", text) if periods else None
        if period and int(period[2]) == (int(period[1]) + 1) % (100 if len(period[2]) == 2 else 10_000):
            year = float(int(period[1]) + 1)
        out.append(year)
    return pd.Series(out, index=cells.index, dtype=float)
