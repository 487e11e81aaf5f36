"""What stands between a table and a panel, with the knobs that would read it as it is.

A problem is a fact with its remedy as data: the same remedy is printed as `source.header=3` for `causal run` and as `--header 3` for `causal check`, and
`check` can go on with it to see what comes next. Only what the table itself shows is tried so; a choice (of rows, of a sum) is left to whoever asks.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from causal.errors import DataError

SHOWN = 20
BLANK = "blank"  # among what is left out: rows that name no authority
# knobs of `source=table` that `causal check` and `causal new` take as flags
FLAGS = (
    "authority", "year", "sheet", "population", "only", "header", "years_across", "places_across",
    "fill", "leave_out", "loose_keys", "pivot", "combine", "period", "century",
    "decimal", "name", "region", "cluster",
)  # fmt: skip


_KNOBS = "(?:" + "|".join(FLAGS) + ")"
Spelt = Literal["overrides", "flags", "arguments"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A way to read the table as it is.

    Parameters
    ----------
    knobs : knob of `source=table` → value.
    does : what they do, as the end of a sentence ("reads it").
    """

    knobs: Mapping[str, Any]
    does: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that must be mended or said before a table is a panel.

    Parameters
    ----------
    text : what is wrong, with row, column and value.
    kind : problems of one kind share a list's places, so that one kind cannot crowd out the others.
    remedies : ways to read the table as it is; empty where the file itself must be mended.
    sure : the first remedy is what the table itself shows, and no choice is made by taking it.
    """

    text: str
    kind: str = ""
    remedies: tuple[Remedy, ...] = field(default=())
    sure: bool = False

    def message(self, spelt: Spelt = "overrides") -> str:
        """The problem and its remedies, as whoever asked would write them: overrides of `source`, flags of `causal check`, arguments of `causal.read`."""
        text = self.text if spelt == "overrides" else flagged(self.text) if spelt == "flags" else re.sub(rf"\bsource\.(?={_KNOBS}\b)", "", self.text)
        spell = {"overrides": as_overrides, "flags": as_flags, "arguments": as_arguments}[spelt]
        ways = [f"{(', ' if spelt == 'arguments' else ' ').join(spell(remedy.knobs))} {remedy.does}" for remedy in self.remedies]
        return "; ".join([text, *([" or ".join(ways) if len(ways) < 3 else ", ".join(ways[:-1]) + " or " + ways[-1]] if ways else [])])


class Unusable(DataError):
    """What stands in the way, all that is known of it so far."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.message() for problem in problems))


def flagged(text: str) -> str:
    """A sentence with the knobs in it as flags."""
    return re.sub(rf"\bsource\.({_KNOBS})\b=?", _flagged, text)


def _flagged(found: re.Match[str]) -> str:
    """`source.period=` as `--period `, and `source.period` as `--period`."""
    return f"--{found[1].replace('_', '-')}" + (" " if found[0].endswith("=") else "")


def shown(problems: Sequence[Problem], spelt: Spelt = "overrides", *, limit: int = SHOWN, each: int | None = None) -> list[str]:
    """At most `limit` lines, shared out among the kinds in turn, in the order in which they stand; what is left out is counted in one more.

    Parameters
    ----------
    problems : all of them.
    spelt : how remedies are written.
    limit : lines, but for the count.
    each : of one kind that would need more lines, how many; None: as many as there is room for.
    """
    if each is not None:
        kinds: dict[str, list[int]] = {}
        for at, problem in enumerate(problems):
            kinds.setdefault(problem.kind or f"#{at}", []).append(at)
        lines: list[tuple[int, str]] = []
        for places in kinds.values():
            few = places if len(places) <= each + 1 else places[:each]
            lines += [(at, problems[at].message(spelt)) for at in few]
            if len(places) > len(few):
                lines.append((few[-1], f"  … and {len(places) - len(few):,} more such"))
        shown_lines = [line for _, line in sorted(lines, key=lambda one: one[0])]
        return shown_lines if len(shown_lines) <= limit else [*shown_lines[:limit], f"… and {len(shown_lines) - limit} lines more"]
    if len(problems) <= limit:
        return [problem.message(spelt) for problem in problems]
    turns: dict[str, int] = {}
    rank = []
    for at, problem in enumerate(problems):
        turns[problem.kind] = turns.get(problem.kind, 0) + 1
        rank.append((turns[problem.kind], at))
    kept = sorted(at for _, at in sorted(rank)[:limit])
    return [*(problems[at].message(spelt) for at in kept), f"… and {len(problems) - limit} more"]


def as_overrides(knobs: Mapping[str, Any]) -> list[str]:
    """`source.header=3`, quoted for a shell where it must be."""
    words = [f"source.{knob}={_chosen(value) if knob == 'only' else written(value)}" for knob, value in knobs.items()]
    return [word if re.fullmatch(r"[\w.=/+:,-]+", word) else shlex.quote(word) for word in words]


def as_arguments(knobs: Mapping[str, Any]) -> list[str]:
    """`header=3`, as Python writes it."""
    return [f"{knob}={value!r}" for knob, value in knobs.items()]


def as_flags(knobs: Mapping[str, Any]) -> list[str]:
    """`--header 3`, quoted for a shell where it must be; `only` and `leave_out` once for each value."""
    words: list[str] = []
    for knob, value in knobs.items():
        flag = f"--{knob.replace('_', '-')}"
        if knob == "only":
            words += [f"{flag} {shlex.quote(f'{column}={one}')}" for column, several in value.items() for one in _several(several)]
        elif knob in ("leave_out", "fill"):
            words += [f"{flag} {shlex.quote(str(one))}" for one in _several(value)] or [f"{flag} none"]
        elif isinstance(value, (Mapping, list, tuple)):
            words.append(f"{flag} {shlex.quote(written(value))}")
        else:
            words.append(f"{flag} {shlex.quote(str(value).lower() if isinstance(value, bool) else str(value))}")
    return words


def _chosen(only: Mapping[str, Any]) -> str:
    """`only` with its values in quotes: a 1 in a file is text as long as nobody reads it as a number."""
    in_quotes = {column: [_in_quotes(str(one)) for one in _several(values)] for column, values in only.items()}
    return "{" + ", ".join(f"{written(column)}: {one[0] if len(one) == 1 else '[' + ', '.join(one) + ']'}" for column, one in in_quotes.items()) + "}"


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def written(value: Any) -> str:
    """A value as an override spells it, which is YAML in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{written(str(key))}: {written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(written(one) for one in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if not isinstance(value, str) or (re.fullmatch(r"[A-Za-z_][\w./-]*", text) and text.lower() not in ("true", "false", "null", "yes", "no", "on", "off")):
        return text
    return _in_quotes(text)


def _in_quotes(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
