"""DfE: Local authority interactive tool (LAIT), the one table behind it, as Parquet: some 430 indicators by authority and year.

One row for each indicator (`Short Desc`), authority and year; values are text, "-" where there is none. Years are printed in many ways: `2016-17 (OT)` is an
outturn of the year ending 31 March 2017, `2016-17`, `2016/17` and a bare `2017` are taken to end in 2017, and `2014-16` or `2014/15-16/17` are means of three
years, taken to end with the last.

- **Section 251** gross outturn from 2016-17: the same totals as in Table A1, by `TOTALS`. Children's services' total is not among them. Of 2024-25 it
  prints nothing for Wandsworth and Middlesbrough, whose returns DfE doubts, and England's sums are without them, as the variables say. A region's total is held
  against its authorities'.
- **Children killed or seriously injured on the roads** (`RTA`), aged 0 to 15, per 100,000: called a number in the file, a rate in DfE's dictionary. A mean of
  three calendar years, the first 2014 to 2016. It is put to the year ending 31 March in the *first* but one of them (2015 for 2014 to 2016), so that what
  happened in the year before (to 31 March 2014) lies before all but its first three months.
- **Children in low-income families** (`ChildPov`), % of children, from 2022: DWP's relative low income before housing costs, as it has revised it.
- Any other indicator is read when it is asked for by name (`source.lait`).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from causal.errors import ConfigError, refusal
from causal.sources.england.book import Book, Table, number, said
from causal.sources.england.extract import ENGLAND, Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release
from causal.sources.england.witnesses import EMPTY, LEFT, at_fault, near

COLUMNS = {"indicator": "Short Desc", "year": "Years", "name": "LA and Regions", "value": "Values", "code": "LA Number"}
LABEL, REGION = "Data item", "Region"
POUNDS = 5.0  # by which a region's total may differ from the sum of its authorities', all rounded
TOTALS = {
    "SureStartFinance": "early_years_gross",
    "FamilySupportFinance": "family_support_gross",
    "YoungPeopleFinance": "youth_gross",
    "SafeguardingFinance": "safeguarding_gross",
    "TotalLACFinance": "looked_after_children_gross",
    "YouthJusticeFinance": "youth_justice_gross",
    "OtherChildren&FamilyFinance": "other_children_gross",
}
ROADS = "RTA"
TAKEN = {**TOTALS, ROADS: "road_injuries", "ChildPov": "low_income_share"}
COUNTRY, REGIONS = 970, range(980, 1000)
BLANK = ("", "nan", "None", "<NA>")  # an empty cell, as Parquet's columns of text or numbers give it
NEAREST = 3  # names that are shown where one is asked for that there is not
IN_DOUBT = "no numbers of 2024-25 for Wandsworth and Middlesbrough, whose returns DfE doubts; England's sums are without them"
YEARS = re.compile(r"(?:(20\d\d)[/-](?:20)?(\d\d)|(20\d\d)[/-]\d\d-(\d\d)/(\d\d)|(20\d\d))(?: \(.*\))?")


def year_of(printed: str) -> tuple[int, int] | None:
    """First and last year that a cell of `Years` names; None if it names none. `2014-16` is 2014 to 2016, `2016-17` the one year that ends in 2017."""
    found = YEARS.fullmatch(said(printed))
    if not found:
        return None
    first, last, from_, _, until, alone = found.groups()
    if alone:
        return int(alone), int(alone)
    if from_:
        return int(from_) + 1, 2000 + int(until)
    years = int(first), 2000 + int(last)
    return (years[1], years[1]) if years[1] == years[0] + 1 else years


def recognise(book: Book) -> Edition | None:
    """A Parquet file with LAIT's columns; the year is the last that spending is printed for."""
    if not book.is_parquet or not set(COLUMNS.values()) <= set(book.head("")[0]):
        return None
    frame = book.columns([COLUMNS["indicator"], COLUMNS["year"]])
    printed = frame.loc[frame[COLUMNS["indicator"]].isin(list(TOTALS)), COLUMNS["year"]].unique()
    return Edition(year=max((years[1] for one in printed if (years := year_of(str(one)))), default=0))


