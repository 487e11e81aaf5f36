"""Tables laid out otherwise than one row for each authority and year: years as columns, a measure in each row, merged cells, several rows a year.

Each is read by a knob that says so, and no layout is guessed in silence (Wickham, Tidy data, 2014, names the five ways in which tables are usually untidy).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from causal.errors import ConfigError, DataError, refusal, suggest
from causal.sources.table import cells
from causal.sources.table.cells import Numbers, words
from causal.sources.table.file import Sheet
from causal.sources.table.periods import kind_and_year
from causal.sources.table.problem import Problem, Remedy
from causal.words import count, listed

YEAR = "year"  # the column that years across become
PROVISIONAL = re.compile(r" *[\[(](p|r|e|provisional|revised|estimate|notes? ?[\d, ]*)[\])]$", re.IGNORECASE)  # 2020/21 (p) is 2020/21
COMBINED = ("sum", "mean", "first", "last")
BEFORE = re.compile(r"(?P<year>(?:19|20)\d\d(?:\s*[-/–]\s*\d{2,4})?)[ _:-]+(?P<stem>.*\D.*)")
AFTER = re.compile(r"(?P<stem>.*?[^\d ])[ _:-]*(?P<year>(?:19|20)\d\d(?:\s*[-/–]\s*\d{2,4})?)")


# ---------------------------------------------------------------- years as columns
def year_headings(header: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Heading → what it measures ("" where it is a bare year) and its year as printed, where the headings go through years; {} where they do not."""
    found: dict[str, tuple[str, str]] = {}
    for heading in dict.fromkeys(header):
        match, bare = BEFORE.fullmatch(heading) or AFTER.fullmatch(heading), PROVISIONAL.sub("", heading)
        if kind_and_year(bare)[0] in ("whole", "financial") and re.match(r"(FY ?|AY ?)?(19|20)", bare):
            found[heading] = "", bare
        elif match and kind_and_year(match["year"])[0] and match["stem"].strip(" _-:"):
            found[heading] = match["stem"].strip(" _-:"), match["year"]
    several = Counter(stem for stem, _ in found.values())
    return {heading: (stem, year) for heading, (stem, year) in found.items() if several[stem] > 1}


def across(sheet: Sheet, name: str, *, year: str = YEAR) -> Sheet:
    """One row for each year instead of one column.

    Parameters
    ----------
    sheet : with years in its headings, alone or beside what they measure (`plans_2018`).
    name : what the numbers under bare years are called.
    year : what the column of years is called.

    Raises
    ------
    DataError : fewer than two headings are years, or the sheet has columns of those names already.
    """
    years = year_headings(sheet.header)
    if not years:
        raise refusal(
            DataError,
            "source.years_across",
            "two headings or more that are years of one measure",
            f"{name!r}, and no two that are",
            suggest("2018", filter(None, sheet.header)),
        )
    measures = list(dict.fromkeys(stem or name for stem, _ in years.values()))
    kept = [j for j, heading in enumerate(sheet.header) if heading not in years]
    header = [*(sheet.header[j] for j in kept), year, *measures]
    if twice := [one for one in header if one and header.count(one) > 1]:
        raise refusal(
            DataError,
            "source.years_across",
            "columns with names of their own",
            f"two that would be called {twice[0]!r}",
            "give the numbers another name, or rename that column",
        )
    at = {(stem or name, when): sheet.header.index(heading) for heading, (stem, when) in years.items()}
    order = sorted({when for _, when in years.values()}, key=lambda when: kind_and_year(when)[1])
    rows: list[Sequence[Any]] = []
    numbers: list[int] = []
    for number, row in zip(sheet.numbers, sheet.rows, strict=True):
        for when in order:
            rows.append([*(row[j] for j in kept), when, *(row[at[one, when]] if (one, when) in at else "" for one in measures)])
            numbers.append(number)
    note = f"years stood as columns: {order[0]} to {order[-1]} became rows, with {listed(measures)} in each"
    return replace(sheet, header=header, rows=rows, numbers=numbers, notes=(*sheet.notes, note))


