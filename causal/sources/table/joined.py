"""Several files as one panel, joined on authority and year; what has no partner in another file is named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from causal.errors import CausalError, suggest
from causal.panel import Loss, Panel, Variable
from causal.sources.table import open_data, place_columns, shape
from causal.sources.table.problem import Problem, Remedy, Unusable
from causal.sources.table.reading import Reading
from causal.words import count, listed

if TYPE_CHECKING:
    from causal.sources.table.source import Table

SHOWN = 4
ACROSS, UNNAMED = ("years_across", "places_across"), "value"  # knobs that name numbers, and what these are called where nothing names them
BY_FILE = ("authority", "year", "sheet", "header", "years_across", "places_across")  # knobs that several files may each have their own of


def joined(table: Table) -> tuple[Panel, set[str]]:
    """One panel of several files.

    Parameters
    ----------
    table : the knobs; its `path` names the files.

    Returns
    -------
    panel : every authority and year of any file with years; a file without years gives each authority's years its numbers.
    made : columns of `derived` that were made of text.

    Raises
    ------
    Unusable : what is wrong with each file, keys that never meet, one column in two files with different numbers.
    """
    problems: list[Problem] = []
    panels: dict[str, Panel] = {}
    made: set[str] = set()
    columns: set[str] = set()
    for path in table.path:
        name = Path(path).name
        try:
            sheet = table.for_file(path).opened()
            across = table.for_file(path).years_across
            if across not in (None, False):
                sheet = shape.across(sheet, _called(name) if across is True else str(across), year=str(table.for_file(path).year or shape.YEAR))
            knobs = table.for_file(path, header=[*sheet.header])
            if across not in (None, False):
                knobs = replace(knobs, years_across=False, year=str(table.for_file(path).year or shape.YEAR))
            if knobs.authority not in sheet.header and open_data.recognised(sheet.header, "authority", None):
                knobs = replace(knobs, authority="authority", year=None)
            columns |= set(sheet.header)
            reading = Reading(knobs, sheet, alone=False)
            panels[name] = reading.panel()
            made |= reading.made
        except Unusable as unusable:
            problems += [replace(problem, text=f"{name}: {problem.text}", remedies=_of_file(name, problem)) for problem in unusable.problems]
        except CausalError as error:
            problems.append(Problem(text=str(error)))
    if problems:
        raise Unusable(problems)
    for what, column in _asked(table):
        if column not in columns and not any(column in panel.names for panel in panels.values()):
            problems.append(Problem(text=f"no file has a column {column!r} (wanted for {what}); {suggest(column, filter(None, columns))}"))
    if problems:
        raise Unusable(problems)
    if table.loose_keys:
        panels = _spelt_alike(panels)
    return _joined(panels, table.years_across), made


def _of_file(name: str, problem: Problem) -> tuple[Remedy, ...]:
    """A problem's remedies for the one file that has it; numbers that have no name in it are called as the file is, since each file's are another's."""

    def own(knob: str, value: Any) -> Any:
        if knob not in BY_FILE:
            return value
        return {name: _called(name) if knob in ACROSS and value == UNNAMED else value}

    return tuple(replace(remedy, knobs={knob: own(knob, value) for knob, value in remedy.knobs.items()}) for remedy in problem.remedies)


def _called(name: str) -> str:
    """A file's name as the name of what it holds."""
    return re.sub(r"\W+", "_", Path(name).stem).strip("_") or UNNAMED


def _asked(table: Table) -> list[tuple[str, str]]:
    """What is asked of some file, whichever it is."""
    keys = [(f"source.{knob}", column) for knob in ("year", "cluster", "name", "region", "groups") if isinstance(column := getattr(table, knob), str)]
    named = [(f"variable {name}", str(said.get("column", name))) for name, said in (table.variables or {}).items()]
    pivots = [("source.pivot", column) for columns in (table.pivot or {}).values() for column in columns]
    return [*keys, *(named if not pivots else []), *[("source.only", column) for column in table.only or {}], *pivots]


