"""A user's own table: one row for each authority (and year), one column for each variable.

CSV, Parquet or Excel. Every numeric column is a variable of its own name; `variables` names and describes those that deserve it. Nothing is guessed
in silence: text where numbers belong, double rows, missing keys, infinities and numbers that cannot be are all collected and told at once, each with
row, column and value, since a table is mended faster from one list than from twenty error messages. Row numbers are those a text editor or spreadsheet
shows. A file in the layout of DfE's open data standard is read as it comes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from causal.derive import check_derived, derive
from causal.errors import CausalError, ConfigError, DataError, suggest
from causal.open_data import COLUMNS, LEVEL
from causal.panel import Panel, Variable
from causal.sources.borders import groups_wrong, read_borders
from causal.sources.table import cells, open_data, rules
from causal.sources.table.cells import Numbers, words
from causal.sources.table.file import Sheet, open_file
from causal.words import count, listed

DESCRIBES = ("column", "label", "unit", "source", "definition", "varies", "count_per", "least", "most", "unmoved")
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
    groups : column with groups of your own whose places may be hit together, or None.
    borders : CSV file of pairs of authorities that share a border (`causal.sources.borders`), or None.
    population : variable that counts the people a rate refers to, or None.
    variables : name → {column, label, unit, source, definition, varies, count_per, least, most, unmoved}, all but the name optional; `least` and `most` are the
        limits that a number can take (least: 0 for a count or spending).
    sheet : sheet of a workbook, by name or number from 0; None: the first.
    only : column → the value, or list of values, that rows must have to be kept; None: all rows.
    derived : columns made from others, as `causal.derive` describes; None: none.

    Notes
    -----
    With `authority` and `year` left alone, a file with the columns of DfE's open data standard (`time_period`, `geographic_level`, `new_la_code`, …) is
    read as one: local authorities' rows, authority from `new_la_code` (`old_la_code` where that is blank), year the one in which `time_period` ends.
    """

    path: str
    authority: str = "authority"
    year: str | None = None
    cluster: str | None = None
    name: str | None = None
    region: str | None = None
    groups: str | None = None
    borders: str | None = None
    population: str | None = None
    variables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sheet: str | int | None = None
    only: Mapping[str, Any] | None = None
    derived: Mapping[str, Mapping[str, Any]] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", str(self.path))
        object.__setattr__(self, "variables", {str(name): _described(str(name), said) for name, said in dict(self.variables or {}).items()})
        object.__setattr__(self, "only", _chosen(self.only))
        object.__setattr__(self, "derived", check_derived(self.derived))
        for knob, value in self._keys.items():
            if not isinstance(value, str) or not value:
                raise ConfigError(f"source.{knob} must name a column, got {value!r}")
        if self.borders is not None:
            object.__setattr__(self, "borders", str(self.borders))
        if len(set(self._keys.values())) < len(self._keys):
            raise ConfigError(f"one column cannot be two of {', '.join(self._keys)}: {self._keys}")

    def load(self) -> Panel:
        """Read and check the file.

        Returns
        -------
        panel : authority × year, every numeric column a variable, then those of `derived`; why a number is missing stands in `reasons`.

        Raises
        ------
        DataError : everything that is wrong with the table, in one message.
        """
        panel, problems = self._read()
        if panel is None:
            more = f"\n  … and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
            raise DataError(f"{self.path}: {count(len(problems), 'problem')}\n  " + "\n  ".join(problems[:SHOWN]) + more)
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
        knobs = {knob: getattr(self, knob) for knob in ("authority", "year", "cluster", "name", "region", "groups")}
        return {knob: column for knob, column in knobs.items() if column is not None or knob == "authority"}

    def _read(self) -> tuple[Panel | None, list[str]]:
        """The panel, or what stands in its way."""
        try:
            sheet = open_file(Path(self.path).expanduser(), self.sheet)
            reading = _Reading(self, sheet)
            return derive(reading.panel(), self.derived), []
        except _Problems as problems:
            return None, list(problems.args[0])
        except CausalError as error:
            return None, [str(error)]


class _Problems(Exception):
    """What stands in the way, all that is known of it so far."""


