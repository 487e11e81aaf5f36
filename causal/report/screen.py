"""The first screen: what the answer is, how big in people, how far off it may be, how sure, what was checked, and what it does not say.

All of it in words that need no training: those that a house style avoids stand further down the page only. Each card is made from the record alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from causal.language import Language, language_of
from causal.report.phrases import contrast, decimals, effect, exact, interval, label, level, sentence, variable, when, years
from causal.report.tables import setting
from causal.words import capital, count, listed, places, signed, span

MOST_NAMES, MOST_REASONS, MOST_UNSAID = 3, 3, 2
# what can lower the strength, by its code, the gravest first
GRAVEST = ("failed", "disagreement", "not_run", "check", "blind", "forced", "record", "estimator")


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
    return sentence(f"An effect matters here if it is {size} or more, because {question['because']}")


def facts(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cards in order: head, big, lines, and `about`, which of the five questions a card answers."""
    language = language_of(data.get("language"))
    made = [_size(data, language)]
    if data["estimate"]:
        made.append(_range(data, language))
    made += [_strength(data, language), _checks(data, language), _unsaid(data, language)]
    heads = {"size": "effect_head", "range": "range_head", "strength": "strength_head", "checks": "checks_head", "unsaid": "cannot_say_head"}
    return [{"title": language.terms[heads[one["about"]]], **one} for one in made]


def rests_on(data: Mapping[str, Any]) -> str:
    """Authorities, rows, years and source, as a sentence."""
    source, estimate, span_of = data["source"], data["estimate"], years(data)
    when_ = "no year" if not span_of else str(span_of[0]) if len(span_of) == 1 else f"{span_of[0]} to {span_of[-1]}"
    if not estimate:
        return f"Data: {source['title']}, {when_}."
    who = f"{count(estimate['authorities'], 'authority', 'authorities')}, {count(estimate['rows'], 'authority-year')}"
    return f"Rests on {who}, outcomes of {when_}. Data: {source['title']}."


def _size(data: Mapping[str, Any], language: Language) -> dict[str, Any]:
    verdict, estimate = data["verdict"], data["estimate"]
    if not estimate:
        needs = data["identification"]["blocked_by"]
        lines = [f"It would take {listed([label(data, name) for name in needs])}." if needs else "No one or two further measures would be enough."]
        return {"about": "size", "big": "No estimate", "lines": lines}
    outcome = variable(data, data["question"]["outcome"])
    means = data["design"]["means"]["outcome"]
    lines = [f"The average was {exact(means, places(means))} {outcome['unit']}."]
    if verdict["finding"] == "failed_checks":
        return {"about": "size", "big": effect(estimate, outcome["unit"]), "lines": ["Not to be used: it did not survive its checks.", *lines]}
    return {"about": "size", "big": effect(estimate, outcome["unit"]), "lines": [*people(data), *lines]}


def people(data: Mapping[str, Any]) -> list[str]:
    """The effect as people a year, in a typical authority and in all of them; none where people are not what is counted."""
    verdict, estimate, source = data["verdict"], data["estimate"], data["source"]
    if verdict["typical_effect"] is None or verdict["finding"] == "failed_checks":
        return []
    language = language_of(data.get("language"))
    outcome, counted = label(data, data["question"]["outcome"]), label(data, source["population"]) if source["population"] else "people"
    ends = [verdict[key] for key in ("typical_effect", "typical_lower", "typical_upper")]
    lines = [f"In a typical authority ({verdict['typical_population']:,.0f} {counted}), a year: {_counted(ends, language, outcome)}."]
    everyone, scale = source.get("people"), variable(data, data["question"]["outcome"])["count_per"]
    if everyone and scale:
        ends = [None if estimate[key] is None else estimate[key] * everyone["total"] / scale for key in ("effect", "lower", "upper")]
        lines.append(f"{everywhere(data)}, a year: {_counted(ends, language)}, were it the same everywhere.")
    return lines


