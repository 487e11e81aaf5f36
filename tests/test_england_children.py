"""Publications on children: small files made here in the published layouts, and the real folder where it is at hand.

Each expectation is what stands in the file: typed here beside the file that the test writes, or read by eye from the published one (file and row beside it).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from causal.errors import DataError
from causal.sources.england.book import Book
from causal.sources.england.extract import ENGLAND, Extract
from causal.sources.england.publication import Edition, Publication, publications
from causal.sources.england.publications import children_in_need, looked_after, mid_year_population, nomis_population
from causal.sources.england.publications import children_in_need_first as need_first
from causal.sources.england.publications import looked_after_first as care_first

REAL = Path(__file__).resolve().parents[1].parent / "shared/data/england"
real_files = pytest.mark.skipif(not REAL.is_dir(), reason="the folder of real published files is not at hand (../shared/data/england)")
MODULES = (children_in_need, need_first, mid_year_population, nomis_population, looked_after, care_first)
MINE = tuple(module.PUBLICATION for module in MODULES)

PLACE = ["time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_code", "region_name"]
TIDY = [*PLACE, "old_la_code", "new_la_code", "la_name", "category"]
COUNTRY = ["Reporting year", "National", ENGLAND, "England", "", "", "", "", "", "Children"]
REGION = ["Reporting year", "Regional", ENGLAND, "England", "E12000009", "South West", "", "", "", "Children"]


def authority(code: str = "383", gss: str = "E08000035", name: str = "Leeds") -> list[str]:
    """Cells of a tidy row between the year and the numbers."""
    return ["Reporting year", "Local authority", ENGLAND, "England", "E12000003", "Yorkshire and The Humber", code, gss, name, "Children"]


def save(path: Path, rows: Iterable[Sequence[object]], encoding: str = "utf-8-sig") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)
    return path


def claims(path: Path) -> list[tuple[Publication, Edition]]:
    """Every publication, of all those known, that claims a file."""
    book = Book(path=path)
    return [(one, edition) for one in publications() if (edition := one.recognise(book)) is not None]


def load(path: Path) -> tuple[Edition, Extract]:
    hits = claims(path)
    assert len(hits) == 1, [one.key for one, _ in hits]
    publication, edition = hits[0]
    extract = publication.read(Book(path=path), edition)
    assert set(extract.cells["quantity"]) <= set(publication.gives)
    return edition, extract


def values(extract: Extract, quantity: str) -> dict[tuple[str, int], object]:
    """(place, year) → the number, or the mark in its place; parts of one number as a list."""
    out: dict[tuple[str, int], object] = {}
    for cell in extract.cells[extract.cells["quantity"] == quantity].itertuples():
        key, value = (str(cell.place), int(cell.year)), str(cell.mark) if math.isnan(cell.value) else cell.value
        out[key] = value if key not in out else [*(old if isinstance(old := out[key], list) else [old]), value]
    return out


def messages(extract: Extract) -> list[str]:
    return [str(problem) for problem in extract.problems]


# ---------------------------------------------------------------- children in need, 2022 release
ABUSE = ["Neglect", "Physical", "Sexual", "Emotional", "Multiple"]
PARTS = {
    "b1": ["Anypoint_episodes", "Anypoint_episodes_rate", "Anypoint_child", "Started_episodes", "At31_episodes", "Awaiting_assessment"],
    "b3": ["At31_episodes", "N1_Abuse_or_neglect", "N7_Low_income", "N0_Not_stated"],
    "c1": ["Referrals", "Re_referrals", "No_Further_Action", "Not_in_Need"],
    "c2": ["Assessments_completed", "Same_day"],
    "c4": ["Section47", "ICPC"],
    "d1": ["CPP_start", "CPP_end", "CPP_anypoint", "CPP_At31"],
    "d2": ["CPP_start", *(f"{kind}_Initial" for kind in ABUSE), *(f"{kind}_Latest" for kind in ABUSE)],
    "d4": ["CPP_At31", *(f"{kind}_Initial" for kind in ABUSE), *(f"{kind}_Latest" for kind in ABUSE)],
}


@pytest.mark.parametrize("part", PARTS)
def test_part_is_told_by_its_headings_whatever_the_file_is_called(tmp_path: Path, part: str) -> None:
    path = save(tmp_path / "d9_something_else_2001.csv", [[*TIDY, *PARTS[part]], ["2018", *authority(), *range(10, 10 + len(PARTS[part]))]])
    edition, extract = load(path)
    assert edition == Edition(part=part)
    assert len(extract.cells)


def test_category_is_the_first_for_plans_that_start_and_the_latest_for_plans_at_31_march(tmp_path: Path) -> None:
    """DfE's guidance: d2 and d4 print both, five each, in this order."""
    for part, quantity, expected in (("d2", "plans_started_physical", 12), ("d4", "plans_physical", 17)):
        path = save(tmp_path / f"{part}.csv", [[*TIDY, *PARTS[part]], ["2018", *authority(), *range(10, 21)]])
        assert values(load(path)[1], quantity) == {("383", 2018): expected}


def test_release_of_2022_row_by_row(tmp_path: Path) -> None:
    """Country and authorities are taken, regions and rates are not; a row without a three-digit code goes by its GSS code; names are read in Windows-1252."""
    rows = [
        ["Children in need, downloaded as a table"],
        [*TIDY, *PARTS["b1"]],
        ["2018", *COUNTRY, 753840, 635.2, 705060, 406770, 404710, 9],
        ["2018", *REGION, 7, 7, 7, 7, 7, 7],
        ["2018", *authority(name="Leeds – City"), "1,200", 12.5, "c", 600, 700, 9],
        ["2017", *authority("", "E08000035"), 1100, 12.5, 1000, "x", 650, 9],
    ]
    edition, extract = load(save(tmp_path / "b.csv", rows, encoding="cp1252"))
    assert edition == Edition(part="b1")
    assert values(extract, "need_episodes") == {(ENGLAND, 2018): 753840, ("383", 2018): 1200, ("E08000035", 2017): 1100}
    assert values(extract, "need_children") == {(ENGLAND, 2018): 705060, ("383", 2018): "c", ("E08000035", 2017): 1000}
    assert values(extract, "need_started") == {(ENGLAND, 2018): 406770, ("383", 2018): 600, ("E08000035", 2017): "x"}
    assert list(extract.authorities.iloc[0]) == ["383", "E08000035", "Leeds – City", "E12000003", "Yorkshire and The Humber", 2018]
    assert messages(extract) == []
    cell = extract.cells[(extract.cells["quantity"] == "need_episodes") & (extract.cells["place"] == "383")].iloc[0]
    assert (cell["row"], cell["column"]) == (5, "Anypoint_episodes")  # the title row counts, as a spreadsheet counts it


