"""A user's own table: one row for each authority (and year), one column for each variable.

CSV, Parquet or Excel. Every numeric column is a variable of its own name; `variables` names and describes those that deserve it. Nothing is guessed
in silence: text where numbers belong, double rows, missing keys and infinities are all collected and told at once, each with row, column
and value, since a table is mended faster from one list than from twenty error messages. Row numbers are those a text editor or spreadsheet shows.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from causal.errors import ConfigError, DataError, suggest
from causal.panel import Panel, Variable

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "<na>", "#n/a"})
MARKERS = frozenset({"x", "c", "z", "k", "u", "low", ":", "..", ".", "-", "#div/0!"})  # withheld or not applicable, as official statistics print it
DESCRIBES = ("column", "label", "unit", "source", "definition", "varies", "count_per")
SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A CSV, Parquet or Excel file with one row for each authority, or authority and year.

    Parameters
    ----------
    path : the file; the ending says what it is (.csv, .parquet, .xlsx, .xls, .ods).
    authority : column that says whose row it is.
    year : column with whole years; None: a cross-section, kept as year 0.
    cluster : column that says who moves together (constant for an authority), or None.
    name, region : columns with the authority's name and region, or None.
    population : column that counts the people a rate refers to, or None.
    variables : name → {column, label, unit, source, definition, varies, count_per}, all but the name optional.
    sheet : sheet of a workbook, by name or number from 0; None: the first.
    """

    path: str
    authority: str = "authority"
    year: str | None = None
    cluster: str | None = None
    name: str | None = None
    region: str | None = None
    population: str | None = None
    variables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sheet: str | int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", str(self.path))
        plain = {}
        for name, words in dict(self.variables or {}).items():
            if not isinstance(words, Mapping):
                raise ConfigError(f"source.variables.{name} must say what the column is, like {{column: cpp_rate, unit: per 10,000}}, got {words!r}")
            unknown = [key for key in words if key not in DESCRIBES]
            if unknown:
                raise ConfigError(f"source.variables.{name} has no {unknown[0]!r}; {suggest(unknown[0], DESCRIBES)}")
            if words.get("varies") not in (None, "both", "authority", "year"):
                raise ConfigError(f"source.variables.{name}.varies must be 'both', 'authority' or 'year', got {words['varies']!r}")
            count = words.get("count_per")
            if count is not None and (isinstance(count, bool) or not isinstance(count, (int, float)) or not 0 < count < math.inf):
                raise ConfigError(f"source.variables.{name}.count_per must be a number above 0, got {count!r}")
            plain[str(name)] = {key: value for key, value in words.items() if value is not None}
        object.__setattr__(self, "variables", plain)
        for knob, value in self._keys.items():
            if not isinstance(value, str) or not value:
                raise ConfigError(f"source.{knob} must name a column, got {value!r}")
        if len(set(self._keys.values())) < len(self._keys):
            raise ConfigError(f"one column cannot be two of {', '.join(self._keys)}: {self._keys}")

    def load(self) -> Panel:
        """Read and check the file.

        Returns
        -------
        panel : authority × year, every numeric column a variable.

        Raises
        ------
        DataError : everything that is wrong with the table, in one message.
        """
        panel, problems = self._read()
        if panel is None:
            more = f"\n  … and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
            count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
            raise DataError(f"{self.path}: {count}\n  " + "\n  ".join(problems[:SHOWN]) + more)
        return panel

    def missing(self, name: str) -> str | None:
        """Why a variable is not there: a table simply has the columns that it has."""
        del name
        return None

    def check(self) -> list[str]:
        """Everything that is wrong with the table; empty if nothing is."""
        return self._read()[1]

    @property
    def _keys(self) -> dict[str, str]:
        """Knob → column, for the columns that are not variables."""
        knobs = {knob: getattr(self, knob) for knob in ("authority", "year", "cluster", "name", "region")}
        return {knob: column for knob, column in knobs.items() if column is not None or knob == "authority"}

    def _read(self) -> tuple[Panel | None, list[str]]:
        """The panel, or what stands in its way."""
        try:
            header, numbers, rows, notes = _open(Path(self.path).expanduser(), self.sheet)
        except DataError as error:
            return None, [str(error)]
        problems = [f"two columns are called {column!r}; rename one" for column in dict.fromkeys(header) if column and header.count(column) > 1]
        named = {name: str(words.get("column", name)) for name, words in self.variables.items()}
        for what, column in [*((f"source.{knob}", column) for knob, column in self._keys.items()), *((f"variable {n}", c) for n, c in named.items())]:
            if column not in header:
                problems.append(f"no column {column!r} (wanted for {what}); {suggest(column, filter(None, header))}")
        if problems:  # without its keys and columns nothing else can be told
            return None, problems
        table = pd.DataFrame({column: [row[j] for row in rows] for j, column in enumerate(header) if column}, index=numbers, dtype=object)
        authority = pd.Series([_words(cell) for cell in table[self.authority]], index=table.index)
        problems += [f"row {row}: no authority in column {self.authority!r}" for row in authority.index[authority == ""]]
        year = pd.Series(0, index=table.index)
        if self.year is not None:
            year, wrong = _years(table[self.year], self.year)
            problems += wrong
        problems += self._doubles(authority, year)

        described = set(named.values()) | {named.get(str(self.population), str(self.population))}
        columns, left_out = {}, []
        for column in table.columns:
            if column in self._keys.values():
                continue
            values, wrong, markers = _numbers(table[column], str(column), str(column) in described)
            if values is None:
                left_out.append(str(column))
                continue
            problems += wrong
            columns[str(column)] = values
            if markers:
                notes.append(f"{column}: {markers} cells hold a marker such as x, c, z or '..' and are missing")
        if left_out:
            notes.append(f"columns without numbers, left out: {', '.join(left_out)}")
        called = {name: columns.pop(column) for name, column in named.items() if column in columns} if _once(named) else {}
        if not _once(named):
            problems.append(f"one column is described as two variables: {named}")
        problems += [f"{name!r} is both a described variable and another column; give one of them another name" for name in called if name in columns]
        called |= columns
        if not called:
            problems.append(f"no column holds numbers; there is {', '.join(filter(None, header))}")
        if self.population is not None and self.population not in called:
            problems.append(f"no variable {self.population!r} (wanted for source.population); {suggest(self.population, called)}")
        index = pd.MultiIndex.from_arrays([authority, year.astype(int)], names=["authority", "year"])
        frame = pd.DataFrame({name: values.to_numpy(dtype=float) for name, values in called.items()}, index=index)
        places, wrong = self._places(table, authority)
        problems += wrong
        if problems:
            return None, problems
        variables = []
        for name in frame:
            variable, wrong = self._variable(str(name), frame[name])
            variables.append(variable)
            problems += wrong
        if problems:
            return None, problems
        return Panel(
            frame=frame.sort_index(),
            variables=tuple(variables),
            places=places,
            title=Path(self.path).name,
            population=self.population,
            notes=tuple(notes),
        ), []

    def _doubles(self, authority: pd.Series, year: pd.Series) -> list[str]:
        """Rows that stand for the same authority and year."""
        out = []
        known = (authority != "") & (year >= 0)
        for (code, when), rows in pd.Series(authority.index, index=authority.index)[known].groupby([authority[known], year[known]]):
            if len(rows) > 1:
                which = ", ".join(map(str, rows))
                hint = "keep one row for each year" if self.year is not None else "a cross-section has one row each; if the table has years, set source.year"
                out.append(f"rows {which}: authority {code!r}{f', year {when}' if self.year is not None else ''} stands {len(rows)} times; {hint}")
        return out

    def _places(self, table: pd.DataFrame, authority: pd.Series) -> tuple[pd.DataFrame, list[str]]:
        """Name, region and cluster of each authority."""
        codes = pd.Index(sorted(set(authority) - {""}))
        places, problems = pd.DataFrame({"name": codes}, index=codes), []
        for knob in ("name", "region", "cluster"):
            column = self._keys.get(knob)
            if column is None:
                continue
            words = pd.Series([_words(cell) for cell in table[column]], index=table.index)
            places[knob] = words[words != ""].groupby(authority).last().reindex(codes).fillna(places["name"] if knob == "name" else "")
            if knob == "cluster":
                problems += [f"row {row}: no cluster in column {column!r}" for row in words.index[words == ""]]
                for code, values in words[words != ""].groupby(authority):
                    if values.nunique() > 1:
                        problems.append(
                            f"rows {values.index[0]} to {values.index[-1]}: authority {code!r} changes its cluster ({', '.join(values.unique()[:3])})"
                        )
        return places, problems

    def _variable(self, name: str, values: pd.Series) -> tuple[Variable, list[str]]:
        """What a column holds: as described, or as far as the numbers tell."""
        words = dict(self.variables.get(name, {}))
        words.pop("column", None)
        several = values.index.unique("year").size > 1
        fixed = several and bool((values.groupby(level="authority").nunique() <= 1).all())
        national = several and bool((values.groupby(level="year").nunique() <= 1).all())
        varies = words.pop("varies", "authority" if fixed and not national else "year" if national and not fixed else "both")
        problems = []
        for declared, holds, level in (("authority", fixed, "authority"), ("year", national, "year")):
            if several and varies == declared and not holds:
                odd = values.groupby(level=level).nunique()
                problems.append(f"{name}: said to vary by {declared} only, but it differs within {level} {odd.index[odd > 1][0]!r}")
        count = words.pop("count_per", None)
        made = {"label": name.replace("_", " "), "unit": "units", "source": Path(self.path).name} | {key: str(value) for key, value in words.items()}
        return Variable(name=name, varies=varies, count_per=None if count is None else float(count), **made), problems


