"""MHCLG: Revenue outturn summary (RS) by authority, 2010-11 and 2017-18: where an authority's money came from.

£ thousand are printed, grants as income with a minus; here all are £ received, above 0. Only the classes that run children's services are read (unitary
authorities UA, shire counties SC, metropolitan districts MD, London boroughs L: 152), and England's row. 2010-11 prints E-codes alone, 2017-18 both
E-code and GSS code: its pairs are the `links` by which the places of 2010-11 are told. (2017-18 prints E10000022 for North Yorkshire, E10000023.)

**Spending power from accounts** is council tax + revenue support grant + business rates (redistributed, later retained) + area based grant (2010-11) or
local services support grant (2017-18) + general specific grants. The summary has only the total of specific grants, three quarters of it for schools;
the general ones are `rg_general_grants` of the specific grants return. Summed over the 152 authorities that is £46.9bn in 2010-11 and £41.2bn
in 2017-18, −22.0 % in real terms by the GDP deflator (−21.8 % with the lower tier, which is not read here; −24.1 % without the general grants). The two
other public measures are chained yearly changes of spending power: −22.8 % weighted by spending power, −23.5 % as the mean of authorities. The NAO's −28.6 %
rests on a measure that is not public. England's row also holds police, fire and the Greater London Authority, so it is no sum of these authorities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from causal.errors import DataError, refusal
from causal.sources.england.book import Book, Table, number, said
from causal.sources.england.extract import ENGLAND, Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release
from causal.sources.england.publications.section_251 import edition_of, not_told

PAGE = "https://www.gov.uk/government/statistics/local-authority-revenue-expenditure-and-financing-england-2024-to-2025-individual-local-authority-data-outturn"
CLASSES = frozenset({"UA", "SC", "MD", "L"})  # those that run children's services; the rest are shire districts and police, fire, waste, … authorities
KEYS = {"e_code": "E-code", "name": "Local authority", "class": "Class"}
GSS = {"gss": "ONS Code"}
SHEETS = r"RS.*LA Data.*"
COLUMNS = {
    "council_tax": r"Council tax requirement( \(.*)?",
    "revenue_support_grant": "Revenue Support Grant",
    "business_rates": "Redistributed non-domestic rates|Retained income from Rate Retention Scheme",
    "specific_grants": r"Specific and special (revenue )?grants inside AEF( \[.*)?",
}
OF_A_YEAR = {"area_based_grant": r"Area Based Grant \(ABG\)", "local_services_support_grant": r"Local Services Support Grant \(LSSG\)"}
GIVES = {
    "rs_council_tax": "council tax requirement, £ of the year",
    "rs_revenue_support_grant": "revenue support grant, £ of the year",
    "rs_business_rates": "business rates, redistributed by formula to 2012-13 and retained since, £ of the year",
    "rs_area_based_grant": "area based grant (2010-11), £ of the year",
    "rs_local_services_support_grant": "local services support grant (2017-18), £ of the year",
    "rs_specific_grants": "all specific and special grants inside aggregate external finance, schools' among them, £ of the year",
}
BREAKS: dict[str, dict[int, str]] = {
    "rs_revenue_support_grant": {2018: "100 % retention pilots gave up revenue support grant for business rates"},
    "rs_business_rates": {2018: "half of business rates is kept locally since April 2013, and all of it in the pilots of 2017-18"},
    "rs_specific_grants": {2018: "schools that became academies no longer stand in an authority's accounts; public health came in April 2013"},
}


def classed(table: Table, cells: Cells) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Row, place and cells of each authority that runs children's services (place: its E-code) and of England; totals of classes are left out.

    Parameters
    ----------
    table : with the columns of `KEYS`.
    cells : takes what is wrong with a row.
    """
    for row, record in table.records():
        code, kind = said(record["e_code"]).upper(), said(record["class"]).upper()
        if not code and said(record["name"]).upper() == "ENGLAND":
            yield row, ENGLAND, record
        elif code and kind in CLASSES:
            if re.fullmatch(r"E\d{4}", code):
                yield row, code, record
            else:
                cells.problem("an E-code such as E0101 was expected; the row is left out", row=row, column=table.heading("e_code"), value=record["e_code"])


