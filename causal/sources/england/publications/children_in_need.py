"""DfE: Characteristics of children in need, release of 2022 and later ones, as tidy files of Explore Education Statistics.

A release is named by the last year that it holds. Headings change between releases (`LATER`), and so do its parts: that of 2025 prints plans at 31 March with
their length (d5) and plans that start with those that are not the first (d3). A release later than the readers is read as far as its headings match, and what
is new in it is named.

What is the same in all of DfE's files on children stands here, and their other readers take it from here: a quick look at a header (`prints`), the rows
that are a place (`rows`), who is who in them (`note_authority`), and what is noted where a heading is gone (`note_lacking`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from causal.sources.england.book import Book, Table, said, year_ending
from causal.sources.england.extract import ENGLAND, Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release
from causal.sources.england.witnesses import AUTHORITIES, COUNTRIES, EMPTY, REGIONS, Line, contradicted

PLACE = {"level": "geographic_level", "old": "old_la_code"}
NAMES = {"new": "new_la_code", "name": "la_name", "region_code": "region_code", "region": "region_name"}
WHOLE_COUNTRY = ("921", "999", ENGLAND)  # codes of England where an authority's would stand

NEEDS = {
    "need_abuse_or_neglect": "N1_Abuse_or_neglect",
    "need_childs_disability": "N2_Childs_disability_or_illness",
    "need_parents_disability": "N3_Parents_disability_or_illness",
    "need_acute_stress": "N4_Family_in_acute_stress",
    "need_family_dysfunction": "N5_Family_dysfunction",
    "need_unacceptable_behaviour": "N6_Socially_unacceptable_behaviour",
    "need_low_income": "N7_Low_income",
    "need_absent_parenting": "N8_Absent_parenting",
    "need_other_cases": "N9_Cases_other_than_CIN",
    "need_not_stated": "N0_Not_stated",
}
ABUSE = ("neglect", "physical", "sexual", "emotional", "multiple")
# Part → quantity → heading. At31_episodes in b3, CPP_start in d2 and CPP_At31 in d4 repeat b1 and d1.
PARTS: dict[str, dict[str, str]] = {
    "b1": {
        "need_episodes": "Anypoint_episodes",
        "need_children": "Anypoint_child",
        "need_started": "Started_episodes",
        "need_at_31_march": "At31_episodes",
    },
    "b3": NEEDS,
    "c1": {
        "referrals": "Referrals",
        "re_referrals": "Re_referrals",
        "referrals_no_further_action": "No_Further_Action",
        "referrals_not_in_need": "Not_in_Need",
    },
    "c2": {"assessments": "Assessments_completed"},
    "c4": {"section47": "Section47", "conferences": "ICPC"},
    "d1": {"plans_started": "CPP_start", "plans_ended": "CPP_end", "plans_any": "CPP_anypoint", "plans": "CPP_At31"},
    "d2": {f"plans_started_{kind}": f"{kind}_Initial" for kind in ABUSE},
    "d3": {"plans_started": "CPP_start", "plans_subsequent": "CPP_subsequent"},
    "d4": {f"plans_{kind}": f"{kind}_Latest" for kind in ABUSE},
    "d5": {
        "plans": "CPP_At31",
        "plans_3_months": "3_months_or_less",
        "plans_6_months": "more_than_3_months_6_months",
        "plans_1_year": "more_than_6_months_less_than_1_year",
        "plans_2_years": "1_year_less_than_2_years",
        "plans_longer": "2_years_or_more",
    },
}
# Quantity → what later releases call its column.
LATER = {
    "referrals": "referral_count",
    "re_referrals": "rereferral_count",
    "referrals_no_further_action": "no_further_action_count",
    "referrals_not_in_need": "not_in_need_count",
}
# Part → what it prints of a number a second time: its rate (heading + "_rate"), the parts of a total, and the share that a part is.
RATED = {
    "b1": ("Anypoint_episodes", "Anypoint_child", "Started_episodes", "Started_child", "Ended_episodes", "Ended_child", "At31_episodes"),
    "c1": ("Referrals", "Referrals_child"),
    "c2": ("Assessments_completed",),
    "c4": ("Section47", "Section47_child", "ICPC", "ICPC_child"),
    "d1": ("CPP_start", "CPP_child_start", "CPP_end", "CPP_child_end", "CPP_anypoint", "CPP_child_anypoint", "CPP_At31"),
}
LENGTHS = tuple(PARTS["d5"][name] for name in ("plans_3_months", "plans_6_months", "plans_1_year", "plans_2_years", "plans_longer"))
EXACT: dict[str, dict[str, tuple[str, ...]]] = {"b1": {"Anypoint_episodes": ("Ended_episodes", "At31_episodes")}}
SUMS: dict[str, dict[str, tuple[str, ...]]] = {
    "b3": {"At31_episodes": tuple(NEEDS.values())},
    "c4": {"ICPC": ("Duration_0-10_days", "Duration_11-15_days", "Duration_16-20_days", "Duration_21+_days")},
    "d2": {"CPP_start": tuple(f"{kind.title()}_Initial" for kind in ABUSE)},
    "d4": {"CPP_At31": tuple(f"{kind.title()}_Latest" for kind in ABUSE)},
    "d5": {"CPP_At31": LENGTHS},
}
SHARES: dict[str, dict[str, tuple[str, str]]] = {
    "c1": {
        "Re_referrals": ("Referrals", "Re_referrals_percent"),
        "No_Further_Action": ("Referrals", "No_Further_Action_percent"),
        "Not_in_Need": ("Referrals", "Not_in_Need_percent"),
        "rereferral_count": ("referral_count", "rereferral_percent"),
        "no_further_action_count": ("referral_count", "no_further_action_percent"),
        "not_in_need_count": ("referral_count", "not_in_need_percent"),
    },
    "d3": {"CPP_subsequent": ("CPP_start", "CPP_subsequent_percent")},
    "d5": {heading: ("CPP_At31", f"{heading}_percent") for heading in LENGTHS},
}
LATER_ONLY = ("d3", "d5")  # in the release of 2022 d1 and d4 print what is taken of these
KNOWN = 2025  # the latest release whose layout these readers were tested on
FIRST_RELEASE = 2022  # the first release read here; its editions carry no year
# Headings (lower case) by which a part is told from every other file of the release.
TELLS: dict[str, frozenset[str]] = {
    "b1": frozenset({"anypoint_episodes", "started_episodes"}),
    "b3": frozenset({"n1_abuse_or_neglect", "n7_low_income"}),
    "c1": frozenset({"re_referrals", "no_further_action"}),
    "c2": frozenset({"assessments_completed", "same_day"}),
    "c4": frozenset({"section47", "icpc"}),
    "d1": frozenset({"cpp_anypoint", "cpp_at31"}),
    "d2": frozenset({"cpp_start", "neglect_initial", "neglect_latest"}),
    "d3": frozenset({"cpp_start", "cpp_subsequent"}),
    "d4": frozenset({"cpp_at31", "neglect_initial", "neglect_latest"}),
    "d5": frozenset({"cpp_at31", "3_months_or_less"}),
}
EACH_FILE = frozenset(  # headings that tell nothing of a file's part
    {
        "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_code", "region_name", "old_la_code", "new_la_code",
        "la_name", "category",
    }
)  # fmt: skip
# Headings that later releases print and none of the quantities is: not news.
UNUSED = frozenset(
    {
        "started_child", "ended_episodes", "ended_child", "awaiting_assessment", "rereferral_percent", "no_further_action_percent", "not_in_need_percent",
        "referral_child_count", "rereferral_child_count", "rereferral_child_percent", "cpp_subsequent_percent", "3_months_or_less_percent",
        "more_than_3_months_6_months_percent", "more_than_6_months_less_than_1_year_percent", "1_year_less_than_2_years_percent", "2_years_or_more_percent",
    }
)  # fmt: skip
NATIONAL_TABLE = frozenset({"time_period", "geographic_level", "category_type", "number", "rate", "percent"})
# Part → quantity → what `category_type` says; only the country is printed there.
NATIONAL_PARTS: dict[str, dict[str, str]] = {
    "a1": {
        "need_episodes": "Episodes of need at any point in the year",
        "need_children": "Children in Need at any point during the year",
        "need_started": "Episodes of need starting in the year",
        "need_at_31_march": "Children in Need at 31 March",
        "referrals": "Referrals in the year",
        "re_referrals": "Re-referrals within 12 months of a previous referral",
        "referrals_no_further_action": "Referral - No Further Action",
        "referrals_not_in_need": "Referral - Assessed as not in Need",
        "assessments": "Assessments completed in the year",
    },
    "a2": {
        "section47": "Section 47s in the year",
        "conferences": "ICPCs in the year",
        "plans_started": "CPPs starting in the year",
        "plans_ended": "CPPs ending in the year",
        "plans": "CPP at 31 March",
    },
}
GIVES = {
    "need_episodes": "episodes of need at any point in the year, number",
    "need_children": "children in need at any point in the year, number",
    "need_started": "episodes of need that started in the year, number",
    "need_at_31_march": "children in need at 31 March, number",
    "need_abuse_or_neglect": "children in need at 31 March because of abuse or neglect, number",
    "need_childs_disability": "children in need at 31 March because of the child's disability or illness, number",
    "need_parents_disability": "children in need at 31 March because of a parent's disability or illness, number",
    "need_acute_stress": "children in need at 31 March because of acute stress in the family, number",
    "need_family_dysfunction": "children in need at 31 March because of family dysfunction, number",
    "need_unacceptable_behaviour": "children in need at 31 March because of socially unacceptable behaviour, number",
    "need_low_income": "children in need at 31 March because of low income, number",
    "need_absent_parenting": "children in need at 31 March because of absent parenting, number",
    "need_other_cases": "children in need at 31 March as cases other than children in need, number",
    "need_not_stated": "children in need at 31 March whose primary need is not stated, number",
    "referrals": "referrals to children's social care in the year, number",
    "re_referrals": "referrals within 12 months of a previous referral, number",
    "referrals_no_further_action": "referrals in the year that resulted in no further action, number",
    "referrals_not_in_need": "referrals in the year assessed as not in need, number",
    "assessments": "assessments completed in the year, number",
    "section47": "section 47 enquiries in the year, number",
    "conferences": "initial child protection conferences in the year, number",
    "plans_started": "child protection plans that started in the year, number",
    "plans_ended": "child protection plans that ended in the year, number",
    "plans_any": "child protection plans at any point in the year, number",
    "plans": "children on child protection plans at 31 March, number",
    "plans_subsequent": "child protection plans that started in the year and were not the child's first, number",
    "plans_3_months": "children on child protection plans at 31 March for three months or less, number",
    "plans_6_months": "children on child protection plans at 31 March for more than three and up to six months, number",
    "plans_1_year": "children on child protection plans at 31 March for more than six months and less than a year, number",
    "plans_2_years": "children on child protection plans at 31 March for one year and less than two, number",
    "plans_longer": "children on child protection plans at 31 March for two years or more, number",
    **{f"plans_{kind}": f"children on child protection plans at 31 March, latest category of abuse {kind}, number" for kind in ABUSE},
    **{f"plans_started_{kind}": f"child protection plans that started in the year, initial category of abuse {kind}, number" for kind in ABUSE},
}
HACKNEY = "Hackney gave no data for the years to March 2021 and 2022: its own numbers are missing, England's hold its numbers of 2020"
REVISED = (
    "up to 2012 as first published, from 2013 as in the release of 2022; DfE revised episodes at any point down after first publication "
    "(2013 by 1.0 %, 2017 by 4.5 %), so numbers to 2012 are a little too high beside later ones"
)
COMBINED = "before 2015 only the combined assessments of authorities that had given up separate initial and core ones"
ASSESSED = "from 2015 as found by the combined assessment, before mostly by the initial one"


def prints(book: Book, headings: frozenset[str]) -> bool:
    """Whether a text file has a row, among those where a header may stand, that holds all these headings (lower case); quick enough to ask of any file.

    Parameters
    ----------
    book : a file.
    headings : lower case.
    """
    return book.is_csv and any(headings <= {cell.lower() for cell in row} for row in book.head(""))


def rows(table: Table, cells: Cells) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Row number, place and cells of each row for the country or an authority; regions are left out.

    A row that is cut short, or whose level or code cannot be read, is noted in `cells` and left out.

    Parameters
    ----------
    table : with the columns `level`, `old` (3-digit code) and, where printed, `new` (GSS code), which stands in where there is no 3-digit code.
    cells : takes the notes.
    """
    width = max(j for j, cell in enumerate(table.rows[table.header]) if said(cell)) + 1
    for row, record in table.records():
        printed = len(table.rows[row - 1])
        if printed < width:
            cells.problem(f"the row holds {printed} cells, the header {width}: it is cut short and left out. Fetch the file again", row=row)
            continue
        level = said(record["level"])
        if level.lower() in REGIONS:
            continue
        if level.lower() in COUNTRIES:
            yield row, ENGLAND, record
            continue
        old, new = said(record.get("old", "")), said(record.get("new", ""))
        code = old if re.fullmatch(r"\d{3}", old) else new if re.fullmatch(r"E\d{8}", new) else ""
        if level.lower() not in AUTHORITIES and (level or code in ("", *WHOLE_COUNTRY)):  # one file leaves the level of the Isles of Scilly empty
            what = "National, Regional or Local authority (LA) was expected; the row is left out"
            cells.problem(what if level else f"nothing stands here; {what}", row=row, column=table.heading("level"), value=level)
            continue
        if not code:
            cells.problem("a 3-digit code of an authority was expected; the row is left out", row=row, column=table.heading("old"), value=old)
            continue
        yield row, code, record


