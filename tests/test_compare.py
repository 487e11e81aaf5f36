"""Comparison and index: which differences are more than noise, what the estimates were made with, and one page over everything that was run."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from test_report import bare, provenance, refutation, result, study, unidentified  # noqa: F401  (fixtures)

from causal.cli import main
from causal.errors import DataError
from causal.report.compare import compare
from causal.report.figures.curve import choices, curve
from causal.report.figures.differences import differences, differences_text
from causal.report.files import write
from causal.report.index import index
from causal.report.record import read
from causal.report.sortable import sortable
from causal.study import Result


def pair(slopes: tuple[float, float], shared: float, seed: int) -> tuple[list[dict[str, object]], list[np.ndarray]]:
    """Two slopes of y on x in 60 authorities, by least squares: their estimates and their authorities' scores."""
    rng = np.random.default_rng(seed)
    x, noise = rng.normal(size=60), rng.normal(size=60)
    made, scores = [], []
    for slope in slopes:
        y = slope * x + shared * noise + np.sqrt(1 - shared**2) * rng.normal(size=60)
        found = float(x @ y / (x @ x))
        score = x * (y - found * x) / (x @ x) * np.sqrt(60 / 59)
        error = float(np.sqrt((score**2).sum()))
        made.append({"effect": found, "std_error": error, "lower": found - 2 * error, "upper": found + 2 * error, "df": 59.0, "p_value": 0.5})
        scores.append(score)
    return made, scores


def kept(folder: Path, scores: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"A{i:02d},Place,{score!r},no" for i, score in enumerate(scores.tolist())]
    (folder / "influence.csv").write_text("\n".join(["authority_code,authority_name,score,simulated", *lines]) + "\n", encoding="utf-8")
    return folder


def test_a_difference_has_the_error_of_the_regression_of_the_difference(tmp_path: Path) -> None:
    """y1 − y2 on x, by statsmodels with HC1 errors, is the same difference with the same error (60 authorities of one row)."""
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    x = rng.normal(size=60)
    shared = rng.normal(size=60)
    ys = [0.4 * x + shared + 0.1 * rng.normal(size=60), 0.5 * x + shared + 0.1 * rng.normal(size=60)]
    runs = []
    for i, y in enumerate(ys):
        found = float(x @ y / (x @ x))
        score = x * (y - found * x) / (x @ x) * np.sqrt(60 / 59)
        error = float(np.sqrt((score**2).sum()))
        runs.append(({"estimate": {"effect": found, "std_error": error, "df": 59.0}}, kept(tmp_path / str(i), score)))
    (one,) = differences(runs, 1)["pairs"]
    direct = sm.OLS(ys[0] - ys[1], x).fit(cov_type="HC1", use_t=True)
    assert one["difference"] == pytest.approx(direct.params[0]) and one["std_error"] == pytest.approx(direct.bse[0])
    assert one["p_value"] == pytest.approx(direct.pvalues[0]) and (one["lower"], one["upper"]) == pytest.approx(tuple(direct.conf_int()[0]))
    # each interval holds the other's estimate, and yet they differ
    assert abs(one["difference"]) < 1.96 * runs[0][0]["estimate"]["std_error"] and one["p_value_adjusted"] < 0.01
    assert "1 is more than noise at 5%" in differences_text(differences(runs, 1), ["a", "b"])[0]


def test_equal_slopes_are_told_apart_no_oftener_than_promised(tmp_path: Path) -> None:
    """Of 100 pairs with one true slope, a test at 5% rejects at most 14 (99.9% limit of the binomial)."""
    wrong = 0
    for seed in range(100):
        made, scores = pair((0.3, 0.3), 0.8, seed)
        runs = [({"estimate": one}, kept(tmp_path / str(i), score)) for i, (one, score) in enumerate(zip(made, scores, strict=True))]
        (found,) = differences(runs, 0)["pairs"]
        wrong += found["p_value"] < 0.05
    assert 0 < wrong <= 14


