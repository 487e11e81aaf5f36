"""Published files as they are: which file is which publication, where its header is, what its cells mean.

A statistical release is a spreadsheet or CSV with a few title rows, a header whose wording changes from year to year, and markers
(`x`, `c`, `z`, …) where a number is withheld. `find` tells publications apart by file name, `Grid` finds the header by what its
cells say, and `Grid.number` turns a cell into a number: a marker is missing, never 0, and anything else that is no
number is refused with its file, row and column.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from causal.errors import DataError

MARKERS = frozenset({"", "x", "c", "z", "u", "k", "low", ":", "..", ".", "-", "n/a", "null", "#div/0!"})
SURE_START = "https://www.gov.uk/government/statistics/la-and-school-expenditure-2021-to-2022-financial-year (and its earlier years)"
CIN = "https://explore-education-statistics.service.gov.uk/find-statistics/characteristics-of-children-in-need"
CENSUS = "https://www.gov.uk/government/collections/children-in-need-census"
LOW_INCOME = "https://www.gov.uk/government/statistics/personal-tax-credits-children-in-low-income-families-local-measure (and its earlier years)"
OUTTURN = (
    "https://www.gov.uk/government/statistics/local-authority-revenue-expenditure-and-financing-england-2024-to-2025-"
    "individual-local-authority-data-outturn (and its earlier years)"
)
IMD = "https://www.gov.uk/government/statistics/english-indices-of-deprivation-2015"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One publication: how its files are named, what they are called, what they give, where they are published.

    `pattern` matches a file name, ignoring case; its first group, where there is one, is the year ending 31 March.
    """

    key: str
    title: str
    pattern: str
    gives: tuple[str, ...]
    page: str
    years: tuple[int, ...] = ()


PUBLICATIONS: tuple[Publication, ...] = (
    Publication(
        key="plans",
        title="DfE, Characteristics of children in need, 2022 release, d1 child protection plans",
        pattern=r"d1_child_protection_plans.*\.csv",
        gives=("plans", "plans_count"),
        page=CIN,
    ),
    Publication(
        key="children",
        title="ONS mid-year population estimates, children aged 0 to 17 (in DfE, Characteristics of children in need, 2022 release)",
        pattern=r"ons_mid-year_population_estimates.*\.csv",
        gives=("children",),
        page=CIN,
    ),
    Publication(
        key="cin",
        title="DfE, Children in need in England, underlying data (OSR28/2010, OSR26/2011, SFR27/2012)",
        pattern=r"(?:osr\d\d|sfr27)-(201[012])ud.*\.csv",
        gives=("plans", "plans_count", "referrals", "section47"),
        page=CENSUS,
        years=(2010, 2011, 2012),
    ),
    Publication(
        key="referrals",
        title="DfE, Characteristics of children in need, 2022 release, c1 referrals",
        pattern=r"c1_children_in_need_referrals.*\.csv",
        gives=("referrals",),
        page=CIN,
    ),
    Publication(
        key="section47",
        title="DfE, Characteristics of children in need, 2022 release, c4 section 47 enquiries",
        pattern=r"c4_children_in_need_section_47s.*\.csv",
        gives=("section47",),
        page=CIN,
    ),
    Publication(
        key="nomis",
        title="ONS mid-year population estimates, ages 0 to 16 (Nomis)",
        pattern=r"nomis_popest\.csv",
        gives=("children",),
        page="https://www.nomisweb.co.uk",
    ),
    Publication(
        key="s251",
        title="DfE, LA and school expenditure, section 251 outturn, Table A1",
        pattern=r"s251ye(201[1-9])\.(?:xls|xlsx|ods)",
        gives=("centre_spend_per_child", "centre_spending", "log_centre_spending"),
        page=SURE_START,
        years=tuple(range(2011, 2020)),
    ),
    Publication(
        key="deflator",
        title="HM Treasury and ONS, GDP deflator",
        pattern=r"gdp_deflator\.xlsx?",
        gives=("centre_spend_per_child", "centre_spending", "log_centre_spending", "spending_power"),
        page="https://www.gov.uk/government/collections/gdp-deflators-at-market-prices-and-money-gdp",
    ),
    Publication(
        key="imd",
        title="MHCLG, English Indices of Deprivation 2015, upper-tier summaries",
        pattern=r"imd-2015\.xlsx?",
        gives=("deprivation",),
        page=IMD,
    ),
    Publication(
        key="spending_power",
        title="MHCLG, Local government finance settlement, annual change in spending power (compiled by C. Robinson)",
        pattern=r"spendingpercentage\.csv",
        gives=("spending_power",),
        page="https://www.gov.uk/government/collections/core-spending-power",
    ),
    Publication(
        key="hmrc",
        title="HMRC, Personal tax credits: children in low-income families local measure, 31 August",
        pattern=r"low-income-(201[1-5])\.xlsx?",
        gives=("child_poverty",),
        page=LOW_INCOME,
        years=tuple(range(2011, 2016)),
    ),
    Publication(
        key="dwp",
        title="DWP, Children in low income families (Stat-Xplore), relative low income by local authority code",
        pattern=r"children-relative-low-income-.*code\.csv",
        gives=("child_poverty",),
        page="https://www.gov.uk/government/collections/children-in-low-income-families-local-area-statistics",
    ),
    Publication(
        key="outturn",
        title="MHCLG, Revenue outturn summary (RS) 2010-11",
        pattern=r"revenue_outturn_summary.*2010-11.*\.xlsx?",
        gives=("grant_dependence",),
        page=OUTTURN,
    ),
    Publication(
        key="e_codes",
        title="MHCLG, Revenue outturn summary (RS) 2017-18, for the ONS code of each E-code",
        pattern=r"rs_2017-18.*\.xlsx?",
        gives=("grant_dependence",),
        page=OUTTURN,
    ),
    Publication(
        key="register",
        title="DfE, Get Information about Schools, full children's-centre extract with close dates",
        pattern="",  # told by its header: people name their downloads as they like
        gives=("closures",),
        page="https://get-information-schools.service.gov.uk",
    ),
)
BY_KEY = {publication.key: publication for publication in PUBLICATIONS}
REGISTER_COLUMNS = (
    "URN", "LA (code)", "LA (name)", "EstablishmentName", "TypeOfEstablishment (name)", "EstablishmentStatus (name)", "OpenDate", "CloseDate",
)  # fmt: skip


