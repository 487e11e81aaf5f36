"""A user's own table: what it becomes, and how everything wrong with it is told at once."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from causal.errors import ConfigError, DataError
from causal.sources.table import Table

GOOD = 'area,yr,town,plans,share,remark\nA1,2017,Alton,40,0.5,fine\nA1,2018,Alton,42,0.4,\nB2,2017,Brook,"1,050",1,odd\nB2,2018,Brook,x,0.9,\n'


def write(folder: Path, text: str, name: str = "mine.csv", encoding: str = "utf-8") -> str:
    (folder / name).write_bytes(text.encode(encoding))
    return str(folder / name)


def test_numeric_columns_become_variables(tmp_path: Path) -> None:
    panel = Table(path=write(tmp_path, GOOD), authority="area", year="yr", name="town").load()
    assert panel.names == ("plans", "share") and panel.title == "mine.csv" and panel.years == (2017, 2018)
    assert panel.frame.loc[("B2", 2017), "plans"] == 1050 and np.isnan(panel.frame.loc[("B2", 2018), "plans"])
    assert panel.places.name.to_dict() == {"A1": "Alton", "B2": "Brook"}
    assert any("remark" in note for note in panel.notes) and any(note.startswith("plans: 1 cells") for note in panel.notes)


def test_described_columns_take_their_words(tmp_path: Path) -> None:
    words = {"plans": {"column": "plans"}, "cut": {"column": "share", "unit": "share of 2010", "label": "budget left", "count_per": 10_000}}
    panel = Table(path=write(tmp_path, GOOD), authority="area", year="yr", variables=words, population="plans").load()
    assert panel.names == ("plans", "cut") and panel.population == "plans"
    cut = panel.variable("cut")
    assert (cut.label, cut.unit, cut.count_per, cut.varies, cut.source) == ("budget left", "share of 2010", 10_000, "both", "mine.csv")


def test_what_varies_is_read_off_the_numbers(tmp_path: Path) -> None:
    text = "authority,y,imd,gdp,v\nA,2001,7,1,1\nA,2002,7,2,3\nB,2001,9,1,4\nB,2002,9,2,5\n"
    panel = Table(path=write(tmp_path, text), year="y").load()
    assert [panel.variable(name).varies for name in ("imd", "gdp", "v")] == ["authority", "year", "both"]
    words = {"v": {"varies": "authority"}}
    assert any("said to vary by authority only" in line for line in Table(path=str(tmp_path / "mine.csv"), year="y", variables=words).check())


def test_without_a_year_it_is_a_cross_section(tmp_path: Path) -> None:
    panel = Table(path=write(tmp_path, "authority,region,group,v\nA,North,g1,1\nB,South,g1,2\n"), region="region", cluster="group").load()
    assert panel.years == (0,) and panel.clusters(["A", "B"]).tolist() == ["g1", "g1"] and panel.places.region["A"] == "North"


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = "area,yr,v,w\nA,2017,1,1\nA,2017,2,1\n,2018,3,1\nB,,4,1\nB,2017-18,oops,1\nC,2018,inf,1\n"
    table = Table(path=write(tmp_path, text), authority="area", year="yr")
    problems = table.check()
    for words in (
        "rows 2, 3: authority 'A', year 2017 stands 2 times",
        "row 4: no authority in column 'area'",
        "row 5: no year in column 'yr'",
        "row 6, column 'yr': '2017-18' is not a whole year such as 2018; for a financial year write the year it ends in",
        "row 6, column 'v': 'oops' is text, expected a number",
        "row 7, column 'v': 'inf' is infinite",
    ):
        assert sum(line.startswith(words) for line in problems) == 1, words
    with pytest.raises(DataError, match=r"mine\.csv: wanted a table without faults, got 6 problems"):
        table.load()


def test_long_lists_are_cut(tmp_path: Path) -> None:
    text = "authority,v\n" + "".join(f"A{i},{i}\n" for i in range(60)) + "".join(f"B{i},oops\n" for i in range(50))
    with pytest.raises(DataError, match="… and 30 more") as caught:
        Table(path=write(tmp_path, text)).load()
    assert str(caught.value).count("oops") == 20


@pytest.mark.parametrize(
    ("text", "knobs", "expected"),
    [
        (GOOD, {"authority": "aria"}, "no column 'aria' (wanted for source.authority); there is 'area'"),
        (GOOD, {"authority": "area", "year": "yr", "variables": {"p": {"column": "plan"}}}, "Did you mean 'plans'?"),
        (GOOD, {"authority": "area"}, "a cross-section has one row each; if the table has years, set source.year"),
        (GOOD, {"authority": "area", "year": "yr", "variables": {"remark": {}}}, "row 2, column 'remark': 'fine' is text"),
        (GOOD, {"authority": "area", "year": "yr", "population": "people"}, "no variable 'people'"),
        (GOOD, {"authority": "area", "year": "yr", "variables": {"share": {"column": "plans"}}}, "both a described variable and another column"),
        ("authority,v\n", {}, "header only"),
        ("", {}, "empty"),
        ("authority,v,v\nA,1,2\n", {}, "two columns are called 'v'"),
        ("authority,v\nA,1,2\n", {}, "more cells than the 2 headings"),
        ("authority,v\nA,high\n", {}, "no column holds numbers"),
        ("authority,y,c,v\nA,2001,g,1\nA,2002,h,2\n", {"year": "y", "cluster": "c"}, "changes its cluster"),
    ],
)
def test_bad_input_says_what_to_mend(tmp_path: Path, text: str, knobs: dict[str, object], expected: str) -> None:
    table = Table(path=write(tmp_path, text), **knobs)  # type: ignore[arg-type]
    with pytest.raises(DataError) as caught:
        table.load()
    assert expected in str(caught.value)


def test_encodings(tmp_path: Path) -> None:
    text = "authority,name,v\nA,Brontë,1\n"
    for encoding, noted in (("utf-8", False), ("utf-8-sig", False), ("cp1252", True)):
        panel = Table(path=write(tmp_path, text, encoding=encoding), name="name").load()
        assert panel.places.name["A"] == "Brontë" and any("Windows-1252" in note for note in panel.notes) is noted
    with pytest.raises(DataError, match="UTF-16"):
        Table(path=write(tmp_path, text, encoding="utf-16-le")).load()


def test_excel_and_its_sheets(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame({"authority": [201, 202], "year": [2017, 2017], "v": [1.5, None]}).to_excel(writer, sheet_name="data", index=False)
        pd.DataFrame({"authority": ["A"], "w": [9]}).to_excel(writer, sheet_name="more", index=False)
    panel = Table(path=str(path), year="year").load()
    assert panel.authorities == ("201", "202") and np.isnan(panel.frame.loc[("202", 2017), "v"])
    assert Table(path=str(path), sheet="more").load().frame.loc[("A", 0), "w"] == 9
    with pytest.raises(DataError, match=r"book\.xlsx: wanted a sheet that it has, got 'mor'; .*Did you mean 'more'"):
        Table(path=str(path), sheet="mor").load()
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match="cannot be read"):
        Table(path=str(path)).load()


def test_parquet_gives_what_the_same_table_gives_as_csv(tmp_path: Path) -> None:
    """Written by pandas and pyarrow, with their own kinds of column: text, categories, whole numbers with a gap, truth values."""
    frame = pd.DataFrame({"area": ["A1", "B2"], "town": pd.Categorical(["Alton", "Brook"]), "yr": pd.array([2017, 2018], dtype="Int64")})
    frame["plans"], frame["open"], frame["rate"] = pd.array([40, None], dtype="Int64"), [True, False], [0.5, np.nan]
    frame.to_parquet(tmp_path / "mine.parquet")
    write(tmp_path, "area,town,yr,plans,open,rate\nA1,Alton,2017,40,1,0.5\nB2,Brook,2018,,0,\n")
    one, other = (Table(path=str(tmp_path / f"mine.{kind}"), authority="area", year="yr", name="town").load() for kind in ("parquet", "csv"))
    pd.testing.assert_frame_equal(one.frame, other.frame)
    pd.testing.assert_frame_equal(one.places, other.places)
    pd.testing.assert_series_equal(one.reasons, other.reasons)
    data = (tmp_path / "mine.parquet").read_bytes()
    (tmp_path / "mine.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"cannot be read as Parquet; look whether it is cut short"):
        Table(path=str(tmp_path / "mine.parquet")).load()


def test_missing_file_and_wrong_kind(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(DataError, match=r"no file.*Did you mean 'mine.csv'"):
        Table(path=str(tmp_path / "mone.csv")).load()
    with pytest.raises(DataError, match="wanted a table that can be read"):
        Table(path=write(tmp_path, "x", "notes.docx")).load()


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({"variables": {"v": {"units": "%"}}}, "Did you mean 'unit'"),
        ({"variables": {"v": "plans"}}, "wanted what the column is"),
        ({"variables": {"v": {"varies": "place"}}}, "varies: wanted"),
        ({"variables": {"v": {"count_per": 0}}}, "count_per: wanted"),
        ({"variables": {"v": {"least": "0"}}}, "variables.v.least: wanted a number, got '0'"),
        ({"variables": {"v": {"least": 2, "most": 1}}}, "wanted a least that is not above most"),
        ({"only": "Total"}, "like {category: Total}, got 'Total'"),
        ({"only": {"category": {"a": 1}}}, "source.only.category: wanted a value or a list"),
        ({"derived": {"v": {"lagg": "plans"}}}, "Did you mean 'lag'?"),
        ({"authority": ""}, "wanted the name of a column"),
        ({"year": "authority"}, "got one column for two of them"),
    ],
)
def test_knobs_are_checked_at_birth(knobs: dict[str, object], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Table(path="x.csv", **knobs)  # type: ignore[arg-type]
    assert expected in str(caught.value)


def test_yaml_names_every_knob() -> None:
    config = yaml.safe_load((Path(__file__).parents[1] / "conf/source/table.yaml").read_text(encoding="utf-8"))
    assert config.pop("_target_") == "causal.sources.table.Table" and config.pop("path") == "???"
    assert ["path", *config] == list(inspect.signature(Table).parameters)
    assert Table(path="x", **config) == Table(path="x")


# ---------------------------------------------------------------- rules
LIMITS = {
    "people": {"unit": "children"},
    "plans": {"unit": "children", "least": 0},
    "rate": {"unit": "per 10,000 children", "count_per": 10_000},
    "spend": {"unit": "£ per child", "count_per": 1, "least": 0, "most": 5_000},
}


def test_every_planted_fault_is_named_with_its_row_and_nothing_else_is(tmp_path: Path) -> None:
    """Planted: 40 faults of 6 kinds in a clean table of 600 rows; the rows named are the rows planted."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"authority": np.repeat([f"E{i:03d}" for i in range(60)], 10), "year": np.tile(range(2011, 2021), 60)})
    frame["people"] = rng.integers(5_000, 90_000, 600).astype(object)
    frame["plans"] = [int(people * 0.004) for people in frame["people"]]
    frame["rate"] = [40.0] * 600
    frame["rate"] = frame["rate"].astype(object)
    frame["spend"] = rng.integers(0, 5_000, 600).astype(object)
    faults = {
        "is below 0, the least that 'plans'": ("plans", -3),
        "children is above the population of that row": ("plans", 900_000),
        "is more than all of 10,000, which 'rate' is counted per": ("rate", 10_001),
        "is above 5000, the most that 'spend'": ("spend", 5_000.5),
        "is below 0, the least that 'spend'": ("spend", -1),
        "is infinite": ("rate", "inf"),
        "is text, expected a number": ("people", "about half"),
    }
    where = dict(zip(faults, np.array_split(rng.permutation(600)[:40], len(faults)), strict=True))
    clean = frame.copy()
    for words, at in where.items():
        column, value = faults[words]
        frame.loc[at, column] = value
    clean.to_csv(tmp_path / "clean.csv", index=False)
    frame.to_csv(tmp_path / "mine.csv", index=False)
    knobs = {"year": "year", "variables": LIMITS, "population": "people"}
    assert Table(path=str(tmp_path / "clean.csv"), **knobs).check() == []  # type: ignore[arg-type]
    problems = Table(path=str(tmp_path / "mine.csv"), **knobs).check()  # type: ignore[arg-type]
    assert len(problems) == 40
    for words, at in where.items():
        named = {int(line.split(",")[0].removeprefix("row ")) - 2 for line in problems if words in line and f"column {faults[words][0]!r}" in line}
        assert named == set(at.tolist()), words
    assert all("; " in line or "(leave" in line for line in problems)  # each says the mend


