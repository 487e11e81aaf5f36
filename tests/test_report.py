"""The report says what the result says, in the same bytes each time, and can be made again from result.json alone."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from causal.errors import DataError
from causal.estimate import Part
from causal.estimators.difference import Difference
from causal.estimators.fixed_effects import FixedEffects
from causal.graph import Graph
from causal.language import BANNED, banned_word
from causal.open_data import EVERYWHERE, problems
from causal.panel import Loss, Panel, Variable
from causal.question import Question
from causal.refutation import Refutation
from causal.report import page, phrases, tables
from causal.report.compare import compare
from causal.report.figures import canvas as figures
from causal.report.figures import graph_figure, layout
from causal.report.files import rebuild, write
from causal.report.first import first
from causal.report.index import index
from causal.report.outcomes import families
from causal.report.record import KEYS, plain, read, record, text
from causal.study import Result, Study, run
from causal.verdict.decide import judge
from causal.verdict.rule import BIAS

MADE_AGAIN = ("report.html", "summary.md", "effects.csv", "effects.meta.csv", "refutations.csv", "refutations.meta.csv")
PLANTED = "SIMULATED. Planted truth: 4.0 more children on plans per 10,000 children"
NASTY = 'centres <script>alert("x")</script> & $\\alpha$ | closed'


class Made:
    """A panel of forty made-up authorities."""

    def __init__(self, *, need: bool = True, simulated: bool = True, codes: str = "S{:03d}") -> None:
        self.need, self.simulated, self.codes = need, simulated, codes

    def load(self) -> Panel:
        rng = np.random.default_rng(0)
        names = [self.codes.format(i) for i in range(40)]
        index = pd.MultiIndex.from_product([names, range(2012, 2019)], names=["authority", "year"])
        place = np.repeat(rng.normal(size=40), 7)
        need = rng.normal(size=280)
        closed = np.clip(0.3 + 0.1 * place + 0.1 * need + 0.2 * rng.normal(size=280), 0, 1)
        plans = 50 + 5 * place + 2 * need + 8 * closed + 2 * rng.normal(size=280)
        columns = {"closed": closed, "plans": plans, "children": np.full(280, 60_000.0), "poor": np.repeat(np.arange(40.0), 7)}
        columns |= {"need": need} if self.need else {}
        variables = {
            "closed": Variable(name="closed", label=NASTY, unit="share", source="made up"),
            "plans": Variable(name="plans", label="children on plans", unit="per 10,000 children", source="made up", count_per=10_000),
            "children": Variable(name="children", label="children", unit="children", source="made up"),
            "poor": Variable(name="poor", label="deprivation", unit="rank", source="made up", varies="authority"),
            "need": Variable(name="need", label="need for help", unit="index", source="made up"),
        }
        places = pd.DataFrame({"name": [f"Place {i}" for i in range(40)], "region": [f"Region {i % 4}" for i in range(40)]}, index=pd.Index(names))
        return Panel(
            frame=pd.DataFrame(columns, index=index),
            variables=tuple(variables[name] for name in columns),
            places=places,
            title="made-up panel",
            population="children",
            simulated=self.simulated,
            planted={"words": "an effect of 4", "truth": 4.0, "odd": float("nan")} if self.simulated else {},
            log=(Loss(step="not reported", rows=7, authorities=("S999",)),),
            notes=("one sentence",),
        )


def arrows() -> dict[str, dict[str, object]]:
    return {
        "authority": {"closed": "politics lasts", "plans": "thresholds last", "need": "hardship lasts", "poor": "economies last"},
        "year": {"closed": "cuts hit all", "plans": "guidance changed for all", "need": "a recession hit all"},
        "need": {"closed": "councils keep centres where need is", "plans": 'need <b>shows</b> & "stays"'},
        "closed": {"plans": "families lose help"},
        "poor": {"need": "poverty strains"},
        "plans": {"plans": {"because": "a plan lasts", "lag": 1}},
    }


def study(**change: object) -> Study:
    nodes = {
        "authority": {"label": "all that lasts", "varies": "authority"},
        "year": {"label": "all that hit everyone", "varies": "year"},
        "poor": {"label": "deprivation", "varies": "authority"},
        "need": {"label": "need for help"},
        "closed": {"label": NASTY},
        "plans": {"label": "children on plans"},
    }
    graph = Graph(name="small", nodes=nodes, arrows=arrows())  # type: ignore[arg-type]
    question = Question(treatment="closed", outcome="plans", control=0, treated=0.5, smallest_important=2, because="so said the board", modifiers=("poor",))
    parts = {
        "title": "Closures & plans",
        "action": "Closing half the centres",
        "question": question,
        "graph": graph,
    }
    return Study(**{**parts, "source": Made(), "estimator": FixedEffects(), "baseline": Difference(), **change})  # type: ignore[arg-type]


ROLES = {"pre_trend": "timing", "negative_control_outcome": "negative_control", "placebo_treatment": "placebo"}


def refutation(name: str, survived: bool | None, p_value: float | None = None, **change: object) -> Refutation:
    bias = name in BIAS["dose"]
    base = {
        "family": "bias" if bias else "stability",
        "level": 0.05,
        "role": ROLES.get(name),
        "asks": f"What does {name} ask?",
        "expected": "nothing",
        "found": "something",
        "detects": "this",
        "cannot_detect": "that",
    }
    reason = "there is no such column" if survived is None else None
    return Refutation(name=name, survived=survived, p_value=p_value, reason=reason, **{**base, **change})  # type: ignore[arg-type]


def lead(since: int, effect: float) -> Part:
    name = f"{'lead' if since < 0 else 'lag'} {abs(since)}" if since else "now"
    return Part(
        kind="time",
        of="closed",
        name=name,
        since=since,
        effect=effect,
        std_error=1,
        lower=effect - 2,
        upper=effect + 2,
        joint_lower=effect - 3,
        joint_upper=effect + 3,
    )


@pytest.fixture(scope="module")
def bare() -> Result:
    return run(study())


@pytest.fixture(scope="module")
def result(bare: Result) -> Result:
    checks = (
        refutation("placebo_treatment", True, 0.4, numbers={"draws": 99.0, "broken": float("inf")}),
        refutation("future_treatment", True, 0.6, parts=(lead(1, 3), lead(0, 4), lead(-1, 0.5), lead(-2, -0.5))),
        refutation("negative_control", None),
        refutation("leave_one_out", False),
    )
    return judged(bare, checks)


@pytest.fixture(scope="module")
def unidentified() -> Result:
    return run(study(source=Made(need=False), title="Without need"))


@pytest.fixture
def folder(result: Result, tmp_path: Path) -> Path:
    write(result, tmp_path / "run", provenance(), "experiment: made\n")
    return tmp_path / "run"


def judged(result: Result, checks: tuple[Refutation, ...]) -> Result:
    at = result.study
    verdict = judge(
        at.rule,
        at.question,
        result.design,
        result.estimate,
        checks,
        identification=result.identification,
        outcome=result.panel.variable("plans"),
    )
    return replace(result, refutations=checks, verdict=verdict)


def provenance() -> dict[str, object]:
    return {"command": ["causal", "run", "title=a b"], "seed": 2019, "versions": {"numpy": "2"}, "config": {"lag": 0}, "times": {"seconds": {"load": 0.1}}}


def strict(path: Path) -> dict[str, object]:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return dict(json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse))


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_the_record_is_strict_json_with_the_nouns_keys(result: Result, folder: Path) -> None:
    data = strict(folder / "result.json")
    assert tuple(data) == KEYS
    assert data == json.loads(text(record(result, {**provenance()})))
    estimate, found = data["estimate"], result.estimate
    assert found is not None and isinstance(estimate, dict)
    assert estimate["effect"] == found.effect and estimate["lower"] == found.lower  # every digit
    assert "influence" not in estimate
    assert data["refutations"][0]["numbers"]["broken"] is None  # type: ignore[index]
    assert data["source"]["planted"]["odd"] is None  # type: ignore[index]
    assert data["design"]["lost"][0]["names"] == ["S999"]  # type: ignore[index]
    assert len(data["source"]["places"]) == 40  # type: ignore[index]


def test_what_json_cannot_hold_is_named() -> None:
    with pytest.raises(TypeError, match=r"here\.deep\[1\] is a object"):
        plain({"deep": [1, object()]}, "here")
    given = {"a": np.float64("nan"), "b": np.int64(3), "c": np.array([1.5, np.inf]), "d": np.bool_(True)}
    assert plain(given) == {"a": None, "b": 3, "c": [1.5, None], "d": True}


def test_the_same_result_gives_the_same_bytes(result: Result, folder: Path, tmp_path: Path) -> None:
    write(result, tmp_path / "again", provenance(), "experiment: made\n")
    assert files(folder) == files(tmp_path / "again")


def test_everything_is_made_again_from_the_record_alone(folder: Path) -> None:
    before = files(folder)
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in ("result.json", "influence.csv", "config.yaml"):
            path.unlink()
    rebuild(folder)
    assert files(folder) == before
    assert set(MADE_AGAIN) <= set(before)


def test_making_it_again_loads_no_heavy_guest(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from causal.report.files import rebuild; rebuild(Path(sys.argv[1]));"
        "print([m for m in ('dowhy', 'econml', 'sklearn', 'matplotlib.pyplot') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_the_page_says_the_answer_first_and_fetches_nothing(result: Result, folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    body = unescape(html[html.index("<main") :])
    answer = result.answer
    assert answer.headline in body and len(answer.headline.split()) <= 20
    assert body.index(answer.headline) < body.index(answer.second) < body.index("Typical authority") < body.index(answer.next)
    order = [
        "range",
        "strength",
        "estimates",
        "by-deprivation",
        "checks",
        "each",
        "events",
        "dose",
        "graph",
        "power",
        "cannot",
        "assumptions",
        "data",
        "limits",
    ]
    order.append("provenance")
    places = [body.index(f'<section id="{one}">') for one in order]
    assert places == sorted(places)
    assert "causal run 'title=a b'" in body
    assert not re.findall(r"""(?:src|href|srcset|action)\s*=\s*["']?(?:https?:)?//""", html)
    assert not re.findall(r"https?://", html)
    assert "@import" not in html and "url(" not in html
    assert '<html lang="en-GB">' in html and 'name="viewport"' in html and 'href="#main"' in html
    assert body.index(answer.next) < body.index(answer.cannot_say[0])
    assert "SIMULATED" in html and "Planted truth: 4.0 more children on plans per 10,000 children." in unescape(html)
    for word in ("passed", "did not pass", "not run"):
        assert word in body


