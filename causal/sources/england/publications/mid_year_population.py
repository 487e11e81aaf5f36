"""ONS: mid-year estimates of children aged 0 to 17, as DfE gives them with the releases of children in need.

Two series, and two quantities, since they are not to be mixed: that of the release of 2022 (mid-2012 to mid-2020) is rolled forward from the Census of 2011;
later ones (from mid-2012) are rebased on the Census of 2021. In mid-2020 the rebased one has 2.5 % fewer children in England, 37 % fewer in Westminster.

DfE's rates of a year ending 31 March use the middle of the year before, so mid-2017 is given the year 2018 here.
"""

from __future__ import annotations

import re

from causal.sources.england.book import Book, said
from causal.sources.england.extract import Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release
from causal.sources.england.publications.children_in_need import NAMES, PLACE, last_year, prints, rows
from causal.sources.england.witnesses import EMPTY, Line, contradicted

COLUMNS = {"year": "time_period", **PLACE, "age": "age_group", "children": "population_estimate"}
LAST_ROLLED = 2020  # mid-year after which only rebased estimates are published
AGES = re.compile(r"children aged 0 to 17( years)?", re.IGNORECASE)


def recognise(book: Book) -> Edition | None:
    """A tidy file with an age group and an estimate; of the rebased series if it goes beyond mid-2020, and then called by the year after its last."""
    if not prints(book, frozenset(COLUMNS.values())):
        return None
    last = last_year(book)
    return Edition(year=last + 1 if last > LAST_ROLLED else 0)


def read(book: Book, edition: Edition) -> Extract:
    """One row for each mid-year and place."""
    table, cells = book.wanted(COLUMNS, optional=NAMES), Cells(book.path)
    quantity = "population_0_17_rebased" if edition.year else "population_0_17"
    found = list(rows(table, cells))
    lines = Line.of(found)
    bad = contradicted(table, cells, lines, sums=("children",), apart="age", quantities={"children": quantity})
    for row, place, record in found:
        if not AGES.fullmatch(said(record["age"])):
            cells.problem("'Children aged 0 to 17 years' was expected; the row is left out", row=row, column=table.heading("age"), value=record["age"])
        elif year := cells.year(table, row, "year", record["year"]):
            cell = EMPTY if {(row, "children"), (row, "")} & bad else record["children"]
            cells.add(table, row, quantity, cell, place=place, year=year + 1, column="children")
    return cells.extract()


TITLE = "ONS, mid-year population estimates, as released by DfE with Characteristics of children in need"
PUBLICATION = Publication(
    spans=lambda edition: (2013, edition.year or 2021),
    key="mid_year_population",
    title=f"{TITLE} 2022",
    named=lambda edition: f"{TITLE} {edition.year or 2022}",
    page="https://explore-education-statistics.service.gov.uk/find-statistics/characteristics-of-children-in-need",
    gives={
        "population_0_17": "children aged 0 to 17 in the middle of the year before, rolled forward from the Census of 2011, number",
        "population_0_17_rebased": "children aged 0 to 17 in the middle of the year before, rebased on the Census of 2021, number",
    },
    editions=(Edition(),),
    recognise=recognise,
    read=read,
    released=lambda edition: edition.year or 2022,
    releases=(
        Release(
            name="ons_mid-year_population_estimates.csv",
            sha256="7d828c4309cb2e8e0d8e3c5821b82ec1e324faf2116695e60f6999016346092a",
            edition=Edition(),
        ),
        Release(
            name="ons_mid-year_population_estimates_2012_to_2024.csv",
            sha256="bd6420a0edd97dc2bfb25e70955399778a460483d5c417032b8fcb92230bfaa3",
            edition=Edition(year=2025),
        ),
    ),
)