def find(folder: Path) -> dict[str, dict[int, Path]]:
    """Files of each publication: key → year ending 31 March (0 where a publication is one file) → file.

    Raises
    ------
    DataError : the folder does not exist, or two files claim to be the same publication and year.
    """
    if not folder.is_dir():
        raise DataError(f"there is no folder {str(folder)!r}; source.path names the folder that holds the published files")
    found: dict[str, dict[int, Path]] = {publication.key: {} for publication in PUBLICATIONS}
    for path in sorted(file for file in folder.rglob("*") if file.is_file()):
        key, year = recognise(path)
        if not key:
            continue
        if year in found[key]:
            raise DataError(f"{found[key][year]} and {path} both look like: {BY_KEY[key].title}{f', {year}' if year else ''}; keep one")
        found[key][year] = path
    return found


def recognise(path: Path) -> tuple[str, int]:
    """Key and year of the publication that a file is; ("", 0) if it is none that is read here."""
    for publication in PUBLICATIONS:
        match = publication.pattern and re.fullmatch(publication.pattern, path.name, re.IGNORECASE)
        if match:
            return publication.key, int(match[1]) if match.groups() else 0
    if path.suffix.lower() == ".csv":
        with path.open("rb") as file:
            head = next(csv.reader([file.readline(20_000).decode("cp1252", errors="replace")]), [])
        if set(REGISTER_COLUMNS) <= {cell.strip().lstrip("ï»¿") for cell in head}:
            return "register", 0
    return "", 0


def wanted(key: str) -> str:
    """What to fetch and where: the words for a missing publication."""
    publication = BY_KEY[key]
    if key == "register":
        return f"{publication.title} (columns {', '.join(REGISTER_COLUMNS)}; the open-only extract does not do), from {publication.page}"
    return f"{publication.title}, from {publication.page}"