def read(book: Book, edition: Edition) -> Extract:
    """The totals of section 251, and children hurt on the roads."""
    cells = Cells(book.path)
    _take(book, cells, TAKEN)
    present = set(book.columns([COLUMNS["indicator"]])[COLUMNS["indicator"]].unique())
    for indicator, quantity in TAKEN.items():
        if indicator not in present:
            cells.problem(f"no indicator {indicator!r} is in the file, so {quantity} is not taken from it", column=COLUMNS["indicator"], quantity=quantity)
    return cells.extract()


def indicators(book: Book, names: Sequence[str]) -> tuple[Extract, dict[str, str]]:
    """Any indicators by name, each as a quantity `lait:NAME`, and what the file says each is.

    Parameters
    ----------
    book : the file.
    names : of `Short Desc`, as printed.

    Raises
    ------
    ConfigError : the file has no such indicator.
    """
    frame = book.columns([COLUMNS["indicator"], LABEL])
    there = {str(name): said(label) for name, label in frame.drop_duplicates(COLUMNS["indicator"]).itertuples(index=False, name=None)}
    for name in names:
        if name not in there:
            raise refusal(ConfigError, "source.lait", f"an indicator of {book.path}, which has {len(there)}", repr(name), _nearest(str(name), there))
    cells = Cells(book.path)
    _take(book, cells, {name: f"lait:{name}" for name in names})
    labels = frame[frame[COLUMNS["indicator"]].isin(list(names)) & frame[LABEL].notna()].groupby(COLUMNS["indicator"])[LABEL].first()
    return cells.extract(), {name: said(labels.get(name, name)) for name in names}


def _nearest(name: str, there: Mapping[str, str]) -> str:
    """The indicators that are called nearly so, or whose description says it: the file has hundreds, too many to list."""
    lower = {short.lower(): short for short in there}
    near = [lower[one] for one in get_close_matches(name.lower(), list(lower), n=NEAREST, cutoff=0.6)]
    words = re.findall(r"[^\W_]{3,}", name.lower())
    near += [short for short, label in there.items() if words and all(word in label.lower() for word in words)]
    some = [f"{short!r} ({there[short]})" if there[short] else repr(short) for short in dict.fromkeys(near)][:NEAREST]
    every = f"all names stand in its column {COLUMNS['indicator']!r}, and what each is in {LABEL!r}"
    return f"Did you mean {' or '.join(some)}? Else {every}" if some else every


def _take(book: Book, cells: Cells, wanted: dict[str, str]) -> None:
    frame = book.columns(list(COLUMNS.values()))
    frame = frame[frame[COLUMNS["indicator"]].isin(list(wanted))]
    header = list(COLUMNS.values())
    table = Table(path=book.path, sheet="", rows=[header], header=0, at={name: j for j, name in enumerate(COLUMNS)})
    unread, nobody = set[str](), set[str]()
    wrong = _sums(book, cells, table, wanted)
    for row, (indicator, printed, name, value, code) in zip(frame.index, frame.itertuples(index=False, name=None), strict=True):
        years, at = year_of(str(printed)), int(row) + 2
        place = _place(code)
        if place is None:
            what = said(name) if said(code) in BLANK else said(code)
            if what not in nobody:
                cells.problem("a 3-digit code of an authority was expected; its rows are left out", row=at, column=COLUMNS["code"], value=what)
            nobody.add(what)
            continue
        if not place:
            continue
        if years is None:
            if str(printed) not in unread:
                cells.problem("a year such as 2016-17 was expected; its rows are left out", row=at, column=COLUMNS["year"], value=printed)
            unread.add(str(printed))
            continue
        year = years[0] + 1 if indicator == ROADS else years[1]
        cells.add(table, at, wanted[str(indicator)], EMPTY if at in wrong else _value(value), place=place, year=year, column="value")
        if place != ENGLAND:
            cells.authority(years[1], old=place, name=name)