def everywhere(data: Mapping[str, Any]) -> str:
    """All places of the data, by name."""
    source = data["source"]
    number = f"{source['people']['authorities']:,}"
    if source["simulated"]:
        return f"In all {number} simulated authorities"
    return "In England" if setting(data)["country_name"] == "England" else f"In all {number} authorities"


def _counted(ends: Sequence[float | None], language: Language, noun: str = "") -> str:
    """7 fewer (from 22 fewer to 8 more), to steps that suit the size, the range outwards."""
    known = [abs(one) for one in ends if one is not None and math.isfinite(one)]
    size = max(known, default=0.0)
    digits = 1 if size < 10 else 0
    step = 1.0 if size < 1_000 else 10.0 ** (math.floor(math.log10(size)) - 1)
    middle, low, high = ends
    said = _moved(signed(round((middle or 0.0) / step) * step, digits), language, noun)
    about = "about " if step > 1 else ""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return f"{about}{said}"
    down, up = math.floor(low / step + 1e-9) * step if step > 1 else low, math.ceil(high / step - 1e-9) * step if step > 1 else high
    first, last = (_moved(end, language) for end in span(down, up, digits).split(" to "))
    return f"{about}{said} (from {first} to {last})"


def _moved(text: str, language: Language, noun: str = "") -> str:
    """+8 → 8 more children."""
    bare = text.lstrip("+−")
    if bare == text:
        return f"{text} {noun}".strip()
    return " ".join(filter(None, (bare, language.terms["more" if text.startswith("+") else "fewer"], noun)))


def _range(data: Mapping[str, Any], language: Language) -> dict[str, Any]:
    verdict, estimate, question = data["verdict"], data["estimate"], data["question"]
    outcome = variable(data, question["outcome"])
    low, high, forms = estimate["lower"], estimate["upper"], language.ranges
    if low is None or high is None:
        # an end that is not finite is none in the record, so an unbounded set and an unknown one look alike where both are gone
        words_ = forms["none"] if low is None and high is None else forms["unbounded"]
        return {"about": "range", "big": None, "lines": [words_, forms["none"]] if words_ != forms["none"] else [words_]}
    harm = question["harm"]
    noun = language.terms["increase" if harm == "increase" else "reduction"]
    worst = high if harm == "increase" else -low
    form = "any_ruled_out" if worst <= 0 else "ruled_out" if worst < question["smallest_important"] else "not_ruled_out"
    before = {"failed_checks": forms["face_value"], "association": forms["association"]}.get(verdict["finding"], "")
    ends = interval(estimate).split(" to ")
    first, last = ends if not outcome["count_per"] else [_moved(end, language) for end in ends]
    filled = {
        "low": first,
        "high": last,
        "unit": outcome["unit"],
        "smallest": f"{question['smallest_important']:g}",
        "sees": f"{verdict['detectable'] or 0:.{decimals(verdict['detectable'])}f}",
        "harm": noun,
        "A_harm": f"{'An' if noun[:1].lower() in 'aeiou' else 'A'} {noun}",
    }
    between = forms["between"].format(**filled)
    lines = [before + (between[:1].lower() + between[1:] if before else between), forms[form].format(**filled)]
    if verdict["detectable"]:
        lines.append(forms["sees"].format(**filled))
    if shared := estimate.get("shared"):
        lines.append(f"It allows for shocks that places share through {listed(shared['through'])}; taken as independent they gave {_before(data, shared)}.")
    return {"about": "range", "big": f"{interval(estimate)}", "lines": [f"{level(data)}, {outcome['unit']}.".replace(", .", "."), *lines]}