@pytest.mark.parametrize(("printed", "mark"), [(m, m) for m in ("x", "c", "z", "..", ".", ":", "u", "-", "low")] + [("", "blank"), ("#DIV/0!", "#div/0!")])
def test_mark_is_missing_and_never_0(tmp_path: Path, printed: str, mark: str) -> None:
    path = save(tmp_path / "d1.csv", [[*TIDY, *PARTS["d1"]], ["2018", *authority(), printed, 0, 5, 6]])
    extract = load(path)[1]
    assert values(extract, "plans_started") == {("383", 2018): mark}
    assert values(extract, "plans_ended") == {("383", 2018): 0}
    assert messages(extract) == []


def test_wrong_cells_cost_only_themselves(tmp_path: Path) -> None:
    """A number in words, a year in words, an unknown level, no code, a row cut short: each is told with its row, and the rest loads."""
    header = [*TIDY, *PARTS["d1"]]
    wrong_level = authority()
    wrong_level[1] = "Locl authority"
    rows = [
        header,
        ["2018", *authority(), "forty", 2, 3, 4],
        ["2018x", *authority(), 1, 2, 3, 4],
        ["2017", *wrong_level, 1, 2, 3, 4],
        ["2017", *authority("", ""), 1, 2, 3, 4],
        ["2016", *authority(), 11, 12, 13, 14],
        ["2016", *authority("384", "E08000036", "Wakefield"), 1],
    ]
    extract = load(save(tmp_path / "d1.csv", rows))[1]
    assert values(extract, "plans_started") == {("383", 2018): "unreadable", ("383", 2016): 11}
    assert values(extract, "plans") == {("383", 2018): 4, ("383", 2016): 14}
    told = messages(extract)
    assert len(told) == 5
    for message, row, words in zip(
        told, (2, 3, 4, 5, 7), ("got 'forty'; a number", "got '2018x'; a year", "got 'Locl authority'; National", "3-digit code", "cut short"), strict=True
    ):
        assert f"d1.csv, row {row}" in message
        assert words in message
    assert extract.problems[0].quantity == "plans_started"


def test_lost_column_is_told_and_the_others_load(tmp_path: Path) -> None:
    header = [*TIDY, "CPP_start", "CPP_finish", "CPP_anypoint", "CPP_At31"]
    extract = load(save(tmp_path / "d1.csv", [header, ["2018", *authority(), 1, 2, 3, 4]]))[1]
    assert values(extract, "plans") == {("383", 2018): 4}
    assert [(problem.quantity, problem.row) for problem in extract.problems] == [("plans_ended", 1)]
    assert "CPP_end" in messages(extract)[0]


def test_national_time_series_are_told_apart_by_their_categories(tmp_path: Path) -> None:
    header = [*PLACE[:5], "category", "category_type", "number", "rate", "percent"]
    start = ["Reporting year", "National", ENGLAND, "England"]
    a1 = [
        header,
        ["2018", *start, "Referrals", "Referrals in the year", 655630, 552.5, "z"],
        ["2013", *start, "Assessments", "Assessments completed in the year", *"xxx"],
    ]
    a2 = [header, ["2018", *start, "CPP", "CPP at 31 March", 53790, 45.3, "z"], ["2018", *start, "CPP", "Children ending CPPs in the year", 9, 9, "z"]]
    edition, extract = load(save(tmp_path / "one.csv", a1))
    assert edition == Edition(part="a1")
    assert values(extract, "referrals") == {(ENGLAND, 2018): 655630}
    assert values(extract, "assessments") == {(ENGLAND, 2013): "x"}
    assert any("'Episodes of need at any point in the year'" in message for message in messages(extract))  # it is not in this file: told
    edition, extract = load(save(tmp_path / "two.csv", a2))
    assert edition == Edition(part="a2")
    assert values(extract, "plans") == {(ENGLAND, 2018): 53790}
    assert len(extract.cells) == 1


# ---------------------------------------------------------------- children in need, first releases
WIDE_2010 = {
    "CINThro0910": "694,000",
    "CINStarting0910": "377,600",
    "CINAt310310": "375,900",
    "CINRatePer10K": 341,
    "CINAt310310DCI": "A",
    "CINAt310310PrimaryNeedMissingUnknown": 3,
    "CINAt310310IAPriNeedAbuse/Neglect": 148300,
    "CINAt310310IAPRiNeedFamilyStress": 38500,
    "CINAt310310PriNeedOther": 5500,
    "CINAt310310IAPriNeedNotStated": 20,
    "Referrals0910": "603,700",
    "IAs0910": 395300,
    "IAs%OfReferrals0910": 65,
    "ChildrenReferredIn0910MoreThanOnce": 1,
    "CAs0910": 137600,
    "S47in0910": 87700,
    "ICPCin0910": 43100,
    "CPPIn0910": 44300,
    "CPPCeased0910": 37900,
    "CPPAt310310": "39,100",
    "CPPAt310310RatePer10k": 35.5,
    "CPPin0910InitialAbuseNeglect": 19300,
    "CPPin0910LatestAbuseNeglect": 19000,
    "CPPat310310InitialAbuseNeglect": 17300,
    "CPPat310310LatestAbuseNeglect": 17200,
    "Mid2009Pop0-17": 11012300,
}
WIDE_2017 = {
    "CINEpisodesThro1617": 777850,
    "CINepisodesThroRatePer10K": 660,
    "CINChildrenThro1617": 721730,
    "CINEpisodesStarting1617": 400160,
    "CINAt310316": 389430,  # so printed, for 2017
    "CINAt310316RatePer10K": 330.4,
    "CINAt310317APriNeedLowInc": 1670,
    "Referrals1617": 646120,
    "ReferralsWithin12mths1617": 141560,
    "ReferralsNFA1617": 66040,
    "ReferralsANotInNeed1617": 179930,
    "Assessments1617": 606920,
    "S471617": 185450,
    "S47Children1617": 1,
    "ICPCin1617": 76930,
    "CPPEpisodesStart1617": 66410,
    "CPPChildrenStart1617": 1,
    "CPPEpisodesCeased1617": 65420,
    "CPPEpisodeThru1617": 116500,
    "CPPAt310317": 51080,
    "CPPStart1617InitialAbuseMultiple": 7,
    "CPPat310317LatestAbuseMultiple": 2630,
    "Mid2016Pop017": 11785300,
}