def pairs(table: Table, cells: Cells) -> dict[str, str]:
    """E-code → GSS code, where the file prints both.

    Parameters
    ----------
    table : with the columns of `KEYS`.
    cells : takes what is wrong with a row.
    """
    links: dict[str, str] = {}
    if "gss" in table.at:
        for row, place, record in classed(table, cells):
            code = said(record["gss"]).upper()
            if place != ENGLAND and re.fullmatch(r"E\d{8}", code):
                links[place] = code
            elif place != ENGLAND:
                message = "a GSS code such as E06000022 was expected; this E-code cannot be told"
                cells.problem(message, row=row, column=table.heading("gss"), value=record["gss"])
    return links


def outturn(book: Book, columns: Mapping[str, str], sheets: str) -> Table | None:
    """The first data sheet that holds these headings; any sheet may, where none has the usual name.

    Parameters
    ----------
    book : the file.
    columns : name → pattern of its heading.
    sheets : pattern of the usual name of the sheet.
    """
    if book.is_csv or not any(re.search(r"LA.?Data|outturn|front page|drop-down", name, re.IGNORECASE) for name in book.sheets):
        return None
    named = any(re.fullmatch(sheets, name.strip(), re.IGNORECASE) for name in book.sheets)
    return book.table(KEYS | dict(columns), sheet=sheets if named else ".*", optional=GSS | OF_A_YEAR)


def recognise(book: Book) -> Edition | None:
    """E-code, class and the lines of funding, in a workbook with the release's sheets."""
    table = outturn(book, COLUMNS, SHEETS)
    return edition_of(book, table) if table else None


def read(book: Book, edition: Edition) -> Extract:
    """Each line of funding by authority, under its E-code, and for England.

    Raises
    ------
    DataError : the year is not told, or the lines of funding are not there, or are all 0.
    """
    if not edition.year:
        raise not_told(book)
    table, cells = outturn(book, COLUMNS, SHEETS) or book.wanted(KEYS | COLUMNS), Cells(book.path)
    if not any(number(record["council_tax"])[0] > 0 for _, _, record in classed(table, cells)):  # 2010-11 repeats the headings on sheets of other columns
        raise refusal(
            DataError,
            f"{book.path}, sheet {table.sheet!r}",
            "the sheet of net current expenditure",
            "one in which nobody raises council tax",
            "fetch the file again",
        )
    for row, place, record in classed(table, cells):
        for name in (*COLUMNS, *(one for one in OF_A_YEAR if one in table.at)):
            scale = 1000.0 if name == "council_tax" else -1000.0  # £ thousand; grants are printed as income, with a minus
            cells.add(table, row, f"rs_{name}", record[name], place=place, year=edition.year, column=name, scale=scale)
    return cells.extract(links=pairs(table, cells))


PUBLICATION = Publication(
    key="revenue_summary",
    title="MHCLG, Revenue outturn summary (RS), individual local authority data",
    page=PAGE,
    gives=GIVES,
    editions=(Edition(year=2011), Edition(year=2018)),
    recognise=recognise,
    read=read,
    released=lambda edition: edition.year + 1,
    breaks=BREAKS,
    releases=(
        Release(
            name="Revenue_Outturn_Summary__RS__data_2010-11_by_LA_-_27-Nov-2012-v2.xls",
            sha256="345f760190fc8b9ac17692af8e01ef713642643466cdd2861f9a97d2bbcaa9e5",
            edition=Edition(year=2011),
        ),
        Release(
            name="RS_2017-18_data_by_LA.xlsx",
            sha256="24225a1e7ecd03ea6e2efd6124722ff7f2fb93f9242ed9d0acbe30e18ddc8f00",
            edition=Edition(year=2018),
        ),
    ),
)
