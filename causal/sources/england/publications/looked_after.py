"""DfE: Children looked after, releases of 2018 (amended), 2019, 2022 and later.

The releases to 2019 are wide (one row for each authority), in the same layout as those before 2018, which take `wide` and `read_wide` from here; those of
2022 and later are tidy. In that of 2022 the headings are shifted: `population_count` holds what is counted and `population_estimate` the children aged 0 to
17. Later ones name them as they are (`population_type`, `children_count`). Beside each count stand the rate and the children that it was made of, which are
held against one another; the children are taken from the release of 2022 only, since later ones print ONS's rebased estimates, which have a file of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from causal.errors import DataError, refusal
from causal.sources.england.book import Book, Table, number, said
from causal.sources.england.extract import ENGLAND, Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release
from causal.sources.england.publications.children_in_need import NAMES, PLACE, last_year, note_authority, note_lacking, prints, rows
from causal.sources.england.witnesses import EMPTY, Line, contradicted

STOCK, STARTS, NUMBERS = "looked after", "starts", "numbers"  # parts of an edition
WIDE_PLACE = {"level": "geog_l", "old": "geog_c"}
WIDE_NAMES = {"new": "new_geog_code", "name": "geog_n"}
TOTALS = {STOCK: r"(?:CLA_Mar|MarTotal_)(20\d\d)", STARTS: r"(?:CLA_started|StartTotal_)(20\d\d)"}
QUANTITY = {STOCK: "looked_after", STARTS: "care_starts"}
AGES = {
    "care_starts_under_1": "SCLA_U1",
    "care_starts_1_4": "SCLA_1to4",
    "care_starts_5_9": "SCLA_5to9",
    "care_starts_10_15": "SCLA_10to15",
    "care_starts_16_plus": "SCLA_16over",
}
SHIFTED = {"year": "time_period", **PLACE, "measure": "population_count", "children": "population_estimate", "number": "number"}
LATER = {"year": "time_period", **PLACE, "measure": "population_type", "children": "population_estimate", "number": "children_count"}
RATE = {"rate": "rate_per_10000"}
MEASURES = {
    "children looked after at 31 march each year": "looked_after",
    "children looked after on 31 march each year": "looked_after",
    "children starting to be looked after each year": "care_starts",
    "children ceasing to be looked after each year": "",  # not taken
}
GIVES = {
    "looked_after": "children looked after at 31 March, number",
    "care_starts": "children who started to be looked after in the year, number",
    "care_starts_under_1": "children who started to be looked after in the year, aged under 1, number",
    "care_starts_1_4": "children who started to be looked after in the year, aged 1 to 4, number",
    "care_starts_5_9": "children who started to be looked after in the year, aged 5 to 9, number",
    "care_starts_10_15": "children who started to be looked after in the year, aged 10 to 15, number",
    "care_starts_16_plus": "children who started to be looked after in the year, aged 16 or over, number",
}
# What England's row prints in the file of 2015, which heads its starts CLA_started2014 as the file of 2014 does, and in that of 2014.
MISPRINT = {31070.0: 2015, 30430.0: 2014}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wide:
    """What a wide file is: its part, the year that it is about, its table, and the years of the columns (name in the table → year) that hold totals."""

    part: str
    year: int
    table: Table
    years: dict[str, int]


def wide(book: Book) -> Wide | None:
    """A wide file by its header, or None if it is none."""
    if not prints(book, frozenset(WIDE_PLACE.values())):
        return None
    table = book.table(WIDE_PLACE, optional=WIDE_NAMES | AGES)
    if table is None:
        return None
    header = [said(cell) for cell in table.rows[table.header]]
    for part in (STOCK, STARTS):
        found = {j: int(hit[1]) for j, cell in enumerate(header) if (hit := re.fullmatch(TOTALS[part], cell, re.IGNORECASE))}
        if found:
            named = max(found.values())
            year = _misprinted(book, table, next(iter(found))) if part == STARTS and set(found.values()) == {2014} else named
            years = {f"total {printed}": printed + year - named for printed in found.values()}
            at = {**table.at, **{f"total {printed}": j for j, printed in found.items()}}
            return Wide(part=part, year=year, table=replace(table, at=at), years=years)
    return None


def _misprinted(book: Book, table: Table, column: int) -> int:
    """2014 or 2015, by what England's row prints; by the file's name if it prints neither number."""
    for line in table.rows[table.header + 1 :]:
        if len(line) > max(column, table.at["level"]) and said(line[table.at["level"]]).lower() == "national":
            year = MISPRINT.get(number(line[column])[0])
            if year:
                return year
    return 2015 if "2015" in book.path.name else 2014


def read_wide(book: Book, edition: Edition) -> Extract:
    """One row for the country and one for each authority; starts by age in the year that the file is about.

    Parameters
    ----------
    book : the file.
    edition : the year that it is about.

    Raises
    ------
    DataError : no header with the places and a total.
    """
    found, cells = wide(book), Cells(book.path)
    if found is None:
        wanted = ", ".join(WIDE_PLACE.values())
        raise refusal(
            DataError, str(book.path), f"a header with {wanted} and a total such as CLA_Mar2017 or CLA_started2017", "none", "fetch the file again as published"
        )
    table = found.table
    taken = {name: (QUANTITY[found.part], year) for name, year in found.years.items()}
    if found.part == STARTS and found.year > 2010:  # 2010 prints no ages
        note_lacking(table, cells, AGES)
        taken |= {name: (name, found.year) for name in AGES if name in table.at}
    for row, place, record in rows(table, cells):
        if place != ENGLAND:
            note_authority(cells, found.year, record)
        for name, (quantity, year) in taken.items():
            cells.add(table, row, quantity, record[name], place=place, year=year, column=name)
    return cells.extract()


def recognise(book: Book) -> Edition | None:
    """The tidy file by its shifted headings, a wide one by its totals of 2018 or later."""
    if prints(book, frozenset(SHIFTED.values())):
        return Edition(part=NUMBERS)
    if prints(book, frozenset(LATER.values())):
        return Edition(part=NUMBERS, year=last_year(book))
    found = wide(book)
    return Edition(year=found.year, part=found.part) if found and found.year >= 2018 else None


def read(book: Book, edition: Edition) -> Extract:
    """The tidy file has one row for each year, place and measure."""
    if edition.part != NUMBERS:
        return read_wide(book, edition)
    table, cells = book.wanted(LATER if edition.year else SHIFTED, optional=NAMES | RATE), Cells(book.path)
    found = list(rows(table, cells))
    lines = Line.of(found)
    bad = contradicted(table, cells, lines, rates={"number": "rate"}, people="children", sums=("children", "number"), apart="measure")
    for row, place, record in found:
        measure = said(record["measure"])
        quantity = MEASURES.get(measure.lower())
        if quantity is None:
            what = f"'Children looked after {'on' if edition.year else 'at'} 31 March each year' or one of its fellows was expected; the row is left out"
            cells.problem(what, row=row, column=table.heading("measure"), value=measure)
        elif quantity and (year := cells.year(table, row, "year", record["year"])):
            if number(record["number"])[1] == "z" and (edition.year or number(record["children"])[1] == "z"):
                continue  # printed in all years for authorities that existed in some of them only
            if place != ENGLAND:
                note_authority(cells, year, record)
            cell = EMPTY if {(row, "number"), (row, "")} & bad else record["number"]
            cells.add(table, row, quantity, cell, place=place, year=year, column="number")
            if quantity == "looked_after" and not edition.year:  # the same children stand in each measure's row
                cells.add(table, row, "population_0_17_cla", record["children"], place=place, year=year, column="children")
    return cells.extract()


TITLE = "DfE, Children looked after in England"
PUBLICATION = Publication(
    spans=lambda edition: (edition.year - 4 if edition.year else 2018, edition.year or 2022) if edition.part == NUMBERS else None,
    key="looked_after",
    title=f"{TITLE}, 2018 to 2022",
    named=lambda edition: f"{TITLE}, {edition.year} release" if edition.part == NUMBERS and edition.year else f"{TITLE}, 2018 to 2022",
    page="https://explore-education-statistics.service.gov.uk/find-statistics/children-looked-after-in-england-including-adoptions",
    gives=GIVES | {"population_0_17_cla": "children aged 0 to 17 in the middle of the year before, as printed beside children looked after, number"},
    editions=(Edition(part=NUMBERS), Edition(year=2018, part=STARTS), Edition(year=2019, part=STARTS)),
    recognise=recognise,
    read=read,
    released=lambda edition: edition.year or 2022,
    breaks={
        "care_starts": {
            2014: "to 2013 as first published, from 2014 as revised in the releases of 2018 to 2022; revising 2014 to 2017 raised England by 0.4 to 1.0 % and "
            "single authorities by up to 32 starts"
        },
        "population_0_17_cla": {2022: "mid-2021 on the base of the Census of 2021, before rolled forward from that of 2011: a level break"},
    },
    releases=(
        Release(
            name="cla_number_and_rate_per_10k_children.csv",
            sha256="4af5a630825299b9e7600f0e4da3fb1205f9a8d2fe26a986e9cd519cc588ba23",
            edition=Edition(part=NUMBERS),
        ),
        Release(
            name="cla_number_and_rate_per_10k_children.csv",
            sha256="8228ce8c6f55fb1ee59b65988dad56c79ea7703c03eedd5c0f8af5997d6686ce",
            edition=Edition(part=NUMBERS, year=2025),
        ),
        Release(
            name="ADM2018_amended.csv",
            sha256="279ee4de3f345d6486a728bd20cf36792cd114df0bd77a1506f68b399e6aaa60",
            edition=Edition(year=2018, part=STARTS),
        ),
        Release(
            name="ADM2019.csv",
            sha256="0f6dc00b1e4534264242a2c7367ce65cca47b4cefbc5574c8966407f41d7d92b",
            edition=Edition(year=2019, part=STARTS),
        ),
    ),
)
