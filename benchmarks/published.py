"""Published tables that come out again through the own-data route: design, source, what is printed, what came, and the test that holds it.

    python benchmarks/published.py      runs the tests and writes published.md; one that fails, or was skipped, is said to

A test that reproduces a printed number asks for the fixture `as_printed` and says `as_printed(design, what, as printed, as it came)`; its docstring's first
paragraph is the source. Numbers stand here as the test found them: nothing is copied by hand.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PAGE = Path(__file__).with_suffix(".md")
ASKS = "as_printed"  # the fixture's name
HEAD = """# Published tables reproduced

Command: `python benchmarks/published.py`. Each row is a study by the own-data route: a table that a package ships, or the counts that the paper prints, with
a small graph and `causal run`. The tests compare at the digits printed; most set another implementation beside it in the same run.

| design | source | what | printed | came | test |
|---|---|---|---|---|---|
"""


class Kept:
    """What the tests recorded, and how each ended."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str, str]] = []
        self.ended: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test recorded.

        Parameters
        ----------
        report : of one phase of a test.
        """
        if report.when == "call" or report.outcome == "skipped":
            self.ended[report.nodeid] = report.outcome
        if report.when == "teardown":
            self.rows += [(report.nodeid, *value) for name, value in report.user_properties if name == ASKS]


def asking() -> dict[str, str]:
    """Tests that ask for the fixture, as pytest names them, and the source of each: the first paragraph of its docstring."""
    found = {}
    for path in sorted((TOP / "tests").glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and ASKS in [one.arg for one in node.args.args]:
                said = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
                found[f"tests/{path.name}::{node.name}"] = said
    return found


def page(sources: dict[str, str], kept: Kept) -> str:
    """The table.

    Parameters
    ----------
    sources : test → its docstring's first paragraph.
    kept : what the tests recorded.
    """
    rows, seen = [], set()
    for node, design, what, wanted, came in kept.rows:
        test = node.split("[")[0]
        seen.add(test)
        rows.append(f"| {design} | {sources[test].replace('|', '/')} | {what} | {wanted} | {came.replace('-', '−')} | `{node.removeprefix('tests/')}` |")
    for test, source in sources.items():
        ends = [end for node, end in kept.ended.items() if node.split("[")[0] == test]
        if test not in seen or "failed" in ends:
            said = "**failed**" if "failed" in ends else "not run here: what it needs is not installed"
            rows.append(f"| – | {source.replace('|', '/')} | – | – | {said} | `{test.removeprefix('tests/')}` |")
    return HEAD + "\n".join(sorted(rows)) + "\n"


def main() -> int:
    """Run the tests, write the page."""
    sources, kept = asking(), Kept()
    ended = pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", *(str(TOP / test) for test in sources)], plugins=[kept])
    PAGE.write_text(page(sources, kept), encoding="utf-8")
    return int(ended)


if __name__ == "__main__":
    sys.exit(main())
