"""Tables as they come: each is a spoilt copy of one tidy panel, and gives the number that least squares with dummies gives on the tidy one."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import causal
from causal.cli import main
from causal.errors import ConfigError, DataError
from causal.estimators.fixed_effects import FixedEffects
from causal.graph import Graph
from causal.sources.table import Table
from causal.sources.table.periods import kind_and_year
from causal.sources.table.problem import as_flags, as_overrides

KEYS = {"authority": "area", "year": "yr"}
WHY = "a test"


def adopted(n: int = 40, years: int = 8, seed: int = 9, effect: float = 2.0) -> pd.DataFrame:
    """Three in four areas adopt, in 2013, 2014 or 2015."""
    r = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        lasting, start = 3 * r.normal(), (2013, 2014, 2015, None)[i % 4]
        for k in range(years):
            d = float(start is not None and 2010 + k >= start)
            rows.append((f"A{i:02d}", 2010 + k, d, effect * d + lasting + 0.3 * k + r.normal()))
    return pd.DataFrame(rows, columns=["area", "yr", "d", "y"])


def shares(seed: int = 6) -> pd.DataFrame:
    """A treatment between 0 and 1, of three decimals."""
    r = np.random.default_rng(seed)
    rows = []
    for i in range(40):
        for t in range(8):
            d = r.uniform()
            rows.append((f"A{i:02d}", 2010 + t, round(d, 3), round(i + 10 * d + r.normal(), 2)))
    return pd.DataFrame(rows, columns=["area", "yr", "d", "y"])


def by_dummies(frame: pd.DataFrame) -> float:
    """The coefficient of d by least squares with a dummy for each area and year: numpy alone."""
    areas, years = pd.get_dummies(frame["area"], dtype=float), pd.get_dummies(frame["yr"], dtype=float)
    columns = np.column_stack([frame["d"], areas, years.iloc[:, 1:]])
    return float(np.linalg.lstsq(columns, frame["y"].to_numpy(), rcond=None)[0][0])


def estimated(source: Any) -> float:
    """The toolkit's fixed effects, by the whole of `run`."""
    arrows = {"authority": {"d": WHY, "y": WHY}, "year": {"d": WHY, "y": WHY}, "d": {"y": WHY}}
    nodes: dict[str, dict[str, str]] = {"authority": {"varies": "authority"}, "year": {"varies": "year"}, "d": {}, "y": {}}
    question = causal.Question(treatment="d", outcome="y", control=0.0, treated=1.0, smallest_important=1.0, because=WHY)
    graph = Graph(name="plain", nodes=nodes, arrows=arrows)
    study = causal.Study(title="A table", action="It", question=question, graph=graph, source=source, estimator=FixedEffects(), refuters={}, seed=1)
    result = causal.run(study)
    assert result.estimate is not None
    return result.estimate.effect


def save(folder: Path, frame: pd.DataFrame, name: str = "mine.csv", **how: Any) -> str:
    frame.to_csv(folder / name, index=False, **how)
    return str(folder / name)


def check(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str]]:
    """`causal check`, its exit status and its lines."""
    status = main(["check", *words])
    return status, capsys.readouterr().out.splitlines()


def two_rows(frame: pd.DataFrame) -> str:
    return "Local authority,Year,Policy,Rate\n" + frame.to_csv(index=False)


LAYOUTS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame | str], dict[str, Any]]] = {
    "true and false": (lambda a: a.assign(d=np.where(a.d == 1, "TRUE", "FALSE")), {}),
    "yes and no": (lambda a: a.assign(d=np.where(a.d == 1, "Yes", "no")), {}),
    "y and n": (lambda a: a.assign(d=np.where(a.d == 1, "Y", "N")), {}),
    "title rows": (lambda a: "Table 3: plans by area,,,\nBack to contents,,,\n" + a.to_csv(index=False), {"header": 3}),
    "two header rows": (two_rows, {"header": 2}),
    "notes below": (lambda a: a.to_csv(index=False) + "Source: DfE release 12,,,\n1. Figures are rounded to 5,,,\n", {}),
    "quarters": (lambda a: a.assign(yr=[f"{y}Q{k % 4 + 1}" for k, y in enumerate(a.yr)]), {}),
    "months": (lambda a: a.assign(yr=[f"Mar {y}" for y in a.yr]), {}),
    "dates": (lambda a: a.assign(yr=[f"{y}-03-31" for y in a.yr]), {}),
    "financial years": (lambda a: a.assign(yr=[f"{y}/{(y + 1) % 100:02d}" for y in a.yr]), {}),
    "two digits": (lambda a: a.assign(yr=a.yr - 1930), {"century": 1900}),
    "waves": (lambda a: a.assign(yr=a.yr - 2009), {"century": 2000}),
    "merged cells": (lambda a: a.assign(area=a.area.where(~a.area.duplicated(), "")), {"fill": ["area"]}),
    "hyphens and capitals": (lambda a: a.assign(area=np.where(a.yr < 2014, a.area, a.area.str.lower().str.replace("a", "a-"))), {"loose_keys": True}),
    "no-break spaces": (lambda a: a.assign(area=np.where(a.yr < 2014, "St " + a.area, "St\u00a0" + a.area)), {"loose_keys": True}),
    "a row of means": (lambda a: pd.concat([a, a.groupby("yr", as_index=False)[["d", "y"]].mean().assign(area="All areas")]), {"leave_out": ["All areas"]}),
    "one kind of row": (lambda a: pd.concat([a.assign(sex=1), a.assign(sex=2, y=a.y + 5)]), {"only": {"sex": 1}}),
    "rows to be added up": (lambda a: pd.concat([a.assign(sex=1, y=a.y - 1), a.assign(sex=2, y=1.0)]), {"combine": "sum"}),
    "rows to be averaged": (lambda a: pd.concat([a.assign(half=1, y=a.y - 1), a.assign(half=2, y=a.y + 1)]), {"combine": "mean"}),
    "first year in force": (
        lambda a: a.assign(began=a.yr.where(a.d == 1).groupby(a.area).transform("min")).drop(columns="d"),
        {"derived": {"d": {"since": "began"}}},
    ),
    "date in force": (
        lambda a: a.assign(began=[f"{y:.0f}-09-01" if y > 0 else "" for y in a.yr.where(a.d == 1).groupby(a.area).transform("min")]).drop(columns="d"),
        {"derived": {"d": {"since": "began"}}},
    ),
    "never as 0": (
        lambda a: a.assign(began=a.yr.where(a.d == 1).groupby(a.area).transform("min").fillna(0)).drop(columns="d"),
        {"derived": {"d": {"since": "began", "never": 0}}},
    ),
    "a threshold": (lambda a: a.assign(dose=20 * a.d + 3).drop(columns="d"), {"derived": {"d": {"at_least": "dose", "value": 23}}}),
    "a category": (lambda a: a.assign(arm=np.where(a.d == 1, 7, 3)).drop(columns="d"), {"derived": {"d": {"equals": "arm", "value": 7}}}),
    "words": (lambda a: a.assign(d=np.where(a.d == 1, "treated", "control")), {"derived": {"d": {"dummy": "d", "is": "treated"}}}),
    "decimal commas": (lambda a: a.assign(d=a.d.astype(int), y=[f"{v:.12f}".replace(".", ",") for v in a.y]).to_csv(index=False, sep=";"), {}),
    "decimal commas in quotes": (lambda a: a.assign(y=[f"{v:.12f}".replace(".", ",") for v in a.y]), {"decimal": "comma"}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_least_squares_with_dummies_on_the_tidy_panel(layout: str, tmp_path: Path) -> None:
    """numpy's least squares on the panel before it was spoilt; 1.88227 by the field's own count."""
    spoil, knobs = LAYOUTS[layout]
    tidy = adopted()
    spoilt = spoil(tidy)
    path = str(tmp_path / "mine.csv")
    if isinstance(spoilt, str):
        Path(path).write_text(spoilt, encoding="utf-8")
    else:
        save(tmp_path, spoilt)
    truth = by_dummies(tidy)
    assert round(truth, 5) == 1.88227
    assert estimated(Table(path=path, **KEYS, **knobs)) == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if {*LAYOUTS[name][1]} & {"header", "century", "fill", "loose_keys", "leave_out", "decimal"}])
