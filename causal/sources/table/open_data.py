"""Files that follow DfE's open data standard (`causal.open_data`), as Explore Education Statistics publishes them, read as a source of authorities.

Places are national, regional and local in one file. Here is what a reader can make of a file that keeps the standard more or less.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from causal.errors import DataError, suggest
from causal.open_data import COLUMNS, LEVEL
from causal.sources.table.cells import is_mark, words
from causal.sources.table.file import open_file
from causal.words import listed

YEAR, NEW, OLD = "time_period", "new_la_code", "old_la_code"
LOCAL = "local authority"
KEPT = ("region_code", OLD, NEW)  # of the places, beside name and region


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What the `.meta.csv` beside a file says: label and unit of its indicators, the names of its filters."""

    indicators: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    filters: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def recognised(header: Collection[str], authority: str, year: str | None) -> bool:
    """Whether a file is one of these, and the user's own `authority` and `year` leave it so (their defaults, or columns of the standard).

    Parameters
    ----------
    header : the file's column names.
    authority, year : the user's own knobs.
    """
    ours = authority in (NEW, OLD, "la_name") or (authority == "authority" and authority not in header)
    return ours and year in (None, YEAR) and {YEAR, LEVEL} <= set(header) and bool({NEW, OLD} & set(header))


def almost(header: Collection[str], authority: str) -> str:
    """What keeps a file that looks like one of these from being read as one; "" where it does not look so.

    Parameters
    ----------
    header : the file's column names.
    authority : the user's own knob.
    """
    if authority != "authority" or len(set(COLUMNS) & set(header)) < 4:
        return ""
    missing = [name for name in (YEAR, LEVEL) if name not in header] or [NEW]
    others = [name for name in header if name not in COLUMNS]
    what = "it has no rows for local authorities, it seems; fetch the file that does" if missing == [NEW] and "la_name" not in header else ""
    return f"this looks like a DfE open-data file, but it has no column {missing[0]!r}; {what or suggest(missing[0], others)}"


def local_rows(levels: Sequence[str]) -> tuple[list[bool], str, str]:
    """Which rows are local authorities', how many others there are (a note), and what is wrong if there are none."""
    keep = [level.casefold() == LOCAL for level in levels]
    others = pd.Series([level or "blank" for level, kept in zip(levels, keep, strict=True) if not kept], dtype=object).value_counts()
    left_out = listed([f"{number:,} {level}" for level, number in others.items()])
    if not any(keep):
        return keep, "", f"column {LEVEL!r} has no row 'Local authority': the rows are {left_out}; fetch the file with local authorities"
    return keep, f"rows of other geographic levels left out: {left_out}; {sum(keep):,} of local authorities kept" if left_out else "", ""


def codes(table: pd.DataFrame, column: str) -> pd.Series:
    """Whose row it is: a code, or the old one where the new is blank or marked as missing.

    Parameters
    ----------
    table : cells as text.
    column : of codes, as `code_column` names it.
    """
    made = _places(table[column])
    return made.where(made != "", _places(table[OLD])) if column == NEW and OLD in table else made


def code_column(header: Collection[str], authority: str) -> str:
    """The column of authorities: the user's own, otherwise new_la_code, otherwise old_la_code.

    Parameters
    ----------
    header : the file's column names.
    authority : the user's own knob.
    """
    return authority if authority in header else NEW if NEW in header else OLD


def recoded(table: pd.DataFrame, authority: pd.Series, year: pd.Series) -> list[str]:
    """Notes on authorities that were given a new code while these data were collected, and so count as two.

    Parameters
    ----------
    table : cells as text.
    authority, year : of each of its rows.
    """
    if not {OLD, NEW} <= set(table) or authority.equals(_places(table[OLD])):
        return []
    old, notes = _places(table[OLD]), []
    for code, mine in authority[old != ""].groupby(old[old != ""]):
        if mine.nunique() > 1:
            spans = year[mine.index].groupby(mine).agg(["min", "max"]).sort_values("min")
            codes_text = listed([f"{new} ({a:.0f})" if a == b else f"{new} ({a:.0f} to {b:.0f})" for new, a, b in spans.itertuples()])
            name = words(table.loc[mine.index[0], "la_name"]) if "la_name" in table else ""
            notes.append(
                f"old_la_code {code}{f' ({name})' if name else ''} stands under several new codes and counts as several authorities: {codes_text}; "
                f"source.authority={OLD} keeps it as one"
            )
    return notes


def meta_beside(path: Path, header: Collection[str]) -> Meta:
    """What the `.meta.csv` beside the file says, if there is one; what cannot be used of it becomes a note.

    Parameters
    ----------
    path : of the data file.
    header : its column names.
    """
    beside = path.with_name(f"{path.stem}.meta.csv")
    if not beside.is_file():
        return Meta()
    try:
        sheet = open_file(beside)
    except DataError as error:
        return Meta(notes=(f"labels and units are not known, since the file beside could not be used: {error}",))
    table = pd.DataFrame([[words(cell) for cell in row] for row in sheet.rows], columns=pd.Index(sheet.header), dtype=object)
    missing = [name for name in ("col_name", "col_type") if name not in table]
    if missing:
        return Meta(notes=(f"labels and units are not known, since {beside.name} has no column {missing[0]!r}; {suggest(missing[0], sheet.header)}",))
    indicators: dict[str, dict[str, str]] = {}
    for row in table.to_dict("records"):
        if row["col_type"].casefold() == "indicator":
            said = {"label": _label(row.get("label", "")), "unit": row.get("indicator_unit", "")}
            indicators[row["col_name"]] = {key: value for key, value in said.items() if value}
    filters = tuple(table.loc[table["col_type"].str.casefold() == "filter", "col_name"])
    absent = [name for name in (*filters, *indicators) if name not in header]
    notes = [f"{beside.name} describes {listed([repr(name) for name in absent])}, which the file does not have: are the headings right?"] if absent else []
    return Meta(indicators=indicators, filters=filters, notes=tuple(notes))


def _places(cells: pd.Series) -> pd.Series:
    """Codes or names as words, "" where they are marked as missing."""
    text = [words(cell) for cell in cells]
    return pd.Series(["" if is_mark(one) else one for one in text], index=cells.index, dtype=object)


def _label(text: str) -> str:
    """A label as our labels begin: "Number of children" with a small letter, "CPP at 31 March" as it is."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text
