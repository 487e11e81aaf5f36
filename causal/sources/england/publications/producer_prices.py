"""ONS: Services producer price indices (SPPI), top level, by financial year.

The file prints calendar years and quarters. A financial year is the mean of its four quarters, April to March: each quarter is a part, a quarter of its index.
It is an index for the United Kingdom (2015 = 100) of what businesses charge one another for services: a second opinion beside the
GDP deflator, not the price of children's services. In March 2025 ONS stopped publishing it for a time: its chain-linking is at fault from December 2008 on,
most of all in 2022 and 2023. What is read here was released before that.
"""

from __future__ import annotations

import re
from collections import Counter

from causal.sources.england.book import Book, said
from causal.sources.england.extract import ENGLAND, Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release

COLUMNS = {"when": "Title", "index": r"(?:SPPI:? )?Top Level SPPI.*"}
QUARTERS = 4


def recognise(book: Book) -> Edition | None:
    """ONS's layout of time series, one column of which is the top level of SPPI."""
    if not book.is_csv or not any(row[:1] == ["Title"] for row in book.head("")):
        return None
    return Edition() if book.table(COLUMNS) else None


def read(book: Book, edition: Edition) -> Extract:
    """Financial years of which all four quarters are printed."""
    table, cells = book.wanted(COLUMNS), Cells(book.path)
    quarters = []
    for row, record in table.records():
        quarter = re.fullmatch(r"(\d{4}) Q([1-4])", said(record["when"]))
        if quarter and said(record["index"]):
            quarters.append((int(quarter[1]) + (quarter[2] != "1"), row, said(record["when"]), record["index"]))
    whole = Counter(year for year, *_ in quarters)
    for year, row, when, index in quarters:
        if whole[year] == QUARTERS:
            cells.add(table, row, "producer_prices", index, place=ENGLAND, year=year, column="index", part=when, scale=1 / QUARTERS)
    return cells.extract()


PUBLICATION = Publication(
    key="producer_prices",
    title="ONS, Services producer price indices (SPPI)",
    page="https://www.ons.gov.uk/economy/inflationandpriceindices/datasets/servicesproducerpriceindexsppi",
    gives={"producer_prices": "services producer prices, United Kingdom, all services but finance, index"},
    editions=(Edition(),),
    recognise=recognise,
    read=read,
    released=lambda edition: 2023,
    releases=(Release(name="sppi_2022.csv", sha256="e3f4f03af9c398da982acabdf304749b989026125a2c8e4363396645ed3fc18e", edition=Edition()),),
)
