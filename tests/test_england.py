"""England's published files as one panel: a small England made in the published layouts, and the real folder where it is at hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import yaml
from england_folder import CENTRE, CENTRES, REGISTER, build, register, save_csv
from lengths import LONG

from causal.errors import ConfigError, DataError
from causal.kept import CACHE
from causal.panel import Panel
from causal.sources.england import England
from causal.sources.england.book import MARKS, number
from causal.sources.england.variables import BY_NAME

REAL = Path(__file__).resolve().parents[1].parent / "shared/data/england"
real_files = pytest.mark.skipif(not REAL.is_dir(), reason="the folder of real published files is not at hand (../shared/data/england)")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return build(tmp_path / "England")


def problems(folder: Path, **knobs: object) -> list[str]:
    """What is wrong with a folder, without the columns that the small first releases lack."""
    lines = England(path=str(folder), **knobs).check()  # type: ignore[arg-type]
    return [line.removeprefix("problem: ").replace(f"{folder}/", "") for line in lines if line.startswith("problem") and "first 201" not in line]


def test_small_england(small: Path) -> None:
    panel = England(path=str(small)).load()
    frame = panel.frame
    assert panel.authorities == ("202", "383", "835", "845", "874") and panel.years == tuple(range(2010, 2020)) and panel.population == "children"
    assert frame.loc[("202", 2015), ["plans", "referrals", "section47", "children"]].tolist() == [50, 1500, 100, 10_000]
    assert frame.loc[("202", 2011), "children"] == pytest.approx(9000) and frame.loc[("202", 2011), "plans"] == pytest.approx(40 / 0.9)
    assert frame.loc[("835", 2015), "plans_count"] == 150 and frame.loc[("835", 2015), "plans"] == 50  # three parts, three times the children
    assert frame.loc[("383", 2016), ["plans", "plans_count"]].isna().all() and frame["plans"].xs(2010, level="year").isna().all()
    assert panel.places.loc["202"].tolist() == ["Camden", "London", "E12000007", "202", "E09000007"]
    assert panel.variable("deprivation").varies == "authority" and panel.variable("plans").count_per == 10_000
    assert frame.loc[("835", 2012), "deprivation"] == pytest.approx(6) and frame.loc[("202", 2012), "grant_dependence"] == pytest.approx(0.6)
    assert frame.loc[("202", 2015), "looked_after"] == 75 and frame.loc[("202", 2015), "need_episodes"] == 400
    assert frame.loc[("202", 2015), "re_referral_share"] == pytest.approx(20)
    assert problems(small) == []


def test_every_missing_number_keeps_its_mark_and_is_never_zero(small: Path) -> None:
    panel = England(path=str(small)).load()
    assert panel.reasons["383", 2016, "plans"] == "c" and panel.reasons["202", 2013, "section47"] == ".." and panel.reasons["202", 2010, "plans"] == "x"
    assert panel.marks("plans") == {"x": 5, "c": 1} and panel.marks("section47") == {"..": 5}
    assert panel.subset(years=[2016]).marks("plans") == {"c": 1}
    for authority, year, variable in panel.reasons.index:
        assert np.isnan(panel.frame.loc[(authority, year), variable])


@pytest.mark.parametrize("mark", [*(mark for mark in MARKS if mark not in ("blank", "unreadable")), "X", " c ", "#DIV/0!"])
def test_marks(mark: str) -> None:
    value, said = number(mark)
    assert np.isnan(value) and said == mark.strip().lower()
    assert number(" ")[1] == "blank"
    assert number(" 1,234.5") == (1234.5, "") and number("£3") == (3, "") and number("ten")[1] == "unreadable" and number(float("inf"))[1] == "unreadable"


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
    assert np.isnan(panel.frame.loc[("874", 2018), "log_centre_spending"])
    loose = England(path=str(small), base_guard=0, ceiling=5, log_guard=0, centre_lines=("individual",)).load().frame
    assert loose["centre_spending"]["845", 2018] > 2 and loose["log_centre_spending"]["874"].notna().sum() == 9
    assert loose["centre_spend_per_child"]["202", 2019] == 0 and loose["centre_spending"]["202", 2019] == 0  # 0 is a share, and has no log
    assert np.isnan(loose["log_centre_spending"]["202", 2019])
    cell = panel.frame.loc[("202", 2018)]
    assert cell["prevention_share"] == pytest.approx((11 - 3 - 4 - 1) / (11 - 1) * 100) and cell["spend_per_child_in_need"] == pytest.approx(3e6 / 400)
    assert cell["preventative_spend_per_child"] == pytest.approx(3e6 / 10_000) and cell["early_help_spend_per_child"] == pytest.approx(4e6 / 10_000)
    before = panel.frame.loc[("202", 2011)]  # adoption, guardianship, strategy and social work are added before the break
    assert before["looked_after_spend_per_child"] == pytest.approx(3e6 / 9000 * 100 / 93)
    assert before["safeguarding_spend_per_child"] == pytest.approx((5e5 + 2.5e5 + 3e6) / 9000 * 100 / 93)


def test_chained_series(small: Path) -> None:
    frame = England(path=str(small)).load().frame
    assert frame["spending_power"]["202", 2011] == 100 and frame["spending_power"]["202", 2013] == pytest.approx(81 * 93 / 95)
    assert frame["spending_power"]["835", 2013] == pytest.approx(81 * 93 / 95)
    assert frame["child_poverty"]["202", 2012] == pytest.approx(21)
    assert frame["child_poverty"]["202", 2017] == pytest.approx(24 * 1.2) and frame["child_poverty"]["835", 2015] == pytest.approx(24)
    later = England(path=str(small), snapshot_offset=1).load().frame["child_poverty"]
    assert np.isnan(later["202", 2011]) and later["202", 2012] == pytest.approx(20) and later["202", 2017] == pytest.approx(24 * 1.2 / 1.1)


def test_places_as_published_end_and_begin_with_the_reorganisation(small: Path) -> None:
    panel = England(path=str(small), places="published", last_year=2021).load()
    frame = panel.frame
    assert [code for code in panel.authorities if panel.places["name"][code] == "Dorset"] == ["835", "838"]
    assert frame.loc["836"].index.tolist() == list(range(2010, 2020)) and frame.loc["839"].index.tolist() == [2020, 2021]
    assert frame.loc[("836", 2015), "plans_count"] == 50 and frame.loc[("839", 2021), "plans_count"] == 50
    assert frame.loc[("835", 2015), "deprivation"] == 5 and np.isnan(frame.loc[("839", 2021), "deprivation"])  # 2015 was not printed for the new authority
    assert any("as published" in note for note in panel.notes)
    with_all = England(path=str(small), leave_out=()).load()
    assert "201" in with_all.authorities and not any("too few" in loss.step for loss in with_all.log)


def test_of_two_sets_of_boundaries_the_one_with_numbers_is_used(small: Path) -> None:
    """A file that lists the authorities of all years in each year, with z for those that did not exist."""
    path = small / "cin/d1.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    new = [line for line in lines if line.startswith("2020") and (",838," in line or ",839," in line)]
    old = [line.replace("2019", "2020", 1) for line in lines if line.startswith("2019") and any(f",{code}," in line for code in ("835", "836", "837"))]
    withheld = [",".join([*line.split(",")[:-4], "z", "z", "z", "z"]) for line in old]
    path.write_text("\n".join([*lines, *withheld]), encoding="utf-8")
    assert len(new) == 2 and len(old) == 3
    assert England(path=str(small), last_year=2020).load().frame["plans_count"]["835", 2020] == 100


def test_years_can_be_chosen(small: Path) -> None:
    panel = England(path=str(small), first_year=2013, last_year=2021).load()
    assert panel.years == tuple(range(2013, 2022)) and panel.frame["centre_spending"]["202", 2018] < 1
    assert panel.frame["plans_count"]["835", 2021] == 100 and panel.frame["children"]["835", 2021] == 30_000  # two parts from 2020


def test_derived_variables_are_asked_for_by_name(small: Path) -> None:
    specs = {"plans_then": {"lag": "plans", "by": 1}, "log_spend": {"log": "centre_spend_per_child", "guard": 5}}
    panel = England(path=str(small), derived=specs).load()
    assert panel.frame["plans_then"]["202", 2015] == panel.frame["plans"]["202", 2014]
    assert panel.frame["log_spend"]["202", 2015] == pytest.approx(panel.frame["log_centre_spending"]["202", 2015])
    with pytest.raises(ConfigError, match="derived"):
        England(path=str(small), derived={"x": {"lug": "plans"}})


def test_files_are_known_by_what_they_hold_whatever_they_are_called(small: Path) -> None:
    before = England(path=str(small)).load()
    for i, path in enumerate(sorted(file for file in small.rglob("*") if file.is_file() and "s251" not in file.name and "august" not in file.name)):
        path.rename(small / f"{i}{path.suffix}")
    after = England(path=str(small)).load()
    assert after.digest == before.digest


def test_a_missing_publication_costs_only_what_it_gives(small: Path) -> None:
    (small / "deprivation.xlsx").unlink()
    (small / "s251ye2015.xlsx").unlink()
    for path in small.glob("august*"):
        path.unlink()
    panel = England(path=str(small)).load()
    assert "deprivation" not in panel.names and "child_poverty" not in panel.names and panel.frame["centre_spending"]["202"].isna().sum() == 2
    note = next(note for note in panel.notes if note.startswith("deprivation, "))  # each reason stands once
    assert "English Indices of Deprivation" in note and "https://www.gov.uk/" in note
    assert note.endswith(str(England(path=str(small)).missing("deprivation")).removeprefix("deprivation: "))
    assert England(path=str(small)).missing("plans") is None
    assert England(path=str(small)).missing("need") is None
    (small / "s251ye2011.xlsx").unlink()
    without = England(path=str(small))
    assert "centre_spend_per_child" in without.load().names and "for 2011" in str(without.missing("centre_spending"))


def test_without_populations_counts_still_load_and_rates_say_what_they_lack(small: Path) -> None:
    (small / "cin/population.csv").unlink()
    panel = England(path=str(small)).load()
    assert panel.population is None and "plans" not in panel.names and panel.frame["plans_count"]["202", 2015] == 50
    assert panel.frame["deprivation"]["202", 2015] == 2
    assert "mid-year population" in str(England(path=str(small)).missing("plans"))


@pytest.mark.parametrize("drop", range(0, 34, 3 if LONG else 9))
def test_any_file_may_be_gone_and_nothing_else_moves(small: Path, drop: int) -> None:
    """Two files at a time: the check and the facts end without an error of ours, and every number that needs neither file stays as it was."""
    from causal.sources.england.facts import facts

    whole = England(path=str(small)).load()
    files = sorted(path for path in small.rglob("*") if path.is_file())
    gone = [files[drop % len(files)], files[(drop + 11) % len(files)]]
    lost = {quantity for file in England(path=str(small))._folder.files if small / file.name in gone for quantity in file.gives}
    for path in gone:
        path.unlink()
    england = England(path=str(small))
    assert england.check() and len(facts(england)) == 9
    panel = england.load()
    for name in panel.names:
        one = BY_NAME[name]
        needs = {*one.needs, *one.helps, *(BY_NAME["children"].needs + BY_NAME["children"].helps if one.per_children else ())}
        averaged = one.varies == "authority" and "population_0_17" in lost  # Dorset's mean is weighted by children
        if not needs & lost and "spend" not in name and not averaged:
            assert panel.frame[name].equals(whole.frame[name]), name


def test_older_releases_that_stand_in_are_told(small: Path) -> None:
    notes = " ".join(England(path=str(small)).load().notes)
    assert "plans, referrals, section47: 2010 to 2012 as first published, 2013 to 2022 from later releases" in notes.replace("need_episodes, ", "")


def test_a_slip_in_a_code_makes_no_new_authority(small: Path) -> None:
    """A file that prints its own authorities: the code is known to nobody else, and says so."""
    path = small / "cin/d1.csv"
    path.write_text(path.read_text(encoding="utf-8-sig").replace(",383,E08000035,Leeds,", ",999,E08999999,Atlantis,"), encoding="utf-8")
    assert any("d1.csv, row" in one and "got '999'" in one and "no lookup" in one for one in problems(small))
    panel = England(path=str(small)).load()
    assert "999" not in panel.authorities and panel.frame["plans"]["383"].loc[2013:].isna().all()


def test_authorities_and_years_that_a_file_lacks_are_named(small: Path) -> None:
    path = small / "cin/d1.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    path.write_text("\n".join(line for line in lines if not line.startswith(("2013", "2014"))), encoding="utf-8")
    assert any("d1.csv: holds 2015 to 2022, and was published with 2013 to 2022" in one for one in problems(small))
    path.write_text("\n".join(line for line in lines if not (line.startswith("2016") and ",836," in line)), encoding="utf-8")
    panel = England(path=str(small)).load()
    assert panel.reasons["835", 2016, "plans"] == "a part is missing"


def test_a_file_called_like_ours_whose_header_is_gone_is_told(small: Path) -> None:
    path = small / "cin/d1.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    (small / "cin/d1_child_protection_plans_2013_to_2022.csv").write_text("\n".join(lines[1:]), encoding="utf-8")
    (small / "cin/c1_empty.csv").write_text("", encoding="utf-8")
    found = problems(small)
    assert any("d1_child_protection_plans_2013_to_2022.csv: is called like DfE" in one for one in found) and any("the file is empty" in one for one in found)


def test_closures_from_a_register_of_any_name(small: Path) -> None:
    lacking = England(path=str(small)).missing("closures")
    assert lacking and lacking.startswith("closures: not in this folder; needs close dates") and "get-information-schools" in lacking
    assert f"closures, centres_open, centres_closed{lacking.removeprefix('closures')}" in England(path=str(small)).load().notes
    register(small / "results (3).csv", REGISTER)
    source = England(path=str(small))
    panel = source.load()
    assert source.missing("closures") is None and panel.variable("closures").unit == "share of centres open in March 2010"
    closed = panel.frame["closures"].unstack("year")
    assert closed.loc["202", [2010, 2011, 2012, 2014, 2015, 2019]].tolist() == pytest.approx([0, 0, 1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert closed.loc["383"].eq(0).all() and closed.loc["835", 2019] == 0.5 and closed.loc["845"].isna().all()
    assert "7 main centres" in next(note for note in panel.notes if note.startswith("centres closed"))
    assert panel.frame["centres_open"]["202", 2011] == 3 and panel.frame["centres_open"]["202", 2012] == 3 and panel.frame["centres_closed"]["202", 2015] == 1
    assert any("close date" in one for one in problems(small))  # the centre that closed nobody knows when
    doubled = [
        *REGISTER,
        ("202", CENTRE, "Closed", "01-09-2006", "31-03-2018"),
        ("383", CENTRE, "Open", "01-01-2007", "01-01-2009"),
        ("383", CENTRE, "Gone", "", ""),
    ]
    rows = [["0" if i == len(REGISTER) else str(i)] for i in range(len(doubled))]
    register(small / "results (3).csv", doubled, urns=[row[0] for row in rows])
    again = England(path=str(small)).load()
    assert again.frame["closures"]["202", 2019] == 0.5 and any("stands twice in the register" in loss.step for loss in again.log)  # two of three are left
    told = problems(small)
    assert any("is open and has a close date" in one for one in told) and any("'Open', 'Closed' or 'Proposed to open'" in one for one in told)
    register(small / "results (3).csv", REGISTER)
    later = England(path=str(small), centres_base=2012).load().frame["closures"].unstack("year")
    assert later.loc["202", [2011, 2012, 2015]].tolist() == pytest.approx([np.nan, 0, 1 / 3], nan_ok=True)


def test_an_open_only_register_gives_no_closures_but_a_count(small: Path) -> None:
    register(small / "2026.csv", [(code, kind, "Open", opened, "") for code, kind, _, opened, _ in REGISTER])
    panel = England(path=str(small)).load()
    assert "closures" not in panel.names and panel.frame["centres_listed"]["202", 2015] == 5


def edit(path: Path, change: Callable[[openpyxl.worksheet.worksheet.Worksheet], object]) -> None:
    book = openpyxl.load_workbook(path)
    change(book.worksheets[0])
    book.save(path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda sheet: sheet.__setitem__("I3", "ten"), r"s251ye2016.xlsx, row 3, column 'TotalExpenditure': got 'ten'; a number"),
        (lambda sheet: sheet.__setitem__("A4", 999), r"s251ye2016.xlsx, row 4: got '999'; no lookup in this folder knows this place"),
        (lambda sheet: sheet.__setitem__("A4", 820), r"s251ye2016.xlsx, row 4: got '820'; Bedfordshire was split in April 2009"),
        (lambda sheet: sheet.__setitem__("D3", CENTRES[0]), r"s251ye2016.xlsx, row 3: 202 stands twice for 2016, first in s251ye2016.xlsx, row 2: 2 of 3"),
        (lambda sheet: sheet.delete_rows(20, 200), r"s251ye2016.xlsx: [12] of 5 authorities were found for 2016"),
        (lambda sheet: sheet.__setitem__("I2", -5e7), r"s251ye2016.xlsx, row 2, column 'TotalExpenditure': got '-50000000'; .*is negative"),
    ],
)  # fmt: skip
def test_a_wrong_cell_is_named_and_the_rest_still_loads(small: Path, change: Callable[[object], object], expected: str) -> None:
    """Number, code, ended authority, double, cut short, negative: file, row and value are told, the panel stands, and its log says the same."""
    import re

    whole = England(path=str(small)).load()
    edit(small / "s251ye2016.xlsx", change)
    assert any(re.search(expected, one) for one in problems(small)), problems(small)
    panel = England(path=str(small)).load()
    assert panel.frame["plans"].equals(whole.frame["plans"]) and np.isnan(panel.frame["centre_spend_per_child"]["202", 2016])
    assert panel.frame["centre_spend_per_child"].drop(index=2016, level="year").equals(whole.frame["centre_spend_per_child"].drop(index=2016, level="year"))
    assert any(re.search(expected, loss.step.replace(f"{small}/", "")) for loss in panel.log if loss.column is not None), panel.log


def test_a_header_that_is_shifted_or_on_a_renamed_sheet_is_found_anyway(small: Path) -> None:
    before = England(path=str(small)).load()
    edit(small / "s251ye2016.xlsx", lambda sheet: (sheet.insert_rows(1), setattr(sheet, "title", "Outturn (2)")))
    edit(small / "deflator.xlsx", lambda sheet: setattr(sheet, "title", "GDP"))
    assert problems(small) == [] and England(path=str(small)).load().frame.equals(before.frame)


def test_a_file_that_cannot_be_opened_costs_what_it_would_give(small: Path) -> None:
    path = small / "s251ye2016.xlsx"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (small / "cin/c4.csv").write_bytes("time_period,Section47\n2015,\x81\x8d".encode("utf-16"))
    found = problems(small)
    assert any("s251ye2016.xlsx: wanted a file that can be read, got one that cannot" in one and "; fetch it again" in one for one in found)
    assert any("c4.csv: wanted text in UTF-8 or Windows-1252, got neither" in one for one in found)
    frame = England(path=str(small)).load().frame
    assert frame["centre_spend_per_child"].xs(2016, level="year").isna().all() and frame["centre_spend_per_child"].xs(2017, level="year").notna().all()
    assert frame["section47"].xs(2015, level="year").isna().all() and frame["section47"].xs(2011, level="year").notna().all()


def test_two_releases_of_one_year(small: Path) -> None:
    """The same bytes twice are read once; two that differ are told and neither is read."""
    (small / "again").mkdir()
    (small / "again/s251ye2016.xlsx").write_bytes((small / "s251ye2016.xlsx").read_bytes())
    assert any("the same bytes as" in one for one in problems(small))
    assert England(path=str(small)).load().frame["centre_spend_per_child"].xs(2016, level="year").notna().all()
    edit(small / "again/s251ye2016.xlsx", lambda sheet: sheet.__setitem__("I2", 7))
    assert any("are both DfE, LA and school expenditure" in one and "Keep one" in one for one in problems(small))
    assert England(path=str(small)).load().frame["centre_spend_per_child"].xs(2016, level="year").isna().all()


def test_a_release_cut_short_loses_its_last_year_only(small: Path) -> None:
    path = small / "cin/d1.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    path.write_text("\n".join(lines[:-4]), encoding="utf-8")
    assert any("d1.csv: " in one and "authorities were found for 2013" in one for one in problems(small))
    plans = England(path=str(small)).load().frame["plans"]
    assert plans.xs(2013, level="year").isna().all() and plans.xs(2014, level="year").notna().all()


def test_a_count_above_the_population_and_a_year_that_is_none(small: Path) -> None:
    path = small / "cin/d1.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("2015") and ",202," in line)
    lines[at] = lines[at].rsplit(",", 1)[0] + ",50000"
    other = next(i for i, line in enumerate(lines) if line.startswith("2014") and ",383," in line)
    lines[other] = lines[other].replace("2014", "soon", 1)
    path.write_text("\n".join(lines), encoding="utf-8")
    found = problems(small)
    assert any(f"d1.csv, row {at + 1}, column 'CPP_At31': got '50000'" in one and "more than there are children" in one for one in found)
    assert any(f"d1.csv, row {other + 1}" in one and "got 'soon'" in one for one in found)
    frame = England(path=str(small)).load().frame
    assert np.isnan(frame["plans"]["202", 2015]) and frame["plans"]["202", 2016] == 50
    assert frame["plans"].xs(2014, level="year").isna().all()  # one of five places is not nearly all


def test_a_folder_that_is_not_there_or_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        England(path=str(tmp_path / "nowhere")).load()
    with pytest.raises(DataError, match=r"wanted the folder of published files, .csv, .xls, .xlsx or .ods"):
        England(path=str(tmp_path)).load()
    save_csv(tmp_path / "mine.csv", [["a", "b"], [1, 2]])
    with pytest.raises(DataError, match=r"got 1 files of which none was recognised.*causal fetch"):
        England(path=str(tmp_path)).load()


def test_check_goes_file_by_file(small: Path) -> None:
    save_csv(small / "holiday.csv", [["a", "b"], [1, 2]])
    (small / "august 2013.xlsx").unlink()
    lines = England(path=str(small)).check()
    assert "holiday.csv: not recognised, left alone" in lines and lines[-1].startswith("reads as 5 authorities, 2010 to 2019, ")
    assert any(line.startswith("deprivation.xlsx: MHCLG, English Indices") and "imd_2015_score" in line for line in lines)
    assert any(line.startswith("missing: HMRC") and "2013" in line for line in lines)
    assert any(line.startswith("missing: DfE, Get Information") and "closures" in line for line in lines)


def test_every_number_can_be_traced_to_its_cells(small: Path) -> None:
    england = England(path=str(small))
    cells = england.trace("plans", "Leeds", 2015)
    assert set(cells["quantity"]) == {"plans", "population_0_17"} and set(cells["file"]) == {"cin/d1.csv", "cin/population.csv"}
    rows = (small / "cin/d1.csv").read_text(encoding="utf-8-sig").splitlines()
    at = cells[cells["quantity"] == "plans"].iloc[0]
    assert rows[at["row"] - 1].startswith("2015") and ",383," in rows[at["row"] - 1] and at["column"] == "CPP_At31"
    assert set(england.trace("centre_spending", "835", 2016)["place"]) >= {"835", "836", "837", "E92000001"}
    power = england.trace("spending_power", "Leeds", 2014)  # every change since the base, and both prices
    assert sorted(power["year"][power["quantity"] == "spending_power_change"]) == [2012, 2013, 2014]
    assert sorted(power["year"][power["quantity"] == "gdp_deflator"]) == [2011, 2014]
    assert set(england.trace("children", "Leeds", 2012)["year"]) == {2012, 2013}  # carried back from mid-2012
    for bad, expected in (
        (("plan", "Leeds", 2015), "Did you mean 'plans'"), (("plans", "Ledes", 2015), "Did you mean 'Leeds'"), (("plans", "Leeds", 1999), "wanted a year from"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=expected):
            england.trace(*bad)


def test_the_cache_gives_the_same_bytes_and_is_left_when_a_file_changes(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from causal.sources.england import folder

    store = tmp_path / "store"
    monkeypatch.setenv(CACHE, str(store))
    first = England(path=str(small)).load()
    assert len(list(store.glob("*.npz"))) == 1
    monkeypatch.setattr(folder, "_read", lambda *_: pytest.fail("read again"))
    again = England(path=str(small)).load()
    assert again.digest == first.digest and again.log == first.log and again.notes == first.notes and again.reasons.equals(first.reasons)
    monkeypatch.undo()
    monkeypatch.setenv(CACHE, str(store))
    edit(small / "s251ye2016.xlsx", lambda sheet: sheet.__setitem__("I2", 2e6))
    assert England(path=str(small)).load().digest != first.digest and len(list(store.glob("*.npz"))) == 2
    for entry in store.glob("*.npz"):
        entry.write_bytes(entry.read_bytes()[:100])  # a damaged cache is read past
    assert England(path=str(small)).load().frame["plans"].equals(first.frame["plans"])


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({"first_year": 2009}, "source.first_year: wanted a year from 2010 on"),
        ({"first_year": 2019, "last_year": 2012}, "wanted a year that is not after source.last_year"),
        ({"centre_lines": ["individual", "nursery"]}, "source.centre_lines: wanted some of"),
        ({"base_guard": -1}, "source.base_guard: wanted a number of at least 0"),
        ({"ceiling": 0.5}, "source.ceiling: wanted a number of at least 1"),
        ({"snapshot_offset": 2}, "source.snapshot_offset: wanted 0 or 1"),
        ({"centres_base": "2010"}, "source.centres_base: wanted a year"),
        ({"places": "stabel"}, "Did you mean 'stable'"),
        ({"leave_out": ["Rutland"]}, "3-digit DfE codes"),
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


def test_every_variable_is_described(small: Path) -> None:
    register(small / "register.csv", REGISTER)
    panel = England(path=str(small)).load()
    for variable in panel.variables:
        assert variable.label and variable.unit and variable.source and variable.definition, variable.name
    assert set(panel.names) <= set(BY_NAME)
    assert panel.variable("need_episodes").breaks and panel.variable("low_income_hmrc").rounding == 5


# ---------------------------------------------------------------- the real files


@pytest.fixture(scope="session")
def england() -> Panel:
    return England(path=str(REAL)).load()


@real_files
def test_national_sums(england: Panel) -> None:
    """DfE's national figures: 42,700 plans in 2011 (rounded to 100; an authority is missing), 53,790 in 2018, 52,260 in 2019."""
    plans = england.frame["plans_count"].groupby("year").sum()
    assert 42_700 - plans[2011] == 95 and round(plans[2018], -1) == 53_790 and round(plans[2019], -1) == 52_260
    assert england.frame["children"].groupby("year").sum()[2018] == pytest.approx(11_866_000, rel=1e-4)


