"""`causal new`: from a table to a study without editing, with published numbers beside it; templates that identify; what it asks when it cannot know."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from test_table_layouts import adopted, save

import causal.conf
from causal.cli import main
from causal.graph import Graph
from causal.own_data import read
from causal.sources.table import Table
from causal.table_flags import command

TEMPLATES = sorted((Path(causal.conf.__path__[0]) / "template").glob("*.yaml"))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands write where they are called."""
    monkeypatch.chdir(tmp_path)


def answer(*words: str) -> dict[str, Any]:
    """`causal run` of what `causal new` wrote, with one quick check."""
    given = ["run", "--config-dir", "mine", "experiment=ours", "workers=1", "baseline=null", *words]
    drop = [f"~refuters.{name}" for name in yaml.safe_load((TEMPLATES[0].parents[1] / "refuters/default.yaml").read_text())["defaults"] if name != "leverage"]
    assert main([*given, *drop]) == 0
    (found,) = (path for path in Path("runs").rglob("result.json") if "latest" not in path.parts)
    result: dict[str, Any] = json.loads(found.read_text())
    return result


def per_unit(result: dict[str, Any]) -> float:
    """The effect of one unit of the treatment."""
    question = result["question"]
    return float(result["estimate"]["effect"] / (question["treated"] - question["control"]))


def test_grunfeld_s_investment_is_baltagi_s_two_way_within(capsys: pytest.CaptureFixture[str]) -> None:
    """Baltagi 2021, Econometric Analysis of Panel Data, two-way within, ten firms: value 0.118, capital 0.358; no line edited."""
    from statsmodels.datasets import grunfeld

    save(Path(), grunfeld.load_pandas().data, "grunfeld.csv")
    words = ["--leave-out", "American Steel", "--treatment", "value", "--outcome", "invest", "--confounders", "capital"]
    assert main(["new", "grunfeld.csv", *words]) == 0
    out = capsys.readouterr().out
    assert "--authority firm --year year seem to be it" in out and "proposed: fixed_effects (ATE)" in out and out.rstrip().endswith("experiment=ours")
    assert round(per_unit(answer()), 3) == 0.118


def test_a_grant_for_training_is_holzer_s_scrap_rate() -> None:
    """Holzer, Block, Cheatham & Knott 1993, as Wooldridge prints it (Introductory Econometrics, example 14.1): grant −.252, last year's grant beside it."""
    from linearmodels.datasets import jobtraining

    save(Path(), jobtraining.load()[["fcode", "year", "lscrap", "grant", "grant_1"]], "training.csv")
    assert main(["new", "training.csv", "--treatment", "grant", "--outcome", "lscrap", "--confounders", "grant_1"]) == 0
    assert round(per_unit(answer()), 3) == -0.252


def test_public_capital_and_a_state_s_product_are_baltagi_and_pinnoi_s() -> None:
    """Baltagi & Pinnoi 1995, as printed by Baltagi 2021, two-way within: public capital −.030; logarithms by source.derived."""
    from linearmodels.datasets import munnell

    save(Path(), munnell.load(), "states.csv")
    logs = "{lgsp: {log: GSP}, lpcap: {log: P_CAP}, lpc: {log: PC}, lemp: {log: EMP}}"
    words = ["--derived", logs, "--treatment", "lpcap", "--outcome", "lgsp", "--confounders", "lpc,lemp,UNEMP"]
    assert main(["new", "states.csv", *words]) == 0
    assert round(per_unit(answer()), 3) == -0.030


def test_active_choice_and_organ_donors_is_kessler_and_roth_s(capsys: pytest.CaptureFixture[str]) -> None:
    """Kessler & Roth 2014 as Huntington-Klein prints it (The Effect, chapter 18): −.022; quarters are steps, and one treated state has no interval."""
    data = pytest.importorskip("causaldata", reason="causaldata, of the dev extra, is not installed").organ_donations.load_pandas().data
    save(Path(), data, "donors.csv")
    made = "{california: {dummy: State, is: California}, later: {at_least: Quarter_Num, value: 4}, active: {times: [california, later]}}"
    assert main(["new", "donors.csv", "--period", "steps", "--derived", made, "--treatment", "active", "--outcome", "Rate"]) == 0
    assert "a lag counts quarters" in capsys.readouterr().out
    result = answer("estimator=fixed_effects", "question.target=ATE")
    assert round(per_unit(result), 3) == -0.022 and result["estimate"]["lower"] is None


