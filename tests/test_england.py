"""England's published files: small ones made here in the published layouts, and the real folder where it is at hand."""

from __future__ import annotations

import csv
import inspect
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import python_calamine
import yaml

from causal.errors import ConfigError, DataError
from causal.panel import Panel
from causal.sources import england_readers as read
from causal.sources.england import NEEDS, England
from causal.sources.england_files import REGISTER_COLUMNS, Grid, find, recognise

REAL = Path(__file__).resolve().parents[1].parent / "shared/data/england"
real_files = pytest.mark.skipif(not REAL.is_dir(), reason="the folder of real published files is not at hand (../shared/data/england)")

# ---------------------------------------------------------------- a small England, made in the published layouts
PLACES = """
202 E09000007 Camden
383 E08000035 Leeds
845 E10000011 East Sussex
874 E06000031 Peterborough
201 E09000001 City of London
835 E10000009 Dorset
836 E06000029 Poole
837 E06000028 Bournemouth
838 E06000059 Dorset
839 E06000058 Bournemouth, Christchurch and Poole
"""
NAMES = {line[:3]: line[14:] for line in PLACES.split("\n") if line}
CODES = {line[:3]: line[4:13] for line in PLACES.split("\n") if line}
OLD = {code: gss for code, gss in CODES.items() if code not in ("838", "839")}  # to March 2019
NEW = {code: gss for code, gss in CODES.items() if code not in ("835", "836", "837")}
TIDY = [f"{kind}_{part}" for kind, part in (("time", "period"), ("time", "identifier"), ("geographic", "level"), ("country", "code"), ("country", "name"))]
TIDY += ["region_code", "region_name", "old_la_code", "new_la_code", "la_name"]
LINES = [
    "Spend by individual Sure Start Children's Centres",
    "Spend on local authority provided or commissioned area-wide services",
    "Spend on local authority management costs relating to Sure Start Children’s Centres",
]


def save_csv(path: Path, rows: Iterable[Iterable[object]], encoding: str = "utf-8-sig") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)


def save_sheet(path: Path, rows: Iterable[Iterable[object]], sheet: str = "Sheet1") -> None:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(list(row))
    book.save(path)


def tidy(path: Path, years: range, heading: str, value: Callable[[str, int], object]) -> None:
    rows: list[list[object]] = [[*TIDY, heading], ["2018", "Reporting year", "National", "E92000001", "England", "", "", "", "", "", "99"]]
    for year in reversed(years):
        for code, gss in (OLD if year < 2020 else NEW).items():
            region = ("E13000001", "Inner London") if gss.startswith("E09") else ("E12000009", "South West")
            rows.append([year, "Reporting year", "Local authority", "E92000001", "England", *region, code, gss, NAMES[code], value(code, year)])
    save_csv(path, rows)