def test_check_finds_the_knob_by_itself_and_prints_what_reads_the_table_when_pasted(layout: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last line printed, called again, finds nothing wrong: at most 20 lines, and never a question about the keys that it can see."""
    spoilt, path = LAYOUTS[layout][0](adopted()), tmp_path / "mine.csv"
    path.write_text(spoilt if isinstance(spoilt, str) else spoilt.to_csv(index=False), encoding="utf-8")
    status, lines = check(capsys, str(path))
    assert status == 2 and len(lines) <= 21 and "ready to paste" in lines[-2], lines
    again = pasted(lines[-1])
    assert again[:2] == ["causal", "check"]
    status, lines = check(capsys, *again[2:])
    assert status == 0 and "nothing wrong was found" in lines[0] and "320 rows, 40 authorities" in lines[1], lines


def pasted(line: str) -> list[str]:
    """A line as a shell would split it."""
    return shlex.split(line)


# ---------------------------------------------------------------- totals, keys, percentages
def test_a_row_that_is_the_sum_of_the_others_is_named_and_left_out_on_demand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """9.8238 by least squares without it, 9.56 with it."""
    tidy = shares()
    total = tidy.groupby("yr", as_index=False)[["d", "y"]].sum().assign(area="England")
    path = save(tmp_path, pd.concat([tidy, total[tidy.columns]]))
    (problem,) = Table(path=path, **KEYS).check()
    assert "'England' (its d is the sum of the others')" in problem and "'source.leave_out=[England]' leaves them out" in problem
    assert estimated(Table(path=path, **KEYS, leave_out=["England"])) == pytest.approx(by_dummies(tidy), rel=1e-9)
    assert round(by_dummies(tidy), 4) == 9.8238
    assert len(Table(path=path, **KEYS, leave_out=[]).load().authorities) == 41
    with pytest.raises(DataError, match=r"source.leave_out names 'Englnd', and no row is of it; .*Did you mean 'England'"):
        Table(path=path, **KEYS, leave_out=["Englnd"]).load()


def test_totals_are_known_by_their_codes_and_never_seen_where_there_are_none(tmp_path: Path) -> None:
    """Code prefixes of the ONS: E92 England, E12 regions; a panel whose places merely differ in size has no total."""
    tidy = shares()
    coded = tidy.assign(area=[f"E0{6 + int(a[1:]) % 4}0000{a[1:]}" for a in tidy.area])
    region = coded[coded.area == coded.area[0]].assign(area="E12000001")
    (problem,) = Table(path=save(tmp_path, pd.concat([coded, region])), **KEYS).check()
    assert "'E12000001' (by its code a region)" in problem
    for seed in range(20):
        r = np.random.default_rng(seed)
        sizes = np.exp(2 * r.normal(size=12))
        frame = pd.DataFrame([(f"P{i}", 2000 + t, sizes[i] * (1 + 0.1 * r.normal())) for i in range(12) for t in range(4)], columns=["area", "yr", "d"])
        assert Table(path=save(tmp_path, frame), **KEYS).check() == []
    countries = tidy.assign(area=tidy.area.replace({"A00": "United Kingdom", "A01": "France", "A02": "Germany"}))
    assert Table(path=save(tmp_path, countries), **KEYS).check() == []  # one country among others


def test_keys_that_lost_their_zeros_are_paired_and_never_where_they_meet(tmp_path: Path) -> None:
    """60 authorities, 007 until 2013 and 7 from then on: 2.1630 by least squares on the 60."""
    tidy = adopted(n=60, seed=21)
    number = tidy.area.str[1:].astype(int)
    lost = tidy.assign(area=np.where(tidy.yr < 2014, number.map("{:03d}".format), number.astype(str)))
    path = save(tmp_path, lost)
    (problem,) = Table(path=path, **KEYS).check()
    assert problem.startswith("60 authorities stand under names that differ only by zeros") and "'001' / '1'" in problem
    panel = Table(path=path, **KEYS, loose_keys=True).load()
    assert len(panel.authorities) == 60 and "007" in panel.authorities
    assert estimated(Table(path=path, **KEYS, loose_keys=True)) == pytest.approx(by_dummies(tidy), rel=1e-9)
    assert round(by_dummies(tidy), 4) == 2.1630
    assert len(Table(path=path, **KEYS, loose_keys=False).load().authorities) == 120
    both = pd.DataFrame({"area": ["07", "7"] * 3, "yr": [2001, 2001, 2002, 2002, 2003, 2003], "y": range(6)})
    assert Table(path=save(tmp_path, both), **KEYS).check() == []  # they meet: two places


def test_a_percentage_is_one_number_in_a_workbook_and_in_a_csv(tmp_path: Path) -> None:
    """0.452 under the format 0.0%, written by openpyxl, and 45.2% in a CSV: one point is a hundredth of the share's 9.8238."""
    tidy = shares()
    text = save(tmp_path, tidy.assign(d=[f"{v:.1%}" for v in tidy.d]))
    with pd.ExcelWriter(tmp_path / "mine.xlsx", engine="openpyxl") as book:
        tidy.to_excel(book, index=False, sheet_name="Rates")
        for row in book.sheets["Rates"].iter_rows(min_row=2, min_col=3, max_col=3):
            row[0].number_format = "0.0%"
    one, other = (Table(path=path, **KEYS) for path in (text, str(tmp_path / "mine.xlsx")))
    pd.testing.assert_frame_equal(one.load().frame, other.load().frame)
    assert estimated(one) == estimated(other) == pytest.approx(by_dummies(tidy) / 100, rel=1e-9)
    for panel in (one.load(), other.load()):
        assert panel.variable("d").unit == "%" and "d: printed in %, so that 1 is one percentage point" in panel.notes


def test_dates_merged_cells_and_two_headings_of_a_workbook(tmp_path: Path) -> None:
    """Written by openpyxl as a person would: real dates, merged cells, one heading over two columns."""
    import openpyxl

    tidy = adopted(n=6, years=3)
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["area", "date", "Plans", None])
    sheet.append([None, None, "boys", "girls"])
    for area, mine in tidy.groupby("area"):
        first = sheet.max_row + 1
        for row in mine.itertuples():
            sheet.append([area, pd.Timestamp(int(row.yr), 3, 31).to_pydatetime(), row.y, row.y + 1])
        sheet.merge_cells(start_row=first, end_row=sheet.max_row, start_column=1, end_column=1)
    sheet.merge_cells("C1:D1")
    book.save(tmp_path / "mine.xlsx")
    path = str(tmp_path / "mine.xlsx")
    (problem,) = Table(path=path, authority="area", year="date").problems()
    assert "second row of headings" in problem.text and problem.remedies[0].knobs == {"header": [1, 2]}
    (problem,) = Table(path=path, authority="area", year="date", header=[1, 2]).problems()
    assert "blank in 12 rows of 18, the first is row 4: cells merged downwards" in problem.text and problem.remedies[0].knobs == {"fill": ["area"]}
    panel = Table(path=path, authority="area", year="date", header=[1, 2], fill=["area"]).load()
    assert panel.names == ("Plans boys", "Plans girls") and panel.years == (2010, 2011, 2012)
    assert panel.frame["Plans boys"].to_list() == pytest.approx(tidy.y.to_list(), rel=1e-12)