def test_a_way_of_teaching_economics_is_spector_and_mazzeo_s() -> None:
    """Spector & Mazzeo 1980 as Greene prints the linear probability model (Econometric Analysis, 7th edition, table 17.1): PSI .379."""
    from statsmodels.datasets import spector

    save(Path(), spector.load_pandas().data, "teaching.csv")
    assert main(["new", "teaching.csv", "--authority", "#", "--treatment", "PSI", "--outcome", "GRADE", "--confounders", "GPA,TUCE"]) == 0
    assert round(per_unit(answer()), 3) == 0.379


def test_insurance_and_spending_on_medicines_is_cameron_and_trivedi_s() -> None:
    """Cameron & Trivedi 2010, Microeconometrics Using Stata, section 6.3, least squares with robust errors: .0738788 (.0259848)."""
    from linearmodels.datasets import meps

    save(Path(), meps.load(), "medicines.csv")
    words = ["--treatment", "hi_empunion", "--outcome", "ldrugexp", "--confounders", "totchr,age,female,blhisp,linc"]
    assert main(["new", "medicines.csv", "--authority", "#", *words]) == 0
    result = answer("estimator=dowhy_linear")
    assert round(per_unit(result), 7) == 0.0738788 and round(result["estimate"]["std_error"], 7) == 0.0259848


def test_a_college_nearby_moves_schooling_and_schooling_wages_as_card_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Card 1995 as Wooldridge prints it (Introductory Econometrics, example 15.4): two-stage least squares .132; no line edited."""
    from linearmodels.datasets import card

    save(Path(), card.load(), "card.csv")
    others = "exper,expersq,black,smsa,south,smsa66," + ",".join(f"reg66{i}" for i in range(1, 9))
    words = ["--authority", "#", "--treatment", "educ", "--outcome", "lwage", "--confounders", others]
    assert main(["new", "card.csv", *words, "--instrument", "nearc4"]) == 0
    out = capsys.readouterr().out
    assert "proposed: two_stage_least_squares (ATE)" in out and "instrument: nearc4 given" in out
    assert yaml.safe_load(Path("mine/graph/ours.yaml").read_text())["nodes"]["unrecorded"]["measured"] is False
    assert round(per_unit(answer()), 3) == 0.132
    assert main(["new", "card.csv", *words, "--instrument", "exper", "--called", "other"]) == 2
    assert "a column that moves the treatment, and the outcome through it alone" in capsys.readouterr().err


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_every_template_is_a_graph_that_identifies_its_question_where_everything_is_measured(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A made-up panel with every node as a column, the treatment taken up or a dose as the template says: explain finds a way, run gives an estimate."""
    one = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key in ("title", "action", "when", "treatment", "outcome", "estimators", "nodes", "arrows", "measure", "negative_controls", "smallest_important"):
        assert one[key] or key == "measure", key
    assert len(one["smallest_important"]) == 3 and len(one["negative_controls"]) >= 2
    assert {*one["measure"], one["treatment"]["node"], one["outcome"]["node"]} == set(one["nodes"])
    r, tidy = np.random.default_rng(4), adopted(seed=4)
    frame = tidy.rename(columns={"d": one["treatment"]["node"], "y": one["outcome"]["node"]})
    if path.stem == "pilot":
        frame[one["treatment"]["node"]] = ((tidy.area == "A03") & (tidy.yr > 2013)).astype(float)
    elif path.stem in ("spending_cut", "closure", "exposure"):
        frame[one["treatment"]["node"]] += r.uniform(size=len(frame))
    for node, said in one["nodes"].items():
        if node not in frame:
            values = pd.Series(r.normal(size=len(frame)))
            frame[node] = values.groupby(frame.area).transform("first") if said.get("varies") == "authority" else values
    if one.get("cross_section"):
        frame = frame[frame.yr == 2014].drop(columns="yr")
    save(Path(), frame)
    others = ",".join(name for name in one["measure"] if name != one["treatment"]["node"])
    assert main(["new", "mine.csv", "--template", path.stem, *(["--confounders", others] if others else []), "--authority", "area"]) == 0
    out = capsys.readouterr().out
    assert "strategies: backdoor" in out, out
    result = answer()
    assert result["estimate"]["effect"] is not None and result["question"]["target"] == one["target"]