def test_first_release_of_2010_as_printed(tmp_path: Path) -> None:
    """Numbers of England's row of osr28-2010ud.csv; a row of marks below it."""
    marks = ["..", "x", "."]
    rows = [
        ["geog_l", "geog_c", "geog_n", *WIDE_2010],
        ["National", "921", "England", *WIDE_2010.values()],
        ["LA", "383", "Leeds", *(marks[i % 3] for i in range(len(WIDE_2010)))],
    ]
    edition, extract = load(save(tmp_path / "underlying.csv", rows, encoding="cp1252"))
    assert edition == Edition(year=2010)
    expected = {
        "need_episodes": 694000, "need_started": 377600, "need_at_31_march": 375900, "need_abuse_or_neglect": 148300, "need_acute_stress": 38500,
        "need_other_cases": 5500, "need_not_stated": [20, 3], "referrals": 603700, "initial_assessments": 395300, "core_assessments": 137600,
        "section47": 87700, "conferences": 43100, "plans_started": 44300, "plans_ended": 37900, "plans": 39100, "plans_started_neglect": 19300,
        "plans_neglect": 17200, "population_0_17_first": 11012300,
    }  # fmt: skip
    assert {quantity: values(extract, quantity)[ENGLAND, 2010] for quantity in extract.cells["quantity"].unique()} == expected
    assert values(extract, "need_episodes")["383", 2010] == ".."
    assert set(extract.cells[extract.cells["quantity"] == "need_not_stated"]["part"]) == {"", "missing"}
    assert list(extract.authorities.iloc[0])[:3] == ["383", "", "Leeds"]
    assert {problem.quantity for problem in extract.problems} == {"plans_physical", "need_low_income"} | {
        f"{start}_{kind}" for start in ("plans", "plans_started") for kind in ("physical", "sexual", "emotional", "multiple")
    } | {"need_childs_disability", "need_parents_disability", "need_family_dysfunction", "need_unacceptable_behaviour", "need_absent_parenting"}


def test_first_release_of_2017_as_printed_below_a_title(tmp_path: Path) -> None:
    """Numbers of England's row of SFR61-2017_UD.CSV, whose heading CINAt310316 names the wrong year."""
    rows = [
        ["SFR61/2017"],
        ["geog_l", "geog_c", "new_la_code", "geog_n", *WIDE_2017],
        ["National", "", "E06000046", "England", *WIDE_2017.values()],
        ["LA", "383", "E08000035", "Leeds", *range(len(WIDE_2017))],
    ]
    edition, extract = load(save(tmp_path / "underlying_2011.csv", rows))
    assert edition == Edition(year=2017)
    expected = {
        "need_episodes": 777850, "need_children": 721730, "need_started": 400160, "need_at_31_march": 389430, "need_low_income": 1670, "referrals": 646120,
        "re_referrals": 141560, "referrals_no_further_action": 66040, "referrals_not_in_need": 179930, "assessments": 606920, "section47": 185450,
        "conferences": 76930, "plans_started": 66410, "plans_ended": 65420, "plans_any": 116500, "plans": 51080, "plans_started_multiple": 7,
        "plans_multiple": 2630, "population_0_17_first": 11785300,
    }  # fmt: skip
    assert {quantity: values(extract, quantity)[ENGLAND, 2017] for quantity in extract.cells["quantity"].unique()} == expected
    assert len(extract.authorities) == 1  # England's row prints the Isle of Wight's code: not taken for an authority


def test_first_release_whose_headings_name_no_year_is_refused(tmp_path: Path) -> None:
    rows = [["geog_l", "geog_c", "geog_n", "Referrals2017", "CPPAt310317"], ["LA", "383", "Leeds", 1, 2]]
    with pytest.raises(DataError, match=r"wide\.csv: wanted a heading that names the year, as Referrals1617 names 2016-17, got none; fetch the file again"):
        load(save(tmp_path / "wide.csv", rows))


# ---------------------------------------------------------------- children looked after
AGES = ["SCLA_U1", "SCLA_1to4", "SCLA_5to9", "SCLA_10to15", "SCLA_16over"]
WIDE = ["New_geog_code", "geog_l", "geog_c", "geog_n"]
NORTH = ["E12000001", "REGION", "A", "NORTH EAST"]
ENG = [ENGLAND, "NATIONAL", "999", "ENGLAND"]
SCILLY = ["E06000053", "LA", "420", "Isles of Scilly"]
TAUNTON = ["E10000027", "LA", "933", "Somerset"]


def test_stock_and_starts_of_2010(tmp_path: Path) -> None:
    stock = [["geog_l", "geog_c", "geog_n", "MarTotal_2010", "Mid2009Pop0-17"], ["National", 921, "England", 64400, 1], ["GOR", "A", "North East ", 3650, 1]]
    edition, extract = load(save(tmp_path / "a.csv", [*stock, ["LA", 201, "City of London", 15, 900]]))
    assert edition == Edition(year=2010, part="looked after")
    assert values(extract, "looked_after") == {(ENGLAND, 2010): 64400, ("201", 2010): 15}
    starts = [["geog_l", "geog_c", "geog_n", "StartTotal_2010", "StartPlace_Q1_2010"], ["National", 921, "England", 27800, 1]]
    edition, extract = load(save(tmp_path / "b.csv", [*starts, ["LA", 201, "City of London", "x", 0]]))
    assert edition == Edition(year=2010, part="starts")
    assert values(extract, "care_starts") == {(ENGLAND, 2010): 27800, ("201", 2010): "x"}
    assert messages(extract) == []  # ages are not printed in 2010


