"""The first screen: what the answer is, how big in people, how far off it may be, how certain, what was checked, and what it does not say.

All of it in words that need no training: those that a house style avoids stand further down the page only. Each card is made from the record alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from causal.language import Language, language_of
from causal.question import UNGIVEN
from causal.report.phrases import contrast, effect, exact, interval, label, level, sentence, variable, when, years
from causal.report.tables import setting
from causal.words import Shown, capital, count, counted_rows, crossed, listed, over_years, places, rounded, signed

MOST_NAMES, MOST_REASONS, MOST_UNSAID = 3, 3, 2
WHEN = {"stock": ", on any 31 March", "flow": ", in a year", None: ""}


def asked(data: Mapping[str, Any]) -> str:
    """The question in one or two sentences, with units."""
    question = data["question"]
    treatment, outcome = variable(data, question["treatment"]), variable(data, question["outcome"])
    counted = f"{outcome['label']} {outcome['unit']}".strip()
    return (
        f"Question: what does {data['action'][:1].lower()}{data['action'][1:]} do to {outcome['label']} {when(question)}? "
        f"Compared: {treatment['label']}, {contrast(data)}. Counted: {counted}."
    )


def smallest(data: Mapping[str, Any]) -> str:
    """What counts as important, and why."""
    question = data["question"]
    size = f"{question['smallest_important']:g} {variable(data, question['outcome'])['unit']}".strip()
    because = f"; {UNGIVEN}" if question["because"] == UNGIVEN else f", because {question['because']}"
    return sentence(f"An effect matters here if it is {size} or more{because}")


def facts(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cards in order: head, big, lines, and `about`, which of the five questions a card answers."""
    language = language_of(data.get("language"))
    made = [_size(data)]
    if data["estimate"]:
        made.append(_range(data, language))
    made += [_certainty(data), _checks(data, language), _unsaid(data)]
    heads = {"size": "effect_head", "range": "range_head", "strength": "certainty_head", "checks": "checks_head", "unsaid": "cannot_say_head"}
    return [{"title": language.terms[heads[one["about"]]], **one} for one in made]


def rests_on(data: Mapping[str, Any]) -> str:
    """Authorities, rows, years and source, as a sentence."""
    source, estimate, span_of = data["source"], data["estimate"], years(data)
    when_ = over_years(span_of)
    if not estimate:
        return f"Data: {source['title']}, {when_}."
    if crossed(span_of):
        return f"Rests on {counted_rows(estimate['rows'], span_of)}, one row each. Data: {source['title']}."
    who = f"{count(estimate['authorities'], 'authority', 'authorities')}, {counted_rows(estimate['rows'], span_of)}"
    return f"Rests on {who}, outcomes of {when_}. Data: {source['title']}."


def _size(data: Mapping[str, Any]) -> dict[str, Any]:
    verdict, estimate, answer = data["verdict"], data["estimate"], data["answer"]
    if not estimate:
        return {"about": "size", "big": "No estimate", "lines": [answer["second"]]}
    outcome = variable(data, data["question"]["outcome"])
    means = data["design"]["means"]["outcome"]
    lines = [f"The average was {exact(means, places(means))} {outcome['unit']}."]
    if verdict["failed"]:
        return {"about": "size", "big": answer["size"], "lines": ["Not to be used: it failed its checks.", *lines]}
    if verdict["gate"]:
        return {"about": "size", "big": answer["size"], "lines": ["Not to be used: its error is unknown.", *lines]}
    return {"about": "size", "big": answer["size"], "lines": [*people(data), *lines]}


def people(data: Mapping[str, Any]) -> list[str]:
    """The effect as people, in a typical authority and in all of them; none where people are not what is counted, or there is no answer."""
    verdict, estimate, source = data["verdict"], data["estimate"], data["source"]
    if verdict["typical_effect"] is None or verdict["failed"] or verdict["gate"]:
        return []
    outcome, counted = variable(data, data["question"]["outcome"]), label(data, source["population"]) if source["population"] else "people"
    noun = outcome.get("short") or outcome["label"]
    on = WHEN[outcome.get("counts")]
    ends = [verdict[key] for key in ("typical_effect", "typical_lower", "typical_upper")]
    lines = [f"In a typical authority ({verdict['typical_population']:,.0f} {counted}){on}: {_counted(ends, noun)}."]
    everyone, scale = source.get("people"), outcome["count_per"]
    if everyone and scale:
        ends = [None if estimate[key] is None else estimate[key] * everyone["total"] / scale for key in ("effect", "lower", "upper")]
        lines.append(f"{everywhere(data)}{on}: {_counted(ends)}, were it the same everywhere.")
    return lines


def everywhere(data: Mapping[str, Any]) -> str:
    """All places of the data, by name."""
    source = data["source"]
    number = f"{source['people']['authorities']:,}"
    if source["simulated"]:
        return f"In all {number} simulated authorities"
    return "In England" if setting(data)["country_name"] == "England" else f"In all {number} authorities"


