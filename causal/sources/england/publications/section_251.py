"""DfE: LA and school expenditure, section 251 outturn, Table A1 (children and young people's services), 2009-10 to 2018-19.

One row for each authority and line. Numbers of lines and wording change every year, so a line is told by what its description says: its number is taken
off and the rest compared with `LINES`. What each quantity is made of:

- **The categories break at 2012-13.** From then on the printed totals hold adoption and special guardianship ("children looked after") and commissioning,
  social work and strategy ("safeguarding"). For 2009-10 to 2011-12 those lines are added to the printed totals, each as a part of its own, so that one
  quantity means one thing in all years. In 2009-10 commissioning and social work stand inside the strategy total, in 2010-11 beside it, in 2011-12 inside
  the total for safety: each is added once.
- **Centres.** Individual centres, area-wide services and management costs are three lines of Sure Start. In 2011-12 management costs are printed as a
  memorandum of which (the other two already add up to the printed total) and in 2012-13 not at all: there `centres`, their sum, has two parts, and the
  memorandum is kept apart as `centres_management_inside`. 2009-10 has no Sure Start and no youth lines.
- **Social work** is what the NAO (2019) divided by episodes of need to get £566 to £5,166 per child in need: the gross line "social work (including LA
  functions in relation to child protection)", 2017-18. Up to 2011-12 commissioning cannot be taken off it.
- **Prevention's share**, 40.5 % in 2010-11 and 24.9 % in 2017-18 (NAO's 41 % and 25 %), is (`children_services` − `looked_after_children` − `safeguarding`
  − `youth_justice`) ÷ (`children_services` − `youth_justice`), gross, summed over England.
- In 2010-11 the total of services for young people is labelled "Unknown": it is the sum of the six lines above it.

The total of services leaves out capital spending from revenue (CERA). An authority whose total is 0 returned nothing; its cells are left empty, and this is
told. Numbers below 0 are corrections of another year's spending and stay as printed; a large one is told.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from causal.errors import DataError, refusal
from causal.sources.england.book import Book, Table, number, said
from causal.sources.england.extract import Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release

HEADINGS = {
    "code": r"LE?A",
    "name": r"LE?A Name",
    "line": r"S52 Line Reference|(CYP ?Service)? ?Description",
    "gross": r"Total ?Expenditure( \(.*\))?",
    "income": r"Income( \(.*\))?",
    "net": r"Net ?Current ?Expenditure( \(.*\))?",
}
KINDS = ("gross", "income", "net")
FIRST, LAST = 2010, 2019
NOT_TOLD = "year not told"
LARGE = 1_000_000.0  # £: a number further below 0, or a sum further from its total, is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A printed line: the quantity that it is part of, and what its description says, without its number, in lower case; in the years `since` to `until`."""

    quantity: str
    says: str
    part: str = ""
    since: int = FIRST
    until: int = 9999


