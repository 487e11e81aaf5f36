"""When a row is: years as they are printed, whole, financial, of two digits, or inside a quarter, a month or a date.

A column is of one kind, or its odd cells are told one by one. A financial or academic year is the year in which it ends (2018/19 is 2019), as DfE's files
and this toolkit count; `source.period=begins` takes the other end. A quarter, a month or a date is the year it falls in, unless `source.period=steps` makes
each a step of its own, numbered from 1: a lag then counts quarters or months. Years of two digits, and waves numbered 1, 2, 3, say nothing of their century:
`source.century` is added to them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from causal.sources.table.cells import date_of, words
from causal.sources.table.problem import Problem, Remedy

PERIODS = ("ends", "begins", "steps")
WITHIN = ("quarter", "month", "date")  # kinds shorter than a year
EACH = {1: "month", 3: "quarter", 12: "year"}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = re.compile(
    rf"(?:(?:{'|'.join(MONTHS)})[a-z]*\.?[ \-/]?(?P<a>\d{{4}}))|(?P<b>\d{{4}})[ \-/mM]{{1,2}}(?:0?[1-9]|1[0-2])|(?:0[1-9]|1[0-2])/(?P<c>\d{{4}})", re.IGNORECASE
)
QUARTER = re.compile(r"(?P<a>\d{4})[ \-/]?q(?:tr)?[ ]?[1-4]|q(?:tr)?[ ]?[1-4][ \-/]?(?P<b>\d{4})", re.IGNORECASE)
FINANCIAL = re.compile(r"(?:FY ?|AY ?)?(\d{4})(?:\s*[-/–]\s*| to )?(\d{2}|\d{4})", re.IGNORECASE)
NAMES = {"whole": "years", "financial": "financial years", "quarter": "quarters", "month": "months", "date": "dates", "short": "years of two digits, or waves"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """Years of a column's rows: floats, NaN where a cell is none; with what is said of them and what is wrong."""

    years: pd.Series
    kind: str = "whole"
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def kind_and_year(text: str) -> tuple[str, float]:
    """What sort of period a text is, and its year: the one in which a financial year ends; ("", NaN) for none."""
    if re.fullmatch(r"\d{4}(\.0*)?", text):
        return "whole", float(text)
    if (found := FINANCIAL.fullmatch(text)) and int(found[2]) == (int(found[1]) + 1) % (100 if len(found[2]) == 2 else 10_000):
        return "financial", float(int(found[1]) + 1)
    for kind, pattern in (("quarter", QUARTER), ("month", MONTH)):
        if found := pattern.fullmatch(text):
            return kind, float(next(year for year in found.groups() if year))
    if (date := date_of(text)) is not None:
        return "date", float(date.year)
    if re.fullmatch(r"\d{1,2}(\.0*)?", text):
        return "short", float(text)
    return "", math.nan


def dates(cells: pd.Series, column: str, *, period: str | None, century: int | None) -> Dates:
    """The years of a column.

    Parameters
    ----------
    cells : as they stand in the file, indexed by row.
    column : its heading, for sentences.
    period : "ends" or "begins": which year a financial year is; None: the one in which it ends, with a note. "steps": quarters, months or dates are numbered.
    century : added to years of two digits and to waves; None: ask.

    Returns
    -------
    dates : years, NaN where a cell is none of the column's kind; such cells are told by the rules of the table, row by row.
    """
    printed = pd.Series([words(cell) for cell in cells], index=cells.index, dtype=object)
    read = {text: kind_and_year(text) for text in printed.unique()}
    counts = Counter(kind for text in printed if (kind := read[text][0]))
    main = counts.most_common(1)[0][0] if counts else "whole"
    mixed = len(counts) > 1
    if mixed and main != "whole" and counts[main] < 0.5 * sum(counts.values()):
        main = "whole"
    years = printed.map({text: year if kind == main else math.nan for text, (kind, year) in read.items()}).astype(float)
    example = next((text for text in printed if read[text][0] == main), "")
    if main == "financial" and period != "steps":
        if period == "begins":
            years = years - 1
        shown = float(years[printed == example].iloc[0])
        other = "" if period else "; source.period=begins takes the other end"
        return Dates(years=years, kind=main, notes=(f"{column}: {example} is read as {shown:.0f}, the year in which it {period or 'ends'}{other}",))
    if main == "short" and period != "steps":
        if century is not None:
            return Dates(years=years + century, kind=main, notes=(f"{column}: {example} is read as {read[example][1] + century:.0f}",))
        low, high = int(years.min()), int(years.max())
        guess = 1900 if low > 30 else 2000
        remedy = Remedy(knobs={"century": guess}, does=f"reads {low} as {low + guess}")
        what = f"column {column!r} holds {low} to {high}: {NAMES[main]}; say what is to be added to make years"
        return Dates(years=pd.Series(math.nan, index=cells.index), kind=main, problems=(Problem(text=what, kind="years", remedies=(remedy,), sure=low > 30),))
    if period == "steps":
        return _steps(printed, column, main)
    if main in WITHIN:
        return Dates(years=years, kind=main, notes=(f"{column}: {NAMES[main]}, each read as the year it falls in ({example} is {read[example][1]:.0f})",))
    return Dates(years=years, kind=main)


def _steps(printed: pd.Series, column: str, kind: str) -> Dates:
    """Quarters, months or dates numbered from 1, as far apart as the nearest two of them are; what is missing between keeps its number."""
    if kind not in WITHIN:
        what = f"column {column!r} holds {NAMES.get(kind, kind)}, which are steps as they are; source.period=steps is for quarters, months and dates"
        remedy = Remedy(knobs={"period": None}, does="reads them so")
        return Dates(years=pd.Series(math.nan, index=printed.index), kind=kind, problems=(Problem(text=what, kind="years", remedies=(remedy,)),))
    months = printed.map({text: month_of(text) for text in printed.unique()}).astype(float)
    known = sorted({int(month) for month in months.dropna()})
    apart = math.gcd(*(later - known[0] for later in known)) or 1
    apart = next(width for width in (12, 3, 1) if apart % width == 0)
    steps = (months - known[0]) / apart + 1
    first, last = (next(text for text in printed if month_of(text) == month) for month in (known[0], known[-1]))
    said = f"{column}: {NAMES[kind]}, each {EACH[apart]} a step of its own, from 1 ({first}) to {int(steps.max())} ({last}); a lag counts {EACH[apart]}s"
    return Dates(years=steps, kind="steps", notes=(said,))


def month_of(text: str) -> float:
    """Months since the year 0 of a quarter's last month, a month or a date; NaN for none."""
    if found := QUARTER.fullmatch(text):
        quarter = re.search(r"q(?:tr)?[ ]?([1-4])", text, re.IGNORECASE)
        assert quarter is not None
        return 12.0 * int(found["a"] or found["b"]) + 3 * int(quarter[1])
    if found := MONTH.fullmatch(text):
        month = MONTHS.index(text[:3].lower()) + 1 if found["a"] else int(re.findall(r"\d+", text)[1 if found["b"] else 0])
        return 12.0 * int(found["a"] or found["b"] or found["c"]) + month
    if (date := date_of(text)) is not None:
        return 12.0 * date.year + date.month
    return math.nan


def open_data_years(cells: pd.Series) -> pd.Series:
    """Years of `time_period` in DfE's standard: 2018, or 201718 for the year that ends in 2018."""
    read = {cell: kind_and_year(words(cell)) for cell in cells.unique()}
    return cells.map({cell: year if kind in ("whole", "financial") else math.nan for cell, (kind, year) in read.items()}).astype(float)
