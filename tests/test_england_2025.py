"""England's later releases and new sources: cells copied by eye, overlaps held against other publications, and small files that are wrong in one way.

Each line of `PINS` was read from the raw file itself (its text, its sheet's rows, the Parquet's row + 2 as below a header), never through the readers. A mark
in brackets stands where no number is printed. A mid-year population of 2012 stands under 2013, workers of 30 September 2024 under 2025, and the three years of
road injuries from 2014 under 2015.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePath

import numpy as np
import openpyxl
import pandas as pd
import pytest

from causal.cli import main
from causal.errors import ConfigError, DataError
from causal.sources.england import England
from causal.sources.england.places import TOO_SMALL
from causal.sources.england.publications.lait import year_of
from causal.sources.machinery import narrow
from causal.sources.simulated import Simulated

SHARED = Path(__file__).resolve().parents[1].parent / "shared/data"
OLD, NEW = SHARED / "england", SHARED / "england_2025"
real_files = pytest.mark.skipif(not NEW.is_dir(), reason="the folder of later releases is not at hand (../shared/data/england_2025)")

# @ file
# authority | DfE code | year | quantity | value or (mark) | row
PINS = """
@ b1_children_in_need_2013_to_2025.csv
England                | E92000001 | 2025 | need_episodes               | 756120     | 2
England                | E92000001 | 2025 | need_at_31_march            | 402400     | 2
County Durham          | 840       | 2025 | need_at_31_march            | 4415       | 14
Hackney                | 204       | 2025 | need_episodes               | 4034       | 136
Knowsley               | 340       | 2021 | need_children               | 1950       | 692
Isles of Scilly        | 420       | 2017 | need_started                | (c)        | 1436
Poole                  | 836       | 2015 | need_at_31_march            | 1276       | 1767
Waltham Forest         | 320       | 2013 | need_started                | 2284       | 2133
@ c1_children_in_need_referrals_and_rereferrals_2013_to_2025.csv
England                | E92000001 | 2025 | referrals                   | 632830     | 2
North Yorkshire        | 815       | 2025 | referrals_no_further_action | (c)        | 60
Gloucestershire        | 916       | 2025 | re_referrals                | 1818       | 125
Nottingham             | 892       | 2023 | referrals_not_in_need       | 2937       | 400
Isles of Scilly        | 420       | 2017 | referrals                   | (c)        | 1436
Cumbria                | 909       | 2013 | referrals                   | 4899       | 2000
Sutton                 | 319       | 2013 | re_referrals                | 334        | 2132
@ d3_cpps_subsequent_plan_2013_to_2025.csv
England                | E92000001 | 2025 | plans_started               | 61840      | 2
North Yorkshire        | 815       | 2025 | plans_subsequent            | 201        | 60
Gateshead              | 390       | 2019 | plans_started               | 307        | 1000
Isles of Scilly        | 420       | 2017 | plans_started               | (c)        | 1436
Richmond upon Thames   | 318       | 2013 | plans_subsequent            | (c)        | 2131
Wiltshire              | 865       | 2013 | plans_started               | 388        | 2100
@ d5_cpps_at31march_by_duration_2013_to_2025.csv
England                | E92000001 | 2025 | plans                       | 49420      | 2
Hackney                | 204       | 2025 | plans                       | 225        | 136
Sutton                 | 319       | 2025 | plans_longer                | 11         | 165
Nottingham             | 892       | 2023 | plans_1_year                | 146        | 400
Knowsley               | 340       | 2021 | plans                       | 186        | 692
County Durham          | 840       | 2025 | plans_2_years               | (c)        | 14
West Sussex            | 938       | 2013 | plans                       | 379        | 2082
Waltham Forest         | 320       | 2013 | plans_3_months              | 48         | 2133
@ cla_number_and_rate_per_10k_children.csv
Newcastle upon Tyne    | 391       | 2025 | looked_after                | 654        | 60
St. Helens             | 342       | 2025 | care_starts                 | 124        | 136
North Yorkshire        | 815       | 2025 | looked_after                | 561        | 165
Sutton                 | 319       | 2024 | care_starts                 | 104        | 1000
Windsor and Maidenhead | 868       | 2023 | looked_after                | 151        | 1320
Warwickshire           | 937       | 2022 | looked_after                | 821        | 1767
Wigan                  | 359       | 2021 | care_starts                 | 247        | 2131
Knowsley               | 340       | 2021 | looked_after                | 313        | 2133
@ ons_mid-year_population_estimates_2012_to_2024.csv
England                | E92000001 | 2025 | population_0_17_rebased     | 12183016   | 2
Hackney                | 204       | 2025 | population_0_17_rebased     | 54191      | 136
Nottingham             | 892       | 2023 | population_0_17_rebased     | 66706      | 400
Gateshead              | 390       | 2019 | population_0_17_rebased     | 39004      | 1000
Poole                  | 836       | 2015 | population_0_17_rebased     | (x)        | 1767
Cumbria                | 909       | 2013 | population_0_17_rebased     | 94354      | 2000
Waltham Forest         | 320       | 2013 | population_0_17_rebased     | 62744      | 2133
@ csww_indicators_2017_to_2025.csv
County Durham          | 840       | 2026 | social_workers              | 403.7      | 14
Isles of Scilly        | 420       | 2026 | social_work_cases           | 6          | 125
England                | E92000001 | 2025 | social_work_vacancies       | 7188.6     | 165
Birmingham             | 330       | 2024 | social_work_agency          | 103.4      | 400
Sunderland             | 394       | 2020 | social_work_case_holders    | 147.3      | 1000
North Tyneside         | 392       | 2018 | social_workers_left         | 21.4       | 1320
@ bds_long_0.parquet
Camden                 | 202       | 2017 | early_years_gross           | 10380166   | 13454
Leeds                  | 383       | 2017 | early_years_gross           | 13225301   | 13505
Surrey                 | 936       | 2024 | early_years_gross           | 7563201    | 14754
Camden                 | 202       | 2017 | family_support_gross        | 6312434    | 19574
Oxfordshire            | 931       | 2024 | family_support_gross        | 23870474   | 20842
Camden                 | 202       | 2017 | youth_gross                 | 5172320    | 21104
Peterborough           | 874       | 2024 | youth_gross                 | 579776     | 22373
Camden                 | 202       | 2017 | safeguarding_gross          | 12297205   | 18044
Peterborough           | 874       | 2024 | looked_after_children_gross | 38753892   | 16253
Camden                 | 202       | 2017 | youth_justice_gross         | 1827518    | 22634
Peterborough           | 874       | 2024 | other_children_gross        | 18511      | 17783
Barking and Dagenham   | 301       | 2015 | road_injuries               | 12.13      | 2
Camden                 | 202       | 2015 | road_injuries               | 11.19      | 24
Dudley                 | 332       | 2020 | road_injuries               | (-)        | 892
"""
# authority's code | published | grade | row, in the workbook since 2009 and in that of 2025
JUDGED = """
301 | 2012-07-27 | 2 | 6   | Childrens_social_care_in_England_2023_underlying_data.ods
301 | 2014-07-07 | 3 | 6   | Childrens_social_care_in_England_2023_underlying_data.ods
330 | 2012-10-19 | 4 | 12  | Childrens_social_care_in_England_2023_underlying_data.ods
330 | 2016-11-25 | 4 | 12  | Childrens_social_care_in_England_2023_underlying_data.ods
330 | 2023-04-18 | 2 | 12  | Childrens_social_care_in_England_2023_underlying_data.ods
382 | 2016-11-25 | 4 | 71  | Childrens_social_care_in_England_2023_underlying_data.ods
816 | 2017-02-07 | 2 | 157 | Childrens_social_care_in_England_2023_underlying_data.ods
837 | 2018-08-24 | 3 | 162 | Childrens_social_care_in_England_2023_underlying_data.ods
835 | 2011-10-28 | 2 | 163 | Childrens_social_care_in_England_2023_underlying_data.ods
928 | 2013-03-20 | 4 | 165 | Childrens_social_care_in_England_2023_underlying_data.ods
301 | 2023-09-04 | 3 | 5   | LA_Inspection_Outcomes_as_at_31_March_2025.ods
303 | 2018-08-20 | 1 | 12  | LA_Inspection_Outcomes_as_at_31_March_2025.ods
310 | 2020-03-16 | 2 | 100 | LA_Inspection_Outcomes_as_at_31_March_2025.ods
816 | 2025-04-15 | 1 | 274 | LA_Inspection_Outcomes_as_at_31_March_2025.ods
"""


def pins() -> list[tuple[str, str, int, str, str, int]]:
    """File, code, year, quantity, value or mark, row."""
    out, file = [], ""
    for line in filter(None, PINS.splitlines()):
        if line.startswith("@"):
            file = line.removeprefix("@").strip()
            continue
        _, place, year, quantity, value, row = (cell.strip() for cell in line.split("|"))
        out.append((file, place, int(year), quantity, value, int(row)))
    return out


@pytest.fixture(scope="module")
def both() -> England:
    return England(path=[str(OLD), str(NEW)])


@pytest.fixture(scope="module")
def cells(both: England) -> pd.DataFrame:
    """Every number of the later folder, with its file's name alone."""
    found = both.cells()
    here = found[found["file"].astype(str).str.startswith("england_2025/")]
    return here.assign(file=[PurePath(str(name)).name for name in here["file"]])


