"""What it would take to read a table: its problems are met one after another, each with the knob that the table itself shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from causal.errors import ConfigError, suggest
from causal.panel import Panel
from causal.sources.table.joined import BY_FILE
from causal.sources.table.problem import Problem, Remedy, as_flags
from causal.sources.table.source import Table

LISTS = ("leave_out", "fill")  # knobs that grow
MAPS = (*BY_FILE, "derived")  # knobs that may be name → value, and grow so
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
        met_before = {problem.text for problem in met}
        met += [problem for problem in problems if problem.text not in met_before]
        new: dict[str, Any] = {}
        for problem in sorted(problems, key=lambda one: not one.sure):
            if problem.remedies and not (new and not problem.sure):  # what the table shows first; a choice when nothing else is left
                remedy = _best(now, problem, wanted)
                mine = {knob: value for knob, value in remedy.knobs.items() if _grows(knob, value) or (knob not in knobs and knob not in new)}
                new |= {knob: _merged(new.get(knob), value) for knob, value in mine.items()}
                if mine and not problem.sure:
                    chosen += as_flags(mine)
        if not new:
            break
        try:
            now = replace(now, **{knob: _merged(getattr(now, knob), value) for knob, value in new.items()})
        except ConfigError:
            break
        knobs |= {knob: list(getattr(now, knob)) if knob in LISTS else getattr(now, knob) if knob == "derived" else value for knob, value in new.items()}
        knobs |= {knob: _plain(getattr(now, knob), now) for knob in BY_FILE if knob in new}
    return Ready(table=now, panel=None, problems=tuple(met), knobs=knobs, chosen=tuple(chosen))


def _best(table: Table, problem: Problem, wanted: Sequence[str]) -> Remedy:
    """Of several remedies the first that leads to the variables that are wanted; otherwise the first."""
    if wanted and len(problem.remedies) > 1:
        for remedy in problem.remedies:
            try:
                trial = replace(table, **{knob: _merged(getattr(table, knob), value) for knob, value in remedy.knobs.items()})
                if trial.leads_to(wanted):
                    return remedy
            except ConfigError:
                continue
    return problem.remedies[0]


def _grows(knob: str, value: Any) -> bool:
    """Whether a knob takes one more value beside those that it has."""
    return knob in LISTS or (knob in MAPS and isinstance(value, Mapping))


def _plain(value: Any, table: Table) -> Any:
    """File → value as the one value, where it is the same for all files."""
    if not isinstance(value, Mapping) or isinstance(table.path, str) or len(value) < len(table.path):
        return value
    kinds = {repr(one): one for one in value.values()}
    return next(iter(kinds.values())) if len(kinds) == 1 else dict(value)


def _merged(before: Any, value: Any) -> Any:
    """A knob that holds several takes one more; any other is replaced."""
    if isinstance(value, list) and before:
        return [*dict.fromkeys([*before, *value])]
    return {**before, **value} if isinstance(before, Mapping) and isinstance(value, Mapping) else value


def _lacking(table: Table, panel: Panel, name: str) -> Problem | None:
    """A variable that is asked for and not there."""
    if (text := table.problem_with(name)) is not None:
        return text
    ways = []
    for column in panel.names:
        if (never := _begins(panel, column)) is not None:
            spec: dict[str, Any] = {"since": column} | ({"never": 0} if never else {})
            ways.append(Remedy(knobs={"derived": {name: spec}}, does=f"makes it 1 from {column} on"))
    return Problem(text=f"there is no variable {name!r}: {suggest(name, panel.names).rstrip('.')}", kind="wanted", remedies=tuple(ways[:2]))


def _begins(panel: Panel, column: str) -> bool | None:
    """Whether a column holds the year in which something began in each authority: True where 0 stands for never, False where none does; None if it does not."""
    values = panel.frame[column]
    years = values[values != 0].dropna()
    span = panel.years[-1] - panel.years[0]
    if not len(years) or not span or not years.between(panel.years[0] - 60, panel.years[-1] + 60).all() or years.nunique() > span + 60:
        return None
    if values.groupby(level="authority").nunique().max() > 1 or years.nunique() < 2:
        return None
    return bool((values == 0).any())