class _Reading:
    """One table on its way to a panel; each step adds its problems, and the next is taken where it still can be."""

    def __init__(self, table: Table, sheet: Sheet) -> None:
        self.knobs, self.sheet, self.header = table, sheet, sheet.header
        self.named = {name: str(said.get("column", name)) for name, said in table.variables.items()}
        self.open_data = open_data.recognised(self.header, table.authority, table.year)
        self.keys = dict(table._keys)
        self.meta = open_data.Meta()
        if self.open_data:
            self.keys |= {"authority": open_data.code_column(self.header, table.authority), "year": open_data.YEAR}
            self.keys |= {knob: c for knob, c in (("name", "la_name"), ("region", "region_name")) if knob not in self.keys and c in self.header}
            self.meta = open_data.meta_beside(Path(table.path).expanduser(), self.header)
        self.notes = [*sheet.notes, *self.meta.notes]
        self.problems = list(sheet.problems)

    def panel(self) -> Panel:
        """All steps in turn."""
        self._headings()
        table = self._rows()
        numbers = self._columns(table)
        keys = self._whose(table)
        called = self._names(numbers)
        asked = {name: self._asked(name, column, numbers[column]) for name, column in called.items()}
        values = pd.DataFrame({name: numbers[column].values for name, column in called.items()}, index=table.index)
        population = self.knobs.population
        if population is not None and population not in called and called:
            self.problems.append(f"no variable {population!r} (wanted for source.population); {suggest(population, called)}")
            population = None
        self.problems += rules.broken_values(values, keys, table, columns=called, asked=asked, population=population)
        if self.problems:
            raise _Problems(self.problems)
        index = pd.MultiIndex.from_arrays([keys["authority"], keys["year"].astype(int)], names=["authority", "year"])
        places = self._places(table, keys)
        if "group" in places and (wrong := groups_wrong({str(code): str(group) for code, group in places["group"].items()}, list(places.index))):
            raise _Problems([f"column {self.keys['groups']!r} (source.groups): {wrong}"])
        borders = None
        if self.knobs.borders is not None:
            borders, said = read_borders(self.knobs.borders, {code: code for code in places.index})
            self.notes += said
        frame = values.set_axis(index).astype(float)
        return Panel(
            frame=frame.sort_index(),
            variables=tuple(_variable(str(name), frame[name], asked[str(name)]) for name in frame),
            places=places,
            title=Path(self.knobs.path).name,
            population=population,
            notes=tuple(self.notes),
            reasons=_reasons({name: numbers[column] for name, column in called.items()}, index, table.index),
            borders=borders,
        )

    def _headings(self) -> None:
        """The columns that are asked for must be there, once each."""
        header = self.header
        problems = [f"two columns are called {column!r}; rename one" for column in dict.fromkeys(header) if column and header.count(column) > 1]
        wanted = [(f"source.{knob}", column) for knob, column in self.keys.items()]
        wanted += [(f"variable {name}", column) for name, column in self.named.items()]
        wanted += [("source.only", column) for column in self.knobs.only or {}]
        lacking = [(what, column) for what, column in wanted if column not in header]
        if lacking:
            below = self.sheet.headings_below({column for _, column in wanted}) or self.sheet.headings_below((open_data.YEAR, LEVEL))
            like = open_data.almost(header, self.knobs.authority)
            problems += [line for line in (below, like) if line]
            told = {"source.authority"} if like else set()  # a default that was never asked for is not what is wrong
            problems += [f"no column {column!r} (wanted for {what}); {suggest(column, filter(None, header))}" for what, column in lacking if what not in told]
        if problems:  # without its keys and columns nothing else can be told
            raise _Problems([*self.problems, *problems])

    def _rows(self) -> pd.DataFrame:
        """The rows that are asked for: local authorities', and those with the values of `only`."""
        rows, numbers, header = self.sheet.rows, self.sheet.numbers, self.header
        keep = list(range(len(rows)))
        if self.open_data:
            at = header.index(LEVEL)
            local, note, problem = open_data.local_rows([words(row[at]) for row in rows])
            if problem:
                raise _Problems([*self.problems, problem])
            keep = [i for i in keep if local[i]]
            self.notes += [
                f"read as a DfE open-data file: authorities by {self.keys['authority']}, each {open_data.YEAR} as the year in which it ends",
                *([note] if note else []),
            ]
        candidates, only = list(keep), self.knobs.only or {}
        problems = []
        for column, values in only.items():
            at = header.index(column)
            unknown = sorted(set(values) - (found := {words(rows[i][at]) for i in candidates}))
            problems += [f"column {column!r} (source.only) never holds {value!r}; {suggest(value, found)}" for value in unknown]
            keep = [i for i in keep if unknown or words(rows[i][at]) in values]
        if not keep:
            problems = problems or [f"no row has all that source.only asks for: {self._only()}"]
        if problems:
            raise _Problems([*self.problems, *problems])
        if only:
            self.notes.append(f"{count(len(keep), 'row')} kept of {len(candidates):,}: those with {self._only()}")
        columns = {column: [rows[i][j] for i in keep] for j, column in enumerate(header) if column}
        return pd.DataFrame(columns, index=[numbers[i] for i in keep], dtype=object)

    def _columns(self, table: pd.DataFrame) -> dict[str, Numbers]:
        """Every column that holds numbers and is not a key."""
        wanted = {*self.named.values(), self.named.get(str(self.knobs.population), str(self.knobs.population))}
        aside = {*self.keys.values(), *(COLUMNS if self.open_data else ()), *self.meta.filters} - set(self.named.values())
        out, left_out = {}, []
        for column in table.columns:
            if column in aside:
                continue
            numbers = cells.numbers(table[column], str(column), described=str(column) in wanted)
            if numbers is None:
                left_out.append(str(column))
                continue
            self.problems += numbers.problems
            out[str(column)] = numbers
            counts = numbers.reasons[numbers.reasons != cells.BLANK].value_counts()
            if marks := {str(mark): int(n) for mark, n in counts.items() if str(mark).lower() not in cells.MISSING}:
                told = listed([f"{n:,} {mark!r}" for mark, n in marks.items()])
                self.notes.append(f"{column}: {sum(marks.values())} cells hold a mark instead of a number, and are missing, not 0: {told}")
        if left_out:
            self.notes.append(f"columns without numbers, left out: {', '.join(left_out)}")
        self.filters = [column for column in (*self.meta.filters, *left_out, "time_identifier") if column in table and column not in self.keys.values()]
        return out

    def _whose(self, table: pd.DataFrame) -> pd.DataFrame:
        """Authority, year and cluster of each row."""
        code, when, cluster = (self.keys.get(knob) for knob in ("authority", "year", "cluster"))
        assert code is not None
        keys = pd.DataFrame(index=table.index)
        keys["authority"] = (
            open_data.codes(table, code) if self.open_data else pd.Series([words(cell) for cell in table[code]], index=table.index, dtype=object)
        )
        keys["year"] = 0.0 if when is None else cells.years(table[when], periods=self.open_data)
        if cluster is not None:
            keys["cluster"] = pd.Series([words(cell) for cell in table[cluster]], index=table.index, dtype=object)
        columns = {knob: column for knob, column in self.keys.items() if knob in ("authority", "year", "cluster")}
        self.problems += rules.broken_keys(rules.Rows(keys=keys, table=table, columns=columns, filters=self.filters, sure=self.meta.filters))
        if self.open_data:
            self.notes += open_data.recoded(table, keys["authority"], keys["year"])
        return keys

    def _names(self, numbers: Mapping[str, Numbers]) -> dict[str, str]:
        """Variable → column: the described ones by their names, the others by their own."""
        named = self.named
        if len(set(named.values())) < len(named):
            self.problems.append(f"one column is described as two variables: {named}")
            named = {}
        called = {name: column for name, column in named.items() if column in numbers}
        others = {column: column for column in numbers if column not in called.values()}
        self.problems += [f"{name!r} is both a described variable and another column; give one of them another name" for name in called if name in others]
        if not (called or others):
            self.problems.append(f"no column holds numbers; there is {', '.join(filter(None, self.header))}")
        return called | others

    def _asked(self, name: str, column: str, numbers: Numbers) -> dict[str, Any]:
        """What is known of a variable, the user's own words last."""
        path = Path(self.knobs.path).name
        known = {"label": column.replace("_", " ") if name == column else name.replace("_", " "), "unit": numbers.unit or "units", "source": path}
        known |= {"definition": f"rows with {self._only()}"} if self.knobs.only else {}
        return known | dict(self.meta.indicators.get(column, {})) | dict(self.knobs.variables.get(name, {}))

    def _only(self) -> str:
        """The rows asked for, in words: category Total, sex boys or girls."""
        return ", ".join(f"{column} {' or '.join(values)}" for column, values in (self.knobs.only or {}).items())

    def _places(self, table: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
        """Name, region and cluster of each authority, as they stand in its last year."""
        order = keys["year"].sort_values(kind="stable").index
        authority = keys["authority"][order]
        codes = pd.Index(sorted(set(authority)))
        places = pd.DataFrame({"name": codes}, index=codes)
        columns = {knob: column for knob, column in self.keys.items() if knob in ("name", "region", "cluster")}
        columns |= {"group": self.keys["groups"]} if "groups" in self.keys else {}
        if self.open_data:
            columns |= {column: column for column in open_data.KEPT if column in table}
        for what, column in columns.items():
            text = table.loc[order, column].map(words)
            if self.open_data and what != "cluster":
                text = text.where(~text.map(cells.is_mark), "")
            places[what] = text[text != ""].groupby(authority).last().reindex(codes).fillna(places["name"] if what == "name" else "")
        return places


def _described(name: str, said: Any) -> dict[str, Any]:
    """What is said of one variable, checked."""
    where = f"source.variables.{name}"
    if not isinstance(said, Mapping):
        raise ConfigError(f"{where} must say what the column is, like {{column: cpp_rate, unit: per 10,000}}, got {said!r}")
    unknown = [str(key) for key in said if key not in DESCRIBES]
    if unknown:
        raise ConfigError(f"{where} has no {unknown[0]!r}; {suggest(unknown[0], DESCRIBES)}")
    if said.get("varies") not in (None, "both", "authority", "year"):
        raise ConfigError(f"{where}.varies must be 'both', 'authority' or 'year', got {said['varies']!r}")
    for key, above in (("count_per", 0.0), ("least", -math.inf), ("most", -math.inf)):
        value = said.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not above < value < math.inf):
            raise ConfigError(f"{where}.{key} must be a number{' above 0' if key == 'count_per' else ''}, got {value!r}")
    least, most = said.get("least"), said.get("most")
    if least is not None and most is not None and least > most:
        raise ConfigError(f"{where}.least must not be above most, got {least!r} and {most!r}")
    return {str(key): value for key, value in said.items() if value is not None}