@real_files
def test_cells_copied_by_eye_from_every_later_publication(cells: pd.DataFrame) -> None:
    table = pins()
    assert len(table) + len(JUDGED.split("\n")) - 2 >= 60
    for file, place, year, quantity, value, row in table:
        here = cells[(cells["file"] == file) & (cells["place"] == place) & (cells["year"] == year) & (cells["quantity"] == quantity)]
        assert len(here) == 1, (file, place, year, quantity)
        one = here.iloc[0]
        assert one["row"] == row, (file, place, year, quantity)
        if value.startswith("("):
            assert pd.isna(one["value"]) and one["mark"] == value.strip("()"), (file, row)
        else:
            assert one["value"] == float(value), (file, row)
    for line in filter(None, JUDGED.splitlines()):
        code, day, grade, row, file = (cell.strip() for cell in line.split("|"))
        here = cells[(cells["file"] == file) & (cells["place"] == code) & (cells["quantity"] == "judgement") & (cells["part"] == day)]
        assert here["value"].tolist() == [float(grade)] and here["row"].tolist() == [int(row)], line
    counted = cells[cells["file"].str.startswith("gias")].groupby(["quantity", "place"], observed=True)["value"].sum()
    # rows counted with awk: Bexley 3 main and 10 linked, Cambridgeshire 23 and 5, Buckinghamshire 16 and none, Norfolk 15 and none
    assert [counted.get((name, code), 0) for code in ("303", "873", "825", "926") for name in ("centres_listed", "centres_linked_listed")] == [
        3,
        10,
        23,
        5,
        16,
        0,
        15,
        0,
    ]
    assert counted["centres_listed"].sum() == 2173 and counted["centres_linked_listed"].sum() == 682  # as its README says


@real_files
def test_later_release_equals_that_of_2022_where_both_print_a_number(both: England) -> None:
    """By authority and year; the one exception is West Sussex 2013, where the release of 2022 itself prints 379 in another table (d4)."""
    every = both.cells()
    every = every[every["place"] != "E92000001"]
    for quantity, least in (
        ("plans", 1501),
        ("need_episodes", 1513),
        ("need_at_31_march", 1511),
        ("need_started", 1512),
        ("referrals", 1512),
        ("plans_started", 1502),
    ):
        here = every[every["quantity"] == quantity]
        older, newer = (here[here["released"] == year].set_index(["place", "year"])["value"] for year in (2022, 2025))
        joined = pd.concat([older, newer], axis=1, keys=["older", "newer"]).dropna()
        assert len(joined) == least, quantity
        differ = joined[joined["older"] != joined["newer"]]
        assert differ.reset_index().to_numpy().tolist() == ([["938", 2013, 424.0, 379.0]] if quantity == "plans" else []), quantity


@real_files
def test_totals_of_section_251_are_those_of_table_a1(both: England) -> None:
    """Table A1 and LAIT are two publications of one return: every authority's totals of 2016-17 to 2018-19 agree to the pound, without exception."""
    every = both.cells()
    for quantity in ("early_years_gross", "family_support_gross", "youth_gross", "safeguarding_gross", "looked_after_children_gross", "youth_justice_gross"):
        here = every[(every["quantity"] == quantity) & every["year"].isin([2017, 2018, 2019])]
        tool = here["file"].astype(str).str.endswith(".parquet")
        table = here[~tool].groupby(["place", "year"], observed=True)["value"].sum()
        joined = pd.concat([table, here[tool].set_index(["place", "year"])["value"]], axis=1, keys=["table", "tool"]).dropna()
        assert len(joined) == 456 and (joined["table"] - joined["tool"]).abs().max() <= 1, quantity
    england = every[(every["quantity"] == "early_years_gross") & (every["place"] == "E92000001") & (every["year"] == 2017)]
    assert england["value"].tolist() == [774_349_200]  # £774.3m


