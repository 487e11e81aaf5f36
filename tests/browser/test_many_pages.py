"""Pages over many runs in a real browser: study, comparison, simulation and every decomposition, by axe-core's rules, on a telephone, by keyboard, in print;
and what a careless user might bring: 60 estimators, 300 questions, labels of 300 letters, no estimates at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from many import KINDS, answered, estimated, kept, told
from playwright.sync_api import Browser, Page
from readers import code_names
from test_pages import ARABIC, HARM, LONG, SIZES, WCAG, WELSH, bare, cells, full, opened  # noqa: F401  (fixtures)

from causal.cli import main as command_line
from causal.report.compare import compare
from causal.report.index import index
from causal.report.simulation import page as simulation_page
from causal.study import Result

SAID = [{"who": "NAO, 2019", "what": "no consequential increase", "source": "HC 1868"}, {"who": "Webb, 2024", "what": "two more", "source": "Sheffield"}]
# name → words that keep it quick
APART = {
    "variation": ["decomposition.draws=20"],
    "growth": ["decomposition.draws=0"],
    "peers": [],
    "heterogeneity": ["decomposition.splits=1", "decomposition.trees=8", "refuters={}"],
    "cost": ["decomposition.draws=1000", "refuters={}"],
}


@pytest.fixture(scope="module")
def kinds(bare: Result) -> dict[str, dict[str, Any]]:  # noqa: F811
    return {kind: answered(bare, kind) for kind in KINDS}


def scored(rng: np.random.Generator, error: float) -> dict[str, float]:
    drawn = rng.normal(size=40)
    return {f"S{i:03d}": float(one) for i, one in enumerate(drawn * error / np.sqrt((drawn**2).sum()))}


def several(folder: Path, data: dict[str, Any], number: int, label: str = "") -> Path:
    """A comparison of so many estimators, a third of them no effects, one without an estimate."""
    rng = np.random.default_rng(number)
    runs = []
    for i in range(number):
        name = "fixed_effects" if i == 0 else f"{label} {i}" if label else f"estimator_{i}"
        loose = i % 3 == 2
        within = data["estimate"]["estimand"]
        estimand = {**within, "comparison": "nothing", "family": "association"} if loose else {**within, "changes": i % 3 == 1}
        held = {"authority": not loose, "year": not loose, "controls": not loose}
        error = 1.0 + 0.1 * (i % 7)
        made = estimated(data, name, 5.0 + 0.3 * (i % 11), error, estimand=estimand, held=held, association=loose)
        runs.append(kept(folder / f"run{i}", made, scored(rng, error)))
    runs.append(kept(folder / "without", {**data, "estimate": None}))
    refused = [{"estimator": label or "causal_forest", "experiment": "made", "reason": label or "wants more rows"}]
    compare(runs, refused=refused, folder=folder / "both")
    return folder / "both" / "compare.html"


@pytest.fixture(scope="module")
def many(kinds: dict[str, dict[str, Any]], home: Path) -> dict[str, Path]:
    """One of each page."""
    made: dict[str, Path] = {}
    runs = [kept(home / "many" / kind, told(data, truth=4.0, said=SAID, label=f"outcome {i % 4}")) for i, (kind, data) in enumerate(kinds.items())]
    runs += [parted(home, name).parent for name in APART]
    made["study"] = index(
        runs, home / "many" / "study", title="Every question", refused=[{"experiment": "x", "reason": "not in these files"}], said="as planned"
    )
    made["comparison"] = several(home / "several", told(kinds["harm"], truth=4.0), 9)
    made |= {name: parted(home, name) for name in APART}
    share = {"of": 20, "share": 0.4, "lower": 0.2, "upper": 0.6}
    effects = [
        {
            "planted": true, "truth": true, "panels": 20, "refused": {}, "bias": 0.1, "bias_error": 0.2, "sampling_sd": 1.0, "mean_std_error": 1.0,
            "coverage": share, "excludes_zero": share, "answers": {"both": 15, "very_low": 5}, "certainties": {"high": 0, "low": 20},
            "false_at_moderate_or_above": share, "false_at_low_or_above": share, "checks": {"pre_trend": {"not_run": 0, "alarms": share}},
        }
        for true in (0.0, 2.0, 4.0)
    ]  # fmt: skip
    record = {
        "title": "Closures", "action": "Closing half the centres", "estimator": "fixed_effects", "panel": "made-up panel", "worlds": "panel", "panels": 20,
        "outcome": "plans", "unit": "per 10,000 children", "smallest_important": 2.0, "level": 0.95, "seed": 1, "effects": effects,
    }  # fmt: skip
    made["simulation"] = home / "simulation.html"
    made["simulation"].write_text(simulation_page(record), encoding="utf-8")
    return made


def parted(home: Path, name: str) -> Path:
    """The page of a decomposition, made once."""
    runs = home / "apart"
    if not (runs / "decompositions" / name).is_dir():
        assert command_line(["decompose", name, "experiment=centre_spending", *APART[name], f"runs={runs}"]) == 0
    (path,) = (runs / "decompositions" / name).rglob("report.html")
    return path


def whole(page: Page, width: int) -> None:
    """No rule of WCAG 2.2 AA is broken, nothing runs out of the page, every picture is there."""
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = Axe().run(page, options=WCAG)
    assert not found.response["violations"], found.generate_report()
    assert found.response["passes"] and page.evaluate("document.scrollingElement.scrollWidth") <= width
    assert page.locator("img").evaluate_all("all => all.every(one => one.complete && one.naturalWidth > 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("which", ["study", "comparison", "simulation", *APART])
def test_no_rule_of_wcag_2_2_aa_is_broken(browser: Browser, many: dict[str, Path], which: str, width: int, scheme: str) -> None:
    with opened(browser, many[which], width=width, scheme=scheme) as page:
        whole(page, width)
        if scheme == "dark":  # the page itself is dark, and so is what is behind its figures
            paper = page.evaluate("[document.body, ...document.querySelectorAll('figure .scroll')].map(one => getComputedStyle(one).backgroundColor)")
            assert set(paper) == {"rgb(20, 24, 28)"}


@pytest.mark.parametrize("which", ["study", "comparison", "simulation"])
def test_the_first_screen_has_the_answer_and_the_picture(browser: Browser, many: dict[str, Path], which: str) -> None:
    """At 1280 × 800: the title, and at least three lines of the one chart."""
    with opened(browser, many[which]) as page:
        assert page.locator("h1").bounding_box()["y"] < 300  # type: ignore[index]
        lines = page.locator("td.plot svg.row")
        seen = sum((box := lines.nth(i).bounding_box()) is not None and box["y"] + box["height"] <= SIZES[1280] for i in range(lines.count()))
        assert seen >= 3
        assert page.locator("table.forest").count() >= 1


def test_a_study_collapses_its_groups_on_a_telephone_and_shows_all_on_paper(browser: Browser, many: dict[str, Path]) -> None:
    with opened(browser, many["study"], width=360) as page:
        assert page.locator("details[data-fold][open]").count() == 1 < page.locator("details[data-fold]").count()
        assert page.evaluate("document.scrollingElement.scrollHeight") < 9_000
    with opened(browser, many["study"]) as page:
        assert page.locator("details[data-fold]:not([open])").count() == 0
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = false)")
        page.emulate_media(media="print")
        heights = page.locator("tr:not(.ax) td.plot").evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")
        assert min(heights) > 0


def test_questions_are_chosen_by_their_answer(browser: Browser, many: dict[str, Path]) -> None:
    with opened(browser, many["study"]) as page:
        page.get_by_label("Answer", exact=True).select_option("Some harm")
        assert page.locator("table.qs tbody tr:visible").count() == 1 and "1 of 12 rows shown" in page.inner_text("[role=status]")


@pytest.mark.parametrize("which", ["study", "comparison"])
def test_the_keyboard_reaches_everything(browser: Browser, many: dict[str, Path], which: str) -> None:
    """Tab from the beginning comes to every link, summary, button and field in the page's order."""
    with opened(browser, many[which]) as page:
        wanted = page.evaluate(
            """() => { const all = [...document.querySelectorAll('a[href], summary, button, input, select, [tabindex="0"]')]
            const shown = all.filter(one => one.checkVisibility()); shown.forEach((one, i) => one.dataset.order = i); return shown.length }"""
        )
        reached = []
        for _ in range(wanted):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.dataset.order"))
        assert wanted >= 5 and reached == [str(i) for i in range(wanted)]