def test_every_run_is_set_against_the_answer_and_what_kept_no_scores_is_named(tmp_path: Path) -> None:
    """Holm's p-values are those of statsmodels over the same differences."""
    from statsmodels.stats.multitest import multipletests

    made, scores = pair((0.3, 0.5), 0.5, 0)
    runs = []
    for i in range(14):
        one = {**made[i % 2], "effect": made[i % 2]["effect"] + 0.001 * i}  # type: ignore[operator]
        runs.append(({"estimate": one}, kept(tmp_path / str(i), scores[i % 2])))
    (tmp_path / "3" / "influence.csv").unlink()
    found = differences(runs, 6)
    assert found["left_out"] == [{"run": 3, "reason": "it kept no scores by authority"}]
    assert [pair["first"] for pair in found["pairs"]] == [0, 1, 2, 4, 5, *range(7, 14)] and {pair["second"] for pair in found["pairs"]} == {6}
    same = [pair for pair in found["pairs"] if pair["std_error"] is None]
    assert same and all(pair["p_value"] is None for pair in same)  # alike in every score
    tested = [pair for pair in found["pairs"] if pair["std_error"]]
    assert [pair["p_value_adjusted"] for pair in tested] == pytest.approx(multipletests([pair["p_value"] for pair in tested], method="holm")[1])
    assert "from the answer" in " ".join(differences_text(found, [f"run {i}" for i in range(14)]))
    assert differences(runs, 3)["pairs"] == []  # the answer itself kept none


@pytest.fixture
def specifications(bare: Result, tmp_path: Path) -> list[Path]:  # noqa: F811
    """Three runs of one estimand that differ in what is held fixed and in a setting of the source."""
    from causal.study import run

    names = {"all": None, "fewer": ("authority", "year"), "again": None}
    for i, (name, held) in enumerate(names.items()):
        made = run(study(adjust_for=held)) if held else bare
        write(made, tmp_path / "runs" / "made" / name, {**provenance(), "config": {"source": {"guard": i}, "refuters": {"a": i}}}, "")
    return [tmp_path / "runs" / "made" / name for name in names]


def test_what_estimates_were_made_with_stands_under_them(specifications: list[Path], tmp_path: Path) -> None:
    runs = [read(one) for one in specifications]
    found = dict(choices(runs))
    assert found == {
        "Holds need for help fixed": ["yes", "no", "yes"],
        "Holds children on plans, 1 year before fixed": ["yes", "no", "yes"],
        "Outcomes of": ["2013 to 2018", "2012 to 2018", "2013 to 2018"],
        "source guard": ["0", "1", "2"],
    }
    drawn = curve(runs, "curve")
    assert drawn is not None and "3 estimates of one estimand" in drawn.alt and "Holds need for help fixed" in drawn.svg
    assert curve(runs[:2], "curve") is None and curve([runs[0]] * 3, "curve") is None
    compare(specifications, folder=tmp_path / "both")
    html = unescape((tmp_path / "both" / "compare.html").read_text(encoding="utf-8"))
    assert "is the same estimate as the answer" in html and "More than noise" in html and "What each estimate was made with" in html
    (section,) = json.loads((tmp_path / "both" / "compare.json").read_text())["sections"]
    pairs = section["differences"]["pairs"]
    assert len(pairs) == 2 and {pair["second"] for pair in pairs} == {section["answer"]} and sum(pair["p_value"] is None for pair in pairs) == 1
    effects = {one["report"]: one["effect"] for group in section["groups"] for one in group["runs"]}
    assert all(one["difference"] == pytest.approx(effects[one["first"]] - effects[one["second"]]) for one in pairs)


def test_only_our_script_may_run_and_the_page_is_whole_without_it(specifications: list[Path], tmp_path: Path) -> None:
    from base64 import b64encode
    from hashlib import sha256

    compare(specifications, refused=[{"estimator": "x", "experiment": "y", "reason": "<script>alert(1)</script>"}], folder=tmp_path / "both")
    index(tmp_path / "runs", tmp_path / "runs")
    for page in (tmp_path / "both" / "compare.html", tmp_path / "runs" / "index.html"):
        html = page.read_text(encoding="utf-8")
        (script,) = [part.partition("</script>")[0] for part in html.split("<script>")[1:]]
        assert f"script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in unescape(html)
        assert "default-src 'none'" in unescape(html) and " onclick" not in html and "javascript:" not in html and "<button" not in html.replace(script, "")
        shown = html.count("<table") - html.count('aria-hidden="true"><thead')  # the words above the lines are a picture's
        assert shown == len(re.findall("<caption[ >]", html)) and 'scope="row"' in html
    assert "innerHTML" not in sortable()["script"] and "eval" not in sortable()["script"]


