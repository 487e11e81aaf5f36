"""A published file as it is: its sheets, where a table's header stands, and what a cell means.

A statistical release is a spreadsheet or CSV with a few title rows, a header whose wording changes from year to year, and markers (`x`, `c`, `z`,
…) where a number is withheld. A `Book` opens one, `Book.table` finds a header by what its cells say, and `number` turns a cell into a number, or into
the mark that stands in its place: a mark is missing, never 0.
"""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from causal.errors import DataError, refusal

# What official statistics print where a number would stand, and what it says. The keys are compared in lower case.
MARKS: dict[str, str] = {
    "x": "withheld (1 to 5, or to protect such a number), or not available",
    "c": "withheld (1 to 5, or to protect such a number)",
    "z": "not applicable",
    "u": "of low reliability",
    "k": "rounds to 0, not printed",
    "low": "rounds to 0, not printed",
    ":": "not available",
    "..": "not available",
    ".": "not applicable",
    "-": "nil or less than half the unit, not printed",
    "*": "withheld (small number)",
    "#div/0!": "not computable",
    "n/a": "not applicable",
    "na": "not available",
    "null": "not available",
    "blank": "left blank",
    "unreadable": "not a number",
    "contradicted": "contradicted by what stands beside it",
}
HEADER_ROWS = 40  # a header that stands lower than this is not looked for


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def said(cell: object) -> str:
    """A cell's words: spaces made single, curly apostrophes straight, 201.0 as "201"."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(str(cell).replace("\xa0", " ").replace("’", "'").split())


def number(cell: object) -> tuple[float, str]:
    """A cell as (number, ""), or as (NaN, mark); the mark is "blank" for an empty cell and "unreadable" for any other text."""
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return (float(cell), "") if math.isfinite(cell) else (math.nan, "unreadable")
    words = said(cell)
    if not words:
        return math.nan, "blank"
    if words.lower() in MARKS:
        return math.nan, words.lower()
    try:
        value = float(words.replace(",", "").replace("£", "").removesuffix("%"))
    except ValueError:
        return math.nan, "unreadable"
    return (value, "") if math.isfinite(value) else (math.nan, "unreadable")


def year_ending(cell: object) -> float:
    """A period as the year in which it ends: 2018 is 2018, and 201718, as DfE prints years of two, is 2018; NaN where it is neither."""
    value = number(cell)[0]
    if 1990 < value < 2100 and value % 1 == 0:
        return value
    first, last = divmod(value, 100)
    return first + 1 if 1990 < first < 2100 and last == (first + 1) % 100 else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table inside a file: its rows, where its header stands (index into `rows`), and which column (index) is which.

    `sheet` is the sheet's name, "" in a CSV.
    """

    path: Path
    sheet: str
    rows: list[list[Any]]
    header: int
    at: Mapping[str, int]

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Row number (as a spreadsheet shows it) and cells by column name, below the header, blank rows left out."""
        for row, line in enumerate(self.rows[self.header + 1 :], start=self.header + 2):
            cells = {name: line[j] if j < len(line) else "" for name, j in self.at.items()}
            if any(said(cell) for cell in cells.values()):
                yield row, cells

    def heading(self, column: str) -> str:
        """What the file calls a column."""
        line = self.rows[self.header]
        return said(line[self.at[column]]) if column in self.at and self.at[column] < len(line) else column


@dataclass(frozen=True, kw_only=True)
class Book:
    """A file, opened once; sheets are read when asked for.

    Raises
    ------
    DataError : on reading, when the file cannot be opened or is cut short.
    """

    path: Path
    _read: dict[str, list[list[Any]]] = field(default_factory=dict, repr=False)
    _heads: dict[str, list[list[str]]] = field(default_factory=dict, repr=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bytes."""
        return digest(self.path)

    @cached_property
    def is_csv(self) -> bool:
        """Text rather than a workbook, by its ending."""
        return self.path.suffix.lower() in (".csv", ".tsv")

    @cached_property
    def is_parquet(self) -> bool:
        """One table of columns, by its ending."""
        return self.path.suffix.lower() == ".parquet"

    def columns(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Columns of a Parquet file, all or those named; the row that a reader sees is the index + 2, as below a header.

        Raises
        ------
        DataError : the file cannot be read, or lacks such a column.
        """
        import pyarrow as arrow
        from pyarrow import parquet

        try:
            frame: pd.DataFrame = parquet.read_table(self.path, columns=list(names) if names else None).to_pandas()
        except (arrow.ArrowException, OSError, ValueError, KeyError) as error:
            raise self.unreadable(error) from error
        if missing := [name for name in names or () if name not in frame.columns]:
            raise refusal(
                DataError, str(self.path), f"a column {missing[0]!r}", f"{', '.join(map(str, self.head('')[0]))}", "fetch the file again as published"
            )
        return frame

    @cached_property
    def _workbook(self) -> Any:
        import python_calamine  # here, not above: only spreadsheets need it

        try:
            return python_calamine.CalamineWorkbook.from_path(str(self.path))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # calamine raises several kinds, and panics, which is no Exception, on a cut .xls; each means the same to a reader
            raise self.unreadable(error) from error

    @cached_property
    def sheets(self) -> tuple[str, ...]:
        """Names of the sheets; ("",) for a CSV or a Parquet file."""
        return ("",) if self.is_csv or self.is_parquet else tuple(self._workbook.sheet_names)

    def rows(self, sheet: str) -> list[list[Any]]:
        """All rows of a sheet, empty ones included, so that row numbers are those a reader sees."""
        if sheet not in self._read:
            try:
                self._read[sheet] = (
                    self._csv()
                    if self.is_csv
                    else self._parquet()
                    if self.is_parquet
                    else self._workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
                )
            except (DataError, KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # as above
                raise self.unreadable(error) from error
        return self._read[sheet]

    def head(self, sheet: str) -> list[list[str]]:
        """The words of the first 40 rows of a sheet, where a header may stand."""
        if sheet not in self._heads:
            rows = [self._names()] if self.is_parquet else self.rows(sheet)[:HEADER_ROWS]  # a Parquet file is large, and its header is its schema
            self._heads[sheet] = [[said(cell) for cell in row] for row in rows]
        return self._heads[sheet]

    def table(self, columns: Mapping[str, str], *, sheet: str = ".*", optional: Mapping[str, str] | None = None) -> Table | None:
        """The first table, in the sheets whose name matches `sheet`, whose header row holds every wanted column.

        Parameters
        ----------
        columns : name → pattern of its heading (whole heading, any case).
        sheet : pattern of the sheet's whole name, any case.
        optional : further columns, taken where they stand in that row.

        Returns
        -------
        table : None if no row among the first 40 of such a sheet holds them all.
        """
        for name in self.sheets:
            if not re.fullmatch(sheet, name.strip(), re.IGNORECASE):
                continue
            for index, words in enumerate(self.head(name)):
                at = _headings(words, columns)
                if len(at) == len(columns):
                    return Table(path=self.path, sheet=name, rows=self.rows(name), header=index, at=at | _headings(words, optional or {}))
        return None

    def wanted(self, columns: Mapping[str, str], *, sheet: str = ".*", optional: Mapping[str, str] | None = None) -> Table:
        """The same as `table`, or an error that names the nearest row and what it lacks.

        Parameters
        ----------
        columns, sheet, optional : as for `table`.

        Raises
        ------
        DataError : no such sheet, or no such row.
        """
        found = self.table(columns, sheet=sheet, optional=optional)
        if found:
            return found
        names = [name for name in self.sheets if re.fullmatch(sheet, name.strip(), re.IGNORECASE)]
        if not names:
            raise refusal(DataError, str(self.path), f"a sheet named like {sheet!r}", f"{list(self.sheets)}", "fetch the file again as published")
        nearest = max(
            ((len(_headings(row, columns)), name, index, row) for name in names for index, row in enumerate(self.head(name))),
            key=lambda item: item[0],
            default=None,
        )
        if nearest is None:
            raise refusal(DataError, str(self.path), "a table", "nothing: the file is empty", "fetch it again")
        _, name, index, row = nearest
        lacks = [pattern for column, pattern in columns.items() if column not in _headings(row, columns)]
        shown = ", ".join(filter(None, row))[:200]
        raise refusal(
            DataError,
            f"{self.path}{f', sheet {name!r}' if name else ''}",
            f"a header row in the first {HEADER_ROWS} rows",
            f"none; the nearest is row {index + 1} ({shown}), which lacks headings like {', '.join(lacks)}",
            "fetch the file again as published, or undo changes to its headings",
        )

    def unreadable(self, error: object) -> DataError:
        """What to raise when the file cannot be opened."""
        return refusal(
            DataError, str(self.path), "a file that can be read", f"one that cannot ({error}); it may be cut short or still downloading", "fetch it again"
        )

    def _cells(self, sheet: str) -> list[list[Any]]:
        rows: list[list[Any]] = self._workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        return rows

    def _names(self) -> list[str]:
        import pyarrow as arrow
        from pyarrow import parquet

        try:
            return list(parquet.read_schema(self.path).names)
        except (arrow.ArrowException, OSError, ValueError) as error:
            raise self.unreadable(error) from error

    def _parquet(self) -> list[list[Any]]:
        frame = self.columns()
        return [list(frame.columns), *frame.astype(object).where(frame.notna(), "").to_numpy().tolist()]

    def _csv(self) -> list[list[Any]]:
        data = self.path.read_bytes()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            try:
                text = data.decode("cp1252")  # older releases were saved on Windows
            except UnicodeDecodeError as error:
                raise refusal(
                    DataError, str(self.path), "text in UTF-8 or Windows-1252", f"neither (byte {error.start})", "fetch the file again as published"
                ) from error
        if "\0" in text:
            raise refusal(
                DataError, str(self.path), "text in UTF-8 or Windows-1252", "neither (it holds null bytes, as UTF-16 does)", "fetch the file again as published"
            )
        return list(csv.reader(text.splitlines(keepends=True), delimiter="\t" if self.path.suffix.lower() == ".tsv" else ","))


def _headings(words: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    at = {}
    for name, pattern in columns.items():
        hit = next((j for j, cell in enumerate(words) if cell and re.fullmatch(pattern, cell, re.IGNORECASE)), None)
        if hit is not None:
            at[name] = hit
    return at