def test_a_template_s_cause_without_a_column_is_said_and_stays_in_the_graph(capsys: pytest.CaptureFixture[str]) -> None:
    save(Path(), adopted().assign(fsm=np.random.default_rng(1).normal(size=320)))
    words = ["--template", "waves", "--treatment", "d", "--outcome", "y"]
    assert main(["new", "mine.csv", *words]) == 0
    out = capsys.readouterr().out
    assert "no column for need (a yearly measure of what places were chosen by): give  --confounders need=COLUMN" in out
    assert yaml.safe_load(Path("mine/graph/ours.yaml").read_text())["nodes"]["need"]["measured"] is False
    assert main(["new", "mine.csv", *words, "--confounders", "need=fsm", "--called", "mapped"]) == 0
    assert "strategies: backdoor" in capsys.readouterr().out
    assert yaml.safe_load(Path("mine/experiment/mapped.yaml").read_text())["source"]["variables"] == {"need": {"column": "fsm"}, "y_": {"column": "y"}}


def test_a_template_alone_is_written_to_be_filled_in(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "--template", "closure"]) == 0
    assert "source.path=FILE" in capsys.readouterr().out
    experiment = yaml.safe_load(Path("mine/experiment/ours.yaml").read_text())
    assert experiment["source"]["path"] == "???" and experiment["question"]["treatment"] == "closed"
    graph = yaml.safe_load(Path("mine/graph/ours.yaml").read_text())
    Graph(**{key: value for key, value in graph.items() if key != "_target_"})
    assert main(["new", "--template", "closure"]) == 2
    assert "wanted new files, since nothing is written over" in capsys.readouterr().err


