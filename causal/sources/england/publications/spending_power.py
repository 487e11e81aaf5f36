"""MHCLG, Local government finance settlement: spending power of each council, 2010-11 to 2020-21, as compiled by C. Robinson.

`SpendingPercentage.csv` has the change on the year before, like for like (revenue spending power to 2015-16, core spending power since), rounded to .01;
chained, it tells what happened to a council. `SpendingMillions.csv` has the level, £m, whose definition changed in 2013-14 and 2016-17: levels of different
years must not be compared. District councils are left out, since they run no children's services; City of London is absent from both. The Isles of Scilly are
classed as a county council.
"""

from __future__ import annotations

import re

from causal.sources.england.book import Book, said
from causal.sources.england.extract import Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release

KEYS = {"code": "ons_code", "class": "class"}
PAIR, YEAR = r"(20\d\d)(\d\d)_(20\d\d)(\d\d)", r"20\d\d"  # 201011_201112; 2012 is the year ending 31 March 2012
CHANGE, LEVEL = Edition(part="change"), Edition(part="level")
QUANTITY = {CHANGE: "spending_power_change", LEVEL: "spending_power_level"}
NOT_AVAILABLE = "na"  # as R prints a missing value: a council that was merged or split


def recognise(book: Book) -> Edition | None:
    """ONS code and class, and either pairs of successive years or years."""
    if not book.is_csv or not any({"ons_code", "class"} <= {word.lower() for word in row} for row in book.head("")):
        return None
    for edition in (CHANGE, LEVEL):
        if _years(book, edition):
            return edition
    return None


def read(book: Book, edition: Edition) -> Extract:
    """Every year's number of every council but shire districts.

    Raises
    ------
    DataError : the headings are not there.
    """
    years = _years(book, edition)
    table, cells = book.wanted(KEYS | {str(year): re.escape(heading) for year, heading in years.items()}), Cells(book.path)
    for row, record in table.records():
        if said(record["class"]).lower().startswith("district"):
            continue
        code = said(record["code"])
        if not re.fullmatch(r"E\d{8}", code):
            cells.problem("a GSS code such as E06000022 was expected; the row is left out", row=row, column=table.heading("code"), value=code)
            continue
        for year in years:
            cell = record[str(year)]
            cell = "n/a" if said(cell).lower() == NOT_AVAILABLE else cell
            cells.add(table, row, QUANTITY[edition], cell, place=code, year=year, column=str(year))
    return cells.extract(rounding={"spending_power_change": 0.01} if edition == CHANGE else {})


def _years(book: Book, edition: Edition) -> dict[int, str]:
    """Year ending 31 March → heading; a pair belongs to its later year, and one that spans more than a year is none."""
    header = next((row for row in book.head("") if {"ons_code", "class"} <= {word.lower() for word in row}), [])
    if edition == LEVEL:
        return {int(word): word for word in header if re.fullmatch(YEAR, word)}
    years = {}
    for word in header:
        pair = re.fullmatch(PAIR, word)
        if pair and int(pair[3]) == int(pair[1]) + 1 and int(pair[4]) == int(pair[2]) + 1:
            years[int(pair[3]) + 1] = word
    return years


PUBLICATION = Publication(
    spans=lambda edition: (2012, 2020) if edition == CHANGE else None,
    key="spending_power",
    title="MHCLG, Local government finance settlement, spending power of councils (compiled by C. Robinson)",
    page="https://www.gov.uk/government/collections/core-spending-power",
    gives={
        "spending_power_change": "change in spending power on the year before, cash, share",
        "spending_power_level": "spending power, £m of the year; not to be compared between years",
    },
    editions=(CHANGE, LEVEL),
    recognise=recognise,
    read=read,
    released=lambda edition: 2020,
    breaks={
        "spending_power_change": {2017: "core spending power replaces revenue spending power; each pair of years is like for like"},
        "spending_power_level": {
            2014: "business rates were localised and grants rolled in",
            2017: "core spending power replaces revenue spending power",
        },
    },
    releases=(
        Release(name="SpendingPercentage.csv", sha256="e8eed6b1bd2224c68b53ac4d0912419b55e10bf8269c56cad907e233c3a4f6ad", edition=CHANGE),
        Release(name="SpendingMillions.csv", sha256="52c5022de895199ef90cf68808658576f76956876fa3f9eabff8c638ef085a5b", edition=LEVEL),
    ),
)
