"""Every refusal says where, what was wanted, what came and what to try: `errors.refusal` makes it, and what is written by hand may only become less."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from causal import errors
from causal.errors import CausalError, ConfigError, refusal

TOP = Path(__file__).parent.parent.parent
HOUSES = ("causal", "experiments")
BY_HAND = Path(__file__).with_name("by_hand.json")  # file → how many errors it still writes by hand; a number here goes down and never up
ERRORS = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, CausalError)}
INPUT = {"ConfigError", "DataError", "GraphError"}  # the others also say why a check did not run, which is a finding


def raised(path: Path) -> Iterator[tuple[int, bool]]:
    """Line of every error of ours that is made in a file, and whether `refusal` makes it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if called == "refusal":
                yield node.lineno, True
            elif called in ERRORS:
                yield node.lineno, False


def files() -> list[Path]:
    return sorted(path for house in HOUSES for path in (TOP / house).rglob("*.py"))


def test_no_file_writes_more_errors_by_hand_than_it_did() -> None:
    allowed = json.loads(BY_HAND.read_text(encoding="utf-8"))
    now = Counter({path.relative_to(TOP).as_posix(): sum(not ours for _, ours in raised(path)) for path in files()})
    more = {
        name: f"{count} errors by hand, {allowed.get(name, 0)} before: make new ones with errors.refusal"
        for name, count in now.items()
        if count > allowed.get(name, 0)
    }
    assert not more
    fewer = {name: f"{now[name]}, where {count} are allowed: write the smaller number" for name, count in allowed.items() if now[name] < count}
    assert not fewer, f"{BY_HAND.name} must follow: {fewer}"


def test_every_call_of_refusal_gives_all_five_and_none_of_them_empty() -> None:
    found = 0
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "refusal":
                given = [*node.args, *(one.value for one in node.keywords)]
                starred = any(isinstance(one, ast.Starred) for one in given)
                assert starred or len(given) == 5, f"{path.name}:{node.lineno}"
                assert not any(isinstance(one, ast.Constant) and not str(one.value).strip() for one in given), f"{path.name}:{node.lineno}"
                found += 1
    assert found > 80


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(TOP).as_posix())
def test_what_is_written_by_hand_shows_what_came_or_what_to_do(path: Path) -> None:
    """A message of words alone, which neither repeats anything that came nor says what to do, helps nobody."""
    bare = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in INPUT and node.args:
            said = node.args[0]
            if isinstance(said, ast.Constant) and isinstance(said.value, str) and not set(said.value) & set(";:,("):
                bare.append(f"{path.name}:{node.lineno}: {said.value}")
    assert not bare


def test_a_refusal_says_where_wanted_came_and_try_in_one_line() -> None:
    said = refusal(ConfigError, "rule.steps", "a whole number\nfrom 1 to 3", "9", "write  rule.steps=1")
    assert isinstance(said, ConfigError) and str(said) == "rule.steps: wanted a whole number from 1 to 3, got 9; write rule.steps=1"
