"""`causal.read`: a frame in memory gives what the same table gives as a file on the command line, to the bit; what cannot be read gets one message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from test_table_layouts import adopted, by_dummies, estimated

import causal
from causal.cli import main
from causal.errors import ConfigError, DataError
from causal.own_data import read

WHY = "a test"


def run(folder: Path, *words: str) -> dict[str, Any]:
    """`causal run` of one's own graph, and its result.json."""
    mine = folder / "mine"
    names = {"d": WHY, "y": WHY}
    graph = {"_target_": "causal.graph.Graph", "name": "ours", "nodes": {"authority": {"varies": "authority"}, "year": {"varies": "year"}, "d": {}, "y": {}}}
    graph["arrows"] = {"authority": dict(names), "year": dict(names), "d": {"y": WHY}}
    question = {"treatment": "d", "outcome": "y", "control": 0.0, "treated": 1.0, "smallest_important": 1.0, "because": WHY}
    experiment = {"defaults": [{"override /graph": "ours"}, {"override /source": "table"}], "title": "T", "action": "It", "question": question}
    for group, inside in (("graph", graph), ("experiment", experiment)):
        (mine / group).mkdir(parents=True, exist_ok=True)
        (mine / group / "ours.yaml").write_text("# @package _global_\n" * (group == "experiment") + yaml.safe_dump(inside, sort_keys=False))
    given = ["run", "--config-dir", str(mine), "experiment=ours", "refuters={}", f"runs={folder / 'runs'}", "workers=1", *words]
    assert main(given) == 0
    (found,) = (folder / "runs").rglob("result.json")
    result: dict[str, Any] = json.loads(found.read_text())
    return result


def test_a_frame_gives_the_command_line_s_answer_to_the_bit(tmp_path: Path) -> None:
    """Two files joined by the command line, one of them with brackets in its name, against the merged frame in memory; and numpy's least squares."""
    tidy = adopted()
    one, two = tmp_path / "treatment (1).csv", tmp_path / "outcome.csv"
    tidy[["area", "yr", "d"]].to_csv(one, index=False)
    tidy[["area", "yr", "y"]].to_csv(two, index=False)
    result = run(tmp_path, f"source.path=[{one},{two}]", "source.authority=area", "source.year=yr")
    frame = pd.read_csv(one).merge(pd.read_csv(two), on=["area", "yr"])
    for table in (frame, frame.set_index(["area", "yr"]), [one, two]):
        keys = {"authority": "area", "year": "yr"}
        assert estimated(read(table, **keys)) == result["estimate"]["effect"]  # type: ignore[arg-type]
    assert result["estimate"]["effect"] == pytest.approx(by_dummies(tidy), rel=1e-9)
    assert read([one, two], authority="area", year="yr").digest == result["source"]["digest"]


def test_frames_as_pandas_keeps_them(tmp_path: Path) -> None:
    """Nullable numbers, categories, truth values, dates with a time zone, columns of two levels: the same panel as from the CSV that pandas writes."""
    tidy = adopted()
    plain = read(tidy, authority="area", year="yr")
    kept = pd.DataFrame({
        "area": pd.Categorical(tidy.area), "yr": tidy.yr.astype("Int64"), "d": tidy.d.astype(bool), "y": tidy.y.astype("Float64"),
    })  # fmt: skip
    pd.testing.assert_frame_equal(read(kept, authority="area", year="yr").frame, plain.frame)
    kept.loc[3, "y"] = pd.NA
    assert read(kept, authority="area", year="yr").frame["y"].isna().sum() == 1
    dated = tidy.assign(yr=pd.to_datetime(tidy.yr.astype(str) + "-03-31").dt.tz_localize("Europe/London"))
    pd.testing.assert_frame_equal(read(dated, authority="area", year="yr").frame, plain.frame)
    periods = tidy.assign(yr=pd.PeriodIndex(tidy.yr.astype(str), freq="Y"))
    pd.testing.assert_frame_equal(read(periods, authority="area", year="yr").frame, plain.frame)
    wide = tidy.pivot(index="area", columns="yr", values=["d", "y"])
    pd.testing.assert_frame_equal(read(wide, authority="area", years_across=True).frame[["d", "y"]], plain.frame)


def test_words_are_optional_and_a_panel_is_a_source() -> None:
    panel = read(adopted(), authority="area", year="yr", labels={"y": "plans"}, units={"y": "per 10,000"}, variables={"y": {"count_per": 10_000}}, title="ours")
    assert (panel.variable("y").label, panel.variable("y").unit, panel.variable("y").count_per, panel.title) == ("plans", "per 10,000", 10_000, "ours")
    assert panel.load() is panel and causal.read is read


@pytest.mark.parametrize(
    ("frame", "knobs", "says"),
    [
        (pd.DataFrame([[1, 2, 3]], columns=["area", "y", "y"]), {"authority": "area"}, "2 columns (or levels of its index) called 'y'"),
        (pd.DataFrame({"area": ["A"], "y": [1]}).set_index("area", drop=False), {"authority": "area"}, "called 'area'"),
        (pd.DataFrame({"area": [], "y": []}), {"authority": "area"}, "the frame: wanted one row for each authority, or authority and year, got no rows"),
        (pd.DataFrame({"area": ["A", "B"], "y": ["low", "high"]}), {"authority": "area"}, "no column holds numbers"),
        (pd.DataFrame({"area": ["A", "A"], "y": [1, 2]}), {"authority": "area"}, "authority 'A' stands 2 times"),
        (pd.DataFrame({"area": ["A", "B"], "y": [1, np.inf]}), {"authority": "area"}, "is infinite"),
        (adopted(), {}, "(wanted for authority); there is 'area', 'd', 'y', 'yr'; authority='area', year='yr' seem to be it"),
    ],
)
def test_each_fault_of_a_frame_is_one_message(frame: pd.DataFrame, knobs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError) as caught:
        read(frame, **knobs)
    assert says in str(caught.value) and str(caught.value).count("\n") <= 2


def test_what_read_does_not_take_is_said() -> None:
    with pytest.raises(ConfigError, match=r"read: wanted an argument that it takes, got 'clusters'; .*Did you mean 'cluster'"):
        read(adopted(), authority="area", clusters="area")
    with pytest.raises(ConfigError, match=r"read: wanted a pandas frame, a file or a list of files, got dict"):
        read({"area": ["A"]}, authority="area")  # type: ignore[arg-type]