def test_starts_of_several_years_and_ages_of_the_last(tmp_path: Path) -> None:
    """ADM2018: totals of 2014 to 2018, ages of 2018. The heading stands below a title, and one row has lost its level."""
    header = ["LA_order", *WIDE, *(f"CLA_started{year}" for year in range(2014, 2019)), "CLA_taken2018", *AGES, "SCLA_U1_pc"]
    rows = [
        ["Children who started to be looked after"],
        header,
        [1, *ENG, 30730, 31350, 32160, 32940, 32050, 15180, 6160, 5670, 5680, 8830, 5710, 19],
        [2, *NORTH, *range(12)],
        [9, *TAUNTON, "x", 287, 235, 230, 258, 96, 43, "c", 103, 60, 40, 17],
        [165, "E06000053", "", 420, "Isles of Scilly", *[0] * 12],
    ]
    edition, extract = load(save(tmp_path / "adm.csv", rows))
    assert edition == Edition(year=2018, part="starts")
    assert looked_after.PUBLICATION.released(edition) == 2018
    assert values(extract, "care_starts") == {
        **{(ENGLAND, 2014 + i): number for i, number in enumerate((30730, 31350, 32160, 32940, 32050))},
        **{("933", 2014 + i): number for i, number in enumerate(("x", 287, 235, 230, 258))},
        **{("420", year): 0 for year in range(2014, 2019)},
    }
    assert values(extract, "care_starts_1_4") == {(ENGLAND, 2018): 5670, ("933", 2018): "c", ("420", 2018): 0}
    assert values(extract, "care_starts_16_plus")["933", 2018] == 40
    assert list(extract.authorities.iloc[0])[:3] == ["933", "E10000027", "Somerset"]
    assert messages(extract) == []


@pytest.mark.parametrize(
    ("name", "england", "year"),
    [("renamed.csv", 31070, 2015), ("renamed.csv", 30430, 2014), ("ADM2015.csv", 30430, 2014), ("ADM2015.csv", 12, 2015), ("renamed.csv", 12, 2014)],
)
def test_heading_of_2015_that_says_2014(tmp_path: Path, name: str, england: int, year: int) -> None:
    """DfE's SFR34/2015 heads its starts CLA_started2014; England's total tells (31,070 in 2015, 30,430 in 2014), the name where it does not."""
    rows = [[*WIDE, "CLA_started2014", "CLA_taken2014", *AGES], [*ENG, england, 1, 1, 2, 3, 4, 5], [*TAUNTON, 268, 1, 1, 2, 3, 4, 5]]
    edition, extract = load(save(tmp_path / name, rows))
    assert edition == Edition(year=year, part="starts")
    assert values(extract, "care_starts") == {(ENGLAND, year): england, ("933", year): 268}
    assert values(extract, "care_starts_under_1")["933", year] == 1


def test_shifted_headings_of_2022(tmp_path: Path) -> None:
    """`population_count` holds the measure and `population_estimate` the children; authorities that were not there yet print z throughout."""
    header = [*PLACE, "old_la_code", "la_name", "new_la_code", "population_count", "population_estimate", "number", "rate_per_10000"]
    north = ["Reporting year", "Local authority", ENGLAND, "England", "E12000004", "East Midlands", "940", "North Northamptonshire", "E06000061"]
    measures = [f"Children {doing} each year" for doing in ("ceasing to be looked after", "looked after at 31 March", "starting to be looked after")]
    rows = [header]
    for measure, number in zip(measures, (30070, 82170, 31010), strict=True):
        rows.append(["2022", *COUNTRY[:-1], measure, 11774610, number, 70 if number == 82170 else 26])
    for measure, number in zip(measures, (101, "c", 303), strict=True):
        rows += [["2022", *north, measure, 80000, number, {101: 13, 303: 38}.get(number, "c")], ["2021", *north, measure, "z", "z", "z"]]
    rows.append(["2022", *north, "Children adopted", 1, 1, 1])
    edition, extract = load(save(tmp_path / "cla.csv", rows))
    assert edition == Edition(part="numbers")
    assert looked_after.PUBLICATION.released(edition) == 2022
    assert values(extract, "looked_after") == {(ENGLAND, 2022): 82170, ("940", 2022): "c"}
    assert values(extract, "care_starts") == {(ENGLAND, 2022): 31010, ("940", 2022): 303}
    assert values(extract, "population_0_17_cla") == {(ENGLAND, 2022): 11774610, ("940", 2022): 80000}
    assert list(extract.authorities["year"]) == [2022]
    assert len(messages(extract)) == 1
    assert "got 'Children adopted'" in messages(extract)[0]


@pytest.mark.parametrize("sheet", ["LAA1", "Stock by authority"])
def test_workbook_of_2010_whatever_its_sheet_is_called(tmp_path: Path, sheet: str) -> None:
    """Numbers of sfr27-2010amv5.xls: rates stand right of the numbers, a footnote's number behind a name, "." before an authority was there."""
    book = openpyxl.Workbook()
    book.active.title = "LAA2"
    table = book.create_sheet(sheet)
    for row in (
        [None, None, "Table LAA1:  Children looked after at 31 March, by Local Authority1,2"],
        [None, None, None, "numbers3", None, None, None, "rates4"],
        [None, None, None, 2008, 2009, 2010, None, 2008, 2009, 2010],
        [0, 0, "England", 59400, 60900, 64400, None, 54, 55, 58],
        [991, None, "North West", 10300, 10600, 11180, None, 69, 71, 75],
        [320, 17, "Cheshire5", 565, 655, ".", None, 39, 45, "."],
        [None, None, "Cheshire East5", ".", ".", 430, None, ".", ".", 57],
        [906, 142, "Isles Of Scilly", "x", 0, 0, None, "x", 0, 0],
        [1, 1, "Medway Towns", 330, 310, 350, None, 5, 5, 5],
        [None, None, "1. Figures exclude short term placements"],
    ):
        table.append(row)
    book.save(tmp_path / "tables.xlsx")
    edition, extract = load(tmp_path / "tables.xlsx")
    assert edition == Edition(year=2010, part="tables")
    assert values(extract, "looked_after_rounded") == {
        (ENGLAND, 2008): 59400, (ENGLAND, 2009): 60900, (ENGLAND, 2010): 64400, ("875", 2008): 565, ("875", 2009): 655, ("Cheshire East", 2010): 430,
        ("Isles Of Scilly", 2008): "x", ("Isles Of Scilly", 2009): 0, ("Isles Of Scilly", 2010): 0,
        ("Medway", 2008): 330, ("Medway", 2009): 310, ("Medway", 2010): 350,
    }  # fmt: skip
    assert extract.rounding == {"looked_after_rounded": 5}
    assert set(extract.cells["sheet"]) == {sheet}
    assert messages(extract) == []