SHAPES: dict[str, tuple[Any, str, str, tuple[float, float]]] = {
    "waves with places that never have it": (lambda a: a.d, "callaway_santanna", "ATT", (0, 1)),
    "all have it in the end": (lambda a: ((a.yr - 2010) > a.area.str[1:].astype(int) % 5).astype(float), "imputation", "ATT", (0, 1)),
    "one place": (lambda a: ((a.area == "A07") & (a.yr > 2013)).astype(float), "fixed_effects", "ATE", (0, 1)),
    "on and off": (lambda a: (a.yr % 2 == a.area.str[1:].astype(int) % 2).astype(float), "fixed_effects", "ATE", (0, 1)),
    "coded 1 and 2": (lambda a: a.d + 1, "callaway_santanna", "ATT", (1, 2)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_treatment_s_shape_chooses_estimator_target_and_contrast(shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    made, estimator, target, (control, treated) = SHAPES[shape]
    save(Path(), adopted().assign(d=made))
    assert main(["new", "mine.csv", "--treatment", "d", "--outcome", "y"]) == 0
    experiment = yaml.safe_load(Path("mine/experiment/ours.yaml").read_text())
    assert {"override /estimator": estimator} in experiment["defaults"]
    question = experiment["question"]
    assert (question["target"], question["control"], question["treated"]) == (target, control, treated)
    capsys.readouterr()
    assert main(["explain", "--config-dir", "mine", "experiment=ours"]) == 0
    # what is proposed is what `causal explain` says suits, and the file names the others with the target each needs
    suits = capsys.readouterr().out.partition("Estimators that suit d (")[2].splitlines()[1:-1]
    assert suits[0].strip().startswith(f"{estimator} ({target}): ")
    text = Path("mine/experiment/ours.yaml").read_text()
    assert all(line.strip().partition(":")[0] in text for line in suits[1:] if " (AT" in line.partition(":")[0])


def test_a_dose_moves_by_about_what_it_moves_within_places_and_delta_is_a_tenth_of_the_mean() -> None:
    """By pandas: the standard deviation after means of places and years are taken out; the mean of the outcome."""
    r, tidy = np.random.default_rng(8), adopted()
    frame = tidy.assign(d=50 + 7 * r.normal(size=320), y=40 + r.normal(size=320))
    save(Path(), frame)
    assert main(["new", "mine.csv", "--treatment", "d", "--outcome", "y", "--harm", "decrease", "--lag", "1"]) == 0
    question = yaml.safe_load(Path("mine/experiment/ours.yaml").read_text())["question"]
    within = frame.d - frame.groupby("area").d.transform("mean")
    within = within - within.groupby(frame.yr).transform("mean")
    assert question["treated"] - question["control"] == round(float(within.std())) and question["control"] == pytest.approx(frame.d.median(), abs=4)
    assert question["smallest_important"] == 4 and (question["harm"], question["lag"]) == ("decrease", 1)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--treatment", "d"], "wanted --treatment and --outcome, columns of the table, or --template, got --treatment alone"),
        ([], "columns of the table, or --template, got none of them"),
        (["--treatment", "y", "--outcome", "y"], "wanted two variables, since an effect needs two"),
        (["--template", "closures"], "Did you mean 'closure'"),
        (["--treatment", "fixed", "--outcome", "y"], "does not change within any authority"),
        (["--treatment", "same", "--outcome", "y"], "wanted two values to compare, got 3 in every row"),
        (["--template", "waves", "--treatment", "d", "--outcome", "y", "--confounders", "ned=d"], "wanted a node of the template, got 'ned'; there is 'need'"),
    ],
)
def test_what_cannot_be_a_study_is_said(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    save(Path(), adopted().assign(fixed=np.repeat(np.arange(40) / 7, 8), same=3))
    assert main(["new", "mine.csv", *words]) == 2
    assert says in capsys.readouterr().err and not Path("mine").exists()


def test_a_choice_is_asked_for_and_its_line_pastes(capsys: pytest.CaptureFixture[str]) -> None:
    tidy = adopted()
    save(Path(), pd.concat([tidy.assign(sex=1), tidy.assign(sex=2, y=tidy.y + 1)]))
    own = [
        "--treatment",
        "d",
        "--outcome",
        "y",
        "--because",
        "it pays",
        "--smallest-important",
        "0.5",
        "--harm",
        "increase",
        "--to",
        "there",
        "--called",
        "boys",
    ]
    assert main(["new", "mine.csv", *own]) == 2
    out = capsys.readouterr().out.splitlines()
    assert not Path("there").exists() and out[-1] == f"  causal new mine.csv --authority area --year yr --only sex=1 {shlex.join(own)}"
    assert main(shlex.split(out[-1])[1:]) == 0
    written = yaml.safe_load(Path("there/experiment/boys.yaml").read_text())
    assert written["source"]["only"] == {"sex": ["1"]} and written["question"]["because"] == "it pays" and written["question"]["harm"] == "increase"


def test_columns_that_are_no_names_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    save(Path(), adopted().rename(columns={"d": "first treat.", "y": "Plans (rate)"}).assign(year=1))
    assert main(["new", "mine.csv", "--year", "yr", "--treatment", "first treat.", "--outcome", "Plans (rate)"]) == 0
    experiment = yaml.safe_load(Path("mine/experiment/ours.yaml").read_text())
    assert (experiment["question"]["treatment"], experiment["question"]["outcome"]) == ("first_treat", "Plans_rate")
    source = experiment["source"]
    panel = Table(**source).load()
    assert {"first_treat", "Plans_rate"} <= set(panel.names)
    assert read("mine.csv", **{key: value for key, value in source.items() if key != "path"}).digest == panel.digest
    capsys.readouterr()


def test_a_command_is_spelt_with_its_flags() -> None:
    assert (
        command("new", [Path("my file.csv")], {"authority": "LA (code)", "header": [1, 2]})
        == "causal new 'my file.csv' --authority 'LA (code)' --header '[1,2]'"
    )


def test_a_count_beside_its_people_is_offered_as_a_rate_and_as_exposure(capsys: pytest.CaptureFixture[str]) -> None:
    """Both lines work as printed; planted: 1 death per 1,000, a tenth more with the treatment, so that the mean of 2,050 deaths rises by about 205."""
    tidy = adopted()
    people = tidy.area.str[1:].astype(int).add(1) * 100_000
    deaths = np.random.default_rng(2).poisson(people / 1000 * 1.1**tidy.d)
    save(Path(), tidy.assign(deaths=deaths, people=people).drop(columns="y"))
    assert main(["new", "mine.csv", "--treatment", "d", "--outcome", "deaths"]) == 0
    out = capsys.readouterr().out
    assert "deaths counts, and people seems to count the people" in out
    flags = shlex.split(out.partition("compared by a rate, ")[2].partition(", or by")[0])
    assert main(["new", "mine.csv", "--treatment", "d", *flags, "--called", "rate"]) == 0
    assert "seems to count the people" not in capsys.readouterr().out
    words = out.partition(", or by  ")[2].splitlines()[0].split()
    result = answer(*words, "question.target=ATE")
    assert 150 < result["estimate"]["effect"] < 300


def test_a_year_of_beginning_is_made_a_treatment_and_one_outside_the_table_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The line of `check` and that of the refusal work as printed; the column made is that of the table's own treatment."""
    tidy = adopted()
    first = tidy[tidy.d > 0].groupby("area").yr.min()
    save(Path(), tidy.assign(opened=tidy.area.map(first), far=tidy.area.map(first) + 50).rename(columns={"y": "on"}))
    keys = ["mine.csv", "--authority", "area", "--year", "yr", "--outcome", "on"]
    assert main(["check", *keys, "--treatment", "opened"]) == 0
    assert "--derived '{since_opened: {since: opened}}' --treatment since_opened" in capsys.readouterr().out
    assert main(["new", *keys, "--treatment", "opened"]) == 2
    assert main(shlex.split(capsys.readouterr().err.partition("make one of it:  ")[2])[1:]) == 0
    source = yaml.safe_load(Path("mine/experiment/ours.yaml").read_text())["source"]
    frame = Table(**source).load().frame
    assert frame.since_opened.to_numpy() == pytest.approx(tidy.set_index(["area", "yr"]).d.reindex(frame.index).to_numpy()) and "on_" in frame
    save(Path(), tidy.assign(opened=tidy.area.map(first).map(lambda year: f"01/04/{year:.0f}", na_action="ignore"), far=0).rename(columns={"y": "on"}))
    assert main(["new", *keys, "--treatment", "opened"]) == 2
    assert main([*shlex.split(capsys.readouterr().err.partition("make one of it:  ")[2])[1:], "--called", "dates"]) == 0
    dated = Table(**yaml.safe_load(Path("mine/experiment/dates.yaml").read_text())["source"]).load().frame
    assert dated.since_opened.to_numpy() == pytest.approx(frame.since_opened.to_numpy())
    save(Path(), tidy.assign(far=tidy.area.map(first) + 50).rename(columns={"y": "on"}))
    for verb in ("check", "new"):
        assert main([verb, *keys, "--treatment", "far"]) == 2
        assert "load the years before and after" in capsys.readouterr().err


def test_files_with_years_as_columns_are_called_as_the_files_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Two files, each one measure; the line printed reads both, and one name for all says how to give two. By pandas' own pivot."""
    tidy = adopted()
    for name in ("d", "y"):
        save(Path(), tidy.pivot(index="area", columns="yr", values=name).reset_index(), f"{name} wide.csv")
    assert main(["check", "d wide.csv", "y wide.csv"]) == 2
    out = capsys.readouterr().out.splitlines()
    words = shlex.split(out[-1])[1:]
    assert main(words) == 0
    assert "d_wide, y_wide" in capsys.readouterr().out
    assert main(["check", "d wide.csv", "y wide.csv", "--authority", "area", "--years-across", "value"]) == 2
    assert "--years-across '{d wide.csv: d_wide, y wide.csv: y_wide}'" in capsys.readouterr().out