def spend(code: str, year: int) -> list[float]:
    """Gross £ on the three lines: 10,000 children everywhere, so £1,000,000 is £100 a child."""
    if code == "874":
        return [50_000.0, 0.0, 0.0]  # £5 a child: no base
    if code == "845":
        return [300_000.0 if year == 2011 else 900_000.0, 0.0, 0.0]  # trebles: misrecorded base
    return [1_000_000.0 * (2019 - year) / 8, 500_000.0, 100_000.0 if year != 2012 else 70_000.0]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Every publication, eight authorities, 10,000 children in each."""
    cin = tmp_path / "cin"
    tidy(cin / "d1_child_protection_plans_2013_to_2022.csv", range(2013, 2023), "CPP_At31", lambda code, year: "c" if (code, year) == ("383", 2016) else 50)
    tidy(cin / "c1_children_in_need_referrals_2013_to_2022.csv", range(2013, 2023), "Referrals", lambda code, year: "1,500")
    tidy(cin / "c4_children_in_need_section_47s_2013_to_2022.csv", range(2013, 2023), "Section47", lambda code, year: ".." if year == 2013 else 100)
    tidy(
        cin / "ons_mid-year_population_estimates.csv", range(2012, 2021), "population_estimate", lambda code, year: 15_000 if code in ("838", "839") else 10_000
    )
    for year, name, heads in (
        (2010, "osr28-2010ud.csv", ("CPPAt310310", "Referrals0910", "S47in0910")),
        (2011, "osr26-2011ud.csv", ("CPPAt310311", "Referrals1011", "S47in1011")),
        (2012, "SFR27-2012ud.csv", ("CPPAt310312", "Referrals1112", "S471112")),
    ):
        rows = [["National", "921", "England", "1,0", 1, 1], *[["LA", code, NAMES[code], "x" if year == 2010 else 40, "2,000", 90] for code in OLD]]
        save_csv(cin / f"{year}" / name, [["geog_l", "geog_c", "geog_n", *heads], *rows], encoding="cp1252")
    years = list(range(2009, 2021))
    bands: list[list[object]] = []
    for age in ("Age 0 - 4", "Aged 5-9", "Aged 10-14", "Age 15", "Age 16"):
        bands += [[], ["Population estimates"], ["Age        :", age], [], ["local authority: county / unitary (as of April 2021)", "mnemonic", *years], []]
        bands += [[NAMES[code], gss, *[900 if year < 2012 else 1000 for year in years]] for code, gss in NEW.items()] + [["Wales", "W06000001", *years]]
    save_csv(tmp_path / "nomis_popest.csv", bands)
    for year in range(2011, 2020):
        title = [["S251 Outturn - Table A1"], [], []] if year < 2014 else []
        rows = [
            [float(code), NAMES[code], i, words, *[0] * 4, value] for code in OLD for i, (words, value) in enumerate(zip(LINES, spend(code, year), strict=True))
        ]
        if year == 2013:
            rows = [row for row in rows if "management" not in str(row[3])]
        rows += [
            [float(code), NAMES[code], 9, "Spend on evidence based, early intervention services delivered through Sure Start Children's Centres", *[0] * 4, 9e9]
            for code in OLD
        ]
        head = ["LA", "LA Name", "LineNumber", "CYPServiceDescription", "OwnProvision", "PrivateProvision", "OtherPublic", "Voluntary", "TotalExpenditure"]
        save_sheet(tmp_path / f"s251ye{year}.xlsx", [*title, head, *rows])
    save_sheet(tmp_path / "GDP_deflator.xlsx", [["year", "gdp", "deflator_2019"], *[[year, 82.0 + year - 2000, 1] for year in range(2011, 2020)]])
    save_sheet(
        tmp_path / "imd-2015.xlsx",
        [
            ["Upper Tier Local Authority District code (2013)", "Name", "IMD - Average score"],
            *[[gss, NAMES[code], float(code[-1])] for code, gss in OLD.items()],
        ],
        "IMD",
    )
    changes = [f"{year - 2}{(year - 1) % 100:02d}_{year - 1}{year % 100:02d}" for year in range(2012, 2020)]
    rows = [[gss, NAMES[code], "Unitary authority", "x", *["-0.10"] * 8] for code, gss in OLD.items() if code != "201"]
    save_csv(
        tmp_path / "SpendingPercentage.csv",
        [["ons_code", "ons_name", "class", "region", *changes], *rows, ["E07000049", "East Dorset", "District council", "x", *["-0.9"] * 8]],
    )
    for year in range(2011, 2016):
        top = [
            "Local Authority Code",
            "Local Authority",
            "",
            "",
            "Children in families in receipt of CTC (<60% median income) or IS/JSA ",
            "",
            "",
            "Children in Child Benefit families",
        ]
        sub = ["", "", "", "", "Under 16", "All Children", "", "Under 16", "All Children"]
        body = [[gss, "00AA", NAMES[code], "", 0, 2000 + 100 * (year - 2011), "", 0, 10_000] for code, gss in [("202", "E92000001"), *OLD.items()]]
        save_sheet(tmp_path / f"low-income-{year}.xlsx", [top, sub, [], *body], "Summary")
    dwp_years = [cell for year in range(2014, 2022) for cell in (f"{year}/{(year + 1) % 100:02d}" + (" (p)" if year == 2021 else ""), "Annotations")]
    rows = [
        [gss, *[cell for year in range(2015, 2023) for cell in ((1000 if code not in ("838", "839") else 1500) + 100 * (year - 2015), "")]]
        for code, gss in NEW.items()
    ]
    save_csv(
        tmp_path / "children-relative-low-income-0-19-2015-22-code.csv",
        [["Stat-Xplore"], [], ["Year", *dwp_years], ["National - Regional - LA - OAs"], *rows, ["Symbol", "x"]],
    )
    heads = [
        "E-code",
        "Local authority",
        "",
        "Class",
        "Area Based Grant (ABG)",
        "Revenue Support Grant",
        "Redistributed non-domestic rates",
        "COUNCIL TAX REQUIREMENT (TOTAL)",
    ]
    rows = [[f"E{code}", NAMES[code], "", "UA", -100, -200, -300, 400] for code in OLD]
    save_sheet(
        tmp_path / "Revenue_Outturn_Summary__RS__data_2010-11_by_LA.xlsx",
        [["Revenue Outturn"], heads, [], *rows, ["E9", "Fire", "", "O", 0, 0, 0, 0]],
        "RS LA Data 2010-11 (1)",
    )
    rows = [[f"E{code}", gss, NAMES[code], "", "UA"] for code, gss in OLD.items()]
    save_sheet(tmp_path / "RS_2017-18_data_by_LA.xlsx", [["E-code", "ONS Code", "Local authority", "", "Class"], *rows], "RS LA Data 2017-18")
    return tmp_path


def register(path: Path, rows: Iterable[tuple[str, str, str, str, str]], columns: tuple[str, ...] = REGISTER_COLUMNS) -> None:
    """Rows of (authority, type, status, open date, close date)."""
    body = [
        [i, code, NAMES.get(code, ""), f"Centre {i}", kind, status, opened, closed][: len(columns)]
        for i, (code, kind, status, opened, closed) in enumerate(rows)
    ]
    save_csv(path, [columns, *body], encoding="cp1252")


CENTRE = "Children's centre"
REGISTER = [
    ("202", CENTRE, "Closed", "01-09-2006", "31-03-2012"),  # closed on the day itself: counts in 2012
    ("202", CENTRE, "Closed", "", "01-04-2014"),  # the day after: counts in 2015
    ("202", CENTRE, "Open", "01-02-2008", ""),
    ("202", CENTRE, "Open", "01-06-2011", ""),  # opened after the base
    ("202", CENTRE, "Closed", "01-02-2005", "01-02-2009"),  # closed before it
    ("202", "Children's centre linked site", "Closed", "01-02-2008", "01-01-2013"),
    ("202", "Community school", "Closed", "01-02-2008", "01-01-2013"),
    ("383", CENTRE, "Open", "", ""),
    ("383", CENTRE, "Closed", "", ""),  # closed nobody knows when
    ("836", CENTRE, "Closed", "", "01-05-2016"),
    ("839", CENTRE, "Open", "", ""),  # the same place under its later code
    ("201", CENTRE, "Open", "", ""),
]


def test_small_england(small: Path) -> None:
    panel = England(path=str(small)).load()
    frame = panel.frame
    assert panel.authorities == ("202", "383", "835", "845", "874") and panel.years == tuple(range(2010, 2020)) and panel.population == "children"
    assert set(panel.names) == set(NEEDS) - {"closures"}
    assert frame.loc[("202", 2015), ["plans", "referrals", "section47", "children"]].tolist() == [50, 1500, 100, 10_000]
    assert frame.loc[("202", 2011), "children"] == pytest.approx(9000) and frame.loc[("202", 2011), "plans"] == pytest.approx(40 / 0.9)
    assert frame.loc[("835", 2015), "plans_count"] == 150 and frame.loc[("835", 2015), "plans"] == 50  # three parts, three times the children
    assert frame.loc[("383", 2016), ["plans", "plans_count"]].isna().all() and frame["plans"].xs(2010, level="year").isna().all()
    assert frame["section47"].xs(2013, level="year").isna().all()
    assert panel.places.loc["202"].tolist() == ["Camden", "London", "E12000007", "202", "E09000007"]
    assert panel.variable("deprivation").varies == "authority" and panel.variable("plans").count_per == 10_000
    assert frame.loc[("835", 2012), "deprivation"] == pytest.approx(6) and frame.loc[("202", 2012), "grant_dependence"] == pytest.approx(0.6)


def test_spending_is_real_per_child_and_relative(small: Path) -> None:
    panel = England(path=str(small)).load()
    per_child, share = panel.frame["centre_spend_per_child"], panel.frame["centre_spending"]
    assert per_child["202", 2011] == pytest.approx(1_600_000 / 9000 * 100 / 93)
    assert per_child["202", 2012] == pytest.approx(1_375_000 / 9000 * 100 / 94)  # management is inside the other lines
    assert per_child["202", 2013] == pytest.approx(1_250_000 / 10_000 * 100 / 95)
    assert share["202", 2011] == 1 and share["202", 2018] == pytest.approx(per_child["202", 2018] / per_child["202", 2011])
    assert share["874"].isna().all() and share["845"].isna().all() and per_child["874"].notna().sum() == 9
    told = {loss.authorities: loss for loss in panel.log}
    assert told[("874",)].rows == told[("845",)].rows == 9 and "Peterborough" in told[("874",)].step and told[("201",)].rows == 10
    assert panel.frame.loc[("874", 2018), "log_centre_spending"] is not None and np.isnan(panel.frame.loc[("874", 2018), "log_centre_spending"])
    loose = England(path=str(small), base_guard=0, ceiling=5, log_guard=0, centre_lines=("individual",)).load().frame
    assert loose["centre_spending"]["845", 2018] > 2 and loose["log_centre_spending"]["874"].notna().sum() == 9
    assert loose["centre_spend_per_child"]["202", 2019] == 0 and loose["centre_spending"]["202", 2019] == 0  # 0 is a share, and has no log
    assert np.isnan(loose["log_centre_spending"]["202", 2019])


def test_chained_series(small: Path) -> None:
    frame = England(path=str(small)).load().frame
    assert frame["spending_power"]["202", 2011] == 100 and frame["spending_power"]["202", 2013] == pytest.approx(81 * 93 / 95)
    assert frame["spending_power"]["835", 2013] == pytest.approx(81 * 93 / 95)
    assert frame["child_poverty"]["202", 2012] == pytest.approx(21)
    assert frame["child_poverty"]["202", 2017] == pytest.approx(24 * 1.2) and frame["child_poverty"]["835", 2015] == pytest.approx(24)
    later = England(path=str(small), snapshot_offset=1).load().frame["child_poverty"]
    assert np.isnan(later["202", 2011]) and later["202", 2012] == pytest.approx(20) and later["202", 2017] == pytest.approx(24 * 1.2 / 1.1)


def test_years_can_be_chosen(small: Path) -> None:
    panel = England(path=str(small), first_year=2013, last_year=2021).load()
    assert panel.years == tuple(range(2013, 2022)) and panel.frame["centre_spending"]["202", 2018] < 1
    assert panel.frame["plans_count"]["835", 2021] == 100 and panel.frame["children"]["835", 2021] == 30_000  # two parts from 2020


def test_a_missing_publication_costs_only_what_it_gives(small: Path) -> None:
    (small / "imd-2015.xlsx").unlink()
    (small / "s251ye2015.xlsx").unlink()
    for path in small.glob("low-income-*"):
        path.unlink()
    panel = England(path=str(small)).load()
    assert "deprivation" not in panel.names and "child_poverty" not in panel.names and panel.frame["centre_spending"]["202"].isna().sum() == 2
    note = next(note for note in panel.notes if note.startswith("deprivation: "))
    assert "English Indices of Deprivation 2015" in note and "https://www.gov.uk/" in note
    assert England(path=str(small)).missing("deprivation") == note and England(path=str(small)).missing("plans") is None
    assert England(path=str(small)).missing("need") is None
    (small / "s251ye2011.xlsx").unlink()
    without = England(path=str(small))
    assert "centre_spend_per_child" in without.load().names and "2010-11" in str(without.missing("centre_spending"))


@pytest.mark.parametrize("file", ["d1_child_protection_plans_2013_to_2022.csv", "ons_mid-year_population_estimates.csv"])
def test_without_plans_or_children_there_is_no_panel(small: Path, file: str) -> None:
    (small / "cin" / file).unlink()
    with pytest.raises(DataError, match=r"lacks .* in need.*explore-education-statistics"):
        England(path=str(small)).load()


def test_closures_from_a_register_of_any_name(small: Path) -> None:
    lacking = England(path=str(small)).missing("closures")
    assert lacking and lacking.startswith("closures: not in this folder; needs DfE") and "CloseDate" in lacking
    assert lacking in England(path=str(small)).load().notes
    register(small / "results (3).csv", REGISTER)
    source = England(path=str(small))
    panel = source.load()
    assert source.missing("closures") is None and panel.variable("closures").unit == "share of centres open in March 2010"
    closed = panel.frame["closures"].unstack("year")
    assert closed.loc["202", [2010, 2011, 2012, 2014, 2015, 2019]].tolist() == pytest.approx([0, 0, 1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert closed.loc["383"].eq(0).all() and closed.loc["835", 2019] == 0.5 and closed.loc["845"].isna().all()
    note = next(note for note in panel.notes if note.startswith("centres closed"))
    assert "7 main centres" in note and "1 linked sites and 1 closed centres without a close date" in note
    later = England(path=str(small), centres_base=2012).load().frame["closures"].unstack("year")
    assert later.loc["202", [2011, 2012, 2015]].tolist() == pytest.approx([np.nan, 0, 1 / 3], nan_ok=True)


def test_an_open_only_register_gives_no_closures(small: Path) -> None:
    register(small / "open.csv", REGISTER, columns=REGISTER_COLUMNS[:-1])
    assert recognise(small / "open.csv") == ("", 0)
    register(small / "blank.csv", [(code, kind, "Open", opened, "") for code, kind, _, opened, _ in REGISTER])
    assert "lists open centres only" in str(England(path=str(small)).missing("closures"))
    assert "closures" not in England(path=str(small)).load().names


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("202", CENTRE, "Closed", "", "2012-03-31"), r"row 2, column 'CloseDate': got '2012-03-31', expected a date as dd-mm-yyyy"),
        (("999", CENTRE, "Closed", "", "31-03-2012"), r"row 2, column 'LA \(code\)': got '999', expected the code of an English authority"),
    ],
)
def test_bad_registers(small: Path, row: tuple[str, str, str, str, str], expected: str) -> None:
    register(small / "register.csv", [row])
    with pytest.raises(DataError, match=expected):
        England(path=str(small)).load()


def edit(path: Path, change: Callable[[openpyxl.worksheet.worksheet.Worksheet], object]) -> None:
    book = openpyxl.load_workbook(path)
    change(book.worksheets[0])
    book.save(path)


def test_damaged_files_are_named_with_the_cell(small: Path) -> None:
    path = small / "s251ye2016.xlsx"
    whole = path.read_bytes()
    for change, expected in (
        (lambda sheet: sheet.__setitem__("I3", "ten"), r"s251ye2016.xlsx, row 3, column 'TotalExpenditure': got 'ten', expected a number"),
        (lambda sheet: sheet.__setitem__("A4", 999), r"s251ye2016.xlsx, row 4, column 'LA': got 999(\.0)?, expected the code of an English authority"),
        (lambda sheet: sheet.__setitem__("I1", "Sum"), r"s251ye2016.xlsx: no header row .* which lacks total"),
        (lambda sheet: sheet.__setitem__("D3", LINES[0]), r"s251ye2016.xlsx, row 3: authority 202 has .* twice, first in row 2"),
        (lambda sheet: sheet.delete_rows(5, 99), r"s251ye2016.xlsx: 1 of 5 authorities were found for 2016.*seems cut short"),
        (lambda sheet: sheet.__setitem__("A1", None), r"s251ye2016.xlsx: no header row .* which lacks code"),
        (lambda sheet: [sheet.cell(i, 4, "Schools") for i in range(2, 60)], r"s251ye2016.xlsx: no line on children's centres"),
    ):
        path.write_bytes(whole)
        edit(path, change)
        with pytest.raises(DataError, match=expected):
            England(path=str(small)).load()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"s251ye2016.xlsx: cannot be read .* Fetch it again"):
        England(path=str(small)).load()
    assert any(line.startswith("problem: ") and "s251ye2016.xlsx" in line for line in England(path=str(small)).check())
    path.write_bytes(whole)
    (small / "again").mkdir()
    (small / "again/s251ye2016.xlsx").write_bytes(whole)
    with pytest.raises(DataError, match=r"both look like.*keep one"):
        England(path=str(small)).load()
    assert [line[:9] for line in England(path=str(small)).check()] == ["problem: "]


def test_a_release_cut_short_is_noticed(small: Path) -> None:
    path = small / "cin/d1_child_protection_plans_2013_to_2022.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    path.write_text("\n".join(lines[:-4]), encoding="utf-8")
    with pytest.raises(DataError, match=r"d1_child.*: [1-4] of 5 authorities were found for 2013, expected nearly all"):
        England(path=str(small)).load()
    path.write_text("\n".join([lines[0], *lines[2:]]).replace("2016,Reporting", "soon,Reporting"), encoding="utf-8")
    with pytest.raises(DataError, match=r"column 'time_period': got 'soon', expected"):
        England(path=str(small)).load()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        England(path=str(tmp_path / "nowhere")).load()
    with pytest.raises(DataError, match="lacks DfE"):
        England(path=str(tmp_path)).load()


def test_check_goes_file_by_file(small: Path) -> None:
    (small / "holiday.txt").write_text("x", encoding="utf-8")
    (small / "low-income-2013.xlsx").unlink()
    lines = England(path=str(small)).check()
    assert "holiday.txt: not read" in lines and lines[-1] == "reads as 5 authorities, 2010 to 2019, 12 variables"
    assert any(line.startswith("imd-2015.xlsx: MHCLG") and line.endswith("gives deprivation") for line in lines)
    assert any(line.startswith("missing: HMRC") and ", 2013, from" in line for line in lines)
    assert any(line.startswith("missing: DfE, Get Information") and line.endswith("without it no closures") for line in lines)


@pytest.mark.parametrize("cell", ["x", "c", "z", ":", "..", ".", "-", "", " ", "#DIV/0!", None, float("nan")])
def test_markers_are_missing_never_zero(tmp_path: Path, cell: object) -> None:
    grid = Grid(path=tmp_path, rows=[["v"]], header=0, at={"v": 0})
    assert np.isnan(grid.number(2, "v", "" if cell is None else cell)) and grid.number(2, "v", " 1,234.5") == 1234.5


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({"first_year": 2009}, "source.first_year must be a year from 2010 to 2021"),
        ({"first_year": 2019, "last_year": 2012}, "is after source.last_year"),
        ({"centre_lines": ["individual", "nursery"]}, "source.centre_lines must be some of"),
        ({"base_guard": -1}, "source.base_guard must be a number of at least 0"),
        ({"ceiling": 0.5}, "source.ceiling must be a number of at least 1"),
        ({"snapshot_offset": 2}, "source.snapshot_offset must be 0 or 1"),
        ({"centres_base": "2010"}, "source.centres_base must be a year"),
    ],
)
def test_knobs_are_checked_at_birth(knobs: dict[str, object], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        England(path="x", **knobs)  # type: ignore[arg-type]
    assert expected in str(caught.value)


def test_yaml_names_every_knob() -> None:
    config = yaml.safe_load((Path(__file__).parents[1] / "conf/source/england.yaml").read_text(encoding="utf-8"))
    assert config.pop("_target_") == "causal.sources.england.England" and config.pop("path") == "???"
    assert ["path", *config] == list(inspect.signature(England).parameters)
    assert England(path="x", **config) == England(path="x")


# ---------------------------------------------------------------- the real files


@pytest.fixture(scope="session")
def england() -> Panel:
    return England(path=str(REAL)).load()


def raw_csv(file: str, encoding: str = "utf-8-sig", **where: str) -> dict[str, str]:
    """One row, read by the standard library alone."""
    with (REAL / file).open(encoding=encoding, newline="") as lines:
        return next(row for row in csv.DictReader(lines) if all(row[key] == value for key, value in where.items()))


def raw_sheet(file: str, sheet: str | int = 0) -> list[list[object]]:
    book = python_calamine.CalamineWorkbook.from_path(str(next(REAL.glob(file))))
    table = book.get_sheet_by_name(sheet) if isinstance(sheet, str) else book.get_sheet_by_index(sheet)
    return table.to_python(skip_empty_area=False)


@real_files
def test_national_sums(england: Panel) -> None:
    plans = england.frame["plans_count"].groupby("year").sum()
    assert raw_csv("cin_census/2010-11/osr26-2011ud.csv", "cp1252", geog_l="National")["CPPAt310311"] == "42700"
    assert 42_700 - plans[2011] == 95  # one authority is missing, City of London is left out, and England is rounded to 100
    assert round(plans[2018], -1) == 53_790 and round(plans[2019], -1) == 52_260
    assert england.frame["children"].groupby("year").sum()[2018] == pytest.approx(11_866_000, rel=1e-4)


@real_files
def test_national_centre_spending(england: Panel) -> None:
    """Field notes' £m: 'of which centres' is the line for individual centres; in 2010-11 the three lines are the whole Sure Start heading."""
    places = read.Places.read(find(REAL)["plans"][0], read.tidy(find(REAL)["children"][0], None, {"n": "population_estimate"})["n"])
    sums = {year: read.centre_spend(path, year, places).sum() / 1e6 for year, path in sorted(find(REAL)["s251"].items())}
    assert [round(lines["individual"]) for lines in sums.values()] == [907, 818, 770, 694, 628, 548, 500, 418, 393]  # field notes round 548.49 up to 549
    assert [round(lines.sum()) for lines in sums.values()] == [1397, 1097, 977, 850, 768, 691, 623, 532, 493]