# ---------------------------------------------------------------- populations
def test_mid_year_population_belongs_to_the_year_that_ends_after_it(tmp_path: Path) -> None:
    header = [*TIDY[:-1], "age_group", "population_estimate"]
    age = "Children aged 0 to 17 years"
    rows = [
        header,
        ["2017", *COUNTRY[:-1], age, 11866960],
        ["2017", *REGION[:-1], age, 5],
        ["2012", *authority()[:-1], age, "158,012"],
        ["2012", *authority()[:-1], "Children aged 16 to 17 years", 3],
    ]
    edition, extract = load(save(tmp_path / "ons.csv", rows))
    assert edition == Edition()
    assert values(extract, "population_0_17") == {(ENGLAND, 2018): 11866960, ("383", 2013): 158012}
    assert len(messages(extract)) == 1
    assert "got 'Children aged 16 to 17 years'" in messages(extract)[0]


def block(age: str, rows: Iterable[Sequence[object]], gender: str = "Total") -> list[Sequence[object]]:
    """Nomis's layout of one age band."""
    return [
        [],
        ["Population estimates - local authority based by single year of age"],
        ["ONS Crown Copyright Reserved [from Nomis on 5 October 2022]"],
        ["Gender     :", gender],
        ["Age        :", age],
        [],
        ["local authority: county / unitary (as of April 2021)", "mnemonic", "2009", "2010"],
        [],
        *rows,
        [],
    ]


def test_nomis_bands_below_each_other(tmp_path: Path) -> None:
    rows = block("Age 0 - 4", [["Darlington", "E06000005", 6440, 6562], ["Cardiff", "W06000015", 1, 1]])
    rows += block("Aged 5-9", [["Darlington", "E06000005", 5886, "x"], ["Leeds", "E0800003", 1, 2], ["York", "E06000014", 3]])
    rows += block("Age 17", [["Darlington", "E06000005", 1, 2]])
    edition, extract = load(save(tmp_path / "nomis.csv", rows, encoding="cp1252"))
    assert edition == Edition(part="all ages")
    assert nomis_population.PUBLICATION.released(edition) == 2022
    assert values(extract, "population_0_4") == {("E06000005", 2010): 6440, ("E06000005", 2011): 6562}
    assert values(extract, "population_5_9") == {("E06000005", 2010): 5886, ("E06000005", 2011): "x"}
    assert [problem.row for problem in extract.problems] == [21, 22, 30]
    for message, words in zip(messages(extract), ("got 'E0800003'", "cut short", "ages 17 are not used"), strict=True):
        assert words in message


def test_nomis_one_band_to_a_file(tmp_path: Path) -> None:
    edition, extract = load(save(tmp_path / "any.csv", block("Aged 10-14", [["Darlington", "E06000005", 6401, 6340]])))
    assert edition == Edition(part="ages 10-14")
    assert nomis_population.PUBLICATION.released(edition) == 2023
    assert values(extract, "population_10_14") == {("E06000005", 2010): 6401, ("E06000005", 2011): 6340}
    assert list(extract.cells["row"]) == [9, 9]


def test_nomis_of_boys_alone_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "boys.csv", block("Age 15", [["Darlington", "E06000005", 1, 2]], gender="Male"))
    with pytest.raises(DataError, match=r"boys\.csv, row 4: wanted Total for the gender, got 'Male'"):
        load(path)


# ---------------------------------------------------------------- what is no such file
def test_other_files_are_not_claimed(tmp_path: Path) -> None:
    """Other files of the same releases, an empty one, one of prose, and a workbook."""
    b2 = save(tmp_path / "b2_children_in_need.csv", [[*TIDY, "At31_episodes", "Autism_percent"], ["2018", *authority(), 1, 2]])
    d3 = save(tmp_path / "d3_cpps_subsequent.csv", [[*TIDY, "CPP_start", "CPP_subsequent"], ["2018", *authority(), 1, 2]])
    a6 = save(tmp_path / "a6_initial.csv", [[*PLACE[:5], "category", "CPP_At31", "Neglect_Initial"], ["2018", *COUNTRY[:3], "CPP", 1, 2]])
    ceased = save(tmp_path / "SFR50_CEA2017.csv", [[*WIDE, "CLA_ceased2017"], [*TAUNTON, 4]])
    empty = save(tmp_path / "b1_children_in_need_2013_to_2022.csv", [])
    prose = save(tmp_path / "looked_after_2018.csv", [["Children looked after at 31 March", "2018"]])
    book = openpyxl.Workbook()
    book.save(tmp_path / "ADM2018.xlsx")
    for path in (b2, d3, a6, ceased, empty, prose, tmp_path / "ADM2018.xlsx"):
        assert [one.recognise(Book(path=path)) for one in MINE] == [None] * len(MINE), path.name


@pytest.mark.parametrize(
    "rows",
    [
        [[*TIDY, *PARTS["d1"]]],
        [["geog_l", "geog_c", "geog_n", *WIDE_2010]],
        [[*WIDE, "CLA_Mar2017"], [*NORTH, 3820]],
        [[*TIDY[:-1], "age_group", "population_estimate"], ["2018"]],
        block("Age 15", []),
    ],
    ids=["children in need", "first release", "looked after", "population", "nomis"],
)
def test_header_without_authorities_is_refused(tmp_path: Path, rows: list[Sequence[object]]) -> None:
    with pytest.raises(DataError, match=r"cut\.csv: wanted authorities below the header, got none; fetch the file again"):
        load(save(tmp_path / "cut.csv", rows))


@pytest.mark.parametrize("publication", MINE, ids=lambda one: one.key)
def test_breaks_and_releases_belong_to_what_is_given(publication: Publication) -> None:
    assert set(publication.breaks) <= set(publication.gives)
    assert {release.edition for release in publication.releases if release.edition in publication.editions} == set(publication.editions)
    assert all(release.edition.year > 2022 for release in publication.releases if release.edition not in publication.editions)  # later ones of the same
    assert publication.page.startswith("https://")