def note_authority(cells: Cells, year: int, record: Mapping[str, Any]) -> None:
    """Note who is who in a row of `rows`.

    Parameters
    ----------
    cells : takes the note.
    year : ended 31 March.
    record : cells by column, as `rows` gives them.
    """
    cells.authority(
        year,
        old=record["old"],
        new=record.get("new", ""),
        name=record.get("name", ""),
        region_code=record.get("region_code", ""),
        region=record.get("region", ""),
    )


def last_year(book: Book) -> int:
    """The last year in the column `time_period` of a text file, 0 if it prints none; by it a release is named."""
    table = book.table({"year": "time_period"}) if book.is_csv else None
    years = [year_ending(record["year"]) for _, record in table.records()] if table else []
    return int(max((year for year in years if not math.isnan(year)), default=0))


def note_lacking(table: Table, cells: Cells, wanted: Mapping[str, str], *, later: bool = False, known: Collection[str] = ()) -> None:
    """Note each wanted quantity → heading whose column is not in the table.

    Parameters
    ----------
    table : of the file.
    cells : takes the notes.
    wanted : quantity → heading.
    later : the file is of a later release than the readers were tested on, as DfE published it: what is new in its headings is named, and nobody is asked to
        change a file that is as it should be.
    known : headings (lower case) that are no news.
    """
    new = [said(cell) for cell in table.rows[table.header] if said(cell) and said(cell).lower() not in known] if later else []
    news = f"{', '.join(new[:8])} {'are' if len(new) > 1 else 'is'} new in it" if new else "nothing is new in it"
    then = f"the release is later than these readers ({news}), and is read as far as they know it"
    for quantity, heading in wanted.items():
        if quantity not in table.at:
            what = f"no column like {heading} was found in this row, so {quantity.partition(':')[0]} is left out"
            message = f"{what}; {then if later else 'undo changes to the headings, or fetch again'}"
            cells.problem(message, row=table.header + 1, quantity=quantity.partition(":")[0])


