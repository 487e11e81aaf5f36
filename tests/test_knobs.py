"""What a knob's value may be, against Python's own idea of it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from causal.errors import ConfigError
from causal.knobs import at_least, between, is_number, is_whole, one_of, true_or_false, whole_number

TOP = Path(__file__).parent.parent
# what comes out of files and libraries has rules of its own: cells, and an outsider's answers, which may hold numpy's numbers
OWN = ("knobs.py", "declared.py", "sources/", "report/", "refutation.py")


@pytest.mark.parametrize("value", [True, False, 2.0, "2", None, float("nan"), [2]])
def test_neither_a_truth_value_nor_a_float_is_a_whole_number(value: Any) -> None:
    assert not is_whole(value)
    with pytest.raises(ConfigError, match=r"here: wanted a whole number of at least 0, got "):
        whole_number("here", value, 0)


def test_ends_are_within_a_whole_number_s_range_and_outside_what_lies_between() -> None:
    assert is_whole(2, 2, 3) and is_whole(3, 2, 3) and not is_whole(4, 2, 3) and not is_whole(1, 2, 3) and is_whole(-7)
    assert is_number(2) and is_number(-0.5) and not is_number(float("inf")) and not is_number(True)
    between("here", 0.3, 0, 1)
    at_least("here", 0, 0)
    for end in (0, 1):
        with pytest.raises(ConfigError, match="here: wanted a number between 0 and 1, got"):
            between("here", end, 0, 1)
    with pytest.raises(ConfigError, match="here: wanted a number above 2, got 2"):
        between("here", 2, 2, float("inf"))
    with pytest.raises(ConfigError, match=r"here: wanted a number of at least 0\.5, got 0\.4"):
        at_least("here", 0.4, 0.5)
    with pytest.raises(ConfigError, match="here: wanted one of 'a', 'b', got 'c'"):
        one_of("here", "c", ("a", "b"))
    with pytest.raises(ConfigError, match="here: wanted true or false, got 1"):
        true_or_false("here", 1)


def test_no_other_room_tells_numbers_from_truth_values_by_itself() -> None:
    """`isinstance(x, bool) or not isinstance(x, …)` stood 62 times."""
    found = []
    for path in sorted((TOP / "causal").rglob("*.py")):
        if any(own in path.as_posix() for own in OWN):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.BoolOp) and sum("isinstance(" in ast.unparse(one) for one in node.values) > 1 and "bool)" in ast.unparse(node):
                found.append(f"{path.name}:{node.lineno}")
    assert not found