# ---------------------------------------------------------------- the real files
class Real:
    """Every file of mine in the real folder, read once."""

    def __init__(self) -> None:
        frames, self.problems, self.found = [], [], {}
        for path in sorted(
            file for folder in ("cin_census", "cla", "population") for file in (REAL / folder).rglob("*") if file.suffix.lower() in (".csv", ".xls")
        ):
            book = Book(path=path)
            ((publication, edition),) = [(one, edition) for one in publications() if (edition := one.recognise(book)) is not None]
            extract = publication.read(book, edition)
            self.found[path.name] = (publication, edition, book.digest)
            self.problems += messages(extract)
            plain = extract.cells.astype({name: str for name in ("place", "quantity", "part", "mark", "sheet", "column")})
            frames.append(plain.assign(file=path.name, publication=publication.key, released=publication.released(edition)))
        self.cells = pd.concat(frames, ignore_index=True)
        self.by_quantity = {str(quantity): cells for quantity, cells in self.cells.groupby("quantity")}

    def numbers(self, quantity: str, file: str = "", publication: str = "") -> pd.Series:
        """Printed numbers by (place, year)."""
        cells = self.by_quantity[quantity]
        cells = cells[cells["file"].str.startswith(file) & cells["publication"].str.startswith(publication)]
        return cells.set_index(["place", "year"])["value"].sort_index()


@pytest.fixture(scope="module")
def real() -> Real:
    return Real()


@real_files
def test_every_real_file_is_the_one_it_was_tested_on(real: Real) -> None:
    """Each is claimed once (else `Real` fails), by its own publication, under the edition and digest noted there; nothing is wrong with any."""
    released = {
        release.name: (publication.key, release.edition, release.sha256)
        for publication in MINE
        for release in publication.releases
        if release.edition in publication.editions  # later releases stand in another folder
    }
    assert {name: (publication.key, edition, digest) for name, (publication, edition, digest) in real.found.items()} == released
    assert real.problems == []


@real_files
def test_all_that_is_promised_is_given(real: Real) -> None:
    for publication in MINE:
        given = real.cells[real.cells["publication"] == publication.key]
        assert set(publication.gives) - set(given["quantity"]) <= LATER, publication.key
        numbers = given["value"].notna().groupby(given["quantity"]).sum()
        assert numbers.min() > 100, publication.key


LATER = {  # what only releases after 2022 print
    "population_0_17_rebased", "plans_subsequent", "plans_3_months", "plans_6_months", "plans_1_year", "plans_2_years", "plans_longer",
}  # fmt: skip


# docs/data.md, section 4: referrals, section 47, initial conferences, plans and children in need at 31 March.
NATIONAL = {
    2010: (603700, 87700, 43100, 39100, 375900), 2011: (615000, 111700, 53000, 42700, 382400), 2012: (605100, 124590, 56200, 42900, 369400),
    2013: (593470, 127190, 60080, 43190, 378030), 2014: (657780, 142710, 65190, 48300, 395480), 2015: (635620, 160490, 71410, 49690, 390130),
    2016: (621470, 172510, 73050, 50310, 393910), 2017: (646120, 185680, 76930, 51080, 389040), 2018: (655630, 198090, 79470, 53790, 404710),
    2019: (650930, 201170, 77440, 52260, 399510),
}  # fmt: skip


@real_files
@pytest.mark.parametrize("year", NATIONAL)
def test_england_is_the_published_series(real: Real, year: int) -> None:
    """First releases to 2012, the release of 2022 from 2013, in its national tables and in those by authority alike."""
    for quantity, expected in zip(("referrals", "section47", "conferences", "plans", "need_at_31_march"), NATIONAL[year], strict=True):
        cells = real.cells[(real.cells["quantity"] == quantity) & (real.cells["place"] == ENGLAND) & (real.cells["year"] == year)]
        latest = cells[cells["released"] == cells["released"].max()]
        assert list(latest["value"]) == [expected] * (1 if year < 2013 else 2), quantity


@real_files
def test_known_sums_of_authorities(real: Real) -> None:
    """docs/data.md F4: 65,524 looked after in 2011, 75,363 in 2018. README: England's children 11.77 million in mid-2021, 12.09 in mid-2020."""
    for year, file, expected in ((2011, "SFR21_CLA", 65524), (2018, "cla_number", 75363)):
        stock = real.numbers("looked_after", file).xs(year, level="year").drop(ENGLAND)
        assert stock.sum() == expected
    children = real.numbers("population_0_17_cla")
    assert round(children[ENGLAND, 2022] / 1e6, 2) == 11.77
    assert round(children[ENGLAND, 2021] / 1e6, 2) == 12.09


@real_files
def test_looked_after_2015_to_2019_within_revisions_of_the_series_in_the_field_notes(real: Real) -> None:
    """docs/data.md's 69,470 to 78,150 come from another release than these files: within 0.15 % of them."""
    for year, expected in zip(range(2015, 2020), (69470, 70410, 72610, 75370, 78150), strict=True):
        assert real.numbers("looked_after")[ENGLAND, year] == pytest.approx(expected, rel=0.0015)


@real_files
def test_episodes_were_revised_down_as_the_notes_on_the_data_say(real: Real) -> None:
    """README: 2013 by 1.0 %, 2017 by 4.5 %."""
    first, later = real.numbers("need_episodes", publication="children_in_need_first"), real.numbers("need_episodes", "b1")
    assert [round((later[ENGLAND, year] / first[ENGLAND, year] - 1) * 100, 1) for year in (2013, 2017)] == [-1.0, -4.5]


@real_files
def test_every_year_names_every_authority(real: Real) -> None:
    """152, and 151 in 2020 and 2021, when Dorset, Bournemouth and Poole were two; some files on children looked after leave out the Isles of Scilly."""
    cells = real.cells[(real.cells["place"] != ENGLAND) & (real.cells["quantity"] != "looked_after_rounded")]
    counts = cells.groupby(["publication", "file", "year"])["place"].nunique()
    assert len(counts) > 200
    for (publication, file, year), count in counts.items():
        boundaries_of_2021 = publication == "nomis_population"
        without_scilly = (publication == "looked_after_first" and 2011 <= year <= 2016) or file in ("ADM2018_amended.csv", "SFR50_ADM2017.csv")
        assert count == (151 if year in (2020, 2021) and not boundaries_of_2021 else 152) - without_scilly, (file, year)