def _once(named: Mapping[str, str]) -> bool:
    return len(set(named.values())) == len(named)


def _open(path: Path, sheet: str | int | None) -> tuple[list[str], list[int], list[Sequence[Any]], list[str]]:
    """Header, row numbers, rows of equal length and notes."""
    if not path.is_file():
        near = [file.name for file in path.parent.glob("*") if file.is_file()] if path.parent.is_dir() else []
        raise DataError(f"there is no file {str(path)!r}; in that folder {suggest(path.name, near)}")
    notes: list[str] = []
    kind = path.suffix.lower()
    if kind in (".csv", ".txt", ".tsv"):
        lines, notes = _csv(path)
    elif kind in (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"):
        lines, notes = _workbook(path, sheet)
    elif kind in (".parquet", ".pq"):
        lines = _parquet(path)
    else:
        raise DataError(f"{path}: {kind or 'no ending'} is not a table that can be read; save it as .csv, .xlsx or .parquet")
    lines = [(number, row) for number, row in lines if any(_words(cell) for cell in row)]
    if len(lines) < 2:
        raise DataError(f"{path}: the file is empty or has a header only; wanted a header and one row for each authority")
    header = [_words(cell) for cell in lines[0][1]]
    width = len(header)
    long = [number for number, row in lines[1:] if any(_words(cell) for cell in row[width:])]
    if long:
        raise DataError(f"{path}, row {long[0]}: more cells than the {width} headings ({len(long)} such rows); put cells with commas in double quotes")
    nameless = [j + 1 for j, name in enumerate(header) if not name and any(_words(row[j]) for _, row in lines[1:] if j < len(row))]
    if nameless:
        notes.append(f"columns without a heading, left out: {', '.join(map(str, nameless))}")
    rows: list[Sequence[Any]] = [[*row[:width], *[""] * (width - len(row))] for _, row in lines[1:]]
    return header, [number for number, _ in lines[1:]], rows, notes


def _csv(path: Path) -> tuple[list[tuple[int, Sequence[Any]]], list[str]]:
    data = path.read_bytes()
    notes = []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}: neither UTF-8 nor Windows-1252 text (byte {error.start} cannot be read); save it as 'CSV UTF-8', or as .xlsx if it is a workbook"
            ) from error
        notes.append("read as Windows-1252, since it is not UTF-8: look at names with accents or pound signs")
    if "\0" in text:
        raise DataError(f"{path}: this is not text in UTF-8 or Windows-1252 (it holds null bytes, as UTF-16 does); save it as 'CSV UTF-8'")
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    lines: list[tuple[int, Sequence[Any]]] = []
    start = 1
    try:
        for row in reader:
            lines.append((start, row))  # where the row begins: a quoted cell may hold line breaks
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}, row {start}: {error}") from error
    return lines, notes


