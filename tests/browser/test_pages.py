"""What readers see in a real browser: axe-core's WCAG 2.2 AA rules, the first screen, the printed pages, the keyboard, and labels that try to do harm."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from test_report import Made, judged, lead, provenance, refutation, study
from test_report import arrows as small_arrows

from causal.cli import main as command_line
from causal.estimate import Part
from causal.graph import Graph
from causal.language import AVOID, banned_word
from causal.report.compare import compare
from causal.report.files import write
from causal.report.index import index
from causal.report.record import read
from causal.study import Result, run
from causal.verdict.decide import judge
from causal.verdict.rule import BIAS

WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
SIZES = {1280: 800, 360: 740}
CLEAN = "share of centres closed"
DECIDE = BIAS["dose"]
PASSED = tuple(refutation(name, True, 0.5) for name in DECIDE)
MORE = tuple(refutation(name, True, 0.5) for name in ("placebo_treatment", "leave_one_out", "bootstrap", "overlap", "specification_curve"))
# lower, upper, checks, what else is changed: an interval for each row of docs/method.md's table (section 4), δ = 2
CELLS: dict[str, tuple[float | None, float | None, tuple[Any, ...], dict[str, Any]]] = {
    "failed_checks": (1.0, 5.0, (refutation(DECIDE[0], False, 0.0001), *PASSED[1:]), {}),
    "no_interval": (None, None, PASSED, {}),
    "association_higher": (1.0, 5.0, PASSED, {"association": True}),
    "association_lower": (-5.0, -1.0, PASSED, {"association": True}),
    "association_neither": (-5.0, 5.0, PASSED, {"association": True}),
    "little_or_none": (-1.0, 1.5, PASSED, {}),
    "little_or_none_more": (0.5, 1.5, PASSED, {}),
    "little_or_none_fewer": (-1.5, -0.5, PASSED, {}),
    "probably_increased": (2.5, 7.5, PASSED, {}),
    "probably_reduced": (-7.5, -2.5, PASSED, {}),
    "may_have_increased": (0.5, 7.5, PASSED, {}),
    "may_have_reduced": (-7.5, -0.5, PASSED, {}),
    "may_not_run": (2.5, 7.5, (*PASSED[1:], refutation(DECIDE[0], None)), {}),
    "reduction_unlikely": (-0.5, 7.5, PASSED, {}),
    "increase_unlikely": (-7.5, 0.5, (*PASSED, refutation("leave_one_out", False)), {}),
    "cannot_tell": (-7.5, 7.5, (), {}),
}


class Named(Made):
    """The made-up panel with labels as a person would give them, or with others."""

    def __init__(self, labels: dict[str, str] | None = None, **given: Any) -> None:
        super().__init__(**given)
        self.labels = {"closed": CLEAN, **(labels or {})}

    def load(self) -> Any:
        panel = super().load()
        return replace(panel, variables=tuple(replace(one, label=self.labels.get(one.name, one.label)) for one in panel.variables))


def named(labels: dict[str, str] | None = None, *, because: str = "so said the board", need: bool = True, simulated: bool = True, **change: Any) -> Result:
    """The small study of test_report with other labels in data and graph."""
    source = Named(labels, need=need, simulated=simulated)
    first = study(source=source, **change)
    nodes = {node.name: {"label": source.labels.get(node.name, node.label), "varies": node.varies} for node in first.graph.nodes}
    graph = Graph(name="small", nodes=nodes, arrows=small_arrows())  # type: ignore[arg-type]
    return run(replace(first, graph=graph, question=replace(first.question, because=because)))


@pytest.fixture(scope="session")
def bare() -> Result:
    return named(title="Centres and plans")


@pytest.fixture(scope="session")
def cells(bare: Result, home: Path) -> dict[str, Path]:
    """A folder for each cell of the verdict's table."""
    made = {}
    assert bare.estimate is not None
    for name, (lower, upper, checks, change) in CELLS.items():
        known = lower is not None and upper is not None
        spread = {"std_error": (upper - lower) / 4} if known else {"std_error": None, "p_value": None, "df": None}  # type: ignore[operator]
        effect = (lower + upper) / 2 if known else 3.0  # type: ignore[operator]
        estimate = replace(bare.estimate, effect=effect, lower=lower, upper=upper, influence=None, **spread, **change)
        made[name] = home / name
        write(judged(replace(bare, estimate=estimate), (*checks, *(MORE if checks else ()))), made[name], provenance(), "a: 1\n")
    made["not_identified"] = home / "not_identified"
    write(named(need=False, title="Centres and plans"), made["not_identified"], provenance(), "a: 1\n")
    made["not_estimable"] = home / "not_estimable"
    at = bare.study
    nothing = judge(at.rule, at.question, None, None, (), identification=bare.identification, outcome=bare.panel.variable("plans"))
    write(replace(bare, design=None, estimate=None, baseline=None, steps=(), dose=(), verdict=nothing), made["not_estimable"], provenance(), "a: 1\n")
    return made