def _sums(book: Book, cells: Cells, table: Table, wanted: Mapping[str, str]) -> set[int]:
    """Rows of an authority's total that is at fault by what its region's authorities add up to; nothing is taken of a region itself."""
    if REGION not in book.head("")[0]:
        return set()
    frame = book.columns([*COLUMNS.values(), REGION]).set_axis([*COLUMNS, "region"], axis=1)
    frame = frame[frame["indicator"].isin([name for name in wanted if name in TOTALS])]
    totals: dict[tuple[str, int, str], tuple[int, float]] = {}
    parts: dict[tuple[str, int, str], dict[str, tuple[int, float]]] = defaultdict(dict)
    series: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for row, one in zip(frame.index, frame.itertuples(index=False), strict=True):
        years, place, value, indicator = year_of(str(one.year)), _place(one.code), number(_value(one.value))[0], str(one.indicator)
        if years is None or place is None or place == ENGLAND:
            continue
        if not place:
            totals[_region(one.name), years[1], indicator] = (int(row) + 2, value)
            continue
        parts[_region(one.region), years[1], indicator][place] = (int(row) + 2, value)
        series[place, indicator][years[1]] = value
    most: dict[tuple[str, str], int] = defaultdict(int)
    for (region, _, indicator), here in parts.items():
        most[region, indicator] = max(most[region, indicator], len(here))
    unclear: list[tuple[int, float, str]] = []
    found, heading = set[int](), table.heading("value")
    for (region, year, indicator), (row, total) in totals.items():
        here = parts.get((region, year, indicator), {})
        known = {place: value for place, (_, value) in here.items() if not math.isnan(value)}
        short = total - math.fsum(known.values())
        if not known or math.isnan(short) or abs(short) <= POUNDS or (short > 0 and len(known) < len(here)):
            continue
        if len(here) < most[region, indicator]:
            continue  # an authority whose row is not in the file may be what is lacking
        options = {place: (value, value + short) for place, value in known.items()}
        place = at_fault(options, {place: near(series[place, indicator], year) for place in known})
        summed = (
            f"{indicator} of {year - 1}-{year % 100:02d} of {region.title()}: its authorities add up to {total - short:,.0f}, its own row says {total:,.0f}"
        )
        if place:
            about = "about" if len(known) == len(here) else "at most"
            message = f"{summed}: it would have to be {about} {known[place] + short:,.0f}; {LEFT}"
            cells.problem(message, row=here[place][0], column=heading, value=f"{known[place]:,.0f}", quantity=wanted[indicator])
            found.add(here[place][0])
        else:
            unclear.append((row, total, summed))
    if unclear:
        row, total, summed = min(unclear)
        more = f"; so it is in {len(unclear) - 1:,} more rows of regions" if len(unclear) > 1 else ""
        message = f"{summed}; which of them is wrong the file does not say, and all stand as printed{more}"
        cells.problem(message, row=row, column=heading, value=f"{total:,.0f}")
    return found


def _region(name: object) -> str:
    """A region's name, which authorities' rows and its own spell apart."""
    words = said(name).lower()
    return f"{words.removeprefix('london (').removesuffix(')')} london" if words.startswith("london (") else words


def _place(code: object) -> str | None:
    """The 3-digit code of an authority (or its GSS code, where that stands there), `ENGLAND`, "" for a region; None where it is none of these."""
    digits = number(code)[0]
    if 0 < digits < 1000 and digits % 1 == 0:
        return ENGLAND if int(digits) == COUNTRY else "" if int(digits) in REGIONS else f"{int(digits):03d}"
    words = said(code)
    return None if not re.fullmatch(r"E\d{8}", words) else "" if words.startswith(("E12", "E13")) else words


def _value(cell: object) -> object:
    """A number printed as text, in scientific notation where it is small."""
    words = "" if said(cell) in BLANK else said(cell)
    return float(words) if re.fullmatch(r"-?\d+(?:\.\d+)?[Ee]-?\d+", words) else words


PUBLICATION = Publication(
    key="lait",
    title="DfE, Local authority interactive tool",
    named=lambda edition: f"DfE, Local authority interactive tool, spending to {edition.year - 1}-{edition.year % 100:02d}" if edition.year else "DfE, LAIT",
    page="https://www.gov.uk/government/publications/local-authority-interactive-tool-lait",
    gives={
        **{quantity: f"section 251 gross outturn, {name.removesuffix('Finance')}, £ of the year" for name, quantity in TOTALS.items()},
        "low_income_share": "children in relative low income before housing costs, % of children",
        "road_injuries": "children aged 0 to 15 killed or seriously injured on the roads, mean of three calendar years, per 100,000",
    },
    editions=(Edition(year=2025),),
    recognise=recognise,
    read=read,
    released=lambda edition: edition.year + 1,
    breaks={quantity: {2025: IN_DOUBT} for quantity in TOTALS.values()},
    releases=(Release(name="bds_long_0.parquet", sha256="8277a891ae7318be2d77019fd193f91c0f553ccd430890f04fd84fb4f849a4be", edition=Edition(year=2025)),),
)
