"""A user's own table: one row for each authority (and year), one column for each variable.

CSV, Parquet, Excel or Stata, one file or several joined on authority and year. Every numeric column is a variable of its own name; `variables` names and
describes those that deserve it. Nothing is guessed in silence: text where numbers belong, double rows, missing keys, infinities and numbers that cannot be
are all collected and told at once, each with row, column and value, since a table is mended faster from one list than from twenty error messages. A layout
of another kind is recognised, and the knob that reads it is named. Row numbers are those a text editor or spreadsheet shows. A file in the layout of DfE's
open data standard is read as it comes.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causal.derive import check_derived, derive
from causal.document import called
from causal.errors import CausalError, ConfigError, DataError, refusal, suggest
from causal.panel import Panel
from causal.sources.borders import groups_wrong, read_borders
from causal.sources.machinery.narrow import checked, narrow
from causal.sources.table import shape
from causal.sources.table.cells import words
from causal.sources.table.file import Sheet, frame_sheet, open_file
from causal.sources.table.joined import BY_FILE, joined
from causal.sources.table.periods import PERIODS
from causal.sources.table.problem import Problem, Remedy, Spelt, Unusable, shown
from causal.sources.table.reading import Reading
from causal.words import capital, count

if TYPE_CHECKING:
    import pandas as pd

DESCRIBES = ("column", "label", "short", "unit", "source", "definition", "varies", "counts", "comparative", "count_per", "least", "most", "unmoved")
DECIMALS = ("comma", "point")
NAMED = 5  # places in one note


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A CSV, Parquet, Excel or Stata file with one row for each authority, or authority and year; or several such files.

    Parameters
    ----------
    path : the file; the ending says what it is (.csv, .parquet, .xlsx, .xls, .ods, .dta). Several: joined on authority and year, and a file without years
        on authority; `authority`, `year`, `sheet`, `header`, `years_across` and `places_across` may then be file → value.
    authority : column that says whose row it is; "#": each row is one of its own.
    year : column of years; None: a cross-section, kept as year 0.
    cluster : column that says who moves together (constant for an authority), or None.
    name, region : columns with the authority's name and region, or None.
    groups : column with groups of your own whose places may be hit together, or None.
    borders : CSV file of pairs of authorities that share a border (`causal.sources.borders`), or None.
    population : variable that counts the people a rate refers to, or None.
    variables : name → {column, label, short, unit, source, definition, varies, counts, comparative, count_per, least, most, unmoved}, all but the
        name optional; `least` and `most` are the
        limits that a number can take (least: 0 for a count or spending).
    sheet : sheet of a workbook, by name or number from 0; None: the first.
    only : column → the value, or list of values, that rows must have to be kept; None: all rows.
    derived : columns made from others, as `causal.derive` describes; None: none.
    header : row of the headings, or rows of headings one under the other; None: the first that is not blank.
    years_across : what the numbers are called where years stand as columns (true where the headings say it, as plans_2018); false: they are columns of
        their own; None: ask.
    places_across : what the numbers are called where rows are years and every other column is a place; None: columns are variables.
    fill : columns whose blank cells take what stands above, as cells merged downwards are read.
    leave_out : authorities, by code or name, that are no places (totals); "blank": rows that name none; [] keeps every row; None: ask where one looks like it.
    loose_keys : whether authorities that differ only by zeros, spaces, hyphens and capitals are one; None: ask where they never meet in a year.
    pivot : {by: column, values: column} or lists: rows by the values of `by` become columns.
    combine : how several rows of one authority and year become one: sum, mean, first or last; None: they are told as doubles.
    period : which year 2018/19 is: ends (2019) or begins (2018); None: the one in which it ends, with a note. steps: quarters, months or dates are steps of
        their own, numbered from 1, and a lag counts them.
    century : added to years of two digits or to waves; None: ask.
    decimal : comma or point; None: what the file shows.
    keep_regions : names of regions to keep (of the column `region`), [] for all.
    first_year, last_year : years to keep, both included, once derived columns are made; None: from the first, to the last.

    Notes
    -----
    With `authority` and `year` left alone, a file with the columns of DfE's open data standard (`time_period`, `geographic_level`, `new_la_code`, …) is
    read as one: local authorities' rows, authority from `new_la_code` (`old_la_code` where that is blank), year the one in which `time_period` ends.
    """

    path: str | Sequence[str]
    authority: str | Mapping[str, str] = "authority"
    year: str | Mapping[str, str] | None = None
    cluster: str | None = None
    name: str | None = None
    region: str | None = None
    groups: str | None = None
    borders: str | None = None
    population: str | None = None
    variables: Mapping[str, Mapping[str, Any]] | None = field(default_factory=dict)
    sheet: str | int | Mapping[str, str | int] | None = None
    only: Mapping[str, Any] | None = None
    derived: Mapping[str, Mapping[str, Any]] | None = None
    header: int | Sequence[int] | Mapping[str, Any] | None = None
    years_across: str | bool | Mapping[str, Any] | None = None
    places_across: str | bool | Mapping[str, Any] | None = None
    fill: Sequence[str] = ()
    leave_out: Sequence[str] | None = None
    loose_keys: bool | None = None
    pivot: Mapping[str, Any] | None = None
    combine: str | None = None
    period: str | None = None
    century: int | None = None
    decimal: str | None = None
    keep_regions: Sequence[str] = ()
    first_year: int | None = None
    last_year: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", _paths(self.path))
        object.__setattr__(self, "variables", {str(name): _described(str(name), said) for name, said in dict(self.variables or {}).items()})
        object.__setattr__(self, "only", _chosen(self.only))
        object.__setattr__(self, "derived", check_derived(self.derived))
        object.__setattr__(self, "borders", None if self.borders is None else str(self.borders))
        object.__setattr__(self, "pivot", shape.checked_pivot(self.pivot))
        object.__setattr__(self, "fill", _words("fill", self.fill) or ())
        object.__setattr__(self, "leave_out", _words("leave_out", self.leave_out))
        for knob in BY_FILE:
            self._by_file(knob)
        for knob, known in (("combine", shape.COMBINED), ("period", PERIODS), ("decimal", DECIMALS)):
            value = getattr(self, knob)
            if value is not None and value not in known:
                raise refusal(ConfigError, f"source.{knob}", f"one of {', '.join(known)}", repr(value), "write one of them")
        if self.loose_keys is not None and not isinstance(self.loose_keys, bool):
            raise refusal(ConfigError, "source.loose_keys", "true or false", repr(self.loose_keys), "write one of the two")
        if self.century is not None and (isinstance(self.century, bool) or not isinstance(self.century, int) or not 0 <= self.century <= 9000):
            raise refusal(
                ConfigError,
                "source.century",
                "a whole number such as 1900, which is added to years of two digits",
                repr(self.century),
                "write  source.century=1900",
            )
        object.__setattr__(self, "keep_regions", checked(self.keep_regions, self.first_year, self.last_year))
        if isinstance(self.path, str):
            self._keys_checked()

    def load(self) -> Panel:
        """Read and check the file, or files.

        Returns
        -------
        panel : authority × year, every numeric column a variable, then those of `derived`; why a number is missing stands in `reasons`.

        Raises
        ------
        DataError : everything that is wrong with the table, in one message.
        """
        return self.or_told(*self.attempt())

    def leads_to(self, names: Sequence[str]) -> bool:
        """Whether the file, read so, has variables or headings of these names."""
        panel, problems = self.attempt()
        there = set(panel.names) if panel is not None else set()
        if panel is None and problems:
            try:
                there = set(self.opened().header) if isinstance(self.path, str) else set()
            except CausalError:
                return False
        return set(names) <= there

    def missing(self, name: str) -> str | None:
        """Why a variable is not there, where a file has a column of that name: it holds text, and what makes numbers of it."""
        problem = self.problem_with(name)
        return None if problem is None else capital(problem.message()) + "."

    def problem_with(self, name: str) -> Problem | None:
        """The same as a problem with its remedy; None where no file has such a column."""
        for path in [self.path] if isinstance(self.path, str) else self.path:
            try:
                sheet = self.for_file(path).opened()
            except CausalError:
                continue
            if name not in sheet.header:
                continue
            at = sheet.header.index(name)
            counts = Counter(text for row in sheet.rows if (text := words(row[at])))
            kinds = [kind for kind, _ in counts.most_common()]
            kinds_text = ", ".join(f"{kind!r} {counts[kind]:,} times" for kind in kinds[:3]) + (f" and {len(kinds) - 3} more" if len(kinds) > 3 else "")
            if not 2 <= len(kinds) <= 20:
                return Problem(text=f"column {name!r} holds no numbers ({kinds_text or 'it is empty'})", kind="wanted")
            treated = next((kind for kind in kinds if re.match(r"(treat|yes|in\b|open|adopt|after|post|1)", kind.lower())), kinds[-1])
            remedies = tuple(
                Remedy(knobs={"derived": {name: {"dummy": name, "is": kind}}}, does=f"makes {kind!r} 1 and the rest 0")
                for kind in (treated, *(one for one in kinds if one != treated))
            )
            return Problem(text=f"column {name!r} holds text ({kinds_text})", kind="wanted", remedies=remedies[:2])
        return None

    def check(self) -> list[str]:
        """Everything that is wrong with the table; empty if nothing is."""
        return [problem.message() for problem in self.problems()]

    def problems(self) -> list[Problem]:
        """Everything that is wrong with the table, with the knobs that would read it as it is."""
        return self.attempt()[1]

    def for_file(self, path: str, *, header: Sequence[str] | None = None) -> Table:
        """The same knobs for one of several files.

        Parameters
        ----------
        path : the file.
        header : its headings, if known: what is asked of other files' columns is then left to those.
        """
        knobs: dict[str, Any] = {"path": path, **{knob: self._by_file(knob, path) for knob in BY_FILE}}
        mine = replace(self, **knobs)
        if header is None:
            return mine
        there = set(header)
        named = {str(said.get("column", name)): name for name, said in (self.variables or {}).items()}
        only = {column: values for column, values in (self.only or {}).items() if column in there}
        pivot = self.pivot if self.pivot and {*self.pivot["by"], *self.pivot["values"]} <= there else None
        keys: dict[str, Any] = {knob: column for knob in ("cluster", "name", "region", "groups") if (column := getattr(self, knob)) not in there}
        keys = dict.fromkeys(keys)
        population = self.population if self.population in {*there, *(named[column] for column in named if column in there)} else None
        fill = tuple(column for column in self.fill if column in there)
        year = mine.year if mine.year in there else None
        return replace(mine, only=only or None, pivot=pivot, population=population, fill=fill, year=year, **keys)

    def opened(self) -> Sheet:
        """The rows of the one file, as they stand in it."""
        assert isinstance(self.path, str) and not isinstance(self.sheet, Mapping) and not isinstance(self.header, Mapping)
        return open_file(Path(self.path).expanduser(), self.sheet, self.header)

    def _by_file(self, knob: str, path: str | None = None) -> Any:
        """A knob's value for one file, or checked for all."""
        value = getattr(self, knob)
        if isinstance(value, Mapping):
            names = {Path(one).name for one in ([self.path] if isinstance(self.path, str) else self.path)}
            if unknown := [str(name) for name in value if str(name) not in names]:
                raise refusal(ConfigError, f"source.{knob}", "files that source.path names", f"one for the file {unknown[0]!r}", suggest(unknown[0], names))
            if path is not None:
                return value.get(Path(path).name, "authority" if knob == "authority" else None)
            return None
        if knob == "header" and value is not None:
            rows = [value] if isinstance(value, int) and not isinstance(value, bool) else list(value) if isinstance(value, Sequence) else []
            if not rows or any(isinstance(row, bool) or not isinstance(row, int) or row < 1 for row in rows) or rows != sorted(set(rows)):
                raise refusal(ConfigError, "source.header", "a row's number from 1, or several such as [1,2]", repr(value), "write  source.header=1")
        if knob in ("years_across", "places_across") and value is not None and not (isinstance(value, bool) or (isinstance(value, str) and value)):
            raise refusal(ConfigError, f"source.{knob}", "a name for the numbers, true or false", repr(value), f"write  source.{knob}=true")
        return value

    def _keys_checked(self) -> None:
        keys = self.keys
        for knob, value in keys.items():
            if isinstance(value, Mapping):
                continue
            if not isinstance(value, str) or not value:
                raise refusal(ConfigError, f"source.{knob}", "the name of a column", repr(value), f"write  source.{knob}=NAME")
        plain = [value for value in keys.values() if isinstance(value, str)]
        if len(set(plain)) < len(plain):
            raise refusal(
                ConfigError, "source", f"a column for each of {', '.join(keys)}", f"one column for two of them: {keys}", "name another for one of them"
            )

    @property
    def keys(self) -> dict[str, str]:
        """Knob → column, for the columns that are not variables."""
        knobs = {knob: getattr(self, knob) for knob in ("authority", "year", "cluster", "name", "region", "groups")}
        return {knob: column for knob, column in knobs.items() if column is not None or knob == "authority"}

    def or_told(self, panel: Panel | None, problems: Sequence[Problem], spelt: Spelt = "overrides") -> Panel:
        """The panel, or everything that is wrong in one message.

        Parameters
        ----------
        panel, problems : as `attempt` gives them.
        spelt : how remedies are written: overrides, flags, or arguments of Python.

        Raises
        ------
        DataError : there is no panel.
        """
        if panel is None:
            where = self.path if isinstance(self.path, str) else ", ".join(self.path)
            raise refusal(DataError, where, "a table without faults", count(len(problems), "problem"), "mend each of these", beneath=shown(problems, spelt))
        return panel

    def attempt(self, frame: pd.DataFrame | None = None) -> tuple[Panel | None, list[Problem]]:
        """The panel, or what stands in its way; of a frame in memory where one is given."""
        try:
            if frame is not None:
                reading = Reading(self, frame_sheet(frame))
                panel, made = reading.panel(), reading.made
            elif isinstance(self.path, str):
                reading = Reading(self, self.opened())
                panel, made = reading.panel(), reading.made
            else:
                panel, made = joined(self)
            panel = self._tied(panel)
            panel = derive(panel, {name: spec for name, spec in (self.derived or {}).items() if name not in made})
            return narrow(panel, keep_regions=self.keep_regions, first_year=self.first_year, last_year=self.last_year), []
        except Unusable as unusable:
            return None, list(unusable.problems)
        except CausalError as error:
            return None, [Problem(text=str(error))]

    def _tied(self, panel: Panel) -> Panel:
        """The panel with who borders whom, and groups of one's own that say something."""
        places = panel.places
        if self.groups is not None and "group" in places:
            wrong = groups_wrong({str(code): str(group) for code, group in places["group"].items()}, list(places.index))
            if wrong:
                raise refusal(
                    DataError, "source.groups", "a column whose groups say something", f"{self.groups!r}: {wrong}", "name another column, or leave it out"
                )
            if alone := [str(code) for code, group in places["group"].items() if not group]:
                more = f" and {len(alone) - NAMED} more" if len(alone) > NAMED else ""
                said = f"groups: {count(len(alone), 'place')} in none, and tied to nobody by them: {', '.join(alone[:NAMED])}{more}"
                panel = replace(panel, notes=(*panel.notes, said))
        if self.borders is None:
            return panel
        pairs, notes = read_borders(self.borders, {code: code for code in places.index})
        return replace(panel, borders=pairs, notes=(*panel.notes, *notes))