def read_rows(path: Path, sheet: str | int = 0) -> list[list[Any]]:
    """All rows of a CSV file or of one sheet, empty ones included, so that row numbers are those a reader sees.

    Raises
    ------
    DataError : the file cannot be opened, is cut short, or has no such sheet.
    """
    try:
        if path.suffix.lower() == ".csv":
            data = path.read_bytes()
            try:
                text = data.decode("utf-8-sig")
            except UnicodeDecodeError:  # older releases were saved on Windows
                text = data.decode("cp1252")
            rows: list[list[Any]] = list(csv.reader(text.splitlines(keepends=True)))
        else:
            import python_calamine  # here, not above: only spreadsheets need it

            book = python_calamine.CalamineWorkbook.from_path(str(path))
            if isinstance(sheet, str):
                near = [name for name in book.sheet_names if re.match(sheet, name, re.IGNORECASE)]
                if not near:
                    raise DataError(f"{path}: no sheet named like {sheet!r}; it has {book.sheet_names}. Fetch the file again as published")
                rows = book.get_sheet_by_name(near[0]).to_python(skip_empty_area=False)
            else:
                rows = book.get_sheet_by_index(sheet).to_python(skip_empty_area=False)
    except DataError:
        raise
    except Exception as error:  # calamine raises several kinds, not all its own; each means the same to a reader
        raise DataError(f"{path}: cannot be read ({error}); it may be cut short or still downloading. Fetch it again") from error
    if not any(any(str(cell).strip() for cell in row) for row in rows):
        raise DataError(f"{path}: the file is empty; fetch it again")
    return rows


def said(cell: object) -> str:
    """A cell's words: spaces made single, 201.0 as "201"."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(str(cell).replace("\xa0", " ").replace("’", "'").split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table inside a file: its rows, where its header stands and which column is which."""

    path: Path
    rows: list[list[Any]]
    header: int
    at: Mapping[str, int]

    @classmethod
    def read(cls, path: Path, columns: Mapping[str, str], *, sheet: str | int = 0) -> Grid:
        """Find the first row in which every wanted column (name → pattern of its heading) stands.

        Raises
        ------
        DataError : no such row among the first 40; the message says which headings the nearest row lacks.
        """
        rows = read_rows(path, sheet)
        best: tuple[int, int, list[str]] = (-1, 0, list(columns))
        for index, row in enumerate(rows[:40]):
            at = {}
            for name, pattern in columns.items():
                hit = next((j for j, cell in enumerate(row) if re.fullmatch(pattern, said(cell), re.IGNORECASE)), None)
                if hit is not None:
                    at[name] = hit
            if len(at) == len(columns):
                return cls(path=path, rows=rows, header=index, at=at)
            if len(at) > best[0]:
                best = (len(at), index, [name for name in columns if name not in at])
        near = [said(cell) for cell in rows[best[1]] if said(cell)][:12]
        raise DataError(
            f"{path}: no header row was found in the first 40; wanted columns for {', '.join(columns)}. The nearest is row {best[1] + 1} "
            f"({', '.join(near)}), which lacks {', '.join(best[2])}. Fetch the file again as published, or undo changes to its headings"
        )

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Row number (as a spreadsheet shows it) and cells by column name, below the header, blank rows left out."""
        for number, row in enumerate(self.rows[self.header + 1 :], start=self.header + 2):
            cells = {name: row[j] if j < len(row) else "" for name, j in self.at.items()}
            if any(said(cell) for cell in cells.values()):
                yield number, cells

    def number(self, row: int, column: str, cell: object) -> float:
        """A cell as a number; markers are missing.

        Raises
        ------
        DataError : text that is neither number nor marker.
        """
        if isinstance(cell, (int, float)) and not isinstance(cell, bool):
            return float(cell) if math.isfinite(cell) else math.nan
        words = said(cell)
        if words.lower() in MARKERS:
            return math.nan
        try:
            value = float(words.replace(",", "").replace("£", ""))
        except ValueError:
            value = math.inf
        if not math.isfinite(value):
            raise self.error(row, column, cell, "a number, or one of the markers x c z : .. . -")
        return value

    def year(self, row: int, column: str, cell: object) -> int:
        """A cell as a whole year.

        Raises
        ------
        DataError : anything else.
        """
        value = self.number(row, column, cell)
        if not 1900 < value < 2100 or value % 1:
            raise self.error(row, column, cell, "a year such as 2018")
        return int(value)

    def error(self, row: int, column: str, cell: object, expected: str) -> DataError:
        """What to raise for one wrong cell."""
        heading = said(self.rows[self.header][self.at[column]]) if column in self.at else column
        return DataError(
            f"{self.path}, row {row}, column {heading or column!r}: got {cell!r}, expected {expected}. Fetch the file again as published, or mend the cell"
        )
