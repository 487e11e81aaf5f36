"""Who is who: the region of each authority, and the upper-tier authority of each district (ONS, April 2021)."""

from __future__ import annotations

import re

from causal.sources.england.book import Book, said
from causal.sources.england.extract import Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release

REGIONS, DISTRICTS = Edition(part="regions"), Edition(part="districts")
REGION = {"name": "la_name", "code": "la_code", "region": "region"}
DISTRICT = {"lower": r"LTLA\d\dCD", "upper": r"UTLA\d\dCD"}
WIDEST = 6  # columns: a wider file with such headings is data, not a lookup


def recognise(book: Book) -> Edition | None:
    """A narrow table of authority, code and region, or of lower- and upper-tier codes."""
    if not book.is_csv or len(next((row for row in book.head("") if any(row)), [])) > WIDEST:
        return None
    if book.table(DISTRICT):
        return DISTRICTS
    return REGIONS if book.table(REGION) else None


def read(book: Book, edition: Edition) -> Extract:
    """Authorities with name and region, or links from district to upper-tier authority; England only.

    Raises
    ------
    DataError : the headings are not there, or no English code is.
    """
    table, cells = book.wanted(DISTRICT if edition == DISTRICTS else REGION), Cells(book.path)
    links = {}
    for row, record in table.records():
        for column in ("lower", "upper", "code"):
            if column in record and not re.fullmatch(r"[EWSN]\d{8}", said(record[column])):
                cells.problem("a GSS code such as E06000001 was expected; the row is left out", row=row, column=table.heading(column), value=record[column])
                break
        else:
            if edition == REGIONS:
                cells.authority(new=record["code"], name=record["name"], region=record["region"])
            elif said(record["lower"]).startswith("E"):
                links[said(record["lower"])] = said(record["upper"])
    return cells.extract(links=links)


PUBLICATION = Publication(
    key="lookups",
    title="ONS, Lookups of local authorities: regions, and lower to upper tier (April 2021)",
    page="https://geoportal.statistics.gov.uk",
    gives={},
    editions=(REGIONS, DISTRICTS),
    recognise=recognise,
    read=read,
    released=lambda edition: 2021,
    whole=False,
    releases=(
        Release(name="la_region.csv", sha256="b2b7678f8e83b04f0e0f289ddeb60f60b31cbc03030bfdccbde47200a333c75e", edition=REGIONS),
        Release(name="ltla-utla-lookup.csv", sha256="4f965cef09f7c695cfb57265a27ab3a10f8c66149070851ba4c6ee823583fb8d", edition=DISTRICTS),
    ),
)