def _workbook(path: Path, sheet: str | int | None) -> tuple[list[tuple[int, Sequence[Any]]], list[str]]:
    import python_calamine  # here, not above: only spreadsheets need it

    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
        at = names.index(sheet) if isinstance(sheet, str) and sheet in names else sheet or 0
        if isinstance(at, str) or not 0 <= at < len(names):
            raise DataError(f"{path}: no sheet {sheet!r}; {suggest(str(sheet), names)}")
        rows = book.get_sheet_by_index(at).to_python(skip_empty_area=False)
    except DataError:
        raise
    except Exception as error:  # calamine raises several kinds, not all its own
        raise DataError(f"{path}: cannot be read ({error}); is it cut short, or protected by a password?") from error
    notes = [f"read from sheet {names[at]!r}; the workbook also has {', '.join(names[:at] + names[at + 1 :])}"] if len(names) > 1 else []
    return list(enumerate(rows, start=1)), notes


def _parquet(path: Path) -> list[tuple[int, Sequence[Any]]]:
    try:
        import pyarrow  # type: ignore[import-not-found]  # noqa: F401  # an option, not a dependency: it is as large as everything else
    except ImportError as error:
        raise DataError(f"{path}: Parquet files need the package pyarrow, which is not installed; install it, or save the table as CSV") from error
    try:
        frame = pd.read_parquet(path)
    except Exception as error:  # pyarrow raises several kinds
        raise DataError(f"{path}: cannot be read as Parquet ({error}); is it cut short?") from error
    frame = frame.reset_index() if any(name is not None for name in frame.index.names) else frame
    rows = frame.astype(object).where(frame.notna(), "").to_numpy().tolist()
    return [(0, [str(name) for name in frame.columns]), *enumerate(rows, start=1)]


