"""The first screen: one answer, one picture, how certain, what it means in people, what was checked, what would change it, and the one thing to do next.

A page, a terminal and a text are all made from what is put together here, from the fields of the record alone.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from causal.language import Language, language_of
from causal.question import UNGIVEN
from causal.report.checks import made_of, states
from causal.report.figures.hero import hero
from causal.report.phrases import contrast, kept, label, not_average, plainly, planted, sentence, variable, when, years
from causal.report.tables import setting
from causal.verdict.rule import SEES, STEPS
from causal.verdict.say import Counted, counted, usual
from causal.words import capital, counted_rows, crossed, listed, units, written

WHEN = {"stock": ", on any 31 March", "flow": ", in a year", None: ""}
ON = {"stock": " on any 31 March", "flow": " in a year", None: ""}
ICONS = {"passed": ("✓", "good"), "failed": ("✗", "bad"), "not_run": ("–", "none"), "blind": ("○", "none")}
MOST_MIND, MOST_NAMES = 3, 3
DISTRIBUTION = "causal-prevention"
RUNS = {  # next step → what of the command that made the run is asked again, and how
    "measure": ("explain", ()),
    "interval": ("run", ("-m", "estimator=all")),
    "placebo_range": ("run", ("estimator=fixed_effects", "question.target=ATE")),
    "failed": ("run", ("-m", "estimator=all")),
    "hold": ("explain", ()),
    "placebos": ("run", ("refuters.placebo_treatment.draws=500", "refuters.placebo_treatment.refits=200")),
    "information": ("simulate", ()),
}
OVERRIDE = re.compile(r"[~+]*([\w/.]+)(?:$|@|=)")  # a word of a command that says what was asked, of what and how; its key
PLACEBOS = "placebo_treatment"
FOLDERS = ("--config-dir", "--trust")  # without which a user's own names would not be found
ORDER = ("record", "remedy", "hidden", "information")  # of what would change it, the first to be said


def first(data: Mapping[str, Any]) -> dict[str, Any]:
    """All that the first screen says, as words and drawings."""
    language = language_of(data.get("language"))
    answer, truth = data["answer"], planted(data)
    picture = hero(data, truth)
    return {
        "banner": banner(data),
        "kick": " · ".join((data["title"], where(data))),
        "headline": answer["headline"],
        "second": answer["second"],
        "picture": None if picture is None else {**picture, "sub": subtitle(data)},
        "asked": asked(data),
        "certainty": certainty(data, language),
        "means": means(data),
        "beside": beside(data, language),
        "checks": checks(data, language),
        "mind": mind(data),
        "next": {"words": answer.get("next") or "", "command": command(data)},
        "data": rests_on(data),
        "matters": matters(data),
        "cite": cite(data),
    }


def asked(data: Mapping[str, Any]) -> str:
    """The question in one or two sentences, with units."""
    question = data["question"]
    treatment, outcome = variable(data, question["treatment"]), variable(data, question["outcome"])
    counted = f"{outcome['label']} {outcome['unit']}".strip()
    return (
        f"Question: what does {data['action'][:1].lower()}{data['action'][1:]} do to {outcome['label']} {when(question)}{kept(data)}? "
        f"Compared: {treatment['label']}, {contrast(data)}. Counted: {counted}."
        + (f" Answered: for the {of}, not for the average." if (of := not_average(data)) else "")
    )


def parts(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The first screen as text: `about`, `title`, `lines` and the `rows` of a table, in the page's order, for files that are no page.

    Parameters
    ----------
    one : as `first` makes it.
    """
    certain, means_, found = one["certainty"], one["means"], one["checks"]
    because = [f"Main reason: {certain['because']}"] if certain["because"] else []
    made = [
        {"about": "strength", "title": f"{certain['title']} {certain['name']}", "lines": [certain["meaning"], *because, certain["design"]], "rows": []},
        {"about": "size", "title": means_["title"], "lines": [means_["said"]], "rows": [_told(row) for row in means_["rows"]]},
        {"about": "checks", "title": found["title"], "lines": [*map(_item_told, found["items"]), found["rest"]], "rows": []},
        {"about": "mind", "title": "What would change our mind", "lines": one["mind"], "rows": []},
        {"about": "next", "title": "Next step", "lines": [one["next"]["words"]], "rows": []},
    ]
    made = [{**part, "lines": [line for line in part["lines"] if line]} for part in made]
    return [part for part in made if part["lines"] or part["rows"]]


