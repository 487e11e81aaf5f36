"""MHCLG: English Indices of Deprivation 2015 and 2019, summaries for upper-tier authorities.

Average score and extent of the index of multiple deprivation, and the average score of income deprivation affecting children (IDACI). The edition is told by
the year of the boundaries in the first heading: 2013 for 2015, 2019 for 2019 (when Dorset, Bournemouth and Poole had become two). Scores of the two
editions are relative to their own time and rest on data of about 2012-13 and 2015-16. Areas are ranked anew each time, so a change of score is no change
of deprivation.
"""

from __future__ import annotations

import re

from causal.sources.england.book import Book, said
from causal.sources.england.extract import Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release

BOUNDARIES = {"2013": 2015, "2019": 2019}  # year of the boundaries, in the heading → edition
CODE = {"code": r"Upper Tier Local Authority District code \((?:2013|2019)\)"}
IMD = {"score": r"IMD(?: 20\d\d)? - Average score", "extent": r"IMD(?: 20\d\d)? - Extent"}
IDACI = {"score": r"(?:Income Deprivation Affecting Children Index \(IDACI\)|IDACI)(?: 20\d\d)? - Average score"}
INDICES = (("imd", IMD, "IMD"), ("idaci", IDACI, "IDACI"))


def recognise(book: Book) -> Edition | None:
    """Upper-tier authority with the year of its boundaries, and the average score."""
    if book.is_csv:
        return None
    table = book.table(CODE | IMD, sheet="IMD") or book.table(CODE | IMD)
    if table is None:
        return None
    return Edition(year=BOUNDARIES[re.sub(r"\D", "", table.heading("code"))])


def read(book: Book, edition: Edition) -> Extract:
    """Scores and extent by GSS code; an index whose sheet is gone is told, and the other still read.

    Raises
    ------
    DataError : neither index is there.
    """
    cells = Cells(book.path)
    for index, columns, sheet in INDICES:
        table = book.table(CODE | columns, sheet=sheet) or book.table(CODE | columns)
        if table is None:
            lost = ", ".join(f"{index}_{edition.year}_{column}" for column in columns)
            cells.problem(f"no sheet with the average score of {sheet} by upper-tier authority was found, so {lost} cannot be read; fetch the file again")
            continue
        for row, record in table.records():
            code = said(record["code"])
            if not re.fullmatch(r"E\d{8}", code):
                cells.problem("a GSS code such as E06000001 was expected; the row is left out", row=row, column=table.heading("code"), value=code)
                continue
            for column in columns:
                cells.add(table, row, f"{index}_{edition.year}_{column}", record[column], place=code, year=edition.year, column=column)
    return cells.extract()


PUBLICATION = Publication(
    key="deprivation",
    title="MHCLG, English Indices of Deprivation, upper-tier local authority summaries",
    page="https://www.gov.uk/government/statistics/english-indices-of-deprivation-2019 (2015: the same with 2015)",
    gives={
        quantity.format(year=year): words.format(year=year)
        for year in BOUNDARIES.values()
        for quantity, words in (
            ("imd_{year}_score", "index of multiple deprivation {year}, average score"),
            ("imd_{year}_extent", "index of multiple deprivation {year}, extent: share of people in the most deprived areas, weighted"),
            ("idaci_{year}_score", "income deprivation affecting children {year}, average score: share of children"),
        )
    },
    editions=(Edition(year=2015), Edition(year=2019)),
    recognise=recognise,
    read=read,
    released=lambda edition: edition.year,
    releases=(
        Release(name="imd-2015.xlsx", sha256="efba40a1b6541797e11a44cd8e07af221740b215dcd3605eb0009333b5f8a2aa", edition=Edition(year=2015)),
        Release(name="imd-2019.xlsx", sha256="4bdbc1f2e7fc5bd0e6b15d9cdecd7f7b8fe661c9daf76f0414ac35b2ddab422b", edition=Edition(year=2019)),
    ),
)