@real_files
def test_size_of_the_panel(england: Panel) -> None:
    assert len(england.authorities) == 148 and england.years == tuple(range(2010, 2020))
    rows = england.frame.loc[(slice(None), range(2011, 2019)), ["plans", "centre_spend_per_child", "spending_power", "deprivation"]].dropna()
    assert len(rows) == 1180 and (rows.groupby("authority").size() == 8).sum() == 144
    headline = england.frame[["plans"]].assign(
        **{name: england.shift(name, -1) for name in ("centre_spending", "spending_power", "child_poverty", "children", "deprivation")}
    )
    headline = headline.loc[(slice(None), range(2012, 2020)), :].dropna()
    assert len(headline) == 1149 and headline.index.unique("authority").size == 144
    assert {loss.authorities for loss in england.log} == {("201", "420"), (), ("865", "874", "936"), ("845",)}
    assert england.frame["child_poverty"].unstack("year").loc[:, 2011:2018].notna().all(axis=None)


@real_files
def test_grant_dependence_predicts_cuts_and_deprivation(england: Panel) -> None:
    last = england.frame.xs(2018, level="year")
    assert last["grant_dependence"].corr(last["spending_power"]) == pytest.approx(-0.94, abs=0.005)
    assert last["grant_dependence"].corr(last["deprivation"]) == pytest.approx(0.89, abs=0.005)