def _spelt_alike(panels: dict[str, Panel]) -> dict[str, Panel]:
    """Authorities under one spelling in all files."""
    every = pd.Series([code for panel in panels.values() for code in panel.authorities], dtype=object)
    best = dict(zip(every, place_columns.joined_spellings(every), strict=True))
    return {name: _renamed(panel, best) for name, panel in panels.items()}


def _renamed(panel: Panel, names: dict[str, str]) -> Panel:
    reasons = panel.reasons.rename(index=names, level="authority") if len(panel.reasons) else panel.reasons
    return replace(panel, frame=panel.frame.rename(index=names, level="authority").sort_index(), places=panel.places.rename(index=names), reasons=reasons)


def _joined(panels: dict[str, Panel], across: object) -> Panel:
    """One panel of all files; `across` is what the numbers under years were called in every one of them, if one name was given for all."""
    yearly = {name: panel for name, panel in panels.items() if panel.years != (0,)} or panels
    fixed = {name: panel for name, panel in panels.items() if name not in yearly}
    _must_meet(yearly, fixed)
    index = pd.MultiIndex.from_tuples(sorted({row for panel in yearly.values() for row in panel.frame.index}), names=["authority", "year"])
    notes = [f"{name}: {note}" for name, panel in panels.items() for note in panel.notes] + _apart(panels, index)
    frames: list[pd.DataFrame] = []
    variables: list[Variable] = []
    reasons: list[pd.Series] = []
    log: list[Loss] = []
    problems: list[Problem] = []
    for name, panel in panels.items():
        frame = panel.frame.reindex(index)
        why = panel.reasons
        if name in fixed:
            flat = panel.frame.droplevel("year")
            frame = flat.reindex(index.get_level_values("authority")).set_axis(index)
            why = _every_year(panel.reasons, index)
        there = index.isin(panel.frame.index) if name not in fixed else index.get_level_values("authority").isin(panel.authorities)
        for variable in panel.variables:
            earlier = next((one for one in frames if variable.name in one), None)
            if earlier is not None:
                one, other = earlier[variable.name], frame[variable.name]
                known = one.notna() & other.notna()
                if not np.array_equal(one[known], other[known]):
                    at = index[known][np.flatnonzero((one[known] != other[known]).to_numpy())[0]]
                    what = f"two files have a column {variable.name!r} with different numbers ({at[0]!r}, {at[1]}: {one[at]:g} and, in {name}, {other[at]:g})"
                    mend = "rename one, or take it out"
                    if variable.name == across:
                        own = ", ".join(f"{one}: {_called(one)}" for one in panels)
                        mend = f"give each file's numbers a name of their own:  --years-across '{{{own}}}'"
                    problems.append(Problem(text=f"{what}; {mend}"))
                    continue
                earlier[variable.name] = one.where(one.notna(), other)
                frame = frame.drop(columns=variable.name)
                continue
            constant = name in fixed and variable.varies == "both"
            variables.append(replace(variable, varies="authority") if constant else variable)
            if not there.all():
                lost = index[~there]
                keys = pd.MultiIndex.from_arrays(
                    [lost.get_level_values(0), lost.get_level_values(1), [variable.name] * len(lost)], names=panel.reasons.index.names
                )
                reasons.append(pd.Series(f"no row in {name}", index=keys, dtype=object))
        frames.append(frame)
        reasons.append(why)
        log += list(panel.log)
    if problems:
        raise Unusable(problems)
    frame = pd.concat(frames, axis=1)[[variable.name for variable in variables]]
    said = pd.concat([one for one in reasons if len(one)]) if any(len(one) for one in reasons) else next(iter(panels.values())).reasons
    said = said[~said.index.duplicated()].sort_index()
    filled = np.array([pd.notna(frame[name].get((code, year))) for code, year, name in said.index.to_list()], dtype=bool)
    said = said.loc[~filled]
    return Panel(
        frame=frame,
        variables=tuple(variables),
        places=_places(panels, sorted(set(index.get_level_values("authority")))),
        title=" + ".join(panels),
        population=next((panel.population for panel in panels.values() if panel.population is not None), None),
        log=tuple(log),
        notes=tuple(notes),
        reasons=said,
    )