def _paths(path: Any) -> str | tuple[str, ...]:
    """One path, or several."""
    if isinstance(path, (str, Path)):
        return str(path)
    several = list(path) if isinstance(path, Sequence) else []
    if not several or not all(isinstance(one, (str, Path)) and str(one) for one in several):
        raise refusal(ConfigError, "source.path", "a file, or a list of files such as [treatment.csv,outcome.csv]", repr(path), "write  source.path=FILE")
    if len({str(one) for one in several}) < len(several):
        raise refusal(ConfigError, "source.path", "each file once", f"one twice: {[str(one) for one in several]}", "take one away")
    return str(several[0]) if len(several) == 1 else tuple(str(one) for one in several)


def _words(knob: str, value: Any) -> tuple[str, ...] | None:
    """One word, or a list of them."""
    if value is None:
        return None
    several = [value] if isinstance(value, (str, int)) else list(value) if isinstance(value, Sequence) else [None]
    if any(isinstance(one, bool) or not isinstance(one, (str, int, float)) for one in several):
        raise refusal(ConfigError, f"source.{knob}", "a list such as [England]", repr(value), "write a list")
    return tuple(words(one) for one in several)


def _described(name: str, said: Any) -> dict[str, Any]:
    """What is said of one variable, checked."""
    where = f"source.variables.{name}"
    if not isinstance(said, Mapping):
        raise refusal(ConfigError, where, "what the column is, like {column: cpp_rate, unit: per 10,000}", repr(said), "write it so")
    unknown = [str(key) for key in said if key not in DESCRIBES]
    if unknown:
        raise refusal(ConfigError, where, "keys that it has", repr(unknown[0]), suggest(unknown[0], DESCRIBES))
    for key in ("column", "label", "short", "unit", "source", "definition", "unmoved"):
        if said.get(key) is not None and not isinstance(said[key], str):
            raise refusal(ConfigError, f"{where}.{key}", "words", called(said[key]), f"put it in quotes, or leave {key} out")
    if said.get("varies") not in (None, "both", "authority", "year"):
        raise refusal(ConfigError, f"{where}.varies", "'both', 'authority' or 'year'", repr(said["varies"]), "write one of them")
    for key, options in (("counts", ("stock", "flow")), ("comparative", ("more", "higher", "a higher"))):
        if said.get(key) not in (None, *options):
            raise refusal(ConfigError, f"{where}.{key}", f"one of {', '.join(map(repr, options))}", repr(said[key]), "write one of them")
    for key, above in (("count_per", 0.0), ("least", -math.inf), ("most", -math.inf)):
        value = said.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not above < value < math.inf):
            raise refusal(ConfigError, f"{where}.{key}", f"a number{' above 0' if key == 'count_per' else ''}", repr(value), "write it in figures")
    least, most = said.get("least"), said.get("most")
    if least is not None and most is not None and least > most:
        raise refusal(ConfigError, where, "a least that is not above most", f"{least!r} and {most!r}", "put them in order")
    return {str(key): value for key, value in said.items() if value is not None}


def _chosen(only: Any) -> dict[str, tuple[str, ...]] | None:
    """Column → values to keep, as words."""
    if only is None:
        return None
    if not isinstance(only, Mapping):
        raise refusal(ConfigError, "source.only", "columns with the value to keep, like {category: Total}", repr(only), "write it so")
    chosen = {}
    for column, values in only.items():
        several = list(values) if isinstance(values, Sequence) and not isinstance(values, str) else [values]
        if not several or any(isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str)) for value in several):
            raise refusal(ConfigError, f"source.only.{column}", "a value or a list of values", repr(values), f"write  source.only.{column}=VALUE")
        chosen[str(column)] = tuple(words(value) for value in several)
        if twice := next((one for at, one in enumerate(chosen[str(column)]) if one in chosen[str(column)][:at]), None):
            raise refusal(ConfigError, f"source.only.{column}", "each value once", f"{twice!r} twice", "take one away")
    return chosen or None