@real_files
def test_pinned_counts(england: Panel) -> None:
    cell = england.frame.loc
    norfolk = raw_csv("cin_census/2010-11/osr26-2011ud.csv", "cp1252", geog_c="926")
    assert (norfolk["CPPAt310311"], norfolk["Referrals1011"], norfolk["S47in1011"]) == ("536", "7,576", "1527")
    assert cell[("926", 2011), "plans_count"] == 536 and cell[("926", 2011), "referrals"] / cell[("926", 2011), "section47"] == pytest.approx(7576 / 1527)
    assert raw_csv("cin_census/2009-10/osr28-2010ud.csv", "cp1252", geog_c="330")["CPPAt310310"] == "1,241" and cell[("330", 2010), "plans_count"] == 1241
    release = "cin_census/2021-22/"
    blackpool = {"old_la_code": "890", "time_period": "2018"}
    assert raw_csv(release + "d1_child_protection_plans_2013_to_2022.csv", **blackpool)["CPP_At31"] == "275"
    assert raw_csv(release + "c1_children_in_need_referrals_and_rereferrals_2013_to_2022.csv", **blackpool)["Referrals"] == "2760"
    assert raw_csv(release + "c4_children_in_need_section_47s_and_icpcs_2013_to_2022.csv", **blackpool)["Section47"] == "1387"
    assert raw_csv(release + "ons_mid-year_population_estimates.csv", old_la_code="890", time_period="2017")["population_estimate"] == "28760"
    assert cell[("890", 2018), ["plans", "referrals", "section47", "children"]].tolist() == pytest.approx([275 / 2.876, 2760 / 2.876, 1387 / 2.876, 28760])
    parts = [
        raw_csv(release + "d1_child_protection_plans_2013_to_2022.csv", old_la_code=code, time_period="2015")["CPP_At31"] for code in ("835", "836", "837")
    ]
    assert parts == ["372", "123", "176"] and cell[("835", 2015), "plans_count"] == 671
    assert raw_csv(release + "d1_child_protection_plans_2013_to_2022.csv", old_la_code="926", time_period="2013")["CPP_At31"] == "x"
    assert np.isnan(cell[("926", 2013), "plans"])


