"""DfE: Children's social work workforce, years to 30 September, as tidy files of Explore Education Statistics.

A count of 30 September is put to the year ending the 31 March after: 30 September 2024 stands under 2025. Counts are taken, of full-time equivalents, and the
rates are made of them; caseload is cases ÷ the social workers who hold any.
"""

from __future__ import annotations

import re
from dataclasses import replace

from causal.sources.england.book import Book, Table, said
from causal.sources.england.extract import ENGLAND, Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release
from causal.sources.england.publications.children_in_need import EACH_FILE, NAMES, PLACE, last_year, note_authority, note_lacking, prints, rows
from causal.sources.england.witnesses import EMPTY, Line, contradicted

WANTED = {
    "social_workers": "inpost_fte",
    "social_workers_left": "leavers_fte",
    "social_work_agency": "agency_fte",
    "social_work_vacancies": "vacancy_fte",
    "social_work_case_holders": "case_holders_fte",
    "social_work_cases": "cases",
}
TELLS = frozenset({"time_period", "geographic_level", "old_la_code", "inpost_fte", "vacancy_fte"})
KNOWN = 2025
PAIR = re.compile(r"\d{3}(?: ?/ ?\d{3})+")
TOGETHER = {"940 / 941": "928"}  # the two halves of Northamptonshire are the county that was


def recognise(book: Book) -> Edition | None:
    """A tidy file with social workers in post and vacancies."""
    return Edition(year=last_year(book)) if prints(book, TELLS) else None


def read(book: Book, edition: Edition) -> Extract:
    """One row for each year and place."""
    table, cells = (
        book.wanted({"year": "time_period", **PLACE}, optional=NAMES | {name: re.escape(heading) for name, heading in WANTED.items()}),
        Cells(book.path),
    )
    note_lacking(table, cells, WANTED, later=edition.year > KNOWN, known=EACH_FILE | set(WANTED.values()))
    printed = [name for name in WANTED if name in table.at]
    whole, table = table, _apart(table, cells)
    found = list(rows(table, cells))
    lines = Line.of(found)
    # pairs count as a part of their region too
    bad = contradicted(whole, cells, lines, sums=tuple(printed), quantities={name: name for name in printed})
    for row, place, record in found:
        if (year := cells.year(table, row, "year", record["year"])) is None:
            continue
        if place != ENGLAND:
            note_authority(cells, year, record)
        for name in printed:
            cell = EMPTY if {(row, name), (row, "")} & bad else record[name]
            cells.add(table, row, name, cell, place=place, year=year + 1, column=name)
    return cells.extract()


def _apart(table: Table, cells: Cells) -> Table:
    """The table with both halves of Northamptonshire as their county, and without other pairs that are printed as one ("314 / 318"), each told once."""
    rows_of: dict[str, int] = {}
    lines = list(table.rows)
    for index in range(table.header + 1, len(lines)):
        line = lines[index]
        code = said(line[table.at["old"]]) if len(line) > table.at["old"] else ""
        if code in TOGETHER:
            lines[index] = [TOGETHER[code] if j == table.at["old"] else cell for j, cell in enumerate(line)]
        elif PAIR.fullmatch(code):
            rows_of.setdefault(code, index + 1)
            lines[index] = []
    for code, row in rows_of.items():
        what = "two authorities are printed as one, and cannot be told apart: they have no numbers in the years in which this file does so"
        cells.problem(what, row=row, column=table.heading("old"), value=code)
    return replace(table, rows=lines)


PUBLICATION = Publication(
    key="workforce",
    title="DfE, Children's social work workforce",
    named=lambda edition: f"DfE, Children's social work workforce, {edition.year} release",
    page="https://explore-education-statistics.service.gov.uk/find-statistics/children-s-social-work-workforce",
    gives={
        "social_workers": "child and family social workers in post at 30 September, full-time equivalent",
        "social_workers_left": "child and family social workers who left in the year to 30 September, full-time equivalent",
        "social_work_agency": "agency social workers at 30 September, full-time equivalent",
        "social_work_vacancies": "vacant posts of social workers at 30 September, full-time equivalent",
        "social_work_case_holders": "social workers holding cases at 30 September, full-time equivalent",
        "social_work_cases": "cases held at 30 September, number",
    },
    editions=(Edition(year=2025),),
    recognise=recognise,
    read=read,
    released=lambda edition: edition.year + 1,
    whole=False,
    spans=lambda edition: (2018, edition.year + 1),
    releases=(
        Release(name="csww_indicators_2017_to_2025.csv", sha256="9e058bac193cc5b03f0d21ebe4259c8935d236dbf59f09d90b3e0916bfbca95f", edition=Edition(year=2025)),
    ),
)