HEADS = ("Where", "Best estimate", "Range", "Matters from")  # of what it means in people


def _told(row: Mapping[str, str]) -> tuple[str, str, str, str]:
    return f"{row['where']} ({row['mini']})" if row["mini"] else row["where"], row["best"], row["range"], row["matters"]


def _item_told(item: Mapping[str, str]) -> str:
    """Drift beforehand: passed. Blind below 5.4, and 2 matters."""
    strong = f"{item['strong']}, and {item['smallest']} matters." if item["strong"] else ""
    return " ".join(filter(None, (f"{item['icon']} {item['subject']}: {item['state']}.", item["rest"], strong)))


def banner(data: Mapping[str, Any]) -> str:
    """What stands above every page of a made-up world."""
    if not data["source"]["simulated"]:
        return ""
    truth = planted(data, whole=True)
    return f"Every place and number is made up. {f'Planted truth: {truth}.' if truth else 'What was planted for this very question is not known.'}"


def where(data: Mapping[str, Any]) -> str:
    """England, 2012 to 2019."""
    span_of = [year for year in years(data) if year]
    country = setting(data)["country_name"]
    used = data["estimate"] or data["design"]
    number = used["authorities"] if used else len(data["source"]["places"])
    place = "simulated authorities" if data["source"]["simulated"] else country if country == "England" else units(number, data["source"]["years"])
    return ", ".join(filter(None, (place, "" if not span_of else str(span_of[0]) if len(span_of) == 1 else f"{span_of[0]} to {span_of[-1]}")))


def subtitle(data: Mapping[str, Any]) -> str:
    """Change in children on plans on any 31 March, per 10,000 children, a year later."""
    outcome = variable(data, data["question"]["outcome"])
    noun = outcome.get("short") or outcome["label"]
    return ", ".join(filter(None, (f"Change in {noun}{ON[outcome.get('counts')]}", outcome["unit"], when(data["question"]) + kept(data))))