@real_files
def test_merged_judgements_agree_with_ofsteds_own_list(both: England) -> None:
    """Each miss is an authority inspected before 31 March whose report came after, which Ofsted's list counts and a reader of that day did not know."""
    notes = [note for note in both.load().notes if note.startswith("judgements at 31 March")]
    assert notes == [
        "judgements at 31 March 2023: 149 of 152 authorities stand as in Ofsted's own list; inspected before and published after, and so one judgement behind "
        "here: Haringey, Birmingham, South Tyneside",
        "judgements at 31 March 2025: 148 of 153 authorities stand as in Ofsted's own list; inspected before and published after, and so one judgement behind "
        "here: York, Dorset, Bournemouth, Christchurch and Poole, Durham, Blackburn with Darwen, Surrey",
    ]
    panel = both.load()
    known = panel.frame["good_or_outstanding"].groupby("year").count()
    assert (known.loc[2013:] >= 146).all() and known[2010] < 20  # full cover from 2013
    assert panel.frame.loc[("816", 2025), "inspection_grade"] == 3.0  # York: outstanding was published on 15 April 2025


@real_files
def test_one_series_of_children_rebased_and_joined_backwards(both: England) -> None:
    """Against README and ONS's printed rows: England −2.5 % and Westminster −37 % in mid-2020; Dorset, Bournemouth and Poole are England less all others."""
    panel, older = both.load().frame["children"], England(path=[str(OLD), str(NEW)], population_series="census_2011", last_year=2022).load().frame["children"]
    assert panel.index.get_level_values("year").max() == 2025 and panel.notna().all()
    change = (panel / older - 1) * 100
    assert {code: round(change[code, 2021]) for code in ("213", "202", "207", "856")} == {"213": -37, "202": -30, "207": -18, "856": 5}
    printed = both.cells().query("quantity == 'population_0_17_rebased'").set_index(["place", "year"])["value"]
    others = printed.drop(index=["E92000001", "835", "836", "837"], level="place").groupby("year").sum()
    assert panel["835", 2019] == printed["E92000001", 2019] - others[2019] == 140_094  # mid-2018
    assert panel["835", 2020] == 66_931 + 72_905  # mid-2019, as printed for Dorset and for Bournemouth, Christchurch and Poole
    growth = (panel.xs(2011, level="year") / panel.xs(2013, level="year")) / (older.xs(2011, level="year") / older.xs(2013, level="year"))
    assert np.allclose(growth, 1)  # both are carried back by the same growth


@real_files
def test_the_old_folder_alone_is_as_it_was(both: England) -> None:
    """Its last year is 2019, its children the older series, and its plans those of the release of 2022 (West Sussex 2013: 424)."""
    panel = England(path=str(OLD)).load()
    assert panel.years[-1] == 2019 and "good_or_outstanding" not in panel.names
    assert panel.frame.loc[("938", 2013), "plans_count"] == 424 and both.load().frame.loc[("938", 2013), "plans_count"] == 379
    assert panel.frame.loc[("213", 2019), "children"] > both.load().frame.loc[("213", 2019), "children"]
    assert "2022 release" in panel.variable("plans").source and "2025 release" in both.load().variable("plans").source


@real_files
def test_centres_gone_since_2010_by_both_counts(both: England) -> None:
    """README: 52 authorities with counts (one of them the City of London) had 945 centres, and have 578 main and 220 linked; the City is left out here."""
    every = both.cells()
    had = every[every["quantity"] == "centres_designated"].sort_values("released").groupby("place", observed=True)["value"].last()
    codes = [code for code in had.index if code not in TOO_SMALL]
    panel = both.load().frame.xs(2025, level="year")
    here = panel[panel["closed_main"].notna()]
    assert len(here) == 51 and set(here.index) <= set(codes)
    assert (here["closed_main_and_linked"] <= here["closed_main"]).all()
    assert here.loc["303", "closed_main"] == 1 - 3 / had["303"] and here.loc["303", "closed_main_and_linked"] == pytest.approx(1 - 13 / had["303"])
    main, linked = (here[name] * had.reindex(here.index) for name in ("closed_main", "closed_main_and_linked"))
    assert had.reindex(here.index).sum() - main.sum() <= 578 and main.sum() - linked.sum() <= 220


@real_files
def test_indicators_of_lait_by_name(both: England) -> None:
    one = England(path=[str(OLD), str(NEW)], lait=["ReReferral"], keep_regions=["London"], first_year=2019, last_year=2024)
    panel = one.load()
    assert panel.variable("lait_rereferral").source.startswith("DfE, Local authority interactive tool") and len(panel.authorities) == 32
    share = panel.frame["re_referral_share"]  # the same share, from children in need's own file
    agree = (panel.frame["lait_rereferral"] - share).abs().dropna()
    assert len(agree) > 150 and agree.quantile(0.95) < 0.06
    with pytest.raises(ConfigError, match=r"source\.lait: wanted an indicator of .*, got 'ReReferal'; .*Did you mean 'ReReferral'"):
        England(path=[str(OLD), str(NEW)], lait=["ReReferal"]).load()


@real_files
def test_nothing_new_is_wrong_with_the_later_folder(both: England) -> None:
    lines = both.check()
    wrong = [line for line in lines if line.startswith("problem") and "england_2025" in line]
    assert len(wrong) == 2 and "'314 / 318'" in wrong[1] and "two authorities are printed as one" in wrong[1]
    # DfE's own: the North East's children looked after cost £60m more in 2017-18 than in its twelve authorities together
    assert "TotalLACFinance of 2017-18 of North East: its authorities add up to 259,625,261, its own row says 319,625,261" in wrong[0]
    assert any("2025 release (d5)" in line for line in lines) and not any("undo changes" in line or "fetch it again" in line.lower() for line in lines)
    assert lines[-1] == "reads as 148 authorities, 2010 to 2025, 75 variables"