def _words(cell: object) -> str:
    """A cell as text: 201.0 is "201", missing is ""."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip()


def _numbers(cells: pd.Series, column: str, described: bool) -> tuple[pd.Series | None, list[str], int]:
    """A column as numbers, what stands in the way, and how many markers it holds; None for a column of text, or an empty one."""
    words = pd.Series([_words(cell) for cell in cells], index=cells.index, dtype=object)
    words = words.where(~words.str.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?"), words.str.replace(",", ""))
    lower = words.str.lower()
    empty, marker = lower.isin(MISSING), lower.isin(MARKERS)
    truth = cells.map(lambda cell: isinstance(cell, bool | np.bool_))
    words = words.where(~truth, lower.map({"true": "1", "false": "0"}))
    values = pd.to_numeric(words.where(~(empty | marker), None), errors="coerce").astype(float)
    infinite = values.abs() == math.inf
    text = values.isna() & ~empty & ~marker
    filled = int(values.notna().sum())
    if not described and (not filled or text.sum() > filled):
        return None, [], 0
    problems = [
        f"row {row}, column {column!r}: {cells[row]!r} is text, expected a number (leave the cell empty if it is not known)" for row in cells.index[text]
    ]
    problems += [f"row {row}, column {column!r}: {cells[row]!r} is infinite; leave the cell empty if it is not known" for row in cells.index[infinite]]
    if described and not filled and not problems:
        problems.append(f"column {column!r} holds no number at all")
    return values, problems, int(marker.sum())


def _years(cells: pd.Series, column: str) -> tuple[pd.Series, list[str]]:
    """Whole years (−1 where there is none), and what is wrong with the rest."""
    out, problems = [], []
    for row, cell in cells.items():
        words = _words(cell)
        year = int(words) if re.fullmatch(r"\d{4}", words) else -1
        if not words:
            problems.append(f"row {row}: no year in column {column!r}")
        elif year < 0:
            hint = "; for a financial year write the year it ends in" if re.fullmatch(r"\d{4}\s*[-/]?\s*\d{2,4}", words) else ""
            problems.append(f"row {row}, column {column!r}: {cell!r} is not a whole year such as 2018{hint}")
        out.append(year)
    return pd.Series(out, index=cells.index), problems