def _counted(ends: Sequence[float | None], noun: str = "") -> str:
    """7 fewer (from 22 fewer to 8 more), rounded as the estimate is."""
    middle, low, high = ends
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return _moved((round(middle or 0.0), 0), noun)
    shown = rounded(middle or 0.0, low, high)
    return f"{_moved(shown[0], noun)} (from {_moved(shown[1])} to {_moved(shown[2])})"


def _moved(value: Shown, noun: str = "") -> str:
    """+8 → 8 more children."""
    text = signed(*value)
    bare = text.lstrip("+−")
    way = "more" if text.startswith("+") else "fewer" if text.startswith("−") else ""
    return " ".join(filter(None, (bare, way, noun)))


def _range(data: Mapping[str, Any], language: Language) -> dict[str, Any]:
    answer, outcome = data["answer"], variable(data, data["question"]["outcome"])
    if not answer["interval"]:
        # an end that is not finite is none in the record, so an unbounded set and an unknown one look alike where both are gone
        half = (data["estimate"]["lower"] is None) != (data["estimate"]["upper"] is None)
        return {"about": "range", "big": None, "lines": [capital(language.ranges["unbounded" if half else "no_range"]) + "."]}
    lines = [f"{level(data)}, {outcome['unit']}.".replace(", .", ".")]
    fits = language.ranges["fits"].format(range=answer["range"])
    before = data["verdict"]
    odd = "At face value, which the failed checks forbid: " if before["failed"] else "As an association, not an effect: " if before["association"] else ""
    lines.append(f"{odd}{fits}." if odd else f"{capital(fits)}.")
    if shared := data["estimate"].get("shared"):
        lines.append(f"It allows for shocks that places share through {listed(shared['through'])}; taken as independent they gave {_before(data, shared)}.")
    return {"about": "range", "big": answer["interval"], "lines": [*lines, *([answer["third"]] if answer["third"] else [])]}


def _before(data: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    """The effect and range of before places were found to share shocks."""
    unit = variable(data, data["question"]["outcome"])["unit"]
    return effect(shared, unit) if shared["lower"] is None else f"{effect(shared, unit)} ({interval(shared)})"


def _certainty(data: Mapping[str, Any]) -> dict[str, Any]:
    answer = data["answer"]
    said = [sentence(one) for one in answer["reasons"]]
    more = len(said) - MOST_REASONS - 1
    lines = said if more <= 0 else [*said[: MOST_REASONS + 1], f"{count(more, 'more reason')} below."]
    return {"about": "strength", "big": f"{answer['dots']} {answer['certainty']}".strip(), "lines": [answer["meaning"], *lines]}


def states(data: Mapping[str, Any]) -> dict[str, list[str]]:
    """passed, failed, not_run → names of checks; one that the design's list has and the run did not ask for was not run."""
    made: dict[str, list[str]] = {"passed": [], "failed": [], "not_run": []}
    bias = data["verdict"]["bias"]
    ran = set()
    for one in data["refutations"]:
        failed = one["survived"] is False or bias.get(one["name"]) == "failed"
        made["not_run" if one["survived"] is None else "failed" if failed else "passed"].append(one["name"])
        ran.add(one["name"])
    if data["estimate"]:
        made["not_run"] += [name for name in bias if name not in ran]
    return made


def _few(names: Sequence[str], language: Language) -> str:
    said = [language.check(name) for name in names]
    return listed(said if len(said) <= MOST_NAMES else [*said[: MOST_NAMES - 1], f"{len(said) - MOST_NAMES + 1} others"])


def _checks(data: Mapping[str, Any], language: Language) -> dict[str, Any]:
    found, bias, terms = states(data), data["verdict"]["bias"], language.terms
    if not any(found.values()) or not data["refutations"]:
        return {"about": "checks", "big": "No check", "lines": ["None was asked for, so none has been passed."]}
    total = sum(map(len, found.values()))
    lines = []
    for state in ("failed", "not_run"):
        names = sorted(found[state], key=lambda name: name not in bias)
        lines.append(f"{capital(terms[state])}: {len(names)}" + (f" ({_few(names, language)})." if names else "."))
    states_of = [bias[name] for name in bias]
    if ran := [state for state in states_of if state != "not run"]:
        lines.append(f"For bias {ran.count('passed')} of {len(ran)} {terms['passed']}.")
    lines.append("Passing is no proof.")
    return {"about": "checks", "big": f"{len(found['passed'])} of {total} {terms['passed']}", "lines": lines}


def _unsaid(data: Mapping[str, Any]) -> dict[str, Any]:
    said = [sentence(one) for one in data["answer"]["cannot_say"]]
    more = len(said) - MOST_UNSAID
    lines = said[:MOST_UNSAID] + ([f"{count(more, 'more thing')} below."] if more > 0 else [])
    return {"about": "unsaid", "big": None, "lines": lines or ["Nothing was named."]}