# ---------------------------------------------------------------- small files, made here
TIDY = [
    "time_period",
    "time_identifier",
    "geographic_level",
    "country_code",
    "country_name",
    "region_code",
    "region_name",
    "old_la_code",
    "new_la_code",
    "la_name",
]
ENGLAND = ["Reporting year", "National", "E92000001", "England", "", "", "", "", ""]
WHO = {"383": ("E08000035", "Leeds"), "380": ("E08000032", "Bradford"), "384": ("E08000036", "Wakefield")}
YEARS = range(2013, 2026)
D5 = ["CPP_At31", "3_months_or_less", "3_months_or_less_percent", "more_than_3_months_6_months", "more_than_3_months_6_months_percent"]
D5 += ["more_than_6_months_less_than_1_year", "more_than_6_months_less_than_1_year_percent", "1_year_less_than_2_years", "1_year_less_than_2_years_percent"]
D5 += ["2_years_or_more", "2_years_or_more_percent"]
LENGTHS = [500, 100, 20.0, 100, 20.0, 150, 30.0, 100, 20.0, 50, 10.0]
D1 = ["CPP_start", "CPP_start_rate", "CPP_end", "CPP_end_rate", "CPP_anypoint", "CPP_anypoint_rate", "CPP_At31", "CPP_At31_rate"]
RATED = [600, 40.0, 570, 38.0, 1100, 73.3, 522, 34.8]  # of 150,000 children


