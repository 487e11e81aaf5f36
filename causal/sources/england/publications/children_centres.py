"""DfE's register of children's centres (Get Information about Schools), and the counts of centres told to Parliament.

- **The full extract** has every centre with open and close dates. Main centres (type "Children's centre") are read; a linked site is an outpost of one, and
  a centre turned into a linked site has closed as a centre. A blank open date is an old record. A closed centre without a close date cannot be put to a
  year: it is left out and told. Authorities fill in the register themselves (in real time only since September 2017), so it is as good as they are.
- **The open-only extract** has no close dates: a cross-section of one day, and no history. One that prints when each centre opened (July 2025) is preferred
  to one that does not (January 2026, of whose rows 137 were closed in the other).
- **Designated centres** by authority are from Hansard: the first 26 authorities of the alphabet at the end of October 2009, and London at the end of February
  2010. **National counts** are from Hansard, written answers and the Sutton Trust; what is counted differs from date to date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from causal.errors import DataError, refusal
from causal.sources.england.book import Book, Table, said
from causal.sources.england.extract import ENGLAND, Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release
from causal.sources.england.publications.section_251 import NOT_TOLD

REGISTER = {
    "urn": "URN",
    "code": r"LA \(code\)",
    "name": r"LA \(name\)",
    "centre": "EstablishmentName",
    "type": r"TypeOfEstablishment \(name\)",
    "status": r"EstablishmentStatus \(name\)",
    "opened": "OpenDate",
}
CLOSED = {"closed": "CloseDate"}
MAIN, LINKED = "children's centre", "children's centre linked site"
DESIGNATED = {"name": "la_name", "centres": r"designated_centres_[a-z]{3}20\d\d"}
COUNTS = {"date": "date", "measure": "measure", "centres": "n"}
CLOSURES = {"year": "calendar_year", "centres": "centres_closed"}
FULL = Edition(part="register, full extract")
OPEN_ONLY = "register, open centres"
OCTOBER, FEBRUARY = Edition(year=2010, part="designated, Oct 2009"), Edition(year=2010, part="designated, Feb 2010")
TIMELINE, BY_YEAR = Edition(part="national counts"), Edition(part="national closures")
FORMATS = ("%d-%m-%Y", "%d/%m/%Y", "%Y-%m-%d")
EPOCH = date(1970, 1, 1)


def recognise(book: Book) -> Edition | None:
    """The register's headings with a children's centre below them, or the headings of one of the transcribed tables."""
    if not book.is_csv:
        return None
    headings = {cell for row in book.head("") for cell in row if len(cell) < 50}
    if {"URN", "LA (code)", "TypeOfEstablishment (name)"} <= headings:
        table = book.table(REGISTER, optional=CLOSED)
        if table is None or not any(_kind(record) for _, record in table.records()):
            return None
        if any(said(record.get("closed", "")) for _, record in table.records() if _kind(record)):
            return FULL
        year = re.search(r"(?<!\d)(20[0-4]\d)", book.path.stem)
        return Edition(year=int(year[1]), part=OPEN_ONLY) if year else Edition(part=NOT_TOLD)
    if any("centres" in heading for heading in headings) and (table := book.table(DESIGNATED)):
        month, ended = table.heading("centres")[-7:-4].lower(), int(table.heading("centres")[-4:])
        return Edition(year=ended + (month not in ("jan", "feb", "mar")), part=f"designated, {month.title()} {ended}")
    if "calendar_year" in headings and book.table(CLOSURES):
        return BY_YEAR
    return TIMELINE if {"date", "measure", "n"} <= headings and book.table(COUNTS) else None


def read(book: Book, edition: Edition) -> Extract:
    """What the edition holds; see the module.

    Raises
    ------
    DataError : the year of an open-only extract is not told, or nothing can be used.
    """
    cells = Cells(book.path)
    if edition == FULL:
        _register(book.wanted(REGISTER | CLOSED), cells)
    elif edition.part == OPEN_ONLY:
        _listed(book.wanted(REGISTER), cells, edition.year)
    elif edition.part.startswith("designated"):
        table = book.wanted(DESIGNATED)
        for row, record in table.records():
            cells.add(table, row, "centres_designated", record["centres"], place=record["name"], year=edition.year, column="centres")
    elif edition == BY_YEAR:
        table = book.wanted(CLOSURES)
        for row, record in table.records():
            if year := cells.year(table, row, "year", record["year"]):
                cells.add(table, row, "centres_closed_calendar_year", record["centres"], place=ENGLAND, year=year, column="centres")
    elif edition == TIMELINE:
        table = book.wanted(COUNTS)
        for row, record in table.records():
            if (day := _day(table, cells, row, "date", record["date"])) is not None:
                part = day.isoformat()
                cells.add(table, row, "centres_national", record["centres"], place=ENGLAND, year=_year(day), column="centres", part=part)
    else:
        raise refusal(
            DataError,
            str(book.path),
            "an extract that prints its date",
            "one of open centres only, which does not",
            "put the year in the file's name, e.g. open_centres_2026.csv",
        )
    return cells.extract()


def _kind(record: dict[str, Any]) -> str:
    """Main centre, linked site, or "" for a school."""
    words = re.sub(r"^childrens\b", "children's", said(record["type"]).lower())
    return words if words in (MAIN, LINKED) else ""


def _centres(table: Table, cells: Cells) -> Iterator[tuple[int, str, str, dict[str, Any]]]:
    """Row, kind, authority's code and cells of each centre and linked site; one that is only proposed was never open."""
    for row, record in table.records():
        kind = _kind(record)
        if not kind or said(record["status"]).lower() == "proposed to open":
            continue
        code, urn = said(record["code"]), said(record["urn"])
        if not re.fullmatch(r"\d{3}", code) or not urn:
            column = "urn" if not urn else "code"
            message = "a 3-digit code of the authority and a URN were expected; the centre is left out"
            cells.problem(message, row=row, column=table.heading(column), value=record[column])
            continue
        yield row, kind, code, record