# ---------------------------------------------------------------- long and wide
def test_years_as_columns_become_rows(tmp_path: Path) -> None:
    """pandas's own melt of the same table."""
    tidy = adopted()
    wide = tidy.pivot(index="area", columns="yr", values="y").reset_index()
    path = save(tmp_path, wide)
    (problem,) = Table(path=path, authority="area").problems()
    assert "years stand as columns ('2010' to '2017')" in problem.text and problem.remedies[0].knobs == {"years_across": "value"}
    panel = Table(path=path, authority="area", years_across="y").load()
    melted = wide.melt(id_vars="area", var_name="yr", value_name="y").sort_values(["area", "yr"])
    assert panel.frame["y"].to_list() == melted["y"].to_list() and panel.years == tuple(range(2010, 2018))
    both = tidy.pivot(index="area", columns="yr", values=["d", "y"])
    both.columns = [f"{what}_{year}/{(year + 1) % 100:02d}" for what, year in both.columns]
    (problem,) = Table(path=save(tmp_path, both.reset_index()), authority="area").problems()
    assert problem.remedies[0].knobs == {"years_across": True}
    assert estimated(Table(path=path, authority="area", years_across=True)) == pytest.approx(by_dummies(tidy), rel=1e-9)
    kept = Table(path=path, authority="area", years_across=False).load()
    assert kept.years == (0,) and len(kept.names) == 16


def test_rows_become_columns_and_a_splitter_of_numbers_is_known(tmp_path: Path) -> None:
    """pandas's own pivot; the treatment of 0 and 1 is no splitter."""
    tidy = adopted()
    path = save(tmp_path, pd.concat([tidy.assign(sex=1), tidy.assign(sex=2, y=tidy.y + 1)]))
    (problem,) = Table(path=path, **KEYS).problems()
    assert "column 'sex' ('1' and '2') splits them" in problem.text
    assert [remedy.knobs for remedy in problem.remedies] == [{"only": {"sex": "1"}}, {"pivot": {"by": "sex", "values": "y"}}, {"combine": "sum"}]
    panel = Table(path=path, **KEYS, pivot={"by": "sex", "values": "y"}).load()
    assert panel.names == ("d", "y_1", "y_2")
    raw = pd.read_csv(path).pivot(index=["area", "yr"], columns="sex", values="y")
    assert panel.frame["y_1"].to_list() == raw[1].to_list() and panel.frame["y_2"].to_list() == raw[2].to_list()
    words = save(tmp_path, pd.concat([tidy.assign(kind="Plans at 31 March"), tidy.assign(kind="Plans started", y=-tidy.y)]), "words.csv")
    panel = Table(path=words, **KEYS, pivot={"by": ["kind"], "values": ["y"]}, variables={"starts": {"column": "plans_started"}}).load()
    assert set(panel.names) == {"d", "plans_at_31_march", "starts"}


