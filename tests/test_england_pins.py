"""Cells of the real published files, copied by eye: what the readers take must be what is printed, in the row where it is printed.

Each line was read from the raw file itself (its text, or its sheet's rows), never through the readers. `row` is the one that a spreadsheet shows. `year`
ends on 31 March, so a mid-year population of 2012 stands under 2013; HMRC's is the calendar year of its August snapshot. A mark in brackets stands where no
number is printed. Money is in £; a grant that the outturn prints as income, with a minus, is told as a grant. Some places change their codes on the way: Dorset
(835, then 838), Bournemouth and Poole (837 and 836, then 839: "BCP"), Northamptonshire (928, then 940 and 941), Gateshead and Northumberland (same DfE code,
another GSS code), North Yorkshire (misprinted as E10000022 in the outturn of 2017-18).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath

import pandas as pd
import pytest

REAL = Path(__file__).resolve().parents[1].parent / "shared/data/england"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the folder of real published files is not at hand (../shared/data/england)")

# @ file | sheet of a workbook
# authority | DfE code | year | quantity | value or (mark) | row
PINS = """
@ osr28-2010ud.csv
Hackney                | 204       | 2010 | plans                       | (..)       | 6
England                | E92000001 | 2010 | referrals                   | 603700     | 2
Birmingham             | 330       | 2010 | referrals                   | 15498      | 36
Northumberland         | 929       | 2010 | need_episodes               | 6825       | 148
Dorset                 | 835       | 2010 | plans                       | 342        | 94
Isles of Scilly        | 420       | 2010 | section47                   | (x)        | 72
@ osr26-2011ud.csv
Poole                  | 836       | 2011 | conferences                 | 98         | 95
Gateshead              | 390       | 2011 | need_at_31_march            | 1246       | 67
City of London         | 201       | 2011 | plans                       | (x)        | 3
@ SFR27-2012ud.csv
Bournemouth            | 837       | 2012 | referrals                   | 3576       | 96
Gateshead              | 390       | 2012 | plans_started               | 243        | 67
Northamptonshire       | 928       | 2012 | re_referrals                | 4295       | 147
@ SFR45-2013ud.csv
Camden                 | 202       | 2013 | section47                   | 490        | 4
Isles of Scilly        | 420       | 2013 | plans                       | (x)        | 72
@ SFR43-2014.csv
Gateshead              | 390       | 2014 | conferences                 | 368        | 67
@ SFR41-2015_Underlying_data.csv
Peterborough           | 874       | 2015 | assessments                 | 2977       | 118
@ SFR52_2016_UD.csv
Northumberland         | 929       | 2016 | assessments                 | 5907       | 148
@ SFR61-2017_UD.CSV
Northamptonshire       | 928       | 2017 | need_episodes               | 10582      | 147
Bournemouth            | 837       | 2017 | need_at_31_march            | 857        | 96
Isles of Scilly        | 420       | 2017 | referrals                   | (x)        | 72
@ b1_children_in_need_2013_to_2022.csv
Northumberland         | 929       | 2013 | need_episodes               | 6858       | 1495
North Northamptonshire | 940       | 2022 | need_at_31_march            | 2203       | 69
@ c1_children_in_need_referrals_and_rereferrals_2013_to_2022.csv
South Tyneside         | 393       | 2015 | referrals                   | (..)       | 1169
Hackney                | 204       | 2022 | referrals                   | (x)        | 135
Birmingham             | 330       | 2013 | referrals                   | 14177      | 1547
Isles of Scilly        | 420       | 2013 | re_referrals                | (c)        | 1598
BCP                    | 839       | 2022 | re_referrals                | 1545       | 119
@ c2_children_in_need_assessments_duration_2014_to_2022.csv
Gateshead              | 390       | 2014 | assessments                 | 2318       | 1326
Birmingham             | 330       | 2022 | assessments                 | 14020      | 74
@ c4_children_in_need_section_47s_and_icpcs_2013_to_2022.csv
Northumberland         | 929       | 2013 | section47                   | 849        | 1495
Dorset                 | 838       | 2022 | conferences                 | 550        | 123
@ d1_child_protection_plans_2013_to_2022.csv
Birmingham             | 330       | 2013 | plans_started               | 1559       | 1547
Dorset                 | 835       | 2019 | plans                       | 305        | 612
BCP                    | 839       | 2020 | plans                       | 226        | 445
West Northamptonshire  | 941       | 2022 | plans                       | 323        | 73
Isles of Scilly        | 420       | 2022 | plans                       | (c)        | 125
@ ons_mid-year_population_estimates.csv
Gateshead              | 390       | 2013 | population_0_17             | 40305      | 1326
Dorset                 | 835       | 2019 | population_0_17             | 76699      | 448
BCP                    | 839       | 2021 | population_0_17             | 76352      | 118
@ popest-0-4.csv
Northumberland         | 929       | 2010 | population_0_4              | 15721      | 13
@ popest-5-9.csv
North Northamptonshire | 940       | 2022 | population_5_9              | 22391      | 67
@ popest-10-14.csv
West Northamptonshire  | 941       | 2010 | population_10_14            | 23004      | 68
@ popest-15.csv
Dorset                 | 838       | 2022 | population_15               | 4101       | 158
@ popest-16.csv
Isles of Scilly        | 420       | 2022 | population_16               | 5          | 149
@ nomis_popest.csv
Gateshead              | 390       | 2010 | population_16               | 2411       | 948
BCP                    | 839       | 2021 | population_10_14            | 21940      | 618
@ SFR27_2010_March.csv
Gateshead              | 390       | 2010 | looked_after                | 301        | 76
@ SFR27_2010_Started.csv
Northumberland         | 929       | 2010 | care_starts                 | 102        | 153
City of London         | 201       | 2010 | care_starts                 | (x)        | 12
@ SFR21_CLA.csv
Northumberland         | 929       | 2011 | looked_after                | 266        | 158
@ SFE21_ADM.csv
Gateshead              | 390       | 2011 | care_starts_1_4             | 59         | 78
Northumberland         | 929       | 2011 | care_starts_16_plus         | (x)        | 158
@ SFR20_CLA2012.csv
Camden                 | 202       | 2012 | looked_after                | 265        | 15
@ SFR20_ADM2012.csv
Bournemouth            | 837       | 2012 | care_starts                 | 141        | 106
@ SFR36_CLA2013.csv
Birmingham             | 330       | 2013 | looked_after                | 1892       | 47
@ SFR36_ADM2013.csv
Northamptonshire       | 928       | 2013 | care_starts_16_plus         | 53         | 157
@ SFR36_CLA2014.csv
Bournemouth            | 837       | 2014 | looked_after                | 279        | 106
@ SFR36_ADM2014.csv
Gateshead              | 390       | 2014 | care_starts_1_4             | 41         | 78
@ SFR34_CLA2015.csv
Northamptonshire       | 928       | 2015 | looked_after                | 936        | 157
@ SFR34_ADM2015.csv
Birmingham             | 330       | 2015 | care_starts                 | 935        | 47
@ SFR41_CLA2016.csv
Camden                 | 202       | 2016 | looked_after                | 188        | 15
@ SFR41_ADM2016.csv
Northumberland         | 929       | 2016 | care_starts_1_4             | 59         | 158
@ SFR50_CLA2017.csv
Bournemouth            | 837       | 2017 | looked_after                | 238        | 107
@ SFR50_ADM2017.csv
Camden                 | 202       | 2017 | care_starts_1_4             | (x)        | 15
@ ADM2018_amended.csv
Northamptonshire       | 928       | 2018 | care_starts                 | 494        | 157
@ ADM2019.csv
Gateshead              | 390       | 2019 | care_starts_16_plus         | 7          | 78
City of London         | 201       | 2019 | care_starts_1_4             | (c)        | 14
@ cla_number_and_rate_per_10k_children.csv
Northamptonshire       | 928       | 2018 | looked_after                | 1092       | 2232
Isles of Scilly        | 420       | 2020 | looked_after                | (c)        | 1392
North Northamptonshire | 940       | 2022 | looked_after                | 524        | 201
Gateshead              | 390       | 2022 | care_starts                 | 201        | 73
@ s251ye2010.xls | Table A1 Detailed Report
Dorset                 | 835       | 2010 | children_services_gross     | 34505613   | 4052
Dorset                 | 835       | 2010 | children_services_net       | 32851689   | 4052
@ s251ye2011.xls | Table A1 Detailed Report
Northumberland         | 929       | 2011 | centres_individual_gross    | 7357629.21 | 7550
Northumberland         | 929       | 2011 | centres_individual_net      | 6384603.44 | 7550
Northumberland         | 929       | 2011 | centres_area_wide_gross     | 122200     | 7551
Northumberland         | 929       | 2011 | centres_management_gross    | 3525807.74 | 7549
@ s251ye2012.xlsx | TA1_AllData_1112_180113
Gateshead              | 390       | 2012 | centres_area_wide_gross     | 3437846    | 221
Gateshead              | 390       | 2012 | children_services_gross     | 34196724   | 5672
@ s251ye2013.xlsx | Sheet1
Northamptonshire       | 928       | 2013 | looked_after_children_gross | 38588650   | 5059
@ s251ye2014.ods | TA1AllData_13112014
Bournemouth            | 837       | 2014 | centres_management_gross    | 387206     | 3352
Bournemouth            | 837       | 2014 | social_work_gross           | 8034007    | 3367
@ s251ye2015.xlsx | Sheet1
Walsall                | 335       | 2015 | centres_individual_gross    | 7325334    | 952
@ s251ye2016.xlsx | Table_A1
Walsall                | 335       | 2016 | centres_individual_net      | 3263214    | 958
@ s251ye2017.xlsx | Table_A1
Walsall                | 335       | 2017 | looked_after_children_net   | 24360018   | 4600
@ S251ye2018.xlsx | Table A1
Trafford               | 358       | 2018 | centres_individual_gross    | 0          | 1327
Northumberland         | 929       | 2018 | social_work_gross           | 11409471   | 3539
@ S251ye2019.xlsx | Table A1
Poole                  | 836       | 2019 | centres_management_gross    | 202660.12  | 2343
Northumberland         | 929       | 2019 | looked_after_children_gross | 19395526   | 4855
Trafford               | 358       | 2019 | children_services_gross     | 38582598   | 5375
@ Revenue_Outturn_Summary__RS__data_2010-11_by_LA_-_27-Nov-2012-v2.xls | RS LA Data 2010-11 (1)
Gateshead              | 390       | 2011 | rs_council_tax              | 85361000   | 311
Northamptonshire       | 928       | 2011 | rs_revenue_support_grant    | 19541000   | 213
@ RS_2017-18_data_by_LA.xlsx | RS LA Data 2017-18
North Yorkshire        | 815       | 2018 | rs_council_tax              | 271549000  | 43
Northumberland         | 929       | 2018 | rs_revenue_support_grant    | 27799000   | 35
@ Revenue_Outturn__RG__data_2010-11_by_LA_-_27-Nov-2012-v2.xls | RG LA Data 2010-11
England                | E92000001 | 2011 | rg_sure_start_grant         | 1801281000 | 457
Gateshead              | 390       | 2011 | rg_sure_start_grant         | 7660000    | 314
@ SpendingPercentage.csv
Gateshead              | 390       | 2012 | spending_power_change       | -0.07      | 23
Dorset                 | 835       | 2019 | spending_power_change       | 0.04       | 75
Northamptonshire       | 928       | 2020 | spending_power_change       | 0.07       | 87
@ GDP_deflator.xlsx | 20122019 deflator update
England                | E92000001 | 2011 | gdp_deflator                | 87.103375  | 2
England                | E92000001 | 2019 | gdp_deflator                | 100        | 10
@ imd-2015.xlsx | IMD
Gateshead              | 390       | 2015 | imd_2015_score              | 25.932     | 93
Poole                  | 836       | 2015 | imd_2015_score              | 15.219     | 30
@ imd-2015.xlsx | IDACI
Bournemouth            | 837       | 2015 | idaci_2015_score            | 0.187      | 29
@ imd-2019.xlsx | IMD
BCP                    | 839       | 2019 | imd_2019_score              | 18.173     | 56
Northamptonshire       | 928       | 2019 | imd_2019_score              | 18.605     | 142
@ imd-2019.xlsx | IDACI
Dorset                 | 838       | 2019 | idaci_2019_score            | 0.121      | 57
@ low-income-2011.xls | Summary
England                | E92000001 | 2011 | hmrc_poor                   | 2319450    | 4
Gateshead              | 390       | 2011 | hmrc_poor                   | 9305       | 58
@ low-income-2012.xls | Summary (rounded)
Northumberland         | 929       | 2012 | hmrc_poor                   | 10475      | 81
@ low-income-2013.xls | Summary
Northumberland         | 929       | 2013 | hmrc_children               | 62205      | 80
@ low-income-2014.xlsx | Summary
Bournemouth            | 837       | 2014 | hmrc_children               | 33645      | 108
@ low-income-2015.xlsx | Summary
Dorset                 | 835       | 2015 | hmrc_poor                   | 8700       | 141
@ low-income-2016.xlsx | Summary
Northumberland         | 929       | 2016 | hmrc_poor                   | 9965       | 72
Gateshead              | 390       | 2016 | hmrc_children               | 39900      | 309
@ children-relative-low-income-0-19-2015-22-code.csv
Gateshead              | 390       | 2015 | dwp_poor                    | 6825       | 19
Northumberland         | 929       | 2022 | dwp_poor                    | 13562      | 16
@ children-rel-low-inc-utla-2015-21.csv
Northumberland         | 929       | 2015 | dwp_poor                    | 9843       | 16
North Northamptonshire | 940       | 2021 | dwp_poor                    | 12088      | 64
@ gias_open_childrens_centres_2026_schools.csv
Gateshead              | 390       | 2026 | centres_listed              | 1          | 711
Dorset                 | 838       | 2026 | centres_listed              | 20         | many
"""

# Files of the folder that no pin looks at, and why.
UNPINNED = {
    "a1_cin_assessments_episodes_referrals_2013_to_2022.csv": "national only; the tables by authority repeat it",
    "a2_section47_icpc_cpp_2013_to_2022.csv": "national only; the tables by authority repeat it",
    "b3_cin_primary_need_2013_to_2022.csv": "parts of a total that is pinned",
    "d2_cpps_starting_by_category_of_abuse_2013_to_2022.csv": "parts of a total that is pinned",
    "d4_cpps_at31march_by_category_of_abuse_2013_to_2022.csv": "parts of a total that is pinned",
    "sfr27-2010amv5.xls": "the two CSV files of the same release are pinned",
    "RG_2017-18_data_by_LA_-_revised.xlsx": "no Sure Start grant in it",
    "SpendingMillions.csv": "levels, not to be differenced; the changes are pinned",
    "sppi_2022.csv": "prices of services: used by nothing yet",
    "la_region.csv": "names of regions",
    "ltla-utla-lookup.csv": "names of places",
    "hansard_2009-12-14_designated_centres_oct2009_PARTIAL.csv": "transcribed, not published as a file",
    "hansard_2010-04-06_designated_centres_feb2010_LONDON.csv": "transcribed, not published as a file",
    "national_closures_by_calendar_year_PQ55895.csv": "transcribed, not published as a file",
    "national_counts_timeline.csv": "transcribed, not published as a file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One cell: whose, when, what, and where it is printed. `row` None: several rows, whose numbers are added up."""

    name: str
    place: str
    year: int
    quantity: str
    value: float | None
    mark: str
    file: str
    sheet: str
    row: int | None

    def __str__(self) -> str:
        return f"{self.name} {self.year} {self.quantity} {self.file}".replace(" ", "-")