@pytest.fixture(scope="session")
def full(bare: Result, home: Path) -> Path:
    """A report with every part that a page can have."""
    parts = (lead(1, 3), lead(0, 4), lead(-1, 0.5), lead(-2, -0.5))
    curve = tuple(
        Part(kind="specification", of="as asked", name=name, chosen=name == "as chosen", effect=3.0 + i / 4, std_error=1, lower=1.0 + i / 4, upper=5.0 + i / 4)
        for i, name in enumerate(("as chosen", "without need", "later years"))
    )
    checks = (
        refutation("implied_independence", True, 0.5),
        refutation("future_treatment", True, 0.6, parts=parts, numbers={"leads": 2.0}),
        refutation("specification_curve", True, 0.4, parts=curve),
        refutation("negative_control_outcome", None),
        refutation("leave_one_out", False),
    )
    given = {**provenance(), "protocol": {"digest": "ab" * 32, "deviations": ["seed is 7, the protocol says 2019"]}}
    write(judged(bare, checks), home / "full", given, "a: 1\n")
    return home / "full"


@pytest.fixture(scope="session")
def comparison(full: Path, cells: dict[str, Path], home: Path) -> Path:
    refused = [{"estimator": "causal_forest", "experiment": "made", "reason": "wants more rows"}]
    compare([full, cells["probably_increased"], cells["not_identified"]], refused=refused, folder=home / "both")
    return home / "both" / "compare.html"


@pytest.fixture(scope="session")
def listing(full: Path, cells: dict[str, Path], home: Path) -> Path:
    """The index over several runs."""
    return index([full, cells["probably_increased"], cells["failed_checks"], cells["not_identified"]], home / "index")


@pytest.fixture(scope="session")
def decomposition(home: Path) -> Path:
    """A page of `causal decompose`."""
    assert command_line(["decompose", "variation", f"runs={home / 'runs'}"]) == 0
    (path,) = (home / "runs").rglob("report.html")
    return path


@contextmanager
def opened(browser: Browser, path: Path, *, width: int = 1280, scheme: Any = "light") -> Iterator[Page]:
    """A page, and nothing asked of the network, nothing run that fails."""
    context = browser.new_context(viewport={"width": width, "height": SIZES[width]}, color_scheme=scheme)
    page = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.goto(path.as_uri())
    yield page
    assert not wrong
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]
    context.close()


@pytest.fixture(scope="session")
def pages(full: Path, comparison: Path, listing: Path, decomposition: Path, cells: dict[str, Path]) -> dict[str, Path]:
    """One of each kind of page, and reports of two unlike answers."""
    unlike = {"failed": cells["failed_checks"] / "report.html", "unanswered": cells["not_identified"] / "report.html"}
    return {"report": full / "report.html", "comparison": comparison, "index": listing, "decomposition": decomposition, **unlike}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("which", ["report", "comparison", "index", "decomposition", "failed", "unanswered"])