_INDIVIDUAL, _AREA = "spend (by|on) individual sure start.*", "spend (on|for) local authority provided or commissioned area[- ]wide services.*"
_MANAGEMENT = r"spend on local authority management costs rel\w* to sure start.*"
_ADOPTION, _GUARDIANSHIP = "adoption services", "special guardianship support"
LINES: tuple[Line, ...] = (
    Line(quantity="centres_individual", says=_INDIVIDUAL, since=2011),
    Line(quantity="centres_area_wide", says=_AREA, since=2011),
    Line(quantity="centres_management", says=_MANAGEMENT, since=2011, until=2011),
    Line(quantity="centres_management_inside", says=_MANAGEMENT, since=2012, until=2012),
    Line(quantity="centres_management", says=_MANAGEMENT, since=2014),
    Line(quantity="centres", says=_INDIVIDUAL, part="individual", since=2011),
    Line(quantity="centres", says=_AREA, part="area-wide", since=2011),
    Line(quantity="centres", says=_MANAGEMENT, part="management", since=2011, until=2011),
    Line(quantity="centres", says=_MANAGEMENT, part="management", since=2014),
    Line(quantity="early_years_other", says="other early years (funding|expenditure)|other spend on children under 5", since=2013),
    Line(quantity="early_years", says="total sure start children'?s centres.*", since=2011),
    Line(quantity="family_support", says="total family support services"),
    Line(quantity="youth", says="unknown|total services for young people", since=2011, until=2011),
    Line(quantity="youth", says="total services for young people", since=2012),
    Line(quantity="youth_justice", says="(total )?youth justice"),
    Line(quantity="safeguarding", says="total children and young people'?s safety.*", part="safety", until=2012),
    Line(quantity="safeguarding", says="(total )?children'?s services strategy", part="strategy", until=2012),
    Line(quantity="safeguarding", says="commissioning and social work", part="social work", since=2011, until=2011),
    Line(quantity="safeguarding", says="total safeguarding children and young people'?s services", since=2013),
    Line(quantity="looked_after_children", says="total children looked after", part="printed total", until=2012),
    Line(quantity="looked_after_children", says=_ADOPTION, part="adoption", until=2012),
    Line(quantity="looked_after_children", says=_GUARDIANSHIP, part="special guardianship", until=2012),
    Line(quantity="looked_after_children", says="total children looked after", since=2013),
    Line(quantity="social_work", says="commissioning and social work", part="social work", until=2011),
    Line(quantity="social_work", says="la functions in relation to child protection", part="child protection", until=2011),
    Line(quantity="social_work", says="commissioning and social work .*", since=2012, until=2012),
    Line(quantity="social_work", says=r"social work( \(.*)?", since=2013),
    Line(quantity="adoption", says=_ADOPTION),
    Line(quantity="special_guardianship", says=_GUARDIANSHIP),
    Line(quantity="other_children", says="other children('?s)? and famil(y|ies) services"),
    Line(quantity="children_services", says=r"(total )?children and young people'?s services (budget|expenditure) ?\(excluding cera\)"),
)
# The total that a line stands in: a line below 0 inside a total above 0 is a correction.
TOTALS = {name: "early_years" for name in ("centres_individual", "centres_area_wide", "centres_management", "early_years_other")} | {
    "centres_management_inside": "early_years",
    "centres": "early_years",
    "adoption": "looked_after_children",
    "special_guardianship": "looked_after_children",
    "social_work": "safeguarding",
}
WORDS = {
    "centres_individual": "individual Sure Start children's centres",
    "centres_area_wide": "area-wide services delivered through Sure Start children's centres",
    "centres_management": "authorities' management costs of Sure Start children's centres",
    "centres_management_inside": "management costs of Sure Start children's centres, as far as inside the other two lines",
    "centres": "Sure Start children's centres: individual centres, area-wide services and management",
    "early_years_other": "other spending on early years and children under 5",
    "early_years": "Sure Start and children under 5, total",
    "family_support": "family support services, total",
    "youth": "services for young people, total",
    "youth_justice": "youth justice, total",
    "safeguarding": "safeguarding, with social work, commissioning and strategy",
    "looked_after_children": "children looked after, with adoption and special guardianship",
    "social_work": "social work, with functions in relation to child protection",
    "adoption": "adoption services",
    "special_guardianship": "special guardianship support",
    "other_children": "other children's and families' services",
    "children_services": "children and young people's services, total without capital spending",
}
GIVES = {f"{name}_{kind}": f"{kind if kind != 'income' else 'income of'} spending on {words}, £ of the year" for name, words in WORDS.items() for kind in KINDS}
REDRAWN = "the categories were redrawn in 2012-13"
INSIDE = "management costs of centres stand inside the individual and area-wide lines in 2011-12 and 2012-13"
APART = "management costs of centres have a line of their own again"
BREAKS: dict[str, dict[int, str]] = {
    "centres_individual": {2012: INSIDE, 2014: APART},
    "centres_area_wide": {2012: INSIDE, 2014: APART},
    "early_years": {2013: "other spending on early years (£216m in 2012-13) is inside from here"},
    "family_support": {
        2011: "substance misuse and teenage pregnancy services moved to services for young people",
        2013: REDRAWN,
    },
    "youth": {2012: "Connexions and student support have no line of their own from here", 2013: REDRAWN},
    "safeguarding": {
        2011: "the preventative services of 2009-10 (£143m) have no line from here",
        2013: f"{REDRAWN}; strategy is added to the years before",
    },
    "looked_after_children": {2013: f"{REDRAWN}; adoption and special guardianship are added to the years before"},
    "social_work": {2012: "printed as one line with functions in relation to child protection", 2013: f"{REDRAWN}; commissioning is no longer inside"},
    "other_children": {2013: REDRAWN},
    "children_services": {2011: "Sure Start and services for young people are inside from here", 2013: REDRAWN},
}
_SHA256 = {
    "s251ye2010.xls": "c34896adab171240c30d4899be142f0435446d4681d47b41fe064ffccf6e756e",
    "s251ye2011.xls": "0a187b8a0d86c2c44d27818c5a7f7f932e5b03bcbc13811095481923e029e5c6",
    "s251ye2012.xlsx": "2dffdb7a8f77cf0ed0ee7d952443e86f769ae256c1e2b9445d2724110c3a3b7a",
    "s251ye2013.xlsx": "e2454c653b28eb090b68054dceb2ac0ebaef73f29037865efbb6be3682562c05",
    "s251ye2014.ods": "29d6e8f4b2991a9577bfbe628c7a50f77e6ba8e7bca294bc50d9f06ad512cfa4",
    "s251ye2015.xlsx": "d53fb98221a2f5fd37271892892fa1462bf3ff97d3da7d007941cee20db9d946",
    "s251ye2016.xlsx": "aada558e9f5e5efbc3ae73287237ce890150994527837028ed446fa23acec852",
    "s251ye2017.xlsx": "42540b041fc38a02a4d0de7f854a7d22d824d3bc868fa4eab6fc7ba0a268ad19",
    "S251ye2018.xlsx": "a4d23de7cf5b19e64261021db58c022802831421af45b79ddce6697600d1ece0",
    "S251ye2019.xlsx": "48930302bdcd3814458f53e7186e5a5d9c5471b8b267f661703fc8408d204c30",
}