def _register(table: Table, cells: Cells) -> None:
    """Open and close date of each main centre, in days since 1 January 1970; a date that is none, or out of order, leaves the centre out."""
    for row, kind, code, record in _centres(table, cells):
        if kind != MAIN:
            continue
        days: dict[str, date | None] = {}
        for column in ("opened", "closed"):
            if said(record[column]):
                days[column] = _day(table, cells, row, column, record[column])
                if days[column] is None:
                    break
        else:
            opened, closed = days.get("opened"), days.get("closed")
            status = said(record["status"]).lower()
            if closed and status.startswith("open") and status != "open, but proposed to close":
                message = "the centre is open and has a close date: which is right cannot be told, and it is left out"
                cells.problem(message, row=row, column=table.heading("closed"), value=record["closed"], quantity="centre_closed")
                continue
            if not status.startswith(("open", "closed")):
                message = "'Open', 'Closed' or 'Proposed to open' was expected; the centre is left out"
                cells.problem(message, row=row, column=table.heading("status"), value=record["status"], quantity="centre_closed")
                continue
            if closed is None and said(record["status"]).lower() == "closed":
                message = "the centre is closed, and its close date is blank: it cannot be put to a year and is left out"
                cells.problem(message, row=row, column=table.heading("closed"), quantity="centre_closed")
                continue
            if opened and closed and closed < opened:
                message = f"the centre closed before it opened ({opened:%d-%m-%Y}); it is left out"
                cells.problem(message, row=row, column=table.heading("closed"), value=record["closed"], quantity="centre_closed")
                continue
            for column, day in (("opened", opened), ("closed", closed)):
                cell = float((day - EPOCH).days) if day else ""
                cells.add(table, row, f"centre_{column}", cell, place=code, year=0, column=column, part=said(record["urn"]))