def save(path: Path, rows: Iterable[Sequence[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def tidy(
    path: Path, columns: list[str], numbers: Callable[[str, int], Sequence[object]], years: Iterable[int] = YEARS, codes: Iterable[str] = tuple(WHO)
) -> Path:
    """A file of DfE's: the country, then authorities, the newest year first."""
    rows: list[list[object]] = [[*TIDY, "category", *columns]]
    for year in sorted(years, reverse=True):
        rows.append([year, *ENGLAND, "all", *[""] * len(columns)])
        for code in codes:
            rows.append(
                [year, "Reporting year", "Local authority", "E92000001", "England", "E12000003", "Yorkshire", code, *WHO[code], "all", *numbers(code, year)]
            )
    return save(path, rows)


def d5(folder: Path, numbers: Callable[[str, int], Sequence[object]] = lambda code, year: LENGTHS) -> Path:
    return tidy(folder / "d5.csv", D5, numbers)


def population(folder: Path, name: str = "people.csv", years: Iterable[int] = range(2012, 2025)) -> Path:
    rows: list[list[object]] = [[*TIDY, "age_group", "population_estimate"]]
    for year in years:
        for code, who in WHO.items():
            place = [year, "Reporting year", "Local authority", "E92000001", "England", "E12000003", "Yorkshire", code, *who]
            rows.append([*place, "Children aged 0 to 17 years", 150_000])
    return save(folder / name, rows)


def problems(*folders: Path) -> list[str]:
    return [line for line in England(path=[str(folder) for folder in folders]).check() if line.startswith("problem")]


def test_a_clean_folder_has_no_problem_and_a_release_is_named_by_what_it_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    d5(tmp_path), population(tmp_path)
    assert problems(tmp_path) == [] and main(["check", str(tmp_path)]) == 0
    assert "d5.csv: DfE, Characteristics of children in need, 2025 release (d5)" in capsys.readouterr().out
    panel = England(path=str(tmp_path), last_year=2025).load()
    assert panel.frame.loc[("383", 2025), "plans"] == pytest.approx(500 / 15)  # 500 of 150,000 children


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (
            6,
            5220,
            "row 4, column 'CPP_At31': got '5220'; contradicts CPP_At31_rate, 34.8, in the same row: it would have to be about 522, or the rate about 347.9",
        ),
        (0, 6, "row 4, column 'CPP_start': got '6'; contradicts CPP_start_rate, 40, in the same row: it would have to be about 600"),
    ],
)
def test_a_count_that_contradicts_the_rate_beside_it(tmp_path: Path, column: int, value: object, expected: str) -> None:
    """A tenfold slip in the release of 2022 (d1), whose rates are printed: 34.8 per 10,000 of 150,000 children are 522."""
    slipped = [value if at == column else cell for at, cell in enumerate(RATED)]
    tidy(tmp_path / "d1.csv", D1, lambda code, year: slipped if (code, year) == ("380", 2022) else RATED, years=range(2013, 2023))
    population(tmp_path)
    told = problems(tmp_path)
    assert len(told) == 1 and expected in told[0], told
    assert main(["check", str(tmp_path)]) == 2
    panel = England(path=str(tmp_path), last_year=2022).load()
    quantity = "plans" if column == 6 else "plans_started"
    assert panel.frame[quantity].loc[:, 2013:].isna().sum() == 1 and np.isnan(panel.frame.loc[("380", 2022), quantity])
    assert any("contradicted by what stands beside them" in note and "d1.csv, row 4" in note for note in panel.notes)


def test_a_total_that_contradicts_its_parts_and_a_part_its_share(tmp_path: Path) -> None:
    """In d5 (2025) no rate is printed: the total is held against its five lengths and their shares, and a length against its own."""
    total = [5000, *LENGTHS[1:]]
    d5(tmp_path / "a", lambda code, year: total if (code, year) == ("383", 2024) else LENGTHS)
    told = problems(tmp_path / "a")
    assert any("row 7, column 'CPP_At31': got '5000'; its 5 parts in the same row add up to 500, which it would have to be" in one for one in told), told
    part = [*LENGTHS[:9], 5, 10.0]
    d5(tmp_path / "b", lambda code, year: part if (code, year) == ("383", 2024) else LENGTHS)
    told = problems(tmp_path / "b")
    assert len(told) == 1 and "column '2_years_or_more': got '5'; is 1.0 % of CPP_At31, 500, where 2_years_or_more_percent says 10 %" in told[0]
    assert "it would have to be about 50" in told[0]


def test_children_looked_after_are_held_against_the_rate_and_the_children_beside_them(tmp_path: Path) -> None:
    head = [*TIDY[:8], "la_name", "new_la_code", "population_type", "population_estimate", "children_count", "rate_per_10000"]
    rows: list[list[object]] = [head]
    for year in range(2021, 2026):
        for code, (gss, name) in WHO.items():
            for kind, count in (("Children looked after on 31 March each year", 900), ("Children starting to be looked after each year", 300)):
                count = 9_000 if (code, year, count) == ("384", 2025, 900) else count
                place = [year, "Reporting year", "Local authority", "E92000001", "England", "E12000003", "Yorkshire", code, name, gss]
                rows.append([*place, kind, 150_000, count, 60 if "after on" in kind else 20])
    save(tmp_path / "cla.csv", rows)
    told = problems(tmp_path)
    assert len(told) == 1 and "column 'children_count': got '9000'; contradicts rate_per_10000, 60, in the same row: it would have to be about 900" in told[0]


def people_of_a_region(
    folder: Path, slips: dict[tuple[str, int], object] | None = None, codes: Sequence[str] = tuple(WHO), years: Iterable[int] = range(2012, 2025)
) -> Path:
    """Children of three authorities, 150,000 and 100 more each year, and their region's total; `slips`: (code, "" for the region, year) → what is printed."""
    rows: list[list[object]] = [[*TIDY, "age_group", "population_estimate"]]
    for year in years:
        size = 150_000 + 100 * (year - 2012)
        rows.append([year, "Reporting year", "Regional", "E92000001", "England", "E12000003", "Yorkshire", "", "", ""])
        rows[-1] += ["Children aged 0 to 17 years", (slips or {}).get(("", year), 3 * size)]
        for code in codes:
            place = [year, "Reporting year", "Local authority", "E92000001", "England", "E12000003", "Yorkshire", code, *WHO[code]]
            rows.append([*place, "Children aged 0 to 17 years", (slips or {}).get((code, year), size)])
    return save(folder / "people.csv", rows)


@pytest.mark.parametrize(("printed", "would"), [(1_509_000, "150,900"), (15_090, "150,900"), (105_900, "150,900")])
def test_an_authority_whose_number_contradicts_its_regions_total(tmp_path: Path, printed: int, would: str) -> None:
    """Nothing beside a population says it twice but its region's total; 2012 + 9 years of 100 children more are 150,900."""
    d5(tmp_path), people_of_a_region(tmp_path, {("380", 2021): printed})
    told = problems(tmp_path)
    assert len(told) == 1 and f"column 'population_estimate': got '{printed:,}'; the authorities of Yorkshire in the same year add up to" in told[0], told
    assert f"it would have to be about {would}; which of the two is wrong the file does not say, and the number is left empty" in told[0]
    assert main(["check", str(tmp_path)]) == 2
    children = England(path=str(tmp_path), last_year=2025).load().frame["children"]
    assert np.isnan(children["380", 2022]) and children["380", 2021] == 150_800 and children["383", 2022] == 150_900  # mid-2021 stands under 2022


def test_a_sum_with_a_number_withheld_says_what_is_too_much_and_never_what_is_too_little(tmp_path: Path) -> None:
    d5(tmp_path / "a"), people_of_a_region(tmp_path / "a", {("384", 2021): "c"})
    assert problems(tmp_path / "a") == []
    d5(tmp_path / "b"), people_of_a_region(tmp_path / "b", {("384", 2021): "c", ("380", 2021): 15_090})
    assert problems(tmp_path / "b") == []
    d5(tmp_path / "c"), people_of_a_region(tmp_path / "c", {("384", 2021): "c", ("380", 2021): 1_509_000})
    told = problems(tmp_path / "c")
    assert len(told) == 1 and "got '1,509,000'" in told[0] and "it would have to be at most 301,800" in told[0]


def test_a_regions_own_slip_costs_no_number(tmp_path: Path) -> None:
    d5(tmp_path / "a"), people_of_a_region(tmp_path / "a", {("", 2021): 45_270})
    told = problems(tmp_path / "a")
    assert len(told) == 1 and "got '45,270'" in told[0] and "it would have to be about 452,700; no number is taken from it" in told[0]
    assert England(path=str(tmp_path / "a"), last_year=2025).load().frame["children"].notna().loc[:, 2013:].all()
    # one authority less in every year: no number is at fault more than another, and all that is said is said once
    d5(tmp_path / "b"), people_of_a_region(tmp_path / "b", codes=("380", "383"))
    told = [one for one in problems(tmp_path / "b") if "add up" in one]
    assert len(told) == 1 and "which of them is wrong the file does not say, and all stand as printed; so it is in 12 more rows of regions" in told[0]


@pytest.mark.parametrize(
    ("column", "printed", "named", "would"),
    [(7, 6_000, "At31_episodes", "600"), (0, 1_000, "Anypoint_episodes", "1,000"), (6, 40, "Ended_episodes", "400"), (7, 60, "At31_episodes", "600")],
)
def test_needs_at_any_point_are_those_that_ended_and_those_at_31_march(tmp_path: Path, column: int, printed: int, named: str, would: str) -> None:
    """1,000 = 400 + 600 in every other year: which of the three was slipped is told by the years around."""
    heads = ["Anypoint_episodes", "Anypoint_child", "Started_episodes", "Started_child", "x", "y", "Ended_episodes", "At31_episodes"]
    usual = [1_000, 900, 450, 440, 1, 1, 400, 600]
    slipped = [10_000 if column == at == 0 else printed if at == column else cell for at, cell in enumerate(usual)]
    tidy(tmp_path / "b1.csv", heads, lambda code, year: slipped if (code, year) == ("383", 2024) else usual)
    told = problems(tmp_path)
    assert len(told) == 1 and f"column '{named}'" in told[0] and f"it would have to be about {would};" in told[0], told


def test_two_rows_with_their_longer_codes_exchanged(tmp_path: Path) -> None:
    path = d5(tmp_path)
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    rows[2][8], rows[3][8] = rows[3][8], rows[2][8]
    save(path, rows)
    told = problems(tmp_path)
    assert len(told) == 2 and "got '383'; stands beside the code 'E08000032', which has the code 380 in the other rows" in told[0]
    assert main(["check", str(tmp_path)]) == 2


def test_a_year_that_is_cut_out_and_a_column_that_is_blank(tmp_path: Path) -> None:
    tidy(tmp_path / "a/d5.csv", D5, lambda code, year: LENGTHS, years=[year for year in YEARS if year != 2019])
    told = problems(tmp_path / "a")
    assert len(told) == 1 and "holds nothing for 2019, which was published with it; those years stay empty" in told[0]
    d5(tmp_path / "b", lambda code, year: ["", *LENGTHS[1:]])
    told = problems(tmp_path / "b")
    assert len(told) == 1 and "column 'CPP_At31': no number stands in any of its 52 rows, so plans is not taken from it" in told[0]


def test_years_of_two_as_dfe_prints_them_and_years_that_are_none(tmp_path: Path) -> None:
    """202425 is the year that ends in 2025; what is no year is told, of many rows once with how many they are."""
    path = d5(tmp_path / "a")
    text = path.read_text(encoding="utf-8").splitlines()
    two = [text[0], *(f"{int(line[:4]) - 1}{line[2:]}" for line in text[1:])]
    path.write_text("\n".join(two), encoding="utf-8")
    assert problems(tmp_path / "a") == [] and any("2025 release (d5)" in line for line in England(path=str(tmp_path / "a")).check())
    path = d5(tmp_path / "b")
    path.write_text("\n".join([text[0], *(f"2205{line[4:]}" if line.startswith("2025") else line for line in text[1:])]), encoding="utf-8")
    told = [one for one in problems(tmp_path / "b") if "2205" in one]
    assert len(told) == 4 and all("a year such as 2018 was expected" in one for one in told)  # four rows one by one
    path.write_text("\n".join([text[0], *(f"2205{line[4:]}" if "2014" <= line < "2020" else line for line in text[1:])]), encoding="utf-8")
    told = [one for one in problems(tmp_path / "b") if "2205" in one]
    assert len(told) == 1 and "the row is left out; so it is in 23 more rows" in told[0]


def test_two_rows_with_their_codes_exchanged(tmp_path: Path) -> None:
    """Leeds' code beside Bradford's name, and the other way round, in one year."""
    path = d5(tmp_path, lambda code, year: LENGTHS if code == "383" else [250, *[cell / 2 if at % 2 == 0 else cell for at, cell in enumerate(LENGTHS[1:])]])
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    rows[2][7], rows[3][7] = rows[3][7], rows[2][7]
    save(path, rows)
    told = problems(tmp_path)
    assert len(told) == 2
    assert "row 3, column 'old_la_code': got '380'; stands beside the name 'Leeds', which has the code 383 in the other rows" in told[0]
    assert "row 4, column 'old_la_code': got '383'; stands beside the name 'Bradford', which has the code 380 in the other rows" in told[1]
    counts = England(path=str(tmp_path), last_year=2025).load().frame["plans_count"]
    assert counts.xs(2025, level="year").isna().tolist() == [True, True, False] and counts.xs(2024, level="year").tolist() == [250, 500, 250]


def test_a_code_beside_a_name_that_other_files_give_to_another(tmp_path: Path) -> None:
    """A file of one year cannot be told by its own rows; three other files name the codes."""
    d5(tmp_path)
    need = ["Anypoint_episodes", "Anypoint_child", "Started_episodes", "At31_episodes"]
    tidy(tmp_path / "b1.csv", need, lambda code, year: ["", "", "", ""])
    tidy(tmp_path / "c1.csv", ["referral_count", "rereferral_count"], lambda code, year: ["", ""])
    wide = [["geog_l", "geog_c", "geog_n", "CLA_Mar2017"], ["National", "", "England", 1000], ["LA", "380", "Leeds", 300], ["LA", "383", "Bradford", 400]]
    save(tmp_path / "SFR50_CLA2017.csv", wide)
    told = [one for one in problems(tmp_path) if "CLA2017" in one and "stands beside" in one]
    assert len(told) == 2 and "row 3: got '380'; stands beside the name 'Leeds', which has the code 383 in other files" in told[0]


def test_two_folders_that_contradict_each_other_beyond_revision(tmp_path: Path) -> None:
    """The release of 2022 has 522 plans, that of 2025 has 52; West Sussex' 424 and 379 would be a revision."""
    tidy(tmp_path / "old/d1.csv", D1, lambda code, year: RATED, years=range(2013, 2023))
    fewer = [52, 10, 19.2, 10, 19.2, 16, 30.8, 10, 19.2, 6, 11.5]
    near = [470, 90, 19.1, 90, 19.1, 140, 29.8, 100, 21.3, 50, 10.6]
    d5(tmp_path / "new", lambda code, year: fewer if (code, year) == ("383", 2020) else near)
    told = problems(tmp_path / "old", tmp_path / "new")
    assert len(told) == 1 and "got '52'; plans of 383, 2020: 522 in old/d1.csv, row" in told[0] and "is no revision, and neither stands" in told[0]
    panel = England(path=[str(tmp_path / "old"), str(tmp_path / "new")], last_year=2025).load()
    assert np.isnan(panel.frame.loc[("383", 2020), "plans_count"]) and panel.frame.loc[("383", 2019), "plans_count"] == 470  # the later release stands


def test_an_old_and_a_new_release_in_one_folder(tmp_path: Path) -> None:
    """Both are read, and the later stands where both hold a number; so they do in two folders, in whichever order."""
    tidy(tmp_path / "one/d1.csv", D1, lambda code, year: RATED, years=range(2013, 2023))
    d5(tmp_path / "one")
    tidy(tmp_path / "two/d1.csv", D1, lambda code, year: RATED, years=range(2013, 2023))
    d5(tmp_path / "three")
    once = England(path=str(tmp_path / "one"), last_year=2025).load().frame["plans_count"]
    assert once["383", 2022] == 500 and problems(tmp_path / "one") == []
    for order in (("two", "three"), ("three", "two")):
        again = England(path=[str(tmp_path / name) for name in order], last_year=2025).load().frame["plans_count"]
        assert again.equals(once), order


def test_a_new_file_that_is_renamed_doubled_or_cut(tmp_path: Path) -> None:
    path = d5(tmp_path / "a")
    path.rename(path.with_name("whatever it was called.csv"))
    assert problems(tmp_path / "a") == []
    d5(tmp_path / "b")
    (tmp_path / "b/again.csv").write_bytes((tmp_path / "b/d5.csv").read_bytes())
    told = problems(tmp_path / "b")
    assert len(told) == 1 and "the same bytes as" in told[0] and "read once" in told[0]
    whole = d5(tmp_path / "c").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "c/d5.csv").write_text("".join(whole[:30]), encoding="utf-8")
    told = problems(tmp_path / "c")
    assert any("holds 2018 to 2025, and was published with 2013 to 2025" in one for one in told), told
    (tmp_path / "c/d5.csv").write_text("".join(whole[:30])[:-40], encoding="utf-8")
    assert any("cells, the header" in one and "cut short" in one for one in problems(tmp_path / "c"))
    assert main(["check", str(tmp_path / "c")]) == 2


