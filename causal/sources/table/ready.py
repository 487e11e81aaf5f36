"""What it would take to read a table: its problems are met one after another, each with the knob that the table itself shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from causal.errors import ConfigError
from causal.panel import Panel
from causal.sources.table.problem import Problem, as_flags
from causal.sources.table.source import Table

LISTS = ("leave_out", "fill")  # knobs that grow
TURNS = 8  # a table that needs more knobs than this is not understood


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ready:
    """A table as it could be read.

    Parameters
    ----------
    table : with the knobs that its problems ask for.
    panel : what it then is, or None where something must be mended in the file.
    problems : everything met on the way, in order.
    knobs : what was added.
    chosen : those of the knobs, as flags, that are one choice of several.
    """

    table: Table
    panel: Panel | None
    problems: tuple[Problem, ...]
    knobs: Mapping[str, Any]
    chosen: tuple[str, ...] = ()


def ready(table: Table, wanted: Sequence[str] = ()) -> Ready:
    """Meet a table's problems, one after another.

    Parameters
    ----------
    table : as it was asked for.
    wanted : variables that must be there; one that holds text, or is not there, is a problem.
    """
    met: list[Problem] = []
    knobs: dict[str, Any] = {}
    chosen: list[str] = []
    now = table
    for _ in range(TURNS):
        panel, problems = now.attempt()
        if panel is not None:
            problems = [problem for name in wanted if name not in panel.names and (problem := _lacking(now, panel, name))]
            if not problems:
                return Ready(table=now, panel=panel, problems=tuple(met), knobs=knobs, chosen=tuple(chosen))
        told = {problem.text for problem in met}
        met += [problem for problem in problems if problem.text not in told]
        new: dict[str, Any] = {}
        for problem in sorted(problems, key=lambda one: not one.sure):
            if problem.remedies and not (new and not problem.sure):  # what the table shows first; a choice when nothing else is left
                mine = {knob: value for knob, value in problem.remedies[0].knobs.items() if knob in LISTS or (knob not in knobs and knob not in new)}
                new |= {knob: [*dict.fromkeys([*new.get(knob, []), *value])] if knob in LISTS else value for knob, value in mine.items()}
                if mine and not problem.sure:
                    chosen += as_flags(mine)
        if not new:
            break
        try:
            now = replace(now, **{knob: _merged(getattr(now, knob), value) for knob, value in new.items()})
        except ConfigError:
            break
        knobs |= {knob: list(getattr(now, knob)) if knob in LISTS else getattr(now, knob) if knob == "derived" else value for knob, value in new.items()}
    return Ready(table=now, panel=None, problems=tuple(met), knobs=knobs, chosen=tuple(chosen))


def _merged(before: Any, value: Any) -> Any:
    """A knob that holds several takes one more; any other is replaced."""
    if isinstance(value, list) and before:
        return [*dict.fromkeys([*before, *value])]
    return {**before, **value} if isinstance(before, Mapping) and isinstance(value, Mapping) else value


def _lacking(table: Table, panel: Panel, name: str) -> Problem | None:
    """A variable that is asked for and not there."""
    return table.lacking(name) or Problem(text=f"there is no variable {name!r}: {_near(name, panel)}", kind="wanted")


def _near(name: str, panel: Panel) -> str:
    from causal.errors import suggest

    return suggest(name, panel.names)