def read(table: str) -> list[Pin]:
    """The table above, line by line."""
    pins, file, sheet = [], "", ""
    for line in filter(None, table.splitlines()):
        cells = [cell.strip() for cell in line.removeprefix("@").split("|")]
        if line.startswith("@"):
            file, sheet = cells if len(cells) == 2 else (cells[0], "")
            continue
        name, place, year, quantity, value, row = cells
        withheld = value.startswith("(")
        pins.append(
            Pin(
                name=name,
                place=place,
                year=int(year),
                quantity=quantity,
                value=None if withheld else float(value),
                mark=value.strip("()") if withheld else "",
                file=file,
                sheet=sheet,
                row=None if row == "many" else int(row),
            )
        )
    return pins


TABLE = read(PINS)


@pytest.fixture(scope="module")
def cells() -> pd.DataFrame:
    """Every number of the folder, with the name of its file alone."""
    from causal.sources.england.source import England

    found = England(path=str(REAL)).cells()
    return found.assign(file=[PurePath(str(name)).name for name in found["file"]])


@pytest.mark.parametrize("pin", TABLE, ids=str)
def test_a_cell_copied_by_eye_from_the_published_file_is_what_the_reader_takes(cells: pd.DataFrame, pin: Pin) -> None:
    rows = cells[(cells["quantity"] == pin.quantity) & (cells["file"] == pin.file) & (cells["year"] == pin.year) & (cells["place"] == pin.place)]
    assert {str(sheet).strip() for sheet in rows["sheet"]} == {pin.sheet}, f"{len(rows)} cells were taken"
    if pin.row is None:
        assert rows["value"].sum() == pin.value and len(rows) > 1
        return
    assert len(rows) == 1, rows
    row = rows.iloc[0]
    assert (row["row"], str(row["mark"])) == (pin.row, pin.mark)
    assert pd.isna(row["value"]) if pin.value is None else row["value"] == pin.value


def test_every_data_file_of_the_folder_is_pinned_or_said_why_not() -> None:
    """A file that is added to the folder asks for a pin."""
    there = {path.name for path in REAL.rglob("*") if path.suffix.lower() in (".csv", ".xls", ".xlsx", ".ods")}
    pinned = {pin.file for pin in TABLE}
    assert there == pinned | set(UNPINNED)
    assert not pinned & set(UNPINNED)