def test_a_pivot_that_leaves_several_values_for_one_cell_is_one_line_that_names_what_differs(tmp_path: Path) -> None:
    tidy = adopted()
    parts = [tidy.assign(sex=s, age=a, y=tidy.y + s + a) for s in (1, 2) for a in (10, 20)]
    path = save(tmp_path, pd.concat(parts))
    (problem,) = Table(path=path, **KEYS, pivot={"by": "sex", "values": "y"}).check()
    assert problem.startswith("source.pivot leaves several values for 640 cells: rows 2, 322 are all authority 'A00', year 2010, sex '1'")
    assert "they differ in 'age': add it to by" in problem
    panel = Table(path=path, **KEYS, pivot={"by": ["sex", "age"], "values": "y"}).load()
    assert panel.names == ("d", "y_1_10", "y_1_20", "y_2_10", "y_2_20")
    (problem,) = Table(path=path, **KEYS, pivot={"by": "sx", "values": "y"}).check()
    assert "no column 'sx' (wanted for source.pivot)" in problem and "Did you mean 'sex'" in problem


def test_percentages_are_never_added_up(tmp_path: Path) -> None:
    path = save(tmp_path, pd.DataFrame({"area": list("AABB"), "yr": [2001] * 4, "v": ["10%", "20%", "30%", "40%"]}))
    (problem,) = Table(path=path, **KEYS, combine="sum").check()
    assert "column 'v' is in %, and percentages do not add up; source.combine=mean" in problem
    assert Table(path=path, **KEYS, combine="mean").load().frame["v"].to_list() == [15, 35]


def test_several_rows_in_a_year_of_quarters_ask_how_to_take_them_together(tmp_path: Path) -> None:
    """Means by pandas."""
    tidy = adopted(n=6, years=4)
    quarters = pd.concat([tidy.assign(yr=[f"{y} Q{q}" for y in tidy.yr], y=tidy.y + q) for q in (1, 2, 3, 4)])
    (problem,) = Table(path=save(tmp_path, quarters), **KEYS).problems()
    assert "96 rows of 96 stand for the same authority and year as another: column 'yr' holds quarters" in problem.text
    assert [remedy.knobs for remedy in problem.remedies] == [{"combine": "mean"}, {"combine": "sum"}, {"combine": "last"}, {"period": "steps"}]
    panel = Table(path=str(tmp_path / "mine.csv"), **KEYS, combine="mean").load()
    assert panel.frame["y"].to_list() == pytest.approx((tidy.y + 2.5).to_list(), rel=1e-12)


STEPS = {
    "quarters": lambda k: f"{2010 + k // 4} Q{k % 4 + 1}",
    "quarters that begin with their letter": lambda k: f"Q{k % 4 + 1}{2010 + k // 4}",
    "months": lambda k: f"{2010 + k // 12}-{k % 12 + 1:02d}",
    "months in words": lambda k: f"{['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][k % 12]} {2010 + k // 12}",
    "dates of quarters": lambda k: f"{2010 + k // 4}-{3 * (k % 4 + 1):02d}-{(31, 30, 30, 31)[k % 4]}",
}


