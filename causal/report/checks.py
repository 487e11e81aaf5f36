"""Checks as cards: what was asked, what was seen, what that means, and what the check cannot show."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from causal.language import Language, language_of
from causal.report.phrases import MEANS, STATES, bare, exact, p_text, readable, sentence, words
from causal.verdict.say import usual
from causal.words import capital, listed, written

LONGEST = 150  # letters of what was seen, where checks stand in short


UNASKED = {"family": "bias", "survived": None, "reason": "not asked for"}  # of a check that the design's list has and the run did not ask for


def every(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The checks that a run asked for, and after them those that the design's list has besides, as not run: so every page and file counts the same ones."""
    there = {one["name"] for one in data["refutations"]}
    missing = [name for name in data["verdict"]["bias"] if name not in there] if data["estimate"] and there else []
    silent = dict.fromkeys(("asks", "expected", "found", "detects", "cannot_detect"), "")
    return [*data["refutations"], *({**silent, **UNASKED, "name": name, "numbers": {}, "p_value": None} for name in missing)]


def states(data: Mapping[str, Any]) -> dict[str, list[str]]:
    """passed, failed, not_run → names of checks; one that the design's list has and the run did not ask for was not run."""
    made: dict[str, list[str]] = {"passed": [], "failed": [], "not_run": []}
    bias = data["verdict"]["bias"]
    for one in every(data):
        failed = one["survived"] is False or bias.get(one["name"]) == "failed"
        made["not_run" if one["survived"] is None else "failed" if failed else "passed"].append(one["name"])
    if data["estimate"] and not data["refutations"]:
        made["not_run"] = list(bias)
    return made


def cards(data: Mapping[str, Any], language: Language) -> list[dict[str, Any]]:
    """A card for each check, those that the rule wanted and the run lacks last.

    Parameters
    ----------
    data : a record.
    language : names of checks, and terms.
    """
    bias = data["verdict"]["bias"]
    made = []
    for one in data["refutations"]:
        state, icon = STATES[one["survived"]]
        lines = []
        if one["survived"] is None:
            lines.append(("Why not", sentence(readable(data, one["reason"] or "not said"))))
        else:
            lines += [("A true answer would show", sentence(one["expected"])), ("Seen", sentence(readable(data, one["found"])))]
            if one["p_value"] is not None:
                lines.append(("Chance of something as bad in a clean world (p)", p_text(one["p_value"])))
        lines.append(("What this means", _meaning(one, data)))
        lines += [("It can show", sentence(one["detects"])), ("It cannot show", sentence(one["cannot_detect"]))]
        made.append(
            {
                "name": capital(language.check(one["name"])),
                "kind": {True: "passed", False: "failed", None: "none"}[one["survived"]],
                "state": state,
                "icon": icon,
                "asks": readable(data, one["asks"]),
                "short": _in_files(one["name"], language),
                "lines": lines,
                "numbers": pairs({readable(data, name): value for name, value in one["numbers"].items()}),
            }
        )
    ran = {one["name"] for one in data["refutations"]}
    if data["estimate"]:
        made += [_absent(name, language) for name in bias if name not in ran]
    return made


def _in_files(name: str, language: Language) -> str:
    """What a check is called in files and commands, where that is not its plain name."""
    return name if language.check(name) != words(name) else ""


def _absent(name: str, language: Language) -> dict[str, Any]:
    state, icon = STATES[None]
    return {
        "name": capital(language.check(name)),
        "kind": "none",
        "state": state,
        "icon": icon,
        "asks": "A check of bias that a design of this kind should have.",
        "short": _in_files(name, language),
        "lines": [("Why not", "This run did not ask for it."), ("What this means", MEANS[None])],
        "numbers": [],
    }


