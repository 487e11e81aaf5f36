"""Other ways to put the same question: adjustment sets that the graph calls valid, windows of years, other measures of the same thing.

One estimand at a time: another lag, contrast, target or weighting, or a treatment or outcome in another unit, asks another question. Sets that hold the
outcome's own past fixed are left out where authorities are compared with themselves (Nickell 1981, Biases in dynamic models with fixed effects).

Sets that hold more fixed by its value in one year alone than the chosen one are shown and decide nothing: that they give another answer is to be expected
where places return to their own level, whatever the graph (Daw & Hatfield 2018, Matching and regression to the mean in difference-in-differences analysis).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from causal.design import Design, design
from causal.errors import CausalError, ConfigError, refusal
from causal.graph import undated
from causal.identification import PLACE_AND_TIME, Identification
from causal.identify import held_between, identify
from causal.panel import Panel
from causal.question import Question
from causal.trial import Trial

CHOSEN = "as chosen"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Specification:
    """One way to answer.

    Parameters
    ----------
    curve : "" for the estimand asked about.
    label, design : what is done otherwise, and the rows.
    chosen : whether it is what was chosen beforehand, on its curve.
    decides : whether it would have to give the same answer were graph and measures right.
    """

    curve: str
    label: str
    design: Design
    chosen: bool = False
    decides: bool = True


def specifications(
    trial: Trial, *, sets: int, years: Sequence[tuple[int, int]], columns: Mapping[str, Sequence[str]], questions: Sequence[Mapping[str, Any]]
) -> tuple[list[Specification], list[str]]:
    """Every specification, the chosen one first; and why some could not be made.

    Parameters
    ----------
    trial : the analysis.
    sets : most adjustment sets, the chosen one first.
    years : windows of outcome years, beside all years.
    columns : name → columns that take its place in turn.
    questions : changes of the question, beside none.
    """
    made: list[Specification] = []
    refused: list[str] = []
    for change in ({}, *questions):
        named = ", ".join(f"{key} {value}" for key, value in change.items())
        try:
            question = replace(trial.question, **change) if change else trial.question
            found = trial.identification if not change else _again(trial, question)
        except CausalError as why:
            refused.append(f"Not asked with {named}: {why}.")
            continue
        for names in itertools.product(*([old, *new] for old, new in columns.items())):
            swaps = {old: new for old, new in zip(columns, names, strict=True) if old != new}
            try:
                panel, other = _swapped(trial.panel, question, swaps)
            except CausalError as why:
                refused.append(f"Not tried: {why}.")
                continue
            curve = "; ".join(filter(None, [named, other]))
            identified = _sets(found, trial, question, sets)
            for one, whole in zip(identified, _arranged(trial, panel, question, identified), strict=True):
                if isinstance(whole, str):
                    refused.append(f"Not tried, adjusted for {', '.join(one.adjust_for)}: {whole}.")
                    continue
                for window in (None, *years):
                    try:
                        sample = whole if window is None else _during(whole, window)
                    except CausalError as why:
                        refused.append(f"Not tried, years {window}: {why}.")
                        continue
                    said = _label(trial, one, swaps, window)
                    decides = not (_one_year(trial) and _varying(one, panel) - _varying(found, panel))
                    made.append(Specification(curve=curve, label=said or CHOSEN, design=sample, chosen=not said, decides=decides))
    return made, list(dict.fromkeys(refused))


def _one_year(trial: Trial) -> bool:
    """Whether the estimator knows covariates by their value in one year alone."""
    return bool(getattr(trial.estimator, "one_year", False))


def _varying(found: Identification, panel: Panel) -> set[str]:
    """What a set holds fixed that changes in time."""
    return {name for name in found.adjust_for if undated(name)[0] in panel.names and panel.variable(undated(name)[0]).varies != "authority"}


def _again(trial: Trial, question: Question) -> Identification:
    if trial.graph is None:
        raise refusal(ConfigError, "the graph", "one at hand, since another question must be identified anew", "none", "run the check within a study")
    found = identify(question, trial.graph, measured=trial.panel.known, strategy=trial.identification.strategy, one_year=_one_year(trial))
    if not found.identified:
        raise refusal(
            ConfigError,
            "the graph",
            f"one that identifies the effect of {question.treatment} on {question.outcome}",
            "one that does not",
            "leave that question out",
        )
    return found


def _swapped(panel: Panel, question: Question, swaps: Mapping[str, str]) -> tuple[Panel, str]:
    """The panel with columns replaced, and why that is another estimand, if it is."""
    other = []
    made = panel
    for old, new in swaps.items():
        was, now = panel.variable(old), panel.variable(new)
        made = made.with_column(panel.frame[new], replace(now, name=old))
        if old in (question.treatment, question.outcome) and was.unit != now.unit:
            other.append(f"{old} as {new} ({now.unit})")
    return made, ", ".join(other)


def _sets(found: Identification, trial: Trial, question: Question, most: int) -> list[Identification]:
    """The identification with each valid set that holds authority and year as the chosen one does, and the years between too."""
    chosen, outcome = found.adjust_for, question.outcome
    place = set(chosen) & set(PLACE_AND_TIME)
    past = "authority" in place
    others: list[tuple[str, ...]] = []
    # first what would have been chosen, had not all been left out that is known in one year alone and can be spared
    larger = [tuple(sorted({*chosen, *found.spared}))] if found.spared and _one_year(trial) else []
    for one in () if found.forced or found.strategy != "backdoor" else (*larger, *found.valid):
        if len(others) == most - 1:
            break
        if set(one) & set(PLACE_AND_TIME) != place or (past and any(undated(name)[0] == outcome for name in one)):
            continue
        whole = one if trial.graph is None or _one_year(trial) else held_between(question, trial.graph, one, measured=trial.panel.known)
        if whole != chosen and whole not in others:
            others.append(whole)
    return [found, *(replace(found, adjust_for=one, by_year=_by_year(one, found, trial), spared=()) for one in others)]


def _by_year(names: Sequence[str], found: Identification, trial: Trial) -> tuple[str, ...]:
    if trial.graph is None:
        return tuple(name for name in names if name in found.by_year)
    once = {node.name for node in trial.graph.nodes if node.varies != "both"} - set(PLACE_AND_TIME)
    return tuple(sorted(name for name in names if name in once and trial.graph.by_year(name)))


def _arranged(trial: Trial, panel: Panel, question: Question, sets: Sequence[Identification]) -> list[Design | str]:
    """The design of each set, or why there is none. Sets that are known in the same rows are cut from one design that holds them all."""
    known: dict[str, np.ndarray[Any, Any]] = {}
    groups: dict[bytes, list[int]] = {}
    for i, one in enumerate(sets):
        for name in one.adjust_for:
            bare, by = undated(name)
            if bare not in PLACE_AND_TIME and name not in known:
                known[name] = panel.shift(bare, 0 if panel.variable(bare).varies == "authority" else by).notna().to_numpy()
        rows = np.logical_and.reduce([np.ones(len(panel.frame), dtype=bool), *(known[name] for name in one.adjust_for if name in known)])
        groups.setdefault(rows.tobytes(), []).append(i)
    made: list[Design | str] = [""] * len(sets)
    for members in groups.values():
        whole = replace(
            sets[members[0]],
            adjust_for=tuple(sorted({name for i in members for name in sets[i].adjust_for})),
            by_year=tuple(sorted({name for i in members for name in sets[i].by_year})),
        )
        try:
            all_of = design(panel, question, whole)
        except CausalError as why:
            for i in members:
                made[i] = str(why)
            continue
        for i in members:
            made[i] = trial.design if sets[i] is trial.identification and panel is trial.panel and question is trial.question else _cut(all_of, sets[i])
    return made


def _cut(made: Design, found: Identification) -> Design:
    """The design with fewer controls, as `design` would have it."""
    groups = [name for name in made.control_groups if name.cause in found.adjust_for]
    columns = [at for name in groups for at in made.control_groups[name]]
    place = {at: i for i, at in enumerate(columns)}
    time_invariant = [i for i, name in enumerate(made.time_invariant_names) if name in found.adjust_for]
    return replace(
        made,
        identification=found,
        controls=made.controls[:, columns],
        control_names=tuple(made.control_names[at] for at in columns),
        control_groups={name: tuple(place[at] for at in made.control_groups[name]) for name in groups},
        time_invariant=made.time_invariant[:, time_invariant],
        time_invariant_names=tuple(made.time_invariant_names[i] for i in time_invariant),
        grouped={name: codes for name, codes in made.grouped.items() if name in found.adjust_for},
    )


def _during(made: Design, window: tuple[int, int]) -> Design:
    """The rows of some outcome years."""
    rows = np.flatnonzero((made.year >= window[0]) & (made.year <= window[1]))
    return made.subset(rows[np.bincount(made.authority[rows], minlength=len(made.authorities))[made.authority[rows]] > 1])


def _label(trial: Trial, found: Identification, swaps: Mapping[str, str], window: tuple[int, int] | None) -> str:
    """What is done otherwise than chosen; "" where nothing is."""
    controls = ", ".join(name for name in found.adjust_for if name not in PLACE_AND_TIME) or "nothing more"
    said = [f"adjusted for {controls}"] if found.adjust_for != trial.identification.adjust_for else []
    said += [f"{new} for {old}" for old, new in swaps.items()]
    said += [f"years {window[0]} to {window[1]}"] if window else []
    return "; ".join(said)