def test_no_rule_of_wcag_2_2_aa_is_broken(browser: Browser, pages: dict[str, Path], which: str, width: int, scheme: str) -> None:
    """axe-core's rules tagged A and AA of WCAG 2.0, 2.1 and 2.2, with every detail opened; reflow besides, which no rule looks at."""
    with opened(browser, pages[which], width=width, scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        found = Axe().run(page, options=WCAG)
        assert not found.response["violations"], found.generate_report()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        assert found.response["passes"]  # the rules did run


@pytest.mark.parametrize("which", ["report", "comparison", "index"])
def test_the_keyboard_reaches_everything(browser: Browser, pages: dict[str, Path], which: str) -> None:
    """Tab from the beginning comes to every link, summary, button, field and scrolling part, in the page's order, and the skip link works."""
    with opened(browser, pages[which], width=360) as page:
        wanted = page.evaluate(
            """() => { const all = [...document.querySelectorAll('a[href], summary, button, input, select, [tabindex="0"]')]
            const shown = all.filter(one => one.checkVisibility()); shown.forEach((one, i) => one.dataset.order = i); return shown.length }"""
        )
        reached = []
        for _ in range(wanted):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.dataset.order"))
        assert wanted >= 5 and reached == [str(i) for i in range(wanted)]
        page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
        page.locator("a.skip").focus()
        page.keyboard.press("Enter")
        assert page.url.endswith("#main")


@pytest.mark.parametrize("cell", [*CELLS, "not_identified", "not_estimable"])
def test_the_first_screen_answers_five_questions(browser: Browser, cells: dict[str, Path], cell: str) -> None:
    """For each cell (docs/method.md, section 4): what the answer is, how big in children, how sure, whether it survived its checks, what to do next."""
    data = read(cells[cell])
    verdict, estimate, answer = data["verdict"], data["estimate"], data["answer"]
    with opened(browser, cells[cell] / "report.html") as page:
        said = {one.get_attribute("data-about"): one.inner_text() for one in page.locator("[data-about]").all()}
        banner = page.locator(".banner").first.inner_text()
        pictures = page.locator(".hero svg").count()
    assert said["answer"] == answer["headline"] and said["second"] == answer["second"] and "SIMULATED" in banner
    assert {"size", "strength", "checks", "mind", "next"} <= set(said)
    assert answer["certainty"] in said["strength"] and said["next"].replace("\n", " ").startswith(f"Next step. {answer['next']}")
    assert pictures == 2  # beside labels, and for a telephone; without an estimate the planted truth alone stands there
    if estimate and (verdict["failed"] or verdict["gate"]):
        assert "not to be used" in said["size"] and "Typical authority" not in said["size"]
    elif estimate:
        typical = f"{abs(estimate['effect']) * 6:.0f}"  # 60,000 children, and rates per 10,000
        assert "Per 10,000" in said["size"] and "60,000 children" in said["size"] and answer["range"] in said["size"]
        assert typical in said["size"] or typical == "0" or float(typical) > 40
    failed = [one["name"] for one in data["refutations"] if one["survived"] is False]
    assert bool(failed) == ("did not pass." in said["checks"])
    for text in (*said.values(), banner):
        assert banned_word(text.replace(f"{data['provenance']['command']}", ""), AVOID) is None
    if verdict["association"] or not answer["dots"]:
        assert not any(word in said["answer"] for word in ("increased", "reduced", "made little", "led to"))


def sheets(page: Page, *, only_first: bool) -> int:
    """How many A4 pages are printed."""
    if only_first:
        page.add_style_tag(content="@media print { .rest, footer.end { display: none !important; } }")
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))


def test_the_first_screen_prints_on_one_page_and_all_of_it_on_more(browser: Browser, full: Path, cells: dict[str, Path]) -> None:
    for path in (full, *cells.values()):
        with opened(browser, path / "report.html") as page:
            assert sheets(page, only_first=True) == 1, path.name
            page.set_viewport_size({"width": 688, "height": 1013})  # what A4 leaves between its margins, in pixels
            page.emulate_media(media="print")
            assert page.evaluate("document.querySelector('.first .end').getBoundingClientRect().bottom") <= 900, path.name  # claims of others need 110 more
    with opened(browser, full / "report.html") as page:
        everything = sheets(page, only_first=False)
        assert everything > 3
        closed = page.locator("details:not([open])").count()
        assert closed > 5  # what is closed on the screen is printed all the same:
        page.emulate_media(media="print")
        assert page.locator(".rest details .pairs, .rest details table").first.evaluate("one => one.getBoundingClientRect().height") > 0


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_risk_of_bias_is_one_table_that_breaks_no_rule(browser: Browser, full: Path, width: int, scheme: Any) -> None:
    """Seven domains of ROBINS-I, the error and the Maryland scale, each with its five cells; axe on that section alone; nothing runs out of a telephone."""
    with opened(browser, full / "report.html", width=width, scheme=scheme) as page:
        rows = page.locator("#risk tbody tr")
        assert rows.count() == 9 and all(rows.nth(at).locator("th, td").count() == 5 for at in range(9))
        assert "Confounding" in rows.first.inner_text() and "Maryland" in rows.last.inner_text()
        found = Axe().run(page, context="#risk", options=WCAG)
        assert not found.response["violations"], found.generate_report()
        assert found.response["passes"] and page.evaluate("document.scrollingElement.scrollWidth") <= width


def test_figures_are_dark_on_a_dark_page_and_light_on_a_light_one(browser: Browser, full: Path, tmp_path: Path) -> None:
    """The brightness of each figure as it is shown, by its pixels: white slabs on a dark page would lie near 255."""
    from PIL import Image, ImageStat

    mean: dict[Any, list[float]] = {"light": [], "dark": []}
    schemes: tuple[Any, Any] = ("light", "dark")
    for scheme in schemes:
        with opened(browser, full / "report.html", scheme=scheme) as page:
            pictures = page.locator("figure img")
            for at in range(pictures.count()):
                if pictures.nth(at).is_visible():
                    pictures.nth(at).screenshot(path=tmp_path / "one.png")
                    mean[scheme].append(ImageStat.Stat(Image.open(tmp_path / "one.png").convert("L")).mean[0])
    assert len(mean["light"]) == len(mean["dark"]) >= 5
    assert min(mean["light"]) > 200 and max(mean["dark"]) < 80, mean


