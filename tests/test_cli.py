"""The command line as a stranger meets it: what works, and one clear message for each thing that cannot be used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from lengths import long

from causal.cli import main

LIGHT = ["refuters=[]", "workers=1", "beside=[]"]
SMALL = [*LIGHT, "source.authorities=40"]


def call(*words: str) -> int:
    return main(list(words))


def finished(folder: Path) -> list[Path]:
    return [path.parent for path in folder.rglob("result.json")] if folder.exists() else []


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    """A clean table of a user's own: 15 areas, 6 years."""
    import numpy as np

    rng = np.random.default_rng(3)
    rows = [(f"Area {i:02d}", year) for i in range(15) for year in range(2010, 2016)]
    frame = pd.DataFrame(rows, columns=["area", "yr"])
    frame["cut"] = rng.random(len(frame))
    frame["poverty"] = rng.random(len(frame)) * 10
    frame["cpp_rate"] = 40 + 4 * frame["cut"] + frame["poverty"] + rng.normal(size=len(frame))
    return frame


@pytest.fixture
def own(tmp_path: Path, table: pd.DataFrame) -> tuple[Path, list[str]]:
    """The documentation's own graph and experiment in a folder beside the table, and the words that use both."""
    readme = (Path(__file__).parent.parent / "docs/site/by_hand.md").read_text()
    graph, experiment = re.findall(r"```yaml\n(.*?)```", readme, flags=re.S)
    folder = tmp_path / "mine"
    for group, text in (("graph", graph), ("experiment", experiment)):
        (folder / group).mkdir(parents=True)
        (folder / group / "ours.yaml").write_text(text)
    path = tmp_path / "mine (1).csv"
    table.to_csv(path, index=False)
    words = ["--config-dir", str(folder), "experiment=ours", f"source.path={path}", "source.authority=area", "source.year=yr"]
    variables = re.search(r"'(source\.variables=.*?)'\n", readme)
    assert variables
    return folder, [*words, variables[1], f"runs={tmp_path / 'runs'}", *LIGHT]


def test_help_and_list_are_there_and_load_nothing_heavy() -> None:
    code = "import sys; from causal.cli import main; main(['list']); main(['list', '-v']); heavy = {'pandas', 'numpy', 'dowhy', 'hydra', 'yaml'}"
    code += "; assert not heavy & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for word in ("fixed_effects", "placebo_treatment", "closures", "england", "nao", "needs:", "targets:", "costs:"):
        assert word in done.stdout


def test_list_speaks_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "estimators", "--json") == 0
    listed = json.loads(capsys.readouterr().out)["estimators"]
    assert {"name", "about", "needs", "targets", "costs"} <= set(listed[0])


def office(path: Path) -> str:
    """All words of an office file, which is a zip of XML."""
    with zipfile.ZipFile(path) as held:
        return " ".join(held.read(name).decode() for name in held.namelist() if name.endswith(".xml"))


