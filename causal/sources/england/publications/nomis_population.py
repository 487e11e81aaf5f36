"""ONS: mid-year estimates by age band, as Nomis gives them: one block below the other for several bands, or one file for each band.

A block is a few words about it (`Gender`, `Age`), a header with the years, and one row for each authority of the United Kingdom; there is no row for England.
DfE's rates of a year ending 31 March use the middle of the year before, so mid-2017 is given the year 2018 here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from causal.errors import DataError, refusal
from causal.sources.england.book import Book, Table, said
from causal.sources.england.extract import Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release

BANDS = {"0-4": "population_0_4", "5-9": "population_5_9", "10-14": "population_10_14", "15": "population_15", "16": "population_16"}
AREA = re.compile(r"local authority: county / unitary.*", re.IGNORECASE)
STACKED = "all ages"


def recognise(book: Book) -> Edition | None:
    """A header of counties and unitary authorities with their codes; the part is the age band, or all where the file holds several."""
    if not book.is_csv or not any(_heads(row) for row in book.head("")):
        return None
    bands = {_band(row[1]) for row in book.rows("") if len(row) > 1 and _label(row) == "age"}
    return Edition(part=f"ages {next(iter(bands))}" if len(bands) == 1 else STACKED)


def _heads(row: list[str]) -> bool:
    return len(row) > 2 and bool(AREA.fullmatch(said(row[0]))) and said(row[1]).lower() == "mnemonic"


def _label(row: list[str]) -> str:
    """What a line above a block is about: "age" for `Age        :`."""
    return said(row[0]).removesuffix(":").strip().lower()


def _band(cell: object) -> str:
    """ "0-4" for "Age 0 - 4" and "Aged 0-4"."""
    return "-".join(re.findall(r"\d+", said(cell)))


def _blocks(book: Book) -> Iterator[tuple[str, Table, int]]:
    """Age band, table and row after the last of each block.

    Raises
    ------
    DataError : a block of boys or girls only.
    """
    lines, band, start = book.rows(""), "", -1
    for index, line in enumerate([*lines, ["Age :", ""]]):
        label = _label(line) if len(line) > 1 else ""
        if label == "gender" and said(line[1]).lower() != "total":
            raise refusal(DataError, f"{book.path}, row {index + 1}", "Total for the gender", repr(said(line[1])), "fetch the file for both together")
        if label == "age":
            if start >= 0:
                at = {said(cell): j for j, cell in enumerate(lines[start]) if re.fullmatch(r"(19|20)\d\d", said(cell))}
                yield band, Table(path=book.path, sheet="", rows=lines, header=start, at=at), index
            band, start = _band(line[1]), -1
        elif _heads(line):
            start = index


def read(book: Book, edition: Edition) -> Extract:
    """Blocks below each other, years as columns; England's authorities only."""
    cells = Cells(book.path)
    for band, table, end in _blocks(book):
        quantity = BANDS.get(band, "")
        if not quantity:
            message = f"ages {band or '(not told)'} are not used; wanted are {', '.join(BANDS)}"
            cells.problem(message, row=table.header + 1)
            continue
        for row, line in enumerate(table.rows[table.header + 1 : end], start=table.header + 2):
            code = said(line[1]) if len(line) > 1 else ""
            if sum(bool(said(cell)) for cell in line) < 2 or _label(line) in ("gender", "age"):
                continue  # a blank line, a line of text, or the words above the next block
            if not re.fullmatch(r"[EWSN]\d{8}", code):
                what = "a code such as E06000005 was expected; the row is left out"
                cells.problem(what, row=row, column=said(table.rows[table.header][1]), value=code, quantity=quantity)
            elif len(line) <= max(table.at.values()):
                what = f"the row holds {len(line)} cells, the header {max(table.at.values()) + 1}: it is cut short and left out. Fetch the file again"
                cells.problem(what, row=row, quantity=quantity)
            elif code.startswith("E"):
                for year, j in table.at.items():
                    cells.add(table, row, quantity, line[j], place=code, year=int(year) + 1, column=year)
    return cells.extract()


CENSUS_2021 = "mid-2021 on the base of the Census of 2021, before rolled forward from that of 2011: a level break"
PUBLICATION = Publication(
    spans=lambda edition: (2010, 2021) if edition.part == STACKED else (2010, 2022),
    key="nomis_population",
    title="ONS, mid-year population estimates by age, from Nomis",
    page="https://www.nomisweb.co.uk",
    gives={quantity: f"children aged {band.replace('-', ' to ')} in the middle of the year before, number" for band, quantity in BANDS.items()},
    editions=(Edition(part=STACKED), *(Edition(part=f"ages {band}") for band in BANDS)),
    recognise=recognise,
    read=read,
    released=lambda edition: 2022 if edition.part == STACKED else 2023,  # October 2022 and March 2023
    breaks={quantity: {2022: CENSUS_2021} for quantity in BANDS.values()},
    releases=(
        Release(name="nomis_popest.csv", sha256="9003b6aa786131297b0cfd6ba391681a46de87d6450e52fb0858bdb09a0ab056", edition=Edition(part=STACKED)),
        *(
            Release(name=f"popest-{band}.csv", sha256=sha256, edition=Edition(part=f"ages {band}"))
            for band, sha256 in (
                ("0-4", "37b38fa7429ebd34936f4f910d06a57fe47b367a2deeae5f595a90debdeb1749"),
                ("5-9", "1683bb6d8b1d0f345def66211a5e6428d439ffd95260d7e2f6e2153f2b4ba8bb"),
                ("10-14", "4e6c8da2d13e57241aa03d93cb3ad57e0dbde6e9285c99a913ea595a5d9e66e5"),
                ("15", "503f9af7d0135841a3adf7184071bcefde17b900947506f023962acbde4f821a"),
                ("16", "704417fa2236ebfef094fa44a414618495a112e8ea4f3517143bc087a9c67ca1"),
            )
        ),
    ),
)
