"""Checks as cards: what was asked, what was seen, what that means, and what the check cannot show."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from causal.language import Language
from causal.report.phrases import MEANS, STATES, chance, exact, sentence, words
from causal.words import capital, listed

LONGEST = 150  # letters of what was seen, where checks stand in short


def cards(data: Mapping[str, Any], language: Language) -> list[dict[str, Any]]:
    """A card for each check, those that the rule wanted and the run lacks last."""
    decisive = data["verdict"]["decisive"]
    made = []
    for one in data["refutations"]:
        state, icon = STATES[one["survived"]]
        lines = []
        if one["survived"] is None:
            lines.append(("Why not", sentence(one["reason"] or "not said")))
        else:
            lines += [("A true answer would show", sentence(one["expected"])), ("Seen", sentence(one["found"]))]
            if one["p_value"] is not None:
                lines.append(("Chance of something as bad in a clean world (p)", chance(one["p_value"])))
        lines.append(("What this means", _meaning(one, decisive, data["rule"])))
        lines += [("It can show", sentence(one["detects"])), ("It cannot show", sentence(one["cannot_detect"]))]
        made.append(
            {
                "name": capital(words(one["name"])) + (" (decisive)" if one["name"] in decisive else ""),
                "kind": {True: "passed", False: "failed", None: "none"}[one["survived"]],
                "state": state,
                "icon": icon,
                "asks": one["asks"],
                "short": language.checks.get(one["name"], ""),
                "lines": lines,
                "numbers": pairs(one["numbers"]),
            }
        )
    ran = {one["name"] for one in data["refutations"]}
    if data["estimate"]:
        made += [_absent(name, language) for name in decisive if name not in ran]
    return made


def _absent(name: str, language: Language) -> dict[str, Any]:
    lines = [("Why not", "This run did not ask for it."), ("What this means", f"{MEANS[None]} A decisive check that was not run lowers the strength.")]
    state, icon = STATES[None]
    return {
        "name": f"{capital(words(name))} (decisive)",
        "kind": "none",
        "state": state,
        "icon": icon,
        "asks": "A check that the rule calls decisive.",
        "short": language.checks.get(name, ""),
        "lines": lines,
        "numbers": [],
    }


def _meaning(one: Mapping[str, Any], decisive: Mapping[str, str], rule: Mapping[str, Any]) -> str:
    said, name = MEANS[one["survived"]], one["name"]
    if one["survived"] is None:
        return said + (" A decisive check that could not be run lowers the strength." if name in decisive else "")
    if decisive.get(name) == "failed":
        hard = "This check is decisive: the answer is taken away."
        return f"{said} {hard}" if one["survived"] is False else f"Its own limit let it pass; the rule's does not. {hard}"
    if one["survived"]:
        return said
    if name in decisive:
        return f"{said} This check is decisive, but with the other decisive ones it is not bad enough to take the answer away; the strength is lowered."
    weights = rule.get("lowers", {})
    return f"{said} This lowers the strength." if weights.get(name, weights.get("check", 1)) else f"{said} The rule does not lower the strength for it."


def briefly(data: Mapping[str, Any], language: Language) -> list[dict[str, Any]]:
    """The checks in three lists, those that did not pass first with what was seen, those not run with the reason."""
    decisive = data["verdict"]["decisive"]
    said: dict[str, list[str]] = {"failed": [], "not_run": [], "passed": []}
    for one in data["refutations"]:
        name = language.check(one["name"]) + (" (decisive)" if one["name"] in decisive else "")
        if one["survived"] is None:
            said["not_run"].append(f"{name}: {_cut(one['reason'] or 'not said')}")
        elif one["survived"] and decisive.get(one["name"]) != "failed":
            said["passed"].append(name)
        else:
            said["failed"].append(f"{name}: {_cut(one['found'])}")
    ran = {one["name"] for one in data["refutations"]}
    if data["estimate"]:
        said["not_run"] += [f"{language.check(name)} (decisive): not asked for" for name in decisive if name not in ran]
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


def joint(data: Mapping[str, Any]) -> str:
    """Which checks can take the answer away, and how they stand."""
    decisive = data["verdict"]["decisive"]
    if not decisive:
        return ""
    names = listed([f"{words(name)} ({state.replace('failed', 'did not pass')})" for name, state in decisive.items()])
    return f"Decisive for the answer: {names}. In a clean world these raise a false alarm, together, in at most {data['rule']['level']:.0%} of studies."


def pairs(items: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Names and values, nested ones with their path."""
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
