"""ONS: mid-year estimates of children aged 0 to 17, as DfE gives them with the children in need release of 2022 (mid-2012 to mid-2020).

DfE's rates of a year ending 31 March use the middle of the year before, so mid-2017 is given the year 2018 here.
"""

from __future__ import annotations

import re

from causal.sources.england.book import Book, said
from causal.sources.england.extract import Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release
from causal.sources.england.publications.children_in_need import PLACE, prints, rows

COLUMNS = {"year": "time_period", **PLACE, "age": "age_group", "children": "population_estimate"}
AGES = re.compile(r"children aged 0 to 17( years)?", re.IGNORECASE)


def recognise(book: Book) -> Edition | None:
    """A tidy file with an age group and an estimate."""
    return Edition() if prints(book, frozenset(COLUMNS.values())) else None


def read(book: Book, edition: Edition) -> Extract:
    """One row for each mid-year and place."""
    table, cells = book.wanted(COLUMNS), Cells(book.path)
    for row, place, record in rows(table, cells):
        if not AGES.fullmatch(said(record["age"])):
            cells.problem("'Children aged 0 to 17 years' was expected; the row is left out", row=row, column=table.heading("age"), value=record["age"])
        elif year := cells.year(table, row, "year", record["year"]):
            cells.add(table, row, "population_0_17", record["children"], place=place, year=year + 1, column="children")
    return cells.extract()


PUBLICATION = Publication(
    spans=lambda edition: (2013, 2021),
    key="mid_year_population",
    title="ONS, mid-year population estimates, as released by DfE with Characteristics of children in need 2022",
    page="https://explore-education-statistics.service.gov.uk/find-statistics/characteristics-of-children-in-need",
    gives={"population_0_17": "children aged 0 to 17 in the middle of the year before, number"},
    editions=(Edition(),),
    recognise=recognise,
    read=read,
    released=lambda edition: 2022,
    releases=(
        Release(
            name="ons_mid-year_population_estimates.csv",
            sha256="7d828c4309cb2e8e0d8e3c5821b82ec1e324faf2116695e60f6999016346092a",
            edition=Edition(),
        ),
    ),
)
