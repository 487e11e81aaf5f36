"""MHCLG: Revenue outturn, specific and special revenue grants (RG) by authority, 2010-11 and 2017-18.

£ thousand are printed; here all are £ received. 2010-11 was the last year of the Sure Start, early years and childcare grant as a ring-fenced grant of its
own (England £1,801m). `rg_general_grants` are the specific grants inside aggregate external finance (AEF) that an authority could spend on its services at
large: the printed total, less schools' grants, public health (not theirs before April 2013), private finance and the administration of housing benefit.
The module on the revenue outturn summary says what they are for.
"""

from __future__ import annotations

from causal.sources.england.book import Book
from causal.sources.england.extract import Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release
from causal.sources.england.publications.revenue_summary import GSS, KEYS, PAGE, classed, outturn, pairs
from causal.sources.england.publications.section_251 import edition_of, not_told

SHEETS = r"RG.*LA Data.*"
TOTALS = {
    "inside": r"Total (revenue )?grants (inside|within) AEF",
    "total": "Total specific and special revenue grants",
    "dedicated_schools": r"Dedicated Schools Grant \(DSG\)",
    "private_finance": r"The Private Finance Initiative \(PFI\)",
    "housing_benefit": r"Housing Benefit and Council Tax Benefit Administration|Housing Benefit Subsidy Admin Grant",
}
# Grants of one of the years: for schools, and public health.
OF_A_YEAR = {
    "london_pay": "London Pay Addition",
    "school_standards": "School Standards Grant .*",
    "standards_fund": "Standards Fund .*",
    "pupil_premium": "Pupil Premium Grant",
    "education_services": "Education Services Grant",
    "infant_meals": "Universal Infants Free School Meals",
    "public_health": "Public Health Grant.*",
    "sure_start": "Sure Start, Early Years and Childcare Grant",
}
NOT_GENERAL = (*(name for name in TOTALS if name not in ("inside", "total")), *(name for name in OF_A_YEAR if name != "sure_start"))
GIVES = {
    "rg_total": "all specific and special revenue grants, £ of the year",
    "rg_inside_aef": "specific and special revenue grants inside aggregate external finance, £ of the year",
    "rg_general_grants": "those less grants for schools, public health, private finance and housing benefit administration, £ of the year",
    "rg_sure_start_grant": "Sure Start, early years and childcare grant (2010-11), £ of the year",
}


def recognise(book: Book) -> Edition | None:
    """E-code, class and the totals of grants, in a workbook with the release's sheets."""
    table = outturn(book, TOTALS, SHEETS)
    return edition_of(book, table) if table else None


def read(book: Book, edition: Edition) -> Extract:
    """Totals, general grants (each grant that is taken off is a part below 0) and the Sure Start grant, by authority, under its E-code, and for England.

    Raises
    ------
    DataError : the year is not told, or the totals are not there.
    """
    if not edition.year:
        raise not_told(book)
    usual = outturn(book, TOTALS, SHEETS)
    table = book.wanted(KEYS | TOTALS, sheet=usual.sheet if usual else ".*", optional=GSS | OF_A_YEAR)
    cells = Cells(book.path)
    for row, place, record in classed(table, cells):
        for quantity, name in (("rg_total", "total"), ("rg_inside_aef", "inside"), ("rg_sure_start_grant", "sure_start")):
            if name in table.at:
                cells.add(table, row, quantity, record[name], place=place, year=edition.year, column=name, scale=1000.0)
        for name in ("inside", *(one for one in NOT_GENERAL if one in table.at)):
            scale = 1000.0 if name == "inside" else -1000.0
            cells.add(table, row, "rg_general_grants", record[name], place=place, year=edition.year, column=name, part=name.replace("_", " "), scale=scale)
    return cells.extract(links=pairs(table, cells))


PUBLICATION = Publication(
    key="specific_grants",
    title="MHCLG, Revenue outturn, specific and special revenue grants (RG), individual local authority data",
    page=PAGE,
    gives=GIVES,
    editions=(Edition(year=2011), Edition(year=2018)),
    recognise=recognise,
    read=read,
    released=lambda edition: edition.year + 1,
    breaks={name: {2018: "many grants of 2010-11 had been rolled into revenue support grant or ended"} for name in GIVES if name != "rg_sure_start_grant"},
    releases=(
        Release(
            name="Revenue_Outturn__RG__data_2010-11_by_LA_-_27-Nov-2012-v2.xls",
            sha256="ef9e4ae0ff15b7045013f70da0eb4e5f7f41bd2ccbaaeea9987c3952affe5b78",
            edition=Edition(year=2011),
        ),
        Release(
            name="RG_2017-18_data_by_LA_-_revised.xlsx",
            sha256="4dd2cf869f91e233c2d9374f92bcd996fc3530f1e3bc89454a198c5d6e86de69",
            edition=Edition(year=2018),
        ),
    ),
)
