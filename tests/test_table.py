"""A user's own table: what it becomes, and how everything wrong with it is told at once."""

from __future__ import annotations

import inspect
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
    with pytest.raises(DataError, match=r"mine.csv: 6 problems"):
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
    with pytest.raises(DataError, match=r"no sheet 'mor'.*Did you mean 'more'"):
        Table(path=str(path), sheet="mor").load()
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match="cannot be read"):
        Table(path=str(path)).load()


def test_parquet_needs_its_package(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        path.write_bytes(b"PAR1")
        with pytest.raises(DataError, match="pyarrow"):
            Table(path=str(path)).load()
    else:
        pd.DataFrame({"authority": ["A", "B"], "v": [1.0, np.nan]}).to_parquet(path)
        assert Table(path=str(path)).load().frame["v"].isna().tolist() == [False, True]


def test_missing_file_and_wrong_kind(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(DataError, match=r"no file.*Did you mean 'mine.csv'"):
        Table(path=str(tmp_path / "mone.csv")).load()
    with pytest.raises(DataError, match="not a table that can be read"):
        Table(path=write(tmp_path, "x", "notes.docx")).load()


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({"variables": {"v": {"units": "%"}}}, "Did you mean 'unit'"),
        ({"variables": {"v": "plans"}}, "must say what the column is"),
        ({"variables": {"v": {"varies": "place"}}}, "varies must be"),
        ({"variables": {"v": {"count_per": 0}}}, "count_per must be"),
        ({"authority": ""}, "must name a column"),
        ({"year": "authority"}, "one column cannot be two"),
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