def laid_across(sheet: Sheet, year: str | None) -> Problem | None:
    """Years that stand as columns, where no column of years is there.

    Parameters
    ----------
    sheet : header and rows.
    year : the user's own column of years; None where none was named.
    """
    years = year_headings(sheet.header)
    if not years or (year is not None and year in sheet.header):
        return None
    bare = any(not stem for stem, _ in years.values())
    several = {year for _, year in years.values()}
    if len(several) < (3 if not bare else 2) or any(_tells_years(sheet, j) for j, heading in enumerate(sheet.header) if heading not in years):
        return None
    measures = list(dict.fromkeys(stem for stem, _ in years.values() if stem))
    first, *_, last = years
    what = f"years stand as columns ({first!r} to {last!r}); {'they hold ' + listed(measures) if measures and not bare else 'call their numbers something'}"
    knobs = {"years_across": "value" if bare else True}
    return Problem(text=what, kind="across", remedies=(Remedy(knobs=knobs, does="makes rows of them"),), sure=True)


def _tells_years(sheet: Sheet, at: int) -> bool:
    """Whether a column holds years already."""
    if not re.search(r"year|yr\b|time_period|period|date", sheet.header[at].lower()):
        return False
    texts = [words(row[at]) for row in sheet.rows[:200]]
    return sum(kind_and_year(text)[0] not in ("", "short") for text in texts) > len(texts) / 2


# ---------------------------------------------------------------- places as columns
def places_across(sheet: Sheet, name: str, *, authority: str, year: str | None) -> Sheet:
    """One row for each place instead of one column: every heading but the year's is a place.

    Parameters
    ----------
    sheet : rows are years, columns places.
    name : what the numbers are called.
    authority : what the column of places is called.
    year : column of years; None: one row, of one year.

    Raises
    ------
    DataError : no such column of years, or fewer than two places.
    """
    if year is not None and year not in sheet.header:
        raise refusal(
            DataError,
            "source.places_across",
            f"a column {year!r} (source.year)",
            f"none, with {name!r} for the numbers",
            suggest(year, filter(None, sheet.header)),
        )
    places = [(j, heading) for j, heading in enumerate(sheet.header) if heading and heading != year]
    if len(places) < 2:
        raise refusal(
            DataError,
            "source.places_across",
            "two headings or more that could be places",
            f"{listed([place for _, place in places]) or 'none'}, with {name!r} for the numbers",
            "leave places_across out",
        )
    if name in (authority, year):
        raise refusal(
            DataError, "source.places_across", "columns with names of their own", f"two that would be called {name!r}", "give the numbers another name"
        )
    when = [] if year is None else [sheet.header.index(year)]
    header = [*([year] if year is not None else []), authority, name]
    rows: list[Sequence[Any]] = [[*(row[j] for j in when), place, row[j]] for row in sheet.rows for j, place in places]
    numbers = [number for number in sheet.numbers for _ in places]
    note = f"places stood as columns: {places[0][1]} to {places[-1][1]} became rows, with {name} in each"
    return replace(sheet, header=header, rows=rows, numbers=numbers, notes=(*sheet.notes, note))