def test_a_folder_named_twice_or_inside_another(tmp_path: Path) -> None:
    d5(tmp_path / "a")
    with pytest.raises(DataError, match="twice"):
        England(path=[str(tmp_path / "a"), str(tmp_path / "a")]).load()
    with pytest.raises(DataError, match="inside"):
        England(path=[str(tmp_path), str(tmp_path / "a")]).load()
    with pytest.raises(ConfigError, match=r"source\.path: wanted a folder, or a list of folders"):
        England(path=[])


def test_a_release_later_than_the_readers_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    """Next year's c1: one column has another name, one is new. What is known is read, what is new is named, and nobody is told to mend DfE's file."""
    columns = ["referral_count", "rereferral_count", "closed_at_once_count", "not_in_need_count", "referral_source"]
    tidy(tmp_path / "c1.csv", columns, lambda code, year: [1000, 200, 50, 300, 7], years=range(2013, 2027))
    told = problems(tmp_path)
    assert len(told) == 1 and "referrals_no_further_action is left out" in told[0]
    assert "the release is later than these readers (closed_at_once_count, referral_source are new in it)" in told[0]
    assert "undo changes" not in told[0] and "fetch" not in told[0].lower()
    assert England(path=str(tmp_path), last_year=2026).cells().query("quantity == 'referrals'")["value"].sum() == 3 * 14 * 1000
    lines = England(path=str(tmp_path)).check()
    assert any("2026 release (c1)" in line for line in lines)