def test_a_run_ends_with_its_headline_its_report_and_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", f"runs={tmp_path}", "refuters=unmeasured_confounder", *SMALL[1:]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    folder = Path(lines[-1])
    assert lines[-2] == f"report: {folder / 'report.html'}"
    assert lines[0].startswith("SIMULATED: ") and sum(line.startswith("  certainty  ") for line in lines) == 1 and len(lines) <= 12
    result = json.loads((folder / "result.json").read_text(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    keys = "schema_version title action short question graph source identification design estimate baseline beside proposal steps dose refutations"
    assert list(result) == [*keys.split(), "rule", "verdict", "answer", "language", "provenance", "said", "risk"]
    for name in ("influence.csv", "effects.csv", "refutations.csv", "report.html", "summary.md", "summary.docx", "effects.xlsx", "config.yaml", "figures"):
        assert (folder / name).exists(), name
    assert (tmp_path / "latest").resolve() == folder.resolve()
    assert not (tmp_path / ".partial").exists()
    for path in folder.rglob("*.*"):
        if path.is_file() and not path.name.endswith(".meta.csv") and path.name != "config.yaml":
            text = office(path) if path.suffix in (".xlsx", ".docx") else path.read_text()
            assert "SIMULATED" in text, path.name
            # what was planted, as the source says it or as the answer to the question
            assert any(words in " ".join(text.split()) for words in ("changes plans by", "Planted truth", "planted truth")), path.name
    assert any("no interference" in sentence for sentence in result["identification"]["assumptions"])
    assert result["provenance"]["command"][:2] == ["causal", "run"]
    assert not any("workers" in word or "runs=" in word for word in result["provenance"]["command"])


def test_a_sweep_ends_with_its_comparison_lists_the_refused_and_skips_what_is_complete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "-m", f"runs={tmp_path}", "estimator=fixed_effects,difference,causal_forest", "question.modifiers=[]", *SMALL]
    assert call(*words) == 2
    out = capsys.readouterr()
    folder = Path(out.out.strip().splitlines()[-1])
    assert "2 done, 1 refused" in out.out
    page = (folder / "compare.html").read_text()
    assert "question.modifiers=[deprivation]" in page and "causal_forest" in page.lower().replace(" ", "_")
    assert {row["estimator"] for row in json.loads((folder / "compare.json").read_text())["refused"]} == {"causal_forest"}
    assert len(finished(tmp_path)) == 2
    assert call(*words) == 2
    assert capsys.readouterr().out.count("already complete") == 2
    assert len(finished(tmp_path)) == 2
    assert call("compare", str(tmp_path), "--to", str(tmp_path / "again")) == 0
    assert (tmp_path / "again/compare.html").exists()


def test_all_estimators_are_expanded() -> None:
    from causal.experiments.compose import choices
    from causal.experiments.run import _all_estimators

    assert _all_estimators(["estimator=all"], []) == [f"estimator={','.join(choices('estimator'))}"]


def test_with_all_those_that_do_not_suit_are_rows_and_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from causal.experiments import run

    monkeypatch.setattr(run, "choices", lambda *_: ["causal_forest", "difference", "fixed_effects"])
    assert call("run", "-m", f"runs={tmp_path}", "estimator=all", "question.modifiers=[]", *SMALL) == 0
    assert "2 done, 1 refused" in capsys.readouterr().out


def test_a_report_is_built_again_from_the_result_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", f"runs={tmp_path}", *SMALL) == 0
    folder = Path(capsys.readouterr().out.strip().splitlines()[-1])
    page = (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    assert call("report", str(folder)) == 0
    assert (folder / "report.html").read_text() == page


def test_explain_never_reads_the_outcome_s_values(tmp_path: Path, own: tuple[Path, list[str]], table: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for word in own[1] if not word.startswith(("runs=", "workers="))]
    assert call("explain", *words) == 0
    before = capsys.readouterr().out
    table["cpp_rate"] = table["cpp_rate"].to_numpy()[::-1] * 7
    table.to_csv(tmp_path / "mine (1).csv", index=False)
    assert call("explain", *words) == 0
    assert capsys.readouterr().out == before
    assert "adjust for: authority, poverty, year" in before and "money follows need" in before


def test_one_s_own_table_graph_and_experiment_run(own: tuple[Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", *own[1]) == 0
    result = json.loads((Path(capsys.readouterr().out.strip().splitlines()[-1]) / "result.json").read_text())
    assert abs(result["estimate"]["effect"] - 2.0) < 3 * result["estimate"]["std_error"]
    assert "per 10,000 children" in result["answer"]["second"]
    assert result["provenance"]["command"][:3] == ["causal", "run", "--config-dir"]


def test_not_identified_is_a_verdict_and_exits_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        call(
            "run",
            f"runs={tmp_path}",
            *SMALL,
            "+graph.arrows.need.closures='councils foresee need'",
            "~graph.arrows.closures.need",
            "+graph.arrows.closures.referrals='a test'",
        )
        == 0
    )
    out = capsys.readouterr().out
    assert "These data cannot show how" in out and "It would take need" in out
    assert (Path(out.strip().splitlines()[-1]) / "report.html").exists()


def test_a_forced_mediator_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", f"runs={tmp_path}", *SMALL, "adjust_for=[authority,year,'section47[0]']") == 0
    assert "mediator" in capsys.readouterr().err


# --- bad input: exit 2, one message, no traceback, nothing that looks finished --------------------------------------


BAD = {
    "no experiment of that name": (["experiment=closurs"], "experiment: wanted the name of one that there is, got 'closurs'", "Did you mean 'closures'"),
    "no estimator of that name": (["estimator=fixed_effect"], "estimator: wanted the name of one that there is", "Did you mean 'fixed_effects'"),
    "no knob of that name": (
        ["estimator=linear_dml", "estimator.fold=3"],
        "wanted a key that there is, got 'estimator.fold'",
        "Did you mean 'estimator.folds'",
    ),
    "no key of that name": (["question.lagg=1"], "wanted a key that there is, got 'question.lagg'", "Did you mean 'question.lag'"),
    "a knob out of range": (["estimator=linear_dml", "estimator.folds=1"], "folds: wanted a whole number of at least 2, got 1", ""),
    "a circle in the graph": (["+graph.arrows.plans.need='a test'"], "GraphError", "circle within one year"),
    "an arrow to nowhere": (["+graph.arrows.need.closur='a test'"], "'closur', which is no node", "Did you mean 'closures'"),
    "an arrow without a reason": (["+graph.arrows.need.closures=''"], "wanted a reason, got none", ""),
    "a missing file": (["source=table", "source.path=nowhere.csv"], "nowhere.csv", ""),
    "no path for a source that needs one": (["source=england"], "source.path", "give it on the command line"),
    "a missing folder": (["source=england", "source.path=nowhere"], "nowhere", ""),
    "a treatment that is no node": (["question.treatment=closure"], "wanted a node that it has, got 'closure'", "Did you mean 'closures'"),
    "fewer than ten authorities": (["source.authorities=9"], "authorities", ""),
    "an estimator that cannot serve": (["estimator=causal_forest", "question.modifiers=[]"], "question.modifiers=[deprivation]", ""),
    "the target it does not have": (["question.target=ATT"], "targets the ATE", "question.target=ATE"),
    "two choices without -m": (["estimator=fixed_effects,difference"], "-m", ""),
    "a smallest effect of nothing": (["question.smallest_important=0"], "above 0", ""),
    "a modifier that is not there": (["question.modifiers=[idaci]"], "'idaci'", "question.modifiers=[]"),
    "the treatment as its own control": (["adjust_for=[authority,closures]"], "what the question is about", ""),
    "a treatment after its outcome": (["question.lag=-1"], "question.lag: wanted 0 or more", ""),
    "a lag beyond the panel": (["question.lag=9"], "to say how sure an answer is, got 0 authorities", "where the panel begins"),
    "no number of workers": (["workers=some"], "workers: wanted a whole number", "'some'"),
    "an unknown flag": (["--fast"], "wanted an option that it knows, got --fast", ""),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_gets_one_clear_message(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, says, also = BAD[name]
    light = SMALL if not any("source" in word for word in words) else LIGHT
    assert call("run", f"runs={tmp_path / 'runs'}", *light, *words) == 2
    err = capsys.readouterr().err.strip()
    assert says in err and also in err, err
    assert "Traceback" not in err and len(err.splitlines()) <= 2
    assert not finished(tmp_path)
    assert not list(tmp_path.rglob("report.html")) and not (tmp_path / "runs/.partial").exists()


def spoil(table: pd.DataFrame, how: str) -> pd.DataFrame:
    table = table.copy()
    if how == "duplicate rows":
        return pd.concat([table, table.iloc[[3]]])
    if how == "text in numbers":
        table["cut"] = table["cut"].astype(object)
        table.loc[4, "cut"] = "about half"
    if how == "infinities":
        table.loc[5, "poverty"] = float("inf")
    if how == "never varies":
        table["cut"] = 0.3
    if how == "not within":
        table["cut"] = table.groupby("area")["cut"].transform("first")
    if how == "few authorities":
        return table[table["area"] < "Area 08"]
    if how == "no column":
        return table.drop(columns="cut").assign(cuts=1.0)
    return table


def test_a_treatment_that_is_fixed_within_authorities_is_a_finding_with_a_whole_report(
    own: tuple[Path, list[str]], table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """docs/method.md, section 4, the gate: cannot be answered with these data, and what would answer it."""
    spoil(table, "not within").to_csv(tmp_path / "mine (1).csv", index=False)
    assert call("run", *own[1]) == 0
    folder = Path(capsys.readouterr().out.strip().splitlines()[-1])
    result = json.loads((folder / "result.json").read_text())
    assert result["verdict"]["gate"] == "not_estimable" and result["estimate"] is None
    assert "These data cannot show how" in result["answer"]["headline"] and "No estimate is given: " in result["answer"]["second"]
    assert "is not estimable within authority and year" in (folder / "report.html").read_text()
    assert call("report", str(folder)) == 0


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("duplicate rows", ["Area 00", "2013"]),
        ("text in numbers", ["cut", "6", "about half"]),
        ("infinities", ["poverty", "7"]),
        ("never varies", ["wanted a treatment that varies, got cut, which is 0.3 in all 90 usable rows"]),
        ("few authorities", ["got 8 authorities", "10"]),
        ("no column", ["'cut'", "Did you mean 'cuts'"]),
    ],
)
def test_a_spoilt_table_is_named_by_row_and_column(
    how: str, says: list[str], own: tuple[Path, list[str]], table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(table, how).to_csv(tmp_path / "mine (1).csv", index=False)
    assert call("run", *own[1]) == 2
    err = capsys.readouterr().err
    for one in says:
        assert one in err, err
    assert "Traceback" not in err and not finished(tmp_path)


def test_check_names_the_problems_of_a_table_and_is_quiet_about_a_clean_one(table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.csv"
    table.to_csv(path, index=False)
    assert call("check", str(path), "--authority", "area", "--year", "yr") == 0
    spoil(spoil(table, "text in numbers"), "duplicate rows").to_csv(path, index=False)
    assert call("check", str(path), "--authority", "area", "--year", "yr") == 2
    assert "about half" in capsys.readouterr().out
    assert call("check", str(tmp_path / "main.csv")) == 2
    assert "Did you mean 'mine.csv'" in capsys.readouterr().err


def test_an_experiment_without_its_package_line_is_detected(own: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    path = own[0] / "experiment/ours.yaml"
    path.write_text("title: Ours\naction: It\n")
    assert call("run", *own[1]) == 2
    assert "# @package _global_" in capsys.readouterr().err


def test_a_strange_folder_may_not_set_hydra_s_hooks(own: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    path = own[0] / "experiment/ours.yaml"
    path.write_text(path.read_text() + "hydra: {callbacks: {x: {_target_: os.system}}}\n")
    assert call("run", *own[1]) == 2
    assert "wanted hydra's own keys as they are" in capsys.readouterr().err  # tests/test_strangers.py has the other ways in


def test_where_results_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert call("run", f"runs={tmp_path / 'file'}", *SMALL) == 2
    assert "wanted the name of a folder" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "says"), [(["report", "nowhere"], "nowhere"), (["compare", "nowhere"], "no result.json"), (["list", "--fast"], "--fast")])
def test_other_commands_say_what_is_wrong(command: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*command) == 2
    assert says in capsys.readouterr().err


# --- the same bytes ---------------------------------------------------------------------------------------------------


REFITS = ["estimator.nuisance=ridge", "estimator.repetitions=1", "refuters.placebo_treatment.refits=4", "refuters.leave_one_out.refits=2"]
LEARNER = ["estimator=linear_dml", "beside=[]", "refuters=[placebo_treatment,leave_one_out]", *REFITS, "refuters.leave_one_out.regions=false"]
ALL = pytest.param(["estimator=fixed_effects"], id="formula", marks=long)


@pytest.mark.parametrize("chosen", [pytest.param(LEARNER, id="refits"), ALL])
def test_the_same_inputs_give_the_same_bytes_whatever_the_hash_seed_and_the_workers(chosen: list[str], tmp_path: Path) -> None:
    """Two processes, two hash seeds, one and two workers: result.json is equal but for provenance.times."""
    found = []
    words = [*chosen, "source.authorities=40"]
    for seed, workers in (("1", "1"), ("2", "2")):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-m", "causal.cli", "run", f"runs={tmp_path / seed}", f"workers={workers}", *words],
            capture_output=True,
            text=True,
            env=env,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        result = json.loads((Path(done.stdout.strip().splitlines()[-1]) / "result.json").read_text())
        result["provenance"].pop("times")
        found.append(json.dumps(result))
    assert found[0] == found[1]