def _every_year(reasons: pd.Series, index: pd.MultiIndex) -> pd.Series:
    """Reasons of a file without years, for each year of the panel."""
    if not len(reasons):
        return reasons
    years = pd.Series(index.get_level_values("year"), index=index.get_level_values("authority"))
    rows = [(code, year, name, why) for (code, _, name), why in zip(reasons.index.to_list(), reasons, strict=True) for year in years[years.index == code]]
    keys = pd.MultiIndex.from_tuples([row[:3] for row in rows], names=reasons.index.names) if rows else reasons.index[:0]
    return pd.Series([row[3] for row in rows], index=keys, dtype=object)


def _places(panels: dict[str, Panel], authorities: Sequence[str]) -> pd.DataFrame:
    """Names and regions, of the first file that knows them: a name that is only the code is none."""
    out = pd.DataFrame({"name": authorities}, index=pd.Index(authorities))
    for panel in reversed(list(panels.values())):
        for column in panel.places:
            known_as = panel.places[column].reindex(out.index).fillna("")
            known_as = known_as.where(known_as != out.index, "") if column == "name" else known_as
            before = out[column] if column in out else pd.Series("", index=out.index)
            out[column] = known_as.where(known_as != "", before)
    return out


def _must_meet(yearly: dict[str, Panel], fixed: dict[str, Panel]) -> None:
    """Every file shares an authority, and where it has years an authority and year, with some other."""
    panels = yearly | fixed
    for name, panel in panels.items():
        others = {one: other for one, other in panels.items() if one != name}
        rows = {row for one, other in others.items() if one in yearly for row in other.frame.index}
        codes = {code for other in others.values() for code in other.authorities}
        if (name in fixed and codes & set(panel.authorities)) or rows & set(panel.frame.index) or (not rows and codes & set(panel.authorities)):
            continue
        if codes & set(panel.authorities):
            spans = [f"{one} has {p.years[0]} to {p.years[-1]}" for one, p in yearly.items()]
            raise Unusable([Problem(text=f"{name} shares authorities with the other files, and no year: {listed(spans)}", kind="join")])
        one = next(iter(others))
        what = (
            f"{name} shares no authority with {listed(list(others))}: it has {listed([repr(code) for code in panel.authorities[:SHOWN]])}, "
            f"{one} has {listed([repr(code) for code in others[one].authorities[:SHOWN]])}"
        )
        alike = {place_columns.loose(code) for code in codes} & {place_columns.loose(code) for code in panel.authorities}
        remedies = (Remedy(knobs={"loose_keys": True}, does="takes them as the same"),) if alike else ()
        hint = "they differ only by zeros, spaces, hyphens or capitals" if alike else "source.authority={FILE: COLUMN, …} names another column for each file"
        raise Unusable([Problem(text=f"{what}; {hint}", kind="join", remedies=remedies, sure=bool(alike))])


def _apart(panels: dict[str, Panel], index: pd.MultiIndex) -> list[str]:
    """Keys without a partner, as notes."""
    notes = []
    codes = sorted(set(index.get_level_values("authority")))
    for name, panel in panels.items():
        mine = set(panel.authorities)
        if lost := [code for code in codes if code not in mine]:
            named = listed([repr(code) for code in lost[:SHOWN]]) + (f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else "")
            notes.append(f"{name} lacks {count(len(lost), 'authority', 'authorities')} that other files have: {named}")
        if alone := sorted(mine - set(codes)):
            named = listed([repr(code) for code in alone[:SHOWN]]) + (f" and {len(alone) - SHOWN} more" if len(alone) > SHOWN else "")
            notes.append(f"{name} has {count(len(alone), 'authority', 'authorities')} that no file with years has, left out: {named}")
        if panel.years != (0,):
            rows = [row for row in index if row[0] in mine]
            gone = len(rows) - len(panel.frame)
            if gone > 0:
                years = sorted({year for _, year in rows} - set(panel.years))
                notes.append(
                    f"{name} lacks {count(gone, 'authority-year')} that other files have"
                    + (f": it has no year {listed([str(y) for y in years[:6]])}" if years else "")
                )
    return notes