@real_files
def test_pinned_populations_carried_back(england: Panel) -> None:
    """Blackpool, mid-2010 and mid-2012, ages 0 to 16 as five bands in the Nomis file."""
    with (REAL / "population/nomis_popest.csv").open(encoding="utf-8-sig", newline="") as lines:
        bands = [row for row in csv.reader(lines) if len(row) > 2 and row[1] == "E06000009"]
    assert [int(row[3]) for row in bands] == [8279, 7402, 8194, 1696, 1764] and [int(row[5]) for row in bands] == [8476, 7709, 7668, 1790, 1708]
    mid_2012 = int(raw_csv("cin_census/2021-22/ons_mid-year_population_estimates.csv", old_la_code="890", time_period="2012")["population_estimate"])
    assert england.frame.loc[("890", 2011), "children"] == pytest.approx(mid_2012 * 27335 / 27351)


@real_files
@pytest.mark.parametrize(
    ("code", "year", "file", "column", "total", "lines"),
    [
        ("383", 2011, "s251/s251ye2011.xls", (4, 9), 19_555_925, 3),
        ("883", 2012, "s251/s251ye2012.xlsx", (3, 8), 9_211_202, 2),
        ("383", 2014, "s251/s251ye2014.ods", (3, 9), 17_150_502, 3),
        ("202", 2018, "s251/S251ye2018.xlsx", (4, 10), 10_090_033.11, 3),
    ],
)
def test_pinned_spending(england: Panel, code: str, year: int, file: str, column: tuple[int, int], total: float, lines: int) -> None:
    named = ("individual sure start", "area-wide services", "area wide services", "management costs rel")
    cells = [row[column[1]] for row in raw_sheet(file) if row[0] in (float(code), code) and any(part in str(row[column[0]]).lower() for part in named)][:lines]
    assert sum(map(float, cells)) == pytest.approx(total)  # type: ignore[arg-type]
    gdp = {int(row[0]): float(row[1]) for row in raw_sheet("deflators/GDP_deflator.xlsx")[1:]}  # type: ignore[arg-type, call-overload]
    assert gdp[2018] / gdp[2011] == pytest.approx(1.1248, abs=5e-5)
    row = england.frame.loc[(code, year)]
    assert row["centre_spend_per_child"] == pytest.approx(total / row["children"] * gdp[2018] / gdp[year])


