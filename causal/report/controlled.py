"""A record with nobody to be recognised in it: numbers of people rounded or left out, and with the small ones what could give them away.

Everything has been estimated by then (`causal.disclosure` says why). What goes: numbers of people below the least; the effects and the points of a curve that
rest on so few; names of places with a year of so few, wherever they stand but in the list of places that everybody knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.disclosure import Disclosure
from causal.words import count

if TYPE_CHECKING:
    from causal.design import Design
    from causal.study import Result

UNTOLD = "a place with few people"  # stands for a name


def rule_of(result: Result) -> Disclosure | None:
    """What a result's pages have to keep to; None: nothing."""
    return result.study.report.of(result.panel.of_people)


def controlled(data: dict[str, Any], result: Result) -> dict[str, Any]:
    """The record as it may be written.

    Parameters
    ----------
    data : of the result, as plain values.
    result : whose rule and numbers of people they are.
    """
    rule = rule_of(result)
    if rule is None:
        return data
    if data["source"]["people"]:
        data["source"]["people"]["total"] = rule.shown(data["source"]["people"]["total"])
    for losses in (data["source"]["log"], *((data["design"]["lost"], (data["estimate"] or {}).get("lost") or ()) if data["design"] else ())):
        for one in losses:
            if one.get("people"):
                one["rows"] = rule.shown(one["rows"])
    if data["verdict"].get("typical_population") is not None:
        _typical(data["verdict"], rule)
    said = [f"Numbers of people under {rule.least} are not shown, nor what would tell them" if rule.least else ""]
    said += [f"numbers of people are rounded to {rule.round}" if rule.round > 1 else ""]
    told = "; ".join(filter(None, said)) or "Numbers of people are shown as they are"
    notes = [f"{told}. Estimates, ranges and checks were made before that, with every person."]
    design = result.design
    if design is None:
        data["source"]["notes"] = [*data["source"]["notes"], *notes]
        return data
    people = _people(design)
    data["design"]["people"] = None if people is None else rule.shown(float(people.sum()))
    if people is None:
        data["source"]["notes"] = [*data["source"]["notes"], *notes]
        return data
    gone = 0
    for one in (data["estimate"], data["baseline"], *data["refutations"]):
        if one is None:
            continue
        known = _of_groups(one["parts"])
        for of, sizes in known.items():
            hide = rule.hidden(sizes)
            gone += len(hide)
            one["parts"] = [part for part in one["parts"] if part["of"] != of or part["name"] not in hide]
        for part in one["parts"]:
            part["people"] = rule.shown(part["people"]) if part.get("people") else part.get("people")
    if data["dose"] and all(point.get("people") for point in data["dose"]):
        hide = rule.hidden({str(at): point["people"] for at, point in enumerate(data["dose"])})
        gone += len(hide)
        data["dose"] = [{**point, "people": rule.shown(point["people"])} for at, point in enumerate(data["dose"]) if str(at) not in hide]
    if gone:
        notes.append(
            f"{count(gone, 'group')} of so few people, or from which so few could be told, {'is' if gone == 1 else 'are'} left out of tables and figures."
        )
    names = few_people(design, rule)
    if names:
        notes.append(f"{count(len(names), 'place')} with fewer than {rule.least} people in some year {'is' if len(names) == 1 else 'are'} not named.")
    units = {design.authorities[a] for a in np.unique(design.authority[_small(people, rule)])}
    data["source"]["places"] = [one for one in data["source"]["places"] if not (one["authority"] in units and one.get("cluster"))]
    data["source"]["notes"] = [*data["source"]["notes"], *notes]
    words = _names(result, names | units)
    if words:
        at = re.compile(r"(?<!\w)(" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + r")(?!\w)")
        keep = ("source", "provenance", "question", "graph")
        data = {key: value if key in keep else _without(value, at) for key, value in data.items()}
    return data


def few_people(design: Design, rule: Disclosure) -> set[str]:
    """Clusters that a year's number of people would give away, and where it is one alone the next smallest, since what is listed of all sums to what is known.

    Parameters
    ----------
    design : with the people of each row.
    rule : how few are too few.
    """
    people = _people(design)
    if people is None:
        return set()
    year = np.searchsorted(design.years, design.year)
    sums = np.zeros((len(design.clusters), len(design.years)))
    np.add.at(sums, (design.cluster, year), people)
    seen = np.zeros(sums.shape, dtype=bool)
    seen[design.cluster, year] = True
    least = np.where(seen, sums, np.inf).min(axis=1)
    return rule.hidden(dict(zip(design.clusters, least.tolist(), strict=True)))


def _people(design: Design) -> Any:
    return design.counts if design.counts is not None else design.population


def _small(people: Any, rule: Disclosure) -> Any:
    return (people > 0) & (people < rule.least)


def _of_groups(parts: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """What parts are of → the part → its people, where they were counted."""
    found: dict[str, dict[str, float]] = {}
    for part in parts:
        if part["kind"] == "group" and part.get("people"):
            found.setdefault(part["of"], {})[part["name"]] = part["people"]
    return found


def _typical(verdict: dict[str, Any], rule: Disclosure) -> None:
    """A typical place's people, and with too few of them what is told of it."""
    shown = rule.shown(verdict["typical_population"])
    verdict["typical_population"] = shown
    if shown is None:
        verdict |= dict.fromkeys(("typical_effect", "typical_lower", "typical_upper"))


def _names(result: Result, codes: set[str]) -> set[str]:
    """Codes of places and what these are called."""
    called = result.panel.places["name"].to_dict()
    return {*codes, *(str(called[code]) for code in codes if code in called and str(called[code]).strip())}


def _without(value: Any, at: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return at.sub(UNTOLD, value)
    if isinstance(value, Mapping):
        made: dict[str, Any] = {}
        for key, one in value.items():  # keys name places too: what weights are of
            name = at.sub(UNTOLD, str(key))
            while name in made:
                name = f"{name} "
            made[name] = _without(one, at)
        return made
    return [_without(one, at) for one in value] if isinstance(value, list) else value


def untold(result: Result) -> set[str]:
    """Clusters whose own scores are not written.

    Parameters
    ----------
    result : of a run.
    """
    rule = rule_of(result)
    return set() if rule is None or result.design is None else few_people(result.design, rule)