def test_a_later_file_of_a_known_name_in_an_unknown_layout(tmp_path: Path) -> None:
    d5(tmp_path)
    save(tmp_path / "cla_number_and_rate_per_10k_children.csv", [["time_period", "geographic_level", "place", "number"], [2027, "National", "England", 1]])
    told = problems(tmp_path)
    assert len(told) == 1 and "goes to 2027: a later release in a layout that is not read here (time_period, geographic_level, place, number)" in told[0]
    assert "undo" not in told[0] and "etch" not in told[0]


def inspections(folder: Path, *, name: str = "Leeds", grade: str = "Good", late: bool = False) -> Path:
    """Ofsted's workbook of 2025 in miniature."""
    book = openpyxl.Workbook()
    history = book.active
    history.title = "ILACS_inspection_history"
    history.append(["ILACS inspection history from 2018-2025"])
    heads = ["Web link", "Local authority area code", "Local authority name", "Inspection date", "Publication date", "Inspection type", "Overall effectiveness"]
    history.append(heads)
    history.append(["page", "E08000035", "Leeds", "2018-10-01", "2018-11-20", "ILACS Standard Inspection", "Inadequate"])
    history.append(
        ["page", "" if name != "Leeds" else "E08000035", name, "2025-03-01", "2025-04-15" if late else "2025-03-20", "ILACS Standard Inspection", grade]
    )
    state = book.create_sheet("Inspections_as_at_31_March")
    state.append(["Local authority area code", "Local authority name", "Inspection date", "Overall effectiveness"])
    state.append(["E08000035", "Leeds", "2025-03-01", "Good"])
    folder.mkdir(parents=True, exist_ok=True)
    book.save(folder / "ofsted.xlsx")
    return folder


def test_judgements_count_from_the_day_of_publication(tmp_path: Path) -> None:
    d5(tmp_path / "a"), inspections(tmp_path / "a")
    panel = England(path=str(tmp_path / "a"), last_year=2025).load()
    assert panel.frame["inspection_grade"]["383"].loc[2018:2025].tolist() == pytest.approx([np.nan, *[4.0] * 6, 2.0], nan_ok=True)
    assert panel.frame["good_when_judged"]["383"].loc[2018:2025].tolist() == pytest.approx([np.nan, 0.0, *[np.nan] * 5, 1.0], nan_ok=True)
    d5(tmp_path / "b"), inspections(tmp_path / "b", late=True)
    late = England(path=str(tmp_path / "b"), last_year=2025).load()
    assert late.frame.loc[("383", 2025), "inspection_grade"] == 4.0
    assert any("0 of 1 authorities stand as in Ofsted's own list; inspected before and published after" in note and "Leeds" in note for note in late.notes)


def test_an_ofsted_name_that_matches_nobody_and_a_grade_that_is_none(tmp_path: Path) -> None:
    d5(tmp_path), inspections(tmp_path, name="Ledes")
    told = problems(tmp_path)
    assert len(told) == 1 and "ofsted.xlsx, row 4: got 'Ledes'; no lookup in this folder knows this place" in told[0]
    inspections(tmp_path, grade="Fine")
    told = problems(tmp_path)
    assert len(told) == 1 and "row 4, column 'Overall effectiveness': got 'Fine'; outstanding, good, requires improvement or inadequate was expected" in told[0]


