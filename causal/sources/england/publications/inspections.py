"""Ofsted: every judgement of authorities' children's services since 2009, and Ofsted's own list of where each stood at 31 March.

Two workbooks say it, each in a layout of its own.

- **Underlying data of 2023**, sheet `LA_inspections_2009-2023`: one row for each authority and, for each framework, the day on which a report was published and
  its judgement. Below the authorities of 2023 stands a second table with a header of its own, for those that are gone (Bournemouth, Dorset, Poole,
  Northamptonshire). Authorities are named, in Ofsted's spelling, and have no code.
- **Inspection outcomes as at 31 March 2025**, sheet `ILACS_inspection_history`: one row for each inspection since 2018, with code, day of inspection and day of
  publication.

**What is taken as the judgement** of an authority is the overall one: of safeguarding (inspections of safeguarding and looked-after children, 2009 to 2012, and
their re-inspections), of child protection (2012 and 2013), the overall judgement of the single inspection (2013 to 2017) and of ILACS (from 2018). Inspections
of looked-after children alone are left out. Grades are 1 (outstanding), 2 (good), 3 (requires improvement; adequate before 2013) and 4 (inadequate). A focused
or monitoring visit makes no judgement.

**When it counts.** A judgement is dated by the day on which it was published: from then on it was known. Ofsted's own lists at 31 March hold inspections made
by then and published by 30 June, so a few authorities differ there; those are kept apart as `judgement_listed`, to check against.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from causal.errors import DataError, refusal
from causal.sources.england.book import Book, Table, said
from causal.sources.england.extract import Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release

NAMED = {"name": "Local authority name"}
CODE = {"code": "Local authority area code"}
GRADES = {"outstanding": 1.0, "good": 2.0, "requires improvement to be good": 3.0, "requires improvement": 3.0, "adequate": 3.0, "inadequate": 4.0}
SINCE_2009, SINCE_2018 = "judgements since 2009", "judgements since 2018"
HISTORY_2009, HISTORY_2018 = r"LA_inspections_2009-20\d\d", r"ILACS_inspection_history"
LISTED = r"(?:LA_level_at_31_Mar(?:ch)?_20\d\d|Inspections_as_at_31_March)"
# Framework → pattern of the heading over the day of publication, and over the judgement, in the workbook since 2009.
FRAMEWORKS = {
    "safeguarding": (r"Safeguarding & Looked After Children .* publication date", r"SLAC Safeguarding Overall effectiveness.*"),
    "safeguarding again": (r"SLAC re-inspection of Safeguarding publication date", r"SLAC re-inspection Safeguarding OE"),
    "child protection": (r"Child Protection Inspections .* publication date", r"CPI Overall Effectiveness.*"),
    "child protection again": (r"Child Protection Re-Inspection .* publication date", r"CPRI Overall Effectiveness.*"),
    "single inspection": (r"Single Inspection of LA Children's Services .* First SIF publication date", r"First SIF Overall Judgement.*"),
    "single inspection again": (r"Single Inspection of LA Children's Services .* Re-inspection publication date", r"SIF Re-inspection Overall Judgement.*"),
    "ILACS": (r"(?:First )?ILACS framework publication date", r"(?:First )?ILACS framework overall effectiveness"),
    "ILACS again": (r"Second ILACS framework publication date", r"Second ILACS framework overall effectiveness"),
}
SECOND = ("ILACS again",)  # what the table of authorities that are gone does not head
HISTORY = {"inspected": "Inspection date", "published": "Publication date", "judged": "Overall effectiveness"}
STATE = {**NAMED, "inspected": "Inspection date", "judged": "Overall effectiveness"}
FORMER = {"bournemouth": "837", "dorset": "835", "poole": "836", "northamptonshire": "928"}  # in the second table, of those that are gone
DORSET = {"dorset": "838"}  # in the first, the Dorset of today
EPOCH = date(1970, 1, 1)
EXPECTED = "outstanding, good, requires improvement or inadequate was expected"


def recognise(book: Book) -> Edition | None:
    """By the sheet of a history, and what its header says; the year is that of the last 31 March that it goes to."""
    if book.is_csv or book.is_parquet:
        return None
    for sheet in book.sheets:
        if re.fullmatch(HISTORY_2009, sheet.strip(), re.IGNORECASE) and book.table({**NAMED, "judged": FRAMEWORKS["ILACS"][1]}, sheet=re.escape(sheet.strip())):
            return Edition(year=int(sheet.strip()[-4:]), part=SINCE_2009)
        if re.fullmatch(HISTORY_2018, sheet.strip(), re.IGNORECASE) and book.table(NAMED | HISTORY, sheet=re.escape(sheet.strip())):
            title = re.search(r"20\d\d ?- ?(20\d\d)", " ".join(book.head(sheet)[0]))
            return Edition(year=int(title[1]) if title else 0, part=SINCE_2018)
    return None


def read(book: Book, edition: Edition) -> Extract:
    """One cell for each judgement, whose part is the day of publication, and one for each authority's state in Ofsted's own list.

    Raises
    ------
    DataError : a sheet lacks the headings that make a judgement.
    """
    cells = Cells(book.path)
    if edition.part == SINCE_2009:
        _since_2009(book, cells)
    else:
        _since_2018(book, cells)
    _listed(book, cells, edition.year)
    return cells.extract()


def _since_2009(book: Book, cells: Cells) -> None:
    patterns = {f"{kind} {name}": pattern for name, both in FRAMEWORKS.items() for kind, pattern in zip(("published", "judged"), both, strict=True)}
    first = book.wanted(NAMED, sheet=HISTORY_2009, optional=patterns)
    for name, (published, judged) in FRAMEWORKS.items():
        for column, pattern in ((f"published {name}", published), (f"judged {name}", judged)):
            if column not in first.at and name not in SECOND:
                raise refusal(
                    DataError,
                    f"{book.path}, sheet {first.sheet!r}",
                    f"a heading like {pattern} in row {first.header + 1}, by which a judgement is told",
                    "none",
                    "fetch the file again as published",
                )
    for table, codes in _blocks(first, patterns):
        for row, record in table.records():
            name = said(record["name"])
            for framework in FRAMEWORKS if name else ():
                published, judged = record.get(f"published {framework}", ""), record.get(f"judged {framework}", "")
                if said(judged) or said(published):
                    at = (f"judged {framework}", f"published {framework}")
                    _judgement(cells, table, row, place=codes.get(name.lower(), name), published=published, judged=judged, columns=at)


def _blocks(first: Table, patterns: dict[str, str]) -> Iterator[tuple[Table, dict[str, str]]]:
    """The table of authorities that stand, and each below it with a header of its own, of those that are gone; with the codes of names that mean two."""
    name = first.at["name"]
    below = range(first.header + 1, len(first.rows))
    headers = [first.header, *(index for index in below if len(first.rows[index]) > name and said(first.rows[index][name]) == NAMED["name"])]
    for at, (header, end) in enumerate(zip(headers, [*headers[1:], len(first.rows)], strict=True)):
        words = [said(cell) for cell in first.rows[header]]
        found = {}
        for column, pattern in {**NAMED, **patterns}.items():
            if (hit := next((j for j, cell in enumerate(words) if re.fullmatch(pattern, cell, re.IGNORECASE)), None)) is not None:
                found[column] = hit
        rows = first.rows[:end]
        while len(rows) > header + 1 and sum(bool(said(cell)) for cell in rows[-1]) < 2:  # blank lines, and the title of the next table
            rows = rows[:-1]
        yield replace(first, rows=rows, header=header, at=found), FORMER if at else DORSET


def _since_2018(book: Book, cells: Cells) -> None:
    table = book.wanted(NAMED | HISTORY, sheet=HISTORY_2018, optional=CODE)
    for row, record in table.records():
        place = said(record.get("code", "")) or said(record["name"])
        _judgement(cells, table, row, place=place, published=record["published"], judged=record["judged"], columns=("judged", "published"))
        inspected, published = _day(record["inspected"]), _day(record["published"])
        if inspected and published:
            cells.add(table, row, "inspected", float((inspected - EPOCH).days), place=place, year=0, column="inspected", part=published.isoformat())


def _judgement(cells: Cells, table: Table, row: int, *, place: str, published: Any, judged: Any, columns: tuple[str, str]) -> None:
    """One judgement, its part the day of publication; what is none is noted and left out. `columns`: of the judgement, and of its day."""
    grade, day = GRADES.get(said(judged).lower()), _day(published)
    if grade is None:
        message = f"{EXPECTED}; the judgement is left out"
        cells.problem(message, row=row, column=table.heading(columns[0]), value=judged, quantity="judgement")
    elif day is None:
        message = "a day of publication was expected; the judgement is left out"
        cells.problem(message, row=row, column=table.heading(columns[1]), value=published, quantity="judgement")
    else:
        cells.add(table, row, "judgement", grade, place=place, year=0, column=columns[0], part=day.isoformat())


def _listed(book: Book, cells: Cells, year: int) -> None:
    """Where each authority stood at 31 March by Ofsted's own list."""
    table = book.table(STATE, sheet=LISTED, optional=CODE)
    if table is None:
        cells.problem("no sheet lists where authorities stood at 31 March, so the judgements are not held against it", quantity="judgement_listed")
        return
    for row, record in table.records():
        if not said(record["name"]):
            continue
        place, judged = said(record.get("code", "")) or said(record["name"]), said(record["judged"])
        grade = GRADES.get(judged.lower())
        if grade is None and judged:
            cells.problem(f"{EXPECTED}; the cell is left empty", row=row, column=table.heading("judged"), value=judged, quantity="judgement_listed")
        cells.add(table, row, "judgement_listed", "" if grade is None else grade, place=DORSET.get(place.lower(), place), year=year, column="judged")