# Printed rate = number ÷ children × 10,000: (heading of the rate, quantity). Holds the year that children are given, and the columns.
RATES = {
    "d1_child_protection_plans_2013_to_2022.csv": (("CPP_At31_rate", "plans"), ("CPP_start_rate", "plans_started")),
    "c4_children_in_need_section_47s_and_icpcs_2013_to_2022.csv": (("Section47_rate", "section47"), ("ICPC_rate", "conferences")),
    "c1_children_in_need_referrals_and_rereferrals_2013_to_2022.csv": (("Referrals_rate", "referrals"),),
    "b1_children_in_need_2013_to_2022.csv": (("Anypoint_episodes_rate", "need_episodes"), ("At31_episodes_rate", "need_at_31_march")),
}


@real_files
@pytest.mark.parametrize("file", RATES)
def test_printed_rates_come_from_these_numbers(real: Real, file: str) -> None:
    """DfE's own rates, from the rows of the file, against number ÷ children of the same year here, to its one decimal (half of it for rounding)."""
    children = real.numbers("population_0_17")
    with (REAL / "cin_census/2021-22" / file).open(encoding="utf-8-sig") as lines:
        printed = [row for row in csv.DictReader(lines) if row["geographic_level"] == "Local authority" and int(row["time_period"]) <= 2021]
    for heading, quantity in RATES[file]:
        numbers, checked = real.numbers(quantity, file), 0
        for row in printed:
            key = (row["old_la_code"], int(row["time_period"]))
            if row[heading] not in ("c", "x", "..", "z"):
                checked += 1
                assert abs(numbers[key] / children[key] * 1e4 - float(row[heading])) <= 0.0501, (key, heading)
        assert checked > 1300


@real_files
def test_printed_rates_of_2010_come_from_the_children_printed_beside_them(real: Real) -> None:
    """osr28-2010ud.csv: CPPAt310310RatePer10k = CPPAt310310 ÷ Mid2009Pop0-17 × 10,000, where plans are above 100 (children are rounded to 100)."""
    plans, children = real.numbers("plans", "osr28"), real.numbers("population_0_17_first", "osr28")
    with (REAL / "cin_census/2009-10/osr28-2010ud.csv").open(encoding="cp1252") as lines:
        rates = {row["geog_c"]: row["CPPAt310310RatePer10k"] for row in csv.DictReader(lines) if row["geog_l"] == "LA"}
    checked = 0
    for code, rate in rates.items():
        if plans[code, 2010] > 100:
            checked += 1
            assert abs(plans[code, 2010] / children[code, 2010] * 1e4 - float(rate)) <= 0.15, code
    assert checked > 100


@real_files
def test_categories_of_abuse_add_up_to_all_plans(real: Real) -> None:
    """d4 and d2 against d1, where every category is printed, but for two that DfE left: West Sussex 2013 (d1 prints 424 plans, d4 379) and Wakefield 2016."""
    for part, quantity, odd in (("d4", "plans", {("938", 2013): -45}), ("d2", "plans_started", {("384", 2016): -2})):
        kinds = pd.concat([real.numbers(f"{quantity}_{kind.lower()}", part) for kind in ABUSE], axis=1).dropna().drop(ENGLAND)
        away = kinds.sum(axis=1) - real.numbers(quantity, "d1").reindex(kinds.index)
        assert len(away) > 800
        assert away[away != 0].to_dict() == odd


@real_files
def test_ages_add_up_to_all_who_started(real: Real) -> None:
    """2013 to 2019, where every age is printed; in 2011 and 2012 DfE's weights leave them one apart in some authorities."""
    for publication in ("looked_after_first", "looked_after"):
        for file in real.cells[(real.cells["publication"] == publication) & (real.cells["quantity"] == "care_starts_1_4")]["file"].unique():
            parts = pd.concat([real.numbers(age, file) for age in looked_after.AGES], axis=1).dropna().drop(ENGLAND)
            away = (parts.sum(axis=1) - real.numbers("care_starts", file).reindex(parts.index)).abs()
            assert len(away) > 110
            assert away.max() <= (1 if file in ("SFE21_ADM.csv", "SFR20_ADM2012.csv") else 0), file


@real_files
def test_populations_agree_wherever_two_files_print_them(real: Real) -> None:
    """Nomis in October 2022 and March 2023; ONS's mid-years 2017 to 2020 and those printed beside children looked after of 2018 to 2021."""
    for quantity in nomis_population.BANDS.values():
        old, new = real.numbers(quantity, "nomis"), real.numbers(quantity, "popest")
        assert len(old) == 152 * 12
        assert len(new) == 152 * 13
        assert (new.reindex(old.index) == old).all()
    ours, beside = real.numbers("population_0_17"), real.numbers("population_0_17_cla")
    common = ours.index.intersection(beside.index)
    assert len(common) == 2 * 152 + 2 * 151 + 4
    assert (ours[common] == beside[common]).all()


