"""HM Treasury and ONS: the GDP deflator, by financial year."""

from __future__ import annotations

from causal.sources.england.book import Book
from causal.sources.england.extract import ENGLAND, Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release

COLUMNS = {"year": "year", "deflator": "gdp"}


def recognise(book: Book) -> Edition | None:
    """Two columns, a year and an index."""
    return Edition() if book.table(COLUMNS) else None


def read(book: Book, edition: Edition) -> Extract:
    """One row for each financial year."""
    table, cells = book.wanted(COLUMNS), Cells(book.path)
    for row, record in table.records():
        if year := cells.year(table, row, "year", record["year"]):
            cells.add(table, row, "gdp_deflator", record["deflator"], place=ENGLAND, year=year, column="deflator")
    return cells.extract()


PUBLICATION = Publication(
    spans=lambda edition: (2011, 2019),
    key="gdp_deflator",
    title="HM Treasury and ONS, GDP deflator",
    page="https://www.gov.uk/government/collections/gdp-deflators-at-market-prices-and-money-gdp",
    gives={"gdp_deflator": "GDP deflator, index"},
    editions=(Edition(),),
    recognise=recognise,
    read=read,
    released=lambda edition: 2019,
    releases=(Release(name="GDP_deflator.xlsx", sha256="a086e6ab13a856360ce3969dda38e9aebbe034a202204a71f0cc2aa60a27d118", edition=Edition()),),
)
