"""The first screen at a terminal: the answer first, the folder last, twelve lines at most.

A command stands on a line of its own, whole, so that it can be copied.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from causal.language import language_of
from causal.report.first import checks, command, typical
from causal.report.phrases import rounding, sentence, variable
from causal.verdict.say import sign, usual
from causal.words import capital

MOST_LINES, WIDTH, NAME = 12, 100, 13  # letters of a line, and of what stands before it
CELLS = 44  # of the little picture


def terminal_lines(data: Mapping[str, Any], folder: Path) -> list[str]:
    """The lines of a run, its folder the last.

    Parameters
    ----------
    data : the record.
    folder : of the run.
    """
    answer = data["answer"]
    said = textwrap.wrap(answer["headline"], WIDTH)
    effect = _line("effect", " ".join((answer["second"], *answer.get("beside", ()))))
    picture = little(data)
    rest = []
    if people := typical(data):
        population = data["source"]["population"]
        rest.append(_line(variable(data, population)["unit"] or "people", people))
    certainty = f"{answer['dots']} {answer['certainty']}".strip() + f": {answer['because'] or answer['meaning']}"
    rest.append(_line("certainty", certainty))
    rest.append(_line("checks", _checked(data)))
    end = [f"report: {folder / 'report.html'}", str(folder)]
    if answer.get("next"):
        rest.append(_line("next", answer["next"]))
        end = [*([f"  {asked}"] if (asked := command(data)) else []), *end]
    whole = [*said, *effect, *picture, *(line for part in rest for line in part), *end]
    return whole if len(whole) <= MOST_LINES else [*said, *_fewest(effect, rest, MOST_LINES - len(said) - len(end)), *end]


def _fewest(effect: list[str], rest: list[list[str]], room: int) -> list[str]:
    """Without the picture; and where that is too long still, without the end of what is longest, the effect's own words last of all."""
    parts = [effect, *rest]
    left = [len(part) for part in parts]
    while sum(left) > room:
        at = max(range(1, len(left)), key=lambda i: (left[i], i))
        at = at if left[at] > 1 else 0
        if left[at] == 1:
            break
        left[at] -= 1
    cut = [[*part[: many - 1], _ended(part[many - 1])] if many < len(part) else part for part, many in zip(parts, left, strict=True)]
    return [line for part in cut for line in part]


def _ended(line: str) -> str:
    """A line that goes on no further, cut between words: half a number would be another number."""
    return f"{textwrap.wrap(line, WIDTH - 2)[0]} …"


def _line(name: str, words: str) -> list[str]:
    return textwrap.wrap(words, WIDTH, initial_indent=f"  {name:<{NAME - 2}}"[: max(NAME, len(name) + 3)], subsequent_indent=" " * NAME)


def _checked(data: Mapping[str, Any]) -> str:
    """For bias 6 of 6 passed, in all 15 of 16 (0 failed); usually finds 3.4 or more."""
    language = language_of(data.get("language"))
    made = checks(data, language)
    if not made["of"]:
        return sentence(made["rest"])
    words = language.terms
    bias = f"for bias {made['bias_passed']} of {made['bias_of']}, " if made["bias_of"] else ""
    left = made["of"] - made["passed"] - made["failed"]
    without = f", {left} {words['not_run']}" if left else ""
    said = f"{bias}in all {made['passed']} of {made['of']} {words['passed']} ({made['failed']} {words['failed']}{without})"
    sees = data["verdict"].get("detectable")
    return capital(said) + (f"; usually finds {usual(sees)} or more" if sees else "")


def little(data: Mapping[str, Any]) -> list[str]:
    """The range against what matters, in two lines of letters; none where there is no range."""
    estimate, smallest = data["estimate"], float(data["question"]["smallest_important"])
    if not estimate or rounding(estimate, smallest) is None:
        return []
    lower, upper, effect = estimate["lower"], estimate["upper"], estimate["effect"]
    low, high = min(lower, -smallest, 0.0), max(upper, smallest, 0.0)
    if smallest * CELLS < (high - low) or (upper - lower) * CELLS < (high - low):
        return []  # what matters, or the range, would be less than a letter

    def at(value: float) -> int:
        place: int = math.floor((value - low) / (high - low) * (CELLS - 1) + 0.5)
        return place

    cells = ["·" if at(-smallest) <= i <= at(smallest) else " " for i in range(CELLS)]
    for i in range(at(lower), at(upper) + 1):
        cells[i] = "━"
    for value, mark in ((-smallest, "┆"), (smallest, "┆"), (0.0, "┃")):
        cells[at(value)] = mark if cells[at(value)] != "━" else {"┆": "╋", "┃": "╂"}[mark]
    cells[at(effect)] = "●"
    scale = [" "] * (CELLS + 14)
    for value, words in ((-smallest, sign((-smallest, _places(smallest)))), (0.0, "0"), (smallest, f"{sign((smallest, _places(smallest)))} matters")):
        begin = max(at(value) - (len(words) // 2 if value <= 0 else 1), 0)
        if all(one == " " for one in scale[max(begin - 1, 0) : begin + len(words) + 1]):
            scale[begin : begin + len(words)] = words
    return [f"{' ' * NAME}{''.join(cells).rstrip()}", f"{' ' * NAME}{''.join(scale).rstrip()}"]


def _places(value: float) -> int:
    """As many decimals as show the number to six digits, fewer where it was written with fewer."""
    most = max(5 - math.floor(math.log10(value)), 0)  # a smallest effect that matters is above 0
    return next((digits for digits in range(most) if math.isclose(value, round(value, digits), rel_tol=1e-9)), most)
