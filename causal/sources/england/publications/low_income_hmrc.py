"""HMRC: Children in low-income families local measure, snapshots of 31 August 2011 to 2016.

Children in families on out-of-work benefits (IS/JSA), or on tax credits with an income below 60 % of the median, and all children in families with Child
Benefit; of all ages, rounded to 5. `year` is the year of the snapshot, not a financial year: the file does not print it, so its name must give it. The
headings stand in two to five rows, one label above each pair of "Under 16" and "All Children". From 2011 to 2015 a county is one row; in 2016 its districts
are printed, each a part of the county under the district's code, and also Scotland, Wales and Northern Ireland, which are left out.
"""

from __future__ import annotations

import re

from causal.errors import DataError, refusal
from causal.sources.england.book import Book, Table, number, said
from causal.sources.england.extract import ENGLAND, Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release
from causal.sources.england.publications.section_251 import NOT_TOLD

SHEETS = r"summary.*"
CODE = r"Local Authority Code"
LABELS = {
    "hmrc_poor": r"Children in families in receipt of (?:WTC or )?CTC \(.*",
    "hmrc_children": r"Children in (?:Child Benefit families|families registered for Child Benefit).*",
}
ALL = "All Children"
# Districts of 2016 that were gone by April 2021, the date of the lookup of districts, and the county that each was part of.
GONE = {
    "E07000004": "E10000002", "E07000005": "E10000002", "E07000006": "E10000002", "E07000007": "E10000002",  # Buckinghamshire, one authority since 2020
    "E07000048": "E10000009", "E07000049": "E10000009", "E07000050": "E10000009", "E07000051": "E10000009",  # Dorset, since 2019
    "E07000052": "E10000009", "E07000053": "E10000009",
    "E07000150": "E10000021", "E07000151": "E10000021", "E07000152": "E10000021", "E07000153": "E10000021",  # Northamptonshire, since 2021
    "E07000154": "E10000021", "E07000155": "E10000021", "E07000156": "E10000021",
    "E07000190": "E10000027", "E07000191": "E10000027",  # Taunton Deane, West Somerset
    "E07000201": "E10000029", "E07000204": "E10000029", "E07000205": "E10000029", "E07000206": "E10000029",  # Suffolk: merged in pairs in 2019
}  # fmt: skip
UNIVERSAL_CREDIT = "where Universal Credit began early its claimants are missed"
_SHA256 = {
    "low-income-2011.xls": "708a4228d66d1b9fd933aa8d0dcfb88077f8239b3b1f3a3ccdcace5f7ad7b240",
    "low-income-2012.xls": "c4e1b001a20fab6fc349a2e0b00b8ebb810339d6046befd56333c90cd917990e",
    "low-income-2013.xls": "46acc5ccde5f04799f679d3d8b5956908c2cd8ab1ed94ebe4252ccfd1dee3a50",
    "low-income-2014.xlsx": "189ad8560f00572e3496fb2505b35194a8a1364c3cc79dd4f7337e163caa671e",
    "low-income-2015.xlsx": "e18a2166e428bae2d7a622bd943b727c6d1517007aa2639bf959d7ae4d8cbe76",
    "low-income-2016.xlsx": "c3c16d216e4bcdc62604b60e0f6e8a9efde1324ffaca5cdca0d4157119411e6b",
}


def recognise(book: Book) -> Edition | None:
    """The labels of low income and of Child Benefit above "All Children"; the year is in the file's name only."""
    if book.is_csv or _table(book) is None:
        return None
    name = book.path.stem
    year = re.search(r"(?:aug\w*|snapshot)[-_ ]*(?:as[-_ ]at[-_ ]*31[-_ ]*august[-_ ]*)?(20\d\d)", name, re.IGNORECASE) or re.search(r"(20\d\d)", name)
    return Edition(year=int(year[1])) if year else Edition(part=NOT_TOLD)


def read(book: Book, edition: Edition) -> Extract:
    """Children in low income and all children, by authority or district, and for England.

    Raises
    ------
    DataError : the snapshot's year is not told, or the labels are not there.
    """
    if not edition.year:
        raise refusal(
            DataError, str(book.path), "a file that prints the year of its snapshot", "one that does not", "put it in the file's name, e.g. low-income-2014"
        )
    found = _table(book)
    if found is None:
        raise refusal(
            DataError,
            str(book.path),
            "a sheet with the labels 'Children in families in receipt of CTC …' and 'Children in Child Benefit families'",
            "none",
            "fetch the file again as published",
        )
    (table, labels), cells = found, Cells(book.path)
    links = {}
    for row, record in table.records():
        code = said(record["code"])
        if not re.fullmatch(r"[A-Z]\d{8}", code):
            if code and not number(record["hmrc_poor"])[1]:
                cells.problem("a GSS code such as E09000001 was expected; the row is left out", row=row, column=CODE, value=code)
            continue
        if not re.match(r"E(?:06|07|08|09|10|92)", code):
            continue  # other countries and regions
        district = code.startswith("E07")
        if code in GONE:
            links[code] = GONE[code]
        for name, label in labels.items():
            place, part = ENGLAND if code.startswith("E92") else code, code if district else ""
            cells.add(table, row, name, record[name], place=place, year=edition.year, column=f"{label}, {ALL}", part=part)
    return cells.extract(rounding=dict.fromkeys(LABELS, 5.0), links=links)


def _table(book: Book) -> tuple[Table, dict[str, str]] | None:
    """The summary, whose columns are told by labels some rows above "All Children", and what the labels say."""
    sheets = [name for name in book.sheets if re.fullmatch(SHEETS, name.strip(), re.IGNORECASE)] or (book.sheets if len(book.sheets) <= 6 else ())
    for sheet in sheets:
        head = book.head(sheet)
        below = next((i for i, row in enumerate(head) if ALL in row), None)
        if below is None:
            continue
        at: dict[str, int] = {}
        labels: dict[str, str] = {}
        for row in head[: below + 1]:
            for j, words in enumerate(row):
                if re.fullmatch(CODE, words, re.IGNORECASE):
                    at.setdefault("code", j)
                for name, pattern in LABELS.items():
                    if name not in at and words and re.fullmatch(pattern, words, re.IGNORECASE):
                        column = next((k for k in (j, j + 1) if k < len(head[below]) and head[below][k] == ALL), None)
                        if column is not None:
                            at[name], labels[name] = column, words
        if len(at) == len(LABELS) + 1:
            return Table(path=book.path, sheet=sheet, rows=book.rows(sheet), header=below, at=at), labels
    return None


PUBLICATION = Publication(
    key="low_income_hmrc",
    title="HMRC, Personal tax credits: children in low-income families local measure, 31 August",
    page="https://www.gov.uk/government/statistics/personal-tax-credits-children-in-low-income-families-local-measure",
    gives={
        "hmrc_poor": "children in low-income families at 31 August, all ages, number",
        "hmrc_children": "children in families with Child Benefit at 31 August, all ages, number",
    },
    editions=tuple(Edition(year=year) for year in range(2011, 2017)),
    recognise=recognise,
    read=read,
    released=lambda edition: edition.year + 2,
    breaks={
        "hmrc_poor": {
            2014: "four times the working families of 2013 in low income (352,875 against 94,490): out of line with the years on both sides",
            2015: f"back in line with 2013; {UNIVERSAL_CREDIT}",
            2016: UNIVERSAL_CREDIT,
        }
    },
    releases=tuple(Release(name=name, sha256=sha, edition=Edition(year=int(name[11:15]))) for name, sha in _SHA256.items()),
)
