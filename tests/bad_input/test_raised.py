"""Every refusal says where, what was wanted, what came and what to try: `errors.refusal` makes it, and nothing else does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from causal import errors
from causal.errors import CausalError, ConfigError, refusal

TOP = Path(__file__).parent.parent.parent
HOUSES = ("causal", "experiments")
ERRORS = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, CausalError)} | {"_Useless", "WrongField"}
FINDINGS = {"NotEstimable"}  # an answer to the question, which stands on the first page in a sentence of its own; it says a `code`


def raised(path: Path) -> Iterator[tuple[int, bool]]:
    """Line of every error of ours that is made or raised in a file, and whether `refusal`, or `placed` around one, makes it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if called in ("refusal", "placed"):
                yield node.lineno, True
            elif called in ERRORS - FINDINGS:
                yield node.lineno, False
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name) and node.exc.id in ERRORS:
            yield node.lineno, False


def files() -> list[Path]:
    return sorted(path for house in HOUSES for path in (TOP / house).rglob("*.py"))


def test_every_error_is_made_by_refusal() -> None:
    """The one rule: a message of ours says where, wanted, came and what to try, in this order."""
    by_hand = [f"{path.relative_to(TOP)}:{line}" for path in files() for line, ours in raised(path) if not ours]
    assert not by_hand, "make them with errors.refusal"


def test_the_rule_sees_what_it_should(tmp_path: Path) -> None:
    """A message made by hand is seen under each of the three ways of writing it, and what `refusal` makes is not."""
    lines = (
        "raise ConfigError('no')",
        "raise errors.DataError(f'{x} is bad')",
        "problem = _Useless('no')",
        "raise refusal(DataError, 'a', 'b', 'c', 'd')",
        "raise DataError",
    )
    (tmp_path / "some.py").write_text("\n".join(lines))
    assert sorted(raised(tmp_path / "some.py")) == [(1, False), (2, False), (3, False), (4, True), (5, False)]


def test_every_call_of_refusal_gives_all_five_and_none_of_them_is_empty() -> None:
    found = 0
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "refusal":
                given = [*node.args, *(one.value for one in node.keywords)]
                starred = any(isinstance(one, ast.Starred) for one in given)
                assert starred or len(given) in (5, 6), f"{path.name}:{node.lineno}"
                assert not any(isinstance(one, ast.Constant) and not str(one.value).strip() for one in given), f"{path.name}:{node.lineno}"
                found += 1
    assert found > 500


def test_a_refusal_says_where_wanted_came_and_try_in_one_line() -> None:
    said = refusal(ConfigError, "rule.steps", "a whole number\nfrom 1 to 3", "9", "write  rule.steps=1")
    assert isinstance(said, ConfigError) and str(said) == "rule.steps: wanted a whole number from 1 to 3, got 9; write  rule.steps=1"