@pytest.mark.parametrize("label", [HARM, WELSH, ARABIC, LONG[:300], "x" * 300], ids=["harm", "welsh", "arabic", "long", "unbroken"])
def test_odd_labels_leave_the_pages_whole(browser: Browser, kinds: dict[str, dict[str, Any]], label: str, tmp_path: Path) -> None:
    said = [{"who": label, "what": label, "source": label}]
    changed = {"title": label, "action": label, "short": "", "said": said}
    runs = [kept(tmp_path / kind, told(data, truth=4.0, label=label, **changed)) for kind, data in kinds.items()]
    study = index(runs, tmp_path / "study", title=label, refused=[{"experiment": label, "reason": label}], said=label)
    comparison = several(tmp_path / "several", told(kinds["harm"], truth=4.0, label=label, **changed), 6, label)
    for path in (study, comparison):
        with opened(browser, path, width=360) as page:
            whole(page, 360)
            assert page.locator("script").count() == 1 and page.locator("img[src=x]").count() == 0


def test_sixty_estimators_and_three_hundred_questions_stay_readable(browser: Browser, kinds: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """Every line is on the page, names are as large as in a small one, and the page's weight stays below two megabytes."""
    comparison = several(tmp_path / "several", told(kinds["harm"], truth=4.0), 60)
    names = list(kinds)
    runs = [
        kept(tmp_path / "runs" / str(i), told(kinds[names[i % len(names)]], label=f"outcome {i % 25}", action=f"Doing thing number {i}")) for i in range(300)
    ]
    study = index(runs, tmp_path / "study")
    for path, lines in ((comparison, 60), (study, 300 * 9 // 12)):
        assert path.stat().st_size < 2_000_000
        for width in SIZES:
            with opened(browser, path, width=width) as page:
                assert page.locator("td.plot svg.row").count() >= lines
                whole(page, width)
                assert (
                    page.evaluate("Math.min(...[...document.querySelectorAll('.forest tbody th')].map(one => parseFloat(getComputedStyle(one).fontSize)))")
                    >= 13
                )
    found = json.loads((comparison.parent / "compare.json").read_text(encoding="utf-8"))
    assert sum(len(section["differences"]["pairs"]) for section in found["sections"] if section["differences"]) == 59


def test_no_estimates_at_all_leave_the_pages_whole(browser: Browser, kinds: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    nothing = {**kinds["no_interval"], "estimate": None}
    nothing["verdict"] = {**nothing["verdict"], "gate": "not_estimable"}
    runs = [kept(tmp_path / str(i), told(nothing, refutations=[])) for i in range(3)]
    study = index(runs, tmp_path / "study")
    compare(runs, folder=tmp_path / "both")
    compare([], refused=[{"estimator": "a", "experiment": "b", "reason": "no rows"}], folder=tmp_path / "none")
    for path in (study, tmp_path / "both" / "compare.html", tmp_path / "none" / "compare.html"):
        for width in SIZES:
            with opened(browser, path, width=width) as page:
                whole(page, width)
    with opened(browser, study) as page:
        assert "None of 3 questions has an answer" in page.inner_text("h1") and page.locator("td.plot").count() == 0


def test_no_name_of_code_is_read_on_any_page(many: dict[str, Path], full: Path, cells: dict[str, Path]) -> None:  # noqa: F811
    """Columns, checks and parts go by names for readers; files, commands and the column that says what a variable is called in files keep their own."""
    reports = {name: folder / "report.html" for name, folder in {"full": full, **cells}.items()}
    found = {name: code_names(path.read_text(encoding="utf-8")) for name, path in {**many, **reports}.items()}
    assert not any(found.values()), {name: one for name, one in found.items() if one}