def lait(folder: Path, rows: list[tuple[str, str, str, str, float]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows, columns=["Short Desc", "Years", "LA and Regions", "Values", "LA Number"])
    frame.assign(**{"Data item": "words", "Region": "NA"}).to_parquet(folder / "lait.parquet")
    return folder


@pytest.mark.parametrize(
    ("printed", "years"),
    [
        ("2016-17 (OT)", (2017, 2017)), ("2016/17", (2017, 2017)), ("2014-16", (2014, 2016)), ("2017", (2017, 2017)), ("2018 (Rev)", (2018, 2018)),
        ("2013/14-15/16", (2014, 2016)), ("0", None), ("2025-26", (2026, 2026)),
    ],
)  # fmt: skip
def test_years_as_lait_prints_them(printed: str, years: tuple[int, int] | None) -> None:
    assert year_of(printed) == years


def test_an_indicator_that_does_not_exist_and_one_that_does(tmp_path: Path) -> None:
    rows = [("SureStartFinance", f"{year - 1}-{year % 100} (OT)", WHO[code][1], str(year * 1000), float(code)) for year in (2024, 2025) for code in WHO]
    rows += [("Under18concep", str(year), WHO[code][1], "1.5E-2" if year == 2024 else "-", float(code)) for year in (2024, 2025) for code in WHO]
    d5(tmp_path), population(tmp_path), lait(tmp_path, rows)
    panel = England(path=str(tmp_path), lait=["Under18concep"]).load()
    assert panel.years[-1] == 2025 and panel.frame["lait_under18concep"]["383"].loc[2024:2025].tolist() == pytest.approx([0.015, np.nan], nan_ok=True)
    assert panel.frame.loc[("383", 2025), "log_early_years_spending"] == pytest.approx(np.log(2_025_000 / 150_000))
    with pytest.raises(ConfigError, match=r"wanted an indicator of .*, got 'Under18concept'; .*Did you mean 'Under18concep'"):
        England(path=str(tmp_path), lait=["Under18concept"]).load()
    (tmp_path / "lait.parquet").unlink()
    with pytest.raises(DataError, match=r"source\.lait: wanted DfE, Local authority interactive tool"):
        England(path=str(tmp_path), lait=["Under18concep"], last_year=2025).load()


def test_an_indicator_is_sought_by_what_it_is_and_few_are_named(tmp_path: Path) -> None:
    """Of hundreds that a file has the nearest are named, by name or by description."""
    rows = [(f"Nothing{i}", "2024", "Leeds", "1", 383.0) for i in range(300)] + [("SureStartFinance", "2023-24 (OT)", "Leeds", "1", 383.0)]
    d5(tmp_path), lait(tmp_path, rows)
    path = tmp_path / "lait.parquet"
    frame = pd.read_parquet(path)
    frame.loc[7, ["Short Desc", "Data item"]] = ["U18preg", "Conceptions of teenage mothers, per 1,000"]
    frame.to_parquet(path)
    for asked in ("u18PREG", "teenage conceptions"):
        with pytest.raises(ConfigError) as caught:
            England(path=str(tmp_path), lait=[asked]).load()
        assert "Did you mean 'U18preg' (Conceptions of teenage mothers, per 1,000)" in str(caught.value) and len(str(caught.value)) < 600


def test_lait_with_other_types_of_code_and_number(tmp_path: Path) -> None:
    """Codes as text or as GSS codes, values as numbers with gaps: read alike; a code that is none is told once."""
    rows = [("SureStartFinance", f"{year - 1}-{year % 100} (OT)", WHO[code][1], str(year * 1000), float(code)) for year in (2024, 2025) for code in WHO]
    said = []
    for name, change in (
        ("a", lambda frame: frame),
        ("b", lambda frame: frame.assign(**{"LA Number": [str(int(code)) for code in frame["LA Number"]]})),
        ("c", lambda frame: frame.assign(**{"LA Number": [WHO[str(int(code))][0] for code in frame["LA Number"]]})),
        ("d", lambda frame: frame.assign(Values=pd.to_numeric(frame["Values"]))),
    ):
        d5(tmp_path / name), lait(tmp_path / name, rows)
        path = tmp_path / name / "lait.parquet"
        change(pd.read_parquet(path)).to_parquet(path)
        cells = England(path=str(tmp_path / name)).cells().query("quantity == 'early_years_gross'")
        said.append(cells[["place", "year", "value"]].astype({"place": str}).to_numpy().tolist())
    assert said[0] == said[1] == said[2] == said[3] and len(said[0]) == 6
    frame = pd.read_parquet(tmp_path / "a/lait.parquet")
    frame.assign(Values=[np.nan, *range(5)]).to_parquet(tmp_path / "a/lait.parquet")
    assert not any("'nan'" in one for one in problems(tmp_path / "a"))
    frame.assign(**{"LA Number": ["Leeds", "Leeds", *["380"] * 4]}).to_parquet(tmp_path / "b/lait.parquet")
    told = [one for one in problems(tmp_path / "b") if "a 3-digit code of an authority was expected" in one]
    assert len(told) == 1 and "got 'Leeds'" in told[0]


def test_a_slip_in_lait_by_its_regions_total(tmp_path: Path) -> None:
    rows = []
    for year in range(2020, 2026):
        rows += [("SureStartFinance", f"{year - 1}-{year % 100} (OT)", WHO[code][1], str(2_000_000 + year), float(code)) for code in WHO]
        rows.append(("SureStartFinance", f"{year - 1}-{year % 100} (OT)", "Yorkshire and the Humber", str(3 * (2_000_000 + year)), 982.0))
    d5(tmp_path), population(tmp_path), lait(tmp_path, rows)
    path = tmp_path / "lait.parquet"
    frame = pd.read_parquet(path).assign(Region="Yorkshire and The Humber")
    frame.to_parquet(path)
    assert not any("add up" in one for one in problems(tmp_path))
    at = frame[(frame["LA and Regions"] == "Bradford") & frame["Years"].str.startswith("2022-23")].index[0]
    frame.loc[at, "Values"] = "20020230"
    frame.to_parquet(path)
    told = [one for one in problems(tmp_path) if "add up" in one]
    assert len(told) == 1 and f"row {at + 2}, column 'Values': got '20,020,230'; SureStartFinance of 2022-23 of Yorkshire And The Humber" in told[0]
    assert "it would have to be about 2,002,023;" in told[0] and main(["check", str(tmp_path)]) == 2


def test_a_parquet_file_that_is_cut(tmp_path: Path) -> None:
    d5(tmp_path), lait(tmp_path, [("RTA", "2014-16", "Leeds", "12.5", 383.0)])
    whole = (tmp_path / "lait.parquet").read_bytes()
    (tmp_path / "lait.parquet").write_bytes(whole[: len(whole) // 2])
    assert any("lait.parquet: wanted a file that can be read, got one that cannot" in one and "cut short" in one for one in problems(tmp_path))


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({"population_series": "census_2012"}, "source.population_series: wanted one of census_2021, census_2011"),
        ({"break_at": "2020"}, "source.break_at: wanted a year"),
        ({"first_year": 2020, "last_year": 2012}, "wanted a year that is not after source.last_year"),
        ({"keep_regions": [3]}, "source.keep_regions: wanted a list of regions"),
    ],
)
def test_new_knobs_are_checked_at_birth(knobs: dict[str, object], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        England(path="x", **knobs)  # type: ignore[arg-type]
    assert expected in str(caught.value)


def test_years_beyond_the_files_are_refused(tmp_path: Path) -> None:
    d5(tmp_path)
    with pytest.raises(DataError, match=r"source\.last_year: wanted a year of the files in .*, which end in 2025, got 2031"):
        England(path=str(tmp_path), last_year=2031).load()


# ---------------------------------------------------------------- part of a panel, for every source
def test_years_and_regions_are_kept_of_a_simulated_panel_too() -> None:
    whole = Simulated(seed=3)
    region = whole.load().places["region"].iloc[0]
    part = Simulated(seed=3, first_year=2013, last_year=2016, keep_regions=(region.upper(),)).load()
    inside = whole.load().places.index[whole.load().places["region"] == region]
    expected = whole.load().frame.loc[list(inside)]
    expected = expected[expected.index.get_level_values("year").isin(range(2013, 2017))]
    assert part.frame.equals(expected) and sum(loss.rows for loss in part.log) == len(whole.load().frame) - len(expected)
    with pytest.raises(ConfigError, match="wanted regions that there are, got 'Atlantis'"):
        Simulated(keep_regions=("Atlantis",)).load()
    with pytest.raises(DataError, match=r"wanted a year of the panel, 2011 to 2019, between them, got 2030"):
        Simulated(first_year=2030).load()


def test_a_break_takes_each_places_mean_off_on_both_sides() -> None:
    """Held by least squares with a dummy for every place before and since, and one for every year (numpy)."""
    panel = Simulated(seed=4, authorities=12, years=8).load()
    broken = narrow.narrow(panel, break_at=2015)
    assert len(broken.frame) == len(panel.frame) and len(broken.authorities) == 24
    assert broken.clusters(broken.authorities).nunique() == 12
    assert np.array_equal(np.sort(broken.frame["plans"]), np.sort(panel.frame["plans"]))
    assert np.isnan(broken.shift("plans", -1).to_numpy()).sum() == 24  # a lag reaches neither over the beginning nor over the break
    with pytest.raises(ConfigError, match=r"source\.break_at: wanted a year from 2012 to 2018"):
        narrow.narrow(panel, break_at=2011)