@real_files
def test_pinned_lasting_and_chained(england: Panel) -> None:
    cell = england.frame.loc
    scores = {row[0]: row[4] for row in raw_sheet("imd/imd-2015.xlsx", "IMD")}
    assert scores["E06000009"] == 41.997 == cell[("890", 2014), "deprivation"]
    assert min(scores[code] for code in ("E10000009", "E06000029", "E06000028")) < cell[("835", 2014), "deprivation"] < scores["E06000028"]
    poor = next(row for row in raw_sheet("low_income/low-income-2011.xls", "Summary") if row[0] == "E06000009")
    assert (poor[14], poor[17]) == (9425, 31260) and cell[("890", 2011), "child_poverty"] == pytest.approx(942_500 / 31_260)
    old = next(row for row in raw_sheet("low_income/low-income-2011.xls", "Summary") if row[0] == "E06000048")
    assert (old[14], old[17]) == (10945, 62925) and cell[("929", 2011), "child_poverty"] == pytest.approx(1_094_500 / 62_925)  # Northumberland's code of 2011
    joined = next(row for row in raw_sheet("low_income/low-income-2015.xlsx", "Summary") if row[1] == "E06000009")
    assert (joined[13], joined[16]) == (8235, 30750)
    with (REAL / "low_income/children-relative-low-income-0-19-2015-22-code.csv").open(encoding="utf-8-sig", newline="") as lines:
        dwp = next(row for row in csv.reader(lines) if row and row[0] == "E06000009")
    assert (dwp[1], dwp[7]) == ("6534", "7929")
    growth = 7929 / cell[("890", 2018), "children"] / (6534 / cell[("890", 2015), "children"])
    assert cell[("890", 2018), "child_poverty"] == pytest.approx(823_500 / 30_750 * growth)
    leeds = raw_csv("spending_power/SpendingPercentage.csv", ons_code="E08000035")
    assert (leeds["201011_201112"], leeds["201112_201213"], leeds["201213_201314"]) == ("-0.05", "-0.04", "-0.02")
    assert cell[("383", 2014), "spending_power"] == pytest.approx(100 * 0.95 * 0.96 * 0.98 * 87.103375 / 91.99555)
    bristol = next(row for row in raw_sheet("mhclg_rs/*2010-11*", "RS LA Data 2010-11 (1)") if row[1] == "Bristol UA")
    assert [bristol[j] for j in (53, 60, 63, 65)] == [-45180, -21163, -145739, 179388]
    assert cell[("801", 2014), "grant_dependence"] == pytest.approx(212_082 / 391_470)


@real_files
def test_the_open_register_in_the_folder_yields_no_closures(england: Panel) -> None:
    assert "closures" not in england.names and any(note.startswith("closures: not in this folder") for note in england.notes)


@real_files
def test_check_of_the_real_folder() -> None:
    lines = England(path=str(REAL)).check()
    assert lines[-1] == "reads as 148 authorities, 2010 to 2019, 12 variables"
    assert [line.split(":")[1].split(",")[1].strip() for line in lines if line.startswith("missing")] == ["Get Information about Schools"]