def test_a_count_that_may_pass_the_population_is_let_through_by_its_own_most(tmp_path: Path) -> None:
    path = write(tmp_path, "authority,people,visits\nA,100,250\nB,90,80\n")
    words = {"people": {"unit": "people"}, "visits": {"unit": "people"}}
    assert [line[:29] for line in Table(path=path, population="people", variables=words).check()] == ["row 2, column 'visits': '250'"]
    words["visits"]["most"] = 1_000  # type: ignore[assignment]
    assert Table(path=path, population="people", variables=words).check() == []


def test_pandera_switched_off_by_its_environment_variable_does_not_silence_the_rules(tmp_path: Path) -> None:
    """pandera itself then lets a wrong frame through, which is said first."""
    path = write(tmp_path, "authority,v\nA,1\nB,-2\n")
    code = f"""
import pandas as pd, pandera.pandas as pa
from causal.sources.table import Table
pa.DataFrameSchema({{"v": pa.Column(float, pa.Check.ge(0))}}).validate(pd.DataFrame({{"v": [-1.0]}}))
print("through", len(Table(path={path!r}, variables={{"v": {{"least": 0}}}}).check()))
"""
    environment = {**os.environ, "PANDERA_VALIDATION_ENABLED": "False"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "through 1", done.stderr


def test_pandera_waits_until_a_table_is_read() -> None:
    code = "import sys, causal.sources.table; sys.exit('pandera' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---------------------------------------------------------------- cells
def test_each_missing_number_keeps_its_reason_as_printed(tmp_path: Path) -> None:
    marks = ["x", "c", "z", "k", "u", "low", ":", "..", ".", "-", "*", "[c]", "", "NA", "#DIV/0!"]
    text = "authority,v,w\n" + "".join(f"A{i:02d},{mark},1\n" for i, mark in enumerate(marks)) + "B,0,\n"
    panel = Table(path=write(tmp_path, text)).load()
    assert panel.frame["v"].isna().sum() == len(marks) and panel.frame.loc[("B", 0), "v"] == 0
    assert panel.reasons.to_dict() == {(f"A{i:02d}", 0, "v"): mark or "blank" for i, mark in enumerate(marks)} | {("B", 0, "w"): "blank"}
    assert panel.marks("v")["x"] == 1 and (panel.frame == 0).sum().tolist() == [1, 0]


def test_money_shares_and_thousands_are_numbers_with_their_unit(tmp_path: Path) -> None:
    text = 'authority,spend,share,plain\nA,"£1,234.50",41%,"12,345"\nB,-£3,0.5 %,−7\nC,£0,0,1e3\n'
    panel = Table(path=write(tmp_path, text)).load()
    assert panel.frame.to_numpy().tolist() == [[1234.5, 41, 12345], [-3, 0.5, -7], [0, 0, 1000]]
    assert [variable.unit for variable in panel.variables] == ["£", "%", "units"]


@pytest.mark.parametrize(
    ("cell", "where"), [("1,23", "is text"), ("1_000", "is text"), ("£", "is text"), ("£1.2m", "is text"), ("0.41", "2 numbers have % and 1")]
)
def test_what_is_almost_a_number_is_not_read_as_one(tmp_path: Path, cell: str, where: str) -> None:
    problems = Table(path=write(tmp_path, f'authority,v\nA,40%\nB,41%\nC,"{cell}"\n')).check()
    assert len(problems) == 1 and where in problems[0] and repr(cell) in problems[0] and "row 4" in problems[0]


# ---------------------------------------------------------------- files
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_header_that_stands_lower_is_found(tmp_path: Path, kind: str) -> None:
    rows = [["Plans by area, 2017"], [], ["area", "yr", "plans"], ["A1", "2017", "4"], ["B2", "2017", "5"]]
    if kind == "csv":
        path = write(tmp_path, "\n".join(",".join(row) for row in rows) + "\n")
    else:
        path = str(tmp_path / "mine.xlsx")
        pd.DataFrame(rows).to_excel(path, header=False, index=False)
    with pytest.raises(DataError, match="the header seems to stand in row 3: 'area', 'yr', 'plans'; delete the rows above it"):
        Table(path=path, authority="area", year="yr").load()
    with pytest.raises(DataError) as caught:  # one row lower, and as wide: known by the names that were asked for
        Table(path=write(tmp_path, "table,one,two\narea,yr,plans\nA1,2017,4\n"), authority="area", year="yr").load()
    assert "the header seems to stand in row 2: 'area', 'yr', 'plans'" in str(caught.value)


def test_a_wrong_name_alone_is_no_header_out_of_place(tmp_path: Path) -> None:
    problems = Table(path=write(tmp_path, GOOD), authority="aria", year="year").check()
    assert len(problems) == 2 and not any("seems to stand" in line for line in problems)


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"authority,v,w\nA,1,2\nB,3,4\nC,", "mine.csv", "row 4, the last, ends after 2 of 3 cells, without a line end: the file seems cut short"),
        (b'authority,v\n"A,1\nB,2\nC,3\n', "mine.csv", "row 2: wanted double quotes in pairs, got one that is opened there and never closed"),
        (b"", "mine.csv", "empty (0 bytes)"),
        (b"", "mine.xlsx", "empty (0 bytes)"),
        (b"\n\n , \n", "mine.csv", "is empty or has a header only"),
        (b"PK\x03\x04and so on", "mine.csv", "wanted text, got a workbook or a zip file; name it .xlsx"),
        (b"<!DOCTYPE html><title>Sign in</title>", "mine.csv", "a web page saved under the name of a table"),
        ("authority,v\nA,1\n".encode("utf-16"), "mine.csv", "UTF-16"),
        (b"authority,v\nA\x81,1\n", "mine.csv", "wanted text in UTF-8 or Windows-1252, got neither"),
        (b"authority,v\nA,1\n", "mine.xlsx", "cannot be read"),
        (b"authority,v\nA,1\n", "mine.parquet", "cannot be read as Parquet"),
    ],
)
def test_files_that_are_cut_short_or_something_else_say_so(tmp_path: Path, data: bytes, name: str, says: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        Table(path=str(tmp_path / name)).load()
    assert says in str(caught.value)


def test_a_folder_is_not_a_table(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(DataError, match=r"got a folder; in it there is 'mine.csv'"):
        Table(path=str(tmp_path)).load()


def test_an_empty_first_sheet_points_to_the_others(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "book.xlsx") as writer:
        pd.DataFrame().to_excel(writer, sheet_name="Notes")
        pd.DataFrame({"authority": ["A"], "w": [9]}).to_excel(writer, sheet_name="IMD", index=False)
    with pytest.raises(DataError, match=r"sheet 'Notes' is empty .* source.sheet: there is 'IMD'"):
        Table(path=str(tmp_path / "book.xlsx")).load()


def test_letters_lost_between_encodings_are_noted(tmp_path: Path) -> None:
    """UTF-8 read as Windows-1252 and saved again: what a spreadsheet does to a name with an accent."""
    text = "authority,town,v\nA,Ynys Môn,1\nB,Brontë,2\n"
    spoilt = text.encode("utf-8").decode("cp1252")
    assert any("row 2: 'Ynys MÃ´n' looks like letters lost" in note for note in Table(path=write(tmp_path, spoilt)).load().notes)
    assert not any("letters lost" in note for note in Table(path=write(tmp_path, text)).load().notes)


# ---------------------------------------------------------------- DfE open data
PLACE = "time_period,time_identifier,geographic_level,country_code,country_name,region_code,region_name,old_la_code,new_la_code,la_name"
ENGLAND = "E92000001,England"
GATESHEAD = "E12000001,North East,390"


def dfe(folder: Path, rows: list[str], columns: str = "plans,rate") -> str:
    return write(folder, f"{PLACE},{columns}\n" + "\n".join(rows) + "\n")


def test_a_dfe_file_is_read_as_it_comes(tmp_path: Path) -> None:
    """By hand: four local rows of seven, two of them marked; 2017-18 ends in 2018; a blank new code falls back on the old one."""
    path = dfe(
        tmp_path,
        [
            f"201819,Financial year,National,{ENGLAND},,,,,,52260,43.7",
            f"201718,Financial year,National,{ENGLAND},,,,,,53790,45.3",
            f"201718,Financial year,Regional,{ENGLAND},E12000001,North East,,,,3120,59.6",
            f'201819,Financial year,Local authority,{ENGLAND},E12000001,North East,841,E06000005,Darlington,"1,161",x',
            f"201718,Financial year,Local authority,{ENGLAND},E12000001,North East,841,E06000005,Darlington,c,52.1",
            f"201819,Financial year,Local authority,{ENGLAND},E12000004,East Midlands,855,,Leicestershire CC,476,34.2",
            f"201718,Financial year,Local authority,{ENGLAND},E12000004,East Midlands,855,z,Leicestershire,0,",
        ],
    )
    panel = Table(path=path).load()
    assert panel.names == ("plans", "rate") and panel.years == (2018, 2019)
    assert panel.frame["plans"].dropna().to_dict() == {("855", 2018): 0, ("855", 2019): 476, ("E06000005", 2019): 1161}
    assert panel.reasons.to_dict() == {("855", 2018, "rate"): "blank", ("E06000005", 2018, "plans"): "c", ("E06000005", 2019, "rate"): "x"}
    assert panel.places.loc["E06000005"].to_dict() == {
        "name": "Darlington", "region": "North East", "region_code": "E12000001", "old_la_code": "841", "new_la_code": "E06000005",
    }  # fmt: skip
    assert panel.places.loc["855", ["name", "new_la_code"]].to_list() == ["Leicestershire CC", ""]  # as in the last year
    assert any("2 National and 1 Regional; 4 of local authorities kept" in note for note in panel.notes)


@pytest.mark.parametrize(
    ("period", "year"),
    [("2018", 2018), ("201718", 2018), ("2017/18", 2018), ("2017-18", 2018), ("2017/2018", 2018), ("199900", 2000), ("201712", None), ("2017/19", None)],
)
def test_a_period_is_the_year_in_which_it_ends(tmp_path: Path, period: str, year: int | None) -> None:
    table = Table(path=dfe(tmp_path, [f"{period},Academic year,Local authority,{ENGLAND},{GATESHEAD},E08000037,Gateshead,1,2"]))
    if year is None:
        assert [line.split(":")[0] for line in table.check()] == ["row 2, column 'time_period'"]
    else:
        assert table.load().years == (year,)


def test_rows_split_by_a_filter_are_named_and_chosen(tmp_path: Path) -> None:
    """The numbers kept are those that pandas finds by the same condition."""
    rows = [
        f"{year},Calendar year,Local authority,{ENGLAND},{GATESHEAD}{n},E0800003{n},Town {n},{sex},{age},{'all' if age == 'Total' else 'some'},{n * 100 + i}"
        for n in (7, 8)
        for year in (2018, 2019)
        for i, (sex, age) in enumerate((s, a) for s in ("Female", "Total") for a in ("0 to 4", "Total"))
    ]
    path = dfe(tmp_path, rows, "sex,age,topic,number")
    problems = Table(path=path).check()
    assert len(problems) == 1
    for words in ("16 rows of 16 stand for the same authority and year", "'sex' ('Female' and 'Total')", """'source.only={sex: "Total", age: "Total"}'"""):
        assert words in problems[0], words
    panel = Table(path=path, only={"sex": "Total", "age": "Total"}).load()
    raw = pd.read_csv(path).query("sex == 'Total' and age == 'Total'").set_index(["new_la_code", "time_period"])["number"].sort_index()
    assert panel.frame["number"].to_list() == raw.to_list() and list(panel.frame.index) == list(raw.index)
    assert panel.variable("number").definition == "rows with sex Total, age Total"
    with pytest.raises(DataError, match=r"column 'sex' \(source.only\) never holds 'Femal'; there is 'Female', 'Total'. Did you mean 'Female'"):
        Table(path=path, only={"sex": "Femal"}).load()
    with pytest.raises(DataError, match=r"no column 'aged' \(wanted for source.only\).*Did you mean 'age'"):
        Table(path=path, only={"aged": "Total"}).load()


def test_only_chooses_rows_of_any_table(tmp_path: Path) -> None:
    path = write(tmp_path, "authority,y,kind,v\nA,2001,all,1\nA,2001,some,2\nB,2001,all,3\nA,2002,all,4\n")
    assert Table(path=path, year="y", only={"kind": "all", "y": [2001]}).load().frame["v"].to_list() == [1, 3]
    with pytest.raises(DataError, match=r"no row has all that source.only asks for: kind some, y 2002"):
        Table(path=path, only={"kind": "some", "y": 2002}).load()


def test_the_meta_file_beside_gives_labels_units_and_filters(tmp_path: Path) -> None:
    rows = [f"2018,Calendar year,Local authority,{ENGLAND},{GATESHEAD},E08000037,Gateshead,{age},{age}1,5" for age in (4, 5)]
    path = dfe(tmp_path, rows, "age,plans,CPP_rate")
    assert "stands 2 times" in Table(path=path).check()[0]  # nothing says that the ages are a filter and not a number
    meta = "col_name,col_type,label,indicator_grouping,indicator_unit,indicator_dp\nage,Filter,Age,,,\nplans,Indicator,Children on plans,,,0\n"
    write(tmp_path, meta + "CPP_rate,Indicator,CPP rate,,%,1\ngone,Indicator,Gone,,,\n", "mine.meta.csv")
    assert "column 'age' ('4' and '5') splits them" in Table(path=path).check()[0]
    panel = Table(path=path, only={"age": 5}, variables={"plans": {"unit": "children"}}).load()
    assert [(v.name, v.label, v.unit) for v in panel.variables] == [("plans", "children on plans", "children"), ("CPP_rate", "CPP rate", "%")]
    assert any("mine.meta.csv describes 'gone', which the file does not have" in note for note in panel.notes)
    write(tmp_path, "name,type\nage,Filter\n", "mine.meta.csv")
    assert any("'col_name'" in line for line in Table(path=dfe(tmp_path, rows[:1], "age,plans,CPP_rate")).load().notes)


def test_an_authority_with_a_new_code_is_noted_and_can_be_kept_whole(tmp_path: Path) -> None:
    """ONS gave Gateshead E08000037 in place of E08000020 in 2013."""
    rows = [f"{year},Calendar year,Local authority,{ENGLAND},{GATESHEAD},{code},Gateshead,1,2" for year, code in ((2012, "E08000020"), (2013, "E08000037"))]
    panel = Table(path=dfe(tmp_path, rows)).load()
    assert len(panel.authorities) == 2
    assert any("390 (Gateshead)" in note and "E08000020 (2012) and E08000037 (2013); source.authority=old_la_code" in note for note in panel.notes)
    whole = Table(path=dfe(tmp_path, rows), authority="old_la_code").load()
    assert whole.authorities == ("390",) and whole.years == (2012, 2013) and whole.places.new_la_code["390"] == "E08000037"


def test_a_dfe_file_that_cannot_serve_says_why(tmp_path: Path) -> None:
    row = f"2018,Calendar year,Local authority,{ENGLAND},{GATESHEAD},E08000037,Gateshead,1,2\n"
    misspelt = write(tmp_path, f"{PLACE.replace('time_period', 'time_peroid')},plans,rate\n{row}")
    (problem,) = Table(path=misspelt).check()
    assert "looks like a DfE open-data file, but it has no column 'time_period'" in problem and "Did you mean 'time_peroid'?" in problem
    national = dfe(tmp_path, [f"2018,Calendar year,National,{ENGLAND},,,,,,1,2"])
    assert "no row 'Local authority': the rows are 1 National" in Table(path=national).check()[0]
    lower = write(tmp_path, f"Children in need\n{PLACE},plans,rate\n{row}")
    assert "the header seems to stand in row 2: 'time_period'" in Table(path=lower).check()[0]
    own = Table(path=dfe(tmp_path, [row.strip()]), authority="region_code", year="time_period").load()  # the user says otherwise
    assert own.authorities == ("E12000001",) and "old_la_code" in own.names


# ---------------------------------------------------------------- derived columns
def test_derived_columns_come_last_and_their_faults_are_told(tmp_path: Path) -> None:
    """By hand: 42 the year before is 40; the shares are 40/1000 and 42/1050."""
    path = write(tmp_path, "area,yr,plans,people\nA1,2017,40,1000\nA1,2018,42,1050\n")
    specs = {"before": {"lag": "plans"}, "part": {"share": "plans", "of": "people"}}
    panel = Table(path=path, authority="area", year="yr", derived=specs).load()
    assert panel.names == ("plans", "people", "before", "part")
    assert panel.frame["before"].tolist()[1] == 40 and panel.frame["part"].tolist() == pytest.approx([0.04, 0.04])
    (problem,) = Table(path=path, authority="area", year="yr", derived={"x": {"lag": "plan"}}).check()
    assert problem.startswith("source.derived.x: wanted a column of mine.csv to be made from, got 'plan'; ") and "Did you mean 'plans'?" in problem