@real_files
def test_size_of_the_panel(england: Panel) -> None:
    """The data's own README: 1,180 complete rows of 1,184, 144 authorities balanced."""
    assert len(england.authorities) == 148 and england.years == tuple(range(2010, 2020))
    rows = england.frame.loc[(slice(None), range(2011, 2019)), ["plans", "centre_spend_per_child", "spending_power", "deprivation"]].dropna()
    assert len(rows) == 1180 and (rows.groupby("authority").size() == 8).sum() == 144
    headline = england.frame[["plans"]].assign(
        **{name: england.shift(name, -1) for name in ("centre_spending", "spending_power", "child_poverty", "children", "deprivation")}
    )
    headline = headline.loc[(slice(None), range(2012, 2020)), :].dropna()
    assert len(headline) == 1149 and headline.index.unique("authority").size == 144
    assert england.frame["child_poverty"].unstack("year").loc[:, 2011:2018].notna().all(axis=None)


@real_files
def test_shapes_of_2018_as_in_the_field_notes(england: Panel) -> None:
    """Means (to 2 %; preventative spending to 5 %) and correlations of about 147 authorities in 2018, published beside the data."""
    last = england.frame.xs(2018, level="year")
    for name, mean, off in (
        ("plans", 49.4, 0.02), ("need_at_31_march", 373, 0.02), ("referrals", 573, 0.02), ("looked_after", 70, 0.02), ("children", 78_743, 0.02),
        ("preventative_spend_per_child", 203, 0.05), ("deprivation", 23.1, 0.01),
    ):  # fmt: skip
        assert last[name].mean() == pytest.approx(mean, rel=off), name
    assert last["plans"].corr(last["need_at_31_march"]) == pytest.approx(0.69, abs=0.02)
    assert last["plans"].corr(last["deprivation"]) == pytest.approx(0.48, abs=0.01)
    assert last["grant_dependence"].corr(last["spending_power"]) == pytest.approx(-0.94, abs=0.005)
    assert last["grant_dependence"].corr(last["deprivation"]) == pytest.approx(0.89, abs=0.005)