def _listed(table: Table, cells: Cells, year: int) -> None:
    """One for each centre, and each linked site, that is open; apart too where the list prints when each opened, since one without is less up to date."""
    listed = [(row, kind, code, record) for row, kind, code, record in _centres(table, cells) if not said(record["status"]).lower().startswith("closed")]
    dated = 2 * sum(bool(said(record["opened"])) for *_, record in listed) > len(listed)
    for row, kind, code, record in listed:
        name = "centres_listed" if kind == MAIN else "centres_linked_listed"
        for each in (name, f"{name}_dated") if dated else (name,):
            cells.add(table, row, each, 1.0, place=code, year=year, column="type", part=said(record["urn"]))


def _day(table: Table, cells: Cells, row: int, column: str, cell: object) -> date | None:
    """A cell as a date; None, and noted, if it is none."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    for form in FORMATS:
        try:
            return datetime.strptime(said(cell), form).date()
        except ValueError:
            continue
    cells.problem("a date such as 31-03-2010 was expected; the row is left out", row=row, column=table.heading(column), value=cell)
    return None


def _year(day: date) -> int:
    """The year ending 31 March in which a day falls."""
    return day.year + (day.month > 3)


PUBLICATION = Publication(
    key="children_centres",
    title="DfE, Get Information about Schools, children's centres; and counts of centres told to Parliament",
    page="https://get-information-schools.service.gov.uk",
    gives={
        "centre_opened": "open date of a main centre, days since 1 January 1970",
        "centre_closed": "close date of a main centre, days since 1 January 1970",
        "centres_listed": "main centres open on the day of the extract, number",
        "centres_linked_listed": "linked sites open on the day of the extract, number",
        "centres_listed_dated": "main centres open on the day of an extract that prints when each opened, number",
        "centres_linked_listed_dated": "linked sites open on the day of an extract that prints when each opened, number",
        "centres_designated": "designated centres in 2009-10, number",
        "centres_national": "centres in England at a date, number",
        "centres_closed_calendar_year": "centres closed in England in a calendar year, number",
    },
    editions=(FULL, Edition(year=2026, part=OPEN_ONLY), OCTOBER, FEBRUARY, TIMELINE, BY_YEAR),
    recognise=recognise,
    read=read,
    released=lambda edition: {OCTOBER: 2009, FEBRUARY: 2010}.get(edition, edition.year),
    whole=False,
    breaks={
        "centres_national": {
            2011: "centres open; the counts before are of centres designated",
            2016: "main centres only, 705 linked sites apart",
            2017: "main centres and linked sites together",
            2018: "the Sutton Trust's count",
            2020: "main centres only, linked sites apart",
        }
    },
    releases=(
        Release(
            name="gias_open_childrens_centres_2026_schools.csv",
            sha256="92db2ca01a059e08e4273f4db396f280858a4993ba4459bd3a01f7360299864b",
            edition=Edition(year=2026, part=OPEN_ONLY),
        ),
        Release(
            name="gias_open_childrens_centres_2025-07-27_no_names.csv",
            sha256="9ff6b15f8d7d2ebe2964c6ffa8b89192efaaabf482ae82cf2c63e0145e2ec9d2",
            edition=Edition(year=2025, part=OPEN_ONLY),
        ),
        Release(
            name="hansard_2009-12-14_designated_centres_oct2009_PARTIAL.csv",
            sha256="8c0b441de1019ee7dfff0504d2fe26f24a38093ee8297d6524aff4beb91bbe17",
            edition=OCTOBER,
        ),
        Release(
            name="hansard_2010-04-06_designated_centres_feb2010_LONDON.csv",
            sha256="f4b398e795a7ba133a8be6c71a7435836bac8fdb229d5661df61bbc2c13c6f29",
            edition=FEBRUARY,
        ),
        Release(
            name="national_closures_by_calendar_year_PQ55895.csv",
            sha256="d5a504f1996c3b052fd62d846802525f1a963f6b36f285b580df9585d9df7116",
            edition=BY_YEAR,
        ),
        Release(
            name="national_counts_timeline.csv",
            sha256="6307303ad3ee27f8e7be44ece3cf57fd57b0f475efd9cc9a0937069f25a4f069",
            edition=TIMELINE,
        ),
    ),
)
