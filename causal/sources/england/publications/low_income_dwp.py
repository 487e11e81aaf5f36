"""DWP: Children in low income families, relative low income before housing costs, years ending 31 March 2015 to 2022 (tables built in Stat-Xplore).

Counts of children under 16, or 16 to 19 and in full-time education, on the boundaries of April 2021; an annotation column stands after each year. The two
files are the same table, of the same ages: one names authorities, the other has their GSS codes and one more year. Stat-Xplore disturbs the numbers of each
table anew so that nobody can be told, so the two differ, to 2019-20 by 30 children in the mean authority and at most 209, in England by 2 in 100,000; 2020-21,
provisional in the older table, by 81 and at most 638. Where both are in the folder the later release, by code, is used. The total printed is the United
Kingdom's and is left out, as are Scotland, Wales and Northern Ireland.
"""

from __future__ import annotations

import re

from causal.sources.england.book import Book, number, said
from causal.sources.england.extract import Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release

TITLE = r"Relative Low Income \(.*"
YEAR = r"(20\d\d)/(\d\d)(?: \(p\))?"  # (p): provisional
NOTE = 3  # cells in a row of notes, at most
BY_CODE, BY_NAME = Edition(part="by code"), Edition(part="by name")
# Authorities outside England in the table by name; those of Wales are printed in two languages, with a stroke between.
ELSEWHERE = frozenset(
    """aberdeen city|aberdeenshire|angus|argyll and bute|city of edinburgh|clackmannanshire|dumfries and galloway|dundee city|east ayrshire|east dunbartonshire
    |east lothian|east renfrewshire|falkirk|fife|glasgow city|highland|inverclyde|midlothian|moray|na h-eileanan siar|north ayrshire|north lanarkshire
    |orkney islands|perth and kinross|renfrewshire|scottish borders|shetland islands|south ayrshire|south lanarkshire|stirling|west dunbartonshire
    |west lothian|antrim and newtownabbey|ards and north down|armagh city, banbridge and craigavon|belfast|causeway coast and glens|derry city and strabane
    |fermanagh and omagh|lisburn and castlereagh|mid and east antrim|mid ulster|newry, mourne and down|unknown|total""".replace("\n    ", "").split("|")
)


def recognise(book: Book) -> Edition | None:
    """Stat-Xplore's title of the table, and a row of years; by code if the first places are codes."""
    if not book.is_csv or not any(re.fullmatch(TITLE, row[0]) for row in book.head("") if row and row[0]):
        return None
    header = _header(book)
    if not _years(header[1]):
        return None
    coded = any(re.fullmatch(r"[A-Z]\d{8}", row[0]) for row in book.head("")[header[0] + 1 :] if row)
    return BY_CODE if coded else BY_NAME


def read(book: Book, edition: Edition) -> Extract:
    """Every year's count by authority, under its code or name; a district's is a part of its county.

    Raises
    ------
    DataError : the row of years is not there.
    """
    years = _years(_header(book)[1])
    table, cells = book.wanted({"place": "Year"} | {str(year): re.escape(heading) for year, heading in years.items()}), Cells(book.path)
    for row, record in table.records():
        place, printed = said(record["place"]), len(table.rows[row - 1])
        if printed <= NOTE and number(record[str(min(years))])[1] and not re.fullmatch(r"E\d{8}", place):
            continue  # a note, above or below the places: a few cells, of words
        if printed <= max(table.at.values()):
            cells.problem(f"the row holds {printed} cells, too few for its years: it is cut short and left out. Fetch the file again", row=row, value=place)
            continue
        if edition == BY_NAME:
            if " / " in place or place.lower() in ELSEWHERE:
                continue
        elif not re.fullmatch(r"E(?:06|07|08|09|10)\d{6}", place):
            if re.fullmatch(r"E\d.*", place):
                cells.problem("a GSS code such as E06000001 was expected; the row is left out", row=row, column="Year", value=place)
            continue
        for year in years:
            part = place if place.startswith("E07") and edition == BY_CODE else ""
            cells.add(table, row, "dwp_poor", record[str(year)], place=place, year=year, column=str(year), part=part)
    return cells.extract()


def _header(book: Book) -> tuple[int, list[str]]:
    """Index and words of the row of years."""
    return next(((i, row) for i, row in enumerate(book.head("")) if row and row[0] == "Year"), (0, []))


def _years(header: list[str]) -> dict[int, str]:
    """Year ending 31 March → heading."""
    return {int(match[1]) + 1: words for words in header if (match := re.fullmatch(YEAR, words))}


PUBLICATION = Publication(
    spans=lambda edition: (2015, 2022) if edition == BY_CODE else (2015, 2021),
    key="low_income_dwp",
    title="DWP, Children in low income families: local area statistics (Stat-Xplore), relative low income",
    page="https://www.gov.uk/government/collections/children-in-low-income-families-local-area-statistics",
    gives={"dwp_poor": "children in relative low income before housing costs, number (disturbed by a few at random)"},
    editions=(BY_CODE, BY_NAME),
    recognise=recognise,
    read=read,
    released=lambda edition: 2023 if edition == BY_CODE else 2022,
    breaks={"dwp_poor": {2019: "in North and West Northamptonshire, counts dip implausibly from 2018-19 to 2020-21"}},
    releases=(
        Release(
            name="children-relative-low-income-0-19-2015-22-code.csv",
            sha256="2d772a130264f4750b1ba08e23e87d52299832983412ef2d1be186f09fc4066d",
            edition=BY_CODE,
        ),
        Release(
            name="children-rel-low-inc-utla-2015-21.csv",
            sha256="760781b473518d222324650066437861015ddc949b06de5021d22f7a9b1cc885",
            edition=BY_NAME,
        ),
    ),
)