@pytest.mark.parametrize("kind", STEPS)
def test_quarters_and_months_can_be_steps_of_their_own(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The tidy panel with its eight years as eight quarters or months: least squares gives the same number; one that is missing keeps its place."""
    tidy = adopted()
    printed = {year: STEPS[kind](year - 2010) for year in tidy.yr.unique()}
    panel = Table(path=save(tmp_path, tidy.assign(yr=tidy.yr.map(printed))), **KEYS, period="steps").load()
    assert panel.years == tuple(range(1, 9)) and f"from 1 ({printed[2010]}) to 8 ({printed[2017]})" in panel.notes[0]
    assert estimated(panel) == pytest.approx(by_dummies(tidy), rel=1e-9)
    some = tidy[tidy.yr != 2013]
    assert Table(path=save(tmp_path, some.assign(yr=some.yr.map(printed))), **KEYS, period="steps").load().years == (1, 2, 3, 5, 6, 7, 8)
    status, lines = check(capsys, str(tmp_path / "mine.csv"), "--authority", "area", "--year", "yr", "--period", "steps")
    assert status == 0 and any("a step of its own" in line for line in lines)


def test_years_are_steps_as_they_are(tmp_path: Path) -> None:
    (problem,) = Table(path=save(tmp_path, adopted()), **KEYS, period="steps").check()
    assert "column 'yr' holds years, which are steps as they are" in problem


def test_places_as_columns_are_read_and_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two files of one measure each, years down and places across: the tidy panel's number by least squares."""
    tidy = adopted()
    for name in ("d", "y"):
        save(tmp_path, tidy.pivot(index="yr", columns="area", values=name).reset_index(), f"{name}.csv")
    both = [str(tmp_path / "d.csv"), str(tmp_path / "y.csv")]
    panel = Table(path=both, year="yr", places_across={"d.csv": "d", "y.csv": "y"}).load()
    assert estimated(panel) == pytest.approx(by_dummies(tidy), rel=1e-9)
    assert "places stood as columns: A00 to A39 became rows, with d in each" in " ".join(panel.notes)
    status, lines = check(capsys, both[1])
    assert status == 2 and "--year yr --places-across value makes rows of them" in " ".join(lines) and len(lines) <= 20
    assert check(capsys, both[1], "--year", "yr", "--places-across", "y")[0] == 0
    with pytest.raises(DataError, match=r"source\.places_across: wanted columns with names of their own, got two that would be called 'yr'"):
        Table(path=both[1], year="yr", places_across="yr").load()


def test_a_part_of_a_table_is_kept_as_in_every_other_source(tmp_path: Path) -> None:
    """Counted by pandas: regions by name, years with both ends; a lag made before the first year is left out keeps its rows."""
    tidy = adopted().assign(region=lambda a: np.where(a.area < "A20", "North", "South"))
    knobs: dict[str, Any] = {**KEYS, "region": "region", "keep_regions": ["north"], "first_year": 2012, "last_year": 2015}
    panel = Table(path=save(tmp_path, tidy), derived={"before": {"lag": "y", "by": 2}}, **knobs).load()
    kept = tidy[(tidy.region == "North") & tidy.yr.between(2012, 2015)]
    assert len(panel.frame) == len(kept) and panel.frame["y"].sum() == pytest.approx(kept.y.sum(), rel=1e-12) and panel.frame["before"].notna().all()
    assert next(loss.rows for loss in panel.log if "left out" in loss.step) == len(tidy[tidy.region == "South"])
    with pytest.raises(DataError, match="wanted regions that there are, got 'Nrth'"):
        Table(path=str(tmp_path / "mine.csv"), **{**knobs, "keep_regions": ["Nrth"]}).load()
    with pytest.raises(ConfigError, match=r"source.first_year: wanted a year that is not after source.last_year, 2012, got 2015"):
        Table(path="x.csv", first_year=2015, last_year=2012)


# ---------------------------------------------------------------- several files
def test_two_files_are_joined_on_authority_and_year_and_what_has_no_partner_is_named(tmp_path: Path) -> None:
    """pandas's own merge gives the rows; least squares the number."""
    tidy = adopted()
    one = save(tmp_path, tidy[["area", "yr", "d"]], "treatment(1).csv")
    two = save(tmp_path, tidy[["area", "yr", "y"]], "outcome.csv")
    assert estimated(Table(path=[one, two], **KEYS)) == pytest.approx(by_dummies(tidy), rel=1e-9)
    assert Table(path=[one, two], **KEYS).load().title == "treatment(1).csv + outcome.csv"
    part = save(tmp_path, tidy[(tidy.area != "A03") & (tidy.yr > 2010)][["area", "yr", "y"]], "outcome.csv")
    panel = Table(path=[one, part], **KEYS).load()
    merged = tidy[["area", "yr", "d"]].merge(pd.read_csv(part), how="outer", on=["area", "yr"]).sort_values(["area", "yr"])
    assert panel.frame["y"].isna().to_list() == merged["y"].isna().to_list() and len(panel.frame) == len(merged)
    assert any("outcome.csv lacks 1 authority that other files have: 'A03'" in note for note in panel.notes)
    assert any("outcome.csv lacks 39 authority-years that other files have: it has no year 2010" in note for note in panel.notes)
    assert panel.reasons["A03", 2012, "y"] == "no row in outcome.csv"
    fixed = save(tmp_path, pd.DataFrame({"area": tidy.area.unique(), "imd": range(40)}), "imd.csv")
    panel = Table(path=[one, two, fixed], **KEYS).load()
    assert panel.frame["imd"].groupby(level="authority").nunique().eq(1).all() and panel.variable("imd").varies == "authority"


def test_files_that_share_no_key_get_one_message(tmp_path: Path) -> None:
    tidy = adopted()
    one = save(tmp_path, tidy[["area", "yr", "d"]], "treatment.csv")
    other = save(tmp_path, tidy.assign(area="Z" + tidy.area)[["area", "yr", "y"]], "outcome.csv")
    (problem,) = Table(path=[one, other], **KEYS).check()
    assert "treatment.csv shares no authority with outcome.csv: it has 'A00', 'A01', 'A02' and 'A03', outcome.csv has 'ZA00'" in problem
    later = save(tmp_path, tidy.assign(yr=tidy.yr + 20)[["area", "yr", "y"]], "later.csv")
    (problem,) = Table(path=[one, later], **KEYS).check()
    assert "no year: treatment.csv has 2010 to 2017 and later.csv has 2030 to 2037" in problem
    spelt = save(tmp_path, tidy.assign(area=tidy.area.str.lower())[["area", "yr", "y"]], "spelt.csv")
    (problem,) = Table(path=[one, spelt], **KEYS).check()
    assert "differ only by zeros, spaces, hyphens or capitals; source.loose_keys=true takes them as the same" in problem
    assert estimated(Table(path=[one, spelt], **KEYS, loose_keys=True)) == pytest.approx(by_dummies(tidy), rel=1e-9)
    twice = save(tmp_path, tidy.assign(d=1 - tidy.d)[["area", "yr", "d"]], "twice.csv")
    (problem,) = Table(path=[one, twice], **KEYS).check()
    assert "two files have a column 'd' with different numbers ('A00', 2010: 0 and, in twice.csv, 1)" in problem
    named = save(tmp_path, tidy.rename(columns={"area": "code"})[["code", "yr", "y"]], "named.csv")
    by_file = Table(path=[one, named], authority={"treatment.csv": "area", "named.csv": "code"}, year="yr")
    assert estimated(by_file) == pytest.approx(by_dummies(tidy), rel=1e-9)
    with pytest.raises(
        ConfigError, match=r"source.authority: wanted files that source.path names, got one for the file 'tretment.csv'.*Did you mean 'treatment.csv'"
    ):
        Table(path=[one, named], authority={"tretment.csv": "area"})
    with pytest.raises(ConfigError, match="wanted each file once"):
        Table(path=[one, one])


# ---------------------------------------------------------------- Stata, guesses, floods
def test_a_stata_file_keeps_its_numbers_and_its_keys_take_their_labels(tmp_path: Path) -> None:
    """Written by pandas, whose categories become Stata's value labels."""
    tidy = adopted()
    frame = tidy.assign(d=pd.Categorical(np.where(tidy.d == 1, "treated", "control"), categories=["control", "treated"]), area=pd.Categorical(tidy.area))
    frame.to_stata(tmp_path / "mine.dta", write_index=False)
    table = Table(path=str(tmp_path / "mine.dta"), **KEYS)
    panel = table.load()
    assert panel.authorities[:2] == ("A00", "A01") and set(panel.frame["d"]) == {0.0, 1.0}
    assert sum("columns with labelled values are read as their numbers" in note for note in panel.notes) == 1
    assert estimated(table) == pytest.approx(by_dummies(tidy), rel=1e-9)
    (tmp_path / "mine.dta").write_bytes((tmp_path / "mine.dta").read_bytes()[:200])
    with pytest.raises(DataError, match="cannot be read as a Stata file"):
        table.load()


@pytest.mark.parametrize(
    ("area", "year"),
    [("state", "year"), ("LAD19CD", "year"), ("area_code", "time_period"), ("Local authority", "Financial year"), ("countyreal", "yr"), ("UTLA21CD", "Year")],
)
def test_keys_are_guessed_by_their_names_and_by_what_they_hold(area: str, year: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = adopted().rename(columns={"area": area, "yr": year}).assign(people=np.arange(320) + 1900)
    status, lines = check(capsys, save(tmp_path, frame[["people", "y", "d", year, area]]))
    assert status == 2
    assert pasted(lines[-1])[3:] == ["--authority", area, "--year", year]
    with pytest.raises(DataError) as caught:
        Table(path=str(tmp_path / "mine.csv")).load()
    assert all(word in str(caught.value) for word in as_overrides({"authority": area, "year": year}))


def test_a_flood_is_twenty_lines_and_a_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """800 rows that stand twice, text in two columns: every kind has its lines."""
    tidy = adopted(n=100)
    spoilt = pd.concat([tidy, tidy.assign(y="lots")]).assign(x=np.where(np.arange(1600) % 3 == 0, "few", "4"))
    status, lines = check(capsys, save(tmp_path, spoilt), "--authority", "area", "--year", "yr")
    assert status == 2 and len(lines) <= 21
    assert any("stands 2 times" in line for line in lines) and any("column 'x': 'few'" in line for line in lines) and any("… and" in line for line in lines)
    assert sum("797 authorities and years more stand several times, 1,600 rows in all" in line for line in lines) == 1


def test_text_where_a_treatment_is_wanted_is_answered_with_the_line_that_makes_it_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tidy = adopted()
    path = save(tmp_path, tidy.assign(d=np.where(tidy.d == 1, "treated", "control")))
    status, lines = check(capsys, path, "--authority", "area", "--year", "yr", "--treatment", "d", "--outcome", "y")
    assert status == 2 and "column 'd' holds text ('control' 200 times, 'treated' 120 times)" in lines[1]
    status, _ = check(capsys, *pasted(lines[-1])[2:], "--treatment", "d", "--outcome", "y")
    assert status == 0
    with pytest.raises(causal.DataError, match=r"a column for the treatment 'd', got none; Column 'd' holds text .*\{dummy: d, is: treated\}"):
        estimated(Table(path=path, **KEYS))


@pytest.mark.parametrize(
    ("began", "says"),
    [
        ([1990] * 40, r"wanted an authority that begins within mine\.csv, which has 2010 to 2017, got began of 1990 to 1990"),
        ([2013, 0] * 20, r"wanted a year in began, got 0 in 20 authorities; .*\{since: began, never: 0\}"),
        ([None] * 40, r"source\.derived\.d: wanted a column of mine\.csv to be made from, got 'began'; there is 'y'"),
    ],
)
def test_dates_outside_the_panel_get_one_message(began: list[Any], says: str, tmp_path: Path) -> None:
    tidy = adopted().drop(columns="d")
    path = save(tmp_path, tidy.assign(began=np.repeat(np.array(began, dtype=float), 8)))
    table = Table(path=path, **KEYS, derived={"d": {"since": "began"}})
    assert len(table.check()) == 1
    with pytest.raises(DataError, match=says):
        table.load()


def test_early_and_late_dates_are_noted_and_one_that_changes_is_refused(tmp_path: Path) -> None:
    tidy = adopted().drop(columns="d")
    path = save(tmp_path, tidy.assign(began=np.repeat([2005, 2013, 2014, 2030] * 10, 8)))
    panel = Table(path=path, **KEYS, derived={"d": {"since": "began"}}).load()
    assert {"d: 10 authorities begin in 2010 or before, and are 1 in every year", "d: 10 authorities begin after 2017, and are 0 in every year"} <= set(
        panel.notes
    )
    path = save(tmp_path, tidy.assign(began=tidy.yr))
    with pytest.raises(DataError, match=r"wanted one year of .* for each authority, got 2010, 2011, 2012 for authority 'A00'"):
        Table(path=path, **KEYS, derived={"d": {"since": "began"}}).load()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2018", ("whole", 2018)), ("2018.0", ("whole", 2018)), ("2017/18", ("financial", 2018)), ("201718", ("financial", 2018)),
        ("1999-00", ("financial", 2000)),
        ("FY2017/18", ("financial", 2018)), ("2017 to 2018", ("financial", 2018)), ("2018Q3", ("quarter", 2018)), ("Q3 2018", ("quarter", 2018)),
        ("2018-03", ("month", 2018)), ("March 2018", ("month", 2018)), ("03/2018", ("month", 2018)), ("2018M03", ("month", 2018)),
        ("31/03/2018", ("date", 2018)), ("2018-03-31 00:00:00", ("date", 2018)), ("81", ("short", 81)), ("201712", ("", None)), ("2017/19", ("", None)),
        ("North", ("", None)), ("31/13/2018", ("", None)),
    ],
)  # fmt: skip
def test_periods_as_people_print_them(text: str, wanted: tuple[str, float | None]) -> None:
    kind, year = kind_and_year(text)
    assert (kind, None if math.isnan(year) else year) == wanted