def recognise(book: Book) -> Edition | None:
    """By headings that only one part has; the two national time series by their categories."""
    if not book.is_csv:
        return None
    if prints(book, NATIONAL_TABLE):
        said_there = {cell for row in book.head("") for cell in row}
        part = next((part for part, types in NATIONAL_PARTS.items() if said_there & set(types.values())), "")
        year = last_year(book) if part else 0
        return Edition(part=part, year=year if year > FIRST_RELEASE else 0) if part else None
    if not prints(book, frozenset({"time_period", "geographic_level", "old_la_code"})):
        return None
    part = next((part for part, tells in TELLS.items() if prints(book, tells)), "")
    year = last_year(book)
    if year <= FIRST_RELEASE:
        return Edition(part=part) if part and part not in LATER_ONLY else None
    part = part or _nearest(book)
    return Edition(part=part, year=year) if part else None


def _nearest(book: Book) -> str:
    """The part of which a later release prints the most headings, at least one that no other part has; "" if none does, or two do alike."""
    printed = {cell.lower() for row in book.head("") for cell in row}
    headings = {part: {heading.lower() for name in columns for heading in _headings(part, name)} for part, columns in PARTS.items()}
    own = {part: here - set().union(*(other for name, other in headings.items() if name != part)) for part, here in headings.items()}
    found = sorted(((len(printed & headings[part]), part) for part in PARTS if printed & own[part]), reverse=True)
    return found[0][1] if found and (len(found) == 1 or found[0][0] > found[1][0]) else ""