def certainty(data: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """Step, its four places, what it means, the gravest reason, and the kind of comparison."""
    verdict, answer = data["verdict"], data["answer"]
    step = verdict["certainty"]
    names = [language.certainties[name] for name in STEPS]
    steps = [] if step is None else [{"name": name, "on": at <= step, "here": at == step} for at, name in enumerate(names)]
    reasons = list(answer["reasons"])
    because = answer["because"] or (reasons[1] if step is None and len(reasons) > 1 else "")
    return {
        "title": language.terms["certainty_head"],
        "name": answer["certainty"],
        "dots": answer["dots"],
        "steps": steps,
        "alt": "" if step is None else f"Certainty: {answer['certainty'].lower()}, step {step + 1} of {len(names)}",
        "meaning": sentence(answer["meaning"]) if answer["meaning"] else "",
        "because": plainly(data, because) if because else "",
        "design": plainly(data, reasons[0]) if reasons else "",
    }


def beside(data: Mapping[str, Any], language: Language) -> str:
    """What other methods answer, and that agreement is no proof; "" where none was asked."""
    said = list(data["answer"].get("beside", ()))
    if any(one["stand"] in ("same", "agrees") for one in data["beside"]):
        said.append(language.voices["together"])
    return " ".join(said)


def means(data: Mapping[str, Any]) -> dict[str, Any]:
    """The effect per 10,000, in a typical authority and in all of them; a sentence where it is not to be used."""
    verdict, estimate, question, answer = data["verdict"], data["estimate"], data["question"], data["answer"]
    outcome = variable(data, question["outcome"])
    smallest = question["smallest_important"]
    population = data["source"]["population"]
    people = (variable(data, population)["unit"] or label(data, population)) if population else "people"
    of = not_average(data)  # of which no people in a place can be made
    scalable = not of and bool(outcome["count_per"]) and verdict["typical_population"] is not None
    big = language_of(data.get("language")).terms["effect_head"]
    title = f"What it means in {people}{WHEN[outcome.get('counts')]}" if scalable else big
    if not estimate:
        return {"title": big, "said": sentence(answer["second"]), "rows": []}
    if verdict["failed"] or verdict["gate"]:
        why = "it failed its checks" if verdict["failed"] else "its error is unknown"
        return {"title": title, "said": f"{capital(answer['size'])}: not to be used, since {why}.", "rows": []}
    per = f"Per {outcome['count_per']:,.0f}" if outcome["count_per"] else capital(outcome["unit"]) or "As counted"
    rows = [
        {
            "where": per,
            "mini": of,
            "best": answer.get("moved") or answer["signed"],
            "range": answer["range"] or "not known",
            "matters": written(smallest),
        }
    ]
    if scalable:
        rows.append(_place("Typical authority", f"{_round(verdict['typical_population'])} {people}", _people(data, verdict["typical_population"])))
        everyone = data["source"].get("people")
        if everyone:
            rows.append(_place(everywhere(data), f"{_millions(everyone['total'])}, if alike", _people(data, everyone["total"])))
    return {"title": title, "said": "", "rows": [*rows, *_odds(estimate)]}


def _odds(estimate: Mapping[str, Any]) -> list[dict[str, str]]:
    """The ratio of odds beside the effect, as others publish it, where the estimate has one."""
    odds, lower, upper = (estimate["diagnostics"].get(name) for name in ("odds ratio", "odds ratio, lower", "odds ratio, upper"))
    if odds is None or lower is None or upper is None:
        return []
    return [{"where": "Odds, as a ratio", "mini": "1 is no change", "best": f"{odds:.2f}", "range": f"{lower:.2f} to {upper:.2f}", "matters": "–"}]


def _people(data: Mapping[str, Any], population: float) -> Counted:
    estimate, question = data["estimate"], data["question"]
    scale = population / variable(data, question["outcome"])["count_per"]
    return counted(estimate["effect"], estimate["lower"], estimate["upper"], question["smallest_important"], scale)


def _place(name: str, mini: str, made: Counted) -> dict[str, str]:
    return {"where": name, "mini": mini, "best": made.best, "range": made.range or "not known", "matters": made.matters}


def _round(people: float) -> str:
    """56,000: two figures are enough for how large a place is."""
    return f"{float(f'{people:.2g}'):,.0f}"


def _millions(people: float) -> str:
    if people < 1e6:
        return _round(people)
    return f"{people / 1e6:.2g} million" if people < 1e8 else f"{people / 1e6:,.0f} million"


def everywhere(data: Mapping[str, Any]) -> str:
    """All places of the data, by name."""
    source = data["source"]
    number = f"{source['people']['authorities']:,}"
    if source["simulated"]:
        return f"All {number} simulated places"
    if setting(data)["country_name"] == "England":
        return "England"
    return f"All {units(source['people']['authorities'], source['years'])}"


def typical(data: Mapping[str, Any]) -> str:
    """22 more on any 31 March in a typical authority of 59,000 (range: …); "" where people are not what is counted, or there is no answer."""
    outcome, population = variable(data, data["question"]["outcome"]), data["verdict"]["typical_population"]
    rows = means(data)["rows"]
    if len(rows) < 2 or not outcome["count_per"] or population is None:
        return ""
    one = rows[1]
    return f"{one['best']}{ON[outcome.get('counts')]} in a typical authority of {_round(population)} (range: {one['range']})"


def checks(data: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """Checks of bias one by one, the others counted.

    Parameters
    ----------
    data : a record.
    language : names of checks, and terms.
    """
    verdict, found = data["verdict"], {one["name"]: one for one in data["refutations"]}
    bias, smallest = verdict["bias"], data["question"]["smallest_important"]
    by_state = states(data)
    items = []
    title = language.terms["checks_head"]
    if not found:
        words = "None was asked for, so none has been passed." if data["estimate"] else "Nothing could be checked, since there is no estimate."
        return {"title": title, "items": [], "rest": words, "passed": 0, "of": 0, "failed": 0, "bias_passed": 0, "bias_of": 0}
    together: list[str] = []
    for name in [name for state in ("failed", "passed") for name in bias if name in by_state[state]]:
        one, state = found[name], "failed" if name in by_state["failed"] else "passed"
        blind, subject = one.get("blind_below"), capital(language.check(name))
        if state == "failed":
            off = f"It found a bias of {usual(abs(one['bias']))}." if one.get("bias") else "How large a bias it found is not known."
            items.append(_item(state, subject, language.terms["failed"], off))
        elif one.get("role") in SEES:
            sees = "" if not blind else f"Sees a bias of {usual(blind)} or more." if blind < smallest else ""
            strong = f"But blind below {usual(blind)}" if blind and blind >= smallest else ""
            items.append({**_item("blind" if strong else state, subject, language.terms["passed"], sees, strong), "smallest": written(smallest)})
        else:
            together.append(language.check(name))
    if together:
        items.append(_item("passed", capital(listed(together)), language.terms["passed"]))
    if missing := [name for name in by_state["not_run"] if name in bias]:
        items.append(_item("not_run", capital(listed([language.check(name) for name in missing])), language.terms["not_run"]))
    others = {state: [name for name in names if name not in bias] for state, names in by_state.items()}
    if failed := others.pop("failed"):  # of whatever kind: what failed is seen, not counted
        behind = sum(name in by_state["failed"] for name in bias)
        items.insert(behind, _item("failed", capital(listed([language.check(name) for name in failed])), language.terms["failed"]))
    said = [f"{len(others['passed'])} other{'s' if len(others['passed']) != 1 else ''} {language.terms['passed']}"]
    if names := [language.check(name) for name in others["not_run"]]:
        few = listed(names) if len(names) <= MOST_NAMES else listed([*names[: MOST_NAMES - 1], "others"])
        said.append(f"{len(names)} {language.terms['not_run']} ({few})")
    counted_others = f"{', '.join(said)}. " if any(others.values()) else ""
    ran = [name for name in bias if name not in by_state["not_run"]]
    return {
        "title": title,
        "items": items,
        "rest": " ".join(filter(None, (f"{counted_others}Passing is no proof.", made_of(data)))),
        "passed": len(by_state["passed"]),
        "of": sum(map(len, by_state.values())),
        "failed": len(by_state["failed"]),
        "bias_passed": sum(name in by_state["passed"] for name in bias),
        "bias_of": len(ran),
    }


def _item(state: str, subject: str, word: str, rest: str = "", strong: str = "") -> dict[str, str]:
    icon, colour = ICONS[state]
    return {"icon": icon, "colour": colour, "subject": subject, "state": word, "rest": rest, "strong": strong, "smallest": ""}


def mind(data: Mapping[str, Any]) -> list[str]:
    """What would change the answer: a better record, a hidden cause, a sharper study, and then the rest."""
    facts, said = data["verdict"]["would_change"], data["answer"]["would_change"]
    both = [(one["code"], plainly(data, words)) for one, words in zip(facts, said, strict=False)]
    both.sort(key=lambda one: ORDER.index(one[0]) if one[0] in ORDER else len(ORDER))
    if both:
        under = plainly(data, data["answer"].get("next") or "").rstrip(".").lower()
        other = [words for _, words in both if words.rstrip(".").lower() != under]  # what stands under the next step is not said twice
        return (other or [words for _, words in both])[:MOST_MIND]
    verdict = data["verdict"]
    if verdict["association"]:
        return ["A comparison in which what the drawn causes ask for is held fixed."]
    lost = verdict["failed"] or verdict["gate"]
    return ["A comparison that passes, over other places or years." if lost else "Other data, or a check that does not pass."]


def command(data: Mapping[str, Any]) -> str:
    """The command of the next step; "" where no command does it."""
    given, code = data["provenance"].get("command"), (data["verdict"].get("next") or {}).get("code")
    if code not in RUNS or not isinstance(given, list):
        return ""
    verb, more = RUNS[code]
    words = [str(word) for word in given[2:]]
    own = [word for at, flag in enumerate(words[:-1]) if flag in FOLDERS for word in (flag, words[at + 1])]
    behind = {at + 1 for at, flag in enumerate(words) if flag in FOLDERS}
    asked = [word for at, word in enumerate(words) if at not in behind and _key(word) not in ("", "protocol")]
    if code == "placebos":
        asked = _with_placebos(asked, [one["name"] for one in data["refutations"]])
    kept = [word for word in asked if not any(_replaced(word, other) for other in more)]
    return shlex.join(["causal", verb, *own, *kept, *more]) if any(_key(word) == "experiment" for word in kept) else ""


def _key(word: str) -> str:
    found = OVERRIDE.match(word)
    return found[1] if found else ""


def _replaced(word: str, by: str) -> bool:
    """Whether another override stands in the place of this one; another choice of a group takes the knobs of the first with it."""
    key, other = _key(word), _key(by)
    return key == other or (other == "estimator" and key.startswith("estimator."))


def _with_placebos(words: list[str], asked: list[str]) -> list[str]:
    """The words with placebos among their checks, whose knobs could not be set otherwise."""
    if PLACEBOS in asked:
        return words
    words = [word for word in words if word not in ("~refuters", f"~refuters.{PLACEBOS}")]
    lists = [at for at, word in enumerate(words) if word.startswith("refuters=")]
    if not lists:
        return words
    chosen = [name.strip() for name in words[lists[-1]].partition("=")[2].strip("[]").split(",")]
    words[lists[-1]] = f"refuters=[{','.join([name for name in chosen if name not in ('', '{}', 'null', 'none')] + [PLACEBOS])}]"
    return words


def rests_on(data: Mapping[str, Any]) -> str:
    """Source, authorities and rows that the estimate used, as a sentence."""
    source, estimate = data["source"], data["estimate"]
    if not estimate:
        return sentence(capital(source["title"]))
    cross = crossed(source["years"])
    rows = counted_rows(estimate["rows"], source["years"])
    who = rows if cross else f"{units(estimate['authorities'], source['years'])}, {rows}"
    return f"{capital(source['title'])}; {who}."


def matters(data: Mapping[str, Any]) -> str:
    """What counts as important, and why."""
    question = data["question"]
    size = f"{written(question['smallest_important'])} {variable(data, question['outcome'])['unit']}".strip()
    return sentence(f"{size}; {UNGIVEN}" if question["because"] == UNGIVEN else f"{size} or more, because {question['because']}")


def cite(data: Mapping[str, Any]) -> str:
    """How to cite the run."""
    given, title = data["provenance"], data["title"]
    version = (given.get("versions") or {}).get(DISTRIBUTION, "")
    commit = str(given.get("commit") or "")[:7]
    began = (given.get("times") or {}).get("started")
    text = " ".join(filter(None, (DISTRIBUTION, version, f"({commit})" if commit else "")))
    day = _day(str(began)) if began else ""
    return ", ".join(filter(None, (text, f"“{title}”", f"run {day}" if day else "", f"data {data['source']['digest'][:8]}"))) + "."


def _day(began: str) -> str:
    try:
        at = datetime.fromisoformat(began)
    except ValueError:
        return ""
    return f"{at.day} {at:%B %Y}"