def _meaning(one: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    said, name, verdict = MEANS[one["survived"]], one["name"], data["verdict"]
    if one["survived"] is None:
        return said
    if name in verdict["failed"]:
        hard = "It takes the answer away."
        return f"{said} {hard}" if one["survived"] is False else f"Its own limit let it pass; with the other checks of bias it does not. {hard}"
    if one["survived"]:
        blind = one.get("blind_below")
        if blind is None or blind < data["question"]["smallest_important"]:
            return said
        return f"{said} It would often miss a bias of less than {usual(blind)}, and {written(data['question']['smallest_important'])} matters."
    lowered = [reason for reason in verdict["reasons"] if name in reason["checks"]]
    if any(reason["steps"] for reason in lowered):
        return f"{said} This lowers the certainty."
    if lowered:
        return f"{said} The certainty is lowered already, for a reason of the same kind."
    if verdict["bias"].get(name) == "passed":
        return f"{said} Together with the other checks of bias that is not bad enough to count."
    return f"{said} It is shown and does not lower the certainty."


def briefly(data: Mapping[str, Any], language: Language) -> list[dict[str, Any]]:
    """The checks in three lists, those that did not pass first with what was seen, those not run with the reason.

    Parameters
    ----------
    data : a record.
    language : names of checks, and terms.
    """
    bias = data["verdict"]["bias"]
    said: dict[str, list[str]] = {"failed": [], "not_run": [], "passed": []}
    for one in every(data):
        name = language.check(one["name"])
        if one["survived"] is None:
            said["not_run"].append(f"{name}: {_cut(readable(data, one['reason'] or 'not said'))}")
        elif one["survived"] and bias.get(one["name"]) != "failed":
            said["passed"].append(name)
        else:
            said["failed"].append(f"{name}: {_cut(readable(data, one['found']))}")
    kinds = {"failed": "failed", "not_run": "none", "passed": "passed"}
    icons = {"failed": STATES[False][1], "not_run": STATES[None][1], "passed": STATES[True][1]}
    return [
        {"state": capital(language.terms[state]), "kind": kinds[state], "icon": icons[state], "number": len(names), "names": [capital(name) for name in names]}
        for state, names in said.items()
        if names
    ]


def _cut(text: str) -> str:
    """The beginning of what was seen; the whole stands with the check."""
    return textwrap.shorten(text, LONGEST, placeholder=" …")


def made_of(data: Mapping[str, Any]) -> str:
    """Of which estimate the checks were made, where the answer was made anew after them; "" where it is the answer itself."""
    before = (data["estimate"] or {}).get("shared")
    if not before or not before.get("refitted") or not data["refutations"]:
        return ""
    which = "All checks but that of a hidden cause" if any(one.get("hidden") for one in data["refutations"]) else "The checks"
    was = bare(before, smallest=data["question"]["smallest_important"])
    return f"{which} were made of the estimate before shocks that places share were allowed for, which was {was}."


def joint(data: Mapping[str, Any]) -> str:
    """How the checks of bias stand, which share one rate of false alarms."""
    bias = data["verdict"]["bias"]
    if not bias:
        return ""
    language = language_of(data.get("language"))
    said = {"passed": "passed", "failed": "failed", "not run": "not_run"}
    names = listed([f"{language.check(name)} ({language.terms[said[state]]})" for name, state in bias.items()])
    return (
        f"Checks of bias: {names}. In a clean world those that ran raise a false alarm, together, in at most {data['rule']['level']:.0%} of studies. "
        "One that is rejected takes the answer away if what it found is unknown, important, or would move the range to another answer."
    )


def pairs(items: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Names and values, nested ones with their path.

    Parameters
    ----------
    items : name → value, or again names and values.
    above : the path to them, "" at the top.
    """
    made: list[tuple[str, str]] = []
    for key, value in items.items():
        name = f"{above}{words(str(key))}"
        if isinstance(value, Mapping) and value:
            made += pairs(value, f"{name}, ")
        else:
            made.append((capital(name), shown_value(value)))
    return made


def shown_value(value: Any) -> str:
    """A value of any kind as the reader sees it."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return exact(value)
    if isinstance(value, list | tuple):
        return listed([shown_value(one) for one in value]) or "none"
    return str(value)