def test_financial_years_take_the_other_end_on_demand_and_odd_cells_are_told(tmp_path: Path) -> None:
    frame = pd.DataFrame({"area": list("AABB"), "yr": ["2010/11", "2011/12"] * 2, "v": range(4)})
    path = save(tmp_path, frame)
    assert Table(path=path, **KEYS).load().years == (2011, 2012)
    assert Table(path=path, **KEYS, period="begins").load().years == (2010, 2011)
    (problem,) = Table(path=save(tmp_path, frame.assign(yr=["2010/11", "2011/12", "2010/11", "soon"])), **KEYS).check()
    assert "row 5, column 'yr': 'soon' is not a whole year" in problem


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({"header": 0}, "row's number from 1"),
        ({"header": [2, 1]}, "row's number from 1"),
        ({"pivot": {"by": "sex"}}, "wanted {by: COLUMN, values: COLUMN}"),
        ({"combine": "total"}, "wanted one of sum, mean, first, last, got 'total'"),
        ({"period": "end"}, "wanted one of ends, begins"),
        ({"decimal": ","}, "wanted one of comma, point"),
        ({"century": "1900"}, "wanted a whole number such as 1900"),
        ({"loose_keys": "yes"}, "wanted true or false"),
        ({"leave_out": {"a": 1}}, "wanted a list such as"),
        ({"years_across": 3}, "a name for the numbers, true or false"),
        ({"path": []}, "wanted a file, or a list of files"),
    ],
)
def test_new_knobs_are_checked_at_birth(knobs: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Table(**{"path": "x.csv", **knobs})
    assert says in str(caught.value)


def test_remedies_are_spelt_for_the_command_that_was_called() -> None:
    knobs = {"only": {"sex": "1"}, "leave_out": ["St. Helens"], "pivot": {"by": "sex", "values": ["a b", "c"]}, "loose_keys": True, "header": [1, 2]}
    assert as_overrides(knobs) == [
        "'source.only={sex: \"1\"}'", "'source.leave_out=[\"St. Helens\"]'", "'source.pivot={by: sex, values: [\"a b\",c]}'", "source.loose_keys=true",
        "'source.header=[1,2]'",
    ]  # fmt: skip
    assert as_flags(knobs) == [
        "--only sex=1", "--leave-out 'St. Helens'", "--pivot '{by: sex, values: [\"a b\",c]}'", "--loose-keys true", "--header '[1,2]'",
    ]  # fmt: skip


def test_a_title_page_of_a_workbook_points_to_the_sheet_that_holds_a_table(tmp_path: Path) -> None:
    tidy = adopted(n=6, years=3)
    with pd.ExcelWriter(tmp_path / "mine.xlsx") as book:
        pd.DataFrame({"Official statistics": ["Contents", "Notes", "Contact us"]}).to_excel(book, sheet_name="Cover", index=False)
        tidy.to_excel(book, sheet_name="Table 1", index=False)
    (problem,) = Table(path=str(tmp_path / "mine.xlsx"), **KEYS).problems()
    assert "sheet 'Cover' holds no table" in problem.text and problem.remedies[0].knobs == {"sheet": "Table 1"}
    assert len(Table(path=str(tmp_path / "mine.xlsx"), **KEYS, sheet="Table 1").load().frame) == 18


def test_tables_stacked_in_one_file_are_one_line(tmp_path: Path) -> None:
    text = adopted(n=6, years=3).to_csv(index=False)
    (tmp_path / "mine.csv").write_text(text + text)
    (problem,) = Table(path=str(tmp_path / "mine.csv"), **KEYS).check()
    assert "the headings come again in row 20: several tables stand one under the other" in problem


def test_derived_text_keeps_the_marks_and_says_which_word_is_not_there(tmp_path: Path) -> None:
    path = save(tmp_path, pd.DataFrame({"area": list("ABCD"), "arm": ["in", "out", "x", "in"], "v": range(4)}))
    panel = Table(path=path, authority="area", derived={"treated": {"dummy": "arm", "is": "in"}}).load()
    assert panel.frame["treated"].droplevel(1).fillna(-1).to_dict() == {"A": 1, "B": 0, "C": -1, "D": 1}
    assert panel.reasons["C", 0, "treated"] == "x" and panel.variable("treated").definition == "1 where arm is in, else 0"
    (problem,) = Table(path=path, authority="area", derived={"treated": {"dummy": "arm", "is": "inn"}}).check()
    assert "column 'arm' never holds 'inn'" in problem and "Did you mean 'in'" in problem


def test_replacing_a_knob_changes_no_other() -> None:
    table = Table(path=["a.csv", "b.csv"], **KEYS, fill="area", leave_out="England")
    assert table.fill == ("area",) and table.leave_out == ("England",) and replace(table, header=3).path == ("a.csv", "b.csv")


def test_rows_of_people_are_each_their_own_and_a_single_place_is_said(tmp_path: Path) -> None:
    people = pd.DataFrame({"age": [31, 45, 22, 60], "pay": [10.5, 12.0, 9.9, 20.1]})
    (problem,) = Table(path=save(tmp_path, people)).check()
    assert "'source.authority=\"#\"' takes each row as one of its own" in problem
    panel = Table(path=str(tmp_path / "mine.csv"), authority="#").load()
    assert panel.authorities == ("2", "3", "4", "5") and panel.frame["pay"].to_list() == [10.5, 12.0, 9.9, 20.1]
    (problem,) = Table(path=save(tmp_path, pd.DataFrame({"year": range(1990, 2010), "co2": range(20)}))).check()
    assert "Its rows are years of one place (year), it seems, and a study needs several" in problem


def test_cells_separated_by_spaces_or_bars_and_a_code_under_an_unforeseen_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tidy = adopted().rename(columns={"area": "sid"}).assign(sid=lambda a: a.sid.str[1:].astype(int))
    for separator in (" ", "|", "\t"):
        status, lines = check(capsys, save(tmp_path, tidy, sep=separator))
        assert status == 2 and pasted(lines[-1])[3:] == ["--authority", "sid", "--year", "yr"]


def test_a_sum_that_holds_by_chance_in_one_year_is_no_total(tmp_path: Path) -> None:
    """37 = 9 + 8 + 6 + 5 + 4 + 3 + 2, and nothing else adds up."""
    frame = pd.DataFrame({"area": list("ABCDEFGH"), "n": [37, 9, 8, 6, 5, 4, 3, 2], "rate": [5.1, 4.9, 5.3, 5.0, 4.7, 5.2, 4.8, 5.5]})
    assert Table(path=save(tmp_path, frame), authority="area").check() == []
    (problem,) = Table(path=save(tmp_path, frame.assign(m=[70, 10, 10, 10, 10, 10, 10, 10])), authority="area").check()
    assert "'A' (its n is the sum of the others')" in problem


# ---------------------------------------------------------------- what strangers' tables hold
def test_marks_beside_numbers_brackets_small_counts_and_never(tmp_path: Path) -> None:
    """By hand: a revised number stands, brackets are below 0, <5 is missing with its reason, never is no year."""
    text = "area,yr,a,b,c,began\nA,2001,1.5 [r],(2.50),<5,2002\nA,2002,2,3,7,2002\nB,2001,3,(4),8,never\nB,2002,4 [p],5,9,never\n"
    (tmp_path / "mine.csv").write_text(text)
    panel = Table(path=str(tmp_path / "mine.csv"), **KEYS, derived={"d": {"since": "began"}}).load()
    assert panel.frame["a"].to_list() == [1.5, 2, 3, 4] and panel.frame["b"].to_list() == [-2.5, 3, -4, 5]
    assert panel.frame["c"].isna().to_list() == [True, False, False, False] and panel.reasons["A", 2001, "c"] == "<5"
    assert panel.frame["d"].to_list() == [0, 1, 0, 0]
    assert {"a: 2 numbers carry a mark of their status, such as '1.5 [r]'; they stand as they are"} <= set(panel.notes)
    assert any(note.startswith("b: numbers in brackets are read as below 0") for note in panel.notes)


def test_a_row_of_units_and_rows_of_all_years_are_left_out_by_what_check_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The tidy panel is what is left; the choice among two rows of headings falls to the one that has the columns asked for."""
    tidy = adopted()
    lines = tidy.to_csv(index=False).splitlines()
    units = "\n".join([lines[0], "code,year,0 or 1,per 10000", *lines[1:]])
    years = pd.concat([tidy.astype({"yr": object}), tidy.groupby("area", as_index=False)[["d", "y"]].sum().assign(yr="All years")]).to_csv(index=False)
    for text in (units, years):
        (tmp_path / "mine.csv").write_text(text)
        status, out = check(capsys, str(tmp_path / "mine.csv"), "--treatment", "d", "--outcome", "y")
        assert status == 2
        status, out = check(capsys, *pasted(out[-1])[2:])
        assert status == 0 and "320 rows, 40 authorities, 2010 to 2017: d, y" in out[1]


def test_of_several_ways_check_takes_the_one_that_leads_to_what_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tidy = adopted()
    long = pd.concat([tidy.assign(measure=name, value=tidy[name])[["area", "yr", "measure", "value"]] for name in ("d", "y")])
    status, out = check(capsys, save(tmp_path, long), "--treatment", "d", "--outcome", "y")
    assert status == 2 and "--pivot '{by: measure, values: value}'" in out[-1]
    knobs = {"pivot": {"by": "measure", "values": "value"}}
    assert estimated(Table(path=str(tmp_path / "mine.csv"), **KEYS, **knobs)) == pytest.approx(by_dummies(tidy), rel=1e-9)


def test_a_year_of_beginning_is_offered_for_a_treatment_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The layout of mpdta: 0 where never."""
    tidy = adopted()
    first = tidy.yr.where(tidy.d == 1).groupby(tidy.area).transform("min").fillna(0)
    path = save(tmp_path, tidy.drop(columns="d").assign(first_treat=first))
    status, out = check(capsys, path, "--treatment", "d", "--outcome", "y")
    assert status == 2 and "--derived '{d: {since: first_treat, never: 0}}' makes it 1 from first_treat on" in "\n".join(out)
    status, out = check(capsys, *pasted(out[-1])[2:])
    assert status == 0
    assert estimated(Table(path=path, **KEYS, derived={"d": {"since": "first_treat", "never": 0}})) == pytest.approx(by_dummies(tidy), rel=1e-9)


def test_many_faults_of_one_kind_are_three_lines_and_a_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tidy = adopted().astype({"y": object})
    tidy.loc[::9, "y"] = [f"{value:.2f}*" for value in tidy.loc[::9, "y"]]
    status, out = check(capsys, save(tmp_path, tidy), "--authority", "area", "--year", "yr")
    assert status == 2 and out[0].endswith("36 problems") and sum("is text, expected a number" in line for line in out) == 3
    assert any("… and 33 more such" in line for line in out)


def test_files_whose_keys_are_called_differently_are_joined_by_what_check_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tidy = adopted()
    one = save(tmp_path, tidy[["area", "yr", "d"]], "treat.csv")
    two = save(tmp_path, tidy[["area", "yr", "y"]].rename(columns={"area": "LAD19CD", "yr": "Year"}).assign(LAD19CD=tidy.area.str.lower()), "out.csv")
    status, out = check(capsys, one, two)
    assert status == 2 and "--authority '{treat.csv: area, out.csv: LAD19CD}' --year '{treat.csv: yr, out.csv: Year}' --loose-keys true" in out[-1]
    status, out = check(capsys, *pasted(out[-1])[2:])
    assert status == 0 and "320 rows, 40 authorities, 2010 to 2017: d, y" in out[1]
    same = save(tmp_path, tidy[["area", "yr", "y"]], "same.csv")
    status, out = check(capsys, one, same)
    assert pasted(out[-1])[4:] == ["--authority", "area", "--year", "yr"]


def test_rows_that_name_no_authority_are_left_out_by_the_line_that_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The flags of `check`, the override of `run` and the tidy rows read one panel."""
    monkeypatch.chdir(tmp_path)
    tidy = adopted()
    pd.concat([tidy, pd.DataFrame({"d": [0.0] * 9, "y": [1.0] * 9})]).to_csv("mine.csv", index=False)
    assert main(["check", "mine.csv"]) == 2
    pasted = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert pasted[-2:] == ["--leave-out", "blank"] and main(pasted[1:]) == 0
    assert "9 rows left out" in capsys.readouterr().out
    panel = Table(path="mine.csv", authority="area", year="yr", leave_out=["blank"]).load()
    assert panel.frame["y"].tolist() == pytest.approx(tidy.sort_values(["area", "yr"])["y"].tolist())
    with pytest.raises(DataError, match=r"leave_out=\[blank\]"):
        Table(path="mine.csv", authority="area", year="yr").load()
    save(tmp_path, tidy)
    with pytest.raises(DataError, match="names 'blank', and no row is of it"):
        Table(path="mine.csv", authority="area", year="yr", leave_out=["blank"]).load()