def _day(cell: object) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    for form in ("%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%d %B %Y"):
        try:
            return datetime.strptime(said(cell), form).date()
        except ValueError:
            continue
    return None


TITLE = "Ofsted, inspection outcomes of local authorities' children's services"
PUBLICATION = Publication(
    key="inspections",
    title=TITLE,
    named=lambda edition: f"{TITLE} to 31 March {edition.year}" if edition.year else TITLE,
    page="https://www.gov.uk/government/statistics/local-authority-inspection-outcomes-as-at-31-march-2025",
    gives={
        "judgement": "overall judgement of an inspection, published on the day named by its part: 1 outstanding, 2 good, 3 requires improvement, 4 inadequate",
        "inspected": "day of an inspection whose report was published on the day named by its part, days since 1 January 1970",
        "judgement_listed": "overall judgement at 31 March in Ofsted's own list, of inspections made by then and published by 30 June",
    },
    editions=(Edition(year=2023, part=SINCE_2009), Edition(year=2025, part=SINCE_2018)),
    recognise=recognise,
    read=read,
    released=lambda edition: edition.year,
    whole=False,
    releases=(
        Release(
            name="Childrens_social_care_in_England_2023_underlying_data.ods",
            sha256="c3377447d882ebc5f64910e1520a4b69fdff1f74da9e0f928ee2f10f2992dd41",
            edition=Edition(year=2023, part=SINCE_2009),
        ),
        Release(
            name="LA_Inspection_Outcomes_as_at_31_March_2025.ods",
            sha256="cf995c5bba20da43e0d1930035b569061974982e386ccefc1ee98b776f0c9faf",
            edition=Edition(year=2025, part=SINCE_2018),
        ),
    ),
)