def test_the_index_lists_everything_and_can_be_moved(specifications: list[Path], unidentified: Result, result: Result, tmp_path: Path) -> None:  # noqa: F811
    runs = tmp_path / "runs"
    said = [{"who": "NAO, 2019", "what": "no consequential increase", "source": "Pressures on children's social care, p 9"}]
    write(replace(unidentified, study=replace(unidentified.study, said=tuple(said))), runs / "without", provenance(), "")
    dated = {**provenance(), "times": {"started": "2026-11-27T11:50:23+00:00"}, "config_digest": "c", "data_digest": "d"}
    for name in ("one", "two"):
        write(result, runs / name, dated, "")
    (runs / "latest").symlink_to("one", target_is_directory=True)
    for name, text in {
        "old": '{"schema_version": 99}',
        "cut": "{",
        "odd": (runs / "one" / "result.json").read_text().replace('"headline"', '"head"').replace('"config_digest": "c"', '"config_digest": "e"'),
    }.items():
        (runs / name).mkdir()
        (runs / name / "result.json").write_text(text, encoding="utf-8")
    part = {key: json.loads((runs / "one" / "result.json").read_text())[key] for key in ("source", "provenance", "schema_version")}
    (runs / "decompositions" / "growth").mkdir(parents=True)
    told_of = {**part, "decomposition": "growth", "title": "Growth of need", "asks": "What made it grow?", "headline": "41% of it is population"}
    (runs / "decompositions" / "growth" / "result.json").write_text(json.dumps(told_of), encoding="utf-8")
    assert main(["report", str(runs)]) == 0
    html = unescape((runs / "index.html").read_text(encoding="utf-8"))
    assert "5 studies and 1 decomposition; 3 cannot be read." in html and "1 run was left out" in html
    for words in (
        result.answer.headline,
        "27 November 2026",
        "NAO, 2019: No consequential increase.",
        "41% of it is population.",
        "SIMULATED",
    ):
        assert words in html
    assert "old/result.json: wanted schema_version 1, 2 or 3, which this version of the toolkit reads, got 99;" in html
    assert "strict JSON" in html and "odd/result.json is broken (KeyError: 'headline')" in html
    links = [part.partition('"')[0] for part in html.split('<a href="')[1:] if not part.startswith("#")]
    assert "without/report.html" in links and not any(link.startswith(("/", "file:")) for link in links)
    moved = tmp_path / "elsewhere"
    shutil.move(runs, moved)
    assert all((moved / link).is_file() for link in links if "growth" not in link)


def test_an_index_of_named_runs_keeps_their_order_and_names_the_refused(specifications: list[Path], tmp_path: Path) -> None:
    turned = [{"estimator": "causal_forest", "experiment": "made", "reason": "wants <more> | rows"}]
    path = index([specifications[1], tmp_path / "nowhere", specifications[0]], tmp_path / "study", title="Ein <b>Titel</b>", refused=turned, said="as planned")
    html = path.read_text(encoding="utf-8")
    assert "Ein &lt;b&gt;Titel" in html and "Wants &lt;more&gt; | rows." in html and "As planned." in html and "is no folder" in html
    assert html.index("made/fewer/report.html") < html.index("made/all/report.html")
    with pytest.raises(DataError, match=r"no result\.json"):
        index(tmp_path / "study", tmp_path / "study")


def test_runs_found_below_that_cannot_be_read_are_left_out_with_a_word(specifications: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs" / "old").mkdir()
    (tmp_path / "runs" / "old" / "result.json").write_text('{"schema_version": 99}')
    assert main(["compare", str(tmp_path / "runs"), "--to", str(tmp_path / "both")]) == 0
    assert "left out:" in capsys.readouterr().err
    assert main(["compare", str(tmp_path / "runs" / "old"), "--to", str(tmp_path / "more")]) == 2


def test_a_failed_estimate_is_not_sold_on_either_page(bare: Result, specifications: list[Path], tmp_path: Path) -> None:  # noqa: F811
    from test_report import judged

    failed = judged(bare, (refutation("implied_independence", False, 0.0001), refutation("future_treatment", True, 0.5)))
    write(failed, tmp_path / "runs" / "failed", provenance(), "")
    compare([tmp_path / "runs" / "failed"], folder=tmp_path / "both")
    index(tmp_path / "runs", tmp_path / "runs")
    for page in (tmp_path / "both" / "compare.html", tmp_path / "runs" / "index.html"):
        assert "failed its checks: not to be used" in page.read_text(encoding="utf-8")