# ---------------------------------------------------------------- cells merged downwards
def filled(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Blank cells of some columns with what stands above them.

    Parameters
    ----------
    table : cells as read.
    columns : those to fill.
    """
    out = table.copy()
    for column in columns:
        text = table[column].where(table[column].map(lambda cell: words(cell) != ""))
        out[column] = text.ffill().where(lambda one: one.notna(), "")
    return out


def merged(table: pd.DataFrame, column: str, place_columns: str) -> Problem | None:
    """Authorities that stand once above their rows, as cells merged in a workbook are read.

    Parameters
    ----------
    table : cells as read, indexed by row number.
    column : where the authorities stand.
    place_columns : the knob that names that column, for the message.

    Returns
    -------
    problem : None where fewer than a quarter of the cells are blank, or the first is.
    """
    blank = table[column].map(words) == ""
    if blank.iloc[0] or not blank.any() or blank.mean() < 0.25:
        return None
    at = int(np.flatnonzero(blank.to_numpy())[0])
    what = f"column {column!r} ({place_columns}) is blank in {count(int(blank.sum()), 'row')} of {len(blank):,}"
    what += f", the first is row {table.index[at]}: cells merged downwards"
    return Problem(text=what, kind="merged", remedies=(Remedy(knobs={"fill": [column]}, does="fills them from above"),), sure=True)


# ---------------------------------------------------------------- a measure in each row
def checked_pivot(pivot: Any) -> dict[str, tuple[str, ...]] | None:
    """`{by: sex, values: number}` with one column or a list for each.

    Raises
    ------
    ConfigError : another form.
    """
    if pivot is None:
        return None
    if not isinstance(pivot, Mapping) or set(pivot) != {"by", "values"}:
        raise refusal(ConfigError, "source.pivot", "{by: COLUMN, values: COLUMN}", repr(pivot), "write it like {by: sex, values: number}")
    out = {}
    for key, value in pivot.items():
        several = [value] if isinstance(value, str) else list(value) if isinstance(value, Sequence) else []
        if not several or not all(isinstance(one, str) and one for one in several):
            raise refusal(
                ConfigError,
                "source.pivot",
                "{by: COLUMN, values: COLUMN}, or a list of columns for either",
                f"{key}: {value!r}",
                "write it like {by: sex, values: number}",
            )
        out[str(key)] = tuple(several)
    return out


def pivoted(table: pd.DataFrame, keys: pd.DataFrame, pivot: Mapping[str, Sequence[str]]) -> tuple[pd.DataFrame, list[str], list[Problem]]:
    """One row for each authority and year, the values of `by` become columns.

    Parameters
    ----------
    table : cells, indexed by row number.
    keys : `authority` and `year` of the same rows.
    pivot : `by` and `values`, columns of the table.

    Returns
    -------
    table : indexed by the first row of each authority and year; columns alike in all its rows are kept, others left out.
    notes : what the columns are called, and what was left out.
    problems : several values for one cell, as one line.
    """
    by, measures = list(pivot["by"]), list(pivot["values"])
    kinds = table[by].map(words).agg(" ".join, axis=1)
    place_columns = [keys["authority"].to_numpy(), keys["year"].to_numpy()]
    group = pd.Series(table.index, index=table.index).groupby(place_columns, dropna=False).transform("first")
    cell = pd.DataFrame({"group": group, "kind": kinds})
    doubled = cell.duplicated(keep=False)
    if doubled.any():
        row = int(cell.index[doubled][0])
        mine = cell.index[(cell["group"] == cell["group"][row]) & (cell["kind"] == cell["kind"][row])]
        where = f"authority {keys['authority'][row]!r}, year {keys['year'][row]:.0f}, {by[0]} {cell['kind'][row]!r}"
        others = [str(c) for c in table if c not in (*by, *measures) and table[str(c)][mine].map(words).nunique() > 1][:3]
        hint = f"they differ in {listed([repr(one) for one in others])}: add it to by, or choose with source.only" if others else "one of them must go"
        rows = ", ".join(map(str, mine[:4]))
        what = f"source.pivot leaves several values for {count(int(cell[doubled].drop_duplicates().shape[0]), 'cell')}: rows {rows} are all {where}; {hint}"
        return table, [], [Problem(text=what, kind="pivot")]
    names = {kind: _slug(kind) for kind in dict.fromkeys(kinds)}
    plain = len(measures) == 1 and all(re.match(r"[A-Za-z]", name) for name in names.values()) and len(set(names.values())) == len(names)
    wide = {}
    for measure in measures:
        for kind, name in names.items():
            part = table.loc[kinds == kind, measure]
            called = name if plain and name not in table else f"{measure}_{name}"
            wide[called] = pd.Series(part.to_numpy(), index=group[part.index].to_numpy()).reindex(group.unique()).where(lambda one: one.notna(), "")
    others = [str(column) for column in table if column not in (*by, *measures)]
    same = table[others].map(words).groupby(group.to_numpy()).nunique().max() <= 1 if others else pd.Series(dtype=bool)
    kept = [column for column in others if same[column]]
    out = pd.concat([table.loc[group.unique(), kept], pd.DataFrame(wide, dtype=object)], axis=1)
    notes = [f"rows by {listed(by)} became columns: {', '.join(wide)}"]
    if gone := [str(column) for column in others if column not in kept]:
        notes.append(f"columns that differ between those rows, left out: {', '.join(gone)}")
    return out, notes, []


def _slug(text: str) -> str:
    """A text as a column's name: letters, digits and _."""
    return re.sub(r"\W+", "_", text.strip()).strip("_").lower() or "blank"


# ---------------------------------------------------------------- several rows for one year
def combined(
    numbers: Mapping[str, Numbers], keys: pd.DataFrame, table: pd.DataFrame, how: str
) -> tuple[dict[str, Numbers], pd.DataFrame, pd.DataFrame, list[str], list[Problem]]:
    """One row for each authority and year: numbers alike in all its rows stay, the others are summed, averaged, or taken from its first or last row.

    Parameters
    ----------
    numbers : column → its numbers.
    keys, table : the same rows.
    how : "sum", "mean", "first" or "last". A sum or mean of which a part is missing is missing.

    Returns
    -------
    numbers, keys, table : on the first row of each authority and year.
    notes, problems : which columns were taken together; percentages, which do not add up.
    """
    place_columns = [keys["authority"], keys["year"]]
    first = pd.Series(keys.index, index=keys.index).groupby(place_columns, dropna=False).transform("first")
    rows = pd.Index(first.unique())
    out: dict[str, Numbers] = {}
    taken: list[str] = []
    notes: list[str] = []
    problems: list[Problem] = []
    for column, mine in numbers.items():
        grouped = mine.values.groupby(first)
        gaps = grouped.apply(lambda part: part.isna().any()).reindex(rows)
        alike = bool((grouped.nunique(dropna=False) <= 1).all())
        if alike or how in ("first", "last"):
            last = how == "last" and not alike
            at = pd.Series(first.index, index=first.to_numpy()).groupby(level=0).agg("max" if last else "min").reindex(rows)
            value = pd.Series(mine.values[at.to_numpy()].to_numpy(), index=rows)
        else:
            value = (grouped.sum() if how == "sum" else grouped.mean()).reindex(rows).mask(gaps)
        if not alike:
            taken.append(column)
            if how == "sum" and mine.unit == "%":
                what = f"column {column!r} is in %, and percentages do not add up"
                problems.append(Problem(text=what, kind="combine", remedies=(Remedy(knobs={"combine": "mean"}, does="averages them, each row alike"),)))
        why = mine.reasons.groupby(first[mine.reasons.index].to_numpy()).first()
        reasons = pd.Series([why.get(row, cells.BLANK) for row in rows[value.isna().to_numpy()]], index=rows[value.isna().to_numpy()], dtype=object)
        out[column] = replace(mine, values=value, reasons=reasons)
    done = {"sum": "summed", "mean": "averaged", "first": "taken from the first row", "last": "taken from the last row"}[how]
    if len(rows) < len(keys):
        still = [column for column in out if column not in taken]
        alike_too = f"; alike in all rows of a year and kept: {listed(still)}" if still else ""
        notes.append(f"{len(keys):,} rows became {len(rows):,}, one for each authority and year; {done}: {listed(taken) or 'nothing'}{alike_too}")
    return out, keys.loc[rows], table.loc[rows], notes, problems


def splitters(table: pd.DataFrame, keys: pd.DataFrame, columns: Collection[str]) -> list[str]:
    """Columns of few whole numbers that go through the same values in nearly every authority and year: sex 1 and 2, not a treatment of 0 and 1.

    Parameters
    ----------
    table : cells as read.
    keys : authority and year of each usable row.
    columns : where to look.
    """
    place_columns = [keys["authority"], keys["year"]]
    out, groups = [], keys.groupby(["authority", "year"]).ngroups
    if groups < 3:  # two rows of one year are as well a slip
        return []
    for column in columns:
        text = table.loc[keys.index, column].map(words)
        kinds = text.nunique()
        if not 2 <= kinds <= 120 or not text.map(lambda one: bool(re.fullmatch(r"\d{1,3}(\.0)?", one))).all():
            continue
        met = text.groupby(place_columns).nunique().sum()
        if met >= 0.9 * groups * kinds:
            out.append(str(column))
    return out