@real_files
def test_chained_and_merged_by_hand(england: Panel) -> None:
    """Leeds: −5, −4, −2 % printed for 2011-12 to 2013-14; Blackpool: ages 0 to 16 of five Nomis bands; Dorset: 372 + 123 + 176 plans."""
    cell = england.frame.loc
    assert cell[("383", 2014), "spending_power"] == pytest.approx(100 * 0.95 * 0.96 * 0.98 * 87.103375 / 91.99555)
    assert cell[("835", 2015), "plans_count"] == 372 + 123 + 176
    assert cell[("890", 2011), "child_poverty"] == pytest.approx(942_500 / 31_260) and cell[("929", 2011), "child_poverty"] == pytest.approx(1_094_500 / 62_925)
    assert cell[("801", 2014), "grant_dependence"] == pytest.approx(212_082 / 391_470)
    assert cell[("890", 2018), ["plans", "referrals", "section47"]].tolist() == pytest.approx([275 / 2.876, 2760 / 2.876, 1387 / 2.876])


@real_files
def test_check_of_the_real_folder() -> None:
    lines = England(path=str(REAL)).check()
    assert lines[-1] == "reads as 148 authorities, 2010 to 2019, 67 variables"
    assert not [line for line in lines if "not recognised" in line]
    missing = [line for line in lines if line.startswith("missing")]
    assert [line.split(",")[0] for line in missing] == ["missing: DfE", "missing: Ofsted", "missing: DfE", "missing: DfE"]
    assert "Get Information about Schools" in missing[0] and "closures" in missing[0] and "good_or_outstanding" in missing[1]
    assert "road_injuries" in missing[2] and "caseload" in missing[3]
    assert any("need_episodes" in line and "2013 −1.0 %" in line and "2017 −4.5 %" in line and "17 %" in line for line in lines if line.startswith("revised"))