def _chosen(only: Any) -> dict[str, tuple[str, ...]] | None:
    """Column → values to keep, as words."""
    if only is None:
        return None
    if not isinstance(only, Mapping):
        raise ConfigError(f"source.only must be columns with the value to keep, like {{category: Total}}, got {only!r}")
    chosen = {}
    for column, values in only.items():
        several = list(values) if isinstance(values, Sequence) and not isinstance(values, str) else [values]
        if not several or any(isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str)) for value in several):
            raise ConfigError(f"source.only.{column} must be a value or a list of values, got {values!r}")
        chosen[str(column)] = tuple(words(value) for value in several)
    return chosen or None


def _variable(name: str, values: pd.Series, said: Mapping[str, Any]) -> Variable:
    """What a column holds: as described, or as far as the numbers tell."""
    several = values.index.unique("year").size > 1
    fixed = several and bool((values.groupby(level="authority").nunique() <= 1).all())
    national = several and bool((values.groupby(level="year").nunique() <= 1).all())
    per = said.get("count_per")
    return Variable(
        name=name,
        varies=said.get("varies") or ("authority" if fixed and not national else "year" if national and not fixed else "both"),
        count_per=None if per is None else float(per),
        **{key: str(said[key]) for key in ("label", "unit", "source", "definition", "unmoved") if key in said},  # type: ignore[arg-type]
    )


def _reasons(numbers: Mapping[str, Numbers], index: pd.MultiIndex, rows: pd.Index) -> pd.Series:
    """Why each missing number is missing, by authority, year and variable."""
    parts = []
    for name, column in numbers.items():
        at = rows.get_indexer(column.reasons.index)
        mine = index[at]
        keys = [mine.get_level_values("authority"), mine.get_level_values("year"), pd.Index(np.repeat(name, len(at)), dtype=object)]
        parts.append(pd.Series(column.reasons.to_numpy(), index=pd.MultiIndex.from_arrays(keys, names=["authority", "year", "variable"]), dtype=object))
    told: pd.Series = pd.concat(parts).sort_index()
    return told