def _before(data: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    """The effect and range of before places were found to share shocks."""
    unit = variable(data, data["question"]["outcome"])["unit"]
    return effect(shared, unit) if shared["lower"] is None else f"{effect(shared, unit)} ({interval(shared)})"


def _strength(data: Mapping[str, Any], language: Language) -> dict[str, Any]:
    verdict = data["verdict"]
    said = reasons(data, language)
    more = len(said) - MOST_REASONS - 1
    lines = said if more <= 0 else [*said[: MOST_REASONS + 1], f"{count(more, 'more reason')} below."]
    return {"about": "strength", "big": capital(language.strengths.get(verdict["strength"], verdict["strength"])), "lines": lines}


def reasons(data: Mapping[str, Any], language: Language) -> list[str]:
    """Why the evidence is as strong as it is, in short: the kind of comparison, then what lowered it, the gravest first.

    What is noted and lowers nothing stands further down the page only. A record of before reasons were facts has their sentences there too, and here
    says just that something lowered the strength.
    """
    verdict = data["verdict"]
    if data["estimate"] is None:
        return [language.reasons["none"]]
    made = [language.reasons[f"level_{verdict['maryland']}"]] if verdict.get("maryland") else []
    if "reasons" not in verdict:
        return [*made, language.reasons["further_down"]]
    found = [one for one in verdict["reasons"] if one["concern"] in GRAVEST and (one["steps"] or one["concern"] == "failed")]
    found.sort(key=lambda one: GRAVEST.index(one["concern"]))
    said = [language.reasons[one["concern"]].format(checks=_few(one["checks"], language)) for one in found]
    return made + list(dict.fromkeys(said))


def states(data: Mapping[str, Any]) -> dict[str, list[str]]:
    """passed, failed, not_run → names of checks; a decisive one that the run did not ask for was not run."""
    made: dict[str, list[str]] = {"passed": [], "failed": [], "not_run": []}
    ran = set()
    for one in data["refutations"]:
        decided = data["verdict"]["decisive"].get(one["name"])
        failed = one["survived"] is False or decided == "failed"
        made["not_run" if one["survived"] is None else "failed" if failed else "passed"].append(one["name"])
        ran.add(one["name"])
    if data["estimate"]:
        made["not_run"] += [name for name in data["verdict"]["decisive"] if name not in ran]
    return made


def _few(names: Sequence[str], language: Language, deciding: Mapping[str, str] | None = None) -> str:
    said = [language.check(name) + (" (decides)" if deciding and name in deciding else "") for name in names]
    return listed(said if len(said) <= MOST_NAMES else [*said[: MOST_NAMES - 1], f"{len(said) - MOST_NAMES + 1} others"])


def _checks(data: Mapping[str, Any], language: Language) -> dict[str, Any]:
    found, decisive, terms = states(data), data["verdict"]["decisive"], language.terms
    if not any(found.values()):
        return {"about": "checks", "big": "No check", "lines": ["None was asked for, so none has been passed."]}
    total = sum(map(len, found.values()))
    lines = []
    for state in ("failed", "not_run"):
        names = sorted(found[state], key=lambda name: name not in decisive)
        lines.append(f"{capital(terms[state])}: {len(names)}" + (f" ({_few(names, language, decisive)})." if names else "."))
    deciding = [f"{language.check(name)}, {terms[{'passed': 'passed', 'failed': 'failed', 'not run': 'not_run'}[state]]}" for name, state in decisive.items()]
    lines += [f"Those that decide: {'; '.join(deciding)}."] if deciding else []
    lines.append("Passing is no proof.")
    return {"about": "checks", "big": f"{len(found['passed'])} of {total} {terms['passed']}", "lines": lines}


def _unsaid(data: Mapping[str, Any], language: Language) -> dict[str, Any]:
    said = [sentence(one) for one in data["verdict"]["cannot_say"]]
    more = len(said) - MOST_UNSAID
    lines = said[:MOST_UNSAID] + ([f"{count(more, 'more thing')} below."] if more > 0 else [])
    return {"about": "unsaid", "big": None, "lines": lines or ["Nothing was named."]}