def _headings(part: str, quantity: str) -> tuple[str, ...]:
    """What a quantity's column is called, in the release of 2022 and in later ones."""
    return (PARTS[part][quantity], LATER[quantity]) if quantity in LATER else (PARTS[part][quantity],)


def read(book: Book, edition: Edition) -> Extract:
    """One row for each year and place, one column for each quantity; in a1 and a2 one row for each quantity."""
    cells = Cells(book.path)
    if edition.part in NATIONAL_PARTS:
        _read_national(book, cells, NATIONAL_PARTS[edition.part])
        return cells.extract()
    wanted = PARTS[edition.part]
    optional = NAMES | {quantity: "|".join(map(re.escape, _headings(edition.part, quantity))) for quantity in wanted}
    table = book.wanted({"year": "time_period", **PLACE}, optional=optional | _witnesses(edition.part))
    known = EACH_FILE | UNUSED | {heading.lower() for quantity in wanted for heading in _headings(edition.part, quantity)}
    note_lacking(table, cells, wanted, later=edition.year > KNOWN, known=known)
    printed = [quantity for quantity in wanted if quantity in table.at]
    found = list(rows(table, cells))
    lines = Line.of(found)
    headings = {table.heading(quantity): quantity for quantity in printed}
    bad = contradicted(
        table,
        cells,
        lines,
        rates={heading: f"{heading}_rate" for heading in RATED.get(edition.part, ())},
        parts=SUMS.get(edition.part),
        exact=EXACT.get(edition.part),
        shares=SHARES.get(edition.part),
        sums=_counts(edition.part),
        quantities=headings,
    )
    for row, place, record in found:
        year = cells.year(table, row, "year", record["year"])
        if year is None:
            continue
        if place != ENGLAND:
            note_authority(cells, year, record)
        for quantity in printed:
            cell = EMPTY if {(row, table.heading(quantity)), (row, "")} & bad else record[quantity]
            cells.add(table, row, quantity, cell, place=place, year=year, column=quantity)
    return cells.extract()