# Read by eye from the raw files: file, row, place, year, quantity, number or mark.
PINS: tuple[tuple[str, int, str, int, str, float | str], ...] = (
    ("osr28-2010ud.csv", 36, "330", 2010, "plans", 1241),
    ("osr28-2010ud.csv", 65, "383", 2010, "need_episodes", 8528),
    ("osr28-2010ud.csv", 154, "938", 2010, "section47", 1339),
    ("osr28-2010ud.csv", 36, "330", 2010, "population_0_17_first", 253300),
    ("osr26-2011ud.csv", 149, "931", 2011, "referrals", 5394),
    ("osr26-2011ud.csv", 147, "928", 2011, "re_referrals", 1565),
    ("SFR27-2012ud.csv", 147, "928", 2012, "section47", 1716),
    ("SFR27-2012ud.csv", 65, "383", 2012, "referrals_no_further_action", 2832),
    ("SFR45-2013ud.csv", 67, "390", 2013, "plans_started_emotional", 41),
    ("SFR43-2014.csv", 143, "919", 2014, "assessments", 3283),
    ("SFR43-2014.csv", 4, "202", 2014, "initial_assessments", "."),
    ("SFR43-2014.csv", 148, "929", 2014, "plans_any", 644),
    ("SFR41-2015_Underlying_data.csv", 85, "815", 2015, "need_abuse_or_neglect", 1674),
    ("SFR52_2016_UD.csv", 3, "201", 2016, "plans_sexual", 0),
    ("SFR61-2017_UD.CSV", 65, "383", 2017, "need_at_31_march", 6083),
    ("SFR61-2017_UD.CSV", 65, "383", 2017, "plans_any", 1233),
    ("SFR61-2017_UD.CSV", 2, ENGLAND, 2017, "need_children", 721730),
    ("a1_cin_assessments_episodes_referrals_2013_to_2022.csv", 151, ENGLAND, 2013, "assessments", "x"),
    ("a2_section47_icpc_cpp_2013_to_2022.csv", 6, ENGLAND, 2022, "plans", 50920),
    ("b1_children_in_need_2013_to_2022.csv", 1495, "929", 2013, "need_episodes", 6858),
    ("b1_children_in_need_2013_to_2022.csv", 73, "941", 2022, "need_at_31_march", 2720),
    ("b1_children_in_need_2013_to_2022.csv", 298, "204", 2021, "need_children", "x"),
    ("b3_cin_primary_need_2013_to_2022.csv", 1530, "383", 2013, "need_abuse_or_neglect", 4251),
    ("b3_cin_primary_need_2013_to_2022.csv", 1530, "383", 2013, "need_low_income", "c"),
    ("b3_cin_primary_need_2013_to_2022.csv", 119, "839", 2022, "need_family_dysfunction", 458),
    ("c1_children_in_need_referrals_and_rereferrals_2013_to_2022.csv", 1598, "420", 2013, "re_referrals", "c"),
    ("c1_children_in_need_referrals_and_rereferrals_2013_to_2022.csv", 1169, "393", 2015, "referrals", ".."),
    ("c1_children_in_need_referrals_and_rereferrals_2013_to_2022.csv", 74, "330", 2022, "referrals_not_in_need", 6597),
    ("c2_children_in_need_assessments_duration_2014_to_2022.csv", 1444, "201", 2014, "assessments", 14),
    ("c2_children_in_need_assessments_duration_2014_to_2022.csv", 113, "936", 2022, "assessments", 9379),
    ("c4_children_in_need_section_47s_and_icpcs_2013_to_2022.csv", 1568, "874", 2013, "section47", 936),
    ("c4_children_in_need_section_47s_and_icpcs_2013_to_2022.csv", 108, "931", 2022, "conferences", 838),
    ("d1_child_protection_plans_2013_to_2022.csv", 1543, "928", 2013, "plans_ended", 497),
    ("d1_child_protection_plans_2013_to_2022.csv", 69, "940", 2022, "plans_any", 747),
    ("d1_child_protection_plans_2013_to_2022.csv", 788, "201", 2018, "plans", "c"),
    ("d2_cpps_starting_by_category_of_abuse_2013_to_2022.csv", 1574, "825", 2013, "plans_started_multiple", 18),
    ("d2_cpps_starting_by_category_of_abuse_2013_to_2022.csv", 101, "825", 2022, "plans_started_neglect", 566),
    ("d4_cpps_at31march_by_category_of_abuse_2013_to_2022.csv", 1523, "370", 2013, "plans_emotional", 48),
    ("d4_cpps_at31march_by_category_of_abuse_2013_to_2022.csv", 49, "370", 2022, "plans_physical", 9),
    ("d4_cpps_at31march_by_category_of_abuse_2013_to_2022.csv", 288, "420", 2021, "plans_neglect", "z"),
    ("ons_mid-year_population_estimates.csv", 1383, "330", 2013, "population_0_17", 277098),
    ("ons_mid-year_population_estimates.csv", 118, "839", 2021, "population_0_17", 76352),
    ("ons_mid-year_population_estimates.csv", 492, ENGLAND, 2018, "population_0_17", 11866960),
    ("SFR27_2010_March.csv", 45, "330", 2010, "looked_after", 2033),
    ("SFR27_2010_Started.csv", 12, "201", 2010, "care_starts", "x"),
    ("sfr27-2010amv5.xls", 24, "Blackburn with Darwen", 2006, "looked_after_rounded", 310),
    ("sfr27-2010amv5.xls", 30, "Cheshire West and Chester", 2010, "looked_after_rounded", 320),
    ("SFE21_ADM.csv", 158, "929", 2011, "care_starts_5_9", 8),
    ("SFR34_ADM2015.csv", 47, "330", 2015, "care_starts", 935),
    ("SFR41_ADM2016.csv", 76, "383", 2016, "care_starts_16_plus", 32),
    ("SFR50_CLA2017.csv", 78, "390", 2017, "looked_after", 380),
    ("SFR50_CLA2017.csv", 83, "420", 2017, "looked_after", 0),
    ("ADM2018_amended.csv", 76, "383", 2014, "care_starts", 416),
    ("ADM2018_amended.csv", 158, "929", 2018, "care_starts_10_15", 53),
    ("ADM2019.csv", 14, "201", 2015, "care_starts", "c"),
    ("ADM2019.csv", 50, "333", 2019, "care_starts_under_1", 76),
    ("cla_number_and_rate_per_10k_children.csv", 2251, "330", 2018, "care_starts", 753),
    ("cla_number_and_rate_per_10k_children.csv", 204, "941", 2022, "looked_after", 659),
    ("cla_number_and_rate_per_10k_children.csv", 204, "941", 2022, "population_0_17_cla", 91898),
    ("cla_number_and_rate_per_10k_children.csv", 1392, "420", 2020, "looked_after", "c"),
    ("nomis_popest.csv", 16, "E08000037", 2010, "population_0_4", 11242),
    ("nomis_popest.csv", 1000, "E06000062", 2021, "population_16", 4588),
    ("popest-0-4.csv", 67, "E06000061", 2022, "population_0_4", 20132),
    ("popest-16.csv", 149, "E06000053", 2010, "population_16", 16),
)  # fmt: skip


@real_files
@pytest.mark.parametrize(("file", "row", "place", "year", "quantity", "printed"), PINS)
def test_cell_read_by_eye(real: Real, file: str, row: int, place: str, year: int, quantity: str, printed: float | str) -> None:
    cells = real.cells
    here = cells[(cells["file"] == file) & (cells["place"] == place) & (cells["year"] == year) & (cells["quantity"] == quantity)]
    assert len(here) == 1
    cell = here.iloc[0]
    assert (cell["row"], cell["mark"] if isinstance(printed, str) else cell["value"]) == (row, printed)
    assert math.isnan(cell["value"]) == isinstance(printed, str)