def financial_year(words: str) -> int:
    """The year ending 31 March that some words name (2018 for 2017-18, 2017/18 or ye2018), or 0."""
    for first, last in re.findall(r"(?<!\d)(20\d\d)\s*[-–/_ ]\s*(?:20)?(\d\d)(?!\d)", words):
        if (int(first) + 1) % 100 == int(last):
            return int(first) + 1
    ending = re.search(r"(?:ye|year ending|fye)[-_ ]*(20\d\d)(?!\d)", words, re.IGNORECASE)
    return int(ending[1]) if ending else 0


def year_above(book: Book, table: Table) -> int:
    """The financial year printed above a table's header, or, where none is, in the file's name; 0 if neither tells."""
    above = " ".join(said(cell) for row in table.rows[: table.header] for cell in row if said(cell))
    return financial_year(above) or financial_year(book.path.stem)


def edition_of(book: Book, table: Table) -> Edition:
    """The edition of the year that is told, or one that says that none is.

    Parameters
    ----------
    book : the file.
    table : in it.
    """
    year = year_above(book, table)
    return Edition(year=year) if year else Edition(part=NOT_TOLD)


def not_told(book: Book) -> DataError:
    """What to raise when neither the file nor its name says which year it is about."""
    return refusal(DataError, str(book.path), "a file that prints its year", "one that does not", "put it in the file's name, e.g. 2017-18 or ye2018")


def recognise(book: Book) -> Edition | None:
    """Authority, description of the line, and money; among the lines are those of children looked after (Table A of the same release has schools')."""
    if book.is_csv:
        return None
    table = _table(book)
    if table is None or not any("fostering" in str(record["line"]).lower() for _, record in table.records()):
        return None
    return edition_of(book, table)


