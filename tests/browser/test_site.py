"""The documentation site in a real browser: axe-core's WCAG 2.2 AA rules, reflow, nothing fetched.

As `make docs` left it, or made here with notebooks not run.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

SITE = Path(__file__).parents[2] / "docs" / "site"
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if (SITE / "_build/html/index.html").is_file():
        return SITE / "_build/html"
    pytest.importorskip("sphinx", reason="Sphinx, of the docs extra, is not installed: make docs installs it")
    pytest.importorskip("myst_nb", reason="myst-nb, of the docs extra, is not installed: make docs installs it")
    made = tmp_path_factory.mktemp("site")
    quiet = ["-D", "nb_execution_mode=off", "-D", "suppress_warnings=myst.header,myst-nb.lexer"]
    subprocess.run([sys.executable, "-m", "sphinx", "-q", "-b", "html", *quiet, str(SITE), str(made)], check=True)
    return made


@pytest.mark.parametrize("width", [1280, 360])
def test_no_page_breaks_a_rule_or_a_phone(site: Path, browser: Browser, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.startswith("http") else None)
    pages = [one for one in sorted(site.rglob("*.html")) if "_static" not in one.parts and one.name not in ("search.html", "genindex.html")]
    assert len(pages) > 25
    for one in pages:
        page.goto(one.as_uri())
        found = Axe().run(page, options=WCAG).response["violations"]
        assert not found, (one.name, [(rule["id"], rule["nodes"][0]["html"]) for rule in found])
        assert page.evaluate("document.documentElement.scrollWidth") <= width, one.name
    assert not asked
    context.close()