ODD_SIZES = {"millionth": (1.0, 1e-6), "billion": (1.0, 1e9), "tiny outcome": (1e-7, 2e-7), "huge outcome": (1e12, 2e12)}


@pytest.mark.parametrize("name", ODD_SIZES)
def test_odd_sizes_leave_the_page_whole(browser: Browser, bare: Result, name: str, tmp_path: Path) -> None:
    """Numbers of a millionth and of a billion: nothing runs out of the page, no power of ten is printed on the first screen, which still fits one page."""
    scale, smallest = ODD_SIZES[name]
    assert bare.estimate is not None
    sizes = {key: getattr(bare.estimate, key) * scale for key in ("effect", "lower", "upper", "std_error")}
    study_of = replace(bare.study, question=replace(bare.study.question, smallest_important=smallest, harm="increase"))
    estimate = replace(bare.estimate, **sizes, parts=(), influence=None)
    made = replace(bare, study=study_of, estimate=estimate, baseline=None, steps=(), dose=(), panel=replace(bare.panel, planted={}))
    write(judged(made, (*PASSED, *MORE)), tmp_path, provenance(), "a: 1\n")
    for width in SIZES:
        with opened(browser, tmp_path / "report.html", width=width) as page:
            said = page.locator(".first").inner_text()
            assert not re.search(r"\de[+−-]?\d", said), said
            assert page.evaluate("document.scrollingElement.scrollWidth") <= width
            assert page.locator(".first .mean").evaluate("one => one.scrollWidth <= one.parentElement.clientWidth + 1")
            if width == 1280:
                assert not Axe().run(page, options=WCAG).response["violations"]
                assert sheets(page, only_first=True) == 1


WELSH, ARABIC = "plant ar gynlluniau amddiffyn yng Nghymru: ŵ ŷ â", "أطفال على خطط الحماية"
HARM = '<script>document.title="harmed"</script><img src=x onerror=alert(1)> "quoted" \'single\' | pipe\n second line $\\alpha$ {braces} '
LONG = "a very long label that a careless table might bring along, " * 6


@pytest.mark.parametrize("label", [HARM, WELSH, ARABIC, LONG[:300], "x" * 300], ids=["harm", "welsh", "arabic", "long", "unbroken"])
def test_odd_labels_leave_the_page_whole(browser: Browser, label: str, tmp_path: Path) -> None:
    """Nothing is executed, nothing runs out of the page on a telephone, no rule of WCAG is broken, and the first screen still prints on two pages at most."""
    made = named({"closed": label, "plans": label, "need": label, "poor": label}, title=label, because=label, simulated=False)
    write(judged(made, (*PASSED, refutation(label[:40], False))), tmp_path, {**provenance(), "command": ["causal", "run", label]}, "a: 1\n")
    with opened(browser, tmp_path / "report.html", width=360) as page:
        assert page.title() == " ".join(label.split()) and page.locator("script").count() == 0 and page.locator("img[src=x]").count() == 0
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 360
        found = Axe().run(page, options=WCAG)
        assert not found.response["violations"], found.generate_report()
        assert page.locator("img").evaluate_all("all => all.every(one => one.complete && one.naturalWidth > 0)")
    with opened(browser, tmp_path / "report.html") as page:
        assert sheets(page, only_first=True) <= 2


def test_what_is_missing_leaves_the_page_whole(browser: Browser, bare: Result, tmp_path: Path) -> None:
    """No checks, no baseline, no groups, no steps; one group without an estimate; a record of the first schema."""
    assert bare.estimate is not None
    one_gone = (replace(bare.estimate.parts[0], effect=float("nan")), *bare.estimate.parts[1:])
    changes: dict[str, Callable[[], Result]] = {
        "bare": lambda: judged(replace(bare, baseline=None, steps=(), dose=(), estimate=replace(bare.estimate, parts=())), ()),
        "group": lambda: judged(replace(bare, estimate=replace(bare.estimate, parts=one_gone)), PASSED),
    }
    for name, change in changes.items():
        write(change(), tmp_path / name, provenance(), "a: 1\n")
        with opened(browser, tmp_path / name / "report.html") as page:
            assert page.locator("[data-about]").count() == 7 and page.locator(".hero svg").count() == 2, name
            assert not Axe().run(page, options=WCAG).response["violations"]
            if name == "group":
                assert "No estimate could be made for" in page.inner_text("main")