def read(book: Book, edition: Edition) -> Extract:
    """Every line of `LINES` that the year has, gross, income and net, by authority; the country is not printed.

    A quantity of which an authority lacks a part is left out for that authority, and this is told.

    Raises
    ------
    DataError : the year is not told, or not one of the lines is there.
    """
    if not edition.year:
        raise not_told(book)
    table, cells = _table(book) or book.wanted(HEADINGS), Cells(book.path)
    lines = [line for line in LINES if line.since <= edition.year <= line.until]
    found, places = _found(table, cells, lines)
    if not found:
        raise refusal(
            DataError,
            str(book.path),
            f"the lines of Table A1 for {edition.year - 1}-{edition.year % 100:02d} (such as 'Total Children Looked After')",
            "none of them",
            "look whether this is Table A1, and of that year",
        )
    empty = {place for place in places if _gross(found, place, "children_services") == 0}
    for place in sorted(empty):
        row = found["children_services"][place][0][1]
        cells.problem("the total of children's services is 0: nothing was returned, so all its cells are left empty", row=row, value=places[place])
    without: dict[tuple[str, ...], list[str]] = {}
    for quantity in dict.fromkeys(line.quantity for line in lines):
        parts = [line.part for line in lines if line.quantity == quantity]
        missing = [place for place in places if not set(parts) <= {part for part, _, _ in found[quantity].get(place, [])}]
        if missing:
            without.setdefault(tuple(missing), []).append(quantity)
        for place in [place for place in places if place not in missing]:
            for part, row, record in found[quantity][place]:
                for kind in KINDS:
                    cell = "" if place in empty else record[kind]
                    cells.add(table, row, f"{quantity}_{kind}", cell, place=place, year=edition.year, column=kind, part=part)
            if place not in empty:
                _tell_oddities(table, cells, found, place, quantity)
    for codes, quantities in without.items():
        who = f"{places[codes[0]]} ({codes[0]})" + (f" and {len(codes) - 1} other authorities lack" if len(codes) > 1 else " lacks")
        what = "; ".join(WORDS[quantity] for quantity in quantities)
        cells.problem(
            f"{', '.join(quantities)}: {who} a line for {what}; left out there. Fetch the file again, or undo changes to its descriptions",
            quantity=f"{quantities[0]}_gross",
        )
    return cells.extract()


def _table(book: Book) -> Table | None:
    few = len(book.sheets) <= 4  # a workbook of many sheets is another publication, unless a sheet is named like this one
    return book.table(HEADINGS, sheet=".*" if few else r"(ta1|table.?a1|s251).*")


Found = dict[str, dict[str, list[tuple[str, int, dict[str, Any]]]]]  # quantity → place → (part, row, cells)


def _found(table: Table, cells: Cells, lines: list[Line]) -> tuple[Found, dict[str, str]]:
    """Rows of the wanted lines, and the authorities (code → name)."""
    found: Found = defaultdict(dict)
    places: dict[str, str] = {}
    hits: dict[str, list[Line]] = {}
    for row, record in table.records():
        words = str(record["line"])
        if words not in hits:
            plain = re.sub(r"^\d[\d.]*(?:[a-z](?=[\s.]))?[\d.]*\s*", "", said(words).lower())
            hits[words] = [line for line in lines if re.fullmatch(line.says, plain)]
        if not hits[words]:
            continue
        place = said(record["code"])
        if not re.fullmatch(r"\d{3}", place):
            cells.problem("a 3-digit code of an authority was expected; the row is left out", row=row, column=table.heading("code"), value=record["code"])
            continue
        places[place] = said(record["name"])
        for line in hits[words]:
            found[line.quantity].setdefault(place, []).append((line.part, row, record))
    return found, places


def _gross(found: Found, place: str, quantity: str) -> float:
    return sum(number(record["gross"])[0] for _, _, record in found.get(quantity, {}).get(place, [])) if place in found.get(quantity, {}) else float("nan")


def _tell_oddities(table: Table, cells: Cells, found: Found, place: str, quantity: str) -> None:
    """Gross spending below 0 that is large or not inside a total above 0, and a net that is not gross less income."""
    if quantity == "centres":
        return  # its lines have been seen as quantities of their own
    total = TOTALS.get(quantity, quantity)
    for _, row, record in found[quantity][place]:
        gross, income, net = (number(record[kind])[0] for kind in KINDS)
        if gross < -LARGE or (gross < 0 and _gross(found, place, total) < 0):
            message = f"gross spending is below 0 ({quantity}); a correction of another year"
            cells.problem(message, row=row, column=table.heading("gross"), value=record["gross"])
        if abs(gross - income - net) > LARGE:
            message = f"net is not gross less income, which is {gross - income:,.0f} ({quantity}); kept as printed"
            cells.problem(message, row=row, column=table.heading("net"), value=record["net"])


PUBLICATION = Publication(
    key="section_251",
    title="DfE, LA and school expenditure, section 251 outturn, Table A1",
    page="https://www.gov.uk/government/statistics/la-and-school-expenditure-2021-to-2022-financial-year",
    gives=GIVES,
    editions=tuple(Edition(year=year) for year in range(FIRST, LAST + 1)),
    recognise=recognise,
    read=read,
    released=lambda edition: edition.year,
    breaks={f"{name}_{kind}": years for name, years in BREAKS.items() for kind in KINDS},
    releases=tuple(Release(name=name, sha256=sha, edition=Edition(year=financial_year(name))) for name, sha in _SHA256.items()),
)