def _counts(part: str) -> tuple[str, ...]:
    """Headings of a part's counts: what is taken of it, and what is held against that."""
    names = [heading for quantity in PARTS[part] for heading in _headings(part, quantity)]
    names += [name for of in (SUMS, EXACT) for whole, some in of.get(part, {}).items() for name in (whole, *some)]
    return tuple(dict.fromkeys([*names, *RATED.get(part, ())]))


def _witnesses(part: str) -> dict[str, str]:
    """Columns that say a number a second time, under their headings."""
    names = [*_counts(part), *(f"{heading}_rate" for heading in RATED.get(part, ()))]
    names += [name for each, (whole, share) in SHARES.get(part, {}).items() for name in (each, whole, share)]
    return {name: re.escape(name) for name in dict.fromkeys(names)}


def _read_national(book: Book, cells: Cells, wanted: Mapping[str, str]) -> None:
    table = book.wanted({"year": "time_period", "level": "geographic_level", "type": "category_type", "number": "number"})
    quantities = {words.lower(): quantity for quantity, words in wanted.items()}
    seen: set[str] = set()
    for row, place, record in rows(table, cells):
        quantity = quantities.get(said(record["type"]).lower())
        year = cells.year(table, row, "year", record["year"]) if quantity else None
        if quantity and year:
            seen.add(quantity)
            cells.add(table, row, quantity, record["number"], place=place, year=year, column="number")
    for quantity in wanted.keys() - seen:
        cells.problem(f"no row says {wanted[quantity]!r}, so England's {quantity} is not taken from this file", column=table.heading("type"), quantity=quantity)


