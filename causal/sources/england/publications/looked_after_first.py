"""DfE: Children looked after as first published, 2010 to 2017: children at 31 March and children who started in the year, a wide file for each.

The tables of 2010 are a workbook too, whose table LAA1 goes back to 2006. It names authorities and rounds their numbers to 5, so these are a quantity of
their own, `looked_after_rounded`: beside the unrounded number of the wide file one of 2010 would be a double that differs.
"""

from __future__ import annotations

import re

from causal.sources.england.book import Book, Table, number, said
from causal.sources.england.extract import ENGLAND, Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release
from causal.sources.england.publications.looked_after import GIVES, STARTS, STOCK, read_wide, wide

TABLES = "tables"
SHEET = r"LAA\d+"
TITLE = re.compile(r"Table LAA1: ?Children looked after at 31 March, by Local Authority.*", re.IGNORECASE)
REGIONS = frozenset(
    {"north east", "north west", "yorkshire and the humber", "east midlands", "west midlands", "east of england"}
    | {"london", "inner london", "outer london", "south east", "south west"}
)
# What every other file prints for Medway, and the DfE codes of two counties that were split in April 2009 and that no later file names.
RENAMED = {"Medway Towns": "Medway", "Bedfordshire": "820", "Cheshire": "875"}


def recognise(book: Book) -> Edition | None:
    """A wide file of a year before 2018, or the workbook by the title of its table LAA1."""
    if book.is_csv:
        found = wide(book)
        return Edition(year=found.year, part=found.part) if found and found.year < 2018 else None
    table = _laa1(book)
    return Edition(year=max(map(int, table.at.keys() - {"name"})), part=TABLES) if table else None


def _laa1(book: Book) -> Table | None:
    """The table of children looked after at 31 March: names in the column before the first year."""
    if not any(re.fullmatch(SHEET, sheet.strip(), re.IGNORECASE) for sheet in book.sheets):
        return None
    for sheet in sorted(book.sheets, key=lambda sheet: sheet.strip().upper() != "LAA1"):  # there unless the sheet was renamed
        if any(TITLE.fullmatch(cell) for row in book.head(sheet) for cell in row):
            for index, row in enumerate(book.head(sheet)):
                at: dict[str, int] = {}
                for j, cell in enumerate(row):
                    if re.fullmatch(r"20\d\d", cell):
                        at.setdefault(cell, j)  # the second time a year stands in this row it heads a rate
                if len(at) > 1 and min(at.values()) > 0:
                    return Table(path=book.path, sheet=sheet, rows=book.rows(sheet), header=index, at=at | {"name": min(at.values()) - 1})
    return None


def read(book: Book, edition: Edition) -> Extract:
    """Wide files as `looked_after` reads them; the workbook has one row for each authority, one column for each year."""
    if edition.part != TABLES:
        return read_wide(book, edition)
    table, cells = _laa1(book), Cells(book.path)
    if table is None:
        raise book.unreadable("its table LAA1 is gone")
    years = {name: int(name) for name in table.at if name != "name"}
    for row, record in table.records():
        name = re.sub(r"(?<=[a-z])\d$", "", said(record["name"]))  # a footnote's number
        printed = {column: cell for column, cell in record.items() if column in years and number(cell)[1] not in ("blank", ".")}  # ".": no such authority then
        if not name or not printed or name.lower() in REGIONS:
            continue
        place = ENGLAND if name == "England" else RENAMED.get(name, name)
        for column, cell in printed.items():
            cells.add(table, row, "looked_after_rounded", cell, place=place, year=years[column], column=column)
    return cells.extract(rounding={"looked_after_rounded": 5})


PUBLICATION = Publication(
    key="looked_after_first",
    title="DfE, Children looked after in England, first releases",
    page="https://explore-education-statistics.service.gov.uk/find-statistics/children-looked-after-in-england-including-adoptions",
    gives=GIVES | {"looked_after_rounded": "children looked after at 31 March, rounded to 5 (England to 100), number"},
    editions=(Edition(year=2010, part=TABLES), *(Edition(year=year, part=part) for year in range(2010, 2018) for part in (STOCK, STARTS))),
    recognise=recognise,
    read=read,
    released=lambda edition: edition.year,
    releases=tuple(
        Release(name=name, sha256=sha256, edition=Edition(year=year, part=part))
        for year, part, name, sha256 in (
            (2010, STOCK, "SFR27_2010_March.csv", "f214018373133c3ab2ff731ef720dbf8828cdaf5cce978432759d68f07acf61c"),
            (2010, STARTS, "SFR27_2010_Started.csv", "78d42d660ccf4eec6f74dedf4cfddaa4a28fccc2fd9d69087ee404b5f20f9870"),
            (2010, TABLES, "sfr27-2010amv5.xls", "41fa6e268d42ee657ffc8c285e50c3fa2e59941c74b336714758bcbbf6376953"),
            (2011, STARTS, "SFE21_ADM.csv", "df32412c89bcca7a1373eca97899d952d3e204546f3dbfad3be0b8f7baa86939"),
            (2011, STOCK, "SFR21_CLA.csv", "53d534a81b81a2f1b4e8c4842c4dde60d98c24c5ff8b535f183adb7941d23915"),
            (2012, STARTS, "SFR20_ADM2012.csv", "14e17bd6587844e64b786be7a06fa35ba120ddd07807f5295099b0b4de766ae0"),
            (2012, STOCK, "SFR20_CLA2012.csv", "2d91343e79bb0c1dd0a64882cf489cd7056487888c90b47622ca471f9a63d415"),
            (2013, STARTS, "SFR36_ADM2013.csv", "862a2b1de98ce5d5b557d44674d501e936af54ab4dffa28838f37b60f5ca0f59"),
            (2013, STOCK, "SFR36_CLA2013.csv", "1d86625bc8d02bbb943ecb32e535e3cb0f4fa445e837620cd4cdc332de37f066"),
            (2014, STARTS, "SFR36_ADM2014.csv", "66953e905de9a142bc46a0caa466abe1072e92319cfd7aa1116ff64f62945756"),
            (2014, STOCK, "SFR36_CLA2014.csv", "cbeeb03293961135119619934c9ad7ed77aa7f12587f5457fab6e36ea1dc08f5"),
            (2015, STARTS, "SFR34_ADM2015.csv", "2c9bc5e90804c3383dd12ec0ea327825cbccaea7a20272e2ea79e62ee4813c31"),
            (2015, STOCK, "SFR34_CLA2015.csv", "a690582df82d134b22b8197a1421de74842079e44fde342631e25c02a9734e63"),
            (2016, STARTS, "SFR41_ADM2016.csv", "df43dfcaa46a5ef91315ca4152681f375e04e35176767e7279ff456b939a2327"),
            (2016, STOCK, "SFR41_CLA2016.csv", "7e94d337e0a56e19522f6807245ad3ec8e698a6238559e9e57f522a0923ddcf7"),
            (2017, STARTS, "SFR50_ADM2017.csv", "b3a5523733c0e410c971aecb717cdff3a3163006464d8ea40caa9c2966485b0f"),
            (2017, STOCK, "SFR50_CLA2017.csv", "e7000a2ba7144b168d88d5aa62d099f930e6c3652b674b35af72360cdaad0afe"),
        )
    ),
)
