"""The documentation site: pages on the shelf say what the shelf says, pins are whole; once built, it fetches nothing and notebooks hold what was planted."""

from __future__ import annotations

import html
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from lengths import long

from causal.cli import main
from causal.offered import header, names
from causal.terms import TERMS

TOP = Path(__file__).parent.parent
SITE = TOP / "docs" / "site"
BUILT = SITE / "_build" / "html"


@pytest.fixture(scope="module")
def shelf() -> ModuleType:
    sys.path.insert(0, str(SITE))
    try:
        import shelf
    finally:
        sys.path.remove(str(SITE))
    return shelf


def test_every_estimator_and_check_stands_on_its_page_with_what_its_file_says(shelf: ModuleType) -> None:
    """The files' own headers, unescaped, are the oracle."""

    def plain(text: str) -> str:
        return text.replace("\\", "")

    choosing, estimators, checks = (plain(page) for page in (shelf.choosing(), shelf.estimators(), shelf.checks()))
    for name in names("estimator", ()):
        one = header(shelf.CONF / "estimator" / f"{name}.yaml")
        assert choosing.count(f"| [{name}](") == 1 and one["needs"] in choosing and f"## {name}\n" in estimators and one["about"] in estimators
    for name in names("refuters", ()):
        if name not in ("all", "default"):
            section = checks.split(f"## {name}\n")[1].split("\n## ")[0]
            assert all(f"{title}\n: " in section for title in ("Asks", "Finds", "Cannot find")), name


def test_the_glossaries_have_every_term_once(shelf: ModuleType) -> None:
    for whose in (0, 1):
        page = shelf.glossary(whose, "Words").replace("\\", "")
        assert page.count("\n: ") == len(TERMS) and all(said[whose] in page for said in TERMS.values())


def test_each_message_of_the_questions_is_one_that_the_program_gives(
    shelf: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import shlex

    monkeypatch.chdir(tmp_path)
    shelf.tables()
    for one in yaml.safe_load((SITE / "faq.yaml").read_text(encoding="utf-8")):
        main(shlex.split(one["command"])[1:])
        said = capsys.readouterr()
        assert one["says"] in said.out + said.err and "Traceback" not in said.err, said


def test_the_site_s_dependencies_are_pinned_by_version_and_hash() -> None:
    """Every package of the extra is in the lock with a hash, and every version of the lock is the one of constraints.txt."""

    def name(text: str) -> str:
        return re.sub(r"[-_.]+", "-", re.split(r"[<>=; ]", text)[0].lower())

    extra = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]["docs"]
    lock = re.findall(
        r"^(\S+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", (TOP / "requirements-docs.txt").read_text(encoding="utf-8"), flags=re.M
    )
    pinned = dict(line.split(" ")[0].split("==") for line in (TOP / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line)
    pinned = {name(package): version for package, version in pinned.items()}
    assert {name(one) for one in extra} <= {name(package) for package, _, _ in lock} and len(lock) > 40
    assert all(pinned[name(package)] == version for package, version, _ in lock)


@long
def test_nothing_is_fetched_at_view() -> None:
    pages = sorted(BUILT.rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=\"(?:https?:)?//", text), page


@long
def test_the_notebooks_were_run_and_hold_what_was_planted() -> None:
    """Half a cut adds 2 plans, inside the answer's interval; the waves' average was planted; diff-diff's number is ours; each page shows a first screen."""
    own, waves = (html.unescape((BUILT / f"{name}.html").read_text(encoding="utf-8")) for name in ("own_data", "staggered"))
    assert own.count("<iframe srcdoc=") == 1 and waves.count("<iframe srcdoc=") == 1
    answer = re.search(r"<td>answer</td>(?:\s*<td>[^<]*</td>){3}\s*<td>([\d.]+)</td>\s*<td>([\d.]+)</td>\s*<td>([\d.]+)</td>", own)
    assert answer is not None and float(answer[2]) <= 2 <= float(answer[3])
    full = re.search(r"<pre><span></span>(\d\.\d{5,})\n", own[own.rfind("cell_output") :])  # of a file, by the two commands
    assert full is not None and float(full[1]) / 2 == pytest.approx(float(answer[1]), abs=1e-5)
    rows = re.findall(
        r"<th>(fixed_effects|callaway_santanna|imputation|sun_abraham)</th>\s*<td>([-\d.]+)</td>\s*<td>([-\d.]+)</td>\s*<td>([-\d.]+)</td>\s*<td>([-\d.]+)</td>",
        waves,
    )
    held = {name: float(low) <= float(truth) <= float(high) for name, _, low, high, truth in rows}
    assert held == {"fixed_effects": False, "callaway_santanna": True, "imputation": True, "sun_abraham": True}
    compared = (BUILT / "compared.html").read_text(encoding="utf-8")
    theirs, ours = re.findall(r"\(([\d.]+), ([\d.]+)\)", compared)[0]
    assert theirs == ours