def test_labels_cannot_bring_in_tags(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in html.lower() and "&lt;script&gt;" in html
    assert "<b>shows" not in html
    assert "<script" not in (folder / "summary.md").read_text(encoding="utf-8")
    for drawing in (folder / "figures").glob("*.svg"):
        assert "<script" not in drawing.read_text(encoding="utf-8")
    assert "$\\alpha$" in (folder / "figures" / "graph.svg").read_text(encoding="utf-8")  # shown, not set as mathematics


def test_figures_stand_alone_and_say_what_they_show(folder: Path) -> None:
    from xml.etree import ElementTree

    names = sorted(path.stem for path in (folder / "figures").glob("*.svg"))
    assert names == ["by_deprivation", "dose", "estimates", "event_study", "graph", "power", "steps"]
    for name in names:
        root = ElementTree.fromstring((folder / "figures" / f"{name}.svg").read_text(encoding="utf-8"))
        title = root.find("{http://www.w3.org/2000/svg}title")
        assert root.get("role") == "img" and title is not None and len(title.text or "") > 40


def test_the_event_study_runs_from_lead_to_lag(folder: Path) -> None:
    parts, whose = figures.event_parts(read(folder))
    assert [part["name"] for part in parts] == ["lead 2", "lead 1", "now", "lag 1"]
    assert whose == "the check on future treatment"
    assert "both leads include zero" in figures.event_study(read(folder)).alt  # type: ignore[union-attr]


def test_roles_come_from_the_identification(folder: Path) -> None:
    assert graph_figure.roles(read(folder)) == {
        "authority": "absorbed",
        "year": "absorbed",
        "poor": "not used",
        "need": "adjusted for",
        "closed": "treatment",
        "plans": "outcome",
    }


def test_a_question_that_cannot_be_answered_has_a_page(unidentified: Result, tmp_path: Path) -> None:
    write(unidentified, tmp_path, provenance(), "")
    html = unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "These data cannot show how" in html and "It would take need for help" in html and "Get need for help" in html
    assert strict(tmp_path / "result.json")["estimate"] is None
    (row,) = rows(tmp_path / "effects.csv")
    assert row["estimate"] == "x" and row["role"] == "answer"
    assert rows(tmp_path / "refutations.csv") == [] and rows(tmp_path / "influence.csv") == []
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["graph.svg"]


def test_the_planted_truth_is_that_of_the_question_or_is_not_given(unidentified: Result) -> None:
    """A simulated source that does not know the effect of this very question (another lag, level or outcome) says so, and no other figure stands in."""
    data = record(unidentified, {})
    assert phrases.made_up(data) == PLANTED and "Planted truth: 4.0 more" in first(data)["banner"]
    data["source"]["planted"] = {"words": "an effect of 9", "truth": None, "effect": 9.0}
    assert phrases.made_up(data) == "SIMULATED" and "What was planted for this very question is not known." in first(data)["banner"]
    assert "9" not in str({key: value for key, value in first(data).items() if key in ("banner", "picture", "means")})
    data["source"]["simulated"] = False
    assert phrases.made_up(data) == "" == first(data)["banner"]


def test_every_colour_of_a_figure_has_a_dark_one(folder: Path) -> None:
    """A colour without its partner would be a light patch on a dark page: of all colours that figures of a full page hold, each stands in the rules."""
    for path in (folder / "figures").glob("*.svg"):
        head, _, drawn = path.read_text(encoding="utf-8").partition("</style>\n  <style>")
        rules, _, marks = drawn.partition("</style>")
        assert "prefers-color-scheme: dark" in rules and len(head) < 5000
        used = set(re.findall(r"#[0-9a-f]{6}\b", marks.lower()))
        assert used and used <= set(figures.DARK), (path.name, used - set(figures.DARK))
        assert all(f"fill: {one}" in rules and f"stroke: {one}" in rules for one in used)
    assert not set(figures.DARK.values()) & set(figures.DARK)  # no rule changes what another has changed


def test_a_result_without_checks_baseline_parts_or_interval_has_a_page(bare: Result, tmp_path: Path) -> None:
    assert bare.estimate is not None
    blank = {"std_error": None, "lower": None, "upper": None, "p_value": None, "df": None}
    thin = replace(bare, baseline=None, estimate=replace(bare.estimate, parts=(), influence=None, **blank))
    write(judged(thin, ()), tmp_path, {}, "key: value\n")
    html = unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "No check was asked for" in html and "the error is unknown" in html and "No valid range is known" in html
    assert "key: value" in html  # the configuration, though provenance had none
    assert "treatment of later years (not run)" in html and "This run did not ask for it." in html


def test_an_estimate_that_failed_its_checks_is_not_sold(bare: Result, tmp_path: Path) -> None:
    failed = judged(bare, (refutation("future_treatment", False, 0.0001), refutation("pre_trend", True, 0.5)))
    assert failed.verdict.failed == ("future_treatment",)  # what it found is not known
    write(failed, tmp_path, provenance(), "")
    html = unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Not to be used" in html and "In a typical authority (" not in html
    assert "It takes the answer away" in html and "the estimate failed its checks" in html


def test_tables_keep_the_open_data_form(folder: Path) -> None:
    for name in ("effects", "refutations"):
        raw = (folder / f"{name}.csv").read_text(encoding="utf-8")
        heads = raw.splitlines()[0].split(",")
        assert problems(folder / f"{name}.csv") == []
        assert heads[:5] == list(EVERYWHERE)
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", head) for head in heads) and len(set(heads)) == len(heads)
        meta = rows(folder / f"{name}.meta.csv")
        assert [row["col_name"] for row in meta] == heads[5:]
        assert {row["col_type"] for row in meta} <= {"Filter", "Indicator"}
    effects = rows(folder / "effects.csv")
    assert all(None not in row and "" not in row.values() for row in effects)
    assert {row["country_name"] for row in effects} == {"SIMULATED"} and {row["country_code"] for row in effects} == {"z"}
    assert {row["geographic_level"] for row in effects} == {"National"} and {row["simulated"] for row in effects} == {PLANTED}
    assert [row["part_kind"] for row in effects if row["role"] == "answer"] == ["all", *["group"] * 5, "all"]
    assert {row["role"] for row in effects} == {"answer", "comparison", "check future_treatment"}
    checks = {row["check"]: row for row in rows(folder / "refutations.csv")}
    assert checks["negative_control"]["result"] == "not_run" and checks["negative_control"]["p_value"] == "x"
    assert (
        checks["leave_one_out"]["result"] == "did_not_pass"
        and checks["leave_one_out"]["bias"] == "no"
        and checks["future_treatment"]["bias_result"] == "passed"
    )


@pytest.mark.parametrize(("simulated", "codes", "country"), [(False, "E{:08d}", "England"), (False, "A{:03d}", "x"), (True, "E{:08d}", "SIMULATED")])
def test_only_english_places_are_called_england(bare: Result, simulated: bool, codes: str, country: str) -> None:
    panel = Made(simulated=simulated, codes=codes).load()
    data = record(replace(bare, panel=panel, design=None), {})
    assert tables.setting(data)["country_name"] == ("x" if country == "x" else country)


def test_influence_adds_up_to_the_error(result: Result, folder: Path) -> None:
    banned_word = rows(folder / "influence.csv")
    assert banned_word[0]["authority_name"] == "Place 0" and len(banned_word) == 40
    assert result.estimate is not None and result.estimate.std_error is not None
    assert sum(float(row["score"]) ** 2 for row in banned_word) ** 0.5 == pytest.approx(result.estimate.std_error)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, r"wanted the folder of a finished run, which holds result\.json, got one that holds nothing"),
        ("{", "not strict JSON, at line 1"),
        ('{"schema_version": 1, "x": NaN}', "holds NaN"),
        ('{"schema_version": 99}', r"result\.json: wanted schema_version 1, .* got 99; use the later version"),
        ('{"schema_version": 1}', "lacks title"),
        ("[]", r"result\.json: wanted schema_version 1, .* got None; run the study again"),
    ],
)
def test_a_folder_that_holds_no_record_is_refused(tmp_path: Path, content: str | None, says: str) -> None:
    if content is not None:
        (tmp_path / "result.json").write_text(content)
    with pytest.raises(DataError, match=says):
        read(tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        read(tmp_path / "nowhere")


def test_only_equal_estimands_of_one_question_stand_together(bare: Result, result: Result, unidentified: Result, folder: Path, tmp_path: Path) -> None:
    assert bare.baseline is not None
    other = replace(bare.study, question=replace(bare.study.question, treated=1.0))
    runs = {"b": replace(bare, estimate=bare.baseline), "c": unidentified, "d": replace(bare, study=other), "e": bare}
    for name, one in runs.items():
        write(one, tmp_path / name, provenance(), "")
    folders = [folder, *(tmp_path / name for name in runs)]
    refused = [{"estimator": "causal_forest", "experiment": "made", "reason": "wants <more> | rows"}]
    compare(folders, refused=refused, folder=tmp_path / "both")
    compare([*reversed(folders), folder], refused=refused, folder=tmp_path / "back")
    assert files(tmp_path / "both") == files(tmp_path / "back")
    data = strict(tmp_path / "both" / "compare.json")
    grouped = [[len(group["runs"]) for group in section["groups"]] for section in data["sections"]]  # type: ignore[attr-defined,index]
    assert sorted(grouped) == [[1], [1, 2, 1]]
    html = (tmp_path / "both" / "compare.html").read_text(encoding="utf-8")
    assert 'href="../run/report.html"' in html and html.count("<script") == 1 and "Wants &lt;more&gt;" in html
    table = rows(tmp_path / "both" / "compare.csv")
    assert len(table) == 6 and table[-1]["refused_because"].startswith("wants")
    assert len(rows(tmp_path / "both" / "compare.meta.csv")) == len(table[0]) - 5
    assert "](../run/report.html)" in (tmp_path / "both" / "compare.md").read_text(encoding="utf-8")


def test_several_outcomes_of_one_treatment_get_p_values_that_allow_for_all(bare: Result, tmp_path: Path) -> None:
    """The larger of two t statistics is set against the larger of two, the smaller against itself: signs turned here by hand, scores matched by name."""
    asked, answer = bare.study.question, bare.estimate
    assert answer is not None and answer.influence is not None and answer.std_error is not None
    first = replace(answer, effect=2.4 * answer.std_error, p_value=0.01)
    second = replace(answer, effect=-2.2 * answer.std_error, p_value=0.02, influence=np.random.default_rng(1).permutation(answer.influence))
    write(replace(bare, estimate=first), tmp_path / "plans", provenance(), "")
    write(replace(bare, study=replace(bare.study, question=replace(asked, outcome="children")), estimate=second), tmp_path / "children", provenance(), "")
    without = replace(second, influence=None)
    write(replace(bare, study=replace(bare.study, question=replace(asked, outcome="need")), estimate=without), tmp_path / "need", provenance(), "")
    banned_word = (tmp_path / "plans" / "influence.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "plans" / "influence.csv").write_text("\n".join([banned_word[0], *reversed(banned_word[1:])]) + "\n", encoding="utf-8")
    signs = np.random.default_rng(8).choice([-1.0, 1.0], size=(40_000, 40))
    drawn = np.abs(signs @ np.column_stack([first.influence, second.influence])) / answer.std_error  # type: ignore[list-item]
    expected = {"plans": (drawn.max(axis=1) >= 2.4).mean(), "children": (drawn[:, 1] >= 2.2).mean()}
    expected["children"] = max(expected.values())
    folders = [tmp_path / name for name in ("plans", "children", "need")]
    compare(folders, folder=tmp_path / "both")
    compare([*reversed(folders), folders[0]], folder=tmp_path / "back")
    assert files(tmp_path / "both") == files(tmp_path / "back")
    (family,) = strict(tmp_path / "both" / "compare.json")["outcomes"]  # type: ignore[misc, attr-defined]
    found = {one["outcome"]: one for one in family["outcomes"]}
    assert list(found) == ["children", "need", "plans"] and family["clusters"] == 40
    for name, p_value in expected.items():
        assert found[name]["p_value_adjusted"] == pytest.approx(p_value, abs=0.007) and p_value > found[name]["p_value"]
    assert found["need"]["p_value_adjusted"] is None and "kept no scores" in found["need"]["reason"]
    table = {row["outcome"]: row["p_value_adjusted"] for row in rows(tmp_path / "both" / "compare.csv")}
    assert table["need"] == "x" and float(table["children"]) == found["children"]["p_value_adjusted"]
    for name in ("compare.html", "compare.md"):
        text = (tmp_path / "both" / name).read_text(encoding="utf-8")
        assert "Several outcomes" in text and "3 outcomes of closed, fixed effects" in text and "not adjusted: it kept no scores" in text

    def told(*names: str) -> list[list[float | None]]:
        made = families([(read(tmp_path / name), tmp_path / name, name) for name in names])
        return [[one["p_value_adjusted"] for one in family["outcomes"]] for family in made]

    write(replace(bare, estimate=replace(first, p_value=0.5)), tmp_path / "few", provenance(), "")
    assert told("few", "children")[0][1] == 0.5  # never below the run's own
    assert told("plans", "need") == [[None, None]] and told("plans") == told("plans", "few") == []
    (folders[1] / "influence.csv").write_text("authority_code,score\nS000,1.5\n")
    assert told("plans", "children") == [[None, None]]  # scores of another run
    (folders[1] / "influence.csv").write_text("authority_code,score\nS000,much\n")
    with pytest.raises(DataError, match=r"influence\.csv.*run the study again"):
        told("plans", "children")


def test_what_the_study_could_have_seen_is_on_the_page_and_in_the_record(result: Result, folder: Path) -> None:
    verdict = strict(folder / "result.json")["verdict"]
    assert isinstance(verdict, dict) and result.verdict.equivalence is not None
    assert verdict["equivalence"]["p_above"] == result.verdict.equivalence.p_above and verdict["kind"] == "dose" and verdict["maryland"] == 3
    assert [point["effect"] for point in verdict["power"]] == [-8.0, -6.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0]
    assert all(abs(sum(point["rows"].values()) - 1) < 1e-9 for point in verdict["power"])
    html = unescape((folder / "report.html").read_text(encoding="utf-8"))
    assert "Two one-sided tests" in html and "against an effect of −2 or less" in html and "They change no word" in html
    assert "What this study could have seen" in html and "Little or none" in html


OLD_VERDICT = {
    "finding": "may",
    "direction": "increase",
    "headline": "SIMULATED: Closing half the centres may have increased children on plans: +4.0 (95% interval +3.0 to +5.0).",
    "range_in_words": "The data are compatible with +3.0 to +5.0.",
    "strength": "limited",
    "strength_reasons": ["a comparison over time", "lowered by 1: a check"],
    "decisive": {"future_treatment": "passed", "implied_independence": "not run"},
    "cannot_say": ["Whether the sky is blue."],
    "detectable": 3.0,
    "typical_population": None,
    "typical_effect": None,
    "typical_lower": None,
    "typical_upper": None,
}


@pytest.mark.parametrize(("schema", "finding"), [(1, "may"), (2, "failed_checks"), (2, "association"), (2, "no_interval")])
def test_a_record_from_before_classes_makes_pages_with_the_headline_that_it_has(folder: Path, tmp_path: Path, schema: int, finding: str) -> None:
    """As schemas 1 and 2 wrote it: no answer, no facts, sentences in the verdict."""
    data = strict(folder / "result.json")
    del data["answer"]
    decisive = OLD_VERDICT["decisive"] | ({"future_treatment": "failed"} if finding == "failed_checks" else {})  # type: ignore[operator]
    old = {"by_design": {}, "lowers": {"check": 1}, "disagreement": 1.0, "level": 0.05, "decisive": None, "randomised": None}
    style = {"name": "plain", "answers": {"may": "{Action} may"}, "ranges": {"ruled_out": "{A_harm} is ruled out."}, "terms": {"passed": "held up"}}
    data |= {"schema_version": schema, "verdict": {**OLD_VERDICT, "finding": finding, "decisive": decisive}, "rule": old, "language": style}
    if finding == "no_interval":
        data["estimate"] |= {"lower": None, "upper": None, "std_error": None}  # type: ignore[operator]
    (folder / "result.json").write_text(json.dumps(data), encoding="utf-8")
    rebuild(folder)
    headline = str(OLD_VERDICT["headline"])
    for name in ("report.html", "summary.md"):
        text = unescape((folder / name).read_text(encoding="utf-8"))
        assert headline in text and "Limited" in text and "Whether the sky is blue." in text and "earlier version" in text
    assert "could have seen" not in (folder / "report.html").read_text(encoding="utf-8")
    compare([folder], folder=tmp_path / "both")
    assert headline in unescape((tmp_path / "both" / "compare.html").read_text(encoding="utf-8"))
    assert headline in unescape(index([folder], tmp_path / "all").read_text(encoding="utf-8"))


def test_all_files_of_a_run_say_the_same_fact(result: Result, folder: Path, tmp_path: Path) -> None:
    """Headline, second line, range and certainty in page, Markdown, Word, spreadsheet, index, comparison and record, read back from each."""
    import docx
    from python_calamine import load_workbook

    answer = result.answer
    compare([folder], folder=tmp_path / "both")
    sheets = load_workbook(str(folder / "effects.xlsx"))
    cells = " ".join(str(cell) for name in sheets.sheet_names for row in sheets.get_sheet_by_name(name).to_python() for cell in row)
    word = docx.Document(str(folder / "summary.docx"))
    written = " ".join([*(one.text for one in word.paragraphs), *(cell.text for table in word.tables for row in table.rows for cell in row.cells)])
    texts = {
        "page": (folder / "report.html").read_text(encoding="utf-8"),
        "summary": (folder / "summary.md").read_text(encoding="utf-8"),
        "record": (folder / "result.json").read_text(encoding="utf-8"),
        "comparison": (tmp_path / "both" / "compare.html").read_text(encoding="utf-8"),
        "comparison.md": (tmp_path / "both" / "compare.md").read_text(encoding="utf-8"),
        "index": index([folder], tmp_path / "all").read_text(encoding="utf-8"),
        "spreadsheet": cells,
        "Word": written,
    }
    for name, written in texts.items():
        plain = re.sub(r"\s+", " ", unescape(written).replace("\\", ""))
        assert answer.headline in plain, name
        assert (answer.interval in plain or answer.range in plain) and answer.certainty in plain, name
        assert name == "index" or answer.second in plain, name
        assert name == "record" or banned_word(re.sub(r"<style.*?</style>|<script.*?</script>", " ", plain), BANNED) is None, name
    assert banned_word(json.dumps(record(result, {})["answer"]), BANNED) is None


def test_a_comparison_of_nothing_but_refusals_is_written(tmp_path: Path) -> None:
    compare([], refused=[{"estimator": "a", "experiment": "b", "reason": "c"}], folder=tmp_path)
    assert "No run to compare; 1 study was refused" in (tmp_path / "compare.html").read_text(encoding="utf-8")


def test_a_layout_survives_circles_through_time_and_keeps_boxes_apart() -> None:
    arrows = [("a", "b", 0), ("b", "c", 0), ("a", "c", 0), ("c", "a", 1), ("c", "c", 1), ("a", "d", 0)]
    laid = layout.layered(list("abcde"), arrows, dict.fromkeys("abcde", 1.0), 0.2, 0.1)
    assert laid.backward == {("c", "a")}
    assert laid.column["a"] < laid.column["b"] < laid.column["c"]
    assert len(laid.routes["a", "c"]) == 1
    for x in "abcde":
        for y in "abcde":
            if x < y and laid.column[x] == laid.column[y]:
                assert abs(laid.height[x] - laid.height[y]) >= 1.2 - 1e-9


def test_words_follow_the_numbers() -> None:
    part = {"name": "a", "effect": 1.0, "lower": 0.2, "upper": 2.0, "joint_lower": 0.1, "joint_upper": 3.0}
    far = {"name": "b", "effect": 9.0, "lower": 8.0, "upper": 10.0, "joint_lower": 7.0, "joint_upper": 11.0}
    assert "do not show that the effect differs" in figures.gradient([part, {**part, "name": "b", "effect": 1.5}], "95% interval")
    assert "not the same in all" in figures.gradient([part, far], "95% interval")
    assert "is not known" in figures.gradient([part, {**far, "joint_lower": None}], "95% interval")
    assert phrases.tally([True, None]) == "Of 2 checks, 1 passed, 0 did not pass and 1 was not run."
    assert phrases.tally([True, True]) == "All 2 checks passed."
    given = [{"since": since} for since in (1, 0, -2)]
    assert [one["since"] for one in phrases.in_order(given)] == [-2, 0, 1] and phrases.in_order([*given, {"since": None}])[:3] == given
    assert "result.json" in dict(page.FILES)