TITLE = "DfE, Characteristics of children in need"
PUBLICATION = Publication(
    spans=lambda edition: (2014 if edition.part == "c2" else 2013, edition.year or FIRST_RELEASE),
    key="children_in_need",
    title=f"{TITLE}, {FIRST_RELEASE} release",
    named=lambda edition: f"{TITLE}, {edition.year or FIRST_RELEASE} release",
    page="https://explore-education-statistics.service.gov.uk/find-statistics/characteristics-of-children-in-need",
    gives=GIVES,
    editions=tuple(Edition(part=part) for part in (*NATIONAL_PARTS, *PARTS) if part not in LATER_ONLY),
    recognise=recognise,
    read=read,
    released=lambda edition: edition.year or FIRST_RELEASE,
    breaks={
        quantity: {2021: HACKNEY}
        | ({2013: REVISED} if quantity == "need_episodes" else {})
        | ({2015: COMBINED} if quantity == "assessments" else {})
        | ({2015: ASSESSED} if quantity in NEEDS else {})
        for quantity in GIVES
    },
    releases=tuple(
        Release(name=name, sha256=sha256, edition=Edition(part=name[:2], year=0 if "2022" in name else KNOWN))
        for name, sha256 in (
            ("a1_cin_assessments_episodes_referrals_2013_to_2022.csv", "6c1c0a0f071383c0900d5d212e23da1d5b83ff4ec71cf7906d24f253d9685e34"),
            ("a2_section47_icpc_cpp_2013_to_2022.csv", "5bf04d5c679c1592615e4811a7e4ddf441c1b90a4238df0401cd5c7e4ef88c4d"),
            ("b1_children_in_need_2013_to_2022.csv", "14a56970e860d8182e0b33b6e5dd1489038ac3b88612518d5d614312eb51ad0a"),
            ("b3_cin_primary_need_2013_to_2022.csv", "58a319453a5e03e8f01d1af681bac02c696f7d9919272526e3e6c6d3a440c434"),
            ("c1_children_in_need_referrals_and_rereferrals_2013_to_2022.csv", "4b761db41ecb9144b85912af156fa0b3d68f9eb557988ebfa30d35bb417edfa6"),
            ("c2_children_in_need_assessments_duration_2014_to_2022.csv", "a48a30ca25b4b4daa3af0b9133b359f8123043e5a2cd0a4b119c7a9e8de3da7f"),
            ("c4_children_in_need_section_47s_and_icpcs_2013_to_2022.csv", "3f2a93c9723387ae9820d04ff9c475e4d8737dc4bd4fa9e3a3e9d54c43d5d681"),
            ("d1_child_protection_plans_2013_to_2022.csv", "1e001e4e6fba5e0b5380a6836c1fa4dd115f0a75fb35fc77a0df81b170b1b021"),
            ("d2_cpps_starting_by_category_of_abuse_2013_to_2022.csv", "ab3869781ff4e2b9cb8bf86f0e575f4bde22d495bf843d1b0e5020cfa69a67ec"),
            ("d4_cpps_at31march_by_category_of_abuse_2013_to_2022.csv", "0cad582dd45dda8a266e055f770a95ceeb7bfb2b98610876f0cda05a17fd8b7b"),
            ("b1_children_in_need_2013_to_2025.csv", "fc065f5eb33a97fcbf3b2df6a7a55e15dbf645ce9739ef0128776461602179ad"),
            ("c1_children_in_need_referrals_and_rereferrals_2013_to_2025.csv", "e548b10b4e2de4e8845c35eae274f6280636f5ff262f8189cbe62c320591f75d"),
            ("d3_cpps_subsequent_plan_2013_to_2025.csv", "06f9b63e9329925fea34d75a7f5e9c44d97fed4c1aed8cb2a302af21ef4113ab"),
            ("d5_cpps_at31march_by_duration_2013_to_2025.csv", "b203854c252fc055df1dc05d649de63c2f18c0246b1bd2282c2f3632530f296d"),
        )
    ),
)
