"""What one file says: every number taken from it, with the cell that it stands in."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from causal.errors import DataError, refusal
from causal.sources.england.book import Table, number, said, year_ending

ALIKE = 4  # problems of one kind that are told one by one
COLUMNS = ("place", "year", "quantity", "part", "value", "mark", "sheet", "row", "column")
AUTHORITY = ("old_la_code", "new_la_code", "la_name", "region_code", "region_name", "year")
ENGLAND = "E92000001"  # how `place` names the whole country, whatever the file prints


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a file: where, what stands there, and what to do. `row` 0 is the file as a whole; `quantity` is what lost a number."""

    path: Path
    message: str
    row: int = 0
    column: str = ""
    value: str = ""
    quantity: str = ""

    def __str__(self) -> str:
        where = f", row {self.row}" if self.row else ""
        where += f", column {self.column!r}" if self.column else ""
        return f"{self.path}{where}: {f'got {self.value!r}; ' if self.value else ''}{self.message}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Extract:
    """Numbers of one file.

    Parameters
    ----------
    cells : one row for each number taken; columns `place` (the code or name as printed, `ENGLAND` for the country), `year` (ending 31 March), `quantity`,
        `part` (parts of one quantity add up; "" where it has one), `value` (NaN where a mark stands), `mark` ("" where a number stands), `sheet`, `row` (as
        a spreadsheet shows it) and `column` (its heading).
    rounding : quantity → the number that its values are rounded to (5, 10), where the publication rounds.
    authorities : who is who, where the file says: `old_la_code` (3-digit DfE code), `new_la_code` (GSS), `la_name`, `region_code`, `region_name`, `year`;
        "" where it does not say.
    links : code of a lower-tier district, or another body's code (E-code) → GSS code of its upper-tier authority, where the file is such a lookup.
    problems : what was wrong; such cells are missing, with the mark "unreadable", or left out where no place or year could be told.
    """

    path: Path
    cells: pd.DataFrame
    rounding: Mapping[str, float] = field(default_factory=dict)
    authorities: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(AUTHORITY)))
    links: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


class Cells:
    """Collects the numbers of one file; `extract()` ends it.

    >>> cells = Cells(path)
    >>> for row, record in table.records():
    ...     cells.add(table, row, "plans", record["plans"], place=record["code"], year=2018, column="plans")
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: list[tuple[str, int, str, str, float, str, str, int, str]] = []
        self._authorities: dict[tuple[object, ...], None] = {}
        self._problems: list[Problem] = []

    def add(self, table: Table, row: int, quantity: str, cell: object, *, place: object, year: int, column: str, part: str = "", scale: float = 1.0) -> None:
        """Take one cell.

        Parameters
        ----------
        table : where it stands.
        row : its row number, as the file counts.
        quantity : what it counts.
        cell : as read: a number, or a mark in the place of one.
        place : whose it is, as printed.
        year : ended 31 March.
        column : the table's name of the column, or the heading itself.
        part : cells of one place, year and quantity add up if they differ in it; with the same part they are a double.
        scale : multiplies (1000 where £ thousand are printed).
        """
        value, mark = number(cell)
        heading = table.heading(column)
        if mark == "unreadable":
            self.problem("a number, or a mark such as x, c or .., was expected; the cell is left empty", row=row, column=heading, value=cell, quantity=quantity)
        self._rows.append((said(place), year, quantity, part, value * scale, mark, table.sheet, row, heading))

    def authority(self, year: int = 0, *, old: object = "", new: object = "", name: object = "", region_code: object = "", region: object = "") -> None:
        """Note who is who, where the file says it.

        Parameters
        ----------
        year : of the file; 0 where it has none.
        old, new, name, region_code, region : as printed; "" where not.
        """
        self._authorities[said(old), said(new), said(name), said(region_code), said(region), year] = None

    def problem(self, message: str, *, row: int = 0, column: str = "", value: object = "", quantity: str = "") -> None:
        """Note something that is wrong with the file and could be left out.

        Parameters
        ----------
        message : what was expected, and what is done instead.
        row, column, value : where it stands and what does; 0 and "" where the whole file is meant.
        quantity : what is lost by it.
        """
        self._problems.append(Problem(path=self.path, message=message, row=row, column=column, value=said(value), quantity=quantity))

    def year(self, table: Table, row: int, column: str, cell: object) -> int | None:
        """A cell as a year; None, and noted, if it is none.

        Parameters
        ----------
        table, row, column : where it stands.
        cell : as read.
        """
        value = year_ending(cell)
        if math.isnan(value):
            self.problem("a year such as 2018 was expected; the row is left out", row=row, column=table.heading(column), value=cell)
            return None
        return int(value)

    def _told(self) -> tuple[Problem, ...]:
        """The problems in order; of one that stands in row after row the first, with how many more there are."""
        ordered = sorted(self._problems, key=lambda problem: problem.row)
        alike = Counter((one.message, one.column, one.value) for one in ordered)
        seen, out = Counter[tuple[str, str, str]](), list[Problem]()
        for one in ordered:
            key = (one.message, one.column, one.value)
            seen[key] += 1
            if alike[key] <= ALIKE:
                out.append(one)
            elif seen[key] == 1:
                out.append(replace(one, message=f"{one.message}; so it is in {alike[key] - 1:,} more rows"))
        return tuple(out)

    def extract(self, *, rounding: Mapping[str, float] | None = None, links: Mapping[str, str] | None = None) -> Extract:
        """What was collected.

        Parameters
        ----------
        rounding : quantity → what its numbers are rounded to.
        links : other code → GSS code of the authority.

        Raises
        ------
        DataError : nothing was.
        """
        if not self._rows and not self._authorities and not links:
            raise refusal(DataError, str(self.path), "authorities below the header", "none", "fetch the file again as published")
        frame = pd.DataFrame(self._rows, columns=list(COLUMNS)).astype({name: "category" for name in ("place", "quantity", "part", "mark", "sheet", "column")})
        return Extract(
            path=self.path,
            cells=frame,
            rounding=dict(rounding or {}),
            authorities=pd.DataFrame(list(self._authorities), columns=list(AUTHORITY)),
            links=dict(links or {}),
            problems=self._told(),
        )
