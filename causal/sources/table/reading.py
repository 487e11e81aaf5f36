"""One table on its way to a panel: each step adds its problems, and the next is taken where it still can be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from causal.errors import DataError, refusal, suggest
from causal.open_data import COLUMNS, LEVEL
from causal.panel import Panel, Variable
from causal.sources.table import cells, open_data, periods, place_columns, rules, shape
from causal.sources.table.cells import Numbers, words
from causal.sources.table.file import Sheet
from causal.sources.table.problem import BLANK, Problem, Remedy, Unusable
from causal.words import count, listed

if TYPE_CHECKING:
    from causal.sources.table.source import Table


OWN_ROW = "#"  # as `authority`: each row is one of its own

DATED = re.compile(r"\[[+-]?\d+\]$")  # how years are written, plans[-1], and so no name of a column


class Reading:
    """One table on its way to a panel.

    Parameters
    ----------
    table : the knobs, for one file.
    sheet : what stands in the file.
    alone : whether it is the only file, so that every column asked for must be in it.
    """

    def __init__(self, table: Table, sheet: Sheet, *, alone: bool = True) -> None:
        self.alone = alone
        assert isinstance(table.path, str)
        self.knobs, self.path = table, Path(table.path)
        self.keys: dict[str, str] = dict(table.keys)
        self.notes: list[str] = []
        self.problems: list[Problem] = []
        self.made: set[str] = set()  # columns of `derived` that were made of text on the way
        self.sheet = self._laid_out(sheet)
        self.header = self.sheet.header
        self.named = {name: str(said.get("column", name)) for name, said in (table.variables or {}).items()}
        self.open_data = open_data.recognised(self.header, self.keys["authority"], self.keys.get("year"))
        self.meta = open_data.Meta()
        if self.open_data:
            self.keys |= {"authority": open_data.code_column(self.header, self.keys["authority"]), "year": open_data.YEAR}
            self.keys |= {knob: c for knob, c in (("name", "la_name"), ("region", "region_name")) if knob not in self.keys and c in self.header}
            self.meta = open_data.meta_beside(self.path.expanduser(), self.header)
        self.notes += [*self.sheet.notes, *self.meta.notes]
        self.problems += self.sheet.problems

    def panel(self) -> Panel:
        """All steps in turn.

        Raises
        ------
        Unusable : what is wrong with the table.
        """
        self._headings()
        table = self._rows()
        keys, within = self._whose(table)
        table, keys = self._places_only(table, keys)
        if self.knobs.pivot:
            self._there("source.pivot", [*self.knobs.pivot["by"], *self.knobs.pivot["values"]])
            table, notes, problems = shape.pivoted(table, keys, self.knobs.pivot)
            self._stop(problems)
            self.notes += notes
            keys = keys.loc[table.index]
            self.header = [str(column) for column in table]
        numbers = self._columns(table)
        if self.knobs.combine:
            numbers, keys, table, notes, problems = shape.combined(numbers, keys, table, self.knobs.combine)
            self.notes += notes
            self.problems += problems
        self._rules(table, keys, numbers, within)
        called = self._names(numbers)
        asked = {name: self._asked(name, column, numbers[column]) for name, column in called.items()}
        values = pd.DataFrame({name: numbers[column].values for name, column in called.items()}, index=table.index)
        population = self.knobs.population
        if population is not None and population not in called and called:
            self.problems.append(Problem(text=f"no variable {population!r} (wanted for source.population); {suggest(population, called)}"))
            population = None
        self.problems += rules.broken_values(values, keys, table.assign(**self._dummy_cells), columns=called, asked=asked, population=population)
        self._stop()
        index = pd.MultiIndex.from_arrays([keys["authority"], keys["year"].astype(int)], names=["authority", "year"])
        frame = values.set_axis(index).astype(float)
        return Panel(
            frame=frame.sort_index(),
            variables=tuple(_variable(str(name), varies, asked[str(name)]) for name, varies in zip(frame, _varies(frame), strict=True)),
            places=self._places(table, keys),
            title=self.path.name,
            population=population,
            notes=tuple(self.notes),
            reasons=_reasons({name: numbers[column] for name, column in called.items()}, index, table.index),
        )

    def _stop(self, problems: list[Problem] | None = None) -> None:
        """What is wrong so far, if anything is."""
        self.problems += problems or []
        if self.problems:
            raise Unusable(self.problems)

    # ------------------------------------------------------------ headings
    def _laid_out(self, sheet: Sheet) -> Sheet:
        """The sheet with years as rows, where they stood as columns, and a column of row numbers where each row is its own."""
        if self.keys["authority"] == OWN_ROW and OWN_ROW not in sheet.header:
            rows: list[Sequence[Any]] = [[*row, str(number)] for number, row in zip(sheet.numbers, sheet.rows, strict=True)]
            sheet = replace(sheet, header=[*sheet.header, OWN_ROW], rows=rows)
            self.notes.append("each row is an authority of its own, called by its number")
        knob, year = self.knobs.years_across, self.keys.get("year")
        if (called := self.knobs.places_across) is not None and called is not False:
            return shape.places_across(sheet, "value" if called is True else str(called), authority=str(self.keys["authority"]), year=year)
        if knob is None:
            wanted = [column for column in self.keys.values() if column != "authority"]
            if self.knobs.header is None and (problem := sheet.second_headings(wanted)):
                raise Unusable([problem])
            if problem := shape.laid_across(sheet, year):
                if self.keys["authority"] not in sheet.header and (guess := place_columns.guessed(sheet)) and "authority" in guess:
                    first = problem.remedies[0]
                    remedy = Remedy(knobs={"authority": guess["authority"], **first.knobs}, does=first.does)
                    problem = Problem(text=problem.text, kind=problem.kind, remedies=(remedy,), sure=True)
                raise Unusable([problem])
        elif knob is not False:
            if year is not None and year not in sheet.header:
                sheet = shape.across(sheet, "value" if knob is True else str(knob), year=year)
            else:
                sheet = shape.across(sheet, "value" if knob is True else str(knob))
                self.keys["year"] = shape.YEAR
        return sheet

    def _headings(self) -> None:
        """The columns that are asked for must be there, once each."""
        header = self.header
        problems = [Problem(text=f"two columns are called {column!r}; rename one") for column in dict.fromkeys(header) if column and header.count(column) > 1]
        wanted = [(f"source.{knob}", column) for knob, column in self.keys.items()]
        pivots = set(self.knobs.pivot["values"]) | set(self.knobs.pivot["by"]) if self.knobs.pivot else set()
        wanted += [(f"variable {name}", column) for name, column in self.named.items() if self.alone and (not pivots or column in pivots)]
        wanted += [("source.only", column) for column in self.knobs.only or {}]
        wanted += [("source.fill", column) for column in self.knobs.fill]
        absent = [(what, column) for what, column in wanted if column not in header]
        if absent:
            below = self.sheet.headings_below({column for _, column in wanted}) or self.sheet.headings_below((open_data.YEAR, LEVEL))
            like = open_data.almost(header, self.keys["authority"])
            if below is None and not like and self.keys["authority"] == "authority":
                below = self.sheet.headings_below(())
            problems += [below] if below else []
            problems += [Problem(text=like)] if like else []
            unasked = {"source.authority"} if like else set()  # a default that was never asked for is not what is wrong
            remedies = self._guess({what.removeprefix("source.") for what, _ in absent}) if not (below or like) else ()
            for what, column in absent if below is None else ():  # headings that stand lower are why they are lacking
                if what not in unasked:
                    mine = remedies if what in ("source.authority", "source.year") else ()
                    text = f"no column {column!r} (wanted for {what}); {suggest(column, filter(None, header))}"
                    if what == "source.authority" and not mine and (when := place_columns.guessed(self.sheet).get("year")):
                        text += (
                            f" Its rows are years of one place ({when}), it seems, and a study needs several; where each column is a place, call its numbers"
                        )
                        mine = (Remedy(knobs={"year": when, "places_across": "value"}, does="makes rows of them"),)
                    sure = bool(mine) and not ({OWN_ROW, "value"} & {one for one in mine[0].knobs.values() if isinstance(one, str)})
                    problems.append(Problem(text=text.rstrip("."), kind="headings", remedies=mine, sure=sure))
                    remedies = () if mine else remedies
        if problems:  # without its keys and columns nothing else can be told
            self._stop(problems)

    def _guess(self, absent: set[str]) -> tuple[Remedy, ...]:
        """The columns that seem to be the keys, where those that were asked for are not there."""
        if not {"authority", "year"} & absent:
            return ()
        known = {knob: column for knob in ("authority", "year") if (column := self.keys.get(knob)) and knob not in absent}
        guess = place_columns.guessed(self.sheet, **known)
        new = {knob: column for knob, column in guess.items() if known.get(knob) != column}
        if absent & set(new):
            return (Remedy(knobs=new, does="seems to be it" if len(new) == 1 else "seem to be it"),)
        if absent == {"authority"} and not guess and len(self.sheet.rows) > 1:
            return (Remedy(knobs={"authority": OWN_ROW}, does="takes each row as one of its own"),)
        return ()

    def _there(self, knob: str, columns: list[str]) -> None:
        absent = [column for column in columns if column not in self.header]
        self._stop([Problem(text=f"no column {column!r} (wanted for {knob}); {suggest(column, filter(None, self.header))}") for column in absent])

    # ------------------------------------------------------------ rows
    def _rows(self) -> pd.DataFrame:
        """The rows that are asked for: local authorities', and those with the values of `only`."""
        rows, numbers, header = self.sheet.rows, self.sheet.numbers, self.header
        keep = list(range(len(rows)))
        if self.open_data:
            at = header.index(LEVEL)
            local, note, problem = open_data.local_rows([words(row[at]) for row in rows])
            if problem:
                self._stop([Problem(text=problem)])
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
            self._stop([Problem(text=problem) for problem in problems])
        if only:
            self.notes.append(f"{count(len(keep), 'row')} kept of {len(candidates):,}: those with {self._only()}")
        columns = {column: [rows[i][j] for i in keep] for j, column in enumerate(header) if column}
        table = pd.DataFrame(columns, index=[numbers[i] for i in keep], dtype=object)
        if not table.index.is_unique:  # years across: several rows stood in one
            table.index = pd.RangeIndex(1, len(table) + 1)
        if self.knobs.fill:
            table = shape.filled(table, self.knobs.fill)
        elif not self.open_data and (blank := shape.merged(table, self.keys["authority"], "source.authority")):
            self._stop([blank])
        for knob, column in self.keys.items():
            if knob != "year" and column in self.sheet.labels and set(kinds := table[column].map(words).unique()) <= {*self.sheet.labels[column], ""}:
                table[column] = table[column].map(words).map({kind: self.sheet.labels[column].get(kind, "") for kind in kinds})
        return table

    def _whose(self, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
        """Authority, year and cluster of each row; what the years are where that is shorter than a year."""
        code, when, cluster = (self.keys.get(knob) for knob in ("authority", "year", "cluster"))
        assert code is not None
        keys, within = pd.DataFrame(index=table.index), ""
        authority = open_data.codes(table, code) if self.open_data else table[code].map(words)
        keys["authority"] = authority.astype(object)
        if when is None:
            keys["year"] = 0.0
        elif self.open_data:
            keys["year"] = periods.open_data_years(table[when])
        else:
            dates = periods.dates(table[when], when, period=self.knobs.period, century=self.knobs.century)
            self.notes += dates.notes
            self._stop(list(dates.problems))
            odd = table[when].map(words)[dates.years.isna()]
            total = [text for text in odd.unique() if place_columns.TOTALS.fullmatch(text) or re.match(r"(all|total|every)\b", text.lower())]
            if total and not set(total) <= set(self.knobs.leave_out or ()):
                what = f"column {when!r} holds {total[0]!r} in {count(int((odd == total[0]).sum()), 'row')}, which is no year"
                self._stop([Problem(text=what, kind="years", remedies=(Remedy(knobs={"leave_out": total}, does="leaves them out"),), sure=True)])
            keys["year"], within = dates.years, periods.NAMES[dates.kind] if dates.kind in periods.WITHIN else ""
        if cluster is not None:
            keys["cluster"] = table[cluster].map(words).astype(object)
        if self.knobs.loose_keys:
            plain = place_columns.joined_spellings(keys["authority"])
            if several := keys["authority"].nunique() - plain.nunique():
                self.notes.append(f"{count(several, 'other spelling')} of authorities taken together (source.loose_keys): zeros, spaces, hyphens, capitals")
            keys["authority"] = plain
        return keys, within

    def _places_only(self, table: pd.DataFrame, keys: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Without the rows that are asked to be left out."""
        if not self.knobs.leave_out:
            return table, keys
        name = self.keys.get("name")
        unnamed = [""] if BLANK in self.knobs.leave_out else []
        gone = keys["authority"].isin([*self.knobs.leave_out, *unnamed])
        known = set(keys["authority"]) | ({BLANK} if (keys["authority"] == "").any() else set())
        if (when := self.keys.get("year")) is not None:
            gone |= table[when].map(words).isin(self.knobs.leave_out)
            known |= set(table[when].map(words)[keys["year"].isna()])
        if name is not None:
            gone |= table[name].map(words).isin(self.knobs.leave_out)
            known |= set(table[name].map(words))
        self._stop(
            [Problem(text=f"source.leave_out names {one!r}, and no row is of it; {suggest(one, known)}") for one in self.knobs.leave_out if one not in known]
        )
        called = ["no authority named" if one == BLANK else one for one in self.knobs.leave_out]
        self.notes.append(f"{count(int(gone.sum()), 'row')} left out (source.leave_out): {listed(called)}")
        return table[~gone], keys[~gone]

    def _columns(self, table: pd.DataFrame) -> dict[str, Numbers]:
        """Every column that holds numbers and is not a key."""
        wanted = {*self.named.values(), self.named.get(str(self.knobs.population), str(self.knobs.population))}
        aside = {*self.keys.values(), *(COLUMNS if self.open_data else ()), *self.meta.filters} - set(self.named.values())
        comma = self.knobs.decimal == "comma" or (self.knobs.decimal is None and self.sheet.decimal_comma)
        if comma and self.knobs.decimal is None:
            self.notes.append(
                "cells are separated by ; and no number has a decimal point, so that a comma is read as one (6,27 is 6.27); source.decimal=point does not"
            )
        out, left_out = self._dummies(table), []
        for column in table.columns:
            if column in aside:
                continue
            numbers = cells.numbers(table[column], str(column), described=str(column) in wanted, comma=comma)
            if not comma and self.knobs.decimal is None and (problem := _commas(table[column], str(column))):
                self.problems.append(problem)
                continue
            if numbers is None:
                left_out.append(str(column))
                continue
            self.problems += [Problem(text=text, kind=f"text in {column}") for text in numbers.problems]
            self.notes += [*numbers.notes, *([f"{column}: printed in %, so that 1 is one percentage point"] if numbers.unit == "%" else [])]
            out[str(column)] = numbers
            printed = numbers.reasons[numbers.reasons != cells.BLANK]
            counts: Mapping[Any, Any] = printed.value_counts().to_dict() if len(printed) else {}
            if marks := {str(mark): int(n) for mark, n in counts.items() if str(mark).lower() not in cells.MISSING}:
                marks_text = listed([f"{n:,} {mark!r}" for mark, n in marks.items()])
                self.notes.append(f"{column}: {sum(marks.values())} cells hold a mark instead of a number, and are missing, not 0: {marks_text}")
        if left_out:
            self.notes.append(f"columns without numbers, left out: {', '.join(left_out)}")
        self.filters = [column for column in (*self.meta.filters, *left_out, "time_identifier") if column in table and column not in self.keys.values()]
        return out

    def _dummies(self, table: pd.DataFrame) -> dict[str, Numbers]:
        """The columns of `derived` that are 1 where a column of text holds a word, made here since a panel holds numbers alone."""
        out: dict[str, Numbers] = {}
        self._dummy_cells: dict[str, pd.Series] = {}
        self._dummy_words: dict[str, dict[str, str]] = {}
        for name, spec in (self.knobs.derived or {}).items():
            if "dummy" not in spec or spec["dummy"] not in table:
                continue
            text = table[spec["dummy"]].map(words)
            if cells.numbers(table[spec["dummy"]], spec["dummy"], described=False) is not None and name != spec["dummy"]:
                continue  # a column of numbers is the panel's own business
            kinds = set(text) - {""}
            if spec["is"] not in kinds:
                self.problems.append(Problem(text=f"source.derived.{name}: column {spec['dummy']!r} never holds {spec['is']!r}; {suggest(spec['is'], kinds)}"))
                continue
            missing = text.map(cells.is_mark)
            reasons = text[missing].where(text[missing] != "", cells.BLANK)
            out[name] = Numbers(values=(text == spec["is"]).astype(float).mask(missing), reasons=reasons)
            self._dummy_cells[name] = table[spec["dummy"]]
            default_words = {"label": f"{spec['dummy']} is {spec['is']}", "unit": "0 or 1", "definition": f"1 where {spec['dummy']} is {spec['is']}, else 0"}
            self._dummy_words[name] = default_words | {key: spec[key] for key in ("label", "unit", "definition") if key in spec}
            self.made.add(name)
        return out

    # ------------------------------------------------------------ rules
    def _rules(self, table: pd.DataFrame, keys: pd.DataFrame, numbers: Mapping[str, Numbers], within: str) -> None:
        """What must hold of the keys: given, whole, each once, spelt alike, and of places."""
        if "year" not in self.keys and keys["authority"].duplicated().any():
            guess = place_columns.guessed(self.sheet, authority=self.keys["authority"]).get("year")
            if guess is not None and not keys.assign(year=table[guess].map(words) if guess in table else "").duplicated(["authority", "year"]).all():
                most = int(keys["authority"].value_counts().iloc[0])
                what = f"authority {keys['authority'].value_counts().index[0]!r} stands in {most} rows"
                hint = "a cross-section has one row each; if the table has years, set source.year"
                remedy = Remedy(knobs={"year": guess}, does="seems to be it")
                self._stop([Problem(text=f"{what}; {hint}", kind="year", remedies=(remedy,), sure=True)])
        columns = {knob: column for knob, column in self.keys.items() if knob in ("authority", "year", "cluster")}
        measures = [column for column in numbers if column not in self.made]
        self.problems += rules.broken_keys(
            rules.Rows(
                keys=keys,
                table=table,
                columns=columns,
                filters=self.filters,
                sure=self.meta.filters,
                measures=measures,
                within=within,
                least=1 if self.knobs.period == "steps" else 1000,
            )
        )
        if self.open_data:
            self.notes += open_data.recoded(table, keys["authority"], keys["year"])
            return
        if self.knobs.loose_keys is None and (problem := place_columns.spelt_apart(keys)):
            self.problems.append(problem)
        if self.knobs.leave_out is None:
            names = table[self.keys["name"]].map(words) if "name" in self.keys else keys["authority"]
            total, note = place_columns.totals(keys, names, numbers, self.keys["authority"])
            self.problems += [total] if total else []
            self.notes += [note] if note else []

    # ------------------------------------------------------------ names
    def _names(self, numbers: Mapping[str, Numbers]) -> dict[str, str]:
        """Variable → column: the described ones by their names, the others by their own."""
        named = self.named
        if len(set(named.values())) < len(named):
            self.problems.append(Problem(text=f"one column is described as two variables: {named}"))
            named = {}
        called = {name: column for name, column in named.items() if column in numbers}
        others = {column: column for column in numbers if column not in called.values()}
        both = [name for name in called if name in others]
        self.problems += [Problem(text=f"{name!r} is both a described variable and another column; give one of them another name") for name in both]
        if self.alone and (lost := [name for name, column in named.items() if column not in numbers and column not in self.header]):
            self.problems.append(Problem(text=f"no column {named[lost[0]]!r} (wanted for variable {lost[0]}); {suggest(named[lost[0]], numbers)}"))
        for name in (name for name in [*called, *others] if DATED.search(name)):
            text = f"a variable cannot be called {name!r}: names that end in [number] are how years are written, plans[-1]"
            self.problems.append(
                Problem(text=f"{text}; rename the column, or give it a name in source.variables, {{mine: {{column: {(called | others)[name]!r}}}}}")
            )
        if not (called or others):
            self.problems.append(Problem(text=f"no column holds numbers; there is {', '.join(filter(None, self.header))}"))
        return called | others

    def _asked(self, name: str, column: str, numbers: Numbers) -> dict[str, Any]:
        """What is known of a variable, the user's own words last."""
        path = self.path.name
        known = {"label": column.replace("_", " ") if name == column else name.replace("_", " "), "unit": numbers.unit or "units", "source": path}
        known |= {"definition": f"rows with {self._only()}"} if self.knobs.only else {}
        known |= self._dummy_words.get(name, {})
        return known | dict(self.meta.indicators.get(column, {})) | dict((self.knobs.variables or {}).get(name, {}))

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
            if what == "group":
                _stays(text[text != ""], authority, str(column))
            places[what] = text[text != ""].groupby(authority).last().reindex(codes).fillna(places["name"] if what == "name" else "")
        return places


def _stays(group: pd.Series, authority: pd.Series, column: str) -> None:
    """Refuse a place that stands in one group first and in another later: whose shocks it shares would hang on the year.

    group, authority : of the rows where a group is given; of all rows.
    """
    of = group.groupby(authority[group.index])
    moved = of.nunique()
    moved = moved[moved > 1]
    if len(moved):
        first = str(moved.index[0])
        raise refusal(
            DataError,
            "source.groups",
            "each place in one group in all years",
            f"{column!r}, in which {count(len(moved), 'place changes', 'places change')} group ({first}: {' to '.join(dict.fromkeys(of.get_group(first)))})",
            "name a column that stays, or leave it out",
        )


def _varies(frame: pd.DataFrame) -> list[str]:
    """For each column, whether it changes from year to year and from place to place, or is constant in one of these."""
    values = frame.to_numpy(dtype=float)

    def constant(level: str) -> Any:
        codes = frame.index.get_level_values(level).factorize()[0]
        order = np.argsort(codes, kind="stable")
        starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
        high, low = np.fmax.reduceat(values[order], starts), np.fmin.reduceat(values[order], starts)
        return ((high == low) | np.isnan(high)).all(axis=0)

    if frame.index.unique("year").size < 2:
        return ["both"] * frame.shape[1]
    return ["both" if one == other else "authority" if one else "year" for one, other in zip(constant("authority"), constant("year"), strict=True)]


def _variable(name: str, varies: str, said: Mapping[str, Any]) -> Variable:
    """What a column holds: as described, or as far as the numbers tell."""
    per = said.get("count_per")
    return Variable(
        name=name,
        varies=said.get("varies") or varies,  # type: ignore[arg-type]
        count_per=None if per is None else float(per),
        **{key: str(said[key]) for key in ("label", "short", "unit", "source", "definition", "unmoved", "counts", "comparative") if key in said},  # type: ignore[arg-type]
    )


def _reasons(numbers: Mapping[str, Numbers], index: pd.MultiIndex, rows: pd.Index) -> pd.Series:
    """Why each missing number is missing, by authority, year and variable."""
    at = [rows.get_indexer(column.reasons.index) for column in numbers.values()]
    mine = index[np.concatenate(at)]
    names = np.repeat(np.array(list(numbers), dtype=object), [len(one) for one in at])
    keys = [mine.get_level_values("authority"), mine.get_level_values("year"), pd.Index(names, dtype=object)]
    said = np.concatenate([column.reasons.to_numpy(dtype=object) for column in numbers.values()])
    reason_series: pd.Series = pd.Series(said, index=pd.MultiIndex.from_arrays(keys, names=["authority", "year", "variable"]), dtype=object).sort_index()
    return reason_series


def _commas(column: pd.Series, name: str) -> Problem | None:
    """A column whose cells are mostly numbers with a decimal comma, which nobody said is one."""
    if not any("," in cell for cell in column if isinstance(cell, str)):
        return None
    texts = [text for cell in column if isinstance(cell, str) and not cells.is_mark(text := cell.strip())]
    sure = [text for text in texts if re.fullmatch(r"[-+]?(\d+,\d{1,2}|\d+,\d{4,}|0+,\d+|\d{4,},\d+)", text)]
    if not sure or len([text for text in texts if cells.DECIMAL_COMMA.fullmatch(text)]) <= len(texts) / 2:
        return None
    remedy = Remedy(knobs={"decimal": "comma"}, does=f"reads {sure[0]} as {sure[0].replace(',', '.')}")
    return Problem(text=f"column {name!r} holds numbers with a decimal comma, such as {sure[0]!r}", kind="decimal", remedies=(remedy,), sure=True)
